import { describe, expect, it } from 'vitest';
import type { SimulatedVolume } from '../../src/testing/index.ts';
import { call, type Json, MIB, Scene } from './raw-client.ts';

/** Snapshots by request and by policy, on the clock; what is known of them; which of them mirrors carry and keep. */
const POLICIES = '/storage/snapshot-policies';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const bytes = (text: string) => new TextEncoder().encode(text);

/** A volume of `svm1` with a policy. */
function volumeWith(scene: Scene, snapshotPolicy: string, name = 'policed'): SimulatedVolume {
  return scene.source.createVolume({ svm: 'svm1', name, sizeBytes: 100 * MIB, snapshotPolicy });
}

describe('a snapshot policy', () => {
  it('takes snapshots when its schedules are due, with their labels, and keeps so many of each', async () => {
    const scene = new Scene();
    const volume = volumeWith(scene, 'default');
    await scene.clock.advance(2 * HOUR);
    expect(volume.snapshots()).toEqual(
      ['daily.2026-01-01_0010', 'hourly.2026-01-01_0005', 'hourly.2026-01-01_0105'].sort((a, b) =>
        a.slice(-4).localeCompare(b.slice(-4)),
      ),
    );
    await scene.clock.advance(10 * DAY);
    const kept = volume.snapshots();
    const of = (prefix: string) => kept.filter((name) => name.startsWith(`${prefix}.`));
    expect(of('hourly')).toEqual(
      ['2005', '2105', '2205', '2305', '0005', '0105'].map((time, i) => `hourly.2026-01-${i < 4 ? 10 : 11}_${time}`),
    );
    expect(of('daily')).toEqual(['daily.2026-01-10_0010', 'daily.2026-01-11_0010']);
    expect(of('weekly')).toEqual(['weekly.2026-01-04_0015', 'weekly.2026-01-11_0015']);
    expect(volume.snapshot('daily.2026-01-11_0010')).toMatchObject({
      label: 'daily',
      createdAt: Date.parse('2026-01-11T00:10Z'),
    });
    expect(volume.snapshot('hourly.2026-01-11_0105').label).toBeUndefined();
  });

  it('is the default of a volume that is made by request, and no volume that cannot be written has one', async () => {
    const scene = new Scene();
    const post = (name: string, changes: object) =>
      scene.ok(scene.source, 'POST', '/storage/volumes', {
        name,
        'svm.name': 'svm1',
        aggregates: [{ name: 'aggr1' }],
        ...changes,
      });
    await post('plain', {});
    await post('bare', { snapshot_policy: { name: 'none' } });
    await post('mirror', { type: 'dp' });
    const { records } = await scene.ok(
      scene.source,
      'GET',
      '/storage/volumes?name=plain|bare|mirror&fields=snapshot_policy.name&order_by=name',
    );
    expect(records.map(({ snapshot_policy: policy }: Json) => policy?.name)).toEqual(['none', undefined, 'default']);
    await scene.clock.advance(DAY);
    expect(['plain', 'bare', 'mirror'].map((name) => scene.source.volume('svm1', name).snapshots().length)).toEqual([
      7, 0, 0,
    ]);
  });

  it('is made, changed, switched off and on, given to volumes and taken from them, and deleted', async () => {
    const scene = new Scene();
    const { source } = scene;
    const copies = [{ schedule: { name: '10min' }, count: 3, prefix: 'often', snapmirror_label: 'often' }];
    await scene.ok(source, 'POST', POLICIES, { name: 'mine', comment: 'for tests', copies });
    const [policy] = (await scene.ok(source, 'GET', `${POLICIES}?name=mine&fields=*`)).records;
    expect(policy).toMatchObject({ enabled: true, scope: 'cluster', comment: 'for tests', copies });
    const volume = volumeWith(scene, 'none');
    await scene.ok(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { snapshot_policy: { name: 'mine' } });
    await scene.clock.advance(HOUR);
    expect(volume.snapshots()).toEqual(['0040', '0050', '0100'].map((time) => `often.2026-01-01_${time}`));

    await scene.ok(source, 'PATCH', `${POLICIES}/${policy.uuid}`, { enabled: false });
    await scene.clock.advance(HOUR);
    expect(volume.snapshots()).toHaveLength(3);
    await scene.ok(source, 'PATCH', `${POLICIES}?name=mine`, {
      enabled: true,
      copies: [{ schedule: { name: 'hourly' }, count: 2 }],
    });
    await scene.clock.advance(HOUR);
    expect(volume.snapshots().at(-1)).toBe('hourly.2026-01-01_0205');

    expect((await call(source, 'DELETE', `${POLICIES}/${policy.uuid}`)).status).toBe(400);
    await scene.ok(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { snapshot_policy: { name: 'none' } });
    await scene.ok(source, 'DELETE', `${POLICIES}/${policy.uuid}`);
    await scene.clock.advance(DAY);
    expect(volume.snapshots()).toHaveLength(4);
    expect(scene.clock.pending).toBe(0);
  });

  it('passes over a volume that is offline or of a dead cluster, and what may not be deleted', async () => {
    const scene = new Scene();
    const volume = volumeWith(scene, 'default');
    await scene.clock.advance(10 * 60_000);
    const path = `/storage/volumes/${volume.uuid}`;
    const { uuid } = volume.snapshot('hourly.2026-01-01_0005');
    await scene.ok(scene.source, 'PATCH', `${path}/snapshots/${uuid}`, { expiry_time: '2026-01-03T00:00:00Z' });
    await scene.ok(scene.source, 'PATCH', path, { state: 'offline' });
    await scene.clock.advance(2 * HOUR);
    expect(volume.snapshots()).toHaveLength(2);
    await scene.ok(scene.source, 'PATCH', path, { state: 'online' });
    scene.source.kill();
    await scene.clock.advance(2 * HOUR);
    scene.source.revive();
    expect(volume.snapshots()).toHaveLength(2);
    await scene.clock.advance(30 * HOUR);
    expect(volume.snapshots()).toContain('hourly.2026-01-01_0005');
    await scene.clock.advance(DAY);
    expect(volume.snapshots()).not.toContain('hourly.2026-01-01_0005');
  });

  it('of an SVM is seen and used there only', async () => {
    const scene = new Scene();
    const copies = [{ schedule: { name: 'hourly' }, count: 1 }];
    await scene.ok(scene.source, 'POST', POLICIES, { name: 'own', svm: { name: 'svm2' }, copies });
    const names = async (svm: string) => {
      const { json } = await call(scene.source, 'GET', POLICIES, { headers: { 'x-dot-svm-name': svm } });
      return json.records.map(({ name }: Json) => name);
    };
    expect(await names('svm2')).toContain('own');
    expect(await names('svm1')).not.toContain('own');
    const body = { snapshot_policy: { name: 'own' } };
    expect((await call(scene.source, 'PATCH', `/storage/volumes/${scene.volume.uuid}`, { body })).status).toBe(404);
  });
});

describe('a schedule by interval', () => {
  it('is due every so often since it was made, for snapshot policies', async () => {
    const scene = new Scene();
    await scene.clock.advance(90_000);
    await scene.ok(scene.source, 'POST', '/cluster/schedules', { name: 'often', interval: 'PT7M' });
    const [schedule] = (await scene.ok(scene.source, 'GET', '/cluster/schedules?name=often&fields=*')).records;
    expect(schedule).toMatchObject({ type: 'interval', interval: 'PT7M' });
    expect(schedule).not.toHaveProperty('cron');
    await scene.ok(scene.source, 'POST', POLICIES, {
      name: 'mine',
      copies: [{ schedule: { name: 'often' }, count: 9 }],
    });
    const volume = volumeWith(scene, 'mine');
    await scene.clock.advance(15 * 60_000);
    expect(volume.snapshots()).toEqual(['often.2026-01-01_0008', 'often.2026-01-01_0015']);
    await scene.ok(scene.source, 'PATCH', '/cluster/schedules?name=often', { interval: 'PT1H' });
    await scene.clock.advance(59 * 60_000);
    expect(volume.snapshots()).toHaveLength(2);
    const kind = await call(scene.source, 'PATCH', `/cluster/schedules/${schedule.uuid}`, {
      body: { cron: { minutes: [1] } },
    });
    expect(kind.json.error.code).toBe('262203');
    expect((await call(scene.source, 'DELETE', `/cluster/schedules/${schedule.uuid}`)).json.error.code).toBe('8');
  });
});

describe('a snapshot', () => {
  it('says what it holds, what deleting it would free, and until when it may not be deleted', async () => {
    const scene = new Scene();
    const path = `/storage/volumes/${scene.volume.uuid}/snapshots`;
    scene.volume.write('/large', 0, new Uint8Array(4 * MIB).fill(1));
    await scene.ok(scene.source, 'POST', path, { name: 'monday', expiry_time: '2026-01-02T00:00:00+00:00' });
    scene.volume.write('/large', 0, new Uint8Array(MIB).fill(2));
    const uuid = scene.volume.snapshot('monday').uuid;
    const plain = await scene.ok(scene.source, 'GET', `${path}/${uuid}`);
    expect(plain).toMatchObject({ expiry_time: '2026-01-02T00:00:00+00:00', logical_size: 4 * MIB + 5003 });
    expect(plain.size).toBeGreaterThan(4 * MIB);
    expect(plain).not.toHaveProperty('reclaimable_space');
    const asked = await scene.ok(scene.source, 'GET', `${path}/${uuid}?fields=reclaimable_space`);
    expect(asked.reclaimable_space).toBeGreaterThanOrEqual(MIB);
    expect(asked.reclaimable_space).toBeLessThan(2 * MIB);
    const large = await scene.ok(scene.source, 'GET', `${path}?size=>${4 * MIB}`);
    expect(large.num_records).toBe(1);

    expect(await scene.jobEnd(await call(scene.source, 'DELETE', `${path}/${uuid}`))).toMatchObject({ code: 1638555 });
    await scene.ok(scene.source, 'PATCH', `${path}/${uuid}`, { expiry_time: null });
    await scene.ok(scene.source, 'DELETE', `${path}/${uuid}`);
    expect(scene.volume.snapshots()).toEqual([]);
  });
});

describe('what mirrors carry', () => {
  it('are the labelled snapshots of a policy, as many as the rules keep, when the schedule says so', async () => {
    const scene = new Scene();
    const { source, destination } = scene;
    const volume = volumeWith(scene, 'default', 'vaulted');
    const vault = destination.createVolume({ svm: 'svm1_dr', name: 'vaulted', sizeBytes: 100 * MIB, type: 'dp' });
    await scene.ok(destination, 'POST', '/snapmirror/policies', {
      name: 'keep-three-days',
      create_snapshot_on_source: false,
      retention: [{ label: 'daily', count: '3' }],
      transfer_schedule: { name: 'daily' },
    });
    await scene.ok(destination, 'POST', '/snapmirror/relationships', {
      source: { path: 'svm1:vaulted' },
      destination: { path: 'svm1_dr:vaulted' },
      policy: { name: 'keep-three-days' },
    });
    const [{ uuid }] = (await scene.ok(destination, 'GET', '/snapmirror/relationships')).records;
    await scene.patch(uuid, { state: 'snapmirrored' });
    await scene.drained(uuid);
    for (let day = 0; day < 6; day++) {
      volume.write('/day', 0, bytes(`day ${day}`));
      await scene.clock.advance(DAY);
    }
    expect(
      source
        .volume('svm1', 'vaulted')
        .snapshots()
        .filter((name) => name.startsWith('daily.')),
    ).toHaveLength(2);
    const carried = vault.snapshots().filter((name) => name.startsWith('daily.'));
    expect(carried).toEqual(['04', '05', '06'].map((day) => `daily.2026-01-${day}_0010`));
    expect(vault.snapshots().some((name) => name.startsWith('hourly.'))).toBe(false);
    expect(vault.snapshot(carried[2] ?? '').label).toBe('daily');
  });

  it('moves as fast as the throttle of the relationship allows, else that of its policy', async () => {
    const scene = new Scene();
    scene.volume.write('/large', 0, new Uint8Array(10 * MIB).fill(1));
    await scene.ok(scene.destination, 'POST', '/snapmirror/policies', {
      name: 'slow',
      throttle: 1024,
      copy_all_source_snapshots: true,
    });
    const uuid = await scene.relate({ policy: 'slow' });
    const took = async () => {
      const began = scene.clock.now();
      await scene.drained(uuid);
      return (scene.clock.now() - began) / 1000;
    };
    await scene.ok(scene.destination, 'POST', `/snapmirror/relationships/${uuid}/transfers`, {});
    expect(await took()).toBeGreaterThanOrEqual(10);
    scene.volume.write('/large', 0, new Uint8Array(10 * MIB).fill(2));
    await scene.patch(uuid, { throttle: 5 * 1024 });
    await scene.ok(scene.destination, 'POST', `/snapmirror/relationships/${uuid}/transfers`, {});
    const faster = await took();
    expect(faster).toBeGreaterThanOrEqual(2);
    expect(faster).toBeLessThan(5);
  });
});
