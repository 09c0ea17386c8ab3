import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type SimulateOptions, simulate } from '../../src/cli/commands/simulate.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { datamotion } from './command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'simulate-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ready {
  readonly clusters: readonly { readonly name: string; readonly url: string }[];
  readonly control: string;
}

/** Runs the command in this process until `use` is done. */
async function running(options: Partial<SimulateOptions>, use: (ready: Ready) => Promise<void>): Promise<void> {
  const interrupt = new AbortController();
  let heard = (_: string) => {};
  const line = new Promise<string>((resolve) => {
    heard = resolve;
  });
  const stdout = { write: (text: string) => heard(text) };
  const terminal = new Terminal(
    { stdout, stderr: { write: () => {} }, env: {}, signal: interrupt.signal } as ConstructorParameters<
      typeof Terminal
    >[0],
    { json: false },
  );
  const ended = simulate(terminal, { port: 0, host: '127.0.0.1', controlPort: 0, ...options });
  try {
    await use(JSON.parse(await Promise.race([line, ended.then(() => '{}')])));
  } finally {
    interrupt.abort();
    expect(await ended).toBe(0);
  }
}

const json = async (url: string, body?: object) =>
  (await fetch(url, body && { method: 'POST', body: JSON.stringify(body) })).json() as Promise<Record<string, unknown>>;
const VOLUME = '/clusters/a/svms/svm1/volumes/v';

describe('datamotion simulate', () => {
  it('builds the world of a scenario, saves it when interrupted, and goes on from the file', async () => {
    const scenario = join(folder, 'scenario.yaml');
    const save = join(folder, 'world.sim');
    writeFileSync(
      scenario,
      'version: 1\nclock: { start: 2026-01-01T00:00:00Z, speed: 0 }\nclusters:\n  - { name: a, volumes: [{ svm: svm1, name: v, size: 100MiB }] }\n',
    );
    let digest: unknown;
    await running({ scenario, save }, async ({ control, clusters }) => {
      expect(clusters.map(({ name }) => name)).toEqual(['a']);
      await json(`${control}${VOLUME}/files`, { path: '/f', text: 'kept' });
      await json(`${control}/clock/advance`, { ms: 5000 });
      digest = await json(`${control}${VOLUME}/digest`);
    });
    expect(readFileSync(save).length).toBeGreaterThan(100);
    await running({ load: save, timeScale: 0.001 }, async ({ control }) => {
      expect(await json(`${control}${VOLUME}/digest`)).toEqual(digest);
      expect((await json(`${control}/clock`))['now']).toMatch(/^2026-01-01T00:00:05/);
    });
  });

  it('a world that stood still, or was virtual, does so again', async () => {
    for (const [clock, still] of [
      ['speed: 0', { speed: 0 }],
      ['virtual: true', {}],
    ] as const) {
      const scenario = join(folder, 'still.yaml');
      const save = join(folder, 'still.sim');
      writeFileSync(
        scenario,
        `version: 1\nclock: { start: 2026-01-01T00:00:00Z, ${clock} }\nclusters: [{ name: a, svms: [svm1] }]\n`,
      );
      await running({ scenario, save }, async () => {});
      for (const again of [1, 2]) {
        await running({ load: save, save }, async ({ control }) => {
          const shown = await json(`${control}/clock`);
          expect({ again, ...shown }).toEqual({
            again,
            now: '2026-01-01T00:00:00.000Z',
            epochMs: shown['epochMs'],
            ...still,
          });
        });
      }
      expect(readdirSync(folder).filter((name) => name.startsWith('still.sim'))).toEqual(['still.sim']);
    }
  });

  it.each([
    ['in a directory that is not there', join(folder, 'none', 'world.sim')],
    ['that is a directory', folder],
  ])('a file to save to %s is told at the start, with 2', async (_, save) => {
    const { exitCode, stderr } = await datamotion(['simulate', '--save', save]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${save} cannot be written`);
  });

  it('a world that cannot be saved in the end is told with a typed error, and leaves no part of a file', async () => {
    const save = join(folder, 'kept.sim');
    writeFileSync(save, '');
    const interrupt = new AbortController();
    const stdout = {
      write: () => {
        // What the rename would replace is a directory by then.
        rmSync(save);
        mkdirSync(save);
        writeFileSync(join(save, 'x'), '');
        interrupt.abort();
      },
    };
    const terminal = new Terminal(
      { stdout, stderr: { write: () => {} }, env: {}, signal: interrupt.signal } as ConstructorParameters<
        typeof Terminal
      >[0],
      { json: false },
    );
    await expect(simulate(terminal, { port: 0, host: '127.0.0.1', save })).rejects.toMatchObject({
      name: 'ConfigError',
      object: save,
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('kept.sim'))).toEqual(['kept.sim']);
  });

  it('draws faults by seed', async () => {
    await running({ randomFaults: { http: 1 }, seed: 3, faultBudget: 1 }, async ({ control, clusters }) => {
      expect((await fetch(`${clusters[0]?.url}/api/cluster`)).status).not.toBe(401);
      expect((await fetch(`${clusters[0]?.url}/api/cluster`)).status).toBe(401);
      expect((await json(`${control}/random-faults`))['drawn']).toHaveLength(1);
    });
  });

  it('tells every problem of a scenario, and ends with 2', async () => {
    const bad = join(folder, 'bad.yaml');
    writeFileSync(bad, 'version: 1\nclusters:\n  - { name: a, volumes: [{ svm: x, name: v, size: big }] }\n');
    const { exitCode, stderr } = await datamotion(['simulate', '--scenario', bad]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('clusters[0].volumes[0].size');
  });

  it.each([
    [['--load', 'x', '--scenario', 'y'], /cannot be used with/],
    [['--random-faults', 'quake=0.1'], /There is no fault quake/],
    [['--random-faults', 'http=2'], /must be from 0 to 1/],
    [['--scenario', '/no/such/file'], /cannot be read/],
    [['--load', 'package.json'], /no file of a simulated world/],
  ])('%j is refused', async (argv, message) => {
    const { exitCode, stderr } = await datamotion(['simulate', ...argv]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
  });
});
