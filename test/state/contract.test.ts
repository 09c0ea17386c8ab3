import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { DirectoryStateStore } from '../../src/state/directory.ts';
import { MemoryStateStore } from '../../src/state/memory.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { missingStateNeeds, type StateSubject, stateContract } from '../../src/testing/state-contract.ts';
import { type CrashOutcome, VolatileDisk } from '../../src/testing/volatile-disk.ts';
import { ScriptedSigns } from './scripted-signs.ts';

const root = mkdtempSync(join(tmpdir(), 'state-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function onDisk(): StateSubject {
  const folder = join(root, `${folders++}`, 'made', 'on', 'demand');
  return { store: new DirectoryStateStore(folder), reopen: () => new DirectoryStateStore(folder) };
}

function onVolatileDisk(outcome: CrashOutcome): StateSubject {
  const disk = new VolatileDisk({ random: new SeededRandom(folders++) });
  const signs = new ScriptedSigns();
  const open = () =>
    new DirectoryStateStore('/state', { disk: disk.attach(), signs, random: new SeededRandom(folders++) });
  return {
    store: open(),
    reopen: open,
    crash: () => {
      disk.crash(outcome);
      signs.die();
      return open();
    },
  };
}

const SUBJECTS: Readonly<Record<string, () => StateSubject>> = {
  memory: () => ({ store: new MemoryStateStore() }),
  'a directory': onDisk,
  'a directory on a disk that loses what it may': () => onVolatileDisk('nothing'),
  'a directory on a disk that loses at random': () => onVolatileDisk('random'),
};

for (const [name, subject] of Object.entries(SUBJECTS)) {
  describe(`the contract of states, kept by ${name}`, () => {
    for (const contractCase of stateContract) {
      const missing = missingStateNeeds(contractCase, subject());
      if (missing === undefined) it(contractCase.name, () => contractCase.run(subject()));
      else it.skip(`${contractCase.name} (${missing})`, () => contractCase.run(subject()));
    }
  });
}
