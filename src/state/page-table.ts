/**
 * The pages of one version, all tables of it: numbers lead to chunks, chunks to pages. A version that is staged is a copy of
 * the one below it that shares all chunks; a chunk that changes is written anew. Chunks are cached, a bounded number of
 * them, also of changed ones: those that have to go are written out before their time.
 */
import { CHUNK_BYTES, PAGES_PER_CHUNK, PageChunk } from './page-chunk.ts';
import { type Extent, type PageFile, sameExtent } from './page-file.ts';

/** Table -> index of the chunk -> where it is. */
export type ChunkPlaces = Map<string, Map<number, Extent>>;

export class PageTable {
  readonly #file: PageFile;
  readonly #places: ChunkPlaces;
  /** Least recently used first. */
  readonly #cache = new Map<string, CachedChunk>();
  #evicting: Promise<void> | undefined;

  constructor(file: PageFile, places: ChunkPlaces = new Map()) {
    this.#file = file;
    this.#places = places;
  }

  /** The same pages, to be changed without changing these. */
  copy(): PageTable {
    return new PageTable(this.#file, this.places());
  }

  /** As of the last `flush`. */
  places(): ChunkPlaces {
    return new Map([...this.#places].map(([table, chunks]) => [table, new Map(chunks)]));
  }

  /** @throws StateError `STATE_CORRUPT` */
  async read(table: string, page: number): Promise<Uint8Array | undefined> {
    let extent = await this.#extentOf(table, page);
    while (extent !== undefined) {
      const content = await this.#file.read(extent);
      if (content !== undefined) return content;
      // It may have been written anew meanwhile, and its old place used for something else.
      const now = await this.#extentOf(table, page);
      if (sameExtent(now, extent)) throw this.#file.damaged('a page is not what was written', { table, page });
      extent = now;
    }
    return undefined;
  }

  /** The first page from this number on, and those of the same chunk that follow it; empty at the end. */
  async pagesFrom(table: string, from: number): Promise<number[]> {
    const first = Math.floor(from / PAGES_PER_CHUNK);
    for (const index of this.#chunksOf(table)) {
      if (index < first) continue;
      const { chunk } = await this.#chunk(table, index);
      const slots = [...chunk.slots(index === first ? from % PAGES_PER_CHUNK : 0)];
      if (slots.length > 0) return slots.map((slot) => index * PAGES_PER_CHUNK + slot);
    }
    return [];
  }

  async set(table: string, page: number, extent: Extent | undefined): Promise<void> {
    const index = Math.floor(page / PAGES_PER_CHUNK);
    await this.#change(table, index, (chunk) => {
      const slot = page % PAGES_PER_CHUNK;
      const before = chunk.get(slot);
      if (before !== undefined) this.#file.release(before);
      chunk.set(slot, extent);
    });
  }

  async clear(table: string): Promise<void> {
    for (const index of this.#chunksOf(table)) {
      await this.#change(table, index, (chunk) => {
        for (const slot of chunk.slots()) {
          const extent = chunk.get(slot);
          if (extent !== undefined) this.#file.release(extent);
          chunk.set(slot, undefined);
        }
      });
    }
  }

  /** Writes all changed chunks. */
  async flush(): Promise<void> {
    await this.#evicting;
    for (const cached of [...this.#cache.values()]) await this.#writeOut(cached);
  }

  /** Every piece that the version refers to, each verified chunk by chunk, not the pages. */
  async *extents(): AsyncGenerator<Extent, void, undefined> {
    for (const [table, chunks] of this.#places) {
      for (const [index, place] of chunks) {
        yield place;
        const { chunk } = await this.#chunk(table, index);
        for (const slot of chunk.slots()) {
          const extent = chunk.get(slot);
          if (extent !== undefined) yield extent;
        }
      }
    }
  }

  async #extentOf(table: string, page: number): Promise<Extent | undefined> {
    const { chunk } = await this.#chunk(table, Math.floor(page / PAGES_PER_CHUNK));
    return chunk.get(page % PAGES_PER_CHUNK);
  }

  /** Indexes of the table's chunks, written or only cached, ascending. */
  #chunksOf(table: string): number[] {
    const changed = [...this.#cache.values()].filter((cached) => cached.table === table && cached.changed);
    const indexes = new Set([...(this.#places.get(table)?.keys() ?? []), ...changed.map(({ index }) => index)]);
    return [...indexes].sort((a, b) => a - b);
  }

  async #change(table: string, index: number, change: (chunk: PageChunk) => void): Promise<void> {
    for (;;) {
      const cached = await this.#chunk(table, index);
      // What left the cache since is not what will be written.
      if (this.#cache.get(cached.key) !== cached) continue;
      cached.changed = true;
      change(cached.chunk);
      break;
    }
    await this.#evict();
  }

  async #chunk(table: string, index: number): Promise<CachedChunk> {
    const key = `${table}/${index}`;
    let cached = this.#cache.get(key);
    if (cached === undefined) {
      cached = { key, table, index, chunk: new PageChunk(), changed: false, loaded: undefined };
      cached.loaded = this.#load(cached);
    }
    this.#cache.delete(key);
    this.#cache.set(key, cached);
    try {
      await cached.loaded;
    } catch (error) {
      if (this.#cache.get(key) === cached) this.#cache.delete(key);
      throw error;
    }
    this.#dropUnchanged();
    return cached;
  }

  async #load(cached: CachedChunk): Promise<void> {
    const { table, index } = cached;
    let place = this.#places.get(table)?.get(index);
    while (place !== undefined) {
      const bytes = await this.#file.read(place);
      if (bytes !== undefined && bytes.length === CHUNK_BYTES) {
        cached.chunk = new PageChunk(bytes);
        return;
      }
      const now = this.#places.get(table)?.get(index);
      if (sameExtent(now, place))
        throw this.#file.damaged('a part of a table is not what was written', { table, index });
      place = now;
    }
  }

  #dropUnchanged(): void {
    for (const [key, cached] of this.#cache) {
      if (this.#cache.size <= CACHED_CHUNKS) return;
      if (!cached.changed && cached.writing === undefined) this.#cache.delete(key);
    }
  }

  /** Makes room; writers wait for it, so that changed chunks cannot pile up. */
  async #evict(): Promise<void> {
    while (this.#cache.size > CACHED_CHUNKS) {
      this.#evicting ??= this.#writeOldest().finally(() => {
        this.#evicting = undefined;
      });
      await this.#evicting;
    }
  }

  async #writeOldest(): Promise<void> {
    const oldest = [...this.#cache.values()].slice(0, CACHED_CHUNKS / 4);
    for (const cached of oldest) await this.#writeOut(cached);
    this.#dropUnchanged();
  }

  async #writeOut(cached: CachedChunk): Promise<void> {
    await cached.loaded;
    await cached.writing;
    if (!cached.changed) return;
    cached.writing = this.#writeChanged(cached).finally(() => {
      cached.writing = undefined;
    });
    await cached.writing;
  }

  async #writeChanged(cached: CachedChunk): Promise<void> {
    const { table, index, chunk } = cached;
    // Changes from here on make it changed again.
    cached.changed = false;
    const place = chunk.isEmpty() ? undefined : await this.#file.write(chunk.bytes.slice());
    const chunks = this.#places.get(table) ?? new Map<number, Extent>();
    const before = chunks.get(index);
    if (before !== undefined) this.#file.release(before);
    if (place !== undefined) chunks.set(index, place);
    else chunks.delete(index);
    if (chunks.size > 0) this.#places.set(table, chunks);
    else this.#places.delete(table);
  }
}

interface CachedChunk {
  readonly key: string;
  readonly table: string;
  readonly index: number;
  chunk: PageChunk;
  /** Since it was read or last written. */
  changed: boolean;
  loaded: Promise<void> | undefined;
  writing?: Promise<void> | undefined;
}

/** 1.8 MB; they lead to 2 GiB of pages of 32 KiB. */
const CACHED_CHUNKS = 64;
