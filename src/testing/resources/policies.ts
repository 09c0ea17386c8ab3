/** /snapmirror/policies */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import { isTree, valuesAt, withoutAbsent } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { later } from '../later.ts';
import { NOT_NEGATIVE, Refusal, within } from '../refusals.ts';
import {
  Policy,
  type PolicyRules,
  type PolicyType,
  type RetentionRule,
  type SyncType,
} from '../snapmirror/policies.ts';
import type { SnapMirror } from '../snapmirror/snapmirror.ts';
import * as fields from './rest-fields.ts';

const COPY_FLAGS = ['copy_all_source_snapshots', 'copy_latest_source_snapshot', 'create_snapshot_on_source'] as const;

export const policyResource: Resource<Policy> = {
  path: '/snapmirror/policies',
  schema: schema(fields.POLICY),
  keys: ['uuid', 'name'],
  patchable: [
    'comment',
    'retention',
    'transfer_schedule',
    'throttle',
    'network_compression_enabled',
    'identity_preservation',
  ],
  records: ({ cluster, svm }) =>
    cluster.policies.filter((policy) => svm === undefined || policy.svm === undefined || policy.svm === svm.name),
  key: ({ uuid }) => uuid,
  view: ({ uuid, name, svm, rules }, { cluster }) => {
    const owner = svm === undefined ? undefined : cluster.svmNamed(svm);
    const schedule = (wanted: string | undefined) => {
      const known = wanted === undefined ? undefined : cluster.scheduleNamed(wanted);
      return known && { name: known.name, uuid: known.uuid };
    };
    return withoutAbsent({
      uuid,
      name,
      scope: owner ? 'svm' : 'cluster',
      svm: owner && { name: owner.name, uuid: owner.uuid },
      type: rules.type,
      sync_type: rules.syncType,
      copy_all_source_snapshots: rules.copiesAll ? true : undefined,
      copy_latest_source_snapshot: rules.copiesLatest ? true : undefined,
      create_snapshot_on_source: rules.createsSnapshot === false ? false : undefined,
      // With copy_all and copy_latest the rules show as those flags.
      retention:
        rules.retention && !rules.copiesAll && !rules.copiesLatest
          ? rules.retention.map(({ label, count, prefix, creationSchedule }) => ({
              label,
              count: String(count),
              prefix,
              creation_schedule: schedule(creationSchedule),
            }))
          : undefined,
      transfer_schedule: schedule(rules.transferSchedule),
      sync_common_snapshot_schedule: schedule(rules.syncCommonSnapshotSchedule),
      identity_preservation: rules.identityPreservation,
      rpo: rules.rpoSeconds,
      network_compression_enabled: rules.type === 'async' ? (rules.networkCompression ?? false) : undefined,
      throttle: rules.type === 'async' ? (rules.throttle ?? 0) : undefined,
      comment: rules.comment,
    });
  },

  post(context, body) {
    const { cluster } = context;
    body.require('name');
    const name = body.text('name') ?? '';
    const owner = context.svm?.name ?? body.text('svm.name');
    // The administrative SVM bears the name of its cluster: what it owns belongs to the cluster.
    const svm = owner === cluster.name ? undefined : owner;
    if (svm !== undefined && !cluster.svmNamed(svm)) throw new Refusal('svmUnknown', { svm });
    if (cluster.policies.some((known) => known.name === name && known.svm === svm)) throw new Refusal('duplicateEntry');
    const policy = new Policy(cluster.physics.random.uuid(), name, rulesOf(context, body), { builtIn: false, svm });
    const job = cluster.startJob(context, adding({ cluster, policy }));
    return { done: false, job, record: () => policy, location: `/snapmirror/policies/${policy.uuid}` };
  },

  patch(context, policy, body) {
    if (policy.builtIn) throw new Refusal('policyBuiltIn', { policy: policy.name });
    const { type: _, ...given } = rulesOf(context, body);
    const { snapmirror } = context;
    const unscheduled = body.isNull('transfer_schedule.name');
    return {
      done: false,
      job: context.cluster.startJob(context, changing({ snapmirror, policy, given, unscheduled })),
    };
  },

  remove(context, policy) {
    const { cluster } = context;
    if (policy.builtIn) throw new Refusal('policyBuiltIn', { policy: policy.name });
    const used = context.snapmirror.relationships.some((known) => known.policy === policy && known.existsAtDestination);
    if (used) throw new Refusal('policyInUse', { policy: policy.name });
    return { done: false, job: cluster.startJob(context, removing({ cluster, policy })) };
  },
};

interface OnPolicy {
  readonly cluster: ClusterState;
  readonly policy: Policy;
}

const adding = later('policy: add', ({ cluster, policy }: OnPolicy) => {
  cluster.policies.push(policy);
});

const changing = later(
  'policy: change',
  ({
    snapmirror,
    policy,
    given,
    unscheduled,
  }: {
    readonly snapmirror: SnapMirror;
    readonly policy: Policy;
    readonly given: Partial<PolicyRules>;
    readonly unscheduled: boolean;
  }) => {
    const { transferSchedule, ...rules } = policy.rules;
    const kept = unscheduled || transferSchedule === undefined ? {} : { transferSchedule };
    policy.rules = { ...rules, ...kept, ...given };
    for (const relationship of snapmirror.relationships) {
      if (relationship.policy === policy) snapmirror.scheduleNext(relationship);
    }
  },
);

const removing = later('policy: remove', ({ cluster, policy }: OnPolicy) => {
  cluster.policies.splice(cluster.policies.indexOf(policy), 1);
});

function rulesOf({ cluster }: RequestContext, body: Body): PolicyRules {
  const flags = COPY_FLAGS.filter((name) => body.has(name));
  const [first, second] = flags;
  if (first && second) throw new Refusal('policyFlagsConflict', { first, second });
  const copies = body.boolean('copy_all_source_snapshots') ?? body.boolean('copy_latest_source_snapshot') ?? false;
  if (copies && first && body.has('retention'))
    throw new Refusal('policyFlagsConflict', { first, second: 'retention' });
  if (body.boolean('create_snapshot_on_source') === true) {
    throw new Refusal('invalidValue', { value: 'true', name: 'create_snapshot_on_source', expected: '<false>' });
  }
  const schedule = body.text('transfer_schedule.name');
  if (schedule !== undefined && !cluster.scheduleNamed(schedule)) throw new Refusal('scheduleUnknown', { schedule });
  const type = (body.text('type') ?? 'async') as PolicyType;
  const syncType = body.text('sync_type') as SyncType | undefined;
  const comment = body.text('comment');
  const retention = retentionOf(body);
  for (const { creationSchedule } of retention) {
    if (creationSchedule !== undefined && !cluster.scheduleNamed(creationSchedule)) {
      throw new Refusal('scheduleUnknown', { schedule: creationSchedule });
    }
  }
  const identityPreservation = body.text('identity_preservation');
  const networkCompression = body.boolean('network_compression_enabled');
  const throttle = body.number('throttle');
  return {
    type,
    ...(type === 'sync' ? { syncType: syncType ?? 'sync' } : {}),
    ...(identityPreservation === undefined ? {} : { identityPreservation }),
    ...(networkCompression === undefined ? {} : { networkCompression }),
    ...(throttle === undefined ? {} : { throttle: within(throttle, 'throttle', NOT_NEGATIVE) }),
    ...(body.boolean('copy_all_source_snapshots') ? { copiesAll: true } : {}),
    ...(body.boolean('copy_latest_source_snapshot') ? { copiesLatest: true } : {}),
    ...(body.boolean('create_snapshot_on_source') === false ? { createsSnapshot: false } : {}),
    ...(retention.length === 0 ? {} : { retention }),
    ...(schedule === undefined ? {} : { transferSchedule: schedule }),
    ...(comment === undefined ? {} : { comment }),
  };
}

function retentionOf(body: Body): RetentionRule[] {
  const rules = body.tree['retention'];
  return (Array.isArray(rules) ? rules : []).filter(isTree).map((rule) => {
    const [schedule] = valuesAt(rule, 'creation_schedule.name');
    return {
      label: String(rule['label'] ?? ''),
      count: within(Number(rule['count'] ?? 1), 'retention.count', NOT_NEGATIVE),
      // '' and null leave a prefix or a schedule out.
      ...(rule['prefix'] ? { prefix: String(rule['prefix']) } : {}),
      ...(schedule ? { creationSchedule: String(schedule) } : {}),
    };
  });
}
