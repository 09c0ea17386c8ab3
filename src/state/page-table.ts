/**
 * The pages of one version, all tables of it: numbers lead to chunks, chunks to pages. A version that is staged is a copy of
 * the one below it that shares all chunks; a chunk that changes is written anew. Chunks are cached, a bounded number of
 * them, also of changed ones: those that have to go are written out before their time.
 */
import { PAGES_PER_CHUNK, PageChunk } from './page-chunk.ts';
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
      const start = index === first ? from % PAGES_PER_CHUNK : 0;
      const slots = await this.#use(table, index, ({ chunk }) => [...chunk.slots(start)]);
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
        for (const extent of extentsOf(chunk)) this.#file.release(extent);
        chunk.bytes.fill(0);
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
        yield* await this.#use(table, index, ({ chunk }) => extentsOf(chunk));
      }
    }
  }

  async #extentOf(table: string, page: number): Promise<Extent | undefined> {
    return await this.#use(table, Math.floor(page / PAGES_PER_CHUNK), ({ chunk }) => chunk.get(page % PAGES_PER_CHUNK));
  }

  /** Indexes of the table's chunks, written or only cached, ascending. */
  #chunksOf(table: string): number[] {
    const changed = [...this.#cache.values()].filter((cached) => cached.table === table && cached.changed);
    const indexes = new Set([...(this.#places.get(table)?.keys() ?? []), ...changed.map(({ index }) => index)]);
    return [...indexes].sort((a, b) => a - b);
  }

  async #change(table: string, index: number, change: (chunk: PageChunk) => void): Promise<void> {
    await this.#use(table, index, (cached) => {
      cached.changed = true;
      change(cached.chunk);
    });
    await this.#evict();
  }

  /** Looks at a chunk, or changes it, at once. */
  async #use<T>(table: string, index: number, use: (cached: CachedChunk) => T): Promise<T> {
    const key = `${table}/${index}`;
    const cached = this.#cache.get(key) ?? this.#newlyCached(table, index);
    // To the end: it was used last.
    this.#cache.delete(key);
    this.#cache.set(key, cached);
    cached.users++;
    try {
      await cached.loaded;
      return use(cached);
    } catch (error) {
      if (this.#cache.get(key) === cached) this.#cache.delete(key);
      throw error;
    } finally {
      cached.users--;
      this.#dropUnchanged();
    }
  }

  #newlyCached(table: string, index: number): CachedChunk {
    const cached: CachedChunk = { table, index, chunk: new PageChunk(), changed: false, users: 0, loaded: undefined };
    cached.loaded = this.#load(cached);
    return cached;
  }

  /** Its place stays what it is meanwhile: only what is in the cache is written anew. */
  async #load(cached: CachedChunk): Promise<void> {
    const { table, index } = cached;
    const place = this.#places.get(table)?.get(index);
    if (place === undefined) return;
    const bytes = await this.#file.read(place);
    if (bytes === undefined) throw this.#file.damaged('a part of a table is not what was written', { table, index });
    cached.chunk = new PageChunk(bytes);
  }

  #dropUnchanged(): void {
    for (const [key, cached] of this.#cache) {
      if (this.#cache.size <= CACHED_CHUNKS) return;
      if (cached.users === 0 && !cached.changed && cached.writing === undefined) this.#cache.delete(key);
    }
  }

  /** Makes room; writers wait for it, so that changed chunks cannot pile up. */
  async #evict(): Promise<void> {
    if (this.#cache.size <= CACHED_CHUNKS) return;
    this.#evicting ??= this.#writeOldest().finally(() => {
      this.#evicting = undefined;
    });
    await this.#evicting;
  }

  async #writeOldest(): Promise<void> {
    const changed = [...this.#cache.values()].filter((cached) => cached.changed);
    for (const cached of changed.slice(0, CACHED_CHUNKS / 4)) await this.#writeOut(cached);
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

function extentsOf(chunk: PageChunk): Extent[] {
  return [...chunk.slots()].flatMap((slot) => chunk.get(slot) ?? []);
}

interface CachedChunk {
  readonly table: string;
  readonly index: number;
  chunk: PageChunk;
  /** Since it was read or last written. */
  changed: boolean;
  /** Waiting for it, or looking at it: it stays in the cache until they are done. */
  users: number;
  loaded: Promise<void> | undefined;
  writing?: Promise<void> | undefined;
}

/** 1.8 MB; they lead to 2 GiB of pages of 32 KiB. */
const CACHED_CHUNKS = 64;
