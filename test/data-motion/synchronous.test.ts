import { describe, expect, it } from 'vitest';
import { MirrorError } from '../../src/errors.ts';
import { FRONTS, failure, MIB, Stage } from '../scenarios/harness.ts';

describe.each(FRONTS)('a synchronous mirror, %s', (front) => {
  it('follows every write, pauses, resumes, breaks, resyncs and goes', async () => {
    await using stage = await Stage.open({ front, east: { policy: 'StrictSync' } });
    const { dataMotion, pair, source } = stage;
    const created = await dataMotion.createSnapmirror(pair, { waitForBaseline: true });
    expect(created).toMatchObject({ relationship: { state: 'in_sync', policy: { name: 'StrictSync', kind: 'sync' } } });
    expect(created.relationship?.transferSchedule).toBeUndefined();
    stage.write(source);
    expect(stage.copy.digest()).toBe(source.digest());
    const updated = await dataMotion.updateSnapmirror(pair, { wait: true });
    expect(updated).toMatchObject({ actions: [], note: 'a synchronous mirror replicates by itself' });

    expect((await dataMotion.quiesceThenAbort(pair)).relationship?.state).toBe('paused');
    const quiesced = stage.copy.digest();
    stage.write(source);
    expect(stage.copy.digest()).toBe(quiesced);
    expect((await dataMotion.resumeSnapmirror(pair)).relationship?.state).toBe('in_sync');
    expect(stage.copy.digest()).toBe(source.digest());

    stage.write(source);
    const broken = await dataMotion.breakSnapmirror(pair);
    expect(broken).toMatchObject({ actions: ['pause', 'break', 'mount'], relationship: { state: 'broken_off' } });
    expect(stage.copy.digest()).toBe(source.digest());
    stage.write(stage.copy, 8);
    await dataMotion.resyncSnapmirror(pair, { wait: true });
    expect(stage.copy.digest()).toBe(source.digest());
    expect((await dataMotion.deleteSnapmirror(pair)).release.state).toBe('released');
    expect(await stage.remains()).toMatchObject({ relationships: [] });
  });

  it('breaks with the source dead, though ONTAP cannot pause it then', async () => {
    await using stage = await Stage.open({ front, east: { policy: 'Sync' } });
    await stage.mirrored();
    stage.write(stage.source);
    const replicated = stage.copy.digest();
    stage.east.kill();
    const [status] = await stage.dataMotion.getSnapmirrors({ source: 'east', target: 'west' });
    expect(status).toMatchObject({ state: 'out_of_sync', protection: 'unhealthy' });
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(broken).toMatchObject({ relationship: { state: 'broken_off' }, mount: { mounted: true } });
    expect(stage.copy.digest()).toBe(replicated);
  });
});

describe('a mirror that fails over by itself', () => {
  it.each([
    ['quiesceThenAbort', 'cannot be paused'],
    ['breakSnapmirror', 'cannot be broken off'],
  ] as const)('%s is refused, and changes nothing', async (verb, says) => {
    await using stage = await Stage.open();
    stage.west.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB, type: 'dp' });
    await stage.raw(stage.west, 'POST', '/snapmirror/relationships', {
      source: { path: 'svm1:vol1' },
      destination: { path: 'svm1_dr:vol1' },
      policy: { name: 'AutomatedFailOverDuplex' },
    });
    const { uuid } = await stage.record();
    await stage.raw(stage.west, 'PATCH', `/snapmirror/relationships/${uuid}`, { state: 'in_sync' });
    await stage.wait(20_000);
    const changes = stage.changes.length;
    const error = await failure(() => stage.dataMotion[verb](stage.pair));
    expect(error).toBeInstanceOf(MirrorError);
    expect(error).toMatchObject({
      code: 'MIRROR_ILLEGAL_EVENT',
      state: 'in_sync',
      remedy: expect.stringContaining('fail over'),
    });
    expect(error.message).toContain(says);
    expect(stage.changes).toHaveLength(changes);
    const [status] = await stage.dataMotion.getSnapmirrors({ source: 'east', target: 'west' });
    expect(status?.policy?.kind).toBe('automated_failover');
  });
});
