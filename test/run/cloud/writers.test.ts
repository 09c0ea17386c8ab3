import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import type { PutOptions } from '../../../src/object-store/object-store.ts';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import { portrait } from '../../core/cloud/wafl-restore.ts';
import { blocks, look, problemsOf, Rig, smallVolume } from './rig.ts';

/** A store at which a put of a key can be kept waiting. */
class PausingStore extends MemoryObjectStore {
  #pauses: { readonly key: RegExp; readonly reached: () => void; readonly goOn: Promise<void> }[] = [];

  /** Resolves when a put of such a key waits; `goOn` lets it go on. */
  pause(key: RegExp): { readonly reached: Promise<void>; readonly goOn: () => void } {
    let reach = () => {};
    let release = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const goOn = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#pauses.push({ key, reached: reach, goOn });
    return { reached, goOn: release };
  }

  override async put(key: string, body: Uint8Array, options?: PutOptions): Promise<void> {
    const at = this.#pauses.findIndex((pause) => pause.key.test(key));
    const [pause] = at < 0 ? [] : this.#pauses.splice(at, 1);
    pause?.reached();
    await pause?.goOn;
    await super.put(key, body, options);
  }
}

function written(rig: Rig): Rig {
  rig.volume.create('/a');
  rig.volume.write('/a', 0, blocks(1, 2, 3, 4, 5, 6));
  rig.snapshot('s1');
  return rig;
}

describe('two writers', () => {
  it('the second is refused, and told who the first is, before it has done anything', async () => {
    const first = written(new Rig());
    await first.backup();
    const before = (await look(first.store)).contents;
    const second = new Rig({ volume: first.volume, store: first.store, writer: 'host-b' });
    second.snapshot('s2');
    await expect(second.backup()).rejects.toMatchObject({
      code: 'CLOUD_CONFLICT',
      message: expect.stringContaining('host-a'),
      remedy: expect.stringContaining('rebuild'),
    });
    expect([...(await look(first.store)).contents.keys()]).toEqual([...before.keys()]);
    await first.backup();
  });

  it('one takes over with a rebuilt VMAP, and the first is refused from then on', async () => {
    const first = written(new Rig());
    await first.backup();
    const second = new Rig({ volume: first.volume, store: first.store, writer: 'host-b' });
    await second.endpoint.rebuildVmap({ state: second.state, writer: 'host-b' });
    second.snapshot('s2');
    // Nothing that is there is sent again.
    expect(await second.backup()).toMatchObject({ outcome: 'incremental', uploads: { blocks: [0, 0, 0] } });
    first.snapshot('s3');
    await expect(first.backup()).rejects.toMatchObject({ code: 'CLOUD_CONFLICT' });
    expect(await problemsOf(first.store, second.state, first.volume)).toEqual([]);
  });

  for (const [where, key] of [
    ['its take-over', /history\/0+3$/],
    ['an object', /objects/],
    ['its manifest', /manifest/],
    ['its commit', /history\/0+4$/],
  ] as const) {
    it(`a writer that was paused before ${where} cannot harm the one that took over`, async () => {
      const store = new PausingStore();
      const volume = smallVolume();
      const paused = written(new Rig({ volume, store }));
      await paused.backup();
      volume.write('/a', 0, blocks(11, 12));
      paused.snapshot('s2');
      const pause = store.pause(key);
      const sleeping = paused.backup().catch((error) => error);
      await pause.reached;
      const other = new Rig({ volume, store, writer: 'host-b' });
      await other.endpoint.rebuildVmap({ state: other.state, writer: 'host-b' });
      volume.write('/a', 4096, blocks(21));
      other.snapshot('s3');
      await other.backup({ snapshot: 's3' });
      pause.goOn();
      expect(await sleeping).toMatchObject({ code: 'CLOUD_CONFLICT' });
      expect((await look(store)).history.snapshots.map(({ name }) => name)).toEqual(['s1', 's3']);
      // What the paused one uploaded is collected.
      const { objects } = await other.endpoint.collect();
      if (where !== 'its take-over') expect(objects).toBeGreaterThan(0);
      expect(await problemsOf(store, other.state, volume, { collected: true })).toEqual([]);
      other.snapshot('s4');
      await other.backup({ snapshot: 's4' });
    });
  }

  it('a take-over without the VMAP has to make a baseline, and may', async () => {
    const first = written(new Rig());
    await first.backup();
    const second = new Rig({ volume: first.volume, store: first.store, writer: 'host-b' });
    second.snapshot('s2');
    await expect(second.backup({ takeOver: true })).rejects.toMatchObject({ code: 'CLOUD_STATE_LOST' });
    expect(await second.backup({ takeOver: true, baseline: true })).toMatchObject({ outcome: 'baseline' });
    expect(await problemsOf(first.store, second.state, first.volume)).toEqual([]);
  });

  it('two processes with one state: the second waits for the first to end', async () => {
    const store = new PausingStore();
    const first = written(new Rig({ store }));
    const pause = store.pause(/manifest/);
    const running = first.backup();
    await pause.reached;
    const second = new Rig({ volume: first.volume, store, state: first.state });
    await expect(second.backup()).rejects.toMatchObject({ code: 'STATE_LOCKED', retryable: true });
    pause.goOn();
    await expect(running).resolves.toMatchObject({ outcome: 'baseline' });
  });

  it('a copy of a writer that runs on with the same ids is stopped, and overwrites nothing', async () => {
    // A virtual machine that was cloned while it ran: same state, same entry in the history, same ids.
    const store = new PausingStore();
    const first = written(new Rig({ store }));
    const pause = store.pause(/objects/);
    const running = first.backup().catch((error) => error);
    await pause.reached;
    // The pause is over for this put: it is the copy's.
    await store.put('vol1/objects/00000000001.0000', blocks(99));
    pause.goOn();
    expect(await running).toMatchObject({ code: 'CLOUD_CONFLICT' });
    expect((await store.get('vol1/objects/00000000001.0000')).length).toBe(4096);
  });

  it('a crash of the first writer of a new endpoint leaves nothing that keeps it from going on', async () => {
    const store = new PausingStore();
    const first = written(new Rig({ store }));
    const states = new MemoryStateStore();
    states.open = () => Promise.reject(new Error('the power failed'));
    await expect(first.backup({ state: states })).rejects.toThrow('the power failed');
    expect(await first.backup()).toMatchObject({ outcome: 'baseline' });
  });
});

describe('a store without conditional puts', () => {
  class PlainStore extends MemoryObjectStore {
    override readonly capabilities = { conditionalPut: false as never, persistent: false };
    override async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<void> {
      if (options.ifAbsent) throw new Error('it should have known better');
      await super.put(key, body, options);
    }
  }

  it('is not written to, unless the caller is the only writer; the endpoint records it', async () => {
    const store = new PlainStore();
    const careless = written(new Rig({ store }));
    await expect(careless.backup()).rejects.toMatchObject({ code: 'CLOUD_STORE_UNSAFE' });
    expect((await look(store)).contents.size).toBe(0);
    const sole = new Rig({ volume: careless.volume, store, exclusion: 'only-writer' });
    await sole.backup();
    expect((await look(store)).history.owner?.exclusion).toBe('only-writer');
    await expect(careless.endpoint.forget({ snapshots: ['s1'], sequel: 'end' })).rejects.toMatchObject({
      code: 'CLOUD_STORE_UNSAFE',
    });
    const volume = smallVolume(400);
    await careless.endpoint.restore({ target: new WaflRestoreTarget(volume) });
    expect(portrait(volume.snapshotView('s1'))).toEqual(portrait(careless.volume.snapshotView('s1')));
  });
});
