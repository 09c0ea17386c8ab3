/**
 * The simulated ONTAP: clusters that answer as real ones do, in one process, on an injected clock. Nothing happens by
 * itself: every state is a function of events in a queue, and whoever looks first lets all happen that is due.
 */
import { type Clock, type Random, systemClock } from '../env.ts';
import { type ClusterSpec, SimulatedCluster } from './cluster.ts';
import type { FaultOf } from './faults.ts';
import type { SimRequest } from './http/handler.ts';
import { Listeners, type ListenOptions } from './http/server.ts';
import type { JobError } from './jobs.ts';
import { SeededRandom } from './random.ts';
import { Refusal } from './refusals.ts';
import type { Relationship } from './snapmirror/relationship.ts';
import { TRANSFER_ERRORS, TransferEngine } from './snapmirror/transfers.ts';
import { type Switches, switchesWith } from './switches.ts';
import { Timeline } from './timeline.ts';
import type { SimulatedVolume } from './volume.ts';

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

export interface WorldDescription {
  readonly clusters: readonly {
    readonly name: string;
    readonly url: string;
    readonly user: string;
    readonly password: string;
    readonly svms: readonly string[];
    readonly aggregates: readonly string[];
  }[];
}

export const DEFAULT_CLUSTERS: readonly ClusterSpec[] = [
  { name: 'cluster1', svms: ['svm1', 'svm2'] },
  { name: 'cluster2', svms: ['svm1_dr'] },
];

const MIB = 2 ** 20;
const FORGOTTEN_AFTER_MS = 3_600_000;

export class SimulatedOntap {
  readonly clock: Clock;
  readonly random: Random;
  readonly switches: Switches;
  readonly transferRate: number;
  readonly latencyMs: number;
  readonly operationMs: number;
  readonly clusters: readonly SimulatedCluster[];
  readonly timeline = new Timeline();
  readonly transfers: TransferEngine;
  relationships: Relationship[] = [];
  /** Every request so far, in the order of the answers. */
  readonly requests: LoggedRequest[] = [];
  /** The most requests that were being answered at once. */
  inFlightPeak = 0;
  #inFlight = 0;
  #settling = false;
  readonly #transferFaults: { cluster: SimulatedCluster; fault: FaultOf<'transfer-stalls' | 'transfer-fails'> }[] = [];
  readonly #listeners: Listeners;

  constructor(options: SimulatedOntapOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? new SeededRandom(1);
    this.switches = switchesWith(options.switches);
    this.transferRate = options.transferRate ?? 100 * MIB;
    this.latencyMs = options.latencyMs ?? 0;
    this.operationMs = options.operationMs ?? 500;
    this.timeline.runDue(this.clock.now());
    this.transfers = new TransferEngine(this);
    this.clusters = (options.clusters ?? DEFAULT_CLUSTERS).map((spec) => new SimulatedCluster(this, spec));
    this.#listeners = new Listeners(this);
    this.#peerAll();
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
    };
  }

  /** Peers two SVMs in both directions, done and accepted. Names of SVMs are looked up on their clusters. */
  peerSvms(
    one: { readonly cluster: string; readonly svm: string },
    other: { readonly cluster: string; readonly svm: string },
    applications: readonly string[] = ['snapmirror'],
  ): void {
    const ends = [one, other].map(({ cluster, svm }) => ({ cluster: this.cluster(cluster), svm }));
    for (const [index, { cluster, svm: name }] of ends.entries()) {
      const peer = ends[1 - index] ?? ends[0];
      const svm = cluster.svmNamed(name);
      const peerSvm = peer?.cluster.svmNamed(peer.svm);
      if (!peer || !svm || !peerSvm) throw new Error(`no such SVMs: ${one.svm}, ${other.svm}`);
      cluster.svmPeers.push({
        uuid: this.random.uuid(),
        svm,
        peerSvm,
        peerCluster: peer.cluster.name,
        alias: freeAlias(cluster, peerSvm.name),
        state: 'peered',
        applications,
      });
    }
  }

  /** Lets everything happen that is due by the clock. */
  settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    try {
      this.timeline.runDue(this.clock.now());
    } finally {
      this.#settling = false;
    }
  }

  // ---- for the clusters and what they are made of

  enter(): () => void {
    this.#inFlight++;
    this.inFlightPeak = Math.max(this.inFlightPeak, this.#inFlight);
    return () => {
      this.#inFlight--;
    };
  }

  log(cluster: SimulatedCluster, { method, path, query }: SimRequest, status: number): void {
    this.requests.push({ cluster: cluster.name, method, path, query, status, at: this.clock.now() });
  }

  jobError(error: unknown): JobError {
    if (!(error instanceof Refusal)) throw error;
    const { code, message, target } = error;
    return { code, message, target, status: error.status(this.switches) };
  }

  armTransferFault(cluster: SimulatedCluster, fault: FaultOf<'transfer-stalls' | 'transfer-fails'>): void {
    this.#transferFaults.push({ cluster, fault });
  }

  takeTransferFault(relationship: Relationship): FaultOf<'transfer-stalls' | 'transfer-fails'> | undefined {
    const index = this.#transferFaults.findIndex(({ cluster }) => cluster === relationship.destination.cluster);
    return index < 0 ? undefined : this.#transferFaults.splice(index, 1)[0]?.fault;
  }

  /** Sync relationships follow every write; when, is seen only by who looks at the destination. */
  volumeChanged(volume: SimulatedVolume): void {
    for (const relationship of this.relationships) {
      if (relationship.source.volume !== volume || relationship.state !== 'in_sync') continue;
      relationship.dirty = true;
      this.timeline.at(this.timeline.now, () => {
        if (relationship.dirty && relationship.state === 'in_sync') this.transfers.replicate(relationship);
      });
    }
  }

  clusterDied(cluster: SimulatedCluster): void {
    for (const relationship of this.#touching(cluster)) {
      this.transfers.end(relationship, 'failed', TRANSFER_ERRORS.interrupted);
      if (relationship.state === 'in_sync' && relationship.source.cluster !== relationship.destination.cluster) {
        relationship.setState('out_of_sync', this.timeline.now);
        relationship.healthy = false;
        relationship.unhealthyReasons = [{ message: TRANSFER_ERRORS.interrupted.message }];
      }
    }
    this.#listeners.died(cluster);
  }

  clusterRevived(cluster: SimulatedCluster): void {
    for (const relationship of this.#touching(cluster)) {
      const { source, destination, state } = relationship;
      if (state !== 'out_of_sync' || !source.cluster.reaches(destination.cluster)) continue;
      relationship.setState('in_sync', this.timeline.now);
      relationship.healthy = true;
      relationship.unhealthyReasons = [];
      this.transfers.replicate(relationship);
    }
    this.#listeners.revived(cluster);
  }

  /** A relationship without halves stays visible to reads that lag behind, for a while. */
  forgetLater(relationship: Relationship): void {
    this.timeline.after(FORGOTTEN_AFTER_MS, () => {
      this.relationships = this.relationships.filter((other) => other !== relationship);
    });
  }

  #touching(cluster: SimulatedCluster): Relationship[] {
    return this.relationships.filter(
      ({ source, destination }) => source.cluster === cluster || destination.cluster === cluster,
    );
  }

  #peerAll(): void {
    for (const [index, one] of this.clusters.entries()) {
      for (const other of this.clusters.slice(index + 1)) {
        one.peers.push({ uuid: this.random.uuid(), cluster: other });
        other.peers.push({ uuid: this.random.uuid(), cluster: one });
        const [svm, peer] = [one.svms[0], other.svms[0]];
        if (svm !== undefined && peer !== undefined) {
          this.peerSvms({ cluster: one.name, svm }, { cluster: other.name, svm: peer });
        }
      }
    }
  }
}

/** A peer SVM keeps its name where that is free; else it gets a number, as `svm1.1`. */
export function freeAlias(cluster: SimulatedCluster, name: string): string {
  const taken = new Set([...cluster.svms, ...cluster.svmPeers.map(({ alias }) => alias)]);
  if (!taken.has(name)) return name;
  for (let number = 1; ; number++) if (!taken.has(`${name}.${number}`)) return `${name}.${number}`;
}
