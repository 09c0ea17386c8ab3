/** Bodies of objects, as the adapters need them. */
import { createHash } from 'node:crypto';
import { ObjectStoreError } from '../errors.ts';
import type { ObjectBody } from './object-store.ts';

export function partsOf(body: ObjectBody): readonly Uint8Array[] {
  return body instanceof Uint8Array ? [body] : [...body];
}

export function sizeOf(body: ObjectBody): number {
  return body instanceof Uint8Array ? body.length : body.reduce((total, part) => total + part.length, 0);
}

/** A copy of the body in one piece. */
export function joined(body: ObjectBody): Uint8Array {
  const whole = new Uint8Array(sizeOf(body));
  let at = 0;
  for (const part of partsOf(body)) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @throws ObjectStoreError `OBJECT_STORE_CORRUPT` when the body is not what the SHA-256 says */
export function checkBody(key: string, parts: readonly Uint8Array[], sha256: Uint8Array | undefined): void {
  if (sha256 === undefined) return;
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  if (hash.digest().equals(sha256)) return;
  throw new ObjectStoreError('OBJECT_STORE_CORRUPT', `the body for ${key} is not what its SHA-256 says`, {
    key,
    attempted: 'store the object',
  });
}
