/**
 * A stand-in for an S3 server: the part of its HTTP that the adapter uses, in memory, one bucket. It checks digests of
 * bodies and no signatures. What a real server does is shown by test/s3 against Ceph's object gateway; this one is for
 * what a real server does not do when asked: to refuse, ignore, be slow, and forget.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StandInRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface StandInAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface StandInOptions {
  readonly bucket?: string;
  /** `refused` with 501, as OpenStack Swift does; `ignored`, as old servers do. */
  readonly conditionalPut?: 'kept' | 'refused' | 'ignored';
  readonly versioned?: boolean;
  readonly keysPerPage?: number;
}

interface Version {
  readonly id: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly marker: boolean;
}

export class S3StandIn {
  /** Every request so far, `PUT key?query`. */
  readonly log: string[] = [];
  /** Answers a request in the server's place; nothing is done then. */
  intercept: (request: StandInRequest) => StandInAnswer | undefined = () => undefined;
  readonly #options: Required<StandInOptions>;
  /** Newest first. */
  readonly #versions = new Map<string, Version[]>();
  readonly #uploads = new Map<
    string,
    { readonly key: string; readonly headers: Record<string, string>; readonly parts: Map<number, Uint8Array> }
  >();

  constructor(options: StandInOptions = {}) {
    this.#options = { bucket: 'bucket', conditionalPut: 'kept', versioned: false, keysPerPage: 1000, ...options };
  }

  /** Versions and markers of a key, newest first: `object`, `marker`. */
  versionsOf(key: string): string[] {
    return (this.#versions.get(key) ?? []).map(({ marker }) => (marker ? 'marker' : 'object'));
  }

  get uploadsUnderWay(): number {
    return this.#uploads.size;
  }

  headersOf(key: string): Readonly<Record<string, string>> {
    return this.#versions.get(key)?.[0]?.headers ?? {};
  }

  /** Flips a bit of an object where it lies. */
  damage(key: string): void {
    const body = this.#versions.get(key)?.[0]?.body;
    if (body !== undefined) body[0] = (body[0] ?? 0) ^ 1;
  }

  answer(request: StandInRequest): StandInAnswer {
    const [, bucket = '', ...rest] = request.path.split('/');
    const key = decodeURIComponent(rest.join('/'));
    const question = Object.entries(request.query).map(([name, value]) => (value === '' ? name : `${name}=${value}`));
    this.log.push(`${request.method} ${key}${question.length > 0 ? `?${question.join('&')}` : ''}`);
    const instead = this.intercept(request);
    if (instead !== undefined) return instead;
    if (bucket !== this.#options.bucket) return refusal(404, 'NoSuchBucket');
    const digest = request.headers['x-amz-content-sha256'];
    if (digest !== undefined && /^[0-9a-f]{64}$/.test(digest) && digest !== hex(request.body)) {
      return refusal(400, 'XAmzContentSHA256Mismatch');
    }
    return key === '' ? this.#ofBucket(request) : this.#ofObject(request, key);
  }

  #ofBucket({ method, query, body }: StandInRequest): StandInAnswer {
    if (method === 'HEAD') return ok();
    if ('versioning' in query) {
      return xml('VersioningConfiguration', this.#options.versioned ? tag('Status', 'Enabled') : '');
    }
    if ('delete' in query) return this.#deleteMany(Buffer.from(body).toString('utf8'));
    if ('versions' in query) return this.#listVersions(query);
    if ('uploads' in query) {
      const uploads = [...this.#uploads].map(([id, { key }]) =>
        tag('Upload', tag('Key', text(key)) + tag('UploadId', id) + tag('Initiated', LONG_AGO)),
      );
      return xml('ListMultipartUploadsResult', tag('IsTruncated', 'false') + uploads.join(''));
    }
    if (query['list-type'] === '2') return this.#list(query);
    return refusal(501, 'NotImplemented');
  }

  #ofObject(request: StandInRequest, key: string): StandInAnswer {
    const { method, query, headers, body } = request;
    const upload = this.#uploads.get(query['uploadId'] ?? '');
    if ('uploadId' in query && upload === undefined) return refusal(404, 'NoSuchUpload');
    if (method === 'POST' && 'uploads' in query) {
      const id = randomUUID();
      this.#uploads.set(id, { key, headers: kept(headers), parts: new Map() });
      return xml('InitiateMultipartUploadResult', tag('UploadId', id));
    }
    if (upload !== undefined) return this.#ofUpload(request, query['uploadId'] ?? '', upload);
    const there = this.#versions.get(key)?.[0];
    const current = there?.marker ? undefined : there;
    if (method === 'PUT') {
      if (headers['if-none-match'] !== undefined) {
        if (this.#options.conditionalPut === 'refused') return refusal(501, 'NotImplemented');
        if (this.#options.conditionalPut === 'kept' && current !== undefined) return refusal(412, 'PreconditionFailed');
      }
      this.#put(key, Uint8Array.from(body), kept(headers));
      return ok({ etag: `"${hex(body).slice(0, 32)}"` });
    }
    if (method === 'DELETE')
      return ok(this.#delete(key, query['versionId']) ? { 'x-amz-delete-marker': 'true' } : {}, 204);
    if (current === undefined) return refusal(404, 'NoSuchKey');
    return ranged(current, headers['range']);
  }

  #ofUpload(
    { method, query, body }: StandInRequest,
    id: string,
    {
      key,
      headers,
      parts,
    }: { readonly key: string; readonly headers: Record<string, string>; readonly parts: Map<number, Uint8Array> },
  ): StandInAnswer {
    if (method === 'PUT') {
      parts.set(Number(query['partNumber']), Uint8Array.from(body));
      return ok({ etag: `"${hex(body).slice(0, 32)}"` });
    }
    if (method === 'GET') {
      const told = [...parts].map(([number, part]) =>
        tag('Part', tag('PartNumber', `${number}`) + tag('Size', `${part.length}`)),
      );
      return xml('ListPartsResult', told.join(''));
    }
    this.#uploads.delete(id);
    if (method === 'DELETE') return ok({}, 204);
    const inOrder = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    this.#put(key, Uint8Array.from(Buffer.concat(inOrder)), headers);
    return xml('CompleteMultipartUploadResult', tag('Key', text(key)));
  }

  #put(key: string, body: Uint8Array, headers: Readonly<Record<string, string>>, marker = false): void {
    const older = this.#options.versioned ? (this.#versions.get(key) ?? []) : [];
    this.#versions.set(key, [{ id: randomUUID(), body, headers, marker }, ...older]);
  }

  /** True when a marker was put. */
  #delete(key: string, version: string | undefined): boolean {
    const versions = this.#versions.get(key) ?? [];
    if (version === undefined && this.#options.versioned) {
      this.#put(key, new Uint8Array(0), {}, true);
      return true;
    }
    const left = version === undefined ? [] : versions.filter(({ id }) => id !== version);
    if (left.length === 0) this.#versions.delete(key);
    else this.#versions.set(key, left);
    return false;
  }

  #deleteMany(body: string): StandInAnswer {
    const told = [...body.matchAll(/<Object>(.*?)<\/Object>/gs)].map(([, object = '']) => {
      const key = untext(/<Key>(.*?)<\/Key>/s.exec(object)?.[1] ?? '');
      const version = /<VersionId>(.*?)<\/VersionId>/s.exec(object)?.[1];
      const marked = this.#delete(key, version);
      const about = tag('Key', text(key)) + (version === undefined ? '' : tag('VersionId', version));
      return tag('Deleted', about + (marked ? tag('DeleteMarker', 'true') : ''));
    });
    return xml('DeleteResult', told.join(''));
  }

  #list(query: Readonly<Record<string, string>>): StandInAnswer {
    const after = query['continuation-token'];
    const all = this.#keys(query['prefix']).filter(
      (key) => this.#versions.get(key)?.[0]?.marker === false && (after === undefined || compare(key, after) > 0),
    );
    const page = all.slice(0, this.#options.keysPerPage);
    const more = all.length > page.length;
    const contents = page.map((key) => {
      const size = this.#versions.get(key)?.[0]?.body.length ?? 0;
      return tag('Contents', tag('Key', encodeURIComponent(key)) + tag('Size', `${size}`));
    });
    const head = tag('IsTruncated', `${more}`) + tag('KeyCount', `${page.length}`);
    const next = more ? tag('NextContinuationToken', text(page.at(-1) ?? '')) : '';
    return xml('ListBucketResult', head + next + contents.join(''));
  }

  #listVersions(query: Readonly<Record<string, string>>): StandInAnswer {
    const after = query['key-marker'];
    const all = this.#keys(query['prefix']).filter((key) => after === undefined || compare(key, after) > 0);
    const page = all.slice(0, this.#options.keysPerPage);
    const more = all.length > page.length;
    const told = page.flatMap((key) =>
      (this.#versions.get(key) ?? []).map(({ id, marker, body }, index) =>
        tag(
          marker ? 'DeleteMarker' : 'Version',
          tag('Key', encodeURIComponent(key)) +
            tag('VersionId', id) +
            tag('IsLatest', `${index === 0}`) +
            tag('LastModified', LONG_AGO) +
            tag('Size', `${body.length}`),
        ),
      ),
    );
    const next = more ? tag('NextKeyMarker', encodeURIComponent(page.at(-1) ?? '')) : '';
    return xml('ListVersionsResult', tag('IsTruncated', `${more}`) + next + told.join(''));
  }

  #keys(prefix = ''): string[] {
    return [...this.#versions.keys()].filter((key) => key.startsWith(prefix)).sort(compare);
  }
}

/** The stand-in behind a port of its own. */
export async function listening(standIn: S3StandIn): Promise<{ readonly endpoint: string; close(): void }> {
  const server: Server = createServer((incoming, outgoing) => {
    // A client that goes away in the middle of its request has asked for nothing.
    respond(standIn, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

async function respond(standIn: S3StandIn, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://host');
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, `${value}`]));
  const query = Object.fromEntries(searchParams);
  const { method = '' } = incoming;
  const told = standIn.answer({ method, path: pathname, query, headers, body: Buffer.concat(chunks) });
  const length = told.headers['content-length'] ?? `${told.body.length}`;
  outgoing.writeHead(told.status, told.status === 204 ? told.headers : { ...told.headers, 'content-length': length });
  outgoing.end(method === 'HEAD' ? undefined : told.body);
}

export function refusal(status: number, code: string): StandInAnswer {
  return {
    status,
    headers: XML,
    body: Buffer.from(`${PROLOGUE}<Error><Code>${code}</Code><Message>refused</Message></Error>`),
  };
}

const XML = { 'content-type': 'application/xml' };
const PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>';
const LONG_AGO = '2020-01-01T00:00:00.000Z';

function ok(headers: Readonly<Record<string, string>> = {}, status = 200): StandInAnswer {
  return { status, headers, body: new Uint8Array(0) };
}

function xml(root: string, content: string): StandInAnswer {
  return { status: 200, headers: XML, body: Buffer.from(`${PROLOGUE}<${root}>${content}</${root}>`) };
}

function tag(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function untext(value: string): string {
  return value
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

function ranged({ body, headers }: Version, range: string | undefined): StandInAnswer {
  if (range === undefined) return { status: 200, headers: { ...headers, 'content-length': `${body.length}` }, body };
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  const from = first === '' ? Math.max(0, body.length - Number(last)) : Number(first);
  const to = first === '' ? body.length : Math.min(Number(last) + 1, body.length);
  if (from >= to) return refusal(416, 'InvalidRange');
  const part = body.subarray(from, to);
  const place = { 'content-range': `bytes ${from}-${to - 1}/${body.length}`, 'content-length': `${part.length}` };
  return { status: 206, headers: { ...headers, ...place }, body: part };
}

function kept(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => /^x-amz-(meta-|storage-class)/.test(name)));
}

function hex(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
