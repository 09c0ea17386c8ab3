/** What a volume must do, as naively as it can be said: a map from paths to nodes, deep copies for snapshots. */

import type { VolumeView } from '../../../src/core/wafl/view.ts';
import { VolumeModelError, type VolumeModelErrorCode } from '../../../src/errors.ts';

export interface ReferenceNode {
  readonly type: 'file' | 'directory' | 'symlink';
  bytes: Uint8Array;
  mode: number;
  mtime: number;
  readonly xattrs: Map<string, Uint8Array>;
}

export class ReferenceVolume {
  readonly #reachBytes: number;
  nodes = new Map<string, ReferenceNode>([['/', newNode('directory')]]);

  constructor(reachBytes: number) {
    this.#reachBytes = reachBytes;
  }

  copy(): ReferenceVolume {
    const copy = new ReferenceVolume(this.#reachBytes);
    const twins = new Map<ReferenceNode, ReferenceNode>();
    copy.nodes = new Map();
    for (const [path, node] of this.nodes) {
      const twin = twins.get(node) ?? { ...node, bytes: node.bytes.slice(), xattrs: new Map(node.xattrs) };
      twins.set(node, twin);
      copy.nodes.set(path, twin);
    }
    return copy;
  }

  add(path: string, type: ReferenceNode['type'], bytes = new Uint8Array()): void {
    this.#free(path);
    this.nodes.set(path, { ...newNode(type), bytes });
  }

  link(existing: string, path: string): void {
    const node = this.#node(existing);
    if (node.type === 'directory') throw refusal('WAFL_IS_DIRECTORY');
    this.#free(path);
    this.nodes.set(path, node);
  }

  cloneFile(from: string, path: string): void {
    const node = this.#file(from);
    this.#free(path);
    this.nodes.set(path, { ...node, bytes: node.bytes.slice(), xattrs: new Map() });
  }

  write(path: string, offset: number, bytes: Uint8Array): void {
    const node = this.#file(path);
    if (offset + bytes.length > this.#reachBytes) throw refusal('WAFL_FILE_TOO_LARGE');
    if (bytes.length === 0) return;
    const grown = new Uint8Array(Math.max(node.bytes.length, offset + bytes.length));
    grown.set(node.bytes);
    grown.set(bytes, offset);
    node.bytes = grown;
  }

  punchHole(path: string, offset: number, length: number): void {
    this.#file(path).bytes.fill(0, offset, offset + length);
  }

  truncate(path: string, size: number): void {
    const node = this.#file(path);
    if (size > this.#reachBytes) throw refusal('WAFL_FILE_TOO_LARGE');
    const bytes = new Uint8Array(size);
    bytes.set(node.bytes.subarray(0, size));
    node.bytes = bytes;
  }

  cloneRange(from: string, fromBlock: number, to: string, toBlock: number, count: number): void {
    const source = this.#file(from);
    const target = this.#file(to);
    const blocks = Math.ceil(source.bytes.length / 4096);
    if (fromBlock + count > blocks) throw refusal('WAFL_INVALID');
    if ((toBlock + count) * 4096 > this.#reachBytes) throw refusal('WAFL_FILE_TOO_LARGE');
    if (count === 0) return;
    const part = source.bytes.slice(fromBlock * 4096, (fromBlock + count) * 4096);
    const end = toBlock * 4096 + part.length;
    const bytes = new Uint8Array(Math.max(target.bytes.length, end));
    bytes.set(target.bytes);
    // Blocks are copied whole: beyond the source's last byte there are zeros.
    bytes.fill(0, toBlock * 4096, (toBlock + count) * 4096);
    bytes.set(part, toBlock * 4096);
    target.bytes = bytes;
  }

  setAttributes(path: string, mode: number, mtime: number): void {
    Object.assign(this.#node(path), { mode, mtime });
  }

  setXattr(path: string, name: string, value: Uint8Array | undefined): void {
    const { xattrs } = this.#node(path);
    if (value === undefined) xattrs.delete(name);
    else xattrs.set(name, value);
  }

  rename(from: string, to: string, replace: boolean): void {
    const node = this.#node(from);
    if (this.nodes.get(parentOf(to)) === undefined) throw refusal('WAFL_NOT_FOUND');
    if (this.nodes.get(parentOf(to))?.type !== 'directory') throw refusal('WAFL_NOT_DIRECTORY');
    if (from === to) return;
    if (node.type === 'directory' && to.startsWith(`${from}/`)) throw refusal('WAFL_INVALID');
    const replaced = this.nodes.get(to);
    if (replaced === node) return;
    if (replaced !== undefined) {
      if (!replace) throw refusal('WAFL_EXISTS');
      if (node.type === 'directory' && replaced.type !== 'directory') throw refusal('WAFL_NOT_DIRECTORY');
      if (node.type !== 'directory' && replaced.type === 'directory') throw refusal('WAFL_IS_DIRECTORY');
      if (this.#hasEntries(to)) throw refusal('WAFL_NOT_EMPTY');
      this.nodes.delete(to);
    }
    for (const [path, at] of [...this.nodes]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.nodes.delete(path);
      this.nodes.set(to + path.slice(from.length), at);
    }
  }

  remove(path: string): void {
    const node = this.#node(path);
    if (node.type === 'directory' && this.#hasEntries(path)) throw refusal('WAFL_NOT_EMPTY');
    this.nodes.delete(path);
  }

  #hasEntries(path: string): boolean {
    return [...this.nodes.keys()].some((other) => other.startsWith(`${path}/`));
  }

  #node(path: string): ReferenceNode {
    const node = this.nodes.get(path);
    if (node !== undefined) return node;
    throw refusal('WAFL_NOT_FOUND');
  }

  #file(path: string): ReferenceNode {
    const node = this.#node(path);
    if (node.type === 'directory') throw refusal('WAFL_IS_DIRECTORY');
    if (node.type !== 'file') throw refusal('WAFL_INVALID');
    return node;
  }

  #free(path: string): void {
    const parent = this.nodes.get(parentOf(path));
    if (parent === undefined) throw refusal('WAFL_NOT_FOUND');
    if (parent.type !== 'directory') throw refusal('WAFL_NOT_DIRECTORY');
    if (this.nodes.has(path)) throw refusal('WAFL_EXISTS');
  }
}

function newNode(type: ReferenceNode['type']): ReferenceNode {
  const mode = { file: 0o644, directory: 0o755, symlink: 0o777 }[type];
  return { type, bytes: new Uint8Array(), mode, mtime: 0, xattrs: new Map() };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function refusal(code: VolumeModelErrorCode): VolumeModelError {
  return new VolumeModelError(code, 'refused by the reference');
}

/** One sentence for each difference between a view and the reference; empty when they are equal. */
export function differences(view: VolumeView, reference: ReferenceVolume): string[] {
  const found: string[] = [];
  const inodes = new Map<ReferenceNode, number>();
  const paths = new Set<string>(['/']);
  for (const { path, inode } of view.walk()) {
    paths.add(path);
    const node = reference.nodes.get(path);
    if (node === undefined) {
      found.push(`${path} is not in the reference`);
      continue;
    }
    const known = inodes.get(node);
    if (known !== undefined && known !== inode.number) found.push(`${path} is not the same file as its other names`);
    inodes.set(node, inode.number);
    if (inode.type !== node.type) found.push(`${path} is a ${inode.type}`);
    if (inode.mode !== node.mode || inode.mtime !== node.mtime) found.push(`${path} has other attributes`);
    if (inode.sizeBytes !== node.bytes.length) found.push(`${path} has ${inode.sizeBytes} bytes`);
    if (Buffer.compare(view.read(path), node.bytes) !== 0) found.push(`${path} has other content`);
    const xattrs = [...view.xattrs(path)].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`);
    const expected = [...node.xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`);
    if (xattrs.join() !== expected.sort().join()) found.push(`${path} has other extended attributes`);
  }
  for (const path of reference.nodes.keys()) if (!paths.has(path)) found.push(`${path} is missing`);
  return found;
}
