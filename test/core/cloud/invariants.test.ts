import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { history, Machine } from './histories.ts';

/** Raise it for a long campaign: CLOUD_HISTORIES=50000. */
const RUNS = Number(process.env['CLOUD_HISTORIES'] ?? 300);

describe('random histories of a volume and its endpoint', () => {
  it('I1 to I6, I8 and I9 hold after every step', { timeout: 60_000 + RUNS * 200 }, () => {
    const totals: Record<string, number> = {};
    fc.assert(
      fc.property(history, (steps) => {
        const machine = new Machine();
        machine.play(steps);
        for (const [what, count] of Object.entries(machine.counts)) totals[what] = (totals[what] ?? 0) + count;
      }),
      { numRuns: RUNS, seed: 20_260_101 },
    );
    // Histories that never do anything would prove nothing.
    for (const [what, count] of Object.entries(totals)) expect(count, what).toBeGreaterThan(RUNS / 10);
  });
});
