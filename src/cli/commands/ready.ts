/** Edge (layer 8): whether a backend can be replicated to its targets. */
import type { Readiness } from '../../core/readiness.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { EXIT } from '../terminal.ts';
import { type Selected, targetsOf } from './mirrors.ts';

/** Exit code 1 when anything that was asked for is not ready. */
export async function ready(terminal: Terminal, selection: Selected): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, selection);
  const { backend: source, volume: volumes } = selection;
  const verdicts: Readiness[] = [];
  for (const target of await targetsOf(dataMotion, selection)) {
    verdicts.push(await dataMotion.checkReadiness({ source, target, volumes }, { signal: terminal.signal }));
  }
  const isReady = verdicts.every((verdict) => verdict.ready);
  terminal.document({ ready: isReady, targets: verdicts });
  for (const verdict of verdicts) tell(terminal, verdict);
  return isReady ? EXIT.done : EXIT.failed;
}

function tell(terminal: Terminal, { source, target, ready: isReady, checks }: Readiness): void {
  terminal.say(`${source} -> ${target}: ${isReady ? 'ready' : 'NOT ready'}`);
  terminal.table(
    ['check', 'backend', 'result', 'detail'],
    checks.map(({ name, backend, ok, skipped, detail }) => {
      const result = ok ? 'ok' : skipped ? 'skipped' : 'FAILED';
      return [name, backend, result, detail];
    }),
  );
  for (const { name, backend, ok, skipped, remedy, ontapCode, ontapMessage } of checks) {
    if (ok || skipped) continue;
    if (ontapMessage !== undefined) terminal.say(`${name} of ${backend}: ONTAP says ${ontapCode}: ${ontapMessage}`);
    if (remedy !== undefined) terminal.say(`${name} of ${backend}: what to do: ${remedy}`);
  }
}
