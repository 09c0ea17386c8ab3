/** Snapshots that are forgotten and collected while somebody reads them. */
import { describe, expect, it } from 'vitest';
import { systemEnv } from '../../../src/env.ts';
import { DataMotionError } from '../../../src/errors.ts';
import type { CloudEndpoint } from '../../../src/run/cloud/cloud-endpoint.ts';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { blocks, NAME, Rig, smallVolume } from './rig.ts';

/** Two snapshots, and a reader whose store does something just before it first reads a key like this. */
async function readWhile(key: RegExp, meanwhile: (rig: Rig) => Promise<unknown>) {
  const rig = new Rig();
  rig.volume.create('/same');
  rig.volume.write('/same', 0, blocks(...Array.from({ length: 12 }, (_, at) => 100 + at)));
  rig.volume.create('/file');
  for (const value of [1, 10]) {
    rig.volume.write('/file', 0, blocks(value, value + 1, value + 2, value + 3, value + 4, value + 5));
    await rig.backup({ snapshot: rig.snapshot() });
  }
  const warnings: string[] = [];
  const store = new FaultyObjectStore(rig.store);
  const get = store.get.bind(store);
  let waiting = true;
  store.get = async (wanted, options) => {
    if (waiting && key.test(wanted)) {
      waiting = false;
      await meanwhile(rig);
    }
    return await get(wanted, options);
  };
  const logger = { debug() {}, info() {}, error() {}, warn: (_: unknown, text?: string) => warnings.push(text ?? '') };
  const reader = new Rig({ store, env: systemEnv({ logger: logger as never }) });
  return { rig, store, reader: reader.endpoint, warnings };
}

const forgetAndCollect = async ({ endpoint }: Rig) => {
  await endpoint.forget({ snapshots: ['s1'] });
  await endpoint.collect();
};

describe('a snapshot that is forgotten and collected meanwhile', () => {
  const unknown = { code: 'CLOUD_SNAPSHOT_UNKNOWN' };
  const READS: Readonly<Record<string, (reader: CloudEndpoint) => Promise<unknown>>> = {
    show: (reader) => reader.show({ snapshot: 's1', measure: true }),
    files: (reader) => reader.files({ snapshot: 's1' }),
  };
  for (const [name, read] of Object.entries(READS)) {
    for (const key of [/snapshots/, /objects/]) {
      it(`is unknown to ${name}, not damaged (${key.source})`, async () => {
        const { reader } = await readWhile(key, forgetAndCollect);
        await expect(read(reader)).rejects.toMatchObject(unknown);
      });
    }
  }

  it('is not in the list', async () => {
    const { reader } = await readWhile(/snapshots/, forgetAndCollect);
    expect((await reader.list()).snapshots.map(({ name }) => name)).toEqual(['s2']);
  });

  it('is no damage to a verification, which tells what others miss all the same', async () => {
    for (const key of [/manifest/, /l3/, /objects/]) {
      const { reader } = await readWhile(key, forgetAndCollect);
      expect(await reader.verify({ readData: true }), key.source).toMatchObject({ problems: [] });
      const harmed = await readWhile(key, async (rig) => {
        await forgetAndCollect(rig);
        const objects: string[] = [];
        for await (const found of rig.store.list(`${NAME}/objects/`)) objects.push(found.key);
        await rig.store.deleteMany(objects);
      });
      const { problems } = await harmed.reader.verify();
      expect(problems.length, key.source).toBeGreaterThan(0);
      for (const { snapshots } of problems) expect(snapshots).toEqual(['s2']);
      // What both needed is told of the one that is left.
      const told = problems.map(({ message }) => message);
      const again = (await harmed.reader.verify()).problems.map(({ message }) => message);
      expect(told.sort(), key.source).toEqual(again.sort());
    }
  });
});

describe('a restore that may put nothing into the store', () => {
  it('warns, and says how to be safe when what it needs was collected', async () => {
    const { reader, store, warnings } = await readWhile(/objects/, forgetAndCollect);
    store.addFault({ kind: 'fails', when: 'before', code: 'OBJECT_STORE_DENIED', method: 'put', times: 99 });
    const failed = await reader
      .restore({ snapshot: 's1', target: new WaflRestoreTarget(smallVolume()) })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(DataMotionError);
    expect(failed).toMatchObject({
      code: 'CLOUD_OBJECT_MISSING',
      object: expect.any(String),
      remedy: expect.stringContaining('cloud hold'),
    });
    expect(warnings).toEqual([expect.stringContaining('cloud hold')]);
  });

  it('is whole where the snapshot is held from a host that may write', async () => {
    const { rig, reader, store } = await readWhile(/objects/, async ({ endpoint }) => {
      await expect(endpoint.forget({ snapshots: ['s1'] })).rejects.toMatchObject({ code: 'CLOUD_SNAPSHOT_HELD' });
      await endpoint.collect();
    });
    await rig.endpoint.hold({ snapshots: ['s1'] });
    store.addFault({ kind: 'fails', when: 'before', code: 'OBJECT_STORE_DENIED', method: 'put', times: 99 });
    await reader.restore({ snapshot: 's1', target: new WaflRestoreTarget(smallVolume()) });
  });

  it('leaves another failure as it is', async () => {
    const { reader, store } = await readWhile(/never/, async () => {});
    store.addFault({ kind: 'fails', when: 'before', code: 'OBJECT_STORE_DENIED', times: 99, method: 'put' });
    store.addFault({ kind: 'fails', when: 'before', code: 'OBJECT_STORE_UNAVAILABLE', times: 99, key: /objects/ });
    await expect(reader.restore({ target: new WaflRestoreTarget(smallVolume()) })).rejects.toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
    });
  });
});
