import { describe, expect, it } from 'vitest';
import { disasterOf } from '../../campaign/failover/disaster.ts';
import { play } from '../../campaign/failover/play.ts';

describe('a seed of the failover campaign', () => {
  it.each([3, 6])(
    'is one run, to the byte (seed %i)',
    async (seed) => {
      const [one, other] = [await play(disasterOf(seed)), await play(disasterOf(seed))];
      expect(one.lines.length).toBeGreaterThan(50);
      expect(JSON.stringify(other)).toBe(JSON.stringify(one));
    },
    120_000,
  );

  it('is not the run of another seed', async () => {
    expect(disasterOf(2)).not.toEqual(disasterOf(3));
  });
});
