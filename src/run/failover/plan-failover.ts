/** Run (layer 3): what a failover would do, from what the clusters show now. Reads only. */
import { authorityAtTarget, hasUsableCopy, whyNoCopy } from '../../core/failover/copies.ts';
import type { PairFacts } from '../../core/failover/facts.ts';
import { type FailoverSubject, makeFailoverPlan } from '../../core/failover/failover-plan.ts';
import { outranks } from '../../core/failover/mark.ts';
import type { FailoverPlan, PlanScope, TargetVerdict } from '../../core/failover/plan.ts';
import { type Candidate, type Ranking, rankTargets } from '../../core/failover/ranking.ts';
import { ConfigError, FailoverError } from '../../errors.ts';
import { writtenSince } from './differences.ts';
import { pairsIn, type RouteView, viewOf, volumesInScope } from './observe.ts';
import type { FailoverSelection, PlanFailoverOptions } from './options.ts';
import { validatedFailover } from './validate.ts';
import { type FailoverWorld, type Route, routeBetween, targetsOf } from './world.ts';

/** One target, with every volume of the scope there. */
export interface SurveyedTarget {
  readonly route: Route;
  readonly view: RouteView;
  readonly pairs: readonly PairFacts[];
}

/** What is seen of a selection, at every target that may be of interest. */
export interface Survey {
  readonly scope: PlanScope;
  readonly targets: readonly SurveyedTarget[];
}

/**
 * Looks at the source once and at every target at the same time: all of them, because another one may have been failed over to.
 * @throws ConfigError before anything is asked of a cluster
 */
export async function survey(
  world: FailoverWorld,
  selection: FailoverSelection,
  options: Pick<PlanFailoverOptions, 'contactTimeoutMs'>,
  signal: AbortSignal,
): Promise<Survey> {
  if (selection.target !== undefined) targetsOf(world, selection.source, selection.target);
  const names = targetsOf(world, selection.source);
  if (names.length === 0) {
    throw new ConfigError('CONFIG_TARGET_UNKNOWN', `backend ${selection.source} has no replication target`, {
      object: selection.source,
      remedy: 'Add a replication_device to its section.',
    });
  }
  const atOnce = Number.MAX_SAFE_INTEGER;
  const call = { signal, contactTimeoutMs: options.contactTimeoutMs, atOnce };
  const routes = names.map((target) => routeBetween(world, { source: selection.source, target }, call));
  const [first] = routes;
  const seen = first === undefined ? undefined : viewOf(first, first.sourceSvm);
  const views = await Promise.all(
    routes.map(async (route): Promise<RouteView> => {
      const [source, target] = await Promise.all([
        seen ?? viewOf(route, route.sourceSvm),
        viewOf(route, route.targetSvm),
      ]);
      return { route, source, target };
    }),
  );
  const volumes = selection.volumes ?? (await volumesInScope(views));
  const targets = await Promise.all(
    views.map(async (view) => ({ route: view.route, view, pairs: await pairsIn(view, volumes) })),
  );
  const reach = selection.volumes === undefined ? 'backend' : volumes.length === 1 ? 'volume' : 'group';
  return { scope: { source: first?.source ?? selection.source, reach, volumes }, targets };
}

/** The target of what was begun before, unless it is of no use any more. */
export function usableTarget({ targets }: Survey, before: string | undefined): string | undefined {
  const at = targets.find(({ route }) => route.target.toLowerCase() === before?.toLowerCase());
  return at?.pairs.some(hasUsableCopy) === true ? at.route.target : undefined;
}

/** Ranks the targets. @throws FailoverError `FAILOVER_NO_USABLE_TARGET`, `FAILOVER_NOTHING_TO_DO` */
export function ranked(
  { scope, targets }: Survey,
  named: string | undefined,
): Ranking & { readonly chosen: TargetVerdict } {
  const at = targets.find(({ route }) => route.target.toLowerCase() === named?.toLowerCase());
  const wanted = at?.route.target ?? named;
  const candidates = targets.map(({ route, view, pairs }): Candidate => {
    const { answers, silence } = view.target;
    return { target: route.target, answers, silence, pairs };
  });
  const name = targets.find(({ route }) => route.target.toLowerCase() === wanted?.toLowerCase())?.route.target;
  const { chosen, rejected } = rankTargets(candidates, name);
  if (chosen !== undefined) return { chosen, rejected };
  const reasons = rejected.map(({ target, why }) => `${target} ${why}`).join('; ');
  if (scope.volumes.length === 0) {
    throw new FailoverError('FAILOVER_NOTHING_TO_DO', `no volume of ${scope.source} is known: ${reasons}`, {
      attempted: 'choose a target',
      object: scope.source,
      remedy: 'name the volumes, or check the pattern of pool names',
    });
  }
  const volumes = targets.flatMap(({ pairs }) => pairs.map((pair) => ({ volume: pair.volume, ...whyNoCopy(pair) })));
  throw new FailoverError(
    'FAILOVER_NO_USABLE_TARGET',
    `no target of ${scope.source} can be failed over to: ${reasons}`,
    {
      attempted: 'choose a target',
      object: scope.source,
      remedy: 'look at each reason; a target with a copy and a cluster that answers is needed',
      details: { rejected, volumes },
    },
  );
}

export async function planFailover(
  world: FailoverWorld,
  selection: FailoverSelection,
  options: PlanFailoverOptions,
  signal: AbortSignal,
): Promise<FailoverPlan> {
  const seen = await survey(world, selection, options, signal);
  const plan = await planFrom(world, seen, selection, options);
  const at = seen.targets.find(({ route }) => route.target === plan.target);
  return options.validate === false || at === undefined ? plan : validatedFailover(at.route, plan, at.pairs);
}

export async function planFrom(
  { env }: FailoverWorld,
  seen: Survey,
  selection: Pick<FailoverSelection, 'target'>,
  options: PlanFailoverOptions,
): Promise<FailoverPlan> {
  const { chosen, rejected } = ranked(seen, selection.target);
  const at = seen.targets.find(({ route }) => route.target === chosen.target);
  const pairs = at?.pairs ?? [];
  const subjects = await Promise.all(
    pairs.map(async (pair): Promise<FailoverSubject> => {
      const failedOverTo = countsElsewhere(seen, chosen.target, pair.volume);
      const written =
        at === undefined ? undefined : await writtenSince(at.route, 'source', pair, pair.forward?.exportedSnapshot);
      const junctionPath = junctionPathFor(pair.volume, pair.source.found?.junctionPath, options.junctionPath);
      return {
        pair,
        ...(failedOverTo === undefined ? {} : { failedOverTo }),
        ...(written === undefined ? {} : { writtenSinceBytes: written }),
        ...(junctionPath === undefined ? {} : { junctionPath }),
      };
    }),
  );
  return makeFailoverPlan({
    id: env.random.uuid(),
    now: env.clock.now(),
    scope: seen.scope,
    chosen,
    rejected,
    subjects,
    fence: options.fence ?? 'none',
  });
}

/**
 * Another target that this volume was failed over to. Where two targets bear a claim (one was failed over to while the other was silent)
 * exactly one of them outranks the other, and only that one counts.
 */
export function countsElsewhere({ targets }: Survey, target: string, volume: string): string | undefined {
  const pairAt = ({ pairs }: SurveyedTarget) => pairs.find((pair) => pair.volume === volume);
  const here = targets.filter(({ route }) => route.target === target).map(pairAt)[0];
  const own = here !== undefined && authorityAtTarget(here) ? here : undefined;
  for (const other of targets) {
    const pair = pairAt(other);
    if (other.route.target === target || pair === undefined || !authorityAtTarget(pair)) continue;
    if (own === undefined || outranked(own, pair)) return other.route.target;
  }
  return undefined;
}

function outranked(own: PairFacts, other: PairFacts): boolean {
  const [ours, theirs] = [own.target.found?.mark, other.target.found?.mark];
  return ours !== undefined && theirs !== undefined && outranks(theirs, ours);
}

/** The caller's word, else where the other side is mounted, else `/<volume>`; `false` is nowhere. */
export function junctionPathFor(
  volume: string,
  other: string | undefined,
  chosen: ((volume: string) => string | false) | undefined,
): string | undefined {
  const said = chosen?.(volume);
  return said === false ? undefined : (said ?? other ?? `/${volume}`);
}
