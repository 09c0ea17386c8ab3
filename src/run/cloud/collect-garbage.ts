/**
 * Run (layer 3): garbage collection. First the collect entry, then the holds, then the deletions: cut off at any point, the
 * next collection finds the rest by listing.
 */
import type { ObjectId } from '../../core/cloud/block-numbers.ts';
import {
  type Deletion,
  deletionsAmong,
  type ListedKey,
  type Spared,
  snapshotsToSpare,
  sparedBy,
} from '../../core/cloud/collection.ts';
import type { CollectEntry } from '../../core/cloud/format/history-entry.ts';
import { OBJECTS_PREFIX, parseKey, SNAPSHOTS_PREFIX } from '../../core/cloud/format/names.ts';
import { proposeCollect } from '../../core/cloud/history.ts';
import type { ObjectIdSet } from '../../core/cloud/object-ids.ts';
import type { CloudContext } from './context.ts';
import type { LockedKey } from './endpoint-place.ts';
import { readHolds } from './hold.ts';
import { endpointUnknown } from './restore.ts';
import { SnapshotReader } from './snapshot-reader.ts';

/** Keys that are judged, and deleted, at a time. */
const KEYS_PER_PAGE = 1000;
/** What an interrupted put left may belong to one under way for so long. */
const LEFTOVER_MS = 24 * 3_600_000;

/** How to collect garbage. */
export interface CollectRequest {
  /** Only say what would be deleted. */
  readonly planOnly?: boolean | undefined;
}

/** What a collection deleted, or would delete. */
export interface CollectResult {
  readonly planned: boolean;
  readonly objects: number;
  readonly bytes: number;
  /** L3 parts, bitmaps and manifests of forgotten snapshots. */
  readonly snapshotFiles: number;
  /** Snapshots that were forgotten and are spared because a restore reads them. */
  readonly heldSnapshots: readonly number[];
  readonly keptObjects: number;
  /** Garbage that is locked in the store: a later collection deletes it. A plan does not know of it. */
  readonly locked: LockedGarbage;
}

/** What a collection could not delete yet. */
export interface LockedGarbage {
  readonly keys: number;
  readonly bytes: number;
  /** Epoch milliseconds until which the last of it is locked; absent where there is none. */
  readonly until: number | undefined;
}

/**
 * What is locked in the store is no failure: it stays, is told of, and goes with a later collection.
 * @throws CloudError `CLOUD_CORRUPT`, `CLOUD_OBJECT_MISSING` when it cannot be known what a live snapshot needs: then nothing
 * is deleted
 */
export async function collectGarbage(context: CloudContext, request: CollectRequest): Promise<CollectResult> {
  const { env, history, place, progress, signal } = context;
  const planOnly = request.planOnly ?? false;
  await history.refresh({ signal });
  if (history.state.owner === undefined) throw endpointUnknown(place.text);
  if (!planOnly) history.checkExclusion();

  // A collection that has nothing to do leaves no entry behind.
  const proposed = proposeCollect(history.state, env.clock.now());
  if (!proposed.ok) throw history.refused(proposed);
  const preview = await readSpared(context, proposed.entry);
  const planned = await walk(context, preview.spared);
  const heldSnapshots = preview.held;
  if (planOnly || planned.deletions === 0) {
    if (!planOnly) await sweep(context, preview.voidHolds);
    return { planned: planOnly, ...planned.counts, heldSnapshots };
  }
  const entry = await history.append((state) => proposeCollect(state, env.clock.now()), { signal });
  const { spared, held, voidHolds } = await readSpared(context, entry);
  progress.begin('delete-objects', planned.deletions);
  const done = await walk(context, spared, async (deletions) => {
    const keys = deletions.map(({ key }) => key);
    const locked = await place.deleteUnlocked(keys, { signal });
    progress.advance('delete-objects', deletions.length);
    return locked;
  });
  progress.end('delete-objects');
  await sweep(context, voidHolds);
  return { planned: false, ...done.counts, heldSnapshots: held };
}

/** What the entry, and the restores under way, spare. */
async function readSpared(context: CloudContext, entry: CollectEntry) {
  const reader = new SnapshotReader(context);
  const { history } = context;
  const holds = await readHolds(context);
  const live = new Set<number>(entry.live);
  const bitmaps = new Map<ObjectId, ObjectIdSet>();
  for (const id of snapshotsToSpare(entry, holds.snapshotIds)) {
    const facts = history.state.snapshots.find((snapshot) => snapshot.id === id);
    const manifest = facts === undefined ? await reader.manifestOfForgotten(id) : await reader.manifest(facts);
    // A hold that came too late: its restore sees that the snapshot is forgotten.
    if (manifest !== undefined) bitmaps.set(id, await reader.objectIds(manifest));
  }
  const held = [...bitmaps.keys()].filter((id) => !live.has(id));
  return { spared: sparedBy(entry, bitmaps), held, voidHolds: holds.voidKeys };
}

/** Judges everything that is stored, page by page. */
async function walk(
  { place, progress, signal }: CloudContext,
  spared: Spared,
  act: (deletions: readonly Deletion[]) => Promise<readonly LockedKey[]> = async () => [],
) {
  const counts = { objects: 0, bytes: 0, snapshotFiles: 0, keptObjects: 0 };
  const lockedGarbage = { keys: 0, bytes: 0, until: undefined as number | undefined };
  let deletions = 0;
  let page: ListedKey[] = [];
  const judge = async () => {
    const found = deletionsAmong(page, spared);
    const locked = found.length === 0 ? [] : await act(found);
    const untilOf = new Map(locked.map(({ key, until }) => [key, until]));
    for (const { key, bytes } of found) {
      const until = untilOf.get(key);
      if (until !== undefined) {
        lockedGarbage.keys++;
        lockedGarbage.bytes += bytes;
        lockedGarbage.until = Math.max(until, lockedGarbage.until ?? 0);
        continue;
      }
      if (parseKey(key)?.kind === 'object') counts.objects++;
      else counts.snapshotFiles++;
      counts.bytes += bytes;
    }
    const objects = page.filter(({ key }) => key.startsWith(OBJECTS_PREFIX)).length;
    counts.keptObjects += objects - found.filter(({ key }) => key.startsWith(OBJECTS_PREFIX)).length;
    deletions += found.length;
    progress.advance('list-objects', page.length);
    page = [];
  };
  progress.begin('list-objects');
  for (const prefix of [OBJECTS_PREFIX, SNAPSHOTS_PREFIX]) {
    for await (const { key, sizeBytes } of place.list(prefix, { signal })) {
      page.push({ key, bytes: sizeBytes });
      if (page.length === KEYS_PER_PAGE) await judge();
    }
    await judge();
  }
  progress.end('list-objects');
  return { counts: { ...counts, locked: lockedGarbage }, deletions };
}

async function sweep({ place, signal }: CloudContext, voidHolds: readonly string[]): Promise<void> {
  if (voidHolds.length > 0) await place.deleteMany(voidHolds, { signal });
  await place.store.sweep({ olderThanMs: LEFTOVER_MS, signal });
}
