/** Adapter: a catalogue of contents made anew: every block that the snapshot holds is entered with the VVBN that it had. */
import { CloudError } from '../errors.ts';
import type { StagedVersion, StateOptions } from '../state/state.ts';
import {
  AREA,
  AREAS_PAGE,
  areaPagesOf,
  BITS_PAGE,
  type BlockLevel,
  CATALOGUE_FORMAT,
  type CatalogueLimits,
  type CatalogueTables,
  describeBlocks,
  fingerprintsOf,
  hasBit,
  holdBlocks,
  IDENTITY_BYTES,
  IDENTITY_PAGE,
  IDENTITY_WORDS,
  pageOf,
  pagesOf,
  tablesOf,
  wordsOfBytes,
  writeFacts,
} from './catalogue-tables.ts';
import { ContentIndex, clearIndex, EMPTY_INDEX } from './content-index.ts';

export class CatalogueRebuild {
  readonly #staged: StagedVersion;
  readonly #tables: CatalogueTables;
  readonly #index: ContentIndex;
  #areaCount = 0;

  private constructor(staged: StagedVersion, limits: CatalogueLimits) {
    this.#staged = staged;
    this.#tables = tablesOf(staged, staged, limits);
    this.#index = new ContentIndex(staged, EMPTY_INDEX, limits);
  }

  /** Forgets the catalogue of this version, whatever it was. */
  static async begin(
    staged: StagedVersion,
    limits: CatalogueLimits,
    options: StateOptions = {},
  ): Promise<CatalogueRebuild> {
    const rebuild = new CatalogueRebuild(staged, limits);
    for (const table of Object.values(rebuild.#tables)) await table.clear(options);
    await clearIndex(staged, options);
    return rebuild;
  }

  /**
   * Enters blocks of a level.
   * @param identities of each, one after the other
   * @param places where each is, as in `ContentCatalogue.assign`
   * @throws CloudError `CLOUD_CORRUPT` when a VVBN would mean two things
   */
  async enter(
    level: BlockLevel,
    vvbns: Float64Array,
    identities: Uint8Array,
    places: Float64Array,
    options: StateOptions = {},
  ): Promise<void> {
    const words = wordsOfBytes(identities);
    await this.#check(level, vvbns, words, options);
    const firsts = await holdBlocks(this.#tables, vvbns, places, options);
    if (firsts.length === 0) return;
    const fresh = Float64Array.from(firsts, (at) => vvbns[at] ?? 0);
    const own = new Uint8Array(fresh.length * IDENTITY_BYTES);
    firsts.forEach((at, index) => {
      own.set(identities.subarray(at * IDENTITY_BYTES, (at + 1) * IDENTITY_BYTES), index * IDENTITY_BYTES);
    });
    await describeBlocks(this.#tables, level, fresh, wordsOfBytes(own), options);
    for (const vvbn of fresh) this.#areaCount = Math.max(this.#areaCount, Math.floor(vvbn / AREA) + 1);
    await this.#index.add(fingerprintsOf(own), fresh, options);
  }

  async finish(options: StateOptions = {}): Promise<void> {
    await this.#index.flush(options);
    for (const table of Object.values(this.#tables)) await table.flush(options);
    const { shape } = this.#index;
    const facts = { format: CATALOGUE_FORMAT, version: this.#staged.number, areas: this.#areaCount, index: shape };
    await writeFacts(this.#staged, facts, options);
  }

  /** What is held already is the same content; an area is of one level. */
  async #check(level: BlockLevel, vvbns: Float64Array, words: Uint32Array, options: StateOptions): Promise<void> {
    const { held, identities, areas } = this.#tables;
    await held.load(pagesOf(vvbns, BITS_PAGE), options);
    await identities.load(pagesOf(vvbns, IDENTITY_PAGE), options);
    await areas.load(areaPagesOf(vvbns), options);
    const seen = new Map<number, number>();
    for (let at = 0; at < vvbns.length; at++) {
      const vvbn = vvbns[at] ?? 0;
      const area = Math.floor(vvbn / AREA);
      const areaLevel = areas.page(pageOf(area, AREAS_PAGE))[area % AREAS_PAGE] ?? 0;
      const first = seen.get(vvbn);
      seen.set(vvbn, at);
      const page = identities.page(pageOf(vvbn, IDENTITY_PAGE));
      const from = (vvbn % IDENTITY_PAGE) * IDENTITY_WORDS;
      for (let word = 0; word < IDENTITY_WORDS; word++) {
        const own = words[at * IDENTITY_WORDS + word];
        if (first !== undefined && words[first * IDENTITY_WORDS + word] !== own) throw twoMeanings(vvbn);
        if (hasBit(held, vvbn) && page[from + word] !== own) throw twoMeanings(vvbn);
      }
      if (areaLevel !== 0 && areaLevel !== level + 1) throw twoMeanings(vvbn);
    }
  }
}

function twoMeanings(vvbn: number): CloudError {
  return new CloudError('CLOUD_CORRUPT', `block ${vvbn} of the source is stored with two contents`, {
    remedy: 'Run verify, and make a new baseline.',
  });
}
