/**
 * Run (layer 3): reading snapshots from the store. Everything is checked before it is given out: manifests against the
 * history, parts against their manifest, heads and groups against their own hashes; and every failure names the object.
 */
import { BLOCK_BYTES, type Level, objectIdOf, slotOf } from '../../core/cloud/block-numbers.ts';
import type { SnapshotFacts } from '../../core/cloud/format/history-entry.ts';
import { decodeL3Part } from '../../core/cloud/format/l3-part.ts';
import { decodeManifest, type L3PartFacts, type Manifest } from '../../core/cloud/format/manifest.ts';
import { l3PartKey, manifestKey, objectIdPartKey, objectKey } from '../../core/cloud/format/names.ts';
import {
  decodeHead,
  groupOf,
  HEAD_READ_BYTES,
  headBytesOf,
  type ObjectGroup,
  type ObjectHead,
} from '../../core/cloud/format/object.ts';
import { decodeObjectIdPart } from '../../core/cloud/format/object-id-part.ts';
import { readPopulated } from '../../core/cloud/indirects.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import { partWithInode } from '../../core/cloud/l3.ts';
import { ObjectIdSet } from '../../core/cloud/object-ids.ts';
import { CloudError } from '../../errors.ts';
import type { CloudContext } from './context.ts';
import { inParallel } from './in-parallel.ts';

export type ReadContext = Pick<
  CloudContext,
  'place' | 'tools' | 'compute' | 'encryption' | 'limits' | 'history' | 'signal'
>;

/** Blocks to read from one object. */
export interface SlotRead {
  readonly objectId: number;
  /** Ascending. */
  readonly slots: Uint16Array;
}

export class SnapshotReader {
  readonly #context: ReadContext;
  readonly #heads = new Map<number, Promise<ObjectHead>>();

  constructor(context: ReadContext) {
    this.#context = context;
  }

  /** @throws CloudError `CLOUD_CORRUPT` when it is not the one that was committed */
  async manifest(facts: SnapshotFacts): Promise<Manifest> {
    const { manifest, digest } = await this.#manifest(facts.id);
    if (digest !== facts.manifestDigest) throw notCommitted(manifestKey(facts.id), facts.name);
    return manifest;
  }

  /** That of a snapshot which the history does not know any more; `undefined` when it is gone. */
  async manifestOfForgotten(snapshotId: number): Promise<Manifest | undefined> {
    try {
      return (await this.#manifest(snapshotId)).manifest;
    } catch (error) {
      if (error instanceof CloudError && error.code === 'CLOUD_OBJECT_MISSING') return undefined;
      throw error;
    }
  }

  async l3Part({ snapshotId, name }: Manifest, { part, digest }: L3PartFacts): Promise<InodeRoot[]> {
    const { place, history, tools, signal } = this.#context;
    const key = l3PartKey(snapshotId, part);
    const of = { endpointId: history.endpointId, snapshotId, part };
    const found = decodeL3Part(await place.get(key, { signal }), of, tools);
    if (found.digest !== digest) throw notCommitted(key, name);
    return found.inodes;
  }

  async inode(manifest: Manifest, number: number): Promise<InodeRoot | undefined> {
    const part = partWithInode(manifest.l3Parts, number);
    const inodes = part === undefined ? [] : await this.l3Part(manifest, part);
    return inodes.find((inode) => inode.number === number);
  }

  /** Every inode, ascending, part by part. */
  async *inodes(manifest: Manifest): AsyncGenerator<readonly InodeRoot[], void, undefined> {
    for (const part of manifest.l3Parts) yield await this.l3Part(manifest, part);
  }

  async objectIds({ snapshotId, name, objectIdParts }: Manifest): Promise<ObjectIdSet> {
    const { place, history, tools, signal } = this.#context;
    const ids = new ObjectIdSet();
    for (const { part, digest } of objectIdParts) {
      const key = objectIdPartKey(snapshotId, part);
      const of = { endpointId: history.endpointId, snapshotId, part };
      const found = decodeObjectIdPart(await place.get(key, { signal }), of, tools);
      if (found.digest !== digest) throw notCommitted(key, name);
      for (const page of found.pages) ids.addPage(page);
    }
    return ids;
  }

  /** The head of an object; those used last are kept. @throws CloudError `CLOUD_OBJECT_MISSING`, `CLOUD_CORRUPT` */
  head(objectId: number): Promise<ObjectHead> {
    const known = this.#heads.get(objectId);
    const head = known ?? this.#readHead(objectId);
    // Last in the order of the map: used last.
    this.#heads.delete(objectId);
    this.#heads.set(objectId, head);
    if (known === undefined) head.catch(() => this.#heads.delete(objectId));
    for (const oldest of this.#heads.keys()) {
      if (this.#heads.size <= this.#context.limits.heads) break;
      this.#heads.delete(oldest);
    }
    return head;
  }

  /** Heads of all objects that these PVBNs name. */
  async heads(pvbns: Float64Array): Promise<Map<number, ObjectHead>> {
    const ids = new Set<number>();
    for (const pvbn of pvbns) if (pvbn !== 0) ids.add(objectIdOf(pvbn));
    const heads = new Map<number, ObjectHead>();
    await inParallel(ids, this.#context.limits.objectsInFlight, async (id) => {
      heads.set(id, await this.head(id));
    });
    return heads;
  }

  /**
   * Blocks of some slots of an object, one after the other, reading only the groups that they lie in.
   * @throws CloudError naming the object, when a slot is damaged or not of this level
   */
  async blocks({ objectId, slots }: SlotRead, level: Level): Promise<Uint8Array> {
    const { compute, encryption, signal } = this.#context;
    const head = await this.head(objectId);
    if (head.level !== level) {
      throw new CloudError('CLOUD_CORRUPT', `object ${objectId} is of level ${head.level}, not ${level}`, { objectId });
    }
    const groups: ObjectGroup[] = [];
    for (const slot of slots) {
      const group = groupOf(head, slot);
      if (groups.at(-1) !== group) groups.push(group);
    }
    const stored = await this.#readGroups(head, groups);
    const decoded = await compute.decodeGroups(head, stored, { encryption }, { signal });
    const { slotBytes, groupSlots } = head;
    const blocks = new Uint8Array(slots.length * slotBytes);
    let at = 0;
    slots.forEach((slot, row) => {
      while (groups[at]?.index !== Math.floor(slot / groupSlots)) at++;
      const from = (slot % groupSlots) * slotBytes;
      blocks.set((decoded[at] ?? new Uint8Array()).subarray(from, from + slotBytes), row * slotBytes);
    });
    return blocks;
  }

  /** The PVBNs in populated indirect blocks: `pointersPerBlock` of each, in the order asked for. */
  async pointers(level: 1 | 2, pvbns: Float64Array, pointersPerBlock: number): Promise<Float64Array> {
    return readPopulated(await this.blocksAt(level, pvbns, 8 * pointersPerBlock));
  }

  /**
   * The blocks that these PVBNs name, in the order asked for.
   * @param slotBytes of each; blocks of another size are damage
   */
  async blocksAt(level: Level, pvbns: Float64Array, slotBytes = BLOCK_BYTES): Promise<Uint8Array> {
    const all = new Uint8Array(pvbns.length * slotBytes);
    const read = async ({ objectId, slots, rows }: RowsOfObject) => {
      const blocks = await this.blocks({ objectId, slots }, level);
      if (blocks.length !== slots.length * slotBytes) {
        const message = `the blocks of object ${objectId} do not have ${slotBytes} bytes`;
        throw new CloudError('CLOUD_CORRUPT', message, { objectId });
      }
      for (const { slot, row } of rows)
        all.set(blocks.subarray(slot * slotBytes, (slot + 1) * slotBytes), row * slotBytes);
    };
    await inParallel(rowsByObject(pvbns), this.#context.limits.objectsInFlight, read);
    return all;
  }

  async #manifest(snapshotId: number): Promise<{ readonly manifest: Manifest; readonly digest: string }> {
    const { place, history, tools, signal } = this.#context;
    const stored = await place.get(manifestKey(snapshotId), { signal });
    return decodeManifest(stored, history.endpointId, snapshotId, tools);
  }

  async #readHead(objectId: number): Promise<ObjectHead> {
    const { place, history, tools, signal } = this.#context;
    const key = objectKey(objectId);
    const first = await place.getFirst(key, HEAD_READ_BYTES, { signal });
    const headBytes = headBytesOf(first, history.endpointId, objectId, tools);
    const whole = headBytes <= first.length ? first : await place.getFirst(key, headBytes, { signal });
    return decodeHead(whole, history.endpointId, objectId, tools);
  }

  /** Stored bytes of groups, neighbours with one read. */
  async #readGroups(head: ObjectHead, groups: readonly ObjectGroup[]) {
    const { place, signal } = this.#context;
    const key = objectKey(head.objectId, head.generation);
    const stored: { readonly group: ObjectGroup; readonly stored: Uint8Array }[] = [];
    for (let at = 0; at < groups.length; ) {
      const run: ObjectGroup[] = [];
      let length = 0;
      for (
        let group = groups[at];
        group !== undefined && endsAt(run.at(-1), group) === group.offset;
        group = groups[++at]
      ) {
        run.push(group);
        length += group.storedBytes;
      }
      const offset = run[0]?.offset ?? 0;
      const bytes = await place.get(key, { signal, range: { offset, length } });
      for (const group of run) {
        const from = group.offset - offset;
        stored.push({ group, stored: bytes.subarray(from, from + group.storedBytes) });
      }
    }
    return stored;
  }
}

function endsAt(before: ObjectGroup | undefined, group: ObjectGroup): number {
  return before === undefined ? group.offset : before.offset + before.storedBytes;
}

interface RowsOfObject {
  readonly objectId: number;
  readonly slots: Uint16Array;
  /** Where in `slots` the block of a row is. */
  readonly rows: { readonly slot: number; readonly row: number }[];
}

function rowsByObject(pvbns: Float64Array): RowsOfObject[] {
  const order = Array.from(pvbns, (pvbn, row) => ({ pvbn, row })).sort((one, other) => one.pvbn - other.pvbn);
  const found: { objectId: number; slots: number[]; rows: { slot: number; row: number }[] }[] = [];
  for (const { pvbn, row } of order) {
    const objectId = objectIdOf(pvbn);
    let of = found.at(-1);
    if (of?.objectId !== objectId) {
      of = { objectId, slots: [], rows: [] };
      found.push(of);
    }
    if (of.slots.at(-1) !== slotOf(pvbn)) of.slots.push(slotOf(pvbn));
    of.rows.push({ slot: of.slots.length - 1, row });
  }
  return found.map(({ objectId, slots, rows }) => ({ objectId, slots: Uint16Array.from(slots), rows }));
}

function notCommitted(key: string, snapshot: string): CloudError {
  return new CloudError('CLOUD_CORRUPT', `${key} is not the one that was committed`, { object: key, snapshot });
}
