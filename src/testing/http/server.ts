/** The fronts over real sockets: one HTTP or HTTPS server per cluster. */
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
}

export class Listeners {
  readonly #clusters: readonly SimulatedCluster[];
  readonly #clock: Clock;
  readonly #byCluster = new Map<SimulatedCluster, Listener>();
  #authority: CertificateAuthority | undefined;
  #closed = new AbortController();

  constructor(clusters: readonly SimulatedCluster[], clock: Clock) {
    this.#clusters = clusters;
    this.#clock = clock;
    for (const cluster of clusters) {
      cluster.onLife((alive) => {
        const listener = this.#byCluster.get(cluster);
        void (alive ? listener?.open() : listener?.close());
        if (listener && !alive) this.#awaitRevival(cluster).catch(() => {});
      });
    }
  }

  get tls(): { readonly ca: string } | undefined {
    return this.#authority && { ca: this.#authority.certificate };
  }

  async open({ tls = false, port = 0, host = '127.0.0.1' }: ListenOptions): Promise<void> {
    if (this.#byCluster.size > 0) throw new Error('the simulated ONTAP listens already');
    const authority = tls ? await CertificateAuthority.create() : undefined;
    const keys = await authority?.server();
    this.#authority = authority;
    for (const [index, cluster] of this.#clusters.entries()) {
      cluster.listensWith(await authority?.client(cluster.user));
      const trust = keys && authority && { ...keys, ca: authority.certificate };
      const listener = new Listener(cluster, this.#clock, trust, host, port === 0 ? 0 : port + index);
      await listener.open();
      this.#byCluster.set(cluster, listener);
      const shown = host.includes(':') ? `[${host}]` : host;
      cluster.url = `${tls ? 'https' : 'http'}://${shown}:${listener.port}`;
    }
  }

  /** A cluster that is gone for a while comes back by itself: nobody can ask it to look at the time. */
  async #awaitRevival(cluster: SimulatedCluster): Promise<void> {
    for (let ms = cluster.revivesInMs; ms !== undefined && ms > 0; ms = cluster.revivesInMs) {
      await this.#clock.sleep(ms, this.#closed.signal);
      cluster.settle();
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#closed = new AbortController();
    await Promise.all([...this.#byCluster.values()].map((listener) => listener.close()));
    this.#byCluster.clear();
    this.#authority = undefined;
    for (const cluster of this.#clusters) {
      cluster.listensWith(undefined);
      cluster.url = `https://${cluster.name}.sim`;
    }
  }
}

/** One cluster's port. It can be closed and opened again, and then has the same number. */
class Listener {
  readonly #cluster: SimulatedCluster;
  readonly #clock: Clock;
  readonly #trust: (KeyPair & { readonly ca: string }) | undefined;
  readonly #host: string;
  #port: number;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #ready: Promise<void> = Promise.resolve();

  constructor(
    cluster: SimulatedCluster,
    clock: Clock,
    trust: (KeyPair & { readonly ca: string }) | undefined,
    host: string,
    port: number,
  ) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#trust = trust;
    this.#host = host;
    this.#port = port;
  }

  get port(): number {
    return this.#port;
  }

  open(): Promise<void> {
    this.#ready = this.#ready.then(() => this.#listen());
    return this.#ready;
  }

  close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    // Synchronously: from this moment nobody gets through.
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#ready = this.#ready.then(() => (server?.listening ? closed(server) : undefined));
    return this.#ready;
  }

  #listen(): Promise<void> {
    if (this.#server) return Promise.resolve();
    const trust = this.#trust;
    const onRequest: RequestListener = (request, response) => void this.#serve(request, response);
    const server = trust
      ? createTlsServer({ ...trust, requestCert: true, rejectUnauthorized: false }, onRequest)
      : createServer(onRequest);
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#host, () => {
        server.off('error', reject);
        this.#port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const work = new Work(this.#clock);
    const finished = new Promise<void>((resolve) => response.once('close', resolve));
    try {
      const [path = '/', ...rest] = (request.url ?? '/').split('?');
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
      );
      const body = await textOf(request, encodingOf(headers));
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
      const partial = error instanceof ConnectionBroken ? error.partial : undefined;
      if (partial) await sendHalf(response, partial);
      request.socket.destroy();
      if (!(error instanceof ConnectionBroken) && !request.destroyed) throw error;
    } finally {
      work.end();
    }
  }
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

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.once('close', () => resolve());
  });
}
