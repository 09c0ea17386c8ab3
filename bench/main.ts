/**
 * npm run bench -- NAME [--json FILE]: runs one benchmark, prints its figures as a table, and writes them machine-readable.
 * Each benchmark is a file of its own here; it compares side by side, on the same simulated clusters or
 * the same server.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cloudEncryptionBench } from './cloud-encryption.ts';
import { cloudMemoryBench } from './cloud-memory.ts';
import { ensureBench } from './ensure.ts';
import { failoverBench } from './failover.ts';
import type { Report } from './report.ts';
import { printReport } from './report.ts';
import { s3Bench } from './s3.ts';
import { simulatorBench } from './simulator.ts';
import { statusBench } from './status.ts';
import { transferBench } from './transfer.ts';

const BENCHES: Readonly<Record<string, () => Promise<Report>>> = {
  'cloud-encryption': cloudEncryptionBench,
  'cloud-memory': cloudMemoryBench,
  ensure: ensureBench,
  failover: failoverBench,
  status: statusBench,
  s3: s3Bench,
  simulator: simulatorBench,
  transfer: transferBench,
};

const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } });
const [name = ''] = positionals;
const bench = BENCHES[name];
if (bench === undefined) {
  process.stderr.write(
    `usage: npm run bench -- NAME [--json FILE]; NAME is one of ${Object.keys(BENCHES).join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  const report = await bench();
  process.stdout.write(printReport(report));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.goals.every(({ met }) => met) ? 0 : 1;
}
