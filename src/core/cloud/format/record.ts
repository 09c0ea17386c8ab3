/**
 * Core, format: records, the stored things that are read whole: header, body (compressed, then encrypted), and a strong
 * hash of all bytes before it. docs/cloud.md has the bytes.
 */
import { getU64, joinBytes, sameBytes, setU64, viewOf } from './binary.ts';
import {
  beginHeader,
  HEADER_BYTES,
  hashIdForWriting,
  type Identity,
  KIND_FIELDS_AT,
  misplaced,
  openHeader,
} from './header.ts';
import { DIGEST_BYTES, decrypt, type FormatTools, hashById, pack, unpack, type WriteOptions } from './tools.ts';

/** What `openRecord` gives. */
export interface OpenedRecord {
  readonly body: Uint8Array;
  /** The number that the writer gave beside the identity. */
  readonly stamp: number;
  readonly lockedUntil: number;
  /** The record's strong hash: the last 32 bytes. */
  readonly digest: Uint8Array;
}

/** @param stamp a number of the kind's own, such as the transfer that wrote a page */
export function sealRecord(
  identity: Identity,
  body: Uint8Array,
  tools: FormatTools,
  options: WriteOptions & { readonly stamp?: number } = {},
): Uint8Array {
  const header = beginHeader(identity, hashIdForWriting(tools), tools.cipher, options.lockedUntil ?? 0);
  const view = viewOf(header);
  const packed = pack(body, options.codec);
  view.setUint8(KIND_FIELDS_AT, packed.codecId);
  view.setUint32(KIND_FIELDS_AT + 4, body.length, true);
  setU64(view, KIND_FIELDS_AT + 16, options.stamp ?? 0);
  const stored = tools.cipher === undefined ? packed.bytes : tools.cipher.seal(packed.bytes, header);
  const sealed = joinBytes([header, stored, new Uint8Array(DIGEST_BYTES)]);
  const end = sealed.length - DIGEST_BYTES;
  sealed.set(tools.hashes[0].digest(sealed.subarray(0, end)), end);
  return sealed;
}

/**
 * The body, after every check. The hash is checked before anything is decrypted or decompressed.
 * @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`, `CLOUD_KEY_WRONG`
 */
export function openRecord(bytes: Uint8Array, identity: Identity, tools: FormatTools): OpenedRecord {
  const { hashId, cipher, lockedUntil } = openHeader(bytes, identity, tools);
  const end = bytes.length - DIGEST_BYTES;
  if (end < HEADER_BYTES) throw misplaced(identity, 'cut off');
  const digest = bytes.slice(end);
  if (!sameBytes(hashById(tools, hashId).digest(bytes.subarray(0, end)), digest)) throw misplaced(identity, 'damaged');
  const view = viewOf(bytes);
  const header = bytes.subarray(0, HEADER_BYTES);
  const packed = decrypt(cipher, bytes.subarray(HEADER_BYTES, end), header);
  const body = unpack(tools, view.getUint8(KIND_FIELDS_AT), packed, view.getUint32(KIND_FIELDS_AT + 4, true));
  return { body, stamp: getU64(view, KIND_FIELDS_AT + 16), lockedUntil, digest };
}

/** The hash at the end of a record that this process has just sealed. */
export function digestOf(sealed: Uint8Array): Uint8Array {
  return sealed.slice(sealed.length - DIGEST_BYTES);
}
