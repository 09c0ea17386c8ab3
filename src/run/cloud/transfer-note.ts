/**
 * Run (layer 3): what a transfer writes into the state beside its pages: with a checkpoint, what it takes to go on, or to
 * find out which way the commit went; with the commit, which snapshot the VMAP is of.
 */
import { encodeJson, Fields } from '../../core/cloud/format/fields.ts';

/** Kept with a checkpoint. */
export interface TransferNote {
  /** What is being transferred. */
  readonly snapshot: NotedSnapshot;
  /** Id of the base; 0 for a baseline. */
  readonly base: number;
  /** Number of the take-over with which the transfer began. */
  readonly begun: number;
  /** The first object id that it can have given: once that is settled, the transfer is over, one way or the other. */
  readonly firstObjectId: number;
  /** The id under which the snapshot is about to be committed; 0 before that. */
  readonly committing: number;
  readonly uploads: UploadTotals;
}

/** A snapshot as the source calls it. */
export interface NotedSnapshot {
  readonly uuid: string;
  readonly name: string;
  readonly label?: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** What a transfer has put into the store, over all of its runs. */
export interface UploadTotals {
  readonly blocks: readonly [l0: number, l1: number, l2: number];
  readonly objects: number;
  readonly bytes: number;
}

/** Kept with the commit. */
export interface VmapNote {
  /** Id of the snapshot that the VMAP is of. */
  readonly snapshotId: number;
  /** The last history entry that was seen: a history that ends before it has lost entries. */
  readonly lastEntry: number;
}

export function encodeTransferNote(note: TransferNote): Uint8Array {
  return encodeJson(note);
}

/** @throws CloudError `CLOUD_CORRUPT` */
export function decodeTransferNote(bytes: Uint8Array): TransferNote {
  const fields = Fields.parse(bytes, "the state's checkpoint");
  const uploads = fields.object('uploads');
  const [l0 = 0, l1 = 0, l2 = 0] = uploads.wholes('blocks');
  return {
    snapshot: readSnapshot(fields.object('snapshot')),
    base: fields.whole('base'),
    begun: fields.whole('begun'),
    firstObjectId: fields.whole('firstObjectId'),
    committing: fields.whole('committing'),
    uploads: { blocks: [l0, l1, l2], objects: uploads.whole('objects'), bytes: uploads.whole('bytes') },
  };
}

function readSnapshot(fields: Fields): NotedSnapshot {
  const label = fields.optionalText('label');
  return {
    uuid: fields.text('uuid'),
    name: fields.text('name'),
    ...(label !== undefined && { label }),
    createdAt: fields.whole('createdAt'),
  };
}

export function encodeVmapNote(note: VmapNote): Uint8Array {
  return encodeJson(note);
}

/** Of a state that was never committed: id 0, which no snapshot has. @throws CloudError `CLOUD_CORRUPT` */
export function decodeVmapNote(bytes: Uint8Array): VmapNote {
  if (bytes.length === 0) return { snapshotId: 0, lastEntry: 0 };
  const fields = Fields.parse(bytes, "the state's committed version");
  return { snapshotId: fields.whole('snapshotId'), lastEntry: fields.whole('lastEntry') };
}
