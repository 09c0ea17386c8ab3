/**
 * The world that a scenario describes. It is brought about by the same requests that a client would send, before the time
 * at which the scenario begins, so that nothing is in it that ONTAP would not have allowed; then it goes on by the clock.
 */
import { type Clock, systemClock } from '../../env.ts';
import { VirtualClock } from '../clock.ts';
import type { SimulatedCluster } from '../cluster.ts';
import type { ClusterSpec } from '../cluster-state.ts';
import { type ContentSpec, writeContent } from '../content.ts';
import type { Fault } from '../faults.ts';
import { SeededRandom } from '../random.ts';
import type { RandomFaultRates } from '../random-faults.ts';
import { SteeredClock } from '../steered-clock.ts';
import type { Switches } from '../switches.ts';
import type { SimulatedVolume } from '../volume.ts';
import { SimulatedOntap } from '../world.ts';
import type { Scenario, ScenarioCluster, ScenarioRelationship } from './form.ts';
import { unusable } from './scenario.ts';

/** What the time that a scenario does not say is taken from. */
export interface BuildOptions {
  /** The world goes on by this clock, instead of the one that the scenario describes. */
  readonly clock?: Clock;
}

const HOUR_MS = 3_600_000;
/** How old the last transfer is where no lag is given. */
const USUAL_LAG_MS = 300_000;

/**
 * Makes the world that a checked scenario describes; it goes on by the scenario's clock, or by the one given.
 * @throws ConfigError `CONFIG_INVALID` when ONTAP would have refused to come into that state; with the path of the part
 */
export async function buildScenario(scenario: Scenario, options: BuildOptions = {}): Promise<SimulatedOntap> {
  const clock = options.clock ?? clockOf(scenario);
  const startAt = scenario.clock?.start ?? clock.now();
  const longestLag = Math.max(USUAL_LAG_MS, ...(scenario.relationships ?? []).map(({ lag = 0 }) => lag));
  const past = new VirtualClock({ startAt: startAt - longestLag - HOUR_MS, autoAdvance: true });
  const world = await new Builder(scenario, past, startAt).build();
  past.autoAdvance = false;
  return SimulatedOntap.load(world.save({ small: false }), { clock });
}

/** The clock that a scenario describes: from the system's, unless it says otherwise. */
function clockOf({ clock: { start, speed = 1, virtual = false } = {} }: Scenario): Clock {
  const startAt = start ?? systemClock.now();
  return virtual ? new VirtualClock({ startAt, autoAdvance: true }) : new SteeredClock({ startAt, speed });
}

class Builder {
  readonly #scenario: Scenario;
  readonly #clock: VirtualClock;
  readonly #startAt: number;
  readonly #world: SimulatedOntap;

  constructor(scenario: Scenario, clock: VirtualClock, startAt: number) {
    this.#scenario = scenario;
    this.#clock = clock;
    this.#startAt = startAt;
    const { clusters, seed = 1, peers = 'all', switches, transferRate, operation } = scenario;
    this.#world = new SimulatedOntap({
      clock,
      random: new SeededRandom(seed),
      clusters: clusters.map(clusterSpec),
      peered: peers === 'all',
      ...(switches === undefined ? {} : { switches: switches as Partial<Switches> }),
      ...(transferRate === undefined ? {} : { transferRate }),
      ...(operation === undefined ? {} : { operationMs: operation }),
    });
  }

  async build(): Promise<SimulatedOntap> {
    const world = this.#world;
    const { clusters, peers, relationships = [], faults = [], randomFaults, latency } = this.#scenario;
    for (const peering of typeof peers === 'object' ? peers : []) {
      const [from, to] = [place(peering.from), place(peering.to)];
      world.peerSvms(from, to, peering.applications);
    }
    for (const [index, cluster] of clusters.entries()) await this.#fill(cluster, `clusters[${index}]`);
    const releases = await Promise.all(
      relationships.map((given, index) => this.#relate(given, `relationships[${index}]`)),
    );
    if (this.#clock.now() > this.#startAt) {
      const seconds = Math.ceil((this.#clock.now() - this.#startAt) / 1000);
      throw unusable([
        {
          at: 'relationships',
          message: `their transfers would end ${seconds} s after the start: give them more lag, or a higher transferRate`,
        },
      ]);
    }
    await this.#until(0);
    for (const release of releases) await release();
    for (const { name, dead, goneFor } of clusters) {
      if (goneFor !== undefined) world.cluster(name).goneFor(goneFor);
      else if (dead) world.cluster(name).kill();
    }
    for (const { cluster, fault } of faults) world.cluster(cluster).addFault(fault as Fault);
    if (randomFaults) world.drawFaults(randomFaults as RandomFaultRates);
    world.latencyMs = latency ?? 0;
    world.requests.length = 0;
    return world;
  }

  async #fill({ name, schedules = [], policies = [], volumes = [] }: ScenarioCluster, at: string): Promise<void> {
    const cluster = this.#world.cluster(name);
    for (const [i, body] of schedules.entries()) {
      await this.#ask(cluster, 'POST', '/cluster/schedules', body, `${at}.schedules[${i}]`);
    }
    for (const [i, body] of policies.entries()) {
      await this.#ask(cluster, 'POST', '/snapmirror/policies', body, `${at}.policies[${i}]`);
    }
    for (const [i, { size, content, snapshots = [], aggregates, ...rest }] of volumes.entries()) {
      const place = `${at}.volumes[${i}]`;
      const volume = attempted(place, () => {
        const [aggregate] = aggregates ?? [];
        const where = aggregates && rest.style === 'flexgroup' ? { aggregates } : aggregate ? { aggregate } : {};
        return cluster.createVolume(withoutAbsent({ ...rest, ...where, sizeBytes: size }));
      });
      for (const snapshot of snapshots) {
        attempted(`${place}.snapshots`, () => write(volume, snapshot.content));
        attempted(`${place}.snapshots`, () => volume.createSnapshot(snapshot.name, withoutAbsent(snapshot)));
      }
      attempted(`${place}.content`, () => write(volume, content));
    }
  }

  /** Makes the relationship and brings it into its state in time; returns what is left to do when the scenario begins. */
  async #relate(given: ScenarioRelationship, at: string): Promise<() => Promise<void>> {
    const { state = 'snapmirrored', unhealthy } = given;
    const [source, destination] = [place(given.source), place(given.destination)];
    const cluster = this.#world.cluster(destination.cluster);
    const ask = (method: string, path: string, body?: object) => this.#ask(cluster, method, path, body, at);
    const path = await this.#create(given, ask);
    const transfer = async () => {
      await ask('POST', `${path}/transfers`, {});
      const running = async () => {
        const { num_records } = (await ask('GET', `${path}/transfers?state=transferring`)) as { num_records: number };
        return num_records > 0;
      };
      while (await running()) await this.#clock.sleep(1000);
    };
    if (state !== 'uninitialized') {
      await this.#until((given.lag ?? USUAL_LAG_MS) as number);
      await transfer();
    }
    if (unhealthy !== undefined) {
      cluster.addFault({ kind: 'transfer-fails', method: 'POST', path: `${path}/transfers`, message: unhealthy });
      await transfer();
    }
    // Until the scenario begins it is paused: no schedule may shorten its lag.
    if (state !== 'uninitialized' && state !== 'in_sync') await ask('PATCH', path, { state: 'paused' });
    if (state === 'broken_off') await ask('PATCH', path, { state: 'broken_off' });
    if (state === 'snapmirrored') {
      await this.#until((this.#scenario.operation ?? 500) + 1000);
      await ask('PATCH', path, { state: 'snapmirrored' });
    }
    const volumeAt = ({ cluster: name, svm, volume }: VolumePlace) => this.#world.cluster(name).volume(svm, volume);
    return async () => {
      attempted(`${at}.changes`, () => write(volumeAt(source), given.changes));
      attempted(`${at}.destinationChanges`, () => write(volumeAt(destination), given.destinationChanges));
      if (given.transferring) await ask('POST', `${path}/transfers`, {});
    };
  }

  /** Returns its path. The destination volume is made where there is none. */
  async #create(given: ScenarioRelationship, ask: Ask): Promise<string> {
    const { policy = 'MirrorAllSnapshots', schedule, throttle } = given;
    const [source, destination] = [place(given.source), place(given.destination)];
    const cluster = this.#world.cluster(destination.cluster);
    const end = `${destination.svm}:${destination.volume}`;
    const provisions = !cluster.volumes.some((volume) => volume.path === end);
    await ask('POST', '/snapmirror/relationships', {
      source: { path: `${this.#nameOf(source, cluster, destination.svm)}:${source.volume}` },
      destination: { path: end },
      policy: { name: policy },
      ...(provisions ? { create_destination: { enabled: true } } : {}),
      ...(schedule === undefined ? {} : { transfer_schedule: { name: schedule } }),
    });
    const query = new URLSearchParams({ 'destination.path': end });
    const { records } = (await ask('GET', `/snapmirror/relationships?${query}`)) as { records: { uuid: string }[] };
    const path = `/snapmirror/relationships/${records[0]?.uuid}`;
    if (throttle !== undefined) await ask('PATCH', path, { throttle });
    return path;
  }

  /** Waits until so long before the scenario begins. */
  async #until(ms: number): Promise<void> {
    await this.#clock.sleep(this.#startAt - ms - this.#clock.now());
  }

  /** What the source's SVM is called at the destination. */
  #nameOf(source: VolumePlace, cluster: SimulatedCluster, svm: string): string {
    return source.cluster === cluster.name ? source.svm : this.#world.aliasOf({ cluster: cluster.name, svm }, source);
  }

  async #ask(
    cluster: SimulatedCluster,
    method: string,
    path: string,
    body: object | undefined,
    at: string,
  ): Promise<unknown> {
    const [pathname = '', query = ''] = path.split('?');
    // Schedules are made at once; everything else that is made or changed has a job.
    const waits = method === 'GET' || pathname === '/cluster/schedules' ? query : 'return_timeout=120';
    const authorization = `Basic ${Buffer.from(`${cluster.user}:${cluster.password}`).toString('base64')}`;
    const answer = await cluster.handle({
      method,
      path: `/api${pathname}`,
      query: waits,
      headers: { authorization, accept: 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = JSON.parse(answer.body || '{}') as { error?: { code: string; message: string } };
    if (answer.status < 300) return json;
    const { code, message } = json.error ?? { code: '', message: '' };
    throw unusable([{ at, message: `${method} ${pathname} is refused: ${message} (${code})` }]);
  }
}

type Ask = (method: string, path: string, body?: object) => Promise<unknown>;

interface VolumePlace {
  readonly cluster: string;
  readonly svm: string;
  readonly volume: string;
}

/** `cluster:svm[:volume]` */
function place(text: string): VolumePlace {
  const [cluster = '', svm = '', volume = ''] = text.split(':');
  return { cluster, svm, volume };
}

function clusterSpec(given: ScenarioCluster): ClusterSpec {
  const { name, version, user, password, users, nodes, svms, maxRequestsInFlight } = given;
  const aggregates = given.aggregates?.map((one) =>
    typeof one === 'string' ? one : { name: one.name, sizeBytes: one.size },
  );
  const spec = { name, version, user, password, users, nodes, svms, maxRequestsInFlight, aggregates };
  return withoutAbsent(spec) as ClusterSpec;
}

function write(
  volume: SimulatedVolume,
  content: { readonly [K in keyof ContentSpec]: ContentSpec[K] | undefined } | undefined,
): void {
  if (content) writeContent(volume, withoutAbsent(content));
}

/** What the set-up of a volume throws is a problem of the scenario. */
function attempted<T>(at: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw unusable([{ at, message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** Without the fields that are undefined: exact optional properties. */
function withoutAbsent<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
