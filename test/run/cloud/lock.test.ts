/** Locked snapshots through the engine: what is locked, what stays, and a collection that waits. */
import { describe, expect, it } from 'vitest';
import { type Clock, systemEnv } from '../../../src/env.ts';
import { DataMotionError } from '../../../src/errors.ts';
import { locking } from '../../../src/object-store/locking.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { SeededRandom } from '../../../src/testing/random.ts';
import { blocks, contentsOf, look, NAME, Rig, type RigOptions } from './rig.ts';

const DAY_MS = 86_400_000;

class Stage {
  now = 1_800_000_000_000;
  readonly clock: Clock = {
    now: () => this.now,
    sleep: (_, signal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  };
  readonly memory = new MemoryObjectStore();
  readonly store = locking(this.memory, { clock: this.clock });
  readonly env = systemEnv({ random: new SeededRandom(77), clock: this.clock });
  readonly rig = new Rig({ store: this.store, env: this.env });

  async backup(name: string, ...content: number[]): Promise<void> {
    if (this.rig.volume.lookup('/a') === undefined) this.rig.volume.create('/a');
    this.rig.volume.write('/a', 0, blocks(...content));
    this.rig.snapshot(name);
    await this.rig.backup();
  }

  other(options: RigOptions = {}) {
    return new Rig({ volume: this.rig.volume, store: this.store, env: this.env, ...options }).endpoint;
  }

  async locked(): Promise<string[]> {
    const found: string[] = [];
    for (const key of (await contentsOf(this.memory)).keys()) {
      if ((await this.store.locks?.lockedUntil(`${NAME}/${key}`)) !== undefined) found.push(key);
    }
    return found;
  }
}

describe('a locked snapshot', () => {
  it('cannot be forgotten before its date, by whatever way, and can be afterwards', async () => {
    const stage = new Stage();
    for (const [at, name] of ['one', 'two', 'three'].entries()) await stage.backup(name, at + 1);
    const { endpoint } = stage.rig;
    const until = stage.now + 30 * DAY_MS;
    expect(await endpoint.lock({ snapshot: 'one', until })).toMatchObject({ name: 'one', lockedUntil: until });
    // Never shortened.
    expect(await endpoint.lock({ snapshot: 'one', until: stage.now + DAY_MS })).toMatchObject({ lockedUntil: until });
    for (const request of [{ snapshots: ['one'] }, { snapshots: ['one', 'three'], sequel: 'end' as const }]) {
      await expect(stage.other().forget(request)).rejects.toMatchObject({ code: 'CLOUD_SNAPSHOT_LOCKED' });
    }
    await expect(endpoint.lock({ until: stage.now })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect((await endpoint.list()).snapshots[0]).toMatchObject({ name: 'one', lockedUntil: until });
    stage.now = until;
    await endpoint.forget({ snapshots: ['one'] });
    expect((await endpoint.collect()).locked).toEqual({ keys: 0, bytes: 0, until: undefined });
    expect(await endpoint.verify({ readData: true })).toMatchObject({ problems: [] });
  });

  it('has all that it needs locked, what it shares with older ones too, and nothing else', async () => {
    const stage = new Stage();
    await stage.backup('one', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    await stage.backup('two', 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
    const { endpoint } = stage.rig;
    const early = stage.now + DAY_MS;
    await endpoint.lock({ snapshot: 'one', until: early });
    const ofOne = (await stage.locked()).filter((key) => key.startsWith('objects/'));
    const late = stage.now + 9 * DAY_MS;
    const { objects } = await endpoint.lock({ snapshot: 'two', until: late });
    stage.now = early + 1;
    const ofTwo = (await stage.locked()).filter((key) => key.startsWith('objects/'));
    expect(ofTwo).toHaveLength(objects);
    expect(ofTwo.filter((key) => ofOne.includes(key)).length).toBeGreaterThan(0);
    expect(ofOne.filter((key) => !ofTwo.includes(key)).length).toBeGreaterThan(0);
    // With what is locked alone, and all else deleted by somebody, the snapshot can be restored.
    const kept = new Set(await stage.locked());
    for (const key of (await contentsOf(stage.memory)).keys()) {
      if (!kept.has(key)) await stage.memory.delete(`${NAME}/${key}`);
    }
    const left = stage.other();
    expect((await left.verify({ snapshot: 'two', readData: true })).problems).toEqual([]);
  });

  it('counts as locked only when all of it is: cut off anywhere, the call is repeated', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let at = 0, done = false; !done; at += 4) {
        const stage = new Stage();
        await stage.backup('one', 1, 2, 3, 4, 5, 6);
        const dying = new FaultyObjectStore(stage.store);
        dying.dieAfter(at, when);
        const until = stage.now + DAY_MS;
        done = await stage
          .other({ store: dying })
          .lock({ until })
          .then(
            () => true,
            (error) => {
              if (!(error instanceof DataMotionError)) throw error;
              return false;
            },
          );
        const [snapshot] = (await look(stage.memory)).history.snapshots;
        const locked = new Set(await stage.locked());
        if (snapshot?.lockedUntil !== undefined) {
          const { objects } = await stage.other().show();
          expect([...locked].filter((key) => key.startsWith('objects/'))).toHaveLength(objects);
        }
        await stage.rig.endpoint.lock({ until });
        const open = [...(await contentsOf(stage.memory)).keys()].filter((key) => !key.startsWith('holds/'));
        expect(await stage.locked()).toEqual(expect.arrayContaining(open));
      }
    }
  });

  it('is refused where the store cannot lock', async () => {
    const rig = new Rig();
    rig.volume.create('/a');
    rig.snapshot();
    await rig.backup();
    await expect(rig.endpoint.lock({ until: Number.MAX_SAFE_INTEGER })).rejects.toMatchObject({
      code: 'OBJECT_STORE_UNSUPPORTED',
    });
  });
});

describe('a collection that meets locked garbage', () => {
  it('deletes the rest, says until when it waits, and deletes it then', async () => {
    const stage = new Stage();
    await stage.backup('one', 1, 2, 3, 4, 5, 6);
    await stage.backup('two', 11, 12, 13, 14, 15, 16);
    const { endpoint } = stage.rig;
    // As a bucket does that locks whatever is put into it.
    const until = stage.now + DAY_MS;
    const objects = [...(await contentsOf(stage.memory)).keys()].filter((key) => key.startsWith('objects/'));
    for (const key of objects) await stage.store.locks?.lock(`${NAME}/${key}`, until);
    await endpoint.forget({ snapshots: ['one'] });
    const collected = await endpoint.collect();
    expect(collected).toMatchObject({ objects: 0, locked: { until } });
    expect(collected.snapshotFiles).toBeGreaterThan(0);
    expect(collected.locked.keys).toBeGreaterThan(0);
    const left = [...(await contentsOf(stage.memory)).keys()];
    expect(left).toEqual(expect.arrayContaining(objects));
    expect(await endpoint.verify({ readData: true })).toMatchObject({ problems: [] });
    stage.now = until + 1;
    expect(await endpoint.collect()).toMatchObject({ objects: collected.locked.keys, locked: { keys: 0 } });
    const gone = objects.length - collected.locked.keys;
    expect([...(await contentsOf(stage.memory)).keys()].filter((key) => objects.includes(key))).toHaveLength(gone);
  });

  it('is refused by the store for another reason as ever', async () => {
    const stage = new Stage();
    await stage.backup('one', 1, 2, 3);
    await stage.backup('two', 11, 12, 13);
    await stage.rig.endpoint.forget({ snapshots: ['one'] });
    const denying = new FaultyObjectStore(stage.store);
    denying.addFault({ kind: 'fails', when: 'before', method: 'deleteMany', code: 'OBJECT_STORE_DENIED' });
    const { endpoint } = new Rig({ store: denying, env: stage.env, state: new MemoryStateStore() });
    await expect(endpoint.collect()).rejects.toMatchObject({ code: 'OBJECT_STORE_DENIED' });
  });
});
