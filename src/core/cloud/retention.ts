/** Core: which snapshots the rules of an endpoint keep, and why. Nothing is changed by it. */
import type { ObjectId } from './block-numbers.ts';
import type { RetentionRule, SnapshotFacts } from './format/history-entry.ts';
import type { EndpointState } from './history.ts';

/**
 * Why a snapshot stays or goes.
 * - `within-count` one of the newest of its label that the rule keeps
 * - `no-rule` it has no label, or one without a rule
 * - `base` the newest snapshot, on which the next transfer builds
 * - `held` somebody holds it
 * - `locked` it is locked until a date that has not come
 * - `beyond-count` more of its label are newer than the rule keeps: it goes
 */
export const RETENTION_REASONS = ['within-count', 'no-rule', 'base', 'held', 'locked', 'beyond-count'] as const;
/** One of `RETENTION_REASONS`. */
export type RetentionReason = (typeof RETENTION_REASONS)[number];

/** What the rules say of one snapshot. */
export interface RetentionDecision {
  readonly id: ObjectId;
  readonly name: string;
  readonly label: string | undefined;
  /** Epoch milliseconds, as the source says. */
  readonly createdAt: number;
  readonly keep: boolean;
  readonly reason: RetentionReason;
}

/**
 * What the rules say of each snapshot, oldest first. A snapshot that stays for another reason takes a place of its label all
 * the same.
 * @param at epoch milliseconds: locks that have ended do not count
 */
export function planRetention(state: EndpointState, rules: readonly RetentionRule[], at: number): RetentionDecision[] {
  const left = new Map(rules.map(({ label, count }) => [label, count]));
  const decide = (snapshot: SnapshotFacts): RetentionReason => {
    const places = snapshot.label === undefined ? undefined : left.get(snapshot.label);
    if (snapshot.label === undefined || places === undefined) return 'no-rule';
    left.set(snapshot.label, Math.max(0, places - 1));
    if (places > 0) return 'within-count';
    if (snapshot.held) return 'held';
    if ((snapshot.lockedUntil ?? 0) > at) return 'locked';
    return snapshot.id === state.base?.id ? 'base' : 'beyond-count';
  };
  // From the newest on: the newest of a label take its places.
  const decisions = state.snapshots.toReversed().map((snapshot): RetentionDecision => {
    const { id, name, label, createdAt } = snapshot;
    const reason = decide(snapshot);
    return { id, name, label, createdAt, keep: reason !== 'beyond-count', reason };
  });
  return decisions.reverse();
}
