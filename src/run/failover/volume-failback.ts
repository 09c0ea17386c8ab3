/** Run (layer 3): one volume of a failback, leg by leg. Each leg asks where it stands and does what comes next. */

import { standingOf } from '../../core/failover/authority.ts';
import { follows, isMoving, isWritable, type PairFacts } from '../../core/failover/facts.ts';
import { type FailbackSubject, lossAt } from '../../core/failover/failback-plan.ts';
import { type FailbackPosition, failbackSituation } from '../../core/failover/failback-position.ts';
import { nextEpoch } from '../../core/failover/mark.ts';
import type { Debt, VolumeOutcome } from '../../core/failover/outcome.ts';
import type { FailbackPlan, FailbackVolume } from '../../core/failover/plan.ts';
import type { Side, Step } from '../../core/failover/vocabulary.ts';
import {
  type DataMotionError,
  FailoverError,
  type FailoverErrorCode,
  InternalError,
  MirrorError,
} from '../../errors.ts';
import {
  breakSnapmirror,
  deleteSnapmirror,
  resumeSnapmirror,
  resyncSnapmirror,
  updateSnapmirror,
} from '../mirror/verbs.ts';
import { changeVolume } from '../volume-change.ts';
import { type Claim, requireClaim, requireUnmarked, svmAt, writeMark } from './claims.ts';
import { fence, mountAt } from './fence.ts';
import { lookAtPair } from './observe.ts';
import { asKnown, notSeenToCount, type Operation } from './operation.ts';
import type { FailbackOptions } from './options.ts';
import { subjectOf } from './plan-failback.ts';
import { relate, startBaseline } from './relate.ts';
import { mirrorContext, type Route, routeBetween, within } from './world.ts';

const DEFAULTS = {
  smallDeltaBytes: 64 * 1024 * 1024,
  catchUpRounds: 10,
  finalUpdateTimeoutMs: 600_000,
} as const;

/** How long a target is tried to be put back as it was, when a switch did not come about. */
const GO_ON_TIMEOUT_MS = 120_000;

/** More steps than any way back has: a position that is never left is a broken promise, not an endless loop. */
const MOST_STEPS = 12;

export interface FailbackWork {
  readonly operation: Operation;
  readonly plan: FailbackPlan;
  readonly options: FailbackOptions;
  readonly route: Route;
}

export class VolumeFailback {
  readonly name: string;
  #work: FailbackWork;
  readonly #planned: FailbackVolume;
  readonly #steps: Step[] = [];
  readonly #debts: Debt[] = [];
  #pair: PairFacts | undefined;
  #error: DataMotionError | undefined;
  #claim: Claim | undefined;
  #attempted = false;
  #caughtUp = false;
  #switched = false;
  #mounted: string | undefined;
  #notMounted: DataMotionError | undefined;
  /** Where the target was mounted, should everything have to go on as before. */
  #targetWas: string | undefined;
  #endedAt: number | undefined;

  constructor(work: FailbackWork, planned: FailbackVolume, pair: PairFacts | undefined) {
    this.name = planned.volume;
    this.#work = work;
    this.#planned = planned;
    this.#pair = pair;
  }

  get isReadyToSwitch(): boolean {
    return this.#error === undefined && this.#caughtUp;
  }

  get isSwitched(): boolean {
    return this.#switched;
  }

  get hasLivingTarget(): boolean {
    return this.#pair?.target.answers === true;
  }

  /** Runs a leg unless an earlier one failed; what it fails with is kept for the outcome. */
  async leg(work: () => Promise<void>): Promise<void> {
    if (this.#error !== undefined) return;
    try {
      this.#work.operation.signal.throwIfAborted();
      await work();
    } catch (error) {
      this.#error = asKnown(error);
    } finally {
      this.#endedAt = this.#work.operation.env.clock.now();
    }
  }

  /** Up to the point where only a little is missing at the source. Nothing of this is in the way of the writers at the target. */
  async prepare(): Promise<void> {
    const { blocked } = this.#planned;
    if (blocked !== undefined) throw this.#refused(blocked);
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const position = this.#position(await this.#look());
      try {
        if (!(await this.#prepareFrom(position))) return;
      } catch (error) {
        // What a dead process had sent may take effect only now: the step was right for a situation that is over.
        this.#work.operation.signal.throwIfAborted();
        const overtaken = error instanceof MirrorError && this.#position(await this.#look()) !== position;
        if (!overtaken) throw error;
      }
    }
    throw new InternalError(`the failback of ${this.name} does not get on`, { details: { steps: this.#steps } });
  }

  /** One step of the preparation; false when it is over. */
  async #prepareFrom(position: FailbackPosition): Promise<boolean> {
    switch (position) {
      case 'create-reverse':
        await this.#createReverse();
        return true;
      case 'resync-reverse':
        await this.#resyncReverse();
        return true;
      case 'catch-up':
        await this.#ensureClaim('target');
        await this.#catchUp();
        this.#caughtUp = true;
        return false;
      case 'discard-target':
      case 'take-over':
        await this.#accept(position);
        this.#caughtUp = true;
        return false;
      default:
        return false;
    }
  }

  /** From here on it is short: the writers wait. @param notStopped why they are not stopped after all */
  async switchOver(notStopped: DataMotionError | undefined): Promise<void> {
    if (notStopped !== undefined) throw notStopped;
    const pair = await this.#look();
    const position = this.#position(pair);
    if (position === 'take-over') {
      await this.#takeOver();
      return;
    }
    if (position === 'discard-target') {
      await this.#discardTarget(pair);
      return;
    }
    await this.#guarded(['target', 'source']).guard();
    try {
      await this.#step('fence-target', () => this.#unmountTarget(pair));
      await this.#step('final-update', () => this.#finalUpdate());
      await this.#break(await this.#look(), ['target', 'source']);
    } catch (error) {
      await this.#goOnAsBefore();
      throw error;
    }
  }

  /** The source counts: the target follows it again, and the way back is removed. Nobody waits for it. */
  async reprotect(): Promise<void> {
    let waited = false;
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const pair = await this.#look();
      const position = this.#position(pair);
      if (position === 'reprotect') {
        await this.#mountSource(pair);
        await this.#resyncForward(pair);
      } else if (position === 'drop-reverse') await this.#dropReverse(pair);
      else if (position === 'await-target') {
        await this.#mountSource(pair);
        const reason = pair.target.silence ?? 'the target does not answer';
        this.#owe('reprotect', this.#work.route.target, reason, 'fail back again once it answers');
        return;
      } else if (position === 'done') {
        await this.#mountSource(pair);
        return;
      } else if (waited) throw this.#notBehindTheSwitch(position);
      else {
        // ONTAP's views may be of before the switch.
        waited = true;
        const { clock } = this.#work.operation.env;
        await clock.sleep(
          mirrorContext(this.#work.route, 'reverse', this.#planned).timing.visibilityMs,
          this.#work.route.signal,
        );
      }
      if (this.#debts.some(({ kind }) => kind === 'drop-reverse')) return;
    }
    throw new InternalError(`the failback of ${this.name} does not get on`, { details: { steps: this.#steps } });
  }

  #notBehindTheSwitch(position: FailbackPosition): FailoverError {
    return new FailoverError(
      'FAILOVER_PLAN_STALE',
      `${this.name} is shown at ${position}, which is before its switch`,
      {
        volume: this.name,
        attempted: 'mirror it again',
        retryable: true,
        remedy: 'see whether somebody else works on it; call again, and it goes on from what is there then',
      },
    );
  }

  // ---- the way back

  async #createReverse(): Promise<void> {
    const { operation, route } = this.#work;
    await this.#accept('create-reverse');
    await this.#ensureClaim('target');
    const { source, forward } = this.#here;
    if (source.found?.type === 'rw' && source.found.junctionPath !== undefined && this.#claim !== undefined) {
      const claim = this.#claim;
      await this.#step('fence-source', () => fence(route, 'source', source, 'unmount', claim));
      operation.tell({ kind: 'fenced', volume: this.name, side: 'source', how: 'unmount' });
    } else if (source.found?.state === 'offline') await this.#bringOnline('source');
    const context = mirrorContext(route, 'reverse', this.#planned, this.#guarded(['target', 'source']));
    await this.#step('create-reverse', () => relate(route, context, forward));
  }

  async #resyncReverse(): Promise<void> {
    const { route } = this.#work;
    const pair = this.#here;
    if (!isMoving(pair.reverse)) await this.#accept('resync-reverse');
    await this.#ensureClaim('target');
    if (pair.source.found?.state === 'offline') await this.#bringOnline('source');
    const context = mirrorContext(route, 'reverse', this.#planned, this.#guarded(['target', 'source']));
    await this.#step('resync-reverse', async () => {
      if (pair.reverse?.state === 'uninitialized') await startBaseline(context);
      else await resyncSnapmirror(context, { wait: true });
    });
  }

  /** Updates until one of them had little to carry, or took little time. */
  async #catchUp(): Promise<void> {
    const { operation, options, route } = this.#work;
    const { clock } = operation.env;
    const smallBytes = options.smallDeltaBytes ?? DEFAULTS.smallDeltaBytes;
    const rounds = options.catchUpRounds ?? DEFAULTS.catchUpRounds;
    const context = mirrorContext(route, 'reverse', this.#planned, this.#work.operation.transferring(this.name));
    await this.#step('catch-up', async () => {
      if (this.#here.reverse?.state === 'paused') await resumeSnapmirror(context);
      for (let round = 0; round < rounds; round++) {
        const startedAt = clock.now();
        const { relationship } = await updateSnapmirror(context, { wait: true });
        const moved = relationship?.transfer?.bytesTransferred;
        const tookSeconds = (clock.now() - startedAt) / 1000;
        const quick = options.smallDeltaSeconds !== undefined && tookSeconds <= options.smallDeltaSeconds;
        if (quick || moved === undefined || moved <= smallBytes) return;
      }
      throw new FailoverError(
        'FAILOVER_NOT_CAUGHT_UP',
        `after ${rounds} updates more than ${smallBytes} bytes are left each time`,
        {
          volume: this.name,
          retryable: true,
          remedy:
            'the source keeps following the target: call again when less is written, or allow a larger difference',
        },
      );
    });
  }

  async #unmountTarget({ target }: PairFacts): Promise<void> {
    const { route } = this.#work;
    const { found } = target;
    this.#targetWas = found?.junctionPath;
    if (found?.junctionPath === undefined) return;
    await changeVolume(svmAt(route, 'target'), found.uuid, { junctionPath: null }, route.signal);
  }

  async #finalUpdate(): Promise<void> {
    const { options, route } = this.#work;
    const timeoutMs = options.finalUpdateTimeoutMs ?? DEFAULTS.finalUpdateTimeoutMs;
    try {
      await within(route, timeoutMs, 'carry over the rest', async (signal) => {
        const context = mirrorContext(route, 'reverse', this.#planned, {
          signal,
          ...this.#work.operation.transferring(this.name),
        });
        await updateSnapmirror(context, { wait: true });
      });
    } catch (error) {
      route.signal.throwIfAborted();
      throw new FailoverError(
        'FAILOVER_NOT_CAUGHT_UP',
        `the last update did not come through: ${asKnown(error).message}`,
        {
          volume: this.name,
          retryable: true,
          remedy: 'the writers are let go on at the target; call again',
          cause: error,
        },
      );
    }
  }

  /** The target gives its authority back first, so that no view of one side alone shows two that count. */
  async #break(pair: PairFacts, sides: readonly Side[]): Promise<void> {
    const { operation, route } = this.#work;
    const [here, there] = [pair.target.found?.mark, pair.source.found?.mark];
    if (this.#claim !== undefined) await requireClaim(route, pair, this.#claim, sides);
    const claim = { epoch: nextEpoch(here, there), operation: operation.id };
    await this.#step(
      'switch',
      async () => {
        await operation.requireLock();
        if (sides.includes('target')) {
          await writeMark(route, 'target', pair.target.found, { ...claim, authority: 'peer', fence: 'unmount' });
        }
        await writeMark(route, 'source', pair.source.found, { ...claim, authority: 'here' });
        this.#claim = claim;
        const context = mirrorContext(route, 'reverse', this.#planned, this.#guarded(sides));
        await breakSnapmirror(context, { junctionPath: false });
        this.#switched = true;
      },
      claim.epoch,
    );
  }

  /** The switch did not come about: the target goes on as it was, also when the call was ended. What cannot be put back is owed. */
  async #goOnAsBefore(): Promise<void> {
    if (this.#switched) return;
    const work = this.#work;
    const { world, source, target, contactTimeoutMs } = work.route;
    const apart = { world, signal: new AbortController().signal };
    try {
      await within(apart, GO_ON_TIMEOUT_MS, 'let the target go on as before', async (signal) => {
        const route = routeBetween(world, { source, target }, { signal, contactTimeoutMs, atOnce: 1 });
        this.#work = { ...work, route };
        await this.#putBack();
      });
    } catch (error) {
      this.#owe('not-mounted', target, asKnown(error).message, 'mount the target volume, or fail back again');
    } finally {
      this.#work = work;
    }
  }

  async #putBack(): Promise<void> {
    const { operation, route } = this.#work;
    const pair = await this.#look();
    if (!pair.target.answers) throw notSeenToCount(this.name, pair.target.silence ?? 'the target does not answer');
    if (standingOf(pair).authority !== 'target') {
      this.#switched = standingOf(pair).authority === 'source';
      return;
    }
    const claim = this.#claim;
    const mark = pair.target.found?.mark;
    if (claim !== undefined && mark?.authority === 'peer' && mark.operation === operation.id) {
      this.#claim = undefined;
      await this.#ensureClaim('target');
    }
    const path = this.#targetWas ?? this.#planned.junctionPath;
    const overtaken = mark !== undefined && mark.operation !== operation.id;
    if (!overtaken && pair.reverse?.state === 'paused') {
      await resumeSnapmirror(mirrorContext(route, 'reverse', this.#planned));
    }
    if (path !== undefined && !overtaken) await mountAt(route, 'target', (await this.#look()).target.found, path);
  }

  /** The target is asked once more: what it took since would be lost, and need not be. */
  async #takeOver(): Promise<void> {
    const pair = await this.#look(true);
    if (pair.target.answers) {
      throw new FailoverError('FAILOVER_PLAN_STALE', `${pair.target.backend} answers again`, {
        volume: this.name,
        attempted: 'go on without the target',
        retryable: true,
        remedy: 'call again: what it holds is carried over',
      });
    }
    await this.#break(pair, ['source']);
  }

  // ---- the source kept

  async #discardTarget(seen: PairFacts): Promise<void> {
    const { operation, route } = this.#work;
    // Up to now it was written to.
    await this.#accept('discard-target');
    const pair = await this.#look();
    requireUnmarked(seen, pair, operation.id);
    await this.#step('claim', async () => {
      await operation.requireLock();
      const claim = { epoch: nextEpoch(pair.target.found?.mark, pair.source.found?.mark), operation: operation.id };
      await fence(route, 'target', pair.target, 'unmount', claim);
      await writeMark(route, 'source', pair.source.found, { ...claim, authority: 'here' });
      this.#claim = claim;
    });
    if (pair.source.found?.state === 'offline') await this.#bringOnline('source');
    await this.#mountSource(await this.#look());
    this.#switched = true;
    await this.#resyncForward(pair);
  }

  // ---- behind the switch

  async #mountSource({ source }: PairFacts): Promise<void> {
    const { operation, route } = this.#work;
    const { junctionPath } = this.#planned;
    if (junctionPath === undefined || source.found?.type !== 'rw' || source.found.junctionPath !== undefined) return;
    try {
      this.#mounted = await this.#step('mount-source', () => mountAt(route, 'source', source.found, junctionPath));
      this.#notMounted = undefined;
    } catch (error) {
      operation.signal.throwIfAborted();
      this.#notMounted = asKnown(error);
      this.#owe('not-mounted', route.source, this.#notMounted.message, 'mount it, or fail back again');
    }
  }

  async #resyncForward(pair: PairFacts): Promise<void> {
    const { route } = this.#work;
    if (this.#position(pair) === 'reprotect' && !isMoving(pair.forward)) await this.#accept('reprotect');
    await this.#ensureClaim('source');
    const context = mirrorContext(route, 'forward', this.#planned, this.#guarded(['target', 'source']));
    await this.#step('reprotect', async () => {
      if (pair.forward === undefined) await relate(route, context, pair.reverse);
      await resyncSnapmirror(context, { wait: true });
    });
  }

  /** In one request while both sides answer; else half by half, and what is left is owed. */
  async #dropReverse(seen: PairFacts): Promise<void> {
    const { operation, route } = this.#work;
    const { reverse } = seen;
    if (reverse === undefined) return;
    const { sourceSvm, signal } = route;
    const gone = async () => (await this.#look()).reverse === undefined;
    const guard = () => this.#requireSame(seen, reverse.uuid);
    try {
      await this.#step('drop-reverse', async () => {
        if (!(await guard())) return;
        try {
          const change = await sourceSvm.deleteRelationship(reverse.uuid, 'both', { signal });
          await sourceSvm.finish(change, { signal, look: gone });
        } catch (error) {
          signal.throwIfAborted();
          if (!(await guard())) return;
          const again = async () => void (await guard());
          const context = mirrorContext(route, 'reverse', this.#planned, { guard: again });
          const { release } = await deleteSnapmirror(context, { release: true });
          if (release.state === 'owed') throw release.error;
          operation.env.logger.info(
            { volume: this.name, error: asKnown(error).message },
            'the way back went half by half',
          );
        }
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FailoverError) throw error;
      this.#owe('drop-reverse', route.source, asKnown(error).message, 'fail back again once both sides answer');
    }
  }

  /** Still the way back of this failback, which nobody needs: another one may have begun. False: it is gone. */
  async #requireSame(seen: PairFacts, uuid: string): Promise<boolean> {
    const { operation, route } = this.#work;
    const pair = await this.#look();
    if (pair.reverse === undefined && this.#position(pair) === 'done') return false;
    if (this.#claim === undefined) requireUnmarked(seen, pair, operation.id);
    else await requireClaim(route, pair, this.#claim, ['target', 'source']);
    if (pair.reverse?.uuid !== uuid || this.#position(pair) !== 'drop-reverse') {
      throw new FailoverError('FAILOVER_FENCED', `somebody else works on ${this.name}: its way back is another one`, {
        volume: this.name,
        attempted: 'remove the way back',
        remedy: 'let the other one finish, then look at the state and plan again',
      });
    }
    await operation.requireLock();
    return true;
  }

  // ---- what all of it needs

  get #here(): PairFacts {
    if (this.#pair !== undefined) return this.#pair;
    throw new FailoverError('FAILOVER_PLAN_STALE', `${this.name} is not there any more`, { volume: this.name });
  }

  async #look(target = this.#pair?.target.answers ?? true): Promise<PairFacts> {
    const { route } = this.#work;
    const { volume, destinationVolume } = this.#planned;
    const asks = { source: true, target };
    this.#pair = await lookAtPair(route, volume, destinationVolume, asks);
    return this.#pair;
  }

  #position(pair: PairFacts): FailbackPosition {
    // A volume that nobody chose for is in the plan as blocked.
    const situation = failbackSituation(pair, this.#planned.keep);
    if (situation.kind === 'at') return situation.position;
    throw this.#refused(situation.blocked);
  }

  #refused({
    code,
    reason,
    remedy,
  }: {
    readonly code: string;
    readonly reason: string;
    readonly remedy: string;
  }): FailoverError {
    const { name: volume } = this;
    return new FailoverError(code as FailoverErrorCode, `${volume} is not failed back: ${reason}`, {
      volume,
      remedy,
      retryable: code === 'FAILOVER_SIDE_SILENT',
    });
  }

  /** Asked with what is known now, right before it is lost. */
  async #accept(position: FailbackPosition): Promise<void> {
    const { operation, options, route } = this.#work;
    const pair = this.#here;
    const subject: FailbackSubject = await subjectOf(route, pair, { ...options, keep: this.#planned.keep });
    await operation.requireAccepted(lossAt(position, subject, operation.env.clock.now()));
  }

  /** A mark of this call on both sides, the loser's first. */
  async #ensureClaim(authority: Side): Promise<void> {
    const { operation, route } = this.#work;
    if (this.#claim !== undefined) return;
    // Acceptances take their time.
    const seen = this.#here;
    const pair = await this.#look();
    requireUnmarked(seen, pair, operation.id);
    const claim = { epoch: nextEpoch(pair.target.found?.mark, pair.source.found?.mark), operation: operation.id };
    const [loser, winner] = authority === 'target' ? (['source', 'target'] as const) : (['target', 'source'] as const);
    const lost = pair[loser].found?.mark?.fence;
    await this.#step(
      'claim',
      async () => {
        await writeMark(route, loser, pair[loser].found, {
          ...claim,
          authority: 'peer',
          ...(lost === undefined ? {} : { fence: lost }),
        });
        await writeMark(route, winner, pair[winner].found, { ...claim, authority: 'here' });
      },
      claim.epoch,
    );
    this.#claim = claim;
    await this.#look();
  }

  #guarded(sides: readonly Side[]) {
    const { operation, route } = this.#work;
    return {
      ...this.#work.operation.transferring(this.name),
      guard: async () => {
        if (this.#claim !== undefined) await requireClaim(route, this.#here, this.#claim, sides);
        await operation.requireLock();
      },
    };
  }

  async #bringOnline(side: Side): Promise<void> {
    const { route } = this.#work;
    const { found } = this.#here[side];
    if (found !== undefined) await changeVolume(svmAt(route, side), found.uuid, { state: 'online' }, route.signal);
  }

  async #step<T>(step: Step, work: () => Promise<T>, epoch?: number): Promise<T> {
    this.#attempted = true;
    const { authority } = standingOf(this.#here);
    const result = await this.#work.operation.step(this.name, step, authority, work, epoch);
    this.#steps.push(step);
    return result;
  }

  #owe(kind: Debt['kind'], backend: string, reason: string, remedy: string): void {
    this.#debts.push({ kind, volume: this.name, backend, reason, remedy });
  }

  /** Why nobody can work with the source, although it counts. */
  #notServing(last: PairFacts | undefined): string | undefined {
    if (last === undefined) return undefined;
    const { junctionPath } = this.#planned;
    const { source } = last;
    const where = `${source.backend}:${source.volume}`;
    if (!isWritable(source)) return `${where} takes no writes`;
    return junctionPath === undefined || source.found?.junctionPath !== undefined
      ? undefined
      : `${where} is not mounted`;
  }

  /** Once, at the end: what is, as far as anybody can see. */
  async outcome(): Promise<VolumeOutcome> {
    const { operation } = this.#work;
    const last = operation.signal.aborted || !this.#attempted ? this.#pair : await this.#look().catch(() => this.#pair);
    const { phase, authority, why } = last === undefined ? this.#planned : standingOf(last);
    const reached = phase === 'protected' || this.#debts.some(({ kind }) => kind === 'reprotect');
    const missing = reached ? this.#notServing(last) : why;
    const error =
      this.#error ?? this.#notMounted ?? (missing === undefined ? undefined : notSeenToCount(this.name, missing));
    const outcome = error === undefined ? 'done' : this.#attempted ? 'error' : 'not-attempted';
    await operation.volumeEnded({ volume: this.name, outcome, phase, authority, debts: this.#debts });
    operation.tell({ kind: 'volume-ended', volume: this.name, outcome, phase, authority });
    const snapshot = follows(last?.forward) ? last?.forward?.exportedSnapshot : undefined;
    return {
      volume: this.name,
      outcome,
      phase,
      authority,
      why,
      steps: this.#steps,
      ...(error === undefined ? {} : { error }),
      ...(snapshot === undefined ? {} : { snapshot: { name: snapshot } }),
      ...(this.#mounted === undefined ? {} : { junctionPath: this.#mounted }),
      debts: this.#debts,
      tookMs: (this.#endedAt ?? operation.env.clock.now()) - operation.startedAt,
    };
  }
}
