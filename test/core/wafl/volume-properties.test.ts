import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changes } from '../../../src/core/wafl/changes.ts';
import { transferFrom } from '../../../src/core/wafl/transfer.ts';
import type { VolumeView } from '../../../src/core/wafl/view.ts';
import { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { SMALL, steps, Twins } from './history.ts';
import { differences } from './reference-volume.ts';

const runs = (numRuns: number) => ({ numRuns, seed: 20_240_801 });

describe('random histories', () => {
  it('a volume does what the naive reference does, and its checker finds nothing, after every step', () => {
    fc.assert(
      fc.property(
        steps,
        fc.boolean(),
        fc.constantFrom('lowest-free', 'rotating'),
        (history, inlineDedupe, allocation) => {
          const twins = new Twins({ ...SMALL, inlineDedupe, allocation, capacityBlocks: 1500 });
          for (const step of history) {
            twins.take(step);
            assert.deepEqual(differences(twins.volume.activeView(), twins.reference), [], step.kind);
            assert.deepEqual(twins.volume.check(), [], step.kind);
          }
          for (const [name, reference] of twins.snapshots) {
            assert.deepEqual(differences(twins.volume.snapshotView(name), reference), [], name);
          }
        },
      ),
      runs(80),
    );
  });

  it('a volume that is nearly full refuses whole operations and stays as it was', () => {
    let refusals = 0;
    fc.assert(
      fc.property(steps, fc.integer({ min: 5, max: 40 }), (history, capacityBlocks) => {
        const twins = new Twins({ ...SMALL, capacityBlocks });
        for (const step of history) {
          if (!twins.take(step)) refusals++;
          assert.deepEqual(differences(twins.volume.activeView(), twins.reference), [], step.kind);
          assert.deepEqual(twins.volume.check(), [], step.kind);
        }
        for (const [name, reference] of twins.snapshots) {
          assert.deepEqual(differences(twins.volume.snapshotView(name), reference), [], name);
        }
      }),
      runs(80),
    );
    expect(refusals).toBeGreaterThan(200);
  });

  it('a VVBN that a snapshot holds keeps its content, while freed ones are reused for other content', () => {
    let reused = 0;
    fc.assert(
      fc.property(steps, fc.boolean(), (history, inlineDedupe) => {
        const twins = new Twins({ ...SMALL, inlineDedupe });
        const held = new Map<string, Map<number, string>>();
        const former = new Map<number, string>();
        for (const step of history) {
          twins.take(step);
          for (const name of twins.snapshots.keys()) {
            if (!held.has(name)) held.set(name, blocksOf(twins.volume.snapshotView(name)));
          }
          for (const [name, blocks] of held) {
            if (!twins.snapshots.has(name)) held.delete(name);
            else assert.deepEqual(blocksOf(twins.volume.snapshotView(name)), blocks, `${step.kind}: ${name}`);
          }
          for (const [vvbn, now] of blocksOf(twins.volume.activeView())) {
            if (former.has(vvbn) && former.get(vvbn) !== now) reused++;
            former.set(vvbn, now);
          }
        }
      }),
      runs(40),
    );
    expect(reused).toBeGreaterThan(300);
  });

  it('changes() finds exactly what differs between any two snapshots, and reads only indirect blocks that are not shared', () => {
    let compared = 0;
    fc.assert(
      fc.property(steps, (history) => {
        const twins = new Twins();
        for (const step of history) twins.take(step);
        twins.snapshot();
        const views = [...twins.snapshots.keys()].map((name) => twins.volume.snapshotView(name));
        for (const base of [undefined, ...views]) {
          for (const next of views) {
            const found = changes(base, next);
            assert.deepEqual(described(found), bruteForce(base, next));
            assert.ok(found.indirectBlocksVisited <= unsharedIndirects(base, next));
            compared++;
          }
        }
      }),
      runs(60),
    );
    expect(compared).toBeGreaterThan(500);
  });

  it('chained transfers reproduce every snapshot byte for byte, metafiles included, on a volume of another shape', () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 4 }), fc.boolean(), (histories, diverges) => {
        const twins = new Twins();
        const replica = new WaflVolume({ capacityBlocks: 4000, pointersPerBlock: 1024 });
        let base: VolumeView | undefined;
        for (const history of histories) {
          for (const step of history) {
            if (step.kind !== 'deleteSnapshot' && step.kind !== 'restore' && step.kind !== 'reload') twins.take(step);
          }
          const name = twins.snapshot() ?? '';
          const next = twins.volume.snapshotView(name);
          if (diverges && replica.exists('/a')) replica.rename('/a', '/diverged', { replace: true });
          const transfer = transferFrom(base, next);
          replica.applyTransfer(structuredClone(transfer));
          assert.deepEqual(replica.check(), []);
          const twin = twins.snapshots.get(name);
          assert.ok(twin);
          assert.deepEqual(differences(replica.snapshotView(name), twin), []);
          assert.deepEqual(differences(replica.activeView(), twin), []);
          for (const metafile of [1, 2]) {
            assert.deepEqual(replica.read(metafile), next.inode(metafile) ? next.read(metafile) : new Uint8Array());
          }
          assert.equal(transferFrom(next, next).bytes, 0);
          base = next;
        }
      }),
      runs(40),
    );
  });

  it('a clone equals its snapshot, and neither side notices what the other does', () => {
    fc.assert(
      fc.property(steps, steps, steps, (before, onParent, onClone) => {
        const parent = new Twins();
        for (const step of before) parent.take(step);
        const name = parent.snapshot() ?? '';
        const kept = parent.snapshots.get(name);
        assert.ok(kept);
        const clone = new Twins();
        clone.volume = parent.volume.clone(name);
        clone.reference = kept.copy();
        assert.deepEqual(clone.volume.check(), []);
        for (let i = 0; i < Math.max(onParent.length, onClone.length); i++) {
          const [mine, its] = [onParent[i], onClone[i]];
          if (mine !== undefined) parent.take(mine);
          if (its !== undefined && its.kind !== 'snapshot') clone.take(its);
        }
        for (const { volume, reference } of [parent, clone]) {
          assert.deepEqual(differences(volume.activeView(), reference), []);
          assert.deepEqual(volume.check(), []);
        }
        assert.deepEqual(differences(clone.volume.snapshotView(name), kept), []);
      }),
      runs(40),
    );
  });
});

/** Each VVBN of an image with its content, or its pointers. */
function blocksOf(view: VolumeView): Map<number, string> {
  const blocks = new Map<number, string>();
  for (const { number } of view.inodes()) {
    view.visitBlocks(number, (vvbn, level) => {
      if (blocks.has(vvbn)) return;
      const bytes = level === 0 ? view.content(vvbn) : Uint8Array.from(view.children(vvbn));
      blocks.set(vvbn, `L${level} ${Buffer.from(bytes).toString('latin1')}`);
    });
  }
  return blocks;
}

interface DescribedChange {
  readonly number: number;
  readonly kind: string;
  readonly blocks: readonly string[];
}

function described(found: ReturnType<typeof changes>): DescribedChange[] {
  return found.inodes.map(({ number, before, after, attributesChanged, fbns, vvbns, l1, l2 }) => {
    const kind = after === undefined ? 'gone' : before === undefined ? 'new' : attributesChanged ? 'changed' : 'blocks';
    const blocks = [...fbns].map((fbn, i) => `L0 ${fbn}=${vvbns[i]}`);
    for (const vvbn of l1) blocks.push(`L1 ${vvbn}`);
    for (const vvbn of l2) blocks.push(`L2 ${vvbn}`);
    return { number, kind, blocks: blocks.sort() };
  });
}

function bruteForce(base: VolumeView | undefined, next: VolumeView): DescribedChange[] {
  const found: DescribedChange[] = [];
  const numbers = new Set([...(base?.inodes() ?? []), ...next.inodes()].map(({ number }) => number));
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const after = next.inode(number);
    let before = base?.inode(number);
    if (before !== undefined && before.generation !== after?.generation) {
      found.push({ number, kind: 'gone', blocks: [] });
      before = undefined;
    }
    if (after === undefined) continue;
    const blocks: string[] = [];
    for (let fbn = 0; fbn < Math.ceil(after.sizeBytes / 4096); fbn++) {
      const now = next.pointer(number, fbn);
      const then = before === undefined ? 0 : (base?.pointer(number, fbn) ?? 0);
      if (now !== then) blocks.push(`L0 ${fbn}=${now}`);
    }
    const known = base !== undefined && before !== undefined ? indirectsOf(base, number) : new Set<string>();
    for (const indirect of indirectsOf(next, number)) if (!known.has(indirect)) blocks.push(indirect);
    const { height: _h, topmost: _t, ...attributes } = after;
    const { height: _h2, topmost: _t2, ...former } = before ?? after;
    const same = JSON.stringify(attributes) === JSON.stringify(former);
    const kind = before === undefined ? 'new' : same ? 'blocks' : 'changed';
    if (kind === 'blocks' && blocks.length === 0) continue;
    found.push({ number, kind, blocks: blocks.sort() });
  }
  return found;
}

function indirectsOf(view: VolumeView, number: number): Set<string> {
  const found = new Set<string>();
  view.visitBlocks(number, (vvbn, level) => {
    if (level > 0) found.add(`L${level} ${vvbn}`);
  });
  return found;
}

function unsharedIndirects(base: VolumeView | undefined, next: VolumeView): number {
  const [one, other] = [base?.held(), next.held()];
  let unshared = 0;
  for (const level of ['l1', 'l2'] as const) {
    const shared = one === undefined ? 0 : one[level].sharedWith(other[level]);
    unshared += (one?.[level].size ?? 0) + other[level].size - 2 * shared;
  }
  return unshared;
}
