/** FlexGroups: how many constituents, how large, how they are made one after the other, and how they are shown. */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import type { JsonTree } from '../http/json-tree.ts';
import { timeText } from '../http/time-text.ts';
import type { Job } from '../jobs.ts';
import { later } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { Aggregate } from '../svm.ts';
import type { Constituent, SimulatedVolume, VolumeStyle } from '../volume.ts';

const MIB = 2 ** 20;
const SMALLEST_FLEXVOL_BYTES = 20 * MIB;
/** What the documentation of POST /storage/volumes says of `size`. */
const SMALLEST_CONSTITUENT_BYTES = 200 * MIB;

/** The aggregate of each constituent: one after the other round the list. */
export function placement(aggregates: readonly Aggregate[], constituentsPerAggregate: number): Aggregate[] {
  return Array.from({ length: constituentsPerAggregate }, () => aggregates).flat();
}

/** What the body says, or what follows from its aggregates: more than one of them, or a number of constituents, make a FlexGroup. */
export function styleOf(body: Body, aggregates: readonly Aggregate[]): VolumeStyle {
  const asked = body.text('style');
  const refused = (value: string, expected: string) => new Refusal('invalidValue', { value, name: 'style', expected });
  if (asked === undefined) {
    return aggregates.length > 1 || body.has('constituents_per_aggregate') ? 'flexgroup' : 'flexvol';
  }
  if (asked !== 'flexvol' && asked !== 'flexgroup') throw refused(asked, '<flexvol|flexgroup>');
  if (asked === 'flexvol' && aggregates.length > 1) throw refused(asked, '<flexgroup> on several aggregates');
  if (asked === 'flexvol' && body.has('constituents_per_aggregate')) {
    throw new Refusal('fieldCannotBeSet', { name: 'constituents_per_aggregate' });
  }
  return asked;
}

/** So many constituents as the body asks for on each aggregate, by default one. */
export function placementOf(body: Body, aggregates: readonly Aggregate[]): Aggregate[] {
  const perAggregate = body.number('constituents_per_aggregate') ?? 1;
  if (perAggregate < 1 || perAggregate > 1000) {
    throw new Refusal('invalidValue', {
      value: perAggregate,
      name: 'constituents_per_aggregate',
      expected: '<1..1000>',
    });
  }
  return placement(aggregates, perAggregate);
}

/** Of a FlexVol, when there are no constituents. */
export function smallestBytes(constituents: number): number {
  return constituents === 0 ? SMALLEST_FLEXVOL_BYTES : constituents * SMALLEST_CONSTITUENT_BYTES;
}

export function checkSize(sizeBytes: number, constituents: number): void {
  const smallest = smallestBytes(constituents);
  if (sizeBytes < smallest) throw new Refusal('volumeTooSmall', { size: sizeBytes, smallest });
}

/**
 * Makes the constituents one after the other, each in the time of an operation. By switch the group is listed from the
 * first on, as `mixed`; it is online, and its job done, with the last.
 */
export function makeFlexGroup(
  cluster: ClusterState,
  job: Job,
  facts: Parameters<ClusterState['addVolume']>[0],
): SimulatedVolume {
  const placed = facts.aggregates;
  const { timeline, operationMs } = cluster.physics;
  const listed = cluster.physics.switches.flexGroupBeingMade === 'mixed';
  const group = cluster.addVolume({ ...facts, aggregates: listed ? placed.slice(0, 1) : placed });
  if (!listed || placed.length === 1) return group;
  const { sizeBytes } = group;
  group.state = 'mixed';
  job.goOn();
  placed.slice(1).forEach((aggregate, index) => {
    timeline.after(
      (index + 1) * operationMs,
      growing({ cluster, job, group, aggregate, sizeBytes, whole: placed.length }),
    );
  });
  return group;
}

interface Growing {
  readonly cluster: ClusterState;
  readonly job: Job;
  readonly group: SimulatedVolume;
  readonly aggregate: Aggregate;
  readonly sizeBytes: number;
  /** So many constituents it is to have. */
  readonly whole: number;
}

const growing = later('FlexGroup: grow', ({ cluster, job, group, aggregate, sizeBytes, whole }: Growing) => {
  const { now } = cluster.physics.timeline;
  if (!cluster.has(group)) {
    job.fail(now, cluster.jobError(new Refusal('entryMissingInJob', { target: 'uuid' })));
    return;
  }
  group.expand(cluster.newConstituents([aggregate]));
  group.sizeBytes = sizeBytes;
  if (group.constituents.length < whole) return;
  group.state = 'online';
  job.succeed(now);
});

/** So many times the usual time passes before the group is there at all. */
export function stepsBefore(cluster: ClusterState, placed: readonly Aggregate[]): number {
  return cluster.physics.switches.flexGroupBeingMade === 'mixed' ? 1 : placed.length;
}

/** The record of a constituent: listed with is_constituent=true, and by its uuid. */
export function constituentRecord(constituent: Constituent): JsonTree {
  const { uuid, name, msid, group, aggregate, sizeBytes } = constituent;
  return {
    uuid,
    name,
    msid,
    style: 'flexgroup_constituent',
    type: group.type,
    state: group.state === 'mixed' ? 'online' : group.state,
    size: sizeBytes,
    svm: { name: group.svm.name, uuid: group.svm.uuid },
    create_time: timeText(group.createdAt),
    aggregates: [{ name: aggregate.name, uuid: aggregate.uuid }],
    flexgroup: { name: group.name, uuid: group.uuid },
    is_svm_root: false,
    space: spaceOf(constituent),
  };
}

/** Within the record of the group. */
export function constituentsField(group: SimulatedVolume): JsonTree[] {
  return group.constituents.map((constituent) => ({
    name: constituent.name,
    aggregates: { name: constituent.aggregate.name, uuid: constituent.aggregate.uuid },
    space: spaceOf(constituent),
  }));
}

function spaceOf(constituent: Constituent): JsonTree {
  const used = constituent.usedBytes();
  const size = constituent.sizeBytes;
  return { size, used, available: Math.max(0, size - used) };
}
