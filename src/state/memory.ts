/** Adapter: the state in memory. The reference for what the contract means; kept as long as the store is. */
import { StateError } from '../errors.ts';
import {
  type CommittedVersion,
  checkPageNumber,
  checkPageSize,
  checkRecordSize,
  checkStateName,
  type EndpointState,
  type Journal,
  type OpenStateOptions,
  type PagesOptions,
  type StagedVersion,
  type StateOptions,
  type StateStore,
} from './state.ts';

/** Table -> number -> page. Pages are never changed in place, so versions share them. */
type Tables = ReadonlyMap<string, ReadonlyMap<number, Uint8Array>>;

/** What outlives `close`. */
interface Kept {
  readonly endpoint: string;
  committed: CommittedVersion & { readonly tables: Tables };
  checkpoint: { readonly meta: Uint8Array; readonly tables: Tables } | undefined;
  readonly documents: Map<string, Uint8Array>;
  readonly journals: Map<string, Uint8Array[]>;
}

/** State in memory: for tests, and for endpoints that keep none. */
export class MemoryStateStore implements StateStore {
  #kept: Kept | undefined;
  #holder: MemoryEndpointState | undefined;

  async open(endpoint: string, { breakLock, signal }: OpenStateOptions = {}): Promise<EndpointState> {
    signal?.throwIfAborted();
    this.#kept ??= {
      endpoint,
      committed: { number: 0, meta: new Uint8Array(0), tables: new Map() },
      checkpoint: undefined,
      documents: new Map(),
      journals: new Map(),
    };
    if (this.#kept.endpoint !== endpoint) {
      const message = `this is the state of endpoint ${this.#kept.endpoint}, not of ${endpoint}`;
      throw new StateError('STATE_WRONG_OWNER', message);
    }
    if (this.#holder !== undefined && !breakLock) throw new StateError('STATE_LOCKED', 'the state is open already');
    const state: MemoryEndpointState = new MemoryEndpointState(this.#kept, {
      holds: () => this.#holder === state,
      release: () => {
        if (this.#holder === state) this.#holder = undefined;
      },
    });
    this.#holder = state;
    return state;
  }
}

interface Lock {
  holds(): boolean;
  release(): void;
}

class MemoryEndpointState implements EndpointState {
  readonly endpoint: string;
  readonly #kept: Kept;
  readonly #lock: Lock;
  readonly #journals = new Set<string>();
  #staged: MemoryStagedVersion | undefined;
  #closed = false;

  constructor(kept: Kept, lock: Lock) {
    this.endpoint = kept.endpoint;
    this.#kept = kept;
    this.#lock = lock;
  }

  get committed(): CommittedVersion {
    this.#check();
    const { number, meta } = this.#kept.committed;
    return { number, meta: meta.slice() };
  }

  async read(table: string, page: number, options?: StateOptions): Promise<Uint8Array | undefined> {
    this.#check(options);
    return pageOf(this.#kept.committed.tables, table, page);
  }

  async *pages(table: string, { from = 0, ...options }: PagesOptions = {}): AsyncGenerator<number, void, undefined> {
    checkStateName(table);
    checkPageNumber(from);
    this.#check(options);
    for (const page of numbersFrom(this.#kept.committed.tables, table, from)) {
      this.#check(options);
      yield page;
    }
  }

  async begin(options?: StateOptions): Promise<StagedVersion> {
    this.#checkFree(options);
    this.#kept.checkpoint = undefined;
    return this.#stage(this.#kept.committed.tables, undefined);
  }

  async resume(options?: StateOptions): Promise<StagedVersion | undefined> {
    this.#checkFree(options);
    const { checkpoint } = this.#kept;
    return checkpoint && this.#stage(checkpoint.tables, checkpoint.meta);
  }

  async readDocument(name: string, options?: StateOptions): Promise<Uint8Array | undefined> {
    this.#check(options);
    return this.#kept.documents.get(checkStateName(name))?.slice();
  }

  async writeDocument(name: string, content: Uint8Array, options?: StateOptions): Promise<void> {
    this.#check(options);
    this.#checkLock();
    this.#kept.documents.set(checkStateName(name), content.slice());
  }

  async removeDocument(name: string, options?: StateOptions): Promise<void> {
    this.#check(options);
    this.#checkLock();
    this.#kept.documents.delete(checkStateName(name));
  }

  async listDocuments(options?: StateOptions): Promise<readonly string[]> {
    this.#check(options);
    return [...this.#kept.documents.keys()].sort();
  }

  async openJournal(name: string, options?: StateOptions): Promise<Journal> {
    this.#check(options);
    checkStateName(name);
    if (this.#journals.has(name)) throw new StateError('STATE_BUSY', `the journal ${name} is open already`);
    this.#journals.add(name);
    const records = this.#kept.journals.get(name) ?? [];
    this.#kept.journals.set(name, records);
    return this.#journal(name, records);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#staged?.end();
    this.#lock.release();
  }

  #journal(name: string, records: Uint8Array[]): Journal {
    let closed = false;
    const check = (options: StateOptions = {}) => {
      this.#check(options);
      if (closed) throw new StateError('STATE_CLOSED', `the journal ${name} was closed`);
    };
    return {
      async *records(options) {
        check(options);
        for (const record of [...records]) {
          check(options);
          yield record.slice();
        }
      },
      async append(added, options) {
        check(options);
        const kept = added.map((record) => checkRecordSize(record).slice());
        for (const record of kept) records.push(record);
      },
      async sync(options) {
        check(options);
      },
      async reset(options) {
        check(options);
        records.length = 0;
      },
      close: async () => {
        if (closed) return;
        closed = true;
        this.#journals.delete(name);
      },
    };
  }

  #stage(base: Tables, meta: Uint8Array | undefined): StagedVersion {
    const number = this.#kept.committed.number + 1;
    const staged = new MemoryStagedVersion(number, base, meta, {
      checkpoint: (checkpointMeta, tables) => {
        this.#checkLock();
        this.#kept.checkpoint = { meta: checkpointMeta, tables };
      },
      commit: (commitMeta, tables) => {
        this.#checkLock();
        this.#kept.committed = { number, meta: commitMeta, tables };
        this.#kept.checkpoint = undefined;
      },
      discard: () => {
        this.#checkLock();
        this.#kept.checkpoint = undefined;
      },
      ended: () => {
        this.#staged = undefined;
      },
    });
    this.#staged = staged;
    return staged;
  }

  #checkFree(options: StateOptions | undefined): void {
    this.#check(options);
    if (this.#staged !== undefined) throw new StateError('STATE_BUSY', 'a version is staged already');
  }

  #checkLock(): void {
    if (!this.#lock.holds()) throw new StateError('STATE_LOCK_LOST', 'the state was taken over by somebody else');
  }

  #check({ signal }: StateOptions = {}): void {
    signal?.throwIfAborted();
    if (this.#closed) throw new StateError('STATE_CLOSED', 'the state was closed');
  }
}

interface StagedVersionHost {
  checkpoint(meta: Uint8Array, tables: Tables): void;
  commit(meta: Uint8Array, tables: Tables): void;
  discard(): void;
  ended(): void;
}

class MemoryStagedVersion implements StagedVersion {
  readonly number: number;
  readonly #tables: Map<string, Map<number, Uint8Array>>;
  readonly #host: StagedVersionHost;
  #checkpointMeta: Uint8Array | undefined;
  #ended = false;

  constructor(number: number, base: Tables, checkpointMeta: Uint8Array | undefined, host: StagedVersionHost) {
    this.number = number;
    this.#tables = copyOf(base);
    this.#checkpointMeta = checkpointMeta;
    this.#host = host;
  }

  get checkpointMeta(): Uint8Array | undefined {
    return this.#checkpointMeta?.slice();
  }

  async read(table: string, page: number, options?: StateOptions): Promise<Uint8Array | undefined> {
    this.#check(options);
    return pageOf(this.#tables, table, page);
  }

  async *pages(table: string, { from = 0, ...options }: PagesOptions = {}): AsyncGenerator<number, void, undefined> {
    checkStateName(table);
    checkPageNumber(from);
    this.#check(options);
    for (const page of numbersFrom(this.#tables, table, from)) {
      this.#check(options);
      yield page;
    }
  }

  async write(table: string, page: number, content: Uint8Array, options?: StateOptions): Promise<void> {
    this.#check(options);
    const pages = this.#tables.get(checkStateName(table)) ?? new Map<number, Uint8Array>();
    pages.set(checkPageNumber(page), checkPageSize(content).slice());
    this.#tables.set(table, pages);
  }

  async remove(table: string, page: number, options?: StateOptions): Promise<void> {
    this.#check(options);
    checkPageNumber(page);
    this.#tables.get(checkStateName(table))?.delete(page);
  }

  async clear(table: string, options?: StateOptions): Promise<void> {
    this.#check(options);
    this.#tables.delete(checkStateName(table));
  }

  async checkpoint(meta: Uint8Array, options?: StateOptions): Promise<void> {
    this.#check(options);
    this.#host.checkpoint(meta.slice(), copyOf(this.#tables));
    this.#checkpointMeta = meta.slice();
  }

  async commit(meta: Uint8Array, options?: StateOptions): Promise<CommittedVersion> {
    this.#check(options);
    this.#host.commit(meta.slice(), this.#tables);
    this.end();
    return { number: this.number, meta: meta.slice() };
  }

  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#host.discard();
    this.end();
  }

  /** Without forgetting its checkpoint. */
  end(): void {
    this.#ended = true;
    this.#host.ended();
  }

  #check({ signal }: StateOptions = {}): void {
    signal?.throwIfAborted();
    if (this.#ended) throw new StateError('STATE_CLOSED', `version ${this.number} has ended`);
  }
}

function copyOf(tables: Tables): Map<string, Map<number, Uint8Array>> {
  return new Map([...tables].map(([table, pages]) => [table, new Map(pages)]));
}

function pageOf(tables: Tables, table: string, page: number): Uint8Array | undefined {
  checkPageNumber(page);
  return tables.get(checkStateName(table))?.get(page)?.slice();
}

function numbersFrom(tables: Tables, table: string, from: number): number[] {
  const numbers = [...(tables.get(table)?.keys() ?? [])];
  return numbers.filter((page) => page >= from).sort((a, b) => a - b);
}
