/** /storage/volumes: ONTAP's rules of volumes (rest-facts sections 4, 5 and 10). */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import { overlaid, withoutAbsent } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { timeText } from '../http/time-text.ts';
import { Refusal } from '../refusals.ts';
import type { SnapMirror } from '../snapmirror/snapmirror.ts';
import type { Aggregate, Svm } from '../svm.ts';
import type { SimulatedVolume, VolumeState, VolumeStyle, VolumeType } from '../volume.ts';
import * as fields from './rest-fields.ts';

const MIB = 2 ** 20;
const SMALLEST_BYTES = 20 * MIB;
const DEFAULT_RESERVE_PERCENT = 5;

export const volumeResource: Resource<SimulatedVolume> = {
  path: '/storage/volumes',
  schema: schema(fields.VOLUME),
  keys: ['uuid', 'name'],
  arguments: {
    POST: ['validate_only'],
    PATCH: ['validate_only', 'nvfail', 'sizing_method'],
    DELETE: ['force', 'validate_only'],
    GET: ['is_constituent'],
  },
  records: ({ cluster, svm }) => {
    const all = [...cluster.volumes.values()];
    return svm === undefined ? all : all.filter((volume) => volume.svm === svm);
  },
  find: ({ cluster, svm }, key) => {
    const volume = cluster.volumes.get(key);
    return volume && (svm === undefined || volume.svm === svm) ? volume : undefined;
  },
  key: ({ uuid }) => uuid,
  view: viewOf,

  post(context, body) {
    const { cluster } = context;
    const svm = svmOf(context, body);
    refuseUnsimulated(body);
    body.require('name');
    const name = body.text('name') ?? '';
    checkName(name);
    const type = (body.text('type') ?? 'rw') as VolumeType;
    if (type !== 'rw' && type !== 'dp') throw new Refusal('notSimulated', { what: `volumes of type ${type}` });
    const style = (body.text('style') ?? 'flexvol') as VolumeStyle;
    if (style !== 'flexvol' && style !== 'flexgroup') {
      throw new Refusal('invalidValue', { value: style, name: 'style', expected: '<flexvol|flexgroup>' });
    }
    const sizeBytes = body.number('size') ?? body.number('space.size') ?? SMALLEST_BYTES;
    if (sizeBytes < SMALLEST_BYTES) throw new Refusal('volumeTooSmall', { size: sizeBytes });
    if (type === 'dp' && body.has('snapshot_policy')) throw new Refusal('snapshotPolicyOnDp');
    const aggregates = aggregatesOf(cluster, body);
    if (cluster.findVolume(svm, name)) throw new Refusal('volumeNameInUse', { volume: name, svm: svm.name });
    if (validatesOnly(context, body)) return { done: true };
    let made: SimulatedVolume | undefined;
    const job = cluster.startJob(
      context,
      () => {
        if (cluster.findVolume(svm, name)) throw new Refusal('volumeNameInUse', { volume: name, svm: svm.name });
        const junctionPath = type === 'dp' ? undefined : body.text('nas.path');
        if (junctionPath !== undefined) checkJunction(cluster, svm, name, junctionPath);
        made = cluster.addVolume({
          svm,
          name,
          type,
          style,
          sizeBytes,
          aggregates,
          junctionPath,
          encrypted: body.boolean('encryption.enabled') ?? false,
          settings: settingsOf(body),
        });
        if (body.text('state') === 'offline') takeOffline(made);
      },
      svm,
    );
    const query = new URLSearchParams({ name });
    return { done: false, job, record: () => made, location: `/storage/volumes?${query}` };
  },

  patch(context, volume, body) {
    const { cluster } = context;
    refuseUnsimulated(body);
    for (const name of NOT_PATCHABLE) if (body.has(name)) throw new Refusal('fieldNotPatchable', { name });
    if (volume.type === 'dp' && body.has('snapshot_policy')) throw new Refusal('snapshotPolicyOnDp');
    const sizeBytes = body.number('size') ?? body.number('space.size');
    if (sizeBytes !== undefined && sizeBytes < SMALLEST_BYTES) throw new Refusal('volumeTooSmall', { size: sizeBytes });
    const state = body.text('state') as VolumeState | undefined;
    checkName(body.text('name') ?? volume.name);
    if (state !== undefined && !['online', 'offline', 'restricted'].includes(state)) {
      throw new Refusal('invalidValue', { value: state, name: 'state', expected: '<online|offline|restricted>' });
    }
    if (validatesOnly(context, body)) {
      checkChange(context, volume, body, { state, sizeBytes });
      return { done: true };
    }
    if (state !== undefined) volume.stateChanges++;
    const job = cluster.startJob(
      context,
      () => {
        if (!cluster.has(volume)) throw new Refusal('entryMissingInJob', { target: 'uuid' });
        checkChange(context, volume, body, { state, sizeBytes });
        change(volume, body, { state, sizeBytes });
      },
      volume.svm,
    );
    if (state !== undefined) {
      job.onEnd(() => {
        volume.stateChanges--;
      });
    }
    return { done: false, job };
  },

  remove(context, volume) {
    const { cluster } = context;
    const where = { volume: volume.name, svm: volume.svm.name };
    if (volume.stateChanges > 0) throw new Refusal('volumeStateChanging', where);
    const checked = () => {
      if (!cluster.has(volume)) throw new Refusal('entryMissingInJob', { target: 'uuid' });
      if (volume.isSvmRoot) throw new Refusal('rootVolumeKept', where);
      if (volume.junctionPath !== undefined)
        throw new Refusal('volumeMounted', { ...where, path: volume.junctionPath });
      const end = endOfRelationship(context.snapmirror, volume);
      if (end !== undefined) throw new Refusal('volumeInRelationship', { ...where, end });
    };
    if (context.arguments.boolean('validate_only', false)) {
      checked();
      return { done: true };
    }
    // A volume that is online is taken offline first.
    const run = () => {
      checked();
      cluster.volumes.delete(volume.uuid);
    };
    return { done: false, job: cluster.startJob(context, run, volume.svm) };
  },
};

/** Asked for in the query or in the body; then nothing is changed. */
function validatesOnly(context: RequestContext, body: Body): boolean {
  return context.arguments.boolean('validate_only', false) || (body.boolean('validate_only') ?? false);
}

function checkName(name: string): void {
  if (!/^[A-Za-z_]\w{0,202}$/.test(name)) throw new Refusal('volumeNameInvalid', { value: name });
}

interface Change {
  readonly state: VolumeState | undefined;
  readonly sizeBytes: number | undefined;
}

function checkChange(
  { cluster, snapmirror }: RequestContext,
  volume: SimulatedVolume,
  body: Body,
  { state, sizeBytes }: Change,
): void {
  const where = { volume: volume.name, svm: volume.svm.name };
  const name = body.text('name');
  if (name !== undefined && name !== volume.name && cluster.findVolume(volume.svm, name)) {
    throw new Refusal('volumeNameInUse', { volume: name, svm: volume.svm.name });
  }
  if (state !== undefined && state !== 'online') {
    const running = snapmirror.relationshipsOf(volume).some((known) => known.running !== undefined);
    if (running) throw new Refusal('volumeBusy', where);
    if (volume.isSvmRoot) throw new Refusal('rootVolumeKept', where);
  }
  const junctionPath = junctionPathOf(body);
  if (junctionPath) {
    if ((state ?? volume.state) !== 'online') throw new Refusal('volumeOffline', where);
    if (!volume.initialized) throw new Refusal('mountUninitialized', where);
    checkJunction(cluster, volume.svm, volume.name, junctionPath);
  }
  if (sizeBytes !== undefined && sizeBytes < volume.usedBytes())
    throw new Refusal('volumeTooSmall', { size: sizeBytes });
}

function change(volume: SimulatedVolume, body: Body, { state, sizeBytes }: Change): void {
  const junctionPath = junctionPathOf(body);
  if (junctionPath !== undefined) volume.junctionPath = junctionPath === '' ? undefined : junctionPath;
  volume.name = body.text('name') ?? volume.name;
  volume.state = state ?? volume.state;
  if (state === 'offline') takeOffline(volume);
  volume.sizeBytes = sizeBytes ?? volume.sizeBytes;
  volume.encrypted = body.boolean('encryption.enabled') ?? volume.encrypted;
  volume.settings = overlaid(volume.settings, settingsOf(body));
}

/** '' unmounts, and so does null. */
function junctionPathOf(body: Body): string | undefined {
  return body.isNull('nas.path') ? '' : body.text('nas.path');
}

function takeOffline(volume: SimulatedVolume): void {
  volume.state = 'offline';
  volume.junctionPath = undefined;
}

function viewOf(volume: SimulatedVolume, { snapmirror }: RequestContext) {
  const { settings } = volume;
  const online = volume.state === 'online';
  const used = volume.usedBytes();
  const reserve = Number(
    (settings['space'] as SpaceSetting | undefined)?.snapshot?.reserve_percent ?? DEFAULT_RESERVE_PERCENT,
  );
  const afsTotal = Math.floor((volume.sizeBytes * (100 - reserve)) / 100);
  const protectedBy = snapmirror
    .relationshipsOf(volume)
    .some((known) => known.source.volume === volume && known.existsAtSource);
  return withoutAbsent(
    overlaid(
      {
        guarantee: { type: 'volume', honored: true },
        language: 'c.utf_8',
        snapshot_policy: volume.type === 'dp' ? undefined : { name: 'default' },
        efficiency: { dedupe: 'none', compression: 'none', state: 'disabled' },
        space: { snapshot: { reserve_percent: reserve } },
      },
      overlaid(settings, {
        uuid: volume.uuid,
        name: volume.name,
        svm: { name: volume.svm.name, uuid: volume.svm.uuid },
        type: volume.type,
        style: volume.style,
        state: volume.state,
        size: volume.sizeBytes,
        create_time: timeText(volume.createdAt),
        is_svm_root: volume.isSvmRoot,
        msid: volume.msid,
        aggregates: volume.aggregates.map(({ name, uuid }) => ({ name, uuid })),
        error_state: { is_inconsistent: false, has_bad_blocks: false },
        encryption: { enabled: volume.encrypted, state: volume.encrypted ? 'encrypted' : 'unencrypted' },
        nas: { path: volume.junctionPath },
        snapshot_count: volume.snapshotInfos().length,
        snapmirror: { is_protected: protectedBy },
        efficiency: efficiencyOf(volume),
        space: {
          size: volume.sizeBytes,
          ...(online
            ? {
                used,
                available: Math.max(0, afsTotal - used),
                afs_total: afsTotal,
                percent_used: Math.floor((100 * used) / volume.sizeBytes),
              }
            : {}),
        },
      }),
    ),
  );
}

interface SpaceSetting {
  readonly snapshot?: { readonly reserve_percent?: number };
}

function efficiencyOf(volume: SimulatedVolume): Record<string, unknown> {
  const { dedupe = 'none', compression = 'none' } = (volume.settings['efficiency'] ?? {}) as Record<string, string>;
  return {
    state: dedupe === 'none' && compression === 'none' ? 'disabled' : 'enabled',
    volume_path: `/vol/${volume.name}`,
  };
}

/** What is kept as it was given; the rest of a body has meanings of its own. */
function settingsOf(body: Body): Record<string, unknown> {
  const own = new Set(['name', 'svm', 'type', 'style', 'size', 'aggregates', 'state', 'encryption', 'validate_only']);
  return Object.fromEntries(Object.entries(body.tree).filter(([name, value]) => !own.has(name) && value !== null));
}

/** What would have an effect on content or place, and has none here. */
const NOT_SIMULATED: Readonly<Record<string, string>> = {
  clone: 'FlexClone volumes',
  consistency_group: 'consistency groups',
  movement: 'volume moves',
  rebalancing: 'rebalancing',
  snaplock: 'SnapLock',
};

function refuseUnsimulated(body: Body): void {
  for (const [name, what] of Object.entries(NOT_SIMULATED)) {
    if (body.has(name)) throw new Refusal('notSimulated', { what });
  }
}

/** Fields that only a POST may give. */
const NOT_PATCHABLE = ['type', 'style', 'svm', 'aggregates', 'language'];

function svmOf(context: RequestContext, body: Body): Svm {
  const { cluster, svm } = context;
  const name = body.text('svm.name');
  const uuid = body.text('svm.uuid');
  if (svm) {
    if ((name ?? svm.name) !== svm.name || (uuid ?? svm.uuid) !== svm.uuid) {
      throw new Refusal('bodySvmIsNotTunnelSvm', { value: name ?? uuid ?? '' });
    }
    return svm;
  }
  if (uuid === undefined) body.require('svm.name');
  const found = cluster.svms.find((known) => (uuid === undefined ? known.name === name : known.uuid === uuid));
  if (!found) throw new Refusal('svmUnknown', { svm: name ?? uuid ?? '' });
  return found;
}

function aggregatesOf(cluster: ClusterState, body: Body): Aggregate[] {
  const names = [...body.texts('aggregates.name'), ...body.texts('aggregates.uuid')];
  if (names.length === 0) throw new Refusal('requiredMissing', { name: 'aggregates.name' });
  return names.map((name) => {
    const found = cluster.aggregates.find((known) => known.name === name || known.uuid === name);
    if (!found) throw new Refusal('aggregateUnknown');
    return found;
  });
}

function checkJunction(cluster: ClusterState, svm: Svm, volume: string, path: string): void {
  if (!path.startsWith('/')) throw new Refusal('invalidValue', { value: path, name: 'nas.path', expected: '<path>' });
  const taken = [...cluster.volumes.values()].some(
    (other) => other.svm === svm && other.junctionPath === path && other.name !== volume,
  );
  if (taken) throw new Refusal('junctionInUse', { volume, svm: svm.name, path });
}

function endOfRelationship(snapmirror: SnapMirror, volume: SimulatedVolume): 'source' | 'destination' | undefined {
  for (const { source, destination, existsAtSource, existsAtDestination } of snapmirror.relationshipsOf(volume)) {
    if (source.volume === volume && existsAtSource) return 'source';
    if (destination.volume === volume && existsAtDestination) return 'destination';
  }
  return undefined;
}

/** Makes the destination that a relationship asks for with create_destination. */
export function provisionDestination(
  cluster: ClusterState,
  svm: Svm,
  name: string,
  sizeBytes: number,
): SimulatedVolume {
  if (cluster.findVolume(svm, name)) {
    throw new Refusal('destinationNotProvisioned', { reason: `volume ${svm.name}:${name} already exists` });
  }
  const free = (aggregate: Aggregate) => aggregate.sizeBytes - cluster.usedBytes(aggregate);
  const [roomiest] = [...cluster.aggregates].sort((a, b) => free(b) - free(a));
  if (!roomiest || free(roomiest) < sizeBytes) throw new Refusal('destinationHasNoSpace');
  return cluster.addVolume({ svm, name, type: 'dp', style: 'flexvol', sizeBytes, aggregates: [roomiest] });
}
