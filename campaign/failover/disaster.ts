/**
 * What a seed means: a topology, and everything that is going to happen in it, with its time. Plain data, made before the run, so that
 * it can be told, made smaller and played again; what falls out during the run (which request is lost) is drawn from seeds in it.
 */
import type { FaultKind } from '../../src/testing/index.ts';
import { RANDOM_FAULT_KINDS, SeededRandom, type Switches } from '../../src/testing/index.ts';

/** A volume of the source backend. */
export interface PlannedVolume {
  readonly name: string;
  readonly style: 'flexvol' | 'flexgroup';
  /** Its host does not know of failovers: it goes on where it is for as long as it can write there. */
  readonly deafHost: boolean;
}

export interface Topology {
  readonly volumes: readonly PlannedVolume[];
  /** Backends that `east` replicates to, in the order of the configuration. */
  readonly targets: readonly string[];
  readonly orchestrators: number;
  /** Of all mirrors. */
  readonly schedule: 'hourly' | '5min' | 'daily';
  /** All orchestrators share a lock, as docs/operations.md advises to those who have more than one. */
  readonly lock: boolean;
  readonly switches: Partial<Switches>;
  readonly transferRate: number;
  /** The longest that the network takes for a request or an answer, in milliseconds. */
  readonly networkMs: number;
  /** Clocks of clusters are set; else views are stale at times. Both at once would show the past for hours, which no cluster does. */
  readonly clockJumps: boolean;
}

export const OPERATIONS = ['failover', 'failback', 'drill', 'ensure', 'update', 'state', 'leftovers', 'house'] as const;
/** What an orchestrator is told to do. */
export type OperationName = (typeof OPERATIONS)[number];

export const RAW_DEEDS = [
  'break',
  'pause',
  'resume',
  'abort',
  'update',
  'unmount-target',
  'unmount-source',
  'offline-source',
  'comment',
  'snapshot',
] as const;
/** What the operator does with the raw API, without asking anybody. */
export type RawDeed = (typeof RAW_DEEDS)[number];

export interface Operate {
  readonly do: 'operate';
  readonly orchestrator: number;
  readonly what: OperationName;
  /** Index of the target; absent: the library chooses. */
  readonly target?: number | undefined;
  /** Indexes of volumes; absent: all. */
  readonly volumes?: readonly number[] | undefined;
  readonly fence: 'none' | 'unmount' | 'offline';
  readonly keep?: 'source' | 'target' | undefined;
  /** Whether losses are accepted. */
  readonly accepts: boolean;
  readonly lastUpdate: boolean;
  readonly journal: boolean;
  readonly hooks: 'heeded' | 'fail' | 'hang' | 'none';
  /** The process dies at its n-th doing (a request, or a record of the journal). */
  readonly dies?: { readonly at: number; readonly moment: 'before' | 'after' } | undefined;
  /** The caller gives up after so long. */
  readonly patienceMs?: number | undefined;
}

export type Happening = { readonly at: number } & (
  | { readonly do: 'write'; readonly volume: number; readonly count: number }
  | Operate
  | { readonly do: 'raw'; readonly deed: RawDeed; readonly volume: number; readonly target: number }
  | { readonly do: 'cluster-dies'; readonly cluster: number; readonly ms: number }
  | { readonly do: 'partition'; readonly orchestrator: number; readonly cluster: number; readonly ms: number }
  | {
      readonly do: 'storm';
      readonly seed: number;
      readonly rate: number;
      readonly kinds: readonly FaultKind[];
      readonly ms: number;
    }
);

export interface Disaster {
  readonly seed: number;
  readonly topology: Topology;
  readonly happenings: readonly Happening[];
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** The same seed, the same disaster. */
export function disasterOf(seed: number): Disaster {
  const dice = new Dice(seed);
  const topology = topologyOf(dice);
  const happenings: Happening[] = [];
  let at = 0;
  const rounds = dice.between(2, 5);
  for (let round = 0; round < rounds; round++) {
    for (let more = dice.between(1, 5); more > 0; more--) {
      at += dice.between(1, dice.oneIn(4) ? 40 * MINUTE : 20 * SECOND);
      happenings.push({ at, ...trouble(dice, topology) });
    }
    at += dice.between(1, 10 * SECOND);
    happenings.push({ at, ...writes(dice, topology) });
    const orchestrators = dice.oneIn(3) ? topology.orchestrators : 1;
    for (let more = orchestrators; more > 0; more--) {
      at += dice.oneIn(2) ? dice.between(0, 2 * SECOND) : dice.between(0, 60 * SECOND);
      happenings.push({ at, ...operate(dice, topology, dice.of(ROUNDS[round % 2] ?? OPERATIONS)) });
    }
    for (let more = dice.between(0, 3); more > 0; more--) {
      at += dice.between(1, 15 * SECOND);
      happenings.push({ at, ...(dice.oneIn(2) ? writes(dice, topology) : trouble(dice, topology)) });
    }
  }
  return { seed, topology, happenings };
}

/** Mostly away in the even rounds, mostly back in the odd ones. */
const ROUNDS: readonly (readonly OperationName[])[] = [
  ['failover', 'failover', 'failover', 'failover', 'drill', 'failback', 'update', 'house'],
  ['failback', 'failback', 'failback', 'failback', 'failover', 'state', 'ensure', 'leftovers', 'house'],
];

function topologyOf(dice: Dice): Topology {
  // Many volumes tell little that few do not, and cost much: one run in fifty is large.
  const volumes = dice.oneIn(50) ? dice.between(10, 40) : dice.of([1, 1, 1, 1, 2, 2, 3, 4]);
  const switches: { -readonly [K in keyof Switches]?: Switches[K] } = {};
  if (dice.oneIn(4)) switches.pauseJob = 'waits-for-drain';
  if (dice.oneIn(4)) switches.transferJob = dice.of(['ends-when-started', 'waits']);
  if (dice.oneIn(4)) switches.resyncShows = 'snapmirrored';
  if (dice.oneIn(4)) switches.breakContactsSource = dice.of(['never', 'always']);
  if (dice.oneIn(4)) switches.breakWhenBroken = 'accepted';
  if (dice.oneIn(4)) switches.jobFailureShape = 'old';
  const clockJumps = dice.oneIn(3);
  if (dice.oneIn(4) && !clockJumps) switches.visibilityDelayMs = dice.between(1, 3 * SECOND);
  if (dice.oneIn(4)) switches.transferHistory = 'active-only';
  if (dice.oneIn(4)) switches.lagWhenBrokenOff = 'absent';
  return {
    volumes: Array.from({ length: volumes }, (_, index) => ({
      name: `vol${index + 1}`,
      style: dice.oneIn(6) ? 'flexgroup' : 'flexvol',
      deafHost: dice.oneIn(5),
    })),
    targets: TARGETS.slice(0, dice.of([1, 1, 1, 2, 2, 3])),
    orchestrators: dice.of([1, 1, 2, 2, 3]),
    schedule: dice.of(['hourly', '5min', 'daily']),
    lock: dice.oneIn(2),
    switches,
    transferRate: dice.of([8 * 1024, 64 * 1024, 2 ** 20, 100 * 2 ** 20]),
    networkMs: dice.of([0, 5, 50, 400]),
    clockJumps,
  };
}

export const TARGETS = ['west', 'north', 'south'] as const;

function writes(dice: Dice, { volumes }: Topology): Omit<Extract<Happening, { do: 'write' }>, 'at'> {
  return { do: 'write', volume: dice.below(volumes.length), count: dice.between(1, 3) };
}

function trouble(dice: Dice, topology: Topology): WithoutTime<Happening> {
  const { volumes, targets, orchestrators } = topology;
  const clusters = 1 + targets.length;
  switch (dice.of(['write', 'write', 'write', 'raw', 'raw', 'cluster-dies', 'partition', 'storm', 'storm'] as const)) {
    case 'raw': {
      const deed = dice.of(RAW_DEEDS);
      return { do: 'raw', deed, volume: dice.below(volumes.length), target: dice.below(targets.length) };
    }
    case 'cluster-dies':
      return { do: 'cluster-dies', cluster: dice.below(clusters), ms: dice.wide(SECOND, 60 * MINUTE) };
    case 'partition': {
      const [orchestrator, cluster] = [dice.below(orchestrators), dice.below(clusters)];
      return { do: 'partition', orchestrator, cluster, ms: dice.wide(SECOND, 20 * MINUTE) };
    }
    case 'storm': {
      const kinds = RANDOM_FAULT_KINDS.filter(
        (kind) => dice.oneIn(4) && kind !== (topology.clockJumps ? 'stale-read' : 'clock-jump'),
      );
      const rate = dice.of([0.002, 0.01, 0.04]);
      return { do: 'storm', seed: dice.below(2 ** 31), rate, kinds, ms: dice.wide(5 * SECOND, 20 * MINUTE) };
    }
    default:
      return writes(dice, topology);
  }
}

function operate(
  dice: Dice,
  { volumes, targets, orchestrators }: Topology,
  what: OperationName,
): WithoutTime<Happening> {
  const some = volumes.map((_, index) => index).filter(() => dice.oneIn(2));
  return {
    do: 'operate',
    orchestrator: dice.below(orchestrators),
    what,
    fence: dice.of(['none', 'unmount', 'unmount', 'offline']),
    accepts: !dice.oneIn(6),
    lastUpdate: !dice.oneIn(6),
    journal: dice.oneIn(2),
    hooks: dice.of(['heeded', 'heeded', 'heeded', 'heeded', 'none', 'fail', 'hang']),
    ...(dice.oneIn(3) ? { target: dice.below(targets.length) } : {}),
    ...(dice.oneIn(5) && some.length > 0 ? { volumes: some } : {}),
    ...(dice.oneIn(6) ? { keep: dice.of(['source', 'target'] as const) } : {}),
    ...(dice.oneIn(2) ? { dies: { at: dice.wide(1, 200), moment: dice.of(['before', 'after'] as const) } } : {}),
    ...(dice.oneIn(12) ? { patienceMs: dice.wide(SECOND, 10 * MINUTE) } : {}),
  };
}

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never;

/** Draws of whole things. */
export class Dice {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** 0 to count - 1. */
  below(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  /** Both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** Both included, small ones as often as large ones of ten times the size. */
  wide(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.#random.next());
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  of<const T>(all: readonly T[]): T {
    const drawn = all[this.below(all.length)];
    if (drawn === undefined) throw new Error('nothing to draw from');
    return drawn;
  }
}
