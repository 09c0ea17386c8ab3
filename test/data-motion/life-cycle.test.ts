/** Every verb, over real HTTP and in-process, judged by what is in the volumes. */
import { describe, expect, it } from 'vitest';
import type { MirrorProgress } from '../../src/run/mirror/context.ts';
import { FRONTS, HOUR, MIB, SECOND, Stage } from '../scenarios/harness.ts';

describe.each(FRONTS)('%s', (front) => {
  it('protect, write, update, lose the source, break, write, resync, delete: the data is right at every step', async () => {
    await using stage = await Stage.open({ front });
    const { dataMotion, pair, source } = stage;
    const created = await dataMotion.createSnapmirror(pair, { waitForBaseline: true });
    expect(created.actions).toEqual(['create-destination', 'create-relationship', 'start-replication']);
    expect(created.relationship).toMatchObject({ state: 'snapmirrored', transfer: { state: 'success' } });
    expect(created.note).toBeUndefined();
    expect(stage.copy).toMatchObject({ type: 'dp', sizeBytes: source.sizeBytes });
    expect(stage.copy.digest()).toBe(source.digest());

    stage.write(source);
    expect(stage.copy.digest()).not.toBe(source.digest());
    const updated = await dataMotion.updateSnapmirror(pair, { wait: true });
    expect(updated.actions).toEqual(['start-transfer']);
    expect(stage.copy.digest()).toBe(source.digest());

    const replicated = source.digest();
    stage.write(source);
    stage.east.kill();
    const broken = await dataMotion.breakSnapmirror(pair);
    expect(broken).toMatchObject({
      actions: ['pause', 'break', 'mount'],
      mount: { mounted: true, junctionPath: '/vol1' },
      relationship: { state: 'broken_off' },
      lastSnapshot: updated.relationship?.exportedSnapshot,
      forced: false,
    });
    expect(stage.copy).toMatchObject({ type: 'rw', junctionPath: '/vol1' });
    expect(stage.copy.digest()).toBe(replicated);

    stage.write(stage.copy);
    stage.east.revive();
    const resynced = await dataMotion.resyncSnapmirror(pair, { wait: true });
    expect(resynced.actions).toEqual(['start-replication']);
    expect(stage.copy.type).toBe('dp');
    expect(stage.copy.digest()).toBe(source.digest());

    const deleted = await dataMotion.deleteSnapmirror(pair);
    expect(deleted).toMatchObject({
      actions: ['delete-destination', 'release-source'],
      release: { state: 'released' },
    });
    expect(await dataMotion.getSnapmirrors({ source: 'east', target: 'west' })).toEqual([]);
    expect(stage.copy.digest()).toBe(source.digest());
    expect(source.snapshots()).toEqual([]);
  });

  it('quiesce and resume leave the data alone and let a later update through', async () => {
    await using stage = await Stage.open({ front });
    await stage.mirrored();
    const mirrored = stage.copy.digest();
    const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair);
    expect(quiesced).toMatchObject({ actions: ['pause'], relationship: { state: 'paused' } });
    expect((await stage.dataMotion.quiesceThenAbort(stage.pair)).actions).toEqual([]);

    stage.write(stage.source);
    const resumed = await stage.dataMotion.resumeSnapmirror(stage.pair);
    expect(resumed).toMatchObject({ actions: ['start-replication'], relationship: { state: 'snapmirrored' } });
    expect(stage.copy.digest()).toBe(mirrored);
    expect((await stage.dataMotion.resumeSnapmirror(stage.pair)).actions).toEqual([]);
    await stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });

  it('a transfer is aborted at the quiesce timeout, and the next goes on from its checkpoint', async () => {
    await using stage = await Stage.open({ front });
    await stage.transferring(true);
    const mirrored = stage.copy.digest();
    const startedAt = stage.clock.now();
    const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair, { quiesceTimeoutMs: 5 * SECOND });
    expect(quiesced.actions).toEqual(['pause', 'abort-transfers']);
    expect(quiesced.relationship).toMatchObject({ state: 'paused', transfer: { state: 'aborted' } });
    expect(stage.clock.now() - startedAt).toBeLessThan(20 * SECOND);
    expect(stage.copy.digest()).toBe(mirrored);

    await stage.dataMotion.resumeSnapmirror(stage.pair);
    const resumedAt = stage.clock.now();
    await stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    expect(stage.copy.digest()).toBe(stage.source.digest());
    // Without the checkpoint it would be the eight seconds of the whole transfer.
    expect(stage.clock.now() - resumedAt).toBeLessThan(7 * SECOND);
  });

  it('break aborts a transfer that never drains, and the destination is as it was before that transfer', async () => {
    await using stage = await Stage.open({ front });
    await stage.transferring(true);
    const mirrored = stage.copy.digest();
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair, { quiesceTimeoutMs: 0 });
    expect(broken.actions).toEqual(['pause', 'abort-transfers', 'break', 'mount']);
    expect(broken.relationship?.transfer?.state).toBe('aborted');
    expect(stage.copy.type).toBe('rw');
    expect(stage.copy.digest()).toBe(mirrored);
  });
});

describe('create', () => {
  it('returns when the baseline runs, and calling again finds nothing to do until it is there', async () => {
    await using stage = await Stage.open();
    const first = await stage.dataMotion.createSnapmirror(stage.pair);
    expect(first).toMatchObject({
      note: 'the baseline transfer is under way: not protected yet',
      relationship: { state: 'uninitialized', transfer: { state: 'transferring' } },
    });
    const [status] = await stage.dataMotion.getSnapmirrors({ source: 'east', target: 'west' });
    expect(status?.protection).toBe('initializing');
    const again = await stage.dataMotion.createSnapmirror(stage.pair, { waitForBaseline: true });
    expect(again.actions).toEqual([]);
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });

  it('adopts what is there: a volume, an uninitialized relationship, a whole mirror', async () => {
    await using stage = await Stage.open();
    const { dataMotion, pair } = stage;
    stage.west.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB, type: 'dp', aggregate: 'aggr2' });
    const onVolume = await dataMotion.createSnapmirror(pair, { waitForBaseline: true });
    expect(onVolume.actions).toEqual(['create-relationship', 'start-replication']);
    expect(stage.copy.aggregates.map(({ name }) => name)).toEqual(['aggr2']);
    expect((await dataMotion.createSnapmirror(pair, { waitForBaseline: true })).actions).toEqual([]);

    await dataMotion.deleteSnapmirror(pair);
    await stage.raw(stage.west, 'POST', '/snapmirror/relationships', {
      source: { path: 'svm1:vol1' },
      destination: { path: 'svm1_dr:vol1' },
      policy: { name: 'MirrorLatest' },
    });
    const onRelationship = await dataMotion.createSnapmirror(pair, { waitForBaseline: true });
    expect(onRelationship.actions).toEqual(['start-replication']);
    expect(onRelationship.relationship?.policy?.name).toBe('MirrorLatest');
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });

  it('makes the destination in the image of its source, on the mapped aggregate', async () => {
    await using stage = await Stage.open({ east: { targets: [{ backend: 'west', aggregates: { aggr2: 'aggr1' } }] } });
    await stage.raw(stage.east, 'POST', '/storage/volumes', {
      name: 'image',
      svm: { name: 'svm1' },
      size: 150 * MIB,
      aggregates: [{ name: 'aggr2' }],
      guarantee: { type: 'none' },
      language: 'de.utf_8',
      space: { snapshot: { reserve_percent: 12 } },
      efficiency: { dedupe: 'background', compression: 'background' },
    });
    const pair = { source: { backend: 'east', volume: 'image' }, destination: { backend: 'west', volume: 'picture' } };
    const { created, volume } = await stage.dataMotion.createDestinationFlexvol(pair);
    expect(created).toBe(true);
    expect(volume).toMatchObject({
      name: 'picture',
      type: 'dp',
      state: 'online',
      sizeBytes: 150 * MIB,
      aggregates: ['aggr1'],
      guarantee: 'none',
      language: 'de.utf_8',
      snapshotReservePercent: 12,
      dedupe: true,
      compression: true,
      encrypted: false,
    });
    expect((await stage.dataMotion.createDestinationFlexvol(pair)).created).toBe(false);
  });

  it('leaves a mirror alone that somebody paused or broke off', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.dataMotion.quiesceThenAbort(stage.pair);
    const before = stage.changes.length;
    const paused = await stage.dataMotion.createSnapmirror(stage.pair);
    expect(paused).toMatchObject({ actions: [], note: expect.stringContaining('resume') });
    await stage.dataMotion.breakSnapmirror(stage.pair);
    stage.write(stage.copy);
    const written = stage.copy.digest();
    const changes = stage.changes.length;
    expect(changes).toBeGreaterThan(before);
    const broken = await stage.dataMotion.createSnapmirror(stage.pair);
    expect(broken).toMatchObject({ actions: [], note: expect.stringContaining('resync') });
    expect(stage.changes).toHaveLength(changes);
    expect(stage.copy.digest()).toBe(written);
  });

  it('gives a policy without a schedule the configured one, and one with a schedule none', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    expect((await stage.record()).transfer_schedule.name).toBe('hourly');
    stage.write(stage.source);
    await stage.wait(HOUR);
    expect(stage.copy.digest()).toBe(stage.source.digest());

    await using other = await Stage.open({ east: { policy: 'Asynchronous' } });
    await other.mirrored();
    expect((await other.record()).transfer_schedule).toBeUndefined();
  });
});

describe('update', () => {
  it('without wait returns when the transfer runs, and joins one that runs already', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.write(stage.source, 16);
    const first = await stage.dataMotion.updateSnapmirror(stage.pair);
    expect(first).toMatchObject({ actions: ['start-transfer'], relationship: { transfer: { state: 'transferring' } } });
    const second = await stage.dataMotion.updateSnapmirror(stage.pair);
    expect(second).toMatchObject({ actions: [], note: 'a transfer is under way' });
    expect(stage.copy.digest()).not.toBe(stage.source.digest());
  });

  it('with wait makes another transfer after the running one, whose snapshot is older than the call', async () => {
    await using stage = await Stage.open();
    await stage.transferring();
    stage.write(stage.source);
    const steps: MirrorProgress[] = [];
    const updated = await stage.dataMotion.updateSnapmirror(stage.pair, {
      wait: true,
      onProgress: (progress) => steps.push(progress),
    });
    expect(updated.actions).toEqual(['start-transfer']);
    expect(stage.copy.digest()).toBe(stage.source.digest());
    const moved = steps.map(({ transferredBytes }) => transferredBytes ?? 0);
    expect(Math.max(...moved)).toBeGreaterThan(0);
    expect(new Set(moved).size).toBeGreaterThan(2);
  });

  it('goes on to the running transfer when another call or a schedule started it first', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.write(stage.source, 16);
    const calls = [1, 2, 3].map(() => stage.dataMotion.updateSnapmirror(stage.pair, { wait: true }));
    await Promise.all(calls);
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });
});

describe('break', () => {
  it('lets a running transfer drain, and the destination has what it brought', async () => {
    await using stage = await Stage.open();
    await stage.transferring();
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(broken.actions).toEqual(['pause', 'break', 'mount']);
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });

  it('of a paused mirror needs no second pause, of a broken one nothing at all', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.dataMotion.quiesceThenAbort(stage.pair);
    expect((await stage.dataMotion.breakSnapmirror(stage.pair)).actions).toEqual(['break', 'mount']);
    const changes = stage.changes.length;
    const again = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(again).toMatchObject({ mount: { mounted: true }, relationship: { state: 'broken_off' } });
    expect(stage.changes).toHaveLength(changes);
  });

  it('mounts where it is told, or not at all, and keeps a mount that is there', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const unmounted = await stage.dataMotion.breakSnapmirror(stage.pair, { junctionPath: false });
    expect(unmounted).toMatchObject({ actions: ['pause', 'break'], mount: { mounted: false }, note: undefined });
    expect(stage.copy.junctionPath).toBeUndefined();
    const elsewhere = await stage.dataMotion.breakSnapmirror(stage.pair, { junctionPath: '/here' });
    expect(elsewhere.mount).toEqual({ mounted: true, junctionPath: '/here' });
    const kept = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(kept.mount).toEqual({ mounted: true, junctionPath: '/here' });
  });

  it('a mount that fails is a part of the result: the destination is writable all the same', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.west.createVolume({ svm: 'svm1_dr', name: 'squatter', sizeBytes: 20 * MIB, junctionPath: '/vol1' });
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(broken).toMatchObject({
      mount: { mounted: false, error: { name: 'OntapError', cluster: 'cluster2.sim' } },
      note: 'broken off and writable, but not mounted',
      relationship: { state: 'broken_off' },
    });
    stage.write(stage.copy);
    expect(stage.copy.type).toBe('rw');
  });

  it('is forced when ONTAP insists on a source cluster that it cannot reach, after half a minute', async () => {
    await using stage = await Stage.open({ world: { switches: { breakContactsSource: 'always' } } });
    await stage.mirrored();
    stage.east.kill();
    const startedAt = stage.clock.now();
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(broken).toMatchObject({ forced: true, relationship: { state: 'broken_off' }, mount: { mounted: true } });
    expect(stage.clock.now() - startedAt).toBeGreaterThanOrEqual(30 * SECOND);
    expect(stage.clock.now() - startedAt).toBeLessThan(90 * SECOND);
    expect(stage.changes.at(-2)?.query).toContain('force=true');
  });

  it('is forced as well when it is the job that tells of the unreachable source', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const startedAt = stage.clock.now();
    const message = 'Failed to contact peer cluster. RPC: Remote system error';
    stage.intercept = async (request, send) => {
      const body = request.method === 'PATCH' ? await request.clone().text() : '';
      const unforced = body.includes('"broken_off"') && !request.url.includes('force=true');
      if (unforced) {
        const path = '/snapmirror/relationships/*';
        stage.west.addFault({ kind: 'job-fails', method: 'PATCH', path, code: '262224', message });
      }
      return send(request);
    };
    const [outcome] = await stage.dataMotion.breakSnapmirrors({ source: 'east', target: 'west' });
    expect(outcome).toMatchObject({ ok: true, result: { forced: true, relationship: { state: 'broken_off' } } });
    expect(stage.clock.now() - startedAt).toBeGreaterThanOrEqual(30 * SECOND);
    expect(stage.clock.now() - startedAt).toBeLessThan(120 * SECOND);
  });

  it('whose mount is a job that never ends is done all the same, and tells of the mount', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const never = { kind: 'job-fails', code: '917536', lateMs: 36 * HOUR } as const;
    stage.west.addFault({ ...never, method: 'PATCH', path: '/storage/volumes/*', times: 100 });
    const startedAt = stage.clock.now();
    const [outcome] = await stage.dataMotion.breakSnapmirrors({ source: 'east', target: 'west' });
    expect(outcome).toMatchObject({
      ok: true,
      result: { relationship: { state: 'broken_off' }, mount: { mounted: false, error: { code: 'ONTAP_TIMEOUT' } } },
    });
    expect(stage.clock.now() - startedAt).toBeLessThan(HOUR);
  });

  it('is not forced when the source cluster comes back in that time', async () => {
    await using stage = await Stage.open({ world: { switches: { breakContactsSource: 'always' } } });
    await stage.mirrored();
    stage.east.kill();
    const breaking = stage.dataMotion.breakSnapmirror(stage.pair);
    await stage.clock.sleep(10 * SECOND);
    stage.east.revive();
    expect((await breaking).forced).toBe(false);
    expect(stage.changes.filter(({ query }) => query.includes('force'))).toEqual([]);
  });

  it('gets past a quiesce that ONTAP refuses for want of its peer', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.east.kill();
    const startedAt = stage.clock.now();
    stage.intercept = async (request, send) => {
      const body = request.method === 'PATCH' ? await request.clone().text() : '';
      if (!body.includes('"paused"')) return send(request);
      const error = { code: '262224', message: 'Failed to contact peer cluster. RPC: Remote system error' };
      return Response.json({ error }, { status: 500 });
    };
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(broken).toMatchObject({ actions: ['break', 'mount'], relationship: { state: 'broken_off' } });
    expect(stage.clock.now() - startedAt).toBeLessThan(90 * SECOND);
  });

  it('gets past a quiesce that ONTAP acknowledges and never carries out', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.intercept = async (request, send) => {
      const body = request.method === 'PATCH' ? await request.clone().text() : '';
      return body.includes('"paused"') ? Response.json({}) : send(request);
    };
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair, { quiesceTimeoutMs: 30 * SECOND });
    expect(broken.relationship?.state).toBe('broken_off');
  });

  it('whose answer was lost is not asked for again while the views still lag behind it', async () => {
    await using stage = await Stage.open({ world: { switches: { visibilityDelayMs: 5 * SECOND } } });
    await stage.mirrored();
    await stage.dataMotion.quiesceThenAbort(stage.pair);
    stage.west.addFault({ kind: 'answer-lost', when: 'after', method: 'PATCH', path: '/snapmirror/relationships/*' });
    const before = stage.changes.length;
    expect((await stage.dataMotion.breakSnapmirror(stage.pair)).relationship?.state).toBe('broken_off');
    const sent = stage.changes.slice(before).filter(({ path }) => path.includes('/snapmirror/'));
    expect(sent).toHaveLength(1);
  });

  it('asks no faster than it looks for what ONTAP acknowledges and never carries out', async () => {
    await using stage = await Stage.open({ timing: { visibilityMs: 0 } });
    await stage.mirrored();
    const before = stage.changes.length;
    let asked = 0;
    stage.intercept = async (request, send) => {
      const body = request.method === 'PATCH' ? await request.clone().text() : '';
      if (!body.includes('"paused"')) return send(request);
      if (asked++ > 1000) throw new Error('asked without end');
      return Response.json({});
    };
    await stage.dataMotion.breakSnapmirror(stage.pair, { quiesceTimeoutMs: 30 * SECOND });
    expect(stage.copy.type).toBe('rw');
    expect(asked).toBeLessThan(90);
    expect(stage.changes.length - before).toBe(2);
  });

  it('with a lag of 36 hours says so and breaks', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const replicated = stage.copy.digest();
    stage.write(stage.source);
    stage.east.kill();
    await stage.wait(36 * HOUR);
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(broken.lagSeconds).toBeGreaterThan(36 * 3600 - 60);
    expect(broken.lagSeconds).toBeLessThan(36 * 3600 + 60);
    expect(stage.copy.digest()).toBe(replicated);
  });
});

describe('quiesce', () => {
  it('lets a running transfer drain when there is time', async () => {
    await using stage = await Stage.open();
    await stage.transferring();
    const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair);
    expect(quiesced.actions).toEqual(['pause']);
    expect(quiesced.relationship).toMatchObject({ state: 'paused', transfer: { state: 'success' } });
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });

  it('asks once for an hour of draining, then aborts', async () => {
    await using stage = await Stage.open();
    await stage.transferring(true);
    const startedAt = stage.clock.now();
    const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair);
    expect(quiesced.actions).toEqual(['pause', 'abort-transfers']);
    expect(stage.clock.now() - startedAt).toBeGreaterThanOrEqual(HOUR);
    expect(stage.clock.now() - startedAt).toBeLessThan(HOUR + 60 * SECOND);
  });
});

describe('resync', () => {
  it('discards what was written to the destination, and without wait returns when the transfer runs', async () => {
    await using stage = await Stage.open();
    await stage.broken();
    stage.write(stage.copy, 8);
    stage.write(stage.source, 12);
    const resynced = await stage.dataMotion.resyncSnapmirror(stage.pair);
    expect(resynced).toMatchObject({ actions: ['start-replication'], note: 'the transfer is under way' });
    const waited = await stage.dataMotion.resyncSnapmirror(stage.pair, { wait: true });
    expect(waited).toMatchObject({ actions: [], relationship: { state: 'snapmirrored' } });
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });

  it('without a common snapshot fails by that name and changes nothing', async () => {
    await using stage = await Stage.open();
    await stage.broken();
    stage.write(stage.copy);
    const { uuid } = await stage.record();
    await stage.raw(stage.east, 'DELETE', `/snapmirror/relationships/${uuid}?source_info_only=true`);
    for (const { name, uuid: snapshot } of stage.source.snapshotInfos()) {
      const path = `/storage/volumes/${stage.source.uuid}/snapshots/${snapshot}`;
      expect((await stage.raw(stage.east, 'DELETE', path)).status, name).toBe(200);
    }
    const before = await stage.remains();
    await expect(stage.dataMotion.resyncSnapmirror(stage.pair, { wait: true })).rejects.toMatchObject({
      name: 'MirrorError',
      code: 'MIRROR_NO_COMMON_SNAPSHOT',
      pair: 'svm1:vol1 -> svm1_dr:vol1',
      state: 'broken_off',
      remedy: expect.stringContaining('new baseline'),
    });
    expect(await stage.remains()).toEqual(before);
    expect(stage.copy.type).toBe('rw');
  });

  it('whose transfer fails says why, leaves the destination writable, and works when called again', async () => {
    await using stage = await Stage.open();
    await stage.broken();
    stage.west.addFault({ kind: 'transfer-fails', method: 'PATCH', message: 'disk on fire' });
    await expect(stage.dataMotion.resyncSnapmirror(stage.pair, { wait: true })).rejects.toThrow('disk on fire');
    expect(stage.copy.type).toBe('rw');
    await stage.dataMotion.resyncSnapmirror(stage.pair, { wait: true });
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });
});

describe('resume', () => {
  it('is refused on a broken-off mirror, whose writes it would discard', async () => {
    await using stage = await Stage.open();
    await stage.broken();
    stage.write(stage.copy);
    const [changes, written] = [stage.changes.length, stage.copy.digest()];
    await expect(stage.dataMotion.resumeSnapmirror(stage.pair)).rejects.toMatchObject({
      code: 'MIRROR_ILLEGAL_EVENT',
      state: 'broken_off',
      event: 'resume',
      remedy: expect.stringContaining('resync'),
    });
    expect(stage.changes).toHaveLength(changes);
    expect(stage.copy.digest()).toBe(written);
  });
});

describe('delete', () => {
  const STATES: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
    uninitialized: async (stage) => {
      await stage.dataMotion.createDestinationFlexvol(stage.pair);
      await stage.raw(stage.west, 'POST', '/snapmirror/relationships', {
        source: { path: 'svm1:vol1' },
        destination: { path: 'svm1_dr:vol1' },
      });
    },
    initializing: (stage) => stage.dataMotion.createSnapmirror(stage.pair),
    snapmirrored: (stage) => stage.mirrored(),
    transferring: (stage) => stage.transferring(true),
    paused: async (stage) => {
      await stage.mirrored();
      await stage.dataMotion.quiesceThenAbort(stage.pair);
    },
    broken_off: (stage) => stage.broken(),
    resyncing: async (stage) => {
      await stage.broken();
      stage.write(stage.source, 16);
      await stage.dataMotion.resyncSnapmirror(stage.pair);
    },
  };

  it.each(Object.keys(STATES))('from %s leaves no half, and no snapshot at the source', async (state) => {
    await using stage = await Stage.open();
    await STATES[state]?.(stage);
    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(deleted.release.state).toBe('released');
    expect(await stage.remains()).toMatchObject({ relationships: [] });
    expect(stage.source.snapshots()).toEqual([]);
    const again = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(again).toMatchObject({ actions: [], release: { state: 'nothing-to-release' } });
  });

  it('without release leaves the half of the source, which a later call removes', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const kept = await stage.dataMotion.deleteSnapmirror(stage.pair, { release: false });
    expect(kept).toMatchObject({ actions: ['delete-destination'], release: { state: 'not-asked' } });
    expect(stage.source.snapshots()).toHaveLength(1);
    const released = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(released).toMatchObject({ actions: ['release-source'], release: { state: 'released' } });
    expect(stage.source.snapshots()).toEqual([]);
  });

  it('with the source dead owes the release, and the same call pays it later', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.east.kill();
    const owed = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(owed).toMatchObject({
      actions: ['delete-destination'],
      release: { state: 'owed', error: { code: 'ONTAP_UNREACHABLE', cluster: 'cluster1.sim' } },
      note: 'the source could not be released: call again once it answers',
    });
    stage.east.revive();
    expect(stage.source.snapshots()).toHaveLength(1);
    expect((await stage.dataMotion.deleteSnapmirror(stage.pair)).release.state).toBe('released');
    expect(await stage.remains()).toMatchObject({ relationships: [] });
    expect(stage.source.snapshots()).toEqual([]);
  });

  it('is done when somebody deleted both halves before', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.raw(stage.west, 'DELETE', `/snapmirror/relationships/${(await stage.record()).uuid}`);
    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(deleted).toMatchObject({ actions: [], release: { state: 'nothing-to-release' } });
  });
});
