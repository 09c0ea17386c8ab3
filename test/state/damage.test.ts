import { describe, expect, it } from 'vitest';
import type { Disk } from '../../src/disk/disk.ts';
import { DirectoryStateStore } from '../../src/state/directory.ts';
import type { EndpointState } from '../../src/state/state.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { VolatileDisk } from '../../src/testing/volatile-disk.ts';
import { ScriptedSigns } from './scripted-signs.ts';

const ENDPOINT = '6f1c1f5e-3a52-4b8b-9d5e-0b8f6d1f7a01';
const text = (content: string) => new TextEncoder().encode(content);
const PAGES = [text('first page'), text('second page'), text('third page')];
const RECORDS = [text('record one'), text('record two'), text('record three')];

async function made() {
  const disk = new VolatileDisk();
  const signs = new ScriptedSigns();
  const open = () => new DirectoryStateStore('/state', { disk: disk.attach(), signs }).open(ENDPOINT);
  const state = await open();
  const staged = await state.begin();
  for (const [number, content] of PAGES.entries()) await staged.write('vmap', number, content);
  await staged.commit(text('meta'));
  await state.writeDocument('plan', text('the plan'));
  await state.writeDocument('other', text('the plan'));
  const journal = await state.openJournal('transfer');
  for (const record of RECORDS) {
    await journal.append([record]);
    await journal.sync();
  }
  const second = await state.begin();
  await second.write('vmap', 1, text('staged'));
  await second.checkpoint(text('checkpoint'));
  await state.close();
  return { disk: disk.attach(), open };
}

/** Everything that can be read, or the code of what stops it. */
async function readAll(open: () => Promise<EndpointState>): Promise<readonly unknown[]> {
  const outcome = async (read: () => Promise<unknown>) => {
    try {
      return await read();
    } catch (error) {
      return (error as { code?: string; file?: string }).code ?? error;
    }
  };
  let state: EndpointState;
  try {
    state = await open();
  } catch (error) {
    const { code, file } = error as { code?: string; file?: string };
    expect(file).toMatch(/^\/state\//);
    return [code ?? error];
  }
  const journal = async () => {
    const found: Uint8Array[] = [];
    for await (const record of (await state.openJournal('transfer')).records()) found.push(record);
    return found;
  };
  const found = [
    ...(await Promise.all([0, 1, 2].map((number) => outcome(() => state.read('vmap', number))))),
    await outcome(() => state.readDocument('plan')),
    await outcome(journal),
    await outcome(async () => (await state.resume())?.read('vmap', 1)),
    state.committed,
  ];
  await state.close();
  return found;
}

const WHOLE = [...PAGES, text('the plan'), RECORDS, text('staged'), { number: 1, meta: text('meta') }];

async function sizeOf(disk: Disk, path: string): Promise<number> {
  return (await disk.stat(path)).sizeBytes;
}

async function damage(disk: Disk, path: string, at: number, change: (byte: number) => number): Promise<void> {
  const file = await disk.open(path, 'write');
  const byte = new Uint8Array(1);
  await file.read(byte, at);
  await file.write([byte.map(change)], at);
}

describe('a state whose files were damaged', () => {
  it('reads as it was written while nothing is', async () => {
    const { open } = await made();
    expect(await readAll(open)).toEqual(WHOLE);
  });

  for (const name of ['committed', 'checkpoint', 'owner', 'documents/plan', 'journals/transfer', 'pages']) {
    it(`gives what was written or STATE_CORRUPT, naming the file, wherever a bit of ${name} is flipped`, async () => {
      const random = new SeededRandom(name.length);
      const size = await sizeOf((await made()).disk, `/state/${name}`);
      let detected = 0;
      const flips = name === 'pages' ? 120 : 60;
      for (let flip = 0; flip < flips; flip++) {
        const { disk, open } = await made();
        // The first bytes of the pages file hold pages; most of the rest is padding and the unused part of tables.
        const within = name === 'pages' && flip < 60 ? 3 * 4096 : size;
        const at =
          name === 'pages' && flip < 30
            ? Math.floor(flip / 10) * 4096 + (flip % 10)
            : Math.floor(random.next() * within);
        await damage(disk, `/state/${name}`, at, (byte) => byte ^ (1 << Math.floor(random.next() * 8)));
        const found = await readAll(open);
        if (found.length === 1) {
          expect(['STATE_CORRUPT', 'STATE_FORMAT_VERSION'], `byte ${at}`).toContain(found[0]);
          detected++;
          continue;
        }
        for (const [index, value] of found.entries()) {
          if (value === 'STATE_CORRUPT' || value === 'STATE_FORMAT_VERSION') detected++;
          // The end of a journal that nothing was written behind may have been torn.
          else if (index === 4) expect(RECORDS, `byte ${at}`).toEqual(value);
          else expect(value, `byte ${at}`).toEqual(WHOLE[index]);
        }
      }
      expect(detected).toBeGreaterThan(name === 'pages' ? 30 : name === 'journals/transfer' ? 35 : 55);
    });
  }

  it('finds a file cut short, emptied, or put in the place of another', async () => {
    for (const name of ['committed', 'owner', 'documents/plan', 'pages']) {
      for (const part of [0, 0.5]) {
        const { disk, open } = await made();
        const file = await disk.open(`/state/${name}`, 'write');
        await file.truncate(Math.floor((await file.stat()).sizeBytes * part));
        expect(await readAll(open), name).toContain('STATE_CORRUPT');
      }
    }
    const { disk, open } = await made();
    await disk.rename('/state/documents/other', '/state/documents/plan');
    expect((await readAll(open))[3]).toBe('STATE_CORRUPT');
    await disk.rename('/state/checkpoint', '/state/committed');
    expect(await readAll(open)).toEqual(['STATE_CORRUPT']);
  });

  it('misses neither its pages nor its owner when they are gone', async () => {
    for (const name of ['pages', 'owner']) {
      const { disk, open } = await made();
      await disk.remove(`/state/${name}`);
      expect(await readAll(open), name).toEqual(['STATE_CORRUPT']);
    }
  });

  it('refuses a format that it does not know yet', async () => {
    const { disk, open } = await made();
    await damage(disk, '/state/committed', 7, () => 2);
    expect(await readAll(open)).toEqual(['STATE_FORMAT_VERSION']);
  });
});
