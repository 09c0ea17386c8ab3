/**
 * The stage of one run: the simulated clusters, a network whose every message takes its turn by one clock, hosts that write, and what
 * can be seen from outside. All order comes from the virtual clock and the seed; nothing here waits in real time.
 */
import type { ReplicationConfiguration } from '../../src/core/replication/configuration.ts';
import { readConfiguration } from '../../src/index.ts';
import {
  SeededRandom,
  type SimulatedCluster,
  SimulatedOntap,
  type SimulatedVolume,
  VirtualClock,
} from '../../src/testing/index.ts';
import { Dice, type Disaster, type PlannedVolume, type Topology } from './disaster.ts';
import { Ledger, writesIn } from './ledger.ts';

const MIB = 2 ** 20;
/** Ten past the hour: no schedule strikes while the scene is set. */
const START = Date.parse('2026-01-01T00:10:00Z');
export const SOURCE = 'east';

/** One line of what happened; `loud` is for people, the rest is compared only. */
export interface Line {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly loud: boolean;
}

/** The host of a volume. */
export interface Host {
  /** Backend that it writes to. */
  where: string;
  stopped: boolean;
  readonly deaf: boolean;
}

/** Who counts, by a mark as it stands in a volume's comment. */
interface SeenMark {
  readonly epoch: number;
  readonly here: boolean;
  readonly by: string;
}

export class Scene {
  readonly topology: Topology;
  readonly clock: VirtualClock;
  readonly world: SimulatedOntap;
  readonly configuration: ReplicationConfiguration;
  readonly ledger = new Ledger();
  readonly lines: Line[] = [];
  readonly hosts = new Map<string, Host>();
  readonly violations: string[] = [];
  /** Failovers under way, by volume: what is written to the source meanwhile may be left behind. */
  readonly leaving = new Map<string, number>();
  readonly locks = new Locks(this);
  /** Source volumes that the operator took offline, and meant to bring back. */
  readonly takenOffline = new Set<string>();
  readonly #inFlight = new Set<InFlight>();
  readonly #network: Dice;
  readonly #cut = new Map<string, number>();

  constructor({ seed, topology }: Disaster) {
    this.topology = topology;
    this.clock = new VirtualClock({ startAt: START, autoAdvance: true });
    this.#network = new Dice(seed ^ 0x5eed);
    this.world = new SimulatedOntap({
      clock: this.clock,
      random: new SeededRandom(seed),
      transferRate: topology.transferRate,
      switches: topology.switches,
      clusters: [
        { name: 'cluster0', svms: ['svm0'] },
        ...topology.targets.map((_, index) => ({ name: `cluster${index + 1}`, svms: [`svm${index + 1}`] })),
      ],
    });
    for (const volume of topology.volumes) this.#createVolume(volume);
    this.configuration = readConfiguration(this.#configured());
  }

  // ---- time and trace

  tell(who: string, what: string, loud = true): void {
    this.lines.push({ at: this.clock.now() - START, who, what, loud });
  }

  violation(text: string): void {
    if (this.violations.includes(text)) return;
    this.violations.push(text);
    this.tell('judge', `VIOLATION: ${text}`);
  }

  /** Epoch milliseconds of an offset from the beginning. */
  timeOf(offsetMs: number): number {
    return START + offsetMs;
  }

  // ---- places

  get backends(): readonly string[] {
    return [SOURCE, ...this.topology.targets];
  }

  clusterOf(backend: string): SimulatedCluster {
    return this.world.cluster(`cluster${this.backends.indexOf(backend)}`);
  }

  /** The volume of a side as it is, without asking the API; undefined when there is none. */
  side(backend: string, name: string): SimulatedVolume | undefined {
    const svm = `svm${this.backends.indexOf(backend)}`;
    return this.clusterOf(backend).volumes.find((volume) => volume.name === name && volume.svm.name === svm);
  }

  /** Writes that a side holds; nothing when its volume holds no file system yet. */
  heldAt(backend: string, name: string): ReadonlySet<number> {
    const volume = this.side(backend, name);
    return volume === undefined || !volume.initialized ? new Set() : writesIn(volume);
  }

  /** What a snapshot holds, wherever it is. */
  heldBy(snapshot: string | undefined, name: string): ReadonlySet<number> {
    for (const backend of snapshot === undefined ? [] : this.backends) {
      const volume = this.side(backend, name);
      if (snapshot !== undefined && volume?.snapshots().includes(snapshot)) return writesIn(volume.snapshot(snapshot));
    }
    return new Set();
  }

  markAt(backend: string, name: string): SeenMark | undefined {
    const comment = this.side(backend, name)?.settings['comment'];
    const text = typeof comment === 'string' ? comment : '';
    const found = /\[datamotion epoch=(\d+) authority=(here|peer).* op=([\w-]+)\]/.exec(text);
    return found === null ? undefined : { epoch: Number(found[1]), here: found[2] === 'here', by: found[3] ?? '' };
  }

  /** The backend whose volume takes writes and bears the highest claim to count, by what stands there. */
  claimant(name: string): string | undefined {
    const writable = this.backends.filter((backend) => this.side(backend, name)?.type === 'rw');
    const claims = writable.flatMap((backend) => {
      const mark = this.markAt(backend, name);
      return mark?.here === true ? [{ backend, ...mark }] : [];
    });
    // Of two claims of one epoch, the later id wins: docs/operations.md.
    const [first] = claims.toSorted((one, other) => other.epoch - one.epoch || (one.by < other.by ? 1 : -1));
    return first?.backend;
  }

  /** Clones of drills, everywhere. */
  clones(): number {
    return this.world.clusters.flatMap(({ volumes }) => volumes).filter(({ name }) => name.startsWith('dmdrill_'))
      .length;
  }

  // ---- who works

  /** Somebody begins to work: whoever works at the same time is not alone. */
  begin(): InFlight {
    const begun: InFlight = { alone: this.#inFlight.size === 0 };
    this.disturb();
    this.#inFlight.add(begun);
    return begun;
  }

  end(ended: InFlight): void {
    this.#inFlight.delete(ended);
  }

  /** Somebody interferes with what is under way. */
  disturb(): void {
    for (const other of this.#inFlight) other.alone = false;
  }

  // ---- hosts

  /** What a host does with its volume: it may find that it cannot. */
  write(name: string, count: number): void {
    const host = this.hosts.get(name);
    if (host === undefined || host.stopped) return;
    const { where } = host;
    const volume = this.side(where, name);
    if (!this.clusterOf(where).alive || volume === undefined || volume.junctionPath === undefined) return;
    if (volume.type !== 'rw' || volume.state !== 'online') return;
    const doubtful = this.#isDoubtful(where, name);
    for (let more = count; more > 0; more--) {
      const number = this.ledger.write(volume, name, { backend: where, doubtful, at: this.world.now });
      this.tell('host', `write ${number} of ${name} at ${where}${doubtful ? ', which does not count' : ''}`);
    }
  }

  /** A host that is told to stop writes out what it still has; a deaf one goes on. */
  stopHost(name: string): void {
    const host = this.hosts.get(name);
    if (host === undefined) return;
    this.write(name, 1);
    host.stopped = !host.deaf;
    for (const ms of host.deaf ? [300, 900, 1700, 2600] : []) void this.clock.sleep(ms).then(() => this.write(name, 1));
  }

  #isDoubtful(where: string, name: string): boolean {
    const claimant = this.claimant(name);
    if (where !== SOURCE) return claimant !== where;
    return (this.leaving.get(name) ?? 0) > 0 || (claimant !== undefined && claimant !== SOURCE);
  }

  // ---- network

  /** No message passes between the two for so long. */
  cut(who: string, cluster: string, ms: number): void {
    this.#cut.set(`${who} ${cluster}`, this.clock.now() + ms);
  }

  heal(): void {
    this.#cut.clear();
  }

  /** A request of a process, there and back. Each way takes its time; the order of all is that of the clock. */
  async send(who: string, request: Request): Promise<Response> {
    const { hostname, pathname } = new URL(request.url);
    const cluster = this.world.clusters.find(({ name }) => hostname === `${name}.sim`);
    if (cluster === undefined) throw broken('ENOTFOUND');
    const what = `${request.method} ${cluster.name} ${pathname}`;
    await this.#way(who, cluster.name);
    try {
      const response = await cluster.fetch(request);
      this.tell(who, `${what}: ${response.status}`, request.method !== 'GET');
      await this.#way(who, cluster.name);
      return response;
    } catch (error) {
      this.tell(who, `${what}: no answer`, false);
      throw error;
    }
  }

  async #way(who: string, cluster: string): Promise<void> {
    const { networkMs } = this.topology;
    const ms = networkMs === 0 ? 0 : this.#network.below(networkMs + 1);
    if (ms > 0) await this.clock.sleep(ms);
    const until = this.#cut.get(`${who} ${cluster}`);
    if (until !== undefined && this.clock.now() < until) {
      await this.clock.sleep(CONNECT_MS);
      throw broken('ETIMEDOUT');
    }
  }

  // ---- setting

  #createVolume({ name, style, deafHost }: PlannedVolume): void {
    const cluster = this.world.cluster('cluster0');
    const group = { style: 'flexgroup', aggregates: cluster.aggregates, constituentsPerAggregate: 2 } as const;
    const volume = cluster.createVolume({
      svm: 'svm0',
      name,
      sizeBytes: 100 * MIB,
      junctionPath: `/${name}`,
      ...(style === 'flexgroup' ? { ...group, sizeBytes: 1000 * MIB } : {}),
    });
    this.ledger.write(volume, name, { backend: SOURCE, doubtful: false, at: this.world.now });
    this.hosts.set(name, { where: SOURCE, stopped: false, deaf: deafHost });
  }

  #configured(): object {
    const access = (backend: string) => {
      const { url, user, password, svms } = this.clusterOf(backend);
      const { hostname, protocol } = new URL(url);
      return { host: hostname, scheme: protocol.replace(':', ''), svm: svms[0], user, password };
    };
    const aggregates = Object.fromEntries(this.clusterOf(SOURCE).aggregates.map((name) => [name, name]));
    const { targets, schedule } = this.topology;
    const east = {
      ...access(SOURCE),
      targets: targets.map((backend) => ({ backend, aggregates })),
      transferSchedule: schedule,
      quiesceTimeoutSeconds: 120,
    };
    const others = Object.fromEntries(targets.map((backend) => [backend, access(backend)]));
    return { version: 1, backends: { east, ...others } };
  }
}

const CONNECT_MS = 10_000;

/** A piece of work under way; not alone once anybody else changed anything meanwhile. */
export interface InFlight {
  alone: boolean;
}

/** Whoever may hold a lock, and be dead. */
interface Holder {
  readonly isDead: boolean;
}

/** A lock service that keeps its promise: one holder at a time, and a dead one holds nothing. */
class Locks {
  readonly #scene: Scene;
  readonly #held = new Map<string, Holder>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async acquire(name: string, holder: Holder) {
    const until = this.#scene.clock.now() + LOCK_PATIENCE_MS;
    for (let other = this.#held.get(name); other !== undefined && !other.isDead; other = this.#held.get(name)) {
      if (this.#scene.clock.now() >= until) throw new Error(`the lock ${name} is held by another one`);
      await this.#scene.clock.sleep(5000);
    }
    this.#held.set(name, holder);
    return {
      isHeld: async () => this.#held.get(name) === holder,
      release: async () => {
        if (this.#held.get(name) === holder) this.#held.delete(name);
      },
    };
  }
}

const LOCK_PATIENCE_MS = 1_800_000;

function broken(code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
}
