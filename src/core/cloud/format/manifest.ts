/**
 * Core, format: the manifest of a snapshot. It names the parts of the L3 file and of the object-id bitmap, with their
 * hashes.
 */
import type { SnapshotInfo } from '../../wafl/view.ts';
import type { ObjectId } from '../block-numbers.ts';
import { toHex } from './binary.ts';
import { encodeJson, Fields } from './fields.ts';
import { digestOf, openRecord, sealRecord } from './record.ts';
import type { FormatTools, WriteOptions } from './tools.ts';

/** What is stored about a backup as a whole. */
export interface Manifest {
  readonly snapshotId: ObjectId;
  readonly uuid: string;
  readonly name: string;
  readonly label?: string | undefined;
  readonly comment?: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Id of the snapshot that the transfer built on; 0 for a baseline. */
  readonly base: number;
  readonly pointersPerBlock: number;
  /** What the source says about how to read its metafiles; only kept here. */
  readonly sourceFormat: string;
  readonly inodes: number;
  /** Bytes of the files as their users see them, holes included. */
  readonly logicalBytes: number;
  /** Blocks of files that are not holes, each place counted, where the source knows: with `heldBlocks`, what sharing saves. */
  readonly mappedBlocks?: number | undefined;
  /** Blocks that the snapshot holds, by level: each counted once, however many pointers lead to it. */
  readonly heldBlocks: readonly [l0: number, l1: number, l2: number];
  /** Blocks that this transfer uploaded, by level. */
  readonly uploadedBlocks: readonly [l0: number, l1: number, l2: number];
  /** What the objects of this transfer take in the store. */
  readonly uploadedBytes: number;
  readonly l3Parts: readonly L3PartFacts[];
  readonly objectIdParts: readonly ObjectIdPartFacts[];
}

/** One part of the L3 file. Parts are in ascending order of inode numbers. */
export interface L3PartFacts {
  readonly part: number;
  readonly inodes: number;
  readonly firstInode: number;
  readonly lastInode: number;
  readonly bytes: number;
  /** Strong hash of the part, in hexadecimal. */
  readonly digest: string;
}

export interface ObjectIdPartFacts {
  readonly part: number;
  /** How many object ids it names. */
  readonly ids: number;
  readonly bytes: number;
  readonly digest: string;
}

/** The stored bytes, and their digest in hexadecimal for the commit entry. */
export function encodeManifest(
  manifest: Manifest,
  endpointId: Uint8Array,
  tools: FormatTools,
  options: WriteOptions = {},
): { readonly bytes: Uint8Array; readonly digest: string } {
  const identity = { kind: 'manifest', endpointId, id: manifest.snapshotId, part: 0 } as const;
  const bytes = sealRecord(identity, encodeJson(manifest), tools, options);
  return { bytes, digest: toHex(digestOf(bytes)) };
}

/** @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`, `CLOUD_KEY_WRONG` */
export function decodeManifest(
  bytes: Uint8Array,
  endpointId: Uint8Array,
  snapshotId: number,
  tools: FormatTools,
): { readonly manifest: Manifest; readonly digest: string } {
  const record = openRecord(bytes, { kind: 'manifest', endpointId, id: snapshotId, part: 0 }, tools);
  const fields = Fields.parse(record.body, `the manifest of snapshot ${snapshotId}`);
  const label = fields.optionalText('label');
  const comment = fields.optionalText('comment');
  const mappedBlocks = fields.optionalWhole('mappedBlocks');
  const manifest: Manifest = {
    snapshotId: snapshotId as ObjectId,
    uuid: fields.text('uuid'),
    name: fields.text('name'),
    ...(label !== undefined && { label }),
    ...(comment !== undefined && { comment }),
    createdAt: fields.whole('createdAt'),
    base: fields.whole('base'),
    pointersPerBlock: fields.whole('pointersPerBlock'),
    sourceFormat: fields.text('sourceFormat'),
    inodes: fields.whole('inodes'),
    logicalBytes: fields.whole('logicalBytes'),
    ...(mappedBlocks !== undefined && { mappedBlocks }),
    heldBlocks: byLevel(fields.wholes('heldBlocks')),
    uploadedBlocks: byLevel(fields.wholes('uploadedBlocks')),
    uploadedBytes: fields.whole('uploadedBytes'),
    l3Parts: fields.objects('l3Parts').map(readL3Part),
    objectIdParts: fields.objects('objectIdParts').map(readObjectIdPart),
  };
  return { manifest, digest: toHex(record.digest) };
}

/** The snapshot as its source knew it. */
export function snapshotInfoOf({ uuid, name, createdAt, label, comment }: Manifest): SnapshotInfo {
  return {
    uuid,
    name,
    createdAt,
    ...(label !== undefined && { label }),
    ...(comment !== undefined && { comment }),
  };
}

function byLevel([l0 = 0, l1 = 0, l2 = 0]: readonly number[]): [number, number, number] {
  return [l0, l1, l2];
}

function readL3Part(fields: Fields): L3PartFacts {
  return {
    part: fields.whole('part'),
    inodes: fields.whole('inodes'),
    firstInode: fields.whole('firstInode'),
    lastInode: fields.whole('lastInode'),
    bytes: fields.whole('bytes'),
    digest: fields.text('digest'),
  };
}

function readObjectIdPart(fields: Fields): ObjectIdPartFacts {
  return {
    part: fields.whole('part'),
    ids: fields.whole('ids'),
    bytes: fields.whole('bytes'),
    digest: fields.text('digest'),
  };
}
