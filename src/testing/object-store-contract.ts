/**
 * The contract of the object-store port as data: cases that any test runner can run against any adapter, and the command
 * line against a real bucket. Only node:assert is used, and nothing but the port.
 *
 * ```ts
 * for (const c of objectStoreContract) {
 *   it.skipIf(missingNeeds(c, store.capabilities))(c.name, () => c.run({ store, prefix: 'test/', reopen }));
 * }
 * ```
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../env.ts';
import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import {
  checkKey,
  compareKeys,
  MAX_KEY_BYTES,
  type ObjectInfo,
  type ObjectLocks,
  type ObjectStore,
  type ObjectStoreCapabilities,
} from '../object-store/object-store.ts';

/** What a case is run against. */
export interface ObjectStoreSubject {
  readonly store: ObjectStore;
  /** All keys of the case start so (`''` is allowed). Nothing else may, before the case or beside it; it leaves its objects. */
  readonly prefix: string;
  /** A second instance over the same place, for stores that are persistent. */
  readonly reopen?: (() => ObjectStore | Promise<ObjectStore>) | undefined;
  /** By which the store's locks end; default the system's. */
  readonly clock?: Clock | undefined;
}

/** One promise of the object-store port. */
export interface ObjectStoreContractCase {
  readonly name: string;
  /** Capabilities without which the case makes no sense. */
  readonly needs?: readonly (keyof ObjectStoreCapabilities)[];
  /** Rejects when the contract is broken. */
  run(subject: ObjectStoreSubject): Promise<void>;
}

/** The capabilities that the case needs and the store lacks, as a reason to skip it; `undefined` if it can run. */
export function missingNeeds(
  { needs = [] }: ObjectStoreContractCase,
  capabilities: ObjectStoreCapabilities,
): string | undefined {
  const missing = needs.filter((need) => !capabilities[need]);
  return missing.length > 0 ? `the store has no ${missing.join(' and no ')}` : undefined;
}

const MIB = 1024 * 1024;

/** Every promise of the object-store port, as cases for any test runner. */
export const objectStoreContract: readonly ObjectStoreContractCase[] = [
  {
    name: 'an absent key is not found by get and head, and deleting it succeeds, twice',
    async run({ store, prefix }) {
      const key = `${prefix}absent`;
      await fails('OBJECT_STORE_NOT_FOUND', key, () => store.get(key));
      await fails('OBJECT_STORE_NOT_FOUND', key, () => store.get(key, { range: { offset: 0, length: 1 } }));
      await fails('OBJECT_STORE_NOT_FOUND', key, () => store.head(key));
      await store.delete(key);
      await store.delete(key);
      await store.deleteMany([key, `${key}/deeper`]);
      await store.deleteMany([]);
    },
  },
  {
    name: 'bodies of 0, 1, 4096 and about 4 MiB survive a round trip, in one piece and in many',
    async run({ store, prefix }) {
      for (const size of [0, 1, 4096, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1]) {
        const body = bytes(size, size);
        await store.put(`${prefix}whole/${size}`, body, { sha256: sha256(body) });
        await store.put(`${prefix}parts/${size}`, inPieces(body), { sha256: sha256(body) });
        for (const key of [`${prefix}whole/${size}`, `${prefix}parts/${size}`]) {
          assertSame(await store.get(key), body, key);
          assert.deepEqual(await store.head(key), { key, sizeBytes: size });
        }
      }
      await store.put(`${prefix}no-parts`, []);
      assert.equal((await store.get(`${prefix}no-parts`)).length, 0);
    },
  },
  {
    name: 'what was put is seen by get, head and list at once, and what was deleted by none',
    async run({ store, prefix }) {
      for (let round = 0; round < 5; round++) {
        const key = `${prefix}round/${round}`;
        const body = bytes(100 + round, round);
        await store.put(key, body);
        assertSame(await store.get(key), body, key);
        assert.equal((await store.head(key)).sizeBytes, body.length);
        assert.deepEqual(await all(store.list(prefix)), [{ key, sizeBytes: body.length }]);
        if (round % 2 === 0) await store.delete(key);
        else await store.deleteMany([key]);
        await fails('OBJECT_STORE_NOT_FOUND', key, () => store.get(key));
        await fails('OBJECT_STORE_NOT_FOUND', key, () => store.head(key));
        assert.deepEqual(await all(store.list(prefix)), []);
      }
    },
  },
  {
    name: 'a range may be in the middle, at the tail, or empty, and must not pass the end',
    async run({ store, prefix }) {
      const key = `${prefix}ranged`;
      const body = bytes(10_000, 7);
      await store.put(key, body);
      for (const [offset, length] of [
        [0, 10],
        [4000, 4096],
        [9990, 10],
        [0, 10_000],
        [500, 0],
        [10_000, 0],
      ] as const) {
        const range = { offset, length };
        assertSame(await store.get(key, { range }), body.subarray(offset, offset + length), JSON.stringify(range));
      }
      assertSame(await store.get(key, { range: { last: 10 } }), body.subarray(9990), 'last 10');
      assertSame(await store.get(key, { range: { last: 0 } }), body.subarray(10_000), 'last 0');
      assertSame(await store.get(key, { range: { last: 20_000 } }), body, 'more than there is');
      for (const range of [
        { offset: 9990, length: 11 },
        { offset: 10_001, length: 0 },
        { offset: 20_000, length: 1 },
        { offset: -1, length: 1 },
        { offset: 0, length: -1 },
        { offset: 0.5, length: 1 },
        { last: -1 },
      ]) {
        await fails('OBJECT_STORE_BAD_RANGE', key, () => store.get(key, { range }));
      }
    },
  },
  {
    name: 'a put only for an absent key fails where there is one, and changes nothing; or is refused as unsupported',
    async run({ store, prefix }) {
      const key = `${prefix}only-once`;
      const first = bytes(1000, 1);
      if (!store.capabilities.conditionalPut) {
        await fails('OBJECT_STORE_UNSUPPORTED', key, () => store.put(key, first, { ifAbsent: true }));
        await fails('OBJECT_STORE_NOT_FOUND', key, () => store.get(key));
        return;
      }
      await store.put(key, first, { ifAbsent: true });
      await fails('OBJECT_STORE_EXISTS', key, () => store.put(key, bytes(1000, 2), { ifAbsent: true }));
      await fails('OBJECT_STORE_EXISTS', key, () => store.put(key, first, { ifAbsent: true }));
      assertSame(await store.get(key), first, key);
      await store.delete(key);
      await store.put(key, bytes(10, 3), { ifAbsent: true });
      assertSame(await store.get(key), bytes(10, 3), key);
    },
  },
  {
    name: 'of many puts of one absent key at once, exactly one succeeds',
    needs: ['conditionalPut'],
    async run({ store, prefix }) {
      const key = `${prefix}contended`;
      const bodies = Array.from({ length: 20 }, (_, index) => bytes(5000, index));
      const outcomes = await Promise.allSettled(bodies.map((body) => store.put(key, body, { ifAbsent: true })));
      const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      assert.equal(winners.length, 1, `${winners.length} puts succeeded`);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') assertFailure(outcome.reason, 'OBJECT_STORE_EXISTS', key);
      }
      assertSame(await store.get(key), bodies[winners[0] ?? -1] ?? bytes(0, 0), 'the body of the put that succeeded');
    },
  },
  {
    name: 'readers beside an overwrite see the old object or the new one, never a mixture',
    async run({ store, prefix }) {
      const key = `${prefix}overwritten`;
      const bodies = [bytes(300_000, 1), bytes(200_000, 2)] as const;
      await store.put(key, bodies[0]);
      let writing = true;
      const reads = Array.from({ length: 4 }, async () => {
        while (writing) {
          const content = await store.get(key);
          assert.ok(
            bodies.some((body) => Buffer.compare(content, body) === 0),
            'a mixture was read',
          );
          const { sizeBytes } = await store.head(key);
          assert.ok(bodies.some((body) => body.length === sizeBytes));
        }
      });
      try {
        for (let round = 1; round <= 20; round++) await store.put(key, bodies[round % 2 === 0 ? 0 : 1]);
      } finally {
        writing = false;
      }
      await Promise.all(reads);
    },
  },
  {
    name: 'a body that fails half-way leaves nothing visible and what was there unchanged',
    async run({ store, prefix }) {
      const body = bytes(200_000, 5);
      const failing = [body.subarray(0, 100_000), body.subarray(100_000)];
      Object.defineProperty(failing, 1, {
        get: () => {
          throw new Error('the source of this body failed');
        },
      });
      await store.put(`${prefix}old`, bytes(10, 1));
      for (const key of [`${prefix}old`, `${prefix}new`]) {
        await assert.rejects(async () => store.put(key, failing), /source of this body failed/);
      }
      assertSame(await store.get(`${prefix}old`), bytes(10, 1), 'the old object');
      assert.deepEqual(await all(store.list(prefix)), [{ key: `${prefix}old`, sizeBytes: 10 }]);
    },
  },
  {
    name: 'a body that is not what its checksum says is refused as corrupt, and nothing is stored',
    async run({ store, prefix }) {
      const key = `${prefix}damaged`;
      const body = bytes(5000, 1);
      const damaged = Uint8Array.from(body);
      damaged[2500] = (damaged[2500] ?? 0) ^ 1;
      await fails('OBJECT_STORE_CORRUPT', key, () => store.put(key, damaged, { sha256: sha256(body) }));
      await fails('OBJECT_STORE_CORRUPT', key, () => store.put(key, [damaged], { sha256: sha256(body) }));
      assert.deepEqual(await all(store.list(prefix)), []);
      await store.put(key, body, { sha256: sha256(body) });
      await fails('OBJECT_STORE_CORRUPT', key, () => store.put(key, damaged, { sha256: sha256(body) }));
      assertSame(await store.get(key), body, key);
    },
  },
  {
    name: 'a listing is by prefix, in the order of UTF-8 bytes, and complete beyond 1,000 keys',
    async run({ store, prefix }) {
      const keys = [
        ...Array.from({ length: 1040 }, (_, index) => `${prefix}many/${index}`),
        ...['many', 'many-more', 'many.', 'many0', 'manx', 'A', 'a', 'a/b', 'a-b', 'a0', 'ab', 'ﬀ', '😀', 'é', 'z'].map(
          (name) => prefix + name,
        ),
      ];
      await inParallel(keys, 16, (key) => store.put(key, bytes(key.length % 7, 1)));
      const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
      for (const part of ['', 'many', 'many/', 'many/10', 'many/1039', 'a', 'a/', 'nothing', '😀', 'many/1039/']) {
        const expected = keys.filter((key) => key.startsWith(prefix + part)).sort(byBytes);
        const listed = await all(store.list(prefix + part));
        assert.deepEqual(
          listed.map(({ key }) => key),
          expected,
          `listing of "${part}"`,
        );
        assert.ok(listed.every(({ key, sizeBytes }) => sizeBytes === key.length % 7));
      }
      assert.deepEqual([...keys].sort(compareKeys), [...keys].sort(byBytes), 'compareKeys orders as list does');
      await store.deleteMany(keys);
      assert.deepEqual(await all(store.list(prefix)), []);
    },
  },
  {
    name: 'a listing ends when its consumer stops, and the error of a consumer comes through',
    async run({ store, prefix }) {
      for (const name of ['1', '2', '3']) await store.put(prefix + name, bytes(1, 1));
      const seen: string[] = [];
      for await (const { key } of store.list(prefix)) {
        seen.push(key);
        if (seen.length === 2) break;
      }
      assert.deepEqual(seen, [`${prefix}1`, `${prefix}2`]);
      const consume = async () => {
        for await (const _ of store.list(prefix)) throw new Error('the consumer failed');
      };
      await assert.rejects(consume, /the consumer failed/);
      const stopped = new AbortController();
      const aborted = async () => {
        for await (const _ of store.list(prefix, { signal: stopped.signal })) stopped.abort(REASON);
      };
      await assert.rejects(aborted, sameReason);
    },
  },
  {
    name: 'keys with slashes, percent signs, spaces, Unicode, and of any allowed length are kept apart and come back',
    async run({ store, prefix }) {
      const room = (store.capabilities.maxKeyBytes ?? MAX_KEY_BYTES) - Buffer.byteLength(prefix);
      const names = [
        ...['a', 'A', 'a/b', 'a/B', 'a/b/c', 'a%2fb', 'a%2Fb', '%', '%25', '%00', 'a b', ' ', 'a ', 'a.', '.a', '..a'],
        ...[
          'a..',
          'a.o',
          'a.d',
          'a.c',
          'a.t',
          'con',
          'nul.txt',
          'COM1',
          'a+b',
          'a?b=c&d',
          'a#b',
          'a\\b',
          'a:b',
          '*',
          '"',
          "'",
        ],
        // The same letter composed and decomposed; a ligature; beyond the basic plane.
        ...['\u00e9', 'e\u0301', 'ﬀ', 'ff', '😀/😀', '日本語', 'ß', 'ẞ', 'İ', 'i̇'],
        ...['x'.repeat(room), 'X'.repeat(room), 'x'.repeat(room - 1), `${'x'.repeat(400)}/${'y'.repeat(400)}`],
        ...['é'.repeat(Math.floor(room / 2)), `${'s/'.repeat(Math.floor(room / 2) - 1)}s`],
        ...Array.from({ length: 12 }, (_, index) => 'p'.repeat(115 + index)),
        ...Array.from({ length: 12 }, (_, index) => `${'p'.repeat(115 + index)}/q`),
        ...Array.from({ length: 12 }, (_, index) => `${'p'.repeat(115 + index)}-q`),
      ];
      const keys = names.map((name) => prefix + name);
      for (const [index, key] of keys.entries()) await store.put(checkKey(key), bytes(index + 1, index));
      for (const [index, key] of keys.entries()) {
        assertSame(await store.get(key), bytes(index + 1, index), key);
        assert.deepEqual(await store.head(key), { key, sizeBytes: index + 1 });
      }
      const listed = await all(store.list(prefix));
      assert.deepEqual(
        listed.map(({ key }) => key),
        [...keys].sort(compareKeys),
      );
      for (const key of keys) {
        assert.equal((await all(store.list(key)))[0]?.key, key, 'a key is the first with itself as prefix');
      }
    },
  },
  {
    name: 'keys that climb, are absolute, empty, too long or not text are refused everywhere',
    async run({ store, prefix }) {
      const long = 'x'.repeat(MAX_KEY_BYTES + 1);
      const wide = 'é'.repeat(MAX_KEY_BYTES / 2 + 1);
      const keys = ['', '/', '/a', '..', '.', '../a', 'a/..', 'a/../b', 'a/./b', 'a//b', 'a/', long, wide];
      for (const key of [...keys, 'a\0b', 'a\nb', '\u007f', '\ud800', 'a\udc00b']) {
        await fails('OBJECT_STORE_INVALID_KEY', key, () => store.put(key, bytes(1, 1)));
        await fails('OBJECT_STORE_INVALID_KEY', key, () => store.get(key));
        await fails('OBJECT_STORE_INVALID_KEY', key, () => store.head(key));
        await fails('OBJECT_STORE_INVALID_KEY', key, () => store.delete(key));
        await fails('OBJECT_STORE_INVALID_KEY', key, () => store.deleteMany([key]));
      }
      assert.deepEqual(await all(store.list(prefix)), []);
    },
  },
  {
    name: 'of many puts of one key at once all settle, and the object is one of the bodies',
    async run({ store, prefix }) {
      const key = `${prefix}fought-over`;
      const bodies = Array.from({ length: 20 }, (_, index) => bytes(20_000 + index, index));
      await Promise.all(bodies.map((body) => store.put(key, body)));
      const content = await store.get(key);
      assert.ok(bodies.some((body) => Buffer.compare(content, body) === 0));
      assert.deepEqual(await all(store.list(prefix)), [{ key, sizeBytes: content.length }]);
    },
  },
  {
    name: 'an aborted signal ends every call with its reason, and leaves nothing half-written',
    async run({ store, prefix }) {
      const key = `${prefix}aborted`;
      const signal = AbortSignal.abort(REASON);
      for (const call of [
        () => store.put(key, bytes(10, 1), { signal }),
        () => store.put(key, bytes(10, 1), { signal, ifAbsent: true }),
        () => store.get(key, { signal }),
        () => store.head(key, { signal }),
        () => store.delete(key, { signal }),
        () => store.deleteMany([key], { signal }),
        () => store.sweep({ olderThanMs: 0, signal }),
        () => all(store.list(prefix, { signal })),
      ]) {
        await assert.rejects(async () => call(), sameReason);
      }
      assert.deepEqual(await all(store.list(prefix)), []);
      // During the call: where it is cut off is chance, what is there afterwards is not.
      const old = bytes(2000, 1);
      const body = bytes(8 * MIB, 2);
      for (const turns of [0, 1, 3, 10, 30]) {
        await store.put(key, old);
        const controller = new AbortController();
        const put = store.put(key, [body], { signal: controller.signal }).then(
          () => 'done',
          (error: unknown) => error,
        );
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        controller.abort(REASON);
        const outcome = await put;
        assert.ok(outcome === 'done' || sameReason(outcome));
        const content = await store.get(key);
        if (outcome === 'done') assertSame(content, body, 'a put that resolved');
        else assertSame(content, content.length === old.length ? old : body, 'a put that was aborted');
        const get = new AbortController();
        const reading = store.get(key, { signal: get.signal }).catch((error: unknown) => error);
        get.abort(REASON);
        const read = await reading;
        assert.ok(read instanceof Uint8Array ? Buffer.compare(read, content) === 0 : sameReason(read));
      }
    },
  },
  {
    name: 'errors carry family, code, key and whether a retry helps, and no credentials',
    async run({ store, prefix }) {
      const key = `${prefix}no/such/object`;
      const error = await store.get(key).catch((thrown: unknown) => thrown);
      assertFailure(error, 'OBJECT_STORE_NOT_FOUND', key);
      assert.equal(error.name, 'ObjectStoreError');
      assert.equal(error.retryable, false);
      assert.ok(error.message.includes(key));
      const told = JSON.stringify(error);
      assert.doesNotMatch(`${told} ${store.place}`, /\/\/[^/\s:@]+:[^/\s@]+@/, 'a URL with a password');
      assert.doesNotMatch(told, /AKIA|aws_secret|signature=/i);
    },
  },
  {
    name: 'bytes that were handed in or out may be changed afterwards without changing the object',
    async run({ store, prefix }) {
      const key = `${prefix}mine`;
      const body = bytes(1000, 1);
      const kept = Uint8Array.from(body);
      await store.put(key, body);
      body.fill(0);
      const first = await store.get(key);
      assertSame(first, kept, 'after the body was changed');
      first.fill(0);
      assertSame(await store.get(key), kept, 'after what was read was changed');
    },
  },
  {
    name: 'a sweep removes no object',
    async run({ store, prefix }) {
      await store.put(`${prefix}kept`, bytes(10, 1));
      await store.sweep({ olderThanMs: 24 * 3600 * 1000 });
      assert.deepEqual(await all(store.list(prefix)), [{ key: `${prefix}kept`, sizeBytes: 10 }]);
    },
  },
  {
    name: 'a second instance over the same place sees everything, and both change it',
    needs: ['persistent'],
    async run({ store, prefix, reopen }) {
      assert.ok(reopen, 'the subject of a persistent store tells how to reopen it');
      await store.put(`${prefix}a`, bytes(100, 1));
      await store.put(`${prefix}b`, bytes(200, 2));
      await store.delete(`${prefix}a`);
      const second = await reopen();
      assertSame(await second.get(`${prefix}b`), bytes(200, 2), 'what the first put');
      await second.put(`${prefix}c`, bytes(300, 3));
      await second.delete(`${prefix}b`);
      assert.deepEqual(await all(store.list(prefix)), [{ key: `${prefix}c`, sizeBytes: 300 }]);
      if (store.capabilities.conditionalPut) {
        await fails('OBJECT_STORE_EXISTS', `${prefix}c`, () =>
          store.put(`${prefix}c`, bytes(1, 1), { ifAbsent: true }),
        );
      }
    },
  },
  {
    name: 'a locked object cannot be deleted until its lock ends; others beside it can',
    needs: ['objectLock'],
    async run({ store, prefix, clock = systemClock }) {
      const locks = locksOf(store);
      const [locked, free] = [`${prefix}locked`, `${prefix}free`];
      for (const key of [locked, free]) await store.put(key, bytes(10, 1));
      const until = clock.now() + LOCK_MS;
      await locks.lock(locked, until);
      assertNear(await locks.lockedUntil(locked), until);
      await fails('OBJECT_STORE_LOCKED', locked, () => store.delete(locked));
      const error = await fails('OBJECT_STORE_LOCKED', locked, () => store.deleteMany([locked, free]));
      assert.deepEqual(error.details['failed'], [locked]);
      assert.equal(error.retryable, false);
      assertSame(await store.get(locked), bytes(10, 1), locked);
      assert.deepEqual(await all(store.list(prefix)), [{ key: locked, sizeBytes: 10 }]);
      await clock.sleep(LOCK_MS + LOCK_MARGIN_MS);
      assert.equal(await locks.lockedUntil(locked), undefined);
      await store.deleteMany([locked]);
      assert.deepEqual(await all(store.list(prefix)), []);
    },
  },
  {
    name: 'a lock is made longer, never shorter; what is not there is neither locked nor lockable',
    needs: ['objectLock'],
    async run({ store, prefix, clock = systemClock }) {
      const locks = locksOf(store);
      const [key, absent] = [`${prefix}locked`, `${prefix}absent`];
      await store.put(key, bytes(10, 1));
      assert.equal(await locks.lockedUntil(key), undefined);
      const until = clock.now() + LOCK_MS;
      await locks.lock(key, until - 0.75 * LOCK_MS);
      await locks.lock(key, until);
      await locks.lock(key, until - 0.75 * LOCK_MS);
      assertNear(await locks.lockedUntil(key), until);
      assert.equal(await locks.lockedUntil(absent), undefined);
      await fails('OBJECT_STORE_NOT_FOUND', absent, () => locks.lock(absent, until));
      await clock.sleep(LOCK_MS + LOCK_MARGIN_MS);
      await store.delete(key);
      await fails('OBJECT_STORE_NOT_FOUND', key, () => store.get(key));
      // What is put afterwards is another object.
      await store.put(key, bytes(3, 2));
      assert.equal(await locks.lockedUntil(key), undefined);
      await store.delete(key);
    },
  },
  {
    name: 'a lock outlives the instance',
    needs: ['objectLock', 'persistent'],
    async run({ store, prefix, reopen, clock = systemClock }) {
      const key = `${prefix}locked`;
      await store.put(key, bytes(10, 1));
      await locksOf(store).lock(key, clock.now() + LOCK_MS);
      const other = (await reopen?.()) ?? store;
      await fails('OBJECT_STORE_LOCKED', key, () => other.delete(key));
      await clock.sleep(LOCK_MS + LOCK_MARGIN_MS);
      await other.delete(key);
    },
  },
];

const REASON = new Error('the caller aborted');

function sameReason(error: unknown): true {
  assert.equal(error, REASON);
  return true;
}

/** How long the cases lock, so that they can clean up; a server's clock may be a little behind. */
const LOCK_MS = 2000;
const LOCK_MARGIN_MS = 500;

function locksOf({ locks }: ObjectStore): ObjectLocks {
  assert.ok(locks, 'a store with the capability has locks');
  return locks;
}

/** Servers keep whole seconds. */
function assertNear(found: number | undefined, until: number): void {
  assert.ok(found !== undefined && Math.abs(found - until) <= 1000, `locked until ${found}, not ${until}`);
}

async function fails(code: ObjectStoreErrorCode, key: string, call: () => Promise<unknown>): Promise<ObjectStoreError> {
  try {
    await call();
  } catch (error) {
    assertFailure(error, code, key);
    return error;
  }
  return assert.fail(`expected ${code} for ${JSON.stringify(key)}, and the call succeeded`);
}

function assertFailure(error: unknown, code: ObjectStoreErrorCode, key: string): asserts error is ObjectStoreError {
  assert.ok(error instanceof ObjectStoreError, `expected ${code}, got ${error}`);
  assert.equal(error.code, code, error.message);
  assert.equal(error.key, key);
}

function assertSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.ok(actual instanceof Uint8Array);
  assert.ok(
    Buffer.compare(actual, expected) === 0,
    `${what}: ${actual.length} bytes that are not the ${expected.length} expected`,
  );
}

/** Repeatable bytes that no other seed gives. */
function bytes(length: number, seed: number): Uint8Array {
  const content = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    content[at] = state >>> 24;
  }
  return content;
}

/** Pieces of uneven length, one of them empty. */
function inPieces(body: Uint8Array): Uint8Array[] {
  const third = Math.floor(body.length / 3);
  return [
    body.subarray(0, third),
    body.subarray(third, third),
    body.subarray(third, 2 * third + 1),
    body.subarray(2 * third + 1),
  ];
}

function sha256(body: Uint8Array): Uint8Array {
  return createHash('sha256').update(body).digest();
}

async function all(listing: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of listing) found.push(info);
  return found;
}

async function inParallel<T>(items: readonly T[], workers: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
