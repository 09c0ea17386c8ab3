/**
 * Edge (layer 8): configuration files and the secrets they refer to. The only place that reads them; what they mean is decided in
 * core/replication.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { parseCinderConf } from '../core/replication/cinder-conf.ts';
import type {
  BackendConfiguration,
  ReplicationConfiguration,
  ReplicationProblem,
  SecretReference,
} from '../core/replication/configuration.ts';
import { type NativePath, readNative } from '../core/replication/native.ts';
import type { Dialect, RawDocument } from '../core/replication/raw-document.ts';
import { resolveReplication } from '../core/replication/resolution.ts';
import { ConfigError, type ConfigProblem } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

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

/** A backend's secrets, read. Keep it as short as the client needs it, and never in a log. */
export interface ResolvedSecrets {
  readonly credentials:
    | { readonly kind: 'password'; readonly user: string; readonly password: string }
    | { readonly kind: 'certificate'; readonly certificate: string; readonly privateKey: string };
  /** PEM text of the certificates to trust. */
  readonly ca: string | undefined;
  readonly notes: readonly ReplicationProblem[];
}

/**
 * Reads what a backend's credentials refer to: a variable or a file for the password (one line feed at its end is no part of it), PEM files
 * for certificates, all files of a folder of certificates.
 * @throws ConfigError `CONFIG_SECRET_MISSING`
 */
export async function resolveSecrets(backend: BackendConfiguration, env: Environment): Promise<ResolvedSecrets> {
  const { credentials, tls } = backend;
  const notes: ReplicationProblem[] = [];
  const ca = tls.verify && tls.caFile !== undefined ? await readCertificates(backend, tls.caFile) : undefined;
  if (credentials.kind === 'certificate') {
    const certificate = await readSecretFile(backend, 'client certificate', credentials.certificateFile);
    const privateKey = await readSecretFile(backend, 'private key', credentials.privateKeyFile);
    notes.push(...(await remarkOpenFile(backend, 'private key', credentials.privateKeyFile)));
    return { credentials: { kind: 'certificate', certificate, privateKey }, ca, notes };
  }
  const password = await readPassword(backend, credentials.password, env, notes);
  return { credentials: { kind: 'password', user: credentials.user, password }, ca, notes };
}

async function readPassword(
  backend: BackendConfiguration,
  reference: SecretReference,
  env: Environment,
  notes: ReplicationProblem[],
): Promise<string> {
  if ('literal' in reference) return reference.literal;
  const inEnvironment = 'env' in reference ? env[reference.env] : undefined;
  if (inEnvironment !== undefined && inEnvironment !== '') return inEnvironment;
  const file =
    'file' in reference ? reference.file : reference.fileEnv === undefined ? undefined : env[reference.fileEnv];
  if (file === undefined || file === '') {
    throw missingSecret(
      backend,
      'password',
      `Set the environment variable ${variablesOf(reference).join(', or the path of a file in ')}.`,
    );
  }
  notes.push(...(await remarkOpenFile(backend, 'password', file)));
  const password = (await readSecretFile(backend, 'password', file)).replace(/\r?\n$/, '');
  if (password === '') throw missingSecret(backend, 'password', `Put the password in ${file}, which is empty.`);
  return password;
}

function variablesOf(reference: SecretReference): readonly string[] {
  if (!('env' in reference)) return [];
  return reference.fileEnv === undefined ? [reference.env] : [reference.env, reference.fileEnv];
}

async function readSecretFile(backend: BackendConfiguration, what: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw missingSecret(backend, what, `Make ${path} a file that this user can read (${codeOf(cause)}).`, cause);
  }
}

/** Of a folder every file counts that can be read, links too: that is how systems keep theirs. */
async function readCertificates(backend: BackendConfiguration, path: string): Promise<string> {
  const what = 'list of trusted certificates';
  const names = await readdir(path).catch(() => undefined);
  if (names === undefined) return readSecretFile(backend, what, path);
  const texts = await Promise.all(names.sort().map((name) => readFile(join(path, name), 'utf8').catch(() => '')));
  const certificates = new Set(texts.filter((text) => text.includes('-----BEGIN CERTIFICATE-----')));
  if (certificates.size === 0)
    throw missingSecret(backend, what, `Put PEM files of certificates in ${path}, which has none.`);
  return [...certificates].join('\n');
}

function missingSecret(backend: BackendConfiguration, what: string, remedy: string, cause?: unknown): ConfigError {
  return new ConfigError('CONFIG_SECRET_MISSING', `the ${what} of backend ${backend.name} is not there`, {
    attempted: `read the ${what}`,
    cluster: backend.host,
    object: backend.name,
    remedy,
    cause,
  });
}

/** Everybody on the machine may read it. Windows has no such bit, and says nothing. */
async function isWorldReadable(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  return stat(path).then(
    (found) => (found.mode & 0o004) !== 0,
    () => false,
  );
}

async function remarkOpenFile(
  backend: BackendConfiguration,
  what: string,
  path: string,
): Promise<ReplicationProblem[]> {
  if (!(await isWorldReadable(path))) return [];
  return [
    {
      section: backend.name,
      message: `everybody on this machine can read the ${what}: ${path}`,
      expected: `chmod o-rwx ${path}`,
    },
  ];
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
