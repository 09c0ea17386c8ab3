/** Restores into files and devices: what they keep, and that nothing half-way is ever taken for whole. */
import { describe, expect, it } from 'vitest';
import type { Disk } from '../../../src/disk/disk.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { type FileRestoreOptions, FileRestoreTarget } from '../../../src/run/cloud/file-restore-target.ts';
import type { RestoreRequest } from '../../../src/run/cloud/restore.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { VolatileDisk } from '../../../src/testing/volatile-disk.ts';
import { imageOf, MemoryImage } from '../../snapshot-source/image-endpoint.ts';
import { ImageRig } from './image-rig.ts';

const BLOCK = 4096;
const FIRST = imageOf([0, 1, 2, 0, 0, 0, 3, 1, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 0, 14], 700);
const SECOND = imageOf([20, 1, 0, 0, 0, 21, 3, 1, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 14], 700);

class Targets {
  readonly volatile = new VolatileDisk();
  readonly disk: Disk = this.volatile.attach();
  /** Bytes written by position, through the disk that `counting` gives. */
  readonly writes: { readonly from: number; readonly bytes: number }[] = [];

  async make(path: string, content: Uint8Array): Promise<void> {
    await this.disk.makeFolder('/to').catch(() => {});
    const file = await this.disk.open(path, 'create');
    await file.write([content], 0);
    await file.sync();
    await file.close();
  }

  async read(path: string): Promise<Buffer> {
    const file = await this.disk.open(path, 'read');
    const bytes = Buffer.alloc((await file.stat()).sizeBytes);
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  }

  async names(): Promise<string[]> {
    return (await this.disk.listFolder('/to')).map(({ name }) => name).sort();
  }

  counting(): Disk {
    const { disk, writes } = this;
    return new Proxy(disk, {
      get(of, name) {
        if (name !== 'open') return Reflect.get(of, name).bind(of);
        return async (...facts: Parameters<Disk['open']>) => {
          const file = await disk.open(...facts);
          return {
            read: file.read.bind(file),
            truncate: file.truncate.bind(file),
            sync: file.sync.bind(file),
            stat: file.stat.bind(file),
            close: file.close.bind(file),
            write: (parts: readonly Uint8Array[], from: number) => {
              writes.push({ from, bytes: parts.reduce((sum, { length }) => sum + length, 0) });
              return file.write(parts, from);
            },
          };
        };
      },
    });
  }
}

async function backedUp(store = new MemoryObjectStore()): Promise<{ rig: ImageRig; targets: Targets }> {
  const rig = new ImageRig({ image: new MemoryImage(FIRST.slice()), store });
  await rig.backup();
  rig.image.bytes = SECOND.slice();
  await rig.backup();
  const targets = new Targets();
  await targets.disk.makeFolder('/to');
  return { rig, targets };
}

function restore(
  { endpoint }: ImageRig,
  disk: Disk,
  into: FileRestoreOptions['into'],
  request: Omit<RestoreRequest, 'target'> = {},
) {
  const target = new FileRestoreTarget({ disk, path: '/to/disk', folder: '/to', into });
  return endpoint.restore({ ...request, target });
}

describe('a restore to a new file', () => {
  it('writes what is mapped and leaves holes as holes', async () => {
    const { rig, targets } = await backedUp();
    await restore(rig, targets.counting(), 'new-file', { snapshot: 'b1' });
    expect((await targets.read('/to/disk')).equals(FIRST)).toBe(true);
    const holes = [0, 3, 4, 5, 8, 19, 20];
    for (const { from, bytes } of targets.writes) {
      for (const hole of holes) expect(from >= (hole + 1) * BLOCK || from + bytes <= hole * BLOCK).toBe(true);
    }
    expect(await targets.names()).toEqual(['disk']);
  });

  it('has no name until it is whole, and is begun anew after a crash at any change of the disk', {
    timeout: 60_000,
  }, async () => {
    const { rig } = await backedUp();
    let [died, at] = [true, 0];
    for (; died; at++) {
      const targets = new Targets();
      await targets.make('/to/disk', imageOf([99]));
      await targets.disk.syncFolder('/');
      await targets.disk.syncFolder('/to');
      targets.volatile.dieAfter(at);
      died = await restore(rig, targets.disk, 'new-file').then(
        () => false,
        () => true,
      );
      targets.volatile.crash('random');
      const disk = targets.volatile.attach();
      const file = await disk.open('/to/disk', 'read');
      const bytes = Buffer.alloc((await file.stat()).sizeBytes);
      await file.read(bytes, 0);
      await file.close();
      expect(bytes.equals(died ? imageOf([99]) : SECOND) || bytes.equals(SECOND), `died at ${at}`).toBe(true);
      await restore(rig, disk, 'new-file');
      expect((await disk.listFolder('/to')).map(({ name }) => name)).toEqual(['disk']);
    }
    expect(at).toBeGreaterThan(5);
  });

  it('gives no name to what another restore to the same path has begun', async () => {
    const targets = new Targets();
    await targets.disk.makeFolder('/to');
    const first = new FileRestoreTarget({ disk: targets.disk, path: '/to/disk', folder: '/to', into: 'new-file' });
    const facts = { manifest: { uuid: 'u' } as never, inode: undefined, range: undefined, common: undefined };
    await first.begin(facts);
    const second = new FileRestoreTarget({ disk: targets.disk, path: '/to/disk', folder: '/to', into: 'new-file' });
    await second.begin(facts);
    await expect(first.finish()).rejects.toMatchObject({ code: 'CLOUD_TARGET_UNUSABLE' });
    await first.abandon();
    expect(await targets.names()).toEqual(['disk.partial']);
    await second.finish();
    expect(await targets.names()).toEqual(['disk']);
  });

  it('ranges are half-open: from the first byte up to, not including, the second', async () => {
    const { rig, targets } = await backedUp();
    for (const [from, to] of [
      [0, 1],
      [1, 4096],
      [4096, 4097],
      [5000, 30_000],
      [4095, 8193],
      [80_000, 1_000_000],
    ] as const) {
      await restore(rig, targets.disk, 'new-file', { range: { from, to } });
      expect((await targets.read('/to/disk')).equals(SECOND.subarray(from, to)), `${from}-${to}`).toBe(true);
    }
  });
});

describe('a restore in place', () => {
  it('of a whole snapshot makes zeros of what is not mapped', async () => {
    const { rig, targets } = await backedUp();
    for (const into of ['file', 'device'] as const) {
      await targets.make('/to/disk', new Uint8Array(SECOND.length).fill(7));
      await restore(rig, targets.disk, into);
      expect((await targets.read('/to/disk')).equals(SECOND), into).toBe(true);
      expect(await targets.names()).toEqual(['disk']);
      await targets.disk.remove('/to/disk');
    }
  });

  it('onto a common snapshot reads and writes what differs, and no more', async () => {
    const { rig, targets } = await backedUp();
    await targets.make('/to/disk', FIRST);
    const { fetchedBlocks, placedBlocks } = await restore(rig, targets.counting(), 'file', { onto: 'b1' });
    expect({ fetchedBlocks, placedBlocks }).toEqual({ fetchedBlocks: 2, placedBlocks: 4 });
    expect((await targets.read('/to/disk')).equals(SECOND)).toBe(true);
    expect(targets.writes.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(5 * BLOCK);
    expect(await targets.names()).toEqual(['disk']);
  });

  it('that failed half-way is marked, may be repeated, and is not gone on with by another one', async () => {
    const memory = new MemoryObjectStore();
    const { rig, targets } = await backedUp(memory);
    const store = new FaultyObjectStore(memory);
    const failing = new ImageRig({ image: rig.image, store });
    await targets.make('/to/disk', FIRST);
    failAfter(store, 4);
    await expect(restore(failing, targets.disk, 'file', { onto: 'b1' })).rejects.toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
    });
    expect(await targets.names()).toEqual(['disk', 'disk.restoring']);
    await expect(restore(rig, targets.disk, 'file', { snapshot: 'b1', onto: 'b2' })).rejects.toMatchObject({
      code: 'CLOUD_TARGET_UNUSABLE',
      object: '/to/disk',
      remedy: expect.stringContaining('Repeat'),
    });
    await restore(rig, targets.disk, 'file', { onto: 'b1' });
    expect((await targets.read('/to/disk')).equals(SECOND)).toBe(true);
    expect(await targets.names()).toEqual(['disk']);
  });

  it('that failed half-way is not made to look whole by one of other bytes of it', async () => {
    for (const [cutOff, other] of [
      [undefined, { from: 0, to: 4096 }],
      [{ from: 0, to: 8 * BLOCK }, undefined],
      [
        { from: 0, to: 8 * BLOCK },
        { from: 0, to: 4096 },
      ],
    ] as const) {
      const memory = new MemoryObjectStore();
      const { rig, targets } = await backedUp(memory);
      const store = new FaultyObjectStore(memory);
      await targets.make('/to/disk', FIRST.subarray(0, cutOff?.to));
      failAfter(store, 4);
      const failing = new ImageRig({ image: rig.image, store });
      await expect(restore(failing, targets.disk, 'file', { onto: 'b1', range: cutOff })).rejects.toMatchObject({
        code: 'OBJECT_STORE_UNAVAILABLE',
      });
      const halfWay = await targets.read('/to/disk');
      await expect(restore(rig, targets.disk, 'file', { onto: 'b1', range: other })).rejects.toMatchObject({
        code: 'CLOUD_TARGET_UNUSABLE',
        object: '/to/disk',
        message: expect.stringContaining(cutOff === undefined ? 'all of it' : `bytes 0-${8 * BLOCK}`),
      });
      expect((await targets.read('/to/disk')).equals(halfWay)).toBe(true);
      expect(await targets.names()).toEqual(['disk', 'disk.restoring']);
      await restore(rig, targets.disk, 'file', { onto: 'b1', range: cutOff });
      expect((await targets.read('/to/disk')).equals(SECOND.subarray(0, cutOff?.to))).toBe(true);
      expect(await targets.names()).toEqual(['disk']);
    }
  });

  it('of a file that is not there leaves no mark', async () => {
    const { rig, targets } = await backedUp();
    await expect(restore(rig, targets.disk, 'file', { onto: 'b1' })).rejects.toMatchObject({
      code: 'CLOUD_TARGET_UNUSABLE',
      details: { errno: 'ENOENT' },
      remedy: expect.stringContaining('without a common snapshot'),
    });
    expect(await targets.names()).toEqual([]);
  });

  it('to a device that failed half-way leaves nothing that begins like a whole one', async () => {
    const memory = new MemoryObjectStore();
    const { rig, targets } = await backedUp(memory);
    await targets.make('/to/disk', new Uint8Array(SECOND.length).fill(7));
    const store = new FaultyObjectStore(memory);
    const failing = new ImageRig({ image: rig.image, store });
    failAfter(store, 12);
    await expect(restore(failing, targets.disk, 'device')).rejects.toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
    expect((await targets.read('/to/disk')).subarray(0, BLOCK).every((byte) => byte === 0)).toBe(true);
    await restore(rig, targets.disk, 'device');
    expect((await targets.read('/to/disk')).equals(SECOND)).toBe(true);
  });
});

describe('a target that cannot be written', () => {
  for (const [errno, operation] of [
    ['EACCES', 'open'],
    ['ENOSPC', 'write'],
    ['EIO', 'sync'],
  ] as const) {
    it(`is one typed error with the way out: ${errno} at ${operation}`, async () => {
      const { rig, targets } = await backedUp();
      targets.volatile.addFault({ operation, path: /disk/, errno });
      await expect(restore(rig, targets.disk, 'new-file')).rejects.toMatchObject({
        name: 'CloudError',
        code: 'CLOUD_TARGET_UNUSABLE',
        object: '/to/disk',
        remedy: expect.any(String),
        details: { errno },
      });
      expect(await targets.names()).toEqual([]);
      await restore(rig, targets.disk, 'new-file');
      expect((await targets.read('/to/disk')).equals(SECOND)).toBe(true);
    });
  }
});

/** Objects can be read so many times, and then not any more. */
function failAfter(store: FaultyObjectStore, after: number): void {
  const code = 'OBJECT_STORE_UNAVAILABLE';
  store.addFault({ kind: 'fails', when: 'before', code, method: 'get', key: /objects/, after, times: 99 });
}
