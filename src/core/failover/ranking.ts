/**
 * Core (layer 1): which target a backend fails over to. What was begun is gone on with; then coverage decides, then health, then the
 * worst lag, then the order of the configuration. (Cinder: _choose_failover_target, which looks at lag alone, and dies where there is
 * none: defects 15 and 16)
 */
import { authorityAtTarget, hasUsableCopy } from './copies.ts';
import { copyAgeSeconds, type PairFacts } from './facts.ts';
import type { TargetVerdict } from './plan.ts';

/** A target with what was seen of every volume of the scope there. */
export interface Candidate {
  readonly target: string;
  readonly answers: boolean;
  /** Why it does not, in a sentence. */
  readonly silence?: string | undefined;
  /** One per volume of the scope. */
  readonly pairs: readonly PairFacts[];
}

/** The targets, each with its reason. */
export interface Ranking {
  /** Absent: no target has a usable copy of anything. */
  readonly chosen?: TargetVerdict | undefined;
  readonly rejected: readonly TargetVerdict[];
}

/**
 * @param candidates in the order of the configuration
 * @param wanted the caller's choice: the others are rejected for that
 */
export function rankTargets(candidates: readonly Candidate[], wanted?: string): Ranking {
  const figures = candidates.map((candidate) => figuresOf(candidate));
  const usable = figures.filter(({ answers, covered }) => answers && covered > 0);
  const order = usable.toSorted(compare);
  const best = wanted === undefined ? order[0] : usable.find(({ target }) => target === wanted);
  const verdicts = figures.map((figure) => ({ ...verdictOf(figure), why: reason(figure, best, wanted) }));
  return {
    chosen: verdicts.find(({ target }) => target === best?.target),
    rejected: verdicts.filter(({ target }) => target !== best?.target),
  };
}

interface Figures extends Omit<TargetVerdict, 'why'> {
  /** Volumes that were failed over there already. */
  readonly begun: number;
  /** As `worstLagSeconds`, but infinite where a copy's age is unknown. */
  readonly lag: number;
  readonly silence?: string | undefined;
}

function figuresOf({ target, answers, silence, pairs }: Candidate): Figures {
  const copies = pairs.filter((pair) => hasUsableCopy(pair));
  const ages = copies.filter((pair) => !authorityAtTarget(pair)).map(({ forward }) => copyAgeSeconds(forward));
  const known = ages.filter((age) => age !== undefined);
  const worst = known.length === 0 ? undefined : Math.max(...known);
  return {
    target,
    answers,
    silence,
    covered: copies.length,
    of: pairs.length,
    unhealthy: copies.filter(({ forward }) => forward?.healthy === false).length,
    worstLagSeconds: worst,
    begun: copies.filter((pair) => authorityAtTarget(pair)).length,
    lag: known.length < ages.length ? Number.POSITIVE_INFINITY : (worst ?? 0),
  };
}

function compare(one: Figures, other: Figures): number {
  return (
    other.begun - one.begun ||
    other.covered - one.covered ||
    one.unhealthy - other.unhealthy ||
    (one.lag === other.lag ? 0 : one.lag - other.lag)
  );
}

function verdictOf({ target, answers, covered, of, unhealthy, worstLagSeconds }: Figures): Omit<TargetVerdict, 'why'> {
  return { target, answers, covered, of, unhealthy, ...(worstLagSeconds === undefined ? {} : { worstLagSeconds }) };
}

function reason(figure: Figures, best: Figures | undefined, wanted: string | undefined): string {
  const { target, answers, silence, covered, of, unhealthy, begun, lag } = figure;
  if (!answers) return `does not answer${silence === undefined ? '' : `: ${silence}`}`;
  if (covered === 0) return `has no usable copy of any of the ${of} volumes`;
  if (target === best?.target) {
    if (wanted !== undefined) return `asked for: ${covered} of ${of} volumes, ${ageText(lag)}`;
    if (begun > 0) return `${begun} of ${of} volumes were failed over there already`;
    return `covers ${covered} of ${of} volumes, ${unhealthy} unhealthy, ${ageText(lag)}`;
  }
  if (wanted !== undefined) return `the caller asked for ${wanted}`;
  if (best === undefined) return 'is not usable';
  if (begun < best.begun) return `${best.begun} volumes were failed over to ${best.target} already`;
  if (covered < best.covered) return `covers ${covered} of ${of} volumes, ${best.target} covers ${best.covered}`;
  if (unhealthy > best.unhealthy) return `${unhealthy} mirrors are unhealthy, at ${best.target} ${best.unhealthy}`;
  if (lag > best.lag) return `${ageText(lag)}, at ${best.target} ${ageText(best.lag)}`;
  return `is as good as ${best.target}, which comes first in the configuration`;
}

function ageText(lag: number): string {
  return Number.isFinite(lag) ? `the oldest copy is ${Math.round(lag)} s old` : 'the age of a copy is unknown';
}
