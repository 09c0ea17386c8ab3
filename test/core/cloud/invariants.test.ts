import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { history, Machine } from './histories.ts';

/** For a long campaign: CLOUD_HISTORIES=50000 CLOUD_SEED=7. */
const RUNS = Number(process.env['CLOUD_HISTORIES'] ?? 300);
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
} as const;

describe(`${RUNS} random histories of a volume and its endpoint, checked after every step`, () => {
  const totals: Record<string, number> = {};
  let failure: { readonly message: string; readonly report: string } | undefined;

  beforeAll(
    () => {
      const property = fc.property(history, (steps) => {
        const machine = new Machine();
        machine.play(steps);
        for (const [what, count] of Object.entries(machine.counts)) totals[what] = (totals[what] ?? 0) + count;
      });
      const result = fc.check(property, { numRuns: RUNS, seed: SEED });
      if (!result.failed) return;
      const { errorInstance, counterexample } = result;
      const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
      failure = { message, report: `${message}\nafter ${JSON.stringify(counterexample)}` };
    },
    60_000 + RUNS * 300,
  );

  for (const [number, promise] of Object.entries(INVARIANTS)) {
    it(`${number}: ${promise}`, () => {
      if (failure?.message.startsWith(number)) throw new Error(failure.report);
    });
  }

  it('nothing fails in any other way', () => {
    if (failure !== undefined && !/^I\d/.test(failure.message)) throw new Error(failure.report);
  });

  it('the histories did what they are to test', () => {
    // Of a campaign that was cut short by a failure nothing can be said.
    if (failure !== undefined) return;
    const expected = [
      'steps',
      'transfers',
      'incrementals',
      'crashes',
      'resumed',
      'refused',
      'restores',
      'deleted',
      'rebuilt',
    ];
    for (const what of expected) expect(totals[what], what).toBeGreaterThan(RUNS / 5);
  });
});
