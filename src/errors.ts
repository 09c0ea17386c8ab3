/**
 * Layer 0. Every error this library throws: one family per area, a stable `code` inside the family, and what an
 * operator needs at 3 a.m. (what was attempted, on which cluster and object, what ONTAP said, whether a retry can help,
 * and what to do). Secrets are removed when an error is built, never when it is printed.
 */

/** Facts an error carries beside its code. Values of secret-looking keys are redacted at construction. */
export interface ErrorFacts {
  /** What was being attempted, as a phrase: `break the mirror`. */
  readonly attempted?: string | undefined;
  /** The cluster (its configured name or host) that the attempt was made on. */
  readonly cluster?: string | undefined;
  /** The object that it was made on: `svm1:vol1`, a job's uuid, a file and its section. */
  readonly object?: string | undefined;
  /** True when the same call can succeed later without anybody changing anything. */
  readonly retryable?: boolean | undefined;
  /** What the reader should do, in one sentence. The command line prints it under the message. */
  readonly remedy?: string | undefined;
  /** Further facts, plain data. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

const FAMILY = Symbol.for('ontap-data-motion.error-family');

/**
 * Root of all families. `instanceof` works across the ESM and CJS copies of this package: it looks at a brand, not at
 * the identity of the class.
 */
export class DataMotionError extends Error {
  static readonly family: string = 'DataMotionError';
  readonly code: string;
  readonly retryable: boolean;
  readonly attempted: string | undefined;
  readonly cluster: string | undefined;
  readonly object: string | undefined;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(redactText(message), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.family;
    this.code = code;
    this.retryable = facts.retryable ?? false;
    this.attempted = facts.attempted;
    this.cluster = facts.cluster;
    this.object = facts.object;
    this.remedy = facts.remedy;
    this.details = redact(facts.details ?? {}) as Readonly<Record<string, unknown>>;
  }

  /** The family names from the concrete class up to the root; the brand `instanceof` goes by. */
  get [FAMILY](): readonly string[] {
    const names: string[] = [];
    for (let at = this.constructor as typeof DataMotionError; at?.family; at = Object.getPrototypeOf(at)) {
      names.push(at.family);
    }
    return names;
  }

  /** By the family's name, so that errors of another copy of this package are recognised too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    const names = (value as { [FAMILY]?: unknown } | null | undefined)?.[FAMILY];
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class on the right of instanceof, also for subclasses
    return Array.isArray(names) && names.includes(this.family);
  }

  /** One JSON document per error, for `--json` and logs. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, retryable, attempted, cluster, object, remedy, details } = this;
    return { name, code, message, retryable, attempted, cluster, object, remedy, ...own(this), details };
  }
}

/** Fields that subclasses add, without those of the root. */
function own(error: DataMotionError): Record<string, unknown> {
  const shared = new Set(['name', 'message', 'stack', 'cause', 'details']);
  return Object.fromEntries(Object.entries(error).filter(([key]) => !shared.has(key)));
}

/** Configuration that cannot be used. `CONFIG_INVALID` carries every problem of the file at once in `problems`. */
export class ConfigError extends DataMotionError {
  static override readonly family: string = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(
    code: ConfigErrorCode,
    message: string,
    facts: ErrorFacts & { problems?: readonly ConfigProblem[] } = {},
  ) {
    super(code, message, facts);
    this.problems = facts.problems ?? [];
  }
}

/** Codes of ConfigError. `CONFIG_INVALID` and `CONFIG_UNREADABLE` are about a file, the others about a call that does not fit it. */
export const CONFIG_ERROR_CODES = [
  'CONFIG_INVALID',
  'CONFIG_UNREADABLE',
  'CONFIG_BACKEND_UNKNOWN',
  'CONFIG_TARGET_UNKNOWN',
  'CONFIG_TARGET_IS_SELF',
  'CONFIG_AGGREGATE_UNMAPPED',
  'CONFIG_SECRET_MISSING',
] as const;
/** One code of `CONFIG_ERROR_CODES`. */
export type ConfigErrorCode = (typeof CONFIG_ERROR_CODES)[number];

/** One problem of a configuration file, where it is and what would be right. */
export interface ConfigProblem {
  /** The section (cinder.conf) or the path of keys (native), `""` for the file as a whole. */
  readonly section: string;
  readonly option?: string | undefined;
  /** One-based line, when the text it came from is known. */
  readonly line?: number | undefined;
  readonly message: string;
  /** What would be right. */
  readonly expected?: string | undefined;
}

/** What an ONTAP cluster (or the way to it) answered. */
export class OntapError extends DataMotionError {
  static override readonly family: string = 'OntapError';
  /** HTTP status, absent when no answer came. */
  readonly status: number | undefined;
  /** ONTAP's own error code, always as a string. */
  readonly ontapCode: string | undefined;
  /** ONTAP's own message, word for word (secrets removed). */
  readonly ontapMessage: string | undefined;
  /** ONTAP's `error.target`: the field or argument that it complains about. */
  readonly ontapTarget: string | undefined;
  readonly method: string | undefined;
  /** Path and query of the request. */
  readonly path: string | undefined;

  constructor(code: OntapErrorCode, message: string, facts: OntapErrorFacts = {}) {
    super(code, message, { ...facts, retryable: facts.retryable ?? RETRYABLE_ONTAP_CODES.has(code) });
    this.status = facts.status;
    this.ontapCode = facts.ontapCode;
    this.ontapMessage = facts.ontapMessage === undefined ? undefined : redactText(facts.ontapMessage);
    this.ontapTarget = facts.ontapTarget;
    this.method = facts.method;
    this.path = facts.path === undefined ? undefined : redactText(facts.path);
  }
}

/** Facts of an OntapError beside its code: ONTAP's own code and message, and the request. */
export interface OntapErrorFacts extends ErrorFacts {
  readonly status?: number | undefined;
  readonly ontapCode?: string | undefined;
  readonly ontapMessage?: string | undefined;
  readonly ontapTarget?: string | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
}

/**
 * - `ONTAP_NOT_FOUND` the object is not there (code 4 and its relatives)
 * - `ONTAP_EXISTS` it is there already
 * - `ONTAP_BUSY` another operation is in the way, or the cluster asks to slow down (retryable)
 * - `ONTAP_TRANSFER_IN_PROGRESS` a transfer of the relationship is in the way (retryable)
 * - `ONTAP_DENIED` credentials are right but not allowed; `ONTAP_UNAUTHENTICATED` credentials are wrong
 * - `ONTAP_REJECTED` the request is refused as it stands: a retry cannot help
 * - `ONTAP_JOB_FAILED` an accepted job ended in failure with a code that has no row of its own
 * - `ONTAP_PEER_UNREACHABLE` the cluster could not contact its peer (262224; retryable)
 * - `ONTAP_UNREACHABLE` no answer, and the request surely had no effect or is safe to repeat (retryable)
 * - `ONTAP_OUTCOME_UNKNOWN` no answer to a change, and looking did not settle whether it happened
 * - `ONTAP_TLS` the certificate is not trusted or does not match
 * - `ONTAP_BAD_RESPONSE` an answer that is not what ONTAP's API promises
 * - `ONTAP_TOO_OLD` the release lacks what is needed
 * - `ONTAP_TIMEOUT` an awaited change did not come in the allowed time
 */
export const ONTAP_ERROR_CODES = [
  'ONTAP_NOT_FOUND',
  'ONTAP_EXISTS',
  'ONTAP_BUSY',
  'ONTAP_TRANSFER_IN_PROGRESS',
  'ONTAP_DENIED',
  'ONTAP_UNAUTHENTICATED',
  'ONTAP_REJECTED',
  'ONTAP_JOB_FAILED',
  'ONTAP_PEER_UNREACHABLE',
  'ONTAP_UNREACHABLE',
  'ONTAP_OUTCOME_UNKNOWN',
  'ONTAP_TLS',
  'ONTAP_BAD_RESPONSE',
  'ONTAP_TOO_OLD',
  'ONTAP_TIMEOUT',
] as const;
/** One code of `ONTAP_ERROR_CODES`. */
export type OntapErrorCode = (typeof ONTAP_ERROR_CODES)[number];

const RETRYABLE_ONTAP_CODES: ReadonlySet<string> = new Set<OntapErrorCode>([
  'ONTAP_BUSY',
  'ONTAP_TRANSFER_IN_PROGRESS',
  'ONTAP_PEER_UNREACHABLE',
  'ONTAP_UNREACHABLE',
]);

/** A relationship that cannot do what was asked, or did not get there. */
export class MirrorError extends DataMotionError {
  static override readonly family: string = 'MirrorError';
  /** `svm1:vol1 -> svm2:vol1`. */
  readonly pair: string | undefined;
  /** Relationship state when the error was built. */
  readonly state: string | undefined;
  /** The event (our verb) that was asked for. */
  readonly event: string | undefined;

  constructor(code: MirrorErrorCode, message: string, facts: MirrorErrorFacts = {}) {
    super(code, message, { object: facts.pair, ...facts });
    this.pair = facts.pair;
    this.state = facts.state;
    this.event = facts.event;
  }
}

/** Facts of a MirrorError beside its code: the pair, its state, the event. */
export interface MirrorErrorFacts extends ErrorFacts {
  readonly pair?: string | undefined;
  readonly state?: string | undefined;
  readonly event?: string | undefined;
}

/** Codes of MirrorError. Except for timeouts and failed transfers nothing was changed. */
export const MIRROR_ERROR_CODES = [
  'MIRROR_ILLEGAL_EVENT',
  'MIRROR_NOT_FOUND',
  'MIRROR_CONFLICT',
  'MIRROR_GEOMETRY_CHANGED',
  'MIRROR_QUIESCE_TIMEOUT',
  'MIRROR_UNHEALTHY',
  'MIRROR_TRANSFER_FAILED',
  'MIRROR_TIMEOUT',
  'MIRROR_SVMS_NOT_PEERED',
  'MIRROR_POLICY_UNKNOWN',
  'MIRROR_POLICY_UNSUPPORTED',
  'MIRROR_SCHEDULE_UNKNOWN',
  'MIRROR_VOLUME_NOT_FOUND',
  'MIRROR_VOLUME_WRONG_TYPE',
  'MIRROR_NO_COMMON_SNAPSHOT',
  'MIRROR_LOSS_NOT_ACCEPTED',
  'MIRROR_NOT_SUPPORTED',
] as const;
/** One code of `MIRROR_ERROR_CODES`. */
export type MirrorErrorCode = (typeof MIRROR_ERROR_CODES)[number];

/** A failover, failback or drill that cannot be planned, or must not go on. */
export class FailoverError extends DataMotionError {
  static override readonly family: string = 'FailoverError';
  /** The volume that it is about; absent when it is about the whole operation. */
  readonly volume: string | undefined;
  /** The operation's id, where there is one. */
  readonly operation: string | undefined;

  constructor(code: FailoverErrorCode, message: string, facts: FailoverErrorFacts = {}) {
    super(code, message, { object: facts.volume, ...facts });
    this.volume = facts.volume;
    this.operation = facts.operation;
  }
}

/** Facts of a FailoverError beside its code. */
export interface FailoverErrorFacts extends ErrorFacts {
  readonly volume?: string | undefined;
  readonly operation?: string | undefined;
}

/**
 * - `FAILOVER_NO_USABLE_TARGET` no target has a usable copy; `details.rejected` says why of each
 * - `FAILOVER_NOTHING_TO_DO` no volume of the selection can be failed over, back, or drilled
 * - `FAILOVER_PLAN_STALE` the facts changed since the plan was made; `details.changed` says which
 * - `FAILOVER_PLAN_INVALID` this is no plan, or one of another version
 * - `FAILOVER_NOT_ACKNOWLEDGED` losses that nobody accepted; `details.acknowledgements` lists them
 * - `FAILOVER_FENCED` another orchestrator took the volume over: this one stopped
 * - `FAILOVER_CONTESTED` both sides could be written to, and somebody has to choose
 * - `FAILOVER_NO_COPY` the target holds no usable copy of the volume
 * - `FAILOVER_REFUSED` ONTAP, asked beforehand, would refuse a step of the plan
 * - `FAILOVER_NO_COMMON_SNAPSHOT` only a new baseline can make the one side a copy of the other
 * - `FAILOVER_SIDE_SILENT` a side that is needed does not answer (retryable)
 * - `FAILOVER_WRITERS_NOT_STOPPED` the hook failed or took too long; everything goes on as before (retryable)
 * - `FAILOVER_WRITERS_NOT_STARTED` the hook failed or took too long after a switch: service is there, and nobody uses it (retryable)
 * - `FAILOVER_NOT_CAUGHT_UP` the remaining difference did not become small; everything goes on as before (retryable)
 * - `FAILOVER_LOCK_LOST` the caller's lock is not held any more
 * - `FAILOVER_VERIFICATION_FAILED` a drill's hook found fault with a clone
 */
export const FAILOVER_ERROR_CODES = [
  'FAILOVER_NO_USABLE_TARGET',
  'FAILOVER_NOTHING_TO_DO',
  'FAILOVER_PLAN_STALE',
  'FAILOVER_PLAN_INVALID',
  'FAILOVER_NOT_ACKNOWLEDGED',
  'FAILOVER_FENCED',
  'FAILOVER_CONTESTED',
  'FAILOVER_NO_COPY',
  'FAILOVER_REFUSED',
  'FAILOVER_NO_COMMON_SNAPSHOT',
  'FAILOVER_SIDE_SILENT',
  'FAILOVER_WRITERS_NOT_STOPPED',
  'FAILOVER_WRITERS_NOT_STARTED',
  'FAILOVER_NOT_CAUGHT_UP',
  'FAILOVER_LOCK_LOST',
  'FAILOVER_VERIFICATION_FAILED',
] as const;
/** One code of `FAILOVER_ERROR_CODES`. */
export type FailoverErrorCode = (typeof FAILOVER_ERROR_CODES)[number];

/** A transfer that cannot be planned or begun, or did not get there. The source is whole, whatever the code. */
export class TransferError extends DataMotionError {
  static override readonly family: string = 'TransferError';
  /** The way that was being taken, where one had been chosen. */
  readonly strategy: string | undefined;
  /** What is left of it in ONTAP or on this host, and what becomes of that at the next call; absent when nothing is. */
  readonly left: string | undefined;

  constructor(code: TransferErrorCode, message: string, facts: TransferErrorFacts = {}) {
    super(code, message, { ...facts, retryable: facts.retryable ?? code === 'TRANSFER_TIMEOUT' });
    this.strategy = facts.strategy;
    this.left = facts.left;
  }
}

/** Facts of a TransferError beside its code. */
export interface TransferErrorFacts extends ErrorFacts {
  readonly strategy?: string | undefined;
  readonly left?: string | undefined;
}

/**
 * - `TRANSFER_ENDPOINT_INVALID` an end that is neither `backend:volume[/path]` nor a path on this host
 * - `TRANSFER_SOURCE_NOT_FOUND`, `TRANSFER_PLACE_NOT_FOUND` no such object; no volume to put it into
 * - `TRANSFER_DESTINATION_EXISTS` something of that name is there, and it is not this transfer's
 * - `TRANSFER_NO_STRATEGY` nothing can do it; `details.strategies` says why not, of each
 * - `TRANSFER_COPY_FAILED` ONTAP ended a copy or a move by itself
 * - `TRANSFER_SOURCE_CHANGED` the source was written to meanwhile: a move does not delete it
 * - `TRANSFER_SOURCE_IN_USE` hosts may write to the source: a move that copies would lose what they write
 * - `TRANSFER_VERIFICATION_FAILED` the destination is not the source: it was not given its name
 * - `TRANSFER_CHECKSUM_IMPOSSIBLE` the bytes of such an object cannot be read from here
 * - `TRANSFER_HOST_FILE` a file or device of this host cannot be read or written
 * - `TRANSFER_TIMEOUT` it did not end in the allowed time (retryable)
 */
export const TRANSFER_ERROR_CODES = [
  'TRANSFER_ENDPOINT_INVALID',
  'TRANSFER_SOURCE_NOT_FOUND',
  'TRANSFER_PLACE_NOT_FOUND',
  'TRANSFER_DESTINATION_EXISTS',
  'TRANSFER_NO_STRATEGY',
  'TRANSFER_COPY_FAILED',
  'TRANSFER_SOURCE_CHANGED',
  'TRANSFER_SOURCE_IN_USE',
  'TRANSFER_VERIFICATION_FAILED',
  'TRANSFER_CHECKSUM_IMPOSSIBLE',
  'TRANSFER_HOST_FILE',
  'TRANSFER_TIMEOUT',
] as const;
/** One code of `TRANSFER_ERROR_CODES`. */
export type TransferErrorCode = (typeof TRANSFER_ERROR_CODES)[number];

/** What went wrong, in the words of a Cinder volume driver; the cause is the error of this library. */
export class CinderError extends DataMotionError {
  static override readonly family: string = 'CinderError';
  /** The class of `cinder.exception` that stands for it. */
  readonly exception: string;

  constructor(code: CinderErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, facts);
    this.exception = CINDER_EXCEPTIONS[code];
  }
}

/**
 * - `CINDER_INVALID_REPLICATION_TARGET` the backend has no such target, or none at all
 * - `CINDER_UNABLE_TO_FAIL_OVER` no volume was switched
 * - `CINDER_INVALID_VOLUME` a volume's host names no pool
 * - `CINDER_DRIVER_EXCEPTION` whatever else a driver reports
 */
export const CINDER_ERROR_CODES = [
  'CINDER_INVALID_REPLICATION_TARGET',
  'CINDER_UNABLE_TO_FAIL_OVER',
  'CINDER_INVALID_VOLUME',
  'CINDER_DRIVER_EXCEPTION',
] as const;
/** One code of `CINDER_ERROR_CODES`. */
export type CinderErrorCode = (typeof CINDER_ERROR_CODES)[number];

const CINDER_EXCEPTIONS: Readonly<Record<CinderErrorCode, string>> = {
  CINDER_INVALID_REPLICATION_TARGET: 'InvalidReplicationTarget',
  CINDER_UNABLE_TO_FAIL_OVER: 'UnableToFailOver',
  CINDER_INVALID_VOLUME: 'InvalidVolume',
  CINDER_DRIVER_EXCEPTION: 'NetAppDriverException',
};

/** The volume model (core/wafl) refuses an operation; the volume is as it was before. `object` is the path or snapshot. */
export class VolumeModelError extends DataMotionError {
  static override readonly family: string = 'VolumeModelError';

  constructor(code: VolumeModelErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, facts);
  }
}

/**
 * - `WAFL_NO_SPACE` the volume has not enough free blocks
 * - `WAFL_NOT_FOUND` no such file, inode or snapshot; `WAFL_EXISTS` there is one already
 * - `WAFL_NOT_DIRECTORY`, `WAFL_IS_DIRECTORY`, `WAFL_NOT_EMPTY` the inode is of the wrong kind, or still has entries
 * - `WAFL_FILE_TOO_LARGE` the size is beyond what the inode's block tree can reach
 * - `WAFL_NO_BASE` the volume does not hold the snapshot that a transfer builds on
 * - `WAFL_INVALID` an argument that no volume could accept
 * - `WAFL_CORRUPT` saved data or metafile blocks that do not follow their format
 */
export const VOLUME_MODEL_ERROR_CODES = [
  'WAFL_NO_SPACE',
  'WAFL_NOT_FOUND',
  'WAFL_EXISTS',
  'WAFL_NOT_DIRECTORY',
  'WAFL_IS_DIRECTORY',
  'WAFL_NOT_EMPTY',
  'WAFL_FILE_TOO_LARGE',
  'WAFL_NO_BASE',
  'WAFL_INVALID',
  'WAFL_CORRUPT',
] as const;
export type VolumeModelErrorCode = (typeof VOLUME_MODEL_ERROR_CODES)[number];

/** What an object store (or the way to it) answered. */
export class ObjectStoreError extends DataMotionError {
  static override readonly family: string = 'ObjectStoreError';
  /** The object's key, or the prefix of a listing; absent when the store as a whole is meant. */
  readonly key: string | undefined;

  constructor(code: ObjectStoreErrorCode, message: string, facts: ObjectStoreErrorFacts = {}) {
    super(code, message, {
      object: facts.key,
      ...facts,
      retryable: facts.retryable ?? code === 'OBJECT_STORE_UNAVAILABLE',
    });
    this.key = facts.key;
  }
}

export interface ObjectStoreErrorFacts extends ErrorFacts {
  readonly key?: string | undefined;
}

/**
 * - `OBJECT_STORE_NOT_FOUND` no object has this key; `OBJECT_STORE_EXISTS` one has, and the put was only for an absent one
 * - `OBJECT_STORE_BAD_RANGE` the range reaches beyond the object's end
 * - `OBJECT_STORE_DENIED` not allowed: permissions, a read-only place, wrong credentials
 * - `OBJECT_STORE_CORRUPT` bytes are not those their checksum or size speaks of
 * - `OBJECT_STORE_UNAVAILABLE` no answer, or not now; a change may have taken effect (retryable unless it says otherwise)
 * - `OBJECT_STORE_LOCKED` the object is locked until a date (`details.lockedUntil`, epoch milliseconds), and stays
 * - `OBJECT_STORE_NO_SPACE` the place is full, or over its quota
 * - `OBJECT_STORE_INVALID_KEY` no store would take this key
 * - `OBJECT_STORE_UNSUPPORTED` this store cannot do that, or this is no place for a store
 */
export const OBJECT_STORE_ERROR_CODES = [
  'OBJECT_STORE_NOT_FOUND',
  'OBJECT_STORE_EXISTS',
  'OBJECT_STORE_BAD_RANGE',
  'OBJECT_STORE_DENIED',
  'OBJECT_STORE_CORRUPT',
  'OBJECT_STORE_UNAVAILABLE',
  'OBJECT_STORE_LOCKED',
  'OBJECT_STORE_NO_SPACE',
  'OBJECT_STORE_INVALID_KEY',
  'OBJECT_STORE_UNSUPPORTED',
] as const;
export type ObjectStoreErrorCode = (typeof OBJECT_STORE_ERROR_CODES)[number];

/** The state kept beside a source (VMAP, catalogue, checkpoint, journals) cannot be used, or not now. */
export class StateError extends DataMotionError {
  static override readonly family: string = 'StateError';
  /** The file that it is about; absent where the state has no files. */
  readonly file: string | undefined;

  constructor(code: StateErrorCode, message: string, facts: StateErrorFacts = {}) {
    super(code, message, {
      object: facts.file,
      ...facts,
      retryable: facts.retryable ?? RETRYABLE_STATE_CODES.has(code),
    });
    this.file = facts.file;
  }
}

export interface StateErrorFacts extends ErrorFacts {
  readonly file?: string | undefined;
}

/**
 * - `STATE_LOCKED` another process holds the state, or may hold it (retryable)
 * - `STATE_LOCK_LOST` somebody took the state over from this process, which must stop
 * - `STATE_WRONG_OWNER` the state belongs to another endpoint
 * - `STATE_FORMAT_VERSION` it was written by a newer release
 * - `STATE_CORRUPT` a file is not what was written; nothing of it is used
 * - `STATE_NO_SPACE` the place is full; `STATE_DENIED` not allowed; `STATE_UNAVAILABLE` not now (retryable)
 * - `STATE_BUSY` a version is staged already
 * - `STATE_CLOSED` the state was closed, or the staged version ended, before this call
 * - `STATE_INVALID` a name, page number or size that no state takes
 */
export const STATE_ERROR_CODES = [
  'STATE_LOCKED',
  'STATE_LOCK_LOST',
  'STATE_WRONG_OWNER',
  'STATE_FORMAT_VERSION',
  'STATE_CORRUPT',
  'STATE_NO_SPACE',
  'STATE_DENIED',
  'STATE_UNAVAILABLE',
  'STATE_BUSY',
  'STATE_CLOSED',
  'STATE_INVALID',
] as const;
export type StateErrorCode = (typeof STATE_ERROR_CODES)[number];

const RETRYABLE_STATE_CODES: ReadonlySet<string> = new Set<StateErrorCode>(['STATE_LOCKED', 'STATE_UNAVAILABLE']);

/** SnapMirror Cloud: the endpoint, its objects or the source of a transfer are not as they must be. */
export class CloudError extends DataMotionError {
  static override readonly family: string = 'CloudError';
  /** The snapshot concerned: its name where it is known, otherwise its id in the endpoint. */
  readonly snapshot: string | undefined;
  /** The object in the store that is concerned. */
  readonly objectId: number | undefined;

  constructor(code: CloudErrorCode, message: string, facts: CloudErrorFacts = {}) {
    super(code, message, facts);
    this.snapshot = facts.snapshot;
    this.objectId = facts.objectId;
  }
}

export interface CloudErrorFacts extends ErrorFacts {
  readonly snapshot?: string | undefined;
  readonly objectId?: number | undefined;
}

/**
 * - `CLOUD_FORMAT_VERSION` stored bytes of a format version this release does not know
 * - `CLOUD_CORRUPT` stored bytes are damaged, cut, or not those that belong in this place
 * - `CLOUD_OBJECT_MISSING` a snapshot needs an object that the store does not have
 * - `CLOUD_BASE_GONE` the source no longer holds the base snapshot: only a new baseline can help
 * - `CLOUD_STATE_LOST` the state beside the source is not that of the newest snapshot: it has to be rebuilt
 * - `CLOUD_CONFLICT` another writer advanced or took over the endpoint
 * - `CLOUD_SNAPSHOT_UNKNOWN`, `CLOUD_SNAPSHOT_EXISTS` in the endpoint, by name, uuid or id
 * - `CLOUD_SNAPSHOT_IS_BASE` the newest snapshot is what the next transfer builds on
 * - `CLOUD_SNAPSHOT_HELD` somebody holds the snapshot: it is not forgotten until it is let go
 * - `CLOUD_SNAPSHOT_LOCKED` the snapshot is locked until a date: nobody can forget it before
 * - `CLOUD_RETENTION_INVALID` rules that no endpoint can have
 * - `CLOUD_ENDPOINT_UNKNOWN`, `CLOUD_ENDPOINT_EXISTS`, `CLOUD_ENDPOINT_ENDED` the place in the store
 * - `CLOUD_SOURCE_CHANGED` a block of the source changed under the transfer, or the source is another one
 * - `CLOUD_FILE_UNKNOWN` the snapshot has no such file
 * - `CLOUD_IDS_EXHAUSTED` the writer used up its range of object ids: it has to take over once more
 * - `CLOUD_STORE_UNSAFE` the store has no conditional put and the caller did not vouch for a single writer
 * - `CLOUD_KEY_WRONG` the endpoint is encrypted, and the key is missing or another one
 * - `CLOUD_SOURCE_UNREADABLE` a range of the source cannot be read
 * - `CLOUD_TARGET_UNUSABLE` what a restore writes to cannot be written, or another restore left it half-way
 * - `CLOUD_COMPUTE_FAILED` a compute thread ended, or the compute was closed
 */
export const CLOUD_ERROR_CODES = [
  'CLOUD_FORMAT_VERSION',
  'CLOUD_CORRUPT',
  'CLOUD_OBJECT_MISSING',
  'CLOUD_BASE_GONE',
  'CLOUD_STATE_LOST',
  'CLOUD_CONFLICT',
  'CLOUD_SNAPSHOT_UNKNOWN',
  'CLOUD_SNAPSHOT_EXISTS',
  'CLOUD_SNAPSHOT_IS_BASE',
  'CLOUD_SNAPSHOT_HELD',
  'CLOUD_SNAPSHOT_LOCKED',
  'CLOUD_RETENTION_INVALID',
  'CLOUD_ENDPOINT_UNKNOWN',
  'CLOUD_ENDPOINT_EXISTS',
  'CLOUD_ENDPOINT_ENDED',
  'CLOUD_SOURCE_CHANGED',
  'CLOUD_FILE_UNKNOWN',
  'CLOUD_IDS_EXHAUSTED',
  'CLOUD_STORE_UNSAFE',
  'CLOUD_KEY_WRONG',
  'CLOUD_SOURCE_UNREADABLE',
  'CLOUD_TARGET_UNUSABLE',
  'CLOUD_COMPUTE_FAILED',
] as const;
export type CloudErrorCode = (typeof CLOUD_ERROR_CODES)[number];

/**
 * The caller ended the call: its signal fired (`ABORTED`), its deadline passed (`DEADLINE_EXCEEDED`), or what it called was closed
 * before (`CLOSED`).
 */
export class InterruptedError extends DataMotionError {
  static override readonly family: string = 'InterruptedError';

  constructor(code: 'ABORTED' | 'DEADLINE_EXCEEDED' | 'CLOSED', message: string, facts: ErrorFacts = {}) {
    super(code, message, { ...facts, retryable: facts.retryable ?? true });
  }
}

/** A broken promise inside this library: please report it. */
export class InternalError extends DataMotionError {
  static override readonly family: string = 'InternalError';

  constructor(message: string, facts: ErrorFacts = {}) {
    super('INTERNAL', message, facts);
  }
}

const SECRET_KEY = /pass(word|phrase|wd)?$|secret|authorization|^auth$|token$|private_?key|credential|cookie/i;
const REDACTED = '[redacted]';

/** A deep copy of plain data without the values of secret-looking keys, safe to log. Cycles are cut. */
export function redact(value: unknown, seen: ReadonlySet<object> = new Set()): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (seen.has(value)) return '[circular]';
  const within = new Set(seen).add(value);
  if (Array.isArray(value)) return value.map((item) => redact(item, within));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      SECRET_KEY.test(key) && item !== undefined && item !== null ? REDACTED : redact(item, within),
    ]),
  );
}

/** Text without credentials in URLs, authorization headers or `password=...` pairs. */
export function redactText(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s:@]+:[^/\s@]+@/gi, `$1${REDACTED}@`)
    .replace(/\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~-]{4,}/g, `$1 ${REDACTED}`)
    .replace(/((?:password|passwd|passphrase|secret|token)["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi, `$1${REDACTED}`);
}
