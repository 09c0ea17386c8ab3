/**
 * Adapter: objects in a bucket of any S3-compatible server, through the AWS SDK. Each call is as few requests as it can
 * be, each tried once: repetition is for `retrying`, bounds of rate and concurrency are for `throttled`.
 *
 * Bytes are checked end to end by SHA-256: the request's signature covers the body's, so a server keeps no body that was
 * damaged on its way; the same digest is kept as metadata and held against every object that is read whole.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../../env.ts';
import { ObjectStoreError } from '../../errors.ts';
import { deleteEach, throwFailures } from '../delete-many.ts';
import { checkBody, joined, partsOf } from '../object-body.ts';
import {
  type ByteRange,
  checkKey,
  compareKeys,
  type GetOptions,
  MAX_KEY_BYTES,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type ObjectStoreOptions,
  type PutOptions,
  resolveRange,
  type SweepOptions,
  type SweepResult,
} from '../object-store.ts';
import { S3Deletes } from './s3-deletes.ts';
import { badAnswer, s3Failure } from './s3-errors.ts';
import { bodyOf, type S3ConnectionOptions, type S3Request, S3Requests } from './s3-requests.ts';
import { DIGEST_METADATA, giveUploadsUp, putInParts, putWhole, type S3Target, sha256 } from './s3-upload.ts';
import { placeOf } from './s3-url.ts';
import { decodeKey } from './s3-versions.ts';

/** Where the objects are, and how they are put there. */
export interface S3ObjectStoreOptions extends S3ConnectionOptions {
  readonly bucket: string;
  /** All keys begin so, and a `/` follows; default the whole bucket. */
  readonly prefix?: string | undefined;
  /** Whether the server does conditional puts (If-None-Match): `openS3ObjectStore` finds out. */
  readonly conditionalPut: boolean;
  /** The storage class of a new object, by its key; the bucket's own where none is given. */
  readonly storageClass?: string | ((key: string) => string | undefined) | undefined;
  /** From this size on an object is put in parts; default 64 MiB. Conditional puts never are. */
  readonly multipartFromBytes?: number | undefined;
  /** Default 16 MiB; S3 takes 5 MiB and more. */
  readonly partBytes?: number | undefined;
}

/** Key of the object by which `openS3ObjectStore` probes a server. No listing shows it. */
export const PROBE_KEY = '.conditional-put';

const MIB = 1024 * 1024;

/** Objects in a bucket. */
export class S3ObjectStore implements ObjectStore {
  readonly capabilities: ObjectStoreCapabilities;
  readonly place: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #requests: S3Requests;
  readonly #deletes: S3Deletes;
  readonly #clock: Clock;
  readonly #storageClass: (key: string) => string | undefined;
  readonly #multipartFromBytes: number;
  readonly #partBytes: number;

  constructor(options: S3ObjectStoreOptions) {
    const { bucket, prefix = '', endpoint, conditionalPut, storageClass } = options;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${checkKey(prefix)}/`;
    this.place = placeOf({ bucket, prefix, endpoint });
    this.capabilities = {
      conditionalPut,
      persistent: true,
      maxKeyBytes: MAX_KEY_BYTES - Buffer.byteLength(this.#prefix),
    };
    this.#requests = new S3Requests(bucket, this.place, options);
    this.#deletes = new S3Deletes(this.#requests, bucket, this.#prefix);
    this.#clock = options.clock ?? systemClock;
    this.#storageClass = typeof storageClass === 'function' ? storageClass : () => storageClass;
    this.#multipartFromBytes = options.multipartFromBytes ?? 64 * MIB;
    this.#partBytes = options.partBytes ?? 16 * MIB;
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<Uint8Array> {
    const target = this.#target(key);
    const request = { attempted: 'read the object', key, signal };
    // What is wrong with the numbers themselves needs no answer.
    if (range !== undefined) resolveRange(key, range, Number.MAX_SAFE_INTEGER);
    if (range !== undefined && wantsNothing(range)) return await this.#getNothing(key, range, signal);
    try {
      return await this.#read(request, target, range);
    } catch (error) {
      if (isCode(error, 'OBJECT_STORE_CORRUPT')) return await this.#readAgain(request, target, error);
      if (!isCode(error, 'OBJECT_STORE_BAD_RANGE') || range === undefined) throw error;
      // Nothing of an empty object satisfies a range, its last bytes neither.
      return await this.#getNothing(key, range, signal);
    }
  }

  async head(key: string, { signal }: ObjectStoreOptions = {}): Promise<ObjectInfo> {
    const target = this.#target(key);
    const request = { attempted: 'look at the object', key, signal };
    try {
      const { ContentLength } = await this.#requests.run(request, (client, turn) =>
        client.send(new HeadObjectCommand(target), { abortSignal: turn.signal }),
      );
      if (ContentLength === undefined) throw badAnswer(this.#requests.attempt(request), 'an object without a length');
      return { key, sizeBytes: ContentLength };
    } catch (error) {
      if (isCode(error, 'OBJECT_STORE_NOT_FOUND')) await this.#checkBucket(request);
      else if (error instanceof ObjectStoreError && isUnexplained(error)) await this.#explain(request, target);
      throw error;
    }
  }

  async *list(prefix: string, { signal }: ObjectStoreOptions = {}): AsyncGenerator<ObjectInfo, void, undefined> {
    const request = { attempted: 'list objects', key: prefix, signal };
    signal?.throwIfAborted();
    let last: string | undefined;
    for (let token: string | undefined, more = true; more; ) {
      const page = await this.#listPage(request, prefix, token);
      for (const { Key, Size } of page.Contents ?? []) {
        signal?.throwIfAborted();
        const stored = decodeKey(Key ?? '');
        const key = stored.slice(this.#prefix.length);
        if (!stored.startsWith(this.#prefix + prefix) || (last !== undefined && compareKeys(key, last) <= 0)) {
          throw badAnswer(this.#requests.attempt(request), `a listing with ${key} out of its order`);
        }
        last = key;
        if (key !== PROBE_KEY) yield { key, sizeBytes: Size ?? 0 };
      }
      more = page.IsTruncated === true;
      token = page.NextContinuationToken;
    }
  }

  async put(
    key: string,
    body: ObjectBody,
    { ifAbsent = false, sha256: digest, signal }: PutOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    const target = this.#target(key);
    const parts = partsOf(body);
    checkBody(key, parts, digest);
    if (ifAbsent && !this.capabilities.conditionalPut) throw this.#noConditionalPut(key, signal);
    // The body is sent after this call returned control; one piece of it need not be copied, its caller promised.
    const [only] = parts;
    const whole = parts.length === 1 && only !== undefined ? only : joined(parts);
    const upload = { key, target, body: whole, storageClass: this.#storageClass(key), signal };
    if (!ifAbsent && whole.length >= this.#multipartFromBytes) {
      return await putInParts(this.#requests, upload, this.#partBytes);
    }
    for (let conflicts = 0; ; conflicts++) {
      try {
        return await putWhole(this.#requests, upload, ifAbsent);
      } catch (error) {
        if (!isConflict(error) || conflicts === MAX_CONFLICTS) throw error;
        // Two conditional puts met in the server and neither has won: soon one has.
        await this.#clock.sleep(CONFLICT_PAUSE_MS * 2 ** conflicts, signal);
      }
    }
  }

  async delete(key: string, { signal }: ObjectStoreOptions = {}): Promise<void> {
    const target = this.#target(key);
    const request = { attempted: 'delete the object', key, signal };
    try {
      const { DeleteMarker } = await this.#requests.run(request, (client, turn) =>
        client.send(new DeleteObjectCommand(target), { abortSignal: turn.signal }),
      );
      if (DeleteMarker === true) await this.#deletes.removeVersions([key], signal);
    } catch (error) {
      if (!isCode(error, 'OBJECT_STORE_NOT_FOUND')) throw error;
    }
  }

  async deleteMany(keys: readonly string[], { signal }: ObjectStoreOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const inXml: string[] = [];
    const alone: string[] = [];
    for (const key of new Set(keys)) (NOT_IN_XML.test(checkKey(key)) ? alone : inXml).push(key);
    const failures: ObjectStoreError[] = [];
    failures.push(...(await this.#deletes.deleteKeys(inXml, signal)));
    await deleteEach(alone, { signal }, (key) => this.delete(key, { signal })).catch((error) => {
      if (!(error instanceof ObjectStoreError)) throw error;
      failures.push(error);
    });
    throwFailures(keys.length, failures);
  }

  /**
   * Gives up uploads in parts that nobody completed, and removes what no reader sees: versions that were overwritten,
   * and what is left of keys whose deletion was cut off.
   */
  async sweep({ olderThanMs, signal }: SweepOptions): Promise<SweepResult> {
    signal?.throwIfAborted();
    const before = this.#clock.now() - olderThanMs;
    const uploads = await giveUploadsUp(this.#requests, this.#bucket, this.#prefix, { before, signal });
    const versions = await this.#deletes.sweep(before, signal);
    return { removed: uploads.removed + versions.removed, sizeBytes: uploads.sizeBytes + versions.sizeBytes };
  }

  /** Ends idle connections; the store can still be used. */
  close(): void {
    this.#requests.close();
  }

  #target(key: string): S3Target {
    checkKey(key, this.capabilities.maxKeyBytes);
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  async #read(
    request: S3Request & { readonly key: string },
    target: S3Target,
    range: ByteRange | undefined,
  ): Promise<Uint8Array> {
    const { key } = request;
    return await this.#requests.run(request, async (client, turn) => {
      const command = new GetObjectCommand({ ...target, ...(range && { Range: rangeHeader(range) }) });
      const answer = await client.send(command, { abortSignal: turn.signal });
      const attempt = this.#requests.attempt(request);
      const content = await bodyOf(answer, turn, attempt);
      if (range === undefined) return checked(key, content, answer);
      const { total, from } = placeInObject(answer);
      // A server gives what there is of a range that ends beyond the object.
      const { offset, length } = resolveRange(key, range, total);
      if (from === undefined && content.length === total) return content.slice(offset, offset + length);
      if (from === offset && content.length === length) return content;
      throw badAnswer(attempt, 'another range than was asked for');
    });
  }

  /** Damaged where it lies, an object is damaged the same way twice; else it was on its way here. */
  async #readAgain(request: S3Request & { readonly key: string }, target: S3Target, first: ObjectStoreError) {
    try {
      return await this.#read(request, target, undefined);
    } catch (error) {
      if (!isCode(error, 'OBJECT_STORE_CORRUPT') || error.details['found'] === first.details['found']) throw error;
      throw badAnswer(this.#requests.attempt(request), 'an object that was damaged on its way, twice');
    }
  }

  /** Of the object that is there: a range without bytes, or the error that it has no such range. */
  async #getNothing(key: string, range: ByteRange, signal: AbortSignal | undefined) {
    const { sizeBytes } = await this.head(key, { signal });
    if (resolveRange(key, range, sizeBytes).length === 0) return new Uint8Array(0);
    throw badAnswer(
      this.#requests.attempt({ attempted: 'read the object', key }),
      'no range, of an object that has it',
    );
  }

  /** An answer to HEAD has no body, so a refusal of it has no reason. The same refusal of a GET has one. */
  async #explain(request: S3Request, target: S3Target): Promise<void> {
    try {
      await this.#read({ ...request, key: request.key ?? '' }, target, { offset: 0, length: 1 });
    } catch (error) {
      if (!isCode(error, 'OBJECT_STORE_BAD_RANGE')) throw error;
    }
    throw badAnswer(this.#requests.attempt(request), 'a refusal that it did not repeat');
  }

  /** An answer to HEAD has no body: only the bucket itself can say whether it is there. */
  async #checkBucket({ signal }: S3Request): Promise<void> {
    const request = { attempted: 'look at the bucket', signal };
    const command = new HeadBucketCommand({ Bucket: this.#bucket });
    try {
      await this.#requests.run(request, (client, turn) => client.send(command, { abortSignal: turn.signal }));
    } catch (error) {
      if (!isCode(error, 'OBJECT_STORE_NOT_FOUND')) return;
      throw this.#noBucket(request);
    }
  }

  #noBucket(request: S3Request): ObjectStoreError {
    const remedy = 'Create the bucket, or correct its name and the endpoint.';
    const said = { code: 'NoSuchBucket', message: '', status: 404, requestId: undefined };
    return s3Failure(this.#requests.attempt(request), { code: 'OBJECT_STORE_UNSUPPORTED', remedy }, said);
  }

  async #listPage(request: S3Request, prefix: string, token: string | undefined): Promise<ListObjectsV2CommandOutput> {
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: this.#prefix + prefix,
      EncodingType: 'url',
      ...(token !== undefined && { ContinuationToken: token }),
    });
    const page = await this.#requests.run(request, (client, turn) =>
      client.send(command, { abortSignal: turn.signal }),
    );
    const { KeyCount, Contents = [], IsTruncated, NextContinuationToken } = page;
    // A listing that lost its end still parses: it is believed only if it says itself that it is whole.
    const whole = IsTruncated !== undefined && (KeyCount === undefined || KeyCount === Contents.length);
    if (!whole || (IsTruncated && (NextContinuationToken ?? token) === token)) {
      throw badAnswer(this.#requests.attempt(request), 'a listing that is cut off');
    }
    return page;
  }

  #noConditionalPut(key: string, signal: AbortSignal | undefined): ObjectStoreError {
    const message = 'the server does not put on condition that the key is absent (If-None-Match)';
    const said = { code: 'NotImplemented', message, status: undefined, requestId: undefined };
    const attempt = this.#requests.attempt({ attempted: 'store the object if it is absent', key, signal });
    return s3Failure(attempt, { code: 'OBJECT_STORE_UNSUPPORTED' }, said);
  }
}

const MAX_CONFLICTS = 5;
const CONFLICT_PAUSE_MS = 50;
/** Allowed in keys, and in no XML document. */
const NOT_IN_XML = /[\uFFFE\uFFFF]/;

function wantsNothing(range: ByteRange): boolean {
  return ('last' in range ? range.last : range.length) === 0;
}

function rangeHeader(range: ByteRange): string {
  return 'last' in range ? `bytes=-${range.last}` : `bytes=${range.offset}-${range.offset + range.length - 1}`;
}

/** Where what came begins, and how large the object is; a server that knows no ranges sends it whole. */
function placeInObject({ ContentRange, ContentLength = 0 }: GetObjectCommandOutput): {
  readonly total: number;
  readonly from: number | undefined;
} {
  const told = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '');
  return told === null ? { total: ContentLength, from: undefined } : { total: Number(told[2]), from: Number(told[1]) };
}

function checked(key: string, content: Uint8Array, { Metadata }: GetObjectCommandOutput): Uint8Array {
  const expected = Metadata?.[DIGEST_METADATA];
  if (expected === undefined) return content;
  const found = sha256(content).toString('hex');
  if (found === expected) return content;
  throw new ObjectStoreError('OBJECT_STORE_CORRUPT', `${key} is not what was stored: its SHA-256 is another`, {
    key,
    attempted: 'read the object',
    details: { expected, found },
  });
}

function isCode(error: unknown, code: string): error is ObjectStoreError {
  return error instanceof ObjectStoreError && error.code === code;
}

function isUnexplained({ details }: ObjectStoreError): boolean {
  return /^HTTP 4/.test(`${details['s3Code']}`);
}

function isConflict(error: unknown): boolean {
  return error instanceof ObjectStoreError && error.details['s3Code'] === 'ConditionalRequestConflict';
}
