/**
 * Adapter: a Bloom filter over fingerprints: `mayHave` is never false for one that was added. It grows with what it holds up
 * to a bound; beyond that it says "maybe" more often, and look-ups read more. The bits of a fingerprint lie in one page.
 */
import type { StagedVersion, StateOptions } from '../state/state.ts';
import { PagedTable, wordPages } from './paged-table.ts';

export const FILTER_TABLE = 'catalogue.filter';
const PAGE_BYTES = 16 * 1024;
const PAGE_BITS = 8 * PAGE_BYTES;
const PROBES = 4;
/** Leaves as many bits of 32 as it takes to number the bits of a page. */
const PROBE_SHIFT = 32 - Math.log2(PAGE_BITS);
/** At four probes and this many bits each, one absent fingerprint in a hundred looks present. */
const BITS_PER_ENTRY = 10;

export class PresenceFilter {
  readonly #table: PagedTable<Uint32Array>;
  readonly #maxPages: number;
  #pages: number;
  #added: number;

  constructor(staged: StagedVersion, pages: number, added: number, maxBytes: number) {
    this.#maxPages = 2 ** Math.floor(Math.log2(Math.max(1, maxBytes / PAGE_BYTES)));
    this.#table = new PagedTable(FILTER_TABLE, wordPages(PAGE_BYTES / 4), this.#maxPages, staged, staged);
    this.#pages = pages;
    this.#added = added;
  }

  /** A power of two. */
  get pages(): number {
    return this.#pages;
  }

  get added(): number {
    return this.#added;
  }

  load(fingerprints: Float64Array, options: StateOptions): Promise<void> {
    return this.#table.load(
      Array.from(fingerprints, (fingerprint) => this.#pageOf(fingerprint)),
      options,
    );
  }

  mayHave(fingerprint: number): boolean {
    const words = this.#table.page(this.#pageOf(fingerprint));
    const [first, step] = probesOf(fingerprint);
    for (let probe = 0, bit = first; probe < PROBES; probe++, bit = (bit + step) % PAGE_BITS) {
      if ((((words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 0) return false;
    }
    return true;
  }

  add(fingerprint: number): void {
    const words = this.#table.pageToWrite(this.#pageOf(fingerprint));
    const [first, step] = probesOf(fingerprint);
    for (let probe = 0, bit = first; probe < PROBES; probe++, bit = (bit + step) % PAGE_BITS) {
      words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
    this.#added++;
  }

  /** True when it pays to make the filter anew, larger or without what has gone. */
  isWornOut(entries: number): boolean {
    const isFull = this.#added * BITS_PER_ENTRY > this.#pages * PAGE_BITS;
    return isFull && (this.#pages < this.#maxPages || this.#added > 2 * entries);
  }

  /** Empties it, for that many entries to be added again, and as many more. */
  async renew(entries: number, options: StateOptions): Promise<void> {
    const pages = 2 ** Math.ceil(Math.log2(Math.max(1, (2 * entries * BITS_PER_ENTRY) / PAGE_BITS)));
    await this.#table.clear(options);
    this.#pages = Math.min(this.#maxPages, pages);
    this.#added = 0;
  }

  flush(options: StateOptions): Promise<void> {
    return this.#table.flush(options);
  }

  #pageOf(fingerprint: number): number {
    return Math.floor((fingerprint / 2 ** 48) * this.#pages);
  }
}

/** From the low bits, which do not number the page: mixed until each of them counts for all. */
function probesOf(fingerprint: number): readonly [first: number, step: number] {
  let mixed = (fingerprint % 2 ** 32) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return [mixed >>> PROBE_SHIFT, (Math.imul(mixed, 0x9e3779b1) >>> PROBE_SHIFT) | 1];
}
