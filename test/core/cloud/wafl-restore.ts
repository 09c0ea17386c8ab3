/**
 * Restores of snapshots onto volume models, by the restore plan, and what a snapshot is in a form that can be
 * compared.
 */
import { createHash } from 'node:crypto';
import { HOLE } from '../../../src/core/cloud/block-numbers.ts';
import type { SnapshotFacts } from '../../../src/core/cloud/format/history-entry.ts';
import type { Manifest } from '../../../src/core/cloud/format/manifest.ts';
import type { InodeRoot } from '../../../src/core/cloud/inode-root.ts';
import type { FileRange } from '../../../src/core/cloud/restore-plan.ts';
import { VmapWorkingSet } from '../../../src/core/cloud/vmap.ts';
import { DIRECTORY_METAFILE, INODE_METAFILE, ROOT_INODE } from '../../../src/core/wafl/image.ts';
import type { InodeAttributes } from '../../../src/core/wafl/inode-tree.ts';
import { attributesOf } from '../../../src/core/wafl/inode-tree.ts';
import { DIRECTORY_SLOTS_PER_BLOCK, decodeDirectoryBlock, decodeInodeBlock } from '../../../src/core/wafl/metafiles.ts';
import {
  NO_BLOCK,
  TRANSFER_CHUNK_BLOCKS,
  TRANSFER_FORMAT,
  type TransferredEntry,
  type TransferredInode,
} from '../../../src/core/wafl/transfer.ts';
import type { VolumeView } from '../../../src/core/wafl/view.ts';
import { WaflVolume } from '../../../src/core/wafl/volume.ts';
import type { TestEndpoint } from './driver.ts';

export interface RestoreResult {
  readonly volume: WaflVolume;
  /** Blocks fetched, for each PVBN how often. */
  readonly fetched: ReadonlyMap<number, number>;
}

/**
 * Restores a snapshot as a new volume, or, with `onto`, onto a volume that has the snapshot `common` (also in the
 * endpoint), moving only what differs.
 */
export function restore(
  endpoint: TestEndpoint,
  snapshot: SnapshotFacts,
  onto?: { readonly volume: WaflVolume; readonly common: SnapshotFacts },
): RestoreResult {
  const volume = onto?.volume ?? new WaflVolume({ capacityBlocks: 4096, pointersPerBlock: 8, rootPointers: 3 });
  const wanted = endpoint.manifest(snapshot.id);
  const base = onto && endpoint.manifest(onto.common.id);
  const reader = new Reader(endpoint, wanted);
  const attributes = readAttributes(endpoint, reader, wanted);

  const removedInodes: number[] = [];
  const files = new Map<number, { fbns: Float64Array; arrivals: Float64Array }>();
  const entries: TransferredEntry[] = [];
  const steps = endpoint.phases.compareInodes(base?.l3Parts ?? [], wanted.l3Parts);
  for (let step = steps.next(); !step.done; ) {
    if (step.value.step === 'read-part') {
      const of = step.value.of === 'base' && onto !== undefined ? onto.common.id : snapshot.id;
      step = steps.next(endpoint.l3Part(of, step.value.part));
      continue;
    }
    const { before, after } = step.value;
    step = steps.next();
    if (after === undefined) {
      if (before !== undefined && before.number >= ROOT_INODE) removedInodes.push(before.number);
      continue;
    }
    const blocks = reader.blocks(before, after);
    if (after.number >= ROOT_INODE)
      files.set(after.number, { fbns: blocks.fbns, arrivals: reader.fetch(blocks.pvbns) });
    if (after.number === DIRECTORY_METAFILE) entries.push(...readEntries(reader, before, blocks));
  }

  const inodes: TransferredInode[] = [];
  for (const [number, found] of attributes) {
    const { fbns, arrivals } = files.get(number) ?? { fbns: new Float64Array(), arrivals: new Float64Array() };
    const sources = Uint32Array.from(arrivals, (arrival) => (arrival < 0 ? NO_BLOCK : arrival));
    inodes.push({ attributes: found, fbns: Uint32Array.from(fbns), sources });
  }
  const { uuid, name, createdAt } = wanted;
  volume.applyTransfer({
    format: TRANSFER_FORMAT,
    base: onto && { name: onto.common.name, uuid: onto.common.uuid },
    snapshot: { uuid, name, createdAt },
    removedInodes,
    inodes,
    entries,
    contents: reader.contents(),
    bytes: 0,
  });
  return { volume, fetched: reader.fetched };
}

/** A byte range of one file, by its inode number. */
export function readRange(
  endpoint: TestEndpoint,
  snapshot: SnapshotFacts,
  inode: number,
  range: FileRange,
): Uint8Array {
  const manifest = endpoint.manifest(snapshot.id);
  const root = manifest.l3Parts
    .filter(({ firstInode, lastInode }) => firstInode <= inode && inode <= lastInode)
    .flatMap((part) => endpoint.l3Part(snapshot.id, part))
    .find(({ number }) => number === inode);
  if (root === undefined) throw new Error(`no inode ${inode}`);
  const to = Math.min(range.to, root.sizeBytes);
  const bytes = new Uint8Array(Math.max(0, to - range.from));
  const reader = new Reader(endpoint, manifest);
  const { fbns, pvbns } = reader.blocks(undefined, root, range);
  const arrivals = reader.fetch(pvbns);
  fbns.forEach((fbn, at) => {
    const block = reader.arrived[arrivals[at] ?? 0] ?? new Uint8Array();
    const start = fbn * 4096 - range.from;
    const from = Math.max(0, -start);
    bytes.set(block.subarray(from, Math.min(4096, bytes.length - start)), start + from);
  });
  return bytes;
}

class Reader {
  readonly arrived: Uint8Array[] = [];
  readonly fetched = new Map<number, number>();
  readonly #endpoint: TestEndpoint;
  readonly #pointersPerBlock: number;
  readonly #plan: ReturnType<TestEndpoint['phases']['fetchPlan']>;

  constructor(endpoint: TestEndpoint, manifest: Manifest) {
    this.#endpoint = endpoint;
    this.#pointersPerBlock = manifest.pointersPerBlock;
    this.#plan = endpoint.phases.fetchPlan(new VmapWorkingSet([], { complete: true }));
  }

  blocks(
    before: InodeRoot | undefined,
    after: InodeRoot,
    range?: FileRange,
  ): { fbns: Float64Array; pvbns: Float64Array } {
    const found: [number, number][] = [];
    const steps = this.#endpoint.phases.compareFile(before, after, this.#pointersPerBlock, range);
    for (let step = steps.next(); !step.done; ) {
      if (step.value.step === 'read-pointers') {
        step = steps.next(this.#endpoint.pointers(step.value.pvbns, this.#pointersPerBlock));
        continue;
      }
      const { fbns, pvbns } = step.value;
      fbns.forEach((fbn, at) => {
        found.push([fbn, pvbns[at] ?? HOLE]);
      });
      step = steps.next();
    }
    found.sort(([one], [other]) => one - other);
    return { fbns: Float64Array.from(found, ([fbn]) => fbn), pvbns: Float64Array.from(found, ([, pvbn]) => pvbn) };
  }

  fetch(pvbns: Float64Array): Float64Array {
    const { fetches, arrivals } = this.#plan.add(pvbns);
    for (const { objectId, slots, firstArrival } of fetches) {
      this.#endpoint.slots(objectId, slots).forEach((block, at) => {
        this.arrived[firstArrival + at] = block;
        const pvbn = objectId * 1024 + (slots[at] ?? 0);
        this.fetched.set(pvbn, (this.fetched.get(pvbn) ?? 0) + 1);
      });
    }
    return arrivals;
  }

  contents(): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < this.arrived.length; at += TRANSFER_CHUNK_BLOCKS) {
      chunks.push(new Uint8Array(Buffer.concat(this.arrived.slice(at, at + TRANSFER_CHUNK_BLOCKS))));
    }
    return chunks;
  }
}

function readAttributes(endpoint: TestEndpoint, reader: Reader, manifest: Manifest): Map<number, InodeAttributes> {
  const metafile = manifest.l3Parts
    .flatMap((part) => endpoint.l3Part(manifest.snapshotId, part))
    .find(({ number }) => number === INODE_METAFILE);
  const attributes = new Map<number, InodeAttributes>();
  if (metafile === undefined) return attributes;
  for (const arrival of reader.fetch(reader.blocks(undefined, metafile).pvbns)) {
    for (const inode of decodeInodeBlock(reader.arrived[arrival] ?? new Uint8Array()))
      attributes.set(inode.number, inode);
  }
  return attributes;
}

/** What changed blocks of the directory metafile say: slots that they do not use are free now. */
function readEntries(
  reader: Reader,
  before: InodeRoot | undefined,
  { fbns, pvbns }: { readonly fbns: Float64Array; readonly pvbns: Float64Array },
): TransferredEntry[] {
  const arrivals = reader.fetch(pvbns);
  const entries: TransferredEntry[] = [];
  fbns.forEach((fbn, at) => {
    const block = pvbns[at] === HOLE ? undefined : reader.arrived[arrivals[at] ?? 0];
    const found = new Map(
      (block === undefined ? [] : decodeDirectoryBlock(block)).map(({ slot, ...entry }) => [slot, entry]),
    );
    for (let slot = fbn * DIRECTORY_SLOTS_PER_BLOCK; slot < (fbn + 1) * DIRECTORY_SLOTS_PER_BLOCK; slot++) {
      const entry = found.get(slot);
      if (entry !== undefined || before !== undefined) entries.push({ slot, entry });
    }
  });
  return entries;
}

/**
 * All that makes a snapshot, whatever its block numbers: names, attributes, sizes, holes, content, and which file
 * blocks share a block (each block is named by where it is met first).
 */
export function portrait(view: VolumeView, options: { readonly sharing: boolean } = { sharing: true }): string[] {
  const lines: string[] = [];
  for (const { path, inode } of view.walk()) lines.push(`${path} -> ${inode.number}`);
  const met = new Map<number, number>();
  for (const inode of view.inodes()) {
    if (inode.number < ROOT_INODE) continue;
    const blocks: string[] = [];
    for (let fbn = 0; fbn * 4096 < inode.sizeBytes; fbn++) {
      const vvbn = view.pointer(inode.number, fbn);
      if (vvbn === HOLE) {
        blocks.push('-');
        continue;
      }
      const name = met.get(vvbn) ?? met.size;
      met.set(vvbn, name);
      const content = createHash('sha256').update(view.content(vvbn)).digest('hex').slice(0, 12);
      blocks.push(options.sharing ? `${name}:${content}` : content);
    }
    lines.push(`${JSON.stringify(attributesOf(inode))} ${blocks.join(' ')}`);
  }
  return lines;
}
