/** What one simulated cluster owns: its objects, and how they are found and made. */

import type { CopyFault, DataCopy } from './data-copy.ts';
import { Faults } from './faults.ts';
import type { Job, JobError, JobFault, JobPlan } from './jobs.ts';
import { Jobs, jobError } from './jobs.ts';
import { later } from './later.ts';
import { LICENSES } from './licenses.ts';
import type { Physics } from './physics.ts';
import type { Refusal } from './refusals.ts';
import { BUILT_IN_POLICIES, Policy, type PolicyRules } from './snapmirror/policies.ts';
import { BUILT_IN_SCHEDULES, Schedule } from './snapmirror/schedules.ts';
import { BUILT_IN_SNAPSHOT_POLICIES, SnapshotPolicy } from './snapshot-policies.ts';
import type { StorageUnit } from './storage-unit.ts';
import { Aggregate, Svm } from './svm.ts';
import type { Switches } from './switches.ts';
import { type Constituent, type ConstituentFacts, type Mirrors, SimulatedVolume, type VolumeFacts } from './volume.ts';

/** A simulated cluster to make. */
export interface ClusterSpec {
  readonly name: string;
  /** `generation.major.minor`; default 9.14.1. */
  readonly version?: string;
  /** Administrator of the cluster; defaults `admin` and `simulated`. */
  readonly user?: string;
  readonly password?: string;
  /** Further users. */
  readonly users?: readonly User[];
  readonly nodes?: readonly string[];
  /** Names, or names with sizes; default two of 10 TiB. */
  readonly aggregates?: readonly (string | { readonly name: string; readonly sizeBytes: number })[];
  readonly svms?: readonly string[];
  /** Names of packages that it is not licensed for: `snapmirror`, `flexclone`. */
  readonly unlicensed?: readonly string[];
  /** Above so many requests at once it answers 429; default no limit. */
  readonly maxRequestsInFlight?: number;
}

/** An account of a simulated cluster. */
export interface User {
  readonly name: string;
  readonly password: string;
  /** Name of the SVM that the user belongs to; absent for users of the cluster. */
  readonly svm?: string;
  /** `readonly` may only read, `none` not even that. */
  readonly role: 'admin' | 'readonly' | 'none';
  /** Paths below /api that are closed to the user all the same, `*` for anything: `/storage/aggregates*`. */
  readonly denied?: readonly string[];
  /** What is allowed on which paths, beyond or below the role; the longest pattern that fits counts. */
  readonly privileges?: readonly Privilege[];
}

/** Access of a REST role to a path, in ONTAP's words: `read_modify` is GET and PATCH. */
export interface Privilege {
  /** Below /api, `*` for anything: `/snapmirror/*`. */
  readonly path: string;
  readonly access: keyof typeof ACCESS;
}

const READS = ['GET', 'HEAD', 'OPTIONS'] as const;

/** The methods of each access. */
export const ACCESS = {
  none: [],
  readonly: READS,
  read_create: [...READS, 'POST'],
  read_modify: [...READS, 'PATCH'],
  read_create_modify: [...READS, 'POST', 'PATCH'],
  all: [...READS, 'POST', 'PATCH', 'DELETE'],
} as const satisfies Record<string, readonly string[]>;

/** One half of a peering of two clusters; the other cluster has its own. */
export interface ClusterPeer {
  readonly uuid: string;
  /** What the peer is called here. */
  name: string;
  /** Unknown as long as nobody came with the passphrase, unless its address was given. */
  cluster: ClusterState | undefined;
  state: 'ok' | 'pending' | 'problem';
  /** It was accepted once: a new passphrase that waits for acceptance does not end it. */
  inUse: boolean;
  /** Of the passphrase that is to be accepted. */
  digest: string | undefined;
  /** Of the passphrase, in epoch milliseconds. */
  expiresAt: number | undefined;
  encrypted: boolean;
  applications: readonly string[];
}

export const SVM_PEER_STATES = ['peered', 'rejected', 'suspended', 'initiated', 'pending', 'initializing'] as const;
export type SvmPeerState = (typeof SVM_PEER_STATES)[number];

/** One half of a peering of two SVMs, as the cluster of `svm` sees it. Both halves have their own uuid, state and alias. */
export interface SvmPeer {
  readonly uuid: string;
  readonly svm: Svm;
  readonly peerSvm: Svm;
  /** The own cluster when both SVMs are in one. */
  readonly peerCluster: ClusterState;
  /** What the peer SVM is called here, in paths too. */
  alias: string;
  state: SvmPeerState;
  applications: readonly string[];
}

/** Beforehand: new peerings that the peer cluster asks for with this SVM need no acceptance. */
export interface SvmPeerPermission {
  readonly svm: Svm;
  readonly clusterPeer: ClusterPeer;
  applications: readonly string[];
}

/** Those who follow the life of clusters too. */
export interface Followers extends Mirrors {
  clusterDied(cluster: ClusterState): void;
  clusterRevived(cluster: ClusterState): void;
  /** Snapshots that nobody may delete. */
  isKept(volume: SimulatedVolume, uuid: string): boolean;
}

/** Who starts a job, and what goes wrong with it. */
export interface JobOrder {
  /** `POST /api/storage/volumes` */
  readonly description: string;
  readonly svm: Svm | undefined;
  readonly jobFault: JobFault | undefined;
}

const TIB = 2 ** 40;
const MIB = 2 ** 20;
const FIRST_MSID = 2_147_484_673;

export class ClusterState {
  readonly physics: Physics;
  readonly name: string;
  readonly uuid: string;
  readonly version: {
    readonly full: string;
    readonly generation: number;
    readonly major: number;
    readonly minor: number;
  };
  readonly users: readonly User[];
  readonly nodes: readonly { readonly name: string; readonly uuid: string }[];
  readonly aggregates: readonly Aggregate[];
  readonly svms: readonly Svm[];
  readonly volumes = new Map<string, SimulatedVolume>();
  private readonly volumesByPath = new Map<string, SimulatedVolume>();
  /** LUNs and NVMe namespaces, by uuid. */
  readonly storageUnits = new Map<string, StorageUnit>();
  /** Copies and moves of files and LUNs that are going on. */
  readonly dataCopies = new Set<DataCopy>();
  private copyFault: CopyFault | undefined;
  readonly policies: Policy[];
  readonly schedules: Schedule[];
  readonly jobs: Jobs;
  readonly peers: ClusterPeer[] = [];
  readonly neighbours: readonly ClusterState[];
  /** Where other clusters reach it, in a request for peering. */
  readonly interclusterAddress: string;
  readonly licenses: ReadonlySet<string>;
  svmPeers: SvmPeer[] = [];
  svmPeerPermissions: SvmPeerPermission[] = [];
  readonly snapshotPolicies: SnapshotPolicy[];
  /** A dead cluster answers nobody, its peers neither. */
  alive = true;
  /** When it comes back by itself, in epoch milliseconds. */
  revivesAt: number | undefined;
  readonly faults = new Faults();
  /** Above so many requests at once it answers 429. */
  readonly maxRequestsInFlight: number;
  private readonly lifeWatchers = new Set<() => void>();
  static readonly notSaved = { lifeWatchers: () => new Set() };
  private readonly mirrors: Followers;
  private nextMsid = FIRST_MSID;

  /** @param neighbours all clusters of the world, this one among them once it is made */
  constructor(physics: Physics, spec: ClusterSpec, mirrors: Followers, neighbours: readonly ClusterState[] = []) {
    const uuid = () => physics.random.uuid();
    this.physics = physics;
    this.mirrors = mirrors;
    this.neighbours = neighbours;
    this.interclusterAddress = `192.0.2.${10 + neighbours.length}`;
    this.licenses = new Set(LICENSES.filter((license) => !spec.unlicensed?.includes(license)));
    this.maxRequestsInFlight = spec.maxRequestsInFlight ?? Number.POSITIVE_INFINITY;
    this.name = spec.name;
    this.uuid = uuid();
    const administrator = {
      name: spec.user ?? 'admin',
      password: spec.password ?? 'simulated',
      role: 'admin',
    } as const;
    this.users = [administrator, ...(spec.users ?? [])];
    this.nodes = (spec.nodes ?? [`${spec.name}-01`, `${spec.name}-02`]).map((name) => ({ name, uuid: uuid() }));
    this.version = versionOf(spec.version ?? '9.14.1');
    this.aggregates = (spec.aggregates ?? ['aggr1', 'aggr2']).map((given, index) => {
      const { name, sizeBytes } = typeof given === 'string' ? { name: given, sizeBytes: 10 * TIB } : given;
      return new Aggregate(uuid(), name, sizeBytes, this.nodes[index % this.nodes.length]?.name ?? spec.name);
    });
    this.policies = Object.entries(BUILT_IN_POLICIES).map(
      ([name, rules]) => new Policy(uuid(), name, asSwitched(rules, physics.switches), { builtIn: true }),
    );
    this.schedules = Object.entries(BUILT_IN_SCHEDULES).map(([name, cron]) => new Schedule(uuid(), name, cron));
    this.snapshotPolicies = Object.entries(BUILT_IN_SNAPSHOT_POLICIES).map(([name, copies]) => {
      const scheduled = copies.flatMap(({ schedule: wanted, count, label }) => {
        const schedule = this.scheduleNamed(wanted);
        return schedule ? [{ schedule, count, prefix: wanted, label }] : [];
      });
      return new SnapshotPolicy({ uuid: uuid(), name, copies: scheduled }, this);
    });
    this.jobs = new Jobs(physics);
    this.svms = (spec.svms ?? ['svm1']).map((name) => new Svm(uuid(), name));
    for (const svm of this.svms) this.addRootVolume(svm);
    const lost = this.users.find(({ svm }) => svm !== undefined && !this.svmNamed(svm));
    if (lost) throw new Error(`user ${lost.name} belongs to SVM ${lost.svm}, which ${this.name} does not have`);
  }

  /** What goes wrong with the next copy or move of a file or LUN. */
  armCopyFault(fault: CopyFault): void {
    this.copyFault = fault;
  }

  takeCopyFault(): CopyFault | undefined {
    const fault = this.copyFault;
    this.copyFault = undefined;
    return fault;
  }

  get firstNode(): string {
    return this.nodes[0]?.name ?? this.name;
  }

  svmNamed(name: string): Svm | undefined {
    return this.svms.find((svm) => svm.name === name);
  }

  scheduleNamed(name: string): Schedule | undefined {
    return this.schedules.find((schedule) => schedule.name === name);
  }

  findVolume(svm: Svm, name: string): SimulatedVolume | undefined {
    return this.volumesByPath.get(`${svm.name}:${name}`);
  }

  constituent(uuid: string): Constituent | undefined {
    for (const { constituents } of this.volumes.values()) {
      const found = constituents.find((known) => known.uuid === uuid);
      if (found) return found;
    }
    return undefined;
  }

  has(volume: SimulatedVolume): boolean {
    return this.volumes.get(volume.uuid) === volume;
  }

  /** A FlexGroup gets a constituent for every aggregate given, also for one that is given twice. */
  addVolume(facts: Omit<VolumeFacts, 'uuid' | 'msid' | 'createdAt' | 'constituents'>): SimulatedVolume {
    const { physics } = this;
    const own = { uuid: physics.random.uuid(), msid: this.nextMsid++, createdAt: physics.timeline.now };
    const constituents = facts.style === 'flexgroup' ? this.newConstituents(facts.aggregates) : [];
    const volume = new SimulatedVolume({ ...facts, ...own, constituents }, { physics, mirrors: this.mirrors });
    this.volumes.set(volume.uuid, volume);
    this.volumesByPath.set(volume.path, volume);
    return volume;
  }

  /** Which policy takes snapshots of a volume from now on. */
  assignSnapshotPolicy(volume: SimulatedVolume, policy: SnapshotPolicy | undefined): void {
    this.snapshotPolicies.find(({ uuid }) => uuid === volume.snapshotPolicy?.uuid)?.remove(volume);
    volume.snapshotPolicy = undefined;
    policy?.add(volume);
  }

  /** Snapshots that mirrors and clones need, and those that are not to expire yet. */
  snapshotIsKept(volume: SimulatedVolume, uuid: string): boolean {
    const expiresAt = volume.expiries.get(uuid) ?? Number.NEGATIVE_INFINITY;
    return this.mirrors.isKept(volume, uuid) || expiresAt > this.physics.timeline.now;
  }

  renameVolume(volume: SimulatedVolume, name: string): void {
    this.volumesByPath.delete(volume.path);
    volume.name = name;
    this.volumesByPath.set(volume.path, volume);
  }

  /** Gives it to another SVM. */
  rehostVolume(volume: SimulatedVolume, svm: Svm): void {
    this.volumesByPath.delete(volume.path);
    volume.svm = svm;
    this.volumesByPath.set(volume.path, volume);
  }

  removeVolume(volume: SimulatedVolume): void {
    this.volumes.delete(volume.uuid);
    this.volumesByPath.delete(volume.path);
    this.assignSnapshotPolicy(volume, undefined);
    volume.leaveParent();
  }

  newConstituents(aggregates: readonly Aggregate[]): ConstituentFacts[] {
    return aggregates.map((aggregate) => ({ uuid: this.physics.random.uuid(), msid: this.nextMsid++, aggregate }));
  }

  /** Dies or revives; nothing happens when it is so already. */
  live(alive: boolean): void {
    this.physics.settle();
    if (this.alive === alive) return;
    this.alive = alive;
    this.revivesAt = undefined;
    if (alive) this.mirrors.clusterRevived(this);
    else this.mirrors.clusterDied(this);
    for (const watcher of this.lifeWatchers) watcher();
  }

  /** Dies, and revives after a while; one that is dead stays so for that long. */
  goneFor(ms: number): void {
    this.live(false);
    const { timeline } = this.physics;
    this.revivesAt = timeline.now + ms;
    timeline.after(ms, reviving({ cluster: this, at: this.revivesAt }));
    for (const watcher of this.lifeWatchers) watcher();
  }

  /** Calls `watcher` after every change of its life. */
  watchLife(watcher: () => void): void {
    this.lifeWatchers.add(watcher);
  }

  /** True when data can flow between the two: both live, and peered unless they are one. */
  reaches(other: ClusterState): boolean {
    if (other === this) return this.alive;
    return this.alive && other.alive && this.isPeerOf(other) && other.isPeerOf(this);
  }

  /** Its own half of the peering with another was accepted. */
  isPeerOf(other: ClusterState): boolean {
    return this.peers.some(({ cluster, inUse }) => cluster === other && inUse);
  }

  /** Makes its own half of a peering, done and accepted. */
  addPeer(other: ClusterState): void {
    this.peers.push({
      uuid: this.physics.random.uuid(),
      name: other.name,
      cluster: other,
      state: 'ok',
      inUse: true,
      digest: undefined,
      expiresAt: undefined,
      encrypted: true,
      applications: ['snapmirror'],
    });
  }

  usedBytes(aggregate: Aggregate): number {
    let used = 0;
    for (const volume of this.volumes.values()) {
      if (volume.style === 'flexvol') used += volume.aggregates.includes(aggregate) ? volume.ownBytes() : 0;
      else for (const one of volume.constituents) used += one.aggregate === aggregate ? one.usedBytes() : 0;
    }
    return Math.floor(used);
  }

  /** A job whose work is done after the usual time, or a multiple of it; its SVM is the order's unless given. */
  startJob(order: JobOrder, run: JobPlan['run'], svm: Svm | undefined = order.svm, steps = 1): Job {
    const plan = { description: order.description, svm: svm?.name, run };
    return this.jobs.start(plan, steps * this.physics.operationMs, order.jobFault);
  }

  /** What a job fails with when its work was refused. */
  jobError(error: unknown): JobError {
    return jobError(error, this.physics.switches);
  }

  startFailingJob(order: JobOrder, refusal: Refusal): Job {
    const run = failing({ physics: this.physics, error: this.jobError(refusal) });
    const plan = { description: order.description, svm: order.svm?.name, run };
    return this.jobs.start(plan, this.physics.operationMs, undefined);
  }

  /** A peer SVM keeps its name where no other SVM goes by it; else it gets a number, as `svm1.1`. */
  freeAlias(name: string, peerSvm: Svm): string {
    const others = this.svmPeers.filter((known) => known.peerSvm !== peerSvm);
    const taken = new Set([...this.svms.map((svm) => svm.name), ...others.map(({ alias }) => alias)]);
    if (!taken.has(name)) return name;
    for (let number = 1; ; number++) if (!taken.has(`${name}.${number}`)) return `${name}.${number}`;
  }

  private addRootVolume(svm: Svm): void {
    this.addVolume({
      svm,
      name: `${svm.name}_root`,
      type: 'rw',
      style: 'flexvol',
      sizeBytes: 1024 * MIB,
      aggregates: this.aggregates.slice(0, 1),
      isSvmRoot: true,
      junctionPath: '/',
    });
  }
}

const reviving = later(
  'cluster: revive',
  ({ cluster, at }: { readonly cluster: ClusterState; readonly at: number }) => {
    if (cluster.revivesAt === at) cluster.live(true);
  },
);

const failing = later(
  'job: fail',
  ({ physics, error }: { readonly physics: Physics; readonly error: JobError }, job: Job) =>
    job.fail(physics.timeline.now, error),
);

/** Which built-in policies have a schedule is not certain. */
function asSwitched(rules: PolicyRules, { builtInPolicySchedules }: Switches): PolicyRules {
  if (builtInPolicySchedules === 'documented') return rules;
  const { transferSchedule: _, ...others } = rules;
  return others;
}

function versionOf(text: string): ClusterState['version'] {
  const [generation = 9, major = 14, minor = 1] = text.split('.').map(Number);
  return { full: `NetApp Release ${text}: Thu Jan 18 05:12:01 UTC 2024`, generation, major, minor };
}
