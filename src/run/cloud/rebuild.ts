/**
 * Run (layer 3): a lost VMAP, rebuilt from the object store alone: the trees of the newest snapshot are walked, no data is
 * read. It takes the endpoint over first, so that the newest snapshot stays the newest one.
 */
import { objectIdOf } from '../../core/cloud/block-numbers.ts';
import type { SnapshotFacts } from '../../core/cloud/format/history-entry.ts';
import type { InodeRoot } from '../../core/cloud/inode-root.ts';
import { enterBlocks, vvbnsOf } from '../../core/cloud/rebuild.ts';
import { compareFile } from '../../core/cloud/restore-plan.ts';
import { pagesOf } from '../../core/cloud/vmap.ts';
import { CloudError } from '../../errors.ts';
import type { StateStore } from '../../state/state.ts';
import { settle } from './backup.ts';
import type { CloudContext } from './context.ts';
import { uuidOf } from './endpoint-place.ts';
import { endpointUnknown } from './restore.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { encodeVmapNote } from './transfer-note.ts';
import { storedVmap, VMAP_TABLE, VmapPages } from './vmap-pages.ts';
import { takeOver } from './writer.ts';

/** How to rebuild a lost state. */
export interface RebuildRequest {
  readonly state: StateStore;
  /** Who writes from now on; see WriterIdentity. */
  readonly writer: string;
  readonly breakLock?: boolean | undefined;
}

/** What was rebuilt. */
export interface RebuildResult {
  readonly snapshot: SnapshotFacts;
  readonly inodes: number;
  readonly blocks: number;
}

/** @throws CloudError `CLOUD_ENDPOINT_UNKNOWN`, `CLOUD_SNAPSHOT_UNKNOWN` when there is no base to rebuild for, `CLOUD_CORRUPT` */
export async function rebuildVmap(context: CloudContext, request: RebuildRequest): Promise<RebuildResult> {
  const { history, place, signal } = context;
  await history.refresh({ signal });
  if (history.state.owner === undefined) throw endpointUnknown(place.text);
  const owner = await takeOver(context, { writer: request.writer, takeOver: true }, {});
  const { base } = history.state;
  if (base === undefined) {
    throw new CloudError('CLOUD_SNAPSHOT_UNKNOWN', `${place.text} has no snapshot that a transfer could build on`, {
      object: place.name,
      remedy: 'Make a new baseline: it needs no VMAP.',
    });
  }
  const state = await request.state.open(uuidOf(history.endpointId), { signal, breakLock: request.breakLock });
  try {
    const left = await settle(context, state);
    await left?.staged.discard();
    const staged = await state.begin({ signal });
    await staged.clear(VMAP_TABLE, { signal });
    const { tools, limits } = context;
    const options = { transfer: owner.number, capacity: limits.vmapPages };
    const vmap = new VmapPages(staged, history.endpointId, tools, options);
    const counts = await enterAll(context, vmap, base);
    await vmap.flush({ signal });
    let mapped = 0;
    for await (const page of storedVmap(staged, history.endpointId, tools, { signal })) mapped += page.mapped;
    if (mapped !== counts.blocks) {
      throw new CloudError(
        'CLOUD_CORRUPT',
        `the trees of ${base.name} have ${mapped} blocks, and its manifest says ${counts.blocks}`,
        {
          snapshot: base.name,
          remedy: 'Run verify, and make a new baseline.',
        },
      );
    }
    await staged.commit(encodeVmapNote({ snapshotId: base.id, lastEntry: history.state.lastNumber }));
    return { snapshot: base, ...counts };
  } finally {
    await state.close();
  }
}

async function enterAll(context: CloudContext, vmap: VmapPages, base: SnapshotFacts) {
  const { progress, signal } = context;
  const reader = new SnapshotReader(context);
  const manifest = await reader.manifest(base);
  const { pointersPerBlock } = manifest;

  /** Blocks object by object, so that a batch needs few heads at a time. */
  const enter = async (pvbns: Float64Array) => {
    const mapped = pvbns.filter((pvbn) => pvbn !== 0).sort();
    for (let at = 0; at < mapped.length; ) {
      let end = at;
      const objectId = objectIdOf(mapped[at] ?? 0);
      while (end < mapped.length && objectIdOf(mapped[end] ?? 0) === objectId) end++;
      const some = mapped.slice(at, end);
      const vvbns = vvbnsOf(some, await reader.heads(some));
      await vmap.load(pagesOf(vvbns), { signal });
      enterBlocks(vmap, vvbns, some);
      at = end;
    }
  };
  const visit = async (root: InodeRoot) => {
    const steps = compareFile(undefined, root, pointersPerBlock);
    for (let given: Float64Array | undefined; ; ) {
      const step = steps.next(given);
      given = undefined;
      if (step.done) return;
      const { value } = step;
      await enter(value.pvbns);
      if (value.step === 'read-pointers') given = await reader.pointers(value.level, value.pvbns, pointersPerBlock);
    }
  };
  progress.begin('rebuild', manifest.inodes);
  for await (const inodes of reader.inodes(manifest)) {
    for (const root of inodes) {
      signal.throwIfAborted();
      await visit(root);
      progress.advance('rebuild', 1);
    }
  }
  progress.end('rebuild');
  const [l0, l1, l2] = manifest.heldBlocks;
  return { inodes: manifest.inodes, blocks: l0 + l1 + l2 };
}
