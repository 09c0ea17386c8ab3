/** /storage/luns: LUNs made, cloned, copied, moved and renamed, with real bytes (rest-facts sections 4 and 5). */
import type { ClusterState } from '../cluster-state.ts';
import { changing } from '../content-refusal.ts';
import { COPIES_AT_ONCE, DataCopy } from '../data-copy.ts';
import type { Body } from '../http/body.ts';
import type { JsonTree } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { later, nothing } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { StorageUnit } from '../storage-unit.ts';
import { unitAt, unitsOf } from '../storage-unit.ts';
import type { Svm } from '../svm.ts';
import type { SimulatedVolume } from '../volume.ts';
import { LUN } from './storage-unit-fields.ts';
import {
  bySvm,
  checkHome,
  cloneUnit,
  copyBlocks,
  findUnit,
  makeFile,
  makeUnit,
  namedPlace,
  removeUnit,
  renameUnit,
  resizeUnit,
  sizeFromBody,
  svmOfUnit,
  type UnitPlace,
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
      resizeUnit(unit, body);
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

/** The destination is there at once, with nothing in it; its data comes as a whole when all of it has been copied. */
function copy(context: RequestContext, svm: Svm, source: string, place: UnitPlace, body: Body): StorageUnit {
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
  const { sizeBytes } = unit;
  checkRoom(unit, place);
  makeEmpty(place, sizeBytes);
  const copied = makeUnit(cluster, { kind: 'lun', ...place, osType: unit.osType, sizeBytes });
  copied.copy = new DataCopy(
    cluster,
    { source: unit.name, destination: place.name, sizeBytes },
    cluster.takeCopyFault(),
    { arrive: copyArrives({ from: unit, to: copied }), giveUp: nothing({}) },
  );
  return copied;
}

const copyArrives = later(
  'lun copy: arrives',
  ({ from, to }: { readonly from: StorageUnit; readonly to: StorageUnit }) => fill(from, to),
);

/** A file that is in the way is not written over, be it a LUN or none. */
function makeEmpty({ volume, path, name }: UnitPlace, sizeBytes: number): void {
  if (volume.content.exists(path)) throw new Refusal('cloneTargetExists', { name });
  makeFile(volume, path, () => {
    volume.content.create(path);
    volume.content.truncate(path, sizeBytes);
  });
}

/** Seen beforehand where it can be; a volume that fills up meanwhile fails the copy. */
function checkRoom(unit: StorageUnit, { volume, path }: UnitPlace): void {
  const free = volume.sizeBytes - volume.usedBytes();
  if (unit.usedBytes > free) throw new Refusal('fileNoSpace', { path: path.slice(1) });
}

/** The data of a file into one that is there; nothing of it stays when it does not fit. */
function fill(from: { readonly volume: SimulatedVolume; readonly path: string }, to: StorageUnit): void {
  const { volume, path, sizeBytes } = to;
  if (from.volume.content.lookup(from.path)?.type !== 'file') throw new Refusal('fileMissing', { path: from.path });
  changing(path, () => {
    try {
      copyBlocks(from.volume.content.activeView(), from.path, volume, path);
    } catch (error) {
      volume.content.truncate(path, 0);
      throw error;
    } finally {
      volume.content.truncate(path, sizeBytes);
    }
  });
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

/**
 * A name in the same volume renames; one in another volume moves: the LUN goes by its new name at once, its data stays where it was
 * until all of it has been copied. A move that fails leaves the LUN where it was.
 */
function rename(context: RequestContext, cluster: ClusterState, unit: StorageUnit, body: Body): void {
  const svm = unit.volume.svm;
  const place = namedPlace(cluster, svm, body, 'logical_unit');
  if (place.volume === unit.volume && place.path === unit.path) return;
  const there = unitAt(cluster, place.volume, place.path);
  if (there !== undefined && there !== unit) throw new Refusal('lunExists', { name: place.name, svm: svm.name });
  if (place.volume === unit.volume) {
    renameUnit(unit, place.path);
    return;
  }
  checkHome(place.volume);
  if (unit.movement?.running || unit.copy?.running) throw new Refusal('lunMoveRunning', { name: unit.name });
  checkCopies(context.cluster);
  checkRoom(unit, place);
  const { volume, path, name, sizeBytes } = unit;
  makeEmpty(place, sizeBytes);
  const move = { unit, from: { volume, path } };
  unit.volume = place.volume;
  unit.path = place.path;
  unit.movedFrom = move.from;
  unit.movement = new DataCopy(cluster, { source: name, destination: place.name, sizeBytes }, cluster.takeCopyFault(), {
    arrive: moveArrives(move),
    giveUp: moveFails(move),
  });
}

interface LunMove {
  readonly unit: StorageUnit;
  readonly from: { readonly volume: SimulatedVolume; readonly path: string };
}

const moveArrives = later('lun move: arrives', ({ unit, from }: LunMove) => {
  fill(from, unit);
  from.volume.content.remove(from.path);
  unit.movedFrom = undefined;
});

const moveFails = later('lun move: fails', ({ unit, from }: LunMove) => {
  if (unit.volume.content.exists(unit.path)) unit.volume.content.remove(unit.path);
  unit.volume = from.volume;
  unit.path = from.path;
  unit.movedFrom = undefined;
});

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
