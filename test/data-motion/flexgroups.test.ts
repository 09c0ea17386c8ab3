/** FlexGroups: made over several aggregates, mirrored by the same verbs, and their geometry. */
import { describe, expect, it } from 'vitest';
import { failure, GROUP, HOUR, MIB, MINUTE, Stage } from '../scenarios/harness.ts';

const copyOf = (stage: Stage) => stage.west.volume('svm1_dr', 'group');
const placesOf = (stage: Stage) => copyOf(stage).constituents.map(({ aggregate }) => aggregate.name);

describe('the destination of a FlexGroup', () => {
  it('has its number of constituents, over the mapped aggregates, and its efficiency once it is online', async () => {
    await using stage = await Stage.open();
    await stage.flexgroup();
    const bodies: [string, object][] = [];
    stage.intercept = async (request, send) => {
      if (request.method !== 'GET') bodies.push([request.method, (await request.clone().json()) as object]);
      return send(request);
    };
    const { volume, created } = await stage.dataMotion.createDestinationFlexvol(GROUP);
    expect(created).toBe(true);
    expect(volume).toMatchObject({
      style: 'flexgroup',
      type: 'dp',
      state: 'online',
      sizeBytes: 1000 * MIB,
      guarantee: 'none',
      dedupe: true,
      compression: true,
    });
    expect(placesOf(stage)).toEqual(['aggr1', 'aggr2', 'aggr1', 'aggr2']);
    const [record] = await stage.read(stage.west, '/storage/volumes?name=group&fields=efficiency');
    expect(record.efficiency).toMatchObject({ dedupe: 'background', compression: 'background' });
    expect(bodies.map(([method, body]) => [method, Object.keys(body).includes('efficiency')])).toEqual([
      ['POST', false],
      ['PATCH', true],
    ]);

    const before = stage.changes.length;
    expect((await stage.dataMotion.createDestinationFlexvol(GROUP)).created).toBe(false);
    expect(stage.changes).toHaveLength(before);
  });

  it('is placed on fewer aggregates when the constituents do not come out even', async () => {
    await using stage = await Stage.open({
      east: { targets: [{ backend: 'west', aggregates: { aggr1: 'aggr2', aggr2: 'aggr2' } }] },
    });
    await stage.flexgroup();
    await stage.dataMotion.createDestinationFlexvol(GROUP);
    expect(placesOf(stage)).toEqual(['aggr2', 'aggr2', 'aggr2', 'aggr2']);
  });

  it('is refused when not every aggregate of the source is mapped, and nothing is made', async () => {
    await using stage = await Stage.open({ east: { targets: [{ backend: 'west', aggregates: { aggr1: 'aggr1' } }] } });
    await stage.flexgroup();
    const before = stage.changes.length;
    const error = await failure(() => stage.dataMotion.createSnapmirror(GROUP));
    expect(error).toMatchObject({ code: 'CONFIG_AGGREGATE_UNMAPPED', message: expect.stringContaining('aggr2') });
    expect(stage.changes).toHaveLength(before);
  });

  it.each(['mixed', 'absent'] as const)(
    'is waited for while ONTAP makes its constituents (%s)',
    async (flexGroupBeingMade) => {
      await using stage = await Stage.open({ world: { switches: { flexGroupBeingMade }, operationMs: 20_000 } });
      await stage.flexgroup();
      const result = await stage.dataMotion.createSnapmirror(GROUP, { waitForBaseline: true });
      expect(result.actions).toEqual(['create-destination', 'create-relationship', 'start-replication']);
      expect(copyOf(stage).constituents).toHaveLength(4);
    },
  );

  it('that does not come online in time is an error by that name, and without efficiency', async () => {
    await using stage = await Stage.open();
    await stage.flexgroup();
    stage.intercept = async (request, send) => {
      const response = await send(request);
      if (request.method !== 'GET' || !new URL(request.url).hostname.startsWith('cluster2')) return response;
      if (!request.url.includes('/storage/volumes')) return response;
      const body = (await response.json()) as { records?: object[] };
      return Response.json({ ...body, records: (body.records ?? []).map((record) => ({ ...record, state: 'mixed' })) });
    };
    const startedAt = stage.clock.now();
    expect(await failure(() => stage.dataMotion.createDestinationFlexvol(GROUP))).toMatchObject({
      code: 'MIRROR_TIMEOUT',
      message: expect.stringContaining('mixed after 360 s'),
    });
    expect(stage.clock.now() - startedAt).toBeGreaterThanOrEqual(6 * MINUTE);
    expect(stage.changes.filter(({ method, path }) => method === 'PATCH' && path.includes('/volumes'))).toEqual([]);
  });
});

describe('the mirror of a FlexGroup', () => {
  it('is protected, updated, paused, broken, written, resynced and deleted as any other', async () => {
    await using stage = await Stage.open();
    const { dataMotion } = stage;
    const group = await stage.flexgroup();
    await dataMotion.createSnapmirror(GROUP, { waitForBaseline: true });
    expect(copyOf(stage).digest()).toBe(group.digest());

    stage.write(group, 8);
    await dataMotion.updateSnapmirror(GROUP, { wait: true });
    expect(copyOf(stage).digest()).toBe(group.digest());
    await dataMotion.quiesceThenAbort(GROUP);
    await dataMotion.resumeSnapmirror(GROUP);

    const broken = await dataMotion.breakSnapmirror(GROUP);
    expect(broken.mount).toEqual({ mounted: true, junctionPath: '/group' });
    stage.write(copyOf(stage), 2);
    await dataMotion.resyncSnapmirror(GROUP, { wait: true });
    expect(copyOf(stage).digest()).toBe(group.digest());

    expect((await dataMotion.deleteSnapmirror(GROUP)).release.state).toBe('released');
    expect(group.snapshots().filter((name) => name.startsWith('snapmirror.'))).toEqual([]);
  });

  it('is updated by its schedule after its source was expanded', async () => {
    await using stage = await Stage.open();
    const group = await stage.flexgroup();
    await stage.dataMotion.createSnapmirror(GROUP, { waitForBaseline: true });
    await stage.raw(stage.east, 'PATCH', `/storage/volumes/${group.uuid}`, { aggregates: [{ name: 'aggr2' }] });
    stage.write(group, 4);
    await stage.wait(2 * HOUR);
    expect(copyOf(stage).constituents).toHaveLength(5);
    expect(copyOf(stage).digest()).toBe(group.digest());
  });

  it('defect 27: whose destination was expanded before its baseline is made anew', async () => {
    await using stage = await Stage.open();
    await stage.flexgroup();
    await stage.dataMotion.createDestinationFlexvol(GROUP);
    await stage.raw(stage.west, 'POST', '/snapmirror/relationships', {
      source: { path: 'svm1:group' },
      destination: { path: 'svm1_dr:group' },
      policy: { name: 'MirrorAllSnapshots' },
    });
    const copy = copyOf(stage);
    await stage.raw(stage.west, 'PATCH', `/storage/volumes/${copy.uuid}`, { aggregates: [{ name: 'aggr2' }] });
    // The destination stays as somebody made it: what its geometry is, is told, once the relationship is gone.
    const error = await failure(() => stage.dataMotion.createSnapmirror(GROUP, { waitForBaseline: true }));
    expect(error).toMatchObject({
      code: 'MIRROR_VOLUME_WRONG_TYPE',
      message: expect.stringContaining('has 5 constituents, and its source 4'),
    });
  });
});

describe('readiness of FlexGroups', () => {
  const query = { source: 'east', target: 'west', volumes: ['group'] };

  it('counts their room on every aggregate that they go to, and their policy', async () => {
    await using stage = await Stage.open();
    await stage.flexgroup();
    const verdict = await stage.dataMotion.checkReadiness(query);
    expect(verdict.ready).toBe(true);
    expect(verdict.checks.find(({ name }) => name === 'aggregates')?.detail).toBe('aggr1, aggr2');
    const synchronous = await stage.dataMotion.checkReadiness(query, { policy: 'Sync' });
    expect(synchronous.checks.filter(({ ok, skipped }) => !ok && !skipped)).toMatchObject([
      { name: 'policy', code: 'MIRROR_POLICY_UNSUPPORTED' },
    ]);
  });
});
