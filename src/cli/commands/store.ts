/** Edge (layer 8): `datamotion store check`: the contract of object stores, run against a real one. */
import type { Command } from 'commander';
import { systemRandom } from '../../env.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { missingNeeds, objectStoreContract } from '../../testing/object-store-contract.ts';
import { openStore } from '../object-store.ts';
import { EXIT, type ExitCode, explain, type Terminal } from '../terminal.ts';
import type { RunAction } from './cloud.ts';

export function registerStore(program: Command, run: RunAction): void {
  const store = program.command('store').description('work on an object store').exitOverride();
  store
    .command('check')
    .description('run the object-store contract against a store; writes below a prefix of its own, and removes it')
    .argument('<url>', 'a path, a file: URL, or s3://bucket/prefix')
    .option('--json', 'print one JSON document')
    .exitOverride()
    .action((url: string, options: { json?: boolean }) =>
      run((terminal, { url }: { url: string; json?: boolean }) => storeCheck(terminal, url))({ ...options, url }),
    );
}

interface CaseResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly reason?: string;
}

async function storeCheck(terminal: Terminal, url: string): Promise<ExitCode> {
  const store = await openStore(url, terminal.signal);
  const place = `store-check-${systemRandom.uuid()}/`;
  const results: CaseResult[] = [];
  const progress = terminal.progress();
  try {
    for (const [number, contractCase] of objectStoreContract.entries()) {
      terminal.signal.throwIfAborted();
      const { name } = contractCase;
      progress.step('store check', `${number + 1} of ${objectStoreContract.length}: ${name}`);
      const missing = missingNeeds(contractCase, store.capabilities);
      if (missing !== undefined) {
        results.push({ name, outcome: 'skipped', reason: missing });
        continue;
      }
      try {
        await contractCase.run({ store, prefix: `${place}${number}/`, reopen: () => openStore(url, terminal.signal) });
        results.push({ name, outcome: 'passed' });
      } catch (error) {
        results.push({ name, outcome: 'failed', reason: explain(error) });
      }
    }
  } finally {
    progress.stop();
    await removeAll(store, place);
  }
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  terminal.document({ store: store.place, capabilities: store.capabilities, cases: results });
  terminal.table(
    ['outcome', 'promise', 'reason'],
    results.map(({ name, outcome, reason }) => [outcome, name, reason ?? '']),
  );
  terminal.say(`${store.place}: ${results.length - failed.length} of ${results.length} promises kept or skipped`);
  return failed.length > 0 ? EXIT.failed : EXIT.done;
}

/** Everything below a prefix. */
export async function removeAll(store: ObjectStore, prefix: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  await store.deleteMany(keys);
}
