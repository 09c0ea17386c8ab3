/** Run (layer 3): what every verb on one pair works with. */
import type { ResyncLoss } from '../../core/mirror/loss.ts';
import type { MirrorCommand } from '../../core/mirror/table.ts';
import type { Env } from '../../env.ts';
import type { OntapSvm, Relationship, SvmPeer } from '../../ontap/ontap-svm.ts';
import { lookUntil } from '../look-until.ts';

/** One end as the caller names it. */
export interface PairEnd {
  readonly backend: string;
  readonly volume: string;
}

/** Source and destination of one mirror. */
export interface MirrorPair {
  readonly source: PairEnd;
  readonly destination: PairEnd;
}

/** How long to wait for what; all in milliseconds. */
export interface MirrorTiming {
  /** How long a quiesce may wait for the running transfer before it is aborted (`netapp_snapmirror_quiesce_timeout`). */
  readonly quiesceTimeoutMs: number;
  /** How long a new destination volume may take to come online (`netapp_replication_volume_online_timeout`). */
  readonly volumeOnlineTimeoutMs: number;
  /** How long any other state change may take (`netapp_async_rest_timeout` is its lower bound). */
  readonly changeTimeoutMs: number;
  /** How long ONTAP's views may lag behind an acknowledged change. */
  readonly visibilityMs: number;
  /** How long a cluster may stop answering while something is awaited there. */
  readonly silenceMs: number;
  /** How long a cluster may say that it cannot reach its peer before it is believed. */
  readonly peerSilenceMs: number;
  /** Pause before a relationship is made anew because the geometry of its destination changed. */
  readonly geometryPauseMs: number;
  /** First pause between two looks at a relationship; each is twice the one before. */
  readonly pollFirstMs: number;
  /** Longest pause between two looks at a relationship. */
  readonly pollMaxMs: number;
}

/** The timing unless the configuration says otherwise. */
export const DEFAULT_MIRROR_TIMING: MirrorTiming = {
  quiesceTimeoutMs: 3_600_000,
  volumeOnlineTimeoutMs: 360_000,
  changeTimeoutMs: 300_000,
  visibilityMs: 15_000,
  silenceMs: 120_000,
  peerSilenceMs: 30_000,
  geometryPauseMs: 30_000,
  pollFirstMs: 500,
  pollMaxMs: 5_000,
};

/**
 * One step of a verb, for progress displays. `transferredBytes` grows while a transfer runs; `totalBytes` is what is expected
 * of it, an estimate, where there is one.
 */
export interface MirrorProgress {
  readonly pair: MirrorPair;
  readonly step: string;
  readonly transferredBytes?: number | undefined;
  readonly totalBytes?: number | undefined;
  /** Told before a repair discards anything: what the destination will lose. */
  readonly loss?: ResyncLoss | undefined;
}

/** What a verb needs besides its own options. */
export interface MirrorContext {
  readonly env: Env;
  readonly pair: MirrorPair;
  readonly source: OntapSvm;
  readonly destination: OntapSvm;
  /** Peers of either end's SVM, read at most once: a dead peer cluster makes ONTAP take a minute for it. */
  readonly peersOf: (svm: OntapSvm) => Promise<readonly SvmPeer[]>;
  readonly timing: MirrorTiming;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: MirrorProgress) => void;
  /** Asked immediately before each command is sent; a rejection stops the verb with it. For orchestrators that may be overtaken. */
  readonly guard?: ((command: MirrorCommand) => Promise<void>) | undefined;
}

/** What a verb did to one pair. */
export interface MirrorResult {
  readonly pair: MirrorPair;
  /** The requests that changed something, in order; empty when nothing had to be done. */
  readonly actions: readonly string[];
  /** Why nothing was done, or what is still under way. */
  readonly note?: string | undefined;
  /** The relationship as last seen; absent when there is none. */
  readonly relationship?: Relationship | undefined;
  /** What the destination lost to a repair. */
  readonly loss?: ResyncLoss | undefined;
}

/** Looks as often as the timing says; see `lookUntil`. */
export function awaited<T>(
  { env, signal, timing }: Pick<MirrorContext, 'env' | 'signal' | 'timing'>,
  look: (waitedMs: () => number) => Promise<T | undefined>,
): Promise<T> {
  return lookUntil(env.clock, { firstMs: timing.pollFirstMs, mostMs: timing.pollMaxMs }, signal, look);
}

/** How messages call the mirror: `svm1:vol1 -> svm1_dr:vol1`. */
export function pairName(context: Pick<MirrorContext, 'pair' | 'source' | 'destination'>): string {
  const { pair, source, destination } = context;
  return `${source.svm}:${pair.source.volume} -> ${destination.svm}:${pair.destination.volume}`;
}

/** All items of a listing. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
