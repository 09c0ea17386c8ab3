/**
 * Run (layer 3): the VMAP of a transfer. Pages come from the staged version of the state as they are needed and go back
 * there when there are too many of them; which pages are in memory is decided here, what is in them in core/cloud.
 *
 * One caller at a time: what was loaded stays until the next `load`.
 */

import type { FormatTools } from '../../core/cloud/format/tools.ts';
import { decodeVmapPage, encodeVmapPage } from '../../core/cloud/format/vmap-page.ts';
import { emptyPage, type Vmap, type VmapPage } from '../../core/cloud/vmap.ts';
import { InternalError } from '../../errors.ts';
import type { PageReader, PagesOptions, StagedVersion, StateOptions } from '../../state/state.ts';

export const VMAP_TABLE = 'vmap';

export class VmapPages implements Vmap {
  readonly #staged: StagedVersion;
  readonly #endpointId: Uint8Array;
  readonly #tools: FormatTools;
  readonly #transfer: number;
  readonly #capacity: number;
  /** Pages in memory, the one that was used longest ago first; `undefined` for one that has no entry. */
  readonly #pages = new Map<number, VmapPage | undefined>();
  readonly #changed = new Set<number>();

  /**
   * @param transfer stamped into the pages it writes: the number of the take-over
   * @param capacity pages kept in memory; more only while one batch needs more
   */
  constructor(
    staged: StagedVersion,
    endpointId: Uint8Array,
    tools: FormatTools,
    options: { readonly transfer: number; readonly capacity: number },
  ) {
    this.#staged = staged;
    this.#endpointId = endpointId;
    this.#tools = tools;
    this.#transfer = options.transfer;
    this.#capacity = options.capacity;
  }

  /** Has these pages in memory when it resolves, and until it is called again. */
  async load(numbers: Iterable<number>, options: StateOptions = {}): Promise<void> {
    const wanted = [...numbers];
    let missing = 0;
    for (const number of wanted) {
      if (!this.#pages.has(number)) {
        missing++;
        continue;
      }
      const page = this.#pages.get(number);
      this.#pages.delete(number);
      this.#pages.set(number, page);
    }
    // Room is made first, so that there are never more pages than the capacity, or than this batch needs.
    let surplus = this.#pages.size + missing - Math.max(this.#capacity, wanted.length);
    for (const number of this.#pages.keys()) {
      if (surplus-- <= 0) break;
      await this.#write(number, options);
      this.#pages.delete(number);
    }
    for (const number of wanted) {
      if (this.#pages.has(number)) continue;
      const stored = await this.#staged.read(VMAP_TABLE, number, options);
      this.#pages.set(number, stored && decodeVmapPage(stored, number, this.#endpointId, this.#tools).page);
    }
  }

  page(number: number): VmapPage | undefined {
    const page = this.#pages.get(number);
    if (page === undefined && !this.#pages.has(number)) throw new InternalError(`VMAP page ${number} was not loaded`);
    return page;
  }

  /** Changed in place: what the base had is in the committed version, which the staged one leaves alone. */
  pageToWrite(number: number): VmapPage {
    const page = this.page(number) ?? emptyPage(number);
    this.#pages.set(number, page);
    this.#changed.add(number);
    return page;
  }

  /** Writes changed pages to the staged version. They stay in memory. */
  async flush(options: StateOptions = {}): Promise<void> {
    for (const number of [...this.#changed]) await this.#write(number, options);
  }

  async #write(number: number, options: StateOptions): Promise<void> {
    if (!this.#changed.delete(number)) return;
    const page = this.#pages.get(number);
    if (page === undefined || page.mapped === 0) await this.#staged.remove(VMAP_TABLE, number, options);
    else {
      const bytes = encodeVmapPage(page, this.#transfer, this.#endpointId, this.#tools);
      await this.#staged.write(VMAP_TABLE, number, bytes, options);
    }
  }
}

/** The VMAP's pages as a version of the state has them, ascending. */
export async function* storedVmap(
  reader: PageReader,
  endpointId: Uint8Array,
  tools: FormatTools,
  options: PagesOptions = {},
): AsyncGenerator<VmapPage, void, undefined> {
  for await (const number of reader.pages(VMAP_TABLE, options)) {
    const stored = await reader.read(VMAP_TABLE, number, options);
    if (stored !== undefined) yield decodeVmapPage(stored, number, endpointId, tools).page;
  }
}
