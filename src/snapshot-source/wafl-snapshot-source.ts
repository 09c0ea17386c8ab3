/**
 * Adapter: the snapshots of a volume model (core/wafl) as a source. Views and blocks are in memory; batches are
 * slices.
 */
import type { InodeRoot } from '../core/cloud/inode-root.ts';
import { BLOCK_SIZE, type Vvbn } from '../core/wafl/blocks.ts';
import { visitChanges } from '../core/wafl/changes.ts';
import type { Inode } from '../core/wafl/inode-tree.ts';
import { METAFILE_VERSION } from '../core/wafl/metafiles.ts';
import type { VolumeView } from '../core/wafl/view.ts';
import type { WaflVolume } from '../core/wafl/volume.ts';
import { CloudError, VolumeModelError } from '../errors.ts';
import type {
  HeldOptions,
  OpenSnapshot,
  SnapshotSource,
  SourceFacts,
  SourceOptions,
  SourceSnapshot,
} from './snapshot-source.ts';

const INODES_PER_BATCH = 512;

export class WaflSnapshotSource implements SnapshotSource {
  readonly #volume: WaflVolume;
  readonly #id: string;

  /** @param id names the volume for good: its uuid */
  constructor(volume: WaflVolume, id: string) {
    this.#volume = volume;
    this.#id = id;
  }

  async facts(options: SourceOptions = {}): Promise<SourceFacts> {
    options.signal?.throwIfAborted();
    const { pointersPerBlock } = this.#volume.options;
    const format = `wafl/${METAFILE_VERSION}`;
    return { kind: 'wafl', id: this.#id, pointersPerBlock, format, knownBeforeScan: true };
  }

  async snapshots(options: SourceOptions = {}): Promise<SourceSnapshot[]> {
    options.signal?.throwIfAborted();
    return this.#volume.snapshots();
  }

  async open(uuid: string, options: SourceOptions = {}): Promise<OpenSnapshot> {
    options.signal?.throwIfAborted();
    const info = this.#volume.snapshots().find((snapshot) => snapshot.uuid === uuid);
    if (info === undefined) {
      throw new CloudError('CLOUD_SNAPSHOT_UNKNOWN', `the source has no snapshot ${uuid}`, { object: uuid });
    }
    return new OpenWaflSnapshot(this.#volume, info);
  }
}

class OpenWaflSnapshot implements OpenSnapshot {
  readonly snapshot: SourceSnapshot;
  readonly #volume: WaflVolume;
  #view: VolumeView | undefined;

  constructor(volume: WaflVolume, snapshot: SourceSnapshot) {
    this.#volume = volume;
    this.snapshot = snapshot;
    this.#view = volume.snapshotView(snapshot.name);
  }

  async *changedRoots(base: string | undefined, options: SourceOptions = {}): AsyncGenerator<readonly InodeRoot[]> {
    const view = this.#open(options);
    const found = base === undefined ? undefined : this.#volume.snapshots().find(({ uuid }) => uuid === base);
    if (base !== undefined && found === undefined) {
      throw new CloudError('CLOUD_BASE_GONE', 'the source does not hold the base snapshot any more', {
        snapshot: base,
        remedy:
          'Make a new baseline, and keep the newest backed-up snapshot on the source until the next transfer is done.',
      });
    }
    const changed: InodeRoot[] = [];
    visitChanges(found && this.#volume.snapshotView(found.name), view, ({ after }) => {
      if (after !== undefined) changed.push(rootOf(after));
    });
    yield* this.#batches(changed, options);
  }

  async readPointers(_level: 1 | 2, vvbns: Float64Array, options: SourceOptions = {}): Promise<Float64Array> {
    const view = this.#open(options);
    const { pointersPerBlock } = view;
    const pointers = new Float64Array(vvbns.length * pointersPerBlock);
    for (const [at, vvbn] of vvbns.entries())
      pointers.set(
        this.#answer(() => view.children(vvbn as Vvbn)),
        at * pointersPerBlock,
      );
    return pointers;
  }

  async readBlocks(vvbns: Float64Array, options: SourceOptions = {}): Promise<Uint8Array> {
    const view = this.#open(options);
    const blocks = new Uint8Array(vvbns.length * BLOCK_SIZE);
    for (const [at, vvbn] of vvbns.entries())
      this.#answer(() => view.copyContent(vvbn as Vvbn, blocks, at * BLOCK_SIZE));
    return blocks;
  }

  async *roots(options: SourceOptions = {}): AsyncGenerator<readonly InodeRoot[]> {
    const inodes = [...this.#open(options).inodes()];
    yield* this.#batches(inodes.map(rootOf), options);
  }

  async held(first: number, count: number, options: HeldOptions = {}): Promise<Uint32Array> {
    const { l0, l1, l2 } = this.#open(options).held();
    const words = new Uint32Array(count / 32);
    const levels = options.level === undefined ? [l0, l1, l2] : [[l0, l1, l2][options.level]];
    for (const level of levels) {
      const from = level?.words.subarray(first / 32, (first + count) / 32) ?? [];
      from.forEach((word, at) => {
        words[at] = (words[at] ?? 0) | word;
      });
    }
    return words;
  }

  async close(): Promise<void> {
    this.#view = undefined;
  }

  *#batches(roots: readonly InodeRoot[], options: SourceOptions): Generator<readonly InodeRoot[]> {
    for (let at = 0; at < roots.length; at += INODES_PER_BATCH) {
      this.#open(options);
      yield roots.slice(at, at + INODES_PER_BATCH);
    }
  }

  /** The view, if it can still be read: blocks of a deleted snapshot may already have other content. */
  #open({ signal }: SourceOptions): VolumeView {
    signal?.throwIfAborted();
    const view = this.#view;
    if (view === undefined) {
      throw new CloudError('CLOUD_SNAPSHOT_UNKNOWN', `${this.snapshot.name} was closed`, {
        snapshot: this.snapshot.name,
      });
    }
    this.#answer(() => view.inodeCount);
    return view;
  }

  /** A snapshot that was deleted while it was open has changed under its reader. */
  #answer<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof VolumeModelError)) throw cause;
      throw new CloudError('CLOUD_SOURCE_CHANGED', `the source cannot read ${this.snapshot.name} any more`, {
        snapshot: this.snapshot.name,
        cause,
      });
    }
  }
}

function rootOf({ number, generation, sizeBytes, height, topmost }: Inode): InodeRoot {
  return { number, generation, sizeBytes, height, topmost: Float64Array.from(topmost) };
}
