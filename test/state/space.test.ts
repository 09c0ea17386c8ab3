import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Disk, DiskFile } from '../../src/disk/disk.ts';
import { DirectoryStateStore } from '../../src/state/directory.ts';
import type { EndpointState, StagedVersion } from '../../src/state/state.ts';
import { UnitSpace } from '../../src/state/unit-space.ts';
import { VolatileDisk } from '../../src/testing/volatile-disk.ts';
import { ScriptedSigns } from './scripted-signs.ts';

const ENDPOINT = '6f1c1f5e-3a52-4b8b-9d5e-0b8f6d1f7a01';
const META = new Uint8Array(0);
const PAGE_BYTES = 16 * 1024;
const page = (content: number) => new Uint8Array(PAGE_BYTES).fill(content);

/** A state whose writes are counted, and whose reads of pages can be held up. */
async function setUp() {
  const disk = new VolatileDisk();
  const attached = disk.attach();
  const watched = { writtenBytes: 0, beforeRead: async () => {} };
  const open: Disk['open'] = async (path, access) => {
    const file = await attached.open(path, access);
    const watchedFile: DiskFile = {
      read: async (into, position) => {
        if (path.endsWith('/pages')) await watched.beforeRead();
        return await file.read(into, position);
      },
      write: (parts, position) => {
        watched.writtenBytes += parts.reduce((sum, part) => sum + part.length, 0);
        return file.write(parts, position);
      },
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      sync: () => file.sync(),
      stat: () => file.stat(),
      close: () => file.close(),
    };
    return watchedFile;
  };
  const store = new DirectoryStateStore('/state', { disk: { ...attached, open }, signs: new ScriptedSigns() });
  const state = await store.open(ENDPOINT);
  const sizeBytes = async () => (await attached.stat('/state/pages')).sizeBytes;
  return { store, state, watched, sizeBytes };
}

async function writeAll(staged: StagedVersion, numbers: Iterable<number>, content: number): Promise<void> {
  for (const number of numbers) await staged.write('vmap', number, page(content));
}

async function commitAll(state: EndpointState, numbers: Iterable<number>, content: number): Promise<void> {
  const staged = await state.begin();
  await writeAll(staged, numbers, content);
  await staged.commit(META);
}

const HUNDRED = Array.from({ length: 100 }, (_, index) => index);

describe('the space that pages take', () => {
  it('is that of two versions at most, however many were committed, checkpointed and given up', async () => {
    const { state, sizeBytes } = await setUp();
    await commitAll(state, HUNDRED, 1);
    const one = await sizeBytes();
    expect(one).toBeLessThan(100 * PAGE_BYTES + 64 * 1024);
    for (let round = 2; round < 20; round++) {
      const staged = await state.begin();
      await writeAll(staged, HUNDRED, round);
      if (round % 3 === 0) await staged.checkpoint(META);
      if (round % 2 === 0) await staged.commit(META);
      else await staged.discard();
      expect(await sizeBytes()).toBeLessThanOrEqual(2 * one + 64 * 1024);
    }
    // What is written again and again before it is durable takes its place once.
    const staged = await state.begin();
    for (let round = 0; round < 10; round++) await writeAll(staged, HUNDRED, round);
    expect(await sizeBytes()).toBeLessThanOrEqual(2 * one + 64 * 1024);
    await staged.commit(META);
    await commitAll(state, [], 0);
    const empty = await state.begin();
    await empty.clear('vmap');
    await empty.commit(META);
    expect(await sizeBytes()).toBe(0);
  });

  it('is found again after the state was opened anew', async () => {
    const { store, state, sizeBytes } = await setUp();
    await commitAll(state, HUNDRED, 1);
    const one = await sizeBytes();
    let open = state;
    for (let round = 0; round < 6; round++) {
      const staged = await open.begin();
      await writeAll(staged, HUNDRED, round);
      await open.close();
      open = await store.open(ENDPOINT);
      expect(await sizeBytes()).toBe(one);
    }
  });
});

describe('what a commit writes', () => {
  it('is the changed pages and what leads to them, not the state', async () => {
    const { state, watched } = await setUp();
    await commitAll(
      state,
      Array.from({ length: 1500 }, (_, index) => index),
      1,
    );
    watched.writtenBytes = 0;
    await commitAll(state, [3, 700], 2);
    expect(watched.writtenBytes).toBeLessThan(2 * PAGE_BYTES + 28 * 1024 + 4096);
    watched.writtenBytes = 0;
    await commitAll(state, [], 2);
    expect(watched.writtenBytes).toBeLessThan(4096);
  });

  it('is right for more tables than are kept in memory', async () => {
    const { state } = await setUp();
    const tables = Array.from({ length: 150 }, (_, index) => index);
    const staged = await state.begin();
    for (let round = 1; round <= 3; round++) {
      await Promise.all(tables.map((table) => staged.write(`t${table}`, table, new Uint8Array([table, round]))));
      if (round === 2) await staged.checkpoint(META);
    }
    await Promise.all(tables.filter((table) => table % 3 === 0).map((table) => staged.remove(`t${table}`, table)));
    await staged.commit(META);
    for (const table of tables) {
      expect(await state.read(`t${table}`, table)).toEqual(table % 3 === 0 ? undefined : new Uint8Array([table, 3]));
    }
  });
});

describe('a read that is overtaken', () => {
  it('gives the page as it is now, when its old place was used for something else meanwhile', async () => {
    const { state, watched } = await setUp();
    const staged = await state.begin();
    await staged.write('vmap', 1, page(1));
    let overtake: (() => Promise<void>) | undefined = async () => {
      await staged.write('vmap', 1, page(2));
      await staged.write('vmap', 2, page(3));
    };
    watched.beforeRead = async () => {
      const now = overtake;
      overtake = undefined;
      await now?.();
    };
    expect(await staged.read('vmap', 1)).toEqual(page(2));
    await staged.commit(META);

    overtake = async () => {
      for (let round = 0; round < 3; round++) await commitAll(state, [1, 2], 10 + round);
    };
    expect(await state.read('vmap', 1)).toEqual(page(12));
    overtake = async () => commitAll(state, [3], 1);
    const numbers: number[] = [];
    for await (const number of state.pages('vmap')) numbers.push(number);
    expect(numbers.slice(0, 2)).toEqual([1, 2]);
  });
});

describe('UnitSpace', () => {
  it('never gives away a unit that a durable version or the staged one needs', () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('allocate' as const), units: fc.integer({ min: 1, max: 70 }) }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), pick: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('checkpoint', 'commit', 'discard', 'resume') }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const space = new UnitSpace();
        type Extents = readonly (readonly [unit: number, units: number])[];
        let committed: Extents = [];
        let checkpointed: Extents | undefined;
        let staged: Extents = [];
        space.begin('committed');
        for (const each of steps) {
          if (each.do === 'allocate') {
            const unit = space.allocate(each.units);
            for (const [other, units] of [...committed, ...(checkpointed ?? []), ...staged]) {
              if (unit < other + units && other < unit + each.units) throw new Error(`unit ${unit} is in use`);
            }
            staged = [...staged, [unit, each.units]];
          } else if (each.do === 'release') {
            const released = staged[each.pick % Math.max(1, staged.length)];
            if (released === undefined) continue;
            space.release(...released);
            staged = staged.filter((extent) => extent !== released);
          } else if (each.do === 'checkpoint') {
            space.checkpointed();
            checkpointed = staged;
          } else if (each.do === 'commit') {
            space.committed();
            committed = staged;
            checkpointed = undefined;
            space.begin('committed');
          } else if (each.do === 'discard') {
            space.dropped();
            checkpointed = undefined;
            staged = committed;
            space.begin('committed');
          } else if (checkpointed !== undefined) {
            staged = checkpointed;
            space.begin('checkpointed');
          }
          const end = Math.max(
            0,
            ...[...committed, ...(checkpointed ?? []), ...staged].map(([unit, units]) => unit + units),
          );
          if (space.end !== end) throw new Error(`the end is ${end}, not ${space.end}`);
        }
      }),
      { numRuns: 300 },
    );
  });
});
