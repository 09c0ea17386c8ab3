/**
 * Stands between a client and a real S3 server, and does to their connections what networks and busy servers do. Requests
 * go through as they were signed; what happens to each is for the caller's `judge` to say.
 */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/**
 * - `cut-request` the connection breaks in the middle of the request's body; `cut-answer` of the answer's
 * - `lose-answer` the server did it, and the answer never comes: the connection breaks
 * - `stall` the server did it, and nothing comes, for as long as the client waits; `deaf` the same, and it did nothing
 * - `slow-down` 503 SlowDown, nothing done; `slow-start` the first byte comes late
 * - `skew` the server's clock is another: RequestTimeTooSkewed, with its Date
 * - `truncate-xml` an answer in XML ends in the middle, with a length that fits; `drop-entry` a listing lacks one
 * - `damage-request`, `damage-answer` one bit of the body is another
 * - `no-condition` 501 to a conditional request, as OpenStack Swift answers it; nothing is done
 */
export const PROXY_FAULTS = [
  'cut-request',
  'cut-answer',
  'lose-answer',
  'stall',
  'deaf',
  'slow-down',
  'slow-start',
  'skew',
  'truncate-xml',
  'drop-entry',
  'damage-request',
  'damage-answer',
  'no-condition',
] as const;
export type ProxyFault = (typeof PROXY_FAULTS)[number];

/** What a judge sees of a request. */
export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  readonly sizeBytes: number;
  /** It has If-None-Match. */
  readonly conditional: boolean;
}

export type Judge = (request: ProxiedRequest) => ProxyFault | undefined;

export class FaultProxy {
  readonly struck = new Map<ProxyFault, number>();
  requests = 0;
  judge: Judge = () => undefined;
  readonly #upstream: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(upstream: string) {
    this.#upstream = new URL(upstream);
    this.#server = createServer((incoming, outgoing) => {
      this.#serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
    this.#server.on('connection', (socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param upstream `http://host:port` */
  static async before(upstream: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstream);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url = '' } = incoming;
    this.requests++;
    const body = await wholeOf(incoming);
    const fault = this.judge({
      method,
      url,
      sizeBytes: body.length,
      conditional: incoming.headers['if-none-match'] !== undefined,
    });
    if (fault === undefined || !this.#applies(fault, body, url))
      return answer(outgoing, await this.#forward(incoming, body));
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1);
    switch (fault) {
      case 'slow-down':
        return answer(outgoing, refusal(503, 'SlowDown', 'Please reduce your request rate.'));
      case 'no-condition':
        return answer(outgoing, refusal(501, 'NotImplemented', 'If-None-Match'));
      case 'skew':
        return answer(outgoing, skewed());
      case 'deaf':
        return;
      case 'cut-request':
        await this.#cutRequest(incoming, body);
        return void outgoing.destroy();
      case 'damage-request':
        return answer(outgoing, await this.#forward(incoming, damaged(body, this.requests)));
      case 'slow-start':
        await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
        return answer(outgoing, await this.#forward(incoming, body));
      default:
        return spoil(fault, outgoing, await this.#forward(incoming, body), this.requests);
    }
  }

  /** A fault of bodies needs a body; one of listings needs a listing. */
  #applies(fault: ProxyFault, body: Uint8Array, url: string): boolean {
    if (fault === 'cut-request' || fault === 'damage-request') return body.length > 1;
    if (fault === 'truncate-xml' || fault === 'drop-entry') return /[?&]list-type=2/.test(url);
    return true;
  }

  #forward(incoming: IncomingMessage, body: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#upstreamRequest(incoming)
        .on('response', (response) => {
          wholeOf(response).then(
            (content) => resolve({ status: response.statusCode ?? 502, headers: response.rawHeaders, body: content }),
            reject,
          );
        })
        .on('error', reject)
        .end(body);
    });
  }

  /** Half of the body, then nothing more; resolves when the server has noticed. */
  #cutRequest(incoming: IncomingMessage, body: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const half = this.#upstreamRequest(incoming);
      half.on('error', () => {}).on('close', () => resolve());
      half.write(body.subarray(0, body.length / 2), () => setImmediate(() => half.destroy()));
    });
  }

  #upstreamRequest({ method, url, rawHeaders }: IncomingMessage): ClientRequest {
    const { hostname, port } = this.#upstream;
    // The host that was signed, not ours to change.
    return request({ hostname, port, method, path: url, headers: rawHeaders, setHost: false, agent: false });
  }
}

interface Answer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

const SLOW_MS = 20;

function answer(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  outgoing.writeHead(status, withLength(headers, body.length));
  outgoing.end(outgoing.req.method === 'HEAD' ? undefined : body);
}

function spoil(fault: ProxyFault, outgoing: ServerResponse, whole: Answer, number: number): void {
  const { status, headers, body } = whole;
  switch (fault) {
    case 'lose-answer':
      return void outgoing.destroy();
    case 'stall':
      return;
    case 'cut-answer':
      if (body.length < 2 || outgoing.req.method === 'HEAD') return void outgoing.destroy();
      outgoing.writeHead(status, withLength(headers, body.length));
      outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
      return;
    case 'truncate-xml':
      answer(outgoing, { status, headers, body: body.subarray(0, body.length / 2) });
      return;
    case 'drop-entry':
      answer(outgoing, { status, headers, body: withoutLastEntry(body) });
      return;
    case 'damage-answer':
      // What the server says of an error is not protected by anything; damaged it may mean anything.
      answer(outgoing, { status, headers, body: status === 200 ? damaged(body, number) : body });
      return;
    default:
      answer(outgoing, whole);
  }
}

/** As the server has it, but for the length of a body that was changed. */
function withLength(headers: readonly string[], sizeBytes: number): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2);
    if (/^(transfer-encoding|connection|keep-alive)$/i.test(name)) continue;
    if (/^content-length$/i.test(name)) continue;
    kept.push(name, value);
  }
  const told = headers.findIndex((name, at) => at % 2 === 0 && /^content-length$/i.test(name));
  // An answer to HEAD speaks of a body that does not come.
  const length = sizeBytes === 0 && told >= 0 ? (headers[told + 1] ?? '0') : `${sizeBytes}`;
  return [...kept, 'Content-Length', length];
}

function refusal(status: number, code: string, message: string, headers: readonly string[] = []): Answer {
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: ['Content-Type', 'application/xml', ...headers], body: Buffer.from(text) };
}

/** Twenty minutes ahead, which is more than S3 allows. */
function skewed(): Answer {
  const date = new Date(Date.now() + 20 * 60_000).toUTCString();
  return refusal(
    403,
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
    ['Date', date],
  );
}

function withoutLastEntry(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString('utf8');
  const from = text.lastIndexOf('<Contents>');
  const to = text.lastIndexOf('</Contents>');
  return from < 0 ? body : Buffer.from(text.slice(0, from) + text.slice(to + '</Contents>'.length));
}

/** @param number damage on the way is another each time */
function damaged(body: Uint8Array, number: number): Uint8Array {
  const copy = Uint8Array.from(body);
  const at = (Math.floor(copy.length / 2) + number) % Math.max(1, copy.length);
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

async function wholeOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
