/** The default transport: one undici pool for one cluster. Certificates are verified; redirects are not followed. */
import { Pool, fetch as undiciFetch } from 'undici';
import type { Settings, Transport } from './client-options.ts';

export interface PooledTransport {
  readonly send: Transport;
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
    send: async (request) => {
      const answer = await undiciFetch(request.url, {
        method: request.method,
        headers: [...request.headers],
        body: request.body === null ? null : new Uint8Array(await request.arrayBuffer()),
        redirect: 'manual',
        signal: request.signal,
        dispatcher: pool,
      });
      return answer as unknown as Response;
    },
    close: () => pool.close(),
  };
}
