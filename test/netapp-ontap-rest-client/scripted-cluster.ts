import type { Env, Logger } from '../../src/env.ts';
import { OntapRestClient, type OntapRestClientOptions } from '../../src/netapp-ontap-rest-client/index.ts';
import { ManualClock } from './manual-clock.ts';

/** One scripted answer; an Error is thrown by the transport instead. */
export type Reply =
  | { readonly status?: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | Error;
export type Step = Reply | ((request: Recorded, signal: AbortSignal) => Reply | Promise<Reply>);

export interface Recorded {
  readonly method: string;
  /** Path and query below `/api`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: unknown;
  readonly redirect: string;
}

export interface LogLine {
  readonly level: keyof Logger;
  readonly facts: Record<string, unknown>;
  readonly message: string | undefined;
}

/** A client whose cluster answers by script; the last step repeats. Time stands still unless the test moves it. */
export function scriptedCluster(steps: readonly Step[], options: Partial<OntapRestClientOptions> = {}) {
  const clock = new ManualClock();
  const requests: Recorded[] = [];
  const log: LogLine[] = [];
  const transport = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const text = await request.text();
    const recorded: Recorded = {
      method: request.method,
      path: url.pathname.replace(/^\/api/, '') + url.search,
      query: url.searchParams,
      headers: request.headers,
      redirect: request.redirect,
      body: text === '' ? undefined : JSON.parse(text),
    };
    const step = steps[Math.min(requests.length, steps.length - 1)];
    requests.push(recorded);
    const reply = typeof step === 'function' ? await step(recorded, request.signal) : (step ?? {});
    if (reply instanceof Error) throw reply;
    const { status = 200, body, headers = {} } = reply;
    const payload = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
    return new Response(payload, { status, headers });
  };
  const env: Partial<Env> = { clock, logger: recordingLogger(log), random: { next: () => 0.5, uuid: () => 'uuid' } };
  const client = new OntapRestClient({
    host: 'cluster1',
    auth: { user: 'admin', password: 'netapp1!' },
    transport,
    ...options,
    env: { ...env, ...options.env },
  } as OntapRestClientOptions);
  return { client, clock, requests, log };
}

export function recordingLogger(log: LogLine[]): Logger {
  const at = (level: keyof Logger) => (facts: object, message?: string) => {
    log.push({ level, facts: facts as Record<string, unknown>, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** ONTAP's error envelope. */
export function refusal(code: string | number, message = 'refused', status = 400): Reply {
  return { status, body: { error: { code: String(code), message } } };
}

/** A connection that broke after the request was on its way. */
export function reset(): Error {
  return Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
}

/** A connection that never came about. */
export function refused(): Error {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
  return new TypeError('fetch failed', { cause });
}

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it succeeded');
}
