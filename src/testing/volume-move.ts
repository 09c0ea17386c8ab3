/** A volume on its way to another aggregate: replicated while clients go on, then cut over at once. */
import type { JsonTree } from './http/json-tree.ts';
import { timeText } from './http/time-text.ts';
import type { Job } from './jobs.ts';
import { later } from './later.ts';
import type { Physics } from './physics.ts';
import type { Aggregate } from './svm.ts';

/** What is moved. */
export interface MovedVolume {
  usedBytes(): number;
  relocate(aggregates: readonly Aggregate[]): void;
}

export type MoveState =
  | 'queued'
  | 'replicating'
  | 'paused'
  | 'cutover_pending'
  | 'cutover'
  | 'success'
  | 'failed'
  | 'aborted';

const CUTOVER_MS = 1000;

export class VolumeMove {
  readonly destination: Aggregate;
  readonly startedAt: number;
  state: MoveState = 'replicating';
  private readonly volume: MovedVolume;
  private readonly physics: Physics;
  private readonly job: Job;
  /** Asked for: it replicates until somebody says that it may cut over. */
  private readonly waitsForCutover: boolean;
  private readonly totalMs: number;
  private leftMs: number;
  private since: number;
  private cancel: () => void = () => {};

  constructor(
    physics: Physics,
    facts: {
      readonly volume: MovedVolume;
      readonly destination: Aggregate;
      readonly job: Job;
      readonly waitsForCutover: boolean;
    },
  ) {
    this.physics = physics;
    this.volume = facts.volume;
    this.destination = facts.destination;
    this.job = facts.job;
    this.waitsForCutover = facts.waitsForCutover;
    this.startedAt = physics.timeline.now;
    this.since = this.startedAt;
    this.totalMs = Math.ceil((facts.volume.usedBytes() / physics.transferRate) * 1000);
    this.leftMs = this.totalMs;
    this.replicate();
  }

  get running(): boolean {
    return !['success', 'failed', 'aborted'].includes(this.state);
  }

  pause(): void {
    if (this.state !== 'replicating') return;
    this.leftMs = this.left();
    this.cancel();
    this.state = 'paused';
  }

  resume(): void {
    if (this.state === 'paused') this.replicate();
  }

  /** The volume stays where it is. */
  abort(): void {
    if (!this.running || this.state === 'cutover') return;
    this.cancel();
    this.state = 'aborted';
    const { now } = this.physics.timeline;
    this.job.fail(now, { code: '917628', message: 'The volume move was aborted.', status: 500 });
  }

  cutOver(): void {
    if (this.state !== 'cutover_pending') return;
    this.state = 'cutover';
    this.cancel = this.physics.timeline.after(CUTOVER_MS, cutOver({ move: this }));
  }

  /** For the timeline. */
  replicated(): void {
    this.leftMs = 0;
    this.state = 'cutover_pending';
    if (!this.waitsForCutover) this.cutOver();
  }

  /** For the timeline. */
  finish(): void {
    this.volume.relocate([this.destination]);
    this.state = 'success';
    this.job.succeed(this.physics.timeline.now);
  }

  view(): JsonTree {
    const { name, uuid } = this.destination;
    return {
      state: this.state,
      percent_complete: this.percentComplete(),
      destination_aggregate: { name, uuid },
      start_time: timeText(this.startedAt),
    };
  }

  private percentComplete(): number {
    if (this.state === 'success') return 100;
    return this.totalMs === 0 ? 0 : Math.min(99, Math.floor(((this.totalMs - this.left()) / this.totalMs) * 100));
  }

  private replicate(): void {
    this.state = 'replicating';
    this.since = this.physics.timeline.now;
    this.cancel = this.physics.timeline.after(this.leftMs, replicated({ move: this }));
  }

  private left(): number {
    if (this.state !== 'replicating') return this.leftMs;
    return Math.max(0, this.leftMs - (this.physics.timeline.now - this.since));
  }
}

const replicated = later('volume move: replicated', ({ move }: { readonly move: VolumeMove }) => move.replicated());

const cutOver = later('volume move: cut over', ({ move }: { readonly move: VolumeMove }) => move.finish());
