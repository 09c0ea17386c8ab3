/**
 * Core: the VMAP, VVBN -> PVBN or Pending, in pages. A page is the unit of work and of storage: plain data that can be
 * handed to a worker thread or written to a file. Pages without an entry do not exist.
 *
 * A level that is Pending is remembered in the entry, and counted by the page, so that the blocks of a level that wait
 * for their turn are found without walking what is mapped.
 */
import { InternalError } from '../../errors.ts';
import { LEVELS, type Level, MAX_VVBN, SLOTS_PER_OBJECT } from './block-numbers.ts';

export const VMAP_PAGE_ENTRIES = 4096;
/** 32-bit words of a bitmap over a page's VVBNs. */
export const VMAP_PAGE_WORDS = VMAP_PAGE_ENTRIES / 32;

/** The entry of a VVBN that is not in the VMAP. */
export const UNMAPPED = 0;

/** The entry of a VVBN that waits for its PVBN. No PVBN is below 1024, so the two cannot be taken for one another. */
export function pendingEntry(level: Level): number {
  return 1 + level;
}

/** True for an entry that is a PVBN. */
export function isActual(entry: number): boolean {
  return entry >= SLOTS_PER_OBJECT;
}

export function isPending(entry: number): boolean {
  return entry > UNMAPPED && entry < SLOTS_PER_OBJECT;
}

/** The VVBNs from `number * 4096` on. */
export interface VmapPage {
  readonly number: number;
  /** `UNMAPPED`, `pendingEntry(level)` or a PVBN, for each VVBN of the page. */
  readonly entries: Float64Array;
  /** Entries that are not UNMAPPED, Pending ones included. */
  mapped: number;
  /** How many entries wait, by level. */
  readonly pending: Uint32Array;
}

export function emptyPage(number: number): VmapPage {
  return { number, entries: new Float64Array(VMAP_PAGE_ENTRIES), mapped: 0, pending: new Uint32Array(LEVELS.length) };
}

/** A page with these entries, its counters counted. */
export function pageOfEntries(number: number, entries: Float64Array): VmapPage {
  const page = { number, entries, mapped: 0, pending: new Uint32Array(LEVELS.length) };
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] ?? UNMAPPED;
    if (entry === UNMAPPED) continue;
    page.mapped++;
    if (isPending(entry)) page.pending[entry - 1] = (page.pending[entry - 1] ?? 0) + 1;
  }
  return page;
}

export function copyPage(page: VmapPage): VmapPage {
  return {
    number: page.number,
    entries: page.entries.slice(),
    mapped: page.mapped,
    pending: page.pending.slice(),
  };
}

export function pageNumberOf(vvbn: number): number {
  return Math.floor(vvbn / VMAP_PAGE_ENTRIES);
}

/** The pages that these VVBNs lie in, ascending, each once. Holes lie nowhere. */
export function pagesOf(vvbns: Float64Array): Float64Array {
  const numbers = new Set<number>();
  let last = -1;
  for (let at = 0; at < vvbns.length; at++) {
    const vvbn = vvbns[at] ?? 0;
    if (vvbn === 0) continue;
    const number = pageNumberOf(vvbn);
    if (number !== last) numbers.add(number);
    last = number;
  }
  return Float64Array.from(numbers).sort();
}

/** The pages that a batch of work needs, as the phases see them. */
export interface Vmap {
  /** `undefined` when the page has no entry. */
  page(number: number): VmapPage | undefined;
  /** The page, to be changed in place; made if there is none. */
  pageToWrite(number: number): VmapPage;
}

/** The entries of these VVBNs; UNMAPPED for holes. */
export function lookUp(vmap: Vmap, vvbns: Float64Array): Float64Array {
  const found = new Float64Array(vvbns.length);
  let page: VmapPage | undefined;
  let number = -1;
  for (let at = 0; at < vvbns.length; at++) {
    const vvbn = vvbns[at] ?? 0;
    if (vvbn === 0) continue;
    const wanted = pageNumberOf(vvbn);
    if (wanted !== number) {
      number = wanted;
      page = vmap.page(number);
    }
    found[at] = page?.entries[vvbn % VMAP_PAGE_ENTRIES] ?? UNMAPPED;
  }
  return found;
}

/** Sets an entry and keeps the page's counters. */
export function setEntry(page: VmapPage, offset: number, entry: number): void {
  const before = page.entries[offset] ?? UNMAPPED;
  if (isPending(before)) page.pending[before - 1] = (page.pending[before - 1] ?? 0) - 1;
  if (isPending(entry)) page.pending[entry - 1] = (page.pending[entry - 1] ?? 0) + 1;
  page.mapped += Number(entry !== UNMAPPED) - Number(before !== UNMAPPED);
  page.entries[offset] = entry;
}

/**
 * Phase 3: each of the VVBNs that is not in the VMAP yet becomes Pending. Returns those, in their order, each once:
 * what is mapped was uploaded, what is Pending is on its way.
 */
export function claim(vmap: Vmap, level: Level, vvbns: Float64Array): Float64Array {
  const claimed = new Float64Array(vvbns.length);
  let count = 0;
  let page: VmapPage | undefined;
  let writable: VmapPage | undefined;
  let number = -1;
  for (let at = 0; at < vvbns.length; at++) {
    const vvbn = vvbns[at] ?? 0;
    if (vvbn === 0) continue;
    const wanted = pageNumberOf(vvbn);
    if (wanted !== number) {
      if (vvbn > MAX_VVBN) throw new InternalError(`the source has the VVBN ${vvbn}, beyond ${MAX_VVBN}`);
      number = wanted;
      page = vmap.page(number);
      writable = undefined;
    }
    const offset = vvbn % VMAP_PAGE_ENTRIES;
    if ((page?.entries[offset] ?? UNMAPPED) !== UNMAPPED) continue;
    writable ??= vmap.pageToWrite(number);
    page = writable;
    setEntry(writable, offset, pendingEntry(level));
    claimed[count++] = vvbn;
  }
  return claimed.slice(0, count);
}

/** The VVBNs of a page that wait at this level, ascending. */
export function pendingIn(page: VmapPage, level: Level): Float64Array {
  const found = new Float64Array(page.pending[level] ?? 0);
  const wanted = pendingEntry(level);
  const first = page.number * VMAP_PAGE_ENTRIES;
  for (let at = 0, count = 0; count < found.length && at < VMAP_PAGE_ENTRIES; at++) {
    if (page.entries[at] === wanted) found[count++] = first + at;
  }
  return found;
}

/** Before a transfer is resumed: what waited is not in the VMAP any more. Returns how many entries went. */
export function dropPending(page: VmapPage): number {
  const before = page.mapped;
  for (const level of LEVELS) {
    for (const vvbn of pendingIn(page, level)) setEntry(page, vvbn % VMAP_PAGE_ENTRIES, UNMAPPED);
  }
  return before - page.mapped;
}

/**
 * The pages that are in memory. Changes go to copies: the pages that were admitted stay as they were, so the base's
 * state is left alone until the transfer is committed, and to abandon a transfer is to forget the copies.
 */
export class VmapWorkingSet implements Vmap {
  readonly #pages = new Map<number, VmapPage | undefined>();
  readonly #written = new Map<number, VmapPage>();
  readonly #complete: boolean;

  /** @param options.complete the pages are all there are: one that is not here does not exist */
  constructor(pages: Iterable<VmapPage> = [], options: { readonly complete?: boolean } = {}) {
    for (const page of pages) this.#pages.set(page.number, page);
    this.#complete = options.complete ?? false;
  }

  /** Those of the pages that have to be admitted before work on them can start. */
  missing(numbers: Float64Array): Float64Array {
    if (this.#complete) return new Float64Array();
    return numbers.filter((number) => !this.#pages.has(number) && !this.#written.has(number));
  }

  /** A page from storage, or the knowledge that there is none. Ignored for a page that is here already. */
  admit(number: number, page: VmapPage | undefined): void {
    if (!this.#pages.has(number)) this.#pages.set(number, page);
  }

  /** Lets a page go that was not changed, to make room. */
  release(number: number): void {
    if (!this.#written.has(number)) this.#pages.delete(number);
  }

  /** A changed page that its owner has put away: `admit` gives it back. */
  putAway(number: number): void {
    this.#written.delete(number);
    this.#pages.delete(number);
  }

  page(number: number): VmapPage | undefined {
    const written = this.#written.get(number);
    if (written !== undefined) return written;
    const page = this.#pages.get(number);
    if (page === undefined && !this.#complete && !this.#pages.has(number)) {
      throw new InternalError(`VMAP page ${number} was not loaded`);
    }
    return page;
  }

  pageToWrite(number: number): VmapPage {
    const written = this.#written.get(number);
    if (written !== undefined) return written;
    const before = this.page(number);
    const page = before === undefined ? emptyPage(number) : copyPage(before);
    this.#written.set(number, page);
    return page;
  }

  /** Changed pages by ascending number. A page with `mapped` 0 is to be removed. */
  written(): VmapPage[] {
    return [...this.#written.values()].sort((one, other) => one.number - other.number);
  }

  /** All pages in memory, as they are now, by ascending number. */
  pages(): VmapPage[] {
    const all = new Map<number, VmapPage>();
    for (const [number, page] of this.#pages) if (page !== undefined) all.set(number, page);
    for (const [number, page] of this.#written) all.set(number, page);
    return [...all.values()].filter(({ mapped }) => mapped > 0).sort((one, other) => one.number - other.number);
  }
}
