import { describe, expect, it } from 'vitest';
import { settled } from './manual-clock.ts';
import { failureOf, type Reply, refused, scriptedCluster } from './scripted-cluster.ts';

/** A step that answers when the test says so, and counts how many wait. */
function gate(heedsAbort = true) {
  const waiting: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const step = (_: unknown, signal: AbortSignal) =>
    new Promise<Reply>((resolve, reject) => {
      running += 1;
      most = Math.max(most, running);
      const end = (settle: () => void) => () => {
        running -= 1;
        settle();
      };
      waiting.push(end(() => resolve({ body: {} })));
      if (heedsAbort)
        signal.addEventListener(
          'abort',
          end(() => reject(signal.reason)),
          { once: true },
        );
    });
  return {
    step,
    open: () => waiting.shift()?.(),
    get running() {
      return running;
    },
    get most() {
      return most;
    },
  };
}

describe('requests in flight', () => {
  it('are never more than the limit, whatever is asked for, and all are served', async () => {
    const door = gate();
    const { client, requests } = scriptedCluster([door.step], { maxInFlight: 3 });
    const calls = Array.from({ length: 20 }, () => client.get('/cluster'));
    while (requests.length < 20 || door.running > 0) {
      await settled();
      expect(door.running).toBeLessThanOrEqual(3);
      door.open();
    }
    await Promise.all(calls);
    expect(door.most).toBe(3);
  });

  it('are sixteen by default', async () => {
    const door = gate();
    const { client } = scriptedCluster([door.step]);
    const calls = Array.from({ length: 40 }, () => client.get('/cluster').catch(() => {}));
    await settled();
    expect(door.running).toBe(16);
    for (let opened = 0; opened < 40; opened += 1) {
      door.open();
      await settled();
    }
    await Promise.all(calls);
  });

  it('hold no slot while they wait to be tried again', async () => {
    const { client, clock } = scriptedCluster([refused(), { body: { name: 'second' } }, { body: { name: 'first' } }], {
      maxInFlight: 1,
    });
    const first = client.get('/cluster');
    const second = client.get('/cluster');
    expect(await second).toEqual({ name: 'second' });
    expect(await clock.drive(first)).toEqual({ name: 'first' });
  });

  it('an abort while waiting for a turn ends the call at once, sends nothing and leaves no timer', async () => {
    const door = gate();
    const { client, clock, requests } = scriptedCluster([door.step], { maxInFlight: 1 });
    const caller = new AbortController();
    const first = client.get('/cluster');
    const queued = failureOf(client.get('/cluster', { signal: caller.signal, deadline: clock.now() + 10_000 }));
    await settled();
    caller.abort();
    expect(await queued).toMatchObject({ code: 'ABORTED' });
    door.open();
    await first;
    expect(requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('the deadline also ends waiting for a turn', async () => {
    const door = gate();
    const { client, clock, requests } = scriptedCluster([door.step], { maxInFlight: 1 });
    const first = client.get('/cluster');
    const queued = failureOf(client.get('/cluster', { deadline: clock.now() + 1_000 }));
    await clock.advance(1_000);
    expect(await queued).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    door.open();
    await first;
    expect(requests).toHaveLength(1);
  });

  it('an abort while the request is under way ends the call at once and leaves no timer', async () => {
    const door = gate();
    const { client, clock } = scriptedCluster([door.step]);
    const caller = new AbortController();
    const failed = failureOf(client.post('/svm/peers', { body: {}, signal: caller.signal }));
    await settled();
    expect(clock.pending).toBe(1);
    caller.abort(new Error('changed my mind'));
    expect(await failed).toMatchObject({
      code: 'ABORTED',
      cause: expect.objectContaining({ message: 'changed my mind' }),
    });
    expect(clock.pending).toBe(0);
    expect(door.running).toBe(0);
  });

  it('a transport that is slow to stop keeps its slot, not its caller', async () => {
    const door = gate(false);
    const { client, requests } = scriptedCluster([door.step], { maxInFlight: 1 });
    const caller = new AbortController();
    const failed = failureOf(client.get('/cluster', { signal: caller.signal }));
    await settled();
    caller.abort();
    expect(await failed).toMatchObject({ code: 'ABORTED' });
    const next = client.get('/cluster');
    await settled();
    expect(requests).toHaveLength(1);
    door.open();
    await settled();
    expect(requests).toHaveLength(2);
    door.open();
    await next;
  });
});

describe('the time limit of a request', () => {
  it('ends a read that gets no answer, which is then tried again', async () => {
    const door = gate();
    const { client, clock, requests } = scriptedCluster([door.step, { body: { name: 'cluster1' } }]);
    const startedAt = clock.now();
    expect(await clock.drive(client.get('/cluster'))).toEqual({ name: 'cluster1' });
    expect(requests).toHaveLength(2);
    expect(clock.now() - startedAt).toBe(60_125);
  });

  it('can be set for one call; a change that meets it has an unknown outcome', async () => {
    const door = gate();
    const { client, clock } = scriptedCluster([door.step]);
    const failed = failureOf(client.post('/svm/peers', { body: {}, timeoutMs: 1_500 }));
    await clock.advance(1_499);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(await failed).toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
      message: expect.stringContaining('no answer within 1500 ms'),
    });
    expect(clock.pending).toBe(0);
  });

  it('ends the call also when the transport is slow to stop, which keeps its slot meanwhile', async () => {
    const door = gate(false);
    const { client, clock, requests } = scriptedCluster([door.step], { maxInFlight: 1, retry: { attempts: 1 } });
    const failed = failureOf(client.get('/cluster', { timeoutMs: 1_000 }));
    const next = client.get('/cluster');
    await clock.advance(1_000);
    expect(await failed).toMatchObject({ code: 'ONTAP_UNREACHABLE' });
    expect(requests).toHaveLength(1);
    door.open();
    await settled();
    expect(requests).toHaveLength(2);
    door.open();
    await next;
  });

  it('does not run while the request waits for its turn', async () => {
    const door = gate();
    const { client, clock } = scriptedCluster([door.step], {
      maxInFlight: 1,
      requestTimeoutMs: 1_000,
      retry: { attempts: 1 },
    });
    const first = client.get('/cluster').catch(() => {});
    const second = client.get('/cluster');
    await clock.advance(999);
    door.open();
    await first;
    await clock.advance(999);
    door.open();
    await expect(second).resolves.toEqual({});
  });
});

describe('closing', () => {
  it('waits for what is under way and refuses what comes afterwards', async () => {
    const door = gate();
    const { client, requests } = scriptedCluster([door.step]);
    const underWay = client.get('/cluster');
    await settled();
    let closed = false;
    const closing = client.close().then(() => {
      closed = true;
    });
    await settled();
    expect(closed).toBe(false);
    door.open();
    await expect(underWay).resolves.toEqual({});
    await closing;
    expect(await failureOf(client.get('/cluster'))).toMatchObject({ code: 'ONTAP_UNREACHABLE', retryable: false });
    expect(requests).toHaveLength(1);
    await client.close();
  });

  it('does not wait for a call that was ended, however slow its transport is to stop', async () => {
    const { client } = scriptedCluster([gate(false).step]);
    const caller = new AbortController();
    const failed = failureOf(client.get('/cluster', { signal: caller.signal }));
    await settled();
    caller.abort();
    expect(await failed).toMatchObject({ code: 'ABORTED' });
    await client.close();
  });
});
