/** Each cell of the planner's grid, executed on the simulated ONTAP: the strategy that was planned, and the same bytes at the other end. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TransferStrategy } from '../../../src/core/transfer/strategies.ts';
import { failure } from '../../scenarios/harness.ts';
import { MIB, transferStage } from './transfer-stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'transfer-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Cell = readonly [to: string, copy: TransferStrategy | undefined, move: TransferStrategy | undefined];

const SOURCES = { file: 'east:vol1/dir/file', lun: 'east:vol1/lun', namespace: 'east:vol1/ns' } as const;

const GRID: Readonly<Record<keyof typeof SOURCES, readonly Cell[]>> = {
  file: [
    ['east:vol1/dir/new', 'file-clone', 'rename'],
    ['east:near/new', 'file-copy', 'file-copy'],
    ['east:apart/deep/new', 'file-copy', 'file-copy'],
    ['south:other/new', 'file-copy', 'file-copy'],
    ['west:far/new', 'host-stream', 'host-stream'],
  ],
  lun: [
    ['east:vol1/new', 'lun-clone', 'rename'],
    ['east:near/new', 'lun-copy', 'lun-move'],
    ['east:apart/new', 'lun-copy', 'lun-move'],
    ['south:other/new', 'lun-copy', 'lun-copy'],
    ['west:far/new', undefined, undefined],
  ],
  namespace: [
    ['east:vol1/new', 'namespace-clone', 'rename'],
    ['east:near/new', undefined, undefined],
    ['south:other/new', undefined, undefined],
    ['west:far/new', undefined, undefined],
  ],
};

describe.each(Object.keys(GRID) as (keyof typeof SOURCES)[])('a %s', (object) => {
  for (const [to, copy, move] of GRID[object]) {
    for (const [intent, strategy] of [
      ['copy', copy],
      ['move', move],
    ] as const) {
      it(`to ${to}: ${intent} by ${strategy ?? 'nothing'}`, async () => {
        await using stage = await transferStage();
        const from = SOURCES[object];
        const before = stage.hash(from);
        const options = { move: intent === 'move' };
        if (strategy === undefined) {
          expect(await failure(() => stage.transfer(from, to, options))).toMatchObject({
            code: 'TRANSFER_NO_STRATEGY',
          });
          expect(stage.hash(from)).toEqual(before);
          return;
        }
        const result = await stage.transfer(from, to, options);
        expect(result).toMatchObject({ strategy, object, failed: [] });
        expect(stage.hash(to)).toEqual(before);
        expect(stage.hash(from)).toEqual(intent === 'copy' ? before : undefined);
        expect(stage.parts(to)).toEqual([]);
      });
    }
  }
});

describe('a file and this host', () => {
  it('streams out, checked by SHA-256, and in again', async () => {
    await using stage = await transferStage();
    const path = join(folder, 'out');
    const out = await stage.transfer('east:vol1/dir/file', path, { checksum: true });
    expect(out).toMatchObject({
      strategy: 'host-stream',
      verification: { by: 'bytes', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(new Uint8Array(readFileSync(path))).toEqual(stage.bytes);
    const back = await stage.transfer(`file:${path}`, 'west:far/in', { checksum: true, move: true });
    expect(back.verification).toEqual(out.verification);
    expect(stage.read('west:far/in')).toEqual(stage.bytes);
    expect(existsSync(path)).toBe(false);
  });

  it('of more than one range, and of none', async () => {
    await using stage = await transferStage();
    const long = Uint8Array.from({ length: 3 * MIB + 5 }, (_, i) => (i * 7 + (i >> 11)) % 256);
    stage.source.write('/long', 0, long);
    stage.source.write('/empty', 0, new Uint8Array());
    for (const name of ['long', 'empty']) {
      await stage.transfer(`east:vol1/${name}`, join(folder, name), { checksum: true });
      await stage.transfer(join(folder, name), `west:far/${name}`, { checksum: true });
      expect(stage.read(`west:far/${name}`)).toEqual(name === 'long' ? long : new Uint8Array());
    }
  });
});

describe('a whole volume', () => {
  const FROM = 'east:vol1';
  const CELLS: readonly (readonly [string, string, 'copy' | 'move', TransferStrategy, { aggregates?: string[] }])[] = [
    ['another volume beside it', 'east:copied', 'copy', 'flexclone', {}],
    ['another volume beside it', 'east:copied', 'move', 'snapmirror-local', {}],
    ['another aggregate', 'east:vol1', 'move', 'volume-move', { aggregates: ['aggr2'] }],
    ['another volume on another aggregate', 'east:copied', 'copy', 'snapmirror-local', { aggregates: ['aggr2'] }],
    ['another volume on another aggregate', 'east:copied', 'move', 'snapmirror-local', { aggregates: ['aggr2'] }],
    ['another SVM', 'south:vol1', 'copy', 'snapmirror-local', {}],
    ['another SVM', 'south:vol1', 'move', 'rehost', {}],
    ['another SVM under another name', 'south:named', 'move', 'rehost', {}],
    ['another SVM and aggregate', 'south:vol1', 'move', 'snapmirror-local', { aggregates: ['aggr2'] }],
    ['another cluster', 'west:vol1', 'copy', 'snapmirror-remote', {}],
    ['another cluster', 'west:vol1', 'move', 'snapmirror-remote', {}],
  ];
  for (const [name, to, intent, strategy, options] of CELLS) {
    it(`to ${name}: ${intent} by ${strategy}`, async () => {
      await using stage = await transferStage();
      if (strategy === 'rehost' || intent === 'move') {
        for (const kind of ['luns', 'namespaces']) {
          for (const { uuid } of await stage.stage.read(stage.east, `/storage/${kind}`)) {
            await stage.stage.raw(stage.east, 'DELETE', `/storage/${kind}/${uuid}`);
          }
        }
      }
      const digest = stage.source.digest();
      const mounted = stage.source.junctionPath;
      const result = await stage.transfer(FROM, to, { move: intent === 'move', ...options });
      expect(result).toMatchObject({ strategy, failed: [] });
      const made = stage.volume(to);
      expect(made.digest()).toBe(digest);
      expect(made.type).toBe('rw');
      expect(made.junctionPath).toBe(intent === 'move' ? mounted : undefined);
      if (intent === 'copy') expect(stage.source.digest()).toBe(digest);
      const volumes = await stage.stage.read(stage.east, '/storage/volumes?is_svm_root=false&fields=svm.name');
      const there = volumes.some((volume) => volume.svm.name === 'svm1' && volume.name === 'vol1');
      expect(there).toBe(intent === 'copy' || to === FROM);
      expect(await stage.stage.read(stage.stage.west, '/snapmirror/relationships')).toEqual([]);
      expect(await stage.stage.read(stage.east, '/snapmirror/relationships')).toEqual([]);
    });
  }

  it('a FlexGroup is cloned, and mirrored to another cluster', async () => {
    await using stage = await transferStage();
    const group = await stage.stage.flexgroup();
    const digest = group.digest();
    expect(await stage.transfer('east:group', 'east:group2')).toMatchObject({ strategy: 'flexclone' });
    expect(await stage.transfer('east:group', 'west:group3')).toMatchObject({ strategy: 'snapmirror-remote' });
    expect([stage.volume('east:group2').digest(), stage.volume('west:group3').digest()]).toEqual([digest, digest]);
  });
});
