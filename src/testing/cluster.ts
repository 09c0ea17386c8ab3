/** One simulated ONTAP cluster, as its users meet it: what it owns, how it answers, and what can go wrong with it. */
import { Work } from './clock.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Fault, ScriptedFault, StruckFaults } from './faults.ts';
import { answer, contentType } from './http/handler.ts';
import { belowApi, ConnectionBroken, encodingOf, type SimRequest, type SimResponse } from './http/message.ts';
import { publishAnswer } from './observed-answers.ts';
import { Refusal } from './refusals.ts';
import { RESOURCES } from './resources/catalogue.ts';
import { placement } from './resources/flexgroups.ts';
import type { SnapMirror } from './snapmirror/snapmirror.ts';
import type { SimulatedVolume, VolumeStyle, VolumeType } from './volume.ts';

/** A volume to set up without HTTP. */
export interface VolumeSpec {
  readonly svm: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly type?: VolumeType;
  readonly style?: VolumeStyle;
  /** Default: the first. */
  readonly aggregate?: string;
  /** Of a FlexGroup, instead of `aggregate`; so many constituents on each, by default one. */
  readonly aggregates?: readonly string[];
  readonly constituentsPerAggregate?: number;
  readonly junctionPath?: string;
  readonly encrypted?: boolean;
  /** Name of the policy that takes snapshots of it on the clock; default none. */
  readonly snapshotPolicy?: string;
}

/** What a cluster needs of the world around it. */
export interface ClusterSurroundings {
  readonly snapmirror: SnapMirror;
  /** Called when a request comes in; returns what to call with the answer's status, 0 when none came. */
  received(cluster: string, request: SimRequest): (status: number) => void;
}

/** A simulated cluster: its REST API, and handles on what is behind it. */
export class SimulatedCluster {
  /** Where it listens; `https://<name>.sim` until it does. */
  url: string;
  #state: ClusterState;
  #surroundings: ClusterSurroundings;
  readonly #onLife: ((alive: boolean) => void)[] = [];
  #clientCertificate: { readonly cert: string; readonly key: string } | undefined;
  #inFlight = 0;

  constructor(state: ClusterState, surroundings: ClusterSurroundings) {
    this.#state = state;
    this.#surroundings = surroundings;
    this.url = `https://${state.name}.sim`;
    this.#followLife();
  }

  /** Goes on as another state of the same cluster: a world was loaded in the place of this one. */
  become(state: ClusterState, surroundings: ClusterSurroundings): void {
    this.#state = state;
    this.#surroundings = surroundings;
    this.#followLife();
    for (const then of this.#onLife) then(state.alive);
  }

  /** Name of the cluster. */
  get name(): string {
    return this.#state.name;
  }

  /** UUID of the cluster. */
  get uuid(): string {
    return this.#state.uuid;
  }

  /** The cluster's administrator. */
  get user(): string {
    return this.#state.users[0]?.name ?? '';
  }

  /** Password of its administrator. */
  get password(): string {
    return this.#state.users[0]?.password ?? '';
  }

  /** Names of its SVMs. */
  get svms(): string[] {
    return this.#state.svms.map(({ name }) => name);
  }

  /** Names of its aggregates. */
  get aggregates(): string[] {
    return this.#state.aggregates.map(({ name }) => name);
  }

  /** Makes a volume without going through HTTP. */
  createVolume(spec: VolumeSpec): SimulatedVolume {
    const state = this.#state;
    state.physics.settle();
    const svm = state.svmNamed(spec.svm);
    if (!svm) throw new Error(`no SVM ${spec.svm} on ${this.name}`);
    const names = spec.aggregates ?? [spec.aggregate ?? this.aggregates[0] ?? ''];
    const aggregates = names.map((name) => {
      const aggregate = state.aggregates.find((known) => known.name === name);
      if (!aggregate) throw new Error(`no aggregate ${name} on ${this.name}`);
      return aggregate;
    });
    const style = spec.style ?? 'flexvol';
    if (style === 'flexvol' && aggregates.length !== 1) throw new Error('a FlexVol is on one aggregate');
    if (state.findVolume(svm, spec.name)) throw new Error(`there is a volume ${spec.svm}:${spec.name}`);
    const policy = state.snapshotPolicies.find(({ name }) => name === (spec.snapshotPolicy ?? 'none'));
    if (!policy) throw new Error(`no snapshot policy ${spec.snapshotPolicy} on ${this.name}`);
    const volume = state.addVolume({
      svm,
      name: spec.name,
      type: spec.type ?? 'rw',
      style,
      sizeBytes: spec.sizeBytes,
      aggregates: placement(aggregates, spec.constituentsPerAggregate ?? 1),
      junctionPath: spec.junctionPath,
      encrypted: spec.encrypted ?? false,
    });
    if (volume.type === 'rw') state.assignSnapshotPolicy(volume, policy);
    return volume;
  }

  /** @throws Error when there is none */
  volume(svm: string, name: string): SimulatedVolume {
    this.#state.physics.settle();
    const owner = this.#state.svmNamed(svm);
    const found = owner && this.#state.findVolume(owner, name);
    if (!found) throw new Error(`no volume ${svm}:${name} on ${this.name}`);
    return found;
  }

  /** Scripts a fault; returns the way to take it back. */
  addFault(fault: Fault): () => void {
    return this.#state.faults.add(fault);
  }

  /** The faults that are still to strike, in the order they were added. */
  get faults(): readonly Readonly<ScriptedFault>[] {
    return this.#state.faults.list();
  }

  /** Takes back one of `faults` by its number, or all of them. */
  removeFaults(id?: number): void {
    if (id === undefined) this.#state.faults.clear();
    else this.#state.faults.remove(id);
  }

  /** Volumes that are there, in the order they were made. */
  get volumes(): SimulatedVolume[] {
    this.#state.physics.settle();
    return [...this.#state.volumes.values()];
  }

  /** False between `kill` and `revive`. */
  get alive(): boolean {
    return this.#state.alive;
  }

  /**
   * Nobody is answered from now on, and its peers cannot reach it: their transfers from it fail. `fetch` meets ECONNREFUSED; over
   * sockets connections are reset, so that the port stays its own until it revives.
   */
  kill(): void {
    this.#state.live(false);
  }

  /** Ends a `kill`: the cluster answers again, with all that it had. */
  revive(): void {
    this.#state.live(true);
  }

  /** Dies, and revives by itself after `ms` by the world's clock. */
  goneFor(ms: number): void {
    this.#state.goneFor(ms);
  }

  /** In how many milliseconds it revives by itself; undefined when it lives, or is dead until `revive`. */
  get revivesInMs(): number | undefined {
    const { revivesAt, physics } = this.#state;
    return revivesAt === undefined ? undefined : Math.max(1, revivesAt - physics.clock.now());
  }

  /** Lets everything happen that is due by the clock. */
  settle(): void {
    this.#state.physics.settle();
  }

  /** A certificate, signed by the world's authority, that logs in as the administrator. Once it listens with TLS. */
  clientCertificate(): { readonly cert: string; readonly key: string } {
    if (!this.#clientCertificate) throw new Error(`${this.name} does not listen with TLS`);
    return this.#clientCertificate;
  }

  /** For those who give it a port: its client certificate while it has one, and to be told when it dies and revives. */
  listensWith(certificate: { readonly cert: string; readonly key: string } | undefined): void {
    this.#clientCertificate = certificate;
  }

  /** Calls back whenever the cluster dies or comes back. */
  onLife(then: (alive: boolean) => void): void {
    this.#onLife.push(then);
  }

  #followLife(): void {
    const state = this.#state;
    state.watchLife(() => {
      if (state === this.#state) for (const then of this.#onLife) then(state.alive);
    });
  }

  /**
   * Answers one request. Without a socket, and always by the world's clock.
   * @throws ConnectionBroken when no whole answer comes: a dead cluster, or a scripted fault
   */
  async handle(request: SimRequest): Promise<SimResponse> {
    const { physics } = this.#state;
    const work = new Work(physics.clock);
    const answered = this.#surroundings.received(this.name, request);
    this.#inFlight++;
    let status = 0;
    try {
      physics.settle();
      const { alive, faults } = this.#state;
      const struck = alive ? faults.strike(request.method, belowApi(request.path) ?? request.path) : undefined;
      if (!struck || struck.get('refuse')) throw new ConnectionBroken('ECONNREFUSED');
      const gone = struck.get('cluster-gone');
      if (gone) this.#state.goneFor(gone.ms);
      const jump = struck.get('clock-jump');
      if (jump) physics.jump(jump.ms);
      if (gone || struck.get('reset')) throw new ConnectionBroken('ECONNRESET');
      if (this.#inFlight > this.#state.maxRequestsInFlight) {
        const { code, message, row } = new Refusal('tooManyRequests');
        status = 429;
        const response = scriptedAnswer(request, status, code, message, row.retryAfterSeconds);
        publishAnswer({ cluster: this.name, request, response });
        return response;
      }
      const latencyMs = physics.latencyMs + (struck.get('latency')?.ms ?? 0);
      if (latencyMs > 0) await work.sleep(latencyMs);
      if (!this.#state.alive) throw new ConnectionBroken('ECONNRESET');
      physics.settle();
      const response = await this.#answer(request, work, struck);
      status = response.status;
      const distortedBy = (struck.get('http') ?? struck.get('malformed'))?.kind;
      publishAnswer({ cluster: this.name, request, response, distortedBy });
      return response;
    } catch (error) {
      if (error instanceof ConnectionBroken) status = error.partial?.status ?? 0;
      throw error;
    } finally {
      this.#inFlight--;
      answered(status);
      work.end();
    }
  }

  async #answer(request: SimRequest, work: Work, struck: StruckFaults): Promise<SimResponse> {
    const { snapmirror } = this.#surroundings;
    const { switches } = this.#state.physics;
    const http = struck.get('http');
    if (http)
      return scriptedAnswer(
        request,
        http.status,
        http.code ?? (http.status === 401 || http.status === 403 ? '6' : ''),
        http.message ?? 'scripted failure',
        http.retryAfterSeconds,
      );
    if (struck.get('busy')) {
      const refusal = new Refusal('modificationInProgress', { path: request.path });
      return scriptedAnswer(request, refusal.status(switches), refusal.code, refusal.message);
    }
    const lost = struck.get('answer-lost');
    if (lost?.when === 'before') throw new ConnectionBroken('ECONNRESET');
    const transferFault =
      struck.get('transfer-stalls') ?? struck.get('transfer-fails') ?? struck.get('transfer-aborted');
    if (transferFault && isCopy(request.path)) this.#state.armCopyFault(transferFault);
    else if (transferFault) snapmirror.armFault(this.#state, transferFault);
    const failing = struck.get('job-fails');
    const vanishes = struck.get('job-vanishes') !== undefined;
    const response = await answer({ cluster: this.#state, snapmirror, resources: RESOURCES }, request, work, {
      staleMs: Math.max(switches.visibilityDelayMs, struck.get('stale-read')?.ms ?? 0),
      jobFault: failing || vanishes ? { ...failing, vanishes } : undefined,
    });
    if (lost) throw new ConnectionBroken('ECONNRESET');
    if (!this.#state.alive) throw new ConnectionBroken('ECONNRESET');
    const half = response.body.slice(0, Math.ceil(response.body.length / 2));
    if (struck.get('truncated')) throw new ConnectionBroken('ECONNRESET', { ...response, body: half });
    const malformed = struck.get('malformed');
    return malformed ? { ...response, body: malformed.body ?? `${half}<html>` } : response;
  }

  /** The same as a transport in the place of `fetch`: no sockets. */
  async fetch(request: Request): Promise<Response> {
    const work = new Work(this.#state.physics.clock);
    const { pathname, search } = new URL(request.url);
    const headers = Object.fromEntries([...request.headers].map(([name, value]) => [name.toLowerCase(), value]));
    const bytes = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
    const body = bytes?.toString(encodingOf(headers));
    const { signal } = request;
    const handled = this.handle({ method: request.method, path: pathname, query: search.slice(1), headers, body });
    work.end();
    try {
      const { status, headers: answered, body: text } = await orAborted(handled, signal);
      const given = text === '' ? null : new Uint8Array(Buffer.from(text, encodingOf(answered)));
      return new Response(given, { status, headers: answered });
    } catch (error) {
      if (!(error instanceof ConnectionBroken)) throw error;
      if (error.partial) return brokenResponse(error, error.partial);
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(error.message), { code: error.code }) });
    }
  }
}

function scriptedAnswer(
  request: SimRequest,
  status: number,
  code: string,
  message: string,
  retryAfterSeconds?: number,
): SimResponse {
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return {
    status,
    headers: { 'content-type': contentType(request), ...retry },
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

/** Copies of files and LUNs fail and stall like transfers. */
function isCopy(path: string): boolean {
  return /\/storage\/(luns|file\/copy)\b/.test(path);
}
