/**
 * Core (layer 1): what is written to the journal of failovers and failbacks: the intent before its effect. Whoever finds an operation
 * without its `ended` goes on with it; what was really done is always asked of the clusters, never taken from here.
 */
import type { Debt } from './outcome.ts';
import type { FailbackPlan, FailoverPlan } from './plan.ts';
import type { Authority, Phase, Step } from './vocabulary.ts';

/** One record, by `kind`. `at` is in epoch milliseconds. */
export type OperationRecord = { readonly operation: string; readonly at: number } & (
  | {
      readonly kind: 'began';
      readonly plan: FailoverPlan | FailbackPlan;
      /** Ids of the acknowledgements that were given. */
      readonly acknowledged: readonly string[];
    }
  | { readonly kind: 'acknowledged'; readonly acknowledgement: string }
  /** About to be done. */
  | { readonly kind: 'intent'; readonly volume: string; readonly step: Step; readonly epoch?: number | undefined }
  | { readonly kind: 'done'; readonly volume: string; readonly step: Step }
  | {
      readonly kind: 'volume-ended';
      readonly volume: string;
      readonly outcome: string;
      readonly phase: Phase;
      readonly authority: Authority;
      readonly debts: readonly Debt[];
    }
  | { readonly kind: 'ended'; readonly result: string }
);

/** An operation that nobody ended, as the journal tells it. */
export interface UnfinishedOperation {
  readonly operation: string;
  readonly plan: FailoverPlan | FailbackPlan;
  readonly acknowledged: readonly string[];
  /** The last intent of each volume. */
  readonly intents: Readonly<Record<string, Step>>;
  readonly beganAt: number;
}

/** What of it was accepted, and is the same loss still. Writes that were not replicated are lost as of one copy at one target. */
export function acceptedBefore(
  open: UnfinishedOperation | undefined,
  plan: FailoverPlan | FailbackPlan,
): readonly string[] {
  if (open === undefined || !sameName(open.plan.target, plan.target)) return [];
  const copyOf = (id: string, of: FailoverPlan | FailbackPlan) =>
    of.acknowledgements.find((loss) => loss.id === id)?.since?.name;
  return open.acknowledged.filter((id) => {
    // The id of an overwrite names the snapshot that it goes back to.
    if (!id.startsWith('unreplicated-writes/')) return !id.endsWith('/all');
    const copy = copyOf(id, open.plan);
    return copy !== undefined && copy === copyOf(id, plan);
  });
}

/** The newest operation of a kind on any volume of a selection that nobody ended. */
export function unfinishedOn(
  records: readonly OperationRecord[],
  kind: 'failover' | 'failback',
  selection: {
    readonly source: string;
    readonly target?: string | undefined;
    readonly volumes?: readonly string[] | undefined;
  },
): UnfinishedOperation | undefined {
  const { source, target, volumes } = selection;
  return unfinishedOperations(records).findLast(({ plan }) => {
    if (plan.kind !== kind || !sameName(plan.scope.source, source)) return false;
    if (target !== undefined && !sameName(plan.target, target)) return false;
    return volumes === undefined || plan.scope.volumes.some((volume) => volumes.includes(volume));
  });
}

/** Names of backends go without regard to case, as in the configuration. */
function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Operations without an end, oldest first. */
export function unfinishedOperations(records: readonly OperationRecord[]): readonly UnfinishedOperation[] {
  const open = new Map<string, UnfinishedOperation>();
  for (const record of records) {
    const known = open.get(record.operation);
    if (record.kind === 'began') {
      const { operation, plan, acknowledged, at } = record;
      // The same operation may be begun again, by whoever took it over.
      const before = known?.acknowledged ?? [];
      open.set(operation, {
        operation,
        plan,
        acknowledged: [...new Set([...before, ...acknowledged])],
        intents: known?.intents ?? {},
        beganAt: known?.beganAt ?? at,
      });
    } else if (record.kind === 'ended') open.delete(record.operation);
    else if (known !== undefined && record.kind === 'acknowledged') {
      const acknowledged = [...new Set([...known.acknowledged, record.acknowledgement])];
      open.set(record.operation, { ...known, acknowledged });
    } else if (known !== undefined && record.kind === 'intent') {
      open.set(record.operation, { ...known, intents: { ...known.intents, [record.volume]: record.step } });
    }
  }
  return [...open.values()];
}

/** A debt with the operation that left it. */
export interface OpenDebt extends Debt {
  readonly operation: string;
  readonly source: string;
  readonly target: string;
}

/** What is owed, oldest first: what each volume was left with when it was last worked on. */
export function openDebts(records: readonly OperationRecord[]): readonly OpenDebt[] {
  const plans = new Map<string, FailoverPlan | FailbackPlan>();
  const owed = new Map<string, readonly OpenDebt[]>();
  for (const record of records) {
    const { operation } = record;
    if (record.kind === 'began') plans.set(operation, record.plan);
    const plan = plans.get(operation);
    if (plan === undefined || record.kind !== 'volume-ended') continue;
    const { scope, target } = plan;
    const debts = record.debts.map((debt) => ({ ...debt, operation, source: scope.source, target }));
    owed.set(JSON.stringify([scope.source, target, record.volume]), debts);
  }
  return [...owed.values()].flat();
}
