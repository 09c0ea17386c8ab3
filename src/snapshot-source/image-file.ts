/** Adapter: a volume image or block device to read from: its size, its bytes, and whether it stayed what it was. */
import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { CloudError } from '../errors.ts';

/** What is read. `openImageFile` gives the real one; others can be put in its place. */
export interface ImageHandle {
  /** Of the system, for whoever asks it for more; -1 where there is none. */
  readonly descriptor: number;
  /** Fills the buffer from this position on; gives fewer bytes than asked for only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** As of now; `undefined` when there is nothing at the path any more, or something else. */
  facts(): Promise<ImageFacts | undefined>;
  close(): Promise<void>;
}

export interface ImageFacts {
  readonly sizeBytes: number;
  /** Epoch milliseconds of the last change; 0 where changes are not noted, as on a block device. */
  readonly changedAt: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Opens a regular file or block device. @throws CloudError `CLOUD_SOURCE_UNREADABLE` */
export async function openImageFile(path: string): Promise<ImageHandle> {
  const handle = await open(path, 'r').catch((cause) => {
    throw unreadable(path, `${path} cannot be opened`, cause);
  });
  try {
    const first = await handle.stat();
    if (!first.isFile() && !first.isBlockDevice()) {
      throw unreadable(path, `${path} is neither a regular file nor a block device`);
    }
    const read = async (into: Uint8Array, position: number): Promise<number> => {
      let done = 0;
      while (done < into.length) {
        const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    };
    const deviceBytes = first.isBlockDevice() ? await findEnd(read) : 0;
    return {
      descriptor: handle.fd,
      read,
      async facts() {
        const there = await stat(path).catch(() => undefined);
        if (there === undefined || there.ino !== first.ino || there.dev !== first.dev) return undefined;
        return factsOf(await handle.stat(), deviceBytes);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export function unreadable(
  object: string,
  message: string,
  cause?: unknown,
  details?: Readonly<Record<string, unknown>>,
): CloudError {
  return new CloudError('CLOUD_SOURCE_UNREADABLE', message, { object, cause, details });
}

function factsOf(stats: Stats, deviceBytes: number): ImageFacts {
  const { mode, uid, gid, mtimeMs, size } = stats;
  if (stats.isBlockDevice()) return { sizeBytes: deviceBytes, changedAt: 0, mode: 0o600, uid: 0, gid: 0 };
  return { sizeBytes: size, changedAt: Math.floor(mtimeMs), mode: mode & 0o7777, uid, gid };
}

const SECTOR_BYTES = 4096;

/** The size of a device, which `stat` does not tell: the end of what can be read, found by halving. */
async function findEnd(read: (into: Uint8Array, position: number) => Promise<number>): Promise<number> {
  const sector = new Uint8Array(SECTOR_BYTES);
  const bytesAt = (number: number) => read(sector, number * SECTOR_BYTES);
  let beyond = 1;
  while ((await bytesAt(beyond)) > 0) beyond *= 2;
  let within = 0;
  while (beyond - within > 1) {
    const middle = Math.floor((within + beyond) / 2);
    if ((await bytesAt(middle)) > 0) within = middle;
    else beyond = middle;
  }
  return within * SECTOR_BYTES + (await bytesAt(within));
}
