/**
 * One call, untyped: a turn among the requests in flight, the exchange itself under a time limit, its answer checked,
 * and repetition of what is safe to repeat. Nothing is shared between calls but the pool and the turns.
 */
import createClient from 'openapi-fetch';
import pRetry from 'p-retry';
import { type CallOptions, type Env, type Span, underDeadline } from '../env.ts';
import { OntapError } from '../errors.ts';
import { BYTES_ACCEPTED, bytesAsPart, bytesInAnswer } from './byte-parts.ts';
import { type OntapRestClientOptions, type Settings, settingsFrom } from './client-options.ts';
import {
  answerFailure,
  badResponse,
  type CallFacts,
  closed,
  cutShort,
  effectOf,
  ontapErrorIn,
  outcomeUnknown,
  reasonIn,
  retryAfterOf,
  timedOut,
  transportFailure,
  unsendable,
} from './failures.ts';
import { InFlight } from './in-flight.ts';
import { filledPath, queryString } from './query.ts';
import type { Method } from './typed-paths.ts';
import { undiciTransport } from './undici-transport.ts';

/** Options of every call. */
export interface RequestOptions extends CallOptions {
  /** Acts as in this SVM (`X-Dot-SVM-Name`). Only for cluster accounts; SVM accounts are refused with it. */
  readonly svm?: string | undefined;
  /** Time limit of each request instead of the client's, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** What is being attempted, for errors: `create the mirror`. Default: method and path. */
  readonly attempted?: string | undefined;
  /** What it is attempted on, for errors: `svm1:vol1`. */
  readonly object?: string | undefined;
}

export interface Call extends RequestOptions {
  readonly method: Method;
  /** Template below `/api`; with `opaque`, path and query as ONTAP gave them. */
  readonly template: string;
  readonly opaque?: boolean;
  readonly path?: Readonly<Record<string, unknown>> | undefined;
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly body?: unknown;
  /** Sent as multipart/form-data, in the place of `body`. */
  readonly upload?: Uint8Array | undefined;
  /** Bytes are asked for: the answer's body is a Uint8Array. */
  readonly download?: boolean | undefined;
  /** A change that may be sent again although an earlier sending may have had its effect. Reads always may. */
  readonly repeatable?: boolean | undefined;
  /** Instead of the client's number of attempts. */
  readonly attempts?: number | undefined;
}

/** A successful answer. */
export interface Answer {
  readonly status: number;
  /** Parsed JSON, or the bytes that were asked for; `undefined` when there was no body. */
  readonly body: unknown;
}

/** Longest `return_timeout` that ONTAP takes, in seconds. */
export const LONGEST_RETURN_TIMEOUT_SECONDS = 120;

export class Connection {
  readonly cluster: string;
  readonly env: Env;
  readonly #settings: Settings;
  readonly #inFlight: InFlight;
  readonly #send: (request: Request, upload?: Uint8Array) => Promise<Response>;
  /** A transport of somebody else's gets bytes as every body, in the request. */
  readonly #sendsBytesApart: boolean;
  readonly #closeTransport: () => Promise<void>;
  readonly #api = createClient({ querySerializer: queryString }) as unknown as UntypedApi;
  #closed: Promise<void> | undefined;

  constructor(options: OntapRestClientOptions) {
    const settings = settingsFrom(options);
    this.#settings = settings;
    this.cluster = settings.name;
    this.env = settings.env;
    this.#inFlight = new InFlight(settings.maxInFlight);
    const { send, close } =
      settings.transport === undefined
        ? undiciTransport(settings)
        : { send: settings.transport, close: () => Promise.resolve() };
    this.#send = send;
    this.#sendsBytesApart = settings.transport === undefined;
    this.#closeTransport = close;
    this.#warnOfRisks();
  }

  /**
   * Sends the call, and again what is safe to repeat: anything that ONTAP refused because it was busy, anything that
   * never left, and reads and `repeatable` changes also when the answer was lost.
   * @throws OntapError; `ONTAP_OUTCOME_UNKNOWN` for a change whose answer was lost for good
   * @throws InterruptedError
   */
  send(call: Call): Promise<Answer> {
    const attempted = call.attempted ?? `${call.method.toUpperCase()} ${call.template}`;
    return underDeadline(this.env.clock, call, this.#settings.scrubber.text(attempted), async (signal) => {
      const repeatable = call.method === 'get' || call.repeatable === true;
      let lost: OntapError | undefined;
      try {
        return await this.#persistently(call, repeatable, signal, (error) => {
          if (effectOf(error) === 'unknown') lost ??= error;
        });
      } catch (error) {
        if (lost === undefined || !(error instanceof OntapError)) throw error;
        // Sent again after a lost answer, and now it is not there: the first one deleted it.
        if (call.method === 'delete' && error.code === 'ONTAP_NOT_FOUND') return { status: 200, body: undefined };
        if (error !== lost && effectOf(error) === 'none' && !mayBeRetried(error)) throw error;
        const facts = this.facts(call, lost.path);
        throw outcomeUnknown(facts, `the answer was lost: ${reasonIn(facts, lost)}`, lost);
      }
    });
  }

  /** What errors say about a call. */
  facts(call: Call, sentAs?: string): CallFacts {
    const method = call.method.toUpperCase();
    return {
      cluster: this.cluster,
      attempted: call.attempted ?? `${method} ${call.template}`,
      object: call.object,
      method,
      path: sentAs ?? call.template,
      scrubber: this.#settings.scrubber,
    };
  }

  /** Waits for what is under way, then closes the connections. Calls made afterwards fail. */
  close(): Promise<void> {
    this.#closed ??= this.#inFlight.idle().then(this.#closeTransport);
    return this.#closed;
  }

  #persistently(
    call: Call,
    repeatable: boolean,
    signal: AbortSignal,
    onFailure: (error: OntapError) => void,
  ): Promise<Answer> {
    const { clock, logger } = this.env;
    const { retry, scrubber } = this.#settings;
    const attempts = call.attempts ?? retry.attempts;
    let givesUpAt: number | undefined;
    // p-retry counts and decides; its own timers and randomness stay off, and waiting is done by our clock.
    return pRetry((attempt) => this.#attempt(call, attempt, signal), {
      retries: attempts - 1,
      minTimeout: 0,
      randomize: false,
      signal,
      onFailedAttempt: async ({ error, attemptNumber }) => {
        if (!(error instanceof OntapError)) throw error;
        onFailure(error);
        if (attemptNumber >= attempts || !isWorthRepeating(error, repeatable)) throw error;
        const waitMs = this.#backoffMs(attemptNumber) + (retryAfterOf(error) ?? 0);
        givesUpAt ??= clock.now() + retry.budgetMs;
        if (clock.now() + waitMs > givesUpAt) throw error;
        const method = call.method.toUpperCase();
        logger.warn(
          {
            cluster: this.cluster,
            method,
            path: scrubber.text(call.template),
            attempt: attemptNumber,
            waitMs,
            code: error.code,
          },
          'ONTAP request is tried again',
        );
        await clock.sleep(waitMs, signal);
      },
    });
  }

  /** Full jitter: anything from nothing to the doubled base. */
  #backoffMs(attempt: number): number {
    const { baseMs, capMs } = this.#settings.retry;
    return Math.round(this.env.random.next() * Math.min(capMs, baseMs * 2 ** (attempt - 1)));
  }

  #attempt(call: Call, attempt: number, signal: AbortSignal): Promise<Answer> {
    return this.#inFlight.run(signal, async (giveUp) => {
      if (this.#closed !== undefined) throw closed(this.facts(call));
      const watch = this.#watch(call, attempt);
      try {
        const answer = await this.#exchange(call, signal, watch, giveUp);
        watch.ended(answer.status);
        return answer;
      } catch (error) {
        watch.ended(error instanceof OntapError ? error.status : undefined, error);
        throw error;
      }
    });
  }

  /** One request and its answer. The body is read and judged here, inside the time limit. */
  async #exchange(call: Call, signal: AbortSignal, watch: Watch, giveUp: (reason: unknown) => void): Promise<Answer> {
    const timeoutMs = this.#timeoutMs(call);
    const ended = new AbortController();
    const finished = new AbortController();
    const onAbort = () => ended.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    let facts = this.facts(call);
    let sent = false;
    let response: Response | undefined;
    this.env.clock.sleep(timeoutMs, finished.signal).then(
      () => {
        ended.abort(timedOut(facts, timeoutMs));
        giveUp(ended.signal.reason);
      },
      () => {},
    );
    try {
      const upload = call.upload && bytesAsPart(call.upload, `part-${this.env.random.uuid()}`);
      const apart = this.#sendsBytesApart ? upload?.body : undefined;
      const { error } = await this.#api.request(call.method, call.template, {
        ...this.#requestParts(call, upload?.type),
        ...(upload === undefined || apart !== undefined ? {} : { body: upload.body, bodySerializer: asItIs }),
        signal: ended.signal,
        fetch: async (request: Request) => {
          const url = new URL(request.url);
          watch.path = this.#settings.scrubber.text(url.pathname + url.search);
          facts = this.facts(call, url.pathname + url.search);
          sent = true;
          response = await this.#send(request, apart);
          return response;
        },
      });
      if (response === undefined) throw badResponse(facts, 'no answer came through', 0);
      const { status, headers } = response;
      if (!response.ok) {
        throw answerFailure(facts, { status, body: error, retryAfterMs: this.#retryAfterMs(headers) });
      }
      if (call.download === true) return { status, body: await bytesOf(facts, response) };
      return { status, body: checkedBody(facts, status, await response.text()) };
    } catch (error) {
      if (error instanceof OntapError) throw error;
      if (ended.signal.aborted) throw ended.signal.reason;
      if (response !== undefined) throw cutShort(facts, response.status, error);
      throw sent ? transportFailure(facts, error) : unsendable(facts, error);
    } finally {
      finished.abort();
      signal.removeEventListener('abort', onAbort);
    }
  }

  #requestParts(call: Call, uploadType: string | undefined) {
    const { authorization, base } = this.#settings;
    return {
      baseUrl: `${base}/api`,
      params: {
        ...(call.opaque ? {} : { path: call.path ?? {} }),
        query: call.query ?? {},
      },
      pathSerializer: () => `${base}/api${filledPath(call.template, call.path ?? {})}`,
      headers: {
        Accept: call.download === true ? BYTES_ACCEPTED : 'application/json',
        ...(uploadType === undefined ? {} : { 'Content-Type': uploadType }),
        ...(authorization === undefined ? {} : { Authorization: authorization }),
        ...(call.svm === undefined ? {} : { 'X-Dot-SVM-Name': call.svm }),
      },
      ...(call.body === undefined ? {} : { body: call.body }),
      parseAs: 'stream' as const,
      redirect: 'manual' as const,
    };
  }

  /** The time limit leaves ONTAP the time that the call itself asks it to take. */
  #timeoutMs(call: Call): number {
    const asked = call.query?.['return_timeout'];
    const seconds = typeof asked === 'number' ? asked : 0;
    return (call.timeoutMs ?? this.#settings.requestTimeoutMs) + seconds * 1000;
  }

  /** `Retry-After`, in seconds or as a date. */
  #retryAfterMs(headers: Headers): number | undefined {
    const text = headers.get('retry-after')?.trim();
    if (text === undefined || text === '') return undefined;
    const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - this.env.clock.now();
    return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
  }

  /** One line and one span for each request. */
  #watch(call: Call, attempt: number): Watch {
    const { clock, logger, tracer } = this.env;
    const { scrubber } = this.#settings;
    const method = call.method.toUpperCase();
    const template = call.opaque ? call.template.replace(/\?.*/s, '') : call.template;
    const startedAt = clock.now();
    const span: Span | undefined = tracer?.startSpan(`${method} ${scrubber.text(template)}`, {
      attributes: {
        'http.request.method': method,
        'http.request.resend_count': attempt - 1,
        'server.address': this.cluster,
        'url.template': scrubber.text(template),
      },
    });
    const watch: Watch = {
      path: scrubber.text(template),
      ended: (status, error) => {
        const ms = clock.now() - startedAt;
        const code = error instanceof OntapError ? error.code : undefined;
        logger.debug(
          {
            cluster: this.cluster,
            method,
            path: watch.path,
            status,
            ms,
            attempt,
            ...(code === undefined ? {} : { code }),
          },
          'ONTAP request',
        );
        if (status !== undefined) span?.setAttribute('http.response.status_code', status);
        if (error !== undefined) span?.setStatus({ code: 2, message: code ?? 'interrupted' });
        span?.end();
      },
    };
    return watch;
  }

  #warnOfRisks(): void {
    const { base, verify, authorization, transport } = this.#settings;
    if (transport !== undefined) return;
    const { logger } = this.env;
    if (base.startsWith('http:') && authorization !== undefined) {
      logger.warn({ cluster: this.cluster }, 'the password travels unencrypted: scheme is http');
    } else if (!verify) {
      logger.warn(
        { cluster: this.cluster },
        'TLS certificates are not verified: anybody in between can read the password',
      );
    }
  }
}

/** openapi-fetch without its types: the class in front has checked the call, and links have no type. */
interface UntypedApi {
  request(method: Method, path: string, init: object): Promise<{ readonly error?: unknown }>;
}

interface Watch {
  /** Path and query once they are known. */
  path: string;
  ended(status: number | undefined, error?: unknown): void;
}

/** Failures after which the same request may succeed, given that it may be sent again at all. */
function mayBeRetried(error: OntapError): boolean {
  const passing =
    error.code === 'ONTAP_BUSY' || error.code === 'ONTAP_UNREACHABLE' || error.code === 'ONTAP_BAD_RESPONSE';
  return passing && error.retryable;
}

function isWorthRepeating(error: OntapError, repeatable: boolean): boolean {
  return mayBeRetried(error) && (repeatable || effectOf(error) === 'none');
}

const asItIs = (body: unknown) => body;

/** An answer in JSON where bytes were asked for is a failure, or of a path that has none. */
async function bytesOf(facts: CallFacts, response: Response): Promise<Uint8Array> {
  const type = response.headers.get('content-type');
  const body = new Uint8Array(await response.arrayBuffer());
  const bytes = bytesInAnswer(type, body);
  if (bytes !== undefined) return bytes;
  const text = new TextDecoder().decode(body.subarray(0, 4096));
  if (/json/i.test(type ?? '')) checkedBody(facts, response.status, text);
  throw badResponse(facts, `the answer is no bytes but ${type ?? 'of no type'}`, response.status, text);
}

/** JSON, or nothing. ONTAP may also report a failure under a success's status. */
function checkedBody(facts: CallFacts, status: number, text: string): unknown {
  if (text.trim() === '') return undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw badResponse(facts, 'the answer is not JSON', status, text);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badResponse(facts, 'the answer is not a JSON object', status, text);
  }
  if (ontapErrorIn(body) !== undefined) throw answerFailure(facts, { status, body, retryAfterMs: undefined });
  return body;
}
