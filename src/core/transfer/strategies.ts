/**
 * Core (layer 1): every way to transfer data, as rows. Their order is the order of preference: what moves no data first, then what
 * moves it inside the storage, then between clusters, and the host last. docs/transfer.md is generated from these rows.
 */
import type { OntapPlace, TransferFacts, TransferIntent, TransferObject } from './facts.ts';
import type { RequirementName } from './requirements.ts';

/** Every strategy, in the order of preference. */
export const TRANSFER_STRATEGIES = [
  'rename',
  'file-clone',
  'lun-clone',
  'namespace-clone',
  'flexclone',
  'rehost',
  'lun-move',
  'volume-move',
  'file-copy',
  'lun-copy',
  'snapmirror-local',
  'snapmirror-remote',
  'host-stream',
] as const;
/** One of `TRANSFER_STRATEGIES`. */
export type TransferStrategy = (typeof TRANSFER_STRATEGIES)[number];

/** What the moved bytes go over: nothing, the cluster's own disks and interconnect, the link between clusters, or this host (twice). */
export type TransferLink = 'none' | 'cluster' | 'between-clusters' | 'host';

/** One row. */
export interface Strategy {
  readonly summary: string;
  readonly objects: readonly TransferObject[];
  readonly intents: readonly TransferIntent[];
  readonly requires: readonly RequirementName[];
  readonly link: TransferLink;
  /** The destination is usable at once; data that still has to go follows in the background. */
  readonly instant: boolean;
  /** ONTAP counts it against its limit of 50 copies and moves at once (7018877). */
  readonly counted: boolean;
  /** The source is gone by itself; otherwise a move deletes it once the destination is proven whole. */
  readonly takesSource: boolean;
  /** What is found when it is cut off, and what becomes of it at the next call. */
  readonly leavesBehind: string;
  /** The requests that it makes, without those that only look. */
  readonly calls: (facts: TransferFacts) => readonly string[];
}

const COPY_AND_MOVE: readonly TransferIntent[] = ['copy', 'move'];
const NOTHING = 'nothing: it is done or it is not';

/** The rows by name. */
export const STRATEGIES: Readonly<Record<TransferStrategy, Strategy>> = {
  rename: {
    summary: 'give it its new name where it lies',
    objects: ['file', 'lun', 'namespace'],
    intents: ['move'],
    requires: ['same-volume', 'writable-source'],
    link: 'none',
    instant: true,
    counted: false,
    takesSource: true,
    leavesBehind: NOTHING,
    calls: ({ object }) => [
      object === 'file' ? 'PATCH /storage/volumes/{uuid}/files/{path}' : `PATCH /storage/${object}s/{uuid}`,
    ],
  },
  'file-clone': cloneInVolume('file', 'file', 'POST /storage/file/clone'),
  'lun-clone': cloneInVolume('lun', 'LUN', 'POST /storage/luns'),
  'namespace-clone': cloneInVolume('namespace', 'NVMe namespace', 'POST /storage/namespaces'),
  flexclone: {
    summary: 'a FlexClone of the volume, split from its parent afterwards',
    objects: ['volume'],
    intents: ['copy'],
    requires: ['same-svm', 'same-style', 'same-aggregates', 'flexclone-licence'],
    link: 'none',
    instant: true,
    counted: false,
    takesSource: false,
    leavesBehind: 'the clone, unsplit: usable, and split at the next call',
    calls: () => ['POST /storage/volumes', 'PATCH /storage/volumes/{uuid} clone.split_initiated'],
  },
  rehost: {
    summary: 'give the volume to the other SVM where it lies',
    objects: ['volume'],
    intents: ['move'],
    requires: [
      'same-cluster',
      'other-svm',
      'flexvols',
      'same-aggregates',
      'writable-source',
      'not-mirrored',
      'cluster-account',
    ],
    link: 'none',
    instant: true,
    counted: false,
    takesSource: true,
    leavesBehind: 'an unmounted volume in one SVM or the other, mounted at the next call',
    calls: () => [
      'PATCH /storage/volumes/{uuid} nas.path',
      'POST /private/cli/volume/rehost',
      'PATCH /storage/volumes/{uuid} nas.path',
    ],
  },
  'lun-move': {
    summary: 'move the LUN; hosts go on, and its data follows',
    objects: ['lun'],
    intents: ['move'],
    requires: ['same-svm', 'other-volume', 'flexvols', 'writable-source', 'writable-destination'],
    link: 'cluster',
    instant: true,
    counted: true,
    takesSource: true,
    leavesBehind: 'a running move, which the next call waits for',
    calls: () => ['PATCH /storage/luns/{uuid} name'],
  },
  'volume-move': {
    summary: 'move the volume to other aggregates; clients go on',
    objects: ['volume'],
    intents: ['move'],
    requires: ['same-svm', 'same-volume', 'flexvols', 'other-aggregates', 'cluster-account'],
    link: 'cluster',
    instant: false,
    counted: false,
    takesSource: true,
    leavesBehind:
      'a running move, which the next call waits for; the volume stays whole where it was until the cutover',
    calls: () => ['PATCH /storage/volumes/{uuid} movement.destination_aggregate.name'],
  },
  'file-copy': {
    summary: 'the storage copies the file (copy offload)',
    objects: ['file'],
    intents: COPY_AND_MOVE,
    requires: ['same-cluster', 'other-volume', 'flexvols', 'writable-destination', 'peer-file-copy'],
    link: 'cluster',
    instant: false,
    counted: true,
    takesSource: false,
    leavesBehind: 'a half-written file under a name of its own, removed at the next call',
    calls: () => ['POST /storage/file/copy', 'PATCH /storage/volumes/{uuid}/files/{path}'],
  },
  'lun-copy': {
    summary: 'the storage copies the LUN (copy offload)',
    objects: ['lun'],
    intents: COPY_AND_MOVE,
    requires: ['same-cluster', 'other-volume', 'flexvols', 'writable-destination', 'peer-lun-copy'],
    link: 'cluster',
    instant: false,
    counted: true,
    takesSource: false,
    leavesBehind: 'a half-written LUN under a name of its own, removed at the next call',
    calls: () => ['POST /storage/luns', 'PATCH /storage/luns/{uuid} name'],
  },
  'snapmirror-local': {
    summary: 'SnapMirror once, within the cluster: create, initialise, break, release',
    objects: ['volume'],
    intents: COPY_AND_MOVE,
    requires: ['same-cluster', 'other-volume', 'same-style', 'snapmirror-licence', 'peer-snapmirror'],
    link: 'cluster',
    instant: false,
    counted: false,
    takesSource: false,
    leavesBehind: 'a volume under a name of its own and its relationship, with which the next call goes on',
    calls: snapmirrorCalls,
  },
  'snapmirror-remote': {
    summary: 'SnapMirror once, between clusters: create, initialise, break, release',
    objects: ['volume'],
    intents: COPY_AND_MOVE,
    requires: ['other-cluster', 'same-style', 'placed', 'clusters-peered', 'snapmirror-licence', 'peer-snapmirror'],
    link: 'between-clusters',
    instant: false,
    counted: false,
    takesSource: false,
    leavesBehind: 'a volume under a name of its own and its relationship, with which the next call goes on',
    calls: snapmirrorCalls,
  },
  'host-stream': {
    summary: 'this host reads and writes the bytes, with checksums',
    objects: ['file', 'lun', 'namespace'],
    intents: COPY_AND_MOVE,
    requires: ['host-readable', 'host-writable'],
    link: 'host',
    instant: false,
    counted: false,
    takesSource: false,
    leavesBehind:
      'a half-written file under a name of its own, with which the next call goes on; a device is half-written',
    calls: ({ source, destination }) => [
      ...(overRest(source) ? ['GET /storage/volumes/{uuid}/files/{path} (ranges)'] : []),
      ...(overRest(destination)
        ? [
            'POST and PATCH /storage/volumes/{uuid}/files/{path} (ranges)',
            'PATCH /storage/volumes/{uuid}/files/{path} path',
          ]
        : []),
    ],
  },
};

/** Clones of a file, LUN or namespace differ in nothing but the request. */
function cloneInVolume(object: TransferObject, called: string, call: string): Strategy {
  return {
    summary: `a clone of the ${called}, which shares its blocks`,
    objects: [object],
    intents: ['copy'],
    requires: ['same-volume', 'writable-destination', 'flexclone-licence'],
    link: 'none',
    instant: true,
    counted: false,
    takesSource: false,
    leavesBehind: NOTHING,
    calls: () => [call],
  };
}

function snapmirrorCalls(): readonly string[] {
  return [
    'POST /storage/volumes type dp',
    'POST /snapmirror/relationships',
    'PATCH /snapmirror/relationships/{uuid} state snapmirrored',
    'PATCH /snapmirror/relationships/{uuid} state broken_off',
    'DELETE /snapmirror/relationships/{uuid}',
    'PATCH /storage/volumes/{uuid} name',
  ];
}

function overRest(place: TransferFacts['source']): place is OntapPlace {
  return place.kind === 'ontap' && place.hostPath === undefined;
}
