/**
 * Adapter: an image as a volume with one file: the tree of the file's blocks and the two metafiles that name it, as the
 * volume model lays them out. The tree is three tables of the state: the VVBN of each block of each level, by its place.
 */

import type { Compute } from '../compute/compute.ts';
import type { InodeRoot } from '../core/cloud/inode-root.ts';
import { DIRECTORY_METAFILE, FIRST_FREE_INODE, INODE_METAFILE, ROOT_INODE } from '../core/wafl/image.ts';
import type { InodeAttributes } from '../core/wafl/inode-tree.ts';
import {
  DIRECTORY_SLOTS_PER_BLOCK,
  encodeDirectoryBlock,
  encodeInodeBlock,
  INODE_SLOTS_PER_BLOCK,
  METAFILE_VERSION,
} from '../core/wafl/metafiles.ts';
import type { PageReader, StagedVersion, StateOptions } from '../state/state.ts';
import type { BlockLevel } from './catalogue-tables.ts';
import type { ImageFacts } from './image-file.ts';
import { corruptCatalogue, numberPages, PagedTable, readJson } from './paged-table.ts';
import type { SourceSnapshot } from './snapshot-source.ts';

export const BLOCK_BYTES = 4096;
/** The inode of the image. */
export const IMAGE_INODE = FIRST_FREE_INODE;
export const IMAGE_FORMAT = `wafl/${METAFILE_VERSION}`;

/** Pointers in the image's inode, as in a volume's. */
const ROOT_POINTERS = 16;
const PAGE_ENTRIES = 4096;
const NUMBERS = numberPages(PAGE_ENTRIES);
const FACTS = 'image.facts';
/** Of ImageVersion and of the three tables. */
export const IMAGE_VERSION_FORMAT = 1;

/** What is known of the image in one snapshot, beside its blocks. */
export interface ImageVersion {
  readonly format: number;
  readonly sourceId: string;
  readonly pointersPerBlock: number;
  readonly snapshot: SourceSnapshot;
  readonly sizeBytes: number;
  readonly height: BlockLevel;
  /** The inodes of a volume that has the image as its only file. */
  readonly inodes: readonly InodeAttributes[];
  readonly name: string;
  /** VVBNs of the metafiles' blocks, by FBN. */
  readonly inodeMetafile: readonly number[];
  readonly directoryMetafile: readonly number[];
}

/** The shape that a file of this size has. */
export function shapeOf(
  sizeBytes: number,
  pointersPerBlock: number,
): { readonly blocks: number; readonly height: BlockLevel } {
  const blocks = Math.ceil(sizeBytes / BLOCK_BYTES);
  const rootPointers = Math.min(ROOT_POINTERS, pointersPerBlock);
  if (blocks <= rootPointers) return { blocks, height: 0 };
  return { blocks, height: blocks <= rootPointers * pointersPerBlock ? 1 : 2 };
}

/** VVBNs by place, one table a level: file blocks, then L1 blocks, then L2 blocks. */
export class ImageTree {
  readonly #tables: readonly PagedTable<Float64Array>[];

  /** @param staged absent for a tree that is only read */
  constructor(reader: PageReader, tablePages: number, staged?: StagedVersion | undefined) {
    this.#tables = [0, 1, 2].map((level) => {
      return new PagedTable(`image.level-${level}`, NUMBERS, tablePages, reader, staged);
    });
  }

  async get(level: BlockLevel, first: number, count: number, options: StateOptions): Promise<Float64Array> {
    const vvbns = new Float64Array(count);
    await this.#eachPage(level, first, count, options, (table, page, from, at, length) => {
      vvbns.set(table.page(page).subarray(from, from + length), at);
    });
    return vvbns;
  }

  async set(level: BlockLevel, first: number, vvbns: Float64Array, options: StateOptions): Promise<void> {
    await this.#eachPage(level, first, vvbns.length, options, (table, page, from, at, length) => {
      const before = table.page(page);
      for (let offset = 0; offset < length; offset++) {
        if (before[from + offset] === vvbns[at + offset]) continue;
        table.pageToWrite(page).set(vvbns.subarray(at, at + length), from);
        return;
      }
    });
  }

  /** @param places ascending */
  async setAt(level: BlockLevel, places: Float64Array, vvbns: Float64Array, options: StateOptions): Promise<void> {
    for (let at = 0; at < places.length; ) {
      const first = places[at] ?? 0;
      let end = at + 1;
      while (end < places.length && places[end] === first + end - at) end++;
      await this.set(level, first, vvbns.subarray(at, end), options);
      at = end;
    }
  }

  /** Makes holes from `first` up to `end`, at the cost of what was there. */
  async clear(level: BlockLevel, first: number, end: number, options: StateOptions): Promise<void> {
    const table = this.#table(level);
    if (first >= end) return;
    for await (const page of table.numbers(Math.floor(first / PAGE_ENTRIES), options)) {
      if (page * PAGE_ENTRIES >= end) return;
      await table.load([page], options);
      const from = Math.max(0, first - page * PAGE_ENTRIES);
      const to = Math.min(PAGE_ENTRIES, end - page * PAGE_ENTRIES);
      if (
        table
          .page(page)
          .subarray(from, to)
          .some((vvbn) => vvbn !== 0)
      )
        table.pageToWrite(page).fill(0, from, to);
    }
  }

  /** Forgets everything. */
  async reset(options: StateOptions): Promise<void> {
    for (const table of this.#tables) await table.clear(options);
  }

  /** What is mapped at a level, page by page. */
  async *mapped(
    level: BlockLevel,
    options: StateOptions,
  ): AsyncGenerator<{ readonly first: number; readonly vvbns: Float64Array }, void, undefined> {
    const table = this.#table(level);
    for await (const page of table.numbers(0, options)) {
      await table.load([page], options);
      yield { first: page * PAGE_ENTRIES, vvbns: table.page(page).slice() };
    }
  }

  async flush(options: StateOptions): Promise<void> {
    for (const table of this.#tables) await table.flush(options);
  }

  /** All inodes, ascending. */
  async roots(version: ImageVersion, options: StateOptions): Promise<InodeRoot[]> {
    const { inodes, sizeBytes, height, pointersPerBlock } = version;
    const count = Math.ceil(Math.ceil(sizeBytes / BLOCK_BYTES) / pointersPerBlock ** height);
    const topmost = await this.get(height, 0, count, options);
    const metafile = (number: number, vvbns: readonly number[]): InodeRoot => {
      const content = { sizeBytes: vvbns.length * BLOCK_BYTES, topmost: Float64Array.from(vvbns) };
      return { number, generation: 0, height: 0, ...content };
    };
    const ofInode = ({ number, generation, sizeBytes: bytes }: InodeAttributes): InodeRoot => {
      const tree = number === IMAGE_INODE ? { height, topmost } : { height: 0 as const, topmost: new Float64Array() };
      return { number, generation, sizeBytes: bytes, ...tree };
    };
    return [
      metafile(INODE_METAFILE, version.inodeMetafile),
      metafile(DIRECTORY_METAFILE, version.directoryMetafile),
      ...inodes.map(ofInode),
    ];
  }

  #table(level: BlockLevel): PagedTable<Float64Array> {
    const table = this.#tables[level];
    if (table === undefined) throw new RangeError(`level ${level}`);
    return table;
  }

  async #eachPage(
    level: BlockLevel,
    first: number,
    count: number,
    options: StateOptions,
    visit: (table: PagedTable<Float64Array>, page: number, from: number, at: number, length: number) => void,
  ): Promise<void> {
    const table = this.#table(level);
    for (let at = 0; at < count; ) {
      const page = Math.floor((first + at) / PAGE_ENTRIES);
      const from = (first + at) % PAGE_ENTRIES;
      const length = Math.min(count - at, PAGE_ENTRIES - from);
      await table.load([page], options);
      visit(table, page, from, at, length);
      at += length;
    }
  }
}

/**
 * The identities of indirect blocks, one after the other.
 * @param pointers the VVBNs that they hold, `pointersPerBlock` of each
 */
export async function identitiesOfParents(
  level: 1 | 2,
  pointers: Float64Array,
  pointersPerBlock: number,
  compute: Pick<Compute, 'shortDigests'>,
  options: StateOptions,
): Promise<Uint8Array> {
  // One byte more than pointers: no block of data, and none of another level, is taken for it.
  const pieceBytes = 1 + 8 * pointersPerBlock;
  const count = pointers.length / pointersPerBlock;
  const pieces = new Uint8Array(count * pieceBytes);
  const view = new DataView(pieces.buffer);
  for (let at = 0; at < count; at++) {
    view.setUint8(at * pieceBytes, level);
    for (let slot = 0; slot < pointersPerBlock; slot++) {
      const vvbn = pointers[at * pointersPerBlock + slot] ?? 0;
      view.setUint32(at * pieceBytes + 1 + 8 * slot, vvbn % 2 ** 32, true);
      view.setUint32(at * pieceBytes + 5 + 8 * slot, Math.floor(vvbn / 2 ** 32), true);
    }
  }
  return await compute.shortDigests('sha-256', pieces, pieceBytes, options);
}

/**
 * The snapshot that this version of the state is of; `undefined` before the first.
 * @throws StateError `STATE_CORRUPT`, `STATE_FORMAT_VERSION`
 */
export async function readImageVersion(reader: PageReader, options: StateOptions): Promise<ImageVersion | undefined> {
  const bytes = await reader.read(FACTS, 0, options);
  if (bytes === undefined) return undefined;
  const version = readJson<ImageVersion>(bytes, IMAGE_VERSION_FORMAT, 'the image');
  if (Array.isArray(version.inodes)) return version;
  throw corruptCatalogue('what is known of the image is not in this format');
}

export function writeImageVersion(staged: StagedVersion, version: ImageVersion, options: StateOptions): Promise<void> {
  return staged.write(FACTS, 0, new TextEncoder().encode(JSON.stringify(version)), options);
}

/** One block of the metafiles, and where it is. */
export interface MetafileBlock {
  readonly inode: number;
  readonly fbn: number;
  readonly content: Uint8Array;
}

/** Places from here on are of metafiles: no block of an image is there. */
export const METAFILE_PLACES = 2 ** 47;

export function placeOf({ inode, fbn }: Pick<MetafileBlock, 'inode' | 'fbn'>): number {
  return METAFILE_PLACES + inode * 2 ** 20 + fbn;
}

/** The blocks of the metafiles that are not holes, as the volume model writes them. */
export function metafileBlocks(inodes: readonly InodeAttributes[], name: string): MetafileBlock[] {
  const blocks: MetafileBlock[] = [];
  const byNumber = new Map(inodes.map((inode) => [inode.number, inode]));
  for (let fbn = 0; fbn <= Math.floor(IMAGE_INODE / INODE_SLOTS_PER_BLOCK); fbn++) {
    const content = new Uint8Array(BLOCK_BYTES);
    const isUsed = encodeInodeBlock(fbn, (number) => byNumber.get(number), content);
    if (isUsed) blocks.push({ inode: INODE_METAFILE, fbn, content });
  }
  const entries = [{ parent: ROOT_INODE, name, child: IMAGE_INODE }];
  for (let fbn = 0; fbn * DIRECTORY_SLOTS_PER_BLOCK < entries.length; fbn++) {
    const content = new Uint8Array(BLOCK_BYTES);
    if (encodeDirectoryBlock(fbn, (slot) => entries[slot], content)) {
      blocks.push({ inode: DIRECTORY_METAFILE, fbn, content });
    }
  }
  return blocks;
}

/** The inodes of a volume with this one file. */
export function inodesOf(facts: ImageFacts): InodeAttributes[] {
  const { sizeBytes, changedAt: mtime, mode, uid, gid } = facts;
  const shared = { links: 1, xattrInode: 0 };
  const root = { number: ROOT_INODE, generation: 1, sizeBytes: 0, mode: 0o755, uid: 0, gid: 0, mtime: 0 };
  const image = { number: IMAGE_INODE, generation: 2, sizeBytes, mode, uid, gid, mtime };
  return [
    { ...root, ...shared, type: 'directory' },
    { ...image, ...shared, type: 'file' },
  ];
}
