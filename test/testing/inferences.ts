/**
 * What the project's fact sheet calls an inference, and others that the simulated ONTAP rests on: what it does, and what changes it:
 * a switch, the rows of refusals that say "inferred", or the world that is made.
 */
import type { SwitchName } from '../../src/testing/index.ts';

export interface Inference {
  /** Where it is called so. */
  readonly fact: string;
  readonly does: string;
  readonly switches: readonly SwitchName[];
  /** What else changes it, or why nothing has to. */
  readonly otherwise?: string;
}

export const INFERENCES: readonly Inference[] = [
  {
    fact: 'rest-facts section 1, common codes: HTTP statuses',
    does: 'the documented table of codes and statuses holds (addendum section 1); a path that is not there is 404, a method 405',
    switches: ['unknownPathStatus'],
    otherwise: 'a fault of the kind `http` answers any status with any code',
  },
  {
    fact: 'rest-facts section 2.2: statuses of what is refused of relationships',
    does: 'bad arguments and states are 400, executions that fail are 500',
    switches: ['relationshipArgumentStatus', 'relationshipExecutionStatus'],
  },
  {
    fact: 'rest-facts section 2.2: refused at once, or by a job that fails',
    does: 'what can be seen in the request is refused at once, the rest fails in its job',
    switches: ['duplicateVolume', 'flexGroupGeometry'],
    otherwise: 'the column "shows" of the table of refusals tells it for each',
  },
  {
    fact: 'rest-facts section 2.1: which built-in policies have a schedule',
    does: 'Asynchronous is hourly and DailyBackup daily; no other has one',
    switches: ['builtInPolicySchedules'],
  },
  {
    fact: 'addendum section 4: does the job of a pause wait for the drain, and how long',
    does: 'it ends at once while the transfer goes on',
    switches: ['pauseJob', 'quiesceTimeoutMs'],
  },
  {
    fact: 'rest-facts section 2; addendum section 1: how long the jobs of initialise and resync last',
    does: 'that of a resync as long as its transfer, that of an initialise until it has begun',
    switches: ['transferJob'],
  },
  {
    fact: 'addendum section 2: fields of a relationship by its state',
    does: 'no lag before the first transfer has ended; a lag when broken off; no policy in list_destinations_only',
    switches: ['lagWhenUninitialized', 'lagWhenBrokenOff', 'policyInDestinationsView', 'resyncShows'],
  },
  {
    fact: 'addendum C6: which breaks need the source',
    does: 'none of a volume',
    switches: ['breakContactsSource'],
  },
  {
    fact: 'addendum section 4: code of a break of what was never initialised; a break of what is broken off',
    does: '13303808; refused',
    switches: ['breakUninitializedCode', 'breakWhenBroken'],
  },
  {
    fact: 'rest-facts sections 2.2 and 8: a relationship onto a volume that is read-write',
    does: 'refused, unless both have a snapshot in common',
    switches: ['createOntoReadWrite'],
  },
  {
    fact: 'rest-facts section 3: what others see of a FlexGroup that is being made; how long a split lasts',
    does: 'it is listed, in the state mixed; the job of a split ends when the split has begun',
    switches: ['flexGroupBeingMade', 'splitJob'],
  },
  {
    fact: 'addendum section 2: the record of a job that failed',
    does: 'with an `error` of its own',
    switches: ['jobFailureShape'],
  },
  {
    fact: 'addendum section 2, staleness; C4; C9; section 4, missed schedules',
    does: 'reads are current; transfers are listed for 24 hours; no empty last page; a missed schedule makes unhealthy',
    switches: ['visibilityDelayMs', 'transferHistory', 'emptyLastPage', 'lateUpdateOfMissedSchedule'],
  },
  {
    fact: 'rest-facts section 1, tunnelling; section 2.2, #204',
    does: 'accounts of SVMs do not see aggregates; listing the peers of an SVM hangs for a minute when a peer is dead',
    switches: ['aggregatesInSvmScope', 'svmPeersWithDeadPeerMs'],
  },
  {
    fact: 'addendum section 3: counts of the rules of built-in policies',
    does: 'daily 7 and weekly 52 where nothing is documented',
    switches: [],
    otherwise: 'a policy made by POST has the rules it is given',
  },
  {
    fact: 'addendum sections 1, 4 and 8: words and codes that nobody has recorded',
    does: 'the row of the refusal says what of it is inferred',
    switches: [],
    otherwise: 'clients go by the code; a fault of the kind `http` or `job-fails` answers any other',
  },
];
