/** Core (layer 1): what became of a plan: one outcome per volume, and what is still owed. */
import type { DataMotionError } from '../../errors.ts';
import type { GoodSnapshot } from './plan.ts';
import type { Authority, Phase, Side, Step } from './vocabulary.ts';

/**
 * - `done` the goal of the plan is reached for this volume (debts may be left)
 * - `error` it is not, with the reason; `authority` says who counts now
 * - `not-attempted` nothing was begun
 */
export const OUTCOMES = ['done', 'error', 'not-attempted'] as const;
/** One of `OUTCOMES`. */
export type OutcomeKind = (typeof OUTCOMES)[number];

/** What was left to be done later: nothing of it stands in the way of service. */
export const DEBT_KINDS = [
  'update-not-done',
  'source-unfenced',
  'source-unmarked',
  'not-mounted',
  'writers-not-started',
  'reprotect',
  'drop-reverse',
  'release',
  'clone',
] as const;
/** One of `DEBT_KINDS`. */
export type DebtKind = (typeof DEBT_KINDS)[number];

/** One debt: what, where, why, and how it is paid. */
export interface Debt {
  readonly kind: DebtKind;
  readonly volume: string;
  readonly backend: string;
  readonly reason: string;
  readonly remedy: string;
}

/** What became of one volume. */
export interface VolumeOutcome {
  readonly volume: string;
  readonly outcome: OutcomeKind;
  readonly phase: Phase;
  readonly authority: Authority;
  /** Why that side is authoritative, in a sentence. */
  readonly why: string;
  /** The steps that this call did, in order. */
  readonly steps: readonly Step[];
  readonly error?: DataMotionError | undefined;
  /** The snapshot that the newly authoritative side is at. */
  readonly snapshot?: GoodSnapshot | undefined;
  /** Age in seconds of that data when the volume was broken off. */
  readonly lagSeconds?: number | undefined;
  /** True: ONTAP insisted on reaching a peer that was gone, and the break was forced (262224). */
  readonly forced?: boolean | undefined;
  readonly junctionPath?: string | undefined;
  readonly debts: readonly Debt[];
  /** Milliseconds from the call's beginning to this volume's end. */
  readonly tookMs: number;
}

/** What became of a plan. */
export interface OperationReport<Kind extends 'failover' | 'failback' = 'failover' | 'failback'> {
  readonly kind: Kind;
  readonly operation: string;
  readonly source: string;
  readonly target: string;
  /** `done` all volumes; `partial` some; `failed` none. */
  readonly result: 'done' | 'partial' | 'failed';
  readonly volumes: readonly VolumeOutcome[];
  readonly debts: readonly Debt[];
  /** What failed beside the work and did not hold it up: the journal, a listener, the release of the lock. */
  readonly warnings: readonly string[];
  readonly startedAt: number;
  readonly endedAt: number;
}

/** One clone of a drill. */
export interface DrillVolumeReport {
  readonly volume: string;
  readonly clone: string;
  readonly outcome: 'verified' | 'unverified' | 'error' | 'not-attempted';
  readonly snapshot?: GoodSnapshot | undefined;
  readonly ageSeconds?: number | undefined;
  readonly junctionPath?: string | undefined;
  /** Milliseconds until the clone could be used; of the verification. */
  readonly readyMs?: number | undefined;
  readonly verifyMs?: number | undefined;
  /** What the caller's hook said. */
  readonly verdict?: string | undefined;
  readonly error?: DataMotionError | undefined;
}

/** What a drill showed. */
export interface DrillReport {
  readonly kind: 'drill';
  readonly operation: string;
  readonly source: string;
  readonly target: string;
  readonly result: 'passed' | 'failed';
  readonly volumes: readonly DrillVolumeReport[];
  /** Clones that could not be removed: call `removeDrillLeftovers`. */
  readonly debts: readonly Debt[];
  readonly startedAt: number;
  readonly endedAt: number;
}

/** One side of a volume as it was seen. */
export interface SideState {
  readonly backend: string;
  readonly volume: string;
  readonly answers: boolean;
  readonly exists: boolean;
  /** Online, of type rw: ONTAP takes writes there. */
  readonly writable: boolean;
  readonly junctionPath?: string | undefined;
  /** The fencing epoch that is written on it. */
  readonly epoch?: number | undefined;
}

/** Who counts for one volume, and why; from observation alone. */
export interface VolumeReplicationState {
  readonly volume: string;
  readonly target: string;
  readonly phase: Phase;
  readonly authority: Authority;
  readonly why: string;
  readonly source: SideState;
  readonly destination: SideState;
  /** The losing side can be written to: what is written there will be lost. */
  readonly unfenced?: Side | undefined;
  /** Whether a failure of the authoritative side now would find a usable copy; `lagSeconds` is its age. */
  readonly protected: boolean;
  readonly healthy?: boolean | undefined;
  readonly lagSeconds?: number | undefined;
  readonly snapshot?: string | undefined;
  /** What can be done where somebody has to choose. */
  readonly choices: readonly string[];
}
