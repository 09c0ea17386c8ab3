/** /svm/svms, /svm/peers, /svm/peer-permissions, /storage/aggregates. */
import {
  type ClusterState,
  SVM_PEER_STATES,
  type SvmPeer,
  type SvmPeerPermission,
  type SvmPeerState,
} from '../cluster-state.ts';
import type { Outcome, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { later } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { Aggregate, Svm } from '../svm.ts';
import * as fields from './rest-fields.ts';

export const svmResource: Resource<Svm> = {
  path: '/svm/svms',
  schema: schema(fields.SVM),
  keys: ['uuid', 'name'],
  records: ({ cluster, svm }) => (svm ? [svm] : cluster.svms),
  key: ({ uuid }) => uuid,
  view: ({ uuid, name, state }, { cluster }) => ({
    uuid,
    name,
    state,
    subtype: 'default',
    language: 'c.utf_8',
    ipspace: { name: 'Default' },
    aggregates: cluster.aggregates.map((aggregate) => ({ name: aggregate.name, uuid: aggregate.uuid })),
  }),
};

export const aggregateResource: Resource<Aggregate> = {
  path: '/storage/aggregates',
  schema: schema(fields.AGGREGATE),
  keys: ['uuid', 'name'],
  clusterOnly: ({ cluster }) => cluster.physics.switches.aggregatesInSvmScope === 'refused',
  records: ({ cluster }) => cluster.aggregates,
  key: ({ uuid }) => uuid,
  view: (aggregate, { cluster }) => {
    const used = cluster.usedBytes(aggregate);
    const node = cluster.nodes.find(({ name }) => name === aggregate.node);
    return {
      uuid: aggregate.uuid,
      name: aggregate.name,
      state: 'online',
      space: { block_storage: { size: aggregate.sizeBytes, used, available: aggregate.sizeBytes - used } },
      node: { name: aggregate.node, ...(node ? { uuid: node.uuid } : {}) },
      home_node: { name: aggregate.node, ...(node ? { uuid: node.uuid } : {}) },
      block_storage: { primary: { disk_type: 'ssd', raid_type: 'raid_dp' }, storage_type: 'ssd' },
    };
  },
};

/**
 * Each cluster has its own half of a peering. A new one begins as `initiated` here and `pending` there, until the other
 * side accepts it with PATCH state=peered; within one cluster it is peered at once.
 */
export const svmPeerResource: Resource<SvmPeer> = {
  path: '/svm/peers',
  schema: schema(fields.SVM_PEER),
  keys: ['uuid', 'name'],
  arguments: { DELETE: ['force'] },
  patchable: ['applications', 'state', 'name'],
  records: ({ cluster, svm }) => cluster.svmPeers.filter((peer) => svm === undefined || peer.svm === svm),
  key: ({ uuid }) => uuid,
  view: ({ uuid, svm, peerSvm, peerCluster, alias, state, applications }) => ({
    uuid,
    name: alias,
    state,
    applications,
    svm: { name: svm.name, uuid: svm.uuid },
    peer: {
      svm: { name: peerSvm.name, uuid: peerSvm.uuid },
      cluster: { name: peerCluster.name, uuid: peerCluster.uuid },
    },
  }),
  hangMs: ({ cluster }) => {
    const dead = cluster.svmPeers.some(({ peerCluster }) => !peerCluster.alive);
    return dead ? cluster.physics.switches.svmPeersWithDeadPeerMs : 0;
  },

  post(context, body) {
    const { cluster } = context;
    if (context.svm === undefined) body.require('svm.name');
    body.require('peer.svm.name', 'applications');
    const svmName = body.text('svm.name') ?? context.svm?.name ?? '';
    const svm = cluster.svmNamed(svmName);
    if (!svm) throw new Refusal('svmUnknown', { svm: svmName });
    const applications = body.texts('applications');
    const peerClusterName = body.text('peer.cluster.name') ?? cluster.name;
    const peerCluster = peerOf(cluster, peerClusterName);
    if (peerCluster !== cluster && applications.includes('lun_copy')) throw new Refusal('lunCopyNotBetweenClusters');
    const peerName = body.text('peer.svm.name') ?? '';
    const peerSvm = peerCluster.svmNamed(peerName);
    if (!peerSvm) throw new Refusal('svmUnknown', { svm: peerName });
    if (cluster.svmPeers.some((known) => known.svm === svm && known.peerSvm === peerSvm)) {
      throw new Refusal('svmPeerExists');
    }
    const alias = body.text('name') ?? peerSvm.name;
    const local = peerCluster === cluster;
    const accepted = local || permits(peerCluster, peerSvm, cluster, applications);
    if (!local && cluster.freeAlias(alias, peerSvm) !== alias) throw new Refusal('svmPeerNameClash', { name: alias });
    const own: SvmPeer = {
      uuid: cluster.physics.random.uuid(),
      svm,
      peerSvm,
      peerCluster,
      alias,
      state: accepted ? 'peered' : 'initiated',
      applications,
    };
    const job = cluster.startJob(context, peering({ cluster, own }));
    return { done: false, job, record: () => own, location: `/svm/peers/${own.uuid}` };
  },

  patch(context, peer, body) {
    const { cluster } = context;
    const other = otherHalf(peer);
    const state = body.text('state') as SvmPeerState | undefined;
    if (state !== undefined && !mayBecome(peer.state, state)) {
      throw new Refusal('svmPeerNotPending', { state, from: peer.state });
    }
    const alias = body.text('name');
    if (alias !== undefined && alias !== peer.alias && cluster.freeAlias(alias, peer.peerSvm) !== alias) {
      throw new Refusal('svmPeerNameClash', { name: alias });
    }
    const applications = body.has('applications') ? body.texts('applications') : undefined;
    return {
      done: false,
      job: cluster.startJob(context, changing({ cluster, peer, other, applications, state, alias })),
    };
  },

  remove(context, peer): Outcome<SvmPeer> {
    const { cluster } = context;
    const force = context.arguments.boolean('force', false);
    const inUse = context.snapmirror.relationships.some(({ source, destination, existsAtDestination }) => {
      const svms = [source.volume.svm, destination.volume.svm];
      return existsAtDestination && svms.includes(peer.svm) && svms.includes(peer.peerSvm);
    });
    if (inUse && !force) throw new Refusal('svmPeerInUse');
    return { done: false, job: cluster.startJob(context, unpeering({ cluster, peer, force })) };
  },
};

const peering = later(
  'SVM peer: make',
  ({ cluster, own }: { readonly cluster: ClusterState; readonly own: SvmPeer }) => {
    const { svm, peerSvm, peerCluster, state, applications } = own;
    if (!cluster.reaches(peerCluster)) throw unreachable(peerCluster);
    // Another request may have been quicker since this one was taken.
    if (cluster.svmPeers.some((known) => known.svm === svm && known.peerSvm === peerSvm)) {
      throw new Refusal('svmPeerExists');
    }
    cluster.svmPeers.push(own);
    peerCluster.svmPeers.push({
      uuid: cluster.physics.random.uuid(),
      svm: peerSvm,
      peerSvm: svm,
      peerCluster: cluster,
      alias: peerCluster === cluster ? svm.name : peerCluster.freeAlias(svm.name, svm),
      state: state === 'peered' ? 'peered' : 'pending',
      applications,
    });
  },
);

interface PeerChange {
  readonly cluster: ClusterState;
  readonly peer: SvmPeer;
  readonly other: SvmPeer | undefined;
  readonly applications: readonly string[] | undefined;
  readonly state: SvmPeerState | undefined;
  readonly alias: string | undefined;
}

const changing = later('SVM peer: change', ({ cluster, peer, other, applications, state, alias }: PeerChange) => {
  if (!cluster.reaches(peer.peerCluster)) throw unreachable(peer.peerCluster);
  for (const half of other ? [peer, other] : [peer]) {
    if (applications) half.applications = applications;
    if (state !== undefined) half.state = state;
  }
  if (alias !== undefined) peer.alias = alias;
});

const unpeering = later(
  'SVM peer: remove',
  ({ cluster, peer, force }: { readonly cluster: ClusterState; readonly peer: SvmPeer; readonly force: boolean }) => {
    const { peerCluster } = peer;
    if (!cluster.reaches(peerCluster) && !force) throw unreachable(peerCluster);
    const other = otherHalf(peer);
    cluster.svmPeers = cluster.svmPeers.filter((known) => known !== peer);
    if (cluster.reaches(peerCluster)) peerCluster.svmPeers = peerCluster.svmPeers.filter((known) => known !== other);
  },
);

/** Permissions belong to the cluster whose SVM others may become peers of. Their key is of two parts. */
export const svmPeerPermissionResource: Resource<SvmPeerPermission> = {
  path: '/svm/peer-permissions',
  keyParts: 2,
  schema: schema(fields.SVM_PEER_PERMISSION),
  keys: ['cluster_peer.uuid', 'cluster_peer.name', 'svm.uuid', 'svm.name'],
  patchable: ['applications'],
  clusterOnly: () => true,
  records: ({ cluster }) => cluster.svmPeerPermissions,
  key: ({ svm, clusterPeer }) => `${clusterPeer.uuid}/${svm.uuid}`,
  view: ({ svm, clusterPeer, applications }) => ({
    svm: { name: svm.name, uuid: svm.uuid },
    cluster_peer: { name: clusterPeer.name, uuid: clusterPeer.uuid },
    applications,
  }),

  post({ cluster }, body) {
    const svmWanted = body.text('svm.uuid') ?? body.text('svm.name');
    const peerWanted = body.text('cluster_peer.uuid') ?? body.text('cluster_peer.name');
    if (svmWanted === undefined) throw new Refusal('requiredMissing', { name: 'svm.name' });
    if (peerWanted === undefined) throw new Refusal('requiredMissing', { name: 'cluster_peer.name' });
    body.require('applications');
    const svm = cluster.svms.find(({ name, uuid }) => name === svmWanted || uuid === svmWanted);
    if (!svm) throw new Refusal('svmUnknown', { svm: svmWanted });
    const clusterPeer = cluster.peers.find((known) => known.name === peerWanted || known.uuid === peerWanted);
    if (!clusterPeer) throw new Refusal('clusterNotPeered', { cluster: peerWanted, name: 'cluster_peer.name' });
    if (cluster.svmPeerPermissions.some((known) => known.svm === svm && known.clusterPeer === clusterPeer)) {
      throw new Refusal('duplicateEntry');
    }
    const permission = { svm, clusterPeer, applications: body.texts('applications') };
    cluster.svmPeerPermissions.push(permission);
    return { done: true, record: permission, location: `/svm/peer-permissions/${clusterPeer.uuid}/${svm.uuid}` };
  },

  patch(_, permission, body) {
    if (body.has('applications')) permission.applications = body.texts('applications');
    return { done: true };
  },

  remove({ cluster }, permission) {
    cluster.svmPeerPermissions = cluster.svmPeerPermissions.filter((known) => known !== permission);
    return { done: true };
  },
};

function permits(cluster: ClusterState, svm: Svm, asking: ClusterState, applications: readonly string[]): boolean {
  return cluster.svmPeerPermissions.some(
    (permission) =>
      permission.svm === svm &&
      permission.clusterPeer.cluster === asking &&
      applications.every((application) => permission.applications.includes(application)),
  );
}

function peerOf(cluster: ClusterState, name: string): ClusterState {
  if (name === cluster.name) return cluster;
  const peer = cluster.peers.find((known) => known.inUse && (known.name === name || known.cluster?.name === name));
  if (!peer?.cluster) throw new Refusal('clusterNotPeered', { cluster: name, name: 'peer.cluster.name' });
  if (!cluster.reaches(peer.cluster)) throw unreachable(peer.cluster);
  return peer.cluster;
}

function unreachable(peer: ClusterState): Refusal {
  return new Refusal('peerUnreachable', { cluster: peer.name, node: peer.firstNode });
}

function otherHalf(peer: SvmPeer): SvmPeer | undefined {
  return peer.peerCluster.svmPeers.find(
    (other) => other !== peer && other.svm === peer.peerSvm && other.peerSvm === peer.svm,
  );
}

function mayBecome(from: SvmPeerState, to: SvmPeerState): boolean {
  if (!SVM_PEER_STATES.includes(to)) return false;
  if (from === to) return true;
  const allowed: Partial<Record<SvmPeerState, readonly SvmPeerState[]>> = {
    pending: ['peered', 'rejected'],
    peered: ['suspended'],
    suspended: ['peered'],
  };
  return allowed[from]?.includes(to) ?? false;
}

/** The peering that lets an SVM use SnapMirror with another, found by what the other is called here. */
export function peeringFor(cluster: ClusterState, svm: Svm, alias: string): SvmPeer | undefined {
  return cluster.svmPeers.find((peer) => peer.svm === svm && peer.alias === alias);
}
