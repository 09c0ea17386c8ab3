/** Run (layer 3): what a resync would discard, asked beforehand. Reads only. */
import type { ResyncLoss } from '../../core/mirror/loss.ts';
import { resyncLoss } from '../../core/mirror/loss.ts';
import { MirrorError } from '../../errors.ts';
import type { OntapSvm } from '../../ontap/ontap-svm.ts';
import type { MirrorContext, MirrorResult } from './context.ts';
import { collect, pairName } from './context.ts';
import { observe } from './observe.ts';

/** A mirror's loss, were it resynced now. */
export interface LossResult extends MirrorResult {
  /** Absent: nothing would be discarded, since the mirror is not broken off. */
  readonly loss?: ResyncLoss | undefined;
}

/** What a resync of the mirror would discard now. @throws OntapError also when the source does not answer */
export async function previewResync(context: MirrorContext): Promise<LossResult> {
  const { pair } = context;
  const relationship = await observe(context);
  if (relationship?.state !== 'broken_off') return { pair, actions: [], relationship };
  return { pair, actions: [], relationship, loss: await lossOf(context) };
}

/** Of a mirror that is broken off. */
export async function lossOf(context: MirrorContext): Promise<ResyncLoss> {
  const { source, destination, pair } = context;
  const [ours, theirs] = await Promise.all([
    snapshotsOf(context, source, pair.source.volume),
    snapshotsOf(context, destination, pair.destination.volume),
  ]);
  return resyncLoss(ours, theirs);
}

async function snapshotsOf(context: MirrorContext, svm: OntapSvm, name: string) {
  const { signal } = context;
  const volume = await svm.volume(name, { signal });
  if (volume !== undefined) return collect(svm.snapshots(volume.uuid, { signal }));
  throw new MirrorError('MIRROR_VOLUME_NOT_FOUND', `SVM ${svm.svm} has no volume "${name}"`, {
    pair: pairName(context),
    attempted: 'compare the snapshots of source and destination',
    cluster: svm.cluster,
    remedy: 'the mirror cannot be resynced without it: delete the mirror',
  });
}
