/**
 * Run (layer 3): a failback that moves the data: the source is made a copy of the target, kept up until little is left, switched to with
 * the writers stopped, and mirrored from again. Level-triggered: what comes next is asked of the clusters each time
 * (core/failover/failback-position.ts), so a call that was cut off anywhere is gone on with by another one.
 * (Cinder: _complete_failback, which moves nothing: defect 6)
 */
import pLimit from 'p-limit';
import type { PairFacts } from '../../core/failover/facts.ts';
import { failbackSituation } from '../../core/failover/failback-position.ts';
import { failbackFacts } from '../../core/failover/fingerprint.ts';
import type { OperationReport, VolumeOutcome } from '../../core/failover/outcome.ts';
import type { FailbackPlan } from '../../core/failover/plan.ts';
import { backendOf } from '../../core/replication/targets.ts';
import type { DataMotionError } from '../../errors.ts';
import { DEFAULT_CONCURRENCY } from '../mirror/many.ts';
import { asKnown, leftOpen, Operation, selectionOf, settled, underLock } from './operation.ts';
import type { FailbackOptions, FailoverSelection } from './options.ts';
import { planFailback, subjectOf, targetToFailBackFrom } from './plan-failback.ts';
import { survey } from './plan-failover.ts';
import { reportOf } from './report.ts';
import { staleness } from './stale.ts';
import { VolumeFailback } from './volume-failback.ts';
import type { FailoverWorld } from './world.ts';

/**
 * @throws ConfigError before anything is asked of a cluster; FailoverError `FAILOVER_PLAN_STALE`, `FAILOVER_NOT_ACKNOWLEDGED`,
 *   `FAILOVER_WRITERS_NOT_STOPPED` only where nothing else was to be done
 */
export async function failback(
  world: FailoverWorld,
  what: FailbackPlan | FailoverSelection,
  options: FailbackOptions,
  signal: AbortSignal,
): Promise<OperationReport<'failback'>> {
  const given = 'kind' in what ? what : undefined;
  const selection = given === undefined ? (what as FailoverSelection) : selectionOf(given);
  const { name } = backendOf(world.configuration, selection.source);
  const call = { env: world.env, options, signal };
  return underLock(name, call, async (lock) => {
    const open = await leftOpen(options, 'failback', selection, signal);
    const target = selection.target ?? open?.plan.target;
    const planning = { ...keeping(options, open?.plan), validate: false };
    const plan = given ?? (await planFailback(world, { ...selection, target }, planning, signal));
    const seen = await survey(world, { ...selectionOf(plan), target: plan.target }, options, signal);
    const { route, pairs } = targetToFailBackFrom(seen, plan.target);
    if (given !== undefined && open?.operation !== given.id) await refuseIfStale(given, route, pairs, options);
    const operation = await Operation.begin(plan, { ...call, lock }, open);
    const work = { operation, plan, options, route };
    const volumes = plan.volumes.map((planned) => {
      const pair = pairs.find(({ volume }) => volume === planned.volume);
      return new VolumeFailback(work, planned, pair);
    });
    const report = reportOf('failback', plan, operation, await carryOut(work, volumes));
    await operation.end(report.result);
    return { ...report, warnings: operation.warnings };
  });
}

/** What was chosen for an operation that is gone on with stays chosen. */
function keeping(options: FailbackOptions, open: { readonly kind: string } | undefined): FailbackOptions {
  if (options.keep !== undefined || open?.kind !== 'failback') return options;
  const { volumes } = open as FailbackPlan;
  const kept = new Map(volumes.map(({ volume, keep }) => [volume, keep]));
  return { ...options, keep: (volume) => kept.get(volume) };
}

async function refuseIfStale(
  plan: FailbackPlan,
  route: Parameters<typeof subjectOf>[0],
  pairs: readonly PairFacts[],
  options: FailbackOptions,
): Promise<void> {
  const now = new Map<string, string | undefined>();
  const check = pairs.map(async (pair) => {
    const touched = [pair.source, pair.target].some(({ found }) => found?.mark?.operation === plan.id);
    const planned = plan.volumes.find(({ volume }) => volume === pair.volume);
    const { sourceLoss, targetLoss } = await subjectOf(route, pair, { ...options, keep: planned?.keep });
    const situation = failbackSituation(pair, planned?.keep);
    const discards = situation.kind === 'at' && situation.position === 'discard-target';
    const common = (discards ? targetLoss : sourceLoss)?.common?.name;
    now.set(pair.volume, touched ? undefined : failbackFacts(pair, common));
  });
  await Promise.all(check);
  staleness(plan, (volume) => (now.has(volume) ? now.get(volume) : 'not seen'));
}

interface Work {
  readonly operation: Operation;
  readonly plan: FailbackPlan;
  readonly options: FailbackOptions;
  readonly route: Parameters<typeof subjectOf>[0];
}

/** Three legs with the caller's hooks between them. Who fails on one leg does not hold up the others. */
async function carryOut(
  { operation, options, route }: Work,
  volumes: readonly VolumeFailback[],
): Promise<readonly VolumeOutcome[]> {
  const limit = pLimit(options.concurrency ?? DEFAULT_CONCURRENCY);
  const each = (some: readonly VolumeFailback[], leg: (volume: VolumeFailback) => Promise<void>) =>
    settled(some.map((volume) => limit(() => volume.leg(() => leg(volume)))));
  await each(volumes, (volume) => volume.prepare());

  const ready = operation.signal.aborted ? [] : volumes.filter((volume) => volume.isReadyToSwitch);
  const names = ready.map(({ name }) => name);
  const live = ready.some((volume) => volume.hasLivingTarget);
  const stopped = await stopWriters(operation, route.target, live ? names : []);
  await each(ready, (volume) => volume.switchOver(stopped));
  const [switched, kept] = [true, false].map((yes) => ready.filter((volume) => volume.isSwitched === yes));
  const namesOf = (some: readonly VolumeFailback[] | undefined) => (some ?? []).map(({ name }) => name);
  const debts = [
    ...(await operation.startWriters('source', route.source, namesOf(switched))),
    ...(await operation.startWriters('target', route.target, live ? namesOf(kept) : [])),
  ];

  await each(volumes, (volume) => volume.reprotect());
  return operation.owing(await settled(volumes.map((volume) => volume.outcome())), debts);
}

/** Undefined: they are. */
async function stopWriters(
  operation: Operation,
  target: string,
  names: readonly string[],
): Promise<DataMotionError | undefined> {
  try {
    await operation.hook('stopWriters', 'target', target, names);
    return undefined;
  } catch (error) {
    return asKnown(error);
  }
}
