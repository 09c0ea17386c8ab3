/** A bound on the requests of one client that are under way at once. */
import pLimit from 'p-limit';

export class InFlight {
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #running = new Set<Promise<unknown>>();

  constructor(most: number) {
    this.#limit = pLimit(most);
  }

  /**
   * Runs `work` when it is its turn. An aborted signal, and `giveUp` from inside the work, end the call at once; a slot
   * is free again only when the work has settled, so the bound holds also for work that takes its time to stop.
   */
  run<T>(signal: AbortSignal, work: (giveUp: (reason: unknown) => void) => Promise<T>): Promise<T> {
    const call = new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#limit(async () => {
        if (signal.aborted) return;
        this.#running.add(call);
        await work(reject).then(resolve, reject);
      }).finally(() => signal.removeEventListener('abort', onAbort));
    });
    const ended = () => void this.#running.delete(call);
    call.then(ended, ended);
    return call;
  }

  /** Resolves when no call that was given its turn is left. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }
}
