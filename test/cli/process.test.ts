import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
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
  }, 60_000);

  it('--help names the exit codes, and every command that it names has help of its own', async () => {
    const help = await datamotion(['--help']);
    expect(help.exitCode).toBe(0);
    expect(help.stdout).toMatch(/Exit codes: 0 done, 1 .* 2 .* 3/);
    const commands = await everyCommand();
    expect(commands.length).toBeGreaterThan(commandsIn(help.stdout).length);
    for (const command of commands) {
      const own = await datamotion([...command.split(' '), '--help']);
      expect(own.exitCode, command).toBe(0);
      expect(own.stdout).toMatch(new RegExp(`^Usage: datamotion ${command} `));
    }
  });

  it('the documentation shows every command of --help, and no other', async () => {
    const commands = await everyCommand();
    const shown = MANUAL.flatMap((file) => commandsShown(readFileSync(file, 'utf8'), commands));
    expect(shown.filter((command) => !commands.includes(command))).toEqual([]);
    // The change log may speak of what is gone, so it is only asked whether it names a command.
    const told = commandsShown(readFileSync('CHANGELOG.md', 'utf8'), commands);
    const named = new Set([...shown, ...told, ...namesInReadme()].map((command) => command.split(' ')[0]));
    expect(commandsIn((await datamotion(['--help'])).stdout).filter((command) => !named.has(command))).toEqual([]);
  });
});

const MANUAL = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)];

/** Every command as it is typed, those of a group (`cloud backup`) too, as the help texts list them. */
async function everyCommand(...group: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await datamotion([...group, '--help']);
  const below = commandsIn(stdout).map(async (name) => {
    const path = [...group, name];
    return [path.join(' '), ...(await everyCommand(...path))];
  });
  return (await Promise.all(below)).flat();
}

/** Names in the list of commands of a help text, without `help` itself. */
function commandsIn(help: string): readonly string[] {
  const [, list = ''] = help.split('\nCommands:\n');
  const [own = ''] = list.split('\n\n');
  return [...own.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
}

/** What a text shows as code to type: `datamotion NAME`, and the name after it where NAME is a group. */
function commandsShown(markdown: string, commands: readonly string[]): readonly string[] {
  return [...markdown.matchAll(/(?:^|`)datamotion +([a-z][a-z-]*)(?: +([a-z][a-z-]*))?/gm)].map(([, name, next]) =>
    commands.some((command) => command.startsWith(`${name} `)) && next ? `${name} ${next}` : `${name}`,
  );
}

/** What README.md names without showing it: in its section on the command line, and as a script to run. */
function namesInReadme(): readonly string[] {
  const readme = readFileSync('README.md', 'utf8');
  const [section = ''] = readme.split('\n## The command line\n')[1]?.split('\n## ') ?? [];
  const names = [...section.matchAll(/`([a-z][a-z-]*)`/g), ...readme.matchAll(/\bnpm run ([a-z][a-z-]*)/g)];
  return names.map(([, name = '']) => name);
}
