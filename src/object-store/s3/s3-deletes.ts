/** Deleting in a bucket: many keys in one request, and in a bucket that keeps versions all that a key ever held. */
import { DeleteObjectsCommand, type ObjectIdentifier } from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../../errors.ts';
import { throwFailures } from '../delete-many.ts';
import type { SweepResult } from '../object-store.ts';
import { badAnswer, s3KeyError } from './s3-errors.ts';
import type { S3Requests } from './s3-requests.ts';
import { keepsVersions, type S3Version, versionsBelow, versionsOfKeys } from './s3-versions.ts';

export class S3Deletes {
  readonly #requests: S3Requests;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(requests: S3Requests, bucket: string, prefix: string) {
    this.#requests = requests;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  /** All keys are tried; the failures are given back. */
  async deleteKeys(keys: readonly string[], signal: AbortSignal | undefined): Promise<ObjectStoreError[]> {
    const failures: ObjectStoreError[] = [];
    for (const batch of batches(keys)) {
      try {
        const objects = batch.map((key) => ({ Key: this.#prefix + key }));
        const { errors, marked } = await this.#deleteBatch(objects, signal);
        failures.push(...errors);
        const failed = new Set(errors.map(({ key }) => key));
        const gone = batch.filter((key) => !failed.has(key));
        if (marked) await this.removeVersions(gone, signal);
      } catch (error) {
        if (!(error instanceof ObjectStoreError)) throw error;
        failures.push(error);
      }
    }
    return failures;
  }

  /** What deleted keys held, and then the markers that they were deleted. */
  async removeVersions(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const stored = keys.map((key) => this.#prefix + key);
    const found = await versionsOfKeys(this.#requests, stored, { bucket: this.#bucket, signal });
    // A key that somebody put again meanwhile keeps what they put.
    await this.#remove(
      found.filter(({ newest, marker }) => marker || !newest),
      signal,
    );
  }

  /** Versions that were overwritten and markers, as far as they are older than `before`. */
  async sweep(before: number, signal: AbortSignal | undefined): Promise<SweepResult> {
    const place = { bucket: this.#bucket, prefix: this.#prefix, signal };
    if (!(await keepsVersions(this.#requests, place))) return { removed: 0, sizeBytes: 0 };
    const dead: S3Version[] = [];
    // Keys with something below their marker that is too young to go: the marker has to stay above it.
    const kept = new Set<string>();
    for await (const version of versionsBelow(this.#requests, place)) {
      if (!version.marker && version.newest) continue;
      if (version.changedAt < before) dead.push(version);
      else if (!version.marker) kept.add(version.Key);
    }
    const removed = dead.filter(({ Key, marker }) => !(marker && kept.has(Key)));
    await this.#remove(removed, signal);
    return { removed: removed.length, sizeBytes: removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }

  /** Markers last: without its marker an older version would be the object again. */
  async #remove(versions: readonly S3Version[], signal: AbortSignal | undefined): Promise<void> {
    for (const markers of [false, true]) {
      const chosen = versions.filter(({ marker }) => marker === markers);
      for (const batch of batches(chosen)) {
        const objects = batch.map(({ Key, VersionId }) => ({ Key, VersionId }));
        const { errors } = await this.#deleteBatch(objects, signal);
        throwFailures(batch.length, errors);
      }
    }
  }

  /** `marked`: the bucket keeps versions, and has put a marker where a key was. */
  async #deleteBatch(
    objects: readonly ObjectIdentifier[],
    signal: AbortSignal | undefined,
  ): Promise<{ readonly errors: ObjectStoreError[]; readonly marked: boolean }> {
    const request = { attempted: 'delete objects', key: objects[0]?.Key?.slice(this.#prefix.length), signal };
    const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects: [...objects] } });
    const { Deleted = [], Errors = [] } = await this.#requests.run(request, (client, turn) =>
      client.send(command, { abortSignal: turn.signal }),
    );
    if (Deleted.length + Errors.length < objects.length) {
      const problem = `an answer about ${Deleted.length + Errors.length} of ${objects.length} keys`;
      throw badAnswer(this.#requests.attempt(request), problem);
    }
    const errors = Errors.filter(({ Code = '' }) => !GONE.has(Code)).map(
      ({ Key = '', Code = 'Unknown', Message = '' }) =>
        s3KeyError({ ...this.#requests.attempt(request), key: Key.slice(this.#prefix.length) }, Code, Message),
    );
    return { errors, marked: Deleted.some(({ DeleteMarker, VersionId }) => DeleteMarker && VersionId === undefined) };
  }
}

const GONE = new Set(['NoSuchKey', 'NoSuchVersion']);
const KEYS_PER_REQUEST = 1000;

function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += KEYS_PER_REQUEST) yield all.slice(at, at + KEYS_PER_REQUEST);
}
