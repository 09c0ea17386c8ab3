/** A SnapMirror relationship and its transfers: what is known of them. What may happen to them is in operations.ts. */
import type { VolumeTransfer } from '../../core/wafl/transfer.ts';
import type { SnapshotInfo } from '../../core/wafl/view.ts';
import type { ClusterState } from '../cluster-state.ts';
import type { Job } from '../jobs.ts';
import { type Later, nothing } from '../later.ts';
import type { SimulatedVolume } from '../volume.ts';
import type { Policy } from './policies.ts';
import type { Schedule } from './schedules.ts';

export const RELATIONSHIP_STATES = [
  'uninitialized',
  'snapmirrored',
  'paused',
  'broken_off',
  'in_sync',
  'out_of_sync',
  'synchronizing',
  'expanding',
  'shrinking',
] as const;
export type RelationshipState = (typeof RELATIONSHIP_STATES)[number];

export type TransferType = 'initialize' | 'update' | 'resync';
export type TransferState = 'transferring' | 'success' | 'failed' | 'aborted' | 'hard_aborted';

export interface RelationshipEnd {
  readonly cluster: ClusterState;
  readonly volume: SimulatedVolume;
}

export interface TransferError {
  readonly code: number;
  readonly message: string;
}

export class Transfer {
  readonly uuid: string;
  readonly type: TransferType;
  readonly startedAt: number;
  /** What it carries, oldest snapshot first. */
  readonly parts: readonly VolumeTransfer[];
  readonly bytesPerSecond: number;
  readonly throttle: number;
  /** Bytes that an aborted transfer before it had already brought over. */
  readonly resumedBytes: number;
  state: TransferState = 'transferring';
  endedAt: number | undefined;
  error: TransferError | undefined;
  /** What the destination showed before it. */
  exportedBefore: SnapshotInfo | undefined;
  cancel: Later = nothing({});
  private bytesAtEnd = 0;

  constructor(facts: {
    uuid: string;
    type: TransferType;
    startedAt: number;
    parts: readonly VolumeTransfer[];
    bytesPerSecond: number;
    throttle: number;
    resumedBytes: number;
  }) {
    this.uuid = facts.uuid;
    this.type = facts.type;
    this.startedAt = facts.startedAt;
    this.parts = facts.parts;
    this.bytesPerSecond = facts.bytesPerSecond;
    this.throttle = facts.throttle;
    this.resumedBytes = Math.min(facts.resumedBytes, this.totalBytes);
  }

  get totalBytes(): number {
    return this.parts.reduce((sum, part) => sum + part.bytes, 0);
  }

  /** The newest snapshot that it carries; none when there was nothing to carry. */
  get snapshot(): SnapshotInfo | undefined {
    return this.parts[this.parts.length - 1]?.snapshot;
  }

  /** At its end or before it: for reads that lag behind. */
  stateAt(time: number): TransferState {
    return this.endedBy(time) ? this.state : 'transferring';
  }

  endedBy(time: number): boolean {
    return this.endedAt !== undefined && this.endedAt <= time;
  }

  bytesAt(time: number): number {
    if (this.endedBy(time)) return this.bytesAtEnd;
    const moved = Math.max(0, Math.floor(((time - this.startedAt) / 1000) * this.bytesPerSecond));
    return Math.min(this.totalBytes, this.resumedBytes + moved);
  }

  end(now: number, state: TransferState, error?: TransferError): void {
    this.cancel();
    this.bytesAtEnd = state === 'success' ? this.totalBytes : this.bytesAt(now);
    this.state = state;
    this.error = error;
    this.endedAt = now;
  }
}

/** What a relationship shows. */
export interface RelationshipLook {
  readonly state: RelationshipState;
  readonly running: Transfer | undefined;
  readonly lastEnded: Transfer | undefined;
  readonly exported: SnapshotInfo | undefined;
  readonly healthy: boolean;
  readonly unhealthyReasons: Relationship['unhealthyReasons'];
  readonly lastSucceededType: TransferType | undefined;
  readonly totalBytes: number;
  readonly totalMs: number;
}

export class Relationship {
  readonly uuid: string;
  readonly source: RelationshipEnd;
  readonly destination: RelationshipEnd;
  readonly createdAt: number;
  /** How many constituents the destination had when it was created, and since it follows its source in number. */
  constituents: number;
  policy: Policy;
  /** Overrides the policy's own. */
  schedule: Schedule | undefined;
  /** Kilobytes per second; 0 is unlimited. */
  throttle = 0;
  healthy = true;
  unhealthyReasons: readonly { readonly code?: string; readonly message: string }[] = [];
  /** The snapshot that the destination shows: the base of the next transfer, which is never deleted. */
  exported: SnapshotInfo | undefined;
  running: Transfer | undefined;
  /** Newest last. */
  ended: Transfer[] = [];
  lastSucceededType: TransferType | undefined;
  totalBytes = 0;
  totalMs = 0;
  /** What an aborted transfer left for the next one to go on from. */
  checkpoint: { readonly snapshot: string; readonly bytes: number } | undefined;
  /** A pause was asked for and waits for the transfer to end. */
  pausing = false;
  /** The job that is changing it. */
  busy: Job | undefined;
  /** A sync relationship whose source was written to since the last replication. */
  dirty = false;
  /** When the half of each cluster was deleted. */
  goneFromSource: number | undefined;
  goneFromDestination: number | undefined;
  cancelSchedule: Later = nothing({});
  private readonly states: { readonly at: number; readonly state: RelationshipState }[] = [];
  private readonly whenTransferEnds: Later<[transfer: Transfer]>[] = [];

  constructor(facts: {
    uuid: string;
    source: RelationshipEnd;
    destination: RelationshipEnd;
    createdAt: number;
    policy: Policy;
    state: RelationshipState;
  }) {
    this.uuid = facts.uuid;
    this.source = facts.source;
    this.destination = facts.destination;
    this.createdAt = facts.createdAt;
    this.policy = facts.policy;
    this.constituents = facts.destination.volume.constituents.length;
    this.setState(facts.state, facts.createdAt);
  }

  get state(): RelationshipState {
    return this.states[this.states.length - 1]?.state ?? 'uninitialized';
  }

  setState(state: RelationshipState, now: number): void {
    if (state !== this.state || this.states.length === 0) this.states.push({ at: now, state });
    if (this.states.length > STATES_REMEMBERED) this.states.shift();
  }

  /** The state as it was at a time: for reads that lag behind. */
  stateAt(time: number): RelationshipState {
    return this.states.findLast(({ at }) => at <= time)?.state ?? this.states[0]?.state ?? this.state;
  }

  /** What was to be seen of it at a time, as far back as its states and transfers are remembered. */
  lookAt(time: number): RelationshipLook {
    // Most reads are of now, when nothing has ended since.
    const endedSince = this.lastEnded?.endedBy(time) === false ? this.ended.filter((one) => !one.endedBy(time)) : [];
    const { state, exported, healthy, unhealthyReasons, lastSucceededType, totalBytes, totalMs } = this;
    const running =
      endedSince.find(({ startedAt }) => startedAt <= time) ??
      (this.running && this.running.startedAt <= time ? this.running : undefined);
    const lastEnded = this.ended.findLast((transfer) => transfer.endedBy(time));
    const now = {
      state,
      running,
      lastEnded,
      exported,
      healthy,
      unhealthyReasons,
      lastSucceededType,
      totalBytes,
      totalMs,
    };
    const past = { ...now, state: this.stateAt(time) };
    if (endedSince.length === 0) return past;
    const succeededSince = endedSince.filter((transfer) => transfer.state === 'success');
    const first = succeededSince.find(({ parts }) => parts.length > 0);
    const sum = (of: (transfer: Transfer) => number) => succeededSince.reduce((total, one) => total + of(one), 0);
    return {
      ...past,
      exported: first === undefined ? exported : first.exportedBefore,
      healthy: lastEnded === undefined || lastEnded.state === 'success',
      unhealthyReasons: lastEnded?.error
        ? [{ code: String(lastEnded.error.code), message: lastEnded.error.message }]
        : [],
      lastSucceededType:
        succeededSince.length === 0
          ? lastSucceededType
          : this.ended.findLast((transfer) => transfer.endedBy(time) && transfer.state === 'success')?.type,
      totalBytes: totalBytes - sum((transfer) => transfer.totalBytes - transfer.resumedBytes),
      totalMs: totalMs - sum((transfer) => (transfer.endedAt ?? 0) - transfer.startedAt),
    };
  }

  atDestination(time: number): boolean {
    return this.createdAt <= time && (this.goneFromDestination === undefined || this.goneFromDestination > time);
  }

  atSource(time: number): boolean {
    return this.createdAt <= time && (this.goneFromSource === undefined || this.goneFromSource > time);
  }

  get existsAtDestination(): boolean {
    return this.goneFromDestination === undefined;
  }

  get existsAtSource(): boolean {
    return this.goneFromSource === undefined;
  }

  /** Somebody expanded the destination FlexGroup, or it was not whole when it was related. */
  get geometryChanged(): boolean {
    return this.destination.volume.constituents.length !== this.constituents;
  }

  get effectiveScheduleName(): string | undefined {
    return this.schedule?.name ?? this.policy.rules.transferSchedule;
  }

  get lastEnded(): Transfer | undefined {
    return this.ended[this.ended.length - 1];
  }

  /** What SnapMirror's own snapshots for this relationship begin with. */
  get snapshotPrefix(): string {
    const { svm, msid } = this.destination.volume;
    return `snapmirror.${svm.uuid}_${msid}.`;
  }

  onTransferEnd(then: Later<[transfer: Transfer]>): void {
    this.whenTransferEnds.push(then);
  }

  transferEnded(transfer: Transfer): void {
    for (const then of this.whenTransferEnds.splice(0)) then(transfer);
  }
}

const STATES_REMEMBERED = 50;
