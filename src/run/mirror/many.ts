/** Run (layer 3): one verb on many mirrors at once. One outcome a mirror; nobody's failure stops another. */
import pLimit from 'p-limit';
import { DataMotionError, InternalError } from '../../errors.ts';
import type { MirrorContext, MirrorPair, MirrorResult } from './context.ts';

/** What became of one mirror of many. */
export type MirrorOutcome<Result extends MirrorResult = MirrorResult> =
  | { readonly pair: MirrorPair; readonly ok: true; readonly result: Result }
  | { readonly pair: MirrorPair; readonly ok: false; readonly error: DataMotionError };

/**
 * A verb mostly waits, and the requests in flight are limited by the client of each cluster; this only bounds the memory of a very
 * large backend.
 */
export const DEFAULT_CONCURRENCY = 1_000;

/** Outcomes are in the order of the contexts. When the call is aborted, what was not done yet has `ABORTED` as its outcome. */
export function onEach<Result extends MirrorResult>(
  contexts: readonly MirrorContext[],
  concurrency: number,
  verb: (context: MirrorContext) => Promise<Result>,
): Promise<readonly MirrorOutcome<Result>[]> {
  return pLimit(concurrency).map(contexts, async (context): Promise<MirrorOutcome<Result>> => {
    const { pair, signal } = context;
    try {
      signal.throwIfAborted();
      return { pair, ok: true, result: await verb(context) };
    } catch (error) {
      const known = error instanceof DataMotionError;
      return { pair, ok: false, error: known ? error : new InternalError(`unexpected: ${error}`, { cause: error }) };
    }
  });
}
