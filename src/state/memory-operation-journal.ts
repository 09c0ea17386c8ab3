/** Adapter: a journal of operations that ends with its process: for tests, and for callers who keep none. */
import type { OperationRecord } from '../core/failover/journal-record.ts';
import { StateError } from '../errors.ts';
import type { OperationJournal } from './operation-journal.ts';
import { decodeRecord, encodeRecord } from './operation-records.ts';
import type { StateOptions } from './state.ts';

/** What memory journals over the same `kept` share, as processes share a folder: one holder at a time. */
export interface KeptRecords {
  records: Uint8Array[];
  held: boolean;
}

/** Nothing kept yet. */
export function nothingKept(): KeptRecords {
  return { records: [], held: false };
}

/** Over `kept` where several processes are played in one; see `OperationJournal` for the contract. */
export class MemoryOperationJournal implements OperationJournal {
  readonly #kept: KeptRecords;
  #closed = false;

  /** @throws StateError `STATE_LOCKED` */
  constructor(kept: KeptRecords = nothingKept()) {
    if (kept.held)
      throw new StateError('STATE_LOCKED', 'the journal has another holder', { remedy: 'Close it there.' });
    kept.held = true;
    this.#kept = kept;
  }

  async records({ signal }: StateOptions = {}): Promise<readonly OperationRecord[]> {
    this.#check(signal);
    return this.#kept.records.map((bytes) => decodeRecord(bytes, 'memory'));
  }

  /** See `OperationJournal`. */
  async append(records: readonly OperationRecord[], { signal }: StateOptions = {}): Promise<void> {
    this.#check(signal);
    this.#kept.records.push(...records.map(encodeRecord));
  }

  async reset({ signal }: StateOptions = {}): Promise<void> {
    this.#check(signal);
    this.#kept.records = [];
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#kept.held = false;
    this.#closed = true;
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closed) throw new StateError('STATE_CLOSED', 'the journal was closed');
  }
}
