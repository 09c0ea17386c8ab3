/**
 * Run (layer 3): a restore: a whole snapshot, one inode, a byte range of it, or only what differs from a snapshot that the
 * target has. Blocks to set are gathered into windows, put in the order of the store, and read object by object.
 */
import { pvbnOf } from '../../core/cloud/block-numbers.ts';
import type { SnapshotFacts } from '../../core/cloud/format/history-entry.ts';
import type { Manifest } from '../../core/cloud/format/manifest.ts';
import { findSnapshot } from '../../core/cloud/history.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import {
  compareFile,
  compareInodes,
  FetchPlan,
  type FileRange,
  type ObjectFetch,
} from '../../core/cloud/restore-plan.ts';
import { VmapWorkingSet } from '../../core/cloud/vmap.ts';
import { CloudError } from '../../errors.ts';
import type { CloudContext } from './context.ts';
import { withHold } from './hold.ts';
import { inParallel } from './in-parallel.ts';
import type { RestoreFacts, RestoreTarget } from './restore-target.ts';
import { findFile } from './snapshot-files.ts';
import { SnapshotReader } from './snapshot-reader.ts';

/** What to restore, and how. */
export interface RestoreRequest {
  readonly target: RestoreTarget;
  /** Name, uuid or id; default the newest. */
  readonly snapshot?: string | number | undefined;
  /** Only this file, by its path. */
  readonly file?: string | undefined;
  /** Only this inode. */
  readonly inode?: number | undefined;
  /** Only this part of the file. */
  readonly range?: FileRange | undefined;
  /** A snapshot of the endpoint that the target has: only what differs is read. */
  readonly onto?: string | number | undefined;
}

/** What a restore did. */
export interface RestoreResult {
  readonly snapshot: SnapshotFacts;
  readonly inodes: number;
  /** Blocks that were placed, holes among them, and blocks that were read to do so. */
  readonly placedBlocks: number;
  readonly fetchedBlocks: number;
  readonly durationMs: number;
}

/**
 * @throws CloudError `CLOUD_SNAPSHOT_UNKNOWN`, `CLOUD_FILE_UNKNOWN`, and `CLOUD_CORRUPT` or `CLOUD_OBJECT_MISSING`, naming the
 * object, when, and only when, something is needed that is damaged
 */
export async function restore(context: CloudContext, request: RestoreRequest): Promise<RestoreResult> {
  const startedAt = context.env.clock.now();
  const wanted = await liveSnapshot(context, request.snapshot);
  const onto = request.onto === undefined ? undefined : await liveSnapshot(context, request.onto);
  const held = [wanted.id, ...(onto === undefined ? [] : [onto.id])];
  return await withHold(context, held, async () => {
    const snapshot = await liveSnapshot(context, wanted.id);
    const common = onto && (await liveSnapshot(context, onto.id));
    const reader = new SnapshotReader(context);
    const manifest = await reader.manifest(snapshot);
    const base = common && (await reader.manifest(common));
    const { target } = request;
    try {
      const inode = await inodeOf(reader, manifest, request);
      const of = { manifest, common: base, inode, range: request.range };
      await target.begin(of);
      const run = new Restore(context, reader, target, of);
      const counts = await run.run();
      await target.finish();
      return { snapshot, ...counts, durationMs: context.env.clock.now() - startedAt };
    } catch (error) {
      await target.abandon();
      throw error;
    }
  });
}

async function inodeOf(
  reader: SnapshotReader,
  manifest: Manifest,
  { file, inode, target }: RestoreRequest,
): Promise<number | undefined> {
  if (inode !== undefined || (file === undefined && !target.oneFile)) return inode;
  return (await findFile(reader, manifest, file)).inode;
}

/** A live snapshot of the endpoint as the history has it now; default the newest. */
export async function liveSnapshot(
  { history, place, signal }: Pick<CloudContext, 'history' | 'place' | 'signal'>,
  wanted: string | number | undefined,
): Promise<SnapshotFacts> {
  const state = await history.refresh({ signal });
  if (state.owner === undefined) throw endpointUnknown(place.text);
  const found = wanted === undefined ? state.snapshots.at(-1) : findSnapshot(state, wanted);
  if (found !== undefined) return found;
  throw new CloudError(
    'CLOUD_SNAPSHOT_UNKNOWN',
    `${place.text} has no snapshot${wanted === undefined ? '' : ` ${wanted}`}`,
    {
      snapshot: wanted === undefined ? undefined : `${wanted}`,
      object: place.name,
      remedy: 'List the snapshots of the endpoint.',
    },
  );
}

/**
 * Reads a live snapshot without a hold. What it misses because the snapshot was forgotten and collected meanwhile is no damage.
 * @throws CloudError `CLOUD_SNAPSHOT_UNKNOWN`, then too
 */
export async function readLive<T>(
  context: CloudContext,
  wanted: string | number | undefined,
  read: (snapshot: SnapshotFacts) => Promise<T>,
): Promise<T> {
  const snapshot = await liveSnapshot(context, wanted);
  try {
    return await read(snapshot);
  } catch (error) {
    if (error instanceof CloudError) await liveSnapshot(context, snapshot.id);
    throw error;
  }
}

export function endpointUnknown(text: string): CloudError {
  return new CloudError('CLOUD_ENDPOINT_UNKNOWN', `there is no endpoint ${text}`, {
    object: text,
    remedy: 'Check the name and the store, or make a first backup.',
  });
}

class Restore {
  readonly #context: CloudContext;
  readonly #reader: SnapshotReader;
  readonly #target: RestoreTarget;
  readonly #of: RestoreFacts;
  /** Number of the next block to arrive, for a target that keeps them all. */
  #arrived = 0;
  /** What waits for the window to be full. */
  #places: { readonly inode: number; readonly fbns: Float64Array; readonly pvbns: Float64Array }[] = [];
  #waiting = 0;
  #counts = { inodes: 0, placedBlocks: 0, fetchedBlocks: 0 };

  constructor(context: CloudContext, reader: SnapshotReader, target: RestoreTarget, of: RestoreFacts) {
    this.#context = context;
    this.#reader = reader;
    this.#target = target;
    this.#of = of;
  }

  async run(): Promise<Pick<RestoreResult, 'inodes' | 'placedBlocks' | 'fetchedBlocks'>> {
    const { progress } = this.#context;
    progress.begin('plan', this.#of.inode === undefined ? this.#of.manifest.inodes : 1);
    progress.begin('fetch', 0);
    if (this.#of.inode === undefined) await this.#volume();
    else await this.#oneInode(this.#of.inode);
    progress.end('plan');
    await this.#flush();
    progress.end('fetch');
    return this.#counts;
  }

  async #volume(): Promise<void> {
    const { wholeInodes } = this.#target;
    for (const number of wholeInodes) {
      const root = await this.#reader.inode(this.#of.manifest, number);
      if (root !== undefined) await this.#inode(undefined, root);
    }
    const steps = compareInodes(this.#of.common?.l3Parts ?? [], this.#of.manifest.l3Parts);
    for (let given: readonly InodeRoot[] | undefined; ; ) {
      const step = steps.next(given);
      given = undefined;
      if (step.done) return;
      if (step.value.step === 'read-part') {
        const of = step.value.of === 'base' && this.#of.common !== undefined ? this.#of.common : this.#of.manifest;
        given = await this.#reader.l3Part(of, step.value.part);
        continue;
      }
      const { before, after } = step.value;
      if (!wholeInodes.includes(after?.number ?? before?.number ?? 0)) await this.#inode(before, after);
    }
  }

  async #oneInode(number: number): Promise<void> {
    const after = await this.#reader.inode(this.#of.manifest, number);
    if (after === undefined) {
      throw new CloudError('CLOUD_FILE_UNKNOWN', `${this.#of.manifest.name} has no inode ${number}`, {
        snapshot: this.#of.manifest.name,
        object: `inode ${number}`,
      });
    }
    const before = this.#of.common && (await this.#reader.inode(this.#of.common, number));
    await this.#inode(before?.generation === after.generation ? before : undefined, after);
  }

  async #inode(before: InodeRoot | undefined, after: InodeRoot | undefined): Promise<void> {
    const { progress, signal } = this.#context;
    signal.throwIfAborted();
    this.#counts.inodes++;
    await this.#target.inode(before, after);
    progress.advance('plan', 1);
    if (after === undefined) return;
    const { pointersPerBlock } = this.#of.manifest;
    const steps = compareFile(before, after, pointersPerBlock, this.#of.range);
    for (let given: Float64Array | undefined; ; ) {
      const step = steps.next(given);
      given = undefined;
      if (step.done) return;
      if (step.value.step === 'read-pointers') {
        given = await this.#reader.pointers(step.value.level, step.value.pvbns, pointersPerBlock);
        continue;
      }
      const { fbns, pvbns } = step.value;
      this.#places.push({ inode: after.number, fbns, pvbns });
      this.#waiting += fbns.length;
      if (this.#waiting >= this.#context.limits.blocksPerWindow) await this.#flush();
    }
  }

  /** Places what waits, then reads it, object by object in the order of the store. */
  async #flush(): Promise<void> {
    const { limits, progress, signal } = this.#context;
    const target = this.#target;
    const all = new Float64Array(this.#waiting);
    let at = 0;
    for (const { pvbns } of this.#places) {
      all.set(pvbns, at);
      at += pvbns.length;
    }
    const plan = new FetchPlan(new VmapWorkingSet([], { complete: true }), this.#arrived);
    if (target.arrivalsOf !== undefined) plan.know(all, target.arrivalsOf(all));
    const { fetches, arrivals } = plan.add(all);
    if (target.arrivalsOf !== undefined) this.#arrived = plan.arrivals;
    at = 0;
    for (const { inode, fbns } of this.#places) {
      await target.place(inode, fbns, arrivals.subarray(at, at + fbns.length));
      at += fbns.length;
    }
    this.#counts.placedBlocks += all.length;
    this.#places = [];
    this.#waiting = 0;
    progress.expect(
      'fetch',
      fetches.reduce((sum, { slots }) => sum + slots.length, 0),
    );
    await inParallel(inPieces(fetches), limits.objectsInFlight, async (fetch) => {
      signal.throwIfAborted();
      const blocks = await this.#reader.blocks(fetch, 0);
      const pvbns = Float64Array.from(fetch.slots, (slot) => pvbnOf(fetch.objectId, slot));
      await target.blocks(fetch.firstArrival, blocks, pvbns);
      this.#counts.fetchedBlocks += fetch.slots.length;
      progress.advance('fetch', fetch.slots.length, blocks.length);
    });
    await target.endWindow();
  }
}

/** Blocks that are read at a time: memory for them is needed several times over, stored, unpacked and put in order. */
const BLOCKS_PER_FETCH = 256;

function* inPieces(fetches: readonly ObjectFetch[]): Generator<ObjectFetch, void, undefined> {
  for (const { objectId, slots, firstArrival } of fetches) {
    for (let at = 0; at < slots.length; at += BLOCKS_PER_FETCH) {
      yield { objectId, slots: slots.subarray(at, at + BLOCKS_PER_FETCH), firstArrival: firstArrival + at };
    }
  }
}
