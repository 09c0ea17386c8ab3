/**
 * Adds to package-lock.json the optional platform packages that npm left out because it could not read about them when the lockfile was
 * made: npm ci refuses a lockfile without them, on every platform. Such entries have a version but no integrity, which npm takes as
 * nothing to compare with. Run it after a change of dependencies:
 * npm run lockfile
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const OS = ['android', 'darwin', 'linux', 'win32', 'freebsd', 'openbsd', 'netbsd', 'sunos', 'aix', 'openharmony'];
const CPU = ['arm64', 'x64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'arm'];

const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Entry> };
const packages = new Map(Object.entries(lockfile.packages));
let added = 0;
for (const [owner, entry] of Object.entries(lockfile.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (packages.has(path) || packages.has(`${owner}/${path}`)) continue;
    packages.set(path, platformEntry(name, version, entry.dev === true));
    added++;
  }
}
const sorted = [...packages].sort(([one], [other]) =>
  one === '' ? -1 : other === '' ? 1 : one.localeCompare(other, 'en'),
);
writeFileSync(
  'package-lock.json',
  `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(sorted) }, null, 2)}\n`,
);
process.stdout.write(`${added} platform packages added\n`);

/** Platform packages say in their names what they are for. */
function platformEntry(name: string, version: string, dev: boolean): Entry {
  const words = name.split('/').at(-1)?.split('-') ?? [];
  const os = OS.find((word) => words.includes(word));
  const cpu = CPU.find((word) => words.includes(word));
  if (os === undefined || cpu === undefined) throw new Error(`${name} is no platform package: add it by hand`);
  const musl = words.some((word) => word.startsWith('musl'));
  const gnu = words.some((word) => word.startsWith('gnu'));
  const libc = os === 'linux' && (musl || gnu) ? { libc: [musl ? 'musl' : 'glibc'] } : {};
  return { version, cpu: [cpu], ...(dev ? { dev } : {}), ...libc, optional: true, os: [os] };
}
