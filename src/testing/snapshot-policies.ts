/** Snapshot policies: they take snapshots of volumes on schedules, with label and prefix, and keep so many of them. */
import { VolumeModelError } from '../errors.ts';
import { later } from './later.ts';
import type { Physics } from './physics.ts';
import type { Schedule } from './snapmirror/schedules.ts';
import type { Svm } from './svm.ts';
import type { SimulatedVolume } from './volume.ts';

/** One schedule of a policy. */
export interface PolicyCopy {
  readonly schedule: Schedule;
  readonly count: number;
  /** What names of snapshots begin with: `hourly` in `hourly.2026-01-01_0105`. */
  readonly prefix: string;
  readonly label: string | undefined;
}

/** By name of schedule; the prefix is that name. */
export const BUILT_IN_SNAPSHOT_POLICIES: Readonly<
  Record<string, readonly { readonly schedule: string; readonly count: number; readonly label?: string }[]>
> = {
  default: [
    { schedule: 'hourly', count: 6 },
    { schedule: 'daily', count: 2, label: 'daily' },
    { schedule: 'weekly', count: 2, label: 'weekly' },
  ],
  'default-1weekly': [
    { schedule: 'hourly', count: 6 },
    { schedule: 'daily', count: 2, label: 'daily' },
    { schedule: 'weekly', count: 1, label: 'weekly' },
  ],
  none: [],
};

/** What a policy needs of its cluster. */
export interface PolicySurroundings {
  readonly physics: Physics;
  /** A dead cluster takes no snapshots. */
  readonly alive: boolean;
  /** Snapshots that may not be deleted yet. */
  snapshotIsKept(volume: SimulatedVolume, uuid: string): boolean;
}

export class SnapshotPolicy {
  readonly uuid: string;
  readonly name: string;
  /** The SVM that owns it; absent for policies of the cluster. */
  readonly svm: Svm | undefined;
  comment: string | undefined;
  private on = true;
  private schedules: readonly PolicyCopy[];
  private readonly volumes = new Set<SimulatedVolume>();
  private readonly surroundings: PolicySurroundings;
  private cancels: (() => void)[] = [];

  constructor(
    facts: {
      readonly uuid: string;
      readonly name: string;
      readonly svm?: Svm | undefined;
      readonly comment?: string | undefined;
      readonly enabled?: boolean;
      readonly copies: readonly PolicyCopy[];
    },
    surroundings: PolicySurroundings,
  ) {
    this.uuid = facts.uuid;
    this.name = facts.name;
    this.svm = facts.svm;
    this.comment = facts.comment;
    this.on = facts.enabled ?? true;
    this.schedules = facts.copies;
    this.surroundings = surroundings;
  }

  get copies(): readonly PolicyCopy[] {
    return this.schedules;
  }

  get enabled(): boolean {
    return this.on;
  }

  get inUse(): boolean {
    return this.volumes.size > 0;
  }

  change({ copies, enabled }: { readonly copies?: readonly PolicyCopy[]; readonly enabled?: boolean }): void {
    this.schedules = copies ?? this.schedules;
    this.on = enabled ?? this.on;
    this.plan();
  }

  add(volume: SimulatedVolume): void {
    volume.snapshotPolicy = { name: this.name, uuid: this.uuid };
    this.volumes.add(volume);
    if (this.volumes.size === 1) this.plan();
  }

  remove(volume: SimulatedVolume): void {
    this.volumes.delete(volume);
    if (!this.inUse) this.plan();
  }

  /** Plans the next snapshots anew: the policy, its volumes or one of its schedules has changed. */
  plan(): void {
    for (const cancel of this.cancels) cancel();
    this.cancels = [];
    if (this.on && this.inUse) for (const copy of this.schedules) this.planNext(copy);
  }

  /** What is due by one of the schedules, of every volume; then the next time is planned. */
  take(copy: PolicyCopy): void {
    for (const volume of this.surroundings.alive ? this.volumes : []) this.takeOf(volume, copy);
    if (this.on && this.inUse && this.schedules.includes(copy)) this.planNext(copy);
  }

  private planNext(copy: PolicyCopy): void {
    const { timeline } = this.surroundings.physics;
    const at = copy.schedule.nextAfter(timeline.now);
    if (at !== undefined) this.cancels.push(timeline.at(at, takingCopies({ policy: this, copy })));
  }

  /** Of volumes that can be written only; one that is full goes without, and so does one that has a snapshot of that name. */
  private takeOf(volume: SimulatedVolume, { prefix, count, label }: PolicyCopy): void {
    if (volume.type !== 'rw' || volume.state !== 'online' || volume.origin?.split) return;
    try {
      volume.takeSnapshot(`${prefix}.${stamp(this.surroundings.physics.timeline.now)}`, { ...(label && { label }) });
    } catch (error) {
      if (!(error instanceof VolumeModelError)) throw error;
    }
    const own = volume.snapshotInfos().filter(({ name }) => name.startsWith(`${prefix}.`) && STAMP.test(name));
    for (const { name, uuid } of own.slice(0, -count)) {
      if (!this.surroundings.snapshotIsKept(volume, uuid)) volume.content.deleteSnapshot(name);
    }
  }
}

const takingCopies = later(
  'snapshot policy: take',
  ({ policy, copy }: { readonly policy: SnapshotPolicy; readonly copy: PolicyCopy }) => policy.take(copy),
);

const STAMP = /\.\d{4}-\d{2}-\d{2}_\d{4}$/;

/** `2026-01-01_0105` */
function stamp(epochMs: number): string {
  const [date, time = ''] = new Date(epochMs).toISOString().split('T');
  return `${date}_${time.slice(0, 5).replace(':', '')}`;
}
