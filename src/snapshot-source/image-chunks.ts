/**
 * Adapter: an image read once, from its beginning to its end, in large aligned chunks, with the identity of each block.
 * The next chunks are read and hashed while one is worked on; the bytes that were hashed are the bytes that are given.
 */
import type { Compute } from '../compute/compute.ts';
import { CloudError } from '../errors.ts';
import type { DataRange } from './data-ranges.ts';
import { type ImageHandle, unreadable } from './image-file.ts';
import { BLOCK_BYTES } from './image-tree.ts';

export interface Chunk {
  /** Its first block, a multiple of the blocks of a chunk. What the chunk leaves out before its end is zeros. */
  readonly start: number;
  /** Blocks that are not zeros, ascending. */
  readonly blocks: Float64Array;
  /** The identity of each of `blocks`, one after the other. */
  readonly identities: Uint8Array;
  /** The content of one of `blocks`; until the next chunk is asked for. */
  content(block: number): Uint8Array;
}

export interface ChunkOptions {
  readonly path: string;
  readonly sizeBytes: number;
  readonly blocksPerChunk: number;
  /** Chunks that are read and hashed before they are asked for. */
  readonly readAhead: number;
  readonly compute: Pick<Compute, 'shortDigests'>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Chunks without data are left out.
 * @param ranges what may have data, ascending
 * @throws CloudError `CLOUD_SOURCE_UNREADABLE`, `CLOUD_SOURCE_CHANGED` when the image ends before its size
 */
export async function* readChunks(
  handle: ImageHandle,
  ranges: AsyncIterable<DataRange>,
  options: ChunkOptions,
): AsyncGenerator<Chunk, void, undefined> {
  const regions = regionsOf(ranges, options.sizeBytes, options.blocksPerChunk * BLOCK_BYTES);
  const buffers: Uint8Array[] = [];
  const coming: { readonly buffer: Uint8Array; readonly chunk: Promise<Chunk> }[] = [];
  try {
    for (let done = false; ; ) {
      while (!done && coming.length <= options.readAhead) {
        const next = await regions.next();
        if (next.done) {
          done = true;
          break;
        }
        // Shared, so that hashing threads see it without a copy.
        const buffer = buffers.pop() ?? new Uint8Array(new SharedArrayBuffer(options.blocksPerChunk * BLOCK_BYTES));
        const chunk = readChunk(handle, next.value, buffer, options);
        chunk.catch(() => {});
        coming.push({ buffer, chunk });
      }
      const first = coming.shift();
      if (first === undefined) return;
      const chunk = await first.chunk;
      options.signal?.throwIfAborted();
      yield chunk;
      buffers.push(first.buffer);
    }
  } finally {
    await regions.return();
    // Nothing reads from the image any more when this ends.
    await Promise.allSettled(coming.map(({ chunk }) => chunk));
  }
}

/** The part of a chunk that may have data, in bytes. */
interface Region extends DataRange {
  readonly start: number;
}

/** One region for each chunk with data: from the first byte that may have some to behind the last, in whole blocks. */
async function* regionsOf(
  ranges: AsyncIterable<DataRange>,
  sizeBytes: number,
  chunkBytes: number,
): AsyncGenerator<Region, void, undefined> {
  let open: Region | undefined;
  for await (const range of ranges) {
    const end = Math.min(range.to, sizeBytes);
    for (let from = range.from; from < end; ) {
      const start = Math.floor(from / chunkBytes) * chunkBytes;
      const to = Math.min(end, start + chunkBytes);
      if (open !== undefined && open.start !== start) yield open;
      open = { start, from: open?.start === start ? open.from : from - (from % BLOCK_BYTES), to };
      from = to;
    }
  }
  if (open !== undefined) yield open;
}

async function readChunk(
  handle: ImageHandle,
  { start, from, to }: Region,
  buffer: Uint8Array,
  { path, sizeBytes, compute, signal }: ChunkOptions,
): Promise<Chunk> {
  const end = Math.min(sizeBytes, Math.ceil(to / BLOCK_BYTES) * BLOCK_BYTES);
  const bytes = buffer.subarray(0, end - from);
  const read = await handle.read(bytes, from).catch(async (cause) => {
    throw await unreadableRange(handle, path, from, end, cause);
  });
  if (read < bytes.length) throw shrunk(path, from + read, sizeBytes);
  const count = Math.ceil(bytes.length / BLOCK_BYTES);
  const whole = buffer.subarray(0, count * BLOCK_BYTES);
  whole.fill(0, bytes.length);
  const used = blocksInUse(whole);
  const identities = await identitiesOf(whole, used, compute, signal);
  const first = from / BLOCK_BYTES;
  return {
    start: start / BLOCK_BYTES,
    blocks: Float64Array.from(used, (block) => first + block),
    identities,
    content: (block) => whole.subarray((block - first) * BLOCK_BYTES, (block - first + 1) * BLOCK_BYTES),
  };
}

/** The blocks that are not zeros. */
function blocksInUse(bytes: Uint8Array): number[] {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const wordsPerBlock = BLOCK_BYTES / 4;
  const used: number[] = [];
  for (let from = 0; from < words.length; from += wordsPerBlock) {
    for (let word = from; word < from + wordsPerBlock; word++) {
      if (words[word] === 0) continue;
      used.push(from / wordsPerBlock);
      break;
    }
  }
  return used;
}

/** Zeros between two blocks are hashed along with them rather than to call once more. */
const MERGED_GAP_BLOCKS = 16;
const IDENTITY_BYTES = 16;

async function identitiesOf(
  bytes: Uint8Array,
  used: readonly number[],
  compute: Pick<Compute, 'shortDigests'>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const runs: { readonly first: number; last: number }[] = [];
  for (const block of used) {
    const run = runs.at(-1);
    if (run !== undefined && block - run.last <= MERGED_GAP_BLOCKS) run.last = block;
    else runs.push({ first: block, last: block });
  }
  const digests = await Promise.all(
    runs.map(({ first, last }) => {
      const pieces = bytes.subarray(first * BLOCK_BYTES, (last + 1) * BLOCK_BYTES);
      return compute.shortDigests('sha-256', pieces, BLOCK_BYTES, { signal });
    }),
  );
  const identities = new Uint8Array(used.length * IDENTITY_BYTES);
  let run = 0;
  used.forEach((block, at) => {
    while ((runs[run]?.last ?? block) < block) run++;
    const from = (block - (runs[run]?.first ?? 0)) * IDENTITY_BYTES;
    identities.set(digests[run]?.subarray(from, from + IDENTITY_BYTES) ?? [], at * IDENTITY_BYTES);
  });
  return identities;
}

export function shrunk(path: string, endsAt: number, sizeBytes: number): CloudError {
  return new CloudError(
    'CLOUD_SOURCE_CHANGED',
    `${path} ends at byte ${endsAt}, and had ${sizeBytes} bytes when the backup began`,
    { object: path, details: { from: endsAt, to: sizeBytes }, remedy: KEEP_STILL },
  );
}

export const KEEP_STILL = 'Back up a snapshot or a clone of it, or see to it that nobody writes to it meanwhile.';

/** Says which bytes cannot be read: large reads fail as a whole. */
async function unreadableRange(
  handle: ImageHandle,
  path: string,
  from: number,
  end: number,
  cause: unknown,
): Promise<CloudError> {
  const block = new Uint8Array(BLOCK_BYTES);
  const fails = (at: number) =>
    handle.read(block, at).then(
      () => false,
      () => true,
    );
  let first = from;
  while (first < end && !(await fails(first))) first += BLOCK_BYTES;
  let to = first;
  while (to < end && (await fails(to))) to += BLOCK_BYTES;
  // Readable again: a passing failure of the whole range.
  const range = first < end ? { from: first, to: Math.min(to, end) } : { from, to: end };
  const message = `bytes ${range.from} to ${range.to} of ${path} cannot be read`;
  return unreadable(path, message, cause, range);
}
