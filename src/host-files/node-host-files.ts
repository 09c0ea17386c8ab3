/** Adapter (layer 6): the port over node:fs. */
import { createHash } from 'node:crypto';
import { type FileHandle, link, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TransferError } from '../errors.ts';
import type { HostFile, HostFiles, OpenHostFile, RunningDigest } from './host-files.ts';

const FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const;

/** The files of this host, as this process may reach them. */
export class NodeHostFiles implements HostFiles {
  async look(path: string): Promise<HostFile | undefined> {
    try {
      const found = await stat(path);
      if (found.isBlockDevice()) {
        const device = await open(path, 'r');
        const sizeBytes = await endOf(device).finally(() => device.close());
        return { kind: 'device', sizeBytes, modifiedAt: found.mtimeMs };
      }
      return { kind: found.isFile() ? 'file' : 'other', sizeBytes: found.size, modifiedAt: found.mtimeMs };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw failed('look at', path, error);
    }
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenHostFile> {
    try {
      const handle = await open(path, FLAGS[mode]).catch((error: unknown) => {
        if (mode === 'create' && errnoOf(error) === 'EEXIST') return open(path, FLAGS.write);
        throw error;
      });
      const found = await handle.stat();
      return new NodeFile(path, handle, found.isBlockDevice() ? await endOf(handle) : found.size);
    } catch (error) {
      throw failed('open', path, error);
    }
  }

  async rename(path: string, to: string): Promise<void> {
    try {
      // A hard link is refused where there is something, and a rename is not.
      await link(path, to);
      await unlink(path);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') throw exists(to);
      if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '')) throw failed('rename', path, error);
      // A file system without hard links.
      if ((await this.look(to)) !== undefined) throw exists(to);
      await rename(path, to).catch((caught: unknown) => {
        throw failed('rename', path, caught);
      });
    }
    await syncFolder(dirname(to));
  }

  async remove(path: string): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw failed('remove', path, error);
    }
  }

  sha256(): RunningDigest {
    const hash = createHash('sha256');
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
  }
}

class NodeFile implements OpenHostFile {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    try {
      while (filled < length) {
        const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (error) {
      throw failed('read', this.#path, error);
    }
    return filled === length ? bytes : bytes.subarray(0, filled);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written, offset + written);
        written += bytesWritten;
      }
    } catch (error) {
      throw failed('write', this.#path, error);
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#handle.truncate(sizeBytes).catch((error: unknown) => {
      throw failed('set the size of', this.#path, error);
    });
  }

  async sync(): Promise<void> {
    await this.#handle.sync().catch((error: unknown) => {
      throw failed('write out', this.#path, error);
    });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** `stat` gives 0 for a block device: its end is where nothing can be read any more. */
async function endOf(device: FileHandle): Promise<number> {
  const byte = new Uint8Array(1);
  const readable = async (offset: number) => (await device.read(byte, 0, 1, offset)).bytesRead === 1;
  let above = 1;
  while (await readable(above - 1)) above *= 2;
  let below = Math.floor(above / 2);
  while (below < above - 1) {
    const middle = Math.floor((below + above) / 2);
    if (await readable(middle - 1)) below = middle;
    else above = middle;
  }
  return below;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  // Not every file system syncs folders.
  await folder?.sync().catch(() => {});
  await folder?.close();
}

function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

function exists(path: string): TransferError {
  return new TransferError('TRANSFER_DESTINATION_EXISTS', `${path} is there already`, {
    attempted: 'give the file its name',
    object: path,
    remedy: 'choose another destination, or remove what is there',
  });
}

function failed(verb: string, path: string, error: unknown): TransferError {
  const errno = errnoOf(error);
  return new TransferError('TRANSFER_HOST_FILE', `cannot ${verb} ${path}: ${errno ?? String(error)}`, {
    attempted: `${verb} a file of this host`,
    object: path,
    details: { errno },
    cause: error,
    ...(errno === 'EACCES' || errno === 'EPERM' ? { remedy: 'run as a user who may do that' } : {}),
    ...(errno === 'ENOSPC' ? { remedy: 'make room there, and call again: it goes on where it stopped' } : {}),
  });
}
