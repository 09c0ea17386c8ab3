/**
 * Run (layer 3): a lost state, rebuilt from the object store alone: the trees of the newest snapshot are walked, once. They give
 * the VMAP, and to a source that keeps a catalogue of its own what that is made of. No data is read but that of metafiles.
 *
 * The state is opened first, so that the wrong folder is refused before anything happens; then the endpoint is taken over, so
 * that the newest snapshot stays the newest one; then a version is staged and committed in one step. Cut off anywhere, what
 * the state had is there as it was, and the next run does it all again.
 */
import { HOLE, type Level, objectIdOf } from '../../core/cloud/block-numbers.ts';
import type { EndpointProperties, SnapshotFacts } from '../../core/cloud/format/history-entry.ts';
import { type Manifest, snapshotInfoOf } from '../../core/cloud/format/manifest.ts';
import type { ObjectHead } from '../../core/cloud/format/object.ts';
import { HASH_IDS, SHORT_DIGEST_BYTES } from '../../core/cloud/format/tools.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import { digestsOf, enterBlocks, vvbnsOf } from '../../core/cloud/rebuild.ts';
import { compareFile } from '../../core/cloud/restore-plan.ts';
import { pagesOf } from '../../core/cloud/vmap.ts';
import { CloudError } from '../../errors.ts';
import type { CatalogueRebuilder, StoredBlocks } from '../../snapshot-source/snapshot-source.ts';
import type { StagedVersion, StateStore } from '../../state/state.ts';
import { settle } from './backup.ts';
import type { CloudContext } from './context.ts';
import { uuidOf } from './endpoint-place.ts';
import { endpointUnknown } from './restore.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { encodeVmapNote } from './transfer-note.ts';
import { storedVmap, VMAP_TABLE, VmapPages } from './vmap-pages.ts';
import { takeOver } from './writer.ts';

/** How to rebuild a lost state. */
export interface RebuildRequest {
  readonly state: StateStore;
  /** Who writes from now on; see WriterIdentity. */
  readonly writer: string;
  /**
   * For sources that keep a catalogue beside the VMAP: the one of the endpoint's kind is used. Without it the next backup of
   * such a source has to be a baseline.
   */
  readonly catalogues?: readonly CatalogueRebuilder[] | undefined;
  readonly breakLock?: boolean | undefined;
}

/** What was rebuilt. */
export interface RebuildResult {
  readonly snapshot: SnapshotFacts;
  readonly inodes: number;
  /** Entries of the VMAP. */
  readonly blocks: number;
  /** Whether a catalogue was rebuilt beside the VMAP. */
  readonly catalogue: boolean;
}

/** @throws CloudError `CLOUD_ENDPOINT_UNKNOWN`, `CLOUD_SNAPSHOT_UNKNOWN` when there is no base to rebuild for, `CLOUD_CORRUPT`; StateError */
export async function rebuildVmap(context: CloudContext, request: RebuildRequest): Promise<RebuildResult> {
  const { history, place, signal } = context;
  await history.refresh({ signal });
  const { properties } = history.state;
  if (properties === undefined) throw endpointUnknown(place.text);
  if (history.state.base === undefined) throw nothingToRebuild(context);
  const state = await request.state.open(uuidOf(history.endpointId), { signal, breakLock: request.breakLock });
  try {
    const owner = await takeOver(context, { writer: request.writer, takeOver: true }, {});
    const { base } = history.state;
    if (base === undefined) throw nothingToRebuild(context);
    const left = await settle(context, state);
    await left?.staged.discard();
    const staged = await state.begin({ signal });
    await staged.clear(VMAP_TABLE, { signal });
    const walk = await TreeWalk.begin(context, staged, base, owner.number);
    const catalogue = request.catalogues?.find(({ kind }) => kind === properties.sourceKind);
    if (catalogue === undefined) for await (const _ of walk.blocks());
    else await catalogue.rebuild(staged, walk.stored(properties), { signal });
    await walk.finish();
    await staged.commit(encodeVmapNote({ snapshotId: base.id, lastEntry: history.state.lastNumber }));
    const { inodes, heldBlocks } = walk.manifest;
    return {
      snapshot: base,
      inodes,
      blocks: heldBlocks[0] + heldBlocks[1] + heldBlocks[2],
      catalogue: catalogue !== undefined,
    };
  } finally {
    await state.close();
  }
}

/** Walks the trees of a snapshot and enters what it meets into the VMAP. */
class TreeWalk {
  readonly manifest: Manifest;
  readonly #context: CloudContext;
  readonly #staged: StagedVersion;
  readonly #vmap: VmapPages;
  readonly #reader: SnapshotReader;

  private constructor(
    context: CloudContext,
    staged: StagedVersion,
    vmap: VmapPages,
    reader: SnapshotReader,
    manifest: Manifest,
  ) {
    this.#context = context;
    this.#staged = staged;
    this.#vmap = vmap;
    this.#reader = reader;
    this.manifest = manifest;
  }

  static async begin(context: CloudContext, staged: StagedVersion, base: SnapshotFacts, transfer: number) {
    const { history, tools, limits } = context;
    const vmap = new VmapPages(staged, history.endpointId, tools, { transfer, capacity: limits.vmapPages });
    const reader = new SnapshotReader(context);
    return new TreeWalk(context, staged, vmap, reader, await reader.manifest(base));
  }

  /** For the catalogue of a source. */
  stored({ sourceId, pointersPerBlock }: EndpointProperties) {
    return {
      snapshot: snapshotInfoOf(this.manifest),
      source: { id: sourceId, pointersPerBlock, format: this.manifest.sourceFormat },
      blocks: () => this.blocks(),
    };
  }

  async *blocks(): AsyncGenerator<StoredBlocks, void, undefined> {
    const { progress, signal } = this.#context;
    const [l0, l1, l2] = this.manifest.heldBlocks;
    progress.begin('rebuild', l0 + l1 + l2);
    for await (const inodes of this.#reader.inodes(this.manifest)) {
      for (const root of inodes) {
        signal.throwIfAborted();
        yield* this.#inode(root);
      }
    }
    progress.end('rebuild');
  }

  /** @throws CloudError `CLOUD_CORRUPT` when the trees do not have what the manifest says */
  async finish(): Promise<void> {
    const { history, tools, signal } = this.#context;
    const { heldBlocks, name } = this.manifest;
    await this.#vmap.flush({ signal });
    let mapped = 0;
    for await (const page of storedVmap(this.#staged, history.endpointId, tools, { signal })) mapped += page.mapped;
    const held = heldBlocks[0] + heldBlocks[1] + heldBlocks[2];
    if (mapped === held) return;
    throw new CloudError('CLOUD_CORRUPT', `the trees of ${name} have ${mapped} blocks, and its manifest says ${held}`, {
      snapshot: name,
      remedy: 'Run verify, and make a new baseline.',
    });
  }

  async *#inode(root: InodeRoot): AsyncGenerator<StoredBlocks, void, undefined> {
    const { pointersPerBlock } = this.manifest;
    const { topmost: _, ...inode } = root;
    const steps = compareFile(undefined, root, pointersPerBlock);
    for (let given: Float64Array | undefined; ; ) {
      const step = steps.next(given);
      given = undefined;
      if (step.done) return;
      const { value } = step;
      const level = value.step === 'blocks' ? 0 : value.level;
      const { fbns, pvbns } = value;
      const { vvbns, digests } = await this.#enter(level, pvbns);
      yield { inode, level, fbns, vvbns, digests, content: () => this.#content(pvbns) };
      if (value.step === 'read-pointers') given = await this.#reader.pointers(value.level, pvbns, pointersPerBlock);
    }
  }

  /** Object by object, so that a batch needs few heads, and few pages of the VMAP, at a time. */
  async #enter(level: Level, pvbns: Float64Array): Promise<{ vvbns: Float64Array; digests: Uint8Array }> {
    const { progress, signal } = this.#context;
    const vvbns = new Float64Array(pvbns.length);
    const digests = new Uint8Array(level === 0 ? pvbns.length * SHORT_DIGEST_BYTES : 0);
    for (const places of byObject(pvbns)) {
      const some = Float64Array.from(places, (at) => pvbns[at] ?? HOLE);
      const heads = await this.#reader.heads(some);
      const own = vvbnsOf(some, heads);
      await this.#vmap.load(pagesOf(own), { signal });
      progress.advance('rebuild', enterBlocks(this.#vmap, own, some));
      const ownDigests = level === 0 ? await this.#digests(some, heads) : digests;
      places.forEach((at, index) => {
        vvbns[at] = own[index] ?? HOLE;
        if (level !== 0) return;
        const digest = ownDigests.subarray(index * SHORT_DIGEST_BYTES, (index + 1) * SHORT_DIGEST_BYTES);
        digests.set(digest, at * SHORT_DIGEST_BYTES);
      });
    }
    return { vvbns, digests };
  }

  /** An endpoint that is written with another hash says nothing of SHA-256: its blocks are read. */
  async #digests(pvbns: Float64Array, heads: ReadonlyMap<number, ObjectHead>): Promise<Uint8Array> {
    if ([...heads.values()].every(({ hashId }) => hashId === HASH_IDS['sha-256'])) return digestsOf(pvbns, heads);
    const { compute, signal } = this.#context;
    const blocks = await this.#content(pvbns);
    return await compute.shortDigests('sha-256', blocks, blocks.length / pvbns.length, { signal });
  }

  #content(pvbns: Float64Array): Promise<Uint8Array> {
    return this.#reader.blocksAt(0, pvbns);
  }
}

/** Places in a list of PVBNs, object by object, each ascending. */
function byObject(pvbns: Float64Array): Uint32Array[] {
  const order = Uint32Array.from(pvbns, (_, at) => at);
  const isAscending = pvbns.every((pvbn, at) => at === 0 || pvbn >= (pvbns[at - 1] ?? 0));
  if (!isAscending) order.sort((one, other) => (pvbns[one] ?? 0) - (pvbns[other] ?? 0));
  const groups: Uint32Array[] = [];
  for (let at = 0; at < order.length; ) {
    const objectId = objectIdOf(pvbns[order[at] ?? 0] ?? HOLE);
    let end = at + 1;
    while (end < order.length && objectIdOf(pvbns[order[end] ?? 0] ?? HOLE) === objectId) end++;
    groups.push(order.subarray(at, end));
    at = end;
  }
  return groups;
}

function nothingToRebuild({ place }: CloudContext): CloudError {
  return new CloudError('CLOUD_SNAPSHOT_UNKNOWN', `${place.text} has no snapshot that a transfer could build on`, {
    object: place.name,
    remedy: 'Make a new baseline: it needs no VMAP.',
  });
}
