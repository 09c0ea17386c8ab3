/**
 * The simulated ONTAP: clusters that answer as real ones do, in one process, on an injected clock. Nothing happens by
 * itself: every state is a function of events in a queue, and whoever looks first lets all happen that is due.
 */
import { type Clock, type Random, systemClock } from '../env.ts';
import { VirtualClock } from './clock.ts';
import { type ClusterSurroundings, SimulatedCluster } from './cluster.ts';
import { type ClusterSpec, ClusterState } from './cluster-state.ts';
import type { SimRequest } from './http/message.ts';
import { Listeners, type ListenOptions } from './http/server.ts';
import { ClusterClock, Physics } from './physics.ts';
import { SeededRandom } from './random.ts';
import { type RandomFaultRates, RandomFaults } from './random-faults.ts';
import type { GraphRules } from './saved/object-graph.ts';
import { SAVED_CLASSES } from './saved/saved-classes.ts';
import { decodeWorldFile, encodeWorldFile } from './saved/world-file.ts';
import { SnapMirror } from './snapmirror/snapmirror.ts';
import { SteeredClock } from './steered-clock.ts';
import { type Switches, switchesWith } from './switches.ts';

/** What a world is made of; everything has a default. */
export interface SimulatedOntapOptions {
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: `new SeededRandom(1)`. */
  readonly random?: Random;
  /**
   * All clusters are peered with each other, and the first SVM of each with the first of every other, for SnapMirror.
   * Default: `cluster1` with `svm1` and `svm2`, `cluster2` with `svm1_dr`, aggregates `aggr1` and `aggr2` on both.
   */
  readonly clusters?: readonly ClusterSpec[];
  /** False: nothing is peered with anything. */
  readonly peered?: boolean;
  /** Bytes per second; default 100 MiB/s. */
  readonly transferRate?: number;
  readonly switches?: Partial<Switches>;
  /** How long every answer takes, by the clock; default 0. */
  readonly latencyMs?: number;
  /** How long a job takes that has nothing to wait for; default 500. */
  readonly operationMs?: number;
  /** How many of the last requests are remembered at least; default 100 000. */
  readonly requestsKept?: number;
}

/** One request that a simulated cluster answered, or left unanswered. */
export interface LoggedRequest {
  readonly cluster: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** 0 when no answer came. */
  readonly status: number;
  /** Epoch milliseconds by the world's clock, when the answer was ready. */
  readonly at: number;
}

/** The JSON line of `datamotion simulate`. */
export interface WorldDescription {
  readonly clusters: readonly {
    readonly name: string;
    readonly url: string;
    readonly user: string;
    readonly password: string;
    readonly svms: readonly string[];
    readonly aggregates: readonly string[];
  }[];
  /** The authority of the servers' certificates, PEM; present once listening with TLS. */
  readonly ca?: string;
}

/** The clusters of a world that names none. */
export const DEFAULT_CLUSTERS: readonly ClusterSpec[] = [
  { name: 'cluster1', svms: ['svm1', 'svm2'] },
  { name: 'cluster2', svms: ['svm1_dr'] },
];

const MIB = 2 ** 20;

/** All that a world is: what its file holds. */
interface WholeWorld {
  readonly physics: Physics;
  readonly snapmirror: SnapMirror;
  readonly states: readonly ClusterState[];
  readonly requests: LoggedRequest[];
  /** How many requests were dropped from the beginning of `requests`. */
  requestsForgotten: number;
  readonly requestsKept: number;
  randomFaults: RandomFaults | undefined;
}

/** A world of simulated ONTAP clusters; see the top of the file. */
export class SimulatedOntap {
  #inFlight = 0;
  #inFlightPeak = 0;
  readonly #clock: Clock;
  readonly #random: Random;
  #world: WholeWorld;
  #clusters: readonly SimulatedCluster[] = [];
  #listeners: Listeners;

  constructor(options: SimulatedOntapOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? new SeededRandom(1);
    const physics = new Physics({
      clock: new ClusterClock(this.#clock),
      random: this.#random,
      switches: switchesWith(options.switches),
      transferRate: options.transferRate ?? 100 * MIB,
      operationMs: options.operationMs ?? 500,
      latencyMs: options.latencyMs ?? 0,
    });
    const snapmirror = new SnapMirror(physics);
    const states: ClusterState[] = [];
    for (const spec of options.clusters ?? DEFAULT_CLUSTERS) {
      states.push(new ClusterState(physics, spec, snapmirror, states));
    }
    const log = { requests: [], requestsForgotten: 0, requestsKept: options.requestsKept ?? 100_000 };
    this.#world = { physics, snapmirror, states, ...log, randomFaults: undefined };
    this.#clusters = states.map((state) => new SimulatedCluster(state, this.#surroundings()));
    this.#listeners = new Listeners(this.#clusters, this.#clock);
    if (options.peered ?? true) this.#peerAll();
  }

  /**
   * The world that a file holds, which goes on where it was saved: its clock begins there, whatever the given one says.
   * A random generator of one's own (`random`) is no part of the file, and must be given again.
   * @throws Error when the file is no world, one of another version, or damaged
   */
  static load(file: Uint8Array, options: Pick<SimulatedOntapOptions, 'clock' | 'random'> = {}): SimulatedOntap {
    const loaded = new SimulatedOntap({ ...options, clusters: [] });
    loaded.#world = loaded.#decoded(file);
    loaded.#clusters = loaded.#world.states.map((state) => new SimulatedCluster(state, loaded.#surroundings()));
    loaded.#listeners = new Listeners(loaded.#clusters, loaded.#clock);
    return loaded;
  }

  /**
   * The whole world as one file: what is there, what is under way and what is yet to happen. Requests that wait for their
   * answer are no part of it: to their clients the connection is gone.
   * With `small: false` it takes less time and more room.
   * @throws Error that says what, when something in it cannot be written
   */
  save({ small = true }: { readonly small?: boolean } = {}): Uint8Array {
    this.settle();
    const { clock } = this.#world.physics;
    const facts = { now: clock.now(), speed: speedOf(this.#clock), clusters: this.#clusters.map(({ name }) => name) };
    return encodeWorldFile(facts, { now: facts.now, world: this.#world }, this.#rules(clock), { small });
  }

  /**
   * Goes on as the world of a file, in the place of this one, on the same ports. Handles on volumes of before are dead.
   * @throws Error as `load`, or when the file's clusters have other names than these
   */
  restore(file: Uint8Array): void {
    const world = this.#decoded(file);
    const [wanted, here] = [world.states, this.#clusters].map((all) => all.map(({ name }) => name).join(', '));
    if (wanted !== here) throw new Error(`the file holds the clusters ${wanted}; these are ${here}`);
    this.#world = world;
    for (const [index, state] of world.states.entries()) this.#clusters[index]?.become(state, this.#surroundings());
  }

  #decoded(file: Uint8Array): WholeWorld {
    const clock = new ClusterClock(this.#clock);
    const { now, world } = decodeWorldFile(file, this.#rules(clock)) as { now: number; world: WholeWorld };
    clock.offsetMs = now - this.#clock.now();
    return world;
  }

  #rules(clock: ClusterClock): GraphRules {
    const random = this.#random instanceof SeededRandom ? {} : { random: this.#random };
    return { classes: SAVED_CLASSES, outside: { clock, ...random } };
  }

  /** Its clusters, in order. */
  get clusters(): readonly SimulatedCluster[] {
    return this.#clusters;
  }

  /** The last requests, in the order of the answers: all of them while they are no more than `requestsKept`. */
  get requests(): LoggedRequest[] {
    return this.#world.requests;
  }

  /** How many requests there were before the first of `requests`. */
  get requestsForgotten(): number {
    return this.#world.requestsForgotten;
  }

  /** The most requests that were being answered at once. */
  get inFlightPeak(): number {
    return this.#inFlightPeak;
  }

  /** Begins to count anew from this. */
  set inFlightPeak(peak: number) {
    this.#inFlightPeak = peak;
  }

  /** The clock that was injected. */
  get clock(): Clock {
    return this.#clock;
  }

  /** What the clusters take for now, in epoch milliseconds: the injected clock, unless a fault or a file set theirs to another time. */
  get now(): number {
    return this.#world.physics.clock.now();
  }

  /** Sets the clock of the clusters `ms` ahead, or back when negative. What is under way takes as long as it would have. */
  jumpClock(ms: number): void {
    this.#world.physics.jump(ms);
  }

  /** How long every answer takes, by the clock. */
  get latencyMs(): number {
    return this.#world.physics.latencyMs;
  }

  /** Of all answers from now on. */
  set latencyMs(ms: number) {
    this.#world.physics.latencyMs = ms;
  }

  /** From now on faults are drawn with every request, in the place of what was drawn before; undefined ends it. */
  drawFaults(rates: RandomFaultRates | undefined): RandomFaults | undefined {
    const drawn = rates && new RandomFaults(rates);
    this.#world.randomFaults = drawn;
    for (const state of this.#world.states) state.faults.draw(drawn, state.name);
    return drawn;
  }

  /** The faults that are drawn now, and those that were. */
  get randomFaults(): RandomFaults | undefined {
    return this.#world.randomFaults;
  }

  /** How this world behaves where real clusters differ. */
  get switches(): Switches {
    return this.#world.physics.switches;
  }

  /** @throws Error when there is none of that name */
  cluster(name: string): SimulatedCluster {
    const found = this.clusters.find((cluster) => cluster.name === name);
    if (!found) throw new Error(`no cluster ${name}`);
    return found;
  }

  /** Opens one port per cluster: `port`, `port + 1` and so on, or any with 0. Sets the clusters' `url`. */
  async listen(options: ListenOptions = {}): Promise<void> {
    await this.#listeners.open(options);
  }

  /** Closes all ports and connections. */
  async close(): Promise<void> {
    await this.#listeners.close();
  }

  /** The authority that signed the servers' certificates; present once listening with TLS. */
  get tls(): { readonly ca: string } | undefined {
    return this.#listeners.tls;
  }

  /** What somebody needs in order to use it. */
  describe(): WorldDescription {
    return {
      clusters: this.clusters.map(({ name, url, user, password, svms, aggregates }) => ({
        name,
        url,
        user,
        password,
        svms,
        aggregates,
      })),
      ...(this.tls ?? {}),
    };
  }

  /** Peers two SVMs in both directions, done and accepted, and their clusters where they are not. Names of SVMs are looked up on their clusters. */
  peerSvms(
    one: { readonly cluster: string; readonly svm: string },
    other: { readonly cluster: string; readonly svm: string },
    applications: readonly string[] = ['snapmirror'],
  ): void {
    const ends = [one, other].map(({ cluster: name, svm }) => {
      const cluster = this.#world.states.find((state) => state.name === name);
      const found = cluster?.svmNamed(svm);
      if (!cluster || !found) throw new Error(`no SVM ${svm} on cluster ${name}`);
      return { cluster, svm: found };
    });
    const [from, to] = ends;
    if (!from || !to) return;
    this.#peerClusters(from.cluster, to.cluster);
    for (const [near, far] of [
      [from, to],
      [to, from],
    ] as const) {
      near.cluster.svmPeers.push({
        uuid: this.#world.physics.random.uuid(),
        svm: near.svm,
        peerSvm: far.svm,
        peerCluster: far.cluster,
        alias: near.cluster === far.cluster ? far.svm.name : near.cluster.freeAlias(far.svm.name, far.svm),
        state: 'peered',
        applications,
      });
    }
  }

  /** Lets everything happen that is due by the clock, as every request does. */
  settle(): void {
    this.#world.physics.settle();
  }

  #surroundings(): ClusterSurroundings {
    const { snapmirror } = this.#world;
    return { snapmirror, received: (cluster, request) => this.#received(cluster, request) };
  }

  #received(cluster: string, { method, path, query }: SimRequest): (status: number) => void {
    this.#inFlight++;
    this.#inFlightPeak = Math.max(this.#inFlightPeak, this.#inFlight);
    return (status) => {
      this.#inFlight--;
      this.#remember({ cluster, method, path, query, status, at: this.#world.physics.clock.now() });
    };
  }

  /** Drops the oldest many at a time: it costs next to nothing for each. */
  #remember(request: LoggedRequest): void {
    const { requests, requestsKept } = this.#world;
    requests.push(request);
    if (requests.length < 2 * requestsKept) return;
    requests.splice(0, requests.length - requestsKept);
    this.#world.requestsForgotten += requestsKept;
  }

  /** What an SVM is called by the SVM that it is peered with; its own name where they are not. */
  aliasOf(
    near: { readonly cluster: string; readonly svm: string },
    far: { readonly cluster: string; readonly svm: string },
  ): string {
    const state = this.#world.states.find(({ name }) => name === near.cluster);
    const peering = state?.svmPeers.find(
      ({ svm, peerSvm, peerCluster }) =>
        svm.name === near.svm && peerSvm.name === far.svm && peerCluster.name === far.cluster,
    );
    return peering?.alias ?? far.svm;
  }

  #peerClusters(one: ClusterState, other: ClusterState): void {
    if (one === other || one.peers.some(({ cluster }) => cluster === other)) return;
    one.addPeer(other);
    other.addPeer(one);
  }

  #peerAll(): void {
    for (const [index, one] of this.#world.states.entries()) {
      for (const other of this.#world.states.slice(index + 1)) {
        this.#peerClusters(one, other);
        const [svm, peer] = [one.svms[0], other.svms[0]];
        if (svm !== undefined && peer !== undefined) {
          this.peerSvms({ cluster: one.name, svm: svm.name }, { cluster: other.name, svm: peer.name });
        }
      }
    }
  }
}

/** A clock of somebody else's runs as it runs. */
function speedOf(clock: Clock): number | 'virtual' {
  if (clock instanceof VirtualClock) return 'virtual';
  return clock instanceof SteeredClock ? clock.speed : 1;
}
