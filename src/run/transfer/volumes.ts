/** Run (layer 3): the strategies for whole volumes: clone and split, rehost, move to other aggregates, a mirror that is used once. */
import type { OntapPlace } from '../../core/transfer/facts.ts';
import { copyMark, isCopyOf, moveMark, partVolume, readMoveMark } from '../../core/transfer/part-names.ts';
import { InterruptedError, MirrorError, OntapError } from '../../errors.ts';
import type { Relationship, Volume } from '../../ontap/ontap-svm.ts';
import { lookUntil } from '../look-until.ts';
import { collect, type MirrorContext } from '../mirror/context.ts';
import { observe as observeMirror } from '../mirror/observe.ts';
import {
  breakSnapmirror,
  createSnapmirror,
  deleteSnapmirror,
  resumeSnapmirror,
  resyncSnapmirror,
  updateSnapmirror,
} from '../mirror/verbs.ts';
import { undoing, withLeft } from './cleaning.ts';
import type { OntapEnd, TransferContext, TransferVerification } from './context.ts';
import { endOf, transferFailure } from './context.ts';
import { destinationExists, notWhole } from './stored-object.ts';

interface VolumeEnd extends OntapEnd {
  readonly place: OntapPlace;
}

function volumeEnd(context: TransferContext, side: 'source' | 'destination'): VolumeEnd {
  const place = context.plan[side];
  if (place.kind === 'host') {
    throw transferFailure(context, 'TRANSFER_ENDPOINT_INVALID', `${place.path} is no volume`);
  }
  return { ...endOf(context, place.backend), place };
}

async function requireVolume(
  context: TransferContext,
  { svm, place }: VolumeEnd,
  name = place.volume,
): Promise<Volume> {
  const volume = await svm.volume(name, { signal: context.signal });
  if (volume !== undefined) return volume;
  throw transferFailure(context, 'TRANSFER_SOURCE_NOT_FOUND', `SVM ${svm.svm} has no volume "${name}" any more`);
}

// ---- clone

/** A FlexClone, whole at once, which then gets blocks of its own. (Strategy `flexclone`) */
export async function flexclone(context: TransferContext): Promise<TransferVerification> {
  const { signal } = context;
  const source = volumeEnd(context, 'source');
  const destination = volumeEnd(context, 'destination');
  const parent = await requireVolume(context, source);
  const name = destination.place.volume;
  const there = async () => (await destination.svm.volume(name, { signal })) !== undefined;
  if (!(await there())) {
    context.tell('clone');
    const spec = { name, parentVolume: parent.name, comment: copyMark(parent.uuid) };
    try {
      await destination.svm.finish(await source.storage.cloneVolumeNow(spec, { signal }), { signal, look: there });
      context.actions.push('clone');
    } catch (error) {
      // The job of an earlier call was quicker: the clone's own mark says whose it is.
      if (!(error instanceof OntapError) || error.code !== 'ONTAP_EXISTS') throw error;
    }
  }
  const clone = await requireVolume(context, destination);
  if (!isCopyOf(clone.comment, parent.uuid)) throw destinationExists(context, undefined);
  context.published.now = true;
  await splitOff(context, destination, clone).catch((error: unknown) => {
    throw withLeft(error, `the clone ${name}: usable, and split off at the next call`);
  });
  return { sizeBytes: clone.sizeBytes, by: 'same-object' };
}

async function splitOff(
  context: TransferContext,
  { storage, svm }: VolumeEnd,
  { uuid, usedBytes }: Volume,
): Promise<void> {
  const { signal, world, timing } = context;
  const before = await storage.cloneState(uuid, { signal });
  if (!before.isClone) return;
  if (!before.splitting) {
    const change = await storage.splitClone(uuid, { signal });
    context.actions.push('split');
    // By release the job ends when the split has begun, or when it is done.
    if (!change.done) {
      const begun = await svm.job(change.job, { signal });
      if (begun.state === 'failure' && begun.error !== undefined) throw begun.error;
    }
  }
  const totalBytes = usedBytes ?? 0;
  const pace = { firstMs: timing.pollFirstMs, mostMs: timing.pollMaxMs };
  await lookUntil(world.env.clock, pace, signal, async (waitedMs) => {
    const { isClone, splitPercent = 0 } = await storage.cloneState(uuid, { signal });
    if (!isClone) return true;
    context.tell('split', { transferredBytes: Math.floor((totalBytes * splitPercent) / 100), totalBytes });
    if (waitedMs() >= timing.copyTimeoutMs) throw slow(context, 'the clone is not split off yet');
    return undefined;
  });
}

function slow(context: TransferContext, what: string) {
  return transferFailure(context, 'TRANSFER_TIMEOUT', `${what} after ${context.timing.copyTimeoutMs / 1000} s`, {
    remedy: 'call again to wait on',
  });
}

// ---- move where it lies

/** Another SVM gets the volume where it lies. Unmounted in between; its mount and its comment follow it. (Strategy `rehost`) */
export async function rehost(context: TransferContext): Promise<TransferVerification> {
  const { signal } = context;
  const source = volumeEnd(context, 'source');
  const destination = volumeEnd(context, 'destination');
  const name = source.place.volume;
  const volume = await source.svm.volume(name, { signal });
  if (volume !== undefined) {
    await unmounted(context, source, volume, destination.place.volume !== name);
    let isSent = false;
    const giveBack = async (within: AbortSignal) => {
      // A request that was given up may still take its effect: mounting the volume would get into its way.
      if (isSent && (await hasLeft(context, source, name, within))) return;
      await mountAgain(source, name, within);
    };
    await undoing(
      context,
      `${name}, unmounted, in SVM ${source.svm.svm} or ${destination.svm.svm}: mounted at the next call`,
      async () => {
        context.tell('rehost');
        context.published.now = true;
        isSent = true;
        await source.storage.rehostVolume(name, destination.svm.svm, { signal }).catch((error: unknown) => {
          // Refused as it stands: it is where it was, and another way may be tried.
          if (error instanceof OntapError && error.code !== 'ONTAP_OUTCOME_UNKNOWN') context.published.now = false;
          throw error;
        });
        context.actions.push('rehost');
      },
      giveBack,
    );
  }
  context.published.now = true;
  await named(context, destination, name);
  const there = await requireVolume(context, destination);
  if (readMoveMark(there.comment) !== undefined) {
    context.tell('mount');
    await mountAgain(destination, there.name, signal).catch((error: unknown) => {
      throw withLeft(error, `${there.name}, unmounted, in SVM ${destination.svm.svm}: mounted at the next call`);
    });
    context.actions.push('mount');
  }
  return { sizeBytes: there.sizeBytes, by: 'same-object' };
}

const REHOST_SETTLES_MS = 3_000;

/** Whether the volume is gone, or goes soon. */
async function hasLeft(
  context: TransferContext,
  { svm }: VolumeEnd,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  return lookUntil(context.world.env.clock, { firstMs: 250, mostMs: 1_000 }, signal, async (waitedMs) => {
    if ((await svm.volume(name, { signal })) === undefined) return true;
    return waitedMs() >= REHOST_SETTLES_MS ? false : undefined;
  });
}

/** A rehosted volume keeps its name; one that was to have another gets it. */
async function named(context: TransferContext, { svm, place }: VolumeEnd, present: string): Promise<void> {
  if (place.volume === present) return;
  const { signal } = context;
  const volume = await svm.volume(present, { signal });
  if (readMoveMark(volume?.comment) === undefined || volume === undefined) return;
  const change = await svm.changeVolume(volume.uuid, { name: place.volume }, { signal });
  await svm.finish(change, { signal, look: async () => (await svm.volume(place.volume, { signal })) !== undefined });
  context.actions.push('rename');
}

/** Its mount goes together with a mark that says what it was, so that whoever calls again can give it back. */
async function unmounted(
  context: TransferContext,
  { svm }: VolumeEnd,
  volume: Volume,
  isRenamed = false,
): Promise<void> {
  const { signal } = context;
  if (readMoveMark(volume.comment) !== undefined) return;
  if (volume.junctionPath === undefined && !isRenamed) return;
  context.tell('unmount');
  const comment = moveMark({ junctionPath: volume.junctionPath, comment: volume.comment });
  const change = await svm.changeVolume(volume.uuid, { junctionPath: null, comment }, { signal });
  await svm.finish(change, {
    signal,
    look: async () => readMoveMark((await svm.volume(volume.name, { signal }))?.comment) !== undefined,
  });
  context.actions.push('unmount');
}

/** Gives a volume the mount and the comment that its mark speaks of; does nothing to a volume without one. */
async function mountAgain({ svm }: VolumeEnd, name: string, signal: AbortSignal): Promise<void> {
  const volume = await svm.volume(name, { signal });
  const mark = readMoveMark(volume?.comment);
  if (volume === undefined || mark === undefined) return;
  const to = {
    comment: mark.comment ?? '',
    ...(mark.junctionPath === undefined ? {} : { junctionPath: mark.junctionPath }),
  };
  const change = await svm.changeVolume(volume.uuid, to, { signal });
  const look = async () => readMoveMark((await svm.volume(name, { signal }))?.comment) === undefined;
  await svm.finish(change, { signal, look });
}

/** To other aggregates while clients go on. An abort ends it in ONTAP too, before its cutover. (Strategy `volume-move`) */
export async function moveToAggregates(context: TransferContext): Promise<TransferVerification> {
  const { signal, world, timing, plan } = context;
  const end = volumeEnd(context, 'source');
  const { place } = volumeEnd(context, 'destination');
  const [aggregate = ''] = place.aggregates;
  const { uuid, sizeBytes, usedBytes } = await requireVolume(context, end);
  const running = await end.storage.volumeMovement(uuid, { signal });
  const adopted = running !== undefined && running.destination === aggregate && !MOVE_ENDED.has(running.state);
  const pace = { firstMs: timing.pollFirstMs, mostMs: timing.pollMaxMs };
  const totalBytes = usedBytes ?? plan.sizeBytes;
  await undoing(
    context,
    'the move, which goes on in ONTAP; the volume stays whole where it is until the cutover',
    async () => {
      let job: string | undefined;
      if (!adopted) {
        context.tell('move');
        const change = await end.storage.moveVolume(uuid, aggregate, { signal });
        job = change.done ? undefined : change.job;
        context.actions.push('move');
      }
      await lookUntil(world.env.clock, pace, signal, async (waitedMs) => {
        const [now, movement] = await Promise.all([
          requireVolume(context, end),
          end.storage.volumeMovement(uuid, { signal }),
        ]);
        if (now.aggregates.includes(aggregate) && (movement === undefined || MOVE_ENDED.has(movement.state)))
          return true;
        // What is seen may still be the move before this one: its job tells.
        const ended = job === undefined || (await end.svm.job(job, { signal })).state !== 'running';
        if (ended && movement !== undefined && (movement.state === 'failed' || movement.state === 'aborted')) {
          throw transferFailure(
            context,
            'TRANSFER_COPY_FAILED',
            `ONTAP says that the move of the volume ${movement.state}`,
          );
        }
        const transferredBytes = Math.floor((totalBytes * (movement?.percentComplete ?? 0)) / 100);
        context.tell(movement?.state ?? 'move', { transferredBytes, totalBytes });
        if (waitedMs() >= timing.copyTimeoutMs) throw slow(context, 'the volume has not moved');
        return undefined;
      });
    },
    async (within) => {
      const movement = await end.storage.volumeMovement(uuid, { signal: within });
      if (movement !== undefined && !MOVE_ENDED.has(movement.state))
        await end.storage.abortVolumeMove(uuid, { signal: within });
    },
  );
  return { sizeBytes, by: 'same-object' };
}

const MOVE_ENDED: ReadonlySet<string> = new Set(['success', 'failed', 'aborted']);

// ---- a mirror that is used once

/**
 * A mirror into a volume with a name of its own: baseline, for a move a last update of the unmounted source, proof, break, release,
 * and then its name. Every step is told by what is there, so that whoever calls again goes on. (Strategies `snapmirror-*`)
 */
export async function mirrorOnce(context: TransferContext): Promise<TransferVerification> {
  const { plan } = context;
  const source = volumeEnd(context, 'source');
  const destination = volumeEnd(context, 'destination');
  const volume = await requireVolume(context, source);
  const part = partVolume(destination.place.volume, `${source.place.cluster}\0${volume.uuid}`);
  const left = `the volume ${part} in SVM ${destination.svm.svm} and perhaps its mirror, with which the next call goes on`;
  const broken = { now: false };
  const work = async () => {
    const snapshot = await mirroredInto(context, { source, destination, volume, part }, broken);
    await publish(context, { source, destination, volume, part });
    return snapshot;
  };
  // Clients get a source back that is not moved after all.
  const verification = await undoing(context, left, work, async (signal) => {
    if (plan.intent === 'move' && !broken.now) await mountAgain(source, volume.name, signal);
    throw new InterruptedError('ABORTED', 'the copy is kept for the next call');
  });
  if (plan.intent === 'move') await deleteMovedVolume(context);
  return verification;
}

interface Mirroring {
  readonly source: VolumeEnd;
  readonly destination: VolumeEnd;
  readonly volume: Volume;
  readonly part: string;
}

async function mirroredInto(
  context: TransferContext,
  mirroring: Mirroring,
  broken: { now: boolean },
): Promise<TransferVerification> {
  const { destination, volume, part } = mirroring;
  const { signal, plan } = context;
  const { sizeBytes } = volume;
  const mirror = mirrorContext(context, mirroring);
  const made = await destination.svm.volume(part, { signal });
  const found = await observeMirror(mirror);
  // Writable and without a mirror: an earlier call came as far as its release.
  if (made?.type === 'rw' && found === undefined) {
    broken.now = true;
    // What the source keeps for it may still be there.
    await deleteSnapmirror(mirror, { release: true });
    return { sizeBytes, by: 'snapshot' };
  }
  // Nothing pauses or breaks it but a call that had proven the copy; the last request of such a call may take its effect only now.
  const isUnwritten = plan.intent === 'copy' || volume.junctionPath === undefined;
  const copyIsProven = isBeingBroken(found) && isUnwritten;
  for (let tries = MOST_OVERTAKEN; !copyIsProven; tries--) {
    try {
      // Clients of a source that was not moved got it back: what they wrote since has to come too.
      if (plan.intent === 'move') await mirroredAgain(mirror);
      await proven(context, mirroring, mirror);
      break;
    } catch (error) {
      const isOvertaken = error instanceof MirrorError && isBeingBroken(await observeMirror(mirror));
      if (!isOvertaken || tries <= 1) throw error;
      if (plan.intent === 'copy') break;
    }
  }
  await breakSnapmirror(mirror, { junctionPath: false });
  context.actions.push('break');
  // From here on the copy is whole, and the source stays as it is until the next call has given the copy its name.
  broken.now = true;
  await deleteSnapmirror(mirror, { release: true });
  context.actions.push('release');
  return { sizeBytes, by: 'snapshot' };
}

const MOST_OVERTAKEN = 3;

async function mirroredAgain(mirror: MirrorContext): Promise<void> {
  const found = await observeMirror(mirror);
  if (found?.state === 'paused') await resumeSnapmirror(mirror);
  if (found?.state === 'broken_off') await resyncSnapmirror(mirror, { wait: true });
}

function isBeingBroken(relationship: Relationship | undefined): boolean {
  return relationship?.state === 'paused' || relationship?.state === 'broken_off';
}

async function proven(context: TransferContext, mirroring: Mirroring, mirror: MirrorContext): Promise<void> {
  const { source, destination, volume } = mirroring;
  await createSnapmirror(mirror, {
    policy: context.world.policyOf(source.place.backend),
    transferSchedule: undefined,
    destinationAggregates: () => destination.place.aggregates,
    waitForBaseline: true,
    repair: false,
  });
  context.actions.push('mirror');
  if (context.plan.intent === 'move') {
    await unmounted(context, source, volume);
    await updateSnapmirror(mirror, { wait: true });
    context.actions.push('update');
  }
  await requireSameSnapshot(context, mirroring, await observeMirror(mirror));
}

/** The exported snapshot is at both ends, and is the same one: ONTAP checked every block of it on the way. */
async function requireSameSnapshot(
  context: TransferContext,
  { source, destination, volume, part }: Mirroring,
  relationship: Relationship | undefined,
): Promise<void> {
  const { signal } = context;
  const copy = await requireVolume(context, destination, part);
  const [here, there] = await Promise.all([
    collect(source.svm.snapshots(volume.uuid, { signal })),
    collect(destination.svm.snapshots(copy.uuid, { signal })),
  ]);
  const name = relationship?.exportedSnapshot;
  const exported = there.find((snapshot) => snapshot.name === name) ?? there.toSorted(byAge).at(-1);
  const isCommon = here.some(({ versionUuid }) => versionUuid === exported?.versionUuid);
  if (exported === undefined || !isCommon) {
    throw notWhole(context, 'source and destination have no snapshot in common');
  }
  if (copy.sizeBytes < volume.sizeBytes) {
    throw notWhole(context, `it has ${copy.sizeBytes} bytes, and the source ${volume.sizeBytes}`);
  }
}

function byAge(one: { readonly createdAt: number }, other: { readonly createdAt: number }): number {
  return one.createdAt - other.createdAt;
}

async function publish(context: TransferContext, { source, destination, volume, part }: Mirroring): Promise<void> {
  const { signal, plan } = context;
  const { svm, place } = destination;
  const copy = await requireVolume(context, destination, part);
  const moving =
    plan.intent === 'move' ? readMoveMark((await source.svm.volume(volume.name, { signal }))?.comment) : undefined;
  context.tell('rename');
  context.published.now = true;
  const change = await svm.changeVolume(copy.uuid, { name: place.volume, comment: copyMark(volume.uuid) }, { signal });
  await svm.finish(change, {
    signal,
    look: async () => (await svm.volume(place.volume, { signal }))?.uuid === copy.uuid,
  });
  context.actions.push('rename');
  if (moving?.junctionPath !== undefined) await mountWhole(context, destination, moving.junctionPath);
}

async function mountWhole(context: TransferContext, { svm, place }: VolumeEnd, junctionPath: string): Promise<void> {
  const { signal } = context;
  const volume = await svm.volume(place.volume, { signal });
  if (volume === undefined || volume.junctionPath !== undefined) return;
  context.tell('mount');
  const mounted = async () => (await svm.volume(place.volume, { signal }))?.junctionPath === junctionPath;
  await svm.finish(await svm.mountVolume(volume.uuid, junctionPath, { signal }), { signal, look: mounted });
  context.actions.push('mount');
}

/** The source of a move, once the destination bears its name and the mark that it is the whole copy. */
export async function deleteMovedVolume(context: TransferContext): Promise<void> {
  const { signal } = context;
  const source = volumeEnd(context, 'source');
  const destination = volumeEnd(context, 'destination');
  const volume = await source.svm.volume(source.place.volume, { signal });
  if (volume === undefined) return;
  const mark = readMoveMark(volume.comment);
  if (mark?.junctionPath !== undefined) await mountWhole(context, destination, mark.junctionPath);
  if (volume.junctionPath !== undefined) {
    throw transferFailure(context, 'TRANSFER_SOURCE_IN_USE', `${volume.name} is mounted: clients may write to it`, {
      remedy: 'see what was written to it since it was copied, unmount it, and call again',
    });
  }
  context.tell('delete the source');
  const gone = async () => (await source.svm.volume(volume.name, { signal })) === undefined;
  try {
    await source.svm.finish(await source.svm.deleteVolume(volume.uuid, { signal }), { signal, look: gone });
  } catch (error) {
    // The last request of an earlier call was quicker.
    if (!(error instanceof OntapError) || error.code !== 'ONTAP_NOT_FOUND') throw error;
  }
  context.actions.push('delete-source');
}

function mirrorContext(context: TransferContext, { source, destination, volume, part }: Mirroring): MirrorContext {
  const { world, signal } = context;
  return {
    env: world.env,
    pair: {
      source: { backend: source.place.backend, volume: volume.name },
      destination: { backend: destination.place.backend, volume: part },
    },
    source: source.svm,
    destination: destination.svm,
    peersOf: world.peersReader(signal),
    timing: world.mirrorTimingOf(source.place.backend),
    signal,
    onProgress: ({ step, transferredBytes, totalBytes }) =>
      context.tell(
        step,
        transferredBytes === undefined
          ? undefined
          : { transferredBytes, totalBytes: totalBytes ?? volume.usedBytes ?? 0 },
      ),
  };
}
