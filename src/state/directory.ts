/**
 * Adapter: one endpoint's state in one folder, safe against crashes.
 *
 * - `owner`: whose it is
 * - `lock.N`: who holds it (state-lock.ts)
 * - `pages`: all pages of all versions (page-file.ts)
 * - `committed`, `checkpoint`: the roots of the committed and of the checkpointed version (version-root.ts)
 * - `documents/NAME`, `journals/NAME`
 *
 * A commit syncs `pages`, then puts a new `committed` in the place of the old one by rename: that is the atomic step.
 */
import { join, resolve } from 'node:path';
import { type Disk, errnoOf } from '../disk/disk.ts';
import { DurableFolders, removeFile, replaceFile } from '../disk/durable-files.ts';
import { nodeDisk } from '../disk/node-disk.ts';
import { type Random, systemRandom } from '../env.ts';
import { StateError } from '../errors.ts';
import { framed, readFramed } from './framed-file.ts';
import { JournalFile } from './journal-file.ts';
import { PageFile, unitsOf } from './page-file.ts';
import { PageTable } from './page-table.ts';
import { type SignsOfLife, socketSignsOfLife } from './sign-of-life.ts';
import { DirectoryStagedVersion } from './staged-version.ts';
import {
  type CommittedVersion,
  checkPageNumber,
  checkStateName,
  type EndpointState,
  type Journal,
  type OpenStateOptions,
  type PagesOptions,
  type StagedVersion,
  type StateOptions,
  type StateStore,
} from './state.ts';
import { corrupt, onStateFile } from './state-disk-errors.ts';
import { StateLock } from './state-lock.ts';
import { decodeRoot, encodeRoot, type VersionRoot } from './version-root.ts';

/** What a DirectoryStateStore may be given besides its folder. */
export interface DirectoryStateStoreOptions {
  readonly random?: Random | undefined;
  readonly disk?: Disk | undefined;
  readonly signs?: SignsOfLife | undefined;
}

/** The folder is made by the first `open`. */
export class DirectoryStateStore implements StateStore {
  readonly folder: string;
  readonly #disk: Disk;
  readonly #random: Random;
  readonly #signs: SignsOfLife;

  constructor(folder: string, options: DirectoryStateStoreOptions = {}) {
    this.folder = resolve(folder);
    this.#disk = options.disk ?? nodeDisk;
    this.#random = options.random ?? systemRandom;
    this.#signs = options.signs ?? socketSignsOfLife;
  }

  async open(endpoint: string, { breakLock = false, signal }: OpenStateOptions = {}): Promise<EndpointState> {
    signal?.throwIfAborted();
    const { folder } = this;
    const tools = { disk: this.#disk, random: this.#random, signs: this.#signs };
    const folders = new DurableFolders(this.#disk, folder);
    await onStateFile('make the folder of the state', folder, () => folders.ensure(folder));
    const files = new StateFiles(folder, this.#disk, this.#random);
    // Before the lock as well: who opens the wrong folder is to be told so, not to wait.
    await files.checkOwner(endpoint);
    const lock = await StateLock.take(folder, tools, breakLock, signal);
    try {
      await files.prepare(endpoint, folders);
      return await DirectoryEndpointState.load(endpoint, files, lock, signal);
    } catch (error) {
      // The error to be told is this one; a lock that stays is that of a dead process, at the latest when this one is.
      await lock.release().catch(() => {});
      throw error;
    }
  }
}

/** The files of one state by name. */
class StateFiles {
  readonly folder: string;
  readonly disk: Disk;
  readonly #random: Random;

  constructor(folder: string, disk: Disk, random: Random) {
    this.folder = folder;
    this.disk = disk;
    this.#random = random;
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** Whether the state has an owner, who is this endpoint. */
  async checkOwner(endpoint: string): Promise<boolean> {
    const file = this.path('owner');
    const content = await readFramed(this.disk, file, ['owner']);
    if (content === undefined) return false;
    const owner = new TextDecoder().decode(content);
    if (owner === endpoint) return true;
    throw new StateError(
      'STATE_WRONG_OWNER',
      `${this.folder} holds the state of endpoint ${owner}, not of ${endpoint}`,
      {
        file,
        attempted: 'open the state',
        remedy: 'Name the folder of this endpoint, or an empty one.',
        details: { owner, endpoint },
      },
    );
  }

  /** Only for the holder of the lock. */
  async prepare(endpoint: string, folders: DurableFolders): Promise<void> {
    await onStateFile('prepare the folder of the state', this.folder, async () => {
      for (const name of ['documents', 'journals']) await folders.ensure(this.path(name));
      for (const folder of [this.folder, this.path('documents')]) {
        for (const { name } of await this.disk.listFolder(folder)) {
          if (TEMPORARY.test(name)) await removeFile(this.disk, join(folder, name));
        }
      }
    });
    if (await this.checkOwner(endpoint)) return;
    if ((await readFramed(this.disk, this.path('committed'), ['committed', endpoint])) !== undefined) {
      throw corrupt(this.path('owner'), 'the file is missing');
    }
    await this.replace(['owner'], ['owner'], new TextEncoder().encode(endpoint));
  }

  async replace(
    path: readonly string[],
    meaning: readonly string[],
    content: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    const file = this.path(...path);
    const temporary = `~${this.#random.uuid()}.tmp`;
    await onStateFile('write the state', file, () =>
      replaceFile(this.disk, file, temporary, framed(meaning, content), signal),
    );
  }

  /** Durably. */
  async remove(...path: readonly string[]): Promise<void> {
    const file = this.path(...path);
    await onStateFile('remove a file of the state', file, async () => {
      await removeFile(this.disk, file);
      await this.disk.syncFolder(this.path(...path.slice(0, -1)));
    });
  }

  async readRoot(name: 'committed' | 'checkpoint', endpoint: string): Promise<VersionRoot | undefined> {
    const content = await readFramed(this.disk, this.path(name), [name, endpoint]);
    return content && decodeRoot(content);
  }
}

const TEMPORARY = /^~[0-9a-f-]{36}\.tmp$/;

class DirectoryEndpointState implements EndpointState {
  readonly endpoint: string;
  readonly #files: StateFiles;
  readonly #lock: StateLock;
  readonly #pages: PageFile;
  readonly #journals = new Map<string, Journal>();
  #committed: { readonly version: CommittedVersion; readonly table: PageTable };
  #checkpoint: { readonly meta: Uint8Array; readonly table: PageTable } | undefined;
  #staged: DirectoryStagedVersion | undefined;
  /** A root whose fate is unknown: nothing is staged on it any more. */
  #failed: unknown;
  #closed = false;

  private constructor(
    endpoint: string,
    files: StateFiles,
    lock: StateLock,
    pages: PageFile,
    committed: { readonly version: CommittedVersion; readonly table: PageTable },
  ) {
    this.endpoint = endpoint;
    this.#files = files;
    this.#lock = lock;
    this.#pages = pages;
    this.#committed = committed;
  }

  static async load(
    endpoint: string,
    files: StateFiles,
    lock: StateLock,
    signal: AbortSignal | undefined,
  ): Promise<DirectoryEndpointState> {
    const root = await files.readRoot('committed', endpoint);
    const checkpoint = await files.readRoot('checkpoint', endpoint);
    const pages = await PageFile.open(files.disk, files.path('pages'));
    try {
      // The names of `pages`, and of a root that a crash left unsynced.
      await onStateFile('sync the folder of the state', files.folder, () => files.disk.syncFolder(files.folder));
      const table = new PageTable(pages, root?.places);
      const version = { number: root?.number ?? 0, meta: root?.meta ?? new Uint8Array(0) };
      const state = new DirectoryEndpointState(endpoint, files, lock, pages, { version, table });
      await markExtents(pages, 'committed', table, signal);
      // One that was staged on another version was committed, or left behind by a commit.
      if (checkpoint !== undefined && checkpoint.base === version.number) {
        const staged = new PageTable(pages, checkpoint.places);
        await markExtents(pages, 'checkpointed', staged, signal);
        state.#checkpoint = { meta: checkpoint.meta, table: staged };
      } else if (checkpoint !== undefined) await files.remove('checkpoint');
      await onStateFile('shrink the pages', pages.path, () => pages.shrink());
      return state;
    } catch (error) {
      await pages.close().catch(() => {});
      throw error;
    }
  }

  get committed(): CommittedVersion {
    this.#checkOpen();
    return { number: this.#committed.version.number, meta: this.#committed.version.meta.slice() };
  }

  async read(table: string, page: number, { signal }: StateOptions = {}): Promise<Uint8Array | undefined> {
    checkStateName(table);
    checkPageNumber(page);
    signal?.throwIfAborted();
    return await this.#ofCommitted((pages) => pages.read(table, page));
  }

  async *pages(table: string, { from = 0, signal }: PagesOptions = {}): AsyncGenerator<number, void, undefined> {
    checkStateName(table);
    for (let next = checkPageNumber(from); ; ) {
      signal?.throwIfAborted();
      const numbers = await this.#ofCommitted((pages) => pages.pagesFrom(table, next));
      const last = numbers.at(-1);
      if (last === undefined) return;
      yield* numbers;
      next = last + 1;
    }
  }

  async begin({ signal }: StateOptions = {}): Promise<StagedVersion> {
    this.#checkFree();
    signal?.throwIfAborted();
    const { version, table } = this.#committed;
    const staged = this.#stage(version.number, table.copy(), undefined);
    this.#pages.space.begin('committed');
    if (this.#checkpoint !== undefined) await staged.dropCheckpoint();
    return staged;
  }

  async resume({ signal }: StateOptions = {}): Promise<StagedVersion | undefined> {
    this.#checkFree();
    signal?.throwIfAborted();
    if (this.#checkpoint === undefined) return undefined;
    const { meta, table } = this.#checkpoint;
    const staged = this.#stage(this.#committed.version.number, table.copy(), meta);
    this.#pages.space.begin('checkpointed');
    return staged;
  }

  async readDocument(name: string, { signal }: StateOptions = {}): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    signal?.throwIfAborted();
    const { disk } = this.#files;
    const content = await readFramed(disk, this.#files.path('documents', checkStateName(name)), this.#document(name));
    return content?.slice();
  }

  async writeDocument(name: string, content: Uint8Array, { signal }: StateOptions = {}): Promise<void> {
    this.#checkOpen();
    signal?.throwIfAborted();
    await this.#lock.check();
    await this.#files.replace(['documents', checkStateName(name)], this.#document(name), content, signal);
  }

  async removeDocument(name: string, { signal }: StateOptions = {}): Promise<void> {
    this.#checkOpen();
    signal?.throwIfAborted();
    await this.#lock.check();
    await this.#files.remove('documents', checkStateName(name));
  }

  async listDocuments({ signal }: StateOptions = {}): Promise<readonly string[]> {
    this.#checkOpen();
    signal?.throwIfAborted();
    const folder = this.#files.path('documents');
    const entries = await onStateFile('list documents', folder, () => this.#files.disk.listFolder(folder));
    return entries
      .map(({ name }) => name)
      .filter((name) => !TEMPORARY.test(name))
      .sort();
  }

  async openJournal(name: string, { signal }: StateOptions = {}): Promise<Journal> {
    this.#checkOpen();
    signal?.throwIfAborted();
    const path = this.#files.path('journals', checkStateName(name));
    if (this.#journals.has(name)) {
      throw new StateError('STATE_BUSY', `the journal ${name} is open already`, { file: path });
    }
    const { disk } = this.#files;
    return await onStateFile('open the journal', path, async () => {
      const file = await disk.open(path, 'write').catch(async (error) => {
        if (errnoOf(error) !== 'ENOENT') throw error;
        return await disk.open(path, 'create');
      });
      try {
        await disk.syncFolder(this.#files.path('journals'));
        const meaning = ['journal', this.endpoint, name];
        const journal = await JournalFile.open(path, meaning, file, () => this.#journals.delete(name));
        this.#journals.set(name, journal);
        return journal;
      } catch (error) {
        await file.close().catch(() => {});
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#staged?.end();
    for (const journal of [...this.#journals.values()]) await journal.close();
    await this.#pages.close();
    await this.#lock.release();
  }

  #stage(base: number, table: PageTable, meta: Uint8Array | undefined): DirectoryStagedVersion {
    const number = base + 1;
    const staged = new DirectoryStagedVersion(number, this.#pages, table, meta, {
      writeCheckpoint: async (meta, places, signal) => {
        await this.#writeRoot('checkpoint', { number, base, meta, places }, signal);
        this.#checkpoint = { meta, table: new PageTable(this.#pages, places) };
        this.#pages.space.checkpointed();
      },
      writeCommit: async (meta, places, signal) => {
        await this.#writeRoot('committed', { number, base, meta, places }, signal);
        this.#committed = { version: { number, meta }, table: new PageTable(this.#pages, places) };
        this.#pages.space.committed();
        const left = this.#checkpoint;
        this.#checkpoint = undefined;
        this.#staged = undefined;
        // It has happened. What is only tidying up is done again by the next `open` if it fails now.
        if (left !== undefined) await this.#files.remove('checkpoint').catch(() => {});
        await this.#pages.shrink().catch(() => {});
      },
      dropCheckpoint: async () => {
        if (this.#checkpoint === undefined) return;
        await this.#lock.check();
        await this.#rootChange(() => this.#files.remove('checkpoint'));
        this.#checkpoint = undefined;
        this.#pages.space.checkpointDropped();
      },
      ended: () => {
        if (this.#staged === staged) this.#staged = undefined;
      },
    });
    this.#staged = staged;
    return staged;
  }

  async #writeRoot(
    name: 'committed' | 'checkpoint',
    root: VersionRoot,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#lock.check();
    signal?.throwIfAborted();
    // No signal from here on: a name once given is not taken back, and moments do not matter.
    await this.#rootChange(() => this.#files.replace([name], [name, this.endpoint], encodeRoot(root)));
  }

  async #rootChange(change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      this.#failed = error;
      throw error;
    }
  }

  /** Once more if the version was replaced meanwhile: then what was found damaged may only have been written over. */
  async #ofCommitted<T>(read: (table: PageTable) => Promise<T>): Promise<T> {
    for (;;) {
      this.#checkOpen();
      const { table } = this.#committed;
      try {
        return await read(table);
      } catch (error) {
        if (table === this.#committed.table) throw error;
      }
    }
  }

  #document(name: string): readonly string[] {
    return ['document', this.endpoint, name];
  }

  #checkFree(): void {
    this.#checkOpen();
    if (this.#failed !== undefined) {
      throw new StateError('STATE_CLOSED', `${this.#files.folder}: a change of versions failed; open the state anew`, {
        file: this.#files.folder,
        cause: this.#failed,
      });
    }
    if (this.#staged === undefined) return;
    throw new StateError('STATE_BUSY', `${this.#files.folder}: a version is staged already`, {
      file: this.#files.folder,
    });
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new StateError('STATE_CLOSED', `${this.#files.folder} was closed`, { file: this.#files.folder });
  }
}

async function markExtents(
  pages: PageFile,
  version: 'committed' | 'checkpointed',
  table: PageTable,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const extent of table.extents()) {
    signal?.throwIfAborted();
    pages.space.mark(version, extent.unit, unitsOf(extent));
  }
}
