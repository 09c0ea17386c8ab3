/**
 * What nobody outside knows for sure about ONTAP, one switch a question. The default is the answer we hold for likeliest,
 * or the one that is harder on the client. "Facts" names the section of the project's ONTAP fact sheet.
 */

interface Choice<V extends string> {
  readonly values: readonly V[];
  readonly default: V;
  readonly question: string;
  readonly fact: string;
}

interface Quantity {
  readonly default: number;
  readonly question: string;
  readonly fact: string;
}

const choice = <const V extends string>(c: Choice<V>): Choice<V> => c;
const quantity = (q: Quantity): Quantity => q;

/** What is not known about ONTAP for certain: a switch each, with its values and default. */
export const SWITCHES = {
  pauseJob: choice({
    values: ['ends-at-once', 'waits-for-drain'],
    default: 'ends-at-once',
    question: 'Does the job of a pause end at once while a transfer still drains, or only when it has drained?',
    fact: 'addendum section 4, "does the pause job wait?"',
  }),
  quiesceTimeoutMs: quantity({
    default: 600_000,
    question: 'After how long does a pause job that waits for the drain fail with 13303823?',
    fact: 'addendum section 4: the code shows a bounded wait, not how long',
  }),
  transferJob: choice({
    values: ['ends-when-started', 'resync-waits', 'waits'],
    default: 'resync-waits',
    question: 'Does the job of an initialise or a resync end when its transfer has started, or with the transfer?',
    fact: 'rest-facts section 2 (a PATCH only triggers); addendum section 1: a resync was seen as a long job',
  }),
  resyncShows: choice({
    values: ['broken_off', 'snapmirrored'],
    default: 'broken_off',
    question: 'Which state does a relationship show while it resyncs? An aborted resync stays in it.',
    fact: 'rest-facts section 2.3',
  }),
  lagWhenUninitialized: choice({
    values: ['absent', 'present'],
    default: 'absent',
    question: 'Is lag_time present (measured from an old snapshot of the source) before the first transfer has ended?',
    fact: 'addendum C5',
  }),
  lagWhenBrokenOff: choice({
    values: ['present', 'absent'],
    default: 'present',
    question: 'Is lag_time present when broken off?',
    fact: 'addendum section 2, field table',
  }),
  breakContactsSource: choice({
    values: ['never', 'svm-dr', 'always'],
    default: 'svm-dr',
    question: 'Which breaks are refused with 262224, unless forced, because the source cluster cannot be reached?',
    fact: 'addendum C6',
  }),
  breakUninitializedCode: choice({
    values: ['13303808', '13303818', '13303833'],
    default: '13303808',
    question: 'With which code is a break of a relationship that was never initialised refused?',
    fact: 'addendum section 4, "break on uninitialized"',
  }),
  breakWhenBroken: choice({
    values: ['refused', 'accepted'],
    default: 'refused',
    question: 'Is a break of what is broken off already refused (13303808) or accepted without effect?',
    fact: 'rest-facts section 2.2: legal only from paused, snapmirrored, in_sync',
  }),
  createOntoReadWrite: choice({
    values: ['with-common-snapshot', 'refused'],
    default: 'with-common-snapshot',
    question:
      'May a relationship be created onto a read-write volume? Failing back by a reverse resync needs it: then the ' +
      'relationship starts as broken_off, provided that the two volumes have a snapshot in common; else 6619546.',
    fact: 'rest-facts section 2.2 says dp only; section 8 (reverse resync by others) implies more',
  }),
  flexGroupBeingMade: choice({
    values: ['mixed', 'absent'],
    default: 'mixed',
    question:
      'Is a FlexGroup listed, in the state mixed and growing, while its job still makes constituents, or only when it is ' +
      'whole? A relationship that is created meanwhile has the geometry of that moment, and does not initialise.',
    fact: 'rest-facts section 3: others poll for online before they relate, and know the geometry error',
  }),
  flexGroupGeometry: choice({
    values: ['job', 'direct'],
    default: 'job',
    question:
      'Are FlexGroups of different numbers of constituents refused in the request for a relationship, or in its job?',
    fact: 'rest-facts section 7, defect 27: only the job tells',
  }),
  splitJob: choice({
    values: ['ends-when-started', 'waits'],
    default: 'ends-when-started',
    question: 'Does the job that splits a FlexClone off end when the split has begun, or when it is done?',
    fact: 'rest-facts section 4: others wait until clone.is_flexclone is false',
  }),
  duplicateVolume: choice({
    values: ['job', 'direct'],
    default: 'job',
    question: 'Does a volume name in use (917526) show as a failed job or as a direct refusal?',
    fact: 'addendum section 5',
  }),
  jobFailureShape: choice({
    values: ['new', 'old'],
    default: 'new',
    question: 'Does a failed job carry an `error` object, or only message and integer code?',
    fact: 'rest-facts section 1, Job; addendum section 2',
  }),
  relationshipArgumentStatus: quantity({
    default: 400,
    question: 'HTTP status of refused arguments and states with codes 133xxxxx and 66xxxxx?',
    fact: 'addendum section 1',
  }),
  relationshipExecutionStatus: quantity({
    default: 500,
    question: 'HTTP status of failed executions: 13303808 to 13303812, 13303844, 262224?',
    fact: 'addendum section 1',
  }),
  unknownPathStatus: quantity({
    default: 404,
    question: 'HTTP status of code 3 for a path that the API does not have (a method it does not have is 405)?',
    fact: 'addendum C1',
  }),
  builtInPolicySchedules: choice({
    values: ['documented', 'none'],
    default: 'documented',
    question:
      'Do the built-in policies Asynchronous and DailyBackup have transfer schedules of their own, or none, as all the others?',
    fact: 'rest-facts section 2.1, policies; addendum section 3',
  }),
  visibilityDelayMs: quantity({
    default: 0,
    question: 'For how long after a change do GETs of relationships still show what was before it?',
    fact: 'addendum section 2, staleness',
  }),
  transferHistory: choice({
    values: ['listed', 'active-only'],
    default: 'listed',
    question: 'Does GET .../transfers list transfers that ended within 24 hours?',
    fact: 'addendum C4',
  }),
  policyInDestinationsView: choice({
    values: ['absent', 'present'],
    default: 'absent',
    question: 'Does list_destinations_only show the policy?',
    fact: 'addendum section 2, field table',
  }),
  emptyLastPage: choice({
    values: ['never', 'when-full'],
    default: 'never',
    question: 'Does a page that is full and last still carry a `next` link, to an empty page?',
    fact: 'addendum C9',
  }),
  aggregatesInSvmScope: choice({
    values: ['refused', 'listed'],
    default: 'refused',
    question: 'May /storage/aggregates be read with tunnelling, or by a user of an SVM?',
    fact: 'rest-facts section 1, SVM tunnelling: not said',
  }),
  svmPeersWithDeadPeerMs: quantity({
    default: 60_000,
    question: 'How long does GET /svm/peers hang while a peer cluster is unreachable?',
    fact: 'rest-facts section 2.2, field observations (#204)',
  }),
  lateUpdateOfMissedSchedule: choice({
    values: ['unhealthy', 'silent'],
    default: 'unhealthy',
    question: 'Does a scheduled update that finds another transfer running make the relationship unhealthy?',
    fact: 'addendum section 4, "scheduled update missed"',
  }),
} as const;

/** Name of a switch. */
export type SwitchName = keyof typeof SWITCHES;

type Value<D> = D extends { readonly values: readonly (infer V)[] } ? V : number;

/** One value a switch; see SWITCHES for what each means. */
export type Switches = { -readonly [K in SwitchName]: Value<(typeof SWITCHES)[K]> };

export function switchesWith(chosen: Partial<Switches> = {}): Switches {
  const defaults = Object.fromEntries(Object.entries(SWITCHES).map(([name, { default: value }]) => [name, value]));
  return { ...(defaults as Switches), ...chosen };
}
