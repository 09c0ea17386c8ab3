import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { Bitmap } from '../../../src/core/wafl/bitmap.ts';
import { PersistentTable } from '../../../src/core/wafl/persistent-table.ts';

interface Item {
  readonly value: number;
  holders: number;
}

const index = fc.oneof(fc.nat(40), fc.nat(40_000));

describe('a persistent table', () => {
  it('keeps every version as it was, finds the differences, and lets go of what no version holds', () => {
    const actions = fc.array(fc.record({ index, value: fc.nat(3), fork: fc.nat(5) }), { maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(actions, (history) => {
        const items: Item[] = [];
        const table = new PersistentTable<Item>({
          retain: (item) => void item.holders++,
          release: (item) => void item.holders--,
        });
        const reference = new Map<number, Item>();
        const versions: { table: PersistentTable<Item>; reference: Map<number, Item> }[] = [];
        let generation = 1;
        for (const { index, value, fork } of history) {
          if (fork === 0) {
            versions.push({ table: table.fork(), reference: new Map(reference) });
            generation++;
          }
          const item = value === 0 ? undefined : { value, holders: 0 };
          table.set(index, item, generation);
          if (item === undefined) reference.delete(index);
          else {
            reference.set(index, item);
            items.push(item);
          }
        }
        const sorted = (from: Map<number, Item>) => [...from].sort(([a], [b]) => a - b);
        for (const version of [...versions, { table, reference }]) {
          assert.deepEqual([...version.table.entries()], sorted(version.reference));
          assert.equal(version.table.size, version.reference.size);
          assert.equal(version.table.lastIndex(), Math.max(-1, ...version.reference.keys()));
          for (const from of [0, 7, 33]) {
            let free = from;
            while (version.reference.has(free)) free++;
            assert.equal(version.table.firstFree(from), free);
          }
          const found: [number, Item | undefined, Item | undefined][] = [];
          table.differencesFrom(version.table, (...difference) => found.push(difference));
          const expected = [...new Set([...version.reference.keys(), ...reference.keys()])]
            .sort((a, b) => a - b)
            .map((at) => [at, version.reference.get(at), reference.get(at)] as [number, Item?, Item?])
            .filter(([, before, after]) => before !== after);
          assert.deepEqual(found, expected);
        }
        for (const version of versions) version.table.dispose();
        const kept = new Set(reference.values());
        for (const item of items) assert.equal(item.holders > 0, kept.has(item));
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});

describe('a bitmap', () => {
  it('is a set of numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(300), fc.boolean())), fc.array(fc.nat(700)), (changes, others) => {
        const bitmap = new Bitmap();
        const set = new Set<number>();
        for (const [number, present] of changes) {
          if (present) assert.equal(bitmap.add(number), !set.has(number));
          else assert.equal(bitmap.delete(number), set.has(number));
          if (present) set.add(number);
          else set.delete(number);
        }
        const sorted = [...set].sort((a, b) => a - b);
        assert.deepEqual([...bitmap], sorted);
        assert.equal(bitmap.size, set.size);
        assert.deepEqual([...new Bitmap(bitmap.words.slice())], sorted);
        for (const from of [0, 1, 31, 32, 63, 299]) {
          let absent = from;
          while (set.has(absent)) absent++;
          assert.equal(bitmap.firstAbsent(from), absent);
        }
        const other = new Bitmap();
        for (const number of others) other.add(number);
        assert.equal(bitmap.sharedWith(other), [...new Set(others)].filter((number) => set.has(number)).length);
        other.addAll(bitmap);
        assert.equal(other.size, new Set([...others, ...set]).size);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
