/** What getSnapmirrors shows, and by which names a mirror is recognised. */
import { describe, expect, it } from 'vitest';
import { failure, HOUR, type Interceptor, MIB, Stage } from '../scenarios/harness.ts';
import type { Json } from '../testing/raw-client.ts';

const query = { source: 'east', target: 'west' };

/** Changes the records of relationships on their way to DataMotion. */
const rewriting =
  (rewrite: (records: Json[]) => Json[]): Interceptor =>
  async (request, send) => {
    const response = await send(request);
    const { pathname } = new URL(request.url);
    if (request.method !== 'GET' || !pathname.endsWith('/snapmirror/relationships')) return response;
    const body: Json = await response.json();
    const records = rewrite(body.records);
    return Response.json({ ...body, records, num_records: records.length }, { status: response.status });
  };

const OBJECT_STORE = {
  uuid: '11111111-1111-4111-8111-111111111111',
  source: { path: 'backups:/objstore/vol1' },
  destination: { path: 'svm1_dr:vol9', svm: { name: 'svm1_dr' } },
  state: 'snapmirrored',
};

describe('getSnapmirrors', () => {
  it('shows what each mirror means for its data', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    for (const name of ['vol2', 'vol3']) {
      stage.east.createVolume({ svm: 'svm1', name, sizeBytes: 100 * MIB });
      await stage.dataMotion.createSnapmirror(
        { source: { backend: 'east', volume: name }, destination: { backend: 'west' } },
        { waitForBaseline: true },
      );
    }
    const of = (volume: string) => ({ source: { backend: 'east', volume }, destination: { backend: 'west' } });
    await stage.dataMotion.quiesceThenAbort(of('vol2'));
    await stage.dataMotion.breakSnapmirror(of('vol3'));
    const mirrors = await stage.dataMotion.getSnapmirrors(query);
    const seen = mirrors.map(({ source, destination, state, protection }) => [
      source.path,
      destination.path,
      state,
      protection,
    ]);
    expect(seen.sort()).toEqual([
      ['svm1:vol1', 'svm1_dr:vol1', 'snapmirrored', 'protected'],
      ['svm1:vol2', 'svm1_dr:vol2', 'paused', 'paused'],
      ['svm1:vol3', 'svm1_dr:vol3', 'broken_off', 'broken-off'],
    ]);
    const [only, ...others] = await stage.dataMotion.getSnapmirrors({ ...query, volume: 'vol2' });
    expect([only?.source.volume, others]).toEqual(['vol2', []]);
  });

  it('is one request for relationships, whatever their number', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const before = stage.world.requests.length;
    await stage.dataMotion.getSnapmirrors(query);
    const paths = stage.world.requests.slice(before).map(({ path }) => path);
    expect(paths.filter((path) => path.includes('/snapmirror/'))).toHaveLength(1);
  });

  it.each(['absent', 'present'] as const)(
    'never shows the lag of an uninitialized mirror, %s in ONTAP',
    async (lag) => {
      await using stage = await Stage.open({ world: { switches: { lagWhenUninitialized: lag } } });
      stage.source.createSnapshot('old');
      await stage.wait(36 * HOUR);
      await stage.dataMotion.createSnapmirror(stage.pair);
      expect((await stage.record()).lag_time !== undefined).toBe(lag === 'present');
      const [mirror] = await stage.dataMotion.getSnapmirrors(query);
      expect(mirror).toMatchObject({ state: 'uninitialized', protection: 'initializing' });
      expect(mirror?.lagSeconds).toBeUndefined();
    },
  );

  it('defect 36: a relationship with an object store disturbs nobody', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.intercept = rewriting((records) => [OBJECT_STORE, ...records]);
    const mirrors = await stage.dataMotion.getSnapmirrors(query);
    expect(mirrors.map(({ source }) => source.path)).toEqual(['svm1:vol1']);
    // ... and where it fills the very destination, it is named.
    stage.intercept = rewriting(() => [{ ...OBJECT_STORE, destination: { path: 'svm1_dr:vol1' } }]);
    const error = await failure(() => stage.dataMotion.breakSnapmirror(stage.pair));
    expect(error).toMatchObject({ code: 'MIRROR_CONFLICT' });
    expect(error.message).toContain('backups:/objstore/vol1');
  });

  it('defect 36: a record without health, policy or SVM is read all the same', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.intercept = rewriting((records) =>
      records.map(({ uuid, state, source, destination }) => ({
        uuid,
        state,
        source: { path: source.path, cluster: source.cluster },
        destination: { path: destination.path },
      })),
    );
    const [mirror] = await stage.dataMotion.getSnapmirrors(query);
    expect(mirror).toMatchObject({ source: { svm: 'svm1', volume: 'vol1' }, protection: 'protected' });
    expect(mirror?.healthy).toBeUndefined();
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(stage.copy.type).toBe('rw');
    expect(broken.mount.mounted).toBe(true);
  });
});

describe('SVMs of the same name on both clusters', () => {
  const clusters = [
    { name: 'cluster1', svms: ['svm1'] },
    { name: 'cluster2', svms: ['svm1'] },
  ];

  async function wholeLife(stage: Stage, alias: string): Promise<void> {
    await stage.mirrored();
    const [mirror] = await stage.dataMotion.getSnapmirrors(query);
    expect(mirror?.source.path).toBe(`${alias}:vol1`);
    expect((await stage.dataMotion.createSnapmirror(stage.pair)).actions).toEqual([]);
    stage.write(stage.source);
    await stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    await stage.dataMotion.breakSnapmirror(stage.pair);
    await stage.dataMotion.resyncSnapmirror(stage.pair, { wait: true });
    expect(stage.copy.digest()).toBe(stage.source.digest());
    expect((await stage.dataMotion.deleteSnapmirror(stage.pair)).release.state).toBe('released');
    expect(await stage.remains()).toMatchObject({ relationships: [] });
  }

  it('go by the alias that ONTAP made', async () => {
    await using stage = await Stage.open({ world: { clusters } });
    await wholeLife(stage, 'svm1.1');
  });

  it('go by the alias that an administrator chose', async () => {
    await using stage = await Stage.open({ world: { clusters } });
    for (const [cluster, name] of [
      [stage.west, 'production'],
      [stage.east, 'recovery'],
    ] as const) {
      const [peer] = await stage.read(cluster, '/svm/peers');
      await stage.raw(cluster, 'PATCH', `/svm/peers/${peer.uuid}`, { name });
    }
    await wholeLife(stage, 'production');
  });

  it('are told from others of a similar name', async () => {
    await using stage = await Stage.open({ world: { clusters } });
    await stage.mirrored();
    stage.intercept = rewriting((records) =>
      records.map((record) => ({ ...record, source: { path: 'svm1.spare:vol1', svm: { name: 'svm1.spare' } } })),
    );
    expect(await failure(() => stage.dataMotion.breakSnapmirror(stage.pair))).toMatchObject({
      code: 'MIRROR_CONFLICT',
    });
    expect(await stage.dataMotion.getSnapmirrors(query)).toEqual([]);
  });

  it.each([
    ['an SVM of the destination’s own cluster', undefined],
    ['an SVM of a third cluster', { name: 'cluster3' }],
  ])('are told from %s', async (_, cluster) => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.intercept = rewriting((records) =>
      records.map((record) => ({ ...record, source: { path: 'svm1:vol1', svm: { name: 'svm1' }, cluster } })),
    );
    expect(await failure(() => stage.dataMotion.breakSnapmirror(stage.pair))).toMatchObject({
      code: 'MIRROR_CONFLICT',
    });
    expect(await stage.dataMotion.getSnapmirrors(query)).toEqual([]);
  });

  it('are known though the cluster goes by another name there, which its peer record tells', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const renamed = rewriting((records) =>
      records.map((record) => ({ ...record, source: { ...record.source, cluster: { name: 'old-east' } } })),
    );
    stage.intercept = async (request, send) => {
      if (!new URL(request.url).pathname.endsWith('/cluster/peers')) return renamed(request, send);
      const body: Json = await (await send(request)).json();
      const records = body.records.map((record: Json) => ({
        ...record,
        name: 'old-east',
        remote: { name: 'cluster1' },
      }));
      return Response.json({ ...body, records });
    };
    expect(await stage.dataMotion.getSnapmirrors(query)).toHaveLength(1);
  });
});
