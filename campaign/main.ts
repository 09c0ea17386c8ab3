/**
 * Deterministic simulation: one seed is one run, thousands of them.
 *
 *   npm run campaign -- --kind failover|cloud --seeds 1000 [--start 1] [--shard 1/2] [--minutes 30] [--resume]
 *   npm run campaign -- --kind failover --seeds 1000 --parallel 2     all shards, as processes side by side
 *   npm run campaign -- --kind failover --replay SEED [--keep 0,3,7] [--loud]      one run as a timeline
 *
 * Each shard keeps what it has done in .tmp/campaign, from which `--resume` goes on. `--quick` ends with the first failure, and does
 * not make it smaller. `--loud` shows every request. The last line counts seeds.
 */
import { parseArgs } from 'node:util';
import { cloudKind } from './cloud/cloud-kind.ts';
import { failoverKind } from './failover/failover-kind.ts';
import type { Kind } from './kind.ts';
import { runShards } from './parallel.ts';
import { runCampaign } from './runner.ts';

const KINDS: Readonly<Record<string, Kind>> = { failover: failoverKind, cloud: cloudKind };

const { values: options } = parseArgs({
  options: {
    kind: { type: 'string', default: 'failover' },
    seeds: { type: 'string', default: '1000' },
    start: { type: 'string', default: '1' },
    shard: { type: 'string', default: '1/1' },
    parallel: { type: 'string' },
    minutes: { type: 'string', default: '600' },
    resume: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    replay: { type: 'string' },
    keep: { type: 'string' },
    loud: { type: 'boolean', default: false },
  },
});

const kind = KINDS[options.kind];
if (kind === undefined) throw new Error(`no kind ${options.kind}: there are ${Object.keys(KINDS).join(' and ')}`);
const passed = await (options.replay !== undefined
  ? replay(kind, Number(options.replay))
  : options.parallel === undefined
    ? campaign(kind)
    : runShards(withoutParallel(process.argv.slice(2)), Number(options.parallel), say));
process.exitCode = passed ? 0 : 1;

function campaign(played: Kind): Promise<boolean> {
  const [shard = 1, shards = 1] = options.shard.split('/').map(Number);
  const { resume, quick } = options;
  const [seeds, start, minutes] = [Number(options.seeds), Number(options.start), Number(options.minutes)];
  return runCampaign(played, { kind: options.kind, seeds, start, shard, shards, minutes, resume, quick }, say);
}

async function replay(played: Kind, seed: number): Promise<boolean> {
  const { failure } = await played.replay(seed, options.keep, options.loud);
  say(failure?.report ?? 'it does not fail');
  const ok = failure === undefined || failure.message === '';
  say(ok ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return ok;
}

function withoutParallel(args: readonly string[]): readonly string[] {
  const at = args.findIndex((arg) => arg.startsWith('--parallel'));
  return args.toSpliced(at, args[at]?.includes('=') ? 1 : 2);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
