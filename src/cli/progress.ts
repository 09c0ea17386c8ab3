/** Edge (layer 8): progress of work on many things at once: quiet lines, a bar each, or a table of counts. */
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { bytes, duration } from './quantities.ts';

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Lines of the terminal, where it is one. */
  readonly rows?: number | undefined;
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
  readonly bytesPerSecond?: number | undefined;
  readonly remainingSeconds?: number | undefined;
}

/** Quiet lines: a step is told once, not every look at it. */
export class Lines implements Progress {
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

const USUAL_ROWS = 24;

/** Bars as long as they fit on the terminal, then a table of counts in their place. */
export class Live implements Progress {
  readonly #stream: Stream;
  readonly #table: LiveTable;
  readonly #names = new Set<string>();
  #bars: Bars | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#table = new LiveTable(stream);
    this.#bars = new Bars(stream);
  }

  step(name: string, step: string, moved?: Moved): void {
    this.#shown(name).step(name, step, moved);
  }

  end(name: string, outcome: 'done' | 'failed'): void {
    this.#shown(name).end(name, outcome);
  }

  stop(): void {
    (this.#bars ?? this.#table).stop();
  }

  #shown(name: string): Progress {
    this.#names.add(name);
    if (this.#bars !== undefined && this.#names.size >= (this.#stream.rows ?? USUAL_ROWS)) {
      this.#bars.remove();
      for (const [known, state] of this.#bars.states) this.#table.step(known, state.step, state);
      this.#bars = undefined;
    }
    return this.#bars ?? this.#table;
  }
}

interface BarState extends Moved {
  readonly name: string;
  readonly step: string;
}

/** A line per thing on stderr, with a bar while something with a known size is moved. */
class Bars implements Progress {
  readonly #stream: Stream;
  readonly #bars: MultiBar;
  readonly #byName = new Map<string, { readonly bar: SingleBar; state: BarState }>();

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#bars = new MultiBar(
      {
        // The library asks no more of it than to write, and whether it is a terminal.
        stream: stream as unknown as NodeJS.WritableStream,
        format: (_options, _params, state: BarState) => barLine(state),
        hideCursor: true,
        linewrap: false,
      },
      Presets.shades_classic,
    );
  }

  /** What each bar shows. */
  get states(): readonly (readonly [string, BarState])[] {
    return [...this.#byName].map(([name, { state }]) => [name, state] as const);
  }

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
    // What it was like to wait is over.
    const over = { bytesPerSecond: undefined, remainingSeconds: undefined };
    this.step(name, outcome, outcome === 'done' ? { ...over, totalBytes: total } : over);
  }

  stop(): void {
    this.#bars.stop();
  }

  /** As `stop`, and nothing of the bars stays in sight. */
  remove(): void {
    this.stop();
    this.#stream.write(`\u001b[${this.#byName.size}A\u001b[J`);
  }
}

const BAR_WIDTH = 24;

function barLine({ name, step, transferredBytes = 0, totalBytes, bytesPerSecond, remainingSeconds }: BarState): string {
  const columns = [name.padEnd(24)];
  if (totalBytes !== undefined && totalBytes > 0) {
    const filled = Math.round(Math.min(1, transferredBytes / totalBytes) * BAR_WIDTH);
    columns.push('\u2588'.repeat(filled) + '\u2591'.repeat(BAR_WIDTH - filled));
  }
  columns.push(step);
  if (transferredBytes > 0) columns.push(bytes(transferredBytes));
  if (bytesPerSecond !== undefined) columns.push(`${bytes(bytesPerSecond)}/s`);
  if (remainingSeconds !== undefined) columns.push(`${duration(remainingSeconds)} left`);
  return columns.join('  ');
}

const LEAST_INTERVAL_MS = 100;

interface Counted extends Moved {
  readonly step: string;
}

/** More things than the terminal has lines: how many are at which step, redrawn in place on `stream`, a terminal. */
export class LiveTable implements Progress {
  readonly #stream: Stream;
  readonly #things = new Map<string, Counted>();
  #lines = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  step(name: string, step: string, moved: Moved = {}): void {
    // What was moved stays in sight behind later steps.
    this.#things.set(name, { ...this.#things.get(name), ...moved, step });
    if (performance.now() - this.#drawnAt >= LEAST_INTERVAL_MS) this.#draw();
  }

  end(name: string, outcome: 'done' | 'failed'): void {
    this.step(name, outcome);
  }

  stop(): void {
    this.#draw();
  }

  #draw(): void {
    const lines = tableOf([...this.#things.values()]);
    const back = this.#lines === 0 ? '' : `\u001b[${this.#lines}A\u001b[J`;
    this.#stream.write(`${back}${lines.join('\n')}\n`);
    this.#lines = lines.length;
    this.#drawnAt = performance.now();
  }
}

/** The rows in the order in which their steps came up, what is over last. */
function tableOf(things: readonly Counted[]): readonly string[] {
  const steps = new Map<string, Counted[]>();
  for (const thing of things) steps.set(thing.step, [...(steps.get(thing.step) ?? []), thing]);
  const over = ['done', 'failed'];
  const rows = [...steps].sort(([one], [other]) => over.indexOf(one) - over.indexOf(other));
  const width = Math.max(...rows.map(([step]) => step.length), 'all'.length);
  const all: readonly (readonly [string, readonly Counted[]])[] = [...rows, ['all', things]];
  return all.map(([step, at]) => {
    const moved = at.reduce((sum, { transferredBytes = 0 }) => sum + transferredBytes, 0);
    const count = String(at.length).padStart(String(things.length).length);
    return `${step.padEnd(width)}  ${count}${moved === 0 ? '' : `  ${bytes(moved)}`}`;
  });
}
