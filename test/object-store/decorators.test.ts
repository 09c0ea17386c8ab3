import { describe, expect, it } from 'vitest';
import { ObjectStoreError } from '../../src/errors.ts';
import { counted } from '../../src/object-store/counted.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { retrying } from '../../src/object-store/retrying.ts';
import { throttled } from '../../src/object-store/throttled.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { FaultyObjectStore } from '../../src/testing/faulty-object-store.ts';
import { SeededRandom } from '../../src/testing/random.ts';

const body = (size: number) => new Uint8Array(size).fill(7);

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

describe('retrying', () => {
  function setUp(retries = 3) {
    const memory = new MemoryObjectStore();
    const faulty = new FaultyObjectStore(memory);
    const clock = new VirtualClock({ autoAdvance: true });
    const delays: number[] = [];
    const store = retrying(faulty, {
      retries,
      minDelayMs: 100,
      maxDelayMs: 300,
      clock,
      random: new SeededRandom(1),
      onRetry: (_, delayMs) => delays.push(delayMs),
    });
    return { memory, faulty, clock, delays, store };
  }

  it('repeats what failed retryably, waiting longer each time up to the bound, by the clock', async () => {
    const { faulty, clock, delays, store } = setUp();
    faulty.addFault({ kind: 'fails', when: 'before', method: 'put', times: 3 });
    const began = clock.now();
    await store.put('a', body(10));
    expect(delays).toHaveLength(3);
    for (const [index, bound] of [100, 200, 300].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(bound / 2);
      expect(delays[index]).toBeLessThanOrEqual(bound);
    }
    expect(clock.now() - began).toBe(delays.reduce((sum, ms) => sum + ms, 0));
    expect(clock.pending).toBe(0);
  });

  it('gives up after the last attempt with its error, and repeats nothing that a retry cannot help', async () => {
    const { faulty, delays, store } = setUp(2);
    const remove = faulty.addFault({ kind: 'fails', when: 'before', method: 'get', times: Number.POSITIVE_INFINITY });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', key: 'a' });
    expect(delays).toHaveLength(2);
    remove();
    await expect(store.get('a')).rejects.toMatchObject({ code: 'OBJECT_STORE_NOT_FOUND' });
    faulty.addFault({ kind: 'fails', when: 'before', code: 'OBJECT_STORE_DENIED' });
    await expect(store.head('a')).rejects.toMatchObject({ code: 'OBJECT_STORE_DENIED' });
    expect(delays).toHaveLength(2);
  });

  it('takes its own object for success when the answer to a conditional put was lost', async () => {
    const { memory, faulty, store } = setUp();
    faulty.addFault({ kind: 'fails', when: 'after', method: 'put' });
    await store.put('mine', [body(5), body(5)], { ifAbsent: true });
    expect(await memory.get('mine')).toEqual(body(10));
  });

  it('reports EXISTS for the object of somebody else, whether or not an answer was lost before', async () => {
    const { memory, faulty, store } = setUp();
    await memory.put('theirs', body(11));
    await expect(store.put('theirs', body(11), { ifAbsent: true })).rejects.toMatchObject({
      code: 'OBJECT_STORE_EXISTS',
    });
    faulty.addFault({ kind: 'fails', when: 'before', method: 'put' });
    await expect(store.put('theirs', body(10), { ifAbsent: true })).rejects.toMatchObject({
      code: 'OBJECT_STORE_EXISTS',
    });
    expect(await memory.get('theirs')).toEqual(body(11));
  });

  it('goes on with a listing where it broke off, giving every key once', async () => {
    const memory = new MemoryObjectStore();
    const keys = Array.from({ length: 20 }, (_, index) => `k${String(index).padStart(2, '0')}`);
    for (const key of keys) await memory.put(key, body(1));
    let given = 0;
    const flaky: ObjectStore = Object.assign(Object.create(memory) as ObjectStore, {
      async *list(prefix: string) {
        for await (const info of memory.list(prefix)) {
          if ([1, 6, 7, 20].includes(++given))
            throw new ObjectStoreError('OBJECT_STORE_UNAVAILABLE', 'broke off', { key: prefix });
          yield info;
        }
      },
    });
    const clock = new VirtualClock({ autoAdvance: true });
    expect(await keysOf(retrying(flaky, { clock, retries: 10 }))).toEqual(keys);
  });

  it('stops waiting when the signal is aborted', async () => {
    const memory = new MemoryObjectStore();
    const faulty = new FaultyObjectStore(memory);
    faulty.addFault({ kind: 'fails', when: 'before', times: Number.POSITIVE_INFINITY });
    const clock = new VirtualClock();
    const controller = new AbortController();
    const reason = new Error('enough');
    const put = retrying(faulty, { clock }).put('a', body(1), { signal: controller.signal });
    const outcome = put.catch((error: unknown) => error);
    while (clock.pending === 0) await undefined;
    controller.abort(reason);
    expect(await outcome).toBe(reason);
    expect(clock.pending).toBe(0);
  });
});

describe('throttled', () => {
  it('keeps to the bytes per second on average, over puts and gets of all its users', async () => {
    const clock = new VirtualClock({ autoAdvance: true });
    const store = throttled(new MemoryObjectStore(), { bytesPerSecond: 1000, clock });
    const began = clock.now();
    await Promise.all(Array.from({ length: 10 }, (_, index) => store.put(`k${index}`, body(500))));
    // The last of 10 goes when the 4500 bytes before it are paid for.
    expect(clock.now() - began).toBe(4500);
    await store.get('k0');
    expect(clock.now() - began).toBe(5000);
    await store.get('k1', { range: { offset: 0, length: 100 } });
    expect(clock.now() - began).toBe(5500);
    await store.head('k1');
    expect(clock.now() - began).toBe(5600);
    expect(clock.pending).toBe(0);
  });

  it('lets no more requests in flight than allowed, and frees the place of one that failed', async () => {
    const clock = new VirtualClock({ autoAdvance: true });
    const faulty = new FaultyObjectStore(new MemoryObjectStore(), { clock });
    faulty.addFault({ kind: 'late', ms: 10, times: Number.POSITIVE_INFINITY });
    faulty.addFault({ kind: 'fails', when: 'after', method: 'put' });
    const store = throttled(faulty, { requestsInFlight: 3, clock });
    const began = clock.now();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => store.put(`k${index}`, body(1))),
    );
    expect(clock.now() - began).toBe(40);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(await keysOf(store)).toHaveLength(12);
  });

  it('ends the waiting of an aborted call at once, and does not charge for what was never sent', async () => {
    const clock = new VirtualClock();
    const memory = new MemoryObjectStore();
    const store = throttled(memory, { bytesPerSecond: 10, requestsInFlight: 1, clock });
    await store.put('a', body(100));
    const controller = new AbortController();
    const reason = new Error('enough');
    const waiting = ['b', 'c'].map((key) =>
      store.put(key, body(1000), { signal: controller.signal }).catch((error: unknown) => error),
    );
    while (clock.pending === 0) await undefined;
    controller.abort(reason);
    expect(await Promise.all(waiting)).toEqual([reason, reason]);
    const next = store.put('d', body(1));
    await clock.advance(10_000);
    await next;
    expect(await keysOf(memory)).toEqual(['a', 'd']);
  });

  it('refuses a rate or a number of requests that lets nothing through', () => {
    for (const options of [{ bytesPerSecond: 0 }, { requestsInFlight: 0 }, { bytesPerSecond: Number.NaN }]) {
      expect(() => throttled(new MemoryObjectStore(), options)).toThrowError(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
    }
  });
});

describe('counted', () => {
  it('counts requests, keys, failures and the bytes of bodies', async () => {
    const store = counted(new MemoryObjectStore());
    await store.put('a', [body(10), body(5)]);
    await store.put('a', body(7), { ifAbsent: true }).catch(() => {});
    await store.get('a', { range: { last: 4 } });
    await store.get('b').catch(() => {});
    await store.head('a');
    await keysOf(store);
    await store.deleteMany(['a', 'b']);
    await store.delete('c');
    const expected = { get: 2, head: 1, list: 1, put: 2, delete: 3, failed: 2, sentBytes: 15, receivedBytes: 4 };
    expect(store.counts()).toEqual(expected);
    store.reset();
    expect(store.counts().put).toBe(0);
  });
});
