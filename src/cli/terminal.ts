/** Edge (layer 8): where the command line writes. One JSON document on stdout or text for people; all progress on stderr. */
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import type { Logger } from '../env.ts';
import { ConfigError, DataMotionError } from '../errors.ts';
import { formatProblems } from './configuration.ts';

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** What the command line touches of the process, so that tests can stand in for it. */
export interface CliWorld {
  readonly stdout: Stream;
  readonly stderr: Stream;
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
    if (this.json) return;
    const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
    table.push(...rows.map((row) => [...row]));
    this.say(table.toString());
  }

  /** Bars on a terminal, a line per step elsewhere. Call `stop` when the work is over. */
  progress(): Progress {
    return this.#world.stderr.isTTY === true ? new Bars() : new Lines(this.#world.stderr);
  }

  /** Warnings and errors of the library as lines on stderr. */
  logger(): Logger {
    const quiet = () => {};
    const line = (level: string) => (facts: object, message?: string) =>
      this.note(`${level}: ${message ?? JSON.stringify(facts)}`);
    return { debug: quiet, info: quiet, warn: line('warning'), error: line('error') };
  }

  /** A failure as readable lines on stderr and, with `--json`, as the document. */
  fail(error: unknown): ExitCode {
    this.note(explain(error));
    this.document({ error: asJson(error) });
    return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
  }
}

/** Progress of work on many things at once, by the name of the thing. */
export interface Progress {
  step(name: string, step: string, moved?: Moved): void;
  /** The last word on a thing. */
  end(name: string, outcome: 'done' | 'failed'): void;
  stop(): void;
}

/** Bytes; `totalBytes` may be an estimate, or unknown. */
export interface Moved {
  readonly transferredBytes?: number | undefined;
  readonly totalBytes?: number | undefined;
}

/** Quiet lines: a step is told once, not every look at it. */
class Lines implements Progress {
  readonly #stream: Stream;
  readonly #last = new Map<string, string>();

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  step(name: string, step: string): void {
    if (this.#last.get(name) === step) return;
    this.#last.set(name, step);
    this.#stream.write(`${name}: ${step}\n`);
  }

  end(name: string, outcome: 'done' | 'failed'): void {
    this.step(name, outcome);
  }

  stop(): void {}
}

interface BarState extends Moved {
  readonly name: string;
  readonly step: string;
}

/** A line per thing on stderr, with a bar while something with a known size is moved. */
class Bars implements Progress {
  readonly #bars = new MultiBar(
    {
      format: (_options, _params, state: BarState) => barLine(state),
      hideCursor: true,
      linewrap: false,
    },
    Presets.shades_classic,
  );
  readonly #byName = new Map<string, { readonly bar: SingleBar; state: BarState }>();

  step(name: string, step: string, moved: Moved = {}): void {
    const known = this.#byName.get(name);
    // What was moved stays in sight behind later steps.
    const state = { ...known?.state, ...moved, name, step };
    if (known === undefined) {
      this.#byName.set(name, { bar: this.#bars.create(1, 0, state), state });
    } else {
      known.state = state;
      known.bar.update(0, state);
    }
  }

  end(name: string, outcome: 'done' | 'failed'): void {
    const total = this.#byName.get(name)?.state.transferredBytes;
    this.step(name, outcome, outcome === 'done' ? { totalBytes: total } : {});
  }

  stop(): void {
    this.#bars.stop();
  }
}

const BAR_WIDTH = 24;

function barLine({ name, step, transferredBytes = 0, totalBytes }: BarState): string {
  const columns = [name.padEnd(24)];
  if (totalBytes !== undefined && totalBytes > 0) {
    const filled = Math.round(Math.min(1, transferredBytes / totalBytes) * BAR_WIDTH);
    columns.push('\u2588'.repeat(filled) + '\u2591'.repeat(BAR_WIDTH - filled));
  }
  columns.push(step);
  if (transferredBytes > 0) columns.push(bytes(transferredBytes));
  return columns.join('  ');
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

/** `1.5 GiB` */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `1d 2h`, `3m 5s`: the two largest parts. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return '-';
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [Math.floor(seconds % 60), 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}
