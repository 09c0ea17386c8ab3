/** What LUNs and NVMe namespaces have in common: where they are, how they are made, cloned and removed. */
import { BLOCK_SIZE } from '../../core/wafl/blocks.ts';
import type { VolumeView } from '../../core/wafl/view.ts';
import type { ClusterState } from '../cluster-state.ts';
import { changing } from '../content-refusal.ts';
import type { Body } from '../http/body.ts';
import type { JsonTree } from '../http/json-tree.ts';
import type { RequestContext } from '../http/resource.ts';
import { timeText } from '../http/time-text.ts';
import { Refusal } from '../refusals.ts';
import type { StorageUnitKind } from '../storage-unit.ts';
import { parseUnitName, StorageUnit, unitAt, unitName, unitOf } from '../storage-unit.ts';
import type { Svm } from '../svm.ts';
import type { SimulatedVolume } from '../volume.ts';

const MOST_BYTES = 128 * 2 ** 40;

/** A place where a unit is or is to be. */
export interface UnitPlace {
  readonly volume: SimulatedVolume;
  /** Within the volume, with a leading slash. */
  readonly path: string;
  readonly name: string;
}

/** Those of the SVM in whose name the request acts. */
export function bySvm({ svm }: RequestContext, units: readonly StorageUnit[]): StorageUnit[] {
  return svm === undefined ? [...units] : units.filter(({ volume }) => volume.svm === svm);
}

export function findUnit(context: RequestContext, kind: StorageUnitKind, uuid: string): StorageUnit | undefined {
  const unit = unitOf(context.cluster, uuid);
  if (unit?.kind !== kind) return undefined;
  return context.svm === undefined || context.svm === unit.volume.svm ? unit : undefined;
}

/** The SVM that a new unit is for. */
export function svmOfUnit(context: RequestContext, body: Body): Svm {
  const named = body.text('svm.name') ?? body.text('svm.uuid');
  if (named === undefined && context.svm === undefined) throw new Refusal('requiredMissing', { name: 'svm.name' });
  const svm =
    named === undefined ? context.svm : context.cluster.svms.find(({ name, uuid }) => name === named || uuid === named);
  if (!svm) throw new Refusal('svmUnknown', { svm: named ?? '' });
  return svm;
}

/** Where the body says that a unit is to be: by its whole name, or by volume and path. */
export function namedPlace(
  cluster: ClusterState,
  svm: Svm,
  body: Body,
  pathField: 'logical_unit' | 'namespace',
): UnitPlace {
  const within = body.text(`location.${pathField}`);
  const volumeName = body.text('location.volume.name');
  const name = body.text('name') ?? (within === undefined ? undefined : `/vol/${volumeName ?? ''}/${within}`);
  if (name === undefined) throw new Refusal('requiredMissing', { name: 'name' });
  const parsed = parseUnitName(name);
  if (!parsed || parsed.snapshot !== undefined) throw new Refusal('unitNameInvalid', { name });
  const volume = cluster.findVolume(svm, parsed.volume);
  if (!volume) throw new Refusal('unitVolumeMissing', { volume: parsed.volume, svm: svm.name });
  return { volume, path: parsed.path, name };
}

/** Units are made only in writable FlexVols. */
export function checkHome(volume: SimulatedVolume): void {
  if (volume.style === 'flexgroup') throw new Refusal('notSimulated', { what: 'LUNs in a FlexGroup' });
  if (volume.state !== 'online') throw new Refusal('unitVolumeOffline', { volume: volume.name });
  if (volume.type === 'dp') throw new Refusal('unitVolumeReadOnly', { volume: volume.name });
}

/** @throws Refusal when no size, or none that can be, was given */
export function sizeFromBody(body: Body): number {
  body.require('space.size');
  const sizeBytes = body.number('space.size') ?? 0;
  if (sizeBytes < BLOCK_SIZE || sizeBytes > MOST_BYTES) {
    throw new Refusal('invalidValue', { value: sizeBytes, name: 'space.size', expected: '<4KB..128TB>' });
  }
  return sizeBytes;
}

interface NewUnit extends UnitPlace {
  readonly kind: StorageUnitKind;
  readonly osType: string;
  readonly sizeBytes: number;
  readonly comment?: string | undefined;
}

/** A unit over a file, which is made where it is not there yet. */
export function makeUnit(cluster: ClusterState, unit: NewUnit): StorageUnit {
  const { kind, volume, path, osType, sizeBytes, comment } = unit;
  checkHome(volume);
  if (!volume.content.exists(path)) {
    makeFile(volume, path, () => {
      volume.content.create(path);
      volume.content.truncate(path, sizeBytes);
    });
  } else if (volume.content.lookup(path)?.type !== 'file') {
    throw new Refusal('fileIsDirectory', { path: path.slice(1) });
  }
  const { random, timeline } = cluster.physics;
  const uuid = random.uuid();
  const serial = serialOf(uuid);
  const made = new StorageUnit({ uuid, kind, volume, path, osType, serial, createdAt: timeline.now, comment });
  cluster.storageUnits.set(uuid, made);
  return made;
}

interface CloneOrder {
  readonly kind: StorageUnitKind;
  readonly svm: Svm;
  /** Name (also within a snapshot) or uuid of the source. */
  readonly source: string;
  readonly place: UnitPlace;
}

/** Only within one volume; the clone shares the blocks of its source. */
export function cloneUnit(context: RequestContext, { kind, svm, source, place }: CloneOrder): StorageUnit {
  const { cluster } = context;
  const byUuid = cluster.storageUnits.get(source);
  const parsed = byUuid === undefined ? parseUnitName(source) : { volume: byUuid.volume.name, path: byUuid.path };
  const volume = parsed && cluster.findVolume(svm, parsed.volume);
  if (!parsed || !volume) throw new Refusal('cloneSourceMissing', { source });
  if (volume !== place.volume) throw new Refusal('cloneAcrossVolumes', { source, destination: place.name });
  checkHome(volume);
  const of = parsed.snapshot === undefined ? volume.content.activeView() : snapshotOf(volume, parsed.snapshot, source);
  if (of.lookup(parsed.path)?.type !== 'file') throw new Refusal('cloneSourceMissing', { source });
  const unit = unitAt(cluster, volume, parsed.path);
  if (parsed.snapshot === undefined && unit?.kind !== kind) throw new Refusal('cloneSourceMissing', { source });
  if (volume.content.exists(place.path)) throw new Refusal('cloneTargetExists', { name: place.name });
  makeFile(volume, place.path, () => {
    if (parsed.snapshot === undefined) volume.content.cloneFile(parsed.path, place.path);
    else copyBlocks(of, parsed.path, volume, place.path);
  });
  const sizeBytes = of.lookup(parsed.path)?.sizeBytes ?? 0;
  const clone = makeUnit(cluster, { kind, ...place, osType: unit?.osType ?? 'linux', sizeBytes });
  clone.isClone = true;
  return clone;
}

function snapshotOf(volume: SimulatedVolume, name: string, source: string): VolumeView {
  if (!volume.snapshotInfos().some((snapshot) => snapshot.name === name)) {
    throw new Refusal('cloneSourceMissing', { source });
  }
  return volume.content.snapshotView(name);
}

/** @throws Refusal when the volume does not allow it, or the size is none that can be */
export function resizeUnit(unit: StorageUnit, body: Body): void {
  const sizeBytes = sizeFromBody(body);
  changing(unit.path, () => unit.volume.content.truncate(unit.path, sizeBytes));
}

/** Gives it another name in its volume. The directories above must be there. */
export function renameUnit(unit: StorageUnit, path: string): void {
  checkHome(unit.volume);
  changing(path, () => unit.volume.content.rename(unit.path, path));
  unit.path = path;
}

export function removeUnit(cluster: ClusterState, unit: StorageUnit): void {
  cluster.storageUnits.delete(unit.uuid);
  for (const { volume, path } of [unit, ...(unit.movedFrom ? [unit.movedFrom] : [])]) {
    if (volume.content.exists(path)) volume.content.remove(path);
  }
}

/** Copies a whole file of the active file system, holes kept. The target is new. */
export function copyFile(from: SimulatedVolume, path: string, to: SimulatedVolume, target: string): void {
  makeFile(to, target, () => copyBlocks(from.content.activeView(), path, to, target));
}

export function copyBlocks(view: VolumeView, path: string, to: SimulatedVolume, target: string): void {
  const sizeBytes = view.lookup(path)?.sizeBytes ?? 0;
  if (!to.content.exists(target)) to.content.create(target);
  view.visitBlocks(path, (vvbn, level, fbn) => {
    if (level === 0) to.content.write(target, fbn * BLOCK_SIZE, view.content(vvbn));
  });
  to.content.truncate(target, sizeBytes);
}

/**
 * A new file, and the directories above it where they are missing.
 * @throws Refusal when the volume does not allow it; nothing is left of it then
 */
export function makeFile({ content }: SimulatedVolume, path: string, make: () => void): void {
  const parts = path.split('/').slice(1, -1);
  const made: string[] = [];
  let existed = true;
  changing(path, () => {
    try {
      existed = content.exists(path);
      for (const index of parts.keys()) {
        const directory = `/${parts.slice(0, index + 1).join('/')}`;
        if (content.exists(directory)) continue;
        content.mkdir(directory);
        made.unshift(directory);
      }
      make();
    } catch (error) {
      if (!existed && content.exists(path)) content.remove(path);
      for (const directory of made) content.remove(directory);
      throw error;
    }
  });
}

/** The fields that LUNs and namespaces share. */
export function unitView(unit: StorageUnit, { cluster }: RequestContext): JsonTree {
  const { volume } = unit;
  return {
    uuid: unit.uuid,
    name: unitName(volume, unit.path),
    svm: { uuid: volume.svm.uuid, name: volume.svm.name },
    os_type: unit.osType,
    create_time: timeText(unit.createdAt),
    auto_delete: false,
    ...(unit.isClone ? { clone: { created_as_clone: true } } : {}),
    space: {
      size: unit.sizeBytes,
      used: unit.usedBytes,
      guarantee: { requested: false, reserved: false },
    },
    status: {
      state: volume.state === 'online' && unit.enabled ? 'online' : 'offline',
      container_state: volume.state === 'online' ? 'online' : 'volume_offline',
      mapped: false,
      read_only: volume.type === 'dp' || !cluster.has(volume),
    },
  };
}

const SERIAL_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Twelve characters, as ONTAP's. */
function serialOf(uuid: string): string {
  const digits = uuid.replaceAll('-', '');
  return Array.from({ length: 12 }, (_, index) => {
    const value = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
    return SERIAL_LETTERS[value % SERIAL_LETTERS.length];
  }).join('');
}
