/**
 * Everything a change must pass, as `npm run check` and as the second half of .ci/run. A part that fails does not stop
 * the others. The last line counts the tests, and every other part as one.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';

interface Part {
  readonly name: string;
  /** Arguments of npm. */
  readonly npm: readonly string[];
  /** Where vitest's JSON reporter leaves its counts, for the part that runs tests. */
  readonly counts?: string;
}

const PARTS: readonly Part[] = [
  { name: 'lint and format', npm: ['run', 'lint'] },
  { name: 'types', npm: ['run', 'typecheck'] },
  { name: 'generated client types are fresh', npm: ['run', 'generate', '--', '--check'] },
  { name: 'build', npm: ['run', 'build'] },
  { name: 'package (publint, attw)', npm: ['run', 'check:package'] },
  { name: 'API reference: every public name is documented', npm: ['run', 'docs:api'] },
  { name: 'tests', npm: ['test'], counts: '.tmp/vitest.json' },
  { name: 'SnapMirror Cloud: long histories, killed processes, real file systems', npm: ['run', 'test:cloud'] },
  {
    name: 'failover: random disasters by seed',
    npm: ['run', 'campaign', '--', '--kind', 'failover', '--seeds', '20', '--parallel', '2'],
  },
  { name: 'third-party clients (Ansible, Cinder)', npm: ['run', 'test:interop'] },
  { name: 'examples (vitest, Jest, pytest)', npm: ['run', 'test:examples'] },
  { name: "object store on a real S3 server (Ceph's gateway)", npm: ['run', 'test:s3'] },
];

interface Outcome {
  readonly part: Part;
  readonly ok: boolean;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  /** Full names. */
  readonly skipped: readonly string[];
}

const outcomes = PARTS.map(run);
report(outcomes);
process.exitCode = outcomes.every((outcome) => outcome.ok) ? 0 : 1;

function run(part: Part): Outcome {
  say(`\n=== ${part.name}: npm ${part.npm.join(' ')}`);
  if (part.counts) rmSync(part.counts, { force: true });
  const startedAt = performance.now();
  // CI=true: vitest refuses `.only`, writes no snapshots, and leaves its counts.
  const child = spawnSync('npm', part.npm, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CI: 'true' },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const exitedWell = child.status === 0;
  if (!part.counts)
    return { part, ok: exitedWell, seconds, passed: exitedWell ? 1 : 0, failed: exitedWell ? 0 : 1, skipped: [] };
  const counts = readCounts(part.counts);
  const ok = exitedWell && counts.failed === 0 && counts.passed > 0;
  // A run can fail without a failed test: a file that does not load, an error nobody awaited, no test at all.
  return { part, ok, seconds, ...counts, failed: ok ? 0 : Math.max(1, counts.failed) };
}

function readCounts(file: string): { passed: number; failed: number; skipped: readonly string[] } {
  let result: VitestResult;
  try {
    result = JSON.parse(readFileSync(file, 'utf8')) as VitestResult;
  } catch {
    return { passed: 0, failed: 1, skipped: [] };
  }
  const count = (tests: readonly VitestTest[], status: string) => tests.filter((test) => test.status === status).length;
  const files = result.testResults.map(({ status, assertionResults: tests }) => {
    const failed = count(tests, 'failed');
    // A file that does not load, or whose preparation fails, fails as one; the tests it did not come to are not skips.
    const broken = status === 'failed' && failed === 0;
    const skipped = broken ? [] : tests.filter((test) => test.status !== 'passed' && test.status !== 'failed');
    return {
      passed: count(tests, 'passed'),
      failed: broken ? 1 : failed,
      skipped: skipped.map((test) => test.fullName),
    };
  });
  const sum = (field: 'passed' | 'failed') => files.reduce((total, file) => total + file[field], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: files.flatMap((file) => file.skipped) };
}

/** The part of vitest's JSON report that is read. */
interface VitestResult {
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly VitestTest[] }[];
}

interface VitestTest {
  readonly status: string;
  readonly fullName: string;
}

function report(all: readonly Outcome[]): void {
  say('');
  for (const { part, ok, seconds } of all) {
    say(`${ok ? 'ok    ' : 'FAILED'} ${(seconds / 60).toFixed(2).padStart(6)} min  ${part.name}`);
  }
  const skipped = all.flatMap((outcome) => outcome.skipped);
  for (const name of skipped) say(`skipped: ${name}`);
  const sum = (field: 'passed' | 'failed') => all.reduce((total, outcome) => total + outcome[field], 0);
  const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  say(`${sum('passed')} passed, ${sum('failed')} failed${skips}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
