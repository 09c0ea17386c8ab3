/**
 * Run (layer 3): files of a snapshot by their paths, from its metafiles as they are in the store. Sources that are no
 * volumes (images) lay themselves out as volumes do, so this is for all of them.
 */
import { HOLE } from '../../core/cloud/block-numbers.ts';
import type { Manifest } from '../../core/cloud/format/manifest.ts';
import { compareFile } from '../../core/cloud/restore-plan.ts';
import { DIRECTORY_METAFILE, INODE_METAFILE, ROOT_INODE } from '../../core/wafl/image.ts';
import { decodeDirectoryBlock, decodeInodeBlock, METAFILE_VERSION } from '../../core/wafl/metafiles.ts';
import type { DirectoryEntry } from '../../core/wafl/namespace.ts';
import { CloudError } from '../../errors.ts';
import type { SnapshotReader } from './snapshot-reader.ts';

/** A file of a backup. */
export interface SnapshotFile {
  readonly inode: number;
  /** From the root, with `/` between names and before the first. */
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * The file with this path, or the only file of the snapshot if none is named.
 * @throws CloudError `CLOUD_FILE_UNKNOWN`
 */
export async function findFile(
  reader: SnapshotReader,
  manifest: Manifest,
  path: string | undefined,
): Promise<SnapshotFile> {
  const wanted = path && `/${path.split('/').filter(Boolean).join('/')}`;
  const files = await listFiles(reader, manifest);
  const found = wanted === undefined ? files.slice(0, 2) : files.filter((file) => file.path === wanted);
  const [file] = found;
  if (file !== undefined && found.length === 1) return file;
  const what = wanted === undefined ? `${files.length} files, and a file is wanted` : `no file ${wanted}`;
  throw new CloudError('CLOUD_FILE_UNKNOWN', `${manifest.name} has ${what}`, {
    snapshot: manifest.name,
    object: wanted,
    remedy: wanted === undefined ? 'Say which file of the snapshot is wanted.' : 'Check the path, and the snapshot.',
  });
}

/** Regular files, by path. */
export async function listFiles(reader: SnapshotReader, manifest: Manifest): Promise<SnapshotFile[]> {
  if (manifest.sourceFormat !== `wafl/${METAFILE_VERSION}`) {
    throw new CloudError('CLOUD_FORMAT_VERSION', `files of the layout ${manifest.sourceFormat} are unknown here`, {
      snapshot: manifest.name,
      remedy: 'Use a release that knows this layout, or name the inode.',
    });
  }
  const children = new Map<number, DirectoryEntry[]>();
  for await (const block of blocksOf(reader, manifest, DIRECTORY_METAFILE)) {
    for (const entry of decodeDirectoryBlock(block)) {
      const siblings = children.get(entry.parent);
      if (siblings === undefined) children.set(entry.parent, [entry]);
      else siblings.push(entry);
    }
  }
  const files: SnapshotFile[] = [];
  const inodes = new Map<number, number>();
  for await (const block of blocksOf(reader, manifest, INODE_METAFILE)) {
    for (const { number, type, sizeBytes } of decodeInodeBlock(block)) {
      if (type === 'file') inodes.set(number, sizeBytes);
    }
  }
  const walk = (directory: number, above: string): void => {
    for (const { child, name } of children.get(directory) ?? []) {
      const sizeBytes = inodes.get(child);
      if (sizeBytes !== undefined) files.push({ inode: child, path: `${above}/${name}`, sizeBytes });
      else walk(child, `${above}/${name}`);
    }
  };
  walk(ROOT_INODE, '');
  return files.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** The mapped blocks of a metafile. */
async function* blocksOf(
  reader: SnapshotReader,
  manifest: Manifest,
  inode: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const root = await reader.inode(manifest, inode);
  if (root === undefined) return;
  const steps = compareFile(undefined, root, manifest.pointersPerBlock);
  for (let given: Float64Array | undefined; ; ) {
    const step = steps.next(given);
    given = undefined;
    if (step.done) return;
    const { value } = step;
    if (value.step === 'read-pointers') {
      given = await reader.pointers(value.level, value.pvbns, manifest.pointersPerBlock);
      continue;
    }
    for (const pvbn of value.pvbns) {
      if (pvbn !== HOLE) yield await reader.blocksAt(0, Float64Array.of(pvbn));
    }
  }
}
