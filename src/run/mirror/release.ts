/** Run (layer 3): what the source keeps for a destination (its entry, and the snapshots held for it), and its removal. */
import { decide } from '../../core/mirror/table.ts';
import { MirrorError, OntapError } from '../../errors.ts';
import type { Relationship } from '../../ontap/ontap-svm.ts';
import type { MirrorContext, MirrorResult } from './context.ts';
import { observe, observeFromSource, situationOf } from './observe.ts';
import { requireCluster } from './preflight.ts';
import { illegal } from './reach.ts';

/** Options of releaseSnapmirror. */
export interface ReleaseOptions {
  /** Remove the source's entry only; the snapshots held for the destination stay (default false). */
  readonly keepSnapshots?: boolean | undefined;
  /** The destination is lost for good: do not ask it whether it still has the relationship (default false). */
  readonly destinationLost?: boolean | undefined;
}

/**
 * Removes the source's half of a mirror whose destination's half is gone: also pays what a delete with the source out of reach
 * left owing. "Gone already" is success. (Cinder: the client's release_snapmirror)
 * @throws MirrorError `MIRROR_ILLEGAL_EVENT` while the destination still has the relationship; OntapError what either
 *   cluster answers, and changes nothing then
 */
export async function releaseSnapmirror(context: MirrorContext, options: ReleaseOptions = {}): Promise<MirrorResult> {
  const { source, destination, pair, signal } = context;
  const asked = options.destinationLost === true ? [source] : [source, destination];
  await Promise.all(asked.map((svm) => requireCluster(svm, signal)));
  const left = options.destinationLost === true ? undefined : await ours(context);
  const outcome = decide(situationOf(left), 'release');
  if (outcome.kind === 'refuse') {
    const goal = { event: 'release', attempted: 'release the source' } as const;
    throw illegal(context, goal, left, outcome.reason, outcome.remedy);
  }
  const released = await releaseSource(context, options.keepSnapshots === true ? 'source-info' : 'source');
  return released
    ? { pair, actions: ['release-source'] }
    : { pair, actions: [], note: 'the source keeps nothing for this destination' };
}

/** The destination's half; one of another mirror in its place means that ours is gone. */
export async function ours(context: MirrorContext): Promise<Relationship | undefined> {
  try {
    return await observe(context);
  } catch (error) {
    if (error instanceof MirrorError && error.code === 'MIRROR_CONFLICT') return undefined;
    throw error;
  }
}

/** False when there was nothing to remove. Asks the source only. */
export async function releaseSource(context: MirrorContext, scope: 'source' | 'source-info'): Promise<boolean> {
  const { source, pair, signal } = context;
  const known = await observeFromSource(context);
  for (const { uuid } of known) {
    context.onProgress({ pair, step: 'release-source' });
    const gone = async () => (await observeFromSource(context)).every((entry) => entry.uuid !== uuid);
    try {
      const change = await source.deleteRelationship(uuid, scope, { signal });
      await source.finish(change, { signal, look: gone });
    } catch (error) {
      const already = error instanceof OntapError && error.code === 'ONTAP_NOT_FOUND';
      if (!already) throw error;
    }
  }
  return known.length > 0;
}
