/** Run (layer 3): a destination whose layout changed under a relationship that never held a baseline. */
import { MirrorError } from '../../errors.ts';
import type { MirrorContext, MirrorResult } from './context.ts';

/** As often, all in all, as Cinder's ensure_snapmirrors tries. */
const TRIES = 6;

/**
 * Creates; when ONTAP says that the geometry of the destination changed since the relationship was made, removes that relationship
 * and creates anew, some times, with pauses. Only the relationship is removed, and only before its baseline: no data with it. What
 * was done is in the result. (Cinder: ensure_snapmirrors; over REST its retry was dead, because nobody looked at the job, defect 27)
 * @param create adds what it does to `actions`, also when it fails, and returns them
 * @throws MirrorError `MIRROR_GEOMETRY_CHANGED` when it stays so
 */
export async function withGeometryRepaired(
  context: MirrorContext,
  create: (actions: string[]) => Promise<MirrorResult>,
  remove: () => Promise<MirrorResult>,
): Promise<MirrorResult> {
  const { env, pair, signal, timing } = context;
  const actions: string[] = [];
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await create(actions);
      if (attempt === 1) return result;
      const told = `made anew after ${attempt - 1} of its kind: the geometry of the destination had changed`;
      const note = result.note === undefined ? told : `${told}; ${result.note}`;
      return { ...result, note };
    } catch (error) {
      const changed =
        error instanceof MirrorError && error.code === 'MIRROR_GEOMETRY_CHANGED' && error.event === 'initialize';
      if (!changed || attempt === TRIES) throw error;
      context.onProgress({ pair, step: 'geometry changed: delete and create again' });
      actions.push(...(await remove()).actions);
      await env.clock.sleep(timing.geometryPauseMs, signal);
    }
  }
}
