/** Core, format: the numbered entries of an endpoint's history. core/cloud/history.ts says which may follow which. */
import type { ObjectId } from '../block-numbers.ts';
import { toHex } from './binary.ts';
import { encodeJson, Fields } from './fields.ts';
import { checkHeader, keyIdOf } from './header.ts';
import { digestOf, openRecord, sealRecord } from './record.ts';
import type { FormatTools } from './tools.ts';

/** What keeps a second writer out, as the writer stated it when it took over. */
export const EXCLUSIONS = ['put-if-absent', 'caller-lock', 'only-writer'] as const;
/** How it is known that nobody else writes. */
export type Exclusion = (typeof EXCLUSIONS)[number];

/** What happens to an endpoint whose newest snapshot is forgotten; `continue` when it is another snapshot. */
export const FORGET_SEQUELS = ['continue', 'baseline', 'end'] as const;
/** What follows when the newest backup is forgotten. */
export type ForgetSequel = (typeof FORGET_SEQUELS)[number];

/** What never changes in the life of an endpoint; part of its first entry. */
export interface EndpointProperties {
  readonly sourceKind: string;
  /** What the source calls the volume for good: a uuid, a device's identity. */
  readonly sourceId: string;
  readonly pointersPerBlock: number;
  /**
   * The cipher and the id of the key; absent for an endpoint without encryption. Nothing secret.
   */
  readonly encryption?: Readonly<Record<string, unknown>> | undefined;
}

interface Entry {
  /** From 1, without gaps. */
  readonly number: number;
  /** The strong hash of the entry before, in hexadecimal; empty in the first. */
  readonly previous: string;
  /** Epoch milliseconds by the writer's clock. Informative: nothing is decided by it. */
  readonly at: number;
}

/** A writer takes the endpoint; the writer before it cannot commit any more. */
export interface TakeOverEntry extends Entry {
  readonly kind: 'take-over';
  /** Who it is, for people. */
  readonly writer: string;
  /** The ids that are this writer's to give: from the first up to, not including, the end. */
  readonly firstObjectId: ObjectId;
  readonly endObjectId: ObjectId;
  /** The transfer in flight of the writer before is gone on with: its objects are needed still. */
  readonly resumes: boolean;
  readonly exclusion: Exclusion;
  /** In the first entry only. */
  readonly properties?: EndpointProperties | undefined;
}

/** A snapshot is in the endpoint, and the base of the next transfer. */
export interface CommitEntry extends Entry {
  readonly kind: 'commit';
  /** Number of the entry by which the writer took over. */
  readonly takeOver: number;
  readonly snapshot: SnapshotFacts;
  /** Ids below this one have been given; those that no snapshot needs are settled by this commit. */
  readonly nextObjectId: ObjectId;
}

/** What the history says of a backup. */
export interface SnapshotFacts {
  /** Names the snapshot's place in the endpoint; from the writer's range of object ids. */
  readonly id: ObjectId;
  /** The source's own identity of the snapshot. */
  readonly uuid: string;
  readonly name: string;
  readonly label?: string | undefined;
  /** Epoch milliseconds, as the source says. */
  readonly createdAt: number;
  /** Id of the snapshot that the transfer built on; 0 for a baseline. */
  readonly base: number;
  /** Strong hash of the manifest, in hexadecimal. */
  readonly manifestDigest: string;
  /** Somebody holds it: it cannot be forgotten. Said by later entries. */
  readonly held?: true | undefined;
  /** Epoch milliseconds until which it cannot be forgotten, and its bytes are locked in the store. Said by later entries. */
  readonly lockedUntil?: number | undefined;
}

/** Snapshots leave the endpoint. */
export interface ForgetEntry extends Entry {
  readonly kind: 'forget';
  readonly snapshotIds: readonly ObjectId[];
  readonly sequel: ForgetSequel;
}

/** Every id below `floor` that no live snapshot needs is dead, for ever. */
export interface CollectEntry extends Entry {
  readonly kind: 'collect';
  readonly floor: ObjectId;
  /** The snapshots that were live, by id. */
  readonly live: readonly ObjectId[];
}

/** The rules by which snapshots leave the endpoint from now on; none for an endpoint without. */
export interface RetentionEntry extends Entry {
  readonly kind: 'retention';
  readonly rules: readonly RetentionRule[];
}

/** A rule of a SnapMirror policy: how many snapshots with a label are kept. */
export interface RetentionRule {
  readonly label: string;
  readonly count: number;
}

/** Snapshots that cannot be forgotten until a later entry lets them go. */
export interface HoldEntry extends Entry {
  readonly kind: 'hold';
  readonly snapshotIds: readonly ObjectId[];
  readonly held: boolean;
}

/** Everything that these snapshots need is locked in the store until then. A lock is never shortened. */
export interface LockEntry extends Entry {
  readonly kind: 'lock';
  readonly snapshotIds: readonly ObjectId[];
  /** Epoch milliseconds. */
  readonly until: number;
}

export type HistoryEntry =
  | TakeOverEntry
  | CommitEntry
  | ForgetEntry
  | CollectEntry
  | RetentionEntry
  | HoldEntry
  | LockEntry;
export const ENTRY_KINDS = [
  'take-over',
  'commit',
  'forget',
  'collect',
  'retention',
  'hold',
  'lock',
] as const satisfies HistoryEntry['kind'][];

/** The stored bytes, and their digest in hexadecimal: the `previous` of the next entry. */
export function encodeHistoryEntry(
  entry: HistoryEntry,
  endpointId: Uint8Array,
  tools: FormatTools,
): { readonly bytes: Uint8Array; readonly digest: string } {
  const bytes = sealRecord({ kind: 'history-entry', endpointId, id: entry.number, part: 0 }, encodeJson(entry), tools);
  return { bytes, digest: toHex(digestOf(bytes)) };
}

/**
 * The endpoint whose first history entry this is, and the id of its key if it is encrypted: how an endpoint is opened by
 * its place alone. It is to be believed once the entry has been decoded with it.
 * @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`
 */
export function openingOf(firstEntry: Uint8Array): EndpointOpening {
  const endpointId = firstEntry.slice(8, 24);
  checkHeader(firstEntry, { kind: 'history-entry', endpointId, id: 1, part: 0 });
  return { endpointId, keyId: keyIdOf(firstEntry) };
}

/** What the header of an endpoint's first entry says in the clear. */
export interface EndpointOpening {
  readonly endpointId: Uint8Array;
  /** 16 bytes; absent for an endpoint without encryption. */
  readonly keyId: Uint8Array | undefined;
}

/** @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`, `CLOUD_KEY_WRONG` */
export function decodeHistoryEntry(
  bytes: Uint8Array,
  endpointId: Uint8Array,
  number: number,
  tools: FormatTools,
): { readonly entry: HistoryEntry; readonly digest: string } {
  const record = openRecord(bytes, { kind: 'history-entry', endpointId, id: number, part: 0 }, tools);
  const fields = Fields.parse(record.body, `history entry ${number}`);
  const common = { number, previous: fields.text('previous'), at: fields.whole('at') };
  return { entry: readEntry(fields, common), digest: toHex(record.digest) };
}

function readEntry(fields: Fields, common: Entry): HistoryEntry {
  const kind = fields.oneOf('kind', ENTRY_KINDS);
  switch (kind) {
    case 'take-over': {
      const properties = fields.optionalObject('properties');
      return {
        ...common,
        kind,
        writer: fields.text('writer'),
        firstObjectId: fields.whole('firstObjectId') as ObjectId,
        endObjectId: fields.whole('endObjectId') as ObjectId,
        resumes: fields.flag('resumes'),
        exclusion: fields.oneOf('exclusion', EXCLUSIONS),
        ...(properties && { properties: readProperties(properties) }),
      };
    }
    case 'commit':
      return {
        ...common,
        kind,
        takeOver: fields.whole('takeOver'),
        snapshot: readSnapshot(fields.object('snapshot')),
        nextObjectId: fields.whole('nextObjectId') as ObjectId,
      };
    case 'forget':
      return {
        ...common,
        kind,
        snapshotIds: fields.wholes('snapshotIds') as ObjectId[],
        sequel: fields.oneOf('sequel', FORGET_SEQUELS),
      };
    case 'collect':
      return {
        ...common,
        kind,
        floor: fields.whole('floor') as ObjectId,
        live: fields.wholes('live') as ObjectId[],
      };
    case 'retention':
      return {
        ...common,
        kind,
        rules: fields.objects('rules').map((rule) => ({ label: rule.text('label'), count: rule.whole('count') })),
      };
    case 'hold':
      return {
        ...common,
        kind,
        snapshotIds: fields.wholes('snapshotIds') as ObjectId[],
        held: fields.flag('held'),
      };
    case 'lock':
      return {
        ...common,
        kind,
        snapshotIds: fields.wholes('snapshotIds') as ObjectId[],
        until: fields.whole('until'),
      };
  }
}

function readProperties(fields: Fields): EndpointProperties {
  return {
    sourceKind: fields.text('sourceKind'),
    sourceId: fields.text('sourceId'),
    pointersPerBlock: fields.whole('pointersPerBlock'),
    ...(fields.optionalObject('encryption') && { encryption: fields.data('encryption') }),
  };
}

function readSnapshot(fields: Fields): SnapshotFacts {
  const label = fields.optionalText('label');
  return {
    id: fields.whole('id') as ObjectId,
    uuid: fields.text('uuid'),
    name: fields.text('name'),
    ...(label !== undefined && { label }),
    createdAt: fields.whole('createdAt'),
    base: fields.whole('base'),
    manifestDigest: fields.text('manifestDigest'),
  };
}
