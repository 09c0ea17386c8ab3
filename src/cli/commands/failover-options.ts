/** Edge (layer 8): the arguments of failover, failback, drill, debts and housekeeping. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { FENCES, SIDES } from '../../core/failover/vocabulary.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { type DrillArguments, drill } from './drill.ts';
import { type FailbackArguments, type FailoverArguments, failback, failover } from './failover.ts';
import { type DebtsArguments, debts } from './failover-debts.ts';
import { type HousekeepingArguments, housekeeping } from './failover-housekeeping.ts';
import type { NumberArguments } from './simulate.ts';

type Run = <O extends { json?: boolean }>(
  action: (terminal: Terminal, options: O) => Promise<ExitCode>,
) => (options: O) => Promise<void>;

const HOOKS = `
Hooks are commands for /bin/sh. They are told by the environment what they are about: DATAMOTION_OPERATION,
DATAMOTION_VOLUMES (source volumes, separated by spaces), DATAMOTION_SIDE (source or target) and DATAMOTION_BACKEND.
An exit code other than 0, or none in time, is a failure, and its processes are ended.`;

const FAILOVER_HELP = `${HOOKS}

Examples:
  datamotion failover --config F --backend east --plan                  what would be done, and what it would lose
  datamotion failover --config F --backend east --plan --json > plan    ... kept, to be applied as it is:
  datamotion failover --config F --backend east --apply plan --accept-loss
  datamotion failover --config F --backend east --to west --volume vol1 vol2 --journal /var/lib/datamotion`;

const FAILBACK_HELP = `${HOOKS}

Examples:
  datamotion failback --config F --backend east --plan
  datamotion failback --config F --backend east --stop-writers 'ssh app systemctl stop db' --accept-loss`;

const DRILL_HELP = `
The command of --verify is run for each clone with DATAMOTION_VOLUME, DATAMOTION_CLONE, DATAMOTION_BACKEND, DATAMOTION_SVM,
DATAMOTION_JUNCTION_PATH and DATAMOTION_SNAPSHOT in its environment. Its last line of output is the verdict of the report.

Example:
  datamotion drill --config F --backend east --verify 'mount-and-fsck "$DATAMOTION_JUNCTION_PATH"'`;

const HOUSEKEEPING_HELP = `
Each round looks at both sides, makes mirrors that are missing, updates what is older than --update-after, fences a source
that comes back after a failover where --fence allows it, and tells alerts when they begin and when they are over. A mirror
that somebody paused or broke off is left alone. SIGTERM lets the round end; a second one ends at once.
With --json each event is a JSON document on a line of its own.`;

const FENCE_TEXT = 'what may be done to a source that could still be written to';

export function registerFailover(
  add: (name: string, description: string) => Command,
  run: Run,
  { positive, nonNegative }: Pick<NumberArguments, 'positive' | 'nonNegative'>,
): void {
  const whole = (text: string): number => {
    const value = positive(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number above 0.');
    return value;
  };
  const onBackend = (name: string, description: string): Command =>
    add(name, description)
      .requiredOption('--config <file>', 'cinder.conf, or native YAML or JSON')
      .requiredOption('--backend <name>', 'the source backend: the one that is replicated');
  const contact = (command: Command): Command =>
    command.option('--contact-timeout <seconds>', 'how long a cluster that may be dead is waited for', positive, 20);
  const planning = (name: string, description: string, target: string): Command =>
    contact(onBackend(name, description))
      .option('--to <name>', target)
      .option('--volume <name...>', 'source volumes (default: all of the backend)')
      .addOption(new Option('--plan', 'print what would be done, and do nothing').conflicts('apply'))
      .addOption(
        new Option('--apply <file>', 'do what this plan says, as --plan --json printed it').conflicts(['to', 'volume']),
      );
  const journaled = (command: Command): Command =>
    command.option('--break-lock', 'take the journal from a process that may be alive', false);
  const applying = (command: Command): Command =>
    journaled(
      command
        .option('--accept-loss [ids...]', 'accept losses: those of the plan, or only those named')
        .option('--journal <folder>', 'keep intent and progress there: whoever has it can go on')
        .option('--stop-writers <command>', 'run before the switch: nobody may write once it has ended')
        .option('--start-writers <command>', 'run after it')
        .option('--hook-timeout <seconds>', 'how long a hook may take', positive, 300)
        .option('--concurrency <n>', 'volumes worked on at once (default: 1000)', whole),
    );
  const fence = (command: Command): Command =>
    command.addOption(new Option('--fence <how>', FENCE_TEXT).choices([...FENCES]).default('none'));

  fence(applying(planning('failover', 'make a target the side that is written to', 'the target (default: the best)')))
    .option('--last-update-timeout <seconds>', 'how long the last update may take; 0: none is tried', nonNegative, 60)
    .option('--quiesce-timeout <seconds>', 'how long a transfer may drain (default: as configured)', nonNegative)
    .addHelpText('after', FAILOVER_HELP)
    .action(run((terminal, options: FailoverArguments & Json) => failover(terminal, options)));

  applying(
    planning(
      'failback',
      'bring data and writers back to the source',
      'the target it was failed over to (default: found out)',
    ),
  )
    .addOption(new Option('--keep <side>', 'whose data survive (default: target)').choices([...SIDES]))
    .option('--catch-up-rounds <n>', 'at most so many updates before the writers are stopped', whole, 10)
    .option('--final-update-timeout <seconds>', 'how long the update without writers may take', positive, 600)
    .addHelpText('after', FAILBACK_HELP)
    .action(run((terminal, options: FailbackArguments & Json) => failback(terminal, options)));

  planning(
    'drill',
    'try a failover on clones of the copies: mirrors and writers go on',
    'the target (default: the best)',
  )
    .option('--verify <command>', 'run for each clone: an exit code other than 0 fails the drill')
    .option('--hook-timeout <seconds>', 'how long it may take for one clone', positive, 300)
    .option('--no-mount', 'do not mount the clones')
    .addOption(
      new Option('--clean-up', 'remove what killed drills left, and drill nothing').conflicts(['plan', 'apply']),
    )
    .addHelpText('after', DRILL_HELP)
    .action(run((terminal, options: DrillArguments & Json) => drill(terminal, options)));

  fence(
    journaled(onBackend('debts', 'list what failovers and failbacks left to be done later; ends with 1 if anything')),
  )
    .requiredOption('--journal <folder>', 'the journal of the failovers')
    .option('--pay', 'do it now, as far as the clusters answer; never moves a service', false)
    .addOption(
      new Option('--forget', 'empty the journal: what it says was seen to by hand').default(false).conflicts('pay'),
    )
    .action(run((terminal, options: DebtsArguments & Json) => debts(terminal, options)));

  fence(contact(onBackend('housekeeping', 'look after the mirrors of a backend until told to stop')))
    .option('--target <name>', 'the destination backend (default: every target of the backend)')
    .option('--volume <name...>', 'source volumes (default: all of the backend)')
    .option('--interval <seconds>', 'from the beginning of one round to that of the next', positive, 600)
    .option('--max-lag <seconds>', 'a copy that is older is worth an alert', positive, 86_400)
    .option('--update-after <seconds>', 'update copies that are older (default: their schedules do it)', positive)
    .option('--no-ensure', 'do not make mirrors that are missing')
    .option('--once', 'one round; ends with 1 if there was an alert', false)
    .addHelpText('after', HOUSEKEEPING_HELP)
    .action(run((terminal, options: HousekeepingArguments & Json) => housekeeping(terminal, options)));
}

interface Json {
  json?: boolean;
}
