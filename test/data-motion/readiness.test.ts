import { describe, expect, it } from 'vitest';
import type { Readiness, ReadinessCheckName } from '../../src/core/readiness.ts';
import { READINESS_CHECKS } from '../../src/core/readiness.ts';
import type { SimulatedOntapOptions } from '../../src/testing/index.ts';
import { failure, type Interceptor, MIB, nativeConfiguration, Stage, type StageOptions } from '../scenarios/harness.ts';

const SELECTION = { source: 'east', target: 'west' };
const GIB = 1024 * MIB;

const failed = ({ checks }: Readiness) =>
  checks.filter(({ ok, skipped }) => !ok && !skipped).map(({ name, backend }) => `${name} of ${backend}`);
const skipped = ({ checks }: Readiness) =>
  checks.filter((check) => check.skipped).map(({ name, backend }) => `${name} of ${backend}`);
const found = ({ checks }: Readiness, name: ReadinessCheckName, backend: string) =>
  checks.find((check) => check.name === name && check.backend === backend);

const clusters = (
  east: Partial<NonNullable<SimulatedOntapOptions['clusters']>[number]>,
  west: Partial<NonNullable<SimulatedOntapOptions['clusters']>[number]>,
): StageOptions => ({
  world: {
    clusters: [
      { name: 'cluster1', svms: ['svm1', 'svm2'], ...east },
      { name: 'cluster2', svms: ['svm1_dr'], ...west },
    ],
  },
});

/** What the clusters answer that are asked for their licences, by cluster. */
const licensing =
  (east: readonly object[], west: readonly object[]): Interceptor =>
  async (request, send) => {
    const { pathname, hostname } = new URL(request.url);
    if (!pathname.endsWith('/cluster/licensing/licenses')) return send(request);
    const records = hostname.startsWith('cluster1') ? east : west;
    return Response.json({ records, num_records: records.length });
  };
const LICENSED = [
  { name: 'nfs', state: 'compliant' },
  { name: 'snapmirror', state: 'compliant' },
];

describe('the verdict on a pair of backends', () => {
  it('that is in order: ready, every check made, nothing changed, in few requests; and ensure agrees', async () => {
    await using stage = await Stage.open();
    const verdict = await stage.dataMotion.checkReadiness(SELECTION);
    expect(failed(verdict)).toEqual([]);
    expect(skipped(verdict)).toEqual([]);
    expect(verdict).toMatchObject({ source: 'east', target: 'west', ready: true });
    expect(new Set(verdict.checks.map(({ name }) => name))).toEqual(new Set(READINESS_CHECKS));
    expect(verdict.checks.map(({ name }) => READINESS_CHECKS.indexOf(name))).toEqual(
      verdict.checks.map(({ name }) => READINESS_CHECKS.indexOf(name)).sort((a, b) => a - b),
    );
    expect(stage.changes).toEqual([]);
    expect(stage.world.requests.length).toBeLessThanOrEqual(18);
    await stage.mirrored();
    expect(failed(await stage.dataMotion.checkReadiness(SELECTION))).toEqual([]);
    await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(failed(await stage.dataMotion.checkReadiness(SELECTION))).toEqual([]);
  });

  it.each(['east', 'west'] as const)(
    '%s does not answer: said so with its remedy, and the rest of the other is checked',
    async (dead) => {
      await using stage = await Stage.open();
      stage[dead].kill();
      const verdict = await stage.dataMotion.checkReadiness(SELECTION);
      expect(verdict.ready).toBe(false);
      expect(failed(verdict)).toEqual([`reachable of ${dead}`]);
      expect(found(verdict, 'reachable', dead)).toMatchObject({
        code: 'ONTAP_UNREACHABLE',
        remedy: expect.stringContaining('host and port'),
      });
      for (const check of verdict.checks.filter((one) => one.skipped)) expect(check.detail).toMatch(/^not checked: /);
      const other = dead === 'east' ? 'west' : 'east';
      expect(found(verdict, 'svm', other)?.ok).toBe(true);
      expect(found(verdict, dead === 'east' ? 'policy' : 'source-volumes', other)?.ok).toBe(true);
    },
  );

  it('wrong credentials are told from a cluster that does not answer, with the code of ONTAP', async () => {
    await using stage = await Stage.open({ west: { password: 'wrong' } });
    const verdict = await stage.dataMotion.checkReadiness(SELECTION);
    expect(failed(verdict)).toEqual(['credentials of west']);
    expect(found(verdict, 'credentials', 'west')).toMatchObject({
      code: 'ONTAP_UNAUTHENTICATED',
      ontapCode: '6',
      ontapMessage: expect.any(String),
      remedy: expect.stringContaining('password'),
    });
    expect(found(verdict, 'reachable', 'west')?.ok).toBe(true);
  });

  it('credentials that are nowhere to be found', async () => {
    await using stage = await Stage.open({
      configuration: (world) => {
        const native = nativeConfiguration(world);
        const { password, ...west } = native.backends.west;
        return { ...native, backends: { ...native.backends, west } };
      },
    });
    const verdict = await stage.dataMotion.checkReadiness(SELECTION);
    expect(failed(verdict)).toEqual(['credentials of west']);
    expect(found(verdict, 'credentials', 'west')).toMatchObject({ code: 'CONFIG_SECRET_MISSING' });
  });

  it('an account that may not ask for aggregates or cluster peers is no failure', async () => {
    const user = {
      name: 'vsadmin',
      password: 'secret',
      role: 'admin',
      denied: ['/storage/aggregates*', '/cluster/peers*', '/cluster/licensing/*'],
    } as const;
    await using stage = await Stage.open({
      ...clusters({}, { users: [user] }),
      west: { user: 'vsadmin', password: 'secret' },
    });
    const verdict = await stage.dataMotion.checkReadiness(SELECTION);
    expect(verdict.ready).toBe(true);
    expect(skipped(verdict)).toEqual([
      'licences of west',
      'cluster-peers of west',
      'aggregates of west',
      'space of west',
    ]);
    expect(found(verdict, 'aggregates', 'west')).toMatchObject({ ontapCode: '6' });
  });

  it.each<[string, StageOptions, readonly string[], RegExp]>([
    ['a release too old', clusters({}, { version: '9.11.1' }), ['release of west'], /upgrade/],
    ['an SVM that is not there', { west: { svm: 'nosuch' } }, ['svm of west'], /netapp_vserver/],
    [
      'an aggregate that is not mapped',
      { east: { targets: [{ backend: 'west', aggregates: { aggr2: 'aggr2' } }] } },
      ['aggregate-map of east'],
      /aggr1:<aggregate>|aggr1: <aggregate>/,
    ],
    [
      'an aggregate that is not there',
      { east: { targets: [{ backend: 'west', aggregates: { aggr1: 'nosuch', aggr2: 'aggr2' } }] } },
      ['aggregates of west'],
      /the cluster has aggr1, aggr2/,
    ],
    [
      'no room',
      clusters({}, { aggregates: [{ name: 'aggr1', sizeBytes: 50 * MIB }, 'aggr2'] }),
      ['space of west'],
      /make room/,
    ],
    ['an unknown policy', { east: { policy: 'nosuch' } }, ['policy of west'], /create the policy/],
    ['a policy that mirrors no single volume', { east: { policy: 'Continuous' } }, ['policy of west'], /asynchronous/],
    ['an unknown schedule', { east: { transferSchedule: 'nosuch' } }, ['schedule of west'], /create it/],
    ['no volume of the pattern', { east: { poolNamePattern: 'none' } }, ['source-volumes of east'], /pattern/],
    ['SVMs that are not peered', { east: { svm: 'svm2' } }, ['svm-peers of east', 'svm-peers of west'], /peer the two/],
  ])('%s', async (_, options, expected, remedy) => {
    await using stage = await Stage.open(options);
    if (options.east !== undefined && 'svm' in options.east) {
      stage.east.createVolume({ svm: 'svm2', name: 'vol1', sizeBytes: MIB });
    }
    const verdict = await stage.dataMotion.checkReadiness(SELECTION);
    expect(failed(verdict)).toEqual(expected);
    expect(verdict.ready).toBe(false);
    for (const check of verdict.checks.filter(({ ok, skipped }) => !ok && !skipped)) {
      expect(check.remedy).toMatch(remedy);
      expect(check.detail).not.toBe('');
    }
  });

  it('all that is wrong is told at once', async () => {
    await using stage = await Stage.open({
      east: { policy: 'nosuch', targets: [{ backend: 'west', aggregates: { aggr2: 'aggr2' } }] },
    });
    stage.west.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: MIB });
    const verdict = await stage.dataMotion.checkReadiness({ ...SELECTION, volumes: ['vol1', 'missing'] });
    expect(failed(verdict)).toEqual([
      'source-volumes of east',
      'aggregate-map of east',
      'policy of west',
      'destination-volumes of west',
    ]);
    expect(found(verdict, 'source-volumes', 'east')?.detail).toContain('missing is not there');
    expect(found(verdict, 'destination-volumes', 'west')?.detail).toContain('svm1_dr:vol1 is of type rw');
  });

  it('a peering that is not accepted, or is for something else', async () => {
    await using stage = await Stage.open();
    const [peer] = await stage.read(stage.west, '/svm/peers');
    await stage.raw(stage.west, 'PATCH', `/svm/peers/${peer.uuid}`, { applications: ['flexcache'] });
    const other = await stage.dataMotion.checkReadiness(SELECTION);
    expect(failed(other)).toEqual(['svm-peers of east', 'svm-peers of west']);
    expect(found(other, 'svm-peers', 'west')?.detail).toContain('flexcache only');
    await stage.raw(stage.west, 'PATCH', `/svm/peers/${peer.uuid}`, { applications: ['snapmirror'] });
    await stage.raw(stage.west, 'PATCH', `/svm/peers/${peer.uuid}`, { state: 'suspended' });
    expect(found(await stage.dataMotion.checkReadiness(SELECTION), 'svm-peers', 'west')?.detail).toContain('suspended');
  });

  it('defect 29: mirrors made by others are seen from both ends, on other clusters too', async () => {
    await using stage = await Stage.open();
    const relate = async (source: string, destination: string, name: string) => {
      stage.west.createVolume({ svm: 'svm1_dr', name, sizeBytes: 100 * MIB, type: 'dp' });
      await stage.raw(stage.west, 'POST', '/snapmirror/relationships', {
        source: { path: source },
        destination: { path: destination },
      });
    };
    await relate('svm1:vol1', 'svm1_dr:copy_of_vol1', 'copy_of_vol1');
    const twice = await stage.dataMotion.checkReadiness(SELECTION);
    expect(failed(twice)).toEqual(['conflicts of east']);
    expect(found(twice, 'conflicts', 'east')?.detail).toBe('svm1:vol1 is mirrored to svm1_dr:copy_of_vol1');

    stage.east.createVolume({ svm: 'svm1', name: 'other', sizeBytes: MIB });
    await relate('svm1:other', 'svm1_dr:vol1', 'vol1');
    const taken = await stage.dataMotion.checkReadiness({ ...SELECTION, volumes: ['vol1'] });
    expect(found(taken, 'conflicts', 'west')).toMatchObject({
      ok: false,
      detail: 'svm1_dr:vol1 mirrors svm1:other',
      remedy: expect.stringContaining('delete those relationships'),
    });
  });

  it('room counts only what has to be made', async () => {
    await using stage = await Stage.open(clusters({}, { aggregates: [{ name: 'aggr1', sizeBytes: GIB }, 'aggr2'] }));
    await stage.mirrored();
    expect(found(await stage.dataMotion.checkReadiness(SELECTION), 'space', 'west')).toMatchObject({
      ok: true,
      detail: 'enough for 0 new volumes',
    });
  });

  it.each<[string, readonly object[], string | undefined, readonly string[]]>([
    ['none for SnapMirror', [{ name: 'nfs', state: 'compliant' }], undefined, ['licences of west']],
    ['one that is listed as missing', [{ name: 'snapmirror', state: 'unlicensed' }], undefined, ['licences of west']],
    [
      'one that is used beyond its terms',
      [{ name: 'snapmirror', state: 'noncompliant' }],
      undefined,
      ['licences of west'],
    ],
    ['none for synchronous mirrors', LICENSED, 'Sync', ['licences of east', 'licences of west']],
    ['both', LICENSED, undefined, []],
    ['none at all, as managed systems do', [], undefined, []],
  ])('licences: %s', async (_, west, policy, expected) => {
    await using stage = await Stage.open({ intercept: licensing(LICENSED, west) });
    const verdict = await stage.dataMotion.checkReadiness(SELECTION, { policy });
    expect(failed(verdict)).toEqual(expected);
    const check = found(verdict, 'licences', 'west');
    expect(check?.skipped).toBe(west.length === 0);
    if (expected.length > 0) expect(check?.remedy).toBe('install the licence on cluster2');
  });

  it('licences: a create is refused for want of what readiness finds missing', async () => {
    const options = clusters({}, { unlicensed: ['snapmirror_sync'] });
    await using stage = await Stage.open(options);
    expect(failed(await stage.dataMotion.checkReadiness(SELECTION))).toEqual([]);
    const verdict = await stage.dataMotion.checkReadiness(SELECTION, { policy: 'Sync' });
    expect(failed(verdict)).toEqual(['licences of west']);
    const refused = await failure(() => stage.dataMotion.createSnapmirror(stage.pair, { policy: 'Sync' }));
    expect(refused).toMatchObject({ ontapCode: '1115127' });
  });

  it('a missing licence is known by what ONTAP refuses: a failed check, and the error of the verb, with what to do', async () => {
    await using stage = await Stage.open();
    const missing = {
      kind: 'http',
      status: 500,
      code: '1115127',
      message: 'The SnapMirror license is not installed.',
    } as const;
    const remove = stage.west.addFault({ ...missing, method: 'GET', path: '/snapmirror/*', times: 50 });
    const verdict = await stage.dataMotion.checkReadiness(SELECTION);
    remove();
    expect(failed(verdict)).toContain('conflicts of west');
    expect(found(verdict, 'conflicts', 'west')).toMatchObject({
      ontapCode: '1115127',
      ontapMessage: missing.message,
      remedy: expect.stringContaining('Install the licence'),
    });
    stage.west.addFault({ ...missing, method: 'POST', path: '/snapmirror/relationships' });
    expect(await failure(() => stage.dataMotion.createSnapmirror(stage.pair))).toMatchObject({
      ontapCode: '1115127',
      remedy: expect.stringContaining('Install the licence'),
    });
  });

  it('ends when the caller ends it, and an unknown target is the caller’s error', async () => {
    await using stage = await Stage.open();
    const abort = new AbortController();
    stage.intercept = (request, send) => {
      abort.abort();
      return send(request);
    };
    await expect(stage.dataMotion.checkReadiness(SELECTION, { signal: abort.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await expect(stage.dataMotion.checkReadiness({ source: 'east', target: 'north' })).rejects.toMatchObject({
      code: 'CONFIG_TARGET_UNKNOWN',
    });
  });
});
