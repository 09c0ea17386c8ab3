/** Waiting for jobs. */
import { OntapError } from '../errors.ts';
import { hasFailed, type LookOptions, settleByLooking } from './changes.ts';
import type { Call, Connection, RequestOptions } from './connection.ts';
import { type JobEnvelope, jobEnvelope } from './envelopes.ts';
import { badResponse, type CallFacts, jobFailure, outcomeUnknown, retryAfterOf } from './failures.ts';
import { records } from './paging.ts';
import { anyOf } from './query.ts';
import { growingWaits } from './waits.ts';

/**
 * A job as it stands. `gone`: ONTAP purged the record, 300 seconds after the job's end, which says nothing about its
 * result. `failure` has what failed in both shapes that ONTAP reports it in.
 */
export type JobStatus =
  | { readonly uuid: string; readonly state: 'queued' | 'running' | 'paused'; readonly message?: string | undefined }
  | { readonly uuid: string; readonly state: 'success'; readonly message?: string | undefined }
  | {
      readonly uuid: string;
      readonly state: 'failure';
      readonly message?: string | undefined;
      readonly code?: string | undefined;
      readonly error: OntapError;
    }
  | { readonly uuid: string; readonly state: 'gone'; readonly message?: undefined };

/** `gone` only when looking showed that the change was made. */
export type EndedJob = Extract<JobStatus, { readonly state: 'success' | 'gone' }>;

/** Options of `waitForJob`. */
export interface WaitForJobOptions extends RequestOptions, LookOptions {
  /** Called with every state that was read. */
  readonly onPoll?: ((job: JobStatus) => void) | undefined;
  /** How many reads in a row may fail for want of an answer. Default: 5. */
  readonly toleratedFailures?: number | undefined;
}

const FIRST_POLL_MS = 250;
const SLOWEST_POLL_MS = 10_000;
/** A fresh job may not be visible at once. */
const VISIBLE_WITHIN_MS = 3_000;

/** One read of a job. */
export async function jobStatus(connection: Connection, uuid: string, options: RequestOptions): Promise<JobStatus> {
  return read(connection, jobCall('read', uuid, options));
}

/** Jobs named in one query; more than this would make the URL too long for some servers. */
const JOBS_PER_QUERY = 100;

/** Many jobs in few reads. Those whose records are gone are left out. */
export async function* jobStatuses(
  connection: Connection,
  uuids: readonly string[],
  options: RequestOptions,
): AsyncGenerator<JobStatus, void, undefined> {
  const { signal, deadline, timeoutMs, attempted = 'read jobs', object } = options;
  for (let at = 0; at < uuids.length; at += JOBS_PER_QUERY) {
    const [one, ...others] = uuids.slice(at, at + JOBS_PER_QUERY);
    if (one === undefined) return;
    const query = { uuid: anyOf(one, ...others), fields: ['*'] };
    const call: Call = {
      method: 'get',
      template: '/cluster/jobs',
      query,
      signal,
      deadline,
      timeoutMs,
      attempted,
      object,
    };
    const facts = connection.facts(call);
    for await (const record of records(connection, call)) {
      const parsed = jobEnvelope.safeParse(record);
      if (!parsed.success || parsed.data.uuid === undefined || parsed.data.state === undefined)
        throw badResponse(facts, 'a record is not a job', 200, record);
      yield statusOf(facts, parsed.data.uuid, parsed.data);
    }
  }
}

/** @throws OntapError when the job failed, or its outcome cannot be told */
export async function waitForJob(connection: Connection, uuid: string, options: WaitForJobOptions): Promise<EndedJob> {
  const { clock } = connection.env;
  const { toleratedFailures = 5 } = options;
  const call = { ...jobCall('wait for', uuid, options), attempts: 1 };
  const facts = connection.facts(call);
  const startedAt = clock.now();
  let seen = false;
  let failures = 0;
  const ended = await growingWaits(
    connection.env,
    {
      signal: options.signal,
      deadline: options.deadline,
      attempted: facts.attempted,
      firstMs: FIRST_POLL_MS,
      capMs: SLOWEST_POLL_MS,
      waitFirst: true,
    },
    async (signal): Promise<Exclude<JobStatus, { state: 'queued' | 'running' | 'paused' }> | undefined> => {
      try {
        const job = await read(connection, { ...call, signal });
        failures = 0;
        options.onPoll?.(job);
        seen ||= job.state !== 'gone';
        if (job.state === 'success' || job.state === 'failure') return job;
        const mayAppear = !seen && clock.now() - startedAt < VISIBLE_WITHIN_MS;
        return job.state === 'gone' && !mayAppear ? job : undefined;
      } catch (error) {
        failures += 1;
        if (!(error instanceof OntapError) || !error.retryable || failures > toleratedFailures) throw error;
        await clock.sleep(retryAfterOf(error) ?? 0, signal);
        return undefined;
      }
    },
  );
  if (ended.state === 'failure') throw ended.error;
  if (ended.state === 'success') return ended;
  const lost = outcomeUnknown(facts, 'the record of the job is gone, and with it its result');
  await settleByLooking(connection, facts, options, options, lost, () => goneWithoutEffect(facts, uuid));
  return ended;
}

function jobCall(verb: string, uuid: string, options: RequestOptions): Call {
  // Jobs belong to the cluster: read without tunnelling into an SVM.
  const { signal, deadline, timeoutMs, attempted, object = uuid } = options;
  // `*`, because naming `error` is refused by releases that do not know the field.
  const target = { method: 'get', template: '/cluster/jobs/{uuid}', path: { uuid }, query: { fields: ['*'] } } as const;
  return { ...target, signal, deadline, timeoutMs, attempted: attempted ?? `${verb} job ${uuid}`, object };
}

async function read(connection: Connection, call: Call): Promise<JobStatus> {
  const uuid = String(call.path?.['uuid']);
  const facts = connection.facts(call);
  try {
    const { status, body } = await connection.send(call);
    const parsed = jobEnvelope.safeParse(body);
    if (!parsed.success || parsed.data.state === undefined)
      throw badResponse(facts, 'the answer is not a job', status, body);
    return statusOf(facts, uuid, parsed.data);
  } catch (error) {
    if (error instanceof OntapError && error.code === 'ONTAP_NOT_FOUND') return { uuid, state: 'gone' };
    throw error;
  }
}

function statusOf(facts: CallFacts, uuid: string, job: JobEnvelope): JobStatus {
  const { state, message } = job;
  if (hasFailed(job)) {
    const error = jobFailure(facts, { ...job, uuid });
    return { uuid, state: 'failure', message: error.ontapMessage, code: error.ontapCode, error };
  }
  if (state === 'success') return { uuid, state, message };
  return { uuid, state: state === 'queued' || state === 'paused' ? state : 'running', message };
}

function goneWithoutEffect(facts: CallFacts, uuid: string): OntapError {
  return jobFailure(facts, { uuid, message: 'its record is gone, and looking showed that the change was not made' });
}
