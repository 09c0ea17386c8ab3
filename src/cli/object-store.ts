/** Edge (layer 8): the object store that a command names. S3 and its SDK are loaded only for a place there. */
import { ObjectStoreError } from '../errors.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { openObjectStore } from '../object-store/open.ts';

/**
 * The store at a path, a `file:` URL or an `s3://` URL.
 * @throws ObjectStoreError; `OBJECT_STORE_UNSUPPORTED` when the package that S3 needs is not installed
 */
export async function openStore(url: string, signal: AbortSignal): Promise<ObjectStore> {
  if (!/^s3:/i.test(url)) return openObjectStore(url);
  const { openS3Url } = await import('../object-store/s3/index.ts').catch((cause) => {
    throw isMissing(cause) ? sdkMissing(cause) : cause;
  });
  return await openS3Url(url, {}, { signal });
}

const SDK = '@aws-sdk/client-s3';

function isMissing(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  return code === 'ERR_MODULE_NOT_FOUND' && message?.includes(SDK) === true;
}

function sdkMissing(cause: unknown): ObjectStoreError {
  return new ObjectStoreError('OBJECT_STORE_UNSUPPORTED', `S3 needs the package ${SDK}, which is not installed`, {
    attempted: 'open the object store',
    remedy: `Install it beside this package: npm install ${SDK}`,
    cause,
  });
}
