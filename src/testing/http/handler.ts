/**
 * From a request to its answer: ONTAP's conventions for every resource alike (rest-facts section 1; addendum sections 1,
 * 2, 5 and 7). What a request means for an object is the resource's business.
 */
import { VolumeModelError } from '../../errors.ts';
import type { Work } from '../clock.ts';
import type { ClusterState } from '../cluster-state.ts';
import { contentRefusal } from '../content-refusal.ts';
import type { Job, JobFault } from '../jobs.ts';
import { Refusal } from '../refusals.ts';
import type { SnapMirror } from '../snapmirror/snapmirror.ts';
import type { Svm } from '../svm.ts';
import { type Caller, callerOf, isPermitted } from './auth.ts';
import { Body } from './body.ts';
import { type Selection, selection } from './fields.ts';
import { type JsonTree, valuesAt } from './json-tree.ts';
import type { SimRequest, SimResponse } from './message.ts';
import { downloadOf, isMultipart, uploadOf } from './multipart.ts';
import { Arguments, type Comparable, compare, fieldTest, fromRecord } from './query.ts';
import type { Outcome, RequestContext, Resource } from './resource.ts';
import { type Route, route } from './router.ts';

// biome-ignore lint/suspicious/noExplicitAny: the record's type stays within its resource
type AnyResource = Resource<any>;
type Answer = {
  readonly status: number;
  readonly json?: JsonTree;
  readonly text?: string;
  readonly headers?: Record<string, string>;
};

/** Scripted trouble that reaches into the meaning of a request. */
export interface Disturbance {
  readonly staleMs?: number | undefined;
  readonly jobFault?: JobFault | undefined;
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const COLLECTION_CHANGE_TIMEOUT_SECONDS = 15;

/** Who answers. */
export interface Answerer {
  readonly cluster: ClusterState;
  readonly snapmirror: SnapMirror;
  readonly resources: readonly AnyResource[];
}

export async function answer(
  answerer: Answerer,
  request: SimRequest,
  work: Work,
  disturbance: Disturbance = {},
): Promise<SimResponse> {
  const hal = contentType(request) === HAL;
  try {
    const result = await new Exchange(answerer, request, work, hal, disturbance).run();
    return respond(result, hal, request.method);
  } catch (error) {
    return respond(refusedAnswer(answerer.cluster, refusalOf(error)), hal, request.method);
  }
}

/** Also of what the content of a volume cannot do. Anything else is a fault of the simulator, and thrown on. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof VolumeModelError) return contentRefusal(error);
  if (error instanceof Refusal) return error;
  throw error;
}

const HAL = 'application/hal+json';

/** Anything but application/json is asked for with all links. */
export function contentType({ headers }: SimRequest): string {
  const [first = ''] = headers['accept']?.split(/[,;]/) ?? [];
  return first.trim() === 'application/json' ? 'application/json' : HAL;
}

function refusedAnswer(cluster: ClusterState, refusal: Refusal): Answer {
  const { retryAfterSeconds } = refusal.row;
  return {
    status: refusal.status(cluster.physics.switches),
    json: refusal.envelope(),
    ...(retryAfterSeconds === undefined ? {} : { headers: { 'retry-after': String(retryAfterSeconds) } }),
  };
}

function respond({ status, json, text, headers }: Answer, hal: boolean, method: string): SimResponse {
  const whole = text ?? (json === undefined ? '' : JSON.stringify(json));
  const body = method === 'HEAD' ? '' : whole;
  const type = hal ? HAL : 'application/json';
  return { status, headers: { 'content-type': type, ...headers }, body };
}

/** One request and its answer. */
class Exchange {
  readonly #cluster: ClusterState;
  readonly #request: SimRequest;
  readonly #work: Work;
  readonly #hal: boolean;
  readonly #answerer: Answerer;
  readonly #disturbance: Disturbance;

  constructor(answerer: Answerer, request: SimRequest, work: Work, hal: boolean, disturbance: Disturbance) {
    this.#answerer = answerer;
    this.#cluster = answerer.cluster;
    this.#request = request;
    this.#work = work;
    this.#hal = hal;
    this.#disturbance = disturbance;
  }

  async run(): Promise<Answer> {
    const { method, path, query, headers, body } = this.#request;
    const caller = callerOf(this.#cluster, this.#request);
    const target = route(this.#answerer.resources, path);
    const query_ = new Arguments(query);
    const context = this.#contextFor(caller, target, query_, headers);
    const allowed = allowedMethods(target);
    if (method === 'OPTIONS') return { status: 200, headers: { allow: allowed.join(', ') } };
    if (!allowed.includes(method)) throw new Refusal('methodUnsupported');
    if (target.resource.clusterOnly?.(context) && context.svm) throw new Refusal('clusterOnly');
    const reads = READS.has(method);
    if (!isPermitted(caller.user, method, target.path)) throw new Refusal('notAuthorized');
    if ((reads || method === 'DELETE') && body !== undefined && body.trim() !== '') {
      throw new Refusal('bodyNotAllowed', { method });
    }
    if (reads && target.resource.bytes && isMultipart(headers['accept'])) {
      const { type, body: text } = downloadOf(target.resource.bytes(context));
      return { status: 200, headers: { 'content-type': type }, text };
    }
    if (reads) {
      const hangMs = target.resource.hangMs?.(context) ?? 0;
      if (hangMs > 0) await this.#work.sleep(hangMs);
      return target.key === undefined ? this.#getCollection(target, context) : this.#getInstance(target, context);
    }
    if (method === 'POST') return this.#post(target, context);
    const one = target.key !== undefined || target.resource.itself !== undefined;
    return one ? this.#changeInstance(target, context) : this.#changeCollection(target, context);
  }

  #contextFor(caller: Caller, target: Route, query: Arguments, headers: SimRequest['headers']): RequestContext {
    const name = headers['x-dot-svm-name'];
    const uuid = headers['x-dot-svm-uuid'];
    let svm: Svm | undefined = caller.svm;
    const tunnelled = name !== undefined || uuid !== undefined;
    if (tunnelled) {
      if (caller.svm) throw new Refusal('svmUserMayNotTunnel');
      svm = this.#cluster.svms.find(
        (known) => (name === undefined || known.name === name) && (uuid ?? known.uuid) === known.uuid,
      );
      if (!svm) throw new Refusal('tunnelSvmUnknown', { svm: name ?? uuid ?? '' });
    }
    return {
      cluster: this.#cluster,
      snapmirror: this.#answerer.snapmirror,
      user: caller.user,
      svm,
      tunnelled,
      upload: target.resource.bytes ? uploadOf(this.#request) : undefined,
      arguments: query,
      path: target.parameters,
      description: `${this.#request.method} /api${target.path}`,
      staleMs: READS.has(this.#request.method) ? (this.#disturbance.staleMs ?? 0) : 0,
      jobFault: this.#disturbance.jobFault,
    };
  }

  // ---- reads

  #getInstance({ resource, key = '' }: Route, context: RequestContext): Answer {
    context.arguments.fieldTests(new Map(), resource.arguments?.['GET'] ?? []);
    const select = this.#selection(resource, context, true);
    const found = candidateOf(resource, this.#found(resource, context, key), context);
    return { status: 200, json: this.#presented(resource, found, context, select) };
  }

  #getCollection({ resource, path }: Route, context: RequestContext): Answer {
    const query = context.arguments;
    const tests = query.fieldTests(resource.schema.fields, resource.arguments?.['GET'] ?? []);
    const select = this.#selection(resource, context, resource.single === true);
    if (resource.single) {
      const only = candidateOf(resource, resource.records(context)[0], context);
      return { status: 200, json: this.#presented(resource, only, context, select) };
    }
    const limit = query.integer('max_records', Number.MAX_SAFE_INTEGER, [1, Number.MAX_SAFE_INTEGER]);
    query.integer('return_timeout', COLLECTION_CHANGE_TIMEOUT_SECONDS, [0, 120]);
    const wantsRecords = query.boolean('return_records', true);

    const matching = ordered(resource, this.#matching(resource, context, tests), query);
    const start = startOf(resource, matching, query);
    const page = matching.slice(start, start + limit);
    const full = page.length === limit && this.#cluster.physics.switches.emptyLastPage === 'when-full';
    const next =
      start + page.length < matching.length || full ? nextHref(resource, path, query, page, start) : undefined;

    const links = {
      ...(this.#hal
        ? { self: { href: `/api${path}${this.#request.query === '' ? '' : `?${this.#request.query}`}` } }
        : {}),
      ...(next === undefined ? {} : { next: { href: next } }),
    };
    return {
      status: 200,
      json: {
        ...(wantsRecords
          ? { records: page.map((candidate) => this.#presented(resource, candidate, context, select)) }
          : {}),
        num_records: page.length,
        ...(Object.keys(links).length === 0 ? {} : { _links: links }),
      },
      ...(next === undefined ? {} : { headers: { link: `<${next}>; rel="next"` } }),
    };
  }

  #selection(resource: AnyResource, context: RequestContext, instance: boolean): Selection {
    const ignoreUnknown = context.arguments.boolean('ignore_unknown_fields', false);
    return selection(resource, context.arguments.get('fields'), { instance, ignoreUnknown });
  }

  #found(resource: AnyResource, context: RequestContext, key: string): unknown {
    const record = resource.find
      ? resource.find(context, key)
      : resource.records(context).find((candidate) => resource.key(candidate) === key);
    if (record === undefined) {
      throw new Refusal('entryMissing', { target: keyName(resource) });
    }
    return record;
  }

  #matching(resource: AnyResource, context: RequestContext, tests: ReturnType<Arguments['fieldTests']>): Candidate[] {
    const compiled = tests.map(([field, text]) => ({ name: field.name, test: fieldTest(field, text) }));
    return resource
      .records(context)
      .map((record) => candidateOf(resource, record, context))
      .filter((candidate) => compiled.every(({ name, test }) => test(candidate.values(name))));
  }

  #presented(resource: AnyResource, candidate: Candidate, context: RequestContext, select: Selection): JsonTree {
    const selected = select(candidate.view);
    if (!this.#hal) return selected;
    const href = resource.href?.(candidate.record, context) ?? instancePath(resource, candidate.key, context.path);
    return { ...selected, _links: { self: { href: `/api${href}` } } };
  }

  // ---- changes

  async #post({ resource, path }: Route, context: RequestContext): Promise<Answer> {
    const query = context.arguments;
    const tests = query.fieldTests(resource.schema.fields, resource.arguments?.['POST'] ?? []);
    if (tests[0]) throw new Refusal('queryOnPost', { name: tests[0][0].name });
    const timeoutMs = 1000 * query.integer('return_timeout', 0, [0, 120]);
    const body = Body.parse(context.upload ? undefined : this.#request.body, {
      schema: resource.schema,
      operation: 'POST',
      settable: resource.postable,
      valuesLeftToResource: resource.valuesLeftToResource,
    });
    const outcome = this.#outcome(context, () => resource.post?.(context, body) ?? { done: true });
    if (!outcome.done) await this.#jobEnd(outcome.job, timeoutMs);
    const location = outcome.location === undefined ? {} : { location: `/api${outcome.location}` };
    if (!outcome.done && (!outcome.job.ended || timeoutMs === 0)) {
      return { status: 202, json: { job: jobLink(outcome.job) }, headers: location };
    }
    if (!outcome.done && outcome.job.error) return failedJobAnswer(outcome.job);
    const record = outcome.done ? outcome.record : outcome.record?.();
    const records =
      record !== undefined && query.boolean('return_records', false)
        ? {
            num_records: 1,
            records: [
              this.#presented(
                resource,
                candidateOf(resource, record, context),
                context,
                selection(resource, undefined, INSTANCE),
              ),
            ],
          }
        : {};
    const once = outcome.done && outcome.once ? { num_records: 1, records: [outcome.once] } : {};
    const self = location.location ?? `/api${path}`;
    return {
      status: 201,
      json: { ...(outcome.done ? {} : { job: jobLink(outcome.job) }), ...records, ...once },
      headers: { location: self },
    };
  }

  async #changeInstance({ resource, key = '' }: Route, context: RequestContext): Promise<Answer> {
    const { method } = this.#request;
    context.arguments.fieldTests(new Map(), resource.arguments?.[method as 'PATCH'] ?? []);
    const timeoutMs = 1000 * context.arguments.integer('return_timeout', 0, [0, 120]);
    const change = this.#changeOf(resource, context);
    let shown: () => JsonTree = () => ({});
    const outcome = this.#outcome(context, () => {
      const record = resource.itself ? resource.itself(context) : this.#found(resource, context, key);
      const show = this.#showsChanged(resource, record, context);
      shown = () => returned(show());
      return change(record);
    });
    if (outcome.done) return { status: 200, json: shown() };
    await this.#jobEnd(outcome.job, timeoutMs);
    if (!outcome.job.ended || timeoutMs === 0) {
      const headers = { location: `/api${instancePath(resource, key, context.path)}` };
      return { status: 202, json: { job: jobLink(outcome.job) }, headers };
    }
    if (outcome.job.error) return failedJobAnswer(outcome.job);
    return { status: 200, json: { job: jobLink(outcome.job), ...shown() } };
  }

  /** With return_records: the record as it is after a PATCH, as it was before a DELETE. */
  #showsChanged(resource: AnyResource, record: unknown, context: RequestContext): () => JsonTree[] {
    if (!context.arguments.boolean('return_records', false)) return () => [];
    const show = () => {
      const candidate = candidateOf(resource, record, context);
      return [this.#presented(resource, candidate, context, selection(resource, undefined, INSTANCE))];
    };
    if (this.#request.method === 'PATCH') return show;
    const before = show();
    return () => before;
  }

  /** PATCH and DELETE by query: record after record, each finished before the next, within the time (addendum C11). */
  async #changeCollection({ resource, path }: Route, context: RequestContext): Promise<Answer> {
    const { method, query: raw } = this.#request;
    const query = context.arguments;
    const tests = query.fieldTests(resource.schema.fields, resource.arguments?.[method as 'PATCH'] ?? []);
    if (tests.length === 0) throw new Refusal('collectionChangeNeedsQuery');
    const timeoutMs = 1000 * query.integer('return_timeout', COLLECTION_CHANGE_TIMEOUT_SECONDS, [0, 120]);
    const goesOn = query.boolean('continue_on_failure', false);
    const change = this.#changeOf(resource, context);
    const deadline = this.#cluster.physics.clock.now() + timeoutMs;
    const jobs: Job[] = [];
    const shown: JsonTree[] = [];
    let changed = 0;
    let failure: Answer | undefined;
    const matching = this.#matching(resource, context, tests);
    for (const [index, { record }] of matching.entries()) {
      if (index > 0 && this.#cluster.physics.clock.now() >= deadline) {
        const next = { next: { href: `/api${path}?${raw}` } };
        return { status: 200, json: { num_records: changed, _links: next, ...(failure?.json ?? {}) } };
      }
      try {
        const show = this.#showsChanged(resource, record, context);
        const outcome = this.#outcome(context, () => change(record));
        if (!outcome.done) {
          await this.#jobEnd(outcome.job, deadline - this.#cluster.physics.clock.now());
          if (outcome.job.error) failure = failedJobAnswer(outcome.job);
          else if (!outcome.job.ended) jobs.push(outcome.job);
        }
        if (outcome.done || !outcome.job.error) changed++;
        if (outcome.done || (outcome.job.ended && !outcome.job.error)) shown.push(...show());
      } catch (error) {
        failure = refusedAnswer(this.#cluster, refusalOf(error));
      }
      if (failure && !goesOn) break;
    }
    const done = { num_records: changed, ...(shown.length === 0 ? {} : { records: shown }) };
    if (failure) return { ...failure, json: { ...done, ...failure.json } };
    if (jobs.length === 0) return { status: 200, json: done };
    return { status: 202, json: { jobs: jobs.map(jobLink), ...done } };
  }

  #changeOf(resource: AnyResource, context: RequestContext): (record: unknown) => Outcome<unknown> {
    if (this.#request.method === 'DELETE') return (record) => resource.remove?.(context, record) ?? { done: true };
    const body = Body.parse(context.upload ? undefined : this.#request.body, {
      schema: resource.schema,
      operation: 'PATCH',
      settable: resource.patchable,
      valuesLeftToResource: resource.valuesLeftToResource,
    });
    return (record) => resource.patch?.(context, record, body) ?? { done: true };
  }

  /** Refusals that belong into a job become one; the others are the answer. */
  #outcome(context: RequestContext, change: () => Outcome<unknown>): Outcome<unknown> {
    try {
      return change();
    } catch (error) {
      const refusal = refusalOf(error);
      if (!refusal.inJob(this.#cluster.physics.switches)) throw refusal;
      return { done: false, job: this.#cluster.startFailingJob(context, refusal) };
    }
  }

  /** Waits until the job has ended, at most so long, sleeping from one event of the world to the next. */
  async #jobEnd(job: Job, timeoutMs: number): Promise<void> {
    const { physics } = this.#cluster;
    const deadline = physics.clock.now() + timeoutMs;
    for (let now = physics.clock.now(); !job.ended && now < deadline; now = physics.clock.now()) {
      const nap = new AbortController();
      const wake = () => nap.abort();
      const unwatch = [physics.timeline.watch(wake), job.watch(wake)];
      const next = Math.min(deadline, physics.timeline.next ?? deadline);
      await this.#work.sleep(next - now, nap.signal).catch(() => {});
      for (const stop of unwatch) stop();
      physics.settle();
    }
  }
}

function returned(records: readonly JsonTree[]): JsonTree {
  return records.length === 0 ? {} : { num_records: records.length, records };
}

const INSTANCE = { instance: true, ignoreUnknown: false };

/** A record that may be answered. Its view is made only when a value is wanted that the resource cannot give at once. */
class Candidate {
  readonly record: unknown;
  readonly key: string;
  readonly #resource: AnyResource;
  readonly #context: RequestContext;
  #view: JsonTree | undefined;

  constructor(resource: AnyResource, record: unknown, context: RequestContext) {
    this.record = record;
    this.key = resource.key(record);
    this.#resource = resource;
    this.#context = context;
  }

  get view(): JsonTree {
    this.#view ??= this.#resource.view(this.record, this.#context);
    return this.#view;
  }

  /** Every value that the record has for a field. */
  values(name: string): readonly unknown[] {
    const quick = this.#view === undefined ? this.#resource.quick?.(this.record, name, this.#context) : undefined;
    return quick ?? valuesAt(this.view, name);
  }
}

function candidateOf(resource: AnyResource, record: unknown, context: RequestContext): Candidate {
  return new Candidate(resource, record, context);
}

function allowedMethods({ resource, key }: Route): string[] {
  const onRecord = key !== undefined;
  return [
    ...(resource.postOnly ? [] : ['GET', 'HEAD']),
    'OPTIONS',
    ...(resource.post && !onRecord ? ['POST'] : []),
    ...(resource.patch ? ['PATCH'] : []),
    ...(resource.remove ? ['DELETE'] : []),
  ];
}

function instancePath(resource: AnyResource, key: string, parameters: Readonly<Record<string, string>>): string {
  const path = resource.path.replace(/\{([^}]+)\}/g, (_, name: string) => parameters[name] ?? '');
  return resource.single ? path : `${path}/${key}`;
}

function jobLink(job: Job): JsonTree {
  return { uuid: job.uuid, _links: { self: { href: `/api/cluster/jobs/${job.uuid}` } } };
}

function failedJobAnswer({ error }: Job): Answer {
  const { code = '', message = '', status = 500, target } = error ?? {};
  return { status, json: { error: { code, message, ...(target === undefined ? {} : { target }) } } };
}

// ---- order and pages

/** By `order_by=field [asc|desc],...`, else by key; what has no value comes last. */
function ordered(resource: AnyResource, candidates: Candidate[], query: Arguments): Candidate[] {
  const asked = query.get('order_by') ?? query.get('$orderBy');
  const rules = (asked ?? '')
    .split(',')
    .filter((rule) => rule.trim() !== '')
    .map((rule) => {
      const [name = '', direction = 'asc', ...rest] = rule.trim().split(/\s+/);
      const field = resource.schema.fields.get(name);
      const known = field !== undefined && field.type !== 'object' && field.type !== 'any' && rest.length === 0;
      if (!known || !['asc', 'desc'].includes(direction)) throw new Refusal('notSortable', { name: rule.trim() });
      return { field, sign: direction === 'desc' ? -1 : 1 };
    });
  if (rules.length === 0) return byKey(candidates);
  const sortKeys = (candidate: Candidate): (Comparable | undefined)[] =>
    rules.map(({ field }) => {
      const [value] = candidate.values(field.name);
      return value === undefined ? undefined : fromRecord(field, value);
    });
  return candidates
    .map((candidate) => ({ candidate, keys: sortKeys(candidate) }))
    .sort((a, b) => {
      for (const [index, { sign }] of rules.entries()) {
        const [one, other] = [a.keys[index], b.keys[index]];
        const order =
          one === undefined || other === undefined
            ? Number(one === undefined) - Number(other === undefined)
            : compare(one, other);
        if (order !== 0) return sign * order;
      }
      return compare(a.candidate.key, b.candidate.key);
    })
    .map(({ candidate }) => candidate);
}

/** The engine's own order of strings is `compare`'s, and much faster than calling it. */
function byKey(candidates: readonly Candidate[]): Candidate[] {
  const found = new Map(candidates.map((candidate) => [candidate.key, candidate]));
  return [...found.keys()].sort().flatMap((key) => found.get(key) ?? []);
}

/** Where the page begins that `start.*` asks for: behind the last record of the page before, also if that is gone now. */
function startOf(resource: AnyResource, candidates: readonly Candidate[], query: Arguments): number {
  const key = query.get(`start.${keyName(resource)}`);
  if (key === undefined) return query.integer('offset', 0, [0, Number.MAX_SAFE_INTEGER]);
  const last = candidates.findIndex((candidate) => candidate.key === key);
  if (last >= 0) return last + 1;
  if (query.get('order_by') === undefined) {
    const behind = candidates.findIndex((candidate) => candidate.key > key);
    return behind < 0 ? candidates.length : behind;
  }
  return Math.min(candidates.length, query.integer('start.index', 0, [0, Number.MAX_SAFE_INTEGER]));
}

function nextHref(
  resource: AnyResource,
  path: string,
  query: Arguments,
  page: readonly Candidate[],
  start: number,
): string {
  const last = page[page.length - 1]?.key ?? '';
  const original = query.entries().filter(([name]) => !name.startsWith('start.') && name !== 'offset');
  const all = [[`start.${keyName(resource)}`, last], ['start.index', String(start + page.length)], ...original];
  return `/api${path}?${all.map((pair) => pair.map((part) => encodeURIComponent(part ?? '')).join('=')).join('&')}`;
}

function keyName(resource: AnyResource): string {
  return resource.keys[0] ?? 'uuid';
}
