/**
 * Core: a WAFL-like volume in memory. Pure: no I/O, no clock, no randomness; times and uuids are given by the caller.
 *
 * Files are trees of 4096-byte blocks, every block has a VVBN, nothing is overwritten: new content goes to new blocks,
 * and a snapshot is the image as it was, sharing all that has not changed since. Every operation either happens whole
 * or throws a VolumeModelError and leaves the volume as it was.
 *
 * Inode attributes and directory entries are written to the two metafiles when a snapshot is created, as a consistency
 * point does; see metafiles.ts for their layout.
 */
import { VolumeModelError } from '../../errors.ts';
import { Bitmap } from './bitmap.ts';
import {
  ALLOCATION_ORDERS,
  type AllocationOrder,
  BLOCK_SIZE,
  BlockStore,
  blocksOf,
  HOLE,
  type SavedBlocks,
  type Vvbn,
} from './blocks.ts';
import { checkVolume } from './check.ts';
import { planDedupe } from './dedupe.ts';
import { type AttributeChanges, FileSystem, type Place } from './file-system.ts';
import { Image, ROOT_INODE } from './image.ts';
import { type Inode, type InodeRecord, InodeTree } from './inode-tree.ts';
import { checkName, type DirectoryEntry, pathParts } from './namespace.ts';
import { loadImage, type SavedImage, saveImage } from './saved-image.ts';
import { applyToActive, TRANSFER_FORMAT, type VolumeTransfer } from './transfer.ts';
import { encodeXattrs, type FileReference, findInode, resolve, type SnapshotInfo, VolumeView } from './view.ts';

export interface VolumeOptions {
  readonly capacityBlocks: number;
  /** Pointers in an indirect block. Default 1024 (4096 bytes of 4); tests take fewer to get deep trees cheaply. */
  readonly pointersPerBlock?: number;
  /** Pointers in an inode, at most `pointersPerBlock`. Default 16. */
  readonly rootPointers?: number;
  /** Default `lowest-free`: a freed VVBN is reused first. */
  readonly allocation?: AllocationOrder;
  /** New data equal to a block of the volume shares it at once. Default off; see `dedupe`. */
  readonly inlineDedupe?: boolean;
}

export interface VolumeUsage {
  readonly capacityBlocks: number;
  readonly usedBlocks: number;
  readonly freeBlocks: number;
  /** Blocks that the active file system holds, metafiles included. */
  readonly activeBlocks: number;
  /** Blocks that only snapshots hold. */
  readonly snapshotBlocks: number;
}

export interface SnapshotUsage {
  readonly heldBlocks: number;
  /** Blocks that nothing else holds: what deleting the snapshot would free. */
  readonly exclusiveBlocks: number;
}

export interface DedupeResult {
  /** File blocks that now point at another, equal block. */
  readonly sharedFileBlocks: number;
  /** How many blocks fewer are in use; snapshots may keep the duplicates, and new indirect blocks count against it. */
  readonly freedBlocks: number;
}

/** A volume as plain data: survives structuredClone and v8.serialize. */
export interface SavedVolume {
  readonly format: 1;
  readonly options: Required<VolumeOptions>;
  readonly generation: number;
  readonly nextInodeGeneration: number;
  readonly blocks: SavedBlocks;
  /** Snapshots in order, then the active file system, each as what differs from the one before. */
  readonly images: readonly SavedImage[];
  readonly dirtyInodeBlocks: readonly number[];
  readonly dirtyDirectoryBlocks: readonly number[];
}

interface Snapshot {
  info: SnapshotInfo;
  readonly image: Image;
  view: VolumeView;
  deleted: boolean;
}

export class WaflVolume {
  readonly #options: Required<VolumeOptions>;
  readonly #blocks: BlockStore;
  readonly #tree: InodeTree;
  readonly #files: FileSystem;
  #snapshots: Snapshot[] = [];

  /** An empty volume with a root directory. @throws VolumeModelError `WAFL_INVALID` */
  constructor(options: VolumeOptions) {
    this.#options = completeOptions(options);
    this.#blocks = new BlockStore(this.#options);
    this.#tree = new InodeTree(this.#blocks, this.#options.rootPointers);
    this.#files = new FileSystem(this.#blocks, this.#tree, Image.empty(this.#blocks));
    this.#files.addInode(ROOT_INODE, 'directory', {}, 1);
  }

  /** A volume from what `save` gave. @throws VolumeModelError `WAFL_CORRUPT` */
  static load(saved: SavedVolume): WaflVolume {
    if (saved.format !== 1) throw new VolumeModelError('WAFL_CORRUPT', `saved volume of format ${saved.format}`);
    const volume = new WaflVolume(saved.options);
    volume.#files.image.dispose();
    volume.#files.image = Image.empty(volume.#blocks);
    volume.#blocks.load(saved.blocks);
    saved.images.forEach((image, i) => {
      loadImage(volume.#files.image, image, volume.#blocks, -1 - i);
      if (image.snapshot !== undefined) volume.#keepSnapshot(image.snapshot, volume.#files.image.fork());
    });
    volume.#files.generation = saved.generation;
    volume.#files.nextInodeGeneration = saved.nextInodeGeneration;
    volume.#files.dirtyInodeBlocks = new Set(saved.dirtyInodeBlocks);
    volume.#files.dirtyDirectoryBlocks = new Set(saved.dirtyDirectoryBlocks);
    for (const vvbn of volume.#blocks.allocated as Iterable<Vvbn>) {
      if (volume.#blocks.references(vvbn) > 0) continue;
      throw new VolumeModelError('WAFL_CORRUPT', `nothing in the saved volume leads to block ${vvbn}`);
    }
    return volume;
  }

  get capacityBlocks(): number {
    return this.#blocks.capacityBlocks;
  }

  get options(): Readonly<Required<VolumeOptions>> {
    return { ...this.#options, capacityBlocks: this.#blocks.capacityBlocks };
  }

  // Views

  /** The active file system, live: every call sees the volume as it is then. */
  activeView(): VolumeView {
    return new VolumeView(this.#blocks, this.#tree, () => this.#files.image);
  }

  /**
   * One snapshot. Once it is deleted, every call on the view throws `WAFL_NOT_FOUND`.
   * @throws VolumeModelError `WAFL_NOT_FOUND`
   */
  snapshotView(name: string): VolumeView {
    return this.#snapshot(name).view;
  }

  /** Content of the active file system; see `VolumeView.read`. */
  read(file: FileReference, offset = 0, length = Number.POSITIVE_INFINITY): Uint8Array {
    return this.activeView().read(file, offset, length);
  }

  lookup(path: string): Inode | undefined {
    return this.activeView().lookup(path);
  }

  exists(path: string): boolean {
    return findInode(this.#files.image, path) !== undefined;
  }

  // Files. Paths are absolute; symbolic links are not followed. Each returns the inode's number where it makes one.

  /** @throws VolumeModelError `WAFL_EXISTS`, `WAFL_NOT_FOUND` or `WAFL_NOT_DIRECTORY` (the parent), `WAFL_INVALID` */
  create(path: string, attributes: AttributeChanges = {}): number {
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    return this.#files.change(0, () => this.#files.addFile(place, 'file', attributes));
  }

  mkdir(path: string, attributes: AttributeChanges = {}): number {
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    return this.#files.change(0, () => this.#files.addFile(place, 'directory', attributes));
  }

  symlink(path: string, target: string, attributes: AttributeChanges = {}): number {
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    const bytes = new TextEncoder().encode(target);
    if (bytes.length === 0) throw invalid('a symbolic link needs a target', path);
    return this.#files.change(this.#files.writeBound(0, bytes.length), () => {
      const number = this.#files.addFile(place, 'symlink', attributes);
      this.#files.writeContent(number, 0, bytes);
      return number;
    });
  }

  /** One more name for a file. @throws VolumeModelError `WAFL_IS_DIRECTORY`, and as `create` */
  link(existing: FileReference, path: string, attributes: Pick<AttributeChanges, 'mtime'> = {}): void {
    const record = resolve(this.#files.image, existing);
    if (record.type === 'directory') throw isDirectory(existing);
    this.#requireUserInode(record, existing);
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    this.#files.change(0, () => {
      this.#files.edit(record.number).links++;
      this.#files.addName({ ...place, child: record.number }, attributes);
    });
  }

  /**
   * Gives a file or directory another name. What the new name led to is replaced only with `replace`, as by POSIX: a
   * directory by a directory and only when empty. Renaming a file to another name of itself does nothing.
   */
  rename(from: string, to: string, options: { readonly replace?: boolean; readonly mtime?: number } = {}): void {
    const source = this.#existingPlace(from);
    const record = resolve(this.#files.image, source.child);
    const target = this.#parentOf(to);
    checkAttributes(options);
    if (record.type === 'directory' && (to === from || `${to}/`.startsWith(`${from}/`))) {
      if (to === from) return;
      throw invalid(`${from} cannot move into itself`, to);
    }
    const replacedNumber = this.#files.image.names.lookup(target.parent, target.name);
    if (replacedNumber === record.number) return;
    if (replacedNumber !== undefined)
      this.#checkReplaceable(record, resolve(this.#files.image, replacedNumber), to, options);
    this.#files.change(0, () => {
      if (replacedNumber !== undefined) this.#files.removeName({ ...target, child: replacedNumber });
      const slot = this.#files.image.names.remove(source.parent, source.name, this.#files.generation);
      this.#files.placeEntry(slot, { ...target, child: record.number });
      this.#files.touchDirectory(source.parent, options.mtime);
      this.#files.touchDirectory(target.parent, options.mtime);
    });
  }

  /** Removes a name; with its last name the file goes. @throws VolumeModelError `WAFL_NOT_EMPTY`, `WAFL_NOT_FOUND` */
  remove(path: string, options: { readonly mtime?: number } = {}): void {
    const place = this.#existingPlace(path);
    checkAttributes(options);
    const record = resolve(this.#files.image, place.child);
    if (record.type === 'directory' && !this.#files.image.names.isEmpty(record.number)) throw notEmpty(path);
    this.#files.change(0, () => {
      this.#files.removeName(place);
      this.#files.touchDirectory(place.parent, options.mtime);
    });
  }

  /**
   * Writes at a byte offset; the file grows as needed, what lies between stays a hole.
   * @throws VolumeModelError `WAFL_NO_SPACE`, `WAFL_FILE_TOO_LARGE`, `WAFL_NOT_FOUND`, `WAFL_IS_DIRECTORY`, `WAFL_INVALID`
   */
  write(file: FileReference, offset: number, bytes: Uint8Array, options: { readonly mtime?: number } = {}): void {
    const { number } = this.#regularFile(file);
    checkWhole(offset, 'offset');
    checkAttributes(options);
    this.#tree.heightFor(blocksOf(offset + bytes.length));
    this.#files.change(this.#files.writeBound(offset, bytes.length), () => {
      if (bytes.length > 0) this.#files.writeContent(number, offset, bytes);
      this.#files.setAttributes(number, options);
    });
  }

  /** Turns a byte range into zeros: whole blocks become holes. The size stays. */
  punchHole(file: FileReference, offset: number, length: number, options: { readonly mtime?: number } = {}): void {
    const { number, sizeBytes } = this.#regularFile(file);
    checkWhole(offset, 'offset');
    checkWhole(length, 'length');
    checkAttributes(options);
    const end = Math.min(offset + length, sizeBytes);
    this.#files.change(8, () => {
      if (offset < end) this.#files.zero(number, offset, end);
      this.#files.setAttributes(number, options);
    });
  }

  /** Sets the size: what is cut off is gone, what is added is a hole. */
  truncate(file: FileReference, sizeBytes: number, options: { readonly mtime?: number } = {}): void {
    const { number } = this.#regularFile(file);
    checkWhole(sizeBytes, 'size');
    checkAttributes(options);
    this.#tree.heightFor(blocksOf(sizeBytes));
    this.#files.change(8, () => {
      this.#files.truncateContent(number, sizeBytes);
      this.#files.setAttributes(number, options);
    });
  }

  setAttributes(file: FileReference, attributes: AttributeChanges): void {
    const record = resolve(this.#files.image, file);
    this.#requireUserInode(record, file);
    checkAttributes(attributes);
    this.#files.change(0, () => this.#files.setAttributes(record.number, attributes));
  }

  /** Sets one extended attribute, or removes it with `undefined`. */
  setXattr(file: FileReference, name: string, value: Uint8Array | undefined): void {
    const record = resolve(this.#files.image, file);
    this.#requireUserInode(record, file);
    checkName(name);
    const attributes = this.activeView().xattrs(record.number);
    if (value === undefined) attributes.delete(name);
    else attributes.set(name, value);
    const bytes = encodeXattrs(attributes);
    this.#tree.heightFor(blocksOf(bytes.length));
    this.#files.change(this.#files.writeBound(0, bytes.length), () => this.#files.setXattrs(record.number, bytes));
  }

  /**
   * A new file that shares all blocks of another one (ONTAP's file clone).
   * @throws VolumeModelError as `create`, and `WAFL_NO_SPACE` for the indirect blocks, which are never shared by files
   */
  cloneFile(from: FileReference, path: string, attributes: AttributeChanges = {}): number {
    const source = this.#regularFile(from);
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    const { mode, uid, gid, mtime } = source;
    const mapped = this.#files.mappedBlocks(source);
    return this.#files.change(this.#tree.assignmentBound(mapped.fbns), () => {
      const number = this.#files.addFile(place, 'file', { mode, uid, gid, mtime, ...attributes }, attributes);
      const record = this.#files.edit(number);
      record.sizeBytes = source.sizeBytes;
      this.#tree.resize(record, blocksOf(source.sizeBytes), this.#files.generation);
      this.#files.shareBlocks(record, mapped.fbns, mapped.vvbns);
      return number;
    });
  }

  /**
   * Makes blocks of one file share those of another, or of another place in the same file (ONTAP's range clone). The
   * unit is the block; the target grows as needed.
   */
  cloneRange(
    from: FileReference,
    fromFbn: number,
    to: FileReference,
    toFbn: number,
    count: number,
    options: { readonly mtime?: number } = {},
  ): void {
    const source = this.#regularFile(from);
    const { number } = this.#regularFile(to);
    for (const value of [fromFbn, toFbn, count]) checkWhole(value, 'block number');
    checkAttributes(options);
    if (fromFbn + count > blocksOf(source.sizeBytes)) throw invalid('the range goes beyond the end of the file', from);
    this.#tree.heightFor(toFbn + count);
    if (count === 0) return;
    const pointers = Array.from({ length: count }, (_, i) => this.#tree.pointer(source, fromFbn + i));
    const vvbns = Uint32Array.from(pointers.filter((vvbn) => vvbn !== HOLE));
    const fbns = Uint32Array.from(pointers.flatMap((vvbn, i) => (vvbn === HOLE ? [] : [toFbn + i])));
    this.#files.change(this.#tree.assignmentBound(fbns) + 8, () => {
      // Held while the target is changed: it may be the same file.
      for (const vvbn of vvbns) this.#blocks.retain(vvbn as Vvbn);
      try {
        // A range that ends with its file may end inside a block: so does the copy.
        const end = Math.min((fromFbn + count) * BLOCK_SIZE, source.sizeBytes) + (toFbn - fromFbn) * BLOCK_SIZE;
        const record = this.#files.edit(number);
        record.sizeBytes = Math.max(record.sizeBytes, end);
        this.#tree.resize(record, blocksOf(record.sizeBytes), this.#files.generation);
        this.#tree.clear(record, toFbn, toFbn + count, this.#files.generation);
        this.#files.shareBlocks(record, fbns, vvbns);
        this.#files.setAttributes(number, options);
      } finally {
        for (const vvbn of vvbns) this.#blocks.release(vvbn as Vvbn);
      }
    });
  }

  // Snapshots

  /** Snapshots in the order of their creation. */
  snapshots(): SnapshotInfo[] {
    return this.#snapshots.map(({ info }) => info);
  }

  /**
   * Writes the metafiles and keeps the image under a name. O(inodes and entries changed).
   * @throws VolumeModelError `WAFL_EXISTS` for a name or uuid there is already, `WAFL_NO_SPACE` for the metafiles
   */
  createSnapshot(name: string, facts: Omit<SnapshotInfo, 'name'>): SnapshotInfo {
    const info = { ...facts, name };
    this.#requireNewSnapshot(info);
    const bound = 6 * (this.#files.dirtyInodeBlocks.size + this.#files.dirtyDirectoryBlocks.size) + 8;
    return this.#files.change(bound, () => this.#takeSnapshot(info));
  }

  /** Blocks that only this snapshot holds become free. @throws VolumeModelError `WAFL_NOT_FOUND` */
  deleteSnapshot(name: string): void {
    const snapshot = this.#snapshot(name);
    this.#snapshots = this.#snapshots.filter((other) => other !== snapshot);
    snapshot.deleted = true;
    snapshot.image.dispose();
  }

  /** Renames a snapshot, or changes its label or comment. Views of it stay valid; they keep the facts they had. */
  updateSnapshot(name: string, facts: Partial<Pick<SnapshotInfo, 'name' | 'label' | 'comment'>>): SnapshotInfo {
    const snapshot = this.#snapshot(name);
    const info = { ...snapshot.info, ...facts };
    if (info.name !== name) checkName(info.name);
    if (info.name !== name && this.#snapshots.some((other) => other.info.name === info.name)) {
      throw new VolumeModelError('WAFL_EXISTS', `there is a snapshot ${info.name}`, { object: info.name });
    }
    snapshot.info = info;
    snapshot.view = this.#viewOf(snapshot);
    return info;
  }

  /** Makes the active file system what the snapshot is (SnapRestore), and with `deleteNewer` drops later snapshots. */
  restoreSnapshot(name: string, options: { readonly deleteNewer?: boolean } = {}): void {
    const snapshot = this.#snapshot(name);
    const before = this.#files.image;
    this.#files.replaceImage(snapshot.image.fork(), new Set(), new Set());
    before.dispose();
    if (!options.deleteNewer) return;
    const newer = this.#snapshots.slice(this.#snapshots.indexOf(snapshot) + 1);
    for (const { info } of newer) this.deleteSnapshot(info.name);
  }

  /**
   * A new volume whose active file system is this snapshot, which it has as its only snapshot (FlexClone). VVBNs are the
   * same in both at first; content is shared in memory until one of the two writes near it.
   */
  clone(
    snapshotName: string,
    options: Partial<Pick<VolumeOptions, 'capacityBlocks' | 'allocation' | 'inlineDedupe'>> = {},
  ): WaflVolume {
    const { info, image, view } = this.#snapshot(snapshotName);
    const clone = new WaflVolume({ ...this.options, ...options });
    const { l0, l1, l2 } = view.held();
    if (l0.size + l1.size + l2.size > clone.capacityBlocks) {
      throw new VolumeModelError('WAFL_NO_SPACE', `${snapshotName} does not fit in ${clone.capacityBlocks} blocks`);
    }
    clone.#files.image.dispose();
    clone.#files.image = Image.empty(clone.#blocks);
    for (const level of [l0, l1, l2]) clone.#blocks.adopt(this.#blocks, level);
    clone.#blocks.retainChildren();
    loadImage(clone.#files.image, saveImage(undefined, image, info), clone.#blocks, -1);
    clone.#keepSnapshot(info, clone.#files.image.fork());
    clone.#files.generation = this.#files.generation + 1;
    clone.#files.nextInodeGeneration = this.#files.nextInodeGeneration;
    clone.#files.dirtyInodeBlocks.clear();
    clone.#files.dirtyDirectoryBlocks.clear();
    return clone;
  }

  // Space

  /** Changes the capacity. @throws VolumeModelError `WAFL_NO_SPACE` when more blocks are in use */
  setCapacity(capacityBlocks: number): void {
    checkWhole(capacityBlocks, 'capacity');
    this.#blocks.setCapacity(capacityBlocks);
  }

  usage(): VolumeUsage {
    const { capacityBlocks, usedBlocks, freeBlocks } = this.#blocks;
    const activeBlocks = this.#files.heldCount;
    return { capacityBlocks, usedBlocks, freeBlocks, activeBlocks, snapshotBlocks: usedBlocks - activeBlocks };
  }

  snapshotUsage(name: string): SnapshotUsage {
    const snapshot = this.#snapshot(name);
    const others = this.#snapshots.filter((other) => other !== snapshot);
    const elsewhere = [this.activeView(), ...others.map(({ view }) => view)].map((view) => view.held());
    const held = snapshot.view.held();
    let heldCount = 0;
    let exclusiveBlocks = 0;
    for (const level of ['l0', 'l1', 'l2'] as const) {
      const shared = new Bitmap();
      for (const other of elsewhere) shared.addAll(other[level]);
      heldCount += held[level].size;
      exclusiveBlocks += held[level].size - held[level].sharedWith(shared);
    }
    return { heldBlocks: heldCount, exclusiveBlocks };
  }

  /**
   * Makes equal data blocks of the active file system one block; the oldest stays, so that what a snapshot holds is
   * preferred. Snapshots stay as they are.
   * @throws VolumeModelError `WAFL_NO_SPACE` when there is no room for new indirect blocks
   */
  dedupe(): DedupeResult {
    const before = this.#blocks.usedBlocks;
    const plans = planDedupe(this.#files);
    const bound = plans.reduce((sum, { fbns }) => sum + this.#tree.assignmentBound(fbns), 0);
    this.#files.change(bound, () => {
      for (const { number, fbns, vvbns } of plans) this.#files.shareBlocks(this.#files.edit(number), fbns, vvbns);
    });
    const sharedFileBlocks = plans.reduce((sum, { fbns }) => sum + fbns.length, 0);
    return { sharedFileBlocks, freedBlocks: before - this.#blocks.usedBlocks };
  }

  // Replication

  /**
   * Makes the active file system what the transfer's snapshot is at its source, and creates that snapshot here. Whatever
   * the active file system had beyond the base snapshot is gone afterwards (as after a resync), and without a base all
   * of it.
   * @throws VolumeModelError `WAFL_NO_BASE` when the base snapshot is not here (by uuid), `WAFL_EXISTS` when the new one
   *   is, `WAFL_NO_SPACE`, `WAFL_CORRUPT`; in each case the volume is as it was
   */
  applyTransfer(transfer: VolumeTransfer): SnapshotInfo {
    if (transfer.format !== TRANSFER_FORMAT) {
      throw new VolumeModelError('WAFL_CORRUPT', `transfer format ${transfer.format} is not known`);
    }
    this.#requireNewSnapshot(transfer.snapshot);
    const { base } = transfer;
    const start = base && this.#snapshots.find(({ info }) => info.uuid === base.uuid);
    if (base !== undefined && start === undefined) {
      throw new VolumeModelError('WAFL_NO_BASE', `the volume has no snapshot ${base.name} with uuid ${base.uuid}`, {
        object: base.name,
        remedy: 'Find a snapshot that both volumes have, or start with a new baseline.',
      });
    }
    const draft = start?.image.fork() ?? Image.empty(this.#blocks);
    return this.#files.atomically(draft, new Set(), new Set(), () => {
      applyToActive(this.#files, transfer);
      return this.#takeSnapshot(transfer.snapshot);
    });
  }

  // Whole state

  save(): SavedVolume {
    const images: SavedImage[] = [];
    let before: Image | undefined;
    for (const { info, image } of this.#snapshots) {
      images.push(saveImage(before, image, info));
      before = image;
    }
    images.push(saveImage(before, this.#files.image, undefined));
    return {
      format: 1,
      options: this.options,
      generation: this.#files.generation,
      nextInodeGeneration: this.#files.nextInodeGeneration,
      blocks: this.#blocks.save(),
      images,
      dirtyInodeBlocks: [...this.#files.dirtyInodeBlocks],
      dirtyDirectoryBlocks: [...this.#files.dirtyDirectoryBlocks],
    };
  }

  /** Walks everything and says, a sentence each, what is not as it must be; empty when all is well. Slow: for tests. */
  check(): string[] {
    return checkVolume({
      blocks: this.#blocks,
      tree: this.#tree,
      active: this.#files.image,
      snapshots: this.#snapshots.map(({ info, image }) => ({ name: info.name, image })),
    });
  }

  #parentOf(path: string): Place {
    const parts = pathParts(path);
    const name = parts.pop();
    if (name === undefined) throw invalid('the root directory stays as it is', path);
    const parentPath = `/${parts.join('/')}`;
    const parent = resolve(this.#files.image, parentPath);
    if (parent.type !== 'directory') {
      throw new VolumeModelError('WAFL_NOT_DIRECTORY', `${parentPath} is not a directory`, { object: path });
    }
    return { parent: parent.number, name };
  }

  #newPlace(path: string): Place {
    if (path === '/') throw alreadyThere(path);
    const place = this.#parentOf(path);
    if (this.#files.image.names.lookup(place.parent, place.name) !== undefined) throw alreadyThere(path);
    return place;
  }

  #existingPlace(path: string): DirectoryEntry {
    const child = resolve(this.#files.image, path).number;
    return { ...this.#parentOf(path), child };
  }

  #regularFile(file: FileReference): InodeRecord {
    const record = resolve(this.#files.image, file);
    if (record.type === 'directory') throw isDirectory(file);
    if (record.type !== 'file') throw invalid(`${file} is a ${record.type}, not a file`, file);
    return record;
  }

  #requireUserInode(record: InodeRecord, file: FileReference): void {
    if (record.type === 'metafile' || record.type === 'stream') throw invalid(`${file} is the volume's own`, file);
  }

  #checkReplaceable(
    record: InodeRecord,
    replaced: InodeRecord,
    path: string,
    options: { readonly replace?: boolean },
  ): void {
    if (!options.replace) throw alreadyThere(path);
    if (replaced.type !== 'directory') {
      if (record.type !== 'directory') return;
      throw new VolumeModelError('WAFL_NOT_DIRECTORY', `${path} is not a directory`, { object: path });
    }
    if (record.type !== 'directory') throw isDirectory(path);
    if (!this.#files.image.names.isEmpty(replaced.number)) throw notEmpty(path);
  }

  #snapshot(name: string): Snapshot {
    const found = this.#snapshots.find(({ info }) => info.name === name);
    if (found === undefined) {
      throw new VolumeModelError('WAFL_NOT_FOUND', `no such snapshot: ${name}`, { object: name });
    }
    return found;
  }

  #requireNewSnapshot({ name, uuid, createdAt }: SnapshotInfo): void {
    checkName(name);
    if (!Number.isSafeInteger(createdAt)) throw invalid('the time of a snapshot must be whole milliseconds', name);
    const twin = this.#snapshots.find(({ info }) => info.name === name || info.uuid === uuid);
    if (twin === undefined) return;
    throw new VolumeModelError('WAFL_EXISTS', `there is a snapshot ${twin.info.name} with uuid ${twin.info.uuid}`, {
      object: name,
    });
  }

  #takeSnapshot(info: SnapshotInfo): SnapshotInfo {
    this.#files.writeMetafiles();
    this.#keepSnapshot(info, this.#files.image.fork());
    this.#files.generation++;
    return info;
  }

  #keepSnapshot(info: SnapshotInfo, image: Image): void {
    const view = new VolumeView(this.#blocks, this.#tree, () => image, info);
    const snapshot: Snapshot = { info, image, view, deleted: false };
    snapshot.view = this.#viewOf(snapshot);
    this.#snapshots.push(snapshot);
  }

  #viewOf(snapshot: Snapshot): VolumeView {
    const image = () => {
      if (!snapshot.deleted) return snapshot.image;
      throw new VolumeModelError('WAFL_NOT_FOUND', `snapshot ${snapshot.info.name} is deleted`, {
        object: snapshot.info.name,
      });
    };
    return new VolumeView(this.#blocks, this.#tree, image, snapshot.info);
  }
}

function completeOptions(options: VolumeOptions): Required<VolumeOptions> {
  const { capacityBlocks, pointersPerBlock = 1024, allocation = 'lowest-free', inlineDedupe = false } = options;
  const { rootPointers = Math.min(16, pointersPerBlock) } = options;
  checkWhole(capacityBlocks, 'capacity');
  for (const [value, least, most, what] of [
    [pointersPerBlock, 2, BLOCK_SIZE / 4, 'pointersPerBlock'],
    [rootPointers, 1, pointersPerBlock, 'rootPointers'],
  ] as const) {
    checkWhole(value, what);
    if (value < least || value > most) throw invalid(`${what} must be from ${least} to ${most}`, what);
  }
  if (!ALLOCATION_ORDERS.includes(allocation)) throw invalid(`"${allocation}" is no allocation order`, 'allocation');
  return { capacityBlocks, pointersPerBlock, rootPointers, allocation, inlineDedupe };
}

function checkWhole(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${what} ${value} is not a whole number from 0`, what);
}

function checkAttributes({ mode = 0, uid = 0, gid = 0, mtime = 0 }: AttributeChanges): void {
  for (const [value, what] of [
    [mode, 'mode'],
    [uid, 'uid'],
    [gid, 'gid'],
  ] as const) {
    checkWhole(value, what);
    if (value > 0xffff_ffff) throw invalid(`${what} ${value} has more than 32 bits`, what);
  }
  if (!Number.isSafeInteger(mtime)) throw invalid(`mtime ${mtime} is not a whole number of milliseconds`, 'mtime');
}

function invalid(message: string, object: FileReference): VolumeModelError {
  return new VolumeModelError('WAFL_INVALID', message, { object: `${object}` });
}

function alreadyThere(path: string): VolumeModelError {
  return new VolumeModelError('WAFL_EXISTS', `${path} exists`, { object: path });
}

function isDirectory(file: FileReference): VolumeModelError {
  return new VolumeModelError('WAFL_IS_DIRECTORY', `${file} is a directory`, { object: `${file}` });
}

function notEmpty(path: string): VolumeModelError {
  return new VolumeModelError('WAFL_NOT_EMPTY', `directory ${path} is not empty`, { object: path });
}
