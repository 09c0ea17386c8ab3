/**
 * Adapter: what an ImageSnapshotSource keeps in the state, made anew from the object store: the tree of the image, and the
 * catalogue of its contents. The identities of data blocks are in the heads of their objects; those of indirect blocks follow
 * from the VVBNs that they hold. Of data, only the two metafiles are read.
 */
import type { Compute } from '../compute/compute.ts';
import { DIRECTORY_METAFILE, INODE_METAFILE } from '../core/wafl/image.ts';
import type { InodeAttributes } from '../core/wafl/inode-tree.ts';
import { decodeDirectoryBlock, decodeInodeBlock } from '../core/wafl/metafiles.ts';
import { CloudError } from '../errors.ts';
import type { StagedVersion } from '../state/state.ts';
import { CatalogueRebuild } from './catalogue-rebuild.ts';
import type { ImageLimits } from './image-scan.ts';
import { DEFAULT_IMAGE_LIMITS } from './image-scan.ts';
import {
  BLOCK_BYTES,
  IMAGE_FORMAT,
  IMAGE_INODE,
  IMAGE_VERSION_FORMAT,
  ImageTree,
  identitiesOfParents,
  placeOf,
  shapeOf,
  writeImageVersion,
} from './image-tree.ts';
import type { CatalogueRebuilder, SourceOptions, StoredBlocks, StoredSnapshot } from './snapshot-source.ts';

/** What an ImageCatalogueRebuilder is made of. */
export interface ImageRebuildOptions {
  readonly compute: Pick<Compute, 'shortDigests'>;
  readonly limits?: Partial<ImageLimits> | undefined;
}

/** Rebuilds what an ImageSnapshotSource keeps; the image itself is not needed. */
export class ImageCatalogueRebuilder implements CatalogueRebuilder {
  readonly kind = 'image';
  readonly #compute: Pick<Compute, 'shortDigests'>;
  readonly #limits: ImageLimits;

  constructor({ compute, limits }: ImageRebuildOptions) {
    this.#compute = compute;
    this.#limits = { ...DEFAULT_IMAGE_LIMITS, ...limits };
  }

  async rebuild(staged: StagedVersion, stored: StoredSnapshot, options: SourceOptions = {}): Promise<void> {
    const { source, snapshot } = stored;
    if (source.format !== IMAGE_FORMAT) throw notAnImage(snapshot.name, `is laid out as ${source.format}`);
    const tree = new ImageTree(staged, this.#limits.tablePages, staged);
    await tree.reset(options);
    const catalogue = await CatalogueRebuild.begin(staged, this.#limits, options);
    const metafiles = new Metafiles();
    for await (const blocks of stored.blocks()) {
      options.signal?.throwIfAborted();
      const { inode, level, fbns, vvbns, digests } = blocks;
      if (inode.number === IMAGE_INODE) {
        const places = fbns.map((fbn) => fbn / source.pointersPerBlock ** level);
        await tree.setAt(level, places, vvbns, options);
        if (level === 0) await catalogue.enter(0, vvbns, digests, places, options);
      } else {
        await catalogue.enter(0, vvbns, digests, await metafiles.add(blocks, snapshot.name), options);
      }
    }
    await this.#enterIndirects(1, tree, catalogue, source.pointersPerBlock, options);
    await this.#enterIndirects(2, tree, catalogue, source.pointersPerBlock, options);
    await catalogue.finish(options);
    await tree.flush(options);
    const { inodes, name, sizeBytes } = metafiles.image(snapshot.name);
    const version = {
      format: IMAGE_VERSION_FORMAT,
      sourceId: source.id,
      pointersPerBlock: source.pointersPerBlock,
      snapshot,
      sizeBytes,
      height: shapeOf(sizeBytes, source.pointersPerBlock).height,
      inodes,
      name,
      inodeMetafile: metafiles.vvbnsOf(INODE_METAFILE),
      directoryMetafile: metafiles.vvbnsOf(DIRECTORY_METAFILE),
    };
    await writeImageVersion(staged, version, options);
  }

  /** All that lies below a level is in the tree now. */
  async #enterIndirects(
    level: 1 | 2,
    tree: ImageTree,
    catalogue: CatalogueRebuild,
    pointersPerBlock: number,
    options: SourceOptions,
  ): Promise<void> {
    for await (const { first, vvbns } of tree.mapped(level, options)) {
      const places: number[] = [];
      vvbns.forEach((vvbn, at) => {
        if (vvbn !== 0) places.push(first + at);
      });
      for (let at = 0; at < places.length; at += PARENTS_AT_A_TIME) {
        const some = Float64Array.from(places.slice(at, at + PARENTS_AT_A_TIME));
        const pointers = new Float64Array(some.length * pointersPerBlock);
        for (const [index, place] of some.entries()) {
          const below = await tree.get(level === 1 ? 0 : 1, place * pointersPerBlock, pointersPerBlock, options);
          pointers.set(below, index * pointersPerBlock);
        }
        const identities = await identitiesOfParents(level, pointers, pointersPerBlock, this.#compute, options);
        const own = some.map((place) => vvbns[place - first] ?? 0);
        await catalogue.enter(level, own, identities, some, options);
      }
    }
  }
}

/** Indirect blocks whose identities are found at a time. */
const PARENTS_AT_A_TIME = 64;

/** The inodes and the name of the image, as they are stored. */
class Metafiles {
  readonly #vvbns = new Map<number, number[]>();
  readonly #inodes: InodeAttributes[] = [];
  #name: string | undefined;

  /** Gives where the blocks are, as the catalogue counts them. */
  async add({ inode, level, fbns, vvbns, content }: StoredBlocks, snapshot: string): Promise<Float64Array> {
    if (level !== 0 || (inode.number !== INODE_METAFILE && inode.number !== DIRECTORY_METAFILE)) {
      throw notAnImage(snapshot, `has blocks of level ${level} in inode ${inode.number}`);
    }
    const stored = await content();
    const known = this.#vvbns.get(inode.number) ?? [];
    this.#vvbns.set(inode.number, known);
    fbns.forEach((fbn, at) => {
      while (known.length <= fbn) known.push(0);
      known[fbn] = vvbns[at] ?? 0;
      const block = stored.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES);
      if (inode.number === INODE_METAFILE) this.#inodes.push(...decodeInodeBlock(block));
      else this.#name ??= decodeDirectoryBlock(block).find(({ child }) => child === IMAGE_INODE)?.name;
    });
    return fbns.map((fbn) => placeOf({ inode: inode.number, fbn }));
  }

  vvbnsOf(inode: number): readonly number[] {
    return this.#vvbns.get(inode) ?? [];
  }

  image(snapshot: string): { readonly inodes: InodeAttributes[]; readonly name: string; readonly sizeBytes: number } {
    const image = this.#inodes.find(({ number, type }) => number === IMAGE_INODE && type === 'file');
    if (image === undefined || this.#name === undefined) throw notAnImage(snapshot, 'has no image in it');
    return { inodes: this.#inodes, name: this.#name, sizeBytes: image.sizeBytes };
  }
}

function notAnImage(snapshot: string, why: string): CloudError {
  return new CloudError('CLOUD_CORRUPT', `${snapshot} is no backup of an image: it ${why}`, {
    snapshot,
    remedy: 'Run verify, and make a new baseline.',
  });
}
