/**
 * Run (layer 3): a failover, carried out. Only the chosen target is broken off; the source is asked for nothing that it could refuse;
 * volumes go their ways side by side, and nobody's error stops another. Called again, it goes on from what the clusters show.
 */
import pLimit from 'p-limit';
import { standingOf, unfencedSide } from '../../core/failover/authority.ts';
import { authorityAtTarget, recoveryPointOf, whyNoCopy } from '../../core/failover/copies.ts';
import { follows, isWritable, type PairFacts } from '../../core/failover/facts.ts';
import { unreplicated } from '../../core/failover/failover-plan.ts';
import { failoverFacts } from '../../core/failover/fingerprint.ts';
import { nextEpoch } from '../../core/failover/mark.ts';
import type { Debt, OperationReport, VolumeOutcome } from '../../core/failover/outcome.ts';
import type { Blocked, FailoverPlan, FailoverVolume } from '../../core/failover/plan.ts';
import type { Side, Step } from '../../core/failover/vocabulary.ts';
import { backendOf } from '../../core/replication/targets.ts';
import { type DataMotionError, FailoverError, type FailoverErrorCode } from '../../errors.ts';
import type { OntapSvm } from '../../ontap/ontap-svm.ts';
import { DEFAULT_CONCURRENCY } from '../mirror/many.ts';
import { breakSnapmirror, resumeSnapmirror, updateSnapmirror } from '../mirror/verbs.ts';
import { type Claim, requireClaim, requireUnmarked, writeMark } from './claims.ts';
import { fence, isFenced, mountAt } from './fence.ts';
import { lookAtPair } from './observe.ts';
import { asKnown, leftOpen, notSeenToCount, Operation, selectionOf, settled, underLock } from './operation.ts';
import type { FailoverOptions, FailoverSelection } from './options.ts';
import { countsElsewhere, planFrom, type Survey, survey, usableTarget } from './plan-failover.ts';
import { reportOf } from './report.ts';
import { staleness } from './stale.ts';
import { type FailoverWorld, mirrorContext, type Route, within } from './world.ts';

const DEFAULT_LAST_UPDATE_TIMEOUT_MS = 60_000;

/**
 * @throws ConfigError before anything is asked of a cluster; FailoverError `FAILOVER_NO_USABLE_TARGET`, `FAILOVER_PLAN_STALE`,
 *   `FAILOVER_NOT_ACKNOWLEDGED`, `FAILOVER_NOTHING_TO_DO`, before anything is changed
 */
export async function failover(
  world: FailoverWorld,
  what: FailoverPlan | FailoverSelection,
  options: FailoverOptions,
  signal: AbortSignal,
): Promise<OperationReport<'failover'>> {
  const given = 'kind' in what ? what : undefined;
  const wanted = given === undefined ? (what as FailoverSelection) : selectionOf(given);
  const { name } = backendOf(world.configuration, wanted.source);
  const call = { env: world.env, options, signal };
  return underLock(name, call, async (lock) => {
    const { target, volumes } = wanted;
    const open = await leftOpen(options, 'failover', wanted, signal);
    const seen = await survey(world, { source: name, volumes, target }, options, signal);
    const to = target ?? usableTarget(seen, open?.plan.target);
    const plan = given ?? (await planFrom(world, seen, { target: to }, options));
    const at = seen.targets.find(({ route }) => route.target === plan.target);
    if (at === undefined) throw new FailoverError('FAILOVER_PLAN_INVALID', `${plan.target} is no target of ${name}`);
    if (given !== undefined && open?.operation !== given.id) {
      const factsOf = (volume: string) => at.pairs.find((pair) => pair.volume === volume);
      staleness(given, (volume) => stillHolds(given, factsOf(volume)));
    }
    const siblings = seen.targets.filter((one) => one !== at).map(({ route }) => route.targetSvm);
    const operation = await Operation.begin(plan, { ...call, lock }, open);
    const outcomes = await carryOut({ operation, plan, options, route: at.route, siblings, seen }, at.pairs);
    const report = reportOf('failover', plan, operation, outcomes);
    await operation.end(report.result);
    return { ...report, warnings: operation.warnings };
  });
}

/** The facts of the plan, or traces of this very plan: it was begun, and is gone on with. */
function stillHolds(plan: FailoverPlan, pair: PairFacts | undefined): string | undefined {
  if (pair === undefined) return 'not seen';
  return pair.target.found?.mark?.operation === plan.id ? undefined : failoverFacts(pair);
}

interface Work {
  readonly operation: Operation;
  readonly plan: FailoverPlan;
  readonly options: FailoverOptions;
  readonly route: Route;
  readonly siblings: readonly OntapSvm[];
  readonly seen: Survey;
}

async function carryOut(work: Work, pairs: readonly PairFacts[]): Promise<readonly VolumeOutcome[]> {
  const { operation, plan, route, options } = work;
  const live = pairs.filter((pair) => pair.source.answers && follows(pair.forward)).map(({ volume }) => volume);
  const stopped = plan.volumes.filter(({ volume, blocked }) => blocked === undefined && live.includes(volume));
  const names = stopped.map(({ volume }) => volume);
  const limit = pLimit(options.concurrency ?? DEFAULT_CONCURRENCY);
  const outcomesOf = (run: (volume: VolumeFailover) => Promise<VolumeOutcome>) => {
    return settled(
      plan.volumes.map((planned) => {
        const pair = pairs.find(({ volume }) => volume === planned.volume);
        return limit(() => run(new VolumeFailover(work, planned, pair)));
      }),
    );
  };
  if (operation.signal.aborted) return outcomesOf((volume) => volume.run());
  try {
    await operation.hook('stopWriters', 'source', route.source, names);
  } catch (error) {
    // Some of them may have been stopped.
    const debts = await operation.startWriters('source', route.source, names);
    if (debts.length === 0) throw error;
    return operation.owing(await outcomesOf((volume) => volume.leave(asKnown(error))), debts);
  }
  const outcomes = await outcomesOf((volume) => volume.run());
  const now = (side: Side) => outcomes.filter(({ authority }) => authority === side).map(({ volume }) => volume);
  const back = now('source').filter((one) => names.includes(one));
  return operation.owing(outcomes, [
    ...(await operation.startWriters('target', route.target, now('target'))),
    ...(await operation.startWriters('source', route.source, back)),
  ]);
}

/** One volume of a failover. */
class VolumeFailover {
  readonly #work: Work;
  readonly #planned: FailoverVolume;
  readonly #steps: Step[] = [];
  readonly #debts: Debt[] = [];
  readonly #told: { -readonly [K in 'snapshot' | 'lagSeconds' | 'forced' | 'junctionPath']?: VolumeOutcome[K] } = {};
  #pair: PairFacts | undefined;
  #attempted = false;
  #notMounted: DataMotionError | undefined;

  constructor(work: Work, planned: FailoverVolume, pair: PairFacts | undefined) {
    this.#work = work;
    this.#planned = planned;
    this.#pair = pair;
  }

  async run(): Promise<VolumeOutcome> {
    const { operation } = this.#work;
    let error: DataMotionError | undefined;
    try {
      operation.signal.throwIfAborted();
      const { blocked } = this.#planned;
      const pair = this.#pair;
      if (blocked !== undefined) throw this.#refused(blocked);
      if (pair === undefined) throw this.#refused(NOT_SEEN);
      await this.#failOver(pair);
    } catch (caught) {
      error = asKnown(caught);
    }
    return this.#ended(error ?? this.#notMounted);
  }

  /** Nothing of it is begun. */
  leave(why: DataMotionError): Promise<VolumeOutcome> {
    return this.#ended(why);
  }

  async #failOver(seen: PairFacts): Promise<void> {
    const { operation, options } = this.#work;
    let pair = seen;
    if (!authorityAtTarget(pair)) {
      if (options.lastUpdateTimeoutMs !== 0) pair = await this.#lastUpdate(pair);
      else await operation.requireAccepted(this.#lossOf(pair, 'always'));
      const claimed = await this.#claim(seen);
      if (claimed !== undefined) await this.#break(claimed.pair, claimed.claim);
    } else if (pair.reverse !== undefined) await this.#stopFailback();
    pair = await this.#look();
    if (!authorityAtTarget(pair)) throw notSeenToCount(pair.volume, standingOf(pair).why);
    await this.#mount(pair);
    await this.#dealWithSource(pair);
  }

  /** Whoever is failing this volume back is overtaken: else it would switch away from a target that takes writes again. */
  async #stopFailback(): Promise<void> {
    const pair = await this.#look();
    const mark = pair.target.found?.mark;
    const own = mark?.operation === this.#work.operation.id && mark.authority === 'here';
    if (authorityAtTarget(pair) && pair.reverse !== undefined && !own) await this.#writeClaim(pair);
  }

  /** A last chance for what the source still has. Not waited for beyond its time, and never a reason to fail that was accepted. */
  async #lastUpdate(pair: PairFacts): Promise<PairFacts> {
    const { operation, options, route } = this.#work;
    if (!pair.source.answers || !follows(pair.forward)) {
      await operation.requireAccepted(this.#lossOf(pair, 'always'));
      return pair;
    }
    const timeoutMs = options.lastUpdateTimeoutMs ?? DEFAULT_LAST_UPDATE_TIMEOUT_MS;
    this.#attempted = true;
    try {
      await this.#step('last-update', () =>
        within(route, timeoutMs, 'update the mirror a last time', async (signal) => {
          const context = mirrorContext(route, 'forward', this.#planned, {
            signal,
            ...this.#work.operation.transferring(this.#planned.volume),
          });
          if (pair.forward?.state === 'paused') await resumeSnapmirror(context);
          await updateSnapmirror(context, { wait: true });
        }),
      );
      return pair;
    } catch (error) {
      operation.signal.throwIfAborted();
      const { message } = asKnown(error);
      await operation.requireAccepted(this.#lossOf(pair, 'if-update-fails'));
      this.#owe('update-not-done', route.source, message, 'what is only at the source has to be recovered from there');
      return this.#look();
    }
  }

  #lossOf(pair: PairFacts, needed: 'always' | 'if-update-fails') {
    const loss = unreplicated(pair, recoveryPointOf(pair, this.#work.operation.env.clock.now()));
    return loss === undefined ? undefined : { ...loss, needed };
  }

  /**
   * Looks again before it claims: acceptances, hooks and the last update take their time, and somebody else may have acted since.
   * @param seen what this call decided on
   * @returns undefined where an earlier process' break has come through meanwhile
   */
  async #claim(seen: PairFacts): Promise<{ readonly pair: PairFacts; readonly claim: Claim } | undefined> {
    const pair = await this.#look();
    const blocked = whyNoCopy(pair);
    if (blocked !== undefined) throw this.#refused(blocked);
    const elsewhere = countsElsewhere(this.#work.seen, this.#work.route.target, pair.volume);
    if (elsewhere !== undefined) {
      throw this.#refused({
        code: 'FAILOVER_CONTESTED',
        reason: `it was failed over to ${elsewhere}`,
        remedy: 'fail back from there first',
      });
    }
    requireUnmarked(seen, pair, this.#work.operation.id);
    if (authorityAtTarget(pair)) return undefined;
    if (!sameBeneathMarks(seen, pair)) {
      throw this.#refused({
        code: 'FAILOVER_PLAN_STALE',
        reason: 'the facts changed since it was looked at',
        remedy: 'call again: it is planned with what is there now',
      });
    }
    return { pair, claim: await this.#writeClaim(pair) };
  }

  #refused({ code, reason, remedy }: Blocked): FailoverError {
    const { volume } = this.#planned;
    return new FailoverError(code as FailoverErrorCode, `${volume} is not failed over: ${reason}`, { volume, remedy });
  }

  /** The mark at the target is what fences; that at the source tells it, should it come back, that it lost. */
  async #writeClaim(pair: PairFacts): Promise<Claim> {
    const { operation, route, seen } = this.#work;
    const marks = seen.targets.flatMap(({ pairs }) => pairs).filter(({ volume }) => volume === pair.volume);
    const known = marks.map(({ target }) => target.found?.mark);
    const epoch = nextEpoch(pair.target.found?.mark, pair.source.found?.mark, ...known);
    const claim = { epoch, operation: operation.id };
    this.#attempted = true;
    const broken = pair.forward?.state === 'broken_off';
    await this.#step(
      'claim',
      async () => {
        if (broken) await operation.requireLock();
        await writeMark(route, 'target', pair.target.found, { ...claim, authority: 'here' });
      },
      epoch,
    );
    return claim;
  }

  async #break(pair: PairFacts, claim: Claim): Promise<void> {
    const { operation, route, siblings, options } = this.#work;
    if (pair.forward?.state === 'broken_off') {
      await requireClaim(route, pair, claim, ['target'], siblings);
      return;
    }
    const guard = async () => {
      await requireClaim(route, pair, claim, ['target'], siblings);
      await operation.requireLock();
    };
    const context = mirrorContext(
      route,
      'forward',
      this.#planned,
      this.#work.operation.transferring(this.#planned.volume),
    );
    const { quiesceTimeoutMs } = options;
    const result = await this.#step(
      'break',
      () => breakSnapmirror({ ...context, guard }, { quiesceTimeoutMs, junctionPath: false }),
      claim.epoch,
    );
    if (result.lastSnapshot !== undefined) {
      const { lagSeconds } = result;
      const now = operation.env.clock.now();
      const createdAt = lagSeconds === undefined ? {} : { createdAt: now - lagSeconds * 1000 };
      this.#told.snapshot = { name: result.lastSnapshot, ...createdAt };
    }
    if (result.lagSeconds !== undefined) this.#told.lagSeconds = result.lagSeconds;
    if (result.forced) this.#told.forced = true;
  }

  async #mount(pair: PairFacts): Promise<void> {
    const { operation, route } = this.#work;
    const { junctionPath } = this.#planned;
    const { found } = pair.target;
    if (junctionPath === undefined) return;
    if (found?.junctionPath !== undefined) {
      this.#told.junctionPath = found.junctionPath;
      return;
    }
    try {
      this.#told.junctionPath = await this.#step('mount-target', () => mountAt(route, 'target', found, junctionPath));
    } catch (error) {
      operation.signal.throwIfAborted();
      this.#notMounted = asKnown(error);
      this.#owe('not-mounted', route.target, this.#notMounted.message, 'mount it, or fail over again');
    }
  }

  /** Marked and fenced if it answers and that is allowed; else reported. Its errors are debts. */
  async #dealWithSource(pair: PairFacts): Promise<void> {
    const { operation, plan, route } = this.#work;
    const { source } = pair;
    const mark = pair.target.found?.mark;
    const again = 'fail over again once the source answers';
    if (!source.answers) {
      const silence = source.silence ?? 'the source does not answer';
      this.#owe('source-unfenced', route.source, silence, again);
      return;
    }
    if (source.found === undefined || mark === undefined) return;
    const { epoch, operation: by } = mark;
    // The source may have been switched back to while this one was mounted.
    const guard = () => requireClaim(route, pair, { epoch, operation: by }, ['target']);
    try {
      const { mark: there } = source.found;
      if (plan.fence !== 'none' && !isFenced(source, plan.fence)) {
        const how = plan.fence;
        await guard();
        const done = await this.#step('fence-source', () =>
          within(route, route.contactTimeoutMs, 'fence the source', (signal) =>
            fence(route, 'source', source, how, { epoch, operation: by }, signal),
          ),
        );
        if (done) operation.tell({ kind: 'fenced', volume: pair.volume, side: 'source', how });
      } else if (there === undefined || there.epoch < epoch) {
        await guard();
        await within(route, route.contactTimeoutMs, 'mark the source', (signal) =>
          writeMark(route, 'source', source.found, { ...mark, authority: 'peer' }, signal),
        );
      }
    } catch (error) {
      operation.signal.throwIfAborted();
      const kind = plan.fence === 'none' ? 'source-unmarked' : 'source-unfenced';
      this.#owe(kind, route.source, asKnown(error).message, again);
    }
    if (plan.fence === 'none' && unfencedSide(pair, standingOf(pair)) === 'source') {
      const reason = 'the source can still be written to, and nobody allowed to fence it';
      this.#owe(
        'source-unfenced',
        route.source,
        reason,
        'stop its writers, unmount it, or fail over again with a fence',
      );
      const choices = ['fence the source', 'fail back, accepting what it loses', 'fail back keeping the source'];
      operation.tell({ kind: 'loser-unfenced', volume: pair.volume, side: 'source', choices });
    }
  }

  async #look(): Promise<PairFacts> {
    const { route } = this.#work;
    const { volume, destinationVolume } = this.#planned;
    const asks = { source: this.#pair?.source.answers ?? false, target: true };
    this.#pair = await lookAtPair(route, volume, destinationVolume, asks);
    return this.#pair;
  }

  async #step<T>(step: Step, work: () => Promise<T>, epoch?: number): Promise<T> {
    const { operation } = this.#work;
    const authority = this.#pair === undefined ? 'undecided' : standingOf(this.#pair).authority;
    const result = await operation.step(this.#planned.volume, step, authority, work, epoch);
    this.#steps.push(step);
    return result;
  }

  #owe(kind: Debt['kind'], backend: string, reason: string, remedy: string): void {
    this.#debts.push({ kind, volume: this.#planned.volume, backend, reason, remedy });
  }

  async #ended(error: DataMotionError | undefined): Promise<VolumeOutcome> {
    const { operation } = this.#work;
    const { volume } = this.#planned;
    const last = await this.#lastLook();
    const { phase, authority, why } = last === undefined ? this.#planned : standingOf(last);
    const missing = last === undefined || authority !== 'target' ? why : this.#notServing(last);
    const done = error === undefined && missing === undefined;
    const reason = error ?? (missing === undefined ? undefined : notSeenToCount(volume, missing));
    const outcome = done ? 'done' : this.#attempted || this.#steps.length > 0 ? 'error' : 'not-attempted';
    await operation.volumeEnded({ volume, outcome, phase, authority, debts: this.#debts });
    operation.tell({ kind: 'volume-ended', volume, outcome, phase, authority });
    return {
      volume,
      outcome,
      phase,
      authority,
      why,
      steps: this.#steps,
      ...(reason === undefined ? {} : { error: reason }),
      ...this.#told,
      debts: this.#debts,
      tookMs: operation.env.clock.now() - operation.startedAt,
    };
  }

  /** Why nobody can work with the target, although it counts. */
  #notServing({ target }: PairFacts): string | undefined {
    const { junctionPath } = this.#planned;
    const where = `${target.backend}:${target.volume}`;
    if (!isWritable(target)) return `${where} takes no writes`;
    return junctionPath === undefined || target.found?.junctionPath !== undefined
      ? undefined
      : `${where} is not mounted`;
  }

  /** After an error too the outcome tells what is, as far as anybody can see. */
  async #lastLook(): Promise<PairFacts | undefined> {
    const untouched = !this.#attempted && this.#steps.length === 0;
    if (this.#work.operation.signal.aborted || untouched) return this.#pair;
    return this.#look().catch(() => this.#pair);
  }
}

function sameBeneathMarks(one: PairFacts, other: PairFacts): boolean {
  const without = ({ forward, target, conflict }: PairFacts) => {
    const found = target.found && { ...target.found, mark: undefined };
    return failoverFacts({ ...one, forward, conflict, target: { ...target, found } });
  };
  return without(one) === without(other);
}

const NOT_SEEN = {
  code: 'FAILOVER_PLAN_STALE',
  reason: 'it is not there any more',
  remedy: 'plan again',
};
