/** Drills: clones of the last copies, verified, and gone afterwards whatever happened; the mirrors go on. */
import { describe, expect, it } from 'vitest';
import { failure, type Stage } from '../../scenarios/harness.ts';
import { mirroredStage, sourceVolume, targetVolume, VOLUMES } from './pair-stage.ts';

const whole = { source: 'east' } as const;

async function volumesAtTarget(stage: Stage): Promise<string[]> {
  return (await stage.read(stage.west, '/storage/volumes?is_svm_root=false&fields=name'))
    .map(({ name }) => name)
    .toSorted();
}

describe('a drill', () => {
  it('shows the caller the last copy of each volume, writable and mounted, and leaves nothing', async () => {
    await using stage = await mirroredStage();
    const copies = VOLUMES.map((name) => targetVolume(stage, name).digest());
    for (const name of VOLUMES) stage.write(sourceVolume(stage, name));
    const looked: string[] = [];
    const report = await stage.dataMotion.drill(whole, {
      verify: async ({ clone, junctionPath }) => {
        const volume = targetVolume(stage, clone);
        expect([volume.type, volume.junctionPath]).toEqual(['rw', junctionPath]);
        looked.push(volume.digest());
        stage.write(volume, 2);
        // Mirrors go on while clones are there.
        await stage.dataMotion.updateSnapmirrors({ source: 'east' }, { wait: true });
        return 'mounted and read';
      },
    });
    expect(report).toMatchObject({ result: 'passed', debts: [] });
    expect(report.volumes.map(({ outcome, verdict }) => [outcome, verdict])).toEqual(
      VOLUMES.map(() => ['verified', 'mounted and read']),
    );
    expect(looked.toSorted()).toEqual(copies.toSorted());
    expect(await volumesAtTarget(stage)).toEqual([...VOLUMES]);
    const states = await stage.dataMotion.replicationState(whole);
    expect(states.map(({ authority, phase }) => [authority, phase])).toEqual(
      VOLUMES.map(() => ['source', 'protected']),
    );
    for (const name of VOLUMES) expect(targetVolume(stage, name).digest()).toBe(sourceVolume(stage, name).digest());
  });

  it('fails by a verification that finds fault or takes too long, and leaves nothing all the same', async () => {
    await using stage = await mirroredStage();
    const report = await stage.dataMotion.drill(whole, {
      hookTimeoutMs: 10_000,
      verify: async ({ volume }) => {
        if (volume === 'vol1') throw new Error('fsck found an orphan');
        if (volume === 'vol2') await new Promise(() => {});
        return undefined;
      },
    });
    expect(report.result).toBe('failed');
    expect(report.volumes.map(({ outcome, error }) => [outcome, error?.code])).toEqual([
      ['error', 'FAILOVER_VERIFICATION_FAILED'],
      ['error', 'FAILOVER_VERIFICATION_FAILED'],
      ['verified', undefined],
    ]);
    expect(await volumesAtTarget(stage)).toEqual([...VOLUMES]);
  });

  it('that is ended in the middle removes its clones', async () => {
    await using stage = await mirroredStage();
    const caller = new AbortController();
    const verify = async () => {
      caller.abort();
      return undefined;
    };
    const error = await failure(() =>
      stage.dataMotion.drill(whole, { verify, signal: caller.signal }).then((report) => {
        throw report.volumes.find(({ error: one }) => one !== undefined)?.error;
      }),
    );
    expect(error.code).toBe('ABORTED');
    expect(await volumesAtTarget(stage)).toEqual([...VOLUMES]);
  });

  it('of a process that died leaves clones, which a later call finds and removes, and nothing else', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    let dead = false;
    stage.intercept = async (request, send) => {
      if (dead) throw new TypeError('a dead process does nothing');
      return send(request);
    };
    const caller = new AbortController();
    const verify = async () => {
      dead = true;
      caller.abort();
      return undefined;
    };
    const gone = await stage.dataMotion.drill(whole, { verify, signal: caller.signal }).catch(() => undefined);
    expect(gone?.debts.map(({ kind }) => kind) ?? ['clone']).toEqual(['clone']);
    dead = false;
    stage.west.createVolume({ svm: stage.west.svms[0] ?? '', name: 'dmdrill_12345678_mine', sizeBytes: 2 ** 26 });
    expect(await volumesAtTarget(stage)).toHaveLength(3);
    const removed = await stage.dataMotion.removeDrillLeftovers(whole);
    expect(removed).toEqual([{ target: 'west', clone: expect.stringMatching(/^dmdrill_[0-9a-f]{8}_vol1$/) }]);
    // Named alike, but no clone.
    expect(await volumesAtTarget(stage)).toEqual(['dmdrill_12345678_mine', 'vol1']);
  });
});
