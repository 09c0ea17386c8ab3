/** Edge (layer 8): `datamotion simulate`. */
import type { Clock } from '../../env.ts';
import { systemClock } from '../../env.ts';
import { SimulatedOntap } from '../../testing/index.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { EXIT } from '../terminal.ts';

export interface SimulateOptions {
  readonly port: number;
  readonly host: string;
  readonly tls?: boolean;
  readonly latency: number;
  readonly timeScale: number;
}

/** Runs until SIGINT or SIGTERM. */
export async function simulate(terminal: Terminal, options: SimulateOptions): Promise<ExitCode> {
  const { port, host, tls = false, latency, timeScale } = options;
  const world = new SimulatedOntap({ clock: scaledClock(systemClock, timeScale), latencyMs: latency * timeScale });
  await world.listen({ port, host, tls });
  terminal.line(world.describe());
  await new Promise<void>((resolve) => {
    if (terminal.signal.aborted) resolve();
    else terminal.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await world.close();
  return EXIT.done;
}

/** A clock that runs `scale` times as fast as `clock`, from `startAt` (epoch ms; default now) on. */
export function scaledClock(clock: Clock, scale: number, startAt?: number): Clock {
  const startedAt = clock.now();
  return {
    now: () => (startAt ?? startedAt) + (clock.now() - startedAt) * scale,
    sleep: (ms, signal) => clock.sleep(ms / scale, signal),
  };
}
