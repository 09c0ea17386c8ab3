/** Edge (layer 8): the commands on mirrors. Volumes are worked on one after the other; one failure stops nobody else. */
import { isPoolName } from '../../core/replication/targets.ts';
import type { DataMotion, MirrorStatus, Pair, VerbOptions } from '../../data-motion.ts';
import { ConfigError } from '../../errors.ts';
import type { MirrorResult } from '../../run/mirror/context.ts';
import type { BreakResult, DeleteResult } from '../../run/mirror/verbs.ts';
import type { Session } from '../session.ts';
import { openSession } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { asJson, duration, EXIT, explain } from '../terminal.ts';

export interface Selection {
  readonly config: string;
  readonly backend: string;
  /** All targets of the backend when left out. */
  readonly target?: string | undefined;
  /** All volumes when left out. */
  readonly volume?: readonly string[] | undefined;
}

export async function status(terminal: Terminal, selection: Selection): Promise<ExitCode> {
  await using session = await openSession(terminal, selection);
  const found: MirrorStatus[] = [];
  const failures: { target: string; error: unknown }[] = [];
  for (const target of await targetsOf(session, selection)) {
    try {
      const query = { source: selection.backend, target };
      const mirrors = await session.dataMotion.getSnapmirrors(query, { signal: terminal.signal });
      const { volume } = selection;
      found.push(...mirrors.filter((m) => volume === undefined || volume.includes(m.source.volume ?? '')));
    } catch (error) {
      failures.push({ target, error });
    }
  }
  terminal.document({
    mirrors: found,
    errors: failures.map(({ target, error }) => ({ target, error: asJson(error) })),
  });
  if (found.length > 0) {
    terminal.table(
      ['source', 'destination', 'state', 'protection', 'lag', 'last transfer'],
      found.map((m) => [
        m.source.path,
        m.destination.path,
        m.state,
        m.protection,
        m.state === 'uninitialized' ? '-' : duration(m.lagSeconds),
        m.transfer?.state ?? '-',
      ]),
    );
    for (const mirror of found) {
      for (const reason of mirror.unhealthyReasons) terminal.say(`${mirror.destination.path}: ${reason.message}`);
    }
  } else if (failures.length === 0) {
    terminal.say('no mirrors');
  }
  for (const { error } of failures) terminal.note(explain(error));
  return failures.length > 0 ? EXIT.failed : EXIT.done;
}

/** A verb on one pair, as a command runs it over many. */
type Verb = (dataMotion: DataMotion, pair: Pair, options: VerbOptions) => Promise<MirrorResult>;

export const verbs = {
  ensure:
    (options: { readonly wait: boolean }): Verb =>
    (dataMotion, pair, call) =>
      dataMotion.createSnapmirror(pair, { ...call, waitForBaseline: options.wait }),
  update:
    (options: { readonly wait: boolean }): Verb =>
    (dataMotion, pair, call) =>
      dataMotion.updateSnapmirror(pair, { ...call, wait: options.wait }),
  quiesce: (): Verb => (dataMotion, pair, call) => dataMotion.quiesceThenAbort(pair, call),
  resume: (): Verb => (dataMotion, pair, call) => dataMotion.resumeSnapmirror(pair, call),
  break: (): Verb => (dataMotion, pair, call) => dataMotion.breakSnapmirror(pair, call),
  resync:
    (options: { readonly wait: boolean }): Verb =>
    (dataMotion, pair, call) =>
      dataMotion.resyncSnapmirror(pair, { ...call, wait: options.wait }),
  delete:
    (options: { readonly release: boolean }): Verb =>
    (dataMotion, pair, call) =>
      dataMotion.deleteSnapmirror(pair, { ...call, release: options.release }),
} as const;

/** Runs a verb over the selected volumes and targets. */
export async function runVerb(terminal: Terminal, selection: Selection, verb: Verb): Promise<ExitCode> {
  await using session = await openSession(terminal, selection);
  const pairs = await pairsOf(session, selection);
  const progress = terminal.progress();
  const outcomes: Outcome[] = [];
  try {
    for (const pair of pairs) {
      const name = nameOf(pair);
      try {
        const result = await verb(session.dataMotion, pair, {
          signal: terminal.signal,
          onProgress: (at) => progress.step(name, at.step, at),
        });
        outcomes.push({ pair, result });
        progress.end(name, partFailure(result) === undefined ? 'done' : 'failed');
      } catch (error) {
        progress.end(name, 'failed');
        outcomes.push({ pair, error });
        if (terminal.signal.aborted) break;
      }
    }
  } finally {
    progress.stop();
  }
  return report(terminal, outcomes);
}

type Outcome =
  | { readonly pair: Pair; readonly result: MirrorResult }
  | { readonly pair: Pair; readonly error: unknown };

function report(terminal: Terminal, outcomes: readonly Outcome[]): ExitCode {
  terminal.document({
    results: outcomes.map((outcome) =>
      'result' in outcome
        ? { ok: partFailure(outcome.result) === undefined, ...jsonResult(outcome.result) }
        : { ok: false, pair: outcome.pair, error: asJson(outcome.error) },
    ),
  });
  const failures: unknown[] = [];
  for (const outcome of outcomes) {
    if ('error' in outcome) {
      failures.push(outcome.error);
      terminal.note(`${nameOf(outcome.pair)}: ${explain(outcome.error)}`);
      continue;
    }
    const { result } = outcome;
    const state = result.relationship?.state ?? 'no relationship';
    const did = result.actions.length > 0 ? result.actions.join(', ') : 'nothing to do';
    terminal.say(`${nameOf(outcome.pair)}: ${state} (${did})${result.note === undefined ? '' : `; ${result.note}`}`);
    const part = partFailure(result);
    if (part !== undefined) {
      failures.push(part);
      terminal.note(`${nameOf(outcome.pair)}: ${explain(part)}`);
    }
  }
  if (failures.length === 0) return EXIT.done;
  return failures.every((error) => error instanceof ConfigError) ? EXIT.usage : EXIT.failed;
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

async function targetsOf(session: Session, selection: Selection): Promise<readonly string[]> {
  if (selection.target !== undefined) return [selection.target];
  const targets = await session.dataMotion.getReplicationBackendNames(selection.backend);
  if (targets.length > 0) return targets;
  throw new ConfigError('CONFIG_INVALID', `backend ${selection.backend} has no replication target`, {
    object: selection.backend,
    remedy: 'add a replication_device to its section',
  });
}

async function pairsOf(session: Session, selection: Selection): Promise<readonly Pair[]> {
  const targets = await targetsOf(session, selection);
  const volumes = selection.volume ?? (await poolVolumes(session, selection));
  return targets.flatMap((target) =>
    volumes.map((volume) => ({
      source: { backend: selection.backend, volume },
      destination: { backend: target, volume },
    })),
  );
}

/** The backend's pools: its read-write volumes whose names match the configured pattern. */
async function poolVolumes(session: Session, selection: Selection): Promise<readonly string[]> {
  const backend = session.backend(selection.backend);
  const volumes = await session.dataMotion.getPools(selection.backend, { signal: session.signal });
  return volumes.map((volume) => volume.name).filter((name) => isPoolName(backend, name));
}

function nameOf(pair: Pair): string {
  const { source, destination } = pair;
  return `${source.backend}:${source.volume} -> ${destination.backend}:${destination.volume ?? source.volume}`;
}
