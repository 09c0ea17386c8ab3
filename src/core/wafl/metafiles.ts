/**
 * Core: how inode attributes and directory entries are laid out in the blocks of the two metafiles, so that they can be
 * backed up, compared and shared like file data. Little endian; a change of layout raises the version.
 *
 * Each block: 4 bytes magic (`WINO` or `WDIR`), u16 version, u16 slots per block, u64 first slot of the block, then the
 * slots. A block without used slots is a hole; an unused slot is all zeros; the file ends with its last used block.
 *
 * Inode slot (80 bytes; slot = inode number; metafiles have none): u8 type (1 file, 2 directory, 3 symlink, 4 stream), 3
 * zeros, u32 mode, u32 uid, u32 gid, u32 links, u32 xattr inode, u64 generation, u64 size in bytes, i64 mtime in
 * milliseconds, zeros.
 * Directory slot (272 bytes): u32 parent inode, u32 child inode, u16 length of the name in bytes, u16 zero, the name in
 * UTF-8, zeros.
 *
 * Blocks of content are not in the inode slot: they are numbered differently wherever a copy of the volume is.
 */
import { VolumeModelError } from '../../errors.ts';
import { BLOCK_SIZE } from './blocks.ts';
import type { InodeAttributes, InodeType } from './inode-tree.ts';
import { type DirectoryEntry, MAX_NAME_BYTES } from './namespace.ts';

export const METAFILE_VERSION = 1;
export const INODE_SLOTS_PER_BLOCK = 51;
export const DIRECTORY_SLOTS_PER_BLOCK = 15;

const HEADER_BYTES = 16;
const INODE_SLOT_BYTES = 80;
const DIRECTORY_SLOT_BYTES = 272;
const INODE_MAGIC = 'WINO';
const DIRECTORY_MAGIC = 'WDIR';
const STORED_TYPES: readonly InodeType[] = ['file', 'directory', 'symlink', 'stream'];
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Writes block `fbn` of the inode metafile to `target` (4096 bytes); false, with `target` all zeros, if no slot is used. */
export function encodeInodeBlock(
  fbn: number,
  inode: (number: number) => InodeAttributes | undefined,
  target: Uint8Array,
): boolean {
  const view = begin(target, INODE_MAGIC, INODE_SLOTS_PER_BLOCK, fbn);
  let used = false;
  for (let slot = 0; slot < INODE_SLOTS_PER_BLOCK; slot++) {
    const attributes = inode(fbn * INODE_SLOTS_PER_BLOCK + slot);
    if (attributes === undefined || attributes.type === 'metafile') continue;
    used = true;
    const at = HEADER_BYTES + slot * INODE_SLOT_BYTES;
    view.setUint8(at, STORED_TYPES.indexOf(attributes.type) + 1);
    view.setUint32(at + 4, attributes.mode, true);
    view.setUint32(at + 8, attributes.uid, true);
    view.setUint32(at + 12, attributes.gid, true);
    view.setUint32(at + 16, attributes.links, true);
    view.setUint32(at + 20, attributes.xattrInode, true);
    view.setBigUint64(at + 24, BigInt(attributes.generation), true);
    view.setBigUint64(at + 32, BigInt(attributes.sizeBytes), true);
    view.setBigInt64(at + 40, BigInt(attributes.mtime), true);
  }
  if (!used) target.fill(0);
  return used;
}

/** The inodes in a block of the inode metafile, by ascending number. @throws VolumeModelError `WAFL_CORRUPT` */
export function decodeInodeBlock(block: Uint8Array): InodeAttributes[] {
  const { view, firstSlot } = open(block, INODE_MAGIC, INODE_SLOTS_PER_BLOCK);
  const inodes: InodeAttributes[] = [];
  for (let slot = 0; slot < INODE_SLOTS_PER_BLOCK; slot++) {
    const at = HEADER_BYTES + slot * INODE_SLOT_BYTES;
    const code = view.getUint8(at);
    if (code === 0) continue;
    const type = STORED_TYPES[code - 1];
    if (type === undefined) throw corrupt(`inode ${firstSlot + slot} has the unknown type ${code}`);
    inodes.push({
      number: firstSlot + slot,
      generation: Number(view.getBigUint64(at + 24, true)),
      type,
      sizeBytes: Number(view.getBigUint64(at + 32, true)),
      mode: view.getUint32(at + 4, true),
      uid: view.getUint32(at + 8, true),
      gid: view.getUint32(at + 12, true),
      mtime: Number(view.getBigInt64(at + 40, true)),
      links: view.getUint32(at + 16, true),
      xattrInode: view.getUint32(at + 20, true),
    });
  }
  return inodes;
}

/** As `encodeInodeBlock`, for the directory metafile. */
export function encodeDirectoryBlock(
  fbn: number,
  entry: (slot: number) => DirectoryEntry | undefined,
  target: Uint8Array,
): boolean {
  const view = begin(target, DIRECTORY_MAGIC, DIRECTORY_SLOTS_PER_BLOCK, fbn);
  let used = false;
  for (let slot = 0; slot < DIRECTORY_SLOTS_PER_BLOCK; slot++) {
    const found = entry(fbn * DIRECTORY_SLOTS_PER_BLOCK + slot);
    if (found === undefined) continue;
    used = true;
    const at = HEADER_BYTES + slot * DIRECTORY_SLOT_BYTES;
    const name = encoder.encode(found.name);
    view.setUint32(at, found.parent, true);
    view.setUint32(at + 4, found.child, true);
    view.setUint16(at + 8, name.length, true);
    target.set(name, at + 12);
  }
  if (!used) target.fill(0);
  return used;
}

/** The entries in a block of the directory metafile with their slots. @throws VolumeModelError `WAFL_CORRUPT` */
export function decodeDirectoryBlock(block: Uint8Array): (DirectoryEntry & { readonly slot: number })[] {
  const { view, firstSlot } = open(block, DIRECTORY_MAGIC, DIRECTORY_SLOTS_PER_BLOCK);
  const entries: (DirectoryEntry & { slot: number })[] = [];
  for (let slot = 0; slot < DIRECTORY_SLOTS_PER_BLOCK; slot++) {
    const at = HEADER_BYTES + slot * DIRECTORY_SLOT_BYTES;
    const parent = view.getUint32(at, true);
    if (parent === 0) continue;
    const length = view.getUint16(at + 8, true);
    if (length === 0 || length > MAX_NAME_BYTES) {
      throw corrupt(`directory slot ${firstSlot + slot} has a name of ${length} bytes`);
    }
    entries.push({
      slot: firstSlot + slot,
      parent,
      name: decodeText(block.subarray(at + 12, at + 12 + length)),
      child: view.getUint32(at + 4, true),
    });
  }
  return entries;
}

function begin(target: Uint8Array, magic: string, slots: number, fbn: number): DataView {
  target.fill(0);
  const view = new DataView(target.buffer, target.byteOffset, BLOCK_SIZE);
  target.set(encoder.encode(magic));
  view.setUint16(4, METAFILE_VERSION, true);
  view.setUint16(6, slots, true);
  view.setBigUint64(8, BigInt(fbn * slots), true);
  return view;
}

function open(block: Uint8Array, magic: string, slots: number): { view: DataView; firstSlot: number } {
  if (block.length !== BLOCK_SIZE) throw corrupt(`a metafile block has ${block.length} bytes`);
  const view = new DataView(block.buffer, block.byteOffset, BLOCK_SIZE);
  if (String.fromCharCode(...block.subarray(0, 4)) !== magic) throw corrupt(`a metafile block is not ${magic}`);
  const version = view.getUint16(4, true);
  if (version !== METAFILE_VERSION) throw corrupt(`metafile version ${version} is not known`);
  if (view.getUint16(6, true) !== slots) throw corrupt(`a metafile block has not ${slots} slots`);
  return { view, firstSlot: Number(view.getBigUint64(8, true)) };
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new VolumeModelError('WAFL_CORRUPT', 'a name in a directory block is not UTF-8', { cause });
  }
}

function corrupt(message: string): VolumeModelError {
  return new VolumeModelError('WAFL_CORRUPT', message);
}
