/** The default transport: one undici pool for one cluster. Certificates are verified; redirects are not followed. */
import { Pool, fetch as undiciFetch, request as undiciRequest } from 'undici';
import type { Settings } from './client-options.ts';

export interface PooledTransport {
  /** @param upload the bytes to send, which the request then does not have: a body in a request is copied again and again */
  readonly send: (request: Request, upload?: Uint8Array) => Promise<Response>;
  /** Lets what is on its way finish, then closes the connections. */
  close(): Promise<void>;
}

export function undiciTransport(settings: Settings): PooledTransport {
  const { certificate, ca } = settings;
  const pool = new Pool(settings.origin, {
    connections: settings.maxInFlight,
    allowH2: false,
    // How long an answer may take is decided by the client, request by request.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: settings.connectTimeoutMs,
      rejectUnauthorized: settings.verify,
      // Without an error to return, every host name matches.
      ...(settings.verifyHost ? {} : { checkServerIdentity: () => undefined }),
      ...(ca === undefined ? {} : { ca: [...ca] }),
      ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
      ...(certificate?.passphrase === undefined ? {} : { passphrase: certificate.passphrase }),
    },
  });
  return {
    // The request and the answer are rebuilt because undici's classes and the runtime's own may be of different releases.
    send: async (request, upload) => {
      if (upload !== undefined) return uploaded(pool, request, upload);
      const answer = await undiciFetch(request.url, {
        method: request.method,
        headers: [...request.headers],
        body: request.body === null ? null : await request.text(),
        redirect: 'manual',
        signal: request.signal,
        dispatcher: pool,
      });
      return answer as unknown as Response;
    },
    close: () => pool.close(),
  };
}

/** Straight to the socket; `fetch` would copy the bytes thrice on the way. */
async function uploaded(dispatcher: Pool, request: Request, body: Uint8Array): Promise<Response> {
  const { method, signal } = request;
  const headers = Object.fromEntries(request.headers);
  const answer = await undiciRequest(request.url, {
    ...{ method, headers, signal, dispatcher },
    body: Buffer.from(body.buffer, body.byteOffset, body.length),
  });
  const text = await answer.body.text();
  const answered = Object.entries(answer.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
  return new Response(text === '' ? null : text, { status: answer.statusCode, headers: answered });
}
