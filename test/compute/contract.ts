/** The contract of the compute port as data: cases that every adapter passes. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Compute, EncryptionKey, ObjectEncoding } from '../../src/compute/compute.ts';
import { nodeFormatTools } from '../../src/compute/format-tools.ts';
import {
  decodeHead,
  decodeObject,
  encodeObject,
  type ObjectContent,
  type ObjectHead,
} from '../../src/core/cloud/format/object.ts';
import { CloudError } from '../../src/errors.ts';

export interface ComputeContractCase {
  readonly name: string;
  run(compute: Compute): Promise<void>;
}

const ENDPOINT_ID = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
const ENCRYPTION: EncryptionKey = {
  cipher: 'aes-256-gcm',
  keyId: new Uint8Array(16).fill(9),
  key: new Uint8Array(32).fill(5),
};
const PLAIN: ObjectEncoding = { endpointId: ENDPOINT_ID, hash: 'sha-256', codec: 'zstd' };

export const computeContract: readonly ComputeContractCase[] = [
  {
    name: 'short digests are the first 16 bytes of the hash of each piece, in order',
    async run(compute) {
      const pieces = noise(5 * 4096);
      const found = await compute.shortDigests('sha-256', pieces, 4096);
      assert.deepEqual(hex(found), hex(expectedDigests('sha256', pieces, 4096)));
      assert.equal(pieces.length, 5 * 4096, 'the pieces stay the caller’s');
      assert.equal((await compute.shortDigests('sha-256', new Uint8Array(0), 4096)).length, 0);
    },
  },
  {
    name: 'short digests of a part of a buffer and of shared memory are those of these bytes',
    async run(compute) {
      const pieces = noise(8 * 513);
      const shared = new Uint8Array(new SharedArrayBuffer(pieces.length));
      shared.set(pieces);
      const part = pieces.subarray(513, 4 * 513);
      assert.deepEqual(
        hex(await compute.shortDigests('blake2b-512/256', part, 513)),
        hex(expectedDigests('blake2b512', part, 513)),
      );
      assert.deepEqual(
        hex(await compute.shortDigests('blake2b-512/256', shared, 513)),
        hex(expectedDigests('blake2b512', pieces, 513)),
      );
    },
  },
  {
    name: 'an object is encoded as the format does it in one thread',
    async run(compute) {
      for (const codec of ['none', 'zstd'] as const) {
        for (const hash of ['sha-256', 'blake2b-512/256'] as const) {
          const content = someObject(40);
          const tools = nodeFormatTools(hash);
          const codecs = codec === 'zstd' ? tools.codecs[0] : undefined;
          const expected = encodeObject(someObject(40), ENDPOINT_ID, tools, { codec: codecs, lockedUntil: 77 });
          const found = await compute.encodeObject(content, { ...PLAIN, codec, hash, lockedUntil: 77 });
          assert.deepEqual(hex(found), hex(expected), `${codec}, ${hash}`);
          assert.equal(content.vvbns.length, 40, 'the VVBNs stay the caller’s');
        }
      }
    },
  },
  {
    name: 'the level of a transfer changes the bytes and not what they say',
    async run(compute) {
      const sizes = new Set<number>();
      for (const level of [-5, 1, 19]) {
        const found = await compute.encodeObject(someObject(64), { ...PLAIN, level });
        sizes.add(found.length);
        assert.deepEqual(decodeObject(found, ENDPOINT_ID, 7, nodeFormatTools()).blocks, someObject(64).blocks);
      }
      assert.ok(sizes.size > 1, 'the level reaches the codec');
    },
  },
  {
    name: 'blocks that are a part of a larger buffer leave the rest of it with the caller',
    async run(compute) {
      const buffer = noise(10 * 4096);
      const blocks = buffer.subarray(4096, 5 * 4096);
      const before = blocks.slice();
      const found = await compute.encodeObject({ ...someObject(4), blocks }, PLAIN);
      assert.equal(buffer.length, 10 * 4096);
      assert.deepEqual(decodeObject(found, ENDPOINT_ID, 7, nodeFormatTools()).blocks, before);
    },
  },
  {
    name: 'groups are decoded to the blocks that were encoded, whatever the codec, encrypted or not',
    async run(compute) {
      for (const encryption of [undefined, ENCRYPTION]) {
        for (const codec of ['none', 'zstd'] as const) {
          const how = { ...PLAIN, codec, encryption };
          const encoded = await compute.encodeObject(someObject(40), how);
          const head = headOf(encoded, encryption);
          const [, second, third] = head.groups;
          assert.ok(second && third);
          const groups = [third, second].map((group) => ({ group, stored: storedBytes(encoded, group) }));
          const decoded = await compute.decodeGroups(head, groups, { encryption });
          const { blocks } = someObject(40);
          assert.deepEqual(decoded.map(hex), [
            hex(blocks.slice(32 * 4096, 40 * 4096)),
            hex(blocks.slice(16 * 4096, 32 * 4096)),
          ]);
        }
      }
    },
  },
  {
    name: 'a flipped bit is CLOUD_CORRUPT and names the object, and the next call works',
    async run(compute) {
      for (const encryption of [undefined, ENCRYPTION]) {
        const encoded = await compute.encodeObject(someObject(20), { ...PLAIN, encryption });
        const head = headOf(encoded, encryption);
        const [group] = head.groups;
        assert.ok(group);
        const stored = storedBytes(encoded, group);
        stored[3] = (stored[3] ?? 0) ^ 1;
        await assert.rejects(compute.decodeGroups(head, [{ group, stored }], { encryption }), (error) => {
          assert.ok(error instanceof CloudError);
          assert.equal(error.code, 'CLOUD_CORRUPT');
          assert.equal(error.objectId, 7);
          return true;
        });
        const checked = { encryption, checkOnly: true };
        const again = storedBytes(encoded, group);
        again[3] = (again[3] ?? 0) ^ 1;
        await assert.rejects(compute.decodeGroups(head, [{ group, stored: again }], checked), CloudError);
        const whole = { group, stored: storedBytes(encoded, group) };
        assert.deepEqual(await compute.decodeGroups(head, [whole], checked), []);
        const sound = { group, stored: storedBytes(encoded, group) };
        assert.equal((await compute.decodeGroups(head, [sound], { encryption })).length, 1);
      }
    },
  },
  {
    name: 'two seals of the same bytes have nothing in common',
    async run(compute) {
      const how = { ...PLAIN, encryption: ENCRYPTION };
      const encoded = [await compute.encodeObject(someObject(8), how), await compute.encodeObject(someObject(8), how)];
      const nonces = encoded.map((bytes) => {
        const [group] = headOf(bytes, ENCRYPTION).groups;
        assert.ok(group);
        return hex(storedBytes(bytes, group).subarray(0, 12));
      });
      assert.notEqual(nonces[0], nonces[1]);
    },
  },
  {
    name: 'many calls at once all give their own results',
    async run(compute) {
      const found = await Promise.all(
        Array.from({ length: 40 }, (_, at) => compute.shortDigests('sha-256', new Uint8Array(4096).fill(at), 4096)),
      );
      found.forEach((digest, at) => {
        assert.deepEqual(hex(digest), hex(expectedDigests('sha256', new Uint8Array(4096).fill(at), 4096)));
      });
    },
  },
  {
    name: 'an aborted signal ends a call with its reason, and leaves the others alone',
    async run(compute) {
      const reason = new Error('enough');
      const aborted = compute.encodeObject(someObject(4), PLAIN, { signal: AbortSignal.abort(reason) });
      await assert.rejects(aborted, reason);
      assert.ok((await compute.encodeObject(someObject(4), PLAIN)).length > 0);
    },
  },
  {
    name: 'a closed compute refuses calls, and closing twice is harmless',
    async run(compute) {
      const underWay = compute.shortDigests('sha-256', noise(4096), 4096);
      await compute.close();
      await compute.close();
      assert.equal((await underWay).length, 16);
      await assert.rejects(
        compute.shortDigests('sha-256', noise(4096), 4096),
        (error) => error instanceof CloudError && error.code === 'CLOUD_COMPUTE_FAILED',
      );
    },
  },
];

/** The same bytes each time it is called, compressible, in a buffer of their own. */
export function someObject(slots: number): ObjectContent {
  const blocks = noise(slots * 4096);
  for (let at = 0; at < blocks.length; at++) if (at % 4096 > 1500) blocks[at] = (at % 4096) % 251;
  const vvbns = Float64Array.from({ length: slots }, (_, at) => 1000 + at);
  return { objectId: 7, generation: 0, level: 0, slotBytes: 4096, vvbns, blocks };
}

export function noise(bytes: number): Uint8Array<ArrayBuffer> {
  const found = new Uint8Array(bytes);
  for (let at = 0, state = 1; at < bytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    found[at] = state >>> 16;
  }
  return found;
}

function headOf(encoded: Uint8Array, encryption: EncryptionKey | undefined): ObjectHead {
  return decodeHead(encoded, ENDPOINT_ID, 7, nodeFormatTools('sha-256', encryption));
}

function storedBytes(encoded: Uint8Array, { offset, storedBytes }: ObjectHead['groups'][number]): Uint8Array {
  return encoded.slice(offset, offset + storedBytes);
}

function expectedDigests(algorithm: string, pieces: Uint8Array, pieceBytes: number): Uint8Array {
  const digests: Buffer[] = [];
  for (let at = 0; at < pieces.length; at += pieceBytes) {
    const piece = pieces.subarray(at, at + pieceBytes);
    digests.push(createHash(algorithm).update(piece).digest().subarray(0, 16));
  }
  return Buffer.concat(digests);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
