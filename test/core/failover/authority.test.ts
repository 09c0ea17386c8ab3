/** Who counts, over every combination of what can be observed; and what observers who see only a part of it say. */
import { describe, expect, it } from 'vitest';
import { standingOf, unfencedSide } from '../../../src/core/failover/authority.ts';
import { follows, type MirrorFacts, type PairFacts, type SideFacts } from '../../../src/core/failover/facts.ts';
import { failbackSituation } from '../../../src/core/failover/failback-position.ts';
import type { Mark } from '../../../src/core/failover/mark.ts';

const MIRRORS = [
  undefined,
  { state: 'uninitialized', transfer: 'none' },
  { state: 'uninitialized', transfer: 'transferring' },
  { state: 'snapmirrored', transfer: 'success' },
  { state: 'snapmirrored', transfer: 'failed' },
  { state: 'paused', transfer: 'success' },
  { state: 'in_sync', transfer: 'none' },
  { state: 'broken_off', transfer: 'success' },
  { state: 'broken_off', transfer: 'transferring' },
] as const;

const MARKS: readonly (Mark | undefined)[] = [
  undefined,
  ...([1, 2] as const).flatMap((epoch) =>
    (['here', 'peer'] as const).map((authority) => ({ epoch, authority, operation: `op${epoch}` })),
  ),
];

function mirror(facts: (typeof MIRRORS)[number]): MirrorFacts | undefined {
  return facts && { uuid: 'u', kind: 'async', ...facts };
}

function side(backend: string, type: 'rw' | 'dp', mark: Mark | undefined): SideFacts {
  return {
    backend,
    volume: 'vol1',
    answers: true,
    found: { uuid: backend, type, state: 'online', ...(mark && { mark }) },
  };
}

const silent = (backend: string): SideFacts => ({ backend, volume: 'vol1', answers: false });

function* everything(): Generator<PairFacts> {
  for (const one of MIRRORS) {
    for (const other of MIRRORS) {
      const [forward, reverse] = [mirror(one), mirror(other)];
      const type = (of: MirrorFacts | undefined) =>
        of !== undefined && (of.state !== 'broken_off' || of.transfer === 'transferring') ? 'dp' : 'rw';
      for (const here of MARKS) {
        for (const there of MARKS) {
          yield {
            volume: 'vol1',
            source: side('east', type(reverse), there),
            target: side('west', type(forward), here),
            ...(forward && { forward }),
            ...(reverse && { reverse }),
          };
        }
      }
    }
  }
}

/** As somebody sees it from whom one side is cut off. */
function withoutSource({ reverse: _, ...pair }: PairFacts): PairFacts {
  return { ...pair, source: silent('east') };
}
function withoutTarget({ forward: _, ...pair }: PairFacts): PairFacts {
  return { ...pair, target: silent('west') };
}

describe('who counts', () => {
  it('a destination that follows never does, and only a writable side is said to be unfenced', () => {
    for (const pair of everything()) {
      const { authority } = standingOf(pair);
      const where = JSON.stringify(pair);
      if (follows(pair.forward)) expect(authority, where).not.toBe('target');
      if (follows(pair.reverse)) expect(authority, where).not.toBe('source');
      const loser = unfencedSide(pair, standingOf(pair));
      if (loser !== undefined)
        expect([authority, pair[loser].found?.type], where).toEqual([loser === 'source' ? 'target' : 'source', 'rw']);
    }
  });

  it('three observers, one of them cut off from either side, never name two sides', () => {
    for (const pair of everything()) {
      const [here, there] = [pair.target.found?.mark, pair.source.found?.mark];
      // The one exception, which docs/operations.md names: a switch back from a target that was dead and could not give its mark back.
      if (here?.authority === 'here' && there?.authority === 'here' && there.epoch > here.epoch) continue;
      // Both are read-only copies of each other: no history leads there, and the whole view says so.
      if (pair.source.found?.type === 'dp' && pair.target.found?.type === 'dp') continue;
      const seen = [pair, withoutSource(pair), withoutTarget(pair)].map((facts) => standingOf(facts).authority);
      const named = new Set(seen.filter((authority) => authority !== 'undecided'));
      expect([...named].length, `${seen} of ${JSON.stringify(pair)}`).toBeLessThanOrEqual(1);
    }
  });

  it('a failback goes on only where its next step cannot destroy what counts', () => {
    for (const pair of everything()) {
      const situation = failbackSituation(pair, 'target');
      if (situation.kind === 'blocked') continue;
      const { authority } = standingOf(pair);
      const where = JSON.stringify(pair);
      if (['create-reverse', 'resync-reverse', 'catch-up'].includes(situation.position))
        expect(authority, where).not.toBe('source');
      if (['reprotect', 'drop-reverse', 'done'].includes(situation.position)) expect(authority, where).toBe('source');
    }
  });

  it('a silent target leaves it open, since it may have been failed over to', () => {
    const pair = withoutTarget({ volume: 'vol1', source: side('east', 'rw', undefined), target: silent('west') });
    expect(standingOf(pair)).toMatchObject({ authority: 'undecided', phase: 'unknown' });
  });
});
