/** Adapter: the hashes, codecs and ciphers that the format names, by node:crypto and node:zlib. They run in the thread that calls them. */
import { createCipheriv, createDecipheriv, hash, hkdfSync, randomFillSync } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Cipher, Codec, FormatTools, HashName, StrongHash } from '../core/cloud/format/tools.ts';
import { ConfigError } from '../errors.ts';
import type { EncryptionKey } from './compute.ts';

/**
 * All that stored bytes may name.
 * @param writeHash the hash that new bytes get
 */
export function nodeFormatTools(writeHash: HashName = 'sha-256', encryption?: EncryptionKey): FormatTools {
  const others = HASHES.filter(({ name }) => name !== writeHash);
  return {
    codecs: [zstdCodec()],
    hashes: [strongHash(writeHash), ...others],
    ...(encryption && { cipher: aes256Gcm(encryption) }),
  };
}

export function strongHash(name: HashName): StrongHash {
  return name === 'sha-256' ? sha256 : blake2b256;
}

/** @param level what the level of a transfer says; zstd's default if not given */
export function zstdCodec(level?: number): Codec {
  const params = level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level };
  return {
    name: 'zstd',
    // In one piece: node:zlib works through its output buffer by buffer, and a new one costs more than compressing.
    compress: (bytes) => zstdCompressSync(bytes, { params, chunkSize: bytes.length + (bytes.length >>> 8) + 512 }),
    decompress(bytes, rawBytes) {
      // Zlib takes no output limit of 0; what does not fit is refused by it, what is shorter by the format.
      const maxOutputLength = Math.max(1, rawBytes);
      return zstdDecompressSync(bytes, { maxOutputLength, chunkSize: maxOutputLength + 64 });
    },
  };
}

/**
 * The key of an encrypted endpoint, from 32 secret bytes: with the id that the format names it by.
 * @throws ConfigError `CONFIG_INVALID` for a key of another length
 */
export function encryptionKey(key: Uint8Array): EncryptionKey {
  if (key.length === KEY_BYTES) return { cipher: 'aes-256-gcm', keyId: hkdf(key, KEY_ID_INFO, 16), key };
  const message = `a key of ${key.length} bytes is no key for AES-256: it has ${KEY_BYTES}`;
  throw new ConfigError('CONFIG_INVALID', message, { object: 'encryption key' });
}

/**
 * Sealed bytes are the nonce (12 bytes, random), the tag (16) and the text. The endpoint's key encrypts nothing itself: what
 * lies in one place of the store, which the first 64 associated bytes name, has a key of its own.
 */
export function aes256Gcm({ keyId, key }: EncryptionKey): Cipher {
  // All parts of an object share its key: it is derived once.
  let place: Uint8Array = new Uint8Array(0);
  let placeKey: Uint8Array = key;
  const keyFor = (associated: Uint8Array): Uint8Array => {
    if (associated.length < PLACE_BYTES) throw new RangeError('what is encrypted has to say where it lies');
    const wanted = associated.subarray(0, PLACE_BYTES);
    if (Buffer.compare(place, wanted) !== 0) {
      place = wanted.slice();
      placeKey = hkdf(key, place, KEY_BYTES);
    }
    return placeKey;
  };
  return {
    name: 'aes-256-gcm',
    keyId,
    seal(plain, associated) {
      const sealed = new Uint8Array(TEXT_AT + plain.length);
      const nonce = randomFillSync(sealed.subarray(0, NONCE_BYTES));
      const cipher = createCipheriv('aes-256-gcm', keyFor(associated), nonce).setAAD(associated);
      sealed.set(cipher.update(plain), TEXT_AT);
      cipher.final();
      sealed.set(cipher.getAuthTag(), NONCE_BYTES);
      return sealed;
    },
    open(sealed, associated) {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', keyFor(associated), nonce, { authTagLength: 16 });
      decipher.setAAD(associated).setAuthTag(sealed.subarray(NONCE_BYTES, TEXT_AT));
      const plain = decipher.update(sealed.subarray(TEXT_AT));
      decipher.final();
      return plain;
    },
  };
}

/** HKDF-SHA-256 (RFC 5869), without salt: what is derived from is a key already. */
function hkdf(key: Uint8Array, info: string | Uint8Array, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), info, bytes));
}

const KEY_BYTES = 32;
const KEY_ID_INFO = 'ontap-data-motion key id';
/** The beginning of a header, which names the endpoint, the kind, and the number in it. */
const PLACE_BYTES = 64;
const NONCE_BYTES = 12;
const TEXT_AT = 28;

const sha256: StrongHash = {
  name: 'sha-256',
  digest: (bytes) => hash('sha256', bytes, 'buffer'),
  shortDigests: (pieces, pieceBytes) => shortDigests('sha256', pieces, pieceBytes),
};

/** The first half of a BLAKE2b-512, which is what OpenSSL has: another function than a BLAKE2b made for 32 bytes. */
const blake2b256: StrongHash = {
  name: 'blake2b-512/256',
  digest: (bytes) => hash('blake2b512', bytes, 'buffer').subarray(0, 32),
  shortDigests: (pieces, pieceBytes) => shortDigests('blake2b512', pieces, pieceBytes),
};

const HASHES: readonly StrongHash[] = [sha256, blake2b256];
const SHORT_BYTES = 16;

function shortDigests(algorithm: string, pieces: Uint8Array, pieceBytes: number): Uint8Array<ArrayBuffer> {
  const count = pieces.length / pieceBytes;
  if (!Number.isInteger(count)) throw new RangeError(`${pieces.length} bytes are no pieces of ${pieceBytes} bytes`);
  const digests = new Uint8Array(count * SHORT_BYTES);
  for (let at = 0; at < count; at++) {
    const digest = hash(algorithm, pieces.subarray(at * pieceBytes, (at + 1) * pieceBytes), 'buffer');
    digests.set(digest.subarray(0, SHORT_BYTES), at * SHORT_BYTES);
  }
  return digests;
}
