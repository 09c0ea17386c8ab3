/** Run (layer 3): the strategies by which the storage itself clones, copies, moves and renames files, LUNs and namespaces. */
import { partPath } from '../../core/transfer/part-names.ts';
import { underDeadline } from '../../env.ts';
import { InterruptedError, OntapError, type TransferError } from '../../errors.ts';
import type { CopyProgress, StoredFile, StoredUnit, UnitKind } from '../../ontap/ontap-storage.ts';
import { lookUntil } from '../look-until.ts';
import { peeringsOf } from '../mirror/preflight.ts';
import { undoing, withLeft } from './cleaning.ts';
import type { OntapEnd, TransferContext, TransferVerification } from './context.ts';
import { placeText, transferFailure } from './context.ts';
import { startWhenFree } from './copy-turns.ts';
import { unitName } from './observe.ts';
import {
  compareFiles,
  destinationExists,
  isUnchanged,
  notWhole,
  requireFile,
  type StoredObject,
  sourceChanged,
  sourceKey,
  storedObject,
} from './stored-object.ts';

function unitKindOf(context: TransferContext): UnitKind {
  const { object } = context.plan;
  return object === 'namespace' ? 'namespace' : 'lun';
}

// ---- without moving data

/** A new name in the same volume: the same object. */
export async function renameInVolume(context: TransferContext): Promise<TransferVerification> {
  const { signal, plan } = context;
  const [source, destination] = await Promise.all([
    storedObject(context, 'source'),
    storedObject(context, 'destination'),
  ]);
  context.tell('rename');
  if (plan.object === 'file') {
    context.published.now = true;
    await source.end.storage.renameFile(source.volume.uuid, source.path, destination.path, { signal });
  } else {
    const kind = unitKindOf(context);
    const unit = await requireUnit(context, kind, source);
    context.published.now = true;
    await source.end.storage.renameUnit(kind, unit.uuid, destination.name, { signal });
  }
  context.actions.push('rename');
  return { sizeBytes: plan.sizeBytes, by: 'same-object' };
}

/** A clone that shares the blocks of its source: whole as soon as it is there. */
export async function cloneInVolume(context: TransferContext): Promise<TransferVerification> {
  const { plan, signal } = context;
  const [source, destination] = await Promise.all([
    storedObject(context, 'source'),
    storedObject(context, 'destination'),
  ]);
  const { storage, svm } = source.end;
  context.tell('clone');
  context.published.now = true;
  await whileBusy(context, async () => {
    if (plan.object !== 'file')
      return storage.cloneUnit(unitKindOf(context), source.name, destination.name, { signal });
    const spec = {
      volume: source.volume.name,
      volumeUuid: source.volume.uuid,
      source: source.path,
      destination: destination.path,
    };
    const there = async () => (await storage.file(source.volume.uuid, destination.path, { signal })) !== undefined;
    await svm.finish(await storage.cloneFile(spec, { signal }), { signal, look: there });
  }).catch(async (error: unknown) => {
    if (!(error instanceof OntapError) || error.code === 'ONTAP_OUTCOME_UNKNOWN') throw error;
    // Refused as it stands: another way may be tried, unless somebody, perhaps an earlier call, was quicker.
    if (await isThere(context, destination)) throw destinationExists(context, error);
    context.published.now = false;
    throw error;
  });
  context.actions.push('clone');
  return { sizeBytes: await requireSize(context, destination), by: 'size' };
}

/** ONTAP may call the source of a clone busy for a while; Cinder tells it by these words, and so has everybody since. */
async function whileBusy(context: TransferContext, clone: () => Promise<void>): Promise<void> {
  const { timeoutMs, intervalMs } = context.timing.cloneBusy;
  const { clock } = context.world.env;
  await lookUntil(clock, { firstMs: intervalMs, mostMs: intervalMs }, context.signal, async (waitedMs) => {
    try {
      await clone();
      return true;
    } catch (error) {
      const busy = error instanceof OntapError && /device busy/i.test(`${error.ontapMessage} ${error.message}`);
      if (!busy || waitedMs() + intervalMs > timeoutMs) throw error;
      context.tell('wait: the source is busy');
      return undefined;
    }
  });
}

// ---- copies by the storage

/** Copies to a name of its own, proves the copy, and renames it. */
export async function copyFile(context: TransferContext): Promise<TransferVerification> {
  const [source, destination] = await Promise.all([
    storedObject(context, 'source'),
    storedObject(context, 'destination'),
  ]);
  const { signal, world } = context;
  const before = await requireFile(context, source);
  const part = partPath(destination.path, sourceKey(source));
  const { storage } = destination.end;
  const { uuid } = destination.volume;
  const target = `${placeText({ ...destination.place, path: part })}`;
  return world.copyTurns.take(destination.place.cluster, signal, () =>
    undoing(
      context,
      `perhaps ${target}, which the next call removes`,
      async () => {
        await offloaded(context, source, { ...destination, path: part });
        const verification = await provenFile(context, source, before, { ...destination, path: part });
        context.tell('rename');
        context.published.now = true;
        await storage.renameFile(uuid, part, destination.path, { signal });
        context.actions.push('rename');
        await deleteMovedFile(context, source, before);
        return verification;
      },
      (undoSignal) => storage.deleteFile(uuid, part, { signal: undoSignal }),
    ),
  );
}

/** One copy, from an empty place: what an earlier call left there, and what its job may still put there, is removed. */
async function offloaded(context: TransferContext, source: StoredObject, part: StoredObject): Promise<void> {
  const { signal, world, timing } = context;
  const { storage, svm } = part.end;
  const from = { svm: source.place.svm, volume: source.volume.name, path: source.path };
  const to = { svm: part.place.svm, volume: part.volume.name, path: part.path };
  const isThere = async () => (await storage.file(part.volume.uuid, part.path, { signal })) !== undefined;
  for (let tries = MOST_LEFTOVERS; ; tries--) {
    if (await isThere()) {
      await storage.deleteFile(part.volume.uuid, part.path, { signal });
      context.actions.push('remove-leftover');
    }
    try {
      const waiting = () => context.tell('wait: the cluster runs all the copies that it may');
      await startWhenFree(
        world.env.clock,
        signal,
        timing.copyTimeoutMs,
        async () => {
          context.tell('copy');
          const change = await storage.copyFile(from, to, { signal });
          context.actions.push('copy');
          await cancelling(context, part.end, change.done ? undefined : change.job, (within) =>
            svm.finish(change, { signal: within, look: isThere }),
          );
        },
        waiting,
      );
      return;
    } catch (error) {
      // The job of an earlier call was quicker: its file is not this call's.
      const taken = error instanceof OntapError && error.ontapCode === DESTINATION_INVALID;
      if (!taken || tries <= 1 || !(await isThere())) throw error;
    }
  }
}

const MOST_LEFTOVERS = 3;
/** ONTAP's code for a destination of a file copy that cannot be, such as one that is there. */
const DESTINATION_INVALID = '7012359';

/** Waits for a job within the time allowed; when that fails, or the caller gives up, the job is cancelled in ONTAP. */
async function cancelling(
  context: TransferContext,
  end: OntapEnd,
  job: string | undefined,
  finish: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (job === undefined) return finish(context.signal);
  await undoing(
    context,
    `the job ${job}, which goes on in ONTAP`,
    () => inTime(context, finish),
    (signal) => endJob(context, end, job, signal),
  );
}

/** Accounts of SVMs may not cancel jobs: then its end is waited for, shortly. */
async function endJob({ world }: TransferContext, end: OntapEnd, job: string, signal: AbortSignal): Promise<void> {
  const { state } = await end.svm.job(job, { signal });
  if (state !== 'running') return;
  await end.storage.cancelJob(job, { signal });
  await lookUntil(world.env.clock, { firstMs: 250, mostMs: 2_000 }, signal, async () => {
    const now = await end.svm.job(job, { signal });
    return now.state === 'running' ? undefined : true;
  });
}

/** @throws TransferError `TRANSFER_TIMEOUT` */
async function inTime(context: TransferContext, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { world, signal, timing, plan } = context;
  const { clock } = world.env;
  const deadline = clock.now() + timing.copyTimeoutMs;
  try {
    await underDeadline(clock, { signal, deadline }, `copy the ${plan.object}`, work);
  } catch (error) {
    if (!signal.aborted && error instanceof InterruptedError) throw timedOut(context);
    throw error;
  }
}

function timedOut(context: TransferContext): TransferError {
  const seconds = context.timing.copyTimeoutMs / 1000;
  return transferFailure(context, 'TRANSFER_TIMEOUT', `the storage did not get there within ${seconds} s`, {
    remedy: 'raise netapp_migrate_volume_timeout, or look why the cluster is slow, and call again',
  });
}

async function provenFile(
  context: TransferContext,
  source: StoredObject,
  before: StoredFile,
  part: StoredObject,
): Promise<TransferVerification> {
  const { signal, plan } = context;
  const [now, copy] = await Promise.all([
    source.end.storage.file(source.volume.uuid, source.path, { signal }),
    part.end.storage.file(part.volume.uuid, part.path, { signal }),
  ]);
  if (plan.intent === 'move' && !isUnchanged(before, now)) throw sourceChanged(context);
  if (copy?.sizeBytes !== (now ?? before).sizeBytes) {
    throw notWhole(context, `it has ${copy?.sizeBytes ?? 'no'} bytes, and the source ${(now ?? before).sizeBytes}`);
  }
  if (context.options.checksum !== true) return { sizeBytes: copy.sizeBytes, by: 'size' };
  context.tell('compare');
  const sha256 = await compareFiles(context, source, part, copy.sizeBytes);
  if (sha256 === undefined) throw notWhole(context, 'its bytes are not those of the source');
  return { sizeBytes: copy.sizeBytes, by: 'bytes', sha256 };
}

/** The source of a move goes when the destination has its name, and only as it was when it was copied. */
export async function deleteMovedFile(
  context: TransferContext,
  source: StoredObject,
  before: StoredFile,
): Promise<void> {
  const { plan, signal } = context;
  if (plan.intent !== 'move') return;
  const now = await source.end.storage.file(source.volume.uuid, source.path, { signal });
  if (now === undefined) return;
  if (!isUnchanged(before, now)) throw sourceChanged(context);
  context.tell('delete the source');
  await source.end.storage.deleteFile(source.volume.uuid, source.path, { signal });
  context.actions.push('delete-source');
}

/** The LUN that is made by a copy is there at once and half-written: it gets its name when its copy has ended. */
export async function copyLun(context: TransferContext): Promise<TransferVerification> {
  const [source, destination] = await Promise.all([
    storedObject(context, 'source'),
    storedObject(context, 'destination'),
  ]);
  const { signal, world, timing } = context;
  const lun = await requireUnit(context, 'lun', source);
  requireIdle(context, lun);
  const { storage } = destination.end;
  const part = unitName(destination.volume.name, partPath(destination.path, sourceKey(source)));
  const remove = async (within: AbortSignal) => {
    const left = await storage.unit('lun', part, { signal: within });
    if (left === undefined) return false;
    await storage.deleteUnit('lun', left.uuid, { signal: within });
    return true;
  };
  const svm = await nameOfSourceSvm(source, destination, signal);
  return world.copyTurns.take(destination.place.cluster, signal, () =>
    undoing(
      context,
      `perhaps the LUN ${part} in ${destination.place.svm}, which the next call removes`,
      async () => {
        if (await remove(signal)) context.actions.push('remove-leftover');
        await startWhenFree(
          world.env.clock,
          signal,
          timing.copyTimeoutMs,
          () => storage.copyLun({ name: source.name, svm }, part, { signal }),
          () => context.tell('wait: the cluster runs all the copies that it may'),
        );
        context.actions.push('copy');
        const copied = await copyEnded(context, destination.end, part, lun.sizeBytes);
        if (copied.sizeBytes !== lun.sizeBytes) {
          throw notWhole(context, `it has ${copied.sizeBytes} bytes, and the source ${lun.sizeBytes}`);
        }
        context.tell('rename');
        context.published.now = true;
        await storage.renameUnit('lun', copied.uuid, destination.name, { signal });
        context.actions.push('rename');
        await deleteMovedUnit(context, source);
        return { sizeBytes: copied.sizeBytes, by: 'size' } as const;
      },
      async (within) => void (await remove(within)),
    ),
  );
}

/** What the destination's SVM calls the source's; undefined within one SVM. */
async function nameOfSourceSvm(
  source: StoredObject,
  destination: StoredObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (source.place.svm === destination.place.svm) return undefined;
  const cluster = await source.end.svm.clusterFacts({ signal });
  const peers = await destination.end.svm.svmPeers({ signal });
  return peeringsOf(peers, destination.end.svm, source.end.svm, cluster)[0]?.alias ?? source.place.svm;
}

/** The source of a moved LUN goes when the copy has its name, and only while no host can write to it. */
export async function deleteMovedUnit(context: TransferContext, source: StoredObject): Promise<void> {
  const { plan, signal } = context;
  if (plan.intent !== 'move') return;
  const unit = await source.end.storage.unit('lun', source.name, { signal });
  if (unit === undefined) return;
  requireIdle(context, unit);
  context.tell('delete the source');
  await source.end.storage.deleteUnit('lun', unit.uuid, { signal });
  context.actions.push('delete-source');
}

/** A LUN is at its new place at once; the move is over when its data are there too. */
export async function moveLun(context: TransferContext): Promise<TransferVerification> {
  const [source, destination] = await Promise.all([
    storedObject(context, 'source'),
    storedObject(context, 'destination'),
  ]);
  const { signal, world, timing } = context;
  return world.copyTurns.take(destination.place.cluster, signal, async () => {
    const { uuid } = await requireUnit(context, 'lun', source);
    context.tell('move');
    await startWhenFree(
      world.env.clock,
      signal,
      timing.copyTimeoutMs,
      async () => {
        context.published.now = true;
        await source.end.storage.renameUnit('lun', uuid, destination.name, { signal }).catch((error: unknown) => {
          if (error instanceof OntapError && error.code !== 'ONTAP_OUTCOME_UNKNOWN') context.published.now = false;
          throw error;
        });
      },
      () => context.tell('wait: the cluster runs all the copies that it may'),
    );
    context.actions.push('move');
    return moveEnded(context, destination);
  });
}

/** Waits for a move that runs; hosts use the LUN at its new place meanwhile, and ONTAP has no way back. */
export async function moveEnded(context: TransferContext, destination: StoredObject): Promise<TransferVerification> {
  const left = `the move to ${placeText(destination.place)}, which goes on in ONTAP; hosts use the LUN there already`;
  const { end, name } = destination;
  const source = await storedObject(context, 'source');
  const moved = await progressed(context, 'movement', context.plan.sizeBytes, async () => {
    const there = await end.storage.unit('lun', name, { signal: context.signal });
    if (there !== undefined) return there;
    // One whose move failed goes by its old name again.
    const back = await source.end.storage.unit('lun', source.name, { signal: context.signal });
    return back?.movement !== undefined && STOPPED.has(back.movement.state) ? back : undefined;
  }).catch((error: unknown) => {
    throw withLeft(error, left);
  });
  return { sizeBytes: moved.sizeBytes, by: 'same-object' };
}

function copyEnded(
  context: TransferContext,
  { storage }: OntapEnd,
  name: string,
  sizeBytes: number,
): Promise<StoredUnit> {
  return progressed(context, 'copy', sizeBytes, () => storage.unit('lun', name, { signal: context.signal }));
}

/** States in which ONTAP does not go on by itself: waiting for them to change is waiting for nothing (defect 13). */
const STOPPED: ReadonlySet<string> = new Set(['failed', 'paused_error', 'reverting']);

/** @throws TransferError `TRANSFER_COPY_FAILED`, `TRANSFER_TIMEOUT` */
async function progressed(
  context: TransferContext,
  field: 'copy' | 'movement',
  totalBytes: number,
  read: () => Promise<StoredUnit | undefined>,
): Promise<StoredUnit> {
  const { clock } = context.world.env;
  const { pollFirstMs, pollMaxMs, copyTimeoutMs } = context.timing;
  return lookUntil(clock, { firstMs: pollFirstMs, mostMs: pollMaxMs }, context.signal, async (waitedMs) => {
    const unit = await read();
    const progress = unit?.[field];
    if (unit !== undefined) {
      // ONTAP forgets a copy after a while: one that is not spoken of any more has ended.
      if (progress === undefined || progress.state === 'complete') return unit;
      if (STOPPED.has(progress.state)) throw stopped(context, progress);
      const transferredBytes = Math.floor((totalBytes * progress.percentComplete) / 100);
      context.tell(progress.state === 'paused' ? 'paused in ONTAP' : 'copy', { transferredBytes, totalBytes });
    }
    if (waitedMs() >= copyTimeoutMs) throw timedOut(context);
    return undefined;
  });
}

function stopped(context: TransferContext, { state, failure }: CopyProgress): TransferError {
  const why = failure === undefined ? '' : `: ${failure.message}`;
  return transferFailure(context, 'TRANSFER_COPY_FAILED', `ONTAP says that the ${context.plan.object} ${state}${why}`, {
    remedy: 'look at the events of the cluster, then call again',
    details: { state, ontapCode: failure?.code, ontapMessage: failure?.message },
  });
}

// ---- what must hold

async function requireUnit(context: TransferContext, kind: UnitKind, of: StoredObject): Promise<StoredUnit> {
  const unit = await of.end.storage.unit(kind, of.name, { signal: context.signal });
  if (unit !== undefined) return unit;
  throw transferFailure(context, 'TRANSFER_SOURCE_NOT_FOUND', `${of.name} is not there any more`);
}

async function requireSize(context: TransferContext, of: StoredObject): Promise<number> {
  const found = await lookAt(context, of);
  if (found?.sizeBytes === context.plan.sizeBytes) return found.sizeBytes;
  throw notWhole(context, `it has ${found?.sizeBytes ?? 'no'} bytes, and the source had ${context.plan.sizeBytes}`);
}

async function isThere(context: TransferContext, of: StoredObject): Promise<boolean> {
  return (await lookAt(context, of)) !== undefined;
}

function lookAt(context: TransferContext, of: StoredObject): Promise<StoredFile | StoredUnit | undefined> {
  const { plan, signal } = context;
  return plan.object === 'file'
    ? of.end.storage.file(of.volume.uuid, of.path, { signal })
    : of.end.storage.unit(unitKindOf(context), of.name, { signal });
}

/** A move by a copy loses what hosts write to the source after the copy began. */
function requireIdle(context: TransferContext, unit: StoredUnit): void {
  if (context.plan.intent !== 'move' || !unit.mapped) return;
  throw transferFailure(context, 'TRANSFER_SOURCE_IN_USE', `${unit.name} is mapped: hosts may write to it`, {
    remedy: 'detach it from its hosts, then call again',
  });
}
