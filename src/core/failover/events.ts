/** Core (layer 1): what failover, failback, drill and housekeeping tell while they work. */
import type { DebtKind, OutcomeKind } from './outcome.ts';
import type { Acknowledgement } from './plan.ts';
import type { Authority, Phase, Side, Step } from './vocabulary.ts';

interface EventBase {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly operation?: string | undefined;
}

/** Something that deserves attention; housekeeping raises one when it begins and when it is over, not at each look. */
export const ALERT_KINDS = [
  'lag-too-long',
  'unhealthy',
  'unprotected',
  'paused',
  'contested',
  'loser-unfenced',
  'backend-silent',
  'ensure-failed',
  'update-failed',
  'round-failed',
] as const;
/** One of `ALERT_KINDS`. */
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Everything that can be told, by `kind`. */
export type FailoverEvent = EventBase &
  (
    | { readonly kind: 'operation-started'; readonly plan: 'failover' | 'failback' | 'drill'; readonly volumes: number }
    | { readonly kind: 'operation-ended'; readonly result: string }
    | {
        readonly kind: 'step-started' | 'step-done';
        readonly volume: string;
        readonly step: Step;
        readonly authority: Authority;
      }
    | {
        readonly kind: 'step-failed';
        readonly volume: string;
        readonly step: Step;
        readonly code: string;
        readonly message: string;
      }
    | {
        readonly kind: 'transferring';
        readonly volume: string;
        readonly transferredBytes?: number | undefined;
        readonly totalBytes?: number | undefined;
      }
    | { readonly kind: 'acknowledgement-needed'; readonly acknowledgement: Acknowledgement }
    | {
        readonly kind: 'volume-ended';
        readonly volume: string;
        readonly outcome: OutcomeKind;
        readonly phase: Phase;
        readonly authority: Authority;
      }
    | { readonly kind: 'debt'; readonly debt: DebtKind; readonly volume: string; readonly reason: string }
    | { readonly kind: 'fenced'; readonly volume: string; readonly side: Side; readonly how: string }
    | {
        readonly kind: 'loser-unfenced';
        readonly volume: string;
        readonly side: Side;
        readonly choices: readonly string[];
      }
    | {
        readonly kind: 'alert-raised' | 'alert-cleared';
        readonly alert: AlertKind;
        readonly source: string;
        readonly target?: string | undefined;
        readonly volume?: string | undefined;
        readonly message: string;
      }
    | { readonly kind: 'round-ended'; readonly round: number; readonly tookMs: number }
  );
