/**
 * Port (layer 2): ONTAP in our words, as an orchestrator of one SVM sees it. The generated REST types stop at the
 * adapter behind this port. Every method may throw OntapError; every method takes a signal. Reads never change anything.
 *
 * Contract:
 * - Objects are named by UUID once resolved; names are only for finding them.
 * - A change either is finished when its promise resolves or names the job that carries it on (`Change`).
 * - A change whose answer was lost is never sent twice blindly: the adapter looks first, and throws
 *   `ONTAP_OUTCOME_UNKNOWN` when looking does not settle it.
 * - "Not there" is `undefined` or an empty list from a read, `ONTAP_NOT_FOUND` from a change.
 */

import type { MirrorState, PolicyKind, TransferState, TransferType } from '../core/mirror/vocabulary.ts';
import type { OntapError } from '../errors.ts';

/** Last argument of every method. */
export interface PortOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Last argument of every change. */
export interface ChangeOptions extends PortOptions {
  /**
   * Whether ONTAP may hold its answer back for a while to finish the change first (default true): saves a poll for one change, and
   * wastes the few requests in flight when there are many.
   */
  readonly hold?: boolean | undefined;
}

/** Last argument of a change that ONTAP can be asked about beforehand. */
export interface ValidatedChangeOptions extends ChangeOptions {
  /**
   * Only say whether the change would be refused, by the errors of the change itself; nothing is changed (default false). Releases that
   * do not know the question refuse it with code 262179.
   */
  readonly validateOnly?: boolean | undefined;
}

/** A change is done, or a job on the cluster carries it on. */
export type Change = { readonly done: true } | { readonly done: false; readonly job: string };

/** State of a job; queued and paused ones count as running. */
export type JobState = 'running' | 'success' | 'failure' | 'gone';

/** A job's record; `gone` when ONTAP purged it (300 s after its end), which says nothing about its result. */
export interface Job {
  readonly uuid: string;
  readonly state: JobState;
  /** Only for failures: ONTAP's code and message, mapped. */
  readonly error?: OntapError | undefined;
}

/** What a cluster is and which release it runs. */
export interface ClusterFacts {
  readonly uuid: string;
  readonly name: string;
  /** `NetApp Release 9.14.1: ...` */
  readonly release: string;
  readonly generation: number;
  readonly major: number;
  readonly minor: number;
}

/** The `type` values of ONTAP's volumes. */
export const VOLUME_TYPES = ['rw', 'dp', 'ls'] as const;
/** read-write, data-protection (the destination of a mirror), load-sharing. */
export type VolumeType = (typeof VOLUME_TYPES)[number];

/** A volume. Sizes in bytes. */
export interface Volume {
  readonly uuid: string;
  readonly name: string;
  readonly svm: string;
  readonly type: VolumeType;
  readonly style: 'flexvol' | 'flexgroup' | 'flexgroup_constituent';
  readonly state: 'online' | 'offline' | 'restricted' | 'mixed' | 'error';
  readonly sizeBytes: number;
  /** What its content takes; absent where ONTAP does not say. */
  readonly usedBytes?: number | undefined;
  readonly aggregates: readonly string[];
  readonly junctionPath?: string | undefined;
  readonly guarantee?: 'none' | 'volume' | undefined;
  readonly language?: string | undefined;
  readonly snapshotReservePercent?: number | undefined;
  readonly snapshotPolicy?: string | undefined;
  readonly encrypted: boolean;
  readonly dedupe: boolean;
  readonly compression: boolean;
  /** Free text of its administrators. */
  readonly comment?: string | undefined;
  /** Only for a FlexClone volume that was not split off: what it is a clone of. */
  readonly cloneOf?: string | undefined;
}

/** What a change of a volume may set; what is left out stays. */
export interface VolumeChange {
  /** Renames. */
  readonly name?: string | undefined;
  readonly comment?: string | undefined;
  /** Null unmounts. */
  readonly junctionPath?: string | null | undefined;
  /** A volume has to be unmounted before it goes offline. */
  readonly state?: 'online' | 'offline' | undefined;
  readonly dedupe?: boolean | undefined;
  readonly compression?: boolean | undefined;
}

/** What a new volume is to be. Units: bytes, percent. */
export interface VolumeSpec {
  readonly name: string;
  readonly type: 'rw' | 'dp';
  readonly style: 'flexvol' | 'flexgroup';
  readonly sizeBytes: number;
  /** One for a FlexVol. */
  readonly aggregates: readonly string[];
  /** Of a FlexGroup (default 1). */
  readonly constituentsPerAggregate?: number | undefined;
  readonly junctionPath?: string | undefined;
  readonly guarantee?: 'none' | 'volume' | undefined;
  readonly language?: string | undefined;
  readonly snapshotReservePercent?: number | undefined;
  readonly snapshotPolicy?: string | undefined;
  readonly encrypted?: boolean | undefined;
  readonly dedupe?: boolean | undefined;
  readonly compression?: boolean | undefined;
}

/** One end of a relationship. `svm` and `volume` are absent where the path is not `svm:volume` (object stores, SVMs). */
export interface MirrorEnd {
  readonly path: string;
  readonly svm?: string | undefined;
  readonly volume?: string | undefined;
  /** Its cluster, as the reporting cluster calls it; absent when that is the reporting cluster itself. */
  readonly cluster?: string | undefined;
}

/** A transfer of a relationship. */
export interface Transfer {
  /** Only while the transfer runs. */
  readonly uuid?: string | undefined;
  readonly state: TransferState;
  readonly type?: TransferType | undefined;
  readonly bytesTransferred?: number | undefined;
  /** Epoch milliseconds. */
  readonly endedAt?: number | undefined;
}

/** Why ONTAP calls a relationship unhealthy, in its words. */
export interface UnhealthyReason {
  readonly code?: string | undefined;
  readonly message: string;
}

/** A SnapMirror relationship as its destination shows it. */
export interface Relationship {
  readonly uuid: string;
  readonly source: MirrorEnd;
  readonly destination: MirrorEnd;
  readonly state: MirrorState;
  /** Absent where ONTAP does not say (some views and releases). */
  readonly healthy?: boolean | undefined;
  readonly unhealthyReasons: readonly UnhealthyReason[];
  readonly policy?: { readonly name: string; readonly kind?: PolicyKind | undefined } | undefined;
  /** The running transfer or, after it, the last one's result; absent if there never was one. */
  readonly transfer?: Transfer | undefined;
  /** Age of the exported snapshot in seconds; absent when uninitialized, whatever ONTAP reports then. */
  readonly lagSeconds?: number | undefined;
  readonly exportedSnapshot?: string | undefined;
  readonly transferSchedule?: string | undefined;
}

/** A destination as the source cluster remembers it (list_destinations_only): no state, no health. */
export interface KnownDestination {
  readonly uuid: string;
  readonly source: MirrorEnd;
  readonly destination: MirrorEnd;
}

/** Which relationships to list; both ends must match. */
export interface RelationshipFilter {
  /** Local name of the source SVM and volume; `undefined` = any. */
  readonly source?: { readonly svm?: string | undefined; readonly volume?: string | undefined } | undefined;
  readonly destination?: { readonly svm?: string | undefined; readonly volume?: string | undefined } | undefined;
}

/** A SnapMirror policy. */
export interface Policy {
  readonly uuid: string;
  readonly name: string;
  readonly kind: PolicyKind;
  /** Name of the policy's own transfer schedule. */
  readonly transferSchedule?: string | undefined;
}

/** An SVM peer relationship as one of its sides shows it. */
export interface SvmPeer {
  readonly uuid: string;
  readonly localSvm: string;
  /** The peer SVM's name where it lives; `alias` is what it is called here. */
  readonly peerSvm: string;
  readonly peerCluster?: string | undefined;
  readonly alias: string;
  readonly state: 'peered' | 'rejected' | 'suspended' | 'initiated' | 'pending' | 'initializing';
  readonly applications: readonly SvmPeerApplication[];
}

/** A snapshot of a volume. The same snapshot has the same `versionUuid` on both ends of a mirror, whatever its uuid. */
export interface Snapshot {
  readonly uuid: string;
  readonly name: string;
  readonly versionUuid: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly sizeBytes?: number | undefined;
}

/** What an SVM peering may be used for. */
export const SVM_PEER_APPLICATIONS = ['snapmirror', 'file_copy', 'lun_copy', 'flexcache'] as const;
/** One of `SVM_PEER_APPLICATIONS`. */
export type SvmPeerApplication = (typeof SVM_PEER_APPLICATIONS)[number];

/** Another cluster, as this one knows it. */
export interface ClusterPeer {
  readonly uuid: string;
  /** What it is called here; `remoteName` is what it calls itself, where ONTAP says. */
  readonly name: string;
  readonly remoteName?: string | undefined;
  readonly state?: 'available' | 'partial' | 'unavailable' | 'pending' | 'unidentified' | undefined;
}

/** Where volumes are placed. Sizes in bytes. */
export interface Aggregate {
  readonly name: string;
  /** ONTAP's word; `online` is the one that takes volumes. */
  readonly state?: string | undefined;
  readonly availableBytes?: number | undefined;
}

/** A package that the cluster is licensed for. */
export interface Licence {
  readonly name: string;
  /** ONTAP's word: `compliant`, `noncompliant`, `unlicensed`, `unknown`. */
  readonly state?: string | undefined;
}

/** How much of a relationship a delete removes. */
export type DeleteScope =
  /** Called on the destination: the destination's half only; the source still lists it. */
  | 'destination'
  /** Called on the source: its entry and the snapshots held for it. */
  | 'source'
  /** The source's entry only; snapshots stay. */
  | 'source-info'
  /** Called on the destination, which has to reach the source: both halves, and SnapMirror's own snapshots on both ends. */
  | 'both';

/** One SVM of one cluster; see the contract above. */
export interface OntapSvm {
  /** Name of the backend, for messages. */
  readonly backend: string;
  /** Host of the cluster, for messages. */
  readonly cluster: string;
  /** The SVM that this view is of. */
  readonly svm: string;
  /** What `clusterFacts` answered, if it was ever asked and answered. */
  readonly knownFacts: ClusterFacts | undefined;

  /** Identity and release of the cluster; asked once, then remembered. */
  clusterFacts(options?: PortOptions): Promise<ClusterFacts>;
  /** ONTAP's word (`running`, `stopped`, ...); undefined when the SVM does not exist on this cluster. */
  svmState(options?: PortOptions): Promise<string | undefined>;
  /** Peers of the cluster. Accounts of an SVM may not ask: `ONTAP_DENIED`, or `ONTAP_TOO_OLD` (code 3). */
  clusterPeers(options?: PortOptions): Promise<readonly ClusterPeer[]>;
  /** Aggregates of the cluster. Accounts of an SVM may not ask, as with `clusterPeers`. */
  aggregates(options?: PortOptions): Promise<readonly Aggregate[]>;
  /** What the cluster is licensed for. Accounts of an SVM may not ask, as with `clusterPeers`. */
  licences(options?: PortOptions): Promise<readonly Licence[]>;

  /** The volume of that name in this SVM, whatever its type and style. */
  volume(name: string, options?: PortOptions): Promise<Volume | undefined>;
  /** All FlexVols and FlexGroups of the SVM but its root volume. */
  volumes(options?: PortOptions): AsyncIterable<Volume>;
  /** How many constituents a FlexGroup has; 0 for a FlexVol. */
  constituentCount(volumeUuid: string, options?: PortOptions): Promise<number>;
  /** All snapshots of a volume, in no particular order. */
  snapshots(volumeUuid: string, options?: PortOptions): AsyncIterable<Snapshot>;
  /** Bytes by which the volume differs from one of its snapshots now; undefined where ONTAP does not say. */
  writtenSince(volumeUuid: string, snapshot: string, options?: PortOptions): Promise<number | undefined>;
  /** `ONTAP_EXISTS` when the name is taken. A new volume may take a while to come online. */
  createVolume(spec: VolumeSpec, options?: ChangeOptions): Promise<Change>;
  /** Mounts a volume at a junction path, whatever its present one. */
  mountVolume(uuid: string, junctionPath: string, options?: ValidatedChangeOptions): Promise<Change>;
  /** Changes what `VolumeChange` names of a volume, and nothing else. */
  changeVolume(uuid: string, to: VolumeChange, options?: ChangeOptions): Promise<Change>;
  /** A FlexClone volume of one snapshot: writable, in the same aggregate, sharing all blocks with its parent. */
  cloneVolume(
    spec: {
      readonly name: string;
      readonly parentVolume: string;
      readonly parentSnapshot: string;
      readonly junctionPath?: string | undefined;
      readonly comment?: string | undefined;
    },
    options?: ChangeOptions,
  ): Promise<Change>;
  /** Unmounted volumes only. What it holds is gone. */
  deleteVolume(uuid: string, options?: ChangeOptions): Promise<Change>;

  /** Relationships whose destination is in this SVM. */
  relationships(filter: RelationshipFilter, options?: PortOptions): AsyncIterable<Relationship>;
  /** One relationship whose destination is in this SVM. */
  relationship(uuid: string, options?: PortOptions): Promise<Relationship | undefined>;
  /** Destinations of sources in this SVM, wherever they are. */
  knownDestinations(filter: RelationshipFilter, options?: PortOptions): AsyncIterable<KnownDestination>;
  /** Makes a relationship, without its baseline. `ONTAP_EXISTS` when there is one. */
  createRelationship(
    spec: {
      readonly source: { readonly svm: string; readonly volume: string };
      readonly destinationVolume: string;
      readonly policy: string;
      readonly transferSchedule?: string | undefined;
    },
    options?: ValidatedChangeOptions,
  ): Promise<Change>;
  /** PATCH of the state: what it means depends on the state it is in (initialise, resume, resync, quiesce, break). */
  setRelationshipState(
    uuid: string,
    state: Extract<MirrorState, 'snapmirrored' | 'in_sync' | 'paused' | 'broken_off'>,
    options?: ValidatedChangeOptions & {
      readonly preserve?: boolean;
      readonly quickResync?: boolean;
      readonly force?: boolean;
    },
  ): Promise<Change>;
  /** Starts a transfer: the baseline of an uninitialized relationship, an update otherwise. */
  startTransfer(relationshipUuid: string, options?: PortOptions): Promise<void>;
  /** Transfers running now (ended ones, which ONTAP lists for a day, are left out). */
  runningTransfers(relationshipUuid: string, options?: PortOptions): Promise<readonly Transfer[]>;
  /** Ends a running transfer, keeping its restart checkpoint unless it is to be cleared. */
  abortTransfer(
    relationshipUuid: string,
    transferUuid: string,
    options?: PortOptions & { readonly clearCheckpoint?: boolean },
  ): Promise<void>;
  /** Removes a relationship, or its half on this side; see `DeleteScope`. */
  deleteRelationship(uuid: string, scope: DeleteScope, options?: ChangeOptions): Promise<Change>;

  /** The SVM's own policy of that name or, without one, the cluster's. */
  policy(name: string, options?: PortOptions): Promise<Policy | undefined>;
  /** Whether the cluster has a schedule of that name. */
  scheduleExists(name: string, options?: PortOptions): Promise<boolean>;
  /** Never on the break path: with a dead peer ONTAP may take a minute to answer. */
  svmPeers(options?: PortOptions): Promise<readonly SvmPeer[]>;
  /**
   * Proposes a peering of this SVM with another. Between clusters the other side has to accept it (`setSvmPeer` there).
   * @param spec.peerCluster left out within one cluster
   * @param spec.alias what the peer SVM is to be called here, where its own name is taken
   */
  createSvmPeer(
    spec: {
      readonly peerSvm: string;
      readonly peerCluster?: string | undefined;
      readonly alias?: string | undefined;
      readonly applications: readonly SvmPeerApplication[];
    },
    options?: ChangeOptions,
  ): Promise<Change>;
  /** Accepts a proposed peering (`state: 'peered'`), or says anew what it may be used for. */
  setSvmPeer(
    uuid: string,
    to: { readonly state?: 'peered'; readonly applications?: readonly SvmPeerApplication[] },
    options?: ChangeOptions,
  ): Promise<Change>;

  /** The record of a job; one that was purged is `gone`, never an error. */
  job(uuid: string, options?: PortOptions): Promise<Job>;
  /** The records of these jobs that still exist; purged ones are left out. */
  jobs(uuids: readonly string[], options?: PortOptions): AsyncIterable<Job>;
  /**
   * Waits for a change's job to end; a failed job throws its mapped error. When the record was purged before it could be
   * read, `look` (is the effect there?) decides; without it the outcome is unknown.
   */
  finish(change: Change, options?: PortOptions & { readonly look?: () => Promise<boolean> }): Promise<void>;
}
