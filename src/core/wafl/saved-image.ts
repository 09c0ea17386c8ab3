/** Core: one image as plain data, as what differs from the image before it, so that saved snapshots share what they shared. */
import { type BlockStore, HOLE } from './blocks.ts';
import type { Image } from './image.ts';
import { type Inode, InodeRecord } from './inode-tree.ts';
import type { DirectoryEntry } from './namespace.ts';
import type { SnapshotInfo } from './view.ts';

/** `undefined` in place of an inode or an entry: it is in the image before, and not in this one. */
export interface SavedImage {
  /** Absent for the active file system. */
  readonly snapshot: SnapshotInfo | undefined;
  readonly inodes: readonly (readonly [number: number, inode: Inode | undefined])[];
  readonly entries: readonly (readonly [slot: number, entry: DirectoryEntry | undefined])[];
}

export function saveImage(before: Image | undefined, image: Image, snapshot: SnapshotInfo | undefined): SavedImage {
  const inodes: [number, Inode | undefined][] = [];
  const entries: [number, DirectoryEntry | undefined][] = [];
  image.inodes.differencesFrom(before?.inodes, (number, _, inode) => inodes.push([number, inode?.describe()]));
  image.names.table.differencesFrom(before?.names.table, (slot, _, entry) => entries.push([slot, entry]));
  return { snapshot, inodes, entries };
}

/**
 * Turns an image into the one that was saved after it.
 * @param birth a generation that the volume will never have again: what is loaded is changed by copy only
 * @throws VolumeModelError `WAFL_CORRUPT` when an inode points at a block that is not there
 */
export function loadImage(image: Image, saved: SavedImage, blocks: BlockStore, birth: number): void {
  for (const [number, inode] of saved.inodes) {
    if (inode === undefined) {
      image.inodes.set(number, undefined, birth);
      continue;
    }
    const record = new InodeRecord(inode, birth);
    record.height = inode.height;
    record.topmost = inode.topmost.slice();
    for (const vvbn of record.topmost) if (vvbn !== HOLE) blocks.retainLoaded(vvbn);
    image.inodes.set(number, record, birth);
  }
  for (const [slot, entry] of saved.entries) image.names.place(slot, entry, birth);
}
