/**
 * Runs the examples as a user would: npm run test:examples. What cannot be had here (npm's registry, Debian's packages) is
 * skipped with a word; with --require it fails.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PYTHON, Unavailable, unpackedPackages } from '../test/interop/debian-packages.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const { values } = parseArgs({ options: { require: { type: 'boolean', default: false }, only: { type: 'string' } } });
const EXAMPLES: Readonly<Record<string, (scratch: string) => Counts>> = {
  vitest,
  jest,
  pytest,
  'python-driver': pythonDriver,
};

const scratch = mkdtempSync(join(tmpdir(), 'examples-'));
const total = { passed: 0, failed: 0 };
try {
  for (const [name, example] of Object.entries(EXAMPLES)) {
    if (values.only !== undefined && values.only !== name) continue;
    const { passed, failed } = attempted(name, () => example(scratch));
    total.passed += passed;
    total.failed += failed;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
say(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

function attempted(name: string, example: () => Counts): Counts {
  const startedAt = performance.now();
  try {
    const counts = example();
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    say(`${name}: ${counts.passed} passed, ${counts.failed} failed, ${seconds} s`);
    return counts;
  } catch (reason) {
    if (!(reason instanceof Unavailable)) throw reason;
    say(`${name}: skipped: ${reason.message}`);
    return { passed: 0, failed: values.require ? 1 : 0 };
  }
}

function vitest(folder: string): Counts {
  const report = join(folder, 'vitest.json');
  const program = resolve('node_modules/.bin/vitest');
  run(program, ['run', '--config', 'examples/vitest.config.ts', `--outputFile.json=${report}`], {});
  return countsOf(report);
}

/** In a folder of its own, with the package as npm packs it. */
function jest(folder: string): Counts {
  const home = join(folder, 'jest');
  cpSync('examples/jest', home, { recursive: true });
  if (!existsSync('dist/testing/index.cjs')) run('npm', ['run', 'build'], {});
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {});
  const [{ filename = '' } = {}] = JSON.parse(packed.stdout || '[]') as { filename?: string }[];
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  // Peers are for those who use S3.
  const installed = run('npm', ['install', ...quiet, '--omit=peer', join(folder, filename)], { cwd: home });
  if (installed.status !== 0) throw new Unavailable(`npm cannot install Jest here: ${lastLine(installed.stderr)}`);
  const report = join(folder, 'jest.json');
  run('npx', ['jest', '--json', `--outputFile=${report}`], { cwd: home });
  return countsOf(report);
}

/** With Debian's Python and pytest; else with the one that is there. */
function pytest(): Counts {
  const { python, env } = pythonWithPytest();
  const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'examples/pytest'];
  const { status, stdout } = run(python, args, { env: { ...forPython(), ...env } });
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(stdout)?.[1] ?? 0);
  const failed = count('failed') + count('error');
  return { passed: count('passed'), failed: failed === 0 && status !== 0 ? 1 : failed };
}

/** With any Python: nothing but its own library is needed. */
function pythonDriver(): Counts {
  const python = [PYTHON, 'python3'].find((one) => spawnSync(one, ['--version']).status === 0);
  if (python === undefined) throw new Unavailable('there is no Python');
  const args = ['-m', 'unittest', 'discover', '-s', 'examples/python-driver'];
  const { status, stderr } = run(python, args, { env: forPython() });
  const count = (what: RegExp) => Number(what.exec(stderr)?.[1] ?? 0);
  const failed = count(/failures=(\d+)/) + count(/errors=(\d+)/);
  const ran = count(/Ran (\d+) tests?/);
  return { passed: Math.max(0, ran - failed), failed: failed === 0 && status !== 0 ? 1 : failed };
}

function forPython(): NodeJS.ProcessEnv {
  const datamotion = `${process.execPath} ${resolve('src/cli/main.ts')}`;
  return { ...process.env, DATAMOTION: datamotion, PYTHONDONTWRITEBYTECODE: '1' };
}

function pythonWithPytest(): { python: string; env: Readonly<Record<string, string>> } {
  try {
    const { pythonPath, versions } = unpackedPackages(['python3-pytest'], '.tmp/examples');
    say(`Debian's ${versions.join(', ')}`);
    return { python: PYTHON, env: { PYTHONPATH: pythonPath } };
  } catch (reason) {
    if (!(reason instanceof Unavailable)) throw reason;
    const here = spawnSync('python3', ['-m', 'pytest', '--version'], { encoding: 'utf8' });
    if (here.status !== 0) throw new Unavailable(`no pytest: ${reason.message}`);
    say(`${lastLine(here.stdout + here.stderr)} of this machine: ${reason.message}`);
    return { python: 'python3', env: {} };
  }
}

/** What vitest and Jest write alike. */
function countsOf(report: string): Counts {
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, success } = JSON.parse(readFileSync(report, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    success: boolean;
  };
  return { passed: numPassedTests, failed: success ? 0 : Math.max(1, numFailedTests) };
}

function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (status !== 0) say(`${stdout}${stderr}`.trimEnd());
  return { status, stdout, stderr };
}

function lastLine(text: string): string {
  return text.trim().split('\n').pop() ?? '';
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
