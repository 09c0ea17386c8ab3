/**
 * Core: the checker of the volume model. It walks every image from its roots and compares what it finds with what the
 * volume keeps count of. It trusts no count, and shares no code with what keeps them.
 */
import { Bitmap } from './bitmap.ts';
import { BLOCK_SIZE, type BlockStore, HOLE, type Level, type Vvbn } from './blocks.ts';
import { DIRECTORY_METAFILE, type Image, INODE_METAFILE, ROOT_INODE } from './image.ts';
import { attributesOf, type InodeRecord, type InodeTree, sameAttributes } from './inode-tree.ts';
import { decodeDirectoryBlock, decodeInodeBlock } from './metafiles.ts';
import type { PersistentTable, TableNode } from './persistent-table.ts';

export interface CheckedVolume {
  readonly blocks: BlockStore;
  readonly tree: InodeTree;
  readonly active: Image;
  readonly snapshots: readonly { readonly name: string; readonly image: Image }[];
}

/** What is not as it must be, a sentence each; empty when all is well. */
export function checkVolume({ blocks, tree, active, snapshots }: CheckedVolume): string[] {
  const problems: string[] = [];
  const images = [{ name: 'the active file system', image: active }, ...snapshots];
  const records = new Map<InodeRecord, number>();
  countHolders(
    images.map(({ image }) => image.inodes),
    problems,
    (record) => records.set(record, (records.get(record) ?? 0) + 1),
  );
  countHolders(
    images.map(({ image }) => image.names.table),
    problems,
    () => {},
  );
  for (const [record, holders] of records) {
    if (record.references !== holders) {
      problems.push(`inode ${record.number}: ${holders} leaves hold it, ${record.references} are counted`);
    }
  }
  checkBlocks(blocks, tree, [...records.keys()], problems);
  for (const { name, image } of images) checkNames(name, image, problems);
  for (const { name, image } of snapshots) checkMetafiles(name, image, blocks, tree, problems);
  return problems;
}

/** Compares each table node's reference and item count with the number of tables and nodes that lead to it. */
function countHolders<T extends object>(
  tables: readonly PersistentTable<T>[],
  problems: string[],
  visitItem: (item: T) => void,
): void {
  const holders = new Map<TableNode<T>, number>();
  const itemsBelow = (node: TableNode<T>): number => {
    const known = holders.get(node);
    holders.set(node, (known ?? 0) + 1);
    if (known !== undefined) return node.count;
    let items = 0;
    for (const below of node.nodes) if (below !== undefined) items += itemsBelow(below);
    for (const item of node.items) {
      if (item === undefined) continue;
      items++;
      visitItem(item);
    }
    if (items !== node.count) problems.push(`a table node has ${items} items and counts ${node.count}`);
    return items;
  };
  for (const { root } of tables) if (root !== undefined) itemsBelow(root);
  for (const [node, found] of holders) {
    if (node.references !== found) problems.push(`a table node has ${found} holders and counts ${node.references}`);
  }
}

function checkBlocks(blocks: BlockStore, tree: InodeTree, records: readonly InodeRecord[], problems: string[]): void {
  const pointers = new Map<Vvbn, number>();
  const follow = (vvbn: Vvbn, level: Level) => {
    const known = pointers.get(vvbn);
    pointers.set(vvbn, (known ?? 0) + 1);
    if (known !== undefined) return;
    if (!blocks.isAllocated(vvbn)) {
      problems.push(`block ${vvbn} is reachable and free`);
      return;
    }
    if (blocks.level(vvbn) !== level) {
      problems.push(`block ${vvbn} of level ${blocks.level(vvbn)} stands at level ${level}`);
    } else if (level === 0) {
      if (blocks.recomputedChecksum(vvbn) !== blocks.checksum(vvbn)) problems.push(`the content of ${vvbn} changed`);
    } else {
      const children = blocks.pointers(vvbn);
      if (children.every((child) => child === HOLE)) problems.push(`indirect block ${vvbn} is empty`);
      for (const child of children) if (child !== HOLE) follow(child as Vvbn, (level - 1) as Level);
    }
  };
  for (const record of records) {
    for (const vvbn of record.topmost) if (vvbn !== HOLE) follow(vvbn, record.height);
    checkShape(record, blocks, tree, problems);
  }
  const reached = new Bitmap();
  for (const [vvbn, found] of pointers) {
    reached.add(vvbn);
    if (blocks.references(vvbn) !== found) {
      problems.push(`${found} pointers lead to block ${vvbn}, ${blocks.references(vvbn)} are counted`);
    }
  }
  for (const vvbn of blocks.allocated as Iterable<number>) {
    if (!reached.has(vvbn)) problems.push(`block ${vvbn} is allocated and nothing leads to it`);
  }
  if (blocks.usedBlocks !== reached.size) {
    problems.push(`${reached.size} blocks are reachable, ${blocks.usedBlocks} are counted as used`);
  }
  if (blocks.usedBlocks > blocks.capacityBlocks) problems.push('more blocks are in use than the volume has');
}

/** The tree is as low as its size allows, ends where the file ends, and has zeros beyond the last byte. */
function checkShape(record: InodeRecord, blocks: BlockStore, tree: InodeTree, problems: string[]): void {
  const sizeBlocks = Math.ceil(record.sizeBytes / BLOCK_SIZE);
  if (record.height !== tree.heightFor(sizeBlocks)) {
    problems.push(`inode ${record.number} of ${record.sizeBytes} bytes has a tree of height ${record.height}`);
  }
  if (record.topmost.length !== Math.ceil(sizeBlocks / tree.span(record.height))) {
    problems.push(`inode ${record.number} of ${record.sizeBytes} bytes has ${record.topmost.length} root pointers`);
  }
  tree.visit(record, (vvbn, level, fbn) => {
    if (level !== 0) return;
    const used = record.sizeBytes - fbn * BLOCK_SIZE;
    if (used <= 0) problems.push(`inode ${record.number} has block ${fbn} beyond its end`);
    else if (
      used < BLOCK_SIZE &&
      blocks
        .content(vvbn)
        .subarray(used)
        .some((byte) => byte !== 0)
    ) {
      problems.push(`inode ${record.number} has data beyond its last byte`);
    }
  });
}

function checkNames(name: string, { inodes, names }: Image, problems: string[]): void {
  const links = new Map<number, number>([[ROOT_INODE, 1]]);
  const seen = new Set<string>();
  for (const [slot, entry] of names.table.entries()) {
    const key = `${entry.parent}/${entry.name}`;
    if (seen.has(key)) problems.push(`${name}: two entries ${key}`);
    seen.add(key);
    links.set(entry.child, (links.get(entry.child) ?? 0) + 1);
    if (inodes.get(entry.parent)?.type !== 'directory') problems.push(`${name}: slot ${slot} is in no directory`);
    if (inodes.get(entry.child) === undefined) problems.push(`${name}: slot ${slot} leads to no inode`);
    if (names.lookup(entry.parent, entry.name) !== entry.child) problems.push(`${name}: the index lacks ${key}`);
  }
  for (const [, record] of inodes.entries()) {
    if (record.xattrInode !== 0) links.set(record.xattrInode, (links.get(record.xattrInode) ?? 0) + 1);
  }
  for (const [number, record] of inodes.entries()) {
    if (record.number !== number) problems.push(`${name}: inode ${record.number} stands at ${number}`);
    if (record.type === 'metafile') continue;
    if (record.links !== links.get(number)) {
      problems.push(`${name}: ${links.get(number) ?? 0} names lead to inode ${number}, ${record.links} are counted`);
    }
  }
}

/** A snapshot's metafiles say exactly what its tables say. */
function checkMetafiles(name: string, image: Image, blocks: BlockStore, tree: InodeTree, problems: string[]): void {
  const attributes = contentOf(image, INODE_METAFILE, blocks, tree).flatMap(decodeInodeBlock);
  const known = [...image.inodes.entries()].filter(([, { type }]) => type !== 'metafile').map(([, record]) => record);
  const same = known.every((record, i) => {
    const found = attributes[i];
    return found !== undefined && sameAttributes(found, attributesOf(record));
  });
  if (!same || attributes.length !== known.length) problems.push(`${name}: the inode metafile differs from the inodes`);
  const entries = contentOf(image, DIRECTORY_METAFILE, blocks, tree).flatMap(decodeDirectoryBlock);
  const matching = entries.filter(({ slot, parent, name, child }) => {
    const entry = image.names.table.get(slot);
    return entry?.parent === parent && entry.name === name && entry.child === child;
  });
  if (matching.length !== entries.length || entries.length !== image.names.table.size) {
    problems.push(`${name}: the directory metafile differs from the names`);
  }
}

function contentOf(image: Image, number: number, blocks: BlockStore, tree: InodeTree): Uint8Array[] {
  const record = image.inodes.get(number);
  const content: Uint8Array[] = [];
  if (record !== undefined) {
    tree.visit(record, (vvbn, level) => {
      if (level === 0) content.push(blocks.content(vvbn));
    });
  }
  return content;
}
