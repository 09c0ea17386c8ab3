// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how oslo.config writes references
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCinderConf } from '../../../src/core/replication/cinder-conf.ts';
import { readNative } from '../../../src/core/replication/native.ts';
import { OPTION_NAMES, type OptionName, optionRow } from '../../../src/core/replication/options.ts';
import { resolveReplication } from '../../../src/core/replication/resolution.ts';

/** A backend as options of the table, to be written in either format. */
type Options = Readonly<Partial<Record<OptionName, string | number | boolean | readonly string[]>>>;
interface Backend {
  readonly options: Options;
  readonly targets: readonly {
    readonly backend: string;
    readonly aggregates: readonly (readonly [string, string])[];
  }[];
}
interface File {
  readonly enabled: readonly string[];
  readonly defaults: Options;
  readonly backends: readonly (readonly [string, Backend])[];
}

function asCinderConf({ enabled, defaults, backends }: File): string {
  const lines = (options: Options) =>
    Object.entries(options).map(([name, value]) => `${name} = ${String(value).replaceAll('$', '$$$$')}`);
  return [
    '[DEFAULT]',
    `enabled_backends = ${enabled.join(',')}`,
    '[backend_defaults]',
    'volume_driver = cinder.volume.drivers.netapp.common.NetAppDriver',
    ...lines(defaults),
    ...backends.flatMap(([name, { options, targets }]) => [
      `[${name}]`,
      ...lines(options),
      ...targets.map(({ backend }) => `replication_device = backend_id:${backend}`),
      ...targets
        .filter(({ aggregates }) => aggregates.length > 0)
        .map(({ backend, aggregates }) => {
          const pairs = aggregates.map((pair) => `\n  ${pair.join(':')}`);
          return `netapp_replication_aggregate_map = ${[`backend_id:${backend}`, ...pairs].join(',')}`;
        }),
    ]),
  ].join('\n');
}

function asNative({ enabled, defaults, backends }: File): unknown {
  const nested = (options: Options) => {
    const result: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(options)) {
      const [group, key] = (optionRow(name as OptionName).native ?? '').split('.');
      if (group === undefined) continue;
      if (key === undefined) result[group] = value;
      else result[group] = { ...(result[group] as object | undefined), [key]: value };
    }
    return result;
  };
  return {
    version: 1,
    enabledBackends: enabled,
    defaults: nested(defaults),
    backends: Object.fromEntries(
      backends.map(([name, { options, targets }]) => [
        name,
        {
          ...nested(options),
          ...(targets.length > 0 && {
            targets: targets.map(({ backend, aggregates }) => ({
              backend,
              ...(aggregates.length > 0 && { aggregates: Object.fromEntries(aggregates) }),
            })),
          }),
        },
      ]),
    ),
  };
}

/** Names made of a number: many of them are needed, and patterns are slow to fill. */
const named = (prefix: string, suffixes = ['']) =>
  fc.tuple(fc.nat(999), fc.constantFrom(...suffixes)).map(([number, suffix]) => `${prefix}${number}${suffix}`);
const word = named('w', ['', '$', '.x', '$-y', '$$']);

function anyValueOf(name: OptionName): fc.Arbitrary<string | number | boolean | readonly string[]> {
  const { type } = optionRow(name);
  switch (type.kind) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: type.min, max: type.max });
    case 'choice':
      // Active sync has rules of its own about targets, which are not this property's business.
      return fc.constantFrom(...type.choices.filter((choice) => !choice.startsWith('Automated')));
    case 'list':
      return fc.array(word, { minLength: 1, maxLength: 3 });
    case 'pattern':
      return fc.constantFrom('(.+)', 'vol\\d+', 'a,b', '^x$');
    case 'variable':
      return named('V_');
    case 'host':
      return fc.oneof(fc.constantFrom('fd00::1', '[fd00::1]', '192.0.2.1'), named('h', ['', '.example.com']));
    default:
      return word;
  }
}

const CERTIFICATE: readonly OptionName[] = ['netapp_certificate_file', 'netapp_private_key_file'];
const PASSWORD: readonly OptionName[] = ['netapp_password', 'datamotion_password_env', 'datamotion_password_file'];
const REQUIRED: readonly OptionName[] = ['netapp_server_hostname', 'netapp_vserver', 'netapp_login'];
const OTHERS = OPTION_NAMES.filter((name) => {
  const { native, ofFile, type } = optionRow(name);
  const special = [...CERTIFICATE, ...PASSWORD, ...REQUIRED].includes(name);
  return native !== undefined && ofFile !== true && type.kind !== 'pairs' && !special;
});

/** Options that may stand together: one way to give the password, a certificate with its key. */
function options(required: readonly OptionName[]): fc.Arbitrary<Options> {
  return fc
    .tuple(fc.subarray(OTHERS), fc.subarray([...PASSWORD], { maxLength: 1 }), fc.constantFrom([], CERTIFICATE))
    .chain((names) =>
      fc.record(Object.fromEntries([...required, ...names.flat()].map((name) => [name, anyValueOf(name)]))),
    ) as fc.Arbitrary<Options>;
}

const file: fc.Arbitrary<File> = fc
  .uniqueArray(named('b', ['', '-x', '_y']), { minLength: 1, maxLength: 4 })
  .chain((names) =>
    fc.record({
      enabled: fc.subarray(names, { minLength: 1 }),
      defaults: options([]),
      backends: fc.tuple(
        ...names.map((name) =>
          fc
            .record({
              options: options(REQUIRED),
              targets: fc.subarray(names.filter((other) => other !== name)).chain((targets) =>
                fc.tuple(
                  ...targets.map((backend) =>
                    fc.record({
                      backend: fc.constant(backend),
                      aggregates: fc.uniqueArray(fc.tuple(named('aggr'), named('aggr')), {
                        selector: ([source]) => source,
                        maxLength: 3,
                      }),
                    }),
                  ),
                ),
              ),
            })
            .map((backend): readonly [string, Backend] => [name, backend]),
        ),
      ),
    }),
  );

it('a configuration has one value, whichever format it is written in', () => {
  fc.assert(
    fc.property(file, (value) => {
      const cinder = resolveReplication(parseCinderConf(asCinderConf(value)));
      const native = resolveReplication(readNative(asNative(value)));
      // Two backends may come out as the same SVM by chance; that is a problem in both.
      if (!cinder.ok && !native.ok) expect(cinder.problems[0]?.code).toBe('CONFIG_TARGET_IS_SELF');
      expect(native).toMatchObject(cinder.ok ? { ok: true, configuration: cinder.configuration } : { ok: false });
      if (cinder.ok && native.ok) expect(native.configuration).toEqual(cinder.configuration);
    }),
    { numRuns: 200 },
  );
});

it('every problem of a random cinder.conf has a line of the text, and no input makes the resolver throw', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '[c1]',
      '[c2]',
      '[DEFAULT]',
      '[backend_defaults]',
      'enabled_backends = c1,c2',
      '  more',
      '',
      '# comment',
      '[',
    ),
    fc
      .tuple(
        fc.constantFrom(...OPTION_NAMES),
        fc.oneof(fc.string(), fc.constantFrom('backend_id:c2', 'backend_id:c1,a:b', '5', '$a', '${c1.netapp_login}')),
      )
      .map(([name, text]) => `${name} = ${text}`),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      const text = lines.join('\n');
      const count = text.split(/\r\n|\r|\n/).length;
      const resolution = resolveReplication(parseCinderConf(text));
      for (const { line, message } of resolution.ok
        ? resolution.notes
        : [...resolution.problems, ...resolution.notes]) {
        expect(line, message).toBeGreaterThanOrEqual(1);
        expect(line, message).toBeLessThanOrEqual(count);
      }
    }),
    { numRuns: 500 },
  );
});

it('no value of the native format makes the resolver throw', () => {
  const key = fc.constantFrom(
    'version',
    'backends',
    'defaults',
    'enabledBackends',
    'c1',
    'targets',
    'tls',
    'host',
    'aggregates',
    'backend',
    '__proto__',
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.constant(1),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const resolution = resolveReplication(readNative(value));
      expect(resolution.ok || resolution.problems.length > 0).toBe(true);
    }),
    { numRuns: 500 },
  );
});
