/** Run (layer 3): removing what an attempt leaves, also when its caller has given up; and saying what could not be removed. */
import { underDeadline } from '../../env.ts';
import { DataMotionError, InterruptedError, TransferError } from '../../errors.ts';
import type { TransferContext } from './context.ts';

/** Clusters that do not answer are not waited for longer. */
const CLEANING_MS = 20_000;

/**
 * Runs `work`; when it fails, however, `undo` removes what it began, under a time limit of its own. What could not be removed is said in
 * the error: `left` of a TransferError, `details.left` of others.
 * @param left what is there when `undo` fails too
 */
export async function undoing<T>(
  context: Pick<TransferContext, 'world'>,
  left: string,
  work: () => Promise<T>,
  undo: (signal: AbortSignal) => Promise<void>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { clock } = context.world.env;
    const deadline = clock.now() + CLEANING_MS;
    const removed = await underDeadline(clock, { deadline }, 'remove what is left of the transfer', undo).then(
      () => true,
      () => false,
    );
    throw removed ? error : withLeft(error, left);
  }
}

/** The same error, saying what is left of the transfer. */
export function withLeft(error: unknown, left: string): unknown {
  if (error instanceof InterruptedError) {
    const { code, message, attempted, cause } = error;
    const ended = code === 'DEADLINE_EXCEEDED' || code === 'CLOSED' ? code : 'ABORTED';
    return new InterruptedError(ended, `${message}; left: ${left}`, { attempted, details: { left }, cause });
  }
  if (error instanceof TransferError) {
    const { message, retryable, attempted, cluster, object, remedy, strategy, details, cause } = error;
    // The code is one of the family's: it comes from an error of the family.
    const code = error.code as ConstructorParameters<typeof TransferError>[0];
    const facts = { retryable, attempted, cluster, object, remedy, strategy, details, cause, left };
    return new TransferError(code, `${message}; left: ${left}`, facts);
  }
  if (error instanceof DataMotionError) {
    return new TransferError('TRANSFER_COPY_FAILED', `${error.message}; left: ${left}`, {
      ...{ attempted: error.attempted, cluster: error.cluster, object: error.object, remedy: error.remedy },
      ...{ retryable: error.retryable, left, cause: error },
    });
  }
  return error;
}
