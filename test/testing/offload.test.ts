/** LUNs, namespaces and files that the simulated storage clones, copies and moves itself, driven with plain requests. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { REFUSALS, type RefusalName, SeededRandom, type SimulatedVolume } from '../../src/testing/index.ts';
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

/** That does not deduplicate. */
function noise(length: number): Uint8Array {
  const random = new SeededRandom(length);
  return Uint8Array.from({ length }, () => 256 * random.next());
}

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

  it('has no byte of a copy that has not ended, and none of one that fails or stalls', async () => {
    const { scene, vol2 } = await withLun();
    const zeros = sha(new Uint8Array(8 * MIB));
    const order = (name: string) => ({ 'svm.name': 'svm1', name, 'copy.source.name': LUN });
    await scene.ok(scene.source, 'POST', '/storage/luns', order('/vol/vol2/whole'));
    await scene.clock.sleep(8000);
    expect(sha(vol2.read('/whole'))).toBe(zeros);
    await scene.clock.sleep(1000);
    expect(sha(vol2.read('/whole'))).toBe(sha(scene.volume.read('/lun1')));
    for (const [kind, state] of [
      ['transfer-fails', 'failed'],
      ['transfer-stalls', 'replicating'],
    ] as const) {
      scene.source.addFault({ kind, method: 'POST', path: '/storage/luns' });
      const name = `/vol/vol2/${kind}`;
      await scene.ok(scene.source, 'POST', '/storage/luns', order(name));
      await scene.clock.sleep(60_000);
      expect((await lun(scene, name)).copy.source.progress.state).toBe(state);
      expect(sha(vol2.read(`/${kind}`))).toBe(zeros);
    }
  });

  it('whose copy does not fit any more when it arrives has failed, with nothing in it', async () => {
    const { scene } = await withLun();
    const small = scene.source.createVolume({ svm: 'svm1', name: 'small', sizeBytes: 20 * MIB });
    scene.volume.write('/lun1', 0, noise(4 * MIB));
    const order = { 'svm.name': 'svm1', name: '/vol/small/copy', 'copy.source.name': LUN };
    await scene.ok(scene.source, 'POST', '/storage/luns', order);
    small.write('/other', 0, noise(18 * MIB));
    await scene.clock.sleep(9000);
    const { copy } = await lun(scene, '/vol/small/copy');
    expect(copy.source.progress).toMatchObject({ state: 'failed', failure: { code: REFUSALS.fileNoSpace.code } });
    expect(sha(small.read('/copy'))).toBe(sha(new Uint8Array(8 * MIB)));
  });

  it.each(['transfer-fails', 'transfer-stalls'] as const)(
    '%s: a move that does not end leaves its data',
    async (kind) => {
      const { scene, uuid, vol2 } = await withLun();
      const content = sha(scene.volume.read('/lun1'));
      scene.source.addFault({ kind, method: 'PATCH', path: '/storage/luns/*' });
      await scene.ok(scene.source, 'PATCH', `/storage/luns/${uuid}`, { name: '/vol/vol2/lun1' });
      await scene.clock.sleep(60_000);
      const { name, movement } = await scene.ok(scene.source, 'GET', `/storage/luns/${uuid}?fields=**`);
      const failed = kind === 'transfer-fails';
      expect({ name, state: movement.progress.state }).toEqual({
        name: failed ? LUN : '/vol/vol2/lun1',
        state: failed ? 'failed' : 'replicating',
      });
      expect(sha(scene.volume.read('/lun1'))).toBe(content);
      expect(vol2.files()).toEqual(failed ? [] : ['/lun1']);
      await scene.ok(scene.source, 'DELETE', `/storage/luns/${uuid}`);
      expect([...vol2.files(), ...scene.volume.files()]).toEqual(['/data/one', '/data/two']);
    },
  );

  it('goes with its file: a resync that takes the volume back before it leaves none', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    await scene.patch(uuid, { state: 'broken_off' });
    const body = { 'svm.name': 'svm1_dr', name: '/vol/vol1/late', os_type: 'linux', 'space.size': MIB };
    for (const kind of ['luns', 'namespaces']) {
      await scene.ok(scene.destination, 'POST', `/storage/${kind}`, { ...body, name: `/vol/vol1/${kind}` });
    }
    await scene.patch(uuid, { state: 'snapmirrored' });
    await scene.drained(uuid);
    for (const kind of ['luns', 'namespaces']) {
      const { num_records } = await scene.ok(scene.destination, 'GET', `/storage/${kind}?fields=name,space`);
      expect(num_records).toBe(0);
    }
  });

  it.each<[string, string, object, string]>([
    ['of 100 TiB', '/vol/vol1/huge', { 'space.size': 100 * 2 ** 40 }, 'fileTooLarge'],
    ['of more than there can be', '/vol/vol1/huge', { 'space.size': 2 ** 50 }, 'invalidValue'],
    ['below a file', '/vol/vol1/data/one/lun', {}, 'fileNotDirectory'],
    ['with too long a name', `/vol/vol1/new/${'x'.repeat(256)}`, {}, 'fileChangeInvalid'],
    ['in the place of a directory', '/vol/vol1/data', {}, 'fileIsDirectory'],
  ])('%s is not made, and nothing is left of it', async (_, name, changes, refusal) => {
    const scene = new Scene();
    const digest = scene.volume.digest();
    for (const kind of ['luns', 'namespaces']) {
      const body = { 'svm.name': 'svm1', name, os_type: 'linux', 'space.size': MIB, ...changes };
      const { status, json } = await call(scene.source, 'POST', `/storage/${kind}`, { body });
      expect(status).toBe(REFUSALS[refusal as RefusalName].status);
      expect(json.error.code).toBe(REFUSALS[refusal as RefusalName].code);
    }
    expect(scene.volume.digest()).toBe(digest);
  });

  it.each<[string, object, RefusalName]>([
    ['resized beyond its bounds', { 'space.size': 1e15 }, 'invalidValue'],
    ['resized beyond what a file can be', { 'space.size': 100 * 2 ** 40 }, 'fileTooLarge'],
    ['renamed into a directory that is not there', { name: '/vol/vol1/no/lun' }, 'fileMissing'],
    ['renamed onto a file', { name: '/vol/vol1/data/one' }, 'fileExists'],
    ['renamed to too long a name', { name: `/vol/vol1/${'x'.repeat(256)}` }, 'fileChangeInvalid'],
  ])('is not %s', async (_, body, refusal) => {
    const { scene, uuid } = await withLun();
    const namespace = { 'svm.name': 'svm1', name: '/vol/vol1/ns', os_type: 'linux', 'space.size': MIB };
    const { records } = await scene.ok(scene.source, 'POST', '/storage/namespaces?return_records=true', namespace);
    const digest = scene.volume.digest();
    for (const path of [`/storage/luns/${uuid}`, `/storage/namespaces/${records[0].uuid}`]) {
      const { json } = await call(scene.source, 'PATCH', path, { body });
      expect(json.error?.code).toBe(REFUSALS[refusal].code);
    }
    expect(scene.volume.digest()).toBe(digest);
  });

  it('is not copied into a volume without room, nor onto a file', async () => {
    const { scene, vol2 } = await withLun();
    const small = scene.source.createVolume({ svm: 'svm1', name: 'small', sizeBytes: 20 * MIB });
    small.write('/other', 0, noise(15 * MIB));
    scene.volume.write('/lun1', 0, noise(7 * MIB));
    vol2.write('/taken', 0, new Uint8Array(10));
    const digests = [small.digest(), vol2.digest()];
    for (const [name, code] of [
      ['/vol/small/deep/copy', REFUSALS.fileNoSpace.code],
      ['/vol/vol2/taken', REFUSALS.cloneTargetExists.code],
    ]) {
      const body = { 'svm.name': 'svm1', name, 'copy.source.name': LUN };
      expect((await call(scene.source, 'POST', '/storage/luns', { body })).json.error?.code).toBe(code);
    }
    expect([small.digest(), vol2.digest()]).toEqual(digests);
  });

  it('moves to another volume, where its name is at once and its data in the end, and is renamed within its own', async () => {
    const { scene, uuid, vol2 } = await withLun();
    const content = sha(scene.volume.read('/lun1'));
    await scene.ok(scene.source, 'PATCH', `/storage/luns/${uuid}`, { name: '/vol/vol2/lun1' });
    expect(await lun(scene, '/vol/vol2/lun1')).toMatchObject({
      uuid,
      movement: { paths: { source: LUN, destination: '/vol/vol2/lun1' }, progress: { state: 'preparing' } },
    });
    await scene.clock.sleep(9000);
    expect((await lun(scene, '/vol/vol2/lun1')).movement.progress.state).toBe('complete');
    expect(scene.volume.files()).not.toContain('/lun1');
    expect(sha(vol2.read('/lun1'))).toBe(content);
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
  it('are not cloned onto themselves, and take the place of others when told to', async () => {
    const scene = new Scene();
    const one = sha(scene.volume.read('/data/one'));
    const clone = (destination_path: string) => {
      const body = { volume: { name: 'vol1' }, source_path: 'data/one', destination_path, overwrite_destination: true };
      return call(scene.source, 'POST', '/storage/file/clone', { body });
    };
    const refused = await clone('/data/one');
    expect([refused.status, refused.json.error.code]).toEqual([400, '262197']);
    expect(await scene.jobEnd(await clone('data/two'))).toMatchObject({ state: 'success' });
    expect(scene.volume.files()).toEqual(['/data/one', '/data/two']);
    expect([sha(scene.volume.read('/data/one')), sha(scene.volume.read('/data/two'))]).toEqual([one, one]);
    expect(await scene.jobEnd(await clone('data'))).toMatchObject({ state: 'failure' });
  });

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
