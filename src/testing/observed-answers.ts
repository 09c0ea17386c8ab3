/**
 * What a simulated cluster was asked and what it answered, for whoever listens: `node:diagnostics_channel`, so that the
 * one who listens needs no hold of the cluster, and an answer that nobody listens to costs nothing.
 */
import { channel } from 'node:diagnostics_channel';
import type { FaultKind } from './faults.ts';
import type { SimRequest, SimResponse } from './http/message.ts';

/** Name of the channel that every simulated cluster of the process publishes its answers on, as `ObservedAnswer`s. */
export const ANSWERS_CHANNEL = 'ontap-data-motion:simulated-answer';

/** One request and its answer, as they crossed the wire. Published before the answer is sent. */
export interface ObservedAnswer {
  /** Name of the cluster. */
  readonly cluster: string;
  readonly request: SimRequest;
  readonly response: SimResponse;
  /** The scripted fault that made the answer other than ONTAP's API promises; absent for all others. */
  readonly distortedBy?: FaultKind | undefined;
}

const answers = channel(ANSWERS_CHANNEL);

export function publishAnswer(answer: ObservedAnswer): void {
  if (answers.hasSubscribers) answers.publish(answer);
}
