/** Adapter: objects in memory. The reference for what the contract means. */
import { ObjectStoreError } from '../errors.ts';
import { deleteEach } from './delete-many.ts';
import { checkBody, joined, partsOf } from './object-body.ts';
import {
  checkKey,
  compareKeys,
  type GetOptions,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type ObjectStoreOptions,
  type PutOptions,
  resolveRange,
  type SweepOptions,
  type SweepResult,
} from './object-store.ts';

/** Objects in memory: the reference for every other adapter. */
export class MemoryObjectStore implements ObjectStore {
  readonly capabilities = { conditionalPut: true, persistent: false };
  readonly place = 'memory';
  readonly #objects = new Map<string, Uint8Array>();

  async get(key: string, { range, signal }: GetOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const content = this.#find(key);
    const { offset, length } = resolveRange(key, range, content.length);
    return content.slice(offset, offset + length);
  }

  async head(key: string, { signal }: ObjectStoreOptions = {}): Promise<ObjectInfo> {
    signal?.throwIfAborted();
    return { key, sizeBytes: this.#find(key).length };
  }

  async *list(prefix: string, { signal }: ObjectStoreOptions = {}): AsyncGenerator<ObjectInfo, void, undefined> {
    signal?.throwIfAborted();
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
    for (const key of keys) {
      signal?.throwIfAborted();
      const content = this.#objects.get(key);
      if (content !== undefined) yield { key, sizeBytes: content.length };
    }
  }

  async put(key: string, body: ObjectBody, { ifAbsent, sha256, signal }: PutOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    checkKey(key);
    checkBody(key, partsOf(body), sha256);
    if (ifAbsent && this.#objects.has(key)) {
      throw new ObjectStoreError('OBJECT_STORE_EXISTS', `${key} exists already`, {
        key,
        attempted: 'store the object',
      });
    }
    this.#objects.set(key, joined(body));
  }

  async delete(key: string, { signal }: ObjectStoreOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#objects.delete(checkKey(key));
  }

  async deleteMany(keys: readonly string[], options: ObjectStoreOptions = {}): Promise<void> {
    await deleteEach(keys, options, (key) => this.delete(key, options));
  }

  async sweep({ signal }: SweepOptions): Promise<SweepResult> {
    signal?.throwIfAborted();
    return { removed: 0, sizeBytes: 0 };
  }

  #find(key: string): Uint8Array {
    const content = this.#objects.get(checkKey(key));
    if (content !== undefined) return content;
    throw new ObjectStoreError('OBJECT_STORE_NOT_FOUND', `no object ${key}`, { key, attempted: 'read the object' });
  }
}
