/**
 * Every verb meets every fault at each of its requests. It either copes or says in a typed error what happened, and
 * called again it leaves what an undisturbed run leaves. By enumeration.
 */
import { describe, expect, it } from 'vitest';
import { DataMotionError, OntapError } from '../../src/errors.ts';
import type { Fault, SimulatedOntapOptions } from '../../src/testing/index.ts';
import { DEEDS, type Deed, stageFor } from './deeds.ts';
import { SECOND } from './harness.ts';

type Trouble = Fault extends infer F
  ? F extends Fault
    ? Omit<F, 'method' | 'path' | 'after' | 'times'>
    : never
  : never;

/** What can go wrong with a request that changes something, by what it is called in a report. */
const OF_CHANGES: Readonly<Record<string, Trouble>> = {
  'answer lost before the effect': { kind: 'answer-lost', when: 'before' },
  'answer lost after the effect': { kind: 'answer-lost', when: 'after' },
  'connection reset': { kind: 'reset' },
  'answer cut in two': { kind: 'truncated' },
  busy: { kind: 'busy' },
  'unavailable for three seconds': { kind: 'http', status: 503, retryAfterSeconds: 3 },
  'another transfer in progress': {
    kind: 'http',
    status: 500,
    code: '13303808',
    message: 'Transition to broken_off state failed. Reason:Another transfer is in progress',
  },
  'answer later than the time limit': { kind: 'latency', ms: 100 * SECOND },
  'job that fails': { kind: 'job-fails', code: '6691999', message: 'scripted' },
  'job that fails after its effect': { kind: 'job-fails', code: '6691999', message: 'scripted', afterEffect: true },
};

/** With jobs that take longer than any request waits for them. */
const OF_LONG_JOBS: Readonly<Record<string, Trouble>> = {
  'job that fails': { kind: 'job-fails', code: '6691999', message: 'scripted' },
  'job that fails after its effect': { kind: 'job-fails', code: '6691999', message: 'scripted', afterEffect: true },
  'job whose record vanishes': { kind: 'job-vanishes' },
};
const LONG_JOBS: SimulatedOntapOptions = { operationMs: 35 * SECOND };

const OF_READS: Readonly<Record<string, Trouble>> = {
  'connection reset': { kind: 'reset' },
  'unavailable for three seconds': { kind: 'http', status: 503, retryAfterSeconds: 3 },
  'stale view': { kind: 'stale-read', ms: 4 * SECOND },
};

interface Sent {
  readonly cluster: string;
  readonly method: string;
  readonly path: string;
  /** How many of this method the cluster had answered before. */
  readonly nth: number;
}

async function undisturbed(
  deed: Deed,
  world?: SimulatedOntapOptions,
): Promise<{ sent: readonly Sent[]; remains: object }> {
  await using stage = await stageFor(deed, world);
  const before = stage.world.requests.length;
  await deed.act(stage);
  const log = stage.world.requests.slice(before).filter(({ status }) => status > 0);
  const sent = log.map(({ cluster, method, path }, at) => {
    const nth = log.slice(0, at).filter((other) => other.cluster === cluster && other.method === method).length;
    return { cluster, method, path, nth };
  });
  return { sent, remains: await stage.remains() };
}

interface Campaign {
  readonly methods: 'reads' | 'changes';
  readonly troubles: Readonly<Record<string, Trouble>>;
  readonly world?: SimulatedOntapOptions;
}

async function enumerate(deed: Deed, { methods, troubles, world }: Campaign): Promise<void> {
  const goal = await undisturbed(deed, world);
  const met = goal.sent.filter(({ method }) => (method === 'GET') === (methods === 'reads'));
  expect(met.length).toBeGreaterThan(0);
  for (const { cluster, method, path, nth } of met) {
    for (const [called, trouble] of Object.entries(troubles)) {
      const where = `${deed.name}: ${called}, at ${method} ${path} (${nth + 1}.)`;
      await using stage = await stageFor(deed, world);
      stage.world.cluster(cluster).addFault({ ...trouble, method, after: nth } as Fault);
      const error: unknown = await deed.act(stage).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      if (error !== undefined) {
        expect(error, where).toBeInstanceOf(DataMotionError);
        expect((error as DataMotionError).cluster, where).toBeDefined();
      }
      if (error instanceof OntapError && trouble.kind === 'job-fails') {
        expect(error, where).toMatchObject({ ontapCode: '6691999', ontapMessage: 'scripted', retryable: false });
      }
      await deed.act(stage);
      expect(await stage.remains(), where).toEqual(goal.remains);
      expect(stage.underWay, where).toEqual({ sleeps: 0, requests: 0 });
    }
  }
}

const ENUMERATED = DEEDS.filter(({ cutOffOnly }) => cutOffOnly !== true);

describe.each(ENUMERATED)('$name', (deed) => {
  it('copes with every fault of every change, or says so, and leaves the same when called again', async () => {
    await enumerate(deed, { methods: 'changes', troubles: OF_CHANGES });
  }, 60_000);
});

describe.each(ENUMERATED.filter(({ name }) => ['create', 'quiesce', 'break', 'resync', 'delete'].includes(name)))(
  '$name',
  (deed) => {
    it('copes with jobs that outlast the request and fail or vanish', async () => {
      await enumerate(deed, { methods: 'changes', troubles: OF_LONG_JOBS, world: LONG_JOBS });
    }, 60_000);

    it('copes with every fault of every read, or says so, and leaves the same when called again', async () => {
      await enumerate(deed, { methods: 'reads', troubles: OF_READS });
    }, 60_000);
  },
);

describe('views of relationships that lag five seconds behind every change', () => {
  it.each(DEEDS)('$name', async (deed) => {
    const { remains } = await undisturbed(deed);
    await using stage = await stageFor(deed, { switches: { ...deed.world?.switches, visibilityDelayMs: 5 * SECOND } });
    await deed.act(stage);
    expect(await stage.remains()).toEqual(remains);
  });
});
