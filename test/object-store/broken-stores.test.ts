import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectInfo, ObjectStore } from '../../src/object-store/object-store.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { FaultyObjectStore, type ObjectStoreFault } from '../../src/testing/faulty-object-store.ts';
import { objectStoreContract } from '../../src/testing/object-store-contract.ts';

const body = (size: number) => new Uint8Array(size).fill(7);
const always = { times: Number.POSITIVE_INFINITY };

function faulty(fault: ObjectStoreFault): ObjectStore {
  const store = new FaultyObjectStore(new MemoryObjectStore());
  store.addFault(fault);
  return store;
}

/** A store in memory with some methods of its own. */
function variant(methods: (memory: MemoryObjectStore) => Partial<ObjectStore>): ObjectStore {
  const memory = new MemoryObjectStore();
  const { capabilities, place } = memory;
  return {
    capabilities,
    place,
    get: (key, options) => memory.get(key, options),
    head: (key, options) => memory.head(key, options),
    list: (prefix, options) => memory.list(prefix, options),
    put: (key, content, options) => memory.put(key, content, options),
    delete: (key, options) => memory.delete(key, options),
    deleteMany: (keys, options) => memory.deleteMany(keys, options),
    sweep: (options) => memory.sweep(options),
    ...methods(memory),
  };
}

async function sorted(entries: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = [];
  for await (const entry of entries) all.push(entry);
  return all.sort((a, b) => (a.key < b.key ? -1 : 1));
}

describe('the contract of object stores', () => {
  const broken: Readonly<Record<string, { readonly store: () => ObjectStore; readonly fails: RegExp }>> = {
    'stores half of a body': { store: () => faulty({ kind: 'torn', ...always }), fails: /round trip/ },
    'flips a bit': { store: () => faulty({ kind: 'damaged', ...always }), fails: /round trip/ },
    'gives too few bytes': { store: () => faulty({ kind: 'short', ...always }), fails: /range/ },
    'lists what was': {
      store: () => faulty({ kind: 'stale', changes: 1, ...always }),
      fails: /seen by get, head and list at once/,
    },
    'ignores ifAbsent': {
      store: () => variant((memory) => ({ put: (key, content) => memory.put(key, content) })),
      fails: /exactly one succeeds/,
    },
    'looks before it puts': {
      store: () =>
        variant((memory) => ({
          async put(key, content, options) {
            const there = options?.ifAbsent && (await memory.head(key).catch(() => undefined));
            await memory.put(key, content, { ...options, ifAbsent: there !== undefined && there !== false });
          },
        })),
      fails: /exactly one succeeds/,
    },
    'ignores checksums': {
      store: () => variant((memory) => ({ put: (key, content) => memory.put(key, content) })),
      fails: /checksum/,
    },
    'lists a thousand keys at most': {
      store: () =>
        variant((memory) => ({
          async *list(prefix, options) {
            let left = 1000;
            for await (const info of memory.list(prefix, options)) if (left-- > 0) yield info;
          },
        })),
      fails: /complete beyond 1,000 keys/,
    },
    'lists in the order of UTF-16': {
      store: () =>
        variant((memory) => ({
          async *list(prefix, options) {
            yield* await sorted(memory.list(prefix, options));
          },
        })),
      fails: /order of UTF-8 bytes/,
    },
    'folds case': {
      store: () =>
        variant((memory) => ({
          put: (key, content, options) => memory.put(key.toLowerCase(), content, options),
          get: (key, options) => memory.get(key.toLowerCase(), options),
        })),
      fails: /kept apart/,
    },
    'ignores signals': {
      store: () => variant((memory) => ({ head: (key) => memory.head(key) })),
      fails: /aborted signal/,
    },
  };

  for (const [what, { store, fails }] of Object.entries(broken)) {
    it(`is not kept by a store that ${what}`, async () => {
      const contractCase = objectStoreContract.find(({ name }) => fails.test(name));
      await expect(contractCase?.run({ store: store(), prefix: 'case/' })).rejects.toThrowError();
    });
  }
});

describe('the faulty store', () => {
  it('fails before or after the effect, so often and after so many calls as the script says', async () => {
    const memory = new MemoryObjectStore();
    const store = new FaultyObjectStore(memory);
    store.addFault({ kind: 'fails', when: 'before', method: 'put', key: /^a/, after: 1, times: 2 });
    store.addFault({ kind: 'fails', when: 'after', key: 'b', code: 'OBJECT_STORE_DENIED' });
    await store.put('a0', body(1));
    await expect(store.put('a1', body(1))).rejects.toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', key: 'a1' });
    await expect(store.put('a2', body(1))).rejects.toMatchObject({ retryable: true });
    await store.put('a3', body(1));
    await expect(store.put('b', body(1))).rejects.toMatchObject({ code: 'OBJECT_STORE_DENIED' });
    expect((await sorted(memory.list(''))).map(({ key }) => key)).toEqual(['a0', 'a3', 'b']);
  });

  it('answers late by the clock, and lists what was until the fault is used up', async () => {
    const clock = new VirtualClock({ autoAdvance: true });
    const store = new FaultyObjectStore(new MemoryObjectStore(), { clock });
    store.addFault({ kind: 'late', method: 'put', ms: 250 });
    store.addFault({ kind: 'stale', changes: 2 });
    const began = clock.now();
    for (const key of ['a', 'b', 'c']) await store.put(key, body(1));
    expect(clock.now() - began).toBe(250);
    expect((await sorted(store.list(''))).map(({ key }) => key)).toEqual(['a']);
    expect((await sorted(store.list(''))).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  it('is dead for good from the change on at which its user was to die', async () => {
    for (const when of ['before', 'after'] as const) {
      const memory = new MemoryObjectStore();
      const store = new FaultyObjectStore(memory);
      store.dieAfter(1, when);
      await store.put('a', body(1));
      expect(await store.get('a')).toEqual(body(1));
      const dead = { code: 'OBJECT_STORE_UNAVAILABLE', retryable: false };
      await expect(store.put('b', body(1))).rejects.toMatchObject(dead);
      await expect(store.get('a')).rejects.toMatchObject(dead);
      await expect(store.put('c', body(1))).rejects.toMatchObject(dead);
      expect((await sorted(memory.list(''))).map(({ key }) => key)).toEqual(when === 'before' ? ['a'] : ['a', 'b']);
    }
  });
});
