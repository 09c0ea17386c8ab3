/** The contract itself: a source with one fault is found by it. */
import { describe, expect, it } from 'vitest';
import { WaflVolume } from '../../src/core/wafl/volume.ts';
import type { OpenSnapshot, SnapshotSource } from '../../src/snapshot-source/snapshot-source.ts';
import { WaflSnapshotSource } from '../../src/snapshot-source/wafl-snapshot-source.ts';
import { type SnapshotSourceSubject, snapshotSourceContract } from '../../src/testing/snapshot-source-contract.ts';

const FAULTS: Readonly<Record<string, (open: OpenSnapshot, source: SnapshotSource) => Partial<OpenSnapshot>>> = {
  'gives blocks in another order': (open) => ({
    readBlocks: (vvbns, options) => open.readBlocks(vvbns.toSorted(), options),
  }),
  'gives too few blocks': (open) => ({
    readBlocks: async (vvbns, options) => (await open.readBlocks(vvbns, options)).slice(4096),
  }),
  'does not hold indirect blocks': (open) => ({
    held: (first, count, options) => open.held(first, count, { level: 0, ...options }),
  }),
  'holds a block too few': (open) => ({
    async held(...range) {
      return (await open.held(...range)).map((word) => word & (word - 1));
    },
  }),
  'overlooks a changed inode': (open) => ({
    async *changedRoots(base, options) {
      for await (const batch of open.changedRoots(base, options)) yield batch.slice(0, -1);
    },
  }),
  'takes any base': (open) => ({ changedRoots: (_, options) => open.changedRoots(undefined, options) }),
  'gives inodes in descending order': (open) => ({
    async *roots(options) {
      for await (const batch of open.roots(options)) yield batch.toReversed();
    },
  }),
  'leaves out the metafiles': (open) => ({
    async *roots(options) {
      for await (const batch of open.roots(options)) yield batch.filter(({ number }) => number > 2);
    },
  }),
  'gives a new VVBN to unchanged blocks': (open) => {
    const shift = 1000 * (1 + Number(open.snapshot.uuid.slice(-1)));
    return {
      async readPointers(level, vvbns, options) {
        return (
          await open.readPointers(
            level,
            vvbns.map((vvbn) => vvbn % 1000),
            options,
          )
        ).map((vvbn) => vvbn && vvbn + shift);
      },
    };
  },
  'takes no notice of a signal': (open) => ({
    readBlocks: (vvbns) => open.readBlocks(vvbns),
    held: (first, count, { level } = {}) => open.held(first, count, { level }),
  }),
  'cannot be closed': (open) => ({ close: async () => {}, snapshot: open.snapshot }),
};

describe('the contract of snapshot sources', () => {
  for (const [fault, faulty] of Object.entries(FAULTS)) {
    it(`finds a source that ${fault}`, async () => {
      const failed: string[] = [];
      for (const { name, run } of snapshotSourceContract) await run(subject(faulty)).catch(() => failed.push(name));
      expect(failed).not.toEqual([]);
      expect(failed.length).toBeLessThan(snapshotSourceContract.length);
    });
  }
});

function subject(faulty: (open: OpenSnapshot, source: SnapshotSource) => Partial<OpenSnapshot>): SnapshotSourceSubject {
  const volume = new WaflVolume({ capacityBlocks: 900, pointersPerBlock: 4, rootPointers: 4 });
  const sound = new WaflSnapshotSource(volume, 'volume-1');
  const source: SnapshotSource = {
    facts: (options) => sound.facts(options),
    snapshots: (options) => sound.snapshots(options),
    async open(uuid, options) {
      const open = await sound.open(uuid, options);
      const parts: OpenSnapshot = {
        snapshot: open.snapshot,
        changedRoots: (...facts) => open.changedRoots(...facts),
        readPointers: (...facts) => open.readPointers(...facts),
        readBlocks: (...facts) => open.readBlocks(...facts),
        roots: (...facts) => open.roots(...facts),
        held: (...facts) => open.held(...facts),
        close: () => open.close(),
      };
      return { ...parts, ...faulty(open, sound) };
    },
  };
  let snapshots = 0;
  return {
    source,
    inode: volume.create('/disk'),
    blocks: 50,
    async write(block, byte) {
      volume.write('/disk', block * 4096, new Uint8Array(4096).fill(byte));
    },
    async snapshot() {
      const name = `s${++snapshots}`;
      return volume.createSnapshot(name, { uuid: `uuid-${name}`, createdAt: snapshots }).uuid;
    },
    async drop(uuid) {
      const found = volume.snapshots().find((snapshot) => snapshot.uuid === uuid);
      if (found !== undefined) volume.deleteSnapshot(found.name);
    },
  };
}
