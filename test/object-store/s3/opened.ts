/** Stores over a stand-in, in-process: the SDK's own HTTP client is left out, everything above it is not. */
import { Readable } from 'node:stream';
import { S3ObjectStore, type S3ObjectStoreOptions } from '../../../src/object-store/s3/index.ts';
import type { S3StandIn } from './stand-in.ts';

export const CREDENTIALS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/secret' };

/** What the SDK hands to a request handler, as far as it is used. */
interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly hostname: string;
  readonly query?: Readonly<Record<string, string | string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface Handled {
  readonly hosts: string[];
  readonly handler: NonNullable<S3ObjectStoreOptions['requestHandler']>;
}

/** @param before runs before each request; it may throw as a network does, or wait */
export function handlerOf(
  standIn: S3StandIn,
  before: (path: string, signal?: AbortSignal) => unknown = () => {},
): Handled {
  const hosts: string[] = [];
  const handle = async (request: SdkRequest, { abortSignal }: { abortSignal?: AbortSignal } = {}) => {
    hosts.push(request.hostname);
    await before(request.path, abortSignal);
    const query = Object.fromEntries(
      Object.entries(request.query ?? {}).map(([name, value]) => [name, `${value ?? ''}`]),
    );
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const {
      status,
      headers: told,
      body,
    } = standIn.answer({
      method: request.method,
      path: request.path,
      query,
      headers,
      body: Buffer.from(request.body ?? ''),
    });
    return { response: { statusCode: status, headers: { ...told }, body: Readable.from([Buffer.from(body)]) } };
  };
  const handler = { metadata: { handlerProtocol: 'http/1.1' }, handle, destroy: () => {} };
  return { hosts, handler: handler as unknown as Handled['handler'] };
}

export function storeOn(standIn: S3StandIn, options: Partial<S3ObjectStoreOptions> = {}): S3ObjectStore {
  return new S3ObjectStore({
    bucket: 'bucket',
    endpoint: 'http://s3.test:9000',
    credentials: CREDENTIALS,
    conditionalPut: true,
    requestHandler: handlerOf(standIn).handler,
    ...options,
  });
}
