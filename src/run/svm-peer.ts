/**
 * Run (layer 3): the peering of two SVMs, both halves of it. Level-triggered as the verbs on mirrors: look at both ends, do what is
 * missing, look again, until both say `peered` for what is asked.
 */
import { MirrorError, OntapError } from '../errors.ts';
import type { Change, ClusterFacts, OntapSvm, SvmPeer, SvmPeerApplication } from '../ontap/ontap-svm.ts';
import type { MirrorContext } from './mirror/context.ts';
import { awaited } from './mirror/context.ts';
import { peeringsOf, requireCluster } from './mirror/preflight.ts';

/** Options of createSvmPeer. */
export interface SvmPeerOptions {
  /** What the peering is to be used for, at least (default `['snapmirror']`). */
  readonly applications?: readonly SvmPeerApplication[] | undefined;
}

/** What became of a peering. */
export interface SvmPeerResult {
  /** The requests that changed something, in order: `create-peering`, `accept-peering`, `extend-applications`. */
  readonly actions: readonly string[];
  /** Each half as its side shows it; absent when both backends are one SVM, which needs no peering. */
  readonly source?: SvmPeer | undefined;
  readonly destination?: SvmPeer | undefined;
}

/**
 * 1. propose the peering on the source  2. accept it on the destination  3. add what an existing one may not be used for yet
 * 4. wait until both halves say `peered`. Within one cluster there is nothing to accept. Whatever is there already is taken up,
 * also a half that somebody else proposed from either side.
 * (Cinder: create_vserver_peer; it named neither peer nor cluster, accepted nothing and waited for nothing, defect 14.)
 * @throws MirrorError `MIRROR_SVMS_NOT_PEERED` for one that somebody rejected or suspended, or that is not there in time;
 *   OntapError what either cluster answers
 */
export async function createSvmPeer(context: MirrorContext, options: SvmPeerOptions = {}): Promise<SvmPeerResult> {
  const { source, destination, signal, timing } = context;
  const applications = options.applications ?? ['snapmirror'];
  await Promise.all([requireCluster(source, signal), requireCluster(destination, signal)]);
  const [here, there] = await Promise.all([source.clusterFacts({ signal }), destination.clusterFacts({ signal })]);
  if (here.uuid === there.uuid && source.svm === destination.svm) return { actions: [] };

  const actions: string[] = [];
  let lastProblem: unknown;
  return awaited(context, async (waitedMs) => {
    const halves = await look(context, here, there);
    if (isDone(halves, applications)) return { actions, ...halves };
    refuseWhatSomebodyDecided(context, halves);
    try {
      const acted = await act(context, { halves, here, there, applications });
      actions.push(...acted);
      lastProblem = undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof OntapError)) throw error;
      // Somebody else, or a request whose answer was lost, may have been quicker.
      const after = await look(context, here, there);
      if (isDone(after, applications)) return { actions, ...after };
      const moved = JSON.stringify(after) !== JSON.stringify(halves);
      // What is there already may not be shown yet.
      const unseen = error.code === 'ONTAP_EXISTS' || error.code === 'ONTAP_OUTCOME_UNKNOWN';
      if (!moved && !error.retryable && !unseen) throw error;
      lastProblem = error;
    }
    if (waitedMs() >= timing.changeTimeoutMs) throw notInTime(context, halves, lastProblem);
    return undefined;
  });
}

interface Halves {
  readonly source: SvmPeer | undefined;
  readonly destination: SvmPeer | undefined;
}

async function look(context: MirrorContext, here: ClusterFacts, there: ClusterFacts): Promise<Halves> {
  const { source, destination, signal } = context;
  const [ours, theirs] = await Promise.all([source.svmPeers({ signal }), destination.svmPeers({ signal })]);
  return {
    source: peeringsOf(ours, source, destination, there)[0],
    destination: peeringsOf(theirs, destination, source, here)[0],
  };
}

function isDone({ source, destination }: Halves, applications: readonly SvmPeerApplication[]): boolean {
  return [source, destination].every((half) => half?.state === 'peered' && lacking(half, applications).length === 0);
}

function lacking(half: SvmPeer, applications: readonly SvmPeerApplication[]): readonly SvmPeerApplication[] {
  return applications.filter((application) => !half.applications.includes(application));
}

/** Does the next thing that is missing, if any: what it did. */
async function act(
  context: MirrorContext,
  situation: {
    readonly halves: Halves;
    readonly here: ClusterFacts;
    readonly there: ClusterFacts;
    readonly applications: readonly SvmPeerApplication[];
  },
): Promise<readonly string[]> {
  const { source, destination, signal } = context;
  const { halves, here, there, applications } = situation;
  const sides = [
    [source, halves.source],
    [destination, halves.destination],
  ] as const;
  const finish = async (svm: OntapSvm, change: Change) => svm.finish(change, { signal, look: async () => true });

  if (halves.source === undefined && halves.destination === undefined) {
    const peerCluster = here.uuid === there.uuid ? undefined : there.name;
    await propose(context, peerCluster, applications);
    return ['create-peering'];
  }
  for (const [svm, half] of sides) {
    if (half?.state !== 'pending') continue;
    await finish(svm, await svm.setSvmPeer(half.uuid, { state: 'peered' }, { signal }));
    return ['accept-peering'];
  }
  for (const [svm, half] of sides) {
    if (half?.state !== 'peered' || lacking(half, applications).length === 0) continue;
    const all = [...half.applications, ...lacking(half, applications)];
    await finish(svm, await svm.setSvmPeer(half.uuid, { applications: all }, { signal }));
    return ['extend-applications'];
  }
  return [];
}

/** ONTAP's codes for the name of the peer SVM being taken here; it then needs a local one. */
const NAME_TAKEN: ReadonlySet<string> = new Set(['9896086', '9896088']);
const MOST_ALIASES = 20;

/** Under the peer SVM's own name or, where that is taken, with a number behind it, as ONTAP itself does. */
async function propose(
  { source, destination, signal }: MirrorContext,
  peerCluster: string | undefined,
  applications: readonly SvmPeerApplication[],
): Promise<void> {
  for (let number = 0; ; number++) {
    const alias = number === 0 ? undefined : `${destination.svm}.${number}`;
    try {
      const change = await source.createSvmPeer(
        { peerSvm: destination.svm, peerCluster, alias, applications },
        { signal },
      );
      await source.finish(change, { signal, look: async () => true });
      return;
    } catch (error) {
      const taken = error instanceof OntapError && NAME_TAKEN.has(error.ontapCode ?? '');
      if (!taken || number === MOST_ALIASES) throw error;
    }
  }
}

/** A rejected or suspended peering was made so by somebody: it is not for us to undo. */
function refuseWhatSomebodyDecided(context: MirrorContext, halves: Halves): void {
  const decided = [halves.source, halves.destination].find(
    (half) => half?.state === 'rejected' || half?.state === 'suspended',
  );
  if (decided === undefined) return;
  const remedy =
    decided.state === 'suspended'
      ? 'resume the peering on the cluster where it was suspended, then call again'
      : 'delete the rejected peering on both clusters, then call again';
  throw notPeered(context, `the peering of ${pairOf(context)} is ${decided.state}`, { remedy });
}

function notInTime(context: MirrorContext, { source, destination }: Halves, cause: unknown): MirrorError {
  const states = `${source?.state ?? 'absent'} at the source, ${destination?.state ?? 'absent'} at the destination`;
  const seconds = Math.round(context.timing.changeTimeoutMs / 1000);
  return notPeered(context, `the peering of ${pairOf(context)} is not done within ${seconds} s: ${states}`, {
    remedy: 'look at the peering on both clusters, then call again',
    retryable: true,
    cause,
  });
}

function notPeered(
  context: MirrorContext,
  message: string,
  facts: { readonly remedy: string; readonly retryable?: boolean; readonly cause?: unknown },
): MirrorError {
  return new MirrorError('MIRROR_SVMS_NOT_PEERED', message, {
    attempted: 'peer the SVMs',
    cluster: context.source.cluster,
    object: pairOf(context),
    ...facts,
  });
}

function pairOf({ source, destination }: MirrorContext): string {
  return `${source.svm} <-> ${destination.svm}`;
}
