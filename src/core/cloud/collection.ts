/**
 * Core: garbage collection. It deletes what no live snapshot, no restore under way and no transfer in flight needs.
 * The VMAP needs what the base needs, and the base is live.
 *
 * 1. Put the collect entry (`proposeCollect`). From then on what it does not spare is dead, whatever comes later: ids
 *    below its floor are never given again, and a later snapshot can only reuse what the base has.
 * 2. Read the holds of restores under way. A restore puts its hold first and reads the history afterwards, so either it
 *    is seen here, or it sees the collect entry and refuses a snapshot that was forgotten.
 * 3. List the store and delete what `deletionsAmong` says, page by page. Cut off at any point, the next collection
 *    finds the rest by listing; so it does with what a writer uploads that had been taken over from.
 */
import type { ObjectId } from './block-numbers.ts';
import type { CollectEntry } from './format/history-entry.ts';
import { parseKey } from './format/names.ts';
import { ObjectIdSet } from './object-ids.ts';

/** What a collection spares. */
export interface Spared {
  /** Ids from here on may be in flight. */
  readonly floor: number;
  /** Live snapshots, and those that a restore under way holds. */
  readonly snapshots: ReadonlySet<number>;
  /** What those snapshots need. */
  readonly objectIds: ObjectIdSet;
}

export interface Deletion {
  readonly key: string;
  readonly bytes: number;
}

export interface ListedKey {
  readonly key: string;
  readonly bytes: number;
}

/** The snapshots whose object-id bitmaps have to be read before anything may be deleted, ascending. */
export function snapshotsToSpare(collect: CollectEntry, held: Iterable<number> = []): ObjectId[] {
  const ids = new Set<number>([...collect.live, ...held]);
  return [...ids].sort((one, other) => one - other) as ObjectId[];
}

/** @param bitmaps one for each of `snapshotsToSpare` */
export function sparedBy(collect: CollectEntry, bitmaps: ReadonlyMap<ObjectId, ObjectIdSet>): Spared {
  const objectIds = new ObjectIdSet();
  for (const bitmap of bitmaps.values()) objectIds.addAll(bitmap);
  return { floor: collect.floor, snapshots: new Set<number>(bitmaps.keys()), objectIds };
}

/**
 * What of a page of the listing is to be deleted. Data objects come before the files of snapshots in a listing, and a
 * manifest after the rest of its snapshot, so what is left of a forgotten snapshot can be told what it was to the last.
 * Keys of another making are left alone.
 */
export function deletionsAmong(listing: readonly ListedKey[], spared: Spared): Deletion[] {
  const last: Deletion[] = [];
  const deletions: Deletion[] = [];
  for (const { key, bytes } of listing) {
    const name = parseKey(key);
    if (name === undefined || 'number' in name) continue;
    if (name.kind === 'object') {
      if (name.objectId < spared.floor && !spared.objectIds.has(name.objectId)) deletions.push({ key, bytes });
    } else if (name.snapshotId < spared.floor && !spared.snapshots.has(name.snapshotId)) {
      (name.kind === 'manifest' ? last : deletions).push({ key, bytes });
    }
  }
  return [...deletions, ...last];
}
