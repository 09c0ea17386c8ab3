import { describe, expect, it } from 'vitest';
import { failure, MINUTE, SECOND, Stage } from '../scenarios/harness.ts';

describe('abort', () => {
  it.each([
    [false, 'aborted'],
    [true, 'hard_aborted'],
  ])('ends the running transfer and nothing else; clearing the checkpoint: %s', async (clearCheckpoint, state) => {
    await using stage = await Stage.open();
    await stage.transferring(true);
    const aborted = await stage.dataMotion.abortSnapmirror(stage.pair, { clearCheckpoint });
    expect(aborted).toMatchObject({
      actions: ['abort-transfers'],
      relationship: { state: 'snapmirrored', transfer: { state } },
    });
    await stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });

  it('without a running transfer there is nothing to do, in whatever state (defect 19)', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const changes = stage.changes.length;
    const idle = { actions: [], note: 'no transfer is running' };
    expect(await stage.dataMotion.abortSnapmirror(stage.pair)).toMatchObject(idle);
    await stage.dataMotion.breakSnapmirror(stage.pair);
    const broken = stage.changes.length;
    expect(await stage.dataMotion.abortSnapmirror(stage.pair)).toMatchObject(idle);
    expect([broken > changes, stage.changes.length]).toEqual([true, broken]);
  });

  it('of a mirror that is not there, or is synchronous and catching up, is refused by its name', async () => {
    await using stage = await Stage.open();
    expect(await failure(() => stage.dataMotion.abortSnapmirror(stage.pair))).toMatchObject({
      code: 'MIRROR_NOT_FOUND',
      remedy: 'check the names, or create the relationship first',
    });
    await stage.dataMotion.createSnapmirror(stage.pair, { policy: 'Sync' });
    expect(await failure(() => stage.dataMotion.abortSnapmirror(stage.pair))).toMatchObject({
      code: 'MIRROR_ILLEGAL_EVENT',
      event: 'abort',
    });
  });

  it('of many leaves alone what transfers nothing', async () => {
    await using stage = await Stage.open();
    await stage.transferring(true);
    const outcomes = await stage.dataMotion.abortSnapmirrors({
      source: 'east',
      target: 'west',
      volumes: ['vol1', 'nosuch'],
    });
    expect(outcomes).toMatchObject([
      { ok: true, result: { actions: ['abort-transfers'] } },
      { ok: false, error: { code: 'MIRROR_NOT_FOUND' } },
    ]);
  });
});

describe('release', () => {
  it('is refused while the destination has the relationship, and pays the debt of a delete afterwards', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const changes = stage.changes.length;
    expect(await failure(() => stage.dataMotion.releaseSnapmirror(stage.pair))).toMatchObject({
      code: 'MIRROR_ILLEGAL_EVENT',
      state: 'snapmirrored',
      remedy: 'delete it there first',
    });
    expect(stage.changes).toHaveLength(changes);

    stage.east.kill();
    const { release } = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(release.state).toBe('owed');
    expect(await failure(() => stage.dataMotion.releaseSnapmirror(stage.pair))).toMatchObject({
      code: 'ONTAP_UNREACHABLE',
    });
    stage.east.revive();
    const paid = await stage.dataMotion.releaseSnapmirrors({ source: 'east', target: 'west', volumes: ['vol1'] });
    expect(paid).toMatchObject([{ ok: true, result: { actions: ['release-source'] } }]);
    expect(stage.source.snapshots()).toEqual([]);
    expect(await stage.dataMotion.releaseSnapmirror(stage.pair)).toMatchObject({
      actions: [],
      note: 'the source keeps nothing for this destination',
    });
  });

  it('keeps the snapshots if asked to', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.dataMotion.deleteSnapmirror(stage.pair, { release: false });
    await stage.dataMotion.releaseSnapmirror(stage.pair, { keepSnapshots: true });
    expect(await stage.remains()).toMatchObject({ relationships: [] });
    expect(stage.source.snapshots()).toHaveLength(1);
  });

  it('with the destination lost asks only the source', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.west.kill();
    expect(await failure(() => stage.dataMotion.releaseSnapmirror(stage.pair))).toMatchObject({
      code: 'ONTAP_UNREACHABLE',
      cluster: 'cluster2.sim',
    });
    const start = stage.world.requests.length;
    const released = await stage.dataMotion.releaseSnapmirror(stage.pair, { destinationLost: true });
    expect(released.actions).toEqual(['release-source']);
    expect(stage.world.requests.slice(start).filter(({ cluster }) => cluster === 'cluster2')).toEqual([]);
    expect(stage.source.snapshots()).toEqual([]);
  });

  it('goes on when the destination volume mirrors something else by now', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.dataMotion.deleteSnapmirror(stage.pair, { release: false });
    stage.east.createVolume({ svm: 'svm1', name: 'other', sizeBytes: 2 ** 20 });
    await stage.raw(stage.west, 'POST', '/snapmirror/relationships', {
      source: { path: 'svm1:other' },
      destination: { path: 'svm1_dr:vol1' },
    });
    expect((await stage.dataMotion.releaseSnapmirror(stage.pair)).actions).toEqual(['release-source']);
  });
});

/** What can be left of a mirror, on either end, by whoever stopped in the middle. */
const DESTINATION_HALVES: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
  absent: async (stage) => {
    await stage.mirrored();
    await half(stage, 'destination');
  },
  uninitialized: async (stage) => {
    stage.west.addFault({ kind: 'transfer-stalls', method: 'PATCH', path: '/snapmirror/relationships/*' });
    await stage.dataMotion.createSnapmirror(stage.pair);
    await stage.dataMotion.abortSnapmirror(stage.pair);
  },
  initializing: async (stage) => {
    stage.west.addFault({ kind: 'transfer-stalls', method: 'PATCH', path: '/snapmirror/relationships/*' });
    await stage.dataMotion.createSnapmirror(stage.pair);
  },
  snapmirrored: (stage) => stage.mirrored(),
  transferring: (stage) => stage.transferring(true),
  paused: async (stage) => {
    await stage.mirrored();
    await stage.dataMotion.quiesceThenAbort(stage.pair);
  },
  draining: async (stage) => {
    await stage.transferring(true);
    const { uuid } = await stage.record();
    await stage.raw(stage.west, 'PATCH', `/snapmirror/relationships/${uuid}`, { state: 'paused' });
  },
  broken_off: (stage) => stage.broken(),
};

async function half(stage: Stage, which: 'destination' | 'source'): Promise<void> {
  const [cluster, scope] =
    which === 'destination' ? [stage.west, 'destination_only'] : [stage.east, 'source_info_only'];
  const view = which === 'destination' ? '' : '?list_destinations_only=true';
  for (const { uuid } of await stage.read(cluster, `/snapmirror/relationships${view}`)) {
    await stage.raw(cluster, 'DELETE', `/snapmirror/relationships/${uuid}?${scope}=true`);
  }
}

/** While a transfer runs ONTAP removes neither half, so the source's cannot be missing then. */
const WITH_TRANSFER = ['initializing', 'transferring', 'draining'];
const REMAINS = Object.keys(DESTINATION_HALVES).flatMap((destination) =>
  ['there', 'gone'].flatMap((source) =>
    source === 'gone' && WITH_TRANSFER.includes(destination)
      ? []
      : ['alive', 'dead'].map((life) => ({ destination, source, life })),
  ),
);

describe('delete and release of what is left', () => {
  it.each(REMAINS)(
    'destination half $destination, source half $source, source $life',
    async ({ destination, source, life }) => {
      await using stage = await Stage.open();
      await DESTINATION_HALVES[destination]?.(stage);
      if (source === 'gone') await half(stage, 'source');
      if (life === 'dead') stage.east.kill();

      const startedAt = stage.clock.now();
      const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
      expect(stage.clock.now() - startedAt).toBeLessThan(5 * MINUTE);
      expect(deleted.actions.includes('delete-destination')).toBe(destination !== 'absent');
      const states = { there: 'released', gone: 'nothing-to-release' } as const;
      expect(deleted.release.state).toBe(life === 'dead' ? 'owed' : states[source as keyof typeof states]);

      if (life === 'dead') {
        stage.east.revive();
        const paid = await stage.dataMotion.releaseSnapmirror(stage.pair);
        expect(paid.actions).toEqual(source === 'there' ? ['release-source'] : []);
      }
      await stage.wait(10 * SECOND);
      expect(await stage.remains()).toMatchObject({ relationships: [] });
      if (source === 'there') expect(stage.source.snapshots()).toEqual([]);
      expect((await stage.dataMotion.deleteSnapmirror(stage.pair)).actions).toEqual([]);
    },
  );
});

describe('delete and release of what somebody else took apart', () => {
  const entries = (stage: Stage) => stage.read(stage.east, '/snapmirror/relationships?list_destinations_only=true');

  /** Takes a volume offline and deletes it, whatever is mirrored to or from it. */
  async function destroy(stage: Stage, cluster: Stage['east'], volume: Stage['source']): Promise<void> {
    const path = `/storage/volumes/${volume.uuid}`;
    await stage.raw(cluster, 'PATCH', path, { nas: { path: '' } });
    await stage.raw(cluster, 'PATCH', path, { state: 'offline' });
    await stage.raw(cluster, 'DELETE', `${path}?force=true`);
  }

  it('the source volume is gone, or offline for good', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await destroy(stage, stage.east, stage.source);
    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(deleted.actions).toContain('delete-destination');
    expect(await stage.record()).toBeUndefined();
    await stage.dataMotion.releaseSnapmirror(stage.pair);
    expect(await entries(stage)).toEqual([]);
    expect((await stage.dataMotion.deleteSnapmirror(stage.pair)).actions).toEqual([]);
  });

  it('the destination volume is gone', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.dataMotion.deleteSnapmirror(stage.pair, { release: false });
    await destroy(stage, stage.west, stage.copy);
    expect((await stage.dataMotion.deleteSnapmirror(stage.pair)).release.state).toBe('released');
    expect(stage.source.snapshots()).toEqual([]);
  });

  it('the SVM of the destination is gone: delete says so, and a release that is told goes on without it', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.dataMotion.deleteSnapmirror(stage.pair, { release: false });
    stage.intercept = (request, send) =>
      request.url.includes('cluster2.sim') && request.url.includes('/svm/svms')
        ? Promise.resolve(Response.json({ records: [], num_records: 0 }))
        : send(request);
    expect(await failure(() => stage.dataMotion.deleteSnapmirror(stage.pair))).toMatchObject({
      code: 'ONTAP_NOT_FOUND',
      remedy: expect.stringContaining('netapp_vserver'),
    });
    const released = await stage.dataMotion.releaseSnapmirror(stage.pair, { destinationLost: true });
    expect(released.actions).toEqual(['release-source']);
    expect(stage.source.snapshots()).toEqual([]);
  });

  it.each([true, false])('the half of the source is missing while a transfer runs (endless: %s)', async (endless) => {
    await using stage = await Stage.open();
    await stage.transferring(endless);
    stage.intercept = (request, send) =>
      request.url.includes('list_destinations_only')
        ? Promise.resolve(Response.json({ records: [], num_records: 0 }))
        : send(request);
    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(deleted.actions).toEqual(['abort-transfers', 'delete-destination']);
    expect(deleted.release.state).toBe('nothing-to-release');
    expect(await stage.record()).toBeUndefined();
  });
});
