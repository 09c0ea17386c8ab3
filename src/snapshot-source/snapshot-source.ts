/**
 * Port (layer 2): where SnapMirror Cloud reads snapshots from: a volume, a volume image or block device, a directory
 * tree. Everything goes in batches; every method takes a signal.
 *
 * Contract:
 * - A snapshot is a set of inodes, each with a tree of blocks: level 0 is content (4096 bytes), levels 1 and 2 are
 *   indirect blocks of `pointersPerBlock` pointers. Every block of every level has a VVBN, from 1 to 2^48 - 1; 0 is a
 *   hole. One VVBN is one block of one level: an L1 and an L0 never share one.
 * - A VVBN keeps its content as long as a snapshot that is held, or open, has it. Equal VVBNs are equal content, so
 *   an indirect block that two snapshots share shares its whole subtree. A source without VVBNs of its own gives them
 *   by content (a cryptographic hash of at least 128 bits), to level 0 and to its indirect blocks, and gives none to
 *   other content while an open snapshot or the base has it.
 * - What an inode is called and what its attributes are is content of metafiles, which are inodes like the others.
 * - A source that must read its data to know its VVBNs reads it once: it gives inodes in pieces, bottom up
 *   (`changedRoots`), and answers for the blocks of the piece it gave last from what it has just read. What it gives
 *   as the content of a VVBN is the very bytes that the VVBN was given for, or the call fails with
 *   `CLOUD_SOURCE_CHANGED`.
 */
import type { HashName } from '../core/cloud/format/tools.ts';
import type { InodeRoot } from '../core/cloud/inode-root.ts';
import type { StagedVersion } from '../state/state.ts';

export interface SourceOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What never changes about a source. */
export interface SourceFacts {
  /** `wafl`, `image`, `directory`, or a kind of one's own. */
  readonly kind: string;
  /** Names the volume for good: another volume of the same name has another id. */
  readonly id: string;
  /** Pointers in an indirect block. */
  readonly pointersPerBlock: number;
  /**
   * Says how the metafiles are laid out, with a version: `wafl/1`. Kept with each snapshot, for whoever restores it.
   */
  readonly format: string;
  /**
   * Whether `held` and `roots` can answer before `changedRoots` has ended. If not, phase 1 runs after the scan: that
   * is safe as well, since what the VMAP knows keeps its content until the snapshot is closed.
   */
  readonly knownBeforeScan: boolean;
}

/** What a snapshot is called by. */
export interface SourceSnapshot {
  /** A snapshot made anew under an old name has another uuid. */
  readonly uuid: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The SnapMirror label that policy rules select by. */
  readonly label?: string | undefined;
  readonly comment?: string | undefined;
}

/** Port: a volume whose snapshots can be backed up; see the contract above. */
export interface SnapshotSource {
  /** @throws CloudError `CLOUD_SOURCE_CHANGED` when the place is another volume than it was */
  facts(options?: SourceOptions): Promise<SourceFacts>;
  /** The snapshots that are held now, oldest first. The base of an endpoint has to stay among them. */
  snapshots(options?: SourceOptions): Promise<SourceSnapshot[]>;
  /**
   * Opens a snapshot to be read: until it is closed, it stays as it is.
   * @throws CloudError `CLOUD_SNAPSHOT_UNKNOWN`
   */
  open(uuid: string, options?: SourceOptions): Promise<OpenSnapshot>;
}

/** An open snapshot. One reader at a time. */
export interface OpenSnapshot {
  readonly snapshot: SourceSnapshot;

  /**
   * The inodes whose trees differ from the base's, all without a base, in batches. A piece need not be whole:
   * `topmost` may be a part of the inode's tree at any level, as long as the pieces cover all that differs, and a
   * piece comes only when all below it has been given in earlier pieces or can be read now. Blocks that do not differ
   * may be among them.
   * @param base uuid of a snapshot that is held, by which a source that can compare skips what both share
   * @throws CloudError `CLOUD_BASE_GONE` when the base is given and not held, `CLOUD_SOURCE_CHANGED`
   */
  changedRoots(base: string | undefined, options?: SourceOptions): AsyncIterable<readonly InodeRoot[]>;

  /**
   * The VVBNs in indirect blocks of this snapshot: `pointersPerBlock` of each, in the order asked for, 0 for holes.
   * During `changedRoots`: of the pieces given so far.
   */
  readPointers(level: 1 | 2, vvbns: Float64Array, options?: SourceOptions): Promise<Float64Array>;

  /**
   * The content of level 0 blocks of this snapshot, 4096 bytes each, in the order asked for. During `changedRoots` of a
   * source that reads once: of the piece given last.
   * @throws CloudError `CLOUD_SOURCE_CHANGED` when a block is not any more what its VVBN was given for
   */
  readBlocks(vvbns: Float64Array, options?: ReadBlocksOptions): Promise<Uint8Array>;

  /**
   * The first 16 bytes of the hash of each of the blocks that `readBlocks` gave last, one after the other, where the source
   * knows them from having hashed those very bytes: so that nobody does it again. `undefined` where it does not.
   */
  shortDigests?(hash: HashName, vvbns: Float64Array): Uint8Array | undefined;

  /** Level 0 blocks at all places where one is mapped, metafiles included, where the source knows without looking. */
  readonly mappedBlocks?: number | undefined;

  /** Every inode by ascending number, whole, in batches: what the L3 file is made of. */
  roots(options?: SourceOptions): AsyncIterable<readonly InodeRoot[]>;

  /**
   * Which VVBNs of a range the snapshot holds: one bit each, in 32-bit words, the lowest in the lowest bit. 0 is
   * never held.
   * @param first a multiple of 32; `count` too
   * @param options.level of one level only; of all levels if not given
   */
  held(first: number, count: number, options?: HeldOptions): Promise<Uint32Array>;

  /** Safe to repeat. Other calls fail afterwards. */
  close(): Promise<void>;
}

export interface ReadBlocksOptions extends SourceOptions {
  /** As long as the blocks are: the source may fill it, and give it back, instead of memory of its own. */
  readonly into?: Uint8Array | undefined;
}

export interface HeldOptions extends SourceOptions {
  readonly level?: 0 | 1 | 2 | undefined;
}

/**
 * Port: makes anew what sources of one kind keep in the state beside the VMAP, from what the object store has of the base: for a
 * state that was lost. A source of this kind then finds every block that did not change under the VVBN that it had.
 */
export interface CatalogueRebuilder {
  /** The kind of source, as in SourceFacts. */
  readonly kind: string;
  /**
   * Writes it into a version of the state, whose commit is the caller's. What an earlier one kept there is gone.
   * @throws CloudError `CLOUD_CORRUPT` when what is stored is not what such a source can have given
   */
  rebuild(staged: StagedVersion, stored: StoredSnapshot, options?: SourceOptions): Promise<void>;
}

/** What the object store has of a snapshot, in the numbers of its source. */
export interface StoredSnapshot {
  readonly snapshot: SourceSnapshot;
  readonly source: Pick<SourceFacts, 'id' | 'pointersPerBlock' | 'format'>;
  /** Every mapped block at every place where it is, all levels, inode by inode; an indirect block before what lies below it. Once. */
  blocks(): AsyncIterable<StoredBlocks>;
}

/** Some blocks of one level of an inode. */
export interface StoredBlocks {
  readonly inode: Omit<InodeRoot, 'topmost'>;
  readonly level: 0 | 1 | 2;
  /** The file block that each is, or that lies first below it; ascending. */
  readonly fbns: Float64Array;
  readonly vvbns: Float64Array;
  /** Of level 0: the first 16 bytes of the SHA-256 of each block, one after the other. Of others: nothing. */
  readonly digests: Uint8Array;
  /** The blocks themselves, one after the other: for metafiles. Before the next ones are asked for. */
  content(): Promise<Uint8Array>;
}
