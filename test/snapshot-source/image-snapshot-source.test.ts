import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIRECTORY_METAFILE, INODE_METAFILE } from '../../src/core/wafl/image.ts';
import { decodeDirectoryBlock, decodeInodeBlock } from '../../src/core/wafl/metafiles.ts';
import { CloudError, StateError } from '../../src/errors.ts';
import { IMAGE_INODE } from '../../src/snapshot-source/image-tree.ts';
import { DirectoryStateStore } from '../../src/state/directory.ts';
import { MemoryStateStore } from '../../src/state/memory.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { VolatileDisk } from '../../src/testing/volatile-disk.ts';
import { ScriptedSigns } from '../state/scripted-signs.ts';
import {
  Crash,
  collect,
  contentOf,
  ENDPOINT,
  fileBlocks,
  ImageEndpoint,
  imageOf,
  imageSource,
  MemoryImage,
  type StoredSnapshot,
  TINY_LIMITS,
  whereDataIs,
} from './image-endpoint.ts';

describe('a backup of an image', () => {
  it('stores what the image has, and reads it once', async () => {
    const image = new MemoryImage(
      imageOf([1, 2, 0, 3, 1, 0, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17], 100),
    );
    const snapshot = await new ImageEndpoint().backUp(imageSource(new MemoryStateStore(), image));
    expect(Buffer.compare(contentOf(snapshot), image.bytes)).toBe(0);
    expect(new Set(image.reads.values())).toEqual(new Set([1]));
  });

  it('gives equal blocks one VVBN and zeros none', async () => {
    const image = new MemoryImage(imageOf([1, 2, 0, 1, 0, 2, 3]));
    const vvbns = fileBlocks(await new ImageEndpoint().backUp(imageSource(new MemoryStateStore(), image)));
    expect(vvbns[3]).toBe(vvbns[0]);
    expect(vvbns[5]).toBe(vvbns[1]);
    expect([vvbns[2], vvbns[4]]).toEqual([0, 0]);
    expect(new Set(vvbns).size).toBe(4);
  });
});

describe('an incremental backup of an image', () => {
  const many = Array.from({ length: 80 }, (_, at) => 1000 + at);

  it('sends nothing when nothing changed', async () => {
    const state = new MemoryStateStore();
    const endpoint = new ImageEndpoint();
    const image = new MemoryImage(imageOf(many));
    await endpoint.backUp(imageSource(state, image));
    const next = await endpoint.backUp(imageSource(state, image));
    expect(next.sent).toEqual([[], [], []]);
    expect(next.pieces).toBe(0);
  });

  it('sends a changed block and what is above it, wherever the block went', async () => {
    const state = new MemoryStateStore();
    const endpoint = new ImageEndpoint();
    await endpoint.backUp(imageSource(state, new MemoryImage(imageOf(many))));
    const next = await endpoint.backUp(imageSource(state, new MemoryImage(imageOf(many.with(50, 7)))));
    expect(next.sent.map(({ length }) => length)).toEqual([1, 1, 1]);
    const moved = await endpoint.backUp(imageSource(state, new MemoryImage(imageOf(many.with(50, 1002).with(2, 7)))));
    expect(moved.sent.map(({ length }) => length)).toEqual([0, 2, 2]);
  });

  it('knows a block again that comes back after a transfer was given up', async () => {
    const state = new MemoryStateStore();
    const endpoint = new ImageEndpoint();
    const image = new MemoryImage(imageOf(many));
    const first = await endpoint.backUp(imageSource(state, image));
    const crash = endpoint.backUp(imageSource(state, new MemoryImage(imageOf(many.map((name) => name + 5000)))), {
      crashAfterPieces: 9,
      checkpointEvery: 2,
    });
    await expect(crash).rejects.toThrow(Crash);
    const next = await endpoint.backUp(imageSource(state, image));
    expect(next.sent).toEqual([[], [], []]);
    expect(fileBlocks(next)).toEqual(fileBlocks(first));
  });

  it('that is gone on with sends only what was not sent before the crash', async () => {
    const state = new MemoryStateStore();
    const endpoint = new ImageEndpoint();
    const image = new MemoryImage(imageOf(many));
    await expect(endpoint.backUp(imageSource(state, image), { crashAfterPieces: 9 })).rejects.toThrow(Crash);
    const rest = await endpoint.backUp(imageSource(state, image), { resume: true });
    expect(contentOf(rest)).toEqual(image.bytes);
    // Nine pieces are six chunks of eight blocks and three L2 blocks; two of the rest are of metafiles.
    expect(rest.sent[0].length).toBe(80 - 6 * 8 + 2);
  });

  it('uses the numbers of blocks again that no snapshot has', async () => {
    const state = new MemoryStateStore();
    const endpoint = new ImageEndpoint();
    let highest = 0;
    for (let round = 0; round < 12; round++) {
      const blocks = many.map((name) => name * 100 + round);
      const snapshot = await endpoint.backUp(imageSource(state, new MemoryImage(imageOf(blocks))));
      highest = Math.max(highest, ...fileBlocks(snapshot));
    }
    expect(highest).toBeLessThanOrEqual(2 * (many.length + 2));
  });
});

describe('a snapshot of an image', () => {
  it('is a volume with one file', async () => {
    const image = new MemoryImage(imageOf([1, 2, 3], 10));
    const snapshot = await new ImageEndpoint().backUp(imageSource(new MemoryStateStore(), image));
    expect(snapshot.roots.map(({ number }) => number)).toEqual([INODE_METAFILE, DIRECTORY_METAFILE, 64, IMAGE_INODE]);
    const inodes = decodeInodeBlock(contentOf(snapshot, INODE_METAFILE).slice(4096));
    expect(inodes).toMatchObject([
      { number: 64, type: 'directory' },
      { number: IMAGE_INODE, type: 'file', sizeBytes: 8202, mode: 0o600, uid: 1, gid: 2, mtime: 1000 },
    ]);
    expect(decodeDirectoryBlock(contentOf(snapshot, DIRECTORY_METAFILE))).toEqual([
      { slot: 0, parent: 64, name: 'vm.raw', child: IMAGE_INODE },
    ]);
  });

  it('can be read as long as it is the base, and fails where the image has changed since', async () => {
    const store = new MemoryStateStore();
    const image = new MemoryImage(imageOf([1, 2, 3, 4, 5, 6]));
    const snapshot = await new ImageEndpoint().backUp(imageSource(store, image));
    const vvbns = Float64Array.from(fileBlocks(snapshot));
    const source = imageSource(store, image);
    await source.state.open(ENDPOINT, { breakLock: true });
    expect((await source.snapshots()).map(({ uuid }) => uuid)).toEqual([snapshot.uuid]);
    const open = await source.open(snapshot.uuid);
    expect(Buffer.compare(await open.readBlocks(vvbns), image.bytes)).toBe(0);
    image.bytes = imageOf([1, 2, 3, 9, 5, 6]);
    expect((await open.readBlocks(vvbns.slice(0, 3))).length).toBe(3 * 4096);
    await expect(open.readBlocks(vvbns)).rejects.toMatchObject({
      code: 'CLOUD_SOURCE_CHANGED',
      details: { from: 3 * 4096, to: 4 * 4096 },
    });
    const metafile = snapshot.roots.find(({ number }) => number === DIRECTORY_METAFILE)?.topmost ?? new Float64Array();
    expect(decodeDirectoryBlock(await open.readBlocks(metafile))).toHaveLength(1);
  });
});

describe('an image that does not keep still', () => {
  const blocks = Array.from({ length: 60 }, (_, at) => 1000 + at);

  /** Backs an image up to which `act` is done when its 40th block is about to be read. */
  async function disturbed(act: (image: MemoryImage) => void, options = {}): Promise<StoredSnapshot> {
    const image = new MemoryImage(imageOf(blocks));
    image.onRead = (position) => {
      if (position === 40 * 4096) act(image);
    };
    return await new ImageEndpoint().backUp(imageSource(new MemoryStateStore(), image, options));
  }

  const touched = (image: MemoryImage) => {
    image.changedAt++;
  };

  it('fails the backup when it was written to, unless that is allowed', async () => {
    await expect(disturbed(touched)).rejects.toMatchObject({ code: 'CLOUD_SOURCE_CHANGED', object: '/images/vm.raw' });
    expect(contentOf(await disturbed(touched, { allowChanges: true }))).toEqual(imageOf(blocks));
  });

  it('fails the backup when it shrinks, naming where it ends, even if changes are allowed', async () => {
    const shrink = (image: MemoryImage) => {
      image.bytes = image.bytes.slice(0, 50 * 4096 + 1);
    };
    await expect(disturbed(shrink, { allowChanges: true })).rejects.toMatchObject({
      code: 'CLOUD_SOURCE_CHANGED',
      details: { from: 50 * 4096 + 1, to: 60 * 4096 },
    });
  });

  it('fails the backup when it vanishes, even if changes are allowed', async () => {
    const vanish = (image: MemoryImage) => {
      image.gone = true;
    };
    await expect(disturbed(vanish, { allowChanges: true })).rejects.toMatchObject({ code: 'CLOUD_SOURCE_CHANGED' });
  });

  it('fails the backup where it cannot be read, naming the range', async () => {
    const image = new MemoryImage(imageOf(blocks));
    const { read } = MemoryImage.prototype;
    image.read = (into, position) => {
      const overlaps = position < 43 * 4096 && position + into.length > 41 * 4096;
      return overlaps ? Promise.reject(new Error('EIO')) : read.call(image, into, position);
    };
    await expect(new ImageEndpoint().backUp(imageSource(new MemoryStateStore(), image))).rejects.toMatchObject({
      code: 'CLOUD_SOURCE_UNREADABLE',
      details: { from: 41 * 4096, to: 43 * 4096 },
      message: 'bytes 167936 to 176128 of /images/vm.raw cannot be read',
    });
  });

  it('keeps what was read, whatever is at its place by the time it is stored', async () => {
    const image = new MemoryImage(imageOf(blocks));
    image.onRead = (position) => {
      if (position >= 8 * 4096) image.bytes = imageOf(blocks.map((name, at) => (at < 8 ? 1 : name)));
    };
    const source = imageSource(new MemoryStateStore(), image);
    expect(contentOf(await new ImageEndpoint().backUp(source))).toEqual(imageOf(blocks));
  });
});

describe('the catalogue of an image', () => {
  it('is not used for another image, nor for another base', async () => {
    const store = new MemoryStateStore();
    const image = new MemoryImage(imageOf([1, 2, 3]));
    const endpoint = new ImageEndpoint();
    await endpoint.backUp(imageSource(store, image));
    await expect(endpoint.backUp(imageSource(store, image, { id: 'another' }))).rejects.toMatchObject({
      code: 'CLOUD_SOURCE_CHANGED',
    });
    const source = imageSource(store, image);
    const state = await source.state.open(ENDPOINT);
    await state.begin();
    const open = await source.open(source.take({ name: 's' }).uuid);
    await expect(collect(open.changedRoots('of-another-state'))).rejects.toMatchObject({ code: 'CLOUD_BASE_GONE' });
    expect(await collect(open.changedRoots(undefined))).not.toHaveLength(0);
  });

  it('is not committed half-way between two snapshots', async () => {
    const source = imageSource(new MemoryStateStore(), new MemoryImage(imageOf([1, 2, 3])));
    const state = await source.state.open(ENDPOINT);
    const staged = await state.begin();
    const open = await source.open(source.take({ name: 's' }).uuid);
    const pieces = open.changedRoots(undefined)[Symbol.asyncIterator]();
    await pieces.next();
    await expect(staged.commit(new Uint8Array())).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(open.readPointers(1, Float64Array.of(77))).rejects.toMatchObject({ code: 'INTERNAL' });
    while (!(await pieces.next()).done);
    await expect(staged.commit(new Uint8Array())).resolves.toMatchObject({ number: 1 });
  });

  it('that is damaged is a typed error, whichever of its tables it is', async () => {
    const tables = ['catalogue.facts', 'catalogue.held', 'catalogue.identity', 'catalogue.place', 'catalogue.areas'];
    tables.push('catalogue.index-0', 'catalogue.filter', 'image.facts', 'image.level-0', 'image.level-1');
    for (const table of tables) {
      const store = new MemoryStateStore();
      const endpoint = new ImageEndpoint();
      await endpoint.backUp(imageSource(store, new MemoryImage(imageOf([1, 2, 3, 4, 5, 6]))));
      const state = await store.open(ENDPOINT);
      const [page] = await collect(state.pages(table));
      const staged = await state.begin();
      await staged.write(table, page ?? 0, Uint8Array.of(1, 2, 3));
      await staged.commit(state.committed.meta);
      await state.close();
      const next = endpoint.backUp(imageSource(store, new MemoryImage(imageOf([1, 7, 8, 4, 5, 6, 9]))));
      await expect(next, table).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
    }
  });

  it('is of no use without its state, and says so', async () => {
    const source = imageSource(new MemoryStateStore(), new MemoryImage(imageOf([1])));
    const { uuid } = source.take({ name: 's' });
    const open = await source.open(uuid);
    await expect(collect(open.changedRoots(undefined))).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(collect(open.roots())).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(source.open('unknown')).rejects.toThrow(CloudError);
  });
});

describe('the histories of an image', () => {
  /** Blocks by name: few names make duplicates, fresh ones make news. */
  const names = fc.array(fc.oneof(fc.nat(6), fc.integer({ min: 7, max: 200 })), { maxLength: 60, size: 'max' });
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  const step = fc.record({
    change: fc.oneof(
      fc.record({ kind: fc.constant('write' as const), at: part, names }),
      fc.record({ kind: fc.constant('shift' as const), at: part, names: fc.array(fc.nat(300), { maxLength: 4 }) }),
      fc.record({ kind: fc.constant('punch' as const), at: part, blocks: fc.nat(40) }),
      fc.record({ kind: fc.constant('swap' as const), at: part, other: part }),
      fc.record({ kind: fc.constant('resize' as const), blocks: fc.nat(90), tail: fc.integer({ min: 1, max: 4096 }) }),
    ),
    end: fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
    ),
    checkpointEvery: fc.integer({ min: 1, max: 6 }),
    resume: fc.integer({ min: 0, max: 3 }).map((number) => number > 0),
    baseline: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
    seeksHoles: fc.boolean(),
  });

  it('are stored whole, share what is equal, and keep what does not change, through commits, give-ups and crashes', async () => {
    await fc.assert(
      fc.asyncProperty(names, fc.array(step, { maxLength: 8, size: 'max' }), async (first, steps) => {
        const state = new MemoryStateStore();
        const endpoint = new ImageEndpoint();
        let [blocks, tail] = [first, 4096];
        for (const { change, end, seeksHoles, ...options } of steps) {
          [blocks, tail] = changed(blocks, tail, change);
          const image = new MemoryImage(imageOf(blocks, tail));
          const source = imageSource(state, image, seeksHoles ? { findDataRanges: whereDataIs(image) } : {});
          const before = endpoint.base;
          try {
            const after = await endpoint.backUp(source, { ...options, crashAfterPieces: end });
            expect(Buffer.compare(contentOf(after), image.bytes)).toBe(0);
            expectSharing(fileBlocks(after), image.bytes);
            if (before !== undefined) expectNothingRenumbered(before, after);
          } catch (error) {
            if (!(error instanceof Crash)) throw error;
            expect(endpoint.base).toBe(before);
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('a backup of an image when the power fails', () => {
  /** Enough that what is written is written for a reason, and lies in memory until then. */
  const LIMITS = { ...TINY_LIMITS, tablePages: 32, indexEntries: 256, indexPages: 32 };

  it('loses no earlier snapshot, and what follows is whole, at whatever change of the disk it fails', async () => {
    const histories: readonly (readonly number[])[] = [
      [1, 2, 3, 0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
      [1, 2, 30, 0, 5, 6, 7, 8, 9, 31, 11, 12, 13, 14, 1, 16, 17, 18, 19, 32],
      [40, 41, 42, 43, 1, 2, 30, 0, 5, 6, 7, 8, 9, 31, 44, 12, 13, 14, 1, 16, 17],
    ];
    let crashes = 0;
    for (const outcome of ['nothing', 'random', 'everything'] as const) {
      for (let point = 0; ; point += 9) {
        const disk = new VolatileDisk({ random: new SeededRandom(1000 + point) });
        const endpoint = new ImageEndpoint();
        let stores = 0;
        const store = () => {
          const random = new SeededRandom(7 * point + stores++);
          return new DirectoryStateStore('/srv/state', { disk: disk.attach(), random, signs: new ScriptedSigns() });
        };
        const images = histories.map((names) => new MemoryImage(imageOf(names)));
        const backUp = async (at: number) => {
          const image = images[at] ?? new MemoryImage(new Uint8Array());
          const snapshot = await endpoint.backUp(imageSource(store(), image, { limits: LIMITS }), {
            resume: true,
            checkpointEvery: 3,
          });
          expect(Buffer.compare(contentOf(snapshot), image.bytes)).toBe(0);
        };
        await backUp(0);
        disk.dieAfter(point);
        const failed = await backUp(1).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failed !== undefined && !(failed instanceof StateError)) throw failed;
        disk.crash(outcome);
        // The image has changed meanwhile: blocks come in another order than when their numbers were given.
        await backUp(2);
        await backUp(1);
        if (failed === undefined) break;
        crashes++;
      }
    }
    expect(crashes).toBeGreaterThan(40);
  });
});

type Change =
  | { readonly kind: 'write' | 'shift'; readonly at: number; readonly names: readonly number[] }
  | { readonly kind: 'punch'; readonly at: number; readonly blocks: number }
  | { readonly kind: 'swap'; readonly at: number; readonly other: number }
  | { readonly kind: 'resize'; readonly blocks: number; readonly tail: number };

function changed(blocks: readonly number[], tail: number, change: Change): [blocks: number[], tail: number] {
  const next = [...blocks];
  if (change.kind === 'resize') {
    return [Array.from({ length: change.blocks }, (_, at) => next[at] ?? 0), change.tail];
  }
  const at = Math.floor(change.at * next.length);
  if (change.kind === 'write') next.splice(at, change.names.length, ...change.names);
  if (change.kind === 'shift') next.splice(at, 0, ...change.names);
  if (change.kind === 'punch') next.fill(0, at, at + change.blocks);
  if (change.kind === 'swap' && next.length > 0) {
    const other = Math.min(next.length - 1, Math.floor(change.other * next.length));
    const one = Math.min(next.length - 1, at);
    [next[one], next[other]] = [next[other] ?? 0, next[one] ?? 0];
  }
  return [next, tail];
}

/** Equal blocks have one VVBN, different ones have two, and zeros have none. */
function expectSharing(vvbns: readonly number[], bytes: Uint8Array): void {
  const byContent = new Map<string, number>();
  vvbns.forEach((vvbn, at) => {
    const block = Buffer.from(bytes.subarray(at * 4096, (at + 1) * 4096))
      .toString('latin1')
      .padEnd(4096, '\0');
    const isZero = /^\0*$/.test(block);
    expect(vvbn === 0).toBe(isZero);
    expect(vvbn).toBe(byContent.get(block) ?? vvbn);
    byContent.set(block, vvbn);
  });
  expect(new Set(byContent.values()).size).toBe(byContent.size);
}

/** Whatever both snapshots have, at any level, has the VVBN that it had. */
function expectNothingRenumbered(before: StoredSnapshot, after: StoredSnapshot): void {
  const textOf = (level: number, content: Uint8Array | Float64Array) => {
    return `${level} ${Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1')}`;
  };
  const known = new Map([...before.vmap].map(([vvbn, { level, content }]) => [textOf(level, content), vvbn]));
  for (const [vvbn, { level, content }] of after.vmap) {
    expect(vvbn).toBe(known.get(textOf(level, content)) ?? vvbn);
  }
}
