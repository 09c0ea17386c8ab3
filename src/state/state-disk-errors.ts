/** What a failed file operation means for the state, and how a damaged file is told. */
import { errnoOf } from '../disk/disk.ts';
import { DataMotionError, StateError, type StateErrorCode } from '../errors.ts';

/** Runs the work; a failed file operation becomes a StateError about this file. */
export async function onStateFile<T>(attempted: string, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const errno = errnoOf(error);
    if (error instanceof DataMotionError || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) throw error;
    const row = MEANINGS.find(({ errnos }) => errnos.includes(errno));
    throw new StateError(row?.code ?? 'STATE_UNAVAILABLE', `could not ${attempted} (${file}): ${errno}`, {
      file,
      attempted,
      // An error that is not known to pass by itself (EIO) is not asked for again.
      retryable: row?.code === 'STATE_UNAVAILABLE',
      remedy: row?.remedy,
      details: { errno },
      cause: error,
    });
  }
}

const MEANINGS: readonly {
  readonly code: StateErrorCode;
  readonly errnos: readonly string[];
  readonly remedy?: string;
}[] = [
  {
    code: 'STATE_NO_SPACE',
    errnos: ['ENOSPC', 'EDQUOT', 'EFBIG'],
    remedy: 'Free space where the state is kept, or move it; what was committed is whole.',
  },
  {
    code: 'STATE_DENIED',
    errnos: ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR'],
    remedy: 'Name a folder that this user may read and write.',
  },
  {
    code: 'STATE_UNAVAILABLE',
    errnos: ['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR', 'ENOMEM', 'ETIMEDOUT', 'ESTALE', 'ENOLCK'],
  },
];

export function corrupt(file: string, what: string, details: Readonly<Record<string, unknown>> = {}): StateError {
  return new StateError('STATE_CORRUPT', `${file}: ${what}`, {
    file,
    attempted: 'read the state',
    remedy: 'Rebuild the state from the object store; what is in there is not affected.',
    details,
  });
}
