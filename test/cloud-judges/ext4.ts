/**
 * An ext4 image made and changed by e2fsprogs, backed up after each change, and restored: e2fsck finds nothing, cmp finds no
 * difference, holes are holes. Where there is no e2fsprogs and no way to install it, it is said and not run.
 *
 *   node test/cloud-judges/ext4.ts [--require] [--seed 1]
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src/testing/random.ts';
import { Verdicts } from '../interop/verdicts.ts';
import { ImageWorld } from './image-world.ts';

const TOOLS = ['mke2fs', 'debugfs', 'e2fsck', 'resize2fs', 'cmp'];
const MIB = 1024 * 1024;

const { values: options } = parseArgs({
  options: { require: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' } },
});
const verdicts = new Verdicts(say);
const random = new SeededRandom(Number(options.seed));
const missing = toolsMissing();
if (missing.length === 0) await tellStory();
else {
  say(`not run: there is no ${missing.join(', ')}`);
  if (options.require) verdicts.failed++;
}
say(`${verdicts.passed} passed, ${verdicts.failed} failed`);
process.exitCode = verdicts.failed === 0 ? 0 : 1;

async function tellStory(): Promise<void> {
  using world = new ImageWorld();
  const { image, folder } = world;
  const tree = join(folder, 'tree');
  makeTree(tree);
  writeFileSync(image, '');
  truncateSync(image, 32 * MIB);
  run('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', tree, image]);
  const baseline = await backUp(world, 'as made by mke2fs', 'made');
  verdicts.equal('the first backup is a baseline', baseline.outcome, 'baseline');

  debugfs(world, [
    ...writing(folder, 'new', 5),
    'rm /letters/3',
    'rm /random/1',
    'mkdir /more',
    'symlink /more/link /letters/1',
  ]);
  const changed = await backUp(world, 'with files written and removed by debugfs', 'changed');
  verdicts.check('it sends less than the whole', changed.uploads.bytes < baseline.uploads.bytes);

  const again = await backUp(world, 'unchanged', 'unchanged');
  verdicts.equal('an unchanged image sends no object', again.uploads.objects, 0);

  run('resize2fs', [image, '48M']);
  debugfs(world, [...writing(folder, 'grown', 9), 'rm /big']);
  await backUp(world, 'grown by resize2fs', 'grown');

  run('e2fsck', ['-fy', image]);
  run('resize2fs', ['-M', image]);
  await backUp(world, 'shrunk by resize2fs -M', 'shrunk');

  rmSync(tree, { recursive: true });
  makeTree(tree);
  run('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', tree, image]);
  await backUp(world, 'made anew by mke2fs, in the same file', 'anew');

  await world.judge(verdicts, 'ext4', clean);
  await judgeInPlace(world, 'made', 'grown');
  await judgeInPlace(world, 'anew', 'changed');
}

interface Backup {
  readonly outcome: string;
  readonly uploads: { readonly objects: number; readonly bytes: number };
}

async function backUp(world: ImageWorld, what: string, name: string): Promise<Backup> {
  verdicts.equal(`the image ${what} is clean`, clean(world.image), undefined);
  const ran = await world.cloud('backup', [world.image, '--snapshot-name', name]);
  verdicts.check(`the image ${what} is backed up`, ran.exitCode === 0, ran.stderr);
  world.keep(name);
  const result = ran.json<Backup>();
  const { size, blocks } = statSync(world.image);
  const { objects, bytes } = result.uploads;
  say(
    `${what}: ${size / MIB} MiB, ${(blocks * 512) / MIB} MiB of it allocated; ${result.outcome}, ${objects} objects, ${bytes} bytes`,
  );
  return result;
}

/** Restores one backup onto a file that has another one, writing what differs. */
async function judgeInPlace(world: ImageWorld, common: string, wanted: string): Promise<void> {
  const target = join(world.folder, 'in-place.img');
  copyFileSync(world.copies.get(common)?.path ?? '', target);
  const ran = await world.cloud('restore', ['--snapshot', wanted, '--onto', common, '--to', target]);
  verdicts.check(`${wanted} is restored onto ${common}`, ran.exitCode === 0, ran.stderr);
  const same = spawnSync('cmp', [target, world.copies.get(wanted)?.path ?? ''], { encoding: 'utf8' });
  verdicts.check(`${wanted} onto ${common}: cmp`, same.status === 0, same.stdout);
  verdicts.equal(`${wanted} onto ${common}: e2fsck`, clean(target), undefined);
}

/** What e2fsck has to say, or nothing. */
function clean(image: string): string | undefined {
  const { status, stdout, stderr } = spawnSync('e2fsck', ['-fn', image], { encoding: 'utf8' });
  return status === 0 ? undefined : `e2fsck -fn: ${stdout}${stderr}`;
}

// What is in the file system

/** Files that compress, files that do not, equal ones, one with a hole, one of several extents. */
function makeTree(tree: string): void {
  for (const name of ['letters', 'random', 'equal']) mkdirSync(join(tree, name), { recursive: true });
  for (let at = 0; at < 40; at++) {
    writeFileSync(join(tree, 'letters', `${at}`), 'lorem ipsum '.repeat(1 + Math.floor(random.next() * 4000)));
    writeFileSync(join(tree, 'random', `${at}`), randomBytes(Math.floor(random.next() * 60_000)));
    writeFileSync(join(tree, 'equal', `${at}`), Buffer.alloc(8 * 4096, 7));
  }
  const sparse = join(tree, 'sparse');
  writeFileSync(sparse, randomBytes(5000));
  truncateSync(sparse, 3 * MIB);
  writeFileSync(join(tree, 'big'), randomBytes(3 * MIB));
  symlinkSync('letters/1', join(tree, 'link'));
}

/** Commands of debugfs that write files of random content. */
function writing(folder: string, name: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const file = join(folder, `${name}-${at}`);
    writeFileSync(file, randomBytes(Math.floor(random.next() * 400_000)));
    return `write ${file} /${name}-${at}`;
  });
}

function debugfs(world: ImageWorld, commands: readonly string[]): void {
  const script = join(world.folder, 'debugfs.commands');
  writeFileSync(script, `${commands.join('\n')}\n`);
  run('debugfs', ['-w', '-f', script, world.image]);
  // It leaves counts for e2fsck to settle.
  run('e2fsck', ['-fy', world.image]);
}

function randomBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  return bytes;
}

// Tools

/** e2fsck gives 1 when it mended something. */
function run(program: string, args: readonly string[]): void {
  const { status, stderr, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  const well = status === 0 || (program === 'e2fsck' && status === 1);
  if (!well) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
}

function toolsMissing(): string[] {
  process.env['PATH'] = `${process.env['PATH']}:/usr/sbin:/sbin`;
  const absent = () => TOOLS.filter((tool) => spawnSync(tool, ['-V'], { stdio: 'ignore' }).error !== undefined);
  if (absent().length > 0) spawnSync('apt-get', ['install', '--yes', '--quiet=2', 'e2fsprogs'], { stdio: 'ignore' });
  return absent();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
