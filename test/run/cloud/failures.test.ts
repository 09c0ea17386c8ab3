import { describe, expect, it } from 'vitest';
import { nodeFormatTools } from '../../../src/compute/format-tools.ts';
import { systemEnv } from '../../../src/env.ts';
import type { ObjectStoreErrorCode } from '../../../src/errors.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { openObjectStore } from '../../../src/object-store/open.ts';
import type { CloudProgress, CloudStep } from '../../../src/run/cloud/progress.ts';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { DirectoryStateStore } from '../../../src/state/directory.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { VolatileDisk } from '../../../src/testing/volatile-disk.ts';
import { portrait } from '../../core/cloud/wafl-restore.ts';
import { ScriptedSigns } from '../../state/scripted-signs.ts';
import { blocks, contentsOf, NAME, problemsOf, Rig, type RigOptions, SMALL, smallVolume } from './rig.ts';

function written(options: RigOptions = {}): Rig {
  const rig = new Rig(options);
  rig.volume.create('/a');
  rig.volume.write('/a', 0, blocks(1, 2, 3, 4, 5, 6));
  rig.snapshot('s1');
  return rig;
}

describe('a failure is one clear error, and leaves earlier snapshots as they were', () => {
  for (const code of [
    'OBJECT_STORE_NO_SPACE',
    'OBJECT_STORE_UNAVAILABLE',
    'OBJECT_STORE_DENIED',
  ] as const satisfies ObjectStoreErrorCode[]) {
    it(`a store that answers ${code} in the middle of a transfer, which is gone on with later`, async () => {
      const memory = new MemoryObjectStore();
      const store = new FaultyObjectStore(memory);
      const rig = written({ store });
      await rig.backup();
      rig.volume.write('/a', 4096, blocks(11, 12, 13, 14, 15, 16));
      rig.snapshot('s2');
      const mend = store.addFault({
        kind: 'fails',
        when: 'before',
        code,
        method: 'put',
        key: /objects|manifest/,
        after: 2,
        times: 1000,
      });
      await expect(rig.backup()).rejects.toMatchObject({
        name: 'ObjectStoreError',
        code,
        key: expect.stringContaining(NAME),
      });
      const volume = smallVolume(400);
      await rig.endpoint.restore({ target: new WaflRestoreTarget(volume), snapshot: 's1' });
      expect(portrait(volume.snapshotView('s1'))).toEqual(portrait(rig.volume.snapshotView('s1')));
      mend();
      expect(await rig.backup()).toMatchObject({ resumed: true });
      expect(await problemsOf(memory, rig.state, rig.volume)).toEqual([]);
    });
  }

  it('a store that cannot be written at all', async () => {
    const rig = written({ store: openObjectStore('/proc/no-such-place') });
    await expect(rig.backup()).rejects.toMatchObject({ name: 'ObjectStoreError' });
  });

  it('a name that no endpoint has', async () => {
    const rig = written();
    await rig.backup();
    const wrong = new Rig({ volume: rig.volume, store: rig.store, name: 'vol2' });
    const target = new WaflRestoreTarget(smallVolume());
    const calls: Promise<unknown>[] = [
      wrong.endpoint.list(),
      wrong.endpoint.show(),
      wrong.endpoint.restore({ target }),
      wrong.endpoint.verify(),
      wrong.endpoint.forget({ snapshots: ['s1'] }),
      wrong.endpoint.collect(),
      wrong.endpoint.rebuildVmap({ state: wrong.state, writer: 'host-a' }),
      wrong.endpoint.files(),
    ];
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({ code: 'CLOUD_ENDPOINT_UNKNOWN', remedy: expect.any(String) });
    }
  });

  it('a name that no endpoint can have', () => {
    for (const name of ['', 'a/b', '..', 'x'.repeat(201), 'a\u0000']) {
      expect(() => new Rig({ name }), JSON.stringify(name)).toThrow(/no name of an endpoint/);
    }
  });

  it('the state of another endpoint', async () => {
    const rig = written();
    await rig.backup();
    const other = new Rig({ volume: rig.volume, store: rig.store, state: rig.state, name: 'vol2' });
    await expect(other.backup()).rejects.toMatchObject({ code: 'STATE_WRONG_OWNER' });
  });

  it('another volume', async () => {
    const rig = written();
    await rig.backup();
    const other = written({ store: rig.store });
    Object.defineProperty(other.source, 'facts', {
      value: async () => ({ ...(await rig.source.facts()), id: 'volume-2' }),
    });
    await expect(other.backup()).rejects.toMatchObject({
      code: 'CLOUD_SOURCE_CHANGED',
      message: expect.stringContaining('volume-2'),
    });
  });

  it('bytes of a later format version', async () => {
    const rig = written();
    await rig.backup();
    for (const [key, bytes] of await contentsOf(rig.store)) {
      const later = bytes.slice();
      later[4] = 9;
      await rig.store.put(`${NAME}/${key}`, later);
      const target = new WaflRestoreTarget(smallVolume(400));
      const failure = await rig.endpoint.restore({ target }).catch((error) => error);
      if (!key.startsWith('snapshots/') || !key.includes('object-ids')) {
        expect(failure, key).toMatchObject({
          code: 'CLOUD_FORMAT_VERSION',
          remedy: expect.stringContaining('release'),
        });
      }
      await rig.store.put(`${NAME}/${key}`, bytes);
    }
  });

  it('a base that the source has dropped: a baseline is offered, and works', async () => {
    const rig = written();
    await rig.backup();
    rig.snapshot('s2');
    rig.volume.deleteSnapshot('s1');
    await expect(rig.backup()).rejects.toMatchObject({
      code: 'CLOUD_BASE_GONE',
      remedy: expect.stringContaining('baseline'),
    });
    expect(await rig.backup({ baseline: true })).toMatchObject({ outcome: 'baseline' });
  });

  it('a source without a snapshot, and a snapshot that it does not have', async () => {
    const rig = new Rig();
    await expect(rig.backup()).rejects.toMatchObject({ code: 'CLOUD_SNAPSHOT_UNKNOWN' });
    rig.snapshot('s1');
    await expect(rig.backup({ snapshot: 's9' })).rejects.toMatchObject({
      code: 'CLOUD_SNAPSHOT_UNKNOWN',
      snapshot: 's9',
    });
    expect(await contentsOf(rig.store)).toEqual(new Map());
  });

  it('a snapshot made anew under an old name', async () => {
    const rig = written();
    await rig.backup();
    rig.volume.deleteSnapshot('s1');
    rig.volume.createSnapshot('s1', { uuid: 'another', createdAt: 5 });
    await expect(rig.backup()).rejects.toMatchObject({ code: 'CLOUD_SNAPSHOT_EXISTS' });
  });

  it('a state whose disk is full: the snapshot is not committed, and the next run goes on', async () => {
    const disk = new VolatileDisk();
    const state = new DirectoryStateStore('/state', { disk: disk.attach(), signs: new ScriptedSigns() });
    const rig = written({ state });
    await rig.backup();
    rig.volume.write('/a', 0, blocks(21, 22, 23));
    rig.snapshot('s2');
    disk.addFault({ operation: 'write', path: /state/, errno: 'ENOSPC', after: 6 });
    await expect(rig.backup()).rejects.toMatchObject({ code: 'STATE_NO_SPACE' });
    await rig.backup();
    expect(await problemsOf(rig.store, rig.state, rig.volume)).toEqual([]);
  });

  it('a history that lost its last entries: nothing in the store tells, the state does', async () => {
    const rig = written();
    await rig.backup();
    rig.snapshot('s2');
    await rig.backup();
    await rig.store.delete(`${NAME}/history/000000000004`);
    await rig.store.delete(`${NAME}/history/000000000003`);
    rig.snapshot('s3');
    await expect(rig.backup()).rejects.toMatchObject({
      code: 'CLOUD_CORRUPT',
      message: expect.stringContaining('entry 2'),
    });
  });

  it('an endpoint that was ended', async () => {
    const rig = written();
    await rig.backup();
    await rig.endpoint.forget({ snapshots: ['s1'], sequel: 'end' });
    rig.snapshot('s2');
    await expect(rig.backup()).rejects.toMatchObject({ code: 'CLOUD_ENDPOINT_ENDED' });
    await rig.endpoint.collect();
    expect([...(await contentsOf(rig.store)).keys()].filter((key) => !key.startsWith('history/'))).toEqual([]);
  });
});

describe('an encrypted endpoint', () => {
  const key = { cipher: 'aes-256-gcm', keyId: new Uint8Array(16).fill(3), key: new Uint8Array(32).fill(4) } as const;

  it('comes back with its key, and only with it', async () => {
    const rig = written({ encryption: key, tools: nodeFormatTools('sha-256', key) });
    rig.volume.write('/a', 0, new TextEncoder().encode('a secret that nobody reads'));
    rig.snapshot('s2');
    await rig.backup();
    for (const bytes of (await contentsOf(rig.store)).values()) {
      expect(Buffer.from(bytes).includes('a secret')).toBe(false);
    }
    const volume = smallVolume(400);
    await rig.endpoint.restore({ target: new WaflRestoreTarget(volume) });
    expect(portrait(volume.snapshotView('s2'))).toEqual(portrait(rig.volume.snapshotView('s2')));
    expect(await rig.endpoint.verify({ readData: true })).toMatchObject({ problems: [] });
    const without = new Rig({ volume: rig.volume, store: rig.store });
    await expect(without.endpoint.list()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
    const other = { ...key, keyId: new Uint8Array(16).fill(9) };
    const wrong = new Rig({
      volume: rig.volume,
      store: rig.store,
      encryption: other,
      tools: nodeFormatTools('sha-256', other),
    });
    await expect(wrong.endpoint.list()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
  });

  it('is encrypted from its first backup on, or never', async () => {
    const plain = written();
    await plain.backup();
    const late = new Rig({
      volume: plain.volume,
      store: plain.store,
      encryption: key,
      tools: nodeFormatTools('sha-256', key),
    });
    await expect(late.backup()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
  });
});

describe('an aborted call', () => {
  it('ends with everything that ran beside it, and its transfer is gone on with', async () => {
    const memory = new MemoryObjectStore();
    const store = new FaultyObjectStore(memory);
    const rig = written({ store });
    const stop = new AbortController();
    let puts = 0;
    const put = store.put.bind(store);
    store.put = async (key, body, options) => {
      await put(key, body, options);
      if (key.includes('objects') && ++puts === 2) stop.abort(new Error('enough'));
    };
    const request = { source: rig.source, state: rig.state, writer: rig.writer };
    await expect(rig.endpoint.backup(request, { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    const after = store.changes;
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.changes).toBe(after);
    expect(await rig.backup()).toMatchObject({ resumed: true });
    expect(await problemsOf(memory, rig.state, rig.volume)).toEqual([]);
  });

  it('is not begun when its signal or its deadline is over', async () => {
    const rig = written();
    await expect(rig.endpoint.list({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(rig.endpoint.list({ deadline: 0 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('ends at its deadline by the injected clock, while the store is silent', async () => {
    const clock = new VirtualClock();
    const store = new MemoryObjectStore();
    store.put = (_key, _body, options) =>
      new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(options.signal?.reason)));
    const rig = written({ store, env: systemEnv({ clock }) });
    const request = { source: rig.source, state: rig.state, writer: rig.writer };
    const running = rig.endpoint.backup(request, { deadline: clock.now() + 5000 }).catch((error) => error);
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(5000);
    expect(await running).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });
});

describe('progress', () => {
  it('of every step is monotonic, ends with done = total, and carries the name that ONTAP has for it', async () => {
    const rig = written();
    const told: CloudProgress[] = [];
    const request = { source: rig.source, state: rig.state, writer: rig.writer };
    const onProgress = (progress: CloudProgress) => told.push(progress);
    await rig.endpoint.backup(request, { onProgress });
    rig.volume.write('/a', 0, blocks(9));
    rig.snapshot('s2');
    await rig.endpoint.backup(request, { onProgress });
    await rig.endpoint.restore({ target: new WaflRestoreTarget(smallVolume(400)) }, { onProgress });
    await rig.endpoint.verify({ readData: true }, { onProgress });
    await rig.endpoint.collect({}, { onProgress });

    const last = new Map<CloudStep, CloudProgress>();
    for (const progress of told) {
      const before = last.get(progress.step);
      if (before !== undefined && !before.ended) {
        expect(progress.done).toBeGreaterThanOrEqual(before.done);
        expect(progress.bytes).toBeGreaterThanOrEqual(before.bytes);
      }
      last.set(progress.step, progress);
    }
    for (const progress of last.values()) {
      expect(progress, progress.step).toMatchObject({ ended: true, total: progress.done });
    }
    expect([...last.keys()]).toEqual(
      expect.arrayContaining(['invalidate', 'scan', 'level-0', 'level-1', 'level-2', 'level-3', 'object-ids', 'fetch']),
    );
    expect(new Set(told.map(({ activity }) => activity).filter(Boolean)).size).toBe(4);
  });

  it('is told at least once a second by the injected clock, while nothing moves', async () => {
    const clock = new VirtualClock();
    const store = new MemoryObjectStore();
    let goOn = () => {};
    const put = store.put.bind(store);
    store.put = async (key, body, options) => {
      if (key.includes('objects')) {
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      }
      await put(key, body, options);
    };
    const rig = written({ store, env: systemEnv({ clock }), limits: { objectsInFlight: 1 } });
    const told: CloudProgress[] = [];
    const request = { source: rig.source, state: rig.state, writer: rig.writer };
    let over = false;
    const running = rig.endpoint.backup(request, { onProgress: (progress) => told.push(progress) }).finally(() => {
      over = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    const before = told.length;
    for (let second = 0; second < 5; second++) await clock.advance(1000);
    expect(told.length - before).toBeGreaterThanOrEqual(5);
    while (!over) {
      goOn();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await running;
  });
});

describe('bounds', () => {
  it('no more objects are under way than the limit says', async () => {
    const store = new MemoryObjectStore();
    let running = 0;
    let most = 0;
    const put = store.put.bind(store);
    store.put = async (key, body, options) => {
      most = Math.max(most, ++running);
      // Long enough for the next objects to be packed meanwhile.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      await put(key, body, options);
      running--;
    };
    const rig = new Rig({ store, volume: smallVolume(500), limits: { ...SMALL.limits, vmapPages: 2 } });
    for (let file = 0; file < 6; file++) {
      rig.volume.create(`/${file}`);
      rig.volume.write(`/${file}`, 0, blocks(...Array.from({ length: 30 }, (_, at) => file * 30 + at)));
    }
    rig.snapshot();
    await rig.backup();
    expect(most).toBe(SMALL.limits.objectsInFlight);
  });

  it('a transfer with more objects than a take-over has ids goes on under another take-over', async () => {
    const rig = written({
      layout: { slotsPerObject: 2, l3PartBytes: 200, objectIdsPerTakeOver: 4 },
      volume: smallVolume(200),
    });
    rig.volume.write('/a', 0, blocks(...Array.from({ length: 30 }, (_, at) => at + 1)));
    rig.snapshot('s2');
    expect(await rig.backup()).toMatchObject({ outcome: 'baseline' });
    expect(await problemsOf(rig.store, rig.state, rig.volume)).toEqual([]);
    rig.volume.write('/a', 0, blocks(50, 51, 52, 53, 54, 55, 56, 57, 58, 59));
    rig.snapshot('s3');
    expect(await rig.backup()).toMatchObject({ outcome: 'incremental' });
    expect(await problemsOf(rig.store, new MemoryStateStore(), rig.volume)).toEqual([]);
  });
});
