/** Places for the tests of the planner: each names only what it is about. */
import type { HostPlace, OntapPlace, TransferFacts } from '../../../src/core/transfer/facts.ts';

export function ontap(place: Partial<OntapPlace> = {}): OntapPlace {
  return {
    kind: 'ontap',
    backend: 'b1',
    cluster: 'uuid-1',
    clusterName: 'cluster1',
    svm: 'svm1',
    volume: 'vol1',
    path: 'a',
    style: 'flexvol',
    volumeType: 'rw',
    aggregates: ['aggr1'],
    account: 'cluster',
    licences: ['flexclone', 'snapmirror'],
    runningCopies: 0,
    ...place,
  };
}

export const HOST: HostPlace = { kind: 'host', path: '/data/a' };

export function facts(given: Partial<TransferFacts> = {}): TransferFacts {
  return {
    object: 'file',
    intent: 'copy',
    source: ontap(),
    destination: ontap({ path: 'b' }),
    sizeBytes: 1000,
    usedBytes: 400,
    destinationExists: false,
    mirrored: false,
    clustersPeered: true,
    ...given,
  };
}

/** The other ends of a file, LUN or namespace, from near to far. */
export const OTHER_ENDS = {
  'same volume': ontap({ path: 'b' }),
  'other volume, same aggregate': ontap({ volume: 'vol2' }),
  'other aggregate': ontap({ volume: 'vol3', aggregates: ['aggr2'] }),
  'other SVM': ontap({ svm: 'svm2', volume: 'vol4' }),
  'other cluster': ontap({ backend: 'b2', cluster: 'uuid-2', clusterName: 'cluster2', svm: 'svm1_dr', volume: 'vol5' }),
  host: HOST,
} as const;
/** One key of `OTHER_ENDS`. */
export type OtherEnd = keyof typeof OTHER_ENDS;

/** The other ends of a whole volume. */
export const OTHER_VOLUMES = {
  'same volume': ontap({ path: undefined }),
  'other volume, same aggregate': ontap({ path: undefined, volume: 'vol2' }),
  'other aggregate': ontap({ path: undefined, aggregates: ['aggr2'] }),
  'other volume, other aggregate': ontap({ path: undefined, volume: 'vol2', aggregates: ['aggr2'] }),
  'other SVM': ontap({ path: undefined, svm: 'svm2' }),
  'other SVM, other aggregate': ontap({ path: undefined, svm: 'svm2', aggregates: ['aggr2'] }),
  'other cluster': ontap({
    path: undefined,
    backend: 'b2',
    cluster: 'uuid-2',
    clusterName: 'cluster2',
    svm: 'svm1_dr',
  }),
  host: HOST,
} as const;
/** One key of `OTHER_VOLUMES`. */
export type OtherVolume = keyof typeof OTHER_VOLUMES;
