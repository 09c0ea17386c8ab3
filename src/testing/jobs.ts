/** ONTAP's asynchronous jobs (rest-facts section 1, Job; addendum section 2). */
import { VolumeModelError } from '../errors.ts';
import { type Later, later } from './later.ts';
import type { Physics } from './physics.ts';
import { Refusal } from './refusals.ts';
import type { Switches } from './switches.ts';

export type JobState = 'queued' | 'running' | 'paused' | 'success' | 'failure';

export interface JobError {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  readonly target?: string | undefined;
}

/** What a job fails with when its work was refused. */
export function jobError(error: unknown, switches: Switches): JobError {
  const refusal =
    error instanceof VolumeModelError ? new Refusal('volumeOperationFailed', { reason: error.message }) : error;
  if (!(refusal instanceof Refusal)) throw refusal;
  const { code, message, target } = refusal;
  return { code, message, target, status: refusal.status(switches) };
}

export class Job {
  readonly uuid: string;
  /** `PATCH /api/snapmirror/relationships/...` */
  readonly description: string;
  readonly startedAt: number;
  /** Name of the SVM that it is seen in; absent for jobs of the cluster. */
  readonly svm: string | undefined;
  state: JobState = 'running';
  message = '';
  error: JobError | undefined;
  /** The record that it has made. */
  made: object | undefined;
  endedAt: number | undefined;
  private unfinished = false;
  private readonly whenEnded: Later[] = [];
  /** Requests that wait for the end: no part of the world. */
  private readonly watchers = new Set<() => void>();
  static readonly notSaved = { watchers: () => new Set() };

  constructor(facts: { uuid: string; description: string; startedAt: number; svm?: string | undefined }) {
    this.uuid = facts.uuid;
    this.description = facts.description;
    this.startedAt = facts.startedAt;
    this.svm = facts.svm;
  }

  get ended(): boolean {
    return this.endedAt !== undefined;
  }

  /** Calls `then` when the job ends, at once if it has. */
  onEnd(then: Later): void {
    if (this.ended) then();
    else this.whenEnded.push(then);
  }

  /** Calls `watcher` when the job ends, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** For work that is not over when it has been started: somebody will end the job later. */
  goOn(): void {
    this.unfinished = true;
  }

  /** Ends the job well if nobody said that it goes on. */
  workDone(now: number): void {
    if (!this.unfinished) this.succeed(now);
  }

  succeed(now: number): void {
    this.endAs(now, 'success', 'success');
  }

  fail(now: number, error: JobError): void {
    this.error = error;
    this.endAs(now, 'failure', error.message);
  }

  private endAs(now: number, state: JobState, message: string): void {
    if (this.ended) return;
    this.state = state;
    this.message = message;
    this.endedAt = now;
    for (const then of this.whenEnded.splice(0)) then();
    for (const watcher of this.watchers) watcher();
  }
}

/** A job's record is gone this long after its end: GET answers code 4. */
export const JOB_KEPT_MS = 300_000;

export interface JobPlan {
  readonly description: string;
  readonly svm?: string | undefined;
  /** Does the work when the job's time has come; refusals that it throws become the job's failure. */
  readonly run: Later<[job: Job]>;
}

/** What a scripted fault does to the next job. */
export interface JobFault {
  readonly code?: string;
  readonly message?: string;
  /** The work is done although the job fails. */
  readonly afterEffect?: boolean;
  /** It ends so much later than it would have. */
  readonly lateMs?: number;
  /** The record is gone as soon as the job has ended. */
  readonly vanishes?: boolean;
}

/** What PATCH can do to a job. */
export type Steering = 'cancel' | 'pause' | 'resume';

/** A job whose work has not begun. */
interface PendingJob {
  readonly job: Job;
  readonly plan: JobPlan;
  readonly fault: JobFault | undefined;
  /** What is left until then, when it is paused. */
  readonly afterMs: number;
  readonly dueAt?: number;
  readonly cancel?: () => void;
}

/** The jobs of one cluster. */
export class Jobs {
  private readonly byUuid = new Map<string, Job>();
  private readonly pending = new Map<Job, PendingJob>();
  private readonly physics: Physics;

  constructor(physics: Physics) {
    this.physics = physics;
  }

  all(): Job[] {
    return [...this.byUuid.values()];
  }

  get(uuid: string): Job | undefined {
    return this.byUuid.get(uuid);
  }

  /** Starts a job whose work is done `afterMs` from now. */
  start(plan: JobPlan, afterMs: number, fault: JobFault | undefined): Job {
    const { description, svm } = plan;
    const { timeline, random } = this.physics;
    const job = new Job({ uuid: random.uuid(), description, startedAt: timeline.now, svm });
    this.byUuid.set(job.uuid, job);
    job.onEnd(purged({ jobs: this, job, afterMs: fault?.vanishes ? 0 : JOB_KEPT_MS }));
    this.plan({ job, plan, fault, afterMs: afterMs + (fault?.lateMs ?? 0) });
    return job;
  }

  private plan(pending: PendingJob): void {
    const { job, plan, fault, afterMs } = pending;
    const { timeline } = this.physics;
    const cancel = timeline.after(afterMs, running({ jobs: this, job, plan, fault }));
    this.pending.set(job, { ...pending, dueAt: timeline.now + afterMs, cancel });
  }

  /**
   * Cancels, pauses or resumes a job whose work has not begun: nothing was done yet, and when it is resumed it takes the time
   * that it still had to go. Returns false when it cannot be done.
   */
  steer(job: Job, action: Steering): boolean {
    const pending = this.pending.get(job);
    const { timeline, switches } = this.physics;
    const fits = action === 'resume' ? job.state === 'paused' : action === 'cancel' || job.state === 'running';
    if (!pending || job.ended || !fits) return false;
    pending.cancel?.();
    if (action === 'pause') {
      job.state = 'paused';
      this.pending.set(job, { ...pending, afterMs: (pending.dueAt ?? timeline.now) - timeline.now });
    } else if (action === 'resume') {
      job.state = 'running';
      this.plan(pending);
    } else {
      this.pending.delete(job);
      job.fail(timeline.now, jobError(new Refusal('jobCancelled'), switches));
    }
    return true;
  }

  /** The job's time has come. */
  run(job: Job, plan: JobPlan, fault: JobFault | undefined): void {
    this.pending.delete(job);
    const scripted: JobError | undefined =
      fault?.code === undefined
        ? undefined
        : { code: fault.code, message: fault.message ?? 'scripted failure', status: 500 };
    if (scripted && !fault?.afterEffect) {
      job.fail(this.physics.timeline.now, scripted);
      return;
    }
    try {
      plan.run(job);
      if (scripted) job.fail(this.physics.timeline.now, scripted);
      else job.workDone(this.physics.timeline.now);
    } catch (refusal) {
      job.fail(this.physics.timeline.now, jobError(refusal, this.physics.switches));
    }
  }

  purge(job: Job, afterMs: number): void {
    if (afterMs === 0) this.byUuid.delete(job.uuid);
    else this.physics.timeline.after(afterMs, purged({ jobs: this, job, afterMs: 0 }));
  }
}

interface OfJobs {
  readonly jobs: Jobs;
  readonly job: Job;
}

const running = later(
  'job: run',
  ({ jobs, job, plan, fault }: OfJobs & { readonly plan: JobPlan; readonly fault: JobFault | undefined }) =>
    jobs.run(job, plan, fault),
);

const purged = later('job: purge', ({ jobs, job, afterMs }: OfJobs & { readonly afterMs: number }) =>
  jobs.purge(job, afterMs),
);
