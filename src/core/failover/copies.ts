/** Core (layer 1): whether a target holds a copy that service can go on from, and of when. */
import { protectionOf } from '../mirror/protection.ts';
import { standingOf } from './authority.ts';
import { copyAgeSeconds, follows, isMoving, type PairFacts, standsBrokenOff } from './facts.ts';
import type { Blocked, GoodSnapshot, RecoveryPoint } from './plan.ts';

/** The target counts already. */
export function authorityAtTarget(pair: PairFacts): boolean {
  return standingOf(pair).authority === 'target';
}

/** A complete copy that can be written to after a break, whatever its health. A baseline on its way is none. */
export function hasUsableCopy(pair: PairFacts): boolean {
  const { target, forward, conflict } = pair;
  if (!target.answers || conflict !== undefined || target.found === undefined) return false;
  if (target.found.state !== 'online') return false;
  return follows(forward) || standsBrokenOff(forward) || authorityAtTarget(pair);
}

/** Whether a failure of the authoritative side now would find a usable copy on the other, kept up by ONTAP. */
export function isProtected(pair: PairFacts): boolean {
  const { authority } = standingOf(pair);
  const mirror = authority === 'target' ? pair.reverse : pair.forward;
  if (authority === 'undecided' || mirror === undefined) return false;
  return (
    protectionOf({ state: mirror.state, transfer: { state: mirror.transfer }, healthy: mirror.healthy }) === 'protected'
  );
}

/** Why the target holds no copy, where it holds none. */
export function whyNoCopy(pair: PairFacts): Blocked | undefined {
  if (hasUsableCopy(pair)) return undefined;
  const { target, forward, conflict } = pair;
  const blocked = (code: string, reason: string, remedy: string): Blocked => ({ code, reason, remedy });
  if (!target.answers) {
    const why = target.silence === undefined ? '' : `: ${target.silence}`;
    return blocked('FAILOVER_SIDE_SILENT', `${target.backend} does not answer${why}`, 'call again once it answers');
  }
  if (conflict !== undefined) return blocked('FAILOVER_CONTESTED', conflict, 'choose another target for this volume');
  if (target.found !== undefined && target.found.state !== 'online') {
    return blocked('FAILOVER_NO_COPY', `the copy is ${target.found.state}`, 'bring the volume online at the target');
  }
  if (forward?.state === 'uninitialized' && isMoving(forward)) {
    return blocked(
      'FAILOVER_NO_COPY',
      'the baseline is still on its way: there is no copy yet',
      'wait for it, if the source lives',
    );
  }
  if (isMoving(forward)) {
    return blocked('FAILOVER_NO_COPY', 'a resync of the target is running', 'call again when it has ended');
  }
  return blocked('FAILOVER_NO_COPY', 'the target holds no copy of it', 'choose a target that does');
}

/** How old the copy is, and what is missing in it, as far as anybody can tell. */
export function recoveryPointOf({ forward }: PairFacts, now: number, writtenSinceBytes?: number): RecoveryPoint {
  const ageSeconds = copyAgeSeconds(forward);
  return {
    ...(forward === undefined ? {} : { snapshot: copySnapshot(forward.exportedSnapshot, ageSeconds, now) }),
    ...(ageSeconds === undefined ? {} : { ageSeconds }),
    ...(writtenSinceBytes === undefined ? {} : { writtenSinceBytes }),
  };
}

function copySnapshot(name: string | undefined, ageSeconds: number | undefined, now: number): GoodSnapshot | undefined {
  if (name === undefined) return undefined;
  return { name, ...(ageSeconds === undefined ? {} : { createdAt: now - ageSeconds * 1000 }) };
}
