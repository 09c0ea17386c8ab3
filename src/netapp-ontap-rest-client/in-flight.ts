/** A bound on the requests of one client that are under way at once. */
import pLimit from 'p-limit';

export class InFlight {
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #running = new Set<Promise<unknown>>();

  constructor(most: number) {
    this.#limit = pLimit(most);
  }

  /**
   * Runs `work` when it is its turn. An aborted signal ends the call at once, whether it waits or runs; a slot is free
   * again only when the work has settled, so the bound holds also for work that takes its time to stop.
   */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#limit(async () => {
        if (signal.aborted) return;
        const running = work().then(resolve, reject);
        this.#running.add(running);
        await running;
        this.#running.delete(running);
      }).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
