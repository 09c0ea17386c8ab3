/** Decorator: so many bytes a second, and so many requests at once, over all users of the decorated store. */
import pLimit from 'p-limit';
import { type Clock, systemClock } from '../env.ts';
import { ConfigError } from '../errors.ts';
import { sizeOf } from './object-body.ts';
import type { ObjectInfo, ObjectStore, ObjectStoreOptions } from './object-store.ts';

/** How much may pass at once, and per second. */
export interface ThrottleOptions {
  /** Bodies sent and received together; default unlimited. */
  readonly bytesPerSecond?: number | undefined;
  /** Default unlimited. A listing counts while it waits for its store, not while its consumer works. */
  readonly requestsInFlight?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * The rate holds on average: a request waits until all bytes before it are paid for, and what a `get` brought, whose size
 * nobody knew, is paid for by the next. A signal ends the waiting.
 */
export function throttled(store: ObjectStore, options: ThrottleOptions): ObjectStore {
  const { bytesPerSecond = Number.POSITIVE_INFINITY, requestsInFlight = Number.POSITIVE_INFINITY } = options;
  checkPositive('bytesPerSecond', bytesPerSecond);
  checkPositive('requestsInFlight', Math.floor(requestsInFlight));
  const limit = pLimit(Math.floor(requestsInFlight));
  const pace = new Pace(options.clock ?? systemClock, bytesPerSecond);

  /** Waits for its turn and for the bytes that came before, then runs. */
  function admit<T>(signal: AbortSignal | undefined, sizeBytes: number, request: () => Promise<T>): Promise<T> {
    return abandonable(
      signal,
      limit(async () => {
        signal?.throwIfAborted();
        await pace.wait(sizeBytes, signal);
        return await request();
      }),
    );
  }

  async function* list(prefix: string, options: ObjectStoreOptions = {}): AsyncGenerator<ObjectInfo, void, undefined> {
    const entries = store.list(prefix, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await admit(options.signal, 0, () => entries.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await entries.return?.();
    }
  }

  return {
    capabilities: store.capabilities,
    locks: store.locks && {
      lock: (key, until, options) =>
        admit(options?.signal, 0, async () => await store.locks?.lock(key, until, options)),
      lockedUntil: (key, options) =>
        admit(options?.signal, 0, async () => await store.locks?.lockedUntil(key, options)),
    },
    place: store.place,
    get: (key, options) =>
      admit(options?.signal, 0, async () => {
        const content = await store.get(key, options);
        pace.owe(content.length);
        return content;
      }),
    head: (key, options) => admit(options?.signal, 0, () => store.head(key, options)),
    list,
    put: (key, body, options) => admit(options?.signal, sizeOf(body), () => store.put(key, body, options)),
    delete: (key, options) => admit(options?.signal, 0, () => store.delete(key, options)),
    deleteMany: (keys, options) => admit(options?.signal, 0, () => store.deleteMany(keys, options)),
    sweep: (options) => admit(options.signal, 0, () => store.sweep(options)),
  };
}

/** When the next byte is free to go. */
class Pace {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Books the bytes behind all others, and waits until those have had their time. */
  async wait(sizeBytes: number, signal: AbortSignal | undefined): Promise<void> {
    const waitMs = this.#freeAt - this.#clock.now();
    this.owe(sizeBytes);
    if (waitMs <= 0) return;
    try {
      await this.#clock.sleep(waitMs, signal);
    } catch (aborted) {
      this.#freeAt -= sizeBytes / this.#bytesPerMs;
      throw aborted;
    }
  }

  owe(sizeBytes: number): void {
    if (sizeBytes > 0) this.#freeAt = Math.max(this.#freeAt, this.#clock.now()) + sizeBytes / this.#bytesPerMs;
  }
}

/** Rejects with the signal's reason at once, also while the work waits in a queue that knows no signals. */
function abandonable<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function checkPositive(option: string, value: number): void {
  if (value > 0) return;
  throw new ConfigError('CONFIG_INVALID', `${option} must be greater than 0, and is ${value}`, {
    problems: [{ section: '', option, message: 'must be greater than 0' }],
  });
}
