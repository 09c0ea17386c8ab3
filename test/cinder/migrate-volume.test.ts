/** migrate_volume in Cinder's shapes, over the verb that test/run/transfer tests. */
import { describe, expect, it } from 'vitest';
import { CinderBackend, type CinderVolume } from '../../src/cinder/index.ts';
import { transferStage } from '../run/transfer/transfer-stage.ts';
import { failure } from '../scenarios/harness.ts';

const LUN: CinderVolume = { id: '1', host: 'node@east#vol1', name: 'lun', status: 'available' };
const FILE: CinderVolume = { id: '2', host: 'node@east#vol1', name: 'dir/file', status: 'available' };

describe('migrate_volume', () => {
  it('moves a LUN, and a file with its new place; a pool may be named by its junction', async () => {
    await using stage = await transferStage();
    const east = new CinderBackend(stage.dataMotion, { backend: 'east' });
    expect(await east.migrateVolume({ ...LUN, status: 'in-use' }, 'node@east#near')).toEqual([true, {}]);
    expect(stage.read('east:near/lun')).toBeDefined();
    const near = stage.volume('east:near');
    await stage.stage.raw(stage.east, 'PATCH', `/storage/volumes/${near.uuid}`, { 'nas.path': '/exports/near' });
    await expect.poll(() => near.junctionPath).toBe('/exports/near');
    const moved = await east.migrateVolume(FILE, 'node@east#10.0.0.5:/exports/near');
    expect(moved).toEqual([true, { provider_location: '10.0.0.5:/exports/near' }]);
    expect(stage.read('east:near/dir/file')).toEqual(stage.bytes);
    expect(await east.migrateVolume(LUN, LUN.host)).toEqual([true, {}]);
  });

  it('says where ONTAP cannot assist, and refuses in the words of Cinder', async () => {
    await using stage = await transferStage();
    const east = new CinderBackend(stage.dataMotion, { backend: 'east' });
    expect(await east.migrateVolume(FILE, 'node@west#far')).toEqual([false, {}]);
    const exceptionOf = async (volume: CinderVolume, host: string) =>
      (await failure(() => east.migrateVolume(volume, host))) as { exception?: string };
    await stage.peered(['lun_copy', 'file_copy']);
    expect(await exceptionOf({ ...LUN, status: 'in-use' }, 'node@south#other')).toMatchObject({
      exception: 'InvalidVolume',
    });
    expect(await exceptionOf(LUN, 'node@east')).toMatchObject({ exception: 'InvalidVolume' });
    expect(await exceptionOf(LUN, 'node@east#10.0.0.5:/nowhere')).toMatchObject({ exception: 'InvalidVolume' });
    expect(await exceptionOf({ ...LUN, name: 'nobody' }, 'node@east#near')).toMatchObject({
      exception: 'NetAppDriverException',
    });
    expect(stage.read('east:vol1/lun')).toBeDefined();
  });
});
