/**
 * Edge (layer 8): configuration files and the secrets they refer to. The only place that reads them; what they mean is decided in
 * core/replication.
 */
import { readFile } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { parseCinderConf } from '../core/replication/cinder-conf.ts';
import type { ReplicationConfiguration, ReplicationProblem } from '../core/replication/configuration.ts';
import { type NativePath, readNative } from '../core/replication/native.ts';
import type { Dialect, RawDocument } from '../core/replication/raw-document.ts';
import { resolveReplication } from '../core/replication/resolution.ts';
import { ConfigError, type ConfigProblem } from '../errors.ts';
import { type Environment, isWorldReadable, variablesOf } from '../ontap/secrets.ts';

export interface LoadedConfiguration {
  readonly configuration: ReplicationConfiguration;
  /** No obstacle, but the reader should know. */
  readonly notes: readonly ReplicationProblem[];
  readonly path: string;
  readonly dialect: Dialect;
}

/**
 * Reads and resolves a configuration file: cinder.conf, or the native format in YAML or JSON. Paths in the file are relative to its
 * folder. No secret is read; a password that is expected in the environment and is not there is noted.
 * @throws ConfigError `CONFIG_UNREADABLE`; `CONFIG_INVALID` with every problem of the file
 */
export async function loadConfiguration(
  path: string,
  { env }: { readonly env: Environment },
): Promise<LoadedConfiguration> {
  const text = await readText(path);
  const dialect = dialectOf(path, text);
  const document = dialect === 'native' ? parseNative(text) : parseCinderConf(text);
  const folder = dirname(resolve(path));
  const resolution = resolveReplication(document, { resolvePath: (file) => resolve(folder, file) });
  if (!resolution.ok) {
    const { problems } = resolution;
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    throw new ConfigError('CONFIG_INVALID', `${path} cannot be used: ${count}`, {
      attempted: 'read the configuration',
      object: path,
      remedy: 'Correct what the problems name; `datamotion config check` lists them again.',
      problems,
    });
  }
  const { configuration } = resolution;
  const notes = [
    ...resolution.notes,
    ...missingPasswords(configuration, document, env),
    ...(await openSecrets(path, configuration)),
  ];
  return { configuration, notes, path, dialect };
}

/** What is remarkable about a configuration that can be used, as a line. */
export function formatNote({ section, message }: ReplicationProblem): string {
  return `note: ${section ? `[${section}] ` : ''}${message}`;
}

/** One line a problem: `file:line [section] option: message (expected ...)`. */
export function formatProblems(path: string, problems: readonly ConfigProblem[]): string {
  return problems.map((problem) => formatProblem(path, problem)).join('\n');
}

function formatProblem(path: string, { section, option, line, message, expected }: ConfigProblem): string {
  const place = line === undefined ? path : `${path}:${line}`;
  const where = [section === '' ? undefined : `[${section}]`, option === undefined ? undefined : `${option}:`];
  const wanted = expected === undefined ? undefined : `(expected ${expected})`;
  return [`${place}:`, ...where, message, wanted].filter((part) => part !== undefined).join(' ');
}

async function openSecrets(path: string, { backends }: ReplicationConfiguration): Promise<ReplicationProblem[]> {
  const literal = backends.some(
    ({ credentials }) => credentials.kind === 'password' && 'literal' in credentials.password,
  );
  if (!literal || !(await isWorldReadable(path))) return [];
  return [
    {
      section: '',
      line: 1,
      message: 'the file has passwords in it, and everybody on this machine can read it',
      expected: `chmod o-rwx ${path}`,
    },
  ];
}

function missingPasswords(
  { backends }: ReplicationConfiguration,
  document: RawDocument,
  env: Environment,
): ReplicationProblem[] {
  return backends.flatMap(({ name, credentials }) => {
    if (credentials.kind !== 'password') return [];
    const variables = variablesOf(credentials.password);
    if (variables.length === 0 || variables.some((variable) => (env[variable] ?? '') !== '')) return [];
    const section = document.sections.find((one) => one.name.toLowerCase() === name.toLowerCase());
    const message = `the password is expected in the environment and is not there: ${variables.join(' or ')}`;
    return [{ section: section?.label ?? name, ...(section?.line !== undefined && { line: section.line }), message }];
  });
}

async function readText(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw unreadable(
      path,
      `${path} cannot be read (${codeOf(cause)})`,
      'Give the path of a file that this user can read.',
      cause,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw unreadable(
      path,
      `${path} is not a text in UTF-8`,
      'Give a cinder.conf, or the native format in YAML or JSON.',
      cause,
    );
  }
}

function unreadable(path: string, message: string, remedy: string, cause: unknown): ConfigError {
  return new ConfigError('CONFIG_UNREADABLE', message, {
    attempted: 'read the configuration',
    object: path,
    remedy,
    cause,
  });
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown reason';
}

/** The name's ending decides; where it says nothing, a file whose first line of substance is a [section] is a cinder.conf. */
function dialectOf(path: string, text: string): Dialect {
  const ending = extname(path).toLowerCase();
  if (['.yaml', '.yml', '.json'].includes(ending)) return 'native';
  if (['.conf', '.ini'].includes(ending)) return 'cinder.conf';
  const first = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .find((line) => !/^\s*([#;].*)?$/.test(line));
  return first === undefined || /^\[[^\]]*\]\s*$/.test(first) ? 'cinder.conf' : 'native';
}

/** JSON is read as YAML, which it is, for the sake of the lines. */
export function parseNative(text: string): RawDocument {
  const lines = new LineCounter();
  const parsed = parseDocument(text.replace(/^\uFEFF/, ''), { lineCounter: lines, prettyErrors: false, merge: true });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const syntax = parsed.errors.map(
    (error): ReplicationProblem => ({
      section: '',
      line: lineAt(error.pos[0]),
      message: `not YAML: ${error.code.toLowerCase().replaceAll('_', ' ')}`,
      expected: 'YAML or JSON',
    }),
  );
  if (syntax.length > 0) return { dialect: 'native', line: 1, sections: [], problems: syntax, notes: [] };
  let value: unknown;
  try {
    value = parsed.toJS();
  } catch {
    // An alias of nothing, or aliases of aliases without end.
    const problem = {
      section: '',
      line: 1,
      message: 'not YAML: an alias cannot be resolved',
      expected: 'anchors above their aliases',
    };
    return { dialect: 'native', line: 1, sections: [], problems: [problem], notes: [] };
  }
  return readNative(value, (path) => lineOf(parsed.contents, path, lineAt));
}

/** The line of the deepest node on the path: of the key, where there is one. */
function lineOf(root: Node | null, path: NativePath, lineAt: (offset: number) => number): number {
  let node: unknown = root;
  let line = 1;
  for (const key of path) {
    let offset: number | undefined;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      offset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
      node = pair?.value;
    } else if (isSeq(node) && typeof key === 'number') {
      node = node.items[key];
      offset = (node as Node | undefined)?.range?.[0];
    }
    if (offset === undefined) break;
    line = lineAt(offset);
    if (isAlias(node)) break;
  }
  return line;
}
