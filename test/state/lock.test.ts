import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryStateStore } from '../../src/state/directory.ts';
import { socketSignsOfLife } from '../../src/state/sign-of-life.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { VolatileDisk } from '../../src/testing/volatile-disk.ts';
import { ScriptedSigns } from './scripted-signs.ts';

const ENDPOINT = '6f1c1f5e-3a52-4b8b-9d5e-0b8f6d1f7a01';

describe('the lock of a state between processes', () => {
  let folder: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'state-lock-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  /** A process that tries to hold the state, and what it said of it. */
  async function holder(): Promise<{ child: ChildProcess; says: string }> {
    const script = fileURLToPath(new URL('./lock-holder.ts', import.meta.url));
    const child = spawn(process.execPath, [script, folder, ENDPOINT], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [says] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return { child, says };
  }

  it('keeps others out while its holder lives, and lets them in at once when it was killed', async () => {
    const { child, says } = await holder();
    expect(says).toBe('held');
    const store = new DirectoryStateStore(folder);
    await expect(store.open(ENDPOINT)).rejects.toMatchObject({
      code: 'STATE_LOCKED',
      retryable: true,
      message: expect.stringContaining(`process ${child.pid} on `),
    });
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    const state = await store.open(ENDPOINT);
    const resumed = await state.resume();
    expect(await resumed?.read('vmap', 1)).toEqual(new Uint8Array([7]));
    await state.close();
    // Neither lower locks nor signs of the dead are left.
    expect(readdirSync(folder).filter((name) => /^(lock|alive|~)/.test(name))).toHaveLength(1);
  });

  it('is taken by one of several that find their predecessor dead', async () => {
    const { child } = await holder();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    const said = (await Promise.all([holder(), holder(), holder()])).map(({ says }) => says);
    expect(said.sort()).toEqual(['STATE_LOCKED', 'STATE_LOCKED', 'held']);
  });
});

describe('the lock of a state', () => {
  function setUp() {
    const disk = new VolatileDisk();
    const signs = new ScriptedSigns();
    const store = (seed = 1) =>
      new DirectoryStateStore('/state', { disk: disk.attach(), signs, random: new SeededRandom(seed) });
    return { disk, signs, store };
  }

  it('stays where nobody can tell whether its holder lives, until it is broken', async () => {
    const { signs, store } = setUp();
    await store().open(ENDPOINT);
    signs.says = { alive: undefined };
    await expect(store(2).open(ENDPOINT)).rejects.toMatchObject({ code: 'STATE_LOCKED', retryable: false });
    const state = await store(3).open(ENDPOINT, { breakLock: true });
    await state.close();
    await (await store(4).open(ENDPOINT)).close();
  });

  it('is taken once, however many race for a dead holder and however slowly', async () => {
    const { disk, signs, store } = setUp();
    await store().open(ENDPOINT);
    signs.die();
    for (let round = 0; round < 10; round++) {
      const racers = Array.from({ length: 6 }, (_, index) => store(100 * round + index + 10).open(ENDPOINT));
      const outcomes = await Promise.allSettled(racers);
      const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(held).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'STATE_LOCKED' });
      }
      if (round % 2 === 0) await held[0]?.close();
      else signs.die();
    }
    const names = (await disk.attach().listFolder('/state')).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('lock.'))).toHaveLength(1);
  });

  it('is not taken by one who had looked long ago, when others came and went meanwhile', async () => {
    const { disk, signs, store } = setUp();
    await (await store().open(ENDPOINT)).close();
    const attached = disk.attach();
    let overtaken = false;
    const slow = {
      ...attached,
      open: async (path: string, access: 'read' | 'write' | 'create') => {
        if (access === 'create' && !overtaken) {
          overtaken = true;
          for (let round = 0; round < 3; round++) await (await store(20 + round).open(ENDPOINT)).close();
          await store(30).open(ENDPOINT);
        }
        return await attached.open(path, access);
      },
    };
    const late = new DirectoryStateStore('/state', { disk: slow, signs, random: new SeededRandom(5) });
    await expect(late.open(ENDPOINT)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await expect(store(6).open(ENDPOINT)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
  });
});

describe('a sign of life', () => {
  it('is believed where it can be, and says nothing elsewhere', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sign-'));
    try {
      const sign = await socketSignsOfLife.give(folder, 'token-token');
      const { given } = sign;
      const alive = (change: Partial<typeof given>) => socketSignsOfLife.isAlive(folder, { ...given, ...change });
      expect(await alive({})).toBe(true);
      expect(await alive({ host: 'a-container-on-this-machine' })).toBe(true);
      expect(await alive({ socket: undefined })).toBeUndefined();
      expect(await alive({ socket: 'gone' })).toBeUndefined();
      expect(await alive({ host: 'elsewhere', boot: 'another' })).toBeUndefined();
      if (given.boot !== undefined && given.machine !== undefined) {
        expect(await alive({ boot: 'the one before' })).toBe(false);
        expect(await alive({ boot: 'the one before', machine: 'another' })).toBeUndefined();
      }
      await sign.end();
      expect(await alive({})).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is given beside a folder whose path is too long for a socket', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sign-'));
    try {
      const folder = join(root, 'x'.repeat(120));
      const sign = await socketSignsOfLife.give(folder, `long-${process.pid}`);
      expect(await socketSignsOfLife.isAlive(folder, sign.given)).toBe(true);
      await sign.end();
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
