/**
 * The simulated ONTAP: clusters that answer as real ones do, in one process, on an injected clock. Nothing happens by
 * itself: every state is a function of events in a queue, and whoever looks first lets all happen that is due.
 */
import { type Clock, type Random, systemClock } from '../env.ts';
import { SimulatedCluster } from './cluster.ts';
import { type ClusterSpec, ClusterState } from './cluster-state.ts';
import type { SimRequest } from './http/message.ts';
import { Listeners, type ListenOptions } from './http/server.ts';
import { Physics } from './physics.ts';
import { SeededRandom } from './random.ts';
import { SnapMirror } from './snapmirror/snapmirror.ts';
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
  /** Bytes per second; default 100 MiB/s. */
  readonly transferRate?: number;
  readonly switches?: Partial<Switches>;
  /** How long every answer takes, by the clock; default 0. */
  readonly latencyMs?: number;
  /** How long a job takes that has nothing to wait for; default 500. */
  readonly operationMs?: number;
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

/** A world of simulated ONTAP clusters; see the top of the file. */
export class SimulatedOntap {
  readonly clusters: readonly SimulatedCluster[];
  /** Every request so far, in the order of the answers. */
  readonly requests: LoggedRequest[] = [];
  /** The most requests that were being answered at once. */
  inFlightPeak = 0;
  #inFlight = 0;
  readonly #physics: Physics;
  readonly #states: readonly ClusterState[];
  readonly #listeners: Listeners;

  constructor(options: SimulatedOntapOptions = {}) {
    const physics = new Physics({
      clock: options.clock ?? systemClock,
      random: options.random ?? new SeededRandom(1),
      switches: switchesWith(options.switches),
      transferRate: options.transferRate ?? 100 * MIB,
      operationMs: options.operationMs ?? 500,
    });
    const snapmirror = new SnapMirror(physics);
    const specs = options.clusters ?? DEFAULT_CLUSTERS;
    this.#physics = physics;
    this.#states = specs.map((spec) => new ClusterState(physics, spec, snapmirror));
    this.clusters = this.#states.map((state, index) => {
      const maxRequestsInFlight = specs[index]?.maxRequestsInFlight ?? Number.POSITIVE_INFINITY;
      const received = (request: SimRequest) => this.#received(state.name, request);
      const latencyMs = options.latencyMs ?? 0;
      return new SimulatedCluster(state, { snapmirror, latencyMs, maxRequestsInFlight, received });
    });
    this.#listeners = new Listeners(this.clusters, physics.clock);
    this.#peerAll();
  }

  /** The clock that all clusters go by. */
  get clock(): Clock {
    return this.#physics.clock;
  }

  /** How this world behaves where real ones differ. */
  get switches(): Switches {
    return this.#physics.switches;
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

  /** Peers two SVMs in both directions, done and accepted. Names of SVMs are looked up on their clusters. */
  peerSvms(
    one: { readonly cluster: string; readonly svm: string },
    other: { readonly cluster: string; readonly svm: string },
    applications: readonly string[] = ['snapmirror'],
  ): void {
    const ends = [one, other].map(({ cluster: name, svm }) => {
      const cluster = this.#states.find((state) => state.name === name);
      const found = cluster?.svmNamed(svm);
      if (!cluster || !found) throw new Error(`no SVM ${svm} on cluster ${name}`);
      return { cluster, svm: found };
    });
    const [from, to] = ends;
    if (!from || !to) return;
    for (const [near, far] of [
      [from, to],
      [to, from],
    ] as const) {
      near.cluster.svmPeers.push({
        uuid: this.#physics.random.uuid(),
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
    this.#physics.settle();
  }

  #received(cluster: string, { method, path, query }: SimRequest): (status: number) => void {
    this.#inFlight++;
    this.inFlightPeak = Math.max(this.inFlightPeak, this.#inFlight);
    return (status) => {
      this.#inFlight--;
      this.requests.push({ cluster, method, path, query, status, at: this.#physics.clock.now() });
    };
  }

  #peerAll(): void {
    for (const [index, one] of this.#states.entries()) {
      for (const other of this.#states.slice(index + 1)) {
        one.peers.push({ uuid: this.#physics.random.uuid(), cluster: other });
        other.peers.push({ uuid: this.#physics.random.uuid(), cluster: one });
        const [svm, peer] = [one.svms[0], other.svms[0]];
        if (svm !== undefined && peer !== undefined) {
          this.peerSvms({ cluster: one.name, svm: svm.name }, { cluster: other.name, svm: peer.name });
        }
      }
    }
  }
}
