/** `datamotion failover`, `failback` and `debts`, as an operator types them, against the simulated clusters over HTTP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FailoverPlan } from '../../src/core/failover/plan.ts';
import { FailoverStage } from './failover-stage.ts';

describe.concurrent('datamotion failover', () => {
  it('prints a plan, keeps it as JSON, applies it once, and refuses it when the facts have changed', async () => {
    await using stage = await FailoverStage.open();
    const { exitCode, stdout } = await stage.run('failover', '--plan');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/chosen: west: covers 2 of 2 volumes/);
    expect(stdout).toMatch(/vol1 .*protected .*east .*snapmirror\.\S+ .*0 B .*4, no return from break/);
    expect(stdout).toMatch(/3\. break: .*west:vol1 becomes writable\. {2}<== POINT OF NO RETURN/);
    expect(stdout).toMatch(/should the last update not come through:\n {2}What was written to vol1/);
    expect(stdout).toContain('--accept-loss unreplicated-writes/east/vol1');

    const printed = await stage.run('failover', '--plan', '--json');
    expect(printed.json()).toMatchObject({ format: 'ontap-data-motion/plan', kind: 'failover', target: 'west' });
    const file = stage.folder.file('plan.json', printed.stdout);
    const wrongKind = await stage.run('failback', '--apply', file);
    expect([wrongKind.exitCode, wrongKind.stderr]).toEqual([1, expect.stringContaining('FAILOVER_PLAN_INVALID')]);
    expect(stage.target('vol1').type).toBe('dp');

    stage.source('vol1').write('/file', 0, new Uint8Array(4096).fill(9));
    const done = await stage.run('failover', '--apply', file);
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toMatch(
      /vol1: done: west counts \(failed-over\); data as of snapmirror\.\S+, .*mounted at \/vol1/,
    );
    expect(done.stdout).toMatch(/Still owed:\n {2}east:vol1: source-unfenced/);
    expect(done.stderr).toMatch(/vol1: last-update\n/);
    expect(stage.target('vol1').read('/file')[0]).toBe(9);

    const stale = await stage.run('failover', '--apply', stage.folder.file('old.json', asAnother(printed.stdout)));
    expect([stale.exitCode, stale.stderr]).toEqual([1, expect.stringContaining('FAILOVER_PLAN_STALE')]);
  }, 60_000);

  it('of a dead source ends with 3 and what would be lost, until that is accepted, by name or as a whole', async () => {
    await using stage = await FailoverStage.open();
    stage.world.cluster('cluster1').kill();
    const quickly = ['--contact-timeout', '4'];
    const refused = await stage.run('failover', ...quickly);
    expect(refused.exitCode).toBe(3);
    expect(refused.stdout).toMatch(/east does NOT ANSWER/);
    expect(refused.stdout).toMatch(
      /What was written to vol2 at east after the snapshot snapmirror\.\S+ \(\d+ s ago\) is not/,
    );
    const asJson = await stage.run('failover', ...quickly, '--json', '--accept-loss', 'unreplicated-writes/east/vol1');
    expect(asJson.exitCode).toBe(3);
    expect(asJson.json()).toMatchObject({
      acknowledgementNeeded: '--accept-loss',
      losses: [{ volume: 'vol2', needed: 'always', ageSeconds: expect.any(Number) }],
    });
    expect(['vol1', 'vol2'].map((name) => stage.target(name).type)).toEqual(['dp', 'dp']);

    const one = await stage.run(
      'failover',
      ...quickly,
      ...['--volume', 'vol1', '--accept-loss', 'unreplicated-writes/east/vol1', '--json'],
    );
    expect(one.exitCode).toBe(0);
    expect(one.json()).toMatchObject({ result: 'done', volumes: [{ volume: 'vol1', authority: 'target' }] });
    const rest = await stage.run('failover', ...quickly, '--accept-loss');
    expect(rest.exitCode).toBe(0);
    expect(['vol1', 'vol2'].map((name) => stage.target(name).type)).toEqual(['rw', 'rw']);
  }, 60_000);

  it('asks for the loss of a volume whose last update is not to be tried, and ends with 3', async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const refused = await stage.run('failover', '--last-update-timeout', '0');
    expect(refused.exitCode).toBe(3);
    expect(refused.stdout).toMatch(/vol1: not-attempted: east counts/);
    expect(refused.stderr).toContain('--accept-loss unreplicated-writes/east/vol1');
    expect(stage.target('vol1').type).toBe('dp');
  }, 60_000);

  it('takes usage that contradicts itself for what it is', async () => {
    await using stage = await FailoverStage.open([]);
    expect((await stage.run('failover', '--apply', 'plan.json', '--volume', 'vol1')).exitCode).toBe(2);
    expect((await stage.run('failover', '--apply', 'no-such-file')).exitCode).toBe(2);
    expect((await stage.run('failover', '--fence', 'shoot')).exitCode).toBe(2);
    expect((await stage.run('failover', '--to', 'north')).exitCode).toBe(2);
  }, 60_000);
});

describe.concurrent('datamotion failback', () => {
  it('leaves the target in service when writers cannot be stopped; then brings data and writers back', async () => {
    await using stage = await FailoverStage.open();
    const journal = ['--journal', join(stage.folder.path, 'journal')];
    expect((await stage.run('failover', ...journal)).exitCode).toBe(0);
    stage.target('vol1').write('/new', 0, new Uint8Array(4096).fill(3));
    stage.source('vol2').write('/late', 0, new Uint8Array(8192).fill(4));

    const refused = await stage.run('failback', ...journal);
    expect(refused.exitCode).toBe(3);
    expect(refused.stdout).toMatch(/What was written to vol2 at east after \S+ is discarded\. 8\.0 KiB\./);
    const ids = (refused.stdout.match(/--accept-loss (\S+)/g) ?? []).join(' ').split(' ');

    const stuck = await stage.run('failback', ...journal, ...ids, '--stop-writers', 'echo they go on; exit 4');
    expect(stuck.exitCode).toBe(1);
    expect(stuck.stderr).toMatch(/\| they go on/);
    expect(stuck.stderr).toMatch(/ended with 4 \[FAILOVER_WRITERS_NOT_STOPPED\]/);
    expect(stuck.stdout).toMatch(/vol1: error: west counts/);
    expect(stage.target('vol1').junctionPath).toBe('/vol1');

    const told = join(stage.folder.path, 'told');
    const hooks = ['--stop-writers', `echo stop $DATAMOTION_SIDE $DATAMOTION_BACKEND $DATAMOTION_VOLUMES >> ${told}`];
    hooks.push('--start-writers', `echo start $DATAMOTION_SIDE $DATAMOTION_BACKEND $DATAMOTION_VOLUMES >> ${told}`);
    const done = await stage.run('failback', ...journal, ...ids, ...hooks);
    expect(done).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/vol1: done: east counts \(protected\)/) });
    expect(readFileSync(told, 'utf8')).toBe('stop target west vol1 vol2\nstart source east vol1 vol2\n');
    expect(stage.source('vol1').read('/new')[0]).toBe(3);
    expect(stage.source('vol2').files()).not.toContain('/late');
    expect(stage.target('vol1').type).toBe('dp');
    const owed = await stage.run('debts', ...journal);
    expect(owed).toMatchObject({ exitCode: 0, stdout: 'nothing is owed\n' });
  }, 90_000);
});

describe.concurrent('datamotion debts', () => {
  it('lists what is owed with 1, and pays it once the source answers', async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const journal = ['--journal', join(stage.folder.path, 'journal')];
    const source = stage.world.cluster('cluster1');
    source.kill();
    expect((await stage.run('failover', ...journal, '--contact-timeout', '4', '--accept-loss')).exitCode).toBe(0);
    const owed = await stage.run('debts', ...journal, '--json');
    expect(owed.exitCode).toBe(1);
    expect(owed.json()).toMatchObject({ debts: [{ kind: 'source-unfenced', volume: 'vol1', target: 'west' }] });
    source.revive();
    const paid = await stage.run('debts', ...journal, '--pay', '--fence', 'unmount');
    expect([paid.exitCode, paid.stdout]).toEqual([0, 'nothing is owed\n']);
    expect(stage.source('vol1').junctionPath).toBeUndefined();
    expect(stage.target('vol1').junctionPath).toBe('/vol1');
  }, 60_000);

  it('pays nothing for a volume that was moved on since, says so, and forgets it when told to', async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const journal = ['--journal', join(stage.folder.path, 'journal')];
    expect((await stage.run('failover', ...journal)).exitCode).toBe(0);
    // Without the journal: so that it does not know.
    expect((await stage.run('failback')).exitCode).toBe(0);
    const pay = await stage.run('debts', ...journal, '--pay', '--fence', 'offline');
    expect(pay).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('another side counts by now for vol1') });
    expect([stage.source('vol1').state, stage.source('vol1').junctionPath, stage.target('vol1').type]).toEqual([
      'online',
      '/vol1',
      'dp',
    ]);
    const forgotten = await stage.run('debts', ...journal, '--forget');
    expect([forgotten.exitCode, forgotten.stdout]).toEqual([0, 'nothing is owed\n']);
    expect((await stage.run('debts', ...journal)).exitCode).toBe(0);
  }, 60_000);
});

/** The same plan under another id: one that was not begun. */
function asAnother(plan: string): string {
  return JSON.stringify({ ...(JSON.parse(plan) as FailoverPlan), id: 'another' });
}
