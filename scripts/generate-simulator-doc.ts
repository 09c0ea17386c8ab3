/**
 * Writes the tables of docs/simulator.md between their markers: what is simulated, the switches, the refusals, and of
 * every documented code by which refusal it comes or why it does not.
 * npm run docs:simulator [-- --check], which fails when one is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CONTROL_ROUTES } from '../src/testing/control-routes.ts';
import { REFUSALS, type RefusalName, type RefusalRow } from '../src/testing/refusals.ts';
import { RESOURCES } from '../src/testing/resources/catalogue.ts';
import { SWITCHES, switchesWith } from '../src/testing/switches.ts';
import { codesOf, DOCUMENTED_CODES } from '../test/testing/documented-codes.ts';
import { INFERENCES } from '../test/testing/inferences.ts';

const FILE = 'docs/simulator.md';
const TESTS = ['test/testing/refusals.test.ts', 'test/testing/offload-refusals.ts'];

const PARTS: Readonly<Record<string, () => string>> = {
  paths: renderPaths,
  inferences: renderInferences,
  switches: renderSwitches,
  refusals: renderRefusals,
  codes: renderCodes,
  control: renderControl,
};

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const before = readFileSync(FILE, 'utf8');
const after = Object.entries(PARTS).reduce((text, [marker, render]) => withPart(text, marker, render()), before);
if (before !== after) {
  if (values.check) {
    process.stderr.write(`${FILE} is stale; run npm run docs:simulator\n`);
    process.exitCode = 1;
  } else writeFileSync(FILE, after);
}

function withPart(text: string, marker: string, part: string): string {
  const begin = `<!-- generated: ${marker} -->`;
  const end = `<!-- end: ${marker} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${FILE} has no markers for "${marker}"`);
  return `${text.slice(0, from + begin.length)}\n${part}\n${text.slice(to)}`;
}

function renderPaths(): string {
  const rows = RESOURCES.map((resource) => {
    const collection = ['GET', ...(resource.post ? ['POST'] : [])];
    const changes = [...(resource.patch ? ['PATCH'] : []), ...(resource.remove ? ['DELETE'] : [])];
    const one = resource.single ? '' : ['GET', ...changes].join(' ');
    return [`\`${resource.path}\``, [...collection, ...(resource.single ? [] : changes)].join(' '), one];
  });
  return markdownTable(['path below /api', 'as a collection', 'one object'], rows);
}

function renderInferences(): string {
  const rows = INFERENCES.map(({ fact, does, switches, otherwise }) => [
    fact,
    does,
    [switches.map((name) => `\`${name}\``).join(' '), otherwise ?? ''].filter((text) => text !== '').join('; '),
  ]);
  return markdownTable(['inference', 'what the simulator does', 'what changes it'], rows);
}

function renderSwitches(): string {
  const defaults: Readonly<Record<string, string | number>> = switchesWith();
  const rows = Object.entries(SWITCHES).map(([name, { question, fact, ...rest }]) => {
    const chosen = defaults[name];
    const others = 'values' in rest ? rest.values.filter((value) => value !== chosen) : [];
    const given =
      'values' in rest ? [`**\`${chosen}\`**`, ...others.map((value) => `\`${value}\``)] : [`**${chosen}**`];
    return [`\`${name}\``, question, given.join(' '), fact];
  });
  return markdownTable(['switch', 'question', 'values, the default first', 'what is known'], rows);
}

function renderRefusals(): string {
  const tests = TESTS.map((file) => readFileSync(file, 'utf8')).join('\n');
  const rows = (Object.entries(REFUSALS) as [RefusalName, RefusalRow][]).map(([name, row]) => {
    if (!new RegExp(`^  ${name}: `, 'm').test(tests)) throw new Error(`${TESTS.join(' and ')} have no case of ${name}`);
    const inferred = row.inferred === undefined ? '' : row.inferred;
    return [row.code, statusText(row), row.where, row.message, `\`${name}\``, row.fact, inferred];
  });
  rows.sort(([a = ''], [b = '']) => Number(a) - Number(b));
  return markdownTable(['code', 'HTTP', 'where', 'words', 'row and test', 'what is known', 'what is inferred'], rows);
}

function renderCodes(): string {
  const rows = DOCUMENTED_CODES.map(({ code, about, why }) => {
    const refusals = (Object.entries(REFUSALS) as [RefusalName, RefusalRow][]).filter(([, row]) =>
      codesOf(row).includes(code),
    );
    return [code, about, refusals.map(([name]) => `\`${name}\``).join(', '), why ?? ''];
  });
  return markdownTable(['code', 'what it is about', 'row and test', 'why it does not occur here'], rows);
}

function renderControl(): string {
  const rows = CONTROL_ROUTES.map(({ method, path, does, body }) => [
    `${method} \`${path}\``,
    does,
    body === undefined ? '' : `\`${body}\``,
  ]);
  return markdownTable(['request', 'what it does and answers', 'body, for instance'], rows);
}

/** As a switch decides, where one does. */
function statusText({ status }: RefusalRow): string {
  const { relationshipArgumentStatus, relationshipExecutionStatus, unknownPathStatus } = switchesWith();
  if (status === 'argument') return `${relationshipArgumentStatus}*`;
  if (status === 'execution') return `${relationshipExecutionStatus}*`;
  return status === 'unknown-path' ? `${unknownPathStatus}*` : String(status);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
}
