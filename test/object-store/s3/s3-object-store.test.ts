import { describe, expect, it } from 'vitest';
import { ObjectStoreError } from '../../../src/errors.ts';
import type { ObjectStore } from '../../../src/object-store/object-store.ts';
import { retrying } from '../../../src/object-store/retrying.ts';
import { openS3ObjectStore, openS3Url } from '../../../src/object-store/s3/index.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { missingNeeds, objectStoreContract } from '../../../src/testing/object-store-contract.ts';
import { SeededRandom } from '../../../src/testing/random.ts';
import { CREDENTIALS, handlerOf, storeOn } from './opened.ts';
import { refusal, S3StandIn, type StandInOptions } from './stand-in.ts';

const body = (size: number, value = 7) => new Uint8Array(size).fill(value);

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

async function failure(work: Promise<unknown>): Promise<ObjectStoreError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ObjectStoreError);
  return error as ObjectStoreError;
}

const SUBJECTS: readonly { readonly name: string; readonly server: StandInOptions; readonly prefix?: string }[] = [
  { name: 'a plain bucket', server: { keysPerPage: 100 } },
  { name: 'a prefix of a bucket with versions', server: { versioned: true }, prefix: 'some/prefix' },
  { name: 'a server without conditional puts', server: { conditionalPut: 'refused' } },
];

for (const { name, server, prefix } of SUBJECTS) {
  describe(`the contract of object stores, kept by S3 (${name})`, () => {
    const conditionalPut = server.conditionalPut !== 'refused';
    for (const contractCase of objectStoreContract) {
      const run = async () => {
        const standIn = new S3StandIn(server);
        const open = () =>
          openS3ObjectStore({
            bucket: 'bucket',
            prefix,
            endpoint: 'http://s3.test',
            credentials: CREDENTIALS,
            requestHandler: handlerOf(standIn).handler,
            multipartFromBytes: 6_000_000,
            partBytes: 5_000_000,
          });
        const store = await open();
        expect(store.capabilities.conditionalPut).toBe(conditionalPut);
        await contractCase.run({ store, prefix: 'case/', reopen: open });
      };
      const missing = missingNeeds(contractCase, { conditionalPut, persistent: true });
      if (missing === undefined) it(contractCase.name, run);
      else it.skip(`${contractCase.name} (${missing})`, run);
    }
  });
}

describe('a conditional put', () => {
  const open = (standIn: S3StandIn) =>
    openS3ObjectStore({
      bucket: 'bucket',
      endpoint: 'http://s3.test',
      credentials: CREDENTIALS,
      requestHandler: handlerOf(standIn).handler,
      retry: { clock: new VirtualClock({ autoAdvance: true }), random: new SeededRandom(1) },
    });

  it('is asked for once per opening where the probe is there, and no listing shows the probe', async () => {
    const standIn = new S3StandIn();
    await open(standIn);
    standIn.log.length = 0;
    const store = await open(standIn);
    expect(standIn.log).toEqual(['PUT .conditional-put?x-id=PutObject']);
    expect(await keysOf(store)).toEqual([]);
  });

  it('is known not to be there where the server refuses it, ignores it, or lets nothing be written', async () => {
    for (const conditionalPut of ['refused', 'ignored'] as const) {
      const standIn = new S3StandIn({ conditionalPut });
      const store = await open(standIn);
      expect(store.capabilities.conditionalPut, conditionalPut).toBe(false);
      expect(await keysOf(store)).toEqual([]);
      expect(standIn.versionsOf('.conditional-put')).toEqual([]);
      const error = await failure(store.put('a', body(1), { ifAbsent: true }));
      expect(error.code).toBe('OBJECT_STORE_UNSUPPORTED');
    }
    const readOnly = new S3StandIn();
    readOnly.intercept = ({ method }) => (method === 'PUT' ? refusal(403, 'AccessDenied') : undefined);
    expect((await open(readOnly)).capabilities.conditionalPut).toBe(false);
  });

  it('is found out through refusals that pass, and a bucket that is not there is no answer', async () => {
    const standIn = new S3StandIn();
    let refusals = 3;
    standIn.intercept = () => (refusals-- > 0 ? refusal(503, 'SlowDown') : undefined);
    expect((await open(standIn)).capabilities.conditionalPut).toBe(true);
    const error = await failure(open(new S3StandIn({ bucket: 'other' })));
    expect(error).toMatchObject({
      code: 'OBJECT_STORE_UNSUPPORTED',
      remedy: expect.stringContaining('Create the bucket'),
    });
  });

  it('is tried again when two of them meet, and is then answered', async () => {
    const standIn = new S3StandIn();
    const clock = new VirtualClock({ autoAdvance: true });
    let conflicts = 2;
    standIn.intercept = () => (conflicts-- > 0 ? refusal(409, 'ConditionalRequestConflict') : undefined);
    await storeOn(standIn, { clock }).put('a', body(1), { ifAbsent: true });
    expect(standIn.log).toHaveLength(3);
    expect((await failure(storeOn(standIn).put('a', body(2), { ifAbsent: true }))).code).toBe('OBJECT_STORE_EXISTS');
  });

  it('whose answer was lost is known as our own, and that of another writer is not', async () => {
    const standIn = new S3StandIn();
    let lost = true;
    const { handler } = handlerOf(standIn);
    // The server does it; then the connection breaks.
    const losing = {
      ...(handler as { handle(...args: unknown[]): Promise<unknown> }),
      handle: async (...args: unknown[]) => {
        const answer = await (handler as { handle(...args: unknown[]): Promise<unknown> }).handle(...args);
        if (!lost) return answer;
        lost = false;
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      },
    };
    const clock = new VirtualClock({ autoAdvance: true });
    const store = retrying(storeOn(standIn, { requestHandler: losing as never }), { clock });
    await store.put('mine', body(10), { ifAbsent: true });
    lost = true;
    expect((await failure(store.put('mine', body(11), { ifAbsent: true }))).code).toBe('OBJECT_STORE_EXISTS');
  });
});

describe('patience', () => {
  it('waits longer after each 503 by the clock it was given, and then gives up with what the server said', async () => {
    const standIn = new S3StandIn();
    standIn.intercept = () => refusal(503, 'SlowDown');
    const clock = new VirtualClock({ autoAdvance: true });
    const delays: number[] = [];
    const store = retrying(storeOn(standIn, { clock }), {
      retries: 4,
      minDelayMs: 1000,
      maxDelayMs: 4000,
      clock,
      random: new SeededRandom(3),
      onRetry: (_, delayMs) => delays.push(delayMs),
    });
    const began = clock.now();
    const error = await failure(store.get('a'));
    expect(error).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', retryable: true, key: 'a' });
    expect(error.details).toMatchObject({ bucket: 'bucket', s3Code: 'SlowDown', status: 503 });
    expect(standIn.log).toHaveLength(5);
    for (const [index, bound] of [1000, 2000, 4000, 4000].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(bound / 2);
      expect(delays[index]).toBeLessThanOrEqual(bound);
    }
    expect(clock.now() - began).toBe(delays.reduce((sum, ms) => sum + ms, 0));
    expect(clock.pending).toBe(0);
  });

  it('ends a request that nobody answers, after the time for it and for its body, and leaves no timer', async () => {
    const clock = new VirtualClock({ autoAdvance: true });
    const never = handlerOf(new S3StandIn(), () => new Promise(() => {})).handler;
    const store = storeOn(new S3StandIn(), {
      clock,
      requestHandler: never,
      requestTimeoutMs: 5000,
      slowestBytesPerSecond: 1000,
    });
    let began = clock.now();
    expect(await failure(store.get('a'))).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', retryable: true });
    expect(clock.now() - began).toBe(5000);
    began = clock.now();
    await failure(store.put('a', body(2000)));
    expect(clock.now() - began).toBe(7000);
    expect(clock.pending).toBe(0);
  });

  it('ends at once with the reason of the caller, also while the SDK waits for credentials', async () => {
    const clock = new VirtualClock();
    const store = storeOn(new S3StandIn(), { clock, credentials: () => new Promise(() => {}) });
    const controller = new AbortController();
    const reading = store.get('a', { signal: controller.signal }).catch((error: unknown) => error);
    while (clock.pending === 0) await undefined;
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await reading).toBe(reason);
    expect(clock.pending).toBe(0);
  });
});

describe('a bucket that keeps versions', () => {
  it('is left by a deleted object with all its versions, and never shows an older one', async () => {
    const standIn = new S3StandIn({ versioned: true, keysPerPage: 2 });
    const store = storeOn(standIn);
    for (const key of ['a/1', 'a/2', 'a/3', 'b']) for (const size of [1, 2, 3]) await store.put(key, body(size));
    await store.delete('b');
    await store.deleteMany(['a/3', 'a/1', 'absent']);
    for (const key of ['a/1', 'a/3', 'b', 'absent']) expect(standIn.versionsOf(key), key).toEqual([]);
    expect(standIn.versionsOf('a/2')).toEqual(['object', 'object', 'object']);
  });

  it('shows nothing of an object whose deletion was cut off at any request, and a sweep removes the rest', async () => {
    for (let dies = 1; ; dies++) {
      const standIn = new S3StandIn({ versioned: true });
      const store = storeOn(standIn);
      for (const size of [1, 2]) await store.put('a', body(size));
      await store.put('kept', body(1));
      standIn.log.length = 0;
      standIn.intercept = () => (standIn.log.length >= dies ? refusal(500, 'InternalError') : undefined);
      const outcome = await store.deleteMany(['a']).catch((error: unknown) => error);
      standIn.intercept = () => undefined;
      if (outcome === undefined) break;
      expect(outcome).toBeInstanceOf(ObjectStoreError);
      expect(await keysOf(store), `after ${dies}`).toEqual(dies === 1 ? ['a', 'kept'] : ['kept']);
      if (dies === 1) continue;
      expect((await store.sweep({ olderThanMs: 1000 })).removed).toBeGreaterThan(0);
      expect(standIn.versionsOf('a')).toEqual([]);
      expect(standIn.versionsOf('kept')).toEqual(['object']);
      expect(dies).toBeLessThan(10);
    }
  });

  it('is swept of what was overwritten', async () => {
    const standIn = new S3StandIn({ versioned: true });
    const store = storeOn(standIn);
    for (const size of [10, 20, 30]) await store.put('a', body(size));
    expect(await store.sweep({ olderThanMs: 1000 })).toEqual({ removed: 2, sizeBytes: 30 });
    expect((await store.get('a')).length).toBe(30);
  });
});

describe('deleting many', () => {
  it('takes one request for 1,000 keys, and tells of each key that the server kept', async () => {
    const standIn = new S3StandIn();
    const store = storeOn(standIn, { prefix: 'p' });
    const keys = Array.from({ length: 1500 }, (_, index) => `k${index}`);
    await store.deleteMany(keys);
    expect(standIn.log).toEqual(
      ['POST ?delete&x-id=DeleteObjects', 'POST ?delete&x-id=DeleteObjects'].map(() =>
        expect.stringContaining('?delete'),
      ),
    );
    standIn.intercept = () => ({
      status: 200,
      headers: {},
      body: Buffer.from(
        '<DeleteResult><Deleted><Key>p/a</Key></Deleted>' +
          '<Error><Key>p/b</Key><Code>SlowDown</Code></Error><Error><Key>p/c</Key><Code>AccessDenied</Code></Error></DeleteResult>',
      ),
    });
    const error = await failure(store.deleteMany(['a', 'b', 'c']));
    expect(error).toMatchObject({ code: 'OBJECT_STORE_DENIED', key: 'c', retryable: false });
    expect(error.details['failed']).toEqual(['b', 'c']);
    expect(await failure(store.deleteMany(['a', 'b', 'c', 'd']))).toMatchObject({ retryable: true });
  });
});

describe('a listing', () => {
  const page = (content: string) => ({
    status: 200,
    headers: {},
    body: Buffer.from(`<ListBucketResult>${content}</ListBucketResult>`),
  });
  const entry = (key: string) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`;

  it('that lost its end, an entry or its order is not believed', async () => {
    for (const content of [
      entry('a'),
      `<IsTruncated>false</IsTruncated><KeyCount>2</KeyCount>${entry('a')}`,
      `<IsTruncated>true</IsTruncated>${entry('a')}`,
      `<IsTruncated>false</IsTruncated>${entry('b')}${entry('a')}`,
      `<IsTruncated>false</IsTruncated>${entry('a')}${entry('a')}`,
    ]) {
      const standIn = new S3StandIn();
      standIn.intercept = () => page(content);
      const error = await failure(keysOf(storeOn(standIn)));
      expect(error, content).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', retryable: true });
    }
  });

  it('cut off in the middle of its XML is an answer to ask for again', async () => {
    const standIn = new S3StandIn();
    standIn.intercept = () => ({
      status: 200,
      headers: {},
      body: Buffer.from('<ListBucketResult><IsTruncated>false</IsTr'),
    });
    expect(await failure(keysOf(storeOn(standIn)))).toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
      retryable: true,
    });
  });
});

describe('bytes', () => {
  it('are signed, sent with their digest, and held against it when they are read', async () => {
    const standIn = new S3StandIn();
    const sent: Record<string, string>[] = [];
    standIn.intercept = ({ method, headers }) => {
      if (method === 'PUT') sent.push({ ...headers });
      return undefined;
    };
    const store = storeOn(standIn);
    await store.put('a', body(100));
    expect(sent[0]).toMatchObject({
      'x-amz-content-sha256': expect.stringMatching(/^[0-9a-f]{64}$/),
      'x-amz-checksum-sha256': expect.any(String),
      authorization: expect.stringContaining('x-amz-content-sha256'),
    });
    expect(sent[0]).not.toHaveProperty('expect');
    await storeOn(standIn, { checksumHeaders: false }).put('b', body(100));
    expect(sent[1]).not.toHaveProperty('x-amz-checksum-sha256');
    standIn.damage('a');
    expect(await failure(store.get('a'))).toMatchObject({ code: 'OBJECT_STORE_CORRUPT', key: 'a' });
    expect((await store.get('b')).length).toBe(100);
  });

  it('damaged on their way here are read again, and damage that is another each time can pass', async () => {
    const standIn = new S3StandIn();
    const store = storeOn(standIn);
    await store.put('a', body(100));
    const digest = standIn.headersOf('a')['x-amz-meta-sha256'] ?? '';
    let damages = 1;
    standIn.intercept = ({ method }) => {
      if (method !== 'GET' || damages === 0) return undefined;
      const damaged = body(100);
      damaged[damages--] = 9;
      return { status: 200, headers: { 'content-length': '100', 'x-amz-meta-sha256': digest }, body: damaged };
    };
    expect(await store.get('a')).toEqual(body(100));
    damages = 2;
    expect(await failure(store.get('a'))).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', retryable: true });
  });

  it('damaged on their way there are refused by the server, and sent again', async () => {
    const standIn = new S3StandIn();
    standIn.intercept = ({ headers }) =>
      headers['x-amz-content-sha256'] === undefined
        ? refusal(400, 'MissingDigest')
        : refusal(400, 'XAmzContentSHA256Mismatch');
    expect(await failure(storeOn(standIn).put('a', body(10)))).toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
      retryable: true,
    });
  });

  it('of a large object travel in parts, and nothing stays of an upload that fails', async () => {
    const standIn = new S3StandIn();
    const store = storeOn(standIn, { multipartFromBytes: 1000, partBytes: 300, storageClass: 'STANDARD_IA' });
    const large = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);
    await store.put('large', large);
    expect(standIn.log.filter((line) => line.includes('partNumber'))).toHaveLength(4);
    expect(await store.get('large')).toEqual(large);
    expect(standIn.headersOf('large')).toMatchObject({ 'x-amz-storage-class': 'STANDARD_IA' });
    standIn.intercept = ({ query }) => (query['partNumber'] === '3' ? refusal(503, 'SlowDown') : undefined);
    expect((await failure(store.put('large', large.toReversed()))).retryable).toBe(true);
    expect(standIn.uploadsUnderWay).toBe(0);
    expect(await store.get('large')).toEqual(large);
  });

  it('of uploads that their process did not end are swept', async () => {
    const standIn = new S3StandIn();
    const store = storeOn(standIn, { multipartFromBytes: 1000, partBytes: 300 });
    // Neither the third part nor the end of the upload comes through.
    standIn.intercept = ({ method, query }) =>
      query['partNumber'] === '3' || method === 'DELETE' ? refusal(500, 'InternalError') : undefined;
    await failure(store.put('large', body(1000)));
    expect(standIn.uploadsUnderWay).toBe(1);
    standIn.intercept = () => undefined;
    expect(await store.sweep({ olderThanMs: 1000 })).toEqual({ removed: 1, sizeBytes: 700 });
    expect(standIn.uploadsUnderWay).toBe(0);
  });
});

describe('a place by its URL', () => {
  it('puts each kind of object into the storage class that is said for it', async () => {
    const standIn = new S3StandIn();
    const url =
      's3://bucket/p?endpoint=http://s3.test&storageClass=STANDARD&storageClass.objects=STANDARD_IA&conditionalPut=yes';
    const store = await openS3Url(url, { credentials: CREDENTIALS, requestHandler: handlerOf(standIn).handler });
    for (const key of ['vol1/objects/1', 'vol1/history/1', 'other']) await store.put(key, body(1));
    const classes = ['vol1/objects/1', 'vol1/history/1', 'other'].map(
      (key) => standIn.headersOf(`p/${key}`)['x-amz-storage-class'],
    );
    expect(classes).toEqual(['STANDARD_IA', 'STANDARD', 'STANDARD']);
    expect(standIn.log).toHaveLength(3);
  });

  it('is swept as far as its credentials reach', async () => {
    const standIn = new S3StandIn({ versioned: true });
    const store = storeOn(standIn);
    standIn.intercept = ({ query }) =>
      'uploads' in query || 'versioning' in query ? refusal(403, 'AccessDenied') : undefined;
    expect(await store.sweep({ olderThanMs: 1000 })).toEqual({ removed: 0, sizeBytes: 0 });
  });
});

describe('an error', () => {
  const ROWS = [
    [404, 'NoSuchKey', 'OBJECT_STORE_NOT_FOUND', false],
    [404, 'NoSuchBucket', 'OBJECT_STORE_UNSUPPORTED', false],
    [403, 'AccessDenied', 'OBJECT_STORE_DENIED', false],
    [403, 'SignatureDoesNotMatch', 'OBJECT_STORE_DENIED', false],
    [400, 'ExpiredToken', 'OBJECT_STORE_DENIED', false],
    [403, 'QuotaExceeded', 'OBJECT_STORE_NO_SPACE', false],
    [403, 'RequestTimeTooSkewed', 'OBJECT_STORE_UNAVAILABLE', true],
    [400, 'RequestTimeout', 'OBJECT_STORE_UNAVAILABLE', true],
    [301, 'PermanentRedirect', 'OBJECT_STORE_UNSUPPORTED', false],
    [403, 'InvalidObjectState', 'OBJECT_STORE_UNAVAILABLE', false],
    [500, 'InternalError', 'OBJECT_STORE_UNAVAILABLE', true],
    [429, 'TooManyRequests', 'OBJECT_STORE_UNAVAILABLE', true],
    [502, 'NeverHeardOf', 'OBJECT_STORE_UNAVAILABLE', true],
    [418, 'NeverHeardOf', 'OBJECT_STORE_UNSUPPORTED', false],
    [507, 'NeverHeardOf', 'OBJECT_STORE_NO_SPACE', false],
  ] as const;

  for (const [status, s3Code, code, retryable] of ROWS) {
    it(`${s3Code} with ${status} is ${code}${retryable ? ', and can pass' : ''}`, async () => {
      const standIn = new S3StandIn();
      standIn.intercept = () => refusal(status, s3Code);
      const error = await failure(storeOn(standIn).get('some/key'));
      expect(error).toMatchObject({ code, retryable, key: 'some/key' });
      expect(error.details).toMatchObject({ bucket: 'bucket', s3Code, status });
    });
  }

  it('of the network is typed by its errno', async () => {
    for (const [errno, retryable] of [
      ['ECONNREFUSED', true],
      ['ECONNRESET', true],
      ['EPIPE', true],
      ['EAI_AGAIN', true],
      ['ENOTFOUND', false],
    ] as const) {
      const broken = handlerOf(new S3StandIn(), () => {
        throw Object.assign(new Error(`connect ${errno}`), { code: errno });
      }).handler;
      const error = await failure(storeOn(new S3StandIn(), { requestHandler: broken }).get('a'));
      expect(error, errno).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', retryable });
    }
  });

  it('whose answer broke off is of the network, whatever status it began with', async () => {
    const broken = handlerOf(new S3StandIn(), () => {
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET', $metadata: { httpStatusCode: 403 } });
    }).handler;
    const error = await failure(storeOn(new S3StandIn(), { requestHandler: broken }).get('a'));
    expect(error).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', retryable: true });
  });

  it('of a bucket that is not there is told apart from an absent object, also by head', async () => {
    const store = storeOn(new S3StandIn({ bucket: 'other' }));
    for (const call of [store.get('a'), store.head('a'), store.put('a', body(1)), keysOf(store)]) {
      expect(await failure(call)).toMatchObject({ code: 'OBJECT_STORE_UNSUPPORTED' });
    }
    expect((await failure(storeOn(new S3StandIn()).head('a'))).code).toBe('OBJECT_STORE_NOT_FOUND');
  });

  it('of a HEAD, which comes without a reason, has the reason all the same', async () => {
    const standIn = new S3StandIn();
    const store = storeOn(standIn);
    await store.put('a', body(10));
    standIn.intercept = ({ method }) =>
      method === 'HEAD' ? { status: 403, headers: {}, body: new Uint8Array(0) } : refusal(403, 'RequestTimeTooSkewed');
    expect(await failure(store.head('a'))).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', retryable: true });
    standIn.intercept = ({ method }) =>
      method === 'HEAD' ? { status: 403, headers: {}, body: new Uint8Array(0) } : undefined;
    expect(await failure(store.head('a'))).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE', retryable: true });
    standIn.intercept = ({ method }) =>
      method === 'HEAD' ? { status: 403, headers: {}, body: new Uint8Array(0) } : refusal(403, 'AccessDenied');
    expect(await failure(store.head('a'))).toMatchObject({ code: 'OBJECT_STORE_DENIED', retryable: false });
  });

  it('carries no secret, whatever the server repeats of the request', async () => {
    const standIn = new S3StandIn();
    const { accessKeyId } = CREDENTIALS;
    standIn.intercept = ({ headers }) => ({
      status: 403,
      headers: {},
      body: Buffer.from(
        `<Error><Code>SignatureDoesNotMatch</Code><Message>The key ${accessKeyId} is wrong</Message>` +
          `<AWSAccessKeyId>${accessKeyId}</AWSAccessKeyId><StringToSign>${headers['authorization']}</StringToSign></Error>`,
      ),
    });
    const error = await failure(storeOn(standIn).put('a', body(1)));
    const { inspect } = await import('node:util');
    const told = `${JSON.stringify(error)} ${inspect(error, { depth: 10, showHidden: true })}`;
    expect(told).not.toContain(accessKeyId);
    expect(told).not.toContain('secret');
    expect(told).not.toMatch(/Signature=/);
  });
});

describe('an address', () => {
  it('has the bucket in its path where an endpoint is given, and in the host where it is not or where it is asked for', async () => {
    for (const [options, host] of [
      [{}, 's3.test'],
      [{ pathStyle: false }, 'bucket.s3.test'],
      [{ endpoint: undefined, region: 'eu-central-1' }, 'bucket.s3.eu-central-1.amazonaws.com'],
      [{ endpoint: undefined, region: 'eu-central-1', pathStyle: true }, 's3.eu-central-1.amazonaws.com'],
    ] as const) {
      const { hosts, handler } = handlerOf(new S3StandIn());
      await storeOn(new S3StandIn(), { ...options, requestHandler: handler })
        .get('a')
        .catch(() => {});
      expect(hosts, JSON.stringify(options)).toEqual([host]);
    }
  });
});
