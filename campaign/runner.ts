/** Plays seed after seed, in shards, until the clock or the seeds run out; keeps what was done, so that it can be gone on with. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Kind } from './kind.ts';

const FOLDER = '.tmp/campaign';
const TOLD_EVERY_MS = 30_000;

export interface RunnerOptions {
  readonly kind: string;
  readonly seeds: number;
  readonly start: number;
  /** From 1. */
  readonly shard: number;
  readonly shards: number;
  readonly minutes: number;
  readonly resume: boolean;
  /** Ends with the first failure, and does not make it smaller. */
  readonly quick: boolean;
}

/** What a shard has done. */
interface Progress {
  /** The seed to go on with. */
  next: number;
  played: number;
  seconds: number;
  readonly counts: Record<string, number>;
  readonly failures: { readonly seed: number; readonly message: string }[];
}

/** @returns whether all seeds were played, and none failed */
export async function runCampaign(kind: Kind, options: RunnerOptions, say: (line: string) => void): Promise<boolean> {
  const { seeds, start, shard, shards, minutes, quick } = options;
  const file = `${FOLDER}/${options.kind}-${start}-${seeds}-${shard}of${shards}.json`;
  const first = start + ((shard - 1 - (start % shards) + shards) % shards);
  const progress = (options.resume ? read(file) : undefined) ?? nothing(first);
  const before = progress.seconds;
  const startedAt = performance.now();
  let toldAt = startedAt;
  for (; progress.next < start + seeds; progress.next += shards) {
    if (performance.now() - startedAt > minutes * 60_000) break;
    const seed = progress.next;
    const { counts, failure } = await kind.play(seed, quick);
    for (const [what, count] of Object.entries(counts)) progress.counts[what] = (progress.counts[what] ?? 0) + count;
    progress.played++;
    progress.seconds = before + (performance.now() - startedAt) / 1000;
    if (failure !== undefined) {
      progress.failures.push({ seed, message: failure.message });
      say(`FAILED seed ${seed}: ${failure.report}\n`);
    }
    if (quick && failure !== undefined) break;
    if (performance.now() - toldAt < TOLD_EVERY_MS) continue;
    toldAt = performance.now();
    write(file, { ...progress, next: seed + shards });
    say(`seed ${seed}: ${progress.played} played, ${progress.failures.length} failed`);
  }
  write(file, progress);
  return report(progress, options, say);
}

function report(progress: Progress, { start, seeds }: RunnerOptions, say: (line: string) => void): boolean {
  const { counts, played, failures, seconds, next } = progress;
  for (const [group, entries] of groupsOf(counts)) say(`${group}: ${entries}`);
  for (const { seed, message } of failures) say(`seed ${seed}: ${message}`);
  const complete = next >= start + seeds;
  if (!complete) say(`stopped before seed ${next}; go on with --resume`);
  say(`${seconds.toFixed(0)} s`);
  say(`${played - failures.length} passed, ${failures.length} failed`);
  return failures.length === 0 && played > 0;
}

/** `fault reset`, `fault refuse` and so on in one line; what has no group, in one too. */
function groupsOf(counts: Readonly<Record<string, number>>): readonly (readonly [string, string])[] {
  const groups = new Map<string, string[]>();
  for (const what of Object.keys(counts).toSorted()) {
    const space = what.indexOf(' ');
    const [group, name] = space < 0 ? ['totals', what] : [what.slice(0, space), what.slice(space + 1)];
    groups.set(group, [...(groups.get(group) ?? []), `${name} ${counts[what]}`]);
  }
  return [...groups].map(([group, names]) => [`${group} (${names.length})`, names.join(', ')]);
}

function nothing(first: number): Progress {
  return { next: first, played: 0, seconds: 0, counts: {}, failures: [] };
}

function read(file: string): Progress | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Progress;
  } catch {
    return undefined;
  }
}

/** Whole or not at all: a campaign is stopped at any time. */
function write(file: string, progress: Progress): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(progress));
  renameSync(`${file}.new`, file);
}
