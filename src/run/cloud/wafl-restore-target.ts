/**
 * Run (layer 3): a restore into a volume model: what arrives is gathered into one transfer and applied in one step, so the
 * volume has the whole snapshot or is as it was. Sharing is kept: a block that several file blocks share arrives once.
 */

import { snapshotInfoOf } from '../../core/cloud/format/manifest.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import { NO_ARRIVAL } from '../../core/cloud/restore-plan.ts';
import { BLOCK_SIZE } from '../../core/wafl/blocks.ts';
import { DIRECTORY_METAFILE, INODE_METAFILE, ROOT_INODE } from '../../core/wafl/image.ts';
import type { InodeAttributes } from '../../core/wafl/inode-tree.ts';
import { DIRECTORY_SLOTS_PER_BLOCK, decodeDirectoryBlock, decodeInodeBlock } from '../../core/wafl/metafiles.ts';
import {
  NO_BLOCK,
  TRANSFER_CHUNK_BLOCKS,
  TRANSFER_FORMAT,
  type TransferredEntry,
  type TransferredInode,
} from '../../core/wafl/transfer.ts';
import type { WaflVolume } from '../../core/wafl/volume.ts';
import type { RestoreFacts, RestoreTarget } from './restore-target.ts';

interface Places {
  readonly fbns: number[];
  readonly arrivals: number[];
}

/** Restores into a volume of the WAFL model. */
export class WaflRestoreTarget implements RestoreTarget {
  readonly oneFile = false;
  /** Attributes of every inode, also of those whose content alone changed. */
  readonly wholeInodes = [INODE_METAFILE];
  readonly #volume: WaflVolume;
  readonly #places = new Map<number, Places>();
  readonly #removed: number[] = [];
  readonly #chunks: Uint8Array[] = [];
  /** Arrivals by PVBN: the volume is in memory, and so is what it is made of. */
  readonly #arrivals = new Map<number, number>();
  #facts: RestoreFacts | undefined;

  /** @param volume empty, or with the snapshot that the restore builds on */
  constructor(volume: WaflVolume) {
    this.#volume = volume;
  }

  async begin(facts: RestoreFacts): Promise<void> {
    this.#facts = facts;
  }

  async inode(before: InodeRoot | undefined, after: InodeRoot | undefined): Promise<void> {
    if (after !== undefined) this.#places.set(after.number, { fbns: [], arrivals: [] });
    else if (before !== undefined && before.number >= ROOT_INODE) this.#removed.push(before.number);
  }

  async place(inode: number, fbns: Float64Array, arrivals: Float64Array): Promise<void> {
    const places = this.#places.get(inode);
    for (let at = 0; at < fbns.length; at++) {
      places?.fbns.push(fbns[at] ?? 0);
      places?.arrivals.push(arrivals[at] ?? NO_ARRIVAL);
    }
  }

  arrivalsOf(pvbns: Float64Array): Float64Array {
    return pvbns.map((pvbn) => this.#arrivals.get(pvbn) ?? NO_ARRIVAL);
  }

  async blocks(firstArrival: number, blocks: Uint8Array, pvbns: Float64Array): Promise<void> {
    pvbns.forEach((pvbn, at) => {
      this.#arrivals.set(pvbn, firstArrival + at);
    });
    for (let at = 0; at * BLOCK_SIZE < blocks.length; at++) {
      const arrival = firstArrival + at;
      const chunk = Math.floor(arrival / TRANSFER_CHUNK_BLOCKS);
      while (this.#chunks.length <= chunk) this.#chunks.push(new Uint8Array(TRANSFER_CHUNK_BLOCKS * BLOCK_SIZE));
      const offset = (arrival % TRANSFER_CHUNK_BLOCKS) * BLOCK_SIZE;
      this.#chunks[chunk]?.set(blocks.subarray(at * BLOCK_SIZE, (at + 1) * BLOCK_SIZE), offset);
    }
  }

  async endWindow(): Promise<void> {}

  async finish(): Promise<void> {
    const facts = this.#facts;
    if (facts === undefined) return;
    const { manifest, common } = facts;
    this.#volume.applyTransfer({
      format: TRANSFER_FORMAT,
      base: common && { name: common.name, uuid: common.uuid },
      snapshot: snapshotInfoOf(manifest),
      removedInodes: this.#removed,
      inodes: this.#inodes(),
      entries: this.#entries(common !== undefined),
      contents: this.#chunks,
      bytes: 0,
    });
  }

  async abandon(): Promise<void> {
    this.#facts = undefined;
    this.#chunks.length = 0;
    this.#arrivals.clear();
    this.#places.clear();
  }

  #inodes(): TransferredInode[] {
    const attributes: InodeAttributes[] = [];
    for (const { block } of this.#blocksOf(INODE_METAFILE)) {
      if (block !== undefined) attributes.push(...decodeInodeBlock(block));
    }
    return attributes.map((found) => {
      const placed = [...this.#ascending(found.number)];
      return {
        attributes: found,
        fbns: Uint32Array.from(placed, ({ fbn }) => fbn),
        sources: Uint32Array.from(placed, ({ arrival }) => (arrival === NO_ARRIVAL ? NO_BLOCK : arrival)),
      };
    });
  }

  /** Changed blocks of the directory metafile: slots that they do not use are free now. */
  #entries(incremental: boolean): TransferredEntry[] {
    const entries: TransferredEntry[] = [];
    for (const { fbn, block } of this.#blocksOf(DIRECTORY_METAFILE)) {
      const used = new Map(
        (block === undefined ? [] : decodeDirectoryBlock(block)).map(({ slot, ...entry }) => [slot, entry]),
      );
      for (let slot = fbn * DIRECTORY_SLOTS_PER_BLOCK; slot < (fbn + 1) * DIRECTORY_SLOTS_PER_BLOCK; slot++) {
        const entry = used.get(slot);
        if (entry !== undefined || incremental) entries.push({ slot, entry });
      }
    }
    return entries;
  }

  *#blocksOf(
    inode: number,
  ): Generator<{ readonly fbn: number; readonly block: Uint8Array | undefined }, void, undefined> {
    for (const { fbn, arrival } of this.#ascending(inode)) {
      const offset = (arrival % TRANSFER_CHUNK_BLOCKS) * BLOCK_SIZE;
      const chunk = arrival === NO_ARRIVAL ? undefined : this.#chunks[Math.floor(arrival / TRANSFER_CHUNK_BLOCKS)];
      yield { fbn, block: chunk?.subarray(offset, offset + BLOCK_SIZE) };
    }
  }

  #ascending(inode: number): { readonly fbn: number; readonly arrival: number }[] {
    const { fbns, arrivals } = this.#places.get(inode) ?? { fbns: [], arrivals: [] };
    return fbns.map((fbn, at) => ({ fbn, arrival: arrivals[at] ?? NO_ARRIVAL })).sort((a, b) => a.fbn - b.fbn);
  }
}
