import { describe, expect, it, vi } from 'vitest';
import type { Looked } from '../../src/netapp-ontap-rest-client/index.ts';
import { settled } from './manual-clock.ts';
import { failureOf, type Reply, refusal, reset, scriptedCluster } from './scripted-cluster.ts';

const JOB = '8f96bc52-93d1-11ee-a1b1-005056a7f6d4';
const link = { uuid: JOB, _links: { self: { href: `/api/cluster/jobs/${JOB}` } } };
const relationship = { path: { uuid: 'r1' } };

describe('the answer to a change', () => {
  it.each<[string, Reply, object]>([
    ['200 without a job', { body: {} }, { done: true, body: {} }],
    ['200 without a body', { status: 200 }, { done: true }],
    ['201 with an empty object', { status: 201, body: {} }, { done: true }],
    ['201 with what was created', { status: 201, body: { num_records: 1, records: [{ uuid: 'r1' }] } }, { done: true }],
    ['204', { status: 204 }, { done: true }],
    ['200 that still names its finished job', { status: 200, body: { job: link } }, { done: true }],
    ['201 that still names its finished job', { status: 201, body: { job: link } }, { done: true }],
    [
      '202 whose job has succeeded already',
      { status: 202, body: { job: { ...link, state: 'success' } } },
      { done: true },
    ],
    [
      'a collection without a match',
      { status: 200, body: { num_records: 0 } },
      { done: true, body: { num_records: 0 } },
    ],
    ['an accepted change of a collection without a match', { status: 202, body: { num_records: 0 } }, { done: true }],
    ['202 with a job', { status: 202, body: { job: link } }, { done: false, job: JOB, jobs: [JOB] }],
    ['200 whose job still runs', { body: { job: { ...link, state: 'running' } } }, { done: false, job: JOB }],
    [
      '202 with several jobs and num_records',
      { status: 202, body: { jobs: [link, { uuid: 'j2' }], num_records: 2 } },
      { done: false, job: JOB, jobs: [JOB, 'j2'] },
    ],
    ['202 with num_jobs', { status: 202, body: { jobs: [{ uuid: 'j2' }], num_jobs: 1 } }, { done: false, job: 'j2' }],
  ])('%s', async (_, reply, expected) => {
    const { client } = scriptedCluster([reply]);
    const change = client.change('patch', '/snapmirror/relationships/{uuid}', { ...relationship, body: {} });
    expect(await change).toMatchObject(expected);
  });

  it.each<[string, Reply, string]>([
    [
      'a job that failed, new shape',
      { body: { job: { ...link, state: 'failure', error: { code: '917526', message: 'x' } } } },
      'ONTAP_EXISTS',
    ],
    [
      'a job that failed, old shape',
      { status: 202, body: { job: { ...link, state: 'failure', code: 4, message: 'x' } } },
      'ONTAP_NOT_FOUND',
    ],
    [
      'a job link that carries an error',
      { status: 202, body: { job: { ...link, error: { code: '6619715', message: 'x' } } } },
      'ONTAP_BUSY',
    ],
    [
      'one failed job of several',
      { status: 202, body: { jobs: [link, { uuid: 'j2', state: 'failure' }] } },
      'ONTAP_JOB_FAILED',
    ],
    [
      'an error beside the count',
      { body: { num_records: 3, error: { code: '262197', message: 'x' } } },
      'ONTAP_REJECTED',
    ],
    ['jobs that are no list', { status: 202, body: { jobs: 'many' } }, 'ONTAP_BAD_RESPONSE'],
    ['a job without a uuid', { status: 202, body: { job: {} } }, 'ONTAP_BAD_RESPONSE'],
  ])('%s is a failure', async (_, reply, code) => {
    const { client, clock } = scriptedCluster([reply]);
    const change = client.change('patch', '/snapmirror/relationships/{uuid}', { ...relationship, body: {} });
    expect(await failureOf(clock.drive(change))).toMatchObject({ code });
  });

  it('202 that names no job leaves the outcome to be looked at', async () => {
    const { client } = scriptedCluster([{ status: 202, body: {} }]);
    const request = { body: { name: 'vol1' } };
    expect(await failureOf(client.change('post', '/storage/volumes', request))).toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
    });
    const look = async (): Promise<Looked> => 'happened';
    expect(await client.change('post', '/storage/volumes', { ...request, look })).toMatchObject({ done: true });
  });

  it('a change of a collection that ran out of time is continued behind its link, by the same verb', async () => {
    const rest = '/api/storage/volumes?start.uuid=v7&name=tmp*';
    const { client, requests } = scriptedCluster([
      { status: 202, body: { jobs: [{ uuid: 'j1' }], num_records: 1, _links: { next: { href: rest } } } },
      { status: 202, body: { jobs: [{ uuid: 'j2' }], num_records: 1 } },
    ]);
    const body = { state: 'offline' } as const;
    const change = await client.change('patch', '/storage/volumes', { query: { name: 'tmp' }, body, svm: 'svm1' });
    expect(change).toEqual({ done: false, job: 'j1', jobs: ['j1', 'j2'] });
    expect(requests.map(({ method, path, body: sent }) => [method, path, sent])).toEqual([
      ['PATCH', '/storage/volumes?name=tmp', body],
      ['PATCH', '/storage/volumes?start.uuid=v7&name=tmp*', body],
    ]);
    expect(requests.map(({ headers }) => headers.get('x-dot-svm-name'))).toEqual(['svm1', 'svm1']);
  });
});

describe('return_timeout', () => {
  it.each([
    [undefined, null],
    [0, '0'],
    [30, '30'],
    [120, '120'],
    [600, '120'],
    [-1, '0'],
  ])('asked for as %s is sent as %s', async (returnTimeoutSeconds, sent) => {
    const { client, requests } = scriptedCluster([{ status: 201, body: {} }]);
    await client.change('post', '/storage/volumes', { body: {}, returnTimeoutSeconds });
    expect(requests[0]?.query.get('return_timeout')).toBe(sent);
  });

  it('is added to the time limit of the request', async () => {
    const { client, clock } = scriptedCluster([{ status: 201, body: {} }], { requestTimeoutMs: 5_000 });
    await client.change('post', '/storage/volumes', { body: {}, returnTimeoutSeconds: 30 });
    expect(clock.slept).toEqual([35_000]);
  });
});

describe('a change whose answer was lost', () => {
  const create = { body: { name: 'vol1' }, object: 'svm1:vol1' };

  it('before it had its effect, and after: looking tells them apart, and nothing is sent twice', async () => {
    for (const arrived of [false, true]) {
      const volumes = new Set<string>();
      const { client, requests, clock } = scriptedCluster([
        () => {
          if (arrived) volumes.add('vol1');
          return reset();
        },
      ]);
      const look = async (): Promise<Looked> => (volumes.has('vol1') ? 'happened' : 'not-happened');
      const change = clock.drive(client.change('post', '/storage/volumes', { ...create, look }));
      if (arrived) expect(await change).toEqual({ done: true, body: undefined });
      else
        expect(await failureOf(change)).toMatchObject({
          code: 'ONTAP_UNREACHABLE',
          retryable: true,
          details: { effect: 'none' },
        });
      expect(requests).toHaveLength(1);
    }
  });

  it('is ONTAP_OUTCOME_UNKNOWN when nobody looks, with what happened and what to do', async () => {
    const { client } = scriptedCluster([reset()]);
    expect(await failureOf(client.change('post', '/storage/volumes', create))).toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
      object: 'svm1:vol1',
      path: '/api/storage/volumes',
      message: 'POST /storage/volumes on cluster1: the answer was lost: no answer (UND_ERR_SOCKET)',
      cause: expect.objectContaining({ code: 'ONTAP_UNREACHABLE' }),
    });
  });

  it('is looked at again while it is unclear: ONTAP may for seconds not show what it did', async () => {
    const seen: Looked[] = ['unclear', 'unclear', 'unclear', 'happened'];
    const look = vi.fn(async (): Promise<Looked> => seen.shift() ?? 'unclear');
    const { client, clock } = scriptedCluster([reset()]);
    const change = clock.drive(client.change('post', '/storage/volumes', { ...create, look }));
    expect(await change).toMatchObject({ done: true });
    expect(look).toHaveBeenCalledTimes(4);
  });

  it('that stays unclear is ONTAP_OUTCOME_UNKNOWN once the time for looking is over', async () => {
    const { client, clock } = scriptedCluster([reset()]);
    const startedAt = clock.now();
    const look = async (): Promise<Looked> => 'unclear';
    const change = client.change('post', '/storage/volumes', { ...create, look, lookWithinMs: 5_000 });
    expect(await failureOf(clock.drive(change))).toMatchObject({ code: 'ONTAP_OUTCOME_UNKNOWN' });
    expect(clock.now() - startedAt).toBe(5_000);
  });

  it('is ONTAP_OUTCOME_UNKNOWN when looking fails for good, and looked at again when it fails for now', async () => {
    const { client, clock } = scriptedCluster([reset(), refusal('6', 'not authorized', 403)]);
    const look = async (): Promise<Looked> => {
      await client.get('/storage/volumes');
      return 'happened';
    };
    const change = client.change('post', '/storage/volumes', { ...create, look });
    expect(await failureOf(clock.drive(change))).toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
      cause: expect.objectContaining({ code: 'ONTAP_DENIED' }),
    });

    const down = scriptedCluster([reset(), reset(), { body: {} }], { retry: { attempts: 1 } });
    const lookLater = async (): Promise<Looked> => {
      await down.client.get('/storage/volumes');
      return 'happened';
    };
    const settledLater = down.client.change('post', '/storage/volumes', { ...create, look: lookLater });
    expect(await down.clock.drive(settledLater)).toMatchObject({ done: true });
  });

  it('is abandoned promptly, while it is looked at, when the caller aborts', async () => {
    const { client, clock } = scriptedCluster([reset()]);
    const caller = new AbortController();
    const look = async (): Promise<Looked> => 'unclear';
    const failed = failureOf(client.change('post', '/storage/volumes', { ...create, look, signal: caller.signal }));
    await settled();
    expect(clock.pending).toBe(1);
    caller.abort();
    expect(await failed).toMatchObject({ code: 'ABORTED' });
    expect(clock.pending).toBe(0);
  });
});
