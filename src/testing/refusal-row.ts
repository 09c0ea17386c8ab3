/** The form of the rows of `REFUSALS`. */
import type { SwitchName } from './switches.ts';

/** One refusal: ONTAP's code and message, where it shows, and the fact it stands for. */
export interface RefusalRow {
  /** ONTAP's code; `{name}` stands for an argument. */
  readonly code: string;
  /**
   * `argument` and `execution`: the status of codes 133xxxxx and 66xxxxx is not documented, see the switches
   * relationshipArgumentStatus and relationshipExecutionStatus.
   */
  readonly status: number | 'argument' | 'execution' | 'unknown-path';
  /** `direct`: the answer to the request. `job`: 202 first, then the job fails. The others: by the switch of that name. */
  readonly where: 'direct' | 'job' | 'duplicateVolume' | 'flexGroupGeometry';
  readonly message: string;
  /** `error.target`; `{name}` stands for an argument. */
  readonly target?: string;
  readonly retryAfterSeconds?: number;
  /** Section of the project's ONTAP fact sheet, or the source if it is elsewhere. */
  readonly fact: string;
  /** What of this row is our inference, if anything. */
  readonly inferred?: string;
  /** The switch that decides it. */
  readonly switch?: SwitchName;
}
