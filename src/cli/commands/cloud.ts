/** Edge (layer 8): `datamotion cloud`: SnapMirror Cloud backups of volume images and block devices. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { nodeFormatTools } from '../../compute/format-tools.ts';
import { nodeKeyTools } from '../../compute/key-tools.ts';
import { WorkerCompute } from '../../compute/worker-compute.ts';
import type { RetentionRule } from '../../core/cloud/format/history-entry.ts';
import type { FileRange } from '../../core/cloud/restore-plan.ts';
import type { RetentionReason } from '../../core/cloud/retention.ts';
import { nodeDisk } from '../../disk/node-disk.ts';
import { systemEnv } from '../../env.ts';
import { CloudError, ConfigError } from '../../errors.ts';
import { retrying } from '../../object-store/retrying.ts';
import { throttled } from '../../object-store/throttled.ts';
import { CloudEndpoint, type RetentionPlan } from '../../run/cloud/cloud-endpoint.ts';
import type { Compression } from '../../run/cloud/context.ts';
import { FileRestoreTarget } from '../../run/cloud/file-restore-target.ts';
import { CLOUD_STEPS, type CloudProgress } from '../../run/cloud/progress.ts';
import { ImageCatalogueRebuilder } from '../../snapshot-source/image-rebuild.ts';
import { ImageSnapshotSource } from '../../snapshot-source/image-snapshot-source.ts';
import { DirectoryStateStore } from '../../state/directory.ts';
import type { StateStore } from '../../state/state.ts';
import { writerOfState } from '../cloud-writer.ts';
import { openStore } from '../object-store.ts';
import { givenPassphrase, NEW_PASSPHRASE, type PassphraseOptions, PRESENT_PASSPHRASE } from '../passphrase.ts';
import { bytes, EXIT, type ExitCode, type Terminal } from '../terminal.ts';

/** Wraps an action: a terminal for its `--json`, its failure as text and exit code. */
export type RunAction = <O extends { json?: boolean }>(
  action: (terminal: Terminal, options: O) => Promise<ExitCode>,
) => (options: O) => Promise<void>;

interface EndpointOptions extends PassphraseOptions {
  readonly store: string;
  readonly name: string;
  readonly maxRate?: number;
  readonly requests?: number;
  readonly json?: boolean;
}

interface StateOptions extends EndpointOptions {
  readonly state?: string;
  readonly writer?: string;
  readonly breakLock: boolean;
}

export function registerCloud(program: Command, run: RunAction): void {
  const cloud = program
    .command('cloud')
    .description('back up volume images and block devices to an object store, incrementally for ever')
    .exitOverride();
  const add = (name: string, description: string): Command =>
    cloud
      .command(name)
      .description(description)
      .requiredOption('--store <url>', 'the object store: a path, a file: URL or s3://bucket/prefix')
      .requiredOption('--name <endpoint>', "the endpoint: one volume's place in the store")
      .option('--max-rate <bytes>', 'bytes a second to and from the store, all requests together', positive)
      .option('--requests <n>', 'objects under way at a time (default: by the number of processors)', positive)
      .option('--passphrase-file <file>', 'of an encrypted endpoint: its first line (default: $DATAMOTION_PASSPHRASE)')
      .option('--ask-passphrase', 'of an encrypted endpoint: ask for it on the terminal')
      .option('--json', 'print one JSON document')
      .exitOverride();
  const writes = (command: Command): Command =>
    command.option('--only-writer', 'state that nobody else writes, for a store without conditional puts', false);
  const keepsState = (command: Command): Command =>
    writes(command)
      .option('--state <folder>', 'the VMAP and the catalogue (default: a folder per endpoint in $XDG_STATE_HOME)')
      .option(
        '--writer <name>',
        'who writes to the endpoint, from run to run the same (default: a name kept in the state)',
      )
      .option('--break-lock', 'take the state from a process that may be alive', false);
  const snapshot = '--snapshot <snapshot>';
  const ofNewest = 'name, uuid or id (default: the newest)';

  keepsState(add('backup', 'make a backup: a baseline the first time, then what changed since the last one'))
    .argument('<source>', 'a volume image or block device')
    .option('--label <label>', 'the SnapMirror label that policy rules select by')
    .option('--snapshot-name <name>', 'what to call the backup (default: the time)')
    .option('--comment <text>', 'kept with the backup')
    .option('--source-id <id>', 'names the volume for good (default: its path)')
    .option('--baseline', 'send everything, and build on nothing', false)
    .option('--fresh', 'do not go on with an interrupted backup', false)
    .option('--take-over', 'take the endpoint over from another writer, which must be gone', false)
    .option('--lock-days <n>', 'lock the backup in the store for so many days from now', positive)
    .option('--allow-changes', 'go on when the image is written to while it is read', false)
    .addOption(new Option('--compression <codec>', 'zstd, zstd:LEVEL or none (default: zstd:1)').argParser(compression))
    .action((source: string, options) => run(backup)({ ...options, source }));

  writes(add('restore', 'restore a backup, or a file or byte range of it, to a file or block device'))
    .requiredOption('--to <path>', 'where to; a new file gets its name when it is whole')
    .option(snapshot, ofNewest)
    .option('--file <path>', 'a file of the volume (default: its only one)')
    .option(
      '--range <from-to>',
      'bytes of it, half-open: 0-4096 is the first 4096 bytes; the target then has these bytes alone',
      range,
    )
    .option('--onto <snapshot>', 'the target has this snapshot: write only what differs, in place')
    .option('--overwrite', 'replace what is at the path', false)
    .action((options) => run(restore)(options));

  add('list', 'list the backups of an endpoint, oldest first').action((options) => run(list)(options));

  add('show', 'show one backup: what it is, what it took, what was saved')
    .option(snapshot, ofNewest)
    .option(
      '--measure',
      'read the indirect blocks to know what deduplication saved, where the backup does not tell',
      false,
    )
    .action((options) => run(show)(options));

  add('ls', 'list the files of a backup')
    .option(snapshot, ofNewest)
    .action((options) => run(ls)(options));

  add('verify', 'check that backups are whole; exit code 1 when they are not')
    .option(snapshot, 'name, uuid or id (default: all)')
    .option('--read-data', 'read every stored byte, not only what describes them', false)
    .action((options) => run(verify)(options));

  writes(add('forget', 'let backups leave the endpoint; `gc` frees what only they needed'))
    .option('--snapshot <snapshot...>', 'names, uuids or ids')
    .option('--policy', "what the endpoint's rules do not keep, instead of named ones", false)
    .option('--plan', 'with --policy: only say what would be forgotten, and why', false)
    .addOption(
      new Option('--then <what>', 'to forget the newest backup: what comes next').choices(['baseline', 'end'] as const),
    )
    .action((options) => run(forget)(options));

  writes(add('retention', 'show the rules of an endpoint, or set them; `forget --policy` goes by them'))
    .option('--rule <label:count...>', 'how many of a label are kept; replaces all rules', rules)
    .option('--clear', 'take all rules away', false)
    .action((options) => run(retention)(options));

  writes(add('hold', 'hold backups, so that nobody forgets them, until they are released'))
    .requiredOption('--snapshot <snapshot...>', 'names, uuids or ids')
    .option('--release', 'let them go', false)
    .action((options) => run(hold)(options));

  writes(add('lock', 'lock a backup, and all that it needs, in the store: nobody can delete it before the date'))
    .option(snapshot, ofNewest)
    .option('--until <date>', 'a date, as 2027-12-31 or 2027-12-31T18:00:00Z', date)
    .option('--days <n>', 'from now on', positive)
    .action((options) => run(lock)(options));

  writes(add('gc', 'delete what no backup needs any more'))
    .option('--plan', 'only say what would be deleted', false)
    .action((options) => run(gc)(options));

  writes(add('rekey', 'change the passphrase of an encrypted endpoint; no data is rewritten'))
    .option('--new-passphrase-file <file>', 'the new one: its first line (default: $DATAMOTION_NEW_PASSPHRASE)')
    .option('--ask-new-passphrase', 'ask for the new one on the terminal')
    .option('--keep-others', 'the passphrases that open it go on doing so', false)
    .action((options) => run(rekey)(options));

  keepsState(add('rebuild-vmap', 'rebuild a lost state from the object store; takes the endpoint over')).action(
    (options) => run(rebuildVmap)(options),
  );
}

async function backup(
  terminal: Terminal,
  options: StateOptions & {
    source: string;
    label?: string;
    snapshotName?: string;
    comment?: string;
    sourceId?: string;
    baseline: boolean;
    fresh: boolean;
    takeOver: boolean;
    allowChanges: boolean;
    compression?: Compression;
    lockDays?: number;
  },
): Promise<ExitCode> {
  await checkSource(options.source);
  const { endpoint, place, compute, close, call } = await open(terminal, options);
  try {
    const { state: kept, writer } = await stateOf(terminal, place, options);
    const env = systemEnv({ logger: terminal.logger() });
    const source = new ImageSnapshotSource({
      path: options.source,
      state: kept,
      compute,
      env,
      id: options.sourceId,
      allowChanges: options.allowChanges,
    });
    const { state } = source;
    const { breakLock, label, baseline, takeOver } = options;
    const interrupted = options.fresh ? undefined : await endpoint.interrupted({ state, breakLock }, call);
    const snapshot = source.take({
      name: options.snapshotName ?? interrupted?.name ?? timestamp(env.clock.now()),
      label,
      comment: options.comment,
      uuid: interrupted?.uuid,
    });
    const result = await endpoint.backup(
      { source, state, writer, snapshot: snapshot.uuid, baseline, takeOver, breakLock },
      call,
    );
    const { lockDays } = options;
    const locked =
      lockDays === undefined
        ? undefined
        : await endpoint.lock({ snapshot: result.snapshot.id, until: env.clock.now() + lockDays * DAY_MS }, call);
    terminal.document({ ...result, ...(locked && { locked }) });
    const { uploads } = result;
    const sent = uploads.blocks[0] + uploads.blocks[1] + uploads.blocks[2];
    terminal.say(
      `${result.snapshot.name}: ${result.outcome}${result.resumed ? ', gone on with after an interruption' : ''}; ` +
        `${sent} blocks in ${uploads.objects} objects, ${bytes(uploads.bytes)} stored`,
    );
    if (locked !== undefined) terminal.say(`locked until ${timestamp(locked.lockedUntil)}`);
    return EXIT.done;
  } finally {
    await close();
  }
}

async function restore(
  terminal: Terminal,
  options: EndpointOptions & {
    to: string;
    snapshot?: string;
    file?: string;
    range?: FileRange;
    onto?: string;
    overwrite: boolean;
  },
): Promise<ExitCode> {
  const path = resolve(options.to);
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile() && !there.isBlockDevice()) {
    throw invalid('to', `${path} is neither a file nor a block device: nothing is restored to it, or in its place`);
  }
  if (there !== undefined && options.onto === undefined && !options.overwrite) {
    terminal.note(`${path} exists: its content would be lost. Say --overwrite to replace it.`);
    terminal.document({ acknowledgementNeeded: { option: '--overwrite', lost: path } });
    return EXIT.acknowledgementNeeded;
  }
  const into = there?.isBlockDevice() ? 'device' : options.onto === undefined ? 'new-file' : 'file';
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const target = new FileRestoreTarget({ disk: nodeDisk, path, folder: dirname(path), into });
    const { snapshot, file, range, onto } = options;
    const result = await endpoint.restore({ target, snapshot, file, range, onto }, call);
    terminal.document({ ...result, path });
    terminal.say(
      `${result.snapshot.name}: ${result.placedBlocks} blocks restored to ${path}, ${result.fetchedBlocks} read`,
    );
    return EXIT.done;
  } finally {
    await close();
  }
}

async function list(terminal: Terminal, options: EndpointOptions): Promise<ExitCode> {
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const { snapshots, ...rest } = await endpoint.list(call);
    terminal.document({
      endpoint: rest,
      snapshots: snapshots.map(({ logicalBytes, createdAt, ...snapshot }) => ({
        ...snapshot,
        createdAt: new Date(createdAt).toISOString(),
        label: snapshot.label ?? null,
        bytes: logicalBytes,
      })),
    });
    terminal.table(
      ['backup', 'made', 'label', 'size', 'distinct', 'stored by it', 'base', 'kept'],
      snapshots.map((s) => [
        s.name,
        new Date(s.createdAt).toISOString(),
        s.label ?? '-',
        bytes(s.logicalBytes),
        bytes(s.heldBytes),
        bytes(s.uploadedBytes),
        s.base ?? '-',
        [s.held ? ['held'] : [], s.lockedUntil ? [`locked until ${timestamp(s.lockedUntil)}`] : []].flat().join(', ') ||
          '-',
      ]),
    );
    return EXIT.done;
  } finally {
    await close();
  }
}

async function show(
  terminal: Terminal,
  options: EndpointOptions & { snapshot?: string; measure: boolean },
): Promise<ExitCode> {
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const details = await endpoint.show({ snapshot: options.snapshot, measure: options.measure }, call);
    terminal.document(details);
    const { snapshot, saved } = details;
    const deduplicated = saved.deduplicationBytes === undefined ? 'not measured' : bytes(saved.deduplicationBytes);
    terminal.table(
      ['', ''],
      [
        ['backup', snapshot.name],
        ['id, uuid', `${snapshot.id}, ${snapshot.uuid}`],
        ['made', new Date(snapshot.createdAt).toISOString()],
        ['label', snapshot.label ?? '-'],
        ['kind', snapshot.base === 0 ? 'baseline' : `incremental, on ${snapshot.base}`],
        ['size', bytes(details.logicalBytes)],
        ['distinct blocks (L0, L1, L2)', details.heldBlocks.join(', ')],
        ['sent blocks (L0, L1, L2)', details.uploadedBlocks.join(', ')],
        ['stored by it', bytes(details.uploadedBytes)],
        ['its L3 file and bitmap', `${bytes(details.l3Bytes)}, ${bytes(details.objectIdBytes)}`],
        ['objects it needs', `${details.objects}`],
        ['an object of it', `${bytes(details.averageObject.bytes)} in ${bytes(details.averageObject.storedBytes)}`],
        ['not sent, for it was there', bytes(saved.unchangedBytes)],
        ['saved by compression', bytes(saved.compressionBytes)],
        ['saved by deduplication', deduplicated],
      ],
    );
    return EXIT.done;
  } finally {
    await close();
  }
}

async function ls(terminal: Terminal, options: EndpointOptions & { snapshot?: string }): Promise<ExitCode> {
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const files = await endpoint.files({ snapshot: options.snapshot }, call);
    terminal.document({ files });
    for (const { path, sizeBytes } of files) terminal.say(`${path}  ${bytes(sizeBytes)}`);
    return EXIT.done;
  } finally {
    await close();
  }
}

async function verify(
  terminal: Terminal,
  options: EndpointOptions & { snapshot?: string; readData: boolean },
): Promise<ExitCode> {
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const result = await endpoint.verify({ snapshot: options.snapshot, readData: options.readData }, call);
    terminal.document(result);
    for (const { message, snapshots } of result.problems) {
      terminal.say(`${message}${snapshots.length > 0 ? ` (needed by ${snapshots.join(', ')})` : ''}`);
    }
    const { problems, snapshots, objects, bytesRead } = result;
    const found = problems.length === 0 ? 'no damage' : `${problems.length} problems`;
    terminal.say(`${snapshots} backups, ${objects} objects, ${bytes(bytesRead)} of objects read: ${found}`);
    return problems.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await close();
  }
}

async function forget(
  terminal: Terminal,
  options: EndpointOptions & { snapshot?: string[]; then?: 'baseline' | 'end'; policy: boolean; plan: boolean },
): Promise<ExitCode> {
  const { snapshot: snapshots, policy, plan } = options;
  if (policy ? snapshots !== undefined || options.then !== undefined : snapshots === undefined) {
    throw invalid('snapshot', 'either --snapshot with names, or --policy, must be given');
  }
  if (plan && !policy) throw invalid('plan', '--plan goes with --policy');
  const { endpoint, close, call } = await open(terminal, options);
  try {
    if (snapshots === undefined) {
      tellRetention(terminal, plan ? await endpoint.retention(call) : await endpoint.applyRetention(call), plan);
      return EXIT.done;
    }
    const entry = await endpoint.forget({ snapshots, sequel: options.then }, call);
    terminal.document({ forgotten: snapshots, entry });
    terminal.say(`forgotten: ${snapshots.join(', ')}; run gc to free what only they needed`);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof CloudError) || error.code !== 'CLOUD_SNAPSHOT_IS_BASE') throw error;
    terminal.fail(error);
    terminal.note('  say --then baseline or --then end to forget it all the same');
    return EXIT.acknowledgementNeeded;
  } finally {
    await close();
  }
}

function tellRetention(terminal: Terminal, { rules, decisions }: RetentionPlan, planned: boolean): void {
  const gone = decisions.filter(({ keep }) => !keep);
  terminal.document({ planned, rules, decisions, forgotten: gone.map(({ name }) => name) });
  terminal.table(
    ['backup', 'made', 'label', planned ? 'would be' : 'is', 'because'],
    decisions.map(({ name, createdAt, label, keep, reason }) => [
      name,
      new Date(createdAt).toISOString(),
      label ?? '-',
      keep ? 'kept' : 'forgotten',
      REASONS[reason],
    ]),
  );
  const what = `${gone.length} of ${decisions.length} backups`;
  terminal.say(planned ? `would forget ${what}` : `forgot ${what}; run gc to free what only they needed`);
}

const REASONS: Readonly<Record<RetentionReason, string>> = {
  'within-count': 'the rule keeps it',
  'no-rule': 'no rule is about it',
  base: 'the next backup builds on it',
  held: 'it is held',
  locked: 'it is locked',
  'beyond-count': 'newer ones of its label are as many as the rule keeps',
};

async function retention(
  terminal: Terminal,
  options: EndpointOptions & { rule?: RetentionRule[]; clear: boolean },
): Promise<ExitCode> {
  if (options.clear && options.rule !== undefined) throw invalid('clear', 'either rules or --clear, not both');
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const set = options.clear ? [] : options.rule;
    const kept = set === undefined ? (await endpoint.retention(call)).rules : await endpoint.setRetention(set, call);
    terminal.document({ rules: kept });
    terminal.table(
      ['label', 'kept'],
      kept.map(({ label, count }) => [label, `${count}`]),
    );
    return EXIT.done;
  } finally {
    await close();
  }
}

async function hold(
  terminal: Terminal,
  options: EndpointOptions & { snapshot: string[]; release: boolean },
): Promise<ExitCode> {
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const entry = await endpoint.hold({ snapshots: options.snapshot, held: !options.release }, call);
    terminal.document({ held: entry.held, snapshots: options.snapshot, entry });
    terminal.say(`${options.release ? 'released' : 'held'}: ${options.snapshot.join(', ')}`);
    return EXIT.done;
  } finally {
    await close();
  }
}

async function lock(
  terminal: Terminal,
  options: EndpointOptions & { snapshot?: string; until?: number; days?: number },
): Promise<ExitCode> {
  const { until, days } = options;
  if ((until === undefined) === (days === undefined)) throw invalid('until', 'either --until or --days must be given');
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const end = until ?? systemEnv().clock.now() + (days ?? 0) * DAY_MS;
    const result = await endpoint.lock({ snapshot: options.snapshot, until: end }, call);
    terminal.document(result);
    terminal.say(`${result.name}: ${result.objects} objects locked until ${timestamp(result.lockedUntil)}`);
    return EXIT.done;
  } finally {
    await close();
  }
}

const DAY_MS = 86_400_000;

async function gc(terminal: Terminal, options: EndpointOptions & { plan: boolean }): Promise<ExitCode> {
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const result = await endpoint.collect({ planOnly: options.plan }, call);
    terminal.document(result);
    const { objects, snapshotFiles, keptObjects } = result;
    terminal.say(
      `${result.planned ? 'would delete' : 'deleted'} ${objects} objects and ${snapshotFiles} files of backups, ` +
        `${bytes(result.bytes)}; ${result.planned ? 'would keep' : 'kept'} ${keptObjects} objects`,
    );
    const { keys, bytes: lockedBytes, until } = result.locked;
    if (until !== undefined) {
      terminal.say(
        `${keys} more, ${bytes(lockedBytes)}, are locked, the last until ${timestamp(until)}: run gc again then`,
      );
    }
    return EXIT.done;
  } finally {
    await close();
  }
}

async function rekey(
  terminal: Terminal,
  options: EndpointOptions & { newPassphraseFile?: string; askNewPassphrase?: boolean; keepOthers: boolean },
): Promise<ExitCode> {
  const provider = await givenPassphrase(terminal, NEW_PASSPHRASE, {
    passphraseFile: options.newPassphraseFile,
    askPassphrase: options.askNewPassphrase,
  });
  if (provider === undefined) throw invalid('new-passphrase-file', 'no new passphrase was given');
  const { endpoint, close, call } = await open(terminal, options);
  try {
    const result = await endpoint.rekey({ provider, keepOthers: options.keepOthers }, call);
    terminal.document(result);
    const others = result.keys.length - 1;
    terminal.say(
      `${endpoint.name} opens with the new passphrase` +
        (others === 0 ? ', and with no other' : `, and with ${others} other${others === 1 ? '' : 's'}`),
    );
    return EXIT.done;
  } finally {
    await close();
  }
}

async function rebuildVmap(terminal: Terminal, options: StateOptions): Promise<ExitCode> {
  const { endpoint, place, compute, close, call } = await open(terminal, options);
  try {
    const { state, writer } = await stateOf(terminal, place, options);
    const { breakLock } = options;
    const catalogues = [new ImageCatalogueRebuilder({ compute })];
    const result = await endpoint.rebuildVmap({ state, writer, catalogues, breakLock }, call);
    terminal.document(result);
    const what = result.catalogue ? 'the VMAP and the catalogue' : 'the VMAP';
    terminal.say(`${what} of ${result.snapshot.name} rebuilt: ${result.blocks} blocks of ${result.inodes} inodes`);
    return EXIT.done;
  } finally {
    await close();
  }
}

async function open(
  terminal: Terminal,
  options: EndpointOptions & { readonly onlyWriter?: boolean; readonly compression?: Compression },
) {
  const provider = await givenPassphrase(terminal, PRESENT_PASSPHRASE, options);
  const store = await openStore(options.store, terminal.signal);
  const compute = new WorkerCompute();
  const env = systemEnv({ logger: terminal.logger() });
  const endpoint = new CloudEndpoint({
    store: retrying(throttled(store, { bytesPerSecond: options.maxRate })),
    name: options.name,
    env,
    tools: nodeFormatTools(),
    keys: { tools: nodeKeyTools, providers: provider === undefined ? [] : [provider] },
    compute,
    compression: options.compression,
    exclusion: options.onlyWriter ? 'only-writer' : undefined,
    limits: { objectsInFlight: options.requests ?? Math.max(4, compute.concurrency) },
  });
  const progress = terminal.progress();
  const onProgress = (told: CloudProgress) => {
    const { step, done, total } = told;
    const { activity } = CLOUD_STEPS[step];
    const size = told.counts === 'blocks' ? BLOCK_BYTES : undefined;
    progress.step(step, activity ?? told.counts, {
      transferredBytes: size && done * size,
      totalBytes: size && total && total * size,
    });
    if (told.ended) progress.end(step, 'done');
  };
  const close = async () => {
    progress.stop();
    await compute.close();
  };
  return { endpoint, place: store.place, compute, close, call: { signal: terminal.signal, onProgress } };
}

const BLOCK_BYTES = 4096;

/** A state per endpoint and store, and who writes by it. */
async function stateOf(
  { env }: Terminal,
  place: string,
  { state, name, writer }: StateOptions,
): Promise<{ readonly state: StateStore; readonly writer: string }> {
  const home = env['XDG_STATE_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'state');
  const digest = createHash('sha256').update(place).digest('hex').slice(0, 12);
  const folder = resolve(state ?? join(home, 'ontap-data-motion', `${encodeURIComponent(name)}-${digest}`));
  return { state: new DirectoryStateStore(folder), writer: writer ?? (await writerOfState(folder)) };
}

async function checkSource(source: string): Promise<void> {
  const found = await stat(source).catch((cause) => {
    throw invalid('SOURCE', `${source} cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  });
  if (!found.isFile() && !found.isBlockDevice()) {
    throw invalid('SOURCE', `${source} is neither a file nor a block device`);
  }
}

function invalid(option: string, message: string): ConfigError {
  return new ConfigError('CONFIG_INVALID', message, { problems: [{ section: '', option, message }] });
}

/** `2026-01-31T12:30:05.123Z`, which sorts by time. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

function compression(text: string): Compression {
  const found = /^(none|zstd)(?::(-?\d+))?$/.exec(text);
  if (found === null || (found[1] === 'none' && found[2] !== undefined)) {
    throw new InvalidArgumentError('It must be zstd, zstd:LEVEL or none.');
  }
  const codec = found[1] === 'none' ? 'none' : 'zstd';
  return { codec, ...(found[2] !== undefined && { level: Number(found[2]) }) };
}

/** Repeated, and given with several values, it adds up. */
function rules(text: string, before: readonly RetentionRule[] = []): RetentionRule[] {
  const found = /^(.+):(\d+)$/.exec(text);
  const [label, count] = [found?.[1], Number(found?.[2])];
  if (label === undefined || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('It must be a label and a whole number, as daily:7.');
  }
  return [...before, { label, count }];
}

/** A day begins at midnight, UTC. */
function date(text: string): number {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms) && /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text)) return ms;
  throw new InvalidArgumentError('It must be a date, as 2027-12-31 or 2027-12-31T18:00:00Z.');
}

function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0) {
    throw new InvalidArgumentError('It must be a whole number above 0.');
  }
  return value;
}

function range(text: string): FileRange {
  const found = /^(\d+)-(\d+)$/.exec(text);
  const [from, to] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || !Number.isSafeInteger(to) || from >= to) {
    throw new InvalidArgumentError('It must be two numbers of bytes, as 0-4096, the first below the second.');
  }
  return { from, to };
}
