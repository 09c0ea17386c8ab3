/** Run (layer 3): a file, LUN or namespace as a transfer handles it, and what must hold of it. */
import type { OntapPlace } from '../../core/transfer/facts.ts';
import type { TransferError } from '../../errors.ts';
import { MOST_BYTES_AT_ONCE, type StoredFile } from '../../ontap/ontap-storage.ts';
import type { Volume } from '../../ontap/ontap-svm.ts';
import type { OntapEnd, TransferContext } from './context.ts';
import { endOf, placeText, transferFailure } from './context.ts';
import { unitName } from './observe.ts';

/** A file, LUN or namespace with what reaches it. */
export interface StoredObject {
  readonly end: OntapEnd;
  readonly place: OntapPlace;
  readonly volume: Volume;
  readonly path: string;
  /** `/vol/VOLUME/PATH` */
  readonly name: string;
}

/** @throws TransferError `TRANSFER_PLACE_NOT_FOUND` */
export async function storedObject(context: TransferContext, side: 'source' | 'destination'): Promise<StoredObject> {
  const place = context.plan[side];
  if (place.kind === 'host' || place.path === undefined) {
    throw transferFailure(context, 'TRANSFER_ENDPOINT_INVALID', `${placeText(place)} is no place in a volume`);
  }
  const end = endOf(context, place.backend);
  const volume = await end.svm.volume(place.volume, { signal: context.signal });
  if (volume === undefined) {
    throw transferFailure(context, 'TRANSFER_PLACE_NOT_FOUND', `SVM ${place.svm} has no volume "${place.volume}"`);
  }
  return { end, place, volume, path: place.path, name: unitName(place.volume, place.path) };
}

/** @throws TransferError `TRANSFER_SOURCE_NOT_FOUND` */
export async function requireFile(context: TransferContext, of: StoredObject): Promise<StoredFile> {
  const file = await of.end.storage.file(of.volume.uuid, of.path, { signal: context.signal });
  if (file !== undefined) return file;
  throw transferFailure(context, 'TRANSFER_SOURCE_NOT_FOUND', `${placeText(of.place)} is not there any more`);
}

/** The same file, unwritten. */
export function isUnchanged(before: StoredFile, now: StoredFile | undefined): boolean {
  return (
    now !== undefined &&
    now.sizeBytes === before.sizeBytes &&
    now.modifiedAt === before.modifiedAt &&
    now.inode === before.inode
  );
}

/** The SHA-256 of two files of ONTAP; undefined as soon as they differ. */
export async function compareFiles(
  context: TransferContext,
  one: StoredObject,
  other: StoredObject,
  sizeBytes: number,
): Promise<string | undefined> {
  const hash = context.world.hostFiles.sha256();
  const { signal } = context;
  const read = ({ end, volume, path }: StoredObject, offset: number, length: number) =>
    end.storage.readFile(volume.uuid, path, { offset, length }, { signal });
  for (let offset = 0; offset < sizeBytes; offset += MOST_BYTES_AT_ONCE) {
    const length = Math.min(MOST_BYTES_AT_ONCE, sizeBytes - offset);
    const [here, there] = await Promise.all([read(one, offset, length), read(other, offset, length)]);
    if (!areEqual(here, there)) return undefined;
    hash.update(here);
    context.tell('compare', { transferredBytes: offset + length, totalBytes: sizeBytes });
  }
  return hash.digest();
}

export function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** The destination was not given its name. */
export function notWhole(context: TransferContext, why: string): TransferError {
  return transferFailure(context, 'TRANSFER_VERIFICATION_FAILED', `what was written is not the source: ${why}`, {
    remedy: 'see whether the source is being written to; otherwise report it',
  });
}

/** Somebody was quicker, perhaps an earlier call of this transfer. */
export function destinationExists(context: TransferContext, cause: unknown): TransferError {
  const place = placeText(context.plan.destination);
  return transferFailure(context, 'TRANSFER_DESTINATION_EXISTS', `${place} is there already`, {
    remedy: 'choose another destination, or remove what is there',
    cause,
  });
}

export function sourceChanged(context: TransferContext): TransferError {
  return transferFailure(context, 'TRANSFER_SOURCE_CHANGED', 'the source was written to while it was moved', {
    remedy: 'stop its writers, and call again',
  });
}

/** Tells one source from another in the names of parts. */
export function sourceKey({ place }: Pick<StoredObject, 'place'>): string {
  return [place.cluster, place.svm, place.volume, place.path ?? ''].join('\0');
}
