import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { datamotion } from './command-line.ts';

/** The command as a process of its own, unbuilt. */
function start(...argv: string[]) {
  const child = spawn(process.execPath, ['src/cli/main.ts', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stderr }));
  });
  return { child, ended, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

interface Description {
  clusters: { name: string; url: string; user: string; password: string; svms: string[]; aggregates: string[] }[];
}

describe('datamotion as a process', () => {
  it('simulate prints one JSON line when it is ready, answers over HTTP, and ends with 0 on SIGINT', async () => {
    const { child, ended, lines } = start('simulate', '--time-scale', '100');
    const { clusters } = JSON.parse((await lines.next()).value ?? '') as Description;
    expect(clusters.map(({ svms, aggregates }) => [svms.length, aggregates.length])).toEqual([
      [2, 2],
      [1, 2],
    ]);
    for (const { url, user, password, name } of clusters) {
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      const answer = await fetch(`${url}/api/cluster?fields=name,version`, { headers: { authorization } });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ name, version: { generation: 9 } });
      expect((await fetch(`${url}/api/cluster`)).status).toBe(401);
    }
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 0, stderr: '' });
  });

  it('simulate on a port that is taken ends with 1 and a readable message', async () => {
    const first = start('simulate');
    const { clusters } = JSON.parse((await first.lines.next()).value ?? '') as Description;
    const port = new URL(clusters[0]?.url ?? '').port;
    const second = await start('simulate', '--port', port).ended;
    first.child.kill('SIGTERM');
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/error: .*EADDRINUSE/);
    expect((await first.ended).code).toBe(0);
  });

  it('demo tells the whole story and every check of it holds', async () => {
    const { child, ended } = start('demo', '--json', '--time-scale', '60');
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    const { code } = await ended;
    const story = JSON.parse(text) as {
      ok: boolean;
      checks: { check: string; ok: boolean }[];
      lost: { blocks: number }[];
    };
    expect(story.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(story.checks.length).toBeGreaterThanOrEqual(11);
    expect(story.lost.map(({ blocks }) => blocks)).toEqual([25, 25, 25]);
    expect([code, story.ok]).toEqual([0, true]);
  });

  it('--help names every command and the exit codes; each command has help of its own', async () => {
    const help = await datamotion(['--help']);
    expect(help.exitCode).toBe(0);
    const commands = [
      'demo',
      'simulate',
      'config',
      'status',
      'ensure',
      'update',
      'quiesce',
      'resume',
      'break',
      'resync',
      'delete',
    ];
    for (const command of commands) {
      expect(help.stdout).toMatch(new RegExp(`^ +${command}\\b`, 'm'));
      const own = await datamotion([command, '--help']);
      expect(own.exitCode).toBe(0);
      expect(own.stdout).toContain(`Usage: datamotion ${command}`);
    }
    expect(help.stdout).toMatch(/Exit codes: 0 done, 1 .* 2 .* 3/);
  });
});
