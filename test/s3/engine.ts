/** SnapMirror Cloud on the real server: a whole life, two writers, a paused one, and servers that cannot keep them apart. */
import assert from 'node:assert/strict';
import { WaflVolume } from '../../src/core/wafl/volume.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { retrying } from '../../src/object-store/retrying.ts';
import { type OpenS3Options, openS3ObjectStore } from '../../src/object-store/s3/index.ts';
import { WaflRestoreTarget } from '../../src/run/cloud/wafl-restore-target.ts';
import { MemoryStateStore } from '../../src/state/memory.ts';
import { portrait } from '../core/cloud/wafl-restore.ts';
import { PausedStore } from '../run/cloud/paused-store.ts';
import { blocks, look, problemsOf, Rig, smallVolume } from '../run/cloud/rig.ts';
import { contentOf, createBucket } from './buckets.ts';
import { FaultProxy } from './fault-proxy.ts';
import { CREDENTIALS } from './gateway.ts';
import type { Verdicts } from './verdicts.ts';

export async function engineCases(endpoint: string, verdicts: Verdicts): Promise<void> {
  const open = async (bucket: string, options: Partial<OpenS3Options> = {}): Promise<ObjectStore> =>
    retrying(await openS3ObjectStore({ bucket, endpoint, credentials: CREDENTIALS, ...options }));
  await createBucket(endpoint, 'engine');
  await createBucket(endpoint, 'engine-versions', { versioned: true });

  await verdicts.judge('backup, incremental, forget, gc, verify and restore', async () => {
    await wholeLife(await open('engine', { prefix: 'life' }));
  });

  await verdicts.judge(
    'the same in a bucket that keeps versions, by its only writer: gc leaves no version behind',
    async () => {
      const store = await open('engine-versions');
      await assert.rejects(written(new Rig({ store })).backup(), { code: 'CLOUD_STORE_UNSAFE' });
      await wholeLife(store, { exclusion: 'only-writer' });
      const { contents } = await look(store);
      await store.sweep({ olderThanMs: -60_000 });
      assert.deepEqual(await contentOf(endpoint, 'engine-versions'), {
        versions: contents.size,
        markers: 0,
        uploads: 0,
      });
    },
  );

  await verdicts.judge('a second writer is refused before it has done anything', async () => {
    const store = await open('engine', { prefix: 'two' });
    const first = written(new Rig({ store }));
    await first.backup();
    const before = [...(await look(store)).contents.keys()];
    const second = new Rig({ volume: first.volume, store, writer: 'host-b' });
    second.snapshot('s2');
    await assert.rejects(second.backup(), { code: 'CLOUD_CONFLICT' });
    assert.deepEqual([...(await look(store)).contents.keys()], before);
    await first.backup();
  });

  await verdicts.judge('of two writers that create one endpoint at once, one wins', async () => {
    const store = await open('engine', { prefix: 'race' });
    const rigs = ['host-a', 'host-b', 'host-c'].map((writer) => written(new Rig({ store, writer })));
    const outcomes = await Promise.allSettled(rigs.map((rig) => rig.backup()));
    const won = outcomes.filter(({ status }) => status === 'fulfilled').length;
    assert.equal(
      won,
      1,
      outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : 'won')).join('; '),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'CLOUD_CONFLICT', `${outcome.reason}`);
    }
  });

  for (const changes of [1, 3, 5]) {
    await verdicts.judge(
      `a writer that was paused before its change ${changes} wakes up and harms nobody`,
      async () => {
        const store = await open('engine', { prefix: `paused-${changes}` });
        await pausedWriter(store, changes);
      },
    );
  }

  await verdicts.judge(
    'a server that answers If-None-Match with 501 is written to by its only writer alone',
    async () => {
      const proxy = await FaultProxy.before(endpoint);
      proxy.judge = ({ conditional }) => (conditional ? 'no-condition' : undefined);
      try {
        const store = await open('engine', { prefix: 'refusing', endpoint: proxy.endpoint });
        assert.equal(store.capabilities.conditionalPut, false);
        const rig = written(new Rig({ store }));
        await assert.rejects(rig.backup(), { code: 'CLOUD_STORE_UNSAFE' });
        assert.deepEqual([...(await look(store)).contents.keys()], [], 'a refused backup leaves nothing');
        await wholeLife(store, { exclusion: 'only-writer' });
      } finally {
        await proxy.close();
      }
    },
  );
}

function written(rig: Rig): Rig {
  rig.volume.create('/a');
  rig.volume.write('/a', 0, blocks(1, 2, 3, 4, 5, 6));
  rig.snapshot('s1');
  return rig;
}

async function wholeLife(store: ObjectStore, options: { readonly exclusion?: 'only-writer' } = {}): Promise<void> {
  const rig = written(new Rig({ store, ...options }));
  assert.equal((await rig.backup()).outcome, 'baseline');
  rig.volume.write('/a', 4096, blocks(21, 22));
  rig.snapshot('s2');
  assert.equal((await rig.backup({ snapshot: 's2' })).outcome, 'incremental');
  rig.volume.write('/a', 0, blocks(31));
  rig.snapshot('s3');
  await rig.backup({ snapshot: 's3' });
  await rig.endpoint.forget({ snapshots: ['s1'] });
  const collected = await rig.endpoint.collect();
  assert.ok(collected.objects + collected.snapshotFiles > 0, 'something was collected');
  assert.deepEqual((await rig.endpoint.verify({ readData: true })).problems, []);
  assert.deepEqual(await problemsOf(store, rig.state, rig.volume, { collected: true }), []);
  for (const name of ['s2', 's3']) {
    const target = new WaflVolume({ capacityBlocks: 4096, pointersPerBlock: 4, rootPointers: 2 });
    await rig.endpoint.restore({ target: new WaflRestoreTarget(target), snapshot: name });
    assert.deepEqual(portrait(target.snapshotView(name)), portrait(rig.volume.snapshotView(name)));
  }
}

async function pausedWriter(store: ObjectStore, changes: number): Promise<void> {
  const volume = smallVolume();
  const first = written(new Rig({ volume, store }));
  await first.backup();
  volume.write('/a', 0, blocks(11, 12));
  const pausing = new PausedStore(store, changes);
  const paused = new Rig({ volume, store: pausing, state: first.state });
  paused.snapshot('s2');
  const sleeping = paused.backup({ snapshot: 's2' }).catch((error) => error);
  await pausing.reached;
  const other = new Rig({ volume, store, state: new MemoryStateStore(), writer: 'host-b' });
  await other.endpoint.rebuildVmap({ state: other.state, writer: 'host-b' });
  volume.write('/a', 4096, blocks(21));
  other.snapshot('s3');
  await other.backup({ snapshot: 's3' });
  pausing.goOn();
  assert.equal((await sleeping).code, 'CLOUD_CONFLICT');
  assert.deepEqual(
    (await look(store)).history.snapshots.map(({ name }) => name),
    ['s1', 's3'],
  );
  await other.endpoint.collect();
  assert.deepEqual(await problemsOf(store, other.state, volume, { collected: true }), []);
}
