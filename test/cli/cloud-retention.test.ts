/** Rules, holds and forgetting by policy from the command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { datamotion, Folder } from './command-line.ts';

describe('datamotion cloud retention', { timeout: 60_000 }, () => {
  it('keeps rules in the endpoint, tells what they would forget and why, and forgets it', async () => {
    using folder = new Folder();
    const image = folder.file('disk.img', 'x'.repeat(5000));
    const at = ['--store', join(folder.path, 'store'), '--name', 'vol1'];
    const env = { XDG_STATE_HOME: join(folder.path, 'states') };
    const cloud = (...argv: string[]) => datamotion(['cloud', ...argv, ...at], { env });
    for (const name of ['one', 'two', 'three', 'four']) {
      writeFileSync(image, name.repeat(1500));
      const made = await cloud('backup', image, '--snapshot-name', name, '--label', 'daily', '--json');
      expect(made.exitCode, made.stderr).toBe(0);
    }
    const set = await cloud('retention', '--rule', 'daily:1', '--rule', 'weekly:4', '--json');
    const rules = [
      { label: 'daily', count: 1 },
      { label: 'weekly', count: 4 },
    ];
    expect(set.json()).toEqual({ rules });
    expect((await cloud('retention', '--json')).json()).toEqual({ rules });
    expect((await cloud('hold', '--snapshot', 'two', '--json')).json()).toMatchObject({ held: true });

    const plan = await cloud('forget', '--policy', '--plan');
    expect(plan.stdout).toContain('would forget 2 of 4 backups');
    expect(plan.stdout).toContain('it is held');
    const named = await cloud('forget', '--snapshot', 'two', '--json');
    expect(named.exitCode).toBe(1);
    expect(named.json()).toMatchObject({ error: { code: 'CLOUD_SNAPSHOT_HELD' } });
    expect((await cloud('forget', '--policy', '--json')).json()).toMatchObject({ forgotten: ['one', 'three'] });
    expect((await cloud('hold', '--snapshot', 'two', '--release')).stdout).toContain('released: two');
    expect((await cloud('forget', '--policy', '--json')).json()).toMatchObject({ forgotten: ['two'] });
    expect((await cloud('retention', '--clear', '--json')).json()).toEqual({ rules: [] });
  });

  it('locks backups in a folder, which everybody keeps to who opens it by this command', async () => {
    using folder = new Folder();
    const image = folder.file('disk.img', 'x'.repeat(5000));
    const at = ['--store', join(folder.path, 'store'), '--name', 'vol1'];
    const env = { XDG_STATE_HOME: join(folder.path, 'states') };
    const cloud = (...argv: string[]) => datamotion(['cloud', ...argv, ...at], { env });
    const made = await cloud('backup', image, '--snapshot-name', 'one', '--lock-days', '3', '--json');
    expect(made.exitCode, made.stderr).toBe(0);
    expect(made.json()).toMatchObject({ locked: { name: 'one' } });
    writeFileSync(image, 'y'.repeat(5000));
    await cloud('backup', image, '--snapshot-name', 'two');
    const refused = await cloud('forget', '--snapshot', 'one', '--json');
    expect(refused.json()).toMatchObject({ error: { code: 'CLOUD_SNAPSHOT_LOCKED' } });
    expect((await cloud('lock', '--snapshot', 'two', '--until', '2100-01-01')).stdout).toContain('2100-01-01T00:00');
    expect((await cloud('list')).stdout).toContain('locked until 2100-01-01');
    expect((await cloud('lock', '--days', '1', '--until', '2100-01-01')).exitCode).toBe(2);
    expect((await cloud('lock', '--until', 'tomorrow')).exitCode).toBe(2);
  });

  it('refuses what contradicts itself', async () => {
    using folder = new Folder();
    const at = ['--store', join(folder.path, 'store'), '--name', 'vol1'];
    for (const argv of [
      ['forget'],
      ['forget', '--policy', '--snapshot', 'x'],
      ['forget', '--policy', '--then', 'end'],
      ['forget', '--snapshot', 'x', '--plan'],
      ['retention', '--rule', 'daily'],
      ['retention', '--rule', 'daily:1', '--clear'],
    ]) {
      expect((await datamotion(['cloud', ...argv, ...at])).exitCode, argv.join(' ')).toBe(2);
    }
  });
});
