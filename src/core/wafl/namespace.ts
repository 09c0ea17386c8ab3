/**
 * Core: names. Every directory entry of an image has a slot (its place in the directory metafile) for as long as it
 * lives, so that an unchanged entry leaves its metafile block unchanged.
 */
import { VolumeModelError } from '../../errors.ts';
import { PersistentTable } from './persistent-table.ts';

/** One name in one directory. */
export interface DirectoryEntry {
  /** Inode number of the directory. */
  readonly parent: number;
  readonly name: string;
  /** Inode number that the name leads to. */
  readonly child: number;
}

/** Longest name, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 255;

/** Separators, and half characters that UTF-8 cannot carry. */
const UNUSABLE = /[/\0]|\p{Surrogate}/u;
const encoder = new TextEncoder();

/** @throws VolumeModelError `WAFL_INVALID` */
export function checkName(name: string): void {
  const bytes = encoder.encode(name).length;
  const bad = bytes === 0 || bytes > MAX_NAME_BYTES || name === '.' || name === '..' || UNUSABLE.test(name);
  if (bad) throw new VolumeModelError('WAFL_INVALID', `"${name}" cannot be a name`);
}

/** `/a/b` as `['a', 'b']`; `/` as `[]`. @throws VolumeModelError `WAFL_INVALID` for anything that is not absolute and plain */
export function pathParts(path: string): string[] {
  if (!path.startsWith('/')) throw new VolumeModelError('WAFL_INVALID', `"${path}" is not an absolute path`);
  const parts = path === '/' ? [] : path.slice(1).split('/');
  for (const part of parts) checkName(part);
  return parts;
}

const unowned = { retain() {}, release() {} };

interface Placed {
  readonly slot: number;
  readonly child: number;
}

/** The directory entries of one image, by slot, with an index by name that is built when first asked for. */
export class Namespace {
  readonly table: PersistentTable<DirectoryEntry>;
  #index: Map<number, Map<string, Placed>> | undefined;

  constructor(table: PersistentTable<DirectoryEntry> = new PersistentTable<DirectoryEntry>(unowned)) {
    this.table = table;
  }

  lookup(parent: number, name: string): number | undefined {
    return this.#byName().get(parent)?.get(name)?.child;
  }

  /** The entries of a directory, sorted by name. */
  list(parent: number): DirectoryEntry[] {
    const entries = [...(this.#byName().get(parent) ?? [])].map(([name, { child }]) => ({ parent, name, child }));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  isEmpty(parent: number): boolean {
    return (this.#byName().get(parent)?.size ?? 0) === 0;
  }

  /** Returns the slot taken: the lowest free one. */
  add(entry: DirectoryEntry, generation: number): number {
    const slot = this.table.firstFree(0);
    this.place(slot, entry, generation);
    return slot;
  }

  /** Returns the slot that became free. */
  remove(parent: number, name: string, generation: number): number {
    const placed = this.#byName().get(parent)?.get(name);
    if (placed === undefined) throw new VolumeModelError('WAFL_NOT_FOUND', `no "${name}" in directory ${parent}`);
    this.place(placed.slot, undefined, generation);
    return placed.slot;
  }

  /** Puts an entry, or nothing, in a slot. */
  place(slot: number, entry: DirectoryEntry | undefined, generation: number): void {
    const before = this.table.get(slot);
    this.table.set(slot, entry, generation);
    if (this.#index === undefined) return;
    if (before !== undefined) unfile(this.#index, before, slot);
    if (entry !== undefined) file(this.#index, entry, slot);
  }

  fork(): Namespace {
    return new Namespace(this.table.fork());
  }

  #byName(): Map<number, Map<string, Placed>> {
    if (this.#index === undefined) {
      this.#index = new Map();
      for (const [slot, entry] of this.table.entries()) file(this.#index, entry, slot);
    }
    return this.#index;
  }
}

function file(index: Map<number, Map<string, Placed>>, { parent, name, child }: DirectoryEntry, slot: number): void {
  const names = index.get(parent) ?? new Map<string, Placed>();
  names.set(name, { slot, child });
  index.set(parent, names);
}

/** Only what this slot filed: while a transfer is applied, the same name may already stand in another slot. */
function unfile(index: Map<number, Map<string, Placed>>, { parent, name }: DirectoryEntry, slot: number): void {
  const names = index.get(parent);
  if (names?.get(name)?.slot === slot) names.delete(name);
  if (names?.size === 0) index.delete(parent);
}
