/** Run (layer 3): what callers give to planning and applying: hooks, lock, limits. */
import type { FailoverEvent } from '../../core/failover/events.ts';
import type { Acknowledgement } from '../../core/failover/plan.ts';
import type { Fence, Side } from '../../core/failover/vocabulary.ts';
import type { CallOptions } from '../../env.ts';
import type { OperationJournal } from '../../state/operation-journal.ts';

/** Which volumes are failed over, back, or drilled: all pools of the source, or those named. */
export interface FailoverSelection {
  readonly source: string;
  /** Default: the best one for a failover or a drill, the one that was failed over to for a failback. */
  readonly target?: string | undefined;
  /** Source volumes, by name. Default: all that the source's configuration takes for pools. */
  readonly volumes?: readonly string[] | undefined;
}

/** What a hook is told. */
export interface HookCall {
  readonly operation: string;
  /** Source volumes, by name. */
  readonly volumes: readonly string[];
  /** The side that writers are on, or are to go to. */
  readonly side: Side;
  readonly backend: string;
  /** Fires when the hook's time is over, or the call is ended. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds by the injected clock. */
  readonly deadline: number;
}

/** The caller's part. Each is called at most once an attempt, may be called again by another one, and has `hookTimeoutMs`. */
export interface FailoverHooks {
  /** Resolve when nobody writes to these volumes any more. A rejection, or its time running out, leaves everything as it was. */
  readonly stopWriters?: ((call: HookCall) => Promise<void>) | undefined;
  /** Writers may go on: on the new side after a switch, on the old one when there was none. A failure is told, and changes nothing. */
  readonly startWriters?: ((call: HookCall) => Promise<void>) | undefined;
}

/** A lock of the caller's own, held while a plan is applied: closes the window that ONTAP's API leaves (docs/operations.md). */
export interface FailoverLock {
  /** Rejects when it is not to be had. `name` is the source backend's: the same for all who may disturb each other. */
  acquire(name: string, options: CallOptions): Promise<HeldLock>;
}

/** A lock that is held. */
export interface HeldLock {
  /** Asked immediately before every irreversible step; anything but true stops it. */
  isHeld(): Promise<boolean>;
  /** Gives it back. */
  release(): Promise<void>;
}

/** Accepts losses: ids out of the plan, or a function that is asked for each one. */
export type Acknowledge = readonly string[] | ((loss: Acknowledgement) => boolean | Promise<boolean>);

/** How a plan is made. */
export interface PlanOptions extends CallOptions {
  /** How long a cluster that may be dead is waited for before it counts as not answering (default 20,000). */
  readonly contactTimeoutMs?: number | undefined;
}

/** How a plan is made that is looked at before it is applied. */
export interface ValidatingOptions {
  /**
   * Ask ONTAP beforehand whether it would refuse the next irreversible step of each volume (`validate_only`; default true; one request a
   * volume, two for a failover that mounts). What it refuses is left out as `blocked`; where it cannot tell, the plan has a warning.
   * `failover` and `failback` of a selection do without: they learn it a moment later anyway.
   */
  readonly validate?: boolean | undefined;
}

/** How a failover is planned. */
export interface PlanFailoverOptions extends PlanOptions, ValidatingOptions {
  /** What may be done to a source that can still be written to (default `none`: it is reported). */
  readonly fence?: Fence | undefined;
  /** Where the copies are mounted. Default: where the source is mounted, else `/<volume>`. */
  readonly junctionPath?: ((volume: string) => string | false) | undefined;
}

/** How a failback is planned. */
export interface PlanFailbackOptions extends PlanOptions, ValidatingOptions {
  /**
   * Whose data survive. Where a side counts by what is observed, its data do by default; where nothing tells which one does, the volume
   * is left out until somebody says so.
   */
  readonly keep?: Side | ((volume: string) => Side | undefined) | undefined;
  /** Where the volumes are mounted; false = nowhere. */
  readonly junctionPath?: ((volume: string) => string | false) | undefined;
}

/** How a drill is planned. */
export interface PlanDrillOptions extends PlanOptions {
  /** Mount the clones at `/<clone>` (default true). */
  readonly mount?: boolean | undefined;
}

/** How a plan is applied. */
export interface ApplyOptions extends PlanOptions {
  readonly acknowledge?: Acknowledge | undefined;
  /** Where intent and progress are kept; without one, what is observed has to do. */
  readonly journal?: OperationJournal | undefined;
  readonly lock?: FailoverLock | undefined;
  readonly hooks?: FailoverHooks | undefined;
  /** Told of every step, and of what deserves attention. */
  readonly onEvent?: ((event: FailoverEvent) => void) | undefined;
  /** Volumes worked on at once (default 1000; requests in flight are limited for each cluster by themselves). */
  readonly concurrency?: number | undefined;
  /** How long a hook may take (default 300,000). */
  readonly hookTimeoutMs?: number | undefined;
}

/** How a failover is applied. */
export interface FailoverOptions extends ApplyOptions, PlanFailoverOptions {
  /** How long the last update may take (default 60,000); 0 = none is tried. */
  readonly lastUpdateTimeoutMs?: number | undefined;
  /** How long a running transfer may drain before it is aborted (default: the source's configured quiesce timeout). */
  readonly quiesceTimeoutMs?: number | undefined;
}

/** How a failback is applied. */
export interface FailbackOptions extends ApplyOptions, PlanFailbackOptions {
  /** The writers are stopped once an update moved no more than this (default 64 MiB), or took no longer. */
  readonly smallDeltaBytes?: number | undefined;
  readonly smallDeltaSeconds?: number | undefined;
  /** At most so many updates before the writers are stopped (default 10). */
  readonly catchUpRounds?: number | undefined;
  /** How long the update with the writers stopped may take before they are let go on again (default 600,000). */
  readonly finalUpdateTimeoutMs?: number | undefined;
}

/** What a drill's verification is told of one clone. */
export interface DrillClone {
  readonly volume: string;
  readonly clone: string;
  readonly backend: string;
  readonly svm: string;
  /** Where the volumes are mounted; false = nowhere. */
  readonly junctionPath?: string | undefined;
  readonly snapshot: string;
  readonly signal: AbortSignal;
}

/** How a drill is done. */
export interface DrillOptions extends Omit<ApplyOptions, 'acknowledge' | 'hooks'>, PlanDrillOptions {
  /** Looks at one clone: a rejection, or its time running out, is a failed drill. What it resolves with goes into the report. */
  readonly verify?: ((clone: DrillClone) => Promise<string | undefined>) | undefined;
}
