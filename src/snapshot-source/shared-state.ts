/**
 * Adapter: the state of an endpoint, shared by the transfer that works on it and the source whose catalogue lies in it.
 * Whoever runs the transfer is given this store and needs to know nothing of the catalogue: the catalogue's pages are in
 * the same staged version as the VMAP's, are brought up to date before each checkpoint, and are committed with it. And
 * nothing that the transfer writes down between two checkpoints is durable before what it has from the source is.
 */
import { InternalError } from '../errors.ts';
import type {
  EndpointState,
  Journal,
  OpenStateOptions,
  StagedVersion,
  StateOptions,
  StateStore,
} from '../state/state.ts';

/** What a source does when what a transfer knows is made durable. */
export interface StagedWriter {
  /** Makes durable what the source has told the transfer so far. May run beside anything. */
  settle(options?: StateOptions): Promise<void>;
  /** Writes what is still in memory. The version is not used otherwise meanwhile. */
  flush(options?: StateOptions): Promise<void>;
  /** What was flushed is durable now. */
  checkpointed(options?: StateOptions): Promise<void>;
  /** Whether the version may be committed: a half-written catalogue must not be. */
  readonly finished: boolean;
}

export class SharedState implements StateStore {
  readonly #store: StateStore;
  #state: EndpointState | undefined;
  #staged: StagedVersion | undefined;
  #writer: StagedWriter | undefined;

  constructor(store: StateStore) {
    this.#store = store;
  }

  /** The state while it is open. */
  get state(): EndpointState | undefined {
    return this.#state;
  }

  /** The version that is being staged. */
  get staged(): StagedVersion | undefined {
    return this.#staged;
  }

  /** Who writes to the staged version beside the transfer, from now on. */
  setWriter(writer: StagedWriter): void {
    this.#writer = writer;
  }

  async open(endpoint: string, options?: OpenStateOptions): Promise<EndpointState> {
    const state = await this.#store.open(endpoint, options);
    this.#state = state;
    this.#ended();
    return this.#watched(state);
  }

  #ended(): void {
    this.#staged = undefined;
    this.#writer = undefined;
  }

  #watched(state: EndpointState): EndpointState {
    return {
      endpoint: state.endpoint,
      get committed() {
        return state.committed;
      },
      read: (table, page, options) => state.read(table, page, options),
      pages: (table, options) => state.pages(table, options),
      begin: async (options) => this.#stage(await state.begin(options)),
      resume: async (options) => {
        const staged = await state.resume(options);
        return staged && this.#stage(staged);
      },
      readDocument: (name, options) => state.readDocument(name, options),
      writeDocument: async (name, content, options) => {
        await this.#writer?.settle(options);
        await state.writeDocument(name, content, options);
      },
      removeDocument: (name, options) => state.removeDocument(name, options),
      listDocuments: (options) => state.listDocuments(options),
      openJournal: async (name, options) => this.#settling(await state.openJournal(name, options)),
      close: async () => {
        if (this.#state === state) {
          this.#state = undefined;
          this.#ended();
        }
        await state.close();
      },
    };
  }

  /** An unsynced record may outlive a crash too, so it is the append that waits. */
  #settling(journal: Journal): Journal {
    return {
      records: (options) => journal.records(options),
      append: async (records, options) => {
        await this.#writer?.settle(options);
        await journal.append(records, options);
      },
      sync: (options) => journal.sync(options),
      reset: (options) => journal.reset(options),
      close: () => journal.close(),
    };
  }

  #stage(staged: StagedVersion): StagedVersion {
    this.#staged = staged;
    this.#writer = undefined;
    return {
      number: staged.number,
      get checkpointMeta() {
        return staged.checkpointMeta;
      },
      read: (table, page, options) => staged.read(table, page, options),
      pages: (table, options) => staged.pages(table, options),
      write: (table, page, content, options) => staged.write(table, page, content, options),
      remove: (table, page, options) => staged.remove(table, page, options),
      clear: (table, options) => staged.clear(table, options),
      checkpoint: async (meta, options) => {
        const writer = this.#writer;
        await writer?.flush(options);
        await staged.checkpoint(meta, options);
        await writer?.checkpointed(options);
      },
      commit: async (meta, options) => {
        if (this.#writer?.finished === false) {
          throw new InternalError('a version is to be committed whose catalogue is half-way between two snapshots');
        }
        const committed = await staged.commit(meta, options);
        this.#ended();
        return committed;
      },
      discard: async () => {
        this.#ended();
        await staged.discard();
      },
    };
  }
}
