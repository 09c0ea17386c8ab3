/** Core (layer 1): ONTAP's words for relationships, as closed sets. Relationship state and transfer state are two fields. */

/** `absent` is ours: no relationship exists. The rest are the `state` values of ONTAP's REST API. */
export const MIRROR_STATES = [
  'absent',
  'uninitialized',
  'snapmirrored',
  'paused',
  'broken_off',
  'in_sync',
  'out_of_sync',
  'synchronizing',
  'expanding',
  'shrinking',
] as const;
/** One state of `MIRROR_STATES`. */
export type MirrorState = (typeof MIRROR_STATES)[number];

/** `none` is ours: no transfer was ever made. The rest are the `transfer.state` values of ONTAP's REST API. */
export const TRANSFER_STATES = [
  'none',
  'queued',
  'transferring',
  'success',
  'failed',
  'aborted',
  'hard_aborted',
] as const;
/** One state of `TRANSFER_STATES`. */
export type TransferState = (typeof TRANSFER_STATES)[number];

/** What a transfer is for: the `transfer.type` values of ONTAP's REST API. */
export const TRANSFER_TYPES = ['initialize', 'update', 'resync', 'restore'] as const;
/** One type of `TRANSFER_TYPES`. */
export type TransferType = (typeof TRANSFER_TYPES)[number];

/** `async` ends in `snapmirrored`, `sync` in `in_sync`; `automated_failover` is sync that allows no pause and no break. */
export const POLICY_KINDS = ['async', 'sync', 'automated_failover', 'continuous'] as const;
/** One kind of `POLICY_KINDS`. */
export type PolicyKind = (typeof POLICY_KINDS)[number];

/** Our verbs. */
export const MIRROR_EVENTS = [
  'create',
  'initialize',
  'update',
  'quiesce',
  'resume',
  'abort',
  'break',
  'resync',
  'delete',
  'release',
] as const;
/** One event of `MIRROR_EVENTS`. */
export type MirrorEvent = (typeof MIRROR_EVENTS)[number];
