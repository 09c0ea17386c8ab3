/** A lost state is made anew from the object store: VMAP and catalogue, so that nothing that is there is sent again. */
import { array, asyncProperty, constantFrom, assert as hold, integer, oneof, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encryptionKey, nodeFormatTools } from '../../../src/compute/format-tools.ts';
import { NO_ENDPOINT } from '../../../src/core/cloud/history.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { ImageCatalogueRebuilder } from '../../../src/snapshot-source/image-rebuild.ts';
import { DirectoryStateStore } from '../../../src/state/directory.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import type { StateStore } from '../../../src/state/state.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { VolatileDisk } from '../../../src/testing/volatile-disk.ts';
import { imageOf, inlineCompute, MemoryImage } from '../../snapshot-source/image-endpoint.ts';
import { ScriptedSigns } from '../../state/scripted-signs.ts';
import { ImageRig } from './image-rig.ts';
import { look, problemsOf, Rig, smallVolume } from './rig.ts';

const BLOCK = 4096;
const KEY = encryptionKey(new Uint8Array(32).fill(5));

/** 70 blocks with 4 pointers in an indirect block: three levels; some are equal, some are holes. */
function someImage(): MemoryImage {
  const blocks = Array.from({ length: 70 }, (_, at) => (at % 9 === 0 ? 0 : at % 7 === 0 ? 7 : 100 + at));
  return new MemoryImage(imageOf(blocks, 1000));
}

function write(image: MemoryImage, block: number, content: number): void {
  image.bytes.set(imageOf([content]).subarray(0, image.bytes.length - block * BLOCK), block * BLOCK);
}

const STATES: Readonly<Record<string, () => StateStore>> = {
  'in memory': () => new MemoryStateStore(),
  'in a folder': () =>
    new DirectoryStateStore('/state', { disk: new VolatileDisk().attach(), signs: new ScriptedSigns() }),
};

for (const [where, makeState] of Object.entries(STATES)) {
  for (const key of [undefined, KEY]) {
    describe(`a state ${where} that was lost, ${key === undefined ? 'not encrypted' : 'encrypted'}`, () => {
      it('is rebuilt from the store alone: an unchanged image sends nothing, a changed one what changed', async () => {
        const rig = new ImageRig({ image: someImage(), state: makeState(), key });
        await rig.backup();
        write(rig.image, 30, 555);
        const kept = await rig.backup();
        const rebuilt = await rig.rebuild(makeState());
        expect(rebuilt).toMatchObject({ catalogue: true, inodes: 4, snapshot: { name: 'b2' } });
        const reads = rig.image.reads;
        expect((await rig.backup()).uploads).toEqual({ blocks: [0, 0, 0], objects: 0, bytes: 0 });
        expect(rig.image.reads).toBe(reads);
        write(rig.image, 50, 777);
        // One block, and the one L1 and the one L2 above it.
        expect((await rig.backup()).uploads.blocks).toEqual([1, 1, 1]);
        expect(kept.outcome).toBe('incremental');
        expect(Buffer.from(await rig.restored()).equals(rig.image.bytes)).toBe(true);
        expect(Buffer.from(await rig.restored({ snapshot: 'b1' })).equals(someImage().bytes)).toBe(true);
        expect(await rig.endpoint.verify({ readData: true })).toMatchObject({ problems: [] });
      });
    });
  }
}

describe('a rebuilt catalogue', () => {
  it('knows contents wherever they went, and gives no VVBN that is in use to another content', async () => {
    const rig = new ImageRig({ image: someImage() });
    await rig.backup();
    await rig.rebuild();
    const { bytes } = rig.image;
    // The whole image moves by one block: every content is known, only what points at them changes.
    bytes.copyWithin(BLOCK, 0, bytes.length - 1000);
    expect((await rig.backup()).uploads.blocks[0]).toBe(1);
    for (let block = 0; block < 40; block++) write(rig.image, block, 9000 + block);
    await rig.backup();
    expect(Buffer.from(await rig.restored()).equals(bytes)).toBe(true);
    expect(await problemsOf(rig.store, rig.source.state, smallVolume())).toEqual([]);
  });

  it('is that of an endpoint written with another hash, too: its blocks are read', async () => {
    const rig = new ImageRig({ image: someImage(), tools: nodeFormatTools('blake2b-512/256') });
    await rig.backup();
    await rig.rebuild();
    expect((await rig.backup()).uploads.blocks).toEqual([0, 0, 0]);
  });

  it('takes the place of one of an older release, and of one that is damaged', async () => {
    for (const [facts, code] of [
      ['{"format":0,"version":1}', 'STATE_FORMAT_VERSION'],
      ['{"format":2,"version":1}', 'STATE_FORMAT_VERSION'],
      ['{"format":"x"}', 'STATE_CORRUPT'],
      ['no JSON', 'STATE_CORRUPT'],
    ] as const) {
      for (const table of ['catalogue.facts', 'image.facts']) {
        const rig = new ImageRig({ image: someImage() });
        await rig.backup();
        const { base } = (await look(rig.store)).history;
        const state = await rig.state.open(await uuidOfEndpoint(rig));
        const staged = await state.begin();
        await staged.write(table, 0, new TextEncoder().encode(facts));
        await staged.commit(state.committed.meta);
        await state.close();
        await expect(rig.backup({}, 'refused'), `${table} ${facts}`).rejects.toMatchObject({
          code,
          remedy: expect.stringMatching(/[Rr]ebuild the state/),
        });
        // Nothing was committed, and the way out works in the same folder.
        expect((await look(rig.store)).history.base).toEqual(base);
        await rig.rebuild(rig.state);
        expect((await rig.backup({}, 'again')).uploads.blocks).toEqual([0, 0, 0]);
      }
    }
  });

  it('is not made where the trees are not those of an image', async () => {
    const rig = new Rig();
    rig.volume.create('/a');
    rig.volume.write('/a', 0, imageOf([1, 2, 3]));
    rig.snapshot();
    await rig.backup();
    const rebuilder = new ImageCatalogueRebuilder({ compute: inlineCompute });
    const kind = { kind: 'wafl', rebuild: rebuilder.rebuild.bind(rebuilder) };
    const state = new MemoryStateStore();
    // Of another kind it is left out.
    const request = { state, writer: 'host-a' };
    expect(await rig.endpoint.rebuildVmap({ ...request, catalogues: [rebuilder] })).toMatchObject({ catalogue: false });
    rig.volume.create('/b');
    rig.volume.write('/b', 0, imageOf([4]));
    rig.snapshot();
    const second = new Rig({ volume: rig.volume, store: rig.store, state });
    await second.backup({ snapshot: 's2' });
    await expect(rig.endpoint.rebuildVmap({ ...request, catalogues: [kind] })).rejects.toMatchObject({
      code: 'CLOUD_CORRUPT',
      message: expect.stringContaining('no backup of an image'),
    });
  });
});

describe('a rebuild', () => {
  it('into the state of another endpoint is refused before anything is taken over', async () => {
    const rig = new ImageRig({ image: someImage() });
    await rig.backup();
    const state = STATES['in a folder']?.();
    const other = new ImageRig({ image: someImage(), store: rig.store, name: 'vol2', ...(state && { state }) });
    await other.backup();
    const before = (await look(rig.store)).history;
    await expect(rig.rebuild(other.state)).rejects.toMatchObject({
      code: 'STATE_WRONG_OWNER',
      remedy: expect.any(String),
    });
    expect((await look(rig.store)).history).toEqual(before);
    expect((await other.backup({}, 'again')).uploads.blocks).toEqual([0, 0, 0]);
  });

  it('of an endpoint without a base says so, and takes nothing over', async () => {
    const rig = new ImageRig({ image: someImage() });
    await rig.backup();
    await rig.endpoint.forget({ snapshots: ['b1'], sequel: 'baseline' });
    const before = (await look(rig.store)).history;
    expect(before).not.toEqual(NO_ENDPOINT);
    await expect(rig.rebuild()).rejects.toMatchObject({ code: 'CLOUD_SNAPSHOT_UNKNOWN' });
    expect((await look(rig.store)).history).toEqual(before);
  });

  it('that fails at any read leaves the state as it was, and the next one does it', { timeout: 60_000 }, async () => {
    const memory = new MemoryObjectStore();
    const rig = new ImageRig({ image: someImage(), store: memory });
    await rig.backup();
    const store = new FaultyObjectStore(memory);
    const again = new ImageRig({ image: rig.image, store });
    let state: StateStore = rig.state;
    let points = 0;
    for (let failed = true; failed; points += 4) {
      const code = 'OBJECT_STORE_UNAVAILABLE';
      const mend = store.addFault({ kind: 'fails', when: 'before', code, method: 'get', after: points, times: 1 });
      // The first time into the state that is there, then into a new one.
      failed = await again.rebuild(state).then(
        () => false,
        () => true,
      );
      mend();
      if (failed && state === rig.state) expect((await rig.backup({}, 'kept')).uploads.blocks).toEqual([0, 0, 0]);
      state = new MemoryStateStore();
    }
    expect(points).toBeGreaterThan(30);
    expect((await again.backup({}, 'last')).uploads.blocks).toEqual([0, 0, 0]);
  });
});

const step = oneof(
  {
    weight: 6,
    arbitrary: record({
      do: constantFrom('write' as const),
      block: integer({ min: 0, max: 79 }),
      content: integer({ min: 0, max: 12 }),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      do: constantFrom('resize' as const),
      blocks: integer({ min: 0, max: 80 }),
      tail: integer({ min: 1, max: BLOCK }),
    }),
  },
  { weight: 3, arbitrary: record({ do: constantFrom('backup' as const, 'rebuild' as const, 'forget' as const) }) },
);

describe('a history with rebuilds', () => {
  const runs = Number(process.env['CLOUD_REBUILDS'] ?? 15);
  it('uploads what the same history without them does, and restores the same', {
    timeout: 60_000 + runs * 5000,
  }, async () => {
    const property = asyncProperty(array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const image = someImage();
      const [kept, lost] = [new ImageRig({ image }), new ImageRig({ image })];
      const contents = new Map<string, Uint8Array>();
      let name = 0;
      const backUp = async () => {
        const found = `b${++name}`;
        const one = await kept.backup({}, found);
        const other = await lost.backup({}, found);
        expect(other.uploads.blocks).toEqual(one.uploads.blocks);
        contents.set(found, image.bytes.slice());
      };
      await backUp();
      for (const some of steps) {
        if (some.do === 'write' && some.block * BLOCK < image.bytes.length) write(image, some.block, some.content);
        else if (some.do === 'resize') {
          const bytes = new Uint8Array(Math.max(0, (some.blocks - 1) * BLOCK + some.tail));
          bytes.set(image.bytes.subarray(0, bytes.length));
          image.bytes = bytes;
        } else if (some.do === 'backup') await backUp();
        else if (some.do === 'rebuild') await lost.rebuild();
        else if (some.do === 'forget' && contents.size > 1) {
          const [oldest = ''] = contents.keys();
          contents.delete(oldest);
          for (const rig of [kept, lost]) {
            await rig.endpoint.forget({ snapshots: [oldest] });
            await rig.endpoint.collect();
          }
        }
      }
      await lost.rebuild();
      await backUp();
      for (const [snapshot, bytes] of contents) {
        expect(Buffer.from(await lost.restored({ snapshot })).equals(bytes), snapshot).toBe(true);
      }
      expect(await problemsOf(lost.store, lost.source.state, smallVolume())).toEqual([]);
    });
    await hold(property, { numRuns: runs, seed: 3, endOnFailure: true });
  });
});

async function uuidOfEndpoint(rig: ImageRig): Promise<string> {
  return (await rig.endpoint.list()).uuid;
}
