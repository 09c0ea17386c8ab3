/**
 * ONTAP's error codes in our words: one row a code. What is not listed is refused as it stands (`ONTAP_REJECTED`), or,
 * in a job, failed (`ONTAP_JOB_FAILED`). Sources: rest-facts section 5 and addendum section 1 (ONTAP's error code tables).
 */
import type { OntapErrorCode } from '../errors.ts';

export interface ErrorRow {
  /** Absent: as for codes without a row; the row is there for its remedy. */
  readonly is?: OntapErrorCode;
  /** What to do about it, one sentence. */
  readonly remedy?: string;
  /** True when the failure leaves open whether the change was made. */
  readonly effectUnknown?: true;
}

const LOOK_AGAIN = 'Look the object up again: it was deleted, renamed or never there.';
const WAIT = 'Try again in a while: another operation has to end first.';
const FIX_CALL = 'The request does not fit this ONTAP release or this object: correct it, a retry cannot help.';
const FIX_POLICY = 'Choose a policy that exists on the destination cluster and fits this kind of relationship.';
const FIX_STATE = 'Read the state of the relationship: it does not allow this operation now.';
const FIX_PEERING = 'Peer the two SVMs, with the application `snapmirror` among the peering’s applications.';
const FIX_SCHEDULE = 'Create the schedule on the destination cluster, or name one that exists there.';

const ROWS: readonly (ErrorRow & { readonly codes: readonly string[] })[] = [
  // The object is not there.
  { codes: ['4', '15661', '8586226'], is: 'ONTAP_NOT_FOUND', remedy: LOOK_AGAIN },
  { codes: ['17105'], is: 'ONTAP_NOT_FOUND', remedy: 'The destination belongs to a relationship with another source.' },
  { codes: ['917506', '917927', '918235', '918236'], is: 'ONTAP_NOT_FOUND', remedy: LOOK_AGAIN },
  { codes: ['542797', '6684674', '13434920'], is: 'ONTAP_NOT_FOUND', remedy: LOOK_AGAIN },
  { codes: ['53411842', '53411843', '53411844'], is: 'ONTAP_NOT_FOUND', remedy: LOOK_AGAIN },

  // It is there already.
  { codes: ['1', '6619637', '17122', '917526', '13434908'], is: 'ONTAP_EXISTS' },
  { codes: ['53411852', '53411860', '53411921'], is: 'ONTAP_EXISTS' },
  { codes: ['1254196', '1260136', '5374242', '5440688'], is: 'ONTAP_EXISTS' },

  // Something else is in the way for now.
  { codes: ['6619715', '6619720', '13303816', '13303830', '13304159'], is: 'ONTAP_BUSY', remedy: WAIT },
  { codes: ['524486', '13107406', '5702832'], is: 'ONTAP_BUSY', remedy: WAIT },
  {
    codes: ['7018877'],
    is: 'ONTAP_BUSY',
    remedy: 'Fifty copies and moves run already: start this one when one has ended.',
  },
  { codes: ['262160'], is: 'ONTAP_BUSY', remedy: 'The cluster is asked too much at once: lower `maxInFlight`.' },
  { codes: ['65541'], is: 'ONTAP_BUSY', remedy: WAIT, effectUnknown: true },
  { codes: ['17137'], is: 'ONTAP_TRANSFER_IN_PROGRESS', remedy: WAIT },

  // Permissions and releases.
  {
    codes: ['6', '6691623'],
    is: 'ONTAP_DENIED',
    remedy: 'Give the account a role that allows this call, or use another account.',
  },
  {
    codes: ['3'],
    is: 'ONTAP_TOO_OLD',
    remedy: 'This release does not offer the call, or not to this kind of account: check the release.',
  },

  // The peer.
  {
    codes: ['262224'],
    is: 'ONTAP_PEER_UNREACHABLE',
    remedy:
      'The cluster cannot reach its peer: check the intercluster network, or use a call that does without the peer.',
  },

  // Refused as it stands; rows for their remedies.
  { codes: ['2', '262177', '262179', '262185', '262186', '262188', '262190', '262194'], remedy: FIX_CALL },
  {
    codes: ['262196', '262197', '262198', '262199', '262200', '262201', '262203', '262211', '262212'],
    remedy: FIX_CALL,
  },
  { codes: ['262202'], remedy: 'Send secrets in the body, never in the URL.' },
  { codes: ['7'], remedy: 'A limit of the system is reached: free what counts against it.' },
  { codes: ['8'], remedy: 'The object is in use: end its use first.' },
  { codes: ['6619441'], remedy: 'Source and destination are the same volume: choose another destination.' },
  { codes: ['6619546'], remedy: 'The destination must be a data-protection (type dp) volume.' },
  { codes: ['6619699', '13304108'], remedy: FIX_SCHEDULE },
  { codes: ['13303819', '13303821', '13303825', '13303865', '13303866', '13303867'], remedy: FIX_POLICY },
  { codes: ['13303886', '13303939'], remedy: FIX_PEERING },
  { codes: ['13303808', '13303809', '13303810', '13303811', '13303812', '13303844'], remedy: FIX_STATE },
  { codes: ['13303817', '13303818', '13303828', '13303829', '13303831', '13303832', '13303833'], remedy: FIX_STATE },
  { codes: ['13303835', '13303836', '13303837', '13303849'], remedy: FIX_STATE },
  { codes: ['13303823', '13303824'], remedy: 'Wait for the running transfer, or abort it, and quiesce again.' },
  { codes: ['13303848', '13304040'], remedy: 'Synchronous relationships do not allow this.' },
  { codes: ['13303822', '13303813'], remedy: 'One half is gone, the other remains: release on the source cluster.' },
  { codes: ['13303868', '13303875', '13303894'], remedy: 'Make room for the destination, or create it yourself.' },
  { codes: ['918265', '918266', '918267', '918786'], remedy: 'Correct the target of the volume move.' },
  {
    codes: ['917536'],
    remedy: 'A destination that was never initialised cannot be mounted: wait for the first transfer.',
  },
  {
    codes: ['1115127'],
    remedy: 'Install the licence that the message names on this cluster: nothing works around it.',
  },
  { codes: ['524615'], remedy: 'Split or delete the clones of the volume first.' },
  { codes: ['1638555'], remedy: 'The snapshot is locked, for instance by a relationship: release that first.' },
];

const BY_CODE: ReadonlyMap<string, ErrorRow> = new Map(ROWS.flatMap((row) => row.codes.map((code) => [code, row])));

/** Codes whose message tells a running transfer from other reasons. */
const TRANSFER_CODES = new Set(['13303808', '13303809', '13303810', '13303811', '13303812', '13303824', '13303844']);

/**
 * What an ONTAP code means, with the message and the HTTP status where those decide. The status does where the code's
 * row does not: 429 and 503 ask to slow down (codes 7 and 8 come with them, and are final otherwise).
 */
export function errorRow(code: string | undefined, message: string, status: number | undefined): ErrorRow {
  if (/temporarily locked/i.test(message)) return { is: 'ONTAP_BUSY', remedy: WAIT };
  if (code !== undefined && TRANSFER_CODES.has(code) && /another transfer is in progress/i.test(message)) {
    return { is: 'ONTAP_TRANSFER_IN_PROGRESS', remedy: WAIT };
  }
  // ONTAP answers wrong credentials with the code of missing rights; the status tells them apart.
  if (status === 401 && (code === undefined || code === '6')) return UNAUTHENTICATED;
  const slowDown = status === 429 || status === 503;
  const row = code === undefined ? undefined : BY_CODE.get(code);
  if (slowDown && row?.is === undefined) return { is: 'ONTAP_BUSY', remedy: WAIT };
  return row ?? STATUS_ROWS.get(status ?? 0) ?? {};
}

const UNAUTHENTICATED = {
  is: 'ONTAP_UNAUTHENTICATED',
  remedy: 'Check user and password, or the client certificate.',
} as const satisfies ErrorRow;

/** For an answer of ONTAP's whose code has no row. */
const STATUS_ROWS: ReadonlyMap<number, ErrorRow> = new Map<number, ErrorRow>([
  [401, UNAUTHENTICATED],
  [403, { is: 'ONTAP_DENIED', remedy: 'Give the account a role that allows this call, or use another account.' }],
  [404, { is: 'ONTAP_NOT_FOUND', remedy: LOOK_AGAIN }],
]);

/** For an answer that is not ONTAP's: a proxy's, a gateway's, a login page. */
export function statusRow(status: number): ErrorRow & { readonly is: OntapErrorCode } {
  if (status === 401) return UNAUTHENTICATED;
  if (status === 403)
    return { is: 'ONTAP_DENIED', remedy: 'Check the account, and whether a proxy stands in between.' };
  if (status === 429 || status === 503) return { is: 'ONTAP_BUSY', remedy: WAIT };
  if (status === 502 || status === 504) {
    return {
      is: 'ONTAP_UNREACHABLE',
      remedy: 'ONTAP’s web server is restarting or a gateway cannot reach it: try again.',
      effectUnknown: true,
    };
  }
  if (status >= 300 && status < 400) {
    return { is: 'ONTAP_BAD_RESPONSE', remedy: 'The address redirects: give the cluster’s management address itself.' };
  }
  const row: ErrorRow & { is: OntapErrorCode } = {
    is: 'ONTAP_BAD_RESPONSE',
    remedy: 'Check that host and port are those of a cluster’s (or SVM’s) management interface.',
  };
  return status >= 500 || status < 300 ? { ...row, effectUnknown: true } : row;
}
