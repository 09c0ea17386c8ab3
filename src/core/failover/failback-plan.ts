/** Core (layer 1): the plan of a failback, from what was observed. It knows no ONTAP path; apply is `run/failover`. */
import type { ResyncLoss } from '../mirror/loss.ts';
import { standingOf } from './authority.ts';
import { copyAgeSeconds, type PairFacts } from './facts.ts';
import { type FailbackPosition, failbackSituation } from './failback-position.ts';
import { failbackFacts, fingerprintOf, plannedFacts } from './fingerprint.ts';
import {
  type Acknowledgement,
  type Blocked,
  type FailbackPlan,
  type FailbackVolume,
  PLAN_VERSION,
  type PlannedStep,
  type PlanScope,
} from './plan.ts';
import type { Side, Step } from './vocabulary.ts';

/** A volume with what was seen of it. */
export interface FailbackSubject {
  readonly pair: PairFacts;
  /** What the caller said; undefined: nothing. */
  readonly keep: Side | undefined;
  /** What each side would lose were it made a copy of the other; absent where it was not asked. */
  readonly sourceLoss?: SideLoss | undefined;
  readonly targetLoss?: SideLoss | undefined;
  /** Another target that counts for this volume: its data would be lost without a word. */
  readonly failedOverTo?: string | undefined;
  /** The caller had the writers stopped for the switch: what ONTAP counts after it is its own. */
  readonly writersStopped?: boolean | undefined;
  /** Where the source is mounted again; absent: nowhere. */
  readonly junctionPath?: string | undefined;
}

/** What one side would lose, and how much was changed there since the common snapshot, where ONTAP tells. */
export interface SideLoss extends ResyncLoss {
  readonly changedBytes?: number | undefined;
}

/** What a failback plan is made of. */
export interface FailbackIngredients {
  readonly id: string;
  readonly now: number;
  readonly scope: PlanScope;
  readonly target: string;
  readonly subjects: readonly FailbackSubject[];
}

/** Total: a volume that cannot be failed back is in the plan with the reason. */
export function makeFailbackPlan({ id, now, scope, target, subjects }: FailbackIngredients): FailbackPlan {
  const planned = subjects.map((subject) => planVolume(subject, now));
  return {
    format: 'ontap-data-motion/plan',
    version: PLAN_VERSION,
    kind: 'failback',
    id,
    madeAt: now,
    scope,
    target,
    sourceAnswers: subjects.some(({ pair }) => pair.source.answers),
    targetAnswers: subjects.some(({ pair }) => pair.target.answers),
    volumes: planned.map(({ volume }) => volume),
    acknowledgements: planned.flatMap(({ loss }) => (loss === undefined ? [] : [loss])),
    fingerprint: fingerprintOf(planned.map(({ volume }) => plannedFacts(volume))),
  };
}

interface Planned {
  readonly volume: FailbackVolume;
  readonly loss: Acknowledgement | undefined;
}

function planVolume(subject: FailbackSubject, now: number): Planned {
  const { pair, keep, sourceLoss, targetLoss, junctionPath } = subject;
  const situation = failbackSituation(pair, keep);
  const position = situation.kind === 'at' ? situation.position : undefined;
  const blocked =
    situation.kind === 'blocked'
      ? situation.blocked
      : (countedElsewhere(subject) ?? withoutBase(subject, situation.position));
  const loss = position === undefined || blocked !== undefined ? undefined : lossAt(position, subject, now);
  const { common } = (position === 'discard-target' ? targetLoss : sourceLoss) ?? {};
  const changed = (one: SideLoss | undefined) => one?.changedBytes;
  return {
    loss,
    volume: {
      volume: pair.volume,
      destinationVolume: pair.target.volume,
      ...standingOf(pair),
      ...(keep === undefined ? {} : { keep }),
      steps: position === undefined || blocked !== undefined ? [] : stepsFrom(position, subject, loss),
      observed: failbackFacts(pair, common?.name),
      ...(common === undefined ? {} : { common }),
      ...(changed(sourceLoss) === undefined ? {} : { sourceChangedBytes: changed(sourceLoss) }),
      ...(changed(targetLoss) === undefined ? {} : { targetChangedBytes: changed(targetLoss) }),
      ...(junctionPath === undefined ? {} : { junctionPath }),
      ...(blocked === undefined ? {} : { blocked }),
    },
  };
}

function countedElsewhere({ failedOverTo }: FailbackSubject): Blocked | undefined {
  if (failedOverTo === undefined) return undefined;
  return {
    code: 'FAILOVER_CONTESTED',
    reason: `it was failed over to ${failedOverTo}, which counts`,
    remedy: `fail back from ${failedOverTo} first`,
  };
}

/** A read-write volume can only be resynced from a snapshot that both sides have. */
function withoutBase(
  { pair, sourceLoss, targetLoss }: FailbackSubject,
  position: FailbackPosition,
): Blocked | undefined {
  const resyncs: Partial<Record<FailbackPosition, readonly [SideLoss | undefined, string]>> = {
    'create-reverse': [pair.source.found?.type === 'rw' ? sourceLoss : undefined, pair.source.backend],
    'resync-reverse': [pair.reverse?.state === 'broken_off' ? sourceLoss : undefined, pair.source.backend],
    'discard-target': [targetLoss, pair.target.backend],
  };
  const [loss, backend] = resyncs[position] ?? [];
  if (loss === undefined || loss.common !== undefined) return undefined;
  return {
    code: 'FAILOVER_NO_COMMON_SNAPSHOT',
    reason: 'the two sides have no snapshot in common any more',
    remedy: `only a new baseline can help: put a new volume of type dp in the place of the one at ${backend}, and call again`,
  };
}

/** What has to be accepted by name before the step that begins here. */
export function lossAt(position: FailbackPosition, subject: FailbackSubject, now: number): Acknowledgement | undefined {
  const { pair, sourceLoss, targetLoss } = subject;
  const { source, target, reverse } = pair;
  switch (position) {
    case 'create-reverse':
      return source.found?.type === 'rw' ? overwritten(pair, 'source', sourceLoss, now) : undefined;
    case 'resync-reverse':
      return reverse?.state === 'broken_off' && reverse.transfer !== 'transferring' && reverse.transfer !== 'queued'
        ? overwritten(pair, 'source', sourceLoss, now)
        : undefined;
    case 'discard-target':
      return overwritten(pair, 'target', targetLoss, now);
    case 'reprotect': {
      const [here, there] = [target.found?.mark, source.found?.mark];
      const handedOver = here?.authority === 'peer' && there?.authority === 'here' && here.epoch === there.epoch;
      // An unmounted volume can be written to through its LUNs.
      const cleanly = handedOver && (subject.writersStopped === true || (targetLoss?.changedBytes ?? 0) === 0);
      return cleanly || target.found?.type !== 'rw' ? undefined : overwritten(pair, 'target', targetLoss, now);
    }
    case 'take-over': {
      const age = copyAgeSeconds(reverse);
      const snapshot = reverse?.exportedSnapshot;
      const since = snapshot === undefined ? {} : { since: { name: snapshot, ...ageToTime(age, now) } };
      return {
        id: `unreplicated-writes/${target.backend}/${pair.volume}`,
        kind: 'unreplicated-writes',
        volume: pair.volume,
        side: 'target',
        backend: target.backend,
        ...since,
        ...(age === undefined ? {} : { ageSeconds: age }),
        needed: 'always',
        text: `What was written to ${pair.volume} at ${target.backend} after ${snapshot ?? 'its last update'} is not at the source.`,
      };
    }
    default:
      return undefined;
  }
}

/** Nothing to ask for only where ONTAP says that nothing was changed. */
function overwritten(
  { volume, source, target }: PairFacts,
  side: Side,
  loss: SideLoss | undefined,
  now: number,
): Acknowledgement | undefined {
  if (loss?.changedBytes === 0 && loss.newerSnapshots.length === 0) return undefined;
  const { backend } = side === 'source' ? source : target;
  const common = loss?.common;
  const estimate = loss?.changedBytes ?? loss?.newerBytes;
  const snapshots = (loss?.newerSnapshots ?? []).map(({ name }) => name);
  const also = snapshots.length === 0 ? '' : `, with its snapshots ${snapshots.join(', ')}`;
  return {
    id: `overwritten-writes/${backend}/${volume}/${common?.name ?? 'all'}`,
    kind: 'overwritten-writes',
    volume,
    side,
    backend,
    ...(common === undefined ? {} : { since: common, ageSeconds: Math.max(0, (now - common.createdAt) / 1000) }),
    ...(snapshots.length === 0 ? {} : { snapshots }),
    ...(estimate === undefined ? {} : { estimateBytes: estimate }),
    needed: 'always',
    text: `What was written to ${volume} at ${backend} after ${common?.name ?? 'the last copy'} is discarded${also}.`,
  };
}

function ageToTime(ageSeconds: number | undefined, now: number): { readonly createdAt?: number } {
  return ageSeconds === undefined ? {} : { createdAt: now - ageSeconds * 1000 };
}

function stepsFrom(
  position: FailbackPosition,
  { pair, junctionPath }: FailbackSubject,
  loss: Acknowledgement | undefined,
): readonly PlannedStep[] {
  const names = [pair.source, pair.target].map(({ backend, volume }) => `${backend}:${volume}`);
  const [source = '', target = ''] = names;
  const needs = loss === undefined ? {} : { acknowledgement: loss.id };
  const step = (name: Step, text: string, authority: PlannedStep['authority'], more: Partial<PlannedStep> = {}) => ({
    step: name,
    text,
    authority,
    ...more,
  });
  const lost = (of: string) => `${of}: everything written there after ${loss?.since?.name ?? 'the last copy'}`;
  const claim = step('claim', `Write a new fencing mark on ${target} and ${source}.`, 'target');
  const ahead: Record<Exclude<FailbackPosition, 'done' | 'await-target'>, readonly PlannedStep[]> = {
    'create-reverse': [claim, step('create-reverse', `Relate ${target} to ${source}, for the way back.`, 'target')],
    'resync-reverse': [
      step('resync-reverse', `Make ${source} a copy of ${target}.`, 'target', { overwrites: lost(source), ...needs }),
    ],
    'catch-up': [
      step('catch-up', 'Update it until little is left to carry over.', 'target'),
      step('stop-writers', `Have the writers at ${target} stopped.`, 'target'),
      step('fence-target', `Unmount ${target}.`, 'target'),
      step('final-update', 'Carry over the rest.', 'target'),
      step(
        'switch',
        `Break the way back off: ${source} becomes writable, ${target} gives its authority back.`,
        'source',
        {
          pointOfNoReturn: true,
        },
      ),
    ],
    'take-over': [
      step('switch', `Break the way back off as it is: ${source} becomes writable.`, 'source', {
        pointOfNoReturn: true,
        ...needs,
      }),
    ],
    'discard-target': [
      step('claim', `Give the authority back to ${source}.`, 'source', { pointOfNoReturn: true, ...needs }),
      step('fence-target', `Unmount ${target}.`, 'source'),
    ],
    reprotect: [
      ...(junctionPath === undefined ? [] : [step('mount-source', `Mount ${source} at ${junctionPath}.`, 'source')]),
      step('start-writers', `Have the writers started at ${source}.`, 'source'),
      step('reprotect', `Make ${target} a copy of ${source} again.`, 'source', {
        overwrites: `${target}: whatever was written there after it was switched away from`,
        ...(position === 'reprotect' || position === 'discard-target' ? needs : {}),
      }),
    ],
    'drop-reverse': [step('drop-reverse', `Remove the mirror of the way back, on both sides.`, 'source')],
  };
  const way = WAYS[position] ?? [];
  return way.flatMap((at) => ahead[at]);
}

/** What is still to come, from each position on. */
const WAYS: Partial<Record<FailbackPosition, readonly Exclude<FailbackPosition, 'done' | 'await-target'>[]>> = {
  'create-reverse': ['create-reverse', 'resync-reverse', 'catch-up', 'reprotect', 'drop-reverse'],
  'resync-reverse': ['resync-reverse', 'catch-up', 'reprotect', 'drop-reverse'],
  'catch-up': ['catch-up', 'reprotect', 'drop-reverse'],
  'take-over': ['take-over', 'reprotect', 'drop-reverse'],
  'discard-target': ['discard-target', 'reprotect'],
  reprotect: ['reprotect', 'drop-reverse'],
  'await-target': ['reprotect', 'drop-reverse'],
  'drop-reverse': ['drop-reverse'],
};
