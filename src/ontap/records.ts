/**
 * Adapter (layer 6): ONTAP's records turned into ours. The generated types end here. A field that we cannot do without and that
 * is missing is `ONTAP_BAD_RESPONSE`, naming it; any other may be absent (object-store ends have no SVM, the source's
 * view no state: defect 36). Unknown fields pass.
 */

import type { PolicyKind } from '../core/mirror/vocabulary.ts';
import { OntapError } from '../errors.ts';
import type { components } from '../netapp-ontap-rest-client/generated.ts';
import { parseMirrorPath } from './mirror-path.ts';
import type {
  Aggregate,
  ClusterPeer,
  KnownDestination,
  MirrorEnd,
  Policy,
  Relationship,
  Snapshot,
  SvmPeer,
  Transfer,
  Volume,
} from './ontap-svm.ts';

type Schemas = components['schemas'];

/** The value, or an error that names the missing field of the record. */
export function needed<T>(value: T | undefined, field: string, record: object): T {
  if (value !== undefined) return value;
  throw new OntapError('ONTAP_BAD_RESPONSE', `the answer lacks the field ${field}`, {
    attempted: 'read a record',
    object: field,
    details: { record },
  });
}

/** Seconds of an ISO 8601 duration of any length: `PT26H`, `P1DT2H3M4.5S`, `P2D` (defect 1). */
export function parseDuration(text: string): number {
  const parts = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text);
  if (parts === null || text === 'P' || text.endsWith('T')) {
    throw new OntapError('ONTAP_BAD_RESPONSE', `"${text}" is not a duration`, { attempted: 'read a duration' });
  }
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** Epoch milliseconds of an RFC 3339 time. */
export function parseTime(text: string): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new OntapError('ONTAP_BAD_RESPONSE', `"${text}" is not a time`, { attempted: 'read a time' });
}

export function volumeOf(record: Schemas['volume']): Volume {
  const { dedupe, compression } = efficiencyOf(record);
  return {
    uuid: needed(record.uuid, 'uuid', record),
    name: needed(record.name, 'name', record),
    svm: needed(record.svm?.name, 'svm.name', record),
    type: needed(record.type, 'type', record),
    style: needed(record.style, 'style', record),
    state: needed(record.state, 'state', record),
    sizeBytes: needed(record.size ?? record.space?.size, 'size', record),
    usedBytes: record.space?.used,
    aggregates: (record.aggregates ?? []).map((aggregate) => needed(aggregate.name, 'aggregates.name', record)),
    junctionPath: record.nas?.path,
    guarantee: record.guarantee?.type,
    language: record.language,
    snapshotReservePercent: record.space?.snapshot?.reserve_percent,
    snapshotPolicy: record.snapshot_policy?.name,
    encrypted: record.encryption?.enabled ?? false,
    dedupe,
    compression,
    comment: record.comment,
    cloneOf: record.clone?.is_flexclone === true ? record.clone.parent_volume?.name : undefined,
  };
}

function efficiencyOf({ efficiency }: Schemas['volume']): { dedupe: boolean; compression: boolean } {
  const on = (mode: string | undefined) => mode !== undefined && mode !== 'none';
  return { dedupe: on(efficiency?.dedupe), compression: on(efficiency?.compression) };
}

/** Fields that `relationshipOf` reads. */
export const RELATIONSHIP_FIELDS = [
  'uuid',
  'source',
  'destination',
  'state',
  'healthy',
  'unhealthy_reason',
  'policy',
  'transfer',
  'lag_time',
  'exported_snapshot',
  'transfer_schedule',
] as const;

/** `kindOf` names the kind of a synchronous policy, which the relationship's record does not tell. */
export function relationshipOf(
  record: Schemas['relationship'],
  kindOf: (policyName: string) => PolicyKind | undefined,
): Relationship {
  const { policy, transfer } = record;
  const kind = policy?.type === 'sync' && policy.name !== undefined ? (kindOf(policy.name) ?? 'sync') : policy?.type;
  return {
    uuid: needed(record.uuid, 'uuid', record),
    source: endOf(record.source, 'source', record),
    destination: endOf(record.destination, 'destination', record),
    state: needed(record.state, 'state', record),
    healthy: record.healthy,
    unhealthyReasons: (record.unhealthy_reason ?? []).map(({ code, message }) => ({ code, message: message ?? '' })),
    policy: policy?.name === undefined ? undefined : { name: policy.name, kind },
    transfer: transfer?.state === undefined ? undefined : transferOf({ ...transfer, state: transfer.state }),
    // Before the baseline ONTAP may report the age of an old snapshot of the source, which says nothing.
    lagSeconds:
      record.lag_time === undefined || record.state === 'uninitialized' ? undefined : parseDuration(record.lag_time),
    exportedSnapshot: record.exported_snapshot,
    transferSchedule: record.transfer_schedule?.name,
  };
}

export function knownDestinationOf(record: Schemas['relationship']): KnownDestination {
  return {
    uuid: needed(record.uuid, 'uuid', record),
    source: endOf(record.source, 'source', record),
    destination: endOf(record.destination, 'destination', record),
  };
}

type TransferRecord = Pick<Schemas['transfer'], 'uuid' | 'bytes_transferred' | 'end_time'> & {
  readonly state: NonNullable<Schemas['transfer']['state']>;
  readonly type?: Schemas['transfer_type'];
};

export function transferOf(record: TransferRecord): Transfer {
  return {
    uuid: record.uuid,
    state: record.state,
    type: record.type,
    bytesTransferred: record.bytes_transferred,
    endedAt: record.end_time === undefined ? undefined : parseTime(record.end_time),
  };
}

function endOf(end: Schemas['relationship_end'] | undefined, field: string, record: object): MirrorEnd {
  const path = needed(end?.path, `${field}.path`, record);
  const parsed = parseMirrorPath(path);
  return {
    path,
    svm: end?.svm?.name ?? ('svm' in parsed ? parsed.svm : undefined),
    volume: parsed.kind === 'volume' ? parsed.volume : undefined,
    cluster: end?.cluster?.name,
  };
}

export function policyOf(record: Schemas['policy']): Policy {
  return {
    uuid: needed(record.uuid, 'uuid', record),
    name: needed(record.name, 'name', record),
    kind: policyKindOf(record),
    transferSchedule: record.transfer_schedule?.name,
  };
}

function policyKindOf(record: Schemas['policy']): PolicyKind {
  const type = needed(record.type, 'type', record);
  if (type !== 'sync') return type;
  return record.sync_type?.startsWith('automated_failover') === true ? 'automated_failover' : 'sync';
}

export function svmPeerOf(record: Schemas['svm_peer']): SvmPeer {
  const peerSvm = needed(record.peer?.svm?.name ?? record.name, 'peer.svm.name', record);
  return {
    uuid: needed(record.uuid, 'uuid', record),
    localSvm: needed(record.svm?.name, 'svm.name', record),
    peerSvm,
    peerCluster: record.peer?.cluster?.name,
    alias: record.name ?? peerSvm,
    state: needed(record.state, 'state', record),
    applications: record.applications ?? [],
  };
}

export function clusterPeerOf(record: Schemas['cluster_peer']): ClusterPeer {
  return {
    uuid: needed(record.uuid, 'uuid', record),
    name: needed(record.name, 'name', record),
    remoteName: record.remote?.name,
    state: record.status?.state,
  };
}

export function aggregateOf(record: Schemas['aggregate']): Aggregate {
  return {
    name: needed(record.name, 'name', record),
    state: record.state,
    availableBytes: record.space?.block_storage?.available,
  };
}

export function snapshotOf(record: Schemas['snapshot']): Snapshot {
  const uuid = needed(record.uuid, 'uuid', record);
  return {
    uuid,
    name: needed(record.name, 'name', record),
    versionUuid: record.version_uuid ?? uuid,
    createdAt: parseTime(needed(record.create_time, 'create_time', record)),
    sizeBytes: record.size,
  };
}
