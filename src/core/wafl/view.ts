/** Core: reading one image of a volume: a snapshot, or the active file system as it is at the moment of each call. */
import { VolumeModelError } from '../../errors.ts';
import { Bitmap } from './bitmap.ts';
import type { BlockStore, Level, Vvbn } from './blocks.ts';
import { type Image, ROOT_INODE } from './image.ts';
import type { BlockVisitor, Inode, InodeRecord, InodeTree } from './inode-tree.ts';
import { type DirectoryEntry, pathParts } from './namespace.ts';

/** What a snapshot is called by. */
export interface SnapshotInfo {
  readonly name: string;
  readonly uuid: string;
  /** Epoch milliseconds, as given by whoever created it. */
  readonly createdAt: number;
  /** The SnapMirror label that policy rules select by. */
  readonly label?: string | undefined;
  readonly comment?: string | undefined;
}

/** A path, or the number of an inode. */
export type FileReference = string | number;

/** The VVBNs that an image holds, by level. */
export interface HeldBlocks {
  readonly l0: Bitmap;
  readonly l1: Bitmap;
  readonly l2: Bitmap;
}

export interface DirectoryListing extends DirectoryEntry {
  readonly inode: Inode;
}

export class VolumeView {
  /** Absent for the active file system. */
  readonly snapshot: SnapshotInfo | undefined;
  readonly #blocks: BlockStore;
  readonly #tree: InodeTree;
  readonly #image: () => Image;
  #held: HeldBlocks | undefined;

  /** @param image gives the image, or throws when it is gone */
  constructor(blocks: BlockStore, tree: InodeTree, image: () => Image, snapshot?: SnapshotInfo) {
    this.#blocks = blocks;
    this.#tree = tree;
    this.#image = image;
    this.snapshot = snapshot;
  }

  /** The parts of the volume under this view, for the comparisons and transfers of this folder. */
  get internals(): { readonly blocks: BlockStore; readonly tree: InodeTree; readonly image: Image } {
    return { blocks: this.#blocks, tree: this.#tree, image: this.#image() };
  }

  /** Pointers in an indirect block. */
  get pointersPerBlock(): number {
    return this.#blocks.pointersPerBlock;
  }

  get inodeCount(): number {
    return this.#image().inodes.size;
  }

  /**
   * All inodes by ascending number, the two metafiles first. In the active view the metafiles show the state of the
   * last snapshot: they are written when a snapshot is created.
   */
  *inodes(): Generator<Inode, void, undefined> {
    for (const [, record] of this.#image().inodes.entries()) yield record.describe();
  }

  inode(number: number): Inode | undefined {
    return this.#image().inodes.get(number)?.describe();
  }

  /** The inode that a path leads to; symbolic links are not followed. */
  lookup(path: string): Inode | undefined {
    const image = this.#image();
    const number = findInode(image, path);
    return number === undefined ? undefined : image.inodes.get(number)?.describe();
  }

  exists(path: string): boolean {
    return findInode(this.#image(), path) !== undefined;
  }

  /** The entries of a directory by name. @throws VolumeModelError `WAFL_NOT_FOUND`, `WAFL_NOT_DIRECTORY` */
  list(directory: FileReference = '/'): DirectoryListing[] {
    const image = this.#image();
    const record = resolve(image, directory);
    if (record.type !== 'directory') {
      throw new VolumeModelError('WAFL_NOT_DIRECTORY', `${directory} is not a directory`, { object: `${directory}` });
    }
    return image.names.list(record.number).map((entry) => {
      return { ...entry, inode: resolve(image, entry.child).describe() };
    });
  }

  /** Every name in the volume but the root, as paths; a directory comes before what is in it, names in order. */
  *walk(): Generator<{ readonly path: string; readonly inode: Inode }, void, undefined> {
    const pending: { path: string; inode: Inode }[] = [{ path: '', inode: resolve(this.#image(), '/').describe() }];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (at.path !== '') yield at;
      if (at.inode.type !== 'directory') continue;
      for (const { name, inode } of this.list(at.inode.number).reverse()) {
        pending.push({ path: `${at.path}/${name}`, inode });
      }
    }
  }

  /**
   * Content from `offset` on, cut off at the end of the file; holes read as zeros. Works on anything with content:
   * files, symbolic links (the target's UTF-8), streams and metafiles.
   */
  read(file: FileReference, offset = 0, length = Number.POSITIVE_INFINITY): Uint8Array {
    const record = resolve(this.#image(), file);
    const end = Math.min(record.sizeBytes, offset + length);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    this.#tree.read(record, offset, bytes);
    return bytes;
  }

  /** Where a symbolic link points to. @throws VolumeModelError `WAFL_INVALID` when it is none */
  readLink(link: FileReference): string {
    if (resolve(this.#image(), link).type !== 'symlink') {
      throw new VolumeModelError('WAFL_INVALID', `${link} is not a symbolic link`, { object: `${link}` });
    }
    return new TextDecoder().decode(this.read(link));
  }

  /** Extended attributes by name, sorted. */
  xattrs(file: FileReference): Map<string, Uint8Array> {
    const record = resolve(this.#image(), file);
    return record.xattrInode === 0 ? new Map() : decodeXattrs(this.read(record.xattrInode));
  }

  /** The block at an FBN of a file, `HOLE` where nothing is mapped. */
  pointer(file: FileReference, fbn: number): Vvbn {
    return this.#tree.pointer(resolve(this.#image(), file), fbn);
  }

  /** Calls `visitor` for each mapped block of an inode, a parent before its children, in ascending order of FBN. */
  visitBlocks(file: FileReference, visitor: BlockVisitor): void {
    this.#tree.visit(resolve(this.#image(), file), visitor);
  }

  /** The pointers in an indirect block, 0 for holes. Not to be changed by the reader. */
  children(indirect: Vvbn): Uint32Array {
    return this.#blocks.pointers(indirect);
  }

  level(vvbn: Vvbn): Level {
    return this.#blocks.level(vvbn);
  }

  /** The 4096 bytes of a level 0 block. Not to be changed; valid until the block is freed: copy to keep. */
  content(vvbn: Vvbn): Uint8Array {
    return this.#blocks.content(vvbn);
  }

  /** Copies a level 0 block into `target` at `at`, without an allocation. */
  copyContent(vvbn: Vvbn, target: Uint8Array, at: number): void {
    this.#blocks.copyContent(vvbn, target, at);
  }

  /** Every VVBN this image holds, by level, metafiles included. Kept for snapshots, made anew for the active view. */
  held(): HeldBlocks {
    const image = this.#image();
    if (this.#held !== undefined) return this.#held;
    const held = heldBlocks(this.#tree, image);
    if (this.snapshot !== undefined) this.#held = held;
    return held;
  }
}

export function heldBlocks(tree: InodeTree, image: Image): HeldBlocks {
  const levels = [new Bitmap(), new Bitmap(), new Bitmap()] as const;
  for (const [, record] of image.inodes.entries()) {
    tree.visit(record, (vvbn, level) => {
      levels[level].add(vvbn);
    });
  }
  return { l0: levels[0], l1: levels[1], l2: levels[2] };
}

export function findInode(image: Image, path: string): number | undefined {
  let at = ROOT_INODE;
  for (const part of pathParts(path)) {
    const next = image.names.lookup(at, part);
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

/** @throws VolumeModelError `WAFL_NOT_FOUND` */
export function resolve(image: Image, file: FileReference): InodeRecord {
  const number = typeof file === 'number' ? file : findInode(image, file);
  const record = number === undefined ? undefined : image.inodes.get(number);
  if (record === undefined) {
    const what = typeof file === 'number' ? `inode ${file}` : file;
    throw new VolumeModelError('WAFL_NOT_FOUND', `no such file: ${what}`, { object: what });
  }
  return record;
}

/** Content of a stream inode: for each attribute u16 name length, u32 value length (little endian), name in UTF-8, value. */
export function encodeXattrs(attributes: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const name of [...attributes.keys()].sort()) {
    const value = attributes.get(name) ?? new Uint8Array();
    const key = new TextEncoder().encode(name);
    const header = new DataView(new ArrayBuffer(6));
    header.setUint16(0, key.length, true);
    header.setUint32(2, value.length, true);
    parts.push(new Uint8Array(header.buffer), key, value);
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** @throws VolumeModelError `WAFL_CORRUPT` */
export function decodeXattrs(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes = new Map<string, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    if (at + 6 > bytes.length) throw new VolumeModelError('WAFL_CORRUPT', 'extended attributes are cut off');
    const name = at + 6;
    const value = name + view.getUint16(at, true);
    const end = value + view.getUint32(at + 2, true);
    if (end > bytes.length) throw new VolumeModelError('WAFL_CORRUPT', 'extended attributes are cut off');
    const key = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(name, value));
    attributes.set(key, bytes.slice(value, end));
    at = end;
  }
  return attributes;
}
