/** What cannot work is one clear error, and nothing was changed when it comes. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { describe, expect, it } from 'vitest';
import type { Pair } from '../../src/data-motion.ts';
import type { DataMotionError } from '../../src/errors.ts';
import { ConfigError, MirrorError, OntapError } from '../../src/errors.ts';
import { createDataMotion, readConfiguration } from '../../src/index.ts';
import type { SimulatedCluster, SimulatedOntap } from '../../src/testing/index.ts';
import { failure, GROUP, MIB, nativeConfiguration, Stage, type StageOptions } from '../scenarios/harness.ts';

interface Expected {
  readonly family: typeof ConfigError | typeof OntapError | typeof MirrorError;
  readonly code: string;
  readonly cluster?: string;
  readonly object?: string;
  /** Words of message or remedy that the reader cannot do without. */
  readonly says: readonly string[];
}

interface Case {
  readonly options?: StageOptions;
  readonly prepare?: (stage: Stage) => unknown;
  readonly pair?: Pair;
  readonly create?: { readonly policy?: string; readonly transferSchedule?: string };
  readonly expected: Expected;
}

const pairOf = (source: string, volume: string, destination: string): Pair => ({
  source: { backend: source, volume },
  destination: { backend: destination },
});

/** Changes the peering of the two SVMs as the destination's cluster has it. */
async function peering(stage: Stage, method: string, body?: object): Promise<void> {
  const [peer] = await stage.read(stage.west, '/svm/peers');
  await stage.raw(stage.west, method, `/svm/peers/${peer.uuid}`, body);
}

const CASES: Readonly<Record<string, Case>> = {
  'an unknown backend': {
    pair: pairOf('nowhere', 'vol1', 'west'),
    expected: { family: ConfigError, code: 'CONFIG_BACKEND_UNKNOWN', object: 'nowhere', says: ['east, west'] },
  },
  'an unknown target': {
    pair: pairOf('east', 'vol1', 'nowhere'),
    expected: { family: ConfigError, code: 'CONFIG_TARGET_UNKNOWN', object: 'east', says: ['nowhere', 'west'] },
  },
  'a backend as its own target': {
    pair: pairOf('east', 'vol1', 'EAST'),
    expected: { family: ConfigError, code: 'CONFIG_TARGET_IS_SELF', object: 'east', says: ['its own', 'west'] },
  },
  'an aggregate without a place at the target': {
    options: { east: { targets: [{ backend: 'west', aggregates: { aggr2: 'aggr2' } }] } },
    expected: {
      family: ConfigError,
      code: 'CONFIG_AGGREGATE_UNMAPPED',
      object: 'east',
      says: ['aggr1', 'netapp_replication_aggregate_map = backend_id:west'],
    },
  },
  'a password that is wrong': {
    options: { west: { password: 'guessed' } },
    expected: {
      family: OntapError,
      code: 'ONTAP_UNAUTHENTICATED',
      cluster: 'cluster2.sim',
      says: ['user and password'],
    },
  },
  'an account that may not': {
    options: {
      west: { user: 'nobody', password: 'x' },
      world: {
        clusters: [
          { name: 'cluster1', svms: ['svm1'] },
          { name: 'cluster2', svms: ['svm1_dr'], users: [{ name: 'nobody', password: 'x', role: 'none' }] },
        ],
      },
    },
    expected: { family: OntapError, code: 'ONTAP_DENIED', cluster: 'cluster2.sim', says: ['role'] },
  },
  'an account that may only look': {
    options: {
      west: { user: 'reader', password: 'x' },
      world: {
        clusters: [
          { name: 'cluster1', svms: ['svm1'] },
          { name: 'cluster2', svms: ['svm1_dr'], users: [{ name: 'reader', password: 'x', role: 'readonly' }] },
        ],
      },
    },
    expected: {
      family: OntapError,
      code: 'ONTAP_DENIED',
      cluster: 'cluster2.sim',
      object: 'svm1_dr:vol1',
      says: ['create the volume', 'role'],
    },
  },
  'a cluster that refuses connections': {
    prepare: ({ west }) => west.kill(),
    expected: {
      family: OntapError,
      code: 'ONTAP_UNREACHABLE',
      cluster: 'cluster2.sim',
      says: ['ECONNREFUSED', 'host and port'],
    },
  },
  'a host that nobody knows': {
    options: { west: { host: 'misspelt.sim' } },
    expected: { family: OntapError, code: 'ONTAP_UNREACHABLE', cluster: 'misspelt.sim', says: ['name'] },
  },
  'an ONTAP that is too old': {
    options: {
      world: {
        clusters: [
          { name: 'cluster1', svms: ['svm1'], version: '9.11.1' },
          { name: 'cluster2', svms: ['svm1_dr'] },
        ],
      },
    },
    expected: {
      family: OntapError,
      code: 'ONTAP_TOO_OLD',
      cluster: 'cluster1.sim',
      object: 'cluster1',
      says: ['9.11.1', '9.12.1'],
    },
  },
  'an SVM that does not exist': {
    options: { west: { svm: 'svm_misspelt' } },
    expected: {
      family: OntapError,
      code: 'ONTAP_NOT_FOUND',
      cluster: 'cluster2.sim',
      object: 'svm_misspelt',
      says: ['cluster2', 'netapp_vserver'],
    },
  },
  'a source volume that does not exist': {
    pair: pairOf('east', 'nothing', 'west'),
    expected: {
      family: MirrorError,
      code: 'MIRROR_VOLUME_NOT_FOUND',
      cluster: 'cluster1.sim',
      object: 'svm1:nothing -> svm1_dr:nothing',
      says: ['nothing', 'svm1'],
    },
  },
  'a FlexGroup and a policy that is synchronous': {
    prepare: (stage) => stage.flexgroup(),
    pair: GROUP,
    create: { policy: 'Sync' },
    expected: {
      family: MirrorError,
      code: 'MIRROR_POLICY_UNSUPPORTED',
      cluster: 'cluster2.sim',
      object: 'Sync',
      says: ['Sync', 'FlexGroup'],
    },
  },
  'a FlexGroup and a destination volume that is none': {
    prepare: async (stage) => {
      await stage.flexgroup();
      stage.west.createVolume({ svm: 'svm1_dr', name: 'group', sizeBytes: 1000 * MIB, type: 'dp' });
    },
    pair: GROUP,
    expected: {
      family: MirrorError,
      code: 'MIRROR_VOLUME_WRONG_TYPE',
      cluster: 'cluster2.sim',
      object: 'svm1_dr:group',
      says: ['flexvol', 'flexgroup'],
    },
  },
  'a FlexGroup and a destination of another geometry': {
    prepare: async (stage) => {
      await stage.flexgroup();
      const { aggregates } = stage.west;
      const other = { name: 'group', sizeBytes: 1000 * MIB, style: 'flexgroup', type: 'dp', aggregates } as const;
      stage.west.createVolume({ svm: 'svm1_dr', ...other });
    },
    pair: GROUP,
    expected: {
      family: MirrorError,
      code: 'MIRROR_VOLUME_WRONG_TYPE',
      cluster: 'cluster2.sim',
      object: 'svm1_dr:group',
      says: ['2 constituents', 'its source 4'],
    },
  },
  'a source volume that is a load-sharing mirror': {
    prepare: (stage) => {
      stage.intercept = async (request, send) => {
        const response = await send(request);
        if (!request.url.includes('/storage/volumes')) return response;
        const { records, ...rest } = (await response.json()) as { records: object[] };
        return Response.json({ ...rest, records: records.map((record) => ({ ...record, type: 'ls' })) });
      };
    },
    expected: {
      family: MirrorError,
      code: 'MIRROR_VOLUME_WRONG_TYPE',
      cluster: 'cluster1.sim',
      object: 'svm1:vol1 -> svm1_dr:vol1',
      says: ['load-sharing', 'copy of'],
    },
  },
  'a destination volume that is in use': {
    prepare: ({ west }) => west.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB }),
    expected: {
      family: MirrorError,
      code: 'MIRROR_VOLUME_WRONG_TYPE',
      cluster: 'cluster2.sim',
      object: 'svm1_dr:vol1',
      says: ['rw', 'another destination volume'],
    },
  },
  'a destination volume that mirrors another': {
    prepare: async (stage) => {
      stage.east.createVolume({ svm: 'svm1', name: 'other', sizeBytes: 100 * MIB });
      const other = { source: { backend: 'east', volume: 'other' }, destination: { backend: 'west', volume: 'vol1' } };
      await stage.dataMotion.createSnapmirror(other);
    },
    expected: {
      family: MirrorError,
      code: 'MIRROR_CONFLICT',
      cluster: 'cluster2.sim',
      object: 'svm1:vol1 -> svm1_dr:vol1',
      says: ['svm1:other', 'another destination volume'],
    },
  },
  'SVMs that are not peered': {
    prepare: (stage) => peering(stage, 'DELETE'),
    expected: {
      family: MirrorError,
      code: 'MIRROR_SVMS_NOT_PEERED',
      cluster: 'cluster2.sim',
      object: 'svm1_dr <-> svm1',
      says: ['not peered', 'snapmirror', 'both clusters'],
    },
  },
  'SVMs that are peered for something else': {
    prepare: (stage) => peering(stage, 'PATCH', { applications: ['flexcache'] }),
    expected: {
      family: MirrorError,
      code: 'MIRROR_SVMS_NOT_PEERED',
      cluster: 'cluster2.sim',
      object: 'svm1_dr <-> svm1',
      says: ['application snapmirror'],
    },
  },
  'SVMs whose peering nobody has accepted': {
    prepare: async (stage) => {
      await peering(stage, 'DELETE');
      const body = {
        svm: { name: 'svm1' },
        peer: { svm: { name: 'svm1_dr' }, cluster: { name: 'cluster2' } },
        applications: ['snapmirror'],
      };
      await stage.raw(stage.east, 'POST', '/svm/peers', body);
    },
    expected: {
      family: MirrorError,
      code: 'MIRROR_SVMS_NOT_PEERED',
      cluster: 'cluster2.sim',
      object: 'svm1_dr <-> svm1',
      says: ['pending', 'both clusters'],
    },
  },
  'an unknown policy': {
    create: { policy: 'Misspelt' },
    expected: {
      family: MirrorError,
      code: 'MIRROR_POLICY_UNKNOWN',
      cluster: 'cluster2.sim',
      object: 'Misspelt',
      says: ['netapp_replication_policy'],
    },
  },
  'a policy of automated failover': {
    create: { policy: 'AutomatedFailOver' },
    expected: {
      family: MirrorError,
      code: 'MIRROR_POLICY_UNSUPPORTED',
      cluster: 'cluster2.sim',
      object: 'AutomatedFailOver',
      says: ['automated_failover', 'asynchronous or a synchronous'],
    },
  },
  'a continuous policy': {
    create: { policy: 'Continuous' },
    expected: {
      family: MirrorError,
      code: 'MIRROR_POLICY_UNSUPPORTED',
      cluster: 'cluster2.sim',
      object: 'Continuous',
      says: ['continuous'],
    },
  },
  'an unknown schedule': {
    create: { transferSchedule: 'sometimes' },
    expected: {
      family: MirrorError,
      code: 'MIRROR_SCHEDULE_UNKNOWN',
      cluster: 'cluster2.sim',
      object: 'sometimes',
      says: ['MirrorAllSnapshots', 'create it'],
    },
  },
};

function expectClear(error: DataMotionError, { family, code, cluster, object, says }: Expected): void {
  expect(error).toBeInstanceOf(family);
  expect(error).toMatchObject({ code, ...(object === undefined ? {} : { object }) });
  expect(error.cluster?.replace(/:443$/, '')).toBe(cluster);
  expect(error.remedy?.length).toBeGreaterThan(10);
  for (const words of says) expect(`${error.message} ${error.remedy}`).toContain(words);
}

describe('createSnapmirror changes nothing and says why with', () => {
  it.each(Object.keys(CASES))('%s', async (name) => {
    const { options, prepare, pair, create, expected } = CASES[name] as Case;
    await using stage = await Stage.open(options);
    await prepare?.(stage);
    const [before, changes] = [await stage.remains(), stage.changes.filter(({ status }) => status < 300).length];
    expectClear(await failure(() => stage.dataMotion.createSnapmirror(pair ?? stage.pair, create)), expected);
    expect(stage.changes.filter(({ status }) => status < 300)).toHaveLength(changes);
    if (name !== 'an account that may only look') {
      expect(stage.changes.filter(({ status }) => status >= 300)).toEqual([]);
    }
    expect(await stage.remains()).toEqual(before);
  });
});

describe('every other verb changes nothing and says why', () => {
  type Verb = 'updateSnapmirror' | 'quiesceThenAbort' | 'breakSnapmirror' | 'resyncSnapmirror' | 'resumeSnapmirror';
  const VERBS: readonly (Verb | 'deleteSnapmirror')[] = [
    'updateSnapmirror',
    'quiesceThenAbort',
    'breakSnapmirror',
    'resyncSnapmirror',
    'resumeSnapmirror',
    'deleteSnapmirror',
  ];

  it.each(VERBS)('%s with unknown names, wrong credentials, a missing SVM, a dead destination', async (verb) => {
    const names = ['an unknown backend', 'an unknown target', 'a backend as its own target'];
    const access = ['a password that is wrong', 'an account that may not', 'a host that nobody knows'];
    const rest = ['a cluster that refuses connections', 'an SVM that does not exist'];
    // Where the destination mirrors another source by now, a delete finds nothing of its own there.
    const others = verb === 'deleteSnapmirror' ? [] : ['a destination volume that mirrors another'];
    for (const name of [...names, ...access, ...rest, ...others]) {
      const { options, prepare, pair, expected } = CASES[name] as Case;
      await using stage = await Stage.open(options);
      await prepare?.(stage);
      const changes = stage.changes.length;
      expectClear(await failure(() => stage.dataMotion[verb](pair ?? stage.pair)), expected);
      expect(stage.changes, name).toHaveLength(changes);
    }
  });

  it.each(VERBS.filter((verb) => verb !== 'deleteSnapmirror'))('%s without a relationship', async (verb) => {
    await using stage = await Stage.open();
    expectClear(await failure(() => stage.dataMotion[verb](stage.pair)), {
      family: MirrorError,
      code: 'MIRROR_NOT_FOUND',
      cluster: 'cluster2.sim',
      object: 'svm1:vol1 -> svm1_dr:vol1',
      says: ['no relationship', 'create'],
    });
    expect(stage.changes).toEqual([]);
  });

  it.each(['updateSnapmirror', 'quiesceThenAbort', 'breakSnapmirror', 'resyncSnapmirror', 'resumeSnapmirror'] as const)(
    '%s of a relationship that never had a baseline',
    async (verb) => {
      await using stage = await Stage.open();
      await stage.dataMotion.createDestinationFlexvol(stage.pair);
      const ends = { source: { path: 'svm1:vol1' }, destination: { path: 'svm1_dr:vol1' } };
      await stage.raw(stage.west, 'POST', '/snapmirror/relationships', ends);
      const changes = stage.changes.length;
      const error = await failure(() => stage.dataMotion[verb](stage.pair));
      expectClear(error, {
        family: MirrorError,
        code: 'MIRROR_ILLEGAL_EVENT',
        cluster: 'cluster2.sim',
        object: 'svm1:vol1 -> svm1_dr:vol1',
        says: ['baseline', 'initialize'],
      });
      expect(error).toMatchObject({ state: 'uninitialized' });
      expect(stage.changes).toHaveLength(changes);
    },
  );
});

describe('the way to a cluster', () => {
  /** By the system's clock: handshakes and name services take real time. */
  async function over(world: SimulatedOntap, west: object, ca: string | undefined): Promise<DataMotionError> {
    const native = nativeConfiguration(world, { west });
    await using dataMotion = createDataMotion(readConfiguration(native), {
      secretsOf: async () => ({ auth: { user: 'admin', password: 'simulated' }, ca, notes: [] }),
    });
    return failure(() => dataMotion.breakSnapmirror(pairOf('east', 'vol1', 'west')));
  }

  it('works over TLS with a trusted certificate, by password', async () => {
    await using stage = await Stage.open({ front: 'https' });
    const error = await over(stage.world, { host: 'localhost' }, stage.world.tls?.ca);
    expect(error).toMatchObject({ code: 'MIRROR_NOT_FOUND' });
  });

  it('a certificate that nobody trusts', async () => {
    await using stage = await Stage.open({ front: 'https' });
    const error = await over(stage.world, { host: 'localhost' }, undefined);
    const { port } = new URL(stage.west.url);
    expectClear(error, { family: OntapError, code: 'ONTAP_TLS', cluster: `localhost:${port}`, says: ['tls.ca'] });
    expect(stage.world.requests).toEqual([]);
  });

  /** Every cluster is logged in to with the certificate that `of` gives for it. */
  function byCertificate(world: SimulatedOntap, of: (cluster: SimulatedCluster) => { cert: string; key: string }) {
    return createDataMotion(readConfiguration(nativeConfiguration(world)), {
      secretsOf: async ({ name }) => {
        const { cert: certificate, key } = of(world.cluster(name === 'east' ? 'cluster1' : 'cluster2'));
        return { auth: { certificate, key }, ca: world.tls?.ca, notes: [] };
      },
    });
  }

  it('works by client certificate, without any password', async () => {
    await using stage = await Stage.open({ front: 'https' });
    await using dataMotion = byCertificate(stage.world, (cluster) => cluster.clientCertificate());
    expect((await dataMotion.getPools('east')).map(({ name }) => name)).toEqual(['vol1']);
    expect(await dataMotion.getSnapmirrors({ source: 'east', target: 'west' })).toEqual([]);
    expect(new Set(stage.world.requests.map(({ cluster }) => cluster))).toEqual(new Set(['cluster1', 'cluster2']));
    expect(stage.world.requests.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('a client certificate that the cluster does not know', async () => {
    await using stage = await Stage.open({ front: 'https' });
    await using elsewhere = await Stage.open({ front: 'https' });
    const stranger = elsewhere.west.clientCertificate();
    await using dataMotion = byCertificate(stage.world, () => stranger);
    expectClear(await failure(() => dataMotion.breakSnapmirror(stage.pair)), {
      family: OntapError,
      code: 'ONTAP_UNAUTHENTICATED',
      cluster: new URL(stage.west.url).host,
      says: ['certificate'],
    });
    expect(stage.changes).toEqual([]);
  });

  it('a certificate for another host', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'elsewhere.example.com' }], {
      keyType: 'ec',
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames: [{ type: 2, value: 'elsewhere.example.com' }] },
      ],
    });
    let requests = 0;
    const server = createServer({ cert, key }, () => requests++).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using _ = { [Symbol.asyncDispose]: async () => void server.close() };
    const { port } = server.address() as AddressInfo;
    await using stage = await Stage.open({ front: 'https' });
    const error = await over(stage.world, { host: 'localhost', port }, cert);
    expectClear(error, { family: OntapError, code: 'ONTAP_TLS', cluster: `localhost:${port}`, says: ['host name'] });
    expect([requests, stage.world.requests.length]).toEqual([0, 0]);
  });

  it('a port where nobody listens', async () => {
    await using stage = await Stage.open({ front: 'http' });
    const { host } = new URL(stage.west.url);
    await stage.world.close();
    expectClear(await failure(() => stage.dataMotion.breakSnapmirror(stage.pair)), {
      family: OntapError,
      code: 'ONTAP_UNREACHABLE',
      cluster: host,
      says: ['ECONNREFUSED', 'host and port'],
    });
  });
});

describe('a configuration that cannot be used', () => {
  it('is refused with every problem at once, before anything is asked of a cluster', async () => {
    const text = [
      '[DEFAULT]',
      'enabled_backends = east',
      '[east]',
      'volume_driver = cinder.volume.drivers.netapp.common.NetAppDriver',
      'netapp_storage_family = ontap_cluster',
      'netapp_server_port = lots',
      'replication_device = backend_id:west',
    ].join('\n');
    const error = await failure(async () => readConfiguration(text));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.code).toBe('CONFIG_INVALID');
    const { problems } = error as ConfigError;
    for (const option of ['netapp_server_hostname', 'netapp_vserver', 'netapp_server_port', 'replication_device']) {
      expect(problems.map((problem) => problem.option)).toContain(option);
    }
    expect(problems.find(({ option }) => option === 'netapp_server_port')).toMatchObject({ section: 'east', line: 6 });
  });
});
