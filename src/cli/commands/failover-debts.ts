/** Edge (layer 8): `datamotion debts`: what failovers and failbacks left to be done later, and doing it. */
import { type OpenDebt, openDebts, unfinishedOperations } from '../../core/failover/journal-record.ts';
import type { DebtKind, OperationReport } from '../../core/failover/outcome.ts';
import type { Fence } from '../../core/failover/vocabulary.ts';
import type { DataMotion } from '../../data-motion.ts';
import type { ApplyOptions } from '../../run/failover/options.ts';
import type { OperationJournal } from '../../state/operation-journal.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { asJson, EXIT, explain } from '../terminal.ts';
import { isOf, journalAt } from './failover.ts';
import { debtLines, toldTo } from './failover-report.ts';

export interface DebtsArguments {
  readonly config: string;
  readonly backend: string;
  readonly journal: string;
  readonly pay: boolean;
  /** Empty the journal: what it says was seen to by hand, or does not matter any more. */
  readonly forget: boolean;
  readonly fence?: Fence | undefined;
  readonly breakLock?: boolean | undefined;
}

/** What pays a debt: the operation that left it, called again. What is not here nobody but people can pay. */
const PAID_BY: Partial<Record<DebtKind, 'failover' | 'failback'>> = {
  'source-unfenced': 'failover',
  'source-unmarked': 'failover',
  reprotect: 'failback',
  'drop-reverse': 'failback',
  release: 'failback',
};

/** A volume that is not mounted is mounted by the way that led to its side. */
function payerOf({ kind, backend, source }: OpenDebt): 'failover' | 'failback' | undefined {
  if (kind !== 'not-mounted') return PAID_BY[kind];
  return isOf({ backend }, source) ? 'failback' : 'failover';
}

/** Ends with 1 as long as something is owed, or an operation was begun and nobody ended it. */
export async function debts(terminal: Terminal, options: DebtsArguments): Promise<ExitCode> {
  await using held = await journalAt(terminal, options);
  const { journal } = held;
  if (journal === undefined) return EXIT.usage;
  const { signal } = terminal;
  const owed = async () => openDebts(await journal.records({ signal })).filter(({ source }) => isOf(options, source));
  const before = await owed();
  const failures = options.pay ? await pay(terminal, options, before, { journal, signal }) : [];
  if (options.forget) await forget(terminal, journal, signal);
  const left = options.pay || options.forget ? await owed() : before;
  const open = unfinishedOperations(await journal.records({ signal })).map(({ operation, plan, beganAt }) => {
    return { operation, kind: plan.kind, target: plan.target, beganAt };
  });
  terminal.document({ debts: left, unfinished: open, ...(failures.length > 0 && { errors: failures.map(asJson) }) });
  for (const error of failures) terminal.note(explain(error));
  for (const { kind, operation, target } of open) {
    terminal.say(`begun and not ended: ${kind} ${operation} (${target}): the same command with this journal goes on`);
  }
  for (const line of debtLines(left)) terminal.say(line);
  if (left.length === 0 && open.length === 0) terminal.say('nothing is owed');
  return left.length === 0 && open.length === 0 ? EXIT.done : EXIT.failed;
}

/** What is not ended yet is not forgotten: the next call needs it. */
async function forget(terminal: Terminal, journal: OperationJournal, signal: AbortSignal): Promise<void> {
  const open = unfinishedOperations(await journal.records({ signal }));
  if (open.length === 0) await journal.reset({ signal });
  else terminal.note('nothing was forgotten: an operation was begun and not ended');
}

/** By target and operation; who counts meanwhile is looked at before, so that a payment never moves a service. */
async function pay(
  terminal: Terminal,
  options: DebtsArguments,
  owed: readonly OpenDebt[],
  call: Pick<ApplyOptions, 'journal' | 'signal'>,
): Promise<readonly unknown[]> {
  await using dataMotion = await openDataMotion(terminal, options);
  const progress = terminal.progress();
  const failures: unknown[] = [];
  try {
    const payable = owed.filter((debt) => payerOf(debt) !== undefined);
    const keyOf = (debt: OpenDebt) => JSON.stringify([payerOf(debt), debt.target]);
    for (const key of new Set(payable.map(keyOf))) {
      const group = payable.filter((debt) => keyOf(debt) === key);
      try {
        const report = await paid(dataMotion, options, group, { ...call, onEvent: toldTo(progress) });
        if (report === undefined) terminal.note(mootText(group));
        failures.push(...(report?.volumes ?? []).flatMap(({ error }) => (error === undefined ? [] : [error])));
      } catch (error) {
        failures.push(error);
      }
    }
    return failures;
  } finally {
    progress.stop();
  }
}

function mootText(group: readonly OpenDebt[]): string {
  const names = [...new Set(group.map(({ volume }) => volume))].join(', ');
  return `not paid: another side counts by now for ${names}; if nothing is owed any more, --forget empties the journal`;
}

/** Undefined: nothing to do without moving a service. */
async function paid(
  dataMotion: DataMotion,
  { backend, fence }: DebtsArguments,
  group: readonly OpenDebt[],
  call: ApplyOptions,
): Promise<OperationReport | undefined> {
  const [first] = group;
  if (first === undefined) return undefined;
  const selection = { source: backend, target: first.target, volumes: [...new Set(group.map(({ volume }) => volume))] };
  const way = payerOf(first);
  const states = await dataMotion.replicationState(selection, call);
  const counts = way === 'failover' ? 'target' : 'source';
  const volumes = states.filter(({ authority }) => authority === counts).map(({ volume }) => volume);
  if (volumes.length === 0) return undefined;
  if (way === 'failover') {
    // The plan holds what was seen: should the other side count by now, it is stale, and nothing is done.
    const plan = await dataMotion.planFailover({ ...selection, volumes }, { signal: call.signal, fence });
    const moves = plan.volumes.some(({ authority }) => authority !== counts);
    return moves ? undefined : dataMotion.failover(plan, { ...call, fence });
  }
  const plan = await dataMotion.planFailback({ ...selection, volumes }, { signal: call.signal });
  const moves = plan.volumes.some(({ authority }) => authority !== counts);
  return moves ? undefined : dataMotion.failback(plan, call);
}
