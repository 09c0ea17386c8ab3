/**
 * Run (layer 3): the fencing marks on the clusters: written before anything that cannot be undone, and read again immediately before
 * each such thing. Between that look and ONTAP's own effect lies a window of one request, which only a lock of the caller's closes.
 */

import type { PairFacts, VolumeFacts } from '../../core/failover/facts.ts';
import { commentWith, type Mark, markIn, nextEpoch, outranks } from '../../core/failover/mark.ts';
import type { Side } from '../../core/failover/vocabulary.ts';
import { DataMotionError, FailoverError, OntapError } from '../../errors.ts';
import type { OntapSvm } from '../../ontap/ontap-svm.ts';
import { changeVolume } from '../volume-change.ts';
import type { Route } from './world.ts';

/** What this call wrote, and has to find again. */
export interface Claim {
  readonly epoch: number;
  readonly operation: string;
}

export function svmAt(route: Route, side: Side): OntapSvm {
  return side === 'source' ? route.sourceSvm : route.targetSvm;
}

/** Writes the mark into the volume's comment. @throws OntapError also `ONTAP_NOT_FOUND` */
export async function writeMark(
  route: Route,
  side: Side,
  found: VolumeFacts | undefined,
  mark: Mark,
  signal: AbortSignal = route.signal,
): Promise<void> {
  const svm = svmAt(route, side);
  if (found === undefined) {
    throw new OntapError('ONTAP_NOT_FOUND', `${svm.backend} has no such volume`, {
      attempted: 'write the fencing mark',
      cluster: svm.cluster,
    });
  }
  await changeVolume(svm, found.uuid, { comment: commentWith(found.comment, mark) }, signal);
}

/**
 * @param siblings the other targets of the backend, where somebody else may have claimed the same volume
 * @throws FailoverError `FAILOVER_FENCED` when this claim is not the newest any more; OntapError when it cannot be read
 */
export async function requireClaim(
  route: Route,
  pair: Pick<PairFacts, 'volume' | 'source' | 'target'>,
  claim: Claim,
  sides: readonly Side[],
  siblings: readonly OntapSvm[] = [],
): Promise<void> {
  const reads = sides.map(async (side) => {
    const svm = svmAt(route, side);
    const volume = await svm.volume(pair[side].volume, { signal: route.signal });
    const mark = markIn(volume?.comment);
    if (mark?.epoch !== claim.epoch || mark.operation !== claim.operation) throw overtaken(route, pair, side, mark);
  });
  const rivals = siblings.map(async (svm) => {
    const mark = await markAt(route, svm, pair.volume);
    if (mark?.authority !== 'here' || mark.operation === claim.operation) return;
    if (outranks(mark, { ...claim, authority: 'here' })) throw overtaken(route, pair, 'target', mark);
  });
  await Promise.all([...reads, ...rivals]);
}

/**
 * Nobody else decided anything between two looks. A claim of the target by itself is no decision: a dead process may have sent it, and of two
 * who live the later one goes on.
 * @param operation whose own marks are no surprise
 * @throws FailoverError `FAILOVER_FENCED`
 */
export function requireUnmarked(before: Pick<PairFacts, 'source' | 'target'>, now: PairFacts, operation: string): void {
  for (const side of ['target', 'source'] as const) {
    const [then, mark] = [before[side].found?.mark, now[side].found?.mark];
    if (!now[side].answers || !before[side].answers || mark?.operation === operation) continue;
    if (mark?.epoch === then?.epoch && mark?.operation === then?.operation && mark?.authority === then?.authority) {
      continue;
    }
    const claims = mark?.authority === (side === 'target' ? 'here' : 'peer');
    const [here, there] = [before.target.found?.mark, before.source.found?.mark];
    // Both halves of it, or the one that was still missing.
    const half = [here, there].some((one) => one?.epoch === mark?.epoch && one?.operation === mark?.operation);
    if (claims && (half || mark.epoch === nextEpoch(here, there))) continue;
    const { backend, volume } = now[side];
    throw new FailoverError('FAILOVER_FENCED', `somebody else works on ${backend}:${volume}: ${whose(mark)}`, {
      volume: now.volume,
      attempted: 'claim the volume',
      remedy: 'let the other one finish, then look at the state and plan again',
      details: { found: mark },
    });
  }
}

/** A target that does not answer cannot be asked whether it was claimed. */
async function markAt(route: Route, svm: OntapSvm, volume: string): Promise<Mark | undefined> {
  try {
    return markIn((await svm.volume(volume, { signal: route.signal }))?.comment);
  } catch (error) {
    route.signal.throwIfAborted();
    if (error instanceof DataMotionError) return undefined;
    throw error;
  }
}

function overtaken(
  route: Route,
  pair: Pick<PairFacts, 'volume' | 'source' | 'target'>,
  side: Side,
  mark: Mark | undefined,
): FailoverError {
  const { backend, volume } = pair[side];
  return new FailoverError('FAILOVER_FENCED', `somebody else took ${backend}:${volume} over: ${whose(mark)}`, {
    volume: pair.volume,
    cluster: svmAt(route, side).cluster,
    attempted: 'check the fencing mark',
    remedy: 'let the other one finish, then look at the state and plan again',
    details: { found: mark },
  });
}

function whose(mark: Mark | undefined): string {
  return mark === undefined ? 'its mark is gone' : `operation ${mark.operation} holds epoch ${mark.epoch}`;
}
