/**
 * Run (layer 3): housekeeping of one backend: a round looks, ensures what nobody decided about, updates what is due, fences a loser that
 * came back, and tells alerts when they begin and end. It never resyncs: a mirror that somebody broke off is left alone (defect 4).
 */
import { type Alert, alertsFor } from '../../core/failover/alerts.ts';
import { standingOf, unfencedSide } from '../../core/failover/authority.ts';
import { isProtected } from '../../core/failover/copies.ts';
import type { FailoverEvent } from '../../core/failover/events.ts';
import { isMoving, type PairFacts } from '../../core/failover/facts.ts';
import type { Fence, Side } from '../../core/failover/vocabulary.ts';
import type { CallOptions } from '../../env.ts';
import { ConfigError } from '../../errors.ts';
import type { MirrorOutcome } from '../mirror/many.ts';
import { writeMark } from './claims.ts';
import { writtenSince } from './differences.ts';
import { fence } from './fence.ts';
import { lookAtPair } from './observe.ts';
import { asKnown } from './operation.ts';
import { countsElsewhere, type Survey, survey } from './plan-failover.ts';
import { statesIn } from './replication-state.ts';
import { type FailoverWorld, type Route, targetsOf } from './world.ts';

/** How a house is kept: how often, what is too old, what may be done. */
export interface HousekeepingOptions extends CallOptions {
  readonly target?: string | undefined;
  readonly volumes?: readonly string[] | undefined;
  /** From the beginning of one round to that of the next (default 600,000, as Cinder's). */
  readonly intervalMs?: number | undefined;
  /** Above it a copy is too old (default 86,400). */
  readonly maxLagSeconds?: number | undefined;
  /** A mirror whose copy is older than this is updated in the round. Default: none is, their schedules do it. */
  readonly updateAfterSeconds?: number | undefined;
  /** Create mirrors that are missing, and resume baselines that broke down (default true). */
  readonly ensure?: boolean | undefined;
  /** What may be done to a source that comes back after a failover (default `none`: it is told). */
  readonly fence?: Fence | undefined;
  readonly contactTimeoutMs?: number | undefined;
  /** Told of every alert and of the end of each round. */
  readonly onEvent?: ((event: FailoverEvent) => void) | undefined;
}

/** The verbs that a round uses: those of the facade. */
export interface HousekeepingVerbs {
  readonly ensure: (
    target: string,
    volumes: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly MirrorOutcome[]>;
  readonly update: (
    target: string,
    volumes: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly MirrorOutcome[]>;
}

const DEFAULT_INTERVAL_MS = 600_000;
const DEFAULT_MAX_LAG_SECONDS = 86_400;

/** Goes on until `stop` fires, ends its round first, and resolves; a signal ends it at once. A round that fails is an alert. @throws ConfigError */
export async function keepHouse(
  world: FailoverWorld,
  verbs: HousekeepingVerbs,
  source: string,
  options: HousekeepingOptions & { readonly stop?: AbortSignal | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { clock } = world.env;
  const { intervalMs = DEFAULT_INTERVAL_MS, stop } = options;
  const house = new House(world, verbs, source, options, signal);
  for (let round = 1; stop?.aborted !== true; round++) {
    signal.throwIfAborted();
    const beganAt = clock.now();
    try {
      await house.round();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConfigError) throw error;
      house.failed(error);
    }
    house.tell({ kind: 'round-ended', round, tookMs: clock.now() - beganAt });
    const ends = stop === undefined ? signal : AbortSignal.any([signal, stop]);
    await clock.sleep(Math.max(0, beganAt + intervalMs - clock.now()), ends).catch((error: unknown) => {
      if (stop?.aborted !== true) throw error;
    });
  }
}

class House {
  readonly #world: FailoverWorld;
  readonly #verbs: HousekeepingVerbs;
  readonly #source: string;
  readonly #options: HousekeepingOptions;
  readonly #signal: AbortSignal;
  /** Alerts that were raised and not cleared. */
  #raised = new Map<string, Alert>();

  constructor(
    world: FailoverWorld,
    verbs: HousekeepingVerbs,
    source: string,
    options: HousekeepingOptions,
    signal: AbortSignal,
  ) {
    this.#world = world;
    this.#verbs = verbs;
    this.#source = source;
    const { target } = options;
    this.#options = target === undefined ? options : { ...options, target: targetsOf(world, source, target)[0] };
    this.#signal = signal;
  }

  tell(event: EventFields): void {
    const { clock, logger } = this.#world.env;
    try {
      this.#options.onEvent?.({ ...event, at: clock.now() });
    } catch (error) {
      logger.warn({ source: this.#source }, `the listener of events failed: ${asKnown(error).message}`);
    }
  }

  /** Nothing new is known: what was raised stays raised. */
  failed(error: unknown): void {
    const { message } = asKnown(error);
    const known = [...this.#raised.values()].filter(({ alert }) => alert !== 'round-failed');
    this.#settle([...known, { alert: 'round-failed', volume: '', target: this.#source, message }]);
  }

  async round(): Promise<void> {
    const { volumes, target } = this.#options;
    const seen = await survey(this.#world, { source: this.#source, volumes, target }, this.#options, this.#signal);
    const troubles = [...silences(seen, target), ...(await this.#alerts(seen))];
    for (const { route, pairs } of seen.targets) {
      if (target !== undefined && route.target !== target) continue;
      await this.#meetLosers(route, pairs);
      // What counts elsewhere is not replicated from here.
      const own = pairs.filter(({ volume }) => countsElsewhere(seen, route.target, volume) === undefined);
      troubles.push(...(await this.#work(route, own)));
    }
    this.#settle(troubles);
  }

  async #alerts(seen: Survey): Promise<readonly Alert[]> {
    const maxLag = this.#options.maxLagSeconds ?? DEFAULT_MAX_LAG_SECONDS;
    const states = statesIn(seen, this.#options.target);
    const alerts = states.map(async (state) => {
      const at = seen.targets.find(({ route }) => route.target === state.target);
      const pair = at?.pairs.find(({ volume }) => volume === state.volume);
      const old = state.lagSeconds !== undefined && state.lagSeconds > maxLag;
      // Only a copy that looks too old is worth the question.
      const side = state.authority === 'target' ? 'target' : 'source';
      const written = old && at && pair ? await writtenSince(at.route, side, pair, state.snapshot) : undefined;
      return state.source.answers || state.destination.answers ? alertsFor(state, maxLag, written) : [];
    });
    return (await Promise.all(alerts)).flat();
  }

  /** Only where nobody decided anything: no mirror, or a baseline that never came through. */
  async #work(route: Route, pairs: readonly PairFacts[]): Promise<readonly Alert[]> {
    const { ensure = true, updateAfterSeconds } = this.#options;
    const missing = pairs.filter((pair) => {
      const { phase } = standingOf(pair);
      const claimed = pair.source.found?.mark?.authority === 'peer';
      return (
        pair.source.answers && pair.target.answers && phase === 'unprotected' && !claimed && pair.conflict === undefined
      );
    });
    const due = pairs.filter((pair) => {
      const age = pair.forward?.lagSeconds;
      return updateAfterSeconds !== undefined && isProtected(pair) && age !== undefined && age >= updateAfterSeconds;
    });
    const names = (some: readonly PairFacts[]) => some.map(({ volume }) => volume);
    const alerts: Alert[] = [];
    if (ensure && missing.length > 0) {
      const outcomes = await this.#verbs.ensure(route.target, names(missing), this.#signal);
      alerts.push(...failuresOf('ensure-failed', route.target, outcomes));
    }
    const current = due.filter((pair) => standingOf(pair).authority === 'source');
    if (current.length > 0) {
      const outcomes = await this.#verbs.update(route.target, names(current), this.#signal);
      alerts.push(...failuresOf('update-failed', route.target, outcomes));
    }
    return alerts;
  }

  /** A side that came back without its authority: looked at again right before it is touched, since it may count again by now. */
  async #meetLosers(route: Route, pairs: readonly PairFacts[]): Promise<void> {
    const how = this.#options.fence ?? 'none';
    const asks = { source: true, target: true };
    for (const seen of pairs) {
      const side = loserToMeet(seen, how);
      if (side === undefined) continue;
      try {
        const pair = await lookAtPair(route, seen.volume, seen.target.volume, asks);
        if (loserToMeet(pair, how) !== side) continue;
        await (side === 'source' ? this.#fenceSource(route, pair, how) : this.#disclaim(route, pair, how));
      } catch (error) {
        this.#signal.throwIfAborted();
        const { code, message } = asKnown(error);
        this.tell({ kind: 'step-failed', volume: seen.volume, step: `fence-${side}`, code, message });
      }
    }
  }

  async #fenceSource(route: Route, { volume, source, target }: PairFacts, how: Fence): Promise<void> {
    const mark = target.found?.mark;
    if (mark === undefined || how === 'none') return;
    const { epoch, operation } = mark;
    if (await fence(route, 'source', source, how, { epoch, operation })) {
      this.tell({ kind: 'fenced', volume, side: 'source', how });
    }
  }

  /**
   * A target that was failed back from while it was dead still says that it counts. Its epoch stays its own: what it wrote since has
   * yet to be accepted as lost, which marks of one epoch would say it was. Never offline: it is to be mirrored to again.
   */
  async #disclaim(route: Route, { volume, source, target }: PairFacts, how: Fence): Promise<void> {
    const [here, there] = [target.found?.mark, source.found?.mark];
    if (here === undefined || there === undefined) return;
    const mark = { epoch: here.epoch, operation: there.operation };
    if (how === 'none') {
      await writeMark(route, 'target', target.found, { ...mark, authority: 'peer' });
      this.tell({ kind: 'step-done', volume, step: 'claim', authority: 'source' });
    } else if (await fence(route, 'target', target, 'unmount', mark)) {
      this.tell({ kind: 'fenced', volume, side: 'target', how: 'unmount' });
    }
  }

  /** Tells what is new and what is over. */
  #settle(alerts: readonly Alert[]): void {
    const now = new Map(alerts.map((alert) => [JSON.stringify([alert.alert, alert.target, alert.volume]), alert]));
    const of = ({ alert, volume, target, message }: Alert) => ({
      alert,
      source: this.#source,
      target,
      ...(volume === '' ? {} : { volume }),
      message,
    });
    for (const [key, alert] of now) if (!this.#raised.has(key)) this.tell({ kind: 'alert-raised', ...of(alert) });
    for (const [key, alert] of this.#raised) if (!now.has(key)) this.tell({ kind: 'alert-cleared', ...of(alert) });
    this.#raised = now;
  }
}

function loserToMeet(pair: PairFacts, how: Fence): Side | undefined {
  const standing = standingOf(pair);
  const mark = pair.target.found?.mark;
  if (standing.phase === 'switched' && !isMoving(pair.forward) && mark?.authority === 'here') return 'target';
  return how !== 'none' && mark !== undefined && unfencedSide(pair, standing) === 'source' ? 'source' : undefined;
}

type EventFields = FailoverEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'at'> : never) : never;

function silences({ targets }: Survey, wanted: string | undefined): Alert[] {
  const asked = targets.filter(({ route }) => wanted === undefined || route.target === wanted);
  return asked.flatMap(({ route, view }) => {
    const silent = [
      { backend: route.source, ...view.source },
      { backend: route.target, ...view.target },
    ].filter(({ answers }) => !answers);
    return silent.map(({ backend, silence }) => ({
      alert: 'backend-silent' as const,
      volume: '',
      target: backend,
      message: `${backend} does not answer: ${silence ?? 'no reason known'}`,
    }));
  });
}

function failuresOf(
  alert: 'ensure-failed' | 'update-failed',
  target: string,
  outcomes: readonly MirrorOutcome[],
): Alert[] {
  return outcomes.flatMap((outcome) =>
    outcome.ok ? [] : [{ alert, volume: outcome.pair.source.volume, target, message: outcome.error.message }],
  );
}
