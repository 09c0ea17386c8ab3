/** Two simulated clusters on a virtual clock, called in-process with a latency of their own: times are exact and repeatable. */
import type { DataMotion } from '../src/data-motion.ts';
import { createDataMotion, readConfiguration } from '../src/index.ts';
import { configurationOf, SeededRandom, SimulatedOntap, VirtualClock } from '../src/testing/index.ts';

export const LATENCY_MS = 20;
const MIB = 2 ** 20;

export interface Bench {
  readonly clock: VirtualClock;
  readonly world: SimulatedOntap;
  readonly dataMotion: DataMotion;
  readonly volumes: readonly string[];
  /** Requests of ours under way at each cluster, and the most there were. */
  readonly inFlight: Map<string, { now: number; peak: number }>;
}

/** `volumes` volumes of 1 MiB content each on the first cluster, nothing mirrored yet. */
export function clustersWith(volumes: number, options: { readonly transferRate?: number } = {}): Bench {
  const clock = new VirtualClock({ startAt: Date.parse('2026-01-01T00:10:00Z'), autoAdvance: true });
  const world = new SimulatedOntap({ clock, random: new SeededRandom(1), latencyMs: LATENCY_MS, ...options });
  const source = world.cluster('cluster1');
  const names = Array.from({ length: volumes }, (_, i) => `vol${String(i).padStart(4, '0')}`);
  for (const name of names) {
    const volume = source.createVolume({ svm: 'svm1', name, sizeBytes: 64 * MIB });
    volume.write('/data', 0, new Uint8Array(MIB).fill(names.indexOf(name)));
  }
  const inFlight: Bench['inFlight'] = new Map();
  const dataMotion = createDataMotion(readConfiguration(configurationOf(world.describe())), {
    env: { clock, random: new SeededRandom(2) },
    client: { transport: (request) => counted(inFlight, new URL(request.url).host, () => send(world, request)) },
  });
  return { clock, world, dataMotion, volumes: names, inFlight };
}

/** To the cluster that the URL names. */
export function send(world: SimulatedOntap, request: Request): Promise<Response> {
  const { host } = new URL(request.url);
  const cluster = world.clusters.find(({ url }) => new URL(url).host === host);
  if (cluster === undefined) throw new Error(`no cluster at ${host}`);
  return cluster.fetch(request);
}

async function counted<T>(inFlight: Bench['inFlight'], cluster: string, work: () => Promise<T>): Promise<T> {
  const count = inFlight.get(cluster) ?? { now: 0, peak: 0 };
  inFlight.set(cluster, count);
  count.peak = Math.max(count.peak, ++count.now);
  try {
    return await work();
  } finally {
    count.now--;
  }
}

/** What one run cost: by the clusters' clock, and in requests. */
export async function measured(
  { clock, world, inFlight }: Bench,
  work: () => Promise<unknown>,
): Promise<{ seconds: number; requests: number; perCluster: Record<string, number>; inFlightPeak: number }> {
  const [from, startedAt] = [world.requests.length, clock.now()];
  await work();
  const perCluster: Record<string, number> = {};
  for (const { cluster } of world.requests.slice(from)) perCluster[cluster] = (perCluster[cluster] ?? 0) + 1;
  return {
    seconds: (clock.now() - startedAt) / 1000,
    requests: world.requests.length - from,
    perCluster,
    inFlightPeak: Math.max(0, ...[...inFlight.values()].map(({ peak }) => peak)),
  };
}
