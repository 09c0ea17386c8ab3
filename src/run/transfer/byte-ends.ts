/**
 * Run (layer 3): bytes that this host moves itself, from a file of ONTAP or of this host to another. A few ranges are on their way at
 * once, and nothing else is in memory. Ranges that an earlier call wrote are compared and not written again.
 */
import type { TransferPlace } from '../../core/transfer/facts.ts';
import { partPath } from '../../core/transfer/part-names.ts';
import { OntapError, TransferError } from '../../errors.ts';
import type { OpenHostFile, RunningDigest } from '../../host-files/host-files.ts';
import { MOST_BYTES_AT_ONCE, type StoredFile } from '../../ontap/ontap-storage.ts';
import { undoing, withLeft } from './cleaning.ts';
import type { TransferContext, TransferVerification } from './context.ts';
import { placeText, transferFailure } from './context.ts';
import {
  areEqual,
  destinationExists,
  isUnchanged,
  notWhole,
  requireFile,
  sourceChanged,
  sourceKey,
  storedObject,
} from './stored-object.ts';

/** Ranges on their way at once, unless the caller says otherwise. */
export const DEFAULT_RANGES_IN_FLIGHT = 4;

/** Where bytes come from. */
interface ByteSource {
  readonly sizeBytes: number;
  /** Distinguishes it from other sources in the names of parts. */
  readonly key: string;
  read(offset: number, length: number): Promise<Uint8Array>;
  isUnchanged(): Promise<boolean>;
  remove(): Promise<void>;
  close(): Promise<void>;
}

/** Where bytes go: into a part that gets the destination's name at the end, or onto a device as it is. */
interface ByteTarget {
  /** Bytes that are there already, of an earlier call perhaps. */
  readonly thereBytes: number;
  /** What is left when nothing more is done. */
  readonly left: string;
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Exactly so long, and safe. Resolves to its size. */
  finish(sizeBytes: number): Promise<number>;
  /** Gives it the destination's name. */
  publish(): Promise<void>;
  discard(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** This host reads and writes the bytes. (Strategy `host-stream`) */
export async function streamThroughHost(context: TransferContext): Promise<TransferVerification> {
  const source = await openSource(context);
  try {
    const target = await openTarget(context, source);
    try {
      return await streamed(context, source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function streamed(
  context: TransferContext,
  source: ByteSource,
  target: ByteTarget,
): Promise<TransferVerification> {
  const { options, plan } = context;
  const hash = options.checksum === true ? context.world.hostFiles.sha256() : undefined;
  const pump = { source, target, hash, verify: options.checksum === true };
  await pumped(context, pump).catch((error: unknown) => {
    // What was written stays: the next call goes on with it.
    throw withLeft(error, target.left);
  });
  const sizeBytes = await target.finish(source.sizeBytes);
  const proven = await proof(context, source, sizeBytes);
  if (proven !== undefined) {
    const refusal = proven;
    return undoing(
      context,
      target.left,
      async () => {
        throw refusal;
      },
      (signal) => target.discard(signal),
    );
  }
  context.tell('rename');
  context.published.now = true;
  await target.publish().catch(async (error: unknown) => {
    const taken = error instanceof TransferError && error.code === 'TRANSFER_DESTINATION_EXISTS';
    if (taken)
      return undoing(
        context,
        target.left,
        () => Promise.reject(error),
        (signal) => target.discard(signal),
      );
    throw withLeft(error, target.left);
  });
  context.actions.push('publish');
  if (plan.intent === 'move') {
    if (!(await source.isUnchanged())) throw sourceChanged(context);
    context.tell('delete the source');
    await source.remove();
    context.actions.push('delete-source');
  }
  return { sizeBytes, ...(hash === undefined ? { by: 'size' } : { by: 'bytes', sha256: hash.digest() }) };
}

/** Why what was written is not the source; undefined when nothing speaks against it. */
async function proof(context: TransferContext, source: ByteSource, sizeBytes: number): Promise<Error | undefined> {
  if (sizeBytes !== source.sizeBytes)
    return notWhole(context, `it has ${sizeBytes} bytes, and the source ${source.sizeBytes}`);
  // Bytes of two times make no file.
  return (await source.isUnchanged()) ? undefined : sourceChanged(context);
}

interface Pump {
  readonly source: ByteSource;
  readonly target: ByteTarget;
  readonly hash: RunningDigest | undefined;
  /** Read back what was written. */
  readonly verify: boolean;
}

/** Moves every range, a few at a time. The first failure ends all of them. */
async function pumped(context: TransferContext, { source, target, hash, verify }: Pump): Promise<void> {
  const { signal, options } = context;
  const { sizeBytes } = source;
  const workers = Math.max(1, Math.floor(options.rangesInFlight ?? DEFAULT_RANGES_IN_FLIGHT));
  const inOrder = new Ordered((bytes) => hash?.update(bytes));
  let next = 0;
  let moved = 0;
  let broken: { readonly error: unknown } | undefined;
  const one = async (offset: number) => {
    const length = Math.min(MOST_BYTES_AT_ONCE, sizeBytes - offset);
    const bytes = await source.read(offset, length);
    if (bytes.length !== length) throw sourceChanged(context);
    const kept = offset + length <= target.thereBytes && areEqual(await target.read(offset, length), bytes);
    if (!kept) {
      await target.write(offset, bytes);
      if (verify && !areEqual(await target.read(offset, length), bytes)) {
        throw notWhole(context, `the bytes from ${offset} on read back otherwise`);
      }
    }
    if (hash !== undefined) inOrder.add(offset, bytes);
    moved += length;
    context.tell('copy', { transferredBytes: moved, totalBytes: sizeBytes });
  };
  // The first range makes the file that the others are written into.
  if (sizeBytes === 0) await target.write(0, new Uint8Array());
  else await one(0);
  context.actions.push('write');
  next = MOST_BYTES_AT_ONCE;
  const worker = async () => {
    while (next < sizeBytes && broken === undefined) {
      signal.throwIfAborted();
      const offset = next;
      next += MOST_BYTES_AT_ONCE;
      await one(offset).catch((error: unknown) => {
        broken ??= { error };
      });
    }
  };
  // All of them, so that nothing is under way any more when this ends.
  await Promise.allSettled(Array.from({ length: workers }, worker));
  signal.throwIfAborted();
  if (broken !== undefined) throw broken.error;
}

/** Hands ranges on in the order of their offsets, whenever they come; holds as many as are in flight. */
class Ordered {
  readonly #take: (bytes: Uint8Array) => void;
  readonly #waiting = new Map<number, Uint8Array>();
  #next = 0;

  constructor(take: (bytes: Uint8Array) => void) {
    this.#take = take;
  }

  add(offset: number, bytes: Uint8Array): void {
    this.#waiting.set(offset, bytes);
    for (let ready = this.#waiting.get(this.#next); ready !== undefined; ready = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next);
      this.#next += ready.length;
      this.#take(ready);
      if (ready.length === 0) return;
    }
  }
}

// ---- where bytes come from

async function openSource(context: TransferContext): Promise<ByteSource> {
  const path = hostPathOf(context.plan.source);
  return path === undefined ? storedSource(context) : hostSource(context, path);
}

async function storedSource(context: TransferContext): Promise<ByteSource> {
  const source = await storedObject(context, 'source');
  const { signal } = context;
  const { storage } = source.end;
  const { uuid } = source.volume;
  const before = await requireFile(context, source);
  const now = (): Promise<StoredFile | undefined> => storage.file(uuid, source.path, { signal });
  return {
    sizeBytes: before.sizeBytes,
    key: sourceKey(source),
    read: (offset, length) => storage.readFile(uuid, source.path, { offset, length }, { signal }),
    isUnchanged: async () => isUnchanged(before, await now()),
    remove: () => storage.deleteFile(uuid, source.path, { signal }),
    close: async () => {},
  };
}

async function hostSource(context: TransferContext, path: string): Promise<ByteSource> {
  const { hostFiles } = context.world;
  const before = await hostFiles.look(path);
  if (before === undefined) {
    throw transferFailure(context, 'TRANSFER_SOURCE_NOT_FOUND', `${path} is not there any more`);
  }
  const file = await hostFiles.open(path, 'read');
  return {
    sizeBytes: file.sizeBytes,
    key: `host\0${path}`,
    read: (offset, length) => file.read(offset, length),
    isUnchanged: async () => {
      const now = await hostFiles.look(path);
      // Devices have no time of their last change.
      if (before.kind === 'device') return now?.sizeBytes === before.sizeBytes;
      return now?.sizeBytes === before.sizeBytes && now.modifiedAt === before.modifiedAt;
    },
    remove: () => hostFiles.remove(path),
    close: () => file.close(),
  };
}

// ---- where they go

async function openTarget(context: TransferContext, source: ByteSource): Promise<ByteTarget> {
  const path = hostPathOf(context.plan.destination);
  return path === undefined ? storedTarget(context, source) : hostTarget(context, source, path);
}

async function storedTarget(context: TransferContext, { key, sizeBytes }: ByteSource): Promise<ByteTarget> {
  const { signal } = context;
  const destination = await storedObject(context, 'destination');
  const { storage } = destination.end;
  const { uuid } = destination.volume;
  const part = partPath(destination.path, key);
  let left = await storage.file(uuid, part, { signal });
  if (left !== undefined && left.sizeBytes > sizeBytes) {
    await storage.deleteFile(uuid, part, { signal });
    left = undefined;
  }
  let made = left !== undefined;
  return {
    thereBytes: left?.sizeBytes ?? 0,
    left: `${placeText({ ...destination.place, path: part })}, with which the next call goes on`,
    read: (offset, length) => storage.readFile(uuid, part, { offset, length }, { signal }),
    async write(offset, bytes) {
      if (made) return storage.writeFile(uuid, part, { offset, bytes }, { signal });
      await storage.createFile(uuid, part, bytes, { signal });
      made = true;
    },
    finish: async () => (await storage.file(uuid, part, { signal }))?.sizeBytes ?? 0,
    publish: () => storage.renameFile(uuid, part, destination.path, { signal }).catch(takenElsewhere(context)),
    discard: (within) => storage.deleteFile(uuid, part, { signal: within }),
    close: async () => {},
  };
}

async function hostTarget(context: TransferContext, { key }: ByteSource, path: string): Promise<ByteTarget> {
  const { hostFiles } = context.world;
  const there = await hostFiles.look(path);
  if (there?.kind === 'device') return deviceTarget(context, path);
  const part = partPath(path, key);
  const file = await hostFiles.open(part, 'create');
  return {
    ...bytesOfFile(file),
    thereBytes: file.sizeBytes,
    left: `${part}, with which the next call goes on`,
    async finish(sizeBytes) {
      await file.truncate(sizeBytes);
      await file.sync();
      return (await hostFiles.look(part))?.sizeBytes ?? 0;
    },
    publish: () => hostFiles.rename(part, path),
    discard: () => hostFiles.remove(part),
  };
}

/** A device has no other name: it is written in place, and is no whole object before the call has ended. */
async function deviceTarget(context: TransferContext, path: string): Promise<ByteTarget> {
  const file = await context.world.hostFiles.open(path, 'write');
  return {
    ...bytesOfFile(file),
    thereBytes: file.sizeBytes,
    left: `${path}, half-written, with which the next call goes on`,
    async finish(sizeBytes) {
      await file.sync();
      return Math.min(sizeBytes, file.sizeBytes);
    },
    publish: async () => {},
    discard: async () => {},
  };
}

function bytesOfFile(file: OpenHostFile): Pick<ByteTarget, 'read' | 'write' | 'close'> {
  return {
    read: (offset, length) => file.read(offset, length),
    write: (offset, bytes) => file.write(offset, bytes),
    close: () => file.close(),
  };
}

function hostPathOf(place: TransferPlace): string | undefined {
  return place.kind === 'host' ? place.path : place.hostPath;
}

function takenElsewhere(context: TransferContext): (error: unknown) => never {
  return (error) => {
    throw error instanceof OntapError && error.code === 'ONTAP_EXISTS' ? destinationExists(context, error) : error;
  };
}
