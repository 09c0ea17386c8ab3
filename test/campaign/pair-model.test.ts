import { describe, expect, it } from 'vitest';
import { BEGINNINGS, searchPair } from '../../campaign/model/pair-model.ts';

const beginnings = Object.keys(BEGINNINGS) as readonly (keyof typeof BEGINNINGS)[];

describe('the model of a pair', () => {
  it.each(beginnings)(
    'loses nothing and strands nobody under a lock, from %s',
    (from) => {
      const { violation, counterexample, states } = searchPair({ from, depth: 11, lock: true });
      expect(counterexample ?? violation).toBeUndefined();
      expect(states).toBeGreaterThan(1000);
    },
    60_000,
  );

  it('shows the window that only a lock closes: a claim that arrives late', () => {
    const { counterexample } = searchPair({ from: 'switched', depth: 9, lock: false });
    expect(counterexample?.at(-1)).toContain('request arrives: mark the target: epoch 4, does not count');
  }, 60_000);
});
