/** The cipher by the document: keys by RFC 5869, each place with its own, and a stored object whose bytes are known. */
import { createDecipheriv, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { aes256Gcm, encryptionKey, nodeFormatTools } from '../../src/compute/format-tools.ts';
import { decodeObject, encodeObject } from '../../src/core/cloud/format/object.ts';
import { ENDPOINT_ID } from '../core/cloud/format-tools.ts';
import { someObject } from './contract.ts';

/** HKDF-SHA-256 as the RFC has it, by HMAC alone. */
function hkdfByTheRfc(key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Buffer {
  const extracted = createHmac('sha256', salt.length > 0 ? salt : new Uint8Array(32))
    .update(key)
    .digest();
  let [all, block] = [Buffer.alloc(0), Buffer.alloc(0)];
  for (let count = 1; all.length < length; count++) {
    block = createHmac('sha256', extracted).update(block).update(info).update(Uint8Array.of(count)).digest();
    all = Buffer.concat([all, block]);
  }
  return all.subarray(0, length);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const range = (from: number, to: number) => Uint8Array.from({ length: to - from }, (_, at) => from + at);
const SECRET = new Uint8Array(32).fill(7);

describe('keys', () => {
  it('of the yardstick used here are those of RFC 5869, test cases 1 to 3', () => {
    const cases = [
      {
        key: new Uint8Array(22).fill(11),
        salt: range(0, 13),
        info: range(0xf0, 0xfa),
        found: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
      },
      {
        key: range(0, 0x50),
        salt: range(0x60, 0xb0),
        info: range(0xb0, 0x100),
        found:
          'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
          'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
      },
      {
        key: new Uint8Array(22).fill(11),
        salt: new Uint8Array(0),
        info: new Uint8Array(0),
        found: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
      },
    ];
    for (const { key, salt, info, found } of cases) {
      expect(hex(hkdfByTheRfc(key, salt, info, found.length / 2))).toBe(found);
    }
  });

  it('are named by sixteen bytes derived from them', () => {
    const info = new TextEncoder().encode('ontap-data-motion key id');
    expect(hex(encryptionKey(SECRET).keyId)).toBe(hex(hkdfByTheRfc(SECRET, new Uint8Array(0), info, 16)));
  });

  it('of another length are refused', () => {
    expect(() => encryptionKey(new Uint8Array(16))).toThrow(/16 bytes/);
  });

  it('are one for each place: derived from the 64 bytes that name it, and the endpoint key opens nothing', () => {
    const cipher = aes256Gcm(encryptionKey(SECRET));
    const plain = new TextEncoder().encode('what is stored');
    const open = (key: Uint8Array, sealed: Uint8Array, associated: Uint8Array) => {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(associated);
      decipher.setAuthTag(sealed.subarray(12, 28));
      return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString();
    };
    // There and back: a cached key is not taken for the one of another place.
    for (const id of [1, 2, 1, 1, 2]) {
      const associated = range(0, 76).fill(id, 40, 41);
      const sealed = cipher.seal(plain, associated);
      const ofThePlace = hkdfByTheRfc(SECRET, new Uint8Array(0), associated.subarray(0, 64), 32);
      expect(open(ofThePlace, sealed, associated)).toBe('what is stored');
      expect(() => open(SECRET, sealed, associated)).toThrow();
      expect(Buffer.from(cipher.open(sealed, associated)).toString()).toBe('what is stored');
      expect(() => cipher.open(sealed, range(0, 76).fill(9, 40, 41))).toThrow();
    }
  });
});

describe('an encrypted object', () => {
  const tools = nodeFormatTools('sha-256', encryptionKey(SECRET));

  it('whose bytes are known is opened with its key', () => {
    const golden = readFileSync(new URL('../core/cloud/golden/v1/object-encrypted.hex', import.meta.url), 'utf8');
    const stored = bytesOf(golden.replaceAll('\n', ''));
    expect(hex(stored.subarray(24, 40))).toBe(hex(encryptionKey(SECRET).keyId));
    const { level, slotBytes, vvbns, blocks } = decodeObject(stored, ENDPOINT_ID, 0x1_0000_0002a, tools);
    expect(hex(blocks)).toBe(hex(Uint8Array.from({ length: 18 * 32 }, (_, at) => (at * 7) % 251)));
    expect({ level, slotBytes, slots: vvbns.length }).toEqual({ level: 1, slotBytes: 32, slots: 18 });
    expect(blocks).toHaveLength(18 * 32);
    const other = nodeFormatTools('sha-256', {
      ...encryptionKey(new Uint8Array(32).fill(8)),
      keyId: encryptionKey(SECRET).keyId,
    });
    expect(() => decodeObject(stored, ENDPOINT_ID, 0x1_0000_0002a, other)).toThrow(/not authentic/);
  });

  it('is opened by hand with the key of its header, group by group', () => {
    const stored = encodeObject(someObject(20), ENDPOINT_ID, tools);
    const key = hkdfByTheRfc(SECRET, new Uint8Array(0), stored.subarray(0, 64), 32);
    const view = new DataView(stored.buffer, stored.byteOffset);
    const [tableBytes, groupBytes] = [view.getUint32(76, true), view.getUint32(80, true)];
    const from = 96 + tableBytes + 32;
    const first = stored.subarray(from, from + 28 + 16 * 4096);
    const associated = Buffer.concat([stored.subarray(0, 76), Uint8Array.of(1, 0, 0, 0)]);
    const decipher = createDecipheriv('aes-256-gcm', key, first.subarray(0, 12)).setAAD(associated);
    decipher.setAuthTag(first.subarray(12, 28));
    const plain = Buffer.concat([decipher.update(first.subarray(28)), decipher.final()]);
    expect(hex(plain)).toBe(hex(someObject(20).blocks.subarray(0, 16 * 4096)));
    expect(groupBytes).toBe(2 * 28 + 20 * 4096);
  });
});
