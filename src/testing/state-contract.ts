/**
 * The contract of the state port as data: cases that any test runner can run against any adapter. Only node:assert is used,
 * and nothing but the port.
 *
 * ```ts
 * for (const c of stateContract) {
 *   it.skipIf(missingStateNeeds(c, subject))(c.name, () => c.run(subject));
 * }
 * ```
 */
import assert from 'node:assert/strict';
import { StateError, type StateErrorCode } from '../errors.ts';
import {
  type EndpointState,
  MAX_JOURNAL_RECORD_BYTES,
  MAX_PAGE_BYTES,
  MAX_PAGE_NUMBER,
  type PageReader,
  type StagedVersion,
  type StateStore,
} from '../state/state.ts';

/** What a case is run against: a state that nobody used before. */
export interface StateSubject {
  readonly store: StateStore;
  /** A second instance over the same place, for stores that are persistent. */
  readonly reopen?: (() => StateStore | Promise<StateStore>) | undefined;
  /**
   * The power fails: whoever holds the state is dead, and of what was not yet durable any part may be lost. Gives an
   * instance over what is left.
   */
  readonly crash?: (() => StateStore | Promise<StateStore>) | undefined;
}

/** One promise of the state port. */
export interface StateContractCase {
  readonly name: string;
  readonly needs?: readonly ('reopen' | 'crash')[];
  /** Rejects when the contract is broken. */
  run(subject: StateSubject): Promise<void>;
}

/** What the case needs and the subject lacks, as a reason to skip it; `undefined` if it can run. */
export function missingStateNeeds({ needs = [] }: StateContractCase, subject: StateSubject): string | undefined {
  const missing = needs.filter((need) => subject[need] === undefined);
  const what = { reopen: 'is not persistent', crash: 'cannot be made to lose power here' };
  return missing.length > 0 ? `the state ${missing.map((need) => what[need]).join(' and ')}` : undefined;
}

const ENDPOINT = '6f1c1f5e-3a52-4b8b-9d5e-0b8f6d1f7a01';
const OTHER_ENDPOINT = '0d9f5a34-6f0e-4f63-8f0a-7f8e5f0c2b02';

/** Every promise of the state port, as cases for any test runner. */
export const stateContract: readonly StateContractCase[] = [
  {
    name: 'a new state has version 0 and nothing in it',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      assert.equal(state.endpoint, ENDPOINT);
      assert.deepEqual(state.committed, { number: 0, meta: bytes(0) });
      assert.equal(await state.read('vmap', 0), undefined);
      assert.deepEqual(await numbers(state, 'vmap'), []);
      assert.equal(await state.resume(), undefined);
      assert.equal(await state.readDocument('plan'), undefined);
      assert.deepEqual(await state.listDocuments(), []);
      await state.close();
      await state.close();
    },
  },
  {
    name: 'a commit makes all tables pass to the staged version at once, and readers see the old one until then',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      const first = await state.begin();
      assert.equal(first.number, 1);
      for (const page of [0, 1, 5000, MAX_PAGE_NUMBER]) await first.write('vmap', page, bytes(100, page));
      await first.write('catalogue', 7, bytes(50, 7));
      await first.write('catalogue', 8, bytes(0));
      assert.equal(await state.read('vmap', 0), undefined);
      assert.deepEqual(await numbers(state, 'vmap'), []);
      assert.deepEqual(await first.commit(bytes(3, 9)), { number: 1, meta: bytes(3, 9) });

      assert.deepEqual(state.committed, { number: 1, meta: bytes(3, 9) });
      assert.deepEqual(await numbers(state, 'vmap'), [0, 1, 5000, MAX_PAGE_NUMBER]);
      assert.deepEqual(await numbers(state, 'vmap', 2), [5000, MAX_PAGE_NUMBER]);
      assert.deepEqual(await numbers(state, 'vmap', 5001), [MAX_PAGE_NUMBER]);
      assert.deepEqual(await state.read('vmap', 5000), bytes(100, 5000));
      assert.deepEqual(await state.read('catalogue', 7), bytes(50, 7));
      assert.deepEqual(await state.read('catalogue', 8), bytes(0));

      const second = await state.begin();
      await second.write('vmap', 1, bytes(200, 11));
      await second.remove('vmap', 5000);
      await second.remove('vmap', 12345);
      await second.clear('catalogue');
      await second.write('catalogue', 9, bytes(1, 9));
      assert.deepEqual(await state.read('vmap', 1), bytes(100, 1));
      assert.deepEqual(await numbers(state, 'catalogue'), [7, 8]);
      assert.deepEqual(await second.read('vmap', 1), bytes(200, 11));
      assert.equal(await second.read('vmap', 5000), undefined);
      assert.deepEqual(await second.read('vmap', 0), bytes(100, 0));
      assert.deepEqual(await numbers(second, 'vmap'), [0, 1, MAX_PAGE_NUMBER]);
      assert.deepEqual(await numbers(second, 'catalogue'), [9]);
      await second.commit(bytes(0));
      assert.equal(state.committed.number, 2);
      assert.deepEqual(await state.read('vmap', 1), bytes(200, 11));
      assert.equal(await state.read('vmap', 5000), undefined);
      assert.deepEqual(await numbers(state, 'catalogue'), [9]);
      await state.close();
    },
  },
  {
    name: 'an abandoned version leaves everything as it was, and its number to the next',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      await commitPages(state, { vmap: { 1: bytes(10, 1), 2: bytes(10, 2) } });
      const abandoned = await state.begin();
      await abandoned.write('vmap', 1, bytes(10, 3));
      await abandoned.remove('vmap', 2);
      await abandoned.write('catalogue', 1, bytes(10, 4));
      await abandoned.checkpoint(bytes(1));
      await abandoned.discard();
      await abandoned.discard();
      assert.equal(await state.resume(), undefined);
      assert.deepEqual(await state.read('vmap', 1), bytes(10, 1));
      assert.deepEqual(await numbers(state, 'vmap'), [1, 2]);
      assert.deepEqual(await numbers(state, 'catalogue'), []);
      const next = await state.begin();
      assert.equal(next.number, 2);
      assert.deepEqual(await next.read('vmap', 1), bytes(10, 1));
      assert.deepEqual(await numbers(next, 'vmap'), [1, 2]);
      await state.close();
    },
  },
  {
    name: 'one version is staged at a time, and one that has ended, or whose state was closed, is of no use',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      const staged = await state.begin();
      await fails('STATE_BUSY', () => state.begin());
      await fails('STATE_BUSY', () => state.resume());
      await staged.commit(bytes(0));
      await fails('STATE_CLOSED', () => staged.write('vmap', 0, bytes(1)));
      await fails('STATE_CLOSED', () => staged.read('vmap', 0));
      await fails('STATE_CLOSED', () => staged.commit(bytes(0)));
      const open = await state.begin();
      await state.close();
      await fails('STATE_CLOSED', () => open.write('vmap', 0, bytes(1)));
      await fails('STATE_CLOSED', () => open.commit(bytes(0)));
      await fails('STATE_CLOSED', () => state.read('vmap', 0));
      await fails('STATE_CLOSED', () => state.begin());
      await fails('STATE_CLOSED', () => state.writeDocument('plan', bytes(1)));
      const again = await store.open(ENDPOINT);
      assert.equal(again.committed.number, 1);
      await again.close();
    },
  },
  {
    name: 'a checkpointed version is resumed as at its last checkpoint, until it is committed or another is begun',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      await commitPages(state, { vmap: { 1: bytes(10, 1) } });
      const staged = await state.begin();
      assert.equal(staged.checkpointMeta, undefined);
      await staged.write('vmap', 2, bytes(10, 2));
      await staged.checkpoint(bytes(4, 1));
      await staged.write('vmap', 3, bytes(10, 3));
      await staged.checkpoint(bytes(4, 2));
      await staged.write('vmap', 2, bytes(10, 99));
      await staged.write('vmap', 4, bytes(10, 4));
      await staged.remove('vmap', 3);
      assert.deepEqual(await numbers(state, 'vmap'), [1]);
      await state.close();

      const second = await store.open(ENDPOINT);
      assert.equal(second.committed.number, 1);
      assert.deepEqual(await numbers(second, 'vmap'), [1]);
      const resumed = await second.resume();
      assert.ok(resumed);
      assert.equal(resumed.number, 2);
      assert.deepEqual(resumed.checkpointMeta, bytes(4, 2));
      assert.deepEqual(await numbers(resumed, 'vmap'), [1, 2, 3]);
      assert.deepEqual(await resumed.read('vmap', 2), bytes(10, 2));
      await resumed.write('vmap', 5, bytes(10, 5));
      await second.close();

      const third = await store.open(ENDPOINT);
      const once = await third.resume();
      assert.deepEqual(once && (await numbers(once, 'vmap')), [1, 2, 3]);
      await once?.commit(bytes(0));
      assert.equal(await third.resume(), undefined);
      assert.deepEqual(await numbers(third, 'vmap'), [1, 2, 3]);
      const dropped = await third.begin();
      await dropped.write('vmap', 9, bytes(1));
      await dropped.checkpoint(bytes(0));
      await third.close();

      const fourth = await store.open(ENDPOINT);
      const fresh = await fourth.begin();
      assert.deepEqual(await numbers(fresh, 'vmap'), [1, 2, 3]);
      await fourth.close();
      const fifth = await store.open(ENDPOINT);
      assert.equal(await fifth.resume(), undefined);
      await fifth.close();
    },
  },
  {
    name: 'thousands of pages, written many times over several versions, are those last written',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      const expected = new Map<number, number>();
      let seed = 1;
      for (let version = 0; version < 4; version++) {
        const staged = await state.begin();
        for (let change = 0; change < 600; change++) {
          seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
          const page = (seed >>> 8) % 3000;
          if (seed % 5 === 0) {
            await staged.remove('vmap', page);
            expected.delete(page);
          } else {
            await staged.write('vmap', page, bytes(1 + (seed % 9000), seed));
            expected.set(page, seed);
          }
          if (change % 200 === 199) await staged.checkpoint(bytes(0));
        }
        await staged.commit(bytes(0));
        assert.deepEqual(
          await numbers(state, 'vmap'),
          [...expected.keys()].sort((a, b) => a - b),
        );
        for (const [page, from] of expected) {
          assert.deepEqual(await state.read('vmap', page), bytes(1 + (from % 9000), from), `page ${page}`);
        }
      }
      await state.close();
    },
  },
  {
    name: 'reads and writes may overlap, also with the commit of what is read',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      const uniform = (page: number, round: number) => new Uint8Array(5000).fill(page + round * 31);
      await commitPages(state, { vmap: Object.fromEntries(range(200).map((page) => [page, uniform(page, 0)])) });
      let reading = true;
      const reader = async () => {
        while (reading) {
          for (const page of range(200)) {
            const content = await state.read('vmap', page);
            assert.ok(content?.length === 5000 && content.every((byte) => byte === content[0]), `page ${page}`);
          }
          assert.equal((await numbers(state, 'vmap')).length, 200);
        }
      };
      const readers = Promise.all([reader(), reader()]);
      const writing = async () => {
        for (let round = 1; round <= 5; round++) {
          const staged = await state.begin();
          await Promise.all(range(200).map((page) => staged.write('vmap', page, uniform(page, round))));
          assert.deepEqual(await staged.read('vmap', 50), uniform(50, round));
          await staged.commit(bytes(0));
        }
      };
      await Promise.all([
        readers,
        writing().finally(() => {
          reading = false;
        }),
      ]);
      await state.close();
    },
  },
  {
    name: 'a state is opened by one at a time, and by its endpoint only',
    async run({ store, reopen }) {
      const state = await store.open(ENDPOINT);
      const other = reopen === undefined ? store : await reopen();
      await fails('STATE_LOCKED', () => other.open(ENDPOINT));
      await fails('STATE_WRONG_OWNER', () => other.open(OTHER_ENDPOINT));
      await state.close();
      await fails('STATE_WRONG_OWNER', () => other.open(OTHER_ENDPOINT));
      await fails('STATE_WRONG_OWNER', () => other.open(OTHER_ENDPOINT, { breakLock: true }));
      const second = await other.open(ENDPOINT);
      await fails('STATE_LOCKED', () => store.open(ENDPOINT));
      await second.close();
    },
  },
  {
    name: 'a holder whose lock was broken cannot commit, checkpoint or write a document',
    async run({ store, reopen }) {
      const paused = await store.open(ENDPOINT);
      const staged = await paused.begin();
      await staged.write('vmap', 1, bytes(10, 1));
      const taken = await (reopen === undefined ? store : await reopen()).open(ENDPOINT, { breakLock: true });
      await fails('STATE_LOCK_LOST', () => paused.writeDocument('plan', bytes(1)));
      await fails('STATE_LOCK_LOST', () => staged.commit(bytes(0)));
      await commitPages(taken, { vmap: { 2: bytes(10, 2) } });
      await paused.close();
      assert.deepEqual(await numbers(taken, 'vmap'), [2]);
      await taken.close();
      const again = await store.open(ENDPOINT);
      assert.deepEqual(await numbers(again, 'vmap'), [2]);
      await again.close();
    },
  },
  {
    name: 'documents are read as they were last written, and listed by name',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      await state.writeDocument('plan', bytes(100, 1));
      await state.writeDocument('plan', bytes(20, 2));
      await state.writeDocument('0.empty', bytes(0));
      await state.writeDocument('gone', bytes(1));
      await state.removeDocument('gone');
      await state.removeDocument('gone');
      assert.deepEqual(await state.readDocument('plan'), bytes(20, 2));
      assert.deepEqual(await state.readDocument('0.empty'), bytes(0));
      assert.equal(await state.readDocument('gone'), undefined);
      assert.deepEqual(await state.listDocuments(), ['0.empty', 'plan']);
      await state.close();
      const again = await store.open(ENDPOINT);
      assert.deepEqual(await again.readDocument('plan'), bytes(20, 2));
      await again.close();
    },
  },
  {
    name: 'a journal gives its records in order, goes on after it was closed, and is empty after a reset',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      const journal = await state.openJournal('transfer');
      await fails('STATE_BUSY', () => state.openJournal('transfer'));
      assert.deepEqual(await records(journal.records()), []);
      await journal.append([bytes(10, 1), bytes(0), bytes(5000, 2)]);
      await Promise.all([journal.append([bytes(1, 3)]), journal.sync(), journal.append([bytes(1, 4)])]);
      const all = [bytes(10, 1), bytes(0), bytes(5000, 2), bytes(1, 3), bytes(1, 4)];
      assert.deepEqual(await records(journal.records()), all);
      await journal.sync();
      await journal.sync();
      await journal.close();
      await journal.close();
      await fails('STATE_CLOSED', () => journal.append([bytes(1)]));
      await fails('STATE_INVALID', async () => {
        const large = await state.openJournal('large');
        await large.append([new Uint8Array(MAX_JOURNAL_RECORD_BYTES + 1)]);
      });
      await state.close();

      const second = await store.open(ENDPOINT);
      const reopened = await second.openJournal('transfer');
      await reopened.append([bytes(7, 7)]);
      assert.deepEqual(await records(reopened.records()), [...all, bytes(7, 7)]);
      assert.deepEqual(await records((await second.openJournal('other')).records()), []);
      await reopened.reset();
      assert.deepEqual(await records(reopened.records()), []);
      await reopened.append([bytes(8, 8)]);
      await second.close();

      const third = await store.open(ENDPOINT);
      assert.deepEqual(await records((await third.openJournal('transfer')).records()), [bytes(8, 8)]);
      await third.close();
    },
  },
  {
    name: 'names, numbers and sizes that no state takes are refused',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      const staged = await state.begin();
      for (const name of ['', '.', '..', '../a', 'a/b', 'A', 'é', 'a b', '-a', 'x'.repeat(101), 'a\0']) {
        await fails('STATE_INVALID', () => state.read(name, 0));
        await fails('STATE_INVALID', () => staged.write(name, 0, bytes(1)));
        await fails('STATE_INVALID', () => state.writeDocument(name, bytes(1)));
        await fails('STATE_INVALID', () => state.readDocument(name));
        await fails('STATE_INVALID', () => state.openJournal(name));
      }
      for (const page of [-1, 0.5, Number.NaN, MAX_PAGE_NUMBER + 1]) {
        await fails('STATE_INVALID', () => staged.write('vmap', page, bytes(1)));
        await fails('STATE_INVALID', () => state.read('vmap', page));
      }
      await fails('STATE_INVALID', () => staged.write('vmap', 0, new Uint8Array(MAX_PAGE_BYTES + 1)));
      await staged.write('vmap', 0, new Uint8Array(MAX_PAGE_BYTES));
      assert.equal((await staged.read('vmap', 0))?.length, MAX_PAGE_BYTES);
      await staged.write('x'.repeat(100), 0, bytes(1));
      await state.close();
    },
  },
  {
    name: 'an aborted signal ends a call with its reason, and nothing is committed',
    async run({ store }) {
      const reason = new Error('the caller aborted');
      const signal = AbortSignal.abort(reason);
      await assert.rejects(() => store.open(ENDPOINT, { signal }), same(reason));
      const state = await store.open(ENDPOINT);
      const journal = await state.openJournal('transfer');
      await assert.rejects(() => state.begin({ signal }), same(reason));
      await assert.rejects(() => state.resume({ signal }), same(reason));
      const staged = await state.begin();
      for (const call of [
        () => state.read('vmap', 0, { signal }),
        () => numbers(state, 'vmap', 0, signal),
        () => state.writeDocument('plan', bytes(1), { signal }),
        () => journal.append([bytes(1)], { signal }),
        () => staged.write('vmap', 0, bytes(1), { signal }),
        () => staged.checkpoint(bytes(0), { signal }),
        () => staged.commit(bytes(0), { signal }),
      ]) {
        await assert.rejects(call, same(reason));
      }
      assert.equal(state.committed.number, 0);
      assert.equal(await state.readDocument('plan'), undefined);
      assert.deepEqual(await records(journal.records()), []);
      await staged.discard();
      await state.close();
      const again = await store.open(ENDPOINT);
      assert.equal(again.committed.number, 0);
      assert.equal(await again.resume(), undefined);
      await again.close();
    },
  },
  {
    name: 'bytes that were handed in or out may be changed afterwards without changing the state',
    async run({ store }) {
      const state = await store.open(ENDPOINT);
      const staged = await state.begin();
      const mine = bytes(100, 1);
      const meta = bytes(10, 2);
      await staged.write('vmap', 0, mine);
      await state.writeDocument('plan', mine);
      await staged.commit(meta);
      mine.fill(0);
      meta.fill(0);
      for (let round = 0; round < 2; round++) {
        const found = [await state.read('vmap', 0), await state.readDocument('plan'), state.committed.meta];
        assert.deepEqual(found, [bytes(100, 1), bytes(100, 1), bytes(10, 2)]);
        for (const content of found) content?.fill(0);
      }
      await state.close();
    },
  },
  {
    name: 'what was made durable is there for another instance',
    needs: ['reopen'],
    async run({ store, reopen }) {
      assert.ok(reopen);
      const state = await store.open(ENDPOINT);
      await commitPages(state, { vmap: { 3: bytes(9000, 3) }, catalogue: { 4: bytes(10, 4) } }, bytes(5, 5));
      await state.writeDocument('plan', bytes(6, 6));
      const journal = await state.openJournal('transfer');
      await journal.append([bytes(7, 7)]);
      const staged = await state.begin();
      await staged.write('vmap', 8, bytes(8, 8));
      await staged.checkpoint(bytes(9, 9));
      await state.close();

      const second = await (await reopen()).open(ENDPOINT);
      assert.deepEqual(second.committed, { number: 1, meta: bytes(5, 5) });
      assert.deepEqual(await second.read('vmap', 3), bytes(9000, 3));
      assert.deepEqual(await second.read('catalogue', 4), bytes(10, 4));
      assert.deepEqual(await second.readDocument('plan'), bytes(6, 6));
      assert.deepEqual(await records((await second.openJournal('transfer')).records()), [bytes(7, 7)]);
      const resumed = await second.resume();
      assert.deepEqual(resumed?.checkpointMeta, bytes(9, 9));
      assert.deepEqual(await resumed?.read('vmap', 8), bytes(8, 8));
      await second.close();
    },
  },
  {
    name: 'a loss of power takes nothing that was made durable, and brings back nothing that was not',
    needs: ['crash'],
    async run({ store, crash }) {
      assert.ok(crash);
      const state = await store.open(ENDPOINT);
      await commitPages(state, { vmap: { 1: bytes(5000, 1), 2: bytes(5000, 2) } });
      await state.writeDocument('plan', bytes(6, 6));
      const journal = await state.openJournal('transfer');
      await journal.append([bytes(100, 1), bytes(100, 2)]);
      await journal.sync();
      await journal.append([bytes(100, 3), bytes(100, 4)]);
      const emptied = await state.openJournal('emptied');
      await emptied.append([bytes(100, 5)]);
      await emptied.sync();
      await emptied.reset();
      const staged = await state.begin();
      await staged.write('vmap', 1, bytes(5000, 11));
      await staged.checkpoint(bytes(1, 1));
      await staged.write('vmap', 1, bytes(5000, 12));
      await staged.write('vmap', 2, bytes(5000, 22));

      const after = await (await crash()).open(ENDPOINT);
      assert.equal(after.committed.number, 1);
      assert.deepEqual(await after.read('vmap', 1), bytes(5000, 1));
      assert.deepEqual(await after.read('vmap', 2), bytes(5000, 2));
      assert.deepEqual(await after.readDocument('plan'), bytes(6, 6));
      const left = await records((await after.openJournal('transfer')).records());
      assert.ok(left.length >= 2 && left.length <= 4);
      assert.deepEqual(
        left,
        [1, 2, 3, 4].slice(0, left.length).map((seed) => bytes(100, seed)),
      );
      assert.deepEqual(await records((await after.openJournal('emptied')).records()), []);
      const resumed = await after.resume();
      assert.deepEqual(resumed?.checkpointMeta, bytes(1, 1));
      assert.deepEqual(await resumed?.read('vmap', 1), bytes(5000, 11));
      assert.deepEqual(await resumed?.read('vmap', 2), bytes(5000, 2));
      await resumed?.commit(bytes(0));
      await after.close();
    },
  },
];

type Pages = Readonly<Record<string, Readonly<Record<number, Uint8Array>>>>;

async function commitPages(state: EndpointState, tables: Pages, meta = bytes(0)): Promise<void> {
  const staged: StagedVersion = await state.begin();
  for (const [table, pages] of Object.entries(tables)) {
    for (const [page, content] of Object.entries(pages)) await staged.write(table, Number(page), content);
  }
  await staged.commit(meta);
}

async function numbers(reader: PageReader, table: string, from = 0, signal?: AbortSignal): Promise<number[]> {
  const found: number[] = [];
  for await (const page of reader.pages(table, { from, signal })) found.push(page);
  return found;
}

async function records(all: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const record of all) found.push(record);
  return found;
}

async function fails(code: StateErrorCode, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof StateError, `expected ${code}, got ${error}`);
    assert.equal(error.code, code, error.message);
    return;
  }
  assert.fail(`expected ${code}, and the call succeeded`);
}

function same(reason: Error): (error: unknown) => true {
  return (error) => {
    assert.equal(error, reason);
    return true;
  };
}

/** Repeatable bytes that no other seed gives. */
function bytes(length: number, seed = 0): Uint8Array {
  const content = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    content[at] = state >>> 24;
  }
  return content;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
