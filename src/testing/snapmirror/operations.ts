/**
 * What may be done to a SnapMirror relationship, when, and what it does: ONTAP's rules, one function an operation, each
 * with its facts (rest-facts section 2.2 and addendum section 4 unless said otherwise).
 */
import type { ClusterState } from '../cluster-state.ts';
import { type Job, jobError } from '../jobs.ts';
import { type Later, later, nothing } from '../later.ts';
import { Refusal, type RefusalName } from '../refusals.ts';
import type { SimulatedVolume } from '../volume.ts';
import type { Policy } from './policies.ts';
import {
  RELATIONSHIP_STATES,
  Relationship,
  type RelationshipState,
  type Transfer,
  type TransferType,
} from './relationship.ts';
import type { Schedule } from './schedules.ts';
import { type SnapMirror, TRANSFER_ERRORS, type TransferOptions } from './snapmirror.ts';

const IN_PROGRESS = 'Another transfer is in progress';
const NO_COMMON_SNAPSHOT = 'No common Snapshot copy found between the source and destination volumes';
const UNREACHABLE = 'Failed to contact the peer cluster';
/** The words that others know it by: rest-facts section 3, create_snapmirror. */
const geometryChange = ({ destination }: Relationship) =>
  `Geometry of the destination FlexGroup volume "${destination.volume.path}" has been changed since the SnapMirror relationship was created`;

// ---- create

export interface NewRelationship {
  readonly source: { readonly cluster: ClusterState; readonly volume: SimulatedVolume };
  readonly destination: { readonly cluster: ClusterState; readonly volume: SimulatedVolume };
  readonly policy: Policy;
  readonly schedule: Schedule | undefined;
  readonly throttle: number;
}

/** Refuses what cannot become a relationship; returns the state in which it will begin. */
export function checkCreate(snapmirror: SnapMirror, wanted: NewRelationship): RelationshipState {
  const { source, destination, policy, throttle } = wanted;
  const { path } = destination.volume;
  if (source.volume === destination.volume) throw new Refusal('sameVolume');
  if (destinationOf(snapmirror, destination.volume)) throw new Refusal('relationshipExists', { path });
  if (policy.rules.type === 'continuous') throw new Refusal('policyUnsuitable');
  if (policy.sync && throttle > 0) throw new Refusal('throttleOnSync');
  checkGeometry(source.volume, destination.volume);
  if (policy.sync && source.volume.style === 'flexgroup') throw new Refusal('policyUnsuitable');
  if (destination.volume.type === 'dp') return 'uninitialized';
  const related = snapmirror.commonSnapshot(source.volume, destination.volume) !== undefined;
  if (snapmirror.physics.switches.createOntoReadWrite === 'refused' || !related)
    throw new Refusal('destinationNotDp', { path });
  return 'broken_off';
}

/** What is still being made has no geometry to compare: that shows when it is to be initialised. */
function checkGeometry(source: SimulatedVolume, destination: SimulatedVolume): void {
  if (source.style !== destination.style) {
    throw new Refusal('stylesDiffer', { source: source.style, destination: destination.style });
  }
  const [one, other] = [source.constituents.length, destination.constituents.length];
  if (one !== other && destination.state !== 'mixed') {
    throw new Refusal('geometryDiffers', { source: one, destination: other });
  }
}

export function createRelationship(snapmirror: SnapMirror, wanted: NewRelationship): Relationship {
  const state = checkCreate(snapmirror, wanted);
  const { source, destination, policy } = wanted;
  const relationship = new Relationship({
    uuid: snapmirror.physics.random.uuid(),
    source,
    destination,
    policy,
    state,
    createdAt: snapmirror.physics.timeline.now,
  });
  relationship.schedule = wanted.schedule;
  relationship.throttle = wanted.throttle;
  if (state === 'broken_off') relationship.exported = snapmirror.commonSnapshot(source.volume, destination.volume);
  snapmirror.add(relationship);
  snapmirror.scheduleNext(relationship);
  return relationship;
}

/** The relationship whose destination a volume is. */
export function destinationOf(snapmirror: SnapMirror, volume: SimulatedVolume): Relationship | undefined {
  return snapmirror
    .relationshipsOf(volume)
    .find((known) => known.destination.volume === volume && known.existsAtDestination);
}

// ---- PATCH

export interface RelationshipChange {
  readonly state?: string | undefined;
  readonly policy?: Policy | undefined;
  /** Null takes the schedule away. */
  readonly schedule?: Schedule | null | undefined;
  readonly throttle?: number | undefined;
  readonly preserve?: boolean | undefined;
  readonly quickResync?: boolean | undefined;
  readonly restoreToSnapshot?: string | undefined;
  readonly recoverAfterBreak?: boolean | undefined;
  /** Overrides what can be overridden: that a break wants to reach the source. */
  readonly force: boolean;
}

/** What a change does: run when its job's time has come. */
type Work = Later<[job: Job]>;

/** What most of that work is done on. */
interface On {
  readonly snapmirror: SnapMirror;
  readonly relationship: Relationship;
}

/** Checks the change as a whole and returns the work that makes it. The meaning of `state` depends on the state it is in. */
export function planChange(snapmirror: SnapMirror, relationship: Relationship, change: RelationshipChange): Work {
  checkFlags(change);
  if (relationship.busy) throw new Refusal('modificationInProgress', { path: relationship.destination.volume.path });
  checkAttributes(relationship, change);
  const transition =
    change.state === undefined ? undefined : planTransition(snapmirror, relationship, change, change.state);
  return changing({ snapmirror, relationship, change, transition });
}

type OnChange = On & { readonly change: RelationshipChange };

const changing = later(
  'relationship: change',
  (
    { snapmirror, relationship, change, transition }: OnChange & { readonly transition: Work | undefined },
    job: Job,
  ) => {
    applyAttributes(snapmirror, relationship, change);
    try {
      transition?.(job);
    } catch (refusal) {
      if (!(refusal instanceof Refusal) || !changesAttributes(change)) throw refusal;
      throw new Refusal('attributesChangedOnly', { reason: refusal.message });
    }
  },
);

function changesAttributes({ policy, schedule, throttle }: RelationshipChange): boolean {
  return policy !== undefined || schedule !== undefined || throttle !== undefined;
}

function checkFlags({ state, preserve, quickResync, restoreToSnapshot, recoverAfterBreak }: RelationshipChange): void {
  const mirrors = state === 'snapmirrored' || state === 'in_sync';
  const check = (given: unknown, name: string, fits: boolean, refusal: RefusalName) => {
    if (given === undefined) return;
    if (state === undefined) throw new Refusal('flagNeedsState', { name });
    if (!fits) throw new Refusal(refusal, { name });
  };
  check(preserve, 'preserve', mirrors, 'flagOnlyWhenMirroring');
  check(quickResync, 'quick_resync', mirrors, 'flagOnlyWhenMirroring');
  check(restoreToSnapshot, 'restore_to_snapshot', state === 'broken_off', 'flagOnlyWhenBreaking');
  check(recoverAfterBreak, 'recover_after_break', state === 'broken_off', 'flagOnlyWhenBreaking');
}

function checkAttributes(relationship: Relationship, { policy, throttle }: RelationshipChange): void {
  const current = relationship.policy;
  if (policy && (policy.rules.type !== current.rules.type || policy.automatedFailover !== current.automatedFailover)) {
    throw new Refusal('policyChangeUnsuitable');
  }
  if (throttle !== undefined && throttle > 0 && current.sync) throw new Refusal('throttleOnSync');
}

function applyAttributes(snapmirror: SnapMirror, relationship: Relationship, change: RelationshipChange): void {
  if (change.policy) relationship.policy = change.policy;
  if (change.schedule !== undefined) relationship.schedule = change.schedule ?? undefined;
  if (change.throttle !== undefined) relationship.throttle = change.throttle;
  if (change.policy || change.schedule !== undefined) snapmirror.scheduleNext(relationship);
}

function planTransition(
  snapmirror: SnapMirror,
  relationship: Relationship,
  change: RelationshipChange,
  wanted: string,
): Work {
  const known: readonly string[] = RELATIONSHIP_STATES;
  const { policy } = relationship;
  if (!known.includes(wanted)) throw new Refusal('stateUnknown');
  switch (wanted) {
    case 'paused':
      return planPause(snapmirror, relationship);
    case 'broken_off':
      return planBreak(snapmirror, relationship, change);
    case 'snapmirrored':
    case 'in_sync':
      if (wanted === 'in_sync' && !policy.sync) throw new Refusal('stateInvalidForAsync', { state: wanted });
      if (wanted === 'snapmirrored' && policy.sync) throw new Refusal('stateInvalid', { state: wanted });
      return planMirroring(snapmirror, relationship, change);
    case 'uninitialized':
      throw new Refusal('stateInvalid', { state: wanted });
    default:
      throw new Refusal('stateTransient', { state: wanted });
  }
}

/** The target state: from uninitialized it initialises, from paused it resumes, from broken_off it resyncs. */
function planMirroring(snapmirror: SnapMirror, relationship: Relationship, change: RelationshipChange): Work {
  switch (relationship.state) {
    case 'uninitialized':
      return initializing({ snapmirror, relationship });
    case 'paused':
      return resuming({ snapmirror, relationship });
    case 'broken_off':
      return resyncing({ snapmirror, relationship, preserve: change.preserve ?? false });
    default:
      if (relationship.pausing) return resuming({ snapmirror, relationship });
      // A resync that runs shows snapmirrored, by switch: it is no relationship in its target state.
      if (relationship.running?.type === 'resync') throw new Refusal('resyncFailed', { reason: IN_PROGRESS });
      throw new Refusal('alreadyInitialized');
  }
}

const initializing = later('relationship: initialize', ({ snapmirror, relationship }: On, job: Job) => {
  if (relationship.running) throw new Refusal('initializeFailed', { reason: IN_PROGRESS });
  if (relationship.geometryChanged) throw new Refusal('initializeFailed', { reason: geometryChange(relationship) });
  snapmirror.start(relationship, 'initialize');
  if (snapmirror.physics.switches.transferJob === 'waits')
    endWithTransfer(snapmirror, relationship, job, 'initializeFailed');
});

/** No transfer at once: the next is that of the schedule. A sync relationship catches up by itself. */
const resuming = later('relationship: resume', ({ snapmirror, relationship }: On) => {
  if (relationship.pausing) {
    relationship.pausing = false;
    return;
  }
  const { source, destination, policy } = relationship;
  if (policy.sync && !source.cluster.reaches(destination.cluster)) {
    throw new Refusal('resumeFailed', { reason: UNREACHABLE });
  }
  relationship.setState(policy.targetState, snapmirror.physics.timeline.now);
  if (policy.sync) snapmirror.replicate(relationship);
});

/**
 * The destination goes back to the newest snapshot that both have, by uuid: what was written to it since is DISCARDED,
 * newer snapshots too unless they are to be preserved. Then it follows the source again.
 */
const resyncing = later('relationship: resync', (on: On & { readonly preserve: boolean }, job: Job) => {
  const { snapmirror, relationship, preserve } = on;
  const { source, destination } = relationship;
  if (relationship.running) throw new Refusal('resyncFailed', { reason: IN_PROGRESS });
  if (relationship.geometryChanged) throw new Refusal('resyncFailed', { reason: geometryChange(relationship) });
  if (!source.cluster.reaches(destination.cluster)) throw new Refusal('resyncFailed', { reason: UNREACHABLE });
  const usable = source.cluster.has(source.volume) && source.volume.state === 'online';
  const common = usable ? snapmirror.commonSnapshot(source.volume, destination.volume) : undefined;
  if (!common) throw new Refusal('resyncFailed', { reason: NO_COMMON_SNAPSHOT });
  const { volume } = destination;
  const here = volume.snapshotByUuid(common.uuid) ?? common;
  const all = volume.snapshotInfos();
  const newer = all.slice(all.findIndex(({ uuid }) => uuid === here.uuid) + 1);
  const cloned = preserve ? undefined : newer.find(({ uuid }) => volume.sharesSnapshot(uuid));
  if (cloned) {
    throw new Refusal('resyncFailed', { reason: `Snapshot copy "${cloned.name}" is in use by a FlexClone volume` });
  }
  volume.type = 'dp';
  volume.content.restoreSnapshot(here.name);
  for (const { name, uuid } of preserve ? [] : newer) {
    if (!snapmirror.isBase(volume, uuid) || uuid === relationship.exported?.uuid) volume.content.deleteSnapshot(name);
  }
  relationship.exported = here;
  if (snapmirror.physics.switches.resyncShows === 'snapmirrored' && !relationship.policy.sync) {
    relationship.setState('snapmirrored', snapmirror.physics.timeline.now);
  }
  snapmirror.start(relationship, 'resync');
  relationship.onTransferEnd(writableAgain({ snapmirror, relationship }));
  if (snapmirror.physics.switches.transferJob !== 'ends-when-started')
    endWithTransfer(snapmirror, relationship, job, 'resyncFailed');
});

/** A resync that did not end well leaves what was broken off before as it was. */
const writableAgain = later('relationship: writable again', ({ relationship }: On, { state }: Transfer) => {
  if (state !== 'success' && relationship.state === 'broken_off') relationship.destination.volume.type = 'rw';
});

function endWithTransfer(snapmirror: SnapMirror, relationship: Relationship, job: Job, refusal: RefusalName): void {
  job.goOn();
  relationship.onTransferEnd(endingWithTransfer({ snapmirror, job, refusal }));
}

type OnJob = Pick<On, 'snapmirror'> & { readonly job: Job };

const endingWithTransfer = later(
  'job: end with its transfer',
  ({ snapmirror, job, refusal }: OnJob & { readonly refusal: RefusalName }, { state, error }: Transfer) => {
    const { timeline, switches } = snapmirror.physics;
    if (state === 'success') job.succeed(timeline.now);
    else job.fail(timeline.now, jobError(new Refusal(refusal, { reason: error?.message ?? state }), switches));
  },
);

/** A running transfer goes on to its end; then the state is `paused`. Until then the state stays as it was. */
function planPause(snapmirror: SnapMirror, relationship: Relationship): Work {
  const { state, policy } = relationship;
  if (policy.automatedFailover) throw new Refusal('automatedFailoverState', { state: 'paused' });
  if (state === 'paused') return nothing({});
  if (!['snapmirrored', 'in_sync', 'out_of_sync', 'synchronizing'].includes(state)) {
    if (relationship.running) throw new Refusal('pauseWhileInitializing');
    throw new Refusal('pauseNotInThisState', { state });
  }
  return pausing({ snapmirror, relationship });
}

const pausing = later('relationship: pause', ({ snapmirror, relationship }: On, job: Job) => {
  const { timeline, switches } = snapmirror.physics;
  if (relationship.policy.sync) {
    const { source, destination } = relationship;
    if (!source.cluster.reaches(destination.cluster)) throw new Refusal('pauseFailed', { reason: UNREACHABLE });
    if (relationship.dirty) snapmirror.replicate(relationship);
    if (relationship.running) snapmirror.end(relationship, 'aborted', TRANSFER_ERRORS.aborted);
  }
  if (!relationship.running) {
    relationship.setState('paused', timeline.now);
    return;
  }
  relationship.pausing = true;
  if (switches.pauseJob === 'ends-at-once') return;
  job.goOn();
  relationship.onTransferEnd(drained({ snapmirror, job }));
  timeline.after(switches.quiesceTimeoutMs, timingOut({ snapmirror, job }));
});

const drained = later('job: drained', ({ snapmirror, job }: OnJob) => job.succeed(snapmirror.physics.timeline.now));

const timingOut = later('job: quiesce timeout', ({ snapmirror, job }: OnJob) => {
  const { timeline, switches } = snapmirror.physics;
  if (!job.ended) job.fail(timeline.now, jobError(new Refusal('quiesceTimedOut'), switches));
});

/** The destination becomes writable at the exported snapshot, or at another one it has. The source is not needed. */
function planBreak(snapmirror: SnapMirror, relationship: Relationship, change: RelationshipChange): Work {
  const { state, policy, source, destination } = relationship;
  const { switches } = snapmirror.physics;
  if (policy.automatedFailover) throw new Refusal('automatedFailoverState', { state: 'broken_off' });
  if (state === 'uninitialized') {
    if (relationship.running) throw new Refusal('breakFailed', { reason: IN_PROGRESS });
    throw new Refusal('breakUninitialized', { code: switches.breakUninitializedCode });
  }
  if (state === 'broken_off' && !relationship.running) {
    if (switches.breakWhenBroken === 'accepted') return nothing({});
    throw new Refusal('breakFailed', { reason: 'The relationship is already broken off' });
  }
  if (switches.breakContactsSource === 'always' && !change.force && !source.cluster.reaches(destination.cluster)) {
    throw new Refusal('peerUnreachable', { cluster: source.cluster.name, node: source.cluster.firstNode });
  }
  return breaking({ snapmirror, relationship, change });
}

const breaking = later('relationship: break', ({ snapmirror, relationship, change }: OnChange) => {
  if (relationship.running) throw new Refusal('breakFailed', { reason: IN_PROGRESS });
  const { volume } = relationship.destination;
  const snapshot = change.restoreToSnapshot;
  if (snapshot !== undefined && !volume.snapshotInfos().some(({ name }) => name === snapshot)) {
    throw new Refusal('breakFailed', { reason: `Snapshot "${snapshot}" does not exist on the destination volume` });
  }
  if (relationship.dirty) snapmirror.replicate(relationship);
  if (snapshot !== undefined) volume.content.restoreSnapshot(snapshot);
  volume.type = 'rw';
  relationship.checkpoint = undefined;
  relationship.pausing = false;
  relationship.setState('broken_off', snapmirror.physics.timeline.now);
});

// ---- transfers

/** POST .../transfers: initialises what is uninitialized, updates what mirrors. */
export function startTransfer(snapmirror: SnapMirror, relationship: Relationship, options: TransferOptions): Transfer {
  const { state, policy, running, pausing, source, destination } = relationship;
  if (relationship.busy) throw new Refusal('stateBeingPropagated');
  if (options.throttle !== undefined && options.throttle > 0 && policy.sync) throw new Refusal('throttleOnSync');
  const type: TransferType = state === 'uninitialized' ? 'initialize' : 'update';
  const failed: RefusalName = type === 'initialize' ? 'initializeTransferFailed' : 'updateFailed';
  if (running) throw new Refusal(failed, { reason: IN_PROGRESS });
  if (relationship.geometryChanged) throw new Refusal(failed, { reason: geometryChange(relationship) });
  if (type === 'update') {
    if (policy.sync) throw new Refusal(failed, { reason: 'The relationship is synchronous' });
    if (pausing || state === 'paused') throw new Refusal(failed, { reason: 'The relationship is quiesced' });
    if (state !== 'snapmirrored')
      throw new Refusal(failed, { reason: 'The destination volume is not a mirror (broken off)' });
  }
  const { sourceSnapshot } = options;
  if (sourceSnapshot !== undefined && source.cluster.reaches(destination.cluster)) {
    const all = source.volume.snapshotInfos();
    const at = all.findIndex(({ name }) => name === sourceSnapshot);
    if (at < 0) throw new Refusal('sourceSnapshotMissing', { snapshot: sourceSnapshot });
    if (type === 'update' && at <= all.findIndex(({ uuid }) => uuid === relationship.exported?.uuid)) {
      const reason = 'The specified Snapshot copy is older than the base Snapshot copy on source volume';
      throw new Refusal(failed, { reason });
    }
  }
  return snapmirror.start(relationship, type, options);
}

/** PATCH of a transfer. `aborted` keeps a checkpoint, `hard_aborted` does not; the relationship's state stays. */
export function abortTransfer(
  snapmirror: SnapMirror,
  relationship: Relationship,
  transfer: Transfer,
  state: string,
): void {
  if (state !== 'aborted' && state !== 'hard_aborted') throw new Refusal('transferStateInvalid', { state });
  if (relationship.policy.sync) throw new Refusal('abortOfSync');
  if (relationship.running !== transfer) throw new Refusal('entryMissing', { target: 'uuid' });
  snapmirror.end(relationship, state, TRANSFER_ERRORS.aborted);
}

// ---- DELETE

export type DeleteScope = 'both' | 'destination' | 'source' | 'source-info';

/**
 * Plans the deletion of one half or both. `both` and `destination` are asked on the destination cluster, `source` on the
 * source cluster, `source-info` on either.
 */
export function planDelete(snapmirror: SnapMirror, relationship: Relationship, scope: DeleteScope): Work {
  const { path } = relationship.destination.volume;
  if (relationship.busy) throw new Refusal('modificationInProgress', { path });
  return deleting({ snapmirror, relationship, scope });
}

const deleting = later(
  'relationship: delete',
  ({ snapmirror, relationship, scope }: On & { readonly scope: DeleteScope }) => {
    const { source, destination } = relationship;
    const { path } = destination.volume;
    if (relationship.running) throw new Refusal('deleteWhileTransferring', { path });
    const reachable = source.cluster.reaches(destination.cluster);
    if (scope === 'both') {
      if (!reachable) throw new Refusal('releaseFailed', { reason: UNREACHABLE });
      deleteHalf(snapmirror, relationship, 'destination');
      deleteHalf(snapmirror, relationship, 'source');
      snapmirror.deleteOwnSnapshots(relationship, destination.volume);
      snapmirror.deleteOwnSnapshots(relationship, source.volume);
    } else if (scope === 'destination') deleteHalf(snapmirror, relationship, 'destination');
    else {
      if (scope === 'source' && relationship.existsAtDestination && reachable) {
        throw new Refusal('releaseFailed', { reason: 'The relationship still exists on the destination' });
      }
      if (!relationship.existsAtSource) throw new Refusal('entryMissingInJob', { target: 'uuid' });
      deleteHalf(snapmirror, relationship, 'source');
      if (scope === 'source') snapmirror.deleteOwnSnapshots(relationship, source.volume);
    }
  },
);

function deleteHalf(snapmirror: SnapMirror, relationship: Relationship, half: 'source' | 'destination'): void {
  const { now } = snapmirror.physics.timeline;
  if (half === 'source') relationship.goneFromSource ??= now;
  else {
    relationship.goneFromDestination ??= now;
    relationship.cancelSchedule();
  }
  if (!relationship.existsAtSource && !relationship.existsAtDestination) snapmirror.forgetLater(relationship);
}
