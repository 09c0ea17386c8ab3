/** /cluster, its nodes, jobs and schedules. */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import type { Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { durationSeconds, durationText, timeText } from '../http/time-text.ts';
import type { Job, Steering } from '../jobs.ts';
import { Refusal, within } from '../refusals.ts';
import { type CronSpec, type IntervalSpec, Schedule } from '../snapmirror/schedules.ts';
import * as fields from './rest-fields.ts';

export const clusterResource: Resource<ClusterState> = {
  path: '/cluster',
  single: true,
  schema: schema(fields.CLUSTER),
  keys: ['uuid', 'name'],
  records: ({ cluster }) => [cluster],
  key: ({ uuid }) => uuid,
  view: ({ name, uuid, version }) => ({ name, uuid, version }),
};

export const nodeResource: Resource<ClusterState['nodes'][number]> = {
  path: '/cluster/nodes',
  schema: schema(`${fields.NODE} is_all_flash_optimized? is_all_flash_select_optimized?`),
  keys: ['uuid', 'name'],
  clusterOnly: () => true,
  records: ({ cluster }) => cluster.nodes,
  key: ({ uuid }) => uuid,
  view: ({ name, uuid }, { cluster: { version } }) => ({
    uuid,
    name,
    model: 'SIMBOX',
    state: 'up',
    membership: 'member',
    is_all_flash_optimized: true,
    is_all_flash_select_optimized: false,
    version,
  }),
};

const STEERINGS: readonly string[] = ['cancel', 'pause', 'resume'] satisfies Steering[];

/** States: running, paused, success, failure. `code` is an integer, `error.code` text; the older shape has no `error`. */
export const jobResource: Resource<Job> = {
  path: '/cluster/jobs',
  schema: schema(fields.JOB),
  keys: ['uuid'],
  arguments: { PATCH: ['action'] },
  patchable: [],
  patch: ({ cluster, arguments: query }, job) => {
    const action = query.get('action') ?? '';
    if (!STEERINGS.includes(action))
      throw new Refusal('invalidValue', { value: action, name: 'action', expected: `<${STEERINGS.join('|')}>` });
    if (!cluster.jobs.steer(job, action as Steering))
      throw new Refusal('jobNotSteerable', { action, state: job.state });
    return { done: true };
  },
  records: ({ cluster, svm }) => cluster.jobs.all().filter((job) => svm === undefined || job.svm === svm.name),
  find: ({ cluster, svm }, key) => {
    const job = cluster.jobs.get(key);
    return job && (svm === undefined || job.svm === svm.name) ? job : undefined;
  },
  key: ({ uuid }) => uuid,
  view: (job, { cluster }) => {
    const svm = job.svm === undefined ? undefined : cluster.svmNamed(job.svm);
    const { error } = job;
    return {
      uuid: job.uuid,
      description: job.description,
      state: job.state,
      message: job.message,
      code: error === undefined ? 0 : Number(error.code),
      start_time: timeText(job.startedAt),
      ...(job.endedAt === undefined ? {} : { end_time: timeText(job.endedAt) }),
      ...(error && cluster.physics.switches.jobFailureShape === 'new'
        ? { error: { message: error.message, code: error.code } }
        : {}),
      node: { name: cluster.firstNode },
      ...(svm ? { svm: { name: svm.name, uuid: svm.uuid } } : {}),
    };
  },
};

export const scheduleResource: Resource<Schedule> = {
  path: '/cluster/schedules',
  clusterOnly: ({ description }) => !description.startsWith('GET'),
  schema: schema(fields.SCHEDULE),
  keys: ['uuid', 'name'],
  patchable: ['cron', 'interval'],
  records: ({ cluster }) => cluster.schedules,
  key: ({ uuid }) => uuid,
  view: ({ uuid, name, type, when }, { cluster }) => ({
    uuid,
    name,
    type,
    scope: 'cluster',
    ...('everyMs' in when ? { interval: durationText(when.everyMs / 1000) } : { cron: when }),
    cluster: { name: cluster.name, uuid: cluster.uuid },
  }),

  post({ cluster }, body) {
    body.require('name');
    const name = body.text('name') ?? '';
    const when = whenOf(cluster, body);
    if (cluster.scheduleNamed(name)) throw new Refusal('duplicateEntry');
    const schedule = new Schedule(cluster.physics.random.uuid(), name, when);
    cluster.schedules.push(schedule);
    return { done: true, record: schedule, location: `/cluster/schedules/${schedule.uuid}` };
  },

  /** The parts of a cron that are left out become "every"; its kind stays. */
  patch({ cluster, snapmirror }, schedule, body) {
    const given = (['cron', 'interval'] as const).find((name) => body.has(name));
    if (given !== undefined && given !== schedule.type) throw new Refusal('fieldNotPatchable', { name: given });
    schedule.when = whenOf(cluster, body);
    for (const relationship of snapmirror.relationships) {
      if (relationship.effectiveScheduleName === schedule.name) snapmirror.scheduleNext(relationship);
    }
    for (const policy of cluster.snapshotPolicies) {
      if (policy.copies.some((copy) => copy.schedule === schedule)) policy.plan();
    }
    return { done: true };
  },

  remove({ cluster, snapmirror }, schedule) {
    const used = snapmirror.relationships.some(
      (known) =>
        known.destination.cluster === cluster &&
        known.existsAtDestination &&
        known.effectiveScheduleName === schedule.name,
    );
    const named = cluster.snapshotPolicies.some(({ copies }) => copies.some((copy) => copy.schedule === schedule));
    if (used || named) throw new Refusal('scheduleInUse', { schedule: schedule.name });
    cluster.schedules.splice(cluster.schedules.indexOf(schedule), 1);
    return { done: true };
  },
};

/** By cron or by interval, not by both. */
function whenOf(cluster: ClusterState, body: Body): CronSpec | IntervalSpec {
  const interval = body.text('interval');
  if (interval === undefined) {
    if (!body.has('cron.minutes')) throw new Refusal('requiredMissing', { name: 'cron.minutes' });
    return cronOf(body);
  }
  if (body.has('cron')) throw new Refusal('scheduleKindsConflict', { first: 'cron', second: 'interval' });
  const seconds = durationSeconds(interval);
  if (!seconds) throw new Refusal('invalidValue', { value: interval, name: 'interval', expected: '<duration>' });
  return { everyMs: 1000 * seconds, since: cluster.physics.timeline.now };
}

function cronOf(body: Body): CronSpec {
  const parts = Object.entries(CRON_BOUNDS).filter(([key]) => body.has(`cron.${key}`));
  return Object.fromEntries(
    parts.map(([key, bounds]) => {
      const name = `cron.${key}`;
      return [key, body.texts(name).map((text) => within(Number(text), name, bounds))];
    }),
  );
}

const CRON_BOUNDS = {
  minutes: [0, 59],
  hours: [0, 23],
  days: [1, 31],
  months: [1, 12],
  weekdays: [0, 6],
} as const satisfies Record<keyof CronSpec, readonly [number, number]>;
