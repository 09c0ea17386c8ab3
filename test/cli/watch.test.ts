import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { LiveTable } from '../../src/cli/progress.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { SimulatedOntap } from '../../src/testing/index.ts';
import { cinderConf, datamotion, Folder } from './command-line.ts';

const world = new SimulatedOntap({ operationMs: 1 });
const folder = new Folder();
let on: string[] = [];

beforeAll(async () => {
  await world.listen();
  on = ['--config', folder.file('cinder.conf', cinderConf(world)), '--backend', 'east', '--target', 'west'];
  world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 64 * 2 ** 20 });
  await datamotion(['ensure', ...on, '--wait']);
});
afterAll(async () => {
  await world.close();
  folder[Symbol.dispose]();
});

/** Watches until `enough` of what is written, and ends it as Ctrl-C does. */
async function watching(options: {
  readonly isTTY: boolean;
  readonly onText?: (text: string) => void;
  readonly enough: (text: string) => boolean;
}): Promise<{ readonly text: string; readonly exitCode: number }> {
  const interrupted = new AbortController();
  let text = '';
  const stdout = {
    isTTY: options.isTTY,
    write: (part: string) => {
      text += part;
      options.onText?.(text);
      if (options.enough(text)) interrupted.abort(new Error('interrupted by SIGINT'));
    },
  };
  const world = { stdout, stderr: { write: () => {} }, env: {}, signal: interrupted.signal };
  const exitCode = await runCommandLine(['status', ...on, '--watch', '--interval', '0.02'], world, '0.0.0-test');
  return { text, exitCode };
}

describe('status --watch', () => {
  it('draws the table anew on a terminal, until it is interrupted', async () => {
    const { text, exitCode } = await watching({ isTTY: true, enough: (all) => all.split('\u001b[H').length > 3 });
    expect(exitCode).toBe(0);
    const screens = text.split('\u001b[H\u001b[J').slice(1);
    expect(screens).toHaveLength(3);
    for (const screen of screens) expect(screen).toMatch(/svm1_dr:vol1 .* snapmirrored .* protected/);
  });

  it('elsewhere prints the table once and then what changes, a cluster that dies and comes back too', async () => {
    let broken = false;
    const { text, exitCode } = await watching({
      isTTY: false,
      onText: (all) => {
        if (!broken) {
          broken = true;
          void datamotion(['quiesce', ...on, '--volume', 'vol1']).then(() => world.cluster('cluster2').kill());
        }
        if (all.includes('target west: error')) world.cluster('cluster2').revive();
      },
      enough: (all) => all.includes('target west: gone'),
    });
    expect(exitCode).toBe(0);
    expect(text.match(/protection/g)).toHaveLength(1);
    expect(text).toMatch(/Z svm1:vol1 -> svm1_dr:vol1: paused, paused, success\n/);
    expect(text).not.toContain('svm1_dr:vol1: gone');
  });

  it('has no JSON form', async () => {
    expect((await datamotion(['status', ...on, '--watch', '--json'])).exitCode).toBe(2);
  });
});

describe('progress of more things than the terminal has lines', () => {
  it('is how many are at which step, in place of a bar each', () => {
    const written: string[] = [];
    const stderr = { isTTY: true, rows: 4, write: (part: string) => written.push(part) };
    const stdout = { write: () => {} };
    const terminal = new Terminal({ stdout, stderr, env: {}, signal: new AbortController().signal }, { json: false });
    const progress = terminal.progress();
    for (let i = 0; i < 10; i++) progress.step(`vol${i}`, i < 4 ? 'create-destination' : 'initialize: transferring');
    progress.step('vol9', 'initialize: transferring', { transferredBytes: 2048 });
    progress.end('vol0', 'failed');
    progress.stop();
    const last = written.join('').split('\u001b[J').at(-1);
    expect(last).toBe(
      [
        'create-destination         3',
        'initialize: transferring   6  2.0 KiB',
        'failed                     1',
        'all                       10  2.0 KiB',
        '',
      ].join('\n'),
    );
  });

  it('is drawn over itself', () => {
    const written: string[] = [];
    const table = new LiveTable({ write: (part: string) => written.push(part) });
    table.step('vol1', 'mount');
    table.stop();
    expect(written.join('')).toBe('mount  1\nall    1\n\u001b[2A\u001b[Jmount  1\nall    1\n');
  });
});
