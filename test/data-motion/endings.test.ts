/** Deadlines and AbortSignals: every verb ends when it is told to, and leaves nothing behind. */
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/errors.ts';
import { DEEDS, stageFor } from '../scenarios/deeds.ts';
import { failure, HOUR, SECOND, Stage } from '../scenarios/harness.ts';

const QUIET = { sleeps: 0, requests: 0 };

describe.each(DEEDS)('$name', (deed) => {
  it('with a deadline that has passed, or a signal that fired, asks nothing of anybody', async () => {
    await using stage = await stageFor(deed);
    const requests = stage.world.requests.length;
    const late = await failure(() => deed.act(stage, { deadline: stage.clock.now() }));
    expect(late).toMatchObject({ name: 'InterruptedError', code: 'DEADLINE_EXCEEDED' });
    const given = await failure(() => deed.act(stage, { signal: AbortSignal.abort('never mind') }));
    expect(given).toMatchObject({ name: 'InterruptedError', code: 'ABORTED', cause: 'never mind' });
    expect(stage.world.requests).toHaveLength(requests);
    expect(stage.underWay).toEqual(QUIET);
  });

  it('ends at its deadline, whatever it is about then', async () => {
    let ended = 0;
    for (const ms of [100, 700, 1500, 2500, 6000]) {
      await using stage = await stageFor(deed, { latencyMs: 40 });
      const deadline = stage.clock.now() + ms;
      const error: unknown = await deed.act(stage, { deadline }).catch((caught: unknown) => caught);
      expect(stage.clock.now(), `${ms} ms`).toBeLessThanOrEqual(deadline);
      expect(stage.underWay, `${ms} ms`).toEqual(QUIET);
      if (!(error instanceof Error)) continue;
      ended++;
      expect(error).toBeInstanceOf(InterruptedError);
      expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', attempted: expect.any(String) });
    }
    expect(ended).toBeGreaterThan(0);
  });

  it('ends at its deadline when a cluster takes a request and never answers', async () => {
    await using stage = await stageFor(deed);
    stage.west.addFault({ kind: 'latency', ms: 1000 * HOUR, after: 1, times: 100 });
    const deadline = stage.clock.now() + 30 * SECOND;
    const error = await failure(() => deed.act(stage, { deadline }));
    expect(error).toMatchObject({ name: 'InterruptedError', code: 'DEADLINE_EXCEEDED' });
    expect(stage.clock.now()).toBe(deadline);
    expect(stage.underWay).toEqual(QUIET);
  });
});

describe('a cluster that falls silent while something is awaited', () => {
  it('may come back within two minutes', async () => {
    await using stage = await Stage.open();
    await stage.transferring();
    const updating = stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    await stage.clock.sleep(SECOND);
    stage.west.kill();
    await stage.clock.sleep(60 * SECOND);
    stage.west.revive();
    expect((await updating).actions).toEqual(['start-transfer']);
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });

  it('is an error after that, and the call is over', async () => {
    await using stage = await Stage.open();
    await stage.transferring();
    const updating = stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    await stage.clock.sleep(SECOND);
    const silentAt = stage.clock.now();
    stage.west.kill();
    expect(await failure(() => updating)).toMatchObject({ code: 'ONTAP_UNREACHABLE', cluster: 'cluster2.sim' });
    expect(stage.clock.now() - silentAt).toBeGreaterThan(120 * SECOND);
    expect(stage.clock.now() - silentAt).toBeLessThan(240 * SECOND);
    expect(stage.underWay).toEqual(QUIET);
  });
});

describe('closing', () => {
  it('twice is harmless, and a later call is refused instead of connecting anew', async () => {
    await using stage = await Stage.open({ front: 'http' });
    await stage.mirrored();
    await stage.dataMotion.close();
    await stage.dataMotion.close();
    const before = stage.world.requests.length;
    for (const call of [
      () => stage.dataMotion.getSnapmirrors({ source: 'east', target: 'west' }),
      () => stage.dataMotion.breakSnapmirror(stage.pair),
      () => stage.dataMotion.ensureSnapmirrors({ source: 'east' }),
    ]) {
      expect(await failure(call)).toMatchObject({ code: 'CLOSED', retryable: false });
    }
    expect(stage.world.requests).toHaveLength(before);
    expect(await stage.dataMotion.getReplicationBackendNames('east')).toEqual(['west']);
  });
});
