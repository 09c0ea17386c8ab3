import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatProblems, loadConfiguration, parseNative } from '../../src/cli/configuration.ts';
import type {
  BackendConfiguration,
  CredentialReference,
  TlsConfiguration,
} from '../../src/core/replication/configuration.ts';
import { resolveReplication } from '../../src/core/replication/resolution.ts';
import { ConfigError } from '../../src/errors.ts';
import { resolveSecrets } from '../../src/ontap/secrets.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'configuration-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function file(name: string, content: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

async function refusal(work: Promise<unknown>): Promise<ConfigError> {
  const error = await work.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof ConfigError) return error;
  throw error;
}

const CINDER = `[DEFAULT]
enabled_backends = c1
[c1]
volume_driver = cinder.volume.drivers.netapp.common.NetAppDriver
netapp_server_hostname = c1.example.com
netapp_vserver = svm1
netapp_login = admin
netapp_ssl_cert_path = ca.pem
`;
const YAML = `version: 1
backends:
  c1:
    host: c1.example.com
    svm: svm1
    user: admin
    tls: { caFile: ca.pem }
`;
const JSON_TEXT = JSON.stringify({
  version: 1,
  backends: { c1: { host: 'c1.example.com', svm: 'svm1', user: 'admin', tls: { caFile: 'ca.pem' } } },
});

describe('loading a configuration', () => {
  it.each([
    ['cinder.conf', CINDER, 'cinder.conf'],
    ['cinder', CINDER, 'cinder.conf'],
    ['with-comments', `# x\n\n; y\n${CINDER}`, 'cinder.conf'],
    ['dos.conf', `\uFEFF${CINDER.replaceAll('\n', '\r\n')}`, 'cinder.conf'],
    ['native.yaml', YAML, 'native'],
    ['native.yml', `\uFEFF${YAML.replaceAll('\n', '\r\n')}`, 'native'],
    ['native', YAML, 'native'],
    ['native.json', JSON_TEXT, 'native'],
    ['json', JSON_TEXT, 'native'],
  ])('%s is recognised, and its paths are relative to its folder', async (name, text, dialect) => {
    const path = await file(name, text);
    const loaded = await loadConfiguration(path, { env: { DATAMOTION_PASSWORD_C1: 'x' } });
    expect(loaded).toMatchObject({ path, dialect, notes: [] });
    expect(loaded.configuration.backends).toMatchObject([
      { name: 'c1', host: 'c1.example.com', tls: { caFile: join(folder, 'ca.pem') } },
    ]);
  });

  it('all problems of a file come in one error, which the formatter puts into lines', async () => {
    const path = await file(
      'broken.conf',
      CINDER.replace('= svm1', '=').replace('admin', 'admin\nnetapp_server_port = 0'),
    );
    const error = await refusal(loadConfiguration(path, { env: {} }));
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      object: path,
      message: `${path} cannot be used: 2 problems`,
    });
    expect(formatProblems(path, error.problems)).toBe(
      [
        `${path}:6: [c1] netapp_vserver: the option is missing (expected text on one line)`,
        `${path}:8: [c1] netapp_server_port: the value is too small (expected a whole number from 1 to 65535)`,
      ].join('\n'),
    );
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ problems: [{ line: 6 }, { line: 8 }] });
  });

  it.each([
    ['not there', async () => join(folder, 'absent.conf'), 'ENOENT'],
    ['a folder', async () => folder, 'EISDIR'],
    ['no text in UTF-8', () => file('latin1.conf', new Uint8Array([0x5b, 0xe4, 0x5d])), 'is not a text in UTF-8'],
  ])('a file that is %s is unreadable', async (_name, make, text) => {
    const error = await refusal(loadConfiguration(await make(), { env: {} }));
    expect(error.code).toBe('CONFIG_UNREADABLE');
    expect(error.message).toContain(text);
  });

  it('a password that is expected in the environment and is not there is noted', async () => {
    const path = await file('cinder.conf', CINDER);
    const { notes } = await loadConfiguration(path, { env: { DATAMOTION_PASSWORD_C1: '' } });
    expect(notes).toMatchObject([
      {
        section: 'c1',
        line: 3,
        message: expect.stringContaining('DATAMOTION_PASSWORD_C1 or DATAMOTION_PASSWORD_FILE_C1'),
      },
    ]);
  });

  it('passwords in a file that everybody can read are noted', async () => {
    const text = `${CINDER}netapp_password = hunter2\n`;
    const loose = await loadConfiguration(await file('loose.conf', text, 0o644), { env: {} });
    const tight = await loadConfiguration(await file('tight.conf', text, 0o640), { env: {} });
    expect(loose.notes).toMatchObject([
      { line: 1, message: 'the file has passwords in it, and everybody on this machine can read it' },
    ]);
    expect(tight.notes).toEqual([]);
    expect(JSON.stringify(loose.notes)).not.toContain('hunter2');
  });
});

describe('lines of the native format', () => {
  const problemsOf = (text: string) => {
    const resolution = resolveReplication(parseNative(text));
    return resolution.ok
      ? []
      : resolution.problems.map(({ line, section, option, message }) => [line, section, option, message]);
  };

  it('are those of the keys, through groups, lists and flow style', () => {
    const text = `# comment
version: 1
backends:
  c1:
    host: c1
    svm: svm1
    user: admin
    quiesceTimeoutSeconds: soon
    tls:
      verify: perhaps
    targets:
      - backend: c2
      - { backend: c2,
          aggregates: { a: 1 } }
  c2: { host: c2, user: admin,
        policie: Sync }
`;
    expect(problemsOf(text)).toEqual([
      [8, 'backends.c1', 'quiesceTimeoutSeconds', 'the value is not a whole number'],
      [10, 'backends.c1', 'tls.verify', 'the value is neither true nor false'],
      [13, 'backends.c1', 'targets[1].backend', 'the target c2 is listed twice'],
      [14, 'backends.c1', 'targets[1].aggregates.a', 'the names of aggregates have to be text'],
      [15, 'backends.c2', 'svm', 'the option is missing'],
      [16, 'backends.c2', 'policie', 'the key is unknown'],
    ]);
  });

  it.each([
    ['version: 1\nbackends:\n  c1: {\n', 4],
    ['version: 1\nversion: 1\n', 2],
    ['version: 1\n---\nversion: 1\n', 2],
    ['a: *nothing\n', 1],
    ['a: "hunter2\n', 2],
  ])('of what is no YAML: %j', (text, line) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toEqual([line, '', undefined, expect.stringMatching(/^not YAML: /)]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it('anchors, aliases and merged keys are followed; endless ones are refused', () => {
    const text =
      'version: 1\ndefaults: &d { user: admin, svm: s }\nbackends:\n  a: { <<: *d, host: a }\n  b: { <<: *d, host: b, port: 0 }\n';
    expect(problemsOf(text)).toEqual([[5, 'backends.b', 'port', 'the value is too small']]);
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(', ')}]`,
    );
    expect(problemsOf(`l0: &l0 [1]\n${levels.join('\n')}\n`)).toEqual([
      [1, '', undefined, 'not YAML: an alias cannot be resolved'],
    ]);
  });
});

describe('secrets', () => {
  const NO_TLS: TlsConfiguration = { verify: true, caFile: undefined, hostValidation: true };

  function backend(credentials: CredentialReference, tls: TlsConfiguration = NO_TLS): BackendConfiguration {
    const resolution = resolveReplication(parseNative(YAML));
    const [one] = resolution.ok ? resolution.configuration.backends : [];
    if (one === undefined) throw new Error('the text has no backend');
    return { ...one, credentials, tls };
  }
  const password = (reference: Extract<CredentialReference, { kind: 'password' }>['password']) =>
    backend({ kind: 'password', user: 'admin', password: reference });

  it('a password comes from the value, a variable or a file, and loses one line feed only', async () => {
    const path = await file('password', 'hunter2\n\n');
    const both = { env: 'P', fileEnv: 'F' };
    const given = await Promise.all([
      resolveSecrets(password({ literal: 'a' }), {}),
      resolveSecrets(password({ env: 'P' }), { P: 'b\n' }),
      resolveSecrets(password({ file: path }), {}),
      resolveSecrets(password(both), { P: 'c', F: path }),
      resolveSecrets(password(both), { P: '', F: path }),
    ]);
    expect(given.map(({ auth }) => auth)).toEqual(
      ['a', 'b\n', 'hunter2\n', 'c', 'hunter2\n'].map((text) => ({ user: 'admin', password: text })),
    );
    expect(given.flatMap(({ notes }) => notes)).toEqual([]);
  });

  it.each<[string, Parameters<typeof password>[0], string]>([
    ['a variable that is not set', { env: 'P' }, 'Set the environment variable P.'],
    ['neither variable', { env: 'P', fileEnv: 'F' }, 'Set the environment variable P, or the path of a file in F.'],
    ['a file that is not there', { file: 'absent' }, 'Make absent a file that this user can read (ENOENT).'],
  ])('%s is missing, with the remedy', async (_name, reference, remedy) => {
    const error = await refusal(resolveSecrets(password(reference), {}));
    expect(error).toMatchObject({ code: 'CONFIG_SECRET_MISSING', object: 'c1', cluster: 'c1.example.com', remedy });
  });

  it('an empty password file is a missing password', async () => {
    const error = await refusal(resolveSecrets(password({ file: await file('empty', '\n') }), {}));
    expect(error.code).toBe('CONFIG_SECRET_MISSING');
  });

  it('a password file or a key that everybody can read is noted', async () => {
    const loose = await file('loose', 'x', 0o644);
    const tight = await file('tight', 'x', 0o640);
    const certificate = (key: string) => backend({ kind: 'certificate', certificateFile: loose, privateKeyFile: key });
    const notes = async (one: BackendConfiguration) =>
      (await resolveSecrets(one, {})).notes.map((note) => note.expected);
    expect(await notes(password({ file: loose }))).toEqual([`chmod o-rwx ${loose}`]);
    expect(await notes(certificate(loose))).toEqual([`chmod o-rwx ${loose}`]);
    expect(await notes(password({ file: tight }))).toEqual([]);
    expect(await notes(certificate(tight))).toEqual([]);
  });

  it('a certificate comes with its key', async () => {
    const [certificateFile, privateKeyFile] = [await file('c.pem', 'CERT'), await file('k.pem', 'KEY')];
    const { auth } = await resolveSecrets(backend({ kind: 'certificate', certificateFile, privateKeyFile }), {});
    expect(auth).toEqual({ certificate: 'CERT', key: 'KEY' });
    const error = await refusal(
      resolveSecrets(backend({ kind: 'certificate', certificateFile, privateKeyFile: 'absent' }), {}),
    );
    expect(error).toMatchObject({
      code: 'CONFIG_SECRET_MISSING',
      message: 'the private key of backend c1 is not there',
    });
  });

  it('trusted certificates come from a file, or from all files of a folder, each once', async () => {
    const pem = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;
    const one = await file('one.pem', pem('one'));
    const ca = async (caFile: string, verify = true) =>
      (
        await resolveSecrets(
          backend({ kind: 'password', user: 'u', password: { literal: 'p' } }, { ...NO_TLS, verify, caFile }),
          {},
        )
      ).ca;
    expect(await ca(one)).toBe(pem('one'));
    expect(await ca('absent', false)).toBeUndefined();

    const certificates = join(folder, 'certs');
    await mkdir(join(certificates, 'folder'), { recursive: true });
    expect((await refusal(ca(certificates))).code).toBe('CONFIG_SECRET_MISSING');
    await writeFile(join(certificates, 'two.pem'), pem('two'));
    await writeFile(join(certificates, 'README'), 'no certificate');
    await symlink('two.pem', join(certificates, 'abcd1234.0'));
    await symlink(one, join(certificates, 'one.0'));
    await symlink('nowhere', join(certificates, 'dangling.0'));
    expect(await ca(certificates)).toBe([pem('two'), pem('one')].join('\n'));
  });
});
