/** What a version is, as one small file: its number, the version it was staged on, its meta, and where its chunks are. */

import { CHUNK_BYTES } from './page-chunk.ts';
import { DIGEST_BYTES, type Extent } from './page-file.ts';
import type { ChunkPlaces } from './page-table.ts';

export interface VersionRoot {
  readonly number: number;
  /** The committed version below it; for a committed one the version that it replaced. */
  readonly base: number;
  readonly meta: Uint8Array;
  readonly places: ChunkPlaces;
}

/**
 * `u32 length, JSON {number, base, meta: bytes, tables: [[name, chunks]...]}, meta, then for each chunk of each table:
 * index u64, unit u64, digest`.
 */
export function encodeRoot({ number, base, meta, places }: VersionRoot): Uint8Array {
  const tables = [...places].map(([name, chunks]) => [name, chunks.size] as const);
  const head = new TextEncoder().encode(JSON.stringify({ number, base, meta: meta.length, tables }));
  const chunks = tables.reduce((sum, [, count]) => sum + count, 0);
  const bytes = new Uint8Array(4 + head.length + meta.length + chunks * PLACE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, head.length);
  bytes.set(head, 4);
  bytes.set(meta, 4 + head.length);
  let at = 4 + head.length + meta.length;
  for (const chunksOfTable of places.values()) {
    for (const [index, { unit, digest }] of chunksOfTable) {
      view.setBigUint64(at, BigInt(index));
      view.setBigUint64(at + 8, BigInt(unit));
      bytes.set(digest, at + 16);
      at += PLACE_BYTES;
    }
  }
  return bytes;
}

/** Only for bytes whose checksum was right. */
export function decodeRoot(bytes: Uint8Array): VersionRoot {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headEnd = 4 + view.getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, headEnd))) as RootHead;
  let at = headEnd + head.meta;
  const places: ChunkPlaces = new Map();
  for (const [table, count] of head.tables) {
    const chunks = new Map<number, Extent>();
    for (let each = 0; each < count; each++) {
      const unit = Number(view.getBigUint64(at + 8));
      const digest = bytes.slice(at + 16, at + PLACE_BYTES);
      chunks.set(Number(view.getBigUint64(at)), { unit, sizeBytes: CHUNK_BYTES, digest });
      at += PLACE_BYTES;
    }
    places.set(table, chunks);
  }
  return { number: head.number, base: head.base, meta: bytes.slice(headEnd, headEnd + head.meta), places };
}

interface RootHead {
  readonly number: number;
  readonly base: number;
  readonly meta: number;
  readonly tables: readonly (readonly [name: string, chunks: number])[];
}

const PLACE_BYTES = 16 + DIGEST_BYTES;
