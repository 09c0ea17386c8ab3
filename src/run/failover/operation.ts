/**
 * Run (layer 3): what applying a failover and a failback have in common: the intent written down before its effect, events, losses that
 * have to be accepted, the caller's hooks and lock.
 */
import type { FailoverEvent } from '../../core/failover/events.ts';
import {
  type OperationRecord,
  type UnfinishedOperation,
  unfinishedOperations,
} from '../../core/failover/journal-record.ts';
import { type Acknowledgement, covers, type FailbackPlan, type FailoverPlan } from '../../core/failover/plan.ts';
import type { Authority, Side, Step } from '../../core/failover/vocabulary.ts';
import { type Env, underDeadline } from '../../env.ts';
import { DataMotionError, FailoverError, InternalError } from '../../errors.ts';
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
  #lock: HeldLock | undefined;

  private constructor(plan: Applied, env: Env, options: ApplyOptions, signal: AbortSignal, accepted: Accepted) {
    this.id = plan.id;
    this.env = env;
    this.startedAt = env.clock.now();
    this.signal = signal;
    this.#options = options;
    this.#accepted = new Map(accepted);
  }

  /**
   * Takes the caller's lock, and writes down what is begun.
   * @param taken what an earlier process left in the journal, whose acknowledgements hold
   */
  static async begin(
    plan: Applied,
    env: Env,
    options: ApplyOptions,
    signal: AbortSignal,
    taken: UnfinishedOperation | undefined,
  ): Promise<Operation> {
    const ids = typeof options.acknowledge === 'function' ? [] : (options.acknowledge ?? []);
    const given = ids.map((id) => [id, plan.acknowledgements.find((loss) => loss.id === id)] as const);
    const operation = new Operation(plan, env, options, signal, [...acceptedBefore(taken), ...given]);
    operation.#lock = await options.lock?.acquire(`${plan.scope.source}/${plan.target}`, { signal });
    try {
      await operation.#requireAcknowledgements(plan);
      if (taken !== undefined && taken.operation !== plan.id && goesOnWith(plan, taken)) {
        await operation.#write({ kind: 'ended', result: 'taken over' }, taken.operation);
      }
      await operation.#write({ kind: 'began', plan, acknowledged: [...operation.#accepted.keys()] });
      operation.tell({ kind: 'operation-started', plan: plan.kind, volumes: plan.volumes.length });
      return operation;
    } catch (error) {
      await operation.close();
      throw error;
    }
  }

  /** An operation that is cut off stays open in the journal: somebody goes on with it. */
  async end(result: string): Promise<void> {
    if (!this.signal.aborted) await this.#write({ kind: 'ended', result });
    this.tell({ kind: 'operation-ended', result });
  }

  async close(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  tell(event: DistributiveOmit<FailoverEvent, 'at' | 'operation'>): void {
    this.#options.onEvent?.({ ...event, at: this.env.clock.now(), operation: this.id });
  }

  /** One step: intent, event, effect, done. What it throws is told and thrown on. */
  async step<T>(volume: string, step: Step, authority: Authority, work: () => Promise<T>, epoch?: number): Promise<T> {
    await this.#write({ kind: 'intent', volume, step, ...(epoch === undefined ? {} : { epoch }) });
    this.tell({ kind: 'step-started', volume, step, authority });
    try {
      const result = await work();
      await this.#write({ kind: 'done', volume, step });
      this.tell({ kind: 'step-done', volume, step, authority });
      return result;
    } catch (error) {
      const { code, message } = asKnown(error);
      this.tell({ kind: 'step-failed', volume, step, code, message });
      throw error;
    }
  }

  async volumeEnded(record: Omit<Extract<OperationRecord, { kind: 'volume-ended' }>, 'operation' | 'at' | 'kind'>) {
    if (!this.signal.aborted) await this.#write({ kind: 'volume-ended', ...record });
    for (const { kind, volume, reason } of record.debts) this.tell({ kind: 'debt', debt: kind, volume, reason });
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
      throw new FailoverError('FAILOVER_WRITERS_NOT_STOPPED', `${name} failed: ${asKnown(error).message}`, {
        operation: this.id,
        retryable: true,
        remedy: 'everything goes on as before; see why the hook failed, then call again',
        cause: error,
      });
    }
  }

  /** As `hook`, but a failure is only told: what it was called after cannot be undone. */
  async hookQuietly(name: keyof FailoverHooks, side: Side, backend: string, volumes: readonly string[]): Promise<void> {
    try {
      await this.hook(name, side, backend, volumes);
    } catch (error) {
      this.signal.throwIfAborted();
      const { code, message } = asKnown(error);
      const step = name === 'startWriters' ? 'start-writers' : 'stop-writers';
      for (const volume of volumes) this.tell({ kind: 'step-failed', volume, step, code, message });
    }
  }

  /** Of a list, all that are needed have to be there; a function is asked when the time comes. */
  async #requireAcknowledgements(plan: Applied): Promise<void> {
    if (typeof this.#options.acknowledge === 'function') return;
    const missing = plan.acknowledgements.filter((loss) => loss.needed === 'always' && !this.#isAccepted(loss));
    if (missing.length > 0) throw notAcknowledged(missing, plan.id);
  }

  async #write(
    record: DistributiveOmit<OperationRecord, 'at' | 'operation'>,
    operation: string = this.id,
  ): Promise<void> {
    const { journal } = this.#options;
    await journal?.append([{ ...record, at: this.env.clock.now(), operation }], { signal: this.signal });
  }
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

/** What an earlier process began on volumes of this selection and nobody ended. */
export async function leftOpen(
  options: Pick<ApplyOptions, 'journal'>,
  kind: Applied['kind'],
  { source, target, volumes }: FailoverSelection,
  signal: AbortSignal,
): Promise<UnfinishedOperation | undefined> {
  if (options.journal === undefined) return undefined;
  const open = unfinishedOperations(await options.journal.records({ signal }));
  return open.findLast(({ plan }) => {
    if (plan.kind !== kind || plan.scope.source.toLowerCase() !== source.toLowerCase()) return false;
    if (target !== undefined && plan.target.toLowerCase() !== target.toLowerCase()) return false;
    return volumes === undefined || plan.scope.volumes.some((volume) => volumes.includes(volume));
  });
}

/** Nothing of it is left to be gone on with by somebody else. */
function goesOnWith({ scope }: Applied, taken: UnfinishedOperation): boolean {
  return taken.plan.scope.volumes.every((volume) => scope.volumes.includes(volume));
}

type Accepted = readonly (readonly [string, Acknowledgement | undefined])[];

/**
 * What was accepted of an operation that is gone on with. The id of an overwrite names the snapshot that it goes back to; writes that
 * were not replicated are accepted as of the copy that the plan named, and an older one is a greater loss.
 */
function acceptedBefore(taken: UnfinishedOperation | undefined): Accepted {
  return (taken?.acknowledged ?? []).flatMap((id): Accepted => {
    const meant = taken?.plan.acknowledgements.find((loss) => loss.id === id);
    return meant === undefined && id.startsWith('unreplicated-writes/') ? [] : [[id, meant]];
  });
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
