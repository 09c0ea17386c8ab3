/** Edge (layer 8): `datamotion simulate`. */
import { access, constants, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { type Clock, systemClock } from '../../env.ts';
import { ConfigError } from '../../errors.ts';
import {
  buildScenario,
  openControlPlane,
  parseScenario,
  RANDOM_FAULT_KINDS,
  type RandomFaultRates,
  SimulatedOntap,
  SteeredClock,
  VirtualClock,
  worldFileFacts,
} from '../../testing/index.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { EXIT } from '../terminal.ts';

export interface SimulateOptions {
  readonly port: number;
  readonly host: string;
  readonly tls?: boolean;
  readonly latency?: number;
  readonly timeScale?: number;
  readonly scenario?: string;
  readonly load?: string;
  readonly save?: string;
  readonly controlPort?: number;
  readonly seed?: number;
  readonly randomFaults?: RandomFaultRates['rates'];
  readonly faultBudget?: number;
}

const HELP = `
Without a scenario: two clusters, peered; the first has two SVMs, the second one; two aggregates each.
The JSON line has clusters[] (name, url, user, password, svms, aggregates), ca with --tls, and control with
--control-port: the address of the control plane, by which programs in any language move the clock, kill clusters,
add faults, write to volumes and compare digests. docs/simulator.md has its table, and a scenario to start from.

Examples:
  datamotion simulate --port 8080 --control-port 8090 --time-scale 60
  datamotion simulate --scenario lab.yaml --save lab.sim      what happened is kept when it is interrupted ...
  datamotion simulate --load lab.sim --control-port 8090      ... and goes on from there
  datamotion simulate --seed 7 --random-faults 'http=0.05,answer-lost=0.02' --fault-budget 20
Kinds of random faults: ${RANDOM_FAULT_KINDS.join(', ')}.`;

type Run = <O extends { json?: boolean }>(
  action: (terminal: Terminal, options: O) => Promise<ExitCode>,
) => (options: O) => Promise<void>;

export interface NumberArguments {
  readonly port: (text: string) => number;
  readonly positive: (text: string) => number;
  readonly nonNegative: (text: string) => number;
}

export function registerSimulate(command: Command, run: Run, { port, positive, nonNegative }: NumberArguments): void {
  command
    .option('--port <n>', 'port of the first cluster, the next ones follow (0: any free port)', port, 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--tls', 'serve https with a certificate made at start')
    .addOption(new Option('--scenario <file>', 'build the world of this YAML or JSON file').conflicts('load'))
    .option('--load <file>', 'go on with a world that was saved')
    .option('--save <file>', 'save the world when interrupted')
    .option('--control-port <n>', 'serve the control plane on this port of 127.0.0.1 (0: any free port)', port)
    .option('--seed <n>', 'seed of names and of random faults (default: 1)', whole)
    .option('--random-faults <rates>', 'faults by chance: KIND=PROBABILITY,... for each request', rates)
    .option('--fault-budget <n>', 'so many random faults in all, then everything goes well', whole)
    .option('--latency <ms>', 'delay of every answer in milliseconds of real time', nonNegative)
    .option('--time-scale <factor>', 'simulated seconds per real second', positive)
    .addHelpText('after', HELP)
    .action(run((terminal, options: SimulateOptions & { json?: boolean }) => simulate(terminal, options)));
}

/** Runs until SIGINT or SIGTERM. */
export async function simulate(terminal: Terminal, options: SimulateOptions): Promise<ExitCode> {
  const { port, host, tls = false, latency, randomFaults: rates, seed = 1, faultBudget, save } = options;
  if (save !== undefined) await checkWritable(save);
  const world = await worldOf(options);
  if (latency !== undefined) world.latencyMs = latency * speedOf(world.clock);
  if (rates) world.drawFaults({ rates, seed, ...(faultBudget === undefined ? {} : { budget: faultBudget }) });
  const onFailure = (error: unknown) =>
    terminal.note(error instanceof Error ? (error.stack ?? error.message) : `${error}`);
  await world.listen({ port, host, tls, onFailure });
  try {
    const control =
      options.controlPort === undefined ? undefined : await openControlPlane(world, { port: options.controlPort });
    terminal.line({ ...world.describe(), ...(control ? { control: control.url } : {}) });
    await interrupted(terminal.signal);
    await control?.close();
  } finally {
    await world.close();
  }
  if (save !== undefined) await replaceFile(save, world.save());
  return EXIT.done;
}

/** Before anything begins: what happens in hours of simulation is not lost to a path that never could be written. */
async function checkWritable(file: string): Promise<void> {
  try {
    const there = await stat(file).catch(() => undefined);
    if (there?.isDirectory()) throw new Error('it is a directory');
    if (there) await access(file, constants.W_OK);
    const probe = partOf(file);
    await (await open(probe, 'w')).close();
    await rm(probe);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** The file is the old one or the new one, whole. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const part = partOf(file);
  try {
    const handle = await open(part, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    throw unwritable(file, error);
  }
}

/** Beside the file, so that it can take its place by a rename. */
function partOf(file: string): string {
  return `${file}.${process.pid}.part`;
}

function unwritable(file: string, error: unknown): ConfigError {
  return new ConfigError(
    'CONFIG_UNREADABLE',
    `${file} cannot be written: ${error instanceof Error ? error.message : error}`,
    {
      attempted: 'save the simulated world',
      object: file,
      remedy: 'Give --save a file in a directory that is there and can be written.',
      cause: error,
    },
  );
}

async function worldOf({ scenario, load, seed, timeScale }: SimulateOptions): Promise<SimulatedOntap> {
  if (load !== undefined) {
    const file = await readInput(load);
    try {
      const { now: startAt, speed } = worldFileFacts(file);
      const clock =
        timeScale === undefined && speed === 'virtual'
          ? new VirtualClock({ startAt, autoAdvance: true })
          : new SteeredClock({ startAt, speed: timeScale ?? Number(speed) });
      return SimulatedOntap.load(file, { clock });
    } catch (error) {
      throw new ConfigError('CONFIG_INVALID', `${load}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const given = scenario === undefined ? DEFAULT_SCENARIO : await parsedFile(scenario);
  const parsed = parseScenario(given);
  const { clock = {} } = parsed;
  return buildScenario({
    ...parsed,
    ...(seed === undefined ? {} : { seed }),
    ...(timeScale === undefined ? {} : { clock: { ...clock, speed: timeScale, virtual: false } }),
  });
}

const DEFAULT_SCENARIO = {
  version: 1,
  clusters: [
    { name: 'cluster1', svms: ['svm1', 'svm2'] },
    { name: 'cluster2', svms: ['svm1_dr'] },
  ],
};

/** YAML reads JSON too. */
async function parsedFile(file: string): Promise<unknown> {
  const text = (await readInput(file)).toString('utf8');
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new ConfigError('CONFIG_INVALID', `${file}: ${error.message}`);
  }
}

async function readInput(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new ConfigError(
      'CONFIG_UNREADABLE',
      `${file} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function speedOf(clock: Clock): number {
  return clock instanceof SteeredClock ? clock.speed : 1;
}

function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function whole(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

function rates(text: string): RandomFaultRates['rates'] {
  const known: readonly string[] = RANDOM_FAULT_KINDS;
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [kind = '', rate = ''] = part.split('=').map((side) => side.trim());
      if (!known.includes(kind)) throw new InvalidArgumentError(`There is no fault ${kind}, only ${known.join(', ')}.`);
      const probability = Number(rate);
      if (rate === '' || !(probability >= 0 && probability <= 1)) {
        throw new InvalidArgumentError(`The probability of ${kind} must be from 0 to 1, as in ${kind}=0.05.`);
      }
      return [kind, probability];
    }),
  );
}

/** A clock that runs `scale` times as fast as `clock`, from `startAt` (epoch ms; default now) on. */
export function scaledClock(clock: Clock = systemClock, scale = 1, startAt = clock.now()): Clock {
  return new SteeredClock({ base: clock, speed: scale, startAt });
}
