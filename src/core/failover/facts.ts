/** Core (layer 1): what is observed of one volume and one of its targets, from both ends, and nothing else. */
import { activityOf } from '../mirror/table.ts';
import type { MirrorState, PolicyKind, TransferState } from '../mirror/vocabulary.ts';
import type { Mark } from './mark.ts';

/** A volume at one end. */
export interface VolumeFacts {
  readonly uuid: string;
  readonly type: 'rw' | 'dp' | 'ls';
  readonly state: string;
  readonly junctionPath?: string | undefined;
  readonly comment?: string | undefined;
  readonly mark?: Mark | undefined;
}

/** One end of a pair. */
export interface SideFacts {
  readonly backend: string;
  readonly volume: string;
  /** False: its cluster did not answer, and nothing else is known. */
  readonly answers: boolean;
  /** Why not, in a sentence. */
  readonly silence?: string | undefined;
  readonly found?: VolumeFacts | undefined;
}

/** A relationship as the cluster of its destination shows it. */
export interface MirrorFacts {
  readonly uuid: string;
  readonly state: MirrorState;
  readonly transfer: TransferState;
  readonly kind: PolicyKind;
  readonly healthy?: boolean | undefined;
  readonly unhealthy?: string | undefined;
  readonly lagSeconds?: number | undefined;
  readonly exportedSnapshot?: string | undefined;
  readonly policy?: string | undefined;
  readonly transferSchedule?: string | undefined;
}

/** One volume and one of its targets. */
export interface PairFacts {
  readonly volume: string;
  readonly source: SideFacts;
  readonly target: SideFacts;
  /** From source to target; absent when there is none, and when the target is silent. */
  readonly forward?: MirrorFacts | undefined;
  /** From target to source; absent when there is none, and when the source is silent. */
  readonly reverse?: MirrorFacts | undefined;
  /** The volume at an end mirrors something else. */
  readonly conflict?: string | undefined;
}

/** The destination of the relationship is a read-only copy that follows, or would once it is resumed. */
export function follows(mirror: MirrorFacts | undefined): boolean {
  if (mirror === undefined) return false;
  return !['absent', 'uninitialized', 'broken_off'].includes(mirror.state);
}

/** The relationship is broken off, and no resync is bringing it back. */
export function standsBrokenOff(mirror: MirrorFacts | undefined): boolean {
  return mirror?.state === 'broken_off' && !isMoving(mirror);
}

/** A transfer is queued or running. */
export function isMoving(mirror: MirrorFacts | undefined): boolean {
  return mirror !== undefined && activityOf(mirror.transfer) === 'active';
}

/** The copy's age in seconds. `undefined` is unknown, which is not zero; a synchronous mirror in sync has none. */
export function copyAgeSeconds(mirror: MirrorFacts | undefined): number | undefined {
  if (mirror === undefined || mirror.state === 'uninitialized') return undefined;
  return mirror.state === 'in_sync' ? 0 : mirror.lagSeconds;
}

/** ONTAP takes writes there. */
export function isWritable({ found }: SideFacts): boolean {
  return found?.type === 'rw' && found.state === 'online';
}
