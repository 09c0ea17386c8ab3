/**
 * Run (layer 3): the ONTAP port for many verbs at once. It is the port itself, decorated: look-ups of single relationships and volumes
 * that come in together are answered from one listing of the SVM, and what does not change during a call (policies, schedules, peers)
 * is asked once. The verbs stay as they are for one mirror; a thousand of them cost a query a round instead of a thousand.
 */
import type { Clock } from '../../env.ts';
import { OntapError } from '../../errors.ts';
import type { Change, Job, OntapSvm, Relationship, RelationshipFilter, Volume } from '../../ontap/ontap-svm.ts';
import { lookUntil, type Pace } from '../look-until.ts';

const FEW = 4;

/** Listings of one kind start at least this far apart, so that polls that fall out of step come together again. */
const LEAST_INTERVAL_MS = 250;
/** No change that verbs wait for in this way moves data: a job that takes longer is stuck, and must not hold up the other volumes. */
const JOB_STUCK_MS = 600_000;
const POLL: Pace = { firstMs: LEAST_INTERVAL_MS, mostMs: 5_000 };

/**
 * Decorates `svm` for the duration of one call that works on many mirrors.
 * @param atOnce how many are worked on at once: from a few on, ONTAP's held answers would waste the requests in flight
 */
export function coalescing(svm: OntapSvm, clock: Clock, signal: AbortSignal, atOnce: number): OntapSvm {
  const hold = atOnce <= FEW;
  const relationships = new LookUps<Relationship>(clock, signal, {
    one: (volume) => first(svm.relationships({ destination: { svm: svm.svm, volume } }, { signal })),
    all: () => svm.relationships({ destination: { svm: svm.svm } }, { signal }),
    keyOf: (relationship) => relationship.destination.volume,
  });
  const volumes = new LookUps<Volume>(clock, signal, {
    one: (name) => svm.volume(name, { signal }),
    all: () => svm.volumes({ signal }),
    keyOf: (volume) => volume.name,
  });
  const jobs = new LookUps<Job>(clock, signal, {
    one: (uuid) => svm.job(uuid, { signal }),
    all: (uuids) => svm.jobs(uuids, { signal }),
    keyOf: (job) => job.uuid,
  });
  const job = async (uuid: string): Promise<Job> => (await jobs.get(uuid)) ?? { uuid, state: 'gone' };
  const state = once(() => svm.svmState({ signal }));
  const peers = once(() => svm.svmPeers({ signal }));
  const policy = onceFor((name: string) => svm.policy(name, { signal }));
  const schedule = onceFor((name: string) => svm.scheduleExists(name, { signal }));

  async function* relationshipsOf(filter: RelationshipFilter): AsyncGenerator<Relationship> {
    const { source, destination } = filter;
    const single = source === undefined && destination?.svm === svm.svm ? destination.volume : undefined;
    if (single === undefined) {
      yield* svm.relationships(filter, { signal });
      return;
    }
    const found = await relationships.get(single);
    if (found !== undefined) yield found;
  }

  return {
    backend: svm.backend,
    cluster: svm.cluster,
    svm: svm.svm,
    get knownFacts() {
      return svm.knownFacts;
    },
    clusterFacts: (options) => svm.clusterFacts(options),
    svmState: () => state(),
    clusterPeers: (options) => svm.clusterPeers(options),
    aggregates: (options) => svm.aggregates(options),
    licences: (options) => svm.licences(options),
    volume: (name) => volumes.get(name),
    volumes: (options) => svm.volumes(options),
    constituentCount: (uuid, options) => svm.constituentCount(uuid, options),
    snapshots: (uuid, options) => svm.snapshots(uuid, options),
    writtenSince: (uuid, snapshot, options) => svm.writtenSince(uuid, snapshot, options),
    createVolume: (spec, options) => svm.createVolume(spec, { ...options, hold }),
    mountVolume: (uuid, junctionPath, options) => svm.mountVolume(uuid, junctionPath, { ...options, hold }),
    changeVolume: (uuid, to, options) => svm.changeVolume(uuid, to, { ...options, hold }),
    cloneVolume: (spec, options) => svm.cloneVolume(spec, { ...options, hold }),
    deleteVolume: (uuid, options) => svm.deleteVolume(uuid, { ...options, hold }),
    relationships: (filter) => relationshipsOf(filter),
    relationship: (uuid, options) => svm.relationship(uuid, options),
    knownDestinations: (filter, options) => svm.knownDestinations(filter, options),
    createRelationship: (spec, options) => svm.createRelationship(spec, { ...options, hold }),
    setRelationshipState: (uuid, state, options) => svm.setRelationshipState(uuid, state, { ...options, hold }),
    startTransfer: (uuid, options) => svm.startTransfer(uuid, options),
    runningTransfers: (uuid, options) => svm.runningTransfers(uuid, options),
    abortTransfer: (uuid, transfer, options) => svm.abortTransfer(uuid, transfer, options),
    deleteRelationship: (uuid, scope, options) => svm.deleteRelationship(uuid, scope, { ...options, hold }),
    policy: (name) => policy(name),
    scheduleExists: (name) => schedule(name),
    svmPeers: () => peers(),
    createSvmPeer: (spec, options) => svm.createSvmPeer(spec, { ...options, hold }),
    setSvmPeer: (uuid, to, options) => svm.setSvmPeer(uuid, to, { ...options, hold }),
    job: (uuid) => job(uuid),
    jobs: (uuids, options) => svm.jobs(uuids, options),
    finish: (change, options) => finish(change, job, clock, signal, options?.look),
  };
}

/** As the port's `finish`, over the shared look-ups. */
async function finish(
  change: Change,
  job: (uuid: string) => Promise<Job>,
  clock: Clock,
  signal: AbortSignal,
  look: (() => Promise<boolean>) | undefined,
): Promise<void> {
  if (change.done) return;
  await lookUntil(clock, POLL, signal, async (waitedMs) => {
    const { state, error } = await job(change.job);
    if (state === 'running' && waitedMs() < JOB_STUCK_MS) return undefined;
    if (state === 'running') {
      throw new OntapError('ONTAP_TIMEOUT', `the job has not ended within ${JOB_STUCK_MS / 60_000} minutes`, {
        object: change.job,
        retryable: true,
        remedy: 'look at the job on the cluster; call again when it has ended',
      });
    }
    if (state === 'failure')
      throw error ?? new OntapError('ONTAP_JOB_FAILED', 'the job failed', { object: change.job });
    if (state === 'success' || (await look?.())) return true;
    throw new OntapError('ONTAP_OUTCOME_UNKNOWN', 'the record of the job is gone, and with it its result', {
      object: change.job,
    });
  });
}

interface Reads<T> {
  readonly one: (key: string) => Promise<T | undefined>;
  readonly all: (keys: readonly string[]) => AsyncIterable<T>;
  readonly keyOf: (found: T) => string | undefined;
}

interface Waiting<T> {
  readonly resolve: (found: T | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Look-ups by key. Each is answered by a read that began after it was asked, so what it shows is never older than the question. */
class LookUps<T> {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #reads: Reads<T>;
  #waiting = new Map<string, Waiting<T>[]>();
  #reading = false;
  #lastBegan = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, signal: AbortSignal, reads: Reads<T>) {
    this.#clock = clock;
    this.#signal = signal;
    this.#reads = reads;
  }

  get(key: string): Promise<T | undefined> {
    const answer = new Promise<T | undefined>((resolve, reject) => {
      const waiting = this.#waiting.get(key) ?? [];
      waiting.push({ resolve, reject });
      this.#waiting.set(key, waiting);
    });
    if (!this.#reading) {
      this.#reading = true;
      this.#readWhileAsked().catch((error: unknown) => this.#fail(error));
    }
    return answer;
  }

  async #readWhileAsked(): Promise<void> {
    while (this.#waiting.size > 0) {
      const pause = this.#lastBegan + LEAST_INTERVAL_MS - this.#clock.now();
      // Even without a pause due, let all who ask in this turn be answered together.
      await (pause > 0 ? this.#clock.sleep(pause, this.#signal) : Promise.resolve());
      this.#lastBegan = this.#clock.now();
      const asked = this.#waiting;
      this.#waiting = new Map();
      try {
        const found = await this.#read([...asked.keys()]);
        for (const [key, waiting] of asked) for (const { resolve } of waiting) resolve(found.get(key));
      } catch (error) {
        for (const waiting of asked.values()) for (const { reject } of waiting) reject(error);
      }
    }
    this.#reading = false;
  }

  async #read(keys: readonly string[]): Promise<ReadonlyMap<string, T>> {
    const found = new Map<string, T>();
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) {
      const one = await this.#reads.one(only);
      if (one !== undefined) found.set(only, one);
      return found;
    }
    for await (const one of this.#reads.all(keys)) {
      const key = this.#reads.keyOf(one);
      if (key !== undefined) found.set(key, one);
    }
    return found;
  }

  /** The call has ended: whoever still waits learns why. */
  #fail(error: unknown): void {
    this.#reading = false;
    const waiting = [...this.#waiting.values()].flat();
    this.#waiting = new Map();
    for (const { reject } of waiting) reject(error);
  }
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  const read1 = onceFor(() => read());
  return () => read1('');
}

/** Remembers answers, not failures. */
function onceFor<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const asked = known.get(key) ?? read(key);
    known.set(key, asked);
    asked.catch(() => known.delete(key));
    return asked;
  };
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
