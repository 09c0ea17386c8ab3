/** Run (layer 3): looking again and again, ever more slowly, until there is something to see. */
import type { Clock } from '../env.ts';

/** First and longest pause between two looks, in milliseconds; each pause is twice the one before. */
export interface Pace {
  readonly firstMs: number;
  readonly mostMs: number;
}

/**
 * The first thing that `look` finds. Looks at once, then with growing pauses, without end: `look` throws when it has waited
 * long enough, and the signal ends a pause.
 * @param look is told how long ago the first look was, in milliseconds; undefined = nothing to see yet
 */
export async function lookUntil<T>(
  clock: Clock,
  { firstMs, mostMs }: Pace,
  signal: AbortSignal,
  look: (waitedMs: () => number) => Promise<T | undefined>,
): Promise<T> {
  const startedAt = clock.now();
  for (let pauseMs = firstMs; ; pauseMs = Math.min(pauseMs * 2, mostMs)) {
    const found = await look(() => clock.now() - startedAt);
    if (found !== undefined) return found;
    await clock.sleep(pauseMs, signal);
  }
}
