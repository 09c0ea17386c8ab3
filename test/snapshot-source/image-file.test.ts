import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, open, rm, stat, unlink, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataRange, seekDataRanges } from '../../src/snapshot-source/data-ranges.ts';
import { openImageFile } from '../../src/snapshot-source/image-file.ts';
import { ImageSnapshotSource } from '../../src/snapshot-source/image-snapshot-source.ts';
import { IMAGE_INODE } from '../../src/snapshot-source/image-tree.ts';
import type { OpenSnapshot, SnapshotSource } from '../../src/snapshot-source/snapshot-source.ts';
import { DirectoryStateStore } from '../../src/state/directory.ts';
import { MemoryStateStore } from '../../src/state/memory.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { type SnapshotSourceSubject, snapshotSourceContract } from '../../src/testing/snapshot-source-contract.ts';
import { collect, ENDPOINT, inlineCompute } from './image-endpoint.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const TIB = 2 ** 40;
const env = { clock: { now: () => 5, sleep: async () => {} }, random: new SeededRandom(1) };

/** A sparse file with these bytes at these places. */
async function sparseFile(name: string, sizeBytes: number, data: readonly (readonly [number, Uint8Array])[]) {
  const path = join(folder, name);
  const file = await open(path, 'w');
  await file.truncate(sizeBytes);
  for (const [at, bytes] of data) await file.write(bytes, 0, bytes.length, at);
  await file.close();
  return path;
}

/** Whether this system can say where holes are; without it, everything is read. */
const seeksHoles = ['perl', 'python3'].some((command) => {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux';
  } catch {
    return false;
  }
});

describe('the data ranges of a file', () => {
  it('are all of a descriptor that knows nothing of holes', async () => {
    const file = await open('/dev/null', 'r');
    expect(await collect(seekDataRanges(file.fd, 5000))).toEqual([{ from: 0, to: 5000 }]);
    await file.close();
  });

  it.skipIf(!seeksHoles)('leave the holes of a sparse file out, and nothing else', async () => {
    const data = new Uint8Array(100_000).fill(7);
    const path = await sparseFile('ranges.raw', 64 * 2 ** 20, [
      [10 * 2 ** 20, data],
      [50 * 2 ** 20 + 1, data],
    ]);
    const file = await open(path, 'r');
    const ranges = await collect(seekDataRanges(file.fd, 64 * 2 ** 20));
    await file.close();
    const isIn = (byte: number) => ranges.some(({ from, to }) => from <= byte && byte < to);
    expect([10 * 2 ** 20, 10 * 2 ** 20 + 99_999, 50 * 2 ** 20 + 1, 50 * 2 ** 20 + 100_000].every(isIn)).toBe(true);
    expect([0, 5 * 2 ** 20, 30 * 2 ** 20, 64 * 2 ** 20 - 1].some(isIn)).toBe(false);
    expect(bytesOf(ranges)).toBeLessThan(2 ** 20);
  });

  it('end with the signal', async () => {
    const file = await open(await sparseFile('signal.raw', 4096, []), 'r');
    const reason = new Error('enough');
    await expect(collect(seekDataRanges(file.fd, 4096, AbortSignal.abort(reason)))).rejects.toBe(reason);
    await file.close();
  });
});

describe('an image file', () => {
  it('that is not there, or is a folder, is a typed error', async () => {
    for (const path of [join(folder, 'nowhere'), folder]) {
      await expect(openImageFile(path)).rejects.toMatchObject({ code: 'CLOUD_SOURCE_UNREADABLE', object: path });
    }
  });

  it('tells when another file is at its path', async () => {
    const path = await sparseFile('replaced.raw', 4096, []);
    const handle = await openImageFile(path);
    expect(await handle.facts()).toMatchObject({ sizeBytes: 4096 });
    // Kept by a second name, so that its number is not given to the next file.
    await copyFile(path, `${path}.new`);
    await unlink(path);
    expect(await handle.facts()).toBeUndefined();
    await copyFile(`${path}.new`, path);
    expect(await handle.facts()).toBeUndefined();
    await handle.close();
  });

  it.skipIf(!seeksHoles)('of eight TiB with a few MiB of data costs what the data cost', async () => {
    const data = (byte: number) => new Uint8Array(2 ** 20).map((_, at) => byte + (at >>> 12));
    const path = await sparseFile('huge.raw', 8 * TIB, [
      [0, data(1)],
      [3 * TIB, data(2)],
      [8 * TIB - 2 ** 20, data(3)],
    ]);
    let bytesRead = 0;
    const state = new DirectoryStateStore(join(folder, 'huge-state'));
    const source = new ImageSnapshotSource({
      path,
      state,
      env,
      compute: inlineCompute,
      openImage: async (name) => {
        const handle = await openImageFile(name);
        const read: typeof handle.read = (into, position) => {
          bytesRead += into.length;
          return handle.read(into, position);
        };
        return { ...handle, read };
      },
    });
    global.gc?.();
    const before = process.memoryUsage();
    for (let round = 0; round < 2; round++) {
      bytesRead = 0;
      const opened = await source.state.open(ENDPOINT);
      const staged = await opened.begin();
      const snapshot = await source.open(source.take({ name: `s${round}` }).uuid);
      const base = (await source.snapshots())[0]?.uuid;
      const pieces = await collect(snapshot.changedRoots(round === 0 ? undefined : base));
      expect(pieces.length > 0).toBe(round === 0);
      const root = (await collect(snapshot.roots())).flat().find(({ number }) => number === IMAGE_INODE);
      expect(root).toMatchObject({ sizeBytes: 8 * TIB, height: 2 });
      expect(root?.topmost.filter((vvbn) => vvbn !== 0)).toHaveLength(3);
      await staged.commit(new Uint8Array());
      await snapshot.close();
      await opened.close();
      expect(bytesRead).toBeLessThan(4 * 2 ** 20);
    }
    const after = process.memoryUsage();
    expect(after.rss - before.rss).toBeLessThan(300 * 2 ** 20);
  });
});

/**
 * A history of an image, each moment a copy of the file as a storage system's snapshot is. The first that is read is
 * committed as the base, the others are read against it and given up.
 */
class ImageHistory implements SnapshotSource {
  readonly path: string;
  readonly #shared: ImageSnapshotSource;
  readonly #moments = new Map<string, string>();
  #hasBase = false;
  #copies = 0;

  constructor(path: string) {
    this.path = path;
    this.#shared = this.#sourceOf(path);
  }

  readonly #store = new MemoryStateStore();

  #sourceOf(path: string): ImageSnapshotSource {
    const limits = {
      tablePages: 2,
      indexEntries: 4,
      indexPages: 1,
      filterBytes: 16_384,
      blocksPerChunk: 8,
      readAhead: 1,
    };
    return new ImageSnapshotSource({
      path,
      id: 'the image',
      name: 'disk.raw',
      state: this.#store,
      compute: inlineCompute,
      env,
      pointersPerBlock: 4,
      limits,
    });
  }

  async keep(): Promise<string> {
    const copy = `${this.path}.${this.#copies++}`;
    const { atime, mtime } = await stat(this.path);
    await copyFile(this.path, copy);
    await utimes(copy, atime, mtime);
    this.#moments.set(`moment ${this.#copies}`, copy);
    return `moment ${this.#copies}`;
  }

  drop(uuid: string): void {
    this.#moments.delete(uuid);
  }

  facts: SnapshotSource['facts'] = (options) => this.#shared.facts(options);

  snapshots: SnapshotSource['snapshots'] = async (options = {}) => {
    options.signal?.throwIfAborted();
    return [...this.#moments.keys()].map((uuid) => ({ uuid, name: uuid, createdAt: 1 }));
  };

  open: SnapshotSource['open'] = async (uuid, options = {}) => {
    const source = this.#sourceOf(this.#moments.get(uuid) ?? this.path);
    if (!this.#moments.has(uuid)) return await source.open(uuid, options);
    const state = await source.state.open(ENDPOINT, { breakLock: true });
    const base = (await source.snapshots())[0]?.uuid;
    if (base !== uuid) source.take({ name: uuid, uuid });
    const staged = await state.begin();
    let open: OpenSnapshot = await source.open(uuid, options);
    const scan = async function* (this: ImageHistory, ...given: Parameters<OpenSnapshot['changedRoots']>) {
      yield* open.changedRoots(...given);
      if (this.#hasBase) return;
      this.#hasBase = true;
      await staged.commit(new Uint8Array());
      await open.close();
      open = await source.open(uuid);
    }.bind(this);
    return {
      snapshot: open.snapshot,
      changedRoots: scan,
      readPointers: (...given) => open.readPointers(...given),
      readBlocks: (...given) => open.readBlocks(...given),
      roots: (...given) => open.roots(...given),
      held: (...given) => open.held(...given),
      async close() {
        await open.close();
        await staged.discard().catch(() => {});
      },
    };
  };
}

describe('the contract of snapshot sources, kept by images', () => {
  let subjects = 0;
  async function subject(): Promise<SnapshotSourceSubject> {
    const path = await sparseFile(`contract-${subjects++}.raw`, 50 * 4096, []);
    const source = new ImageHistory(path);
    return {
      source,
      inode: IMAGE_INODE,
      blocks: 50,
      async write(block, byte) {
        const file = await open(path, 'r+');
        await file.write(new Uint8Array(4096).fill(byte), 0, 4096, block * 4096);
        await file.close();
      },
      snapshot: () => source.keep(),
      drop: async (uuid) => source.drop(uuid),
    };
  }

  for (const { name, run } of snapshotSourceContract) it(name, async () => run(await subject()));
});

function bytesOf(ranges: readonly DataRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}
