/** Adapter: the hashes, codecs and ciphers that the format names, by node:crypto and node:zlib. They run in the thread that calls them. */
import { createCipheriv, createDecipheriv, hash, randomFillSync } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Cipher, Codec, FormatTools, HashName, StrongHash } from '../core/cloud/format/tools.ts';
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
    compress: (bytes) => zstdCompressSync(bytes, { params }),
    decompress(bytes, rawBytes) {
      // Zlib takes no output limit of 0; what does not fit is refused by it, what is shorter by the format.
      return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, rawBytes) });
    },
  };
}

/**
 * Sealed bytes are the nonce (12 bytes, random), the tag (16) and the text. Random nonces are safe for 2^32 seals of one
 * key, of which an object takes at most 65: a key of its own for each endpoint is enough for 256 TiB of uploads.
 */
export function aes256Gcm({ keyId, key }: EncryptionKey): Cipher {
  return {
    name: 'aes-256-gcm',
    keyId,
    seal(plain, associated) {
      const sealed = new Uint8Array(TEXT_AT + plain.length);
      const nonce = randomFillSync(sealed.subarray(0, NONCE_BYTES));
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associated);
      sealed.set(cipher.update(plain), TEXT_AT);
      cipher.final();
      sealed.set(cipher.getAuthTag(), NONCE_BYTES);
      return sealed;
    },
    open(sealed, associated) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: 16 });
      decipher.setAAD(associated).setAuthTag(sealed.subarray(NONCE_BYTES, TEXT_AT));
      const plain = decipher.update(sealed.subarray(TEXT_AT));
      decipher.final();
      return plain;
    },
  };
}

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
