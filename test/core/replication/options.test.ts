import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseNative } from '../../../src/cli/configuration.ts';
import { parseCinderConf } from '../../../src/core/replication/cinder-conf.ts';
import {
  closestOption,
  OPTION_NAMES,
  optionNamed,
  optionRow,
  parseValue,
} from '../../../src/core/replication/options.ts';
import { optionsTable, unusedOptionsList } from '../../../src/core/replication/options-documentation.ts';
import { resolveReplication } from '../../../src/core/replication/resolution.ts';
import { closestWord } from '../../../src/core/replication/spelling.ts';

const page = new URL('../../../docs/configuration.md', import.meta.url);

describe('the table of options', () => {
  it.each(OPTION_NAMES.filter((name) => optionRow(name).default !== undefined))(
    'the default of %s is a value that it takes',
    (name) => {
      const preset = optionRow(name).default;
      expect(parseValue(name, preset, 'native').ok).toBe(true);
      expect(parseValue(name, String(preset), 'cinder.conf')).toEqual(parseValue(name, preset, 'native'));
    },
  );

  it('no two options share a key of the native format, or a name', () => {
    const keys = OPTION_NAMES.flatMap((name) => optionRow(name).native ?? []);
    expect(new Set(keys).size).toBe(keys.length);
    const names = OPTION_NAMES.flatMap((name) => [name, ...(optionRow(name).aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('defect 42: no two names of options have grown together', () => {
    for (const name of OPTION_NAMES) expect(name.match(/netapp_/g)?.length ?? 0, name).toBeLessThanOrEqual(1);
    expect(optionNamed('netapp_storage_pools')).toBe('netapp_pool_name_search_pattern');
  });

  it.each([
    ['netapp_snapmirror_quiese_timeout', 'netapp_snapmirror_quiesce_timeout'],
    ['netapp_vservers', 'netapp_vserver'],
    ['netapp_sever_hostname', 'netapp_server_hostname'],
    ['replication_devices', 'replication_device'],
    ['netapp_something_entirely_different', undefined],
  ])('who writes %s may mean %s', (written, meant) => {
    expect(closestOption(written)).toBe(meant);
  });

  it('a swap of neighbours is one edit, and a short word is not every other short word', () => {
    expect(closestWord('hsot', ['port', 'host'])).toBe('host');
    expect(closestWord('svm', ['user', 'host'])).toBeUndefined();
    expect(closestWord('x', [])).toBeUndefined();
  });
});

describe('docs/configuration.md', () => {
  /** `UPDATE_DOCS=1 vitest run test/core/replication/options.test.ts` writes the generated parts anew. */
  it('has the table of options as it is', () => {
    const written = readFileSync(page, 'utf8');
    const fresh = filled(filled(written, 'options', optionsTable()), 'unused options', unusedOptionsList());
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, fresh);
    else expect(written).toBe(fresh);
  });

  it('has two examples of one and the same configuration, without a note about either', () => {
    const text = readFileSync(page, 'utf8');
    const cinder = resolveReplication(parseCinderConf(example(text, 'cinder.conf')));
    const native = resolveReplication(parseNative(example(text, 'native')));
    expect(cinder).toMatchObject({ ok: true, notes: [] });
    expect(native).toEqual(cinder);
  });
});

function filled(text: string, name: string, content: string): string {
  const parts = text.split(new RegExp(`(<!-- /?${name} -->)`));
  expect(parts, `the marks of ${name}`).toHaveLength(5);
  return [...parts.slice(0, 2), `\n${content}\n`, ...parts.slice(3)].join('');
}

function example(text: string, name: string): string {
  const found = text.split(`<!-- example: ${name} -->`)[1]?.match(/^```\w+\n(.*?)^```/ms)?.[1];
  if (found === undefined) throw new Error(`no example ${name}`);
  return found;
}
