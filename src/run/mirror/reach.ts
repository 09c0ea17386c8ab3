/**
 * Run (layer 3): one event carried to its goal, level-triggered: look, decide by the table, act, look again. It can be
 * cut off anywhere and called again, and copes with what ONTAP does in between: busy answers, jobs that fail or vanish,
 * views that lag behind, a goal that somebody else reached.
 */
import type { MirrorCommand, Outcome } from '../../core/mirror/table.ts';
import { activityOf, decide, mirroredState } from '../../core/mirror/table.ts';
import type { MirrorEvent } from '../../core/mirror/vocabulary.ts';
import { MirrorError, OntapError } from '../../errors.ts';
import type { Change, Relationship } from '../../ontap/ontap-svm.ts';
import type { MirrorContext } from './context.ts';
import { pairName } from './context.ts';
import { observe, policyKindOf, situationOf } from './observe.ts';

export interface Goal {
  readonly event: MirrorEvent;
  /** For messages: `break the mirror`. */
  readonly attempted: string;
  readonly reached: (now: Relationship | undefined) => boolean;
  /** Undefined = as long as the caller's deadline allows. */
  readonly timeoutMs?: number | undefined;
  /** What the transfer is expected to move, for progress. */
  readonly expectedBytes?: number | undefined;
  readonly preserve?: boolean;
  readonly quickResync?: boolean;
  readonly force?: boolean;
  /** Aborts drop the restart checkpoint too. */
  readonly clearCheckpoint?: boolean;
}

export interface Reached {
  readonly relationship: Relationship | undefined;
  readonly actions: readonly MirrorCommand[];
}

/**
 * @param actions takes what is sent, also when the goal is not reached
 * @throws MirrorError `MIRROR_ILLEGAL_EVENT` the table refuses for good, `MIRROR_TIMEOUT` the goal did not come in time,
 *   `MIRROR_TRANSFER_FAILED` the transfer that this call started failed; OntapError what the cluster answered
 */
export async function reach(context: MirrorContext, goal: Goal, actions: MirrorCommand[] = []): Promise<Reached> {
  const { env, signal, timing } = context;
  const startedAt = env.clock.now();
  let acted = false;
  let before: Relationship | undefined;
  let job: string | undefined;
  let acknowledgedAt: number | undefined;
  let pauseMs = timing.pollFirstMs;
  let lastProblem: unknown;
  let everSeen = false;
  let silentSince: number | undefined;
  let peerLostSince: number | undefined;

  for (;;) {
    let now: Relationship | undefined;
    try {
      now = await observe(context);
      if (!everSeen) before = now;
      everSeen = true;
      silentSince = undefined;
      if (goal.reached(now)) return { relationship: now, actions };
      reportTransfer(context, goal, now);
      if (job !== undefined) {
        const record = await context.destination.job(job, { signal });
        if (record.state !== 'running') job = undefined;
        if (record.state === 'failure') {
          acknowledgedAt = undefined;
          throw record.error ?? new OntapError('ONTAP_JOB_FAILED', `${goal.attempted}: the job failed`);
        }
        if (record.state === 'success') {
          acknowledgedAt = env.clock.now();
          peerLostSince = undefined;
        }
      }
      if (acted) throwIfTransferFailed(context, goal, before, now);
      const settling = acknowledgedAt !== undefined && env.clock.now() - acknowledgedAt < timing.visibilityMs;
      const draining = goal.event === 'quiesce' && acknowledgedAt !== undefined && isActive(now);
      if (job === undefined && !settling && !draining) {
        const outcome = allowed(context, goal, now);
        if (outcome.kind === 'refuse') {
          lastProblem = illegal(context, goal, now, outcome.reason, outcome.remedy);
        }
        if (outcome.kind === 'act') {
          for (const command of outcome.commands) {
            await context.guard?.(command);
            const change = await perform(context, command, now, goal);
            actions.push(command);
            acknowledgedAt = env.clock.now();
            if (!change.done) job = change.job;
          }
          // A job may still come back with the same complaint.
          if (job === undefined) peerLostSince = undefined;
          // Look at once the first time; what has to be asked for again and again is asked for ever more slowly.
          if (!acted) {
            acted = true;
            pauseMs = timing.pollFirstMs;
            continue;
          }
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      const lost = error instanceof OntapError && error.code === 'ONTAP_OUTCOME_UNKNOWN';
      if (lost) {
        // Perhaps it was done: look for a while before the table decides again.
        acknowledgedAt = env.clock.now();
      } else if (!(error instanceof OntapError && error.retryable)) {
        // Somebody else, or a request whose answer was lost, may have brought the goal about.
        const looked = await observe(context).then(
          (seen) => ({ seen }),
          () => undefined,
        );
        if (looked !== undefined && goal.reached(looked.seen)) return { relationship: looked.seen, actions };
        throw explained(context, goal, looked?.seen ?? now, error);
      }
      // A cluster that never answered is an error at once; one that falls silent while we wait may come back.
      if (error instanceof OntapError && error.code === 'ONTAP_UNREACHABLE') {
        silentSince ??= env.clock.now();
        if (!everSeen || env.clock.now() - silentSince > timing.silenceMs) throw error;
      }
      if (error instanceof OntapError && error.code === 'ONTAP_PEER_UNREACHABLE') {
        peerLostSince ??= env.clock.now();
        if (env.clock.now() - peerLostSince >= timing.peerSilenceMs) throw error;
      }
      lastProblem = error;
    }

    const waitedMs = env.clock.now() - startedAt;
    if (goal.timeoutMs !== undefined && waitedMs >= goal.timeoutMs) {
      throw timedOut(context, goal, now, lastProblem);
    }
    await env.clock.sleep(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, timing.pollMaxMs);
  }
}

/** Sends one command of the table. */
export async function perform(
  context: MirrorContext,
  command: MirrorCommand,
  relationship: Relationship | undefined,
  options: Pick<Goal, 'preserve' | 'quickResync' | 'force' | 'clearCheckpoint'> = {},
): Promise<Change> {
  const { destination, signal } = context;
  if (relationship === undefined) {
    throw new MirrorError('MIRROR_NOT_FOUND', `${command}: there is no relationship`, { pair: pairName(context) });
  }
  const { uuid } = relationship;
  context.onProgress({ pair: context.pair, step: command });
  const { preserve, quickResync, force } = options;
  const flags = {
    ...(preserve === undefined ? {} : { preserve }),
    ...(quickResync === undefined ? {} : { quickResync }),
    ...(force === undefined ? {} : { force }),
  };
  switch (command) {
    case 'start-replication':
      return destination.setRelationshipState(uuid, mirroredState(policyKindOf(relationship)), { ...flags, signal });
    case 'pause':
      return destination.setRelationshipState(uuid, 'paused', { signal });
    case 'break':
      return destination.setRelationshipState(uuid, 'broken_off', { ...flags, signal });
    case 'start-transfer':
      await destination.startTransfer(uuid, { signal });
      return { done: true };
    case 'abort-transfers':
      await abortTransfers(context, relationship, options.clearCheckpoint ?? false);
      return { done: true };
    case 'delete-destination':
      return destination.deleteRelationship(uuid, 'destination', { signal });
    case 'create-relationship':
    case 'release-source':
      throw new MirrorError('MIRROR_ILLEGAL_EVENT', `${command} needs facts beyond the relationship`);
    default:
      return command satisfies never;
  }
}

/** Aborts every running transfer. A transfer that ended meanwhile needs no abort. */
async function abortTransfers(
  context: MirrorContext,
  { uuid, transfer }: Relationship,
  clearCheckpoint: boolean,
): Promise<void> {
  const { destination, signal } = context;
  const running = await destination.runningTransfers(uuid, { signal });
  // A queued transfer is not among them: only the relationship shows it.
  for (const each of new Set([...running, transfer].map((known) => known?.uuid))) {
    if (each === undefined) continue;
    try {
      await destination.abortTransfer(uuid, each, { signal, clearCheckpoint });
    } catch (error) {
      const gone = error instanceof OntapError && (error.code === 'ONTAP_NOT_FOUND' || error.ontapCode === '13303849');
      if (!gone) throw error;
    }
  }
}

function throwIfTransferFailed(
  context: MirrorContext,
  goal: Goal,
  before: Relationship | undefined,
  now: Relationship | undefined,
): void {
  const startsTransfer = ['initialize', 'update', 'resync'].includes(goal.event);
  const transfer = now?.transfer;
  if (!startsTransfer || transfer === undefined || activityOf(transfer.state) === 'active') return;
  const isNew = transfer.endedAt !== before?.transfer?.endedAt || transfer.state !== before?.transfer?.state;
  if (!isNew || transfer.state === 'success') return;
  const why = now?.unhealthyReasons.map((reason) => reason.message).join('; ') || transfer.state;
  throw new MirrorError(
    'MIRROR_TRANSFER_FAILED',
    `${goal.attempted}: the transfer ended as ${transfer.state}: ${why}`,
    {
      pair: pairName(context),
      state: now?.state,
      event: goal.event,
      attempted: goal.attempted,
      cluster: context.destination.cluster,
      retryable: true,
      remedy: 'call again; ONTAP goes on from its restart checkpoint where it kept one',
    },
  );
}

function reportTransfer(context: MirrorContext, goal: Goal, now: Relationship | undefined): void {
  if (!isActive(now)) return;
  context.onProgress({
    pair: context.pair,
    step: `${goal.event}: transferring`,
    transferredBytes: now?.transfer?.bytesTransferred,
    totalBytes: goal.expectedBytes,
  });
}

/** A transfer is queued or running. */
export function isActive(relationship: Relationship | undefined): boolean {
  return activityOf(relationship?.transfer?.state ?? 'none') === 'active';
}

/**
 * What the table says of the event now, unless it refuses for good.
 * @throws MirrorError `MIRROR_ILLEGAL_EVENT`, `MIRROR_NOT_FOUND`
 */
export function allowed(
  context: MirrorContext,
  goal: Pick<Goal, 'event' | 'attempted'>,
  now: Relationship | undefined,
): Outcome {
  const outcome = decide(situationOf(now), goal.event);
  if (outcome.kind !== 'refuse' || outcome.transient) return outcome;
  throw illegal(context, goal, now, outcome.reason, outcome.remedy);
}

export function illegal(
  context: MirrorContext,
  goal: Pick<Goal, 'event' | 'attempted'>,
  now: Relationship | undefined,
  reason: string,
  remedy: string,
): MirrorError {
  const state = now?.state ?? 'absent';
  return new MirrorError(
    now === undefined ? 'MIRROR_NOT_FOUND' : 'MIRROR_ILLEGAL_EVENT',
    `cannot ${goal.attempted} of ${pairName(context)}: ${reason}`,
    {
      pair: pairName(context),
      state,
      event: goal.event,
      attempted: goal.attempted,
      cluster: context.destination.cluster,
      remedy,
    },
  );
}

/** Failures of ONTAP that have a name of their own in our words. */
function explained(context: MirrorContext, goal: Goal, now: Relationship | undefined, error: unknown): unknown {
  if (!(error instanceof OntapError)) return error;
  const said = error.ontapMessage ?? error.message;
  const facts = {
    pair: pairName(context),
    state: now?.state ?? 'absent',
    event: goal.event,
    attempted: goal.attempted,
    cluster: error.cluster ?? context.destination.cluster,
    details: { ontapCode: error.ontapCode, ontapMessage: error.ontapMessage },
    cause: error,
  };
  if (
    said.includes('Geometry of the destination') &&
    said.includes('has been changed since the SnapMirror relationship')
  ) {
    return new MirrorError('MIRROR_GEOMETRY_CHANGED', `${goal.attempted}: ${said}`, {
      ...facts,
      remedy: 'delete the relationship and create it again',
    });
  }
  if (goal.event === 'resync' && /no common (base )?snapshot/i.test(said)) {
    return new MirrorError('MIRROR_NO_COMMON_SNAPSHOT', `${goal.attempted}: ${said}`, {
      ...facts,
      remedy: 'delete the relationship and its destination volume, then create it again for a new baseline',
    });
  }
  return error;
}

function timedOut(context: MirrorContext, goal: Goal, now: Relationship | undefined, cause: unknown): MirrorError {
  const seconds = Math.round((goal.timeoutMs ?? 0) / 1000);
  return new MirrorError(
    goal.event === 'quiesce' ? 'MIRROR_QUIESCE_TIMEOUT' : 'MIRROR_TIMEOUT',
    `${goal.attempted} of ${pairName(context)}: not done within ${seconds} s` +
      (cause instanceof Error ? ` (last: ${cause.message})` : ''),
    {
      pair: pairName(context),
      state: now?.state ?? 'absent',
      event: goal.event,
      attempted: goal.attempted,
      cluster: context.destination.cluster,
      retryable: true,
      cause,
    },
  );
}
