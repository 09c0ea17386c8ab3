/** Run (layer 3): a change of a volume, waited for. */
import type { OntapSvm, VolumeChange } from '../ontap/ontap-svm.ts';

/** A job whose record is gone counts as done: whoever has to be sure looks at the volume again. */
export async function changeVolume(svm: OntapSvm, uuid: string, to: VolumeChange, signal: AbortSignal): Promise<void> {
  const change = await svm.changeVolume(uuid, to, { signal });
  await svm.finish(change, { signal, look: async () => true });
}
