/** What a failed file operation means for an object store. */
import { errnoOf } from '../disk/disk.ts';
import { DataMotionError, ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';

/** Errors of this library, and whatever is no failure of a disk (a signal's reason), pass as they are. */
export function storeErrorOf(
  error: unknown,
  { attempted, key, place }: { attempted: string; key: string | undefined; place: string },
): unknown {
  const errno = errnoOf(error);
  if (error instanceof DataMotionError || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return error;
  const row = MEANINGS.find(({ errnos }) => errnos.includes(errno));
  const what = key === undefined ? place : `${key} in ${place}`;
  return new ObjectStoreError(row?.code ?? 'OBJECT_STORE_UNAVAILABLE', `could not ${attempted} (${what}): ${errno}`, {
    key,
    attempted,
    // An error that is not known to pass by itself (EIO) is not asked for again.
    retryable: row?.code === 'OBJECT_STORE_UNAVAILABLE',
    remedy: row?.remedy,
    details: { errno, place },
    cause: error,
  });
}

const MEANINGS: readonly {
  readonly code: ObjectStoreErrorCode;
  readonly errnos: readonly string[];
  readonly remedy?: string;
}[] = [
  { code: 'OBJECT_STORE_NOT_FOUND', errnos: ['ENOENT'] },
  {
    code: 'OBJECT_STORE_NO_SPACE',
    errnos: ['ENOSPC', 'EDQUOT', 'EFBIG'],
    remedy: 'Free space, or raise the quota or the limit on file sizes.',
  },
  {
    code: 'OBJECT_STORE_DENIED',
    errnos: ['EACCES', 'EPERM', 'EROFS'],
    remedy: 'Give this user the right to read and write the folder.',
  },
  {
    code: 'OBJECT_STORE_UNSUPPORTED',
    errnos: ['ENOTDIR', 'EISDIR', 'ELOOP', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV'],
    remedy: 'Name a folder, on a file system that knows files, folders and their names.',
  },
  { code: 'OBJECT_STORE_INVALID_KEY', errnos: ['ENAMETOOLONG', 'EILSEQ'] },
  {
    code: 'OBJECT_STORE_UNAVAILABLE',
    errnos: ['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR', 'ENOMEM', 'ETIMEDOUT', 'ESTALE', 'EHOSTDOWN', 'ENOLCK'],
  },
];
