/** Core (layer 1): what a relationship's state means for the data, in a word an operator can act on. */
import { activityOf } from './table.ts';
import type { MirrorState, TransferState } from './vocabulary.ts';

/**
 * - `protected` the destination holds a usable copy and ONTAP keeps it up
 * - `initializing` the baseline is on its way: there is no usable copy yet
 * - `unprotected` there is no copy and none on its way
 * - `paused` a usable copy that grows older, because somebody quiesced the mirror
 * - `broken-off` the destination stands by itself; nothing is replicated
 * - `unhealthy` ONTAP reports a fault; the copy may be older than it should be
 */
export const PROTECTIONS = ['protected', 'initializing', 'unprotected', 'paused', 'broken-off', 'unhealthy'] as const;
/** One word of `PROTECTIONS`. */
export type Protection = (typeof PROTECTIONS)[number];

export interface ProtectionFacts {
  readonly state: MirrorState;
  readonly transfer?: { readonly state: TransferState } | undefined;
  readonly healthy?: boolean | undefined;
}

/** What a relationship's state, running transfer and health mean for the data. Pure. */
export function protectionOf(facts: ProtectionFacts): Protection {
  const active = activityOf(facts.transfer?.state ?? 'none') === 'active';
  switch (facts.state) {
    case 'absent':
      return 'unprotected';
    case 'uninitialized':
      return active ? 'initializing' : 'unprotected';
    case 'broken_off':
      return 'broken-off';
    case 'paused':
      return facts.healthy === false ? 'unhealthy' : 'paused';
    case 'out_of_sync':
    case 'synchronizing':
      return 'unhealthy';
    case 'snapmirrored':
    case 'in_sync':
    case 'expanding':
    case 'shrinking':
      return facts.healthy === false ? 'unhealthy' : 'protected';
    default:
      return facts.state satisfies never;
  }
}
