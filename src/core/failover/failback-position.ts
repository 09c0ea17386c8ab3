/**
 * Core (layer 1): where a failback stands, from observation alone: so any process goes on from any state, with a journal or without.
 * The way: reverse mirror created -> resynced -> caught up -> (writers stopped) switched -> old mirror resynced -> reverse mirror dropped.
 */
import { standingOf } from './authority.ts';
import { follows, isMoving, type PairFacts, standsBrokenOff } from './facts.ts';
import type { Blocked } from './plan.ts';
import type { Side } from './vocabulary.ts';

/**
 * What comes next.
 * - `create-reverse`, `resync-reverse` the source is made a copy of the target: what it held since is discarded
 * - `catch-up` the source follows the target: it is updated, and switched to
 * - `take-over` the source follows a target that does not answer any more: it can only be broken off as it is
 * - `discard-target` the caller keeps the source's data
 * - `reprotect` the source counts again, the target is made its copy
 * - `await-target` the same, once the target answers
 * - `drop-reverse` all that is left of the failback is its own mirror
 * - `done` nothing is left to do
 */
export const FAILBACK_POSITIONS = [
  'create-reverse',
  'resync-reverse',
  'catch-up',
  'take-over',
  'discard-target',
  'reprotect',
  'await-target',
  'drop-reverse',
  'done',
] as const;
/** One of `FAILBACK_POSITIONS`. */
export type FailbackPosition = (typeof FAILBACK_POSITIONS)[number];

/** Where a failback stands, or why there is none. */
export type FailbackSituation =
  | { readonly kind: 'at'; readonly position: FailbackPosition }
  | { readonly kind: 'blocked'; readonly blocked: Blocked };

/** @param keep whose data survive where nothing decides; undefined: the caller did not say */
export function failbackSituation(pair: PairFacts, keep: Side | undefined): FailbackSituation {
  const { source, target, reverse } = pair;
  if (!source.answers) return silent(source.backend, source.silence);
  if (pair.conflict !== undefined)
    return blocked('FAILOVER_CONTESTED', pair.conflict, 'remove that mirror, or leave it');
  if (source.found === undefined) {
    return blocked(
      'FAILOVER_NO_COPY',
      `${source.backend} has no volume ${source.volume} any more`,
      'create one of type dp and that name at the source, which gets a new baseline, and call again',
    );
  }
  if (!target.answers) return withoutTarget(pair);
  if (target.found === undefined) return nothingToDo(pair);
  if (target.found.state !== 'online') return offline(target.backend, target.found.state);
  const { phase } = standingOf(pair);
  if (phase === 'protected') return at(reverse === undefined ? 'done' : 'drop-reverse');
  if (phase === 'switched') return onlineSource(pair, 'reprotect');
  if (keep === 'source' && ['failed-over', 'reversing', 'contested'].includes(phase)) {
    const taken = follows(reverse) || isMoving(reverse);
    if (taken) return followsAlready();
    return onlineSource(pair, 'discard-target');
  }
  if (keep === 'source' && phase === 'reversed') return followsAlready();
  switch (phase) {
    case 'contested':
      if (keep === undefined) return contested(pair);
      return onlineSource(pair, reverse === undefined ? 'create-reverse' : 'resync-reverse');
    case 'failed-over':
      return onlineSource(pair, 'create-reverse');
    case 'reversing':
      return onlineSource(pair, 'resync-reverse');
    case 'reversed':
      return onlineSource(pair, 'catch-up');
    default:
      return nothingToDo(pair);
  }
}

function withoutTarget({ source, target, reverse }: PairFacts): FailbackSituation {
  if (follows(reverse)) return at('take-over');
  if (standsBrokenOff(reverse) && source.found?.mark?.authority === 'here') return at('await-target');
  return silent(target.backend, target.silence);
}

/** A source that was fenced by taking it offline comes online first: that is part of these steps. */
function onlineSource({ source }: PairFacts, position: FailbackPosition): FailbackSituation {
  const { found } = source;
  const fenced = found?.state === 'offline' && found.mark?.fence === 'offline';
  return found?.state === 'online' || fenced ? at(position) : offline(source.backend, found?.state ?? 'missing');
}

function at(position: FailbackPosition): FailbackSituation {
  return { kind: 'at', position };
}

function blocked(code: string, reason: string, remedy: string): FailbackSituation {
  return { kind: 'blocked', blocked: { code, reason, remedy } };
}

function silent(backend: string, why: string | undefined): FailbackSituation {
  const reason = `${backend} does not answer${why === undefined ? '' : `: ${why}`}`;
  return blocked('FAILOVER_SIDE_SILENT', reason, 'a failback needs both sides: call again once it answers');
}

function offline(backend: string, state: string): FailbackSituation {
  return blocked('FAILOVER_SIDE_SILENT', `the volume at ${backend} is ${state}`, 'bring it online, then call again');
}

function followsAlready(): FailbackSituation {
  const reason = 'the source follows the target already: its own data are gone';
  return blocked('FAILOVER_CONTESTED', reason, 'fail back keeping the target');
}

function nothingToDo(pair: PairFacts): FailbackSituation {
  const reason = `nothing was failed over: ${standingOf(pair).why}`;
  return blocked('FAILOVER_NOTHING_TO_DO', reason, 'fail over first, or protect the volume');
}

function contested(pair: PairFacts): FailbackSituation {
  const reason = `both sides could be written to: ${standingOf(pair).why}`;
  return blocked('FAILOVER_CONTESTED', reason, 'choose whose data survive (keep), and accept what the other one loses');
}
