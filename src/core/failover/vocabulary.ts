/** Core (layer 1): the words of failover, as closed sets. */

/** The two ends of a pair, by its configuration: they keep these names whichever of them is written to. */
export const SIDES = ['source', 'target'] as const;
/** One of `SIDES`. */
export type Side = (typeof SIDES)[number];

/** The one side whose data count, or `undecided`: then somebody has to choose. Never both. */
export const AUTHORITIES = ['source', 'target', 'undecided'] as const;
/** One of `AUTHORITIES`. */
export type Authority = (typeof AUTHORITIES)[number];

/**
 * Where a volume stands between normal operation, failover and failback.
 * - `unprotected` there is no usable copy at the target; `initializing` a baseline is on its way: no protection yet
 * - `protected` the target follows the source
 * - `failed-over` the target is written to, the source is not a copy of it
 * - `reversing` a mirror from the target back to the source exists, and has not come to hold the target's data yet
 * - `reversed` the source follows the target
 * - `switched` the source is written to again, the target does not follow it yet
 * - `contested` both could be written to, and nothing tells which one counts
 * - `unknown` a side that would tell does not answer
 */
export const PHASES = [
  'unprotected',
  'initializing',
  'protected',
  'failed-over',
  'reversing',
  'reversed',
  'switched',
  'contested',
  'unknown',
] as const;
/** One of `PHASES`. */
export type Phase = (typeof PHASES)[number];

/**
 * What may be done to a side that lost its authority and could still be written to: `none` it is reported, `unmount` its
 * junction is removed (LUNs stay reachable), `offline` it is unmounted and taken offline.
 */
export const FENCES = ['none', 'unmount', 'offline'] as const;
/** One of `FENCES`. */
export type Fence = (typeof FENCES)[number];

/** The steps that plans are made of. */
export const STEPS = [
  'stop-writers',
  'last-update',
  'claim',
  'fence-source',
  'break',
  'mount-target',
  'create-reverse',
  'resync-reverse',
  'catch-up',
  'fence-target',
  'final-update',
  'switch',
  'mount-source',
  'start-writers',
  'reprotect',
  'drop-reverse',
  'clone',
  'mount-clone',
  'verify',
  'delete-clone',
] as const;
/** One of `STEPS`. */
export type Step = (typeof STEPS)[number];
