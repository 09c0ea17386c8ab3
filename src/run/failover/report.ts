/** Run (layer 3): outcomes of volumes put together. */
import type { OperationReport, VolumeOutcome } from '../../core/failover/outcome.ts';
import type { FailbackPlan, FailoverPlan } from '../../core/failover/plan.ts';
import type { Operation } from './operation.ts';

export function reportOf<Kind extends 'failover' | 'failback'>(
  kind: Kind,
  plan: FailoverPlan | FailbackPlan,
  operation: Operation,
  volumes: readonly VolumeOutcome[],
): OperationReport<Kind> {
  const done = volumes.filter(({ outcome }) => outcome === 'done').length;
  return {
    kind,
    operation: plan.id,
    source: plan.scope.source,
    target: plan.target,
    result: done === volumes.length ? 'done' : done > 0 ? 'partial' : 'failed',
    volumes,
    debts: volumes.flatMap(({ debts }) => debts),
    warnings: operation.warnings,
    startedAt: operation.startedAt,
    endedAt: operation.env.clock.now(),
  };
}
