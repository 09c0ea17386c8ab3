/**
 * Core (layer 1): every option of a backend, once. Validation, the native format's keys, "did you mean" and the table of
 * docs/configuration.md all come from this table. Names, ranges, choices and defaults are Cinder's unless `ours` says otherwise.
 */
import { z } from 'zod';
import { STORAGE_PROTOCOLS } from './configuration.ts';
import type { Dialect } from './raw-document.ts';
import { closestWord } from './spelling.ts';

/** What an option's value may be. Times are whole seconds. */
export type OptionType =
  | { readonly kind: 'text' }
  | { readonly kind: 'secret' }
  | { readonly kind: 'host' }
  | { readonly kind: 'file' }
  | { readonly kind: 'variable' }
  | { readonly kind: 'pattern' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  /** `open`: the native format takes any other name too. */
  | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly open?: true }
  | { readonly kind: 'list' }
  /** An option that may be given several times, each time with `key:value,key:value`. */
  | { readonly kind: 'pairs' };

export interface OptionRow {
  /** Path of keys in the native format, inside a backend; absent where only cinder.conf has it. */
  readonly native?: string;
  /** The option is one of the whole file, not of a backend: in [DEFAULT] of cinder.conf, at the top of the native format. */
  readonly ofFile?: true;
  readonly type: OptionType;
  readonly default?: string | number | boolean;
  /** Every NetApp backend needs a value. */
  readonly required?: true;
  readonly secret?: true;
  /** Older names, which oslo.config still accepts. */
  readonly aliases?: readonly string[];
  /** It is known, but nothing here needs it. */
  readonly unused?: true;
  /** Why an unused option that is set deserves a note. */
  readonly remark?: string;
  readonly meaning: string;
}

/** The most seconds that a timer of the platform can wait. */
const MAX_SECONDS = 2_147_483;
const seconds = (min: number) => ({ kind: 'integer', min, max: MAX_SECONDS }) as const;

export const OPTIONS = {
  enabled_backends: {
    native: 'enabledBackends',
    ofFile: true,
    type: { kind: 'list' },
    meaning: 'Names of the backends to work on, in order. In the native format every backend when not set.',
  },
  volume_driver: {
    type: { kind: 'text' },
    meaning:
      'Tells NetApp backends (`cinder.volume.drivers.netapp.…`) from those of other vendors, which are left alone.',
  },
  netapp_storage_family: {
    type: { kind: 'choice', choices: ['ontap_cluster'] },
    default: 'ontap_cluster',
    meaning: 'Only clustered ONTAP is supported.',
  },
  netapp_server_hostname: {
    native: 'host',
    type: { kind: 'host' },
    required: true,
    meaning: "Name or address of the cluster's management interface.",
  },
  netapp_server_port: {
    native: 'port',
    type: { kind: 'integer', min: 1, max: 65_535 },
    meaning: 'TCP port; 443 for https and 80 for http when not set.',
  },
  netapp_transport_type: {
    native: 'scheme',
    type: { kind: 'choice', choices: ['https', 'http'] },
    default: 'https',
    meaning: 'How the REST API is reached. With `http` the password travels in clear text.',
  },
  netapp_vserver: {
    native: 'svm',
    type: { kind: 'text' },
    required: true,
    meaning: 'The SVM that holds the volumes.',
  },
  netapp_login: {
    native: 'user',
    type: { kind: 'text' },
    meaning: 'User of the REST API. Not needed with a client certificate.',
  },
  netapp_password: {
    native: 'password',
    type: { kind: 'secret' },
    secret: true,
    meaning: 'The password itself. Better kept out of the file: see Secrets.',
  },
  datamotion_password_env: {
    native: 'passwordEnv',
    type: { kind: 'variable' },
    meaning: 'Environment variable that holds the password. An option of this library; Cinder ignores it.',
  },
  datamotion_password_file: {
    native: 'passwordFile',
    type: { kind: 'file' },
    meaning: 'File that holds the password. An option of this library; Cinder ignores it.',
  },
  netapp_certificate_file: {
    native: 'tls.certificateFile',
    type: { kind: 'file' },
    meaning: 'Client certificate (PEM). With it and its key the password is not used.',
  },
  netapp_private_key_file: {
    native: 'tls.privateKeyFile',
    type: { kind: 'file' },
    meaning: 'Private key (PEM) of the client certificate.',
  },
  netapp_ssl_cert_verify: {
    native: 'tls.verify',
    type: { kind: 'boolean' },
    default: true,
    meaning: "Whether the cluster's certificate has to be trusted.",
  },
  netapp_ssl_cert_path: {
    native: 'tls.caFile',
    type: { kind: 'file' },
    meaning: "File or directory of certificates to trust; the platform's own list when not set.",
  },
  netapp_ca_certificate_file: {
    type: { kind: 'file' },
    meaning:
      'The same, by the name that Cinder reads with a client certificate; there it wins over `netapp_ssl_cert_path`.',
  },
  netapp_certificate_host_validation: {
    native: 'tls.hostValidation',
    type: { kind: 'boolean' },
    meaning: "Whether the certificate has to bear the host's name; as `netapp_ssl_cert_verify` when not set.",
  },
  volume_backend_name: {
    native: 'volumeBackendName',
    type: { kind: 'text' },
    meaning: "What the scheduler calls the backend; the section's name when not set.",
  },
  netapp_storage_protocol: {
    native: 'storageProtocol',
    type: { kind: 'choice', choices: STORAGE_PROTOCOLS },
    meaning: 'How hosts reach the volumes.',
  },
  netapp_disaggregated_platform: {
    native: 'disaggregated',
    type: { kind: 'boolean' },
    default: false,
    meaning: 'The cluster is an ASA r2.',
  },
  netapp_pool_name_search_pattern: {
    native: 'poolNamePattern',
    type: { kind: 'pattern' },
    default: '(.+)',
    aliases: ['netapp_volume_list', 'netapp_storage_pools'],
    meaning: 'Regular expressions, separated by commas; a volume whose name matches one is a pool.',
  },
  replication_device: {
    native: 'targets',
    type: { kind: 'pairs' },
    meaning: 'One per replication target, in order of preference: `backend_id:SECTION`.',
  },
  netapp_replication_aggregate_map: {
    native: 'targets[].aggregates',
    type: { kind: 'pairs' },
    meaning: 'One per replication target: `backend_id:SECTION,SOURCE_AGGREGATE:DESTINATION_AGGREGATE,…`.',
  },
  netapp_replication_policy: {
    native: 'policy',
    type: {
      kind: 'choice',
      choices: ['MirrorAllSnapshots', 'Asynchronous', 'AutomatedFailOver', 'AutomatedFailOverDuplex'],
      open: true,
    },
    default: 'MirrorAllSnapshots',
    meaning: 'SnapMirror policy of new relationships. The native format takes the name of any policy of the cluster.',
  },
  netapp_snapmirror_schedule: {
    native: 'transferSchedule',
    type: { kind: 'text' },
    default: 'hourly',
    meaning: 'Schedule of transfers where the policy has none of its own. Known from Manila; Cinder ignores it.',
  },
  netapp_consistent_replication: {
    native: 'consistentReplication',
    type: { kind: 'boolean' },
    default: false,
    meaning: 'Whether all volumes of the backend are replicated as one consistency group.',
  },
  netapp_proximal_nodes: {
    native: 'proximalNodes',
    type: { kind: 'list' },
    meaning: 'Initiators (IQN or WWPN) that are local to this SVM; for AutomatedFailOverDuplex.',
  },
  netapp_snapmirror_quiesce_timeout: {
    native: 'quiesceTimeoutSeconds',
    type: seconds(0),
    default: 3600,
    meaning: 'How long a running transfer may take to end before it is aborted; 0 aborts it at once.',
  },
  netapp_replication_volume_online_timeout: {
    native: 'volumeOnlineTimeoutSeconds',
    type: seconds(60),
    default: 360,
    meaning: 'How long a new destination volume may take to come online.',
  },
  netapp_async_rest_timeout: {
    native: 'jobTimeoutSeconds',
    type: seconds(60),
    default: 60,
    meaning: 'How long a job of the cluster is waited for, where the operation has no limit of its own.',
  },
  netapp_migrate_volume_timeout: {
    native: 'migrateVolumeTimeoutSeconds',
    type: seconds(30),
    default: 3600,
    meaning: 'How long a move or a copy between pools or SVMs may take.',
  },
  netapp_lun_copy_timeout: {
    native: 'lunCopyTimeoutSeconds',
    type: seconds(60),
    default: 300,
    meaning: 'How long the copy of a LUN to another pool may take.',
  },
  netapp_lun_clone_busy_timeout: {
    native: 'lunCloneBusy.timeoutSeconds',
    type: seconds(0),
    default: 30,
    meaning: 'How long a LUN clone is tried again while ONTAP calls the LUN busy.',
  },
  netapp_lun_clone_busy_interval: {
    native: 'lunCloneBusy.intervalSeconds',
    type: seconds(0),
    default: 3,
    meaning: 'How long to wait between those tries.',
  },
  netapp_use_legacy_client: {
    type: { kind: 'boolean' },
    unused: true,
    remark: 'this library speaks ONTAP REST only',
    meaning: 'Chooses between ZAPI and REST in Cinder.',
  },
  netapp_copyoffload_tool_path: {
    type: { kind: 'text' },
    unused: true,
    remark: 'copies are offloaded by ONTAP itself, without the tool',
    meaning: 'Deprecated in Cinder.',
  },
  netapp_size_multiplier: cinderOnly('Deprecated in Cinder.'),
  netapp_lun_space_reservation: cinderOnly('Space reservation of new LUNs.'),
  netapp_driver_reports_provisioned_capacity: cinderOnly('How provisioned capacity is counted.'),
  netapp_nfs_image_cache_cleanup_interval: cinderOnly('Image cache.'),
  netapp_lun_ostype: cinderOnly('Operating system of new LUNs.'),
  netapp_namespace_ostype: cinderOnly('Operating system of new namespaces.'),
  netapp_host_type: cinderOnly('Operating system of initiator groups.'),
  netapp_dedupe_cache_expiry_duration: cinderOnly('Statistics.'),
  netapp_performance_cache_expiry_duration: cinderOnly('Statistics.'),
  netapp_api_trace_pattern: cinderOnly('Tracing.'),
  netapp_snapmirror_release_timeout: manilaOnly('Wait for a release.'),
  netapp_mount_replica_timeout: manilaOnly('Wait for a replica to be mounted.'),
  netapp_snapmirror_policy_name_svm_template: manilaOnly('Name of policies for whole SVMs.'),
  netapp_server_migration_state_change_timeout: manilaOnly('Migration of share servers.'),
  netapp_server_migration_check_capacity: manilaOnly('Migration of share servers.'),
  netapp_start_volume_move_timeout: manilaOnly('Volume move.'),
  netapp_volume_move_cutover_timeout: manilaOnly('Volume move.'),
  netapp_migration_cancel_timeout: manilaOnly('Volume move.'),
  netapp_rest_operation_timeout: manilaOnly('Wait for a job.'),
  netapp_snapmirror_job_timeout: manilaOnly('Wait for a SnapMirror job.'),
  netapp_enabled_backup_types: manilaOnly('Backup.'),
  netapp_backup_backend_section_name: manilaOnly('Backup.'),
  netapp_backup_vserver: manilaOnly('Backup.'),
  netapp_backup_volume: manilaOnly('Backup.'),
} as const satisfies Record<string, OptionRow>;

export type OptionName = keyof typeof OPTIONS;

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

export function optionRow(name: OptionName): OptionRow {
  return OPTIONS[name];
}

/** The option of this name, or of which this is an older name. */
export function optionNamed(name: string): OptionName | undefined {
  return BY_NAME.get(name);
}

/** The option that somebody who wrote `name` may have meant. */
export function closestOption(name: string): string | undefined {
  return closestWord(name, OPTION_NAMES);
}

/** True for options whose repeated lines, or whose parts, are values of their own. */
export function isMultiValued(name: OptionName): boolean {
  const { kind } = optionRow(name).type;
  return kind === 'list' || kind === 'pairs';
}

type TypeOf<N extends OptionName> = (typeof OPTIONS)[N]['type'];

/** What the resolver gets for an option, by the type in its row. */
export type ValueOf<N extends OptionName> =
  TypeOf<N> extends { kind: 'integer' }
    ? number
    : TypeOf<N> extends { kind: 'boolean' }
      ? boolean
      : TypeOf<N> extends { kind: 'list' }
        ? readonly string[]
        : TypeOf<N> extends { kind: 'pairs' }
          ? readonly (readonly [key: string, value: string])[]
          : TypeOf<N> extends { kind: 'choice'; open: true }
            ? string
            : TypeOf<N> extends { kind: 'choice'; choices: readonly (infer C)[] }
              ? C
              : string;

export type ParsedValue<T> =
  | { readonly ok: true; readonly value: T }
  /** `message` says what is wrong in words that repeat nothing of the value, which may be a misplaced secret. */
  | { readonly ok: false; readonly message: string; readonly expected: string };

/** Reads one value of an option: text as oslo.config takes it, or a scalar, list or pairs of the native format. */
export function parseValue<N extends OptionName>(name: N, raw: unknown, dialect: Dialect): ParsedValue<ValueOf<N>> {
  const { type } = optionRow(name);
  const parsed = schemaFor(name, dialect).safeParse(raw);
  // The schema of a row's type yields what ValueOf says for that type; the compiler cannot follow the lookup by kind.
  if (parsed.success) return { ok: true, value: parsed.data as ValueOf<N> };
  const message = parsed.error.issues[0]?.message ?? 'the value cannot be used';
  return { ok: false, message, expected: expectedOf(type, dialect) };
}

/** The values that a type takes, as a phrase. */
export function expectedOf(type: OptionType, dialect: Dialect): string {
  switch (type.kind) {
    case 'text':
    case 'secret':
      return dialect === 'native' ? 'text (in quotes where it looks like a number)' : 'text on one line';
    case 'host':
      return 'a host name, an IPv4 address or an IPv6 address, without scheme, port and path';
    case 'file':
      return 'the path of a file';
    case 'variable':
      return 'the name of an environment variable';
    case 'pattern':
      return 'regular expressions, separated by commas';
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number from ${type.min} to ${type.max}`;
    case 'choice':
      return `one of ${type.choices.join(', ')}${type.open && dialect === 'native' ? ', or the name of another policy' : ''}`;
    case 'list':
      return dialect === 'native' ? 'a list of texts' : 'texts separated by commas';
    case 'pairs':
      return 'key:value pairs separated by commas';
    default:
      return type satisfies never;
  }
}

/** Schemas take long to build and are asked for again and again. */
function schemaFor(name: OptionName, dialect: Dialect): z.ZodType {
  const key = `${dialect} ${name}`;
  const known = SCHEMAS.get(key);
  if (known !== undefined) return known;
  const schema = schemaOf(optionRow(name).type, dialect);
  SCHEMAS.set(key, schema);
  return schema;
}

const SCHEMAS = new Map<string, z.ZodType>();

/** Every rule has a message of its own, because zod's would repeat the value. */
function schemaOf(type: OptionType, dialect: Dialect): z.ZodType {
  switch (type.kind) {
    case 'text':
    case 'secret':
    case 'file':
      return oneLine;
    case 'variable':
      return oneLine.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the value cannot name an environment variable');
    case 'host':
      return oneLine.transform(withoutBrackets).refine(isHost, 'the value is neither a host name nor an address');
    case 'pattern':
      return oneLine.transform(joinedPatterns).refine(isPattern, 'the value is not a regular expression');
    case 'boolean':
      return z.unknown().transform(booleanOf).pipe(z.boolean('the value is neither true nor false'));
    case 'integer':
      return z
        .unknown()
        .transform(numberOf)
        .pipe(
          z
            .int('the value is not a whole number')
            .min(type.min, 'the value is too small')
            .max(type.max, 'the value is too large'),
        );
    case 'choice': {
      const choices: readonly string[] = type.choices;
      if (type.open && dialect === 'native') return oneLine;
      return oneLine.refine((value) => choices.includes(value), 'the value is not one of the choices');
    }
    case 'list':
      return z
        .unknown()
        .transform((value) => (typeof value === 'string' ? value.split(',') : value))
        .pipe(z.array(z.string('an entry of the list is not text'), 'the value is not a list'))
        .transform((items) => items.map((item) => item.trim()).filter((item) => item !== ''));
    case 'pairs':
      return z
        .unknown()
        .transform((value, context) => (typeof value === 'string' ? pairsOf(value, context) : partsOf(value)))
        .pipe(z.array(z.tuple([z.string(), z.string()]), 'the value is not pairs of names'));
    default:
      return type satisfies never;
  }
}

const oneLine = z
  .string('the value is not text')
  .min(1, 'the value is empty')
  .regex(/^[^\r\n]*$/, 'the value goes on over several lines');

const TRUE_WORDS = ['true', '1', 'on', 'yes'];
const FALSE_WORDS = ['false', '0', 'off', 'no'];

function booleanOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const word = value.toLowerCase();
  return TRUE_WORDS.includes(word) ? true : FALSE_WORDS.includes(word) ? false : value;
}

/** Python's `int()`: digits with a sign, white space around them and single underscores between them. */
function numberOf(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[+-]?\d+(_\d+)*\s*$/.test(value)) return value;
  return Number(value.replaceAll('_', ''));
}

function withoutBrackets(value: string): string {
  return /^\[.*:.*\]$/.test(value) ? value.slice(1, -1) : value;
}

function isHost(value: string): boolean {
  if (value.includes(':')) return isIpv6(value);
  return /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/i.test(value) && !value.includes('..') && value.length <= 253;
}

/** Without a zone: a cluster's management address is never link-local. */
export function isIpv6(host: string): boolean {
  return ipv6.safeParse(host).success;
}

const ipv6 = z.ipv6();

/** Cinder's reading: commas separate patterns, each is taken without the anchors and blanks around it and matches whole names. */
function joinedPatterns(value: string): string {
  return value
    .split(',')
    .map((pattern) => `^${pattern.replace(/^[\^$ \t]+/, '').replace(/[\^$ \t]+$/, '')}$`)
    .join('|');
}

function isPattern(value: string): boolean {
  try {
    return new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
}

/** `key:value,key:value`; a pair, a key or a value may stand in quotes. */
function pairsOf(text: string, context: z.RefinementCtx): readonly (readonly [string, string])[] {
  const pairs: [string, string][] = [];
  if (text.trim() === '') return pairs;
  for (const [index, part] of text.split(',').entries()) {
    const pair = unquoted(part);
    const colon = pair.indexOf(':');
    const key = unquoted(pair.slice(0, Math.max(colon, 0)));
    const value = unquoted(pair.slice(colon + 1));
    const wrong =
      colon < 0
        ? 'has no colon'
        : key === ''
          ? 'has nothing before its colon'
          : value === ''
            ? 'has nothing behind its colon'
            : undefined;
    if (wrong !== undefined) context.addIssue(`entry ${index + 1} ${wrong}`);
    else if (pairs.some(([known]) => known === key)) context.addIssue(`${key} stands there twice`);
    else pairs.push([key, value]);
  }
  return pairs;
}

/** Pairs that the native format wrote as keys and values. */
function partsOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'pairs' in value ? value.pairs : value;
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  return trimmed.replace(/^(["'])(.*)\1$/s, '$2').trim();
}

const BY_NAME: ReadonlyMap<string, OptionName> = new Map(
  OPTION_NAMES.flatMap((name) => [name, ...(optionRow(name).aliases ?? [])].map((known) => [known, name] as const)),
);

function cinderOnly(meaning: string): OptionRow {
  return { type: { kind: 'text' }, unused: true, meaning };
}

function manilaOnly(meaning: string): OptionRow {
  return { type: { kind: 'text' }, unused: true, remark: 'it is an option of Manila', meaning };
}
