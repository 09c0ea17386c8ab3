/**
 * Every verb is cut off by its AbortSignal at each of its requests (before, during and after those that change something),
 * and called again: what remains is what an undisturbed run leaves. By enumeration.
 */
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/errors.ts';
import { DEEDS, type Deed, stageFor } from './deeds.ts';
import type { Interceptor, Stage } from './harness.ts';

/** When, seen from the request, the caller gives up. */
const MOMENTS = ['before', 'during', 'after'] as const;
type Moment = (typeof MOMENTS)[number];

/** Aborts at the request of that number. */
function cutting(at: number, moment: Moment, abort: () => void): Interceptor {
  let count = 0;
  return async (request, send) => {
    if (count++ !== at) return send(request);
    if (moment === 'before') {
      abort();
      throw request.signal.reason;
    }
    const answered = send(request);
    if (moment === 'during') abort();
    const response = await answered;
    if (moment === 'after') abort();
    return response;
  };
}

async function undisturbed(deed: Deed): Promise<{ requests: readonly string[]; remains: object }> {
  await using stage = await stageFor(deed);
  const requests: string[] = [];
  stage.intercept = (request, send) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    return send(request);
  };
  await deed.act(stage);
  return { requests, remains: await stage.remains() };
}

async function cutOff(deed: Deed, at: number, moment: Moment): Promise<{ stage: Stage; error: unknown }> {
  const stage = await stageFor(deed);
  const caller = new AbortController();
  stage.intercept = cutting(at, moment, () => caller.abort());
  const error: unknown = await deed.act(stage, { signal: caller.signal }).catch((caught: unknown) => caught);
  stage.intercept = (request, send) => send(request);
  return { stage, error };
}

describe.each(DEEDS)('$name', (deed) => {
  it('ends at once wherever it is cut off, and called again leaves what an undisturbed run leaves', async () => {
    const goal = await undisturbed(deed);
    const cuts = goal.requests.flatMap((request, at) =>
      (request.startsWith('GET') ? (['during'] as const) : MOMENTS).map((moment) => ({ request, at, moment })),
    );
    for (const { request, at, moment } of cuts) {
      const { stage, error } = await cutOff(deed, at, moment);
      await using _ = stage;
      const where = `${deed.name}, ${moment} request ${at + 1}: ${request}`;
      const isLast = at === goal.requests.length - 1;
      if (!isLast || moment !== 'after') {
        expect(error, where).toBeInstanceOf(InterruptedError);
        expect(error, where).toMatchObject({ code: 'ABORTED' });
      }
      expect(stage.underWay, where).toEqual({ sleeps: 0, requests: 0 });
      await deed.act(stage);
      expect(await stage.remains(), where).toEqual(goal.remains);
    }
  }, 60_000);
});
