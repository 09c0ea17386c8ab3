/** Deleting many keys one by one: all are tried, and one error tells of all that failed. */
import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import type { ObjectStoreOptions } from './object-store.ts';

/** @throws ObjectStoreError of the first failure (of one that no retry helps, if there is one), with `details.failed` */
export async function deleteEach(
  keys: readonly string[],
  { signal }: ObjectStoreOptions,
  deleteOne: (key: string) => Promise<void>,
): Promise<void> {
  const failures: ObjectStoreError[] = [];
  for (const key of keys) {
    signal?.throwIfAborted();
    try {
      await deleteOne(key);
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error;
      failures.push(error);
    }
  }
  throwFailures(keys.length, failures);
}

export function throwFailures(tried: number, failures: readonly ObjectStoreError[]): void {
  const worst = failures.find((failure) => !failure.retryable) ?? failures[0];
  if (worst === undefined) return;
  const message = `${failures.length} of ${tried} objects could not be deleted; of ${worst.key}: ${worst.message}`;
  throw new ObjectStoreError(worst.code as ObjectStoreErrorCode, message, {
    key: worst.key,
    attempted: 'delete objects',
    retryable: worst.retryable,
    details: { failed: failures.map((failure) => failure.key) },
    cause: worst,
  });
}
