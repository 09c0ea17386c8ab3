import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/netapp-ontap-rest-client/index.ts';
import { settled } from './manual-clock.ts';
import { failureOf, type Reply, refusal, refused, reset, scriptedCluster } from './scripted-cluster.ts';

const CLUSTER = { body: { name: 'cluster1' } };
const peer = { path: { uuid: 'p1' } };
/** Time limits of requests are sleeps too; what is left are the waits between attempts. */
const waits = (slept: readonly number[]) => slept.filter((ms) => ms !== 60_000);

describe('a read', () => {
  it.each<[string, Reply]>([
    ['a reset connection', reset()],
    ['a refused connection', refused()],
    ['a restarting web server', { status: 502, body: 'Bad Gateway' }],
    ['a busy code', refusal('6619715')],
    ['a busy code in a success', refusal('6619720', 'propagating', 200)],
    ['too many requests', refusal('262160', 'too many', 429)],
    ['an overloaded cluster without a body', { status: 503 }],
    ['a temporary lock', refusal('12345', 'object is temporarily locked')],
  ])('is tried again after %s', async (_, reply) => {
    const { client, clock, requests, log } = scriptedCluster([reply, reply, CLUSTER]);
    await expect(clock.drive(client.get('/cluster'))).resolves.toEqual({ name: 'cluster1' });
    expect(requests).toHaveLength(3);
    expect(log.filter(({ level }) => level === 'warn')).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  it.each<[string, Reply]>([
    ['a refusal', refusal('262197')],
    ['a missing object', refusal('4', 'gone', 404)],
    ['wrong credentials', { status: 401 }],
    ['an unknown peer', refusal('262224')],
    ['a transfer in the way', refusal('13303844', 'Reason:Another transfer is in progress')],
    ['an answer that is not JSON', { body: '<html>' }],
    ['an untrusted certificate', Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })],
  ])('is not tried again after %s', async (_, reply) => {
    const { client, requests, clock } = scriptedCluster([reply]);
    await failureOf(client.get('/cluster'));
    expect(requests).toHaveLength(1);
    expect(waits(clock.slept)).toEqual([]);
  });

  it('gives up after the given number of attempts, with the last failure', async () => {
    const { client, clock, requests } = scriptedCluster([reset()], { retry: { attempts: 3 } });
    expect(await failureOf(clock.drive(client.get('/cluster')))).toMatchObject({ code: 'ONTAP_UNREACHABLE' });
    expect(requests).toHaveLength(3);
  });

  it('waits anything between nothing and a doubling limit, up to a cap', async () => {
    const retry = { attempts: 6, baseMs: 100, capMs: 1_000 };
    const waitsWith = async (next: number) => {
      const random = { next: () => next, uuid: () => '' };
      const { client, clock } = scriptedCluster([reset()], { retry, env: { random } });
      await failureOf(clock.drive(client.get('/cluster')));
      return waits(clock.slept);
    };
    expect(await waitsWith(0)).toEqual([0, 0, 0, 0, 0]);
    expect(await waitsWith(0.5)).toEqual([50, 100, 200, 400, 500]);
    expect(await waitsWith(0.999_999)).toEqual([100, 200, 400, 800, 1_000]);
  });

  it('stops when the next wait would exceed the budget', async () => {
    const retry = { attempts: 100, baseMs: 1_000, capMs: 1_000, budgetMs: 2_000 };
    const { client, clock, requests } = scriptedCluster([reset()], { retry });
    await failureOf(clock.drive(client.get('/cluster')));
    expect(requests).toHaveLength(5);
  });
});

describe('Retry-After', () => {
  it('in seconds is waited for, with jitter on top', async () => {
    const busy = { status: 429, headers: { 'retry-after': '7' } };
    const { client, clock } = scriptedCluster([busy, CLUSTER], { retry: { baseMs: 100 } });
    await clock.drive(client.get('/cluster'));
    expect(waits(clock.slept)).toEqual([7_050]);
  });

  it('as a date is waited for by the injected clock', async () => {
    const busy = { status: 503, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' } };
    const { client, clock } = scriptedCluster([busy, CLUSTER], { retry: { baseMs: 100 } });
    await clock.drive(client.get('/cluster'));
    expect(waits(clock.slept)).toEqual([30_050]);
  });

  it('in the past, or not understood, is no wait', async () => {
    const past = { status: 503, headers: { 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' } };
    const odd = { status: 503, headers: { 'retry-after': 'soon' } };
    const { client, clock } = scriptedCluster([past, odd, CLUSTER], { retry: { baseMs: 100 } });
    await clock.drive(client.get('/cluster'));
    expect(waits(clock.slept)).toEqual([50, 100]);
  });

  it('beyond the budget fails at once and says how long', async () => {
    const busy = { status: 503, headers: { 'retry-after': '3600' } };
    const { client, requests } = scriptedCluster([busy]);
    expect(await failureOf(client.get('/cluster'))).toMatchObject({
      code: 'ONTAP_BUSY',
      details: { retryAfterMs: 3_600_000 },
    });
    expect(requests).toHaveLength(1);
  });
});

describe('a change', () => {
  it('that never left is sent again', async () => {
    const { client, clock, requests } = scriptedCluster([refused(), refused(), { status: 201, body: {} }]);
    await clock.drive(client.post('/svm/peers', { body: { name: 'x' } }));
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST']);
  });

  it('that ONTAP refused because it was busy is sent again, with its body', async () => {
    const { client, clock, requests } = scriptedCluster([refusal('6619715'), { status: 201, body: {} }]);
    await clock.drive(client.post('/svm/peers', { body: { name: 'x' } }));
    expect(requests.map(({ body }) => body)).toEqual([{ name: 'x' }, { name: 'x' }]);
  });

  it.each<[string, Reply]>([
    ['reset', reset()],
    ['a gateway’s timeout', { status: 504 }],
    ['a gateway’s error', { status: 502, body: 'Bad Gateway' }],
    ['a server error that is not ONTAP’s', { status: 500, body: 'oops' }],
    ['an unreadable success', { status: 202, body: '<html>' }],
    ['ONTAP’s own timeout inside', refusal('65541', 'RPC: Remote system error', 500)],
  ])('whose answer was lost by %s is never sent twice blindly', async (_, reply) => {
    const { client, clock, requests } = scriptedCluster([reply, { status: 201, body: {} }]);
    const error = await failureOf(clock.drive(client.post('/svm/peers', { body: {} })));
    expect(requests).toHaveLength(1);
    expect(error).toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
      retryable: false,
      remedy: expect.any(String),
      details: { effect: 'unknown' },
    });
  });

  it('that is repeatable is sent again also then', async () => {
    const { client, clock, requests } = scriptedCluster([reset(), { body: {} }]);
    await clock.drive(client.patch('/svm/peers/{uuid}', { ...peer, body: { state: 'peered' }, repeatable: true }));
    expect(requests).toHaveLength(2);
  });

  it('that is repeatable, but whose every answer was lost, leaves the outcome unknown', async () => {
    const { client, clock } = scriptedCluster([reset(), refused()]);
    const change = client.patch('/svm/peers/{uuid}', { ...peer, body: {}, repeatable: true });
    expect(await failureOf(clock.drive(change))).toMatchObject({ code: 'ONTAP_OUTCOME_UNKNOWN' });
  });

  it('that is repeatable keeps a clear refusal of a later attempt', async () => {
    const { client, clock } = scriptedCluster([reset(), refusal('262197')]);
    const change = client.patch('/svm/peers/{uuid}', { ...peer, body: {}, repeatable: true });
    expect(await failureOf(clock.drive(change))).toMatchObject({ code: 'ONTAP_REJECTED', ontapCode: '262197' });
  });

  it('a repeatable DELETE that finds nothing after a lost answer has worked', async () => {
    const { client, clock } = scriptedCluster([reset(), refusal('4', "entry doesn't exist", 404)]);
    await expect(
      clock.drive(client.delete('/svm/peers/{uuid}', { ...peer, repeatable: true })),
    ).resolves.toBeUndefined();
  });

  it('a repeatable PATCH that finds nothing after a lost answer has not', async () => {
    const { client, clock } = scriptedCluster([reset(), refusal('4', "entry doesn't exist", 404)]);
    const change = client.patch('/svm/peers/{uuid}', { ...peer, body: {}, repeatable: true });
    expect(await failureOf(clock.drive(change))).toMatchObject({ code: 'ONTAP_NOT_FOUND' });
  });

  it('a DELETE that finds nothing at first is an error', async () => {
    const { client } = scriptedCluster([refusal('4', "entry doesn't exist", 404)]);
    expect(await failureOf(client.delete('/svm/peers/{uuid}', { ...peer, repeatable: true }))).toMatchObject({
      code: 'ONTAP_NOT_FOUND',
    });
  });
});

describe('while waiting to try again', () => {
  it('an abort ends the call at once and leaves no timer', async () => {
    const { client, clock, requests } = scriptedCluster([reset()]);
    const caller = new AbortController();
    const failed = failureOf(client.get('/cluster', { signal: caller.signal }));
    await settled();
    expect(clock.pending).toBe(1);
    caller.abort();
    const error = await failed;
    expect(error).toBeInstanceOf(InterruptedError);
    expect(error).toMatchObject({ code: 'ABORTED' });
    expect(clock.pending).toBe(0);
    expect(requests).toHaveLength(1);
  });

  it('the deadline ends the call when it passes, and leaves no timer', async () => {
    const busy = { status: 503, headers: { 'retry-after': '20' } };
    const { client, clock } = scriptedCluster([busy]);
    const failed = failureOf(client.get('/cluster', { deadline: clock.now() + 5_000 }));
    await clock.advance(4_999);
    expect(clock.pending).toBe(2);
    await clock.advance(1);
    expect(await failed).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(clock.pending).toBe(0);
  });

  it('a deadline that has passed, or an aborted signal, sends nothing', async () => {
    const { client, clock, requests } = scriptedCluster([CLUSTER]);
    expect(await failureOf(client.get('/cluster', { deadline: clock.now() }))).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    expect(await failureOf(client.get('/cluster', { signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' });
    expect(requests).toHaveLength(0);
  });
});
