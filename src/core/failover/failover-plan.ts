/** Core (layer 1): the plan of a failover, from what was observed. It knows no ONTAP path; apply is `run/failover`. */
import { standingOf } from './authority.ts';
import { authorityAtTarget, recoveryPointOf, whyNoCopy } from './copies.ts';
import { follows, type PairFacts } from './facts.ts';
import { failoverFacts, fingerprintOf, plannedFacts } from './fingerprint.ts';
import {
  type Acknowledgement,
  type Blocked,
  type FailoverPlan,
  type FailoverVolume,
  PLAN_VERSION,
  type PlannedStep,
  type PlanScope,
  type RecoveryPoint,
  type TargetVerdict,
} from './plan.ts';
import type { Fence } from './vocabulary.ts';

/** A volume with what was seen of it at the chosen target, and elsewhere. */
export interface FailoverSubject {
  readonly pair: PairFacts;
  /** Another target that counts for this volume already. */
  readonly failedOverTo?: string | undefined;
  readonly writtenSinceBytes?: number | undefined;
  /** Where the copy is to be mounted; absent: nowhere. */
  readonly junctionPath?: string | undefined;
}

/** What a failover plan is made of. */
export interface FailoverIngredients {
  readonly id: string;
  readonly now: number;
  readonly scope: PlanScope;
  readonly chosen: TargetVerdict;
  readonly rejected: readonly TargetVerdict[];
  readonly subjects: readonly FailoverSubject[];
  readonly fence: Fence;
}

/** Total: a volume that cannot be failed over is in the plan with the reason. */
export function makeFailoverPlan(ingredients: FailoverIngredients): FailoverPlan {
  const { id, now, scope, chosen, rejected, subjects, fence } = ingredients;
  const planned = subjects.map((subject) => planVolume(subject, now, fence));
  return {
    format: 'ontap-data-motion/plan',
    version: PLAN_VERSION,
    kind: 'failover',
    id,
    madeAt: now,
    scope,
    target: chosen.target,
    chosen,
    rejected,
    sourceAnswers: subjects.some(({ pair }) => pair.source.answers),
    fence,
    volumes: planned.map(({ volume }) => volume),
    acknowledgements: planned.flatMap(({ acknowledgements }) => acknowledgements),
    fingerprint: fingerprintOf(planned.map(({ volume }) => plannedFacts(volume))),
  };
}

interface Planned {
  readonly volume: FailoverVolume;
  readonly acknowledgements: readonly Acknowledgement[];
}

function planVolume(subject: FailoverSubject, now: number, fence: Fence): Planned {
  const { pair, junctionPath } = subject;
  const recoveryPoint = recoveryPointOf(pair, now, subject.writtenSinceBytes);
  const blocked = blockedBecause(subject);
  const loss = blocked === undefined ? unreplicated(pair, recoveryPoint) : undefined;
  return {
    volume: {
      volume: pair.volume,
      destinationVolume: pair.target.volume,
      ...standingOf(pair),
      recoveryPoint,
      steps: blocked === undefined ? stepsFor(pair, { fence, junctionPath, loss }) : [],
      observed: failoverFacts(pair),
      ...(junctionPath === undefined ? {} : { junctionPath }),
      ...(blocked === undefined ? {} : { blocked }),
    },
    acknowledgements: loss === undefined ? [] : [loss],
  };
}

function blockedBecause({ pair, failedOverTo }: FailoverSubject): Blocked | undefined {
  if (failedOverTo !== undefined) {
    return {
      code: 'FAILOVER_CONTESTED',
      reason: `it was failed over to ${failedOverTo}, which counts`,
      remedy: `fail over to ${failedOverTo}, or fail back from there first`,
    };
  }
  return whyNoCopy(pair);
}

/**
 * What the failover leaves behind. Nothing to ask for where the target counts already; asked only if the last update does not come
 * through where one can be tried.
 */
export function unreplicated(pair: PairFacts, recoveryPoint: RecoveryPoint): Acknowledgement | undefined {
  const { volume, source, forward } = pair;
  if (authorityAtTarget(pair)) return undefined;
  const { snapshot, ageSeconds, writtenSinceBytes } = recoveryPoint;
  const updatable = source.answers && follows(forward);
  const age = ageSeconds === undefined ? 'an unknown time' : `${Math.round(ageSeconds)} s`;
  const since = snapshot === undefined ? 'its last copy' : `the snapshot ${snapshot.name}`;
  return {
    id: `unreplicated-writes/${source.backend}/${volume}`,
    kind: 'unreplicated-writes',
    volume,
    side: 'source',
    backend: source.backend,
    ...(snapshot === undefined ? {} : { since: snapshot }),
    ...(writtenSinceBytes === undefined ? {} : { estimateBytes: writtenSinceBytes }),
    ...(ageSeconds === undefined ? {} : { ageSeconds }),
    needed: updatable ? 'if-update-fails' : 'always',
    text: `What was written to ${volume} at ${source.backend} after ${since} (${age} ago) is not at the target.`,
  };
}

interface StepFacts {
  readonly fence: Fence;
  readonly junctionPath: string | undefined;
  readonly loss: Acknowledgement | undefined;
}

function stepsFor(pair: PairFacts, { fence, junctionPath, loss }: StepFacts): readonly PlannedStep[] {
  const { source, target, forward } = pair;
  const steps: PlannedStep[] = [];
  const before = standingOf(pair).authority;
  if (before !== 'target') {
    if (source.answers && follows(forward)) {
      steps.push({ step: 'last-update', text: 'Carry over what was written up to now.', authority: before });
    }
    const decisive = { pointOfNoReturn: true, authority: 'target', acknowledgement: loss?.id } as const;
    const claim = { step: 'claim', text: `Write the fencing mark on ${target.backend}:${target.volume}.` } as const;
    if (forward?.state === 'broken_off') {
      steps.push({ ...claim, text: `${claim.text} It is broken off already.`, ...decisive });
    } else {
      const text = `Break the mirror off: ${target.backend}:${target.volume} becomes writable.`;
      steps.push({ ...claim, authority: before }, { step: 'break', text, ...decisive });
    }
  }
  if (junctionPath !== undefined && target.found?.junctionPath === undefined) {
    steps.push({ step: 'mount-target', text: `Mount it at ${junctionPath}.`, authority: 'target' });
  }
  if (fence !== 'none') {
    const text =
      fence === 'unmount' ? 'Unmount the source, once it answers.' : 'Take the source offline, once it answers.';
    steps.push({ step: 'fence-source', text, authority: 'target' });
  }
  return steps;
}
