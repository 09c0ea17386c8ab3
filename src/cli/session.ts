/** Edge (layer 8): one command's configuration and DataMotion, closed when the command ends. */

import type { BackendConfiguration, ReplicationConfiguration } from '../core/replication/configuration.ts';
import { backendOf, targetOf } from '../core/replication/targets.ts';
import type { DataMotion } from '../data-motion.ts';
import { createDataMotion } from '../index.ts';
import { loadConfiguration } from './configuration.ts';
import type { Terminal } from './terminal.ts';

export class Session implements AsyncDisposable {
  readonly configuration: ReplicationConfiguration;
  readonly dataMotion: DataMotion;
  readonly signal: AbortSignal;

  constructor(configuration: ReplicationConfiguration, dataMotion: DataMotion, signal: AbortSignal) {
    this.configuration = configuration;
    this.dataMotion = dataMotion;
    this.signal = signal;
  }

  backend(name: string): BackendConfiguration {
    return backendOf(this.configuration, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dataMotion.close();
  }
}

/** @throws ConfigError when the file cannot be used, or has no such backend or target */
export async function openSession(
  terminal: Terminal,
  options: { readonly config: string; readonly backend: string; readonly target?: string | undefined },
): Promise<Session> {
  const { configuration, notes } = await loadConfiguration(options.config, { env: terminal.env });
  for (const note of notes) terminal.note(`note: ${note.section ? `[${note.section}] ` : ''}${note.message}`);
  if (options.target === undefined) backendOf(configuration, options.backend);
  else targetOf(configuration, options.backend, options.target);
  const logger = terminal.logger();
  const dataMotion = createDataMotion(configuration, { env: { logger }, environment: terminal.env });
  return new Session(configuration, dataMotion, terminal.signal);
}
