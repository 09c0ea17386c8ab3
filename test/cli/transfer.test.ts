/** `datamotion transfer`, as an operator types it, against the simulated clusters over HTTP. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../src/cli/commands/simulate.ts';
import { systemClock } from '../../src/env.ts';
import { SimulatedOntap, type SimulatedVolume } from '../../src/testing/index.ts';
import { cinderConf, datamotion, Folder } from './command-line.ts';

const BYTES = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 13) % 256);

describe('datamotion transfer', () => {
  const world = new SimulatedOntap({ clock: scaledClock(systemClock, 100) });
  const folder = new Folder();
  let config: string;
  let vol1: SimulatedVolume;
  let vol2: SimulatedVolume;
  beforeAll(async () => {
    await world.listen();
    config = folder.file('cinder.conf', cinderConf(world));
    const east = world.cluster('cluster1');
    vol1 = east.createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 2 ** 26 });
    vol2 = east.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 2 ** 26 });
    vol1.write('/images/a', 0, BYTES);
  });
  afterAll(async () => {
    await world.close();
    folder[Symbol.dispose]();
  });
  const run = (...options: readonly string[]) => datamotion(['transfer', '--config', config, ...options]);

  it('prints the plan, changing nothing, for people and as JSON', async () => {
    const ends = ['--from', 'east:vol1/images/a', '--to', 'east:vol2/a', '--plan'];
    const { exitCode, stdout } = await run(...ends);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^copy of a file of 48\.8 KiB: file-copy$/m);
    expect(stdout).toMatch(/1\. file-copy: the cluster moves the data itself/);
    expect(stdout).toMatch(/no file-clone: the ends are in different volumes/);
    expect(stdout).toMatch(/when cut off: a half-written file under a name of its own/);
    const json = (await run(...ends, '--json')).json();
    expect(json).toMatchObject({ chosen: 'file-copy', strategies: expect.any(Array) });
    expect(vol2.files()).toEqual([]);
  });

  it('copies and moves with progress, and tells what it did', async () => {
    const copied = await run('--from', 'east:vol1/images/a', '--to', 'east:vol2/a', '--checksum');
    expect(copied).toMatchObject({ exitCode: 0 });
    expect(copied.stdout).toMatch(/file-copy: 48\.8 KiB in .*\n {2}copy, rename\n {2}sha256 [0-9a-f]{64}\n/);
    expect(copied.stderr).toMatch(/file-copy: copy\n(.*\n)*.*: done\n/);
    expect(vol2.read('/a')).toEqual(BYTES);
    const moved = await run('--from', 'east:vol2/a', '--to', 'east:vol2/b', '--move', '--json');
    expect(moved.json()).toMatchObject({ strategy: 'rename', actions: ['rename'], failed: [] });
    expect(vol2.files()).toEqual(['/b']);
  });

  it('moves bytes between a file of this host and a volume', async () => {
    const path = join(folder.path, 'out');
    expect((await run('--from', 'east:vol1/images/a', '--to', path)).exitCode).toBe(0);
    expect(new Uint8Array(readFileSync(path))).toEqual(BYTES);
    expect((await run('--from', `file:${path}`, '--to', 'west-nothing:vol1/a')).exitCode).toBe(2);
    expect((await run('--from', path, '--to', 'east:vol2/in', '--move')).exitCode).toBe(0);
    expect([vol2.read('/in'), existsSync(path)]).toEqual([BYTES, false]);
  });

  it('says in one line what is wrong with an end, and that a destination is there', async () => {
    const bad = await run('--from', 'east:', '--to', 'east:vol2/x');
    expect([bad.exitCode, bad.stderr]).toEqual([1, expect.stringContaining('TRANSFER_ENDPOINT_INVALID')]);
    const there = await run('--from', 'east:vol1/images/a', '--to', 'east:vol1/images/a2');
    expect(there.exitCode).toBe(0);
    const again = await run('--from', 'east:vol1/images/a', '--to', 'east:vol1/images/a2');
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('TRANSFER_DESTINATION_EXISTS')]);
  });
});
