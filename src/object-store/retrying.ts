/**
 * Decorator: repeats what failed retryably. The store below decides what that is, by `retryable` on its errors; here is
 * only how often, and how long to wait in between.
 */
import pRetry from 'p-retry';
import { type Clock, type Random, systemClock, systemRandom } from '../env.ts';
import { ObjectStoreError } from '../errors.ts';
import { joined } from './object-body.ts';
import {
  compareKeys,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type ObjectStoreOptions,
  type PutOptions,
} from './object-store.ts';

/** How often and how long to try again. */
export interface RetryOptions {
  /** Attempts after the first; default 6. */
  readonly retries?: number | undefined;
  /** Upper bound of the first wait; default 200 ms. Each wait is a random part, at least half, of a bound that doubles. */
  readonly minDelayMs?: number | undefined;
  /** Upper bound of every wait; default 20 s. */
  readonly maxDelayMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Told of each failure that is going to be retried. */
  readonly onRetry?: ((error: ObjectStoreError, delayMs: number) => void) | undefined;
}

/**
 * A put with `ifAbsent` whose answer was lost may find, when repeated, its own object there. If what is there is byte for
 * byte what was to be put, that is success, not `OBJECT_STORE_EXISTS`. Two writers who must not both believe that they
 * put it need to put something of their own into it.
 */
export function retrying(store: ObjectStore, options: RetryOptions = {}): ObjectStore {
  const { retries = 6, minDelayMs = 200, maxDelayMs = 20_000, onRetry } = options;
  const { clock = systemClock, random = systemRandom } = options;

  function retry<T>(signal: AbortSignal | undefined, attempt: (number: number) => Promise<T>): Promise<T> {
    // p-retry's own timers and randomness stay out of it: no delay there, the wait is in onFailedAttempt.
    return pRetry(attempt, {
      retries,
      minTimeout: 0,
      ...(signal && { signal }),
      shouldRetry: ({ error }) => isRetryable(error),
      async onFailedAttempt({ error, attemptNumber, retriesLeft }) {
        if (!isRetryable(error) || retriesLeft <= 0) return;
        await pause(error, attemptNumber, signal);
      },
    });
  }

  async function pause(error: ObjectStoreError, failures: number, signal: AbortSignal | undefined): Promise<void> {
    const bound = Math.min(maxDelayMs, minDelayMs * 2 ** (failures - 1));
    const delayMs = Math.round(bound * (0.5 + random.next() / 2));
    onRetry?.(error, delayMs);
    await clock.sleep(delayMs, signal);
  }

  async function put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    let answerLost = false;
    await retry(options.signal, async () => {
      try {
        await store.put(key, body, options);
      } catch (error) {
        if (answerLost && isExists(error) && (await holds(key, body, options))) return;
        answerLost ||= isRetryable(error);
        throw error;
      }
    });
  }

  async function holds(key: string, body: ObjectBody, { signal }: ObjectStoreOptions): Promise<boolean> {
    try {
      const there = await store.get(key, { signal });
      return Buffer.compare(there, joined(body)) === 0;
    } catch (error) {
      // Deleted meanwhile: then it is somebody else's business, and EXISTS was the truth of its moment.
      if (error instanceof ObjectStoreError && error.code === 'OBJECT_STORE_NOT_FOUND') return false;
      throw error;
    }
  }

  /** After a failure the listing begins anew and skips what was given already; attempts count from each new key. */
  async function* list(prefix: string, options: ObjectStoreOptions = {}): AsyncGenerator<ObjectInfo, void, undefined> {
    let last: string | undefined;
    for (;;) {
      const following = await retry(options.signal, () => firstAfter(last, prefix, options));
      try {
        for (let next = following.first; !next.done; next = await following.rest.next()) {
          last = next.value.key;
          yield next.value;
        }
        return;
      } catch (error) {
        if (!isRetryable(error) || retries === 0) throw error;
        await pause(error, 1, options.signal);
      } finally {
        await following.rest.return?.();
      }
    }
  }

  async function firstAfter(last: string | undefined, prefix: string, options: ObjectStoreOptions) {
    const rest = store.list(prefix, options)[Symbol.asyncIterator]();
    for (;;) {
      const first = await rest.next();
      if (first.done || last === undefined || compareKeys(first.value.key, last) > 0) return { first, rest };
    }
  }

  return {
    capabilities: store.capabilities,
    locks: store.locks && {
      lock: (key, until, options) => retry(options?.signal, async () => await store.locks?.lock(key, until, options)),
      lockedUntil: (key, options) => retry(options?.signal, async () => await store.locks?.lockedUntil(key, options)),
    },
    place: store.place,
    get: (key, options) => retry(options?.signal, () => store.get(key, options)),
    head: (key, options) => retry(options?.signal, () => store.head(key, options)),
    list,
    put,
    delete: (key, options) => retry(options?.signal, () => store.delete(key, options)),
    deleteMany: (keys, options) => retry(options?.signal, () => store.deleteMany(keys, options)),
    sweep: (options) => retry(options.signal, () => store.sweep(options)),
  };
}

function isRetryable(error: unknown): error is ObjectStoreError {
  return error instanceof ObjectStoreError && error.retryable;
}

function isExists(error: unknown): boolean {
  return error instanceof ObjectStoreError && error.code === 'OBJECT_STORE_EXISTS';
}
