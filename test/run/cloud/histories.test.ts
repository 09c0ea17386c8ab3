import { describe, expect, it } from 'vitest';
import { playBatch } from '../../cloud-judges/history-batch.ts';

/** The larger share is in `npm run test:cloud`. For a campaign by hand: CLOUD_ENGINE_HISTORIES=5000 CLOUD_ENGINE_SEED=7. */
const RUNS = Number(process.env['CLOUD_ENGINE_HISTORIES'] ?? 60);
const SEED = Number(process.env['CLOUD_ENGINE_SEED'] ?? 20_260_102);

describe('random histories of a volume and its endpoint, through the engine', () => {
  it('I1 to I11 hold after every step', { timeout: 60_000 + RUNS * 1000 }, async () => {
    const { failure, counts, kinds } = await playBatch({ layer: 'engine', seed: SEED, histories: RUNS });
    if (failure !== undefined) throw new Error(failure.report);
    // Histories that never do anything would prove nothing.
    for (const [what, count] of Object.entries({ ...counts, ...kinds })) expect(count, what).toBeGreaterThan(RUNS / 10);
  });
});
