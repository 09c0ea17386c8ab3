/**
 * Core: logical replication. A transfer says, as plain data, how the image of one snapshot differs from that of another
 * (or from nothing). It speaks of inodes, file blocks and directory entries, never of VVBNs, so it can be applied to
 * any volume that has the base snapshot, whatever its own block numbers and fan-out.
 */
import { VolumeModelError } from '../../errors.ts';
import { BLOCK_SIZE, blocksOf, HOLE, type Vvbn } from './blocks.ts';
import { visitChanges } from './changes.ts';
import type { FileSystem } from './file-system.ts';
import { ROOT_INODE } from './image.ts';
import { attributesOf, type InodeAttributes } from './inode-tree.ts';
import { checkName, type DirectoryEntry } from './namespace.ts';
import type { SnapshotInfo, VolumeView } from './view.ts';

export const TRANSFER_FORMAT = 1;
/** In `sources`: the file block is a hole. */
export const NO_BLOCK = 0xffff_ffff;
/** Blocks in each element of `contents` but the last. */
export const TRANSFER_CHUNK_BLOCKS = 256;

const INODE_BYTES = 64;
const ENTRY_BYTES = 64;

/** Plain data: survives structuredClone and v8.serialize. */
export interface VolumeTransfer {
  readonly format: typeof TRANSFER_FORMAT;
  /** The snapshot that the destination must hold, by uuid; absent for a baseline. */
  readonly base: { readonly name: string; readonly uuid: string } | undefined;
  /** The snapshot that the destination is to have afterwards. */
  readonly snapshot: SnapshotInfo;
  /** Numbers of inodes to remove, before anything else is done. */
  readonly removedInodes: readonly number[];
  readonly inodes: readonly TransferredInode[];
  readonly entries: readonly TransferredEntry[];
  /** The blocks that `sources` count, 256 an element. A block that several file blocks share is here once. */
  readonly contents: readonly Uint8Array[];
  /** What a wire would carry: the blocks of `contents`, and 64 bytes for each inode and entry. */
  readonly bytes: number;
}

export interface TransferredInode {
  readonly attributes: InodeAttributes;
  /** File blocks to change, ascending, and for each the index of its block in `contents`, or NO_BLOCK. */
  readonly fbns: Uint32Array;
  readonly sources: Uint32Array;
}

export interface TransferredEntry {
  /** The entry's place in the directory metafile. */
  readonly slot: number;
  /** `undefined` removes. */
  readonly entry: DirectoryEntry | undefined;
}

/**
 * What turns `base` (or an empty volume) into `next`; both snapshots of one volume.
 * @throws VolumeModelError `WAFL_INVALID` when one of them is the active file system
 */
export function transferFrom(base: VolumeView | undefined, next: VolumeView): VolumeTransfer {
  if (next.snapshot === undefined || (base !== undefined && base.snapshot === undefined)) {
    throw new VolumeModelError('WAFL_INVALID', 'only snapshots can be transferred: the active file system changes');
  }
  const contents = new ContentCollector(next);
  const removedInodes: number[] = [];
  const inodes: TransferredInode[] = [];
  visitChanges(base, next, ({ number, after, fbns, vvbns }) => {
    if (number < ROOT_INODE) return;
    if (after === undefined) removedInodes.push(number);
    else {
      const sources = vvbns.map((vvbn) => (vvbn === HOLE ? NO_BLOCK : contents.indexOf(vvbn as Vvbn)));
      inodes.push({ attributes: attributesOf(after), fbns, sources });
    }
  });
  const entries: TransferredEntry[] = [];
  next.internals.image.names.table.differencesFrom(base?.internals.image.names.table, (slot, _, entry) => {
    entries.push({ slot, entry });
  });
  const metadata = (removedInodes.length + inodes.length) * INODE_BYTES + entries.length * ENTRY_BYTES;
  return {
    format: TRANSFER_FORMAT,
    base: base?.snapshot && { name: base.snapshot.name, uuid: base.snapshot.uuid },
    snapshot: next.snapshot,
    removedInodes,
    inodes,
    entries,
    contents: contents.finish(),
    bytes: contents.count * BLOCK_SIZE + metadata,
  };
}

/**
 * Makes the active image, which is a fork of the base, what the transfer's snapshot is at its source. Part of
 * `WaflVolume.applyTransfer`, which undoes everything when this throws.
 * @throws VolumeModelError `WAFL_CORRUPT`, `WAFL_NO_SPACE`
 */
export function applyToActive(files: FileSystem, transfer: VolumeTransfer): void {
  for (const number of transfer.removedInodes) files.removeInode(number);
  applyInodes(files, transfer);
  for (const { slot, entry } of transfer.entries) {
    if (entry !== undefined) checkName(entry.name);
    files.placeEntry(slot, entry);
  }
  if (files.image.inodes.get(ROOT_INODE)?.type !== 'directory') {
    throw corrupt(transfer, 'leaves the volume without a root directory');
  }
}

function applyInodes(files: FileSystem, transfer: VolumeTransfer): void {
  const { blocks, tree, generation } = files;
  /** The VVBN that each block of the transfer got here, so that what was shared stays shared. */
  const placed = new Map<number, Vvbn>();
  let previous = ROOT_INODE - 1;
  for (const inode of transfer.inodes) {
    const { attributes, fbns, sources } = inode;
    if (attributes.number <= previous) throw corrupt(transfer, `has inode ${attributes.number} out of order`);
    previous = attributes.number;
    checkBlockList(transfer, inode);
    const record = files.replaceAttributes(attributes);
    const mapped: number[] = [];
    fbns.forEach((fbn, i) => {
      if (sources[i] === NO_BLOCK) tree.clear(record, fbn, fbn + 1, generation);
      else mapped.push(i);
    });
    const targets = Uint32Array.from(mapped, (i) => fbns[i] ?? 0);
    tree.assign(record, targets, generation, (_fbn, _before, position) => {
      const source = sources[mapped[position] ?? 0] ?? NO_BLOCK;
      const known = placed.get(source);
      if (known !== undefined) {
        blocks.retain(known);
        return known;
      }
      const vvbn = blocks.put(blockOf(transfer, source), generation);
      placed.set(source, vvbn);
      return vvbn;
    });
  }
}

function checkBlockList(transfer: VolumeTransfer, { attributes, fbns, sources }: TransferredInode): void {
  let previous = -1;
  for (const fbn of fbns) {
    if (fbn <= previous) throw corrupt(transfer, `has block ${fbn} of inode ${attributes.number} out of order`);
    previous = fbn;
  }
  if (fbns.length !== sources.length || previous >= blocksOf(attributes.sizeBytes)) {
    throw corrupt(transfer, `has blocks beyond the end of inode ${attributes.number}`);
  }
}

function blockOf(transfer: VolumeTransfer, index: number): Uint8Array {
  const at = (index % TRANSFER_CHUNK_BLOCKS) * BLOCK_SIZE;
  const block = transfer.contents[Math.floor(index / TRANSFER_CHUNK_BLOCKS)]?.subarray(at, at + BLOCK_SIZE);
  if (block?.length !== BLOCK_SIZE) throw corrupt(transfer, `has no block ${index}`);
  return block;
}

function corrupt({ snapshot }: VolumeTransfer, what: string): VolumeModelError {
  return new VolumeModelError('WAFL_CORRUPT', `the transfer of ${snapshot.name} ${what}`, { object: snapshot.name });
}

class ContentCollector {
  count = 0;
  readonly #view: VolumeView;
  readonly #indexes = new Map<Vvbn, number>();
  readonly #chunks: Uint8Array[] = [];

  constructor(view: VolumeView) {
    this.#view = view;
  }

  indexOf(vvbn: Vvbn): number {
    const known = this.#indexes.get(vvbn);
    if (known !== undefined) return known;
    const index = this.count++;
    this.#indexes.set(vvbn, index);
    const place = index % TRANSFER_CHUNK_BLOCKS;
    if (place === 0) this.#chunks.push(new Uint8Array(TRANSFER_CHUNK_BLOCKS * BLOCK_SIZE));
    const chunk = this.#chunks.at(-1);
    if (chunk !== undefined) this.#view.copyContent(vvbn, chunk, place * BLOCK_SIZE);
    return index;
  }

  finish(): Uint8Array[] {
    const last = this.#chunks.pop();
    if (last === undefined) return [];
    const used = ((this.count - 1) % TRANSFER_CHUNK_BLOCKS) + 1;
    return [...this.#chunks, last.slice(0, used * BLOCK_SIZE)];
  }
}
