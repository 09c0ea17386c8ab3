/** Adapter: a thread's side of the pool. */
import { parentPort } from 'node:worker_threads';
import type { Operations } from './operations.ts';
import { failureOf, toPost, type WorkerAnswer, type WorkerRequest } from './worker-messages.ts';

export function serveThePool(operations: Operations): void {
  parentPort?.on('message', (request: WorkerRequest) => {
    const transfer: ArrayBuffer[] = [];
    let answer: WorkerAnswer;
    try {
      answer = { call: request.call, result: run(operations, request, transfer) };
    } catch (error) {
      transfer.length = 0;
      answer = { call: request.call, failure: failureOf(error) };
    }
    parentPort?.postMessage(answer, transfer);
  });
}

function run(
  operations: Operations,
  { operation, arguments: values }: WorkerRequest,
  transfer: ArrayBuffer[],
): Uint8Array | Uint8Array[] {
  // The pool sends what the operation takes: the pairing of the two is Operations.
  const operate = operations[operation] as (...values: readonly unknown[]) => Uint8Array | Uint8Array[];
  const result = operate(...values);
  if (result instanceof Uint8Array) return toPost(result, transfer);
  return result.map((bytes) => toPost(bytes, transfer));
}
