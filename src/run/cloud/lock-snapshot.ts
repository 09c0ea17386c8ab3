/**
 * Run (layer 3): a snapshot that nobody can delete until a date. Everything that it takes to restore it is locked in the
 * store: its objects, those that it shares with older snapshots too, its own files, the history, and the wrapped keys. Then
 * the history says so, and nobody who follows it forgets the snapshot before.
 */
import {
  HISTORY_PREFIX,
  historyKey,
  KEYS_PREFIX,
  OBJECTS_PREFIX,
  parseKey,
  snapshotPrefix,
} from '../../core/cloud/format/names.ts';
import { proposeLock } from '../../core/cloud/history.ts';
import type { ObjectIdSet } from '../../core/cloud/object-ids.ts';
import { CloudError, ConfigError } from '../../errors.ts';
import type { CloudContext } from './context.ts';
import { withHold } from './hold.ts';
import { inParallel } from './in-parallel.ts';
import { liveSnapshot } from './restore.ts';
import { SnapshotReader } from './snapshot-reader.ts';

/** Objects listed, and locked, at a time. */
const KEYS_PER_PAGE = 1000;

/** Which backup to lock, and until when. */
export interface LockRequest {
  /** Name, uuid or id; default the newest. */
  readonly snapshot?: string | number | undefined;
  /** Epoch milliseconds, in the future. */
  readonly until: number;
}

/** What was locked. */
export interface LockResult {
  readonly id: number;
  readonly name: string;
  /** Epoch milliseconds: what was asked for, or later where it was locked for longer. */
  readonly lockedUntil: number;
  /** Objects of blocks that it needs, all of them locked now. */
  readonly objects: number;
}

/**
 * Locks a snapshot, or locks it for longer. A lock is never shortened. Cut off anywhere it can be repeated; what was locked
 * until then stays locked, and the snapshot counts as locked when all of it is.
 * @throws ConfigError `CONFIG_INVALID` for a date that has passed; CloudError `CLOUD_SNAPSHOT_UNKNOWN`, `CLOUD_OBJECT_MISSING`;
 * ObjectStoreError `OBJECT_STORE_UNSUPPORTED` for a store without locks
 */
export async function lockSnapshot(context: CloudContext, { snapshot, until }: LockRequest): Promise<LockResult> {
  const { env, history, place, limits, signal } = context;
  if (!Number.isSafeInteger(until) || until <= env.clock.now()) {
    throw new ConfigError('CONFIG_INVALID', 'a lock must end in the future', {
      object: place.name,
      problems: [{ section: '', option: 'until', message: 'must be in the future' }],
    });
  }
  const { id } = await liveSnapshot(context, snapshot);
  history.checkExclusion();
  // Held while it is locked, so that no collection beside takes of it.
  return await withHold(context, [id], async () => {
    const facts = await liveSnapshot(context, id);
    const reader = new SnapshotReader(context);
    const needed = await reader.objectIds(await reader.manifest(facts));
    const lock = (keys: readonly string[]) =>
      inParallel(keys, limits.objectsInFlight, (key) => place.lock(key, until, { signal }));
    const objects = await lockObjects(context, needed, lock);
    if (objects < needed.size) {
      throw new CloudError('CLOUD_OBJECT_MISSING', `${needed.size - objects} objects of ${facts.name} are missing`, {
        snapshot: facts.name,
        object: place.name,
        remedy: 'Run verify; lock a snapshot that is whole.',
      });
    }
    for (const prefix of [snapshotPrefix(id), KEYS_PREFIX]) await lock(await keysBelow(context, prefix));
    // The history up to now is locked before it says so: what counts as locked can be found.
    await lock((await keysBelow(context, HISTORY_PREFIX)).filter((key) => key <= historyKey(history.state.lastNumber)));
    const before = history.state.lastNumber;
    const entry = await history.append((state) => proposeLock(state, [id], until, env.clock.now()), { signal });
    for (let number = before + 1; number <= entry.number; number++) await lock([historyKey(number)]);
    const locked = history.state.snapshots.find((one) => one.id === id);
    return { id, name: facts.name, lockedUntil: locked?.lockedUntil ?? until, objects };
  });
}

/** Gives how many of the ids were found. */
async function lockObjects(
  { place, signal }: CloudContext,
  needed: ObjectIdSet,
  lock: (keys: readonly string[]) => Promise<void>,
): Promise<number> {
  let objects = 0;
  let last: number | undefined;
  let page: string[] = [];
  for await (const { key } of place.list(OBJECTS_PREFIX, { signal })) {
    const name = parseKey(key);
    if (name?.kind !== 'object' || !needed.has(name.objectId)) continue;
    // Generations of one object are side by side.
    if (name.objectId !== last) objects++;
    last = name.objectId;
    page.push(key);
    if (page.length < KEYS_PER_PAGE) continue;
    await lock(page);
    page = [];
  }
  await lock(page);
  return objects;
}

async function keysBelow({ place, signal }: CloudContext, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of place.list(prefix, { signal })) if (parseKey(key) !== undefined) keys.push(key);
  return keys;
}
