/**
 * Third-party clients from Debian packages, unpacked into a folder of the repository: nothing is installed on the
 * machine, no service is started, and no rights are needed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where the unpacked clients are, and what they are. */
export interface UnpackedPackages {
  /** For PYTHONPATH. */
  readonly pythonPath: string;
  /** For programs of the packages. */
  readonly programs: string;
  /** What the packages hold, as if it were the root of a system. */
  readonly root: string;
  /** `ansible 7.7.0+dfsg-3`, as far as asked for by name. */
  readonly versions: readonly string[];
  readonly packages: number;
  /** False when they were there from an earlier run. */
  readonly fetched: boolean;
}

/** Debian's own: the packages' native modules are built for it. */
export const PYTHON = '/usr/bin/python3';

/** The clients cannot be had here; the message says why. */
export class Unavailable extends Error {}

/** Python code and data; the programs and services that some depend on are not needed to drive a REST API. */
const UNPACKED = /^(ansible|ansible-core|python3-.*|ieee-data)_/;

/**
 * @param needed which archives to unpack; default those of the Python clients
 * @throws Unavailable when there is no apt-get, no Python, or no package
 */
export function unpackedPackages(names: readonly string[], path: string, needed = UNPACKED): UnpackedPackages {
  const folder = resolve(path);
  for (const program of ['apt-get', 'dpkg-deb', PYTHON]) {
    if (spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0)
      throw new Unavailable(`there is no ${program}`);
  }
  const root = join(folder, 'root');
  const archives = join(folder, 'archives');
  const complete = join(folder, 'complete');
  const wanted = names.join('\n');
  const fetched = !existsSync(complete) || readFileSync(complete, 'utf8') !== wanted;
  if (fetched) {
    rmSync(folder, { recursive: true, force: true });
    for (const made of [root, join(archives, 'partial'), join(folder, 'lists', 'partial')])
      mkdirSync(made, { recursive: true });
    fetch(names, folder);
    for (const archive of readdirSync(archives).filter((name) => needed.test(name))) {
      run('dpkg-deb', ['--extract', join(archives, archive), root]);
    }
    writeFileSync(complete, wanted);
  }
  const files = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  return {
    pythonPath: join(root, 'usr/lib/python3/dist-packages'),
    programs: join(root, 'usr/bin'),
    root,
    versions: names.map((name) => versionOf(name, files)),
    packages: files.length,
    fetched,
  };
}

/** With package lists and a cache of our own, so that neither rights nor the machine's lists matter. */
function fetch(names: readonly string[], folder: string): void {
  const own = [
    ['Dir::State::lists', join(folder, 'lists')],
    ['Dir::Cache', folder],
    ['Dir::Cache::archives', join(folder, 'archives')],
    ['Dir::State::status', '/var/lib/dpkg/status'],
    ['Debug::NoLocking', '1'],
    ['APT::Sandbox::User', ''],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', [...own, '--quiet=2', 'update']);
  run('apt-get', [
    ...own,
    '--quiet=2',
    '--yes',
    '--download-only',
    '--no-install-recommends',
    '--reinstall',
    'install',
    ...names,
  ]);
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status === 0) return;
  const said = (stderr ?? error?.message ?? '').trim().split('\n').slice(-3).join('; ');
  throw new Unavailable(`${program} ${args[args.length - 1]} failed: ${said}`);
}

function versionOf(name: string, files: readonly string[]): string {
  const file = files.find((candidate) => candidate.startsWith(`${name}_`));
  return `${name} ${decodeURIComponent(file?.split('_')[1] ?? 'of the system')}`;
}
