import { describe, expect, it } from 'vitest';
import { SimulatedOntap } from '../../src/testing/index.ts';
import { call, Scene } from './raw-client.ts';

const RELATIONSHIPS = '/snapmirror/relationships';
const offline = { body: { state: 'offline' } };
const pathOf = (scene: Scene) => `/storage/volumes/${scene.volume.uuid}`;

describe('jobs', () => {
  it('run, succeed with code 0, and are gone 300 seconds after their end', async () => {
    const scene = new Scene();
    const { json } = await call(scene.source, 'PATCH', pathOf(scene), offline);
    const path = `/cluster/jobs/${json.job.uuid}`;
    const running = (await call(scene.source, 'GET', path)).json;
    expect(running).toMatchObject({
      uuid: json.job.uuid,
      description: `PATCH /api${pathOf(scene)}`,
      state: 'running',
      code: 0,
      start_time: '2026-01-01T00:00:00+00:00',
      svm: { name: 'svm1' },
    });
    expect(running).not.toHaveProperty('end_time');
    await scene.clock.advance(500);
    const ended = (await call(scene.source, 'GET', path)).json;
    expect(ended).toMatchObject({
      state: 'success',
      message: 'success',
      code: 0,
      end_time: '2026-01-01T00:00:00+00:00',
    });
    await scene.clock.advance(299_999);
    expect((await call(scene.source, 'GET', path)).status).toBe(200);
    await scene.clock.advance(1);
    const gone = await call(scene.source, 'GET', path);
    expect(gone.status).toBe(404);
    expect(gone.json.error).toEqual({ code: '4', message: "entry doesn't exist", target: 'uuid' });
  });

  it('fail with an integer code and, in the new shape only, an error with a text code', async () => {
    for (const [jobFailureShape, error] of [
      ['new', { code: '917536', message: expect.stringContaining('must be unmounted') }],
      ['old', undefined],
    ] as const) {
      const scene = new Scene({ switches: { jobFailureShape } });
      scene.volume.junctionPath = '/vol1';
      const answer = await call(scene.source, 'DELETE', pathOf(scene));
      const job = await scene.jobEnd(answer);
      expect(job).toMatchObject({
        state: 'failure',
        code: 917536,
        message: expect.stringContaining('must be unmounted'),
      });
      expect(job.error).toEqual(error);
    }
  });

  it('of a pause end at once or when it has drained, by switch', async () => {
    for (const [pauseJob, state] of [
      ['ends-at-once', 'snapmirrored'],
      ['waits-for-drain', 'paused'],
    ] as const) {
      const scene = new Scene({ switches: { pauseJob }, transferRate: 1000 });
      const uuid = await scene.mirrored();
      scene.volume.write('/more', 0, new Uint8Array(20_000).fill(9));
      await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
      const answer = await call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, { body: { state: 'paused' } });
      expect((await scene.jobEnd(answer)).state).toBe('success');
      expect((await scene.relationship(uuid)).state).toBe(state);
    }
  });

  it('of an initialise and a resync end with their transfer or before it, by switch', async () => {
    for (const [transferJob, initializing, resyncing] of [
      ['ends-when-started', 'transferring', 'transferring'],
      ['resync-waits', 'transferring', 'success'],
      ['waits', 'success', 'success'],
    ] as const) {
      const scene = new Scene({ switches: { transferJob }, transferRate: 1000 });
      const uuid = await scene.relate();
      const path = `${RELATIONSHIPS}/${uuid}`;
      const transferState = async () => {
        const answer = await call(scene.destination, 'PATCH', path, { body: { state: 'snapmirrored' } });
        await scene.jobEnd(answer);
        return (await scene.relationship(uuid)).transfer.state;
      };
      expect(await transferState()).toBe(initializing);
      await scene.drained(uuid);
      await scene.patch(uuid, { state: 'broken_off' });
      scene.volume.write('/more', 0, new Uint8Array(20_000).fill(9));
      expect(await transferState()).toBe(resyncing);
    }
  });
});

describe('switches', () => {
  it('resyncShows decides the state during a resync, and after an aborted one', async () => {
    for (const [resyncShows, type] of [
      ['broken_off', 'rw'],
      ['snapmirrored', 'dp'],
    ] as const) {
      const scene = new Scene({ switches: { resyncShows, transferJob: 'ends-when-started' }, transferRate: 1000 });
      const uuid = await scene.mirrored();
      await scene.patch(uuid, { state: 'broken_off' });
      scene.volume.write('/more', 0, new Uint8Array(20_000).fill(9));
      await scene.patch(uuid, { state: 'snapmirrored' });
      const record = await scene.relationship(uuid);
      expect(record).toMatchObject({ state: resyncShows, transfer: { state: 'transferring', type: 'resync' } });
      const transfer = `${RELATIONSHIPS}/${uuid}/transfers/${record.transfer.uuid}`;
      await call(scene.destination, 'PATCH', transfer, { body: { state: 'aborted' } });
      expect((await scene.relationship(uuid)).state).toBe(resyncShows);
      expect(scene.mirror.type).toBe(type);
    }
  });

  it('lagWhenUninitialized and lagWhenBrokenOff decide whether lag_time is there', async () => {
    for (const there of [true, false]) {
      const switches = {
        lagWhenUninitialized: there ? 'present' : 'absent',
        lagWhenBrokenOff: there ? 'present' : 'absent',
      } as const;
      const scene = new Scene({ switches });
      scene.volume.createSnapshot('old');
      const uuid = await scene.relate();
      await scene.clock.advance(7_200_000);
      expect((await scene.relationship(uuid)).lag_time).toBe(there ? 'PT2H' : undefined);
      await scene.update(uuid);
      await scene.patch(uuid, { state: 'broken_off' });
      expect('lag_time' in (await scene.relationship(uuid))).toBe(there);
    }
  });

  it('breakContactsSource: refused only by `always`, and not when forced', async () => {
    for (const [breakContactsSource, expected] of [
      ['never', 202],
      ['svm-dr', 202],
      ['always', 500],
    ] as const) {
      const scene = new Scene({ switches: { breakContactsSource } });
      const uuid = await scene.mirrored();
      scene.source.kill();
      const path = `${RELATIONSHIPS}/${uuid}`;
      const body = { state: 'broken_off' };
      expect((await call(scene.destination, 'PATCH', path, { body })).status).toBe(expected);
      if (expected === 202) continue;
      await scene.ok(scene.destination, 'PATCH', `${path}?force=true`, body);
      expect((await scene.relationship(uuid)).state).toBe('broken_off');
    }
  });

  it('the statuses of refused arguments and failed executions can be chosen', async () => {
    const scene = new Scene({ switches: { relationshipArgumentStatus: 422, relationshipExecutionStatus: 409 } });
    const uuid = await scene.relate();
    const path = `${RELATIONSHIPS}/${uuid}`;
    expect((await call(scene.destination, 'PATCH', path, { body: { state: 'asleep' } })).status).toBe(422);
    await scene.ok(scene.destination, 'POST', `${path}/transfers`, {});
    expect((await call(scene.destination, 'POST', `${path}/transfers`)).status).toBe(409);
  });

  it('unknownPathStatus, duplicateVolume, createOntoReadWrite, breakWhenBroken, breakUninitializedCode', async () => {
    const scene = new Scene({
      switches: {
        unknownPathStatus: 405,
        duplicateVolume: 'direct',
        createOntoReadWrite: 'refused',
        breakWhenBroken: 'accepted',
        breakUninitializedCode: '13303818',
      },
    });
    expect((await call(scene.source, 'GET', '/nonsense')).status).toBe(405);
    const body = { name: 'vol1', 'svm.name': 'svm1', aggregates: [{ name: 'aggr1' }] };
    expect((await call(scene.source, 'POST', '/storage/volumes', { body })).json.error.code).toBe('917526');
    const uuid = await scene.relate();
    const path = `${RELATIONSHIPS}/${uuid}`;
    const early = await call(scene.destination, 'PATCH', path, { body: { state: 'broken_off' } });
    expect(early.json.error.code).toBe('13303818');
    await scene.update(uuid);
    await scene.patch(uuid, { state: 'broken_off' });
    await scene.patch(uuid, { state: 'broken_off' });
    const reverse = { source: { path: 'svm1_dr:vol1' }, destination: { path: 'svm1:vol1' } };
    const refused = await call(scene.source, 'POST', RELATIONSHIPS, { body: reverse });
    expect(refused.json.error.code).toBe('6619546');
  });

  it('transferHistory, policyInDestinationsView, aggregatesInSvmScope, lateUpdateOfMissedSchedule', async () => {
    const scene = new Scene({
      switches: {
        transferHistory: 'active-only',
        policyInDestinationsView: 'present',
        aggregatesInSvmScope: 'listed',
        lateUpdateOfMissedSchedule: 'silent',
        svmPeersWithDeadPeerMs: 0,
      },
    });
    const uuid = await scene.mirrored({ schedule: 'hourly' });
    expect((await scene.ok(scene.destination, 'GET', `${RELATIONSHIPS}/${uuid}/transfers`)).num_records).toBe(0);
    const known = await scene.ok(
      scene.source,
      'GET',
      `${RELATIONSHIPS}?list_destinations_only=true&fields=policy.name`,
    );
    expect(known.records[0].policy.name).toBe('MirrorAllSnapshots');
    const headers = { 'x-dot-svm-name': 'svm1' };
    expect((await call(scene.source, 'GET', '/storage/aggregates', { headers })).json.num_records).toBe(2);
    scene.destination.addFault({ kind: 'transfer-stalls', path: '*/transfers' });
    await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
    await scene.clock.advance(7_200_000);
    expect((await scene.relationship(uuid)).healthy).toBe(true);
    scene.source.kill();
    const before = scene.clock.now();
    await call(scene.destination, 'GET', '/svm/peers');
    expect(scene.clock.now()).toBe(before);
  });

  it('visibilityDelayMs: reads lag behind changes, changes do not', async () => {
    const scene = new Scene({ switches: { visibilityDelayMs: 3000 } });
    scene.destination.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 2 ** 26, type: 'dp' });
    const ends = { source: { path: 'svm1:vol1' }, destination: { path: 'svm1_dr:vol1' } };
    const made = await call(scene.destination, 'POST', `${RELATIONSHIPS}?return_timeout=9&return_records=true`, {
      body: ends,
    });
    const { uuid } = made.json.records[0];
    const path = `${RELATIONSHIPS}/${uuid}`;
    expect((await call(scene.destination, 'GET', path)).status).toBe(404);
    await scene.ok(scene.destination, 'POST', `${path}/transfers`, {});
    await scene.clock.advance(3000);
    expect((await scene.relationship(uuid)).state).toBe('uninitialized');
    await scene.clock.advance(2000);
    expect((await scene.relationship(uuid)).state).toBe('snapmirrored');
    await scene.ok(scene.destination, 'DELETE', path);
    expect((await scene.relationship(uuid)).state).toBe('snapmirrored');
    await scene.clock.advance(3000);
    expect((await call(scene.destination, 'GET', path)).status).toBe(404);
  });
});

describe('faults on demand', () => {
  const cluster = (scene: Scene) => call(scene.source, 'GET', '/cluster');

  it('strike matching requests so often, after so many, and can be taken back', async () => {
    const scene = new Scene();
    scene.source.addFault({ kind: 'http', status: 503, path: '/cluster', times: 2, after: 1, retryAfterSeconds: 7 });
    expect((await call(scene.source, 'GET', '/storage/volumes')).status).toBe(200);
    const statuses = [];
    for (let count = 0; count < 4; count++) statuses.push((await cluster(scene)).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
    const takeBack = scene.source.addFault({ kind: 'http', status: 401, times: Number.POSITIVE_INFINITY });
    expect((await cluster(scene)).status).toBe(401);
    takeBack();
    expect((await cluster(scene)).status).toBe(200);
    scene.source.addFault({
      kind: 'http',
      status: 429,
      method: 'GET',
      path: /^\/clus/,
      code: '262160',
      retryAfterSeconds: 7,
    });
    const throttled = await cluster(scene);
    expect(throttled.headers.get('retry-after')).toBe('7');
    expect(throttled.json.error.code).toBe('262160');
  });

  it('refuse and reset break the connection before anything happens', async () => {
    const scene = new Scene();
    for (const [kind, code] of [
      ['refuse', 'ECONNREFUSED'],
      ['reset', 'ECONNRESET'],
    ] as const) {
      scene.source.addFault({ kind });
      await expect(call(scene.source, 'PATCH', pathOf(scene), offline)).rejects.toMatchObject({ cause: { code } });
    }
    await scene.clock.advance(1000);
    expect(scene.volume.state).toBe('online');
  });

  it('an answer is lost before the effect or after it', async () => {
    const scene = new Scene();
    for (const [when, state] of [
      ['before', 'online'],
      ['after', 'offline'],
    ] as const) {
      scene.source.addFault({ kind: 'answer-lost', when, method: 'PATCH' });
      await expect(call(scene.source, 'PATCH', pathOf(scene), offline)).rejects.toThrow('fetch failed');
      await scene.clock.advance(1000);
      expect(scene.volume.state).toBe(state);
    }
  });

  it('latency takes its time by the clock', async () => {
    const scene = new Scene({ latencyMs: 20 });
    scene.source.addFault({ kind: 'latency', ms: 5000 });
    const before = scene.clock.now();
    await cluster(scene);
    expect(scene.clock.now() - before).toBe(5020);
    await cluster(scene);
    expect(scene.clock.now() - before).toBe(5040);
  });

  it('busy answers 6619715', async () => {
    const scene = new Scene();
    scene.source.addFault({ kind: 'busy', method: 'PATCH' });
    expect((await call(scene.source, 'PATCH', pathOf(scene), offline)).json.error.code).toBe('6619715');
  });

  it('a job fails with the wanted code, without its effect or with it', async () => {
    for (const afterEffect of [false, true]) {
      const scene = new Scene();
      scene.source.addFault({ kind: 'job-fails', code: '13001', message: 'no luck', afterEffect });
      const job = await scene.jobEnd(await call(scene.source, 'PATCH', pathOf(scene), offline));
      expect(job).toMatchObject({ state: 'failure', code: 13001, error: { code: '13001', message: 'no luck' } });
      expect(scene.volume.state).toBe(afterEffect ? 'offline' : 'online');
    }
  });

  it('a job vanishes as soon as it has ended', async () => {
    const scene = new Scene();
    scene.source.addFault({ kind: 'job-vanishes' });
    const { json } = await call(scene.source, 'PATCH', pathOf(scene), offline);
    await scene.clock.advance(1000);
    expect((await call(scene.source, 'GET', `/cluster/jobs/${json.job.uuid}`)).status).toBe(404);
    expect(scene.volume.state).toBe('offline');
  });

  it('a read is stale, one time', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    await scene.patch(uuid, { state: 'paused' });
    scene.destination.addFault({ kind: 'stale-read', ms: 100, method: 'GET' });
    expect((await scene.relationship(uuid)).state).toBe('snapmirrored');
    expect((await scene.relationship(uuid)).state).toBe('paused');
  });

  it('a body is cut off or is no JSON', async () => {
    const scene = new Scene();
    scene.source.addFault({ kind: 'truncated' });
    await expect(cluster(scene)).rejects.toThrow('terminated');
    scene.source.addFault({ kind: 'malformed' });
    await expect(cluster(scene)).rejects.toThrow(SyntaxError);
  });

  it('a transfer fails half-way and the mirror is unhealthy, with its reason', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    scene.destination.addFault({ kind: 'transfer-fails', path: '*/transfers', message: 'a cable was pulled' });
    await scene.update(uuid);
    expect(await scene.relationship(uuid)).toMatchObject({
      state: 'snapmirrored',
      healthy: false,
      transfer: { state: 'failed' },
      unhealthy_reason: [{ message: 'a cable was pulled' }],
    });
    await scene.update(uuid);
    expect(await scene.relationship(uuid)).toMatchObject({ healthy: true, transfer: { state: 'success' } });
  });

  it('a stalled transfer never drains a pause; an abort does', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored();
    scene.destination.addFault({ kind: 'transfer-stalls', path: '*/transfers' });
    const path = `${RELATIONSHIPS}/${uuid}/transfers`;
    await scene.ok(scene.destination, 'POST', path, {});
    await scene.patch(uuid, { state: 'paused' });
    await scene.clock.advance(86_400_000);
    expect((await scene.relationship(uuid)).state).toBe('snapmirrored');
    const [{ uuid: transfer }] = (await scene.ok(scene.destination, 'GET', `${path}?state=transferring`)).records;
    await call(scene.destination, 'PATCH', `${path}/${transfer}`, { body: { state: 'aborted' } });
    expect((await scene.relationship(uuid)).state).toBe('paused');
  });

  it('a killed cluster refuses connections until it is revived', async () => {
    const scene = new Scene();
    scene.source.kill();
    await expect(cluster(scene)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    scene.source.revive();
    expect((await cluster(scene)).status).toBe(200);
  });

  it('the last requests are kept, and how many there were before', async () => {
    const scene = new Scene({ requestsKept: 10 });
    for (let count = 0; count < 25; count++)
      await call(scene.source, 'GET', `/cluster?fields=name&max_records=${count + 1}`);
    const { requests, requestsForgotten } = scene.world;
    expect([requestsForgotten, requests.length]).toEqual([10, 15]);
    expect(requests.map(({ query }) => Number(query.split('=')[2]))).toEqual(
      Array.from({ length: 15 }, (_, i) => i + 11),
    );
    const loaded = SimulatedOntap.load(scene.world.save());
    expect([loaded.requestsForgotten, loaded.requests.length]).toEqual([10, 15]);
  });

  it('requests are logged with status and time, and the most in flight at once are counted', async () => {
    const scene = new Scene({ latencyMs: 10 });
    await Promise.all([cluster(scene), cluster(scene), cluster(scene)]);
    expect(scene.world.inFlightPeak).toBe(3);
    expect(scene.world.requests[0]).toEqual({
      cluster: 'cluster1',
      method: 'GET',
      path: '/api/cluster',
      query: '',
      status: 200,
      at: scene.clock.now(),
    });
  });
});

describe('a world is repeatable', () => {
  it('the same seed gives the same uuids, names and answers', async () => {
    const story = async () => {
      const scene = new Scene();
      const uuid = await scene.mirrored();
      return [scene.world.describe(), await scene.relationship(uuid), scene.world.requests];
    };
    expect(await story()).toEqual(await story());
  });
});
