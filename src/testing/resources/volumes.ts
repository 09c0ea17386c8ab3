/** /storage/volumes: ONTAP's rules of volumes (rest-facts sections 4, 5 and 10). */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import { overlaid } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import type { Job } from '../jobs.ts';
import { later } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { SnapMirror } from '../snapmirror/snapmirror.ts';
import type { SnapshotPolicy } from '../snapshot-policies.ts';
import type { Aggregate, Svm } from '../svm.ts';
import { Constituent, type SimulatedVolume, type VolumeState, type VolumeType } from '../volume.ts';
import { becomeClone, type ClonePlan, changeSplit, checkSplit, clonePlanOf } from './flexclones.ts';
import { checkSize, makeFlexGroup, placement, placementOf, smallestBytes, stepsBefore, styleOf } from './flexgroups.ts';
import * as fields from './rest-fields.ts';
import { snapshotPolicyOf } from './snapshot-policies.ts';
import { moveVolume } from './volume-moves.ts';
import { quickVolumeValues, volumeRecord } from './volume-record.ts';

/** FlexVols and FlexGroups; the constituents of FlexGroups only where they are asked for. */
export const volumeResource: Resource<SimulatedVolume | Constituent> = {
  path: '/storage/volumes',
  schema: schema(fields.VOLUME),
  keys: ['uuid', 'name'],
  arguments: {
    POST: ['validate_only'],
    PATCH: ['validate_only', 'nvfail', 'sizing_method'],
    DELETE: ['force', 'validate_only'],
    GET: ['is_constituent'],
  },
  expensive: ['constituents'],
  valuesLeftToResource: ['movement.state'],
  records: (context) => {
    const { cluster, svm } = context;
    const all = [...cluster.volumes.values()];
    const seen = svm === undefined ? all : all.filter((volume) => volume.svm === svm);
    return context.arguments.boolean('is_constituent', false) ? seen.flatMap(({ constituents }) => constituents) : seen;
  },
  find: ({ cluster, svm }, key) => {
    const volume = cluster.volumes.get(key) ?? cluster.constituent(key);
    const owner = volume instanceof Constituent ? volume.group.svm : volume?.svm;
    return svm === undefined || owner === svm ? volume : undefined;
  },
  key: ({ uuid }) => uuid,
  view: volumeRecord,
  quick: quickVolumeValues,

  post(context, body) {
    const { cluster } = context;
    const svm = svmOf(context, body);
    refuseUnsimulated(body);
    body.require('name');
    const name = body.text('name') ?? '';
    checkName(name);
    const clone = clonePlanOf(context, body);
    const facts = clone ? cloneFacts(svm, name, clone, body) : plainFacts(cluster, svm, name, body);
    const policy = firstPolicy(cluster, facts, clone, body);
    if (cluster.findVolume(svm, name)) throw new Refusal('volumeNameInUse', { volume: name, svm: svm.name });
    if (validatesOnly(context, body)) return { done: true };
    const job = cluster.startJob(
      context,
      making({ cluster, facts, clone, policy, offline: body.text('state') === 'offline' }),
      svm,
      facts.style === 'flexgroup' && !clone ? stepsBefore(cluster, facts.aggregates) : 1,
    );
    const query = new URLSearchParams({ name });
    return {
      done: false,
      job,
      record: () => job.made as SimulatedVolume | undefined,
      location: `/storage/volumes?${query}`,
    };
  },

  patch(context, volume, body) {
    const { cluster } = context;
    if (volume instanceof Constituent) throw constituentIsKept(volume);
    if (body.has('movement')) return moveVolume(context, volume, body);
    refuseUnsimulated(body);
    for (const name of NOT_PATCHABLE) if (body.has(name)) throw new Refusal('fieldNotPatchable', { name });
    const added = addedAggregates(cluster, volume, body);
    const split = checkSplit(volume, body);
    const policy = snapshotPolicyOf(cluster, volume.svm, body);
    if (volume.type === 'dp' && body.has('snapshot_policy')) throw new Refusal('snapshotPolicyOnDp');
    const sizeBytes = body.number('size') ?? body.number('space.size');
    if (sizeBytes !== undefined) checkSize(sizeBytes, volume.constituents.length + added.length);
    const state = body.text('state') as VolumeState | undefined;
    checkName(body.text('name') ?? volume.name);
    if (state !== undefined && !['online', 'offline', 'restricted'].includes(state)) {
      throw new Refusal('invalidValue', { value: state, name: 'state', expected: '<online|offline|restricted>' });
    }
    if (validatesOnly(context, body)) {
      checkChange(context, volume, body, { state, sizeBytes });
      return { done: true };
    }
    if (state !== undefined) volume.stateChanges++;
    const job = cluster.startJob(
      context,
      changing({
        cluster,
        snapmirror: context.snapmirror,
        volume,
        body,
        added,
        split,
        policy,
        changed: { state, sizeBytes },
      }),
      volume.svm,
    );
    if (state !== undefined) {
      job.onEnd(stateSettled({ volume }));
    }
    return { done: false, job };
  },

  remove(context, volume) {
    const { cluster } = context;
    if (volume instanceof Constituent) throw constituentIsKept(volume);
    const where = { volume: volume.name, svm: volume.svm.name };
    if (volume.stateChanges > 0) throw new Refusal('volumeStateChanging', where);
    if (context.arguments.boolean('validate_only', false)) {
      checkRemovable(context, volume);
      return { done: true };
    }
    const { snapmirror } = context;
    return { done: false, job: cluster.startJob(context, removing({ cluster, snapmirror, volume }), volume.svm) };
  },
};

interface On extends Pick<RequestContext, 'cluster' | 'snapmirror'> {
  readonly volume: SimulatedVolume;
}

interface Making {
  readonly cluster: ClusterState;
  readonly facts: NewVolume;
  readonly clone: ClonePlan | undefined;
  readonly policy: SnapshotPolicy | undefined;
  readonly offline: boolean;
}

type NewVolume = Parameters<ClusterState['addVolume']>[0];

function plainFacts(cluster: ClusterState, svm: Svm, name: string, body: Body): NewVolume {
  const type = (body.text('type') ?? 'rw') as VolumeType;
  if (type !== 'rw' && type !== 'dp') throw new Refusal('notSimulated', { what: `volumes of type ${type}` });
  if (type === 'dp' && body.has('snapshot_policy')) throw new Refusal('snapshotPolicyOnDp');
  const named = aggregatesOf(cluster, body);
  const style = styleOf(body, named);
  const aggregates = style === 'flexgroup' ? placementOf(body, named) : named;
  const constituents = style === 'flexgroup' ? aggregates.length : 0;
  const sizeBytes = body.number('size') ?? body.number('space.size') ?? smallestBytes(constituents);
  checkSize(sizeBytes, constituents);
  return {
    ...{ svm, name, type, style, sizeBytes, aggregates },
    junctionPath: type === 'dp' ? undefined : body.text('nas.path'),
    encrypted: body.boolean('encryption.enabled') ?? false,
    settings: settingsOf(body),
  };
}

/** What the body names; else that of a clone's parent, or `default`. */
function firstPolicy(
  cluster: ClusterState,
  { svm, type }: NewVolume,
  clone: ClonePlan | undefined,
  body: Body,
): SnapshotPolicy | undefined {
  if (type === 'dp') return undefined;
  const otherwise = clone ? (clone.parent.snapshotPolicy?.name ?? 'none') : 'default';
  return snapshotPolicyOf(cluster, svm, body) ?? cluster.snapshotPolicies.find(({ name }) => name === otherwise);
}

/** A clone is where its parent is, and like it in all that the body does not say. */
function cloneFacts(svm: Svm, name: string, { parent }: ClonePlan, body: Body): NewVolume {
  const type = body.text('type') ?? 'rw';
  if (type !== 'rw') throw new Refusal('notSimulated', { what: `clones of type ${type}` });
  const { style, constituents, encrypted } = parent;
  const sizeBytes = body.number('size') ?? parent.sizeBytes;
  checkSize(sizeBytes, constituents.length);
  return {
    ...{ svm, name, type, style, sizeBytes, encrypted },
    aggregates: style === 'flexgroup' ? constituents.map(({ aggregate }) => aggregate) : parent.aggregates,
    junctionPath: body.text('nas.path'),
    settings: overlaid(parent.settings, settingsOf(body)),
  };
}

const making = later('volume: make', ({ cluster, facts, clone, policy, offline }: Making, job: Job) => {
  const { svm, name, style, junctionPath } = facts;
  if (cluster.findVolume(svm, name)) throw new Refusal('volumeNameInUse', { volume: name, svm: svm.name });
  if (junctionPath !== undefined) checkJunction(cluster, svm, name, junctionPath);
  const gradually = style === 'flexgroup' && !clone;
  const made = gradually ? makeFlexGroup(cluster, job, facts) : cluster.addVolume(facts);
  try {
    if (clone) becomeClone(cluster, made, clone);
  } catch (refusal) {
    cluster.removeVolume(made);
    throw refusal;
  }
  cluster.assignSnapshotPolicy(made, policy);
  job.made = made;
  if (offline) takeOffline(made);
});

interface Changing extends On {
  readonly body: Body;
  /** Aggregates of constituents to add. */
  readonly added: readonly Aggregate[];
  readonly split: boolean | undefined;
  readonly policy: SnapshotPolicy | undefined;
  readonly changed: Change;
}

const changing = later(
  'volume: change',
  ({ cluster, snapmirror, volume, body, added, split, policy, changed }: Changing, job: Job) => {
    if (!cluster.has(volume)) throw new Refusal('entryMissingInJob', { target: 'uuid' });
    checkChange({ cluster, snapmirror }, volume, body, changed);
    if (added.length > 0) volume.expand(cluster.newConstituents(added));
    cluster.renameVolume(volume, body.text('name') ?? volume.name);
    change(volume, body, changed);
    if (policy) cluster.assignSnapshotPolicy(volume, policy);
    if (split !== undefined) changeSplit({ cluster, snapmirror, volume }, split, job);
  },
);

const stateSettled = later('volume: state settled', ({ volume }: { readonly volume: SimulatedVolume }) => {
  volume.stateChanges--;
});

/** A volume that is online is taken offline first. */
const removing = later('volume: remove', ({ cluster, snapmirror, volume }: On) => {
  checkRemovable({ cluster, snapmirror }, volume);
  cluster.removeVolume(volume);
});

function checkRemovable({ cluster, snapmirror }: Omit<On, 'volume'>, volume: SimulatedVolume): void {
  const where = { volume: volume.name, svm: volume.svm.name };
  if (!cluster.has(volume)) throw new Refusal('entryMissingInJob', { target: 'uuid' });
  if (volume.isSvmRoot) throw new Refusal('rootVolumeKept', where);
  if (volume.junctionPath !== undefined) throw new Refusal('volumeMounted', { ...where, path: volume.junctionPath });
  const end = endOfRelationship(snapmirror, volume);
  if (end !== undefined) throw new Refusal('volumeInRelationship', { ...where, end });
  if (volume.clones.size > 0) throw new Refusal('volumeHasClones', { ...where, clones: namesOf(volume.clones) });
}

function namesOf(volumes: Iterable<SimulatedVolume>): string {
  return [...volumes].map(({ name }) => name).join(', ');
}

/** Asked for in the query or in the body; then nothing is changed. */
function validatesOnly(context: RequestContext, body: Body): boolean {
  return context.arguments.boolean('validate_only', false) || (body.boolean('validate_only') ?? false);
}

export function isVolumeName(name: string): boolean {
  return /^[A-Za-z_]\w{0,202}$/.test(name);
}

function checkName(name: string): void {
  if (!isVolumeName(name)) throw new Refusal('volumeNameInvalid', { value: name });
}

interface Change {
  readonly state: VolumeState | undefined;
  readonly sizeBytes: number | undefined;
}

function checkChange(
  { cluster, snapmirror }: Omit<On, 'volume'>,
  volume: SimulatedVolume,
  body: Body,
  { state, sizeBytes }: Change,
): void {
  const where = { volume: volume.name, svm: volume.svm.name };
  const name = body.text('name');
  if (name !== undefined && name !== volume.name && cluster.findVolume(volume.svm, name)) {
    throw new Refusal('volumeNameInUse', { volume: name, svm: volume.svm.name });
  }
  if (state !== undefined && state !== 'online') {
    const running = snapmirror.relationshipsOf(volume).some((known) => known.running !== undefined);
    if (running) throw new Refusal('volumeBusy', where);
    if (volume.isSvmRoot) throw new Refusal('rootVolumeKept', where);
  }
  const junctionPath = junctionPathOf(body);
  if (junctionPath) {
    if ((state ?? volume.state) !== 'online') throw new Refusal('volumeOffline', where);
    if (!volume.initialized) throw new Refusal('mountUninitialized', where);
    checkJunction(cluster, volume.svm, volume.name, junctionPath);
  }
  const used = volume.usedBytes();
  if (sizeBytes !== undefined && sizeBytes < used)
    throw new Refusal('volumeTooSmall', { size: sizeBytes, smallest: used });
}

function change(volume: SimulatedVolume, body: Body, { state, sizeBytes }: Change): void {
  const junctionPath = junctionPathOf(body);
  if (junctionPath !== undefined) volume.junctionPath = junctionPath === '' ? undefined : junctionPath;
  volume.state = state ?? volume.state;
  if (state === 'offline') takeOffline(volume);
  volume.sizeBytes = sizeBytes ?? volume.sizeBytes;
  volume.encrypted = body.boolean('encryption.enabled') ?? volume.encrypted;
  volume.settings = overlaid(volume.settings, settingsOf(body));
}

/** '' unmounts, and so does null. */
function junctionPathOf(body: Body): string | undefined {
  return body.isNull('nas.path') ? '' : body.text('nas.path');
}

function takeOffline(volume: SimulatedVolume): void {
  volume.state = 'offline';
  volume.junctionPath = undefined;
}

/** Has a meaning of its own. */
const MEANT = new Set([
  'name',
  'svm',
  'type',
  'style',
  'size',
  'aggregates',
  'constituents_per_aggregate',
  'state',
  'encryption',
  'clone',
  'snapshot_policy',
  'movement',
  'validate_only',
]);

/** What is kept as it was given. */
function settingsOf(body: Body): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body.tree).filter(([name, value]) => !MEANT.has(name) && value !== null));
}

/** What would have an effect on content or place, and has none here. */
const NOT_SIMULATED: Readonly<Record<string, string>> = {
  consistency_group: 'consistency groups',
  movement: 'volume moves',
  rebalancing: 'rebalancing',
  snaplock: 'SnapLock',
};

function refuseUnsimulated(body: Body): void {
  for (const [name, what] of Object.entries(NOT_SIMULATED)) {
    if (body.has(name)) throw new Refusal('notSimulated', { what });
  }
}

/** Fields that only a POST may give. */
const NOT_PATCHABLE = ['type', 'style', 'svm', 'language'];

/** Aggregates in a PATCH add constituents to a FlexGroup; they move no FlexVol. */
function addedAggregates(cluster: ClusterState, volume: SimulatedVolume, body: Body): readonly Aggregate[] {
  const given = ['aggregates', 'constituents_per_aggregate'].find((name) => body.has(name));
  if (given === undefined) return [];
  if (volume.style === 'flexvol') throw new Refusal('fieldNotPatchable', { name: given });
  return placementOf(body, aggregatesOf(cluster, body));
}

function constituentIsKept({ name, group }: Constituent): Refusal {
  return new Refusal('constituentKept', { volume: name, group: group.name });
}

function svmOf(context: RequestContext, body: Body): Svm {
  const { cluster, svm } = context;
  const name = body.text('svm.name');
  const uuid = body.text('svm.uuid');
  if (svm) {
    if ((name ?? svm.name) !== svm.name || (uuid ?? svm.uuid) !== svm.uuid) {
      throw new Refusal('bodySvmIsNotTunnelSvm', { value: name ?? uuid ?? '' });
    }
    return svm;
  }
  if (uuid === undefined) body.require('svm.name');
  const found = cluster.svms.find((known) => (uuid === undefined ? known.name === name : known.uuid === uuid));
  if (!found) throw new Refusal('svmUnknown', { svm: name ?? uuid ?? '' });
  return found;
}

function aggregatesOf(cluster: ClusterState, body: Body): Aggregate[] {
  const names = [...body.texts('aggregates.name'), ...body.texts('aggregates.uuid')];
  if (names.length === 0) throw new Refusal('requiredMissing', { name: 'aggregates.name' });
  return names.map((name) => {
    const found = cluster.aggregates.find((known) => known.name === name || known.uuid === name);
    if (!found) throw new Refusal('aggregateUnknown');
    return found;
  });
}

function checkJunction(cluster: ClusterState, svm: Svm, volume: string, path: string): void {
  if (!path.startsWith('/')) throw new Refusal('invalidValue', { value: path, name: 'nas.path', expected: '<path>' });
  const taken = [...cluster.volumes.values()].some(
    (other) => other.svm === svm && other.junctionPath === path && other.name !== volume,
  );
  if (taken) throw new Refusal('junctionInUse', { volume, svm: svm.name, path });
}

function endOfRelationship(snapmirror: SnapMirror, volume: SimulatedVolume): 'source' | 'destination' | undefined {
  for (const { source, destination, existsAtSource, existsAtDestination } of snapmirror.relationshipsOf(volume)) {
    if (source.volume === volume && existsAtSource) return 'source';
    if (destination.volume === volume && existsAtDestination) return 'destination';
  }
  return undefined;
}

/** Makes the destination that a relationship asks for with create_destination: of the geometry of its source. */
export function provisionDestination(
  cluster: ClusterState,
  svm: Svm,
  name: string,
  sizeBytes: number,
  source: SimulatedVolume,
): SimulatedVolume {
  if (cluster.findVolume(svm, name)) {
    throw new Refusal('destinationNotProvisioned', { reason: `volume ${svm.name}:${name} already exists` });
  }
  const { style } = source;
  const free = (aggregate: Aggregate) => aggregate.sizeBytes - cluster.usedBytes(aggregate);
  const roomiest = [...cluster.aggregates].sort((a, b) => free(b) - free(a));
  const wanted = Math.max(1, source.constituents.length);
  const roomy = roomiest.filter((aggregate) => free(aggregate) >= sizeBytes / wanted);
  if (roomy.length === 0) throw new Refusal('destinationHasNoSpace');
  const aggregates = placement(roomy, wanted).slice(0, wanted);
  return cluster.addVolume({ svm, name, type: 'dp', style, sizeBytes, aggregates });
}
