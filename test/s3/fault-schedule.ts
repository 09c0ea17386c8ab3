/**
 * The life of an endpoint over a connection that fails by a seeded schedule: backups, a forgotten one, collections,
 * restores. Each call is repeated until it succeeds, as an operator would; each failure must be typed, and in the end
 * nothing may be lost or left behind.
 */

import { WaflVolume } from '../../src/core/wafl/volume.ts';
import { systemEnv } from '../../src/env.ts';
import { DataMotionError, InternalError, ObjectStoreError } from '../../src/errors.ts';
import { retrying } from '../../src/object-store/retrying.ts';
import { S3ObjectStore } from '../../src/object-store/s3/index.ts';
import { WaflRestoreTarget } from '../../src/run/cloud/wafl-restore-target.ts';
import { MemoryStateStore } from '../../src/state/memory.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { portrait } from '../core/cloud/wafl-restore.ts';
import { blocks, problemsOf, Rig, smallVolume } from '../run/cloud/rig.ts';
import type { FaultProxy, Judge, ProxyFault } from './fault-proxy.ts';
import { CREDENTIALS } from './gateway.ts';

export interface ScheduleOutcome {
  /** What did not hold; empty when all did. */
  readonly problems: readonly string[];
  /** Failures of calls, by code. */
  readonly failures: ReadonlyMap<string, number>;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly bucket: string;
  /** In front of the server. */
  readonly proxy: FaultProxy;
  /** The server itself. */
  readonly endpoint: string;
}

export async function playSchedule({ seed, bucket, proxy, endpoint }: ScheduleOptions): Promise<ScheduleOutcome> {
  const random = new SeededRandom(seed);
  const place = { bucket, prefix: `schedule-${seed}`, credentials: CREDENTIALS, conditionalPut: true };
  const direct = new S3ObjectStore({ ...place, endpoint });
  const failing = new S3ObjectStore({ ...place, endpoint: proxy.endpoint, requestTimeoutMs: PATIENCE_MS });
  const store = retrying(failing, { retries: 3, minDelayMs: 1, maxDelayMs: 8, random });
  const volume = smallVolume();
  const state = new MemoryStateStore();
  const rig = new Rig({ volume, store, state, env: systemEnv({ random }) });
  const failures = new Map<string, number>();
  const problems: string[] = [];
  const portraits = new Map<string, readonly string[]>();

  /** Until it succeeds; after many failures the connection heals. */
  const insist = async <T>(what: string, act: () => Promise<T>): Promise<T | undefined> => {
    for (let tries = 1; ; tries++) {
      if (tries === TRIES_BEFORE_HEALING) proxy.judge = () => undefined;
      try {
        return await act();
      } catch (error) {
        const problem = untyped(error);
        if (problem !== undefined) problems.push(`${what}: ${problem}`);
        const { code } = error as DataMotionError;
        failures.set(code, (failures.get(code) ?? 0) + 1);
        if (tries >= TRIES_BEFORE_HEALING + 2) {
          problems.push(`${what} does not succeed over a sound connection either: ${error}`);
          return undefined;
        }
      }
    }
  };
  const backUp = async (name: string) => {
    rig.snapshot(name);
    portraits.set(name, portrait(volume.snapshotView(name)));
    await insist(`backup of ${name}`, () => rig.backup({ snapshot: name }));
  };
  const restore = (name: string) =>
    insist(`restore of ${name}`, async () => {
      const target = new WaflVolume({ capacityBlocks: 4096, pointersPerBlock: 4, rootPointers: 2 });
      await rig.endpoint.restore({ target: new WaflRestoreTarget(target), snapshot: name });
      if (portrait(target.snapshotView(name)).join() !== portraits.get(name)?.join())
        problems.push(`${name} came back as another`);
    });

  const judge = judgeOf(random);
  try {
    proxy.judge = judge;
    for (const path of ['/a', '/b']) volume.create(path);
    scribble(volume, random);
    await backUp('s1');
    scribble(volume, random);
    proxy.judge = judge;
    await backUp('s2');
    proxy.judge = judge;
    await insist('forget', () => rig.endpoint.forget({ snapshots: ['s1'] }).catch(unlessForgotten));
    proxy.judge = judge;
    await insist('gc', () => rig.endpoint.collect());
    scribble(volume, random);
    proxy.judge = judge;
    await backUp('s3');
    proxy.judge = judge;
    await restore('s2');
    proxy.judge = () => undefined;
    await insist('the last gc', () => rig.endpoint.collect());
    for (const name of ['s2', 's3']) await restore(name);
    problems.push(...(await problemsOf(direct, state, volume, { collected: true })));
    const verified = await insist('verify', () => rig.endpoint.verify({ readData: true }));
    problems.push(...(verified?.problems ?? []).map(({ message }) => message));
  } finally {
    direct.close();
    failing.close();
  }
  return { problems, failures };
}

const PATIENCE_MS = 500;
const TRIES_BEFORE_HEALING = 12;
/** Each takes the client's whole patience. */
const MAX_SILENCES = 2;

/** One to three kinds of faults, more or less often, some in storms. */
function judgeOf(random: SeededRandom): Judge {
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random.next() * from.length)];
  const kinds = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => pick(KINDS));
  const rate = 0.02 + random.next() * 0.18;
  let silences = 0;
  let storm: { readonly fault: ProxyFault; left: number } | undefined;
  return ({ method, url }) => {
    if (storm !== undefined && storm.left-- > 0) return storm.fault;
    storm = undefined;
    if (random.next() > rate) return undefined;
    const fault = pick(kinds);
    // Nothing protects what a server says in XML; bodies of objects are protected.
    if (fault === 'damage-answer' && (method !== 'GET' || url.includes('list-type'))) return undefined;
    if ((fault === 'stall' || fault === 'deaf') && ++silences > MAX_SILENCES) return undefined;
    if (fault === 'slow-down' && random.next() < 0.3) storm = { fault, left: Math.floor(random.next() * 12) };
    return fault;
  };
}

const KINDS: readonly ProxyFault[] = [
  ...(['cut-request', 'cut-answer', 'lose-answer', 'stall', 'deaf', 'slow-down', 'slow-start', 'skew'] as const),
  ...(['truncate-xml', 'drop-entry', 'damage-request', 'damage-answer'] as const),
];

function scribble(volume: WaflVolume, random: SeededRandom): void {
  for (const path of ['/a', '/b']) {
    const at = Math.floor(random.next() * 6);
    const values = Array.from({ length: 1 + Math.floor(random.next() * 5) }, () => 1 + Math.floor(random.next() * 200));
    volume.write(path, at * 4096, blocks(...values));
  }
}

/** The forgetting took effect, and its answer was lost beyond all repetition: asked again, there is nothing to forget. */
function unlessForgotten(error: unknown): void {
  if (!(error instanceof DataMotionError) || error.code !== 'CLOUD_SNAPSHOT_UNKNOWN') throw error;
}

/** Why an error is not one that a caller could act on. */
function untyped(error: unknown): string | undefined {
  if (!(error instanceof DataMotionError)) return `an error of no family: ${error}`;
  if (error instanceof InternalError) return `an internal error: ${error.message}`;
  // There is one writer: a conflict would be with itself.
  if (error.code === 'CLOUD_CONFLICT') return error.message;
  // Damage on the way must be told from damage at rest before it is told as final.
  if (error instanceof ObjectStoreError && !error.retryable) return `${error.code}, final: ${error.message}`;
  return undefined;
}
