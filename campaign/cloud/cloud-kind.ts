/**
 * The campaign of SnapMirror Cloud: a seed is a history of a volume and its endpoint, played by the engine's machine, which looks at
 * store, state and source together after every step (I1 to I11).
 */
import { playBatch } from '../../test/cloud-judges/history-batch.ts';
import type { Kind } from '../kind.ts';

export const cloudKind: Kind = {
  async play(seed, quick) {
    const { counts, kinds, failure } = await playBatch({ layer: 'engine', seed, histories: 1, quick });
    const steps = Object.fromEntries(Object.entries(kinds).map(([kind, count]) => [`step ${kind}`, count]));
    return { counts: { ...counts, ...steps }, failure };
  },

  async replay(seed, keep) {
    const { counts, failure } = await playBatch({ layer: 'engine', seed, histories: 1, path: keep });
    return { counts, failure };
  },
};
