/** Edge (layer 8): the commands on mirrors. Volumes are worked on all at once; one failure stops nobody else. */
import type { ResyncLoss } from '../../core/mirror/loss.ts';
import type { BackendVerbOptions, DataMotion, TargetedSelection } from '../../data-motion.ts';
import { ConfigError } from '../../errors.ts';
import type { MirrorPair, MirrorResult } from '../../run/mirror/context.ts';
import type { MirrorOutcome } from '../../run/mirror/many.ts';
import type { BreakResult, DeleteResult } from '../../run/mirror/verbs.ts';
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
  ensure:
    (options: { readonly wait: boolean; readonly repair: boolean }): Verb =>
    (dataMotion, selection, call) =>
      dataMotion.ensureSnapmirrors(selection, { ...call, waitForBaseline: options.wait, repair: options.repair }),
  update:
    (options: { readonly wait: boolean }): Verb =>
    (dataMotion, selection, call) =>
      dataMotion.updateSnapmirrors(selection, { ...call, wait: options.wait }),
  quiesce: (): Verb => (dataMotion, selection, call) => dataMotion.quiesceSnapmirrors(selection, call),
  resume: (): Verb => (dataMotion, selection, call) => dataMotion.resumeSnapmirrors(selection, call),
  break: (): Verb => (dataMotion, selection, call) => dataMotion.breakSnapmirrors(selection, call),
  resync:
    (options: { readonly wait: boolean; readonly keepNewerSnapshots: boolean; readonly quick: boolean }): Verb =>
    (dataMotion, selection, call) => {
      const { wait, keepNewerSnapshots, quick } = options;
      return dataMotion.resyncSnapmirrors(selection, { ...call, wait, keepNewerSnapshots, quick });
    },
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

/** Asks before a verb whether it may be done; an exit code ends the command. */
type Question = (terminal: Terminal, dataMotion: DataMotion, selection: Selected) => Promise<ExitCode | undefined>;

/** Prints what a repair would discard, and goes on only with the acknowledgement. */
export function acknowledged(options: { readonly repair: boolean; readonly acceptLoss: boolean }): Question {
  return async (terminal, dataMotion, { backend: source, target, volume: volumes }) => {
    if (!options.repair) return undefined;
    const previews = await dataMotion.previewResyncs({ source, target, volumes }, { signal: terminal.signal });
    const losses = previews.flatMap((preview) =>
      preview.ok && preview.result.loss !== undefined ? [{ pair: preview.pair, loss: preview.result.loss }] : [],
    );
    if (losses.length === 0) return undefined;
    const told = losses.map(({ pair, loss }) => `${nameOf(pair)}: ${lossText(loss)}`);
    if (options.acceptLoss) {
      for (const line of told) terminal.note(line);
      return undefined;
    }
    terminal.document({ acknowledgementNeeded: '--accept-loss', losses });
    for (const line of told) terminal.say(line);
    terminal.note('nothing was done: add --accept-loss to discard this');
    return EXIT.acknowledgementNeeded;
  };
}

function lossText({ common, newerSnapshots, newerBytes }: ResyncLoss): string {
  if (common === undefined) return 'cannot be resynced: source and destination have no snapshot in common';
  const since = `${common.name} (${new Date(common.createdAt).toISOString()})`;
  const names = newerSnapshots.map(({ name }) => name).join(', ');
  const size = newerBytes === undefined ? '' : ` with ${bytes(newerBytes)}`;
  const snapshots = names === '' ? '' : `, and its snapshots ${names}${size}`;
  return `the destination will lose everything written to it after ${since}${snapshots}`;
}

/** Runs a verb over the selected volumes, target by target. */
export async function runVerb(
  terminal: Terminal,
  selection: Selected,
  verb: Verb,
  question?: Question,
): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, selection);
  const answer = await question?.(terminal, dataMotion, selection);
  if (answer !== undefined) return answer;
  const { backend: source, volume: volumes } = selection;
  const progress = terminal.progress();
  const outcomes: MirrorOutcome[] = [];
  try {
    for (const target of await targetsOf(dataMotion, selection)) {
      const found = await verb(
        dataMotion,
        { source, target, volumes },
        {
          signal: terminal.signal,
          onProgress: (at) => progress.step(nameOf(at.pair), at.step, at),
        },
      );
      for (const outcome of found) progress.end(nameOf(outcome.pair), isDone(outcome) ? 'done' : 'failed');
      outcomes.push(...found);
    }
  } finally {
    progress.stop();
  }
  return report(terminal, outcomes);
}

function isDone(outcome: MirrorOutcome): boolean {
  return outcome.ok && partFailure(outcome.result) === undefined;
}

function report(terminal: Terminal, outcomes: readonly MirrorOutcome[]): ExitCode {
  terminal.document({
    results: outcomes.map((outcome) =>
      outcome.ok
        ? { ...jsonResult(outcome.result), ok: isDone(outcome) }
        : { ok: false, pair: outcome.pair, error: asJson(outcome.error) },
    ),
  });
  const failures: unknown[] = [];
  for (const outcome of outcomes) {
    const name = nameOf(outcome.pair);
    if (outcome.ok) terminal.say(`${name}: ${summary(outcome.result)}`);
    const failure = outcome.ok ? partFailure(outcome.result) : outcome.error;
    if (failure === undefined) continue;
    failures.push(failure);
    terminal.note(`${name}: ${explain(failure)}`);
  }
  if (outcomes.length === 0) terminal.say('no volume to work on');
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
