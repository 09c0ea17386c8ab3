import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type SimulatedCluster, SimulatedOntap, VirtualClock } from '../../src/testing/index.ts';

let world: SimulatedOntap;
afterEach(() => world.close());

interface SocketAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, unknown>;
}

function ask(
  cluster: SimulatedCluster,
  path: string,
  options: RequestOptions & { body?: string; anonymous?: boolean } = {},
): Promise<SocketAnswer> {
  const { body, anonymous, ...rest } = options;
  const auth = anonymous ? undefined : `${cluster.user}:${cluster.password}`;
  const send = cluster.url.startsWith('https') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(`${cluster.url}/api${path}`, { ...(auth ? { auth } : {}), ...rest }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const cluster1 = () => world.cluster('cluster1');

describe('over HTTP', () => {
  it('each cluster has its own port, and describe() says where', async () => {
    world = new SimulatedOntap();
    expect(world.describe().clusters.map(({ url }) => url)).toEqual(['https://cluster1.sim', 'https://cluster2.sim']);
    await world.listen();
    const [one, two] = world.describe().clusters;
    expect(one).toMatchObject({
      name: 'cluster1',
      user: 'admin',
      svms: ['svm1', 'svm2'],
      aggregates: ['aggr1', 'aggr2'],
    });
    expect(one?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(two?.url).not.toBe(one?.url);
    for (const cluster of world.clusters) {
      const { status, body } = await ask(cluster, '//cluster/?fields=name');
      expect(status).toBe(200);
      expect(JSON.parse(body).name).toBe(cluster.name);
    }
  });

  it('carries bodies, statuses and headers', async () => {
    world = new SimulatedOntap({ operationMs: 0 });
    await world.listen();
    const body = JSON.stringify({ name: 'v', svm: { name: 'svm1' }, aggregates: [{ name: 'aggr1' }] });
    const made = await ask(cluster1(), '/storage/volumes', { method: 'POST', body });
    expect(made.status).toBe(202);
    expect(made.headers['location']).toBe('/api/storage/volumes?name=v');
    expect(cluster1().volume('svm1', 'v').type).toBe('rw');
    expect((await ask(cluster1(), '/cluster', { anonymous: true })).status).toBe(401);
  });

  it.each([false, true])('a killed cluster cuts every connection off, and keeps its port (tls: %s)', async (tls) => {
    world = new SimulatedOntap();
    await world.listen({ tls });
    const { url } = cluster1();
    const trust = tls ? { ca: world.tls?.ca ?? '' } : {};
    cluster1().kill();
    await expect(ask(cluster1(), '/cluster', trust)).rejects.toMatchObject({ code: 'ECONNRESET' });
    const other = createServer();
    const taken = once(other, 'error');
    other.listen(Number(new URL(url).port), '127.0.0.1');
    expect(await taken).toMatchObject([{ code: 'EADDRINUSE' }]);
    cluster1().revive();
    expect((await ask(cluster1(), '/cluster', trust)).status).toBe(200);
    expect(cluster1().url).toBe(url);
  });

  it('a cluster that is gone for a while is back when its time has come, for who connects then', async () => {
    const clock = new VirtualClock({ startAt: 0 });
    world = new SimulatedOntap({ clock });
    await world.listen();
    cluster1().goneFor(5000);
    await expect(ask(cluster1(), '/cluster')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await clock.advance(5000);
    expect((await ask(cluster1(), '/cluster')).status).toBe(200);
  });

  it('a failure of the simulator itself is answered with 500, and told', async () => {
    world = new SimulatedOntap();
    const failures: unknown[] = [];
    await world.listen({ onFailure: (error) => failures.push(error) });
    const bug = new Error('a bug');
    Object.assign(cluster1(), { handle: () => Promise.reject(bug) });
    const { status, body } = await ask(cluster1(), '/cluster');
    expect(status).toBe(500);
    expect(JSON.parse(body).error.message).toContain('a bug');
    await expect.poll(() => failures).toEqual([bug]);
  });

  it('connections are cut without an answer, and in the middle of one', async () => {
    world = new SimulatedOntap();
    await world.listen();
    cluster1().addFault({ kind: 'answer-lost', when: 'after' });
    await expect(ask(cluster1(), '/cluster')).rejects.toMatchObject({ code: 'ECONNRESET' });
    cluster1().addFault({ kind: 'truncated' });
    await expect(ask(cluster1(), '/cluster')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await ask(cluster1(), '/cluster')).status).toBe(200);
  });
});

describe('over HTTPS', () => {
  it('the server is signed by the authority of the world, for its address', async () => {
    world = new SimulatedOntap();
    await world.listen({ tls: true });
    const { ca = '' } = world.describe();
    expect(ca).toBe(world.tls?.ca);
    expect((await ask(cluster1(), '/cluster', { ca })).status).toBe(200);
    await expect(ask(cluster1(), '/cluster')).rejects.toMatchObject({
      code: expect.stringMatching(/CERT|SIGN|ISSUER/),
    });
    await expect(ask(cluster1(), '/cluster', { ca, servername: 'elsewhere.example' })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('a client certificate logs in as its user, a foreign one does not', async () => {
    world = new SimulatedOntap();
    await world.listen({ tls: true });
    const ca = world.tls?.ca ?? '';
    const own = cluster1().clientCertificate();
    expect((await ask(cluster1(), '/cluster', { ca, ...own, anonymous: true })).status).toBe(200);
    expect((await ask(cluster1(), '/cluster', { ca, anonymous: true })).status).toBe(401);
    const stranger = new SimulatedOntap();
    await stranger.listen({ tls: true });
    const foreign = stranger.cluster('cluster1').clientCertificate();
    expect((await ask(cluster1(), '/cluster', { ca, ...foreign, anonymous: true })).status).toBe(401);
    await stranger.close();
  });
});

describe('a virtual clock behind real sockets', () => {
  it.each([false, true])('does not run ahead of requests under way (tls: %s)', async (tls) => {
    const clock = new VirtualClock({ startAt: 0, autoAdvance: true });
    world = new SimulatedOntap({ clock });
    await world.listen({ tls });
    const options = tls ? { ca: world.tls?.ca ?? '' } : {};
    await ask(cluster1(), '/cluster', options);
    // A deadline far away is the only sleeper: it must not come due while the client is busy talking.
    let late = false;
    void clock.sleep(3_600_000).then(() => {
      late = true;
    });
    for (let count = 0; count < 40; count++) {
      await ask(cluster1(), '/cluster', options);
      expect(late).toBe(false);
    }
    expect(clock.now()).toBe(0);
  });

  it('waits inside the server cost no real time, and nobody is stuck', async () => {
    const clock = new VirtualClock({ startAt: 0, autoAdvance: true });
    world = new SimulatedOntap({ clock, latencyMs: 1000, operationMs: 30_000 });
    await world.listen();
    const { uuid } = cluster1().createVolume({ svm: 'svm1', name: 'v', sizeBytes: 2 ** 26 });
    const answers = await Promise.all([
      ask(cluster1(), '/cluster'),
      ask(cluster1(), `/storage/volumes/${uuid}?return_timeout=60`, { method: 'PATCH', body: '{"state":"offline"}' }),
      clock.sleep(500).then(() => ask(world.cluster('cluster2'), '/cluster')),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(clock.now()).toBe(31_000);
  });
});
