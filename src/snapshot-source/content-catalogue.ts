/**
 * Adapter: the catalogue that gives stable VVBNs to a source that has none of its own: a content that a held snapshot has
 * keeps its VVBN, equal contents share one, and a VVBN gets another content only after the base and the snapshot in the
 * making have both let it go.
 *
 * It lies in tables of the state, in the version that the transfer stages: identity (what each VVBN's content is), held
 * (what the snapshot has), fresh (what was given out since the base), areas (which level a range of VVBNs is of), place
 * (where the content was seen), and an index from contents to VVBNs. The held table of the committed version is the
 * base's. What is given out is journalled, durably before a transfer can write down that it has stored it, so that no crash
 * makes a number mean two things: a transfer that is gone on with finds every number that it knows an object of.
 */
import type { EndpointState, Journal, StagedVersion, StateOptions } from '../state/state.ts';
import {
  AREA,
  AREAS_PAGE,
  BITS,
  BITS_PAGE,
  type BlockLevel,
  bytesOfWords,
  CATALOGUE_FORMAT,
  type CatalogueFacts,
  type CatalogueLimits,
  CatalogueReader,
  type CatalogueTables,
  DEFAULT_CATALOGUE_LIMITS,
  describeBlocks,
  fingerprintAt,
  fingerprintsOf,
  hasBit,
  holdBlocks,
  IDENTITY_BYTES,
  IDENTITY_PAGE,
  IDENTITY_WORDS,
  LEVELS,
  LOOK_UPS_AT_A_TIME,
  lowestBit,
  pageOf,
  pagesOf,
  readFacts,
  setBit,
  tablesOf,
  WORDS_OF_AREA,
  wordsOfBytes,
  writeFacts,
} from './catalogue-tables.ts';
import { ContentIndex } from './content-index.ts';
import { corruptCatalogue, PagedTable, readNumbers, writeNumbers } from './paged-table.ts';

const JOURNAL = 'catalogue';

/** Gives VVBNs to the contents of a snapshot in the making. One call at a time. */
export class ContentCatalogue {
  /** Of the snapshot in the making, as far as it has come. */
  readonly reader: CatalogueReader;
  readonly #staged: StagedVersion;
  readonly #journal: Journal;
  readonly #committedNumber: number;
  readonly #baseHeld: PagedTable<Uint32Array>;
  readonly #fresh: PagedTable<Uint32Array>;
  readonly #tables: CatalogueTables;
  readonly #index: ContentIndex;
  readonly #free: readonly FreeNumbers[] = LEVELS.map(() => ({ nextArea: 0, numbers: [] }));
  #areaCount: number;
  #journalled = false;
  /** Records of the journal, and how many of them are durable. */
  #appended = 0;
  #synced = 0;

  private constructor(
    state: EndpointState,
    staged: StagedVersion,
    journal: Journal,
    facts: CatalogueFacts,
    limits: CatalogueLimits,
  ) {
    const { tablePages } = limits;
    this.#staged = staged;
    this.#journal = journal;
    this.#committedNumber = state.committed.number;
    this.#baseHeld = new PagedTable('catalogue.held', BITS, tablePages, state);
    this.#fresh = new PagedTable('catalogue.fresh', BITS, tablePages, staged, staged);
    this.#tables = tablesOf(staged, staged, limits);
    this.reader = new CatalogueReader(this.#tables);
    this.#index = new ContentIndex(staged, facts.index, limits);
    this.#areaCount = facts.areas;
  }

  /**
   * Begins a snapshot in this version, or goes on with one: nothing is held yet, and what was given out before stays given.
   * @throws StateError `STATE_CORRUPT`
   */
  static async begin(
    state: EndpointState,
    staged: StagedVersion,
    limits: CatalogueLimits = DEFAULT_CATALOGUE_LIMITS,
    options: StateOptions = {},
  ): Promise<ContentCatalogue> {
    const facts = await readFacts(staged, options);
    const journal = await state.openJournal(JOURNAL, options);
    try {
      const catalogue = new ContentCatalogue(state, staged, journal, facts, limits);
      // In a version that was checkpointed it is what this transfer has given out; in a new one, what the last one had.
      if (facts.version !== staged.number) await catalogue.#fresh.clear(options);
      await catalogue.#tables.held.clear(options);
      await catalogue.#recover(options);
      await catalogue.#writeFacts(options);
      return catalogue;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /**
   * The VVBNs of contents, in their order, and notes that the snapshot holds them.
   * @param identities of each content, one after the other. Contents of two levels have no identity in common
   * @param previous the VVBN that each probably has, 0 for none
   * @param places where each content is: any number below 2^48, given back by `CatalogueReader.places`
   */
  async assign(
    level: BlockLevel,
    identities: Uint8Array,
    previous: Float64Array,
    places: Float64Array,
    options: StateOptions = {},
  ): Promise<Float64Array> {
    const words = wordsOfBytes(identities);
    const vvbns = await this.#unchanged(words, previous, options);
    const unknown: number[] = [];
    for (let at = 0; at < vvbns.length; at++) if (vvbns[at] === 0) unknown.push(at);
    const fresh: number[] = [];
    for (let at = 0; at < unknown.length; at += LOOK_UPS_AT_A_TIME) {
      const some = unknown.slice(at, at + LOOK_UPS_AT_A_TIME);
      await this.#lookUp(some, words, identities, vvbns, options);
      for (const index of some) if (vvbns[index] === 0) fresh.push(index);
    }
    if (fresh.length > 0) await this.#give(level, fresh, words, identities, vvbns, options);
    await holdBlocks(this.#tables, vvbns, places, options);
    return vvbns;
  }

  /** Makes durable what was given out, before anybody writes it down elsewhere. May run beside other calls. */
  async settle(options: StateOptions = {}): Promise<void> {
    const appended = this.#appended;
    if (this.#synced >= appended) return;
    await this.#journal.sync(options);
    this.#synced = Math.max(this.#synced, appended);
  }

  /** Those of the VVBNs that the base does not hold, in their order. Holes are left out. */
  async notInBase(vvbns: Float64Array, options: StateOptions = {}): Promise<Float64Array> {
    await this.#baseHeld.load(pagesOf(vvbns, BITS_PAGE), options);
    return vvbns.filter((vvbn) => vvbn !== 0 && !hasBit(this.#baseHeld, vvbn));
  }

  /** All contents have been assigned: what the snapshot does not hold is forgotten. */
  async finish(options: StateOptions = {}): Promise<void> {
    for (let page = 0; page * BITS_PAGE < this.#areaCount * AREA; page++) {
      for (const table of [this.#baseHeld, this.#fresh, this.#tables.held]) await table.load([page], options);
      const [base, fresh, held] = [this.#baseHeld.page(page), this.#fresh.page(page), this.#tables.held.page(page)];
      const gone: number[] = [];
      for (let word = 0; word < held.length; word++) {
        let bits = ((base[word] ?? 0) | (fresh[word] ?? 0)) & ~(held[word] ?? 0);
        for (; bits !== 0; bits &= bits - 1) gone.push(page * BITS_PAGE + word * 32 + lowestBit(bits));
      }
      for (let at = 0; at < gone.length; at += IDENTITY_PAGE) {
        const vvbns = Float64Array.from(gone.slice(at, at + IDENTITY_PAGE));
        await this.#tables.identities.load(pagesOf(vvbns, IDENTITY_PAGE), options);
        const fingerprints = vvbns.map((vvbn) => {
          const from = (vvbn % IDENTITY_PAGE) * IDENTITY_WORDS;
          const identity = this.#tables.identities
            .page(pageOf(vvbn, IDENTITY_PAGE))
            .subarray(from, from + IDENTITY_WORDS);
          return fingerprintAt(bytesOfWords(identity), 0);
        });
        await this.#index.remove(fingerprints, vvbns, options);
      }
    }
    await this.flush(options);
  }

  /** Writes to the staged version what is in memory. */
  async flush(options: StateOptions = {}): Promise<void> {
    await this.#index.flush(options);
    for (const table of [
      this.#fresh,
      this.#tables.held,
      this.#tables.areas,
      this.#tables.identities,
      this.#tables.places,
    ])
      await table.flush(options);
    await this.#writeFacts(options);
  }

  /** What was flushed is durable: the journal has done its duty. */
  async checkpointed(options: StateOptions = {}): Promise<void> {
    if (!this.#journalled) return;
    await this.#journal.reset(options);
    this.#journalled = false;
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  /** A VVBN means what it meant while the base holds it or it was given out since. */
  #isKnown(vvbn: number): boolean {
    return hasBit(this.#baseHeld, vvbn) || hasBit(this.#fresh, vvbn);
  }

  async #loadKnown(vvbns: Float64Array, options: StateOptions): Promise<void> {
    await this.#baseHeld.load(pagesOf(vvbns, BITS_PAGE), options);
    await this.#fresh.load(pagesOf(vvbns, BITS_PAGE), options);
    await this.#tables.identities.load(pagesOf(vvbns, IDENTITY_PAGE), options);
  }

  #means(vvbn: number, words: Uint32Array, at: number): boolean {
    const page = this.#tables.identities.page(pageOf(vvbn, IDENTITY_PAGE));
    const from = (vvbn % IDENTITY_PAGE) * IDENTITY_WORDS;
    for (let word = 0; word < IDENTITY_WORDS; word++) {
      if (page[from + word] !== words[at * IDENTITY_WORDS + word]) return false;
    }
    return this.#isKnown(vvbn);
  }

  async #unchanged(words: Uint32Array, previous: Float64Array, options: StateOptions): Promise<Float64Array> {
    await this.#loadKnown(previous, options);
    const vvbns = new Float64Array(previous.length);
    for (let at = 0; at < previous.length; at++) {
      const vvbn = previous[at] ?? 0;
      if (vvbn !== 0 && this.#means(vvbn, words, at)) vvbns[at] = vvbn;
    }
    return vvbns;
  }

  async #lookUp(
    some: readonly number[],
    words: Uint32Array,
    identities: Uint8Array,
    vvbns: Float64Array,
    options: StateOptions,
  ): Promise<void> {
    const found = await this.#index.find(fingerprintsOf(identities, some), options);
    await this.#loadKnown(Float64Array.from(found.flatMap((candidates) => candidates ?? [])), options);
    some.forEach((at, index) => {
      vvbns[at] = found[index]?.find((vvbn) => this.#means(vvbn, words, at)) ?? 0;
    });
  }

  /** Gives new VVBNs, one for each content. */
  async #give(
    level: BlockLevel,
    fresh: readonly number[],
    words: Uint32Array,
    identities: Uint8Array,
    vvbns: Float64Array,
    options: StateOptions,
  ): Promise<void> {
    const firsts = firstsOf(fresh, words);
    const first = fresh.filter((at) => firsts.get(at) === at);
    const numbers = await this.#take(level, first.length, options);
    first.forEach((at, index) => {
      vvbns[at] = numbers[index] ?? 0;
    });
    for (const at of fresh) vvbns[at] = vvbns[firsts.get(at) ?? at] ?? 0;
    const given = new Uint8Array(first.length * IDENTITY_BYTES);
    first.forEach((at, index) => {
      given.set(identities.subarray(at * IDENTITY_BYTES, (at + 1) * IDENTITY_BYTES), index * IDENTITY_BYTES);
    });
    const head = this.#journalled ? [] : [this.#journalHead()];
    await this.#journal.append([...head, encodeGift(level, numbers, given)], options);
    this.#journalled = true;
    this.#appended++;
    await this.#learn(level, numbers, given, options);
  }

  /** Enters numbers that were given out into the tables. */
  async #learn(level: BlockLevel, numbers: Float64Array, identities: Uint8Array, options: StateOptions): Promise<void> {
    await this.#fresh.load(pagesOf(numbers, BITS_PAGE), options);
    for (const vvbn of numbers) {
      setBit(this.#fresh, vvbn);
      this.#areaCount = Math.max(this.#areaCount, Math.floor(vvbn / AREA) + 1);
    }
    await describeBlocks(this.#tables, level, numbers, wordsOfBytes(identities), options);
    await this.#index.add(fingerprintsOf(identities), numbers, options);
  }

  async #take(level: BlockLevel, count: number, options: StateOptions): Promise<Float64Array> {
    const taken = new Float64Array(count);
    const free = this.#free[level];
    for (let at = 0; free !== undefined && at < count; at++) {
      if (free.numbers.length === 0) await this.#findArea(level, free, options);
      taken[at] = free.numbers.pop() ?? 0;
    }
    return taken;
  }

  /** The next area of the level, or of none, that has free numbers. */
  async #findArea(level: BlockLevel, free: FreeNumbers, options: StateOptions): Promise<void> {
    for (let area = free.nextArea; free.numbers.length === 0; area++) {
      free.nextArea = area + 1;
      const page = pageOf(area * AREA, BITS_PAGE);
      await this.#baseHeld.load([page], options);
      await this.#fresh.load([page], options);
      await this.#tables.areas.load([pageOf(area, AREAS_PAGE)], options);
      const from = ((area * AREA) % BITS_PAGE) / 32;
      const base = this.#baseHeld.page(page).subarray(from, from + WORDS_OF_AREA);
      const fresh = this.#fresh.page(page).subarray(from, from + WORDS_OF_AREA);
      const isOfLevel = this.#tables.areas.page(pageOf(area, AREAS_PAGE))[area % AREAS_PAGE] === level + 1;
      const isUsed = base.some((word) => word !== 0) || fresh.some((word) => word !== 0);
      if (isUsed && !isOfLevel) continue;
      for (let word = 0; word < WORDS_OF_AREA; word++) {
        let bits = ~((base[word] ?? 0) | (fresh[word] ?? 0));
        if (area === 0 && word === 0) bits &= ~1;
        for (; bits !== 0; bits &= bits - 1) free.numbers.push(area * AREA + word * 32 + lowestBit(bits));
      }
      // Taken from the end, and the lowest first.
      free.numbers.reverse();
    }
  }

  /** Learns again what was given out after the last checkpoint. A journal of before the last commit says nothing. */
  async #recover(options: StateOptions): Promise<void> {
    let isOurs = false;
    let first = true;
    for await (const record of this.#journal.records(options)) {
      if (first) {
        isOurs = sameBytes(record, this.#journalHead());
        first = false;
      } else if (isOurs) {
        const { level, numbers, identities } = decodeGift(record);
        await this.#learn(level, numbers, identities, options);
      }
    }
    if (!first && !isOurs) await this.#journal.reset(options);
    this.#journalled = isOurs;
  }

  #journalHead(): Uint8Array {
    return encoder.encode(`catalogue 1, since version ${this.#committedNumber}`);
  }

  #writeFacts(options: StateOptions): Promise<void> {
    const facts: CatalogueFacts = {
      format: CATALOGUE_FORMAT,
      version: this.#staged.number,
      areas: this.#areaCount,
      index: this.#index.shape,
    };
    return writeFacts(this.#staged, facts, options);
  }
}

interface FreeNumbers {
  nextArea: number;
  /** Descending. */
  readonly numbers: number[];
}

const encoder = new TextEncoder();

/** A journal record: level, then the numbers, then the identities. */
function encodeGift(level: BlockLevel, numbers: Float64Array, identities: Uint8Array): Uint8Array {
  const record = new Uint8Array(1 + 6 * numbers.length + identities.length);
  record[0] = level;
  record.set(writeNumbers(numbers), 1);
  record.set(identities, 1 + 6 * numbers.length);
  return record;
}

function decodeGift(record: Uint8Array): {
  readonly level: BlockLevel;
  readonly numbers: Float64Array;
  readonly identities: Uint8Array;
} {
  const count = (record.length - 1) / (6 + IDENTITY_BYTES);
  const level = LEVELS.find((candidate) => candidate === record[0]);
  if (level === undefined || !Number.isInteger(count))
    throw corruptCatalogue("the catalogue's journal has an odd record");
  return { level, numbers: readNumbers(record.subarray(1, 1 + 6 * count)), identities: record.slice(1 + 6 * count) };
}

/** The first of each content among these, by place. */
function firstsOf(places: readonly number[], words: Uint32Array): Map<number, number> {
  const firsts = new Map<number, number>();
  const byWord = new Map<number, number[]>();
  for (const at of places) {
    const key = words[at * IDENTITY_WORDS] ?? 0;
    const same = byWord.get(key) ?? [];
    const first = same.find((other) => {
      for (let word = 0; word < IDENTITY_WORDS; word++) {
        if (words[at * IDENTITY_WORDS + word] !== words[other * IDENTITY_WORDS + word]) return false;
      }
      return true;
    });
    firsts.set(at, first ?? at);
    if (first === undefined) byWord.set(key, [...same, at]);
  }
  return firsts;
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
