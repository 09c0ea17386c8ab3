/** Requests and answers, whatever carries them. */

export interface SimRequest {
  readonly method: string;
  /** With /api; repeated slashes and one at the end do not matter. */
  readonly path: string;
  /** As it was sent, without the question mark. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: string | undefined;
  /** Subject of the client certificate, when TLS has verified one. */
  readonly peerCertificate?: { readonly commonName: string } | undefined;
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
  const tidy = path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  return /^\/api\/./.test(tidy) ? tidy.slice('/api'.length) : undefined;
}

/** `*` in the pattern stands for anything; both are paths below /api. */
export function pathMatches(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(path);
}
