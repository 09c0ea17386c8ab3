/** The world that the clients drive: two peered clusters behind TLS, on a clock that moves by a second a request. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type SimulatedCluster,
  SimulatedOntap,
  type SimulatedOntapOptions,
  VirtualClock,
} from '../../src/testing/index.ts';

export const MIB = 2 ** 20;

/** How long every request takes by the clock: longer than a job that has nothing to wait for, so nobody polls in vain. */
const REQUEST_MS = 1000;

export interface InteropScene {
  readonly world: SimulatedOntap;
  readonly clock: VirtualClock;
  readonly source: SimulatedCluster;
  readonly destination: SimulatedCluster;
  /** A scratch folder of this run. */
  readonly folder: string;
  /** File of the authority's certificate. */
  readonly ca: string;
  close(): Promise<void>;
}

export async function openScene(
  options: Omit<SimulatedOntapOptions, 'clock' | 'latencyMs'> = {},
): Promise<InteropScene> {
  const clock = new VirtualClock({ autoAdvance: true });
  const world = new SimulatedOntap({ ...options, clock, latencyMs: REQUEST_MS });
  await world.listen({ tls: true });
  const folder = mkdtempSync(join(tmpdir(), 'interop-'));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, world.tls?.ca ?? '');
  const close = async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { world, clock, source: world.cluster('cluster1'), destination: world.cluster('cluster2'), folder, ca, close };
}

export function portOf(cluster: SimulatedCluster): number {
  return Number(new URL(cluster.url).port);
}

/** Bytes that differ from block to block, and from seed to seed. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * (seed + 6) + (index >> 8)) & 255);
}

/** Paths of the destinations that a cluster knows of. */
export async function mirrorsOf(cluster: SimulatedCluster, query = ''): Promise<string[]> {
  const records = await recordsOf(cluster, `/snapmirror/relationships?fields=destination.path&${query}`);
  return records.map(({ destination }) => destination?.path ?? '').sort();
}

export async function volumesOf(cluster: SimulatedCluster): Promise<string[]> {
  return (await recordsOf(cluster, '/storage/volumes?fields=name')).map(({ name }) => name ?? '').sort();
}

interface RestRecord {
  readonly name?: string;
  readonly destination?: { readonly path: string };
}

async function recordsOf(cluster: SimulatedCluster, path: string): Promise<readonly RestRecord[]> {
  const authorization = `Basic ${btoa(`${cluster.user}:${cluster.password}`)}`;
  const request = new Request(`${cluster.url}/api${path}`, { headers: { accept: 'application/json', authorization } });
  const { records } = (await (await cluster.fetch(request)).json()) as { records: readonly RestRecord[] };
  return records;
}
