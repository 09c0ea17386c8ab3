/** SnapMirror policies: which snapshots a transfer carries and which are kept (rest-facts section 2.1; addendum section 3). */

export const POLICY_TYPES = ['async', 'sync', 'continuous'] as const;
export type PolicyType = (typeof POLICY_TYPES)[number];

export const SYNC_TYPES = ['sync', 'strict_sync', 'automated_failover', 'automated_failover_duplex'] as const;
export type SyncType = (typeof SYNC_TYPES)[number];

/** Snapshots of the source with this label are carried, and so many of them kept at the destination. */
export interface RetentionRule {
  readonly label: string;
  readonly count: number;
  readonly prefix?: string;
  /** Name of a schedule. */
  readonly creationSchedule?: string;
}

export interface PolicyRules {
  readonly type: PolicyType;
  readonly syncType?: SyncType;
  /** False for vaults: an update carries labelled snapshots and makes none of its own. */
  readonly createsSnapshot?: boolean;
  readonly copiesAll?: boolean;
  readonly copiesLatest?: boolean;
  readonly retention?: readonly RetentionRule[];
  /** Name of a schedule. */
  readonly transferSchedule?: string;
  readonly syncCommonSnapshotSchedule?: string;
  readonly identityPreservation?: string;
  readonly rpoSeconds?: number;
  readonly networkCompression?: boolean;
  /** Kilobytes a second; 0 is unlimited. */
  readonly throttle?: number;
  readonly comment?: string;
}

export class Policy {
  readonly uuid: string;
  readonly name: string;
  readonly builtIn: boolean;
  /** The SVM that owns it; absent for policies of the cluster. */
  readonly svm: string | undefined;
  rules: PolicyRules;

  constructor(uuid: string, name: string, rules: PolicyRules, owner: { builtIn: boolean; svm?: string | undefined }) {
    this.uuid = uuid;
    this.name = name;
    this.rules = rules;
    this.builtIn = owner.builtIn;
    this.svm = owner.svm;
  }

  get sync(): boolean {
    return this.rules.type === 'sync';
  }

  get automatedFailover(): boolean {
    return this.rules.syncType?.startsWith('automated_failover') ?? false;
  }

  /** The state of a relationship that mirrors with this policy. */
  get targetState(): 'snapmirrored' | 'in_sync' {
    return this.sync ? 'in_sync' : 'snapmirrored';
  }

  get createsSnapshot(): boolean {
    return this.rules.createsSnapshot ?? true;
  }
}

const DAILY_WEEKLY: readonly RetentionRule[] = [
  { label: 'daily', count: 7 },
  { label: 'weekly', count: 52 },
];
const MIRROR_ALL: PolicyRules = { type: 'async', copiesAll: true };
const MIRROR_AND_VAULT: PolicyRules = { type: 'async', retention: DAILY_WEEKLY };
const DISCARD_NETWORK = { identityPreservation: 'exclude_network_config' };

/** By name. Counts of CloudBackupDefault and DailyBackup are not documented. */
export const BUILT_IN_POLICIES: Readonly<Record<string, PolicyRules>> = {
  Asynchronous: { type: 'async', retention: DAILY_WEEKLY, transferSchedule: 'hourly' },
  MirrorAllSnapshots: MIRROR_ALL,
  MirrorAllSnapshotsDiscardNetwork: { ...MIRROR_ALL, ...DISCARD_NETWORK },
  MirrorLatest: { type: 'async', copiesLatest: true },
  DPDefault: MIRROR_ALL,
  MirrorAndVault: MIRROR_AND_VAULT,
  MirrorAndVaultDiscardNetwork: { ...MIRROR_AND_VAULT, ...DISCARD_NETWORK },
  Unified7year: { type: 'async', retention: [...DAILY_WEEKLY, { label: 'monthly', count: 84 }] },
  XDPDefault: { type: 'async', createsSnapshot: false, retention: DAILY_WEEKLY },
  CloudBackupDefault: { type: 'async', createsSnapshot: false, retention: [{ label: 'daily', count: 7 }] },
  DailyBackup: {
    type: 'async',
    createsSnapshot: false,
    retention: [{ label: 'daily', count: 7 }],
    transferSchedule: 'daily',
  },
  Sync: { type: 'sync', syncType: 'sync', syncCommonSnapshotSchedule: 'hourly' },
  StrictSync: { type: 'sync', syncType: 'strict_sync', syncCommonSnapshotSchedule: 'hourly' },
  SnapCenterSync: { type: 'sync', syncType: 'sync', retention: [{ label: 'app_consistent', count: 1 }] },
  AutomatedFailOver: { type: 'sync', syncType: 'automated_failover' },
  AutomatedFailOverDuplex: { type: 'sync', syncType: 'automated_failover_duplex' },
  Continuous: { type: 'continuous', rpoSeconds: 3600 },
};
