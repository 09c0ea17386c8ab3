/** The package as a user gets it: packed by npm, unpacked into an empty project, with its declared dependencies only. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly import: { readonly default: string } }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

export class InstalledPackage {
  readonly json: PackageJson;
  /** The user's project. */
  readonly project: string;
  /** The package's own folder in it. */
  readonly folder: string;

  private constructor(json: PackageJson, project: string) {
    this.json = json;
    this.project = project;
    this.folder = join(project, 'node_modules', json.name);
  }

  /**
   * Builds the package if dist is older than the sources, and installs it. Dependencies are links to the packages that
   * are installed here, so nothing is fetched; a package that package.json does not declare is not found, as at a user's.
   */
  static create(): InstalledPackage {
    const json = JSON.parse(readFileSync('package.json', 'utf8')) as PackageJson;
    if (!isBuilt(json)) run('npm', ['run', 'build']);
    const installed = new InstalledPackage(json, mkdtempSync(join(tmpdir(), 'ontap-data-motion-user-')));
    mkdirSync(installed.folder, { recursive: true });
    run('npm', ['pack', '--ignore-scripts', '--pack-destination', installed.project]);
    const archive = join(installed.project, `${json.name}-${json.version}.tgz`);
    run('tar', ['-xzf', archive, '-C', installed.folder, '--strip-components', '1']);
    rmSync(archive);
    const peers = Object.keys(json.peerDependencies);
    for (const name of [...Object.keys(json.dependencies), ...peers, '@types/node']) installed.#link(name);
    return installed;
  }

  /** `.` and the rest of the exports, without package.json. */
  get subpaths(): string[] {
    return Object.keys(this.json.exports).filter((subpath) => subpath !== './package.json');
  }

  /** What a user writes to import a subpath. */
  specifier(subpath: string): string {
    return `${this.json.name}${subpath.slice(1)}`;
  }

  /** For as long as `act` runs, the user has not installed this package. */
  without<T>(name: string, act: () => T): T {
    rmSync(join(this.project, 'node_modules', name));
    try {
      return act();
    } finally {
      this.#link(name);
    }
  }

  remove(): void {
    rmSync(this.project, { recursive: true, force: true });
  }

  #link(name: string): void {
    const link = join(this.project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link, 'dir');
  }
}

function isBuilt(json: PackageJson): boolean {
  const outputs = Object.values(json.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [target.import.default, target.import.default.replace(/\.js$/, '.d.cts')],
  );
  const built = [...outputs, ...Object.values(json.bin)].map(modifiedAt);
  const newestSource = Math.max(
    ...['src', 'package.json', 'package-lock.json', 'tsup.config.ts', 'tsconfig.json'].map(newestIn),
  );
  return Math.min(...built) > newestSource;
}

/** Newest modification of a file, or of a folder and all in it (a folder's own tells that something was deleted). */
function newestIn(path: string): number {
  if (!statSync(path).isDirectory()) return modifiedAt(path);
  return Math.max(modifiedAt(path), ...readdirSync(path).map((name) => newestIn(join(path, name))));
}

/** 0 if it does not exist. */
function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error });
  }
}
