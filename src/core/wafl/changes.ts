/**
 * Core: what differs between two images of one volume. Whatever the two share (a part of the inode table, an inode, an
 * indirect block with all below it) is skipped by identity, so the work follows the change, not the volume.
 */
import { BLOCK_SIZE, type BlockStore, HOLE, type Level, type Vvbn } from './blocks.ts';
import { type Inode, type InodeRecord, type InodeTree, sameAttributes } from './inode-tree.ts';
import type { VolumeView } from './view.ts';

/** How one inode differs. Block lists hold what lies within the new size and is not the same block at the same place. */
export interface InodeChange {
  readonly number: number;
  /** Absent when the inode is new, or had another generation. */
  readonly before: Inode | undefined;
  /** Absent when the inode is gone. */
  readonly after: Inode | undefined;
  /** False when only blocks differ. */
  readonly attributesChanged: boolean;
  /** File blocks that differ, ascending, and in `vvbns` what they point at now, 0 for a hole. */
  readonly fbns: Uint32Array;
  readonly vvbns: Uint32Array;
  /** Indirect blocks that are new at their place. */
  readonly l1: Uint32Array;
  readonly l2: Uint32Array;
}

export interface ChangeCounters {
  /** Indirect blocks whose pointers were read, of either image. */
  indirectBlocksVisited: number;
}

export interface VolumeChanges {
  /** By ascending inode number, metafiles included. */
  readonly inodes: readonly InodeChange[];
  readonly indirectBlocksVisited: number;
}

/** What `next` has and `base` has not; with no base, everything. Both must be views of one volume. */
export function changes(base: VolumeView | undefined, next: VolumeView): VolumeChanges {
  const counters = { indirectBlocksVisited: 0 };
  const inodes: InodeChange[] = [];
  visitChanges(base, next, (change) => inodes.push(change), counters);
  return { inodes, ...counters };
}

/** As `changes`, one inode at a time, so that a large baseline need not be held at once. */
export function visitChanges(
  base: VolumeView | undefined,
  next: VolumeView,
  visit: (change: InodeChange) => void,
  counters: ChangeCounters = { indirectBlocksVisited: 0 },
): void {
  const { blocks, tree, image } = next.internals;
  const comparison = new TreeComparison(blocks, tree, counters);
  image.inodes.differencesFrom(base?.internals.image.inodes, (number, one, after) => {
    const reused = one !== undefined && after !== undefined && one.generation !== after.generation;
    if (reused) visit(goneInode(number, one));
    const before = reused ? undefined : one;
    if (after === undefined) {
      if (before !== undefined) visit(goneInode(number, before));
      return;
    }
    const lists = comparison.compare(before, after);
    const attributesChanged = before === undefined || !sameAttributes(before, after);
    const changed = attributesChanged || lists.fbns.length + lists.l1.length + lists.l2.length > 0;
    if (!changed && before.height === after.height) return;
    visit({ number, before: before?.describe(), after: after.describe(), attributesChanged, ...lists });
  });
}

function goneInode(number: number, before: InodeRecord): InodeChange {
  const none = new Uint32Array();
  return {
    number,
    before: before.describe(),
    after: undefined,
    attributesChanged: true,
    fbns: none,
    vvbns: none,
    l1: none,
    l2: none,
  };
}

type Pointers = Uint32Array | readonly Vvbn[];
const NONE: readonly Vvbn[] = [];

class TreeComparison {
  readonly #blocks: BlockStore;
  readonly #tree: InodeTree;
  readonly #counters: ChangeCounters;
  readonly #fbns = new NumberList();
  readonly #vvbns = new NumberList();
  readonly #l1 = new NumberList();
  readonly #l2 = new NumberList();
  #endFbn = 0;

  constructor(blocks: BlockStore, tree: InodeTree, counters: ChangeCounters) {
    this.#blocks = blocks;
    this.#tree = tree;
    this.#counters = counters;
  }

  compare(before: InodeRecord | undefined, after: InodeRecord): Pick<InodeChange, 'fbns' | 'vvbns' | 'l1' | 'l2'> {
    for (const list of [this.#fbns, this.#vvbns, this.#l1, this.#l2]) list.clear();
    this.#endFbn = Math.ceil(after.sizeBytes / BLOCK_SIZE);
    const height = Math.max(before?.height ?? 0, after.height) as Level;
    this.#comparePointers(rootAt(before, height), rootAt(after, height), height, 0);
    return {
      fbns: this.#fbns.take(),
      vvbns: this.#vvbns.take(),
      l1: this.#l1.take(),
      l2: this.#l2.take(),
    };
  }

  #comparePointers(before: Pointers | Lifted, after: Pointers | Lifted, level: Level, base: number): void {
    const span = this.#tree.span(level);
    const slots = Math.max(width(before), width(after));
    for (let slot = 0; slot < slots; slot++) {
      const one = at(before, slot);
      const other = at(after, slot);
      if (one === other) continue;
      const fbn = base + slot * span;
      if (fbn >= this.#endFbn) return;
      if (level === 0) {
        this.#fbns.push(fbn);
        this.#vvbns.push(typeof other === 'number' ? other : HOLE);
        continue;
      }
      if (typeof other === 'number' && other !== HOLE) (level === 1 ? this.#l1 : this.#l2).push(other);
      this.#comparePointers(this.#children(one), this.#children(other), (level - 1) as Level, fbn);
    }
  }

  #children(node: Vvbn | Lifted): Pointers | Lifted {
    if (typeof node !== 'number') return node.below;
    if (node === HOLE) return NONE;
    this.#counters.indirectBlocksVisited++;
    return this.#blocks.pointers(node);
  }
}

/** Stands for an indirect block that the lower of two trees would have, were it as high as the other. */
interface Lifted {
  readonly below: Pointers | Lifted;
}

function rootAt(record: InodeRecord | undefined, height: Level): Pointers | Lifted {
  if (record === undefined) return NONE;
  let root: Pointers | Lifted = record.topmost;
  for (let at = record.height; at < height; at++) root = { below: root };
  return root;
}

function width(root: Pointers | Lifted): number {
  return 'below' in root ? 1 : root.length;
}

function at(root: Pointers | Lifted, slot: number): Vvbn | Lifted {
  if ('below' in root) return slot === 0 ? root : HOLE;
  return (root[slot] ?? HOLE) as Vvbn;
}

/** A list of 32-bit numbers that grows without an object per number. */
class NumberList {
  #numbers = new Uint32Array(16);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const longer = new Uint32Array(2 * this.#length);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[this.#length++] = number;
  }

  take(): Uint32Array {
    return this.#numbers.slice(0, this.#length);
  }
}
