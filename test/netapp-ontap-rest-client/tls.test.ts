import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OntapRestClient, type OntapRestClientOptions } from '../../src/netapp-ontap-rest-client/index.ts';
import { type HttpCluster, httpCluster, json, silentServer } from './http-cluster.ts';
import { failureOf, type LogLine, recordingLogger } from './scripted-cluster.ts';

interface Certificate {
  readonly cert: string;
  readonly private: string;
}

const DAY_MS = 86_400_000;

function certificateFor(name: string, notAfterDate = new Date(Date.now() + DAY_MS)): Promise<Certificate> {
  return generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    notBeforeDate: new Date(Date.now() - 3 * DAY_MS),
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [{ type: 2, value: name }, ...(name === 'localhost' ? [{ type: 7 as const, ip: '127.0.0.1' }] : [])],
      },
    ],
  });
}

const auth = { user: 'admin', password: 'secret' };
let good: Certificate;
let otherName: Certificate;
let expired: Certificate;
let clientCertificate: Certificate;
let cluster: HttpCluster;

beforeAll(async () => {
  [good, otherName, expired, clientCertificate] = await Promise.all([
    certificateFor('localhost'),
    certificateFor('somewhere.example.com'),
    certificateFor('localhost', new Date(Date.now() - DAY_MS)),
    certificateFor('admin'),
  ]);
  cluster = await httpCluster((_, response) => json(response, { name: 'cluster1' }), {
    tls: { key: good.private, cert: good.cert },
  });
});

afterAll(() => cluster[Symbol.asyncDispose]());

async function readFrom(port: number, options: Partial<OntapRestClientOptions>): Promise<unknown> {
  const address = { host: 'localhost', port, auth };
  await using client = new OntapRestClient({
    ...address,
    retry: { attempts: 3, baseMs: 1 },
    ...options,
  } as OntapRestClientOptions);
  return await client.get('/cluster');
}

async function failureFrom(certificate: Certificate, options: Partial<OntapRestClientOptions>) {
  await using server = await httpCluster((_, response) => json(response, {}), {
    tls: { key: certificate.private, cert: certificate.cert },
  });
  const error = await failureOf(readFrom(server.port, options));
  return { error, requests: server.requests.length, opened: server.opened };
}

describe('TLS', () => {
  it('trusts a certificate whose authority is given, by name and by address', async () => {
    expect(await readFrom(cluster.port, { tls: { ca: good.cert } })).toEqual({ name: 'cluster1' });
    expect(await readFrom(cluster.port, { host: '127.0.0.1', tls: { ca: [otherName.cert, good.cert] } })).toEqual({
      name: 'cluster1',
    });
  });

  it('refuses a self-signed certificate nobody vouches for: no retry, no request, a remedy', async () => {
    const { error, requests, opened } = await failureFrom(good, {});
    expect(error).toMatchObject({ code: 'ONTAP_TLS', retryable: false, remedy: expect.stringContaining('tls.ca') });
    expect(requests).toBe(0);
    expect(opened).toBe(1);
  });

  it('refuses a certificate for another host', async () => {
    const { error } = await failureFrom(otherName, { tls: { ca: otherName.cert } });
    expect(error).toMatchObject({ code: 'ONTAP_TLS', retryable: false, remedy: expect.stringContaining('host name') });
  });

  it('refuses an expired certificate', async () => {
    const { error } = await failureFrom(expired, { tls: { ca: expired.cert } });
    expect(error).toMatchObject({ code: 'ONTAP_TLS', retryable: false, remedy: expect.stringContaining('expired') });
  });

  it('reports plain HTTP behind a TLS port as a TLS failure', async () => {
    await using server = await httpCluster((_, response) => json(response, {}));
    expect(await failureOf(readFrom(server.port, {}))).toMatchObject({ code: 'ONTAP_TLS', retryable: false });
  });

  it('gives up connecting to a port that stays silent, without effect, also for a change', async () => {
    await using server = await silentServer();
    const address = { host: 'localhost', port: server.port, auth, retry: { attempts: 1 } };
    await using client = new OntapRestClient({ ...address, connectTimeoutMs: 50 });
    expect(await failureOf(client.post('/svm/peers', { body: {} }))).toMatchObject({
      code: 'ONTAP_UNREACHABLE',
      details: { effect: 'none' },
      remedy: expect.stringContaining('firewall'),
    });
  });

  it('verifies nothing when told so, and warns once', async () => {
    const log: LogLine[] = [];
    const address = { host: 'localhost', port: cluster.port, auth };
    await using client = new OntapRestClient({
      ...address,
      tls: { verify: false },
      env: { logger: recordingLogger(log) },
    });
    await client.get('/cluster');
    await client.get('/cluster');
    const warnings = log.filter(({ level }) => level === 'warn');
    expect(warnings).toEqual([
      { level: 'warn', facts: { cluster: client.cluster }, message: expect.stringContaining('not verified') },
    ]);
  });

  it('verifying is silent', async () => {
    const log: LogLine[] = [];
    await readFrom(cluster.port, { tls: { ca: good.cert }, env: { logger: recordingLogger(log) } });
    expect(log.map(({ level }) => level)).toEqual(['debug']);
  });
});

describe('a client certificate', () => {
  it('takes the place of user and password', async () => {
    await using server = await httpCluster((_, response) => json(response, { name: 'cluster1' }), {
      tls: {
        key: good.private,
        cert: good.cert,
        ca: clientCertificate.cert,
        requestCert: true,
        rejectUnauthorized: true,
      },
    });
    const certificate = { certificate: clientCertificate.cert, key: clientCertificate.private };
    expect(await readFrom(server.port, { auth: certificate, tls: { ca: good.cert } })).toEqual({ name: 'cluster1' });
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('that does not go with its key is a TLS failure that names no part of the key', async () => {
    const certificate = { certificate: clientCertificate.cert, key: good.private };
    const error = await failureOf(readFrom(cluster.port, { auth: certificate, tls: { ca: good.cert } }));
    expect(error).toMatchObject({ code: 'ONTAP_TLS', retryable: false });
    expect(JSON.stringify(error)).not.toContain('PRIVATE KEY');
  });
});
