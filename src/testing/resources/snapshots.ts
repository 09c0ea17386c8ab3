/** /storage/volumes/{volume.uuid}/snapshots */
import { BLOCK_SIZE } from '../../core/wafl/blocks.ts';
import { changes } from '../../core/wafl/changes.ts';
import type { SnapshotInfo, VolumeView } from '../../core/wafl/view.ts';
import type { Body } from '../http/body.ts';
import { lazy } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { timeText } from '../http/time-text.ts';
import type { Job } from '../jobs.ts';
import { later } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { SnapMirror } from '../snapmirror/snapmirror.ts';
import type { SimulatedVolume } from '../volume.ts';
import * as fields from './rest-fields.ts';

export const snapshotResource: Resource<SnapshotInfo> = {
  path: '/storage/volumes/{volume.uuid}/snapshots',
  schema: schema(fields.SNAPSHOT),
  keys: ['uuid', 'name', 'volume.uuid', 'volume.name'],
  expensive: ['reclaimable_space'],
  patchable: ['name', 'comment', 'snapmirror_label', 'expiry_time'],
  records: (context) => volumeOf(context).snapshotInfos(),
  key: ({ uuid }) => uuid,
  view: (snapshot, context) => {
    const volume = volumeOf(context);
    const owners = snapshotOwners(context.snapmirror, volume, snapshot.uuid);
    const expiresAt = volume.expiries.get(snapshot.uuid);
    const { content } = volume;
    return {
      uuid: snapshot.uuid,
      name: snapshot.name,
      version_uuid: snapshot.uuid,
      create_time: timeText(snapshot.createdAt),
      state: 'valid',
      ...(snapshot.comment === undefined ? {} : { comment: snapshot.comment }),
      ...(snapshot.label === undefined ? {} : { snapmirror_label: snapshot.label }),
      ...(owners.length === 0 ? {} : { owners }),
      ...(expiresAt === undefined ? {} : { expiry_time: timeText(expiresAt) }),
      size: lazy(() => BLOCK_SIZE * content.snapshotUsage(snapshot.name).heldBlocks),
      logical_size: lazy(() => logicalBytes(content.snapshotView(snapshot.name))),
      delta: {
        size_consumed: lazy(
          () => BLOCK_SIZE * changedBlocks(content.snapshotView(snapshot.name), content.activeView()),
        ),
      },
      reclaimable_space: lazy(() => BLOCK_SIZE * content.snapshotUsage(snapshot.name).exclusiveBlocks),
      volume: { uuid: volume.uuid, name: volume.name },
      svm: { uuid: volume.svm.uuid, name: volume.svm.name },
    };
  },

  post(context, body) {
    const { cluster } = context;
    const volume = volumeOf(context);
    body.require('name');
    const name = body.text('name') ?? '';
    if (volume.type === 'dp') throw new Refusal('snapshotOnDp', { volume: volume.name });
    if (volume.snapshotInfos().some((known) => known.name === name)) throw new Refusal('snapshotExists');
    const label = body.text('snapmirror_label');
    const comment = body.text('comment');
    const facts = { ...(label === undefined ? {} : { label }), ...(comment === undefined ? {} : { comment }) };
    const on = { volume, name, facts, expiresAt: expiryOf(body) };
    const job = cluster.startJob(context, taking(on), volume.svm);
    return {
      done: false,
      job,
      record: () => job.made as SnapshotInfo | undefined,
      location: `/storage/volumes/${volume.uuid}/snapshots?name=${name}`,
    };
  },

  patch(context, snapshot, body) {
    const { cluster } = context;
    const volume = volumeOf(context);
    if (volume.type === 'dp') throw new Refusal('snapshotOnDp', { volume: volume.name });
    const name = body.text('name');
    if (name !== undefined && name !== snapshot.name && volume.snapshotInfos().some((known) => known.name === name)) {
      throw new Refusal('snapshotExists');
    }
    const label = body.text('snapmirror_label');
    const comment = body.text('comment');
    const facts = {
      ...(name === undefined ? {} : { name }),
      ...(label === undefined ? {} : { label }),
      ...(comment === undefined ? {} : { comment }),
    };
    const on = { volume, snapshot, facts, expiresAt: expiryOf(body) };
    return { done: false, job: cluster.startJob(context, changing(on), volume.svm) };
  },

  remove(context, snapshot) {
    const { cluster } = context;
    const volume = volumeOf(context);
    const { snapmirror } = context;
    const on = { cluster, snapmirror, volume, snapshot };
    return { done: false, job: cluster.startJob(context, removing(on), volume.svm) };
  },
};

interface OnSnapshot {
  readonly volume: SimulatedVolume;
  readonly snapshot: SnapshotInfo;
}

interface SnapshotFacts {
  readonly label?: string;
  readonly comment?: string;
}

interface NewSnapshot {
  readonly volume: SimulatedVolume;
  readonly name: string;
  readonly facts: SnapshotFacts;
  readonly expiresAt: number | null | undefined;
}

const taking = later('snapshot: take', ({ volume, name, facts, expiresAt }: NewSnapshot, job: Job) => {
  const where = { volume: volume.name, svm: volume.svm.name };
  if (volume.state !== 'online') throw new Refusal('volumeOffline', where);
  if (volume.origin?.split) throw new Refusal('volumeStateChanging', where);
  const made = volume.takeSnapshot(name, facts);
  if (expiresAt) volume.expiries.set(made.uuid, expiresAt);
  job.made = made;
});

const changing = later(
  'snapshot: change',
  ({
    volume,
    snapshot,
    facts,
    expiresAt,
  }: OnSnapshot & Pick<NewSnapshot, 'expiresAt'> & { readonly facts: SnapshotFacts & { readonly name?: string } }) => {
    volume.content.updateSnapshot(snapshot.name, facts);
    if (expiresAt) volume.expiries.set(snapshot.uuid, expiresAt);
    else if (expiresAt === null) volume.expiries.delete(snapshot.uuid);
  },
);

const removing = later(
  'snapshot: remove',
  ({ cluster, snapmirror, volume, snapshot }: OnSnapshot & Pick<RequestContext, 'cluster' | 'snapmirror'>) => {
    if (!volume.snapshotByUuid(snapshot.uuid)) throw new Refusal('entryMissingInJob', { target: 'uuid' });
    const owners = snapshotOwners(snapmirror, volume, snapshot.uuid);
    if (owners.length > 0) {
      throw new Refusal('snapshotLocked', { snapshot: snapshot.name, volume: volume.name, owners: owners.join(', ') });
    }
    const expiresAt = volume.expiries.get(snapshot.uuid) ?? 0;
    if (expiresAt > cluster.physics.timeline.now) {
      const time = timeText(expiresAt);
      throw new Refusal('snapshotNotExpired', { snapshot: snapshot.name, volume: volume.name, time });
    }
    volume.content.deleteSnapshot(snapshot.name);
    volume.expiries.delete(snapshot.uuid);
  },
);

/** Null takes it away. */
function expiryOf(body: Body): number | null | undefined {
  if (body.isNull('expiry_time')) return null;
  const text = body.text('expiry_time');
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new Refusal('invalidValue', { value: text, name: 'expiry_time', expected: '<date and time>' });
  return time;
}

function logicalBytes(view: VolumeView): number {
  let bytes = 0;
  for (const { type, sizeBytes } of view.inodes()) if (type === 'file') bytes += sizeBytes;
  return bytes;
}

/** Blocks of files that are others now; what a file lost does not count. */
function changedBlocks(then: VolumeView, now: VolumeView): number {
  return changes(then, now).inodes.reduce((blocks, { fbns }) => blocks + fbns.length, 0);
}

function volumeOf({ cluster, svm, path }: RequestContext): SimulatedVolume {
  const volume = cluster.volumes.get(path['volume.uuid'] ?? '');
  if (!volume || (svm && volume.svm !== svm)) throw new Refusal('entryMissing', { target: 'volume.uuid' });
  return volume;
}

/** Who needs the snapshot: the base of a relationship may not be deleted, nor what a clone and its parent share. */
export function snapshotOwners(snapmirror: SnapMirror, volume: SimulatedVolume, uuid: string): string[] {
  return [
    ...(snapmirror.isBase(volume, uuid) ? ['snapmirror_dependent'] : []),
    ...(volume.isParentAt(uuid) ? ['volume_clone'] : []),
    ...(volume.origin?.snapshot.uuid === uuid ? ['volume_clone_dependent'] : []),
  ];
}
