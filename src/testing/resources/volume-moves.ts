/** `movement` in a PATCH of a volume (rest-facts section 4, volume move), and the private CLI's rehost (section 4, rehost). */
import type { ClusterState } from '../cluster-state.ts';
import type { Body } from '../http/body.ts';
import type { Outcome, RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import type { Job } from '../jobs.ts';
import { later } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { Aggregate, Svm } from '../svm.ts';
import type { SimulatedVolume } from '../volume.ts';
import { VolumeMove } from '../volume-move.ts';

const SETTABLE_STATES = ['replicating', 'cutover', 'aborted', 'paused', 'cutover_wait'];

/** Starts a move, or changes the one that runs. */
export function moveVolume(context: RequestContext, volume: SimulatedVolume, body: Body): Outcome<never> {
  const { cluster } = context;
  const where = { volume: volume.name, svm: volume.svm.name };
  const state = body.text('movement.state');
  if (state !== undefined && !SETTABLE_STATES.includes(state)) throw new Refusal('moveStateInvalid', { value: state });
  const named = body.text('movement.destination_aggregate.name') ?? body.text('movement.destination_aggregate.uuid');
  if (named !== undefined) {
    if (state !== undefined && state !== 'cutover_wait') throw new Refusal('moveStateWithAggregate');
    if (volume.style === 'flexgroup') throw new Refusal('notSimulated', { what: 'moves of a FlexGroup' });
    const destination = cluster.aggregates.find(({ name, uuid }) => name === named || uuid === named);
    if (!destination) throw new Refusal('aggregateUnknown');
    if (volume.aggregates.includes(destination))
      throw new Refusal('moveToSameAggregate', { aggregate: destination.name });
    if (volume.state !== 'online') throw new Refusal('volumeOffline', where);
    if (volume.move?.running) throw new Refusal('moveRunning', where);
    const free = destination.sizeBytes - cluster.usedBytes(destination);
    if (free < volume.usedBytes()) throw new Refusal('moveHasNoSpace', { aggregate: destination.name });
    if (body.boolean('validate_only') || context.arguments.boolean('validate_only', false)) return { done: true };
    const order = { cluster, volume, destination, waitsForCutover: state === 'cutover_wait' };
    return { done: false, job: cluster.startJob(context, moving(order), volume.svm) };
  }
  const { move } = volume;
  if (!move?.running) throw new Refusal('moveWithoutAggregate', where);
  if (state === 'paused') move.pause();
  else if (state === 'replicating') move.resume();
  else if (state === 'aborted') move.abort();
  else if (state === 'cutover') move.cutOver();
  return { done: true };
}

interface Moving {
  readonly cluster: ClusterState;
  readonly volume: SimulatedVolume;
  readonly destination: Aggregate;
  readonly waitsForCutover: boolean;
}

/** The job lasts as long as the move. */
const moving = later('volume: move', ({ cluster, volume, destination, waitsForCutover }: Moving, job: Job) => {
  if (!cluster.has(volume)) throw new Refusal('entryMissingInJob', { target: 'uuid' });
  job.goOn();
  volume.move = new VolumeMove(cluster.physics, { volume, destination, job, waitsForCutover });
});

/** Nothing is kept of it. */
export const rehostResource: Resource<never> = {
  path: '/private/cli/volume/rehost',
  postOnly: true,
  schema: schema('vserver volume destination_vserver force_unmap_luns? auto_remap_luns?'),
  keys: [],
  records: () => [],
  key: () => '',
  view: () => ({}),
  clusterOnly: () => true,

  post({ cluster, snapmirror }, body) {
    body.require('vserver', 'volume', 'destination_vserver');
    const from = svmNamed(cluster, body.text('vserver') ?? '');
    const to = svmNamed(cluster, body.text('destination_vserver') ?? '');
    const name = body.text('volume') ?? '';
    const volume = cluster.findVolume(from, name);
    const where = { volume: name, svm: from.name };
    if (!volume) throw new Refusal('rehostRefused', { ...where, reason: 'it was not found' });
    const mirrored = snapmirror.relationshipsOf(volume).length > 0;
    const why = whyNotRehosted({ cluster, mirrored }, volume, to);
    if (why !== undefined) throw new Refusal('rehostRefused', { ...where, reason: why });
    cluster.rehostVolume(volume, to);
    return { done: true };
  },
};

function whyNotRehosted(
  { cluster, mirrored }: { readonly cluster: ClusterState; readonly mirrored: boolean },
  volume: SimulatedVolume,
  to: Svm,
): string | undefined {
  if (volume.svm === to) return 'it is in that SVM already';
  if (volume.style === 'flexgroup') return 'it is a FlexGroup';
  if (volume.isSvmRoot) return 'it is the root volume of its SVM';
  if (volume.type === 'dp' || mirrored) return 'it is in a SnapMirror relationship';
  if (volume.origin !== undefined || volume.clones.size > 0) return 'it is the clone or the parent of another volume';
  if (volume.junctionPath !== undefined) return 'it is mounted';
  if (cluster.findVolume(to, volume.name)) return `the SVM "${to.name}" has a volume of that name`;
  return undefined;
}

function svmNamed(cluster: ClusterState, name: string): Svm {
  const svm = cluster.svmNamed(name);
  if (!svm) throw new Refusal('svmUnknown', { svm: name });
  return svm;
}
