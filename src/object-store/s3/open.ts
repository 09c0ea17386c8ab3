/** Opening a place in S3: by its parts or its URL, with what the server can do found out where nobody said it. */
import type { CallOptions } from '../../env.ts';
import { ObjectStoreError } from '../../errors.ts';
import type { ObjectStoreOptions } from '../object-store.ts';
import { type RetryOptions, retrying } from '../retrying.ts';
import { PROBE_KEY, S3ObjectStore, type S3ObjectStoreOptions } from './s3-object-store.ts';
import { parseS3Url, type S3Location } from './s3-url.ts';

/** What `openS3ObjectStore` is given. */
export interface OpenS3Options extends Omit<S3ObjectStoreOptions, 'conditionalPut'> {
  /** Whether the server does conditional puts. Not said: it is asked, by trying. */
  readonly conditionalPut?: boolean | undefined;
  /** How often and how long the probe tries again. */
  readonly retry?: RetryOptions | undefined;
}

/**
 * The store in a bucket that exists. Unless `conditionalPut` says it, the server is asked whether it puts on condition: one
 * request, which puts nothing once the probe's object is there. A server that refuses or ignores the condition, and one
 * that lets these credentials write nothing, has no conditional put.
 * @throws ObjectStoreError when the place cannot be used
 */
export async function openS3ObjectStore(
  options: OpenS3Options,
  { signal }: Pick<CallOptions, 'signal'> = {},
): Promise<S3ObjectStore> {
  const { conditionalPut, retry } = options;
  const trial = new S3ObjectStore({ ...options, conditionalPut: conditionalPut ?? true });
  if (conditionalPut !== undefined || (await putsOnCondition(trial, retry, { signal }))) return trial;
  trial.close();
  return new S3ObjectStore({ ...options, conditionalPut: false });
}

/** What a place in S3 may be given that its URL does not say. */
export type S3UrlOptions = Omit<OpenS3Options, keyof S3Location | 'storageClass'>;

/** The store at `s3://bucket/prefix?endpoint=...&region=...`; see `parseS3Url`. @throws ObjectStoreError */
export function openS3Url(
  url: string,
  options: S3UrlOptions = {},
  call: Pick<CallOptions, 'signal'> = {},
): Promise<S3ObjectStore> {
  const { storageClasses, ...location } = parseS3Url(url);
  const storageClass = (key: string) => storageClasses[key.split('/', 2)[1] ?? ''] ?? storageClasses['*'];
  return openS3ObjectStore({ ...options, ...location, storageClass }, call);
}

async function putsOnCondition(
  store: S3ObjectStore,
  retry: RetryOptions | undefined,
  call: ObjectStoreOptions,
): Promise<boolean> {
  const patient = retrying(store, retry);
  // Two bodies: whose answer was lost, and whose own first body it finds, must not take that for its second.
  for (const body of ['1', '2']) {
    try {
      await patient.put(PROBE_KEY, new TextEncoder().encode(body), { ...call, ifAbsent: true });
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error;
      if (error.code === 'OBJECT_STORE_EXISTS') return true;
      // A bucket that is not there, or in another region, is unsupported too, and no place to begin with.
      if (error.code === 'OBJECT_STORE_UNSUPPORTED' && !WITHOUT.has(`${error.details['s3Code']}`)) throw error;
      if (error.code !== 'OBJECT_STORE_UNSUPPORTED' && error.details['s3Code'] !== 'AccessDenied') throw error;
      return false;
    }
  }
  await patient.delete(PROBE_KEY, call);
  return false;
}

/** What servers say to a condition that they do not know. */
const WITHOUT = new Set(['NotImplemented', 'XNotImplemented', 'HTTP 501', 'MethodNotAllowed', 'InvalidArgument']);
