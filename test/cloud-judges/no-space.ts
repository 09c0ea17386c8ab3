/**
 * Small real file systems that run full: under the object store, under the state, under the target of a restore. Each time the
 * command fails with one clear error, what was there before is untouched, and the work goes on once there is space. Needs
 * a tmpfs of its own: where none can be mounted, it is said and not run.
 *
 *   node test/cloud-judges/no-space.ts [--require]
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src/testing/random.ts';
import { Verdicts } from '../interop/verdicts.ts';
import type { Ran } from './command.ts';
import { filesIn, ImageWorld } from './image-world.ts';

const MIB = 1024 * 1024;
/** Ways to a mount namespace of one's own: as root, else as root of a user namespace. */
const WAYS = [
  ['unshare', '--mount'],
  ['unshare', '--mount', '--map-root-user'],
];

const { values: options } = parseArgs({
  options: { require: { type: 'boolean', default: false }, inside: { type: 'boolean', default: false } },
});
const verdicts = new Verdicts(say);
const random = new SeededRandom(7);

function outside(): void {
  const way = WAYS.find(([program = '', ...args]) => {
    const trial = ['sh', '-c', 'mount -t tmpfs -o size=1m none /mnt'];
    return spawnSync(program, [...args, ...trial], { stdio: 'ignore' }).status === 0;
  });
  if (way === undefined) {
    say('not run: no file system can be mounted here');
    say(`0 passed, ${options.require ? 1 : 0} failed`);
    process.exitCode = options.require ? 1 : 0;
    return;
  }
  const [program = '', ...args] = way;
  const again = [process.execPath, fileURLToPath(import.meta.url), '--inside'];
  process.exitCode = spawnSync(program, [...args, ...again], { stdio: 'inherit' }).status ?? 1;
}

async function inside(): Promise<void> {
  await storeRunsFull();
  await stateRunsFull();
  await targetRunsFull();
  say(`${verdicts.passed} passed, ${verdicts.failed} failed`);
  process.exitCode = verdicts.failed === 0 ? 0 : 1;
}

/** 16 MiB under the store: a baseline of 6 MiB fits, a second backup that changes everything too, a third does not. */
async function storeRunsFull(): Promise<void> {
  using small = new SmallFilesystem(16);
  using world = new ImageWorld({ store: join(small.path, 'store') });
  write(world, 6);
  await backUp(world, 'first');
  write(world, 6);
  await backUp(world, 'second');
  write(world, 6);
  for (const time of ['once', 'again']) {
    const failed = await world.cloud('backup', [world.image, '--snapshot-name', 'third']);
    refused(`a backup to a store without space, ${time}`, failed, 'OBJECT_STORE_NO_SPACE');
  }
  await untouched(world, 'the store is full');

  small.fill();
  const forgotten = await world.cloud('forget', ['--snapshot', 'first']);
  if (forgotten.exitCode !== 0) refused('forget in a store without a byte left', forgotten, 'OBJECT_STORE_NO_SPACE');
  refused(
    'a backup to a store without a byte left',
    await world.cloud('backup', [world.image]),
    'OBJECT_STORE_NO_SPACE',
  );
  await untouched(world, 'not a byte is left');
  small.unfill();

  // Space is made in the store itself: what is forgotten and collected is enough for what is missing.
  if (forgotten.exitCode !== 0) await succeeded('forget', world.cloud('forget', ['--snapshot', 'first']));
  world.forgetCopy('first');
  await succeeded('gc in a full store', world.cloud('gc'));
  const done = await succeeded(
    'the backup, after a collection',
    world.cloud('backup', [world.image, '--snapshot-name', 'third']),
  );
  verdicts.check('it goes on with what was sent', done.json<{ resumed: boolean }>().resumed);
  world.keep('third');

  write(world, 6);
  const full = await world.cloud('backup', [world.image, '--snapshot-name', 'fourth']);
  refused('the next backup', full, 'OBJECT_STORE_NO_SPACE');
  small.resize(64);
  await succeeded(
    'the backup, on a larger file system',
    world.cloud('backup', [world.image, '--snapshot-name', 'fourth']),
  );
  world.keep('fourth');
  await world.judge(verdicts, 'after a full store');
}

async function stateRunsFull(): Promise<void> {
  using small = new SmallFilesystem(8);
  using world = new ImageWorld({ state: join(small.path, 'state') });
  write(world, 6);
  await backUp(world, 'first');
  for (const [left, what] of [
    [0, 'without a byte left'],
    [12 * 1024, 'with 12 KiB left'],
    [64 * 1024, 'with 64 KiB left'],
    [160 * 1024, 'with 160 KiB left'],
  ] as const) {
    write(world, 6);
    small.fill(left);
    const ran = await world.cloud('backup', [world.image, '--snapshot-name', what]);
    if (ran.exitCode === 0) world.keep(what);
    else refused(`a backup whose state is ${what}`, ran, 'STATE_NO_SPACE');
    await untouched(world, `the state is ${what}`);
    small.unfill();
    if (ran.exitCode === 0) continue;
    await succeeded(
      `the backup, once the state has space (${what})`,
      world.cloud('backup', [world.image, '--snapshot-name', what]),
    );
    world.keep(what);
  }
  await world.judge(verdicts, 'after a full state');
}

async function targetRunsFull(): Promise<void> {
  using small = new SmallFilesystem(4);
  using world = new ImageWorld();
  write(world, 6);
  await backUp(world, 'first');
  const target = join(small.path, 'restored.img');
  const failed = await world.cloud('restore', ['--to', target]);
  refused('a restore to a full file system', failed, 'CLOUD_TARGET_UNUSABLE');
  verdicts.equal('what a failed restore leaves', small.files(), []);
  small.resize(32);
  await succeeded('the restore, on a larger file system', world.cloud('restore', ['--to', target]));
}

/** One clear error: its code, a remedy, nothing else. */
function refused(what: string, ran: Ran, code: string): void {
  verdicts.equal(`${what} fails`, ran.exitCode, 1);
  if (ran.exitCode !== 1) return;
  const { error } = ran.json<{ error: { code: string; remedy?: string; message: string } }>();
  verdicts.equal(`${what}: the code (${error.message})`, error.code, code);
  verdicts.check(`${what}: what to do is said`, (error.remedy ?? '') !== '', ran.stderr);
  verdicts.equal(`${what}: it is said once`, ran.stderr.match(/^error: /gm)?.length, 1);
}

async function untouched(world: ImageWorld, when: string): Promise<void> {
  const verified = await world.cloud('verify', ['--read-data']);
  verdicts.check(`when ${when}, verify finds no damage`, verified.exitCode === 0, verified.stderr);
  for (const name of world.copies.keys()) {
    const wrong = await world.restoredWrongly(name);
    verdicts.check(`when ${when}, ${name} is restored`, wrong === undefined, wrong);
  }
}

async function backUp(world: ImageWorld, name: string): Promise<void> {
  await succeeded(`backup ${name}`, world.cloud('backup', [world.image, '--snapshot-name', name]));
  world.keep(name);
}

async function succeeded(what: string, running: Promise<Ran>): Promise<Ran> {
  const ran = await running;
  verdicts.check(what, ran.exitCode === 0, ran.stderr);
  return ran;
}

/** New content that does not compress. */
function write(world: ImageWorld, mib: number): void {
  const bytes = Buffer.alloc(mib * MIB);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  writeFileSync(world.image, bytes);
}

/** A tmpfs. */
class SmallFilesystem implements Disposable {
  readonly path: string;

  constructor(mib: number) {
    mkdirSync('.tmp', { recursive: true });
    this.path = mkdtempSync(join('.tmp', 'small-'));
    mount(['-t', 'tmpfs', '-o', `size=${mib}m`, 'none', this.path]);
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['--lazy', this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }

  resize(mib: number): void {
    mount(['-o', `remount,size=${mib}m`, this.path]);
  }

  /** Takes all space but so much. */
  fill(leftBytes = 0): void {
    const { bavail, bsize } = statfsSync(this.path);
    const file = openSync(this.#filler, 'w');
    const blocks = Math.max(0, bavail - Math.ceil(leftBytes / bsize));
    const block = Buffer.alloc(bsize, 1);
    for (let at = 0; at < blocks; at++) writeSync(file, block);
    closeSync(file);
  }

  unfill(): void {
    rmSync(this.#filler, { force: true });
  }

  files(): string[] {
    return filesIn(this.path);
  }

  get #filler(): string {
    return join(this.path, 'filler');
  }
}

function mount(args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (options.inside) await inside();
else outside();
