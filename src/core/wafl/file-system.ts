/**
 * Core: the active file system, as the parts that every operation of a volume is made of: inodes, names, content,
 * metafiles, and the undoing of a change that does not fit. Nothing here checks what the caller asked for: `WaflVolume`
 * has done so before it starts a change.
 */
import { VolumeModelError } from '../../errors.ts';
import { BLOCK_SIZE, type BlockStore, blocksOf, HOLE, sameBytes, type Vvbn } from './blocks.ts';
import { DIRECTORY_METAFILE, FIRST_FREE_INODE, type Image, INODE_METAFILE, ROOT_INODE } from './image.ts';
import { type InodeAttributes, InodeRecord, type InodeTree, type InodeType } from './inode-tree.ts';
import {
  DIRECTORY_SLOTS_PER_BLOCK,
  encodeDirectoryBlock,
  encodeInodeBlock,
  INODE_SLOTS_PER_BLOCK,
} from './metafiles.ts';
import type { DirectoryEntry } from './namespace.ts';
import { heldBlocks } from './view.ts';

/** Attributes that a caller may give; what is left out keeps its value, or its default for a new inode. */
export interface AttributeChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Epoch milliseconds; default 0. Given to the parent directory too when a name is added or removed. */
  readonly mtime?: number;
}

/** Where a name is, or is to be. */
export interface Place {
  readonly parent: number;
  readonly name: string;
}

const DEFAULT_MODES: Readonly<Record<InodeType, number>> = {
  file: 0o644,
  directory: 0o755,
  symlink: 0o777,
  stream: 0o600,
  metafile: 0o600,
};

export class FileSystem {
  readonly blocks: BlockStore;
  readonly tree: InodeTree;
  image: Image;
  /** Rises with every snapshot: what an earlier generation made may be held by a snapshot and is never changed. */
  generation = 1;
  nextInodeGeneration = 1;
  /** FBNs of metafile blocks to write at the next snapshot. May name blocks that turn out unchanged. */
  dirtyInodeBlocks: Set<number> = new Set();
  dirtyDirectoryBlocks: Set<number> = new Set();
  #heldCount: number | undefined;

  constructor(blocks: BlockStore, tree: InodeTree, image: Image) {
    this.blocks = blocks;
    this.tree = tree;
    this.image = image;
  }

  /** How many blocks the active image holds. Counted when asked for, kept until the next change. */
  get heldCount(): number {
    if (this.#heldCount === undefined) {
      const { l0, l1, l2 } = heldBlocks(this.tree, this.image);
      this.#heldCount = l0.size + l1.size + l2.size;
    }
    return this.#heldCount;
  }

  /** Runs a change that allocates at most `bound` blocks; when there may be too few, so that it can be undone. */
  change<T>(bound: number, change: () => T): T {
    if (this.blocks.freeBlocks < bound) {
      const [inodes, entries] = [new Set(this.dirtyInodeBlocks), new Set(this.dirtyDirectoryBlocks)];
      return this.atomically(this.image.fork(), inodes, entries, change);
    }
    this.#heldCount = undefined;
    return change();
  }

  /** Runs a change on a draft that becomes the active image; if it fails, all is as it was. */
  atomically<T>(draft: Image, dirtyInodes: Set<number>, dirtyEntries: Set<number>, change: () => T): T {
    const before = [this.image, this.dirtyInodeBlocks, this.dirtyDirectoryBlocks] as const;
    this.replaceImage(draft, dirtyInodes, dirtyEntries);
    try {
      const result = change();
      before[0].dispose();
      return result;
    } catch (error) {
      draft.dispose();
      this.replaceImage(...before);
      throw error;
    }
  }

  /** Puts another image in place of the active one, which stays the caller's to dispose of. */
  replaceImage(image: Image, dirtyInodes: Set<number>, dirtyEntries: Set<number>): void {
    this.image = image;
    this.dirtyInodeBlocks = dirtyInodes;
    this.dirtyDirectoryBlocks = dirtyEntries;
    this.generation++;
    this.#heldCount = undefined;
  }

  /** The inode, to be changed. @throws VolumeModelError `WAFL_NOT_FOUND` */
  edit(number: number): InodeRecord {
    const record = this.image.edit(number, this.generation, this.blocks);
    if (record === undefined) throw new VolumeModelError('WAFL_NOT_FOUND', `no inode ${number}`);
    this.#touchInode(number);
    return record;
  }

  /** @param given what the caller said: a clone's own attributes may come from elsewhere */
  addFile(place: Place, type: InodeType, attributes: AttributeChanges, given = attributes): number {
    const number = this.image.inodes.firstFree(FIRST_FREE_INODE);
    this.addInode(number, type, attributes, 1);
    this.addName({ ...place, child: number }, given);
    return number;
  }

  addInode(number: number, type: InodeType, attributes: AttributeChanges, links: number): void {
    const generation = type === 'metafile' ? 0 : this.nextInodeGeneration++;
    const defaults = { mode: DEFAULT_MODES[type], uid: 0, gid: 0, mtime: 0, sizeBytes: 0, xattrInode: 0 };
    const { mode = defaults.mode, uid = 0, gid = 0, mtime = 0 } = attributes;
    const record = new InodeRecord(
      { ...defaults, number, generation, type, links, mode, uid, gid, mtime },
      this.generation,
    );
    this.image.inodes.set(number, record, this.generation);
    this.#touchInode(number);
  }

  removeInode(number: number): void {
    this.image.inodes.set(number, undefined, this.generation);
    this.#touchInode(number);
  }

  addName(entry: DirectoryEntry, { mtime }: Pick<AttributeChanges, 'mtime'>): void {
    this.#touchSlot(this.image.names.add(entry, this.generation));
    this.touchDirectory(entry.parent, mtime);
  }

  /** Takes a name away, and with its last name the inode. */
  removeName({ parent, name, child }: DirectoryEntry): void {
    this.#touchSlot(this.image.names.remove(parent, name, this.generation));
    const record = this.edit(child);
    record.links--;
    if (record.links > 0) return;
    if (record.xattrInode !== 0) this.removeInode(record.xattrInode);
    this.removeInode(child);
  }

  touchDirectory(number: number, mtime: number | undefined): void {
    if (mtime !== undefined) this.edit(number).mtime = mtime;
  }

  /** The inode with attributes from elsewhere and a tree of the right size; with another generation it starts empty. */
  replaceAttributes(attributes: InodeAttributes): InodeRecord {
    const before = this.image.inodes.get(attributes.number);
    const record = new InodeRecord(attributes, this.generation);
    if (before?.generation === attributes.generation) {
      record.height = before.height;
      record.topmost = before.topmost.slice();
      for (const vvbn of record.topmost) if (vvbn !== HOLE) this.blocks.retain(vvbn);
    }
    this.image.inodes.set(attributes.number, record, this.generation);
    this.#touchInode(attributes.number);
    this.nextInodeGeneration = Math.max(this.nextInodeGeneration, attributes.generation + 1);
    this.tree.resize(record, blocksOf(attributes.sizeBytes), this.generation);
    return record;
  }

  setAttributes(number: number, { mode, uid, gid, mtime }: AttributeChanges): void {
    if (mode === undefined && uid === undefined && gid === undefined && mtime === undefined) return;
    const record = this.edit(number);
    record.mode = mode ?? record.mode;
    record.uid = uid ?? record.uid;
    record.gid = gid ?? record.gid;
    record.mtime = mtime ?? record.mtime;
  }

  /** @param bytes the content of the stream inode; none removes it */
  setXattrs(number: number, bytes: Uint8Array): void {
    const record = this.edit(number);
    if (bytes.length === 0) {
      if (record.xattrInode !== 0) this.removeInode(record.xattrInode);
      record.xattrInode = 0;
      return;
    }
    if (record.xattrInode === 0) {
      record.xattrInode = this.image.inodes.firstFree(FIRST_FREE_INODE);
      this.addInode(record.xattrInode, 'stream', {}, 1);
    }
    this.truncateContent(record.xattrInode, 0);
    this.writeContent(record.xattrInode, 0, bytes);
  }

  /** Puts an entry, or nothing, in a slot of the directory metafile. */
  placeEntry(slot: number, entry: DirectoryEntry | undefined): void {
    this.image.names.place(slot, entry, this.generation);
    this.#touchSlot(slot);
  }

  /** The most blocks that writing a byte range can allocate. */
  writeBound(offset: number, length: number): number {
    const blocks = blocksOf(offset + length) - Math.floor(offset / BLOCK_SIZE);
    const span = this.tree.span(1);
    return blocks + Math.ceil(blocks / span) + Math.ceil(blocks / span / span) + 8;
  }

  writeContent(number: number, offset: number, bytes: Uint8Array): void {
    const record = this.edit(number);
    const end = offset + bytes.length;
    record.sizeBytes = Math.max(record.sizeBytes, end);
    this.tree.resize(record, blocksOf(record.sizeBytes), this.generation);
    const fbns = range(Math.floor(offset / BLOCK_SIZE), blocksOf(end));
    const { scratch } = this.blocks;
    this.tree.assign(record, fbns, this.generation, (fbn, before) => {
      const start = fbn * BLOCK_SIZE;
      const from = Math.max(0, offset - start);
      const to = Math.min(BLOCK_SIZE, end - start);
      if (to - from < BLOCK_SIZE) this.#load(before);
      scratch.set(bytes.subarray(start + from - offset, start + to - offset), from);
      return this.blocks.put(scratch, this.generation);
    });
  }

  /** Zeros from `offset` up to `end`, within the file's size: whole blocks become holes. */
  zero(number: number, offset: number, end: number): void {
    const record = this.edit(number);
    const firstWhole = blocksOf(offset);
    const endWhole = end === record.sizeBytes ? blocksOf(end) : Math.floor(end / BLOCK_SIZE);
    if (firstWhole > endWhole) {
      this.#zeroWithinBlock(record, offset, end);
      return;
    }
    this.#zeroWithinBlock(record, offset, firstWhole * BLOCK_SIZE);
    this.tree.clear(record, firstWhole, endWhole, this.generation);
    this.#zeroWithinBlock(record, endWhole * BLOCK_SIZE, end);
  }

  truncateContent(number: number, sizeBytes: number): void {
    const record = this.edit(number);
    this.tree.resize(record, blocksOf(sizeBytes), this.generation);
    // What lies beyond the end of a file is zeros, so that growing it again shows no old data.
    if (sizeBytes < record.sizeBytes) this.#zeroWithinBlock(record, sizeBytes, blocksOf(sizeBytes) * BLOCK_SIZE);
    record.sizeBytes = sizeBytes;
  }

  /** All file blocks of an inode that are not holes, and what they point at. */
  mappedBlocks(record: InodeRecord): { readonly fbns: Uint32Array; readonly vvbns: Uint32Array } {
    const fbns: number[] = [];
    const vvbns: number[] = [];
    this.tree.visit(record, (vvbn, level, fbn) => {
      if (level !== 0) return;
      fbns.push(fbn);
      vvbns.push(vvbn);
    });
    return { fbns: Uint32Array.from(fbns), vvbns: Uint32Array.from(vvbns) };
  }

  /** Points file blocks (ascending) at blocks that are there already. */
  shareBlocks(record: InodeRecord, fbns: Uint32Array, vvbns: Uint32Array): void {
    this.tree.assign(record, fbns, this.generation, (_fbn, _before, position) => {
      const vvbn = (vvbns[position] ?? HOLE) as Vvbn;
      this.blocks.retain(vvbn);
      return vvbn;
    });
  }

  /** Brings the metafiles up to date with the tables. */
  writeMetafiles(): void {
    const { inodes, names } = this.image;
    const inodeBlocks = Math.floor(inodes.lastIndex() / INODE_SLOTS_PER_BLOCK) + 1;
    this.#writeMetafile(INODE_METAFILE, this.dirtyInodeBlocks, inodeBlocks, (fbn, target) =>
      encodeInodeBlock(fbn, (number) => inodes.get(number), target),
    );
    const entryBlocks = Math.floor(names.table.lastIndex() / DIRECTORY_SLOTS_PER_BLOCK) + 1;
    this.#writeMetafile(DIRECTORY_METAFILE, this.dirtyDirectoryBlocks, entryBlocks, (fbn, target) =>
      encodeDirectoryBlock(fbn, (slot) => names.table.get(slot), target),
    );
    this.dirtyInodeBlocks.clear();
    this.dirtyDirectoryBlocks.clear();
  }

  /** Writes those of the blocks named whose content differs: an unchanged block keeps its VVBN. */
  #writeMetafile(
    number: number,
    dirty: ReadonlySet<number>,
    blocks: number,
    encode: (fbn: number, target: Uint8Array) => boolean,
  ): void {
    const existing = this.image.inodes.get(number);
    const { scratch } = this.blocks;
    const changed: number[] = [];
    const unused: number[] = [];
    for (const fbn of [...dirty].sort((a, b) => a - b)) {
      if (fbn >= blocks) continue;
      const before = existing === undefined ? HOLE : this.tree.pointer(existing, fbn);
      if (!encode(fbn, scratch)) unused.push(fbn);
      else if (before === HOLE || !sameBytes(this.blocks.content(before), scratch)) changed.push(fbn);
    }
    const sizeBytes = blocks * BLOCK_SIZE;
    if (existing?.sizeBytes === sizeBytes && changed.length + unused.length === 0) return;
    if (existing === undefined) this.addInode(number, 'metafile', {}, 1);
    const record = this.edit(number);
    record.sizeBytes = sizeBytes;
    this.tree.resize(record, blocks, this.generation);
    for (const fbn of unused) this.tree.clear(record, fbn, fbn + 1, this.generation);
    this.tree.assign(record, Uint32Array.from(changed), this.generation, (fbn) => {
      encode(fbn, scratch);
      return this.blocks.put(scratch, this.generation);
    });
  }

  /** Writes zeros over a part of one block, unless that is what it has there. */
  #zeroWithinBlock(record: InodeRecord, offset: number, end: number): void {
    if (offset >= end) return;
    const fbn = Math.floor(offset / BLOCK_SIZE);
    const vvbn = this.tree.pointer(record, fbn);
    if (vvbn === HOLE) return;
    const from = offset - fbn * BLOCK_SIZE;
    const to = end - fbn * BLOCK_SIZE;
    const part = this.blocks.content(vvbn).subarray(from, to);
    if (part.every((byte) => byte === 0)) return;
    this.tree.assign(record, Uint32Array.of(fbn), this.generation, () => {
      this.#load(vvbn);
      this.blocks.scratch.fill(0, from, to);
      return this.blocks.put(this.blocks.scratch, this.generation);
    });
  }

  /** Puts a block's content, zeros for a hole, in the scratch block. */
  #load(vvbn: Vvbn): void {
    if (vvbn === HOLE) this.blocks.scratch.fill(0);
    else this.blocks.copyContent(vvbn, this.blocks.scratch, 0);
  }

  #touchInode(number: number): void {
    if (number >= ROOT_INODE) this.dirtyInodeBlocks.add(Math.floor(number / INODE_SLOTS_PER_BLOCK));
  }

  #touchSlot(slot: number): void {
    this.dirtyDirectoryBlocks.add(Math.floor(slot / DIRECTORY_SLOTS_PER_BLOCK));
  }
}

function range(first: number, end: number): Uint32Array {
  const numbers = new Uint32Array(end - first);
  for (let i = 0; i < numbers.length; i++) numbers[i] = first + i;
  return numbers;
}
