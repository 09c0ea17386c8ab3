/**
 * An object store that misbehaves by script: failures before or after the effect, lost power, late answers by a clock,
 * stale listings, torn and damaged objects. It stands before any store, and is one itself.
 */
import type { Clock } from '../env.ts';
import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import type {
  GetOptions,
  ObjectBody,
  ObjectInfo,
  ObjectLocks,
  ObjectStore,
  ObjectStoreOptions,
  PutOptions,
  SweepOptions,
  SweepResult,
} from '../object-store/object-store.ts';

/** A method of an object store that a fault can strike. */
export type ObjectStoreMethod = 'get' | 'head' | 'list' | 'put' | 'delete' | 'deleteMany' | 'sweep' | 'lock';

/** Which calls a fault meets. */
export interface ObjectStoreFaultMatch {
  /** Default any. */
  readonly method?: ObjectStoreMethod;
  /** A key, or a pattern of one (of the prefix, for listings); default any. */
  readonly key?: string | RegExp;
  /** How many matching calls pass unharmed first. */
  readonly after?: number;
  /** How often it strikes; default once. `Infinity` until removed. */
  readonly times?: number;
}

/**
 * - `fails` the call fails with the code (default `OBJECT_STORE_UNAVAILABLE`), `before` or `after` it took effect
 * - `late` the answer takes `ms` longer; needs a clock
 * - `stale` a listing shows the store as it was before the last `changes` of it
 * - `torn` a put stores the first half of its body and fails: what no store that keeps the contract does
 * - `damaged` a get gives bytes of which one bit is flipped; `short` it gives all but the last byte
 */
export type ObjectStoreFault = ObjectStoreFaultMatch &
  (
    | { readonly kind: 'fails'; readonly when: 'before' | 'after'; readonly code?: ObjectStoreErrorCode }
    | { readonly kind: 'late'; readonly ms: number }
    | { readonly kind: 'stale'; readonly changes: number }
    | { readonly kind: 'torn' | 'damaged' | 'short' }
  );

/** An object store that fails as it is told. */
export class FaultyObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #clock: Clock | undefined;
  readonly #listings: (readonly ObjectInfo[])[] = [];
  #scripted: { readonly fault: ObjectStoreFault; passed: number; struck: number }[] = [];
  #changes = 0;
  #diesAtChange = Number.POSITIVE_INFINITY;
  #diesWhen: 'before' | 'after' = 'before';

  constructor(store: ObjectStore, options: { readonly clock?: Clock } = {}) {
    this.#store = store;
    this.#clock = options.clock;
  }

  /** As those of the store behind it. */
  get capabilities() {
    return this.#store.capabilities;
  }

  /** Those of the store behind it: a lock is a change, at which its user can die. */
  get locks(): ObjectLocks | undefined {
    const { locks } = this.#store;
    return (
      locks && {
        lock: (key, until, options) => this.#change('lock', key, options, () => locks.lock(key, until, options)),
        lockedUntil: (key, options) => locks.lockedUntil(key, options),
      }
    );
  }

  get place() {
    return this.#store.place;
  }

  /** Calls that change the store, up to now. Each is a point at which its user can die. */
  get changes(): number {
    return this.#changes;
  }

  /** Returns the way to remove it. */
  addFault(fault: ObjectStoreFault): () => void {
    const entry = { fault, passed: 0, struck: 0 };
    this.#scripted.push(entry);
    return () => {
      this.#scripted = this.#scripted.filter((other) => other !== entry);
    };
  }

  /**
   * As if its user's process died `before` or `after` the change that follows this many more: that call and all later ones
   * fail, for good. Whoever goes on takes the store behind this one.
   */
  dieAfter(changes: number, when: 'before' | 'after' = 'before'): void {
    this.#diesAtChange = this.#changes + changes;
    this.#diesWhen = when;
  }

  get(key: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#call('get', key, options, async (faults) => {
      const content = await this.#store.get(key, options);
      if (faults.some(({ kind }) => kind === 'short')) return content.slice(0, -1);
      if (faults.some(({ kind }) => kind === 'damaged')) flipBit(content);
      return content;
    });
  }

  head(key: string, options?: ObjectStoreOptions): Promise<ObjectInfo> {
    return this.#call('head', key, options, () => this.#store.head(key, options));
  }

  async *list(prefix: string, options?: ObjectStoreOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    const stale = await this.#call('list', prefix, options, async (faults) => {
      const fault = faults.find((each) => each.kind === 'stale');
      return fault && this.#listings.at(-fault.changes);
    });
    if (stale !== undefined) yield* stale.filter(({ key }) => key.startsWith(prefix));
    else yield* this.#store.list(prefix, options);
  }

  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    return this.#change('put', key, options, async (faults) => {
      if (!faults.some(({ kind }) => kind === 'torn')) return await this.#store.put(key, body, options);
      const [whole] = body instanceof Uint8Array ? [body] : [Buffer.concat(body)];
      await this.#store.put(key, whole.subarray(0, whole.length / 2), { signal: options?.signal });
      throw scripted('OBJECT_STORE_UNAVAILABLE', 'put', key);
    });
  }

  delete(key: string, options?: ObjectStoreOptions): Promise<void> {
    return this.#change('delete', key, options, () => this.#store.delete(key, options));
  }

  deleteMany(keys: readonly string[], options?: ObjectStoreOptions): Promise<void> {
    return this.#change('deleteMany', keys[0] ?? '', options, () => this.#store.deleteMany(keys, options));
  }

  sweep(options: SweepOptions): Promise<SweepResult> {
    return this.#change('sweep', '', options, () => this.#store.sweep(options));
  }

  async #change<T>(
    method: ObjectStoreMethod,
    key: string,
    options: ObjectStoreOptions | undefined,
    work: (faults: readonly ObjectStoreFault[]) => Promise<T>,
  ): Promise<T> {
    return await this.#call(method, key, options, async (faults) => {
      const dies = this.#changes++ === this.#diesAtChange;
      if (dies && this.#diesWhen === 'before') throw dead(method, key);
      if (this.#scripted.some(({ fault }) => fault.kind === 'stale')) await this.#remember();
      const result = await work(faults);
      if (dies) throw dead(method, key);
      return result;
    });
  }

  async #call<T>(
    method: ObjectStoreMethod,
    key: string,
    options: ObjectStoreOptions | undefined,
    work: (faults: readonly ObjectStoreFault[]) => Promise<T>,
  ): Promise<T> {
    if (this.#changes > this.#diesAtChange) throw dead(method, key);
    const faults = this.#strike(method, key);
    for (const fault of faults) {
      if (fault.kind === 'fails' && fault.when === 'before') throw scripted(fault.code, method, key);
    }
    const result = await work(faults);
    for (const fault of faults) {
      if (fault.kind === 'late') await this.#clock?.sleep(fault.ms, options?.signal);
      if (fault.kind === 'fails') throw scripted(fault.code, method, key);
    }
    return result;
  }

  #strike(method: ObjectStoreMethod, key: string): readonly ObjectStoreFault[] {
    return this.#scripted.flatMap((entry) => {
      const { fault } = entry;
      if (fault.method !== undefined && fault.method !== method) return [];
      if ((ONLY_METHOD[fault.kind] ?? method) !== method) return [];
      if (fault.key !== undefined && !(typeof fault.key === 'string' ? fault.key === key : fault.key.test(key)))
        return [];
      if (entry.passed++ < (fault.after ?? 0) || entry.struck >= (fault.times ?? 1)) return [];
      entry.struck++;
      return [fault];
    });
  }

  async #remember(): Promise<void> {
    const listing: ObjectInfo[] = [];
    for await (const info of this.#store.list('')) listing.push(info);
    this.#listings.push(listing);
  }
}

/** Faults that make sense with one method count only its calls. */
const ONLY_METHOD: Partial<Record<ObjectStoreFault['kind'], ObjectStoreMethod>> = {
  stale: 'list',
  torn: 'put',
  damaged: 'get',
  short: 'get',
};

function flipBit(content: Uint8Array): void {
  const middle = Math.floor(content.length / 2);
  const byte = content[middle];
  if (byte !== undefined) content[middle] = byte ^ 1;
}

function scripted(
  code: ObjectStoreErrorCode = 'OBJECT_STORE_UNAVAILABLE',
  method: ObjectStoreMethod,
  key: string,
): ObjectStoreError {
  return new ObjectStoreError(code, `scripted failure of ${method} ${key}`, { key, attempted: method });
}

function dead(method: ObjectStoreMethod, key: string): ObjectStoreError {
  return new ObjectStoreError('OBJECT_STORE_UNAVAILABLE', `${method} ${key}: the user of this store is dead`, {
    key,
    attempted: method,
    retryable: false,
  });
}
