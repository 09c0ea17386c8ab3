/**
 * Core: the L3 file, the root of a snapshot in the cloud: for every inode, metafiles included, the PVBNs of its topmost
 * blocks. It is written in parts of a bounded size, in ascending order of inode numbers, so that one inode is found
 * without reading the rest.
 */
import { OBJECT_BYTES } from './block-numbers.ts';
import { l3BytesOf } from './format/l3-part.ts';
import type { L3PartFacts } from './format/manifest.ts';
import { toPvbns } from './indirects.ts';
import type { InodeRoot } from './inode-root.ts';
import type { Vmap } from './vmap.ts';

/** An inode with PVBNs in place of VVBNs. The VMAP's pages for its topmost blocks must be loaded. */
export function populateInode(vmap: Vmap, inode: InodeRoot): InodeRoot {
  return { ...inode, topmost: toPvbns(vmap, inode.topmost) };
}

/** Gathers inodes into parts. */
export class L3Parts {
  readonly #partBytes: number;
  #waiting: InodeRoot[] = [];
  #bytes = 0;

  /** @param partBytes of a part before compression; one inode may exceed it */
  constructor(partBytes: number = OBJECT_BYTES) {
    this.#partBytes = partBytes;
  }

  /** Adds inodes with PVBNs, ascending, and gives the parts that became full, to be encoded. */
  *add(inodes: readonly InodeRoot[]): Generator<readonly InodeRoot[], void, undefined> {
    for (const inode of inodes) {
      const bytes = l3BytesOf(inode);
      if (this.#bytes + bytes > this.#partBytes) yield* this.flush();
      this.#waiting.push(inode);
      this.#bytes += bytes;
    }
  }

  /** The last part; nothing when no inode waits. */
  *flush(): Generator<readonly InodeRoot[], void, undefined> {
    if (this.#waiting.length === 0) return;
    yield this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
  }
}

/** The part that an inode would be in. */
export function partWithInode(parts: readonly L3PartFacts[], inode: number): L3PartFacts | undefined {
  let low = 0;
  let high = parts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((parts[middle]?.lastInode ?? 0) < inode) low = middle + 1;
    else high = middle;
  }
  const part = parts[low];
  return part !== undefined && part.firstInode <= inode ? part : undefined;
}
