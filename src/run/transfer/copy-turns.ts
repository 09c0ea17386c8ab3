/** Run (layer 3): ONTAP runs 50 copies and moves of files and LUNs at once on a cluster; more wait here for their turn. */
import pLimit from 'p-limit';
import { COPIES_AT_ONCE } from '../../core/transfer/plan.ts';
import type { Clock } from '../../env.ts';
import { OntapError } from '../../errors.ts';
import { lookUntil } from '../look-until.ts';

/** ONTAP's code for the 51st. */
const TOO_MANY_COPIES = '7018877';
const PACE = { firstMs: 1_000, mostMs: 10_000 } as const;

/** The turns of all clusters, shared by all transfers of one DataMotion. */
export class CopyTurns {
  readonly #clusters = new Map<string, ReturnType<typeof pLimit>>();
  readonly #atOnce: number;

  constructor(atOnce: number = COPIES_AT_ONCE) {
    this.#atOnce = atOnce;
  }

  /**
   * Runs `work` when it is its turn on the cluster; an aborted signal ends the waiting at once. A turn lasts as long as the work, so
   * that it has to wait for the end of the copy.
   * @param cluster its uuid
   */
  async take<T>(cluster: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turns = this.#clusters.get(cluster) ?? pLimit(this.#atOnce);
    this.#clusters.set(cluster, turns);
    signal.throwIfAborted();
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      void turns(async () => {
        // Whoever gave up while waiting takes no turn from the others. A started copy ends by its own hand, which may take a moment.
        signal.removeEventListener('abort', onAbort);
        if (!signal.aborted) await work().then(resolve, reject);
      });
    });
  }
}

/**
 * Starts a copy; while other copies, of whomever, take all that ONTAP runs at once (7018877), it waits and asks again.
 * @throws OntapError also that of a cluster that stays full for `timeoutMs`
 */
export async function startWhenFree(
  clock: Clock,
  signal: AbortSignal,
  timeoutMs: number,
  start: () => Promise<void>,
  onWait: () => void,
): Promise<void> {
  await lookUntil(clock, PACE, signal, async (waitedMs) => {
    try {
      await start();
      return true;
    } catch (error) {
      const full = error instanceof OntapError && error.ontapCode === TOO_MANY_COPIES;
      if (!full || waitedMs() >= timeoutMs) throw error;
      onWait();
      return undefined;
    }
  });
}
