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
  HOLE,
  type SavedBlocks,
  sameBytes,
  type Vvbn,
} from './blocks.ts';
import { checkVolume } from './check.ts';
import { DIRECTORY_METAFILE, FIRST_FREE_INODE, Image, INODE_METAFILE, ROOT_INODE } from './image.ts';
import { type Inode, type InodeAttributes, InodeRecord, InodeTree, type InodeType } from './inode-tree.ts';
import {
  DIRECTORY_SLOTS_PER_BLOCK,
  encodeDirectoryBlock,
  encodeInodeBlock,
  INODE_SLOTS_PER_BLOCK,
} from './metafiles.ts';
import { checkName, type DirectoryEntry, pathParts } from './namespace.ts';
import { NO_BLOCK, TRANSFER_FORMAT, transferredBlock, type VolumeTransfer } from './transfer.ts';
import {
  encodeXattrs,
  type FileReference,
  findInode,
  heldBlocks,
  resolve,
  type SnapshotInfo,
  VolumeView,
} from './view.ts';

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

/** Attributes that a caller may give; what is left out keeps its value, or its default for a new inode. */
export interface AttributeChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Epoch milliseconds; default 0. Given to the parent directory too when a name is added or removed. */
  readonly mtime?: number;
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

export interface SavedImage {
  /** Absent for the active file system. */
  readonly snapshot: SnapshotInfo | undefined;
  readonly inodes: readonly (readonly [number: number, inode: Inode | undefined])[];
  readonly entries: readonly (readonly [slot: number, entry: DirectoryEntry | undefined])[];
}

interface Snapshot {
  info: SnapshotInfo;
  readonly image: Image;
  view: VolumeView;
  deleted: boolean;
}

/** Where a name is, or is to be. */
interface Place {
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

export class WaflVolume {
  readonly #options: Required<VolumeOptions>;
  readonly #blocks: BlockStore;
  readonly #tree: InodeTree;
  #active: Image;
  #snapshots: Snapshot[] = [];
  /** Rises with every snapshot: what an earlier generation made may be held by a snapshot and is never changed. */
  #generation = 1;
  #nextInodeGeneration = 1;
  /** FBNs of metafile blocks to write at the next snapshot. May name blocks that turn out unchanged. */
  #dirtyInodeBlocks = new Set<number>();
  #dirtyDirectoryBlocks = new Set<number>();
  #activeBlocks: number | undefined;

  /** An empty volume with a root directory. @throws VolumeModelError `WAFL_INVALID` */
  constructor(options: VolumeOptions) {
    this.#options = completeOptions(options);
    this.#blocks = new BlockStore(this.#options);
    this.#tree = new InodeTree(this.#blocks, this.#options.rootPointers);
    this.#active = Image.empty(this.#blocks);
    this.#addInode(ROOT_INODE, 'directory', {}, 1);
  }

  /** A volume from what `save` gave. @throws VolumeModelError `WAFL_CORRUPT` */
  static load(saved: SavedVolume): WaflVolume {
    if (saved.format !== 1) throw new VolumeModelError('WAFL_CORRUPT', `saved volume of format ${saved.format}`);
    const volume = new WaflVolume(saved.options);
    volume.#active.dispose();
    volume.#active = Image.empty(volume.#blocks);
    volume.#blocks.load(saved.blocks);
    saved.images.forEach((image, i) => {
      // Negative births never equal a generation: what is loaded is changed by copy only.
      volume.#loadInto(volume.#active, image, -1 - i);
      if (image.snapshot !== undefined) volume.#keepSnapshot(image.snapshot, volume.#active.fork());
    });
    volume.#generation = saved.generation;
    volume.#nextInodeGeneration = saved.nextInodeGeneration;
    volume.#dirtyInodeBlocks = new Set(saved.dirtyInodeBlocks);
    volume.#dirtyDirectoryBlocks = new Set(saved.dirtyDirectoryBlocks);
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
    return new VolumeView(this.#blocks, this.#tree, () => this.#active);
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
    return findInode(this.#active, path) !== undefined;
  }

  // Files. Paths are absolute; symbolic links are not followed. Each returns the inode's number where it makes one.

  /** @throws VolumeModelError `WAFL_EXISTS`, `WAFL_NOT_FOUND` or `WAFL_NOT_DIRECTORY` (the parent), `WAFL_INVALID` */
  create(path: string, attributes: AttributeChanges = {}): number {
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    return this.#change(0, () => this.#addFile(place, 'file', attributes));
  }

  mkdir(path: string, attributes: AttributeChanges = {}): number {
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    return this.#change(0, () => this.#addFile(place, 'directory', attributes));
  }

  symlink(path: string, target: string, attributes: AttributeChanges = {}): number {
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    const bytes = new TextEncoder().encode(target);
    if (bytes.length === 0) throw invalid('a symbolic link needs a target', path);
    return this.#change(this.#writeBound(0, bytes.length), () => {
      const number = this.#addFile(place, 'symlink', attributes);
      this.#writeContent(number, 0, bytes);
      return number;
    });
  }

  /** One more name for a file. @throws VolumeModelError `WAFL_IS_DIRECTORY`, and as `create` */
  link(existing: FileReference, path: string, attributes: Pick<AttributeChanges, 'mtime'> = {}): void {
    const record = resolve(this.#active, existing);
    if (record.type === 'directory') throw isDirectory(existing);
    this.#requireUserInode(record, existing);
    const place = this.#newPlace(path);
    checkAttributes(attributes);
    this.#change(0, () => {
      this.#edit(record.number).links++;
      this.#addName({ ...place, child: record.number }, attributes);
    });
  }

  /**
   * Gives a file or directory another name. What the new name led to is replaced only with `replace`, as by POSIX: a
   * directory by a directory and only when empty. Renaming a file to another name of itself does nothing.
   */
  rename(from: string, to: string, options: { readonly replace?: boolean; readonly mtime?: number } = {}): void {
    const source = this.#existingPlace(from);
    const record = resolve(this.#active, source.child);
    const target = this.#parentOf(to);
    checkAttributes(options);
    if (record.type === 'directory' && (to === from || `${to}/`.startsWith(`${from}/`))) {
      if (to === from) return;
      throw invalid(`${from} cannot move into itself`, to);
    }
    const replacedNumber = this.#active.names.lookup(target.parent, target.name);
    if (replacedNumber === record.number) return;
    if (replacedNumber !== undefined)
      this.#checkReplaceable(record, resolve(this.#active, replacedNumber), to, options);
    this.#change(0, () => {
      if (replacedNumber !== undefined) this.#removeName({ ...target, child: replacedNumber });
      const slot = this.#active.names.remove(source.parent, source.name, this.#generation);
      this.#active.names.place(slot, { ...target, child: record.number }, this.#generation);
      this.#touchSlot(slot);
      this.#touchDirectory(source.parent, options.mtime);
      this.#touchDirectory(target.parent, options.mtime);
    });
  }

  /** Removes a name; with its last name the file goes. @throws VolumeModelError `WAFL_NOT_EMPTY`, `WAFL_NOT_FOUND` */
  remove(path: string, options: { readonly mtime?: number } = {}): void {
    const place = this.#existingPlace(path);
    checkAttributes(options);
    const record = resolve(this.#active, place.child);
    if (record.type === 'directory' && !this.#active.names.isEmpty(record.number)) throw notEmpty(path);
    this.#change(0, () => {
      this.#removeName(place);
      this.#touchDirectory(place.parent, options.mtime);
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
    this.#change(this.#writeBound(offset, bytes.length), () => {
      if (bytes.length > 0) this.#writeContent(number, offset, bytes);
      this.#setAttributes(number, options);
    });
  }

  /** Turns a byte range into zeros: whole blocks become holes. The size stays. */
  punchHole(file: FileReference, offset: number, length: number, options: { readonly mtime?: number } = {}): void {
    const { number, sizeBytes } = this.#regularFile(file);
    checkWhole(offset, 'offset');
    checkWhole(length, 'length');
    checkAttributes(options);
    const end = Math.min(offset + length, sizeBytes);
    this.#change(8, () => {
      if (offset < end) this.#zero(number, offset, end);
      this.#setAttributes(number, options);
    });
  }

  /** Sets the size: what is cut off is gone, what is added is a hole. */
  truncate(file: FileReference, sizeBytes: number, options: { readonly mtime?: number } = {}): void {
    const { number } = this.#regularFile(file);
    checkWhole(sizeBytes, 'size');
    checkAttributes(options);
    this.#tree.heightFor(blocksOf(sizeBytes));
    this.#change(8, () => {
      this.#truncateContent(number, sizeBytes);
      this.#setAttributes(number, options);
    });
  }

  setAttributes(file: FileReference, attributes: AttributeChanges): void {
    const record = resolve(this.#active, file);
    this.#requireUserInode(record, file);
    checkAttributes(attributes);
    this.#change(0, () => this.#setAttributes(record.number, attributes));
  }

  /** Sets one extended attribute, or removes it with `undefined`. */
  setXattr(file: FileReference, name: string, value: Uint8Array | undefined): void {
    const record = resolve(this.#active, file);
    this.#requireUserInode(record, file);
    checkName(name);
    const attributes = this.activeView().xattrs(record.number);
    if (value === undefined) attributes.delete(name);
    else attributes.set(name, value);
    const bytes = encodeXattrs(attributes);
    this.#tree.heightFor(blocksOf(bytes.length));
    this.#change(this.#writeBound(0, bytes.length), () => this.#setXattrs(record.number, bytes));
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
    const mapped = this.#mappedBlocks(source);
    return this.#change(this.#tree.assignmentBound(mapped.fbns), () => {
      const number = this.#addFile(place, 'file', { mode, uid, gid, mtime, ...attributes }, attributes);
      const record = this.#edit(number);
      record.sizeBytes = source.sizeBytes;
      this.#tree.resize(record, blocksOf(source.sizeBytes), this.#generation);
      this.#shareBlocks(record, mapped.fbns, mapped.vvbns);
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
    this.#change(this.#tree.assignmentBound(fbns) + 8, () => {
      // Held while the target is changed: it may be the same file.
      for (const vvbn of vvbns) this.#blocks.retain(vvbn as Vvbn);
      try {
        // A range that ends with its file may end inside a block: so does the copy.
        const end = Math.min((fromFbn + count) * BLOCK_SIZE, source.sizeBytes) + (toFbn - fromFbn) * BLOCK_SIZE;
        const record = this.#edit(number);
        record.sizeBytes = Math.max(record.sizeBytes, end);
        this.#tree.resize(record, blocksOf(record.sizeBytes), this.#generation);
        this.#tree.clear(record, toFbn, toFbn + count, this.#generation);
        this.#shareBlocks(record, fbns, vvbns);
        this.#setAttributes(number, options);
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
    const bound = 6 * (this.#dirtyInodeBlocks.size + this.#dirtyDirectoryBlocks.size) + 8;
    return this.#change(bound, () => this.#takeSnapshot(info));
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
    const before = this.#active;
    this.#replaceActive(snapshot.image.fork(), new Set(), new Set());
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
    clone.#active.dispose();
    clone.#active = Image.empty(clone.#blocks);
    for (const level of [l0, l1, l2]) clone.#blocks.adopt(this.#blocks, level);
    clone.#blocks.retainChildren();
    clone.#loadInto(clone.#active, differences(undefined, image, undefined), -1);
    clone.#keepSnapshot(info, clone.#active.fork());
    clone.#generation = this.#generation + 1;
    clone.#nextInodeGeneration = this.#nextInodeGeneration;
    clone.#dirtyInodeBlocks.clear();
    clone.#dirtyDirectoryBlocks.clear();
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
    if (this.#activeBlocks === undefined) {
      const { l0, l1, l2 } = heldBlocks(this.#tree, this.#active);
      this.#activeBlocks = l0.size + l1.size + l2.size;
    }
    const activeBlocks = this.#activeBlocks;
    return { capacityBlocks, usedBlocks, freeBlocks, activeBlocks, snapshotBlocks: usedBlocks - activeBlocks };
  }

  snapshotUsage(name: string): SnapshotUsage {
    const snapshot = this.#snapshot(name);
    const others = [this.#active, ...this.#snapshots.filter((other) => other !== snapshot).map(({ image }) => image)];
    const elsewhere = others.map((image) => heldBlocks(this.#tree, image));
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
    const survivors = this.#duplicates();
    if (survivors.size === 0) return { sharedFileBlocks: 0, freedBlocks: 0 };
    const plans: { number: number; fbns: Uint32Array; vvbns: Uint32Array }[] = [];
    let bound = 0;
    for (const [number, record] of this.#active.inodes.entries()) {
      if (number < ROOT_INODE) continue;
      const fbns: number[] = [];
      const vvbns: number[] = [];
      this.#tree.visit(record, (vvbn, level, fbn) => {
        const survivor = level === 0 ? survivors.get(vvbn) : undefined;
        if (survivor === undefined) return;
        fbns.push(fbn);
        vvbns.push(survivor);
      });
      if (fbns.length === 0) continue;
      const plan = { number, fbns: Uint32Array.from(fbns), vvbns: Uint32Array.from(vvbns) };
      bound += this.#tree.assignmentBound(plan.fbns) - plan.fbns.length;
      plans.push(plan);
    }
    this.#change(bound, () => {
      for (const { number, fbns, vvbns } of plans) this.#shareBlocks(this.#edit(number), fbns, vvbns);
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
    return this.#atomically(draft, new Set(), new Set(), () => {
      this.#applyInodes(transfer);
      for (const { slot, entry } of transfer.entries) {
        if (entry !== undefined) checkName(entry.name);
        this.#active.names.place(slot, entry, this.#generation);
        this.#touchSlot(slot);
      }
      if (this.#active.inodes.get(ROOT_INODE)?.type !== 'directory') {
        throw new VolumeModelError('WAFL_CORRUPT', 'the transfer leaves the volume without a root directory');
      }
      return this.#takeSnapshot(transfer.snapshot);
    });
  }

  // Whole state

  save(): SavedVolume {
    const images: SavedImage[] = [];
    let before: Image | undefined;
    for (const { info, image } of this.#snapshots) {
      images.push(differences(before, image, info));
      before = image;
    }
    images.push(differences(before, this.#active, undefined));
    return {
      format: 1,
      options: this.options,
      generation: this.#generation,
      nextInodeGeneration: this.#nextInodeGeneration,
      blocks: this.#blocks.save(),
      images,
      dirtyInodeBlocks: [...this.#dirtyInodeBlocks],
      dirtyDirectoryBlocks: [...this.#dirtyDirectoryBlocks],
    };
  }

  /** Walks everything and says, a sentence each, what is not as it must be; empty when all is well. Slow: for tests. */
  check(): string[] {
    return checkVolume({
      blocks: this.#blocks,
      tree: this.#tree,
      active: this.#active,
      snapshots: this.#snapshots.map(({ info, image }) => ({ name: info.name, image })),
    });
  }

  // Below: the parts that every operation is made of. They run inside `#change` and check nothing again.

  /** Runs a change that allocates at most `bound` blocks; when there may be too few, so that it can be undone. */
  #change<T>(bound: number, change: () => T): T {
    if (this.#blocks.freeBlocks < bound) {
      const [inodes, entries] = [new Set(this.#dirtyInodeBlocks), new Set(this.#dirtyDirectoryBlocks)];
      return this.#atomically(this.#active.fork(), inodes, entries, change);
    }
    this.#activeBlocks = undefined;
    return change();
  }

  /** Runs a change on a draft that becomes the active image; if it fails, all is as it was. */
  #atomically<T>(draft: Image, dirtyInodes: Set<number>, dirtyEntries: Set<number>, change: () => T): T {
    const before = [this.#active, this.#dirtyInodeBlocks, this.#dirtyDirectoryBlocks] as const;
    this.#replaceActive(draft, dirtyInodes, dirtyEntries);
    try {
      const result = change();
      before[0].dispose();
      return result;
    } catch (error) {
      draft.dispose();
      this.#replaceActive(...before);
      throw error;
    }
  }

  #replaceActive(image: Image, dirtyInodes: Set<number>, dirtyEntries: Set<number>): void {
    this.#active = image;
    this.#dirtyInodeBlocks = dirtyInodes;
    this.#dirtyDirectoryBlocks = dirtyEntries;
    this.#generation++;
    this.#activeBlocks = undefined;
  }

  #edit(number: number): InodeRecord {
    const record = this.#active.edit(number, this.#generation, this.#blocks);
    if (record === undefined) throw new VolumeModelError('WAFL_NOT_FOUND', `no inode ${number}`);
    this.#touchInode(number);
    return record;
  }

  #touchInode(number: number): void {
    if (number >= ROOT_INODE) this.#dirtyInodeBlocks.add(Math.floor(number / INODE_SLOTS_PER_BLOCK));
  }

  #touchSlot(slot: number): void {
    this.#dirtyDirectoryBlocks.add(Math.floor(slot / DIRECTORY_SLOTS_PER_BLOCK));
  }

  #touchDirectory(number: number, mtime: number | undefined): void {
    if (mtime !== undefined) this.#edit(number).mtime = mtime;
  }

  #parentOf(path: string): Place {
    const parts = pathParts(path);
    const name = parts.pop();
    if (name === undefined) throw invalid('the root directory stays as it is', path);
    const parentPath = `/${parts.join('/')}`;
    const parent = resolve(this.#active, parentPath);
    if (parent.type !== 'directory') {
      throw new VolumeModelError('WAFL_NOT_DIRECTORY', `${parentPath} is not a directory`, { object: path });
    }
    return { parent: parent.number, name };
  }

  #newPlace(path: string): Place {
    if (path === '/') throw alreadyThere(path);
    const place = this.#parentOf(path);
    if (this.#active.names.lookup(place.parent, place.name) !== undefined) throw alreadyThere(path);
    return place;
  }

  #existingPlace(path: string): DirectoryEntry {
    const child = resolve(this.#active, path).number;
    return { ...this.#parentOf(path), child };
  }

  #regularFile(file: FileReference): InodeRecord {
    const record = resolve(this.#active, file);
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
    if (!this.#active.names.isEmpty(replaced.number)) throw notEmpty(path);
  }

  /** @param given what the caller said: a clone's own attributes may come from elsewhere */
  #addFile(place: Place, type: InodeType, attributes: AttributeChanges, given = attributes): number {
    const number = this.#active.inodes.firstFree(FIRST_FREE_INODE);
    this.#addInode(number, type, attributes, 1);
    this.#addName({ ...place, child: number }, given);
    return number;
  }

  #addInode(number: number, type: InodeType, attributes: AttributeChanges, links: number): void {
    const generation = type === 'metafile' ? 0 : this.#nextInodeGeneration++;
    const defaults = { mode: DEFAULT_MODES[type], uid: 0, gid: 0, mtime: 0, sizeBytes: 0, xattrInode: 0 };
    const { mode = defaults.mode, uid = 0, gid = 0, mtime = 0 } = attributes;
    const record = new InodeRecord(
      { ...defaults, number, generation, type, links, mode, uid, gid, mtime },
      this.#generation,
    );
    this.#active.inodes.set(number, record, this.#generation);
    this.#touchInode(number);
  }

  #removeInode(number: number): void {
    this.#active.inodes.set(number, undefined, this.#generation);
    this.#touchInode(number);
  }

  #addName(entry: DirectoryEntry, { mtime }: Pick<AttributeChanges, 'mtime'>): void {
    this.#touchSlot(this.#active.names.add(entry, this.#generation));
    this.#touchDirectory(entry.parent, mtime);
  }

  #removeName({ parent, name, child }: DirectoryEntry): void {
    this.#touchSlot(this.#active.names.remove(parent, name, this.#generation));
    const record = this.#edit(child);
    record.links--;
    if (record.links > 0) return;
    if (record.xattrInode !== 0) this.#removeInode(record.xattrInode);
    this.#removeInode(child);
  }

  #setAttributes(number: number, { mode, uid, gid, mtime }: AttributeChanges): void {
    if (mode === undefined && uid === undefined && gid === undefined && mtime === undefined) return;
    const record = this.#edit(number);
    record.mode = mode ?? record.mode;
    record.uid = uid ?? record.uid;
    record.gid = gid ?? record.gid;
    record.mtime = mtime ?? record.mtime;
  }

  #setXattrs(number: number, bytes: Uint8Array): void {
    const record = this.#edit(number);
    if (bytes.length === 0) {
      if (record.xattrInode !== 0) this.#removeInode(record.xattrInode);
      record.xattrInode = 0;
      return;
    }
    if (record.xattrInode === 0) {
      record.xattrInode = this.#active.inodes.firstFree(FIRST_FREE_INODE);
      this.#addInode(record.xattrInode, 'stream', {}, 1);
    }
    this.#truncateContent(record.xattrInode, 0);
    this.#writeContent(record.xattrInode, 0, bytes);
  }

  /** The most blocks that writing a byte range can allocate. */
  #writeBound(offset: number, length: number): number {
    const blocks = blocksOf(offset + length) - Math.floor(offset / BLOCK_SIZE);
    const span = this.#tree.span(1);
    return blocks + Math.ceil(blocks / span) + Math.ceil(blocks / span / span) + 8;
  }

  #writeContent(number: number, offset: number, bytes: Uint8Array): void {
    const record = this.#edit(number);
    const end = offset + bytes.length;
    record.sizeBytes = Math.max(record.sizeBytes, end);
    this.#tree.resize(record, blocksOf(record.sizeBytes), this.#generation);
    const fbns = range(Math.floor(offset / BLOCK_SIZE), blocksOf(end));
    const { scratch } = this.#blocks;
    this.#tree.assign(record, fbns, this.#generation, (fbn, before) => {
      const start = fbn * BLOCK_SIZE;
      const from = Math.max(0, offset - start);
      const to = Math.min(BLOCK_SIZE, end - start);
      if (to - from < BLOCK_SIZE) this.#load(before);
      scratch.set(bytes.subarray(start + from - offset, start + to - offset), from);
      return this.#blocks.put(scratch, this.#generation);
    });
  }

  /** Puts a block's content, zeros for a hole, in the scratch block. */
  #load(vvbn: Vvbn): void {
    if (vvbn === HOLE) this.#blocks.scratch.fill(0);
    else this.#blocks.copyContent(vvbn, this.#blocks.scratch, 0);
  }

  #zero(number: number, offset: number, end: number): void {
    const record = this.#edit(number);
    const firstWhole = blocksOf(offset);
    const endWhole = end === record.sizeBytes ? blocksOf(end) : Math.floor(end / BLOCK_SIZE);
    if (firstWhole > endWhole) {
      this.#zeroWithinBlock(record, offset, end);
      return;
    }
    this.#zeroWithinBlock(record, offset, firstWhole * BLOCK_SIZE);
    this.#tree.clear(record, firstWhole, endWhole, this.#generation);
    this.#zeroWithinBlock(record, endWhole * BLOCK_SIZE, end);
  }

  /** Writes zeros over a part of one block, unless that is what it has there. */
  #zeroWithinBlock(record: InodeRecord, offset: number, end: number): void {
    if (offset >= end) return;
    const fbn = Math.floor(offset / BLOCK_SIZE);
    const vvbn = this.#tree.pointer(record, fbn);
    if (vvbn === HOLE) return;
    const from = offset - fbn * BLOCK_SIZE;
    const to = end - fbn * BLOCK_SIZE;
    if (
      this.#blocks
        .content(vvbn)
        .subarray(from, to)
        .every((byte) => byte === 0)
    )
      return;
    this.#tree.assign(record, Uint32Array.of(fbn), this.#generation, () => {
      this.#load(vvbn);
      this.#blocks.scratch.fill(0, from, to);
      return this.#blocks.put(this.#blocks.scratch, this.#generation);
    });
  }

  #truncateContent(number: number, sizeBytes: number): void {
    const record = this.#edit(number);
    this.#tree.resize(record, blocksOf(sizeBytes), this.#generation);
    // What lies beyond the end of a file is zeros, so that growing it again shows no old data.
    if (sizeBytes < record.sizeBytes) this.#zeroWithinBlock(record, sizeBytes, blocksOf(sizeBytes) * BLOCK_SIZE);
    record.sizeBytes = sizeBytes;
  }

  #mappedBlocks(record: InodeRecord): { readonly fbns: Uint32Array; readonly vvbns: Uint32Array } {
    const fbns: number[] = [];
    const vvbns: number[] = [];
    this.#tree.visit(record, (vvbn, level, fbn) => {
      if (level !== 0) return;
      fbns.push(fbn);
      vvbns.push(vvbn);
    });
    return { fbns: Uint32Array.from(fbns), vvbns: Uint32Array.from(vvbns) };
  }

  #shareBlocks(record: InodeRecord, fbns: Uint32Array, vvbns: Uint32Array): void {
    this.#tree.assign(record, fbns, this.#generation, (_fbn, _before, position) => {
      const vvbn = (vvbns[position] ?? HOLE) as Vvbn;
      this.#blocks.retain(vvbn);
      return vvbn;
    });
  }

  /** For each data block that has an older equal in the active file system, that one. */
  #duplicates(): Map<Vvbn, Vvbn> {
    const seen = new Bitmap();
    for (const [number, record] of this.#active.inodes.entries()) {
      if (number < ROOT_INODE) continue;
      this.#tree.visit(record, (vvbn, level) => {
        if (level === 0) seen.add(vvbn);
      });
    }
    const oldestFirst = Uint32Array.from(seen) as Uint32Array & Iterable<Vvbn>;
    oldestFirst.sort((a, b) => this.#blocks.birth(a as Vvbn) - this.#blocks.birth(b as Vvbn) || a - b);
    const firsts = new Map<number, Vvbn>();
    const collisions = new Map<number, Vvbn[]>();
    const survivors = new Map<Vvbn, Vvbn>();
    for (const vvbn of oldestFirst as Iterable<Vvbn>) {
      const checksum = this.#blocks.checksum(vvbn);
      const first = firsts.get(checksum);
      if (first === undefined) {
        firsts.set(checksum, vvbn);
        continue;
      }
      const known = [first, ...(collisions.get(checksum) ?? [])];
      const survivor = known.find((other) => this.#blocks.sameContent(other, vvbn));
      if (survivor !== undefined) survivors.set(vvbn, survivor);
      else collisions.set(checksum, [...known.slice(1), vvbn]);
    }
    return survivors;
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
    this.#writeMetafiles();
    this.#keepSnapshot(info, this.#active.fork());
    this.#generation++;
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

  #writeMetafiles(): void {
    const { inodes, names } = this.#active;
    const inodeBlocks = Math.floor(inodes.lastIndex() / INODE_SLOTS_PER_BLOCK) + 1;
    this.#writeMetafile(INODE_METAFILE, this.#dirtyInodeBlocks, inodeBlocks, (fbn, target) =>
      encodeInodeBlock(fbn, (number) => inodes.get(number), target),
    );
    const entryBlocks = Math.floor(names.table.lastIndex() / DIRECTORY_SLOTS_PER_BLOCK) + 1;
    this.#writeMetafile(DIRECTORY_METAFILE, this.#dirtyDirectoryBlocks, entryBlocks, (fbn, target) =>
      encodeDirectoryBlock(fbn, (slot) => names.table.get(slot), target),
    );
    this.#dirtyInodeBlocks.clear();
    this.#dirtyDirectoryBlocks.clear();
  }

  /** Writes those of the blocks named whose content differs: an unchanged block keeps its VVBN. */
  #writeMetafile(
    number: number,
    dirty: ReadonlySet<number>,
    blocks: number,
    encode: (fbn: number, target: Uint8Array) => boolean,
  ): void {
    const existing = this.#active.inodes.get(number);
    const { scratch } = this.#blocks;
    const changed: number[] = [];
    const unused: number[] = [];
    for (const fbn of [...dirty].sort((a, b) => a - b)) {
      if (fbn >= blocks) continue;
      const before = existing === undefined ? HOLE : this.#tree.pointer(existing, fbn);
      if (!encode(fbn, scratch)) unused.push(fbn);
      else if (before === HOLE || !sameBytes(this.#blocks.content(before), scratch)) changed.push(fbn);
    }
    const sizeBytes = blocks * BLOCK_SIZE;
    if (existing?.sizeBytes === sizeBytes && changed.length + unused.length === 0) return;
    if (existing === undefined) this.#addInode(number, 'metafile', {}, 1);
    const record = this.#edit(number);
    record.sizeBytes = sizeBytes;
    this.#tree.resize(record, blocks, this.#generation);
    for (const fbn of unused) this.#tree.clear(record, fbn, fbn + 1, this.#generation);
    this.#tree.assign(record, Uint32Array.from(changed), this.#generation, (fbn) => {
      encode(fbn, scratch);
      return this.#blocks.put(scratch, this.#generation);
    });
  }

  #applyInodes(transfer: VolumeTransfer): void {
    for (const number of transfer.removedInodes) this.#removeInode(number);
    /** The VVBN that each block of the transfer got here, so that what was shared stays shared. */
    const placed = new Map<number, Vvbn>();
    for (const { attributes, fbns, sources } of transfer.inodes) {
      if (attributes.number < ROOT_INODE) {
        throw new VolumeModelError('WAFL_CORRUPT', `the transfer has the reserved inode ${attributes.number}`);
      }
      const record = this.#replaceAttributes(attributes);
      const mapped: number[] = [];
      fbns.forEach((fbn, i) => {
        if (sources[i] === NO_BLOCK) this.#tree.clear(record, fbn, fbn + 1, this.#generation);
        else mapped.push(i);
      });
      const targets = Uint32Array.from(mapped, (i) => fbns[i] ?? 0);
      this.#tree.assign(record, targets, this.#generation, (_fbn, _before, position) => {
        const source = sources[mapped[position] ?? 0] ?? NO_BLOCK;
        const known = placed.get(source);
        if (known !== undefined) {
          this.#blocks.retain(known);
          return known;
        }
        const vvbn = this.#blocks.put(transferredBlock(transfer, source), this.#generation);
        placed.set(source, vvbn);
        return vvbn;
      });
    }
  }

  /** The inode with attributes from elsewhere and a tree of the right size; with another generation it starts empty. */
  #replaceAttributes(attributes: InodeAttributes): InodeRecord {
    const before = this.#active.inodes.get(attributes.number);
    const record = new InodeRecord(attributes, this.#generation);
    if (before?.generation === attributes.generation) {
      record.height = before.height;
      record.topmost = before.topmost.slice();
      for (const vvbn of record.topmost) if (vvbn !== HOLE) this.#blocks.retain(vvbn);
    }
    this.#active.inodes.set(attributes.number, record, this.#generation);
    this.#touchInode(attributes.number);
    this.#nextInodeGeneration = Math.max(this.#nextInodeGeneration, attributes.generation + 1);
    this.#tree.resize(record, blocksOf(attributes.sizeBytes), this.#generation);
    return record;
  }

  #loadInto(image: Image, saved: SavedImage, birth: number): void {
    for (const [number, inode] of saved.inodes) {
      let record: InodeRecord | undefined;
      if (inode !== undefined) {
        record = new InodeRecord(inode, birth);
        record.height = inode.height;
        record.topmost = inode.topmost.slice();
        for (const vvbn of record.topmost) if (vvbn !== HOLE) this.#blocks.retainLoaded(vvbn);
      }
      image.inodes.set(number, record, birth);
    }
    for (const [slot, entry] of saved.entries) image.names.place(slot, entry, birth);
  }
}

/** What `after` has that `before` has not. */
function differences(before: Image | undefined, after: Image, snapshot: SnapshotInfo | undefined): SavedImage {
  const inodes: [number, Inode | undefined][] = [];
  const entries: [number, DirectoryEntry | undefined][] = [];
  after.inodes.differencesFrom(before?.inodes, (number, _, inode) => inodes.push([number, inode?.describe()]));
  after.names.table.differencesFrom(before?.names.table, (slot, _, entry) => entries.push([slot, entry]));
  return { snapshot, inodes, entries };
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

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / BLOCK_SIZE);
}

function range(first: number, end: number): Uint32Array {
  const numbers = new Uint32Array(end - first);
  for (let i = 0; i < numbers.length; i++) numbers[i] = first + i;
  return numbers;
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
