/** Run (layer 3): how far two sides have drifted apart: common snapshots, and bytes changed since, where the clusters answer and tell. */
import type { PairFacts } from '../../core/failover/facts.ts';
import type { SideLoss } from '../../core/failover/failback-plan.ts';
import type { Side } from '../../core/failover/vocabulary.ts';
import { resyncLoss } from '../../core/mirror/loss.ts';
import { OntapError } from '../../errors.ts';
import { collect } from '../mirror/context.ts';
import { type Route, ranOutOfTime, within } from './world.ts';

/** Bytes written to a side since one of its snapshots; `undefined` where nobody tells. */
export async function writtenSince(
  route: Route,
  side: Side,
  pair: PairFacts,
  snapshot: string | undefined,
): Promise<number | undefined> {
  const { answers, found } = pair[side];
  if (!answers || found === undefined || snapshot === undefined || found.state !== 'online') return undefined;
  const svm = side === 'source' ? route.sourceSvm : route.targetSvm;
  return orUnknown(route, `ask what was written since ${snapshot}`, (signal) =>
    svm.writtenSince(found.uuid, snapshot, { signal }),
  );
}

/** What a side would lose were it made a copy of the other; `undefined` where one of them does not tell. */
export async function lossOfSide(route: Route, side: Side, pair: PairFacts): Promise<SideLoss | undefined> {
  const [loser, winner] = side === 'source' ? [pair.source, pair.target] : [pair.target, pair.source];
  if (loser.found === undefined || winner.found === undefined) return undefined;
  const [losing, winning] = side === 'source' ? [route.sourceSvm, route.targetSvm] : [route.targetSvm, route.sourceSvm];
  const [lost, kept] = [loser.found.uuid, winner.found.uuid];
  const loss = await orUnknown(route, 'compare the snapshots of the two sides', async (signal) => {
    const [ours, theirs] = await Promise.all([
      collect(winning.snapshots(kept, { signal })),
      collect(losing.snapshots(lost, { signal })),
    ]);
    return resyncLoss(ours, theirs);
  });
  if (loss === undefined) return undefined;
  const changedBytes = await writtenSince(route, side, pair, loss.common?.name);
  return changedBytes === undefined ? loss : { ...loss, changedBytes };
}

async function orUnknown<T>(
  route: Route,
  attempted: string,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await within(route, route.contactTimeoutMs, attempted, ask);
  } catch (error) {
    route.signal.throwIfAborted();
    if (error instanceof OntapError || ranOutOfTime(error)) return undefined;
    throw error;
  }
}
