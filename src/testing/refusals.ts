/**
 * Everything that the simulated ONTAP refuses, one row a refusal: the code, the HTTP status, the words, and where in the
 * life of a request it comes. The simulator refuses in no other way than through this table.
 */
import type { Switches, SwitchName } from './switches.ts';

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

const row = (r: RefusalRow): RefusalRow => r;
const transition = (to: string) => `Transition to ${to} state failed. Reason:{reason}`;

/** Everything that the simulated ONTAP refuses, each with its code, status and source. */
export const REFUSALS = {
  // ---- who asks
  unauthenticated: row({
    code: '6',
    status: 401,
    where: 'direct',
    message: 'User is not authorized.',
    fact: 'rest-facts section 1, Auth',
    inferred: 'the words',
  }),
  notAuthorized: row({
    code: '6',
    status: 403,
    where: 'direct',
    message: 'not authorized for that command',
    fact: 'addendum section 1 (A#139)',
  }),
  clusterOnly: row({
    code: '6',
    status: 403,
    where: 'direct',
    message: 'not authorized for that command',
    fact: 'rest-facts section 1, SVM tunnelling',
    inferred: 'status and code for cluster-only paths asked in the scope of an SVM',
    switch: 'aggregatesInSvmScope',
  }),
  svmUserMayNotTunnel: row({
    code: '6',
    status: 403,
    where: 'direct',
    message: 'not authorized for that command',
    fact: 'rest-facts section 1, SVM tunnelling',
    inferred: 'the code',
  }),
  tunnelSvmUnknown: row({
    code: '2621462',
    status: 400,
    where: 'direct',
    message: 'SVM "{svm}" does not exist.',
    fact: 'rest-facts section 1, SVM tunnelling',
    inferred: 'code, status and words',
  }),
  destinationsNeedNoTunnel: row({
    code: '262197',
    status: 400,
    where: 'direct',
    message: 'The value "true" is invalid for field "list_destinations_only" (tunnelled request)',
    target: 'list_destinations_only',
    fact: 'rest-facts section 1: since 9.12.1 only without tunnelling',
    inferred: 'code and words',
  }),
  bodySvmIsNotTunnelSvm: row({
    code: '262245',
    status: 400,
    where: 'direct',
    message: 'The value "{value}" of field "svm.name" does not match the SVM of the request.',
    target: 'svm.name',
    fact: 'addendum section 1: body against tunnelling SVM is 400',
    inferred: 'which code of the 400 family',
  }),
  tooManyRequests: row({
    code: '262160',
    status: 429,
    where: 'direct',
    message: 'There are too many requests already being processed. Retry after a short wait.',
    retryAfterSeconds: 1,
    fact: 'addendum section 1: 429, Retry-After',
    inferred: 'the words',
  }),

  // ---- what is asked
  unknownPath: row({
    code: '3',
    status: 'unknown-path',
    where: 'direct',
    message: 'API not found',
    fact: 'rest-facts section 1; addendum C1',
    switch: 'unknownPathStatus',
  }),
  methodUnsupported: row({
    code: '3',
    status: 405,
    where: 'direct',
    message: 'Operation not supported',
    fact: 'addendum C1',
    inferred: 'the words',
  }),
  notSimulated: row({
    code: '3',
    status: 405,
    where: 'direct',
    message: 'The simulated ONTAP does not offer this: {what}',
    fact: 'none: a limit of the simulator, not a rule of ONTAP',
  }),
  entryMissing: row({
    code: '4',
    status: 404,
    where: 'direct',
    message: "entry doesn't exist",
    target: '{target}',
    fact: 'rest-facts section 1; addendum section 5',
  }),
  entryMissingInJob: row({
    code: '4',
    status: 404,
    where: 'job',
    message: "entry doesn't exist",
    target: '{target}',
    fact: 'addendum section 5, missing in job',
  }),
  duplicateEntry: row({
    code: '1',
    status: 409,
    where: 'direct',
    message: 'duplicate entry',
    fact: 'rest-facts section 1',
  }),
  unexpectedArgument: row({
    code: '262179',
    status: 400,
    where: 'direct',
    message: 'Unexpected argument "{name}".',
    target: '{name}',
    fact: 'addendum section 7',
  }),
  repeatedArgument: row({
    code: '262188',
    status: 400,
    where: 'direct',
    message: 'Field "{name}" was specified twice.',
    target: '{name}',
    fact: 'addendum section 1',
    inferred: 'the words',
  }),
  fieldCannotBeSet: row({
    code: '262196',
    status: 400,
    where: 'direct',
    message: 'Field "{name}" cannot be set in this operation',
    target: '{name}',
    fact: 'rest-facts section 1; addendum section 1',
  }),
  fieldNotPatchable: row({
    code: '262203',
    status: 400,
    where: 'direct',
    message: 'Field "{name}" cannot be modified',
    target: '{name}',
    fact: 'addendum section 1',
    inferred: 'the words',
  }),
  invalidValue: row({
    code: '262197',
    status: 400,
    where: 'direct',
    message: 'The value "{value}" is invalid for field "{name}" ({expected})',
    target: '{name}',
    fact: 'addendum section 7',
  }),
  bodyNotAllowed: row({
    code: '262198',
    status: 400,
    where: 'direct',
    message: 'Body on a {method} request is not supported.',
    fact: 'addendum section 1',
    inferred: 'the words',
  }),
  invalidJson: row({
    code: '262199',
    status: 400,
    where: 'direct',
    message: 'Invalid JSON input: {problem}',
    fact: 'addendum section 1',
    inferred: 'which of 262199 to 262201, and the words',
  }),
  bodyIsNoObject: row({
    code: '262200',
    status: 400,
    where: 'direct',
    message: 'Invalid JSON input, an object is expected.',
    fact: 'addendum section 1',
    inferred: 'which of 262199 to 262201, and the words',
  }),
  queryOnPost: row({
    code: '262211',
    status: 400,
    where: 'direct',
    message: 'A query on field "{name}" is not supported on POST.',
    target: '{name}',
    fact: 'addendum section 1',
    inferred: 'the words',
  }),
  requiredMissing: row({
    code: '262212',
    status: 400,
    where: 'direct',
    message: 'Field "{name}" is required.',
    target: '{name}',
    fact: 'addendum section 1',
    inferred: 'the words',
  }),
  collectionChangeNeedsQuery: row({
    code: '262190',
    status: 400,
    where: 'direct',
    message: 'At least one field is required in the query.',
    fact: 'addendum section 5',
    inferred: 'the code and the words',
  }),
  bracesUnbalanced: row({
    code: '262286',
    status: 400,
    where: 'direct',
    message: 'The braces of the "fields" argument are not balanced.',
    target: 'fields',
    fact: 'addendum section 1',
    inferred: 'the words',
  }),
  notSortable: row({
    code: '262268',
    status: 400,
    where: 'direct',
    message: 'Sorting by "{name}" is not supported.',
    target: 'order_by',
    fact: 'addendum section 7',
    inferred: 'the words',
  }),

  // ---- POST /snapmirror/relationships
  pathWithoutColon: row({
    code: '13303852',
    status: 'argument',
    where: 'direct',
    message: 'Path "{path}" has no ":" between SVM and object.',
    target: '{name}',
    fact: 'rest-facts section 2.2, create',
    inferred: 'the words',
  }),
  relationshipExists: row({
    code: '6619637',
    status: 409,
    where: 'direct',
    message: 'Relationship with destination {path} already exists.',
    fact: 'addendum section 4',
    inferred: 'the status',
  }),
  sameVolume: row({
    code: '6619441',
    status: 'argument',
    where: 'direct',
    message: 'Source and destination are the same volume.',
    fact: 'rest-facts section 5',
    inferred: 'the words',
  }),
  destinationNotDp: row({
    code: '6619546',
    status: 'argument',
    where: 'direct',
    message: 'Destination volume {path} is not of type "dp".',
    fact: 'rest-facts section 2.2, create; addendum section 4',
    inferred: 'the words',
    switch: 'createOntoReadWrite',
  }),
  volumeMissing: row({
    code: '4',
    status: 404,
    where: 'direct',
    message: "entry doesn't exist",
    target: '{name}',
    fact: 'rest-facts section 1, common codes',
    inferred: 'which code a missing volume of a new relationship has',
  }),
  stylesDiffer: row({
    code: '2',
    status: 400,
    where: 'direct',
    message:
      'The source is a {source} and the destination a {destination}: SnapMirror relates volumes of the same style.',
    target: 'destination.path',
    fact: 'snapmirror create: the ends of a FlexGroup relationship are FlexGroups; rest-facts section 1, code 2',
    inferred: 'the code and the words',
  }),
  geometryDiffers: row({
    code: '2',
    status: 400,
    where: 'flexGroupGeometry',
    message:
      'The source FlexGroup volume has {source} constituents and the destination FlexGroup volume {destination}: the numbers must be the same.',
    target: 'destination.path',
    fact: 'rest-facts section 1, code 2; section 3, create_snapmirror (the geometries must agree)',
    inferred: 'the code and the words',
    switch: 'flexGroupGeometry',
  }),
  svmsNotPeered: row({
    code: '13303886',
    status: 'argument',
    where: 'direct',
    message: 'SVM peer permission not found.',
    fact: 'addendum section 4 (also when peered without the application snapmirror)',
  }),
  policyUnknown: row({
    code: '13303819',
    status: 'argument',
    where: 'direct',
    message: 'SnapMirror policy "{policy}" was not found.',
    target: 'policy.name',
    fact: 'rest-facts section 2.2, create',
    inferred: 'the words',
  }),
  policyUuidUnknown: row({
    code: '13303821',
    status: 'argument',
    where: 'direct',
    message: 'SnapMirror policy with uuid "{policy}" was not found.',
    target: 'policy.uuid',
    fact: 'rest-facts section 2.2, create',
    inferred: 'the words',
  }),
  policyUnsuitable: row({
    code: '13303866',
    status: 'argument',
    where: 'direct',
    message: 'Associating the specified SnapMirror policy with this SnapMirror relationship is not supported.',
    target: 'policy',
    fact: 'addendum C17',
    inferred: 'the end of the sentence',
  }),
  policyChangeUnsuitable: row({
    code: '13303866',
    status: 'argument',
    where: 'direct',
    message: 'Cannot use the specified policy to modify the policy of this SnapMirror relationship.',
    target: 'policy',
    fact: 'addendum C17',
    inferred: 'the end of the sentence',
  }),
  scheduleUnknown: row({
    code: '6619699',
    status: 'argument',
    where: 'direct',
    message: 'Schedule "{schedule}" was not found.',
    target: 'transfer_schedule',
    fact: 'rest-facts section 5',
    inferred: 'the words',
  }),
  scheduleUnknownOnModify: row({
    code: '13304108',
    status: 'argument',
    where: 'direct',
    message: 'Schedule "{schedule}" was not found.',
    target: 'transfer_schedule',
    fact: 'rest-facts section 5',
    inferred: 'that this of the two codes belongs to PATCH',
  }),
  scheduleNullOnCreate: row({
    code: '262197',
    status: 400,
    where: 'direct',
    message: 'The value "null" is invalid for field "transfer_schedule" (<schedule>)',
    target: 'transfer_schedule',
    fact: 'addendum C14',
    inferred: 'the code',
  }),
  stateNeedsCreateDestination: row({
    code: '13303873',
    status: 'argument',
    where: 'direct',
    message: 'The property "state" is only allowed together with "create_destination".',
    target: 'state',
    fact: 'rest-facts section 2.2, create',
    inferred: 'which of 13303873 and 13303874, and the words',
  }),
  stateNotAllowedOnCreate: row({
    code: '13303874',
    status: 'argument',
    where: 'direct',
    message: 'The state "{state}" is not allowed when a relationship is created with this policy.',
    target: 'state',
    fact: 'rest-facts section 2.2, create',
    inferred: 'which of 13303873 and 13303874, and the words',
  }),
  notWithCreateDestination: row({
    code: '262196',
    status: 400,
    where: 'direct',
    message: 'Field "{name}" cannot be set in this operation',
    target: '{name}',
    fact: 'addendum C14',
    inferred: 'the code',
  }),
  destinationNotProvisioned: row({
    code: '13303868',
    status: 'argument',
    where: 'job',
    message: 'Provisioning of the destination volume failed. Reason:{reason}',
    fact: 'rest-facts section 2.2, create+provision; addendum section 1: shows inside the job',
    inferred: 'the words',
  }),
  destinationHasNoSpace: row({
    code: '13303875',
    status: 'argument',
    where: 'job',
    message: 'Not enough space to create the destination volume.',
    fact: 'rest-facts section 2.2, create+provision',
    inferred: 'the words',
  }),
  peerUnreachable: row({
    code: '262224',
    status: 'execution',
    where: 'direct',
    message:
      'Failed to contact peer cluster with name {cluster}. RPC: Remote system error [from mgwd on node "{node}"]',
    fact: 'addendum C6 (A#348)',
    switch: 'breakContactsSource',
  }),

  // ---- PATCH /snapmirror/relationships/{uuid}
  modificationInProgress: row({
    code: '6619715',
    status: 'argument',
    where: 'direct',
    message: 'Modification of relationship {path} is in progress. Try again later.',
    fact: 'rest-facts section 5',
    inferred: 'the words',
  }),
  deleteWhileTransferring: row({
    code: '6619715',
    status: 'argument',
    where: 'job',
    message: 'Modification of relationship {path} is in progress. Try again later.',
    fact: 'rest-facts section 2.2: delete only when not transferring',
    inferred: 'the code, and that it shows in the job',
  }),
  stateBeingPropagated: row({
    code: '6619720',
    status: 'argument',
    where: 'direct',
    message: 'The state of the relationship is being changed. Try again later.',
    fact: 'rest-facts section 5: transfers meet it, a later try succeeds',
    inferred: 'that a pending change of state causes it, and the words',
  }),
  stateUnknown: row({
    code: '13303817',
    status: 'argument',
    where: 'direct',
    message: 'Unknown value for the SnapMirror state.',
    target: 'state',
    fact: 'rest-facts section 2.2, generic PATCH errors',
    inferred: 'the words',
  }),
  stateTransient: row({
    code: '13303830',
    status: 'argument',
    where: 'direct',
    message: 'The state "{state}" is transient and cannot be asked for.',
    target: 'state',
    fact: 'rest-facts section 2.2, generic PATCH errors',
    inferred: 'the words',
  }),
  stateInvalid: row({
    code: '13303829',
    status: 'argument',
    where: 'direct',
    message: 'The state "{state}" is invalid for this relationship.',
    target: 'state',
    fact: 'rest-facts section 2.2; addendum section 4 (snapmirrored with a sync policy)',
    inferred: 'that snapmirrored with a sync policy has this code',
  }),
  stateInvalidForAsync: row({
    code: '13303831',
    status: 'argument',
    where: 'direct',
    message: 'The state "{state}" is invalid for an asynchronous relationship.',
    target: 'state',
    fact: 'rest-facts section 2.2, generic PATCH errors',
    inferred: 'the words',
  }),
  flagOnlyWhenMirroring: row({
    code: '13303836',
    status: 'argument',
    where: 'direct',
    message: 'The property "{name}" is only valid with the states "snapmirrored" and "in_sync".',
    target: '{name}',
    fact: 'rest-facts section 2.2, generic PATCH errors',
    inferred: 'the words',
  }),
  flagOnlyWhenBreaking: row({
    code: '13303835',
    status: 'argument',
    where: 'direct',
    message: 'The property "{name}" is only valid with the state "broken_off".',
    target: '{name}',
    fact: 'rest-facts section 2.2, break',
    inferred: 'the words',
  }),
  flagNeedsState: row({
    code: '13303837',
    status: 'argument',
    where: 'direct',
    message: 'The property "{name}" needs the property "state".',
    target: '{name}',
    fact: 'rest-facts section 2.2, generic PATCH errors',
    inferred: 'the words',
  }),
  alreadyInitialized: row({
    code: '13303832',
    status: 'argument',
    where: 'direct',
    message: 'The relationship is already initialized.',
    target: 'state',
    fact: 'rest-facts section 2.2; addendum section 4',
    inferred: 'this code for a relationship in its target state',
  }),
  initializeFailed: row({
    code: '13303812',
    status: 'execution',
    where: 'job',
    message: 'Initialize failed. Reason:{reason}',
    fact: 'rest-facts section 2.2; addendum C16',
    inferred: 'the text before "Reason"',
  }),
  pauseNotInThisState: row({
    code: '13303833',
    status: 'argument',
    where: 'direct',
    message: 'The state "paused" cannot be reached from the state "{state}".',
    target: 'state',
    fact: 'rest-facts section 2.2, quiesce',
    inferred: 'which of 13303818 and 13303833, and the words',
  }),
  pauseWhileInitializing: row({
    code: '13303812',
    status: 'execution',
    where: 'job',
    message: 'Initialize failed. Reason:Another transfer is in progress',
    fact: 'rest-facts section 5: others meet 13303812 when they quiesce during an initialize',
    inferred: 'that it shows in the job',
  }),
  automatedFailoverState: row({
    code: '13303818',
    status: 'argument',
    where: 'direct',
    message: 'The state "{state}" is not supported for a relationship with an automated failover policy.',
    target: 'state',
    fact: 'rest-facts section 2.2: no quiesce and no break with automated_failover',
    inferred: 'the code and the words',
  }),
  pauseFailed: row({
    code: '13303809',
    status: 'execution',
    where: 'job',
    message: transition('paused'),
    fact: 'rest-facts section 2.2, quiesce',
    inferred: 'when a source cannot be reached and the policy is sync',
  }),
  quiesceTimedOut: row({
    code: '13303823',
    status: 'execution',
    where: 'job',
    message: 'Timed out while waiting for the transfer to end.',
    fact: 'rest-facts section 2.2, quiesce; addendum section 4',
    switch: 'pauseJob',
    inferred: 'the words',
  }),
  resumeFailed: row({
    code: '13303811',
    status: 'execution',
    where: 'job',
    message: 'Transition from paused state failed. Reason:{reason}',
    fact: 'rest-facts section 2.2, resume',
    inferred: 'the words after "Reason"',
  }),
  breakFailed: row({
    code: '13303808',
    status: 'execution',
    where: 'job',
    message: transition('broken_off'),
    fact: 'addendum C16 (recorded), section 4',
    inferred: 'reasons other than "Another transfer is in progress"',
    switch: 'breakWhenBroken',
  }),
  breakUninitialized: row({
    code: '{code}',
    status: 'argument',
    where: 'direct',
    message: 'The state "broken_off" cannot be reached from the state "uninitialized".',
    target: 'state',
    fact: 'addendum section 4',
    inferred: 'that it is direct, and the words',
    switch: 'breakUninitializedCode',
  }),
  resyncFailed: row({
    code: '13303810',
    status: 'execution',
    where: 'job',
    message: transition('snapmirrored'),
    fact: 'rest-facts section 2.2, resync; addendum section 4',
    inferred: 'the text of the reasons',
  }),
  throttleOnSync: row({
    code: '13304040',
    status: 'argument',
    where: 'direct',
    message: 'A throttle is not supported with a synchronous policy.',
    target: 'throttle',
    fact: 'rest-facts section 2.2, update',
    inferred: 'the words',
  }),

  // ---- transfers
  initializeTransferFailed: row({
    code: '13303812',
    status: 'execution',
    where: 'direct',
    message: 'Initialize failed. Reason:{reason}',
    fact: 'rest-facts section 2.2; addendum section 4',
    inferred: 'the text before "Reason"',
  }),
  updateFailed: row({
    code: '13303844',
    status: 'execution',
    where: 'direct',
    message: 'Update failed. Reason:{reason}',
    fact: 'rest-facts section 2.2; addendum C16, section 4',
    inferred: 'reasons other than "Another transfer is in progress"',
  }),
  sourceSnapshotMissing: row({
    code: '13303844',
    status: 'execution',
    where: 'direct',
    message: 'Update failed. Reason:Snapshot "{snapshot}" does not exist on the source volume',
    target: 'source_snapshot',
    fact: 'rest-facts section 2.2, update',
    inferred: 'the code and the words',
  }),
  abortOfSync: row({
    code: '13303848',
    status: 'argument',
    where: 'direct',
    message: 'Transfers of a synchronous relationship cannot be aborted.',
    fact: 'rest-facts section 2.2, abort',
    inferred: 'the words',
  }),
  transferStateInvalid: row({
    code: '13303849',
    status: 'argument',
    where: 'direct',
    message: 'The transfer state "{state}" is invalid.',
    target: 'state',
    fact: 'rest-facts section 2.2, abort',
    inferred: 'the words',
  }),

  // ---- DELETE /snapmirror/relationships/{uuid}
  deleteFlagsConflict: row({
    code: '2',
    status: 400,
    where: 'direct',
    message: 'The fields "{first}" and "{second}" cannot be used together.',
    target: '{second}',
    fact: 'rest-facts section 2.2: the three flags exclude each other; section 1, code 2',
    inferred: 'the words',
  }),
  releaseFailed: row({
    code: '13303822',
    status: 'execution',
    where: 'job',
    message: 'Releasing the relationship on the source failed. Reason:{reason}',
    fact: 'rest-facts section 2.2, delete and release',
    inferred: 'the words; that a release is refused while the destination still has the relationship',
  }),

  unmapNotNvme: row({
    code: '6621470',
    status: 'argument',
    where: 'direct',
    message: 'The property "unmap_namespace" is only supported for NVMe relationships.',
    target: 'unmap_namespace',
    fact: 'rest-facts section 2.2, extra DELETE flags',
    inferred: 'the words',
  }),

  // ---- volumes and snapshots
  volumeNameInvalid: row({
    code: '262197',
    status: 400,
    where: 'direct',
    message: 'The value "{value}" is invalid for field "name" (<volume name>)',
    target: 'name',
    fact: 'none: known from ONTAP at large (letters, digits and underscores, no digit first, at most 203)',
    inferred: 'all of it',
  }),
  volumeOperationFailed: row({
    code: '917536',
    status: 400,
    where: 'job',
    message: 'The operation on the volume failed. Reason:{reason}',
    fact: 'rest-facts section 5 (917536 is the code of failed volume jobs)',
    inferred: 'that what the volume itself cannot do (a bad snapshot name, no space) has it',
  }),
  volumeNameInUse: row({
    code: '917526',
    status: 409,
    where: 'duplicateVolume',
    message: 'A volume named "{volume}" already exists in SVM "{svm}".',
    target: 'name',
    fact: 'rest-facts section 5; addendum section 5',
    inferred: 'the words',
    switch: 'duplicateVolume',
  }),
  volumeTooSmall: row({
    code: '917534',
    status: 400,
    where: 'direct',
    message: 'The size {size} is too small for a volume; the smallest is {smallest} bytes.',
    target: 'size',
    fact: 'rest-facts section 5; POST /storage/volumes, size: 20 MB, and 200 MB for each constituent of a FlexGroup',
    inferred: 'the words',
  }),
  constituentKept: row({
    code: '917628',
    status: 400,
    where: 'direct',
    message:
      'Volume "{volume}" is a constituent of FlexGroup volume "{group}" and cannot be changed or deleted by itself.',
    fact: 'rest-facts section 5 (not allowed for this type of volume)',
    inferred: 'that this case has it',
  }),
  snapshotPolicyOnDp: row({
    code: '917617',
    status: 400,
    where: 'direct',
    message: 'A snapshot policy cannot be set on a volume of type "dp".',
    target: 'snapshot_policy.name',
    fact: 'rest-facts section 5',
    inferred: 'the words',
  }),
  aggregateUnknown: row({
    code: '4',
    status: 404,
    where: 'direct',
    message: "entry doesn't exist",
    target: 'aggregates.name',
    fact: 'rest-facts section 1, common codes',
    inferred: 'the code of a missing aggregate',
  }),
  svmUnknown: row({
    code: '2621462',
    status: 400,
    where: 'direct',
    message: 'SVM "{svm}" does not exist.',
    target: 'svm.name',
    fact: 'none: known from ONTAP at large',
    inferred: 'all of it',
  }),
  volumeOffline: row({
    code: '917533',
    status: 400,
    where: 'job',
    message: 'Volume "{volume}" in SVM "{svm}" is offline.',
    fact: 'rest-facts section 5',
    inferred: 'the words',
  }),
  mountUninitialized: row({
    code: '917536',
    status: 400,
    where: 'job',
    message: 'Unable to mount volume "{volume}" in SVM "{svm}": the destination volume has not been initialized.',
    fact: 'rest-facts section 5 and 10.4',
    inferred: 'the words',
  }),
  junctionInUse: row({
    code: '917536',
    status: 400,
    where: 'job',
    message: 'Unable to mount volume "{volume}" in SVM "{svm}": the junction path "{path}" is in use.',
    fact: 'rest-facts section 5 (917536 is the code of failed volume jobs)',
    inferred: 'that this case has it',
  }),
  volumeBusy: row({
    code: '524486',
    status: 400,
    where: 'job',
    message: 'Volume "{volume}" in SVM "{svm}" is busy.',
    fact: 'rest-facts section 5',
    inferred: 'that a running transfer causes it',
  }),
  volumeMounted: row({
    code: '917536',
    status: 400,
    where: 'job',
    message: 'Volume "{volume}" in SVM "{svm}" is mounted at "{path}" and must be unmounted to be deleted.',
    fact: 'DELETE /storage/volumes/{uuid}: a volume that is online is taken offline first, one that is mounted is not unmounted',
    inferred: 'the code and the words',
  }),
  volumeStateChanging: row({
    code: '13107406',
    status: 400,
    where: 'job',
    message: 'Another operation is in progress on volume "{volume}" in SVM "{svm}".',
    fact: 'addendum section 4: a DELETE before the offline job has ended fails inside its own job',
    inferred: 'the code and the words',
  }),
  volumeInRelationship: row({
    code: '917536',
    status: 400,
    where: 'job',
    message: 'Volume "{volume}" in SVM "{svm}" is the {end} of a SnapMirror relationship and cannot be deleted.',
    fact: 'rest-facts section 5 (917536 is the code of failed volume jobs)',
    inferred: 'the code and the words',
  }),
  rootVolumeKept: row({
    code: '917536',
    status: 400,
    where: 'job',
    message: 'Volume "{volume}" is the root volume of SVM "{svm}".',
    fact: 'rest-facts section 5 (917536 is the code of failed volume jobs)',
    inferred: 'the code and the words',
  }),
  snapshotOnDp: row({
    code: '917628',
    status: 400,
    where: 'direct',
    message: 'Snapshots cannot be created or changed on volume "{volume}": it is of type "dp".',
    fact: 'rest-facts section 5 (not allowed for this type of volume)',
    inferred: 'that this case has it',
  }),
  snapshotLocked: row({
    code: '1638555',
    status: 400,
    where: 'job',
    message: 'Snapshot "{snapshot}" of volume "{volume}" has not been deleted: it is in use ({owners}).',
    fact: 'rest-facts section 5; addendum section 2 (recorded as a job failure)',
    inferred: 'the words',
  }),
  snapshotExists: row({
    code: '1',
    status: 409,
    where: 'direct',
    message: 'duplicate entry',
    target: 'name',
    fact: 'rest-facts section 1, common codes',
  }),

  // ---- peers, policies, schedules
  svmPeerExists: row({
    code: '1',
    status: 409,
    where: 'direct',
    message: 'duplicate entry',
    fact: 'rest-facts section 1, common codes',
  }),
  svmPeerNameClash: row({
    code: '9896086',
    status: 409,
    where: 'direct',
    message: 'The name "{name}" is in use on this cluster; give a local name for the peer SVM.',
    target: 'name',
    fact: 'rest-facts section 5 (9896086/88: name clash)',
    inferred: 'which of the two, and the words',
  }),
  lunCopyNotBetweenClusters: row({
    code: '9895996',
    status: 400,
    where: 'direct',
    message: 'The application "lun_copy" is not supported between clusters.',
    target: 'applications',
    fact: 'rest-facts section 5',
    inferred: 'the words',
  }),
  clusterNotPeered: row({
    code: '26345575',
    status: 400,
    where: 'direct',
    message: 'Cluster "{cluster}" is not a peer of this cluster.',
    target: '{name}',
    fact: 'rest-facts section 5 (26345575 to 26345580: svm peer)',
    inferred: 'which code of the range, and the words',
  }),
  svmPeerNotPending: row({
    code: '26345576',
    status: 400,
    where: 'direct',
    message: 'The state "{state}" cannot be reached from the state "{from}".',
    target: 'state',
    fact: 'rest-facts section 5 (26345575 to 26345580: svm peer)',
    inferred: 'which code of the range, and the words',
  }),
  svmPeerInUse: row({
    code: '26345577',
    status: 400,
    where: 'direct',
    message: 'The SVM peer relationship is in use by SnapMirror.',
    fact: 'rest-facts section 5 (26345575 to 26345580: svm peer)',
    inferred: 'which code of the range, and the words',
  }),
  scheduleInUse: row({
    code: '8',
    status: 409,
    where: 'direct',
    message: 'Schedule "{schedule}" is in use.',
    fact: 'addendum C2: code 8, resource in use',
    inferred: 'that a schedule in use has it',
  }),
  policyInUse: row({
    code: '8',
    status: 409,
    where: 'direct',
    message: 'SnapMirror policy "{policy}" is in use.',
    fact: 'addendum C2: code 8, resource in use',
    inferred: 'that a policy in use has it',
  }),
  policyBuiltIn: row({
    code: '13303867',
    status: 'argument',
    where: 'direct',
    message: 'The SnapMirror policy "{policy}" is built in and cannot be changed or deleted.',
    fact: 'rest-facts section 5 (13303865 to 13303867: policy)',
    inferred: 'the code and the words',
  }),
  policyFlagsConflict: row({
    code: '2',
    status: 400,
    where: 'direct',
    message: 'The fields "{first}" and "{second}" cannot be used together.',
    target: '{second}',
    fact: 'rest-facts section 2.1: the copy_ and create_ switches exclude each other',
    inferred: 'the code',
  }),
} as const satisfies Record<string, RefusalRow>;

/** Name of a row of `REFUSALS`. */
export type RefusalName = keyof typeof REFUSALS;

/** A refusal on its way to the answer or to the job that fails with it. Never leaves the simulator. */
export class Refusal extends Error {
  readonly refusal: RefusalName;
  readonly code: string;
  readonly target: string | undefined;

  constructor(refusal: RefusalName, values: Readonly<Record<string, string | number>> = {}) {
    const { code, message, target } = REFUSALS[refusal] as RefusalRow;
    const fill = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
    super(fill(message));
    this.refusal = refusal;
    this.code = fill(code);
    this.target = target === undefined ? undefined : fill(target);
  }

  get row(): RefusalRow {
    return REFUSALS[this.refusal];
  }

  /** True when the request is accepted first and the refusal shows as the failure of its job. */
  inJob(switches: Switches): boolean {
    const { where } = this.row;
    return (where === 'direct' || where === 'job' ? where : switches[where]) === 'job';
  }

  status(switches: Switches): number {
    const { status } = this.row;
    if (status === 'argument') return switches.relationshipArgumentStatus;
    if (status === 'execution') return switches.relationshipExecutionStatus;
    return status === 'unknown-path' ? switches.unknownPathStatus : status;
  }

  envelope(): { error: { code: string; message: string; target?: string } } {
    const { code, message, target } = this;
    return { error: { code, message, ...(target === undefined ? {} : { target }) } };
  }
}
