/** Plans ask ONTAP beforehand (`validate_only`): what it refuses is left out, what it cannot tell is said, and nothing is changed. */
import { describe, expect, it } from 'vitest';
import { MIB, SECOND, type Stage } from '../../scenarios/harness.ts';
import { mirroredStage, targetVolume } from './pair-stage.ts';

const whole = { source: 'east' } as const;
const yes = { acknowledge: () => true } as const;

/** What is asked with validate_only. */
function asked(stage: Stage): string[] {
  const found: string[] = [];
  stage.intercept = (request, send) => {
    const { pathname, searchParams } = new URL(request.url);
    const [, , kind] = pathname.split('/');
    if (searchParams.get('validate_only') === 'true') found.push(`${request.method} ${kind}`);
    return send(request);
  };
  return found;
}

/** Every question gets this answer, and every real change its own. */
function answering(stage: Stage, status: number, code: string, message: string): void {
  stage.intercept = (request, send) => {
    if (!request.url.includes('validate_only=true')) return send(request);
    return Promise.resolve(new Response(JSON.stringify({ error: { code, message } }), { status }));
  };
}

describe('a plan of a failover', () => {
  it('asks for break and mount of each volume, and changes nothing', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1', 'vol2'] });
    const questions = asked(stage);
    const plan = await stage.dataMotion.planFailover(whole);
    expect(questions.toSorted()).toEqual(['PATCH snapmirror', 'PATCH snapmirror', 'PATCH storage', 'PATCH storage']);
    for (const volume of plan.volumes) expect([volume.blocked, volume.warnings]).toEqual([undefined, undefined]);
    await stage.wait(10 * SECOND);
    expect([targetVolume(stage, 'vol1').type, targetVolume(stage, 'vol1').junctionPath]).toEqual(['dp', undefined]);
    expect(await stage.dataMotion.failover(plan, yes)).toMatchObject({ result: 'done' });
    questions.length = 0;
    await stage.dataMotion.planFailover(whole, { validate: false });
    expect(questions).toEqual([]);
  });

  it('of a dead source asks nothing that would need it', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    stage.east.kill();
    const questions = asked(stage);
    await stage.dataMotion.planFailover(whole);
    expect(questions).toEqual(['PATCH storage']);
  });

  it('leaves out what ONTAP refuses, with its words and code, and needs no acceptance for it', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    answering(stage, 400, '13303995', 'No such thing.');
    const plan = await stage.dataMotion.planFailover(whole);
    expect(plan.acknowledgements).toEqual([]);
    expect(plan.volumes).toMatchObject([
      {
        steps: [],
        blocked: {
          code: 'FAILOVER_REFUSED',
          reason: expect.stringMatching(/west.*break.*No such thing\. \[13303995\]/),
        },
      },
    ]);
    const { volumes } = await stage.dataMotion.failover(plan, yes);
    expect(volumes).toMatchObject([{ outcome: 'not-attempted', error: { code: 'FAILOVER_REFUSED' } }]);
  });

  it('warns of a junction path that is taken, which no service hangs on', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const [svm = ''] = stage.west.svms;
    stage.west.createVolume({ svm, name: 'other', sizeBytes: 100 * MIB, junctionPath: '/vol1' });
    const [volume] = (await stage.dataMotion.planFailover(whole)).volumes;
    expect(volume?.blocked).toBeUndefined();
    expect(volume?.warnings).toEqual([expect.stringMatching(/refuse to mount the copy at \/vol1: .*in use/)]);
  });

  it.each([
    [400, '262179'],
    [404, '3'],
  ])('is silent about a release that does not know the question (%i, %s)', async (status, code) => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    answering(stage, status, code, 'Unexpected argument "validate_only".');
    const [volume] = (await stage.dataMotion.planFailover(whole)).volumes;
    expect([volume?.blocked, volume?.warnings]).toEqual([undefined, undefined]);
  });

  it('warns where ONTAP cannot tell', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    answering(stage, 400, '6619715', 'Another operation is in progress.');
    const [volume] = (await stage.dataMotion.planFailover(whole)).volumes;
    expect(volume?.blocked).toBeUndefined();
    expect(volume?.warnings?.[0]).toMatch(/cannot tell .*6619715/);
  });
});

describe('a plan of a failback', () => {
  it('asks for the next step of each volume, and changes nothing', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    const questions = asked(stage);
    const plan = await stage.dataMotion.planFailback(whole);
    expect(questions).toEqual(['POST snapmirror']);
    expect(await stage.read(stage.east, '/snapmirror/relationships')).toEqual([]);
    expect(plan.volumes[0]?.blocked).toBeUndefined();

    const stopWriters = () => Promise.reject(new Error('not now'));
    await stage.dataMotion.failback(plan, { ...yes, hooks: { stopWriters } });
    questions.length = 0;
    const second = await stage.dataMotion.planFailback(whole);
    expect([questions, second.volumes[0]?.blocked]).toEqual([['PATCH snapmirror'], undefined]);
    expect(stage.source.type).toBe('dp');
    expect(await stage.dataMotion.failback(second, yes)).toMatchObject({ result: 'done' });
  });

  it('leaves out what ONTAP refuses', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    await stage.dataMotion.failover(whole, yes);
    stage.write(stage.source, 2);
    answering(stage, 400, '13303995', 'No such thing.');
    const plan = await stage.dataMotion.planFailback(whole);
    expect(plan).toMatchObject({ acknowledgements: [], volumes: [{ blocked: { code: 'FAILOVER_REFUSED' } }] });
  });
});
