/** `datamotion drill` and `housekeeping`, against the simulated clusters over HTTP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { datamotion } from './command-line.ts';
import { FailoverStage } from './failover-stage.ts';

describe.concurrent('datamotion drill', () => {
  it('shows each clone to a command, reports its verdict, and leaves nothing behind', async () => {
    await using stage = await FailoverStage.open();
    const plan = await stage.run('drill', '--plan');
    expect([plan.exitCode, plan.stdout]).toEqual([0, expect.stringMatching(/1\. clone: Clone west:vol1 as dmdrill_/)]);
    const verify = 'echo "$DATAMOTION_VOLUME at $DATAMOTION_BACKEND:$DATAMOTION_SVM:$DATAMOTION_JUNCTION_PATH"';
    const { exitCode, stdout } = await stage.run('drill', '--verify', verify);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Drill of east at west: passed/);
    expect(stdout).toMatch(/vol2 .*verified .*vol2 at west:svm1_dr:\/dmdrill_\w{8}_vol2/);
    expect(stage.volumesAtTarget()).toEqual(['vol1', 'vol2']);
  }, 60_000);

  it('fails with the command of one volume, and with one that takes too long; the clones go all the same', async ({
    expect,
  }) => {
    await using stage = await FailoverStage.open();
    const verify = 'test "$DATAMOTION_VOLUME" = vol1 || { echo fsck: bad block; exit 8; }';
    const failed = await stage.run('drill', '--verify', verify, '--json');
    expect(failed.exitCode).toBe(1);
    expect(failed.json()).toMatchObject({
      result: 'failed',
      volumes: [
        { volume: 'vol1', outcome: 'verified' },
        { volume: 'vol2', outcome: 'error', error: { code: 'FAILOVER_VERIFICATION_FAILED' } },
      ],
    });
    const startedAt = performance.now();
    const pid = join(stage.folder.path, 'pid');
    const endless = `sleep 600 & echo $! > ${pid}; wait`;
    const slow = await stage.run('drill', '--volume', 'vol1', '--verify', endless, '--hook-timeout', '1');
    expect(slow).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('deadline passed') });
    expect(performance.now() - startedAt).toBeLessThan(30_000);
    // What it started is ended with it.
    await expect.poll(() => isAlive(Number(readFileSync(pid, 'utf8'))), { timeout: 10_000 }).toBe(false);
    expect(stage.volumesAtTarget()).toEqual(['vol1', 'vol2']);
  }, 60_000);

  it('removes what killed drills left, and nothing else', async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const cluster = stage.world.cluster('cluster2');
    await stage.cloneAtTarget('vol1', 'dmdrill_0badcafe_vol1');
    await stage.cloneAtTarget('vol1', 'somebody_elses');
    const cleaned = await stage.run('drill', '--clean-up');
    expect([cleaned.exitCode, cleaned.stdout]).toEqual([0, 'west:dmdrill_0badcafe_vol1: removed\n']);
    expect(stage.volumesAtTarget()).toEqual(['somebody_elses', 'vol1']);
    expect((await stage.run('drill', '--clean-up')).stdout).toBe('no drill left anything\n');
    expect(cluster.volume('svm1_dr', 'vol1').type).toBe('dp');
  }, 60_000);
});

describe.concurrent('datamotion housekeeping', () => {
  it('makes a missing mirror; one round ends with 1 when there is an alert', async () => {
    await using stage = await FailoverStage.open(['vol1']);
    expect((await stage.run('housekeeping', '--once')).exitCode).toBe(0);
    stage.world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 2 ** 26 });
    const first = await stage.run('housekeeping', '--once');
    expect([first.exitCode, first.stdout]).toEqual([1, expect.stringMatching(/ALERT unprotected west:vol2: /)]);
    expect(stage.volumesAtTarget()).toEqual(['vol1', 'vol2']);
    stage.world.cluster('cluster1').kill();
    const silent = await stage.run('housekeeping', '--once', '--contact-timeout', '4', '--json');
    const events = silent.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(silent.exitCode).toBe(1);
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'alert-raised', alert: 'backend-silent', target: 'east' }),
    );
    expect(events.at(-1)).toMatchObject({ kind: 'round-ended', round: 1 });
  }, 60_000);

  it('goes on until it is told to stop, and ends its round first', async ({ expect }) => {
    await using stage = await FailoverStage.open(['vol1']);
    const stop = new AbortController();
    const args = ['housekeeping', '--config', stage.config, '--backend', 'east', '--interval', '0.05', '--json'];
    const running = datamotion(args, { signal: stop.signal });
    const before = stage.world.requests.length;
    await expect.poll(() => stage.world.requests.length, { timeout: 20_000 }).toBeGreaterThan(before + 12);
    stop.abort(new Error('interrupted by SIGTERM'));
    const { exitCode, stdout, stderr } = await running;
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('stops after the round under way')]);
    const rounds = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string });
    expect(rounds.length).toBeGreaterThan(1);
    expect(rounds.map(({ kind }) => kind)).toEqual(rounds.map(() => 'round-ended'));
  }, 60_000);
});

/** A process that ended, or one that waits only for its parent to notice. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
