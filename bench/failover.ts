/**
 * Failover of whole backends while a transfer drains on every volume: ours beside the longest of its volumes alone, and beside Cinder's
 * order, one volume after the other.
 */
import { failoverAsCinder } from './cinder-sequence.ts';
import { type Bench, clustersWith, LATENCY_MS, measured } from './clusters.ts';
import type { Report } from './report.ts';

/** Slow enough that half a MiB takes the longest drain. */
const TRANSFER_RATE = 16 * 1024;
const LONGEST_DRAIN_SECONDS = 30;
const BLOCK = 4096;

const SIZES = [50, 500] as const;
const ALLOWED = 1.3;

export async function failoverBench(): Promise<Report> {
  const rows: Record<string, string | number>[] = [];
  const goals: Report['goals'][number][] = [];
  for (const count of SIZES) {
    const drains = Array.from({ length: count }, (_, index) => (LONGEST_DRAIN_SECONDS * index) / (count - 1));
    // In the same world, where the others drain too, but are left where they are.
    const alone = await ours(await draining(drains), 1);
    const found = await ours(await draining(drains));
    const cinder = await cinders(await draining(drains));
    const factor = found.seconds / alone.seconds;
    const ratio = cinder.seconds / found.seconds;
    rows.push(
      row(`ours, the longest of ${count} alone`, 1, alone),
      {
        ...row('ours', count, found),
        'to the longest alone': `${factor.toFixed(2)}x`,
        "Cinder's time": `${ratio.toFixed(1)}x`,
      },
      row("Cinder's order", count, cinder),
    );
    goals.push(
      {
        goal: `${count} volumes within ${ALLOWED}x of the longest single volume`,
        measured: `${factor.toFixed(2)}x`,
        met: factor <= ALLOWED,
      },
      {
        goal: `${count} volumes: never more than 16 requests in flight on a cluster, the default`,
        measured: `${found.inFlightPeak}`,
        met: found.inFlightPeak <= 16,
      },
      { goal: `${count} volumes faster than one after the other`, measured: `${ratio.toFixed(1)}x`, met: ratio > 1 },
    );
  }
  return {
    bench: 'failover',
    setting:
      `${LATENCY_MS} ms a request; a transfer drains on every volume, for 0 to ${LONGEST_DRAIN_SECONDS} s; source alive, last update, ` +
      'claim, break, mount; simulated clusters on a virtual clock; memory is the peak of the heap over its beginning, simulator and ' +
      'garbage included; looks are shared, so that many can be done a little sooner than one alone',
    rows,
    goals,
  };
}

type Measured = Awaited<ReturnType<typeof measured>> & { readonly heapMiB: number };

function row(what: string, volumes: number, m: Measured): Record<string, string | number> {
  return {
    what,
    volumes,
    'wall (simulated s)': m.seconds.toFixed(1),
    requests: m.requests,
    'requests a volume': (m.requests / volumes).toFixed(2),
    'in flight on a cluster, peak': m.inFlightPeak || '',
    'heap (MiB)': m.heapMiB.toFixed(0),
    'heap a volume (KiB)': ((m.heapMiB * 1024) / volumes).toFixed(0),
  };
}

/** Mirrored volumes, each with a transfer under way that takes so many seconds. */
async function draining(seconds: readonly number[]): Promise<Bench> {
  const bench = clustersWith(seconds.length, { transferRate: TRANSFER_RATE });
  const selection = { source: 'cluster1', target: 'cluster2' };
  for (const outcome of await bench.dataMotion.ensureSnapmirrors(selection, { waitForBaseline: true })) {
    if (!outcome.ok) throw outcome.error;
  }
  const source = bench.world.cluster('cluster1');
  for (const [index, name] of bench.volumes.entries()) {
    const size = Math.ceil(((seconds[index] ?? 0) * TRANSFER_RATE) / BLOCK) * BLOCK;
    if (size > 0) source.volume('svm1', name).write('/changed', 0, new Uint8Array(size).fill(1 + (index % 200)));
  }
  for (const outcome of await bench.dataMotion.updateSnapmirrors(selection)) if (!outcome.ok) throw outcome.error;
  bench.inFlight.clear();
  return bench;
}

/** @param last so many volumes, those with the longest drains */
function ours(bench: Bench, last = bench.volumes.length): Promise<Measured> {
  const selection = { source: 'cluster1', target: 'cluster2', volumes: bench.volumes.slice(-last) };
  return withHeap(bench, async () => {
    const report = await bench.dataMotion.failover(selection);
    for (const { error } of report.volumes) if (error !== undefined) throw error;
  });
}

function cinders(bench: Bench): Promise<Measured> {
  return withHeap(bench, () => failoverAsCinder(bench.world, bench.clock, bench.volumes));
}

async function withHeap(bench: Bench, work: () => Promise<unknown>): Promise<Measured> {
  const before = process.memoryUsage().heapUsed;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().heapUsed);
  }, 20);
  try {
    const found = await measured(bench, work);
    return { ...found, heapMiB: (peak - before) / 2 ** 20 };
  } finally {
    clearInterval(timer);
  }
}
