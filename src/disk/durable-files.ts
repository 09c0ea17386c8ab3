/** What every crash-safe adapter does with a disk: folders that stay, and files that are whole or not there. */
import { dirname, join } from 'node:path';
import { type Disk, errnoOf } from './disk.ts';

/** Makes folders below (and including) a root durable, each once. */
export class DurableFolders {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #made = new Map<string, Promise<void>>();

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  /** Resolves once the folder is there and would be there after a loss of power. */
  ensure(path: string): Promise<void> {
    const known = this.#made.get(path);
    if (known) return known;
    const making = path === this.#root ? makeFolders(this.#disk, path) : this.#makeBelowRoot(path);
    this.#made.set(path, making);
    making.catch(() => this.#made.delete(path));
    return making;
  }

  /** Somebody removed folders: what was known is not known any more. */
  forget(): void {
    this.#made.clear();
  }

  async #makeBelowRoot(path: string): Promise<void> {
    const parent = dirname(path);
    await this.ensure(parent);
    await makeFolder(this.#disk, path);
    // Also where another process made it: it may not have come to sync it yet.
    await this.#disk.syncFolder(parent);
  }
}

/** A folder and those above it, as far as they are missing. */
async function makeFolders(disk: Disk, path: string): Promise<void> {
  let made: boolean;
  try {
    made = await makeFolder(disk, path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(disk, dirname(path));
    made = await makeFolder(disk, path);
  }
  if (made) await disk.syncFolder(dirname(path));
}

async function makeFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.makeFolder(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** A new file with this content, on the disk but not yet certain of its name. Nothing is left of one that failed. */
export async function writeNewFile(
  disk: Disk,
  path: string,
  parts: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<void> {
  const file = await disk.open(path, 'create');
  try {
    try {
      let position = 0;
      for (const part of parts) {
        for (let at = 0; at < part.length; at += WRITE_BYTES) {
          signal?.throwIfAborted();
          const slice = part.subarray(at, at + WRITE_BYTES);
          await file.write([slice], position);
          position += slice.length;
        }
      }
      signal?.throwIfAborted();
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
  } catch (error) {
    await removeQuietly(disk, path);
    throw error;
  }
}

/** So much is written between two looks at the signal. */
const WRITE_BYTES = 4 * 1024 * 1024;

/** Replaces a file, or makes it, atomically and durably. The temporary name is to be in the same folder. */
export async function replaceFile(
  disk: Disk,
  path: string,
  temporaryName: string,
  parts: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, temporaryName);
  await writeNewFile(disk, temporary, parts, signal);
  try {
    await disk.rename(temporary, path);
  } catch (error) {
    await removeQuietly(disk, temporary);
    throw error;
  }
  await disk.syncFolder(folder);
}

/** Removes a file; absent is fine. Gives whether it was there. */
export async function removeFile(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.remove(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** For what another failure left behind, which is the one to be told. */
export async function removeQuietly(disk: Disk, path: string): Promise<void> {
  await disk.remove(path).catch(() => {});
}

/** The whole file, `undefined` if there is none. */
export async function readWholeFile(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  const file = await disk.open(path, 'read').catch((error) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { sizeBytes } = await file.stat();
    const content = new Uint8Array(sizeBytes);
    return content.subarray(0, await file.read(content, 0));
  } finally {
    await file.close();
  }
}
