/** docs/simulator.md: its tables are fresh, its examples run. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildScenario, parseScenario, VirtualClock } from '../../src/testing/index.ts';

const TEXT = readFileSync('docs/simulator.md', 'utf8');
const FOLDER = resolve('.tmp/simulator-doc');

it('docs/simulator.md shows what the code refuses and asks', () => {
  const { status, stderr } = node('scripts/generate-simulator-doc.ts', '--check');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it('its example for node:test runs', () => {
  const { status, stdout } = node('--test', written('node-test'));
  expect(stdout).toMatch(/pass 1\b/);
  expect(status).toBe(0);
});

describe('its example for vitest', async () => {
  await import(/* @vite-ignore */ pathToFileURL(written('vitest')).href);
});

it('its scenario can be used as it stands, and begins as it says', async () => {
  const [, yaml = ''] = /<!-- example: scenario -->\n```yaml\n(.*?)```/s.exec(TEXT) ?? [];
  const clock = new VirtualClock({ startAt: Date.parse('2026-01-01T12:00:00Z') });
  const world = await buildScenario(parseScenario(parse(yaml)), { clock });
  expect(world.clusters.map(({ name, alive }) => [name, alive])).toEqual([
    ['berlin', true],
    ['vienna', true],
    ['oslo', false],
  ]);
  expect(world.cluster('vienna').volumes.map(({ path }) => path)).toEqual([
    'dr:dr_root',
    'dr:orders',
    'dr:mail',
    'dr:logs',
  ]);
  expect(world.cluster('vienna').volume('dr', 'logs').digest()).toBe(
    world.cluster('berlin').volume('prod', 'logs').digest(),
  );
  expect(world.cluster('vienna').volume('dr', 'mail').files()).toContain('/new/file0');
});

/** The example with that marker as a file, with the package's name turned into its source. */
function written(example: string): string {
  const [, code = ''] = new RegExp(`<!-- example: ${example} -->\n\`\`\`ts\n(.*?)\`\`\``, 's').exec(TEXT) ?? [];
  const file = join(FOLDER, `${example}.ts`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(
    file,
    code.replaceAll('ontap-data-motion/testing', pathToFileURL(resolve('src/testing/index.ts')).href),
  );
  return file;
}

function node(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  // A test runner inside a test runner reports as it would outside.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...env, NODE_OPTIONS: '' } });
}
