import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { type RunAction, registerCloud } from '../../src/cli/commands/cloud.ts';
import { registerStore } from '../../src/cli/commands/store.ts';
import { EXIT, type ExitCode, Terminal } from '../../src/cli/terminal.ts';
import { Folder, type Ran } from './command-line.ts';

/** The commands alone, as the program around them runs them. */
async function datamotion(home: Folder, ...argv: readonly string[]): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const world = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: { XDG_STATE_HOME: join(home.path, 'state-home') },
    signal: new AbortController().signal,
  };
  let exitCode: ExitCode = EXIT.done;
  const run: RunAction = (action) => async (options) => {
    const terminal = new Terminal(world, { json: options.json ?? false });
    try {
      exitCode = await action(terminal, options);
    } catch (error) {
      exitCode = terminal.fail(error);
    }
  };
  const program = new Command('datamotion').exitOverride().configureOutput({
    writeOut: (text) => void world.stdout.write(text),
    writeErr: (text) => void world.stderr.write(text),
  });
  registerCloud(program, run);
  registerStore(program, run);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  return { exitCode, ...written, json: () => JSON.parse(written.stdout) };
}

/** An image with data that compresses, data that does not, equal blocks, and a hole. */
function makeImage(folder: Folder): string {
  const path = join(folder.path, 'disk.img');
  const blocks = [
    randomBytes(40 * 4096),
    Buffer.alloc(100 * 4096, 'data that compresses '),
    Buffer.alloc(4096, 7),
    Buffer.alloc(4096, 7),
  ];
  writeFileSync(path, Buffer.concat(blocks));
  truncateSync(path, 400 * 4096 + 123);
  return path;
}

describe('datamotion cloud', { timeout: 60_000 }, () => {
  it('backs an image up twice, lists, verifies, restores, forgets, collects', async () => {
    using folder = new Folder();
    const image = makeImage(folder);
    const store = join(folder.path, 'store');
    const at = ['--store', store, '--name', 'vol1'];
    const first = await datamotion(
      folder,
      'cloud',
      'backup',
      image,
      ...at,
      '--label',
      'daily',
      '--snapshot-name',
      'one',
      '--json',
    );
    expect(first.stderr).not.toContain('error');
    expect(first.exitCode).toBe(0);
    expect(first.json()).toMatchObject({ outcome: 'baseline', snapshot: { name: 'one', label: 'daily' } });
    const old = join(folder.path, 'old.img');
    copyFileSync(image, old);

    const changed = readFileSync(image);
    changed.fill(9, 4096 * 50, 4096 * 52);
    writeFileSync(image, changed);
    const second = await datamotion(folder, 'cloud', 'backup', image, ...at, '--snapshot-name', 'two', '--json');
    expect(second.json()).toMatchObject({ outcome: 'incremental', changedBlocks: [expect.any(Number), 1, 0] });
    expect((second.json() as { changedBlocks: number[] }).changedBlocks[0]).toBeLessThan(6);

    const listed = (await datamotion(folder, 'cloud', 'list', ...at, '--json')).json() as { snapshots: object[] };
    expect(listed.snapshots).toMatchObject([
      { name: 'one', label: 'daily', bytes: expect.any(Number), createdAt: expect.stringMatching(/^\d{4}-.*Z$/) },
      { name: 'two', label: null },
    ]);

    expect((await datamotion(folder, 'cloud', 'verify', ...at, '--read-data')).exitCode).toBe(0);
    const shown = await datamotion(folder, 'cloud', 'show', ...at, '--snapshot', 'one', '--measure', '--json');
    expect(shown.json()).toMatchObject({ saved: { unchangedBytes: 0 } });
    const { saved } = shown.json() as { saved: { compressionBytes: number; deduplicationBytes: number } };
    expect(saved.compressionBytes).toBeGreaterThan(0);
    expect(saved.deduplicationBytes).toBeGreaterThan((90 * 4096) / 2);

    for (const [name, original] of [
      ['one', old],
      ['two', image],
    ] as const) {
      const to = join(folder.path, `${name}.out`);
      expect(await datamotion(folder, 'cloud', 'restore', ...at, '--snapshot', name, '--to', to)).toMatchObject({
        exitCode: 0,
      });
      expect(readFileSync(to).equals(readFileSync(original))).toBe(true);
      expect(statSync(to).blocks).toBeLessThan(160 * 8);
    }
    const part = join(folder.path, 'part');
    await datamotion(folder, 'cloud', 'restore', ...at, '--to', part, '--range', '5000-212000');
    expect(readFileSync(part).equals(readFileSync(image).subarray(5000, 212_000))).toBe(true);
    // Back in place, from the second to the first.
    const two = join(folder.path, 'two.out');
    const onto = await datamotion(
      folder,
      'cloud',
      'restore',
      ...at,
      '--snapshot',
      'one',
      '--onto',
      'two',
      '--to',
      two,
      '--json',
    );
    expect((onto.json() as { placedBlocks: number }).placedBlocks).toBeLessThan(6);
    expect(readFileSync(two).equals(readFileSync(old))).toBe(true);

    expect((await datamotion(folder, 'cloud', 'forget', ...at, '--snapshot', 'two')).exitCode).toBe(
      EXIT.acknowledgementNeeded,
    );
    expect((await datamotion(folder, 'cloud', 'forget', ...at, '--snapshot', 'one')).exitCode).toBe(0);
    const planned = (await datamotion(folder, 'cloud', 'gc', ...at, '--plan', '--json')).json() as { bytes: number };
    const collected = (await datamotion(folder, 'cloud', 'gc', ...at, '--json')).json();
    expect(collected).toMatchObject({ ...planned, planned: false });
    expect((await datamotion(folder, 'cloud', 'verify', ...at, '--read-data', '--json')).json()).toMatchObject({
      problems: [],
    });
    expect((await datamotion(folder, 'cloud', 'ls', ...at)).stdout).toContain('/disk.img');
  });

  it('keeps the state per endpoint below XDG_STATE_HOME, and in --state if told', async () => {
    using folder = new Folder();
    const image = makeImage(folder);
    const at = ['--store', join(folder.path, 'store')];
    await datamotion(folder, 'cloud', 'backup', image, ...at, '--name', 'one');
    const own = join(folder.path, 'own-state');
    await datamotion(folder, 'cloud', 'backup', image, ...at, '--name', 'two', '--state', own);
    expect(readdirSync(join(folder.path, 'state-home', 'ontap-data-motion'))).toEqual([expect.stringMatching(/^one-/)]);
    expect(existsSync(own)).toBe(true);
    // The state of one endpoint is refused for another one.
    const wrong = await datamotion(
      folder,
      'cloud',
      'backup',
      image,
      ...at,
      '--name',
      'three',
      '--state',
      own,
      '--json',
    );
    expect(wrong.exitCode).toBe(EXIT.failed);
    expect(wrong.json()).toMatchObject({ error: { code: 'STATE_WRONG_OWNER' } });
  });

  it('says what is wrong in one clear error', async () => {
    using folder = new Folder();
    const image = makeImage(folder);
    const at = ['--store', join(folder.path, 'store'), '--name', 'vol1'];
    const unknown = await datamotion(folder, 'cloud', 'list', ...at, '--json');
    expect(unknown).toMatchObject({ exitCode: EXIT.failed });
    expect(unknown.json()).toMatchObject({ error: { code: 'CLOUD_ENDPOINT_UNKNOWN' } });
    expect((await datamotion(folder, 'cloud', 'backup', join(folder.path, 'none'), ...at)).exitCode).toBe(EXIT.usage);
    expect((await datamotion(folder, 'cloud', 'backup', folder.path, ...at)).exitCode).toBe(EXIT.usage);
    expect((await datamotion(folder, 'cloud', 'backup', image, '--store', 'x', '--name', 'a/b')).exitCode).toBe(
      EXIT.usage,
    );
    expect((await datamotion(folder, 'cloud', 'backup', image)).exitCode).toBe(EXIT.usage);
    expect((await datamotion(folder, 'cloud', 'restore', ...at, '--to', 'x', '--range', '9-1')).exitCode).toBe(
      EXIT.usage,
    );
    await datamotion(folder, 'cloud', 'backup', image, ...at);
    const kept = await datamotion(folder, 'cloud', 'restore', ...at, '--to', image);
    expect(kept).toMatchObject({ exitCode: EXIT.acknowledgementNeeded });
    expect(kept.stderr).toContain('--overwrite');
  });

  it('restores to files and block devices alone, and touches nothing else that is there', async () => {
    using folder = new Folder();
    const image = makeImage(folder);
    const at = ['--store', join(folder.path, 'store'), '--name', 'vol1'];
    await datamotion(folder, 'cloud', 'backup', image, ...at);
    const fifo = join(folder.path, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const directory = join(folder.path, 'directory');
    mkdirSync(directory);
    const before = readdirSync(folder.path).sort();
    // /dev/null is not named here: where the refusal is missing, root would lose it.
    for (const to of [fifo, directory]) {
      for (const how of [[], ['--overwrite'], ['--onto', 'one']]) {
        const ran = await datamotion(folder, 'cloud', 'restore', ...at, '--to', to, ...how, '--json');
        expect(ran, how.join()).toMatchObject({ exitCode: EXIT.usage });
        expect(ran.json()).toMatchObject({ error: { code: 'CONFIG_INVALID', problems: [{ option: 'to' }] } });
      }
    }
    expect(statSync(fifo).isFIFO()).toBe(true);
    expect(readdirSync(folder.path).sort()).toEqual(before);
  });

  it('finds a damaged object, and exits with 1', async () => {
    using folder = new Folder();
    const image = makeImage(folder);
    const at = ['--store', join(folder.path, 'store'), '--name', 'vol1'];
    await datamotion(folder, 'cloud', 'backup', image, ...at);
    // The largest file is the object with the data.
    const [object = ''] = readdirSync(join(folder.path, 'store'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort((one, other) => statSync(other).size - statSync(one).size);
    const bytes = readFileSync(object);
    bytes[bytes.length - 5000] = (bytes[bytes.length - 5000] ?? 0) ^ 1;
    writeFileSync(object, bytes);
    const verified = await datamotion(folder, 'cloud', 'verify', '--read-data', ...at, '--json');
    expect(verified).toMatchObject({ exitCode: EXIT.failed });
    expect(verified.json()).toMatchObject({ problems: [{ code: 'CLOUD_CORRUPT', objectId: expect.any(Number) }] });
    const to = join(folder.path, 'out');
    expect((await datamotion(folder, 'cloud', 'restore', ...at, '--to', to)).stderr).toContain('object');
    expect(existsSync(to)).toBe(false);
    expect(existsSync(`${to}.partial`)).toBe(false);
  });
});

describe('datamotion store check', () => {
  it('runs the contract against a folder, and leaves nothing there', { timeout: 120_000 }, async () => {
    using folder = new Folder();
    const store = join(folder.path, 'store');
    const ran = await datamotion(folder, 'store', 'check', store, '--json');
    expect(ran.json()).toMatchObject({
      store,
      cases: expect.arrayContaining([expect.objectContaining({ outcome: 'passed' })]),
    });
    expect(ran.exitCode).toBe(0);
  });
});
