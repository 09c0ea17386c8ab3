/** FlexClones: volumes that begin as a snapshot of another and share its blocks until they are split off. */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import type { JsonTree } from '../http/json-tree.ts';
import type { RequestContext } from '../http/resource.ts';
import type { Job } from '../jobs.ts';
import { later } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { SnapMirror } from '../snapmirror/snapmirror.ts';
import type { SimulatedVolume } from '../volume.ts';
import { requireLicense } from './licenses.ts';
import { snapshotOwners } from './snapshots.ts';

/** Even nothing takes a moment. */
const SHORTEST_SPLIT_MS = 1000;

export interface ClonePlan {
  readonly parent: SimulatedVolume;
  /** Name of a snapshot of the parent; a new one is taken when there is none. */
  readonly snapshot: string | undefined;
}

/** The clone that the body of a POST asks for, if it asks for one. */
export function clonePlanOf(context: RequestContext, body: Body): ClonePlan | undefined {
  if (!body.has('clone')) return undefined;
  if (body.boolean('clone.is_flexclone') !== true) {
    throw new Refusal('requiredMissing', { name: 'clone.is_flexclone' });
  }
  for (const name of ['aggregates', 'style', 'constituents_per_aggregate', 'clone.split_initiated']) {
    if (body.has(name)) throw new Refusal('fieldCannotBeSet', { name });
  }
  requireLicense(context.cluster, 'flexclone');
  const parent = parentOf(context, body);
  const where = { volume: parent.name, svm: parent.svm.name };
  if (parent.state !== 'online') throw new Refusal('volumeOffline', where);
  const wanted = body.text('clone.parent_snapshot.uuid') ?? body.text('clone.parent_snapshot.name');
  if (wanted === undefined) {
    if (parent.type === 'dp') throw new Refusal('cloneNeedsSnapshot', where);
    return { parent, snapshot: undefined };
  }
  const found = parent.snapshotInfos().find(({ uuid, name }) => uuid === wanted || name === wanted);
  if (!found) throw new Refusal('cloneSnapshotUnknown', { ...where, snapshot: wanted });
  return { parent, snapshot: found.name };
}

function parentOf({ cluster, svm }: RequestContext, body: Body): SimulatedVolume {
  const uuid = body.text('clone.parent_volume.uuid');
  const name = body.text('clone.parent_volume.name');
  if (uuid === undefined && name === undefined) {
    throw new Refusal('requiredMissing', { name: 'clone.parent_volume.name' });
  }
  const owner =
    body.text('clone.parent_svm.name') ?? body.text('svm.name') ?? svm?.name ?? body.text('clone.parent_svm.uuid');
  const found =
    uuid === undefined
      ? cluster.svms
          .filter((known) => known.name === owner || known.uuid === owner)
          .map((known) => cluster.findVolume(known, name ?? ''))[0]
      : cluster.volumes.get(uuid);
  const foreign = svm !== undefined && found?.svm !== svm;
  if (!found || foreign) throw new Refusal('cloneParentUnknown', { volume: name ?? uuid ?? '' });
  return found;
}

/** Gives a volume that was just made the content of the parent's snapshot. Its size is that of the parent. */
export function becomeClone(cluster: ClusterState, clone: SimulatedVolume, { parent, snapshot }: ClonePlan): void {
  if (!cluster.has(parent)) throw new Refusal('cloneParentUnknown', { volume: parent.name });
  const name = snapshot ?? parent.takeSnapshot(snapshotNameFor(cluster, clone)).name;
  const info = parent.snapshotInfos().find((known) => known.name === name);
  if (!info) {
    throw new Refusal('cloneSnapshotUnknown', { volume: parent.name, svm: parent.svm.name, snapshot: name });
  }
  clone.becomeCloneOf(parent, info);
}

/** `clone_<name>.<date>_<time>.0` */
function snapshotNameFor(cluster: ClusterState, { name }: SimulatedVolume): string {
  const [date, time = ''] = new Date(cluster.physics.timeline.now).toISOString().split('T');
  return `clone_${name}.${date}_${time.slice(0, 8).replaceAll(':', '')}.0`;
}

// ---- splitting off

/** What a PATCH asks of a clone: true begins to split it off, false stops that. */
export function checkSplit(volume: SimulatedVolume, body: Body): boolean | undefined {
  const wanted = body.boolean('clone.split_initiated');
  if (body.has('clone') && wanted === undefined) throw new Refusal('fieldNotPatchable', { name: 'clone' });
  if (wanted !== undefined && !volume.origin) throw new Refusal('splitOfNoClone', { volume: volume.name });
  return wanted;
}

/**
 * The blocks are copied at the speed of transfers; snapshots of the clone go at once. By switch the job ends when that
 * has begun, or when it is done.
 */
export function changeSplit(
  { cluster, snapmirror, volume }: { cluster: ClusterState; snapmirror: SnapMirror; volume: SimulatedVolume },
  begins: boolean,
  job: Job,
): void {
  const { origin } = volume;
  if (!origin) throw new Refusal('splitOfNoClone', { volume: volume.name });
  const { timeline, transferRate, switches } = cluster.physics;
  if (!begins) {
    origin.split?.cancel();
    origin.split = undefined;
    return;
  }
  if (origin.split) return;
  const others = volume.snapshotInfos().filter(({ uuid }) => uuid !== origin.snapshot.uuid);
  for (const { name, uuid } of volume.snapshotInfos()) {
    const owners = snapshotOwners(snapmirror, volume, uuid).filter((owner) => owner !== 'volume_clone_dependent');
    if (owners.length === 0) continue;
    throw new Refusal('snapshotLocked', { snapshot: name, volume: volume.name, owners: owners.join(', ') });
  }
  for (const { name } of others) volume.content.deleteSnapshot(name);
  const durationMs = Math.max(SHORTEST_SPLIT_MS, Math.ceil((origin.sharedBytes / transferRate) * 1000));
  const waiting = switches.splitJob === 'waits' ? job : undefined;
  const cancel = timeline.after(durationMs, splitDone({ cluster, volume, job: waiting }));
  origin.split = { startedAt: timeline.now, durationMs, cancel };
  waiting?.goOn();
}

interface Splitting {
  readonly cluster: ClusterState;
  readonly volume: SimulatedVolume;
  readonly job: Job | undefined;
}

const splitDone = later('volume: split done', ({ cluster, volume, job }: Splitting) => {
  const base = volume.snapshotByUuid(volume.origin?.snapshot.uuid ?? '');
  volume.leaveParent();
  if (base) volume.content.deleteSnapshot(base.name);
  job?.succeed(cluster.physics.timeline.now);
});

// ---- the record

/** `clone` in the record of every volume. */
export function cloneField(volume: SimulatedVolume, now: number): JsonTree {
  const { origin } = volume;
  const common = { is_flexclone: origin !== undefined, has_flexclone: volume.clones.size > 0 };
  if (!origin) return common;
  const { parent, snapshot, sharedBytes, split } = origin;
  const done = split === undefined ? 0 : Math.min(1, (now - split.startedAt) / split.durationMs);
  return {
    ...common,
    parent_volume: { name: parent.name, uuid: parent.uuid },
    parent_snapshot: { name: parent.snapshotByUuid(snapshot.uuid)?.name ?? snapshot.name, uuid: snapshot.uuid },
    parent_svm: { name: parent.svm.name, uuid: parent.svm.uuid },
    inherited_physical_used: sharedBytes,
    split_initiated: split !== undefined,
    split_estimate: Math.ceil(sharedBytes * (1 - done)),
    ...(split === undefined ? {} : { split_complete_percent: Math.floor(100 * done) }),
  };
}
