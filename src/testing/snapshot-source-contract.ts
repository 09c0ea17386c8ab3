/**
 * The contract of the snapshot source port as data: cases that any test runner can run against any adapter. Only
 * node:assert is used, and nothing but the port.
 *
 * ```ts
 * for (const c of snapshotSourceContract) it(c.name, () => c.run(makeSubject()));
 * ```
 */
import assert from 'node:assert/strict';
import type { InodeRoot } from '../core/cloud/inode-root.ts';
import { CloudError, type CloudErrorCode } from '../errors.ts';
import type { OpenSnapshot, SnapshotSource, SourceFacts } from '../snapshot-source/snapshot-source.ts';

/** What a case is run against: a volume of its own with one file (or image) that the case writes to. */
export interface SnapshotSourceSubject {
  readonly source: SnapshotSource;
  /** The inode of that file. */
  readonly inode: number;
  /** Blocks that can be written; at least 40, so that the tree has indirect blocks. */
  readonly blocks: number;
  /** Fills a block of the file with one byte (0 to 255). A block that was never written is a hole, or zeros. */
  write(block: number, byte: number): Promise<void>;
  /** Keeps the volume as it is as a snapshot, and gives its uuid. */
  snapshot(): Promise<string>;
  /** Lets a snapshot go. */
  drop(uuid: string): Promise<void>;
}

/** One promise of the snapshot-source port. */
export interface SnapshotSourceContractCase {
  readonly name: string;
  /** Rejects when the contract is broken. */
  run(subject: SnapshotSourceSubject): Promise<void>;
}

const BLOCK_BYTES = 4096;

/** Every promise of the snapshot-source port, as cases for any test runner. */
export const snapshotSourceContract: readonly SnapshotSourceContractCase[] = [
  {
    name: 'the facts of a source stay as they are',
    async run({ source, write, snapshot }) {
      const facts = await source.facts();
      assert.ok(facts.kind.length > 0 && facts.id.length > 0 && facts.format.length > 0);
      assert.ok(facts.pointersPerBlock >= 2 && facts.pointersPerBlock <= 65_536);
      await write(0, 1);
      await snapshot();
      assert.deepEqual(await source.facts(), facts);
    },
  },
  {
    name: 'snapshots are listed oldest first, and can be opened by uuid as long as they are held',
    async run({ source, write, snapshot, drop }) {
      await write(0, 1);
      const first = await snapshot();
      await write(0, 2);
      const second = await snapshot();
      assert.deepEqual(uuidsOf(await source.snapshots()).slice(-2), [first, second]);
      const open = await source.open(first);
      assert.equal(open.snapshot.uuid, first);
      await open.close();
      await drop(first);
      assert.ok(!uuidsOf(await source.snapshots()).includes(first));
      await fails('CLOUD_SNAPSHOT_UNKNOWN', () => source.open(first));
    },
  },
  {
    name: 'inodes come whole and in ascending order, and `held` is exactly what their trees reach, by level',
    async run(subject) {
      await fill(subject);
      const open = await subject.source.open(await subject.snapshot());
      const facts = await subject.source.facts();
      await scanned(open, undefined);
      const roots = await collect(open.roots());
      const numbers = roots.map(({ number }) => number);
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].sort((one, other) => one - other),
      );
      const walked = await walk(open, facts, roots);
      assert.ok((walked[1]?.size ?? 0) > 0, 'the file has no indirect block: the subject has too few blocks');
      const all = new Set<number>();
      for (const level of [0, 1, 2] as const) {
        assert.deepEqual(await heldOf(open, walked, level), sorted(walked[level]), `level ${level}`);
        for (const vvbn of walked[level] ?? []) {
          assert.ok(Number.isSafeInteger(vvbn) && vvbn > 0 && vvbn < 2 ** 48, `VVBN ${vvbn}`);
          assert.ok(!all.has(vvbn), `VVBN ${vvbn} is used at two levels`);
          all.add(vvbn);
        }
      }
      assert.deepEqual(await heldOf(open, walked, undefined), sorted(all));
      await open.close();
    },
  },
  {
    name: 'blocks are given in the order asked for, with the content that was written',
    async run(subject) {
      await fill(subject);
      const open = await subject.source.open(await subject.snapshot());
      await scanned(open, undefined);
      const vvbns = await fileBlocks(open, subject);
      const backwards = vvbns.toReversed().filter((vvbn) => vvbn !== 0);
      const content = await open.readBlocks(backwards);
      assert.equal(content.length, backwards.length * BLOCK_BYTES);
      const byVvbn = new Map(
        [...backwards].map((vvbn, at) => [vvbn, content.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES)]),
      );
      for (let block = 0; block < subject.blocks; block++) {
        const bytes = byVvbn.get(vvbns[block] ?? 0) ?? new Uint8Array(BLOCK_BYTES);
        assert.ok(
          bytes.every((byte) => byte === byteOf(block)),
          `block ${block}`,
        );
      }
      assert.equal((await open.readBlocks(new Float64Array())).length, 0);
      assert.equal((await open.readPointers(1, new Float64Array())).length, 0);
      await open.close();
    },
  },
  {
    name: 'an unchanged block keeps its VVBN, and a VVBN that is held keeps its content',
    async run(subject) {
      await fill(subject);
      const base = await subject.source.open(await subject.snapshot());
      await scanned(base, undefined);
      const before = await fileBlocks(base, subject);
      const content = await base.readBlocks(before.filter((vvbn) => vvbn !== 0));
      for (let round = 0; round < 6; round++) {
        for (const block of [1, 7, subject.blocks - 1]) await subject.write(block, 100 + round);
        const uuid = await subject.snapshot();
        const next = await subject.source.open(uuid);
        await scanned(next, base.snapshot.uuid);
        const after = await fileBlocks(next, subject);
        before.forEach((vvbn, block) => {
          const changed = [1, 7, subject.blocks - 1].includes(block);
          assert.equal(after[block] === vvbn, !changed, `block ${block}: ${vvbn}, ${after[block]}`);
        });
        await next.close();
        await subject.drop(uuid);
      }
      assert.deepEqual(await base.readBlocks(before.filter((vvbn) => vvbn !== 0)), content);
      await base.close();
    },
  },
  {
    name: 'the changed inodes lead to all that the base does not hold, and can be read as they come',
    async run(subject) {
      await fill(subject);
      const base = await subject.snapshot();
      for (const block of [0, 5, subject.blocks - 1]) await subject.write(block, 200 + block);
      const next = await subject.snapshot();
      const facts = await subject.source.facts();
      const before = await subject.source.open(base);
      await scanned(before, undefined);
      const known = new Set((await walk(before, facts, await collect(before.roots()))).flatMap((level) => [...level]));
      await before.close();

      for (const from of [undefined, base]) {
        const open = await subject.source.open(next);
        const skipped = from === undefined ? new Set<number>() : known;
        const found = await reachedByScan(open, facts, from, skipped);
        const roots = await collect(open.roots());
        const walked = await walk(open, facts, roots);
        for (const level of [0, 1, 2] as const) {
          const missing = sorted(walked[level]).filter((vvbn) => !skipped.has(vvbn) && !found[level]?.has(vvbn));
          assert.deepEqual(missing, [], `level ${level} from ${from === undefined ? 'nothing' : 'the base'}`);
        }
        await open.close();
      }
    },
  },
  {
    name: 'nothing new is found when nothing changed',
    async run(subject) {
      await fill(subject);
      const base = await subject.snapshot();
      const next = await subject.snapshot();
      const facts = await subject.source.facts();
      const before = await subject.source.open(base);
      await scanned(before, undefined);
      const known = new Set((await walk(before, facts, await collect(before.roots()))).flatMap((level) => [...level]));
      await before.close();
      const open = await subject.source.open(next);
      const found = await reachedByScan(open, facts, base, known);
      assert.deepEqual(
        found.map(({ size }) => size),
        [0, 0, 0],
      );
      await open.close();
    },
  },
  {
    name: 'a base that is not held is refused',
    async run(subject) {
      await subject.write(0, 1);
      const base = await subject.snapshot();
      await subject.write(0, 2);
      const open = await subject.source.open(await subject.snapshot());
      await subject.drop(base);
      await fails('CLOUD_BASE_GONE', () => scanned(open, base));
      await open.close();
    },
  },
  {
    name: 'an open snapshot stays as it is while the volume changes',
    async run(subject) {
      await fill(subject);
      const open = await subject.source.open(await subject.snapshot());
      await scanned(open, undefined);
      const before = await fileBlocks(open, subject);
      const mapped = before.filter((vvbn) => vvbn !== 0);
      const content = await open.readBlocks(mapped);
      for (let block = 0; block < subject.blocks; block++) await subject.write(block, 7);
      await subject.snapshot();
      assert.deepEqual(await fileBlocks(open, subject), before);
      assert.deepEqual(await open.readBlocks(mapped), content);
      await open.close();
    },
  },
  {
    name: 'a snapshot that was dropped while it was open gives an error, never other content',
    async run(subject) {
      await fill(subject);
      const uuid = await subject.snapshot();
      const open = await subject.source.open(uuid);
      await scanned(open, undefined);
      const mapped = (await fileBlocks(open, subject)).filter((vvbn) => vvbn !== 0);
      const content = await open.readBlocks(mapped);
      await subject.drop(uuid);
      for (let block = 0; block < subject.blocks; block++) await subject.write(block, 250 - byteOf(block));
      await subject.snapshot();
      try {
        assert.deepEqual(await open.readBlocks(mapped), content);
      } catch (error) {
        assert.ok(error instanceof CloudError && error.code === 'CLOUD_SOURCE_CHANGED', String(error));
      }
      await open.close();
    },
  },
  {
    name: 'a closed snapshot answers nothing, and can be closed again',
    async run(subject) {
      await subject.write(0, 1);
      const open = await subject.source.open(await subject.snapshot());
      await open.close();
      await open.close();
      await assert.rejects(async () => open.readBlocks(Float64Array.of(1)));
      await assert.rejects(async () => collect(open.roots()));
      await assert.rejects(async () => open.held(0, 32));
    },
  },
  {
    name: 'a call whose signal is aborted rejects with its reason',
    async run(subject) {
      await fill(subject);
      const uuid = await subject.snapshot();
      const open = await subject.source.open(uuid);
      await scanned(open, undefined);
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      const because = (error: unknown) => error === reason;
      await assert.rejects(async () => subject.source.facts({ signal }), because);
      await assert.rejects(async () => subject.source.snapshots({ signal }), because);
      await assert.rejects(async () => subject.source.open(uuid, { signal }), because);
      await assert.rejects(async () => collect(open.changedRoots(undefined, { signal })), because);
      await assert.rejects(async () => collect(open.roots({ signal })), because);
      await assert.rejects(async () => open.readBlocks(Float64Array.of(1), { signal }), because);
      await assert.rejects(async () => open.readPointers(1, Float64Array.of(1), { signal }), because);
      await assert.rejects(async () => open.held(0, 32, { signal }), because);
      await open.close();
    },
  },
];

type ByLevel = readonly [Set<number>, Set<number>, Set<number>];

/** Every block of the file, with content that differs from block to block. */
async function fill({ blocks, write }: SnapshotSourceSubject): Promise<void> {
  for (let block = 0; block < blocks; block++) await write(block, byteOf(block));
}

function byteOf(block: number): number {
  return (block % 90) + 1;
}

async function collect<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

/** Runs the scan to its end: afterwards every source can answer for the whole snapshot's trees. */
async function scanned(open: OpenSnapshot, base: string | undefined): Promise<void> {
  await collect(open.changedRoots(base));
}

async function walk(open: OpenSnapshot, facts: SourceFacts, roots: readonly InodeRoot[]): Promise<ByLevel> {
  const found: ByLevel = [new Set(), new Set(), new Set()];
  for (const { height, topmost } of roots) await descend(open, facts, height, topmost, found, new Set(), false);
  return found;
}

/** What the changed roots lead to, everything read at the moment its piece comes, not looking below what is known. */
async function reachedByScan(
  open: OpenSnapshot,
  facts: SourceFacts,
  base: string | undefined,
  known: ReadonlySet<number>,
): Promise<ByLevel> {
  const found: ByLevel = [new Set(), new Set(), new Set()];
  for await (const batch of open.changedRoots(base)) {
    for (const { height, topmost } of batch) await descend(open, facts, height, topmost, found, known, true);
  }
  return found;
}

async function descend(
  open: OpenSnapshot,
  facts: SourceFacts,
  level: 0 | 1 | 2,
  vvbns: Float64Array,
  found: ByLevel,
  known: ReadonlySet<number>,
  read: boolean,
): Promise<void> {
  const fresh = Float64Array.from(new Set(vvbns)).filter(
    (vvbn) => vvbn !== 0 && !known.has(vvbn) && !found[level].has(vvbn),
  );
  for (const vvbn of fresh) found[level].add(vvbn);
  if (fresh.length === 0) return;
  if (level === 0) {
    if (read) assert.equal((await open.readBlocks(fresh)).length, fresh.length * BLOCK_BYTES);
    return;
  }
  const pointers = await open.readPointers(level, fresh);
  assert.equal(pointers.length, fresh.length * facts.pointersPerBlock);
  await descend(open, facts, level === 2 ? 1 : 0, pointers, found, known, read);
}

/** The VVBNs of the file under test, by block. */
async function fileBlocks(open: OpenSnapshot, { source, inode, blocks }: SnapshotSourceSubject): Promise<Float64Array> {
  const { pointersPerBlock } = await source.facts();
  const root = (await collect(open.roots())).find(({ number }) => number === inode);
  assert.ok(root, `there is no inode ${inode}`);
  let vvbns = root.topmost;
  for (let level = root.height; level > 0; level--) {
    const mapped = vvbns.filter((vvbn) => vvbn !== 0);
    const pointers = await open.readPointers(level as 1 | 2, mapped);
    const below = new Float64Array(vvbns.length * pointersPerBlock);
    let next = 0;
    vvbns.forEach((vvbn, at) => {
      if (vvbn === 0) return;
      below.set(pointers.subarray(next * pointersPerBlock, (next + 1) * pointersPerBlock), at * pointersPerBlock);
      next++;
    });
    vvbns = below;
  }
  const all = new Float64Array(blocks);
  all.set(vvbns.subarray(0, blocks));
  return all;
}

/** What `held` says, asked for in two ranges up to beyond the highest VVBN. */
async function heldOf(open: OpenSnapshot, walked: ByLevel, level: 0 | 1 | 2 | undefined): Promise<number[]> {
  const highest = Math.max(0, ...walked.flatMap((vvbns) => [...vvbns]));
  assert.ok(highest < 2 ** 24, 'the VVBNs of the subject are too high for this case');
  const half = Math.ceil((highest + 1) / 64) * 32;
  const held: number[] = [];
  for (const first of [0, half]) {
    const words = await open.held(first, half, level === undefined ? {} : { level });
    assert.equal(words.length, half / 32);
    words.forEach((word, at) => {
      for (let bit = 0; bit < 32; bit++) if ((word >>> bit) & 1) held.push(first + at * 32 + bit);
    });
  }
  return held;
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((one, other) => one - other);
}

function uuidsOf(snapshots: readonly { readonly uuid: string }[]): string[] {
  return snapshots.map(({ uuid }) => uuid);
}

async function fails(code: CloudErrorCode, act: () => Promise<unknown>): Promise<void> {
  await assert.rejects(act, (error) => error instanceof CloudError && error.code === code);
}
