/** Core (layer 1): from facts to an ordered list of strategies, each with why or why not. */
import type { TransferFacts, TransferIntent, TransferObject, TransferPlace } from './facts.ts';
import type { Preparation, Requirement } from './requirements.ts';
import { REQUIREMENTS } from './requirements.ts';
import type { Strategy, TransferLink, TransferStrategy } from './strategies.ts';
import { STRATEGIES, TRANSFER_STRATEGIES } from './strategies.ts';

/** File and LUN copies and moves that one cluster runs at once; a 51st is refused with 7018877. */
export const COPIES_AT_ONCE = 50;

/** One strategy as the facts judge it. Sizes in bytes. */
export interface StrategyVerdict {
  readonly strategy: TransferStrategy;
  readonly possible: boolean;
  readonly summary: string;
  /** What it gives, or every reason against it. */
  readonly reasons: readonly string[];
  /** To be arranged first; empty when it can start as things are. */
  readonly preparations: readonly Preparation[];
  readonly instant: boolean;
  readonly link: TransferLink;
  /** Estimate of what goes over the link; over a host, once in and once out. */
  readonly bytesMoved: number;
  readonly calls: readonly string[];
  readonly leavesBehind: string;
  /** The cluster runs as many copies as it may: it waits for its turn. */
  readonly queued: boolean;
  /** The source is deleted once the destination is proven whole. */
  readonly deletesSource: boolean;
}

/** A plan is data: print it, keep it, give it to `transfer`. */
export interface TransferPlan {
  readonly object: TransferObject;
  readonly intent: TransferIntent;
  readonly source: TransferPlace;
  readonly destination: TransferPlace;
  readonly sizeBytes: number;
  /** The best possible one; absent when there is none. */
  readonly chosen?: TransferStrategy | undefined;
  /** Nothing to do: both ends are one and the same. */
  readonly alreadyThere: boolean;
  /** The possible ones in the order in which they are tried, then the others. */
  readonly strategies: readonly StrategyVerdict[];
}

/**
 * Plans a transfer. Pure: the same facts give the same plan. Strategies that could start at once come before ones that need something
 * arranged at the same link, and what moves no data comes before what does.
 */
export function planTransfer(facts: TransferFacts): TransferPlan {
  const { object, intent, source, destination, sizeBytes } = facts;
  const alreadyThere = isSamePlace(source, destination);
  const verdicts = TRANSFER_STRATEGIES.map((name) => judge(name, facts)).filter((verdict) => verdict !== undefined);
  const possible = alreadyThere ? [] : verdicts.filter((verdict) => verdict.possible).toSorted(byCost);
  const others = verdicts.filter((verdict) => !verdict.possible);
  return {
    object,
    intent,
    source,
    destination,
    sizeBytes,
    chosen: possible[0]?.strategy,
    alreadyThere,
    strategies: [...possible, ...(alreadyThere ? [] : others)],
  };
}

/** @returns undefined when the strategy is not for such objects or not for such an intent */
function judge(name: TransferStrategy, facts: TransferFacts): StrategyVerdict | undefined {
  const strategy = STRATEGIES[name];
  if (!strategy.objects.includes(facts.object) || !strategy.intents.includes(facts.intent)) return;
  const verdicts = strategy.requires.map((requirement) => {
    const row: Requirement = REQUIREMENTS[requirement];
    return row.judge(facts);
  });
  const against = verdicts.flatMap((verdict) => ('why' in verdict ? [verdict.why] : []));
  const preparations = verdicts.flatMap((verdict) => ('preparation' in verdict ? [verdict.preparation] : []));
  if (facts.destinationExists && name !== 'volume-move') against.push('something of that name is there already');
  const deletesSource = facts.intent === 'move' && !strategy.takesSource;
  if (deletesSource && facts.mirrored)
    against.push('deleting the source would end the SnapMirror relationship it is in');
  return {
    strategy: name,
    possible: against.length === 0,
    summary: strategy.summary,
    reasons: against.length > 0 ? [...new Set(against)] : reasonsFor(strategy),
    preparations,
    instant: strategy.instant,
    link: strategy.link,
    bytesMoved: bytesOver(strategy.link, facts),
    calls: strategy.calls(facts),
    leavesBehind: strategy.leavesBehind,
    queued: strategy.counted && runningCopies(facts) >= COPIES_AT_ONCE,
    deletesSource,
  };
}

function reasonsFor({ link, instant }: Strategy): readonly string[] {
  const how: Readonly<Record<TransferLink, string>> = {
    none: 'moves no data',
    cluster: 'the cluster moves the data itself',
    'between-clusters': 'the clusters move the data between them, compressed and only what is used',
    host: 'works wherever this host reads and writes',
  };
  return instant ? [how[link], 'usable at once'] : [how[link]];
}

const LINK_COST: Readonly<Record<TransferLink, number>> = { none: 0, cluster: 1, 'between-clusters': 2, host: 3 };

/** Sorting is stable: within one cost the order of preference of the rows stays. */
function byCost(one: StrategyVerdict, other: StrategyVerdict): number {
  return (
    LINK_COST[one.link] - LINK_COST[other.link] ||
    Math.sign(one.preparations.length) - Math.sign(other.preparations.length)
  );
}

/** ONTAP moves what is used; a host moves every byte, in and out. */
function bytesOver(link: TransferLink, { sizeBytes, usedBytes }: TransferFacts): number {
  if (link === 'none') return 0;
  return link === 'host' ? 2 * sizeBytes : (usedBytes ?? sizeBytes);
}

function runningCopies({ source, destination }: TransferFacts): number {
  const places = [source, destination].flatMap((place) => (place.kind === 'ontap' ? [place.runningCopies] : []));
  return Math.max(0, ...places);
}

function isSamePlace(source: TransferPlace, destination: TransferPlace): boolean {
  if (source.kind === 'host' || destination.kind === 'host') {
    return source.kind === destination.kind && source.path === destination.path;
  }
  return (
    source.cluster === destination.cluster &&
    source.svm === destination.svm &&
    source.volume === destination.volume &&
    source.path === destination.path &&
    (source.path !== undefined || source.aggregates.toSorted().join() === destination.aggregates.toSorted().join())
  );
}
