/** Core (layer 1): how people write the ends of a transfer. Parsed here and nowhere else. */
import { TransferError } from '../../errors.ts';

/** One end as it was written. */
export type TransferEndpoint =
  | {
      readonly kind: 'ontap';
      readonly backend: string;
      readonly volume: string;
      /** Relative to the root of the volume; absent for the whole volume. */
      readonly path?: string | undefined;
    }
  | { readonly kind: 'host'; readonly path: string };

/**
 * `backend:volume` and `backend:volume/path`; `file:` with a path, and anything that begins with `/`, `./`, `../` or `~/`, or has no
 * colon, is a path on this host. A backend whose name is `file` is written `ontap:file:volume`.
 * @throws TransferError `TRANSFER_ENDPOINT_INVALID`
 */
export function parseEndpoint(text: string): TransferEndpoint {
  if (text.startsWith('file:')) return hostEnd(text, withoutAuthority(text.slice('file:'.length)));
  if (/^(\/|\.\.?\/|~\/)/.test(text) || !text.includes(':')) return hostEnd(text, text);
  const [, backend = '', place = ''] = /^(?:ontap:)?([^:]*):(.*)$/s.exec(text) ?? [];
  const slash = place.indexOf('/');
  const volume = slash < 0 ? place : place.slice(0, slash);
  const path = slash < 0 ? undefined : tidyPath(text, place.slice(slash + 1));
  if (backend === '' || volume === '' || volume.includes(':')) {
    throw invalid(text, 'it names no backend or no volume');
  }
  return { kind: 'ontap', backend, volume, ...(path === undefined ? {} : { path }) };
}

/** As it is written; `parseEndpoint` reads it back. */
export function endpointText(endpoint: TransferEndpoint): string {
  if (endpoint.kind === 'host') return `file:${endpoint.path}`;
  const { backend, volume, path } = endpoint;
  const prefix = backend === 'file' ? 'ontap:' : '';
  return `${prefix}${backend}:${volume}${path === undefined ? '' : `/${path}`}`;
}

/** `file:///x` and `file://localhost/x` are `/x`; what is percent-encoded in such a URL is decoded. */
function withoutAuthority(rest: string): string {
  const [, path] = /^\/\/(?:localhost)?(\/.*)$/s.exec(rest) ?? [];
  if (path === undefined) return rest;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function hostEnd(text: string, path: string): TransferEndpoint {
  if (path === '' || path.startsWith('//') || path.includes('\0')) throw invalid(text, 'it names no path on this host');
  return { kind: 'host', path };
}

/** Without empty parts; `..` is refused rather than resolved, since it would lead somewhere else than is written. */
function tidyPath(text: string, path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0) throw invalid(text, 'a path is missing behind the slash');
  if (parts.includes('..') || path.includes('\0')) throw invalid(text, 'the path leads out of itself');
  return parts.join('/');
}

function invalid(text: string, why: string): TransferError {
  return new TransferError('TRANSFER_ENDPOINT_INVALID', `${JSON.stringify(text)} is no end of a transfer: ${why}`, {
    attempted: 'read the ends of the transfer',
    object: text,
    remedy: 'write backend:volume, backend:volume/path, file:path or a path on this host',
  });
}
