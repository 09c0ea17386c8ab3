/** Putting an object into a bucket: in one request, or in parts where that pays. */
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type StorageClass,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../../errors.ts';
import type { SweepResult } from '../object-store.ts';
import type { S3Requests } from './s3-requests.ts';

/** An object's place as S3 knows it. */
export interface S3Target {
  readonly Bucket: string;
  readonly Key: string;
}

/** An object on its way. */
export interface S3Upload {
  /** The key as the store's user knows it. */
  readonly key: string;
  readonly target: S3Target;
  readonly body: Uint8Array;
  readonly storageClass: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** SHA-256 of the whole body, kept with the object: every server gives it back, whatever checksums it knows itself. */
export const DIGEST_METADATA = 'sha256';

export function sha256(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest();
}

export async function putWhole(requests: S3Requests, upload: S3Upload, ifAbsent: boolean): Promise<void> {
  const { key, target, body, signal } = upload;
  const digest = sha256(body);
  const command = new PutObjectCommand({
    ...target,
    ...described(upload, digest),
    Body: body,
    ContentLength: body.length,
    ChecksumSHA256: digest.toString('base64'),
    ...(ifAbsent && { IfNoneMatch: '*' }),
  });
  const request = { attempted: 'store the object', key, signal, sizeBytes: body.length };
  await requests.run(request, (client, turn) => client.send(command, { abortSignal: turn.signal }));
}

/** A large object: a failed part is not the whole body sent again, and several parts travel at a time. */
export async function putInParts(requests: S3Requests, upload: S3Upload, partBytes: number): Promise<void> {
  const { key, target, body, signal } = upload;
  const request = { attempted: 'store the object in parts', key, signal };
  const create = new CreateMultipartUploadCommand({ ...target, ...described(upload, sha256(body)) });
  const { UploadId } = await requests.run(request, (client, turn) => client.send(create, { abortSignal: turn.signal }));
  try {
    const numbers = Array.from({ length: Math.ceil(body.length / partBytes) }, (_, index) => index + 1);
    const parts: { PartNumber: number; ETag: string | undefined }[] = [];
    const waiting = numbers.values();
    const send = async () => {
      for (const number of waiting) {
        const part = body.subarray((number - 1) * partBytes, number * partBytes);
        const command = new UploadPartCommand({
          ...target,
          UploadId,
          PartNumber: number,
          Body: part,
          ContentLength: part.length,
          ChecksumSHA256: sha256(part).toString('base64'),
        });
        const { ETag } = await requests.run({ ...request, sizeBytes: part.length }, (client, turn) =>
          client.send(command, { abortSignal: turn.signal }),
        );
        parts[number - 1] = { PartNumber: number, ETag };
      }
    };
    await settleAll(Array.from({ length: PARTS_IN_FLIGHT }, send));
    const complete = new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } });
    await requests.run(request, (client, turn) => client.send(complete, { abortSignal: turn.signal }));
  } catch (error) {
    const abort = new AbortMultipartUploadCommand({ ...target, UploadId });
    // Parts that stay behind are the sweep's.
    await requests.run({ ...request, signal: undefined }, (client) => client.send(abort)).catch(() => {});
    throw error;
  }
}

/** Uploads in parts that began before this time and that nobody completed. */
export async function giveUploadsUp(
  requests: S3Requests,
  bucket: string,
  prefix: string,
  { before, signal }: { readonly before: number; readonly signal: AbortSignal | undefined },
): Promise<SweepResult> {
  let [removed, sizeBytes] = [0, 0];
  let position: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  for (let more = true; more; ) {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...position });
    const page = await requests
      .run({ attempted: 'list interrupted uploads', signal }, (client, turn) =>
        client.send(command, { abortSignal: turn.signal }),
      )
      .catch(unlessRefused);
    if (page === undefined) break;
    for (const { Key = '', UploadId, Initiated } of page.Uploads ?? []) {
      if (!Key.startsWith(prefix) || Initiated === undefined || Initiated.getTime() >= before) continue;
      const upload = { Bucket: bucket, Key, UploadId };
      const size = await giveUp(requests, upload, { key: Key.slice(prefix.length), signal });
      if (size === undefined) continue;
      removed++;
      sizeBytes += size;
    }
    more = page.IsTruncated === true && page.NextKeyMarker !== undefined;
    position = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
  return { removed, sizeBytes };
}

/** Bytes of the parts that it had; `undefined` when it ended by itself meanwhile. */
async function giveUp(
  requests: S3Requests,
  upload: S3Target & { readonly UploadId: string | undefined },
  what: { readonly key: string; readonly signal: AbortSignal | undefined },
): Promise<number | undefined> {
  const request = { attempted: 'give an interrupted upload up', ...what };
  try {
    // One page: the size is for people.
    const { Parts = [] } = await requests.run(request, (client, turn) =>
      client.send(new ListPartsCommand(upload), { abortSignal: turn.signal }),
    );
    await requests.run(request, (client, turn) =>
      client.send(new AbortMultipartUploadCommand(upload), { abortSignal: turn.signal }),
    );
    return Parts.reduce((sum, { Size = 0 }) => sum + Size, 0);
  } catch (error) {
    if (error instanceof ObjectStoreError && error.details['s3Code'] === 'NoSuchUpload') return undefined;
    throw error;
  }
}

/** Servers without uploads in parts have none to give up; credentials without the right leave them to a rule of the bucket. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof ObjectStoreError) || !REFUSED.has(error.code)) throw error;
  return undefined;
}

const REFUSED = new Set<string>(['OBJECT_STORE_UNSUPPORTED', 'OBJECT_STORE_DENIED']);

const PARTS_IN_FLIGHT = 4;

function described({ storageClass }: S3Upload, digest: Buffer) {
  return {
    ContentType: 'application/octet-stream',
    Metadata: { [DIGEST_METADATA]: digest.toString('hex') },
    // Servers other than AWS have classes with names of their own.
    ...(storageClass !== undefined && { StorageClass: storageClass as StorageClass }),
  };
}

/** All ended before the first failure is told: no part may arrive after the upload was given up. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
