/** Requests and answers, whatever carries them. */

export interface SimRequest {
  readonly method: string;
  /** With /api; repeated slashes and one at the end do not matter. */
  readonly path: string;
  /** As it was sent, without the question mark. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Text; of multipart/form-data one character a byte, as `encodingOf` says. */
  readonly body?: string | undefined;
  /** Subject of the client certificate, when TLS has verified one. */
  readonly peerCertificate?: { readonly commonName: string } | undefined;
}

/** How the characters of a body are bytes on the wire: JSON is UTF-8, multipart/form-data carries bytes as they are. */
export function encodingOf(headers: Readonly<Record<string, string | undefined>>): 'latin1' | 'utf8' {
  return headers['content-type']?.toLowerCase().startsWith('multipart/') ? 'latin1' : 'utf8';
}

/** An answer of a simulated cluster. */
export interface SimResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How a connection ended when no whole answer came. */
export class ConnectionBroken extends Error {
  readonly code: 'ECONNREFUSED' | 'ECONNRESET';
  /** What arrived before the cut, when something did. */
  readonly partial: SimResponse | undefined;

  constructor(code: 'ECONNREFUSED' | 'ECONNRESET', partial?: SimResponse) {
    super(code === 'ECONNREFUSED' ? 'connection refused' : 'connection reset');
    this.code = code;
    this.partial = partial;
  }
}

/** A path without /api, tidied as ONTAP does: repeated slashes are one, one at the end does not count. */
export function belowApi(path: string): string | undefined {
  const tidy = withoutDots(path.replace(/\/{2,}/g, '/')).replace(/(.)\/$/, '$1');
  return /^\/api\/./.test(tidy) ? tidy.slice('/api'.length) : undefined;
}

/** `..` that is not encoded is resolved, as on ONTAP: DELETE .../files/.. is a DELETE of the volume (addendum section 7). */
function withoutDots(path: string): string {
  if (!path.includes('/.')) return path;
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '.') kept.push(part);
  }
  return kept.join('/');
}

/** `*` in the pattern stands for anything; both are paths below /api. */
export function pathMatches(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(path);
}
