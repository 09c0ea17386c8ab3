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
import type { EndpointState, Journal, StagedVersion, StateStore } from '../../src/state/state.ts';

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

/** What a checkpoint or a commit says of the transfer. */
interface Note {
  readonly uuid: string;
  readonly base: string | undefined;
  /** VVBN and number of the object. */
  readonly objects: readonly (readonly [vvbn: number, number: number])[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function encodeNote(note: Note): Uint8Array {
  return encoder.encode(JSON.stringify(note));
}

function decodeNote(bytes: Uint8Array): Note | undefined {
  return bytes.length === 0 ? undefined : (JSON.parse(decoder.decode(bytes)) as Note);
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
  /** The same by the number of the object. */
  readonly numbers: ReadonlyMap<number, number>;
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
  /** Goes on with an interrupted transfer, if there is one on the same base. */
  readonly resume?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Crash extends Error {}

/**
 * One endpoint. Objects are in a store that loses nothing; which VVBN is where is in the state: with the checkpoint, in a
 * journal after it, and with the commit.
 */
export class ImageEndpoint {
  base: StoredSnapshot | undefined;
  /** The object store: what was ever stored, by its number. */
  readonly #objects: Stored[] = [];
  readonly #snapshots = new Map<string, StoredSnapshot>();

  /** Backs the image up; afterwards the snapshot is the base. */
  async backUp(source: ImageSnapshotSource, options: BackupOptions = {}): Promise<StoredSnapshot> {
    const state = await source.state.open(ENDPOINT, { breakLock: true });
    this.base = this.#snapshots.get(decodeNote(state.committed.meta)?.uuid ?? '');
    const base = options.baseline ? undefined : this.base;
    const { staged, left } = await this.#stage(state, base, options);
    const taken = source.take({ name: 's', uuid: left?.uuid });
    const open = await source.open(taken.uuid);
    const journal = await state.openJournal('transfer');
    try {
      if (left === undefined) await journal.reset();
      const snapshot = await this.#transfer(open, staged, journal, base, left, options);
      // In the store first, then in the state: who finds the one without the other goes by the state.
      this.#snapshots.set(taken.uuid, snapshot);
      await staged.commit(encodeNote({ uuid: taken.uuid, base: undefined, objects: [] }));
      this.base = snapshot;
      return snapshot;
    } finally {
      // A process that died closes nothing; the next one takes the lock.
      if (options.crashAfterPieces === undefined) {
        await journal.close().catch(() => {});
        await open.close().catch(() => {});
        await state.close().catch(() => {});
      }
    }
  }

  async #stage(
    state: EndpointState,
    base: StoredSnapshot | undefined,
    { resume }: BackupOptions,
  ): Promise<{ readonly staged: StagedVersion; readonly left: Note | undefined }> {
    const staged = await state.resume();
    const left = staged?.checkpointMeta && decodeNote(staged.checkpointMeta);
    if (staged !== undefined && left !== undefined && resume && left.base === base?.uuid) return { staged, left };
    await staged?.discard();
    return { staged: await state.begin(), left: undefined };
  }

  async #transfer(
    open: OpenSnapshot,
    staged: StagedVersion,
    journal: Journal,
    base: StoredSnapshot | undefined,
    left: Note | undefined,
    options: BackupOptions,
  ): Promise<StoredSnapshot> {
    const { uuid } = open.snapshot;
    const numbers = new Map(left?.objects ?? base?.numbers ?? []);
    if (left !== undefined) {
      for await (const record of journal.records()) {
        const [vvbn = 0, number = 0] = JSON.parse(decoder.decode(record)) as number[];
        numbers.set(vvbn, number);
      }
    }
    const sent: [number[], number[], number[]] = [[], [], []];
    let records: Uint8Array[] = [];
    const checkpoint = async () => {
      await staged.checkpoint(encodeNote({ uuid, base: base?.uuid, objects: [...numbers] }));
      await journal.reset();
    };
    const send = (vvbn: number, stored: Stored) => {
      numbers.set(vvbn, this.#objects.push(stored) - 1);
      records.push(encoder.encode(JSON.stringify([vvbn, this.#objects.length - 1])));
      sent[stored.level].push(vvbn);
    };
    await checkpoint();
    let pieces = 0;
    for await (const roots of open.changedRoots(base?.uuid, { signal: options.signal })) {
      for (const { height, topmost } of roots) await descend(open, numbers, height, topmost, send);
      await journal.append(records);
      await journal.sync();
      records = [];
      pieces++;
      if (pieces === options.crashAfterPieces) throw new Crash('the power failed');
      if (pieces % (options.checkpointEvery ?? Number.POSITIVE_INFINITY) === 0) await checkpoint();
    }
    const vmap = new Map([...numbers].map(([vvbn, number]) => [vvbn, this.#object(number)]));
    await this.#invalidate(open, vmap);
    const roots = (await collect(open.roots())).flat();
    checkHeld(roots, vmap);
    return { uuid, roots, vmap, numbers: new Map([...numbers].filter(([vvbn]) => vmap.has(vvbn))), sent, pieces };
  }

  #object(number: number): Stored {
    const stored = this.#objects[number];
    assert.ok(stored);
    return stored;
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
  known: ReadonlyMap<number, unknown>,
  level: 0 | 1 | 2,
  vvbns: Float64Array,
  send: (vvbn: number, stored: Stored) => void,
): Promise<void> {
  const fresh = Float64Array.from(new Set(vvbns)).filter((vvbn) => vvbn !== 0 && !known.has(vvbn));
  if (fresh.length === 0) return;
  if (level === 0) {
    const blocks = await open.readBlocks(fresh);
    fresh.forEach((vvbn, at) => {
      send(vvbn, { level, content: blocks.slice(at * BLOCK, (at + 1) * BLOCK) });
    });
    return;
  }
  const pointers = await open.readPointers(level, fresh);
  await descend(open, known, (level - 1) as 0 | 1, pointers, send);
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
