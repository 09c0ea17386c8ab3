/**
 * Core: a table from whole numbers to items of which any number of versions exist at once and share what they have in
 * common: a radix tree of 32-way nodes with a reference count each. Forking is O(1); a change copies one path, and only
 * once a generation; comparing two versions skips what they share.
 */

/** What happens to an item when one more, or one fewer, leaf holds it. */
export interface Ownership<T> {
  retain(item: T): void;
  release(item: T): void;
}

const BITS = 5;
const WIDTH = 1 << BITS;

/** A node of height 0 holds items, a higher one holds nodes of the next lower height. */
export class TableNode<T> {
  readonly height: number;
  /** The generation that may change the node in place. */
  readonly birth: number;
  /** How many nodes and tables lead here. */
  references = 1;
  /** Items below. */
  count = 0;
  readonly items: (T | undefined)[] = [];
  readonly nodes: (TableNode<T> | undefined)[] = [];

  constructor(height: number, birth: number) {
    this.height = height;
    this.birth = birth;
  }
}

export class PersistentTable<T extends object> {
  readonly #ownership: Ownership<T>;
  #root: TableNode<T> | undefined;

  constructor(ownership: Ownership<T>) {
    this.#ownership = ownership;
  }

  get size(): number {
    return this.#root?.count ?? 0;
  }

  /** For the checker only. */
  get root(): TableNode<T> | undefined {
    return this.#root;
  }

  get(index: number): T | undefined {
    let node = this.#root;
    if (node === undefined || index >= span(node.height + 1)) return undefined;
    while (node !== undefined && node.height > 0) node = node.nodes[slotOf(index, node.height)];
    return node?.items[index & (WIDTH - 1)];
  }

  /** Puts an item (or, with `undefined`, nothing) at the index. Versions forked before do not notice. */
  set(index: number, item: T | undefined, generation: number): void {
    const before = this.get(index);
    if (before === item) return;
    if (item !== undefined) this.#ownership.retain(item);
    const growth = (item === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    let root = this.#root ?? new TableNode<T>(0, generation);
    while (index >= span(root.height + 1)) {
      const above = new TableNode<T>(root.height + 1, generation);
      above.nodes[0] = root;
      above.count = root.count;
      root = above;
    }
    root = this.#writable(root, generation);
    this.#root = root;
    let node = root;
    node.count += growth;
    while (node.height > 0) {
      const slot = slotOf(index, node.height);
      const below = node.nodes[slot];
      const next: TableNode<T> =
        below === undefined ? new TableNode<T>(node.height - 1, generation) : this.#writable(below, generation);
      next.count += growth;
      node.nodes[slot] = next;
      node = next;
    }
    node.items[index & (WIDTH - 1)] = item;
    if (before !== undefined) this.#ownership.release(before);
  }

  /** The lowest index from `from` on without an item. */
  firstFree(from: number): number {
    if (this.#root === undefined) return from;
    return firstFreeBelow(this.#root, 0, from) ?? Math.max(from, span(this.#root.height + 1));
  }

  /** The highest index with an item, or -1. */
  lastIndex(): number {
    let node = this.#root;
    let index = 0;
    while (node !== undefined && node.count > 0) {
      if (node.height === 0) return index * WIDTH + node.items.findLastIndex((item) => item !== undefined);
      const slot = node.nodes.findLastIndex((below) => below !== undefined && below.count > 0);
      index = index * WIDTH + slot;
      node = node.nodes[slot];
    }
    return -1;
  }

  /** Items in ascending order of index. */
  *entries(): Generator<[index: number, item: T], void, undefined> {
    if (this.#root !== undefined) yield* entriesBelow(this.#root, 0);
  }

  /** Another table with the same content, sharing everything. */
  fork(): PersistentTable<T> {
    const twin = new PersistentTable<T>(this.#ownership);
    if (this.#root !== undefined) this.#root.references++;
    twin.#root = this.#root;
    return twin;
  }

  /** Lets go of everything; items that no other version holds are released. */
  dispose(): void {
    if (this.#root !== undefined) this.#release(this.#root);
    this.#root = undefined;
  }

  /** Calls `visit` for each index whose item is not the same one in `base`, in ascending order. */
  differencesFrom(
    base: PersistentTable<T> | undefined,
    visit: (index: number, before: T | undefined, after: T | undefined) => void,
  ): void {
    const height = Math.max(base?.root?.height ?? 0, this.#root?.height ?? 0);
    compare(base?.root, this.#root, height, 0, visit);
  }

  #writable(node: TableNode<T>, generation: number): TableNode<T> {
    if (node.birth === generation) return node;
    const copy = new TableNode<T>(node.height, generation);
    copy.count = node.count;
    for (let slot = 0; slot < node.nodes.length; slot++) {
      const below = node.nodes[slot];
      if (below !== undefined) below.references++;
      copy.nodes[slot] = below;
    }
    for (let slot = 0; slot < node.items.length; slot++) {
      const item = node.items[slot];
      if (item !== undefined) this.#ownership.retain(item);
      copy.items[slot] = item;
    }
    this.#release(node);
    return copy;
  }

  #release(node: TableNode<T>): void {
    if (--node.references > 0) return;
    for (const below of node.nodes) if (below !== undefined) this.#release(below);
    for (const item of node.items) if (item !== undefined) this.#ownership.release(item);
  }
}

/** How many indexes a node of the height below covers in each of its slots. */
function span(height: number): number {
  return WIDTH ** height;
}

function slotOf(index: number, height: number): number {
  return Math.floor(index / span(height)) % WIDTH;
}

function firstFreeBelow<T>(node: TableNode<T>, base: number, from: number): number | undefined {
  const step = span(node.height);
  if (node.count === step * WIDTH || base + step * WIDTH <= from) return undefined;
  for (let slot = Math.max(0, Math.floor((from - base) / step)); slot < WIDTH; slot++) {
    const start = base + slot * step;
    if (node.height === 0) {
      if (node.items[slot] === undefined) return start;
      continue;
    }
    const below = node.nodes[slot];
    if (below === undefined) return Math.max(start, from);
    const found = firstFreeBelow(below, start, from);
    if (found !== undefined) return found;
  }
  return undefined;
}

function* entriesBelow<T>(node: TableNode<T>, base: number): Generator<[number, T], void, undefined> {
  const step = span(node.height);
  for (let slot = 0; slot < WIDTH; slot++) {
    const item = node.items[slot];
    if (item !== undefined) yield [base + slot, item];
    const below = node.nodes[slot];
    if (below !== undefined) yield* entriesBelow(below, base + slot * step);
  }
}

function compare<T>(
  before: TableNode<T> | undefined,
  after: TableNode<T> | undefined,
  height: number,
  base: number,
  visit: (index: number, before: T | undefined, after: T | undefined) => void,
): void {
  if (before === after) return;
  const step = span(height);
  for (let slot = 0; slot < WIDTH; slot++) {
    if (height > 0) {
      compare(nodeAt(before, height, slot), nodeAt(after, height, slot), height - 1, base + slot * step, visit);
      continue;
    }
    const one = before?.items[slot];
    const other = after?.items[slot];
    if (one !== other) visit(base + slot, one, other);
  }
}

/** A tree that is lower than the other one stands in slot 0 of the levels it lacks. */
function nodeAt<T>(node: TableNode<T> | undefined, height: number, slot: number): TableNode<T> | undefined {
  if (node === undefined) return undefined;
  if (node.height < height) return slot === 0 ? node : undefined;
  return node.nodes[slot];
}
