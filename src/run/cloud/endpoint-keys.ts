/**
 * Run (layer 3): the data key of an encrypted endpoint: found and unwrapped, made and wrapped for a new endpoint, wrapped
 * anew. The data key never changes; the wrapped ones lie side by side under `keys/`, and any of them opens the endpoint.
 */
import type { EncryptionKey } from '../../compute/compute.ts';
import type { KeyContext, KeyProvider, KeyTools } from '../../compute/key-provider.ts';
import { sameBytes, toHex } from '../../core/cloud/format/binary.ts';
import { openingOf } from '../../core/cloud/format/history-entry.ts';
import { historyKey, KEYS_PREFIX, parseKey, wrappedKeyKey } from '../../core/cloud/format/names.ts';
import type { FormatTools } from '../../core/cloud/format/tools.ts';
import { decodeWrappedKey, encodeWrappedKey, type WrappedKey } from '../../core/cloud/format/wrapped-key.ts';
import type { Env } from '../../env.ts';
import { CloudError, ConfigError } from '../../errors.ts';
import type { CloudContext, NewKey } from './context.ts';
import { EndpointPlace, uuidOf } from './endpoint-place.ts';
import { keyMisfit } from './history-log.ts';
import { endpointUnknown } from './restore.ts';

/** Who may open an endpoint, and the cryptography that it takes. */
export interface EndpointKeys {
  readonly tools: KeyTools;
  /** The first wraps the key of a new endpoint; any of them may open one. None: the endpoint is not encrypted. */
  readonly providers: readonly KeyProvider[];
}

/** Where an endpoint is, and what opens it. */
export interface OpenedEndpoint {
  readonly place: EndpointPlace;
  readonly tools: FormatTools;
  readonly encryption: EncryptionKey | undefined;
  readonly newKey: NewKey | undefined;
}

/**
 * Looks where the endpoint is, by its name or by its hidden one, and unwraps its key. No data is read before.
 * @throws CloudError `CLOUD_KEY_WRONG` when none of the providers opens it, or it is encrypted and none was given, or the
 * other way round; `CLOUD_CORRUPT`; whatever a provider throws
 */
export async function openEndpoint(
  plain: EndpointPlace,
  plainTools: FormatTools,
  keys: EndpointKeys,
  env: Env,
  signal: AbortSignal,
): Promise<OpenedEndpoint & { readonly isThere: boolean }> {
  const unencrypted = { place: plain, tools: plainTools, encryption: undefined, newKey: undefined };
  const wantsKey = keys.providers.length > 0;
  if (!wantsKey && (await firstEntry(plain, signal)) !== undefined) return { ...unencrypted, isThere: true };
  const hidden = new EndpointPlace(plain.store, plain.name, await keys.tools.hiddenName(plain.name, { signal }));
  const first = await firstEntry(hidden, signal);
  if (!wantsKey) {
    if (first !== undefined) throw keyMisfit(plain, true);
    return { ...unencrypted, isThere: false };
  }
  if (first === undefined) {
    // Only now: a store logs the keys that it is asked for, and this one has the name in the clear.
    if ((await firstEntry(plain, signal)) !== undefined) throw keyMisfit(plain, false);
    const dataKey = keys.tools.newDataKey();
    const newKey: NewKey = {
      async store(endpointId, ended) {
        const stored = await wrapAndPut({ place: hidden, env, signal: ended }, keys, dataKey, endpointId);
        return { remove: () => hidden.deleteMany([wrappedKeyKey(stored.number)]).catch(() => {}) };
      },
    };
    return { place: hidden, ...withKey(keys, dataKey), newKey, isThere: false };
  }
  const { endpointId, keyId } = openingOf(first);
  if (keyId === undefined) throw keyMisfit(hidden, false);
  const dataKey = await unwrapAny(hidden, keys, endpointId, keyId, signal);
  return { place: hidden, ...withKey(keys, dataKey), newKey: undefined, isThere: true };
}

/** How to change who may open an endpoint. */
export interface RekeyRequest {
  /** Wraps the data key from now on. */
  readonly provider: KeyProvider;
  /** Leave the other wrapped keys as they are: several may open the endpoint, until a later call without this. */
  readonly keepOthers?: boolean | undefined;
}

/** Who may open an endpoint now. */
export interface RekeyResult {
  readonly added: WrappedKeyFacts;
  readonly removed: readonly WrappedKeyFacts[];
  /** All that open it, oldest first. */
  readonly keys: readonly WrappedKeyFacts[];
}

/** A wrapped key in a list. */
export interface WrappedKeyFacts {
  /** Twelve hexadecimal digits, as in its key in the store. */
  readonly id: string;
  /** Who wrapped it. */
  readonly provider: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/**
 * Wraps the endpoint's data key anew; no data is rewritten. The new one is in the store, and was seen to open the endpoint,
 * before the others go. Cut off anywhere, the endpoint opens with the old, with the new, or with both; a repetition with
 * either ends it. Of two at a time, the other's new key is never removed by both.
 * @throws CloudError `CLOUD_ENDPOINT_UNKNOWN`, `CLOUD_CONFLICT` when another call removed the new one
 */
export async function rekey(
  context: CloudContext,
  keys: EndpointKeys | undefined,
  { provider, keepOthers }: RekeyRequest,
): Promise<RekeyResult> {
  const { history, place, encryption, signal } = context;
  if (keys === undefined || encryption === undefined) {
    const message = `${place.text} has no wrapped key: it is not encrypted, or its data key is kept by the caller`;
    throw new ConfigError('CONFIG_INVALID', message, { object: place.name });
  }
  await history.refresh({ signal });
  if (history.state.owner === undefined) throw endpointUnknown(place.text);
  history.checkExclusion();
  const { endpointId } = history;
  // Only what was there before the new one goes: so two calls at a time never remove each other's. What cannot be read goes too.
  const before = await wrappedNumbers(place, signal);
  const known = await readWrapped(place, keys, endpointId, signal, []);
  const added = await wrapAndPut(context, { ...keys, providers: [provider] }, encryption.key, endpointId);
  const itself = { ...keys, providers: [provider] };
  await unwrapAny(place, itself, endpointId, encryption.keyId, signal, added.number);
  const gone = new Set(keepOthers ? [] : before);
  // A wrapped key that is locked with a snapshot stays, and opens the endpoint, until its lock ends.
  await place.deleteUnlocked(Array.from(gone, wrappedKeyKey), { signal });
  const left = await readWrapped(place, keys, endpointId, signal, []);
  const removed = known.filter(({ number }) => gone.has(number) && !left.some((one) => one.number === number));
  if (!left.some(({ number }) => number === added.number)) {
    throw new CloudError('CLOUD_CONFLICT', `another call changed the key of ${place.text} at the same time`, {
      object: place.name,
      retryable: true,
      remedy: 'Find out which key it set, and change it again from there.',
    });
  }
  const opening = left.filter(({ keyId }) => sameBytes(keyId, encryption.keyId));
  return { added: factsOf(added), removed: removed.map(factsOf), keys: opening.map(factsOf) };
}

async function firstEntry(place: EndpointPlace, signal: AbortSignal): Promise<Uint8Array | undefined> {
  return await place.find(historyKey(1), { signal });
}

function withKey({ tools }: EndpointKeys, dataKey: Uint8Array) {
  const encryption = tools.encryptionKey(dataKey);
  return { encryption, tools: tools.formatTools(encryption) };
}

async function wrapAndPut(
  { place, env, signal }: Pick<CloudContext, 'place' | 'env' | 'signal'>,
  { tools, providers }: EndpointKeys,
  dataKey: Uint8Array,
  endpointId: Uint8Array,
): Promise<WrappedKey> {
  const [provider] = providers;
  if (provider === undefined) throw keyMisfit(place, true);
  const { keyId } = tools.encryptionKey(dataKey);
  const wrapped = await provider.wrap(dataKey.slice(), contextOf(endpointId, keyId), { signal });
  const number = Number.parseInt(env.random.uuid().replaceAll('-', '').slice(0, 12), 16);
  const key: WrappedKey = { number, provider: provider.name, keyId, wrapped, createdAt: env.clock.now() };
  await place.put(wrappedKeyKey(number), encodeWrappedKey(key, endpointId, tools.formatTools()), { signal });
  return key;
}

/**
 * The data key, from the first wrapped key that a provider opens. Damage to one, or a provider that fails, matters only
 * when no other opens.
 */
async function unwrapAny(
  place: EndpointPlace,
  keys: EndpointKeys,
  endpointId: Uint8Array,
  keyId: Uint8Array,
  signal: AbortSignal,
  only?: number,
): Promise<Uint8Array> {
  const failures: unknown[] = [];
  const wrappedKeys = await readWrapped(place, keys, endpointId, signal, failures);
  for (const { number, provider: by, keyId: of, wrapped } of wrappedKeys) {
    // A key of another making: its creation lost against the one that the endpoint began with.
    if (!sameBytes(of, keyId) || (only !== undefined && number !== only)) continue;
    for (const provider of keys.providers) {
      if (provider.name !== by) continue;
      try {
        const dataKey = await provider.unwrap(wrapped, contextOf(endpointId, keyId), { signal });
        if (dataKey !== undefined && sameBytes(keys.tools.encryptionKey(dataKey).keyId, keyId)) return dataKey;
      } catch (error) {
        signal.throwIfAborted();
        failures.push(error);
      }
    }
  }
  if (failures.length > 0) throw failures[0];
  const wrappers = [...new Set(wrappedKeys.map(({ provider }) => provider))];
  const by = wrappers.length === 0 ? 'no wrapped key is left of it' : `it opens by ${wrappers.join(', ')}`;
  throw new CloudError('CLOUD_KEY_WRONG', `${place.text} does not open with what was given: ${by}`, {
    object: place.name,
    details: { wrappedBy: wrappers },
    remedy: 'Give the passphrase or key provider that the endpoint was created with, or was last changed to.',
  });
}

async function wrappedNumbers(place: EndpointPlace, signal: AbortSignal): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { key } of place.list(KEYS_PREFIX, { signal })) {
    const name = parseKey(key);
    if (name?.kind === 'wrapped-key') numbers.push(name.number);
  }
  return numbers;
}

/** Oldest first. @param failures takes the errors of what cannot be read */
async function readWrapped(
  place: EndpointPlace,
  { tools }: EndpointKeys,
  endpointId: Uint8Array,
  signal: AbortSignal,
  failures: unknown[],
): Promise<WrappedKey[]> {
  const found: WrappedKey[] = [];
  for (const number of await wrappedNumbers(place, signal)) {
    try {
      const stored = await place.find(wrappedKeyKey(number), { signal });
      if (stored !== undefined) found.push(decodeWrappedKey(stored, endpointId, number, tools.formatTools()));
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      failures.push(error);
    }
  }
  return found.sort((one, other) => one.createdAt - other.createdAt);
}

function contextOf(endpointId: Uint8Array, keyId: Uint8Array): KeyContext {
  return { endpoint: uuidOf(endpointId), keyId: toHex(keyId) };
}

function factsOf({ number, provider, createdAt }: WrappedKey): WrappedKeyFacts {
  return { id: number.toString(16).padStart(12, '0'), provider, createdAt };
}
