import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { portrait } from '../../core/cloud/wafl-restore.ts';
import { blocks, look, problemsOf, Rig, smallVolume } from './rig.ts';

describe('a backup', () => {
  it('comes back as it was', async () => {
    const rig = new Rig();
    rig.volume.create('/a');
    rig.volume.write('/a', 0, blocks(1, 2, 3, 1, 5, 6, 7, 8, 9, 10, 11));
    rig.volume.create('/b');
    rig.volume.write('/b', 8 * 4096, blocks(1, 2));
    rig.volume.dedupe();
    const name = rig.snapshot();
    const result = await rig.backup();
    expect(result.outcome).toBe('baseline');
    expect(await problemsOf(rig.store, rig.state, rig.volume)).toEqual([]);
    const target = smallVolume(400);
    await rig.endpoint.restore({ target: new WaflRestoreTarget(target) });
    expect(portrait(target.snapshotView(name))).toEqual(portrait(rig.volume.snapshotView(name)));
  });
});

describe('a commit whose second half was cut off', () => {
  /** The process dies with the commit entry in the store and the state behind it. */
  async function cutOff(): Promise<Rig> {
    const store = new MemoryObjectStore();
    const dying = new FaultyObjectStore(store);
    const rig = new Rig({ store: dying });
    rig.volume.create('/a');
    rig.volume.write('/a', 0, blocks(1, 2, 3, 4, 5, 6));
    rig.snapshot('s1');
    dying.addFault({ kind: 'fails', when: 'after', code: 'OBJECT_STORE_DENIED', method: 'put', key: /history\/0+2$/ });
    await expect(rig.backup()).rejects.toMatchObject({ code: 'OBJECT_STORE_DENIED' });
    expect((await look(store)).history.snapshots).toHaveLength(1);
    return new Rig({ store, volume: rig.volume, state: rig.state });
  }

  it('is completed by the next run, whatever that is for', async () => {
    const rig = await cutOff();
    expect(await rig.endpoint.interrupted({ state: rig.state })).toBeUndefined();
    expect(await rig.backup({ snapshot: 's1' })).toMatchObject({ outcome: 'already-there' });
    rig.snapshot('s2');
    expect(await rig.backup()).toMatchObject({ outcome: 'incremental', uploads: { objects: 0 } });
    expect(await problemsOf(rig.store, rig.state, rig.volume)).toEqual([]);
  });

  it('is never taken for an interrupted transfer, once its snapshot was forgotten and collected', async () => {
    const rig = await cutOff();
    await rig.endpoint.forget({ snapshots: ['s1'], sequel: 'baseline' });
    await rig.endpoint.collect();
    expect(await rig.endpoint.interrupted({ state: rig.state })).toBeUndefined();
    expect(await rig.backup({ snapshot: 's1' })).toMatchObject({ outcome: 'baseline', resumed: false });
    expect(await problemsOf(rig.store, rig.state, rig.volume)).toEqual([]);
  });
});
