import { describe, expect, it } from 'vitest';
import { call, type Json, MIB, Scene } from './raw-client.ts';

/** FlexGroups: constituents and their sizes, content in one name space, mirrors from group to group. */
const VOLUMES = '/storage/volumes';
const RELATIONSHIPS = '/snapmirror/relationships';
const bytes = (text: string) => new TextEncoder().encode(text);

const asked = (changes: object = {}) => ({
  name: 'group',
  'svm.name': 'svm1',
  style: 'flexgroup',
  aggregates: [{ name: 'aggr1' }, { name: 'aggr2' }],
  constituents_per_aggregate: 2,
  ...changes,
});

async function made(scene: Scene, changes: object = {}): Promise<Json> {
  await scene.ok(scene.source, 'POST', VOLUMES, asked(changes));
  const { records } = await scene.ok(scene.source, 'GET', `${VOLUMES}?name=group&fields=*,constituents`);
  return records[0];
}

/** `svm1:group` with some files, and an empty dp group of the same geometry on the other cluster. */
function groups(scene: Scene) {
  const aggregates = ['aggr1', 'aggr2'];
  const geometry = { style: 'flexgroup', sizeBytes: 1024 * MIB, aggregates, constituentsPerAggregate: 2 } as const;
  const source = scene.source.createVolume({ ...geometry, svm: 'svm1', name: 'group' });
  const mirror = scene.destination.createVolume({ ...geometry, svm: 'svm1_dr', name: 'group', type: 'dp' });
  for (const name of ['one', 'two', 'three', 'four']) source.write(`/data/${name}`, 0, bytes(name.repeat(3000)));
  return { source, mirror };
}

async function related(scene: Scene): Promise<string> {
  await scene.ok(scene.destination, 'POST', RELATIONSHIPS, {
    source: { path: 'svm1:group' },
    destination: { path: 'svm1_dr:group' },
    policy: { name: 'MirrorAllSnapshots' },
  });
  return (await scene.ok(scene.destination, 'GET', RELATIONSHIPS)).records[0].uuid;
}

describe('a FlexGroup', () => {
  it('has a constituent for each aggregate times constituents_per_aggregate, of at least 200 MB each', async () => {
    const group = await made(new Scene());
    expect(group).toMatchObject({ style: 'flexgroup', state: 'online', size: 4 * 200 * MIB, constituent_count: 4 });
    expect(group.aggregates.map(({ name }: Json) => name)).toEqual(['aggr1', 'aggr2']);
    expect(group.constituents.map(({ name, aggregates }: Json) => [name, aggregates.name])).toEqual([
      ['group__0001', 'aggr1'],
      ['group__0002', 'aggr2'],
      ['group__0003', 'aggr1'],
      ['group__0004', 'aggr2'],
    ]);
    const scene = new Scene();
    const small = await call(scene.source, 'POST', VOLUMES, { body: asked({ size: 799 * MIB }) });
    expect(small.json.error).toMatchObject({ code: '917534', message: expect.stringContaining(String(800 * MIB)) });
  });

  it('is what several aggregates or a number of constituents make, also when the style is not given', async () => {
    expect((await made(new Scene(), { style: undefined })).style).toBe('flexgroup');
    const aggregates = [{ name: 'aggr1' }];
    expect((await made(new Scene(), { style: undefined, aggregates })).constituent_count).toBe(2);
    const plain = { style: undefined, aggregates, constituents_per_aggregate: undefined };
    expect((await made(new Scene(), plain)).style).toBe('flexvol');
    const { source } = new Scene();
    const onTwo = await call(source, 'POST', VOLUMES, {
      body: asked({ style: 'flexvol', constituents_per_aggregate: undefined }),
    });
    expect(onTwo.json.error).toMatchObject({ code: '262197', target: 'style' });
  });

  it('is listed as mixed until its job has made the last constituent', async () => {
    const scene = new Scene();
    const answer = await call(scene.source, 'POST', VOLUMES, { body: asked() });
    const states = [];
    for (let at = 0; at < 5; at++) {
      const { json } = await call(scene.source, 'GET', `${VOLUMES}?name=group&fields=state,constituent_count,size`);
      states.push(json.records.map(({ state, constituent_count, size }: Json) => [state, constituent_count, size]));
      await scene.clock.sleep(500);
    }
    const size = 800 * MIB;
    expect(states).toEqual([
      [],
      [['mixed', 1, size]],
      [['mixed', 2, size]],
      [['mixed', 3, size]],
      [['online', 4, size]],
    ]);
    expect((await scene.jobEnd(answer)).state).toBe('success');
  });

  it('is not listed before it is whole, by switch', async () => {
    const scene = new Scene({ switches: { flexGroupBeingMade: 'absent' } });
    const answer = await call(scene.source, 'POST', VOLUMES, { body: asked() });
    await scene.clock.sleep(1999);
    expect((await scene.ok(scene.source, 'GET', `${VOLUMES}?name=group`)).num_records).toBe(0);
    await scene.clock.sleep(1);
    expect((await scene.ok(scene.source, 'GET', `${VOLUMES}?name=group&fields=state`)).records[0].state).toBe('online');
    expect((await scene.jobEnd(answer)).state).toBe('success');
  });

  it('fails in its job when it is deleted while it is being made', async () => {
    const scene = new Scene();
    const answer = await call(scene.source, 'POST', VOLUMES, { body: asked() });
    await scene.clock.sleep(600);
    await scene.ok(scene.source, 'DELETE', `${VOLUMES}?name=group`);
    expect(await scene.jobEnd(answer)).toMatchObject({ state: 'failure', code: 4 });
  });

  it('shows its constituents where they are asked for, and they share its size and what it holds', async () => {
    const scene = new Scene();
    const { source } = groups(scene);
    const all = await scene.ok(scene.source, 'GET', `${VOLUMES}?fields=style`);
    expect(all.records.map(({ style }: Json) => style)).not.toContain('flexgroup_constituent');
    const { records } = await scene.ok(scene.source, 'GET', `${VOLUMES}?is_constituent=true&fields=**`);
    expect(records).toHaveLength(4);
    for (const record of records) {
      expect(record).toMatchObject({ style: 'flexgroup_constituent', size: 256 * MIB, flexgroup: { name: 'group' } });
      expect(record.space.used).toBeGreaterThan(8192);
    }
    const held = records.reduce((sum: number, { space }: Json) => sum + space.used, 0);
    expect(Math.abs(held - source.usedBytes())).toBeLessThan(4096);
    expect((await scene.ok(scene.source, 'GET', `${VOLUMES}/${records[1].uuid}`)).name).toMatch(/^group__000[1234]$/);
    const stranger = { headers: { 'x-dot-svm-name': 'svm2' } };
    expect((await call(scene.source, 'GET', `${VOLUMES}/${records[1].uuid}`, stranger)).status).toBe(404);
  });

  it('is resized as a whole, expanded by aggregates, and deleted with its constituents', async () => {
    const scene = new Scene();
    const { uuid } = await made(scene);
    const path = `${VOLUMES}/${uuid}`;
    expect((await call(scene.source, 'PATCH', path, { body: { size: 500 * MIB } })).json.error.code).toBe('917534');
    await scene.ok(scene.source, 'PATCH', path, { size: 1600 * MIB });
    await scene.ok(scene.source, 'PATCH', path, { aggregates: [{ name: 'aggr2' }] });
    expect(await scene.ok(scene.source, 'GET', path)).toMatchObject({ constituent_count: 5, size: 2000 * MIB });
    const flexvol = `${VOLUMES}/${scene.volume.uuid}`;
    const refused = await call(scene.source, 'PATCH', flexvol, { body: { aggregates: [{ name: 'aggr2' }] } });
    expect(refused.json.error.code).toBe('262203');
    await scene.ok(scene.source, 'DELETE', path);
    expect((await scene.ok(scene.source, 'GET', `${VOLUMES}?is_constituent=true`)).num_records).toBe(0);
  });
});

describe('a mirror of a FlexGroup', () => {
  it('carries content and snapshots of the whole group', async () => {
    const scene = new Scene();
    const { source, mirror } = groups(scene);
    source.createSnapshot('monday');
    const uuid = await related(scene);
    expect((await scene.relationship(uuid)).group_type).toBe('flexgroup');
    await scene.patch(uuid, { state: 'snapmirrored' });
    expect((await scene.drained(uuid)).state).toBe('snapmirrored');
    expect(mirror.digest()).toBe(source.digest());
    expect(mirror.snapshots()).toContain('monday');
    await scene.patch(uuid, { state: 'broken_off' });
    mirror.write('/here', 0, bytes('here'));
    await scene.patch(uuid, { state: 'snapmirrored' });
    expect(mirror.digest()).toBe(source.digest());
  });

  it('is refused at once for another geometry, by switch', async () => {
    const scene = new Scene({ switches: { flexGroupGeometry: 'direct' } });
    groups(scene);
    scene.source.createVolume({ svm: 'svm1', name: 'small', style: 'flexgroup', sizeBytes: 1024 * MIB });
    const answer = await call(scene.destination, 'POST', RELATIONSHIPS, {
      body: { source: { path: 'svm1:small' }, destination: { path: 'svm1_dr:group' } },
    });
    expect(answer).toMatchObject({ status: 400, json: { error: { code: '2' } } });
  });

  it('does not initialise when the destination was expanded, and only the job says why', async () => {
    const scene = new Scene();
    const { mirror } = groups(scene);
    const uuid = await related(scene);
    await scene.ok(scene.destination, 'PATCH', `${VOLUMES}/${mirror.uuid}`, { aggregates: [{ name: 'aggr1' }] });
    const path = `${RELATIONSHIPS}/${uuid}`;
    const answer = await call(scene.destination, 'PATCH', path, { body: { state: 'snapmirrored' } });
    const { code, message } = await scene.jobEnd(answer);
    expect(code).toBe(13303812);
    expect(message).toMatch(
      /Geometry of the destination .*has been changed since the SnapMirror relationship was created/,
    );
    expect(await scene.relationship(uuid)).toMatchObject({ state: 'uninitialized', healthy: true });
    const transfer = await call(scene.destination, 'POST', `${path}/transfers`, { body: {} });
    expect(transfer.json.error).toMatchObject({ code: '13303812', message });
  });

  it('does not initialise either when it was related to a group that was not whole yet, until it is made anew', async () => {
    const scene = new Scene();
    const { source } = groups(scene);
    await scene.ok(scene.destination, 'DELETE', `${VOLUMES}?name=group`);
    const body = asked({ 'svm.name': 'svm1_dr', type: 'dp' });
    const answer = await call(scene.destination, 'POST', VOLUMES, { body });
    await scene.clock.sleep(500);
    const uuid = await related(scene);
    await scene.jobEnd(answer);
    const refused = await call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, {
      body: { state: 'snapmirrored' },
    });
    expect((await scene.jobEnd(refused)).message).toContain('Geometry of the destination');
    await scene.ok(scene.destination, 'DELETE', `${RELATIONSHIPS}/${uuid}`);
    const again = await related(scene);
    await scene.patch(again, { state: 'snapmirrored' });
    await scene.drained(again);
    expect(scene.destination.volume('svm1_dr', 'group').digest()).toBe(source.digest());
  });

  it('follows its source when that is expanded', async () => {
    const scene = new Scene();
    const { source, mirror } = groups(scene);
    const uuid = await related(scene);
    await scene.patch(uuid, { state: 'snapmirrored' });
    await scene.drained(uuid);
    await scene.ok(scene.source, 'PATCH', `${VOLUMES}/${source.uuid}`, { aggregates: [{ name: 'aggr1' }] });
    await scene.update(uuid);
    expect(mirror.constituents).toHaveLength(5);
    expect(mirror.sizeBytes).toBe(source.sizeBytes);
    await scene.update(uuid);
  });

  it('gets a destination of its own geometry from create_destination', async () => {
    const scene = new Scene();
    const { source } = groups(scene);
    await scene.ok(scene.destination, 'DELETE', `${VOLUMES}?name=group`);
    await scene.ok(scene.destination, 'POST', RELATIONSHIPS, {
      source: { path: 'svm1:group' },
      destination: { path: 'svm1_dr:group' },
      policy: { name: 'MirrorAllSnapshots' },
      create_destination: { enabled: true },
      state: 'snapmirrored',
    });
    const made = scene.destination.volume('svm1_dr', 'group');
    expect(made.constituents).toHaveLength(4);
    await scene.clock.sleep(5000);
    expect(made.digest()).toBe(source.digest());
  });

  it('is not synchronous', async () => {
    const scene = new Scene();
    groups(scene);
    const answer = await call(scene.destination, 'POST', RELATIONSHIPS, {
      body: { source: { path: 'svm1:group' }, destination: { path: 'svm1_dr:group' }, policy: { name: 'Sync' } },
    });
    expect(answer.json.error.code).toBe('13303866');
  });
});
