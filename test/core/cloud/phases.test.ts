import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_OBJECT_ID,
  type ObjectId,
  objectIdOf,
  pvbnOf,
  slotOf,
  slotsPerObject,
} from '../../../src/core/cloud/block-numbers.ts';
import { checkUploads } from '../../../src/core/cloud/check.ts';
import { deletionsAmong, sparedBy } from '../../../src/core/cloud/collection.ts';
import { fixUp } from '../../../src/core/cloud/fixup.ts';
import type { CollectEntry } from '../../../src/core/cloud/format/history-entry.ts';
import { manifestKey, objectIdPartKey, objectKey } from '../../../src/core/cloud/format/names.ts';
import { populate } from '../../../src/core/cloud/indirects.ts';
import { invalidatePage, needsInvalidation } from '../../../src/core/cloud/invalidation.ts';
import { L3Parts, partWithInode } from '../../../src/core/cloud/l3.ts';
import { addObjectIds, ObjectIdSet } from '../../../src/core/cloud/object-ids.ts';
import { Packer } from '../../../src/core/cloud/packing.ts';
import { FetchPlan } from '../../../src/core/cloud/restore-plan.ts';
import {
  claim,
  emptyPage,
  lookUp,
  pageOfEntries,
  pagesOf,
  pendingIn,
  setEntry,
  VmapWorkingSet,
} from '../../../src/core/cloud/vmap.ts';
import { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { sourceView, TestEndpoint } from './driver.ts';
import { restore } from './wafl-restore.ts';

const whole = () => new VmapWorkingSet([], { complete: true });
const vvbns = (...numbers: number[]) => Float64Array.from(numbers);
const id = (number: number) => number as ObjectId;

describe('block numbers', () => {
  it('survive as safe integers up to the last slot of the last object', () => {
    const last = pvbnOf(MAX_OBJECT_ID, 1023);
    expect(last).toBe(Number.MAX_SAFE_INTEGER);
    expect([objectIdOf(last), slotOf(last)]).toEqual([MAX_OBJECT_ID, 1023]);
  });

  it('an object has 1024 blocks of data, and never more than 4 MiB of pointers', () => {
    expect(slotsPerObject(4096)).toBe(1024);
    expect(slotsPerObject(8 * 1024)).toBe(512);
    expect(slotsPerObject(32)).toBe(1024);
  });
});

describe('the VMAP', () => {
  it('counts its entries, whatever is set (model: a map)', () => {
    const entry = fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.integer({ min: 1024, max: Number.MAX_SAFE_INTEGER }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4095), entry), { maxLength: 200 }), (sets) => {
        const page = emptyPage(0);
        const model = new Map<number, number>();
        for (const [offset, value] of sets) {
          setEntry(page, offset, value);
          value === 0 ? model.delete(offset) : model.set(offset, value);
        }
        expect(page.mapped).toBe(model.size);
        for (const level of [0, 1, 2] as const) {
          const waiting = [...model].filter(([, value]) => value === level + 1).map(([offset]) => offset);
          expect([...pendingIn(page, level)]).toEqual(waiting.sort((one, other) => one - other));
        }
        expect(pageOfEntries(0, page.entries)).toEqual(page);
      }),
      { seed: 3 },
    );
  });

  it('I3: a VVBN is claimed once, however many pointers lead to it', () => {
    const vmap = whole();
    expect([...claim(vmap, 0, vvbns(5, 0, 5, 9000, 5))]).toEqual([5, 9000]);
    expect([...claim(vmap, 0, vvbns(9000, 6))]).toEqual([6]);
    fixUp(vmap, { objectId: 3, level: 0, vvbns: vvbns(5, 9000) });
    expect([...claim(vmap, 0, vvbns(5, 9000))]).toEqual([]);
    expect([...lookUp(vmap, vvbns(9000, 0, 5, 6, 7))]).toEqual([3 * 1024 + 1, 0, 3 * 1024, 1, 0]);
    expect([...pagesOf(vvbns(9000, 0, 5, 4096, 6))]).toEqual([0, 1, 2]);
  });

  it('I7: changes go to copies, so an abandoned transfer leaves the pages as they were', () => {
    const page = emptyPage(0);
    setEntry(page, 5, 2048);
    const vmap = new VmapWorkingSet([page], { complete: true });
    claim(vmap, 0, vvbns(6));
    invalidatePage(vmap.pageToWrite(0), new Uint32Array(128));
    expect([page.mapped, page.entries[5], page.entries[6]]).toEqual([1, 2048, 0]);
    expect(vmap.written().map(({ number, mapped }) => [number, mapped])).toEqual([[0, 0]]);
    expect(vmap.pages()).toEqual([]);
  });

  it('a page that was not loaded is an error, never an empty page', () => {
    const vmap = new VmapWorkingSet();
    expect([...vmap.missing(Float64Array.of(1, 2))]).toEqual([1, 2]);
    vmap.admit(1, undefined);
    expect([...vmap.missing(Float64Array.of(1, 2))]).toEqual([2]);
    expect(vmap.page(1)).toBeUndefined();
    expect(() => claim(vmap, 0, vvbns(8192))).toThrow('page 2 was not loaded');
  });
});

describe('phase 1', () => {
  it('keeps what is held and nothing else (model: a filter)', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(4095)), fc.uniqueArray(fc.nat(4095)), (mapped, held) => {
        const page = emptyPage(0);
        for (const offset of mapped) setEntry(page, offset, 1024 + offset);
        const words = new Uint32Array(128).fill(0);
        for (const offset of held) words[offset >>> 5] = (words[offset >>> 5] ?? 0) | (1 << (offset & 31));
        const gone = mapped.filter((offset) => !held.includes(offset));
        expect(needsInvalidation(page, words)).toBe(gone.length > 0);
        expect(invalidatePage(page, words)).toBe(gone.length);
        for (const offset of mapped) expect(page.entries[offset]).toBe(held.includes(offset) ? 1024 + offset : 0);
        expect(page.mapped).toBe(mapped.length - gone.length);
      }),
      { seed: 2 },
    );
  });
});

describe('packing and fixup', () => {
  it('fills objects in order, whatever the batches, and every block gets the PVBN of its slot', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        (sizes, slots) => {
          const vmap = whole();
          let next = 40;
          const packer = new Packer(1, 8, () => id(next++), { slots });
          let vvbn = 100;
          const objects = [];
          for (const size of sizes) {
            const batch = Float64Array.from({ length: size }, () => vvbn++);
            claim(vmap, 1, batch);
            const blocks = new Uint8Array(size * 8);
            for (const [at, number] of batch.entries()) blocks.set([number % 256, number >>> 8], at * 8);
            objects.push(...packer.add(batch, blocks));
          }
          objects.push(...packer.flush());
          expect(packer.waiting).toBe(0);
          const total = vvbn - 100;
          expect(objects.length).toBe(Math.ceil(total / slots));
          for (const object of objects) fixUp(vmap, object);
          for (let number = 100; number < vvbn; number++) {
            const [pvbn = 0] = lookUp(vmap, vvbns(number));
            const object = objects.find(({ objectId }) => objectId === objectIdOf(pvbn));
            expect(object?.vvbns[slotOf(pvbn)]).toBe(number);
            expect([...(object?.blocks.slice(8 * slotOf(pvbn), 8 * slotOf(pvbn) + 2) ?? [])]).toEqual([
              number % 256,
              number >>> 8,
            ]);
          }
        },
      ),
      { seed: 1 },
    );
  });

  it('a block that does not wait at the level of the object is an error', () => {
    const vmap = whole();
    claim(vmap, 1, vvbns(7));
    const object = { objectId: 1, vvbns: vvbns(7) };
    expect(() => fixUp(vmap, { ...object, level: 0 })).toThrow('does not wait');
    fixUp(vmap, { ...object, level: 1 });
    expect(() => fixUp(vmap, { ...object, level: 1 })).toThrow('does not wait');
  });

  it('an indirect block cannot be stored before what it points at', () => {
    const vmap = whole();
    claim(vmap, 0, vvbns(7));
    expect(() => populate(vmap, vvbns(7, 0))).toThrow('no PVBN yet');
    expect(() => populate(vmap, vvbns(8))).toThrow('no PVBN yet');
    expect(() => addObjectIds(vmap.pageToWrite(0), new ObjectIdSet())).toThrow('waits for its PVBN');
  });
});

describe('the L3 file', () => {
  it('is cut into parts in which each inode is found again', () => {
    const inodes = Array.from({ length: 20 }, (_, at) => {
      return { number: 3 * at + 1, generation: 1, sizeBytes: 0, height: 0, topmost: new Float64Array(at % 4) } as const;
    });
    const maker = new L3Parts(150);
    const parts = [...maker.add(inodes.slice(0, 7)), ...maker.add(inodes.slice(7)), ...maker.flush()];
    expect(parts.flat()).toEqual(inodes);
    const facts = parts.map((part, at) => {
      const [firstInode = 0, lastInode = 0] = [part[0]?.number, part.at(-1)?.number];
      return { part: at, inodes: part.length, firstInode, lastInode, bytes: 0, digest: '' };
    });
    for (const { number } of inodes) {
      const part = partWithInode(facts, number)?.part ?? -1;
      expect(parts[part]?.some((inode) => inode.number === number)).toBe(true);
    }
    expect(partWithInode(facts, 0)).toBeUndefined();
    expect(partWithInode(facts, 1000)).toBeUndefined();
  });
});

describe('object ids', () => {
  it('are a set (model: a set), page by page', () => {
    const number = fc.oneof(fc.nat(70_000), fc.integer({ min: 2 ** 42, max: 2 ** 42 + 40_000 }));
    fc.assert(
      fc.property(fc.array(number), fc.array(number), (ones, others) => {
        const set = new ObjectIdSet();
        for (const one of ones) set.add(one);
        const other = new ObjectIdSet();
        for (const one of others) other.add(one);
        set.addAll(other);
        const model = [...new Set([...ones, ...others])].sort((one, two) => one - two);
        expect([...set]).toEqual(model);
        expect(set.size).toBe(model.length);
        expect([...new ObjectIdSet(set.pages())]).toEqual(model);
        for (const one of ones) expect(set.has(one)).toBe(true);
        expect(set.has(69_999)).toBe(model.includes(69_999));
      }),
      { seed: 8 },
    );
  });
});

describe('collection', () => {
  const entry: CollectEntry = { number: 9, previous: '', at: 0, kind: 'collect', floor: id(50), live: [id(20)] };

  it('I6: spares what live and held snapshots need, what is in flight, and what is of another making', () => {
    const bitmaps = new Map([
      [id(20), new ObjectIdSet()],
      [id(30), new ObjectIdSet()],
    ]);
    bitmaps.get(id(20))?.add(5);
    bitmaps.get(id(30))?.add(6);
    const kept = [
      objectKey(5),
      objectKey(6),
      objectKey(50),
      objectKey(51, 1),
      manifestKey(20),
      manifestKey(30),
      manifestKey(60),
      'notes',
    ];
    const dead = [objectKey(4), objectKey(49), objectIdPartKey(10, 0), manifestKey(10)];
    const listing = [...kept, manifestKey(10), ...dead.slice(0, 3)].map((key) => ({ key, bytes: 1 }));
    expect(deletionsAmong(listing, sparedBy(entry, bitmaps)).map(({ key }) => key)).toEqual([
      ...dead.slice(0, 3),
      // The last to go, so that what is left of a snapshot can be told.
      manifestKey(10),
    ]);
  });
});

describe('the restore plan', () => {
  it('I8: asks for a block once, and gives it the same number ever after', () => {
    const plan = new FetchPlan(whole());
    const first = plan.add(Float64Array.of(2049, 0, 1030, 2048, 1030));
    expect(first.fetches).toEqual([
      { objectId: 1, slots: Uint16Array.of(6), firstArrival: 0 },
      { objectId: 2, slots: Uint16Array.of(0, 1), firstArrival: 1 },
    ]);
    expect([...first.arrivals]).toEqual([2, -1, 0, 1, 0]);
    const second = plan.add(Float64Array.of(1030, 1031));
    expect(second.fetches).toEqual([{ objectId: 1, slots: Uint16Array.of(7), firstArrival: 3 }]);
    expect([...second.arrivals]).toEqual([0, 3]);
    expect(plan.arrivals).toBe(4);
  });
});

describe('I5: uploads follow the change, not the volume', () => {
  // 16 pointers in a block: a file of 2000 blocks has 125 L1 and 8 L2 blocks.
  const volume = new WaflVolume({ capacityBlocks: 20_000, pointersPerBlock: 16, rootPointers: 16 });
  const endpoint = new TestEndpoint(volume);
  const block = (seed: number) => new Uint8Array(4096).fill(seed).fill(seed >>> 8, 0, 9);
  let snapshots = 0;
  const back = () => {
    const name = `s${++snapshots}`;
    const base = volume.snapshots().at(-1);
    volume.createSnapshot(name, { uuid: name, createdAt: 0 });
    const result = endpoint.backup(name);
    const before = base && sourceView(volume.snapshotView(base.name));
    expect(checkUploads(result.uploads, before, sourceView(volume.snapshotView(name)))).toEqual([]);
    return { ...result, counts: result.uploads.map(({ length }) => length) };
  };
  volume.create('/big');
  for (let fbn = 0; fbn < 2000; fbn++) volume.write('/big', fbn * 4096, block(fbn + 1));
  const baseline = back();

  it('a baseline uploads each block once', () => {
    expect(baseline.counts).toEqual([2002, 125, 8]);
    expect(baseline.indirectBlocksRead).toBe(133);
  });

  it('an unchanged volume uploads no L0, L1 or L2 object, and reads no indirect block', () => {
    const result = back();
    expect(result.counts).toEqual([0, 0, 0]);
    expect(result.indirectBlocksRead).toBe(0);
  });

  it('n changed blocks of one file upload n L0 blocks and the indirect blocks above them, and read only those', () => {
    for (const fbn of [0, 1, 15, 16, 700, 1999]) volume.write('/big', fbn * 4096, block(5000 + fbn));
    const result = back();
    expect(result.counts).toEqual([6, 4, 3]);
    expect(result.indirectBlocksRead).toBe(7);
  });

  it('a file that grows into another level reuses what it had', () => {
    volume.create('/grows');
    for (let fbn = 0; fbn < 200; fbn++) volume.write('/grows', fbn * 4096, block(9000 + fbn));
    back();
    volume.write('/grows', 300 * 4096, block(1));
    const result = back();
    // The new block and the one with the inode's attributes.
    expect(result.counts[0]).toBe(2);
    expect(result.indirectBlocksRead).toBe((result.counts[1] ?? 0) + (result.counts[2] ?? 0));
    expect(result.indirectBlocksRead).toBeLessThanOrEqual(4);
  });

  it('I3: deduplicated blocks go once, and a file clone costs its indirect blocks only', () => {
    volume.cloneFile('/grows', '/clone');
    const result = back();
    // Inode attributes and directory entries are blocks too.
    expect(result.counts[0]).toBe(2);
    expect(result.counts[1]).toBe(14);
  });
});

describe('I9: a VVBN that was freed and given to other content', () => {
  const block = (seed: number) => new Uint8Array(4096).fill(seed);

  it('is uploaded again, and what is restored has the content of its time', () => {
    const volume = new WaflVolume({ capacityBlocks: 200, pointersPerBlock: 4, rootPointers: 4 });
    const endpoint = new TestEndpoint(volume);
    const back = (name: string) => {
      volume.createSnapshot(name, { uuid: name, createdAt: 0 });
      return endpoint.backup(name);
    };
    volume.create('/f');
    volume.write('/f', 0, block(1));
    const first = back('one').snapshot;
    const vvbn = volume.snapshotView('one').pointer('/f', 0);
    volume.write('/f', 0, block(2));
    back('two');
    volume.deleteSnapshot('one');
    volume.create('/g');
    volume.write('/g', 0, block(3));
    const third = back('three');
    expect(volume.snapshotView('three').pointer('/g', 0)).toBe(vvbn);
    expect(third.uploads[0]).toContain(vvbn);
    const content = (snapshot: typeof first, path: string) => restore(endpoint, snapshot).volume.read(path)[0];
    expect([content(first, '/f'), content(third.snapshot, '/f'), content(third.snapshot, '/g')]).toEqual([1, 2, 3]);
  });

  it('cannot be told from its former self once the base is gone, so the transfer is refused, and a baseline is offered', () => {
    const volume = new WaflVolume({ capacityBlocks: 200, pointersPerBlock: 4, rootPointers: 4 });
    const endpoint = new TestEndpoint(volume);
    volume.create('/f');
    volume.write('/f', 0, block(1));
    volume.createSnapshot('nightly', { uuid: 'one', createdAt: 0 });
    endpoint.backup('nightly');
    volume.deleteSnapshot('nightly');
    volume.write('/f', 0, block(2));
    volume.createSnapshot('nightly', { uuid: 'two', createdAt: 0 });
    const refused = expect.objectContaining({ code: 'CLOUD_BASE_GONE', remedy: 'Make a new baseline.' });
    expect(() => endpoint.backup('nightly')).toThrow(refused);
    endpoint.forget(
      endpoint.state.snapshots.map(({ id }) => id),
      'baseline',
    );
    const { snapshot } = endpoint.backup('nightly', { baseline: true });
    expect(restore(endpoint, snapshot).volume.read('/f')).toEqual(block(2));
  });
});
