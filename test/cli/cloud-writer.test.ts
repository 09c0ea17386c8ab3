/** Who writes by a state: the same from run to run, whatever the machine is called meanwhile. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writerOfState } from '../../src/cli/cloud-writer.ts';
import { VolatileDisk } from '../../src/testing/volatile-disk.ts';
import { datamotion, Folder } from './command-line.ts';

describe('the writer that a state stands for', () => {
  it('is the same on a host of another name, and another for another state', async () => {
    const disk = new VolatileDisk().attach();
    const first = await writerOfState('/states/one', { disk, host: 'pod-1' });
    expect(first).toMatch(/^pod-1:[0-9a-f-]{36}$/);
    expect(await writerOfState('/states/one', { disk, host: 'pod-2' })).toBe(first);
    expect(await writerOfState('/states/two', { disk, host: 'pod-1' })).not.toBe(first);
  });

  it('of a state that had no name goes on as host and folder, and keeps that', async () => {
    const disk = new VolatileDisk().attach();
    await disk.makeFolder('/state');
    await (await disk.open('/state/owner', 'create')).close();
    expect(await writerOfState('/state', { disk, host: 'web1' })).toBe('web1:/state');
    expect(await writerOfState('/state', { disk, host: 'web2' })).toBe('web1:/state');
  });

  it('is one when two begin at the same time', async () => {
    const disk = new VolatileDisk().attach();
    const two = await Promise.all(['a', 'b'].map((host) => writerOfState('/state', { disk, host })));
    expect(new Set(two).size).toBe(1);
    expect((await disk.listFolder('/state')).map(({ name }) => name)).toEqual(['writer']);
    // One that has looked already, and finds out late that another one was faster.
    let faster = '';
    const slow = new Proxy(disk, {
      get(of, name) {
        if (name !== 'open') return Reflect.get(of, name).bind(of);
        return async (path: string, access: 'read' | 'write' | 'create') => {
          if (access === 'create') faster = await writerOfState('/late', { disk, host: 'faster' });
          return await disk.open(path, access);
        };
      },
    });
    expect(await writerOfState('/late', { disk: slow, host: 'slow' })).toBe(faster);
    expect(faster).toMatch(/^faster:/);
  });

  it('outlives a loss of power once it was told, and is never half a name', async () => {
    for (const outcome of ['nothing', 'everything', 'random'] as const) {
      for (let [at, died] = [0, true]; died; at++) {
        const volatile = new VolatileDisk();
        volatile.dieAfter(at);
        const told = await writerOfState('/state', { disk: volatile.attach(), host: 'a' }).catch(() => undefined);
        died = told === undefined;
        volatile.crash(outcome);
        const after = await writerOfState('/state', { disk: volatile.attach(), host: 'b' });
        if (told !== undefined) expect(after).toBe(told);
        expect(after).toMatch(/^[ab]:[0-9a-f-]{36}$/);
      }
    }
  });

  it('can be named; another name is another writer', { timeout: 60_000 }, async () => {
    using folder = new Folder();
    const image = folder.file('disk.img', 'content'.repeat(2000));
    const at = ['--store', join(folder.path, 'store'), '--name', 'vol1', '--json'];
    const run = (...argv: string[]) =>
      datamotion(['cloud', ...argv, ...at], { env: { XDG_STATE_HOME: join(folder.path, 'states') } });
    expect((await run('backup', image, '--writer', 'nightly')).exitCode).toBe(0);
    expect((await run('list')).json()).toMatchObject({ endpoint: { writer: 'nightly' } });
    const other = await run('backup', image);
    expect(other.exitCode).toBe(1);
    expect(other.json()).toMatchObject({ error: { code: 'CLOUD_CONFLICT', details: { writer: 'nightly' } } });
    expect((await run('backup', image, '--writer', 'nightly')).exitCode).toBe(0);
  });
});
