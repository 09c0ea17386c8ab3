/** A version in the making over the page file. What it means to be durable is up to the state that it belongs to. */
import { StateError } from '../errors.ts';
import type { PageFile } from './page-file.ts';
import type { ChunkPlaces, PageTable } from './page-table.ts';
import {
  type CommittedVersion,
  checkPageNumber,
  checkPageSize,
  checkStateName,
  type PagesOptions,
  type StagedVersion,
  type StateOptions,
} from './state.ts';

/** What the state does for it. */
export interface StagedVersionHost {
  writeCheckpoint(meta: Uint8Array, places: ChunkPlaces, signal: AbortSignal | undefined): Promise<void>;
  writeCommit(meta: Uint8Array, places: ChunkPlaces, signal: AbortSignal | undefined): Promise<void>;
  dropCheckpoint(): Promise<void>;
  ended(): void;
}

export class DirectoryStagedVersion implements StagedVersion {
  readonly number: number;
  readonly #pages: PageFile;
  readonly #table: PageTable;
  readonly #host: StagedVersionHost;
  readonly #underWay = new Set<Promise<unknown>>();
  #checkpointMeta: Uint8Array | undefined;
  #failed: unknown;
  #ended = false;

  constructor(
    number: number,
    pages: PageFile,
    table: PageTable,
    checkpointMeta: Uint8Array | undefined,
    host: StagedVersionHost,
  ) {
    this.number = number;
    this.#pages = pages;
    this.#table = table;
    this.#checkpointMeta = checkpointMeta;
    this.#host = host;
  }

  get checkpointMeta(): Uint8Array | undefined {
    return this.#checkpointMeta?.slice();
  }

  async read(table: string, page: number, { signal }: StateOptions = {}): Promise<Uint8Array | undefined> {
    this.#checkUsable();
    signal?.throwIfAborted();
    return await this.#table.read(checkStateName(table), checkPageNumber(page));
  }

  async *pages(table: string, { from = 0, signal }: PagesOptions = {}): AsyncGenerator<number, void, undefined> {
    checkStateName(table);
    for (let next = checkPageNumber(from); ; ) {
      this.#checkUsable();
      signal?.throwIfAborted();
      const numbers = await this.#table.pagesFrom(table, next);
      const last = numbers.at(-1);
      if (last === undefined) return;
      yield* numbers;
      next = last + 1;
    }
  }

  async write(table: string, page: number, content: Uint8Array, { signal }: StateOptions = {}): Promise<void> {
    this.#checkUsable();
    checkStateName(table);
    checkPageNumber(page);
    checkPageSize(content);
    signal?.throwIfAborted();
    await this.#change(async () => this.#table.set(table, page, await this.#pages.write(content)));
  }

  async remove(table: string, page: number, { signal }: StateOptions = {}): Promise<void> {
    this.#checkUsable();
    checkStateName(table);
    checkPageNumber(page);
    signal?.throwIfAborted();
    await this.#change(() => this.#table.set(table, page, undefined));
  }

  async clear(table: string, { signal }: StateOptions = {}): Promise<void> {
    this.#checkUsable();
    checkStateName(table);
    signal?.throwIfAborted();
    await this.#change(() => this.#table.clear(table));
  }

  async checkpoint(meta: Uint8Array, { signal }: StateOptions = {}): Promise<void> {
    const kept = meta.slice();
    await this.#makeDurable(signal);
    await this.#change(() => this.#host.writeCheckpoint(kept, this.#table.places(), signal));
    this.#checkpointMeta = kept;
  }

  async commit(meta: Uint8Array, { signal }: StateOptions = {}): Promise<CommittedVersion> {
    const kept = meta.slice();
    await this.#makeDurable(signal);
    await this.#change(() => this.#host.writeCommit(kept, this.#table.places(), signal));
    this.#ended = true;
    this.#host.ended();
    return { number: this.number, meta: kept.slice() };
  }

  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await Promise.allSettled(this.#underWay);
    try {
      await this.#host.dropCheckpoint();
      this.#pages.space.dropped();
    } finally {
      this.#host.ended();
    }
  }

  /** Without forgetting its checkpoint. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#underWay);
    this.#host.ended();
  }

  async dropCheckpoint(): Promise<void> {
    await this.#change(() => this.#host.dropCheckpoint());
  }

  async #makeDurable(signal: AbortSignal | undefined): Promise<void> {
    this.#checkUsable();
    signal?.throwIfAborted();
    await Promise.allSettled(this.#underWay);
    this.#checkUsable();
    await this.#change(async () => {
      await this.#table.flush();
      await this.#pages.sync();
    });
    signal?.throwIfAborted();
  }

  /** After a failure nobody knows what the disk holds of this version. */
  async #change(work: () => Promise<void>): Promise<void> {
    const change = work();
    this.#underWay.add(change);
    try {
      await change;
    } catch (error) {
      this.#failed ??= error;
      throw error;
    } finally {
      this.#underWay.delete(change);
    }
  }

  #checkUsable(): void {
    if (!this.#ended && this.#failed === undefined) return;
    const why = this.#ended ? 'has ended' : 'is not used any more after a write to it failed';
    throw new StateError('STATE_CLOSED', `version ${this.number} ${why}`, { cause: this.#failed });
  }
}
