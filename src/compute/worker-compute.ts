/**
 * Adapter: a pool of worker threads. Threads are started when there is work for them, keep the process alive only while
 * they work, and are replaced when they end. A thread is given its next call while it works on one, and no more than that.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ObjectContent, ObjectHead } from '../core/cloud/format/object.ts';
import type { HashName } from '../core/cloud/format/tools.ts';
import { CloudError } from '../errors.ts';
import type { Compute, ComputeOptions, ObjectDecoding, ObjectEncoding, StoredGroup } from './compute.ts';
import { computeClosed } from './inline.ts';
import { plainDecoding } from './operations.ts';
import { errorOf, type OperationName, toPost, type WorkerAnswer, type WorkerRequest } from './worker-messages.ts';

/** How many threads, and what they run. */
export interface WorkerComputeOptions {
  /** Default: one for each processor that this process may use. */
  readonly threads?: number | undefined;
  /** The file that a thread runs. Default: the one of this package. */
  readonly entry?: URL | undefined;
}

/** Calls that a thread has: one to work on, one to go on with at once. */
const CALLS_PER_THREAD = 2;

/** Computes in worker threads. */
export class WorkerCompute implements Compute {
  readonly concurrency: number;
  readonly #entry: URL;
  readonly #threads: Set<Thread> = new Set();
  readonly #maxThreads: number;
  readonly #waiting: Set<Call> = new Set();
  #calls = 0;
  #closed: Promise<void> | undefined;

  /** @throws CloudError `CLOUD_COMPUTE_FAILED` when the threads' file cannot be found */
  constructor(options: WorkerComputeOptions = {}) {
    this.#maxThreads = Math.max(1, options.threads ?? availableParallelism());
    this.concurrency = this.#maxThreads * CALLS_PER_THREAD;
    this.#entry = options.entry ?? findEntry();
  }

  shortDigests(
    hash: HashName,
    pieces: Uint8Array,
    pieceBytes: number,
    options: ComputeOptions = {},
  ): Promise<Uint8Array> {
    return this.#run('shortDigests', options, () => {
      const transfer: ArrayBuffer[] = [];
      // The caller goes on with the pieces.
      const posted = pieces.buffer instanceof SharedArrayBuffer ? pieces : toPost(new Uint8Array(pieces), transfer);
      return { arguments: [hash, posted, pieceBytes], transfer };
    });
  }

  encodeObject(content: ObjectContent, how: ObjectEncoding, options: ComputeOptions = {}): Promise<Uint8Array> {
    return this.#run('encodeObject', options, () => {
      const transfer: ArrayBuffer[] = [];
      const blocks = toPost(content.blocks, transfer);
      return { arguments: [{ ...content, vvbns: content.vvbns.slice(), blocks }, how], transfer };
    });
  }

  decodeGroups(
    head: ObjectHead,
    groups: readonly StoredGroup[],
    how: ObjectDecoding,
    options: ComputeOptions = {},
  ): Promise<Uint8Array[]> {
    return this.#run('decodeGroups', options, () => {
      const transfer: ArrayBuffer[] = [];
      const [plain, key] = plainDecoding(head, how);
      const moved = groups.map(({ group, stored }) => ({ group, stored: toPost(stored, transfer) }));
      // The rows of the groups are in `groups`; the table of a large object need not travel with each of its groups.
      return { arguments: [{ ...plain, groups: [] }, moved, key], transfer: [...new Set(transfer)] };
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  #run<T>(operation: OperationName, { signal }: ComputeOptions, pack: () => Packed): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#closed !== undefined) return reject(computeClosed());
      const settled = () => {
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(call);
      };
      const call: Call = {
        number: ++this.#calls,
        operation,
        pack,
        // What comes back is what the operation gives: the pairing of the two is Operations.
        resolve: (result) => {
          settled();
          resolve(result as T);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      const onAbort = () => call.reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(call);
      this.#assign();
    });
  }

  /** Gives waiting calls to the threads that have least to do. */
  #assign(): void {
    for (const call of this.#waiting) {
      const thread = this.#threadWithRoom();
      if (thread === undefined) return;
      this.#waiting.delete(call);
      thread.give(call);
    }
  }

  #threadWithRoom(): Thread | undefined {
    let idlest: Thread | undefined;
    for (const thread of this.#threads) if (thread.load < (idlest?.load ?? CALLS_PER_THREAD)) idlest = thread;
    if (idlest?.load === 0 || this.#threads.size === this.#maxThreads) return idlest;
    const thread = new Thread(this.#entry, () => {
      if (thread.ended) this.#threads.delete(thread);
      this.#assign();
    });
    this.#threads.add(thread);
    return thread;
  }

  async #end(): Promise<void> {
    while (this.#waiting.size > 0 || [...this.#threads].some(({ load }) => load > 0)) {
      await Promise.all(Array.from(this.#threads, (thread) => thread.idle()));
    }
    await Promise.all(Array.from(this.#threads, (thread) => thread.end()));
  }
}

interface Packed {
  readonly arguments: readonly unknown[];
  readonly transfer: ArrayBuffer[];
}

interface Call {
  readonly number: number;
  readonly operation: OperationName;
  /** Called once, when the call goes to a thread: until then its buffers are where they were. */
  readonly pack: () => Packed;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

class Thread {
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  readonly #changed: () => void;
  #idle: (() => void)[] = [];
  ended = false;

  /** @param changed called when there is room again, or the thread has ended */
  constructor(entry: URL, changed: () => void) {
    this.#changed = changed;
    // Flags of the process may be meant for its own program (`--input-type`), and would then keep a thread from starting.
    this.#worker = new Worker(entry, { name: 'compute', execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', (answer: WorkerAnswer) => this.#settle(answer));
    this.#worker.on('messageerror', (cause) => this.#fail('answered with what cannot be read', cause));
    this.#worker.on('error', (cause) => this.#fail('crashed', cause));
    this.#worker.on('exit', (code) => this.#fail(`ended with code ${code}`));
  }

  /** Calls given and not answered. */
  get load(): number {
    return this.#calls.size;
  }

  give(call: Call): void {
    this.#calls.set(call.number, call);
    this.#worker.ref();
    try {
      const { arguments: values, transfer } = call.pack();
      const request: WorkerRequest = { call: call.number, operation: call.operation, arguments: values };
      this.#worker.postMessage(request, transfer);
    } catch (cause) {
      // Bytes that were detached by somebody else cannot be posted.
      this.#calls.delete(call.number);
      this.#rest();
      call.reject(cause);
    }
  }

  /** Resolves when all calls are answered. */
  idle(): Promise<void> {
    return this.load === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(answer: WorkerAnswer): void {
    const call = this.#calls.get(answer.call);
    this.#calls.delete(answer.call);
    this.#rest();
    if ('failure' in answer) call?.reject(errorOf(answer.failure));
    else call?.resolve(answer.result);
    this.#changed();
  }

  #fail(how: string, cause?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#rest();
    for (const call of calls) {
      const facts = { attempted: call.operation, retryable: true, cause };
      call.reject(new CloudError('CLOUD_COMPUTE_FAILED', `a compute thread ${how}`, facts));
    }
    this.#changed();
    // Of an answer that cannot be read nobody knows whose it was: this thread is done with.
    void this.#worker.terminate();
  }

  #rest(): void {
    if (this.#calls.size > 0) return;
    this.#worker.unref();
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/**
 * The threads' file: beside this one in the source, a file of its own in the package, which lies so far below the folder
 * that this code was bundled into as `dist` is above it.
 */
function findEntry(): URL {
  const here = typeof __filename === 'string' ? pathToFileURL(__filename) : new URL(import.meta.url);
  const candidates = here.pathname.endsWith('.ts')
    ? [new URL('./worker/index.ts', here)]
    : ['./', '../', '../../'].map((up) => new URL(`${up}compute/worker/index.js`, here));
  const entry = candidates.find((candidate) => existsSync(fileURLToPath(candidate)));
  if (entry !== undefined) return entry;
  throw new CloudError('CLOUD_COMPUTE_FAILED', `the file of the compute threads is not beside ${fileURLToPath(here)}`, {
    remedy: 'Name it by `entry` where this package is bundled into another file, or compute in the calling thread.',
  });
}
