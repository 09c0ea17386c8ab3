/**
 * Core (layer 1): the SnapMirror state machine as one table. A row says what an event means in a set of situations: the
 * commands that bring the relationship to the event's goal, that the goal is reached or on its way already, or a refusal
 * with its reason. The table is total and its rows do not overlap (a test walks the whole grid), and docs/replication.md
 * prints it from here. It knows no ONTAP path and no waiting: `run/mirror` carries the commands out.
 */
import type { MirrorEvent, MirrorState, PolicyKind, TransferState } from './vocabulary.ts';
import { MIRROR_STATES, POLICY_KINDS, TRANSFER_STATES } from './vocabulary.ts';

/** What is known of a relationship at the moment of deciding. */
export interface Situation {
  readonly state: MirrorState;
  readonly transfer: TransferState;
  readonly kind: PolicyKind;
}

/** What `run/mirror` can do, one ONTAP request (or one per running transfer) each, in the order given. */
export const MIRROR_COMMANDS = [
  'create-relationship',
  'start-replication',
  'start-transfer',
  'pause',
  'abort-transfers',
  'break',
  'delete-destination',
  'release-source',
] as const;
/** One command of `MIRROR_COMMANDS`. */
export type MirrorCommand = (typeof MIRROR_COMMANDS)[number];

/** What an event means in a situation. */
export type Outcome =
  /** Carry out the commands, in order. */
  | { readonly kind: 'act'; readonly commands: readonly MirrorCommand[] }
  /** The goal is reached, or what leads to it is under way: nothing to send. */
  | { readonly kind: 'already'; readonly reason: string }
  /** Not from here. `transient`: the same event may be accepted later without anybody changing anything. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly remedy: string; readonly transient: boolean };

/** `active` = a transfer is queued or running. */
export type Activity = 'idle' | 'active';

/** One row of the table: an event, in these situations, has this outcome. */
export interface Row {
  readonly event: MirrorEvent;
  readonly states: readonly MirrorState[];
  readonly activity: Activity | 'any';
  readonly kinds: readonly PolicyKind[];
  readonly outcome: Outcome;
}

/** States in which data flows, or would flow, from source to destination: ONTAP's "mirrored" ones. */
const ASYNC_MIRRORED = ['snapmirrored'] as const;
const SYNC_MIRRORED = ['in_sync', 'out_of_sync', 'synchronizing'] as const;
const RESIZING = ['expanding', 'shrinking'] as const;

const PAUSABLE_KINDS = ['async', 'sync', 'continuous'] as const;
const SYNC_KINDS = ['sync', 'automated_failover'] as const;
const ASYNC_KINDS = ['async', 'continuous'] as const;

const act = (...commands: MirrorCommand[]): Outcome => ({ kind: 'act', commands });
const already = (reason: string): Outcome => ({ kind: 'already', reason });
const refuse = (reason: string, remedy: string): Outcome => ({ kind: 'refuse', reason, remedy, transient: false });
const later = (reason: string, remedy: string): Outcome => ({ kind: 'refuse', reason, remedy, transient: true });

const NO_RELATIONSHIP = refuse('there is no relationship', 'check the names, or create the relationship first');
const RESIZE_RUNNING = later(
  'ONTAP is changing the members of the relationship',
  'wait until it is neither expanding nor shrinking',
);
const NEVER_INITIALIZED = refuse('the destination has never received a baseline', 'initialize the relationship first');

function row(
  event: MirrorEvent,
  states: readonly MirrorState[],
  outcome: Outcome,
  where: { activity?: Activity; kinds?: readonly PolicyKind[] } = {},
): Row {
  return { event, states, activity: where.activity ?? 'any', kinds: where.kinds ?? POLICY_KINDS, outcome };
}

/** A resize state belongs to sync policies; every event but create waits for its end. */
const whileResizing = (event: MirrorEvent): Row => row(event, RESIZING, RESIZE_RUNNING, { kinds: SYNC_KINDS });

/** The state machine: for every possible situation and event exactly one row (docs/replication.md prints it). */
export const MIRROR_TABLE: readonly Row[] = [
  // create: bring a relationship into being; an existing one is adopted as it is.
  row('create', ['absent'], act('create-relationship')),
  row('create', ['uninitialized', 'paused', 'broken_off'], already('the relationship exists')),
  row('create', ASYNC_MIRRORED, already('the relationship exists'), { kinds: ASYNC_KINDS }),
  row('create', [...SYNC_MIRRORED, ...RESIZING], already('the relationship exists'), { kinds: SYNC_KINDS }),

  // initialize: transfer the baseline.
  row('initialize', ['absent'], NO_RELATIONSHIP),
  row('initialize', ['uninitialized'], act('start-replication'), { activity: 'idle' }),
  row('initialize', ['uninitialized'], already('the baseline transfer is under way'), { activity: 'active' }),
  row('initialize', ASYNC_MIRRORED, already('the baseline is there'), { kinds: ASYNC_KINDS }),
  row('initialize', SYNC_MIRRORED, already('the baseline is there'), { kinds: SYNC_KINDS }),
  row('initialize', ['paused'], refuse('the relationship is initialized and paused', 'resume it')),
  row('initialize', ['broken_off'], refuse('the relationship is initialized and broken off', 'resync it')),
  whileResizing('initialize'),

  // update: one incremental transfer now.
  row('update', ['absent'], NO_RELATIONSHIP),
  row('update', ['uninitialized'], NEVER_INITIALIZED, { activity: 'idle' }),
  row('update', ['uninitialized'], already('the baseline transfer is under way'), { activity: 'active' }),
  row('update', ASYNC_MIRRORED, act('start-transfer'), { activity: 'idle', kinds: ASYNC_KINDS }),
  row('update', ASYNC_MIRRORED, already('a transfer is under way'), { activity: 'active', kinds: ASYNC_KINDS }),
  row('update', ['in_sync', 'synchronizing'], already('a synchronous mirror replicates by itself'), {
    kinds: SYNC_KINDS,
  }),
  row(
    'update',
    ['out_of_sync'],
    later('the synchronous mirror is out of sync', 'wait for ONTAP to resynchronise it, or resync it'),
    { kinds: SYNC_KINDS },
  ),
  row('update', ['paused'], refuse('the relationship is paused', 'resume it first')),
  row('update', ['broken_off'], refuse('the relationship is broken off', 'resync it first'), { activity: 'idle' }),
  row('update', ['broken_off'], already('a resync is under way'), { activity: 'active' }),
  whileResizing('update'),

  // quiesce: let the running transfer end and start no other.
  row('quiesce', ['absent'], NO_RELATIONSHIP),
  row('quiesce', ['uninitialized'], NEVER_INITIALIZED, { activity: 'idle' }),
  row(
    'quiesce',
    ['uninitialized'],
    refuse('the baseline transfer is running and cannot be paused', 'wait for it, or abort it'),
    { activity: 'active' },
  ),
  row('quiesce', ASYNC_MIRRORED, act('pause'), { kinds: ASYNC_KINDS }),
  row('quiesce', SYNC_MIRRORED, act('pause'), { kinds: ['sync'] }),
  row(
    'quiesce',
    SYNC_MIRRORED,
    refuse('an automated-failover mirror cannot be paused', 'fail over instead, or change its policy'),
    { kinds: ['automated_failover'] },
  ),
  row('quiesce', ['paused'], already('the relationship is paused'), { activity: 'idle' }),
  row('quiesce', ['paused'], later('a transfer is still draining', 'wait for it, or abort it'), { activity: 'active' }),
  row('quiesce', ['broken_off'], already('a broken-off relationship transfers nothing'), { activity: 'idle' }),
  row('quiesce', ['broken_off'], later('a resync is running and cannot be paused', 'wait for it, or abort it'), {
    activity: 'active',
  }),
  whileResizing('quiesce'),

  // resume: undo a quiesce. Over REST the same request re-syncs a broken-off mirror, so it is never sent there.
  row('resume', ['absent'], NO_RELATIONSHIP),
  row('resume', ['uninitialized'], NEVER_INITIALIZED),
  row('resume', ['paused'], act('start-replication')),
  row('resume', ASYNC_MIRRORED, already('the relationship is not paused'), { kinds: ASYNC_KINDS }),
  row('resume', SYNC_MIRRORED, already('the relationship is not paused'), { kinds: SYNC_KINDS }),
  row(
    'resume',
    ['broken_off'],
    refuse(
      'the relationship is broken off: resuming would discard what was written to the destination',
      'resync it if that loss is wanted',
    ),
  ),
  whileResizing('resume'),

  // abort: end the running transfer.
  row('abort', ['absent'], NO_RELATIONSHIP),
  row('abort', ['uninitialized', 'paused', 'broken_off'], already('no transfer is running'), { activity: 'idle' }),
  row('abort', ['uninitialized', 'paused', 'broken_off'], act('abort-transfers'), {
    activity: 'active',
    kinds: ASYNC_KINDS,
  }),
  row('abort', ASYNC_MIRRORED, already('no transfer is running'), { activity: 'idle', kinds: ASYNC_KINDS }),
  row('abort', ASYNC_MIRRORED, act('abort-transfers'), { activity: 'active', kinds: ASYNC_KINDS }),
  row('abort', SYNC_MIRRORED, already('no transfer is running'), { activity: 'idle', kinds: SYNC_KINDS }),
  row(
    'abort',
    ['uninitialized', 'paused', 'broken_off', ...SYNC_MIRRORED],
    refuse('ONTAP cannot abort a transfer of a synchronous mirror', 'pause the relationship'),
    { activity: 'active', kinds: SYNC_KINDS },
  ),
  whileResizing('abort'),

  // break: make the destination writable. The last transfer's result (failed, aborted, none) does not matter.
  row('break', ['absent'], NO_RELATIONSHIP),
  row(
    'break',
    ['uninitialized'],
    refuse('the destination has never received a baseline: there is nothing to fail over to', 'initialize it first'),
  ),
  row('break', ASYNC_MIRRORED, act('break'), { activity: 'idle', kinds: ASYNC_KINDS }),
  row('break', ASYNC_MIRRORED, later('a transfer is running', 'quiesce the relationship, then abort the transfer'), {
    activity: 'active',
    kinds: ASYNC_KINDS,
  }),
  row('break', ['in_sync', 'out_of_sync'], act('break'), { kinds: ['sync'] }),
  row('break', ['synchronizing'], later('the mirror is synchronizing', 'wait for it, or quiesce it first'), {
    kinds: ['sync'],
  }),
  row('break', ['paused'], act('break'), { activity: 'idle', kinds: PAUSABLE_KINDS }),
  row('break', ['paused'], later('a transfer is still draining', 'abort the transfer'), {
    activity: 'active',
    kinds: PAUSABLE_KINDS,
  }),
  row(
    'break',
    ['paused', ...SYNC_MIRRORED],
    refuse('an automated-failover mirror cannot be broken off', 'fail over instead, or change its policy'),
    { kinds: ['automated_failover'] },
  ),
  row('break', ['broken_off'], already('the relationship is broken off'), { activity: 'idle' }),
  row('break', ['broken_off'], later('a resync is running', 'wait for it, or abort it'), { activity: 'active' }),
  whileResizing('break'),

  // resync: roll the destination back to the newest common snapshot and replicate again.
  row('resync', ['absent'], NO_RELATIONSHIP),
  row('resync', ['uninitialized'], NEVER_INITIALIZED),
  row('resync', ['broken_off'], act('start-replication'), { activity: 'idle' }),
  row('resync', ['broken_off'], already('a resync is under way'), { activity: 'active' }),
  row('resync', ASYNC_MIRRORED, already('the relationship is mirrored'), { kinds: ASYNC_KINDS }),
  row('resync', ['out_of_sync'], act('start-replication'), { kinds: SYNC_KINDS }),
  row('resync', ['in_sync', 'synchronizing'], already('the relationship is mirrored'), { kinds: SYNC_KINDS }),
  row('resync', ['paused'], refuse('the relationship is paused, not broken off', 'resume it: nothing is lost')),
  whileResizing('resync'),

  // delete: remove the destination's half. What stays at the source is released afterwards.
  row('delete', ['absent'], already('there is no relationship')),
  row('delete', ['uninitialized', 'paused', 'broken_off'], act('delete-destination'), { activity: 'idle' }),
  row('delete', ['uninitialized', 'paused', 'broken_off'], act('abort-transfers', 'delete-destination'), {
    activity: 'active',
    kinds: ASYNC_KINDS,
  }),
  row('delete', ASYNC_MIRRORED, act('delete-destination'), { activity: 'idle', kinds: ASYNC_KINDS }),
  row('delete', ASYNC_MIRRORED, act('abort-transfers', 'delete-destination'), {
    activity: 'active',
    kinds: ASYNC_KINDS,
  }),
  row('delete', SYNC_MIRRORED, act('delete-destination'), { activity: 'idle', kinds: SYNC_KINDS }),
  row(
    'delete',
    ['uninitialized', 'paused', 'broken_off', ...SYNC_MIRRORED],
    later('a transfer of a synchronous mirror is running, and ONTAP cannot abort it', 'wait for it, or pause'),
    { activity: 'active', kinds: SYNC_KINDS },
  ),
  whileResizing('delete'),

  // release: remove what the source keeps for a destination that is gone.
  row('release', ['absent'], act('release-source')),
  row(
    'release',
    ['uninitialized', 'paused', 'broken_off'],
    refuse('the destination still has the relationship', 'delete it there first'),
  ),
  row('release', ASYNC_MIRRORED, refuse('the destination still has the relationship', 'delete it there first'), {
    kinds: ASYNC_KINDS,
  }),
  row('release', SYNC_MIRRORED, refuse('the destination still has the relationship', 'delete it there first'), {
    kinds: SYNC_KINDS,
  }),
  whileResizing('release'),
];

/** State and policy that ONTAP never shows together; whoever reports them has to be asked again. */
export const IMPOSSIBLE: Outcome = {
  kind: 'refuse',
  reason: 'the reported state does not belong to the kind of policy',
  remedy: 'read the relationship again; if it stays so, report it',
  transient: true,
};

/** True for the pairs of state and policy that ONTAP can show. */
export function isPossible(state: MirrorState, kind: PolicyKind): boolean {
  const sync = kind === 'sync' || kind === 'automated_failover';
  if (state === 'snapmirrored') return !sync;
  if (SYNC_MIRRORED.some((s) => s === state) || RESIZING.some((s) => s === state)) return sync;
  return true;
}

/** Whether a transfer is queued or running. */
export function activityOf(transfer: TransferState): Activity {
  return transfer === 'queued' || transfer === 'transferring' ? 'active' : 'idle';
}

/** What `event` means in `situation`. Total: every combination has an answer. */
export function decide(situation: Situation, event: MirrorEvent): Outcome {
  if (!isPossible(situation.state, situation.kind)) return IMPOSSIBLE;
  const found = rowsFor(situation, event)[0];
  return found === undefined ? IMPOSSIBLE : found.outcome;
}

/** All rows that match; exactly one for every possible situation. */
export function rowsFor(situation: Situation, event: MirrorEvent): readonly Row[] {
  const activity = activityOf(situation.transfer);
  return MIRROR_TABLE.filter(
    (r) =>
      r.event === event &&
      r.states.includes(situation.state) &&
      (r.activity === 'any' || r.activity === activity) &&
      r.kinds.includes(situation.kind),
  );
}

/** Every situation there is, possible or not: states x transfer states x policy kinds. */
export function* allSituations(): Generator<Situation> {
  for (const state of MIRROR_STATES) {
    for (const transfer of TRANSFER_STATES) {
      for (const kind of POLICY_KINDS) yield { state, transfer, kind };
    }
  }
}

/** The state a working relationship of this kind settles in; also what ONTAP wants in the PATCH that starts it. */
export function mirroredState(kind: PolicyKind): 'snapmirrored' | 'in_sync' {
  return kind === 'sync' || kind === 'automated_failover' ? 'in_sync' : 'snapmirrored';
}
