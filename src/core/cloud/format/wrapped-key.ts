/**
 * Core, format: an endpoint's data key, wrapped by somebody who may open the endpoint. There may be several at a time, one
 * for each passphrase or key of a provider. What is wrapped is opaque here; nothing in the record is secret.
 */
import { fromHex, toHex } from './binary.ts';
import { encodeJson, Fields } from './fields.ts';
import { misplaced } from './header.ts';
import { openRecord, sealRecord } from './record.ts';
import type { FormatTools } from './tools.ts';

/** A wrapped key, as it is stored. */
export interface WrappedKey {
  /** Names its place; random. */
  readonly number: number;
  /** Who wrapped it: the name of a provider, `passphrase` for one. */
  readonly provider: string;
  /** Which key is wrapped: 16 bytes. */
  readonly keyId: Uint8Array;
  readonly wrapped: Uint8Array;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** @param tools those without a cipher: it is read before there is a key */
export function encodeWrappedKey(key: WrappedKey, endpointId: Uint8Array, tools: FormatTools): Uint8Array {
  const { number, provider, keyId, wrapped, createdAt } = key;
  const body = encodeJson({ provider, keyId: toHex(keyId), wrapped: toHex(wrapped), createdAt });
  return sealRecord({ kind: 'wrapped-key', endpointId, id: number, part: 0 }, body, tools);
}

/** @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION` */
export function decodeWrappedKey(
  bytes: Uint8Array,
  endpointId: Uint8Array,
  number: number,
  tools: FormatTools,
): WrappedKey {
  const identity = { kind: 'wrapped-key', endpointId, id: number, part: 0 } as const;
  const fields = Fields.parse(openRecord(bytes, identity, tools).body, `wrapped key ${number}`);
  const keyId = fromHex(fields.text('keyId'));
  if (keyId.length !== KEY_ID_BYTES) throw misplaced(identity, 'made wrongly');
  const wrapped = fromHex(fields.text('wrapped'));
  return { number, provider: fields.text('provider'), keyId, wrapped, createdAt: fields.whole('createdAt') };
}

const KEY_ID_BYTES = 16;
