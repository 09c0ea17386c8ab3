/**
 * Buckets that keep versions. A deleted key there is a marker above everything that it ever held: no space is freed, and
 * removing the newest version brings the one before it back. So a key is deleted first (readers see none from then on),
 * then what lies below its marker, then the marker.
 */
import {
  GetBucketVersioningCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../../errors.ts';
import { compareKeys } from '../object-store.ts';
import { badAnswer } from './s3-errors.ts';
import type { S3Requests } from './s3-requests.ts';

/** One version of a key in the bucket, or one marker that it was deleted. */
export interface S3Version {
  readonly Key: string;
  readonly VersionId: string;
  readonly marker: boolean;
  readonly newest: boolean;
  readonly sizeBytes: number;
  readonly changedAt: number;
}

/** What is asked of which versions. */
export interface VersionsRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly signal: AbortSignal | undefined;
}

/** Every version and marker below a prefix, in the order of keys, each key's newest first. */
export async function* versionsBelow(
  requests: S3Requests,
  { bucket, prefix, signal }: VersionsRequest,
  from: { readonly KeyMarker?: string | undefined } = {},
): AsyncGenerator<S3Version, void, undefined> {
  let position: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = from;
  const request = { attempted: 'list versions', key: undefined, signal };
  for (;;) {
    const command = new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, EncodingType: 'url', ...position });
    const page = await requests.run(request, (client, turn) => client.send(command, { abortSignal: turn.signal }));
    yield* versionsOf(page);
    if (page.IsTruncated === undefined)
      throw badAnswer(requests.attempt(request), 'a list of versions that is cut off');
    if (!page.IsTruncated) return;
    if (page.NextKeyMarker === undefined) throw badAnswer(requests.attempt(request), 'a list that does not go on');
    position = { KeyMarker: decodeKey(page.NextKeyMarker), VersionIdMarker: page.NextVersionIdMarker };
  }
}

/** All versions and markers of these keys. They are looked for from the first to the last, as one walk. */
export async function versionsOfKeys(
  requests: S3Requests,
  keys: readonly string[],
  { bucket, signal }: Omit<VersionsRequest, 'prefix'>,
): Promise<S3Version[]> {
  const sorted = [...new Set(keys)].sort(compareKeys);
  const wanted = new Set(sorted);
  const last = sorted.at(-1);
  if (last === undefined) return [];
  const prefix = commonPrefix(sorted[0] ?? '', last);
  const found: S3Version[] = [];
  // Just before the first: a string that it begins with sorts before it.
  const before = [...(sorted[0] ?? '')].slice(0, -1).join('');
  const from = before.length > prefix.length ? { KeyMarker: before } : {};
  for await (const version of versionsBelow(requests, { bucket, prefix, signal }, from)) {
    if (compareKeys(version.Key, last) > 0) break;
    if (wanted.has(version.Key)) found.push(version);
  }
  return found;
}

/** Whether the bucket keeps versions, or kept them once. A server that does not know the question keeps none. */
export async function keepsVersions(
  requests: S3Requests,
  { bucket, signal }: Omit<VersionsRequest, 'prefix'>,
): Promise<boolean> {
  const command = new GetBucketVersioningCommand({ Bucket: bucket });
  try {
    const { Status } = await requests.run(
      { attempted: 'ask for the versioning of the bucket', signal },
      (client, turn) => client.send(command, { abortSignal: turn.signal }),
    );
    return Status !== undefined;
  } catch (error) {
    if (error instanceof ObjectStoreError && NOT_TOLD.has(error.code)) return false;
    throw error;
  }
}

const NOT_TOLD = new Set<string>(['OBJECT_STORE_UNSUPPORTED', 'OBJECT_STORE_DENIED']);

/** Keys in lists are asked for percent-encoded: XML cannot hold every text. */
export function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '));
}

function versionsOf({ Versions = [], DeleteMarkers = [] }: ListObjectVersionsCommandOutput): S3Version[] {
  const all = [
    ...Versions.map((version) => ({ ...version, marker: false })),
    ...DeleteMarkers.map((version) => ({ ...version, Size: 0, marker: true })),
  ].flatMap(({ Key, VersionId, marker, IsLatest, Size, LastModified }) =>
    Key === undefined || VersionId === undefined
      ? []
      : [
          {
            Key: decodeKey(Key),
            VersionId,
            marker,
            newest: IsLatest === true,
            sizeBytes: Size ?? 0,
            changedAt: LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
          },
        ],
  );
  return all.sort((a, b) => compareKeys(a.Key, b.Key) || Number(b.newest) - Number(a.newest));
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  // Not in the middle of a surrogate pair.
  return /[\uD800-\uDBFF]/.test(a[length - 1] ?? '') ? a.slice(0, length - 1) : a.slice(0, length);
}
