/** `ontap-data-motion/ontap`: ONTAP in our words, and the adapter over the REST client. */
export type {
  Change,
  ClusterFacts,
  DeleteScope,
  Job,
  JobState,
  KnownDestination,
  MirrorEnd,
  OntapSvm,
  Policy,
  PortOptions,
  Relationship,
  RelationshipFilter,
  SvmPeer,
  Transfer,
  UnhealthyReason,
  Volume,
  VolumeSpec,
  VolumeType,
} from './ontap-svm.ts';
export { RestOntapSvm, type RestOntapSvmOptions } from './rest-ontap-svm.ts';
