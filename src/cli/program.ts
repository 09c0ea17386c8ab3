/** Edge (layer 8): the `datamotion` command: its arguments, help and exit codes. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { TRANSFER_OBJECTS } from '../core/transfer/facts.ts';
import { SVM_PEER_APPLICATIONS } from '../ontap/ontap-svm.ts';
import { registerCloud } from './commands/cloud.ts';
import { configCheck } from './commands/config-check.ts';
import { demo } from './commands/demo.ts';
import { registerFailover } from './commands/failover-options.ts';
import type { Selected } from './commands/mirrors.ts';
import { ensuring, resyncing, runChosen, runVerb, verbs } from './commands/mirrors.ts';
import { type Peering, peer } from './commands/peer.ts';
import { ready } from './commands/ready.ts';
import { rpc } from './commands/rpc.ts';
import { registerSimulate } from './commands/simulate.ts';
import { status, watch } from './commands/status.ts';
import { registerStore } from './commands/store.ts';
import { type Transferring, transfer } from './commands/transfer.ts';
import type { CliWorld, ExitCode } from './terminal.ts';
import { EXIT, Terminal } from './terminal.ts';

const FOOTER = `
Exit codes: 0 done, 1 the operation failed, 2 usage or configuration, 3 an acknowledgement is needed.
With --json one JSON document goes to stdout and nothing else; progress goes to stderr.
Passwords come from the configuration, the environment or a file, never from an argument.`;

const TRANSFER_HELP = `
Until it is whole and proven, what is written has a name of its own (.NAME.*.datamotion-part, NAME_datamotion_*). Called again after
whatever end, it goes on or finishes; the source of --move is deleted last.
  datamotion transfer --config F --from prod:vol1/images/a --to prod:vol2/images/a --plan
  datamotion transfer --config F --from prod:vol1/images/a --to /var/tmp/a --checksum
  datamotion transfer --config F --from prod:vol1 --to prod:vol1 --move --aggregate aggr2`;

const RPC_HELP = `
Methods are the verbs by their names, with parameters by name:
  {"jsonrpc":"2.0","id":1,"method":"breakSnapmirrors","params":{"selection":{"source":"prod","target":"dr"},
   "options":{"timeoutMs":60000,"progress":true}}}
describe   lists every method with the JSON Schema of its parameters.
cancel     {"id":1} ends a call, which is then answered with its error.
stop       {"id":1} lets keepHouse end its round, and then itself.
progress   is sent as a notification while a call runs that asked for it.
hook       is sent as a notification to a caller whose options name hooks (stopWriters, startWriters, verify):
           {"question":1,"id":7,"hook":"stopWriters","volumes":["vol1"],...}, to be answered by
answerHook {"question":1,"ok":true}; ok false, with a text, is a failed hook.
An error of a verb has the code -32000 and, as its data, the stable code, the cluster, ONTAP's own code and message, and what to do.`;

/** Runs one command line (without `node` and the script) and resolves to its exit code. */
export async function runCommandLine(argv: readonly string[], world: CliWorld, version: string): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = new Command('datamotion')
    .description(
      'Moves data for NetApp ONTAP: protects volumes with SnapMirror, updates, breaks and re-syncs mirrors; backs images up to object stores.',
    )
    .version(version)
    .showHelpAfterError('(add --help for the options)')
    .addHelpText('after', FOOTER)
    .configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void world.stderr.write(text),
    })
    .exitOverride();

  /** Wraps an action: a terminal for its `--json`, its failure as text and exit code. */
  const run =
    <O extends { json?: boolean }>(action: (terminal: Terminal, options: O) => Promise<ExitCode>) =>
    async (options: O): Promise<void> => {
      const terminal = new Terminal(world, { json: options.json ?? false });
      try {
        exitCode = await action(terminal, options);
      } catch (error) {
        exitCode = terminal.fail(error);
      }
    };

  const add = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .addOption(new Option('--json', 'print one JSON document'))
      .exitOverride();

  add(
    'demo',
    'the whole story on two simulated clusters: protect, update, lose the source, fail over, compare, fail back, back up',
  )
    .option('--time-scale <factor>', 'simulated seconds per real second', positive, 20)
    .option('--store <url>', 'where the backups go: a path, a file: URL or s3://bucket/prefix (default: memory)')
    .action(run((terminal, options: { json?: boolean; timeScale: number; store?: string }) => demo(terminal, options)));

  registerSimulate(
    add('simulate', 'run the simulated ONTAP until interrupted; prints one JSON line when it is ready'),
    run,
    { port, positive, nonNegative },
  );

  const config = program.command('config').description('work on a configuration file').exitOverride();
  config
    .command('check')
    .description('validate a cinder.conf or a native YAML or JSON configuration, reporting every problem at once')
    .requiredOption('--config <file>', 'the configuration file')
    .option('--json', 'print one JSON document')
    .exitOverride()
    .action(run((terminal, options: { config: string; json?: boolean }) => configCheck(terminal, options)));

  const onMirrors = (name: string, description: string, needs: 'backend' | 'all'): Command => {
    const command = add(name, description)
      .requiredOption('--config <file>', 'cinder.conf, or native YAML or JSON')
      .requiredOption('--backend <name>', 'the source backend');
    const target = '--target <name>';
    const volume = '--volume <name...>';
    return needs === 'all'
      ? command.requiredOption(target, 'the destination backend').requiredOption(volume, 'volumes to work on')
      : command
          .option(target, 'the destination backend (default: every target of the backend)')
          .option(volume, 'volumes to work on (default: all that match)');
  };
  type Mirrors = Selected & { json?: boolean };
  type Waiting = Mirrors & { wait: boolean };

  onMirrors('status', 'show the mirrors of a backend', 'backend')
    .addOption(new Option('--watch', 'look again and again until interrupted').default(false).conflicts('json'))
    .option('--interval <seconds>', 'pause between two looks of --watch', positive, 5)
    .action(
      run((terminal, options: Mirrors & { watch: boolean; interval: number }) =>
        options.watch ? watch(terminal, options) : status(terminal, options),
      ),
    );
  onMirrors(
    'ready',
    'check everything that must hold before volumes can be protected; changes nothing',
    'backend',
  ).action(run((terminal, options: Mirrors) => ready(terminal, options)));
  add('peer', 'peer the SVMs of a backend and of its target, on both clusters, and wait until they are')
    .requiredOption('--config <file>', 'cinder.conf, or native YAML or JSON')
    .requiredOption('--backend <name>', 'the source backend')
    .requiredOption('--target <name>', 'the destination backend')
    .addOption(
      new Option('--application <name...>', 'what the peering may be used for')
        .choices([...SVM_PEER_APPLICATIONS])
        .default(['snapmirror']),
    )
    .action(run((terminal, options: Peering & { json?: boolean }) => peer(terminal, options)));
  onMirrors('ensure', 'protect volumes: destination volume, relationship, baseline; adopts what is there', 'backend')
    .option('--wait', 'wait for the baseline, not only for its start', false)
    .option('--repair', 'also resume what is paused and resync what is broken off', false)
    .option('--accept-loss', 'with --repair: what was written to broken-off destinations may be discarded', false)
    .action(
      run((terminal, options: Waiting & { repair: boolean; acceptLoss: boolean }) =>
        runChosen(terminal, options, ensuring(options)),
      ),
    );
  onMirrors('update', 'transfer what changed since the last update', 'backend')
    .option('--no-wait', 'do not wait for the transfer to end')
    .action(run((terminal, options: Waiting) => runVerb(terminal, options, verbs.update(options))));
  onMirrors('quiesce', 'pause mirrors, aborting a transfer that does not end in time', 'all').action(
    run((terminal, options: Mirrors) => runVerb(terminal, options, verbs.quiesce())),
  );
  onMirrors('resume', 'undo a quiesce', 'all').action(
    run((terminal, options: Mirrors) => runVerb(terminal, options, verbs.resume())),
  );
  onMirrors('abort', 'end running transfers; a schedule may start the next', 'all')
    .option('--clear-checkpoint', 'drop the restart checkpoint too: the next transfer begins anew', false)
    .action(
      run((terminal, options: Mirrors & { clearCheckpoint: boolean }) =>
        runVerb(terminal, options, verbs.abort(options)),
      ),
    );
  onMirrors('break', 'make the destinations writable and mount them; asks nothing of the source', 'all').action(
    run((terminal, options: Mirrors) => runVerb(terminal, options, verbs.break())),
  );
  onMirrors('resync', 'replicate again after a break; DISCARDS what was written to the destination since', 'all')
    .option('--no-wait', 'do not wait for the transfer to end')
    .option('--keep-newer-snapshots', 'keep the snapshots that the destination took since', false)
    .option('--quick', 'start sooner, at the price of storage efficiency', false)
    .option('--accept-loss', 'what was written to the destinations since the break may be discarded', false)
    .action(
      run((terminal, options: Waiting & { keepNewerSnapshots: boolean; quick: boolean; acceptLoss: boolean }) =>
        runChosen(terminal, options, resyncing(options)),
      ),
    );
  onMirrors('delete', 'remove mirrors and what the source keeps for them; the destination volumes stay', 'all')
    .option('--no-release', 'keep the half of the source')
    .action(
      run((terminal, options: Mirrors & { release: boolean }) => runVerb(terminal, options, verbs.delete(options))),
    );

  onMirrors('release', 'remove what the source keeps for mirrors whose destination half is gone', 'all')
    .option('--keep-snapshots', 'remove the entry only', false)
    .option('--destination-lost', 'do not ask the destination: it is gone for good', false)
    .action(
      run((terminal, options: Mirrors & { keepSnapshots: boolean; destinationLost: boolean }) =>
        runVerb(terminal, options, verbs.release(options)),
      ),
    );

  add('transfer', 'copy or move a file, LUN, namespace or volume the cheapest way that both ends allow')
    .requiredOption('--config <file>', 'cinder.conf, or native YAML or JSON')
    .requiredOption('--from <end>', 'backend:volume, backend:volume/path, file:path or a path on this host')
    .requiredOption('--to <end>', 'the same; a whole volume goes to backend:volume')
    .option('--move', 'delete the source once the destination is whole', false)
    .option('--plan', 'print the plan and change nothing', false)
    .option('--checksum', 'compare the bytes of both ends before the destination gets its name', false)
    .addOption(
      new Option('--object <kind>', 'what the source is (default: asked of ONTAP)').choices([...TRANSFER_OBJECTS]),
    )
    .option('--aggregate <name...>', 'where a whole volume is to lie')
    .option('--source-device <path>', 'where the source can be opened on this host, such as a mapped LUN')
    .option('--destination-device <path>', 'the same of the destination; what it holds is written over')
    .addHelpText('after', TRANSFER_HELP)
    .action(run((terminal, options: Transferring & { json?: boolean }) => transfer(terminal, options)));

  registerFailover(add, run, { positive, nonNegative });

  program
    .command('rpc')
    .description(
      'serve every verb as JSON-RPC 2.0 on standard input and output, one document a line, until the input ends',
    )
    .requiredOption('--config <file>', 'cinder.conf, or native YAML or JSON')
    .option('--journal <folder>', 'keep intent and progress of failovers and failbacks there')
    .addHelpText('after', RPC_HELP)
    .exitOverride()
    .action(run((terminal, options: { config: string; journal?: string; json?: boolean }) => rpc(terminal, options)));

  registerCloud(program, run);
  registerStore(program, run);

  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end with 0; commander has printed everything else for people already.
    if (error.exitCode === 0) return EXIT.done;
    const document = { name: 'UsageError', code: 'USAGE', message: error.message.replace(/^error: /, '') };
    new Terminal(world, { json: argv.includes('--json') }).document({ error: document });
    return EXIT.usage;
  }
  return exitCode;
}

function number(text: string, least: number, exclusive: boolean, what: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least || (exclusive && value === least)) {
    throw new InvalidArgumentError(what);
  }
  return value;
}

const positive = (text: string) => number(text, 0, true, 'It must be a number above 0.');
const nonNegative = (text: string) => number(text, 0, false, 'It must be 0 or a number above.');

function port(text: string): number {
  const value = number(text, 0, false, 'It must be a port, 0 to 65535.');
  if (!Number.isInteger(value) || value > 65_535) throw new InvalidArgumentError('It must be a port, 0 to 65535.');
  return value;
}
