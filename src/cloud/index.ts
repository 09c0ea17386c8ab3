/** SnapMirror Cloud: incremental-for-ever backup of volumes to an object store: `ontap-data-motion/cloud`. */
import type { Compute, EncryptionKey } from '../compute/compute.ts';
import { nodeFormatTools } from '../compute/format-tools.ts';
import type { KeyProvider } from '../compute/key-provider.ts';
import { nodeKeyTools } from '../compute/key-tools.ts';
import { WorkerCompute } from '../compute/worker-compute.ts';
import { nodeDisk } from '../disk/node-disk.ts';
import { type Env, systemEnv } from '../env.ts';
import { CloudEndpoint, type CloudEndpointOptions } from '../run/cloud/cloud-endpoint.ts';
import { type FileRestoreOptions, FileRestoreTarget } from '../run/cloud/file-restore-target.ts';

/** What `openCloudEndpoint` is given. */
export interface OpenCloudEndpointOptions extends Omit<CloudEndpointOptions, 'env' | 'tools' | 'compute' | 'keys'> {
  /** Clock, randomness, logger; the system's where left out. */
  readonly env?: Partial<Env> | undefined;
  /** Default: worker threads, one for each processor. It is the caller's to close. */
  readonly compute?: Compute | undefined;
  /**
   * Who may open the endpoint, which is encrypted then, from its first backup on or never: `passphraseKey`, or a key management
   * service. The first wraps the data key of a new endpoint, any of them may open one; see `CloudEndpoint.rekey`. Its name is
   * not seen in the store.
   */
  readonly keys?: readonly [KeyProvider, ...KeyProvider[]] | undefined;
  /** The data key itself, for a caller that keeps it: then none lies in the store, and the endpoint has its name there. */
  readonly encryption?: EncryptionKey | undefined;
}

/**
 * An endpoint with Node's hashes, codecs and threads. Nothing is touched before the first call.
 * @throws ConfigError `CONFIG_INVALID` for a name that no endpoint can have
 */
export function openCloudEndpoint({ keys, ...options }: OpenCloudEndpointOptions): CloudEndpoint {
  const providers = keys ?? [];
  return new CloudEndpoint({
    ...options,
    // With a data key of the caller there is nothing to unwrap; with neither, an encrypted endpoint is told from none.
    ...((keys !== undefined || options.encryption === undefined) && { keys: { tools: nodeKeyTools, providers } }),
    env: systemEnv(options.env),
    tools: nodeFormatTools('sha-256', options.encryption),
    compute: options.compute ?? new WorkerCompute(),
  });
}

/** A restore into a file or device of this machine. */
export function fileRestoreTarget(options: Omit<FileRestoreOptions, 'disk'>): FileRestoreTarget {
  return new FileRestoreTarget({ ...options, disk: nodeDisk });
}

export type { Compute, EncryptionKey } from '../compute/compute.ts';
export { encryptionKey } from '../compute/format-tools.ts';
export { InlineCompute } from '../compute/inline.ts';
export type { KeyContext, KeyOptions, KeyProvider, KeyTools } from '../compute/key-provider.ts';
export {
  PASSPHRASE,
  type PassphraseOptions,
  type PassphraseSource,
  passphraseKey,
} from '../compute/passphrase-key.ts';
export { WorkerCompute, type WorkerComputeOptions } from '../compute/worker-compute.ts';
export type { ObjectId } from '../core/cloud/block-numbers.ts';
export type {
  Exclusion,
  ForgetEntry,
  ForgetSequel,
  HoldEntry,
  RetentionRule,
  SnapshotFacts,
} from '../core/cloud/format/history-entry.ts';
export type { Manifest } from '../core/cloud/format/manifest.ts';
export type { InodeRoot } from '../core/cloud/inode-root.ts';
export { type FileRange, NO_ARRIVAL } from '../core/cloud/restore-plan.ts';
export { RETENTION_REASONS, type RetentionDecision, type RetentionReason } from '../core/cloud/retention.ts';
export type { BackupRequest, BackupResult } from '../run/cloud/backup.ts';
export {
  CloudEndpoint,
  type CloudEndpointOptions,
  type ForgetRequest,
  type HoldRequest,
  type RetentionPlan,
} from '../run/cloud/cloud-endpoint.ts';
export type { CollectRequest, CollectResult, LockedGarbage } from '../run/cloud/collect-garbage.ts';
export {
  type CloudCallOptions,
  type CloudLayout,
  type CloudLimits,
  type Compression,
  DEFAULT_CLOUD_LIMITS,
} from '../run/cloud/context.ts';
export type { EndpointKeys, RekeyRequest, RekeyResult, WrappedKeyFacts } from '../run/cloud/endpoint-keys.ts';
export { type FileRestoreOptions, FileRestoreTarget } from '../run/cloud/file-restore-target.ts';
export type { LockRequest, LockResult } from '../run/cloud/lock-snapshot.ts';
export {
  CLOUD_STEPS,
  type CloudProgress,
  type CloudStep,
  ONTAP_ACTIVITIES,
  type OntapActivity,
} from '../run/cloud/progress.ts';
export type { RebuildRequest, RebuildResult } from '../run/cloud/rebuild.ts';
export type { RestoreRequest, RestoreResult } from '../run/cloud/restore.ts';
export type { RestoreFacts, RestoreTarget } from '../run/cloud/restore-target.ts';
export type {
  EndpointSummary,
  ShowRequest,
  SnapshotDetails,
  SnapshotSavings,
  SnapshotSummary,
} from '../run/cloud/show.ts';
export type { SnapshotFile } from '../run/cloud/snapshot-files.ts';
export type { NotedSnapshot, UploadTotals } from '../run/cloud/transfer-note.ts';
export type { VerifyProblem, VerifyRequest, VerifyResult } from '../run/cloud/verify.ts';
export { WaflRestoreTarget } from '../run/cloud/wafl-restore-target.ts';
export { ImageCatalogueRebuilder, type ImageRebuildOptions } from '../snapshot-source/image-rebuild.ts';
export { ImageSnapshotSource, type ImageSourceOptions } from '../snapshot-source/image-snapshot-source.ts';
export type {
  CatalogueRebuilder,
  OpenSnapshot,
  SnapshotSource,
  SourceFacts,
  SourceSnapshot,
  StoredBlocks,
  StoredSnapshot,
} from '../snapshot-source/snapshot-source.ts';
export { DirectoryStateStore, type DirectoryStateStoreOptions } from '../state/directory.ts';
export { MemoryStateStore } from '../state/memory.ts';
export type { EndpointState, StateStore } from '../state/state.ts';
