/** Edge (layer 8): the commands on mirrors. Volumes are worked on all at once; one failure stops nobody else. */
import type { ResyncLoss } from '../../core/mirror/loss.ts';
import type { BackendVerbOptions, DataMotion, TargetedSelection } from '../../data-motion.ts';
import { ConfigError } from '../../errors.ts';
import type { MirrorPair, MirrorResult } from '../../run/mirror/context.ts';
import type { MirrorOutcome } from '../../run/mirror/many.ts';
import type { AcceptLoss, BreakResult, DeleteResult } from '../../run/mirror/verbs.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { asJson, bytes, EXIT, explain } from '../terminal.ts';

/** What the options of a command select. */
export interface Selected {
  readonly config: string;
  readonly backend: string;
  /** All targets of the backend when left out. */
  readonly target?: string | undefined;
  /** All volumes when left out. */
  readonly volume?: readonly string[] | undefined;
}

/** A verb on the selected mirrors, all at once. */
type Verb = (
  dataMotion: DataMotion,
  selection: TargetedSelection,
  options: BackendVerbOptions,
) => Promise<readonly MirrorOutcome[]>;

export const verbs = {
  update:
    (options: { readonly wait: boolean }): Verb =>
    (dataMotion, selection, call) =>
      dataMotion.updateSnapmirrors(selection, { ...call, wait: options.wait }),
  quiesce: (): Verb => (dataMotion, selection, call) => dataMotion.quiesceSnapmirrors(selection, call),
  resume: (): Verb => (dataMotion, selection, call) => dataMotion.resumeSnapmirrors(selection, call),
  break: (): Verb => (dataMotion, selection, call) => dataMotion.breakSnapmirrors(selection, call),
  abort:
    (options: { readonly clearCheckpoint: boolean }): Verb =>
    (dataMotion, selection, call) =>
      dataMotion.abortSnapmirrors(selection, { ...call, clearCheckpoint: options.clearCheckpoint }),
  release:
    (options: { readonly keepSnapshots: boolean; readonly destinationLost: boolean }): Verb =>
    (dataMotion, selection, call) => {
      const { keepSnapshots, destinationLost } = options;
      return dataMotion.releaseSnapmirrors(selection, { ...call, keepSnapshots, destinationLost });
    },
  delete:
    (options: { readonly release: boolean }): Verb =>
    (dataMotion, selection, call) =>
      dataMotion.deleteSnapmirrors(selection, { ...call, release: options.release }),
} as const;

/** What a verb needs to know before it is run; an exit code ends the command instead. */
type Question = (terminal: Terminal, dataMotion: DataMotion, selection: Selected) => Promise<Verb | ExitCode>;

/** `ensure`; with `--repair` what would be discarded has to be acknowledged. */
export function ensuring(options: {
  readonly wait: boolean;
  readonly repair: boolean;
  readonly acceptLoss: boolean;
}): Question {
  if (!options.repair) return async () => ensure(options.wait, false);
  return acknowledging(options.acceptLoss, lossText, (accept) => ensure(options.wait, accept));
}

/** `resync`: what would be discarded has to be acknowledged. */
export function resyncing(options: {
  readonly wait: boolean;
  readonly keepNewerSnapshots: boolean;
  readonly quick: boolean;
  readonly acceptLoss: boolean;
}): Question {
  const { wait, keepNewerSnapshots, quick } = options;
  const textOf = keepNewerSnapshots ? lossTextKeepingSnapshots : lossText;
  return acknowledging(options.acceptLoss, textOf, (acceptLoss) => (dataMotion, selection, call) => {
    return dataMotion.resyncSnapmirrors(selection, { ...call, wait, keepNewerSnapshots, quick, acceptLoss });
  });
}

/**
 * Prints what would be discarded, and goes on only with the acknowledgement, and then only for what was printed. What cannot be
 * found out counts as a loss: the command ends.
 */
function acknowledging(
  acknowledged: boolean,
  textOf: (loss: ResyncLoss) => string,
  verb: (accept: AcceptLoss) => Verb,
): Question {
  return async (terminal, dataMotion, { backend: source, target, volume: volumes }) => {
    const previews = await dataMotion.previewResyncs({ source, target, volumes }, { signal: terminal.signal });
    const unknown = previews.filter(({ ok }) => !ok);
    if (unknown.length > 0) {
      terminal.note('nothing was done: it cannot be told what would be lost');
      return report(terminal, unknown);
    }
    const losses = previews.flatMap((preview) =>
      preview.ok && preview.result.loss !== undefined ? [{ pair: preview.pair, loss: preview.result.loss }] : [],
    );
    const told = losses.map(({ pair, loss }) => `${nameOf(pair)}: ${textOf(loss)}`);
    if (losses.length > 0 && !acknowledged) {
      terminal.document({ acknowledgementNeeded: '--accept-loss', losses });
      for (const line of told) terminal.say(line);
      terminal.note('nothing was done: add --accept-loss to discard this');
      return EXIT.acknowledgementNeeded;
    }
    for (const line of told) terminal.note(line);
    // A mirror that was broken off since, or has more to lose by now, was not acknowledged.
    const accepted = new Set(told);
    return verb((loss, pair) => accepted.has(`${nameOf(pair)}: ${textOf(loss)}`));
  };
}

function ensure(waitForBaseline: boolean, repair: boolean | AcceptLoss): Verb {
  return (dataMotion, selection, call) => dataMotion.ensureSnapmirrors(selection, { ...call, waitForBaseline, repair });
}

function lossText(loss: ResyncLoss): string {
  const { common, newerSnapshots, newerBytes } = loss;
  if (common === undefined) return 'cannot be resynced: source and destination have no snapshot in common';
  const names = newerSnapshots.map(({ name }) => name).join(', ');
  const size = newerBytes === undefined ? '' : ` with ${bytes(newerBytes)}`;
  const snapshots = names === '' ? '' : `, and its snapshots ${names}${size}`;
  return `the destination will lose everything written to it after ${timeOf(common)}${snapshots}`;
}

function lossTextKeepingSnapshots(loss: ResyncLoss): string {
  const newest = loss.newerSnapshots.at(-1) ?? loss.common;
  if (loss.common === undefined || newest === undefined) return lossText(loss);
  return `the destination will lose everything written to it after its snapshot ${timeOf(newest)}`;
}

function timeOf({ name, createdAt }: { readonly name: string; readonly createdAt: number }): string {
  return `${name} (${new Date(createdAt).toISOString()})`;
}

/** Runs a verb over the selected volumes and targets. */
export function runVerb(terminal: Terminal, selection: Selected, verb: Verb): Promise<ExitCode> {
  return runChosen(terminal, selection, async () => verb);
}

/** As runVerb, for a verb that is chosen by asking first. A target that fails as a whole stops no other. */
export async function runChosen(terminal: Terminal, selection: Selected, choose: Question): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, selection);
  const { backend: source, volume: volumes } = selection;
  const verb = await choose(terminal, dataMotion, selection);
  if (typeof verb === 'number') return verb;
  const progress = terminal.progress();
  const call: BackendVerbOptions = {
    signal: terminal.signal,
    onProgress: (at) => progress.step(nameOf(at.pair), at.step, at),
  };
  try {
    const targets = await targetsOf(dataMotion, selection);
    const found = await Promise.allSettled(
      targets.map((target) => verb(dataMotion, { source, target, volumes }, call)),
    );
    const outcomes = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const failures = found.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    for (const outcome of outcomes) progress.end(nameOf(outcome.pair), isDone(outcome) ? 'done' : 'failed');
    progress.stop();
    return report(terminal, outcomes, failures);
  } finally {
    progress.stop();
  }
}

function isDone(outcome: MirrorOutcome): boolean {
  return outcome.ok && partFailure(outcome.result) === undefined;
}

/** @param whole failures that are no single mirror's */
function report(terminal: Terminal, outcomes: readonly MirrorOutcome[], whole: readonly unknown[] = []): ExitCode {
  terminal.document({
    results: outcomes.map((outcome) =>
      outcome.ok
        ? { ...jsonResult(outcome.result), ok: isDone(outcome) }
        : { ok: false, pair: outcome.pair, error: asJson(outcome.error) },
    ),
    ...(whole.length === 0 ? {} : { errors: whole.map(asJson) }),
  });
  const failures: unknown[] = [...whole];
  for (const failure of whole) terminal.note(explain(failure));
  for (const outcome of outcomes) {
    const name = nameOf(outcome.pair);
    if (outcome.ok) terminal.say(`${name}: ${summary(outcome.result)}`);
    const failure = outcome.ok ? partFailure(outcome.result) : outcome.error;
    if (failure === undefined) continue;
    failures.push(failure);
    terminal.note(`${name}: ${explain(failure)}`);
  }
  if (outcomes.length === 0 && whole.length === 0) terminal.say('no volume to work on');
  if (failures.length === 0) return EXIT.done;
  return failures.every((error) => error instanceof ConfigError) ? EXIT.usage : EXIT.failed;
}

function summary({ relationship, actions, note }: MirrorResult): string {
  const did = actions.length > 0 ? actions.join(', ') : 'nothing to do';
  return `${relationship?.state ?? 'no relationship'} (${did})${note === undefined ? '' : `; ${note}`}`;
}

/** What went wrong beside a verb's main effect: a mount after a break, a release after a delete. */
function partFailure(result: MirrorResult & Partial<BreakResult & DeleteResult>): unknown {
  if (result.mount?.mounted === false) return result.mount.error;
  return result.release?.state === 'owed' ? result.release.error : undefined;
}

function jsonResult(result: MirrorResult & Partial<BreakResult & DeleteResult>): Record<string, unknown> {
  const { mount, release } = result;
  return {
    ...result,
    ...(mount === undefined || mount.mounted
      ? {}
      : { mount: { mounted: false, error: mount.error && asJson(mount.error) } }),
    ...(release?.state === 'owed' ? { release: { state: 'owed', error: asJson(release.error) } } : {}),
  };
}

export async function targetsOf(dataMotion: DataMotion, selection: Selected): Promise<readonly string[]> {
  if (selection.target !== undefined) return [selection.target];
  const targets = await dataMotion.getReplicationBackendNames(selection.backend);
  if (targets.length > 0) return targets;
  throw new ConfigError('CONFIG_INVALID', `backend ${selection.backend} has no replication target`, {
    object: selection.backend,
    remedy: 'add a replication_device to its section',
  });
}

function nameOf({ source, destination }: MirrorPair): string {
  return `${source.backend}:${source.volume} -> ${destination.backend}:${destination.volume}`;
}
