import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ObjectStoreError } from '../../src/errors.ts';
import { FilesystemObjectStore } from '../../src/object-store/filesystem.ts';
import { openObjectStore } from '../../src/object-store/open.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { type CrashOutcome, VolatileDisk } from '../../src/testing/volatile-disk.ts';

const text = (content: string) => new TextEncoder().encode(content);

async function keysOf(store: FilesystemObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

async function failureOf(call: Promise<unknown>): Promise<ObjectStoreError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ObjectStoreError) return error;
  throw new Error(`expected an ObjectStoreError, got ${error}`);
}

describe('the filesystem store on a real folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'object-store-filesystem-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes names that no file system folds, reserves or cuts', async () => {
    const store = new FilesystemObjectStore(folder);
    const wild = ['A', 'é', 'nul.txt', 'x'.repeat(300), 'Ä'.repeat(200), '..a', 'a b', 'a'];
    for (const key of wild) await store.put(key, text(key));
    const names = (readdirSync(folder, { recursive: true }) as string[]).flatMap((path) => path.split('/'));
    expect(names.length).toBeGreaterThan(wild.length);
    for (const name of names) {
      expect(name).toMatch(/^[a-z0-9._%-]*\.[odc]$/);
      expect(name.length).toBeLessThanOrEqual(143);
      expect(name).not.toMatch(/^(nul|con)\./);
    }
  });

  it('leaves files alone that are not its own, and lists none of them', async () => {
    const store = new FilesystemObjectStore(folder);
    await store.put('a/b', text('mine'));
    for (const name of ['README', '.DS_Store', 'Upper.o', '%61.o', '%.o', 'x.t', '12-34.t']) {
      writeFileSync(join(folder, name), 'not mine');
    }
    mkdirSync(join(folder, 'lost+found'));
    mkdirSync(join(folder, 'folder.o'));
    expect(await keysOf(store)).toEqual(['a/b']);
    expect(await store.sweep({ olderThanMs: -1000 })).toEqual({ removed: 0, sizeBytes: 0 });
    expect(readdirSync(folder)).toContain('12-34.t');
  });

  it('goes on when somebody tidied its folders away', async () => {
    const store = new FilesystemObjectStore(folder);
    await store.put('a/b/c', text('1'));
    rmSync(join(folder, 'a.d'), { recursive: true });
    await store.put('a/b/d', text('2'));
    expect(await keysOf(store)).toEqual(['a/b/d']);
  });

  it('is empty where there is no folder, and says so when the place is a file', async () => {
    const absent = new FilesystemObjectStore(join(folder, 'absent'));
    expect(await keysOf(absent)).toEqual([]);
    expect((await failureOf(absent.get('a'))).code).toBe('OBJECT_STORE_NOT_FOUND');
    await absent.deleteMany(['a', 'b/c']);
    writeFileSync(join(folder, 'file'), '');
    const file = new FilesystemObjectStore(join(folder, 'file'));
    for (const call of [() => file.put('a', text('1')), () => file.get('a'), () => keysOf(file)]) {
      expect(await failureOf(call())).toMatchObject({ code: 'OBJECT_STORE_UNSUPPORTED', retryable: false });
    }
  });

  it('can be opened by a path or a file: URL, and by nothing else', async () => {
    await openObjectStore(folder).put('a', text('1'));
    const byUrl = openObjectStore(pathToFileURL(folder).href);
    expect(await byUrl.get('a')).toEqual(text('1'));
    expect(byUrl.place).toBe(folder);
    for (const url of ['s3://bucket/prefix', 'https://u:hunter2@host/x', 'file://host/share', 'file:///a?b=c', '']) {
      expect(() => openObjectStore(url)).toThrowError(
        expect.objectContaining({ code: 'OBJECT_STORE_UNSUPPORTED', message: expect.not.stringContaining('hunter2') }),
      );
    }
  });

  it('says that it is not allowed to write', async ({ skip }) => {
    chmodSync(folder, 0o555);
    try {
      writeFileSync(join(folder, 'probe'), '');
      skip('this user may write everywhere');
    } catch {
      expect((await failureOf(new FilesystemObjectStore(folder).put('a', text('1')))).code).toBe('OBJECT_STORE_DENIED');
    } finally {
      chmodSync(folder, 0o755);
    }
  });
});

describe('the filesystem store on a disk that fails', () => {
  const code = {
    ENOSPC: 'OBJECT_STORE_NO_SPACE',
    EDQUOT: 'OBJECT_STORE_NO_SPACE',
    EACCES: 'OBJECT_STORE_DENIED',
    EROFS: 'OBJECT_STORE_DENIED',
    EMFILE: 'OBJECT_STORE_UNAVAILABLE',
    ENOTDIR: 'OBJECT_STORE_UNSUPPORTED',
    EIO: 'OBJECT_STORE_UNAVAILABLE',
  } as const;

  for (const [errno, expected] of Object.entries(code)) {
    it(`tells ${errno} as ${expected}, and leaves nothing of the put behind`, async () => {
      for (const operation of ['open', 'write', 'sync', 'rename', 'link'] as const) {
        const disk = new VolatileDisk();
        const store = new FilesystemObjectStore('/store', { disk: disk.attach() });
        await store.put('a', text('before'));
        disk.addFault({ operation, errno });
        const failure = await failureOf(
          store.put(operation === 'link' ? 'b' : 'a', text('after'), { ifAbsent: operation === 'link' }),
        );
        expect(failure).toMatchObject({ code: expected, retryable: errno === 'EMFILE' });
        expect(failure.details).toMatchObject({ errno });
        expect(await keysOf(store)).toEqual(['a']);
        expect(await store.get('a')).toEqual(text('before'));
        expect(await store.sweep({ olderThanMs: -1000 })).toEqual({ removed: 0, sizeBytes: 0 });
        await store.put('a', text('after'));
        expect(await store.get('a')).toEqual(text('after'));
      }
    });
  }

  it('refuses ifAbsent where there are no hard links, rather than to pretend', async () => {
    const disk = new VolatileDisk();
    const store = new FilesystemObjectStore('/store', { disk: disk.attach() });
    disk.addFault({ operation: 'link', errno: 'EPERM' });
    expect((await failureOf(store.put('a', text('1'), { ifAbsent: true }))).code).toBe('OBJECT_STORE_UNSUPPORTED');
    expect(await keysOf(store)).toEqual([]);
  });

  it('takes its own name for success when a network file system reports EEXIST for a link that it made', async () => {
    const disk = new VolatileDisk();
    const attached = disk.attach();
    const lossy = {
      ...attached,
      link: async (path: string, newPath: string) => {
        await attached.link(path, newPath);
        await attached.link(path, newPath);
      },
    };
    const store = new FilesystemObjectStore('/store', { disk: lossy });
    await store.put('a', text('1'), { ifAbsent: true });
    expect((await failureOf(store.put('a', text('2'), { ifAbsent: true }))).code).toBe('OBJECT_STORE_EXISTS');
    expect(await store.get('a')).toEqual(text('1'));
    expect(await store.sweep({ olderThanMs: -1000 })).toEqual({ removed: 0, sizeBytes: 0 });
  });

  it('tells of all keys that it could not delete, having tried all', async () => {
    const disk = new VolatileDisk();
    const store = new FilesystemObjectStore('/store', { disk: disk.attach() });
    for (const key of ['a', 'b', 'c']) await store.put(key, text(key));
    disk.addFault({ operation: 'remove', path: 'b.o', errno: 'EBUSY' });
    const failure = await failureOf(store.deleteMany(['a', 'b', 'c']));
    expect(failure).toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
      key: 'b',
      retryable: true,
      details: { failed: ['b'] },
    });
    expect(await keysOf(store)).toEqual(['b']);
  });

  it('sweeps leftovers by their age on the injected clock, and a put that lost its own says so', async () => {
    const disk = new VolatileDisk();
    const clock = new VirtualClock();
    const store = new FilesystemObjectStore('/store', { disk: disk.attach(), clock });
    await store.put('a/kept', text('kept'));
    disk.dieAfter(2);
    await failureOf(store.put('a/lost', text('0123456789')));
    disk.crash('everything');
    const second = new FilesystemObjectStore('/store', { disk: disk.attach(), clock });
    await clock.advance(3_600_000);
    expect(await keysOf(second)).toEqual(['a/kept']);
    expect(await second.sweep({ olderThanMs: 7_200_000 })).toEqual({ removed: 0, sizeBytes: 0 });
    expect(await second.sweep({ olderThanMs: 1_800_000 })).toEqual({ removed: 1, sizeBytes: 10 });

    const attached = disk.attach();
    const sweeping = {
      ...attached,
      rename: async (path: string, newPath: string) => {
        expect((await second.sweep({ olderThanMs: -1 })).removed).toBe(1);
        await attached.rename(path, newPath);
      },
    };
    const slow = new FilesystemObjectStore('/store', { disk: sweeping, clock });
    expect(await failureOf(slow.put('a/slow', text('slow')))).toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
      retryable: true,
    });
    expect(await keysOf(second)).toEqual(['a/kept']);
  });
});

describe('the filesystem store when the power fails', () => {
  const outcomes: readonly CrashOutcome[] = ['nothing', 'random', 'everything'];

  it('keeps what resolved and shows nothing partial, wherever it fails and whatever the disk kept', async () => {
    let crashes = 0;
    for (const outcome of outcomes) {
      for (let seed = 1; seed <= (outcome === 'random' ? 4 : 1); seed++) {
        for (let point = 0; ; point++) {
          if (await survives(point, outcome, seed)) break;
          crashes++;
        }
      }
    }
    expect(crashes).toBeGreaterThan(200);
  });

  /** Puts, overwrites and deletes until the power fails at this change; gives true when it never did. */
  async function survives(point: number, outcome: CrashOutcome, seed: number): Promise<boolean> {
    const disk = new VolatileDisk({ random: new SeededRandom(seed * 1000 + point) });
    const store = new FilesystemObjectStore('/srv/store', { disk: disk.attach(), random: new SeededRandom(seed) });
    /** What each key may hold: exactly the last state that resolved, or those that were under way since. */
    const allowed = new Map<string, (string | undefined)[]>();
    const step = async (key: string, content: string | undefined, work: () => Promise<void>) => {
      allowed.set(key, [...(allowed.get(key) ?? [undefined]), content]);
      await work();
      allowed.set(key, [content]);
    };
    const put = (key: string, content: string, ifAbsent = false) =>
      step(key, content, () => store.put(key, text(content), { ifAbsent }));
    disk.dieAfter(point);
    let died = false;
    try {
      await put('log/1', 'one'.repeat(500), true);
      await put('log/2', 'two'.repeat(700), true);
      await put('data/x', 'first'.repeat(400));
      await put('data/x', 'second'.repeat(300));
      await put('data/deep/er/y', 'y');
      await step('log/1', undefined, () => store.delete('log/1'));
      await step('data/deep/er/y', undefined, () => store.deleteMany(['data/deep/er/y']));
      await put('log/1', 'again', true);
    } catch {
      died = true;
    }
    disk.crash(outcome);

    const after = new FilesystemObjectStore('/srv/store', { disk: disk.attach() });
    for (const [key, contents] of allowed) {
      const found = await after.get(key).then(
        (content) => new TextDecoder().decode(content),
        () => undefined,
      );
      expect(contents, `${key} after ${outcome} at ${point} (seed ${seed})`).toContain(found);
    }
    expect((await keysOf(after)).every((key) => allowed.has(key))).toBe(true);
    return !died;
  }
});
