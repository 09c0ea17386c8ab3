/**
 * Adapter: the tables of a catalogue of contents: identity (what each VVBN's content is), held (what the snapshot has), areas
 * (which level a range of VVBNs is of), place (where the content was seen), and the facts beside them.
 */
import type { PageReader, StagedVersion, StateOptions } from '../state/state.ts';
import { EMPTY_INDEX, type IndexLimits, type IndexShape } from './content-index.ts';
import { bytePages, corruptCatalogue, numberPages, PagedTable, rawPages, readJson, wordPages } from './paged-table.ts';

/** Bytes of an identity: the beginning of a cryptographic hash. */
export const IDENTITY_BYTES = 16;

export type BlockLevel = 0 | 1 | 2;

/** Bounds of memory, in pages of 16 to 32 KiB where nothing else is said. They change how fast it is, never what is found. */
export interface CatalogueLimits extends IndexLimits {
  readonly tablePages: number;
}

export const DEFAULT_CATALOGUE_LIMITS: CatalogueLimits = {
  tablePages: 512,
  indexEntries: 131_072,
  indexPages: 512,
  filterBytes: 32 * 1024 * 1024,
};

/** VVBNs of an area, which is of one level: as many as a VMAP page has. */
export const AREA = 4096;
export const WORDS_OF_AREA = AREA / 32;
/** VVBNs of a page of bits, of identities, of places; areas of a page of levels. */
export const BITS_PAGE = 8 * AREA;
export const IDENTITY_PAGE = 1024;
export const PLACE_PAGE = 4096;
export const AREAS_PAGE = 4096;
export const IDENTITY_WORDS = IDENTITY_BYTES / 4;
export const LOOK_UPS_AT_A_TIME = 256;
export const LEVELS = [0, 1, 2] as const;

export const BITS = wordPages(BITS_PAGE / 32);
export const IDENTITIES = rawPages(IDENTITY_PAGE * IDENTITY_WORDS);
export const PLACES = numberPages(PLACE_PAGE);
export const AREAS = bytePages(AREAS_PAGE);

/** What is kept beside the tables. */
export interface CatalogueFacts {
  readonly format: number;
  /** The version that it was written in. */
  readonly version: number;
  /** One behind the last area that was ever used. */
  readonly areas: number;
  readonly index: IndexShape;
}

/** Of the tables and of these facts; a release that changes them gives another number. */
export const CATALOGUE_FORMAT = 1;
export const FACTS = 'catalogue.facts';
export const NOT_YET: CatalogueFacts = { format: CATALOGUE_FORMAT, version: 0, areas: 0, index: EMPTY_INDEX };

export interface CatalogueTables {
  readonly held: PagedTable<Uint32Array>;
  readonly areas: PagedTable<Uint8Array>;
  readonly identities: PagedTable<Uint32Array>;
  readonly places: PagedTable<Float64Array>;
}

/** Reads one version of a catalogue. */
export class CatalogueReader {
  readonly #held: PagedTable<Uint32Array>;
  readonly #areas: PagedTable<Uint8Array>;
  readonly #identities: PagedTable<Uint32Array>;
  readonly #places: PagedTable<Float64Array>;

  constructor({ held, areas, identities, places }: CatalogueTables) {
    this.#held = held;
    this.#areas = areas;
    this.#identities = identities;
    this.#places = places;
  }

  static of(reader: PageReader, limits: CatalogueLimits): CatalogueReader {
    return new CatalogueReader(tablesOf(reader, undefined, limits));
  }

  /** One bit for each VVBN of the range that the snapshot holds, at this level or any. */
  async held(
    first: number,
    count: number,
    level: BlockLevel | undefined,
    options: StateOptions = {},
  ): Promise<Uint32Array> {
    const words = new Uint32Array(count / 32);
    for (let done = 0; done < count; ) {
      const vvbn = first + done;
      const area = Math.floor(vvbn / AREA);
      const some = Math.min(count - done, AREA - (vvbn % AREA));
      await this.#held.load([pageOf(vvbn, BITS_PAGE)], options);
      await this.#areas.load([pageOf(area, AREAS_PAGE)], options);
      const areaLevel = this.#areas.page(pageOf(area, AREAS_PAGE))[area % AREAS_PAGE] ?? 0;
      if (level === undefined || areaLevel === level + 1) {
        const at = (vvbn % BITS_PAGE) / 32;
        words.set(this.#held.page(pageOf(vvbn, BITS_PAGE)).subarray(at, at + some / 32), done / 32);
      }
      done += some;
    }
    return words;
  }

  /** Where the content of each VVBN that is held was seen. */
  async places(vvbns: Float64Array, options: StateOptions = {}): Promise<Float64Array> {
    await this.#places.load(pagesOf(vvbns, PLACE_PAGE), options);
    return vvbns.map((vvbn) => this.#places.page(pageOf(vvbn, PLACE_PAGE))[vvbn % PLACE_PAGE] ?? 0);
  }

  /** The identity of each VVBN's content, one after the other. */
  async identities(vvbns: Float64Array, options: StateOptions = {}): Promise<Uint8Array> {
    await this.#identities.load(pagesOf(vvbns, IDENTITY_PAGE), options);
    const words = new Uint32Array(vvbns.length * IDENTITY_WORDS);
    vvbns.forEach((vvbn, at) => {
      const from = (vvbn % IDENTITY_PAGE) * IDENTITY_WORDS;
      const page = this.#identities.page(pageOf(vvbn, IDENTITY_PAGE));
      words.set(page.subarray(from, from + IDENTITY_WORDS), at * IDENTITY_WORDS);
    });
    return bytesOfWords(words);
  }
}

export function tablesOf(
  reader: PageReader,
  staged: StagedVersion | undefined,
  { tablePages }: CatalogueLimits,
): CatalogueTables {
  return {
    held: new PagedTable('catalogue.held', BITS, tablePages, reader, staged),
    areas: new PagedTable('catalogue.areas', AREAS, tablePages, reader, staged),
    identities: new PagedTable('catalogue.identity', IDENTITIES, tablePages, reader, staged),
    places: new PagedTable('catalogue.place', PLACES, tablePages, reader, staged),
  };
}

/** @throws StateError `STATE_CORRUPT`, `STATE_FORMAT_VERSION` */
export async function readFacts(reader: PageReader, options: StateOptions): Promise<CatalogueFacts> {
  const bytes = await reader.read(FACTS, 0, options);
  if (bytes === undefined) return NOT_YET;
  const facts = readJson<CatalogueFacts>(bytes, CATALOGUE_FORMAT, 'the catalogue');
  if (Number.isSafeInteger(facts.areas) && Array.isArray(facts.index.runs)) return facts;
  throw corruptCatalogue('what is known of the catalogue is not in this format');
}

export function writeFacts(staged: StagedVersion, facts: CatalogueFacts, options: StateOptions): Promise<void> {
  return staged.write(FACTS, 0, new TextEncoder().encode(JSON.stringify(facts)), options);
}

/** Enters what numbers are: the content that each stands for, and the level that its area is of. */
export async function describeBlocks(
  { identities, areas }: Pick<CatalogueTables, 'identities' | 'areas'>,
  level: BlockLevel,
  vvbns: Float64Array,
  words: Uint32Array,
  options: StateOptions,
): Promise<void> {
  await identities.load(pagesOf(vvbns, IDENTITY_PAGE), options);
  await areas.load(areaPagesOf(vvbns), options);
  for (let at = 0; at < vvbns.length; at++) {
    const vvbn = vvbns[at] ?? 0;
    const page = identities.pageToWrite(pageOf(vvbn, IDENTITY_PAGE));
    page.set(words.subarray(at * IDENTITY_WORDS, (at + 1) * IDENTITY_WORDS), (vvbn % IDENTITY_PAGE) * IDENTITY_WORDS);
    const area = Math.floor(vvbn / AREA);
    areas.pageToWrite(pageOf(area, AREAS_PAGE))[area % AREAS_PAGE] = level + 1;
  }
}

/** Notes that the snapshot holds these, and where each was seen first. Gives which of them were not held before, by place. */
export async function holdBlocks(
  { held, places }: Pick<CatalogueTables, 'held' | 'places'>,
  vvbns: Float64Array,
  seenAt: Float64Array,
  options: StateOptions,
): Promise<Uint32Array> {
  await held.load(pagesOf(vvbns, BITS_PAGE), options);
  await places.load(pagesOf(vvbns, PLACE_PAGE), options);
  const firsts = new Uint32Array(vvbns.length);
  let count = 0;
  for (let at = 0; at < vvbns.length; at++) {
    const vvbn = vvbns[at] ?? 0;
    if (!setBit(held, vvbn)) continue;
    firsts[count++] = at;
    const page = pageOf(vvbn, PLACE_PAGE);
    const place = seenAt[at] ?? 0;
    if (places.page(page)[vvbn % PLACE_PAGE] !== place) places.pageToWrite(page)[vvbn % PLACE_PAGE] = place;
  }
  return firsts.subarray(0, count);
}

/** The first 48 bits of an identity; never 0. */
export function fingerprintAt(identities: Uint8Array, at: number): number {
  const from = at * IDENTITY_BYTES;
  let fingerprint = 0;
  for (let byte = 0; byte < 6; byte++) fingerprint = fingerprint * 256 + (identities[from + byte] ?? 0);
  return Math.max(1, fingerprint);
}

export function fingerprintsOf(identities: Uint8Array, places?: readonly number[]): Float64Array {
  const all = places ?? Array.from({ length: identities.length / IDENTITY_BYTES }, (_, at) => at);
  return Float64Array.from(all, (at) => fingerprintAt(identities, at));
}

/** The same bytes as words of this machine: they are only compared, and put away, as bytes again. */
export function wordsOfBytes(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}

export function bytesOfWords(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

export function pageOf(number: number, perPage: number): number {
  return Math.floor(number / perPage);
}

/** The pages that these VVBNs lie in. Holes lie nowhere. */
export function pagesOf(vvbns: Float64Array, perPage: number): Set<number> {
  const pages = new Set<number>();
  let last = -1;
  for (let at = 0; at < vvbns.length; at++) {
    const vvbn = vvbns[at] ?? 0;
    if (vvbn === 0) continue;
    const page = pageOf(vvbn, perPage);
    if (page !== last) pages.add(page);
    last = page;
  }
  return pages;
}

export function hasBit(table: PagedTable<Uint32Array>, vvbn: number): boolean {
  const bit = vvbn % BITS_PAGE;
  return (((table.page(pageOf(vvbn, BITS_PAGE))[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
}

/** True when it was not set before. */
export function setBit(table: PagedTable<Uint32Array>, vvbn: number): boolean {
  if (hasBit(table, vvbn)) return false;
  const bit = vvbn % BITS_PAGE;
  const page = table.pageToWrite(pageOf(vvbn, BITS_PAGE));
  page[bit >>> 5] = (page[bit >>> 5] ?? 0) | (1 << (bit & 31));
  return true;
}

export function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** The pages of areas that these VVBNs lie in. */
export function areaPagesOf(vvbns: Float64Array): Set<number> {
  return pagesOf(vvbns, AREA * AREAS_PAGE);
}
