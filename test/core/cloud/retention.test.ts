import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectId } from '../../../src/core/cloud/block-numbers.ts';
import type { SnapshotFacts } from '../../../src/core/cloud/format/history-entry.ts';
import { type EndpointState, NO_ENDPOINT } from '../../../src/core/cloud/history.ts';
import { planRetention } from '../../../src/core/cloud/retention.ts';

/** Oldest first: `d1` has the label `d`, `-1` has none, `d1!` is held; the last one is the base. */
function stateOf(names: readonly string[]): EndpointState {
  const snapshots = names.map((name, at): SnapshotFacts => {
    const label = name.startsWith('-') ? {} : { label: name.slice(0, 1) };
    const held = name.endsWith('!') ? { held: true as const } : {};
    return {
      id: (at + 1) as ObjectId,
      uuid: name,
      name,
      ...label,
      createdAt: at,
      base: at,
      manifestDigest: '',
      ...held,
    };
  });
  return { ...NO_ENDPOINT, snapshots, base: snapshots.at(-1) };
}

const told = (names: readonly string[], ...rules: readonly (readonly [string, number])[]) =>
  planRetention(
    stateOf(names),
    rules.map(([label, count]) => ({ label, count })),
    1000,
  ).map(({ name, keep, reason }) => `${name} ${keep ? 'stays' : 'goes'}: ${reason}`);

describe('the plan of retention', () => {
  it('says of each snapshot whether it stays, and why', () => {
    expect(told(['d1', 'w1', 'd2', 'x1', '-1', 'd3', 'w2', 'd4'], ['d', 2], ['w', 1])).toEqual([
      'd1 goes: beyond-count',
      'w1 goes: beyond-count',
      'd2 goes: beyond-count',
      'x1 stays: no-rule',
      '-1 stays: no-rule',
      'd3 stays: within-count',
      'w2 stays: within-count',
      'd4 stays: within-count',
    ]);
  });

  it('keeps the base, and what is held, whatever the rules say', () => {
    expect(told(['d1!', 'd2', 'd3'], ['d', 0])).toEqual(['d1! stays: held', 'd2 goes: beyond-count', 'd3 stays: base']);
  });

  it('gives what is held a place of its label: holding a snapshot does not make another one stay', () => {
    expect(told(['d1', 'd2!', 'd3'], ['d', 2])).toEqual([
      'd1 goes: beyond-count',
      'd2! stays: within-count',
      'd3 stays: within-count',
    ]);
  });

  it('of an endpoint without rules keeps everything', () => {
    expect(told(['d1', '-1'])).toEqual(['d1 stays: no-rule', '-1 stays: no-rule']);
  });

  it('leaves of each ruled label its newest, as many as the rule says, and what is held or the base; asked again it forgets nothing', () => {
    const name = fc.tuple(fc.constantFrom('d', 'w', '-'), fc.nat(99), fc.constantFrom('', '', '!'));
    const names = fc.array(
      name.map((parts) => parts.join('')),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(names, fc.nat(4), fc.nat(4), (all, d, w) => {
        const state = stateOf(all);
        const counts = new Map([
          ['d', d],
          ['w', w],
        ]);
        const rules = [...counts].map(([label, count]) => ({ label, count }));
        const decisions = planRetention(state, rules, 1000);
        for (const [at, { label, keep }] of decisions.entries()) {
          const newer = decisions.slice(at + 1).filter((other) => other.label === label).length;
          const surplus = label !== undefined && newer >= (counts.get(label) ?? Number.POSITIVE_INFINITY);
          const protectedOne = state.snapshots[at]?.held === true || at === all.length - 1;
          expect(keep).toBe(!surplus || protectedOne);
        }
        const left = state.snapshots.filter((_, at) => decisions[at]?.keep);
        const again = planRetention({ ...state, snapshots: left, base: left.at(-1) }, rules, 1000);
        expect(again.every(({ keep }) => keep)).toBe(true);
      }),
      { seed: 3 },
    );
  });
});
