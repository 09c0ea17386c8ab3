import { describe, expect, it } from 'vitest';
import { WaflVolume } from '../../src/core/wafl/volume.ts';
import { WaflSnapshotSource } from '../../src/snapshot-source/wafl-snapshot-source.ts';
import { type SnapshotSourceSubject, snapshotSourceContract } from '../../src/testing/snapshot-source-contract.ts';

const BLOCKS = 50;

function subject(): SnapshotSourceSubject {
  const volume = new WaflVolume({ capacityBlocks: 1000, pointersPerBlock: 4, rootPointers: 4 });
  let snapshots = 0;
  return {
    source: new WaflSnapshotSource(volume, 'volume-1'),
    inode: volume.create('/disk'),
    blocks: BLOCKS,
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

describe('a volume model as snapshot source', () => {
  for (const { name, run } of snapshotSourceContract) it(name, () => run(subject()));

  it('I9: a snapshot made anew under the name of the base is not the base', async () => {
    const volume = new WaflVolume({ capacityBlocks: 100 });
    const source = new WaflSnapshotSource(volume, 'volume-1');
    volume.createSnapshot('nightly', { uuid: 'one', createdAt: 1 });
    volume.deleteSnapshot('nightly');
    volume.createSnapshot('nightly', { uuid: 'two', createdAt: 2 });
    const open = await source.open('two');
    const scan = async () => {
      for await (const _ of open.changedRoots('one'));
    };
    await expect(scan()).rejects.toMatchObject({
      code: 'CLOUD_BASE_GONE',
      remedy: expect.stringContaining('new baseline'),
    });
  });

  it('an open snapshot that was dropped is an error, even where its blocks have other content by now', async () => {
    const volume = new WaflVolume({ capacityBlocks: 20 });
    const source = new WaflSnapshotSource(volume, 'volume-1');
    volume.create('/f');
    volume.write('/f', 0, new Uint8Array(4096).fill(1));
    volume.createSnapshot('s', { uuid: 's', createdAt: 1 });
    const open = await source.open('s');
    volume.deleteSnapshot('s');
    await expect(open.readBlocks(Float64Array.of(1))).rejects.toMatchObject({ code: 'CLOUD_SOURCE_CHANGED' });
    await expect(open.held(0, 32)).rejects.toMatchObject({ code: 'CLOUD_SOURCE_CHANGED' });
  });
});
