/** Random histories of a volume and its endpoint: what can happen, and how often. */
import fc from 'fast-check';

export type Step =
  | { do: 'write'; file: number; block: number; content: number; count: number }
  | { do: 'punch' | 'truncate'; file: number; block: number; count: number }
  | { do: 'clone' | 'rename'; file: number; other: number }
  | { do: 'delete' | 'attributes' | 'rollback'; file: number }
  | { do: 'dedupe' | 'snapshot' | 'collect' | 'other-writer' | 'rebuild' }
  | { do: 'backup'; baseline: boolean }
  /** The process dies before or after one of its changes of the store. */
  | { do: 'crash'; changes: number; when: 'before' | 'after'; next: 'resume' | 'collect, resume' | 'abandon' | 'leave' }
  | { do: 'drop-snapshot' | 'forget'; which: number; baseToo: boolean }
  | { do: 'restore'; which: number; common: number; file: number; from: number }
  /** A snapshot is forgotten, and a collection runs, while it is being restored. */
  | { do: 'forget-while-restoring'; which: number };

const file = fc.nat(3);
const block = fc.nat(13);
const few = fc.nat(15);
const seldom = fc.integer({ min: 0, max: 7 }).map((n) => n === 7);
const is = <const T extends string>(...names: readonly [T, ...T[]]) => fc.constantFrom(...names);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: is('write'), file, block, content: fc.nat(5), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: is('punch', 'truncate'), file, block, count: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: is('clone', 'rename'), file, other: file }) },
  { weight: 3, arbitrary: fc.record({ do: is('delete', 'attributes', 'rollback'), file }) },
  { weight: 5, arbitrary: fc.record({ do: is('dedupe', 'snapshot', 'collect', 'other-writer', 'rebuild') }) },
  { weight: 8, arbitrary: fc.record({ do: is('backup'), baseline: seldom }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: is('crash'),
      changes: fc.nat(14),
      when: is('before', 'after'),
      next: is('resume', 'collect, resume', 'abandon', 'leave'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: is('drop-snapshot', 'forget'), which: few, baseToo: seldom }) },
  { weight: 2, arbitrary: fc.record({ do: is('restore'), which: few, common: few, file, from: fc.nat(30_000) }) },
  { weight: 1, arbitrary: fc.record({ do: is('forget-while-restoring'), which: few }) },
);

export const history: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 4, maxLength: 24 });
