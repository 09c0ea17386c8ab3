/**
 * A clock that jumps. Time stands still while anybody works, and moves to the next sleeper when nobody does, so that an
 * hour's polling takes no time and always in the same order.
 */
import type { Clock } from '../env.ts';

/** Where a virtual clock starts. */
export interface VirtualClockOptions {
  /** Epoch milliseconds at which the clock starts; default 2026-01-01T00:00:00Z. */
  readonly startAt?: number;
  /** See `VirtualClock.autoAdvance`. */
  readonly autoAdvance?: boolean;
}

/**
 * By hand, `advance(ms)` wakes every sleeper due on the way, in order of time. With `autoAdvance` the clock jumps to the
 * earliest sleeper by itself whenever nobody works: no `hold()` is out and the event loop has been quiet for a while, so
 * that bytes on a loopback connection have arrived. It never waits in real time.
 *
 * Work that the event loop cannot see (threads, other processes) needs a `hold()` of its own.
 */
export class VirtualClock implements Clock {
  #now: number;
  #sequence = 0;
  #autoAdvance: boolean;
  #holds = 0;
  #activity = 0;
  #running = false;
  #sleepers: Sleeper[] = [];
  readonly #onAllReleased: (() => void)[] = [];

  constructor(options: VirtualClockOptions = {}) {
    this.#now = options.startAt ?? Date.parse('2026-01-01T00:00:00Z');
    this.#autoAdvance = options.autoAdvance ?? false;
  }

  /** Whether the clock jumps to the next waiter by itself. */
  get autoAdvance(): boolean {
    return this.#autoAdvance;
  }

  /** Switched on, it begins to jump at once. */
  set autoAdvance(on: boolean) {
    this.#autoAdvance = on;
    this.#run();
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        this.#activity++;
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { at: this.#now + Math.max(0, ms), sequence: this.#sequence++, wake };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.push(sleeper);
      this.#activity++;
      this.#run();
    });
  }

  /** "I am working, do not advance." Returns the release, which may be called more than once. */
  hold(): () => void {
    this.#holds++;
    this.#activity++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds--;
      this.#activity++;
      if (this.#holds === 0) for (const resume of this.#onAllReleased.splice(0)) resume();
      this.#run();
    };
  }

  /** Moves on by `ms`, waking sleepers in order on the way, and returns when all that they caused has settled. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    while (this.#running) await turn();
    this.#running = true;
    try {
      for (;;) {
        await this.#quiet();
        const next = this.#earliest();
        if (next === undefined || next.at > target) break;
        this.#wake(next);
      }
      this.#now = Math.max(this.#now, target);
    } finally {
      this.#running = false;
    }
    this.#run();
  }

  /** Sleepers now waiting; 0 proves that nobody left a timer behind. */
  get pending(): number {
    return this.#sleepers.length;
  }

  #run(): void {
    if (!this.#autoAdvance || this.#running || this.#sleepers.length === 0) return;
    this.#running = true;
    void this.#advanceWhileIdle().finally(() => {
      this.#running = false;
    });
  }

  async #advanceWhileIdle(): Promise<void> {
    while (this.#autoAdvance) {
      await this.#quiet();
      const next = this.#earliest();
      if (next === undefined) return;
      this.#wake(next);
    }
  }

  #earliest(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (!first || sleeper.at < first.at || (sleeper.at === first.at && sleeper.sequence < first.sequence)) {
        first = sleeper;
      }
    }
    return first;
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    this.#now = Math.max(this.#now, sleeper.at);
    this.#activity++;
    sleeper.wake();
  }

  /** Resolves once no hold is out and the event loop went round without anybody touching the clock. */
  async #quiet(): Promise<void> {
    let seen = this.#activity;
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      await (this.#holds > 0 ? this.#allReleased() : turn());
      if (seen !== this.#activity) {
        seen = this.#activity;
        turns = 0;
      }
    }
  }

  #allReleased(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAllReleased.push(resolve);
    });
  }
}

/** Rounds of the event loop: enough for a request or an answer to cross a loopback connection, TLS included. */
const QUIET_TURNS = 12;

interface Sleeper {
  readonly at: number;
  readonly sequence: number;
  readonly wake: () => void;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * One piece of work by a clock that may be virtual: it holds the clock while it works, and lets go of it while it sleeps.
 */
export class Work {
  readonly #clock: Clock & { hold?: () => () => void };
  #release: () => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#release = this.#hold();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#release();
    try {
      await this.#clock.sleep(ms, signal);
    } finally {
      this.#release = this.#hold();
    }
  }

  /** Lets go of the clock for something else than a sleep. */
  async outside<T>(promise: Promise<T>): Promise<T> {
    this.#release();
    try {
      return await promise;
    } finally {
      this.#release = this.#hold();
    }
  }

  end(): void {
    this.#release();
  }

  #hold(): () => void {
    return this.#clock.hold?.() ?? (() => {});
  }
}
