/**
 * Run (layer 3): one endpoint's place in an object store: its keys below its name, and failures in the words of the
 * endpoint: an object that a snapshot needs and that is not there is `CLOUD_OBJECT_MISSING`, with its id.
 */
import { fromHex, toHex } from '../../core/cloud/format/binary.ts';
import { parseKey } from '../../core/cloud/format/names.ts';
import { CloudError, ConfigError, ObjectStoreError } from '../../errors.ts';
import {
  checkKey,
  type GetOptions,
  type ObjectBody,
  type ObjectInfo,
  type ObjectLocks,
  type ObjectStore,
  type ObjectStoreOptions,
  type PutOptions,
} from '../../object-store/object-store.ts';

/** What could not be deleted, and until when. */
export interface LockedKey {
  readonly key: string;
  /** Epoch milliseconds. */
  readonly until: number;
}

export class EndpointPlace {
  readonly store: ObjectStore;
  readonly name: string;
  readonly #prefix: string;

  /**
   * @param storedName what its keys begin with, where the name is not to be seen in the store
   * @throws ConfigError `CONFIG_INVALID` for a name that no endpoint can have
   */
  constructor(store: ObjectStore, name: string, storedName: string = name) {
    this.store = store;
    this.name = checkEndpointName(name);
    this.#prefix = `${storedName}/`;
  }

  /** For messages. */
  get text(): string {
    return `${this.name} in ${this.store.place}`;
  }

  /** @throws CloudError `CLOUD_OBJECT_MISSING` when it is not there; ObjectStoreError */
  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const found = await this.find(key, options);
    if (found !== undefined) return found;
    throw missing(key);
  }

  /** `undefined` when it is not there. A range that ends beyond the object is damage: the object is shorter than it was. */
  async find(key: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    try {
      return await this.store.get(this.#prefix + key, options);
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error;
      if (error.code === 'OBJECT_STORE_NOT_FOUND') return undefined;
      const damage = DAMAGE[error.code];
      if (damage === undefined) throw error;
      throw new CloudError('CLOUD_CORRUPT', `what is stored as ${key} is ${damage}`, { ...factsOf(key), cause: error });
    }
  }

  /** The first bytes of what is there; all of it where it is shorter. @throws as `get` */
  async getFirst(key: string, length: number, options: ObjectStoreOptions = {}): Promise<Uint8Array> {
    try {
      return await this.store.get(this.#prefix + key, { ...options, range: { offset: 0, length } });
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error;
      if (error.code === 'OBJECT_STORE_NOT_FOUND') throw missing(key);
      if (error.code !== 'OBJECT_STORE_BAD_RANGE') throw error;
      return await this.get(key, options);
    }
  }

  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    return this.store.put(this.#prefix + key, body, options);
  }

  deleteMany(keys: readonly string[], options?: ObjectStoreOptions): Promise<void> {
    return this.store.deleteMany(
      keys.map((key) => this.#prefix + key),
      options,
    );
  }

  /** Locks what is there until then, at least. @throws CloudError `CLOUD_OBJECT_MISSING`; ObjectStoreError `OBJECT_STORE_UNSUPPORTED` */
  async lock(key: string, until: number, options?: ObjectStoreOptions): Promise<void> {
    try {
      await this.#locks().lock(this.#prefix + key, until, options);
    } catch (error) {
      if (error instanceof ObjectStoreError && error.code === 'OBJECT_STORE_NOT_FOUND') throw missing(key);
      throw error;
    }
  }

  /**
   * As `deleteMany`, but what is locked stays, and is given back.
   * @throws ObjectStoreError
   */
  async deleteUnlocked(keys: readonly string[], options: ObjectStoreOptions = {}): Promise<LockedKey[]> {
    try {
      await this.deleteMany(keys, options);
      return [];
    } catch (error) {
      if (!(error instanceof ObjectStoreError) || error.code !== 'OBJECT_STORE_LOCKED') throw error;
      const { failed } = error.details as { readonly failed?: readonly string[] };
      const locked: LockedKey[] = [];
      for (const stored of failed ?? []) {
        const until = await this.#locks().lockedUntil(stored, options);
        const key = stored.slice(this.#prefix.length);
        // Another failure than a lock, or a lock that ended just now: once more, alone.
        if (until === undefined) await this.deleteMany([key], options);
        else locked.push({ key, until });
      }
      return locked;
    }
  }

  #locks(): ObjectLocks {
    const { locks } = this.store;
    if (locks !== undefined) return locks;
    throw new ObjectStoreError('OBJECT_STORE_UNSUPPORTED', `${this.store.place} cannot lock objects`, {
      attempted: 'lock an object',
      remedy: 'Use a bucket that was created with object lock, or a folder.',
    });
  }

  async *list(prefix: string, options?: ObjectStoreOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    for await (const { key, sizeBytes } of this.store.list(this.#prefix + prefix, options)) {
      yield { key: key.slice(this.#prefix.length), sizeBytes };
    }
  }
}

/** What a store says that makes what is stored damaged. */
const DAMAGE: Readonly<Record<string, string>> = {
  OBJECT_STORE_BAD_RANGE: 'cut off',
  OBJECT_STORE_CORRUPT: 'damaged, says the store',
};

/** Which object or snapshot a key is about, as facts of an error. */
export function factsOf(key: string): { object: string; objectId?: number; snapshot?: string } {
  const name = parseKey(key);
  if (name?.kind === 'object') return { object: key, objectId: name.objectId };
  return name !== undefined && 'snapshotId' in name ? { object: key, snapshot: `${name.snapshotId}` } : { object: key };
}

export function missing(key: string): CloudError {
  return new CloudError('CLOUD_OBJECT_MISSING', `${key} is not in the store`, {
    ...factsOf(key),
    remedy: 'Run verify; restore what does not need it, and start a new baseline if the newest snapshot does.',
  });
}

/** Text of the 16 bytes by which everything stored says to which endpoint it belongs. */
export function uuidOf(endpointId: Uint8Array): string {
  return toHex(endpointId).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function idOfUuid(uuid: string): Uint8Array {
  return fromHex(uuid.replaceAll('-', '').toLowerCase());
}

/** One segment of a key, so that no endpoint lies inside another. */
function checkEndpointName(name: string): string {
  const problem = name.includes('/') ? 'contains "/"' : name.length > 200 ? 'is longer than 200 characters' : undefined;
  if (problem === undefined) {
    try {
      return checkKey(name);
    } catch (cause) {
      throw badName(name, cause instanceof Error ? cause.message : 'cannot be a key', cause);
    }
  }
  throw badName(name, problem);
}

function badName(name: string, problem: string, cause?: unknown): ConfigError {
  const message = `${JSON.stringify(name)} is no name of an endpoint: it ${problem}`;
  return new ConfigError('CONFIG_INVALID', message, {
    object: 'endpoint name',
    problems: [{ section: '', option: 'name', message: problem }],
    cause,
  });
}
