/** A process that dies at a chosen point: from there on none of its requests arrives and nothing of it is written down. */
import type { OperationRecord } from '../../../src/core/failover/journal-record.ts';
import { MemoryOperationJournal, nothingKept } from '../../../src/state/memory-operation-journal.ts';
import type { OperationJournal } from '../../../src/state/operation-journal.ts';
import type { Interceptor, Stage } from '../../scenarios/harness.ts';

/** Something that a process does to the world outside. */
export interface Doing {
  readonly what: string;
  readonly changes: boolean;
}

/** Where it dies: before its n-th doing, or right after it took effect. */
export interface Death {
  readonly at: number;
  readonly moment: 'before' | 'after';
}

/** One process: what it does goes through here, counted, until it dies. */
export class Process {
  readonly doings: Doing[] = [];
  readonly #death: Death | undefined;
  readonly #life = new AbortController();

  constructor(death?: Death) {
    this.#death = death;
  }

  get signal(): AbortSignal {
    return this.#life.signal;
  }

  get isDead(): boolean {
    return this.signal.aborted;
  }

  /** Lets what the process sends reach the stage. */
  get intercept(): Interceptor {
    return (request, send) => {
      const what = `${request.method} ${new URL(request.url).pathname}`;
      return this.#do({ what, changes: request.method !== 'GET' }, () => send(request));
    };
  }

  journal(kept = nothingKept()): OperationJournal {
    kept.held = false;
    const memory = new MemoryOperationJournal(kept);
    const told = (records: readonly OperationRecord[]) => `journal: ${records.map(({ kind }) => kind).join(', ')}`;
    return {
      records: () => memory.records(),
      append: (records) => this.#do({ what: told(records), changes: true }, () => memory.append(records)),
      reset: () => memory.reset(),
      close: () => memory.close(),
    };
  }

  async #do<T>(doing: Doing, work: () => Promise<T>): Promise<T> {
    if (this.isDead) throw new TypeError('a dead process does nothing');
    const number = this.doings.push(doing) - 1;
    const dies = this.#death?.at === number ? this.#death.moment : undefined;
    if (dies === 'before') this.#die();
    const result = await work();
    if (dies === 'after') this.#die();
    if (this.isDead) throw new TypeError('a dead process learns nothing');
    return result;
  }

  #die(): void {
    this.#life.abort(new Error('killed'));
    if (this.#death?.moment === 'before') throw new TypeError('killed before');
  }
}

/** Every point at which the process can die, without those that nobody outside can tell from their neighbours: after a mere read. */
export function deathsOf(doings: readonly Doing[]): Death[] {
  return doings.flatMap(({ changes }, at): Death[] =>
    changes
      ? [
          { at, moment: 'before' },
          { at, moment: 'after' },
        ]
      : [{ at, moment: 'before' }],
  );
}

/** Runs the deed in a process of its own. */
export async function inProcess<T>(stage: Stage, process: Process, deed: () => Promise<T>): Promise<T> {
  stage.intercept = process.intercept;
  try {
    return await deed();
  } finally {
    stage.intercept = (request, send) => send(request);
  }
}
