/** A clock that runs as fast as one likes, stands still, and is moved on by hand: for worlds that other programs look at. */
import type { Clock } from '../env.ts';
import { systemClock } from '../env.ts';

/** Where a steered clock starts, and how fast. */
export interface SteeredClockOptions {
  /** Epoch milliseconds; default the time of `base`. */
  readonly startAt?: number;
  /** Milliseconds that pass in one of `base`; 0 stands still. Default 1. */
  readonly speed?: number;
  /** Default the system's. */
  readonly base?: Clock;
}

/** A clock with a speed; see the top of the file. */
export class SteeredClock implements Clock {
  readonly #base: Clock;
  #speed: number;
  #at: number;
  #since: number;
  #changed = new AbortController();

  constructor({ base = systemClock, startAt = base.now(), speed = 1 }: SteeredClockOptions = {}) {
    this.#base = base;
    this.#since = base.now();
    this.#at = startAt;
    this.#speed = speed;
  }

  /** Epoch milliseconds. */
  now(): number {
    return this.#at + (this.#base.now() - this.#since) * this.#speed;
  }

  /** Milliseconds that pass in one of the base clock; 0 stands still. */
  get speed(): number {
    return this.#speed;
  }

  /** Takes effect at once, also for who sleeps already. */
  set speed(speed: number) {
    this.#change(0);
    this.#speed = speed;
  }

  /** Moves on by `ms`; who slept until then wakes. */
  async advance(ms: number): Promise<void> {
    this.#change(ms);
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const until = this.now() + ms;
    for (let left = ms; left > 0; left = until - this.now()) {
      const nap = AbortSignal.any([this.#changed.signal, ...(signal ? [signal] : [])]);
      if (signal?.aborted) throw signal.reason;
      const baseMs = this.#speed === 0 ? LONGEST_NAP_MS : Math.min(LONGEST_NAP_MS, left / this.#speed);
      await this.#base.sleep(baseMs, nap).catch(() => {});
      if (signal?.aborted) throw signal.reason;
    }
  }

  /** What was asleep looks at the time again. */
  #change(ms: number): void {
    this.#at = this.now() + ms;
    this.#since = this.#base.now();
    this.#changed.abort();
    this.#changed = new AbortController();
  }
}

/** Timers hold 31 bits of milliseconds. */
const LONGEST_NAP_MS = 2 ** 31 - 1;
