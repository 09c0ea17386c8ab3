/**
 * A source without VVBNs of its own, as an image or a block device is one: it gives them by content, to data and to
 * its own indirect blocks, reads its data once, in pieces, and answers for the blocks of a piece from what it has
 * just read. It is strict: what a real one could not answer, it refuses. Here to prove that the port fits such a
 * source.
 */
import { createHash } from 'node:crypto';
import type { InodeRoot } from '../../src/core/cloud/inode-root.ts';
import { CloudError } from '../../src/errors.ts';
import type {
  HeldOptions,
  OpenSnapshot,
  SnapshotSource,
  SourceFacts,
  SourceOptions,
  SourceSnapshot,
} from '../../src/snapshot-source/snapshot-source.ts';

const FAN_OUT = 4;
export const IMAGE_INODE = 64;

interface Tree {
  /** VVBNs by block, by group of 4 blocks, by group of 16. */
  readonly levels: [Float64Array, Float64Array, Float64Array];
  readonly pointers: Map<number, Float64Array>;
  readonly places: Map<number, number>;
}

interface Held {
  readonly info: SourceSnapshot;
  readonly image: Uint8Array;
  tree: Tree | undefined;
  dropped: boolean;
}

export class ContentSource implements SnapshotSource {
  readonly image: Uint8Array;
  /** How often each block of a snapshot was read while it was scanned. */
  readonly reads = new Map<string, number>();
  readonly #snapshots: Held[] = [];
  /** Digest (with its level) -> VVBN, of everything that a held snapshot has. */
  readonly #catalogue = new Map<string, number>();

  constructor(blocks: number) {
    this.image = new Uint8Array(blocks * 4096);
  }

  snapshot(uuid: string): void {
    const info = { uuid, name: uuid, createdAt: this.#snapshots.length };
    this.#snapshots.push({ info, image: this.image.slice(), tree: undefined, dropped: false });
  }

  /** VVBNs that no held snapshot has are free to be given again, the lowest first. */
  drop(uuid: string): void {
    const at = this.#snapshots.findIndex(({ info }) => info.uuid === uuid);
    const [gone] = this.#snapshots.splice(at, 1);
    if (gone !== undefined) gone.dropped = true;
    const kept = new Set(this.#snapshots.flatMap(({ tree }) => tree?.levels.flatMap((level) => [...level]) ?? []));
    for (const [digest, vvbn] of this.#catalogue) if (!kept.has(vvbn)) this.#catalogue.delete(digest);
  }

  async facts({ signal }: SourceOptions = {}): Promise<SourceFacts> {
    signal?.throwIfAborted();
    return { kind: 'image', id: 'image-1', pointersPerBlock: FAN_OUT, format: 'image/1', knownBeforeScan: false };
  }

  async snapshots({ signal }: SourceOptions = {}): Promise<SourceSnapshot[]> {
    signal?.throwIfAborted();
    return this.#snapshots.map(({ info }) => info);
  }

  async open(uuid: string, { signal }: SourceOptions = {}): Promise<OpenSnapshot> {
    signal?.throwIfAborted();
    const held = this.#snapshots.find(({ info }) => info.uuid === uuid);
    if (held === undefined) throw new CloudError('CLOUD_SNAPSHOT_UNKNOWN', `no snapshot ${uuid}`);
    return new OpenImage(held, {
      vvbnFor: (bytes, level) => this.#vvbnFor(bytes, level),
      holds: (base) => this.#snapshots.some(({ info }) => info.uuid === base),
      read: (block) => this.reads.set(`${uuid} ${block}`, (this.reads.get(`${uuid} ${block}`) ?? 0) + 1),
    });
  }

  #vvbnFor(bytes: Uint8Array, level: number): number {
    const digest = `${level} ${createHash('sha256').update(bytes).digest('hex')}`;
    const known = this.#catalogue.get(digest);
    if (known !== undefined) return known;
    const used = new Set(this.#catalogue.values());
    let vvbn = 1;
    while (used.has(vvbn)) vvbn++;
    this.#catalogue.set(digest, vvbn);
    return vvbn;
  }
}

interface Catalogue {
  vvbnFor(bytes: Uint8Array, level: number): number;
  holds(uuid: string): boolean;
  read(block: number): void;
}

class OpenImage implements OpenSnapshot {
  readonly snapshot: SourceSnapshot;
  readonly #held: Held;
  readonly #catalogue: Catalogue;
  #closed = false;
  /** While the scan runs: the only blocks that can be read. */
  #piece: ReadonlyMap<number, Uint8Array> | undefined;
  #pointers = new Map<number, Float64Array>();

  constructor(held: Held, catalogue: Catalogue) {
    this.#held = held;
    this.#catalogue = catalogue;
    this.snapshot = held.info;
  }

  async *changedRoots(base: string | undefined, { signal }: SourceOptions = {}): AsyncGenerator<readonly InodeRoot[]> {
    this.#check(signal);
    if (base !== undefined && !this.#catalogue.holds(base)) throw new CloudError('CLOUD_BASE_GONE', 'no such base');
    const { image } = this.#held;
    const count = image.length / 4096;
    const levels: Tree['levels'] = [new Float64Array(count), new Float64Array(0), new Float64Array(0)];
    const places = new Map<number, number>();
    const tops: number[] = [];
    for (let first = 0; first < count; first += FAN_OUT) {
      this.#check(signal);
      const piece = new Map<number, Uint8Array>();
      const below = new Float64Array(FAN_OUT);
      for (let block = first; block < Math.min(count, first + FAN_OUT); block++) {
        const bytes = image.slice(block * 4096, (block + 1) * 4096);
        this.#catalogue.read(block);
        if (bytes.every((byte) => byte === 0)) continue;
        const vvbn = this.#catalogue.vvbnFor(bytes, 0);
        below[block - first] = vvbn;
        levels[0][block] = vvbn;
        places.set(vvbn, block);
        piece.set(vvbn, bytes);
      }
      const top = this.#indirect(below, 1);
      tops.push(top);
      this.#piece = piece;
      if (top !== 0) yield [this.#root(1, Float64Array.of(top))];
    }
    levels[1] = Float64Array.from(tops);
    levels[2] = new Float64Array(Math.ceil(tops.length / FAN_OUT));
    for (let at = 0; at < levels[2].length; at++) {
      const below = new Float64Array(FAN_OUT);
      below.set(levels[1].subarray(at * FAN_OUT, (at + 1) * FAN_OUT));
      levels[2][at] = this.#indirect(below, 2);
    }
    this.#piece = new Map();
    yield [this.#root(2, levels[2])];
    this.#piece = undefined;
    this.#held.tree = { levels, pointers: this.#pointers, places };
  }

  async readPointers(_level: 1 | 2, vvbns: Float64Array, { signal }: SourceOptions = {}): Promise<Float64Array> {
    this.#check(signal);
    const all = new Float64Array(vvbns.length * FAN_OUT);
    for (const [at, vvbn] of vvbns.entries())
      all.set(this.#pointers.get(vvbn) ?? this.#known().pointers.get(vvbn) ?? [], at * FAN_OUT);
    return all;
  }

  async readBlocks(vvbns: Float64Array, { signal }: SourceOptions = {}): Promise<Uint8Array> {
    this.#check(signal);
    const all = new Uint8Array(vvbns.length * 4096);
    for (const [at, vvbn] of vvbns.entries()) {
      const place = this.#piece === undefined ? this.#known().places.get(vvbn) : undefined;
      const bytes =
        this.#piece?.get(vvbn) ??
        (place === undefined ? undefined : this.#held.image.subarray(place * 4096, (place + 1) * 4096));
      if (bytes === undefined) throw new Error(`block ${vvbn} is not one of the piece that was given last`);
      all.set(bytes, at * 4096);
    }
    return all;
  }

  async *roots({ signal }: SourceOptions = {}): AsyncGenerator<readonly InodeRoot[]> {
    this.#check(signal);
    yield [this.#root(2, this.#known().levels[2])];
  }

  async held(first: number, count: number, { signal, level }: HeldOptions = {}): Promise<Uint32Array> {
    this.#check(signal);
    const words = new Uint32Array(count / 32);
    const { levels } = this.#known();
    for (const vvbn of level === undefined ? levels.flatMap((one) => [...one]) : levels[level]) {
      if (vvbn === 0 || vvbn < first || vvbn >= first + count) continue;
      words[(vvbn - first) >>> 5] = (words[(vvbn - first) >>> 5] ?? 0) | (1 << (vvbn & 31));
    }
    return words;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #indirect(below: Float64Array, level: number): number {
    if (below.every((vvbn) => vvbn === 0)) return 0;
    const vvbn = this.#catalogue.vvbnFor(new Uint8Array(below.slice().buffer), level);
    this.#pointers.set(vvbn, below);
    return vvbn;
  }

  #root(height: 1 | 2, topmost: Float64Array): InodeRoot {
    return { number: IMAGE_INODE, generation: 1, sizeBytes: this.#held.image.length, height, topmost };
  }

  #known(): Tree {
    if (this.#held.tree === undefined) throw new Error('that is known only after the scan');
    return this.#held.tree;
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closed) throw new CloudError('CLOUD_SNAPSHOT_UNKNOWN', 'the snapshot was closed');
    if (this.#held.dropped) throw new CloudError('CLOUD_SOURCE_CHANGED', 'the snapshot was dropped');
  }
}
