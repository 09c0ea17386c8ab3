/**
 * /storage/volumes/{volume.uuid}/files/{path}: directories are listed, files read and written, all of it renamed and
 * removed. The path is one part of the URL, its slashes encoded; `.snapshot/NAME/...` leads into a snapshot.
 */
import { BLOCK_SIZE } from '../../core/wafl/blocks.ts';
import type { Inode } from '../../core/wafl/inode-tree.ts';
import type { VolumeView } from '../../core/wafl/view.ts';
import type { WaflVolume } from '../../core/wafl/volume.ts';
import { changing } from '../content-refusal.ts';
import type { JsonTree } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { timeText } from '../http/time-text.ts';
import { later } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { SimulatedVolume } from '../volume.ts';
import * as fields from './rest-fields.ts';

const MOST_BYTES = 2 ** 20;
const SNAPSHOTS = '.snapshot';

/** A name in a directory; or, with return_metadata, what the path itself leads to. */
interface FileEntry {
  /** Of the directory, relative to the root of the volume. */
  readonly path: string;
  readonly name: string;
  readonly inode: Inode;
  readonly view: VolumeView;
  readonly isSnapshot: boolean;
}

const LISTING = {
  schema: schema(fields.FILE_INFO),
  keys: ['name', 'path'],
  defaults: ['type'],
  arguments: { GET: ['byte_offset', 'length', 'return_metadata'] },
  records: (context: RequestContext): readonly FileEntry[] => {
    const place = placeOf(context);
    if (context.arguments.boolean('return_metadata', false)) {
      return [{ ...place, path: place.relative, name: '', inode: lookedUp(place) }];
    }
    if (lookedUp(place).type !== 'directory') throw new Refusal('fileNotListable', { path: place.relative });
    const parent = parentOf(place);
    const entries = [...place.view.list(place.inner)].map(({ name, inode }) => ({ name, inode }));
    const dots = [
      { name: '.', inode: lookedUp(place) },
      { name: '..', inode: parent },
    ];
    return [...dots, ...entries].map((entry) => ({ ...place, ...entry, path: place.relative }));
  },
  key: ({ name }: FileEntry) => name,
  href: ({ path, name }: FileEntry, { path: { 'volume.uuid': uuid = '' } }: RequestContext) =>
    `/storage/volumes/${uuid}/files/${encodedPath(name === '' ? path : `${path}/${name}`)}`,
  view: ({ path, name, inode, view, isSnapshot }: FileEntry): JsonTree => ({
    path,
    name,
    type: inode.type,
    size: inode.sizeBytes,
    bytes_used: Math.ceil(inode.sizeBytes / BLOCK_SIZE) * BLOCK_SIZE,
    unix_permissions: Number(inode.mode.toString(8)),
    owner_id: inode.uid,
    group_id: inode.gid,
    hard_links_count: inode.links,
    inode_number: inode.number,
    inode_generation: inode.generation,
    creation_time: timeText(inode.mtime),
    modified_time: timeText(inode.mtime),
    changed_time: timeText(inode.mtime),
    accessed_time: timeText(inode.mtime),
    is_junction: false,
    is_snapshot: isSnapshot,
    is_vm_aligned: false,
    ...(inode.type === 'directory' ? { is_empty: view.list(inode.number).length === 0 } : {}),
    ...(inode.type === 'symlink' ? { target: new TextDecoder().decode(view.read(inode.number)) } : {}),
  }),
} as const;

/** The root directory of a volume: to list only. */
export const rootDirectoryResource: Resource<FileEntry> = { ...LISTING, path: '/storage/volumes/{volume.uuid}/files' };

export const fileResource: Resource<FileEntry> = {
  ...LISTING,
  path: '/storage/volumes/{volume.uuid}/files/{path}',
  arguments: {
    ...LISTING.arguments,
    POST: ['byte_offset', 'overwrite', 'stream_name'],
    PATCH: ['byte_offset', 'stream_name'],
    DELETE: ['recurse', 'throttle_deletion'],
  },
  postable: ['type', 'unix_permissions', 'target', 'path', 'name'],
  patchable: ['path', 'unix_permissions', 'size'],
  itself: (context) => {
    const place = placeOf(context);
    return { ...place, path: place.relative, name: '', inode: lookedUp(place) };
  },

  bytes(context) {
    const length = context.arguments.integer('length', 0, [0, Number.MAX_SAFE_INTEGER]);
    const offset = context.arguments.integer('byte_offset', 0, [0, Number.MAX_SAFE_INTEGER]);
    if (context.arguments.get('length') === undefined) throw new Refusal('requiredMissing', { name: 'length' });
    checkLength(length);
    const place = placeOf(context);
    const { type, number } = lookedUp(place);
    if (type === 'directory') throw new Refusal('fileIsDirectory', { path: place.relative });
    return place.view.read(number, offset, length);
  },

  post(context, body) {
    const { upload } = context;
    const path = pathToChange(context);
    const overwrite = context.arguments.boolean('overwrite', false);
    const target = body.text('target');
    const mtime = context.cluster.physics.timeline.now;
    const mode = modeOf(body.number('unix_permissions'));
    changed(volumeOf(context), path, (content) => {
      const exists = content.exists(path);
      if (exists && !(overwrite && upload)) throw new Refusal('fileExists', { path });
      if (upload) {
        if (!exists) content.create(path, { mtime, ...(mode === undefined ? {} : { mode }) });
        content.write(path, offsetOf(context, content, path), upload, { mtime });
      } else if (target !== undefined) content.symlink(path, target, { mtime });
      else if (body.text('type') === 'directory')
        content.mkdir(path, { mtime, ...(mode === undefined ? {} : { mode }) });
      else throw new Refusal('requiredMissing', { name: 'type' });
    });
    return {
      done: true,
      location: `/storage/volumes/${context.path['volume.uuid']}/files/${encodedPath(path.slice(1))}`,
    };
  },

  patch(context, { inode }, body) {
    const { upload } = context;
    const path = pathToChange(context);
    const to = body.text('path');
    const mtime = context.cluster.physics.timeline.now;
    const mode = modeOf(body.number('unix_permissions'));
    const size = body.number('size');
    changed(volumeOf(context), path, (content) => {
      if (upload) content.write(path, offsetOf(context, content, path), upload, { mtime });
      if (size !== undefined) content.truncate(path, size, { mtime });
      if (mode !== undefined) content.setAttributes(inode.number, { mode });
      if (to !== undefined) content.rename(path, `/${to.replace(/^\/+/, '')}`, { mtime });
    });
    return { done: true };
  },

  /** A tree is removed by a job. */
  remove(context) {
    const path = pathToChange(context);
    if (context.arguments.boolean('recurse', false)) {
      const volume = volumeOf(context);
      return { done: false, job: context.cluster.startJob(context, removingTree({ volume, path }), volume.svm) };
    }
    changed(volumeOf(context), path, (content) =>
      content.remove(path, { mtime: context.cluster.physics.timeline.now }),
    );
    return { done: true };
  },
};

const removingTree = later(
  'file: remove a tree',
  ({ volume, path }: { readonly volume: SimulatedVolume; readonly path: string }) =>
    changed(volume, path, (content) => removeTree(content, path)),
);

function removeTree(content: WaflVolume, path: string): void {
  const inode = content.lookup(path);
  if (inode?.type === 'directory') {
    for (const { name } of content.activeView().list(path)) removeTree(content, `${path}/${name}`);
  }
  content.remove(path);
}

// ---- where

interface Place {
  readonly view: VolumeView;
  /** In the view, absolute. */
  readonly inner: string;
  /** In the volume, without a slash before it; '' is the root. */
  readonly relative: string;
  readonly isSnapshot: boolean;
}

function volumeOf({ cluster, svm, path }: RequestContext): SimulatedVolume {
  const volume = cluster.volumes.get(path['volume.uuid'] ?? '');
  if (!volume || (svm && volume.svm !== svm)) throw new Refusal('entryMissing', { target: 'volume.uuid' });
  if (volume.state !== 'online') throw new Refusal('fileVolumeOffline', { volume: volume.name });
  return volume;
}

function partsOf({ path }: RequestContext): string[] {
  const parts: string[] = [];
  for (const part of (path['path'] ?? '').split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts;
}

function placeOf(context: RequestContext): Place {
  const volume = volumeOf(context);
  const parts = partsOf(context);
  const relative = parts.join('/');
  if (parts[0] !== SNAPSHOTS) {
    return { view: volume.content.activeView(), inner: `/${relative}`, relative, isSnapshot: false };
  }
  const [, name = '', ...inside] = parts;
  const known = volume.snapshotInfos().some((snapshot) => snapshot.name === name);
  if (!known) throw new Refusal('fileMissing', { path: relative });
  return { view: volume.content.snapshotView(name), inner: `/${inside.join('/')}`, relative, isSnapshot: true };
}

function lookedUp({ view, inner, relative }: Place): Inode {
  const inode = view.lookup(inner);
  if (!inode) throw new Refusal('fileMissing', { path: relative });
  return inode;
}

function parentOf({ view, inner }: Place): Inode {
  const above = view.lookup(inner.slice(0, inner.lastIndexOf('/')) || '/') ?? view.lookup('/');
  if (!above) throw new Refusal('fileMissing', { path: inner });
  return above;
}

/** Absolute. */
function pathToChange(context: RequestContext): string {
  const volume = volumeOf(context);
  const parts = partsOf(context);
  if (volume.type === 'dp' || parts[0] === SNAPSHOTS) throw new Refusal('fileReadOnly', { path: parts.join('/') });
  return `/${parts.join('/')}`;
}

function encodedPath(path: string): string {
  return encodeURIComponent(path.replace(/^\/+/, '')).replaceAll('.', '%2E');
}

// ---- changing

/** Makes a change as a host would; what the file system refuses gets ONTAP's codes. */
function changed(volume: SimulatedVolume, path: string, change: (content: WaflVolume) => void): void {
  changing(path, () => volume.edit(change));
}

/** -1 is the end of the file. */
function offsetOf(context: RequestContext, content: WaflVolume, path: string): number {
  checkLength(context.upload?.length ?? 0);
  const given = context.arguments.get('byte_offset');
  if (given === '-1') return content.lookup(path)?.sizeBytes ?? 0;
  return context.arguments.integer('byte_offset', 0, [0, Number.MAX_SAFE_INTEGER]);
}

function checkLength(length: number): void {
  if (length > MOST_BYTES) throw new Refusal('fileRangeTooLong', { length });
}

/** `644` is octal. */
function modeOf(permissions: number | undefined): number | undefined {
  return permissions === undefined ? undefined : Number.parseInt(String(permissions), 8);
}
