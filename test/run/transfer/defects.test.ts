/** What Cinder's copies and migrations got wrong, by the numbers of rest-facts section 7, and the rules of assisted migration. */
import { describe, expect, it } from 'vitest';
import { failure, MINUTE } from '../../scenarios/harness.ts';
import { MIB, transferStage } from './transfer-stage.ts';

const FILE = { backend: 'east', pool: 'vol1', path: 'dir/file' };
const LUN = { backend: 'east', pool: 'vol1', path: 'lun' };
const SIXTEEN_KIB = { world: { transferRate: 16 * 1024 } };

describe('defect 11, copies of files', () => {
  it('name volumes, SVMs and paths within them, and outlast the minute that jobs are otherwise given', async () => {
    await using stage = await transferStage({ world: { transferRate: 200 } });
    let body: unknown;
    stage.stage.intercept = async (request, send) => {
      if (request.url.includes('/storage/file/copy')) body = await request.clone().json();
      return send(request);
    };
    const result = await stage.transfer('east:vol1/dir/file', 'south:other/new');
    expect(result.durationMs).toBeGreaterThan(3 * MINUTE);
    expect(body).toEqual({
      files_to_copy: [
        {
          source: { svm: { name: 'svm1' }, volume: { name: 'vol1' }, path: 'dir/file' },
          destination: { svm: { name: 'svm2' }, volume: { name: 'other' }, path: expect.stringMatching(/^\.new\./) },
        },
      ],
    });
    expect(stage.read('south:other/new')).toEqual(stage.bytes);
  });
});

describe('defect 12, copies of LUNs to another SVM', () => {
  it('name the peer, so that it is not a LUN of the same name over there that is copied', async () => {
    await using stage = await transferStage();
    stage.stage.world.cluster('cluster1').createVolume({ svm: 'svm2', name: 'vol1', sizeBytes: 10 * MIB });
    const decoy = { 'svm.name': 'svm2', name: '/vol/vol1/lun', os_type: 'linux', 'space.size': MIB };
    await stage.stage.raw(stage.east, 'POST', '/storage/luns', decoy);
    const before = stage.hash('east:vol1/lun');
    expect(await stage.transfer('east:vol1/lun', 'south:other/new')).toMatchObject({ strategy: 'lun-copy' });
    expect(stage.hash('south:other/new')).toEqual(before);
  });

  it('are watched and removed where they are made: in the SVM of the destination', async () => {
    await using stage = await transferStage(SIXTEEN_KIB);
    const caller = new AbortController();
    const call = stage.dataMotion.transfer(
      { from: 'east:vol1/lun', to: 'south:other/new' },
      { signal: caller.signal, onProgress: ({ transferredBytes = 0 }) => transferredBytes > 0 && caller.abort() },
    );
    expect(await failure(() => call)).toMatchObject({ code: 'ABORTED' });
    expect(stage.volume('south:other').files()).toEqual([]);
  });
});

describe('defect 13, copies and moves that ONTAP ends by itself', () => {
  it('are told at once, with ONTAP’s reason, instead of being waited for', async () => {
    for (const move of [false, true]) {
      await using stage = await transferStage(SIXTEEN_KIB);
      const [method, path] = move ? ['PATCH', '/storage/luns/*'] : ['POST', '/storage/luns'];
      stage.east.addFault({ kind: 'transfer-fails', method, path, message: 'no luck' });
      const startedAt = stage.stage.clock.now();
      const error = await failure(() => stage.transfer('east:vol1/lun', 'east:near/new', { move }));
      expect(error).toMatchObject({
        code: 'TRANSFER_COPY_FAILED',
        details: { state: 'failed', ontapMessage: 'no luck' },
      });
      expect(stage.stage.clock.now() - startedAt).toBeLessThan(2 * MINUTE);
      expect(stage.parts('east:near')).toEqual([]);
    }
  });
});

describe('defect 14, peering of SVMs before a copy', () => {
  it('is proposed with SVM and cluster, extended by what is missing, and waited for', async () => {
    await using stage = await transferStage();
    await stage.peered(['snapmirror']);
    const result = await stage.transfer('east:vol1/dir/file', 'south:other/new');
    expect(result).toMatchObject({ strategy: 'file-copy', actions: ['peer-svms', 'copy', 'rename'] });
    const [peer] = await stage.stage.read(stage.east, '/svm/peers?svm.name=svm2&fields=*');
    expect(peer).toMatchObject({ state: 'peered', applications: ['snapmirror', 'file_copy'] });
  });
});

describe('defect 38, copies of files whose job cannot be found or is given up', () => {
  it('are settled by looking when the record of the job was purged', async () => {
    await using stage = await transferStage();
    stage.east.addFault({ kind: 'job-vanishes', method: 'POST', path: '/storage/file/copy' });
    expect(await stage.transfer('east:vol1/dir/file', 'east:near/new')).toMatchObject({ strategy: 'file-copy' });
    expect(stage.read('east:near/new')).toEqual(stage.bytes);
  });

  it('are cancelled as jobs, and nothing is left', async () => {
    await using stage = await transferStage(SIXTEEN_KIB);
    const caller = new AbortController();
    const call = stage.dataMotion.transfer(
      { from: 'east:vol1/dir/file', to: 'east:near/new' },
      { signal: caller.signal, onProgress: ({ step }) => step === 'copy' && setTimeout(() => caller.abort()) },
    );
    expect(await failure(() => call)).toMatchObject({ code: 'ABORTED' });
    const cancelled = stage.stage.changes.filter(({ path, query }) => /cluster\/jobs/.test(`${path}?${query}`));
    expect(cancelled).toHaveLength(1);
    await stage.stage.wait(10 * MINUTE);
    expect(stage.volume('east:near').files()).toEqual([]);
  });
});

describe('defect 39, paths', () => {
  it('are of volumes by their names; a junction path in front is refused with a remedy', async () => {
    await using stage = await transferStage();
    const error = await failure(() => stage.dataMotion.transfer({ from: 'east:vol1/dir/file', to: 'east:/near/new' }));
    expect(error).toMatchObject({ code: 'TRANSFER_ENDPOINT_INVALID' });
    const place = { kind: 'ontap', backend: 'east', volume: '/near', path: 'new' } as const;
    const missing = await failure(() => stage.dataMotion.transfer({ from: 'east:vol1/dir/file', to: place }));
    expect(missing).toMatchObject({ code: 'TRANSFER_PLACE_NOT_FOUND', remedy: expect.stringContaining('junction') });
  });
});

describe('migrateVolume', () => {
  it('leaves a volume that is in that pool already', async () => {
    await using stage = await transferStage();
    const to = { backend: 'east', pool: 'vol1' };
    const before = stage.stage.world.requests.length;
    expect(await stage.dataMotion.migrateVolume({ source: LUN, destination: to })).toEqual({
      migrated: true,
      updates: {},
    });
    expect(stage.stage.world.requests).toHaveLength(before);
  });

  it('moves a LUN within the SVM while it is attached, and a file when nobody uses it', async () => {
    await using stage = await transferStage();
    const near = { backend: 'east', pool: 'near' };
    const before = stage.hash('east:vol1/lun');
    const lun = await stage.dataMotion.migrateVolume({ source: LUN, destination: near }, { available: false });
    expect(lun).toMatchObject({ migrated: true, updates: {}, transfer: { strategy: 'lun-move' } });
    expect(stage.hash('east:near/lun')).toEqual(before);
    const used = await stage.dataMotion.migrateVolume({ source: FILE, destination: near }, { available: false });
    expect(used).toMatchObject({ migrated: false, why: expect.stringContaining('in use') });
    expect(stage.read('east:vol1/dir/file')).toEqual(stage.bytes);
    const file = await stage.dataMotion.migrateVolume({ source: FILE, destination: near });
    expect(file).toMatchObject({ migrated: true, updates: { providerLocation: 'near' } });
    expect([stage.read('east:near/dir/file'), stage.read('east:vol1/dir/file')]).toEqual([stage.bytes, undefined]);
  });

  it('copies to another SVM of the cluster what is detached, and refuses a LUN that is not', async () => {
    await using stage = await transferStage();
    const other = { backend: 'south', pool: 'other' };
    const before = stage.hash('east:vol1/lun');
    const attached = stage.dataMotion.migrateVolume({ source: LUN, destination: other }, { available: false });
    expect(await failure(() => attached)).toMatchObject({ code: 'TRANSFER_SOURCE_IN_USE' });
    const moved = await stage.dataMotion.migrateVolume({ source: LUN, destination: other });
    expect(moved).toMatchObject({ migrated: true, updates: {}, transfer: { strategy: 'lun-copy' } });
    expect([stage.hash('south:other/lun'), stage.hash('east:vol1/lun')]).toEqual([before, undefined]);
  });

  it('does not assist to another cluster, and changes nothing', async () => {
    await using stage = await transferStage();
    const far = { backend: 'west', pool: 'far' };
    const before = stage.stage.changes.length;
    const answer = await stage.dataMotion.migrateVolume({ source: FILE, destination: far });
    expect(answer).toMatchObject({ migrated: false, why: expect.stringContaining('another cluster') });
    expect(stage.stage.changes).toHaveLength(before);
  });

  it('that runs out of time says so and reports no new place (defect 40); called again it waits on', async () => {
    await using stage = await transferStage({
      world: { transferRate: 1024 },
      east: { migrateVolumeTimeoutSeconds: 30 },
    });
    const migration = { source: LUN, destination: { backend: 'east', pool: 'near' } };
    const before = stage.hash('east:vol1/lun');
    const error = await failure(() => stage.dataMotion.migrateVolume(migration));
    expect(error).toMatchObject({
      code: 'TRANSFER_TIMEOUT',
      retryable: true,
      left: expect.stringContaining('goes on'),
    });
    await stage.stage.wait(30 * MINUTE);
    expect(await stage.dataMotion.migrateVolume(migration)).toMatchObject({ migrated: true });
    expect(stage.hash('east:near/lun')).toEqual(before);
  });
});
