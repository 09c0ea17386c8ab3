import { describe, expect, it } from 'vitest';
import { call, type Json, MIB, Scene } from './raw-client.ts';

/** FlexClones: writable at once, sharing blocks with a snapshot that nobody may delete meanwhile, until they are split off. */
const VOLUMES = '/storage/volumes';
const bytes = (text: string) => new TextEncoder().encode(text);

/** The body of a POST for a clone of `vol1`. */
const cloneOf = (snapshot: string | undefined, changes: object = {}) => ({
  name: 'drill',
  svm: { name: 'svm1' },
  clone: {
    is_flexclone: true,
    parent_volume: { name: 'vol1' },
    ...(snapshot === undefined ? {} : { parent_snapshot: { name: snapshot } }),
  },
  ...changes,
});

const recordOf = (scene: Scene, cluster: Scene['source'], name: string): Promise<Json> =>
  scene.ok(cluster, 'GET', `${VOLUMES}?name=${name}&fields=*`).then(({ records }) => records[0]);

describe('a FlexClone', () => {
  it('is a writable volume with what the snapshot holds, and takes no room for it', async () => {
    const scene = new Scene();
    const { source, volume } = scene;
    volume.write('/data/large', 0, new Uint8Array(5 * MIB).fill(7));
    const monday = volume.createSnapshot('monday');
    const then = volume.digest();
    volume.write('/data/one', 0, bytes('after monday'));
    const used = async () =>
      (await scene.ok(source, 'GET', '/storage/aggregates?name=aggr1&fields=space')).records[0].space.block_storage
        .used;
    const before = await used();
    await scene.ok(source, 'POST', VOLUMES, cloneOf('monday', { nas: { path: '/drill' } }));
    expect(await used()).toBe(before);

    const clone = source.volume('svm1', 'drill');
    expect(clone.digest()).toBe(then);
    expect(clone.snapshots()).toEqual(['monday']);
    clone.write('/data/two', 0, bytes('only in the clone'));
    expect(volume.read('/data/two')).toEqual(bytes('two'));
    volume.write('/data/large', 0, bytes('only in the parent'));
    expect(clone.read('/data/large', 0, 1)).toEqual(Uint8Array.of(7));
    expect((await used()) - before).toBeLessThan(MIB);
    expect([...volume.content.check(), ...clone.content.check()]).toEqual([]);

    const record = await recordOf(scene, source, 'drill');
    expect(record).toMatchObject({
      type: 'rw',
      state: 'online',
      size: volume.sizeBytes,
      nas: { path: '/drill' },
      aggregates: [{ name: 'aggr1' }],
      clone: {
        is_flexclone: true,
        parent_volume: { name: 'vol1', uuid: volume.uuid },
        parent_snapshot: { name: 'monday', uuid: monday.uuid },
        parent_svm: { name: 'svm1' },
        split_initiated: false,
      },
    });
    expect(record.clone.split_estimate).toBeGreaterThan(5 * MIB);
    expect((await recordOf(scene, source, 'vol1')).clone).toEqual({ is_flexclone: false, has_flexclone: true });
    const clones = await scene.ok(source, 'GET', `${VOLUMES}?clone.is_flexclone=true&clone.parent_volume.name=vol1`);
    expect(clones.records.map(({ name }: Json) => name)).toEqual(['drill']);
  });

  it('locks its snapshot on both sides until it is deleted', async () => {
    const scene = new Scene();
    const { source, volume } = scene;
    volume.createSnapshot('monday');
    await scene.ok(source, 'POST', VOLUMES, cloneOf('monday'));
    const clone = source.volume('svm1', 'drill');
    for (const [one, owner] of [
      [volume, 'volume_clone'],
      [clone, 'volume_clone_dependent'],
    ] as const) {
      const path = `${VOLUMES}/${one.uuid}/snapshots`;
      const { records } = await scene.ok(source, 'GET', `${path}?fields=owners`);
      expect(records[0].owners).toEqual([owner]);
      const job = await scene.jobEnd(await call(source, 'DELETE', `${path}/${records[0].uuid}`));
      expect(job.error).toMatchObject({ code: '1638555', message: expect.stringContaining(owner) });
    }
    await scene.ok(source, 'DELETE', `${VOLUMES}/${clone.uuid}`);
    expect((await recordOf(scene, source, 'vol1')).clone.has_flexclone).toBe(false);
    await scene.ok(source, 'DELETE', `${VOLUMES}/${volume.uuid}/snapshots?name=monday`);
    expect(volume.snapshots()).toEqual([]);
  });

  it('takes a snapshot of its own when none is named', async () => {
    const scene = new Scene();
    await scene.ok(scene.source, 'POST', VOLUMES, cloneOf(undefined));
    expect(scene.volume.snapshots()).toEqual(['clone_drill.2026-01-01_000000.0']);
  });

  it('is refused where its parent is not the same SVM, is offline, or where it would have another place', async () => {
    const scene = new Scene();
    scene.volume.createSnapshot('monday');
    const refused = async (body: object) => (await call(scene.source, 'POST', VOLUMES, { body })).json.error.code;
    expect(await refused(cloneOf('monday', { svm: { name: 'svm2' } }))).toBe('917927');
    expect(await refused(cloneOf('monday', { aggregates: [{ name: 'aggr2' }] }))).toBe('262196');
    expect(await refused(cloneOf('monday', { type: 'dp' }))).toBe('3');
    expect(await refused({ ...cloneOf('monday'), clone: { parent_volume: { name: 'vol1' } } })).toBe('262212');
    await scene.ok(scene.source, 'PATCH', `${VOLUMES}/${scene.volume.uuid}`, { state: 'offline' });
    expect(await scene.jobEnd(await call(scene.source, 'POST', VOLUMES, { body: cloneOf('monday') }))).toMatchObject({
      code: 917533,
    });
    expect((await scene.ok(scene.source, 'GET', `${VOLUMES}?name=drill`)).num_records).toBe(0);
  });

  it('of a FlexGroup is a FlexGroup of the same geometry', async () => {
    const scene = new Scene();
    const geometry = { style: 'flexgroup', sizeBytes: 1024 * MIB, aggregates: ['aggr1', 'aggr2'] } as const;
    const group = scene.source.createVolume({ ...geometry, svm: 'svm1', name: 'group' });
    group.write('/data', 0, bytes('data'));
    group.createSnapshot('monday');
    const clone = { is_flexclone: true, parent_volume: { uuid: group.uuid }, parent_snapshot: { name: 'monday' } };
    await scene.ok(scene.source, 'POST', VOLUMES, cloneOf('monday', { clone }));
    expect(await recordOf(scene, scene.source, 'drill')).toMatchObject({ style: 'flexgroup', constituent_count: 2 });
    expect(scene.source.volume('svm1', 'drill').digest()).toBe(group.digest());
  });
});

describe('splitting a FlexClone off', () => {
  async function splitting(scene: Scene) {
    scene.volume.write('/data/large', 0, new Uint8Array(10 * MIB).fill(3));
    scene.volume.createSnapshot('monday');
    await scene.ok(scene.source, 'POST', VOLUMES, cloneOf('monday'));
    const clone = scene.source.volume('svm1', 'drill');
    clone.createSnapshot('of-the-clone');
    const path = `${VOLUMES}/${clone.uuid}`;
    const answer = await call(scene.source, 'PATCH', path, { body: { clone: { split_initiated: true } } });
    return { clone, path, answer };
  }

  it('takes its time; then parent and clone have nothing in common but equal bytes', async () => {
    const scene = new Scene({ transferRate: MIB });
    const { clone, path, answer } = await splitting(scene);
    expect(await scene.jobEnd(answer)).toMatchObject({ state: 'success' });
    await scene.clock.sleep(4500);
    const half = await scene.ok(scene.source, 'GET', path);
    expect(half.clone).toMatchObject({ is_flexclone: true, split_initiated: true });
    expect(half.clone.split_complete_percent).toBeGreaterThan(30);
    expect(half.clone.split_complete_percent).toBeLessThan(70);
    expect(clone.snapshots()).toEqual(['monday']);
    const during = await call(scene.source, 'POST', `${path}/snapshots`, { body: { name: 'x' } });
    expect(await scene.jobEnd(during)).toMatchObject({ code: 13107406 });

    await scene.clock.sleep(8000);
    expect((await scene.ok(scene.source, 'GET', path)).clone).toEqual({ is_flexclone: false, has_flexclone: false });
    expect(clone.digest()).toBe(scene.volume.digest());
    expect(clone.snapshots()).toEqual([]);
    await scene.ok(scene.source, 'DELETE', `${VOLUMES}/${scene.volume.uuid}/snapshots?name=monday`);
    expect(clone.content.check()).toEqual([]);
  });

  it('is waited for by its job, by switch', async () => {
    const scene = new Scene({ transferRate: MIB, switches: { splitJob: 'waits' } });
    const { path, answer } = await splitting(scene);
    await scene.clock.sleep(5000);
    const { json } = await call(scene.source, 'GET', `/cluster/jobs/${answer.json.job.uuid}`);
    expect(json.state).toBe('running');
    expect(await scene.jobEnd(answer)).toMatchObject({ state: 'success' });
    expect((await scene.ok(scene.source, 'GET', path)).clone.is_flexclone).toBe(false);
  });

  it('is stopped by split_initiated=false, and ends with the clone', async () => {
    const scene = new Scene({ transferRate: MIB });
    const { path, answer } = await splitting(scene);
    await scene.jobEnd(answer);
    await scene.ok(scene.source, 'PATCH', path, { 'clone.split_initiated': 'false' });
    await scene.clock.sleep(60_000);
    expect((await scene.ok(scene.source, 'GET', path)).clone).toMatchObject({
      is_flexclone: true,
      split_initiated: false,
    });
    await scene.ok(scene.source, 'PATCH', path, { 'clone.split_initiated': true });
    await scene.ok(scene.source, 'DELETE', path);
    await scene.clock.sleep(60_000);
    expect((await recordOf(scene, scene.source, 'vol1')).clone.has_flexclone).toBe(false);
  });
});

describe('a FlexClone of a mirror', () => {
  it('is writable while the mirror goes on, and what it shares outlives every update', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    const { exported_snapshot: drilled } = await scene.relationship(uuid);
    const atDrill = scene.mirror.digest();
    const body = cloneOf(drilled, { svm: { name: 'svm1_dr' }, nas: { path: '/drill' } });
    await scene.ok(scene.destination, 'POST', VOLUMES, body);
    const clone = scene.destination.volume('svm1_dr', 'drill');
    clone.write('/tested', 0, bytes('here'));

    for (let round = 0; round < 3; round++) {
      scene.volume.write(`/data/${round}`, 0, bytes(`round ${round}`));
      await scene.update(uuid);
    }
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
    expect(scene.mirror.snapshots()).toContain(drilled);
    clone.remove('/tested');
    expect(clone.digest()).toBe(atDrill);

    await scene.ok(scene.destination, 'PATCH', `${VOLUMES}/${clone.uuid}`, { nas: { path: '' } });
    await scene.ok(scene.destination, 'DELETE', `${VOLUMES}/${clone.uuid}`);
    scene.volume.write('/data/later', 0, bytes('later'));
    await scene.update(uuid);
    expect(scene.mirror.snapshots()).not.toContain(drilled);
  });

  it('stands in the way of a resync that would delete its snapshot, unless newer snapshots are preserved', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    await scene.patch(uuid, { state: 'broken_off' });
    scene.mirror.createSnapshot('at-the-other-site');
    await scene.ok(scene.destination, 'POST', VOLUMES, cloneOf('at-the-other-site', { svm: { name: 'svm1_dr' } }));
    const path = `/snapmirror/relationships/${uuid}`;
    const refused = await scene.jobEnd(
      await call(scene.destination, 'PATCH', path, { body: { state: 'snapmirrored' } }),
    );
    expect(refused).toMatchObject({ code: 13303810, message: expect.stringContaining('at-the-other-site') });
    expect(scene.mirror.type).toBe('rw');
    await scene.patch(uuid, { state: 'snapmirrored', preserve: true });
    expect(await scene.drained(uuid)).toMatchObject({ state: 'snapmirrored' });
    expect(scene.mirror.snapshots()).toContain('at-the-other-site');
  });
});
