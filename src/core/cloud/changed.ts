/**
 * Core, phases 2 and 3: the blocks that differ between base and backup snapshot, each made Pending as it is found.
 *
 * After phase 1 the VMAP has what both snapshots hold. An indirect block that is in it was held by the base, so all
 * that lies below it was too, and is in the VMAP: the scan never looks below such a block. It reads the pointers of
 * changed indirect blocks of the backup snapshot, each once, and of no other; the base's trees are not read at all.
 *
 * The scan asks for what it needs (VMAP pages, pointers) and is given it before it goes on, so that the caller may
 * fetch from anywhere; its memory is bounded by the batch and the depth of the trees, and no step needs more pages of the
 * VMAP than it is told, however the blocks are scattered.
 */
import { HOLE, LEVELS, type Level } from './block-numbers.ts';
import type { InodeRoot } from './inode-root.ts';
import { claim, pageNumberOf, pagesOf, type Vmap } from './vmap.ts';

/** Indirect blocks whose pointers are asked for at a time. */
export const SCAN_BATCH_BLOCKS = 64;
/** VMAP pages that are asked for at a time, unless the caller says otherwise. */
export const SCAN_BATCH_PAGES = 1024;

export type ScanStep =
  /** Have these pages in the VMAP before going on. */
  | { readonly step: 'load-pages'; readonly pages: Float64Array }
  /** Go on with the pointers (VVBNs) of these indirect blocks: `pointersPerBlock` of each, one after the other. */
  | { readonly step: 'read-pointers'; readonly level: 1 | 2; readonly vvbns: Float64Array }
  /** These blocks are changed, and Pending now. Those of level 0 can be read and packed at once. */
  | { readonly step: 'changed'; readonly level: Level; readonly vvbns: Float64Array };

export interface ScanCounters {
  readonly inodes: number;
  /** Indirect blocks whose pointers were read. */
  readonly indirectBlocksRead: number;
  /** Pointers that were looked up in the VMAP. */
  readonly pointersCompared: number;
  /** Changed blocks by level. */
  readonly changed: readonly [number, number, number];
}

export const NOTHING_SCANNED: ScanCounters = {
  inodes: 0,
  indirectBlocksRead: 0,
  pointersCompared: 0,
  changed: [0, 0, 0],
};

/** Scans a batch of inodes that differ (all inodes for a baseline). Returns what was done, added to `before`. */
export function* scanChanged(
  vmap: Vmap,
  inodes: readonly InodeRoot[],
  pointersPerBlock: number,
  before: ScanCounters = NOTHING_SCANNED,
  maxPages: number = SCAN_BATCH_PAGES,
): Generator<ScanStep, ScanCounters, Float64Array | undefined> {
  const changed: [number, number, number] = [...before.changed];
  let { indirectBlocksRead, pointersCompared } = before;

  function* descend(level: Level, vvbns: Float64Array): Generator<ScanStep, void, Float64Array | undefined> {
    pointersCompared += vvbns.length;
    for (const some of withinPages(vvbns, maxPages)) yield* claimAndDescend(level, some);
  }

  function* claimAndDescend(level: Level, vvbns: Float64Array): Generator<ScanStep, void, Float64Array | undefined> {
    const pages = pagesOf(vvbns);
    if (pages.length > 0) yield { step: 'load-pages', pages };
    const claimed = claim(vmap, level, vvbns);
    if (claimed.length === 0) return;
    changed[level] += claimed.length;
    yield { step: 'changed', level, vvbns: claimed };
    if (level === 0) return;
    // A batch of L2 is a block at a time: its L1 blocks are a batch of their own.
    const size = level === 1 ? SCAN_BATCH_BLOCKS : Math.max(1, Math.floor(SCAN_BATCH_BLOCKS / pointersPerBlock));
    for (let at = 0; at < claimed.length; at += size) {
      const batch = claimed.slice(at, at + size);
      const pointers = yield { step: 'read-pointers', level, vvbns: batch };
      indirectBlocksRead += batch.length;
      yield* descend((level - 1) as Level, pointers ?? new Float64Array());
    }
  }

  for (const level of LEVELS) yield* descend(level, topmostAt(inodes, level));
  return { inodes: before.inodes + inodes.length, indirectBlocksRead, pointersCompared, changed };
}

/** The list in parts, each of which lies in no more pages than this. */
function* withinPages(vvbns: Float64Array, maxPages: number): Generator<Float64Array, void, undefined> {
  let from = 0;
  let last = -1;
  let pages = new Set<number>();
  for (let at = 0; at < vvbns.length; at++) {
    const vvbn = vvbns[at] ?? HOLE;
    const page = pageNumberOf(vvbn);
    if (vvbn === HOLE || page === last) continue;
    if (pages.size >= maxPages && !pages.has(page)) {
      yield vvbns.subarray(from, at);
      from = at;
      pages = new Set();
    }
    pages.add(page);
    last = page;
  }
  yield vvbns.subarray(from);
}

function topmostAt(inodes: readonly InodeRoot[], level: Level): Float64Array {
  const roots = inodes.filter(({ height }) => height === level);
  const all = new Float64Array(roots.reduce((sum, { topmost }) => sum + topmost.length, 0));
  let at = 0;
  for (const { topmost } of roots) {
    all.set(topmost, at);
    at += topmost.length;
  }
  return all;
}
