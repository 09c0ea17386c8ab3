/**
 * Adapter: one pass over an image: gives each block of each level its VVBN, and pieces to the transfer as they become known,
 * bottom up. Its memory is bounded by the chunks and the pages of the catalogue, whatever the size of the image.
 */
import type { Compute } from '../compute/compute.ts';
import type { InodeRoot } from '../core/cloud/inode-root.ts';
import { DIRECTORY_METAFILE, INODE_METAFILE } from '../core/wafl/image.ts';
import { CloudError } from '../errors.ts';
import type { EndpointState, StagedVersion } from '../state/state.ts';
import {
  type BlockLevel,
  type CatalogueLimits,
  type CatalogueReader,
  DEFAULT_CATALOGUE_LIMITS,
  IDENTITY_BYTES,
} from './catalogue-tables.ts';
import { ContentCatalogue } from './content-catalogue.ts';
import type { FindDataRanges } from './data-ranges.ts';
import { type Chunk, KEEP_STILL, readChunks, shrunk } from './image-chunks.ts';
import type { ImageFacts, ImageHandle } from './image-file.ts';
import {
  BLOCK_BYTES,
  IMAGE_INODE,
  IMAGE_VERSION_FORMAT,
  ImageTree,
  type ImageVersion,
  identitiesOfParents,
  inodesOf,
  metafileBlocks,
  placeOf,
  shapeOf,
  writeImageVersion,
} from './image-tree.ts';
import type { StagedWriter } from './shared-state.ts';
import type { SourceOptions, SourceSnapshot } from './snapshot-source.ts';

/** Bounds of memory. They change how fast it is, never what is found. */
export interface ImageLimits extends CatalogueLimits {
  /** Blocks read at a time. */
  readonly blocksPerChunk: number;
  /** Chunks that are read before they are needed. */
  readonly readAhead: number;
}

export const DEFAULT_IMAGE_LIMITS: ImageLimits = { ...DEFAULT_CATALOGUE_LIMITS, blocksPerChunk: 1024, readAhead: 2 };

/** What a scan needs to know of its source. */
export interface ImageSettings {
  readonly path: string;
  readonly id: string;
  readonly name: string;
  readonly pointersPerBlock: number;
  readonly allowChanges: boolean;
  readonly limits: ImageLimits;
  readonly compute: Pick<Compute, 'shortDigests'>;
  readonly findDataRanges: FindDataRanges;
}

export class ImageScan implements StagedWriter {
  readonly tree: ImageTree;
  readonly #catalogue: ContentCatalogue;
  readonly #settings: ImageSettings;
  readonly #handle: ImageHandle;
  readonly #staged: StagedVersion;
  readonly #facts: ImageFacts;
  readonly #height: BlockLevel;
  readonly #blocks: number;
  readonly #blocksPerChunk: number;
  /** L2 blocks below which something was read and which are still to be made. */
  #open: number[] = [];
  #piece: { readonly chunk: Chunk; readonly vvbns: Float64Array; index?: Map<number, number> } | undefined;
  readonly #metafiles = new Map<number, Uint8Array>();
  #incremental = false;
  version: ImageVersion | undefined;
  /** Places with a block, as far as the scan has come. */
  mappedBlocks = 0;

  private constructor(
    settings: ImageSettings,
    handle: ImageHandle,
    staged: StagedVersion,
    catalogue: ContentCatalogue,
    facts: ImageFacts,
  ) {
    const { limits, pointersPerBlock } = settings;
    this.#settings = settings;
    this.#handle = handle;
    this.#staged = staged;
    this.#catalogue = catalogue;
    this.#facts = facts;
    this.tree = new ImageTree(staged, limits.tablePages, staged);
    const { blocks, height } = shapeOf(facts.sizeBytes, pointersPerBlock);
    this.#blocks = blocks;
    this.#height = height;
    this.#blocksPerChunk = Math.max(1, Math.floor(limits.blocksPerChunk / pointersPerBlock)) * pointersPerBlock;
  }

  static async begin(
    settings: ImageSettings,
    handle: ImageHandle,
    state: EndpointState,
    staged: StagedVersion,
    options: SourceOptions,
  ): Promise<ImageScan> {
    const facts = await handle.facts();
    if (facts === undefined) throw vanished(settings.path);
    const catalogue = await ContentCatalogue.begin(state, staged, settings.limits, options);
    return new ImageScan(settings, handle, staged, catalogue, facts);
  }

  get catalogue(): CatalogueReader {
    return this.#catalogue.reader;
  }

  get finished(): boolean {
    return this.version !== undefined;
  }

  settle(options?: SourceOptions): Promise<void> {
    return this.#catalogue.settle(options);
  }

  async flush(options: SourceOptions = {}): Promise<void> {
    await this.#catalogue.flush(options);
    await this.tree.flush(options);
  }

  checkpointed(options?: SourceOptions): Promise<void> {
    return this.#catalogue.checkpointed(options);
  }

  close(): Promise<void> {
    return this.#catalogue.close();
  }

  /** What was read for a VVBN of the piece given last; `undefined` for others. */
  contentOf(vvbn: number): Uint8Array | undefined {
    const at = this.#placeInPiece(vvbn);
    const { chunk } = this.#piece ?? {};
    if (at !== undefined) return chunk?.content(chunk.blocks[at] ?? 0);
    return this.#metafiles.get(vvbn);
  }

  /** The identities of these blocks, if all of them are of the piece given last. */
  identitiesOf(vvbns: Float64Array): Uint8Array | undefined {
    const all = new Uint8Array(vvbns.length * IDENTITY_BYTES);
    for (let index = 0; index < vvbns.length; index++) {
      const at = this.#placeInPiece(vvbns[index] ?? 0);
      if (at === undefined) return undefined;
      const identity = this.#piece?.chunk.identities.subarray(at * IDENTITY_BYTES, (at + 1) * IDENTITY_BYTES);
      all.set(identity ?? [], index * IDENTITY_BYTES);
    }
    return all;
  }

  #placeInPiece(vvbn: number): number | undefined {
    const piece = this.#piece;
    if (piece === undefined) return undefined;
    piece.index ??= new Map(Array.from(piece.vvbns, (given, at) => [given, at]));
    return piece.index.get(vvbn);
  }

  /** @param incremental what the base holds need not be given */
  async *pieces(
    snapshot: SourceSnapshot,
    incremental: boolean,
    options: SourceOptions,
  ): AsyncGenerator<readonly InodeRoot[], void, undefined> {
    this.#incremental = incremental;
    const { path, limits, compute, findDataRanges, pointersPerBlock } = this.#settings;
    const { sizeBytes } = this.#facts;
    const { signal } = options;
    const ranges = findDataRanges(this.#handle.descriptor, sizeBytes, signal);
    const reading = {
      path,
      sizeBytes,
      blocksPerChunk: this.#blocksPerChunk,
      readAhead: limits.readAhead,
      compute,
      signal,
    };
    let next = 0;
    for await (const chunk of readChunks(this.#handle, ranges, reading)) {
      await this.#skip(next, chunk.start, options);
      next = chunk.start + this.#spansFrom(chunk.start) * pointersPerBlock;
      yield* this.#closeL2(Math.floor(chunk.start / pointersPerBlock ** 2), options);
      yield* this.#level0(chunk, options);
    }
    this.#piece = undefined;
    await this.#skip(next, Number.POSITIVE_INFINITY, options);
    yield* this.#closeL2(Number.POSITIVE_INFINITY, options);
    await this.#checkUnchanged();
    yield* this.#finish(snapshot, options);
  }

  /** Nothing but zeros from one block up to another. */
  async #skip(first: number, end: number, options: SourceOptions): Promise<void> {
    const { pointersPerBlock } = this.#settings;
    await this.tree.clear(0, first, end, options);
    await this.tree.clear(1, first / pointersPerBlock, end / pointersPerBlock, options);
    const span = pointersPerBlock ** 2;
    await this.tree.clear(2, Math.ceil(first / span), Math.floor(end / span), options);
  }

  async *#level0(chunk: Chunk, options: SourceOptions): AsyncGenerator<readonly InodeRoot[], void, undefined> {
    const { start, blocks, identities } = chunk;
    const { pointersPerBlock } = this.#settings;
    const spans = this.#spansFrom(start);
    const before = await this.tree.get(0, start, spans * pointersPerBlock, options);
    const previous = blocks.map((block) => before[block - start] ?? 0);
    const vvbns = await this.#catalogue.assign(0, identities, previous, blocks, options);
    const after = new Float64Array(before.length);
    blocks.forEach((block, at) => {
      after[block - start] = vvbns[at] ?? 0;
    });
    await this.tree.set(0, start, after, options);
    this.#piece = { chunk, vvbns };
    this.mappedBlocks += vvbns.length;
    if (this.#height === 0) return yield* this.#give(0, after, options);
    const firstSpan = start / pointersPerBlock;
    const parents = await this.#parents(1, firstSpan, after, options);
    if (this.#height === 2) {
      for (let span = firstSpan; span < firstSpan + spans; span++) {
        const above = Math.floor(span / pointersPerBlock);
        if (this.#open.at(-1) !== above) this.#open.push(above);
      }
    }
    yield* this.#give(1, parents, options);
  }

  /** L1 blocks that the blocks of a chunk lie below, up to the end of the image. */
  #spansFrom(start: number): number {
    return Math.ceil(Math.min(this.#blocksPerChunk, this.#blocks - start) / this.#settings.pointersPerBlock);
  }

  /** Makes the L2 blocks that come before this one: all below them has been read. */
  async *#closeL2(before: number, options: SourceOptions): AsyncGenerator<readonly InodeRoot[], void, undefined> {
    const { pointersPerBlock } = this.#settings;
    while ((this.#open[0] ?? Number.POSITIVE_INFINITY) < before) {
      const place = this.#open.shift() ?? 0;
      const pointers = await this.tree.get(1, place * pointersPerBlock, pointersPerBlock, options);
      yield* this.#give(2, await this.#parents(2, place, pointers, options), options);
    }
  }

  /** The VVBNs of the indirect blocks from a place on that hold these pointers. Of nothing but holes there is none. */
  async #parents(level: 1 | 2, first: number, pointers: Float64Array, options: SourceOptions): Promise<Float64Array> {
    const { pointersPerBlock, compute } = this.#settings;
    const count = pointers.length / pointersPerBlock;
    const before = await this.tree.get(level, first, count, options);
    const used: number[] = [];
    for (let at = 0; at < count; at++) {
      const own = pointers.subarray(at * pointersPerBlock, (at + 1) * pointersPerBlock);
      if (own.some((vvbn) => vvbn !== 0)) used.push(at);
    }
    const wanted = new Float64Array(used.length * pointersPerBlock);
    used.forEach((at, index) => {
      wanted.set(pointers.subarray(at * pointersPerBlock, (at + 1) * pointersPerBlock), index * pointersPerBlock);
    });
    const identities = await identitiesOfParents(level, wanted, pointersPerBlock, compute, options);
    const previous = Float64Array.from(used, (at) => before[at] ?? 0);
    const places = Float64Array.from(used, (at) => first + at);
    const vvbns = await this.#catalogue.assign(level, identities, previous, places, options);
    const after = new Float64Array(count);
    used.forEach((at, index) => {
      after[at] = vvbns[index] ?? 0;
    });
    await this.tree.set(level, first, after, options);
    return after;
  }

  /** A piece of the image's tree, as far as the base does not hold it. */
  async *#give(
    height: BlockLevel,
    vvbns: Float64Array,
    options: SourceOptions,
  ): AsyncGenerator<readonly InodeRoot[], void, undefined> {
    const topmost = await this.#news(vvbns, options);
    if (topmost.length === 0) return;
    yield [{ number: IMAGE_INODE, generation: 2, sizeBytes: this.#facts.sizeBytes, height, topmost }];
  }

  async #news(vvbns: Float64Array, options: SourceOptions): Promise<Float64Array> {
    return this.#incremental ? await this.#catalogue.notInBase(vvbns, options) : vvbns.filter((vvbn) => vvbn !== 0);
  }

  async *#finish(
    snapshot: SourceSnapshot,
    options: SourceOptions,
  ): AsyncGenerator<readonly InodeRoot[], void, undefined> {
    const { id, name, pointersPerBlock, compute } = this.#settings;
    const inodes = inodesOf(this.#facts);
    const blocks = metafileBlocks(inodes, name);
    const pieces = Buffer.concat(blocks.map(({ content }) => content));
    const identities = await compute.shortDigests('sha-256', pieces, BLOCK_BYTES, options);
    const places = Float64Array.from(blocks, placeOf);
    const vvbns = await this.#catalogue.assign(0, identities, new Float64Array(blocks.length), places, options);
    this.mappedBlocks += vvbns.length;
    const inodeMetafile: number[] = [];
    const directoryMetafile: number[] = [];
    blocks.forEach(({ inode, fbn, content }, at) => {
      const topmost = inode === INODE_METAFILE ? inodeMetafile : directoryMetafile;
      while (topmost.length < fbn) topmost.push(0);
      topmost.push(vvbns[at] ?? 0);
      this.#metafiles.set(vvbns[at] ?? 0, content);
    });
    for (const [number, vvbnsOf] of [
      [INODE_METAFILE, inodeMetafile],
      [DIRECTORY_METAFILE, directoryMetafile],
    ] as const) {
      const topmost = await this.#news(Float64Array.from(vvbnsOf), options);
      const sizeBytes = vvbnsOf.length * BLOCK_BYTES;
      if (topmost.length > 0) yield [{ number, generation: 0, sizeBytes, height: 0, topmost }];
    }
    const version: ImageVersion = {
      format: IMAGE_VERSION_FORMAT,
      sourceId: id,
      pointersPerBlock,
      snapshot,
      sizeBytes: this.#facts.sizeBytes,
      height: this.#height,
      inodes,
      name,
      inodeMetafile,
      directoryMetafile,
    };
    await this.#catalogue.finish(options);
    await this.tree.flush(options);
    await writeImageVersion(this.#staged, version, options);
    this.version = version;
  }

  /** @throws CloudError `CLOUD_SOURCE_CHANGED` */
  async #checkUnchanged(): Promise<void> {
    const { path, allowChanges } = this.#settings;
    const { sizeBytes, changedAt } = this.#facts;
    const now = await this.#handle.facts();
    if (now === undefined) throw vanished(path);
    if (now.sizeBytes < sizeBytes) throw shrunk(path, now.sizeBytes, sizeBytes);
    if (allowChanges || (now.sizeBytes === sizeBytes && now.changedAt === changedAt)) return;
    throw new CloudError('CLOUD_SOURCE_CHANGED', `${path} was written to while it was backed up`, {
      object: path,
      details: { changedAt: now.changedAt, sizeBytes: now.sizeBytes },
      remedy: KEEP_STILL,
    });
  }
}

function vanished(path: string): CloudError {
  return new CloudError('CLOUD_SOURCE_CHANGED', `${path} is gone, or another file is in its place`, {
    object: path,
    remedy: KEEP_STILL,
  });
}
