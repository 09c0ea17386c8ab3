import { describe, expect, it } from 'vitest';
import { type ObjectId, slotBytesOf } from '../../src/core/cloud/block-numbers.ts';
import { NOTHING_SCANNED, scanChanged } from '../../src/core/cloud/changed.ts';
import { fixUp } from '../../src/core/cloud/fixup.ts';
import { populate, toPvbns } from '../../src/core/cloud/indirects.ts';
import { invalidatePage } from '../../src/core/cloud/invalidation.ts';
import { Packer } from '../../src/core/cloud/packing.ts';
import { pendingIn, VMAP_PAGE_ENTRIES, type VmapPage, VmapWorkingSet } from '../../src/core/cloud/vmap.ts';
import { type SnapshotSourceSubject, snapshotSourceContract } from '../../src/testing/snapshot-source-contract.ts';
import { ContentSource, IMAGE_INODE } from './content-source.ts';

const BLOCKS = 50;

function subject(): SnapshotSourceSubject {
  const source = new ContentSource(BLOCKS);
  let snapshots = 0;
  return {
    source,
    inode: IMAGE_INODE,
    blocks: BLOCKS,
    async write(block, byte) {
      source.image.fill(byte, block * 4096, (block + 1) * 4096);
    },
    async snapshot() {
      source.snapshot(`s${++snapshots}`);
      return `s${snapshots}`;
    },
    async drop(uuid) {
      source.drop(uuid);
    },
  };
}

describe('a source that gives VVBNs by content and reads once', () => {
  for (const { name, run } of snapshotSourceContract) it(name, () => run(subject()));

  it('goes through the phases, with phase 1 after the scan; every block is read once, and uploads follow the change', async () => {
    const source = new ContentSource(BLOCKS);
    let vmap: readonly VmapPage[] = [];
    let objectId = 0;

    /** Returns how many blocks were uploaded, by level. */
    async function transfer(uuid: string, base: string | undefined): Promise<number[]> {
      const open = await source.open(uuid);
      const pages = new VmapWorkingSet(vmap, { complete: true });
      const uploaded = [0, 0, 0];
      const packers = ([0, 1, 2] as const).map(
        (level) => new Packer(level, slotBytesOf(level, 4), () => ++objectId as ObjectId, { slots: 8 }),
      );
      const pack = (level: 0 | 1 | 2, vvbns: Float64Array | undefined, blocks: Uint8Array) => {
        const packer = packers[level];
        if (packer === undefined) return;
        const objects = vvbns === undefined ? packer.flush() : packer.add(vvbns, blocks);
        for (const object of objects) {
          uploaded[level] = (uploaded[level] ?? 0) + object.vvbns.length;
          fixUp(pages, object);
        }
      };
      let counters = NOTHING_SCANNED;
      for await (const inodes of open.changedRoots(base)) {
        const scan = scanChanged(pages, inodes, 4, counters);
        for (let step = scan.next(); ; ) {
          if (step.done) {
            counters = step.value;
            break;
          }
          const { value } = step;
          if (value.step === 'changed' && value.level === 0) pack(0, value.vvbns, await open.readBlocks(value.vvbns));
          step = scan.next(
            value.step === 'read-pointers' ? await open.readPointers(value.level, value.vvbns) : undefined,
          );
        }
      }
      for (const page of pages.pages()) {
        const held = await open.held(page.number * VMAP_PAGE_ENTRIES, VMAP_PAGE_ENTRIES);
        invalidatePage(pages.pageToWrite(page.number), held);
      }
      pack(0, undefined, new Uint8Array());
      for (const level of [1, 2] as const) {
        for (const page of pages.pages()) {
          const waiting = pendingIn(page, level);
          pack(level, waiting, populate(pages, await open.readPointers(level, waiting)));
        }
        pack(level, undefined, new Uint8Array());
      }
      for await (const inodes of open.roots()) for (const { topmost } of inodes) toPvbns(pages, topmost);
      vmap = pages.pages();
      // I1, by the source's own word.
      const held = await open.held(0, VMAP_PAGE_ENTRIES);
      const mapped = new Set(
        vmap.flatMap(({ entries }) => [...entries.keys()].filter((vvbn) => (entries[vvbn] ?? 0) > 0)),
      );
      for (let vvbn = 0; vvbn < VMAP_PAGE_ENTRIES; vvbn++) {
        expect(mapped.has(vvbn), `VVBN ${vvbn}`).toBe((((held[vvbn >>> 5] ?? 0) >>> (vvbn & 31)) & 1) === 1);
      }
      await open.close();
      return uploaded;
    }

    for (let block = 0; block < BLOCKS; block++) source.image.fill((block % 20) + 1, block * 4096, (block + 1) * 4096);
    source.snapshot('one');
    // 20 contents in 50 blocks; 13 L1, of which the pattern repeats after five; 4 L2.
    expect(await transfer('one', undefined)).toEqual([20, 6, 4]);
    source.snapshot('two');
    expect(await transfer('two', 'one')).toEqual([0, 0, 0]);
    source.drop('one');
    source.image.fill(99, 0, 4096);
    source.snapshot('three');
    expect(await transfer('three', 'two')).toEqual([1, 1, 1]);
    source.drop('two');
    // Block 1's old content is gone from every snapshot: its VVBN is given again, and must not pass for what it was.
    for (const block of [1, 21, 41]) source.image.fill(98, block * 4096, (block + 1) * 4096);
    source.snapshot('four');
    const [data] = await transfer('four', 'three');
    expect(data).toBe(1);
    source.drop('three');
    for (const block of [0, 1]) source.image.fill(97 - block, block * 4096, (block + 1) * 4096);
    source.snapshot('five');
    const again = await transfer('five', 'four');
    expect(again[0]).toBe(2);
    expect([...source.reads.values()].every((times) => times === 1)).toBe(true);
  });
});
