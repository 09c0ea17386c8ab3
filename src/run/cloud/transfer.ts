/**
 * Run (layer 3): the phases of a transfer, over a snapshot source, the state and the object store; backup.ts has the order
 * of its writes. One loop works on the VMAP; encoding and writing of objects go on beside it, and their blocks get their
 * PVBNs when the loop comes by.
 */
import { BLOCK_BYTES, type Level, pvbnOf, slotBytesOf, slotsPerObject } from '../../core/cloud/block-numbers.ts';
import { NOTHING_SCANNED, type ScanCounters, scanChanged } from '../../core/cloud/changed.ts';
import { fixUp } from '../../core/cloud/fixup.ts';
import type { SnapshotFacts, TakeOverEntry } from '../../core/cloud/format/history-entry.ts';
import { encodeL3Part } from '../../core/cloud/format/l3-part.ts';
import {
  encodeManifest,
  type L3PartFacts,
  type Manifest,
  type ObjectIdPartFacts,
} from '../../core/cloud/format/manifest.ts';
import { l3PartKey, manifestKey, objectIdPartKey } from '../../core/cloud/format/names.ts';
import type { ObjectContent } from '../../core/cloud/format/object.ts';
import { encodeObjectIdPart, ID_PAGES_PER_PART } from '../../core/cloud/format/object-id-part.ts';
import type { WriteOptions } from '../../core/cloud/format/tools.ts';
import { ObjectIdRange, proposeCommit } from '../../core/cloud/history.ts';
import { populate } from '../../core/cloud/indirects.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import { invalidatePage, needsInvalidation } from '../../core/cloud/invalidation.ts';
import { L3Parts, populateInode } from '../../core/cloud/l3.ts';
import { addObjectIds, ObjectIdSet } from '../../core/cloud/object-ids.ts';
import { Packer } from '../../core/cloud/packing.ts';
import { enterBlocks } from '../../core/cloud/rebuild.ts';
import { dropPending, lookUp, pagesOf, pendingIn, VMAP_PAGE_ENTRIES, type VmapPage } from '../../core/cloud/vmap.ts';
import { InternalError } from '../../errors.ts';
import type { OpenSnapshot, SourceFacts, SourceSnapshot } from '../../snapshot-source/snapshot-source.ts';
import type { StagedVersion, EndpointState as State } from '../../state/state.ts';
import type { CloudContext } from './context.ts';
import { ObjectUploads, putOnce, type StoredObject, TransferJournal } from './object-uploads.ts';
import { encodeTransferNote, encodeVmapNote, type TransferNote, type UploadTotals } from './transfer-note.ts';
import { storedVmap, VMAP_TABLE, VmapPages } from './vmap-pages.ts';
import { checkStillOwner, takeOver } from './writer.ts';

const JOURNAL = 'transfer';
/** VMAP pages that are walked, and whose held bits are asked for, at a time. */
const PAGES_PER_WALK = 64;

export const NO_UPLOADS: UploadTotals = { blocks: [0, 0, 0], objects: 0, bytes: 0 };

export interface TransferFacts {
  readonly facts: SourceFacts;
  readonly snapshot: SourceSnapshot;
  readonly open: OpenSnapshot;
  readonly base: SnapshotFacts | undefined;
  readonly writer: string;
  readonly owner: TakeOverEntry;
}

export interface TransferOutcome {
  readonly snapshot: SnapshotFacts;
  readonly changedBlocks: ScanCounters['changed'];
  readonly freedBlocks: number;
  readonly indirectBlocksRead: number;
  readonly uploads: UploadTotals;
}

/** With which take-over a transfer began, and at which id. */
interface Begun {
  readonly takeOver: number;
  readonly firstObjectId: number;
}

/** Runs a transfer to its commit. @param resumes what an interrupted one left */
export async function runTransfer(
  context: CloudContext,
  of: TransferFacts,
  state: State,
  resumes: { readonly staged: StagedVersion; readonly note: TransferNote } | undefined,
): Promise<TransferOutcome> {
  const { signal } = context;
  const begun: Begun = {
    takeOver: resumes?.note.begun ?? of.owner.number,
    firstObjectId: resumes?.note.firstObjectId ?? of.owner.firstObjectId,
  };
  const journal = new TransferJournal(await state.openJournal(JOURNAL, { signal }), begun.takeOver);
  try {
    const staged = resumes?.staged ?? (await stage(state, journal, of, signal));
    const transfer = new Transfer(context, of, staged, journal, begun, resumes?.note.uploads ?? NO_UPLOADS);
    return await transfer.run(resumes !== undefined);
  } finally {
    await journal.close();
  }
}

/** Before the first checkpoint, so that no checkpoint ever stands beside another transfer's journal. */
async function stage(
  state: State,
  journal: TransferJournal,
  { base }: TransferFacts,
  signal: AbortSignal,
): Promise<StagedVersion> {
  const staged = await state.begin({ signal });
  await journal.reset({ signal });
  if (base === undefined) await staged.clear(VMAP_TABLE, { signal });
  return staged;
}

class Transfer {
  readonly #context: CloudContext;
  readonly #of: TransferFacts;
  readonly #staged: StagedVersion;
  readonly #journal: TransferJournal;
  readonly #begun: Begun;
  readonly #endpointId: Uint8Array;
  readonly #vmap: VmapPages;
  readonly #uploads: ObjectUploads;
  /** Pages of the VMAP that have had blocks of the level waiting. */
  readonly #waitingIn = { 1: new ObjectIdSet(), 2: new ObjectIdSet() };
  #owner: TakeOverEntry;
  #ids: ObjectIdRange;
  #totals: UploadTotals;
  #sinceCheckpoint = 0;
  #blocksPerPopulate = BLOCKS_PER_POPULATE;
  #scanned: ScanCounters = NOTHING_SCANNED;
  #freed = 0;
  #inodes = 0;
  #logicalBytes = 0;

  constructor(
    context: CloudContext,
    of: TransferFacts,
    staged: StagedVersion,
    journal: TransferJournal,
    begun: Begun,
    totals: UploadTotals,
  ) {
    this.#context = context;
    this.#of = of;
    this.#staged = staged;
    this.#journal = journal;
    this.#begun = begun;
    this.#totals = totals;
    this.#owner = of.owner;
    this.#ids = new ObjectIdRange(of.owner);
    const { history, tools, limits, place, signal, compute, compression, encryption } = context;
    this.#endpointId = history.endpointId;
    const options = { transfer: of.owner.number, capacity: limits.vmapPages };
    this.#vmap = new VmapPages(staged, this.#endpointId, tools, options);
    const how = { endpointId: this.#endpointId, hash: tools.hashes[0].name, ...compression, encryption };
    this.#uploads = new ObjectUploads(place, {
      encode: (content) => compute.encodeObject(content, how, { signal }),
      journal,
      objectsInFlight: limits.objectsInFlight,
      signal,
    });
  }

  async run(resumed: boolean): Promise<TransferOutcome> {
    try {
      if (resumed) await this.#recover();
      await this.#checkpoint();
      const { knownBeforeScan } = this.#of.facts;
      // What an earlier run of this transfer sent may be gone from a source that changes until it is read.
      const stale = resumed || this.#of.base !== undefined;
      if (stale && knownBeforeScan) await this.#invalidate();
      await this.#sendLevel0();
      if (stale && !knownBeforeScan) await this.#invalidate();
      await this.#sendIndirects(1);
      await this.#sendIndirects(2);
      await this.#checkpoint();
      return await this.#finish();
    } finally {
      await this.#uploads.settled();
    }
  }

  /** What waited at the last checkpoint waits no more; what the journal says is in the store, is. */
  async #recover(): Promise<void> {
    const { signal } = this.#context;
    for await (const pages of this.#walk()) {
      for (const { number, pending } of pages) {
        if (pending.every((count) => count === 0)) continue;
        await this.#vmap.load([number], { signal });
        dropPending(this.#vmap.pageToWrite(number));
      }
    }
    for await (const stored of this.#journal.entries({ signal })) {
      await this.#vmap.load(pagesOf(stored.vvbns), { signal });
      const pvbns = stored.vvbns.map((_, slot) => pvbnOf(stored.objectId, slot));
      // Cut off between a checkpoint and the emptying of the journal: it has the object, and has counted it.
      const known = lookUp(this.#vmap, stored.vvbns).some((entry, slot) => entry === pvbns[slot]);
      // Entered, not fixed up: nothing is Pending now, and an entry that the checkpoint has already is the same.
      enterBlocks(this.#vmap, stored.vvbns, pvbns);
      if (!known) this.#count(stored);
    }
  }

  /** Phase 1. */
  async #invalidate(): Promise<void> {
    const { progress, signal } = this.#context;
    await this.#vmap.flush({ signal });
    progress.begin('invalidate', await this.#pageCount());
    for await (const pages of this.#walk()) {
      const { first, words } = await this.#held(pages);
      for (const page of pages) {
        const held = heldOf(page, first, words);
        if (!needsInvalidation(page, held)) continue;
        await this.#vmap.load([page.number], { signal });
        this.#freed += invalidatePage(this.#vmap.pageToWrite(page.number), held);
      }
      progress.advance('invalidate', pages.length);
    }
    progress.end('invalidate');
  }

  /** Phases 2 to 5 of level 0, and phases 2 and 3 of the others. */
  async #sendLevel0(): Promise<void> {
    const { facts, open, base } = this.#of;
    const { progress, signal } = this.#context;
    const packer = this.#packer(0);
    progress.begin('scan');
    progress.begin('level-0', 0);
    for await (const roots of open.changedRoots(base?.uuid, { signal })) {
      signal.throwIfAborted();
      const pages = this.#context.limits.vmapPages;
      const scan = scanChanged(this.#vmap, roots, facts.pointersPerBlock, this.#scanned, pages);
      for (let given: Float64Array | undefined; ; ) {
        const step = scan.next(given);
        given = undefined;
        if (step.done) {
          this.#scanned = step.value;
          break;
        }
        const { value } = step;
        if (value.step === 'load-pages') await this.#vmap.load(value.pages, { signal });
        else if (value.step === 'read-pointers') given = await open.readPointers(value.level, value.vvbns, { signal });
        else if (value.level === 0) await this.#sendBlocks(packer, value.vvbns);
        else for (const number of pagesOf(value.vvbns)) this.#waitingIn[value.level].add(number);
      }
      progress.advance('scan', roots.length);
    }
    progress.end('scan');
    await this.#flush(packer);
    progress.end('level-0');
  }

  async #sendBlocks(packer: Packer, vvbns: Float64Array): Promise<void> {
    const { limits, progress, signal } = this.#context;
    progress.expect('level-0', vvbns.length);
    const { open } = this.#of;
    const hash = this.#context.tools.hashes[0].name;
    for (let at = 0; at < vvbns.length; ) {
      const into = packer.room(Math.min(vvbns.length - at, limits.blocksPerRead));
      const batch = vvbns.slice(at, at + into.length / BLOCK_BYTES);
      const blocks = await open.readBlocks(batch, { signal, into });
      if (blocks !== into) into.set(blocks);
      await this.#ensureIds(1);
      await this.#submit(packer.fill(batch, open.shortDigests?.(hash, batch)));
      at += batch.length;
    }
  }

  /** Phases 4 and 5 of a level whose blocks point at the level below, which is done. */
  async #sendIndirects(level: 1 | 2): Promise<void> {
    const { progress, signal } = this.#context;
    await checkStillOwner(this.#context, this.#owner);
    const packer = this.#packer(level);
    progress.begin(`level-${level}`, this.#scanned.changed[level]);
    for (const number of this.#waitingIn[level]) {
      await this.#vmap.load([number], { signal });
      const page = this.#vmap.page(number);
      const waiting = page === undefined ? new Float64Array() : pendingIn(page, level);
      for (let at = 0; at < waiting.length; ) {
        at += await this.#sendSome(packer, level, waiting.subarray(at, at + this.#blocksPerPopulate));
      }
    }
    await this.#flush(packer);
    progress.end(`level-${level}`);
  }

  /**
   * As many of the blocks as the pages of what they point at fit in memory; the next batch is of that size. Gives how many.
   */
  async #sendSome(packer: Packer, level: 1 | 2, waiting: Float64Array): Promise<number> {
    const { limits, signal } = this.#context;
    const { open, facts } = this.#of;
    const all = await open.readPointers(level, waiting.slice(), { signal });
    let count = waiting.length;
    let pointers = all;
    let pages = pagesOf(pointers);
    while (count > 1 && pages.length > limits.vmapPages) {
      count = Math.ceil(count / 2);
      pointers = all.subarray(0, count * facts.pointersPerBlock);
      pages = pagesOf(pointers);
    }
    this.#blocksPerPopulate = Math.min(BLOCKS_PER_POPULATE, pages.length * 2 > limits.vmapPages ? count : count * 2);
    await this.#vmap.load(pages, { signal });
    await this.#send(packer, waiting.slice(0, count), populate(this.#vmap, pointers));
    return count;
  }

  /** L3, phase 6, manifest; then the commit, in both places. */
  async #finish(): Promise<TransferOutcome> {
    const { env, history, signal } = this.#context;
    const { snapshot, base } = this.#of;
    await checkStillOwner(this.#context, this.#owner);
    await this.#ensureIds(1);
    const snapshotId = this.#ids.take();
    const l3Parts = await this.#writeL3(snapshotId);
    const { objectIdParts, heldBlocks } = await this.#writeObjectIds(snapshotId);
    const { mappedBlocks } = this.#of.open;
    const manifest: Manifest = {
      snapshotId,
      uuid: snapshot.uuid,
      name: snapshot.name,
      ...(snapshot.label !== undefined && { label: snapshot.label }),
      ...(snapshot.comment !== undefined && { comment: snapshot.comment }),
      createdAt: snapshot.createdAt,
      base: base?.id ?? 0,
      pointersPerBlock: this.#of.facts.pointersPerBlock,
      sourceFormat: this.#of.facts.format,
      inodes: this.#inodes,
      logicalBytes: this.#logicalBytes,
      ...(mappedBlocks !== undefined && { mappedBlocks }),
      heldBlocks,
      uploadedBlocks: this.#totals.blocks,
      uploadedBytes: this.#totals.bytes,
      l3Parts,
      objectIdParts,
    };
    const { bytes, digest } = encodeManifest(manifest, this.#endpointId, this.#context.tools, this.#writeOptions);
    await this.#put(manifestKey(snapshotId), bytes);
    const facts: SnapshotFacts = {
      id: snapshotId,
      uuid: snapshot.uuid,
      name: snapshot.name,
      ...(snapshot.label !== undefined && { label: snapshot.label }),
      createdAt: snapshot.createdAt,
      base: base?.id ?? 0,
      manifestDigest: digest,
    };
    await this.#staged.checkpoint(this.#note(snapshotId), { signal });
    await history.append((state) => proposeCommit(state, this.#owner, facts, this.#ids.next, env.clock.now()), {
      signal,
    });
    // The snapshot is in the endpoint: from here on no signal keeps the VMAP from following.
    await this.#staged.commit(encodeVmapNote({ snapshotId, lastEntry: history.state.lastNumber }));
    const { changed, indirectBlocksRead } = this.#scanned;
    return {
      snapshot: facts,
      changedBlocks: changed,
      freedBlocks: this.#freed,
      indirectBlocksRead,
      uploads: this.#totals,
    };
  }

  async #writeL3(snapshotId: number): Promise<L3PartFacts[]> {
    const { layout, progress, tools, signal } = this.#context;
    const facts: L3PartFacts[] = [];
    const write = async (parts: Iterable<readonly InodeRoot[]>) => {
      for (const inodes of parts) {
        const part = facts.length;
        const of = { endpointId: this.#endpointId, snapshotId, part };
        const { bytes, digest } = encodeL3Part(inodes, of, tools, this.#writeOptions);
        await this.#put(l3PartKey(snapshotId, part), bytes);
        const firstInode = inodes[0]?.number ?? 0;
        const lastInode = inodes.at(-1)?.number ?? 0;
        facts.push({ part, inodes: inodes.length, firstInode, lastInode, bytes: bytes.length, digest });
        progress.advance('level-3', 0, bytes.length);
      }
    };
    progress.begin('level-3');
    const parts = new L3Parts(layout.l3PartBytes);
    for await (const roots of this.#of.open.roots({ signal })) {
      const populated: InodeRoot[] = [];
      for (const root of roots) {
        await this.#vmap.load(pagesOf(root.topmost), { signal });
        populated.push(populateInode(this.#vmap, root));
        this.#logicalBytes += root.sizeBytes;
      }
      this.#inodes += roots.length;
      await write(parts.add(populated));
      progress.advance('level-3', roots.length);
    }
    await write(parts.flush());
    progress.end('level-3');
    return facts;
  }

  /** Phase 6, which also proves that the VMAP has as many blocks as the snapshot holds: what is committed is whole. */
  async #writeObjectIds(
    snapshotId: number,
  ): Promise<{ readonly objectIdParts: ObjectIdPartFacts[]; readonly heldBlocks: [number, number, number] }> {
    const { progress, tools, signal } = this.#context;
    await this.#vmap.flush({ signal });
    progress.begin('object-ids', await this.#pageCount());
    const ids = new ObjectIdSet();
    const heldBlocks: [number, number, number] = [0, 0, 0];
    let mapped = 0;
    for await (const pages of this.#walk()) {
      for (const page of pages) {
        addObjectIds(page, ids);
        mapped += page.mapped;
      }
      for (const level of [0, 1, 2] as const) {
        const { first, words } = await this.#held(pages, level);
        for (const page of pages) heldBlocks[level] += bitsIn(heldOf(page, first, words));
      }
      progress.advance('object-ids', pages.length);
    }
    if (mapped !== heldBlocks[0] + heldBlocks[1] + heldBlocks[2]) {
      throw new InternalError(`the VMAP has ${mapped} blocks, and the snapshot holds ${heldBlocks.join(' + ')}`);
    }
    const objectIdParts: ObjectIdPartFacts[] = [];
    const pages = ids.pages();
    for (let at = 0; at < pages.length; at += ID_PAGES_PER_PART) {
      const part = objectIdParts.length;
      const some = pages.slice(at, at + ID_PAGES_PER_PART);
      const of = { endpointId: this.#endpointId, snapshotId, part };
      const { bytes, digest } = encodeObjectIdPart(some, of, tools, this.#writeOptions);
      await this.#put(objectIdPartKey(snapshotId, part), bytes);
      const count = some.reduce((sum, { words }) => sum + bitsIn(words), 0);
      objectIdParts.push({ part, ids: count, bytes: bytes.length, digest });
      progress.advance('object-ids', 0, bytes.length);
    }
    progress.end('object-ids');
    return { objectIdParts, heldBlocks };
  }

  // Objects

  #packer(level: Level): Packer {
    const bytes = slotBytesOf(level, this.#of.facts.pointersPerBlock);
    const takeBuffer = (length: number) => this.#uploads.takeBuffer(length);
    return new Packer(level, bytes, () => this.#ids.take(), { slots: this.#slots(bytes), takeBuffer });
  }

  #slots(slotBytes: number): number {
    return Math.min(slotsPerObject(slotBytes), this.#context.layout.slotsPerObject ?? Number.POSITIVE_INFINITY);
  }

  async #send(packer: Packer, vvbns: Float64Array, blocks: Uint8Array): Promise<void> {
    const slotBytes = slotBytesOf(packer.level, this.#of.facts.pointersPerBlock);
    await this.#ensureIds(Math.ceil(vvbns.length / this.#slots(slotBytes)) + 1);
    await this.#submit(packer.add(vvbns, blocks));
  }

  async #submit(objects: Iterable<ObjectContent>): Promise<void> {
    for (const object of objects) await this.#uploads.submit(object);
    await this.#fixUpStored();
    if (this.#sinceCheckpoint < this.#context.limits.objectsPerCheckpoint) return;
    await checkStillOwner(this.#context, this.#owner);
    await this.#checkpoint();
  }

  async #flush(packer: Packer): Promise<void> {
    await this.#ensureIds(1);
    for (const object of packer.flush()) await this.#uploads.submit(object);
    await this.#uploads.drain();
    await this.#fixUpStored();
  }

  /** Phase 5, for what became durable meanwhile. */
  async #fixUpStored(): Promise<void> {
    const { progress, signal } = this.#context;
    for (const stored of this.#uploads.takeStored()) {
      await this.#vmap.load(pagesOf(stored.vvbns), { signal });
      fixUp(this.#vmap, stored);
      this.#count(stored);
      this.#sinceCheckpoint++;
      progress.advance(`level-${stored.level}`, stored.vvbns.length, stored.bytes);
    }
  }

  #count({ level, vvbns, bytes }: StoredObject): void {
    const blocks: [number, number, number] = [...this.#totals.blocks];
    blocks[level] += vvbns.length;
    this.#totals = { blocks, objects: this.#totals.objects + 1, bytes: this.#totals.bytes + bytes };
  }

  /** A transfer larger than the ids of one take-over goes on under another. */
  async #ensureIds(count: number): Promise<void> {
    if (this.#ids.left >= count) return;
    await this.#uploads.drain();
    await this.#fixUpStored();
    this.#owner = await takeOver(this.#context, { writer: this.#of.writer }, { resumes: this.#owner });
    this.#ids = new ObjectIdRange(this.#owner);
    await this.#checkpoint();
  }

  // State

  async #checkpoint(): Promise<void> {
    const { signal } = this.#context;
    await this.#uploads.drain();
    await this.#fixUpStored();
    await this.#vmap.flush({ signal });
    await this.#staged.checkpoint(this.#note(0), { signal });
    await this.#journal.reset({ signal });
    this.#sinceCheckpoint = 0;
  }

  #note(committing: number): Uint8Array {
    const { snapshot, base } = this.#of;
    return encodeTransferNote({
      snapshot: { uuid: snapshot.uuid, name: snapshot.name, label: snapshot.label, createdAt: snapshot.createdAt },
      base: base?.id ?? 0,
      begun: this.#begun.takeOver,
      firstObjectId: this.#begun.firstObjectId,
      committing,
      uploads: this.#totals,
    });
  }

  /** All pages of the VMAP as they are in the staged version, ascending, some at a time. They may be changed meanwhile. */
  async *#walk(): AsyncGenerator<readonly VmapPage[], void, undefined> {
    const { tools, signal } = this.#context;
    for (let from = 0; ; ) {
      const pages: VmapPage[] = [];
      for await (const page of storedVmap(this.#staged, this.#endpointId, tools, { signal, from })) {
        // Held bits are asked for over the whole range: it must not be mostly gaps.
        if (page.number - (pages[0]?.number ?? page.number) >= 4 * PAGES_PER_WALK) break;
        pages.push(page);
        if (pages.length === PAGES_PER_WALK) break;
      }
      const last = pages.at(-1);
      if (last === undefined) return;
      yield pages;
      from = last.number + 1;
    }
  }

  async #pageCount(): Promise<number> {
    let count = 0;
    for await (const _ of this.#staged.pages(VMAP_TABLE, { signal: this.#context.signal })) count++;
    return count;
  }

  /** Held bits over the range that the pages of a walk lie in. */
  async #held(
    pages: readonly VmapPage[],
    level?: Level,
  ): Promise<{ readonly first: number; readonly words: Uint32Array }> {
    const first = pages[0]?.number ?? 0;
    const count = (pages.at(-1)?.number ?? 0) - first + 1;
    const options = { signal: this.#context.signal, ...(level !== undefined && { level }) };
    const words = await this.#of.open.held(first * VMAP_PAGE_ENTRIES, count * VMAP_PAGE_ENTRIES, options);
    return { first, words };
  }

  // Storing

  get #writeOptions(): WriteOptions {
    const { compression, tools } = this.#context;
    return { codec: tools.codecs.find(({ name }) => name === compression.codec) };
  }

  async #put(key: string, bytes: Uint8Array): Promise<void> {
    await putOnce(this.#context.place, key, bytes, this.#context.signal);
  }
}

/** Indirect blocks that are populated at a time. */
const BLOCKS_PER_POPULATE = 64;
const PAGE_WORDS = VMAP_PAGE_ENTRIES / 32;

function heldOf({ number }: VmapPage, first: number, words: Uint32Array): Uint32Array {
  return words.subarray((number - first) * PAGE_WORDS, (number - first + 1) * PAGE_WORDS);
}

function bitsIn(words: Uint32Array): number {
  let bits = 0;
  for (let word of words) for (; word !== 0; word &= word - 1) bits++;
  return bits;
}
