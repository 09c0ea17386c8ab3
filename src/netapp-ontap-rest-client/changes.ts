/** Changes: done, or carried on by a job; and what to do when the answer was lost. */
import type { CallOptions } from '../env.ts';
import { OntapError } from '../errors.ts';
import { type Call, type Connection, LONGEST_RETURN_TIMEOUT_SECONDS } from './connection.ts';
import { type ChangeEnvelope, changeEnvelope, type JobEnvelope } from './envelopes.ts';
import { badResponse, type CallFacts, jobFailure, notHappened, outcomeUnknown, reasonIn } from './failures.ts';
import { following } from './paging.ts';
import { growingWaits } from './waits.ts';

/** A change is done, or jobs on the cluster carry it on (more than one only for changes of a whole collection). */
export type Change<Body = unknown> =
  | { readonly done: true; readonly body: Body | undefined }
  | { readonly done: false; readonly job: string; readonly jobs: readonly string[] };

/**
 * What looking at the object shows about a change whose answer or job was lost. Say `not-happened` only when the change
 * can no longer happen either: no job may be working on it. `unclear` is asked again for a while.
 */
export type Looked = 'happened' | 'not-happened' | 'unclear';
/** Looks at the object, by reads of this or another client. Give the signal on. */
export type Look = (options: { readonly signal: AbortSignal }) => Promise<Looked>;

/** What to do when it is not known whether a change was made. */
export interface LookOptions {
  /** Looks whether the change was made when its answer, or its job, was lost. Without it that is `ONTAP_OUTCOME_UNKNOWN`. */
  readonly look?: Look | undefined;
  /** How long an `unclear` look is repeated: ONTAP may for seconds not show what it has done. Default: 10 000 ms. */
  readonly lookWithinMs?: number | undefined;
}

/** Options of `change`, beside those of every call. */
export interface ChangeOptions extends LookOptions {
  /** Seconds (at most 120) that ONTAP may wait for the end before it answers with a job: saves polls of short changes. */
  readonly returnTimeoutSeconds?: number | undefined;
}

/** Sends a change and reads from its answer whether it is done. */
export async function change(connection: Connection, call: Call, options: ChangeOptions): Promise<Change> {
  const asked = call.query?.['return_timeout'];
  const seconds = options.returnTimeoutSeconds ?? (typeof asked === 'number' ? asked : undefined);
  const query =
    seconds === undefined
      ? call.query
      : { ...call.query, return_timeout: Math.min(Math.max(0, Math.round(seconds)), LONGEST_RETURN_TIMEOUT_SECONDS) };
  let next: Call | undefined = { ...call, query };
  let body: unknown;
  const jobs: string[] = [];
  while (next !== undefined) {
    const facts = connection.facts(next);
    const answer = await connection.send(next).catch(async (error: unknown) => {
      if (!(error instanceof OntapError) || error.code !== 'ONTAP_OUTCOME_UNKNOWN') throw error;
      await settleByLooking(connection, facts, call, options, error);
      return { status: 200, body: undefined };
    });
    const envelope = changeIn(facts, answer.status, answer.body);
    const pending = pendingJobs(facts, answer.status, envelope);
    if (answer.status === 202 && saysNothing(envelope)) {
      // Accepted, and no word about how it goes on.
      const lost = outcomeUnknown(facts, 'the change was accepted without naming a job');
      await settleByLooking(connection, facts, call, options, lost);
    }
    jobs.push(...pending);
    body = answer.body;
    // A change of a collection that ran out of time: the rest is behind the link.
    const href: string | undefined = envelope._links?.next?.href;
    next = href === undefined ? undefined : following(call, facts, href);
  }
  const [job] = jobs;
  return job === undefined ? { done: true, body } : { done: false, job, jobs };
}

/**
 * Settles a lost outcome by looking, again for a while as long as it is unclear. Returns when the change was made.
 * @throws OntapError `ONTAP_UNREACHABLE` (it was not made; do it again), `ONTAP_OUTCOME_UNKNOWN`
 */
export async function settleByLooking(
  connection: Connection,
  facts: CallFacts,
  ending: CallOptions,
  { look, lookWithinMs = 10_000 }: LookOptions,
  lost: OntapError,
  ifNotHappened: () => OntapError = () => notHappened(facts, lost),
): Promise<void> {
  if (look === undefined) throw lost;
  const looked = await growingWaits(
    connection.env,
    {
      signal: ending.signal,
      deadline: ending.deadline,
      attempted: facts.attempted,
      firstMs: 250,
      capMs: 2_000,
      withinMs: lookWithinMs,
    },
    async (signal) => {
      const seen = await look({ signal }).catch((error: unknown) => {
        if (signal.aborted) throw signal.reason;
        if (error instanceof OntapError && error.retryable) return 'unclear' as const;
        throw outcomeUnknown(facts, `${reasonIn(facts, lost)}; looking failed too`, error);
      });
      return seen === 'unclear' ? undefined : seen;
    },
  );
  if (looked === 'happened') return;
  throw looked === 'not-happened'
    ? ifNotHappened()
    : outcomeUnknown(facts, `${reasonIn(facts, lost)}; looking did not settle it`, lost);
}

function changeIn(facts: CallFacts, status: number, body: unknown): ChangeEnvelope {
  const parsed = changeEnvelope.safeParse(body ?? {});
  if (!parsed.success) throw badResponse(facts, 'the answer names jobs in a way that is not known', status, body);
  return parsed.data;
}

/** No job, no further page, and not that there was nothing to change. */
function saysNothing({ job, jobs = [], num_records, _links }: ChangeEnvelope): boolean {
  return job === undefined && jobs.length === 0 && num_records !== 0 && _links?.next === undefined;
}

/** Jobs that still run. A 200 or 201 is final although it names its job; a job's own state outdoes the status. */
function pendingJobs(facts: CallFacts, status: number, { job, jobs = [] }: ChangeEnvelope): string[] {
  const pending: string[] = [];
  for (const one of job === undefined ? jobs : [job, ...jobs]) {
    if (hasFailed(one)) throw jobFailure(facts, one);
    const runs = one.state === undefined ? status === 202 : one.state !== 'success';
    if (!runs) continue;
    if (one.uuid === undefined) throw badResponse(facts, 'a job without a uuid', status);
    if (!pending.includes(one.uuid)) pending.push(one.uuid);
  }
  return pending;
}

/** `failure` is what ONTAP sends, `error` what some of its documentation says. */
export function hasFailed(job: JobEnvelope): boolean {
  return job.state === 'failure' || job.state === 'error' || (job.state !== 'success' && job.error !== undefined);
}
