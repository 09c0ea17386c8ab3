/** Edge (layer 8): where the command line writes. One JSON document on stdout or text for people; all progress on stderr. */
import type { Readable } from 'node:stream';
import Table from 'cli-table3';
import type { Logger } from '../env.ts';
import { ConfigError, DataMotionError } from '../errors.ts';
import { formatProblems } from './configuration.ts';
import { Lines, Live, type Progress, type Stream } from './progress.ts';

export type { Moved, Progress, Stream } from './progress.ts';
export { bytes, duration } from './quantities.ts';

/** What the command line touches of the process, so that tests can stand in for it. */
export interface CliWorld {
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Read by `rpc` only. */
  readonly stdin?: Readable | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Exit codes of the command. */
export const EXIT = { done: 0, failed: 1, usage: 2, acknowledgementNeeded: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export class Terminal {
  readonly #world: CliWorld;
  readonly json: boolean;

  constructor(world: CliWorld, options: { readonly json: boolean }) {
    this.#world = world;
    this.json = options.json;
  }

  get signal(): AbortSignal {
    return this.#world.signal;
  }

  get input(): Readable | undefined {
    return this.#world.stdin;
  }

  get env(): CliWorld['env'] {
    return this.#world.env;
  }

  /** Text for people; nothing with `--json`. */
  say(text: string): void {
    if (!this.json) this.#world.stdout.write(`${text}\n`);
  }

  /** The one JSON document of `--json`; nothing without it. */
  document(value: unknown): void {
    if (this.json) this.#world.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** One JSON line that programs wait for, in either mode. */
  line(value: unknown): void {
    this.#world.stdout.write(`${JSON.stringify(value)}\n`);
  }

  note(text: string): void {
    this.#world.stderr.write(`${text}\n`);
  }

  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.say(tableText(head, rows));
  }

  /** True where text can be drawn over. */
  get isScreen(): boolean {
    return this.#world.stdout.isTTY === true;
  }

  /** Puts text for people in the place of all that is on the screen. */
  redraw(text: string): void {
    this.say(`\u001b[H\u001b[J${text}`);
  }

  /**
   * On a terminal a bar for each thing or, when they are more than its lines, how many are at which step; a line per step
   * elsewhere. Call `stop` when the work is over.
   */
  progress(): Progress {
    const { stderr } = this.#world;
    return stderr.isTTY === true ? new Live(stderr) : new Lines(stderr);
  }

  /** Warnings and errors of the library as lines on stderr. */
  logger(): Logger {
    const quiet = () => {};
    const line = (level: string) => (facts: object, message?: string) =>
      this.note([`${level}: ${message ?? ''}`.trim(), ...factsText(facts)].join('; '));
    return { debug: quiet, info: quiet, warn: line('warning'), error: line('error') };
  }

  /** A failure as readable lines on stderr and, with `--json`, as the document. */
  fail(error: unknown): ExitCode {
    this.note(explain(error));
    this.document({ error: asJson(error) });
    return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
  }
}

/** The plain facts of a log line, as `name value`. */
function factsText(facts: object): string[] {
  return Object.entries(facts)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${name} ${value}`);
}

export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

/** An error as people read it: what happened, what ONTAP said, what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof DataMotionError)) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
  const where = error.cluster === undefined ? '' : ` (cluster ${error.cluster})`;
  const lines = [`error: ${error.message}${where} [${error.code}]`];
  if (error instanceof ConfigError && error.problems.length > 0) {
    lines.push(formatProblems(error.object ?? 'configuration', error.problems).replace(/^/gm, '  '));
  }
  if (error.remedy !== undefined) lines.push(`  what to do: ${error.remedy}`);
  return lines.join('\n');
}

export function asJson(error: unknown): unknown {
  if (error instanceof DataMotionError) {
    return error instanceof ConfigError ? { ...error.toJSON(), problems: error.problems } : error.toJSON();
  }
  return { name: 'Error', code: 'UNKNOWN', message: error instanceof Error ? error.message : String(error) };
}
