/** What surrounds mirrors: permissions to peer, policies, schedules, snapshot policies, users. */
import { beforeEach, describe, expect, it } from 'vitest';
import { call, type Json, MIB, Scene } from './raw-client.ts';

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

async function get(path: string): Promise<Json> {
  return scene.ok(scene.destination, 'GET', path);
}

describe('a permission to peer', () => {
  const POST_PEER = {
    svm: { name: 'svm2' },
    peer: { svm: { name: 'svm1_dr' }, cluster: { name: 'cluster2' } },
    applications: ['snapmirror'],
  };
  const stateHere = async () =>
    (await scene.ok(scene.source, 'GET', '/svm/peers?svm.name=svm2&fields=state')).records[0].state;

  async function permit(applications: readonly string[]): Promise<string> {
    const body = { 'svm.name': 'svm1_dr', 'cluster_peer.name': 'cluster1', applications };
    const answer = await call(scene.destination, 'POST', '/svm/peer-permissions', { body });
    expect(answer.status).toBe(201);
    return (answer.headers.get('location') ?? '').slice('/api'.length);
  }

  it('makes a new peering need no acceptance', async () => {
    await permit(['snapmirror']);
    await scene.ok(scene.source, 'POST', '/svm/peers', POST_PEER);
    expect(await stateHere()).toBe('peered');
    expect((await get('/svm/peers?peer.svm.name=svm2&fields=state')).records[0].state).toBe('peered');
  });

  it('does so only for the applications that it names', async () => {
    await permit(['flexcache']);
    await scene.ok(scene.source, 'POST', '/svm/peers', POST_PEER);
    expect(await stateHere()).toBe('initiated');
  });

  it('is read, changed and withdrawn by the uuids of the cluster peer and the SVM', async () => {
    const path = await permit(['snapmirror']);
    const { records } = await get('/svm/peer-permissions?svm.name=svm1_dr&fields=applications');
    const [{ cluster_peer: peer, svm, applications }] = records;
    expect({ path, applications }).toEqual({
      path: `/svm/peer-permissions/${peer.uuid}/${svm.uuid}`,
      applications: ['snapmirror'],
    });
    await scene.ok(scene.destination, 'PATCH', path, { applications: ['snapmirror', 'flexcache'] });
    expect((await get(path)).applications).toEqual(['snapmirror', 'flexcache']);
    await scene.ok(scene.destination, 'DELETE', path);
    expect((await call(scene.destination, 'GET', path)).status).toBe(404);
  });

  it.each([
    ['svm.name', 'svm9', 'svm.name'],
    ['cluster_peer.name', 'stranger', 'cluster_peer.name'],
  ])('with the %s %s is refused', async (name, value, target) => {
    const good = { 'svm.name': 'svm1_dr', 'cluster_peer.name': 'cluster1', applications: ['snapmirror'] };
    const { status, json } = await call(scene.destination, 'POST', '/svm/peer-permissions', {
      body: { ...good, [name]: value },
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(json.error.target).toBe(target);
  });

  it('is given once', async () => {
    await permit(['snapmirror']);
    const body = { 'svm.name': 'svm1_dr', 'cluster_peer.name': 'cluster1', applications: ['snapmirror'] };
    const again = await call(scene.destination, 'POST', '/svm/peer-permissions', { body });
    expect([again.status, again.json.error.code]).toEqual([409, '1']);
  });
});

describe('a policy of one’s own', () => {
  it('keeps all that it was made and changed with', async () => {
    await scene.ok(scene.destination, 'POST', '/snapmirror/policies', {
      name: 'kept',
      svm: { name: 'svm1_dr' },
      network_compression_enabled: true,
      throttle: 100,
      transfer_schedule: 'daily',
      retention: [
        { label: 'daily', count: '7', creation_schedule: { name: '' }, prefix: '' },
        { label: 'weekly', count: 52, creation_schedule: { name: 'weekly' }, prefix: 'week' },
      ],
    });
    const { records } = await get('/snapmirror/policies?name=kept&scope=svm&fields=*');
    expect(records[0]).toMatchObject({
      svm: { name: 'svm1_dr' },
      network_compression_enabled: true,
      throttle: 100,
      transfer_schedule: { name: 'daily' },
      retention: [
        { label: 'daily', count: '7' },
        { label: 'weekly', count: '52', prefix: 'week', creation_schedule: { name: 'weekly' } },
      ],
    });
    expect(records[0].retention[0]).toEqual({ label: 'daily', count: '7' });
    const path = `/snapmirror/policies/${records[0].uuid}`;
    await scene.ok(scene.destination, 'PATCH', path, { throttle: 5, comment: 'c', transfer_schedule: null });
    const changed = await get(path);
    expect(changed).toMatchObject({ throttle: 5, comment: 'c', network_compression_enabled: true });
    expect(changed.retention).toHaveLength(2);
    expect(changed.transfer_schedule).toBeUndefined();
  });

  it('belongs to the cluster when the administrative SVM owns it', async () => {
    await scene.ok(scene.destination, 'POST', '/snapmirror/policies', { name: 'mine', 'svm.name': 'cluster2' });
    const { records } = await get('/snapmirror/policies?name=mine&fields=scope,svm');
    expect(records[0]).toMatchObject({ scope: 'cluster' });
    expect(records[0].svm).toBeUndefined();
  });
});

it('a schedule that moves takes its relationships with it', async () => {
  const body = { name: 'nightly', cron: { minutes: [0], hours: [2] } };
  await scene.ok(scene.destination, 'POST', '/cluster/schedules', body);
  const uuid = await scene.mirrored({ schedule: 'nightly' });
  const { records } = await get('/cluster/schedules?name=nightly');
  const path = `/cluster/schedules/${records[0].uuid}`;
  await scene.ok(scene.destination, 'PATCH', path, { cron: { minutes: [30] } });
  expect((await get(path)).cron).toEqual({ minutes: [30] });
  scene.volume.write('/data/later', 0, new Uint8Array(9).fill(9));
  await scene.clock.advance(31 * 60_000);
  await scene.drained(uuid);
  expect(scene.mirror.digest()).toBe(scene.volume.digest());
});

it('snapshot policies can be named and read', async () => {
  const { records } = await get('/storage/snapshot-policies?fields=name,copies.schedule.name,copies.count');
  expect(records.map(({ name }: Json) => name).sort()).toEqual(['default', 'default-1weekly', 'none']);
  const [standard] = records.filter(({ name }: Json) => name === 'default');
  expect(standard.copies.map(({ schedule }: Json) => schedule.name)).toEqual(['hourly', 'daily', 'weekly']);
});

it('a user has the access that privileges give: the closest path counts, and the role where none fits', async () => {
  const privileges = [
    { path: '/storage/*', access: 'readonly' },
    { path: '/storage/volumes*', access: 'read_modify' },
    { path: '/cluster/schedules*', access: 'read_create' },
    { path: '/snapmirror/*', access: 'none' },
  ] as const;
  const users = [
    { name: 'few', password: 'x', role: 'none', privileges },
    { name: 'many', password: 'x', role: 'admin', privileges },
  ] as const;
  scene = new Scene({ clusters: [{ name: 'cluster1', users }, { name: 'cluster2' }] });
  const status = async (user: string, method: string, path: string, body?: unknown) => {
    const answer = await call(scene.source, method, path, { user, password: 'x', ...(body ? { body } : {}) });
    if (answer.status === 403) expect(answer.json.error.code).toBe('6');
    return answer.status;
  };
  const volume = `/storage/volumes/${scene.volume.uuid}`;
  expect(await status('few', 'GET', '/storage/aggregates')).toBe(200);
  expect(await status('few', 'PATCH', volume, { size: 200 * MIB })).toBe(202);
  expect(await status('few', 'DELETE', volume)).toBe(403);
  expect(await status('few', 'POST', '/cluster/schedules', { name: 'mine', cron: { minutes: [3] } })).toBe(201);
  expect(await status('few', 'DELETE', '/cluster/schedules?name=mine')).toBe(403);
  expect(await status('few', 'GET', '/snapmirror/policies')).toBe(403);
  expect(await status('few', 'GET', '/svm/svms')).toBe(403);
  expect(await status('many', 'GET', '/svm/svms')).toBe(200);
  expect(await status('many', 'DELETE', volume)).toBe(403);
});

it('a user may be kept from some paths', async () => {
  const users = [{ name: 'kept', password: 'x', role: 'admin', denied: ['/storage/aggregates*'] }] as const;
  scene = new Scene({ clusters: [{ name: 'cluster1', users }, { name: 'cluster2' }] });
  const as = { user: 'kept', password: 'x' };
  const denied = await call(scene.source, 'GET', '/storage/aggregates?return_records=false', as);
  expect([denied.status, denied.json.error.code]).toEqual([403, '6']);
  expect((await call(scene.source, 'GET', '/storage/volumes?return_records=false', as)).status).toBe(200);
});

it.each([
  ['PATCH', { rebalancing: { state: 'starting' } }, 'rebalancing'],
  ['POST', { name: 'c', 'svm.name': 'svm1', snaplock: { type: 'compliance' } }, 'SnapLock'],
])('%s of a volume with %j is refused as a limit of the simulator', async (method, body, what) => {
  const path = method === 'POST' ? '/storage/volumes' : `/storage/volumes/${scene.volume.uuid}`;
  const { status, json } = await call(scene.source, method, path, { body });
  expect([status, json.error.code]).toEqual([405, '3']);
  expect(json.error.message).toContain(what);
});
