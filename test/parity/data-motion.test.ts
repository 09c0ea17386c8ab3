/** Cinder's own cases of data motion as assertions of state against the simulated ONTAP; cinder-cases.ts says which is which. */
import { describe, expect, it } from 'vitest';
import { createDataMotion, readConfiguration } from '../../src/index.ts';
import type { SimulatedOntap } from '../../src/testing/index.ts';
import { failure, GROUP, MIB, nativeConfiguration, Stage } from '../scenarios/harness.ts';

const BACKENDS = { source: 'east', target: 'west' };

async function relate(stage: Stage, source: string, destination: string): Promise<void> {
  const [svm = '', name = ''] = destination.split(':');
  stage.west.createVolume({ svm, name, sizeBytes: 100 * MIB, type: 'dp' });
  const body = { source: { path: source }, destination: { path: destination } };
  await stage.raw(stage.west, 'POST', '/snapmirror/relationships', body);
}

describe('targets', () => {
  it('of a backend without any are none', async () => {
    await using stage = await Stage.open();
    expect(await stage.dataMotion.getReplicationBackendNames('west')).toEqual([]);
    expect(await stage.dataMotion.getReplicationBackendStats('west')).toEqual({ replicationEnabled: false });
  });

  it('an entry that names none is an error of the configuration', () => {
    const conf = `[DEFAULT]
enabled_backends = east
[east]
volume_driver = cinder.volume.drivers.netapp.common.NetAppDriver
netapp_storage_family = ontap_cluster
netapp_storage_protocol = nfs
netapp_server_hostname = 192.0.2.1
netapp_vserver = svm1
netapp_login = admin
netapp_password = secret
replication_device = some_key:some_value
`;
    expect(() => createDataMotion(readConfiguration(conf))).toThrow(
      /replication_device: the replication device names no backend/,
    );
  });
});

describe('get', () => {
  it('of what is not there is an empty list', async () => {
    await using stage = await Stage.open();
    expect(await stage.dataMotion.getSnapmirrors(BACKENDS)).toEqual([]);
    await stage.mirrored();
    expect(await stage.dataMotion.getSnapmirrors({ ...BACKENDS, volume: 'other' })).toEqual([]);
    expect(await stage.dataMotion.getSnapmirrors({ ...BACKENDS, volume: 'vol1' })).toHaveLength(1);
  });
});

describe('conflicts with mirrors made by others', () => {
  it('cannot be asked for without a target', async () => {
    await using stage = await Stage.open();
    const ask = () => stage.dataMotion.checkReadiness({ source: 'west', target: 'east' });
    expect(await failure(ask)).toMatchObject({ code: 'CONFIG_TARGET_UNKNOWN' });
  });

  it.each([
    { name: 'there are none', others: [], conflict: undefined },
    { name: 'a mirror of the same name is adopted', others: ['svm1_dr:vol1'], conflict: undefined },
    {
      name: 'a mirror under another name in the same SVM is one',
      others: ['svm1_dr:by_hand'],
      conflict: 'svm1_dr:by_hand',
    },
    { name: 'a mirror in an SVM of nobody’s configuration is told', others: ['svm2_dr:vol1'], conflict: undefined },
  ])('$name', async ({ others, conflict }) => {
    await using stage = await Stage.open({
      world: {
        clusters: [
          { name: 'cluster1', svms: ['svm1'] },
          { name: 'cluster2', svms: ['svm1_dr', 'svm2_dr'] },
        ],
      },
    });
    const peer = { svm: { name: 'svm2_dr' }, peer: { svm: { name: 'svm1' }, cluster: { name: 'cluster1' } } };
    await stage.raw(stage.west, 'POST', '/svm/peers', { ...peer, applications: ['snapmirror'] });
    for (const { uuid } of await stage.read(stage.east, '/svm/peers?state=pending')) {
      await stage.raw(stage.east, 'PATCH', `/svm/peers/${uuid}`, { state: 'peered' });
    }
    for (const destination of others) await relate(stage, 'svm1:vol1', destination);
    const { ready, checks } = await stage.dataMotion.checkReadiness({ ...BACKENDS, volumes: ['vol1'] });
    const ours = checks.find((check) => check.name === 'conflicts' && check.backend === 'east');
    expect(ready).toBe(conflict === undefined);
    expect(ours).toMatchObject({ ok: conflict === undefined });
    expect(ours?.detail).toContain(conflict ?? 'none');
  });

  it('a listing that ONTAP refuses is told as a failed check, and the other checks are made', async () => {
    await using stage = await Stage.open();
    stage.intercept = (request, send) =>
      request.url.includes('list_destinations_only')
        ? Promise.resolve(Response.json({ error: { code: '6', message: 'not authorized' } }, { status: 403 }))
        : send(request);
    const { ready, checks } = await stage.dataMotion.checkReadiness({ ...BACKENDS, volumes: ['vol1'] });
    expect(ready).toBe(false);
    expect(checks.filter(({ ok }) => !ok)).toMatchObject([
      { name: 'conflicts', backend: 'east', code: 'ONTAP_DENIED', ontapCode: '6' },
    ]);
  });
});

describe('create', () => {
  it.each([
    { style: 'flexvol', destination: 'there' },
    { style: 'flexvol', destination: 'absent' },
    { style: 'flexgroup', destination: 'there' },
    { style: 'flexgroup', destination: 'absent' },
  ])('of a $style whose destination is $destination', async ({ style, destination }) => {
    await using stage = await Stage.open();
    const source = style === 'flexgroup' ? await stage.flexgroup() : stage.source;
    const pair = style === 'flexgroup' ? GROUP : stage.pair;
    if (destination === 'there') await stage.dataMotion.createDestinationFlexvol(pair);
    const { actions, relationship } = await stage.dataMotion.createSnapmirror(pair, { waitForBaseline: true });
    const made = destination === 'there' ? [] : ['create-destination'];
    expect(actions).toEqual([...made, 'create-relationship', 'start-replication']);
    expect(relationship).toMatchObject({ state: 'snapmirrored', transferSchedule: 'hourly' });
    const copy = stage.west.volume('svm1_dr', source.name);
    expect(copy.style).toBe(style);
    expect(copy.digest()).toBe(source.digest());
  });

  it.each([
    { state: 'uninitialized', does: ['start-replication'] },
    { state: 'broken_off', does: [] },
    { state: 'snapmirrored', does: [] },
  ])('of a mirror that is $state', async ({ state, does }) => {
    await using stage = await Stage.open();
    if (state === 'uninitialized') await relate(stage, 'svm1:vol1', 'svm1_dr:vol1');
    else await stage.mirrored();
    if (state === 'broken_off') await stage.dataMotion.breakSnapmirror(stage.pair);
    const result = await stage.dataMotion.createSnapmirror(stage.pair, { waitForBaseline: true });
    expect(result.actions).toEqual(does);
    expect((await stage.record()).state).toBe(state === 'uninitialized' ? 'snapmirrored' : state);
  });

  it('a repair that ONTAP refuses is an error with its code, and leaves the destination as it is', async () => {
    await using stage = await Stage.open();
    await stage.broken();
    stage.write(stage.copy);
    const written = stage.copy.digest();
    const refusal = {
      kind: 'http',
      status: 500,
      code: '13303810',
      message: 'Transition to snapmirrored state failed.',
    } as const;
    stage.west.addFault({ ...refusal, method: 'PATCH', path: '/snapmirror/relationships/*' });
    const error = await failure(() => stage.dataMotion.createSnapmirror(stage.pair, { repair: true }));
    expect(error).toMatchObject({ ontapCode: '13303810' });
    expect((await stage.record()).state).toBe('broken_off');
    expect(stage.copy.digest()).toBe(written);
  });
});

describe('break', () => {
  it('pauses, breaks and mounts where clients look for the volume', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const { actions, relationship, mount } = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(actions).toEqual(['pause', 'break', 'mount']);
    expect(relationship?.state).toBe('broken_off');
    expect(mount).toEqual({ mounted: true, junctionPath: '/vol1' });
    expect(stage.copy).toMatchObject({ type: 'rw', junctionPath: '/vol1' });
  });
});

describe('delete', () => {
  it('whose destination mirrors another source by now releases its own source, and leaves the other mirror alone', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.dataMotion.deleteSnapmirror(stage.pair, { release: false });
    stage.east.createVolume({ svm: 'svm1', name: 'other', sizeBytes: 100 * MIB });
    const paths = { source: { path: 'svm1:other' }, destination: { path: 'svm1_dr:vol1' } };
    await stage.raw(stage.west, 'POST', '/snapmirror/relationships', paths);

    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(deleted).toMatchObject({ actions: ['release-source'], release: { state: 'released' } });
    expect((await stage.record()).source.path).toBe('svm1:other');
    expect(stage.source.snapshots()).toEqual([]);
  });
});

describe('peering', () => {
  it('that is there for what is asked is left as it is', async () => {
    await using stage = await Stage.open();
    const before = stage.changes.length;
    const result = await stage.dataMotion.createSvmPeer(BACKENDS);
    expect(result).toMatchObject({ actions: [], source: { state: 'peered' }, destination: { state: 'peered' } });
    expect(stage.changes).toHaveLength(before);
  });
});

describe('many', () => {
  const three = {
    clusters: [
      { name: 'cluster1', svms: ['svm1'] },
      { name: 'cluster2', svms: ['svm1_dr', 'svm1_far'] },
    ],
  };
  const configuration = (world: SimulatedOntap) => {
    const { version, backends } = nativeConfiguration(world);
    const aggregates = backends.east.targets[0]?.aggregates ?? {};
    const far = { ...backends.west, svm: 'svm1_far' };
    const east = { ...backends.east, targets: ['west', 'far'].map((backend) => ({ backend, aggregates })) };
    return { version, backends: { ...backends, east, far } };
  };
  const open = async () => {
    const stage = await Stage.open({ world: three, configuration });
    stage.east.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
    await stage.dataMotion.createSvmPeer({ source: 'east', target: 'far' });
    return stage;
  };

  it('every volume to every target', async () => {
    await using stage = await open();
    const outcomes = await stage.dataMotion.ensureSnapmirrors({ source: 'east' }, { waitForBaseline: true });
    const done = outcomes.map(({ pair, ok }) => `${pair.source.volume} to ${pair.destination.backend}: ${ok}`);
    expect(done.toSorted()).toEqual([
      'vol1 to far: true',
      'vol1 to west: true',
      'vol2 to far: true',
      'vol2 to west: true',
    ]);
    expect(await stage.read(stage.west, '/snapmirror/relationships?state=snapmirrored')).toHaveLength(4);
  });

  it.each([
    ['break', 'PATCH', '/snapmirror/relationships/*'],
    ['update', 'POST', '/snapmirror/relationships/*/transfers'],
  ] as const)('%s of every volume but the one that ONTAP refuses', async (verb, method, path) => {
    await using stage = await open();
    const both = { ...BACKENDS, volumes: ['vol1', 'vol2'] };
    await stage.dataMotion.ensureSnapmirrors(both, { waitForBaseline: true });
    const refused = await stage.record();
    const refusal = { kind: 'http', status: 400, code: '13303817', message: 'Unknown state.' } as const;
    stage.west.addFault({ ...refusal, method, path: path.replace('*', refused.uuid), times: 50 });
    const outcomes = await (verb === 'break'
      ? stage.dataMotion.breakSnapmirrors(both)
      : stage.dataMotion.updateSnapmirrors(both, { wait: true }));
    expect(outcomes.map(({ ok }) => ok)).toEqual([false, true]);
    expect(outcomes[0]).toMatchObject({ error: { ontapCode: '13303817' } });
  });
});
