/**
 * Core (layer 1): what a plan of a transfer is made from. One end is a place in ONTAP or on this host; the facts say where
 * both lie and what the clusters allow. All of it is data: plans are made, printed and compared without any cluster.
 */

/** What is transferred: a file or LUN in a volume, an NVMe namespace, or a whole FlexVol or FlexGroup. */
export const TRANSFER_OBJECTS = ['file', 'lun', 'namespace', 'volume'] as const;
/** One of `TRANSFER_OBJECTS`. */
export type TransferObject = (typeof TRANSFER_OBJECTS)[number];

/** `copy` leaves the source as it is; `move` means that it is gone afterwards, and never before the destination is whole. */
export const TRANSFER_INTENTS = ['copy', 'move'] as const;
/** One of `TRANSFER_INTENTS`. */
export type TransferIntent = (typeof TRANSFER_INTENTS)[number];

/** What an account may administer. */
export type AccountScope = 'cluster' | 'svm';

/** One end in an ONTAP volume. For a whole volume as destination, it is where the volume is to be made. */
export interface OntapPlace {
  readonly kind: 'ontap';
  /** The backend of the configuration through which it is reached. */
  readonly backend: string;
  /** The cluster's UUID: names are not unique. */
  readonly cluster: string;
  readonly clusterName: string;
  readonly svm: string;
  readonly volume: string;
  /** Of a file, LUN or namespace: relative to the volume's root, without a leading slash. */
  readonly path?: string | undefined;
  readonly style: 'flexvol' | 'flexgroup';
  /** `dp` is a mirror's destination and read-only. */
  readonly volumeType: 'rw' | 'dp';
  /** Aggregates that the volume lies on, or is to lie on. */
  readonly aggregates: readonly string[];
  readonly account: AccountScope;
  /** Licensed features, in lower case (`flexclone`, `snapmirror`); absent where the account may not read them. */
  readonly licences?: readonly string[] | undefined;
  /** File and LUN copies and moves that run on the cluster now. */
  readonly runningCopies: number;
  /** Where the same object can be opened on this host: a path on a mounted volume, or a mapped device. */
  readonly hostPath?: string | undefined;
}

/** One end on this host: a file or a device. */
export interface HostPlace {
  readonly kind: 'host';
  readonly path: string;
}

/** One end of a transfer. */
export type TransferPlace = OntapPlace | HostPlace;

/** The peering of the two SVMs, as the destination's side lists it. */
export interface SvmPeering {
  readonly state: string;
  readonly applications: readonly string[];
}

/** Everything that a plan rests on. Sizes in bytes. */
export interface TransferFacts {
  readonly object: TransferObject;
  readonly intent: TransferIntent;
  readonly source: TransferPlace;
  readonly destination: TransferPlace;
  /** As clients see it. */
  readonly sizeBytes: number;
  /** What it takes on disk; absent where ONTAP does not say, and then the size counts. */
  readonly usedBytes?: number | undefined;
  /** Something of that name is at the destination already. */
  readonly destinationExists: boolean;
  /** The volume is one end of a SnapMirror relationship: moving it to another SVM would break that. */
  readonly mirrored: boolean;
  /** Absent: not peered, or the same SVM. `unknown` where the account may not ask: ONTAP then refuses by itself. */
  readonly svmPeering?: SvmPeering | 'unknown' | undefined;
  /** The clusters are peered; meaningless within one. */
  readonly clustersPeered: boolean | 'unknown';
}

/** How far apart the two ends lie. */
export const TRANSFER_DISTANCES = ['same-volume', 'same-svm', 'same-cluster', 'other-cluster', 'host'] as const;
/** One of `TRANSFER_DISTANCES`. */
export type TransferDistance = (typeof TRANSFER_DISTANCES)[number];

/** The distance between both ends; `host` as soon as one end is no ONTAP. */
export function distanceOf({ source, destination }: Pick<TransferFacts, 'source' | 'destination'>): TransferDistance {
  if (source.kind === 'host' || destination.kind === 'host') return 'host';
  if (source.cluster !== destination.cluster) return 'other-cluster';
  if (source.svm !== destination.svm) return 'same-cluster';
  return source.volume === destination.volume ? 'same-volume' : 'same-svm';
}

/** Whether both whole volumes lie on the same aggregates, in whatever order. */
export function onSameAggregates({ source, destination }: Pick<TransferFacts, 'source' | 'destination'>): boolean {
  if (source.kind === 'host' || destination.kind === 'host') return false;
  const there = new Set(destination.aggregates);
  return source.aggregates.length === there.size && source.aggregates.every((aggregate) => there.has(aggregate));
}
