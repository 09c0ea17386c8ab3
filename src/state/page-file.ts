/**
 * The file that holds all pages, and the chunks of the tables that lead to them, in units of 4 KiB. Nothing that a durable
 * version refers to is ever overwritten (see UnitSpace). Where a piece is, how long it is, and its digest are kept by whoever
 * refers to it, up to the root of the version: so a piece that is stale, misplaced or damaged is always found out.
 */
import { hash } from 'node:crypto';
import { type Disk, type DiskFile, errnoOf } from '../disk/disk.ts';
import { corrupt, onStateFile } from './state-disk-errors.ts';
import { UnitSpace } from './unit-space.ts';

export const UNIT_BYTES = 4096;
export const DIGEST_BYTES = 16;

/** Where a piece is, and what it is. */
export interface Extent {
  readonly unit: number;
  readonly sizeBytes: number;
  readonly digest: Uint8Array;
}

export function unitsOf({ sizeBytes }: Pick<Extent, 'sizeBytes'>): number {
  return Math.ceil(sizeBytes / UNIT_BYTES);
}

export function sameExtent(a: Extent | undefined, b: Extent | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.unit === b.unit && a.sizeBytes === b.sizeBytes && Buffer.compare(a.digest, b.digest) === 0;
}

export class PageFile {
  readonly path: string;
  readonly space = new UnitSpace();
  readonly #file: DiskFile;

  private constructor(path: string, file: DiskFile) {
    this.path = path;
    this.#file = file;
  }

  /** Opens the file, or makes it; its name is durable only after the next sync of the folder. */
  static async open(disk: Disk, path: string): Promise<PageFile> {
    return await onStateFile('open the pages', path, async () => {
      const file = await disk.open(path, 'write').catch((error) => {
        if (errnoOf(error) === 'ENOENT') return disk.open(path, 'create');
        throw error;
      });
      return new PageFile(path, file);
    });
  }

  /** `undefined` when the bytes are not those: the caller finds out whether that is damage. */
  async read({ unit, sizeBytes, digest }: Extent): Promise<Uint8Array | undefined> {
    const content = new Uint8Array(sizeBytes);
    const length = await onStateFile('read pages', this.path, () => this.#file.read(content, unit * UNIT_BYTES));
    return length === sizeBytes && digestOf(content).equals(digest) ? content : undefined;
  }

  /** Writes to free units. Durable after `sync`, and kept once a durable version refers to it. */
  async write(content: Uint8Array): Promise<Extent> {
    const extent = { unit: 0, sizeBytes: content.length, digest: digestOf(content) };
    if (content.length === 0) return extent;
    const unit = this.space.allocate(unitsOf(extent));
    await onStateFile('write pages', this.path, () => this.#file.write([content], unit * UNIT_BYTES));
    return { ...extent, unit };
  }

  release(extent: Extent): void {
    this.space.release(extent.unit, unitsOf(extent));
  }

  sync(): Promise<void> {
    return onStateFile('sync the pages', this.path, () => this.#file.sync());
  }

  /** Gives back what is behind the last unit in use. */
  async shrink(): Promise<void> {
    const end = this.space.end * UNIT_BYTES;
    if ((await this.#file.stat()).sizeBytes > end) await this.#file.truncate(end);
  }

  close(): Promise<void> {
    return onStateFile('close the pages', this.path, () => this.#file.close());
  }

  damaged(what: string, details: Readonly<Record<string, unknown>>): Error {
    return corrupt(this.path, what, details);
  }
}

function digestOf(content: Uint8Array): Buffer {
  return hash('sha256', content, 'buffer').subarray(0, DIGEST_BYTES);
}
