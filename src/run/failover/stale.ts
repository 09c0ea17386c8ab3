/** Run (layer 3): whether a plan is still about the world as it is. */
import type { Plan } from '../../core/failover/plan.ts';
import { FailoverError } from '../../errors.ts';

/**
 * @param factsNow what is observed now, or undefined where it is known that the plan itself brought it about
 * @throws FailoverError `FAILOVER_PLAN_STALE` naming every volume that changed
 */
export function staleness(plan: Plan, factsNow: (volume: string) => string | undefined): void {
  const changed = plan.volumes.flatMap(({ volume, observed }) => {
    const now = factsNow(volume);
    return now === undefined || now === observed ? [] : [{ volume, planned: observed, now }];
  });
  if (changed.length === 0) return;
  const names = changed.map(({ volume }) => volume).join(', ');
  throw new FailoverError('FAILOVER_PLAN_STALE', `the facts changed since the plan was made: ${names}`, {
    operation: plan.id,
    attempted: `apply the ${plan.kind}`,
    remedy: 'plan again, and look at what changed',
    details: { changed },
  });
}
