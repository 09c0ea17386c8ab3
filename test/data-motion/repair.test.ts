import { describe, expect, it } from 'vitest';
import type { MirrorProgress } from '../../src/run/mirror/context.ts';
import { failure, Stage } from '../scenarios/harness.ts';

/** Broken off, written to, and with a snapshot of somebody's at the destination. */
async function divergent(policy = 'MirrorAllSnapshots'): Promise<Stage> {
  const stage = await Stage.open();
  await stage.mirrored({ policy });
  await stage.dataMotion.breakSnapmirror(stage.pair);
  await stage.wait(1000);
  stage.write(stage.copy, 8);
  await snapshot(stage, 'after-failover');
  stage.write(stage.source, 2);
  return stage;
}

async function snapshot(stage: Stage, name: string): Promise<void> {
  const [volume] = await stage.read(stage.west, '/storage/volumes?name=vol1');
  await stage.raw(stage.west, 'POST', `/storage/volumes/${volume.uuid}/snapshots`, { name });
}

describe('repair', () => {
  it('defect 4: is never made unasked', async () => {
    await using stage = await divergent();
    const written = stage.copy.digest();
    const left = await stage.dataMotion.createSnapmirror(stage.pair);
    expect(left).toMatchObject({ actions: [], note: expect.stringContaining('left alone: the mirror is broken_off') });
    expect(stage.copy.digest()).toBe(written);
  });

  it('of a paused mirror resumes it: nothing is lost', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    await stage.dataMotion.quiesceThenAbort(stage.pair);
    const repaired = await stage.dataMotion.createSnapmirror(stage.pair, { repair: true });
    expect(repaired).toMatchObject({ actions: ['start-replication'], relationship: { state: 'snapmirrored' } });
    expect(repaired.loss).toBeUndefined();
  });

  it('of a broken-off mirror says what is lost before anything is sent, and resyncs', async () => {
    await using stage = await divergent();
    const [common = ''] = stage.source.snapshots();
    const expected = {
      common: { name: common },
      newerSnapshots: [{ name: 'after-failover' }],
    };
    expect(await stage.dataMotion.previewResyncs({ source: 'east' })).toMatchObject([
      { ok: true, result: { actions: [], loss: expected } },
    ]);
    const changes = stage.changes.length;
    const told: (MirrorProgress & { readonly sent: number })[] = [];
    const repaired = await stage.dataMotion.createSnapmirror(stage.pair, {
      repair: true,
      waitForBaseline: true,
      onProgress: (progress) => void told.push({ ...progress, sent: stage.changes.length }),
    });
    expect(told.find(({ loss }) => loss !== undefined)).toMatchObject({ loss: expected, sent: changes });
    expect(repaired).toMatchObject({ loss: expected, relationship: { state: 'snapmirrored' } });
    expect(stage.copy.digest()).toBe(stage.source.digest());
    expect(stage.copy.snapshots()).not.toContain('after-failover');
  });

  it('with the source dead changes nothing, since what would be lost cannot be told', async () => {
    await using stage = await divergent();
    const written = stage.copy.digest();
    const changes = stage.changes.length;
    stage.east.kill();
    expect(await failure(() => stage.dataMotion.createSnapmirror(stage.pair, { repair: true }))).toMatchObject({
      code: 'ONTAP_UNREACHABLE',
    });
    expect(stage.changes).toHaveLength(changes);
    expect(stage.copy.digest()).toBe(written);
  });

  it('of a whole backend repairs what has stopped and leaves the rest alone', async () => {
    await using stage = await divergent();
    const outcomes = await stage.dataMotion.ensureSnapmirrors({ source: 'east' }, { repair: true });
    expect(outcomes).toMatchObject([{ ok: true, result: { actions: ['start-replication'] } }]);
    const again = await stage.dataMotion.previewResyncs({ source: 'east' });
    expect(again.map((outcome) => outcome.ok && outcome.result.loss)).toEqual([undefined]);
  });
});

describe('resync', () => {
  it.each([
    [true, ['after-failover']],
    [false, []],
  ])('keeps the newer snapshots of the destination on the caller’s word: %s', async (keepNewerSnapshots, kept) => {
    // A policy that mirrors all snapshots would take them away again at the next transfer.
    await using stage = await divergent('MirrorAndVault');
    await stage.dataMotion.resyncSnapmirror(stage.pair, { wait: true, keepNewerSnapshots });
    expect(stage.copy.digest()).toBe(stage.source.digest());
    expect(stage.copy.snapshots().filter((name) => name === 'after-failover')).toEqual(kept);
  });

  it('asks for the quick kind only on the caller’s word', async () => {
    await using stage = await divergent();
    const bodies: unknown[] = [];
    stage.intercept = async (request, send) => {
      if (request.method === 'PATCH') bodies.push(await request.clone().json());
      return send(request);
    };
    await stage.dataMotion.resyncSnapmirror(stage.pair, { wait: true, quick: true });
    expect(bodies).toEqual([{ state: 'snapmirrored', quick_resync: true }]);
  });
});
