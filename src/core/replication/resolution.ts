/**
 * Core (layer 1): from a raw document to the replication configuration, or to everything that is wrong with it. Pure: the document is
 * not changed (defect 20), secrets stay references, and no message repeats a value that might be one.
 */
import type { BackendConfiguration, ReplicationConfiguration, ReplicationTarget, Resolution } from './configuration.ts';
import { credentialsOf, tlsOf } from './credentials.ts';
import { Findings } from './findings.ts';
import { type Context, type Device, devicesOf, enabledMembers, type Member } from './members.ts';
import { BackendReader, OptionReader } from './option-reader.ts';
import { isIpv6 } from './options.ts';
import { normalSectionName, type RawDocument } from './raw-document.ts';
import { remarkOptions, remarkPasswordVariables } from './remarks.ts';
import { isActiveSyncPolicy } from './targets.ts';

export interface ResolutionOptions {
  /** Makes a path of the file one that can be opened, by the folder of the file for instance. By default it stays as written. */
  readonly resolvePath?: ((path: string) => string) | undefined;
}

/**
 * Resolves the enabled NetApp backends and, in turn, every backend that one of them has as a target. As in Cinder a backend takes what it
 * does not set itself from [backend_defaults], and nothing from [DEFAULT]; sections of other vendors are left alone.
 * All problems are found at once. Notes say what is surprising but no obstacle.
 */
export function resolveReplication(document: RawDocument, options: ResolutionOptions = {}): Resolution {
  const findings = new Findings(document);
  const reader = new OptionReader(document, findings);
  const context: Context = { document, findings, reader, resolvePath: options.resolvePath ?? ((path) => path) };
  const members = new Map(enabledMembers(context).map((member) => [normalSectionName(member.name), member]));

  const backends: BackendConfiguration[] = [];
  const devices: Device[] = [];
  // The map grows while it is walked: a target that is new becomes a member and is resolved in its turn.
  for (const member of members.values()) {
    const own = devicesOf(member, members, context);
    devices.push(...own);
    backends.push(backendConfiguration(member, own, context));
  }
  checkPairs(devices, backends, context);
  remarkOptions([...members.values()], context);
  remarkPasswordVariables([...members.values()], backends, context);

  const { problems, notes } = findings.inOrder();
  if (problems.length > 0) return { ok: false, problems, notes };
  const enabledBackends = backends.filter((backend) => backend.enabled).map((backend) => backend.name);
  const configuration: ReplicationConfiguration = { enabledBackends, backends };
  return { ok: true, configuration: deepFrozen(configuration), notes };
}

function backendConfiguration(member: Member, devices: readonly Device[], context: Context): BackendConfiguration {
  const options = new BackendReader(member.section, context.reader, context.findings);
  const { name, enabled } = member;
  const scheme = options.value('netapp_transport_type') ?? 'https';
  const host = options.required('netapp_server_hostname');
  if (scheme === 'http') {
    context.findings.note(
      options.placeOf('netapp_transport_type'),
      'with http, passwords and data of the API travel in clear text',
    );
  }
  const credentials = credentialsOf(member, options, context);
  const policy = options.value('netapp_replication_policy') ?? '';
  const backend: BackendConfiguration = {
    name,
    enabled,
    host,
    port: options.value('netapp_server_port') ?? (scheme === 'https' ? 443 : 80),
    scheme,
    ipv6: isIpv6(host),
    svm: options.required('netapp_vserver'),
    credentials,
    tls: tlsOf(credentials, options, context),
    volumeBackendName: options.value('volume_backend_name') ?? name,
    storageProtocol: options.value('netapp_storage_protocol'),
    disaggregated: options.value('netapp_disaggregated_platform') ?? false,
    poolNamePattern: options.value('netapp_pool_name_search_pattern') ?? '',
    targets: replicationTargets(member, devices, options, context),
    policy,
    transferSchedule: options.value('netapp_snapmirror_schedule') ?? '',
    consistentReplication: options.value('netapp_consistent_replication') ?? false,
    proximalNodes: options.value('netapp_proximal_nodes') ?? [],
    quiesceTimeoutMs: options.milliseconds('netapp_snapmirror_quiesce_timeout'),
    volumeOnlineTimeoutMs: options.milliseconds('netapp_replication_volume_online_timeout'),
    jobTimeoutMs: options.milliseconds('netapp_async_rest_timeout'),
    migrateVolumeTimeoutMs: options.milliseconds('netapp_migrate_volume_timeout'),
    lunCopyTimeoutMs: options.milliseconds('netapp_lun_copy_timeout'),
    lunCloneBusy: {
      timeoutMs: options.milliseconds('netapp_lun_clone_busy_timeout'),
      intervalMs: options.milliseconds('netapp_lun_clone_busy_interval'),
    },
  };
  // Read only to be refused when it is another family.
  options.value('netapp_storage_family');
  checkPolicy(backend, options, context);
  return backend;
}

/** The first map of a target counts, as in Cinder. */
function replicationTargets(
  member: Member,
  devices: readonly Device[],
  options: BackendReader,
  context: Context,
): ReplicationTarget[] {
  const maps = new Map<string, Readonly<Record<string, string>>>();
  for (const { value, place, inherited } of options.every('netapp_replication_aggregate_map')) {
    if (value.length === 0) continue;
    const name = value.find(([key]) => key === 'backend_id')?.[1];
    if (name === undefined) {
      context.findings.problem(
        place,
        'the aggregate map names no target',
        'backend_id:NAME,SOURCE_AGGREGATE:DESTINATION_AGGREGATE',
      );
      continue;
    }
    const target = devices.find((device) => normalSectionName(device.target.name) === normalSectionName(name))?.target
      .name;
    const aggregates = value.filter(([key]) => key !== 'backend_id');
    if (target === undefined) {
      // A device that was refused has its own problem; a map that came with the defaults may be meant for other backends.
      const known = options
        .every('replication_device')
        .some((device) => device.value.some(([, id]) => normalSectionName(id) === normalSectionName(name)));
      if (!known && !inherited)
        context.findings.problem(
          place,
          `the aggregate map is for ${name}, which is no target of ${member.name}`,
          `replication_device = backend_id:${name}`,
          'CONFIG_TARGET_UNKNOWN',
        );
    } else if (maps.has(target)) {
      context.findings.note(place, `there is an aggregate map for ${target} above; this one is not used`);
    } else {
      maps.set(target, Object.fromEntries(aggregates));
    }
  }
  return devices.map(({ target, place }) => {
    const aggregateMap = maps.get(target.name) ?? {};
    if (Object.keys(aggregateMap).length === 0) {
      context.findings.note(
        place,
        `no aggregate of ${member.name} is mapped to one of ${target.name}: destination volumes cannot be created there`,
      );
    }
    return { backend: target.name, aggregateMap };
  });
}

/** What ONTAP and Cinder refuse later, with every volume, is refused here once. */
function checkPolicy(backend: BackendConfiguration, options: BackendReader, context: Context): void {
  const { policy, targets, storageProtocol, consistentReplication, proximalNodes } = backend;
  if (policy !== 'AutomatedFailOverDuplex' && proximalNodes.length > 0) {
    context.findings.note(
      options.placeOf('netapp_proximal_nodes'),
      'only AutomatedFailOverDuplex looks at proximal nodes',
    );
  }
  if (!isActiveSyncPolicy(policy) || targets.length === 0) return;
  const place = options.placeOf('netapp_replication_policy');
  if (storageProtocol === 'nfs')
    context.findings.problem(
      place,
      `${policy} is SnapMirror active sync, which does not serve NFS`,
      'an asynchronous policy, or a SAN protocol',
    );
  if (targets.length > 1)
    context.findings.problem(
      place,
      `${policy} is SnapMirror active sync, which has one target only`,
      'one replication target',
    );
  if (policy === 'AutomatedFailOverDuplex' && !consistentReplication) {
    const label = options.label('netapp_consistent_replication');
    context.findings.problem(place, `${policy} needs a consistency group`, `${label}: true`);
  }
}

/** A mirror has the same volume name on both sides, so both sides cannot be one SVM. */
function checkPairs(devices: readonly Device[], backends: readonly BackendConfiguration[], context: Context): void {
  const identity = (name: string) => {
    const backend = backends.find((one) => one.name === name);
    if (backend === undefined || backend.host === '' || backend.svm === '') return undefined;
    return JSON.stringify([backend.host.toLowerCase(), backend.port, backend.svm]);
  };
  for (const { source, target, place } of devices) {
    const one = identity(source.name);
    if (one === undefined || one !== identity(target.name)) continue;
    context.findings.problem(
      place,
      `${source.name} and its target ${target.name} are the same SVM of the same cluster`,
      'a target in another SVM',
      'CONFIG_TARGET_IS_SELF',
    );
  }
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFrozen(part);
  }
  return value;
}
