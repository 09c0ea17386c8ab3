/** /storage/volumes/{volume.uuid}/snapshots */
import type { SnapshotInfo } from '../../core/wafl/view.ts';
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
  patchable: ['name', 'comment', 'snapmirror_label'],
  records: (context) => volumeOf(context).snapshotInfos(),
  key: ({ uuid }) => uuid,
  view: (snapshot, context) => {
    const volume = volumeOf(context);
    const owners = snapshotOwners(context.snapmirror, volume, snapshot.uuid);
    return {
      uuid: snapshot.uuid,
      name: snapshot.name,
      version_uuid: snapshot.uuid,
      create_time: timeText(snapshot.createdAt),
      state: 'valid',
      ...(snapshot.comment === undefined ? {} : { comment: snapshot.comment }),
      ...(snapshot.label === undefined ? {} : { snapmirror_label: snapshot.label }),
      ...(owners.length === 0 ? {} : { owners }),
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
    const job = cluster.startJob(context, taking({ volume, name, facts }), volume.svm);
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
    return { done: false, job: cluster.startJob(context, changing({ volume, snapshot, facts }), volume.svm) };
  },

  remove(context, snapshot) {
    const { cluster } = context;
    const volume = volumeOf(context);
    const { snapmirror } = context;
    return { done: false, job: cluster.startJob(context, removing({ snapmirror, volume, snapshot }), volume.svm) };
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

const taking = later(
  'snapshot: take',
  (
    { volume, name, facts }: { readonly volume: SimulatedVolume; readonly name: string; readonly facts: SnapshotFacts },
    job: Job,
  ) => {
    const where = { volume: volume.name, svm: volume.svm.name };
    if (volume.state !== 'online') throw new Refusal('volumeOffline', where);
    if (volume.origin?.split) throw new Refusal('volumeStateChanging', where);
    job.made = volume.takeSnapshot(name, facts);
  },
);

const changing = later(
  'snapshot: change',
  ({ volume, snapshot, facts }: OnSnapshot & { readonly facts: SnapshotFacts & { readonly name?: string } }) =>
    volume.content.updateSnapshot(snapshot.name, facts),
);

const removing = later(
  'snapshot: remove',
  ({ snapmirror, volume, snapshot }: OnSnapshot & { readonly snapmirror: SnapMirror }) => {
    if (!volume.snapshotByUuid(snapshot.uuid)) throw new Refusal('entryMissingInJob', { target: 'uuid' });
    const owners = snapshotOwners(snapmirror, volume, snapshot.uuid);
    if (owners.length > 0) {
      throw new Refusal('snapshotLocked', { snapshot: snapshot.name, volume: volume.name, owners: owners.join(', ') });
    }
    volume.content.deleteSnapshot(snapshot.name);
  },
);

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
