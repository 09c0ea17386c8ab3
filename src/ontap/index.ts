/** `ontap-data-motion/ontap`: ONTAP in our words, and the adapters over the REST client. */
export {
  type ByteRange,
  type CloneState,
  type CopyProgress,
  type FilePlace,
  MOST_BYTES_AT_ONCE,
  type OntapStorage,
  type StoredFile,
  type StoredUnit,
  UNIT_KINDS,
  type UnitKind,
  type VolumeMovement,
} from './ontap-storage.ts';
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
export { RestOntapStorage } from './rest-ontap-storage.ts';
export { RestOntapSvm, type RestOntapSvmOptions } from './rest-ontap-svm.ts';
