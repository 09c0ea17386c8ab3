/** Edge (layer 8): `datamotion config check`. */
import { formatNote, loadConfiguration } from '../configuration.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { EXIT } from '../terminal.ts';

export async function configCheck(terminal: Terminal, options: { readonly config: string }): Promise<ExitCode> {
  const { configuration, notes } = await loadConfiguration(options.config, { env: terminal.env });
  terminal.document({
    valid: true,
    backends: configuration.backends.map(({ name, enabled, host, svm, targets, policy }) => ({
      name,
      enabled,
      host,
      svm,
      policy,
      targets: targets.map((target) => target.backend),
    })),
    notes,
  });
  terminal.table(
    ['backend', 'cluster', 'SVM', 'targets', 'policy'],
    configuration.backends.map((b) => [
      b.name,
      `${b.host}:${b.port}`,
      b.svm,
      b.targets.map((t) => t.backend).join(', ') || '-',
      b.policy,
    ]),
  );
  for (const note of notes) terminal.note(formatNote(note));
  terminal.say(`${options.config}: valid`);
  return EXIT.done;
}
