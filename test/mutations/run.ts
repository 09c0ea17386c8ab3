/**
 * `npm run test:mutations [-- SET [PART OF A NAME]]`: puts each known bug into a private copy of the project, one at a time, and runs
 * what has to find it. A mutation that no longer applies, or whose command fails without it, is a failure too.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MUTATIONS as CAMPAIGN } from './campaign.ts';
import { MUTATIONS as CLOUD } from './cloud.ts';
import { DEFECTS } from './defects.ts';
import type { Mutation } from './mutation.ts';

const SETS: Readonly<Record<string, readonly Mutation[]>> = { defects: DEFECTS, cloud: CLOUD, campaign: CAMPAIGN };
const COPIED = ['src', 'test', 'campaign', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
const RUN_TIMEOUT_MS = 900_000;

const root = resolve(import.meta.dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'mutations-'));
/** Whether a command passes without any mutation: several share one. */
const sound = new Map<string, boolean>();

const [set, part = ''] = process.argv.slice(2);
const chosen = set === undefined ? Object.values(SETS).flat() : SETS[set];
if (chosen === undefined) throw new Error(`no set ${set}: there are ${Object.keys(SETS).join(', ')}`);
process.exitCode = runAll(chosen.filter(({ name }) => name.includes(part))) ? 0 : 1;

function runAll(mutations: readonly Mutation[]): boolean {
  let caught = 0;
  try {
    for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true });
    mkdirSync(join(copy, '.tmp'));
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    for (const mutation of mutations) {
      const problem = problemWith(mutation);
      const told = [mutation.breaks, mutation.name, problem].filter((words) => words !== undefined).join(': ');
      say(`${problem === undefined ? 'caught    ' : 'NOT CAUGHT'} ${told}`);
      if (problem === undefined) caught++;
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  say(`${caught} passed, ${mutations.length - caught} failed`);
  return caught > 0 && caught === mutations.length;
}

/** Undefined when the command passes without the mutation, and fails as it should with it. */
function problemWith({ file, find, replace, command, found }: Mutation): string | undefined {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(find).length - 1;
  if (places !== 1) return `does not apply any more: its text stands ${places} times in ${file}`;
  if (!isSound(command)) return 'its command does not pass without it';
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  try {
    const { ok, output } = run(command);
    if (ok) return 'nothing noticed';
    return found.test(output) ? undefined : `failed for another reason: ${output.slice(-400)}`;
  } finally {
    writeFileSync(path, source);
  }
}

function isSound(command: readonly string[]): boolean {
  const key = command.join(' ');
  const known = sound.get(key) ?? run(command).ok;
  sound.set(key, known);
  return known;
}

function run([program = '', ...argv]: readonly string[]): { readonly ok: boolean; readonly output: string } {
  const isNode = program === 'node';
  const { status, stdout, stderr } = spawnSync(
    isNode ? process.execPath : join(copy, 'node_modules/.bin', program),
    argv,
    {
      cwd: copy,
      encoding: 'utf8',
      timeout: RUN_TIMEOUT_MS,
      maxBuffer: 2 ** 28,
      env: { ...process.env, NO_COLOR: '1' },
    },
  );
  const output = `${stdout}${stderr}`;
  // A name that fits no test passes, and proves nothing.
  const idle = program === 'vitest' && !/Tests .*\d+ (?:passed|failed)/.test(output);
  return { ok: status === 0 && !idle, output };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
