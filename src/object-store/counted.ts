/** Decorator: counts requests and bytes, for tests, benchmarks and progress. */
import { sizeOf } from './object-body.ts';
import type { ObjectInfo, ObjectStore, ObjectStoreOptions } from './object-store.ts';

/** Calls by method, and bytes of object bodies each way. */
export interface ObjectStoreCounts {
  readonly get: number;
  readonly head: number;
  readonly list: number;
  readonly put: number;
  /** Keys, by `delete` and `deleteMany`. */
  readonly delete: number;
  /** Requests that failed, of any kind. */
  readonly failed: number;
  /** Bodies of the puts and gets that succeeded. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A store that counts what passes through it. */
export interface CountedObjectStore extends ObjectStore {
  /** As of now: a copy. */
  counts(): ObjectStoreCounts;
  /** Starts counting anew. */
  reset(): void;
}

/** Counts what passes through a store. */
export function counted(store: ObjectStore): CountedObjectStore {
  const none = { get: 0, head: 0, list: 0, put: 0, delete: 0, failed: 0, sentBytes: 0, receivedBytes: 0 };
  let counts = { ...none };

  async function watch<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      counts.failed++;
      throw error;
    }
  }

  async function* list(prefix: string, options?: ObjectStoreOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    counts.list++;
    const entries = store.list(prefix, options)[Symbol.asyncIterator]();
    try {
      for (let next = await watch(entries.next()); !next.done; next = await watch(entries.next())) yield next.value;
    } finally {
      await entries.return?.();
    }
  }

  return {
    capabilities: store.capabilities,
    locks: store.locks,
    place: store.place,
    async get(key, options) {
      counts.get++;
      const content = await watch(store.get(key, options));
      counts.receivedBytes += content.length;
      return content;
    },
    head(key, options) {
      counts.head++;
      return watch(store.head(key, options));
    },
    list,
    async put(key, body, options) {
      counts.put++;
      await watch(store.put(key, body, options));
      counts.sentBytes += sizeOf(body);
    },
    delete(key, options) {
      counts.delete++;
      return watch(store.delete(key, options));
    },
    deleteMany(keys, options) {
      counts.delete += keys.length;
      return watch(store.deleteMany(keys, options));
    },
    sweep: (options) => watch(store.sweep(options)),
    counts: () => ({ ...counts }),
    reset: () => {
      counts = { ...none };
    },
  };
}
