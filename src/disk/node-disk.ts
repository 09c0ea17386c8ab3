/** Adapter: the machine's file system, by node:fs. */
import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { type Disk, type DiskFile, errnoOf } from './disk.ts';

export const nodeDisk: Disk = {
  async open(path, access) {
    return nodeFile(await open(path, { read: 'r', write: 'r+', create: 'wx+' }[access]));
  },
  link,
  rename,
  remove: unlink,
  async makeFolder(path) {
    await mkdir(path);
  },
  async listFolder(path) {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.map((entry) => ({
      name: entry.name,
      kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other',
    }));
  },
  async stat(path) {
    const { size, nlink } = await stat(path);
    return { sizeBytes: size, links: nlink };
  },
  async syncFolder(path) {
    try {
      const handle = await open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (!FOLDERS_CANNOT_BE_SYNCED.has(errnoOf(error) ?? '')) throw error;
    }
  },
};

/** Windows refuses to open a folder or to sync it, and some network file systems to sync it: their journal has to do. */
const FOLDERS_CANNOT_BE_SYNCED = new Set(['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP']);

function nodeFile(handle: FileHandle): DiskFile {
  return {
    async read(into, position) {
      let done = 0;
      while (done < into.length) {
        const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    },
    async write(parts, position) {
      let at = position;
      for (let left = parts.filter((part) => part.length > 0); left.length > 0; ) {
        const { bytesWritten } = await handle.writev(left, at);
        at += bytesWritten;
        left = without(left, bytesWritten);
      }
    },
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    sync: () => handle.datasync(),
    async stat() {
      const { size, nlink } = await handle.stat();
      return { sizeBytes: size, links: nlink };
    },
    close: () => handle.close(),
  };
}

/** What is left of the parts behind their first `written` bytes: a write may be cut short. */
function without(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  return parts.flatMap((part) => {
    const skipped = Math.min(skip, part.length);
    skip -= skipped;
    return skipped === part.length ? [] : [part.subarray(skipped)];
  });
}
