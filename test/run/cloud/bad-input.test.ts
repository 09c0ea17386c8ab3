/** An image that is not as it should be: one typed error each, and what was backed up before is as it was. */
import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { openImageFile } from '../../../src/snapshot-source/image-file.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { imageOf, MemoryImage } from '../../snapshot-source/image-endpoint.ts';
import { ImageRig, type ImageRigOptions } from './image-rig.ts';
import { contentsOf, NAME, problemsOf, smallVolume } from './rig.ts';

const BLOCK = 4096;
const FIRST = imageOf([1, 2, 3, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);

/** The first backup is there, and the image has changed since. */
async function started(options: ImageRigOptions = {}): Promise<ImageRig> {
  const rig = new ImageRig({ image: new MemoryImage(FIRST.slice()), ...options });
  await rig.backup({}, 'kept');
  rig.image.bytes = imageOf([1, 2, 30, 0, 4, 5, 6, 7, 8, 90, 10, 11, 12, 13, 14, 15, 16, 17, 180, 19]);
  rig.image.changedAt++;
  return rig;
}

function eio(): Error {
  return Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
}

const CASES: Readonly<
  Record<string, { readonly harm: (image: MemoryImage) => void; readonly error: Readonly<Record<string, unknown>> }>
> = {
  'that vanishes while it is read': {
    harm: (image) => {
      image.onRead = () => {
        image.gone = true;
      };
    },
    error: { code: 'CLOUD_SOURCE_CHANGED', message: expect.stringContaining('is gone'), remedy: expect.any(String) },
  },
  'that shrinks while it is read': {
    harm: (image) => {
      image.onRead = (position) => {
        if (position >= 8 * BLOCK) image.bytes = image.bytes.subarray(0, 9 * BLOCK);
      };
    },
    error: { code: 'CLOUD_SOURCE_CHANGED', message: expect.stringContaining('ends at byte 36864') },
  },
  'that is written to while it is read': {
    harm: (image) => {
      image.onRead = () => {
        image.changedAt++;
      };
    },
    error: { code: 'CLOUD_SOURCE_CHANGED', message: expect.stringContaining('written to') },
  },
  'with a range that cannot be read': {
    harm: (image) => {
      const read = image.read.bind(image);
      image.read = async (into, position) => {
        if (position < 11 * BLOCK && position + into.length > 9 * BLOCK) throw eio();
        return await read(into, position);
      };
    },
    error: {
      code: 'CLOUD_SOURCE_UNREADABLE',
      message: expect.stringContaining('bytes 36864 to 45056'),
      details: { from: 9 * BLOCK, to: 11 * BLOCK },
    },
  },
};

describe('an image', () => {
  for (const [name, { harm, error }] of Object.entries(CASES)) {
    it(`${name} is one typed error, and the earlier backup is as it was`, async () => {
      const rig = await started();
      const good = rig.image.bytes.slice();
      const committed = [...(await contentsOf(rig.store)).entries()];
      const [onRead, read] = [rig.image.onRead, rig.image.read];
      harm(rig.image);
      await expect(rig.backup({}, 'harmed')).rejects.toMatchObject({ name: 'CloudError', ...error });
      const now = await contentsOf(rig.store);
      for (const [key, bytes] of committed) expect(now.get(key)).toEqual(bytes);
      expect((await rig.endpoint.list()).snapshots.map((snapshot) => snapshot.name)).toEqual(['kept']);
      expect(Buffer.from(await rig.restored()).equals(FIRST)).toBe(true);
      // Put right again, it is backed up as if nothing had been.
      Object.assign(rig.image, { onRead, read, gone: false, bytes: good });
      await rig.backup({}, 'after');
      expect(Buffer.from(await rig.restored()).equals(good)).toBe(true);
      await rig.endpoint.collect();
      expect(await problemsOf(rig.store, rig.source.state, smallVolume(), { collected: true })).toEqual([]);
    });
  }

  it('that may not be read, is not there, or is a folder, is told by its path', async () => {
    for (const path of ['/no/such/image', '/proc']) {
      await expect(openImageFile(path)).rejects.toMatchObject({ code: 'CLOUD_SOURCE_UNREADABLE', object: path });
    }
  });

  it('whose base went with its state needs a rebuild or a baseline, and is told so', async () => {
    const rig = await started();
    const other = new ImageRig({ image: rig.image, store: rig.store, state: new MemoryStateStore() });
    await expect(other.backup()).rejects.toMatchObject({
      code: 'CLOUD_STATE_LOST',
      remedy: expect.stringContaining('Rebuild the VMAP'),
    });
    expect(await other.backup({ baseline: true }, 'anew')).toMatchObject({ outcome: 'baseline' });
  });

  it('whose store cannot be reached is told which, and is backed up when it can', async () => {
    const memory = new MemoryObjectStore();
    const store = new FaultyObjectStore(memory);
    const rig = await started({ store });
    const mend = store.addFault({ kind: 'fails', when: 'before', code: 'OBJECT_STORE_UNAVAILABLE', times: 1000 });
    await expect(rig.backup({}, 'second')).rejects.toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
      retryable: true,
      key: expect.stringContaining(NAME),
    });
    mend();
    expect((await rig.backup({}, 'second')).outcome).toBe('incremental');
  });
});

describe('what was saved', () => {
  it('by sharing, by not sending what is there, and by compression, is known without walking the trees', async () => {
    const rig = new ImageRig({ image: new MemoryImage(imageOf([1, 1, 1, 2, 0, 0, 3, 2])) });
    await rig.backup();
    const gets: string[] = [];
    const get = rig.store.get.bind(rig.store);
    rig.store.get = (key, options) => {
      gets.push(key);
      return get(key, options);
    };
    const { saved, averageObject, heldBlocks } = await rig.endpoint.show();
    expect(gets.filter((key) => key.includes('/objects/'))).toEqual([]);
    // Three times 1 and twice 2.
    expect(saved).toMatchObject({ deduplicationBytes: 3 * BLOCK, unchangedBytes: 0 });
    expect(saved.compressionBytes).toBeGreaterThan(0);
    expect(averageObject.storedBytes).toBeLessThan(averageObject.bytes);
    await rig.backup();
    const second = (await rig.endpoint.show()).saved;
    expect(second).toMatchObject({ deduplicationBytes: 3 * BLOCK, unchangedBytes: heldBlocks[0] * BLOCK });
  });
});
