/**
 * Core, format: the 96 bytes that everything stored begins with. They say what the bytes are and where they belong, so
 * that bytes in the wrong place are noticed.
 */
import { CloudError } from '../../../errors.ts';
import { getU64, sameBytes, setU64, toHex, viewOf } from './binary.ts';
import { CIPHER_IDS, type Cipher, type FormatTools, HASH_IDS } from './tools.ts';

export const FORMAT_VERSION = 1;
export const HEADER_BYTES = 96;
/** Where the 32 bytes that each kind uses in its own way begin. */
export const KIND_FIELDS_AT = 64;

export const RECORD_KINDS = {
  object: 1,
  'history-entry': 2,
  manifest: 3,
  'l3-part': 4,
  'object-id-part': 5,
  'vmap-page': 6,
  'wrapped-key': 7,
} as const;
export type RecordKind = keyof typeof RECORD_KINDS;

/** What stored bytes are, and where they belong. */
export interface Identity {
  readonly kind: RecordKind;
  /** 16 bytes. */
  readonly endpointId: Uint8Array;
  /** Object id, entry number, snapshot id, page number, or number of a wrapped key. */
  readonly id: number;
  /** Generation of an object, part of an L3 file or bitmap, 0 for the rest. */
  readonly part: number;
}

const MAGIC = 0x434d444f; // ODMC

export interface OpenedHeader {
  readonly hashId: number;
  readonly part: number;
  /** The tools' cipher when the bytes are encrypted with it, else undefined. */
  readonly cipher: Cipher | undefined;
  readonly lockedUntil: number;
}

/** The first 64 bytes; the rest is the kind's to fill. */
export function beginHeader(
  identity: Identity,
  hashId: number,
  cipher: Cipher | undefined,
  lockedUntil: number,
): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, FORMAT_VERSION);
  view.setUint8(5, RECORD_KINDS[identity.kind]);
  view.setUint8(6, hashId);
  view.setUint8(7, cipher === undefined ? CIPHER_IDS.none : CIPHER_IDS[cipher.name]);
  header.set(identity.endpointId.subarray(0, 16), 8);
  if (cipher !== undefined) header.set(cipher.keyId.subarray(0, 16), 24);
  setU64(view, 40, identity.id);
  view.setUint32(48, identity.part, true);
  setU64(view, 56, lockedUntil);
  return header;
}

/**
 * Checks that the bytes begin as what is expected must. The part is checked only where it is given: a reader of an
 * object takes the generation it finds.
 * @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`, `CLOUD_KEY_WRONG`
 */
export function openHeader(
  bytes: Uint8Array,
  expected: Omit<Identity, 'part'> & { readonly part?: number | undefined },
  tools: FormatTools,
): OpenedHeader {
  const view = checkHeader(bytes, expected);
  return {
    hashId: view.getUint8(6),
    part: view.getUint32(48, true),
    cipher: cipherFor(bytes, expected, tools),
    lockedUntil: getU64(view, 56),
  };
}

/**
 * As `openHeader`, but for the cipher: what can be said without a key.
 * @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`
 */
export function checkHeader(
  bytes: Uint8Array,
  expected: Omit<Identity, 'part'> & { readonly part?: number | undefined },
): DataView {
  if (bytes.length < HEADER_BYTES) throw misplaced(expected, 'cut off');
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== MAGIC) throw misplaced(expected, 'not in this format');
  const version = view.getUint8(4);
  if (version !== FORMAT_VERSION) {
    throw new CloudError('CLOUD_FORMAT_VERSION', `${describe(expected)} has format version ${version}`, {
      ...factsOf(expected),
      remedy: 'Use a release that knows this version.',
    });
  }
  const part = view.getUint32(48, true);
  if (view.getUint8(5) !== RECORD_KINDS[expected.kind]) throw misplaced(expected, 'of another kind');
  if (!sameBytes(bytes.subarray(8, 24), expected.endpointId)) throw misplaced(expected, 'of another endpoint');
  if (getU64(view, 40) !== expected.id) throw misplaced(expected, 'another one');
  if (expected.part !== undefined && part !== expected.part) throw misplaced(expected, 'another part');
  if (view.getUint32(52, true) !== 0) throw misplaced(expected, 'marked with unknown flags');
  return view;
}

function cipherFor(bytes: Uint8Array, expected: Omit<Identity, 'part'>, tools: FormatTools): Cipher | undefined {
  const id = bytes[7] ?? 0;
  const { cipher } = tools;
  if (id === CIPHER_IDS.none) {
    // Whoever can write to the store could otherwise put bytes of his own in the place of encrypted ones.
    if (cipher !== undefined) throw misplaced(expected, 'not encrypted, as all of this endpoint is');
    return undefined;
  }
  if (cipher === undefined || CIPHER_IDS[cipher.name] !== id || !sameBytes(bytes.subarray(24, 40), cipher.keyId)) {
    throw new CloudError('CLOUD_KEY_WRONG', `${describe(expected)} is encrypted with another key`, {
      ...factsOf(expected),
      details: { keyIdOfTheBytes: toHex(bytes.subarray(24, 40)) },
      remedy: 'Give a passphrase or key that opens the endpoint.',
    });
  }
  return cipher;
}

/** The id of the key that bytes are encrypted with, as their header says; `undefined` for bytes that are not encrypted. */
export function keyIdOf(bytes: Uint8Array): Uint8Array | undefined {
  return bytes[7] === CIPHER_IDS.none ? undefined : bytes.slice(24, 40);
}

export function hashIdForWriting(tools: FormatTools): number {
  return HASH_IDS[tools.hashes[0].name];
}

export function describe({
  kind,
  id,
  part,
}: Pick<Identity, 'kind' | 'id'> & { readonly part?: number | undefined }): string {
  const what = kind.replace('-', ' ');
  return part === undefined || part === 0 ? `${what} ${id}` : `${what} ${id}, part ${part}`;
}

export function misplaced(
  expected: Pick<Identity, 'kind' | 'id'> & { readonly part?: number | undefined },
  how: string,
): CloudError {
  return new CloudError('CLOUD_CORRUPT', `what is stored as ${describe(expected)} is ${how}`, {
    ...factsOf(expected),
    remedy: 'Run verify; restore what does not need it, and start a new baseline if the newest snapshot does.',
  });
}

/** Which snapshot or object an error is about. */
export function factsOf({ kind, id }: Pick<Identity, 'kind' | 'id'>): { objectId?: number; snapshot?: string } {
  if (kind === 'object') return { objectId: id };
  return kind === 'manifest' || kind === 'l3-part' || kind === 'object-id-part' ? { snapshot: `${id}` } : {};
}
