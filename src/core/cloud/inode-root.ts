/** Core: the root of one inode's tree: what it takes to find its blocks. */
import type { Level } from './block-numbers.ts';

/** Block numbers are VVBNs in a source and PVBNs in the cloud. */
export interface InodeRoot {
  readonly number: number;
  /** Tells two inodes apart that had one number, one after the other. */
  readonly generation: number;
  readonly sizeBytes: number;
  /** The level of the topmost blocks. */
  readonly height: Level;
  /** Pointers to the topmost blocks in the order of the file, HOLE where nothing is mapped. */
  readonly topmost: Float64Array;
}

/** File blocks below one block of a level. */
export function spanOf(level: Level, pointersPerBlock: number): number {
  return pointersPerBlock ** level;
}
