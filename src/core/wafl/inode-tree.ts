/**
 * Core: one inode and the tree of blocks below it.
 *
 * The inode holds up to `rootPointers` pointers, all at the same level: to its data blocks (height 0), to L1 blocks
 * (height 1) or to L2 blocks (height 2). The height is the lowest that reaches the file's size, so levels that a small
 * file does not need are absent; an indirect block without pointers is absent too. The shape is thus a function of size
 * and mapped blocks alone, whatever the history.
 */
import { VolumeModelError } from '../../errors.ts';
import { BLOCK_SIZE, type BlockStore, HOLE, type Level, type Vvbn } from './blocks.ts';

/** `metafile` and `stream` (an inode's extended attributes) are the volume's own. */
export const INODE_TYPES = ['file', 'directory', 'symlink', 'stream', 'metafile'] as const;
export type InodeType = (typeof INODE_TYPES)[number];

/** What an inode is, apart from its blocks. */
export interface InodeAttributes {
  readonly number: number;
  /** Tells two inodes apart that had the same number one after the other; never given twice in a volume. */
  readonly generation: number;
  readonly type: InodeType;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Epoch milliseconds, as given by the writer. */
  readonly mtime: number;
  /** How many directory entries lead here. */
  readonly links: number;
  /** The number of the stream inode with the extended attributes, 0 when there are none. */
  readonly xattrInode: number;
}

/** An inode as a view shows it: a copy, at the moment of the call. */
export interface Inode extends InodeAttributes {
  /** The level of the topmost blocks: 0 when the inode points at its data directly. */
  readonly height: Level;
  /** Pointers to the topmost blocks, `HOLE` where nothing is mapped. */
  readonly topmost: readonly Vvbn[];
}

/** An inode inside the volume. Changed in place only in the generation that made it. */
export class InodeRecord {
  readonly number: number;
  readonly generation: number;
  readonly type: InodeType;
  /** Volume generation that may change this record in place. */
  readonly birth: number;
  sizeBytes: number;
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  links: number;
  xattrInode: number;
  height: Level = 0;
  topmost: Vvbn[] = [];
  /** How many leaves of inode tables hold this record. */
  references = 0;

  constructor(attributes: InodeAttributes, birth: number) {
    this.number = attributes.number;
    this.generation = attributes.generation;
    this.type = attributes.type;
    this.sizeBytes = attributes.sizeBytes;
    this.mode = attributes.mode;
    this.uid = attributes.uid;
    this.gid = attributes.gid;
    this.mtime = attributes.mtime;
    this.links = attributes.links;
    this.xattrInode = attributes.xattrInode;
    this.birth = birth;
  }

  describe(): Inode {
    return { ...attributesOf(this), height: this.height, topmost: this.topmost.slice() };
  }
}

export function attributesOf(inode: InodeAttributes): InodeAttributes {
  const { number, generation, type, sizeBytes, mode, uid, gid, mtime, links, xattrInode } = inode;
  return { number, generation, type, sizeBytes, mode, uid, gid, mtime, links, xattrInode };
}

export function sameAttributes(one: InodeAttributes, other: InodeAttributes): boolean {
  return (
    one.number === other.number &&
    one.generation === other.generation &&
    one.type === other.type &&
    one.sizeBytes === other.sizeBytes &&
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.mtime === other.mtime &&
    one.links === other.links &&
    one.xattrInode === other.xattrInode
  );
}

/** Called for each mapped block of an inode; a parent comes before its children, and files in ascending order of FBN. */
export type BlockVisitor = (vvbn: Vvbn, level: Level, firstFbn: number) => void;

/** The operations on block trees of one volume. */
export class InodeTree {
  readonly #blocks: BlockStore;
  readonly #rootPointers: number;
  /** File blocks below one pointer to a block of level 0, 1, 2. */
  readonly #spans: readonly [number, number, number];

  constructor(blocks: BlockStore, rootPointers: number) {
    this.#blocks = blocks;
    this.#rootPointers = rootPointers;
    const fanOut = blocks.pointersPerBlock;
    this.#spans = [1, fanOut, fanOut * fanOut];
  }

  /** File blocks below one block of the level. */
  span(level: Level): number {
    return this.#spans[level];
  }

  /** The most blocks that a file can have. */
  get reachBlocks(): number {
    return this.#rootPointers * this.#spans[2];
  }

  heightFor(blocks: number): Level {
    if (blocks <= this.#rootPointers) return 0;
    if (blocks <= this.#rootPointers * this.#spans[1]) return 1;
    if (blocks <= this.reachBlocks) return 2;
    throw new VolumeModelError('WAFL_FILE_TOO_LARGE', `a file cannot have more than ${this.reachBlocks} blocks`);
  }

  pointer(record: InodeRecord, fbn: number): Vvbn {
    const span = this.#spans[record.height];
    let vvbn = record.topmost[Math.floor(fbn / span)] ?? HOLE;
    for (let level = record.height; level > 0 && vvbn !== HOLE; level--) {
      const below = this.#spans[(level - 1) as Level];
      const slot = Math.floor(fbn / below) % this.#blocks.pointersPerBlock;
      vvbn = (this.#blocks.pointers(vvbn)[slot] ?? 0) as Vvbn;
    }
    return vvbn;
  }

  /** Copies file content to `target`; holes give zeros. The caller keeps within the file's size. */
  read(record: InodeRecord, offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const fbn = Math.floor((offset + done) / BLOCK_SIZE);
      const from = (offset + done) % BLOCK_SIZE;
      const to = Math.min(BLOCK_SIZE, from + target.length - done);
      const vvbn = this.pointer(record, fbn);
      if (vvbn === HOLE) target.fill(0, done, done + to - from);
      else this.#blocks.copyContent(vvbn, target, done, from, to);
      done += to - from;
    }
  }

  visit(record: InodeRecord, visitor: BlockVisitor): void {
    const span = this.#spans[record.height];
    record.topmost.forEach((vvbn, slot) => {
      if (vvbn !== HOLE) this.#visitBelow(vvbn, record.height, slot * span, visitor);
    });
  }

  /** The most blocks that assigning these (ascending) FBNs can allocate, growth of the tree included. */
  assignmentBound(fbns: Uint32Array): number {
    let groups = 0;
    for (const span of this.#spans) {
      let last = -1;
      for (const fbn of fbns) {
        const group = Math.floor(fbn / span);
        if (group !== last) groups++;
        last = group;
      }
    }
    return groups + 2;
  }

  /** Gives the tree the height and root for a size in blocks; what lies beyond is let go. */
  resize(record: InodeRecord, blocks: number, generation: number): void {
    const height = this.heightFor(blocks);
    const before = record.topmost.length * this.#spans[record.height];
    if (blocks < before) this.clear(record, blocks, before, generation);
    while (record.height > height) this.#lower(record);
    while (record.height < height) this.#raise(record, generation);
    const roots = Math.ceil(blocks / this.#spans[height]);
    while (record.topmost.length < roots) record.topmost.push(HOLE);
    record.topmost.length = roots;
  }

  /**
   * Points the (ascending) FBNs at the blocks that `make` gives, never a hole; `make` hands over one reference, and the
   * old block's is let go afterwards. The tree must be high enough.
   */
  assign(
    record: InodeRecord,
    fbns: Uint32Array,
    generation: number,
    make: (fbn: number, before: Vvbn, position: number) => Vvbn,
  ): void {
    this.#assignBelow(record.topmost, record.height, fbns, 0, fbns.length, 0, generation, make);
  }

  /** Turns the FBNs from `first` up to, not including, `end` into holes. */
  clear(record: InodeRecord, first: number, end: number, generation: number): void {
    this.#clearBelow(record.topmost, record.height, 0, first, end, generation);
  }

  /** True when a block from `first` up to `end` is mapped. */
  isMapped(record: InodeRecord, first: number, end: number): boolean {
    return this.#mappedBelow(record.topmost, record.height, 0, first, end);
  }

  #visitBelow(vvbn: Vvbn, level: Level, fbn: number, visitor: BlockVisitor): void {
    visitor(vvbn, level, fbn);
    if (level === 0) return;
    const below = (level - 1) as Level;
    const span = this.#spans[below];
    const pointers = this.#blocks.pointers(vvbn);
    for (let slot = 0; slot < pointers.length; slot++) {
      const child = (pointers[slot] ?? 0) as Vvbn;
      if (child === HOLE) continue;
      if (below === 0) visitor(child, 0, fbn + slot);
      else this.#visitBelow(child, below, fbn + slot * span, visitor);
    }
  }

  #raise(record: InodeRecord, generation: number): void {
    const level = (record.height + 1) as 1 | 2;
    const mapped = record.topmost.some((vvbn) => vvbn !== HOLE);
    if (mapped) {
      const above = this.#blocks.putIndirect(level, generation);
      this.#blocks.pointers(above).set(record.topmost);
      record.topmost = [above];
    } else {
      record.topmost = [];
    }
    record.height = level;
  }

  /** Takes the topmost level away; all that is mapped lies below the first pointers of its first block. */
  #lower(record: InodeRecord): void {
    const top = record.topmost[0] ?? HOLE;
    record.topmost = [];
    if (top !== HOLE) {
      for (const child of this.#blocks.pointers(top).subarray(0, this.#rootPointers)) {
        record.topmost.push(child as Vvbn);
        if (child !== HOLE) this.#blocks.retain(child as Vvbn);
      }
      this.#blocks.release(top);
    }
    record.height = (record.height - 1) as Level;
  }

  #assignBelow(
    pointers: Uint32Array | Vvbn[],
    level: Level,
    fbns: Uint32Array,
    from: number,
    to: number,
    base: number,
    generation: number,
    make: (fbn: number, before: Vvbn, position: number) => Vvbn,
  ): void {
    const span = this.#spans[level];
    for (let at = from; at < to; ) {
      const fbn = fbns[at] ?? 0;
      const slot = Math.floor((fbn - base) / span);
      const before = (pointers[slot] ?? HOLE) as Vvbn;
      if (level === 0) {
        pointers[slot] = make(fbn, before, at);
        if (before !== HOLE) this.#blocks.release(before);
        at++;
        continue;
      }
      const start = base + slot * span;
      let end = at + 1;
      while (end < to && (fbns[end] ?? 0) < start + span) end++;
      // Hooked in before it is filled, so that running out of space half-way leaves no block without an owner.
      const child = this.#blocks.writableIndirect(before, level, generation);
      pointers[slot] = child;
      const below = (level - 1) as Level;
      this.#assignBelow(this.#blocks.pointers(child), below, fbns, at, end, start, generation, make);
      at = end;
    }
  }

  #clearBelow(
    pointers: Uint32Array | Vvbn[],
    level: Level,
    base: number,
    first: number,
    end: number,
    generation: number,
  ): void {
    const span = this.#spans[level];
    const last = Math.min(pointers.length, Math.ceil((end - base) / span));
    for (let slot = Math.max(0, Math.floor((first - base) / span)); slot < last; slot++) {
      const before = (pointers[slot] ?? HOLE) as Vvbn;
      if (before === HOLE) continue;
      const start = base + slot * span;
      if (first <= start && start + span <= end) {
        pointers[slot] = HOLE;
        this.#blocks.release(before);
        continue;
      }
      // Only an indirect block can be covered in part.
      const indirect = level as 1 | 2;
      const below = (level - 1) as Level;
      if (!this.#mappedBelow(this.#blocks.pointers(before), below, start, first, end)) continue;
      const child = this.#blocks.writableIndirect(before, indirect, generation);
      pointers[slot] = child;
      const children = this.#blocks.pointers(child);
      this.#clearBelow(children, below, start, first, end, generation);
      if (children.every((pointer) => pointer === HOLE)) {
        pointers[slot] = HOLE;
        this.#blocks.release(child);
      }
    }
  }

  #mappedBelow(pointers: Uint32Array | Vvbn[], level: Level, base: number, first: number, end: number): boolean {
    const span = this.#spans[level];
    const last = Math.min(pointers.length, Math.ceil((end - base) / span));
    for (let slot = Math.max(0, Math.floor((first - base) / span)); slot < last; slot++) {
      const vvbn = (pointers[slot] ?? HOLE) as Vvbn;
      if (vvbn === HOLE) continue;
      const start = base + slot * span;
      // An indirect block is never empty, so one that is covered whole has something mapped in the range.
      if (first <= start && start + span <= end) return true;
      if (this.#mappedBelow(this.#blocks.pointers(vvbn), (level - 1) as Level, start, first, end)) return true;
    }
    return false;
  }
}
