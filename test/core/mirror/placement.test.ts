import fc from 'fast-check';
import { expect, it } from 'vitest';
import { flexgroupPlacement } from '../../../src/core/mirror/placement.ts';

it.each([
  [4, ['a', 'b'], ['a', 'b'], 2],
  [4, ['a', 'b', 'c'], ['a', 'b'], 2],
  [5, ['a', 'b'], ['a'], 5],
  [2, ['a', 'b', 'c'], ['a', 'b'], 1],
  [8, ['a', 'a'], ['a'], 8],
  [1, ['a', 'b'], ['a'], 1],
] as const)('%i constituents over %j', (constituents, mapped, aggregates, constituentsPerAggregate) => {
  expect(flexgroupPlacement(constituents, mapped)).toEqual({ aggregates, constituentsPerAggregate });
});

it('makes as many constituents as asked for, on mapped aggregates, each named once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.array(fc.constantFrom(...'abcdef'), { minLength: 1 }),
      (n, mapped) => {
        const { aggregates, constituentsPerAggregate } = flexgroupPlacement(n, mapped);
        expect(aggregates.length * constituentsPerAggregate).toBe(n);
        expect(new Set(aggregates).size).toBe(aggregates.length);
        expect(aggregates.every((name) => mapped.includes(name))).toBe(true);
      },
    ),
  );
});
