import { describe, expect, it } from 'vitest';
import { changes } from '../../../src/core/wafl/changes.ts';
import { decodeDirectoryBlock, decodeInodeBlock } from '../../../src/core/wafl/metafiles.ts';
import { transferFrom, type VolumeTransfer } from '../../../src/core/wafl/transfer.ts';
import { type VolumeOptions, WaflVolume } from '../../../src/core/wafl/volume.ts';
import type { VolumeModelErrorCode } from '../../../src/errors.ts';

const BLOCK = 4096;

describe('block trees', () => {
  it('levels that a small file does not need are absent, and come and go with the size', () => {
    const volume = volumeWith('/f');
    const shape = () => {
      const levels = [0, 0, 0];
      volume.activeView().visitBlocks('/f', (_vvbn, level) => {
        levels[level] = (levels[level] ?? 0) + 1;
      });
      return [volume.lookup('/f')?.height, ...levels];
    };
    expect(shape()).toEqual([0, 0, 0, 0]);
    volume.write('/f', 0, blocks(1, 2));
    expect(shape()).toEqual([0, 2, 0, 0]);
    volume.write('/f', 2 * BLOCK, blocks(3));
    expect(shape()).toEqual([1, 3, 1, 0]);
    volume.write('/f', 8 * BLOCK, blocks(9));
    expect(shape()).toEqual([2, 4, 2, 1]);
    volume.truncate('/f', BLOCK);
    expect(shape()).toEqual([0, 1, 0, 0]);
    volume.truncate('/f', 32 * BLOCK);
    expect(shape()).toEqual([2, 1, 1, 1]);
    volume.punchHole('/f', 0, 32 * BLOCK);
    expect(shape()).toEqual([2, 0, 0, 0]);
    expect(volume.check()).toEqual([]);
  });

  it('one block overwritten after a snapshot gets a new VVBN, and so do the indirect blocks above it and nothing else', () => {
    const volume = volumeWith('/f');
    for (let fbn = 0; fbn < 32; fbn++) volume.write('/f', fbn * BLOCK, blocks(fbn + 1));
    snapshot(volume, 'base');
    volume.write('/f', 21 * BLOCK, blocks(99));
    snapshot(volume, 'next');
    const found = changes(volume.snapshotView('base'), volume.snapshotView('next'));
    expect(found.inodes).toHaveLength(1);
    expect(found.inodes[0]).toMatchObject({ fbns: Uint32Array.of(21), attributesChanged: false });
    expect([found.inodes[0]?.l1.length, found.inodes[0]?.l2.length]).toEqual([1, 1]);
    // One L1 and one L2 of each snapshot; the other nine indirect blocks are shared and not read.
    expect(found.indirectBlocksVisited).toBe(4);
  });

  it('a hole punched where there is one already changes no block', () => {
    const volume = volumeWith('/f');
    volume.write('/f', 0, blocks(1));
    volume.write('/f', 31 * BLOCK, blocks(2));
    snapshot(volume, 'base');
    volume.punchHole('/f', BLOCK, 30 * BLOCK);
    snapshot(volume, 'next');
    expect(changes(volume.snapshotView('base'), volume.snapshotView('next')).inodes).toEqual([]);
    const [base, next] = [volume.snapshotView('base').lookup('/f'), volume.snapshotView('next').lookup('/f')];
    expect(next?.topmost).toEqual(base?.topmost);
  });

  it('two snapshots of an unchanged volume are the same blocks', () => {
    const volume = volumeWith('/f');
    volume.write('/f', 0, blocks(1, 2, 3));
    snapshot(volume, 'one');
    const used = volume.usage().usedBlocks;
    snapshot(volume, 'two');
    expect(volume.usage().usedBlocks).toBe(used);
    const found = changes(volume.snapshotView('one'), volume.snapshotView('two'));
    expect(found).toEqual({ inodes: [], indirectBlocksVisited: 0 });
  });

  it('a block of one repeated word reads right at any offset', () => {
    const volume = volumeWith('/f');
    const bytes = Uint8Array.from({ length: 3 * BLOCK }, (_, i) => (i % 8) * 17 + 1);
    volume.write('/f', 0, bytes);
    for (const [offset, length] of [
      [3, 4],
      [5, 100],
      [4090, 13],
      [1, 2 * BLOCK + 5],
    ] as const) {
      expect(volume.read('/f', offset, length)).toEqual(bytes.slice(offset, offset + length));
    }
    expect(volume.activeView().content(volume.activeView().pointer('/f', 1))).toEqual(bytes.slice(0, BLOCK));
  });
});

describe('VVBNs', () => {
  it('are reused at once when their last holder is gone, and not a moment before', () => {
    const volume = volumeWith('/f');
    volume.write('/f', 0, blocks(1));
    const first = volume.activeView().pointer('/f', 0);
    snapshot(volume, 'holder');
    volume.write('/f', 0, blocks(2));
    volume.write('/f', 0, blocks(3));
    expect(volume.activeView().pointer('/f', 0)).not.toBe(first);
    expect(volume.snapshotView('holder').content(first)).toEqual(blocks(1));
    volume.deleteSnapshot('holder');
    volume.write('/f', 0, blocks(4));
    expect(volume.activeView().pointer('/f', 0)).toBe(first);
    expect(volume.activeView().content(first)).toEqual(blocks(4));
  });

  it('with rotating allocation are reused only after all others had their turn', () => {
    const volume = volumeWith('/f', { allocation: 'rotating', capacityBlocks: 10 });
    const seen = Array.from({ length: 11 }, (_, i) => {
      volume.write('/f', 0, blocks(i));
      return volume.activeView().pointer('/f', 0);
    });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1]);
  });
});

describe('deduplication', () => {
  it('keeps the oldest of equal blocks, leaves snapshots alone, and finds nothing a second time', () => {
    const volume = volumeWith('/f', '/g');
    volume.write('/f', 0, blocks(7));
    snapshot(volume, 'before');
    const oldest = volume.activeView().pointer('/f', 0);
    volume.write('/f', 0, blocks(1));
    volume.write('/g', 0, blocks(7, 7, 1));
    snapshot(volume, 'duplicates');
    const held = volume.snapshotView('duplicates').held().l0.size;
    volume.write('/f', BLOCK, volume.read('/g', 0, BLOCK));
    const view = volume.activeView();
    const earlier = view.pointer('/g', 0);
    expect(volume.dedupe()).toMatchObject({ sharedFileBlocks: 3 });
    expect(view.pointer('/g', 0)).toBe(earlier);
    expect(view.pointer('/g', 1)).toBe(view.pointer('/g', 0));
    expect(view.pointer('/f', 1)).toBe(view.pointer('/g', 0));
    expect(view.pointer('/g', 2)).toBe(view.pointer('/f', 0));
    // Only blocks of the active file system take part: the oldest copy is in a snapshot alone.
    expect(view.pointer('/g', 0)).not.toBe(oldest);
    expect(volume.snapshotView('duplicates').held().l0.size).toBe(held);
    expect(volume.dedupe()).toEqual({ sharedFileBlocks: 0, freedBlocks: 0 });
    expect(volume.check()).toEqual([]);
  });

  it('keeps the block that a snapshot holds, even when the newer copy has the lower VVBN', () => {
    const volume = volumeWith('/early', '/f', '/g');
    volume.write('/early', 0, blocks(1, 2, 3, 4, 5, 6));
    volume.write('/f', 0, blocks(7));
    volume.remove('/early');
    snapshot(volume, 'base');
    const held = volume.activeView().pointer('/f', 0);
    volume.write('/g', 0, blocks(7));
    expect(volume.activeView().pointer('/g', 0)).toBeLessThan(held);
    volume.dedupe();
    expect(volume.activeView().pointer('/g', 0)).toBe(held);
  });

  it('inline, new data shares an equal block from the start, and a transfer carries it once', () => {
    const volume = volumeWith('/f', { inlineDedupe: true });
    volume.write('/f', 0, blocks(5, 5, 6, 5));
    const pointers = [0, 1, 2, 3].map((fbn) => volume.activeView().pointer('/f', fbn));
    expect(new Set(pointers).size).toBe(2);
    snapshot(volume, 'base');
    const transfer = transferFrom(undefined, volume.snapshotView('base'));
    expect(transfer.contents.reduce((sum, { length }) => sum + length, 0)).toBe(2 * BLOCK);
    const replica = new WaflVolume({ capacityBlocks: 100 });
    replica.applyTransfer(transfer);
    expect(replica.read('/f')).toEqual(blocks(5, 5, 6, 5));
    expect(replica.activeView().pointer('/f', 3)).toBe(replica.activeView().pointer('/f', 0));
  });

  it('a cloned file shares every data block with the original until one of them is written', () => {
    const volume = volumeWith('/lun');
    volume.write('/lun', 0, blocks(1, 2, 3, 4, 5));
    volume.cloneFile('/lun', '/copy');
    const view = volume.activeView();
    const shared = () => [0, 1, 2, 3, 4].filter((fbn) => view.pointer('/lun', fbn) === view.pointer('/copy', fbn));
    expect(shared()).toEqual([0, 1, 2, 3, 4]);
    volume.write('/copy', 2 * BLOCK, blocks(9));
    expect(shared()).toEqual([0, 1, 3, 4]);
    expect(volume.read('/lun')).toEqual(blocks(1, 2, 3, 4, 5));
    volume.cloneRange('/copy', 2, '/lun', 0, 2);
    expect(volume.read('/lun')).toEqual(blocks(9, 4, 3, 4, 5));
  });
});

describe('metafiles', () => {
  it('say what the volume says, and change only where an inode or an entry changed', () => {
    const volume = new WaflVolume({ capacityBlocks: 1000 });
    volume.mkdir('/dir');
    for (let i = 0; i < 200; i++) volume.create(`/dir/file-${i}`, { uid: i, mtime: 1_000 + i });
    snapshot(volume, 'base');
    const base = volume.snapshotView('base');
    const inodes = blocksOfFile(base.read(1)).flatMap(decodeInodeBlock);
    expect(inodes).toHaveLength(202);
    expect(inodes.find(({ uid }) => uid === 77)).toMatchObject({ type: 'file', mtime: 1_077, sizeBytes: 0, links: 1 });
    const entries = blocksOfFile(base.read(2)).flatMap(decodeDirectoryBlock);
    expect(entries.filter(({ name }) => name === 'file-199')).toHaveLength(1);
    expect(entries).toHaveLength(201);

    volume.setAttributes('/dir/file-50', { mode: 0o400 });
    volume.setAttributes('/dir/file-150', { uid: 150 });
    volume.rename('/dir/file-60', '/dir/renamed');
    snapshot(volume, 'next');
    const found = changes(base, volume.snapshotView('next')).inodes;
    const changedBlocks = Object.fromEntries(found.map(({ number, fbns }) => [number, fbns.length]));
    // One block of each metafile and the inode that changed; not the one that was set to what it was already.
    const changed = volume.lookup('/dir/file-50')?.number ?? 0;
    expect(changedBlocks).toEqual({ 1: 1, 2: 1, [changed]: 0 });
  });

  it('of a version that is not known are refused', () => {
    const volume = volumeWith('/f');
    snapshot(volume, 'base');
    const block = volume.snapshotView('base').read(2).slice(0, BLOCK);
    block[4] = 2;
    expect(() => decodeDirectoryBlock(block)).toThrow(code('WAFL_CORRUPT'));
    expect(() => decodeInodeBlock(block)).toThrow(code('WAFL_CORRUPT'));
  });
});

describe('snapshots', () => {
  it('once deleted, a view fails instead of showing what took its place', () => {
    const volume = volumeWith('/f');
    snapshot(volume, 'gone');
    const view = volume.snapshotView('gone');
    expect(view.held().l0.size).toBeGreaterThan(0);
    volume.deleteSnapshot('gone');
    for (const use of [() => view.read('/f'), () => view.held(), () => [...view.inodes()], () => view.exists('/f')]) {
      expect(use).toThrow(code('WAFL_NOT_FOUND'));
    }
  });

  it('restoring one brings names and content back, and drops newer ones only when asked to', () => {
    const volume = volumeWith('/f');
    volume.write('/f', 0, blocks(1));
    for (const name of ['one', 'two', 'three']) {
      snapshot(volume, name);
      volume.create(`/after-${name}`);
    }
    volume.restoreSnapshot('two');
    expect(volume.snapshots().map(({ name }) => name)).toEqual(['one', 'two', 'three']);
    expect(volume.exists('/after-one')).toBe(true);
    expect(volume.exists('/after-two')).toBe(false);
    volume.restoreSnapshot('one', { deleteNewer: true });
    expect(volume.snapshots().map(({ name }) => name)).toEqual(['one']);
    expect(volume.check()).toEqual([]);
  });

  it('keep their label and comment, and their uuid through a rename', () => {
    const volume = volumeWith('/f');
    volume.createSnapshot('hourly.1', { uuid: 'u', createdAt: 5, label: 'hourly' });
    volume.updateSnapshot('hourly.1', { name: 'kept', comment: 'before the upgrade' });
    expect(volume.snapshots()).toEqual([
      { name: 'kept', uuid: 'u', createdAt: 5, label: 'hourly', comment: 'before the upgrade' },
    ]);
    expect(volume.snapshotView('kept').exists('/f')).toBe(true);
  });

  it('what a snapshot alone holds is what deleting it frees', () => {
    const volume = volumeWith('/f');
    volume.write('/f', 0, blocks(1, 2, 3, 4));
    snapshot(volume, 'one');
    volume.write('/f', 0, blocks(5));
    snapshot(volume, 'two');
    volume.write('/f', 0, blocks(6));
    const { exclusiveBlocks } = volume.snapshotUsage('one');
    const { usedBlocks, snapshotBlocks } = volume.usage();
    // The old first block and the old L1; the metafiles are shared.
    expect(exclusiveBlocks).toBe(2);
    expect(snapshotBlocks).toBe(4);
    volume.deleteSnapshot('one');
    expect(volume.usage().usedBlocks).toBe(usedBlocks - exclusiveBlocks);
  });
});

describe('transfers', () => {
  it('need the base snapshot by uuid, and a snapshot that is not there yet', () => {
    const { volume, replica, baseline, update } = pairWithUpdate();
    const other = new WaflVolume({ capacityBlocks: 100 });
    other.createSnapshot('base', { uuid: 'another', createdAt: 1 });
    expect(() => other.applyTransfer(update)).toThrow(code('WAFL_NO_BASE'));
    expect(() => replica.applyTransfer(baseline)).toThrow(code('WAFL_EXISTS'));
    expect(() => transferFrom(undefined, volume.activeView())).toThrow(code('WAFL_INVALID'));
    replica.applyTransfer(update);
    expect(replica.read('/f')).toEqual(volume.read('/f'));
    expect(replica.snapshots()).toEqual(volume.snapshots());
  });

  it('count the blocks that changed and a little for each inode and entry', () => {
    const { update } = pairWithUpdate();
    expect(update.bytes).toBe(BLOCK + 64);
  });

  it('that are damaged or do not fit leave the destination as it was', () => {
    const { replica, update } = pairWithUpdate();
    const inode = update.inodes[0];
    const before = JSON.stringify(replica.save());
    const damaged: [VolumeModelErrorCode, VolumeTransfer][] = [
      ['WAFL_CORRUPT', { ...update, contents: [] }],
      ['WAFL_CORRUPT', { ...update, inodes: inode ? [{ ...inode, fbns: Uint32Array.of(500) }] : [] }],
      ['WAFL_CORRUPT', { ...update, inodes: inode ? [inode, inode] : [] }],
      ['WAFL_CORRUPT', { ...update, removedInodes: [64] }],
    ];
    for (const [expected, transfer] of damaged) {
      expect(() => replica.applyTransfer(transfer)).toThrow(code(expected));
      expect(replica.check()).toEqual([]);
    }
    replica.setCapacity(replica.usage().usedBlocks);
    expect(() => replica.applyTransfer(update)).toThrow(code('WAFL_NO_SPACE'));
    expect(replica.check()).toEqual([]);
    replica.setCapacity(100);
    expect(JSON.parse(JSON.stringify(replica.save()))).toMatchObject({ images: JSON.parse(before).images });
    replica.applyTransfer(update);
    expect(replica.check()).toEqual([]);
  });
});

describe('refusals', () => {
  const nearlyFull = () => {
    const volume = volumeWith('/f', { capacityBlocks: 6 });
    volume.mkdir('/d');
    volume.create('/d/x');
    volume.mkdir('/e');
    volume.symlink('/s', '/f');
    snapshot(volume, 's');
    return volume;
  };
  const cases: [VolumeModelErrorCode, string, (volume: WaflVolume) => unknown][] = [
    ['WAFL_NOT_FOUND', 'reading a file that is not there', (v) => v.read('/nothing')],
    ['WAFL_NOT_FOUND', 'creating in a directory that is not there', (v) => v.create('/no/f')],
    ['WAFL_NOT_DIRECTORY', 'creating below a file', (v) => v.create('/f/g')],
    ['WAFL_EXISTS', 'creating what exists', (v) => v.create('/f')],
    ['WAFL_EXISTS', 'making the root', (v) => v.mkdir('/')],
    ['WAFL_INVALID', 'removing the root', (v) => v.remove('/')],
    ['WAFL_NOT_EMPTY', 'removing a directory with entries', (v) => v.remove('/d')],
    ['WAFL_IS_DIRECTORY', 'writing to a directory', (v) => v.write('/d', 0, blocks(1))],
    ['WAFL_INVALID', 'writing to a symbolic link', (v) => v.write('/s', 0, blocks(1))],
    ['WAFL_INVALID', 'writing to a metafile', (v) => v.write(1, 0, blocks(1))],
    ['WAFL_INVALID', 'writing at a negative offset', (v) => v.write('/f', -1, blocks(1))],
    ['WAFL_FILE_TOO_LARGE', 'growing beyond the reach of the tree', (v) => v.truncate('/f', 33 * BLOCK)],
    ['WAFL_NO_SPACE', 'writing more than fits', (v) => v.write('/f', 0, new Uint8Array(8 * BLOCK))],
    ['WAFL_IS_DIRECTORY', 'linking a directory', (v) => v.link('/d', '/d2')],
    ['WAFL_INVALID', 'moving a directory into itself', (v) => v.rename('/d', '/d/e')],
    ['WAFL_EXISTS', 'renaming over a file without replace', (v) => v.rename('/f', '/d/x')],
    ['WAFL_NOT_EMPTY', 'replacing a directory with entries', (v) => v.rename('/e', '/d', { replace: true })],
    ['WAFL_INVALID', 'a relative path', (v) => v.create('f')],
    ['WAFL_INVALID', 'a dot-dot path', (v) => v.create('/d/../g')],
    ['WAFL_INVALID', 'a name beyond 255 bytes', (v) => v.create(`/${'ü'.repeat(128)}`)],
    ['WAFL_INVALID', 'half a character', (v) => v.create('/\ud800')],
    ['WAFL_NOT_FOUND', 'deleting a snapshot that is not there', (v) => v.deleteSnapshot('t')],
    ['WAFL_EXISTS', 'two snapshots of one name', (v) => snapshot(v, 's')],
    ['WAFL_NO_SPACE', 'shrinking below what is used', (v) => v.setCapacity(0)],
    [
      'WAFL_INVALID',
      'a tree with more root pointers than pointers',
      () => new WaflVolume({ capacityBlocks: 9, pointersPerBlock: 4, rootPointers: 5 }),
    ],
  ];
  it.each(cases)('%s: %s', (expected, _what, run) => {
    const volume = nearlyFull();
    expect(() => run(volume)).toThrow(code(expected));
    expect(volume.check()).toEqual([]);
  });

  it('a saved volume with damage is not loaded', () => {
    const volume = volumeWith('/f');
    volume.write('/f', 0, blocks(1, 2, 3));
    const saved = volume.save();
    const [image] = saved.images;
    if (image === undefined) throw new Error('the active image is always saved');
    const without = { ...image, inodes: image.inodes.filter(([number]) => number === 64) };
    expect(() => WaflVolume.load({ ...saved, images: [without] })).toThrow(code('WAFL_CORRUPT'));
    const fewer = { ...saved.blocks, vvbns: saved.blocks.vvbns.subarray(0, 2) };
    expect(() => WaflVolume.load({ ...saved, blocks: fewer })).toThrow(code('WAFL_CORRUPT'));
  });
});

describe('the checker', () => {
  it.each<[string, RegExp, (volume: WaflVolume) => void]>([
    [
      'a reference too many',
      /pointers lead to block/,
      (v) => internals(v).blocks.retain(v.activeView().pointer('/f', 0)),
    ],
    [
      'content that changed under a holder',
      /content of \d+ changed/,
      (v) => v.activeView().content(v.activeView().pointer('/f', 0)).set([1, 2, 3]),
    ],
    ['a block that nothing leads to', /nothing leads to it/, (v) => internals(v).blocks.put(blocks(200), 1)],
    [
      'a wrong number of links',
      /names lead to inode/,
      (v) => Object.assign(internals(v).image.inodes.get(65) ?? {}, { links: 3 }),
    ],
    [
      'a tree that is not as high as its file is long',
      /a tree of height 1/,
      (v) => Object.assign(internals(v).image.inodes.get(65) ?? {}, { sizeBytes: 9 * BLOCK }),
    ],
  ])('finds %s', (_what, expected, sabotage) => {
    const volume = volumeWith('/f');
    volume.write(
      '/f',
      0,
      Uint8Array.from({ length: 5 * BLOCK }, (_, i) => (i * i) >> 5),
    );
    expect(volume.check()).toEqual([]);
    sabotage(volume);
    expect(volume.check().join('\n')).toMatch(expected);
  });
});

function volumeWith(...files: (string | Partial<VolumeOptions>)[]): WaflVolume {
  const options = files.filter((file) => typeof file !== 'string');
  const volume = new WaflVolume({ capacityBlocks: 1000, pointersPerBlock: 4, rootPointers: 2, ...options[0] });
  for (const file of files) if (typeof file === 'string') volume.create(file);
  return volume;
}

function snapshot(volume: WaflVolume, name: string): void {
  volume.createSnapshot(name, { uuid: `uuid of ${name}`, createdAt: 0 });
}

/** A block for each number, filled with it. */
function blocks(...fill: number[]): Uint8Array {
  const bytes = new Uint8Array(fill.length * BLOCK);
  fill.forEach((value, i) => {
    bytes.fill(value, i * BLOCK, (i + 1) * BLOCK);
  });
  return bytes;
}

function blocksOfFile(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK) found.push(bytes.subarray(at, at + BLOCK));
  return found.filter((block) => block.some((byte) => byte !== 0));
}

function internals(volume: WaflVolume) {
  return volume.activeView().internals;
}

function pairWithUpdate() {
  const volume = volumeWith('/f');
  volume.write('/f', 0, blocks(1, 2, 3));
  snapshot(volume, 'base');
  const baseline = transferFrom(undefined, volume.snapshotView('base'));
  const replica = new WaflVolume({ capacityBlocks: 100 });
  replica.applyTransfer(baseline);
  volume.write('/f', BLOCK, blocks(9));
  snapshot(volume, 'next');
  return { volume, replica, baseline, update: transferFrom(volume.snapshotView('base'), volume.snapshotView('next')) };
}

function code(expected: VolumeModelErrorCode) {
  return expect.objectContaining({ name: 'VolumeModelError', code: expected });
}
