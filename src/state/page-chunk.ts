/**
 * A chunk of a table: where the pages of 1024 successive numbers are. Its bytes are what is stored: for each page its unit
 * (8 bytes), its size plus one (4; 0 = no such page), and its digest (16).
 */
import { DIGEST_BYTES, type Extent } from './page-file.ts';

export const PAGES_PER_CHUNK = 1024;
const ENTRY_BYTES = 12 + DIGEST_BYTES;
export const CHUNK_BYTES = PAGES_PER_CHUNK * ENTRY_BYTES;

export class PageChunk {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array = new Uint8Array(CHUNK_BYTES)) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get(slot: number): Extent | undefined {
    const at = slot * ENTRY_BYTES;
    const sizePlusOne = this.#view.getUint32(at + 8);
    if (sizePlusOne === 0) return undefined;
    return {
      unit: Number(this.#view.getBigUint64(at)),
      sizeBytes: sizePlusOne - 1,
      digest: this.bytes.slice(at + 12, at + ENTRY_BYTES),
    };
  }

  set(slot: number, extent: Extent | undefined): void {
    const at = slot * ENTRY_BYTES;
    if (extent === undefined) {
      this.bytes.fill(0, at, at + ENTRY_BYTES);
      return;
    }
    this.#view.setBigUint64(at, BigInt(extent.unit));
    this.#view.setUint32(at + 8, extent.sizeBytes + 1);
    this.bytes.set(extent.digest, at + 12);
  }

  /** Slots that hold a page, ascending. */
  *slots(from = 0): Generator<number, void, undefined> {
    for (let slot = from; slot < PAGES_PER_CHUNK; slot++) {
      if (this.#view.getUint32(slot * ENTRY_BYTES + 8) !== 0) yield slot;
    }
  }

  isEmpty(): boolean {
    return this.slots().next().done === true;
  }
}
