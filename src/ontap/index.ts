/** `ontap-data-motion/ontap`: ONTAP in our words, and the adapter over the REST client. */
export type {
  Aggregate,
  Change,
  ClusterFacts,
  ClusterPeer,
  DeleteScope,
  Job,
  JobState,
  KnownDestination,
  Licence,
  MirrorEnd,
  OntapSvm,
  Policy,
  PortOptions,
  Relationship,
  RelationshipFilter,
  Snapshot,
  SvmPeer,
  SvmPeerApplication,
  Transfer,
  UnhealthyReason,
  Volume,
  VolumeSpec,
  VolumeType,
} from './ontap-svm.ts';
export { SVM_PEER_APPLICATIONS } from './ontap-svm.ts';
export { RestOntapSvm, type RestOntapSvmOptions } from './rest-ontap-svm.ts';
