/**
 * Faults by seed: with every request it is drawn whether something goes wrong with it, and what. The same seed and the
 * same requests give the same faults; what was drawn is kept, to explain a run and to play it again as a script.
 */
import type { Fault, FaultKind, FaultSource } from './faults.ts';
import { SeededRandom } from './random.ts';

/** What may go wrong, and how often. */
export interface RandomFaultRates {
  /** Probability for each request that the kind fits, from 0 to 1. A request meets one fault at most. */
  readonly rates: Partial<Readonly<Record<FaultKind, number>>>;
  /** Default 1. */
  readonly seed?: number;
  /** So many faults in all, then everything goes well; default no limit. */
  readonly budget?: number;
}

/** A fault that was drawn, with the request that met it. */
export interface DrawnFault {
  readonly cluster: string;
  /** Which request of the cluster's it was, from 0, counted since the faults were set. */
  readonly request: number;
  readonly method: string;
  /** Below /api. */
  readonly path: string;
  /** As `addFault` takes it: added in the place of the drawing, it strikes the same request. */
  readonly fault: Fault;
}

/** Random faults of one world; see the top of the file. */
export class RandomFaults implements FaultSource {
  /** What was drawn, in order. */
  readonly log: DrawnFault[] = [];
  private readonly rates: readonly (readonly [FaultKind, number])[];
  private readonly seed: number;
  private readonly budget: number;
  /** A stream for each cluster, so that what one is asked does not change what befalls the other. */
  private readonly streams = new Map<string, { readonly random: SeededRandom; requests: number }>();

  /** @throws Error when a rate is no probability */
  constructor({ rates, seed = 1, budget = Number.POSITIVE_INFINITY }: RandomFaultRates) {
    for (const [kind, rate] of Object.entries(rates)) {
      if (!Object.hasOwn(SHAPES, kind)) throw new Error(`no kind of fault is called ${kind}`);
      if (!(rate >= 0 && rate <= 1)) throw new Error(`the rate of ${kind} is ${rate}; it must be from 0 to 1`);
    }
    // In the table's order: what is drawn must not depend on how the rates were written down.
    this.rates = RANDOM_FAULT_KINDS.map((kind) => [kind, rates[kind] ?? 0] as const).filter(([, rate]) => rate > 0);
    this.seed = seed;
    this.budget = budget;
  }

  /** The fault that a request to a cluster meets, if any. */
  draw(cluster: string, method: string, path: string): Fault | undefined {
    const stream = this.streamOf(cluster);
    const request = stream.requests++;
    // One draw for each request, whatever becomes of it.
    let left = stream.random.next();
    for (const [kind, rate] of this.rates) {
      const { fits, make } = SHAPES[kind];
      if (!fits(method, path)) continue;
      left -= rate;
      if (left >= 0) continue;
      if (this.log.length >= this.budget) return undefined;
      const drawn = make(new SeededRandom(Math.floor(stream.random.next() * 2 ** 32)));
      this.log.push({ cluster, request, method, path, fault: { ...drawn, after: request } });
      return drawn;
    }
    return undefined;
  }

  private streamOf(cluster: string): { readonly random: SeededRandom; requests: number } {
    const known = this.streams.get(cluster);
    if (known) return known;
    let mixed = this.seed;
    for (const character of cluster) mixed = (Math.imul(mixed, 31) + character.charCodeAt(0)) >>> 0;
    const stream = { random: new SeededRandom(mixed), requests: 0 };
    this.streams.set(cluster, stream);
    return stream;
  }
}

interface Shape {
  readonly fits: (method: string, path: string) => boolean;
  readonly make: (random: SeededRandom) => Fault;
}

const SECOND = 1000;
const HOUR = 3_600_000;

const always = () => true;
const reading = (method: string) => method === 'GET';
const changing = (method: string) => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
const startsJob = (method: string, path: string) => changing(method) && !/\/transfers(\/|$)/.test(path);
const startsTransfer = (method: string, path: string) => method === 'POST' && path.endsWith('/transfers');
const onMirror = (method: string, path: string) => changing(method) && path.startsWith('/snapmirror/');

/** From `least` to `most`, small ones as often as large ones of ten times the size. */
function between(random: SeededRandom, least: number, most: number): number {
  return Math.round(least * (most / least) ** random.next());
}

function oneOf<T>(random: SeededRandom, first: T, ...others: readonly T[]): T {
  const all = [first, ...others];
  return all[Math.floor(random.next() * all.length)] ?? first;
}

/** Each kind: which requests it fits, and how it is drawn. */
const SHAPES: Readonly<Record<FaultKind, Shape>> = {
  refuse: { fits: always, make: () => ({ kind: 'refuse' }) },
  reset: { fits: always, make: () => ({ kind: 'reset' }) },
  latency: { fits: always, make: (random) => ({ kind: 'latency', ms: between(random, 10, 30 * SECOND) }) },
  'answer-lost': {
    fits: always,
    make: (random) => ({ kind: 'answer-lost', when: oneOf(random, 'after', 'before') }),
  },
  http: {
    fits: always,
    make: (random) => {
      const status = oneOf(random, 503, 429, 500, 502, 504, 401, 403);
      return { kind: 'http', status, ...(status === 429 || status === 503 ? { retryAfterSeconds: 1 } : {}) };
    },
  },
  busy: { fits: onMirror, make: () => ({ kind: 'busy' }) },
  'job-fails': {
    fits: startsJob,
    make: (random) => ({
      kind: 'job-fails',
      code: oneOf(random, '6619715', '262224', '1'),
      afterEffect: random.next() < 0.3,
      lateMs: oneOf(random, 0, between(random, SECOND, 600 * SECOND)),
    }),
  },
  'job-vanishes': { fits: startsJob, make: () => ({ kind: 'job-vanishes' }) },
  'stale-read': { fits: reading, make: (random) => ({ kind: 'stale-read', ms: between(random, 100, 60 * SECOND) }) },
  truncated: { fits: always, make: () => ({ kind: 'truncated' }) },
  malformed: {
    fits: always,
    make: (random) => {
      const body = oneOf(random, undefined, '', 'null', '[]', '<html>Bad Gateway</html>', '{"records":', '{}');
      return { kind: 'malformed', ...(body === undefined ? {} : { body }) };
    },
  },
  'transfer-stalls': { fits: startsTransfer, make: () => ({ kind: 'transfer-stalls' }) },
  'transfer-fails': { fits: startsTransfer, make: () => ({ kind: 'transfer-fails' }) },
  'transfer-aborted': { fits: startsTransfer, make: () => ({ kind: 'transfer-aborted' }) },
  'cluster-gone': {
    fits: always,
    make: (random) => ({ kind: 'cluster-gone', ms: between(random, SECOND, 36 * HOUR) }),
  },
  'clock-jump': {
    fits: always,
    make: (random) => ({ kind: 'clock-jump', ms: oneOf(random, 1, -1) * between(random, SECOND, 2 * HOUR) }),
  },
};

/** Every kind that can be drawn: all there are. */
export const RANDOM_FAULT_KINDS = Object.keys(SHAPES) as readonly FaultKind[];
