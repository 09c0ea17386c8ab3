import { describe, expect, it } from 'vitest';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { portrait } from '../../core/cloud/wafl-restore.ts';
import { blocks, problemsOf, Rig, smallVolume } from './rig.ts';

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
