import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentIndex, EMPTY_INDEX, type IndexShape } from '../../src/snapshot-source/content-index.ts';
import { PresenceFilter } from '../../src/snapshot-source/presence-filter.ts';
import { MemoryStateStore } from '../../src/state/memory.ts';
import type { StagedVersion } from '../../src/state/state.ts';
import { SeededRandom } from '../../src/testing/random.ts';

const LIMITS = { indexEntries: 64, indexPages: 3, filterBytes: 64 * 1024 };

async function staged(): Promise<StagedVersion> {
  const state = await new MemoryStateStore().open('6f1c1f5e-3a52-4b8b-9d5e-0b8f6d1f7a01');
  return await state.begin();
}

describe('the index of contents', () => {
  it('finds exactly what was added and not removed, whatever was merged, cut and opened again in between', async () => {
    const pair = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3 }));
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('add' as const), pairs: fc.array(pair, { maxLength: 60 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('remove' as const), pairs: fc.array(pair, { maxLength: 60 }) }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const, pairs: [] }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const version = await staged();
        const limits = { ...LIMITS, indexEntries: 3 };
        let index = new ContentIndex(version, EMPTY_INDEX, limits);
        const expected = new Set<string>();
        for (const { kind, pairs } of steps) {
          // Spread over all pages.
          const fingerprints = Float64Array.from(pairs, ([name]) => name * 2 ** 42 + name);
          const vvbns = Float64Array.from(pairs, ([name, number]) => 10 * name + number);
          if (kind === 'add') await index.add(fingerprints, vvbns);
          if (kind === 'remove') await index.remove(fingerprints, vvbns);
          for (const vvbn of vvbns) {
            if (kind === 'add') expected.add(`${vvbn}`);
            else expected.delete(`${vvbn}`);
          }
          if (kind === 'reopen') {
            await index.flush();
            index = new ContentIndex(version, index.shape, limits);
          }
        }
        const all = Float64Array.from({ length: 41 }, (_, name) => name * 2 ** 42 + name + Number(name === 0));
        const found = await index.find(all);
        expect(
          found
            .flatMap((vvbns) => vvbns ?? [])
            .map(String)
            .sort(),
        ).toEqual([...expected].sort());
      }),
      { numRuns: 60 },
    );
  });

  it('grows by runs, keeps its pages short, and forgets what was removed', async () => {
    const version = await staged();
    const index = new ContentIndex(version, EMPTY_INDEX, { ...LIMITS, indexEntries: 512 });
    const random = new SeededRandom(3);
    const count = 30_000;
    const fingerprints = Float64Array.from({ length: count }, () => fingerprintBy(random));
    const vvbns = Float64Array.from({ length: count }, (_, at) => 1 + at);
    for (let at = 0; at < count; at += 1000) {
      await index.add(fingerprints.slice(at, at + 1000), vvbns.slice(at, at + 1000));
    }
    await index.flush();
    expect(entriesOf(index.shape)).toBe(count);
    expect(index.shape.runs.length).toBeGreaterThan(1);
    for (let run = 0; run < index.shape.runs.length; run++) {
      for await (const page of version.pages(`catalogue.index-${run}`)) {
        const bytes = await version.read(`catalogue.index-${run}`, page);
        expect(bytes?.length ?? 0).toBeLessThan(12 * 4096);
      }
    }
    const found = await index.find(fingerprints.slice(7000, 7100));
    expect(found.map((vvbns) => vvbns?.[0])).toEqual(Array.from(vvbns.slice(7000, 7100)));

    for (let at = 0; at < count; at += 1000) {
      await index.remove(fingerprints.slice(at, at + 1000), vvbns.slice(at, at + 1000));
    }
    await index.flush();
    // Only what was not merged all the way down may be left.
    expect(entriesOf(index.shape)).toBeLessThan(count);
    expect((await index.find(fingerprints.slice(0, 2000))).every((vvbns) => vvbns === undefined)).toBe(true);
  });
});

describe('the filter before the index', () => {
  it('never misses what was added, and says maybe to few others', async () => {
    const version = await staged();
    const filter = new PresenceFilter(version, 4, 0, 64 * 1024);
    const random = new SeededRandom(5);
    const some = (count: number) => Float64Array.from({ length: count }, () => fingerprintBy(random));
    const added = some(50_000);
    await filter.load(added, {});
    for (const fingerprint of added) filter.add(fingerprint);
    expect(added.every((fingerprint) => filter.mayHave(fingerprint))).toBe(true);
    const others = some(20_000);
    const maybe = others.filter((fingerprint) => filter.mayHave(fingerprint)).length;
    expect(maybe / others.length).toBeLessThan(0.03);
  });

  it('is made anew, larger, as the index grows, up to its bound', async () => {
    const version = await staged();
    const index = new ContentIndex(version, EMPTY_INDEX, { ...LIMITS, indexEntries: 4096 });
    const random = new SeededRandom(9);
    const fingerprints = Float64Array.from({ length: 70_000 }, () => fingerprintBy(random));
    const pages = new Set<number>();
    for (let at = 0; at < fingerprints.length; at += 5000) {
      const some = fingerprints.slice(at, at + 5000);
      await index.add(
        some,
        some.map((_, place) => 1 + at + place),
      );
      pages.add(index.shape.filterPages);
    }
    expect([...pages]).toEqual([1, 4]);
    const found = await index.find(fingerprints.slice(0, 5000));
    expect(found.every((vvbns) => vvbns?.length === 1)).toBe(true);
  });
});

/** All 48 bits of it random, as those of a hash are. */
function fingerprintBy(random: SeededRandom): number {
  return 1 + Math.floor(random.next() * 2 ** 24) * 2 ** 24 + Math.floor(random.next() * (2 ** 24 - 1));
}

function entriesOf({ runs }: IndexShape): number {
  return runs.reduce((sum, { entries }) => sum + entries, 0);
}
