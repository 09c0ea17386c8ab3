import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectId } from '../../../src/core/cloud/block-numbers.ts';
import { toHex } from '../../../src/core/cloud/format/binary.ts';
import {
  decodeHistoryEntry,
  encodeHistoryEntry,
  type HistoryEntry,
  openingOf,
} from '../../../src/core/cloud/format/history-entry.ts';
import { decodeL3Part, encodeL3Part } from '../../../src/core/cloud/format/l3-part.ts';
import { decodeManifest, encodeManifest, type Manifest } from '../../../src/core/cloud/format/manifest.ts';
import {
  historyKey,
  l3PartKey,
  manifestKey,
  objectIdPartKey,
  objectKey,
  parseKey,
  wrappedKeyKey,
} from '../../../src/core/cloud/format/names.ts';
import {
  decodeGroup,
  decodeHead,
  decodeObject,
  encodeObject,
  groupOf,
  HEAD_READ_BYTES,
  headBytesOf,
  type ObjectContent,
} from '../../../src/core/cloud/format/object.ts';
import { decodeObjectIdPart, encodeObjectIdPart } from '../../../src/core/cloud/format/object-id-part.ts';
import type { FormatTools, WriteOptions } from '../../../src/core/cloud/format/tools.ts';
import { decodeVmapPage, encodeVmapPage } from '../../../src/core/cloud/format/vmap-page.ts';
import { decodeWrappedKey, encodeWrappedKey, type WrappedKey } from '../../../src/core/cloud/format/wrapped-key.ts';
import { ObjectIdSet } from '../../../src/core/cloud/object-ids.ts';
import { emptyPage, pendingEntry, setEntry } from '../../../src/core/cloud/vmap.ts';
import { CloudError } from '../../../src/errors.ts';
import { ENDPOINT_ID, plainTools, sealingTools, sha256, zstd } from './format-tools.ts';

const OTHER_ENDPOINT = new Uint8Array(16).fill(9);
const id = (number: number) => number as ObjectId;
const part = { endpointId: ENDPOINT_ID, snapshotId: 77, part: 2 };

const content: ObjectContent = {
  objectId: 0x1_0000_0002a,
  generation: 0,
  level: 1,
  slotBytes: 32,
  vvbns: Float64Array.from({ length: 18 }, (_, slot) => (slot === 3 ? 2 ** 40 + 5 : 100 + slot)),
  blocks: Uint8Array.from({ length: 18 * 32 }, (_, at) => (at * 7) % 251),
};

const compacted: ObjectContent = {
  ...content,
  generation: 1,
  vvbns: content.vvbns.map((vvbn, slot) => (slot === 1 || slot >= 16 ? 0 : vvbn)),
};

const manifest: Manifest = {
  snapshotId: id(77),
  uuid: '3f2c',
  name: 'daily.2026-01-01',
  label: 'daily',
  createdAt: 1_767_225_600_000,
  base: 12,
  pointersPerBlock: 4,
  sourceFormat: 'wafl/1',
  inodes: 3,
  logicalBytes: 2 ** 45,
  heldBlocks: [9, 3, 1],
  uploadedBlocks: [2, 1, 1],
  uploadedBytes: 9000,
  l3Parts: [{ part: 0, inodes: 3, firstInode: 1, lastInode: 64, bytes: 200, digest: 'ab' }],
  objectIdParts: [{ part: 0, ids: 4, bytes: 300, digest: 'cd' }],
};

const entry: HistoryEntry = {
  number: 5,
  previous: 'ff',
  at: 1_767_225_600_000,
  kind: 'commit',
  takeOver: 4,
  snapshot: {
    id: id(77),
    uuid: '3f2c',
    name: 'daily.2026-01-01',
    createdAt: 1_767_225_600_000,
    base: 12,
    manifestDigest: 'abcd',
  },
  nextObjectId: id(78),
};

const firstEntry: HistoryEntry = {
  number: 1,
  previous: '',
  at: 0,
  kind: 'take-over',
  writer: 'host1',
  firstObjectId: id(1),
  endObjectId: id(1025),
  resumes: false,
  exclusion: 'put-if-absent',
  properties: { sourceKind: 'wafl', sourceId: 'v1', pointersPerBlock: 4, encryption: { keyId: '00' } },
};

function idSet(): ObjectIdSet {
  const ids = new ObjectIdSet();
  for (const number of [1, 31, 32, 32_767, 32_768, 2 ** 42]) ids.add(number);
  return ids;
}

function vmapPage() {
  const page = emptyPage(3);
  setEntry(page, 0, 1024);
  setEntry(page, 17, 2 ** 53 - 1);
  setEntry(page, 4095, pendingEntry(2));
  return page;
}

const inodes = [
  { number: 1, generation: 1, sizeBytes: 4096, height: 0, topmost: Float64Array.of(5000) },
  { number: 64, generation: 2 ** 40, sizeBytes: 2 ** 45 + 1, height: 2, topmost: Float64Array.of(0, 2 ** 52, 0) },
] as const;

interface Sample {
  readonly name: string;
  readonly encode: (tools: FormatTools, options: WriteOptions) => Uint8Array;
  /** What was encoded, in a form to compare. */
  readonly decode: (bytes: Uint8Array, tools: FormatTools, endpointId?: Uint8Array) => unknown;
  readonly value: unknown;
  /** Compressed bytes may differ from one zstd to the next, so such a golden file is only read. */
  readonly compressed?: true;
}

const SAMPLES: readonly Sample[] = [
  {
    name: 'object',
    encode: (tools, options) => encodeObject(content, ENDPOINT_ID, tools, options),
    decode: (bytes, tools, endpoint = ENDPOINT_ID) => decodeObject(bytes, endpoint, content.objectId, tools),
    value: content,
  },
  {
    name: 'object-compacted',
    encode: (tools, options) => encodeObject(compacted, ENDPOINT_ID, tools, options),
    decode: (bytes, tools, endpoint = ENDPOINT_ID) => decodeObject(bytes, endpoint, content.objectId, tools),
    value: {
      ...compacted,
      blocks: compacted.blocks.map((byte, at) => (compacted.vvbns[Math.floor(at / 32)] === 0 ? 0 : byte)),
    },
  },
  {
    name: 'history-entry',
    encode: (tools) => encodeHistoryEntry(entry, ENDPOINT_ID, tools).bytes,
    decode: (bytes, tools, endpoint = ENDPOINT_ID) => decodeHistoryEntry(bytes, endpoint, 5, tools).entry,
    value: entry,
  },
  {
    name: 'manifest',
    encode: (tools, options) => encodeManifest(manifest, ENDPOINT_ID, tools, options).bytes,
    decode: (bytes, tools, endpoint = ENDPOINT_ID) => decodeManifest(bytes, endpoint, 77, tools).manifest,
    value: manifest,
  },
  {
    name: 'l3-part',
    encode: (tools, options) => encodeL3Part(inodes, part, tools, options).bytes,
    decode: (bytes, tools, endpointId = ENDPOINT_ID) => decodeL3Part(bytes, { ...part, endpointId }, tools).inodes,
    value: inodes,
  },
  {
    name: 'object-id-part',
    encode: (tools, options) => encodeObjectIdPart(idSet().pages(), part, tools, { codec: zstd, ...options }).bytes,
    decode: (bytes, tools, endpointId = ENDPOINT_ID) => [
      ...new ObjectIdSet(decodeObjectIdPart(bytes, { ...part, endpointId }, tools).pages),
    ],
    value: [1, 31, 32, 32_767, 32_768, 2 ** 42],
    compressed: true,
  },
  {
    name: 'vmap-page',
    encode: (tools, options) => encodeVmapPage(vmapPage(), 77, ENDPOINT_ID, tools, { codec: zstd, ...options }),
    decode: (bytes, tools, endpoint = ENDPOINT_ID) => decodeVmapPage(bytes, 3, endpoint, tools),
    value: { page: vmapPage(), transfer: 77 },
    compressed: true,
  },
];

const wrappedKey: WrappedKey = {
  number: 0x1234_5678_9abc,
  provider: 'passphrase',
  keyId: new Uint8Array(16).fill(3),
  wrapped: Uint8Array.from({ length: 100 }, (_, at) => at),
  createdAt: 1_767_225_600_000,
};

describe('the bytes of format version 1', () => {
  for (const { name, encode, decode, value, compressed } of SAMPLES) {
    describe(name, () => {
      it('are those of the golden file, and are read as what was written', () => {
        const file = new URL(`./golden/v1/${name}.hex`, import.meta.url);
        const bytes = encode(plainTools, { lockedUntil: 1_800_000_000_000 });
        if (!existsSync(file) && process.env['CLOUD_WRITE_GOLDEN'] === '1') writeFileSync(file, lines(toHex(bytes)));
        const golden = readFileSync(file, 'utf8').replaceAll('\n', '');
        expect(decode(Buffer.from(golden, 'hex'), plainTools)).toEqual(value);
        if (!compressed) expect(toHex(bytes)).toBe(golden);
      });

      it.each([
        ['compressed', plainTools, plainTools],
        ['encrypted', sealingTools(), sealingTools()],
      ])('survive %s', (_, writing, reading) => {
        expect(decode(encode(writing, { codec: zstd }), reading)).toEqual(value);
      });

      it('I10: every cut and every flipped bit is found', { timeout: 60_000 }, () => {
        for (const tools of [plainTools, sealingTools()]) {
          const bytes = encode(tools, { codec: zstd });
          for (let length = 0; length < bytes.length; length++)
            expectRefused(() => decode(bytes.slice(0, length), tools));
          expectRefused(() => decode(Buffer.concat([bytes, Buffer.alloc(1)]), tools));
          for (let bit = 0; bit < bytes.length * 8; bit++) {
            const flipped = bytes.slice();
            flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
            expectRefused(() => decode(flipped, tools));
          }
        }
      });

      it('I10: the bytes of another endpoint, and those of any other place, are refused', () => {
        const bytes = encode(plainTools, {});
        expectRefused(() => decode(bytes, plainTools, OTHER_ENDPOINT));
        for (const other of SAMPLES) {
          if (other.name.split('-')[0] !== name.split('-')[0]) expectRefused(() => other.decode(bytes, plainTools));
        }
      });

      it('say so when their version is not known', () => {
        const bytes = encode(plainTools, {});
        bytes[4] = 2;
        expect(codeOf(() => decode(bytes, plainTools))).toBe('CLOUD_FORMAT_VERSION');
      });
    });
  }

  it('of an encrypted object are those of the golden file, too', () => {
    const file = new URL('./golden/v1/object-encrypted.hex', import.meta.url);
    const bytes = encodeObject(content, ENDPOINT_ID, sealingTools());
    if (!existsSync(file) && process.env['CLOUD_WRITE_GOLDEN'] === '1') writeFileSync(file, lines(toHex(bytes)));
    const golden = readFileSync(file, 'utf8').replaceAll('\n', '');
    expect(toHex(bytes)).toBe(golden);
    expect(decodeObject(Buffer.from(golden, 'hex'), ENDPOINT_ID, content.objectId, sealingTools())).toEqual(content);
  });

  it('of an encrypted endpoint are refused without the key, and with another one', () => {
    for (const { name, encode, decode } of SAMPLES) {
      const bytes = encode(sealingTools(), {});
      expect(
        codeOf(() => decode(bytes, plainTools)),
        name,
      ).toBe('CLOUD_KEY_WRONG');
      expect(
        codeOf(() => decode(bytes, sealingTools(8))),
        name,
      ).toBe('CLOUD_KEY_WRONG');
      expect(Buffer.from(bytes).includes('daily'), name).toBe(false);
    }
  });

  it('of a wrapped key are those of the golden file; every cut and every flipped bit is found', () => {
    const bytes = encodeWrappedKey(wrappedKey, ENDPOINT_ID, plainTools);
    const decode = (stored: Uint8Array) => decodeWrappedKey(stored, ENDPOINT_ID, wrappedKey.number, plainTools);
    const file = new URL('./golden/v1/wrapped-key.hex', import.meta.url);
    if (!existsSync(file) && process.env['CLOUD_WRITE_GOLDEN'] === '1') writeFileSync(file, lines(toHex(bytes)));
    expect(toHex(bytes)).toBe(readFileSync(file, 'utf8').replaceAll('\n', ''));
    expect(decode(bytes)).toEqual(wrappedKey);
    for (let length = 0; length < bytes.length; length++) expectRefused(() => decode(bytes.slice(0, length)));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expectRefused(() => decode(flipped));
    }
  });

  it('of an encrypted history entry are those of the golden file', () => {
    const { bytes } = encodeHistoryEntry(firstEntry, ENDPOINT_ID, sealingTools());
    const file = new URL('./golden/v1/history-entry-encrypted.hex', import.meta.url);
    if (!existsSync(file) && process.env['CLOUD_WRITE_GOLDEN'] === '1') writeFileSync(file, lines(toHex(bytes)));
    expect(toHex(bytes)).toBe(readFileSync(file, 'utf8').replaceAll('\n', ''));
  });

  it('keep every kind of history entry', () => {
    const common = { number: 6, previous: 'ee', at: 12 };
    const entries: HistoryEntry[] = [
      firstEntry,
      entry,
      {
        ...common,
        kind: 'take-over',
        writer: 'w',
        firstObjectId: id(9),
        endObjectId: id(10),
        resumes: true,
        exclusion: 'only-writer',
      },
      { ...common, kind: 'forget', snapshotIds: [id(3), id(4)], sequel: 'end' },
      { ...common, kind: 'collect', floor: id(2 ** 43 - 1), live: [] },
      { ...common, kind: 'retention', rules: [{ label: 'daily', count: 7 }] },
      { ...common, kind: 'hold', snapshotIds: [id(3)], held: false },
      { ...common, kind: 'lock', snapshotIds: [id(3)], until: 1_800_000_000_000 },
    ];
    for (const one of entries) {
      const { bytes, digest } = encodeHistoryEntry(one, ENDPOINT_ID, plainTools);
      expect(decodeHistoryEntry(bytes, ENDPOINT_ID, one.number, plainTools)).toEqual({ entry: one, digest });
    }
  });

  it('whose writer left out a field, or wrote it wrongly, are refused', () => {
    const wrong: object[] = [
      { ...entry, nextObjectId: -1 },
      { ...entry, snapshot: 7 },
      { ...entry, kind: 'other' },
      { ...entry, at: 1.5 },
      { ...entry, takeOver: undefined },
    ];
    for (const one of wrong) {
      const { bytes } = encodeHistoryEntry(one as HistoryEntry, ENDPOINT_ID, plainTools);
      expect(
        codeOf(() => decodeHistoryEntry(bytes, ENDPOINT_ID, 5, plainTools)),
        JSON.stringify(one),
      ).toBe('CLOUD_CORRUPT');
    }
  });

  it('of the first history entry say without a key which endpoint it is and which key opens it, and no more', () => {
    const { bytes } = encodeHistoryEntry(firstEntry, ENDPOINT_ID, sealingTools());
    expect(openingOf(bytes)).toEqual({ endpointId: ENDPOINT_ID, keyId: sealingTools().cipher?.keyId });
    expect(decodeHistoryEntry(bytes, ENDPOINT_ID, 1, sealingTools()).entry).toEqual(firstEntry);
    expect(Buffer.from(bytes).includes('host1')).toBe(false);
    const plain = encodeHistoryEntry(firstEntry, ENDPOINT_ID, plainTools).bytes;
    expect(openingOf(plain)).toEqual({ endpointId: ENDPOINT_ID, keyId: undefined });
    expectRefused(() => openingOf(encodeHistoryEntry(entry, ENDPOINT_ID, plainTools).bytes));
    expectRefused(() => openingOf(new Uint8Array(95)));
  });

  it('of an encrypted endpoint cannot be replaced by bytes that are whole and not encrypted', () => {
    for (const { name, encode, decode } of SAMPLES) {
      expect(
        codeOf(() => decode(encode(plainTools, {}), sealingTools())),
        name,
      ).toBe('CLOUD_CORRUPT');
    }
  });

  it('of an encrypted endpoint are refused with any field changed, even if every hash is made anew', () => {
    for (const { name, encode, decode } of SAMPLES) {
      const whole = encode(sealingTools(), { codec: zstd });
      for (let at = 4; at < whole.length; at++) {
        const forged = whole.slice();
        forged[at] = (forged[at] ?? 0) ^ 1;
        rehash(forged, name.startsWith('object') && !name.startsWith('object-id'));
        if (Buffer.compare(forged, whole) !== 0)
          expectRefused(() => decode(forged, sealingTools()), `${name}, byte ${at}`);
      }
    }
  });

  it('I10: two groups of an object, or two objects, cannot change places', () => {
    const data: ObjectContent = {
      ...content,
      objectId: 7,
      level: 0,
      slotBytes: 4096,
      vvbns: Float64Array.from({ length: 40 }, (_, slot) => slot + 1),
      blocks: Uint8Array.from({ length: 40 * 4096 }, (_, at) => at >>> 12),
    };
    const bytes = encodeObject(data, ENDPOINT_ID, plainTools);
    const head = decodeHead(bytes, ENDPOINT_ID, 7, plainTools);
    const [one, other] = head.groups;
    const stored = (group = one) => bytes.slice(group?.offset, (group?.offset ?? 0) + (group?.storedBytes ?? 0));
    if (one === undefined || other === undefined) throw new Error('the object has too few groups');
    expectRefused(() => decodeGroup(head, one, stored(other), plainTools));
    expectRefused(() => decodeObject(bytes, ENDPOINT_ID, 8, plainTools));
  });
});

describe('reading one block of an object', () => {
  it('takes the head and one group, a small part of a full object', () => {
    const vvbns = Float64Array.from({ length: 1024 }, (_, slot) => slot + 1);
    const blocks = new Uint8Array(1024 * 4096);
    for (let at = 0; at < blocks.length; at += 61) blocks[at] = (at * 31) % 256;
    const bytes = encodeObject(
      { ...content, objectId: 9, level: 0, slotBytes: 4096, vvbns, blocks },
      ENDPOINT_ID,
      plainTools,
    );
    const beginning = bytes.slice(0, HEAD_READ_BYTES);
    expect(headBytesOf(bytes.slice(0, 96), ENDPOINT_ID, 9, plainTools)).toBeLessThanOrEqual(HEAD_READ_BYTES);
    const head = decodeHead(beginning, ENDPOINT_ID, 9, plainTools);
    expect(head.totalBytes).toBe(bytes.length);
    const group = groupOf(head, 700);
    const read = decodeGroup(head, group, bytes.slice(group.offset, group.offset + group.storedBytes), plainTools);
    const at = (700 % head.groupSlots) * 4096;
    expect(read.slice(at, at + 4096)).toEqual(blocks.slice(700 * 4096, 701 * 4096));
    expect(head.headBytes + group.storedBytes).toBeLessThan(bytes.length / 40);
  });

  it('of a slot that was emptied, or never was, is refused', () => {
    const head = decodeHead(
      encodeObject(compacted, ENDPOINT_ID, plainTools),
      ENDPOINT_ID,
      content.objectId,
      plainTools,
    );
    for (const slot of [1, 17, 18, 1023])
      expect(
        codeOf(() => groupOf(head, slot)),
        `slot ${slot}`,
      ).toBe('CLOUD_CORRUPT');
    expect(head.groups[1]?.storedBytes).toBe(0);
  });
});

describe('the keys of an endpoint', () => {
  it('are in the order of their numbers, and tell what they stand for', () => {
    const whole = fc.integer({ min: 0, max: 2 ** 43 - 1 });
    fc.assert(
      fc.property(whole, whole, fc.nat(65_535), (one, other, generation) => {
        expect(objectKey(one) < objectKey(other)).toBe(one < other);
        expect(historyKey(one) < historyKey(other)).toBe(one < other);
        expect(parseKey(objectKey(one, generation))).toEqual({ kind: 'object', objectId: one, generation });
        expect(parseKey(manifestKey(one))).toEqual({ kind: 'manifest', snapshotId: one });
        expect(parseKey(l3PartKey(one, generation))).toEqual({ kind: 'l3-part', snapshotId: one, part: generation });
        expect(parseKey(objectIdPartKey(one, 1))).toEqual({ kind: 'object-id-part', snapshotId: one, part: 1 });
        expect(parseKey(historyKey(one))).toEqual({ kind: 'history-entry', number: one });
        expect(parseKey(wrappedKeyKey(one))).toEqual({ kind: 'wrapped-key', number: one });
      }),
      { seed: 1 },
    );
  });

  it('of another making stand for nothing', () => {
    for (const key of [
      'objects/1',
      `${objectKey(1)}~`,
      `x${objectKey(1)}`,
      'notes.txt',
      'snapshots/00000000001/',
      'objects/fffffffffff.0000',
    ]) {
      expect(parseKey(key), key).toBeUndefined();
    }
  });
});

function lines(hex: string): string {
  return `${hex.replaceAll(/(.{96})/g, '$1\n').trimEnd()}\n`;
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CloudError) return error.code;
    throw error;
  }
  return 'accepted';
}

/** Gives a record, or the head of an object, the hash that its bytes have now: whoever forges can do so, too. */
function rehash(bytes: Uint8Array, isObject: boolean): void {
  const table = new DataView(bytes.buffer, bytes.byteOffset).getUint32(76, true);
  const at = isObject ? 96 + table : bytes.length - 32;
  if (at + 32 <= bytes.length) bytes.set(sha256.digest(bytes.subarray(0, at)), at);
}

function expectRefused(act: () => unknown, what = 'the damage'): void {
  const code = codeOf(act);
  if (!['CLOUD_CORRUPT', 'CLOUD_FORMAT_VERSION', 'CLOUD_KEY_WRONG'].includes(code))
    throw new Error(`${what} was ${code}`);
}
