import { beforeAll, describe, expect, it } from 'vitest';
import { type BatchResult, playBatch } from '../../cloud-judges/history-batch.ts';

/** The larger share is in `npm run test:cloud`. For a campaign by hand: CLOUD_HISTORIES=5000 CLOUD_SEED=7. */
const RUNS = Number(process.env['CLOUD_HISTORIES'] ?? 200);
const SEED = Number(process.env['CLOUD_SEED'] ?? 20_260_101);

const INVARIANTS = {
  I1: 'after a transfer the VMAP has exactly the VVBNs that the snapshot holds, and none is Pending',
  I2: 'every PVBN names an object that exists and a slot whose content is that block',
  I3: 'a VVBN is uploaded once in its life in the VMAP',
  I4: 'the bitmap of a snapshot is the set of ids found by walking the store without the VMAP',
  I5: 'uploads and reads follow the change, not the volume',
  I6: 'a collection deletes exactly what nobody needs',
  I7: 'a crash loses nothing, and a resumed transfer sends again at most what was in flight',
  I8: 'a restored snapshot is the one that was backed up, with its sharing, each block fetched once',
  I9: 'a transfer whose base is gone is refused, and a reused VVBN is never taken for its former self',
  I10: 'damage of anything that is needed is found',
  I11: 'a writer that was taken over from is refused, and changes nothing that anybody needs',
} as const;

describe(`${RUNS} random histories of a volume and its endpoint, checked after every step`, () => {
  let result: BatchResult = { counts: {}, kinds: {} };

  beforeAll(
    async () => {
      result = await playBatch({ layer: 'core', seed: SEED, histories: RUNS });
    },
    60_000 + RUNS * 300,
  );

  for (const [number, promise] of Object.entries(INVARIANTS)) {
    it(`${number}: ${promise}`, () => {
      if (result.failure?.message.startsWith(`${number}:`)) throw new Error(result.failure.report);
    });
  }

  it('nothing fails in any other way', () => {
    if (result.failure !== undefined && !/^I\d+:/.test(result.failure.message)) throw new Error(result.failure.report);
  });

  it('the histories did what they are to test', () => {
    // Of a campaign that was cut short by a failure nothing can be said.
    if (result.failure !== undefined) return;
    for (const [what, count] of Object.entries(result.counts)) expect(count, what).toBeGreaterThan(RUNS / 8);
    for (const [what, count] of Object.entries(result.kinds)) expect(count, what).toBeGreaterThan(RUNS / 8);
  });
});
