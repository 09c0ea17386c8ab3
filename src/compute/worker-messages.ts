/** Adapter: what goes between the pool and its threads. Buffers that are their sender's alone move; others are copied. */
import { CloudError, type CloudErrorCode } from '../errors.ts';
import type { Operations } from './operations.ts';

export type OperationName = keyof Operations;

export interface WorkerRequest {
  readonly call: number;
  readonly operation: OperationName;
  readonly arguments: readonly unknown[];
}

export type WorkerAnswer =
  | { readonly call: number; readonly result: Uint8Array | readonly Uint8Array[] }
  | { readonly call: number; readonly failure: FailureFacts };

/** An error as data: an Error that crosses threads loses its code and facts. */
export interface FailureFacts {
  readonly code: string | undefined;
  readonly message: string;
  readonly objectId: number | undefined;
  readonly remedy: string | undefined;
}

export function failureOf(error: unknown): FailureFacts {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof CloudError)) return { code: undefined, message, objectId: undefined, remedy: undefined };
  return { code: error.code, message, objectId: error.objectId, remedy: error.remedy };
}

/** The error again. What the format did not foresee is told as it was. */
export function errorOf({ code, message, objectId, remedy }: FailureFacts): Error {
  if (code === undefined) return new Error(message);
  // The code comes from a CloudError of the same release.
  return new CloudError(code as CloudErrorCode, message, { objectId, remedy });
}

/** True when the bytes are all of their buffer, so that it can be moved instead of copied. */
export function isWhole(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength;
}

/** Bytes to be posted: a message with a view of a part of a buffer would carry all of that buffer along. */
export function toPost(bytes: Uint8Array, transfer: ArrayBuffer[]): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const whole = isWhole(bytes) ? bytes : new Uint8Array(bytes);
  if (whole.length > 0) transfer.push(whole.buffer);
  return whole;
}
