import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/testing/index.ts';
import { failure, SECOND, Stage } from '../scenarios/harness.ts';

const CHANGED: Fault = {
  kind: 'job-fails',
  method: 'PATCH',
  path: '/snapmirror/relationships/*',
  code: '13001',
  message:
    'Geometry of the destination volume svm1_dr:vol1 has been changed since the SnapMirror relationship was created.',
};

describe('defect 27: the geometry of the destination changed, which only the job tells', () => {
  it('the relationship is made anew, twice if need be, half a minute apart, and the outcome says so', async () => {
    await using stage = await Stage.open();
    stage.west.addFault({ ...CHANGED, times: 2 });
    const startedAt = stage.clock.now();
    const [outcome] = await stage.dataMotion.ensureSnapmirrors({ source: 'east' }, { waitForBaseline: true });
    expect(outcome).toMatchObject({
      ok: true,
      result: {
        actions: [
          'create-destination',
          'create-relationship',
          'delete-destination',
          'release-source',
          'create-relationship',
          'delete-destination',
          'release-source',
          'create-relationship',
          'start-replication',
        ],
        note: 'made anew after 2 of its kind: the geometry of the destination had changed',
        relationship: { state: 'snapmirrored' },
      },
    });
    expect(stage.clock.now() - startedAt).toBeGreaterThan(60 * SECOND);
    expect(stage.copy.digest()).toBe(stage.source.digest());
    expect(await stage.read(stage.west, '/snapmirror/relationships')).toHaveLength(1);
  });

  it('also when the job outlasts the request', async () => {
    await using stage = await Stage.open({ world: { operationMs: 10 * SECOND } });
    stage.west.addFault({ ...CHANGED, times: 1 });
    const result = await stage.dataMotion.createSnapmirror(stage.pair, { waitForBaseline: true });
    expect(result).toMatchObject({
      note: 'made anew after 1 of its kind: the geometry of the destination had changed',
      relationship: { state: 'snapmirrored' },
    });
  });

  it('is an error by its own name when it stays so, after six tries', async () => {
    await using stage = await Stage.open();
    stage.west.addFault({ ...CHANGED, times: Number.POSITIVE_INFINITY });
    expect(await failure(() => stage.dataMotion.createSnapmirror(stage.pair))).toMatchObject({
      code: 'MIRROR_GEOMETRY_CHANGED',
      remedy: 'delete the relationship and create it again',
      details: { ontapCode: '13001' },
    });
    expect(stage.changes.filter(({ method }) => method === 'PATCH')).toHaveLength(6);
  });

  it('never removes a mirror that has its baseline', async () => {
    await using stage = await Stage.open();
    await stage.broken();
    stage.west.addFault({ ...CHANGED, times: Number.POSITIVE_INFINITY });
    const repairing = stage.dataMotion.createSnapmirror(stage.pair, { repair: true });
    expect(await failure(() => repairing)).toMatchObject({ code: 'MIRROR_GEOMETRY_CHANGED' });
    expect((await stage.record()).state).toBe('broken_off');
  });
});
