/** 200 new mirrors: ours, ours one at a time, and Cinder's serial loop; then 1,000 healthy ones checked. */
import { protectAsCinder } from './cinder-sequence.ts';
import { type Bench, clustersWith, LATENCY_MS, measured } from './clusters.ts';
import type { Report } from './report.ts';

const NEW = 200;
const HEALTHY = 1_000;

export async function ensureBench(): Promise<Report> {
  const parallel = await ours(clustersWith(NEW));
  const oneByOne = await ours(clustersWith(NEW), 1);
  const cinder = await cinders(clustersWith(NEW));

  const healthy = clustersWith(HEALTHY);
  await ours(healthy, undefined, true);
  const checked = await ours(healthy);

  const row = (what: string, mirrors: number, m: Awaited<ReturnType<typeof measured>>) => ({
    what,
    mirrors,
    'wall (simulated s)': m.seconds.toFixed(1),
    requests: m.requests,
    'requests a mirror': (m.requests / mirrors).toFixed(3),
    'in flight on a cluster, peak': m.inFlightPeak || '',
    'ratio to Cinder': mirrors === NEW ? `${(cinder.seconds / m.seconds).toFixed(1)}x` : '',
  });
  const ratio = cinder.seconds / parallel.seconds;
  return {
    bench: 'ensure',
    setting: `${LATENCY_MS} ms a request, jobs and transfers alike on all sides, simulated clusters on a virtual clock`,
    rows: [
      row('new, ours', NEW, parallel),
      row('new, ours at concurrency 1', NEW, oneByOne),
      row("new, Cinder's sequence", NEW, cinder),
      row('healthy, ours', HEALTHY, checked),
    ],
    goals: [
      { goal: 'at least 20x faster than the serial loop', measured: `${ratio.toFixed(1)}x`, met: ratio >= 20 },
      {
        goal: 'at most 6 requests a new mirror',
        measured: (parallel.requests / NEW).toFixed(2),
        met: parallel.requests <= 6 * NEW,
      },
      {
        goal: 'at most 0.02 requests a healthy mirror',
        measured: (checked.requests / HEALTHY).toFixed(4),
        met: checked.requests <= 0.02 * HEALTHY,
      },
      {
        goal: 'never more than 16 requests in flight on a cluster',
        measured: `${parallel.inFlightPeak}`,
        met: parallel.inFlightPeak <= 16,
      },
    ],
  };
}

function ours(bench: Bench, concurrency?: number, waitForBaseline = false) {
  return measured(bench, async () => {
    const selection = { source: 'cluster1', target: 'cluster2' };
    const options = { waitForBaseline, ...(concurrency === undefined ? {} : { concurrency }) };
    for (const outcome of await bench.dataMotion.ensureSnapmirrors(selection, options)) {
      if (!outcome.ok) throw outcome.error;
    }
  });
}

function cinders(bench: Bench) {
  return measured(bench, async () => {
    for (const volume of bench.volumes) await protectAsCinder(bench.world, bench.clock, volume);
  });
}
