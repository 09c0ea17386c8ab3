/**
 * Port (layer 2): what SnapMirror Cloud keeps beside a source for one endpoint: pages of the VMAP and of the catalogue,
 * small documents, journals. It can be rebuilt from the object store and the source, at a price; what it must never do is
 * give back anything else than what was written. testing/state-contract.ts is this contract as runnable data.
 *
 * Contract:
 * - One endpoint, one holder. `open` takes an exclusive lock that ends with `close` or with the holder's process, and
 *   refuses a state that belongs to another endpoint.
 * - Pages are byte strings under a table (`vmap`, `catalogue`, ...) and a number. They change by versions: a staged version
 *   starts as the committed one and is written page by page (only changed pages take space and time); `commit` makes
 *   all tables pass to it in one atomic, durable step; `discard`, `close` or a crash leave the committed version untouched.
 * - `checkpoint` makes the staged version durable without committing it: after `close` or a crash `resume` gives it back
 *   exactly as at its last checkpoint. So a long transfer is resumed, and the commit of a snapshot in the object store is
 *   joined with that of the state: checkpoint with what is about to be committed in `meta`, commit there, commit here; who
 *   finds the checkpoint later asks the object store which way it went.
 * - A document is written whole, atomically and durably. A journal is appended to and durable after `sync`; see Journal.
 * - Everything read back is verified. What is not what was written is `STATE_CORRUPT`, naming the file: never other bytes.
 * - Once a write of a staged version or a journal failed, that version or journal refuses further use: after a failed sync
 *   nobody can know what the disk holds. The committed version stays readable.
 * - Calls may overlap, save two writes of one page: their order is the caller's business. Memory is bounded: it does not
 *   grow with pages read or written. Bytes handed in must not change until the call settles; bytes handed out are the caller's.
 * - A signal that is aborted makes the call reject with its reason; what a staged version holds of it is then undefined
 *   (discard it, or resume from its checkpoint), and a `commit` has happened wholly or not at all.
 */

import { StateError } from '../errors.ts';

/** Where one endpoint's state is kept. */
export interface StateStore {
  /**
   * Opens the endpoint's state, or makes it where there is none, and locks it.
   * @param endpoint the endpoint's uuid
   * @throws StateError `STATE_LOCKED`, `STATE_WRONG_OWNER`, `STATE_FORMAT_VERSION`, `STATE_CORRUPT`, `STATE_DENIED`
   */
  open(endpoint: string, options?: OpenStateOptions): Promise<EndpointState>;
}

export interface StateOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface OpenStateOptions extends StateOptions {
  /**
   * Takes the lock even from a holder that may be alive: for an operator who knows that it is not. One that is alive after
   * all cannot commit any more, but the pages that it still writes may damage what the new holder writes: that is found
   * when it is read (`STATE_CORRUPT`), and the state has to be rebuilt.
   */
  readonly breakLock?: boolean | undefined;
}

/** The state of one endpoint, held by this process. Reads are of the committed version. */
export interface EndpointState extends PageReader {
  readonly endpoint: string;
  /** Number 0, without meta, until the first commit. */
  readonly committed: CommittedVersion;

  /**
   * Stages a new version on top of the committed one. A checkpoint that was there is dropped.
   * @throws StateError `STATE_BUSY` while another is staged
   */
  begin(options?: StateOptions): Promise<StagedVersion>;

  /**
   * The version staged before, as at its last checkpoint; `undefined` when there is none.
   * @throws StateError `STATE_BUSY` while another is staged
   */
  resume(options?: StateOptions): Promise<StagedVersion | undefined>;

  /** A small named document beside the versions; undefined when it was never written. */
  readDocument(name: string, options?: StateOptions): Promise<Uint8Array | undefined>;
  /** Replaces a document, all or nothing, and durably once this resolves. */
  writeDocument(name: string, content: Uint8Array, options?: StateOptions): Promise<void>;
  /** Absent is fine. */
  removeDocument(name: string, options?: StateOptions): Promise<void>;
  /** Names, sorted. */
  listDocuments(options?: StateOptions): Promise<readonly string[]>;

  /** Opens a journal for reading and appending, empty where there is none. One opening at a time. */
  openJournal(name: string, options?: StateOptions): Promise<Journal>;

  /** Lets go of the lock. A staged version is left as at its last checkpoint. Safe to repeat. */
  close(): Promise<void>;
}

export interface PageReader {
  /** The page, `undefined` if there is none. */
  read(table: string, page: number, options?: StateOptions): Promise<Uint8Array | undefined>;
  /** Numbers of the table's pages, ascending, from `from` (default 0) on. */
  pages(table: string, options?: PagesOptions): AsyncIterable<number>;
}

export interface PagesOptions extends StateOptions {
  readonly from?: number | undefined;
}

export interface CommittedVersion {
  readonly number: number;
  /** What its commit was given. */
  readonly meta: Uint8Array;
}

/** A version in the making. Reads see its own writes. Ends with `commit`, `discard`, or the state's `close`. */
export interface StagedVersion extends PageReader {
  /** The number that its commit will give. */
  readonly number: number;
  /** What its last checkpoint was given; `undefined` before the first. */
  readonly checkpointMeta: Uint8Array | undefined;

  write(table: string, page: number, content: Uint8Array, options?: StateOptions): Promise<void>;
  /** Absent is fine. */
  remove(table: string, page: number, options?: StateOptions): Promise<void>;
  /** Removes all pages of a table, without visiting them. */
  clear(table: string, options?: StateOptions): Promise<void>;

  /** Makes the version durable as it stands, to be found by `resume`. Not beside other calls on this version. */
  checkpoint(meta: Uint8Array, options?: StateOptions): Promise<void>;
  /**
   * Makes it the committed version, durably. Not beside other calls on this version.
   * @throws StateError `STATE_LOCK_LOST` when the lock was broken meanwhile; nothing is committed then
   */
  commit(meta: Uint8Array, options?: StateOptions): Promise<CommittedVersion>;
  /** Forgets it, and its checkpoint. Safe to repeat. */
  discard(): Promise<void>;
}

/**
 * Records in order. A record is durable once a `sync` that began after its `append` has resolved. After a crash the
 * journal ends at some record between the last synced one and the last appended one; a torn record is not given back.
 * A synced record that cannot be read is `STATE_CORRUPT`, never a silent end. (A journal whose file was cut short at its
 * end cannot be told from one that was torn there.)
 */
export interface Journal {
  /** All records, oldest first, as of the call. */
  records(options?: StateOptions): AsyncIterable<Uint8Array>;
  append(records: readonly Uint8Array[], options?: StateOptions): Promise<void>;
  sync(options?: StateOptions): Promise<void>;
  /** Removes all records, durably. */
  reset(options?: StateOptions): Promise<void>;
  /** Without a sync. Safe to repeat. */
  close(): Promise<void>;
}

/** Pages of 16 to 64 KiB serve best. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024;
export const MAX_PAGE_NUMBER = 2 ** 40 - 1;
export const MAX_JOURNAL_RECORD_BYTES = 16 * 1024 * 1024;

/**
 * Gives the name of a table, document or journal back if every state takes it: 1 to 100 of `a-z`, `0-9`, `-`, `_` and `.`,
 * the first a letter or digit.
 * @throws StateError `STATE_INVALID`
 */
export function checkStateName(name: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name)) return name;
  throw new StateError('STATE_INVALID', `${JSON.stringify(name)} is no name of a table, document or journal`);
}

/** @throws StateError `STATE_INVALID` */
export function checkPageNumber(page: number): number {
  if (Number.isSafeInteger(page) && page >= 0 && page <= MAX_PAGE_NUMBER) return page;
  throw new StateError('STATE_INVALID', `${page} is no page number`);
}

/** @throws StateError `STATE_INVALID` */
export function checkPageSize(content: Uint8Array): Uint8Array {
  if (content.length <= MAX_PAGE_BYTES) return content;
  throw new StateError('STATE_INVALID', `a page of ${content.length} bytes is larger than ${MAX_PAGE_BYTES}`);
}

/** @throws StateError `STATE_INVALID` */
export function checkRecordSize(record: Uint8Array): Uint8Array {
  if (record.length <= MAX_JOURNAL_RECORD_BYTES) return record;
  const message = `a journal record of ${record.length} bytes is larger than ${MAX_JOURNAL_RECORD_BYTES}`;
  throw new StateError('STATE_INVALID', message);
}
