/** Core (layer 1): the plan of a drill: which copies are cloned, and what the clones are called. */
import { standingOf } from './authority.ts';
import { recoveryPointOf, whyNoCopy } from './copies.ts';
import { follows, type PairFacts } from './facts.ts';
import { failoverFacts, fingerprintOf, plannedFacts } from './fingerprint.ts';
import {
  type Blocked,
  type DrillPlan,
  type DrillVolume,
  PLAN_VERSION,
  type PlannedStep,
  type PlanScope,
  type TargetVerdict,
} from './plan.ts';

/** What every clone's name begins with: so a later call finds those that a killed process left. */
export const DRILL_PREFIX = 'dmdrill_';
const LONGEST_NAME = 203;

/** A name of its own for each drill, by which the volume can be told. */
export function drillCloneName(volume: string, operation: string): string {
  const tag = operation.replaceAll(/[^0-9a-zA-Z]/g, '').slice(0, 8);
  return `${DRILL_PREFIX}${tag}_${volume}`.slice(0, LONGEST_NAME);
}

/** Made by a drill, going by its name. */
export function isDrillClone(name: string): boolean {
  return /^dmdrill_[0-9a-zA-Z]{1,8}_/.test(name);
}

/** What a drill plan is made of. */
export interface DrillIngredients {
  readonly id: string;
  readonly now: number;
  readonly scope: PlanScope;
  readonly chosen: TargetVerdict;
  readonly rejected: readonly TargetVerdict[];
  readonly pairs: readonly PairFacts[];
  /** Mount the clones at `/<clone>`. */
  readonly mount: boolean;
}

/** Total: a volume that cannot be drilled is in the plan with the reason. */
export function makeDrillPlan({ id, now, scope, chosen, rejected, pairs, mount }: DrillIngredients): DrillPlan {
  const volumes = pairs.map((pair) => planVolume(pair, id, now, mount));
  return {
    format: 'ontap-data-motion/plan',
    version: PLAN_VERSION,
    kind: 'drill',
    id,
    madeAt: now,
    scope,
    target: chosen.target,
    chosen,
    rejected,
    volumes,
    acknowledgements: [],
    fingerprint: fingerprintOf(volumes.map(({ volume, observed }) => plannedFacts({ volume, observed }))),
  };
}

function planVolume(pair: PairFacts, id: string, now: number, mount: boolean): DrillVolume {
  const { authority, phase, why } = standingOf(pair);
  const clone = drillCloneName(pair.volume, id);
  const recoveryPoint = recoveryPointOf(pair, now);
  const blocked = whyNoCopy(pair) ?? withoutSnapshot(pair);
  const steps: readonly PlannedStep[] = [
    { step: 'clone', text: `Clone ${pair.target.backend}:${pair.target.volume} as ${clone}.`, authority },
    ...(mount ? [{ step: 'mount-clone' as const, text: `Mount the clone at /${clone}.`, authority }] : []),
    { step: 'verify', text: 'Have the clone looked at.', authority },
    { step: 'delete-clone', text: `Remove ${clone}.`, authority },
  ];
  return {
    volume: pair.volume,
    destinationVolume: pair.target.volume,
    phase,
    authority,
    why,
    recoveryPoint,
    clone,
    steps: blocked === undefined ? steps : [],
    observed: failoverFacts(pair),
    ...(mount ? { junctionPath: `/${clone}` } : {}),
    ...(blocked === undefined ? {} : { blocked }),
  };
}

function withoutSnapshot({ forward }: PairFacts): Blocked | undefined {
  if (follows(forward) && forward?.exportedSnapshot !== undefined) return undefined;
  return {
    code: 'FAILOVER_NO_COPY',
    reason: 'no mirror keeps a copy of it at the target now',
    remedy: 'drill while the target follows the source',
  };
}
