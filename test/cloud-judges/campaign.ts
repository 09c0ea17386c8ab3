/**
 * A long campaign of random histories, checked after every step; in shards, and resumable.
 *
 *   node test/cloud-judges/campaign.ts [--histories 2000] [--engine 500] [--seed 1] [--shard 1/2] [--minutes 30] [--resume]
 *   node test/cloud-judges/campaign.ts --layer engine --replay SEED/PATH     a failing history, as a report told it
 *
 * `--quick` ends with the first failure, and does not look for a shorter history that fails.
 * `--engine` says how many of the histories run through the engine; the others run through the phases alone. Each shard
 * keeps what it has done in .tmp/cloud-campaign, from which `--resume` goes on. The last line counts histories.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { add, type Batch, LAYERS, type Layer, playBatch } from './history-batch.ts';

const HISTORIES_PER_BATCH = 25;
const FOLDER = '.tmp/cloud-campaign';

const { values: options } = parseArgs({
  options: {
    histories: { type: 'string', default: '2000' },
    engine: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    shard: { type: 'string', default: '1/1' },
    minutes: { type: 'string', default: '600' },
    resume: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    layer: { type: 'string', default: 'engine' },
    replay: { type: 'string' },
  },
});

/** What a shard has done. */
interface Progress {
  readonly done: string[];
  readonly failures: string[];
  readonly totals: Record<Layer, Record<string, number>>;
  seconds: number;
}

if (options.replay === undefined) await run();
else await replay(options.replay);

async function run(): Promise<void> {
  const [shard = 1, shards = 1] = options.shard.split('/').map(Number);
  const histories = Number(options.histories);
  const engine = Math.min(histories, Number(options.engine));
  const batches = [...batchesOf('core', histories - engine), ...batchesOf('engine', engine)].filter(
    (_, at) => at % shards === shard - 1,
  );
  const file = `${FOLDER}/${options.seed}-${shard}of${shards}.json`;
  const progress = options.resume ? read(file) : nothing();
  const until = performance.now() + Number(options.minutes) * 60_000;
  const before = progress.seconds;
  const startedAt = performance.now();
  let toldAt = startedAt;
  for (const batch of batches) {
    const name = `${batch.layer} ${batch.seed} ${batch.histories}`;
    if (progress.done.includes(name)) continue;
    if (performance.now() > until) break;
    const { counts, kinds, failure } = await playBatch({ ...batch, quick: options.quick });
    const totals = progress.totals[batch.layer];
    add(totals, { histories: batch.histories, ...counts });
    for (const [kind, count] of Object.entries(kinds)) add(totals, { [`step ${kind}`]: count });
    progress.done.push(name);
    if (failure !== undefined) {
      progress.failures.push(failure.report);
      say(`FAILED: ${failure.report}`);
      if (options.quick) break;
    }
    progress.seconds = before + (performance.now() - startedAt) / 1000;
    write(file, progress);
    if (performance.now() - toldAt < 30_000) continue;
    toldAt = performance.now();
    say(`${progress.done.length} of ${batches.length} batches, ${progress.failures.length} failed`);
  }
  report(progress, batches.length);
}

/** Seeds of their own, so that shards and layers never play the same history. */
function batchesOf(layer: Layer, histories: number): Batch[] {
  const first = Number(options.seed) * 10_000 + LAYERS.indexOf(layer) * 5_000;
  return Array.from({ length: Math.ceil(histories / HISTORIES_PER_BATCH) }, (_, at) => ({
    layer,
    seed: first + at,
    histories: Math.min(HISTORIES_PER_BATCH, histories - at * HISTORIES_PER_BATCH),
  }));
}

function report({ totals, failures, done, seconds }: Progress, batches: number): void {
  for (const layer of LAYERS) {
    const { histories = 0, steps = 0, ...rest } = totals[layer];
    if (histories === 0) continue;
    const counted = Object.entries(rest).map(([what, count]) => `${what} ${count}`);
    say(`${layer}: ${histories} histories, ${steps} steps, each checked; ${counted.sort().join(', ')}`);
  }
  const histories = (totals.core['histories'] ?? 0) + (totals.engine['histories'] ?? 0);
  if (done.length < batches)
    say(`stopped by the clock after ${done.length} of ${batches} batches; go on with --resume`);
  say(`${seconds.toFixed(0)} s`);
  say(`${histories - failures.length} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 && histories > 0 ? 0 : 1;
}

async function replay(text: string): Promise<void> {
  const [seed, path] = text.split('/');
  const layer = LAYERS.find((each) => each === options.layer) ?? 'engine';
  const { failure } = await playBatch({ layer, seed: Number(seed), histories: 1, path });
  say(failure?.report ?? 'it does not fail any more');
  say(failure === undefined ? '1 passed, 0 failed' : '0 passed, 1 failed');
  process.exitCode = failure === undefined ? 0 : 1;
}

function nothing(): Progress {
  return { done: [], failures: [], totals: { core: {}, engine: {} }, seconds: 0 };
}

function read(file: string): Progress {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Progress;
  } catch {
    return nothing();
  }
}

/** Whole or not at all: a campaign is stopped at any time. */
function write(file: string, progress: Progress): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(progress));
  renameSync(`${file}.new`, file);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
