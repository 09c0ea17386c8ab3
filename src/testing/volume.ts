/** A volume of the simulated ONTAP: its REST attributes, over real content in the WAFL model. */
import { createHash } from 'node:crypto';
import { BLOCK_SIZE } from '../core/wafl/blocks.ts';
import type { SnapshotInfo, VolumeView } from '../core/wafl/view.ts';
import { WaflVolume } from '../core/wafl/volume.ts';
import { VolumeModelError } from '../errors.ts';
import type { JsonTree } from './http/json-tree.ts';
import type { Physics } from './physics.ts';
import type { Aggregate, Svm } from './svm.ts';
import type { VolumeMove } from './volume-move.ts';

/** `type` of a volume. */
export type VolumeType = 'rw' | 'dp';
/** `style` of a volume. */
export type VolumeStyle = 'flexvol' | 'flexgroup';
/** `state` of a volume. */
export type VolumeState = 'online' | 'offline' | 'restricted' | 'mixed';

export interface VolumeFacts {
  readonly uuid: string;
  readonly msid: number;
  readonly svm: Svm;
  readonly name: string;
  readonly type: VolumeType;
  readonly style: VolumeStyle;
  readonly sizeBytes: number;
  /** Of a FlexVol; a FlexGroup is where its constituents are. */
  readonly aggregates: readonly Aggregate[];
  readonly constituents?: readonly ConstituentFacts[];
  readonly createdAt: number;
  readonly isSvmRoot?: boolean;
  readonly junctionPath?: string | undefined;
  readonly encrypted?: boolean;
  /** Further fields of the REST record, as they were given. */
  readonly settings?: JsonTree;
}

export interface ConstituentFacts {
  readonly uuid: string;
  readonly msid: number;
  readonly aggregate: Aggregate;
}

/**
 * One of the FlexVols that a FlexGroup is made of. Hosts see the group's one name space; each file lives in the constituent
 * that its inode number falls to, and the group's size is shared out evenly.
 */
export class Constituent implements ConstituentFacts {
  readonly uuid: string;
  readonly msid: number;
  readonly aggregate: Aggregate;
  readonly group: SimulatedVolume;
  /** From 0. */
  readonly index: number;

  constructor(group: SimulatedVolume, index: number, facts: ConstituentFacts) {
    this.uuid = facts.uuid;
    this.msid = facts.msid;
    this.aggregate = facts.aggregate;
    this.group = group;
    this.index = index;
  }

  /** `group__0001` */
  get name(): string {
    return `${this.group.name}__${String(this.index + 1).padStart(4, '0')}`;
  }

  /** Its size in bytes. */
  get sizeBytes(): number {
    return Math.floor(this.group.sizeBytes / this.group.constituents.length);
  }

  /** What its content takes, in bytes. */
  usedBytes(): number {
    return this.group.usedBytesOfConstituents()[this.index] ?? 0;
  }
}

/** What a FlexClone is a clone of, until it has been split off. */
export interface CloneOrigin {
  readonly parent: SimulatedVolume;
  /** By uuid; both volumes have it, and neither may delete it. */
  readonly snapshot: SnapshotInfo;
  /** What it shares with its parent: takes no room of its own. */
  readonly sharedBytes: number;
  split: CloneSplit | undefined;
}

/** A split that is going on. */
export interface CloneSplit {
  readonly startedAt: number;
  readonly durationMs: number;
  readonly cancel: () => void;
}

/** What a volume needs of the world around it. */
export interface VolumeSurroundings {
  readonly physics: Physics;
  readonly mirrors: Mirrors;
}

/** Those who follow what hosts write. */
export interface Mirrors {
  /** Why hosts may not write to the volume now. */
  writesRefused(volume: SimulatedVolume): string | undefined;
  /** Called after every change made by a host. */
  volumeChanged(volume: SimulatedVolume): void;
}

/** A snapshot, readable. */
export interface SimulatedSnapshot extends SnapshotInfo {
  /** Bytes of a file in it. */
  read(path: string, offset?: number, length?: number): Uint8Array;
  /** Paths of the files in it. */
  files(): string[];
  /** As `SimulatedVolume.digest`, of the snapshot. */
  digest(): string;
}

/** A simulated volume, as a host that mounts it sees it. */
export class SimulatedVolume {
  readonly uuid: string;
  /** Number in names of SnapMirror's snapshots. */
  readonly msid: number;
  /** A rehost changes it. */
  svm: Svm;
  readonly style: VolumeStyle;
  readonly createdAt: number;
  readonly isSvmRoot: boolean;
  name: string;
  encrypted: boolean;
  settings: JsonTree;
  /** Jobs on their way that take it online or offline. */
  stateChanges = 0;
  /** The policy by which snapshots are taken of it. */
  snapshotPolicy: { readonly name: string; readonly uuid: string } | undefined;
  /** Until when a snapshot may not be deleted, in epoch milliseconds, by its uuid. */
  readonly expiries = new Map<string, number>();
  /** Of a FlexClone. */
  origin: CloneOrigin | undefined;
  /** The last move to another aggregate. */
  move: VolumeMove | undefined;
  /** The FlexClones that share blocks with its snapshots. */
  readonly clones = new Set<SimulatedVolume>();
  /** False for a dp volume to which nothing was transferred yet: it has no file system to mount. */
  initialized: boolean;
  private ownType: VolumeType;
  private ownState: VolumeState = 'online';
  private ownJunctionPath: string | undefined;
  private ownSizeBytes: number;
  private model: WaflVolume | undefined;
  private ownAggregates: readonly Aggregate[];
  private ownConstituents: readonly Constituent[];
  private readonly surroundings: VolumeSurroundings;

  constructor(facts: VolumeFacts, surroundings: VolumeSurroundings) {
    this.uuid = facts.uuid;
    this.msid = facts.msid;
    this.svm = facts.svm;
    this.name = facts.name;
    this.ownType = facts.type;
    this.style = facts.style;
    this.ownAggregates = facts.aggregates;
    this.ownConstituents = (facts.constituents ?? []).map((one, index) => new Constituent(this, index, one));
    this.createdAt = facts.createdAt;
    this.isSvmRoot = facts.isSvmRoot ?? false;
    this.ownJunctionPath = facts.junctionPath;
    this.encrypted = facts.encrypted ?? false;
    this.settings = facts.settings ?? {};
    this.initialized = facts.type === 'rw';
    this.ownSizeBytes = facts.sizeBytes;
    this.surroundings = surroundings;
  }

  /** `svm1:vol1` */
  get path(): string {
    return `${this.svm.name}:${this.name}`;
  }

  /** Where it is; each once. */
  get aggregates(): readonly Aggregate[] {
    if (this.style === 'flexvol') return this.ownAggregates;
    return [...new Set(this.ownConstituents.map(({ aggregate }) => aggregate))];
  }

  /** A move has brought it there. */
  relocate(aggregates: readonly Aggregate[]): void {
    this.ownAggregates = aggregates;
  }

  /** Of a FlexGroup; none of a FlexVol. */
  get constituents(): readonly Constituent[] {
    return this.ownConstituents;
  }

  /** Each new constituent is as large as the others: the group grows. */
  expand(added: readonly ConstituentFacts[]): void {
    const each = this.ownSizeBytes / this.ownConstituents.length;
    const before = this.ownConstituents.length;
    const made = added.map((one, index) => new Constituent(this, before + index, one));
    this.ownConstituents = [...this.ownConstituents, ...made];
    this.sizeBytes = Math.floor(each * this.ownConstituents.length);
  }

  /** `rw`, or `dp` while it is the destination of a mirror. */
  get type(): VolumeType {
    this.surroundings.physics.settle();
    return this.ownType;
  }

  /** Set by SnapMirror: a break makes it `rw`, a resync `dp`. */
  set type(type: VolumeType) {
    this.ownType = type;
  }

  /** Whether it is online. */
  get state(): VolumeState {
    this.surroundings.physics.settle();
    return this.ownState;
  }

  /** As an administrator takes it offline and online. */
  set state(state: VolumeState) {
    this.ownState = state;
  }

  /** Where it is mounted; undefined = nowhere. */
  get junctionPath(): string | undefined {
    this.surroundings.physics.settle();
    return this.ownJunctionPath;
  }

  /** Mounts it, or, with undefined, unmounts it. */
  set junctionPath(path: string | undefined) {
    this.ownJunctionPath = path;
  }

  /** Its size in bytes. */
  get sizeBytes(): number {
    this.surroundings.physics.settle();
    return this.ownSizeBytes;
  }

  /** Resizes it. */
  set sizeBytes(sizeBytes: number) {
    this.model?.setCapacity(Math.floor(sizeBytes / BLOCK_SIZE));
    this.ownSizeBytes = sizeBytes;
  }

  /** The volume model underneath: for transfers, which change what hosts cannot. */
  get content(): WaflVolume {
    this.model ??= new WaflVolume({ capacityBlocks: Math.floor(this.ownSizeBytes / BLOCK_SIZE) });
    return this.model;
  }

  /** What its content takes, in bytes. */
  usedBytes(): number {
    return this.model === undefined ? 0 : this.model.usage().usedBlocks * BLOCK_SIZE;
  }

  /** What each constituent holds: its files by inode number, and an even share of what no file holds (snapshots, metafiles). */
  usedBytesOfConstituents(): number[] {
    const count = this.constituents.length;
    const used: number[] = new Array(count).fill(0);
    for (const { number, type, sizeBytes } of this.model?.activeView().inodes() ?? []) {
      if (type === 'file')
        used[number % count] = (used[number % count] ?? 0) + Math.ceil(sizeBytes / BLOCK_SIZE) * BLOCK_SIZE;
    }
    const total = this.usedBytes();
    const files = used.reduce((sum, bytes) => sum + bytes, 0);
    // Holes and shared blocks make files larger than what they hold.
    const scale = files > total ? total / files : 1;
    const rest = Math.max(0, total - files) / count;
    return used.map((bytes) => Math.floor(bytes * scale + rest));
  }

  /** A FlexClone: what it has written itself, beside what it shares with its parent. */
  ownBytes(): number {
    return Math.max(0, this.usedBytes() - (this.origin?.sharedBytes ?? 0));
  }

  /** Makes this new volume a FlexClone of another's snapshot. @throws VolumeModelError `WAFL_NO_SPACE` */
  becomeCloneOf(parent: SimulatedVolume, snapshot: SnapshotInfo): void {
    this.model = parent.content.clone(snapshot.name, { capacityBlocks: Math.floor(this.ownSizeBytes / BLOCK_SIZE) });
    this.origin = { parent, snapshot, sharedBytes: this.usedBytes(), split: undefined };
    parent.clones.add(this);
  }

  /** Ends what it shares with its parent: it was split off, or it is deleted. */
  leaveParent(): void {
    this.origin?.split?.cancel();
    this.origin?.parent.clones.delete(this);
    this.origin = undefined;
  }

  /** True for a snapshot that this volume shares with a clone of it, or with its parent. */
  sharesSnapshot(uuid: string): boolean {
    return this.origin?.snapshot.uuid === uuid || this.isParentAt(uuid);
  }

  /** Whether a clone of this volume rests on that snapshot. */
  isParentAt(uuid: string): boolean {
    for (const clone of this.clones) if (clone.origin?.snapshot.uuid === uuid) return true;
    return false;
  }

  // ---- as a host sees it

  /**
   * Writes to a file, making it and the directories above it where missing.
   * @throws VolumeModelError `WAFL_INVALID` on a dp volume, which hosts may only read, when offline, and when StrictSync
   *   forbids it
   */
  write(path: string, offset: number, bytes: Uint8Array): void {
    this.writable();
    const at = absolute(path);
    if (!this.content.exists(at)) {
      const parts = at.split('/').slice(1, -1);
      parts.forEach((_, index) => {
        const directory = `/${parts.slice(0, index + 1).join('/')}`;
        if (!this.content.exists(directory)) this.content.mkdir(directory);
      });
      this.content.create(at);
    }
    this.content.write(at, offset, bytes, { mtime: this.surroundings.physics.timeline.now });
    this.surroundings.mirrors.volumeChanged(this);
  }

  /** Any change that a host may make to its files. @throws VolumeModelError as `write`, and as the change does */
  edit(change: (content: WaflVolume) => void): void {
    this.writable();
    change(this.content);
    this.surroundings.mirrors.volumeChanged(this);
  }

  /** Removes a file. */
  remove(path: string): void {
    this.writable();
    this.content.remove(absolute(path));
    this.surroundings.mirrors.volumeChanged(this);
  }

  /** Makes a hole: the blocks that lie in it whole are given back. */
  punch(path: string, offset: number, length: number): void {
    this.writable();
    this.content.punchHole(absolute(path), offset, length, { mtime: this.surroundings.physics.timeline.now });
    this.surroundings.mirrors.volumeChanged(this);
  }

  /** Content from `offset` on, cut off at the end of the file. */
  read(path: string, offset?: number, length?: number): Uint8Array {
    return this.readable().read(absolute(path), offset, length);
  }

  /** Paths of all files, sorted. */
  files(): string[] {
    return filesOf(this.readable());
  }

  /** SHA-256 over names, sizes and content of the active file system, in hex. */
  digest(): string {
    return digestOf(this.readable());
  }

  // ---- snapshots

  /** Names, oldest first. */
  snapshots(): string[] {
    this.surroundings.physics.settle();
    return this.snapshotInfos().map(({ name }) => name);
  }

  /** @throws VolumeModelError `WAFL_NOT_FOUND` */
  snapshot(name: string): SimulatedSnapshot {
    this.surroundings.physics.settle();
    const view = this.content.snapshotView(name);
    return {
      ...this.snapshotInfo(name),
      read: (path, offset, length) => view.read(absolute(path), offset, length),
      files: () => filesOf(view),
      digest: () => digestOf(view),
    };
  }

  /** @throws VolumeModelError `WAFL_EXISTS`; `WAFL_INVALID` on a dp volume */
  createSnapshot(name: string, facts: { readonly label?: string; readonly comment?: string } = {}): SnapshotInfo {
    this.writable();
    return this.takeSnapshot(name, facts);
  }

  /** As `createSnapshot`, for SnapMirror. */
  takeSnapshot(name: string, facts: { readonly label?: string; readonly comment?: string } = {}): SnapshotInfo {
    const { label, comment } = facts;
    const created = {
      uuid: this.surroundings.physics.random.uuid(),
      createdAt: this.surroundings.physics.timeline.now,
    };
    return this.content.createSnapshot(name, { ...created, label, comment });
  }

  /** The facts of a snapshot, by its name. */
  snapshotInfo(name: string): SnapshotInfo {
    const info = this.snapshotInfos().find((snapshot) => snapshot.name === name);
    if (!info) throw new VolumeModelError('WAFL_NOT_FOUND', `no snapshot ${name} in ${this.path}`);
    return info;
  }

  /** All of them, oldest first, as they are without letting anything happen first. */
  snapshotInfos(): readonly SnapshotInfo[] {
    return this.model?.snapshots() ?? [];
  }

  /** The facts of a snapshot, by its uuid. */
  snapshotByUuid(uuid: string): SnapshotInfo | undefined {
    return this.snapshotInfos().find((snapshot) => snapshot.uuid === uuid);
  }

  private writable(): void {
    this.surroundings.physics.settle();
    if (this.ownState !== 'online')
      throw new VolumeModelError('WAFL_INVALID', `volume ${this.path} is ${this.ownState}`);
    if (this.ownType === 'dp') throw new VolumeModelError('WAFL_INVALID', `volume ${this.path} is read-only (type dp)`);
    const reason = this.surroundings.mirrors.writesRefused(this);
    if (reason) throw new VolumeModelError('WAFL_INVALID', `volume ${this.path} takes no writes: ${reason}`);
  }

  private readable(): VolumeView {
    this.surroundings.physics.settle();
    return this.content.activeView();
  }
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function filesOf(view: VolumeView): string[] {
  return [...view.walk()].filter(({ inode }) => inode.type === 'file').map(({ path }) => path);
}

const DIGEST_CHUNK_BYTES = 1 << 20;

function digestOf(view: VolumeView): string {
  const hash = createHash('sha256');
  for (const { path, inode } of view.walk()) {
    hash.update(`${inode.type} ${JSON.stringify(path)} ${inode.sizeBytes}\n`);
    if (inode.type === 'directory') continue;
    for (let at = 0; at < inode.sizeBytes; at += DIGEST_CHUNK_BYTES) {
      hash.update(view.read(inode.number, at, DIGEST_CHUNK_BYTES));
    }
  }
  return hash.digest('hex');
}
