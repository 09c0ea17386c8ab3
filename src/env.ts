/**
 * Layer 0. The injected world: clock, randomness, logging, tracing, and the two ways a caller ends a call (a signal and
 * a deadline). The system's clock, timers and randomness are touched here and nowhere else below the command line.
 */
import { InterruptedError } from './errors.ts';

/** Time. Everything that waits, waits by this. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness (jitter, names). Not for cryptography. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A random UUID, version 4. */
  uuid(): string;
}

/** A pino-compatible logger: merging object first. A pino instance can be handed in as it is. */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(facts: object, message?: string): void;
  /** What went as it should. */
  info(facts: object, message?: string): void;
  /** What somebody should look at. */
  warn(facts: object, message?: string): void;
  /** What failed. */
  error(facts: object, message?: string): void;
}

/** The part of OpenTelemetry's Tracer that is used; `trace.getTracer(...)` can be handed in as it is. */
export interface Tracer {
  /** Starts a span; whoever starts it ends it. */
  startSpan(name: string, options?: { attributes?: Record<string, string | number | boolean> }): Span;
}

/** The part of an OpenTelemetry span that is used. */
export interface Span {
  /** Adds a fact to the span. */
  setAttribute(key: string, value: string | number | boolean): unknown;
  /** 0 unset, 1 ok, 2 error, as in OpenTelemetry. */
  setStatus(status: { code: 0 | 1 | 2; message?: string }): unknown;
  /** Ends the span. */
  end(): void;
}

/** The injected world as one value. */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracer?: Tracer | undefined;
}

/** Last argument of every call that waits. */
export interface CallOptions {
  /** Ends the call; what already runs on a cluster is not undone unless the call says so. */
  readonly signal?: AbortSignal | undefined;
  /** Epoch milliseconds by the injected clock; past it the call fails with `DEADLINE_EXCEEDED`. */
  readonly deadline?: number | undefined;
}

/** The system's clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        Math.max(0, ms),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
};

/** The system's randomness. */
export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => globalThis.crypto.randomUUID(),
};

const nothing = () => {};
/** Logs nothing: the default. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The real world, with any part replaced. */
export function systemEnv(parts: Partial<Env> = {}): Env {
  return { clock: systemClock, random: systemRandom, logger: silentLogger, ...parts };
}

/** Seen by nobody; without a reason of its own every call would have one made, with a stack. */
const OVER = new Error('the call is over');

/**
 * Runs `work` under one signal made of the caller's signal and deadline, and always leaves no timer behind.
 * @throws InterruptedError `ABORTED` or `DEADLINE_EXCEEDED`, naming what was `attempted`
 */
export async function underDeadline<T>(
  clock: Clock,
  options: CallOptions,
  attempted: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const finished = new AbortController();
  const { signal, deadline } = options;
  const onAbort = () => ended.abort(interruption('ABORTED', attempted, signal?.reason));
  if (signal?.aborted) throw interruption('ABORTED', attempted, signal.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (deadline !== undefined) {
    const left = deadline - clock.now();
    if (left <= 0) throw interruption('DEADLINE_EXCEEDED', attempted);
    clock.sleep(left, finished.signal).then(
      () => ended.abort(interruption('DEADLINE_EXCEEDED', attempted)),
      () => {},
    );
  }
  try {
    return await work(ended.signal);
  } finally {
    finished.abort(OVER);
    signal?.removeEventListener('abort', onAbort);
  }
}

function interruption(code: 'ABORTED' | 'DEADLINE_EXCEEDED', attempted: string, reason?: unknown): InterruptedError {
  if (reason instanceof InterruptedError) return reason;
  const why = code === 'ABORTED' ? 'the caller aborted it' : 'its deadline passed';
  return new InterruptedError(code, `${attempted}: ${why}`, { attempted, cause: reason });
}
