/**
 * Core: an endpoint's history as a state machine. Entries are numbered without gaps and each is put only if absent, so
 * all writers see one order. To act, a writer reads up to the last entry, asks here for the entry to put under the
 * next number, and on losing the number reads again and asks again. Nobody acts on an entry that is not in.
 *
 * - Object ids come from the range that a take-over owns; ranges never overlap, so ids are never used twice, and a
 *   writer that was taken over from cannot touch an object of its successor.
 * - A commit names the take-over of its writer; it is legal only while that is the latest one.
 * - Below `inFlightFrom` every id is settled: needed by a live snapshot, or by nobody ever again.
 */
import { CloudError, type CloudErrorCode } from '../../errors.ts';
import { MAX_OBJECT_ID, type ObjectId } from './block-numbers.ts';
import type {
  CollectEntry,
  CommitEntry,
  EndpointProperties,
  Exclusion,
  ForgetEntry,
  ForgetSequel,
  HistoryEntry,
  HoldEntry,
  LockEntry,
  RetentionEntry,
  RetentionRule,
  SnapshotFacts,
  TakeOverEntry,
} from './format/history-entry.ts';

/** Ids that a take-over owns unless it asks for more: 4 TiB of objects. */
export const OBJECT_IDS_PER_TAKE_OVER = 2 ** 20;

/** What the history says up to an entry. Plain data. */
export interface EndpointState {
  /** Number of the last entry; 0 before the first. */
  readonly lastNumber: number;
  /** Its digest, in hexadecimal. */
  readonly lastDigest: string;
  readonly properties: EndpointProperties | undefined;
  /** The latest take-over. */
  readonly owner: TakeOverEntry | undefined;
  /** Ids from here on may belong to a transfer in flight; those below are settled. */
  readonly inFlightFrom: ObjectId;
  /** Live snapshots, oldest first. */
  readonly snapshots: readonly SnapshotFacts[];
  /** What the next incremental transfer builds on: the newest snapshot, unless a baseline must come next. */
  readonly base: SnapshotFacts | undefined;
  /** No transfer will ever come again. */
  readonly ended: boolean;
  /** The latest collection. */
  readonly collection: CollectEntry | undefined;
  /** The rules of the endpoint; none where it has no policy. */
  readonly retention: readonly RetentionRule[];
}

export const NO_ENDPOINT: EndpointState = {
  lastNumber: 0,
  lastDigest: '',
  properties: undefined,
  owner: undefined,
  inFlightFrom: 1 as ObjectId,
  snapshots: [],
  base: undefined,
  ended: false,
  collection: undefined,
  retention: [],
};

/** A reason why something cannot be, as a value. `run/` makes a CloudError of it. */
export interface Refusal {
  readonly ok: false;
  readonly code: CloudErrorCode;
  readonly reason: string;
  readonly remedy: string;
}

export type Proposal<E extends HistoryEntry> = { readonly ok: true; readonly entry: E } | Refusal;

/** Builds the state from entries in order. @throws CloudError as `applyEntry` */
export function replay(entries: Iterable<{ readonly entry: HistoryEntry; readonly digest: string }>): EndpointState {
  let state = NO_ENDPOINT;
  for (const { entry, digest } of entries) state = applyEntry(state, entry, digest);
  return state;
}

/**
 * The state after one more entry.
 * @param digest the entry's own, in hexadecimal
 * @throws CloudError `CLOUD_CORRUPT` for an entry that cannot follow: no writer that keeps to the rules puts one
 */
export function applyEntry(state: EndpointState, entry: HistoryEntry, digest: string): EndpointState {
  const fault = chainFault(state, entry) ?? faultOf(state, entry);
  if (fault !== undefined) {
    throw new CloudError('CLOUD_CORRUPT', `history entry ${entry.number} (${entry.kind}) cannot be: ${fault.reason}`, {
      object: `history entry ${entry.number}`,
      remedy: 'Find out who wrote to the endpoint without following its history; run verify on every snapshot.',
    });
  }
  const advanced = { ...state, lastNumber: entry.number, lastDigest: digest };
  switch (entry.kind) {
    case 'take-over':
      return {
        ...advanced,
        properties: entry.properties ?? state.properties,
        owner: entry,
        inFlightFrom: entry.resumes ? state.inFlightFrom : entry.firstObjectId,
      };
    case 'commit':
      return {
        ...advanced,
        snapshots: [...state.snapshots, entry.snapshot],
        base: entry.snapshot,
        inFlightFrom: entry.nextObjectId,
      };
    case 'forget': {
      const gone = new Set<number>(entry.snapshotIds);
      const base = state.base !== undefined && gone.has(state.base.id) ? undefined : state.base;
      return {
        ...advanced,
        snapshots: state.snapshots.filter(({ id }) => !gone.has(id)),
        base: entry.sequel === 'continue' ? base : undefined,
        ended: state.ended || entry.sequel === 'end',
      };
    }
    case 'collect':
      return { ...advanced, collection: entry };
    case 'retention':
      return { ...advanced, retention: entry.rules };
    case 'hold':
      return marking(advanced, entry.snapshotIds, ({ held: _, ...free }) =>
        entry.held ? { ...free, held: true } : free,
      );
    case 'lock':
      return marking(advanced, entry.snapshotIds, (snapshot) => {
        return { ...snapshot, lockedUntil: Math.max(entry.until, snapshot.lockedUntil ?? 0) };
      });
  }
}

function marking(
  state: EndpointState,
  snapshotIds: readonly ObjectId[],
  mark: (snapshot: SnapshotFacts) => SnapshotFacts,
): EndpointState {
  const marked = (snapshot: SnapshotFacts) => (snapshotIds.includes(snapshot.id) ? mark(snapshot) : snapshot);
  return { ...state, snapshots: state.snapshots.map(marked), base: state.base && marked(state.base) };
}

export interface TakeOverRequest {
  readonly writer: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly exclusion: Exclusion;
  /** Go on with the transfer that the latest take-over left in flight. */
  readonly resumes?: TakeOverEntry | undefined;
  /** Needed to create the endpoint, refused afterwards. */
  readonly properties?: EndpointProperties | undefined;
  /** Default OBJECT_IDS_PER_TAKE_OVER. */
  readonly objectIds?: number | undefined;
}

/** The entry by which a writer takes the endpoint, and creates it if it is the first. */
export function proposeTakeOver(state: EndpointState, request: TakeOverRequest): Proposal<TakeOverEntry> {
  const { writer, at, exclusion, resumes, properties } = request;
  if (resumes !== undefined && state.owner?.number !== resumes.number) {
    return conflict(`${state.owner?.writer ?? 'nobody'} has taken over since, so the transfer cannot be gone on with`);
  }
  const firstObjectId = state.owner?.endObjectId ?? (1 as ObjectId);
  const entry: TakeOverEntry = {
    ...next(state, at),
    kind: 'take-over',
    writer,
    firstObjectId,
    endObjectId: (firstObjectId + (request.objectIds ?? OBJECT_IDS_PER_TAKE_OVER)) as ObjectId,
    resumes: resumes !== undefined,
    exclusion,
    ...(properties && { properties }),
  };
  return faultOf(state, entry) ?? { ok: true, entry };
}

/** The entry by which the snapshot of a transfer becomes part of the endpoint, and its newest. */
export function proposeCommit(
  state: EndpointState,
  owner: TakeOverEntry,
  snapshot: SnapshotFacts,
  nextObjectId: ObjectId,
  at: number,
): Proposal<CommitEntry> {
  const entry: CommitEntry = { ...next(state, at), kind: 'commit', takeOver: owner.number, snapshot, nextObjectId };
  return faultOf(state, entry) ?? { ok: true, entry };
}

/** The entry by which snapshots leave the endpoint. */
export function proposeForget(
  state: EndpointState,
  snapshotIds: readonly ObjectId[],
  sequel: ForgetSequel,
  at: number,
): Proposal<ForgetEntry> {
  const entry: ForgetEntry = { ...next(state, at), kind: 'forget', snapshotIds, sequel };
  return faultOf(state, entry) ?? { ok: true, entry };
}

/** The entry that declares dead what nobody needs; only once it is in may anything be deleted. */
export function proposeCollect(state: EndpointState, at: number): Proposal<CollectEntry> {
  const live = state.snapshots.map(({ id }) => id);
  const entry: CollectEntry = { ...next(state, at), kind: 'collect', floor: state.inFlightFrom, live };
  return faultOf(state, entry) ?? { ok: true, entry };
}

/** The entry that gives the endpoint its rules; none takes them away. */
export function proposeRetention(
  state: EndpointState,
  rules: readonly RetentionRule[],
  at: number,
): Proposal<RetentionEntry> {
  const entry: RetentionEntry = { ...next(state, at), kind: 'retention', rules };
  return faultOf(state, entry) ?? { ok: true, entry };
}

/** The entry after which snapshots cannot be forgotten, or can be again. */
export function proposeHold(
  state: EndpointState,
  snapshotIds: readonly ObjectId[],
  held: boolean,
  at: number,
): Proposal<HoldEntry> {
  const entry: HoldEntry = { ...next(state, at), kind: 'hold', snapshotIds, held };
  return faultOf(state, entry) ?? { ok: true, entry };
}

/** The entry that says that snapshots are locked; put when everything that they need is locked in the store. */
export function proposeLock(
  state: EndpointState,
  snapshotIds: readonly ObjectId[],
  until: number,
  at: number,
): Proposal<LockEntry> {
  const entry: LockEntry = { ...next(state, at), kind: 'lock', snapshotIds, until };
  return faultOf(state, entry) ?? { ok: true, entry };
}

/** A live snapshot by id, uuid or name. */
export function findSnapshot(state: EndpointState, wanted: string | number): SnapshotFacts | undefined {
  return state.snapshots.find(({ id, uuid, name }) => id === wanted || uuid === wanted || name === wanted);
}

/** The object ids of one writer, in order. */
export class ObjectIdRange {
  #next: number;
  readonly #end: number;

  /** @param next where to go on, when part of the range was used: the highest `nextObjectId` that was made durable */
  constructor(owner: TakeOverEntry, next: number = owner.firstObjectId) {
    this.#next = Math.max(owner.firstObjectId, next);
    this.#end = owner.endObjectId;
  }

  get next(): ObjectId {
    return this.#next as ObjectId;
  }

  get left(): number {
    return this.#end - this.#next;
  }

  /** @throws CloudError `CLOUD_IDS_EXHAUSTED` */
  take(): ObjectId {
    if (this.#next >= this.#end) {
      throw new CloudError('CLOUD_IDS_EXHAUSTED', 'all object ids of this take-over are used', {
        remedy: 'Take over once more, resuming the transfer: that gives a new range.',
      });
    }
    return this.#next++ as ObjectId;
  }
}

function next(state: EndpointState, at: number): { number: number; previous: string; at: number } {
  return { number: state.lastNumber + 1, previous: state.lastDigest, at };
}

function chainFault(state: EndpointState, entry: HistoryEntry): Refusal | undefined {
  if (entry.number !== state.lastNumber + 1) return conflict(`the entry before has the number ${state.lastNumber}`);
  if (entry.previous !== state.lastDigest) return conflict('it does not follow the entry before it');
  return undefined;
}

function faultOf(state: EndpointState, entry: HistoryEntry): Refusal | undefined {
  if (entry.kind !== 'take-over' && state.owner === undefined) {
    return refusal('CLOUD_ENDPOINT_UNKNOWN', 'there is no endpoint yet', 'Make a first backup.');
  }
  if (state.ended && (entry.kind === 'take-over' || entry.kind === 'commit')) {
    return refusal('CLOUD_ENDPOINT_ENDED', 'the endpoint was ended', 'Back up to an endpoint of another name.');
  }
  switch (entry.kind) {
    case 'take-over':
      return takeOverFault(state, entry);
    case 'commit':
      return commitFault(state, entry);
    case 'forget':
      return forgetFault(state, entry);
    case 'collect':
      return collectFault(state, entry);
    case 'retention':
      return retentionFault(entry);
    case 'hold':
    case 'lock':
      return unknownAmong(state, entry.snapshotIds);
  }
}

function takeOverFault(state: EndpointState, entry: TakeOverEntry): Refusal | undefined {
  if (state.owner === undefined && entry.properties === undefined) {
    return refusal('CLOUD_ENDPOINT_UNKNOWN', 'there is no endpoint here', 'Check the name, or make a first backup.');
  }
  if (state.owner !== undefined && entry.properties !== undefined) {
    return refusal('CLOUD_ENDPOINT_EXISTS', 'the endpoint exists', 'Open it, or choose another name.');
  }
  if (entry.firstObjectId < (state.owner?.endObjectId ?? 1) || entry.endObjectId <= entry.firstObjectId) {
    return conflict('its object ids belong to another take-over');
  }
  if (entry.endObjectId > MAX_OBJECT_ID) {
    return refusal('CLOUD_IDS_EXHAUSTED', 'the endpoint has no object ids left', 'Start a new endpoint.');
  }
  return undefined;
}

function commitFault(state: EndpointState, { takeOver, snapshot, nextObjectId }: CommitEntry): Refusal | undefined {
  const { owner } = state;
  if (owner === undefined || owner.number !== takeOver) {
    return conflict(`${owner?.writer ?? 'nobody'} took the endpoint over with entry ${owner?.number ?? 0}`);
  }
  if (snapshot.base !== 0 && snapshot.base !== state.base?.id) {
    return conflict('the transfer builds on a snapshot that is not the base of the endpoint any more');
  }
  if (nextObjectId < owner.firstObjectId || nextObjectId > owner.endObjectId || nextObjectId < state.inFlightFrom) {
    return conflict('its object ids are not those of its take-over');
  }
  if (snapshot.id < state.inFlightFrom || snapshot.id >= nextObjectId) {
    return conflict(`the snapshot id ${snapshot.id} is not one of this transfer`);
  }
  const twin = state.snapshots.find(({ uuid, name }) => uuid === snapshot.uuid || name === snapshot.name);
  if (twin === undefined) return undefined;
  return refusal('CLOUD_SNAPSHOT_EXISTS', `the endpoint has the snapshot ${twin.name}`, 'Forget it first, or rename.');
}

function forgetFault(state: EndpointState, { snapshotIds, sequel, at }: ForgetEntry): Refusal | undefined {
  const unknown = unknownAmong(state, snapshotIds);
  if (unknown !== undefined) return unknown;
  const held = state.snapshots.find((snapshot) => snapshot.held && snapshotIds.includes(snapshot.id));
  if (held !== undefined) {
    return refusal('CLOUD_SNAPSHOT_HELD', `${held.name} is held`, 'Let it go first, if nobody needs it any more.');
  }
  const locked = state.snapshots.find(({ id, lockedUntil = 0 }) => lockedUntil > at && snapshotIds.includes(id));
  if (locked !== undefined) {
    const until = new Date(locked.lockedUntil ?? 0).toISOString();
    return refusal('CLOUD_SNAPSHOT_LOCKED', `${locked.name} is locked until ${until}`, 'Wait until the lock ends.');
  }
  const base = state.base;
  if (base !== undefined && sequel === 'continue' && snapshotIds.includes(base.id)) {
    return refusal(
      'CLOUD_SNAPSHOT_IS_BASE',
      `${base.name} is the newest snapshot: the next transfer builds on it`,
      'Make a newer backup first, or say that the next transfer is to be a baseline, or end the endpoint.',
    );
  }
  return undefined;
}

function unknownAmong({ snapshots }: EndpointState, snapshotIds: readonly ObjectId[]): Refusal | undefined {
  const unknown = snapshotIds.find((id) => !snapshots.some((snapshot) => snapshot.id === id));
  if (unknown === undefined) return undefined;
  return refusal('CLOUD_SNAPSHOT_UNKNOWN', `the endpoint has no snapshot ${unknown}`, 'List the snapshots.');
}

function retentionFault({ rules }: RetentionEntry): Refusal | undefined {
  const labels = new Set(rules.map(({ label }) => label));
  const sound = rules.every(({ label, count }) => label !== '' && Number.isSafeInteger(count) && count >= 0);
  if (sound && labels.size === rules.length) return undefined;
  return refusal(
    'CLOUD_RETENTION_INVALID',
    'a rule has no label, or no whole number as its count, or two rules have one label',
    'Give each label one rule: label and count.',
  );
}

function collectFault(state: EndpointState, { floor, live }: CollectEntry): Refusal | undefined {
  const same = live.length === state.snapshots.length && state.snapshots.every(({ id }, at) => id === live[at]);
  if (floor === state.inFlightFrom && same) return undefined;
  return conflict('it does not spare what is live or in flight');
}

function conflict(reason: string): Refusal {
  return refusal(
    'CLOUD_CONFLICT',
    reason,
    'Read the history again; if another writer owns the endpoint, leave it to that one.',
  );
}

function refusal(code: CloudErrorCode, reason: string, remedy: string): Refusal {
  return { ok: false, code, reason, remedy };
}
