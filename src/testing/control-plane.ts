/**
 * What tests in any language need beside the ONTAP API, over HTTP: the clock, life and death, faults, content, the world
 * as a file. Bound to 127.0.0.1, JSON in and out. Every route is a row of CONTROL_ROUTES; the table of docs/simulator.md
 * is made of them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError, DataMotionError } from '../errors.ts';
import { CONTROL_ROUTES, type ControlRoute } from './control-routes.ts';
import { Unfit } from './control-values.ts';
import type { SimulatedOntap } from './world.ts';

/** A running control plane. */
export interface ControlPlane {
  /** `http://127.0.0.1:4711` */
  readonly url: string;
  /** Stops listening; the world goes on. */
  close(): Promise<void>;
}

/** Opens the control plane of a world on a port of 127.0.0.1; 0, the default, is any free one. */
export async function openControlPlane(world: SimulatedOntap, { port = 0 } = {}): Promise<ControlPlane> {
  const server = createServer((request, response) => void serve(world, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${bound}`, close: () => closed(server) };
}

async function serve(world: SimulatedOntap, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let answer: { status: number; body: unknown; headers?: Record<string, string> };
  try {
    refuseStrangers(request);
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const { route, parameters } = found(request.method ?? 'GET', url.pathname);
    const body = await bytesOf(request);
    const given = route.takesBytes ? {} : jsonOf(body);
    answer = { status: 200, body: await route.act({ world, parameters, query: url.searchParams, given, bytes: body }) };
  } catch (error) {
    answer = refusal(error);
  }
  const { status, body, headers } = answer;
  if (body instanceof Uint8Array) {
    response.writeHead(status, { 'content-type': 'application/octet-stream', 'content-length': body.length });
    response.end(body);
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Pages in a browser may send requests to 127.0.0.1 too: they name their origin, or a host of another name. */
function refuseStrangers({ headers }: IncomingMessage): void {
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(host);
  if (headers.origin !== undefined || !local) throw new Unfit('requests of web pages are not served', 403);
}

function found(method: string, path: string): { route: ControlRoute; parameters: Readonly<Record<string, string>> } {
  const fitting = CONTROL_ROUTES.flatMap((route) => {
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    const pattern = new RegExp(`^${route.path.replace(/\{\w+\}/g, '([^/]+)')}$`);
    const match = pattern.exec(path);
    if (!match) return [];
    return [{ route, parameters: Object.fromEntries(names.map((name, i) => [name, decoded(match[i + 1] ?? '')])) }];
  });
  const right = fitting.find(({ route }) => route.method === method);
  if (right) return right;
  const methods = fitting.map(({ route }) => route.method);
  if (methods.length > 0) throw new Unfit(`${path} has no ${method}, only ${methods.join(', ')}`, 405, methods);
  throw new Unfit(`there is no ${path}; GET / lists what there is`, 404);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Unfit(`${text} is no part of a URL`);
  }
}

function jsonOf(body: Buffer): unknown {
  const text = body.toString('utf8');
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Unfit(`the body is no JSON: ${error instanceof Error ? error.message : error}`);
  }
}

const LARGEST_BODY_BYTES = 2 ** 31;

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > LARGEST_BODY_BYTES) throw new Unfit('the body is larger than 2 GiB', 413);
  }
  return Buffer.concat(chunks);
}

function refusal(error: unknown): { status: number; body: unknown; headers?: Record<string, string> } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Unfit) {
    const headers = error.allowed ? { headers: { allow: error.allowed.join(', ') } } : {};
    return { status: error.status, body: { error: { message } }, ...headers };
  }
  if (error instanceof ConfigError) return { status: 400, body: { error: { message, problems: error.problems } } };
  // The volume model refuses: a path that is not there, a volume that is full, offline or read-only.
  if (error instanceof DataMotionError)
    return { status: error.code === 'WAFL_NOT_FOUND' ? 404 : 409, body: { error: { code: error.code, message } } };
  return { status: 400, body: { error: { message } } };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
