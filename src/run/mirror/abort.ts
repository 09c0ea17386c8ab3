/** Run (layer 3): the end of a running transfer, and nothing else. */
import type { MirrorCommand } from '../../core/mirror/table.ts';
import type { Relationship } from '../../ontap/ontap-svm.ts';
import type { MirrorContext, MirrorResult } from './context.ts';
import { observe } from './observe.ts';
import { requireCluster } from './preflight.ts';
import { allowed, isActive, reach } from './reach.ts';

/** Options of abortSnapmirror. */
export interface AbortOptions {
  /** Also drop ONTAP's restart checkpoint: the next transfer then begins anew (default false). */
  readonly clearCheckpoint?: boolean | undefined;
}

/**
 * Ends the transfer that runs now; the state of the mirror stays, and its schedule may start another one. No running
 * transfer, and one that ended meanwhile, are success (defect 19). (Cinder: the client's abort_snapmirror)
 * @throws MirrorError `MIRROR_NOT_FOUND`; `MIRROR_ILLEGAL_EVENT` for the transfer of a synchronous mirror, which ONTAP
 *   cannot abort
 */
export async function abortSnapmirror(context: MirrorContext, options: AbortOptions = {}): Promise<MirrorResult> {
  const { destination, pair, signal, timing } = context;
  await requireCluster(destination, signal);
  const goal = { event: 'abort', attempted: 'abort the running transfer' } as const;
  const before = await observe(context);
  const outcome = allowed(context, goal, before);
  if (outcome.kind === 'already') return { pair, actions: [], relationship: before, note: outcome.reason };
  const actions: MirrorCommand[] = [];
  const aborted = before?.transfer?.uuid;
  const ended = (now: Relationship | undefined) =>
    now !== undefined && (!isActive(now) || (aborted !== undefined && now.transfer?.uuid !== aborted));
  const clearCheckpoint = options.clearCheckpoint ?? false;
  const { relationship } = await reach(
    context,
    { ...goal, reached: ended, clearCheckpoint, timeoutMs: timing.changeTimeoutMs },
    actions,
  );
  return { pair, actions, relationship };
}
