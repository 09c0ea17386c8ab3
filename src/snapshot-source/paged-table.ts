/**
 * Adapter: tables of a catalogue in pages of the state, a bounded number of them in memory. Work goes in batches: `load`
 * brings the pages of a batch into memory, then they are read and changed in place, until the next `load`.
 */
import { InternalError, StateError } from '../errors.ts';
import type { PageReader, StagedVersion, StateOptions } from '../state/state.ts';

/** How a page is kept. */
export interface PageFormat<T> {
  empty(): T;
  /** `undefined` for bytes that are no such page. */
  decode(bytes: Uint8Array): T | undefined;
  /** `undefined` for a page like an empty one, which is not kept. */
  encode(page: T): Uint8Array | undefined;
}

interface CachedPage<T> {
  content: T;
  changed: boolean;
}

/** Pages that are read at a time. */
const READS_IN_FLIGHT = 32;

export class PagedTable<T> {
  readonly name: string;
  readonly #format: PageFormat<T>;
  readonly #reader: PageReader;
  readonly #staged: StagedVersion | undefined;
  readonly #capacity: number;
  /** By the time of their last load, oldest first. */
  readonly #pages = new Map<number, CachedPage<T>>();

  /**
   * @param capacity pages in memory, unless a single batch needs more
   * @param staged where changes go; absent for a table that is only read
   */
  constructor(
    name: string,
    format: PageFormat<T>,
    capacity: number,
    reader: PageReader,
    staged?: StagedVersion | undefined,
  ) {
    this.name = name;
    this.#format = format;
    this.#capacity = capacity;
    this.#reader = reader;
    this.#staged = staged;
  }

  /** @throws StateError `STATE_CORRUPT` */
  async load(numbers: Iterable<number>, options: StateOptions = {}): Promise<void> {
    const wanted = new Set(numbers);
    const missing: number[] = [];
    for (const number of wanted) {
      const page = this.#pages.get(number);
      if (page === undefined) {
        missing.push(number);
      } else {
        this.#pages.delete(number);
        this.#pages.set(number, page);
      }
    }
    for (const number of this.#pages.keys()) {
      if (this.#pages.size + missing.length <= this.#capacity || wanted.has(number)) break;
      await this.#write(number, options);
      this.#pages.delete(number);
    }
    for (let at = 0; at < missing.length; at += READS_IN_FLIGHT) {
      const some = missing.slice(at, at + READS_IN_FLIGHT);
      const read = await Promise.all(some.map((number) => this.#read(number, options)));
      some.forEach((number, index) => {
        const content = read[index];
        if (content !== undefined) this.#pages.set(number, { content, changed: false });
      });
    }
  }

  /** A page that was loaded. */
  page(number: number): T {
    return this.#loaded(number).content;
  }

  /** A page that was loaded, to be changed in place. */
  pageToWrite(number: number): T {
    const page = this.#loaded(number);
    page.changed = true;
    return page.content;
  }

  /** Puts another page in the place of one, loaded or not. */
  put(number: number, content: T): void {
    this.#pages.delete(number);
    this.#pages.set(number, { content, changed: true });
  }

  /** Numbers of the pages that there are from `from` on, ascending. Changes are written first. */
  async *numbers(from: number, options: StateOptions = {}): AsyncGenerator<number, void, undefined> {
    await this.flush(options);
    yield* this.#reader.pages(this.name, { ...options, from });
  }

  async flush(options: StateOptions = {}): Promise<void> {
    for (const number of this.#pages.keys()) await this.#write(number, options);
  }

  /** Makes all pages empty. */
  async clear(options: StateOptions = {}): Promise<void> {
    this.#pages.clear();
    await this.#writable().clear(this.name, options);
  }

  #loaded(number: number): CachedPage<T> {
    const page = this.#pages.get(number);
    if (page !== undefined) return page;
    throw new InternalError(`page ${number} of ${this.name} was not loaded`);
  }

  async #read(number: number, options: StateOptions): Promise<T> {
    const bytes = await this.#reader.read(this.name, number, options);
    if (bytes === undefined) return this.#format.empty();
    const content = this.#format.decode(bytes);
    if (content !== undefined) return content;
    throw corruptCatalogue(`page ${number} of ${this.name} has ${bytes.length} bytes and no such content`);
  }

  async #write(number: number, options: StateOptions): Promise<void> {
    const page = this.#pages.get(number);
    if (page === undefined || !page.changed) return;
    const bytes = this.#format.encode(page.content);
    if (bytes === undefined) await this.#writable().remove(this.name, number, options);
    else await this.#writable().write(this.name, number, bytes, options);
    page.changed = false;
  }

  #writable(): StagedVersion {
    if (this.#staged !== undefined) return this.#staged;
    throw new InternalError(`${this.name} is only read here`);
  }
}

export function corruptCatalogue(message: string, cause?: unknown): StateError {
  return new StateError('STATE_CORRUPT', message, {
    cause,
    remedy: 'Rebuild the state from the object store, or make a new baseline.',
  });
}

/**
 * What a source keeps beside its tables, as JSON with the number of its format.
 * @throws StateError `STATE_CORRUPT`, `STATE_FORMAT_VERSION`
 */
export function readJson<T extends { readonly format: number }>(bytes: Uint8Array, format: number, of: string): T {
  let found: T;
  try {
    found = JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch (cause) {
    throw corruptCatalogue(`what is known of ${of} cannot be read`, cause);
  }
  if (found?.format === format) return found;
  if (!Number.isSafeInteger(found?.format)) throw corruptCatalogue(`what is known of ${of} is not in this format`);
  throw new StateError('STATE_FORMAT_VERSION', `${of} has format ${found.format}, this release knows ${format}`, {
    remedy:
      found.format > format
        ? 'Use the release that wrote it, or a newer one; or rebuild the state from the object store with this one.'
        : 'Rebuild the state from the object store: the next backup then sends only what changed.',
  });
}

/** Whole numbers below 2^48, six bytes each. */
export function numberPages(entries: number): PageFormat<Float64Array> {
  return {
    empty: () => new Float64Array(entries),
    decode: (bytes) => (bytes.length === 6 * entries ? readNumbers(bytes) : undefined),
    encode: (page) => (page.every((number) => number === 0) ? undefined : writeNumbers(page)),
  };
}

/** 32-bit words by their value. */
export function wordPages(words: number): PageFormat<Uint32Array> {
  return {
    empty: () => new Uint32Array(words),
    decode(bytes) {
      if (bytes.length !== 4 * words) return undefined;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      return Uint32Array.from({ length: words }, (_, at) => view.getUint32(4 * at, true));
    },
    encode(page) {
      if (page.every((word) => word === 0)) return undefined;
      const bytes = new Uint8Array(4 * words);
      const view = new DataView(bytes.buffer);
      for (let at = 0; at < words; at++) view.setUint32(4 * at, page[at] ?? 0, true);
      return bytes;
    },
  };
}

/** Bytes that are compared a word at a time: they stay in their order, whatever that makes of the words. */
export function rawPages(words: number): PageFormat<Uint32Array> {
  return {
    empty: () => new Uint32Array(words),
    decode: (bytes) => (bytes.length === 4 * words ? new Uint32Array(bytes.slice().buffer) : undefined),
    encode: (page) => (page.every((word) => word === 0) ? undefined : new Uint8Array(page.slice().buffer)),
  };
}

export function bytePages(length: number): PageFormat<Uint8Array> {
  return {
    empty: () => new Uint8Array(length),
    decode: (bytes) => (bytes.length === length ? bytes : undefined),
    encode: (page) => (page.every((byte) => byte === 0) ? undefined : page.slice()),
  };
}

export function readNumbers(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const numbers = new Float64Array(bytes.length / 6);
  for (let at = 0; at < numbers.length; at++) {
    numbers[at] = view.getUint16(6 * at + 4, true) * 2 ** 32 + view.getUint32(6 * at, true);
  }
  return numbers;
}

export function writeNumbers(numbers: Float64Array): Uint8Array {
  const bytes = new Uint8Array(6 * numbers.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at] ?? 0;
    view.setUint32(6 * at, number % 2 ** 32, true);
    view.setUint16(6 * at + 4, Math.floor(number / 2 ** 32), true);
  }
  return bytes;
}
