/** Asking again and again, ever more slowly, by the injected clock. */
import { type CallOptions, type Env, underDeadline } from '../env.ts';

export interface WaitOptions extends CallOptions {
  readonly attempted: string;
  readonly firstMs: number;
  readonly capMs: number;
  /** Waits before the first question too, where the answer can hardly be there yet. */
  readonly waitFirst?: boolean;
  /** Gives up after this long; without it only signal and deadline end the waiting. */
  readonly withinMs?: number | undefined;
}

const GROWTH = 1.5;

/** Asks until there is an answer; `undefined` when the time was over first. The last question is asked at its very end. */
export function growingWaits<T>(
  env: Env,
  options: WaitOptions & { readonly withinMs: number },
  ask: (signal: AbortSignal) => Promise<T | undefined>,
): Promise<T | undefined>;
export function growingWaits<T>(
  env: Env,
  options: WaitOptions & { readonly withinMs?: undefined },
  ask: (signal: AbortSignal) => Promise<T | undefined>,
): Promise<T>;
export function growingWaits<T>(
  env: Env,
  options: WaitOptions,
  ask: (signal: AbortSignal) => Promise<T | undefined>,
): Promise<T | undefined> {
  const { clock, random } = env;
  return underDeadline(clock, options, options.attempted, async (signal) => {
    const endsAt = options.withinMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + options.withinMs;
    // A tenth either way, so that many waits do not fall into step.
    const pause = (waitMs: number) =>
      clock.sleep(Math.min(endsAt - clock.now(), Math.round(waitMs * (0.9 + 0.2 * random.next()))), signal);
    let waitMs = options.firstMs;
    if (options.waitFirst) await pause(waitMs);
    for (;;) {
      const answer = await ask(signal);
      if (answer !== undefined) return answer;
      if (clock.now() >= endsAt) return undefined;
      await pause(waitMs);
      waitMs = Math.min(options.capMs, waitMs * GROWTH);
    }
  });
}
