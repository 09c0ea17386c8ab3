/**
 * The object store on a real S3 server: Ceph's object gateway, as Debian packages it, run in a folder of its own.
 * npm run test:s3 [-- --require] [--schedules N] [--stand-in N] [--seed N] [--only contract|engine|faults|stand-in]
 */
import { parseArgs } from 'node:util';
import { Unavailable } from '../interop/debian-packages.ts';
import { listening, S3StandIn } from '../object-store/s3/stand-in.ts';
import { createBucket } from './buckets.ts';
import { contractCases } from './contract.ts';
import { engineCases } from './engine.ts';
import { FaultProxy } from './fault-proxy.ts';
import { playSchedule } from './fault-schedule.ts';
import { Gateway, gatewayPackages } from './gateway.ts';
import { Verdicts } from './verdicts.ts';

const { values } = parseArgs({
  options: {
    require: { type: 'boolean', default: false },
    schedules: { type: 'string', default: '10' },
    'stand-in': { type: 'string', default: '16' },
    seed: { type: 'string', default: '20260101' },
    only: { type: 'string' },
  },
});
const verdicts = new Verdicts(say);
const wanted = (part: string) => values.only === undefined || values.only === part;

const packages = values.only === 'stand-in' ? undefined : found();
if (packages !== undefined) {
  const startedAt = performance.now();
  const gateway = await Gateway.start(packages);
  say(`${gateway.versions}: ${packages.fetched ? 'unpacked' : 'here already'}, up in ${seconds(startedAt)} s`);
  try {
    if (wanted('contract')) await contractCases(gateway.endpoint, verdicts);
    if (wanted('engine')) await engineCases(gateway.endpoint, verdicts);
    if (wanted('faults')) await schedules('the gateway', gateway.endpoint, Number(values.schedules));
  } finally {
    await gateway.stop();
  }
} else if (values.require && values.only !== 'stand-in') verdicts.failed++;
// The larger share of the schedules runs against the stand-in, which is faster: the client's side is the same.
if (wanted('stand-in')) {
  const { endpoint, close } = await listening(new S3StandIn({ bucket: 'faults' }));
  try {
    await schedules('the stand-in', endpoint, Number(values['stand-in']), 1_000_000);
  } finally {
    close();
  }
}
say(`${verdicts.passed} passed, ${verdicts.failed} failed`);
process.exitCode = verdicts.failed === 0 ? 0 : 1;

async function schedules(server: string, endpoint: string, count: number, offset = 0): Promise<void> {
  if (count === 0) return;
  const startedAt = performance.now();
  if (server === 'the gateway') await createBucket(endpoint, 'faults');
  const proxy = await FaultProxy.before(endpoint);
  const failures = new Map<string, number>();
  const bad: string[] = [];
  try {
    for (let at = 0; at < count; at++) {
      const seed = Number(values.seed) + offset + at;
      const outcome = await playSchedule({ seed, bucket: 'faults', proxy, endpoint }).catch((error: unknown) => ({
        problems: [error instanceof Error ? `${error.stack}` : `${error}`],
        failures: new Map<string, number>(),
      }));
      for (const [code, times] of outcome.failures) failures.set(code, (failures.get(code) ?? 0) + times);
      if (outcome.problems.length > 0) bad.push(`seed ${seed}: ${outcome.problems.slice(0, 3).join('; ')}`);
    }
  } finally {
    await proxy.close();
  }
  const struck = [...proxy.struck].sort().map(([fault, times]) => `${fault} ${times}`);
  const codes = [...failures].sort().map(([code, times]) => `${code} ${times}`);
  say(
    `${count} schedules of faults before ${server}, ${seconds(startedAt)} s, ${proxy.requests} requests: ${struck.join(', ')}`,
  );
  say(`  calls that failed and were repeated: ${codes.join(', ') || 'none'}`);
  await verdicts.judge(
    `${count} schedules of faults before ${server}: nothing lost, nothing left, every error typed`,
    async () => {
      if (bad.length > 0) throw new Error(bad.join('\n'));
      if (proxy.struck.size === 0) throw new Error('no fault struck');
    },
  );
}

function found() {
  try {
    return gatewayPackages();
  } catch (reason) {
    if (!(reason instanceof Unavailable)) throw reason;
    say(`not run against a real server: ${reason.message}`);
    return undefined;
  }
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
