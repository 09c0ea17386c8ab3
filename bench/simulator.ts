/** The simulated ONTAP with 10,000 volumes and 10,000 relationships in one cluster: filtered, paged reads over HTTP. */
import { SeededRandom, type SimulatedCluster, SimulatedOntap, VirtualClock } from '../src/testing/index.ts';
import type { Report } from './report.ts';

const OBJECTS = 10_000;
const PAGE = 100;
const ROUNDS = 15;
const GOAL_MS = 50;
const MIB = 2 ** 20;

interface Read {
  readonly what: string;
  readonly path: string;
  /** Records that its first page must have: a fast answer that is wrong is none. */
  readonly records: number;
}

const VOLUMES = '/storage/volumes';
const RELATIONSHIPS = '/snapmirror/relationships';
const READS: readonly Read[] = [
  { what: 'volume by name', path: `${VOLUMES}?name=vol04711`, records: 1 },
  { what: 'volumes by wildcard', path: `${VOLUMES}?name=vol04*&fields=name,svm.name`, records: PAGE },
  {
    what: 'volumes by SVM and state',
    path: `${VOLUMES}?svm.name=svm1_dr&state=online&type=dp&fields=size`,
    records: PAGE,
  },
  { what: 'volumes, all fields', path: `${VOLUMES}?name=vol04*&fields=*`, records: PAGE },
  { what: 'volumes in order', path: `${VOLUMES}?type=dp&order_by=name desc&fields=name`, records: PAGE },
  { what: 'volumes counted', path: `${VOLUMES}?name=vol04*&return_records=false`, records: 0 },
  { what: 'relationship by source path', path: `${RELATIONSHIPS}?source.path=svm1:vol04711&fields=state`, records: 1 },
  {
    what: 'relationship by both paths',
    path: `${RELATIONSHIPS}?source.path=svm1:vol04711&destination.path=svm1_dr:vol04711`,
    records: 1,
  },
  {
    what: 'relationships by wildcard',
    path: `${RELATIONSHIPS}?source.path=svm1:vol04*&fields=state,healthy,lag_time`,
    records: PAGE,
  },
  { what: 'relationships by state', path: `${RELATIONSHIPS}?state=uninitialized&fields=state`, records: PAGE },
  { what: 'relationships by SVM, all fields', path: `${RELATIONSHIPS}?source.svm.name=svm1&fields=*`, records: PAGE },
  {
    what: 'relationships by lag, in order',
    path: `${RELATIONSHIPS}?lag_time=>PT0S&order_by=lag_time desc,source.path&fields=lag_time`,
    records: PAGE,
  },
];

export async function simulatorBench(): Promise<Report> {
  const heapBefore = process.memoryUsage().heapUsed;
  const builtFrom = performance.now();
  const { world, cluster } = await worldOf(OBJECTS);
  const buildSeconds = (performance.now() - builtFrom) / 1000;
  await world.listen();
  try {
    const rows = [];
    for (const read of READS) rows.push(await timed(cluster, read));
    const slowest = Math.max(...rows.map((row) => row.median));
    const { rss, heapUsed } = process.memoryUsage();
    const mib = (bytes: number) => Math.round(bytes / MIB);
    return {
      bench: 'simulator',
      setting:
        `${OBJECTS} volumes and ${OBJECTS} relationships in one cluster, pages of ${PAGE} over HTTP, median of ${ROUNDS}; ` +
        `built in ${buildSeconds.toFixed(1)} s with as many volumes again as sources; ` +
        `heap ${mib(heapUsed - heapBefore)} MiB, resident ${mib(rss)} MiB`,
      rows: [
        ...rows.map(({ what, records, median, worst, processor }) => ({
          read: what,
          records,
          'median (ms)': median.toFixed(1),
          'of it processor (ms)': processor.toFixed(1),
          'slowest (ms)': worst.toFixed(1),
        })),
      ],
      goals: [
        {
          goal: `every read within ${GOAL_MS} ms (median)`,
          measured: `${slowest.toFixed(1)} ms`,
          met: slowest <= GOAL_MS,
        },
        {
          goal: 'every read finds what is there',
          measured: rows.every(({ right }) => right) ? 'yes' : 'no',
          met: rows.every(({ right }) => right),
        },
      ],
    };
  } finally {
    await world.close();
  }
}

/** Relationships of every second hundred are mirrored, the others are not initialised. */
async function worldOf(objects: number): Promise<{ world: SimulatedOntap; cluster: SimulatedCluster }> {
  const clock = new VirtualClock({ autoAdvance: true });
  const world = new SimulatedOntap({ clock, random: new SeededRandom(1), operationMs: 0 });
  const [source, cluster] = [world.cluster('cluster1'), world.cluster('cluster2')];
  for (let index = 0; index < objects; index++) {
    const name = `vol${String(index).padStart(5, '0')}`;
    source.createVolume({ svm: 'svm1', name, sizeBytes: 64 * MIB });
    cluster.createVolume({ svm: 'svm1_dr', name, sizeBytes: 64 * MIB, type: 'dp' });
    const body = { source: { path: `svm1:${name}` }, destination: { path: `svm1_dr:${name}` } };
    await changed(cluster, 'POST', `${RELATIONSHIPS}?return_timeout=120`, body);
  }
  const mirrored = [...Array(objects).keys()].filter((index) => Math.floor(index / 100) % 2 === 0);
  for (const hundred of new Set(mirrored.map((index) => Math.floor(index / 100)))) {
    const paths = `svm1_dr:vol${String(hundred).padStart(3, '0')}*`;
    const query = `destination.path=${encodeURIComponent(paths)}&return_timeout=120`;
    await changed(cluster, 'PATCH', `${RELATIONSHIPS}?${query}`, { state: 'snapmirrored' });
  }
  await clock.advance(3_600_000);
  // The hour's scheduled updates too: reads are timed, not what was due.
  world.settle();
  return { world, cluster };
}

async function changed(cluster: SimulatedCluster, method: string, path: string, body: object): Promise<void> {
  const response = await cluster.fetch(requestTo(cluster, path, { method, body: JSON.stringify(body) }));
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
}

async function timed(
  cluster: SimulatedCluster,
  { what, path, records }: Read,
): Promise<{
  what: string;
  records: number;
  median: number;
  worst: number;
  /** Median of the processor's time, of both sides: what is left of the median on an idle machine. */
  processor: number;
  right: boolean;
}> {
  const times: number[] = [];
  const processorTimes: number[] = [];
  let seen = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    const used = process.cpuUsage();
    const response = await fetch(requestTo(cluster, `${path}&max_records=${PAGE}`));
    const page = (await response.json()) as { records?: unknown[]; num_records: number };
    times.push(performance.now() - from);
    const { user, system } = process.cpuUsage(used);
    processorTimes.push((user + system) / 1000);
    seen = page.records?.length ?? 0;
  }
  const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
  const [median, processor, worst] = [middle(times), middle(processorTimes), Math.max(...times)];
  return { what, records: seen, median, worst, processor, right: seen === records };
}

function requestTo(cluster: SimulatedCluster, path: string, init: RequestInit = {}): Request {
  const authorization = `Basic ${btoa(`${cluster.user}:${cluster.password}`)}`;
  return new Request(`${cluster.url}/api${path}`, { ...init, headers: { accept: 'application/json', authorization } });
}
