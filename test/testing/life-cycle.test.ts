import { describe, expect, it } from 'vitest';
import { call, type Json, Scene } from './raw-client.ts';

/** The life of a mirror, with the bytes of both volumes compared at each step: rest-facts section 2.2. */
const RELATIONSHIPS = '/snapmirror/relationships';
const bytes = (text: string) => new TextEncoder().encode(text);

describe('the life of a relationship', () => {
  it('from creation to release, the destination is what ONTAP says it is', async () => {
    const scene = new Scene();
    const { source, destination, volume } = scene;
    const uuid = await scene.relate();
    const path = `${RELATIONSHIPS}/${uuid}`;
    expect(await scene.relationship(uuid)).toMatchObject({ state: 'uninitialized', healthy: true });
    expect(scene.mirror.files()).toEqual([]);

    // initialize: content changes only when the transfer ends
    await scene.patch(uuid, { state: 'snapmirrored' });
    const running = await scene.relationship(uuid);
    expect(running).toMatchObject({ state: 'uninitialized', transfer: { state: 'transferring', type: 'initialize' } });
    expect(running.transfer.uuid).toMatch(/-/);
    expect(scene.mirror.files()).toEqual([]);
    const initialized = await scene.drained(uuid);
    expect(initialized).toMatchObject({ state: 'snapmirrored', transfer: { state: 'success' } });
    expect(initialized.last_transfer_type).toBe('initialize');
    expect(initialized.transfer).not.toHaveProperty('uuid');
    expect(scene.mirror.digest()).toBe(volume.digest());
    const { destination: end } = initialized;
    expect(initialized.exported_snapshot).toMatch(
      new RegExp(`^snapmirror\\.${end.svm.uuid}_\\d+\\.2026-01-01_\\d{6}$`),
    );

    // update: the mirror follows, the base moves on, the older snapshot goes
    volume.write('/data/three', 0, bytes('three'));
    volume.remove('/data/two');
    expect(scene.mirror.digest()).not.toBe(volume.digest());
    await scene.update(uuid);
    expect(scene.mirror.digest()).toBe(volume.digest());
    const updated = await scene.relationship(uuid);
    expect(updated.exported_snapshot).not.toBe(initialized.exported_snapshot);
    expect(scene.mirror.snapshots()).toEqual([updated.exported_snapshot]);
    expect(volume.snapshots()).toEqual([updated.exported_snapshot]);
    expect(() => scene.mirror.write('/no', 0, bytes('no'))).toThrow(/read-only/);

    // quiesce: paused, updates refused
    await scene.patch(uuid, { state: 'paused' });
    expect((await scene.relationship(uuid)).state).toBe('paused');
    const refused = await call(destination, 'POST', `${path}/transfers`);
    expect(refused.json.error.code).toBe('13303844');

    // resume: no transfer at once
    await scene.patch(uuid, { state: 'snapmirrored' });
    expect(await scene.relationship(uuid)).toMatchObject({ state: 'snapmirrored', transfer: { state: 'success' } });

    // break: the destination is writable at the exported snapshot, later writes of the source are not there
    const mirrored = volume.digest();
    volume.write('/data/late', 0, bytes('late'));
    await scene.patch(uuid, { state: 'broken_off' });
    expect((await scene.relationship(uuid)).state).toBe('broken_off');
    expect(scene.mirror.type).toBe('rw');
    expect(scene.mirror.digest()).toBe(mirrored);
    scene.mirror.write('/only-here', 0, bytes('written at the other site'));
    scene.mirror.createSnapshot('kept-at-the-other-site');

    // resync: what was written since is discarded, newer snapshots too
    await scene.patch(uuid, { state: 'snapmirrored' });
    expect(await scene.drained(uuid)).toMatchObject({ state: 'snapmirrored', last_transfer_type: 'resync' });
    expect(scene.mirror.type).toBe('dp');
    expect(scene.mirror.digest()).toBe(volume.digest());
    expect(scene.mirror.files()).not.toContain('/only-here');
    expect(scene.mirror.snapshots()).not.toContain('kept-at-the-other-site');

    // delete at the destination: the source remembers
    await scene.ok(destination, 'DELETE', `${path}?destination_only=true`);
    expect((await call(destination, 'GET', path)).status).toBe(404);
    const known = await scene.ok(source, 'GET', `${RELATIONSHIPS}?list_destinations_only=true&fields=**`);
    expect(known.records).toEqual([
      {
        uuid,
        source: { path: 'svm1:vol1', svm: { name: 'svm1', uuid: expect.any(String) } },
        destination: {
          path: 'svm1_dr:vol1',
          svm: { name: 'svm1_dr', uuid: expect.any(String) },
          cluster: { name: 'cluster2', uuid: destination.uuid },
        },
      },
    ]);
    expect(volume.snapshots()).toHaveLength(1);

    // release: the source forgets, its snapshots go
    await scene.ok(source, 'DELETE', `${path}?source_only=true`);
    const after = await scene.ok(source, 'GET', `${RELATIONSHIPS}?list_destinations_only=true`);
    expect(after.num_records).toBe(0);
    expect(volume.snapshots()).toEqual([]);
  });

  it('fails back: the reverse relationship starts broken off and resyncs from the common snapshot', async () => {
    const scene = new Scene();
    const { source, volume } = scene;
    const uuid = await scene.mirrored();
    source.kill();
    await scene.patch(uuid, { state: 'broken_off' });
    scene.mirror.write('/dr', 0, bytes('written while the first site was down'));
    source.revive();
    volume.write('/lost', 0, bytes('never mirrored'));
    await scene.ok(source, 'POST', RELATIONSHIPS, {
      source: { path: 'svm1_dr:vol1' },
      destination: { path: 'svm1:vol1' },
      policy: { name: 'MirrorAllSnapshots' },
    });
    const [reverse] = (await scene.ok(source, 'GET', `${RELATIONSHIPS}?fields=state,lag_time`)).records;
    expect(reverse.state).toBe('broken_off');
    await scene.ok(source, 'PATCH', `${RELATIONSHIPS}/${reverse.uuid}`, { state: 'snapmirrored' });
    expect(volume.digest()).toBe(scene.mirror.digest());
    expect(volume.files()).toContain('/dr');
    expect(volume.files()).not.toContain('/lost');
    expect(volume.type).toBe('dp');
  });

  it('a resync with preserve keeps the newer snapshots of the destination', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ policy: 'MirrorLatest' });
    await scene.patch(uuid, { state: 'broken_off' });
    scene.mirror.write('/only-here', 0, bytes('x'));
    scene.mirror.createSnapshot('evidence');
    await scene.patch(uuid, { state: 'snapmirrored', preserve: true });
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
    expect(scene.mirror.snapshot('evidence').files()).toContain('/only-here');
  });

  it('a resync without a common snapshot fails with 13303810 and changes nothing', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    await scene.patch(uuid, { state: 'broken_off' });
    scene.mirror.write('/only-here', 0, bytes('x'));
    const before = scene.mirror.digest();
    const [name] = scene.mirror.snapshots();
    await scene.ok(scene.destination, 'DELETE', `${RELATIONSHIPS}/${uuid}?source_info_only=true`);
    const { uuid: snapshot } = scene.volume.snapshot(name ?? '');
    await scene.ok(scene.source, 'DELETE', `/storage/volumes/${scene.volume.uuid}/snapshots/${snapshot}`);
    const answer = await call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, {
      body: { state: 'snapmirrored' },
    });
    expect((await scene.jobEnd(answer)).error.code).toBe('13303810');
    expect(scene.mirror.digest()).toBe(before);
    expect(await scene.relationship(uuid)).toMatchObject({ state: 'broken_off' });
  });

  it('a break with restore_to_snapshot makes that snapshot the file system', async () => {
    const scene = new Scene();
    scene.volume.createSnapshot('monday');
    const monday = scene.volume.digest();
    scene.volume.write('/tuesday', 0, bytes('x'));
    const uuid = await scene.mirrored();
    expect(scene.mirror.digest()).not.toBe(monday);
    await scene.patch(uuid, { state: 'broken_off', restore_to_snapshot: 'monday' });
    expect(scene.mirror.digest()).toBe(monday);
  });

  it('the plain DELETE removes both halves and their snapshots', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    await scene.ok(scene.destination, 'DELETE', `${RELATIONSHIPS}/${uuid}`);
    expect((await scene.ok(scene.destination, 'GET', RELATIONSHIPS)).num_records).toBe(0);
    expect((await scene.ok(scene.source, 'GET', `${RELATIONSHIPS}?list_destinations_only=true`)).num_records).toBe(0);
    expect(scene.volume.snapshots()).toEqual([]);
    expect(scene.mirror.snapshots()).toEqual([]);
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('source_info_only forgets at the source and keeps its snapshots', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    await scene.ok(scene.source, 'DELETE', `${RELATIONSHIPS}/${uuid}?source_info_only=true`);
    expect((await scene.ok(scene.source, 'GET', `${RELATIONSHIPS}?list_destinations_only=true`)).num_records).toBe(0);
    expect(scene.volume.snapshots()).toHaveLength(1);
    expect((await scene.relationship(uuid)).state).toBe('snapmirrored');
  });

  it('with a dead source the destination half goes alone, both halves do not', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    scene.source.kill();
    const both = await call(scene.destination, 'DELETE', `${RELATIONSHIPS}/${uuid}`);
    expect((await scene.jobEnd(both)).error.code).toBe('13303822');
    await scene.ok(scene.destination, 'DELETE', `${RELATIONSHIPS}/${uuid}?destination_only=true`);
    scene.source.revive();
    expect((await scene.ok(scene.source, 'GET', `${RELATIONSHIPS}?list_destinations_only=true`)).num_records).toBe(1);
  });

  it('create_destination makes the volume and initialises it', async () => {
    const scene = new Scene();
    await scene.ok(scene.destination, 'POST', RELATIONSHIPS, {
      'source.path': 'svm1:vol1',
      'destination.path': 'svm1_dr:vol1_copy',
      'create_destination.enabled': true,
      state: 'snapmirrored',
      policy: { name: 'MirrorAllSnapshots' },
    });
    const [record] = (await scene.ok(scene.destination, 'GET', RELATIONSHIPS)).records;
    await scene.drained(record.uuid);
    expect(scene.destination.volume('svm1_dr', 'vol1_copy').digest()).toBe(scene.volume.digest());
  });
});

describe('which snapshots are carried', () => {
  const withSnapshots = async (policy: string) => {
    const scene = new Scene();
    const { volume } = scene;
    volume.createSnapshot('before');
    const uuid = await scene.mirrored({ policy });
    volume.write('/day', 0, bytes('1'));
    volume.createSnapshot('day1', { label: 'daily' });
    volume.write('/day', 0, bytes('2'));
    volume.createSnapshot('manual');
    volume.write('/day', 0, bytes('3'));
    await scene.update(uuid);
    return { scene, uuid, own: (names: string[]) => names.filter((name) => !name.startsWith('snapmirror.')) };
  };

  it('MirrorAllSnapshots carries all of them, and drops what the source drops', async () => {
    const { scene, uuid, own } = await withSnapshots('MirrorAllSnapshots');
    expect(own(scene.mirror.snapshots())).toEqual(['before', 'day1', 'manual']);
    expect(scene.mirror.snapshot('day1').digest()).toBe(scene.volume.snapshot('day1').digest());
    const gone = scene.volume.snapshot('manual').uuid;
    await scene.ok(scene.source, 'DELETE', `/storage/volumes/${scene.volume.uuid}/snapshots/${gone}`);
    await scene.update(uuid);
    expect(own(scene.mirror.snapshots())).toEqual(['before', 'day1']);
  });

  it('MirrorLatest carries none but its own', async () => {
    const { scene, own } = await withSnapshots('MirrorLatest');
    expect(own(scene.mirror.snapshots())).toEqual([]);
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('MirrorAndVault carries the labelled ones', async () => {
    const { scene, own } = await withSnapshots('MirrorAndVault');
    expect(own(scene.mirror.snapshots())).toEqual(['day1']);
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('a vault makes none of its own: the destination stays at the newest labelled one', async () => {
    const { scene, uuid, own } = await withSnapshots('XDPDefault');
    expect(own(scene.mirror.snapshots())).toEqual(['day1']);
    expect(scene.mirror.digest()).toBe(scene.volume.snapshot('day1').digest());
    expect((await scene.relationship(uuid)).exported_snapshot).toBe('day1');
  });

  it('source_snapshot transfers that one; one older than the base is refused', async () => {
    const { scene, uuid } = await withSnapshots('MirrorLatest');
    scene.volume.createSnapshot('wanted');
    const wanted = scene.volume.digest();
    scene.volume.write('/later', 0, bytes('x'));
    const path = `${RELATIONSHIPS}/${uuid}/transfers`;
    await scene.ok(scene.destination, 'POST', path, { source_snapshot: 'wanted' });
    await scene.drained(uuid);
    expect(scene.mirror.digest()).toBe(wanted);
    const older = await call(scene.destination, 'POST', path, { body: { source_snapshot: 'day1' } });
    expect(older.json.error).toMatchObject({
      code: '13303844',
      message: expect.stringContaining('older than the base'),
    });
  });
});

describe('transfers', () => {
  const slow = () => new Scene({ transferRate: 1000 });

  it('move at the set rate, and bytes grow with the clock', async () => {
    const scene = slow();
    const uuid = await scene.relate();
    const path = `${RELATIONSHIPS}/${uuid}/transfers`;
    const started = scene.clock.now();
    await scene.ok(scene.destination, 'POST', path, {});
    await scene.clock.sleep(2000);
    const [transfer] = (await scene.ok(scene.destination, 'GET', `${path}?state=transferring&fields=*`)).records;
    expect(transfer.bytes_transferred).toBe(2000);
    const record = await scene.drained(uuid);
    const total = record.transfer.bytes_transferred;
    expect(total).toBeGreaterThan(12_000);
    const seconds = (Date.parse(record.transfer.end_time) - started) / 1000;
    expect(Math.abs(seconds - total / 1000)).toBeLessThanOrEqual(1.5);
  });

  it('a throttle slows them down', async () => {
    const scene = new Scene();
    const uuid = await scene.relate();
    await scene.patch(uuid, { throttle: 1 });
    await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
    const { transfer } = await scene.drained(uuid);
    expect(transfer.total_duration).toMatch(/^PT1[0-9]S$/);
  });

  const aborted = async (state: 'aborted' | 'hard_aborted') => {
    const scene = slow();
    const uuid = await scene.relate();
    const path = `${RELATIONSHIPS}/${uuid}/transfers`;
    await scene.ok(scene.destination, 'POST', path, {});
    await scene.clock.sleep(8000);
    const [{ uuid: transfer }] = (await scene.ok(scene.destination, 'GET', `${path}?state=transferring`)).records;
    expect((await call(scene.destination, 'PATCH', `${path}/${transfer}`, { body: { state } })).status).toBe(200);
    return { scene, uuid, path, transfer };
  };

  it('an abort keeps a checkpoint: the next transfer goes on from it', async () => {
    const { scene, uuid, path, transfer } = await aborted('aborted');
    const record = await scene.relationship(uuid);
    expect(record).toMatchObject({
      state: 'uninitialized',
      healthy: false,
      transfer: { state: 'aborted' },
      unhealthy_reason: [{ code: '6620046', message: 'Transfer aborted' }],
    });
    expect(scene.mirror.files()).toEqual([]);
    const history = (await scene.ok(scene.destination, 'GET', `${path}/${transfer}`)).error_info;
    expect(history).toEqual({ code: 6620046, message: 'Transfer aborted' });
    await scene.ok(scene.destination, 'POST', path, {});
    const [again] = (await scene.ok(scene.destination, 'GET', `${path}?state=transferring&fields=*`)).records;
    expect(again.bytes_transferred).toBe(8000);
    await scene.drained(uuid);
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
    expect((await scene.relationship(uuid)).healthy).toBe(true);
  });

  it('a hard abort drops it, and the snapshot that was made for it', async () => {
    const { scene, uuid, path } = await aborted('hard_aborted');
    expect(scene.volume.snapshots()).toEqual([]);
    await scene.ok(scene.destination, 'POST', path, {});
    const [again] = (await scene.ok(scene.destination, 'GET', `${path}?state=transferring&fields=*`)).records;
    expect(again.bytes_transferred).toBe(0);
    await scene.drained(uuid);
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('an abort of a transfer that has ended is refused with code 4', async () => {
    const { scene, path, transfer } = await aborted('aborted');
    const again = await call(scene.destination, 'PATCH', `${path}/${transfer}`, { body: { state: 'aborted' } });
    expect(again.status).toBe(404);
    expect(again.json.error.code).toBe('4');
  });

  it('a pause lets the running transfer end; the state stays until then', async () => {
    const scene = slow();
    const uuid = await scene.mirrored();
    scene.volume.write('/more', 0, new Uint8Array(20_000).fill(9));
    await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
    await scene.patch(uuid, { state: 'paused' });
    expect(await scene.relationship(uuid)).toMatchObject({
      state: 'snapmirrored',
      transfer: { state: 'transferring' },
    });
    expect(await scene.drained(uuid)).toMatchObject({ state: 'paused', transfer: { state: 'success' } });
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('a source that dies fails the transfer; the mirror keeps its last good state', async () => {
    const scene = slow();
    const uuid = await scene.mirrored();
    const before = scene.mirror.digest();
    scene.volume.write('/more', 0, new Uint8Array(20_000).fill(9));
    await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
    scene.source.kill();
    expect(await scene.relationship(uuid)).toMatchObject({
      state: 'snapmirrored',
      healthy: false,
      transfer: { state: 'failed' },
    });
    expect(scene.mirror.digest()).toBe(before);
    await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
    expect((await scene.drained(uuid)).transfer.state).toBe('failed');
    scene.source.revive();
    await scene.update(uuid);
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('their history is listed for a day', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    await scene.update(uuid);
    const listed = async () =>
      (await scene.ok(scene.destination, 'GET', `${RELATIONSHIPS}/${uuid}/transfers`)).num_records;
    expect(await listed()).toBe(2);
    await scene.clock.advance(25 * 3_600_000);
    expect(await listed()).toBe(0);
  });
});

describe('lag', () => {
  it('grows with the clock, in days beyond a day, and is measured from the snapshot', async () => {
    const scene = new Scene();
    const uuid = await scene.relate();
    expect(await scene.relationship(uuid)).not.toHaveProperty('lag_time');
    await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
    await scene.drained(uuid);
    const { createdAt } = scene.volume.snapshot(scene.volume.snapshots()[0] ?? '');
    const exact = async (lagMs: number) => {
      await scene.clock.advance(createdAt + lagMs - scene.clock.now());
      return (await scene.relationship(uuid)).lag_time;
    };
    expect(await exact(59_000)).toBe('PT59S');
    expect(await exact(3_600_000)).toBe('PT1H');
    expect(await exact(86_400_000)).toBe('P1D');
    expect(await exact(97_382_000)).toBe('P1DT3H3M2S');
  });
});

describe('scheduled updates', () => {
  it('run when the schedule says, without anybody asking', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ schedule: 'hourly' });
    expect((await scene.relationship(uuid)).transfer_schedule.name).toBe('hourly');
    scene.volume.write('/new', 0, bytes('x'));
    await scene.clock.advance(3_600_000 + 6 * 60_000);
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
    const exported: string = (await scene.relationship(uuid)).exported_snapshot;
    expect(exported.endsWith('2026-01-01_010500')).toBe(true);
  });

  it('follow the policy when the relationship has none, and neither with MirrorAllSnapshots', async () => {
    for (const [policy, expected] of [
      ['Asynchronous', true],
      ['MirrorAllSnapshots', false],
    ] as const) {
      const scene = new Scene();
      await scene.mirrored({ policy });
      scene.volume.write('/new', 0, bytes('x'));
      await scene.clock.advance(2 * 3_600_000);
      expect(scene.mirror.digest() === scene.volume.digest()).toBe(expected);
    }
  });

  it("run by a schedule of the user's own", async () => {
    const scene = new Scene();
    const cron = { minutes: [30], hours: [3], weekdays: [6] };
    await scene.ok(scene.destination, 'POST', '/cluster/schedules', { name: 'saturdays', cron });
    const uuid = await scene.mirrored({ schedule: 'saturdays' });
    await scene.clock.advance(7 * 86_400_000);
    // 2026-01-01 is a Thursday.
    expect((await scene.relationship(uuid)).exported_snapshot).toMatch(/\.2026-01-03_033000$/);
  });

  it('stop with a schedule of null, while paused, and with the relationship', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ schedule: 'hourly' });
    const follows = async (name: string) => {
      scene.volume.write(name, 0, bytes('x'));
      await scene.clock.advance(2 * 3_600_000);
      return scene.mirror.digest() === scene.volume.digest();
    };
    expect(await follows('/a')).toBe(true);
    await scene.patch(uuid, { state: 'paused' });
    expect(await follows('/b')).toBe(false);
    await scene.patch(uuid, { state: 'snapmirrored' });
    expect(await follows('/c')).toBe(true);
    await scene.patch(uuid, { transfer_schedule: { name: null } });
    expect(await follows('/d')).toBe(false);
  });

  it('that find another transfer running make the relationship unhealthy, and say why', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ schedule: 'hourly' });
    scene.destination.addFault({ kind: 'transfer-stalls', path: '*/transfers' });
    await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
    await scene.clock.advance(2 * 3_600_000);
    const { healthy, unhealthy_reason } = await scene.relationship(uuid);
    expect(healthy).toBe(false);
    expect(unhealthy_reason[0].message).toContain('Scheduled update was delayed');
  });
});

describe('synchronous relationships', () => {
  it("with StrictSync refuse the hosts' writes while the mirror cannot follow; with Sync they do not", async () => {
    for (const [policy, refused] of [
      ['StrictSync', true],
      ['Sync', false],
    ] as const) {
      const scene = new Scene();
      const uuid = await scene.mirrored({ policy });
      scene.destination.kill();
      const write = () => scene.volume.write('/alone', 0, bytes('x'));
      if (refused) expect(write).toThrow(/out of sync/);
      else write();
      scene.destination.revive();
      expect(await scene.relationship(uuid)).toMatchObject({
        state: 'synchronizing',
        healthy: false,
        transfer: { state: 'transferring', type: 'resync' },
      });
      if (refused) expect(write).toThrow(/out of sync/);
      else scene.volume.write('/meanwhile', 0, bytes('x'));
      await scene.drained(uuid);
      write();
      expect(scene.mirror.digest()).toBe(scene.volume.digest());
      expect(await scene.relationship(uuid)).toMatchObject({ state: 'in_sync', healthy: true });
    }
  });

  it('fall out of sync again when the cluster dies while they synchronise, and bring what was written meanwhile', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ policy: 'Sync' });
    scene.source.kill();
    scene.source.revive();
    scene.source.kill();
    expect(await scene.relationship(uuid)).toMatchObject({ state: 'out_of_sync', healthy: false });
    scene.source.revive();
    scene.volume.write('/meanwhile', 0, bytes('x'));
    expect((await scene.relationship(uuid)).state).toBe('synchronizing');
    expect(await scene.drained(uuid)).toMatchObject({ state: 'in_sync', healthy: true });
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('are in_sync after the initialise, and every write is there at once', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ policy: 'Sync' });
    const record = await scene.relationship(uuid);
    expect(record.state).toBe('in_sync');
    expect(record).not.toHaveProperty('lag_time');
    scene.volume.write('/now', 0, bytes('at once'));
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('survive the loss of the source without losing a write, and break, and resync', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ policy: 'StrictSync' });
    scene.volume.write('/last', 0, bytes('words'));
    const last = scene.volume.digest();
    scene.source.kill();
    expect(await scene.relationship(uuid)).toMatchObject({ state: 'out_of_sync', healthy: false });
    await scene.patch(uuid, { state: 'broken_off' });
    expect(scene.mirror.digest()).toBe(last);
    scene.mirror.write('/there', 0, bytes('x'));
    scene.source.revive();
    await scene.patch(uuid, { state: 'in_sync' });
    expect(await scene.drained(uuid)).toMatchObject({ state: 'in_sync', healthy: true });
    expect(scene.mirror.digest()).toBe(last);
  });

  it('do not follow while paused, and catch up when resumed', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ policy: 'Sync' });
    await scene.patch(uuid, { state: 'paused' });
    scene.volume.write('/later', 0, bytes('x'));
    expect(scene.mirror.digest()).not.toBe(scene.volume.digest());
    await scene.patch(uuid, { state: 'in_sync' });
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });
});

describe('peers', () => {
  it('a peering between clusters waits for the other side to accept, then carries relationships', async () => {
    const scene = new Scene();
    const { source, destination } = scene;
    const other = source.createVolume({ svm: 'svm2', name: 'other', sizeBytes: 2 ** 26 });
    other.write('/x', 0, bytes('x'));
    await scene.ok(destination, 'POST', '/svm/peers', {
      'svm.name': 'svm1_dr',
      'peer.svm.name': 'svm2',
      'peer.cluster.name': 'cluster1',
      applications: ['snapmirror'],
      name: 'svm2_alias',
    });
    const states = async () => {
      const [here, there] = await Promise.all(
        [destination, source].map((cluster) => scene.ok(cluster, 'GET', '/svm/peers?fields=state,name,svm.name')),
      );
      return [here.records, there.records].map((records: Json[]) => records.map(({ state }) => state).sort());
    };
    expect(await states()).toEqual([
      ['initiated', 'peered'],
      ['peered', 'pending'],
    ]);
    const create = {
      source: { path: 'svm2_alias:other' },
      destination: { path: 'svm1_dr:other' },
      create_destination: { enabled: true },
      state: 'snapmirrored',
    };
    expect((await call(destination, 'POST', RELATIONSHIPS, { body: create })).json.error.code).toBe('13303886');
    const [pending] = (await scene.ok(source, 'GET', '/svm/peers?state=pending')).records;
    await scene.ok(source, 'PATCH', `/svm/peers/${pending.uuid}`, { state: 'peered' });
    await scene.ok(destination, 'POST', RELATIONSHIPS, { ...create, state: 'snapmirrored' });
    const [record] = (await scene.ok(destination, 'GET', `${RELATIONSHIPS}?fields=source`)).records;
    expect(record.source).toMatchObject({
      path: 'svm2_alias:other',
      svm: { name: 'svm2_alias' },
      cluster: { name: 'cluster1' },
    });
    await scene.drained(record.uuid);
    expect(destination.volume('svm1_dr', 'other').digest()).toBe(other.digest());
  });

  it('GET /svm/peers hangs while a peer is dead', async () => {
    const scene = new Scene();
    scene.source.kill();
    const before = scene.clock.now();
    expect((await call(scene.destination, 'GET', '/svm/peers')).status).toBe(200);
    expect(scene.clock.now() - before).toBe(60_000);
  });
});
