/** Run (layer 3): who counts, of every volume of a backend. Reads only. */
import { choicesFor, type Standing, standingOf, unfencedSide } from '../../core/failover/authority.ts';
import { isProtected } from '../../core/failover/copies.ts';
import { copyAgeSeconds, isWritable, type PairFacts, type SideFacts } from '../../core/failover/facts.ts';
import type { SideState, VolumeReplicationState } from '../../core/failover/outcome.ts';
import type { FailoverSelection, PlanOptions } from './options.ts';
import { countsElsewhere, type Survey, survey } from './plan-failover.ts';
import type { FailoverWorld } from './world.ts';

/** One row for each volume at each target that is asked for. */
export async function replicationState(
  world: FailoverWorld,
  selection: FailoverSelection,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<readonly VolumeReplicationState[]> {
  return statesIn(await survey(world, selection, options, signal), selection.target);
}

export function statesIn(seen: Survey, target?: string): readonly VolumeReplicationState[] {
  const wanted = target?.toLowerCase();
  const asked = seen.targets.filter(({ route }) => wanted === undefined || route.target.toLowerCase() === wanted);
  return asked.flatMap(({ route, pairs }) =>
    pairs.map((pair) => stateOf(pair, route.target, countsElsewhere(seen, route.target, pair.volume))),
  );
}

function stateOf(pair: PairFacts, target: string, elsewhere: string | undefined): VolumeReplicationState {
  const own = standingOf(pair);
  const standing: Standing =
    elsewhere === undefined
      ? own
      : { ...own, authority: 'undecided', why: `the volume was failed over to ${elsewhere}` };
  const mirror = standing.authority === 'target' ? pair.reverse : pair.forward;
  const age = copyAgeSeconds(mirror);
  const unfenced = unfencedSide(pair, standing);
  return {
    volume: pair.volume,
    target,
    ...standing,
    source: sideState(pair.source),
    destination: sideState(pair.target),
    ...(unfenced === undefined ? {} : { unfenced }),
    protected: elsewhere === undefined && isProtected(pair),
    ...(mirror?.healthy === undefined ? {} : { healthy: mirror.healthy }),
    ...(age === undefined ? {} : { lagSeconds: age }),
    ...(mirror?.exportedSnapshot === undefined ? {} : { snapshot: mirror.exportedSnapshot }),
    choices: choicesFor(standing),
  };
}

function sideState(side: SideFacts): SideState {
  const { backend, volume, answers, found } = side;
  return {
    backend,
    volume,
    answers,
    exists: found !== undefined,
    writable: isWritable(side),
    ...(found?.junctionPath === undefined ? {} : { junctionPath: found.junctionPath }),
    ...(found?.mark === undefined ? {} : { epoch: found.mark.epoch }),
  };
}
