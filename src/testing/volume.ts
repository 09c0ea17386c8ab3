/** A volume of the simulated ONTAP: its REST attributes, over real content in the WAFL model. */
import { createHash } from 'node:crypto';
import type { SnapshotInfo, VolumeView } from '../core/wafl/view.ts';
import { WaflVolume } from '../core/wafl/volume.ts';
import { VolumeModelError } from '../errors.ts';
import type { JsonTree } from './http/json-tree.ts';
import type { Aggregate, Svm } from './svm.ts';

/** `type` of a volume. */
export type VolumeType = 'rw' | 'dp';
/** `style` of a volume. */
export type VolumeStyle = 'flexvol' | 'flexgroup';
/** `state` of a volume. */
export type VolumeState = 'online' | 'offline' | 'restricted';

export interface VolumeFacts {
  readonly uuid: string;
  readonly msid: number;
  readonly svm: Svm;
  readonly name: string;
  readonly type: VolumeType;
  readonly style: VolumeStyle;
  readonly sizeBytes: number;
  readonly aggregates: readonly Aggregate[];
  readonly createdAt: number;
  readonly isSvmRoot?: boolean;
  readonly junctionPath?: string | undefined;
  readonly encrypted?: boolean;
  /** Further fields of the REST record, as they were given. */
  readonly settings?: JsonTree;
}

/** What a volume needs of the world around it. */
export interface VolumeSurroundings {
  now(): number;
  newUuid(): string;
  /** Lets everything happen that is due, so that what is read is what is there now. */
  settle(): void;
  /** Why hosts may not write now. */
  writesRefused(volume: SimulatedVolume): string | undefined;
  /** Called after every change made by a host. */
  changed(volume: SimulatedVolume): void;
}

/** A snapshot, readable. */
export interface SimulatedSnapshot extends SnapshotInfo {
  read(path: string, offset?: number, length?: number): Uint8Array;
  files(): string[];
  /** As `SimulatedVolume.digest`, of the snapshot. */
  digest(): string;
}

const BLOCK_BYTES = 4096;

/** A simulated volume, as a host that mounts it sees it. */
export class SimulatedVolume {
  readonly uuid: string;
  /** Number in names of SnapMirror's snapshots. */
  readonly msid: number;
  readonly svm: Svm;
  readonly style: VolumeStyle;
  readonly aggregates: readonly Aggregate[];
  readonly createdAt: number;
  readonly isSvmRoot: boolean;
  name: string;
  encrypted: boolean;
  settings: JsonTree;
  /** Jobs on their way that take it online or offline. */
  stateChanges = 0;
  /** False for a dp volume to which nothing was transferred yet: it has no file system to mount. */
  initialized: boolean;
  #type: VolumeType;
  #state: VolumeState = 'online';
  #junctionPath: string | undefined;
  #sizeBytes: number;
  #content: WaflVolume | undefined;
  readonly #surroundings: VolumeSurroundings;

  constructor(facts: VolumeFacts, surroundings: VolumeSurroundings) {
    this.uuid = facts.uuid;
    this.msid = facts.msid;
    this.svm = facts.svm;
    this.name = facts.name;
    this.#type = facts.type;
    this.style = facts.style;
    this.aggregates = facts.aggregates;
    this.createdAt = facts.createdAt;
    this.isSvmRoot = facts.isSvmRoot ?? false;
    this.#junctionPath = facts.junctionPath;
    this.encrypted = facts.encrypted ?? false;
    this.settings = facts.settings ?? {};
    this.initialized = facts.type === 'rw';
    this.#sizeBytes = facts.sizeBytes;
    this.#surroundings = surroundings;
  }

  /** `svm1:vol1` */
  get path(): string {
    return `${this.svm.name}:${this.name}`;
  }

  get type(): VolumeType {
    this.#surroundings.settle();
    return this.#type;
  }

  set type(type: VolumeType) {
    this.#type = type;
  }

  get state(): VolumeState {
    this.#surroundings.settle();
    return this.#state;
  }

  set state(state: VolumeState) {
    this.#state = state;
  }

  get junctionPath(): string | undefined {
    this.#surroundings.settle();
    return this.#junctionPath;
  }

  set junctionPath(path: string | undefined) {
    this.#junctionPath = path;
  }

  get sizeBytes(): number {
    this.#surroundings.settle();
    return this.#sizeBytes;
  }

  set sizeBytes(sizeBytes: number) {
    this.#content?.setCapacity(Math.floor(sizeBytes / BLOCK_BYTES));
    this.#sizeBytes = sizeBytes;
  }

  /** The volume model underneath: for transfers, which change what hosts cannot. */
  get content(): WaflVolume {
    this.#content ??= new WaflVolume({ capacityBlocks: Math.floor(this.#sizeBytes / BLOCK_BYTES) });
    return this.#content;
  }

  usedBytes(): number {
    return this.#content === undefined ? 0 : this.#content.usage().usedBlocks * BLOCK_BYTES;
  }

  // ---- as a host sees it

  /**
   * Writes to a file, making it and the directories above it where missing.
   * @throws VolumeModelError `WAFL_INVALID` on a dp volume, which hosts may only read, when offline, and when StrictSync
   *   forbids it
   */
  write(path: string, offset: number, bytes: Uint8Array): void {
    this.#writable();
    const at = absolute(path);
    if (!this.content.exists(at)) {
      const parts = at.split('/').slice(1, -1);
      parts.forEach((_, index) => {
        const directory = `/${parts.slice(0, index + 1).join('/')}`;
        if (!this.content.exists(directory)) this.content.mkdir(directory);
      });
      this.content.create(at);
    }
    this.content.write(at, offset, bytes, { mtime: this.#surroundings.now() });
    this.#surroundings.changed(this);
  }

  remove(path: string): void {
    this.#writable();
    this.content.remove(absolute(path));
    this.#surroundings.changed(this);
  }

  /** Content from `offset` on, cut off at the end of the file. */
  read(path: string, offset?: number, length?: number): Uint8Array {
    return this.#readable().read(absolute(path), offset, length);
  }

  /** Paths of all files, sorted. */
  files(): string[] {
    return filesOf(this.#readable());
  }

  /** SHA-256 over names, sizes and content of the active file system, in hex. */
  digest(): string {
    return digestOf(this.#readable());
  }

  // ---- snapshots

  /** Names, oldest first. */
  snapshots(): string[] {
    this.#surroundings.settle();
    return this.snapshotInfos().map(({ name }) => name);
  }

  /** @throws VolumeModelError `WAFL_NOT_FOUND` */
  snapshot(name: string): SimulatedSnapshot {
    this.#surroundings.settle();
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
    this.#writable();
    return this.takeSnapshot(name, facts);
  }

  /** As `createSnapshot`, for SnapMirror. */
  takeSnapshot(name: string, facts: { readonly label?: string; readonly comment?: string } = {}): SnapshotInfo {
    const { label, comment } = facts;
    const created = { uuid: this.#surroundings.newUuid(), createdAt: this.#surroundings.now() };
    return this.content.createSnapshot(name, { ...created, label, comment });
  }

  snapshotInfo(name: string): SnapshotInfo {
    const info = this.snapshotInfos().find((snapshot) => snapshot.name === name);
    if (!info) throw new VolumeModelError('WAFL_NOT_FOUND', `no snapshot ${name} in ${this.path}`);
    return info;
  }

  /** All of them, oldest first, as they are without letting anything happen first. */
  snapshotInfos(): readonly SnapshotInfo[] {
    return this.#content?.snapshots() ?? [];
  }

  snapshotByUuid(uuid: string): SnapshotInfo | undefined {
    return this.snapshotInfos().find((snapshot) => snapshot.uuid === uuid);
  }

  #writable(): void {
    this.#surroundings.settle();
    if (this.#state !== 'online') throw new VolumeModelError('WAFL_INVALID', `volume ${this.path} is ${this.#state}`);
    if (this.#type === 'dp') throw new VolumeModelError('WAFL_INVALID', `volume ${this.path} is read-only (type dp)`);
    const reason = this.#surroundings.writesRefused(this);
    if (reason) throw new VolumeModelError('WAFL_INVALID', `volume ${this.path} takes no writes: ${reason}`);
  }

  #readable(): VolumeView {
    this.#surroundings.settle();
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
