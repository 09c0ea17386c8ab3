import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InlineCompute } from '../../../src/compute/inline.ts';
import { decodeGroup, encodeObject } from '../../../src/core/cloud/format/object.ts';
import { nodeDisk } from '../../../src/disk/node-disk.ts';
import { systemEnv } from '../../../src/env.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { CloudEndpoint } from '../../../src/run/cloud/cloud-endpoint.ts';
import { FileRestoreTarget } from '../../../src/run/cloud/file-restore-target.ts';
import { ImageSnapshotSource } from '../../../src/snapshot-source/image-snapshot-source.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { SeededRandom } from '../../../src/testing/random.ts';
import { NAME, problemsOf, SMALL, smallVolume, tools } from './rig.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'datamotion-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const compute = new InlineCompute({ encodeObject, decodeGroup });

/** A process that backs up `disk.img`. */
function start(store: MemoryObjectStore | FaultyObjectStore, state: MemoryStateStore, seed = 1) {
  const env = systemEnv({ random: new SeededRandom(seed) });
  const endpoint = new CloudEndpoint({ store, name: NAME, env, tools, compute, ...SMALL });
  const path = join(folder, 'disk.img');
  const source = new ImageSnapshotSource({
    path,
    state,
    compute,
    env,
    pointersPerBlock: 4,
    limits: { blocksPerChunk: 4 },
  });
  const backup = async (name: string, uuid?: string) => {
    const snapshot = source.take({ name, uuid });
    return await endpoint.backup({ source, state: source.state, writer: 'host', snapshot: snapshot.uuid });
  };
  return { endpoint, source, backup };
}

function image(...blocks: readonly (Uint8Array | number)[]): Buffer {
  return Buffer.concat(blocks.map((block) => (typeof block === 'number' ? Buffer.alloc(4096, block) : block)));
}

async function restored(endpoint: CloudEndpoint, snapshot: string): Promise<Buffer> {
  const path = join(folder, `restored-${snapshot}`);
  await endpoint.restore({
    snapshot,
    target: new FileRestoreTarget({ disk: nodeDisk, path, folder, into: 'new-file' }),
  });
  return readFileSync(path);
}

describe('an image through the engine', () => {
  it('an unchanged image sends nothing; a changed one what changed; each snapshot comes back', async () => {
    const path = join(folder, 'disk.img');
    const store = new MemoryObjectStore();
    const { endpoint, backup } = start(store, new MemoryStateStore());
    const first = image(1, 2, 3, 1, randomBytes(4096), 5, 6, 7, 8, 9, 10, 11);
    writeFileSync(path, first);
    truncateSync(path, 28 * 4096);
    await backup('one');
    // The metafiles that name the image are the same too.
    expect((await backup('two')).uploads.blocks).toEqual([0, 0, 0]);
    const second = image(1, 2, 33, 1);
    writeFileSync(path, Buffer.concat([second, first.subarray(4 * 4096)]));
    truncateSync(path, 28 * 4096);
    const { uploads } = await backup('three');
    // Size and names are the same; the time of the last change is in the metafile.
    expect(uploads.blocks[0]).toBeGreaterThanOrEqual(1);
    expect(uploads.blocks[0]).toBeLessThanOrEqual(2);
    expect(await problemsOf(store, undefined, smallVolume())).toEqual([]);
    expect((await restored(endpoint, 'one')).subarray(0, first.length).equals(first)).toBe(true);
    expect((await restored(endpoint, 'three')).equals(readFileSync(path))).toBe(true);
    expect(statSync(join(folder, 'restored-one')).blocks).toBeLessThanOrEqual(12 * 8);
  });

  it('an interrupted backup is gone on with, though the image changed meanwhile', { timeout: 60_000 }, async () => {
    const path = join(folder, 'disk.img');
    let interrupted = 0;
    for (let at = 1; at < 12; at++) {
      const store = new MemoryObjectStore();
      const state = new MemoryStateStore();
      writeFileSync(path, image(...Array.from({ length: 30 }, (_, block) => block + 1)));
      const dying = new FaultyObjectStore(store);
      dying.dieAfter(at, at % 2 === 0 ? 'before' : 'after');
      const died = await start(dying, state)
        .backup('one')
        .then(
          () => false,
          () => true,
        );
      writeFileSync(path, image(...Array.from({ length: 26 }, (_, block) => (block < 9 ? block + 1 : block + 100))));
      const { endpoint, source, backup } = start(store, state, 2);
      const left = await endpoint.interrupted({ state: source.state });
      if (left !== undefined) {
        interrupted++;
        expect(left.name).toBe('one');
      }
      const result = await backup('again', left?.uuid);
      expect(result.resumed).toBe(left !== undefined);
      expect(died || at > 8).toBe(true);
      expect(await problemsOf(store, source.state, smallVolume()), `died at ${at}`).toEqual([]);
      expect((await restored(endpoint, 'again')).equals(readFileSync(path)), `died at ${at}`).toBe(true);
      expect((await endpoint.verify({ readData: true })).problems).toEqual([]);
      // A third one finds the catalogue as it must be.
      expect((await backup('third')).uploads.blocks).toEqual([0, 0, 0]);
    }
    expect(interrupted).toBeGreaterThan(5);
  });
});
