import { describe, expect, it } from 'vitest';
import { resyncLoss, type SnapshotFacts } from '../../../src/core/mirror/loss.ts';

const snapshot = (createdAt: number, sizeBytes?: number, name = `s${createdAt}`): SnapshotFacts => ({
  name,
  versionUuid: `v${createdAt}`,
  createdAt,
  sizeBytes,
});

describe('what a resync discards', () => {
  it('is all after the newest common snapshot, whatever the order of the lists', () => {
    const loss = resyncLoss(
      [snapshot(2), snapshot(1), snapshot(9)],
      [snapshot(4, 40), snapshot(1), snapshot(3, 30), snapshot(2)],
    );
    expect(loss).toEqual({
      common: { name: 's2', createdAt: 2 },
      newerSnapshots: [
        { name: 's3', createdAt: 3 },
        { name: 's4', createdAt: 4 },
      ],
      newerBytes: 70,
    });
  });

  it('goes by what a snapshot is, not by its name', () => {
    const loss = resyncLoss([snapshot(5, 1, 'daily')], [snapshot(4, 1, 'daily')]);
    expect(loss).toMatchObject({ common: undefined, newerSnapshots: [{ name: 'daily' }] });
  });

  it('counts no bytes that are not known', () => {
    expect(resyncLoss([snapshot(1)], [snapshot(1), snapshot(2, 5), snapshot(3)]).newerBytes).toBeUndefined();
    expect(resyncLoss([snapshot(1)], [snapshot(1)])).toMatchObject({ newerSnapshots: [], newerBytes: 0 });
  });
});
