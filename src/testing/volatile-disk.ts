/**
 * A disk in memory that loses power. It keeps apart what is only in the page cache from what was synced, as POSIX allows
 * it to be kept apart: a write is certain after `sync` of its file, a name after `syncFolder` of its folder, and what was
 * not synced may survive a crash or not, each write and each name by itself, a write also in parts.
 */
import type { Disk, DiskFile, FileFacts, FolderEntry } from '../disk/disk.ts';
import type { Random } from '../env.ts';
import { SeededRandom } from './random.ts';

/** What a crash leaves of what was not synced. */
export type CrashOutcome = 'nothing' | 'everything' | 'random';

/** An operation of a disk that a fault can strike. */
export type DiskOperation =
  | 'open'
  | 'link'
  | 'rename'
  | 'remove'
  | 'makeFolder'
  | 'listFolder'
  | 'stat'
  | 'syncFolder'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'close';

/** A scripted failure: the next `times` (default 1) such operations, after the first `after`, fail with the errno. */
export interface DiskFault {
  readonly operation: DiskOperation;
  /** Part of the path; default any. */
  readonly path?: string | RegExp;
  readonly errno: string;
  readonly after?: number;
  readonly times?: number;
}

/** What a VolatileDisk is made of. */
export interface VolatileDiskOptions {
  readonly random?: Random;
}

/** A disk in memory that can lose power: what was not synced may then be gone, or there. */
export class VolatileDisk {
  readonly #random: Random;
  #root = new Folder();
  #power = 0;
  #changes = 0;
  #diesAtChange = Number.POSITIVE_INFINITY;
  #faults: { readonly fault: DiskFault; passed: number; struck: number }[] = [];

  constructor(options: VolatileDiskOptions = {}) {
    this.#random = options.random ?? new SeededRandom(1);
  }

  /** Operations that change the disk or make a change durable, up to now. Each is a point at which the power can fail. */
  get changes(): number {
    return this.#changes;
  }

  /** The power fails instead of the change after this many more; from there on everything fails, until `crash`. */
  dieAfter(changes: number): void {
    this.#diesAtChange = this.#changes + changes;
  }

  /** Makes operations on files fail, as the fault says. */
  addFault(fault: DiskFault): void {
    this.#faults.push({ fault, passed: 0, struck: 0 });
  }

  /** The power is gone and comes back. Disks attached before, and their files, fail from now on. */
  crash(outcome: CrashOutcome = 'random'): void {
    this.#power++;
    this.#diesAtChange = Number.POSITIVE_INFINITY;
    const survives: Survives = () => outcome === 'everything' || (outcome === 'random' && this.#random.next() < 0.5);
    const named = this.#root.crash(survives);
    for (const file of named) file.links = 0;
    for (const file of named) file.links++;
    for (const file of new Set(named)) file.crash(survives);
  }

  /** The disk as a process sees it that starts now. */
  attach(): Disk {
    const power = this.#power;
    const run: Run = async (operation, path, work, onFault) => {
      // As on a real disk, the answer comes later.
      await Promise.resolve();
      if (power !== this.#power) throw failure('EIO', operation, path);
      if (CHANGING.has(operation) && this.#changes++ >= this.#diesAtChange) throw failure('EIO', operation, path);
      if (this.#changes > this.#diesAtChange) throw failure('EIO', operation, path);
      const errno = this.#strike(operation, path);
      if (errno === undefined) return work();
      onFault?.();
      throw failure(errno, operation, path);
    };
    const folder = (path: string, operation: DiskOperation) => this.#folder(path, operation);
    const parent = (path: string, operation: DiskOperation) => ({
      folder: folder(parentOf(path), operation),
      name: nameOf(path),
    });
    const file = (path: string, operation: DiskOperation): File => {
      const at = parent(path, operation);
      const found = at.folder.entries.get(at.name);
      if (found === undefined) throw failure('ENOENT', operation, path);
      if (found instanceof Folder) throw failure('EISDIR', operation, path);
      return found;
    };

    return {
      open: (path, access) =>
        run('open', path, () => {
          if (access !== 'create') return new OpenFile(file(path, 'open'), path, run);
          const at = parent(path, 'open');
          if (at.folder.entries.has(at.name)) throw failure('EEXIST', 'open', path);
          const made = new File();
          at.folder.change([[at.name, made]]);
          return new OpenFile(made, path, run);
        }),
      link: (path, newPath) =>
        run('link', newPath, () => {
          const target = file(path, 'link');
          const at = parent(newPath, 'link');
          if (at.folder.entries.has(at.name)) throw failure('EEXIST', 'link', newPath);
          at.folder.change([[at.name, target]]);
        }),
      rename: (path, newPath) =>
        run('rename', newPath, () => {
          const moved = file(path, 'rename');
          const from = parent(path, 'rename');
          const to = parent(newPath, 'rename');
          if (from.folder !== to.folder) throw failure('EXDEV', 'rename', newPath);
          if (to.folder.entries.get(to.name) instanceof Folder) throw failure('EISDIR', 'rename', newPath);
          from.folder.change([
            [from.name, undefined],
            [to.name, moved],
          ]);
        }),
      remove: (path) =>
        run('remove', path, () => {
          file(path, 'remove');
          const at = parent(path, 'remove');
          at.folder.change([[at.name, undefined]]);
        }),
      makeFolder: (path) =>
        run('makeFolder', path, () => {
          if (path === '/') throw failure('EEXIST', 'makeFolder', path);
          const at = parent(path, 'makeFolder');
          if (at.folder.entries.has(at.name)) throw failure('EEXIST', 'makeFolder', path);
          at.folder.change([[at.name, new Folder()]]);
        }),
      listFolder: (path) =>
        run('listFolder', path, () =>
          [...folder(path, 'listFolder').entries].map(
            ([name, entry]): FolderEntry => ({ name, kind: entry instanceof Folder ? 'folder' : 'file' }),
          ),
        ),
      stat: (path) => run('stat', path, () => file(path, 'stat').facts()),
      syncFolder: (path) => run('syncFolder', path, () => folder(path, 'syncFolder').sync()),
    };
  }

  #folder(path: string, operation: DiskOperation): Folder {
    let at: Folder = this.#root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const next = at.entries.get(name);
      if (next === undefined) throw failure('ENOENT', operation, path);
      if (!(next instanceof Folder)) throw failure('ENOTDIR', operation, path);
      at = next;
    }
    return at;
  }

  #strike(operation: DiskOperation, path: string): string | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.operation !== operation || !matches(fault.path, path)) continue;
      if (entry.passed++ < (fault.after ?? 0) || entry.struck >= (fault.times ?? 1)) continue;
      entry.struck++;
      return fault.errno;
    }
    return undefined;
  }
}

const CHANGING: ReadonlySet<DiskOperation> = new Set([
  'link',
  'rename',
  'remove',
  'makeFolder',
  'syncFolder',
  'write',
  'truncate',
  'sync',
]);

/** Asked of each change that was not synced, in order. */
type Survives = () => boolean;

/** The entries now, those that are durable, and the changes in between, each of them atomic. */
class Folder {
  entries = new Map<string, File | Folder>();
  #durable = new Map<string, File | Folder>();
  #unsynced: (readonly EntryChange[])[] = [];

  change(changes: readonly EntryChange[]): void {
    this.#unsynced.push(changes);
    for (const [name, entry] of changes) {
      const before = this.entries.get(name);
      if (before instanceof File) before.links--;
      if (entry instanceof File) entry.links++;
    }
    apply(this.entries, changes);
  }

  sync(): void {
    this.#durable = new Map(this.entries);
    this.#unsynced = [];
  }

  /** Gives the files that it and the folders below it name, once for each name. */
  crash(survives: Survives): File[] {
    for (const changes of this.#unsynced) {
      if (survives()) apply(this.#durable, changes);
    }
    this.entries = new Map(this.#durable);
    this.#unsynced = [];
    return [...this.entries.values()].flatMap((entry) => (entry instanceof Folder ? entry.crash(survives) : [entry]));
  }
}

type EntryChange = readonly [name: string, entry: File | Folder | undefined];

function apply(entries: Map<string, File | Folder>, changes: readonly EntryChange[]): void {
  for (const [name, entry] of changes) {
    if (entry === undefined) entries.delete(name);
    else entries.set(name, entry);
  }
}

/** The content now, the durable one, and the changes in between. */
class File {
  links = 0;
  #content = new Content();
  #durable = new Content();
  #unsynced: ((durable: Content, survives: Survives) => void)[] = [];

  facts(): FileFacts {
    return { sizeBytes: this.#content.sizeBytes, links: this.links };
  }

  read(into: Uint8Array, position: number): number {
    const found = this.#content.bytes().subarray(position, position + into.length);
    into.set(found);
    return found.length;
  }

  write(bytes: Uint8Array, position: number): void {
    const written = Uint8Array.from(bytes);
    this.#content.write(written, position);
    this.#unsynced.push((durable, survives) => {
      for (let at = 0; at < written.length; at += SECTOR_BYTES) {
        if (survives()) durable.write(written.subarray(at, at + SECTOR_BYTES), position + at);
      }
    });
  }

  truncate(sizeBytes: number): void {
    this.#content.truncate(sizeBytes);
    this.#unsynced.push((durable, survives) => {
      if (survives()) durable.truncate(sizeBytes);
    });
  }

  sync(): void {
    this.#settle(() => true);
  }

  /** A sync that fails leaves the cache as it is and marks it as clean: no later sync writes it. */
  failSync(): void {
    this.#unsynced = [];
  }

  crash(survives: Survives): void {
    this.#settle(survives);
    this.#content = this.#durable.copy();
  }

  #settle(survives: Survives): void {
    for (const change of this.#unsynced) change(this.#durable, survives);
    this.#unsynced = [];
  }
}

const SECTOR_BYTES = 512;

/** Bytes that grow. What is skipped reads as zeros. */
class Content {
  sizeBytes = 0;
  #buffer = new Uint8Array(0);

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.sizeBytes);
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#buffer.length));
      grown.set(this.bytes());
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, position);
    this.sizeBytes = Math.max(this.sizeBytes, end);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes > this.sizeBytes) this.write(new Uint8Array(1), sizeBytes - 1);
    this.#buffer.fill(0, sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  copy(): Content {
    const copy = new Content();
    copy.write(this.bytes(), 0);
    return copy;
  }
}

type Run = <T>(operation: DiskOperation, path: string, work: () => T, onFault?: () => void) => Promise<T>;

class OpenFile implements DiskFile {
  readonly #file: File;
  readonly #path: string;
  readonly #run: Run;

  constructor(file: File, path: string, run: Run) {
    this.#file = file;
    this.#path = path;
    this.#run = run;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#run('read', this.#path, () => this.#file.read(into, position));
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    for (const part of parts) {
      const start = at;
      // A disk that is full took what it could.
      const half = () => this.#file.write(part.subarray(0, part.length / 2), start);
      await this.#run('write', this.#path, () => this.#file.write(part, start), half);
      at += part.length;
    }
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#run('truncate', this.#path, () => this.#file.truncate(sizeBytes));
  }

  sync(): Promise<void> {
    return this.#run(
      'sync',
      this.#path,
      () => this.#file.sync(),
      () => this.#file.failSync(),
    );
  }

  stat(): Promise<FileFacts> {
    return this.#run('stat', this.#path, () => this.#file.facts());
  }

  close(): Promise<void> {
    return this.#run('close', this.#path, () => {});
  }
}

function matches(pattern: string | RegExp | undefined, path: string): boolean {
  if (pattern === undefined) return true;
  return typeof pattern === 'string' ? path.includes(pattern) : pattern.test(path);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function failure(errno: string, operation: DiskOperation, path: string): Error {
  return Object.assign(new Error(`${errno}: ${operation} '${path}'`), { code: errno });
}
