/** LUNs and NVMe namespaces of the simulated ONTAP: each is a file in its volume, with a name and a geometry of its own. */
import { BLOCK_SIZE } from '../core/wafl/blocks.ts';
import type { DataCopy } from './data-copy.ts';
import type { SimulatedVolume } from './volume.ts';

export type StorageUnitKind = 'lun' | 'namespace';

export interface StorageUnitFacts {
  readonly uuid: string;
  readonly kind: StorageUnitKind;
  readonly volume: SimulatedVolume;
  /** Path within the volume, with a leading slash. */
  readonly path: string;
  readonly osType: string;
  readonly serial: string;
  readonly createdAt: number;
  readonly comment?: string | undefined;
}

export class StorageUnit {
  readonly uuid: string;
  readonly kind: StorageUnitKind;
  readonly osType: string;
  readonly serial: string;
  readonly createdAt: number;
  volume: SimulatedVolume;
  path: string;
  comment: string | undefined;
  enabled = true;
  isClone = false;
  /** The copy that this unit is the destination of. */
  copy: DataCopy | undefined;
  /** The move that brings its data here, the last one when it is over. */
  movement: DataCopy | undefined;
  /** While it moves: where its data still is. */
  movedFrom: { readonly volume: SimulatedVolume; readonly path: string } | undefined;

  constructor(facts: StorageUnitFacts) {
    this.uuid = facts.uuid;
    this.kind = facts.kind;
    this.volume = facts.volume;
    this.path = facts.path;
    this.osType = facts.osType;
    this.serial = facts.serial;
    this.createdAt = facts.createdAt;
    this.comment = facts.comment;
  }

  /** `/vol/vol1/lun1` */
  get name(): string {
    return unitName(this.volume, this.path);
  }

  /** False when its file is gone: a resync or a restore has taken the volume back to before it was made, or a host removed it. */
  get hasFile(): boolean {
    return this.volume.content.lookup(this.path)?.type === 'file';
  }

  get sizeBytes(): number {
    return this.volume.content.lookup(this.path)?.sizeBytes ?? 0;
  }

  get usedBytes(): number {
    let blocks = 0;
    this.volume.content.activeView().visitBlocks(this.path, (_, level) => {
      if (level === 0) blocks++;
    });
    return blocks * BLOCK_SIZE;
  }
}

export function unitName(volume: SimulatedVolume, path: string): string {
  return `/vol/${volume.name}${path}`;
}

/** `/vol/vol1/[.snapshot/S/]path` in its parts; undefined when it is no such name. */
export function parseUnitName(
  name: string,
): { readonly volume: string; readonly snapshot?: string; readonly path: string } | undefined {
  const match = /^\/vol\/([^/]+)(?:\/\.snapshot\/([^/]+))?(\/.+)$/.exec(name);
  const [, volume, snapshot, path] = match ?? [];
  if (volume === undefined || path === undefined || path.endsWith('/')) return undefined;
  return { volume, path, ...(snapshot === undefined ? {} : { snapshot }) };
}

/** Whose LUNs and namespaces they are. */
export interface UnitOwner {
  readonly storageUnits: Map<string, StorageUnit>;
  has(volume: SimulatedVolume): boolean;
}

/** The LUNs or namespaces of a cluster by the SVM's view, in the order of their names. */
export function unitsOf(cluster: UnitOwner, kind: StorageUnitKind): StorageUnit[] {
  return present(cluster)
    .filter((unit) => unit.kind === kind)
    .sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

/** Also the one whose data is still there while it moves. */
export function unitAt(cluster: UnitOwner, volume: SimulatedVolume, path: string): StorageUnit | undefined {
  const isAt = (place: { readonly volume: SimulatedVolume; readonly path: string } | undefined) =>
    place?.volume === volume && place.path === path;
  return present(cluster).find((unit) => isAt(unit) || isAt(unit.movedFrom));
}

export function unitOf(cluster: UnitOwner, uuid: string): StorageUnit | undefined {
  return present(cluster).find((unit) => unit.uuid === uuid);
}

/** Those that are there. What has lost its volume or its file is no unit any more, also when a file of that name comes back. */
function present(cluster: UnitOwner): StorageUnit[] {
  for (const [uuid, unit] of cluster.storageUnits) {
    if (cluster.has(unit.volume) && unit.hasFile) continue;
    unit.copy?.stop();
    unit.movement?.stop();
    cluster.storageUnits.delete(uuid);
  }
  return [...cluster.storageUnits.values()];
}
