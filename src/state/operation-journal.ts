/**
 * Port (layer 2): the journal of failovers and failbacks. It remembers what observation cannot tell: who accepted which loss, what
 * was about to be done, what is owed. testing it: test/state/operation-journal.test.ts, over every adapter.
 *
 * Contract:
 * - A record is durable when `append` resolves; of a crash during `append` nothing, or all, or a beginning of the records is left,
 *   never a part of one. What was durable and cannot be read is `STATE_CORRUPT`, never a silent end.
 * - One holder at a time: a second one is refused with `STATE_LOCKED` as long as the first is alive.
 * - After a failed write the journal refuses further use.
 */
import type { OperationRecord } from '../core/failover/journal-record.ts';
import type { StateOptions } from './state.ts';

/** See the contract above. */
export interface OperationJournal {
  /** All records, oldest first. @throws StateError `STATE_CORRUPT`, `STATE_FORMAT_VERSION` */
  records(options?: StateOptions): Promise<readonly OperationRecord[]>;
  /** Adds records, in this order; they are durable when it resolves. */
  append(records: readonly OperationRecord[], options?: StateOptions): Promise<void>;
  /** Forgets all records, durably: for when no operation is open and nothing is owed. */
  reset(options?: StateOptions): Promise<void>;
  /** Lets another holder in. Safe to repeat. */
  close(): Promise<void>;
}
