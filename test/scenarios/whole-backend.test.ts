import { describe, expect, it } from 'vitest';
import type { MirrorOutcome } from '../../src/run/mirror/many.ts';
import { KIB, MIB, SECOND, Stage } from './harness.ts';

/** Counts of what a call asked of the clusters, by method and path without names and uuids. */
function requestsOf(stage: Stage, since: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { cluster, method, path } of stage.world.requests.slice(since)) {
    const kind = `${cluster} ${method} ${path.replace(/[0-9a-f-]{36}/g, '{uuid}')}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);

async function stageOf(volumes: number, options: Parameters<typeof Stage.open>[0] = {}): Promise<Stage> {
  const stage = await Stage.open({ world: { transferRate: 100 * MIB, ...options.world }, ...options });
  const [svm = ''] = stage.east.svms;
  for (let i = 1; i < volumes; i++) {
    const volume = stage.east.createVolume({ svm, name: `pool${i}`, sizeBytes: 40 * MIB });
    volume.write('/data', 0, new Uint8Array(16 * KIB).fill(i));
  }
  return stage;
}

const failures = (outcomes: readonly MirrorOutcome[]) => outcomes.filter(({ ok }) => !ok);

describe('a whole backend at once', () => {
  it('ensure: 200 new mirrors, their content, at most 6 requests each; again: nothing is sent, 0.05 requests each', async () => {
    const inFlight = new Map<string, number>();
    let peak = 0;
    await using stage = await stageOf(200, {
      intercept: async (request, send) => {
        const { host } = new URL(request.url);
        const now = (inFlight.get(host) ?? 0) + 1;
        inFlight.set(host, now);
        peak = Math.max(peak, now);
        try {
          return await send(request);
        } finally {
          inFlight.set(host, (inFlight.get(host) ?? 0) - 1);
        }
      },
    });
    const start = stage.world.requests.length;
    const outcomes = await stage.dataMotion.ensureSnapmirrors({ source: 'east' }, { waitForBaseline: true });
    expect(outcomes).toHaveLength(200);
    expect(failures(outcomes)).toEqual([]);
    const [from = '', to = ''] = [stage.east.svms[0], stage.west.svms[0]];
    for (const { pair } of outcomes) {
      const { volume } = pair.source;
      expect(stage.west.volume(to, volume).digest()).toBe(stage.east.volume(from, volume).digest());
    }
    const counts = requestsOf(stage, start);
    expect(counts['cluster2 POST /api/storage/volumes']).toBe(200);
    expect(counts['cluster2 POST /api/snapmirror/relationships']).toBe(200);
    expect(counts['cluster2 PATCH /api/snapmirror/relationships/{uuid}']).toBe(200);
    expect(total(counts) / 200).toBeLessThanOrEqual(6);
    expect(peak).toBe(16);

    const healthy = stage.world.requests.length;
    const again = await stage.dataMotion.ensureSnapmirrors({ source: 'east' });
    expect(again.flatMap((outcome) => (outcome.ok ? outcome.result.actions : ['failed']))).toEqual([]);
    const checked = requestsOf(stage, healthy);
    expect(Object.keys(checked).filter((kind) => !kind.includes(' GET '))).toEqual([]);
    expect(total(checked) / 200).toBeLessThanOrEqual(0.05);
  });

  it('defect 21: one volume that fails has its own outcome, and all others are done', async () => {
    await using stage = await stageOf(5);
    const [svm = ''] = stage.west.svms;
    stage.west.createVolume({ svm, name: 'pool2', sizeBytes: 40 * MIB });
    const outcomes = await stage.dataMotion.ensureSnapmirrors({ source: 'east' }, { waitForBaseline: true });
    expect(failures(outcomes)).toMatchObject([
      { pair: { source: { volume: 'pool2' } }, error: { code: 'MIRROR_VOLUME_WRONG_TYPE' } },
    ]);
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(4);
  });

  it('ensure takes the pools that the pattern names; a volume asked for that is not there is an outcome', async () => {
    await using stage = await stageOf(4, { east: { poolNamePattern: 'pool.*' } });
    const all = await stage.dataMotion.ensureSnapmirrors({ source: 'east' });
    expect(all.map(({ pair }) => pair.source.volume).sort()).toEqual(['pool1', 'pool2', 'pool3']);
    const some = await stage.dataMotion.ensureSnapmirrors({ source: 'east', volumes: ['pool1', 'nosuch'] });
    expect(some).toMatchObject([{ ok: true }, { ok: false, error: { code: 'MIRROR_VOLUME_NOT_FOUND' } }]);
  });

  it('update, break, resync, delete of all: together, with every outcome told', async () => {
    await using stage = await stageOf(20);
    const selection = { source: 'east', target: 'west' };
    await stage.dataMotion.ensureSnapmirrors(selection, { waitForBaseline: true });
    const [from = '', to = ''] = [stage.east.svms[0], stage.west.svms[0]];
    for (const name of ['pool1', 'pool7'])
      stage.east.volume(from, name).write('/data', 0, new Uint8Array(4096).fill(99));
    expect(failures(await stage.dataMotion.updateSnapmirrors(selection, { wait: true }))).toEqual([]);
    expect(stage.west.volume(to, 'pool7').digest()).toBe(stage.east.volume(from, 'pool7').digest());

    stage.east.kill();
    const start = stage.clock.now();
    const volumes = (await stage.dataMotion.getSnapmirrors(selection)).map(({ source }) => source.volume ?? '');
    const broken = await stage.dataMotion.breakSnapmirrors({ ...selection, volumes });
    expect(broken.map((outcome) => outcome.ok && outcome.result.mount.mounted)).toEqual(Array(20).fill(true));
    expect(stage.clock.now() - start).toBeLessThan(30 * SECOND);
    expect(stage.world.requests.filter(({ cluster, at }) => cluster === 'cluster1' && at > start)).toEqual([]);

    stage.east.revive();
    expect(failures(await stage.dataMotion.resyncSnapmirrors(selection, { wait: true }))).toEqual([]);
    const deleted = await stage.dataMotion.deleteSnapmirrors(selection);
    expect(deleted.map((outcome) => outcome.ok && outcome.result.release.state)).toEqual(Array(20).fill('released'));
    expect(await stage.dataMotion.getSnapmirrors(selection)).toEqual([]);
  });

  it('quiesce and resume of all; a drain that never ends is aborted for itself alone', async () => {
    await using stage = await stageOf(6);
    const selection = { source: 'east', target: 'west' };
    await stage.dataMotion.ensureSnapmirrors(selection, { waitForBaseline: true });
    const [from = ''] = stage.east.svms;
    stage.east.volume(from, 'pool3').write('/data', 0, new Uint8Array(4096).fill(1));
    stage.west.addFault({
      kind: 'transfer-stalls',
      method: 'POST',
      path: '/snapmirror/relationships/*/transfers',
      times: 1,
    });
    await stage.dataMotion.updateSnapmirror({
      source: { backend: 'east', volume: 'pool3' },
      destination: { backend: 'west' },
    });
    const quiesced = await stage.dataMotion.quiesceSnapmirrors(selection, { quiesceTimeoutMs: 20 * SECOND });
    const actions = quiesced.map((outcome) => [
      outcome.pair.source.volume,
      outcome.ok && outcome.result.actions.includes('abort-transfers'),
    ]);
    expect(Object.fromEntries(actions)).toEqual({
      vol1: false,
      pool1: false,
      pool2: false,
      pool3: true,
      pool4: false,
      pool5: false,
    });
    expect(quiesced.map((outcome) => outcome.ok && outcome.result.relationship?.state)).toEqual(
      Array(6).fill('paused'),
    );
    const resumed = await stage.dataMotion.resumeSnapmirrors(selection);
    expect(resumed.map((outcome) => outcome.ok && outcome.result.relationship?.state)).toEqual(
      Array(6).fill('snapmirrored'),
    );
  });

  it('an aborted call ends promptly: what was done is told as done, the rest as aborted, and nothing is left waiting', async () => {
    await using stage = await stageOf(30);
    const abort = new AbortController();
    const work = stage.dataMotion.ensureSnapmirrors(
      { source: 'east' },
      {
        waitForBaseline: true,
        concurrency: 5,
        signal: abort.signal,
        onProgress: ({ step }) => void (step.includes('transferring') && abort.abort()),
      },
    );
    const outcomes = await work;
    expect(outcomes).toHaveLength(30);
    const codes = new Set(outcomes.map((outcome) => (outcome.ok ? 'done' : outcome.error.code)));
    expect(codes).toContain('ABORTED');
    expect(stage.underWay).toEqual({ sleeps: 0, requests: 0 });
    const rest = await stage.dataMotion.ensureSnapmirrors({ source: 'east' }, { waitForBaseline: true });
    expect(failures(rest)).toEqual([]);
  });

  it('an unknown target, or a backend without one, is an error before anything is asked', async () => {
    await using stage = await stageOf(2);
    await expect(stage.dataMotion.ensureSnapmirrors({ source: 'east', target: 'north' })).rejects.toMatchObject({
      code: 'CONFIG_TARGET_UNKNOWN',
    });
    await expect(stage.dataMotion.ensureSnapmirrors({ source: 'west' })).rejects.toMatchObject({
      code: 'CONFIG_TARGET_UNKNOWN',
    });
    expect(stage.world.requests).toEqual([]);
  });
});
