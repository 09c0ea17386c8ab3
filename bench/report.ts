/** What a benchmark measured, as a table for people and as data for programs. */
import Table from 'cli-table3';

export interface Report {
  readonly bench: string;
  /** What was held equal on all sides. */
  readonly setting: string;
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly goals: readonly { readonly goal: string; readonly measured: string; readonly met: boolean }[];
}

export function printReport({ bench, setting, rows, goals }: Report): string {
  const head = Object.keys(rows[0] ?? {});
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows.map((row) => head.map((column) => String(row[column] ?? ''))));
  const verdicts = goals.map(({ goal, measured, met }) => `${met ? 'met   ' : 'MISSED'} ${goal}: ${measured}`);
  return `${bench}: ${setting}\n${table.toString()}\n${verdicts.join('\n')}\n`;
}
