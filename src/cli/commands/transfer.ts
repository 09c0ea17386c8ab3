/** Edge (layer 8): `datamotion transfer`: plans a transfer, or carries it out with progress. */
import type { TransferObject } from '../../core/transfer/facts.ts';
import type { StrategyVerdict, TransferPlan } from '../../core/transfer/plan.ts';
import type { TransferOptions, TransferProgress, TransferResult } from '../../run/transfer/context.ts';
import { openDataMotion } from '../session.ts';
import { asJson, bytes, duration, EXIT, type ExitCode, explain, type Terminal } from '../terminal.ts';

/** What the options of the command say. */
export interface Transferring {
  readonly config: string;
  readonly from: string;
  readonly to: string;
  readonly move: boolean;
  readonly plan: boolean;
  readonly checksum: boolean;
  readonly object?: TransferObject | undefined;
  readonly aggregate?: readonly string[] | undefined;
  readonly sourceDevice?: string | undefined;
  readonly destinationDevice?: string | undefined;
}

/** Exit code 1 also for a plan that has no possible strategy: there is nothing that could be applied. */
export async function transfer(terminal: Terminal, asked: Transferring): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, { config: asked.config });
  const { from, to, move, object, aggregate: aggregates, sourceDevice, destinationDevice } = asked;
  const options: TransferOptions = {
    ...{ move, object, aggregates, signal: terminal.signal },
    hostPaths: { source: sourceDevice, destination: destinationDevice },
  };
  if (asked.plan) {
    const plan = await dataMotion.planTransfer(from, to, options);
    terminal.document(plan);
    terminal.say(planText(plan));
    return plan.alreadyThere || plan.chosen !== undefined ? EXIT.done : EXIT.failed;
  }
  const progress = terminal.progress();
  const name = `${from} -> ${to}`;
  const onProgress = (at: TransferProgress) => progress.step(name, stepText(at), at);
  try {
    const result = await dataMotion.transfer({ from, to }, { ...options, checksum: asked.checksum, onProgress });
    progress.end(name, 'done');
    progress.stop();
    report(terminal, name, result);
    return EXIT.done;
  } catch (error) {
    progress.end(name, 'failed');
    throw error;
  } finally {
    progress.stop();
  }
}

/** A line is written for each new text: rate and remaining time would make one of every look. */
function stepText({ strategy, step }: TransferProgress): string {
  return `${strategy}: ${step}`;
}

function report(terminal: Terminal, name: string, result: TransferResult): void {
  const { strategy, actions, failed, verification, durationMs, note } = result;
  terminal.document({
    ...result,
    failed: failed.map((attempt) => ({ ...attempt, error: asJson(attempt.error) })),
  });
  for (const { strategy: tried, error } of failed) terminal.note(`${name}: ${tried} failed: ${explain(error)}`);
  const seconds = durationMs / 1000;
  const size = verification === undefined ? '' : ` ${bytes(verification.sizeBytes)}`;
  const rate = verification === undefined || seconds <= 0 ? '' : ` (${bytes(verification.sizeBytes / seconds)}/s)`;
  const how = strategy === undefined ? (note ?? 'nothing to do') : `${strategy}:${size} in ${duration(seconds)}${rate}`;
  terminal.say(`${name}: ${how}`);
  if (actions.length > 0) terminal.say(`  ${actions.join(', ')}`);
  if (verification?.sha256 !== undefined) terminal.say(`  sha256 ${verification.sha256}`);
}

function planText(plan: TransferPlan): string {
  const { object, intent, sizeBytes, chosen, alreadyThere, strategies } = plan;
  const head = `${intent} of a ${object} of ${bytes(sizeBytes)}`;
  if (alreadyThere) return `${head}: nothing to do, both ends are one and the same`;
  const lines = strategies.map((verdict, rank) => verdictText(verdict, verdict.possible ? rank + 1 : undefined));
  return [`${head}: ${chosen ?? 'nothing can do it'}`, ...lines].join('\n');
}

function verdictText(verdict: StrategyVerdict, rank: number | undefined): string {
  const { strategy, reasons, link, bytesMoved, preparations, calls, leavesBehind, queued } = verdict;
  const mark = rank === undefined ? '  no' : `  ${rank}.`;
  const lines = [`${mark} ${strategy}: ${reasons.join('; ')}`];
  if (rank === undefined) return lines.join('\n');
  lines.push(`       moves ${bytes(bytesMoved)} over ${LINKS[link]}`);
  if (queued) lines.push('       waits for its turn: the cluster runs all the copies that it may');
  for (const { text } of preparations) lines.push(`       first: ${text}`);
  if (verdict.deletesSource) lines.push('       deletes the source once the destination is proven whole');
  for (const call of calls) lines.push(`       ${call}`);
  lines.push(`       when cut off: ${leavesBehind}`);
  return lines.join('\n');
}

const LINKS: Readonly<Record<StrategyVerdict['link'], string>> = {
  none: 'nothing',
  cluster: 'the cluster',
  'between-clusters': 'the link between the clusters',
  host: 'this host, in and out',
};
