/**
 * Core (layer 1): which side of a pair counts, from observation alone. What a relationship shows goes first (a destination that follows
 * cannot count); where both ends could be written to, the mark with the higher epoch decides; where nothing decides, nobody does.
 */
import { follows, isMoving, isWritable, type PairFacts, standsBrokenOff } from './facts.ts';
import type { Authority, Phase, Side } from './vocabulary.ts';

/** Who counts, where the pair stands, and why. */
export interface Standing {
  readonly authority: Authority;
  readonly phase: Phase;
  readonly why: string;
}

/** Total: every combination has an answer, and never two sides in it. */
export function standingOf(facts: PairFacts): Standing {
  const { target, forward, reverse } = facts;
  if (!target.answers) return withoutTarget(facts);
  if (facts.conflict !== undefined) return undecided('contested', facts.conflict);
  if (follows(forward)) {
    if (follows(reverse)) return undecided('contested', 'each side is set up as the mirror of the other');
    return { authority: 'source', phase: 'protected', why: 'the target follows the source' };
  }
  const isCopy = target.found !== undefined && target.found.type !== 'rw';
  if (isCopy && follows(reverse)) {
    return undecided('contested', 'the source follows a target that is itself no writable volume');
  }
  if (forward?.state === 'uninitialized') {
    const initializing = isMoving(forward);
    const why = initializing ? 'the baseline is on its way: there is no copy yet' : 'there is no copy at the target';
    return { authority: 'source', phase: initializing ? 'initializing' : 'unprotected', why };
  }
  if (follows(reverse)) return { authority: 'target', phase: 'reversed', why: 'the source follows the target' };
  if (reverse !== undefined && isMoving(reverse)) {
    return { authority: 'target', phase: 'reversing', why: 'the source is being made a copy of the target' };
  }
  if (forward !== undefined && isMoving(forward)) {
    return { authority: 'source', phase: 'switched', why: 'the target is being made a copy of the source' };
  }
  if (forward === undefined && target.found?.type !== 'rw') {
    return { authority: 'source', phase: 'unprotected', why: 'there is no copy at the target' };
  }
  return byMarks(facts);
}

/**
 * Both ends could be written to, as far as is seen. Two marks that agree decide, whatever their epochs: a claim writes them one after
 * the other. Of two that both say `here` the higher epoch decides. A source that claims counts only beside its broken-off way back:
 * else somebody broke the mirror off by hand since.
 */
function byMarks({ source, target, forward, reverse }: PairFacts): Standing {
  const [here, there] = [target.found?.mark, source.found?.mark];
  if (here === undefined && there === undefined && forward === undefined && source.answers) {
    return { authority: 'source', phase: 'unprotected', why: 'no mirror relates the two volumes' };
  }
  const outdated = there?.authority === 'here' && there.epoch >= (here?.epoch ?? 0);
  if (here?.authority === 'here' && !outdated) {
    const phase = reverse === undefined ? 'failed-over' : 'reversing';
    return { authority: 'target', phase, why: `the target was failed over to (epoch ${here.epoch})` };
  }
  if (!source.answers)
    return undecided('unknown', 'the target does not claim to count, and the source does not answer');
  const tied = here?.authority === 'here' && here.epoch === there?.epoch;
  if (there?.authority === 'here' && !tied && standsBrokenOff(reverse)) {
    return { authority: 'source', phase: 'switched', why: `the source was switched back to (epoch ${there.epoch})` };
  }
  return undecided(
    'contested',
    'the mirror was broken off by hand, or marks contradict each other: nothing says which side counts',
  );
}

/** A target that is silent may have been failed over to: only a source that follows it tells for sure. */
function withoutTarget({ source, reverse }: PairFacts): Standing {
  if (source.answers && (follows(reverse) || isMoving(reverse))) {
    return { authority: 'target', phase: 'reversed', why: 'the source follows the target, which does not answer' };
  }
  return undecided('unknown', 'the target does not answer: whether it was failed over to cannot be seen');
}

function undecided(phase: 'contested' | 'unknown', why: string): Standing {
  return { authority: 'undecided', phase, why };
}

/**
 * The side without authority that hosts may still write to: what they write there will be lost. A volume that is not mounted counts as
 * fenced only if its mark says so, since LUNs need no mount.
 */
export function unfencedSide(facts: PairFacts, { authority }: Standing): Side | undefined {
  if (authority === 'undecided') return undefined;
  const loser = authority === 'target' ? facts.source : facts.target;
  if (!loser.answers || !isWritable(loser)) return undefined;
  const { found } = loser;
  const fenced = found?.junctionPath === undefined && found?.mark?.fence !== undefined;
  return fenced ? undefined : authority === 'target' ? 'source' : 'target';
}

/** What somebody can do where nothing decides. */
export function choicesFor({ phase }: Standing): readonly string[] {
  if (phase === 'contested') {
    return [
      'keep the target: fail over (its data count; what the source wrote since is left behind)',
      'keep the source: fail back with keep = source (what the target wrote since is discarded)',
    ];
  }
  if (phase === 'unknown') return ['wait until both sides answer', 'fail over, accepting the loss by name'];
  return [];
}
