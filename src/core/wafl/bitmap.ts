/** Core: a growing set of small whole numbers (VVBNs), one bit each. */

/** Iterates in ascending order. Numbers up to 2^32 - 1. */
export class Bitmap implements Iterable<number> {
  #words: Uint32Array;
  #size = 0;

  constructor(words: Uint32Array = new Uint32Array(8)) {
    this.#words = words;
    for (const word of words) this.#size += ones(word);
  }

  get size(): number {
    return this.#size;
  }

  /** The bits, 32 a word, the lowest number in the lowest bit. Read only; live. */
  get words(): Uint32Array {
    return this.#words;
  }

  has(number: number): boolean {
    return (((this.#words[number >>> 5] ?? 0) >>> (number & 31)) & 1) === 1;
  }

  /** True when it was not in the set before. */
  add(number: number): boolean {
    const at = number >>> 5;
    if (at >= this.#words.length) {
      const words = new Uint32Array(Math.max(at + 1, 2 * this.#words.length));
      words.set(this.#words);
      this.#words = words;
    }
    const before = this.#words[at] ?? 0;
    const after = (before | (1 << (number & 31))) >>> 0;
    if (after === before) return false;
    this.#words[at] = after;
    this.#size++;
    return true;
  }

  delete(number: number): boolean {
    if (!this.has(number)) return false;
    const at = number >>> 5;
    this.#words[at] = (this.#words[at] ?? 0) & ~(1 << (number & 31));
    this.#size--;
    return true;
  }

  /** The lowest number from `from` on that is not in the set. */
  firstAbsent(from: number): number {
    const words = this.#words;
    let at = from >>> 5;
    let taken = (words[at] ?? 0) | ((1 << (from & 31)) - 1);
    while (taken === -1 || taken === 0xffff_ffff) taken = words[++at] ?? 0;
    const free = ~taken;
    return at * 32 + (31 - Math.clz32(free & -free));
  }

  /** How many numbers of this set are in the other one too. */
  sharedWith(other: Bitmap): number {
    const length = Math.min(this.#words.length, other.#words.length);
    let shared = 0;
    for (let at = 0; at < length; at++) shared += ones((this.#words[at] ?? 0) & (other.#words[at] ?? 0));
    return shared;
  }

  addAll(other: Bitmap): void {
    const words = new Uint32Array(Math.max(this.#words.length, other.#words.length));
    words.set(this.#words);
    let size = 0;
    for (let at = 0; at < words.length; at++) {
      words[at] = (words[at] ?? 0) | (other.#words[at] ?? 0);
      size += ones(words[at] ?? 0);
    }
    this.#words = words;
    this.#size = size;
  }

  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let at = 0; at < this.#words.length; at++) {
      for (let word = this.#words[at] ?? 0; word !== 0; word &= word - 1) {
        yield at * 32 + (31 - Math.clz32(word & -word));
      }
    }
  }
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
