/** Edge (layer 8): `datamotion failover` and `failback`: plan, print, ask for what has to be accepted, apply. */
import { readFile } from 'node:fs/promises';
import { acceptedBefore, unfinishedOn } from '../../core/failover/journal-record.ts';
import type { OperationReport } from '../../core/failover/outcome.ts';
import type { FailbackPlan, FailoverPlan, Plan } from '../../core/failover/plan.ts';
import { parsePlan } from '../../core/failover/stored-plan.ts';
import type { Fence, Side } from '../../core/failover/vocabulary.ts';
import type { DataMotion } from '../../data-motion.ts';
import { ConfigError, FailoverError } from '../../errors.ts';
import type { ApplyOptions, FailoverHooks, FailoverSelection, HookCall } from '../../run/failover/options.ts';
import { DirectoryOperationJournal } from '../../state/directory-operation-journal.ts';
import { runHook } from '../hook-command.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { EXIT } from '../terminal.ts';
import { planText } from './failover-plan-text.ts';
import { notAcknowledged, tellLosses, tellReport, toldTo } from './failover-report.ts';

/** What failover, failback and drill have in common. */
export interface PlanArguments {
  readonly config: string;
  readonly backend: string;
  readonly to?: string | undefined;
  readonly volume?: readonly string[] | undefined;
  /** Print the plan, and end. */
  readonly plan?: boolean | undefined;
  /** A file with a plan. */
  readonly apply?: string | undefined;
  readonly contactTimeout?: number | undefined;
}

/** What failover and failback have in common. */
export interface ApplyArguments extends PlanArguments {
  /** `true`: whatever the plan names; else these. */
  readonly acceptLoss?: true | readonly string[] | undefined;
  readonly journal?: string | undefined;
  readonly breakLock?: boolean | undefined;
  readonly stopWriters?: string | undefined;
  readonly startWriters?: string | undefined;
  readonly hookTimeout?: number | undefined;
  readonly concurrency?: number | undefined;
}

export interface FailoverArguments extends ApplyArguments {
  readonly fence?: Fence | undefined;
  readonly lastUpdateTimeout?: number | undefined;
  readonly quiesceTimeout?: number | undefined;
}

export interface FailbackArguments extends ApplyArguments {
  readonly keep?: Side | undefined;
  readonly catchUpRounds?: number | undefined;
  readonly finalUpdateTimeout?: number | undefined;
}

export function failover(terminal: Terminal, options: FailoverArguments): Promise<ExitCode> {
  const { fence } = options;
  return planned<FailoverPlan>(terminal, options, {
    kind: 'failover',
    make: (dataMotion, selection, call) => dataMotion.planFailover(selection, { ...call, fence }),
    apply: (dataMotion, plan, call) =>
      dataMotion.failover(plan, {
        ...call,
        fence: plan.fence,
        lastUpdateTimeoutMs: milliseconds(options.lastUpdateTimeout),
        quiesceTimeoutMs: milliseconds(options.quiesceTimeout),
      }),
  });
}

export function failback(terminal: Terminal, options: FailbackArguments): Promise<ExitCode> {
  return planned<FailbackPlan>(terminal, options, {
    kind: 'failback',
    make: (dataMotion, selection, call, open) => {
      const kept = new Map(open?.volumes.map(({ volume, keep }) => [volume, keep]));
      const keep = options.keep ?? ((volume: string) => kept.get(volume));
      return dataMotion.planFailback(selection, { ...call, keep });
    },
    apply: (dataMotion, plan, call) =>
      dataMotion.failback(plan, {
        ...call,
        catchUpRounds: options.catchUpRounds,
        finalUpdateTimeoutMs: milliseconds(options.finalUpdateTimeout),
      }),
  });
}

type Call = Pick<ApplyOptions, 'signal' | 'contactTimeoutMs'>;

interface Procedure<P extends FailoverPlan | FailbackPlan> {
  readonly kind: P['kind'];
  /** @param open what an earlier process began and nobody ended */
  make(dataMotion: DataMotion, selection: FailoverSelection, call: Call, open: P | undefined): Promise<P>;
  apply(dataMotion: DataMotion, plan: P, call: ApplyOptions): Promise<OperationReport>;
}

async function planned<P extends FailoverPlan | FailbackPlan>(
  terminal: Terminal,
  options: ApplyArguments,
  procedure: Procedure<P>,
): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, { ...options, target: options.to });
  const call: Call = { signal: terminal.signal, contactTimeoutMs: milliseconds(options.contactTimeout) };
  await using held = await journalAt(terminal, options);
  const { journal } = held;
  const wanted = { source: options.backend, target: options.to, volumes: options.volume };
  const open = journal === undefined ? undefined : unfinishedOn(await journal.records(call), procedure.kind, wanted);
  if (open !== undefined) terminal.note(`goes on with ${open.operation}, which nobody ended`);
  const stored = options.apply === undefined ? undefined : await storedPlan<P>(options.apply, procedure.kind, options);
  // What is open is of this kind: it was found by it.
  const before = open?.plan as P | undefined;
  const plan =
    stored ?? (await madeAsBefore(wanted, before?.target, (of) => procedure.make(dataMotion, of, call, before)));
  if (options.plan === true) return tellPlan(terminal, plan);

  const named = options.acceptLoss === true ? plan.acknowledgements.map(({ id }) => id) : (options.acceptLoss ?? []);
  const accepted = new Set([...named, ...acceptedBefore(open, plan)]);
  const missing = plan.acknowledgements.filter(({ id, needed }) => needed === 'always' && !accepted.has(id));
  if (missing.length > 0) {
    terminal.say(planText({ ...plan, acknowledgements: [] }));
    return tellLosses(terminal, missing);
  }
  const progress = terminal.progress();
  try {
    const report = await procedure.apply(dataMotion, plan, {
      ...call,
      acknowledge: [...accepted],
      journal,
      hooks: hooksOf(terminal, options),
      hookTimeoutMs: milliseconds(options.hookTimeout),
      concurrency: options.concurrency,
      onEvent: toldTo(progress),
    });
    progress.stop();
    if (terminal.signal.aborted) terminal.note('interrupted: the same command goes on from where the clusters are');
    return tellReport(terminal, report);
  } catch (error) {
    progress.stop();
    const losses = notAcknowledged(error);
    if (losses.length > 0) return tellLosses(terminal, losses);
    throw error;
  } finally {
    progress.stop();
  }
}

/** To the target of what was begun, unless it is of no use any more. */
async function madeAsBefore<P>(
  wanted: FailoverSelection,
  target: string | undefined,
  make: (selection: FailoverSelection) => Promise<P>,
): Promise<P> {
  if (wanted.target !== undefined || target === undefined) return make(wanted);
  try {
    return await make({ ...wanted, target });
  } catch (error) {
    if (error instanceof FailoverError && error.code === 'FAILOVER_NO_USABLE_TARGET') return make(wanted);
    throw error;
  }
}

export function tellPlan(terminal: Terminal, plan: Plan): ExitCode {
  terminal.document(plan);
  terminal.say(planText(plan));
  return EXIT.done;
}

/** @throws ConfigError `CONFIG_UNREADABLE`; FailoverError `FAILOVER_PLAN_INVALID`, also for a plan of something else */
export async function storedPlan<P extends Plan>(
  file: string,
  kind: P['kind'],
  options: { readonly backend: string },
): Promise<P> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError('CONFIG_UNREADABLE', `${file} cannot be read (${cause.code})`, { object: file, cause });
  });
  const plan = parsePlan(text);
  if (plan.kind === kind && isOf(options, plan.scope.source)) return plan as P;
  throw new FailoverError('FAILOVER_PLAN_INVALID', `${file} is a plan of a ${plan.kind} of ${plan.scope.source}`, {
    object: file,
    remedy: `give a plan that datamotion ${kind} --backend ${options.backend} --plan --json printed`,
  });
}

/** The journal of a command, closed with it; without a folder there is none. */
export async function journalAt(
  terminal: Terminal,
  { journal: folder, breakLock = false }: Pick<ApplyArguments, 'journal' | 'breakLock'>,
): Promise<AsyncDisposable & { readonly journal: DirectoryOperationJournal | undefined }> {
  const { signal } = terminal;
  const journal =
    folder === undefined ? undefined : await DirectoryOperationJournal.open(folder, { breakLock, signal });
  return { journal, [Symbol.asyncDispose]: async () => journal?.close() };
}

/** Commands of the operator's as hooks. */
export function hooksOf(
  terminal: Terminal,
  options: Pick<ApplyArguments, 'stopWriters' | 'startWriters'>,
): FailoverHooks {
  const hook = (command: string | undefined) => {
    if (command === undefined) return undefined;
    return async ({ operation, volumes, side, backend, signal }: HookCall) => {
      const facts = { OPERATION: operation, VOLUMES: volumes.join(' '), SIDE: side, BACKEND: backend };
      await runHook(terminal, command, facts, signal);
    };
  };
  return { stopWriters: hook(options.stopWriters), startWriters: hook(options.startWriters) };
}

/** Names of backends go without regard to case, as in the configuration. */
export function isOf({ backend }: { readonly backend: string }, source: string): boolean {
  return backend.toLowerCase() === source.toLowerCase();
}

/** Of seconds, as options take them. */
export function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
