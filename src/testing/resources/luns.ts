/** /storage/luns: LUNs made, cloned, copied, moved and renamed, with real bytes (rest-facts sections 4 and 5). */
import type { ClusterState } from '../cluster-state.ts';
import { COPIES_AT_ONCE, DataCopy } from '../data-copy.ts';
import type { Body } from '../http/body.ts';
import type { JsonTree } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { Refusal } from '../refusals.ts';
import type { StorageUnit } from '../storage-unit.ts';
import { unitAt, unitsOf } from '../storage-unit.ts';
import type { Svm } from '../svm.ts';
import { LUN } from './storage-unit-fields.ts';
import {
  bySvm,
  checkHome,
  cloneUnit,
  copyFile,
  findUnit,
  makeUnit,
  namedPlace,
  removeUnit,
  sizeFromBody,
  svmOfUnit,
  unitView,
} from './storage-units.ts';

export const lunResource: Resource<StorageUnit> = {
  path: '/storage/luns',
  schema: schema(LUN),
  keys: ['uuid', 'name'],
  expensive: ['copy', 'movement'],
  arguments: { DELETE: ['allow_delete_while_mapped'] },
  patchable: ['name', 'comment', 'enabled', 'space', 'movement', 'copy', 'auto_delete', 'location'],
  records: (context) => bySvm(context, unitsOf(context.cluster, 'lun')),
  find: (context, key) => findUnit(context, 'lun', key),
  key: ({ uuid }) => uuid,
  view: lunView,

  post(context, body) {
    const { cluster } = context;
    const svm = svmOfUnit(context, body);
    const copied = body.text('copy.source.name') ?? body.text('copy.source.uuid');
    const cloned = body.text('clone.source.name') ?? body.text('clone.source.uuid');
    const place = namedPlace(cluster, svm, body, 'logical_unit');
    if (unitAt(cluster, place.volume, place.path)) throw new Refusal('lunExists', { name: place.name, svm: svm.name });
    if (cloned !== undefined) {
      return { done: true, ...made(cloneUnit(context, { kind: 'lun', svm, source: cloned, place })) };
    }
    if (copied !== undefined) return { done: true, ...made(copy(context, svm, copied, place, body)) };
    body.require('os_type');
    const sizeBytes = sizeFromBody(body);
    const unit = makeUnit(cluster, {
      kind: 'lun',
      ...place,
      osType: body.text('os_type') ?? '',
      sizeBytes,
      comment: body.text('comment'),
    });
    return { done: true, ...made(unit) };
  },

  patch(context, unit, body) {
    const { cluster } = context;
    const state = body.text('movement.progress.state');
    if (state !== undefined) pauseOrResume(unit.movement, state);
    const copyState = body.text('copy.source.progress.state');
    if (copyState !== undefined) pauseOrResume(unit.copy, copyState);
    const sizeBytes = body.number('space.size');
    if (sizeBytes !== undefined) {
      if (sizeBytes < unit.sizeBytes) throw new Refusal('notSimulated', { what: 'making a LUN smaller' });
      unit.volume.content.truncate(unit.path, sizeBytes);
    }
    if (body.has('comment')) unit.comment = body.text('comment');
    if (body.has('enabled')) unit.enabled = body.boolean('enabled') ?? unit.enabled;
    if (body.has('name')) rename(context, cluster, unit, body);
    return { done: true };
  },

  remove({ cluster }, unit) {
    unit.copy?.stop();
    unit.movement?.stop();
    removeUnit(cluster, unit);
    return { done: true };
  },
};

function made(unit: StorageUnit): { record: StorageUnit; location: string } {
  return { record: unit, location: `/storage/luns/${unit.uuid}` };
}

/** The destination can be read and written at once; its data follows. */
function copy(
  context: RequestContext,
  svm: Svm,
  source: string,
  place: ReturnType<typeof namedPlace>,
  body: Body,
): StorageUnit {
  const { cluster } = context;
  const peer = body.text('copy.source.peer.name') ?? body.text('copy.source.peer.uuid');
  const from = peer === undefined ? svm : peerSvm(cluster, svm, peer);
  const unit = unitsOf(cluster, 'lun').find(
    (known) => known.volume.svm === from && (known.name === source || known.uuid === source),
  );
  if (!unit) throw new Refusal('lunCopySourceMissing', { source, svm: from.name });
  if (unit.volume === place.volume) throw new Refusal('lunCopyWithinVolume', { source });
  checkHome(place.volume);
  checkCopies(cluster);
  copyFile(unit.volume, unit.path, place.volume, place.path);
  const copied = makeUnit(cluster, { kind: 'lun', ...place, osType: unit.osType, sizeBytes: unit.sizeBytes });
  const { sizeBytes } = unit;
  copied.copy = new DataCopy(
    cluster,
    { source: unit.name, destination: place.name, sizeBytes },
    cluster.takeCopyFault(),
  );
  return copied;
}

/** The source's SVM, by its name or uuid, or by the name that it has here. */
function peerSvm(cluster: ClusterState, svm: Svm, named: string): Svm {
  if (svm.name === named || svm.uuid === named) return svm;
  const peer = cluster.svmPeers.find(
    (known) => known.svm === svm && [known.alias, known.peerSvm.uuid, known.uuid].includes(named),
  );
  if (!peer) throw new Refusal('lunCopyPeerMissing', { peer: named, svm: svm.name });
  if (peer.peerCluster !== cluster) throw new Refusal('lunCopyPeerElsewhere', { peer: named });
  if (peer.state !== 'peered' || !peer.applications.includes('lun_copy')) {
    throw new Refusal('lunCopyPeerApplication', { peer: named, svm: svm.name });
  }
  return peer.peerSvm;
}

/** A name in the same volume renames; one in another volume moves. */
function rename(context: RequestContext, cluster: ClusterState, unit: StorageUnit, body: Body): void {
  const svm = unit.volume.svm;
  const place = namedPlace(cluster, svm, body, 'logical_unit');
  if (place.volume === unit.volume && place.path === unit.path) return;
  if (unitAt(cluster, place.volume, place.path)) throw new Refusal('lunExists', { name: place.name, svm: svm.name });
  checkHome(place.volume);
  if (place.volume === unit.volume) {
    unit.volume.content.rename(unit.path, place.path);
    unit.path = place.path;
    return;
  }
  if (unit.movement?.running || unit.copy?.running) throw new Refusal('lunMoveRunning', { name: unit.name });
  checkCopies(context.cluster);
  const { volume, path, name, sizeBytes } = unit;
  copyFile(volume, path, place.volume, place.path);
  volume.content.remove(path);
  unit.volume = place.volume;
  unit.path = place.path;
  unit.movement = new DataCopy(cluster, { source: name, destination: place.name, sizeBytes }, cluster.takeCopyFault());
}

/** Nothing but pausing and going on can be asked for. */
function pauseOrResume(copying: DataCopy | undefined, state: string): void {
  if (state !== 'paused' && state !== 'replicating') throw new Refusal('lunMovementState', { value: state });
  if (state === 'paused') copying?.pause();
  else copying?.resume();
}

export function checkCopies(cluster: ClusterState, added = 1): void {
  if (cluster.dataCopies.size + added > COPIES_AT_ONCE) throw new Refusal('tooManyCopies', { limit: COPIES_AT_ONCE });
}

function lunView(unit: StorageUnit, context: RequestContext): JsonTree {
  const { copy: copied, movement } = unit;
  return {
    ...unitView(unit, context),
    class: 'regular',
    serial_number: unit.serial,
    serial_number_hex: Buffer.from(unit.serial, 'latin1').toString('hex'),
    enabled: unit.enabled,
    location: { logical_unit: unit.path.slice(1), volume: volumeRef(unit), node: { name: nodeOf(unit) } },
    ...(unit.comment === undefined ? {} : { comment: unit.comment }),
    ...(copied === undefined ? {} : { copy: { source: { name: copied.source, progress: progressView(copied) } } }),
    ...(movement === undefined
      ? {}
      : {
          movement: {
            paths: { source: movement.source, destination: movement.destination },
            progress: progressView(movement),
          },
        }),
  };
}

function volumeRef({ volume }: StorageUnit): JsonTree {
  return { name: volume.name, uuid: volume.uuid };
}

function nodeOf({ volume }: StorageUnit): string {
  return volume.aggregates[0]?.node ?? '';
}

function progressView(copying: DataCopy): JsonTree {
  const { state, failure } = copying;
  return {
    elapsed: Math.floor(copying.elapsedMs / 1000),
    percent_complete: copying.percentComplete,
    state,
    volume_snapshot_blocked: false,
    ...(failure === undefined ? {} : { failure: { code: failure.code, message: failure.message } }),
  };
}
