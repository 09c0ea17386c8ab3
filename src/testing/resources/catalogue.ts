/** Everything that a simulated cluster answers for. A path that is not here is not simulated: code 3. */
import type { Resource } from '../http/resource.ts';
import { clusterResource, jobResource, nodeResource, scheduleResource } from './cluster.ts';
import { clusterPeerResource } from './cluster-peers.ts';
import { fileCloneResource, fileCopyResource } from './file-offload.ts';
import { fileResource, rootDirectoryResource } from './files.ts';
import { licenseResource } from './licenses.ts';
import { lunResource } from './luns.ts';
import { namespaceResource } from './namespaces.ts';
import { policyResource } from './policies.ts';
import { relationshipResource, transferResource } from './relationships.ts';
import { snapshotPolicyResource } from './snapshot-policies.ts';
import { snapshotResource } from './snapshots.ts';
import { aggregateResource, svmPeerPermissionResource, svmPeerResource, svmResource } from './svms.ts';
import { rehostResource } from './volume-moves.ts';
import { volumeResource } from './volumes.ts';

// biome-ignore lint/suspicious/noExplicitAny: each record's type stays within its resource
export const RESOURCES: readonly Resource<any>[] = [
  clusterResource,
  nodeResource,
  jobResource,
  scheduleResource,
  clusterPeerResource,
  licenseResource,
  svmResource,
  svmPeerResource,
  svmPeerPermissionResource,
  aggregateResource,
  volumeResource,
  snapshotResource,
  fileResource,
  rootDirectoryResource,
  rehostResource,
  lunResource,
  namespaceResource,
  fileCloneResource,
  fileCopyResource,
  relationshipResource,
  transferResource,
  policyResource,
  snapshotPolicyResource,
];
