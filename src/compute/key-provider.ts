/**
 * Port (layer 2): who may open an encrypted endpoint. The endpoint's data key is random and never changes; what lies in the
 * store is that key wrapped, once for each provider that may open it. A key management service, a hardware module or a
 * passphrase (`passphraseKey`) is a provider.
 *
 * Contract:
 * - `unwrap` gives back what `wrap` was given, if and only if the context is the same: the wrapping is authenticated, and
 *   the context is part of what it authenticates (AWS KMS calls that an encryption context).
 * - `wrap` and `unwrap` may be called at any time and from any number of processes, and may take as long as they need. They
 *   may reject with anything, which the caller then gets.
 * - Neither the data key nor the provider's own key is kept in what is wrapped, or in an error, in the clear.
 */
import type { FormatTools } from '../core/cloud/format/tools.ts';
import type { EncryptionKey } from './compute.ts';

/** Port: wraps and unwraps data keys. */
export interface KeyProvider {
  /**
   * Which provider and which of its keys, the same for as long as that key unwraps what it wrapped. Public: it lies in the
   * store, and what bears another name is not given to this provider.
   */
  readonly name: string;

  /** The data key, so that only this provider can unwrap it, and only with this context. */
  wrap(dataKey: Uint8Array, context: KeyContext, options?: KeyOptions): Promise<Uint8Array>;

  /** The data key again; `undefined` when this provider's key is not the one that wrapped it. */
  unwrap(wrapped: Uint8Array, context: KeyContext, options?: KeyOptions): Promise<Uint8Array | undefined>;
}

/** What a wrapped key is for: it opens nothing in another endpoint. */
export type KeyContext = Readonly<Record<'endpoint' | 'keyId', string>>;

/** Last argument of a provider's calls. */
export interface KeyOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Port: what opening an encrypted endpoint takes of cryptography. */
export interface KeyTools {
  /** 32 bytes that nobody can guess. */
  newDataKey(): Uint8Array;

  /** With its public id. @throws ConfigError `CONFIG_INVALID` for a key of another length */
  encryptionKey(dataKey: Uint8Array): EncryptionKey;

  /** What the bytes of an endpoint with this key may name; without one, for what is read before there is a key. */
  formatTools(encryption?: EncryptionKey): FormatTools;

  /** What the keys of an encrypted endpoint begin with in its store, so that its name is not seen there. */
  hiddenName(name: string, options?: KeyOptions): Promise<string>;
}
