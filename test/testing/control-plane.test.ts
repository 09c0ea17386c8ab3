import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTROL_ROUTES } from '../../src/testing/control-routes.ts';
import {
  type ControlPlane,
  openControlPlane,
  SimulatedOntap,
  SteeredClock,
  VirtualClock,
} from '../../src/testing/index.ts';
import { call, type Json, MIB } from './raw-client.ts';

const world = new SimulatedOntap({ clock: new SteeredClock({ startAt: 0, speed: 0 }) });
const volume = world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 50 * MIB });
const V = '/clusters/cluster1/svms/svm1/volumes/vol1';
let control: ControlPlane;

beforeAll(async () => {
  control = await openControlPlane(world);
});
afterAll(() => control.close());

async function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: Json; bytes: Buffer }> {
  const raw = body instanceof Uint8Array ? new Uint8Array(body) : body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(`${control.url}${path}`, { method, ...(raw === undefined ? {} : { body: raw }) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const isJson = answer.headers.get('content-type') === 'application/json';
  return { status: answer.status, json: isJson ? JSON.parse(bytes.toString()) : undefined, bytes };
}

/** Every route once, over HTTP: what is sent, and what must be so afterwards. */
const CASES: Readonly<Record<string, () => Promise<void>>> = {
  'GET /': async () => {
    const { json } = await ask('GET', '/');
    expect(json.clusters.map(({ name }: Json) => name)).toEqual(['cluster1', 'cluster2']);
    expect(json.routes).toHaveLength(CONTROL_ROUTES.length);
  },
  'GET /clock': async () => {
    expect((await ask('GET', '/clock')).json).toEqual({ now: '1970-01-01T00:00:00.000Z', epochMs: 0, speed: 0 });
  },
  'POST /clock/advance': async () => {
    const before = world.now;
    expect((await ask('POST', '/clock/advance', { ms: 3_600_000 })).json.epochMs).toBe(before + 3_600_000);
    expect(world.now).toBe(before + 3_600_000);
  },
  'POST /clock/speed': async () => {
    expect((await ask('POST', '/clock/speed', { speed: 1000 })).json.speed).toBe(1000);
    expect((await ask('POST', '/clock/speed', { speed: 0 })).json.speed).toBe(0);
  },
  'POST /clock/jump': async () => {
    const before = world.now;
    await ask('POST', '/clock/jump', { ms: -5000 });
    expect(world.now).toBe(before - 5000);
  },
  'POST /latency': async () => {
    expect((await ask('POST', '/latency', { ms: 5 })).json).toEqual({ latencyMs: 5 });
    await ask('POST', '/latency', { ms: 0 });
    expect(world.latencyMs).toBe(0);
  },
  'POST /clusters/{cluster}/kill': async () => {
    expect((await ask('POST', '/clusters/cluster2/kill', {})).json).toEqual({ name: 'cluster2', alive: false });
    world.cluster('cluster2').revive();
    await ask('POST', '/clusters/cluster2/kill', { forMs: 1000 });
    await ask('POST', '/clock/advance', { ms: 1001 });
    expect(world.cluster('cluster2').alive).toBe(true);
  },
  'POST /clusters/{cluster}/revive': async () => {
    world.cluster('cluster2').kill();
    expect((await ask('POST', '/clusters/cluster2/revive')).json.alive).toBe(true);
  },
  'GET /clusters/{cluster}/faults': async () => {
    const remove = world
      .cluster('cluster1')
      .addFault({ kind: 'reset', times: Number.POSITIVE_INFINITY, path: '/nowhere' });
    const { json } = await ask('GET', '/clusters/cluster1/faults');
    expect(json.faults).toMatchObject([{ struck: 0, fault: { kind: 'reset', times: 'always', path: '/nowhere' } }]);
    remove();
  },
  'POST /clusters/{cluster}/faults': async () => {
    const { json } = await ask('POST', '/clusters/cluster1/faults', { kind: 'http', status: 503 });
    expect(json.fault).toEqual({ kind: 'http', status: 503 });
    expect((await call(world.cluster('cluster1'), 'GET', '/cluster')).status).toBe(503);
    expect((await call(world.cluster('cluster1'), 'GET', '/cluster')).status).toBe(200);
  },
  'DELETE /clusters/{cluster}/faults': async () => {
    world.cluster('cluster1').addFault({ kind: 'reset' });
    expect((await ask('DELETE', '/clusters/cluster1/faults')).status).toBe(200);
    expect(world.cluster('cluster1').faults).toEqual([]);
  },
  'DELETE /clusters/{cluster}/faults/{id}': async () => {
    const { json } = await ask('POST', '/clusters/cluster1/faults', { kind: 'reset' });
    expect((await ask('DELETE', `/clusters/cluster1/faults/${json.id}`)).status).toBe(200);
    expect((await ask('DELETE', `/clusters/cluster1/faults/${json.id}`)).status).toBe(404);
  },
  'PUT /random-faults': async () => {
    expect((await ask('PUT', '/random-faults', { rates: { http: 1 }, budget: 1, seed: 4 })).status).toBe(200);
    expect((await call(world.cluster('cluster1'), 'GET', '/cluster')).status).not.toBe(200);
    expect((await call(world.cluster('cluster1'), 'GET', '/cluster')).status).toBe(200);
  },
  'GET /random-faults': async () => {
    const { json } = await ask('GET', '/random-faults');
    expect(json.drawn).toMatchObject([{ cluster: 'cluster1', request: 0, path: '/cluster', fault: { kind: 'http' } }]);
  },
  'DELETE /random-faults': async () => {
    await ask('DELETE', '/random-faults');
    expect(world.randomFaults).toBeUndefined();
  },
  'GET /clusters/{cluster}/volumes': async () => {
    const { json } = await ask('GET', '/clusters/cluster1/volumes');
    expect(json.volumes.map(({ name }: Json) => name)).toContain('vol1');
  },
  [`GET ${'/clusters/{cluster}/svms/{svm}/volumes/{volume}'}`]: async () => {
    volume.write('/seen', 0, new Uint8Array(3));
    expect((await ask('GET', V)).json).toMatchObject({
      name: 'vol1',
      svm: 'svm1',
      files: expect.arrayContaining(['/seen']),
    });
  },
  'POST /clusters/{cluster}/svms/{svm}/volumes/{volume}/content': async () => {
    const one = await ask('POST', `${V}/content`, { size: '100KiB', files: 2, seed: 5, directory: '/gen' });
    expect(one.json).toEqual({ bytes: 102_400 });
    const digest = volume.digest();
    await ask('POST', `${V}/content`, { size: '100KiB', files: 2, seed: 5, directory: '/gen' });
    expect(volume.digest()).toBe(digest);
    expect(volume.read('/gen/file1').length).toBe(51_200);
  },
  'POST /clusters/{cluster}/svms/{svm}/volumes/{volume}/files': async () => {
    await ask('POST', `${V}/files`, { path: '/f', text: 'hello' });
    await ask('POST', `${V}/files`, { path: '/f', offset: 5, base64: Buffer.from('!?').toString('base64') });
    await ask('POST', `${V}/files`, { path: '/g', length: 9000, pattern: 'same' });
    expect(Buffer.from(volume.read('/f')).toString()).toBe('hello!?');
    expect(volume.read('/g').length).toBe(9000);
  },
  'GET /clusters/{cluster}/svms/{svm}/volumes/{volume}/files': async () => {
    volume.write('/r', 0, Buffer.from('0123456789'));
    expect((await ask('GET', `${V}/files?path=/r&offset=2&length=3`)).bytes.toString()).toBe('234');
    expect((await ask('GET', `${V}/files?path=/none`)).status).toBe(404);
  },
  'DELETE /clusters/{cluster}/svms/{svm}/volumes/{volume}/files': async () => {
    volume.write('/gone', 0, new Uint8Array(1));
    await ask('DELETE', `${V}/files?path=/gone`);
    expect(volume.files()).not.toContain('/gone');
  },
  'POST /clusters/{cluster}/svms/{svm}/volumes/{volume}/punch': async () => {
    volume.write('/p', 0, new Uint8Array(12_288).fill(1));
    await ask('POST', `${V}/punch`, { path: '/p', offset: 4096, length: 4096 });
    expect([...new Set(volume.read('/p', 4096, 4096))]).toEqual([0]);
    expect(volume.read('/p', 8192, 1)).toEqual(new Uint8Array([1]));
  },
  'GET /clusters/{cluster}/svms/{svm}/volumes/{volume}/digest': async () => {
    volume.createSnapshot('before');
    const { json } = await ask('GET', `${V}/digest`);
    volume.write('/later', 0, new Uint8Array(1));
    expect((await ask('GET', `${V}/digest?snapshot=before`)).json).toEqual(json);
    expect((await ask('GET', `${V}/digest`)).json).not.toEqual(json);
    expect((await ask('GET', `${V}/digest?snapshot=none`)).status).toBe(404);
  },
  'GET /requests': async () => {
    const { count } = (await ask('GET', '/requests')).json;
    await call(world.cluster('cluster1'), 'GET', '/cluster');
    const { requests } = (await ask('GET', `/requests?since=${count}`)).json;
    expect(requests).toMatchObject([{ cluster: 'cluster1', method: 'GET', path: '/api/cluster', status: 200 }]);
  },
  'GET /world': async () => {
    const { bytes } = await ask('GET', '/world');
    const loaded = SimulatedOntap.load(bytes, { clock: new VirtualClock() });
    expect(loaded.cluster('cluster1').volume('svm1', 'vol1').digest()).toBe(volume.digest());
  },
  'PUT /world': async () => {
    const { bytes } = await ask('GET', '/world');
    const digest = volume.digest();
    volume.write('/after', 0, new Uint8Array(1));
    expect((await ask('PUT', '/world', bytes)).status).toBe(200);
    expect((await ask('GET', `${V}/digest`)).json.digest).toBe(digest);
  },
};

describe('the control plane', () => {
  for (const { method, path } of CONTROL_ROUTES) {
    it(`${method} ${path} does what it says`, async () => {
      const test = CASES[`${method} ${path}`];
      if (!test) throw new Error('this route has no test');
      await test();
    });
  }

  it.each([
    ['GET', '/nothing', undefined, 404],
    ['PATCH', '/clock', undefined, 405],
    ['POST', '/clusters/nobody/kill', {}, 404],
    ['GET', '/clusters/cluster1/svms/svm1/volumes/none', undefined, 404],
    ['GET', '/clusters/%ZZ/faults', undefined, 400],
    ['POST', '/clock/advance', { ms: 'soon' }, 400],
    ['POST', '/clock/advance', { ms: -1 }, 400],
    ['POST', '/clusters/cluster1/faults', { kind: 'earthquake' }, 400],
    ['PUT', '/random-faults', { rates: { http: 2 } }, 400],
    ['POST', `${V}/files`, { path: '/f' }, 400],
    ['POST', `${V}/files`, { path: '/huge', offset: 60 * MIB, text: 'x', length: 3 }, 400],
    ['POST', `${V}/files`, { path: '/huge', length: 60 * MIB }, 409],
    ['POST', `${V}/punch`, { path: '/none', offset: 0, length: 1 }, 404],
    ['PUT', '/world', new Uint8Array([1, 2, 3]), 400],
    ['GET', '/requests?since=x', undefined, 400],
  ] as const)('%s %s of what does not fit is told with a message', async (method, path, body, status) => {
    const answer = await ask(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.json.error.message).toMatch(/\w{3}/);
  });

  it('serves no web pages: a browser that was talked into asking is refused', async () => {
    const status = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve) => {
        request(`${control.url}/clock`, { headers }, (answer) => resolve(answer.resume().statusCode)).end();
      });
    expect(await status({ origin: 'http://evil.example' })).toBe(403);
    expect(await status({ host: 'evil.example' })).toBe(403);
    expect(await status({})).toBe(200);
  });

  it('says 409 where the clock cannot be steered', async () => {
    const virtual = await openControlPlane(new SimulatedOntap({ clock: new VirtualClock() }));
    const post = (path: string, body: object) =>
      fetch(`${virtual.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    expect((await post('/clock/speed', { speed: 2 })).status).toBe(409);
    expect((await post('/clock/advance', { ms: 2 })).status).toBe(200);
    await virtual.close();
  });
});

describe('a clock with a speed', () => {
  it('wakes sleepers when it is moved on, made faster, and aborted', async () => {
    const base = new VirtualClock();
    const clock = new SteeredClock({ base, startAt: 0, speed: 0 });
    const woken: string[] = [];
    const asleep = clock.sleep(1000).then(() => woken.push('one'));
    await clock.advance(999);
    await base.advance(1);
    expect(woken).toEqual([]);
    await clock.advance(1);
    await asleep;
    const later = clock.sleep(1000).then(() => woken.push('two'));
    clock.speed = 10;
    await base.advance(100);
    await later;
    expect(clock.now()).toBe(2000);
    const cut = new AbortController();
    const never = clock.sleep(1e12, cut.signal);
    cut.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
    expect([woken, base.pending]).toEqual([['one', 'two'], 0]);
  });
});
