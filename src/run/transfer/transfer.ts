/**
 * Run (layer 3): plans a transfer and carries it out. The strategies of the plan are tried in their order, and another one only as long as
 * nothing bears the destination's name. Called again after whatever end, it finishes or says why not; the source is never harmed.
 */
import type { TransferEndpoint } from '../../core/transfer/endpoint.ts';
import { parseEndpoint } from '../../core/transfer/endpoint.ts';
import type { TransferPlace } from '../../core/transfer/facts.ts';
import { planTransfer as planOf, type StrategyVerdict, type TransferPlan } from '../../core/transfer/plan.ts';
import type { TransferStrategy } from '../../core/transfer/strategies.ts';
import { DataMotionError, InternalError, InterruptedError, TransferError } from '../../errors.ts';
import { createSvmPeer } from '../svm-peer.ts';
import { streamThroughHost } from './byte-ends.ts';
import type {
  PlanTransferOptions,
  TransferAttempt,
  TransferContext,
  TransferOptions,
  TransferResult,
  TransferVerification,
  TransferWorld,
} from './context.ts';
import { placeText, transferFailure } from './context.ts';
import { type Observed, observe } from './observe.ts';
import { compareFiles, requireFile, storedObject } from './stored-object.ts';
import { deleteMovedVolume, flexclone, mirrorOnce, moveToAggregates, rehost } from './volumes.ts';
import {
  cloneInVolume,
  copyFile,
  copyLun,
  deleteMovedFile,
  deleteMovedUnit,
  moveEnded,
  moveLun,
  renameInVolume,
} from './within-storage.ts';

/** Both ends, as text or parsed. */
export interface TransferEnds {
  readonly from: string | TransferEndpoint;
  readonly to: string | TransferEndpoint;
}

const EXECUTORS: Readonly<Record<TransferStrategy, (context: TransferContext) => Promise<TransferVerification>>> = {
  rename: renameInVolume,
  'file-clone': cloneInVolume,
  'lun-clone': cloneInVolume,
  'namespace-clone': cloneInVolume,
  flexclone,
  rehost,
  'lun-move': moveLun,
  'volume-move': moveToAggregates,
  'file-copy': copyFile,
  'lun-copy': copyLun,
  'snapmirror-local': mirrorOnce,
  'snapmirror-remote': mirrorOnce,
  'host-stream': streamThroughHost,
};

/** The plan for two ends, from what the clusters show now. Reads only. */
export async function planTransfer(
  world: TransferWorld,
  ends: TransferEnds,
  options: PlanTransferOptions,
  signal: AbortSignal,
): Promise<TransferPlan> {
  return (await observedPlan(world, ends, options, signal)).plan;
}

interface ObservedPlan extends Pick<Observed, 'done'> {
  readonly plan: TransferPlan;
}

async function observedPlan(
  world: TransferWorld,
  { from, to }: TransferEnds,
  options: PlanTransferOptions,
  signal: AbortSignal,
): Promise<ObservedPlan> {
  const parsed = (end: string | TransferEndpoint) => (typeof end === 'string' ? parseEndpoint(end) : end);
  const { facts, done } = await observe(world, parsed(from), parsed(to), options, signal);
  return { plan: planOf(facts), done };
}

/**
 * Carries out a plan, or what is asked for between two ends. Of a plan only the ends and the object count: it is made anew from what the
 * clusters show now, and only strategies that the given plan found possible are taken.
 * @throws TransferError, OntapError, MirrorError; InterruptedError, which says in `details.left` what is left
 */
export async function transfer(
  world: TransferWorld,
  what: TransferPlan | TransferEnds,
  options: TransferOptions,
  signal: AbortSignal,
): Promise<TransferResult> {
  const startedAt = world.env.clock.now();
  const asked = 'strategies' in what ? askedFor(what, options) : { ends: what, options, among: undefined };
  const { plan, done } = await observedPlan(world, asked.ends, asked.options, signal);
  const among = asked.among;
  const possible = plan.strategies.filter(({ possible, strategy }) => possible && (among?.has(strategy) ?? true));
  const made = await settled(world, { plan, done }, asked.options, signal);
  if (made !== undefined) return { ...resultOf(world, plan, startedAt), ...made };
  if (possible.length === 0) throw noStrategy(plan);
  requireChecksums(plan, asked.options, possible);

  const failed: TransferAttempt[] = [];
  for (const verdict of possible) {
    const context = contextFor(world, plan, verdict.strategy, asked.options, signal);
    try {
      await prepared(context, verdict);
      const verification = await EXECUTORS[verdict.strategy](context);
      const { actions, strategy } = context;
      return { ...resultOf(world, plan, startedAt), strategy, actions, failed, verification };
    } catch (error) {
      if (signal.aborted || error instanceof InterruptedError || context.published.now || isFinal(error)) throw error;
      const known =
        error instanceof DataMotionError ? error : new InternalError(`unexpected: ${error}`, { cause: error });
      failed.push({ strategy: verdict.strategy, error: known });
      world.env.logger.warn({ strategy: verdict.strategy, code: known.code }, 'transfer goes on another way');
    }
  }
  throw everyWayFailed(plan, failed);
}

/** What another way would not make better. */
function isFinal(error: unknown): boolean {
  return error instanceof TransferError && FINAL.has(error.code);
}

const FINAL: ReadonlySet<string> = new Set([
  'TRANSFER_SOURCE_NOT_FOUND',
  'TRANSFER_SOURCE_CHANGED',
  'TRANSFER_SOURCE_IN_USE',
  'TRANSFER_DESTINATION_EXISTS',
  'TRANSFER_PLACE_NOT_FOUND',
  'TRANSFER_TIMEOUT',
]);

function askedFor(plan: TransferPlan, options: TransferOptions) {
  const { source, destination, object, intent } = plan;
  const hostPath = (place: TransferPlace) => (place.kind === 'ontap' ? place.hostPath : undefined);
  const aggregates = object === 'volume' && destination.kind === 'ontap' ? destination.aggregates : undefined;
  return {
    ends: { from: endpointOf(source), to: endpointOf(destination) },
    options: {
      ...options,
      ...{ object, move: intent === 'move', aggregates },
      hostPaths: { source: hostPath(source), destination: hostPath(destination) },
    },
    among: new Set(plan.strategies.flatMap(({ possible, strategy }) => (possible ? [strategy] : []))),
  };
}

function endpointOf(place: TransferPlace): TransferEndpoint {
  if (place.kind === 'host') return { kind: 'host', path: place.path };
  const { backend, volume, path } = place;
  return { kind: 'ontap', backend, volume, ...(path === undefined ? {} : { path }) };
}

function resultOf(world: TransferWorld, plan: TransferPlan, startedAt: number): TransferResult {
  const { object, source, destination } = plan;
  const durationMs = world.env.clock.now() - startedAt;
  return { object, source, destination, actions: [], failed: [], durationMs };
}

function contextFor(
  world: TransferWorld,
  plan: TransferPlan,
  strategy: TransferStrategy,
  options: TransferOptions,
  signal: AbortSignal,
): TransferContext {
  const { clock } = world.env;
  const backend = plan.destination.kind === 'ontap' ? plan.destination.backend : undefined;
  const other = plan.source.kind === 'ontap' ? plan.source.backend : undefined;
  let began: { readonly at: number; readonly bytes: number } | undefined;
  return {
    ...{ world, plan, strategy, options, signal },
    timing: world.timingOf(backend ?? other ?? ''),
    actions: [],
    published: { now: false },
    tell(step, moved) {
      if (moved === undefined) return options.onProgress?.({ strategy, step });
      began ??= { at: clock.now(), bytes: moved.transferredBytes };
      const seconds = (clock.now() - began.at) / 1000;
      const rate = seconds > 0 ? (moved.transferredBytes - began.bytes) / seconds : 0;
      const left = Math.max(0, moved.totalBytes - moved.transferredBytes);
      const speed = rate > 0 ? { bytesPerSecond: Math.round(rate), remainingSeconds: Math.ceil(left / rate) } : {};
      options.onProgress?.({ strategy, step, ...moved, ...speed });
    },
  };
}

/** Peers the SVMs, or lets their peering serve the application. */
async function prepared(context: TransferContext, { preparations }: StrategyVerdict): Promise<void> {
  const { plan, world, signal } = context;
  const { source, destination } = plan;
  if (preparations.length === 0 || source.kind === 'host' || destination.kind === 'host') return;
  const applications = preparations.map(({ application }) => application);
  context.tell('peer the SVMs');
  await createSvmPeer(
    {
      env: world.env,
      pair: {
        source: { backend: source.backend, volume: source.volume },
        destination: { backend: destination.backend, volume: destination.volume },
      },
      source: world.svmOf(source.backend),
      destination: world.svmOf(destination.backend),
      peersOf: world.peersReader(signal),
      timing: world.mirrorTimingOf(source.backend),
      signal,
      onProgress: () => {},
    },
    { applications },
  );
  context.actions.push('peer-svms');
}

/** What an earlier call did already, finished; undefined when the strategies are to be tried. */
async function settled(
  world: TransferWorld,
  { plan, done }: ObservedPlan,
  options: TransferOptions,
  signal: AbortSignal,
): Promise<Partial<TransferResult> | undefined> {
  if (plan.alreadyThere) return { note: 'nothing to do: both ends are one and the same' };
  const context = contextFor(world, plan, chosenFor(plan), options, signal);
  if (done === 'source-left' && plan.object === 'volume') {
    if (plan.intent === 'copy') return { verification: await flexclone(context), actions: context.actions };
    const isRehosted = plan.source.kind === 'ontap' && (await sourceIsGone(context));
    if (isRehosted) return { verification: await rehost(context), actions: context.actions };
    await deleteMovedVolume(context);
    return { actions: context.actions, note: FINISHED };
  }
  if (done === 'source-left') {
    await deleteMovedUnit(context, await storedObject(context, 'source'));
    return { actions: context.actions, note: FINISHED };
  }
  if (done === 'whole') {
    if (plan.object === 'lun' && plan.intent === 'move' && plan.destination.kind === 'ontap') {
      return { verification: await moveEnded(context, await storedObject(context, 'destination')), note: FINISHED };
    }
    return { note: FINISHED };
  }
  return comparedFile(context);
}

const FINISHED = 'an earlier call has done it';

function chosenFor(plan: TransferPlan): TransferStrategy {
  return plan.chosen ?? plan.strategies[0]?.strategy ?? 'host-stream';
}

async function sourceIsGone({ plan, world, signal }: TransferContext): Promise<boolean> {
  const { source } = plan;
  if (source.kind === 'host') return false;
  return (await world.svmOf(source.backend).volume(source.volume, { signal })) === undefined;
}

/**
 * A file of that name is there. Of a move that was cut off before its source was deleted, and where the caller wants checksums anyway, both
 * are read: what is equal was transferred.
 */
async function comparedFile(context: TransferContext): Promise<Partial<TransferResult> | undefined> {
  const { plan, options } = context;
  const { object, source, destination, intent } = plan;
  const wanted = intent === 'move' || options.checksum === true;
  if (object !== 'file' || !wanted || plan.strategies.some(({ possible }) => possible)) return undefined;
  if (source.kind === 'host' || destination.kind === 'host') return undefined;
  const [from, to] = await Promise.all([storedObject(context, 'source'), storedObject(context, 'destination')]);
  const before = await requireFile(context, from);
  const there = await to.end.storage.file(to.volume.uuid, to.path, { signal: context.signal });
  if (there?.type !== 'file' || there.sizeBytes !== before.sizeBytes) return undefined;
  const sha256 = await compareFiles(context, from, to, before.sizeBytes);
  if (sha256 === undefined) return undefined;
  await deleteMovedFile(context, from, before);
  const verification = { sizeBytes: before.sizeBytes, by: 'bytes', sha256 } as const;
  return { actions: context.actions, verification, note: FINISHED };
}

/** Checksums are asked for where they cannot be had: better said before than left out. */
function requireChecksums(plan: TransferPlan, options: TransferOptions, possible: readonly StrategyVerdict[]): void {
  if (options.checksum !== true || plan.object === 'file') return;
  // The host stream reads what it moves; renames and moves leave the object the same one.
  const [first] = possible;
  if (first?.strategy === 'host-stream' || first?.deletesSource === false) {
    if (plan.intent === 'move' || first.strategy === 'host-stream') return;
  }
  throw new TransferError('TRANSFER_CHECKSUM_IMPOSSIBLE', `the bytes of a ${plan.object} cannot be read over REST`, {
    attempted: `${plan.intent} the ${plan.object}`,
    object: `${placeText(plan.source)} -> ${placeText(plan.destination)}`,
    remedy: 'leave the checksum out, or give the devices of both ends on this host',
  });
}

function noStrategy(plan: TransferPlan): TransferError {
  const context = { plan, strategy: chosenFor(plan) };
  const why = plan.strategies.map(({ strategy, reasons }) => ({ strategy, reasons }));
  const exists = plan.strategies.length > 0 && plan.strategies.every(({ reasons }) => reasons.includes(EXISTS));
  const facts = { strategy: undefined, details: { strategies: why } };
  if (exists) {
    return transferFailure(context, 'TRANSFER_DESTINATION_EXISTS', `${placeText(plan.destination)} is there already`, {
      ...facts,
      remedy: 'if an earlier call of this transfer ended without an answer, it is whole; otherwise choose another name',
    });
  }
  const list = why.map(({ strategy, reasons }) => `${strategy}: ${reasons.join(', ')}`).join('; ');
  return transferFailure(context, 'TRANSFER_NO_STRATEGY', `nothing can ${plan.intent} this ${plan.object}: ${list}`, {
    ...facts,
    remedy: 'arrange what one of the strategies needs, or stream the data through a host that has both mounted',
  });
}

const EXISTS = 'something of that name is there already';

/** The error of the best way, with the others beside it. */
function everyWayFailed(plan: TransferPlan, failed: readonly TransferAttempt[]): DataMotionError {
  const [first] = failed;
  if (first !== undefined && failed.length === 1) return first.error;
  const list = failed.map(({ strategy, error }) => `${strategy}: ${error.message}`).join('; ');
  const context = { plan, strategy: first?.strategy ?? chosenFor(plan) };
  return transferFailure(context, 'TRANSFER_COPY_FAILED', `every way failed: ${list}`, {
    retryable: failed.some(({ error }) => error.retryable),
    details: { failed: failed.map(({ strategy, error }) => ({ strategy, code: error.code, message: error.message })) },
    cause: first?.error,
  });
}
