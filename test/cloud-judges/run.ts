/**
 * The judges of SnapMirror Cloud that are too long, or need too much of the machine, for the unit tests:
 *
 *   npm run test:cloud                                 the share that every change has to pass
 *   npm run test:cloud -- histories kills ext4 space crashes      some of them
 *
 * Each is a program of its own, with options for long runs: see docs/testing.md.
 */
import { spawn } from 'node:child_process';

interface Judge {
  readonly name: string;
  /** Run at the same time. */
  readonly programs: readonly (readonly string[])[];
  readonly env?: Readonly<Record<string, string>>;
}

const campaign = (shard: string) => [
  'test/cloud-judges/campaign.ts',
  '--histories',
  '1800',
  '--engine',
  '500',
  '--shard',
  shard,
];
const vitest = (file: string) => ['node_modules/vitest/vitest.mjs', 'run', file, '--testTimeout', '600000'];

const JUDGES: readonly Judge[] = [
  { name: 'histories', programs: [campaign('1/2'), campaign('2/2')] },
  { name: 'kills', programs: [['test/cloud-judges/kills.ts', '--kills', '40']] },
  { name: 'space', programs: [['test/cloud-judges/no-space.ts'], ['test/cloud-judges/ext4.ts']] },
  {
    name: 'crashes',
    programs: [vitest('test/run/cloud/power.test.ts'), vitest('test/run/cloud/damage.test.ts')],
    env: { CLOUD_EVERY_CUT: '1', CLOUD_DAMAGE: '1' },
  },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !JUDGES.some((judge) => judge.name === name));
if (unknown.length > 0) throw new Error(`no judge ${unknown.join(', ')}: ${JUDGES.map(({ name }) => name).join(', ')}`);
const total = { passed: 0, failed: 0 };
for (const judge of JUDGES) if (wanted.length === 0 || wanted.includes(judge.name)) await run(judge);
say(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

async function run({ name, programs, env }: Judge): Promise<void> {
  const startedAt = performance.now();
  const results = await Promise.all(programs.map((program) => runProgram(program, env)));
  const [passed, failed] = [sum(results, 'passed'), sum(results, 'failed')];
  total.passed += passed;
  total.failed += failed;
  say(`${name}: ${passed} passed, ${failed} failed, ${((performance.now() - startedAt) / 60_000).toFixed(2)} min\n`);
}

/** Counts are those of its last line; a program that says none, or fails without saying so, has failed. */
function runProgram(program: readonly string[], env: Judge['env']): Promise<{ passed: number; failed: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, program, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NO_COLOR: '1', CI: '', ...env },
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (status) => {
      process.stdout.write(output);
      const passed = Number(/(\d+) passed/.exec(lastCounts(output))?.[1] ?? 0);
      const failed = Number(/(\d+) failed/.exec(lastCounts(output))?.[1] ?? 0);
      resolve({ passed, failed: status === 0 ? failed : Math.max(1, failed) });
    });
  });
}

/** `N passed, N failed`, or vitest's `Tests  N failed | N passed (N)`. */
function lastCounts(output: string): string {
  return output.split('\n').findLast((line) => /^\d+ passed, \d+ failed|^ +Tests /.test(line)) ?? '';
}

function sum(results: readonly { passed: number; failed: number }[], field: 'passed' | 'failed'): number {
  return results.reduce((count, result) => count + result[field], 0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
