/**
 * Core, format: objects of blocks. The head (header, table, strong hash) comes first and is complete in itself; the
 * blocks follow in compression groups, so that one block is read with one small range. The table has, for each group,
 * where it lies and a hash of its stored bytes, and for each slot its VVBN and the hash of its block.
 * docs/cloud.md has the bytes.
 */
import { CloudError } from '../../../errors.ts';
import { HOLE, type Level, MAX_VVBN, OBJECT_BYTES, SLOTS_PER_OBJECT } from '../block-numbers.ts';
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
import {
  type Cipher,
  DIGEST_BYTES,
  decrypt,
  type FormatTools,
  hashById,
  pack,
  SHORT_DIGEST_BYTES,
  type StrongHash,
  unpack,
  type WriteOptions,
} from './tools.ts';

/** Slots compressed together: 64 KiB of data blocks. */
export const GROUP_SLOTS = 16;
const GROUP_ROW_BYTES = 32;
const SLOT_ROW_BYTES = 24;
/** Where the hash of the head would end in the largest unencrypted object: one read of this length gets any head. */
export const HEAD_READ_BYTES = 32 * 1024;

/** The blocks of an object before they are encoded. Plain data. */
export interface ObjectContent {
  readonly objectId: number;
  /** 0 as first written; a compaction writes the next one. */
  readonly generation: number;
  readonly level: Level;
  readonly slotBytes: number;
  /** One for each slot; HOLE for a slot that was emptied. */
  readonly vvbns: Float64Array;
  /** `slotBytes` for each slot. Those of an emptied slot are ignored. */
  readonly blocks: Uint8Array;
  /** The first 16 bytes of the strong hash of each slot's block, by the hash that it is written with, where that is known. */
  readonly digests?: Uint8Array | undefined;
}

/** What the head of an object says. Plain data but for the cipher. */
export interface ObjectHead {
  readonly objectId: number;
  readonly generation: number;
  readonly level: Level;
  readonly slotBytes: number;
  readonly slotCount: number;
  readonly groupSlots: number;
  readonly vvbns: Float64Array;
  /** 16 bytes a slot. */
  readonly blockDigests: Uint8Array;
  readonly groups: readonly ObjectGroup[];
  /** Bytes of the head, where the groups begin. */
  readonly headBytes: number;
  readonly totalBytes: number;
  readonly lockedUntil: number;
  readonly header: Uint8Array;
  readonly hashId: number;
  readonly cipher: Cipher | undefined;
}

export interface ObjectGroup {
  readonly index: number;
  /** From the beginning of the object. */
  readonly offset: number;
  /** 0 when all of its slots were emptied. */
  readonly storedBytes: number;
  readonly codecId: number;
  readonly rawBytes: number;
  readonly digest: Uint8Array;
}

/** The bytes to store. */
export function encodeObject(
  content: ObjectContent,
  endpointId: Uint8Array,
  tools: FormatTools,
  options: WriteOptions = {},
): Uint8Array {
  const { objectId, generation, level, slotBytes, vvbns, blocks } = content;
  const slotCount = vvbns.length;
  const groupCount = Math.ceil(slotCount / GROUP_SLOTS);
  const [hash] = tools.hashes;
  const identity: Identity = { kind: 'object', endpointId, id: objectId, part: generation };
  const header = beginHeader(identity, hashIdForWriting(tools), tools.cipher, options.lockedUntil ?? 0);
  const view = viewOf(header);
  view.setUint8(KIND_FIELDS_AT, level);
  view.setUint16(KIND_FIELDS_AT + 2, slotCount, true);
  view.setUint32(KIND_FIELDS_AT + 4, slotBytes, true);
  view.setUint16(KIND_FIELDS_AT + 8, GROUP_SLOTS, true);
  view.setUint16(KIND_FIELDS_AT + 10, groupCount, true);
  const identityBytes = header.slice(0, KIND_FIELDS_AT + 12);

  const table = new Uint8Array(groupCount * GROUP_ROW_BYTES + slotCount * SLOT_ROW_BYTES);
  const rows = viewOf(table);
  const digests = content.digests ?? hash.shortDigests(blocks.subarray(0, slotCount * slotBytes), slotBytes);
  const slotsAt = groupCount * GROUP_ROW_BYTES;
  for (let slot = 0; slot < slotCount; slot++) {
    const vvbn = vvbns[slot] ?? HOLE;
    if (vvbn === HOLE) continue;
    const at = slotsAt + slot * SLOT_ROW_BYTES;
    setU64(rows, at, vvbn);
    table.set(digests.subarray(slot * SHORT_DIGEST_BYTES, (slot + 1) * SHORT_DIGEST_BYTES), at + 8);
  }

  const groups: Uint8Array[] = [];
  let offset = 0;
  for (let index = 0; index < groupCount; index++) {
    const raw = groupContent(content, index);
    const packed = pack(raw, options.codec);
    const stored =
      raw.length === 0 || tools.cipher === undefined
        ? packed.bytes
        : tools.cipher.seal(packed.bytes, groupAssociation(identityBytes, index));
    const at = index * GROUP_ROW_BYTES;
    rows.setUint32(at, offset, true);
    rows.setUint32(at + 4, stored.length, true);
    rows.setUint32(at + 8, raw.length, true);
    rows.setUint8(at + 12, packed.codecId);
    table.set(hash.digest(stored).subarray(0, SHORT_DIGEST_BYTES), at + 16);
    groups.push(stored);
    offset += stored.length;
  }

  const storedTable = tools.cipher === undefined ? table : tools.cipher.seal(table, identityBytes);
  view.setUint32(KIND_FIELDS_AT + 12, storedTable.length, true);
  view.setUint32(KIND_FIELDS_AT + 16, offset, true);
  const head = joinBytes([header, storedTable]);
  return joinBytes([head, hash.digest(head), ...groups]);
}

/** How many bytes the head has, from the first 96 bytes of the object. @throws CloudError `CLOUD_CORRUPT` */
export function headBytesOf(bytes: Uint8Array, endpointId: Uint8Array, objectId: number, tools: FormatTools): number {
  openHeader(bytes, { kind: 'object', endpointId, id: objectId }, tools);
  return HEADER_BYTES + viewOf(bytes).getUint32(KIND_FIELDS_AT + 12, true) + DIGEST_BYTES;
}

/**
 * The head, checked, from bytes that begin with it.
 * @throws CloudError `CLOUD_CORRUPT` (also when the head goes on beyond the bytes), `CLOUD_FORMAT_VERSION`, `CLOUD_KEY_WRONG`
 */
export function decodeHead(
  bytes: Uint8Array,
  endpointId: Uint8Array,
  objectId: number,
  tools: FormatTools,
): ObjectHead {
  const identity = { kind: 'object', endpointId, id: objectId } as const;
  const { hashId, part: generation, cipher, lockedUntil } = openHeader(bytes, identity, tools);
  const headBytes = headBytesOf(bytes, endpointId, objectId, tools);
  if (bytes.length < headBytes) throw misplaced(identity, 'cut off');
  const hash = hashById(tools, hashId);
  const digestAt = headBytes - DIGEST_BYTES;
  if (!sameBytes(hash.digest(bytes.subarray(0, digestAt)), bytes.subarray(digestAt, headBytes))) {
    throw misplaced(identity, 'damaged');
  }
  const view = viewOf(bytes);
  const level = view.getUint8(KIND_FIELDS_AT);
  const slotCount = view.getUint16(KIND_FIELDS_AT + 2, true);
  const slotBytes = view.getUint32(KIND_FIELDS_AT + 4, true);
  const groupSlots = view.getUint16(KIND_FIELDS_AT + 8, true);
  const groupCount = view.getUint16(KIND_FIELDS_AT + 10, true);
  const dataBytes = view.getUint32(KIND_FIELDS_AT + 16, true);
  const sound =
    level <= 2 &&
    slotCount > 0 &&
    slotCount <= SLOTS_PER_OBJECT &&
    slotBytes > 0 &&
    groupSlots > 0 &&
    view.getUint8(KIND_FIELDS_AT + 1) === 0 &&
    bytes.subarray(KIND_FIELDS_AT + 20, HEADER_BYTES).every((byte) => byte === 0) &&
    slotCount * slotBytes <= Math.max(OBJECT_BYTES, slotBytes) &&
    groupCount === Math.ceil(slotCount / groupSlots);
  const table = decrypt(cipher, bytes.subarray(HEADER_BYTES, digestAt), bytes.slice(0, KIND_FIELDS_AT + 12));
  if (!sound || table.length !== groupCount * GROUP_ROW_BYTES + slotCount * SLOT_ROW_BYTES) {
    throw misplaced(identity, 'made wrongly');
  }
  const vvbns = new Float64Array(slotCount);
  const blockDigests = new Uint8Array(slotCount * SHORT_DIGEST_BYTES);
  const rows = viewOf(table);
  for (let slot = 0; slot < slotCount; slot++) {
    const at = groupCount * GROUP_ROW_BYTES + slot * SLOT_ROW_BYTES;
    const vvbn = getU64(rows, at);
    if (vvbn > MAX_VVBN) throw misplaced(identity, 'made wrongly');
    vvbns[slot] = vvbn;
    blockDigests.set(table.subarray(at + 8, at + SLOT_ROW_BYTES), slot * SHORT_DIGEST_BYTES);
  }
  const groups: ObjectGroup[] = [];
  let offset = 0;
  for (let index = 0; index < groupCount; index++) {
    const at = index * GROUP_ROW_BYTES;
    const storedBytes = rows.getUint32(at + 4, true);
    if (rows.getUint32(at, true) !== offset) throw misplaced(identity, 'made wrongly');
    groups.push({
      index,
      offset: headBytes + offset,
      storedBytes,
      rawBytes: rows.getUint32(at + 8, true),
      codecId: rows.getUint8(at + 12),
      digest: table.slice(at + 16, at + GROUP_ROW_BYTES),
    });
    offset += storedBytes;
  }
  if (offset !== dataBytes) throw misplaced(identity, 'made wrongly');
  return {
    objectId,
    generation,
    level: level as Level,
    slotBytes,
    slotCount,
    groupSlots,
    vvbns,
    blockDigests,
    groups,
    headBytes,
    totalBytes: headBytes + dataBytes,
    lockedUntil,
    header: bytes.slice(0, KIND_FIELDS_AT + 12),
    hashId,
    cipher,
  };
}

/**
 * The group that a slot lies in.
 * @throws CloudError `CLOUD_CORRUPT` when the object has no such slot, or it was emptied
 */
export function groupOf(head: ObjectHead, slot: number): ObjectGroup {
  const group = head.groups[Math.floor(slot / head.groupSlots)];
  if (group === undefined || slot >= head.slotCount || head.vvbns[slot] === HOLE) {
    throw new CloudError('CLOUD_CORRUPT', `object ${head.objectId} has no block in slot ${slot}`, {
      objectId: head.objectId,
    });
  }
  return group;
}

/**
 * The blocks of a group, one `slotBytes` after the other (zeros for an emptied slot), from its stored bytes, after
 * every check: hash of the stored bytes, decryption, decompression, hash of each block.
 * @throws CloudError `CLOUD_CORRUPT`
 */
export function decodeGroup(head: ObjectHead, group: ObjectGroup, stored: Uint8Array, tools: FormatTools): Uint8Array {
  const hash = hashById(tools, head.hashId);
  const damaged = (how: string) => misplaced({ kind: 'object', id: head.objectId }, `${how} in group ${group.index}`);
  if (stored.length !== group.storedBytes) throw damaged('cut off');
  if (!sameBytes(hash.digest(stored).subarray(0, SHORT_DIGEST_BYTES), group.digest)) throw damaged('damaged');
  const first = group.index * head.groupSlots;
  const slots = Math.min(head.groupSlots, head.slotCount - first);
  const present = presentSlots(head.vvbns, first, slots);
  if (group.rawBytes !== present.length * head.slotBytes) throw damaged('made wrongly');
  if (present.length === 0) return new Uint8Array(slots * head.slotBytes);
  const packed = decrypt(head.cipher, stored, groupAssociation(head.header, group.index));
  const raw = unpackGroup(head, group, packed, tools);
  checkBlocks(head, present, raw, hash);
  if (present.length === slots) return raw;
  const blocks = new Uint8Array(slots * head.slotBytes);
  present.forEach((slot, at) => {
    blocks.set(raw.subarray(at * head.slotBytes, (at + 1) * head.slotBytes), (slot - first) * head.slotBytes);
  });
  return blocks;
}

/**
 * All blocks of an object from its stored bytes; nothing may be missing, and nothing may follow.
 * @throws CloudError as `decodeHead` and `decodeGroup`
 */
export function decodeObject(
  bytes: Uint8Array,
  endpointId: Uint8Array,
  objectId: number,
  tools: FormatTools,
): ObjectContent {
  const head = decodeHead(bytes, endpointId, objectId, tools);
  if (bytes.length !== head.totalBytes) throw misplaced({ kind: 'object', id: objectId }, 'cut off or too long');
  const blocks = new Uint8Array(head.slotCount * head.slotBytes);
  for (const group of head.groups) {
    const stored = bytes.subarray(group.offset, group.offset + group.storedBytes);
    blocks.set(decodeGroup(head, group, stored, tools), group.index * head.groupSlots * head.slotBytes);
  }
  const { generation, level, slotBytes, vvbns } = head;
  return { objectId, generation, level, slotBytes, vvbns, blocks };
}

function unpackGroup(head: ObjectHead, group: ObjectGroup, packed: Uint8Array, tools: FormatTools): Uint8Array {
  try {
    return unpack(tools, group.codecId, packed, group.rawBytes);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    throw new CloudError(
      error.code as 'CLOUD_CORRUPT',
      `object ${head.objectId}, group ${group.index}: ${error.message}`,
      {
        objectId: head.objectId,
        cause: error,
      },
    );
  }
}

function checkBlocks(head: ObjectHead, present: readonly number[], raw: Uint8Array, hash: StrongHash): void {
  const digests = hash.shortDigests(raw, head.slotBytes);
  present.forEach((slot, at) => {
    const found = digests.subarray(at * SHORT_DIGEST_BYTES, (at + 1) * SHORT_DIGEST_BYTES);
    const wanted = head.blockDigests.subarray(slot * SHORT_DIGEST_BYTES, (slot + 1) * SHORT_DIGEST_BYTES);
    if (!sameBytes(found, wanted)) throw misplaced({ kind: 'object', id: head.objectId }, `damaged in slot ${slot}`);
  });
}

/** The blocks of a group that were not emptied, one after the other. */
function groupContent({ vvbns, blocks, slotBytes }: ObjectContent, index: number): Uint8Array {
  const first = index * GROUP_SLOTS;
  const slots = Math.min(GROUP_SLOTS, vvbns.length - first);
  const present = presentSlots(vvbns, first, slots);
  if (present.length === slots) return blocks.subarray(first * slotBytes, (first + slots) * slotBytes);
  return joinBytes(present.map((slot) => blocks.subarray(slot * slotBytes, (slot + 1) * slotBytes)));
}

function presentSlots(vvbns: Float64Array, first: number, count: number): number[] {
  const present: number[] = [];
  for (let slot = first; slot < first + count; slot++) if ((vvbns[slot] ?? HOLE) !== HOLE) present.push(slot);
  return present;
}

/** A group sealed for one place cannot be opened in another. */
function groupAssociation(identityBytes: Uint8Array, index: number): Uint8Array {
  const associated = new Uint8Array(identityBytes.length + 4);
  associated.set(identityBytes);
  viewOf(associated).setUint32(identityBytes.length, index + 1, true);
  return associated;
}
