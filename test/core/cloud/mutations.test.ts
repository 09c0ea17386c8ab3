/**
 * Deliberate bugs, one in each rule that the invariants rest on. Every one has to be found by random histories: a check
 * that lets one of them pass would let a real one pass.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pvbnOf } from '../../../src/core/cloud/block-numbers.ts';
import type { InodeRoot } from '../../../src/core/cloud/inode-root.ts';
import type { ObjectIdSet } from '../../../src/core/cloud/object-ids.ts';
import {
  isActual,
  setEntry,
  UNMAPPED,
  VMAP_PAGE_ENTRIES,
  type Vmap,
  VmapWorkingSet,
} from '../../../src/core/cloud/vmap.ts';
import { Machine } from './machine.ts';
import { PHASES, type Phases } from './phases.ts';
import { history } from './steps.ts';

interface Mutation {
  readonly name: string;
  /** How the message begins by which it is found. */
  readonly found: RegExp;
  /** A new set of phases for each history: some bugs remember. */
  readonly phases: () => Partial<Phases>;
}

const uploadedOnce = () => new Set<number>();

const MUTATIONS: readonly Mutation[] = [
  { name: 'invalidation is skipped', found: /I1|I2|I3|INTERNAL/, phases: () => ({ invalidatePage: () => 0 }) },
  {
    name: 'invalidation overlooks the last VVBN of each word',
    found: /I1|I2|I3/,
    phases: () => ({
      invalidatePage: (page, held) =>
        PHASES.invalidatePage(
          page,
          held.map((word) => (word | 0x8000_0000) >>> 0),
        ),
    }),
  },
  {
    name: 'invalidation takes a block that is held',
    found: /I1|I3|I7/,
    phases: () => ({
      invalidatePage: (page, held) =>
        PHASES.invalidatePage(
          page,
          held.map((word) => (word & ~8) >>> 0),
        ),
    }),
  },
  {
    name: 'invalidation looks at the word after',
    found: /I1|I2|I3|has no PVBN/,
    phases: () => ({
      invalidatePage: (page, held) =>
        PHASES.invalidatePage(
          page,
          held.map((_, at) => held[at + 1] ?? 0),
        ),
    }),
  },
  {
    name: 'the scan skips a VVBN that was uploaded once before',
    found: /I1|I2|has no PVBN/,
    phases: () => {
      const ever = uploadedOnce();
      return {
        fixUp(vmap, object) {
          for (const vvbn of object.vvbns) ever.add(vvbn);
          PHASES.fixUp(vmap, object);
        },
        *scanChanged(vmap, inodes, pointers, before) {
          const seen = new Set<number>(ever);
          const strip = (list: Float64Array) => list.map((vvbn) => (seen.has(vvbn) ? 0 : vvbn));
          const steps = PHASES.scanChanged(vmap, inodes, pointers, before);
          for (let step = steps.next(); ; ) {
            if (step.done) return step.value;
            const given = yield step.value;
            step = steps.next(given && strip(given));
          }
        },
      };
    },
  },
  {
    name: 'the scan does not look below a changed L2',
    found: /I1|I2|has no PVBN/,
    phases: () => ({ scanChanged: answering((level, pointers) => (level === 2 ? pointers.fill(0) : pointers)) }),
  },
  {
    name: 'the scan overlooks the last pointer of an L1',
    found: /I1|I2|has no PVBN/,
    phases: () => ({
      scanChanged: answering((level, pointers) => pointers.map((vvbn, at) => (level === 1 && at % 4 === 3 ? 0 : vvbn))),
    }),
  },
  {
    name: 'the scan leaves out the metafiles',
    found: /I1|I2|has no PVBN/,
    phases: () => ({
      scanChanged: (vmap, inodes, pointers, before) =>
        PHASES.scanChanged(
          vmap,
          inodes.filter(({ number }) => number > 2),
          pointers,
          before,
        ),
    }),
  },
  {
    name: 'the scan leaves out inodes without indirect blocks',
    found: /I1|I2|has no PVBN/,
    phases: () => ({
      scanChanged: (vmap, inodes, pointers, before) =>
        PHASES.scanChanged(
          vmap,
          inodes.filter(({ height }) => height > 0),
          pointers,
          before,
        ),
    }),
  },
  {
    name: 'the scan claims what is in the VMAP already',
    found: /I3|I7/,
    phases: () => ({
      scanChanged: (vmap, inodes, pointers, before) => PHASES.scanChanged(forgetful(vmap), inodes, pointers, before),
    }),
  },
  {
    name: 'blocks of a level wait at another',
    found: /does not wait|has no PVBN|I1|I2/,
    phases: () => ({ pendingIn: (page, level) => PHASES.pendingIn(page, level === 1 ? 0 : level) }),
  },
  {
    name: 'L2 blocks are not packed',
    found: /has no PVBN|I1|I2/,
    phases: () => ({ pendingIn: (page, level) => (level === 2 ? new Float64Array() : PHASES.pendingIn(page, level)) }),
  },
  {
    name: 'fixup is off by one slot',
    found: /I2|I1|I4/,
    phases: () => ({
      fixUp(vmap, object) {
        PHASES.fixUp(vmap, object);
        move(vmap, object.vvbns, (slot) => pvbnOf(object.objectId, (slot + 1) % 4));
      },
    }),
  },
  {
    name: 'fixup gives the id of the object before',
    found: /I2|I4/,
    phases: () => ({
      fixUp(vmap, object) {
        PHASES.fixUp(vmap, object);
        move(vmap, object.vvbns, (slot) => pvbnOf(Math.max(1, object.objectId - 1), slot));
      },
    }),
  },
  {
    name: 'fixup leaves out the last block of an object',
    found: /has no PVBN|waits for its PVBN|I1/,
    phases: () => ({
      fixUp: (vmap, object) => PHASES.fixUp(vmap, { ...object, vvbns: object.vvbns.slice(0, -1) }),
    }),
  },
  {
    name: 'blocks are packed in another order than their VVBNs',
    found: /I2|I8/,
    phases: () => ({
      encodeObject: (object, ...rest) =>
        PHASES.encodeObject({ ...object, blocks: swapFirstTwo(object.blocks, object.slotBytes) }, ...rest),
    }),
  },
  {
    name: 'an object tells the VVBNs of its slots in another order',
    found: /I1|I2/,
    phases: () => ({
      encodeObject: (object, ...rest) => PHASES.encodeObject({ ...object, vvbns: object.vvbns.toReversed() }, ...rest),
    }),
  },
  {
    name: 'indirect blocks are stored with VVBNs',
    found: /I2/,
    phases: () => ({
      populate(_vmap, pointers) {
        const blocks = new Uint8Array(8 * pointers.length);
        const view = new DataView(blocks.buffer);
        pointers.forEach((vvbn, at) => {
          view.setUint32(8 * at, vvbn, true);
        });
        return blocks;
      },
    }),
  },
  {
    name: 'the last two pointers of an indirect block change places',
    found: /I8/,
    phases: () => ({
      populate(vmap, pointers) {
        const swapped = pointers.slice();
        for (let at = 0; at < swapped.length; at += 4) swapped.subarray(at + 2, at + 4).reverse();
        return PHASES.populate(vmap, swapped);
      },
    }),
  },
  {
    name: 'a hole of an indirect block is filled',
    found: /I8|I2|I4/,
    phases: () => ({
      populate: (vmap, pointers) =>
        PHASES.populate(
          vmap,
          pointers.map((vvbn, at) => (vvbn === 0 && at % 4 > 0 ? (pointers[at - 1] ?? 0) : vvbn)),
        ),
    }),
  },
  {
    name: 'L3 closes up the holes among the topmost blocks',
    found: /I8/,
    phases: () => ({
      populateInode(vmap, inode) {
        const mapped = PHASES.populateInode(vmap, inode).topmost.filter((pvbn) => pvbn !== 0);
        const topmost = new Float64Array(inode.topmost.length);
        topmost.set(mapped);
        return { ...inode, topmost };
      },
    }),
  },
  {
    name: 'L3 rounds sizes up to blocks',
    found: /I8/,
    phases: () => ({
      populateInode: (vmap, inode) => ({
        ...PHASES.populateInode(vmap, inode),
        sizeBytes: Math.ceil(inode.sizeBytes / 4096) * 4096,
      }),
    }),
  },
  {
    name: 'L3 has no metafiles',
    found: /I8|I4|I1/,
    phases: () => ({
      populateInode: (vmap, inode) => (inode.number < 3 ? withoutBlocks(inode) : PHASES.populateInode(vmap, inode)),
    }),
  },
  {
    name: 'the bitmap misses the objects of L1',
    found: /I4/,
    phases: () => {
      const indirect = new Set<number>();
      return {
        fixUp(vmap, object) {
          if (object.level > 0) indirect.add(object.objectId);
          PHASES.fixUp(vmap, object);
        },
        addObjectIds: (page, ids) => addIf(page.entries, ids, (id) => !indirect.has(id)),
      };
    },
  },
  {
    name: 'the bitmap has only what this transfer uploaded',
    found: /I4/,
    phases: () => {
      let newest = 0;
      return {
        scanChanged(...facts) {
          newest = Number.MAX_SAFE_INTEGER;
          return PHASES.scanChanged(...facts);
        },
        fixUp(vmap, object) {
          newest = Math.min(newest, object.objectId);
          PHASES.fixUp(vmap, object);
        },
        addObjectIds: (page, ids) => addIf(page.entries, ids, (id) => id >= newest),
      };
    },
  },
  {
    name: 'the bitmap names an object that nothing reaches',
    found: /I4/,
    phases: () => ({
      addObjectIds(page, ids) {
        PHASES.addObjectIds(page, ids);
        if (ids.size > 0) ids.add(Math.max(...ids) + 1);
      },
    }),
  },
  {
    name: 'the VMAP of an abandoned transfer is kept',
    found: /I1|I2/,
    phases: () => ({ vmapAfterAbandon: (_base, staged) => staged }),
  },
  { name: 'the VMAP stays the one of the base', found: /I1/, phases: () => ({ vmapAfterCommit: (base) => base }) },
  {
    name: 'what waited at a crash counts as uploaded',
    found: /I1|has no PVBN|does not wait|waits/,
    phases: () => ({ dropPending: () => 0 }),
  },
  {
    name: 'the base need not be held',
    found: /I9|I1|I2|I3/,
    phases: () => ({ baseIsHeld: () => true }),
  },
  {
    name: 'the base is known by its place, not by its uuid',
    found: /I9|I1|I2|I3/,
    phases: () => ({ baseIsHeld: (uuids) => uuids.length > 1 }),
  },
  {
    name: 'object ids are given again by the next take-over',
    found: /there already|CLOUD_CONFLICT|not those of its take-over|not one of this transfer/,
    phases: () => ({ objectIdRange: (owner) => PHASES.objectIdRange({ ...owner, firstObjectId: 1 as never }) }),
  },
  {
    name: 'a collection takes what is in flight',
    found: /cannot be|I2|not in the store/,
    phases: () => ({
      proposeCollect(state, at) {
        const proposal = PHASES.proposeCollect(state, at);
        const floor = state.owner?.endObjectId ?? proposal.ok;
        return proposal.ok ? { ok: true, entry: { ...proposal.entry, floor: floor as never } } : proposal;
      },
    }),
  },
  {
    name: 'a collection takes what is in flight, and the history lets it',
    found: /I2|not in the store/,
    phases: () => ({
      sparedBy: (entry, bitmaps) => ({ ...PHASES.sparedBy(entry, bitmaps), floor: Number.MAX_SAFE_INTEGER }),
    }),
  },
  {
    name: 'a collection spares only what the newest snapshot needs',
    found: /I2|not in the store/,
    phases: () => ({ snapshotsToSpare: (entry, held) => PHASES.snapshotsToSpare(entry, held).slice(-1) }),
  },
  {
    name: 'a collection forgets the newest snapshot',
    found: /I1|I2|not in the store/,
    phases: () => ({ snapshotsToSpare: (entry, held) => PHASES.snapshotsToSpare(entry, held).slice(0, -1) }),
  },
  {
    name: 'a collection does not see the restore under way',
    found: /not in the store/,
    phases: () => ({ snapshotsToSpare: (entry) => PHASES.snapshotsToSpare(entry) }),
  },
  { name: 'a collection deletes nothing', found: /I6/, phases: () => ({ deletionsAmong: () => [] }) },
  {
    name: 'a collection leaves the files of forgotten snapshots',
    found: /I6/,
    phases: () => ({
      deletionsAmong: (listing, spared) =>
        PHASES.deletionsAmong(
          listing.filter(({ key }) => key.startsWith('objects/')),
          spared,
        ),
    }),
  },
  {
    name: 'a collection leaves what a crash left',
    found: /I6/,
    phases: () => ({
      sparedBy: (entry, bitmaps) => ({ ...PHASES.sparedBy(entry, bitmaps), floor: Math.max(0, ...entry.live) }),
    }),
  },
  {
    name: 'the base may be forgotten like any other snapshot',
    found: /I6/,
    phases: () => ({
      proposeForget: (state, ids, _sequel, at) => PHASES.proposeForget(state, ids, 'baseline', at),
    }),
  },
  {
    name: 'a restore takes the wrong of two neighbouring slots',
    found: /I8|no block in slot|WAFL_CORRUPT|not WINO|not WDIR/,
    phases: () => ({
      fetchPlan: (...facts) => {
        const plan = PHASES.fetchPlan(...facts);
        const add = plan.add.bind(plan);
        plan.add = (pvbns) => {
          const { fetches, arrivals } = add(pvbns);
          return { fetches: fetches.map((fetch) => ({ ...fetch, slots: fetch.slots.toReversed() })), arrivals };
        };
        return plan;
      },
    }),
  },
  {
    name: 'a restore fetches shared blocks for each file that has them',
    found: /I8/,
    phases: () => ({
      fetchPlan: (...facts) => {
        const plan = PHASES.fetchPlan(...facts);
        let arrived = 0;
        plan.add = (pvbns) => {
          const one = PHASES.fetchPlan(new VmapWorkingSet([], { complete: true }));
          const { fetches, arrivals } = one.add(pvbns);
          const first = arrived;
          arrived += one.arrivals;
          return {
            fetches: fetches.map((fetch) => ({ ...fetch, firstArrival: fetch.firstArrival + first })),
            arrivals: arrivals.map((arrival) => (arrival < 0 ? arrival : arrival + first)),
          };
        };
        return plan;
      },
    }),
  },
  {
    name: 'a restore fills holes',
    found: /I8/,
    phases: () => ({
      *compareFile(base, wanted, pointers, range) {
        const steps = PHASES.compareFile(base, wanted, pointers, range);
        for (let step = steps.next(); ; ) {
          if (step.done) return;
          const given = yield step.value;
          step = steps.next(given?.map((pvbn, at) => (pvbn === 0 && wanted.number > 63 ? (given[at - 1] ?? 0) : pvbn)));
        }
      },
    }),
  },
  {
    name: 'an incremental restore does not make holes',
    found: /I8/,
    phases: () => ({
      *compareFile(base, wanted, pointers, range) {
        const steps = PHASES.compareFile(base, wanted, pointers, range);
        for (let step = steps.next(); ; ) {
          if (step.done) return;
          let { value } = step;
          if (value.step === 'blocks' && wanted.number > 63) {
            const { fbns, pvbns } = value;
            value = {
              ...value,
              fbns: fbns.filter((_, at) => pvbns[at] !== 0),
              pvbns: pvbns.filter((pvbn) => pvbn !== 0),
            };
          }
          step = steps.next(yield value);
        }
      },
    }),
  },
  {
    name: 'an incremental restore compares trees of different heights as if they were equal',
    found: /I8/,
    phases: () => ({
      compareFile: (base, wanted, pointers, range) =>
        PHASES.compareFile(base && base.height !== wanted.height ? wanted : base, wanted, pointers, range),
    }),
  },
  {
    name: 'an incremental restore keeps inodes that are gone',
    found: /I8|WAFL/,
    phases: () => ({
      *compareInodes(base, wanted) {
        const steps = PHASES.compareInodes(base, wanted);
        for (let step = steps.next(); ; ) {
          if (step.done) return;
          const { value } = step;
          step = value.step === 'inode' && value.after === undefined ? steps.next() : steps.next(yield value);
        }
      },
    }),
  },
];

describe('a deliberate bug is found by random histories', () => {
  it.each(MUTATIONS)('$name', { timeout: 60_000 }, ({ phases, found }) => {
    const result = fc.check(
      fc.property(history, (steps) => new Machine(phases()).play(steps)),
      { numRuns: 1500, seed: 4711, endOnFailure: true },
    );
    expect(result.failed, 'it went unnoticed').toBe(true);
    const { errorInstance } = result;
    const error = errorInstance as Error & { code?: string };
    expect(`${error.code ?? ''} ${error.message}`).toMatch(found);
  });
});

/** The scan, given other pointers than those that were read. */
function answering(change: (level: 1 | 2, pointers: Float64Array) => Float64Array): Phases['scanChanged'] {
  return function* (vmap, inodes, pointersPerBlock, before) {
    const steps = PHASES.scanChanged(vmap, inodes, pointersPerBlock, before);
    for (let step = steps.next(); ; ) {
      if (step.done) return step.value;
      const given = yield step.value;
      const level = step.value.step === 'read-pointers' ? step.value.level : 1;
      step = steps.next(given && change(level, given));
    }
  };
}

/** A VMAP that does not tell what was uploaded before. */
function forgetful(vmap: Vmap): Vmap {
  return {
    page(number) {
      const page = vmap.page(number);
      return page && { ...page, entries: page.entries.map((entry) => (isActual(entry) ? UNMAPPED : entry)) };
    },
    pageToWrite: (number) => vmap.pageToWrite(number),
  };
}

function move(vmap: Vmap, vvbns: Float64Array, pvbn: (slot: number) => number): void {
  vvbns.forEach((vvbn, slot) => {
    const page = vmap.pageToWrite(Math.floor(vvbn / VMAP_PAGE_ENTRIES));
    setEntry(page, vvbn % VMAP_PAGE_ENTRIES, pvbn(slot));
  });
}

function swapFirstTwo(blocks: Uint8Array, slotBytes: number): Uint8Array {
  if (blocks.length < 2 * slotBytes) return blocks;
  const swapped = blocks.slice();
  swapped.set(blocks.subarray(slotBytes, 2 * slotBytes), 0);
  swapped.set(blocks.subarray(0, slotBytes), slotBytes);
  return swapped;
}

function addIf(entries: Float64Array, ids: ObjectIdSet, wanted: (id: number) => boolean): void {
  for (const entry of entries) {
    const id = Math.floor(entry / 1024);
    if (id > 0 && wanted(id)) ids.add(id);
  }
}

function withoutBlocks(inode: InodeRoot): InodeRoot {
  return { ...inode, topmost: new Float64Array(inode.topmost.length) };
}
