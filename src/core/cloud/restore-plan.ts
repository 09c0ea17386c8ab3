/**
 * Core: what a restore reads, and where it goes. A volume, a file, a byte range, or only what differs from a snapshot
 * that the target has: all are one comparison of two trees of PVBNs, the second of which may be empty. A PVBN never
 * changes its content, so equal PVBNs are equal blocks, and equal indirect blocks are equal subtrees.
 *
 * The plan asks for what it needs (L3 parts, pointers) and is given it before it goes on. A block is fetched once,
 * however many file blocks point at it; holes are kept as holes.
 */
import { BLOCK_BYTES, HOLE, type Level, type ObjectId, objectIdOf, SLOTS_PER_OBJECT, slotOf } from './block-numbers.ts';
import type { L3PartFacts } from './format/manifest.ts';
import { type InodeRoot, spanOf } from './inode-root.ts';
import { lookUp, pageNumberOf, setEntry, UNMAPPED, VMAP_PAGE_ENTRIES, type Vmap } from './vmap.ts';

/** Pairs of indirect blocks whose pointers are asked for at a time. */
export const RESTORE_BATCH_BLOCKS = 64;

export type InodeStep =
  /** Go on with the inodes of this part. */
  | { readonly step: 'read-part'; readonly of: 'base' | 'wanted'; readonly part: L3PartFacts }
  /** Inodes that are to be made, changed, or removed. */
  | { readonly step: 'inode'; readonly before: InodeRoot | undefined; readonly after: InodeRoot | undefined };

/**
 * The inodes in which two snapshots differ, by ascending number; with no base, all. An inode of another generation is
 * another file: it is removed, and made anew.
 */
export function* compareInodes(
  base: readonly L3PartFacts[],
  wanted: readonly L3PartFacts[],
): Generator<InodeStep, void, readonly InodeRoot[] | undefined> {
  const one = new PartCursor('base', base);
  const other = new PartCursor('wanted', wanted);
  for (;;) {
    if (one.hungry) one.feed((yield one.request()) ?? []);
    if (other.hungry) other.feed((yield other.request()) ?? []);
    const before = one.current;
    const after = other.current;
    if (before === undefined && after === undefined && !one.hungry && !other.hungry) return;
    if (one.hungry || other.hungry) continue;
    if (after === undefined || (before !== undefined && before.number < after.number)) {
      one.advance();
      yield { step: 'inode', before, after: undefined };
    } else if (before === undefined || after.number < before.number) {
      other.advance();
      yield { step: 'inode', before: undefined, after };
    } else {
      one.advance();
      other.advance();
      if (before.generation !== after.generation) {
        yield { step: 'inode', before, after: undefined };
        yield { step: 'inode', before: undefined, after };
      } else if (!sameRoot(before, after)) {
        yield { step: 'inode', before, after };
      }
    }
  }
}

export type FileStep =
  /** Go on with the PVBNs in these populated indirect blocks: `pointersPerBlock` of each, one after the other. */
  | {
      readonly step: 'read-pointers';
      readonly level: 1 | 2;
      /** The file block that lies first below each, ascending. */
      readonly fbns: Float64Array;
      readonly pvbns: Float64Array;
    }
  /** File blocks that differ, in ascending order within the step, and what they are to be: a PVBN, or HOLE. */
  | { readonly step: 'blocks'; readonly fbns: Float64Array; readonly pvbns: Float64Array };

/** A range of bytes of a file. */
export interface FileRange {
  /** Bytes from the beginning of the file; whole blocks are planned. */
  readonly from: number;
  /** The first byte that is not wanted any more. */
  readonly to: number;
}

/** The blocks of one inode that a restore has to set: all that are mapped when there is no `base`. */
export function* compareFile(
  base: InodeRoot | undefined,
  wanted: InodeRoot,
  pointersPerBlock: number,
  range: FileRange = { from: 0, to: Number.POSITIVE_INFINITY },
): Generator<FileStep, void, Float64Array | undefined> {
  const first = Math.floor(range.from / BLOCK_BYTES);
  const end = Math.ceil(Math.min(range.to, wanted.sizeBytes) / BLOCK_BYTES);

  function* compareAt(level: Level, pairs: Pairs): Generator<FileStep, void, Float64Array | undefined> {
    const span = spanOf(level, pointersPerBlock);
    const differing = pairs.where((fbn, one, other) => one !== other && fbn < end && fbn + span > first);
    if (differing.length === 0) return;
    if (level === 0) {
      yield { step: 'blocks', fbns: differing.fbns, pvbns: differing.others };
      return;
    }
    for (let at = 0; at < differing.length; at += RESTORE_BATCH_BLOCKS) {
      const batch = differing.slice(at, at + RESTORE_BATCH_BLOCKS);
      const ones = yield* expand(level, batch.fbns, batch.ones);
      const others = yield* expand(level, batch.fbns, batch.others);
      const below = spanOf((level - 1) as Level, pointersPerBlock);
      const fbns = new Float64Array(ones.length);
      for (let i = 0; i < fbns.length; i++) {
        fbns[i] = (batch.fbns[Math.floor(i / pointersPerBlock)] ?? 0) + (i % pointersPerBlock) * below;
      }
      yield* compareAt((level - 1) as Level, new Pairs(fbns, ones, others));
    }
  }

  /** The pointers in indirect blocks, holes all the way below a hole. */
  function* expand(
    level: 1 | 2,
    places: Float64Array,
    pvbns: Float64Array,
  ): Generator<FileStep, Float64Array, Float64Array | undefined> {
    const mapped = pvbns.filter((pvbn) => pvbn !== HOLE);
    const all = new Float64Array(pvbns.length * pointersPerBlock);
    if (mapped.length === 0) return all;
    const fbns = places.filter((_, at) => pvbns[at] !== HOLE);
    const pointers = (yield { step: 'read-pointers', level, fbns, pvbns: mapped }) ?? new Float64Array();
    let next = 0;
    for (let at = 0; at < pvbns.length; at++) {
      if (pvbns[at] === HOLE) continue;
      all.set(pointers.subarray(next * pointersPerBlock, (next + 1) * pointersPerBlock), at * pointersPerBlock);
      next++;
    }
    return all;
  }

  /** Brings the higher of the two trees down, where the lower one reaches, until both are of one height. */
  function* compareRoots(one: Root, other: Root): Generator<FileStep, void, Float64Array | undefined> {
    if (one.level === other.level) {
      yield* compareAt(one.level, pairsOf(one.pointers, other.pointers, 0, spanOf(one.level, pointersPerBlock)));
      return;
    }
    const [high, low] = one.level > other.level ? [one, other] : [other, one];
    const level = high.level as 1 | 2;
    const span = spanOf(level, pointersPerBlock);
    const reached = Math.ceil((low.pointers.length * spanOf(low.level, pointersPerBlock)) / span);
    const beyond = high.pointers.subarray(reached);
    const nothing = new Float64Array();
    const [ones, others] = high === one ? [beyond, nothing] : [nothing, beyond];
    const places = Float64Array.from({ length: reached }, (_, at) => at * span);
    const expanded = yield* expand(level, places, high.pointers.slice(0, reached));
    const lowered = { level: (level - 1) as Level, pointers: expanded };
    yield* high === one ? compareRoots(lowered, other) : compareRoots(one, lowered);
    yield* compareAt(level, pairsOf(ones, others, reached * span, span));
  }

  yield* compareRoots(
    { level: base?.height ?? wanted.height, pointers: base?.topmost ?? new Float64Array() },
    { level: wanted.height, pointers: wanted.topmost },
  );
}

/** Blocks to read from one object. */
export interface ObjectFetch {
  readonly objectId: ObjectId;
  /** Ascending. */
  readonly slots: Uint16Array;
  /** The blocks arrive under these numbers: the first of them; the rest follow in the order of the slots. */
  readonly firstArrival: number;
}

/** Stands for a hole among arrivals. */
export const NO_ARRIVAL = -1;

/**
 * Turns blocks to set into blocks to fetch. Every block gets a number as it arrives (0, 1, 2, ...), the first time
 * anything needs it; whatever needs it later is given the same number. Which block has which number is kept in pages
 * like those of the VMAP. A large restore makes a plan for each part of it: what arrived before is told by whoever kept it.
 */
export class FetchPlan {
  readonly #arrivals: Vmap;
  #next: number;

  /**
   * @param arrivals empty pages over PVBNs; see `pagesOf` for those that a batch needs
   * @param first the number of the next arrival
   */
  constructor(arrivals: Vmap, first = 0) {
    this.#arrivals = arrivals;
    this.#next = first;
  }

  /** These blocks have arrived before, under these numbers; NO_ARRIVAL for those that have not. */
  know(pvbns: Float64Array, arrivals: Float64Array): void {
    for (let at = 0; at < pvbns.length; at++) {
      const arrival = arrivals[at] ?? NO_ARRIVAL;
      if (arrival !== NO_ARRIVAL) this.#number(pvbns[at] ?? HOLE, arrival);
    }
  }

  /** The number of the next arrival: how many blocks have been planned to arrive. */
  get arrivals(): number {
    return this.#next;
  }

  /**
   * What has to be fetched for these blocks, by object, and the arrival that each of them is. A larger batch means
   * fewer and larger reads.
   */
  add(pvbns: Float64Array): { readonly fetches: ObjectFetch[]; readonly arrivals: Float64Array } {
    const known = lookUp(this.#arrivals, pvbns);
    const wanted = pvbns.filter((pvbn, at) => pvbn !== HOLE && known[at] === UNMAPPED).sort();
    const fetches: ObjectFetch[] = [];
    for (let at = 0; at < wanted.length; ) {
      const objectId = objectIdOf(wanted[at] ?? 0);
      const firstArrival = this.#next;
      const slots: number[] = [];
      for (let last = HOLE; at < wanted.length && objectIdOf(wanted[at] ?? 0) === objectId; at++) {
        const pvbn = wanted[at] ?? 0;
        if (pvbn === last) continue;
        last = pvbn;
        slots.push(slotOf(pvbn));
        this.#number(pvbn, this.#next++);
      }
      fetches.push({ objectId, slots: Uint16Array.from(slots), firstArrival });
    }
    // Kept beyond 1024 so that no number looks like a Pending entry.
    const arrivals = lookUp(this.#arrivals, pvbns).map((entry) =>
      entry === UNMAPPED ? NO_ARRIVAL : entry - SLOTS_PER_OBJECT,
    );
    return { fetches, arrivals };
  }

  #number(pvbn: number, arrival: number): void {
    const page = this.#arrivals.pageToWrite(pageNumberOf(pvbn));
    setEntry(page, pvbn % VMAP_PAGE_ENTRIES, arrival + SLOTS_PER_OBJECT);
  }
}

interface Root {
  readonly level: Level;
  readonly pointers: Float64Array;
}

/** Pointers of two trees at the same places. */
class Pairs {
  readonly fbns: Float64Array;
  readonly ones: Float64Array;
  readonly others: Float64Array;

  constructor(fbns: Float64Array, ones: Float64Array, others: Float64Array) {
    this.fbns = fbns;
    this.ones = ones;
    this.others = others;
  }

  get length(): number {
    return this.fbns.length;
  }

  slice(from: number, to: number): Pairs {
    return new Pairs(this.fbns.slice(from, to), this.ones.slice(from, to), this.others.slice(from, to));
  }

  where(test: (fbn: number, one: number, other: number) => boolean): Pairs {
    const kept = new Uint32Array(this.length);
    let count = 0;
    for (let at = 0; at < this.length; at++) {
      if (test(this.fbns[at] ?? 0, this.ones[at] ?? 0, this.others[at] ?? 0)) kept[count++] = at;
    }
    const pick = (list: Float64Array) => Float64Array.from(kept.subarray(0, count), (at) => list[at] ?? 0);
    return new Pairs(pick(this.fbns), pick(this.ones), pick(this.others));
  }
}

function pairsOf(ones: Float64Array, others: Float64Array, firstFbn: number, span: number): Pairs {
  const length = Math.max(ones.length, others.length);
  const wide = (list: Float64Array) => {
    const all = new Float64Array(length);
    all.set(list);
    return all;
  };
  return new Pairs(
    Float64Array.from({ length }, (_, at) => firstFbn + at * span),
    wide(ones),
    wide(others),
  );
}

class PartCursor {
  readonly #of: 'base' | 'wanted';
  readonly #parts: readonly L3PartFacts[];
  #part = 0;
  #inodes: readonly InodeRoot[] = [];
  #at = 0;

  constructor(of: 'base' | 'wanted', parts: readonly L3PartFacts[]) {
    this.#of = of;
    this.#parts = parts;
  }

  get current(): InodeRoot | undefined {
    return this.#inodes[this.#at];
  }

  /** True when the next part has to be read before there is a current inode. */
  get hungry(): boolean {
    return this.current === undefined && this.#part < this.#parts.length;
  }

  request(): InodeStep {
    const part = this.#parts[this.#part];
    if (part === undefined) throw new RangeError('there is no further part');
    return { step: 'read-part', of: this.#of, part };
  }

  feed(inodes: readonly InodeRoot[]): void {
    this.#part++;
    this.#inodes = inodes;
    this.#at = 0;
  }

  advance(): void {
    this.#at++;
  }
}

function sameRoot(one: InodeRoot, other: InodeRoot): boolean {
  return (
    one.sizeBytes === other.sizeBytes &&
    one.height === other.height &&
    one.topmost.length === other.topmost.length &&
    one.topmost.every((pvbn, at) => pvbn === other.topmost[at])
  );
}
