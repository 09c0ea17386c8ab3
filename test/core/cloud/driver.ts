/**
 * A small synchronous stand-in for the engine: whole transfers, collections and restores of one volume through the
 * phases of the core, with a Map as object store. A transfer is a generator that stops before and after every write, so
 * that a test can cut it off there.
 */

import { type Level, type ObjectId, objectIdOf, slotBytesOf, slotOf } from '../../../src/core/cloud/block-numbers.ts';
import { heldBy, type SourceView } from '../../../src/core/cloud/check.ts';
import {
  decodeHistoryEntry,
  encodeHistoryEntry,
  type ForgetSequel,
  type HistoryEntry,
  type SnapshotFacts,
  type TakeOverEntry,
} from '../../../src/core/cloud/format/history-entry.ts';
import { decodeL3Part, encodeL3Part } from '../../../src/core/cloud/format/l3-part.ts';
import {
  decodeManifest,
  encodeManifest,
  type L3PartFacts,
  type Manifest,
  type ObjectIdPartFacts,
} from '../../../src/core/cloud/format/manifest.ts';
import {
  historyKey,
  l3PartKey,
  manifestKey,
  objectIdPartKey,
  objectKey,
} from '../../../src/core/cloud/format/names.ts';
import {
  decodeGroup,
  decodeHead,
  groupOf,
  type ObjectContent,
  type ObjectHead,
} from '../../../src/core/cloud/format/object.ts';
import { decodeObjectIdPart, encodeObjectIdPart } from '../../../src/core/cloud/format/object-id-part.ts';
import type { FormatTools, WriteOptions } from '../../../src/core/cloud/format/tools.ts';
import { type EndpointState, NO_ENDPOINT, type ObjectIdRange, type Proposal } from '../../../src/core/cloud/history.ts';
import { readPopulated } from '../../../src/core/cloud/indirects.ts';
import type { InodeRoot } from '../../../src/core/cloud/inode-root.ts';
import { L3Parts } from '../../../src/core/cloud/l3.ts';
import { ObjectIdSet } from '../../../src/core/cloud/object-ids.ts';
import { Packer } from '../../../src/core/cloud/packing.ts';
import { enterBlocks, vvbnsOf } from '../../../src/core/cloud/rebuild.ts';
import { copyPage, VMAP_PAGE_WORDS, type VmapPage, VmapWorkingSet } from '../../../src/core/cloud/vmap.ts';
import type { Vvbn } from '../../../src/core/wafl/blocks.ts';
import { visitChanges } from '../../../src/core/wafl/changes.ts';
import type { VolumeView } from '../../../src/core/wafl/view.ts';
import type { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { CloudError } from '../../../src/errors.ts';
import { ENDPOINT_ID, plainTools } from './format-tools.ts';
import { PHASES, type Phases } from './phases.ts';

/** Slots of an object in tests: few, so that a small volume has many objects. */
export const TEST_SLOTS = 4;
const TEST_L3_PART_BYTES = 200;

/** What a crash leaves on the source's side for a transfer to be resumed. */
export interface Checkpoint {
  readonly owner: TakeOverEntry;
  readonly uuid: string;
  readonly base: number;
  readonly pages: readonly VmapPage[];
  readonly nextObjectId: ObjectId;
}

export interface TransferResult {
  readonly snapshot: SnapshotFacts;
  /** VVBNs in the order of their upload, those of attempts before a crash included. */
  readonly uploads: readonly [number[], number[], number[]];
  /** How often the transfer was begun: 1 unless it was resumed. */
  readonly attempts: number;
  readonly indirectBlocksRead: number;
}

export class TestEndpoint {
  readonly volume: WaflVolume;
  readonly phases: Phases;
  readonly tools: FormatTools;
  readonly store = new Map<string, Uint8Array>();
  state: EndpointState = NO_ENDPOINT;
  vmap: readonly VmapPage[] = [];
  owner: TakeOverEntry | undefined;
  /** Of every snapshot that was ever committed, forgotten ones too. */
  readonly #manifestDigests = new Map<number, string>();
  #range: ObjectIdRange | undefined;
  readonly #write: WriteOptions;
  checkpoint: Checkpoint | undefined;
  #attempt: { readonly uploads: [number[], number[], number[]]; attempts: number } = {
    uploads: [[], [], []],
    attempts: 0,
  };

  /** @param write how objects and records are written: uncompressed if not given */
  constructor(
    volume: WaflVolume,
    phases: Partial<Phases> = {},
    tools: FormatTools = plainTools,
    write: WriteOptions = {},
  ) {
    this.#write = write;
    this.volume = volume;
    this.phases = { ...PHASES, ...phases };
    this.tools = tools;
  }

  // History

  /** Puts an entry under its number if nothing is there. @throws CloudError `CLOUD_CONFLICT` */
  append<E extends HistoryEntry>(proposal: Proposal<E>): E {
    if (!proposal.ok) throw new CloudError(proposal.code, proposal.reason, { remedy: proposal.remedy });
    const { entry } = proposal;
    const { bytes, digest } = encodeHistoryEntry(entry, ENDPOINT_ID, this.tools);
    const key = historyKey(entry.number);
    if (this.store.has(key)) throw new CloudError('CLOUD_CONFLICT', `somebody else put ${key}`);
    this.store.set(key, bytes);
    this.state = this.phases.applyEntry(this.state, entry, digest);
    if (entry.kind === 'commit') this.#manifestDigests.set(entry.snapshot.id, entry.snapshot.manifestDigest);
    return entry;
  }

  /** The state as the store tells it. */
  readHistory(store: ReadonlyMap<string, Uint8Array> = this.store): EndpointState {
    let state = NO_ENDPOINT;
    for (let number = 1; ; number++) {
      const bytes = store.get(historyKey(number));
      if (bytes === undefined) return state;
      const { entry, digest } = decodeHistoryEntry(bytes, ENDPOINT_ID, number, this.tools);
      state = this.phases.applyEntry(state, entry, digest);
    }
  }

  takeOver(resumes?: Checkpoint): void {
    const { pointersPerBlock } = this.volume.options;
    this.owner = this.append(
      this.phases.proposeTakeOver(this.state, {
        writer: 'test',
        at: 0,
        exclusion: 'put-if-absent',
        objectIds: 4096,
        ...(resumes && { resumes: resumes.owner }),
        ...(this.state.owner === undefined && { properties: { sourceKind: 'wafl', sourceId: 'v', pointersPerBlock } }),
      }),
    );
    this.#range = this.phases.objectIdRange(this.owner);
  }

  // Backup

  /** Runs a transfer to its end. */
  backup(name: string, options: { readonly baseline?: boolean } = {}): TransferResult {
    const steps = this.transfer(name, options);
    for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
  }

  /** Runs a transfer until it has stopped `stops` times. Returns the result if it ended before. */
  backupUntil(name: string, stops: number, options: { readonly baseline?: boolean } = {}): TransferResult | undefined {
    const steps = this.transfer(name, options);
    for (let stop = 0; stop <= stops; stop++) {
      const step = steps.next();
      if (step.done) return step.value;
    }
    return undefined;
  }

  /** The process that ran a transfer is gone; the next one starts anew, and what was staged is thrown away. */
  abandon(): void {
    if (this.checkpoint !== undefined) this.vmap = this.phases.vmapAfterAbandon(this.vmap, this.checkpoint.pages);
    this.checkpoint = undefined;
    this.owner = undefined;
  }

  /**
   * A transfer of a snapshot; resumes the one that the checkpoint tells of, if it is of the same snapshot. Each stop
   * is a point at which a crash may come.
   */
  *transfer(name: string, options: { readonly baseline?: boolean } = {}): Generator<string, TransferResult, void> {
    const view = this.volume.snapshotView(name);
    const uuid = view.snapshot?.uuid ?? '';
    const { pointersPerBlock } = view;
    const base = options.baseline ? undefined : this.state.base;
    const uuids = this.volume.snapshots().map((snapshot) => snapshot.uuid);
    if (base !== undefined && !this.phases.baseIsHeld(uuids, base.uuid)) {
      throw new CloudError('CLOUD_BASE_GONE', `the source does not hold ${base.name}`, {
        remedy: 'Make a new baseline.',
      });
    }
    const { checkpoint } = this;
    const resumes =
      checkpoint !== undefined &&
      checkpoint.uuid === uuid &&
      checkpoint.base === (base?.id ?? 0) &&
      this.state.owner?.number === checkpoint.owner.number
        ? checkpoint
        : undefined;
    if (resumes === undefined && checkpoint !== undefined) this.abandon();
    if (resumes !== undefined || this.owner === undefined || this.owner.number !== this.state.owner?.number) {
      this.takeOver(resumes);
    }
    const owner = this.owner;
    const range = this.#range;
    if (owner === undefined || range === undefined) throw new Error('nobody owns the endpoint');
    const begun = resumes?.pages ?? (base === undefined ? [] : this.vmap);
    const vmap = new VmapWorkingSet(begun.map(copyPage), { complete: true });
    const save = () => {
      this.checkpoint = {
        owner,
        uuid,
        base: base?.id ?? 0,
        pages: vmap.pages().map(copyPage),
        nextObjectId: range.next,
      };
    };
    if (resumes === undefined) this.#attempt = { uploads: [[], [], []], attempts: 0 };
    this.#attempt.attempts++;
    const { uploads, attempts } = this.#attempt;
    save();
    yield 'begun';

    if (resumes !== undefined) for (const page of vmap.pages()) this.phases.dropPending(vmap.pageToWrite(page.number));
    // Phase 1
    if (base !== undefined) {
      const held = view.held();
      for (const { number } of vmap.pages()) {
        const words = new Uint32Array(VMAP_PAGE_WORDS);
        for (const level of [held.l0, held.l1, held.l2]) {
          const from = number * VMAP_PAGE_WORDS;
          level.words.subarray(from, from + VMAP_PAGE_WORDS).forEach((word, at) => {
            words[at] = (words[at] ?? 0) | word;
          });
        }
        this.phases.invalidatePage(vmap.pageToWrite(number), words);
      }
    }

    // Phases 2 to 5
    const store = function* (this: TestEndpoint, object: ObjectContent): Generator<string, void, void> {
      yield 'before an object';
      const bytes = this.phases.encodeObject(object, ENDPOINT_ID, this.tools, this.#write);
      if (this.store.has(objectKey(object.objectId))) throw new Error(`object ${object.objectId} is there already`);
      this.store.set(objectKey(object.objectId), bytes);
      uploads[object.level].push(...object.vvbns);
      yield 'after an object';
      this.phases.fixUp(vmap, object);
      save();
    }.bind(this);
    const packer = (level: Level) =>
      new Packer(level, slotBytesOf(level, pointersPerBlock), () => range.take(), { slots: TEST_SLOTS });
    const levelZero = packer(0);
    const changed = changedRoots(this.volume, base?.uuid, view);
    const scan = this.phases.scanChanged(vmap, changed, pointersPerBlock);
    let indirectBlocksRead = 0;
    for (let given: Float64Array | undefined; ; ) {
      const step = scan.next(given);
      given = undefined;
      if (step.done) {
        indirectBlocksRead = step.value.indirectBlocksRead;
        break;
      }
      if (step.value.step === 'read-pointers') given = readPointers(view, step.value.vvbns);
      if (step.value.step === 'changed' && step.value.level === 0) {
        const { vvbns } = step.value;
        for (const object of levelZero.add(vvbns, readContents(view, vvbns))) yield* store(object);
      }
    }
    for (const object of levelZero.flush()) yield* store(object);
    for (const level of [1, 2] as const) {
      const indirect = packer(level);
      for (const page of vmap.pages()) {
        const vvbns = this.phases.pendingIn(page, level);
        const blocks = this.phases.populate(vmap, readPointers(view, vvbns));
        for (const object of indirect.add(vvbns, blocks)) yield* store(object);
      }
      for (const object of indirect.flush()) yield* store(object);
    }

    // L3, phase 6, manifest, commit
    const snapshotId = range.take();
    const identity = (part: number) => ({ endpointId: ENDPOINT_ID, snapshotId, part });
    const l3Parts: L3PartFacts[] = [];
    const parts = new L3Parts(TEST_L3_PART_BYTES);
    const roots = rootsOf(view).map((root) => this.phases.populateInode(vmap, root));
    for (const inodes of [...parts.add(roots), ...parts.flush()]) {
      const part = l3Parts.length;
      const { bytes, digest } = encodeL3Part(inodes, identity(part), this.tools, this.#write);
      this.store.set(l3PartKey(snapshotId, part), bytes);
      const [firstInode = 0, lastInode = 0] = [inodes[0]?.number, inodes.at(-1)?.number];
      l3Parts.push({ part, inodes: inodes.length, firstInode, lastInode, bytes: bytes.length, digest });
      yield 'after an L3 part';
    }
    const ids = new ObjectIdSet();
    for (const page of vmap.pages()) this.phases.addObjectIds(page, ids);
    const { bytes: idBytes, digest: idDigest } = encodeObjectIdPart(ids.pages(), identity(0), this.tools, this.#write);
    this.store.set(objectIdPartKey(snapshotId, 0), idBytes);
    const objectIdParts: ObjectIdPartFacts[] = [{ part: 0, ids: ids.size, bytes: idBytes.length, digest: idDigest }];
    yield 'after the bitmap';
    const held = heldBy(sourceView(view)).map(({ size }) => size);
    const info = view.snapshot;
    const manifest: Manifest = {
      snapshotId,
      uuid,
      name,
      createdAt: info?.createdAt ?? 0,
      base: base?.id ?? 0,
      pointersPerBlock,
      sourceFormat: 'wafl/1',
      inodes: roots.length,
      logicalBytes: 0,
      heldBlocks: [held[0] ?? 0, held[1] ?? 0, held[2] ?? 0],
      uploadedBlocks: [uploads[0].length, uploads[1].length, uploads[2].length],
      uploadedBytes: 0,
      l3Parts,
      objectIdParts,
    };
    const sealed = encodeManifest(manifest, ENDPOINT_ID, this.tools, this.#write);
    this.store.set(manifestKey(snapshotId), sealed.bytes);
    yield 'after the manifest';
    const facts: SnapshotFacts = {
      id: snapshotId,
      uuid,
      name,
      createdAt: info?.createdAt ?? 0,
      base: base?.id ?? 0,
      manifestDigest: sealed.digest,
    };
    this.append(this.phases.proposeCommit(this.state, owner, facts, range.next, 0));
    this.vmap = this.phases.vmapAfterCommit(this.vmap, vmap.pages());
    this.checkpoint = undefined;
    return { snapshot: facts, uploads, attempts, indirectBlocksRead };
  }

  // Forget and collect

  forget(snapshotIds: readonly ObjectId[], sequel: ForgetSequel = 'continue'): void {
    this.append(this.phases.proposeForget(this.state, snapshotIds, sequel, 0));
    if (this.state.base === undefined) this.vmap = [];
  }

  /** @param holds snapshots that a restore under way needs */
  collect(holds: readonly ObjectId[] = []): number {
    const entry = this.append(this.phases.proposeCollect(this.state, 0));
    const bitmaps = new Map<ObjectId, ObjectIdSet>();
    for (const id of this.phases.snapshotsToSpare(entry, holds)) bitmaps.set(id, this.objectIds(id));
    const spared = this.phases.sparedBy(entry, bitmaps);
    const keys = [...this.store.keys()].sort();
    let deleted = 0;
    for (let at = 0; at < keys.length; at += 7) {
      const page = keys.slice(at, at + 7).map((key) => ({ key, bytes: this.store.get(key)?.length ?? 0 }));
      for (const { key } of this.phases.deletionsAmong(page, spared)) {
        this.store.delete(key);
        deleted++;
      }
    }
    return deleted;
  }

  // Reading

  get(key: string): Uint8Array {
    const bytes = this.store.get(key);
    if (bytes !== undefined) return bytes;
    const objectId = Number.parseInt(/^objects\/([0-9a-f]+)/.exec(key)?.[1] ?? '', 16);
    throw new CloudError('CLOUD_OBJECT_MISSING', `${key} is not in the store`, {
      object: key,
      ...(Number.isNaN(objectId) ? {} : { objectId }),
    });
  }

  manifest(id: number): Manifest {
    const { manifest, digest } = decodeManifest(this.get(manifestKey(id)), ENDPOINT_ID, id, this.tools);
    if (digest !== this.#manifestDigests.get(id)) {
      throw new CloudError('CLOUD_CORRUPT', `the manifest of ${id} is not the one that was committed`);
    }
    return manifest;
  }

  l3Part(snapshotId: number, { part, digest }: L3PartFacts): InodeRoot[] {
    const identity = { endpointId: ENDPOINT_ID, snapshotId, part };
    const found = decodeL3Part(this.get(l3PartKey(snapshotId, part)), identity, this.tools);
    if (found.digest !== digest) throw new CloudError('CLOUD_CORRUPT', 'an L3 part is not the one of its manifest');
    return found.inodes;
  }

  objectIds(snapshotId: number): ObjectIdSet {
    const parts = this.manifest(snapshotId).objectIdParts;
    return new ObjectIdSet(
      parts.flatMap(({ part }) => {
        const identity = { endpointId: ENDPOINT_ID, snapshotId, part };
        return decodeObjectIdPart(this.get(objectIdPartKey(snapshotId, part)), identity, this.tools).pages;
      }),
    );
  }

  head(objectId: number): ObjectHead {
    return decodeHead(this.get(objectKey(objectId)), ENDPOINT_ID, objectId, this.tools);
  }

  /** Blocks of one object, reading only the groups they lie in. */
  slots(objectId: number, slots: Iterable<number>): Uint8Array[] {
    const bytes = this.get(objectKey(objectId));
    const head = this.head(objectId);
    return Array.from(slots, (slot) => {
      const group = groupOf(head, slot);
      const stored = bytes.subarray(group.offset, group.offset + group.storedBytes);
      const at = (slot % head.groupSlots) * head.slotBytes;
      return decodeGroup(head, group, stored, this.tools).subarray(at, at + head.slotBytes);
    });
  }

  /** The PVBNs in populated indirect blocks. */
  pointers(pvbns: Float64Array, pointersPerBlock: number): Float64Array {
    const all = new Float64Array(pvbns.length * pointersPerBlock);
    pvbns.forEach((pvbn, at) => {
      const [block = new Uint8Array()] = this.slots(objectIdOf(pvbn), [slotOf(pvbn)]);
      all.set(readPopulated(block), at * pointersPerBlock);
    });
    return all;
  }

  /** The VMAP from the object store alone. */
  rebuildVmap(): VmapPage[] {
    const vmap = new VmapWorkingSet([], { complete: true });
    const { base } = this.state;
    if (base === undefined) return [];
    const manifest = this.manifest(base.id);
    const enter = (pvbns: Float64Array) => {
      const heads = new Map<number, ObjectHead>();
      for (const pvbn of pvbns) if (pvbn !== 0) heads.set(objectIdOf(pvbn), this.head(objectIdOf(pvbn)));
      enterBlocks(vmap, vvbnsOf(pvbns, heads), pvbns);
    };
    for (const part of manifest.l3Parts) {
      for (const root of this.l3Part(base.id, part)) {
        const steps = this.phases.compareFile(undefined, root, manifest.pointersPerBlock);
        for (let step = steps.next(); !step.done; ) {
          enter(step.value.pvbns);
          step = steps.next(
            step.value.step === 'read-pointers'
              ? this.pointers(step.value.pvbns, manifest.pointersPerBlock)
              : undefined,
          );
        }
      }
    }
    return vmap.pages();
  }
}

/** Views of the snapshots that a volume holds, for the checker. */
export function sourceViews(volume: WaflVolume): Map<string, SourceView> {
  return new Map(volume.snapshots().map(({ uuid, name }) => [uuid, sourceView(volume.snapshotView(name))]));
}

export function sourceView(view: VolumeView): SourceView {
  return {
    roots: () => rootsOf(view),
    pointers: (vvbn) => view.children(vvbn as Vvbn),
    content: (vvbn) => view.content(vvbn as Vvbn),
  };
}

function rootsOf(view: VolumeView): InodeRoot[] {
  return Array.from(view.inodes(), ({ number, generation, sizeBytes, height, topmost }) => {
    return { number, generation, sizeBytes, height, topmost: Float64Array.from(topmost) };
  });
}

function changedRoots(volume: WaflVolume, base: string | undefined, view: VolumeView): InodeRoot[] {
  const found = volume.snapshots().find(({ uuid }) => uuid === base);
  const changed = new Set<number>();
  visitChanges(found && volume.snapshotView(found.name), view, ({ number, after }) => {
    if (after !== undefined) changed.add(number);
  });
  return rootsOf(view).filter(({ number }) => changed.has(number));
}

function readPointers(view: VolumeView, vvbns: Float64Array): Float64Array {
  const pointers = new Float64Array(vvbns.length * view.pointersPerBlock);
  vvbns.forEach((vvbn, at) => {
    pointers.set(view.children(vvbn as Vvbn), at * view.pointersPerBlock);
  });
  return pointers;
}

function readContents(view: VolumeView, vvbns: Float64Array): Uint8Array {
  const blocks = new Uint8Array(vvbns.length * 4096);
  vvbns.forEach((vvbn, at) => {
    view.copyContent(vvbn as Vvbn, blocks, at * 4096);
  });
  return blocks;
}
