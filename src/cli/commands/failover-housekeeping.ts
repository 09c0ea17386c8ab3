/** Edge (layer 8): `datamotion housekeeping`: looks after a backend until it is told to stop. */
import type { FailoverEvent } from '../../core/failover/events.ts';
import type { Fence } from '../../core/failover/vocabulary.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { EXIT } from '../terminal.ts';
import { milliseconds } from './failover.ts';

export interface HousekeepingArguments {
  readonly config: string;
  readonly backend: string;
  readonly target?: string | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly interval: number;
  readonly maxLag: number;
  readonly updateAfter?: number | undefined;
  readonly ensure: boolean;
  readonly fence?: Fence | undefined;
  readonly once?: boolean | undefined;
  readonly contactTimeout?: number | undefined;
}

/**
 * A line an event; with `--json` a JSON document a line. SIGTERM or SIGINT lets the round under way end. `--once` ends after one round,
 * with 1 if there was an alert.
 */
export async function housekeeping(terminal: Terminal, options: HousekeepingArguments): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, options);
  const stop = new AbortController();
  const onSignal = () => {
    terminal.note('stops after the round under way');
    stop.abort(terminal.signal.reason);
  };
  if (terminal.signal.aborted) return EXIT.done;
  terminal.signal.addEventListener('abort', onSignal, { once: true });
  let alerts = 0;
  const onEvent = (event: FailoverEvent) => {
    if (terminal.json) terminal.line(event);
    else {
      const text = lineOf(event);
      if (text !== undefined) terminal.say(`${new Date(event.at).toISOString()} ${text}`);
    }
    if (event.kind === 'alert-raised') alerts++;
    if (event.kind === 'round-ended' && options.once === true) stop.abort();
  };
  try {
    await dataMotion.keepHouse(options.backend, {
      stop: stop.signal,
      target: options.target,
      volumes: options.volume,
      intervalMs: milliseconds(options.interval),
      maxLagSeconds: options.maxLag,
      updateAfterSeconds: options.updateAfter,
      ensure: options.ensure,
      fence: options.fence,
      contactTimeoutMs: milliseconds(options.contactTimeout),
      onEvent,
    });
  } finally {
    terminal.signal.removeEventListener('abort', onSignal);
  }
  return options.once === true && alerts > 0 ? EXIT.failed : EXIT.done;
}

/** What people are told; rounds without news are not worth a line. */
function lineOf(event: FailoverEvent): string | undefined {
  switch (event.kind) {
    case 'alert-raised':
    case 'alert-cleared': {
      const where = [event.target, event.volume].filter((part) => part !== undefined).join(':');
      return `${event.kind === 'alert-raised' ? 'ALERT' : 'over '} ${event.alert} ${where}: ${event.message}`;
    }
    case 'fenced':
      return `fenced ${event.volume}: the ${event.side}, by ${event.how}`;
    case 'step-failed':
      return `failed ${event.step} of ${event.volume}: ${event.message} [${event.code}]`;
    default:
      return undefined;
  }
}
