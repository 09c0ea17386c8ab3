/** One simulated ONTAP cluster: what it owns, and how it answers. */
import { VolumeModelError } from '../errors.ts';
import { Work } from './clock.ts';
import { type Fault, Faults, type StruckFaults } from './faults.ts';
import { answer, type SimRequest, type SimResponse } from './http/handler.ts';
import type { RequestContext } from './http/resource.ts';
import { type Job, type JobPlan, Jobs } from './jobs.ts';
import { Refusal } from './refusals.ts';
import { RESOURCES } from './resources/index.ts';
import { BUILT_IN_POLICIES, Policy } from './snapmirror/policies.ts';
import { BUILT_IN_SCHEDULES, Schedule } from './snapmirror/schedules.ts';
import { Aggregate, Svm, type SvmPeer } from './svm.ts';
import { SimulatedVolume, type VolumeStyle, type VolumeType } from './volume.ts';
import type { SimulatedOntap } from './world.ts';

export interface ClusterSpec {
  readonly name: string;
  /** `generation.major.minor`; default 9.14.1. */
  readonly version?: string;
  /** Administrator of the cluster; defaults `admin` and `simulated`. */
  readonly user?: string;
  readonly password?: string;
  /** Further users. */
  readonly users?: readonly User[];
  readonly nodes?: readonly string[];
  /** Names, or names with sizes; default two of 10 TiB. */
  readonly aggregates?: readonly (string | { readonly name: string; readonly sizeBytes: number })[];
  readonly svms?: readonly string[];
  /** Above so many requests at once it answers 429; default no limit. */
  readonly maxRequestsInFlight?: number;
}

export interface User {
  readonly name: string;
  readonly password: string;
  /** Name of the SVM that the user belongs to; absent for users of the cluster. */
  readonly svm?: string;
  /** `readonly` may only read, `none` not even that. */
  readonly role: 'admin' | 'readonly' | 'none';
}

export interface VolumeSpec {
  readonly svm: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly type?: VolumeType;
  readonly style?: VolumeStyle;
  /** Default: the first. */
  readonly aggregate?: string;
  readonly junctionPath?: string;
  readonly encrypted?: boolean;
}

export interface ClusterPeer {
  readonly uuid: string;
  readonly cluster: SimulatedCluster;
}

/** How a connection ended when no whole answer came. */
export class ConnectionBroken extends Error {
  readonly code: 'ECONNREFUSED' | 'ECONNRESET';
  /** What arrived before the cut, when something did. */
  readonly partial: SimResponse | undefined;

  constructor(code: 'ECONNREFUSED' | 'ECONNRESET', partial?: SimResponse) {
    super(code === 'ECONNREFUSED' ? 'connection refused' : 'connection reset');
    this.code = code;
    this.partial = partial;
  }
}

const TIB = 2 ** 40;
const MIB = 2 ** 20;
const FIRST_MSID = 2_147_484_673;

export class SimulatedCluster {
  readonly world: SimulatedOntap;
  readonly name: string;
  readonly uuid: string;
  readonly version: {
    readonly full: string;
    readonly generation: number;
    readonly major: number;
    readonly minor: number;
  };
  readonly user: string;
  readonly password: string;
  readonly users: readonly User[];
  readonly nodes: readonly { readonly name: string; readonly uuid: string }[];
  readonly aggregateRecords: readonly Aggregate[];
  readonly svmRecords: readonly Svm[];
  readonly volumes = new Map<string, SimulatedVolume>();
  readonly policies: Policy[];
  readonly schedules: Schedule[];
  readonly jobs: Jobs;
  readonly peers: ClusterPeer[] = [];
  svmPeers: SvmPeer[] = [];
  /** Where it listens; `https://<name>.sim` until it does. */
  url: string;
  #alive = true;
  #inFlight = 0;
  #nextMsid = FIRST_MSID;
  #clientCertificate: { readonly cert: string; readonly key: string } | undefined;
  readonly #faults = new Faults();
  readonly #maxRequestsInFlight: number;

  constructor(world: SimulatedOntap, spec: ClusterSpec) {
    const uuid = () => world.random.uuid();
    this.world = world;
    this.name = spec.name;
    this.uuid = uuid();
    this.url = `https://${spec.name}.sim`;
    this.user = spec.user ?? 'admin';
    this.password = spec.password ?? 'simulated';
    this.users = [{ name: this.user, password: this.password, role: 'admin' }, ...(spec.users ?? [])];
    this.nodes = (spec.nodes ?? [`${spec.name}-01`, `${spec.name}-02`]).map((name) => ({ name, uuid: uuid() }));
    this.version = versionOf(spec.version ?? '9.14.1');
    this.aggregateRecords = (spec.aggregates ?? ['aggr1', 'aggr2']).map((given, index) => {
      const { name, sizeBytes } = typeof given === 'string' ? { name: given, sizeBytes: 10 * TIB } : given;
      return new Aggregate(uuid(), name, sizeBytes, this.nodes[index % this.nodes.length]?.name ?? spec.name);
    });
    this.policies = Object.entries(BUILT_IN_POLICIES).map(
      ([name, rules]) => new Policy(uuid(), name, rules, { builtIn: true }),
    );
    this.schedules = Object.entries(BUILT_IN_SCHEDULES).map(([name, cron]) => new Schedule(uuid(), name, cron));
    this.jobs = new Jobs(world.timeline, uuid, (error) => world.jobError(error));
    this.#maxRequestsInFlight = spec.maxRequestsInFlight ?? Number.POSITIVE_INFINITY;
    this.svmRecords = (spec.svms ?? ['svm1']).map((name) => new Svm(uuid(), name));
    for (const svm of this.svmRecords) this.#addRootVolume(svm);
  }

  // ---- for those who set up and inspect

  /** Names of its SVMs. */
  get svms(): string[] {
    return this.svmRecords.map(({ name }) => name);
  }

  /** Names of its aggregates. */
  get aggregates(): string[] {
    return this.aggregateRecords.map(({ name }) => name);
  }

  /** Makes a volume without going through HTTP. */
  createVolume(spec: VolumeSpec): SimulatedVolume {
    this.world.settle();
    const svm = this.svmNamed(spec.svm);
    const aggregate = this.aggregateRecords.find(({ name }) => spec.aggregate === undefined || name === spec.aggregate);
    if (!svm || !aggregate) throw new Error(`no SVM ${spec.svm} or no aggregate ${spec.aggregate} on ${this.name}`);
    if (this.findVolume(svm, spec.name)) throw new Error(`there is a volume ${spec.svm}:${spec.name}`);
    return this.addVolume({
      svm,
      name: spec.name,
      type: spec.type ?? 'rw',
      style: spec.style ?? 'flexvol',
      sizeBytes: spec.sizeBytes,
      aggregates: [aggregate],
      junctionPath: spec.junctionPath,
      encrypted: spec.encrypted ?? false,
    });
  }

  /** @throws Error when there is none */
  volume(svm: string, name: string): SimulatedVolume {
    this.world.settle();
    const found = [...this.volumes.values()].find((volume) => volume.svm.name === svm && volume.name === name);
    if (!found) throw new Error(`no volume ${svm}:${name} on ${this.name}`);
    return found;
  }

  /** Scripts a fault; returns the way to take it back. */
  addFault(fault: Fault): () => void {
    return this.#faults.add(fault);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Connections are refused from now on, and its peers cannot reach it: their transfers from it fail. */
  kill(): void {
    this.world.settle();
    this.#alive = false;
    this.world.clusterDied(this);
  }

  revive(): void {
    this.world.settle();
    this.#alive = true;
    this.world.clusterRevived(this);
  }

  /** A certificate, signed by the world's authority, that logs in as the administrator. Once it listens with TLS. */
  clientCertificate(): { readonly cert: string; readonly key: string } {
    if (!this.#clientCertificate) throw new Error(`${this.name} does not listen with TLS`);
    return this.#clientCertificate;
  }

  setClientCertificate(certificate: { readonly cert: string; readonly key: string } | undefined): void {
    this.#clientCertificate = certificate;
  }

  // ---- answering

  /**
   * Answers one request. Without a socket, and always by the world's clock.
   * @throws ConnectionBroken when no whole answer comes: a dead cluster, or a scripted fault
   */
  async handle(request: SimRequest): Promise<SimResponse> {
    const { world } = this;
    const work = new Work(world.clock);
    const leave = world.enter();
    this.#inFlight++;
    let status = 0;
    try {
      const struck = this.#alive ? this.#faults.strike(request.method, belowApi(request.path)) : undefined;
      if (!struck || struck.get('refuse')) throw new ConnectionBroken('ECONNREFUSED');
      if (struck.get('reset')) throw new ConnectionBroken('ECONNRESET');
      const latencyMs = world.latencyMs + (struck.get('latency')?.ms ?? 0);
      if (latencyMs > 0) await work.sleep(latencyMs);
      if (!this.#alive) throw new ConnectionBroken('ECONNRESET');
      world.settle();
      const response = await this.#answer(request, work, struck);
      status = response.status;
      return response;
    } catch (error) {
      if (error instanceof ConnectionBroken) status = error.partial?.status ?? 0;
      throw error;
    } finally {
      this.#inFlight--;
      leave();
      world.log(this, request, status);
      work.end();
    }
  }

  async #answer(request: SimRequest, work: Work, struck: StruckFaults): Promise<SimResponse> {
    const http = struck.get('http');
    if (http)
      return scriptedAnswer(http.status, http.code ?? '', http.message ?? 'scripted failure', http.retryAfterSeconds);
    if (this.#inFlight > this.#maxRequestsInFlight) {
      const refusal = new Refusal('tooManyRequests');
      return scriptedAnswer(429, refusal.code, refusal.message, refusal.row.retryAfterSeconds);
    }
    if (struck.get('busy')) {
      const refusal = new Refusal('modificationInProgress', { path: belowApi(request.path) });
      return scriptedAnswer(refusal.status(this.world.switches), refusal.code, refusal.message);
    }
    const lost = struck.get('answer-lost');
    if (lost?.when === 'before') throw new ConnectionBroken('ECONNRESET');
    const transferFault = struck.get('transfer-stalls') ?? struck.get('transfer-fails');
    if (transferFault) this.world.armTransferFault(this, transferFault);
    const failing = struck.get('job-fails');
    const vanishes = struck.get('job-vanishes') !== undefined;
    const response = await answer(this, RESOURCES, request, work, {
      staleMs: Math.max(this.world.switches.visibilityDelayMs, struck.get('stale-read')?.ms ?? 0),
      jobFault: failing || vanishes ? { ...failing, vanishes } : undefined,
    });
    if (lost) throw new ConnectionBroken('ECONNRESET');
    if (!this.#alive) throw new ConnectionBroken('ECONNRESET');
    const half = response.body.slice(0, Math.ceil(response.body.length / 2));
    if (struck.get('truncated')) throw new ConnectionBroken('ECONNRESET', { ...response, body: half });
    return struck.get('malformed') ? { ...response, body: `${half}<html>` } : response;
  }

  /** The same as a transport in the place of `fetch`: no sockets. */
  async fetch(request: Request): Promise<Response> {
    const work = new Work(this.world.clock);
    const { pathname, search } = new URL(request.url);
    const body = request.body === null ? undefined : await request.text();
    const headers = Object.fromEntries([...request.headers].map(([name, value]) => [name.toLowerCase(), value]));
    const { signal } = request;
    const handled = this.handle({ method: request.method, path: pathname, query: search.slice(1), headers, body });
    work.end();
    try {
      const { status, headers, body: text } = await orAborted(handled, signal);
      return new Response(text === '' ? null : text, { status, headers });
    } catch (error) {
      if (!(error instanceof ConnectionBroken)) throw error;
      if (error.partial) return brokenResponse(error, error.partial);
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(error.message), { code: error.code }) });
    }
  }

  // ---- for the resources

  svmNamed(name: string): Svm | undefined {
    return this.svmRecords.find((svm) => svm.name === name);
  }

  scheduleNamed(name: string): Schedule | undefined {
    return this.schedules.find((schedule) => schedule.name === name);
  }

  findVolume(svm: Svm, name: string): SimulatedVolume | undefined {
    return [...this.volumes.values()].find((volume) => volume.svm === svm && volume.name === name);
  }

  has(volume: SimulatedVolume): boolean {
    return this.volumes.get(volume.uuid) === volume;
  }

  addVolume(
    facts: Omit<ConstructorParameters<typeof SimulatedVolume>[0], 'uuid' | 'msid' | 'createdAt'>,
  ): SimulatedVolume {
    const { world } = this;
    const volume = new SimulatedVolume(
      { ...facts, uuid: world.random.uuid(), msid: this.#nextMsid++, createdAt: world.timeline.now },
      {
        now: () => world.timeline.now,
        newUuid: () => world.random.uuid(),
        settle: () => world.settle(),
        changed: (changed) => world.volumeChanged(changed),
      },
    );
    this.volumes.set(volume.uuid, volume);
    return volume;
  }

  /** True when data can flow between the two: both live, and peered unless they are one. */
  reaches(other: SimulatedCluster): boolean {
    if (other === this) return this.#alive;
    return this.#alive && other.alive && this.peers.some(({ cluster }) => cluster === other);
  }

  usedBytes(aggregate: Aggregate): number {
    let used = 0;
    for (const volume of this.volumes.values()) {
      if (volume.aggregates.includes(aggregate)) used += volume.usedBytes() / volume.aggregates.length;
    }
    return Math.floor(used);
  }

  startJob(context: RequestContext, run: JobPlan['run'], options: { readonly svm?: string | undefined } = {}): Job {
    const plan = { description: context.description, svm: options.svm ?? context.svm?.name, run };
    return this.jobs.start(plan, this.world.operationMs, context.jobFault);
  }

  startFailingJob(context: RequestContext, refusal: Refusal): Job {
    return this.jobs.startFailing(context.description, context.svm?.name, refusal, this.world.operationMs);
  }

  #addRootVolume(svm: Svm): void {
    const aggregate = this.aggregateRecords[0];
    if (!aggregate) throw new VolumeModelError('WAFL_INVALID', `cluster ${this.name} has no aggregate`);
    this.addVolume({
      svm,
      name: `${svm.name}_root`,
      type: 'rw',
      style: 'flexvol',
      sizeBytes: 1024 * MIB,
      aggregates: [aggregate],
      isSvmRoot: true,
      junctionPath: '/',
    });
  }
}

function versionOf(text: string): SimulatedCluster['version'] {
  const [generation = 9, major = 14, minor = 1] = text.split('.').map(Number);
  return { full: `NetApp Release ${text}: Thu Jan 18 05:12:01 UTC 2024`, generation, major, minor };
}

function belowApi(path: string): string {
  return path
    .replace(/\/{2,}/g, '/')
    .replace(/^\/api/, '')
    .replace(/(.)\/$/, '$1');
}

function scriptedAnswer(status: number, code: string, message: string, retryAfterSeconds?: number): SimResponse {
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return {
    status,
    headers: { 'content-type': 'application/hal+json', ...retry },
    body: JSON.stringify({ error: { code, message } }),
  };
}

/** The answer, or the signal's reason as soon as it is aborted: as `fetch` does. */
function orAborted<T>(answered: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    answered.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    answered.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Headers and half a body, then the connection breaks. */
function brokenResponse(error: ConnectionBroken, partial: SimResponse): Response {
  const bytes = new TextEncoder().encode(partial.body);
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) controller.error(new TypeError('terminated', { cause: error }));
      else controller.enqueue(bytes);
      sent = true;
    },
  });
  return new Response(body, { status: partial.status, headers: partial.headers });
}
