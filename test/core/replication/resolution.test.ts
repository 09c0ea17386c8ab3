import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCinderConf } from '../../../src/core/replication/cinder-conf.ts';
import type { BackendConfiguration, Resolution } from '../../../src/core/replication/configuration.ts';
import { readNative } from '../../../src/core/replication/native.ts';
import { resolveReplication } from '../../../src/core/replication/resolution.ts';
import { backendOf, targetOf } from '../../../src/core/replication/targets.ts';

const fixture = readFileSync(new URL('fixtures/cinder.conf', import.meta.url), 'utf8');

/** A valid cinder.conf with two backends: the place for one mistake at a time. */
const DRIVER = 'volume_driver = cinder.volume.drivers.netapp.common.NetAppDriver';
function conf(parts: { top?: string; defaults?: string; c1?: string; c2?: string; more?: string } = {}): string {
  return [
    '[DEFAULT]',
    parts.top ?? 'enabled_backends = c1',
    '[backend_defaults]',
    parts.defaults ?? `${DRIVER}\nnetapp_login = admin\nnetapp_password = hunter2`,
    '[c1]',
    parts.c1 ?? 'netapp_server_hostname = c1.example.com\nnetapp_vserver = svm1\nreplication_device = backend_id:c2',
    '[c2]',
    parts.c2 ?? 'netapp_server_hostname = c2.example.com\nnetapp_vserver = svm2',
    parts.more ?? '',
  ].join('\n');
}
const C1 = 'netapp_server_hostname = c1.example.com\nnetapp_vserver = svm1\nreplication_device = backend_id:c2';

const resolve = (text: string) => resolveReplication(parseCinderConf(text));

function resolved(resolution: Resolution) {
  if (!resolution.ok) throw new Error(`not resolved: ${JSON.stringify(resolution.problems, null, 1)}`);
  return resolution.configuration;
}

function backend(text: string, name = 'c1'): BackendConfiguration {
  return backendOf(resolved(resolve(text)), name);
}

describe('a large cinder.conf with five backends of three vendors', () => {
  const resolution = resolve(fixture);
  const configuration = resolved(resolution);

  it('gives the NetApp backends in the order of the file, and the target that is not enabled', () => {
    expect(configuration.enabledBackends).toEqual(['ontap-gold', 'ontap-silver']);
    expect(configuration.backends.map(({ name, enabled }) => [name, enabled])).toEqual([
      ['ontap-gold', true],
      ['ontap-silver', true],
      ['ontap-dr', false],
    ]);
  });

  it('merges [backend_defaults] into each, and [DEFAULT] into none', () => {
    expect(backendOf(configuration, 'ontap-gold')).toEqual({
      name: 'ontap-gold',
      enabled: true,
      host: 'gold.north.example.com',
      port: 443,
      scheme: 'https',
      ipv6: false,
      svm: 'svm_gold',
      credentials: { kind: 'password', user: 'cinder-svc', password: { literal: 'n0rth$pole' } },
      tls: { verify: true, caFile: undefined, hostValidation: true },
      volumeBackendName: 'gold',
      storageProtocol: 'iscsi',
      disaggregated: false,
      poolNamePattern: '^cinder_.*$|^fast\\d+$',
      targets: [
        { backend: 'ontap-dr', aggregateMap: { aggr1_ssd: 'aggr1_dr', aggr2_ssd: 'aggr2_dr' } },
        { backend: 'ontap-silver', aggregateMap: { aggr1_ssd: 'aggr1_silver', aggr2_ssd: 'aggr1_silver' } },
      ],
      policy: 'Asynchronous',
      transferSchedule: 'hourly',
      consistentReplication: false,
      proximalNodes: [],
      quiesceTimeoutMs: 1_800_000,
      volumeOnlineTimeoutMs: 360_000,
      jobTimeoutMs: 120_000,
      migrateVolumeTimeoutMs: 3_600_000,
      lunCopyTimeoutMs: 300_000,
      lunCloneBusy: { timeoutMs: 30_000, intervalMs: 3_000 },
    });
    expect(backendOf(configuration, 'ontap-silver')).toMatchObject({
      host: '2001:db8::17',
      ipv6: true,
      port: 8443,
      storageProtocol: 'nfs',
      credentials: { kind: 'certificate', certificateFile: 'certs/silver.pem', privateKeyFile: 'certs/silver.key' },
      tls: { verify: true, caFile: 'certs/ca.pem', hostValidation: true },
      targets: [],
    });
    expect(backendOf(configuration, 'ontap-dr').tls.caFile).toBe('/var/lib/cinder/dr-ca.pem');
  });

  it('notes what has no effect, and says nothing about other vendors', () => {
    expect(resolution.notes.map(({ section, option }) => [section, option])).toEqual([
      ['DEFAULT', 'netapp_copyoffload_tool_path'],
      ['ontap-silver', 'netapp_certificate_file'],
    ]);
  });

  it('keeps every secret of the file out of what it says', () => {
    const broken = fixture
      .replace('netapp_vserver = svm_gold\n', '')
      .replace('iscsi', 'isci')
      .replaceAll('= cinder-svc', '=');
    const resolution = resolve(broken);
    expect(resolution.ok).toBe(false);
    expect(JSON.stringify(resolution)).not.toMatch(/n0rth|pole|[a-z]+-secret/);
  });
});

describe('everything that makes a file unusable is a problem with its place', () => {
  it.each<[string, string, { section?: string; option?: string; line?: number; message: string; code?: string }]>([
    ['no enabled backend', conf({ top: '' }), { section: 'DEFAULT', line: 1, message: 'no backend is enabled' }],
    ['an empty text', '', { section: '', line: 1, message: 'no backend is enabled' }],
    [
      'the old style with everything in [DEFAULT]',
      `[DEFAULT]\n${DRIVER}\nnetapp_vserver = svm1`,
      {
        section: 'DEFAULT',
        option: 'netapp_vserver',
        line: 3,
        message:
          'the backend is set up in [DEFAULT], and no backend is enabled: Cinder has not read this old style since Ocata',
      },
    ],
    [
      'a backend enabled twice',
      conf({ top: 'enabled_backends = c1, C1' }),
      { option: 'enabled_backends', line: 2, message: 'backend C1 is enabled twice' },
    ],
    [
      'an enabled backend without a section',
      conf({ top: 'enabled_backends = c1,c3' }),
      { line: 2, message: 'backend c3 is enabled but has no section' },
    ],
    [
      '[backend_defaults] as a backend',
      conf({ top: 'enabled_backends = c1,Backend_Defaults' }),
      { message: 'backend Backend_Defaults is enabled but has no section' },
    ],
    [
      'no NetApp backend at all',
      `[DEFAULT]\nenabled_backends = ceph\n[ceph]\nrbd_pool = x`,
      { line: 2, message: 'none of the enabled backends is a NetApp one' },
    ],
    [
      'no host',
      conf({ c1: 'netapp_vserver = svm1' }),
      { section: 'c1', option: 'netapp_server_hostname', line: 7, message: 'the option is missing' },
    ],
    [
      'an empty SVM',
      conf({ c1: 'netapp_server_hostname = h\nnetapp_vserver =' }),
      { section: 'c1', option: 'netapp_vserver', line: 9, message: 'the option is missing' },
    ],
    [
      'an empty SVM hides that of the defaults',
      conf({
        defaults: `${DRIVER}\nnetapp_login = a\nnetapp_vserver = x`,
        c1: 'netapp_server_hostname = h\nnetapp_vserver =',
      }),
      { section: 'c1', message: 'the option is missing' },
    ],
    [
      'a URL for a host',
      conf({ c1: C1.replace('c1.ex', 'https://c1.ex') }),
      { option: 'netapp_server_hostname', message: 'the value is neither a host name nor an address' },
    ],
    [
      'a host with its port',
      conf({ c1: C1.replace('.com', '.com:443') }),
      { message: 'the value is neither a host name nor an address' },
    ],
    [
      'a number too small',
      conf({ c1: `${C1}\nnetapp_async_rest_timeout = 59` }),
      { option: 'netapp_async_rest_timeout', line: 11, message: 'the value is too small' },
    ],
    [
      'a time longer than a timer can wait',
      conf({ c1: `${C1}\nnetapp_snapmirror_quiesce_timeout = 2147484` }),
      { message: 'the value is too large' },
    ],
    [
      'a number that is none',
      conf({ c1: `${C1}\nnetapp_lun_copy_timeout = 5m` }),
      { message: 'the value is not a whole number' },
    ],
    [
      'a fraction',
      conf({ c1: `${C1}\nnetapp_lun_copy_timeout = 300.5` }),
      { message: 'the value is not a whole number' },
    ],
    [
      'a boolean that is none',
      conf({ c1: `${C1}\nnetapp_consistent_replication = maybe` }),
      { message: 'the value is neither true nor false' },
    ],
    [
      'a choice that is none',
      conf({ c1: `${C1}\nnetapp_replication_policy = asynchronous` }),
      { option: 'netapp_replication_policy', message: 'the value is not one of the choices' },
    ],
    [
      'another storage family',
      conf({ c1: `${C1}\nnetapp_storage_family = eseries` }),
      { option: 'netapp_storage_family', message: 'the value is not one of the choices' },
    ],
    [
      'a pattern that is no regular expression',
      conf({ c1: `${C1}\nnetapp_storage_pools = vol(` }),
      { option: 'netapp_storage_pools', message: 'the value is not a regular expression' },
    ],
    [
      'a name over two lines',
      conf({ c1: `${C1}\nnetapp_login = admin\n  x` }),
      { line: 11, message: 'the value goes on over several lines' },
    ],
    [
      'a target that is the backend itself',
      conf({ c1: C1.replace('id:c2', 'id:C1') }),
      {
        option: 'replication_device',
        line: 10,
        message: 'backend c1 is its own replication target',
        code: 'CONFIG_TARGET_IS_SELF',
      },
    ],
    [
      'a target without a section',
      conf({ c1: C1.replace('id:c2', 'id:c3') }),
      { line: 10, message: 'the target c3 has no section', code: 'CONFIG_TARGET_UNKNOWN' },
    ],
    [
      'a target twice',
      conf({ c1: `${C1}\nreplication_device = backend_id:c2` }),
      { line: 11, message: 'the target c2 is listed twice' },
    ],
    [
      'a target of another vendor',
      conf({ c2: 'volume_driver = cinder.volume.drivers.rbd.RBDDriver' }),
      { line: 10, message: 'the target c2 is not a NetApp backend' },
    ],
    [
      'a target that is not usable itself',
      conf({ c2: '' }),
      { section: 'c2', option: 'netapp_vserver', message: 'the option is missing' },
    ],
    [
      'the same SVM as source and target',
      conf({ c2: C1.replace('c1.example', 'C1.example').replace('id:c2', 'id:c1') }),
      {
        section: 'c1',
        line: 10,
        message: 'c1 and its target c2 are the same SVM of the same cluster',
        code: 'CONFIG_TARGET_IS_SELF',
      },
    ],
    [
      'a device without backend_id',
      conf({ c1: C1.replace('backend_id', 'backend') }),
      { line: 10, message: 'the replication device names no backend' },
    ],
    [
      'a device that is no pair',
      conf({ c1: C1.replace('backend_id:', '') }),
      { line: 10, message: 'entry 1 has no colon' },
    ],
    [
      'a map with a comma at its end',
      conf({ c1: `${C1}\nnetapp_replication_aggregate_map = backend_id:c2,a:b,` }),
      { line: 11, message: 'entry 3 has no colon' },
    ],
    [
      'a map without a destination',
      conf({ c1: `${C1}\nnetapp_replication_aggregate_map = backend_id:c2,a:` }),
      { message: 'entry 2 has nothing behind its colon' },
    ],
    [
      'a map without a source',
      conf({ c1: `${C1}\nnetapp_replication_aggregate_map = backend_id:c2,:b` }),
      { message: 'entry 2 has nothing before its colon' },
    ],
    [
      'a source aggregate twice',
      conf({ c1: `${C1}\nnetapp_replication_aggregate_map = backend_id:c2,a:b,a:c` }),
      { message: 'a stands there twice' },
    ],
    [
      'a map for no target',
      conf({ c1: `${C1}\nnetapp_replication_aggregate_map = backend_id:c3,a:b` }),
      { message: 'the aggregate map is for c3, which is no target of c1', code: 'CONFIG_TARGET_UNKNOWN' },
    ],
    [
      'a map without backend_id',
      conf({ c1: `${C1}\nnetapp_replication_aggregate_map = a:b` }),
      { message: 'the aggregate map names no target' },
    ],
    [
      'neither password nor certificate',
      conf({ defaults: DRIVER }),
      { section: 'c1', line: 5, message: 'there are neither a user and a password nor a client certificate' },
    ],
    [
      'a password without a user',
      conf({ defaults: `${DRIVER}\nnetapp_password = x` }),
      { message: 'there is a password but no user' },
    ],
    [
      'a password twice',
      conf({ c1: `${C1}\nnetapp_password = x\ndatamotion_password_env = Y` }),
      { option: 'datamotion_password_env', message: 'the password is given by netapp_password as well' },
    ],
    [
      'a certificate without its key',
      conf({ c1: `${C1}\nnetapp_certificate_file = c.pem` }),
      {
        option: 'netapp_certificate_file',
        line: 11,
        message: 'a client certificate needs netapp_private_key_file too',
      },
    ],
    [
      'a key without its certificate',
      conf({ c1: `${C1}\nnetapp_private_key_file = c.key` }),
      { option: 'netapp_private_key_file', message: 'a client certificate needs netapp_certificate_file too' },
    ],
    [
      'active sync over NFS',
      conf({ c1: `${C1}\nnetapp_replication_policy = AutomatedFailOver\nnetapp_storage_protocol = nfs` }),
      {
        option: 'netapp_replication_policy',
        message: 'AutomatedFailOver is SnapMirror active sync, which does not serve NFS',
      },
    ],
    [
      'active sync with two targets',
      conf({
        c1: `${C1}\nreplication_device = backend_id:c3\nnetapp_replication_policy = AutomatedFailOver`,
        more: '[c3]\nnetapp_server_hostname = c3\nnetapp_vserver = svm3',
      }),
      { message: 'AutomatedFailOver is SnapMirror active sync, which has one target only' },
    ],
    [
      'duplex without a consistency group',
      conf({ c1: `${C1}\nnetapp_replication_policy = AutomatedFailOverDuplex` }),
      { message: 'AutomatedFailOverDuplex needs a consistency group' },
    ],
    [
      'a reference to nothing',
      conf({ c1: `${C1}\nnetapp_snapmirror_schedule = $nothing` }),
      { line: 11, message: '$nothing in the value names an option that [c1] does not set' },
    ],
    ['a syntax problem', conf({ more: 'nonsense' }), { section: 'c2', message: 'the line sets nothing' }],
  ])('%s', (_name, text, expected) => {
    const resolution = resolve(text);
    expect(resolution.ok ? [] : resolution.problems).toContainEqual(expect.objectContaining(expected));
  });

  it('all problems of a file come at once, in the order of its lines, each once', () => {
    const resolution = resolve(
      conf({
        top: 'enabled_backends = c1, c2, c3',
        defaults: `${DRIVER}\nnetapp_login = admin\nnetapp_lun_copy_timeout = soon`,
        c1: `${C1}\nnetapp_server_port = 0\nreplication_device = backend_id:nowhere`,
      }),
    );
    expect(resolution.ok ? [] : resolution.problems.map(({ line, option }) => [line, option])).toEqual([
      [2, 'enabled_backends'],
      [6, 'netapp_lun_copy_timeout'],
      [11, 'netapp_server_port'],
      [12, 'replication_device'],
    ]);
  });

  it('a dollar sign in a password is explained without repeating what is behind it', () => {
    const resolution = resolve(conf({ defaults: `${DRIVER}\nnetapp_login = admin\nnetapp_password = pa$hunter2` }));
    expect(resolution).toMatchObject({
      ok: false,
      problems: [{ option: 'netapp_password', expected: '$$ for a dollar sign that is meant as one' }],
    });
    expect(JSON.stringify(resolution)).not.toContain('hunter2');
  });

  it.each([
    ['netapp_server_port', 'hunter2'],
    ['netapp_server_hostname', 'https://admin:hunter2@c1'],
    ['netapp_consistent_replication', 'hunter2'],
    ['netapp_replication_policy', 'hunter2'],
    ['netapp_pool_name_search_pattern', 'hunter2('],
    ['datamotion_password_env', 'hunter 2 hunter2'],
    ['replication_device', 'hunter2'],
  ])('a secret misplaced in %s is not repeated', (option, value) => {
    const resolution = resolve(conf({ c1: `${C1}\n${option} = ${value}` }));
    expect(resolution.ok).toBe(false);
    expect(JSON.stringify(resolution)).not.toContain('hunter2');
  });
});

describe('what is surprising but no obstacle is a note', () => {
  it.each<[string, string, { section?: string; option?: string; message: string; expected?: string }]>([
    [
      'a target without an aggregate map',
      conf(),
      {
        section: 'c1',
        option: 'replication_device',
        message: 'no aggregate of c1 is mapped to one of c2: destination volumes cannot be created there',
      },
    ],
    [
      'the legacy client',
      conf({ c1: `${C1}\nnetapp_use_legacy_client = true` }),
      { option: 'netapp_use_legacy_client', message: 'the option has no effect: this library speaks ONTAP REST only' },
    ],
    [
      'an option of Manila',
      conf({ c1: `${C1}\nnetapp_snapmirror_job_timeout = 5` }),
      { message: 'the option has no effect: it is an option of Manila' },
    ],
    [
      'an option in [DEFAULT]',
      conf({ top: 'enabled_backends = c1\nnetapp_login = x' }),
      {
        section: 'DEFAULT',
        message: 'backends take nothing from [DEFAULT]: the option has no effect here',
        expected: '[backend_defaults]',
      },
    ],
    [
      'a misspelt option',
      conf({ c1: `${C1}\nnetapp_snapmirror_quiese_timeout = 5` }),
      { message: 'no option has this name', expected: 'netapp_snapmirror_quiesce_timeout?' },
    ],
    [
      'a misspelt option of replication',
      conf({ c1: `${C1}\nreplication_devise = backend_id:c2` }),
      { expected: 'replication_device?', message: 'no option has this name' },
    ],
    [
      'an option set twice',
      conf({ c1: `${C1}\nnetapp_vserver = svm9` }),
      { option: 'netapp_vserver', message: 'the option is set 2 times in the section; this last one counts' },
    ],
    [
      'a second map for one target',
      conf({
        c1: `${C1}\nnetapp_replication_aggregate_map = backend_id:c2,a:b\nnetapp_replication_aggregate_map = backend_id:c2,a:c`,
      }),
      { message: 'there is an aggregate map for c2 above; this one is not used' },
    ],
    [
      'http',
      conf({ c1: `${C1}\nnetapp_transport_type = http` }),
      { message: 'with http, passwords and data of the API travel in clear text' },
    ],
    [
      'more in a device than its backend',
      conf({ c1: C1.replace('id:c2', 'id:c2,api_token:hunter2') }),
      { message: 'only backend_id counts here; nothing reads api_token' },
    ],
    [
      'an enabled section without a driver',
      conf({ defaults: 'netapp_login = a', c2: `${C1.replace('c1', 'c2').replace('id:c2', 'id:c1')}` }),
      {
        section: 'c1',
        message:
          'the section sets no volume_driver; its options make it a NetApp backend here, but Cinder would load its default driver',
      },
    ],
    [
      'a NetApp section that nothing reads',
      conf({ more: `[c3]\n${DRIVER}` }),
      { section: 'c3', message: 'the backend is neither enabled nor a target of one that is: nothing reads it' },
    ],
    [
      'certificate and password',
      conf({ c1: `${C1}\nnetapp_certificate_file = c\nnetapp_private_key_file = k` }),
      { message: 'the client certificate is used, and the password is not' },
    ],
    [
      'host validation without verification',
      conf({ c1: `${C1}\nnetapp_ssl_cert_verify = no\nnetapp_certificate_host_validation = yes` }),
      { message: 'the host is not validated, because netapp_ssl_cert_verify is off' },
    ],
    [
      'proximal nodes without duplex',
      conf({ c1: `${C1}\nnetapp_proximal_nodes = iqn.a` }),
      { message: 'only AutomatedFailOverDuplex looks at proximal nodes' },
    ],
    [
      'a comma in braces',
      conf({ c1: `${C1}\nnetapp_pool_name_search_pattern = v\\d{1,3}` }),
      { message: 'a comma ends a pattern, also inside of braces' },
    ],
    [
      'the defaults name a backend as its own target',
      conf({
        defaults: `${DRIVER}\nnetapp_login = a\nreplication_device = backend_id:c2`,
        c1: C1.replace(/\nrep.*/, ''),
      }),
      { section: 'backend_defaults', message: 'the target c2 is left out for c2 itself' },
    ],
    [
      'two backends with one password variable',
      conf({
        top: 'enabled_backends = a-1, a_1',
        defaults: `${DRIVER}\nnetapp_login = a`,
        more: '[a-1]\nnetapp_server_hostname = x\nnetapp_vserver = s\n[a_1]\nnetapp_server_hostname = y\nnetapp_vserver = s',
      }),
      {
        section: 'a_1',
        message: 'the password is taken from the same environment variable as that of a-1: DATAMOTION_PASSWORD_A_1',
      },
    ],
  ])('%s', (_name, text, expected) => {
    const resolution = resolve(text);
    resolved(resolution);
    expect(resolution.notes).toContainEqual(expect.objectContaining(expected));
    expect(JSON.stringify(resolution.notes)).not.toContain('hunter2');
  });
});

describe('values', () => {
  it.each<[string, string, Partial<BackendConfiguration>]>([
    ['the port follows the scheme', 'netapp_transport_type = http', { scheme: 'http', port: 80 }],
    ['an empty number is none', 'netapp_server_port =', { port: 443 }],
    [
      'an empty text is none',
      'volume_backend_name =\nnetapp_ssl_cert_path =\nnetapp_pool_name_search_pattern =',
      { volumeBackendName: 'c1', poolNamePattern: '^(.+)$' },
    ],
    ["booleans are oslo.config's words", 'netapp_consistent_replication = On', { consistentReplication: true }],
    ["numbers are Python's", 'netapp_lun_copy_timeout = +1_000', { lunCopyTimeoutMs: 1_000_000 }],
    ['0 is allowed where an abort at once is meant', 'netapp_snapmirror_quiesce_timeout = 0', { quiesceTimeoutMs: 0 }],
    [
      'lists lose blanks and empty entries',
      'netapp_proximal_nodes = iqn.a, ,iqn.b,',
      { proximalNodes: ['iqn.a', 'iqn.b'] },
    ],
    [
      'the current name of an option goes before older ones',
      'netapp_volume_list = old\nnetapp_pool_name_search_pattern = new',
      { poolNamePattern: '^new$' },
    ],
    [
      'verification off takes validation of the host with it',
      'netapp_ssl_cert_verify = false',
      { tls: { verify: false, caFile: undefined, hostValidation: false } },
    ],
    [
      'the CA of a password backend',
      'netapp_ssl_cert_path = a\nnetapp_ca_certificate_file = b',
      { tls: { verify: true, caFile: 'a', hostValidation: true } },
    ],
    [
      'an own reference to a password goes before the password of the defaults',
      'datamotion_password_file = secret/c1',
      { credentials: { kind: 'password', user: 'admin', password: { file: 'secret/c1' } } },
    ],
    [
      'quotes in a dict option',
      'netapp_replication_aggregate_map = backend_id:"c2", "a:b"',
      { targets: [{ backend: 'c2', aggregateMap: { a: 'b' } }] },
    ],
    [
      'aggregates with the names of object properties',
      'netapp_replication_aggregate_map = backend_id:c2,__proto__:a,constructor:b',
      {
        targets: [
          {
            backend: 'c2',
            aggregateMap: Object.fromEntries([
              ['__proto__', 'a'],
              ['constructor', 'b'],
            ]),
          },
        ],
      },
    ],
  ])('%s', (_name, lines, expected) => {
    expect(backend(conf({ c1: `${C1}\n${lines}` }))).toMatchObject(expected);
  });

  it('a user without a password has it in the environment, by a name made of the backend', () => {
    const one = backend(conf({ defaults: `${DRIVER}\nnetapp_login = admin`, top: 'enabled_backends = C1' }), 'C1');
    expect(one.credentials).toEqual({
      kind: 'password',
      user: 'admin',
      password: { env: 'DATAMOTION_PASSWORD_C1', fileEnv: 'DATAMOTION_PASSWORD_FILE_C1' },
    });
  });

  it('targets of targets are resolved too, in a circle as well', () => {
    const text = conf({ c2: 'netapp_server_hostname = c2\nnetapp_vserver = svm2\nreplication_device = backend_id:C1' });
    expect(
      resolved(resolve(text)).backends.map(({ name, targets }) => [name, targets.map((one) => one.backend)]),
    ).toEqual([
      ['c1', ['c2']],
      ['c2', ['c1']],
    ]);
  });

  it('two clusters behind one address are told apart by their ports', () => {
    const text = conf({
      c2: 'netapp_server_hostname = c1.example.com\nnetapp_server_port = 8443\nnetapp_vserver = svm1',
    });
    expect(resolve(text).ok).toBe(true);
  });

  it('paths go through the function that is given, and stay as they are without one', () => {
    const text = conf({ c1: `${C1}\nnetapp_ssl_cert_path = ca.pem` });
    const moved = resolveReplication(parseCinderConf(text), { resolvePath: (path) => `/etc/cinder/${path}` });
    expect(backendOf(resolved(moved), 'c1').tls.caFile).toBe('/etc/cinder/ca.pem');
    expect(backend(text).tls.caFile).toBe('ca.pem');
  });
});

describe('defects of the origin that are not repeated', () => {
  const text = conf({ c1: `${C1}\nnetapp_replication_aggregate_map = backend_id:c2,aggr1:aggr2` });

  it('defect 20: neither resolving nor asking for an aggregate map changes what it is asked about', () => {
    const document = parseCinderConf(text);
    const before = structuredClone(document);
    const configuration = resolved(resolveReplication(frozen(document)));
    expect(document).toEqual(before);
    const [first, second] = [1, 2].map(() => targetOf(configuration, 'c1', 'c2').aggregateMap);
    expect(first).toEqual({ aggr1: 'aggr2' });
    expect(second).toEqual({ aggr1: 'aggr2' });
    expect(everyObject(configuration).every((part) => Object.isFrozen(part))).toBe(true);
  });

  it('defect 37: a client certificate does not turn off the verification of the cluster', () => {
    const one = backend(conf({ c1: `${C1}\nnetapp_certificate_file = c\nnetapp_private_key_file = k` }));
    expect(one.tls).toEqual({ verify: true, caFile: undefined, hostValidation: true });
  });

  it('defect 22: there is a transfer schedule although the default policy has none', () => {
    expect(backend(conf())).toMatchObject({ policy: 'MirrorAllSnapshots', transferSchedule: 'hourly' });
  });
});

describe('the native format', () => {
  const whole = {
    version: 1,
    backends: {
      c1: { host: 'c1', svm: 's1', user: 'u', passwordEnv: 'P', targets: [{ backend: 'c2', aggregates: { a: 'b' } }] },
      c2: { host: 'c2', svm: 's2', user: 'u', passwordEnv: 'P' },
    },
  };
  const changed = (change: (value: typeof whole & Record<string, unknown>) => void) => {
    const value = structuredClone(whole) as typeof whole & Record<string, unknown>;
    change(value);
    return resolveReplication(readNative(value));
  };

  it('enables every backend unless it says which', () => {
    expect(resolved(changed(() => {})).enabledBackends).toEqual(['c1', 'c2']);
    const some = resolved(changed((value) => Object.assign(value, { enabledBackends: ['c1'] })));
    expect([some.enabledBackends, some.backends.map((one) => one.name)]).toEqual([['c1'], ['c1', 'c2']]);
  });

  it('takes the name of any policy, and text with dollar signs as it is', () => {
    const one = resolved(changed((value) => Object.assign(value.backends.c1, { policy: 'gold$mirror' })));
    expect(backendOf(one, 'c1').policy).toBe('gold$mirror');
  });

  it('a backend that lists targets takes no aggregate maps from the defaults', () => {
    const one = resolved(
      changed((value) => {
        value['defaults'] = { targets: [{ backend: 'c2', aggregates: { x: 'y' } }] };
        Object.assign(value.backends.c1, { targets: [{ backend: 'c2' }] });
        Object.assign(value.backends.c2, { targets: [] });
      }),
    );
    expect(one.backends.map((backend) => backend.targets)).toEqual([[{ backend: 'c2', aggregateMap: {} }], []]);
  });

  it.each<[string, unknown, { section: string; option?: string; message: string; expected?: string }]>([
    ['nothing at all', null, { section: '', message: 'there are no keys here' }],
    [
      'no version',
      { ...whole, version: 2 },
      { section: '', option: 'version', message: 'the version of the format is missing or unknown' },
    ],
    ['no backends', { version: 1 }, { section: '', message: 'there are no backends' }],
    [
      'an unknown key at the top',
      { ...whole, backend: {} },
      { section: '', option: 'backend', message: 'the key is unknown', expected: 'backends?' },
    ],
    [
      'an unknown key in a backend',
      { ...whole, backends: { c1: { ...whole.backends.c1, quiesceTimeoutSecond: 3 }, c2: whole.backends.c2 } },
      {
        section: 'backends.c1',
        option: 'quiesceTimeoutSecond',
        message: 'the key is unknown',
        expected: 'quiesceTimeoutSeconds?',
      },
    ],
    [
      'an unknown key of a group',
      { ...whole, defaults: { tls: { verifi: true } } },
      { section: 'defaults', option: 'tls.verifi', message: 'the key is unknown', expected: 'tls.verify?' },
    ],
    [
      'a group that is no group',
      { ...whole, defaults: { tls: true } },
      { section: 'defaults', option: 'tls', message: 'there are no keys here' },
    ],
    [
      'targets that are no list',
      { ...whole, defaults: { targets: 'c2' } },
      { section: 'defaults', option: 'targets', message: 'the targets are not a list' },
    ],
    [
      'a target without a backend',
      { ...whole, defaults: { targets: [{}] } },
      { section: 'defaults', option: 'targets[0]', message: 'the target does not name a backend' },
    ],
    [
      'an aggregate that is a number',
      { ...whole, defaults: { targets: [{ backend: 'c2', aggregates: { a: 1 } }] } },
      { section: 'defaults', option: 'targets[0].aggregates.a', message: 'the names of aggregates have to be text' },
    ],
    [
      'a password that is a number',
      { ...whole, defaults: { password: 123456 } },
      { section: 'defaults', option: 'password', message: 'the value is not text' },
    ],
    [
      'a number that is text',
      { ...whole, defaults: { lunCopyTimeoutSeconds: 'long' } },
      { section: 'defaults', option: 'lunCopyTimeoutSeconds', message: 'the value is not a whole number' },
    ],
    [
      'a name that differs by case only',
      { ...whole, backends: { ...whole.backends, C1: {} } },
      { section: 'backends.C1', message: 'the name differs from that of another backend by case only' },
    ],
    [
      'a reserved name',
      { ...whole, backends: { default: {} } },
      { section: 'backends.default', message: 'no backend can be called default' },
    ],
    [
      'no backend in the list',
      { version: 1, backends: {} },
      { section: '', option: 'enabledBackends', message: 'no backend is enabled' },
    ],
  ])('%s is a problem', (_name, value, expected) => {
    const withDefaultsRead =
      typeof value === 'object' && value !== null && 'defaults' in value ? strippedOf(value) : value;
    const resolution = resolveReplication(readNative(withDefaultsRead));
    expect(resolution.ok ? [] : resolution.problems).toContainEqual(expect.objectContaining(expected));
  });
});

/** Backends that leave to the defaults what a case puts there. */
function strippedOf(value: object): unknown {
  const { host: _host, ...rest } = { host: '' };
  const bare = (name: string) => ({ host: name, svm: name, user: 'u', ...rest });
  return { ...value, backends: { c1: bare('c1'), c2: bare('c2') } };
}

function everyObject(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(everyObject)];
}

function frozen<T>(value: T): T {
  for (const part of everyObject(value)) Object.freeze(part);
  return value;
}
