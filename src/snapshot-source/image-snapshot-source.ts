/**
 * Adapter: a volume image or block device as a source. It has no snapshots of its own: a backup is of the image as it is
 * while it is read, and the base is what the catalogue remembers. The catalogue lies in the state of the endpoint: give
 * `source.state` to the transfer in the place of the store that the source was made with.
 *
 * To the restorer an image is a volume with one file, so everything that reads backups reads these too.
 */
import { basename, resolve } from 'node:path';
import type { Compute } from '../compute/compute.ts';
import type { HashName } from '../core/cloud/format/tools.ts';
import type { InodeRoot } from '../core/cloud/inode-root.ts';
import type { Env } from '../env.ts';
import { CloudError, ConfigError, InternalError } from '../errors.ts';
import type { StateStore } from '../state/state.ts';
import { type BlockLevel, CatalogueReader, IDENTITY_BYTES } from './catalogue-tables.ts';
import { type FindDataRanges, seekDataRanges } from './data-ranges.ts';
import { KEEP_STILL } from './image-chunks.ts';
import { type ImageHandle, openImageFile, unreadable } from './image-file.ts';
import { DEFAULT_IMAGE_LIMITS, type ImageLimits, ImageScan, type ImageSettings } from './image-scan.ts';
import {
  BLOCK_BYTES,
  IMAGE_FORMAT,
  ImageTree,
  type ImageVersion,
  METAFILE_PLACES,
  metafileBlocks,
  placeOf,
  readImageVersion,
} from './image-tree.ts';
import { SharedState } from './shared-state.ts';
import type {
  HeldOptions,
  OpenSnapshot,
  ReadBlocksOptions,
  SnapshotSource,
  SourceFacts,
  SourceOptions,
  SourceSnapshot,
} from './snapshot-source.ts';

/** What an ImageSnapshotSource is made of. */
export interface ImageSourceOptions {
  /** A regular file or block device. */
  readonly path: string;
  /** Where the transfer keeps its state, and the source its catalogue. */
  readonly state: StateStore;
  readonly compute: Pick<Compute, 'shortDigests'>;
  readonly env: Pick<Env, 'clock' | 'random'>;
  /** Names the volume for good. Default: the absolute path. */
  readonly id?: string | undefined;
  /** What the image is called in the backup. Default: the last part of its path. */
  readonly name?: string | undefined;
  /** From 2 to 1024, for good. Default 512: an indirect block is stored in 4 KiB. */
  readonly pointersPerBlock?: number | undefined;
  /**
   * Go on when the image was written to while it was read. What is stored then is no moment of the image, but a mixture; a
   * file system in it may need to be repaired. (Writes to a block device cannot be noticed.)
   */
  readonly allowChanges?: boolean | undefined;
  readonly limits?: Partial<ImageLimits> | undefined;
  /** How the image is opened. Default: node:fs. */
  readonly openImage?: ((path: string) => Promise<ImageHandle>) | undefined;
  /** How holes are found. Default: `seekDataRanges`. */
  readonly findDataRanges?: FindDataRanges | undefined;
}

/** What a snapshot of an image is to be called. */
export interface NewImageSnapshot {
  readonly name: string;
  readonly label?: string | undefined;
  readonly comment?: string | undefined;
  /** Default: a new one. To go on with an interrupted transfer, that of its snapshot. */
  readonly uuid?: string | undefined;
  /** Epoch milliseconds; default now. */
  readonly createdAt?: number | undefined;
}

interface SourceSettings extends ImageSettings {
  readonly state: SharedState;
  readonly env: Pick<Env, 'clock' | 'random'>;
  readonly openImage: (path: string) => Promise<ImageHandle>;
}

/** A volume image or block device as a source of backups. */
export class ImageSnapshotSource implements SnapshotSource {
  readonly #settings: SourceSettings;
  #taken: SourceSnapshot | undefined;

  /** @throws ConfigError `CONFIG_INVALID` */
  constructor(options: ImageSourceOptions) {
    const { pointersPerBlock = 512 } = options;
    if (!Number.isInteger(pointersPerBlock) || pointersPerBlock < 2 || pointersPerBlock > 1024) {
      throw new ConfigError('CONFIG_INVALID', `an indirect block cannot have ${pointersPerBlock} pointers`);
    }
    const path = resolve(options.path);
    this.#settings = {
      path,
      pointersPerBlock,
      state: new SharedState(options.state),
      compute: options.compute,
      env: options.env,
      id: options.id ?? path,
      name: options.name ?? basename(path),
      allowChanges: options.allowChanges ?? false,
      limits: { ...DEFAULT_IMAGE_LIMITS, ...options.limits },
      openImage: options.openImage ?? openImageFile,
      findDataRanges: options.findDataRanges ?? seekDataRanges,
    };
  }

  /** For the transfer: the store that the source was made with, its catalogue in every version. */
  get state(): StateStore {
    return this.#settings.state;
  }

  /** Makes the image, as it will be while it is read, the newest snapshot. */
  take(snapshot: NewImageSnapshot): SourceSnapshot {
    const { clock, random } = this.#settings.env;
    const { name, label, comment, uuid = random.uuid(), createdAt = clock.now() } = snapshot;
    this.#taken = {
      uuid,
      name,
      createdAt,
      ...(label !== undefined && { label }),
      ...(comment !== undefined && { comment }),
    };
    return this.#taken;
  }

  async facts(options: SourceOptions = {}): Promise<SourceFacts> {
    options.signal?.throwIfAborted();
    const { id, pointersPerBlock } = this.#settings;
    return { kind: 'image', id, pointersPerBlock, format: IMAGE_FORMAT, knownBeforeScan: false };
  }

  /** The base, while the state is open, and what was taken last. */
  async snapshots(options: SourceOptions = {}): Promise<SourceSnapshot[]> {
    options.signal?.throwIfAborted();
    const base = await this.#base(options);
    const taken = this.#taken?.uuid === base?.snapshot.uuid ? undefined : this.#taken;
    return [base?.snapshot, taken].filter((snapshot) => snapshot !== undefined);
  }

  async open(uuid: string, options: SourceOptions = {}): Promise<OpenSnapshot> {
    options.signal?.throwIfAborted();
    const base = await this.#base(options);
    const { path, openImage } = this.#settings;
    if (base?.snapshot.uuid === uuid) return new OpenImage(this.#settings, base.snapshot, await openImage(path), base);
    if (this.#taken?.uuid === uuid) return new OpenImage(this.#settings, this.#taken, await openImage(path), undefined);
    throw new CloudError('CLOUD_SNAPSHOT_UNKNOWN', `${path} has no snapshot ${uuid}`, { object: uuid });
  }

  async #base(options: SourceOptions): Promise<ImageVersion | undefined> {
    const { state } = this.#settings.state;
    return state === undefined ? undefined : await readImageVersion(state, options);
  }
}

/** What a snapshot is read by: that of the catalogue in the making, or of the committed one. */
interface Views {
  readonly tree: ImageTree;
  readonly catalogue: CatalogueReader;
}

class OpenImage implements OpenSnapshot {
  readonly snapshot: SourceSnapshot;
  readonly #settings: SourceSettings;
  readonly #handle: ImageHandle;
  #version: ImageVersion | undefined;
  #views: Views | undefined;
  #scan: ImageScan | undefined;
  #closed = false;

  /** @param version of a snapshot that is in the catalogue */
  constructor(
    settings: SourceSettings,
    snapshot: SourceSnapshot,
    handle: ImageHandle,
    version: ImageVersion | undefined,
  ) {
    this.snapshot = snapshot;
    this.#settings = settings;
    this.#handle = handle;
    this.#version = version;
    const { state } = settings.state;
    if (version !== undefined && state !== undefined) {
      const tree = new ImageTree(state, settings.limits.tablePages);
      this.#views = { tree, catalogue: CatalogueReader.of(state, settings.limits) };
    }
  }

  async *changedRoots(base: string | undefined, options: SourceOptions = {}): AsyncGenerator<readonly InodeRoot[]> {
    this.#check(options);
    const { state, id, pointersPerBlock } = this.#settings;
    if (this.#version !== undefined && this.#scan === undefined) {
      if (base !== undefined && base !== this.snapshot.uuid) throw baseGone(base);
      if (base === undefined) yield* this.roots(options);
      return;
    }
    if (state.state === undefined || state.staged === undefined) {
      throw new InternalError('an image is scanned without a staged version of its state: was source.state used?');
    }
    const before = await readImageVersion(state.state, options);
    if (base !== undefined && before?.snapshot.uuid !== base) throw baseGone(base);
    if (before !== undefined && (before.sourceId !== id || before.pointersPerBlock !== pointersPerBlock)) {
      throw new CloudError('CLOUD_SOURCE_CHANGED', `the state is of the image ${before.sourceId}, not of ${id}`, {
        object: id,
        remedy: 'Back this image up to an endpoint of its own.',
      });
    }
    await this.#scan?.close();
    const scan = await ImageScan.begin(this.#settings, this.#handle, state.state, state.staged, options);
    this.#scan = scan;
    this.#views = scan;
    state.setWriter(scan);
    yield* scan.pieces(this.snapshot, base !== undefined, options);
    this.#version = scan.version;
  }

  async readPointers(level: 1 | 2, vvbns: Float64Array, options: SourceOptions = {}): Promise<Float64Array> {
    const { tree, catalogue } = this.#readable(options);
    const { pointersPerBlock } = this.#settings;
    const places = await catalogue.places(vvbns, options);
    const pointers = new Float64Array(vvbns.length * pointersPerBlock);
    for (const [at, place] of places.entries()) {
      const [found] = await tree.get(level, place, 1, options);
      if (found !== vvbns[at]) throw new InternalError(`no block ${vvbns[at]} of level ${level} was given`);
      const below = (level - 1) as BlockLevel;
      pointers.set(await tree.get(below, place * pointersPerBlock, pointersPerBlock, options), at * pointersPerBlock);
    }
    return pointers;
  }

  shortDigests(hash: HashName, vvbns: Float64Array): Uint8Array | undefined {
    return hash === 'sha-256' ? this.#scan?.identitiesOf(vvbns) : undefined;
  }

  async readBlocks(vvbns: Float64Array, options: ReadBlocksOptions = {}): Promise<Uint8Array> {
    const { catalogue } = this.#readable(options);
    const blocks = options.into ?? new Uint8Array(vvbns.length * BLOCK_BYTES);
    const elsewhere: number[] = [];
    for (let at = 0; at < vvbns.length; at++) {
      const content = this.#scan?.contentOf(vvbns[at] ?? 0);
      if (content === undefined) elsewhere.push(at);
      else blocks.set(content, at * BLOCK_BYTES);
    }
    if (elsewhere.length === 0) return blocks;
    const wanted = Float64Array.from(elsewhere, (at) => vvbns[at] ?? 0);
    const places = await catalogue.places(wanted, options);
    const identities = await catalogue.identities(wanted, options);
    for (const [index, at] of elsewhere.entries()) {
      const block = blocks.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES);
      await this.#readAgain(places[index] ?? 0, block);
    }
    await this.#verify(blocks, elsewhere, identities, places, options);
    return blocks;
  }

  get mappedBlocks(): number | undefined {
    return this.#scan?.finished ? this.#scan.mappedBlocks : undefined;
  }

  async *roots(options: SourceOptions = {}): AsyncGenerator<readonly InodeRoot[]> {
    const { tree } = this.#readable(options);
    if (this.#version === undefined) throw notScanned(this.#settings.path);
    yield await tree.roots(this.#version, options);
  }

  async held(first: number, count: number, options: HeldOptions = {}): Promise<Uint32Array> {
    const { catalogue } = this.#readable(options);
    if (this.#version === undefined) throw notScanned(this.#settings.path);
    return await catalogue.held(first, count, options.level, options);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#scan?.close();
    await this.#handle.close();
  }

  /** A block that is not of the piece given last: what is there now, to be compared with what was there. */
  async #readAgain(place: number, block: Uint8Array): Promise<void> {
    const { path } = this.#settings;
    if (place >= METAFILE_PLACES) {
      const version = this.#version;
      const blocks = version === undefined ? [] : metafileBlocks(version.inodes, version.name);
      const found = blocks.find((candidate) => placeOf(candidate) === place);
      if (found !== undefined) block.set(found.content);
      return;
    }
    const from = place * BLOCK_BYTES;
    block.fill(0);
    await this.#handle.read(block, from).catch((cause) => {
      const range = { from, to: from + BLOCK_BYTES };
      throw unreadable(path, `bytes ${range.from} to ${range.to} of ${path} cannot be read`, cause, range);
    });
  }

  async #verify(
    blocks: Uint8Array,
    at: readonly number[],
    identities: Uint8Array,
    places: Float64Array,
    { signal }: SourceOptions,
  ): Promise<void> {
    const { compute, path } = this.#settings;
    const pieces = new Uint8Array(at.length * BLOCK_BYTES);
    at.forEach((from, index) => {
      pieces.set(blocks.subarray(from * BLOCK_BYTES, (from + 1) * BLOCK_BYTES), index * BLOCK_BYTES);
    });
    const found = await compute.shortDigests('sha-256', pieces, BLOCK_BYTES, { signal });
    for (let index = 0; index < at.length; index++) {
      const [from, to] = [index * IDENTITY_BYTES, (index + 1) * IDENTITY_BYTES];
      if (Buffer.compare(found.subarray(from, to), identities.subarray(from, to)) === 0) continue;
      const first = (places[index] ?? 0) * BLOCK_BYTES;
      const range = { from: first, to: first + BLOCK_BYTES };
      throw new CloudError('CLOUD_SOURCE_CHANGED', `bytes ${range.from} to ${range.to} of ${path} have changed`, {
        object: path,
        snapshot: this.snapshot.name,
        details: range,
        remedy: KEEP_STILL,
      });
    }
  }

  #readable(options: SourceOptions): Views {
    this.#check(options);
    if (this.#views === undefined) throw notScanned(this.#settings.path);
    return this.#views;
  }

  #check({ signal }: SourceOptions): void {
    signal?.throwIfAborted();
    if (!this.#closed) return;
    const { name } = this.snapshot;
    throw new CloudError('CLOUD_SNAPSHOT_UNKNOWN', `${name} was closed`, { snapshot: name });
  }
}

function baseGone(base: string): CloudError {
  return new CloudError('CLOUD_BASE_GONE', `the catalogue beside the image is not of the base snapshot ${base}`, {
    snapshot: base,
    remedy: 'Make a new baseline, or rebuild the state from the object store.',
  });
}

function notScanned(path: string): InternalError {
  return new InternalError(`${path} is asked for blocks before it has been read`);
}
