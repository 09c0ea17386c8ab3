/**
 * SnapMirror transfers: which snapshots are carried, how long it takes, what the destination is afterwards, what is kept.
 * The destination's content changes only when a transfer ends well (rest-facts section 2; addendum sections 2 and 4).
 */
import { transferFrom, type VolumeTransfer } from '../../core/wafl/transfer.ts';
import type { SnapshotInfo } from '../../core/wafl/view.ts';
import { VolumeModelError } from '../../errors.ts';
import type { ClusterState } from '../cluster-state.ts';
import type { FaultOf } from '../faults.ts';
import { later, nothing } from '../later.ts';
import type { Physics } from '../physics.ts';
import type { SimulatedVolume } from '../volume.ts';
import {
  type Relationship,
  Transfer,
  type TransferError,
  type TransferState,
  type TransferType,
} from './relationship.ts';

type TransferFault = FaultOf<'transfer-stalls' | 'transfer-fails' | 'transfer-aborted'>;

export interface TransferOptions {
  /** Name of a snapshot of the source to transfer, instead of a new one. */
  readonly sourceSnapshot?: string | undefined;
  /** Kilobytes per second; default the relationship's. */
  readonly throttle?: number | undefined;
}

export const TRANSFER_ERRORS = {
  aborted: { code: 6620046, message: 'Transfer aborted' },
  unreachable: { code: 262224, message: 'Failed to contact peer cluster. RPC: Remote system error' },
  interrupted: { code: 6620045, message: 'Transfer failed: the connection to the peer cluster was lost' },
  offline: { code: 6620048, message: 'Transfer failed: a volume is offline' },
  noBase: { code: 6620049, message: 'Transfer failed: the base Snapshot copy is no longer on the source volume' },
  noSnapshot: { code: 6620050, message: 'Failed to create Snapshot copy' },
  missing: { code: 6620044, message: 'Transfer failed: the source volume does not exist' },
  scripted: { code: 6620047, message: 'Transfer failed' },
} as const satisfies Record<string, TransferError>;

const SCHEDULED_UPDATE_DELAYED =
  'Scheduled update was delayed because another SnapMirror operation for the relationship is in progress';
/** Even nothing takes a moment. */
const SHORTEST_TRANSFER_MS = 1000;
/** How long a destination tries to reach a source that is not there. */
const CONTACT_TIMEOUT_MS = 10_000;
const FORGOTTEN_AFTER_MS = 3_600_000;
const HISTORY_KEPT_MS = 24 * 3_600_000;
/** So many of SnapMirror's own snapshots stay at the destination: rule sm_created:1. */
const OWN_SNAPSHOTS_KEPT = 1;

export class SnapMirror {
  readonly physics: Physics;
  private readonly byUuid = new Map<string, Relationship>();
  private readonly byVolume = new Map<SimulatedVolume, Set<Relationship>>();
  private readonly armed: { readonly cluster: ClusterState; readonly fault: TransferFault }[] = [];

  constructor(physics: Physics) {
    this.physics = physics;
  }

  /** All of the world, those too that are gone and only seen by reads that lag behind. Each is stored once. */
  get relationships(): Relationship[] {
    return [...this.byUuid.values()];
  }

  relationship(uuid: string): Relationship | undefined {
    return this.byUuid.get(uuid);
  }

  /** Those that have the volume at one of their ends. */
  relationshipsOf(volume: SimulatedVolume): readonly Relationship[] {
    return [...(this.byVolume.get(volume) ?? [])];
  }

  add(relationship: Relationship): void {
    this.byUuid.set(relationship.uuid, relationship);
    for (const { volume } of [relationship.source, relationship.destination]) {
      const known = this.byVolume.get(volume) ?? new Set();
      this.byVolume.set(volume, known.add(relationship));
    }
  }

  /** Starts a transfer. The caller has checked that the relationship may have one. */
  start(relationship: Relationship, type: TransferType, options: TransferOptions = {}): Transfer {
    const { timeline } = this.physics;
    const resumes = relationship.checkpoint;
    const { parts, obstacle } = this.prepared(relationship, type, options.sourceSnapshot);
    const throttle = options.throttle ?? (relationship.throttle || (relationship.policy.rules.throttle ?? 0));
    const rate = this.physics.transferRate;
    const transfer = new Transfer({
      uuid: this.physics.random.uuid(),
      type,
      startedAt: timeline.now,
      parts,
      throttle,
      bytesPerSecond: throttle === 0 ? rate : Math.min(rate, throttle * 1024),
      resumedBytes: resumes && parts.some(({ snapshot }) => snapshot.uuid === resumes.snapshot) ? resumes.bytes : 0,
    });
    transfer.exportedBefore = relationship.exported;
    relationship.running = transfer;
    if (!obstacle) relationship.checkpoint = undefined;
    const scripted = this.takeFault(relationship);
    if (obstacle) {
      const afterMs = obstacle === TRANSFER_ERRORS.unreachable ? CONTACT_TIMEOUT_MS : SHORTEST_TRANSFER_MS;
      transfer.cancel = timeline.after(afterMs, failing({ snapmirror: this, relationship, error: obstacle }));
      return transfer;
    }
    const leftMs = ((transfer.totalBytes - transfer.resumedBytes) / transfer.bytesPerSecond) * 1000;
    const durationMs = Math.max(SHORTEST_TRANSFER_MS, Math.ceil(leftMs));
    if (scripted?.kind === 'transfer-aborted') {
      transfer.cancel = timeline.after(durationMs / 2, aborting({ snapmirror: this, relationship }));
    } else if (scripted?.kind === 'transfer-fails') {
      const error = { ...TRANSFER_ERRORS.scripted, ...(scripted.message ? { message: scripted.message } : {}) };
      transfer.cancel = timeline.after(durationMs / 2, failing({ snapmirror: this, relationship, error }));
    } else if (scripted?.kind !== 'transfer-stalls') {
      transfer.cancel = timeline.after(durationMs, completing({ snapmirror: this, relationship, transfer }));
    }
    return transfer;
  }

  /** Ends the running transfer without its effect; all but a hard abort leave a checkpoint. */
  end(
    relationship: Relationship,
    state: Exclude<TransferState, 'transferring' | 'success'>,
    error: TransferError,
  ): void {
    const transfer = relationship.running;
    if (!transfer) return;
    const bytes = transfer.bytesAt(this.physics.timeline.now);
    if (state === 'hard_aborted') this.dropUnusedSnapshot(relationship, transfer);
    else if (transfer.snapshot) relationship.checkpoint = { snapshot: transfer.snapshot.uuid, bytes };
    relationship.healthy = false;
    relationship.unhealthyReasons = [{ code: String(error.code), message: error.message }];
    if (relationship.state === 'synchronizing') relationship.setState('out_of_sync', this.physics.timeline.now);
    this.finish(relationship, transfer, state, error);
  }

  /** The newest snapshot that both volumes have. */
  commonSnapshot(source: SimulatedVolume, destination: SimulatedVolume): SnapshotInfo | undefined {
    const there = new Set(destination.snapshotInfos().map(({ uuid }) => uuid));
    return source.snapshotInfos().findLast(({ uuid }) => there.has(uuid));
  }

  /** Brings a sync relationship's destination up to the source, in no time; what prevents that takes it out of sync. */
  replicate(relationship: Relationship): void {
    const { parts, obstacle } = this.prepared(relationship, 'update', undefined);
    if (obstacle) {
      this.fallOutOfSync(relationship, obstacle);
      return;
    }
    relationship.dirty = false;
    this.apply(relationship, parts);
    this.prune(relationship);
  }

  /** Why hosts may not write to a volume: with StrictSync, because its mirror cannot follow. */
  writesRefused(volume: SimulatedVolume): string | undefined {
    const strict = this.relationshipsOf(volume).find(
      ({ source, policy, state }) =>
        source.volume === volume &&
        policy.rules.syncType === 'strict_sync' &&
        (state === 'out_of_sync' || state === 'synchronizing'),
    );
    return strict && `its strictly synchronous mirror ${strict.destination.volume.path} is out of sync`;
  }

  /** Plans the next scheduled update; cancels the one planned before. */
  scheduleNext(relationship: Relationship): void {
    relationship.cancelSchedule();
    relationship.cancelSchedule = nothing({});
    const name = relationship.effectiveScheduleName;
    const schedule =
      relationship.schedule ?? (name === undefined ? undefined : relationship.destination.cluster.scheduleNamed(name));
    const at = schedule?.nextAfter(this.physics.timeline.now);
    if (at === undefined || !relationship.existsAtDestination || relationship.policy.sync) return;
    relationship.cancelSchedule = this.physics.timeline.at(at, updatingBySchedule({ snapmirror: this, relationship }));
  }

  /** Snapshots that SnapMirror needs: never deleted, neither by it nor by anybody else. */
  isBase(volume: SimulatedVolume, uuid: string): boolean {
    return this.relationshipsOf(volume).some((relationship) => {
      const { source, destination, exported, running } = relationship;
      const here =
        (source.volume === volume && relationship.existsAtSource) ||
        (destination.volume === volume && relationship.existsAtDestination);
      return (
        here && (exported?.uuid === uuid || (running?.parts.some(({ snapshot }) => snapshot.uuid === uuid) ?? false))
      );
    });
  }

  /** What nobody may delete: bases, and what FlexClones share. */
  isKept(volume: SimulatedVolume, uuid: string): boolean {
    return this.isBase(volume, uuid) || volume.sharesSnapshot(uuid);
  }

  /** Deletes SnapMirror's own snapshots for a relationship that is gone. */
  deleteOwnSnapshots(relationship: Relationship, volume: SimulatedVolume): void {
    for (const { name, uuid } of volume.snapshotInfos()) {
      if (name.startsWith(relationship.snapshotPrefix) && !this.isKept(volume, uuid))
        volume.content.deleteSnapshot(name);
    }
  }

  /** Transfers that GET .../transfers lists: the running one and those of the last 24 hours. */
  listed(relationship: Relationship): Transfer[] {
    const { timeline, switches } = this.physics;
    const recent =
      switches.transferHistory === 'active-only'
        ? []
        : relationship.ended.filter(({ endedAt = 0 }) => endedAt > timeline.now - HISTORY_KEPT_MS);
    return relationship.running ? [...recent, relationship.running] : recent;
  }

  /** What becomes of the next transfer to a cluster. */
  armFault(cluster: ClusterState, fault: TransferFault): void {
    this.armed.push({ cluster, fault });
  }

  /** Sync relationships follow every write; when, is seen only by who looks at the destination. */
  volumeChanged(volume: SimulatedVolume): void {
    const { timeline } = this.physics;
    for (const relationship of this.relationshipsOf(volume)) {
      const { state } = relationship;
      if (relationship.source.volume !== volume || (state !== 'in_sync' && state !== 'synchronizing')) continue;
      relationship.dirty = true;
      timeline.at(timeline.now, replicating({ snapmirror: this, relationship }));
    }
  }

  /** Transfers to and from a cluster that died fail; sync relationships fall out of sync. */
  clusterDied(cluster: ClusterState): void {
    for (const relationship of this.touching(cluster)) {
      this.end(relationship, 'failed', TRANSFER_ERRORS.interrupted);
      const { source, destination, state } = relationship;
      if (state === 'in_sync' && source.cluster !== destination.cluster) {
        this.fallOutOfSync(relationship, TRANSFER_ERRORS.interrupted);
      }
    }
  }

  private fallOutOfSync(relationship: Relationship, { code, message }: TransferError): void {
    relationship.setState('out_of_sync', this.physics.timeline.now);
    relationship.healthy = false;
    relationship.unhealthyReasons = [{ code: String(code), message }];
  }

  /** Sync relationships resync by themselves, which takes as long as what was written meanwhile. */
  clusterRevived(cluster: ClusterState): void {
    for (const relationship of this.touching(cluster)) {
      const { source, destination, state } = relationship;
      if (state !== 'out_of_sync' || !source.cluster.reaches(destination.cluster)) continue;
      relationship.setState('synchronizing', this.physics.timeline.now);
      this.start(relationship, 'resync');
    }
  }

  /** A relationship without halves stays visible to reads that lag behind, for a while. */
  forgetLater(relationship: Relationship): void {
    this.physics.timeline.after(FORGOTTEN_AFTER_MS, forgetting({ snapmirror: this, relationship }));
  }

  forget(relationship: Relationship): void {
    this.byUuid.delete(relationship.uuid);
    for (const { volume } of [relationship.source, relationship.destination])
      this.byVolume.get(volume)?.delete(relationship);
  }

  private touching(cluster: ClusterState): Relationship[] {
    return this.relationships.filter(
      ({ source, destination }) => source.cluster === cluster || destination.cluster === cluster,
    );
  }

  private takeFault(relationship: Relationship): TransferFault | undefined {
    const index = this.armed.findIndex(({ cluster }) => cluster === relationship.destination.cluster);
    return index < 0 ? undefined : this.armed.splice(index, 1)[0]?.fault;
  }

  // ---- what is carried

  private prepared(
    relationship: Relationship,
    type: TransferType,
    wanted: string | undefined,
  ): { parts: readonly VolumeTransfer[]; obstacle: TransferError | undefined } {
    const obstacle = this.obstacle(relationship, type);
    if (obstacle) return { parts: [], obstacle };
    try {
      return { parts: this.parts(relationship, type, wanted), obstacle };
    } catch (error) {
      if (!(error instanceof VolumeModelError)) throw error;
      return {
        parts: [],
        obstacle: { ...TRANSFER_ERRORS.noSnapshot, message: `Failed to create Snapshot copy (${error.message})` },
      };
    }
  }

  /** Why a transfer can only fail. */
  private obstacle({ source, destination, exported }: Relationship, type: TransferType): TransferError | undefined {
    if (!source.cluster.reaches(destination.cluster)) return TRANSFER_ERRORS.unreachable;
    if (!source.cluster.has(source.volume)) return TRANSFER_ERRORS.missing;
    if (source.volume.state !== 'online' || destination.volume.state !== 'online') return TRANSFER_ERRORS.offline;
    const needsBase = type !== 'initialize';
    return needsBase && !(exported && source.volume.snapshotByUuid(exported.uuid)) ? TRANSFER_ERRORS.noBase : undefined;
  }

  private parts(relationship: Relationship, type: TransferType, wanted: string | undefined): VolumeTransfer[] {
    const source = relationship.source.volume;
    const exported = type === 'initialize' ? undefined : relationship.exported;
    let base = exported && source.snapshotByUuid(exported.uuid);
    return this.snapshots(relationship, type, base, wanted).map((snapshot) => {
      const part = partBetween(source, base, snapshot);
      base = snapshot;
      return part;
    });
  }

  private snapshots(
    relationship: Relationship,
    type: TransferType,
    base: SnapshotInfo | undefined,
    wanted: string | undefined,
  ): SnapshotInfo[] {
    const { policy, checkpoint } = relationship;
    const source = relationship.source.volume;
    if (wanted !== undefined) return [source.snapshotInfo(wanted)];
    const resumed = checkpoint && source.snapshotByUuid(checkpoint.snapshot);
    const makes = policy.createsSnapshot || type === 'initialize';
    const last = resumed ?? (makes ? source.takeSnapshot(this.newSnapshotName(relationship)) : undefined);
    const all = source.snapshotInfos();
    const end = last === undefined ? all.length : all.findIndex(({ uuid }) => uuid === last.uuid);
    const start = base === undefined ? 0 : all.findIndex(({ uuid }) => uuid === base.uuid) + 1;
    const labels = new Set((policy.rules.retention ?? []).map(({ label }) => label));
    const carried = all.slice(start, Math.max(start, end)).filter(({ name, label }) => {
      if (policy.rules.copiesAll) return !name.startsWith('snapmirror.');
      return type !== 'initialize' && label !== undefined && labels.has(label);
    });
    return last === undefined ? carried : [...carried, last];
  }

  /** `snapmirror.<destination SVM uuid>_<number>.<date>_<time>` */
  private newSnapshotName(relationship: Relationship): string {
    const taken = new Set(relationship.source.volume.snapshotInfos().map(({ name }) => name));
    for (let at = this.physics.timeline.now; ; at += 1000) {
      const [date, time = ''] = new Date(at).toISOString().split('T');
      const name = `${relationship.snapshotPrefix}${date}_${time.slice(0, 8).replaceAll(':', '')}`;
      if (!taken.has(name)) return name;
    }
  }

  // ---- the end

  /** The running transfer has brought everything over. */
  complete(relationship: Relationship, transfer: Transfer): void {
    if (transfer.type === 'initialize') {
      const { volume } = relationship.destination;
      const shared = volume.snapshotInfos().find(({ uuid }) => volume.sharesSnapshot(uuid));
      if (shared) {
        const message = `Transfer failed: Snapshot copy "${shared.name}" is in use by a FlexClone volume`;
        this.end(relationship, 'failed', { ...TRANSFER_ERRORS.scripted, message });
        return;
      }
      for (const { name } of volume.snapshotInfos()) volume.content.deleteSnapshot(name);
    }
    try {
      this.apply(relationship, transfer.parts);
    } catch (error) {
      if (!(error instanceof VolumeModelError)) throw error;
      this.end(relationship, 'failed', { ...TRANSFER_ERRORS.scripted, message: `Transfer failed: ${error.message}` });
      return;
    }
    relationship.healthy = true;
    relationship.unhealthyReasons = [];
    relationship.lastSucceededType = transfer.type;
    relationship.setState(relationship.policy.targetState, this.physics.timeline.now);
    this.finish(relationship, transfer, 'success');
    relationship.totalBytes += transfer.totalBytes - transfer.resumedBytes;
    relationship.totalMs += (transfer.endedAt ?? 0) - transfer.startedAt;
    this.prune(relationship);
    // What was written to the source while it synchronised.
    if (relationship.dirty)
      this.physics.timeline.at(this.physics.timeline.now, replicating({ snapmirror: this, relationship }));
  }

  private apply(relationship: Relationship, parts: readonly VolumeTransfer[]): void {
    const { source, destination } = relationship;
    // A destination of type dp grows with its source by itself.
    this.expand(relationship);
    destination.volume.sizeBytes = Math.max(destination.volume.sizeBytes, source.volume.sizeBytes);
    for (const part of parts) relationship.exported = destination.volume.content.applyTransfer(part);
    destination.volume.initialized = true;
  }

  /** So does a FlexGroup in number of constituents: on its own aggregates in turn. */
  private expand(relationship: Relationship): void {
    const { source, destination } = relationship;
    const { aggregates, constituents } = destination.volume;
    const missing = source.volume.constituents.length - constituents.length;
    if (missing <= 0) return;
    const placed = Array.from({ length: missing }, (_, at) => aggregates[at % aggregates.length]);
    destination.volume.expand(destination.cluster.newConstituents(placed.filter((one) => one !== undefined)));
    relationship.constituents = destination.volume.constituents.length;
  }

  private finish(relationship: Relationship, transfer: Transfer, state: TransferState, error?: TransferError): void {
    const { now } = this.physics.timeline;
    transfer.end(now, state, error);
    relationship.running = undefined;
    const kept = relationship.ended.filter(({ endedAt = 0 }) => endedAt > now - HISTORY_KEPT_MS);
    relationship.ended = [...kept, transfer];
    if (relationship.pausing) {
      relationship.pausing = false;
      relationship.setState('paused', now);
    }
    relationship.transferEnded(transfer);
  }

  private dropUnusedSnapshot(relationship: Relationship, transfer: Transfer): void {
    const { volume } = relationship.source;
    const unused = transfer.snapshot && volume.snapshotByUuid(transfer.snapshot.uuid);
    if (unused?.name.startsWith(relationship.snapshotPrefix) && !volume.sharesSnapshot(unused.uuid))
      volume.content.deleteSnapshot(unused.name);
  }

  /** Drops what the policy does not keep, at both ends; bases stay. */
  private prune(relationship: Relationship): void {
    const { source, destination, snapshotPrefix, policy } = relationship;
    const own = (volume: SimulatedVolume) =>
      volume.snapshotInfos().filter(({ name }) => name.startsWith(snapshotPrefix));
    const surplus = own(destination.volume).slice(0, -OWN_SNAPSHOTS_KEPT);
    for (const { label, count } of policy.rules.retention ?? []) {
      const labelled = destination.volume.snapshotInfos().filter((snapshot) => snapshot.label === label);
      surplus.push(...labelled.slice(0, -count));
    }
    if (policy.rules.copiesAll) {
      const there = new Set(source.volume.snapshotInfos().map(({ uuid }) => uuid));
      surplus.push(...destination.volume.snapshotInfos().filter(({ uuid }) => !there.has(uuid)));
    }
    this.deleteUnneeded(destination.volume, surplus);
    this.deleteUnneeded(source.volume, own(source.volume));
  }

  private deleteUnneeded(volume: SimulatedVolume, snapshots: readonly SnapshotInfo[]): void {
    for (const uuid of new Set(snapshots.map((snapshot) => snapshot.uuid))) {
      const snapshot = volume.snapshotByUuid(uuid);
      if (snapshot && !this.isKept(volume, uuid)) volume.content.deleteSnapshot(snapshot.name);
    }
  }

  scheduledUpdate(relationship: Relationship): void {
    if (relationship.state !== 'snapmirrored' || relationship.pausing || !relationship.destination.cluster.alive)
      return;
    if (!relationship.running) {
      this.start(relationship, 'update');
      return;
    }
    if (this.physics.switches.lateUpdateOfMissedSchedule === 'unhealthy') {
      relationship.healthy = false;
      relationship.unhealthyReasons = [{ message: SCHEDULED_UPDATE_DELAYED }];
    }
  }
}

interface OfSnapMirror {
  readonly snapmirror: SnapMirror;
  readonly relationship: Relationship;
}

const failing = later(
  'transfer: fail',
  ({ snapmirror, relationship, error }: OfSnapMirror & { readonly error: TransferError }) =>
    snapmirror.end(relationship, 'failed', error),
);

const aborting = later('transfer: abort', ({ snapmirror, relationship }: OfSnapMirror) =>
  snapmirror.end(relationship, 'aborted', TRANSFER_ERRORS.aborted),
);

const completing = later(
  'transfer: complete',
  ({ snapmirror, relationship, transfer }: OfSnapMirror & { readonly transfer: Transfer }) =>
    snapmirror.complete(relationship, transfer),
);

const updatingBySchedule = later('relationship: scheduled update', ({ snapmirror, relationship }: OfSnapMirror) => {
  snapmirror.scheduledUpdate(relationship);
  snapmirror.scheduleNext(relationship);
});

const replicating = later('relationship: replicate', ({ snapmirror, relationship }: OfSnapMirror) => {
  if (relationship.dirty && relationship.state === 'in_sync') snapmirror.replicate(relationship);
});

const forgetting = later('relationship: forget', ({ snapmirror, relationship }: OfSnapMirror) =>
  snapmirror.forget(relationship),
);

function partBetween(volume: SimulatedVolume, base: SnapshotInfo | undefined, next: SnapshotInfo): VolumeTransfer {
  const { content } = volume;
  return transferFrom(base && content.snapshotView(base.name), content.snapshotView(next.name));
}
