/**
 * Core, format: the keys of an endpoint in its object store, relative to the endpoint's own place. Numbers have a fixed
 * width, so that keys in order are numbers in order, and a listing can be read in step with a bitmap.
 */
import { MAX_OBJECT_ID, type ObjectId } from '../block-numbers.ts';

export const OBJECTS_PREFIX = 'objects/';
export const SNAPSHOTS_PREFIX = 'snapshots/';
export const HISTORY_PREFIX = 'history/';
export const KEYS_PREFIX = 'keys/';

const ID_DIGITS = 11;
const GENERATION_DIGITS = 4;
const PART_DIGITS = 6;
const ENTRY_DIGITS = 12;
const WRAPPED_KEY_DIGITS = 12;

/** `objects/0000000002a.0000`: id and generation in hexadecimal. */
export function objectKey(objectId: number, generation = 0): string {
  return `${OBJECTS_PREFIX}${hex(objectId, ID_DIGITS)}.${hex(generation, GENERATION_DIGITS)}`;
}

/** Where the L3 parts, the object-id parts and the manifest of a snapshot are. */
export function snapshotPrefix(snapshotId: number): string {
  return `${SNAPSHOTS_PREFIX}${hex(snapshotId, ID_DIGITS)}/`;
}

export function manifestKey(snapshotId: number): string {
  return `${snapshotPrefix(snapshotId)}manifest`;
}

export function l3PartKey(snapshotId: number, part: number): string {
  return `${snapshotPrefix(snapshotId)}l3.${hex(part, PART_DIGITS)}`;
}

export function objectIdPartKey(snapshotId: number, part: number): string {
  return `${snapshotPrefix(snapshotId)}object-ids.${hex(part, PART_DIGITS)}`;
}

/** `history/00000000000a`: the number of the entry in hexadecimal. */
export function historyKey(number: number): string {
  return `${HISTORY_PREFIX}${hex(number, ENTRY_DIGITS)}`;
}

/** `keys/0123456789ab`: where the data key lies, wrapped by one of those who may open the endpoint. */
export function wrappedKeyKey(number: number): string {
  return `${KEYS_PREFIX}${hex(number, WRAPPED_KEY_DIGITS)}`;
}

/** What a key stands for; `undefined` for a key that this format did not make: such a key is never touched. */
export type StoredName =
  | { readonly kind: 'object'; readonly objectId: ObjectId; readonly generation: number }
  | { readonly kind: 'manifest'; readonly snapshotId: ObjectId }
  | { readonly kind: 'l3-part' | 'object-id-part'; readonly snapshotId: ObjectId; readonly part: number }
  | { readonly kind: 'history-entry' | 'wrapped-key'; readonly number: number };

const PATTERN =
  /^(?:objects\/([0-9a-f]{11})\.([0-9a-f]{4})|snapshots\/([0-9a-f]{11})\/(?:(manifest)|(l3|object-ids)\.([0-9a-f]{6}))|history\/([0-9a-f]{12})|keys\/([0-9a-f]{12}))$/;

export function parseKey(key: string): StoredName | undefined {
  const found = PATTERN.exec(key);
  if (found === null) return undefined;
  const [, objectId, generation, snapshotId, manifest, file, part, entry, wrapped] = found;
  if (objectId !== undefined) {
    const id = number(objectId);
    return id > MAX_OBJECT_ID
      ? undefined
      : { kind: 'object', objectId: id as ObjectId, generation: number(generation) };
  }
  if (entry !== undefined) return { kind: 'history-entry', number: number(entry) };
  if (wrapped !== undefined) return { kind: 'wrapped-key', number: number(wrapped) };
  const id = number(snapshotId) as ObjectId;
  if (manifest !== undefined) return { kind: 'manifest', snapshotId: id };
  return { kind: file === 'l3' ? 'l3-part' : 'object-id-part', snapshotId: id, part: number(part) };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function number(digits: string | undefined): number {
  return Number.parseInt(digits ?? '', 16);
}
