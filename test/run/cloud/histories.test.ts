import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Machine } from './machine.ts';
import { history } from './steps.ts';

/** Raise it for a long campaign: CLOUD_ENGINE_HISTORIES=20000. */
const RUNS = Number(process.env['CLOUD_ENGINE_HISTORIES'] ?? 200);
const SEED = Number(process.env['CLOUD_ENGINE_SEED'] ?? 20_260_102);

describe('random histories of a volume and its endpoint, through the engine', () => {
  it('I1 to I9 and I11 hold after every step', { timeout: 60_000 + RUNS * 400 }, async () => {
    const totals: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const machine = new Machine();
        await machine.play(steps);
        for (const [what, count] of Object.entries(machine.counts)) totals[what] = (totals[what] ?? 0) + count;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // Histories that never do anything would prove nothing.
    for (const [what, count] of Object.entries(totals)) expect(count, what).toBeGreaterThan(RUNS / 25);
  });
});
