/** Run (layer 3): looking at one mirror, from either end. */
import { isSvmOrItsAlias } from '../../core/mirror/peer-alias.ts';
import type { Situation } from '../../core/mirror/table.ts';
import type { PolicyKind } from '../../core/mirror/vocabulary.ts';
import { MirrorError } from '../../errors.ts';
import type { KnownDestination, MirrorEnd, OntapSvm, Relationship } from '../../ontap/ontap-svm.ts';
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
  if (found === undefined || isEnd(found.source, context.source, pair.source.volume)) return found;
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
  const known = await collect(source.knownDestinations(filter, { signal }));
  return known.filter((entry) => isEnd(entry.destination, destination, pair.destination.volume));
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

/** Whether an end is in this SVM (by its name or an alias of it) and, where one is given, is this volume. */
export function isEnd(end: MirrorEnd, svm: OntapSvm, volume?: string): boolean {
  return (volume === undefined || end.volume === volume) && end.svm !== undefined && isSvmOrItsAlias(end.svm, svm.svm);
}
