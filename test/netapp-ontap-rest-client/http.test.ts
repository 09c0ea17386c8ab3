import { describe, expect, it } from 'vitest';
import { ConfigError, OntapRestClient, type OntapRestClientOptions } from '../../src/netapp-ontap-rest-client/index.ts';
import { type Answering, httpCluster, json } from './http-cluster.ts';
import { failureOf } from './scripted-cluster.ts';

const auth = { user: 'admin', password: 'pässwörd:with colon' };

async function withClient<T>(
  answer: Answering,
  work: (client: OntapRestClient, cluster: Awaited<ReturnType<typeof httpCluster>>) => Promise<T>,
  options: Partial<OntapRestClientOptions> & { bind?: string } = {},
): Promise<T> {
  const { bind, ...rest } = options;
  await using cluster = await httpCluster(answer, bind === undefined ? {} : { host: bind });
  const address = { host: '127.0.0.1', port: cluster.port, scheme: 'http' } as const;
  const fast = { retry: { attempts: 2, baseMs: 1 } };
  await using client = new OntapRestClient({ ...address, auth, ...fast, ...rest } as OntapRestClientOptions);
  return await work(client, cluster);
}

describe('over HTTP', () => {
  it('a request carries its path, query, body, credentials and SVM, and nothing of the one before', async () => {
    await withClient(
      (_, response) => json(response, {}),
      async (client, { requests }) => {
        await client.post('/svm/peers', { query: { return_timeout: 5 }, body: { name: 'größe' }, svm: 'svm1' });
        await client.get('/storage/volumes', { query: { name: 'a&b', 'svm.name': 'x y', fields: ['name', 'size'] } });
        await client.delete('/svm/peers/{uuid}', { path: { uuid: 'a/../b' } });
        const credentials = `Basic ${Buffer.from('admin:pässwörd:with colon').toString('base64')}`;
        expect(requests).toMatchObject([
          {
            method: 'POST',
            url: '/api/svm/peers?return_timeout=5',
            body: '{"name":"größe"}',
            headers: {
              authorization: credentials,
              accept: 'application/json',
              'content-type': 'application/json',
              'x-dot-svm-name': 'svm1',
            },
          },
          { method: 'GET', url: '/api/storage/volumes?name=a%26b&svm.name=x%20y&fields=name,size', body: '' },
          { method: 'DELETE', url: '/api/svm/peers/a%2F%2E%2E%2Fb', body: '' },
        ]);
        expect(requests[1]?.headers).not.toHaveProperty('x-dot-svm-name');
        expect(requests[1]?.headers).not.toHaveProperty('content-type');
      },
    );
  });

  it('connections are kept and reused, and never more than the limit', async () => {
    await withClient(
      (_, response) => void setTimeout(() => json(response, {}), 5),
      async (client, cluster) => {
        await Promise.all(Array.from({ length: 30 }, () => client.get('/cluster')));
        expect(cluster.opened).toBeLessThanOrEqual(4);
        const before = cluster.opened;
        for (let call = 0; call < 5; call += 1) await client.get('/cluster');
        expect(cluster.opened).toBe(before);
      },
      { maxInFlight: 4 },
    );
  });

  it('closing closes the connections, after the requests under way', async () => {
    await withClient(
      (_, response) => void setTimeout(() => json(response, { name: 'cluster1' }), 30),
      async (client, cluster) => {
        const underWay = client.get('/cluster');
        await expect.poll(() => cluster.requests.length).toBe(1);
        await client.close();
        expect(await underWay).toEqual({ name: 'cluster1' });
        await expect.poll(() => cluster.open).toBe(0);
        expect(await failureOf(client.get('/cluster'))).toMatchObject({ code: 'ONTAP_UNREACHABLE' });
      },
    );
  });

  it('an answer that breaks off is not taken for an answer', async () => {
    await withClient(
      (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"name":');
        setTimeout(() => request.socket.destroy(), 5);
      },
      async (client, { requests }) => {
        expect(await failureOf(client.get('/cluster'))).toMatchObject({
          code: 'ONTAP_BAD_RESPONSE',
          retryable: true,
          status: 200,
        });
        expect(requests).toHaveLength(2);
        const change = client.change('post', '/storage/volumes', { body: {} });
        expect(await failureOf(change)).toMatchObject({ code: 'ONTAP_OUTCOME_UNKNOWN' });
        expect(requests).toHaveLength(3);
      },
    );
  });

  it('a refusal that breaks off is not taken for one either', async () => {
    await withClient(
      (request, response) => {
        response.writeHead(404, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"error":');
        setTimeout(() => request.socket.destroy(), 5);
      },
      async (client) => {
        expect(await failureOf(client.get('/cluster'))).toMatchObject({
          code: 'ONTAP_BAD_RESPONSE',
          retryable: true,
          status: 404,
        });
      },
    );
  });

  it('a connection that breaks before the answer is tried again for a read, and not for a change', async () => {
    await withClient(
      (request) => void request.socket.destroy(),
      async (client, { requests }) => {
        expect(await failureOf(client.get('/cluster'))).toMatchObject({ code: 'ONTAP_UNREACHABLE', retryable: true });
        expect(requests).toHaveLength(2);
        expect(await failureOf(client.post('/svm/peers', { body: {} }))).toMatchObject({
          code: 'ONTAP_OUTCOME_UNKNOWN',
        });
        expect(requests).toHaveLength(3);
      },
    );
  });

  it('nobody listening is known to be without effect, also for a change', async () => {
    const port = await withClient(
      (_, response) => json(response, {}),
      async (_, cluster) => cluster.port,
    );
    await using client = new OntapRestClient({ host: '127.0.0.1', port, scheme: 'http', auth, retry: { attempts: 1 } });
    expect(await failureOf(client.post('/svm/peers', { body: {} }))).toMatchObject({
      code: 'ONTAP_UNREACHABLE',
      details: { effect: 'none' },
      remedy: expect.stringContaining('Nothing listens'),
    });
  });

  it('a host name that does not exist says so', async () => {
    await using client = new OntapRestClient({ host: 'no-such-host.invalid', auth, retry: { attempts: 1 } });
    expect(await failureOf(client.get('/cluster'))).toMatchObject({
      code: 'ONTAP_UNREACHABLE',
      remedy: expect.stringContaining('name'),
    });
  });

  it('an answer that does not come in time ends the request and its connection', async () => {
    await withClient(
      () => {},
      async (client, cluster) => {
        expect(await failureOf(client.get('/cluster', { timeoutMs: 20 }))).toMatchObject({
          code: 'ONTAP_UNREACHABLE',
          message: expect.stringContaining('no answer within 20 ms'),
        });
        await expect.poll(() => cluster.open).toBe(0);
      },
    );
  });

  it('the time limit covers the body too', async () => {
    await withClient(
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{');
      },
      async (client) => {
        expect(await failureOf(client.get('/cluster', { timeoutMs: 20 }))).toMatchObject({ code: 'ONTAP_UNREACHABLE' });
      },
    );
  });

  it('redirects are not followed: the password stays where it was meant for', async () => {
    await withClient(
      (_, response) => json(response, {}, 302, { location: '/api/elsewhere' }),
      async (client, { requests }) => {
        expect(await failureOf(client.get('/cluster'))).toMatchObject({ code: 'ONTAP_BAD_RESPONSE', status: 302 });
        expect(requests).toHaveLength(1);
      },
    );
  });

  it('compressed answers are read', async () => {
    const { gzipSync } = await import('node:zlib');
    await withClient(
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        response.end(gzipSync('{"name":"cluster1"}'));
      },
      async (client) => expect(await client.get('/cluster')).toEqual({ name: 'cluster1' }),
    );
  });

  it('works on IPv6, with and without brackets', async () => {
    for (const host of ['::1', '[::1]']) {
      await withClient(
        (_, response) => json(response, { name: 'cluster1' }),
        async (client, { port }) => {
          expect(await client.get('/cluster')).toEqual({ name: 'cluster1' });
          expect(client.cluster).toBe(`[::1]:${port}`);
        },
        { bind: '::1', host },
      );
    }
  });

  it('a base URL may have a prefix, which links of pages get too', async () => {
    await using cluster = await httpCluster((request, response) => {
      const next = request.url?.includes('start')
        ? {}
        : { _links: { next: { href: '/api/cluster/nodes?start.name=n1' } } };
      json(response, { records: [{ name: request.url }], num_records: 1, ...next });
    });
    await using client = new OntapRestClient({ baseUrl: `http://127.0.0.1:${cluster.port}/clusters/c1/`, auth });
    const urls = [];
    for await (const { name } of client.records('/cluster/nodes')) urls.push(name);
    expect(urls).toEqual(['/clusters/c1/api/cluster/nodes', '/clusters/c1/api/cluster/nodes?start.name=n1']);
  });
});

describe('options that cannot be used', () => {
  const pem = '-----BEGIN CERTIFICATE-----';
  it.each<[string, object, string]>([
    ['an empty host', { host: '' }, 'host'],
    ['a host with a port', { host: 'cluster1:443' }, 'host'],
    ['a URL as host', { host: 'https://cluster1' }, 'host'],
    ['a host with a path', { host: 'cluster1/api' }, 'host'],
    ['a host with a user', { host: 'admin@cluster1' }, 'host'],
    ['a port out of range', { host: 'c', port: 70_000 }, 'port'],
    ['a base URL of another kind', { baseUrl: 'ftp://cluster1' }, 'baseUrl'],
    ['a base URL with credentials', { baseUrl: 'https://a:b@cluster1' }, 'baseUrl'],
    ['a base URL with a query', { baseUrl: 'https://cluster1?x=1' }, 'baseUrl'],
    ['no requests at all', { host: 'c', maxInFlight: 0 }, 'maxInFlight'],
    ['half a request', { host: 'c', maxInFlight: 1.5 }, 'maxInFlight'],
    ['no time', { host: 'c', requestTimeoutMs: 0 }, 'requestTimeoutMs'],
    ['no attempt', { host: 'c', retry: { attempts: 0 } }, 'retry.attempts'],
    ['a user with a colon', { host: 'c', auth: { user: 'a:b', password: 'x' } }, 'auth.user'],
    [
      'a certificate that is not PEM',
      { host: 'c', auth: { certificate: '/etc/cert.pem', key: pem } },
      'auth.certificate',
    ],
    [
      'a certificate over http',
      { host: 'c', scheme: 'http', auth: { certificate: pem, key: pem } },
      'auth.certificate',
    ],
    ['a CA that is a file name', { host: 'c', tls: { ca: 'ca.pem' } }, 'tls.ca'],
  ])('%s', (_, options, option) => {
    const make = () =>
      new OntapRestClient({ auth: { user: 'u', password: 'p' }, ...options } as OntapRestClientOptions);
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(expect.objectContaining({ problems: [expect.objectContaining({ option })] }));
  });

  it('are reported all at once', () => {
    const make = () => new OntapRestClient({ host: '', auth, maxInFlight: -1, tls: { ca: 'x' } });
    expect(make).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        problems: [expect.anything(), expect.anything(), expect.anything()],
      }),
    );
  });
});
