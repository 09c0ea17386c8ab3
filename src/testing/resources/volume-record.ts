/** The record of a volume. */
import { type JsonTree, overlaid, withoutAbsent } from '../http/json-tree.ts';
import type { RequestContext } from '../http/resource.ts';
import { timeText } from '../http/time-text.ts';
import { Constituent, type SimulatedVolume } from '../volume.ts';
import { cloneField } from './flexclones.ts';
import { constituentRecord, constituentsField } from './flexgroups.ts';

const DEFAULT_RESERVE_PERCENT = 5;

export function volumeRecord(volume: SimulatedVolume | Constituent, context: RequestContext): JsonTree {
  return volume instanceof Constituent ? constituentRecord(volume) : recordOf(volume, context);
}

/** What the record has for the fields that others filter by. */
export function quickVolumeValues(
  volume: SimulatedVolume | Constituent,
  field: string,
): readonly unknown[] | undefined {
  if (volume instanceof Constituent) return undefined;
  const value = QUICK.get(field)?.(volume);
  return value === undefined || value === null ? (value === undefined ? undefined : []) : [value];
}

/** Null stands for "not set". */
const QUICK: ReadonlyMap<string, (volume: SimulatedVolume) => unknown> = new Map<
  string,
  (volume: SimulatedVolume) => unknown
>([
  ['uuid', ({ uuid }) => uuid],
  ['name', ({ name }) => name],
  ['svm.name', ({ svm }) => svm.name],
  ['svm.uuid', ({ svm }) => svm.uuid],
  ['type', ({ type }) => type],
  ['style', ({ style }) => style],
  ['state', ({ state }) => state],
  ['size', ({ sizeBytes }) => sizeBytes],
  ['space.size', ({ sizeBytes }) => sizeBytes],
  ['is_svm_root', ({ isSvmRoot }) => isSvmRoot],
  ['nas.path', ({ junctionPath }) => junctionPath ?? null],
  ['encryption.enabled', ({ encrypted }) => encrypted],
  ['error_state.is_inconsistent', () => false],
  ['clone.is_flexclone', ({ origin }) => origin !== undefined],
  ['clone.parent_volume.name', ({ origin }) => origin?.parent.name ?? null],
  ['clone.parent_volume.uuid', ({ origin }) => origin?.parent.uuid ?? null],
]);

function recordOf(volume: SimulatedVolume, { cluster, snapmirror }: RequestContext): JsonTree {
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
        efficiency: { dedupe: 'none', compression: 'none', state: 'disabled' },
        space: { snapshot: { reserve_percent: reserve } },
      },
      overlaid(settings, {
        movement: volume.move?.view(),
        uuid: volume.uuid,
        name: volume.name,
        svm: { name: volume.svm.name, uuid: volume.svm.uuid },
        type: volume.type,
        style: volume.style,
        state: volume.state,
        size: volume.sizeBytes,
        create_time: timeText(volume.createdAt),
        clone: cloneField(volume, cluster.physics.timeline.now),
        is_svm_root: volume.isSvmRoot,
        msid: volume.msid,
        aggregates: volume.aggregates.map(({ name, uuid }) => ({ name, uuid })),
        ...(volume.style === 'flexgroup'
          ? { constituent_count: volume.constituents.length, constituents: constituentsField(volume) }
          : {}),
        error_state: { is_inconsistent: false, has_bad_blocks: false },
        encryption: { enabled: volume.encrypted, state: volume.encrypted ? 'encrypted' : 'unencrypted' },
        nas: { path: volume.junctionPath },
        snapshot_policy: volume.type === 'dp' ? undefined : (volume.snapshotPolicy ?? { name: 'none' }),
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
