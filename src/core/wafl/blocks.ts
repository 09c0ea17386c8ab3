/**
 * Core: the block store of one volume. It knows VVBNs, how many pointers lead to each, what each contains, and which
 * are free; it knows nothing of inodes, names or snapshots.
 *
 * A VVBN stays allocated as long as at least one pointer (in an inode or in an indirect block) leads to it. Its content
 * never changes while it is allocated, except that an indirect block may still be filled in the generation that
 * allocated it, which no snapshot can have seen. A freed VVBN may be given to other content at once.
 */
import { VolumeModelError } from '../../errors.ts';
import { Bitmap } from './bitmap.ts';

/** Bytes in a block; the unit of everything here. */
export const BLOCK_SIZE = 4096;

/** How many blocks that many bytes take. */
export function blocksOf(bytes: number): number {
  return Math.ceil(bytes / BLOCK_SIZE);
}

declare const vvbnBrand: unique symbol;
/** A block's number inside its volume, from 1; 0 stands for a hole. */
export type Vvbn = number & { readonly [vvbnBrand]: true };
/** The pointer of a file block that is not mapped: it reads as zeros and takes no block. */
export const HOLE = 0 as Vvbn;

/** 0 = file data, 1 = pointers to level 0, 2 = pointers to level 1. */
export type Level = 0 | 1 | 2;

/** Where new blocks go: `lowest-free` reuses a freed VVBN first, `rotating` moves on and comes back at the end. */
export const ALLOCATION_ORDERS = ['lowest-free', 'rotating'] as const;
export type AllocationOrder = (typeof ALLOCATION_ORDERS)[number];

export interface BlockStoreOptions {
  readonly capacityBlocks: number;
  readonly pointersPerBlock: number;
  readonly allocation: AllocationOrder;
  /** New data equal to a block that is there already shares it. */
  readonly inlineDedupe: boolean;
}

/** A block store as plain data; the arrays run parallel, in ascending order of VVBN. */
export interface SavedBlocks {
  /** Where the search for a free VVBN goes on. */
  readonly cursor: number;
  readonly vvbns: Uint32Array;
  readonly kinds: Uint8Array;
  readonly births: Uint32Array;
  /** Two 32-bit halves for each block of kind WORD, in order. */
  readonly words: Uint32Array;
  /** 4096 bytes for each block of kind DATA, in order, in chunks of at most 256 blocks. */
  readonly contents: readonly Uint8Array[];
  /** The pointers of each indirect block, in order, without the trailing holes. */
  readonly pointers: readonly Uint32Array[];
}

const FREE = 0;
const DATA = 1;
/** Level 0 whose 4096 bytes repeat one 8-byte word: kept as that word, so that large synthetic volumes stay small. */
const WORD = 2;
const L1 = 3;
const L2 = 4;

const SLAB_BLOCKS = 32;
const SAVED_CHUNK_BLOCKS = 256;
const LARGEST_VVBN = 0xffff_fffe;

/** The bytes of 32 neighbouring VVBNs. A clone shares them until either volume writes there. */
interface Slab {
  bytes: Uint8Array;
  live: number;
  shared: boolean;
}

export class BlockStore {
  readonly pointersPerBlock: number;
  /** A block's worth of room for composing content before `put`. */
  readonly scratch: Uint8Array = new Uint8Array(BLOCK_SIZE);
  readonly #scratchWords = new Uint32Array(this.scratch.buffer);
  readonly #allocation: AllocationOrder;
  readonly #index: Map<number, Vvbn> | undefined;
  readonly #pointers = new Map<number, Uint32Array>();
  readonly #slabs: (Slab | undefined)[] = [];
  #capacity: number;
  /** VVBNs may lie anywhere below the largest capacity the volume ever had. */
  #largest: number;
  #used = 0;
  #cursor = 1;
  #allocated = new Bitmap();
  #references = new Uint32Array(256);
  #kinds = new Uint8Array(256);
  #births = new Uint32Array(256);
  #checksums = new Uint32Array(256);
  #words = new Uint32Array(512);

  constructor(options: BlockStoreOptions) {
    this.pointersPerBlock = options.pointersPerBlock;
    this.#allocation = options.allocation;
    this.#index = options.inlineDedupe ? new Map() : undefined;
    this.#capacity = options.capacityBlocks;
    this.#largest = Math.min(options.capacityBlocks, LARGEST_VVBN);
  }

  get capacityBlocks(): number {
    return this.#capacity;
  }

  get usedBlocks(): number {
    return this.#used;
  }

  get freeBlocks(): number {
    return this.#capacity - this.#used;
  }

  /** The allocated VVBNs. Read only; live. */
  get allocated(): Bitmap {
    return this.#allocated;
  }

  setCapacity(blocks: number): void {
    if (blocks < this.#used) {
      throw new VolumeModelError('WAFL_NO_SPACE', `${this.#used} blocks are in use: ${blocks} are too few`);
    }
    this.#capacity = blocks;
    this.#largest = Math.min(Math.max(this.#largest, blocks), LARGEST_VVBN);
  }

  isAllocated(vvbn: Vvbn): boolean {
    return this.#allocated.has(vvbn);
  }

  references(vvbn: Vvbn): number {
    return this.#references[vvbn] ?? 0;
  }

  level(vvbn: Vvbn): Level {
    const kind = this.#kinds[vvbn] ?? FREE;
    if (kind === FREE) throw new VolumeModelError('WAFL_NOT_FOUND', `block ${vvbn} is not allocated`);
    return kind === L2 ? 2 : kind === L1 ? 1 : 0;
  }

  /** The generation that allocated the block. */
  birth(vvbn: Vvbn): number {
    return this.#births[vvbn] ?? 0;
  }

  /** 32-bit checksum of a level 0 block's content, taken when it was written. Equal content has equal checksums. */
  checksum(vvbn: Vvbn): number {
    return this.#checksums[vvbn] ?? 0;
  }

  /** The checksum of the content as it is now. */
  recomputedChecksum(vvbn: Vvbn): number {
    if (this.#kinds[vvbn] === WORD) return this.#wordChecksum(vvbn);
    const { bytes, at } = this.#locate(vvbn);
    return checksumOf(new Uint32Array(bytes.buffer, bytes.byteOffset + at, BLOCK_SIZE / 4));
  }

  /**
   * A level 0 block with the 4096 bytes given, and one reference to it that now is the caller's. With inline
   * deduplication it may be a block that was there already.
   * @throws VolumeModelError `WAFL_NO_SPACE`
   */
  put(content: Uint8Array, generation: number): Vvbn {
    if (content !== this.scratch) this.scratch.set(content);
    const words = this.#scratchWords;
    const repeats = repeatsOneWord(words);
    const first = words[0] ?? 0;
    const second = words[1] ?? 0;
    const checksum = repeats ? checksumOfWord(first, second) : checksumOf(words);
    const twin = this.#index?.get(checksum);
    if (twin !== undefined && this.#equalsScratch(twin, repeats)) {
      this.retain(twin);
      return twin;
    }
    const vvbn = this.#allocate(repeats ? WORD : DATA, generation);
    this.#checksums[vvbn] = checksum;
    if (repeats) {
      this.#words[2 * vvbn] = first;
      this.#words[2 * vvbn + 1] = second;
    } else {
      this.#writableSlab(vvbn).set(this.scratch, (vvbn % SLAB_BLOCKS) * BLOCK_SIZE);
    }
    this.#offerToDedupe(vvbn);
    return vvbn;
  }

  /** A new indirect block without pointers, and one reference to it. @throws VolumeModelError `WAFL_NO_SPACE` */
  putIndirect(level: 1 | 2, generation: number): Vvbn {
    const vvbn = this.#allocate(level === 1 ? L1 : L2, generation);
    this.#pointers.set(vvbn, new Uint32Array(this.pointersPerBlock));
    return vvbn;
  }

  /**
   * An indirect block that may be filled in this generation and takes the place of the one given: the block itself if
   * this generation allocated it, a new one for a hole, otherwise a copy. The caller's one reference moves along.
   * @throws VolumeModelError `WAFL_NO_SPACE`
   */
  writableIndirect(vvbn: Vvbn, level: 1 | 2, generation: number): Vvbn {
    if (vvbn === HOLE) return this.putIndirect(level, generation);
    if (this.#births[vvbn] === generation) return vvbn;
    const copy = this.#allocate(level === 1 ? L1 : L2, generation);
    const pointers = this.pointers(vvbn).slice();
    this.#pointers.set(copy, pointers);
    if (this.#references[vvbn] === 1) {
      // The last pointer to the old block goes: its children pass to the copy.
      this.#references[vvbn] = 0;
      this.#free(vvbn);
    } else {
      for (const child of pointers) if (child !== HOLE) this.retain(child as Vvbn);
      this.release(vvbn);
    }
    return copy;
  }

  /** The pointers of an indirect block. To be changed only by the generation that allocated it. */
  pointers(vvbn: Vvbn): Uint32Array {
    const pointers = this.#pointers.get(vvbn);
    if (pointers === undefined) {
      throw new VolumeModelError('WAFL_NOT_FOUND', `block ${vvbn} is not an allocated indirect block`);
    }
    return pointers;
  }

  retain(vvbn: Vvbn): void {
    this.#references[vvbn] = (this.#references[vvbn] ?? 0) + 1;
  }

  /** Takes one reference away; with the last one the block is freed, and its own pointers let go. */
  release(vvbn: Vvbn): void {
    const left = (this.#references[vvbn] ?? 0) - 1;
    this.#references[vvbn] = left;
    if (left > 0) return;
    const pointers = this.#pointers.get(vvbn);
    this.#free(vvbn);
    if (pointers !== undefined) for (const child of pointers) if (child !== HOLE) this.release(child as Vvbn);
  }

  /** The 4096 bytes of a level 0 block. Not to be changed, and valid only until the block is freed: copy to keep. */
  content(vvbn: Vvbn): Uint8Array {
    if (this.#kinds[vvbn] !== WORD) {
      const { bytes, at } = this.#locate(vvbn);
      return bytes.subarray(at, at + BLOCK_SIZE);
    }
    const content = new Uint8Array(BLOCK_SIZE);
    this.copyContent(vvbn, content, 0);
    return content;
  }

  /** Copies bytes `from`..`to` of a level 0 block to `target` at `at`. */
  copyContent(vvbn: Vvbn, target: Uint8Array, at: number, from = 0, to = BLOCK_SIZE): void {
    if (this.#kinds[vvbn] !== WORD) {
      const slab = this.#locate(vvbn);
      target.set(slab.bytes.subarray(slab.at + from, slab.at + to), at);
      return;
    }
    const word = this.#wordBytes(vvbn);
    const lead = Math.min(to - from, 8);
    for (let i = 0; i < lead; i++) target[at + i] = word[(from + i) % 8] ?? 0;
    // Double what is there already: the period is 8, and each copy starts at a multiple of it.
    for (let done = 8; done < to - from; done *= 2) {
      target.copyWithin(at + done, at, at + Math.min(done, to - from - done));
    }
  }

  sameContent(one: Vvbn, other: Vvbn): boolean {
    if (one === other) return true;
    if (this.#checksums[one] !== this.#checksums[other] || this.#kinds[one] !== this.#kinds[other]) return false;
    if (this.#kinds[one] === WORD) {
      return this.#words[2 * one] === this.#words[2 * other] && this.#words[2 * one + 1] === this.#words[2 * other + 1];
    }
    return sameBytes(this.content(one), this.content(other));
  }

  /** Takes over blocks of another store under the same VVBNs; content is shared until either side writes near it. */
  adopt(source: BlockStore, held: Bitmap): void {
    this.#largest = Math.max(this.#largest, source.#largest);
    for (const vvbn of held as Iterable<number> as Iterable<Vvbn>) {
      const kind = source.#kinds[vvbn] ?? FREE;
      this.#occupy(vvbn, kind, source.#births[vvbn] ?? 0);
      this.#checksums[vvbn] = source.#checksums[vvbn] ?? 0;
      if (kind === WORD) {
        this.#words[2 * vvbn] = source.#words[2 * vvbn] ?? 0;
        this.#words[2 * vvbn + 1] = source.#words[2 * vvbn + 1] ?? 0;
      } else if (kind === DATA) {
        this.#shareSlab(source, Math.floor(vvbn / SLAB_BLOCKS));
      } else {
        // Nobody may fill a block of an earlier generation, so both volumes can hold the same array.
        this.#pointers.set(vvbn, source.pointers(vvbn));
      }
      this.#offerToDedupe(vvbn);
    }
  }

  /** After blocks were adopted or loaded: counts what their pointers lead to. @throws VolumeModelError `WAFL_CORRUPT` */
  retainChildren(): void {
    for (const pointers of this.#pointers.values()) {
      for (const child of pointers) if (child !== HOLE) this.retainLoaded(child as Vvbn);
    }
  }

  /** `retain` for a pointer that came from outside. @throws VolumeModelError `WAFL_CORRUPT` when it leads nowhere */
  retainLoaded(vvbn: Vvbn): void {
    if (!this.#allocated.has(vvbn)) throw new VolumeModelError('WAFL_CORRUPT', `a pointer leads to free block ${vvbn}`);
    this.retain(vvbn);
  }

  save(): SavedBlocks {
    const vvbns = Uint32Array.from(this.#allocated);
    const words: number[] = [];
    const contents: Uint8Array[] = [];
    const pointers: Uint32Array[] = [];
    const data: Vvbn[] = [];
    for (const vvbn of vvbns as Iterable<number> as Iterable<Vvbn>) {
      const kind = this.#kinds[vvbn];
      if (kind === DATA) data.push(vvbn);
      else if (kind === WORD) words.push(this.#words[2 * vvbn] ?? 0, this.#words[2 * vvbn + 1] ?? 0);
      else pointers.push(withoutTrailingHoles(this.pointers(vvbn)));
    }
    for (let at = 0; at < data.length; at += SAVED_CHUNK_BLOCKS) {
      const part = data.slice(at, at + SAVED_CHUNK_BLOCKS);
      const chunk = new Uint8Array(part.length * BLOCK_SIZE);
      part.forEach((vvbn, i) => {
        chunk.set(this.content(vvbn), i * BLOCK_SIZE);
      });
      contents.push(chunk);
    }
    return {
      cursor: this.#cursor,
      vvbns,
      kinds: Uint8Array.from(vvbns, (vvbn) => this.#kinds[vvbn] ?? FREE),
      births: Uint32Array.from(vvbns, (vvbn) => this.#births[vvbn] ?? 0),
      words: Uint32Array.from(words),
      contents,
      pointers,
    };
  }

  /** Fills an empty store. No block has a reference from an inode yet. @throws VolumeModelError `WAFL_CORRUPT` */
  load(saved: SavedBlocks): void {
    let data = 0;
    let words = 0;
    let indirects = 0;
    this.#cursor = saved.cursor;
    this.#largest = Math.max(this.#largest, saved.vvbns.at(-1) ?? 0);
    saved.vvbns.forEach((number, i) => {
      const vvbn = number as Vvbn;
      const kind = saved.kinds[i] ?? FREE;
      if (vvbn === HOLE || this.#allocated.has(vvbn) || kind < DATA || kind > L2) {
        throw new VolumeModelError('WAFL_CORRUPT', `saved block ${number} of kind ${kind} cannot be loaded`);
      }
      this.#occupy(vvbn, kind, saved.births[i] ?? 0);
      if (kind === DATA) {
        const at = (data % SAVED_CHUNK_BLOCKS) * BLOCK_SIZE;
        const content = saved.contents[Math.floor(data++ / SAVED_CHUNK_BLOCKS)]?.subarray(at, at + BLOCK_SIZE);
        if (content?.length !== BLOCK_SIZE) throw new VolumeModelError('WAFL_CORRUPT', `block ${number} is cut off`);
        this.#writableSlab(vvbn).set(content, (vvbn % SLAB_BLOCKS) * BLOCK_SIZE);
        this.#checksums[vvbn] = this.recomputedChecksum(vvbn);
      } else if (kind === WORD) {
        this.#words[2 * vvbn] = saved.words[2 * words] ?? 0;
        this.#words[2 * vvbn + 1] = saved.words[2 * words++ + 1] ?? 0;
        this.#checksums[vvbn] = this.#wordChecksum(vvbn);
      } else {
        const pointers = new Uint32Array(this.pointersPerBlock);
        pointers.set(saved.pointers[indirects++] ?? []);
        this.#pointers.set(vvbn, pointers);
      }
      this.#offerToDedupe(vvbn);
    });
    this.retainChildren();
  }

  #offerToDedupe(vvbn: Vvbn): void {
    const checksum = this.#checksums[vvbn] ?? 0;
    if (this.#index === undefined || this.level(vvbn) !== 0 || this.#index.has(checksum)) return;
    this.#index.set(checksum, vvbn);
  }

  #shareSlab(source: BlockStore, number: number): void {
    const original = source.#slabs[number];
    if (original === undefined) throw new VolumeModelError('WAFL_CORRUPT', `blocks of slab ${number} have no content`);
    original.shared = true;
    const slab = this.#slabs[number] ?? { bytes: original.bytes, live: 0, shared: true };
    slab.live++;
    this.#slabs[number] = slab;
  }

  #allocate(kind: number, generation: number): Vvbn {
    if (this.#used >= this.#capacity) {
      throw new VolumeModelError('WAFL_NO_SPACE', `all ${this.#capacity} blocks of the volume are in use`, {
        remedy: 'Grow the volume, or delete files or snapshots.',
      });
    }
    let found = this.#allocated.firstAbsent(this.#cursor);
    if (found > this.#largest) found = this.#allocated.firstAbsent(1);
    const vvbn = found as Vvbn;
    this.#cursor = vvbn + 1;
    this.#occupy(vvbn, kind, generation);
    this.#references[vvbn] = 1;
    return vvbn;
  }

  #occupy(vvbn: Vvbn, kind: number, generation: number): void {
    if (vvbn >= this.#kinds.length) this.#makeRoomFor(vvbn);
    this.#allocated.add(vvbn);
    this.#used++;
    this.#kinds[vvbn] = kind;
    this.#births[vvbn] = generation;
    this.#references[vvbn] = 0;
  }

  #free(vvbn: Vvbn): void {
    const kind = this.#kinds[vvbn];
    if (kind === DATA) {
      const number = Math.floor(vvbn / SLAB_BLOCKS);
      const slab = this.#slabs[number];
      if (slab !== undefined && --slab.live === 0) this.#slabs[number] = undefined;
    }
    if (kind === DATA || kind === WORD) {
      const checksum = this.#checksums[vvbn] ?? 0;
      if (this.#index?.get(checksum) === vvbn) this.#index.delete(checksum);
    } else {
      this.#pointers.delete(vvbn);
    }
    this.#kinds[vvbn] = FREE;
    this.#allocated.delete(vvbn);
    this.#used--;
    if (this.#allocation === 'lowest-free' && vvbn < this.#cursor) this.#cursor = vvbn;
  }

  #writableSlab(vvbn: Vvbn): Uint8Array {
    const number = Math.floor(vvbn / SLAB_BLOCKS);
    let slab = this.#slabs[number];
    if (slab === undefined) {
      slab = { bytes: new Uint8Array(SLAB_BLOCKS * BLOCK_SIZE), live: 0, shared: false };
      this.#slabs[number] = slab;
    } else if (slab.shared) {
      slab.bytes = slab.bytes.slice();
      slab.shared = false;
    }
    slab.live++;
    return slab.bytes;
  }

  #locate(vvbn: Vvbn): { readonly bytes: Uint8Array; readonly at: number } {
    const slab = this.#slabs[Math.floor(vvbn / SLAB_BLOCKS)];
    if (slab === undefined || this.#kinds[vvbn] !== DATA) {
      throw new VolumeModelError('WAFL_NOT_FOUND', `block ${vvbn} is not an allocated level 0 block`);
    }
    return { bytes: slab.bytes, at: (vvbn % SLAB_BLOCKS) * BLOCK_SIZE };
  }

  #equalsScratch(vvbn: Vvbn, repeats: boolean): boolean {
    if ((this.#kinds[vvbn] === WORD) !== repeats) return false;
    if (!repeats) return sameBytes(this.content(vvbn), this.scratch);
    return this.#words[2 * vvbn] === this.#scratchWords[0] && this.#words[2 * vvbn + 1] === this.#scratchWords[1];
  }

  #wordBytes(vvbn: Vvbn): Uint8Array {
    return new Uint8Array(this.#words.slice(2 * vvbn, 2 * vvbn + 2).buffer);
  }

  #wordChecksum(vvbn: Vvbn): number {
    return checksumOfWord(this.#words[2 * vvbn] ?? 0, this.#words[2 * vvbn + 1] ?? 0);
  }

  #makeRoomFor(vvbn: number): void {
    const length = Math.min(Math.max(vvbn + 1, 2 * this.#kinds.length), this.#largest + 1);
    this.#references = extended(this.#references, new Uint32Array(length));
    this.#kinds = extended(this.#kinds, new Uint8Array(length));
    this.#births = extended(this.#births, new Uint32Array(length));
    this.#checksums = extended(this.#checksums, new Uint32Array(length));
    this.#words = extended(this.#words, new Uint32Array(2 * length));
  }
}

function extended<T extends Uint32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

function withoutTrailingHoles(pointers: Uint32Array): Uint32Array {
  let length = pointers.length;
  while (length > 0 && pointers[length - 1] === HOLE) length--;
  return pointers.slice(0, length);
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

function repeatsOneWord(words: Uint32Array): boolean {
  const first = words[0];
  const second = words[1];
  for (let i = 2; i < words.length; i += 2) {
    if (words[i] !== first || words[i + 1] !== second) return false;
  }
  return true;
}

/** Four independent multiply-xor lanes: about half a microsecond a block. A prefilter, never proof of equality. */
function checksumOf(words: Uint32Array): number {
  let a = 0x9e3779b1;
  let b = 0x85ebca77;
  let c = 0xc2b2ae3d;
  let d = 0x27d4eb2f;
  for (let i = 0; i < words.length; i += 4) {
    a = Math.imul(a ^ (words[i] ?? 0), 0x01000193);
    b = Math.imul(b ^ (words[i + 1] ?? 0), 0x01000193);
    c = Math.imul(c ^ (words[i + 2] ?? 0), 0x01000193);
    d = Math.imul(d ^ (words[i + 3] ?? 0), 0x01000193);
  }
  return scrambled(a ^ Math.imul(b, 3) ^ Math.imul(c, 5) ^ Math.imul(d, 7));
}

function checksumOfWord(first: number, second: number): number {
  return scrambled(Math.imul(first, 0x9e3779b1) ^ scrambled(second ^ 0x85ebca77));
}

function scrambled(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x21f0aaad);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x735a2d97);
  return (hash ^ (hash >>> 15)) >>> 0;
}
