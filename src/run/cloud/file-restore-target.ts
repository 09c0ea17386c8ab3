/**
 * Run (layer 3): a restore into one file or device: a volume image, a file of a volume, or a byte range of it.
 *
 * What is half-way there is never taken for whole:
 * - a new file gets its name when it is whole and synced, and its holes stay holes; cut off, it is begun anew
 * - a file that is changed in place has `NAME.restoring` beside it meanwhile, which says from what to what, and which bytes
 *   of which inode: whoever finds it may do just that again, or replace the file; nothing else
 * - a device that is written whole has zeros in its first block until everything else is synced
 * A device that is brought from a common snapshot to another one has no such mark: the same restore has to be repeated.
 */
import { BLOCK_BYTES } from '../../core/cloud/block-numbers.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import { NO_ARRIVAL } from '../../core/cloud/restore-plan.ts';
import { type Disk, type DiskFile, errnoOf } from '../../disk/disk.ts';
import { CloudError, DataMotionError } from '../../errors.ts';
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

/**
 * Restores into a file or block device.
 * @throws CloudError `CLOUD_TARGET_UNUSABLE` from any of its methods
 */
export class FileRestoreTarget implements RestoreTarget {
  readonly oneFile = true;
  readonly wholeInodes: readonly number[] = [];
  readonly #options: FileRestoreOptions;
  #from = 0;
  #to = Number.POSITIVE_INFINITY;
  /** Of this window: file blocks, and the arrival of each. */
  #placed: { readonly fbns: Float64Array; readonly arrivals: Float64Array }[] = [];
  #places: PlacesByArrival | undefined;
  #file: DiskFile | undefined;
  #sizeBytes = 0;
  /** Where the rest has to become zeros: all blocks before this one have been placed or zeroed. */
  #settled: number | undefined;
  #incremental = false;
  /** The first block of a device, to be written last. */
  #heldBack: Uint8Array | undefined;

  constructor(options: FileRestoreOptions) {
    this.#options = options;
  }

  begin(facts: RestoreFacts): Promise<void> {
    return this.#onTarget(() => this.#begin(facts));
  }

  inode(_before: InodeRoot | undefined, after: InodeRoot | undefined): Promise<void> {
    return this.#onTarget(() => this.#inode(after));
  }

  place(_inode: number, fbns: Float64Array, arrivals: Float64Array): Promise<void> {
    return this.#onTarget(() => this.#place(fbns, arrivals));
  }

  blocks(firstArrival: number, blocks: Uint8Array): Promise<void> {
    return this.#onTarget(() => this.#blocks(firstArrival, blocks));
  }

  finish(): Promise<void> {
    return this.#onTarget(() => this.#finish());
  }

  async #begin(facts: RestoreFacts): Promise<void> {
    const { common, range } = facts;
    this.#from = range?.from ?? 0;
    this.#to = range?.to ?? Number.POSITIVE_INFINITY;
    const { disk, path, into } = this.#options;
    this.#incremental = common !== undefined;
    if (into === 'new-file') {
      await disk.remove(this.#temporary).catch(() => {});
      this.#file = await disk.open(this.#temporary, 'create');
      return;
    }
    this.#file = await disk.open(path, 'write');
    if (into === 'file') await this.#mark(scopeOf(facts));
    if (into === 'file' || this.#incremental) return;
    await this.#file.write([ZEROS], 0);
    await this.#file.sync();
    this.#heldBack = ZEROS;
  }

  async #inode(after: InodeRoot | undefined): Promise<void> {
    if (after === undefined) return;
    const { into } = this.#options;
    this.#sizeBytes = Math.max(0, Math.min(this.#to, after.sizeBytes) - this.#from);
    if (into !== 'device') await this.#file?.truncate(this.#sizeBytes);
    // What is there may be anything: blocks come in the order of the file, and what they leave out becomes zeros.
    if (into !== 'new-file' && !this.#incremental) this.#settled = Math.floor(this.#from / BLOCK_BYTES);
  }

  async #place(fbns: Float64Array, arrivals: Float64Array): Promise<void> {
    this.#placed.push({ fbns, arrivals });
    this.#places = undefined;
    if (this.#options.into === 'new-file') return;
    for (let at = 0; at < fbns.length; at++) {
      const fbn = fbns[at] ?? 0;
      // What was data in the common snapshot and is a hole now.
      if (arrivals[at] === NO_ARRIVAL) await this.#zero(fbn, fbn + 1);
      if (this.#settled === undefined) continue;
      await this.#zero(this.#settled, fbn);
      this.#settled = fbn + 1;
    }
  }

  async #blocks(firstArrival: number, blocks: Uint8Array): Promise<void> {
    this.#places ??= placesByArrival(this.#placed);
    const { starts, fbns } = this.#places;
    const writes: { fbn: number; block: Uint8Array }[] = [];
    for (let at = 0; at * BLOCK_BYTES < blocks.length; at++) {
      const block = blocks.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES);
      const end = starts[firstArrival + at + 1] ?? 0;
      for (let place = starts[firstArrival + at] ?? 0; place < end; place++)
        writes.push({ fbn: fbns[place] ?? 0, block });
    }
    await this.#write(writes.sort((one, other) => one.fbn - other.fbn));
  }

  async endWindow(): Promise<void> {
    this.#placed = [];
    this.#places = undefined;
  }

  async #finish(): Promise<void> {
    const { disk, path, folder, into } = this.#options;
    if (this.#settled !== undefined) {
      await this.#zero(this.#settled, Math.ceil((this.#from + this.#sizeBytes) / BLOCK_BYTES));
    }
    await this.#file?.sync();
    if (this.#heldBack !== undefined) {
      await this.#file?.write([this.#heldBack], 0);
      await this.#file?.sync();
    }
    if (into === 'new-file') await this.#checkStillOurs();
    await this.#file?.close();
    this.#file = undefined;
    if (into === 'new-file') {
      await disk.rename(this.#temporary, path);
      await disk.syncFolder(folder);
    }
    if (into !== 'device') await this.#unmark();
  }

  async abandon(): Promise<void> {
    const { disk, into } = this.#options;
    const file = this.#file;
    this.#file = undefined;
    // The name may be another restore's by now.
    const isOurs = file !== undefined && (await file.stat().catch(() => undefined))?.links !== 0;
    await file?.close().catch(() => {});
    if (into === 'new-file' && isOurs) await disk.remove(this.#temporary).catch(() => {});
  }

  /** What the disk says, as one error. */
  async #onTarget<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const errno = errnoOf(error);
      if (error instanceof DataMotionError || errno === undefined) throw error;
      const { path } = this.#options;
      throw new CloudError('CLOUD_TARGET_UNUSABLE', `${path} cannot be written: ${errno}`, {
        object: path,
        remedy: REMEDIES[errno] ?? 'Give another path, or see to it that this one can be written.',
        details: { errno },
        cause: error,
      });
    }
  }

  /** Neighbours in one write; of each block the part that lies within the file. */
  async #write(writes: readonly { readonly fbn: number; readonly block: Uint8Array }[]): Promise<void> {
    for (let at = 0; at < writes.length; ) {
      const parts: Uint8Array[] = [];
      const first = writes[at]?.fbn ?? 0;
      for (; writes[at]?.fbn === first + parts.length; at++) {
        const { fbn, block } = writes[at] ?? { fbn: 0, block: ZEROS };
        const start = fbn * BLOCK_BYTES - this.#from;
        const part = block.subarray(Math.max(0, -start), Math.max(0, Math.min(BLOCK_BYTES, this.#sizeBytes - start)));
        parts.push(start <= 0 && this.#heldBack !== undefined ? this.#holdBack(part) : part);
      }
      await this.#file?.write(parts, Math.max(0, first * BLOCK_BYTES - this.#from));
    }
  }

  async #zero(from: number, end: number): Promise<void> {
    for (let fbn = from; fbn < end; fbn += ZEROS_PER_WRITE) {
      const length = Math.min(ZEROS_PER_WRITE, end - fbn);
      await this.#write(Array.from({ length }, (_, at) => ({ fbn: fbn + at, block: ZEROS })));
    }
  }

  /** Zeros in the place of what belongs into the first block of a device. */
  #holdBack(part: Uint8Array): Uint8Array {
    this.#heldBack = part.slice();
    return ZEROS.subarray(0, part.length);
  }

  /** Another restore to the same path has removed the name: what has it now is not ours to put in place. */
  async #checkStillOurs(): Promise<void> {
    if (this.#file === undefined || (await this.#file.stat()).links > 0) return;
    const { path } = this.#options;
    throw new CloudError('CLOUD_TARGET_UNUSABLE', `another restore to ${path} was begun after this one`, {
      object: path,
      remedy: 'Leave it to that one, or give this one another path.',
    });
  }

  /** @throws CloudError `CLOUD_TARGET_UNUSABLE` when the file is half-way to something else */
  async #mark(what: string): Promise<void> {
    const { disk, path, folder } = this.#options;
    const found = await disk.open(this.#marker, 'read').catch(() => undefined);
    if (found !== undefined) {
      const bytes = new Uint8Array((await found.stat()).sizeBytes);
      await found.read(bytes, 0);
      await found.close();
      const before = new TextDecoder().decode(bytes);
      if (before === what) return;
      // An empty one was cut off before anything was written.
      if (before !== '') {
        throw new CloudError('CLOUD_TARGET_UNUSABLE', `${path} was left half-way by a restore: ${before}`, {
          object: path,
          remedy: 'Repeat that restore, or replace the file by a restore without a common snapshot.',
        });
      }
      await disk.remove(this.#marker);
    }
    const marker = await disk.open(this.#marker, 'create');
    await marker.write([new TextEncoder().encode(what)], 0);
    await marker.sync();
    await marker.close();
    await disk.syncFolder(folder);
  }

  async #unmark(): Promise<void> {
    const { disk, folder } = this.#options;
    const gone = await disk.remove(this.#marker).then(
      () => true,
      () => false,
    );
    if (gone) await disk.syncFolder(folder);
  }

  get #marker(): string {
    return `${this.#options.path}.restoring`;
  }

  get #temporary(): string {
    return `${this.#options.path}.partial`;
  }
}

/** The file blocks of each arrival: those of arrival a are `fbns[starts[a]]` up to `fbns[starts[a + 1]]`. */
interface PlacesByArrival {
  readonly starts: Uint32Array;
  readonly fbns: Float64Array;
}

function placesByArrival(
  placed: readonly { readonly fbns: Float64Array; readonly arrivals: Float64Array }[],
): PlacesByArrival {
  let last = NO_ARRIVAL;
  for (const { arrivals } of placed) for (const arrival of arrivals) if (arrival > last) last = arrival;
  const starts = new Uint32Array(last + 2);
  for (const { arrivals } of placed) {
    for (const arrival of arrivals) if (arrival !== NO_ARRIVAL) starts[arrival + 1] = (starts[arrival + 1] ?? 0) + 1;
  }
  for (let arrival = 0; arrival <= last; arrival++)
    starts[arrival + 1] = (starts[arrival + 1] ?? 0) + (starts[arrival] ?? 0);
  const next = starts.slice();
  const fbns = new Float64Array(starts[last + 1] ?? 0);
  for (const { fbns: own, arrivals } of placed) {
    for (let at = 0; at < own.length; at++) {
      const arrival = arrivals[at] ?? NO_ARRIVAL;
      if (arrival === NO_ARRIVAL) continue;
      const place = next[arrival] ?? 0;
      fbns[place] = own[at] ?? 0;
      next[arrival] = place + 1;
    }
  }
  return { starts, fbns };
}

/** All that makes one restore in place another one than the next. */
function scopeOf({ manifest, common, inode, range }: RestoreFacts): string {
  const bytes = range === undefined ? 'all of it' : `bytes ${range.from}-${range.to}`;
  return `${common?.uuid ?? 'anything'} to ${manifest.uuid}, inode ${inode ?? 'of its only file'}, ${bytes}`;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'Give the path of a file that is there, or restore without a common snapshot, which makes a new one.',
  EACCES: 'Allow this user to write there, or give another path.',
  ENOSPC: 'Make room, or give a larger target; then repeat the restore.',
};
const ZEROS = new Uint8Array(BLOCK_BYTES);
const ZEROS_PER_WRITE = 1024;
