/** Edge (layer 8): `datamotion drill`: the target's copies cloned, looked at by a command of the operator's, and removed. */
import type { DrillReport, DrillVolumeReport } from '../../core/failover/outcome.ts';
import type { DrillPlan } from '../../core/failover/plan.ts';
import type { DrillClone } from '../../run/failover/options.ts';
import { runHook } from '../hook-command.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { asJson, duration, EXIT, explain, tableText } from '../terminal.ts';
import { milliseconds, type PlanArguments, storedPlan, tellPlan } from './failover.ts';
import { debtLines, toldTo } from './failover-report.ts';

export interface DrillArguments extends PlanArguments {
  /** Run for each clone; an exit code other than 0 fails the drill. */
  readonly verify?: string | undefined;
  readonly hookTimeout?: number | undefined;
  readonly mount: boolean;
  /** Remove what killed drills left, and drill nothing. */
  readonly cleanUp?: boolean | undefined;
}

export async function drill(terminal: Terminal, options: DrillArguments): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, { ...options, target: options.to });
  const { signal } = terminal;
  const selection = { source: options.backend, target: options.to, volumes: options.volume };
  if (options.cleanUp === true) {
    return tellRemoved(terminal, await dataMotion.removeDrillLeftovers(selection, { signal }));
  }
  const call = { signal, contactTimeoutMs: milliseconds(options.contactTimeout), mount: options.mount };
  const plan =
    options.apply === undefined
      ? await dataMotion.planDrill(selection, call)
      : await storedPlan<DrillPlan>(options.apply, 'drill', options);
  if (options.plan === true) return tellPlan(terminal, plan);
  const progress = terminal.progress();
  try {
    const report = await dataMotion.drill(plan, {
      ...call,
      verify: verifier(terminal, options.verify, plan.id),
      hookTimeoutMs: milliseconds(options.hookTimeout),
      onEvent: toldTo(progress),
    });
    progress.stop();
    return tellDrill(terminal, report);
  } finally {
    progress.stop();
  }
}

function verifier(terminal: Terminal, command: string | undefined, operation: string) {
  if (command === undefined) return undefined;
  return ({ volume, clone, backend, svm, junctionPath, snapshot, signal }: DrillClone) => {
    const facts = { OPERATION: operation, VOLUME: volume, CLONE: clone, BACKEND: backend, SVM: svm };
    return runHook(terminal, command, { ...facts, JUNCTION_PATH: junctionPath, SNAPSHOT: snapshot }, signal);
  };
}

function tellDrill(terminal: Terminal, report: DrillReport): ExitCode {
  terminal.document({
    ...report,
    volumes: report.volumes.map(({ error, ...volume }) => ({
      ...volume,
      ...(error === undefined ? {} : { error: asJson(error) }),
    })),
  });
  terminal.say(`Drill of ${report.source} at ${report.target}: ${report.result}`);
  terminal.say(
    tableText(
      ['volume', 'outcome', 'snapshot', 'age', 'ready', 'verified in', 'verdict'],
      report.volumes.map((volume) => [
        volume.volume,
        volume.outcome,
        volume.snapshot?.name ?? '-',
        duration(volume.ageSeconds),
        secondsText(volume.readyMs),
        secondsText(volume.verifyMs),
        volume.verdict ?? '-',
      ]),
    ),
  );
  for (const { volume, error } of report.volumes)
    if (error !== undefined) terminal.note(`${volume}: ${explain(error)}`);
  for (const line of debtLines(report.debts)) terminal.say(line);
  if (report.debts.length > 0) terminal.note('the same command with --clean-up removes what is left of drills');
  return report.result === 'passed' ? EXIT.done : EXIT.failed;
}

function secondsText(ms: DrillVolumeReport['readyMs']): string {
  return ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`;
}

function tellRemoved(
  terminal: Terminal,
  clones: readonly { readonly target: string; readonly clone: string; readonly error?: unknown }[],
): ExitCode {
  terminal.document({
    clones: clones.map(({ error, ...clone }) => ({
      ...clone,
      ...(error === undefined ? {} : { error: asJson(error) }),
    })),
  });
  if (clones.length === 0) terminal.say('no drill left anything');
  for (const { target, clone, error } of clones) {
    if (error === undefined) terminal.say(`${target}:${clone}: removed`);
    else terminal.note(`${target}:${clone}: ${explain(error)}`);
  }
  return clones.some(({ error }) => error !== undefined) ? EXIT.failed : EXIT.done;
}
