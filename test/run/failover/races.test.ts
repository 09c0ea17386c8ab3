/** What could lose data by a hair: somebody else acts in the middle, a side comes back, writers do not stop, an old acceptance is at hand. */
import { describe, expect, it } from 'vitest';
import { unfinishedOperations } from '../../../src/core/failover/journal-record.ts';
import { MemoryOperationJournal } from '../../../src/state/memory-operation-journal.ts';
import { failure, MINUTE, SECOND, type Stage } from '../../scenarios/harness.ts';
import { mirroredStage, sourceVolume, targetVolume } from './pair-stage.ts';

const yes = { acknowledge: () => true } as const;
const whole = { source: 'east' } as const;

/** Once, right before the first request that fits, something else happens. */
function before(stage: Stage, fits: (request: Request, body: string) => boolean, happens: () => unknown): void {
  stage.intercept = async (request, send) => {
    const body = request.body === null ? '' : await request.clone().text();
    if (fits(request, body)) {
      stage.intercept = (later, on) => on(later);
      await happens();
    }
    return send(request);
  };
}

const patchesVolume = (where: string, what: string) => (request: Request, body: string) =>
  request.method === 'PATCH' && request.url.includes(`${where}.sim/api/storage/volumes/`) && body.includes(what);

async function housekeeping(stage: Stage, fence: 'none' | 'unmount'): Promise<void> {
  const stop = new AbortController();
  const onEvent = ({ kind }: { kind: string }) => {
    if (kind === 'round-ended') stop.abort();
  };
  await stage.dataMotion.keepHouse('east', { intervalMs: MINUTE, fence, stop: stop.signal, onEvent });
}

/** Failed over, and the source made to follow; then the target dies, and the source is taken over without it. */
async function takenOver(stage: Stage): Promise<void> {
  await stage.dataMotion.failover(whole, yes);
  const stopWriters = () => Promise.reject(new Error('not now'));
  await stage.dataMotion.failback(whole, { ...yes, hooks: { stopWriters } });
  stage.west.kill();
  const report = await stage.dataMotion.failback(whole, yes);
  expect(report.debts.map(({ kind }) => kind)).toEqual(['reprotect']);
}

describe('a source that counts again', () => {
  it('is not fenced by a failover that was overtaken while it mounted', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    before(stage, patchesVolume('cluster2', '"nas"'), () => stage.dataMotion.failback(whole, yes));
    await stage.dataMotion.failover(whole, { ...yes, fence: 'unmount' });
    expect(stage.source.junctionPath).toBe('/vol1');
    expect(await stage.dataMotion.replicationState(whole)).toMatchObject([{ authority: 'source', phase: 'protected' }]);
  });

  it('is not fenced by housekeeping that looked before', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1', 'vol2'] });
    await stage.dataMotion.failover(whole, yes);
    const failback = () => stage.dataMotion.failback({ source: 'east', volumes: ['vol2'] }, yes);
    before(stage, patchesVolume('cluster1', 'fence=unmount'), failback);
    await housekeeping(stage, 'unmount');
    expect(sourceVolume(stage, 'vol1').junctionPath).toBeUndefined();
    expect(sourceVolume(stage, 'vol2').junctionPath).toBe('/vol2');
  });
});

it('a failover in the middle of the switch of a failback stops it: what the target takes from then on is kept', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  await stage.dataMotion.failover(whole, yes);
  stage.write(targetVolume(stage, 'vol1'), 4);
  const unmounted = () => targetVolume(stage, 'vol1').junctionPath === undefined;
  const finalUpdate = ({ method, url }: Request) => method === 'POST' && url.includes('/transfers') && unmounted();
  let data = '';
  before(stage, finalUpdate, async () => {
    expect(await stage.dataMotion.failover(whole, yes)).toMatchObject({ result: 'done' });
    stage.write(targetVolume(stage, 'vol1'), 3);
    data = targetVolume(stage, 'vol1').digest();
  });
  const { volumes } = await stage.dataMotion.failback(whole, yes);
  expect(volumes).toMatchObject([{ outcome: 'error', authority: 'target', error: { code: 'FAILOVER_FENCED' } }]);
  expect([targetVolume(stage, 'vol1').digest(), targetVolume(stage, 'vol1').junctionPath]).toEqual([data, '/vol1']);
});

describe('writers that nobody stopped', () => {
  const switchOver = (request: Request, body: string) =>
    request.method === 'PATCH' && request.url.includes('cluster1.sim') && body.includes('broken_off');

  it('of an unmounted volume, through its LUNs: what came after the last update is not overwritten unasked', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    stage.write(targetVolume(stage, 'vol1'), 4);
    let data = '';
    before(stage, switchOver, () => {
      stage.write(targetVolume(stage, 'vol1'), 2);
      data = targetVolume(stage, 'vol1').digest();
    });
    const { volumes } = await stage.dataMotion.failback(whole);
    expect(volumes).toMatchObject([
      { outcome: 'error', authority: 'source', error: { code: 'FAILOVER_NOT_ACKNOWLEDGED' } },
    ]);
    expect(targetVolume(stage, 'vol1').digest()).toBe(data);
    expect(await stage.dataMotion.failback(whole, yes)).toMatchObject({ result: 'done' });
  });

  it('up to the last moment, where the source is kept: what they wrote is asked for again', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    const stopWriters = async () => stage.write(targetVolume(stage, 'vol1'), 2);
    const { volumes } = await stage.dataMotion.failback(whole, { keep: 'source', hooks: { stopWriters } });
    expect(volumes).toMatchObject([{ authority: 'target', error: { code: 'FAILOVER_NOT_ACKNOWLEDGED' } }]);
    expect(targetVolume(stage, 'vol1').junctionPath).toBe('/vol1');
  });

  it('in time: a failover lets those go on that it stopped', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const started: string[] = [];
    const hooks = {
      stopWriters: () => new Promise<void>(() => {}),
      startWriters: async ({ side }: { side: string }) => void started.push(side),
    };
    const refused = await failure(() => stage.dataMotion.failover(whole, { ...yes, hooks, hookTimeoutMs: SECOND }));
    expect([refused.code, started]).toEqual(['FAILOVER_WRITERS_NOT_STOPPED', ['source']]);
  });
});

describe('a target that was given up', () => {
  it('is asked once more: one that answers again keeps what it holds', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    const stopWriters = () => Promise.reject(new Error('not now'));
    await stage.dataMotion.failback(whole, { ...yes, hooks: { stopWriters } });
    stage.write(targetVolume(stage, 'vol1'), 5);
    const data = targetVolume(stage, 'vol1').digest();
    stage.west.kill();
    const acknowledge = () => {
      stage.west.revive();
      return true;
    };
    const { volumes } = await stage.dataMotion.failback(whole, { acknowledge });
    expect(volumes).toMatchObject([{ error: { code: 'FAILOVER_PLAN_STALE' } }]);
    expect(stage.source.type).toBe('dp');
    expect(await stage.dataMotion.failback(whole)).toMatchObject({ result: 'done' });
    expect(stage.source.digest()).toBe(data);
  });

  it.each(['none', 'unmount'] as const)(
    'loses its old mark at first contact (fence %s), and what it took is asked for before it is overwritten',
    async (fence) => {
      await using stage = await mirroredStage({ volumes: ['vol1'] });
      await takenOver(stage);
      stage.west.revive();
      stage.write(targetVolume(stage, 'vol1'), 2);
      const data = targetVolume(stage, 'vol1').digest();
      await housekeeping(stage, fence);
      expect(targetVolume(stage, 'vol1').junctionPath).toBe(fence === 'none' ? '/vol1' : undefined);
      stage.east.kill();
      expect(await stage.dataMotion.replicationState(whole)).toMatchObject([{ authority: 'undecided' }]);
      stage.east.revive();
      expect(await stage.dataMotion.replicationState(whole)).toMatchObject([
        { authority: 'source', phase: 'switched' },
      ]);
      const refused = await failure(() => stage.dataMotion.failback(whole));
      expect(refused.code).toBe('FAILOVER_NOT_ACKNOWLEDGED');
      expect(targetVolume(stage, 'vol1').digest()).toBe(data);
      expect(await stage.dataMotion.failback(whole, yes)).toMatchObject({ result: 'done' });
    },
  );
});

describe('what an unfinished operation left in the journal', () => {
  it('does not speak for other volumes, and stays open', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1', 'vol2'] });
    const journal = new MemoryOperationJournal();
    const plan = await stage.dataMotion.planFailover({ source: 'east', volumes: ['vol1'] });
    await journal.append([{ kind: 'began', plan, acknowledged: [], operation: plan.id, at: 0 }]);
    await stage.dataMotion.failover({ source: 'east', volumes: ['vol2'] }, { ...yes, journal });
    expect(unfinishedOperations(await journal.records()).map(({ operation }) => operation)).toEqual([plan.id]);
  });

  it('accepts no loss of more than was meant then', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    stage.east.kill();
    const plan = await stage.dataMotion.planFailover(whole);
    const acknowledged = plan.acknowledgements.map(({ id }) => id);
    const begun = async (acknowledgements: typeof plan.acknowledgements) => {
      const journal = new MemoryOperationJournal();
      const then = { ...plan, acknowledgements };
      await journal.append([{ kind: 'began', plan: then, acknowledged, operation: plan.id, at: 0 }]);
      return journal;
    };
    await stage.wait(5 * MINUTE);
    const newer = { name: 'newer', createdAt: stage.clock.now() };
    const journal = await begun(plan.acknowledgements.map((loss) => ({ ...loss, since: newer })));
    const refused = await failure(() => stage.dataMotion.failover(whole, { journal }));
    expect(refused.code).toBe('FAILOVER_NOT_ACKNOWLEDGED');
    const same = await begun(plan.acknowledgements);
    expect(await stage.dataMotion.failover(whole, { journal: same })).toMatchObject({ result: 'done' });
  });
});

it('a target that is not mounted is not reported as done', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  const [svm = ''] = stage.west.svms;
  stage.west.createVolume({ svm, name: 'other', sizeBytes: 100 * 2 ** 20, junctionPath: '/vol1' });
  const report = await stage.dataMotion.failover(whole, yes);
  expect(report).toMatchObject({ result: 'failed', volumes: [{ outcome: 'error', authority: 'target' }] });
  expect(report.debts.map(({ kind }) => kind)).toContain('not-mounted');
  const elsewhere = await stage.dataMotion.failover(whole, { ...yes, junctionPath: () => '/other' });
  expect(elsewhere).toMatchObject({ result: 'done' });
});

it('a way back that somebody removed just before is no error and no debt (defect 18)', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  await stage.dataMotion.failover(whole, yes);
  const removal = ({ method, url }: Request) => method === 'DELETE' && url.includes('cluster1.sim');
  before(stage, removal, async () => {
    const [reverse] = await stage.read(stage.east, '/snapmirror/relationships');
    await stage.raw(stage.east, 'DELETE', `/snapmirror/relationships/${reverse?.uuid}`);
  });
  const report = await stage.dataMotion.failback(whole, yes);
  expect(report).toMatchObject({ result: 'done', debts: [] });
  expect(await stage.read(stage.east, '/snapmirror/relationships')).toEqual([]);
});
