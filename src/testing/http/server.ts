/** The fronts over real sockets: one HTTP or HTTPS server per cluster. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../env.ts';
import { Work } from '../clock.ts';
import type { SimulatedCluster } from '../cluster.ts';
import { CertificateAuthority, type KeyPair } from '../tls.ts';
import { ConnectionBroken, encodingOf, type SimResponse } from './message.ts';

/** Where and how to listen. */
export interface ListenOptions {
  /** HTTPS, with certificates made for the occasion; clients may log in by certificate. */
  readonly tls?: boolean;
  /** Of the first cluster; the others follow. Default 0: any free ones. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /**
   * Told when the simulator itself fails at a request, which is answered with 500. By default the failure is thrown where nobody
   * catches it, so that a test run sees it.
   */
  readonly onFailure?: (error: unknown) => void;
}

export class Listeners {
  readonly #clusters: readonly SimulatedCluster[];
  readonly #clock: Clock;
  readonly #byCluster = new Map<SimulatedCluster, Listener>();
  #authority: CertificateAuthority | undefined;

  constructor(clusters: readonly SimulatedCluster[], clock: Clock) {
    this.#clusters = clusters;
    this.#clock = clock;
    for (const cluster of clusters) {
      cluster.onLife((alive) => {
        if (!alive) this.#byCluster.get(cluster)?.cut();
      });
    }
  }

  get tls(): { readonly ca: string } | undefined {
    return this.#authority && { ca: this.#authority.certificate };
  }

  async open({ tls = false, port = 0, host = '127.0.0.1', onFailure = thrown }: ListenOptions): Promise<void> {
    if (this.#byCluster.size > 0) throw new Error('the simulated ONTAP listens already');
    const authority = tls ? await CertificateAuthority.create() : undefined;
    const keys = await authority?.server();
    this.#authority = authority;
    for (const [index, cluster] of this.#clusters.entries()) {
      cluster.listensWith(await authority?.client(cluster.user));
      const trust = keys && authority && { ...keys, ca: authority.certificate };
      const listener = new Listener(cluster, this.#clock, trust, onFailure);
      await listener.open(port === 0 ? 0 : port + index, host);
      this.#byCluster.set(cluster, listener);
      const shown = host.includes(':') ? `[${host}]` : host;
      cluster.url = `${tls ? 'https' : 'http'}://${shown}:${listener.port}`;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byCluster.values()].map((listener) => listener.close()));
    this.#byCluster.clear();
    this.#authority = undefined;
    for (const cluster of this.#clusters) {
      cluster.listensWith(undefined);
      cluster.url = `https://${cluster.name}.sim`;
    }
  }
}

/** Where nobody catches it. */
function thrown(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/**
 * One cluster's port. It is kept while the cluster is dead, so that nobody else can take it: whoever connects then is cut
 * off at once.
 */
class Listener {
  readonly #cluster: SimulatedCluster;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #failed: (error: unknown) => void;

  constructor(
    cluster: SimulatedCluster,
    clock: Clock,
    trust: (KeyPair & { readonly ca: string }) | undefined,
    failed: (error: unknown) => void,
  ) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#failed = failed;
    const onRequest: RequestListener = (request, response) => void this.#serve(request, response);
    this.#server = trust
      ? createTlsServer({ ...trust, requestCert: true, rejectUnauthorized: false }, onRequest)
      : createServer(onRequest);
    this.#server.on('connection', (socket: Socket) => this.#connected(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @throws Error of the system when the port cannot be had */
  async open(port: number, host: string): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #connected(socket: Socket): void {
    // Who connects looks at the time: a cluster that was gone for a while comes back by itself.
    this.#cluster.settle();
    if (!this.#cluster.alive) {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const work = new Work(this.#clock);
    const finished = new Promise<void>((resolve) => response.once('close', resolve));
    try {
      const [path = '/', ...rest] = (request.url ?? '/').split('?');
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
      );
      const body = await textOf(request, encodingOf(headers)).catch(() => undefined);
      if (body === undefined) return;
      const answered = await work.outside(
        this.#cluster.handle({
          method: request.method ?? 'GET',
          path,
          query: rest.join('?'),
          headers,
          body,
          peerCertificate: verifiedSubject(request),
        }),
      );
      send(response, answered);
      await finished;
    } catch (error) {
      if (!(error instanceof ConnectionBroken)) {
        send(response, failureOf(error));
        await finished;
        this.#failed(error);
        return;
      }
      if (error.partial) await sendHalf(response, error.partial);
      request.socket.destroy();
    } finally {
      work.end();
    }
  }
}

/** Of the simulator itself: ONTAP has no such answer. */
function failureOf(error: unknown): SimResponse {
  const message = `The simulated ONTAP failed: ${error instanceof Error ? error.message : error}`;
  return {
    status: 500,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: { code: 'simulator', message } }),
  };
}

async function textOf(request: IncomingMessage, encoding: 'latin1' | 'utf8'): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString(encoding);
}

function verifiedSubject({ socket }: IncomingMessage): { commonName: string } | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  const name = subject?.CN;
  return name === undefined ? undefined : { commonName: Array.isArray(name) ? (name[0] ?? '') : name };
}

function send(response: ServerResponse, { status, headers, body }: SimResponse): void {
  const bytes = Buffer.from(body, encodingOf(headers));
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  response.end(bytes);
}

function sendHalf(response: ServerResponse, { status, headers, body }: SimResponse): Promise<void> {
  response.writeHead(status, { ...headers, 'content-length': 2 * Buffer.byteLength(body) + 1 });
  return new Promise((resolve) => {
    response.write(body, () => resolve());
  });
}
