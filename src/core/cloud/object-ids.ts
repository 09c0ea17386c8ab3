/**
 * Core, phase 6: the object ids that a snapshot needs, found by walking the VMAP: after a transfer it has exactly the
 * blocks that the snapshot holds. Also the set they are kept in: a bitmap in pages, only those that have an id.
 */
import { InternalError } from '../../errors.ts';
import { type ObjectId, objectIdOf, SLOTS_PER_OBJECT } from './block-numbers.ts';
import { isPending, UNMAPPED, type VmapPage } from './vmap.ts';

/** Ids in a page of the bitmap: 4096 bytes of bits. */
export const ID_PAGE_IDS = 32_768;
const ID_PAGE_WORDS = ID_PAGE_IDS / 32;

/**
 * Adds the object ids that a page of the VMAP names.
 * @throws InternalError for a Pending entry: the transfer is not done
 */
export function addObjectIds(page: VmapPage, ids: ObjectIdSet): void {
  const { entries } = page;
  // PVBNs of the object that was met last: most entries lie next to their neighbour's.
  let low = 0;
  let high = 0;
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] ?? UNMAPPED;
    if ((entry >= low && entry < high) || entry === UNMAPPED) continue;
    if (isPending(entry)) throw new InternalError(`VMAP page ${page.number} has a block that waits for its PVBN`);
    const id = objectIdOf(entry);
    ids.add(id);
    low = id * SLOTS_PER_OBJECT;
    high = low + SLOTS_PER_OBJECT;
  }
}

/** A page of the bitmap: the ids from `number * 32768` on, the lowest in the lowest bit. */
export interface ObjectIdPage {
  readonly number: number;
  readonly words: Uint32Array;
}

export class ObjectIdSet implements Iterable<ObjectId> {
  readonly #pages = new Map<number, Uint32Array>();
  #size = 0;

  constructor(pages: Iterable<ObjectIdPage> = []) {
    for (const page of pages) this.addPage(page);
  }

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    const words = this.#pages.get(Math.floor(id / ID_PAGE_IDS));
    const bit = id % ID_PAGE_IDS;
    return words !== undefined && (((words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  /** True when it was not in the set before. */
  add(id: number): boolean {
    const words = this.#page(Math.floor(id / ID_PAGE_IDS));
    const bit = id % ID_PAGE_IDS;
    const before = words[bit >>> 5] ?? 0;
    const after = (before | (1 << (bit & 31))) >>> 0;
    if (after === before) return false;
    words[bit >>> 5] = after;
    this.#size++;
    return true;
  }

  addPage({ number, words }: ObjectIdPage): void {
    const own = this.#page(number);
    for (let at = 0; at < ID_PAGE_WORDS; at++) {
      const more = (words[at] ?? 0) & ~(own[at] ?? 0);
      if (more === 0) continue;
      this.#size += ones(more);
      own[at] = (own[at] ?? 0) | more;
    }
  }

  addAll(other: ObjectIdSet): void {
    for (const page of other.pages()) this.addPage(page);
  }

  /** Ascending. Not to be changed. */
  pages(): ObjectIdPage[] {
    const numbers = [...this.#pages.keys()].sort((one, other) => one - other);
    return numbers.map((number) => ({ number, words: this.#page(number) }));
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<ObjectId, void, undefined> {
    for (const { number, words } of this.pages()) {
      for (let at = 0; at < ID_PAGE_WORDS; at++) {
        for (let word = words[at] ?? 0; word !== 0; word &= word - 1) {
          yield (number * ID_PAGE_IDS + at * 32 + (31 - Math.clz32(word & -word))) as ObjectId;
        }
      }
    }
  }

  #page(number: number): Uint32Array {
    const page = this.#pages.get(number) ?? new Uint32Array(ID_PAGE_WORDS);
    this.#pages.set(number, page);
    return page;
  }
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
