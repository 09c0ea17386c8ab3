/** Edge (layer 8): `datamotion rpc`: every verb for programs in other languages. */

import { systemClock } from '../../env.ts';
import { ConfigError } from '../../errors.ts';
import { serveRpc } from '../rpc/server.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { EXIT } from '../terminal.ts';
import { journalAt } from './failover.ts';

/** Serves until standard input ends. What is wrong with the configuration ends the command before anything is served. */
export async function rpc(
  terminal: Terminal,
  options: { readonly config: string; readonly journal?: string | undefined },
): Promise<ExitCode> {
  const { input } = terminal;
  if (input === undefined)
    throw new ConfigError('CONFIG_UNREADABLE', 'there is no standard input to read requests from');
  await using dataMotion = await openDataMotion(terminal, { config: options.config });
  await using held = await journalAt(terminal, options);
  await serveRpc({
    dataMotion,
    journal: held.journal,
    input,
    send: (document) => terminal.line(document),
    signal: terminal.signal,
    now: systemClock.now,
  });
  return EXIT.done;
}
