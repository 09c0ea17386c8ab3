import { describe, expect, it } from 'vitest';
import { type Answer, call, type Json, MIB, Scene } from './raw-client.ts';

/** Peering of clusters by passphrase, licences, and jobs that are cancelled, paused and resumed. */
const PEERS = '/cluster/peers';
const PASSPHRASE = 'correct horse battery';
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Two clusters that do not know each other. */
const strangers = () => new Scene({ peered: false });

const authentication = (passphrase = PASSPHRASE) => ({ passphrase });

async function addressOf(scene: Scene, cluster: Scene['source']): Promise<string> {
  // The address is told by a peering: that of a scene whose clusters are peered from the start.
  const peered = new Scene();
  const other = cluster.name === 'cluster1' ? peered.destination : peered.source;
  return (await scene.ok(other, 'GET', `${PEERS}?fields=remote`)).records[0].remote.ip_addresses[0];
}

const stateOf = async (scene: Scene, cluster: Scene['source']): Promise<Json> => {
  const [
    {
      status,
      authentication: { state, in_use: inUse },
    } = { status: {}, authentication: {} },
  ] = (await scene.ok(cluster, 'GET', `${PEERS}?fields=status.state,authentication`)).records;
  return [status.state, state, inUse];
};

describe('two clusters', () => {
  it('are peers when both have named the same passphrase, and then SVMs can be', async () => {
    const scene = strangers();
    const [here, there] = [await addressOf(scene, scene.source), await addressOf(scene, scene.destination)];
    await scene.ok(scene.source, 'POST', PEERS, {
      remote: { ip_addresses: [there] },
      authentication: authentication(),
    });
    expect(await stateOf(scene, scene.source)).toEqual(['pending', 'pending', 'absent']);
    const peering = {
      svm: { name: 'svm1' },
      peer: { svm: { name: 'svm1_dr' }, cluster: { name: 'cluster2' } },
      applications: ['snapmirror'],
    };
    expect((await call(scene.source, 'POST', '/svm/peers', { body: peering })).json.error.code).toBe('26345575');
    await scene.ok(scene.destination, 'POST', PEERS, {
      name: 'east',
      remote: { ip_addresses: [here] },
      authentication: authentication(),
      initial_allowed_svms: [{ name: 'svm1_dr' }],
    });
    expect(await stateOf(scene, scene.source)).toEqual(['available', 'ok', 'ok']);
    expect(await stateOf(scene, scene.destination)).toEqual(['available', 'ok', 'ok']);
    expect(
      (await scene.ok(scene.destination, 'GET', `${PEERS}?name=east&fields=remote.name`)).records[0].remote.name,
    ).toBe('cluster1');
    await scene.ok(scene.source, 'POST', '/svm/peers', peering);
    expect((await scene.ok(scene.source, 'GET', '/svm/peers?fields=state')).records[0].state).toBe('peered');
    await scene.mirrored();
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('are no peers with different passphrases, nor after an hour', async () => {
    const scene = strangers();
    const [here, there] = [await addressOf(scene, scene.source), await addressOf(scene, scene.destination)];
    await scene.ok(scene.source, 'POST', PEERS, {
      remote: { ip_addresses: [there] },
      authentication: authentication(),
    });
    const body = { remote: { ip_addresses: [here] }, authentication: authentication('another one') };
    await scene.ok(scene.destination, 'POST', PEERS, body);
    expect(await stateOf(scene, scene.destination)).toEqual(['pending', 'problem', 'absent']);
    await scene.clock.advance(3_600_000);
    await scene.ok(scene.destination, 'PATCH', `${PEERS}?name=cluster1`, { authentication: authentication() });
    expect(await stateOf(scene, scene.destination)).toEqual(['pending', 'problem', 'absent']);
    await scene.ok(scene.source, 'PATCH', `${PEERS}?name=cluster2`, { authentication: authentication() });
    expect(await stateOf(scene, scene.source)).toEqual(['available', 'ok', 'ok']);
  });

  it('are peers by a passphrase that ONTAP makes up, and says once', async () => {
    const scene = strangers();
    const { records } = await scene.ok(scene.source, 'POST', PEERS, { authentication: { generate_passphrase: true } });
    const [{ authentication: made }] = records;
    expect(made.passphrase).toMatch(/^\w{20,}$/);
    const here = await addressOf(scene, scene.source);
    await scene.ok(scene.destination, 'POST', PEERS, {
      remote: { ip_addresses: [here] },
      authentication: { passphrase: made.passphrase },
    });
    expect(await stateOf(scene, scene.source)).toEqual(['available', 'ok', 'ok']);
  });

  it('never tell a passphrase: not in an answer, not in an error, not in the log of requests', async () => {
    const scene = strangers();
    const there = await addressOf(scene, scene.destination);
    const told: unknown[] = [];
    const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
      const answer = await call(scene.source, method, path, body === undefined ? {} : { body });
      told.push(answer.json);
      return answer;
    };
    await ask('POST', `${PEERS}?return_records=true`, {
      remote: { ip_addresses: [there] },
      authentication: authentication(),
    });
    await ask('GET', `${PEERS}?fields=**`);
    await ask('PATCH', `${PEERS}?name=cluster2`, { authentication: authentication('short') });
    await ask('POST', PEERS, { remote: { ip_addresses: [there] }, authentication: authentication() });
    const inUrl = await ask('GET', `${PEERS}?authentication.passphrase=${encodeURIComponent(PASSPHRASE)}`);
    expect(inUrl.json.error.code).toBe('262202');
    expect(told).toHaveLength(5);
    expect(JSON.stringify(told)).not.toMatch(/correct horse|short/);
    expect(JSON.stringify(scene.world.requests.filter(({ query }) => !query.includes('passphrase')))).not.toContain(
      'horse',
    );
  });

  it('stop being peers when either deletes its half, which it may not while it is used', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    expect((await call(scene.source, 'DELETE', `${PEERS}?name=cluster2`)).json.error.code).toBe('8');
    await scene.ok(scene.destination, 'DELETE', `/snapmirror/relationships/${uuid}`);
    await scene.ok(scene.destination, 'DELETE', '/svm/peers?name=svm1');
    await scene.ok(scene.source, 'DELETE', `${PEERS}?name=cluster2`);
    expect((await scene.ok(scene.source, 'GET', PEERS)).num_records).toBe(0);
    expect(await stateOf(scene, scene.destination)).toEqual(['unavailable', 'ok', 'ok']);
  });

  it('are not found at an address where nobody is, and a peering needs a passphrase', async () => {
    const scene = strangers();
    const refused = async (body: unknown) => (await call(scene.source, 'POST', PEERS, { body })).json.error;
    expect((await refused({ remote: { ip_addresses: ['198.51.100.9'] }, authentication: authentication() })).code).toBe(
      '262224',
    );
    expect(await refused({ remote: { ip_addresses: ['cluster2'] } })).toMatchObject({
      code: '262212',
      target: 'authentication.passphrase',
    });
  });
});

describe('a licence', () => {
  it('is listed, with its state', async () => {
    const scene = new Scene({ clusters: [{ name: 'cluster1', unlicensed: ['flexclone'] }, { name: 'cluster2' }] });
    const { records } = await scene.ok(
      scene.source,
      'GET',
      '/cluster/licensing/licenses?name=snapmirror|flexclone&fields=*',
    );
    expect(records.map(({ name, state }: Json) => [name, state])).toEqual([
      ['flexclone', 'unlicensed'],
      ['snapmirror', 'compliant'],
    ]);
    expect((await scene.ok(scene.source, 'GET', '/cluster/licensing/licenses/nfs')).state).toBe('compliant');
  });

  it.each([
    ['snapmirror', 'MirrorAllSnapshots', '1115127'],
    ['snapmirror_sync', 'MirrorAllSnapshots', undefined],
    ['snapmirror_sync', 'Sync', '1115127'],
  ])(
    'for %s that the source has not: a relationship with policy %s is refused with %s',
    async (license, policy, code) => {
      const clusters = [
        { name: 'cluster1', svms: ['svm1'], unlicensed: [license] },
        { name: 'cluster2', svms: ['svm1_dr'] },
      ];
      const scene = new Scene({ clusters });
      scene.destination.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB, type: 'dp' });
      const body = { source: { path: 'svm1:vol1' }, destination: { path: 'svm1_dr:vol1' }, policy: { name: policy } };
      const { json } = await call(scene.destination, 'POST', '/snapmirror/relationships', { body });
      expect(json.error?.code).toBe(code);
    },
  );

  it('for FlexClone is needed for a clone', async () => {
    const scene = new Scene({ clusters: [{ name: 'cluster1', unlicensed: ['flexclone'] }, { name: 'cluster2' }] });
    const clone = { is_flexclone: true, parent_volume: { name: 'vol1' } };
    const { json } = await call(scene.source, 'POST', '/storage/volumes', {
      body: { name: 'c', 'svm.name': 'svm1', clone },
    });
    expect(json.error.code).toBe('1115127');
  });
});

describe('a job', () => {
  const resizing = (scene: Scene) =>
    call(scene.source, 'PATCH', `/storage/volumes/${scene.volume.uuid}`, { body: { size: 200 * MIB } });
  const steer = (scene: Scene, answer: Answer, action: string) =>
    call(scene.source, 'PATCH', `/cluster/jobs/${answer.json.job.uuid}?action=${action}`);

  it('is paused, and when it is resumed takes the time that it still had to go', async () => {
    const scene = new Scene({ operationMs: 10_000 });
    const answer = await resizing(scene);
    await scene.clock.advance(4000);
    expect((await steer(scene, answer, 'pause')).status).toBe(200);
    await scene.clock.advance(3_600_000);
    expect((await call(scene.source, 'GET', `/cluster/jobs/${answer.json.job.uuid}`)).json.state).toBe('paused');
    expect((await steer(scene, answer, 'pause')).json.error.code).toBe('2');
    await steer(scene, answer, 'resume');
    await scene.clock.advance(5999);
    expect(scene.volume.sizeBytes).toBe(100 * MIB);
    await scene.clock.advance(1);
    expect(scene.volume.sizeBytes).toBe(200 * MIB);
    expect((await scene.jobEnd(answer)).state).toBe('success');
  });

  it('is cancelled before its work is done, which then is not done', async () => {
    const scene = new Scene();
    const answer = await resizing(scene);
    await steer(scene, answer, 'cancel');
    expect(await scene.jobEnd(answer)).toMatchObject({ state: 'failure', message: 'The job was canceled.' });
    await scene.clock.advance(60_000);
    expect(scene.volume.sizeBytes).toBe(100 * MIB);
    expect((await steer(scene, answer, 'hurry')).json.error).toMatchObject({ code: '262197', target: 'action' });
    expect((await call(scene.source, 'PATCH', `/cluster/jobs/${NOBODY}?action=cancel`)).status).toBe(404);
  });
});
