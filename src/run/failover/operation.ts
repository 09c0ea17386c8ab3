/**
 * Run (layer 3): what applying a failover and a failback have in common: the intent written down before its effect, events, losses that
 * have to be accepted, the caller's hooks and lock.
 */

import type { FailoverEvent } from '../../core/failover/events.ts';
import {
  acceptedBefore,
  type OperationRecord,
  type UnfinishedOperation,
  unfinishedOn,
} from '../../core/failover/journal-record.ts';
import type { Debt, OperationReport, VolumeOutcome } from '../../core/failover/outcome.ts';
import { type Acknowledgement, covers, type FailbackPlan, type FailoverPlan } from '../../core/failover/plan.ts';
import type { Authority, Side, Step } from '../../core/failover/vocabulary.ts';
import { type Env, underDeadline } from '../../env.ts';
import { DataMotionError, FailoverError, InternalError } from '../../errors.ts';
import type { MirrorContext } from '../mirror/context.ts';
import type { ApplyOptions, FailoverHooks, FailoverSelection, HeldLock } from './options.ts';

const DEFAULT_HOOK_TIMEOUT_MS = 300_000;

/** Two plans of one kind: what was made to be done, and by whom. */
type Applied = FailoverPlan | FailbackPlan;

export class Operation {
  readonly id: string;
  readonly env: Env;
  readonly startedAt: number;
  readonly signal: AbortSignal;
  readonly #options: ApplyOptions;
  /** By id, with the loss that was meant where it is known. */
  readonly #accepted: Map<string, Acknowledgement | undefined>;
  readonly #lock: HeldLock | undefined;
  readonly #warnings: string[] = [];

  private constructor(plan: Applied, { env, options, signal, lock }: OperationCall, accepted: readonly string[]) {
    this.id = plan.id;
    this.env = env;
    this.startedAt = env.clock.now();
    this.signal = signal;
    this.#options = options;
    this.#lock = lock;
    this.#accepted = new Map(accepted.map((id) => [id, plan.acknowledgements.find((loss) => loss.id === id)]));
  }

  /**
   * Writes down what is begun.
   * @param taken what an earlier process left in the journal, whose acknowledgements hold
   */
  static async begin(plan: Applied, call: OperationCall, taken: UnfinishedOperation | undefined): Promise<Operation> {
    const { options } = call;
    const given = typeof options.acknowledge === 'function' ? [] : (options.acknowledge ?? []);
    const operation = new Operation(plan, call, [...acceptedBefore(taken, plan), ...given]);
    await operation.#requireAcknowledgements(plan);
    if (taken !== undefined && taken.operation !== plan.id && goesOnWith(plan, taken)) {
      await operation.#write({ kind: 'ended', result: 'taken over' }, taken.operation);
    }
    await operation.#write({ kind: 'began', plan, acknowledged: [...operation.#accepted.keys()] });
    operation.tell({ kind: 'operation-started', plan: plan.kind, volumes: plan.volumes.length });
    return operation;
  }

  /** What failed beside the work, and did not hold it up. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** An operation that is cut off stays open in the journal: somebody goes on with it. */
  async end(result: string): Promise<void> {
    if (!this.signal.aborted) await this.#note({ kind: 'ended', result });
    this.tell({ kind: 'operation-ended', result });
  }

  /** A listener that fails is no reason to leave volumes half-way. */
  tell(event: DistributiveOmit<FailoverEvent, 'at' | 'operation'>): void {
    try {
      this.#options.onEvent?.({ ...event, at: this.env.clock.now(), operation: this.id });
    } catch (error) {
      this.#warn(`the listener of events failed: ${asKnown(error).message}`);
    }
  }

  /** One step: intent, event, effect, done. What it throws is told and thrown on. */
  async step<T>(volume: string, step: Step, authority: Authority, work: () => Promise<T>, epoch?: number): Promise<T> {
    await this.#write({ kind: 'intent', volume, step, ...(epoch === undefined ? {} : { epoch }) });
    this.tell({ kind: 'step-started', volume, step, authority });
    let result: T;
    try {
      result = await work();
    } catch (error) {
      const { code, message } = asKnown(error);
      this.tell({ kind: 'step-failed', volume, step, code, message });
      throw error;
    }
    await this.#note({ kind: 'done', volume, step });
    this.tell({ kind: 'step-done', volume, step, authority });
    return result;
  }

  /** Tells of the bytes that the verbs on a volume move. */
  transferring(volume: string): Pick<MirrorContext, 'onProgress'> {
    return {
      onProgress: ({ transferredBytes, totalBytes }) => {
        if (transferredBytes === undefined) return;
        this.tell({ kind: 'transferring', volume, transferredBytes, totalBytes });
      },
    };
  }

  async volumeEnded(record: VolumeEnded): Promise<void> {
    if (!this.signal.aborted) await this.#note({ kind: 'volume-ended', ...record });
    this.#tellDebts(record.debts);
  }

  /** What is found to be owed after the volumes ended. */
  async owing(outcomes: readonly VolumeOutcome[], debts: readonly Debt[]): Promise<readonly VolumeOutcome[]> {
    this.#tellDebts(debts);
    const all = outcomes.map((outcome) => {
      const more = debts.filter(({ volume }) => volume === outcome.volume);
      return more.length === 0 ? outcome : { ...outcome, debts: [...outcome.debts, ...more] };
    });
    for (const [at, { volume, outcome, phase, authority, debts: owed }] of all.entries()) {
      if (this.signal.aborted || all[at] === outcomes[at]) continue;
      await this.#note({ kind: 'volume-ended', volume, outcome, phase, authority, debts: owed });
    }
    return all;
  }

  #tellDebts(debts: readonly Debt[]): void {
    for (const { kind, volume, reason } of debts) this.tell({ kind: 'debt', debt: kind, volume, reason });
  }

  /** Whether somebody accepts this loss; asked right before it. An answer is written down. */
  async accepts(loss: Acknowledgement): Promise<boolean> {
    if (this.#isAccepted(loss)) return true;
    this.tell({ kind: 'acknowledgement-needed', acknowledgement: loss });
    const { acknowledge } = this.#options;
    if (typeof acknowledge !== 'function' || (await acknowledge(loss)) !== true) return false;
    this.#accepted.set(loss.id, loss);
    await this.#write({ kind: 'acknowledged', acknowledgement: loss.id });
    return true;
  }

  #isAccepted(loss: Acknowledgement): boolean {
    const meant = this.#accepted.get(loss.id);
    return meant === undefined ? this.#accepted.has(loss.id) : covers(meant, loss);
  }

  /** @throws FailoverError `FAILOVER_NOT_ACKNOWLEDGED` */
  async requireAccepted(loss: Acknowledgement | undefined): Promise<void> {
    if (loss !== undefined && !(await this.accepts(loss))) throw notAcknowledged([loss], this.id);
  }

  /** @throws FailoverError `FAILOVER_LOCK_LOST` */
  async requireLock(): Promise<void> {
    if (this.#lock === undefined || (await this.#lock.isHeld()) === true) return;
    throw new FailoverError('FAILOVER_LOCK_LOST', 'the lock is not held any more', {
      operation: this.id,
      remedy: 'see who took it; call again when they are done',
    });
  }

  /** Calls a hook of the caller's, for so long and no longer. Nothing to call is success. */
  async hook(name: keyof FailoverHooks, side: Side, backend: string, volumes: readonly string[]): Promise<void> {
    const hook = this.#options.hooks?.[name];
    if (hook === undefined || volumes.length === 0) return;
    const { clock } = this.env;
    const deadline = clock.now() + (this.#options.hookTimeoutMs ?? DEFAULT_HOOK_TIMEOUT_MS);
    try {
      await underDeadline(clock, { signal: this.signal, deadline }, `${name} of the caller`, (signal) => {
        const ended = new Promise<never>((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        );
        return Promise.race([hook({ operation: this.id, volumes, side, backend, signal, deadline }), ended]);
      });
    } catch (error) {
      this.signal.throwIfAborted();
      const code = name === 'stopWriters' ? 'FAILOVER_WRITERS_NOT_STOPPED' : 'FAILOVER_WRITERS_NOT_STARTED';
      throw new FailoverError(code, `${name} failed: ${asKnown(error).message}`, {
        operation: this.id,
        retryable: true,
        remedy: HOOK_REMEDIES[name],
        cause: error,
      });
    }
  }

  /** A failure is owed, and told: what was done before it cannot be undone. A call that is ended starts nobody any more. */
  async startWriters(side: Side, backend: string, volumes: readonly string[]): Promise<readonly Debt[]> {
    if (this.#options.hooks?.startWriters === undefined) return [];
    try {
      this.signal.throwIfAborted();
      await this.hook('startWriters', side, backend, volumes);
      return [];
    } catch (error) {
      const { code, message } = asKnown(error);
      const remedy = `start the writers at ${backend}`;
      return volumes.map((volume) => {
        this.tell({ kind: 'step-failed', volume, step: 'start-writers', code, message });
        return { kind: 'writers-not-started', volume, backend, reason: message, remedy };
      });
    }
  }

  /** Of a list, all that are needed have to be there; a function is asked when the time comes. */
  async #requireAcknowledgements(plan: Applied): Promise<void> {
    if (typeof this.#options.acknowledge === 'function') return;
    const missing = plan.acknowledgements.filter((loss) => loss.needed === 'always' && !this.#isAccepted(loss));
    if (missing.length > 0) throw notAcknowledged(missing, plan.id);
  }

  /** About what has happened already: it is not undone by a journal that cannot be written to. */
  async #note(record: DistributiveOmit<OperationRecord, 'at' | 'operation'>): Promise<void> {
    try {
      await this.#write(record);
    } catch (error) {
      const about = 'volume' in record ? `${record.kind} of ${record.volume}` : record.kind;
      this.#warn(`the journal lacks "${about}": ${asKnown(error).message}`);
    }
  }

  #warn(text: string): void {
    if (this.#warnings.includes(text)) return;
    this.#warnings.push(text);
    this.env.logger.warn({ operation: this.id }, text);
  }

  async #write(
    record: DistributiveOmit<OperationRecord, 'at' | 'operation'>,
    operation: string = this.id,
  ): Promise<void> {
    const { journal } = this.#options;
    // What a call that is ended still puts back is written down too.
    const options = this.signal.aborted ? {} : { signal: this.signal };
    await journal?.append([{ ...record, at: this.env.clock.now(), operation }], options);
  }
}

/** What an operation is done with. */
export interface OperationCall {
  readonly env: Env;
  readonly options: ApplyOptions;
  readonly signal: AbortSignal;
  readonly lock: HeldLock | undefined;
}

type VolumeEnded = Omit<Extract<OperationRecord, { kind: 'volume-ended' }>, 'operation' | 'at' | 'kind'>;

const HOOK_REMEDIES: Record<keyof FailoverHooks, string> = {
  stopWriters: 'everything goes on as before; see why the hook failed, then call again',
  startWriters: 'start the writers on the side that counts',
};

/**
 * Holds the caller's lock around the whole of an operation: what was looked at before it was held may be overtaken by then. It goes by the
 * source, since whoever works on another target of it is in the way as well.
 */
export async function underLock<Report extends OperationReport>(
  source: string,
  { env, options, signal }: Omit<OperationCall, 'lock'>,
  work: (lock: HeldLock | undefined) => Promise<Report>,
): Promise<Report> {
  const lock = await options.lock?.acquire(source, { signal });
  let report: Report | undefined;
  let warning: string | undefined;
  try {
    report = await work(lock);
  } finally {
    try {
      await lock?.release();
    } catch (error) {
      warning = `the lock was not released: ${asKnown(error).message}`;
      env.logger.warn({ source }, warning);
    }
  }
  return warning === undefined ? report : { ...report, warnings: [...report.warnings, warning] };
}

/** Nobody is left working on a volume when the call ends. */
export async function settled<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** `Omit` over each member of a union. */
type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** Nothing failed, and yet the clusters do not show what should be there: one of them fell silent, or somebody else goes on. */
export function notSeenToCount(volume: string, why: string): FailoverError {
  return new FailoverError('FAILOVER_SIDE_SILENT', `every step was taken, but the end of it cannot be seen: ${why}`, {
    volume,
    attempted: 'look at the outcome',
    retryable: true,
    remedy: 'call again: what is done already is not done again',
  });
}

/** What a plan was made of. */
export function selectionOf({ scope, target }: Applied): FailoverSelection {
  return { source: scope.source, target, volumes: scope.volumes };
}

/** What an earlier process began on volumes of this selection and nobody ended. */
export async function leftOpen(
  options: Pick<ApplyOptions, 'journal'>,
  kind: Applied['kind'],
  selection: FailoverSelection,
  signal: AbortSignal,
): Promise<UnfinishedOperation | undefined> {
  if (options.journal === undefined) return undefined;
  return unfinishedOn(await options.journal.records({ signal }), kind, selection);
}

/** Nothing of it is left to be gone on with by somebody else. */
function goesOnWith({ scope }: Applied, taken: UnfinishedOperation): boolean {
  return taken.plan.scope.volumes.every((volume) => scope.volumes.includes(volume));
}

function notAcknowledged(losses: readonly Acknowledgement[], operation: string): FailoverError {
  const [first] = losses;
  const more = losses.length > 1 ? ` (and ${losses.length - 1} more)` : '';
  return new FailoverError('FAILOVER_NOT_ACKNOWLEDGED', `a loss was not accepted: ${first?.text}${more}`, {
    operation,
    volume: losses.length === 1 ? first?.volume : undefined,
    remedy: 'look at each loss, and accept it by its id, or leave the volume out',
    details: { acknowledgements: losses },
  });
}

export function asKnown(error: unknown): DataMotionError {
  if (error instanceof DataMotionError) return error;
  return new InternalError(`unexpected: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
