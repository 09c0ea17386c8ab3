/** Adapter: the journal of operations in a folder of its own: durable, locked, and with torn writes told from damage. */
import { join, resolve } from 'node:path';
import type { OperationRecord } from '../core/failover/journal-record.ts';
import { type Disk, errnoOf } from '../disk/disk.ts';
import { DurableFolders } from '../disk/durable-files.ts';
import { nodeDisk } from '../disk/node-disk.ts';
import { type Random, systemRandom } from '../env.ts';
import { StateError } from '../errors.ts';
import { JournalFile } from './journal-file.ts';
import type { OperationJournal } from './operation-journal.ts';
import { decodeRecord, encodeRecord } from './operation-records.ts';
import { type SignsOfLife, socketSignsOfLife } from './sign-of-life.ts';
import type { Journal, OpenStateOptions, StateOptions } from './state.ts';
import { onStateFile } from './state-disk-errors.ts';
import { StateLock } from './state-lock.ts';

/** Parts that tests replace. */
export interface DirectoryOperationJournalOptions extends OpenStateOptions {
  readonly disk?: Disk | undefined;
  readonly random?: Random | undefined;
  readonly signs?: SignsOfLife | undefined;
}

const MEANING = ['operation-journal'];

/** One folder, one journal; see `OperationJournal` for the contract. */
export class DirectoryOperationJournal implements OperationJournal {
  readonly #path: string;
  readonly #lock: StateLock;
  readonly #file: Journal;
  #closed = false;

  private constructor(path: string, lock: StateLock, file: Journal) {
    this.#path = path;
    this.#lock = lock;
    this.#file = file;
  }

  /**
   * Opens the journal in this folder, or makes it, and locks it; the lock ends with `close` or with the process.
   * @throws StateError `STATE_LOCKED`, `STATE_CORRUPT`, `STATE_DENIED`
   */
  static async open(
    folder: string,
    options: DirectoryOperationJournalOptions = {},
  ): Promise<DirectoryOperationJournal> {
    const { disk = nodeDisk, random = systemRandom, signs = socketSignsOfLife, breakLock = false, signal } = options;
    const root = resolve(folder);
    const path = join(root, 'operations.journal');
    await onStateFile('make the folder', root, () => new DurableFolders(disk, root).ensure(root));
    const lock = await StateLock.take(root, { disk, random, signs }, breakLock, signal);
    try {
      const file = await onStateFile('open the journal', path, async () => {
        const opened = await disk.open(path, 'write').catch(async (error) => {
          if (errnoOf(error) !== 'ENOENT') throw error;
          const created = await disk.open(path, 'create');
          await disk.syncFolder(root);
          return created;
        });
        return JournalFile.open(path, MEANING, opened, () => {});
      });
      return new DirectoryOperationJournal(path, lock, file);
    } catch (error) {
      await lock.release();
      throw withRemedy(error, path);
    }
  }

  async records(options: StateOptions = {}): Promise<readonly OperationRecord[]> {
    const records: OperationRecord[] = [];
    try {
      for await (const bytes of this.#file.records(options)) records.push(decodeRecord(bytes, this.#path));
    } catch (error) {
      throw withRemedy(error, this.#path);
    }
    return records;
  }

  /** Also refused with `STATE_LOCK_LOST` where somebody broke the lock meanwhile. */
  async append(records: readonly OperationRecord[], options: StateOptions = {}): Promise<void> {
    await this.#lock.check();
    await this.#file.append(records.map(encodeRecord), options);
    await this.#file.sync(options);
  }

  async reset(options: StateOptions = {}): Promise<void> {
    await this.#lock.check();
    await this.#file.reset(options);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#file.close();
    } finally {
      await this.#lock.release();
    }
  }
}

/** A damaged journal is no reason to wait: the clusters tell enough. */
function withRemedy(error: unknown, file: string): unknown {
  if (!(error instanceof StateError) || error.code !== 'STATE_CORRUPT') return error;
  return new StateError('STATE_CORRUPT', error.message, {
    file,
    attempted: 'read the journal of operations',
    remedy: 'Move the journal aside and go on without it: losses are asked for again, nothing else is lost.',
    cause: error,
  });
}
