/** Core (layer 1): how a backend logs in and whom it trusts, as references to secrets and files. */
import type { CredentialReference, SecretReference, TlsConfiguration } from './configuration.ts';
import type { Context, Member } from './members.ts';
import type { BackendReader } from './option-reader.ts';

/** A client certificate wins over a password, as in Cinder. A user without a password has it in the environment. */
export function credentialsOf(member: Member, options: BackendReader, context: Context): CredentialReference {
  const password = passwordOf(member, options, context);
  const pair = ['netapp_certificate_file', 'netapp_private_key_file'] as const;
  const [one, lacking] = options.isSet(pair[0]) ? pair : ([pair[1], pair[0]] as const);
  if (options.isSet(one)) {
    if (!options.isSet(lacking)) {
      const message = `a client certificate needs ${options.label(lacking)} too`;
      context.findings.problem(options.placeOf(one), message, 'the certificate and its key');
    } else if (password !== undefined) {
      context.findings.note(options.placeOf(one), 'the client certificate is used, and the password is not');
    }
    const path = (name: (typeof pair)[number]) => context.resolvePath(options.value(name) ?? '');
    return { kind: 'certificate', certificateFile: path(pair[0]), privateKeyFile: path(pair[1]) };
  }
  if (!options.isSet('netapp_login')) {
    const login = options.label('netapp_login');
    if (password === undefined) {
      const message = 'there are neither a user and a password nor a client certificate';
      context.findings.problem(
        options.here(),
        message,
        `${login} and a password, or ${pair.map((name) => options.label(name)).join(' and ')}`,
      );
    } else {
      context.findings.problem(options.here(), 'there is a password but no user', login);
    }
  }
  const user = options.value('netapp_login') ?? '';
  return { kind: 'password', user, password: password ?? passwordInEnvironment(member.name) };
}

const PASSWORD_OPTIONS = ['netapp_password', 'datamotion_password_env', 'datamotion_password_file'] as const;

/** The section's own password, however it is given, goes before one of [backend_defaults], however that is. */
function passwordOf(member: Member, options: BackendReader, context: Context): SecretReference | undefined {
  const set = PASSWORD_OPTIONS.filter((name) => options.isSet(name));
  const own = set.filter((name) => options.isOwn(name));
  const [chosen, another] = own.length > 0 ? own : set;
  if (chosen === undefined) return undefined;
  if (another !== undefined) {
    context.findings.problem(
      options.placeOf(another),
      `the password is given by ${options.label(chosen)} as well`,
      'one of the two',
    );
  }
  const value = options.value(chosen);
  if (value === undefined) return passwordInEnvironment(member.name);
  if (chosen === 'netapp_password') return { literal: value };
  return chosen === 'datamotion_password_env' ? { env: value } : { file: context.resolvePath(value) };
}

/** The variables that are asked for the password of a backend whose section has none: the password itself, or its file. */
export function passwordInEnvironment(backend: string): { readonly env: string; readonly fileEnv: string } {
  const suffix = backend.toUpperCase().replace(/[^A-Z0-9]/g, '_');
  return { env: `DATAMOTION_PASSWORD_${suffix}`, fileEnv: `DATAMOTION_PASSWORD_FILE_${suffix}` };
}

/**
 * `netapp_ssl_cert_verify` alone decides whether the cluster has to prove who it is. Cinder stops verifying as soon as it logs in with a
 * certificate, unless `netapp_certificate_host_validation` is set (defect 37).
 */
export function tlsOf(credentials: CredentialReference, options: BackendReader, context: Context): TlsConfiguration {
  const verify = options.value('netapp_ssl_cert_verify') ?? true;
  const validation = options.value('netapp_certificate_host_validation');
  if (!verify && validation === true) {
    context.findings.note(
      options.placeOf('netapp_certificate_host_validation'),
      `the host is not validated, because ${options.label('netapp_ssl_cert_verify')} is off`,
    );
  }
  const byCertificate = options.value('netapp_ca_certificate_file');
  const byPath = options.value('netapp_ssl_cert_path');
  const caFile = credentials.kind === 'certificate' ? (byCertificate ?? byPath) : (byPath ?? byCertificate);
  if (byCertificate !== undefined && byPath !== undefined && byCertificate !== byPath) {
    const used = caFile === byPath ? 'netapp_ssl_cert_path' : 'netapp_ca_certificate_file';
    context.findings.note(options.placeOf(used), 'two places of trusted certificates are set; this one is used');
  }
  return {
    verify,
    caFile: caFile === undefined ? undefined : context.resolvePath(caFile),
    hostValidation: verify && (validation ?? true),
  };
}
