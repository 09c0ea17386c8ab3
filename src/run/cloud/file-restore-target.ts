/**
 * Run (layer 3): a restore into one file or device: a volume image, a file of a volume, or a byte range of it. A new file
 * gets its name when it is whole and synced, and its holes stay holes. What is there already is changed in place.
 */
import { BLOCK_BYTES } from '../../core/cloud/block-numbers.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import { NO_ARRIVAL } from '../../core/cloud/restore-plan.ts';
import type { Disk, DiskFile } from '../../disk/disk.ts';
import type { RestoreFacts, RestoreTarget } from './restore-target.ts';

/** Where to restore to, and what may be replaced. */
export interface FileRestoreOptions {
  readonly disk: Disk;
  readonly path: string;
  /** The folder that the path is in. */
  readonly folder: string;
  /**
   * `new-file` takes the place of what is there, when it is whole; `file` and `device` are written into: all of them, or,
   * with a common snapshot, what differs. A device keeps its size.
   */
  readonly into: 'new-file' | 'file' | 'device';
}

/** Restores into a file or block device. */
export class FileRestoreTarget implements RestoreTarget {
  readonly remembersBlocks = false;
  readonly oneFile = true;
  readonly wholeInodes: readonly number[] = [];
  readonly #options: FileRestoreOptions;
  #from = 0;
  #to = Number.POSITIVE_INFINITY;
  /** File blocks that wait for an arrival. */
  readonly #waiting = new Map<number, number[]>();
  #file: DiskFile | undefined;
  #sizeBytes = 0;
  /** Blocks that were written, a bit each, where the rest has to become zeros. */
  #written: Uint8Array | undefined;
  #incremental = false;

  constructor(options: FileRestoreOptions) {
    this.#options = options;
  }

  async begin({ common, range }: RestoreFacts): Promise<void> {
    this.#from = range?.from ?? 0;
    this.#to = range?.to ?? Number.POSITIVE_INFINITY;
    const { disk, path, into } = this.#options;
    this.#incremental = common !== undefined;
    if (into === 'new-file') {
      await disk.remove(this.#temporary).catch(() => {});
      this.#file = await disk.open(this.#temporary, 'create');
    } else this.#file = await disk.open(path, 'write');
  }

  async inode(_before: InodeRoot | undefined, after: InodeRoot | undefined): Promise<void> {
    if (after === undefined) return;
    const { into } = this.#options;
    this.#sizeBytes = Math.max(0, Math.min(this.#to, after.sizeBytes) - this.#from);
    if (into !== 'device') await this.#file?.truncate(this.#sizeBytes);
    if (into !== 'new-file' && !this.#incremental) {
      this.#written = new Uint8Array(Math.ceil((this.#from + this.#sizeBytes) / BLOCK_BYTES / 8));
    }
  }

  async place(_inode: number, fbns: Float64Array, arrivals: Float64Array): Promise<void> {
    const holes: { fbn: number; block: Uint8Array }[] = [];
    for (let at = 0; at < fbns.length; at++) {
      const fbn = fbns[at] ?? 0;
      const arrival = arrivals[at] ?? NO_ARRIVAL;
      const waiting = this.#waiting.get(arrival);
      // What was data in the common snapshot and is a hole now.
      if (arrival === NO_ARRIVAL) holes.push({ fbn, block: ZEROS });
      else if (waiting === undefined) this.#waiting.set(arrival, [fbn]);
      else waiting.push(fbn);
    }
    if (this.#options.into !== 'new-file') await this.#write(holes);
  }

  async blocks(firstArrival: number, blocks: Uint8Array): Promise<void> {
    const writes: { fbn: number; block: Uint8Array }[] = [];
    for (let at = 0; at * BLOCK_BYTES < blocks.length; at++) {
      const block = blocks.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES);
      for (const fbn of this.#waiting.get(firstArrival + at) ?? []) writes.push({ fbn, block });
    }
    await this.#write(writes.sort((one, other) => one.fbn - other.fbn));
  }

  async endWindow(): Promise<void> {
    this.#waiting.clear();
  }

  async finish(): Promise<void> {
    const { disk, path, folder, into } = this.#options;
    await this.#zeroTheRest();
    await this.#file?.sync();
    await this.#file?.close();
    this.#file = undefined;
    if (into !== 'new-file') return;
    await disk.rename(this.#temporary, path);
    await disk.syncFolder(folder);
  }

  async abandon(): Promise<void> {
    const { disk, into } = this.#options;
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
    if (into === 'new-file') await disk.remove(this.#temporary).catch(() => {});
  }

  /** Neighbours in one write; of each block the part that lies within the file. */
  async #write(writes: readonly { readonly fbn: number; readonly block: Uint8Array }[]): Promise<void> {
    for (let at = 0; at < writes.length; ) {
      const parts: Uint8Array[] = [];
      const first = writes[at]?.fbn ?? 0;
      for (; writes[at]?.fbn === first + parts.length; at++) {
        const { fbn, block } = writes[at] ?? { fbn: 0, block: ZEROS };
        const start = fbn * BLOCK_BYTES - this.#from;
        parts.push(block.subarray(Math.max(0, -start), Math.max(0, Math.min(BLOCK_BYTES, this.#sizeBytes - start))));
        if (this.#written !== undefined) this.#written[fbn >>> 3] = (this.#written[fbn >>> 3] ?? 0) | (1 << (fbn & 7));
      }
      await this.#file?.write(parts, Math.max(0, first * BLOCK_BYTES - this.#from));
    }
  }

  async #zeroTheRest(): Promise<void> {
    const written = this.#written;
    if (written === undefined) return;
    const end = Math.ceil((this.#from + this.#sizeBytes) / BLOCK_BYTES);
    let holes: { fbn: number; block: Uint8Array }[] = [];
    for (let fbn = Math.floor(this.#from / BLOCK_BYTES); fbn < end; fbn++) {
      if ((((written[fbn >>> 3] ?? 0) >>> (fbn & 7)) & 1) === 0) holes.push({ fbn, block: ZEROS });
      if (holes.length < ZEROS_PER_WRITE) continue;
      await this.#write(holes);
      holes = [];
    }
    await this.#write(holes);
  }

  get #temporary(): string {
    return `${this.#options.path}.partial`;
  }
}

const ZEROS = new Uint8Array(BLOCK_BYTES);
const ZEROS_PER_WRITE = 1024;
