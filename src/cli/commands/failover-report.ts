/** Edge (layer 8): what became of a failover or failback: progress, one outcome a volume, what is still owed. */
import type { FailoverEvent } from '../../core/failover/events.ts';
import type { Debt, OperationReport, VolumeOutcome } from '../../core/failover/outcome.ts';
import type { Acknowledgement } from '../../core/failover/plan.ts';
import { FailoverError } from '../../errors.ts';
import type { ExitCode, Progress, Terminal } from '../terminal.ts';
import { asJson, duration, EXIT, explain } from '../terminal.ts';
import { acknowledgementsText, backendThatCounts } from './failover-plan-text.ts';

/** Events as steps of volumes. */
export function toldTo(progress: Progress): (event: FailoverEvent) => void {
  const steps = new Map<string, string>();
  return (event) => {
    if (event.kind === 'step-started') {
      steps.set(event.volume, event.step);
      progress.step(event.volume, event.step);
    } else if (event.kind === 'transferring') {
      progress.step(event.volume, steps.get(event.volume) ?? 'transferring', event);
    } else if (event.kind === 'volume-ended') {
      progress.end(event.volume, event.outcome === 'done' ? 'done' : 'failed');
    }
  };
}

/** Prints the report. Done is what somebody works with: writers that were not started end with 1. What was not accepted on the way ends with 3, and is told as before it began. */
export function tellReport(terminal: Terminal, report: OperationReport): ExitCode {
  terminal.document({
    ...report,
    volumes: report.volumes.map(({ error, ...outcome }) => ({
      ...outcome,
      ...(error === undefined ? {} : { error: asJson(error) }),
    })),
  });
  for (const outcome of report.volumes) {
    terminal.say(`${outcome.volume}: ${outcomeText(report, outcome)}`);
    if (outcome.error !== undefined) terminal.note(`${outcome.volume}: ${explain(outcome.error)}`);
  }
  if (report.volumes.length === 0) terminal.say('no volume to work on');
  for (const line of debtLines(report.debts)) terminal.say(line);
  for (const warning of report.warnings) terminal.note(`warning: ${warning}`);
  const idle = report.debts.some(({ kind }) => kind === 'writers-not-started');
  if (report.result === 'done') return idle ? EXIT.failed : EXIT.done;
  const errors = report.volumes.flatMap(({ outcome, error }) => (outcome === 'done' ? [] : [error]));
  const losses = errors.flatMap(notAcknowledged);
  if (losses.length > 0) terminal.note(`add --accept-loss:\n${acknowledgementsText(losses)}`);
  return losses.length > 0 && errors.every((error) => notAcknowledged(error).length > 0)
    ? EXIT.acknowledgementNeeded
    : EXIT.failed;
}

/** What nobody accepted, before anything was done. */
export function tellLosses(terminal: Terminal, losses: readonly Acknowledgement[]): ExitCode {
  terminal.document({ acknowledgementNeeded: '--accept-loss', losses });
  terminal.say(acknowledgementsText(losses));
  terminal.note('nothing was done: add --accept-loss to accept this');
  return EXIT.acknowledgementNeeded;
}

/** Losses that an error says nobody accepted. */
export function notAcknowledged(error: unknown): readonly Acknowledgement[] {
  if (!(error instanceof FailoverError) || error.code !== 'FAILOVER_NOT_ACKNOWLEDGED') return [];
  return (error.details['acknowledgements'] ?? []) as readonly Acknowledgement[];
}

export function debtLines(debts: readonly Debt[]): readonly string[] {
  if (debts.length === 0) return [];
  const line = ({ kind, volume, backend, reason, remedy }: Debt) =>
    `  ${backend}:${volume}: ${kind}: ${reason}\n    what to do: ${remedy}`;
  return ['Still owed:', ...debts.map(line)];
}

function outcomeText(report: OperationReport, outcome: VolumeOutcome): string {
  const { authority, phase, why, snapshot, lagSeconds, forced, junctionPath, tookMs } = outcome;
  const counts = backendThatCounts({ scope: { source: report.source }, target: report.target }, authority);
  const parts = [
    authority === 'undecided' ? `NOBODY COUNTS (${why})` : `${counts} counts (${phase})`,
    ...(snapshot === undefined
      ? []
      : [`data as of ${snapshot.name}${lagSeconds === undefined ? '' : `, ${duration(lagSeconds)} old`}`]),
    ...(forced === true ? ['forced: the peer did not answer'] : []),
    ...(junctionPath === undefined ? [] : [`mounted at ${junctionPath}`]),
    `${(tookMs / 1000).toFixed(1)} s`,
  ];
  return `${outcome.outcome}: ${parts.join('; ')}`;
}
