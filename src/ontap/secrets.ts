/**
 * Adapter (layer 6): reads what a backend's credentials refer to: variables, files, folders of certificates. What they mean is
 * decided in core/replication.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import type { BackendConfiguration, ReplicationProblem, SecretReference } from '../core/replication/configuration.ts';
import { ConfigError } from '../errors.ts';

/** Variables of the environment: `process.env`, or a part of it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A backend's secrets, read. Keep them as short as the client needs them, and never in a log. */
export interface BackendSecrets {
  readonly auth:
    | { readonly user: string; readonly password: string }
    | { readonly certificate: string; readonly key: string };
  /** PEM text of the certificates to trust. */
  readonly ca?: string | undefined;
  /** What the operator should know: secrets that others can read. */
  readonly notes: readonly ReplicationProblem[];
}

/**
 * Reads what a backend's credentials refer to: a variable or a file for the password (one line feed at its end is no part of it), PEM files
 * for certificates, all files of a folder of certificates.
 * @throws ConfigError `CONFIG_SECRET_MISSING`
 */
export async function resolveSecrets(backend: BackendConfiguration, env: Environment): Promise<BackendSecrets> {
  const { credentials, tls } = backend;
  const notes: ReplicationProblem[] = [];
  const ca = tls.verify && tls.caFile !== undefined ? await readCertificates(backend, tls.caFile) : undefined;
  if (credentials.kind === 'certificate') {
    const certificate = await readSecretFile(backend, 'client certificate', credentials.certificateFile);
    const privateKey = await readSecretFile(backend, 'private key', credentials.privateKeyFile);
    notes.push(...(await remarkOpenFile(backend, 'private key', credentials.privateKeyFile)));
    return { auth: { certificate, key: privateKey }, ca, notes };
  }
  const password = await readPassword(backend, credentials.password, env, notes);
  return { auth: { user: credentials.user, password }, ca, notes };
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

export function variablesOf(reference: SecretReference): readonly string[] {
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
export async function isWorldReadable(path: string): Promise<boolean> {
  if (platform() === 'win32') return false;
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

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown reason';
}
