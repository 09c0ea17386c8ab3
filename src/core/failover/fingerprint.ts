/**
 * Core (layer 1): what a plan rests on, as text that can be compared. Left out is what changes by itself and changes nothing: lag,
 * running transfers, health, and for a failover everything of the source, which may come and go.
 */
import { follows, type MirrorFacts, type PairFacts, type SideFacts } from './facts.ts';

/** For a failover or a drill of this volume. */
export function failoverFacts({ target, forward, conflict }: PairFacts): string {
  return [
    `forward=${stateText(forward)}`,
    `target=${sideText(target)}`,
    ...(conflict === undefined ? [] : ['conflict']),
  ].join(' ');
}

/** For a failback: both sides, and the snapshot that they have in common. */
export function failbackFacts(facts: PairFacts, common: string | undefined): string {
  const { source, reverse } = facts;
  return `${failoverFacts(facts)} reverse=${stateText(reverse)} source=${sideText(source)} common=${common ?? '-'}`;
}

function stateText(mirror: MirrorFacts | undefined): string {
  if (mirror === undefined) return 'absent';
  return `${mirror.uuid}/${follows(mirror) ? 'mirrored' : mirror.state}`;
}

function sideText({ answers, found }: SideFacts): string {
  if (!answers) return 'silent';
  if (found === undefined) return 'missing';
  const mark = found.mark === undefined ? '-' : `${found.mark.epoch}/${found.mark.authority}`;
  return `${found.uuid}/${found.type}/${found.state}/${mark}`;
}

/** What the plan of one volume rests on, with what was chosen for it. */
export function plannedFacts({
  volume,
  observed,
  keep,
}: {
  readonly volume: string;
  readonly observed: string;
  readonly keep?: string | undefined;
}): string {
  return `${volume} ${observed}${keep === undefined ? '' : ` keep=${keep}`}`;
}

/** 64 bits (FNV-1a) of the facts of all volumes, in hex: for comparing, not against forgery. */
export function fingerprintOf(facts: readonly string[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of JSON.stringify(facts.toSorted())) {
    hash ^= BigInt(character.codePointAt(0) ?? 0);
    hash = BigInt.asUintN(64, hash * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
