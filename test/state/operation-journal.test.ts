/** The journal of operations, over every adapter: durable, in order, one holder; torn ends are cut off, damage is told. */
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { OperationRecord } from '../../src/core/failover/journal-record.ts';
import { openDebts, unfinishedOperations } from '../../src/core/failover/journal-record.ts';
import type { FailoverPlan } from '../../src/core/failover/plan.ts';
import { DirectoryOperationJournal } from '../../src/state/directory-operation-journal.ts';
import { MemoryOperationJournal, nothingKept } from '../../src/state/memory-operation-journal.ts';
import type { OperationJournal } from '../../src/state/operation-journal.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  folders.push(folder);
  return folder;
}

const step = (at: number, kind: 'intent' | 'done' = 'intent'): OperationRecord => ({
  operation: 'op',
  at,
  kind,
  volume: 'vol1',
  step: 'break',
});

const ADAPTERS: readonly { name: string; make: () => Promise<() => Promise<OperationJournal>> }[] = [
  {
    name: 'memory',
    make: async () => {
      const kept = nothingKept();
      return async () => new MemoryOperationJournal(kept);
    },
  },
  {
    name: 'directory',
    make: async () => {
      const folder = await newFolder();
      return () => DirectoryOperationJournal.open(join(folder, 'a', 'b'));
    },
  },
];

describe.each(ADAPTERS)('$name', ({ make }) => {
  it('gives back what was appended, in order, also to the next holder', async () => {
    const open = await make();
    const first = await open();
    await first.append([step(1), step(2, 'done')]);
    await first.append([step(3)]);
    expect(await first.records()).toEqual([step(1), step(2, 'done'), step(3)]);
    await first.close();
    const second = await open();
    expect(await second.records()).toEqual([step(1), step(2, 'done'), step(3)]);
    await second.reset();
    expect(await second.records()).toEqual([]);
    await second.close();
    await second.close();
  });

  it('has one holder at a time', async () => {
    const open = await make();
    const holder = await open();
    await expect(open()).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await holder.close();
    await (await open()).close();
  });
});

describe('a journal in a folder', () => {
  async function written(): Promise<{ folder: string; file: string }> {
    const folder = await newFolder();
    const journal = await DirectoryOperationJournal.open(folder);
    for (const at of [1, 2, 3]) await journal.append([step(at)]);
    await journal.close();
    return { folder, file: join(folder, 'operations.journal') };
  }

  it('cuts off a record that a crash tore, at whatever byte', async () => {
    for (const missing of [33, 60, 100]) {
      const { folder, file } = await written();
      await truncate(file, (await readFile(file)).length - missing);
      await using journal = disposable(await DirectoryOperationJournal.open(folder));
      expect(await journal.records()).toEqual([step(1), step(2)]);
      await journal.append([step(4)]);
      expect(await journal.records()).toEqual([step(1), step(2), step(4)]);
    }
  });

  it('tells damage to what was durable, instead of ending early', async () => {
    const { folder, file } = await written();
    const bytes = await readFile(file);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await expect(DirectoryOperationJournal.open(folder)).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
      remedy: expect.stringMatching(/go on without it/),
    });
  });
});

function disposable(journal: OperationJournal): OperationJournal & AsyncDisposable {
  return Object.assign(journal, { [Symbol.asyncDispose]: () => journal.close() });
}

describe('what a journal says', () => {
  const plan = {
    kind: 'failover',
    id: 'op',
    target: 'west',
    scope: { source: 'east', reach: 'volume', volumes: ['vol1'] },
  } as unknown as FailoverPlan;
  const began: OperationRecord = { operation: 'op', at: 1, kind: 'began', plan, acknowledged: ['a'] };
  const debt = { kind: 'source-unfenced', volume: 'vol1', backend: 'east', reason: 'silent', remedy: 'again' } as const;
  const ended = (at: number, debts: readonly (typeof debt)[]): OperationRecord => ({
    operation: 'op',
    at,
    kind: 'volume-ended',
    volume: 'vol1',
    outcome: 'done',
    phase: 'failed-over',
    authority: 'target',
    debts,
  });

  it('an operation without an end is open, with all that was accepted and the last intent of each volume', () => {
    const records: OperationRecord[] = [
      began,
      { operation: 'op', at: 2, kind: 'acknowledged', acknowledgement: 'b' },
      step(3),
    ];
    expect(unfinishedOperations(records)).toMatchObject([
      { operation: 'op', acknowledged: ['a', 'b'], intents: { vol1: 'break' }, beganAt: 1 },
    ]);
    expect(unfinishedOperations([...records, { operation: 'op', at: 4, kind: 'ended', result: 'done' }])).toEqual([]);
  });

  it('a debt is owed until the volume is worked on again and comes out without it', () => {
    expect(openDebts([began, ended(2, [debt])])).toMatchObject([
      { kind: 'source-unfenced', source: 'east', target: 'west' },
    ]);
    expect(openDebts([began, ended(2, [debt]), ended(3, [])])).toEqual([]);
  });
});
