/** LUNs, namespaces and files that the simulated storage clones, copies and moves itself, driven with plain requests. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SimulatedVolume } from '../../src/testing/index.ts';
import { call, type Json, MIB, Scene } from './raw-client.ts';

const LUN = '/vol/vol1/lun1';

/** A scene with a LUN of 8 MiB, some of it written and most of it not, and two more volumes. */
async function withLun(): Promise<{ scene: Scene; uuid: string; vol2: SimulatedVolume; vol3: SimulatedVolume }> {
  const scene = new Scene({ transferRate: MIB });
  const vol2 = scene.source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
  const vol3 = scene.source.createVolume({ svm: 'svm2', name: 'vol3', sizeBytes: 100 * MIB });
  const body = { 'svm.name': 'svm1', name: LUN, os_type: 'linux', 'space.size': 8 * MIB };
  const { records } = await scene.ok(scene.source, 'POST', '/storage/luns?return_records=true', body);
  scene.volume.write('/lun1', 3 * MIB, new Uint8Array(10_000).fill(7));
  return { scene, uuid: records[0].uuid, vol2, vol3 };
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const lun = async (scene: Scene, name: string): Promise<Json> => {
  const query = `/storage/luns?name=${encodeURIComponent(name)}&fields=**`;
  return (await scene.ok(scene.source, 'GET', query)).records[0];
};

async function peered(scene: Scene, applications: readonly string[]): Promise<void> {
  const peer = { svm: { name: 'svm1' }, cluster: { name: 'cluster1' } };
  await scene.ok(scene.source, 'POST', '/svm/peers', { svm: { name: 'svm2' }, peer, applications });
}

describe('a LUN', () => {
  it('is a file in its volume, with a size, a serial number and what it takes', async () => {
    const { scene } = await withLun();
    expect(await lun(scene, LUN)).toMatchObject({
      location: { logical_unit: 'lun1', volume: { name: 'vol1' } },
      space: { size: 8 * MIB, used: 3 * 4096 },
      status: { state: 'online', mapped: false },
      serial_number: expect.stringMatching(/^\w{12}$/),
    });
  });

  it('is cloned within its volume, also out of a snapshot, and the clone takes no room', async () => {
    const { scene } = await withLun();
    scene.volume.createSnapshot('before');
    scene.volume.write('/lun1', 3 * MIB, new Uint8Array(10_000).fill(8));
    const used = scene.volume.usedBytes();
    const clone = (name: string, source: string) =>
      scene.ok(scene.source, 'POST', '/storage/luns', { 'svm.name': 'svm1', name, 'clone.source.name': source });
    await clone('/vol/vol1/now', LUN);
    expect(scene.volume.usedBytes() - used).toBeLessThan(5 * 4096);
    await clone('/vol/vol1/then', '/vol/vol1/.snapshot/before/lun1');
    expect(sha(scene.volume.read('/now'))).toBe(sha(scene.volume.read('/lun1')));
    expect(scene.volume.read('/then', 3 * MIB, 10_000)).toEqual(new Uint8Array(10_000).fill(7));
    expect(await lun(scene, '/vol/vol1/then')).toMatchObject({
      clone: { created_as_clone: true },
      space: { size: 8 * MIB },
    });
  });

  it('is copied to another volume, can be paused, and says how far it is', async () => {
    const { scene, vol2 } = await withLun();
    const name = '/vol/vol2/copy';
    await scene.ok(scene.source, 'POST', '/storage/luns', { 'svm.name': 'svm1', name, 'copy.source.name': LUN });
    const progress = async () => (await lun(scene, name)).copy.source.progress;
    expect(await progress()).toMatchObject({ state: 'preparing', percent_complete: 0 });
    await scene.clock.sleep(4500);
    expect(await progress()).toMatchObject({ state: 'replicating', percent_complete: 50 });
    const { uuid } = await lun(scene, name);
    const paused = { 'copy.source.progress.state': 'paused' };
    await scene.ok(scene.source, 'PATCH', `/storage/luns/${uuid}`, paused);
    await scene.clock.sleep(60_000);
    expect(await progress()).toMatchObject({ state: 'paused', percent_complete: 50 });
    await scene.ok(scene.source, 'PATCH', `/storage/luns/${uuid}`, { 'copy.source.progress.state': 'replicating' });
    await scene.clock.sleep(3999);
    expect(await progress()).toMatchObject({ state: 'replicating' });
    await scene.clock.sleep(1);
    expect(await progress()).toMatchObject({ state: 'complete', percent_complete: 100 });
    expect(sha(vol2.read('/copy'))).toBe(sha(scene.volume.read('/lun1')));
  });

  it('is copied to another SVM when the peering allows it', async () => {
    const { scene, vol3 } = await withLun();
    await peered(scene, ['lun_copy']);
    const copy = { source: { name: LUN, peer: { name: 'svm1' } } };
    await scene.ok(scene.source, 'POST', '/storage/luns', { 'svm.name': 'svm2', name: '/vol/vol3/copy', copy });
    await scene.clock.sleep(10_000);
    expect(sha(vol3.read('/copy'))).toBe(sha(scene.volume.read('/lun1')));
  });

  it('whose copy is deleted is copied no further; one that fails says why', async () => {
    const { scene, vol2 } = await withLun();
    const order = (name: string) => ({ 'svm.name': 'svm1', name, 'copy.source.name': LUN });
    await scene.ok(scene.source, 'POST', '/storage/luns', order('/vol/vol2/one'));
    const one = await lun(scene, '/vol/vol2/one');
    await scene.ok(scene.source, 'DELETE', `/storage/luns/${one.uuid}`);
    expect(vol2.files()).toEqual([]);
    scene.source.addFault({ kind: 'transfer-fails', method: 'POST', path: '/storage/luns', message: 'no luck' });
    await scene.ok(scene.source, 'POST', '/storage/luns', order('/vol/vol2/two'));
    await scene.clock.sleep(10_000);
    const { progress } = (await lun(scene, '/vol/vol2/two')).copy.source;
    expect(progress).toMatchObject({ state: 'failed', percent_complete: 50, failure: { message: 'no luck' } });
  });

  it('moves to another volume, where it is at once, and is renamed within its own', async () => {
    const { scene, uuid, vol2 } = await withLun();
    const content = sha(scene.volume.read('/lun1'));
    await scene.ok(scene.source, 'PATCH', `/storage/luns/${uuid}`, { name: '/vol/vol2/lun1' });
    expect(scene.volume.files()).not.toContain('/lun1');
    expect(sha(vol2.read('/lun1'))).toBe(content);
    expect(await lun(scene, '/vol/vol2/lun1')).toMatchObject({
      uuid,
      movement: { paths: { source: LUN, destination: '/vol/vol2/lun1' }, progress: { state: 'preparing' } },
    });
    await scene.clock.sleep(9000);
    expect((await lun(scene, '/vol/vol2/lun1')).movement.progress.state).toBe('complete');
    await scene.ok(scene.source, 'PATCH', `/storage/luns/${uuid}`, { name: '/vol/vol2/lun2' });
    expect(sha(vol2.read('/lun2'))).toBe(content);
  });
});

describe('a namespace', () => {
  it('is cloned and renamed within its volume, and stays there', async () => {
    const scene = new Scene();
    const name = '/vol/vol1/ns1';
    const body = { 'svm.name': 'svm1', name, os_type: 'linux', 'space.size': MIB };
    await scene.ok(scene.source, 'POST', '/storage/namespaces', body);
    scene.volume.write('/ns1', 0, new Uint8Array(5000).fill(9));
    const clone = { 'svm.name': 'svm1', name: '/vol/vol1/ns2', 'clone.source.name': name };
    const query = '/storage/namespaces?return_records=true';
    const { records } = await scene.ok(scene.source, 'POST', query, clone);
    expect(sha(scene.volume.read('/ns2'))).toBe(sha(scene.volume.read('/ns1')));
    const path = `/storage/namespaces/${records[0].uuid}`;
    await scene.ok(scene.source, 'PATCH', path, { name: '/vol/vol1/ns3' });
    expect((await scene.ok(scene.source, 'GET', path)).name).toBe('/vol/vol1/ns3');
    const elsewhere = await call(scene.source, 'PATCH', path, { body: { name: '/vol/vol2/ns3' } });
    expect(elsewhere.status).toBeGreaterThanOrEqual(400);
    expect((await call(scene.source, 'GET', '/storage/luns')).json.num_records).toBe(0);
  });
});

describe('files', () => {
  it('are cloned within their volume', async () => {
    const scene = new Scene();
    const used = scene.volume.usedBytes();
    const body = { volume: { uuid: scene.volume.uuid }, source_path: 'data/one', destination_path: 'data/clone' };
    await scene.jobEnd(await call(scene.source, 'POST', '/storage/file/clone', { body }));
    expect(sha(scene.volume.read('/data/clone'))).toBe(sha(scene.volume.read('/data/one')));
    expect(scene.volume.usedBytes() - used).toBeLessThan(3 * 4096);
  });

  it('are copied to another SVM of the cluster by its administrator, and are not there before the job ends', async () => {
    const { scene, vol3 } = await withLun();
    await peered(scene, ['file_copy']);
    const place = (volume: string, svm: string, path: string) => ({
      path,
      volume: { name: volume },
      svm: { name: svm },
    });
    const body = {
      files_to_copy: [
        { source: place('vol1', 'svm1', 'data/one'), destination: place('vol3', 'svm2', 'one') },
        { source: place('vol1', 'svm1', 'lun1'), destination: place('vol3', 'svm2', 'deep/image') },
      ],
    };
    const headers = { 'x-dot-svm-name': 'svm2' };
    const answer = await call(scene.source, 'POST', '/storage/file/copy', { body, headers });
    expect(answer.status).toBe(202);
    await scene.clock.sleep(4000);
    expect(vol3.files()).toEqual([]);
    expect(await scene.jobEnd(answer)).toMatchObject({ state: 'success' });
    expect(sha(vol3.read('/one'))).toBe(sha(scene.volume.read('/data/one')));
    expect(sha(vol3.read('/deep/image'))).toBe(sha(scene.volume.read('/lun1')));
  });
});

describe('a volume', () => {
  const aggregateOf = async (scene: Scene) =>
    (await scene.ok(scene.source, 'GET', `/storage/volumes/${scene.volume.uuid}?fields=aggregates,movement`)) as Json;

  it('moves to another aggregate while hosts write to it, and is there after the cutover', async () => {
    const scene = new Scene({ transferRate: 16_384 });
    const path = `/storage/volumes/${scene.volume.uuid}`;
    const answer = await call(scene.source, 'PATCH', path, {
      body: { 'movement.destination_aggregate.name': 'aggr2' },
    });
    await scene.clock.sleep(1000);
    const moving = await aggregateOf(scene);
    expect(moving).toMatchObject({ aggregates: [{ name: 'aggr1' }], movement: { state: 'replicating' } });
    scene.volume.write('/data/while', 0, new Uint8Array(10).fill(1));
    const digest = scene.volume.digest();
    expect(await scene.jobEnd(answer)).toMatchObject({ state: 'success' });
    expect(await aggregateOf(scene)).toMatchObject({
      aggregates: [{ name: 'aggr2' }],
      movement: { state: 'success', percent_complete: 100, destination_aggregate: { name: 'aggr2' } },
    });
    expect(scene.volume.digest()).toBe(digest);
  });

  it('waits for its cutover when asked to, and stays where it is when the move is aborted', async () => {
    const scene = new Scene();
    const path = `/storage/volumes/${scene.volume.uuid}`;
    const begin = { 'movement.destination_aggregate.name': 'aggr2', 'movement.state': 'cutover_wait' };
    const first = await call(scene.source, 'PATCH', path, { body: begin });
    await scene.clock.sleep(5000);
    expect((await aggregateOf(scene)).movement.state).toBe('cutover_pending');
    await call(scene.source, 'PATCH', path, { body: { 'movement.state': 'aborted' } });
    expect(await scene.jobEnd(first)).toMatchObject({ state: 'failure' });
    expect(await aggregateOf(scene)).toMatchObject({ aggregates: [{ name: 'aggr1' }], movement: { state: 'aborted' } });
    const second = await call(scene.source, 'PATCH', path, { body: begin });
    await scene.clock.sleep(5000);
    await call(scene.source, 'PATCH', path, { body: { 'movement.state': 'cutover' } });
    expect(await scene.jobEnd(second)).toMatchObject({ state: 'success' });
  });

  it('is rehosted with its content, when it is not mounted', async () => {
    const scene = new Scene();
    const digest = scene.volume.digest();
    const body = { vserver: 'svm1', volume: 'vol1', destination_vserver: 'svm2' };
    expect((await call(scene.source, 'POST', '/private/cli/volume/rehost', { body })).status).toBe(201);
    expect(scene.source.volume('svm2', 'vol1').digest()).toBe(digest);
    const gone = await scene.ok(scene.source, 'GET', '/storage/volumes?svm.name=svm1&name=vol1');
    expect(gone.num_records).toBe(0);
  });
});
