/**
 * Adapter: which VVBNs may have a content: a multimap from the first 48 bits of an identity (the fingerprint) to VVBNs,
 * on disk, in bounded memory. It only proposes: whoever asks compares the whole identity, so an entry too many costs a
 * look and never a wrong block.
 *
 * Entries are gathered in memory and merged into runs of growing size, each sorted and cut into pages by the leading bits
 * of the fingerprint: a look-up reads one page a run, an entry is written a few times in its life. A filter in memory
 * answers most look-ups of what is not there without reading anything.
 */
import type { StagedVersion, StateOptions } from '../state/state.ts';
import { PagedTable, type PageFormat, readNumbers, writeNumbers } from './paged-table.ts';
import { FILTER_TABLE, PresenceFilter } from './presence-filter.ts';

/** What has to be known of an index to open it again. */
export interface IndexShape {
  readonly runs: readonly RunShape[];
  readonly filterPages: number;
  /** Fingerprints that the filter was given, those of entries that went away included. */
  readonly filtered: number;
}

export interface RunShape {
  /** Leading bits of a fingerprint that number the pages. */
  readonly bits: number;
  readonly entries: number;
}

export interface IndexLimits {
  /** Entries in memory before they are merged into the first run; a run holds eight times what comes before it. */
  readonly indexEntries: number;
  readonly indexPages: number;
  readonly filterBytes: number;
}

export const EMPTY_INDEX: IndexShape = { runs: [], filterPages: 1, filtered: 0 };

/** Forgets an index of this version, whatever it was. */
export async function clearIndex(staged: StagedVersion, options: StateOptions = {}): Promise<void> {
  for (let run = 0; run < MAX_RUNS; run++) await staged.clear(tableName(run), options);
  await staged.clear(FILTER_TABLE, options);
}

/** Runs grow eightfold: no volume has as many blocks as these hold. */
const MAX_RUNS = 16;
const FINGERPRINT_BITS = 48;
const GROWTH = 8;
const ENTRIES_PER_PAGE = 1024;
/** A run is cut finer when its pages have more than this, on average. */
const CROWDED_PAGE = 2 * ENTRIES_PER_PAGE;

/** Entries by fingerprint, then VVBN. A VVBN below 0 says that the entry of that VVBN is gone. */
interface Entries {
  readonly fingerprints: Float64Array;
  readonly vvbns: Float64Array;
}

interface Run {
  bits: number;
  entries: number;
  readonly table: PagedTable<Entries>;
}

export class ContentIndex {
  readonly #staged: StagedVersion;
  readonly #limits: IndexLimits;
  readonly #recent: RecentEntries;
  readonly #runs: Run[];
  readonly #filter: PresenceFilter;

  constructor(staged: StagedVersion, shape: IndexShape, limits: IndexLimits) {
    this.#staged = staged;
    this.#limits = limits;
    this.#recent = new RecentEntries(limits.indexEntries);
    this.#runs = shape.runs.map((run, at) => ({ ...run, table: this.#tableOf(at) }));
    this.#filter = new PresenceFilter(staged, shape.filterPages, shape.filtered, limits.filterBytes);
  }

  /** As of the last flush. */
  get shape(): IndexShape {
    return {
      runs: this.#runs.map(({ bits, entries }) => ({ bits, entries })),
      filterPages: this.#filter.pages,
      filtered: this.#filter.added,
    };
  }

  /** The VVBNs that each fingerprint may stand for, newest first; `undefined` for none. */
  async find(fingerprints: Float64Array, options: StateOptions = {}): Promise<(readonly number[] | undefined)[]> {
    const found: Found[] = Array.from(fingerprints, () => NOTHING);
    fingerprints.forEach((fingerprint, at) => {
      this.#recent.visit(fingerprint, (vvbn) => note(found, at, vvbn));
    });
    await this.#filter.load(fingerprints, options);
    const likely: number[] = [];
    fingerprints.forEach((fingerprint, at) => {
      if (this.#filter.mayHave(fingerprint)) likely.push(at);
    });
    for (const { table, bits, entries } of this.#runs) {
      if (entries === 0 || likely.length === 0) continue;
      await table.load(
        likely.map((at) => pageOf(fingerprints[at] ?? 0, bits)),
        options,
      );
      for (const at of likely) {
        const fingerprint = fingerprints[at] ?? 0;
        const page = table.page(pageOf(fingerprint, bits));
        for (
          let entry = lowerBound(page.fingerprints, fingerprint);
          page.fingerprints[entry] === fingerprint;
          entry++
        ) {
          note(found, at, page.vvbns[entry] ?? 0);
        }
      }
    }
    return found.map(({ alive }) => alive);
  }

  async add(fingerprints: Float64Array, vvbns: Float64Array, options: StateOptions = {}): Promise<void> {
    await this.#filter.load(fingerprints, options);
    for (let at = 0; at < fingerprints.length; at++) this.#filter.add(fingerprints[at] ?? 0);
    await this.#gather(fingerprints, vvbns, 1, options);
    if (this.#filter.isWornOut(this.#entries)) await this.#renewFilter(options);
  }

  async remove(fingerprints: Float64Array, vvbns: Float64Array, options: StateOptions = {}): Promise<void> {
    await this.#gather(fingerprints, vvbns, -1, options);
  }

  async flush(options: StateOptions = {}): Promise<void> {
    await this.#mergeRecent(options);
    for (const { table } of this.#runs) await table.flush(options);
    await this.#filter.flush(options);
  }

  get #entries(): number {
    return this.#runs.reduce((sum, { entries }) => sum + entries, this.#recent.size);
  }

  async #gather(fingerprints: Float64Array, vvbns: Float64Array, sign: 1 | -1, options: StateOptions): Promise<void> {
    for (let at = 0; at < fingerprints.length; at++) {
      if (this.#recent.isFull) await this.#mergeRecent(options);
      this.#recent.set(fingerprints[at] ?? 0, sign * (vvbns[at] ?? 0));
    }
  }

  async #mergeRecent(options: StateOptions): Promise<void> {
    if (this.#recent.size === 0) return;
    await this.#merge(0, this.#recent.sorted(), options);
    this.#recent.clear();
    for (let at = 0, room = this.#limits.indexEntries * GROWTH; at < this.#runs.length; at++, room *= GROWTH) {
      if ((this.#runs[at]?.entries ?? 0) > room) await this.#sink(at, options);
    }
  }

  /** Merges a run into the next larger one. */
  async #sink(at: number, options: StateOptions): Promise<void> {
    const run = this.#runs[at];
    if (run === undefined) return;
    for await (const number of run.table.numbers(0, options)) {
      await run.table.load([number], options);
      await this.#merge(at + 1, run.table.page(number), options);
    }
    await run.table.clear(options);
    run.entries = 0;
    run.bits = 0;
  }

  async #merge(at: number, added: Entries, options: StateOptions): Promise<void> {
    const run = this.#runAt(at, added.fingerprints.length);
    const isLast = this.#runs.every(({ entries }, other) => other <= at || entries === 0);
    for (let from = 0; from < added.fingerprints.length; ) {
      const number = pageOf(added.fingerprints[from] ?? 0, run.bits);
      const end = lowerBound(added.fingerprints, (number + 1) * 2 ** (FINGERPRINT_BITS - run.bits));
      await run.table.load([number], options);
      const before = run.table.page(number);
      const after = merged(before, part(added, from, end), isLast);
      run.table.put(number, after);
      run.entries += after.vvbns.length - before.vvbns.length;
      from = end;
    }
    while (run.entries > CROWDED_PAGE * 2 ** run.bits) await this.#split(run, options);
  }

  #runAt(at: number, expected: number): Run {
    let run = this.#runs[at];
    while (run === undefined) {
      this.#runs.push({ bits: 0, entries: 0, table: this.#tableOf(this.#runs.length) });
      run = this.#runs[at];
    }
    if (run.entries === 0) run.bits = Math.max(0, Math.ceil(Math.log2(expected / ENTRIES_PER_PAGE)));
    return run;
  }

  /** Cuts each page in four. From the last page down: what a page becomes lies behind all that is still to be cut. */
  async #split(run: Run, options: StateOptions): Promise<void> {
    const bits = run.bits + 2;
    for (let number = 2 ** run.bits - 1; number >= 0; number--) {
      await run.table.load([number], options);
      const whole = run.table.page(number);
      for (let quarter = 3, end = whole.vvbns.length; quarter >= 0; quarter--) {
        const from = lowerBound(whole.fingerprints, (4 * number + quarter) * 2 ** (FINGERPRINT_BITS - bits));
        run.table.put(4 * number + quarter, part(whole, from, end));
        end = from;
      }
      // Puts go over the capacity until a load comes by.
      await run.table.load([], options);
    }
    run.bits = bits;
  }

  async #renewFilter(options: StateOptions): Promise<void> {
    await this.#mergeRecent(options);
    await this.#filter.renew(this.#entries, options);
    for (const { table } of this.#runs) {
      for await (const number of table.numbers(0, options)) {
        await table.load([number], options);
        const { fingerprints, vvbns } = table.page(number);
        const alive = fingerprints.filter((_, at) => (vvbns[at] ?? 0) > 0);
        await this.#filter.load(alive, options);
        for (const fingerprint of alive) this.#filter.add(fingerprint);
      }
    }
  }

  #tableOf(at: number): PagedTable<Entries> {
    return new PagedTable(tableName(at), ENTRY_PAGES, this.#limits.indexPages, this.#staged, this.#staged);
  }
}

interface Found {
  readonly alive: number[] | undefined;
  readonly gone: number[] | undefined;
}

const NOTHING: Found = { alive: undefined, gone: undefined };

/** What was said before about a VVBN holds: newer entries come first. */
function note(found: Found[], at: number, vvbn: number): void {
  const { alive, gone } = found[at] ?? NOTHING;
  const number = Math.abs(vvbn);
  if (alive?.includes(number) || gone?.includes(number)) return;
  if (vvbn > 0) found[at] = { alive: [...(alive ?? []), number], gone };
  else found[at] = { alive, gone: [...(gone ?? []), number] };
}

/** The newest entries, by open addressing. */
class RecentEntries {
  readonly #capacity: number;
  readonly #mask: number;
  /** 0 for a free slot: no fingerprint is 0. */
  readonly #fingerprints: Float64Array;
  readonly #vvbns: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * capacity));
    this.#capacity = capacity;
    this.#mask = slots - 1;
    this.#fingerprints = new Float64Array(slots);
    this.#vvbns = new Float64Array(slots);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#capacity;
  }

  set(fingerprint: number, vvbn: number): void {
    let slot = this.#slotOf(fingerprint);
    while (this.#fingerprints[slot] !== 0) {
      if (this.#fingerprints[slot] === fingerprint && Math.abs(this.#vvbns[slot] ?? 0) === Math.abs(vvbn)) break;
      slot = (slot + 1) & this.#mask;
    }
    if (this.#fingerprints[slot] === 0) this.#size++;
    this.#fingerprints[slot] = fingerprint;
    this.#vvbns[slot] = vvbn;
  }

  visit(fingerprint: number, visitor: (vvbn: number) => void): void {
    let slot = this.#slotOf(fingerprint);
    while (this.#fingerprints[slot] !== 0) {
      if (this.#fingerprints[slot] === fingerprint) visitor(this.#vvbns[slot] ?? 0);
      slot = (slot + 1) & this.#mask;
    }
  }

  sorted(): Entries {
    const slots = new Uint32Array(this.#size);
    for (let slot = 0, at = 0; slot <= this.#mask; slot++) if (this.#fingerprints[slot] !== 0) slots[at++] = slot;
    const [fingerprints, vvbns] = [this.#fingerprints, this.#vvbns];
    slots.sort((one, other) => {
      const order = (fingerprints[one] ?? 0) - (fingerprints[other] ?? 0);
      return order !== 0 ? order : Math.abs(vvbns[one] ?? 0) - Math.abs(vvbns[other] ?? 0);
    });
    return {
      fingerprints: Float64Array.from(slots, (slot) => fingerprints[slot] ?? 0),
      vvbns: Float64Array.from(slots, (slot) => vvbns[slot] ?? 0),
    };
  }

  clear(): void {
    this.#fingerprints.fill(0);
    this.#size = 0;
  }

  #slotOf(fingerprint: number): number {
    return (Math.imul(fingerprint % 2 ** 32, 0x9e3779b1) >>> 7) & this.#mask;
  }
}

/** All fingerprints of a page, then all VVBNs, six bytes each; the highest bit of a VVBN says that its entry is gone. */
const GONE = 2 ** 47;
const ENTRY_PAGES: PageFormat<Entries> = {
  empty: () => ({ fingerprints: new Float64Array(), vvbns: new Float64Array() }),
  decode(bytes) {
    if (bytes.length % 12 !== 0) return undefined;
    const numbers = readNumbers(bytes);
    const count = numbers.length / 2;
    const vvbns = numbers.slice(count).map((vvbn) => (vvbn >= GONE ? GONE - vvbn : vvbn));
    return { fingerprints: numbers.slice(0, count), vvbns };
  },
  encode({ fingerprints, vvbns }) {
    if (vvbns.length === 0) return undefined;
    const numbers = new Float64Array(2 * vvbns.length);
    numbers.set(fingerprints);
    numbers.set(
      vvbns.map((vvbn) => (vvbn < 0 ? GONE - vvbn : vvbn)),
      fingerprints.length,
    );
    return writeNumbers(numbers);
  },
};

/** Both, the added ones in the place of those of the same VVBN. @param isLast nothing lies below: what is gone may go */
function merged(before: Entries, added: Entries, isLast: boolean): Entries {
  const fingerprints = new Float64Array(before.vvbns.length + added.vvbns.length);
  const vvbns = new Float64Array(fingerprints.length);
  let count = 0;
  for (let one = 0, other = 0; one < before.vvbns.length || other < added.vvbns.length; ) {
    const order =
      (before.fingerprints[one] ?? Number.POSITIVE_INFINITY) -
        (added.fingerprints[other] ?? Number.POSITIVE_INFINITY) ||
      Math.abs(before.vvbns[one] ?? 0) - Math.abs(added.vvbns[other] ?? 0);
    const from = order < 0 ? before : added;
    const at = order < 0 ? one : other;
    if (order <= 0) one++;
    if (order >= 0) other++;
    if (isLast && (from.vvbns[at] ?? 0) < 0) continue;
    fingerprints[count] = from.fingerprints[at] ?? 0;
    vvbns[count++] = from.vvbns[at] ?? 0;
  }
  return { fingerprints: fingerprints.slice(0, count), vvbns: vvbns.slice(0, count) };
}

function part({ fingerprints, vvbns }: Entries, from: number, end: number): Entries {
  return { fingerprints: fingerprints.slice(from, end), vvbns: vvbns.slice(from, end) };
}

function tableName(run: number): string {
  return `catalogue.index-${run}`;
}

function pageOf(fingerprint: number, bits: number): number {
  return Math.floor(fingerprint / 2 ** (FINGERPRINT_BITS - bits));
}

/** The first place whose number is not below `wanted`. */
function lowerBound(sorted: Float64Array, wanted: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
