import { expect, it } from 'vitest';
import type { MirrorFacts, PairFacts } from '../../../src/core/failover/facts.ts';
import { type Candidate, rankTargets } from '../../../src/core/failover/ranking.ts';

function pair(volume: string, target: string, forward?: Partial<MirrorFacts>): PairFacts {
  const facts: MirrorFacts = {
    uuid: 'u',
    state: 'snapmirrored',
    transfer: 'success',
    kind: 'async',
    lagSeconds: 60,
    ...forward,
  };
  return {
    volume,
    source: { backend: 'east', volume, answers: false },
    target: { backend: target, volume, answers: true, found: { uuid: 'v', type: 'dp', state: 'online' } },
    ...(forward === undefined ? {} : { forward: facts }),
  };
}

function candidate(target: string, ...mirrors: (Partial<MirrorFacts> | undefined)[]): Candidate {
  return { target, answers: true, pairs: mirrors.map((forward, index) => pair(`vol${index + 1}`, target, forward)) };
}

const choice = (...candidates: Candidate[]) => rankTargets(candidates).chosen?.target;

it('coverage first, then health, then the worst lag, then the order of the configuration', () => {
  expect(
    choice(candidate('a', { lagSeconds: 1 }, undefined), candidate('b', { lagSeconds: 90_000, healthy: false }, {})),
  ).toBe('b');
  expect(choice(candidate('a', { lagSeconds: 1, healthy: false }), candidate('b', { lagSeconds: 90_000 }))).toBe('b');
  expect(
    choice(
      candidate('a', { lagSeconds: 61 }, { lagSeconds: 1 }),
      candidate('b', { lagSeconds: 60 }, { lagSeconds: 60 }),
    ),
  ).toBe('b');
  expect(choice(candidate('a', {}), candidate('b', {}))).toBe('a');
});

it('an unknown age is the worst, no mirror at all is no copy, and a baseline is none (defect 15)', () => {
  expect(choice(candidate('a', { lagSeconds: undefined }), candidate('b', { lagSeconds: 200_000 }))).toBe('b');
  expect(choice(candidate('a', { state: 'in_sync', lagSeconds: undefined }), candidate('b', { lagSeconds: 1 }))).toBe(
    'a',
  );
  const { chosen, rejected } = rankTargets([
    candidate('a', undefined),
    candidate('b', { state: 'uninitialized', transfer: 'transferring' }),
  ]);
  expect(chosen).toBeUndefined();
  expect(rejected.map(({ why }) => why)).toEqual(Array(2).fill('has no usable copy of any of the 1 volumes'));
});

it('a target that does not answer is rejected with what the cluster said', () => {
  const dead: Candidate = { target: 'a', answers: false, silence: 'connection refused', pairs: [] };
  expect(rankTargets([dead, candidate('b', {})]).rejected).toMatchObject([
    { target: 'a', why: 'does not answer: connection refused' },
  ]);
});
