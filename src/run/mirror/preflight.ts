/** Run (layer 3): what must hold before anything is changed. Reads only; every failure names its remedy. */
import { MirrorError, OntapError } from '../../errors.ts';
import type { ClusterFacts, OntapSvm, Policy, SvmPeer, Volume } from '../../ontap/ontap-svm.ts';
import type { MirrorContext } from './context.ts';
import { pairName } from './context.ts';

/** The oldest release whose REST API has all that the verbs use (list_destinations_only, transfer_schedule). */
export const MINIMUM_RELEASE = [9, 12, 1] as const;

/** @throws OntapError `ONTAP_TOO_OLD`, `ONTAP_NOT_FOUND` for an SVM that is not there, or what the way there gives */
export async function requireCluster(svm: OntapSvm, signal: AbortSignal): Promise<void> {
  await requireRelease(svm, signal);
  await requireSvm(svm, signal);
}

/** @throws OntapError `ONTAP_TOO_OLD`, or what the way there gives */
export async function requireRelease(svm: OntapSvm, signal: AbortSignal): Promise<ClusterFacts> {
  const facts = await svm.clusterFacts({ signal });
  const release = [facts.generation, facts.major, facts.minor];
  const differs = MINIMUM_RELEASE.findIndex((part, i) => part !== release[i]);
  if (differs < 0 || (release[differs] ?? 0) > (MINIMUM_RELEASE[differs] ?? 0)) return facts;
  throw new OntapError('ONTAP_TOO_OLD', `cluster ${facts.name} runs ONTAP ${release.join('.')}`, {
    attempted: 'check the ONTAP release',
    cluster: svm.cluster,
    object: facts.name,
    remedy: `ONTAP ${MINIMUM_RELEASE.join('.')} or later is needed: upgrade the cluster`,
  });
}

/**
 * Its state, whichever: mirrors live in a stopped SVM too.
 * @throws OntapError `ONTAP_NOT_FOUND`
 */
export async function requireSvm(svm: OntapSvm, signal: AbortSignal): Promise<string> {
  const state = await svm.svmState({ signal });
  if (state !== undefined) return state;
  const { name } = await svm.clusterFacts({ signal });
  throw new OntapError('ONTAP_NOT_FOUND', `cluster ${name} has no SVM "${svm.svm}"`, {
    attempted: 'find the SVM',
    cluster: svm.cluster,
    object: svm.svm,
    remedy: `correct the SVM of backend "${svm.backend}" (netapp_vserver)`,
  });
}

/** The source volume, which must be one that can be mirrored. */
export async function requireSourceVolume(context: MirrorContext): Promise<Volume> {
  const { source, pair, signal } = context;
  const volume = await source.volume(pair.source.volume, { signal });
  const facts = { pair: pairName(context), attempted: 'read the source volume', cluster: source.cluster };
  if (volume === undefined) {
    throw new MirrorError('MIRROR_VOLUME_NOT_FOUND', `SVM ${source.svm} has no volume "${pair.source.volume}"`, {
      ...facts,
      remedy: 'check the volume name, and that it is not a constituent or the root volume of the SVM',
    });
  }
  if (volume.type === 'ls') {
    throw new MirrorError('MIRROR_VOLUME_WRONG_TYPE', `${source.svm}:${volume.name} is a load-sharing mirror`, {
      ...facts,
      remedy: 'mirror the volume that it is a copy of',
    });
  }
  if (volume.style === 'flexgroup_constituent') {
    throw new MirrorError('MIRROR_NOT_SUPPORTED', `${source.svm}:${volume.name} is a constituent of a FlexGroup`, {
      ...facts,
      remedy: 'mirror the FlexGroup that it belongs to',
    });
  }
  return volume;
}

/** An existing destination volume must be of type dp, and of its source's style. */
export function requireSuitableDestination(context: MirrorContext, source: Volume, volume: Volume): void {
  if (volume.type !== 'dp') throw unsuitable(context, volume, `is of type ${volume.type}, not dp`);
  if (volume.style !== source.style) {
    throw unsuitable(context, volume, `is a ${volume.style}, and its source a ${source.style}`);
  }
}

/** ONTAP relates FlexGroups of the same number of constituents only. */
export async function requireSameGeometry(context: MirrorContext, source: Volume, volume: Volume): Promise<void> {
  if (source.style !== 'flexgroup') return;
  const { signal } = context;
  const [wanted, found] = await Promise.all([
    context.source.constituentCount(source.uuid, { signal }),
    context.destination.constituentCount(volume.uuid, { signal }),
  ]);
  if (wanted !== found) throw unsuitable(context, volume, `has ${found} constituents, and its source ${wanted}`);
}

function unsuitable(context: MirrorContext, volume: Volume, why: string): MirrorError {
  const { destination, pair } = context;
  return new MirrorError('MIRROR_VOLUME_WRONG_TYPE', `${destination.svm}:${volume.name} exists and ${why}`, {
    pair: pairName(context),
    attempted: 'use the destination volume',
    cluster: destination.cluster,
    object: `${destination.svm}:${pair.destination.volume}`,
    remedy: 'choose another destination volume, or delete or rename the one that is there',
  });
}

/** @throws MirrorError when there is no such policy, or it is of a kind that does not mirror single volumes */
export async function requirePolicy(context: MirrorContext, name: string): Promise<Policy> {
  const { destination, signal } = context;
  const policy = await destination.policy(name, { signal });
  const facts = { pair: pairName(context), attempted: 'find the SnapMirror policy', cluster: destination.cluster };
  if (policy === undefined) {
    throw new MirrorError('MIRROR_POLICY_UNKNOWN', `the destination has no SnapMirror policy "${name}"`, {
      ...facts,
      object: name,
      remedy: 'create the policy there, or name one that exists (netapp_replication_policy)',
    });
  }
  if (policy.kind === 'continuous' || policy.kind === 'automated_failover') {
    throw new MirrorError('MIRROR_POLICY_UNSUPPORTED', `policy "${name}" is of kind ${policy.kind}`, {
      ...facts,
      object: name,
      remedy: 'use an asynchronous or a synchronous policy for the mirror of a single volume',
    });
  }
  return policy;
}

/** FlexGroups are mirrored asynchronously only. */
export function requirePolicyForStyle(context: MirrorContext, policy: Policy, { style, name }: Volume): void {
  if (style !== 'flexgroup' || policy.kind === 'async') return;
  throw new MirrorError(
    'MIRROR_POLICY_UNSUPPORTED',
    `policy "${policy.name}" is of kind ${policy.kind}, and ${name} is a FlexGroup`,
    {
      pair: pairName(context),
      attempted: 'find the SnapMirror policy',
      cluster: context.destination.cluster,
      object: policy.name,
      remedy: 'use an asynchronous policy for the mirror of a FlexGroup',
    },
  );
}

/** The schedule that a mirror needs because its policy has none; undefined when none is needed. */
export async function requireSchedule(
  context: MirrorContext,
  policy: Policy,
  schedule: string | undefined,
): Promise<string | undefined> {
  const { destination, signal } = context;
  if (policy.kind !== 'async' || policy.transferSchedule !== undefined || schedule === undefined) return undefined;
  if (await destination.scheduleExists(schedule, { signal })) return schedule;
  throw new MirrorError('MIRROR_SCHEDULE_UNKNOWN', `the destination has no schedule "${schedule}"`, {
    pair: pairName(context),
    attempted: 'find the schedule',
    cluster: destination.cluster,
    object: schedule,
    remedy: `policy "${policy.name}" has no schedule of its own, so the mirror needs one: create it, or name another`,
  });
}

/**
 * The source SVM's name as the destination's cluster knows it: its own, or the local alias of the peer.
 * @throws MirrorError `MIRROR_SVMS_NOT_PEERED`
 */
export async function requirePeeredSource(context: MirrorContext): Promise<string> {
  const { source, destination, signal } = context;
  const [here, there] = await Promise.all([destination.clusterFacts({ signal }), source.clusterFacts({ signal })]);
  if (here.uuid === there.uuid && source.svm === destination.svm) return source.svm;
  const peers = await destination.svmPeers({ signal });
  const between = peeringsOf(peers, destination, source, there);
  const usable = between.find((peer) => isUsable(peer));
  if (usable !== undefined) return usable.alias;
  throw new MirrorError('MIRROR_SVMS_NOT_PEERED', notPeered(context, between[0]), {
    pair: pairName(context),
    attempted: 'find the SVM peer relationship',
    cluster: destination.cluster,
    object: `${destination.svm} <-> ${source.svm}`,
    remedy: 'peer the two SVMs for the application snapmirror, on both clusters',
  });
}

/** Of the peers of `near`'s SVM, those that are `far`'s SVM. */
export function peeringsOf(
  peers: readonly SvmPeer[],
  near: OntapSvm,
  far: OntapSvm,
  farCluster: ClusterFacts,
): readonly SvmPeer[] {
  return peers.filter(
    (peer) =>
      peer.localSvm === near.svm &&
      peer.peerSvm === far.svm &&
      (peer.peerCluster === undefined || peer.peerCluster === farCluster.name),
  );
}

/** Accepted, and for SnapMirror. */
export function isUsable(peer: SvmPeer): boolean {
  return peer.state === 'peered' && peer.applications.includes('snapmirror');
}

function notPeered(context: MirrorContext, peer: SvmPeer | undefined): string {
  const svms = `SVM ${context.destination.svm} and SVM ${context.source.svm}`;
  if (peer === undefined) return `${svms} are not peered`;
  if (peer.state !== 'peered') return `the peering of ${svms} is ${peer.state}`;
  return `the peering of ${svms} does not allow the application snapmirror`;
}
