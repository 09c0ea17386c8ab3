/**
 * Core (layer 1): the fencing mark. ONTAP has no compare-and-swap, so the epoch of a pair is kept where every orchestrator can see
 * it: in the comment of both volumes, behind whatever an administrator wrote there. Each claim takes a higher epoch than any seen, and
 * whoever no longer finds the own mark has been overtaken and stops.
 */
import type { Fence } from './vocabulary.ts';

/** What is written on one volume of a pair. */
export interface Mark {
  readonly epoch: number;
  /** Whether the volume that bears the mark is the one that counts, as of this epoch. */
  readonly authority: 'here' | 'peer';
  /** The operation that wrote it. */
  readonly operation: string;
  /** How this volume was fenced when it lost its authority. */
  readonly fence?: Exclude<Fence, 'none'> | undefined;
}

/** ONTAP's limit of a volume's comment. */
export const MAX_COMMENT_LENGTH = 1023;

const MARK = /\s*\[datamotion epoch=(\d{1,15}) authority=(here|peer)(?: fence=(unmount|offline))? op=([\w-]{1,64})\]/;

/** The mark in a volume's comment, if there is one. */
export function markIn(comment: string | undefined): Mark | undefined {
  const found = MARK.exec(comment ?? '');
  if (found === null) return undefined;
  const [, epoch, authority, fence, operation = ''] = found;
  return {
    epoch: Number(epoch),
    authority: authority === 'here' ? 'here' : 'peer',
    operation,
    ...(fence === 'unmount' || fence === 'offline' ? { fence } : {}),
  };
}

/** The comment with this mark in the place of any other. What people wrote is kept, cut only where ONTAP's limit demands it. */
export function commentWith(comment: string | undefined, mark: Mark): string {
  const text = (comment ?? '').replace(new RegExp(MARK, 'g'), '').trim();
  const fence = mark.fence === undefined ? '' : ` fence=${mark.fence}`;
  const written = `[datamotion epoch=${mark.epoch} authority=${mark.authority}${fence} op=${mark.operation}]`;
  const room = MAX_COMMENT_LENGTH - written.length - 1;
  return text === '' ? written : `${text.slice(0, room).trimEnd()} ${written}`;
}

/** Higher than all of these. */
export function nextEpoch(...marks: readonly (Mark | undefined)[]): number {
  return Math.max(0, ...marks.map((mark) => mark?.epoch ?? 0)) + 1;
}

/** Which of two claims to the same volume, made at two targets, goes first: of any two exactly one does. */
export function outranks(one: Mark, other: Mark): boolean {
  return one.epoch === other.epoch ? one.operation > other.operation : one.epoch > other.epoch;
}
