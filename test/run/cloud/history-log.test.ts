/** The history as it lies in a store that holds more, or less, than it should. */
import { expect, it } from 'vitest';
import { historyKey } from '../../../src/core/cloud/format/names.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { blocks, NAME, Rig } from './rig.ts';

async function backedUp(): Promise<{ readonly rig: Rig; readonly asked: string[] }> {
  const store = new FaultyObjectStore(new MemoryObjectStore());
  const rig = new Rig({ store });
  rig.volume.create('/file');
  for (const value of [1, 2]) {
    rig.volume.write('/file', 0, blocks(value));
    await rig.backup({ snapshot: rig.snapshot() });
  }
  const asked: string[] = [];
  const get = store.get.bind(store);
  store.get = (key, options) => {
    asked.push(key);
    return get(key, options);
  };
  return { rig, asked };
}

it('a stray key of a far number is told as the first entry that is missing, at once', async () => {
  const { rig, asked } = await backedUp();
  await rig.store.put(`${NAME}/${historyKey(0x0fffffff)}`, new Uint8Array(1));
  await expect(rig.endpoint.list()).rejects.toMatchObject({
    code: 'CLOUD_OBJECT_MISSING',
    object: historyKey(5),
    remedy: expect.stringContaining(historyKey(0x0fffffff)),
  });
  expect(asked.length).toBeLessThan(8);
  await rig.store.deleteMany([`${NAME}/${historyKey(0x0fffffff)}`]);
  expect((await rig.endpoint.list()).snapshots).toHaveLength(2);
});

it('an entry that is missing among others is told by its number', async () => {
  for (const number of [1, 2]) {
    const { rig } = await backedUp();
    await rig.store.deleteMany([`${NAME}/${historyKey(number)}`]);
    await expect(rig.endpoint.list()).rejects.toMatchObject({
      code: 'CLOUD_OBJECT_MISSING',
      object: historyKey(number),
    });
  }
});

it('entries that were put while the history was listed are read, whichever of them the list has', async () => {
  const { rig } = await backedUp();
  const { store } = rig;
  const list = store.list.bind(store);
  store.list = async function* (prefix, options) {
    for await (const found of list(prefix, options)) if (!found.key.endsWith(historyKey(2))) yield found;
  };
  expect((await rig.endpoint.list()).snapshots).toHaveLength(2);
});
