/** Run (layer 3): looking at one mirror, from either end. */
import { isSvmOrItsAlias } from '../../core/mirror/peer-alias.ts';
import type { Situation } from '../../core/mirror/table.ts';
import type { PolicyKind } from '../../core/mirror/vocabulary.ts';
import { MirrorError, OntapError } from '../../errors.ts';
import type { KnownDestination, MirrorEnd, OntapSvm, Relationship, SvmPeer } from '../../ontap/ontap-svm.ts';
import type { MirrorContext } from './context.ts';
import { collect, pairName } from './context.ts';

/**
 * The pair's relationship as its destination shows it, or undefined. Asks the destination only, so it works with the
 * source gone.
 * @throws MirrorError `MIRROR_CONFLICT` when the destination volume mirrors something else
 */
export async function observe(context: MirrorContext): Promise<Relationship | undefined> {
  const { destination, pair, signal } = context;
  const filter = { destination: { svm: destination.svm, volume: pair.destination.volume } };
  const [found] = await collect(destination.relationships(filter, { signal }));
  if (found === undefined) return undefined;
  const isOurs = found.source.volume === pair.source.volume;
  if (isOurs && (await isIn(found.source, context.source, destination, context.peersOf, signal))) return found;
  throw new MirrorError('MIRROR_CONFLICT', `the destination volume already mirrors ${found.source.path}`, {
    pair: pairName(context),
    state: found.state,
    cluster: destination.cluster,
    remedy: 'choose another destination volume, or remove that relationship first',
  });
}

/** What the source cluster still remembers of the pair (its half, and the snapshots held for it). */
export async function observeFromSource(context: MirrorContext): Promise<readonly KnownDestination[]> {
  const { source, destination, pair, signal } = context;
  const filter = { source: { svm: source.svm, volume: pair.source.volume } };
  const found: KnownDestination[] = [];
  for (const known of await collect(source.knownDestinations(filter, { signal }))) {
    const isOurs = known.destination.volume === pair.destination.volume;
    if (isOurs && (await isIn(known.destination, destination, source, context.peersOf, signal))) found.push(known);
  }
  return found;
}

export function situationOf(relationship: Relationship | undefined): Situation {
  return {
    state: relationship?.state ?? 'absent',
    transfer: relationship?.transfer?.state ?? 'none',
    kind: relationship === undefined ? 'async' : policyKindOf(relationship),
  };
}

/** Some views leave the policy out; the state then tells sync from async. */
export function policyKindOf(relationship: Relationship): PolicyKind {
  const { state, policy } = relationship;
  if (policy?.kind !== undefined) return policy.kind;
  return ['in_sync', 'out_of_sync', 'synchronizing', 'expanding', 'shrinking'].includes(state) ? 'sync' : 'async';
}

/**
 * Whether an end that `reporter`'s cluster shows is in this SVM: by the SVM's name, by the alias that ONTAP makes of it where the name
 * is taken, or by one that an administrator chose (only for that are the peers at the other end asked), and on the SVM's cluster.
 * The SVM's own cluster is never asked, since it may be gone; as long as it has not answered yet, the name decides.
 */
export async function isIn(
  end: MirrorEnd,
  svm: OntapSvm,
  reporter: OntapSvm,
  peersOf: (svm: OntapSvm) => Promise<readonly SvmPeer[]>,
  signal: AbortSignal,
): Promise<boolean> {
  if (end.svm === undefined) return false;
  if (isSvmOrItsAlias(end.svm, svm.svm)) return isOnClusterOf(end, svm, reporter, signal);
  const peers = await peersOf(reporter);
  const isPeer = peers.some(({ alias, peerSvm }) => alias === end.svm && peerSvm === svm.svm);
  return isPeer && isOnClusterOf(end, svm, reporter, signal);
}

/** False only when it is certain. */
async function isOnClusterOf(end: MirrorEnd, svm: OntapSvm, reporter: OntapSvm, signal: AbortSignal): Promise<boolean> {
  const [place, here] = [svm.knownFacts, reporter.knownFacts];
  if (place === undefined || here === undefined) return true;
  if (end.cluster === undefined) return place.uuid === here.uuid;
  if (end.cluster === place.name) return true;
  // A peered cluster may go by another name here.
  try {
    const peers = await reporter.clusterPeers({ signal });
    return peers.some(({ name, remoteName }) => name === end.cluster && remoteName === place.name);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OntapError) return false;
    throw error;
  }
}
