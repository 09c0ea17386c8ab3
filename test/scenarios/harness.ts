/**
 * A stage for DataMotion: two simulated clusters on a virtual clock that jumps by itself, a volume with content, and a
 * DataMotion configured for them, over real HTTP or in-process. `await using` closes it.
 */
import type { DataMotion, DataMotionParts, Pair } from '../../src/data-motion.ts';
import type { Clock } from '../../src/env.ts';
import type { DataMotionError } from '../../src/errors.ts';
import { createDataMotion, readConfiguration } from '../../src/index.ts';
import type { LoggedRequest, SimulatedOntapOptions } from '../../src/testing/index.ts';
import {
  SeededRandom,
  type SimulatedCluster,
  SimulatedOntap,
  type SimulatedVolume,
  VirtualClock,
} from '../../src/testing/index.ts';
import { call, type Json } from '../testing/raw-client.ts';

export const FRONTS = ['in-process', 'http'] as const;
export type Front = (typeof FRONTS)[number] | 'https';

/** Sends a request on, or does something else with it. In-process only. */
export type Interceptor = (request: Request, send: (request: Request) => Promise<Response>) => Promise<Response>;

export interface StageOptions {
  /** Default: in-process. */
  readonly front?: Front;
  readonly world?: Omit<SimulatedOntapOptions, 'clock' | 'random'>;
  /** Over the defaults of the backend `east`, which is the source, in the native format. */
  readonly east?: object;
  /** The same of `west`, its target. */
  readonly west?: object;
  /** In the place of both: a whole configuration, a cinder.conf text or the native format. */
  readonly configuration?: (world: SimulatedOntap) => string | object;
  readonly intercept?: Interceptor;
  readonly timing?: DataMotionParts['timing'];
}

/** The mirror of `Stage.flexgroup`. */
export const GROUP: Pair = { source: { backend: 'east', volume: 'group' }, destination: { backend: 'west' } };

export const KIB = 1024;
export const MIB = 1024 * KIB;
const BLOCK_BYTES = 4096;
const BLOCKS = 16;
/** A baseline takes 8 seconds. */
const TRANSFER_RATE = 8 * KIB;
/** Ten past the hour: no schedule strikes while a test looks the other way. */
const START = Date.parse('2026-01-01T00:10:00Z');
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export class Stage implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly world: SimulatedOntap;
  readonly dataMotion: DataMotion;
  /** `east:vol1`, on the first SVM of the first cluster. */
  readonly source: SimulatedVolume;
  readonly pair: Pair = { source: { backend: 'east', volume: 'vol1' }, destination: { backend: 'west' } };
  /** May be exchanged at any time. */
  intercept: Interceptor;
  /** What DataMotion has under way: sleeps by the clock, and, in-process, requests. */
  readonly underWay = { sleeps: 0, requests: 0 };
  readonly #random = new SeededRandom(7);
  #generation = 0;

  private constructor(clock: VirtualClock, world: SimulatedOntap, options: StageOptions) {
    this.clock = clock;
    this.world = world;
    this.intercept = options.intercept ?? ((request, send) => send(request));
    const [svm = ''] = this.east.svms;
    this.source = this.east.createVolume({ svm, name: 'vol1', sizeBytes: 100 * MIB, junctionPath: '/vol1' });
    for (let block = 0; block < BLOCKS; block++) this.#writeBlock(this.source, block);
    const written = options.configuration?.(world) ?? nativeConfiguration(world, options);
    this.dataMotion = createDataMotion(readConfiguration(written), {
      timing: options.timing,
      env: { clock: this.#watched(clock), random: new SeededRandom(3) },
      ...(options.front === undefined || options.front === 'in-process'
        ? { client: { transport: (request) => this.#transport(request) } }
        : {}),
    });
  }

  static async open(options: StageOptions = {}): Promise<Stage> {
    const clock = new VirtualClock({ startAt: START, autoAdvance: true });
    const world = new SimulatedOntap({
      transferRate: TRANSFER_RATE,
      ...options.world,
      clock,
      random: new SeededRandom(1),
    });
    const { front = 'in-process' } = options;
    if (front !== 'in-process') await world.listen({ tls: front === 'https' });
    return new Stage(clock, world, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dataMotion.close();
    await this.world.close();
  }

  get east(): SimulatedCluster {
    return this.world.cluster('cluster1');
  }

  get west(): SimulatedCluster {
    return this.world.cluster('cluster2');
  }

  /** The mirror's volume; it has to be there. */
  get copy(): SimulatedVolume {
    return this.west.volume(this.west.svms[0] ?? '', 'vol1');
  }

  /** Destination volume, relationship and baseline. */
  async mirrored(options: { policy?: string } = {}): Promise<void> {
    await this.dataMotion.createSnapmirror(this.pair, { ...options, waitForBaseline: true });
  }

  /** Mirrored, changed at the source, and with a transfer of some 8 seconds (or an endless one) under way. */
  async transferring(endless = false): Promise<void> {
    await this.mirrored();
    this.write(this.source, BLOCKS);
    if (endless) this.stallNextTransfer();
    await this.dataMotion.updateSnapmirror(this.pair);
  }

  async broken(): Promise<void> {
    await this.mirrored();
    await this.dataMotion.breakSnapmirror(this.pair);
  }

  stallNextTransfer(): void {
    this.west.addFault({ kind: 'transfer-stalls', method: 'POST', path: '/snapmirror/relationships/*/transfers' });
  }

  /** Writes new content into the first `blocks` blocks. */
  write(volume: SimulatedVolume, blocks = 4): void {
    for (let block = 0; block < blocks; block++) this.#writeBlock(volume, block);
  }

  /** `east:group`: a FlexGroup of four constituents over both aggregates, deduplicated and compressed, with two files. */
  async flexgroup(): Promise<SimulatedVolume> {
    const [svm = ''] = this.east.svms;
    await this.raw(this.east, 'POST', '/storage/volumes', {
      name: 'group',
      svm: { name: svm },
      size: 1000 * MIB,
      style: 'flexgroup',
      aggregates: this.east.aggregates.map((name) => ({ name })),
      constituents_per_aggregate: 2,
      guarantee: { type: 'none' },
      efficiency: { dedupe: 'background', compression: 'background' },
    });
    const group = this.east.volume(svm, 'group');
    this.write(group);
    return group;
  }

  /** Lets the world go on for so long. */
  async wait(ms: number): Promise<void> {
    await this.clock.sleep(ms);
    this.world.settle();
  }

  /** The relationship's record as the destination's cluster shows it; undefined when there is none. */
  async record(): Promise<Json> {
    return (await this.read(this.west, '/snapmirror/relationships?fields=*&destination.path=*:vol1'))[0];
  }

  /** Records that a GET gives, without DataMotion in between. */
  async read(cluster: SimulatedCluster, path: string): Promise<Json[]> {
    const { json } = await call(cluster, 'GET', path);
    return json.records ?? [json];
  }

  /** PATCH, POST or DELETE without DataMotion in between, and its end, up to two minutes. */
  async raw(cluster: SimulatedCluster, method: string, path: string, body?: object) {
    const waiting = `${path}${path.includes('?') ? '&' : '?'}return_timeout=120`;
    return call(cluster, method, waiting, body === undefined ? {} : { body });
  }

  /** Requests so far that ask for a change. */
  get changes(): LoggedRequest[] {
    return this.world.requests.filter(({ method }) => method !== 'GET');
  }

  /**
   * What is there, as far as it does not depend on when it was made: volumes with their content, both halves of
   * relationships, snapshots by kind, SVM peerings. Once nothing is under way any more.
   */
  async remains(): Promise<object> {
    await this.wait(5 * MINUTE);
    const volumes = [];
    const relationships = [];
    const peers = [];
    for (const cluster of this.world.clusters.filter(({ alive }) => alive)) {
      const list = await this.read(cluster, '/storage/volumes?is_svm_root=false&fields=svm.name,type,state,nas.path');
      for (const { name, svm, type, state, nas } of list) {
        const volume = cluster.volume(svm.name, name);
        const snapshots = volume.snapshots();
        const own = snapshots.filter((snapshot) => snapshot.startsWith('snapmirror.')).length;
        const where = `${cluster.name} ${svm.name}:${name}`;
        volumes.push({ where, type, state, path: nas?.path, digest: volume.digest(), own, of: snapshots.length });
      }
      for (const { svm, peer, state, applications } of await this.read(cluster, '/svm/peers?fields=*')) {
        peers.push({ of: svm.name, with: peer.svm.name, state, applications: applications.toSorted() });
      }
      for (const record of await this.read(cluster, '/snapmirror/relationships?fields=*')) {
        const { source, destination, state, policy, transfer, transfer_schedule } = record;
        const ends = [source.path, destination.path, policy.name, transfer_schedule?.name];
        relationships.push({ ends, state, moving: transfer?.state === 'transferring' });
      }
      const known = await this.read(cluster, '/snapmirror/relationships?list_destinations_only=true');
      relationships.push(...known.map(({ source, destination }) => ({ knows: [source.path, destination.path] })));
    }
    return { volumes: ordered(volumes), relationships: ordered(relationships), peers: ordered(peers) };
  }

  #watched(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      sleep: (ms, signal) => {
        this.underWay.sleeps++;
        return clock.sleep(ms, signal).finally(() => this.underWay.sleeps--);
      },
    };
  }

  async #transport(request: Request): Promise<Response> {
    this.underWay.requests++;
    try {
      return await this.intercept(request, (sent) => this.#send(sent));
    } finally {
      this.underWay.requests--;
    }
  }

  async #send(request: Request): Promise<Response> {
    const { hostname } = new URL(request.url);
    const cluster = this.world.clusters.find(({ name }) => hostname === `${name}.sim`);
    if (cluster !== undefined) return cluster.fetch(request);
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }) });
  }

  #writeBlock(volume: SimulatedVolume, block: number): void {
    const bytes = new Uint8Array(BLOCK_BYTES).fill(Math.floor(this.#random.next() * 256));
    new DataView(bytes.buffer).setUint32(0, ++this.#generation);
    volume.write(block % 2 === 0 ? '/data/even' : '/data/odd', Math.floor(block / 2) * BLOCK_BYTES, bytes);
  }
}

/** Uuids order what clusters list, and differ from run to run. */
function ordered<T>(records: readonly T[]): T[] {
  return records.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}

/** `east` replicates to `west`; every aggregate of the one has a place on the other. */
export function nativeConfiguration(
  world: SimulatedOntap,
  { east = {}, west = {} }: Pick<StageOptions, 'east' | 'west'> = {},
) {
  const [from, to] = [world.cluster('cluster1'), world.cluster('cluster2')];
  const aggregates = Object.fromEntries(from.aggregates.map((name, i) => [name, to.aggregates[i] ?? name]));
  return {
    version: 1,
    backends: {
      east: { ...access(from), targets: [{ backend: 'west', aggregates }], ...east },
      west: { ...access(to), ...west },
    },
  };
}

function access({ url, user, password, svms }: SimulatedCluster) {
  const { hostname, port, protocol } = new URL(url);
  return {
    host: hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    scheme: protocol.replace(':', ''),
    svm: svms[0],
    user,
    password,
  };
}

/** The error that a call fails with; a call that does not is one. */
export async function failure(work: () => Promise<unknown>): Promise<DataMotionError> {
  const result: unknown = await work().catch((error: unknown) => error);
  if (result instanceof Error) return result as DataMotionError;
  throw new Error(`nothing was refused: ${JSON.stringify(result)}`);
}
