/** Every verb on more volumes than the terminal has lines: a table of counts there, and one document with `--json`. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scaledClock } from '../../src/cli/commands/simulate.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { systemClock } from '../../src/env.ts';
import { SimulatedOntap } from '../../src/testing/index.ts';
import { cinderConf, datamotion, Folder } from './command-line.ts';

const VOLUMES = ['vol1', 'vol2', 'vol3', 'vol4', 'vol5', 'vol6'];
const ROWS = 4;
const world = new SimulatedOntap({ clock: scaledClock(systemClock, 40), operationMs: 1 });
const folder = new Folder();
let on: string[] = [];

beforeAll(async () => {
  await world.listen();
  const config = folder.file('cinder.conf', cinderConf(world));
  on = ['--config', config, '--backend', 'east', '--target', 'west', '--volume', ...VOLUMES];
  for (const name of VOLUMES) world.cluster('cluster1').createVolume({ svm: 'svm1', name, sizeBytes: 64 * 2 ** 20 });
});
afterAll(async () => {
  await world.close();
  folder[Symbol.dispose]();
});

async function onTerminal(argv: readonly string[]): Promise<{ readonly exitCode: number; readonly screen: string }> {
  let screen = '';
  const write = (text: string) => {
    screen += text;
  };
  const stderr = { isTTY: true, rows: ROWS, write };
  const terminal = { stdout: { write: () => {} }, stderr, env: {}, signal: new AbortController().signal };
  return { exitCode: await runCommandLine(argv, terminal, '0.0.0-test'), screen };
}

/** What stays on the terminal: the table as drawn last. */
const lastTable = (screen: string) => screen.split('\u001b[J').at(-1)?.trimEnd().split('\n') ?? [];

const STORY: readonly (readonly [string, ...string[]])[] = [
  ['ensure', '--wait'],
  ['update'],
  ['quiesce'],
  ['resume'],
  ['abort'],
  ['break'],
  ['resync', '--accept-loss'],
  ['delete', '--no-release'],
  ['release'],
];

it.each(STORY.map((argv) => [argv.join(' '), argv] as const))('%s of six volumes on four lines', async (_, argv) => {
  const [verb, ...flags] = argv;
  const { exitCode, screen } = await onTerminal([verb, ...on, ...flags]);
  expect(exitCode).toBe(0);
  const table = lastTable(screen);
  expect(table.at(-1)).toMatch(/^all +6/);
  expect(table.at(-2)).toMatch(/^done +6/);
  expect(table.length).toBeLessThanOrEqual(ROWS);

  const again = await datamotion([verb, ...on, ...flags, '--json']);
  const { results } = again.json() as { results: { pair: { source: { volume: string } } }[] };
  expect(results.map(({ pair }) => pair.source.volume)).toEqual(VOLUMES);
});
