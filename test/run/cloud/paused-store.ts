/** An object store as a process sees it that is paused before one of its changes: from then on every call waits. */
import type {
  GetOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  ObjectStoreOptions,
  PutOptions,
  SweepOptions,
  SweepResult,
} from '../../../src/object-store/object-store.ts';

export class PausedStore implements ObjectStore {
  /** Resolves when the process is paused; it may end before. */
  readonly reached: Promise<void>;
  readonly #store: ObjectStore;
  readonly #awake: Promise<void>;
  #reach = () => {};
  #wake = () => {};
  #changesLeft: number;

  /** @param changes how many go through before the pause */
  constructor(store: ObjectStore, changes: number) {
    this.#store = store;
    this.#changesLeft = changes;
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    this.#awake = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  get capabilities() {
    return this.#store.capabilities;
  }

  get place() {
    return this.#store.place;
  }

  goOn(): void {
    this.#wake();
  }

  async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    await this.#wait(false);
    return this.#store.get(key, options);
  }

  async head(key: string, options?: ObjectStoreOptions): Promise<ObjectInfo> {
    await this.#wait(false);
    return this.#store.head(key, options);
  }

  async *list(prefix: string, options?: ObjectStoreOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    await this.#wait(false);
    yield* this.#store.list(prefix, options);
  }

  async put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    await this.#wait(true);
    return this.#store.put(key, body, options);
  }

  async delete(key: string, options?: ObjectStoreOptions): Promise<void> {
    await this.#wait(true);
    return this.#store.delete(key, options);
  }

  async deleteMany(keys: readonly string[], options?: ObjectStoreOptions): Promise<void> {
    await this.#wait(true);
    return this.#store.deleteMany(keys, options);
  }

  async sweep(options: SweepOptions): Promise<SweepResult> {
    await this.#wait(true);
    return this.#store.sweep(options);
  }

  async #wait(isChange: boolean): Promise<void> {
    if (isChange && this.#changesLeft >= 0 && this.#changesLeft-- === 0) this.#reach();
    if (this.#changesLeft < 0) await this.#awake;
  }
}
