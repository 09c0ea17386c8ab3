import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ClusterSpec,
  type LoggedRequest,
  SimulatedOntap,
  type SimulatedOntapOptions,
} from '../../src/testing/index.ts';
import { nativeConfiguration } from '../scenarios/harness.ts';
import { call } from '../testing/raw-client.ts';
import { cinderConf, datamotion, Folder, type Ran } from './command-line.ts';

const MIB = 2 ** 20;

/** What the command line makes of every kind of bad input: one readable line, what to do, and the right exit code. */
describe('bad input on the command line', () => {
  const world = new SimulatedOntap();
  const folder = new Folder();

  beforeAll(async () => {
    await world.listen();
    world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 16 * MIB });
    world.cluster('cluster2').createVolume({ svm: 'svm1_dr', name: 'vol9', sizeBytes: 16 * MIB });
    world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol9', sizeBytes: 16 * MIB });
  });
  afterAll(async () => {
    await world.close();
    folder[Symbol.dispose]();
  });

  let files = 0;
  const conf = (changes: Parameters<typeof cinderConf>[1] = {}, edit: (text: string) => string = (text) => text) =>
    folder.file(`${++files}.conf`, edit(cinderConf(world, changes)));
  const ensure = (config: string, ...rest: string[]) =>
    datamotion(['ensure', '--config', config, '--backend', 'east', '--volume', 'vol1', ...rest]);

  const cases: readonly {
    readonly name: string;
    readonly run: () => ReturnType<typeof datamotion>;
    readonly exitCode: number;
    readonly says: readonly RegExp[];
  }[] = [
    {
      name: 'no such file',
      run: () => ensure('/nonexistent/cinder.conf'),
      exitCode: 2,
      says: [/CONFIG_UNREADABLE/, /what to do/],
    },
    {
      name: 'a malformed configuration: every problem with its line',
      run: () =>
        ensure(
          conf({}, (text) => text.replace(/netapp_server_port = .*/, 'netapp_server_port = many').concat('\n???\n')),
        ),
      exitCode: 2,
      says: [/CONFIG_INVALID/, /:9: \[east\] netapp_server_port/, /:26: \[west\] the line sets nothing/],
    },
    {
      name: 'an unknown backend',
      run: () => datamotion(['status', '--config', conf(), '--backend', 'north']),
      exitCode: 2,
      says: [/north/, /CONFIG_BACKEND_UNKNOWN/, /east, west/],
    },
    {
      name: 'an unknown target',
      run: () => ensure(conf(), '--target', 'north'),
      exitCode: 2,
      says: [/CONFIG_TARGET_UNKNOWN/, /what to do/],
    },
    {
      name: 'the backend as its own target',
      run: () => ensure(conf(), '--target', 'east'),
      exitCode: 2,
      says: [/CONFIG_TARGET_IS_SELF/],
    },
    {
      name: 'a source aggregate without a destination',
      run: () => ensure(conf({ map: 'aggr7:aggr1' })),
      exitCode: 2,
      says: [/CONFIG_AGGREGATE_UNMAPPED/, /netapp_replication_aggregate_map = backend_id:west/],
    },
    {
      name: 'a wrong password',
      run: () => ensure(conf({}, (text) => text.replaceAll(/netapp_password = .*/g, 'netapp_password = wrong-one'))),
      exitCode: 1,
      says: [/ONTAP_UNAUTHENTICATED/, /what to do/],
    },
    {
      name: 'a password that is in the environment, and is not',
      run: () => ensure(conf({ passwords: false })),
      exitCode: 2,
      says: [/CONFIG_SECRET_MISSING/, /DATAMOTION_PASSWORD_EAST|DATAMOTION_PASSWORD_WEST/],
    },
    {
      name: 'an unreachable cluster',
      run: () => ensure(conf({}, (text) => text.replaceAll(/netapp_server_port = .*/g, 'netapp_server_port = 9'))),
      exitCode: 1,
      says: [/ONTAP_UNREACHABLE/, /what to do/],
    },
    {
      name: 'an SVM that is not there',
      run: () => ensure(conf({}, (text) => text.replace('netapp_vserver = svm1\n', 'netapp_vserver = svm77\n'))),
      exitCode: 1,
      says: [/svm77/, /ONTAP_NOT_FOUND/, /netapp_vserver/],
    },
    {
      name: 'a destination volume of the wrong type',
      run: () => datamotion(['ensure', '--config', conf(), '--backend', 'east', '--volume', 'vol9']),
      exitCode: 1,
      says: [/MIRROR_VOLUME_WRONG_TYPE/, /what to do/],
    },
    {
      name: 'an option that does not exist',
      run: () => datamotion(['status', '--config', conf(), '--backend', 'east', '--colour']),
      exitCode: 2,
      says: [/unknown option/, /--help/],
    },
    { name: 'no command', run: () => datamotion([]), exitCode: 2, says: [/Usage: datamotion/] },
    {
      name: 'a required option left out',
      run: () => datamotion(['break', '--config', conf(), '--backend', 'east']),
      exitCode: 2,
      says: [/--target/],
    },
  ];

  for (const { name, run, exitCode, says } of cases) {
    it(`${name}: exit code ${exitCode}, a readable message, and nothing changed`, async () => {
      const before = world.requests.length;
      const ran = await run();
      expectReadable(ran, says);
      expect(ran.exitCode).toBe(exitCode);
      expect(changesOf(world, before)).toEqual([]);
    });
  }

  it('with --json a failure is one document too', async () => {
    const ran = await datamotion(['status', '--config', conf(), '--backend', 'north', '--json']);
    expect(ran.json()).toMatchObject({
      error: { name: 'ConfigError', code: 'CONFIG_BACKEND_UNKNOWN', retryable: false },
    });
  });

  it('a password from the environment works and is never printed', async () => {
    const config = conf({ passwords: false });
    const { password } = world.clusters[0] ?? { password: '' };
    const env = { DATAMOTION_PASSWORD_EAST: password, DATAMOTION_PASSWORD_WEST: password };
    const ran = await datamotion(['status', '--config', config, '--backend', 'east'], { env });
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout + ran.stderr).not.toContain(password);
  });
});

describe('a cluster that is not as it must be, on the command line', () => {
  const cases: readonly {
    readonly name: string;
    readonly clusters?: readonly ClusterSpec[];
    readonly tls?: boolean;
    readonly prepare?: (world: SimulatedOntap) => Promise<void>;
    /** Default: a cinder.conf for the world. */
    readonly file?: (world: SimulatedOntap) => readonly [name: string, content: string];
    readonly says: readonly RegExp[];
    /** No request may have reached a cluster at all. */
    readonly unasked?: boolean;
  }[] = [
    {
      name: 'a certificate that nobody trusts',
      tls: true,
      says: [/certificate/, /ONTAP_TLS/, /what to do: .*authority/],
      unasked: true,
    },
    {
      name: 'an ONTAP that is too old',
      clusters: [
        { name: 'cluster1', svms: ['svm1'], version: '9.11.1' },
        { name: 'cluster2', svms: ['svm1_dr'] },
      ],
      says: [/9\.11\.1/, /ONTAP_TOO_OLD/, /what to do: .*9\.12\.1/],
    },
    {
      name: 'SVMs that are not peered',
      prepare: unpeer,
      says: [/svm1_dr.* not peered/, /MIRROR_SVMS_NOT_PEERED/, /what to do: .*both clusters/],
    },
    {
      name: 'a policy that the cluster does not have',
      // cinder.conf takes four policies only; the native format takes any name.
      file: (world) => [
        'datamotion.json',
        JSON.stringify(nativeConfiguration(world, { east: { policy: 'MirrorAllSnapshot' } })),
      ],
      says: [/MirrorAllSnapshot\b/, /MIRROR_POLICY_UNKNOWN/, /what to do: .*netapp_replication_policy/],
    },
  ];

  for (const { name, clusters, tls = false, prepare, file, says, unasked = false } of cases) {
    it(`${name}: exit code 1, one readable message, and nothing changed`, async () => {
      using folder = new Folder();
      await using world = await listening(clusters ? { clusters } : {}, tls);
      await prepare?.(world);
      const config = folder.file(...(file?.(world) ?? (['cinder.conf', cinderConf(world)] as const)));
      const before = world.requests.length;
      const ran = await datamotion(['ensure', '--config', config, '--backend', 'east', '--volume', 'vol1']);
      expectReadable(ran, says);
      expect(ran.stderr.match(/error: |what to do: /g)).toEqual(['error: ', 'what to do: ']);
      expect(ran.exitCode).toBe(1);
      expect(changesOf(world, before)).toEqual([]);
      expect(world.requests.length === before).toBe(unasked);
    });
  }
});

describe('config check', () => {
  it('a valid file is summed up, an invalid one reports every problem, and the exit code is 2', async () => {
    using folder = new Folder();
    const good = folder.file('datamotion.yaml', GOOD);
    const checked = await datamotion(['config', 'check', '--config', good], { env: { P: 'x' } });
    expect(checked.exitCode).toBe(0);
    expect(checked.stdout).toMatch(/east .* c1\.example\.com:443 .* svm1 .* west/);
    expect(
      (await datamotion(['config', 'check', '--config', good, '--json'], { env: { P: 'x' } })).json(),
    ).toMatchObject({
      valid: true,
      backends: [
        { name: 'east', targets: ['west'] },
        { name: 'west', targets: [] },
      ],
    });

    const bad = folder.file('bad.yaml', GOOD.replace('svm: svm1', 'smv: svm1').replace('version: 1', 'version: 9'));
    const refused = await datamotion(['config', 'check', '--config', bad, '--json']);
    expect(refused.exitCode).toBe(2);
    const { error } = refused.json() as { error: { problems: { line: number; message: string }[] } };
    expect(error.problems.length).toBeGreaterThanOrEqual(2);
    for (const problem of error.problems) expect(problem.line).toBeGreaterThan(0);
    expect(refused.stderr).toMatch(/bad\.yaml:\d+: /);
  });
});

/** No stack trace, and everything that the reader cannot do without. */
function expectReadable(ran: Ran, says: readonly RegExp[]): void {
  for (const text of says) expect(ran.stderr).toMatch(text);
  expect(ran.stderr).not.toContain('    at ');
}

/** Requests for a change, after the first `before` requests. */
function changesOf(world: SimulatedOntap, before: number): LoggedRequest[] {
  return world.requests.slice(before).filter(({ method }) => method !== 'GET');
}

async function listening(options: SimulatedOntapOptions, tls: boolean): Promise<SimulatedOntap & AsyncDisposable> {
  const world = new SimulatedOntap({ operationMs: 1, ...options });
  await world.listen({ tls });
  world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 16 * MIB });
  return Object.assign(world, { [Symbol.asyncDispose]: () => world.close() });
}

async function unpeer(world: SimulatedOntap): Promise<void> {
  const west = world.cluster('cluster2');
  const [peer] = (await call(west, 'GET', '/svm/peers')).json.records;
  const { status } = await call(west, 'DELETE', `/svm/peers/${peer.uuid}?return_timeout=120`);
  expect(status).toBe(200);
}

const GOOD = `version: 1
enabledBackends: [east]
backends:
  east:
    host: c1.example.com
    svm: svm1
    user: admin
    passwordEnv: P
    targets:
      - backend: west
        aggregates: { aggr1: aggr1 }
  west: { host: c2.example.com, svm: svm2, user: admin, passwordEnv: P }
`;
