/** `datamotion failover` and its relatives where something beside them fails: hooks, junctions that are taken, callers that go away. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { HookQuestions } from '../../src/cli/rpc/hook-questions.ts';
import { serveRpc } from '../../src/cli/rpc/server.ts';
import { mirroredStage } from '../run/failover/pair-stage.ts';
import { FailoverStage } from './failover-stage.ts';

describe.concurrent('datamotion failover, failback and debts', () => {
  it('end with 1 when writers were not started, and say so', { timeout: 60_000 }, async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const { exitCode, stdout } = await stage.run('failover', '--start-writers', 'exit 7');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('writers-not-started');
  });

  it('keep no side that nobody chose', { timeout: 60_000 }, async () => {
    await using stage = await FailoverStage.open(['vol1']);
    await stage.run('break', '--target', 'west', '--volume', 'vol1');
    stage.target('vol1').write('/t', 0, new Uint8Array(4096).fill(3));
    stage.source('vol1').write('/s', 0, new Uint8Array(4096).fill(3));
    const { exitCode, stderr } = await stage.run('failback', '--accept-loss');
    expect([exitCode, stage.source('vol1').files().includes('/s')]).toEqual([1, true]);
    expect(stderr).toContain('FAILOVER_CONTESTED');
  });

  it('pay for a source that was not mounted', { timeout: 60_000 }, async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const journal = ['--journal', join(stage.folder.path, 'journal')];
    await stage.run('failover', ...journal, '--fence', 'unmount');
    const east = stage.world.cluster('cluster1');
    const [svm = ''] = east.svms;
    const squatter = east.createVolume({ svm, name: 'squatter', sizeBytes: 2 ** 26, junctionPath: '/vol1' });
    const back = await stage.run('failback', ...journal, '--volume', 'vol1', '--accept-loss');
    expect([back.exitCode, back.stdout]).toEqual([1, expect.stringContaining('not-mounted')]);
    squatter.junctionPath = undefined;
    const { exitCode, stdout } = await stage.run('debts', ...journal, '--pay');
    expect([exitCode, stage.source('vol1').junctionPath], stdout).toEqual([0, '/vol1']);
  });

  it('take whole numbers of volumes only', { timeout: 60_000 }, async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const { exitCode, stderr } = await stage.run('failover', '--concurrency', '1.5');
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('whole number')]);
  });
});

describe('a caller of JSON-RPC that is gone', () => {
  it('leaves nothing behind that has no end', async () => {
    await using stage = await mirroredStage({ volumes: ['vol1'] });
    const request = { jsonrpc: '2.0', id: 1, method: 'keepHouse', params: { source: 'east' } };
    const sent: unknown[] = [];
    await serveRpc({
      dataMotion: stage.dataMotion,
      input: Readable.from([`${JSON.stringify(request)}\n`]),
      send: (document) => void sent.push(document),
      signal: new AbortController().signal,
      now: () => stage.clock.now(),
    });
    expect(sent).toEqual([{ jsonrpc: '2.0', id: 1, result: null }]);
  });

  it('answers no question any more: each is a no', async () => {
    const questions = new HookQuestions(() => {});
    const open = questions.ask({ hook: 'stopWriters' }, new AbortController().signal);
    questions.close();
    await expect(open).rejects.toThrow('the caller is gone');
    await expect(questions.ask({}, new AbortController().signal)).rejects.toThrow('the caller is gone');
  });
});
