import type { Clock } from '../../src/env.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it, and knows who still waits by it. */
export class ManualClock implements Clock {
  /** How long each sleep was meant to be, in order. */
  readonly slept: number[] = [];
  readonly #sleepers = new Set<Sleeper>();
  #now: number;

  constructor(startAt = Date.UTC(2026, 0, 1)) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  /** Timers that nobody has ended. */
  get pending(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const end = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, ms),
        wake: () => {
          end();
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Moves time on, waking sleepers in order and letting everything that follows from each happen. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (let first = this.#earliest(); first !== undefined && first.at <= until; first = this.#earliest()) {
      this.#now = Math.max(this.#now, first.at);
      first.wake();
      await settled();
    }
    this.#now = until;
  }

  /** Jumps from sleeper to sleeper until the promise is settled. */
  async drive<T>(promise: Promise<T>): Promise<T> {
    let running = true;
    const end = () => {
      running = false;
    };
    promise.then(end, end);
    for (let jumps = 0; jumps < 10_000; jumps += 1) {
      await settled();
      if (!running) return promise;
      const first = this.#earliest();
      if (first !== undefined) await this.advance(Math.max(0, first.at - this.#now));
    }
    throw new Error('the promise never settled');
  }

  #earliest(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.at < first.at) first = sleeper;
    return first;
  }
}

/** Lets everything happen that does not need time to pass. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
