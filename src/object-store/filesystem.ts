/**
 * Adapter: objects as files below one folder, safe against crashes and for many processes at once. A put writes a
 * temporary file beside the object's, syncs it, gives it its name (by rename, or by link(2), which fails where the name is
 * taken, for `ifAbsent`), and syncs the folder. So a name is never that of a partial object, and a put that resolved stays.
 */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Disk, errnoOf, type FolderEntry } from '../disk/disk.ts';
import { DurableFolders, removeFile, removeQuietly, writeNewFile } from '../disk/durable-files.ts';
import { nodeDisk } from '../disk/node-disk.ts';
import { type Clock, type Random, systemClock, systemRandom } from '../env.ts';
import { ObjectStoreError } from '../errors.ts';
import { throwFailures } from './delete-many.ts';
import { storeErrorOf } from './disk-errors.ts';
import { entryOfName, type KeyEntry, pathOfKey, temporaryBeganAt, temporaryName } from './key-file-names.ts';
import { checkBody, partsOf } from './object-body.ts';
import {
  checkKey,
  compareKeys,
  type GetOptions,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type ObjectStoreOptions,
  type PutOptions,
  resolveRange,
  type SweepOptions,
  type SweepResult,
} from './object-store.ts';

/** What a FilesystemObjectStore may be given besides its folder. */
export interface FilesystemObjectStoreOptions {
  /** Tells leftovers of crashed puts from puts under way. */
  readonly clock?: Clock | undefined;
  /** Names temporary files. */
  readonly random?: Random | undefined;
  readonly disk?: Disk | undefined;
}

/** The folder is made by the first put. Files in it that are not the store's are left alone. */
export class FilesystemObjectStore implements ObjectStore {
  readonly capabilities = { conditionalPut: true, persistent: true };
  readonly place: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #disk: Disk;
  readonly #folders: DurableFolders;

  /** @param folder a path or a `file:` URL */
  constructor(folder: string | URL, options: FilesystemObjectStoreOptions = {}) {
    this.place = resolve(folder instanceof URL ? fileURLToPath(folder) : folder);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#disk = options.disk ?? nodeDisk;
    this.#folders = new DurableFolders(this.#disk, this.place);
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const path = this.#pathOf(key);
    return await this.#attempt('read the object', key, async () => {
      const file = await this.#disk.open(path, 'read');
      try {
        signal?.throwIfAborted();
        const { offset, length } = resolveRange(key, range, (await file.stat()).sizeBytes);
        const content = new Uint8Array(length);
        for (let at = 0; at < length; at += READ_BYTES) {
          signal?.throwIfAborted();
          const slice = content.subarray(at, at + READ_BYTES);
          if ((await file.read(slice, offset + at)) < slice.length) throw cutShort(key);
        }
        return content;
      } finally {
        await file.close();
      }
    });
  }

  async head(key: string, { signal }: ObjectStoreOptions = {}): Promise<ObjectInfo> {
    signal?.throwIfAborted();
    const path = this.#pathOf(key);
    return await this.#attempt('look at the object', key, async () => {
      const { sizeBytes } = await this.#disk.stat(path);
      return { key, sizeBytes };
    });
  }

  async *list(prefix: string, { signal }: ObjectStoreOptions = {}): AsyncGenerator<ObjectInfo, void, undefined> {
    signal?.throwIfAborted();
    yield* this.#listFolder(this.place, '', prefix, signal);
  }

  async put(key: string, body: ObjectBody, { ifAbsent, sha256, signal }: PutOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const path = this.#pathOf(key);
    const parts = partsOf(body);
    checkBody(key, parts, sha256);
    await this.#attempt('store the object', key, async () => {
      const temporary = await this.#writeTemporary(dirname(path), parts, signal);
      // From here on it is a matter of moments, and a name once given is not taken back: the signal has no say any more.
      if (ifAbsent) await this.#nameIfAbsent(key, temporary, path);
      else await this.#name(key, temporary, path);
    });
  }

  async delete(key: string, { signal }: ObjectStoreOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const path = this.#pathOf(key);
    await this.#attempt('delete the object', key, async () => {
      // Synced even where the name was gone: another process may have removed it and not yet have synced the folder.
      await removeFile(this.#disk, path);
      await this.#syncIfThere(dirname(path));
    });
  }

  async deleteMany(keys: readonly string[], { signal }: ObjectStoreOptions = {}): Promise<void> {
    const paths = keys.map((key) => ({ key, path: this.#pathOf(key) }));
    const failures: ObjectStoreError[] = [];
    const attempt = async (key: string, work: () => Promise<unknown>) => {
      signal?.throwIfAborted();
      await this.#attempt('delete the object', key, work).catch((error) => {
        if (!(error instanceof ObjectStoreError)) throw error;
        failures.push(error);
      });
    };
    const folders = new Map<string, string>();
    for (const { key, path } of paths) {
      await attempt(key, () => removeFile(this.#disk, path));
      folders.set(dirname(path), key);
    }
    for (const [folder, key] of folders) await attempt(key, () => this.#syncIfThere(folder));
    throwFailures(keys.length, failures);
  }

  async sweep({ olderThanMs, signal }: SweepOptions): Promise<SweepResult> {
    signal?.throwIfAborted();
    const before = this.#clock.now() - olderThanMs;
    let removed = 0;
    let total = 0;
    for await (const path of this.#temporaries(this.place, before, signal)) {
      const sizeBytes = await this.#attempt('remove a leftover', undefined, async () => {
        const facts = await this.#disk.stat(path);
        return (await removeFile(this.#disk, path)) ? facts.sizeBytes : undefined;
      }).catch(unlessGone);
      if (sizeBytes === undefined) continue;
      removed++;
      total += sizeBytes;
    }
    return { removed, sizeBytes: total };
  }

  async *#listFolder(
    folder: string,
    text: string,
    prefix: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ObjectInfo, void, undefined> {
    const entries = (await this.#readFolder(folder, prefix))
      .flatMap(({ name, kind }) => {
        const entry = entryOfName(name, kind);
        return entry && leadsTo(entry, text, prefix) ? [{ name, kind: entry.kind, text: text + entry.text }] : [];
      })
      .sort((a, b) => compareKeys(a.text, b.text));
    for (const entry of entries) {
      signal?.throwIfAborted();
      const path = join(folder, entry.name);
      if (entry.kind === 'folder') {
        yield* this.#listFolder(path, entry.text, prefix, signal);
        continue;
      }
      const facts = await this.#attempt('list objects', entry.text, () => this.#disk.stat(path)).catch(unlessGone);
      if (facts !== undefined) yield { key: entry.text, sizeBytes: facts.sizeBytes };
    }
  }

  async *#temporaries(
    folder: string,
    before: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<string, void, undefined> {
    for (const { name, kind } of await this.#readFolder(folder, undefined)) {
      signal?.throwIfAborted();
      const path = join(folder, name);
      const beganAt = kind === 'file' ? temporaryBeganAt(name) : undefined;
      if (beganAt !== undefined && beganAt < before) yield path;
      if (entryOfName(name, kind)?.kind === 'folder') yield* this.#temporaries(path, before, signal);
    }
  }

  /** Empty where there is no folder (any more). */
  async #readFolder(folder: string, prefix: string | undefined): Promise<readonly FolderEntry[]> {
    const entries = await this.#attempt('list objects', prefix, () => this.#disk.listFolder(folder)).catch(unlessGone);
    return entries ?? [];
  }

  async #writeTemporary(
    folder: string,
    parts: readonly Uint8Array[],
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const path = join(folder, temporaryName(this.#clock.now(), this.#random.uuid()));
    await this.#folders.ensure(folder);
    try {
      await writeNewFile(this.#disk, path, parts, signal);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      // Somebody tidied the empty folder away.
      this.#folders.forget();
      await this.#folders.ensure(folder);
      await writeNewFile(this.#disk, path, parts, signal);
    }
    return path;
  }

  async #name(key: string, temporary: string, path: string): Promise<void> {
    try {
      await this.#disk.rename(temporary, path);
    } catch (error) {
      await removeQuietly(this.#disk, temporary);
      throw errnoOf(error) === 'ENOENT' ? swept(key, error) : error;
    }
    await this.#disk.syncFolder(dirname(path));
  }

  async #nameIfAbsent(key: string, temporary: string, path: string): Promise<void> {
    try {
      await this.#disk.link(temporary, path);
    } catch (error) {
      // A network file system may have done it, lost the answer, asked again, and found its own: then there are two names.
      const links = (await this.#disk.stat(temporary).catch(() => undefined))?.links;
      if (links !== 2) {
        await removeQuietly(this.#disk, temporary);
        if (errnoOf(error) === 'ENOENT') throw swept(key, error);
        if (errnoOf(error) === 'EEXIST') {
          // Not before it is certain that the other one stays.
          await this.#disk.syncFolder(dirname(path));
          throw new ObjectStoreError('OBJECT_STORE_EXISTS', `${key} exists already`, {
            key,
            attempted: 'store the object',
          });
        }
        throw NO_HARD_LINKS.has(errnoOf(error) ?? '') ? noHardLinks(key, this.place, error) : error;
      }
    }
    await this.#disk.syncFolder(dirname(path));
    // The object has its name; a second one that stays is a leftover as any other.
    await removeQuietly(this.#disk, temporary);
  }

  async #syncIfThere(folder: string): Promise<void> {
    await this.#disk.syncFolder(folder).catch((error) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
  }

  #pathOf(key: string): string {
    return join(this.place, ...pathOfKey(checkKey(key)));
  }

  async #attempt<T>(attempted: string, key: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeErrorOf(error, { attempted, key, place: this.place });
    }
  }
}

/** So much is read between two looks at the signal. */
const READ_BYTES = 4 * 1024 * 1024;

const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Whether the entry is, or may hold, an object whose key starts with the prefix. */
function leadsTo(entry: KeyEntry, folderText: string, prefix: string): boolean {
  const text = folderText + entry.text;
  return text.startsWith(prefix) || (entry.kind === 'folder' && prefix.startsWith(text));
}

/** For what may have been removed since it was listed. */
function unlessGone(error: unknown): undefined {
  if (error instanceof ObjectStoreError && error.code === 'OBJECT_STORE_NOT_FOUND') return undefined;
  throw error;
}

function cutShort(key: string): ObjectStoreError {
  return new ObjectStoreError('OBJECT_STORE_CORRUPT', `the file of ${key} became shorter while it was read`, { key });
}

function swept(key: string, cause: unknown): ObjectStoreError {
  const message = `the temporary file of ${key} was removed before it got its name`;
  return new ObjectStoreError('OBJECT_STORE_UNAVAILABLE', message, { key, attempted: 'store the object', cause });
}

function noHardLinks(key: string, place: string, cause: unknown): ObjectStoreError {
  return new ObjectStoreError('OBJECT_STORE_UNSUPPORTED', `the file system of ${place} has no hard links`, {
    key,
    attempted: 'store the object if absent',
    remedy: 'Put the store on a file system with hard links (ext4, XFS, APFS, NTFS, NFS).',
    cause,
  });
}
