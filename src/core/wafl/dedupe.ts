/** Core: which file blocks of the active file system are to point at another, equal block. */
import { Bitmap } from './bitmap.ts';
import type { BlockStore, Vvbn } from './blocks.ts';
import type { FileSystem } from './file-system.ts';
import { ROOT_INODE } from './image.ts';

/** File blocks (ascending) of one inode, and the block that each is to share. */
export interface SharingPlan {
  readonly number: number;
  readonly fbns: Uint32Array;
  readonly vvbns: Uint32Array;
}

/** Of equal blocks the oldest stays, so that what a snapshot holds is preferred and a second pass finds nothing. */
export function planDedupe({ blocks, tree, image }: FileSystem): SharingPlan[] {
  const inodes = [...image.inodes.entries()].filter(([number]) => number >= ROOT_INODE);
  const held = new Bitmap();
  for (const [, record] of inodes) {
    tree.visit(record, (vvbn, level) => {
      if (level === 0) held.add(vvbn);
    });
  }
  const survivors = survivorsOf(blocks, held);
  if (survivors.size === 0) return [];
  const plans: SharingPlan[] = [];
  for (const [number, record] of inodes) {
    const fbns: number[] = [];
    const vvbns: number[] = [];
    tree.visit(record, (vvbn, level, fbn) => {
      const survivor = level === 0 ? survivors.get(vvbn) : undefined;
      if (survivor === undefined) return;
      fbns.push(fbn);
      vvbns.push(survivor);
    });
    if (fbns.length > 0) plans.push({ number, fbns: Uint32Array.from(fbns), vvbns: Uint32Array.from(vvbns) });
  }
  return plans;
}

/** For each block that has an older equal, that one. Checksums find candidates; only content decides. */
function survivorsOf(blocks: BlockStore, held: Bitmap): Map<Vvbn, Vvbn> {
  const oldestFirst = Uint32Array.from(held);
  oldestFirst.sort((a, b) => blocks.birth(a as Vvbn) - blocks.birth(b as Vvbn) || a - b);
  const firsts = new Map<number, Vvbn>();
  const collisions = new Map<number, Vvbn[]>();
  const survivors = new Map<Vvbn, Vvbn>();
  for (const number of oldestFirst) {
    const vvbn = number as Vvbn;
    const checksum = blocks.checksum(vvbn);
    const first = firsts.get(checksum);
    if (first === undefined) {
      firsts.set(checksum, vvbn);
      continue;
    }
    const known = [first, ...(collisions.get(checksum) ?? [])];
    const survivor = known.find((other) => blocks.sameContent(other, vvbn));
    if (survivor !== undefined) survivors.set(vvbn, survivor);
    else collisions.set(checksum, [...known.slice(1), vvbn]);
  }
  return survivors;
}
