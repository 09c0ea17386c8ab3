/** The runbooks of docs/operations.md: every command of them, in their order, against the simulated clusters. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { datamotion } from './command-line.ts';
import { FailoverStage } from './failover-stage.ts';

/** What happens between commands, by the comment that stands for it on the page. */
const EVENTS: Readonly<Record<string, (stage: FailoverStage) => unknown>> = {
  'the source dies': (stage) => stage.world.cluster('cluster1').kill(),
  'the source returns': (stage) => stage.world.cluster('cluster1').revive(),
  'the source dies, was failed over, and returns, and both sides were written to': async (stage) => {
    stage.world.cluster('cluster1').kill();
    const { exitCode } = await stage.run('failover', '--accept-loss', '--contact-timeout', '4');
    expect(exitCode).toBe(0);
    stage.world.cluster('cluster1').revive();
    stage.source('vol1').write('/late', 0, new Uint8Array(4096).fill(1));
    stage.target('vol2').write('/new', 0, new Uint8Array(4096).fill(2));
  },
  'the target is broken off by hand, and written to': async (stage) => {
    const { exitCode } = await stage.run('break', '--target', 'west', '--volume', 'vol1');
    expect(exitCode).toBe(0);
    stage.target('vol1').write('/by-hand', 0, new Uint8Array(4096).fill(3));
  },
};

/** Beyond its commands, what each runbook has brought about. */
const ENDINGS: Readonly<Record<string, (stage: FailoverStage) => void>> = {
  'Before anything happens': (stage) => {
    expect(stage.volumesAtTarget()).toEqual(['vol1', 'vol2']);
    expect(stage.hooks()).toEqual(['check-clone', 'check-clone']);
  },
  'A planned failover': (stage) => {
    expect(stage.target('vol1').junctionPath).toBe('/vol1');
    expect(stage.source('vol1').junctionPath).toBeUndefined();
    expect(stage.hooks()).toEqual(['stop-db', 'start-db']);
  },
  'An unplanned failover': (stage) => {
    expect(stage.target('vol2').type).toBe('rw');
    expect(stage.source('vol2').junctionPath).toBeUndefined();
  },
  Failback: (stage) => {
    expect(stage.source('vol1').files()).not.toContain('/late');
    expect(stage.source('vol2').files()).toContain('/new');
    expect(stage.target('vol2').type).toBe('dp');
    expect(stage.hooks()).toEqual(['stop-db', 'start-db']);
  },
  'When both sides count, or neither': (stage) => {
    expect(stage.target('vol1').type).toBe('dp');
    expect(stage.target('vol1').files()).not.toContain('/by-hand');
  },
};

describe('the runbooks of docs/operations.md', () => {
  const page = readFileSync('docs/operations.md', 'utf8');
  const [, ...runbooks] = (page.split('\n## Runbooks\n')[1] ?? '').split(/^### /m);
  const found = runbooks.map((text) => ({ title: text.split('\n')[0] ?? '', steps: stepsIn(text) }));
  const runnable = found.filter(({ steps }) => steps.some(({ kind }) => kind === 'command'));

  it('are those that have endings here, and more', () => {
    const titles = runnable.map(({ title }) => title);
    expect(titles).toEqual(expect.arrayContaining(Object.keys(ENDINGS)));
    expect(found.flatMap(({ steps }) => steps).filter(({ kind }) => kind === 'command').length).toBeGreaterThan(20);
  });

  for (const { title, steps } of runnable) {
    it.concurrent(`${title}: every command does what the page says`, async () => {
      await using stage = await FailoverStage.open();
      for (const step of steps) {
        if (step.kind === 'event') await EVENTS[step.text]?.(stage);
        else await typed(stage, step.text);
      }
      ENDINGS[title]?.(stage);
    }, 120_000);
  }
});

interface Step {
  readonly kind: 'command' | 'event';
  readonly text: string;
}

/** Commands and events of a runbook in their order. An event that nobody knows here is a mistake of the page. */
function stepsIn(runbook: string): readonly Step[] {
  const parts = [...runbook.matchAll(/<!-- (.*?) -->|```sh\n([\s\S]*?)```/g)];
  return parts.flatMap(([, event, block = '']): readonly Step[] => {
    if (event === undefined)
      return block
        .trimEnd()
        .split('\n')
        .map((text) => ({ kind: 'command', text }));
    if (EVENTS[event] === undefined) throw new Error(`docs/operations.md: nobody knows what happens here: ${event}`);
    return [{ kind: 'event', text: event }];
  });
}

/** As a shell would, with the files of the page in the folder of the stage. A dead cluster is not waited for as long as usual. */
async function typed(stage: FailoverStage, line: string): Promise<void> {
  const [, command = '', output, code] = /^datamotion (.*?)(?: > (\S+))?(?: # exits with (\d))?$/.exec(line) ?? [];
  const inFolder = (word: string) =>
    /^(cinder\.conf|plan\.json|\.\/[a-z-]+|\/var\/lib\/datamotion)$/.test(word) ? join(stage.folder.path, word) : word;
  const words = command.split(' ').map(inFolder);
  const waits = ['failover', 'failback'].includes(words[0] ?? '') ? ['--contact-timeout', '4'] : [];
  const ran = await datamotion([...words, ...waits]);
  expect([line, ran.exitCode, ran.exitCode === Number(code ?? 0) ? '' : ran.stdout + ran.stderr]).toEqual([
    line,
    Number(code ?? 0),
    '',
  ]);
  if (output !== undefined) writeFileSync(inFolder(output), ran.stdout);
}
