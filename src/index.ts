/** `ontap-data-motion`: DataMotion, its configuration, the state machine, errors. Nothing here loads S3, the simulator or the CLI. */
import { parseCinderConf } from './core/replication/cinder-conf.ts';
import type { BackendConfiguration, ReplicationConfiguration } from './core/replication/configuration.ts';
import { readNative } from './core/replication/native.ts';
import { resolveReplication } from './core/replication/resolution.ts';
import { DataMotion, type DataMotionParts } from './data-motion.ts';
import { type Env, systemEnv } from './env.ts';
import { ConfigError } from './errors.ts';
import { NodeHostFiles } from './host-files/node-host-files.ts';
import type { OntapRestClientOptions } from './netapp-ontap-rest-client/client-options.ts';
import { OntapRestClient } from './netapp-ontap-rest-client/ontap-rest-client.ts';
import { RestOntapStorage } from './ontap/rest-ontap-storage.ts';
import { RestOntapSvm, type RestOntapSvmOptions } from './ontap/rest-ontap-svm.ts';
import { type BackendSecrets, type Environment, resolveSecrets } from './ontap/secrets.ts';

export {
  ALERT_KINDS,
  type AlertKind,
  type FailoverEvent,
} from './core/failover/events.ts';
export {
  type OpenDebt,
  type OperationRecord,
  openDebts,
  type UnfinishedOperation,
  unfinishedOperations,
} from './core/failover/journal-record.ts';
export {
  DEBT_KINDS,
  type Debt,
  type DebtKind,
  type DrillReport,
  type DrillVolumeReport,
  type OperationReport,
  OUTCOMES,
  type OutcomeKind,
  type SideState,
  type VolumeOutcome,
  type VolumeReplicationState,
} from './core/failover/outcome.ts';
export {
  ACKNOWLEDGEMENT_KINDS,
  type Acknowledgement,
  type AcknowledgementKind,
  type Blocked,
  type DrillPlan,
  type DrillVolume,
  type FailbackPlan,
  type FailbackVolume,
  type FailoverPlan,
  type FailoverVolume,
  type GoodSnapshot,
  PLAN_VERSION,
  type Plan,
  type PlannedStep,
  type PlannedVolume,
  type PlanScope,
  type RecoveryPoint,
  type TargetVerdict,
} from './core/failover/plan.ts';
export { parsePlan } from './core/failover/stored-plan.ts';
export {
  AUTHORITIES,
  type Authority,
  FENCES,
  type Fence,
  PHASES,
  type Phase,
  SIDES,
  type Side,
  STEPS,
  type Step,
} from './core/failover/vocabulary.ts';
export type { ResyncLoss } from './core/mirror/loss.ts';
export { PROTECTIONS, type Protection, protectionOf } from './core/mirror/protection.ts';
export {
  activityOf,
  decide,
  MIRROR_COMMANDS,
  MIRROR_TABLE,
  type MirrorCommand,
  type Outcome,
  type Row,
  type Situation,
} from './core/mirror/table.ts';
export {
  MIRROR_EVENTS,
  MIRROR_STATES,
  type MirrorEvent,
  type MirrorState,
  POLICY_KINDS,
  type PolicyKind,
  TRANSFER_STATES,
  TRANSFER_TYPES,
  type TransferState,
  type TransferType,
} from './core/mirror/vocabulary.ts';
export {
  READINESS_CHECKS,
  type Readiness,
  type ReadinessCheck,
  type ReadinessCheckName,
} from './core/readiness.ts';
export { parseCinderConf } from './core/replication/cinder-conf.ts';
export type {
  BackendConfiguration,
  CredentialReference,
  ReplicationConfiguration,
  ReplicationProblem,
  ReplicationTarget,
  Resolution,
  SecretReference,
  StorageProtocol,
  TlsConfiguration,
} from './core/replication/configuration.ts';
export { readNative } from './core/replication/native.ts';
export type { RawDocument } from './core/replication/raw-document.ts';
export { resolveReplication } from './core/replication/resolution.ts';
export type { ReplicationStats } from './core/replication/targets.ts';
export { endpointText, parseEndpoint, type TransferEndpoint } from './core/transfer/endpoint.ts';
export type {
  HostPlace,
  OntapPlace,
  SvmPeering,
  TransferFacts,
  TransferIntent,
  TransferObject,
  TransferPlace,
} from './core/transfer/facts.ts';
export { planTransfer, type StrategyVerdict, type TransferPlan } from './core/transfer/plan.ts';
export type { Preparation } from './core/transfer/requirements.ts';
export { TRANSFER_STRATEGIES, type TransferLink, type TransferStrategy } from './core/transfer/strategies.ts';
export {
  type BackendVerbOptions,
  type CreateSnapmirrorOptions,
  DataMotion,
  type DataMotionParts,
  type MirrorStatus,
  type Pair,
  type Selection,
  type TargetedSelection,
  type VerbOptions,
} from './data-motion.ts';
export type { CallOptions, Clock, Env, Logger, Random, Span, Tracer } from './env.ts';
export { silentLogger, systemClock, systemEnv, systemRandom } from './env.ts';
export {
  CONFIG_ERROR_CODES,
  ConfigError,
  type ConfigErrorCode,
  type ConfigProblem,
  DataMotionError,
  type ErrorFacts,
  FAILOVER_ERROR_CODES,
  FailoverError,
  type FailoverErrorCode,
  type FailoverErrorFacts,
  InternalError,
  InterruptedError,
  MIRROR_ERROR_CODES,
  MirrorError,
  type MirrorErrorCode,
  type MirrorErrorFacts,
  ONTAP_ERROR_CODES,
  OntapError,
  type OntapErrorCode,
  type OntapErrorFacts,
  TRANSFER_ERROR_CODES,
  TransferError,
  type TransferErrorCode,
  type TransferErrorFacts,
} from './errors.ts';
export type { SvmPeer, SvmPeerApplication } from './ontap/ontap-svm.ts';
export type { BackendSecrets, Environment } from './ontap/secrets.ts';
export type { HousekeepingOptions } from './run/failover/housekeeping.ts';
export type {
  Acknowledge,
  ApplyOptions,
  DrillClone,
  DrillOptions,
  FailbackOptions,
  FailoverHooks,
  FailoverLock,
  FailoverOptions,
  FailoverSelection,
  HeldLock,
  HookCall,
  PlanDrillOptions,
  PlanFailbackOptions,
  PlanFailoverOptions,
  PlanOptions,
} from './run/failover/options.ts';
export type { AbortOptions } from './run/mirror/abort.ts';
export type { MirrorPair, MirrorProgress, MirrorResult, MirrorTiming, PairEnd } from './run/mirror/context.ts';
export type { DestinationFlexvolResult } from './run/mirror/destination-flexvol.ts';
export type { LossResult } from './run/mirror/loss.ts';
export type { MirrorOutcome } from './run/mirror/many.ts';
export type { ReleaseOptions } from './run/mirror/release.ts';
export type {
  AcceptLoss,
  BreakOptions,
  BreakResult,
  DeleteResult,
  MountOutcome,
  QuiesceOptions,
  ReleaseOutcome,
  ResyncOptions,
} from './run/mirror/verbs.ts';
export type { SvmPeerOptions, SvmPeerResult } from './run/svm-peer.ts';
export type {
  PlanTransferOptions,
  TransferAttempt,
  TransferOptions,
  TransferProgress,
  TransferResult,
  TransferTiming,
  TransferVerification,
} from './run/transfer/context.ts';
export type { MigrateVolumeOptions, VolumeMigration, VolumeMigrationResult } from './run/transfer/migrate-volume.ts';
export type { TransferEnds } from './run/transfer/transfer.ts';
export {
  DirectoryOperationJournal,
  type DirectoryOperationJournalOptions,
} from './state/directory-operation-journal.ts';
export { type KeptRecords, MemoryOperationJournal, nothingKept } from './state/memory-operation-journal.ts';
export type { OperationJournal } from './state/operation-journal.ts';

/** What `createDataMotion` may be given besides the configuration. */
export interface CreateDataMotionOptions {
  readonly env?: Partial<Env> | undefined;
  readonly timing?: DataMotionParts['timing'];
  readonly transferTiming?: DataMotionParts['transferTiming'];
  /** Variables that credentials of the configuration may refer to, such as `process.env`. Default: none. */
  readonly environment?: Environment | undefined;
  /** Where credentials come from instead: a vault, for instance. Asked once per cluster account. */
  readonly secretsOf?: ((backend: BackendConfiguration) => Promise<BackendSecrets>) | undefined;
  /** Further options of the REST client: a transport, limits, timeouts. */
  readonly client?: Partial<Pick<OntapRestClientOptions, ClientOption>> | undefined;
}

type ClientOption = 'transport' | 'maxInFlight' | 'connectTimeoutMs' | 'requestTimeoutMs' | 'retry';

/**
 * Reads a configuration: the text of a cinder.conf, or the native format as plain data (a parsed YAML or JSON document, or an
 * object made in a program). Reads no file.
 * @throws ConfigError `CONFIG_INVALID` with every problem at once
 */
export function readConfiguration(source: string | object): ReplicationConfiguration {
  const resolution = resolveReplication(typeof source === 'string' ? parseCinderConf(source) : readNative(source));
  if (resolution.ok) return resolution.configuration;
  const { problems } = resolution;
  const list = problems.map(({ section, option, message }) => `[${section}] ${option ?? ''}: ${message}`).join('; ');
  throw new ConfigError('CONFIG_INVALID', `the configuration cannot be used: ${list}`, { problems });
}

/**
 * A DataMotion over real ONTAP clusters. Backends with the same address and account share one connection pool. Nothing is
 * sent, and no secret read, before the first call that needs it.
 */
export function createDataMotion(
  configuration: ReplicationConfiguration,
  options: CreateDataMotionOptions = {},
): DataMotion {
  const env = systemEnv(options.env);
  const secretsOf = options.secretsOf ?? ((backend) => resolveSecrets(backend, options.environment ?? {}));
  const clients = new Map<string, Promise<OntapRestClient>>();

  const connect = (backend: BackendConfiguration): Promise<OntapRestClient> => {
    const { scheme, host, port, credentials, tls } = backend;
    const key = JSON.stringify([scheme, host, port, credentials, tls]);
    const known = clients.get(key);
    if (known !== undefined) return known;
    const opened = secretsOf(backend).then((secrets) => {
      for (const note of secrets.notes) env.logger.warn({ backend: backend.name }, note.message);
      return new OntapRestClient({
        ...options.client,
        scheme,
        host,
        port,
        auth: secrets.auth,
        tls: { verify: tls.verify, verifyHost: tls.hostValidation, ca: secrets.ca },
        env,
      });
    });
    clients.set(key, opened);
    // What could not be read now may be there at the next call.
    opened.catch(() => clients.delete(key));
    return opened;
  };

  const reached = (backend: BackendConfiguration): RestOntapSvmOptions => ({
    backend: backend.name,
    cluster: `${backend.ipv6 ? `[${backend.host}]` : backend.host}:${backend.port}`,
    svm: backend.svm,
    connect: () => connect(backend),
  });

  return new DataMotion({
    configuration,
    env,
    timing: options.timing,
    transferTiming: options.transferTiming,
    hostFiles: new NodeHostFiles(),
    svmOf: (backend) => new RestOntapSvm(reached(backend)),
    storageOf: (backend) => new RestOntapStorage(reached(backend)),
    close: async () => {
      const opened = await Promise.allSettled(clients.values());
      clients.clear();
      await Promise.all(opened.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
    },
  });
}
