/**
 * Core (layer 1): the resolved replication configuration. One value, whichever format it was written in: plain data, deeply
 * frozen, complete (every default filled in), checked. Knows no file format and no ONTAP path.
 */
import type { ConfigErrorCode, ConfigProblem } from '../../errors.ts';

/** A whole configuration; see the top of the file. */
export interface ReplicationConfiguration {
  /** Names of the enabled backends, in the order of the file. */
  readonly enabledBackends: readonly string[];
  /** The enabled backends in that order, then every backend that is a target of one already listed. */
  readonly backends: readonly BackendConfiguration[];
}

/** One backend: an SVM of a cluster, how to log in there, and where it replicates to. */
export interface BackendConfiguration {
  /** The section's name as `enabled_backends` spells it. Names are unique without regard to case, as in oslo.config. */
  readonly name: string;
  /** False for a section that is only there as a target. */
  readonly enabled: boolean;
  /** Host name or address of the cluster's management interface; an IPv6 address has no brackets here. */
  readonly host: string;
  readonly port: number;
  readonly scheme: 'https' | 'http';
  /** True when `host` is an IPv6 address, which a URL has to put in brackets. */
  readonly ipv6: boolean;
  readonly svm: string;
  readonly credentials: CredentialReference;
  readonly tls: TlsConfiguration;
  /** What `get_pools` calls the backend; its own name by default. */
  readonly volumeBackendName: string;
  readonly storageProtocol: StorageProtocol | undefined;
  /** ASA r2. */
  readonly disaggregated: boolean;
  /** Source of the regular expression that says which volumes are pools; ask `isPoolName`. */
  readonly poolNamePattern: string;
  /** In the order of the file, which is the order of preference. */
  readonly targets: readonly ReplicationTarget[];
  /** SnapMirror policy of new relationships. */
  readonly policy: string;
  /** Transfer schedule of new relationships whose policy has none of its own (defect 22). */
  readonly transferSchedule: string;
  /** One consistency group for all volumes of the backend. */
  readonly consistentReplication: boolean;
  /** Initiators (IQN or WWPN) that are local to this SVM; for AutomatedFailOverDuplex. */
  readonly proximalNodes: readonly string[];
  /** How long a running transfer may take before it is aborted; 0 aborts at once. */
  readonly quiesceTimeoutMs: number;
  /** How long a new destination volume may take to come online. */
  readonly volumeOnlineTimeoutMs: number;
  /** How long a job of the cluster is waited for where no other limit holds. */
  readonly jobTimeoutMs: number;
  readonly migrateVolumeTimeoutMs: number;
  readonly lunCopyTimeoutMs: number;
  /** How long, and how often, a LUN clone is tried again while ONTAP calls the LUN busy. */
  readonly lunCloneBusy: { readonly timeoutMs: number; readonly intervalMs: number };
}

/** A target of a backend, and which aggregate takes the place of which. */
export interface ReplicationTarget {
  /** Name of another backend of the same configuration. */
  readonly backend: string;
  /** Source aggregate -> destination aggregate. Ask it with `Object.hasOwn`, or use `destinationAggregates`. */
  readonly aggregateMap: Readonly<Record<string, string>>;
}

/** Protocols that a backend may serve its volumes by. */
export const STORAGE_PROTOCOLS = ['iscsi', 'fc', 'nfs', 'nvme'] as const;
/** One of `STORAGE_PROTOCOLS`. */
export type StorageProtocol = (typeof STORAGE_PROTOCOLS)[number];

/** How to log in. References, not secrets, wherever the file has a reference; the command line's edge reads them. */
export type CredentialReference =
  | { readonly kind: 'password'; readonly user: string; readonly password: SecretReference }
  | { readonly kind: 'certificate'; readonly certificateFile: string; readonly privateKeyFile: string };

/**
 * Where a password is. `fileEnv`, where present, names a second variable that is asked when the first is not set and holds the
 * path of a file.
 */
export type SecretReference =
  | { readonly literal: string }
  | { readonly env: string; readonly fileEnv?: string }
  | { readonly file: string };

/** Whom to trust on the way to a cluster. */
export interface TlsConfiguration {
  /** The cluster's certificate has to be trusted. */
  readonly verify: boolean;
  /** File or directory of trusted certificates; the platform's own list when undefined. */
  readonly caFile: string | undefined;
  /** The certificate has to bear the host's name. Never true without `verify`. */
  readonly hostValidation: boolean;
}

/** A problem (the file cannot be used) or a note (it can, but the reader should know), with a code where a program may care. */
export interface ReplicationProblem extends ConfigProblem {
  readonly code?: ConfigErrorCode | undefined;
}

/** What reading a configuration came to: the value, or every problem at once. */
export type Resolution =
  | {
      readonly ok: true;
      readonly configuration: ReplicationConfiguration;
      readonly notes: readonly ReplicationProblem[];
    }
  | {
      readonly ok: false;
      readonly problems: readonly ReplicationProblem[];
      readonly notes: readonly ReplicationProblem[];
    };
