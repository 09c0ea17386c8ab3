/**
 * Writes the parts of docs/ that come from code, between their markers; `--check` fails when one is stale.
 * npm run docs [-- --check]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Outcome, Row } from '../src/core/mirror/table.ts';
import { activityOf, decide, IMPOSSIBLE, MIRROR_TABLE } from '../src/core/mirror/table.ts';
import type { PolicyKind } from '../src/core/mirror/vocabulary.ts';
import { MIRROR_EVENTS, MIRROR_STATES, POLICY_KINDS } from '../src/core/mirror/vocabulary.ts';
import { REQUIREMENTS } from '../src/core/transfer/requirements.ts';
import type { TransferLink } from '../src/core/transfer/strategies.ts';
import { STRATEGIES, TRANSFER_STRATEGIES } from '../src/core/transfer/strategies.ts';

interface Part {
  readonly file: string;
  readonly marker: string;
  readonly render: () => string;
}

const PARTS: readonly Part[] = [
  { file: 'docs/replication.md', marker: 'state-machine-overview', render: renderOverview },
  { file: 'docs/replication.md', marker: 'state-machine', render: renderStateMachine },
  { file: 'docs/transfer.md', marker: 'transfer-strategies', render: renderStrategies },
  { file: 'docs/transfer.md', marker: 'transfer-leftovers', render: renderLeftovers },
];

const LINK_TEXT: Readonly<Record<TransferLink, string>> = {
  none: 'nothing',
  cluster: 'the cluster',
  'between-clusters': 'the link between the clusters',
  host: 'this host, in and out',
};

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
let stale = 0;
for (const part of PARTS) {
  const before = readFileSync(part.file, 'utf8');
  const after = withPart(before, part);
  if (before === after) continue;
  stale++;
  if (values.check) process.stderr.write(`${part.file}: the part "${part.marker}" is stale; run npm run docs\n`);
  else writeFileSync(part.file, after);
}
process.exitCode = values.check && stale > 0 ? 1 : 0;

function withPart(text: string, { file, marker, render }: Part): string {
  const begin = `<!-- generated: ${marker} -->`;
  const end = `<!-- end: ${marker} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has no markers for "${marker}"`);
  return `${text.slice(0, from + begin.length)}\n${render()}\n${text.slice(to)}`;
}

/** States x events for asynchronous policies, a word a cell: idle, then with a transfer running where that differs. */
function renderOverview(): string {
  const head = ['state', ...MIRROR_EVENTS];
  const rows = MIRROR_STATES.filter(
    (state) => decide({ state, transfer: 'none', kind: 'async' }, 'create') !== IMPOSSIBLE,
  ).map((state) => [
    `\`${state}\``,
    ...MIRROR_EVENTS.map((event) => {
      const idle = word(decide({ state, transfer: 'none', kind: 'async' }, event));
      const active = word(decide({ state, transfer: 'transferring', kind: 'async' }, event));
      return idle === active || state === 'absent' ? idle : `${idle} / ${active}`;
    }),
  ]);
  return markdownTable(head, rows);
}

function word(outcome: Outcome): string {
  if (outcome.kind === 'act') return '**acts**';
  if (outcome.kind === 'already') return 'done';
  return outcome.transient ? 'wait' : 'refused';
}

function renderStateMachine(): string {
  return MIRROR_EVENTS.map((event) => {
    const rows = MIRROR_TABLE.filter((row) => row.event === event).map((row) => [
      row.states.map((state) => `\`${state}\``).join(' '),
      activityText(row),
      kindsText(row.kinds),
      outcomeText(row.outcome),
    ]);
    return `### ${event}\n\n${markdownTable(['state', 'transfer', 'policy', 'what happens'], rows)}`;
  }).join('\n\n');
}

function activityText(row: Row): string {
  if (row.activity === 'any') return 'any';
  return row.activity === activityOf('transferring') ? 'queued or running' : 'none running';
}

function kindsText(kinds: readonly PolicyKind[]): string {
  return kinds.length === POLICY_KINDS.length ? 'any' : kinds.map((kind) => kind.replace('_', ' ')).join(', ');
}

function outcomeText(outcome: Outcome): string {
  if (outcome.kind === 'act') return `**${outcome.commands.join(', then ')}**`;
  if (outcome.kind === 'already') return `nothing to do: ${outcome.reason}`;
  return `${outcome.transient ? 'refused for now' : 'refused'}: ${outcome.reason}; ${outcome.remedy}`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function renderStrategies(): string {
  const rows = TRANSFER_STRATEGIES.map((name) => {
    const { summary, objects, intents, requires, link, instant } = STRATEGIES[name];
    const needs = requires.map((requirement) => REQUIREMENTS[requirement].text).join('; ');
    return [
      `\`${name}\``,
      summary,
      objects.join(', '),
      intents.join(', '),
      needs,
      LINK_TEXT[link],
      instant ? 'yes' : 'no',
    ];
  });
  return markdownTable(['strategy', 'what it is', 'for', 'to', 'needs', 'bytes go over', 'usable at once'], rows);
}

function renderLeftovers(): string {
  const rows = TRANSFER_STRATEGIES.map((name) => [`\`${name}\``, STRATEGIES[name].leavesBehind]);
  return markdownTable(['strategy', 'what is found, and what becomes of it'], rows);
}
