/** `s3://bucket/prefix?endpoint=...`: what a user writes on a command line for a place in an S3 bucket. */
import { ObjectStoreError } from '../../errors.ts';
import { checkKey } from '../object-store.ts';

/** A place in a bucket, and how to reach it. */
export interface S3Location {
  readonly bucket: string;
  /** All keys begin so, and a `/` follows; empty for the whole bucket. */
  readonly prefix: string;
  /** `https://host:port` of a server other than AWS's. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  /** Bucket in the path of the URL rather than in the host's name; default: where an endpoint is given. */
  readonly pathStyle: boolean;
  /** Storage class of objects by kind: `objects`, `snapshots`, `history`, `holds`; `*` for all others. */
  readonly storageClasses: Readonly<Record<string, string>>;
  /** Whether the server does conditional puts; found out by a probe where it is not said. */
  readonly conditionalPut: boolean | undefined;
  /** Whether bodies are sent with `x-amz-checksum-sha256`, which a few servers refuse. */
  readonly checksumHeaders: boolean;
}

/**
 * Reads an `s3://` URL, as docs/s3.md has them.
 * @throws ObjectStoreError `OBJECT_STORE_UNSUPPORTED`, with what is wrong, and without what may be secret in it
 */
export function parseS3Url(text: string): S3Location {
  const url = urlOf(text);
  if (url.username !== '' || url.password !== '') {
    throw unsupported(text, 'credentials do not belong in a URL; give them by the standard AWS environment');
  }
  if (url.hash !== '') throw unsupported(text, 'it has a fragment (#)');
  const parameters = parametersOf(text, url);
  const endpoint = parameters.get('endpoint');
  if (endpoint !== undefined) checkEndpoint(text, endpoint);
  const storageClasses: Record<string, string> = {};
  for (const [name, value] of parameters) {
    const kind = /^storageClass(?:\.(\w+))?$/.exec(name);
    if (kind !== null) storageClasses[kind[1] ?? '*'] = storageClass(text, value);
  }
  const conditionalPut = parameters.get('conditionalPut');
  return {
    bucket: bucketOf(text, url.hostname),
    prefix: prefixOf(text, url.pathname),
    endpoint,
    region: parameters.get('region'),
    pathStyle: yesOrNo(text, 'pathStyle', parameters.get('pathStyle')) ?? endpoint !== undefined,
    storageClasses,
    conditionalPut: yesOrNo(text, 'conditionalPut', conditionalPut),
    checksumHeaders: yesOrNo(text, 'checksumHeaders', parameters.get('checksumHeaders')) ?? true,
  };
}

/** The place as a URL that leads to it again. */
export function placeOf({ bucket, prefix = '', endpoint }: Partial<S3Location> & { readonly bucket: string }): string {
  const place = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${encodeURI(prefix)}`;
  return endpoint === undefined ? place : `${place}?endpoint=${endpoint}`;
}

/** Classes from which nothing can be read at once: an incremental backup, a restore and a collection read. */
const ARCHIVES = new Set(['GLACIER', 'DEEP_ARCHIVE']);

const PARAMETERS =
  /^(endpoint|region|pathStyle|storageClass(\.(objects|snapshots|history|holds))?|conditionalPut|checksumHeaders)$/;

function urlOf(text: string): URL {
  try {
    const url = new URL(text);
    if (url.protocol === 's3:' && url.port === '') return url;
  } catch {
    // Told below.
  }
  throw unsupported(text, 'it is not of the form s3://bucket/prefix?endpoint=...');
}

function parametersOf(text: string, url: URL): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!PARAMETERS.test(name)) throw unsupported(text, `it has no parameter "${name}"`);
    if (parameters.has(name)) throw unsupported(text, `it says ${name} twice`);
    if (value === '') throw unsupported(text, `${name} is empty`);
    parameters.set(name, value);
  }
  return parameters;
}

function checkEndpoint(text: string, endpoint: string): void {
  try {
    const { protocol, username, password, pathname, search, hash } = new URL(endpoint);
    if (/^https?:$/.test(protocol) && [username, password, search, hash].join('') === '' && pathname === '/') return;
  } catch {
    // Told below.
  }
  throw unsupported(text, `its endpoint is not of the form https://host:port`);
}

function bucketOf(text: string, bucket: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) return bucket;
  throw unsupported(text, `"${bucket}" cannot be the name of a bucket`);
}

function prefixOf(text: string, pathname: string): string {
  try {
    const prefix = decodeURIComponent(pathname).replace(/^\/|\/$/g, '');
    return prefix === '' ? '' : checkKey(prefix);
  } catch (cause) {
    throw unsupported(text, `its prefix cannot be one: ${cause instanceof Error ? cause.message : cause}`);
  }
}

function storageClass(text: string, value: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(value)) throw unsupported(text, `"${value}" is no storage class`);
  if (ARCHIVES.has(value)) throw unsupported(text, `what is stored as ${value} cannot be read at once`);
  return value;
}

function yesOrNo(text: string, name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^(yes|true|1)$/.test(value)) return true;
  if (/^(no|false|0)$/.test(value)) return false;
  throw unsupported(text, `${name} is neither yes nor no`);
}

function unsupported(text: string, why: string): ObjectStoreError {
  // Credentials may stand before any @, and in whatever a server's URL has: neither is shown.
  const shown = text.replace(/[?#].*/s, '?...').replace(/^([a-z0-9]+:\/\/)[^/]*@/i, '$1...@');
  return new ObjectStoreError('OBJECT_STORE_UNSUPPORTED', `${shown} is no place in S3: ${why}`, {
    attempted: 'open the object store',
    remedy: 'Give s3://bucket/prefix, with ?endpoint=https://host:port&region=... for a server other than AWS.',
  });
}
