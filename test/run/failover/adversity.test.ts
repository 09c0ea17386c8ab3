/** What fails around a failover without being part of it: peers that are not told, journals, listeners, locks, calls that are ended. */
import { describe, expect, it } from 'vitest';
import type { FailoverEvent } from '../../../src/core/failover/events.ts';
import { type OperationRecord, openDebts, unfinishedOperations } from '../../../src/core/failover/journal-record.ts';
import { MemoryOperationJournal } from '../../../src/state/memory-operation-journal.ts';
import type { OperationJournal } from '../../../src/state/operation-journal.ts';
import { failure, HOUR, MINUTE, SECOND, type Stage } from '../../scenarios/harness.ts';
import { mirroredStage, northVolume, targetVolume, threeClusters, VOLUMES } from './pair-stage.ts';

const yes = { acknowledge: () => true } as const;
const whole = { source: 'east' } as const;

const asksForPeers = ({ url }: Request) => new URL(url).pathname.endsWith('/svm/peers');

/** Beside the mirrors of `east`, its target holds one of another SVM, so that it is asked for its peers. */
async function stageWithStranger(): Promise<Stage> {
  const stage = await threeClusters({ volumes: ['vol1'] });
  stage.write(stage.east.createVolume({ svm: 'svm2', name: 'other', sizeBytes: 100 * 2 ** 20 }));
  const peering = { svm: { name: 'svm2' }, peer: { svm: { name: 'svm1_dr' }, cluster: { name: 'cluster2' } } };
  await stage.raw(stage.east, 'POST', '/svm/peers', { ...peering, applications: ['snapmirror'] });
  const pending = (await stage.read(stage.west, '/svm/peers?fields=*')).find(({ state }) => state !== 'peered');
  if (pending !== undefined) await stage.raw(stage.west, 'PATCH', `/svm/peers/${pending['uuid']}`, { state: 'peered' });
  await stage.raw(stage.west, 'POST', '/snapmirror/relationships', {
    source: { path: 'svm2:other' },
    destination: { path: 'svm1_dr:other' },
    create_destination: { enabled: true },
  });
  return stage;
}

describe('peers that a target does not tell', () => {
  it('are no reason not to fail over, nor for housekeeping to end', async () => {
    await using stage = await stageWithStranger();
    stage.east.kill();
    let asked = 0;
    stage.intercept = async (request, send) => {
      if (!asksForPeers(request)) return send(request);
      asked++;
      throw new TypeError('fetch failed');
    };
    const report = await stage.dataMotion.failover({ ...whole, target: 'west' }, yes);
    expect(report.volumes).toMatchObject([{ volume: 'vol1', outcome: 'done' }]);
    expect(asked).toBeGreaterThan(0);
    const stop = new AbortController();
    const onEvent = ({ kind }: { kind: string }) => {
      if (kind === 'round-ended') stop.abort();
    };
    await stage.dataMotion.keepHouse('east', { stop: stop.signal, onEvent });
  });

  it('are waited for no longer than a cluster that may be dead', async () => {
    await using stage = await stageWithStranger();
    stage.east.kill();
    stage.intercept = async (request, send) => {
      if (asksForPeers(request)) await stage.clock.sleep(70 * SECOND);
      return send(request);
    };
    const before = stage.clock.now();
    const plan = await stage.dataMotion.planFailover({ ...whole, target: 'west' }, { contactTimeoutMs: SECOND });
    expect(plan.volumes).toMatchObject([{ volume: 'vol1', authority: 'source' }]);
    expect(stage.clock.now() - before).toBeLessThan(5 * SECOND);
  });
});

/** A lock that can be had at once, and what it saw. */
function lockOf(onAcquire: () => Promise<unknown> = async () => {}, release: () => Promise<void> = async () => {}) {
  const names: string[] = [];
  const acquire = async (name: string) => {
    names.push(name);
    await onAcquire();
    return { isHeld: async () => true, release };
  };
  return { names, lock: { acquire } };
}

describe('somebody else who fails over and back meanwhile', () => {
  const thereAndBack = async (stage: Stage) => {
    await stage.dataMotion.failover(whole, yes);
    stage.write(targetVolume(stage, 'vol1'), 5);
    expect(await stage.dataMotion.failback(whole, yes)).toMatchObject({ result: 'done' });
    stage.write(stage.source, 7);
  };

  it('while the writers are stopped, ends a failover that was decided before', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const { volumes } = await stage.dataMotion.failover(whole, { hooks: { stopWriters: () => thereAndBack(stage) } });
    expect(volumes).toMatchObject([{ outcome: 'error', authority: 'source', error: { code: 'FAILOVER_FENCED' } }]);
    expect(await stage.dataMotion.replicationState(whole)).toMatchObject([{ authority: 'source', phase: 'protected' }]);
  });

  it('while the lock is waited for, is seen: nothing is decided before it is held', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const { lock, names } = lockOf(() => thereAndBack(stage));
    expect(await stage.dataMotion.failover({ source: 'EAST' }, { lock })).toMatchObject({ result: 'done' });
    expect(names).toEqual(['east']);
    const plan = await stage.dataMotion.planFailback(whole);
    const later = lockOf(() => stage.dataMotion.failback(whole, yes));
    const refused = await failure(() => stage.dataMotion.failback(plan, { ...yes, lock: later.lock }));
    expect(refused.code).toBe('FAILOVER_PLAN_STALE');
  });

  it('is kept out by one lock, whichever target they go to', async () => {
    await using stage = await threeClusters({ volumes: ['vol1'] });
    await stage.dataMotion.ensureSnapmirrors({ source: 'east', target: 'north' }, { waitForBaseline: true });
    const { lock, names } = lockOf();
    await stage.dataMotion.failover({ source: 'east', target: 'west' }, { ...yes, lock });
    await stage.dataMotion.failover({ source: 'east', target: 'north' }, { ...yes, lock });
    await stage.dataMotion.failback({ source: 'east', target: 'west' }, { ...yes, lock });
    expect(new Set(names)).toEqual(new Set(['east']));
  });

  it('while the way back is removed, keeps its own', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    let meanwhile = 0;
    stage.intercept = async (request, send) => {
      const drops = request.method === 'DELETE' && request.url.includes('cluster1.sim');
      if (meanwhile === 0 && drops && request.url.includes('/snapmirror/relationships/')) {
        meanwhile++;
        await stage.dataMotion.failback(whole, yes);
        await stage.dataMotion.failover(whole, yes);
        stage.write(targetVolume(stage, 'vol1'), 3);
        const stopWriters = () => Promise.reject(new Error('not now'));
        await stage.dataMotion.failback(whole, { ...yes, hooks: { stopWriters } });
      }
      return send(request);
    };
    const { volumes } = await stage.dataMotion.failback(whole, yes);
    expect([meanwhile, volumes[0]?.error?.code]).toEqual([1, 'FAILOVER_FENCED']);
    expect(await stage.dataMotion.replicationState(whole)).toMatchObject([{ authority: 'target', phase: 'reversed' }]);
  });
});

describe('what fails beside the work', () => {
  it('is a warning: a journal that is full when a volume ended holds up nobody', async () => {
    await using stage = await mirroredStage();
    const memory = new MemoryOperationJournal();
    const full = ({ kind }: OperationRecord) => kind === 'volume-ended' || kind === 'ended';
    const journal: OperationJournal = {
      records: () => memory.records(),
      append: async (records) => {
        if (records.some(full)) throw new Error('disk full');
        await memory.append(records);
      },
      reset: () => memory.reset(),
      close: () => memory.close(),
    };
    const slow = (await stage.read(stage.west, '/snapmirror/relationships?destination.path=*:vol3'))[0]?.['uuid'];
    stage.intercept = async (request, send) => {
      if (request.method === 'PATCH' && request.url.includes(`${slow}`)) await stage.clock.sleep(30 * SECOND);
      return send(request);
    };
    let breaking = 0;
    const release = async () => {
      breaking = VOLUMES.filter((name) => targetVolume(stage, name).type !== 'rw').length;
    };
    const report = await stage.dataMotion.failover(whole, { ...yes, journal, lock: lockOf(undefined, release).lock });
    expect([report.result, breaking]).toEqual(['done', 0]);
    expect(report.warnings.join()).toContain('disk full');
    expect(unfinishedOperations(await memory.records())).toHaveLength(1);
  });

  it('is a warning: a listener that throws', async () => {
    await using stage = await mirroredStage();
    const onEvent = () => {
      throw new Error('bug in a listener');
    };
    const report = await stage.dataMotion.failover(whole, { ...yes, onEvent });
    expect(report).toMatchObject({ result: 'done', warnings: [expect.stringContaining('bug in a listener')] });
  });

  it('is a warning: a lock that cannot be given back', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const { lock } = lockOf(undefined, () => Promise.reject(new Error('lock server gone')));
    const report = await stage.dataMotion.failover(whole, { ...yes, lock });
    expect(report).toMatchObject({ result: 'done', warnings: [expect.stringContaining('lock server gone')] });
  });

  it('but before its effect, ends the one volume: what cannot be written down is not begun', async () => {
    await using stage = await mirroredStage();
    const memory = new MemoryOperationJournal();
    const journal: OperationJournal = {
      records: () => memory.records(),
      append: async (records) => {
        if (records.some((one) => one.kind === 'intent' && one.volume === 'vol2' && one.step === 'claim')) {
          throw new Error('disk full');
        }
        await memory.append(records);
      },
      reset: () => memory.reset(),
      close: () => memory.close(),
    };
    const { volumes } = await stage.dataMotion.failover(whole, { ...yes, journal });
    expect(volumes.map(({ outcome }) => outcome)).toEqual(['done', 'error', 'done']);
    expect(targetVolume(stage, 'vol2').type).toBe('dp');
  });
});

describe('a call that is ended', () => {
  const hooksOf = () => {
    const started: string[] = [];
    const startWriters = async ({ side }: { side: string }) => void started.push(side);
    return { started, hooks: { stopWriters: async () => {}, startWriters } };
  };

  it('in a failover, tells what became of each volume, and that its writers were not started', async () => {
    await using stage = await mirroredStage();
    const gone = new AbortController();
    const { hooks, started } = hooksOf();
    const onEvent = (event: FailoverEvent) => {
      if (event.kind === 'step-done' && event.step === 'break' && event.volume === 'vol1') gone.abort(new Error('end'));
    };
    const report = await stage.dataMotion.failover(whole, { ...yes, hooks, signal: gone.signal, onEvent });
    expect(report.volumes).toHaveLength(3);
    expect(started).toEqual([]);
    const owed = report.debts.filter(({ kind }) => kind === 'writers-not-started').map(({ volume }) => volume);
    expect(owed).toContain('vol1');
  });

  it('in the switch of a failback, leaves the target as it was', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    stage.write(targetVolume(stage, 'vol1'), 3);
    const gone = new AbortController();
    const { hooks } = hooksOf();
    const onEvent = (event: FailoverEvent) => {
      if (event.kind === 'step-done' && event.step === 'fence-target') gone.abort(new Error('end'));
    };
    const report = await stage.dataMotion.failback(whole, { ...yes, hooks, signal: gone.signal, onEvent });
    expect(report.volumes).toMatchObject([{ outcome: 'error', authority: 'target', error: { code: 'ABORTED' } }]);
    expect(report.debts).toMatchObject([{ kind: 'writers-not-started', volume: 'vol1', backend: 'west' }]);
    expect(targetVolume(stage, 'vol1').junctionPath).toBe('/vol1');
  });
});

it('writers that could not be started are owed, and told by a code of their own', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  const codes: string[] = [];
  const onEvent = (event: FailoverEvent) => {
    if (event.kind === 'step-failed') codes.push(event.code);
  };
  const journal = new MemoryOperationJournal();
  const hooks = { startWriters: () => Promise.reject(new Error('no such unit')) };
  const report = await stage.dataMotion.failover(whole, { ...yes, hooks, onEvent, journal });
  expect(report.debts.map(({ kind }) => kind)).toContain('writers-not-started');
  expect(openDebts(await journal.records()).map(({ kind }) => kind)).toContain('writers-not-started');
  expect(codes).toEqual(['FAILOVER_WRITERS_NOT_STARTED']);
});

describe('what was begun and not ended', () => {
  /** Ends the call at its first event of this kind. */
  const endedAt = (kind: FailoverEvent['kind']) => {
    const gone = new AbortController();
    const onEvent = (event: FailoverEvent) => {
      if (event.kind === kind) gone.abort(new Error('end'));
    };
    return { signal: gone.signal, onEvent };
  };

  it('chose no side where the caller did not: a contested volume stays as it is', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1', 'vol2'] });
    await stage.dataMotion.failover({ source: 'east', volumes: ['vol2'] }, yes);
    await stage.dataMotion.breakSnapmirror(stage.pair);
    stage.write(targetVolume(stage, 'vol1'), 2);
    stage.write(stage.source, 6);
    const data = stage.source.digest();
    const journal = new MemoryOperationJournal();
    await stage.dataMotion.failback(whole, { ...yes, journal, ...endedAt('step-started') });
    const { volumes } = await stage.dataMotion.failback(whole, { ...yes, journal });
    expect(volumes).toMatchObject([
      { volume: 'vol1', outcome: 'not-attempted', error: { code: 'FAILOVER_CONTESTED' } },
      { volume: 'vol2', outcome: 'done' },
    ]);
    expect(stage.source.digest()).toBe(data);
  });

  it('is gone on with by the choice that was made for it', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.breakSnapmirror(stage.pair);
    stage.write(targetVolume(stage, 'vol1'), 2);
    stage.write(stage.source, 6);
    const data = stage.source.digest();
    const journal = new MemoryOperationJournal();
    await stage.dataMotion.failback(whole, { ...yes, keep: 'source', journal, ...endedAt('operation-started') });
    expect(await stage.dataMotion.failback(whole, { ...yes, journal })).toMatchObject({ result: 'done' });
    expect(stage.source.digest()).toBe(data);
  });

  it('accepted its own losses only: not those of a later disaster', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const journal = new MemoryOperationJournal();
    stage.east.kill();
    const plan = await stage.dataMotion.planFailover(whole);
    const acknowledge = plan.acknowledgements.map(({ id }) => id);
    await stage.dataMotion.failover(plan, { acknowledge, journal, ...endedAt('operation-started') });
    stage.east.revive();
    await stage.wait(30 * 24 * HOUR);
    await stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    stage.write(stage.source, 16);
    await stage.wait(50 * MINUTE);
    stage.east.kill();
    const refused = await failure(() => stage.dataMotion.failover(whole, { journal }));
    expect(refused.code).toBe('FAILOVER_NOT_ACKNOWLEDGED');
  });

  it('does not send a failover to a target that has died since', async () => {
    await using stage = await threeClusters({ volumes: ['vol1'] });
    await stage.dataMotion.ensureSnapmirrors({ source: 'east', target: 'north' }, { waitForBaseline: true });
    const journal = new MemoryOperationJournal();
    stage.east.kill();
    const begun = { ...yes, journal, ...endedAt('operation-started') };
    await stage.dataMotion.failover({ source: 'east', target: 'west' }, begun);
    stage.west.kill();
    const report = await stage.dataMotion.failover(whole, { ...yes, journal });
    expect(report).toMatchObject({ result: 'done', target: 'north' });
  });
});

describe('housekeeping', () => {
  const rounds = async (stage: Stage, count: number, options: { readonly target?: string } = {}) => {
    const stop = new AbortController();
    const alerts: string[] = [];
    const onEvent = (event: FailoverEvent) => {
      if (event.kind === 'alert-raised' || event.kind === 'alert-cleared') alerts.push(`${event.kind} ${event.alert}`);
      if (event.kind === 'round-ended' && event.round === count) stop.abort();
    };
    await stage.dataMotion.keepHouse('east', { ...options, intervalMs: MINUTE, stop: stop.signal, onEvent });
    return alerts;
  };

  it('survives a round that fails, and tells it while it lasts', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    stage.write(stage.east.createVolume({ svm: stage.east.svms[0] ?? '', name: 'new', sizeBytes: 100 * 2 ** 20 }));
    const { ensureSnapmirrors } = stage.dataMotion;
    let failures = 0;
    stage.dataMotion.ensureSnapmirrors = (...call) =>
      failures++ === 0 ? Promise.reject(new TypeError('unforeseen')) : ensureSnapmirrors.apply(stage.dataMotion, call);
    const alerts = await rounds(stage, 2);
    expect(alerts.filter((one) => one.includes('round-failed'))).toEqual([
      'alert-raised round-failed',
      'alert-cleared round-failed',
    ]);
  });

  it('survives a listener that throws, and knows a target by its name in any case', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const stop = new AbortController();
    let told = 0;
    const onEvent = () => {
      if (++told === 2) stop.abort();
      throw new Error('bug in a listener');
    };
    await stage.dataMotion.keepHouse('east', { intervalMs: MINUTE, stop: stop.signal, onEvent });
    expect(told).toBe(2);
    stage.west.kill();
    expect(await rounds(stage, 1, { target: 'WEST' })).toContain('alert-raised backend-silent');
    stage.west.revive();
    expect(await stage.dataMotion.planFailover({ source: 'east', target: 'WEST' })).toMatchObject({ target: 'west' });
  });

  it('mirrors nothing to another target from a source that lost its authority', async () => {
    await using stage = await threeClusters({ volumes: ['vol1'] });
    stage.east.kill();
    await stage.dataMotion.failover({ source: 'east', target: 'west' }, yes);
    stage.east.revive();
    await rounds(stage, 1);
    await stage.wait(5 * MINUTE);
    expect(() => northVolume(stage, 'vol1')).toThrow('no volume');
  });
});

it('a pool that nothing protects is left out of the failback of its backend, unless it is named', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  stage.east.createVolume({ svm: stage.east.svms[0] ?? '', name: 'scratch', sizeBytes: 100 * 2 ** 20 });
  await stage.dataMotion.failover({ source: 'east', volumes: ['vol1'] }, yes);
  const report = await stage.dataMotion.failback(whole, yes);
  expect(report).toMatchObject({ result: 'done', volumes: [{ volume: 'vol1' }] });
  const named = await stage.dataMotion.failback({ source: 'east', volumes: ['scratch'] }, yes);
  expect(named.volumes).toMatchObject([{ error: { code: 'FAILOVER_NOTHING_TO_DO' } }]);
});
