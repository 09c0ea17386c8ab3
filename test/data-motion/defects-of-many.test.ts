/** Defects of the original (rest-facts section 7) that show with several mirrors, targets or jobs, and in what verbs report. */
import { describe, expect, it } from 'vitest';
import { failure, MIB, MINUTE, nativeConfiguration, SECOND, Stage, type StageOptions } from '../scenarios/harness.ts';

const SELECTION = { source: 'east', target: 'west' };

describe('defect 15: a lag that is absent', () => {
  it('stays absent and stops nobody: before the baseline, and in sync', async () => {
    await using stage = await Stage.open();
    await stage.dataMotion.createSnapmirror(stage.pair, { policy: 'Sync' });
    const [initializing] = await stage.dataMotion.getSnapmirrors(SELECTION);
    expect(initializing).toMatchObject({ protection: 'initializing', lagSeconds: undefined });
    await stage.dataMotion.createSnapmirror(stage.pair, { policy: 'Sync', waitForBaseline: true });
    const [inSync] = await stage.dataMotion.getSnapmirrors(SELECTION);
    expect(inSync).toMatchObject({ protection: 'protected', lagSeconds: undefined });
    const broken = await stage.dataMotion.breakSnapmirrors(SELECTION);
    expect(broken).toMatchObject([{ ok: true, result: { relationship: { state: 'broken_off' } } }]);
  });
});

describe('defect 16: what is mirrored but unhealthy', () => {
  it('is told from what is protected, however small its lag', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const query = { source: 'east', target: 'west' };
    expect(await stage.dataMotion.getSnapmirrors(query)).toMatchObject([{ protection: 'protected' }]);
    stage.write(stage.source);
    stage.west.addFault({ kind: 'transfer-fails', method: 'POST', path: '*/transfers' });
    await stage.dataMotion.updateSnapmirror(stage.pair, { wait: true }).catch(() => {});
    const [mirror] = await stage.dataMotion.getSnapmirrors(query);
    expect(mirror).toMatchObject({ state: 'snapmirrored', healthy: false, protection: 'unhealthy' });
    expect(mirror?.lagSeconds).toBeLessThan(60);
  });
});

describe('defect 17: a break of one target', () => {
  const TWO_TARGETS: StageOptions = {
    world: {
      clusters: [
        { name: 'cluster1', svms: ['svm1'] },
        { name: 'cluster2', svms: ['svm1_dr'] },
        { name: 'cluster3', svms: ['svm1_far'] },
      ],
    },
    configuration: (world) => {
      const native = nativeConfiguration(world);
      const { east, west } = native.backends;
      const aggregates = { aggr1: 'aggr1', aggr2: 'aggr2' };
      const north = { ...west, host: 'cluster3.sim', svm: 'svm1_far' };
      const targets = ['west', 'north'].map((backend) => ({ backend, aggregates }));
      return { ...native, backends: { east: { ...east, targets }, west, north } };
    },
  };

  it('leaves the mirrors to the others alone, and ensure keeps both up', async () => {
    await using stage = await Stage.open(TWO_TARGETS);
    const made = await stage.dataMotion.ensureSnapmirrors({ source: 'east' }, { waitForBaseline: true });
    expect(made.map(({ ok, pair }) => [ok, pair.destination.backend])).toEqual([
      [true, 'west'],
      [true, 'north'],
    ]);
    const start = stage.world.requests.length;
    const broken = await stage.dataMotion.breakSnapmirrors({ source: 'east', target: 'north' });
    expect(broken).toMatchObject([{ ok: true, pair: { destination: { backend: 'north' } } }]);
    expect(stage.world.requests.slice(start).filter(({ cluster }) => cluster === 'cluster2')).toEqual([]);
    const states = async (target: string) =>
      (await stage.dataMotion.getSnapmirrors({ source: 'east', target })).map(({ state }) => state);
    expect([await states('west'), await states('north')]).toEqual([['snapmirrored'], ['broken_off']]);
    const ready = await stage.dataMotion.checkReadiness(SELECTION);
    expect(ready.checks.find(({ name, backend }) => name === 'conflicts' && backend === 'east')).toMatchObject({
      ok: true,
      detail: expect.stringContaining('also mirrored: vol1 to svm1_far:vol1'),
    });
  });
});

describe('defect 23: a synchronous mirror', () => {
  it('is initialised as any other, and follows', async () => {
    await using stage = await Stage.open();
    const made = await stage.dataMotion.createSnapmirror(stage.pair, { policy: 'Sync', waitForBaseline: true });
    expect(made.actions).toContain('start-replication');
    expect(made.relationship?.state).toBe('in_sync');
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });
});

describe('defect 30: several names in one query', () => {
  it('are alternatives, not one name with commas', async () => {
    await using stage = await Stage.open({ world: { operationMs: 40 * SECOND, transferRate: MIB } });
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      stage.east.createVolume({ svm: 'svm1', name, sizeBytes: 40 * MIB });
    }
    const outcomes = await stage.dataMotion.ensureSnapmirrors({ source: 'east' }, { waitForBaseline: true });
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
    const asked = stage.world.requests.filter(({ path }) => path === '/api/cluster/jobs');
    expect(asked.some(({ query }) => /uuid=[0-9a-f-]{36}(\||%7C)/i.test(query))).toBe(true);
    expect(asked.filter(({ query }) => /uuid=[0-9a-f-]{36}(,|%2C)/i.test(query))).toEqual([]);
  });
});

describe('defect 33: what is reported as done was seen to be so', () => {
  it.each(['paused', 'broken_off', 'snapmirrored'])(
    'a change to %s that is answered and never comes is no success',
    async (state) => {
      await using stage = await Stage.open({ timing: { changeTimeoutMs: MINUTE, quiesceTimeoutMs: MINUTE } });
      await (state === 'snapmirrored' ? stage.broken() : stage.mirrored());
      const before = (await stage.record()).state;
      stage.intercept = async (request, send) => {
        if (request.method !== 'PATCH' || !request.url.includes('/snapmirror/')) return send(request);
        const body = (await request.clone().json()) as { readonly state?: string };
        return body.state === state ? Response.json({}) : send(request);
      };
      const verbs = {
        paused: () => stage.dataMotion.quiesceThenAbort(stage.pair),
        broken_off: () => stage.dataMotion.breakSnapmirror(stage.pair),
        snapmirrored: () => stage.dataMotion.resyncSnapmirror(stage.pair),
      };
      const error = await failure(verbs[state as keyof typeof verbs]);
      expect(error).toMatchObject({ code: expect.stringMatching(/^MIRROR_(QUIESCE_)?TIMEOUT$/), retryable: true });
      expect((await stage.record()).state).toBe(state === 'broken_off' ? 'paused' : before);
    },
  );
});

describe('defect 44: a release that fails', () => {
  it('is told at once with the code of ONTAP, and neither swallowed nor asked for again and again', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const refusal = { kind: 'job-fails', method: 'DELETE', code: '13303822', message: 'Release failed' } as const;
    stage.east.addFault({ ...refusal, path: '/snapmirror/relationships/*', times: 2 });
    const startedAt = stage.clock.now();
    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(deleted.release).toMatchObject({ state: 'owed', error: { ontapCode: '13303822' } });
    expect(await failure(() => stage.dataMotion.releaseSnapmirror(stage.pair))).toMatchObject({
      ontapCode: '13303822',
      remedy: expect.any(String),
    });
    expect(stage.clock.now() - startedAt).toBeLessThan(30 * SECOND);
    expect(stage.changes.filter(({ cluster }) => cluster === 'cluster1')).toHaveLength(2);
    expect((await stage.dataMotion.releaseSnapmirror(stage.pair)).actions).toEqual(['release-source']);
  });
});
