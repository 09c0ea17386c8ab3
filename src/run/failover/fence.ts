/** Run (layer 3): the side that lost its authority, and what can be done about it. Every part of it can be called again. */

import type { SideFacts, VolumeFacts } from '../../core/failover/facts.ts';
import { isWritable } from '../../core/failover/facts.ts';
import type { Mark } from '../../core/failover/mark.ts';
import type { Fence, Side } from '../../core/failover/vocabulary.ts';
import { OntapError } from '../../errors.ts';
import { changeVolume } from '../volume-change.ts';
import { svmAt, writeMark } from './claims.ts';
import type { Route } from './world.ts';

/**
 * Unmounts the volume, takes it offline where that is wanted, and marks it. What is so already is not done again.
 * @returns false when there was nothing to do
 */
export async function fence(
  route: Route,
  side: Side,
  { found }: SideFacts,
  how: Exclude<Fence, 'none'>,
  mark: Omit<Mark, 'fence' | 'authority'>,
  signal: AbortSignal = route.signal,
): Promise<boolean> {
  if (found === undefined) return false;
  const svm = svmAt(route, side);
  const marked = found.mark?.fence === how && found.mark.epoch === mark.epoch && found.mark.authority === 'peer';
  if (!marked) await writeMark(route, side, found, { ...mark, authority: 'peer', fence: how }, signal);
  if (found.junctionPath !== undefined) await changeVolume(svm, found.uuid, { junctionPath: null }, signal);
  if (how === 'offline' && found.state === 'online') await changeVolume(svm, found.uuid, { state: 'offline' }, signal);
  return !marked || found.junctionPath !== undefined || (how === 'offline' && found.state === 'online');
}

/** A side that takes no writes needs no fence; one that is merely not mounted counts as fenced if its mark says so. */
export function isFenced(side: SideFacts, how: Exclude<Fence, 'none'>): boolean {
  if (!side.answers) return false;
  if (!isWritable(side)) return true;
  return how === 'unmount' && side.found?.junctionPath === undefined && side.found?.mark?.fence !== undefined;
}

/** Mounts a volume that is mounted nowhere. @throws OntapError also `ONTAP_NOT_FOUND` */
export async function mountAt(
  route: Route,
  side: Side,
  found: VolumeFacts | undefined,
  junctionPath: string,
): Promise<string> {
  const svm = svmAt(route, side);
  const { signal } = route;
  if (found === undefined) {
    throw new OntapError('ONTAP_NOT_FOUND', `${svm.backend} shows no such volume`, {
      attempted: `mount it at ${junctionPath}`,
      cluster: svm.cluster,
    });
  }
  if (found.junctionPath !== undefined) return found.junctionPath;
  await svm.finish(await svm.mountVolume(found.uuid, junctionPath, { signal }), { signal, look: async () => true });
  return junctionPath;
}
