/**
 * Which units of the page file are in use, and by which version: the committed one, the checkpointed one, the staged one. A
 * unit that any of the first two needs is never written to, so that whatever happens they stay whole.
 */
export class UnitSpace {
  #committed = new Bitmap();
  #checkpointed = new Bitmap();
  #staged = new Bitmap();
  /** Of the three together. */
  #busy = new Bitmap();
  #cursor = 0;
  /** Free again since the cursor passed, by length. Their free bits are the truth. */
  readonly #freed = new Map<number, number[]>();

  /** Units that what is staged may be written to. */
  allocate(units: number): number {
    const unit = this.#takeFreed(units) ?? this.#takeNext(units);
    this.#staged.fill(unit, units, true);
    this.#busy.fill(unit, units, true);
    return unit;
  }

  /** The staged version does not need them any more. */
  release(unit: number, units: number): void {
    this.#staged.fill(unit, units, false);
    if (this.#committed.any(unit, units) || this.#checkpointed.any(unit, units)) return;
    this.#busy.fill(unit, units, false);
    const same = this.#freed.get(units);
    if (same === undefined) this.#freed.set(units, [unit]);
    else if (same.length < MOST_FREED) same.push(unit);
  }

  /** On opening: what the version that is there refers to. */
  mark(version: 'committed' | 'checkpointed', unit: number, units: number): void {
    (version === 'committed' ? this.#committed : this.#checkpointed).fill(unit, units, true);
    this.#busy.fill(unit, units, true);
  }

  begin(base: 'committed' | 'checkpointed'): void {
    this.#staged = (base === 'committed' ? this.#committed : this.#checkpointed).copy();
    this.#settle();
  }

  checkpointed(): void {
    this.#checkpointed = this.#staged.copy();
    this.#settle();
  }

  committed(): void {
    this.#committed = this.#staged;
    this.dropped();
  }

  checkpointDropped(): void {
    this.#checkpointed = new Bitmap();
    this.#settle();
  }

  /** Neither a checkpoint nor anything staged is left. */
  dropped(): void {
    this.#checkpointed = new Bitmap();
    this.#staged = new Bitmap();
    this.#settle();
  }

  /** Behind this unit nothing is in use. */
  get end(): number {
    return this.#busy.end();
  }

  #settle(): void {
    this.#busy = this.#committed.copy();
    this.#busy.add(this.#checkpointed);
    this.#busy.add(this.#staged);
    this.#cursor = 0;
    this.#freed.clear();
  }

  #takeFreed(units: number): number | undefined {
    const same = this.#freed.get(units);
    for (let unit = same?.pop(); unit !== undefined; unit = same?.pop()) {
      if (!this.#busy.any(unit, units)) return unit;
    }
    return undefined;
  }

  #takeNext(units: number): number {
    const unit = this.#busy.firstFree(this.#cursor, units);
    this.#cursor = unit + units;
    return unit;
  }
}

/** So many freed extents of one length are remembered; what is beyond is found again after the next checkpoint or commit. */
const MOST_FREED = 65_536;

/** Grows as needed; what is beyond it is clear. */
class Bitmap {
  #words: Uint32Array;

  constructor(words = new Uint32Array(1024)) {
    this.#words = words;
  }

  copy(): Bitmap {
    return new Bitmap(this.#words.slice());
  }

  add(other: Bitmap): void {
    this.#grow(other.#words.length);
    for (const [at, word] of other.#words.entries()) {
      if (word !== 0) this.#words[at] = (this.#words[at] ?? 0) | word;
    }
  }

  fill(from: number, count: number, on: boolean): void {
    if (on) this.#grow(((from + count) >>> 5) + 1);
    for (let bit = from; bit < from + count; bit++) {
      const at = bit >>> 5;
      const word = this.#words[at] ?? 0;
      const mask = 1 << (bit & 31);
      if (at < this.#words.length) this.#words[at] = on ? word | mask : word & ~mask;
    }
  }

  any(from: number, count: number): boolean {
    for (let bit = from; bit < from + count; bit++) if (this.#has(bit)) return true;
    return false;
  }

  /** The first of so many clear bits in a row, from a bit on. */
  firstFree(from: number, count: number): number {
    let start = from;
    for (let bit = from; bit - start < count; bit++) {
      if ((bit & 31) === 0 && this.#words[bit >>> 5] === 0xffff_ffff) {
        bit += 31;
        start = bit + 1;
      } else if (this.#has(bit)) start = bit + 1;
    }
    return start;
  }

  end(): number {
    let at = this.#words.length - 1;
    while (at >= 0 && this.#words[at] === 0) at--;
    return at < 0 ? 0 : at * 32 + 32 - Math.clz32(this.#words[at] ?? 0);
  }

  #has(bit: number): boolean {
    return ((this.#words[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }

  #grow(words: number): void {
    if (words <= this.#words.length) return;
    const grown = new Uint32Array(Math.max(words, 2 * this.#words.length));
    grown.set(this.#words);
    this.#words = grown;
  }
}
