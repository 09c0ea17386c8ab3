/** Storage virtual machines, the aggregates they use, and their peerings. */

export class Svm {
  readonly uuid: string;
  readonly name: string;
  state: 'running' | 'stopped' = 'running';

  constructor(uuid: string, name: string) {
    this.uuid = uuid;
    this.name = name;
  }
}

export class Aggregate {
  readonly uuid: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly node: string;

  constructor(uuid: string, name: string, sizeBytes: number, node: string) {
    this.uuid = uuid;
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.node = node;
  }
}

export const SVM_PEER_STATES = ['peered', 'rejected', 'suspended', 'initiated', 'pending', 'initializing'] as const;
export type SvmPeerState = (typeof SVM_PEER_STATES)[number];

/** One half of a peering of two SVMs, as the cluster of `svm` sees it. Both halves have their own uuid, state and alias. */
export interface SvmPeer {
  readonly uuid: string;
  readonly svm: Svm;
  readonly peerSvm: Svm;
  /** Name of the cluster of the peer; the own cluster's within one cluster. */
  readonly peerCluster: string;
  /** What the peer SVM is called here, in paths too. */
  alias: string;
  state: SvmPeerState;
  applications: readonly string[];
}
