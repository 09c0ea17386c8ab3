/**
 * Core, format: what the format needs from outside, as plain functions over bytes. Whoever owns the threads supplies
 * them; an encoder and its tools run in one thread, a whole object at a time.
 */
import { CloudError } from '../../../errors.ts';

/** The ids that stored bytes name. An id keeps its meaning for ever. */
export const CODEC_IDS = { none: 0, zstd: 1 } as const;
export const HASH_IDS = { 'sha-256': 1, 'blake2b-512/256': 2 } as const;
export const CIPHER_IDS = { none: 0, 'aes-256-gcm': 1 } as const;
export type CodecName = keyof typeof CODEC_IDS;
export type HashName = keyof typeof HASH_IDS;
export type CipherName = keyof typeof CIPHER_IDS;

/** Bytes of a digest: the strong hash, or its first 16 bytes where a block or a group is named by it. */
export const DIGEST_BYTES = 32;
export const SHORT_DIGEST_BYTES = 16;

export interface Codec {
  readonly name: CodecName;
  compress(bytes: Uint8Array): Uint8Array;
  /** Exactly `rawBytes` bytes. Throws anything for bytes it cannot make sense of. */
  decompress(bytes: Uint8Array, rawBytes: number): Uint8Array;
}

export interface StrongHash {
  readonly name: HashName;
  /** 32 bytes. */
  digest(bytes: Uint8Array): Uint8Array;
  /** The first 16 bytes of the digest of each piece of `pieceBytes` bytes, one after the other: a batch in one call. */
  shortDigests(pieces: Uint8Array, pieceBytes: number): Uint8Array;
}

/**
 * Authenticated encryption under the endpoint's key. What `seal` gives is nonce, tag and encrypted bytes.
 *
 * `aes-256-gcm`: 12 random bytes of nonce, then 16 of tag. The associated bytes always begin with the 64 bytes of the
 * header that say what is stored where; the key is HKDF-SHA-256 of the endpoint's key with no salt and those 64 bytes
 * as info, so that no two objects share one and random nonces cannot run out. See docs/cloud.md.
 */
export interface Cipher {
  readonly name: Exclude<CipherName, 'none'>;
  /**
   * 16 bytes that tell keys apart; public: HKDF-SHA-256 of the endpoint's key with the info
   * `ontap-data-motion key id`.
   */
  readonly keyId: Uint8Array;
  seal(plain: Uint8Array, associated: Uint8Array): Uint8Array;
  /** Throws anything when the bytes were not sealed with this key for these associated bytes. */
  open(sealed: Uint8Array, associated: Uint8Array): Uint8Array;
}

export interface FormatTools {
  /** Codecs that stored bytes may name, beside `none`. */
  readonly codecs: readonly Codec[];
  /** Hashes that stored bytes may name; the first one is used for writing. */
  readonly hashes: readonly [StrongHash, ...StrongHash[]];
  /** Absent for an endpoint without encryption. */
  readonly cipher?: Cipher | undefined;
}

/** How one record or object is to be written. */
export interface WriteOptions {
  /** Default `none`. Bytes that do not get shorter are stored as they are. */
  readonly codec?: Codec | undefined;
  /** Epoch milliseconds until which the store is asked to keep the bytes; 0 or absent: no lock. */
  readonly lockedUntil?: number | undefined;
}

/** @throws CloudError `CLOUD_FORMAT_VERSION` */
export function hashById(tools: FormatTools, id: number): StrongHash {
  const hash = tools.hashes.find(({ name }) => HASH_IDS[name] === id);
  if (hash === undefined) throw new CloudError('CLOUD_FORMAT_VERSION', `stored bytes name the unknown hash ${id}`);
  return hash;
}

/** Compressed bytes and the id to store with them. */
export function pack(
  bytes: Uint8Array,
  codec: Codec | undefined,
): { readonly codecId: number; readonly bytes: Uint8Array } {
  if (codec !== undefined && codec.name !== 'none' && bytes.length > 0) {
    const packed = codec.compress(bytes);
    if (packed.length < bytes.length) return { codecId: CODEC_IDS[codec.name], bytes: packed };
  }
  return { codecId: CODEC_IDS.none, bytes };
}

/** @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION` */
export function unpack(tools: FormatTools, codecId: number, bytes: Uint8Array, rawBytes: number): Uint8Array {
  if (codecId === CODEC_IDS.none) {
    if (bytes.length !== rawBytes) throw new CloudError('CLOUD_CORRUPT', 'stored bytes are not as long as they say');
    return bytes;
  }
  const codec = tools.codecs.find(({ name }) => CODEC_IDS[name] === codecId);
  if (codec === undefined)
    throw new CloudError('CLOUD_FORMAT_VERSION', `stored bytes name the unknown codec ${codecId}`);
  let raw: Uint8Array;
  try {
    raw = codec.decompress(bytes, rawBytes);
  } catch (cause) {
    throw new CloudError('CLOUD_CORRUPT', 'stored bytes cannot be decompressed', { cause });
  }
  if (raw.length !== rawBytes) throw new CloudError('CLOUD_CORRUPT', 'stored bytes decompress to another length');
  return raw;
}

/** @throws CloudError `CLOUD_CORRUPT` */
export function decrypt(cipher: Cipher | undefined, bytes: Uint8Array, associated: Uint8Array): Uint8Array {
  if (cipher === undefined) return bytes;
  try {
    return cipher.open(bytes, associated);
  } catch (cause) {
    throw new CloudError('CLOUD_CORRUPT', 'stored bytes are not authentic', { cause });
  }
}
