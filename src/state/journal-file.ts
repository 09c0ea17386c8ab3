/**
 * A journal as a file of records, each behind a head of 32 bytes that says how long it is and how much of the file was
 * durable when it was written. So the end that a crash tore off is told from damage: a record that cannot be read is the
 * torn end only if no readable record behind it says that it had been durable.
 *
 * | offset | bytes | |
 * |---|---|---|
 * | 0 | 4 | `JREC`; `JSYN` for the empty record that follows each sync |
 * | 4 | 4 | length of the record |
 * | 8 | 8 | durable bytes of the file before this record was written |
 * | 16 | 16 | SHA-256, cut, of the meaning, the record's position in the file, the 16 bytes before, the record |
 */
import { createHash } from 'node:crypto';
import type { DiskFile } from '../disk/disk.ts';
import { StateError } from '../errors.ts';
import type { Meaning } from './framed-file.ts';
import { checkRecordSize, type Journal, MAX_JOURNAL_RECORD_BYTES, type StateOptions } from './state.ts';
import { corrupt, onStateFile } from './state-disk-errors.ts';

export class JournalFile implements Journal {
  readonly #path: string;
  readonly #meaning: Meaning;
  readonly #file: DiskFile;
  readonly #onClose: () => void;
  #end = 0;
  #synced = 0;
  /** The end, if nothing but the mark of the last sync is behind what is durable. */
  #marked: number | undefined;
  /** Everything that changes the file, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #failed: unknown;
  #closed = false;

  private constructor(path: string, meaning: Meaning, file: DiskFile, onClose: () => void) {
    this.#path = path;
    this.#meaning = meaning;
    this.#file = file;
    this.#onClose = onClose;
  }

  /** Reads it through, and cuts off a torn end. */
  static async open(path: string, meaning: Meaning, file: DiskFile, onClose: () => void): Promise<JournalFile> {
    const journal = new JournalFile(path, meaning, file, onClose);
    await journal.#findEnd();
    return journal;
  }

  async *records({ signal }: StateOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    this.#checkUsable();
    const end = this.#end;
    for (let position = 0; position < end; ) {
      signal?.throwIfAborted();
      const read = await this.#recordAt(position, end);
      if (read === undefined)
        throw corrupt(this.#path, 'a record of the journal is not what was written', { position });
      if (read.record !== undefined) yield read.record;
      position = read.next;
    }
  }

  append(records: readonly Uint8Array[], { signal }: StateOptions = {}): Promise<void> {
    return this.#inTurn(signal, async () => {
      const parts: Uint8Array[] = [];
      let position = this.#end;
      for (const record of records) {
        parts.push(this.#headOf(MAGIC, checkRecordSize(record), position), record);
        position += HEAD_BYTES + record.length;
      }
      await this.#orFail('append to the journal', () => this.#file.write(parts, this.#end));
      this.#end = position;
    });
  }

  sync({ signal }: StateOptions = {}): Promise<void> {
    return this.#inTurn(signal, async () => {
      if (this.#synced === this.#end || this.#marked === this.#end) return;
      await this.#orFail('sync the journal', () => this.#file.sync());
      this.#synced = this.#end;
      // Says that all before it is durable, so that damage to the last records is not taken for a torn end.
      const mark = this.#headOf(MARK, NOTHING, this.#end);
      await this.#orFail('mark the journal as synced', () => this.#file.write([mark], this.#end));
      this.#end += mark.length;
      this.#marked = this.#end;
    });
  }

  reset({ signal }: StateOptions = {}): Promise<void> {
    return this.#inTurn(signal, () => this.#cut(0));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turn;
    this.#onClose();
    await onStateFile('close the journal', this.#path, () => this.#file.close());
  }

  async #findEnd(): Promise<void> {
    const { sizeBytes } = await onStateFile('open the journal', this.#path, () => this.#file.stat());
    let position = 0;
    for (;;) {
      const read = await this.#recordAt(position, sizeBytes);
      if (read === undefined) break;
      position = read.next;
    }
    if (position < sizeBytes) {
      const witness = await this.#witnessOf(position, sizeBytes);
      if (witness !== undefined) {
        throw corrupt(this.#path, 'a record of the journal that was durable cannot be read', { position, witness });
      }
    }
    // Also where nothing is cut off: what is found now must not go with the next loss of power.
    await this.#cut(position);
  }

  async #cut(sizeBytes: number): Promise<void> {
    await this.#orFail('cut the journal', async () => {
      await this.#file.truncate(sizeBytes);
      await this.#file.sync();
    });
    this.#end = sizeBytes;
    this.#synced = sizeBytes;
  }

  /** The record that starts here, if one does that ends before `limit`. */
  async #recordAt(position: number, limit: number): Promise<ReadRecord | undefined> {
    if (position + HEAD_BYTES > limit) return undefined;
    const head = await this.#read(position, HEAD_BYTES);
    const view = new DataView(head.buffer);
    const length = view.getUint32(4);
    const next = position + HEAD_BYTES + length;
    const isMark = startsWith(head, 0, MARK);
    if (!(isMark || startsWith(head, 0, MAGIC)) || length > MAX_JOURNAL_RECORD_BYTES || next > limit) return undefined;
    const record = await this.#read(position + HEAD_BYTES, length);
    if (!this.#digest(position, head, record).equals(head.subarray(16))) return undefined;
    return { record: isMark ? undefined : record, next, durableBefore: Number(view.getBigUint64(8)) };
  }

  /** The position of a readable record behind this one, that was written when this one was durable. */
  async #witnessOf(position: number, sizeBytes: number): Promise<number | undefined> {
    for (let from = position + 1; from < sizeBytes; from += SCAN_BYTES) {
      // One head more, so that none is cut in two.
      const window = await this.#read(from, Math.min(SCAN_BYTES + HEAD_BYTES, sizeBytes - from));
      for (
        let at = window.indexOf(MAGIC[0] ?? 0);
        at >= 0 && at < SCAN_BYTES;
        at = window.indexOf(MAGIC[0] ?? 0, at + 1)
      ) {
        if (!startsWith(window, at, MAGIC) && !startsWith(window, at, MARK)) continue;
        const read = await this.#recordAt(from + at, sizeBytes);
        if (read !== undefined && read.durableBefore > position) return from + at;
      }
    }
    return undefined;
  }

  #headOf(magic: Uint8Array, record: Uint8Array, position: number): Uint8Array {
    const head = new Uint8Array(HEAD_BYTES);
    const view = new DataView(head.buffer);
    head.set(magic);
    view.setUint32(4, record.length);
    view.setBigUint64(8, BigInt(this.#synced));
    head.set(this.#digest(position, head, record), 16);
    return head;
  }

  #digest(position: number, head: Uint8Array, record: Uint8Array): Buffer {
    const hash = createHash('sha256').update(JSON.stringify([...this.#meaning, position]));
    return hash.update(head.subarray(0, 16)).update(record).digest().subarray(0, 16);
  }

  async #read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await onStateFile('read the journal', this.#path, () => this.#file.read(bytes, position));
    return bytes;
  }

  #inTurn(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(() => {
      signal?.throwIfAborted();
      this.#checkUsable();
      return work();
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #orFail(attempted: string, work: () => Promise<void>): Promise<void> {
    try {
      await onStateFile(attempted, this.#path, work);
    } catch (error) {
      this.#failed = error;
      throw error;
    }
  }

  #checkUsable(): void {
    if (!this.#closed && this.#failed === undefined) return;
    const why = this.#closed ? 'was closed' : 'is not used any more after a write to it failed';
    throw new StateError('STATE_CLOSED', `the journal ${this.#path} ${why}`, { file: this.#path, cause: this.#failed });
  }
}

interface ReadRecord {
  /** Absent for a mark. */
  readonly record: Uint8Array | undefined;
  readonly next: number;
  readonly durableBefore: number;
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  return prefix.every((byte, index) => bytes[at + index] === byte);
}

const MAGIC = new TextEncoder().encode('JREC');
const MARK = new TextEncoder().encode('JSYN');
const NOTHING = new Uint8Array(0);
const HEAD_BYTES = 32;
const SCAN_BYTES = 1024 * 1024;
