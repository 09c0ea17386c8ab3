/**
 * Run (layer 3): a backup from its beginning: which snapshot, on which base, fresh or gone on with, by whom. The phases
 * are in transfer.ts.
 *
 * What is written, in this order, and what a crash in between leaves:
 * 1. The take-over entry: the ids of this transfer are its own. Nothing else has happened.
 * 2. A checkpoint of the state that names the transfer; then objects, each followed by its journal entry. Whoever comes
 *    next for the same snapshot goes on from the checkpoint and the journal; for another one, both are dropped, and the
 *    objects are collected.
 * 3. L3 parts, object-id parts, manifest: nobody reads them yet.
 * 4. A checkpoint that says under which id the snapshot is about to be committed, with the whole VMAP.
 * 5. The commit entry: the snapshot is in the endpoint.
 * 6. The state's commit: the VMAP is that of the snapshot.
 * After a crash between 4 and 6 the history says which way it went: if the snapshot of the checkpoint is the base, the
 * state is committed before anything else is done; if not, the transfer is gone on with, or dropped.
 */
import type { SnapshotFacts, TakeOverEntry } from '../../core/cloud/format/history-entry.ts';
import type { EndpointState as HistoryState } from '../../core/cloud/history.ts';
import { CloudError } from '../../errors.ts';
import type { SnapshotSource, SourceFacts, SourceSnapshot } from '../../snapshot-source/snapshot-source.ts';
import type { StagedVersion, EndpointState as State, StateStore } from '../../state/state.ts';
import type { CloudContext } from './context.ts';
import { uuidOf } from './endpoint-place.ts';
import { NO_UPLOADS, runTransfer } from './transfer.ts';
import {
  decodeTransferNote,
  decodeVmapNote,
  encodeVmapNote,
  type NotedSnapshot,
  type TransferNote,
  type UploadTotals,
} from './transfer-note.ts';
import { checkWriter, propertiesOf, takeOver, type WriterIdentity } from './writer.ts';

/** What to back up, and how. */
export interface BackupRequest extends WriterIdentity {
  readonly source: SnapshotSource;
  readonly state: StateStore;
  /** Uuid or name of a snapshot of the source; default its newest. */
  readonly snapshot?: string | undefined;
  /** The label that policy rules select by; default that of the source's snapshot. */
  readonly label?: string | undefined;
  /** Send everything, and build on nothing. */
  readonly baseline?: boolean | undefined;
  /** Take the state's lock even from a holder that may be alive. */
  readonly breakLock?: boolean | undefined;
}

/** What a backup did. */
export interface BackupResult {
  /** `already-there`: the snapshot had been backed up before, and nothing was done. */
  readonly outcome: 'baseline' | 'incremental' | 'already-there';
  readonly snapshot: SnapshotFacts;
  /** An interrupted transfer was gone on with. */
  readonly resumed: boolean;
  /** Blocks found to be new in this run, by level. */
  readonly changedBlocks: readonly [l0: number, l1: number, l2: number];
  /** VVBNs that left the VMAP in phase 1. */
  readonly freedBlocks: number;
  readonly indirectBlocksRead: number;
  /** Objects put into the store, over all runs of the transfer. */
  readonly uploads: UploadTotals;
  readonly durationMs: number;
}

/**
 * Backs a snapshot up. Safe to repeat: what is in the endpoint is not sent again, and an interrupted transfer is gone on with.
 * @throws CloudError `CLOUD_BASE_GONE`, `CLOUD_STATE_LOST`, `CLOUD_CONFLICT`, `CLOUD_SOURCE_CHANGED`, `CLOUD_SNAPSHOT_UNKNOWN`,
 * `CLOUD_SNAPSHOT_EXISTS`, `CLOUD_ENDPOINT_ENDED`, `CLOUD_STORE_UNSAFE`; StateError; ObjectStoreError; InterruptedError
 */
export async function backUp(context: CloudContext, request: BackupRequest): Promise<BackupResult> {
  const { signal, history } = context;
  const startedAt = context.env.clock.now();
  const facts = await request.source.facts({ signal });
  const snapshot = await chooseSnapshot(request, signal);
  history.checkExclusion();
  await history.refresh({ signal });
  checkSource(context, facts);
  checkWriter(context, request);
  // A new endpoint begins with an entry of its own: the state needs to know what it belongs to.
  const isNew = history.state.owner === undefined;
  const properties = propertiesOf(facts, context.encryption);
  const created = isNew ? await takeOver(context, request, { properties }) : undefined;
  const state = await request.state.open(uuidOf(history.endpointId), { signal, breakLock: request.breakLock });
  try {
    let plan = await planTransfer(context, request, state, snapshot);
    if (plan.there !== undefined) return nothingDone(context, plan.there, startedAt);
    const owner = created ?? (await takeOver(context, request, { resumes: plan.resumes?.owner }));
    if ((history.state.base?.id ?? 0) !== plan.newest) {
      // Something was committed or forgotten just before the take-over. From here on only this writer can commit.
      if (plan.resumes !== undefined) await settleStaged(plan.resumes, history.state, { keep: false });
      plan = await planTransfer(context, request, state, snapshot);
      if (plan.there !== undefined) return nothingDone(context, plan.there, startedAt);
    }
    const { base, resumes } = plan;
    await using open = disposable(await request.source.open(snapshot.uuid, { signal }));
    const labelled = { ...snapshot, label: request.label ?? snapshot.label };
    const of = { facts, snapshot: labelled, open: open.value, base, writer: request.writer, owner };
    const done = await runTransfer(context, of, state, resumes);
    const outcome = base === undefined ? 'baseline' : 'incremental';
    return { outcome, resumed: resumes !== undefined, ...done, durationMs: context.env.clock.now() - startedAt };
  } finally {
    await state.close();
  }
}

async function chooseSnapshot(
  { source, snapshot: wanted }: BackupRequest,
  signal: AbortSignal,
): Promise<SourceSnapshot> {
  const snapshots = await source.snapshots({ signal });
  const found =
    wanted === undefined ? snapshots.at(-1) : snapshots.find(({ uuid, name }) => uuid === wanted || name === wanted);
  if (found !== undefined) return found;
  throw new CloudError(
    'CLOUD_SNAPSHOT_UNKNOWN',
    `the source has no snapshot${wanted === undefined ? '' : ` ${wanted}`}`,
    {
      snapshot: wanted,
      attempted: 'back up a snapshot',
      remedy: 'Make the snapshot on the source first.',
    },
  );
}

/**
 * The snapshot whose transfer was interrupted, for a source that makes its snapshots when it is asked to: one of the same
 * uuid goes on with the transfer. Completes a commit that was cut off.
 */
export async function interruptedSnapshot(
  context: CloudContext,
  request: Pick<BackupRequest, 'state' | 'breakLock'>,
): Promise<NotedSnapshot | undefined> {
  const { history, signal } = context;
  await history.refresh({ signal });
  const { owner } = history.state;
  if (owner === undefined) return undefined;
  const state = await request.state.open(uuidOf(history.endpointId), { signal, breakLock: request.breakLock });
  try {
    const left = await settle(context, state);
    return left !== undefined && isInFlight(left.note, history.state) ? left.note.snapshot : undefined;
  } finally {
    await state.close();
  }
}

/** An endpoint is one volume's, for good. */
function checkSource({ history, place }: CloudContext, facts: SourceFacts): void {
  const { properties } = history.state;
  if (properties === undefined) return;
  const { sourceKind, sourceId, pointersPerBlock } = properties;
  if (sourceKind === facts.kind && sourceId === facts.id && pointersPerBlock === facts.pointersPerBlock) return;
  throw new CloudError(
    'CLOUD_SOURCE_CHANGED',
    `${place.text} belongs to the ${sourceKind} ${sourceId}, and this is the ${facts.kind} ${facts.id}`,
    { object: place.name, remedy: 'Back this source up to an endpoint of its own.' },
  );
}

/** A transfer that was interrupted, as the state kept it. */
export interface InterruptedTransfer {
  readonly staged: StagedVersion;
  readonly note: TransferNote;
}

interface Plan {
  /** The snapshot, if it is in the endpoint already. */
  readonly there?: SnapshotFacts | undefined;
  readonly base?: SnapshotFacts | undefined;
  /** Id of the endpoint's base when this was planned, 0 for none. */
  readonly newest: number;
  readonly resumes?: (InterruptedTransfer & { readonly owner: TakeOverEntry }) | undefined;
}

/** Settles what an earlier run left, then says what this one has to do. */
async function planTransfer(
  context: CloudContext,
  request: BackupRequest,
  state: State,
  snapshot: SourceSnapshot,
): Promise<Plan> {
  const { history, signal } = context;
  const { base: newest, snapshots, owner } = history.state;
  checkNothingLost(context, state);
  const left = await settle(context, state);
  const there = snapshots.find(({ uuid }) => uuid === snapshot.uuid);
  if (there !== undefined) return { there, newest: newest?.id ?? 0 };
  if (snapshots.some(({ name }) => name === snapshot.name)) {
    throw new CloudError('CLOUD_SNAPSHOT_EXISTS', `${context.place.text} has another snapshot ${snapshot.name}`, {
      snapshot: snapshot.name,
      remedy: 'Forget that one first, or give this one another name.',
    });
  }
  const base = request.baseline ? undefined : newest;
  if (base !== undefined) {
    if (decodeVmapNote(state.committed.meta).snapshotId !== base.id) throw stateLost(context, base);
    const held = await request.source.snapshots({ signal });
    if (!held.some(({ uuid }) => uuid === base.uuid)) throw baseGone(base);
  }
  const planned = { base, newest: newest?.id ?? 0 };
  if (left === undefined) return planned;
  const { note } = left;
  const same = note.snapshot.uuid === snapshot.uuid && note.base === (base?.id ?? 0);
  if (same && owner !== undefined && isInFlight(note, history.state))
    return { ...planned, resumes: { ...left, owner } };
  await left.staged.discard();
  return planned;
}

/**
 * Nothing of it is settled. It is once somebody took over without going on with it, or once its snapshot was committed: that
 * may have been forgotten and collected before the state could follow, and then its objects are gone. Take-overs that go on
 * with it settle nothing, so a crash right after one does no harm.
 */
function isInFlight({ firstObjectId }: TransferNote, { inFlightFrom }: HistoryState): boolean {
  return inFlightFrom <= firstObjectId;
}

/**
 * The commit of a snapshot has two halves: who finds that the entry is in and the state behind completes it.
 * @returns the transfer that is staged, if its snapshot is not in the endpoint
 */
export async function settle(
  { history, signal }: Pick<CloudContext, 'history' | 'signal'>,
  state: State,
): Promise<InterruptedTransfer | undefined> {
  const staged = await state.resume({ signal });
  if (staged === undefined) return undefined;
  if (staged.checkpointMeta !== undefined) {
    return await settleStaged({ staged, note: decodeTransferNote(staged.checkpointMeta) }, history.state, {
      keep: true,
    });
  }
  await staged.discard();
  return undefined;
}

async function settleStaged(
  left: InterruptedTransfer,
  { base, lastNumber }: HistoryState,
  { keep }: { readonly keep: boolean },
): Promise<InterruptedTransfer | undefined> {
  const { staged, note } = left;
  const committed = note.committing !== 0 && base?.id === note.committing;
  const settled = { snapshotId: note.committing, lastEntry: lastNumber };
  if (committed) await staged.commit(encodeVmapNote(settled));
  else if (keep) return left;
  else await staged.discard();
  return undefined;
}

/** The end of a history can be cut off unnoticed, except by who has seen it. @throws CloudError `CLOUD_CORRUPT` */
function checkNothingLost({ history, place }: CloudContext, state: State): void {
  const { lastEntry } = decodeVmapNote(state.committed.meta);
  const { lastNumber } = history.state;
  if (lastNumber >= lastEntry) return;
  throw new CloudError(
    'CLOUD_CORRUPT',
    `the history of ${place.text} ends at entry ${lastNumber}, and had ${lastEntry}`,
    {
      object: place.name,
      remedy: 'Find out what removed history entries from the store, or whether it was set back to an earlier day.',
    },
  );
}

function baseGone({ name, uuid }: SnapshotFacts): CloudError {
  return new CloudError('CLOUD_BASE_GONE', `the source does not hold ${name}, which the next transfer builds on`, {
    snapshot: name,
    details: { uuid },
    attempted: 'back up a snapshot',
    remedy:
      'Make a new baseline, and keep the newest backed-up snapshot on the source until the next transfer is done.',
  });
}

function stateLost({ place }: CloudContext, { name }: SnapshotFacts): CloudError {
  return new CloudError('CLOUD_STATE_LOST', `the state beside the source is not that of ${name}, the newest snapshot`, {
    snapshot: name,
    object: place.name,
    attempted: 'back up a snapshot',
    remedy: 'Rebuild the VMAP from the object store, or make a new baseline.',
  });
}

function nothingDone({ env }: CloudContext, snapshot: SnapshotFacts, startedAt: number): BackupResult {
  return {
    outcome: 'already-there',
    snapshot,
    resumed: false,
    changedBlocks: [0, 0, 0],
    freedBlocks: 0,
    indirectBlocksRead: 0,
    uploads: NO_UPLOADS,
    durationMs: env.clock.now() - startedAt,
  };
}

function disposable<T extends { close(): Promise<void> }>(value: T): AsyncDisposable & { readonly value: T } {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
