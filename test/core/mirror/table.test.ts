import { describe, expect, it } from 'vitest';
import type { Outcome, Situation } from '../../../src/core/mirror/table.ts';
import {
  activityOf,
  allSituations,
  decide,
  IMPOSSIBLE,
  isPossible,
  MIRROR_TABLE,
  rowsFor,
} from '../../../src/core/mirror/table.ts';
import type { MirrorEvent, PolicyKind } from '../../../src/core/mirror/vocabulary.ts';
import { MIRROR_EVENTS, MIRROR_STATES, POLICY_KINDS, TRANSFER_STATES } from '../../../src/core/mirror/vocabulary.ts';

/**
 * The grid as ONTAP's documented behaviour has it, written by hand and independently of the table's rows.
 * Columns: async idle, async active | sync idle, sync active | automated failover idle, active.
 * c create  s start replication  u start transfer  p pause  x abort transfers  b break  d delete destination  r release source
 * = already there or under way   ! refused   ~ refused for now   . impossible
 */
const GRID: Record<MirrorEvent, Record<(typeof MIRROR_STATES)[number], string>> = {
  create: {
    absent: 'c c | c c | c c',
    uninitialized: '= = | = = | = =',
    snapmirrored: '= = | . . | . .',
    paused: '= = | = = | = =',
    broken_off: '= = | = = | = =',
    in_sync: '. . | = = | = =',
    out_of_sync: '. . | = = | = =',
    synchronizing: '. . | = = | = =',
    expanding: '. . | = = | = =',
    shrinking: '. . | = = | = =',
  },
  initialize: {
    absent: '! ! | ! ! | ! !',
    uninitialized: 's = | s = | s =',
    snapmirrored: '= = | . . | . .',
    paused: '! ! | ! ! | ! !',
    broken_off: '! ! | ! ! | ! !',
    in_sync: '. . | = = | = =',
    out_of_sync: '. . | = = | = =',
    synchronizing: '. . | = = | = =',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
  update: {
    absent: '! ! | ! ! | ! !',
    uninitialized: '! = | ! = | ! =',
    snapmirrored: 'u = | . . | . .',
    paused: '! ! | ! ! | ! !',
    broken_off: '! = | ! = | ! =',
    in_sync: '. . | = = | = =',
    out_of_sync: '. . | ~ ~ | ~ ~',
    synchronizing: '. . | = = | = =',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
  quiesce: {
    absent: '! ! | ! ! | ! !',
    uninitialized: '! ! | ! ! | ! !',
    snapmirrored: 'p p | . . | . .',
    paused: '= ~ | = ~ | = ~',
    broken_off: '= ~ | = ~ | = ~',
    in_sync: '. . | p p | ! !',
    out_of_sync: '. . | p p | ! !',
    synchronizing: '. . | p p | ! !',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
  resume: {
    absent: '! ! | ! ! | ! !',
    uninitialized: '! ! | ! ! | ! !',
    snapmirrored: '= = | . . | . .',
    paused: 's s | s s | s s',
    broken_off: '! ! | ! ! | ! !',
    in_sync: '. . | = = | = =',
    out_of_sync: '. . | = = | = =',
    synchronizing: '. . | = = | = =',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
  abort: {
    absent: '! ! | ! ! | ! !',
    uninitialized: '= x | = ! | = !',
    snapmirrored: '= x | . . | . .',
    paused: '= x | = ! | = !',
    broken_off: '= x | = ! | = !',
    in_sync: '. . | = ! | = !',
    out_of_sync: '. . | = ! | = !',
    synchronizing: '. . | = ! | = !',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
  break: {
    absent: '! ! | ! ! | ! !',
    uninitialized: '! ! | ! ! | ! !',
    snapmirrored: 'b ~ | . . | . .',
    paused: 'b ~ | b ~ | ! !',
    broken_off: '= ~ | = ~ | = ~',
    in_sync: '. . | b b | ! !',
    out_of_sync: '. . | b b | ! !',
    synchronizing: '. . | ~ ~ | ! !',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
  resync: {
    absent: '! ! | ! ! | ! !',
    uninitialized: '! ! | ! ! | ! !',
    snapmirrored: '= = | . . | . .',
    paused: '! ! | ! ! | ! !',
    broken_off: 's = | s = | s =',
    in_sync: '. . | = = | = =',
    out_of_sync: '. . | s s | s s',
    synchronizing: '. . | = = | = =',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
  delete: {
    absent: '= = | = = | = =',
    uninitialized: 'd xd | d ~ | d ~',
    snapmirrored: 'd xd | . . | . .',
    paused: 'd xd | d ~ | d ~',
    broken_off: 'd xd | d ~ | d ~',
    in_sync: '. . | d ~ | d ~',
    out_of_sync: '. . | d ~ | d ~',
    synchronizing: '. . | d ~ | d ~',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
  release: {
    absent: 'r r | r r | r r',
    uninitialized: '! ! | ! ! | ! !',
    snapmirrored: '! ! | . . | . .',
    paused: '! ! | ! ! | ! !',
    broken_off: '! ! | ! ! | ! !',
    in_sync: '. . | ! ! | ! !',
    out_of_sync: '. . | ! ! | ! !',
    synchronizing: '. . | ! ! | ! !',
    expanding: '. . | ~ ~ | ~ ~',
    shrinking: '. . | ~ ~ | ~ ~',
  },
};

const LETTERS: Record<string, string> = {
  'create-relationship': 'c',
  'start-replication': 's',
  'start-transfer': 'u',
  pause: 'p',
  'abort-transfers': 'x',
  break: 'b',
  'delete-destination': 'd',
  'release-source': 'r',
};

function letter(outcome: Outcome): string {
  if (outcome === IMPOSSIBLE) return '.';
  if (outcome.kind === 'act') return outcome.commands.map((c) => LETTERS[c]).join('');
  if (outcome.kind === 'already') return '=';
  return outcome.transient ? '~' : '!';
}

/** The hand-written letter for a situation; `continuous` behaves as `async` does. */
function expected({ state, transfer, kind }: Situation, event: MirrorEvent): string | undefined {
  const column = { async: 0, continuous: 0, sync: 1, automated_failover: 2 }[kind];
  const cells = GRID[event][state].split('|')[column]?.trim().split(' ') ?? [];
  return cells[activityOf(transfer) === 'idle' ? 0 : 1];
}

describe('the SnapMirror state machine', () => {
  for (const event of MIRROR_EVENTS) {
    it(`${event}: every situation of the grid has the outcome that ONTAP's behaviour calls for`, () => {
      const situations = [...allSituations()];
      expect(situations).toHaveLength(MIRROR_STATES.length * TRANSFER_STATES.length * POLICY_KINDS.length);
      const wrong = situations
        .map((at) => ({ at, is: letter(decide(at, event)), should: expected(at, event) }))
        .filter(({ is, should }) => is !== should);
      expect(wrong).toEqual([]);
    });
  }

  it('exactly one row speaks for each possible situation, and every row speaks for at least one', () => {
    const used = new Set();
    for (const situation of allSituations()) {
      if (!isPossible(situation.state, situation.kind)) continue;
      for (const event of MIRROR_EVENTS) {
        const rows = rowsFor(situation, event);
        expect(rows, `${event} in ${JSON.stringify(situation)}`).toHaveLength(1);
        used.add(rows[0]);
      }
    }
    expect(MIRROR_TABLE.filter((row) => !used.has(row))).toEqual([]);
  });

  it('defect 2: the result of the last transfer never stands in the way of a break', () => {
    for (const transfer of ['none', 'success', 'failed', 'aborted', 'hard_aborted'] as const) {
      expect(decide({ state: 'paused', transfer, kind: 'async' }, 'break')).toEqual({
        kind: 'act',
        commands: ['break'],
      });
    }
  });

  it('defect 4: nothing but resync ever starts replication onto a broken-off destination', () => {
    const kinds: readonly PolicyKind[] = POLICY_KINDS;
    for (const event of MIRROR_EVENTS.filter((e) => e !== 'resync')) {
      for (const transfer of TRANSFER_STATES) {
        for (const kind of kinds) {
          const outcome = decide({ state: 'broken_off', transfer, kind }, event);
          expect(outcome.kind === 'act' && outcome.commands.includes('start-replication')).toBe(false);
        }
      }
    }
  });

  it('every refusal gives a reason and a way out', () => {
    for (const situation of allSituations()) {
      for (const event of MIRROR_EVENTS) {
        const outcome = decide(situation, event);
        if (outcome.kind === 'refuse') {
          expect(outcome.reason.length).toBeGreaterThan(10);
          expect(outcome.remedy.length).toBeGreaterThan(5);
        }
      }
    }
  });
});
