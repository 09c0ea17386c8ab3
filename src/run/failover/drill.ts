/**
 * Run (layer 3): a drill: the target's copies are cloned, looked at by the caller, and the clones removed, whatever happened. The mirrors
 * go on all the while; nothing but the clones is changed.
 */

import pLimit from 'p-limit';
import { isDrillClone, makeDrillPlan } from '../../core/failover/drill-plan.ts';
import { copyAgeSeconds } from '../../core/failover/facts.ts';
import { failoverFacts } from '../../core/failover/fingerprint.ts';
import type { Debt, DrillReport, DrillVolumeReport } from '../../core/failover/outcome.ts';
import type { DrillPlan, DrillVolume } from '../../core/failover/plan.ts';
import { DataMotionError, FailoverError, type FailoverErrorCode } from '../../errors.ts';
import type { OntapSvm, Volume } from '../../ontap/ontap-svm.ts';
import { collect } from '../mirror/context.ts';
import { DEFAULT_CONCURRENCY } from '../mirror/many.ts';
import { changeVolume } from '../volume-change.ts';
import { asKnown, type Operation } from './operation.ts';
import type { DrillOptions, FailoverSelection, PlanDrillOptions } from './options.ts';
import { ranked, type SurveyedTarget, survey } from './plan-failover.ts';
import { staleness } from './stale.ts';
import { type FailoverWorld, type Route, routeBetween, targetsOf, within } from './world.ts';

const DEFAULT_HOOK_TIMEOUT_MS = 300_000;
/** How long the removal of clones may go on after the call was ended. */
const CLEAN_UP_TIMEOUT_MS = 120_000;
/** A clone whose creation was cut off may show up a little later. */
const LOOKS = 8;
const LOOK_AGAIN_MS = 1000;

export async function planDrill(
  world: FailoverWorld,
  selection: FailoverSelection,
  options: PlanDrillOptions,
  signal: AbortSignal,
): Promise<DrillPlan> {
  const seen = await survey(world, selection, options, signal);
  const { chosen, rejected } = ranked(seen, selection.target);
  const pairs = seen.targets.find(({ route }) => route.target === chosen.target)?.pairs ?? [];
  const { env } = world;
  const mount = options.mount ?? true;
  return makeDrillPlan({
    id: env.random.uuid(),
    now: env.clock.now(),
    scope: seen.scope,
    chosen,
    rejected,
    pairs,
    mount,
  });
}

/**
 * @throws FailoverError `FAILOVER_NO_USABLE_TARGET`, `FAILOVER_PLAN_STALE`, before anything is changed. What goes wrong with one clone
 *   is in the report
 */
export async function drill(
  world: FailoverWorld,
  what: DrillPlan | FailoverSelection,
  options: DrillOptions,
  signal: AbortSignal,
): Promise<DrillReport> {
  const given = 'kind' in what ? what : undefined;
  const plan = given ?? (await planDrill(world, what as FailoverSelection, options, signal));
  const { source, volumes } = plan.scope;
  const seen = await survey(world, { source, volumes, target: plan.target }, options, signal);
  const at = seen.targets.find(({ route }) => route.target === plan.target);
  if (at === undefined) throw new FailoverError('FAILOVER_PLAN_INVALID', `${plan.target} is no target of ${source}`);
  if (given !== undefined) staleness(given, (volume) => factsOf(at, volume));
  const { clock } = world.env;
  const lock = await options.lock?.acquire(`${source}/${plan.target}`, { signal });
  const startedAt = clock.now();
  const drilled = new Drilled(world, plan, at, options, startedAt);
  try {
    drilled.tell({ kind: 'operation-started', plan: 'drill', volumes: plan.volumes.length });
    let reports: readonly DrillVolumeReport[];
    {
      // The clones go when this block is left, on whichever way.
      await using _ = drilled;
      const limit = pLimit(options.concurrency ?? DEFAULT_CONCURRENCY);
      reports = await limit.map(plan.volumes, (volume) => drilled.one(volume));
    }
    const good = reports.every(({ outcome }) => outcome === 'verified' || outcome === 'unverified');
    const result = good && drilled.debts.length === 0 ? 'passed' : 'failed';
    drilled.tell({ kind: 'operation-ended', result });
    return {
      kind: 'drill',
      operation: plan.id,
      source,
      target: plan.target,
      result,
      volumes: reports,
      debts: drilled.debts,
      startedAt,
      endedAt: clock.now(),
    };
  } finally {
    await lock?.release();
  }
}

function factsOf({ pairs }: SurveyedTarget, volume: string): string {
  const pair = pairs.find((one) => one.volume === volume);
  return pair === undefined ? 'not seen' : failoverFacts(pair);
}

/** The clones of one drill. */
class Drilled implements AsyncDisposable {
  readonly debts: Debt[] = [];
  readonly #world: FailoverWorld;
  readonly #plan: DrillPlan;
  readonly #at: SurveyedTarget;
  readonly #options: DrillOptions;
  readonly #startedAt: number;
  /** Clones that were asked for and not seen yet: their jobs may still be running. */
  readonly #asked = new Set<string>();

  constructor(world: FailoverWorld, plan: DrillPlan, at: SurveyedTarget, options: DrillOptions, startedAt: number) {
    this.#world = world;
    this.#plan = plan;
    this.#at = at;
    this.#options = options;
    this.#startedAt = startedAt;
  }

  tell(event: Told): void {
    this.#options.onEvent?.({ ...event, at: this.#world.env.clock.now(), operation: this.#plan.id });
  }

  async one(planned: DrillVolume): Promise<DrillVolumeReport> {
    const { volume, clone } = planned;
    let report: DrillVolumeReport = { volume, clone, outcome: 'not-attempted' };
    try {
      this.#at.route.signal.throwIfAborted();
      if (planned.blocked !== undefined) {
        const { code, reason, remedy } = planned.blocked;
        throw new FailoverError(code as FailoverErrorCode, `${volume} is not drilled: ${reason}`, { volume, remedy });
      }
      report = { ...report, outcome: 'error', ...this.#age(volume) };
      await this.#clone(planned, report.snapshot?.name);
      const readyMs = this.#world.env.clock.now() - this.#startedAt;
      const { junctionPath } = planned;
      report = { ...report, readyMs, ...(junctionPath === undefined ? {} : { junctionPath }) };
      return await this.#verify(planned, report);
    } catch (error) {
      const known = asKnown(error);
      this.tell({ kind: 'step-failed', volume, step: 'verify', code: known.code, message: known.message });
      return { ...report, error: known };
    }
  }

  #age(volume: string): Pick<DrillVolumeReport, 'snapshot' | 'ageSeconds'> {
    const forward = this.#at.pairs.find((pair) => pair.volume === volume)?.forward;
    const ageSeconds = copyAgeSeconds(forward);
    if (forward?.exportedSnapshot === undefined) return {};
    const createdAt = ageSeconds === undefined ? {} : { createdAt: this.#world.env.clock.now() - ageSeconds * 1000 };
    return {
      snapshot: { name: forward.exportedSnapshot, ...createdAt },
      ...(ageSeconds === undefined ? {} : { ageSeconds }),
    };
  }

  async #clone({ volume, destinationVolume, clone, junctionPath }: DrillVolume, snapshot: string | undefined) {
    const { targetSvm, signal } = this.#at.route;
    if (snapshot === undefined) {
      throw new FailoverError('FAILOVER_NO_COPY', `no snapshot of ${volume} is known at the target`, { volume });
    }
    this.tell({ kind: 'step-started', volume, step: 'clone', authority: 'source' });
    const spec = {
      name: clone,
      parentVolume: destinationVolume,
      parentSnapshot: snapshot,
      junctionPath,
      comment: `datamotion drill ${this.#plan.id}`,
    };
    const there = async () => (await targetSvm.volume(clone, { signal })) !== undefined;
    this.#asked.add(clone);
    await targetSvm.finish(await targetSvm.cloneVolume(spec, { signal }), { signal, look: there });
    this.tell({ kind: 'step-done', volume, step: 'clone', authority: 'source' });
  }

  async #verify(planned: DrillVolume, report: DrillVolumeReport): Promise<DrillVolumeReport> {
    const { verify, hookTimeoutMs = DEFAULT_HOOK_TIMEOUT_MS } = this.#options;
    if (verify === undefined) return { ...report, outcome: 'unverified' };
    const { route } = this.#at;
    const { volume, clone, junctionPath } = planned;
    const { clock } = this.#world.env;
    const began = clock.now();
    try {
      const verdict = await within(route, hookTimeoutMs, 'verify the clone', (signal) =>
        verify({
          volume,
          clone,
          backend: route.target,
          svm: route.targetSvm.svm,
          junctionPath,
          snapshot: report.snapshot?.name ?? '',
          signal,
        }),
      );
      const told = verdict === undefined ? {} : { verdict };
      return { ...report, outcome: 'verified', verifyMs: clock.now() - began, ...told };
    } catch (error) {
      route.signal.throwIfAborted();
      throw new FailoverError('FAILOVER_VERIFICATION_FAILED', `the clone of ${volume}: ${asKnown(error).message}`, {
        volume,
        object: clone,
        remedy: 'look at what the verification found: a failover now would give the same data',
        cause: error,
      });
    }
  }

  /** Also when the call was ended: then for a while and with a signal of its own. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock } = this.#world.env;
    const names = { source: this.#plan.scope.source, target: this.#plan.target };
    const call = { signal: new AbortController().signal, atOnce: Number.MAX_SAFE_INTEGER };
    const route = routeBetween(this.#world, names, call);
    const clones = new Map(this.#plan.volumes.map(({ clone, volume }) => [clone, volume]));
    try {
      await within(route, CLEAN_UP_TIMEOUT_MS, 'remove the clones', async (signal) => {
        for (let look = 0; look < LOOKS; look++) {
          const { removed, left } = await removeClones(route, route.targetSvm, (name) => clones.has(name), signal);
          for (const name of removed) this.#asked.delete(name);
          for (const { name, error } of left) {
            this.#asked.delete(name);
            this.#owe(clones.get(name) ?? name, error);
          }
          if (this.#asked.size === 0) return;
          await clock.sleep(LOOK_AGAIN_MS, signal);
        }
      });
    } catch (error) {
      for (const volume of clones.values()) this.#owe(volume, asKnown(error));
    }
  }

  #owe(volume: string, { message }: DataMotionError): void {
    const { target } = this.#plan;
    this.debts.push({
      kind: 'clone',
      volume,
      backend: target,
      reason: message,
      remedy: 'remove the leftovers of drills',
    });
  }
}

type Told = Parameters<Operation['tell']>[0];

interface NotRemoved {
  readonly name: string;
  readonly error: DataMotionError;
}

/** What drills that were killed left at the targets of a backend. One entry a clone: removed, or why not. */
export async function removeDrillLeftovers(
  world: FailoverWorld,
  selection: Pick<FailoverSelection, 'source' | 'target'>,
  signal: AbortSignal,
): Promise<
  readonly { readonly target: string; readonly clone: string; readonly error?: DataMotionError | undefined }[]
> {
  const targets = targetsOf(world, selection.source, selection.target);
  const found = await Promise.all(
    targets.map(async (target) => {
      const route = routeBetween(
        world,
        { source: selection.source, target },
        { signal, atOnce: Number.MAX_SAFE_INTEGER },
      );
      const before = (await clonesAt(route.targetSvm, signal)).map(({ name }) => name);
      const { left } = await removeClones(route, route.targetSvm, () => true, signal);
      return before.map((clone) => {
        const error = left.find(({ name }) => name === clone)?.error;
        return { target, clone, ...(error === undefined ? {} : { error }) };
      });
    }),
  );
  return found.flat();
}

/** Named like a drill's clone, and a clone: nothing else is ever deleted. */
async function clonesAt(svm: OntapSvm, signal: AbortSignal): Promise<readonly Volume[]> {
  const volumes = await collect(svm.volumes({ signal }));
  return volumes.filter(({ name, cloneOf }) => isDrillClone(name) && cloneOf !== undefined);
}

async function removeClones(
  route: Route,
  svm: OntapSvm,
  wanted: (name: string) => boolean,
  signal: AbortSignal,
): Promise<{ readonly removed: readonly string[]; readonly left: readonly NotRemoved[] }> {
  const clones = (await clonesAt(svm, signal)).filter(({ name }) => wanted(name));
  const results = await Promise.all(
    clones.map(async ({ name, uuid, junctionPath }): Promise<NotRemoved | undefined> => {
      const gone = async () => (await svm.volume(name, { signal })) === undefined;
      try {
        if (junctionPath !== undefined) await changeVolume(svm, uuid, { junctionPath: null }, signal);
        await svm.finish(await svm.deleteVolume(uuid, { signal }), { signal, look: gone });
        return undefined;
      } catch (error) {
        route.signal.throwIfAborted();
        if (error instanceof DataMotionError && error.code === 'ONTAP_NOT_FOUND') return undefined;
        return { name, error: asKnown(error) };
      }
    }),
  );
  const left = results.filter((one) => one !== undefined);
  const failed = new Set(left.map(({ name }) => name));
  return { removed: clones.map(({ name }) => name).filter((name) => !failed.has(name)), left };
}
