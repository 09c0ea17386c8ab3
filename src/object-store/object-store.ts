/**
 * Port (layer 2): a flat store of whole, named byte strings. This comment is the contract, and
 * testing/object-store-contract.ts is the same contract as runnable data.
 *
 * Contract:
 * - Whole objects only. A `put` is visible wholly or not at all, to every reader, at any time; a reader that runs beside
 *   an overwrite gets the old object or the new one, never a mixture. A put that failed, was aborted, or whose process
 *   died leaves the key as it was, or wholly changed.
 * - Read after write: once `put` or `delete` has resolved, every later `get`, `head` and `list`, by anybody, sees it.
 * - What is resolved is durable where `capabilities.persistent`: it outlives the process and the machine's power.
 * - `put` with `ifAbsent` is atomic where `capabilities.conditionalPut`: of any number of puts of one absent key, from any
 *   number of processes, exactly one resolves and the others fail with `OBJECT_STORE_EXISTS` and change nothing.
 *   Elsewhere it fails with `OBJECT_STORE_UNSUPPORTED`, always: no store pretends.
 * - Keys are text of 1 to 1024 UTF-8 bytes, segments separated by `/`; see `checkKey`. Equal means equal code points: `a`
 *   and `A` are two keys, and nothing is normalized.
 * - Bytes that are handed in must not change until the call settles. Bytes that are handed out belong to the caller.
 * - Every method takes a signal. Once it is aborted the call rejects soon, with the signal's reason; the change it was
 *   making has happened wholly or not at all.
 * - Failures are ObjectStoreError, with `key` and a true `retryable`. Repeating any call that failed so is safe. A failed
 *   `ifAbsent` put may have taken effect all the same: its repetition then finds its own object (see `retrying`).
 */

import { ObjectStoreError } from '../errors.ts';

/** A place for whole objects by key; see the contract above. */
export interface ObjectStore extends ObjectReader, ObjectLister, ObjectWriter {
  readonly capabilities: ObjectStoreCapabilities;
  /** Keeps objects from being deleted until a date; absent where the store cannot. */
  readonly locks?: ObjectLocks | undefined;
  /** For messages: `memory`, a folder's path, `s3://bucket/prefix`. Without credentials. */
  readonly place: string;
}

/**
 * Locks by date. Until a lock ends, `delete` and `deleteMany` of the object fail with `OBJECT_STORE_LOCKED` and leave it as it
 * is, and its bytes are not lost by a put: that fails so too, or keeps them as an older version. A lock is never shortened.
 */
export interface ObjectLocks {
  /**
   * Locks the object that is there, at least until then; one that is locked for longer stays so.
   * @param until epoch milliseconds
   * @throws ObjectStoreError `OBJECT_STORE_NOT_FOUND`
   */
  lock(key: string, until: number, options?: ObjectStoreOptions): Promise<void>;

  /** Epoch milliseconds; `undefined` for an object that is not locked, or not any more, or not there. */
  lockedUntil(key: string, options?: ObjectStoreOptions): Promise<number | undefined>;
}

/** What a store can do, as data that callers read. */
export interface ObjectStoreCapabilities {
  /** `put` takes `ifAbsent`. */
  readonly conditionalPut: boolean;
  /** Objects outlive the instance: a second one over the same place sees them. */
  readonly persistent: boolean;
  /** It has `locks`. */
  readonly objectLock?: boolean | undefined;
  /** The longest key, in bytes of UTF-8, where it is less than MAX_KEY_BYTES: in a bucket, a prefix takes of the room. */
  readonly maxKeyBytes?: number | undefined;
}

/** Last argument of every method. */
export interface ObjectStoreOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The part of a store that reads. */
export interface ObjectReader {
  /**
   * The whole object, or a range of it.
   * @throws ObjectStoreError `OBJECT_STORE_NOT_FOUND`, `OBJECT_STORE_BAD_RANGE` when the range ends beyond the object
   */
  get(key: string, options?: GetOptions): Promise<Uint8Array>;

  /** @throws ObjectStoreError `OBJECT_STORE_NOT_FOUND` */
  head(key: string, options?: ObjectStoreOptions): Promise<ObjectInfo>;
}

/** The part of a store that lists. */
export interface ObjectLister {
  /**
   * Every object whose key starts with the prefix (any text; `''` = all), in the order of the keys' UTF-8 bytes. Objects
   * put or deleted meanwhile may be in it or not; all others are, once. Lazy: stops when the consumer stops.
   */
  list(prefix: string, options?: ObjectStoreOptions): AsyncIterable<ObjectInfo>;
}

/** The part of a store that changes it. */
export interface ObjectWriter {
  /**
   * Stores a whole object, in the place of any that has the key.
   * @throws ObjectStoreError `OBJECT_STORE_EXISTS` (only with `ifAbsent`), `OBJECT_STORE_CORRUPT` when the body is not what
   * `sha256` says, `OBJECT_STORE_NO_SPACE`
   */
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void>;

  /** Absent is fine. @throws ObjectStoreError `OBJECT_STORE_LOCKED` where the store has locks */
  delete(key: string, options?: ObjectStoreOptions): Promise<void>;

  /** As `delete`, for many keys. All are tried; then the first failure is thrown, all failed keys in `details.failed`. */
  deleteMany(keys: readonly string[], options?: ObjectStoreOptions): Promise<void>;

  /**
   * Removes what interrupted puts left behind: invisible to readers, it only takes space. Younger leftovers may belong to
   * puts still under way; a put that takes longer than `olderThanMs` may lose its own, and fails retryably.
   */
  sweep(options: SweepOptions): Promise<SweepResult>;
}

/** A whole body, or its parts in order. */
export type ObjectBody = Uint8Array | readonly Uint8Array[];

/** An object without its body. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
}

/** `length` bytes from `offset`; or the `last` bytes (the whole object if it is shorter). */
export type ByteRange = { readonly offset: number; readonly length: number } | { readonly last: number };

/** What part of an object to get. */
export interface GetOptions extends ObjectStoreOptions {
  readonly range?: ByteRange | undefined;
}

/** How to put an object. */
export interface PutOptions extends ObjectStoreOptions {
  /** Only if no object has this key. */
  readonly ifAbsent?: boolean | undefined;
  /** The body's SHA-256 (32 bytes), checked before the object becomes visible. */
  readonly sha256?: Uint8Array | undefined;
}

/** Which leftovers of interrupted puts to remove. */
export interface SweepOptions extends ObjectStoreOptions {
  readonly olderThanMs: number;
}

/** What a sweep removed. */
export interface SweepResult {
  readonly removed: number;
  readonly sizeBytes: number;
}

/** The longest key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024;

/**
 * Gives the key back if any store may hold it: 1 to 1024 UTF-8 bytes, well-formed, without control characters, its
 * segments neither empty nor `.` nor `..` (so it is never absolute and never climbs).
 * @throws ObjectStoreError `OBJECT_STORE_INVALID_KEY`
 */
export function checkKey(key: string, maxBytes = MAX_KEY_BYTES): string {
  const problem = keyProblem(key, maxBytes);
  if (problem !== undefined) {
    throw new ObjectStoreError('OBJECT_STORE_INVALID_KEY', `key ${JSON.stringify(key)} ${problem}`, { key });
  }
  return key;
}

function keyProblem(key: string, maxBytes: number): string | undefined {
  if (key === '') return 'is empty';
  if (/\p{Cs}/u.test(key)) return 'is not well-formed Unicode';
  if (/\p{Cc}/u.test(key)) return 'contains control characters';
  if (key.startsWith('/')) return 'is absolute';
  if (key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) {
    return 'has a segment that is empty, "." or ".."';
  }
  if (new TextEncoder().encode(key).length > maxBytes) return `is longer than ${maxBytes} bytes`;
  return undefined;
}

/** The order of `list`: that of the keys' UTF-8 bytes, which is that of their code points, not of JavaScript's `<`. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    // Surrogates (of code points above U+FFFF) sort after all other code units.
    return isSurrogate(left) === isSurrogate(right) ? left - right : isSurrogate(left) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/**
 * Where a range starts and how long it is in an object of this size.
 * @throws ObjectStoreError `OBJECT_STORE_BAD_RANGE`
 */
export function resolveRange(key: string, range: ByteRange | undefined, sizeBytes: number): ResolvedRange {
  if (range === undefined) return { offset: 0, length: sizeBytes };
  const numbers = 'last' in range ? [range.last] : [range.offset, range.length];
  const resolved =
    'last' in range
      ? { offset: Math.max(0, sizeBytes - range.last), length: Math.min(range.last, sizeBytes) }
      : { offset: range.offset, length: range.length };
  if (numbers.every((n) => Number.isSafeInteger(n) && n >= 0) && resolved.offset + resolved.length <= sizeBytes) {
    return resolved;
  }
  const message = `range ${JSON.stringify(range)} is not within ${key}, which has ${sizeBytes} bytes`;
  throw new ObjectStoreError('OBJECT_STORE_BAD_RANGE', message, { key, details: { range, sizeBytes } });
}

/** A range within an object of known size, in bytes. */
export interface ResolvedRange {
  readonly offset: number;
  readonly length: number;
}
