/**
 * Core (layer 1): what a strategy of transfer needs, one row a need. A need that is not met either rules the strategy out or, where
 * somebody with the right account can arrange it, becomes a preparation.
 */
import type { OntapPlace, TransferFacts } from './facts.ts';
import { distanceOf, onSameAggregates } from './facts.ts';

/** Something that can be arranged before the transfer. */
export interface Preparation {
  readonly kind: 'peer-svms' | 'extend-peering';
  /** Application that the peering must allow. */
  readonly application: PeerApplication;
  readonly text: string;
}

/** Applications of an SVM peering that a transfer uses. */
export type PeerApplication = 'snapmirror' | 'file_copy' | 'lun_copy';

/** A need is met, can be arranged, or rules the strategy out. */
export type Verdict =
  | { readonly met: true }
  | { readonly met: false; readonly preparation: Preparation }
  | { readonly met: false; readonly why: string };

/** One row: how the decision table names the need, and how facts answer it. */
export interface Requirement {
  readonly text: string;
  readonly judge: (facts: TransferFacts) => Verdict;
}

const MET: Verdict = { met: true };

function refused(why: string): Verdict {
  return { met: false, why };
}

/** A need that facts answer with yes or the reason why not. */
function need(
  text: string,
  unmet: (facts: TransferFacts, source: OntapPlace, destination: OntapPlace) => string | undefined,
): Requirement {
  return {
    text,
    judge: (facts) => {
      const { source, destination } = facts;
      if (source.kind === 'host' || destination.kind === 'host') return refused('one end is not in ONTAP');
      const why = unmet(facts, source, destination);
      return why === undefined ? MET : refused(why);
    },
  };
}

/** Every need, by the name that strategies use. */
export const REQUIREMENTS = {
  'same-volume': need('both in one volume', (facts) =>
    distanceOf(facts) === 'same-volume' ? undefined : 'the ends are in different volumes',
  ),
  'other-volume': need('in different volumes', (facts) =>
    distanceOf(facts) === 'same-volume' ? 'both ends are in one volume' : undefined,
  ),
  'same-svm': need('both in one SVM', (_, source, destination) =>
    source.cluster === destination.cluster && source.svm === destination.svm
      ? undefined
      : 'the ends are in different SVMs',
  ),
  'other-svm': need('in different SVMs', (_, source, destination) =>
    source.cluster === destination.cluster && source.svm === destination.svm ? 'both ends are in one SVM' : undefined,
  ),
  'same-cluster': need('both in one cluster', (_, source, destination) =>
    source.cluster === destination.cluster ? undefined : 'the ends are in different clusters',
  ),
  'other-cluster': need('in different clusters', (_, source, destination) =>
    source.cluster === destination.cluster ? 'both ends are in one cluster' : undefined,
  ),
  'same-aggregates': need('on the same aggregates', (facts) =>
    onSameAggregates(facts)
      ? undefined
      : 'a clone shares its blocks with its parent, and the ends are on different aggregates',
  ),
  'other-aggregates': need('on different aggregates', (facts) =>
    onSameAggregates(facts) ? 'it is on that aggregate already' : undefined,
  ),
  flexvols: need('FlexVols', (_, source, destination) =>
    source.style === 'flexvol' && destination.style === 'flexvol'
      ? undefined
      : 'ONTAP does not do this with FlexGroups',
  ),
  'same-style': need('both FlexVols or both FlexGroups', (_, source, destination) =>
    source.style === destination.style ? undefined : 'one end is a FlexVol and the other a FlexGroup',
  ),
  'writable-source': need('a read-write source', (_, source) =>
    source.volumeType === 'rw' ? undefined : 'the source is in the destination of a mirror, which is read-only',
  ),
  'writable-destination': need('a writable destination', ({ object }, _, destination) =>
    object === 'volume' || destination.volumeType === 'rw'
      ? undefined
      : 'the destination is in the destination of a mirror, which is read-only',
  ),
  'not-mirrored': need('no SnapMirror relationship on the source', ({ mirrored }) =>
    mirrored ? 'the volume is one end of a SnapMirror relationship' : undefined,
  ),
  placed: need('aggregates for the destination', (_, __, destination) =>
    destination.aggregates.length > 0 ? undefined : 'nothing says which aggregates the destination is to lie on',
  ),
  'cluster-account': need('cluster accounts', (_, source, destination) =>
    source.account === 'cluster' && destination.account === 'cluster'
      ? undefined
      : 'it needs the account of a cluster administrator, and the account is one of an SVM',
  ),
  'flexclone-licence': need('the FlexClone licence', (_, source) => unlicensed('flexclone', [source])),
  'snapmirror-licence': need('the SnapMirror licence on both clusters', (_, source, destination) =>
    unlicensed('snapmirror', [source, destination]),
  ),
  'clusters-peered': need('peered clusters', ({ clustersPeered }) =>
    clustersPeered ? undefined : 'the clusters are not peered',
  ),
  'peer-snapmirror': peering('snapmirror'),
  'peer-file-copy': peering('file_copy'),
  'peer-lun-copy': peering('lun_copy'),
  'host-readable': {
    text: 'a source that this host can read',
    judge: ({ object, source }) => hostReaches(object, source, 'read'),
  },
  'host-writable': {
    text: 'a destination that this host can write',
    judge: ({ object, destination }) => hostReaches(object, destination, 'written'),
  },
} satisfies Readonly<Record<string, Requirement>>;

/** Name of a row of `REQUIREMENTS`. */
export type RequirementName = keyof typeof REQUIREMENTS;

/** Licences that the account cannot read are taken as there: ONTAP then refuses by itself, before anything has changed. */
function unlicensed(feature: string, places: readonly OntapPlace[]): string | undefined {
  const without = places.find(({ licences }) => licences !== undefined && !licences.includes(feature));
  return without === undefined ? undefined : `${without.clusterName} has no ${feature} licence`;
}

/** SVMs must be peered for the application; within one SVM nothing is needed. A cluster account can arrange it. */
function peering(application: PeerApplication): Requirement {
  return {
    text: `SVMs peered for ${application} (when there are two)`,
    judge: (facts) => {
      const { source, destination, svmPeering } = facts;
      if (source.kind === 'host' || destination.kind === 'host') return refused('one end is not in ONTAP');
      if (source.cluster === destination.cluster && source.svm === destination.svm) return MET;
      const pair = `${source.svm} and ${destination.svm}`;
      if (svmPeering === 'unknown') return MET;
      if (svmPeering?.state === 'peered' && svmPeering.applications.includes(application)) return MET;
      if (source.account !== 'cluster' || destination.account !== 'cluster') {
        return refused(`the SVMs ${pair} are not peered for ${application}, and accounts of SVMs cannot arrange it`);
      }
      if (svmPeering === undefined) {
        const text = `peer the SVMs ${pair} for ${application}`;
        return { met: false, preparation: { kind: 'peer-svms', application, text } };
      }
      if (svmPeering.state !== 'peered') {
        return refused(`the peering of the SVMs ${pair} is ${svmPeering.state}`);
      }
      const text = `let the peering of the SVMs ${pair} serve ${application}`;
      return { met: false, preparation: { kind: 'extend-peering', application, text } };
    },
  };
}

/** ONTAP's file endpoints read and write files of NAS volumes; what LUNs and namespaces hold needs a mapped device. */
function hostReaches(object: TransferFacts['object'], place: TransferFacts['source'], verb: string): Verdict {
  if (place.kind === 'host' || place.hostPath !== undefined) return MET;
  if (object === 'lun' || object === 'namespace') {
    return refused(`the content of a ${object} is not ${verb} over REST; it needs a device on this host`);
  }
  if (verb === 'written' && place.volumeType === 'dp' && object === 'file') {
    return refused('the destination is in the destination of a mirror, which is read-only');
  }
  return MET;
}
