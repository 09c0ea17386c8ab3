/**
 * Core (layer 1): plans of failover, failback and drill, as plain data: JSON in, JSON out, made by a planner, read by people and by
 * apply. `parsePlan` reads one back.
 */
import type { Authority, Fence, Phase, Side, Step } from './vocabulary.ts';

/** Format version of serialised plans. Apply refuses another one. */
export const PLAN_VERSION = 1;

/** What a plan is about. */
export interface PlanScope {
  /** The backend that was replicated from, as the configuration calls it. */
  readonly source: string;
  /** `backend`: all of its volumes; else the named ones. */
  readonly reach: 'backend' | 'group' | 'volume';
  readonly volumes: readonly string[];
}

/** Why a target was chosen, or not, in figures and in a sentence. */
export interface TargetVerdict {
  readonly target: string;
  readonly why: string;
  /** Volumes of the scope with a usable copy there, of all of them. */
  readonly covered: number;
  readonly of: number;
  /** Volumes whose mirror ONTAP calls unhealthy. */
  readonly unhealthy: number;
  /** The oldest copy's age in seconds; absent where no copy's age is known. */
  readonly worstLagSeconds?: number | undefined;
  /** False when the target's cluster did not answer. */
  readonly answers: boolean;
}

/** A copy that can be failed over to. */
export interface GoodSnapshot {
  readonly name: string;
  /** Epoch milliseconds; absent where ONTAP does not say. */
  readonly createdAt?: number | undefined;
}

/** What a failover would lose of a volume, as far as it is known when the plan is made. */
export interface RecoveryPoint {
  readonly snapshot?: GoodSnapshot | undefined;
  /** Age of the copy in seconds. Absent: unknown, which is not zero. */
  readonly ageSeconds?: number | undefined;
  /** Written to the source since, in bytes; only where the source answers and tells. */
  readonly writtenSinceBytes?: number | undefined;
}

/** Losses that somebody has to accept by name before apply lets them happen. */
export const ACKNOWLEDGEMENT_KINDS = ['unreplicated-writes', 'overwritten-writes'] as const;
/** One of `ACKNOWLEDGEMENT_KINDS`. */
export type AcknowledgementKind = (typeof ACKNOWLEDGEMENT_KINDS)[number];

/**
 * - `unreplicated-writes` what was written to `side` after `since` never reached the other one, and is left behind
 * - `overwritten-writes` what was written to `side` after `since` is discarded there, for good
 */
export interface Acknowledgement {
  /** What to hand back in `acknowledge`: stable for the same loss. */
  readonly id: string;
  readonly kind: AcknowledgementKind;
  readonly volume: string;
  /** Whose writes. */
  readonly side: Side;
  readonly backend: string;
  readonly since?: GoodSnapshot | undefined;
  /** Snapshots that go with it, by name, oldest first. */
  readonly snapshots?: readonly string[] | undefined;
  /** Bytes at stake; absent: unknown. */
  readonly estimateBytes?: number | undefined;
  /** Seconds of writes at stake; absent: unknown. */
  readonly ageSeconds?: number | undefined;
  /** `always`: apply refuses to begin without it. `if-update-fails`: asked only for a volume whose last update does not come through. */
  readonly needed: 'always' | 'if-update-fails';
  /** One sentence for people. */
  readonly text: string;
}

/** Whether what was accepted is at least this loss: nothing older is lost by it. */
export function covers(accepted: Acknowledgement, loss: Acknowledgement): boolean {
  if (accepted.id !== loss.id) return false;
  if (accepted.since?.name === loss.since?.name) return true;
  const [then, now] = [accepted.since?.createdAt, loss.since?.createdAt];
  return then !== undefined && now !== undefined && now >= then;
}

/** One step of a plan for one volume. */
export interface PlannedStep {
  readonly step: Step;
  /** One sentence for people. */
  readonly text: string;
  /** What it overwrites, for good. */
  readonly overwrites?: string | undefined;
  /** From here on, going back is a failback (or a failover), not an undo. */
  readonly pointOfNoReturn?: boolean | undefined;
  /** The acknowledgement that it needs, by id. */
  readonly acknowledgement?: string | undefined;
  /** Who is authoritative once it is done. */
  readonly authority: Authority;
}

/** What every plan says of each of its volumes. */
export interface PlannedVolume {
  readonly volume: string;
  readonly destinationVolume: string;
  readonly phase: Phase;
  readonly authority: Authority;
  /** Why that side is authoritative, or why nobody can tell. */
  readonly why: string;
  readonly steps: readonly PlannedStep[];
  /** Nothing will be done to it, for this reason. */
  readonly blocked?: Blocked | undefined;
  /** What ONTAP could not tell when it was asked beforehand, or has against a step that service does not hang on. */
  readonly warnings?: readonly string[] | undefined;
  /** The facts that the plan of this volume rests on; apply compares them. */
  readonly observed: string;
}

/** Why a plan leaves a volume out. */
export interface Blocked {
  /** A code of FailoverError. */
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
}

interface PlanBase<Volume extends PlannedVolume> {
  readonly format: 'ontap-data-motion/plan';
  readonly version: typeof PLAN_VERSION;
  readonly id: string;
  /** Epoch milliseconds. */
  readonly madeAt: number;
  readonly scope: PlanScope;
  /** The backend that is failed over to, back from, or drilled at. */
  readonly target: string;
  readonly volumes: readonly Volume[];
  readonly acknowledgements: readonly Acknowledgement[];
  /** Of all facts that the plan rests on. */
  readonly fingerprint: string;
}

/** A volume in a failover plan. */
export interface FailoverVolume extends PlannedVolume {
  readonly recoveryPoint: RecoveryPoint;
  /** Where the target volume is mounted; absent: nowhere. */
  readonly junctionPath?: string | undefined;
}

/** Makes the target the side that is written to. */
export interface FailoverPlan extends PlanBase<FailoverVolume> {
  readonly kind: 'failover';
  /** Why this target: coverage first, then health, then the worst lag. */
  readonly chosen: TargetVerdict;
  readonly rejected: readonly TargetVerdict[];
  /** False: the source's cluster did not answer when the plan was made. */
  readonly sourceAnswers: boolean;
  readonly fence: Fence;
}

/** A volume in a failback plan. */
export interface FailbackVolume extends PlannedVolume {
  /** Whose data the caller said are to survive: `source` discards what was written to the target. Absent: nobody chose. */
  readonly keep?: Side | undefined;
  /** Newest snapshot that both sides have; absent: there is none, or it could not be asked for. */
  readonly common?: GoodSnapshot | undefined;
  /** Written to either side since, where ONTAP tells. */
  readonly sourceChangedBytes?: number | undefined;
  readonly targetChangedBytes?: number | undefined;
  readonly junctionPath?: string | undefined;
}

/** Makes the source the side that is written to again, with the target's data, and the target its mirror. */
export interface FailbackPlan extends PlanBase<FailbackVolume> {
  readonly kind: 'failback';
  readonly sourceAnswers: boolean;
  readonly targetAnswers: boolean;
}

/** A volume in a drill plan. */
export interface DrillVolume extends PlannedVolume {
  readonly recoveryPoint: RecoveryPoint;
  readonly clone: string;
  readonly junctionPath?: string | undefined;
}

/** Clones the target's copies, has them verified, and removes the clones; the mirrors go on. */
export interface DrillPlan extends PlanBase<DrillVolume> {
  readonly kind: 'drill';
  readonly chosen: TargetVerdict;
  readonly rejected: readonly TargetVerdict[];
}

/** Any plan. */
export type Plan = FailoverPlan | FailbackPlan | DrillPlan;
