/**
 * The state machine against the simulated ONTAP, which shares no rule with it: what the table sends is accepted, and what
 * it refuses is refused there too, when sent raw. Where the table is stricter on purpose, the reason is listed.
 */
import { describe, expect, it } from 'vitest';
import {
  activityOf,
  decide,
  type MirrorCommand,
  mirroredState,
  type Situation,
} from '../../../src/core/mirror/table.ts';
import { MIRROR_EVENTS, type MirrorEvent, type PolicyKind } from '../../../src/core/mirror/vocabulary.ts';
import { MIB, Stage } from '../../scenarios/harness.ts';
import type { Answer } from '../../testing/raw-client.ts';

type Arrangement = (stage: Stage) => Promise<unknown>;

const POLICY: Readonly<Partial<Record<PolicyKind, string>>> = {
  async: 'MirrorAllSnapshots',
  sync: 'Sync',
  automated_failover: 'AutomatedFailOver',
};

const RELATIONSHIPS = '/snapmirror/relationships';
const ABSENT = '00000000-0000-4000-8000-000000000000';

/** Sends one command of the table as it would be sent, and gives the answers. */
async function send(stage: Stage, command: MirrorCommand, kind: PolicyKind): Promise<Answer[]> {
  const [record] = await stage.read(stage.west, `${RELATIONSHIPS}?fields=*`);
  const path = `${RELATIONSHIPS}/${record?.uuid ?? ABSENT}`;
  const patch = async (state: string) => [await stage.raw(stage.west, 'PATCH', path, { state })];
  switch (command) {
    case 'create-relationship': {
      const ends = { source: { path: 'svm1:vol1' }, destination: { path: 'svm1_dr:vol1' } };
      return [await stage.raw(stage.west, 'POST', RELATIONSHIPS, { ...ends, policy: { name: POLICY[kind] } })];
    }
    case 'start-replication':
      return patch(mirroredState(kind));
    case 'start-transfer':
      return [await stage.raw(stage.west, 'POST', `${path}/transfers`, {})];
    case 'pause':
      return patch('paused');
    case 'break':
      return patch('broken_off');
    case 'abort-transfers': {
      const running = await stage.read(stage.west, `${path}/transfers?state=transferring`);
      const each = [...running, {}]
        .slice(0, Math.max(1, running.length))
        .map(({ uuid }) => `${path}/transfers/${uuid ?? ABSENT}`);
      return Promise.all(each.map((transfer) => stage.raw(stage.west, 'PATCH', transfer, { state: 'aborted' })));
    }
    case 'delete-destination':
      return [await stage.raw(stage.west, 'DELETE', `${path}?destination_only=true`)];
    case 'release-source': {
      const [known] = await stage.read(stage.east, `${RELATIONSHIPS}?list_destinations_only=true`);
      return [await stage.raw(stage.east, 'DELETE', `${RELATIONSHIPS}/${known?.uuid ?? ABSENT}?source_only=true`)];
    }
    default:
      return command satisfies never;
  }
}

/** What somebody would send who wanted the event and had no table. */
const NATURAL: Readonly<Record<MirrorEvent, MirrorCommand>> = {
  create: 'create-relationship',
  initialize: 'start-replication',
  update: 'start-transfer',
  quiesce: 'pause',
  resume: 'start-replication',
  abort: 'abort-transfers',
  break: 'break',
  resync: 'start-replication',
  delete: 'delete-destination',
  release: 'release-source',
};

/** ONTAP takes these, for something else than what was asked; by event and state, while no transfer runs. */
const STRICTER: Readonly<Record<string, string>> = {
  'initialize paused': 'the request would resume the mirror',
  'initialize broken_off': 'the request would resync, and discard what was written to the destination',
  'update uninitialized': 'the request would transfer the baseline, for which nothing was checked',
  'resume uninitialized': 'the request would transfer the baseline',
  'resume broken_off': 'the request would resync, and discard what was written to the destination',
  'resync uninitialized': 'the request would transfer the baseline',
  'resync paused': 'the request would resume the mirror: nothing was to be rolled back',
};

/** The simulated ONTAP refuses these although the state allows them; by event and state. */
const REFUSED_THERE: Readonly<Record<string, string>> = {
  'quiesce out_of_sync': 'its source is dead, and a synchronous pause has to contact it (13303809)',
  'resync out_of_sync':
    'whether ONTAP takes the request for a resync here is neither documented nor recorded (13303832)',
};

const related = (policy: string) => async (stage: Stage) => {
  stage.west.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB, type: 'dp' });
  const ends = { source: { path: 'svm1:vol1' }, destination: { path: 'svm1_dr:vol1' } };
  await stage.raw(stage.west, 'POST', RELATIONSHIPS, { ...ends, policy: { name: policy } });
};
const changeState = async (stage: Stage, state: string) => {
  const { uuid } = await stage.record();
  await stage.raw(stage.west, 'PATCH', `${RELATIONSHIPS}/${uuid}`, { state });
};
const started = async (stage: Stage) => {
  const { uuid } = await stage.record();
  await stage.raw(stage.west, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
};
const abortedAs = async (stage: Stage, state: string) => {
  const { uuid, transfer } = await stage.record();
  await stage.raw(stage.west, 'PATCH', `${RELATIONSHIPS}/${uuid}/transfers/${transfer.uuid}`, { state });
};
const failing = async (stage: Stage) => {
  stage.west.addFault({ kind: 'transfer-fails', method: 'POST', path: '*/transfers' });
  stage.write(stage.source, 16);
  await started(stage);
  await stage.wait(20_000);
};
const then =
  (...steps: readonly Arrangement[]): Arrangement =>
  async (stage) => {
    for (const step of steps) await step(stage);
  };
const to =
  (state: string): Arrangement =>
  (stage) =>
    changeState(stage, state);
const ending =
  (state: string): Arrangement =>
  (stage) =>
    abortedAs(stage, state);
/** The source still knows it. */
const deleted: Arrangement = async (stage) => {
  await stage.raw(stage.west, 'DELETE', `${RELATIONSHIPS}/${(await stage.record()).uuid}?destination_only=true`);
};
const mirrored: Arrangement = (stage) => stage.mirrored();
const synchronous = then(related('Sync'), to('in_sync'), (stage) => stage.wait(20_000));
const failover = then(related('AutomatedFailOver'), to('in_sync'), (stage) => stage.wait(20_000));
const updating: Arrangement = (stage) => stage.transferring(true);
const sourceDies: Arrangement = async (stage) => stage.east.kill();
const resyncing = (stage: Stage) => {
  stage.west.addFault({ kind: 'transfer-stalls', method: 'PATCH' });
  stage.write(stage.source, 16);
  return changeState(stage, stage.copy.type === 'rw' ? 'snapmirrored' : 'in_sync');
};

/** How to come into each situation that the simulated ONTAP knows. */
const SITUATIONS: readonly (Situation & { readonly arrange: Arrangement })[] = [
  {
    state: 'absent',
    transfer: 'none',
    kind: 'async',
    arrange: then(mirrored, deleted),
  },
  { state: 'uninitialized', transfer: 'none', kind: 'async', arrange: related('MirrorAllSnapshots') },
  {
    state: 'uninitialized',
    transfer: 'transferring',
    kind: 'async',
    arrange: then(related('MirrorAllSnapshots'), started),
  },
  { state: 'uninitialized', transfer: 'failed', kind: 'async', arrange: then(related('MirrorAllSnapshots'), failing) },
  {
    state: 'uninitialized',
    transfer: 'aborted',
    kind: 'async',
    arrange: then(related('MirrorAllSnapshots'), started, ending('aborted')),
  },
  {
    state: 'uninitialized',
    transfer: 'hard_aborted',
    kind: 'async',
    arrange: then(related('MirrorAllSnapshots'), started, ending('hard_aborted')),
  },
  { state: 'snapmirrored', transfer: 'success', kind: 'async', arrange: mirrored },
  { state: 'snapmirrored', transfer: 'transferring', kind: 'async', arrange: updating },
  { state: 'snapmirrored', transfer: 'failed', kind: 'async', arrange: then(mirrored, failing) },
  { state: 'snapmirrored', transfer: 'aborted', kind: 'async', arrange: then(updating, ending('aborted')) },
  { state: 'snapmirrored', transfer: 'hard_aborted', kind: 'async', arrange: then(updating, ending('hard_aborted')) },
  { state: 'paused', transfer: 'success', kind: 'async', arrange: then(mirrored, to('paused')) },
  { state: 'paused', transfer: 'failed', kind: 'async', arrange: then(mirrored, failing, to('paused')) },
  { state: 'paused', transfer: 'aborted', kind: 'async', arrange: then(updating, ending('aborted'), to('paused')) },
  {
    state: 'paused',
    transfer: 'hard_aborted',
    kind: 'async',
    arrange: then(updating, ending('hard_aborted'), to('paused')),
  },
  { state: 'broken_off', transfer: 'success', kind: 'async', arrange: then(mirrored, to('broken_off')) },
  {
    state: 'broken_off',
    transfer: 'transferring',
    kind: 'async',
    arrange: then(mirrored, to('broken_off'), resyncing),
  },
  { state: 'broken_off', transfer: 'failed', kind: 'async', arrange: then(mirrored, failing, to('broken_off')) },
  {
    state: 'broken_off',
    transfer: 'aborted',
    kind: 'async',
    arrange: then(updating, ending('aborted'), to('broken_off')),
  },
  { state: 'uninitialized', transfer: 'none', kind: 'sync', arrange: related('Sync') },
  { state: 'uninitialized', transfer: 'transferring', kind: 'sync', arrange: then(related('Sync'), to('in_sync')) },
  { state: 'in_sync', transfer: 'success', kind: 'sync', arrange: synchronous },
  { state: 'out_of_sync', transfer: 'success', kind: 'sync', arrange: then(synchronous, sourceDies) },
  { state: 'paused', transfer: 'success', kind: 'sync', arrange: then(synchronous, to('paused')) },
  { state: 'broken_off', transfer: 'success', kind: 'sync', arrange: then(synchronous, to('broken_off')) },
  { state: 'uninitialized', transfer: 'none', kind: 'automated_failover', arrange: related('AutomatedFailOver') },
  { state: 'in_sync', transfer: 'success', kind: 'automated_failover', arrange: failover },
  { state: 'out_of_sync', transfer: 'success', kind: 'automated_failover', arrange: then(failover, sourceDies) },
];

/** `already` sends nothing, so there is nothing to agree on; a dead source answers no release. */
const CASES = SITUATIONS.flatMap(({ arrange, ...situation }) =>
  MIRROR_EVENTS.map((event) => ({ situation, event, arrange, outcome: decide(situation, event) }))
    .filter(({ outcome }) => outcome.kind !== 'already')
    .filter(({ event }) => event !== 'release' || situation.state !== 'out_of_sync'),
);

describe('the table and the simulated ONTAP agree on', () => {
  it.each(CASES)(
    '$event in $situation.state, $situation.transfer, $situation.kind',
    async ({ situation, event, arrange, outcome }) => {
      const { state, transfer, kind } = situation;
      await using stage = await Stage.open();
      await arrange(stage);
      const record = await stage.record();
      expect([record?.state ?? 'absent', record?.transfer?.state ?? 'none']).toEqual([state, transfer]);

      const commands = outcome.kind === 'act' ? outcome.commands : [NATURAL[event]];
      const answers: Answer[] = [];
      for (const command of commands) answers.push(...(await send(stage, command, kind)));
      const codes = answers.map(({ status, json }) => ({ status, code: json?.error?.code }));
      const refused = codes.some(({ status }) => status >= 400);
      const isStricter = activityOf(transfer) === 'idle' && STRICTER[`${event} ${state}`] !== undefined;
      const isLaxer = outcome.kind === 'act' && REFUSED_THERE[`${event} ${state}`] !== undefined;
      const what = JSON.stringify({ outcome, codes });
      expect(codes.length, what).toBeGreaterThan(0);
      expect(refused, what).toBe(isLaxer || (outcome.kind === 'refuse' && !isStricter));
    },
  );
});
