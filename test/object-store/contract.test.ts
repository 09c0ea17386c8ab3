import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import type { Clock } from '../../src/env.ts';
import { counted } from '../../src/object-store/counted.ts';
import { FilesystemObjectStore } from '../../src/object-store/filesystem.ts';
import { locking } from '../../src/object-store/locking.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { retrying } from '../../src/object-store/retrying.ts';
import { throttled } from '../../src/object-store/throttled.ts';
import { missingNeeds, objectStoreContract } from '../../src/testing/object-store-contract.ts';

interface Subject {
  readonly name: string;
  /** A new store in this folder, or the one that is there. */
  open(folder: string): ObjectStore;
}

/** Locks end when a case waits. */
let now = 1_800_000_000_000;
const clock: Clock = {
  now: () => now,
  sleep: async (ms) => {
    now += ms;
  },
};
const ample = { bytesPerSecond: 1e12, requestsInFlight: 4 };
const SUBJECTS: readonly Subject[] = [
  { name: 'memory', open: () => new MemoryObjectStore() },
  { name: 'filesystem', open: (folder) => new FilesystemObjectStore(join(folder, 'made', 'on', 'demand')) },
  { name: 'retrying memory', open: () => retrying(new MemoryObjectStore()) },
  { name: 'throttled memory', open: () => throttled(new MemoryObjectStore(), ample) },
  { name: 'locking memory', open: () => locking(new MemoryObjectStore(), { clock }) },
  {
    name: 'locking filesystem',
    open: (folder) => locking(new FilesystemObjectStore(join(folder, 'made')), { clock }),
  },
  {
    name: 'retrying, throttled, locking memory',
    open: () => retrying(throttled(counted(locking(new MemoryObjectStore(), { clock })), ample)),
  },
  { name: 'counted memory', open: () => counted(new MemoryObjectStore()) },
];

const root = mkdtempSync(join(tmpdir(), 'object-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

for (const { name, open } of SUBJECTS) {
  describe(`the contract of object stores, kept by ${name}`, () => {
    const { capabilities } = open(join(root, 'unused'));
    for (const contractCase of objectStoreContract) {
      const missing = missingNeeds(contractCase, capabilities);
      const run = async () => {
        const folder = join(root, `${folders++}`);
        await contractCase.run({ store: open(folder), prefix: 'case/', reopen: () => open(folder), clock });
      };
      if (missing === undefined) it(contractCase.name, run);
      else it.skip(`${contractCase.name} (${missing})`, run);
    }
  });
}
