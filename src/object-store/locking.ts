/**
 * Decorator: locks for a store that has none of its own (a folder, memory). Each is a small object beside the one that it
 * locks. It keeps everybody out who opens the place through this decorator, and nobody else: against whoever can delete the
 * files themselves, use a bucket with object lock.
 */
import { type Clock, systemClock } from '../env.ts';
import { ObjectStoreError } from '../errors.ts';
import { deleteEach } from './delete-many.ts';
import { checkKey, MAX_KEY_BYTES, type ObjectInfo, type ObjectStore, type ObjectStoreOptions } from './object-store.ts';

/** What locks are kept below; no listing shows it. */
const LOCKS_PREFIX = '.locks/';

/** How locks are kept. */
export interface LockingOptions {
  /** By which it is known that a lock has ended; default the system's. */
  readonly clock?: Clock | undefined;
}

/** The store with locks. */
export function locking(store: ObjectStore, { clock = systemClock }: LockingOptions = {}): ObjectStore {
  const maxKeyBytes = (store.capabilities.maxKeyBytes ?? MAX_KEY_BYTES) - LOCKS_PREFIX.length;

  function checked(key: string): string {
    if (!key.startsWith(LOCKS_PREFIX)) return checkKey(key, maxKeyBytes);
    throw new ObjectStoreError('OBJECT_STORE_INVALID_KEY', `${key} is where locks are kept`, { key });
  }

  async function kept(key: string, options?: ObjectStoreOptions): Promise<number | undefined> {
    try {
      const until = Number(new TextDecoder().decode(await store.get(LOCKS_PREFIX + checked(key), options)));
      // What cannot be read locks for good: somebody meant the object to stay.
      return Number.isFinite(until) ? until : Number.MAX_SAFE_INTEGER;
    } catch (error) {
      if (error instanceof ObjectStoreError && error.code === 'OBJECT_STORE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async function lockedUntil(key: string, options?: ObjectStoreOptions): Promise<number | undefined> {
    const until = await kept(key, options);
    return until !== undefined && until > clock.now() ? until : undefined;
  }

  async function checkUnlocked(key: string, attempted: string, options?: ObjectStoreOptions): Promise<void> {
    const until = await lockedUntil(key, options);
    if (until !== undefined) throw lockedError(key, attempted, until);
  }

  async function remove(key: string, options?: ObjectStoreOptions): Promise<void> {
    const until = await kept(key, options);
    if (until !== undefined && until > clock.now()) throw lockedError(key, 'delete the object', until);
    await store.delete(key, options);
    if (until !== undefined) await store.delete(LOCKS_PREFIX + key, options);
  }

  async function* list(prefix: string, options?: ObjectStoreOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    for await (const info of store.list(prefix, options)) if (!info.key.startsWith(LOCKS_PREFIX)) yield info;
  }

  return {
    capabilities: { ...store.capabilities, objectLock: true, maxKeyBytes },
    place: store.place,
    locks: {
      lockedUntil,
      async lock(key, until, options) {
        await store.head(checked(key), options);
        if (until <= ((await kept(key, options)) ?? 0)) return;
        await store.put(LOCKS_PREFIX + key, new TextEncoder().encode(`${Math.ceil(until)}`), options);
      },
    },
    get: async (key, options) => await store.get(checked(key), options),
    head: async (key, options) => await store.head(checked(key), options),
    list,
    async put(key, body, options) {
      // Who puts only what is absent changes nothing that can be locked.
      if (!options?.ifAbsent) await checkUnlocked(checked(key), 'replace the object', options);
      await store.put(checked(key), body, options);
    },
    delete: remove,
    async deleteMany(keys, options = {}) {
      await deleteEach(keys, options, (key) => remove(key, options));
    },
    sweep: (options) => store.sweep(options),
  };
}

/** @param until epoch milliseconds */
export function lockedError(key: string, attempted: string, until: number, cause?: unknown): ObjectStoreError {
  const date = new Date(Math.min(until, LAST_DATE_MS)).toISOString();
  return new ObjectStoreError('OBJECT_STORE_LOCKED', `${key} is locked until ${date}`, {
    key,
    attempted,
    details: { lockedUntil: until },
    remedy: 'Wait until the lock ends.',
    cause,
  });
}

const LAST_DATE_MS = 8.64e15;
