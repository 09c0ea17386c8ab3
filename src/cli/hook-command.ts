/** Edge (layer 8): the operator's own commands as hooks. What it is about comes in environment variables, `DATAMOTION_...`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemClock } from '../env.ts';
import type { Terminal } from './terminal.ts';

/** Values of `DATAMOTION_<NAME>`; what is undefined is not set. */
export type HookFacts = Readonly<Record<string, string | undefined>>;

/** Between asking a command to end and ending it. */
const GRACE_MS = 2000;

/**
 * Runs a shell command, and shows what it writes on stderr. An exit code other than 0 is a rejection; a signal ends the command with
 * all that it started.
 * @returns the last line of its standard output
 */
export async function runHook(
  terminal: Terminal,
  command: string,
  facts: HookFacts,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted();
  const variables = Object.entries(facts).map(([name, value]) => [`DATAMOTION_${name}`, value] as const);
  const child = spawn('/bin/sh', ['-c', command], {
    env: { ...terminal.env, ...Object.fromEntries(variables) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that it can be ended with all that it started.
    detached: true,
  });
  let last: string | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.trim() !== '') last = line.trim();
    terminal.note(`  | ${line}`);
  });
  createInterface({ input: child.stderr }).on('line', (line) => terminal.note(`  | ${line}`));
  const onAbort = () => void endGroup(child);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const [code, by] = await ended(child);
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`\`${command}\` ended with ${by ?? code}`);
    return last;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function ended(child: ChildProcess): Promise<readonly [code: number | null, signal: NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve([code, signal]));
  });
}

async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(-pid, signal);
    } catch {
      return; // There is nobody any more.
    }
    await systemClock.sleep(GRACE_MS);
  }
}
