/** Core (layer 1): the option table as Markdown, for docs/configuration.md. */
import { expectedOf, OPTION_NAMES, type OptionName, type OptionRow, optionRow } from './options.ts';

/** The options that are used, as a table. */
export function optionsTable(): string {
  const head = ['cinder.conf', 'native', 'values', 'default', 'meaning'];
  const rows = OPTION_NAMES.filter((name) => optionRow(name).unused !== true).map((name) =>
    cells(name, optionRow(name)),
  );
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** The options that are known and do nothing, as a list. */
export function unusedOptionsList(): string {
  const unused = OPTION_NAMES.filter((name) => optionRow(name).unused === true);
  return unused.map((name) => `- \`${name}\`: ${optionRow(name).remark ?? 'it concerns Cinder itself'}`).join('\n');
}

function cells(name: OptionName, row: OptionRow): string[] {
  const names = [name, ...(row.aliases ?? [])].map((one) => `\`${one}\``);
  const [current, ...older] = names;
  return [
    older.length === 0 ? `${current}` : `${current} (formerly ${older.join(', ')})`,
    row.native === undefined ? '-' : `\`${row.native}\``,
    expectedOf(row.type, 'cinder.conf'),
    row.required === true ? 'required' : row.default === undefined ? '-' : `\`${row.default}\``,
    row.meaning,
  ].map((cell) => cell.replaceAll('|', '\\|'));
}
