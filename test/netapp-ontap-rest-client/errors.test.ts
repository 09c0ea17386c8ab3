import { describe, expect, it } from 'vitest';
import { OntapError } from '../../src/netapp-ontap-rest-client/index.ts';
import { failureOf, refusal, reset, scriptedCluster } from './scripted-cluster.ts';

/** One attempt, so that the error itself is seen and not what retries make of it. */
async function errorOf(reply: Parameters<typeof scriptedCluster>[0][number]): Promise<OntapError> {
  const { client } = scriptedCluster([reply], { retry: { attempts: 1 } });
  const error = await failureOf(client.get('/cluster'));
  if (!(error instanceof OntapError)) throw error;
  return error;
}

const BUSY = 'Another transfer is in progress';

describe('an error of ONTAP', () => {
  it.each([
    ['4', 404, 'ONTAP_NOT_FOUND', false],
    ['4', 500, 'ONTAP_NOT_FOUND', false],
    ['15661', 400, 'ONTAP_NOT_FOUND', false],
    ['17105', 400, 'ONTAP_NOT_FOUND', false],
    ['917927', 400, 'ONTAP_NOT_FOUND', false],
    ['918235', 404, 'ONTAP_NOT_FOUND', false],
    ['53411842', 404, 'ONTAP_NOT_FOUND', false],
    ['8586226', 400, 'ONTAP_NOT_FOUND', false],
    ['1', 409, 'ONTAP_EXISTS', false],
    ['6619637', 400, 'ONTAP_EXISTS', false],
    ['917526', 400, 'ONTAP_EXISTS', false],
    ['53411860', 409, 'ONTAP_EXISTS', false],
    ['6', 403, 'ONTAP_DENIED', false],
    ['6', 401, 'ONTAP_UNAUTHENTICATED', false],
    ['6691623', 400, 'ONTAP_DENIED', false],
    ['3', 405, 'ONTAP_TOO_OLD', false],
    ['6619715', 400, 'ONTAP_BUSY', true],
    ['6619720', 400, 'ONTAP_BUSY', true],
    ['13303816', 400, 'ONTAP_BUSY', true],
    ['13304159', 400, 'ONTAP_BUSY', true],
    ['7018877', 400, 'ONTAP_BUSY', true],
    ['262160', 429, 'ONTAP_BUSY', true],
    ['7', 429, 'ONTAP_BUSY', true],
    ['8', 503, 'ONTAP_BUSY', true],
    ['7', 400, 'ONTAP_REJECTED', false],
    ['8', 409, 'ONTAP_REJECTED', false],
    ['424242', 503, 'ONTAP_BUSY', true],
    ['424242', 401, 'ONTAP_UNAUTHENTICATED', false],
    ['424242', 403, 'ONTAP_DENIED', false],
    ['262224', 500, 'ONTAP_PEER_UNREACHABLE', true],
    ['262179', 400, 'ONTAP_REJECTED', false],
    ['262197', 400, 'ONTAP_REJECTED', false],
    ['13303808', 500, 'ONTAP_REJECTED', false],
    ['424242', 400, 'ONTAP_REJECTED', false],
  ] as const)('with code %s under HTTP %i is %s', async (code, status, expected, retryable) => {
    const error = await errorOf(refusal(code, 'as ONTAP says it', status));
    expect(error).toMatchObject({
      code: expected,
      retryable,
      ontapCode: code,
      ontapMessage: 'as ONTAP says it',
      status,
    });
  });

  it.each(['13303808', '13303812', '13303844'])(
    '%s tells a running transfer from other reasons by its text',
    async (code) => {
      const text = `Transition to broken_off state failed. Reason:${BUSY}`;
      expect(await errorOf(refusal(code, text))).toMatchObject({
        code: 'ONTAP_TRANSFER_IN_PROGRESS',
        retryable: true,
        ontapMessage: text,
      });
    },
  );

  it('of any code is busy when something is temporarily locked', async () => {
    expect(await errorOf(refusal('424242', 'the volume is temporarily locked'))).toMatchObject({ code: 'ONTAP_BUSY' });
  });

  it('says what was attempted on what, where, and what to do, and keeps ONTAP’s target', async () => {
    const body = { error: { code: '4', message: "entry doesn't exist", target: 'uuid' } };
    const { client } = scriptedCluster([{ status: 404, body }]);
    const uuid = '11111111-2222';
    const error = await failureOf(
      client.get('/storage/volumes/{uuid}', {
        path: { uuid },
        query: { fields: ['name'] },
        attempted: 'read the volume',
        object: 'svm1:vol1',
      }),
    );
    expect(error).toMatchObject({
      message: "read the volume on cluster1: entry doesn't exist (ONTAP code 4)",
      attempted: 'read the volume',
      cluster: 'cluster1',
      object: 'svm1:vol1',
      method: 'GET',
      path: `/api/storage/volumes/${uuid}?fields=name`,
      ontapTarget: 'uuid',
      remedy: expect.stringContaining('Look the object up again'),
    });
  });

  it('may have a number for a code, and neither message nor arguments', async () => {
    expect(await errorOf({ status: 404, body: { error: { code: 4 } } })).toMatchObject({ code: 'ONTAP_NOT_FOUND' });
    expect(await errorOf({ status: 400, body: { error: {} } })).toMatchObject({ code: 'ONTAP_REJECTED' });
  });

  it('counts under a success’s status too', async () => {
    expect(await errorOf(refusal('4', 'gone', 200))).toMatchObject({ code: 'ONTAP_NOT_FOUND', status: 200 });
  });
});

describe('an answer that is not ONTAP’s', () => {
  it.each([
    [401, 'ONTAP_UNAUTHENTICATED', false],
    [403, 'ONTAP_DENIED', false],
    [404, 'ONTAP_BAD_RESPONSE', false],
    [400, 'ONTAP_BAD_RESPONSE', false],
    [500, 'ONTAP_BAD_RESPONSE', false],
    [301, 'ONTAP_BAD_RESPONSE', false],
    [302, 'ONTAP_BAD_RESPONSE', false],
    [429, 'ONTAP_BUSY', true],
    [503, 'ONTAP_BUSY', true],
    [502, 'ONTAP_UNREACHABLE', true],
    [504, 'ONTAP_UNREACHABLE', true],
  ] as const)('under HTTP %i is %s', async (status, code, retryable) => {
    const error = await errorOf({ status, body: '<html>gateway</html>' });
    expect(error).toMatchObject({ code, retryable, status, remedy: expect.any(String) });
    expect(error.ontapCode).toBeUndefined();
  });

  it.each([
    ['HTML', '<html>login</html>'],
    ['half a document', '{"records":['],
    ['a list', '[]'],
    ['a bare text', '"ok"'],
  ])('and holds %s is a bad response', async (_, body) => {
    expect(await errorOf({ body })).toMatchObject({ code: 'ONTAP_BAD_RESPONSE', retryable: false, status: 200 });
  });

  it('and leads elsewhere is not followed, whatever the transport', async () => {
    const { client, requests } = scriptedCluster([{ status: 307, headers: { location: 'https://evil.example.com' } }]);
    expect(await failureOf(client.get('/cluster'))).toMatchObject({ code: 'ONTAP_BAD_RESPONSE', status: 307 });
    expect(requests.map(({ redirect }) => redirect)).toEqual(['manual']);
  });

  it('is quoted, but not at length', async () => {
    const { details } = await errorOf({ body: `<html>${'x'.repeat(10_000)}` });
    expect(String(details['body'])).toMatch(/^<html>x+\.\.\.$/);
    expect(String(details['body']).length).toBeLessThan(400);
  });
});

describe('no answer at all', () => {
  const thrown = (code: string, extra: object = {}) =>
    Object.assign(new Error(`it broke: ${code}`), { code, ...extra });

  it.each([
    ['ECONNREFUSED', 'none'],
    ['ENOTFOUND', 'none'],
    ['EAI_AGAIN', 'none'],
    ['EHOSTUNREACH', 'none'],
    ['UND_ERR_CONNECT_TIMEOUT', 'none'],
    ['ECONNRESET', 'unknown'],
    ['EPIPE', 'unknown'],
    ['UND_ERR_SOCKET', 'unknown'],
  ])('%s is ONTAP_UNREACHABLE, and its effect is %s', async (code, effect) => {
    const { client } = scriptedCluster([thrown(code)], { retry: { attempts: 1 } });
    const error = await failureOf(client.post('/svm/peers', { body: {} }));
    if (effect === 'none')
      expect(error).toMatchObject({ code: 'ONTAP_UNREACHABLE', retryable: true, details: { effect } });
    else expect(error).toMatchObject({ code: 'ONTAP_OUTCOME_UNKNOWN', retryable: false, details: { effect } });
    expect(error).toMatchObject({ message: expect.stringContaining(code) });
  });

  it('a connection lost while TLS was being set up had no effect', async () => {
    const lost = new Error('Client network socket disconnected before secure TLS connection was established');
    const { client } = scriptedCluster([Object.assign(lost, { code: 'ECONNRESET' })], { retry: { attempts: 1 } });
    expect(await failureOf(client.post('/svm/peers', { body: {} }))).toMatchObject({ code: 'ONTAP_UNREACHABLE' });
  });

  it.each([
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_REVOKED',
    'EPROTO',
    'ERR_SSL_WRONG_VERSION_NUMBER',
  ])('%s is ONTAP_TLS: a retry cannot help, a remedy is given', async (code) => {
    const error = await errorOf(new TypeError('fetch failed', { cause: thrown(code) }));
    expect(error).toMatchObject({ code: 'ONTAP_TLS', retryable: false, remedy: expect.any(String) });
  });

  it('the code is found in whatever the failure is wrapped in', async () => {
    const attempts = new AggregateError([thrown('ECONNREFUSED', { syscall: 'connect' })], 'all failed');
    expect(await errorOf(new TypeError('fetch failed', { cause: attempts }))).toMatchObject({
      code: 'ONTAP_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('the cause is kept', async () => {
    expect((await errorOf(reset())).cause).toMatchObject({ code: 'UND_ERR_SOCKET', message: 'other side closed' });
  });
});

describe('a request that cannot be written', () => {
  it.each([
    ['a header with a line break', { svm: 'svm1\r\nX-Evil: 1' }],
    ['half a surrogate pair', { query: { 'ipspace.name': '\ud800' } }],
  ])('%s is refused and never repeated', async (_, request) => {
    const { client, requests, clock } = scriptedCluster([{}]);
    expect(await failureOf(client.get('/svm/svms', request))).toMatchObject({ code: 'ONTAP_REJECTED' });
    expect(requests).toHaveLength(0);
    expect(clock.pending).toBe(0);
  });
});
