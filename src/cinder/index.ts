/** `ontap-data-motion/cinder`: a backend as a Cinder volume driver sees it. */
export {
  CINDER_REPLICATION_STATUSES,
  CinderBackend,
  type CinderBackendOptions,
  type CinderFailover,
  type CinderMigration,
  type CinderMirrorUpdate,
  type CinderReplicationStats,
  type CinderReplicationStatus,
  type CinderVolume,
  type CinderVolumeUpdate,
} from '../cinder.ts';
export { CINDER_ERROR_CODES, CinderError, type CinderErrorCode } from '../errors.ts';
