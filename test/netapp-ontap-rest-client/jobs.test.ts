import { describe, expect, it } from 'vitest';
import type { Looked } from '../../src/netapp-ontap-rest-client/index.ts';
import { settled } from './manual-clock.ts';
import { failureOf, type Reply, refusal, reset, scriptedCluster } from './scripted-cluster.ts';

const JOB = '8f96bc52-93d1-11ee-a1b1-005056a7f6d4';
const job = (state: string, more: object = {}): Reply => ({ body: { uuid: JOB, state, ...more } });
const purged = refusal('4', "entry doesn't exist", 404);
/** Sleeps between polls, without time limits of requests. */
const polls = (slept: readonly number[]) => slept.filter((ms) => ms !== 60_000);

describe('waiting for a job', () => {
  it('ends when it has succeeded; queued, running and paused are not success', async () => {
    const { client, clock, requests } = scriptedCluster([
      job('queued'),
      job('running', { code: 0, message: 'half way' }),
      job('paused'),
      job('success', { code: 0, message: 'success' }),
    ]);
    const seen: string[] = [];
    const done = clock.drive(client.waitForJob(JOB, { onPoll: ({ state }) => seen.push(state) }));
    expect(await done).toEqual({ uuid: JOB, state: 'success', message: 'success' });
    expect(seen).toEqual(['queued', 'running', 'paused', 'success']);
    expect(requests[0]?.path).toBe(`/cluster/jobs/${JOB}?fields=*`);
  });

  it('polls at a quarter of a second first, then ever more slowly, ten seconds at most', async () => {
    const { client, clock } = scriptedCluster([...Array<Reply>(14).fill(job('running')), job('success')]);
    await clock.drive(client.waitForJob(JOB));
    const slept = polls(clock.slept);
    expect(slept.slice(0, 4)).toEqual([250, 250, 375, 563]);
    expect(slept.every((ms, at) => at === 0 || ms >= (slept[at - 1] ?? 0))).toBe(true);
    expect(slept.at(-1)).toBe(10_000);
  });

  it('does not tunnel into an SVM: jobs are the cluster’s', async () => {
    const { client, clock, requests } = scriptedCluster([job('success')]);
    await clock.drive(client.waitForJob(JOB, { svm: 'svm1' }));
    expect(requests[0]?.headers.has('x-dot-svm-name')).toBe(false);
  });

  it.each<[string, object, object]>([
    [
      'the old shape: a message and a number',
      { code: 4, message: "entry doesn't exist" },
      { code: 'ONTAP_NOT_FOUND', ontapCode: '4' },
    ],
    [
      'the new shape: an error with a code as text',
      { code: 918235, message: 'ignored', error: { code: '6', message: 'not authorized for that command' } },
      { code: 'ONTAP_DENIED', ontapCode: '6', ontapMessage: 'not authorized for that command' },
    ],
    [
      'a transfer in the way',
      { code: 13303808, message: 'Transition to broken_off state failed. Reason:Another transfer is in progress' },
      { code: 'ONTAP_TRANSFER_IN_PROGRESS', retryable: true },
    ],
    ['a code without a row', { code: 424242, message: 'odd' }, { code: 'ONTAP_JOB_FAILED', ontapCode: '424242' }],
    [
      'no code at all',
      { message: 'Complete: No suitable storage\ncan be found' },
      { code: 'ONTAP_JOB_FAILED', ontapMessage: 'Complete: No suitable storage\ncan be found' },
    ],
    ['code 0', { code: 0, message: 'odd' }, { code: 'ONTAP_JOB_FAILED', ontapCode: undefined }],
    ['nothing', {}, { code: 'ONTAP_JOB_FAILED' }],
  ])('fails with %s', async (_, fields, expected) => {
    const { client, clock } = scriptedCluster([job('running'), job('failure', fields)]);
    expect(await failureOf(clock.drive(client.waitForJob(JOB)))).toMatchObject({
      ...expected,
      object: JOB,
      cluster: 'cluster1',
      attempted: `wait for job ${JOB}`,
      details: { job: JOB },
    });
  });

  it('gets over network errors, busy answers and restarts while polling', async () => {
    const { client, clock } = scriptedCluster([
      reset(),
      job('running'),
      refusal('262160', 'too many requests', 429),
      { status: 502 },
      reset(),
      { status: 503 },
      reset(),
      job('success'),
    ]);
    expect(await clock.drive(client.waitForJob(JOB))).toMatchObject({ state: 'success' });
  });

  it('waits as long as a busy cluster asks it to', async () => {
    const busy = { status: 429, headers: { 'retry-after': '30' } };
    const { client, clock } = scriptedCluster([busy, job('success')]);
    const startedAt = clock.now();
    await clock.drive(client.waitForJob(JOB));
    expect(clock.now() - startedAt).toBe(250 + 30_000 + 250);
  });

  it('gives up after too many failed reads in a row, and says that the job may go on', async () => {
    const { client, clock, requests } = scriptedCluster([job('running'), reset()]);
    const error = await failureOf(clock.drive(client.waitForJob(JOB, { toleratedFailures: 3 })));
    expect(error).toMatchObject({ code: 'ONTAP_UNREACHABLE', retryable: true, object: JOB });
    expect(requests).toHaveLength(5);
  });

  it('does not tolerate what a further poll cannot mend', async () => {
    const { client, clock, requests } = scriptedCluster([{ status: 401 }]);
    expect(await failureOf(clock.drive(client.waitForJob(JOB)))).toMatchObject({ code: 'ONTAP_UNAUTHENTICATED' });
    expect(requests).toHaveLength(1);
  });

  it('an answer that is not a job is a bad response', async () => {
    const { client, clock } = scriptedCluster([{ body: { records: [] } }]);
    expect(await failureOf(clock.drive(client.waitForJob(JOB)))).toMatchObject({ code: 'ONTAP_BAD_RESPONSE' });
  });

  it('an abort while polling ends it at once and leaves no timer', async () => {
    const { client, clock } = scriptedCluster([job('running')]);
    const caller = new AbortController();
    const failed = failureOf(client.waitForJob(JOB, { signal: caller.signal }));
    await clock.advance(60_000);
    expect(clock.pending).toBe(1);
    caller.abort();
    expect(await failed).toMatchObject({ code: 'ABORTED' });
    expect(clock.pending).toBe(0);
  });

  it('a deadline ends it when it passes', async () => {
    const { client, clock } = scriptedCluster([job('paused')]);
    const failed = failureOf(clock.drive(client.waitForJob(JOB, { deadline: clock.now() + 30_000 })));
    expect(await failed).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(clock.pending).toBe(0);
  });
});

describe('a job whose record vanished', () => {
  const looking =
    (...seen: Looked[]) =>
    async () =>
      seen.shift() ?? 'unclear';

  it('has an unknown outcome when nobody looks', async () => {
    const { client, clock } = scriptedCluster([job('running'), purged]);
    expect(await failureOf(clock.drive(client.waitForJob(JOB)))).toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
      object: JOB,
      remedy: expect.any(String),
    });
  });

  it('has succeeded when the object shows it', async () => {
    const { client, clock } = scriptedCluster([job('running'), purged]);
    const done = clock.drive(client.waitForJob(JOB, { look: looking('unclear', 'happened') }));
    expect(await done).toEqual({ uuid: JOB, state: 'gone' });
  });

  it('has failed when the object shows that', async () => {
    const { client, clock } = scriptedCluster([job('running'), purged]);
    const done = clock.drive(client.waitForJob(JOB, { look: looking('not-happened') }));
    expect(await failureOf(done)).toMatchObject({ code: 'ONTAP_JOB_FAILED', details: { job: JOB } });
  });

  it('stays unknown when the object shows neither', async () => {
    const { client, clock } = scriptedCluster([job('running'), purged]);
    const done = clock.drive(client.waitForJob(JOB, { look: looking(), lookWithinMs: 1_000 }));
    expect(await failureOf(done)).toMatchObject({ code: 'ONTAP_OUTCOME_UNKNOWN' });
  });

  it('may not have appeared yet: a fresh job is given some seconds', async () => {
    const { client, clock } = scriptedCluster([purged, purged, job('running'), job('success')]);
    expect(await clock.drive(client.waitForJob(JOB))).toMatchObject({ state: 'success' });
  });

  it('after it was seen is looked at without further polls', async () => {
    const { client, clock, requests } = scriptedCluster([job('running'), purged]);
    await clock.drive(client.waitForJob(JOB, { look: looking('happened') }));
    expect(requests).toHaveLength(2);
  });

  it('that never appears is looked at in the end', async () => {
    const { client, clock } = scriptedCluster([purged]);
    expect(await clock.drive(client.waitForJob(JOB, { look: looking('happened') }))).toMatchObject({ state: 'gone' });
  });
});

describe('reading a job', () => {
  it.each<[string, Reply, object]>([
    ['a running one', job('running', { message: 'x' }), { state: 'running', message: 'x' }],
    [
      'a failed one is a value',
      job('failure', { code: 4, message: 'x' }),
      { state: 'failure', code: '4', message: 'x' },
    ],
    ['a purged one is gone', purged, { state: 'gone' }],
    ['a state of a later release counts as running', job('pausing'), { state: 'running' }],
  ])('%s', async (_, reply, expected) => {
    const { client } = scriptedCluster([reply]);
    expect(await client.job(JOB)).toMatchObject({ uuid: JOB, ...expected });
  });

  it('by `get`, also one that failed, is no failure of the call', async () => {
    const failed = { uuid: JOB, error: { code: '4', message: 'x' } };
    const { client } = scriptedCluster([{ body: failed }]);
    expect(await client.get('/cluster/jobs/{uuid}', { path: { uuid: JOB }, query: { fields: ['error'] } })).toEqual(
      failed,
    );
  });

  it('is tried again like any read', async () => {
    const { client, clock } = scriptedCluster([reset(), job('success')]);
    expect(await clock.drive(client.job(JOB))).toMatchObject({ state: 'success' });
  });
});

describe('waiting until something is visible', () => {
  it('reads again while it is missing, whether that is nothing or not found', async () => {
    const { client, clock } = scriptedCluster([purged, purged, { body: { uuid: 'v1' } }]);
    const read = () => client.get('/storage/volumes/{uuid}', { path: { uuid: 'v1' } });
    expect(await clock.drive(client.untilVisible(read))).toEqual({ uuid: 'v1' });
    const answers = [undefined, undefined, 'here'];
    expect(await clock.drive(client.untilVisible(async () => answers.shift()))).toBe('here');
  });

  it('gives up after the given time as not found', async () => {
    const { client, clock } = scriptedCluster([purged]);
    const startedAt = clock.now();
    const waiting = client.untilVisible(async () => undefined, { withinMs: 3_000, object: 'svm1:vol1' });
    expect(await failureOf(clock.drive(waiting))).toMatchObject({ code: 'ONTAP_NOT_FOUND', object: 'svm1:vol1' });
    expect(clock.now() - startedAt).toBe(3_000);
  });

  it('passes every other failure on', async () => {
    const { client, clock } = scriptedCluster([refusal('6', 'no', 403)]);
    expect(await failureOf(clock.drive(client.untilVisible(() => client.get('/cluster'))))).toMatchObject({
      code: 'ONTAP_DENIED',
    });
  });

  it('ends with the caller’s signal', async () => {
    const { client, clock } = scriptedCluster([purged]);
    const caller = new AbortController();
    const failed = failureOf(client.untilVisible(async () => undefined, { signal: caller.signal }));
    await settled();
    caller.abort();
    expect(await failed).toMatchObject({ code: 'ABORTED' });
    expect(clock.pending).toBe(0);
  });
});

describe('reading many jobs', () => {
  const uuid = (i: number) => `00000000-0000-0000-0000-${String(i).padStart(12, '0')}`;
  const page = (...records: object[]): Reply => ({ body: { records, num_records: records.length } });

  it('asks for a hundred at a time, leaves out those that are gone, and tells failures in either shape', async () => {
    const { client, clock, requests } = scriptedCluster([
      page(
        { uuid: uuid(0), state: 'success', code: 0 },
        { uuid: uuid(2), state: 'failure', code: 6619715, message: 'busy' },
      ),
      page({ uuid: uuid(100), state: 'queued' }),
    ]);
    const read = async () => {
      const found = [];
      for await (const one of client.jobs(Array.from({ length: 101 }, (_, i) => uuid(i)))) found.push(one);
      return found;
    };
    expect(await clock.drive(read())).toMatchObject([
      { uuid: uuid(0), state: 'success' },
      { uuid: uuid(2), state: 'failure', code: '6619715', error: { code: 'ONTAP_BUSY' } },
      { uuid: uuid(100), state: 'queued' },
    ]);
    expect(requests.map(({ path }) => path.split('%7C').length)).toEqual([100, 1]);
  });

  it('asks nothing for no job', async () => {
    const { client, requests } = scriptedCluster([]);
    for await (const one of client.jobs([])) throw new Error(`unexpected ${one.uuid}`);
    expect(requests).toEqual([]);
  });
});
