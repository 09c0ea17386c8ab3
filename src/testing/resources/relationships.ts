/** /snapmirror/relationships and their transfers: bodies and records; the rules are in ../snapmirror/operations.ts. */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import { type JsonTree, withoutAbsent } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { durationText, timeText } from '../http/time-text.ts';
import type { Job } from '../jobs.ts';
import { type Later, later } from '../later.ts';
import { NOT_NEGATIVE, Refusal, within } from '../refusals.ts';
import {
  abortTransfer,
  checkCreate,
  createRelationship,
  type DeleteScope,
  type NewRelationship,
  planChange,
  planDelete,
  type RelationshipChange,
  startTransfer,
} from '../snapmirror/operations.ts';
import type { Policy } from '../snapmirror/policies.ts';
import type { Relationship, RelationshipEnd, RelationshipLook, Transfer } from '../snapmirror/relationship.ts';
import type { Schedule } from '../snapmirror/schedules.ts';
import type { SnapMirror } from '../snapmirror/snapmirror.ts';
import type { Svm } from '../svm.ts';
import type { SimulatedVolume } from '../volume.ts';
import { requireLicense } from './licenses.ts';
import * as fields from './rest-fields.ts';
import { peeringFor } from './svms.ts';
import { isVolumeName, provisionDestination } from './volumes.ts';

const DELETE_FLAGS = ['destination_only', 'source_only', 'source_info_only'] as const;
const DEFAULT_POLICY = 'Asynchronous';

/** Owned by the destination cluster; the source cluster sees its half with list_destinations_only=true. */
export const relationshipResource: Resource<Relationship> = {
  path: '/snapmirror/relationships',
  schema: schema(fields.RELATIONSHIP),
  keys: ['uuid'],
  defaults: ['source.path', 'source.svm.name', 'destination.path', 'destination.svm.name'],
  expensive: [
    'source.consistency_group_volumes.name',
    'destination.consistency_group_volumes.name',
    'svmdr_volumes.name',
  ],
  arguments: {
    GET: ['list_destinations_only'],
    POST: ['validate_only'],
    PATCH: ['force', 'failback', 'failover', 'force-failover', 'validate_only', 'list_destinations_only'],
    DELETE: [...DELETE_FLAGS, 'delete_lun_maps_in_destination', 'unmap_namespace', 'list_destinations_only'],
  },
  valuesLeftToResource: ['state'],
  patchable: [
    'state',
    'source.path',
    'destination.path',
    'policy',
    'transfer_schedule',
    'throttle',
    'preserve',
    'quick_resync',
    'restore_to_snapshot',
    'recover_after_break',
  ],
  records: (context) => {
    const { cluster, snapmirror, svm } = context;
    const asOf = momentOf(context);
    const here = (end: RelationshipEnd) => end.cluster === cluster && (svm === undefined || end.volume.svm === svm);
    const asSource = listsDestinations(context);
    return snapmirror.relationships.filter((known) =>
      asSource ? here(known.source) && known.atSource(asOf) : here(known.destination) && known.atDestination(asOf),
    );
  },
  find: (context, key) => {
    const { cluster, snapmirror, svm } = context;
    const asOf = momentOf(context);
    const known = snapmirror.relationship(key);
    if (!known) return undefined;
    const here = (end: RelationshipEnd) => end.cluster === cluster && (svm === undefined || end.volume.svm === svm);
    const asSource = here(known.source) && known.atSource(asOf);
    const asDestination = here(known.destination) && known.atDestination(asOf);
    const sourceOnly = context.arguments.boolean('source_only', false) || listsDestinations(context);
    const either = context.arguments.boolean('source_info_only', false);
    return (sourceOnly ? asSource : asDestination || (either && asSource)) ? known : undefined;
  },
  key: ({ uuid }) => uuid,
  view: (relationship, context) =>
    listsDestinations(context) ? destinationView(relationship, context) : relationshipView(relationship, context),
  quick: quickRelationshipValues,

  post(context, body) {
    const { cluster, snapmirror } = context;
    const plan = planCreate(context, body);
    if (context.arguments.boolean('validate_only', false)) return { done: true };
    const job = cluster.startJob(context, creating({ snapmirror, plan }), plan.svm);
    const query = new URLSearchParams({ 'destination.path': body.text('destination.path') ?? '' });
    return {
      done: false,
      job,
      record: () => job.made as Relationship | undefined,
      location: `/snapmirror/relationships?${query}`,
    };
  },

  patch(context, relationship, body) {
    const { cluster } = context;
    const query = context.arguments;
    for (const name of ['failback', 'failover', 'force-failover']) {
      if (query.boolean(name, false)) throw new Refusal('notSimulated', { what: `${name}, for SVM relationships` });
    }
    if (body.has('source.path') || body.has('destination.path')) {
      throw new Refusal('notSimulated', { what: 'a reversal of a relationship by PATCH' });
    }
    const change: RelationshipChange = {
      state: body.text('state'),
      policy: policyOf(cluster, body, relationship.destination.volume.svm),
      schedule: body.isNull('transfer_schedule.name') ? null : scheduleOf(cluster, body, 'scheduleUnknownOnModify'),
      throttle: throttleOf(body),
      preserve: body.boolean('preserve'),
      quickResync: body.boolean('quick_resync'),
      restoreToSnapshot: body.text('restore_to_snapshot'),
      recoverAfterBreak: body.boolean('recover_after_break'),
      force: query.boolean('force', false),
    };
    const run = planChange(context.snapmirror, relationship, change);
    if (query.boolean('validate_only', false)) return { done: true };
    return { done: false, job: startBusyJob(context, relationship, run) };
  },

  remove(context, relationship) {
    const query = context.arguments;
    if (query.boolean('unmap_namespace', false)) throw new Refusal('unmapNotNvme');
    const [first, second] = DELETE_FLAGS.filter((name) => query.boolean(name, false));
    if (first && second) throw new Refusal('deleteFlagsConflict', { first, second });
    const scopes: Record<(typeof DELETE_FLAGS)[number], DeleteScope> = {
      destination_only: 'destination',
      source_only: 'source',
      source_info_only: 'source-info',
    };
    const scope = first === undefined ? 'both' : scopes[first];
    const run = planDelete(context.snapmirror, relationship, scope);
    return { done: false, job: startBusyJob(context, relationship, run) };
  },
};

export const transferResource: Resource<Transfer> = {
  path: '/snapmirror/relationships/{relationship.uuid}/transfers',
  schema: schema(fields.TRANSFER),
  keys: ['uuid', 'relationship.uuid'],
  valuesLeftToResource: ['state'],
  postable: ['throttle', 'source_snapshot', 'storage_efficiency_enabled'],
  patchable: ['state', 'throttle'],
  records: (context) => context.snapmirror.listed(relationshipOf(context)),
  key: ({ uuid }) => uuid,
  view: (transfer, context) => {
    const { uuid, destination } = relationshipOf(context);
    const now = context.cluster.physics.timeline.now;
    const { snapshot, error, endedAt } = transfer;
    const bytes = transfer.bytesAt(endedAt ?? now);
    return withoutAbsent({
      uuid: transfer.uuid,
      state: transfer.state,
      bytes_transferred: bytes,
      checkpoint_size: bytes,
      throttle: transfer.throttle,
      snapshot: snapshot?.name,
      total_duration: durationText(((endedAt ?? now) - transfer.startedAt) / 1000),
      end_time: endedAt === undefined ? undefined : timeText(endedAt),
      last_updated_time: endedAt === undefined ? timeText(now) : undefined,
      error_info: error && { code: error.code, message: error.message },
      relationship: {
        uuid,
        destination: { path: destination.volume.path, svm: { name: destination.volume.svm.name } },
      },
    });
  },

  post(context, body) {
    const relationship = relationshipOf(context);
    const transfer = startTransfer(context.snapmirror, relationship, {
      sourceSnapshot: body.text('source_snapshot'),
      throttle: throttleOf(body),
    });
    const location = `/snapmirror/relationships/${relationship.uuid}/transfers/${transfer.uuid}`;
    return { done: true, record: transfer, location };
  },

  patch(context, transfer, body) {
    body.require('state');
    abortTransfer(context.snapmirror, relationshipOf(context), transfer, body.text('state') ?? '');
    return { done: true };
  },
};

function throttleOf(body: Body): number | undefined {
  const throttle = body.number('throttle');
  return throttle === undefined ? undefined : within(throttle, 'throttle', NOT_NEGATIVE);
}

// ---- creating

interface CreatePlan {
  readonly svm: Svm;
  readonly initialize: boolean;
  readonly wanted: Omit<NewRelationship, 'destination'>;
  /** The destination, or how it is to be made. */
  readonly destination: RelationshipEnd | ProvisionPlan;
}

interface ProvisionPlan {
  readonly cluster: ClusterState;
  readonly name: string;
  readonly sizeBytes: number;
}

const creating = later(
  'relationship: create',
  ({ snapmirror, plan }: { readonly snapmirror: SnapMirror; readonly plan: CreatePlan }, job: Job) => {
    const { svm, wanted, destination: end, initialize } = plan;
    const { cluster } = end;
    const volume =
      'volume' in end ? end.volume : provisionDestination(cluster, svm, end.name, end.sizeBytes, wanted.source.volume);
    const made = createRelationship(snapmirror, { ...wanted, destination: { cluster, volume } });
    job.made = made;
    if (initialize) startTransfer(snapmirror, made, {});
  },
);

function planCreate(context: RequestContext, body: Body): CreatePlan {
  body.require('source.path', 'destination.path');
  for (const name of ['restore', 'identity_preservation', 'source.consistency_group_volumes']) {
    if (body.has(name)) throw new Refusal('notSimulated', { what: name });
  }
  const provisions = body.boolean('create_destination.enabled') ?? false;
  const { cluster, svm, volumeName } = destinationEnd(context, body, provisions);
  if (provisions && !isVolumeName(volumeName)) throw new Refusal('destinationNameInvalid', { volume: volumeName });
  const peers = sourceEnd(context, body, cluster, svm);
  const policy = policyOf(cluster, body, svm) ?? namedPolicy(cluster, DEFAULT_POLICY, svm);
  for (const end of [peers.cluster, cluster]) requireLicense(end, policy.sync ? 'snapmirror_sync' : 'snapmirror');
  if (body.isNull('transfer_schedule') || body.isNull('transfer_schedule.name'))
    throw new Refusal('scheduleNullOnCreate');
  const schedule = scheduleOf(cluster, body, 'scheduleUnknown');
  const state = body.text('state');
  if (state !== undefined && !provisions) throw new Refusal('stateNeedsCreateDestination');
  if (state !== undefined && state !== policy.targetState) throw new Refusal('stateNotAllowedOnCreate', { state });
  for (const name of ['throttle', 'backoff_level']) {
    if (provisions && body.has(name)) throw new Refusal('notWithCreateDestination', { name });
  }
  const wanted = { source: peers, policy, schedule, throttle: throttleOf(body) ?? 0 };
  const initialize = state !== undefined;
  if (provisions) {
    const size = body.number('create_destination.size') ?? peers.volume.sizeBytes;
    return { svm, initialize, wanted, destination: { cluster, name: volumeName, sizeBytes: size } };
  }
  const volume = cluster.findVolume(svm, volumeName);
  if (!volume) throw new Refusal('volumeMissing', { name: 'destination.path' });
  const destination = { cluster, volume };
  checkCreate(context.snapmirror, { ...wanted, destination });
  return { svm, initialize, wanted, destination };
}

/** `svm:volume`; other kinds of ends are not simulated. */
function splitPath(path: string, name: string): [svm: string, volume: string] {
  const colon = path.indexOf(':');
  if (colon < 0) throw new Refusal('pathWithoutColon', { path, name });
  const [svm, volume] = [path.slice(0, colon), path.slice(colon + 1)];
  if (volume === '' || volume.includes('/')) throw new Refusal('notSimulated', { what: `the end ${path}` });
  return [svm, volume];
}

/** On the cluster asked; only with create_destination it may be asked on the source cluster for a destination elsewhere. */
function destinationEnd(
  context: RequestContext,
  body: Body,
  provisions: boolean,
): { cluster: ClusterState; svm: Svm; volumeName: string } {
  const { cluster } = context;
  const [svmName, volumeName] = splitPath(body.text('destination.path') ?? '', 'destination.path');
  const local = cluster.svmNamed(svmName);
  if (local) {
    if (context.svm && context.svm !== local) throw new Refusal('bodySvmIsNotTunnelSvm', { value: svmName });
    return { cluster, svm: local, volumeName };
  }
  const peer = provisions ? cluster.svmPeers.find(({ alias }) => alias === svmName) : undefined;
  if (!peer) throw new Refusal('svmUnknown', { svm: svmName });
  return { cluster: peer.peerCluster, svm: peer.peerSvm, volumeName };
}

/** By the name that the source SVM has at the destination: its own, or the alias of its peering. */
function sourceEnd(context: RequestContext, body: Body, cluster: ClusterState, svm: Svm): RelationshipEnd {
  const [svmName, volumeName] = splitPath(body.text('source.path') ?? '', 'source.path');
  const asked = context.cluster;
  if (asked !== cluster) {
    const own = asked.svmNamed(svmName);
    const peering = own && asked.svmPeers.find((peer) => peer.svm === own && peer.peerSvm === svm);
    if (!own || peering?.state !== 'peered' || !peering.applications.includes('snapmirror')) {
      throw new Refusal('svmsNotPeered');
    }
    return found(asked, own, volumeName);
  }
  const local = cluster.svmNamed(svmName);
  if (local === svm) return found(cluster, svm, volumeName);
  const peering = peeringFor(cluster, svm, svmName);
  if (peering?.state !== 'peered' || !peering.applications.includes('snapmirror')) throw new Refusal('svmsNotPeered');
  const { peerCluster } = peering;
  if (!peerCluster.reaches(cluster)) {
    throw new Refusal('peerUnreachable', { cluster: peerCluster.name, node: peerCluster.firstNode });
  }
  return found(peerCluster, peering.peerSvm, volumeName);
}

function found(cluster: ClusterState, svm: Svm, name: string): RelationshipEnd {
  const volume = cluster.findVolume(svm, name);
  if (!volume) throw new Refusal('volumeMissing', { name: 'source.path' });
  return { cluster, volume };
}

function policyOf(cluster: ClusterState, body: Body, svm: Svm): Policy | undefined {
  const uuid = body.text('policy.uuid');
  if (uuid !== undefined) {
    const policy = cluster.policies.find((known) => known.uuid === uuid);
    if (!policy) throw new Refusal('policyUuidUnknown', { policy: uuid });
    return policy;
  }
  const name = body.text('policy.name');
  return name === undefined ? undefined : namedPolicy(cluster, name, svm);
}

/** A policy of the SVM is preferred to one of the cluster. */
function namedPolicy(cluster: ClusterState, name: string, svm: Svm): Policy {
  const named = cluster.policies.filter((known) => known.name === name);
  const policy = named.find((known) => known.svm === svm.name) ?? named.find((known) => known.svm === undefined);
  if (!policy) throw new Refusal('policyUnknown', { policy: name });
  return policy;
}

function scheduleOf(
  cluster: ClusterState,
  body: Body,
  refusal: 'scheduleUnknown' | 'scheduleUnknownOnModify',
): Schedule | undefined {
  const name = body.text('transfer_schedule.name');
  const uuid = body.text('transfer_schedule.uuid');
  if (name === undefined && uuid === undefined) return undefined;
  const schedule = cluster.schedules.find((known) => (uuid === undefined ? known.name === name : known.uuid === uuid));
  if (!schedule) throw new Refusal(refusal, { schedule: name ?? uuid ?? '' });
  if (schedule.type !== 'cron') throw new Refusal('scheduleNotCron', { schedule: schedule.name });
  return schedule;
}

/** While the job lasts, the relationship takes no other change. */
function startBusyJob(context: RequestContext, relationship: Relationship, run: Later<[job: Job]>) {
  const job = context.cluster.startJob(context, run, relationship.destination.volume.svm);
  relationship.busy = job;
  job.onEnd(free({ relationship }));
  return job;
}

const free = later('relationship: free', ({ relationship }: { readonly relationship: Relationship }) => {
  relationship.busy = undefined;
});

// ---- what is shown

/** What a read shows: all that is there, whatever time the clock was set to since; or what was there some time ago. */
function momentOf({ cluster, staleMs }: RequestContext): number {
  return staleMs === 0 ? Number.POSITIVE_INFINITY : cluster.physics.timeline.now - staleMs;
}

function listsDestinations(context: RequestContext): boolean {
  const asked = context.arguments.boolean('list_destinations_only', false);
  if (asked && context.tunnelled) throw new Refusal('destinationsNeedNoTunnel');
  return asked;
}

/** What either view has for the fields that others filter by. */
function quickRelationshipValues(
  relationship: Relationship,
  field: string,
  context: RequestContext,
): readonly unknown[] | undefined {
  const { source, destination } = relationship;
  const asSource = listsDestinations(context);
  const far = (end: RelationshipEnd, near: RelationshipEnd) =>
    farName(context.cluster, near.volume.svm, end.volume.svm);
  switch (field) {
    case 'uuid':
      return [relationship.uuid];
    case 'source.path':
      return [asSource ? source.volume.path : `${far(source, destination)}:${source.volume.name}`];
    case 'destination.path':
      return [asSource ? `${far(destination, source)}:${destination.volume.name}` : destination.volume.path];
    case 'source.svm.name':
      return [asSource ? source.volume.svm.name : far(source, destination)];
    case 'destination.svm.name':
      return [asSource ? far(destination, source) : destination.volume.svm.name];
  }
  if (asSource) return SOURCES_VIEW_LACKS.has(field) ? [] : undefined;
  const now = context.cluster.physics.timeline.now - context.staleMs;
  const moment = momentOf(context);
  const look = relationship.lookAt(moment);
  switch (field) {
    case 'state':
      return [look.state];
    case 'healthy':
      return [look.healthy];
    case 'policy.name':
      return [relationship.policy.name];
    case 'policy.type':
      return [relationship.policy.rules.type];
    case 'lag_time':
      return given(lagOf(relationship, look, context.cluster, now));
    case 'transfer.state':
      return given((look.running ?? look.lastEnded)?.stateAt(moment));
    default:
      return undefined;
  }
}

/** Of the fields below, those that list_destinations_only never shows. */
const SOURCES_VIEW_LACKS: ReadonlySet<string> = new Set(['state', 'healthy', 'lag_time', 'transfer.state']);

function given(value: unknown): readonly unknown[] {
  return value === undefined ? [] : [value];
}

/** The source's view knows the two ends and little else. */
function destinationView(relationship: Relationship, { cluster }: RequestContext): JsonTree {
  const { source, destination, policy } = relationship;
  return withoutAbsent({
    uuid: relationship.uuid,
    source: ownEnd(source.volume),
    destination: endSeenFrom(cluster, source.volume.svm, destination),
    policy: cluster.physics.switches.policyInDestinationsView === 'present' ? policyReference(policy) : undefined,
  });
}

/** Which field is there in which state: addendum section 2. */
function relationshipView(relationship: Relationship, context: RequestContext): JsonTree {
  const { cluster } = context;
  const { source, destination, schedule } = relationship;
  const now = cluster.physics.timeline.now - context.staleMs;
  const moment = momentOf(context);
  const look = relationship.lookAt(moment);
  const { state, running, lastEnded } = look;
  const shown = running ?? lastEnded;
  const ended = running === undefined && lastEnded?.endedAt !== undefined ? lastEnded : undefined;
  const moved = look.lastSucceededType !== undefined;
  return withoutAbsent({
    uuid: relationship.uuid,
    source: endSeenFrom(cluster, destination.volume.svm, source),
    destination: ownEnd(destination.volume),
    state,
    healthy: look.healthy,
    unhealthy_reason: look.healthy ? undefined : look.unhealthyReasons,
    policy: policyReference(relationship.policy),
    group_type: destination.volume.style === 'flexgroup' ? 'flexgroup' : 'none',
    throttle: relationship.throttle,
    transfer_schedule: schedule && { name: schedule.name, uuid: schedule.uuid },
    exported_snapshot: state === 'uninitialized' ? undefined : look.exported?.name,
    lag_time: lagOf(relationship, look, cluster, now),
    last_transfer_type: look.lastSucceededType,
    total_transfer_bytes: moved ? look.totalBytes : undefined,
    total_transfer_duration: moved ? durationText(look.totalMs / 1000) : undefined,
    transfer: shown && {
      state: shown.stateAt(moment),
      bytes_transferred: shown.bytesAt(running ? now : moment),
      uuid: running?.uuid,
      type: running?.type,
      last_updated_time: running && timeText(now),
      end_time: ended?.endedAt === undefined ? undefined : timeText(ended.endedAt),
      total_duration: ended?.endedAt === undefined ? undefined : durationText((ended.endedAt - ended.startedAt) / 1000),
    },
  });
}

function lagOf(
  relationship: Relationship,
  { state, exported }: RelationshipLook,
  { physics }: ClusterState,
  now: number,
): string | undefined {
  const { switches } = physics;
  const since = (createdAt: number) => durationText((now - createdAt) / 1000);
  if (state === 'uninitialized') {
    const oldest = relationship.source.volume.snapshotInfos()[0];
    return switches.lagWhenUninitialized === 'present' && oldest ? since(oldest.createdAt) : undefined;
  }
  if (state === 'in_sync' || !exported) return undefined;
  if (state === 'broken_off' && switches.lagWhenBrokenOff === 'absent') return undefined;
  return since(exported.createdAt);
}

function policyReference({ name, uuid, rules }: Policy): JsonTree {
  return { name, uuid, type: rules.type };
}

function ownEnd(volume: SimulatedVolume): JsonTree {
  return { path: volume.path, svm: { name: volume.svm.name, uuid: volume.svm.uuid } };
}

/** What an SVM is called by those who are its peers. */
function farName(cluster: ClusterState, nearSvm: Svm, farSvm: Svm): string {
  return cluster.svmPeers.find((peer) => peer.svm === nearSvm && peer.peerSvm === farSvm)?.alias ?? farSvm.name;
}

/** The far end under its local name, with its cluster only if that is another one. */
function endSeenFrom(cluster: ClusterState, nearSvm: Svm, { cluster: far, volume }: RelationshipEnd): JsonTree {
  const name = farName(cluster, nearSvm, volume.svm);
  return {
    path: `${name}:${volume.name}`,
    svm: { name, uuid: volume.svm.uuid },
    ...(far === cluster ? {} : { cluster: { name: far.name, uuid: far.uuid } }),
  };
}

function relationshipOf({ cluster, snapmirror, svm, path }: RequestContext): Relationship {
  const relationship = snapmirror.relationship(path['relationship.uuid'] ?? '');
  const seen =
    relationship?.existsAtDestination &&
    relationship.destination.cluster === cluster &&
    (svm === undefined || relationship.destination.volume.svm === svm);
  if (!relationship || !seen) throw new Refusal('entryMissing', { target: 'relationship.uuid' });
  return relationship;
}
