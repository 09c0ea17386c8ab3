/** The nights that failover is for, by name; with the defects of Cinder's failover that each would bring back (rest-facts section 7). */
import { describe, expect, it } from 'vitest';
import type { FailoverEvent } from '../../../src/core/failover/events.ts';
import type { OperationReport } from '../../../src/core/failover/outcome.ts';
import { parsePlan } from '../../../src/core/failover/stored-plan.ts';
import type { FailoverError } from '../../../src/errors.ts';
import { failure, HOUR, MINUTE, SECOND, type Stage } from '../../scenarios/harness.ts';
import { call } from '../../testing/raw-client.ts';
import { mirroredStage, northVolume, sourceVolume, targetVolume, threeClusters, VOLUMES } from './pair-stage.ts';

const yes = { acknowledge: () => true } as const;
const whole = { source: 'east' } as const;

const outcomes = (report: OperationReport) => report.volumes.map(({ outcome }) => outcome);
const codes = (report: OperationReport) => report.volumes.map(({ error }) => error?.code);

async function authorities(stage: Stage, selection: { source: string; target?: string } = whole): Promise<string[]> {
  return (await stage.dataMotion.replicationState(selection)).map(({ authority }) => authority);
}

describe('source dead for 36 hours', () => {
  it('fails over although every lag is beyond a day, once the loss is accepted by name (defects 1, 2, 8)', async () => {
    await using stage = await mirroredStage();
    stage.east.kill();
    await stage.wait(36 * HOUR);
    const plan = await stage.dataMotion.planFailover(whole);
    expect(plan.sourceAnswers).toBe(false);
    for (const { recoveryPoint } of plan.volumes) expect(recoveryPoint.ageSeconds).toBeGreaterThan(36 * 3600);
    expect(plan.acknowledgements).toHaveLength(3);
    const refused = await failure(() => stage.dataMotion.failover(plan));
    expect(refused).toMatchObject({
      code: 'FAILOVER_NOT_ACKNOWLEDGED',
      details: { acknowledgements: plan.acknowledgements },
    });
    expect(stage.west.volume(stage.west.svms[0] ?? '', 'vol1').type).toBe('dp');

    const acknowledge = plan.acknowledgements.map(({ id }) => id);
    const report = await stage.dataMotion.failover(plan, { acknowledge });
    expect(outcomes(report)).toEqual(['done', 'done', 'done']);
    expect(report.debts.map(({ kind }) => kind)).toEqual(['source-unfenced', 'source-unfenced', 'source-unfenced']);
    for (const name of VOLUMES) {
      const { type, junctionPath } = targetVolume(stage, name);
      expect([type, junctionPath]).toEqual(['rw', `/${name}`]);
      expect(targetVolume(stage, name).digest()).toBe(sourceVolume(stage, name).digest());
    }
    expect(await authorities(stage)).toEqual(['target', 'target', 'target']);
  });

  it('is forced where ONTAP insists on the source, and the outcome tells so (addendum C6)', async () => {
    await using stage = await mirroredStage({
      volumes: ['vol1'],
      world: { switches: { breakContactsSource: 'always' } },
      timing: { peerSilenceMs: 3 * SECOND },
    });
    stage.east.kill();
    const { volumes } = await stage.dataMotion.failover(whole, yes);
    expect(volumes).toMatchObject([{ outcome: 'done', forced: true, authority: 'target' }]);
  });
});

describe('choice of a target', () => {
  it('coverage comes first: a half-covered target is rejected with its reason (defects 15, 16, 17)', async () => {
    await using stage = await threeClusters({ volumes: ['vol1'] });
    const [svm = ''] = stage.east.svms;
    stage.write(stage.east.createVolume({ svm, name: 'vol2', sizeBytes: 100 * 2 ** 20, junctionPath: '/vol2' }));
    await stage.dataMotion.ensureSnapmirrors({ source: 'east', target: 'north' }, { waitForBaseline: true });
    await stage.wait(2 * MINUTE);
    await stage.dataMotion.updateSnapmirrors({ source: 'east', target: 'west', volumes: ['vol1'] }, { wait: true });
    stage.east.kill();
    const report = await stage.dataMotion.planFailover(whole);
    expect(report.chosen).toMatchObject({ target: 'north', covered: 2, of: 2 });
    expect(report.rejected).toMatchObject([
      { target: 'west', covered: 1, why: 'covers 1 of 2 volumes, north covers 2' },
    ]);
    const done = await stage.dataMotion.failover(whole, yes);
    expect(outcomes(done)).toEqual(['done', 'done']);
    // Only the chosen target is broken off.
    expect(targetVolume(stage, 'vol1').type).toBe('dp');
    expect([northVolume(stage, 'vol1').type, northVolume(stage, 'vol2').type]).toEqual(['rw', 'rw']);
  });

  it('a volume without a copy is told and does not hold up the others; a baseline on its way is no copy', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'], world: { transferRate: 8 * 1024 } });
    const [svm = ''] = stage.east.svms;
    for (const name of ['vol2', 'vol3']) {
      stage.write(stage.east.createVolume({ svm, name, sizeBytes: 100 * 2 ** 20 }));
    }
    await stage.dataMotion.createSnapmirror({
      source: { backend: 'east', volume: 'vol2' },
      destination: { backend: 'west' },
    });
    const report = await stage.dataMotion.failover(whole, yes);
    expect(outcomes(report)).toEqual(['done', 'not-attempted', 'not-attempted']);
    expect(codes(report)).toEqual([undefined, 'FAILOVER_NO_COPY', 'FAILOVER_NO_COPY']);
    expect(report.volumes[1]?.error?.message).toMatch(/baseline is still on its way/);
    expect(report.result).toBe('partial');
  });

  it('a copy of another name is broken off and mounted under its own (defect 9)', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const { dataMotion } = stage;
    const pair = { source: { backend: 'east', volume: 'vol1' }, destination: { backend: 'west', volume: 'vol1_dst' } };
    await dataMotion.deleteSnapmirror(stage.pair);
    await dataMotion.createSnapmirror(pair, { waitForBaseline: true });
    stage.east.kill();
    const report = await dataMotion.failover({ source: 'east', volumes: ['vol1'] }, yes);
    expect(outcomes(report)).toEqual(['done']);
    expect([targetVolume(stage, 'vol1_dst').type, targetVolume(stage, 'vol1_dst').junctionPath]).toEqual([
      'rw',
      '/vol1',
    ]);
  });
});

describe('transfers in the way', () => {
  it('a quiesce that never drains is aborted, and the aborted transfer does not stop the break (defects 2, 3)', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    stage.write(stage.source, 8);
    stage.stallNextTransfer();
    const options = { ...yes, lastUpdateTimeoutMs: 5 * SECOND, quiesceTimeoutMs: 20 * SECOND };
    const report = await stage.dataMotion.failover(whole, options);
    expect(report.volumes).toMatchObject([{ outcome: 'done', authority: 'target' }]);
    expect(report.debts.map(({ kind }) => kind)).toContain('update-not-done');
    expect(report.volumes[0]?.tookMs).toBeLessThan(60 * SECOND);
  });

  it('an abort that finds the transfer gone is no error (defect 19)', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'], world: { transferRate: 8 * 1024 } });
    stage.write(stage.source, 8);
    await stage.dataMotion.updateSnapmirror(stage.pair);
    stage.west.addFault({
      kind: 'http',
      method: 'PATCH',
      path: '/snapmirror/relationships/*/transfers/*',
      status: 404,
      code: '4',
    });
    const report = await stage.dataMotion.failover(whole, { ...yes, lastUpdateTimeoutMs: 0, quiesceTimeoutMs: 0 });
    expect(outcomes(report)).toEqual(['done']);
  });

  it('without its acceptance a last update that fails leaves the volume where it is', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    stage.write(stage.source, 8);
    stage.stallNextTransfer();
    const report = await stage.dataMotion.failover(whole, { lastUpdateTimeoutMs: 5 * SECOND });
    expect(codes(report)).toEqual(['FAILOVER_NOT_ACKNOWLEDGED']);
    expect(report.volumes).toMatchObject([{ authority: 'source', phase: 'protected' }]);
    expect(targetVolume(stage, 'vol1').type).toBe('dp');
  });

  it('a break whose job fails is an error of that volume, not a success (defect 33)', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    stage.west.addFault({
      kind: 'job-fails',
      method: 'PATCH',
      path: '/snapmirror/relationships/*',
      after: 1,
      code: '13303808',
    });
    const report = await stage.dataMotion.failover(whole, yes);
    expect(report.volumes).toMatchObject([{ outcome: 'error', authority: 'source' }]);
    expect(outcomes(await stage.dataMotion.failover(whole, yes))).toEqual(['done']);
  });
});

describe('one stuck volume among 50', () => {
  it('does not hold up the 49 others (defects 17, 21)', async () => {
    const volumes = Array.from({ length: 50 }, (_, index) => `vol${index + 1}`);
    await using stage = await mirroredStage({ volumes });
    const stuck = (await stage.read(stage.west, '/snapmirror/relationships?destination.path=*:vol17'))[0]?.uuid;
    stage.intercept = (request, send) => {
      const refused = request.method === 'PATCH' && request.url.includes(`/snapmirror/relationships/${stuck}`);
      return refused
        ? Promise.resolve(new Response('{"error":{"code":"6619715","message":"busy"}}', { status: 400 }))
        : send(request);
    };
    stage.east.kill();
    const report = await stage.dataMotion.failover(whole, yes);
    expect(report.volumes.filter(({ outcome }) => outcome === 'done')).toHaveLength(49);
    expect(report.volumes.find(({ volume }) => volume === 'vol17')).toMatchObject({
      outcome: 'error',
      authority: 'source',
    });
    for (const one of report.volumes) if (one.outcome === 'done') expect(one.tookMs).toBeLessThan(60 * SECOND);
  }, 60_000);
});

describe('two orchestrators at once', () => {
  it('to one target: both come to the same end', async () => {
    await using stage = await mirroredStage();
    stage.east.kill();
    const both = await Promise.all([stage.dataMotion.failover(whole, yes), stage.dataMotion.failover(whole, yes)]);
    for (const report of both) {
      for (const { outcome, error } of report.volumes) {
        if (outcome !== 'done') expect(error?.code).toBe('FAILOVER_FENCED');
      }
    }
    expect(await authorities(stage)).toEqual(['target', 'target', 'target']);
  });

  it('to two targets: of each volume one target counts', async () => {
    await using stage = await threeClusters({ volumes: ['vol1'] });
    await stage.dataMotion.ensureSnapmirrors({ source: 'east', target: 'north' }, { waitForBaseline: true });
    stage.east.kill();
    await Promise.all([
      stage.dataMotion.failover({ source: 'east', target: 'west' }, yes),
      stage.dataMotion.failover({ source: 'east', target: 'north' }, yes),
    ]);
    const states = await stage.dataMotion.replicationState(whole);
    expect(states.map(({ authority }) => authority).toSorted()).toEqual(['target', 'undecided']);
    const types = [targetVolume(stage, 'vol1').type, northVolume(stage, 'vol1').type];
    expect(types.toSorted()).toEqual(['dp', 'rw']);
  });

  it('one that was overtaken while its writers were stopping changes nothing any more', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    stage.write(targetVolume(stage, 'vol1'), 5);
    const stopWriters = async () => {
      await stage.dataMotion.failback(whole, yes);
      stage.write(stage.source, 7);
    };
    const report = await stage.dataMotion.failback(whole, { ...yes, hooks: { stopWriters } });
    const data = stage.source.digest();
    expect(report.volumes).toMatchObject([{ outcome: 'error', authority: 'source', phase: 'protected' }]);
    await stage.wait(MINUTE);
    expect(stage.source.digest()).toBe(data);
    expect([stage.source.type, stage.source.junctionPath]).toEqual(['rw', '/vol1']);
  });
});

describe('a source that comes back', () => {
  it('in the middle of the failover is not authoritative, is reported, and is fenced once that is allowed', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    stage.east.kill();
    stage.intercept = (request, send) => {
      if (request.method === 'PATCH') stage.east.revive();
      return send(request);
    };
    expect(outcomes(await stage.dataMotion.failover(whole, yes))).toEqual(['done']);
    stage.write(stage.source, 3);
    const [state] = await stage.dataMotion.replicationState(whole);
    expect(state).toMatchObject({ authority: 'target', unfenced: 'source', source: { writable: true } });

    const events: FailoverEvent[] = [];
    await stage.dataMotion.failover(whole, { ...yes, fence: 'unmount', onEvent: (event) => events.push(event) });
    expect(events).toContainEqual(expect.objectContaining({ kind: 'fenced', volume: 'vol1', side: 'source' }));
    expect(stage.source.junctionPath).toBeUndefined();
    expect((await stage.dataMotion.replicationState(whole))[0]?.unfenced).toBeUndefined();
  });
});

describe('failback', () => {
  const failedOver = async (stage: Stage) => {
    await stage.dataMotion.failover(whole, yes);
    for (const name of VOLUMES) stage.write(targetVolume(stage, name), 4);
  };

  it('with writes on both sides stops until somebody chooses: the target kept', async () => {
    await using stage = await mirroredStage();
    await failedOver(stage);
    stage.write(stage.source, 6);
    const before = stage.source.digest();
    const plan = await stage.dataMotion.planFailback(whole);
    expect(plan.acknowledgements).toMatchObject([
      { kind: 'overwritten-writes', volume: 'vol1', side: 'source', estimateBytes: 6 * 4096 },
    ]);
    const refused = (await failure(() => stage.dataMotion.failback(plan))) as FailoverError;
    expect(refused.code).toBe('FAILOVER_NOT_ACKNOWLEDGED');
    expect(stage.source.digest()).toBe(before);
    const data = VOLUMES.map((name) => targetVolume(stage, name).digest());
    const report = await stage.dataMotion.failback(plan, { acknowledge: plan.acknowledgements.map(({ id }) => id) });
    expect(report.result).toBe('done');
    expect(VOLUMES.map((name) => sourceVolume(stage, name).digest())).toEqual(data);
    // Housekeeping and updates go on as ever (defects 5, 6).
    expect((await stage.dataMotion.updateSnapmirrors({ source: 'east' }, { wait: true })).every(({ ok }) => ok)).toBe(
      true,
    );
  });

  it('the source kept: what the target wrote is discarded, once that is accepted', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    stage.write(targetVolume(stage, 'vol1'), 4);
    stage.write(stage.source, 6);
    const data = stage.source.digest();
    expect((await failure(() => stage.dataMotion.failback(whole, { keep: 'source' }))).code).toBe(
      'FAILOVER_NOT_ACKNOWLEDGED',
    );
    const report = await stage.dataMotion.failback(whole, { ...yes, keep: 'source' });
    expect(report.volumes).toMatchObject([{ outcome: 'done', authority: 'source', phase: 'protected' }]);
    expect([stage.source.digest(), targetVolume(stage, 'vol1').digest()]).toEqual([data, data]);
  });

  it('a source written to between plan and resync is not overwritten unasked', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    const plan = await stage.dataMotion.planFailback(whole);
    expect(plan.acknowledgements).toEqual([]);
    stage.write(stage.source, 2);
    const data = stage.source.digest();
    const report = await stage.dataMotion.failback(plan);
    expect(codes(report)).toEqual(['FAILOVER_NOT_ACKNOWLEDGED']);
    expect(stage.source.digest()).toBe(data);
  });

  it('writers that do not stop in time: everything goes on at the target as before', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    stage.write(targetVolume(stage, 'vol1'), 4);
    const asked: string[] = [];
    const hooks = {
      stopWriters: () => new Promise<void>(() => {}),
      startWriters: async ({ side }: { side: string }) => void asked.push(side),
    };
    const report = await stage.dataMotion.failback(whole, { ...yes, hooks, hookTimeoutMs: 30 * SECOND });
    expect(report.volumes).toMatchObject([{ outcome: 'error', authority: 'target', phase: 'reversed' }]);
    expect(codes(report)).toEqual(['FAILOVER_WRITERS_NOT_STOPPED']);
    expect(asked).toEqual(['target']);
    expect(targetVolume(stage, 'vol1').junctionPath).toBe('/vol1');
    stage.write(targetVolume(stage, 'vol1'), 2);
    expect(outcomes(await stage.dataMotion.failback(whole, yes))).toEqual(['done']);
  });

  it('a last update that does not come through: the target is mounted again and goes on', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    stage.write(targetVolume(stage, 'vol1'), 4);
    const stopWriters = async () => {
      stage.write(targetVolume(stage, 'vol1'), 3);
      stage.east.addFault({ kind: 'transfer-stalls', method: 'POST', path: '/snapmirror/relationships/*/transfers' });
    };
    const report = await stage.dataMotion.failback(whole, {
      ...yes,
      hooks: { stopWriters },
      finalUpdateTimeoutMs: 20 * SECOND,
    });
    expect(codes(report)).toEqual(['FAILOVER_NOT_CAUGHT_UP']);
    expect(report.volumes).toMatchObject([{ authority: 'target' }]);
    expect(targetVolume(stage, 'vol1').junctionPath).toBe('/vol1');
  });

  it('from a target that died meanwhile takes what there is, once that is accepted, and protects again later', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    stage.write(targetVolume(stage, 'vol1'), 4);
    const stopWriters = async () => {
      throw new Error('not now');
    };
    await stage.dataMotion.failback(whole, { ...yes, hooks: { stopWriters } });
    const data = targetVolume(stage, 'vol1').digest();
    stage.west.kill();
    expect((await failure(() => stage.dataMotion.failback(whole))).code).toBe('FAILOVER_NOT_ACKNOWLEDGED');
    const report = await stage.dataMotion.failback(whole, yes);
    expect(report.volumes).toMatchObject([{ outcome: 'done' }]);
    expect(report.debts.map(({ kind }) => kind)).toEqual(['reprotect']);
    expect([stage.source.type, stage.source.junctionPath, stage.source.digest()]).toEqual(['rw', '/vol1', data]);
    stage.west.revive();
    expect(await authorities(stage)).toEqual(['source']);
    const again = await stage.dataMotion.failback(whole, yes);
    expect(again.volumes).toMatchObject([{ outcome: 'done', phase: 'protected' }]);
  });
});

describe('a mirror that an operator broke off', () => {
  it("is nobody's until somebody chooses (defect 4)", async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.breakSnapmirror(stage.pair);
    stage.write(targetVolume(stage, 'vol1'), 2);
    const [state] = await stage.dataMotion.replicationState(whole);
    expect(state).toMatchObject({ authority: 'undecided', phase: 'contested', protected: false });
    expect(state?.choices.length).toBeGreaterThan(1);
    expect(codes(await stage.dataMotion.failback(whole, yes))).toEqual(['FAILOVER_CONTESTED']);
    expect((await failure(() => stage.dataMotion.failover(whole))).code).toBe('FAILOVER_NOT_ACKNOWLEDGED');
    expect(outcomes(await stage.dataMotion.failover(whole, yes))).toEqual(['done']);
    expect(await authorities(stage)).toEqual(['target']);
  });
});

describe('plans', () => {
  it('survive JSON, and are refused once the facts changed, or they did', async () => {
    await using stage = await mirroredStage();
    const plan = await stage.dataMotion.planFailover(whole);
    const text = JSON.stringify(plan);
    expect(parsePlan(text)).toEqual(plan);
    expect(() => parsePlan(text.replace('/mirrored', '/broken_off'))).toThrow(/changed since it was made/);
    expect(() => parsePlan(text.replace('"version":1', '"version":2'))).toThrow(/version/);
    await stage.dataMotion.breakSnapmirror({
      source: { backend: 'east', volume: 'vol2' },
      destination: { backend: 'west' },
    });
    const stale = await failure(() => stage.dataMotion.failover(plan, yes));
    expect(stale).toMatchObject({ code: 'FAILOVER_PLAN_STALE', details: { changed: [{ volume: 'vol2' }] } });
    expect(targetVolume(stage, 'vol1').type).toBe('dp');
  });

  it('do not go stale by what changes by itself: lag, updates, a source that comes and goes', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const plan = await stage.dataMotion.planFailover(whole);
    stage.write(stage.source);
    await stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    stage.east.kill();
    expect(outcomes(await stage.dataMotion.failover(plan, yes))).toEqual(['done']);
  });
});

it("the caller's lock is held while it lasts, and its loss stops the break", async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  let released = 0;
  const lock = {
    acquire: async () => ({ isHeld: async () => false, release: async () => void released++ }),
  };
  const report = await stage.dataMotion.failover(whole, { ...yes, lock });
  expect(codes(report)).toEqual(['FAILOVER_LOCK_LOST']);
  expect([targetVolume(stage, 'vol1').type, released]).toEqual(['dp', 1]);
});

it('what an administrator wrote into the comment of a volume stays there', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  const { uuid } = targetVolume(stage, 'vol1');
  await call(stage.west, 'PATCH', `/storage/volumes/${uuid}?return_timeout=60`, {
    body: { comment: 'ask Petra first' },
  });
  await stage.dataMotion.failover(whole, yes);
  await stage.dataMotion.failback(whole, yes);
  const [record] = await stage.read(stage.west, `/storage/volumes/${uuid}?fields=comment`);
  expect(record?.comment).toMatch(
    /^ask Petra first \[datamotion epoch=3 authority=peer fence=unmount op=[0-9a-f-]+\]$/,
  );
});
