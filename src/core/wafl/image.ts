/**
 * Core: an image of a file system: its inode table and its names. The active file system and every snapshot are
 * images; a fork is O(1) and shares everything until one of the two changes.
 */
import type { BlockStore } from './blocks.ts';
import { InodeRecord } from './inode-tree.ts';
import { Namespace } from './namespace.ts';
import { PersistentTable } from './persistent-table.ts';

/** The inode whose content is the attributes of all inodes. */
export const INODE_METAFILE = 1;
/** The inode whose content is all directory entries. */
export const DIRECTORY_METAFILE = 2;
/** The root directory; lower numbers are reserved for metafiles. */
export const ROOT_INODE = 64;
export const FIRST_FREE_INODE = ROOT_INODE + 1;

export class Image {
  readonly inodes: PersistentTable<InodeRecord>;
  readonly names: Namespace;

  constructor(inodes: PersistentTable<InodeRecord>, names: Namespace) {
    this.inodes = inodes;
    this.names = names;
  }

  static empty(blocks: BlockStore): Image {
    const inodes = new PersistentTable<InodeRecord>({
      retain(record) {
        record.references++;
      },
      release(record) {
        if (--record.references > 0) return;
        for (const vvbn of record.topmost) if (vvbn !== 0) blocks.release(vvbn);
      },
    });
    return new Image(inodes, new Namespace());
  }

  fork(): Image {
    return new Image(this.inodes.fork(), this.names.fork());
  }

  dispose(): void {
    this.inodes.dispose();
    this.names.table.dispose();
  }

  /** A record that this generation may change in place, or `undefined` when there is no such inode. */
  edit(number: number, generation: number, blocks: BlockStore): InodeRecord | undefined {
    const record = this.inodes.get(number);
    if (record === undefined || record.birth === generation) return record;
    const copy = new InodeRecord(record, generation);
    copy.height = record.height;
    copy.topmost = record.topmost.slice();
    for (const vvbn of copy.topmost) if (vvbn !== 0) blocks.retain(vvbn);
    this.inodes.set(number, copy, generation);
    return copy;
  }
}
