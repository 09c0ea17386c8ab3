/** A copy or a move of a LUN or a file while it goes on: how far it is, and how it ends. A cluster runs 50 of them at once. */
import { jobError } from './jobs.ts';
import { type Later, later, nothing } from './later.ts';
import type { Physics } from './physics.ts';

export type CopyState = 'preparing' | 'replicating' | 'paused' | 'paused_error' | 'complete' | 'reverting' | 'failed';

/** How many copies and moves of files and LUNs a cluster runs at once. */
export const COPIES_AT_ONCE = 50;

/** What ONTAP does before the first block is copied. */
const PREPARING_MS = 500;

/** Whose copies they are. */
export interface CopyingCluster {
  readonly physics: Physics;
  /** Those that are going on. */
  readonly dataCopies: Set<DataCopy>;
}

export interface CopyFailure {
  readonly code: string;
  readonly message: string;
}

/** How a copy is scripted to go. */
export interface CopyFault {
  readonly kind: 'transfer-stalls' | 'transfer-fails' | 'transfer-aborted';
  readonly message?: string;
}

/** What becomes of the data: whole when the copy is complete, and nothing of it before. */
export interface Delivery {
  /** May refuse: the copy has failed then. */
  readonly arrive: Later;
  readonly giveUp: Later;
}

const NO_DELIVERY: Delivery = { arrive: nothing({}), giveUp: nothing({}) };

export class DataCopy {
  readonly source: string;
  readonly destination: string;
  readonly sizeBytes: number;
  readonly startedAt: number;
  failure: CopyFailure | undefined;
  private ownState: CopyState = 'preparing';
  /** Milliseconds of copying that are still to come, as of `since`. */
  private leftMs: number;
  private since: number;
  private cancel: Later = nothing({});
  private readonly physics: Physics;
  private readonly copies: Set<DataCopy>;
  private readonly totalMs: number;
  private readonly delivery: Delivery;

  constructor(
    cluster: CopyingCluster,
    facts: Pick<DataCopy, 'source' | 'destination' | 'sizeBytes'>,
    fault: CopyFault | undefined,
    delivery = NO_DELIVERY,
  ) {
    this.delivery = delivery;
    this.physics = cluster.physics;
    this.copies = cluster.dataCopies;
    this.source = facts.source;
    this.destination = facts.destination;
    this.sizeBytes = facts.sizeBytes;
    this.startedAt = this.physics.timeline.now;
    this.since = this.startedAt;
    this.totalMs = Math.ceil((facts.sizeBytes / this.physics.transferRate) * 1000);
    this.leftMs = this.totalMs;
    this.copies.add(this);
    this.physics.timeline.after(PREPARING_MS, prepared({ copy: this, fault }));
  }

  get state(): CopyState {
    this.physics.settle();
    return this.ownState;
  }

  get running(): boolean {
    return this.copies.has(this);
  }

  /** Milliseconds since it was started. */
  get elapsedMs(): number {
    return this.physics.timeline.now - this.startedAt;
  }

  get percentComplete(): number {
    if (this.state === 'complete') return 100;
    if (this.totalMs === 0) return 0;
    return Math.min(99, Math.floor(((this.totalMs - this.left()) / this.totalMs) * 100));
  }

  /** Nothing is copied until it is resumed. */
  pause(): void {
    if (this.state !== 'replicating' && this.state !== 'preparing') return;
    this.leftMs = this.left();
    this.cancel();
    this.ownState = 'paused';
  }

  resume(): void {
    if (this.state !== 'paused' && this.state !== 'paused_error') return;
    this.failure = undefined;
    this.replicate(undefined);
  }

  /** Ends it without its result, and without what giving up would do. */
  stop(): void {
    this.cancel();
    this.copies.delete(this);
    if (this.ownState !== 'complete') this.ownState = 'failed';
  }

  /** For the timeline. */
  begin(fault: CopyFault | undefined): void {
    if (this.ownState === 'preparing') this.replicate(fault);
  }

  /** For the timeline. */
  end(failure: CopyFailure | undefined): void {
    this.failure = failure ?? this.arrived();
    this.leftMs = this.left();
    this.ownState = this.failure ? 'failed' : 'complete';
    this.copies.delete(this);
    if (this.failure) this.delivery.giveUp();
  }

  private arrived(): CopyFailure | undefined {
    try {
      this.delivery.arrive();
      return undefined;
    } catch (error) {
      return jobError(error, this.physics.switches);
    }
  }

  private replicate(fault: CopyFault | undefined): void {
    this.ownState = 'replicating';
    this.since = this.physics.timeline.now;
    if (fault?.kind === 'transfer-stalls') return;
    const failure = fault && { code: FAILED_CODE, message: fault.message ?? 'The copy operation failed.' };
    const afterMs = failure ? Math.floor(this.leftMs / 2) : this.leftMs;
    this.cancel = this.physics.timeline.after(afterMs, ended({ copy: this, failure }));
  }

  private left(): number {
    if (this.ownState !== 'replicating') return this.leftMs;
    return Math.max(0, this.leftMs - (this.physics.timeline.now - this.since));
  }
}

/** No source names the code of a copy that broke off by itself. */
const FAILED_CODE = '5374952';

const prepared = later(
  'copy: prepared',
  ({ copy, fault }: { readonly copy: DataCopy; readonly fault: CopyFault | undefined }) => copy.begin(fault),
);

const ended = later(
  'copy: ended',
  ({ copy, failure }: { readonly copy: DataCopy; readonly failure: CopyFailure | undefined }) => copy.end(failure),
);
