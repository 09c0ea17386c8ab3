/** Adapter: data keys and hidden names by node:crypto. */
import { randomBytes, scrypt } from 'node:crypto';
import { encryptionKey, nodeFormatTools } from './format-tools.ts';
import type { KeyTools } from './key-provider.ts';

/** What opening an encrypted endpoint takes of cryptography, by Node. */
export const nodeKeyTools: KeyTools = {
  newDataKey: () => randomBytes(32),
  encryptionKey,
  formatTools: (encryption) => nodeFormatTools('sha-256', encryption),
  // Whoever knows the name finds the endpoint, key or no key: otherwise a mistyped passphrase would look like an endpoint
  // that is not there. So a guess can be tried, and is made dear.
  hiddenName: (name, { signal } = {}) =>
    new Promise((resolve, reject) => {
      scrypt(name.normalize('NFC'), NAME_SALT, 16, NAME_COST, (error, hidden) => {
        if (signal?.aborted) reject(signal.reason);
        else if (error !== null) reject(error);
        else resolve(`e-${hidden.toString('hex')}`);
      });
    }),
};

const NAME_SALT = 'ontap-data-motion endpoint name';
const NAME_COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 };
