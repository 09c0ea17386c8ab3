/** Run (layer 3): the verbs on one mirror. Each looks first, asks the table, acts, and waits for what it promised. */

import type { ResyncLoss } from '../../core/mirror/loss.ts';
import type { MirrorCommand } from '../../core/mirror/table.ts';
import type { MirrorEvent, PolicyKind } from '../../core/mirror/vocabulary.ts';
import { DataMotionError, MirrorError, OntapError } from '../../errors.ts';
import type { Relationship } from '../../ontap/ontap-svm.ts';
import type { MirrorContext, MirrorPair, MirrorResult } from './context.ts';
import { awaited, pairName } from './context.ts';
import { createDestinationFlexvol, mountDestination } from './destination-flexvol.ts';
import { withGeometryRepaired } from './geometry.ts';
import { lossOf } from './loss.ts';
import { observe, policyKindOf } from './observe.ts';
import {
  requireCluster,
  requirePeeredSource,
  requirePolicy,
  requirePolicyForStyle,
  requireSchedule,
  requireSourceVolume,
  requireSuitableDestination,
} from './preflight.ts';
import type { Goal, Reached } from './reach.ts';
import { allowed, isActive, reach } from './reach.ts';
import { ours, releaseSource } from './release.ts';

export interface CreateOptions {
  readonly policy: string;
  /** Schedule for policies that have none of their own; undefined = updates only when asked for. */
  readonly transferSchedule?: string | undefined;
  /** Aggregates at the destination for a source volume on the given aggregates; throws when one is not mapped. */
  readonly destinationAggregates: (sourceAggregates: readonly string[]) => readonly string[];
  /** Wait until the baseline is there, rather than until its transfer has started. */
  readonly waitForBaseline: boolean;
  /** Resume a mirror that is paused and resync one that is broken off, which discards what was written to it. */
  readonly repair: boolean | AcceptLoss;
}

/** Asked right before a resync discards something; anything but true stops it. */
export type AcceptLoss = (loss: ResyncLoss, pair: MirrorPair) => boolean | Promise<boolean>;

/**
 * 1. check everything that can be checked without changing anything  2. destination volume  3. relationship
 * 4. baseline transfer. An existing relationship is adopted; one that an operator paused or broke off is left alone,
 * because replication onto it would discard what was written there (defect 4). (Cinder: create_snapmirror)
 */
export async function createSnapmirror(context: MirrorContext, options: CreateOptions): Promise<MirrorResult> {
  return withGeometryRepaired(
    context,
    (actions) => createOnce(context, options, actions),
    () => deleteSnapmirror(context, { release: true }),
  );
}

async function createOnce(context: MirrorContext, options: CreateOptions, actions: string[]): Promise<MirrorResult> {
  const { source, destination, pair, signal, timing } = context;
  await Promise.all([requireCluster(source, signal), requireCluster(destination, signal)]);
  const sourceVolume = await requireSourceVolume(context);

  let relationship = await observe(context);
  if (relationship?.state === 'paused' || relationship?.state === 'broken_off') {
    if (options.repair !== false) return repair(context, relationship, options.repair, options.waitForBaseline);
    const verb = relationship.state === 'paused' ? 'resume' : 'resync';
    return {
      pair,
      actions,
      relationship,
      note: `left alone: the mirror is ${relationship.state}; ${verb} it, or ask for a repair, to go on replicating`,
    };
  }
  if (relationship === undefined) {
    const policy = await requirePolicy(context, options.policy);
    requirePolicyForStyle(context, policy, sourceVolume);
    const transferSchedule = await requireSchedule(context, policy, options.transferSchedule);
    const sourceSvm = await requirePeeredSource(context);
    const existing = await destination.volume(pair.destination.volume, { signal });
    if (existing !== undefined) requireSuitableDestination(context, sourceVolume, existing);
    const aggregates = existing === undefined ? options.destinationAggregates(sourceVolume.aggregates) : [];

    const { created } = await createDestinationFlexvol(context, sourceVolume, () => aggregates);
    if (created) actions.push('create-destination');
    await createRelationship(context, { sourceSvm, policy: policy.name, transferSchedule });
    actions.push('create-relationship');
    relationship = await visible(context);
  }

  const baseline = (now: Relationship | undefined) => now !== undefined && isMirrored(now);
  const started = (now: Relationship | undefined) => baseline(now) || isActive(now);
  const goal = {
    event: 'initialize',
    attempted: 'initialize the mirror',
    reached: options.waitForBaseline ? baseline : started,
    timeoutMs: options.waitForBaseline ? undefined : timing.changeTimeoutMs,
    expectedBytes: sourceVolume.usedBytes,
  } as const;
  const sent: MirrorCommand[] = [];
  const reached = await reach(context, goal, sent).finally(() => actions.push(...sent));
  const note = baseline(reached.relationship) ? undefined : 'the baseline transfer is under way: not protected yet';
  return { pair, actions, relationship: reached.relationship, note };
}

/**
 * What Cinder's create does to every mirror that it finds stopped: resume, resync. Says beforehand what is lost, and does nothing
 * when that cannot be found out.
 */
async function repair(
  context: MirrorContext,
  stopped: Relationship,
  accept: true | AcceptLoss,
  wait: boolean,
): Promise<MirrorResult> {
  const { pair } = context;
  if (stopped.state === 'paused') {
    context.onProgress({ pair, step: 'repair: resume, nothing is lost' });
    return resumeSnapmirror(context);
  }
  const loss = await acceptedLoss(context, accept === true ? () => true : accept);
  context.onProgress({ pair, step: 'repair: resync', loss });
  return { ...(await resyncSnapmirror(context, { wait })), loss };
}

/** What a resync of the broken-off mirror discards, once it is accepted. @throws MirrorError `MIRROR_LOSS_NOT_ACCEPTED` */
async function acceptedLoss(context: MirrorContext, accept: AcceptLoss): Promise<ResyncLoss> {
  const loss = await lossOf(context);
  if ((await accept(loss, context.pair)) === true) return loss;
  throw lossNotAccepted(context, loss);
}

function lossNotAccepted(context: MirrorContext, loss: ResyncLoss): MirrorError {
  return new MirrorError(
    'MIRROR_LOSS_NOT_ACCEPTED',
    `${pairName(context)} is broken off, and what its destination would lose is not accepted`,
    {
      pair: pairName(context),
      state: 'broken_off',
      event: 'resync',
      attempted: 'resync the mirror',
      cluster: context.destination.cluster,
      remedy: 'look at what would be lost (previewResyncs), then accept it or leave the mirror as it is',
      details: { loss },
    },
  );
}

export async function createRelationship(
  context: MirrorContext,
  spec: { readonly sourceSvm: string; readonly policy: string; readonly transferSchedule: string | undefined },
): Promise<void> {
  const { destination, pair, signal } = context;
  context.onProgress({ pair, step: 'create-relationship' });
  try {
    const change = await destination.createRelationship(
      {
        source: { svm: spec.sourceSvm, volume: pair.source.volume },
        destinationVolume: pair.destination.volume,
        policy: spec.policy,
        transferSchedule: spec.transferSchedule,
      },
      { signal },
    );
    await destination.finish(change, { signal, look: async () => (await observe(context)) !== undefined });
  } catch (error) {
    const adopted = error instanceof OntapError && error.code === 'ONTAP_EXISTS';
    if (!adopted) throw error;
  }
}

/** A new relationship may take seconds to show up. */
export async function visible(context: MirrorContext): Promise<Relationship> {
  return awaited(context, async (waitedMs) => {
    const relationship = await observe(context);
    if (relationship !== undefined || waitedMs() < context.timing.visibilityMs) return relationship;
    throw new MirrorError('MIRROR_NOT_FOUND', `${pairName(context)} was created but does not show up`, {
      pair: pairName(context),
      attempted: 'create the mirror',
      cluster: context.destination.cluster,
      retryable: true,
    });
  });
}

export interface UpdateOptions {
  /** Wait until everything written before this call is at the destination. */
  readonly wait: boolean;
}

/**
 * One incremental transfer. With `wait`, a transfer that already runs is awaited first, since its snapshot is older than
 * the call. (Cinder: update_snapmirror)
 */
export async function updateSnapmirror(context: MirrorContext, options: UpdateOptions): Promise<MirrorResult> {
  const { pair, timing } = context;
  await requireCluster(context.destination, context.signal);
  const attempted = 'update the mirror';
  const goal = { event: 'update', attempted } as const;

  let before = await observe(context);
  if (options.wait && before !== undefined && isActive(before)) {
    before = (await reach(context, { ...goal, reached: (now) => now !== undefined && !isActive(now) })).relationship;
  }
  const outcome = allowed(context, goal, before);
  if (outcome.kind === 'already') return { pair, actions: [], relationship: before, note: outcome.reason };

  const finished = (now: Relationship | undefined) =>
    now !== undefined &&
    !isActive(now) &&
    now.transfer?.state === 'success' &&
    (now.transfer.endedAt !== before?.transfer?.endedAt || now.exportedSnapshot !== before?.exportedSnapshot);
  const reached = await reach(context, {
    ...goal,
    reached: options.wait ? finished : (now) => isActive(now) || finished(now),
    timeoutMs: options.wait ? undefined : timing.changeTimeoutMs,
  });
  return { pair, actions: reached.actions, relationship: reached.relationship };
}

/** Options of quiesceThenAbort. */
export interface QuiesceOptions {
  /** Overrides the backend's quiesce timeout; 0 aborts at once. Milliseconds. */
  readonly quiesceTimeoutMs?: number | undefined;
}

/**
 * 1. quiesce  2. wait for the running transfer  3. on timeout abort it, keeping its restart checkpoint, and wait for the
 * drained state. (Cinder: quiesce_then_abort; over REST it never came to the abort, defect 3, and the abort's own
 * errors escaped, defect 19.)
 */
export async function quiesceThenAbort(context: MirrorContext, options: QuiesceOptions = {}): Promise<MirrorResult> {
  const { pair, timing } = context;
  await requireCluster(context.destination, context.signal);
  const quiet = (now: Relationship | undefined) =>
    now !== undefined && (now.state === 'paused' || now.state === 'broken_off') && !isActive(now);
  const goal = { event: 'quiesce', attempted: 'quiesce the mirror', reached: quiet } as const;
  const actions: MirrorCommand[] = [];
  try {
    const timeoutMs = options.quiesceTimeoutMs ?? timing.quiesceTimeoutMs;
    const { relationship } = await reach(context, { ...goal, timeoutMs }, actions);
    return { pair, actions, relationship };
  } catch (error) {
    if (!isDrainTimeout(error)) throw error;
  }
  const timeoutMs = timing.changeTimeoutMs;
  const ended = (now: Relationship | undefined) => !isActive(now);
  const abort = { event: 'abort', attempted: 'abort the running transfer', reached: ended, timeoutMs } as const;
  await reach(context, abort, actions);
  const { relationship } = await reach(context, { ...goal, timeoutMs }, actions);
  return { pair, actions, relationship };
}

/** The drain took longer than we allow (our own timeout) or than ONTAP allows (its quiesce job gives up). */
function isDrainTimeout(error: unknown): boolean {
  if (error instanceof MirrorError) return error.code === 'MIRROR_QUIESCE_TIMEOUT';
  return error instanceof OntapError && (error.ontapCode === '13303823' || error.ontapCode === '13303824');
}

/** Options of breakSnapmirror. */
export interface BreakOptions extends QuiesceOptions {
  /** Where to mount the destination volume; `false` = do not mount. Default `/<volume>`. */
  readonly junctionPath?: string | false | undefined;
}

/** Whether the destination is mounted, where, or why not. */
export type MountOutcome =
  | { readonly mounted: true; readonly junctionPath: string }
  | { readonly mounted: false; readonly error?: DataMotionError | undefined };

/** What a break did. */
export interface BreakResult extends MirrorResult {
  /** A failed mount is a part-failure: the destination is writable all the same. */
  readonly mount: MountOutcome;
  /** The snapshot that the destination's data is at, as ONTAP named it. */
  readonly lastSnapshot?: string | undefined;
  /** Age of that data in seconds when the mirror was last seen before the break; what was written since is not there. */
  readonly lagSeconds?: number | undefined;
  /** True when ONTAP could not contact the source's cluster and the break was forced. */
  readonly forced: boolean;
}

/**
 * 1. quiesce, then abort  2. break, by force when ONTAP insists on contacting a source's cluster that it cannot reach
 * (262224)  3. mount. Asks nothing of the source and works after any transfer result.
 * (Cinder: break_snapmirror; it insisted on a successful last transfer, defect 2.)
 */
export async function breakSnapmirror(context: MirrorContext, options: BreakOptions = {}): Promise<BreakResult> {
  const { pair, destination, timing } = context;
  await requireCluster(destination, context.signal);
  const attempted = 'break the mirror';
  const before = await observe(context);
  const outcome = allowed(context, { event: 'break', attempted }, before);

  const actions: string[] = [];
  let quiet = before;
  if (outcome.kind !== 'already') {
    const quiesced = await quiesceAsFarAsPossible(context, options);
    actions.push(...quiesced.actions);
    quiet = quiesced.relationship ?? before;
  }
  const goal = {
    event: 'break',
    attempted,
    reached: (now: Relationship | undefined) => now?.state === 'broken_off' && !isActive(now),
  } as const;
  let forced = false;
  let broken: Reached;
  try {
    broken = await reach(context, { ...goal, timeoutMs: timing.changeTimeoutMs });
  } catch (error) {
    if (!(error instanceof OntapError && error.code === 'ONTAP_PEER_UNREACHABLE')) throw error;
    context.env.logger.warn({ pair: pairName(context) }, 'the source cluster is out of reach: forcing the break');
    forced = true;
    broken = await reach(context, { ...goal, force: true, timeoutMs: timing.changeTimeoutMs });
  }
  actions.push(...broken.actions);

  const mount = await tryMount(context, options.junctionPath ?? `/${pair.destination.volume}`);
  if (mount.mounted) actions.push('mount');
  return {
    pair,
    actions,
    relationship: broken.relationship,
    mount,
    forced,
    lastSnapshot: quiet?.exportedSnapshot,
    lagSeconds: quiet?.lagSeconds,
    note: mount.mounted || mount.error === undefined ? undefined : 'broken off and writable, but not mounted',
  };
}

/**
 * A quiesce that ONTAP refuses (an unhealthy mirror, for one), or that comes to no end, must not stand in the way of a
 * break, which says more.
 */
async function quiesceAsFarAsPossible(
  context: MirrorContext,
  options: QuiesceOptions,
): Promise<Pick<MirrorResult, 'actions' | 'relationship'>> {
  try {
    return await quiesceThenAbort(context, options);
  } catch (error) {
    const refused = error instanceof OntapError && QUIESCE_REFUSED.has(error.code);
    if (!refused && !(error instanceof MirrorError)) throw error;
    context.env.logger.warn(
      { pair: pairName(context), error: error.toJSON() },
      'quiesce failed: going on to the break',
    );
    return { actions: [], relationship: undefined };
  }
}

const QUIESCE_REFUSED: ReadonlySet<string> = new Set(['ONTAP_REJECTED', 'ONTAP_JOB_FAILED', 'ONTAP_PEER_UNREACHABLE']);

async function tryMount(context: MirrorContext, junctionPath: string | false): Promise<MountOutcome> {
  if (junctionPath === false) return { mounted: false };
  try {
    return { mounted: true, junctionPath: await mountDestination(context, junctionPath) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof DataMotionError)) throw error;
    return { mounted: false, error };
  }
}

/** Options of resyncSnapmirror. */
export interface ResyncOptions {
  /** Wait until the destination mirrors again, rather than until the transfer has started (default false). */
  readonly wait?: boolean | undefined;
  /**
   * Keep the snapshots of the destination that are newer than the newest common one; what was written after the newest of them is
   * discarded all the same (default false).
   */
  readonly keepNewerSnapshots?: boolean | undefined;
  /** Start sooner, at the price of storage efficiency lost on the way (default false). */
  readonly quick?: boolean | undefined;
  /**
   * Asked right before anything is discarded; anything but true stops it with `MIRROR_LOSS_NOT_ACCEPTED`. Default: the call itself
   * is the acceptance.
   */
  readonly acceptLoss?: AcceptLoss | undefined;
}

/**
 * Replicates again after a break: the destination is rolled back to the newest common snapshot, and what was written to
 * it since is discarded. (Cinder: resync_snapmirror)
 * @throws MirrorError `MIRROR_NO_COMMON_SNAPSHOT`
 */
export async function resyncSnapmirror(context: MirrorContext, options: ResyncOptions): Promise<MirrorResult> {
  const { acceptLoss } = options;
  let loss: ResyncLoss | undefined;
  const accepting = async ({ state }: Relationship) => {
    if (acceptLoss !== undefined && state === 'broken_off') loss = await acceptedLoss(context, acceptLoss);
  };
  const result = await startAgain(
    context,
    'resync',
    'resync the mirror',
    options.wait ?? false,
    {
      ...(options.keepNewerSnapshots === true ? { preserve: true } : {}),
      ...(options.quick === true ? { quickResync: true } : {}),
    },
    accepting,
  );
  return loss === undefined ? result : { ...result, loss };
}

/** Undoes a quiesce. Refused on a broken-off mirror, where ONTAP would take the same request for a resync. */
export async function resumeSnapmirror(context: MirrorContext): Promise<MirrorResult> {
  return startAgain(context, 'resume', 'resume the mirror', true);
}

async function startAgain(
  context: MirrorContext,
  event: MirrorEvent,
  attempted: string,
  wait: boolean,
  flags: Pick<Goal, 'preserve' | 'quickResync'> = {},
  beforeActing: (now: Relationship) => Promise<void> = async () => {},
): Promise<MirrorResult> {
  await requireCluster(context.destination, context.signal);
  const now = await observe(context);
  const outcome = allowed(context, { event, attempted }, now);
  if (outcome.kind === 'act' && now !== undefined) await beforeActing(now);
  const mirrored = (now: Relationship | undefined) =>
    now !== undefined && isMirrored(now) && now.state !== 'synchronizing';
  const reached = await reach(context, {
    ...flags,
    event,
    attempted,
    reached: wait ? mirrored : (now) => mirrored(now) || isActive(now),
    timeoutMs: wait && event === 'resync' ? undefined : context.timing.changeTimeoutMs,
  });
  const note = mirrored(reached.relationship) ? undefined : 'the transfer is under way';
  return { pair: context.pair, actions: reached.actions, relationship: reached.relationship, note };
}

export interface DeleteOptions {
  /** Also remove what the source keeps for this destination. */
  readonly release: boolean;
}

/** What became of the source's half. */
export type ReleaseOutcome =
  | { readonly state: 'released' | 'nothing-to-release' | 'not-asked' }
  /** The source could not be reached or refused: a debt, to be paid by calling again later. */
  | { readonly state: 'owed'; readonly error: DataMotionError };

/** What a delete did, on both ends. */
export interface DeleteResult extends MirrorResult {
  readonly release: ReleaseOutcome;
}

/**
 * 1. abort a running transfer  2. delete the destination's half  3. release the source's half. Converges from every
 * half-way state; "gone already" is success at each step (defect 18). The destination volume stays.
 * (Cinder: delete_snapmirror)
 */
export async function deleteSnapmirror(context: MirrorContext, options: DeleteOptions): Promise<DeleteResult> {
  const { pair, timing } = context;
  await requireCluster(context.destination, context.signal);
  const goal = { event: 'delete', attempted: 'delete the mirror', timeoutMs: timing.changeTimeoutMs } as const;
  const there = await ours(context);
  const deleted = there && (await reach(context, { ...goal, reached: (now) => now === undefined }));
  const release: ReleaseOutcome = options.release ? await tryRelease(context) : { state: 'not-asked' };
  const actions: string[] = [...(deleted?.actions ?? []), ...(release.state === 'released' ? ['release-source'] : [])];
  const note = release.state === 'owed' ? 'the source could not be released: call again once it answers' : undefined;
  return { pair, actions, release, note };
}

async function tryRelease(context: MirrorContext): Promise<ReleaseOutcome> {
  try {
    return { state: (await releaseSource(context, 'source')) ? 'released' : 'nothing-to-release' };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof DataMotionError)) throw error;
    return { state: 'owed', error };
  }
}

/** Holds a baseline and replicates (or catches up by itself). */
function isMirrored(relationship: Relationship): boolean {
  const sync: readonly PolicyKind[] = ['sync', 'automated_failover'];
  return sync.includes(policyKindOf(relationship))
    ? ['in_sync', 'out_of_sync', 'synchronizing'].includes(relationship.state)
    : relationship.state === 'snapmirrored';
}
