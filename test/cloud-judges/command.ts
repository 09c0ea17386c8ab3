/** `datamotion` as a process of its own, which can be killed at any moment of its life. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Longer than any of these commands takes on the slowest machine. */
const TIMEOUT_MS = 120_000;

/** When to send SIGKILL: so long after the process was started, or after it told of its first step, or of a certain one. */
export interface KillMoment {
  readonly after: 'start' | 'first step' | (string & {});
  readonly ms: number;
}

export interface Ran {
  readonly killed: boolean;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last step that it told of, `none` before the first. */
  readonly step: string;
  /** From the start to the first step, when it told of one. */
  readonly firstStepMs: number | undefined;
  readonly totalMs: number;
  /** The one document of `--json`. */
  json<T>(): T;
}

/** @param state for XDG_STATE_HOME */
export function datamotion(args: readonly string[], state: string, kill?: KillMoment): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_STATE_HOME: state },
      timeout: TIMEOUT_MS,
    });
    const strike = () => child.kill('SIGKILL');
    let timer = kill?.after === 'start' ? setTimeout(strike, kill.ms) : undefined;
    let firstStepMs: number | undefined;
    const told = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told.stderr += text;
      if (firstStepMs === undefined && STEP.test(told.stderr)) firstStepMs = performance.now() - startedAt;
      if (kill === undefined || timer !== undefined || firstStepMs === undefined) return;
      if (kill.after === 'first step' || told.stderr.includes(toldAs(kill.after))) timer = setTimeout(strike, kill.ms);
    });
    child.on('error', reject);
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      const step = [...told.stderr.matchAll(STEPS)].at(-1)?.slice(1).join(' ').trim() ?? 'none';
      const totalMs = performance.now() - startedAt;
      const json = <T>() => JSON.parse(told.stdout) as T;
      resolve({ ...told, killed: signal === 'SIGKILL', exitCode, step, firstStepMs, totalMs, json });
    });
  });
}

/** `level-1`, or `level-1 done`, as it is told. */
function toldAs(step: string): string {
  const [name, done] = step.split(' ');
  return done === undefined ? `${name}: ` : `${name}: ${done}`;
}

/** `level-0: WAFL_S2C_UPDATE_CPVBN_VMAP`, and `level-0: done`. */
const STEPS = /^([a-z]+(?:-[a-z0-9]+)*): (?:(done)$|[A-Z]|[a-z])/gm;
const STEP = /^(?:invalidate|scan|level-\d|plan|fetch|verify-\w+|list-objects|delete-objects|rebuild): /m;
