/**
 * Core (layer 1): what a replication configuration says about a backend and its targets. Nothing here changes the value it is asked
 * about: Cinder's reader of the aggregate map takes an entry out of the shared configuration (defect 20).
 */
import { ConfigError } from '../../errors.ts';
import type { BackendConfiguration, ReplicationConfiguration, ReplicationTarget } from './configuration.ts';

/** @throws ConfigError `CONFIG_BACKEND_UNKNOWN`, with the known names in its remedy. */
export function backendOf(configuration: ReplicationConfiguration, name: string): BackendConfiguration {
  const backend = find(configuration.backends, name, (one) => one.name);
  if (backend !== undefined) return backend;
  throw new ConfigError('CONFIG_BACKEND_UNKNOWN', `backend ${name} is not a NetApp backend of this configuration`, {
    object: name,
    remedy: `Use one of: ${listed(configuration.backends.map((one) => one.name))}. A backend counts when it is enabled or is a target of one that is.`,
    details: { backend: name, known: configuration.backends.map((one) => one.name) },
  });
}

/**
 * The entry of `source` that names `target`.
 * @throws ConfigError `CONFIG_BACKEND_UNKNOWN`, `CONFIG_TARGET_IS_SELF`, `CONFIG_TARGET_UNKNOWN`
 */
export function targetOf(configuration: ReplicationConfiguration, source: string, target: string): ReplicationTarget {
  const backend = backendOf(configuration, source);
  if (same(backend.name, target)) {
    throw new ConfigError('CONFIG_TARGET_IS_SELF', `backend ${backend.name} cannot be its own replication target`, {
      object: backend.name,
      remedy: `Use one of its targets: ${listed(backend.targets.map((one) => one.backend))}.`,
      details: { source: backend.name, target },
    });
  }
  const entry = find(backend.targets, target, (one) => one.backend);
  if (entry !== undefined) return entry;
  throw new ConfigError('CONFIG_TARGET_UNKNOWN', `backend ${target} is not a replication target of ${backend.name}`, {
    object: backend.name,
    remedy: `Use one of: ${listed(backend.targets.map((one) => one.backend))}; or add to [${backend.name}]: replication_device = backend_id:${target}`,
    details: { source: backend.name, target, known: backend.targets.map((one) => one.backend) },
  });
}

/** Names of the targets of `source`, in order of preference (Cinder: get_replication_backend_names). */
export function replicationBackendNames(configuration: ReplicationConfiguration, source: string): readonly string[] {
  return backendOf(configuration, source).targets.map((target) => target.backend);
}

/** Whether and where a backend replicates; what Cinder reports to its scheduler. */
export type ReplicationStats =
  | { readonly replicationEnabled: false }
  | {
      readonly replicationEnabled: true;
      readonly replicationCount: number;
      readonly replicationTargets: readonly string[];
      readonly replicationType: 'sync' | 'async';
    };

/** What a scheduler is told about the replication of `source` (Cinder: get_replication_backend_stats). */
export function replicationStats(configuration: ReplicationConfiguration, source: string): ReplicationStats {
  const replicationTargets = replicationBackendNames(configuration, source);
  if (replicationTargets.length === 0) return { replicationEnabled: false };
  const replicationType = isSynchronousPolicy(replicationPolicy(configuration, source)) ? 'sync' : 'async';
  return { replicationEnabled: true, replicationCount: replicationTargets.length, replicationTargets, replicationType };
}

/** Source aggregate -> destination aggregate, for one target (Cinder: _get_replication_aggregate_map). */
export function aggregateMap(
  configuration: ReplicationConfiguration,
  source: string,
  target: string,
): Readonly<Record<string, string>> {
  return targetOf(configuration, source, target).aggregateMap;
}

/**
 * The destination aggregate of each source aggregate, in the same order.
 * @throws ConfigError `CONFIG_AGGREGATE_UNMAPPED`, naming every unmapped one at once and the line to add
 */
export function destinationAggregates(
  configuration: ReplicationConfiguration,
  source: string,
  target: string,
  sourceAggregates: readonly string[],
): readonly string[] {
  const map = aggregateMap(configuration, source, target);
  const mapped = sourceAggregates.map((aggregate) => (Object.hasOwn(map, aggregate) ? map[aggregate] : undefined));
  const unmapped = [...new Set(sourceAggregates.filter((_, index) => mapped[index] === undefined))];
  if (unmapped.length > 0) throw unmappedAggregates(backendOf(configuration, source).name, target, map, unmapped);
  return mapped.filter((aggregate) => aggregate !== undefined);
}

function unmappedAggregates(
  source: string,
  target: string,
  map: Readonly<Record<string, string>>,
  unmapped: readonly string[],
): ConfigError {
  const pairs = [...Object.entries(map), ...unmapped.map((aggregate) => [aggregate, '<aggregate>'] as const)];
  const line = `netapp_replication_aggregate_map = backend_id:${target},${pairs.map((pair) => pair.join(':')).join(',')}`;
  const native = `aggregates: {${pairs.map((pair) => pair.join(': ')).join(', ')}}`;
  return new ConfigError(
    'CONFIG_AGGREGATE_UNMAPPED',
    `no destination aggregate on ${target} is configured for ${unmapped.join(', ')} of ${source}`,
    {
      object: source,
      remedy: `In [${source}] of cinder.conf write: ${line} -- or, in YAML, under the target ${target} of ${source}: ${native}`,
      details: { source, target, unmapped, mapped: map },
    },
  );
}

/** SnapMirror policy for new relationships of `source` (Cinder: get_replication_policy). */
export function replicationPolicy(configuration: ReplicationConfiguration, source: string): string {
  return backendOf(configuration, source).policy;
}

/** ONTAP's built-in policies of SnapMirror active sync. */
export const ACTIVE_SYNC_POLICIES = ['AutomatedFailOver', 'AutomatedFailOverDuplex'] as const;

const SYNCHRONOUS_POLICIES: ReadonlySet<string> = new Set([
  ...ACTIVE_SYNC_POLICIES,
  'Sync',
  'StrictSync',
  'SnapCenterSync',
]);

/** True for the policies of SnapMirror active sync (Cinder: is_active_sync_asymmetric_policy, which means both of them). */
export function isActiveSyncPolicy(policy: string): boolean {
  return (ACTIVE_SYNC_POLICIES as readonly string[]).includes(policy);
}

/** True for ONTAP's built-in synchronous policies. A policy of one's own is only known to the cluster: ask it there. */
export function isSynchronousPolicy(policy: string): boolean {
  return SYNCHRONOUS_POLICIES.has(policy);
}

/** True when `source` has an active sync policy and at least one target (Cinder: is_active_sync_configured). */
export function isActiveSyncConfigured(configuration: ReplicationConfiguration, source: string): boolean {
  const { policy, targets } = backendOf(configuration, source);
  return isActiveSyncPolicy(policy) && targets.length > 0;
}

/** Cinder: is_consistent_replication_enabled. */
export function isConsistentReplicationEnabled(configuration: ReplicationConfiguration, source: string): boolean {
  return backendOf(configuration, source).consistentReplication;
}

/** Whether a volume of this name is a pool of the backend: the pattern is applied at the name's start, as Cinder applies it. */
export function isPoolName(backend: BackendConfiguration, volume: string): boolean {
  return new RegExp(`^(?:${backend.poolNamePattern})`).test(volume);
}

/** Section names are compared without regard to case, as oslo.config does. */
function find<T>(among: readonly T[], name: string, nameOf: (one: T) => string): T | undefined {
  return among.find((one) => nameOf(one) === name) ?? among.find((one) => same(nameOf(one), name));
}

const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
const listed = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '));
