/**
 * One S3 request at a time through the SDK, ended by the caller's signal or by our own clock. The SDK repeats nothing
 * (`maxAttempts: 1`) and sets no timer that decides anything: its timeouts are off, it does not wait for `100 Continue`.
 */
import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { type GetObjectCommandOutput, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../../env.ts';
import { badAnswer, type S3Attempt, s3ErrorOf, s3Failure } from './s3-errors.ts';

/** How a server is reached, and how patient requests to it are. */
export interface S3ConnectionOptions {
  /** `https://host:port`; default AWS's own for the region. */
  readonly endpoint?: string | undefined;
  /** Default the SDK's chain (AWS_REGION, profile); `us-east-1` where an endpoint is given. */
  readonly region?: string | undefined;
  /** Bucket in the path of the URL rather than in the host's name; default where an endpoint is given. */
  readonly pathStyle?: boolean | undefined;
  /** Default the SDK's chain: environment, profile, web identity, container, instance. */
  readonly credentials?: S3ClientConfig['credentials'] | undefined;
  /** Takes the place of the SDK's HTTP client. */
  readonly requestHandler?: S3ClientConfig['requestHandler'] | undefined;
  /** Send bodies with `x-amz-checksum-sha256`, for servers that keep it; default yes. They are signed in any case. */
  readonly checksumHeaders?: boolean | undefined;
  /** How long a request may take besides the time for its body; default 30 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** Below this rate a body counts as stalled; default 65,536. */
  readonly slowestBytesPerSecond?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** What one request is about. */
export interface S3Request {
  readonly attempted: string;
  /** The key as the store's user knows it. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of the body that is sent. */
  readonly sizeBytes?: number | undefined;
}

export class S3Requests {
  readonly #bucket: string;
  readonly #place: string;
  readonly #client: S3Client;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #slowestBytesPerMs: number;

  constructor(bucket: string, place: string, options: S3ConnectionOptions) {
    this.#bucket = bucket;
    this.#place = place;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.requestTimeoutMs ?? 30_000;
    this.#slowestBytesPerMs = (options.slowestBytesPerSecond ?? 65_536) / 1000;
    this.#client = clientOf(options);
  }

  attempt({ attempted, key }: S3Request): S3Attempt {
    return { attempted, key, bucket: this.#bucket, place: this.#place };
  }

  /**
   * Runs `work`, which sends through the client it is given. It ends when the signal does, with its reason, and when its
   * time is over, as `OBJECT_STORE_UNAVAILABLE`: whether a change took effect is then unknown.
   * @throws ObjectStoreError
   */
  async run<T>(request: S3Request, work: (client: S3Client, turn: S3Turn) => Promise<T>): Promise<T> {
    const { signal, sizeBytes = 0 } = request;
    signal?.throwIfAborted();
    const turn = new S3Turn(this.#clock, this.#timeoutMs, this.#slowestBytesPerMs, signal);
    turn.expect(sizeBytes);
    try {
      return await turn.race(work(this.#client, turn));
    } catch (error) {
      signal?.throwIfAborted();
      if (turn.late) throw this.#tooLate(request, turn.allowedMs);
      throw s3ErrorOf(error, this.attempt(request));
    } finally {
      turn.end();
    }
  }

  /** Ends idle connections. */
  close(): void {
    this.#client.destroy();
  }

  #tooLate(request: S3Request, allowedMs: number) {
    const message = `no whole answer within ${Math.round(allowedMs / 100) / 10} s`;
    const said = { code: 'Timeout', message, status: undefined, requestId: undefined };
    return s3Failure(this.attempt(request), { code: 'OBJECT_STORE_UNAVAILABLE', retryable: true }, said);
  }
}

/** The time that one request has. */
export class S3Turn {
  /** Ends when the caller's signal does or the time is over: for the SDK. */
  readonly signal: AbortSignal;
  late = false;
  allowedMs: number;
  readonly #slowestBytesPerMs: number;
  readonly #ended = new AbortController();
  readonly #finished = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #onAbort = () => this.#ended.abort(this.#caller?.reason);

  constructor(clock: Clock, timeoutMs: number, slowestBytesPerMs: number, caller: AbortSignal | undefined) {
    this.allowedMs = timeoutMs;
    this.#slowestBytesPerMs = slowestBytesPerMs;
    this.signal = this.#ended.signal;
    this.#caller = caller;
    caller?.addEventListener('abort', this.#onAbort, { once: true });
    void this.#watch(clock);
  }

  /** So many more bytes are to be sent or received. */
  expect(sizeBytes: number): void {
    this.allowedMs += sizeBytes / this.#slowestBytesPerMs;
  }

  /** As the work, but rejects at once when the turn ends, also where the work knows no signals. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.signal.addEventListener('abort', () => reject(this.signal.reason), { once: true });
      work.then(resolve, reject);
    });
  }

  end(): void {
    this.#finished.abort();
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }

  async #watch(clock: Clock): Promise<void> {
    const beganAt = clock.now();
    try {
      for (let leftMs = this.allowedMs; leftMs > 0; leftMs = beganAt + this.allowedMs - clock.now()) {
        await clock.sleep(leftMs, this.#finished.signal);
      }
    } catch {
      return; // It ended in time.
    }
    this.late = true;
    this.#ended.abort(new Error('its time is over'));
  }
}

/** The body of an answer, whole: cut off is no body. Read to its end or destroyed, so that its connection is free. */
export async function bodyOf(
  { Body, ContentLength }: GetObjectCommandOutput,
  turn: S3Turn,
  attempt: S3Attempt,
): Promise<Uint8Array> {
  // On Node it is a stream of buffers, also from a request handler that was handed in.
  const stream = (Body ?? []) as AsyncIterable<Uint8Array> & { destroy?(error?: Error): void };
  const end = () => stream.destroy?.(new Error('ended'));
  turn.signal.addEventListener('abort', end, { once: true });
  try {
    if (ContentLength === undefined) throw badAnswer(attempt, 'an object without a length');
    turn.expect(ContentLength);
    const content = new Uint8Array(ContentLength);
    let received = 0;
    for await (const chunk of stream) {
      if (received + chunk.length > ContentLength) throw badAnswer(attempt, 'more bytes than it speaks of');
      content.set(chunk, received);
      received += chunk.length;
    }
    if (received < ContentLength) throw badAnswer(attempt, `${received} bytes of ${ContentLength}`);
    return content;
  } catch (error) {
    end();
    throw error;
  } finally {
    turn.signal.removeEventListener('abort', end);
  }
}

function clientOf(options: S3ConnectionOptions): S3Client {
  const { endpoint, region, credentials, checksumHeaders = true } = options;
  const pathStyle = options.pathStyle ?? endpoint !== undefined;
  const agent = { keepAlive: true, maxSockets: SOCKETS };
  const client = new S3Client({
    maxAttempts: 1,
    expectContinueHeader: false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    forcePathStyle: pathStyle,
    logger: SILENT,
    requestHandler: options.requestHandler ?? {
      httpAgent: new Agent(agent),
      httpsAgent: new TlsAgent(agent),
      connectionTimeout: 0,
      requestTimeout: 0,
      socketTimeout: 0,
      logger: SILENT,
    },
    ...(endpoint !== undefined && { endpoint }),
    ...((region ?? (endpoint && 'us-east-1')) && { region: region ?? 'us-east-1' }),
    ...(credentials !== undefined && { credentials }),
  });
  // A body's SHA-256 is computed once, by us. Here it becomes what the signature covers, so that any server checks it.
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers, body } = args.request as { headers: Record<string, string>; body?: unknown };
      const digest = headers[CHECKSUM];
      if (digest !== undefined) {
        headers['x-amz-content-sha256'] = Buffer.from(digest, 'base64').toString('hex');
        if (!checksumHeaders) delete headers[CHECKSUM];
      }
      // Older servers want it of a batch of deletes; the SDK sends a CRC32.
      if (isBatchDelete(args.input) && typeof body === 'string') {
        headers['content-md5'] = createHash('md5').update(body).digest('base64');
      }
      return next(args);
    },
    { step: 'build', name: 'bodyDigests', priority: 'low' },
  );
  return client;
}

const CHECKSUM = 'x-amz-checksum-sha256';
/** How many requests are under way is for `throttled` to say; this only bounds what one process may open. */
const SOCKETS = 256;

const nothing = () => {};
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

function isBatchDelete(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'Delete' in input;
}
