/**
 * Builds the REST client as a package of its own, `netapp-ontap-rest-client`, for users who want just a typed ONTAP
 * client: ESM, CommonJS and types, with only the dependencies that it has. Nothing in it knows the rest of the project.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Options } from 'tsup';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCE = join(ROOT, 'src/netapp-ontap-rest-client');

const HELP = `Builds and packs the REST client as the stand-alone package netapp-ontap-rest-client.

  npm run pack:client                the folder .tmp/netapp-ontap-rest-client and a .tgz beside it
  npm run pack:client -- --out DIR   somewhere else

The last line printed is the path of the .tgz.
`;

const { values } = parseArgs({ options: { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
if (values.help) process.stdout.write(HELP);
else await pack(resolve(values.out ?? join(ROOT, '.tmp')));

async function pack(out: string): Promise<void> {
  const folder = join(out, 'netapp-ontap-rest-client');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const shared: Options = {
    config: false,
    silent: true,
    entry: { index: join(SOURCE, 'index.ts') },
    outDir: join(folder, 'dist'),
    target: 'node22',
    platform: 'node',
  };
  await build({ ...shared, format: 'esm' });
  // Rollup makes the CommonJS: it takes the default export of a required ES module for what it is, esbuild does not.
  await build({ ...shared, format: 'cjs', treeshake: true });
  await build({ ...shared, format: ['esm', 'cjs'], dts: { only: true } });

  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(join(folder, 'dist')), null, 2)}\n`);
  writeFileSync(join(folder, 'NOTICE'), notice());
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(SOURCE, 'README.md'), join(folder, 'README.md'));
  copyFileSync(join(SOURCE, 'openapi.yaml'), join(folder, 'openapi.yaml'));

  const options = ['pack', '--ignore-scripts', '--json', '--pack-destination', out];
  const printed = execFileSync('npm', options, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const [{ filename }] = JSON.parse(printed) as [{ filename: string }];
  process.stdout.write(`${relative(process.cwd(), join(out, filename))}\n`);
}

interface RootManifest {
  readonly version: string;
  readonly license: string;
  readonly engines: object;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Version, license and engines are the project's; the dependencies are those that the built files import. */
function manifest(dist: string): object {
  const { version, license, engines, dependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as RootManifest;
  return {
    name: 'netapp-ontap-rest-client',
    version,
    description:
      'A typed client of NetApp ONTAP’s REST API: queries, paging, jobs, retries that are safe, errors with remedies.',
    keywords: ['netapp', 'ontap', 'rest', 'client', 'snapmirror', 'typescript'],
    license,
    type: 'module',
    sideEffects: false,
    engines,
    files: ['dist', 'openapi.yaml', 'README.md', 'LICENSE', 'NOTICE'],
    exports: {
      '.': {
        import: { types: './dist/index.d.ts', default: './dist/index.js' },
        require: { types: './dist/index.d.cts', default: './dist/index.cjs' },
      },
      './openapi.yaml': './openapi.yaml',
      './package.json': './package.json',
    },
    dependencies: Object.fromEntries(
      importedPackages(dist).map((name) => {
        const range = dependencies[name];
        if (range === undefined)
          throw new Error(`the built client imports ${name}, which package.json does not declare`);
        return [name, range];
      }),
    ),
  };
}

/** Packages named in imports of the built files. */
function importedPackages(dist: string): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(dist)) {
    const text = readFileSync(join(dist, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\()["']([^"'\n]+)["']/g)) {
      if (!specifier.startsWith('.') && !specifier.startsWith('node:')) {
        names.add(
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        );
      }
    }
  }
  return [...names].sort();
}

function notice(): string {
  return `netapp-ontap-rest-client
Copyright 2026 The ontap-data-motion authors

NetApp, ONTAP and SnapMirror are trademarks of NetApp, Inc. This project is not affiliated with NetApp.
`;
}
