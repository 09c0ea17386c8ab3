/** The shards of a campaign side by side, each a process of its own; their counts together. */
import { spawn } from 'node:child_process';

/** @param args those of the campaign, without a shard. @returns whether no shard failed */
export async function runShards(
  args: readonly string[],
  shards: number,
  say: (line: string) => void,
): Promise<boolean> {
  const children = Array.from({ length: shards }, (_, index) =>
    runShard([...args, '--shard', `${index + 1}/${shards}`]),
  );
  const results = await Promise.all(children);
  for (const { output } of results) say(output.trimEnd());
  const sum = (field: 'passed' | 'failed') => results.reduce((total, result) => total + result[field], 0);
  say(`${sum('passed')} passed, ${sum('failed')} failed`);
  return sum('failed') === 0 && sum('passed') > 0;
}

interface ShardResult {
  readonly output: string;
  readonly passed: number;
  readonly failed: number;
}

/** A shard that does not come to its last line has failed. */
function runShard(args: readonly string[]): Promise<ShardResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['campaign/main.ts', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (status) => {
      const [, passed = 0, failed = 0] = /(\d+) passed, (\d+) failed\s*$/.exec(output) ?? [];
      resolve({ output, passed: Number(passed), failed: status === 0 ? Number(failed) : Math.max(1, Number(failed)) });
    });
  });
}
