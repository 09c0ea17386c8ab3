/** Edge (layer 8): a DataMotion for one command, from its configuration file. */
import { backendOf, targetOf } from '../core/replication/targets.ts';
import type { DataMotion } from '../data-motion.ts';
import { createDataMotion } from '../index.ts';
import { formatNote, loadConfiguration } from './configuration.ts';
import type { Terminal } from './terminal.ts';

/**
 * To be closed when the command ends (`await using`).
 * @throws ConfigError when the file cannot be used, or has no such backend or target
 */
export async function openDataMotion(
  terminal: Terminal,
  options: { readonly config: string; readonly backend?: string | undefined; readonly target?: string | undefined },
): Promise<DataMotion> {
  const { configuration, notes } = await loadConfiguration(options.config, { env: terminal.env });
  for (const note of notes) terminal.note(formatNote(note));
  const { backend, target } = options;
  if (backend !== undefined && target !== undefined) targetOf(configuration, backend, target);
  else if (backend !== undefined) backendOf(configuration, backend);
  return createDataMotion(configuration, { env: { logger: terminal.logger() }, environment: terminal.env });
}
