/** Core (layer 1): what a destination loses when it follows its source again. */

/** A snapshot of a volume. The same snapshot has the same `versionUuid` on both ends of a mirror. */
export interface SnapshotFacts {
  readonly name: string;
  readonly versionUuid: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** What it holds beside what its neighbours hold; absent where ONTAP does not say. */
  readonly sizeBytes?: number | undefined;
}

/**
 * What a resync discards at the destination: all that was written to it after `common`. Whether anything was written since the
 * newest snapshot ONTAP does not tell, so for a mirror that was broken off there is always something to lose.
 */
export interface ResyncLoss {
  /** Newest snapshot that both ends have: what the destination goes back to. Absent: there is none, a resync will fail. */
  readonly common?: { readonly name: string; readonly createdAt: number } | undefined;
  /** Snapshots of the destination newer than that, oldest first; they are deleted unless they are to be kept. */
  readonly newerSnapshots: readonly { readonly name: string; readonly createdAt: number }[];
  /** What those snapshots hold, where ONTAP says it of all of them. */
  readonly newerBytes?: number | undefined;
}

/** Snapshots are compared by `versionUuid`: names may be used again. */
export function resyncLoss(source: readonly SnapshotFacts[], destination: readonly SnapshotFacts[]): ResyncLoss {
  const atSource = new Set(source.map(({ versionUuid }) => versionUuid));
  const ordered = destination.toSorted((one, other) => one.createdAt - other.createdAt);
  const at = ordered.findLastIndex(({ versionUuid }) => atSource.has(versionUuid));
  const common = ordered[at];
  const newer = ordered.slice(at + 1);
  const sizes = newer.map(({ sizeBytes }) => sizeBytes);
  const known = sizes.filter((size) => size !== undefined);
  return {
    common: common && { name: common.name, createdAt: common.createdAt },
    newerSnapshots: newer.map(({ name, createdAt }) => ({ name, createdAt })),
    newerBytes: known.length < sizes.length ? undefined : known.reduce((sum, size) => sum + size, 0),
  };
}
