/** Run (layer 3): looking at one mirror, from either end. */
import { isSvmOrItsAlias } from '../../core/mirror/peer-alias.ts';
import type { Situation } from '../../core/mirror/table.ts';
import type { PolicyKind } from '../../core/mirror/vocabulary.ts';
import { MirrorError } from '../../errors.ts';
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
  if (isOurs && (await isIn(found.source, context.source, () => context.peersOf(destination)))) return found;
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
    if (isOurs && (await isIn(known.destination, destination, () => context.peersOf(source)))) found.push(known);
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
 * Whether an end is in this SVM: by the SVM's name, by the alias that ONTAP makes of it where the name is taken, or by
 * one that an administrator chose. Only for the last the peers of the SVM at the other end are asked.
 */
export async function isIn(
  end: MirrorEnd,
  svm: OntapSvm,
  peersOfOtherEnd: () => Promise<readonly SvmPeer[]>,
): Promise<boolean> {
  if (end.svm === undefined) return false;
  if (isSvmOrItsAlias(end.svm, svm.svm)) return true;
  const peers = await peersOfOtherEnd();
  return peers.some(({ alias, peerSvm }) => alias === end.svm && peerSvm === svm.svm);
}
