/** The routes of the control plane: what each takes, does and answers. */
import { z } from 'zod';
import type { SimulatedCluster } from './cluster.ts';
import { CONTENT_PATTERNS, type ContentSpec, writeContent, writeGenerated } from './content.ts';
import { fitting, Unfit } from './control-values.ts';
import type { Fault } from './faults.ts';
import type { RandomFaultRates } from './random-faults.ts';
import { CONTENT, FAULT, RANDOM_FAULTS } from './scenario/form.ts';
import type { SimulatedSnapshot, SimulatedVolume } from './volume.ts';
import type { SimulatedOntap } from './world.ts';

/** One request to the control plane. */
export interface ControlRequest {
  readonly world: SimulatedOntap;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON of the body; an empty object when there is none. */
  readonly given: unknown;
  readonly bytes: Uint8Array;
}

export interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** For people: what it does, takes and answers. */
  readonly does: string;
  /** The body, as an example, where there is one. */
  readonly body?: string;
  readonly takesBytes?: true;
  act(request: ControlRequest): unknown;
}

const VOLUME = '/clusters/{cluster}/svms/{svm}/volumes/{volume}';

export const CONTROL_ROUTES: readonly ControlRoute[] = [
  {
    method: 'GET',
    path: '/',
    does: 'the world: clusters with their addresses, users and what they own, the clock, and these routes',
    act: ({ world }) => ({
      ...world.describe(),
      clock: clockOf(world),
      latencyMs: world.latencyMs,
      routes: CONTROL_ROUTES.map(({ method, path, does }) => ({ method, path, does })),
    }),
  },

  // ---- time
  {
    method: 'GET',
    path: '/clock',
    does: 'the time of the clusters, and the speed of their clock',
    act: ({ world }) => clockOf(world),
  },
  {
    method: 'POST',
    path: '/clock/advance',
    does: 'moves on by `ms`; all that is due on the way has happened when the answer comes',
    body: '{"ms": 3600000}',
    async act({ world, given }) {
      const { ms } = fitting(z.strictObject({ ms: z.number().min(0) }), given);
      const { clock } = world;
      if (!('advance' in clock) || typeof clock.advance !== 'function') {
        throw new Unfit('the clock of this world cannot be advanced', 409);
      }
      await clock.advance(ms);
      world.settle();
      return clockOf(world);
    },
  },
  {
    method: 'POST',
    path: '/clock/speed',
    does: 'simulated seconds per real second; 0 stands still. 409 on a virtual clock',
    body: '{"speed": 60}',
    act({ world, given }) {
      const { speed } = fitting(z.strictObject({ speed: z.number().min(0) }), given);
      const { clock } = world;
      if (!('speed' in clock)) throw new Unfit('the clock of this world has no speed', 409);
      Object.assign(clock, { speed });
      return clockOf(world);
    },
  },
  {
    method: 'POST',
    path: '/clock/jump',
    does: 'sets the clock of all clusters ahead, or back when negative; what is under way takes as long as it would have',
    body: '{"ms": -3600000}',
    act({ world, given }) {
      world.jumpClock(fitting(z.strictObject({ ms: z.number() }), given).ms);
      return clockOf(world);
    },
  },
  {
    method: 'POST',
    path: '/latency',
    does: 'how long every answer takes from now on, by the clock',
    body: '{"ms": 20}',
    act({ world, given }) {
      world.latencyMs = fitting(z.strictObject({ ms: z.number().min(0) }), given).ms;
      return { latencyMs: world.latencyMs };
    },
  },

  // ---- life and death, and what goes wrong
  {
    method: 'POST',
    path: '/clusters/{cluster}/kill',
    does: 'nobody reaches the cluster any more; with `forMs` it comes back by itself',
    body: '{"forMs": 129600000}',
    act(request) {
      const cluster = clusterOf(request);
      const { forMs } = fitting(z.strictObject({ forMs: z.number().positive().optional() }), request.given);
      if (forMs === undefined) cluster.kill();
      else cluster.goneFor(forMs);
      return { name: cluster.name, alive: cluster.alive };
    },
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/revive',
    does: 'the cluster answers again, with all that it had',
    act(request) {
      const cluster = clusterOf(request);
      cluster.revive();
      return { name: cluster.name, alive: cluster.alive };
    },
  },
  {
    method: 'GET',
    path: '/clusters/{cluster}/faults',
    does: 'the faults that are still to strike, with how often they did',
    act: (request) => ({ faults: clusterOf(request).faults.map(shownFault) }),
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/faults',
    does: 'adds a fault (see Faults); answers its `id`',
    body: '{"kind": "http", "status": 503, "path": "/storage/*", "times": 2}',
    act(request) {
      const cluster = clusterOf(request);
      cluster.addFault(fitting(FAULT, request.given) as Fault);
      return shownFault(cluster.faults[cluster.faults.length - 1]);
    },
  },
  {
    method: 'DELETE',
    path: '/clusters/{cluster}/faults',
    does: 'takes back all faults of the cluster',
    act(request) {
      clusterOf(request).removeFaults();
      return {};
    },
  },
  {
    method: 'DELETE',
    path: '/clusters/{cluster}/faults/{id}',
    does: 'takes back one fault',
    act(request) {
      const cluster = clusterOf(request);
      const id = Number(request.parameters['id']);
      if (!cluster.faults.some((fault) => fault.id === id)) {
        throw new Unfit(`${cluster.name} has no fault ${request.parameters['id']} that is still to strike`, 404);
      }
      cluster.removeFaults(id);
      return {};
    },
  },
  {
    method: 'PUT',
    path: '/random-faults',
    does: 'from now on faults are drawn by seed with every request (see Random faults)',
    body: '{"seed": 7, "rates": {"http": 0.05, "answer-lost": 0.02}, "budget": 20}',
    act({ world, given }) {
      world.drawFaults(fitting(RANDOM_FAULTS, given) as RandomFaultRates);
      return {};
    },
  },
  {
    method: 'GET',
    path: '/random-faults',
    does: 'what was drawn so far, each as a fault that strikes the same request when it is added in its place',
    act: ({ world }) => ({
      drawn: (world.randomFaults?.log ?? []).map((one) => ({ ...one, fault: writtenFault(one.fault) })),
    }),
  },
  {
    method: 'DELETE',
    path: '/random-faults',
    does: 'no more faults are drawn',
    act({ world }) {
      world.drawFaults(undefined);
      return {};
    },
  },

  // ---- content
  {
    method: 'GET',
    path: '/clusters/{cluster}/volumes',
    does: 'volumes of the cluster with type, state, size and snapshots',
    act: (request) => ({ volumes: clusterOf(request).volumes.map(shownVolume) }),
  },
  {
    method: 'GET',
    path: VOLUME,
    does: 'the volume, its files and snapshots',
    act(request) {
      const volume = volumeOf(request);
      return { ...shownVolume(volume), files: volume.files() };
    },
  },
  {
    method: 'POST',
    path: `${VOLUME}/content`,
    does: 'writes generated files: `size` or `share` of the volume, `files`, `pattern`, `seed`, `directory`',
    body: '{"size": "10MiB", "files": 4, "pattern": "random", "seed": 1}',
    act: (request) => writeContent(volumeOf(request), fitting(CONTENT, request.given) as ContentSpec),
  },
  {
    method: 'POST',
    path: `${VOLUME}/files`,
    does: 'writes to one file at `offset`: `text`, `base64`, or so many generated bytes (`length`, `pattern`, `seed`)',
    body: '{"path": "/data/f", "offset": 0, "text": "hello"}',
    act(request) {
      const volume = volumeOf(request);
      const { path, offset = 0, text, base64, length, pattern, seed } = fitting(WRITE, request.given);
      if (length !== undefined) {
        writeGenerated(volume, path, offset, length, {
          ...(pattern && { pattern }),
          ...(seed !== undefined && { seed }),
        });
        return { bytes: length };
      }
      const bytes = Buffer.from(text ?? base64 ?? '', text === undefined ? 'base64' : 'utf8');
      volume.write(path, offset, bytes);
      return { bytes: bytes.length };
    },
  },
  {
    method: 'GET',
    path: `${VOLUME}/files`,
    does: 'reads a file: `?path=/data/f&offset=0&length=100&snapshot=S`; the bytes as they are',
    act(request) {
      const { query } = request;
      const [path, offset, length] = [query.get('path'), query.get('offset') ?? '0', query.get('length')];
      if (path === null) throw new Unfit('which file? ?path=/data/f');
      const numbers = [offset, length ?? '0'];
      if (numbers.some((text) => !/^\d+$/.test(text))) throw new Unfit('offset and length are whole numbers');
      return contentOf(request).read(path, Number(offset), length === null ? undefined : Number(length));
    },
  },
  {
    method: 'DELETE',
    path: `${VOLUME}/files`,
    does: 'removes a file: `?path=/data/f`',
    act(request) {
      const path = request.query.get('path');
      if (path === null) throw new Unfit('which file? ?path=/data/f');
      volumeOf(request).remove(path);
      return {};
    },
  },
  {
    method: 'POST',
    path: `${VOLUME}/punch`,
    does: 'makes a hole in a file: the blocks that lie in it whole are given back',
    body: '{"path": "/data/f", "offset": 0, "length": 4096}',
    act(request) {
      const { path, offset, length } = fitting(PUNCH, request.given);
      volumeOf(request).punch(path, offset, length);
      return {};
    },
  },
  {
    method: 'GET',
    path: `${VOLUME}/digest`,
    does: 'SHA-256 over names, sizes and content, of the volume or of `?snapshot=S`: equal digests, equal data',
    act: (request) => ({ digest: contentOf(request).digest() }),
  },

  // ---- what was asked, and the world as a file
  {
    method: 'GET',
    path: '/requests',
    does: 'how many requests the clusters got, and the last of them (100 000 at least), in the order of the answers; `?since=N` leaves the first N out',
    act({ world, query }) {
      const since = query.get('since') ?? '0';
      if (!/^\d+$/.test(since)) throw new Unfit('since is a whole number');
      const { requests, requestsForgotten } = world;
      const count = requestsForgotten + requests.length;
      return { count, requests: requests.slice(Math.max(0, Number(since) - requestsForgotten)) };
    },
  },
  {
    method: 'GET',
    path: '/world',
    does: 'the whole world as a file: `curl -o world.sim`',
    act: ({ world }) => world.save(),
  },
  {
    method: 'PUT',
    path: '/world',
    does: 'goes on as the world of a file, on the same ports: `curl -T world.sim`; it must have the same clusters',
    takesBytes: true,
    act({ world, bytes }) {
      world.restore(bytes);
      return clockOf(world);
    },
  },
];

const path = z.string().min(1);
const whole = z.number().int().nonnegative();
const PUNCH = z.strictObject({ path, offset: whole, length: whole });
const WRITE = z
  .strictObject({
    path,
    offset: whole.optional(),
    text: z.string().optional(),
    base64: z.base64().optional(),
    length: whole.max(2 ** 31).optional(),
    pattern: z.enum(CONTENT_PATTERNS).optional(),
    seed: z.number().int().optional(),
  })
  .refine(
    ({ text, base64, length }) => [text, base64, length].filter((given) => given !== undefined).length === 1,
    'give one of text, base64 and length',
  );

function clockOf(world: SimulatedOntap): object {
  const { clock } = world;
  const speed = 'speed' in clock ? { speed: clock.speed } : {};
  return { now: new Date(world.now).toISOString(), epochMs: world.now, ...speed };
}

function clusterOf({ world, parameters }: ControlRequest): SimulatedCluster {
  const name = parameters['cluster'];
  const cluster = world.clusters.find((known) => known.name === name);
  if (!cluster)
    throw new Unfit(`there is no cluster ${name}, only ${world.clusters.map((one) => one.name).join(', ')}`, 404);
  return cluster;
}

function volumeOf(request: ControlRequest): SimulatedVolume {
  const { svm, volume } = request.parameters;
  const cluster = clusterOf(request);
  const found = cluster.volumes.find((known) => known.path === `${svm}:${volume}`);
  if (!found) throw new Unfit(`${cluster.name} has no volume ${svm}:${volume}`, 404);
  return found;
}

/** The volume as it is, or the snapshot that the query names. */
function contentOf(request: ControlRequest): SimulatedVolume | SimulatedSnapshot {
  const volume = volumeOf(request);
  const snapshot = request.query.get('snapshot');
  if (snapshot === null) return volume;
  if (!volume.snapshots().includes(snapshot)) throw new Unfit(`${volume.path} has no snapshot ${snapshot}`, 404);
  return volume.snapshot(snapshot);
}

function shownVolume(volume: SimulatedVolume): object {
  const { uuid, name, svm, type, style, state, sizeBytes } = volume;
  return {
    uuid,
    name,
    svm: svm.name,
    type,
    style,
    state,
    sizeBytes,
    usedBytes: volume.usedBytes(),
    snapshots: volume.snapshots(),
  };
}

function shownFault(entry: SimulatedCluster['faults'][number] | undefined): object {
  if (!entry) return {};
  const { id, struck, fault } = entry;
  return { id, struck, fault: writtenFault(fault) };
}

/** As it is given in JSON: without Infinity and regular expressions. */
function writtenFault(fault: Fault): object {
  const { times, path: pattern, ...rest } = fault;
  return {
    ...rest,
    ...(times === undefined ? {} : { times: times === Number.POSITIVE_INFINITY ? 'always' : times }),
    ...(pattern === undefined ? {} : { path: String(pattern) }),
  };
}
