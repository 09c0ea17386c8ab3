/** Adapter: everything in the thread that calls. A call holds that thread up for as long as it takes: for small work, and for tests. */
import type { ObjectContent, ObjectHead } from '../core/cloud/format/object.ts';
import type { HashName } from '../core/cloud/format/tools.ts';
import { CloudError } from '../errors.ts';
import type { Compute, ComputeOptions, ObjectDecoding, ObjectEncoding, StoredGroup } from './compute.ts';
import { type ObjectFormat, type Operations, operationsOver, plainDecoding } from './operations.ts';

/** Computes in the caller's own thread. */
export class InlineCompute implements Compute {
  readonly concurrency = 1;
  readonly #operations: Operations;
  #closed = false;

  constructor(format: ObjectFormat) {
    this.#operations = operationsOver(format);
  }

  async shortDigests(
    hash: HashName,
    pieces: Uint8Array,
    pieceBytes: number,
    options: ComputeOptions = {},
  ): Promise<Uint8Array> {
    return this.#begun(options).shortDigests(hash, pieces, pieceBytes);
  }

  async encodeObject(content: ObjectContent, how: ObjectEncoding, options: ComputeOptions = {}): Promise<Uint8Array> {
    return this.#begun(options).encodeObject(content, how);
  }

  async decodeGroups(
    head: ObjectHead,
    groups: readonly StoredGroup[],
    how: ObjectDecoding,
    options: ComputeOptions = {},
  ): Promise<Uint8Array[]> {
    const [plain, key] = plainDecoding(head, how);
    return this.#begun(options).decodeGroups(plain, groups, key);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #begun({ signal }: ComputeOptions): Operations {
    signal?.throwIfAborted();
    if (this.#closed) throw computeClosed();
    return this.#operations;
  }
}

export function computeClosed(): CloudError {
  return new CloudError('CLOUD_COMPUTE_FAILED', 'this compute was closed');
}
