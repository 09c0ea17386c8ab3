/**
 * The format's tools over Node: sha-256, zstd, AES-256-GCM with nonces that repeat from run to run (never do that
 * with real data).
 */
import { createCipheriv, createDecipheriv, hash, hkdfSync } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Cipher, Codec, FormatTools, StrongHash } from '../../../src/core/cloud/format/tools.ts';

export const sha256: StrongHash = {
  name: 'sha-256',
  digest: (bytes) => hash('sha256', bytes, 'buffer'),
  shortDigests(pieces, pieceBytes) {
    const digests = new Uint8Array((pieces.length / pieceBytes) * 16);
    for (let at = 0; at * pieceBytes < pieces.length; at++) {
      const digest = hash('sha256', pieces.subarray(at * pieceBytes, (at + 1) * pieceBytes), 'buffer');
      digests.set(digest.subarray(0, 16), at * 16);
    }
    return digests;
  },
};

export const zstd: Codec = {
  name: 'zstd',
  compress: (bytes) => new Uint8Array(zstdCompressSync(bytes)),
  decompress: (bytes, rawBytes) => new Uint8Array(zstdDecompressSync(bytes, { maxOutputLength: rawBytes })),
};

export function testCipher(key = 7): Cipher {
  let sealed = 0;
  const secret = new Uint8Array(32).fill(key);
  const derived = (info: string | Uint8Array, bytes: number) =>
    new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), info, bytes));
  return {
    name: 'aes-256-gcm',
    keyId: derived('ontap-data-motion key id', 16),
    seal(plain, associated) {
      const nonce = Buffer.alloc(12);
      nonce.writeUInt32LE(++sealed);
      const cipher = createCipheriv('aes-256-gcm', derived(associated.subarray(0, 64), 32), nonce).setAAD(associated);
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), body]));
    },
    open(bytes, associated) {
      const decipher = createDecipheriv('aes-256-gcm', derived(associated.subarray(0, 64), 32), bytes.subarray(0, 12));
      decipher.setAAD(associated).setAuthTag(bytes.subarray(12, 28));
      return new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]));
    },
  };
}

export const plainTools: FormatTools = { codecs: [zstd], hashes: [sha256] };
export const sealingTools = (key?: number): FormatTools => ({ ...plainTools, cipher: testCipher(key) });

export const ENDPOINT_ID = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
