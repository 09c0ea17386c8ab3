/** The state of 2,000 mirrors. */
import { clustersWith, LATENCY_MS, measured } from './clusters.ts';
import type { Report } from './report.ts';

const MIRRORS = 2_000;

export async function statusBench(): Promise<Report> {
  const bench = clustersWith(MIRRORS);
  const selection = { source: 'cluster1', target: 'cluster2' };
  await bench.dataMotion.ensureSnapmirrors(selection, { waitForBaseline: true });
  let seen = 0;
  const took = await measured(bench, async () => {
    seen = (await bench.dataMotion.getSnapmirrors(selection)).length;
  });
  const most = Math.max(...Object.values(took.perCluster));
  return {
    bench: 'status',
    setting: `${LATENCY_MS} ms a request, simulated clusters on a virtual clock`,
    rows: [{ mirrors: seen, 'wall (simulated s)': took.seconds.toFixed(2), ...took.perCluster }],
    goals: [
      { goal: 'every mirror is seen', measured: `${seen}`, met: seen === MIRRORS },
      { goal: 'at most 3 requests a cluster', measured: `${most}`, met: most <= 3 },
    ],
  };
}
