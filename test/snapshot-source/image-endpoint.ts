/**
 * A small stand-in for the engine: backs an image up again and again into a model of an object store that remembers what was
 * stored for each VVBN, and lets a test cut a transfer off anywhere. What is stored is never corrected: a VVBN that means two
 * things is found when the snapshot is read back.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { InlineCompute } from '../../src/compute/inline.ts';
import { decodeGroup, encodeObject } from '../../src/core/cloud/format/object.ts';
import type { InodeRoot } from '../../src/core/cloud/inode-root.ts';
import type { ImageHandle } from '../../src/snapshot-source/image-file.ts';
import type { ImageLimits } from '../../src/snapshot-source/image-scan.ts';
import { ImageSnapshotSource, type ImageSourceOptions } from '../../src/snapshot-source/image-snapshot-source.ts';
import { IMAGE_INODE } from '../../src/snapshot-source/image-tree.ts';
import type { OpenSnapshot } from '../../src/snapshot-source/snapshot-source.ts';
import type { EndpointState, StagedVersion, StateStore } from '../../src/state/state.ts';

export const ENDPOINT = '6f1c1f5e-3a52-4b8b-9d5e-0b8f6d1f7a01';
const BLOCK = 4096;

/** Memory so small that everything is put away and fetched again all the time. */
export const TINY_LIMITS: ImageLimits = {
  tablePages: 2,
  indexEntries: 4,
  indexPages: 1,
  filterBytes: 16_384,
  blocksPerChunk: 8,
  readAhead: 1,
};

/** An image in memory. `times` counts how often each block was read. */
export class MemoryImage implements ImageHandle {
  readonly descriptor = -1;
  bytes: Uint8Array;
  changedAt = 1_000;
  reads = new Map<number, number>();
  /** Called before each read. */
  onRead: (position: number) => void = () => {};
  gone = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.onRead(position);
    for (let at = position; at < position + into.length; at += BLOCK) {
      this.reads.set(at / BLOCK, (this.reads.get(at / BLOCK) ?? 0) + 1);
    }
    const found = this.bytes.subarray(position, position + into.length);
    into.set(found);
    return found.length;
  }

  async facts() {
    if (this.gone) return undefined;
    return { sizeBytes: this.bytes.length, changedAt: this.changedAt, mode: 0o600, uid: 1, gid: 2 };
  }

  async close(): Promise<void> {}
}

/** All of an image may have data. */
export async function* everywhere(_descriptor: number, sizeBytes: number) {
  yield { from: 0, to: sizeBytes };
}

/** Only runs of blocks that are not zeros, as a file system may tell. */
export function whereDataIs(image: MemoryImage): NonNullable<ImageSourceOptions['findDataRanges']> {
  return async function* () {
    const { bytes } = image;
    for (let from = 0; from < bytes.length; from += BLOCK) {
      const to = Math.min(bytes.length, from + BLOCK);
      if (bytes.subarray(from, to).some((byte) => byte !== 0)) yield { from, to };
    }
  };
}

const env: ImageSourceOptions['env'] = {
  clock: { now: () => 1_700_000_000_000, sleep: async () => {} },
  random: { next: () => 0.5, uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}` },
};
let uuids = 0;

export const inlineCompute = new InlineCompute({ encodeObject, decodeGroup });

export function imageSource(
  state: StateStore,
  image: MemoryImage,
  options: Partial<ImageSourceOptions> = {},
): ImageSnapshotSource {
  return new ImageSnapshotSource({
    path: '/images/vm.raw',
    state,
    compute: inlineCompute,
    env,
    pointersPerBlock: 4,
    limits: TINY_LIMITS,
    openImage: async () => image,
    findDataRanges: everywhere,
    ...options,
  });
}

/** What is stored for a VVBN: a block, or pointers. */
interface Stored {
  readonly level: 0 | 1 | 2;
  readonly content: Uint8Array | Float64Array;
}

type Vmap = ReadonlyMap<number, Stored>;

/** A snapshot in the store: its roots, and what each VVBN was at that time. */
export interface StoredSnapshot {
  readonly uuid: string;
  readonly roots: readonly InodeRoot[];
  readonly vmap: Vmap;
  /** VVBNs that were sent by this transfer, by level. */
  readonly sent: readonly [number[], number[], number[]];
  readonly pieces: number;
}

export interface BackupOptions {
  readonly baseline?: boolean | undefined;
  /** Stops the transfer as a crash would after this many pieces. */
  readonly crashAfterPieces?: number | undefined;
  /** Checkpoints before every n-th piece. */
  readonly checkpointEvery?: number | undefined;
  /** The snapshot that an interrupted transfer was of. */
  readonly uuid?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Crash extends Error {}

/** One endpoint: its VMAP (in memory, by version as the state's is), and what an interrupted transfer left. */
export class ImageEndpoint {
  base: StoredSnapshot | undefined;
  #checkpoint: { readonly uuid: string; readonly base: string | undefined; readonly vmap: Vmap } | undefined;
  /** What became durable after the last checkpoint: journalled at once. */
  #journal = new Map<number, Stored>();

  get interrupted(): string | undefined {
    return this.#checkpoint?.uuid;
  }

  /** Backs the image up; afterwards the snapshot is the base. */
  async backUp(source: ImageSnapshotSource, options: BackupOptions = {}): Promise<StoredSnapshot> {
    const state = await source.state.open(ENDPOINT, { breakLock: true });
    const taken = source.take({ name: 's', uuid: options.uuid });
    const base = options.baseline ? undefined : this.base?.uuid;
    const left = this.#checkpoint;
    const resumes = left?.uuid === taken.uuid && left.base === base ? left : undefined;
    const staged = await this.#stage(state, resumes !== undefined);
    const open = await source.open(taken.uuid);
    try {
      const snapshot = await this.#transfer(open, staged, taken.uuid, resumes?.vmap, options);
      await staged.commit(new Uint8Array());
      this.#checkpoint = undefined;
      this.#journal.clear();
      this.base = snapshot;
      return snapshot;
    } finally {
      // A process that died closes nothing; the next one takes the lock.
      if (options.crashAfterPieces === undefined) {
        await open.close();
        await state.close();
      }
    }
  }

  async #stage(state: EndpointState, resumes: boolean): Promise<StagedVersion> {
    const left = await state.resume();
    if (left !== undefined && resumes) return left;
    await left?.discard();
    this.#checkpoint = undefined;
    this.#journal.clear();
    return await state.begin();
  }

  async #transfer(
    open: OpenSnapshot,
    staged: StagedVersion,
    uuid: string,
    left: Vmap | undefined,
    options: BackupOptions,
  ): Promise<StoredSnapshot> {
    const base = options.baseline ? undefined : this.base;
    const vmap = new Map(left ?? base?.vmap ?? []);
    for (const [vvbn, stored] of left === undefined ? [] : this.#journal) vmap.set(vvbn, stored);
    const sent: [number[], number[], number[]] = [[], [], []];
    const checkpoint = async () => {
      await staged.checkpoint(new Uint8Array([1]));
      this.#checkpoint = { uuid, base: base?.uuid, vmap: new Map(vmap) };
      this.#journal.clear();
    };
    const send = (vvbn: number, stored: Stored) => {
      vmap.set(vvbn, stored);
      this.#journal.set(vvbn, stored);
      sent[stored.level].push(vvbn);
    };
    await checkpoint();
    let pieces = 0;
    for await (const roots of open.changedRoots(base?.uuid, { signal: options.signal })) {
      for (const { height, topmost } of roots) await descend(open, vmap, height, topmost, send);
      pieces++;
      if (pieces === options.crashAfterPieces) throw new Crash('the power failed');
      if (pieces % (options.checkpointEvery ?? Number.POSITIVE_INFINITY) === 0) await checkpoint();
    }
    await this.#invalidate(open, vmap);
    const roots: InodeRoot[] = [];
    for await (const batch of open.roots()) roots.push(...batch);
    checkHeld(roots, vmap);
    return { uuid, roots, vmap, sent, pieces };
  }

  async #invalidate(open: OpenSnapshot, vmap: Map<number, Stored>): Promise<void> {
    const highest = Math.max(0, ...vmap.keys());
    const count = (Math.floor(highest / 32) + 1) * 32;
    const byLevel = await Promise.all(([0, 1, 2] as const).map((level) => open.held(0, count, { level })));
    const isHeld = (vvbn: number, words: Uint32Array | undefined) =>
      (((words?.[vvbn >>> 5] ?? 0) >>> (vvbn & 31)) & 1) === 1;
    for (const [vvbn, { level }] of vmap) {
      byLevel.forEach((words, other) => {
        assert.ok(other === level || !isHeld(vvbn, words), `VVBN ${vvbn} of level ${level} is held at ${other}`);
      });
      if (!isHeld(vvbn, byLevel[level])) vmap.delete(vvbn);
    }
  }
}

async function descend(
  open: OpenSnapshot,
  vmap: Vmap,
  level: 0 | 1 | 2,
  vvbns: Float64Array,
  send: (vvbn: number, stored: Stored) => void,
): Promise<void> {
  const fresh = Float64Array.from(new Set(vvbns)).filter((vvbn) => vvbn !== 0 && !vmap.has(vvbn));
  if (fresh.length === 0) return;
  if (level === 0) {
    const blocks = await open.readBlocks(fresh);
    fresh.forEach((vvbn, at) => {
      send(vvbn, { level, content: blocks.slice(at * BLOCK, (at + 1) * BLOCK) });
    });
    return;
  }
  const pointers = await open.readPointers(level, fresh);
  await descend(open, vmap, (level - 1) as 0 | 1, pointers, send);
  const perBlock = pointers.length / fresh.length;
  fresh.forEach((vvbn, at) => {
    send(vvbn, { level, content: pointers.slice(at * perBlock, (at + 1) * perBlock) });
  });
}

/** What is stored is what the snapshot's trees reach, no more and no less (I1). */
function checkHeld(roots: readonly InodeRoot[], vmap: Vmap): void {
  const reached = new Set<number>();
  const visit = (vvbn: number) => {
    if (vvbn === 0 || reached.has(vvbn)) return;
    reached.add(vvbn);
    const stored = vmap.get(vvbn);
    assert.ok(stored, `VVBN ${vvbn} was never sent`);
    if (stored.level > 0) for (const below of stored.content) visit(below);
  };
  for (const { topmost } of roots) for (const vvbn of topmost) visit(vvbn);
  assert.equal(vmap.size, reached.size, 'the VMAP has what the snapshot does not hold');
}

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** The VVBN of each block of the image. */
export function fileBlocks({ roots, vmap }: StoredSnapshot, inode = IMAGE_INODE): number[] {
  const root = roots.find(({ number }) => number === inode);
  assert.ok(root);
  const below = (vvbn: number, level: number): number[] => {
    if (level === 0) return [vvbn];
    const stored = vvbn === 0 ? new Float64Array(4) : vmap.get(vvbn)?.content;
    assert.ok(stored);
    return Array.from(stored).flatMap((child) => below(child, level - 1));
  };
  const all = Array.from(root.topmost).flatMap((vvbn) => below(vvbn, root.height));
  return all.slice(0, Math.ceil(root.sizeBytes / BLOCK));
}

/** The image as it is stored. */
export function contentOf(snapshot: StoredSnapshot, inode = IMAGE_INODE): Uint8Array {
  const size = snapshot.roots.find(({ number }) => number === inode)?.sizeBytes ?? 0;
  const vvbns = fileBlocks(snapshot, inode);
  const bytes = new Uint8Array(vvbns.length * BLOCK);
  vvbns.forEach((vvbn, at) => {
    if (vvbn !== 0) bytes.set(snapshot.vmap.get(vvbn)?.content ?? [], at * BLOCK);
  });
  return bytes.subarray(0, size);
}

/** Blocks named by numbers: 0 is zeros, equal numbers are equal blocks. */
export function imageOf(blocks: readonly number[], tailBytes = BLOCK): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, blocks.length - 1) * BLOCK + (blocks.length > 0 ? tailBytes : 0));
  blocks.forEach((name, at) => {
    bytes.set(blockOf(name).subarray(0, bytes.length - at * BLOCK), at * BLOCK);
  });
  return bytes;
}

function blockOf(name: number): Uint8Array {
  if (name === 0) return new Uint8Array(BLOCK);
  const seed = createHash('sha256').update(`${name}`).digest();
  return Uint8Array.from({ length: BLOCK }, (_, at) => (seed[at % 32] ?? 0) ^ (at >>> 5));
}
