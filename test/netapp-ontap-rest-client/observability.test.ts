import { inspect } from 'node:util';
import { type Tracer as OpenTelemetryTracer, trace } from '@opentelemetry/api';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Span, Tracer } from '../../src/env.ts';
import { OntapRestClient } from '../../src/netapp-ontap-rest-client/index.ts';
import { failureOf, type Reply, refusal, refused, reset, scriptedCluster } from './scripted-cluster.ts';

function recordingTracer() {
  const spans: { name: string; attributes: Record<string, unknown>; status?: object; ended: boolean }[] = [];
  const tracer: Tracer = {
    startSpan(name, options) {
      const span: (typeof spans)[number] = { name, attributes: { ...options?.attributes }, ended: false };
      spans.push(span);
      const handle: Span = {
        setAttribute: (key, value) => {
          span.attributes[key] = value;
        },
        setStatus: (status) => {
          span.status = status;
        },
        end: () => {
          span.ended = true;
        },
      };
      return handle;
    },
  };
  return { spans, tracer };
}

describe('logging', () => {
  it('has a debug line for each request and a warning for each retry', async () => {
    const slow = async (): Promise<Reply> => {
      await clock.sleep(15);
      return { body: {} };
    };
    const { client, clock, log } = scriptedCluster([refusal('6619715', 'busy', 400), slow], { name: 'east' });
    await clock.drive(client.get('/storage/volumes/{uuid}', { path: { uuid: 'v1' } }));
    const where = { cluster: 'east', method: 'GET' };
    expect(log).toEqual([
      {
        level: 'debug',
        facts: { ...where, path: '/api/storage/volumes/v1', status: 400, ms: 0, attempt: 1, code: 'ONTAP_BUSY' },
        message: 'ONTAP request',
      },
      {
        level: 'warn',
        facts: { ...where, path: '/storage/volumes/{uuid}', attempt: 1, waitMs: 125, code: 'ONTAP_BUSY' },
        message: 'ONTAP request is tried again',
      },
      {
        level: 'debug',
        facts: { ...where, path: '/api/storage/volumes/v1', status: 200, ms: 15, attempt: 2 },
        message: 'ONTAP request',
      },
    ]);
  });
});

describe('tracing', () => {
  it('has a span for each request, named by its template, ended whatever happens', async () => {
    const { spans, tracer } = recordingTracer();
    const { client, clock } = scriptedCluster([reset(), { body: {} }], { env: { tracer } });
    await clock.drive(client.get('/storage/volumes/{uuid}', { path: { uuid: 'v1' } }));
    const shared = {
      'http.request.method': 'GET',
      'server.address': 'cluster1',
      'url.template': '/storage/volumes/{uuid}',
    };
    expect(spans).toEqual([
      {
        name: 'GET /storage/volumes/{uuid}',
        attributes: { ...shared, 'http.request.resend_count': 0 },
        status: { code: 2, message: 'ONTAP_UNREACHABLE' },
        ended: true,
      },
      {
        name: 'GET /storage/volumes/{uuid}',
        attributes: { ...shared, 'http.request.resend_count': 1, 'http.response.status_code': 200 },
        ended: true,
      },
    ]);
  });

  it('names pages behind links without their queries', async () => {
    const { spans, tracer } = recordingTracer();
    const next = { _links: { next: { href: '/api/storage/volumes?start.uuid=x' } } };
    const { client } = scriptedCluster([{ body: { records: [], ...next } }, { body: { records: [] } }], {
      env: { tracer },
    });
    await client.records('/storage/volumes').next();
    expect(spans.map(({ name }) => name)).toEqual(['GET /storage/volumes', 'GET /storage/volumes']);
  });

  it('takes a tracer of OpenTelemetry as it is', async () => {
    expectTypeOf<OpenTelemetryTracer>().toExtend<Tracer>();
    const { client } = scriptedCluster([{ body: { name: 'c' } }], { env: { tracer: trace.getTracer('test') } });
    expect(await client.get('/cluster')).toEqual({ name: 'c' });
  });
});

describe('secrets', () => {
  const password = 'p ä"ss/wörd+1';
  const forms = [
    password,
    encodeURIComponent(password),
    JSON.stringify(password).slice(1, -1),
    Buffer.from(password).toString('base64'),
    Buffer.from(`admin:${password}`).toString('base64'),
  ];
  const echo = `it was ${forms.join(' and ')}`;

  it.each<[string, Reply]>([
    ['in an error of ONTAP', { status: 400, body: { error: { code: '2', message: echo, target: forms[0] } } }],
    ['in a gateway’s page', { status: 500, body: `<html>${echo}</html>` }],
    ['in an unreadable success', { body: `{"user":"admin","password":"${password}"` }],
    ['in the failure of the transport', new TypeError('fetch failed', { cause: new Error(echo) })],
    ['in a busy answer', refusal('6619715', echo)],
  ])('never come out, even when they are echoed %s', async (_, reply) => {
    const { spans, tracer } = recordingTracer();
    const { client, clock, log } = scriptedCluster([reply], { auth: { user: 'admin', password }, env: { tracer } });
    const error = await failureOf(
      clock.drive(
        client.get('/svm/svms', {
          query: { name: password, 'ipspace.name': 'x' },
          attempted: `try ${password}`,
          object: password,
        }),
      ),
    );
    const said = [
      inspect(error, { depth: 20 }),
      JSON.stringify(error),
      String((error as Error).stack),
      JSON.stringify(log),
      JSON.stringify(spans),
    ];
    for (const text of said) for (const form of forms) expect(text).not.toContain(form);
    expect(said.join()).toContain('[redacted]');
  });

  it('never come out of an interrupted call either', async () => {
    const { client } = scriptedCluster([{}], { auth: { user: 'admin', password } });
    const error = await failureOf(
      client.get('/cluster', { attempted: `try ${password}`, signal: AbortSignal.abort() }),
    );
    expect(inspect(error, { depth: 20 })).not.toContain(password);
  });

  it('are not shown when a client is printed', () => {
    const client = new OntapRestClient({ host: 'cluster1', auth: { user: 'admin', password } });
    for (const form of forms) expect(inspect(client, { depth: 20, showHidden: true })).not.toContain(form);
  });

  it('of a failing job never come out', async () => {
    const { client, clock } = scriptedCluster([{ body: { uuid: 'j', state: 'failure', code: 2, message: echo } }], {
      auth: { user: 'admin', password },
    });
    const error = await failureOf(clock.drive(client.waitForJob('j')));
    for (const form of forms) expect(inspect(error, { depth: 20 })).not.toContain(form);
    expect(await failureOf(clock.drive(client.waitForJob('j')))).toMatchObject({
      ontapMessage: expect.stringContaining('it was [redacted]'),
    });
  });

  it('are not needed to say that nobody listens', async () => {
    const { client } = scriptedCluster([refused()], { retry: { attempts: 1 } });
    expect(await failureOf(client.get('/cluster'))).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
  });
});
