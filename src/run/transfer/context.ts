/** Run (layer 3): what every transfer works with, what it is asked and what it answers. */
import type { TransferObject, TransferPlace } from '../../core/transfer/facts.ts';
import type { TransferPlan } from '../../core/transfer/plan.ts';
import type { TransferStrategy } from '../../core/transfer/strategies.ts';
import type { CallOptions, Env } from '../../env.ts';
import type { DataMotionError } from '../../errors.ts';
import { TransferError } from '../../errors.ts';
import type { HostFiles } from '../../host-files/host-files.ts';
import type { OntapStorage } from '../../ontap/ontap-storage.ts';
import type { OntapSvm, SvmPeer } from '../../ontap/ontap-svm.ts';
import type { MirrorTiming } from '../mirror/context.ts';
import type { CopyTurns } from './copy-turns.ts';

/** How long, and how often, a transfer waits for what; in milliseconds. */
export interface TransferTiming {
  /** How long the storage may take for a copy or a move (`netapp_migrate_volume_timeout`). */
  readonly copyTimeoutMs: number;
  /** How long, and how often, a LUN clone is tried again while ONTAP calls the LUN busy (`netapp_lun_clone_busy_*`). */
  readonly cloneBusy: { readonly timeoutMs: number; readonly intervalMs: number };
  readonly pollFirstMs: number;
  readonly pollMaxMs: number;
}

/** What the facade supplies. */
export interface TransferWorld {
  readonly env: Env;
  readonly hostFiles: HostFiles;
  readonly svmOf: (backend: string) => OntapSvm;
  readonly storageOf: (backend: string) => OntapStorage;
  readonly mirrorTimingOf: (backend: string) => MirrorTiming;
  readonly timingOf: (backend: string) => TransferTiming;
  /** Where a volume of the one backend goes in the other; undefined where the configuration does not say. */
  readonly mappedAggregates: (
    source: string,
    destination: string,
    aggregates: readonly string[],
  ) => readonly string[] | undefined;
  /** Policy of the mirror that a volume is copied by. */
  readonly policyOf: (backend: string) => string;
  readonly peersReader: (signal: AbortSignal) => (svm: OntapSvm) => Promise<readonly SvmPeer[]>;
  readonly copyTurns: CopyTurns;
}

/** Which object, which way, and how. */
export interface PlanTransferOptions extends CallOptions {
  /** The source is gone afterwards, and never before the destination is whole (default false). */
  readonly move?: boolean | undefined;
  /** What the source is; asked of ONTAP when left out, and for a file of this host a file. */
  readonly object?: TransferObject | undefined;
  /** Where a whole volume is to lie. Default: where the source lies or, on another cluster, as the configuration maps it. */
  readonly aggregates?: readonly string[] | undefined;
  /** Where the object of an end can be opened on this host: a path on a mounted volume, or a mapped device. */
  readonly hostPaths?: { readonly source?: string | undefined; readonly destination?: string | undefined } | undefined;
}

/** How a transfer is carried out. */
export interface TransferOptions extends PlanTransferOptions {
  /** Compare what was written with the source before it is given its name; sizes always are (default false). */
  readonly checksum?: boolean | undefined;
  /** Ranges on their way at once when this host moves the bytes (default 4). */
  readonly rangesInFlight?: number | undefined;
  /** Told of every step and, while bytes move, how many. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** How far a transfer is. */
export interface TransferProgress {
  readonly strategy: TransferStrategy;
  readonly step: string;
  readonly transferredBytes?: number | undefined;
  readonly totalBytes?: number | undefined;
  /** Since its copying began. */
  readonly bytesPerSecond?: number | undefined;
  /** At that rate. */
  readonly remainingSeconds?: number | undefined;
}

/** What proved that the destination is whole. */
export interface TransferVerification {
  readonly sizeBytes: number;
  /** SHA-256 of the bytes at both ends; only with `checksum`, and where bytes can be read. */
  readonly sha256?: string | undefined;
  /** What else was compared. */
  readonly by: 'size' | 'bytes' | 'snapshot' | 'same-object';
}

/** A way that was tried and failed before anything was published. */
export interface TransferAttempt {
  readonly strategy: TransferStrategy;
  readonly error: DataMotionError;
}

/** What became of a transfer that got there. */
export interface TransferResult {
  readonly object: TransferObject;
  readonly source: TransferPlace;
  readonly destination: TransferPlace;
  /** Absent when there was nothing to do. */
  readonly strategy?: TransferStrategy | undefined;
  /** The changes that were made, in order. */
  readonly actions: readonly string[];
  readonly failed: readonly TransferAttempt[];
  readonly verification?: TransferVerification | undefined;
  readonly durationMs: number;
  readonly note?: string | undefined;
}

/** One end with the ports that reach it. */
export interface OntapEnd {
  readonly svm: OntapSvm;
  readonly storage: OntapStorage;
}

/** One attempt by one strategy. */
export interface TransferContext {
  readonly world: TransferWorld;
  readonly plan: TransferPlan;
  readonly strategy: TransferStrategy;
  readonly options: TransferOptions;
  readonly timing: TransferTiming;
  readonly signal: AbortSignal;
  readonly actions: string[];
  /** From the moment on at which the destination's name may exist: no other way is tried after it. */
  readonly published: { now: boolean };
  readonly tell: (step: string, moved?: { readonly transferredBytes: number; readonly totalBytes: number }) => void;
}

/** The ports of a place in ONTAP. */
export function endOf(context: Pick<TransferContext, 'world'>, backend: string): OntapEnd {
  return { svm: context.world.svmOf(backend), storage: context.world.storageOf(backend) };
}

/** `backend:volume/path` or a path of this host, as messages call it. */
export function placeText(place: TransferPlace): string {
  if (place.kind === 'host') return place.path;
  return `${place.backend}:${place.volume}${place.path === undefined ? '' : `/${place.path}`}`;
}

/** A TransferError about one attempt. */
export function transferFailure(
  context: Pick<TransferContext, 'plan' | 'strategy'>,
  code: ConstructorParameters<typeof TransferError>[0],
  message: string,
  facts: ConstructorParameters<typeof TransferError>[2] = {},
): TransferError {
  const { plan, strategy } = context;
  const ends = `${placeText(plan.source)} -> ${placeText(plan.destination)}`;
  const cluster = plan.destination.kind === 'ontap' ? plan.destination.clusterName : undefined;
  return new TransferError(code, message, {
    attempted: `${plan.intent} the ${plan.object}`,
    object: ends,
    cluster,
    strategy,
    ...facts,
  });
}
