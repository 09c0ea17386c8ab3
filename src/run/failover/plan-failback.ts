/** Run (layer 3): what a failback would do, from what the clusters show now. Reads only. */
import { standingOf } from '../../core/failover/authority.ts';
import type { PairFacts } from '../../core/failover/facts.ts';
import { type FailbackSubject, makeFailbackPlan } from '../../core/failover/failback-plan.ts';
import { failbackSituation } from '../../core/failover/failback-position.ts';
import type { FailbackPlan } from '../../core/failover/plan.ts';
import type { Side } from '../../core/failover/vocabulary.ts';
import { FailoverError } from '../../errors.ts';
import { lossOfSide } from './differences.ts';
import type { FailbackOptions, FailoverSelection, PlanFailbackOptions } from './options.ts';
import { countsElsewhere, junctionPathFor, type Survey, type SurveyedTarget, survey } from './plan-failover.ts';
import { validatedFailback } from './validate.ts';
import type { FailoverWorld, Route } from './world.ts';

export async function planFailback(
  world: FailoverWorld,
  selection: FailoverSelection,
  options: PlanFailbackOptions,
  signal: AbortSignal,
): Promise<FailbackPlan> {
  const seen = await survey(world, selection, options, signal);
  const at = targetToFailBackFrom(seen, selection.target);
  const subjects = await Promise.all(
    at.pairs.map(async (pair): Promise<FailbackSubject> => {
      const subject = await subjectOf(at.route, pair, options);
      return { ...subject, failedOverTo: countsElsewhere(seen, at.route.target, pair.volume) };
    }),
  );
  const away = seen.scope.reach === 'backend' ? subjects.filter((subject) => !neverLeft(subject)) : subjects;
  const left = away.length === 0 ? subjects : away;
  const plan = makeFailbackPlan({
    id: world.env.random.uuid(),
    now: world.env.clock.now(),
    scope: { ...seen.scope, volumes: left.map(({ pair }) => pair.volume) },
    target: at.route.target,
    subjects: left,
  });
  return options.validate === false ? plan : validatedFailback(at.route, plan, at.pairs);
}

/** A volume that no mirror protects has nowhere to come back from; by itself it is told so, among all others of a backend it is left out. */
function neverLeft({ pair, keep, failedOverTo }: FailbackSubject): boolean {
  const situation = failbackSituation(pair, keep);
  return (
    failedOverTo === undefined && situation.kind === 'blocked' && situation.blocked.code === 'FAILOVER_NOTHING_TO_DO'
  );
}

/** What the planner has to know of one volume. */
export async function subjectOf(
  route: Route,
  pair: PairFacts,
  options: Pick<FailbackOptions, 'keep' | 'junctionPath' | 'hooks'>,
): Promise<FailbackSubject> {
  const keep = keptSide(pair.volume, options.keep);
  const situation = failbackSituation(pair, keep);
  const position = situation.kind === 'at' ? situation.position : undefined;
  const contested = standingOf(pair).phase === 'contested';
  const asksSource = contested || position === 'create-reverse' || position === 'resync-reverse';
  const asksTarget = contested || position === 'discard-target' || position === 'reprotect';
  const [sourceLoss, targetLoss] = await Promise.all([
    asksSource ? lossOfSide(route, 'source', pair) : undefined,
    asksTarget ? lossOfSide(route, 'target', pair) : undefined,
  ]);
  const junctionPath = junctionPathFor(pair.volume, pair.target.found?.junctionPath, options.junctionPath);
  return {
    pair,
    keep,
    ...(sourceLoss === undefined ? {} : { sourceLoss }),
    ...(targetLoss === undefined ? {} : { targetLoss }),
    ...(junctionPath === undefined ? {} : { junctionPath }),
    ...(options.hooks?.stopWriters === undefined ? {} : { writersStopped: true }),
  };
}

function keptSide(volume: string, keep: PlanFailbackOptions['keep']): Side | undefined {
  return typeof keep === 'function' ? keep(volume) : keep;
}

/** The one that most volumes were failed over to. */
export function targetToFailBackFrom({ scope, targets }: Survey, wanted: string | undefined): SurveyedTarget {
  const named = targets.find(({ route }) => route.target.toLowerCase() === wanted?.toLowerCase());
  if (named !== undefined) return named;
  const away = ({ pairs }: SurveyedTarget) =>
    pairs.filter((pair) => {
      const { authority, phase } = standingOf(pair);
      return authority === 'target' || phase === 'switched' || phase === 'contested' || pair.reverse !== undefined;
    }).length;
  const [best] = targets.toSorted((one, other) => away(other) - away(one));
  if (best !== undefined) return best;
  throw new FailoverError('FAILOVER_NOTHING_TO_DO', `${scope.source} has no target to fail back from`, {
    object: scope.source,
  });
}
