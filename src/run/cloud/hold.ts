/**
 * Run (layer 3): a restore's hold on a snapshot, so that a collection beside it spares what it needs. It is put first, and
 * the history is read afterwards: either the collection sees the hold, or the restore sees that the snapshot was forgotten.
 * A hold is renewed while its restore runs, and void when it was not for a day: nobody has to clean up after a crash.
 */
import { encodeJson, Fields } from '../../core/cloud/format/fields.ts';
import { CloudError, ObjectStoreError } from '../../errors.ts';
import type { CloudContext } from './context.ts';

const HOLDS_PREFIX = 'holds/';
const LEASE_MS = 24 * 3_600_000;
const RENEW_MS = 3_600_000;

type HoldContext = Pick<CloudContext, 'env' | 'place' | 'signal'>;

/**
 * Runs `work` while the snapshots are held. Where nothing may be put they are read without: who may write, from another
 * host or with other credentials, can then collect what is being read.
 */
export async function withHold<T>(
  context: HoldContext,
  snapshotIds: readonly number[],
  work: () => Promise<T>,
): Promise<T> {
  const { env, place, signal } = context;
  const keys = new Map(
    snapshotIds.map((snapshotId) => [`${HOLDS_PREFIX}${snapshotId}.${env.random.uuid()}`, snapshotId]),
  );
  const put = async () => {
    const until = env.clock.now() + LEASE_MS;
    for (const [key, snapshotId] of keys) await place.put(key, encodeJson({ snapshotId, until }), { signal });
  };
  try {
    await put();
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || !READ_ONLY.has(error.code)) throw error;
    env.logger.warn(
      { store: place.store.place, snapshots: snapshotIds },
      `nothing may be put into the store from here: the snapshot is read without a hold on it, and fails if somebody forgets it and collects meanwhile; to be safe, ${HOLD_IT}`,
    );
    return await work().catch((cause) => {
      throw withoutHold(cause);
    });
  }
  const ended = new AbortController();
  const renewing = (async () => {
    for (;;) {
      await env.clock.sleep(RENEW_MS, ended.signal);
      // A store that does not answer now is asked again in an hour: the lease has time.
      await put().catch((error) => env.logger.warn({ store: place.store.place, error }, 'a hold was not renewed'));
    }
  })().catch(() => {});
  try {
    return await work();
  } finally {
    ended.abort();
    await renewing;
    // Left behind it would be void in a day.
    await place.deleteMany([...keys.keys()]).catch(() => {});
  }
}

const HOLD_IT = 'hold it from a host that may write (datamotion cloud hold --snapshot ...), and let it go afterwards';

/** What is missing may have been collected from under the reader. */
function withoutHold(cause: unknown): unknown {
  if (!(cause instanceof CloudError) || cause.code !== 'CLOUD_OBJECT_MISSING') return cause;
  const { code, message, object, objectId, snapshot, details } = cause;
  const remedy = `The snapshot was read without a hold, and may have been forgotten and collected meanwhile. If it is still listed, ${HOLD_IT}; then repeat. ${cause.remedy ?? ''}`;
  return new CloudError(code, message, { object, objectId, snapshot, details, remedy: remedy.trimEnd(), cause });
}

const READ_ONLY = new Set<string>(['OBJECT_STORE_DENIED', 'OBJECT_STORE_NO_SPACE']);

export interface Holds {
  readonly snapshotIds: readonly number[];
  /** Holds that nobody renews any more. */
  readonly voidKeys: readonly string[];
}

/** A hold that cannot be read counts until somebody removes it: better too much kept than too little. */
export async function readHolds({ env, place, signal }: HoldContext): Promise<Holds> {
  const snapshotIds: number[] = [];
  const voidKeys: string[] = [];
  for await (const { key } of place.list(HOLDS_PREFIX, { signal })) {
    const stored = await place.find(key, { signal });
    if (stored === undefined) continue;
    const { snapshotId, until } = readHold(stored, key);
    if (until < env.clock.now()) voidKeys.push(key);
    else snapshotIds.push(snapshotId);
  }
  return { snapshotIds, voidKeys };
}

function readHold(stored: Uint8Array, key: string): { readonly snapshotId: number; readonly until: number } {
  try {
    const fields = Fields.parse(stored, key);
    return { snapshotId: fields.whole('snapshotId'), until: fields.whole('until') };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    // The key says which snapshot it is about.
    return { snapshotId: Number(/(\d+)\./.exec(key)?.[1] ?? 0), until: Number.POSITIVE_INFINITY };
  }
}
