/** The shim against the simulated clusters: Cinder's shapes in and out, its error classes, and its defects that must not come back. */
import { describe, expect, it } from 'vitest';
import { CinderBackend, type CinderBackendOptions, CinderError, type CinderVolume } from '../../src/cinder/index.ts';
import type { OperationRecord } from '../../src/core/failover/journal-record.ts';
import { MemoryOperationJournal } from '../../src/state/memory-operation-journal.ts';
import { mirroredStage, sourceVolume, targetVolume, threeClusters } from '../run/failover/pair-stage.ts';
import { failure, HOUR, type Stage } from '../scenarios/harness.ts';

const VOLUMES: readonly CinderVolume[] = [
  { id: 'a1', host: 'node1@east#vol1', status: 'in-use' },
  { id: 'a2', host: 'node1@east#vol1', status: 'available' },
  { id: 'b1', host: 'node1@east#10.0.0.5:/vol2', status: 'available' },
];

const backend = ({ dataMotion }: Stage, options: Partial<CinderBackendOptions> = {}) =>
  new CinderBackend(dataMotion, { backend: 'east', ...options });
const updates = (...statuses: string[]) =>
  VOLUMES.map(({ id }, index) => ({ volume_id: id, updates: { replication_status: statuses[index] } }));
const two = { volumes: ['vol1', 'vol2'] } as const;

describe('a Cinder backend', () => {
  it('fails over after 36 hours without its source, and takes it in the shapes of Cinder (defects 1, 7, 15)', async () => {
    await using stage = await mirroredStage(two);
    stage.east.kill();
    await stage.wait(36 * HOUR);
    const east = backend(stage);
    expect(await east.failoverHost(VOLUMES, 'west')).toEqual([
      'west',
      updates('failed-over', 'failed-over', 'failed-over'),
      [],
    ]);
    expect(east.activeBackendId).toBe('west');
    expect(await east.replicationUpdates(VOLUMES)).toEqual(updates('failed-over', 'failed-over', 'failed-over'));
    // Called again, as a manager does after a crash between the call and its table.
    expect((await backend(stage).failover(VOLUMES))[0]).toBe('west');
  });

  it('goes back through "default" with the data of the target, and is not failed over any more (defects 5, 6)', async () => {
    await using stage = await mirroredStage(two);
    const east = backend(stage);
    await east.failoverHost(VOLUMES);
    targetVolume(stage, 'vol1').write('/while-away', 0, new Uint8Array(4096).fill(5));
    expect(await east.handleHousekeepingTasks()).toEqual([]);
    expect(await east.failoverHost(VOLUMES, 'default')).toEqual(['east', updates('enabled', 'enabled', 'enabled'), []]);
    expect(east.activeBackendId).toBeUndefined();
    expect(sourceVolume(stage, 'vol1').read('/while-away')[0]).toBe(5);
    const kept = await east.handleHousekeepingTasks();
    expect(kept.map(({ volume, target, ok }) => [volume, target, ok]).toSorted()).toEqual([
      ['vol1', 'west', true],
      ['vol2', 'west', true],
    ]);
  });

  it('does not go back over writes of the old primary that nobody accepted, and names them', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const east = backend(stage, { activeBackendId: '' });
    await east.failoverHost(VOLUMES.slice(0, 1));
    sourceVolume(stage, 'vol1').write('/late', 0, new Uint8Array(8192).fill(6));
    const refused = await failure(() => east.failover(VOLUMES.slice(0, 1), 'default'));
    expect(refused).toMatchObject({
      code: 'CINDER_UNABLE_TO_FAIL_OVER',
      exception: 'UnableToFailOver',
      message: expect.stringMatching(/What was written to vol1 at east after \S+ is discarded/),
    });
    const [loss] = refused.details['acknowledgements'] as { id: string }[];
    const told = backend(stage, { activeBackendId: 'west', acknowledgeFailback: [loss?.id ?? ''] });
    expect(await told.failover(VOLUMES.slice(0, 1), 'default')).toMatchObject(['east', [{ volume_id: 'a1' }], []]);
    expect(sourceVolume(stage, 'vol1').files()).not.toContain('/late');
  });

  it('says that nothing was switched where no volume came through: writers that would not stop', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const stopWriters = async () => {
      throw new Error('the instance is locked');
    };
    const east = backend(stage, { hooks: { stopWriters: async () => {} } });
    await east.failoverHost(VOLUMES);
    const stuck = backend(stage, { activeBackendId: 'west', hooks: { stopWriters } });
    expect(await failure(() => stuck.failoverHost(VOLUMES, 'default'))).toMatchObject({
      exception: 'UnableToFailOver',
      message: expect.stringMatching(/vol1: .*the instance is locked/),
    });
    expect(stuck.activeBackendId).toBe('west');
    expect(targetVolume(stage, 'vol1').type).toBe('rw');
  });

  it('calls the volumes of a pool without a copy `error`, and holds up no other (defects 16, 17, 21)', async () => {
    await using stage = await threeClusters({ volumes: ['vol1'] });
    const [svm = ''] = stage.east.svms;
    stage.write(stage.east.createVolume({ svm, name: 'vol2', sizeBytes: 100 * 2 ** 20 }));
    const [active, found] = await backend(stage).failover([...VOLUMES, { id: 'c1', host: 'node1@east' }], 'west');
    expect([active, found.map((one) => one.updates.replication_status)]).toEqual([
      'west',
      ['failed-over', 'failed-over', 'error', 'error'],
    ]);
  });

  it('answers with the exceptions of Cinder', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const exceptionOf = async (work: () => Promise<unknown>) => {
      const error = await failure(work);
      return error instanceof CinderError ? [error.exception, error.message] : error;
    };
    const [east, west] = [backend(stage), backend(stage, { backend: 'west' })];
    const before = stage.world.requests.length;
    expect(await exceptionOf(() => east.failover(VOLUMES, 'north'))).toEqual([
      'InvalidReplicationTarget',
      'north is no replication target of east; it has west',
    ]);
    expect(await exceptionOf(() => east.failover(VOLUMES, 'EAST'))).toEqual([
      'InvalidReplicationTarget',
      expect.stringMatching(/itself/),
    ]);
    expect(await exceptionOf(() => west.failover([]))).toEqual([
      'InvalidReplicationTarget',
      expect.stringMatching(/no replication target/),
    ]);
    expect(stage.world.requests).toHaveLength(before);
    expect(await exceptionOf(() => east.replicationUpdates([{ id: 'c1', host: 'node1@east' }]))).toEqual([
      'InvalidVolume',
      'volume c1 is on node1@east, which names no pool',
    ]);
    stage.west.kill();
    expect(await exceptionOf(() => east.failover(VOLUMES))).toEqual([
      'UnableToFailOver',
      expect.stringMatching(/west/),
    ]);
    stage.east.kill();
    expect(await exceptionOf(() => east.handleHousekeepingTasks())).toEqual([
      'NetAppDriverException',
      expect.stringMatching(/./),
    ]);
    const gone = new AbortController();
    gone.abort(new Error('the service stops'));
    expect(await failure(() => east.failover(VOLUMES, null, { signal: gone.signal }))).toMatchObject({
      code: 'ABORTED',
    });
  });

  it('reports its stats, checks its set-up, and knows where it was when it starts', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    expect(await backend(stage).getReplicationStats()).toEqual({
      replication_enabled: true,
      replication_count: 1,
      replication_targets: ['west'],
      replication_type: 'async',
    });
    expect(await backend(stage, { backend: 'west' }).getReplicationStats()).toEqual({ replication_enabled: false });
    await backend(stage).checkForSetupError();
    expect(backend(stage, { activeBackendId: 'west' }).activeBackendId).toBe('west');
    for (const own of ['default', 'east', '', null]) {
      const one = backend(stage, { activeBackendId: 'west' });
      one.failoverCompleted(own);
      expect(one.activeBackendId).toBeUndefined();
    }
    stage.west.kill();
    const error = await failure(() => backend(stage).checkForSetupError());
    expect(error).toMatchObject({ exception: 'NetAppDriverException', message: expect.stringMatching(/^west: /) });
  });

  it('keeps a journal, which says what a failover was told to lose', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    stage.east.kill();
    const journal = new MemoryOperationJournal();
    await backend(stage, { journal }).failover(VOLUMES);
    const kinds = (await journal.records()).map(({ kind }: OperationRecord) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['began', 'acknowledged', 'volume-ended', 'ended']));
  });
});
