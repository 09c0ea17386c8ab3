/** Edge (layer 8): the mirrors of a backend as they are, once or again and again. */
import type { DataMotion, MirrorStatus } from '../../data-motion.ts';
import { systemClock } from '../../env.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { asJson, duration, EXIT, explain, tableText } from '../terminal.ts';
import { type Selected, targetsOf } from './mirrors.ts';

interface Seen {
  readonly mirrors: readonly MirrorStatus[];
  readonly failures: readonly { readonly target: string; readonly error: unknown }[];
}

export async function status(terminal: Terminal, selection: Selected): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, selection);
  const { mirrors, failures } = await look(dataMotion, selection, terminal.signal);
  terminal.document({ mirrors, errors: failures.map(({ target, error }) => ({ target, error: asJson(error) })) });
  if (mirrors.length > 0 || failures.length === 0) terminal.say(textOf(mirrors));
  for (const { error } of failures) terminal.note(explain(error));
  const seen = new Set(mirrors.map(({ source }) => source.volume));
  const missing = (selection.volume ?? []).filter((volume) => !seen.has(volume));
  if (missing.length > 0 && failures.length === 0) terminal.note(`no mirror of: ${missing.join(', ')}`);
  return failures.length > 0 ? EXIT.failed : EXIT.done;
}

/**
 * Looks every few seconds until it is interrupted: the table drawn anew on a terminal; elsewhere the table once, and then a line for
 * each change. A cluster that does not answer is told, and asked again.
 */
export async function watch(terminal: Terminal, selection: Selected & { interval: number }): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, selection);
  const { signal } = terminal;
  let before: ReadonlyMap<string, string> | undefined;
  while (!signal.aborted) {
    const seen = await look(dataMotion, selection, signal);
    if (signal.aborted) break;
    const now = linesOf(seen);
    const complete = seen.failures.length === 0;
    const at = new Date(systemClock.now()).toISOString();
    if (terminal.isScreen) terminal.redraw(`${at}\n${textOf(seen.mirrors)}\n${problems(seen)}`);
    else if (before === undefined) terminal.say(`${at}\n${textOf(seen.mirrors)}\n${problems(seen)}`.trimEnd());
    else for (const line of changes(before, now, complete)) terminal.say(`${at} ${line}`);
    before = complete ? now : new Map([...(before ?? []), ...now]);
    await systemClock.sleep(selection.interval * 1000, signal).catch(() => {});
  }
  return EXIT.done;
}

async function look(dataMotion: DataMotion, selection: Selected, signal: AbortSignal): Promise<Seen> {
  const { backend: source, volume } = selection;
  const mirrors: MirrorStatus[] = [];
  const failures: { target: string; error: unknown }[] = [];
  for (const target of await targetsOf(dataMotion, selection)) {
    try {
      const found = await dataMotion.getSnapmirrors({ source, target }, { signal });
      mirrors.push(...found.filter((mirror) => volume === undefined || volume.includes(mirror.source.volume ?? '')));
    } catch (error) {
      failures.push({ target, error });
    }
  }
  return { mirrors, failures };
}

function textOf(mirrors: readonly MirrorStatus[]): string {
  if (mirrors.length === 0) return 'no mirrors';
  const table = tableText(
    ['source', 'destination', 'state', 'protection', 'lag', 'last transfer'],
    mirrors.map((mirror) => [
      mirror.source.path,
      mirror.destination.path,
      mirror.state,
      mirror.protection,
      mirror.state === 'uninitialized' ? '-' : duration(mirror.lagSeconds),
      mirror.transfer?.state ?? '-',
    ]),
  );
  const reasons = mirrors.flatMap(({ destination, unhealthyReasons }) =>
    unhealthyReasons.map(({ message }) => `${destination.path}: ${message}`),
  );
  return [table, ...reasons].join('\n');
}

function problems({ failures }: Seen): string {
  return failures.map(({ error }) => explain(error)).join('\n');
}

/** What is worth a line when it changes, by what it is about; the lag always does. */
function linesOf({ mirrors, failures }: Seen): ReadonlyMap<string, string> {
  return new Map([
    ...mirrors.map(({ source, destination, state, protection, transfer }) => {
      const words = [state, protection, transfer?.state ?? 'no transfer'].join(', ');
      return [`${source.path} -> ${destination.path}`, words] as const;
    }),
    ...failures.map(({ target, error }) => [`target ${target}`, explain(error)] as const),
  ]);
}

/** While a target does not answer, its mirrors are not taken for gone. */
function changes(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  complete: boolean,
): readonly string[] {
  const changed = [...now].filter(([name, words]) => before.get(name) !== words);
  const gone = complete ? [...before.keys()].filter((name) => !now.has(name)) : [];
  return [...changed.map(([name, words]) => `${name}: ${words}`), ...gone.map((name) => `${name}: gone`)];
}
