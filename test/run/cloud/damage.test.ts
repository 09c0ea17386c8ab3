import { beforeAll, describe, expect, it } from 'vitest';
import { parseKey } from '../../../src/core/cloud/format/names.ts';
import { CloudError } from '../../../src/errors.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { portrait } from '../../core/cloud/wafl-restore.ts';
import { blocks, NAME, Rig, smallVolume } from './rig.ts';

/** Every so-many-th byte; CLOUD_DAMAGE=1 for all. */
const EVERY = Number(process.env['CLOUD_DAMAGE'] ?? 5);

/** Two snapshots that share most of what they have, as they lie in the store. */
const stored = new Map<string, Uint8Array>();
let rig: Rig;

beforeAll(async () => {
  rig = new Rig();
  rig.volume.create('/a');
  rig.volume.write('/a', 0, blocks(1, 2, 3, 4, 5, 6, 7, 8, 9));
  rig.snapshot('s1');
  await rig.backup();
  rig.volume.write('/a', 0, blocks(20));
  rig.volume.create('/b');
  rig.volume.write('/b', 0, blocks(30, 31, 32, 33));
  rig.snapshot('s2');
  await rig.backup();
  for await (const { key } of rig.store.list('')) stored.set(key, await rig.store.get(key));
});

/** A store like that one, but for one object. */
async function storeWith(key: string, bytes: Uint8Array | undefined): Promise<Rig> {
  const store = new MemoryObjectStore();
  for (const [name, content] of stored) if (name !== key) await store.put(name, content);
  if (bytes !== undefined) await store.put(key, bytes);
  return new Rig({ volume: rig.volume, store });
}

async function problems(damaged: Rig) {
  return (await damaged.endpoint.verify({ readData: true })).problems;
}

/** Which snapshots come back, and as what they were. */
async function restorable(damaged: Rig): Promise<{ whole: string[]; failures: CloudError[] }> {
  const whole: string[] = [];
  const failures: CloudError[] = [];
  for (const name of ['s1', 's2']) {
    const volume = smallVolume(400);
    try {
      await damaged.endpoint.restore({ target: new WaflRestoreTarget(volume), snapshot: name });
      expect(portrait(volume.snapshotView(name))).toEqual(portrait(rig.volume.snapshotView(name)));
      whole.push(name);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      expect(volume.snapshots()).toEqual([]);
      failures.push(error);
    }
  }
  return { whole, failures };
}

describe('I10, damage', () => {
  it('is not found where there is none', async () => {
    expect(stored.size).toBeGreaterThan(15);
    expect(await rig.endpoint.verify({ readData: true })).toMatchObject({ snapshots: 2, problems: [] });
  });

  it('every truncation of every stored object is found', { timeout: 120_000 }, async () => {
    for (const [key, bytes] of stored) {
      for (let length = bytes.length - 1; length >= 0; length -= EVERY) {
        const damaged = await storeWith(key, bytes.slice(0, length));
        // Data need not be read for that.
        const found = (await damaged.endpoint.verify()).problems;
        expect(found.length, `${key} cut to ${length} of ${bytes.length}`).toBeGreaterThan(0);
      }
    }
  });

  it('a flipped bit anywhere in any stored object is found', { timeout: 120_000 }, async () => {
    for (const [key, bytes] of stored) {
      for (let at = 0; at < bytes.length; at += 2 * EVERY + 1) {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at & 7));
        expect(await problems(await storeWith(key, flipped)), `${key}, byte ${at}`).not.toEqual([]);
      }
    }
  });

  it('a missing object is found, and so is one in the place of another', async () => {
    const keys = [...stored.keys()];
    for (const [number, key] of keys.entries()) {
      // The last entry of the history is not missed: nothing in the store says that it was there.
      const isLast = key.includes('/history/') && !(keys[number + 1] ?? '').includes('/history/');
      if (!isLast) expect(await problems(await storeWith(key, undefined)), `without ${key}`).not.toEqual([]);
      const other = keys[(number + 1) % keys.length] ?? '';
      expect(await problems(await storeWith(key, stored.get(other))), `${other} as ${key}`).not.toEqual([]);
    }
  });

  it('fails the restores that need what is damaged, naming it, and no others', async () => {
    let spared = 0;
    for (const [key, bytes] of stored) {
      const flipped = bytes.slice();
      const last = flipped.length - 1;
      flipped[last] = (flipped[last] ?? 0) ^ 1;
      const damaged = await storeWith(key, flipped);
      const { whole, failures } = await restorable(damaged);
      const needing = new Set((await problems(damaged)).flatMap(({ snapshots }) => snapshots));
      const name = parseKey(key.slice(NAME.length + 1));
      if (name?.kind === 'history-entry') {
        expect(whole).toEqual([]);
        continue;
      }
      // A bitmap is not read by a restore; whatever else verify says a snapshot needs, its restore needs.
      const expected = name?.kind === 'object-id-part' ? ['s1', 's2'] : ['s1', 's2'].filter((s) => !needing.has(s));
      expect(whole, key).toEqual(expected);
      if (whole.length === 1) spared++;
      for (const failure of failures) {
        expect(failure.code).toBe('CLOUD_CORRUPT');
        if (name?.kind === 'object') expect(failure.objectId).toBe(name.objectId);
        else expect(failure.snapshot).toBeDefined();
      }
    }
    expect(spared).toBeGreaterThan(3);
  });

  it('keeps a collection from deleting anything when it cannot know what is needed', async () => {
    for (const [key, bytes] of stored) {
      const name = parseKey(key.slice(NAME.length + 1));
      if (name?.kind !== 'object-id-part' && name?.kind !== 'manifest') continue;
      const damaged = await storeWith(key, bytes.slice(0, -1));
      await damaged.endpoint.forget({ snapshots: ['s1'] }).catch(() => {});
      const before = await count(damaged);
      const outcome = await damaged.endpoint.collect().catch((error: CloudError) => error.code);
      if (typeof outcome === 'string') expect([outcome, await count(damaged)]).toEqual(['CLOUD_CORRUPT', before]);
      // What was damaged belonged to the snapshot that was forgotten.
      else expect(outcome.objects).toBeGreaterThan(0);
    }
  });
});

async function count(damaged: Rig): Promise<number> {
  let objects = 0;
  for await (const _ of damaged.store.list('')) objects++;
  return objects;
}
