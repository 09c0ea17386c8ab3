/**
 * Run (layer 3): where a restore goes. The engine says which inodes there are, where their blocks belong, and gives each
 * block once; what a target makes of it (a volume, a file) is its own. A target that was begun is either finished or abandoned.
 */
import type { Manifest } from '../../core/cloud/format/manifest.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import type { FileRange } from '../../core/cloud/restore-plan.ts';

/** Port: what a restore writes to. */
export interface RestoreTarget {
  /** Takes one file: the one that is asked for, or the only one of the snapshot. */
  readonly oneFile: boolean;
  /** Inodes that are given whole, even where they did not change. */
  readonly wholeInodes: readonly number[];

  /** Prepares the target for what will be written to it. */
  begin(restore: RestoreFacts): Promise<void>;
  /** An inode is to be made (no `before`), changed, or removed (no `after`). Its places follow. */
  inode(before: InodeRoot | undefined, after: InodeRoot | undefined): Promise<void>;
  /** File blocks of an inode, and which arrival each of them is to be, or NO_ARRIVAL for a hole. Before the blocks arrive. */
  place(inode: number, fbns: Float64Array, arrivals: Float64Array): Promise<void>;
  /**
   * Blocks, one after the other, whose arrivals are numbered from `firstArrival` on, and the PVBN of each. Calls may overlap,
   * in any order.
   */
  blocks(firstArrival: number, blocks: Uint8Array, pvbns: Float64Array): Promise<void>;
  /**
   * For a target that keeps what arrived: the arrivals of these PVBNs, NO_ARRIVAL for those that have not arrived. Each block
   * is then read once, however far apart the places are that share it; numbers go on. Without it, blocks arrive again when a
   * later window needs them, and numbers begin anew with each window: the restore itself remembers nothing.
   */
  arrivalsOf?(pvbns: Float64Array): Float64Array;
  /** All that was placed has arrived. */
  endWindow(): Promise<void>;
  /** Everything is there: makes it lasting and visible. */
  finish(): Promise<void>;
  /** The restore failed: nothing may look as if it were whole. Never throws. */
  abandon(): Promise<void>;
}

/** What a target is told before it receives anything. */
export interface RestoreFacts {
  readonly manifest: Manifest;
  /** The one inode that is restored; all if absent. */
  readonly inode: number | undefined;
  /** The part of it that is wanted; all if absent. */
  readonly range: FileRange | undefined;
  /** The snapshot that the target has already, for an incremental restore. */
  readonly common: Manifest | undefined;
}
