/** /storage/snapshot-policies: when snapshots are taken of the volumes that name a policy, and how many are kept. */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import { isTree, valuesAt, withoutAbsent } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { NOT_NEGATIVE, Refusal, within } from '../refusals.ts';
import { type PolicyCopy, SnapshotPolicy } from '../snapshot-policies.ts';
import type { Svm } from '../svm.ts';
import * as fields from './rest-fields.ts';

const MOST_SCHEDULES = 5;
const MOST_SNAPSHOTS = 1023;

export const snapshotPolicyResource: Resource<SnapshotPolicy> = {
  path: '/storage/snapshot-policies',
  schema: schema(fields.SNAPSHOT_POLICY),
  keys: ['uuid', 'name'],
  patchable: ['comment', 'enabled', 'copies'],
  records: ({ cluster, svm }) =>
    cluster.snapshotPolicies.filter((policy) => svm === undefined || policy.svm === undefined || policy.svm === svm),
  key: ({ uuid }) => uuid,
  view: ({ uuid, name, svm, enabled, comment, copies }) =>
    withoutAbsent({
      uuid,
      name,
      enabled,
      comment,
      scope: svm ? 'svm' : 'cluster',
      svm: svm && { name: svm.name, uuid: svm.uuid },
      copies: copies.map(({ schedule, count, prefix, label }) => ({
        count,
        prefix,
        schedule: { name: schedule.name, uuid: schedule.uuid },
        snapmirror_label: label,
      })),
    }),

  post(context, body) {
    const { cluster } = context;
    body.require('name', 'copies.schedule', 'copies.count');
    const name = body.text('name') ?? '';
    const svm = ownerOf(context, body);
    if (cluster.snapshotPolicies.some((known) => known.name === name && known.svm === svm)) {
      throw new Refusal('duplicateEntry');
    }
    const copies = copiesOf(cluster, body) ?? [];
    const uuid = cluster.physics.random.uuid();
    const comment = body.text('comment');
    const enabled = body.boolean('enabled') ?? true;
    const policy = new SnapshotPolicy({ uuid, name, svm, comment, enabled, copies }, cluster);
    cluster.snapshotPolicies.push(policy);
    return { done: true, record: policy, location: `/storage/snapshot-policies/${uuid}` };
  },

  patch({ cluster }, policy, body) {
    const copies = copiesOf(cluster, body);
    const enabled = body.boolean('enabled');
    policy.comment = body.text('comment') ?? policy.comment;
    policy.change({ ...(copies && { copies }), ...(enabled !== undefined && { enabled }) });
    return { done: true };
  },

  remove({ cluster }, policy) {
    if (policy.inUse) throw new Refusal('snapshotPolicyInUse', { policy: policy.name });
    cluster.snapshotPolicies.splice(cluster.snapshotPolicies.indexOf(policy), 1);
    return { done: true };
  },
};

/** The policy that a volume's body names: one of its SVM is preferred to one of the cluster. */
export function snapshotPolicyOf(cluster: ClusterState, svm: Svm, body: Body): SnapshotPolicy | undefined {
  const uuid = body.text('snapshot_policy.uuid');
  const name = body.text('snapshot_policy.name');
  if (uuid === undefined && name === undefined) return undefined;
  const fitting = cluster.snapshotPolicies.filter(
    (known) => (uuid === undefined ? known.name === name : known.uuid === uuid) && (known.svm ?? svm) === svm,
  );
  const policy = fitting.find((known) => known.svm === svm) ?? fitting[0];
  if (!policy) throw new Refusal('snapshotPolicyUnknown', { policy: name ?? uuid ?? '' });
  return policy;
}

function ownerOf({ cluster, svm }: RequestContext, body: Body): Svm | undefined {
  const wanted = body.text('svm.name') ?? body.text('svm.uuid');
  // The administrative SVM bears the name of its cluster: what it owns belongs to the cluster.
  if (wanted === undefined || wanted === cluster.name) return svm;
  const owner = cluster.svms.find(({ name, uuid }) => name === wanted || uuid === wanted);
  if (!owner) throw new Refusal('svmUnknown', { svm: wanted });
  return owner;
}

function copiesOf(cluster: ClusterState, body: Body): PolicyCopy[] | undefined {
  const given = body.tree['copies'];
  if (given === undefined || given === null) return undefined;
  const copies = (Array.isArray(given) ? given : [given]).filter(isTree).map((copy) => {
    const [wanted] = [...valuesAt(copy, 'schedule.name'), ...valuesAt(copy, 'schedule.uuid')].map(String);
    const schedule = cluster.schedules.find(({ name, uuid }) => name === wanted || uuid === wanted);
    if (!schedule) throw new Refusal('snapshotScheduleUnknown', { schedule: wanted ?? '' });
    const label = copy['snapmirror_label'];
    return {
      schedule,
      count: within(Number(copy['count'] ?? 1), 'copies.count', NOT_NEGATIVE),
      prefix: String(copy['prefix'] ?? schedule.name),
      label: label ? String(label) : undefined,
    };
  });
  if (copies.length > MOST_SCHEDULES) {
    throw new Refusal('invalidValue', { value: copies.length, name: 'copies', expected: `<0..${MOST_SCHEDULES}>` });
  }
  const prefixes = copies.map(({ prefix }) => prefix);
  const twice = prefixes.find((prefix, index) => prefixes.indexOf(prefix) !== index);
  if (twice !== undefined) throw new Refusal('snapshotPrefixTaken', { prefix: twice });
  const total = copies.reduce((sum, { count }) => sum + count, 0);
  if (total > MOST_SNAPSHOTS) throw new Refusal('snapshotPolicyTooLarge', { count: total });
  return copies;
}
