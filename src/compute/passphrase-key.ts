/**
 * Adapter: a passphrase as a key provider. Each wrapping has a salt of its own and so a key of its own, made by scrypt,
 * which takes memory to compute: guessing is as dear as the cost makes it. docs/cloud.md has the bytes.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { ConfigError } from '../errors.ts';
import type { KeyContext, KeyOptions, KeyProvider } from './key-provider.ts';

/** What each wrapping by a passphrase says of itself: a KeyProvider's name. */
export const PASSPHRASE = 'passphrase';
/** Memory and time to try a passphrase, as scrypt's N = 2^17 with blocks of 1 KiB: 128 MiB, some 0.4 s. */
export const DEFAULT_COST_LOG2 = 17;
/** Below this no wrapping is made or opened unless the caller says so: 32 MiB. */
export const LEAST_COST_LOG2 = 15;

/** How dear a guess is to be. */
export interface PassphraseOptions {
  /** Base-2 logarithm of scrypt's N for a new wrapping, at most 20 (1 GiB). Default 17: 128 MiB. */
  readonly costLog2?: number | undefined;
  /** The least that is made or opened. Default 15: 32 MiB. */
  readonly leastCostLog2?: number | undefined;
}

/** A passphrase, or who asks for it: `wrap` for a new wrapping, where a slip of the finger would lock everybody out. */
export type PassphraseSource = string | ((use: 'wrap' | 'unwrap') => string | Promise<string>);

/**
 * A provider of the name `passphrase`. The same passphrase typed with composed or decomposed letters is the same (NFC).
 * @throws ConfigError `CONFIG_INVALID` for an empty passphrase and for a cost out of bounds; from `wrap` and `unwrap` where
 * the passphrase is asked for then
 */
export function passphraseKey(passphrase: PassphraseSource, options: PassphraseOptions = {}): KeyProvider {
  const { costLog2 = DEFAULT_COST_LOG2, leastCostLog2 = LEAST_COST_LOG2 } = options;
  if (typeof passphrase === 'string') checked(passphrase);
  if (!Number.isInteger(costLog2) || costLog2 < leastCostLog2 || costLog2 > MAX_COST_LOG2) {
    const message = `a cost of 2^${costLog2} is not from 2^${leastCostLog2} to 2^${MAX_COST_LOG2}`;
    throw new ConfigError('CONFIG_INVALID', message, { object: 'cost of the passphrase' });
  }
  const ask = async (use: 'wrap' | 'unwrap') =>
    checked(typeof passphrase === 'string' ? passphrase : await passphrase(use));
  return {
    name: PASSPHRASE,
    async wrap(dataKey, context, { signal }: KeyOptions = {}) {
      const wrapped = new Uint8Array(WRAPPED_BYTES);
      wrapped.set([LAYOUT, SCRYPT, costLog2, BLOCK_SIZE, PARALLEL]);
      wrapped.set(randomBytes(NONCE_AT - SALT_AT), SALT_AT);
      wrapped.set(randomBytes(TAG_AT - NONCE_AT), NONCE_AT);
      const key = await derive(await ask('wrap'), wrapped);
      signal?.throwIfAborted();
      const cipher = createCipheriv('aes-256-gcm', key, wrapped.subarray(NONCE_AT, TAG_AT));
      cipher.setAAD(associated(wrapped, context));
      wrapped.set(cipher.update(dataKey), KEY_AT);
      cipher.final();
      wrapped.set(cipher.getAuthTag(), TAG_AT);
      return wrapped;
    },
    async unwrap(wrapped, context, { signal }: KeyOptions = {}) {
      checkWrapped(wrapped, leastCostLog2);
      const key = await derive(await ask('unwrap'), wrapped);
      signal?.throwIfAborted();
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(NONCE_AT, TAG_AT), { authTagLength: 16 });
      decipher.setAAD(associated(wrapped, context)).setAuthTag(wrapped.subarray(TAG_AT, KEY_AT));
      const dataKey = decipher.update(wrapped.subarray(KEY_AT));
      try {
        decipher.final();
      } catch {
        return undefined;
      }
      return dataKey;
    },
  };
}

const LAYOUT = 1;
const SCRYPT = 1;
const BLOCK_SIZE = 8;
const PARALLEL = 1;
const SALT_AT = 8;
const NONCE_AT = 40;
const TAG_AT = 52;
const KEY_AT = 68;
const WRAPPED_BYTES = 100;
const MAX_COST_LOG2 = 20;

function checked(passphrase: string): string {
  if (passphrase !== '') return passphrase;
  throw new ConfigError('CONFIG_INVALID', 'the passphrase is empty', { object: 'passphrase' });
}

/** Whoever writes to the store may have written this: what it asks for is bounded before anything is computed. */
function checkWrapped(wrapped: Uint8Array, leastCostLog2: number): void {
  const [layout, kdf, costLog2 = 0, blockSize, parallel, ...rest] = wrapped.subarray(0, SALT_AT);
  const known =
    wrapped.length === WRAPPED_BYTES &&
    layout === LAYOUT &&
    kdf === SCRYPT &&
    blockSize === BLOCK_SIZE &&
    parallel === PARALLEL &&
    rest.every((byte) => byte === 0);
  if (known && costLog2 >= leastCostLog2 && costLog2 <= MAX_COST_LOG2) return;
  const problem = known
    ? `wrapped at a cost of 2^${costLog2}, which is not from 2^${leastCostLog2} to 2^${MAX_COST_LOG2}`
    : 'wrapped in a way that is not known here';
  throw new ConfigError('CONFIG_INVALID', `the endpoint's key is ${problem}`, {
    object: 'wrapped key',
    remedy:
      'Use a release that knows it, or allow its cost if that is what the endpoint was made with; otherwise find out who wrote it.',
  });
}

function derive(passphrase: string, wrapped: Uint8Array): Promise<Buffer> {
  const N = 2 ** (wrapped[2] ?? 0);
  const [r, p] = [wrapped[3] ?? 0, wrapped[4] ?? 0];
  const salt = wrapped.slice(SALT_AT, NONCE_AT);
  const maxmem = 128 * N * r * 2;
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, { N, r, p, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

function associated(wrapped: Uint8Array, { endpoint, keyId }: KeyContext): Uint8Array {
  return Buffer.concat([wrapped.subarray(0, NONCE_AT), Buffer.from(`${endpoint} ${keyId}`)]);
}
