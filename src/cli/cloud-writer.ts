/**
 * Edge (layer 8): who writes to an endpoint: whoever has its state. The state is given a name of its own when it is begun, and
 * keeps it: a container has another host name each time, and is the same writer all the same.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Disk, errnoOf } from '../disk/disk.ts';
import { DurableFolders, readWholeFile, removeQuietly, writeNewFile } from '../disk/durable-files.ts';
import { nodeDisk } from '../disk/node-disk.ts';
import { systemRandom } from '../env.ts';
import { onStateFile } from '../state/state-disk-errors.ts';

/**
 * The writer that the state in a folder stands for. A state of before it had a name goes on under the host and folder that the
 * endpoint knows it by.
 * @throws StateError
 */
export async function writerOfState(
  folder: string,
  { disk = nodeDisk, host = hostname() }: { readonly disk?: Disk; readonly host?: string } = {},
): Promise<string> {
  const path = join(folder, 'writer');
  return await onStateFile('find out who writes by the state', path, async () => {
    const known = await readName(disk, path);
    if (known !== undefined) return known;
    await new DurableFolders(disk, folder).ensure(folder);
    const isOlder = (await disk.listFolder(folder)).some(({ name }) => name === 'owner');
    const writer = isOlder ? `${host}:${folder}` : `${host}:${systemRandom.uuid()}`;
    const temporary = join(folder, `~writer-${systemRandom.uuid()}.tmp`);
    await writeNewFile(disk, temporary, [new TextEncoder().encode(writer)]);
    // A link, for two that begin at the same time are to be one writer.
    await disk.link(temporary, path).catch((error) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    await removeQuietly(disk, temporary);
    await disk.syncFolder(folder);
    return (await readName(disk, path)) ?? writer;
  });
}

async function readName(disk: Disk, path: string): Promise<string | undefined> {
  const stored = await readWholeFile(disk, path);
  return stored && new TextDecoder().decode(stored);
}
