import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOT_LOADED_BY } from '../architecture/layers.ts';
import { InstalledPackage } from './installed-package.ts';

/** For each subpath an expression over its module `m` that is true if the module works. */
const SMOKE: Readonly<Record<string, string>> = {
  '.': `new m.OntapError('ONTAP_BUSY', 'busy').retryable`,
  './netapp-ontap-rest-client': `new m.OntapRestClient({
    host: 'cluster1',
    auth: { user: 'admin', password: 'secret' },
    transport: async () => Response.json({ name: 'cluster1' }),
  }).get('/cluster').then(({ name }) => name === 'cluster1')`,
  './ontap': `new m.RestOntapSvm({
    backend: 'east',
    cluster: 'cluster1',
    svm: 'svm1',
    connect: async () => Promise.reject(new Error('asked at the first request')),
  }).clusterFacts().catch((error) => error.message === 'asked at the first request')`,
  // A backup through worker threads, which have to be found in the package.
  './cloud': `(async () => {
    const compute = new m.WorkerCompute({ threads: 1 });
    try {
      const digests = await compute.shortDigests('sha-256', new Uint8Array(8192), 4096);
      return digests.length === 32 && digests[0] === digests[16];
    } finally {
      await compute.close();
    }
  })()`,
  './object-store': `(async () => {
    const store = new m.MemoryObjectStore();
    await store.put('a/b', new Uint8Array([1]));
    return (await store.get('a/b'))[0] === 1;
  })()`,
  // The AWS SDK is installed beside the package: nothing is asked of a server before the first call.
  './object-store/s3': `new m.S3ObjectStore({ bucket: 'backups', prefix: 'a', conditionalPut: true }).place === 's3://backups/a'`,
  './cinder': `new m.CinderBackend({}, { backend: 'east', activeBackendId: 'west' }).activeBackendId === 'west'`,
  './testing': `new m.SimulatedOntap().describe().clusters.length === 2`,
};

const FORMATS = ['import', 'require'] as const;

let installed: InstalledPackage;
// A build takes most of this; it is skipped when dist is newer than the sources.
beforeAll(() => {
  installed = InstalledPackage.create();
  writeFileSync(join(installed.project, 'probe.cjs'), PROBE);
}, 180_000);
afterAll(() => installed?.remove());

describe('the installed package', () => {
  it('has the subpaths that are tried here', () => {
    expect(installed.subpaths.sort()).toEqual(Object.keys(SMOKE).sort());
  });

  it('brings what users and their lawyers read, and no sources or tests', () => {
    for (const file of [
      'docs/replication.md',
      'docs/cloud.md',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
      'NOTICE',
      'package.json',
    ]) {
      expect(existsSync(join(installed.folder, file)), file).toBe(true);
    }
    for (const folder of ['src', 'test', 'node_modules']) {
      expect(existsSync(join(installed.folder, folder)), folder).toBe(false);
    }
  });

  for (const subpath of Object.keys(SMOKE)) {
    for (const format of FORMATS) {
      it(`works by ${format} of ${subpath}, without a warning`, () => {
        const { names, works } = probe(format, subpath);
        expect(works).toBe(true);
        expect(names).toEqual(promisedValues(subpath));
      });

      it(`by ${format} of ${subpath} loads nothing that its users did not ask for`, () => {
        const { loaded } = probe(format, subpath);
        const { packages } = NOT_LOADED_BY[sourceOf(subpath)] ?? { packages: [] };
        expect(loaded.filter((url) => packages.some((name) => url.includes(`/node_modules/${name}/`)))).toEqual([]);
        const ours = loaded.filter((url) => url.includes(`/${installed.json.name}/dist/`));
        const entries = ours.filter((url) => /\/(index|main)\.c?js$/.test(url));
        expect(entries).toEqual([expect.stringContaining(distOf(subpath))]);
      });
    }
  }

  it('recognises its errors across its ESM and CJS copies', () => {
    const program = `
      const cjs = require('${installed.specifier('.')}');
      import('${installed.specifier('.')}').then((esm) => {
        const error = new cjs.OntapError('ONTAP_BUSY', 'busy');
        const mirrored = new esm.OntapError('ONTAP_BUSY', 'busy');
        console.log(JSON.stringify({
          copies: cjs.OntapError !== esm.OntapError,
          cjsInEsm: [error instanceof esm.OntapError, error instanceof esm.DataMotionError, error instanceof esm.ConfigError],
          esmInCjs: [mirrored instanceof cjs.OntapError, mirrored instanceof cjs.DataMotionError, mirrored instanceof cjs.ConfigError],
        }));
      });`;
    expect(JSON.parse(node(['-e', program]))).toEqual({
      copies: true,
      cjsInEsm: [true, true, false],
      esmInCjs: [true, true, false],
    });
  });
});

describe('the types of the installed package', () => {
  const { Node16, ESNext } = ts.ModuleKind;
  const resolutions = [
    {
      name: 'node16',
      files: ['user.mts', 'user.cts'],
      module: Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
    },
    { name: 'bundler', files: ['user.ts'], module: ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  ];
  for (const { name, files, ...options } of resolutions) {
    it(`offer every promised name, and no other, to ${files.join(' and ')} under moduleResolution ${name}`, () => {
      const wrong = files.map((file) => `wrong-${file}`);
      for (const file of files) writeFileSync(join(installed.project, file), userSource());
      for (const file of wrong) {
        writeFileSync(join(installed.project, file), `export { noSuchName } from '${installed.specifier('.')}';\n`);
      }
      const complaints = compile([...files, ...wrong], options);
      expect(complaints.sort()).toEqual(wrong.sort().map((file) => expect.stringMatching(`${file}: .*noSuchName`)));
    }, 60_000);
  }
});

describe("the README's program", () => {
  it('compiles, runs against the package as it stands there, and shows a mirror', () => {
    const [, program = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8')) ?? [];
    expect(program).toContain(`from '${installed.specifier('.')}'`);
    writeFileSync(join(installed.project, 'readme.mts'), program);
    const { Node16 } = ts.ModuleKind;
    expect(compile(['readme.mts'], { module: Node16, moduleResolution: ts.ModuleResolutionKind.Node16 })).toEqual([]);
    const shown = node(['readme.mts']);
    expect(shown).toContain("state: 'snapmirrored'");
    expect(shown).toContain("protection: 'protected'");
  }, 60_000);
});

describe('the installed command', () => {
  it('says its version', () => {
    expect(command('--version')).toEqual({ status: 0, stdout: `${installed.json.version}\n`, stderr: '' });
  });

  it('explains itself', () => {
    const { status, stdout, stderr } = command('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const verb of ['demo', 'simulate', 'break']) expect(stdout).toContain(verb);
  });

  it('names the package that S3 needs where it is not installed, and needs it for nothing else', () => {
    installed.without('@aws-sdk/client-s3', () => {
      const { status, stderr } = command('store', 'check', 's3://backups/here');
      expect(status).not.toBe(0);
      expect(stderr).toContain('npm install @aws-sdk/client-s3');
      expect(command('--version').status).toBe(0);
    });
  });
});

const PROBE = `
  const { registerHooks } = require('node:module');
  const [format, specifier, smoke] = process.argv.slice(2);
  const loaded = [];
  registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
  (async () => {
    const m = format === 'import' ? await import(specifier) : require(specifier);
    const atLoad = loaded.filter((url) => url.startsWith('file:'));
    const works = await new Function('m', 'return ' + smoke)(m);
    console.log(JSON.stringify({ names: Object.keys(m).sort(), works, loaded: atLoad }));
  })();
`;

interface Probed {
  /** Exported names, sorted. */
  readonly names: readonly string[];
  /** What the smoke expression gave. */
  readonly works: unknown;
  /** Files loaded by the import alone. */
  readonly loaded: readonly string[];
}

const probed = new Map<string, Probed>();

/** Loads a subpath in a process of its own, once. */
function probe(format: (typeof FORMATS)[number], subpath: string): Probed {
  const key = `${format} ${subpath}`;
  const known = probed.get(key);
  if (known) return known;
  const printed = node(['probe.cjs', format, installed.specifier(subpath), SMOKE[subpath] ?? 'false']);
  const found = JSON.parse(printed) as Probed;
  probed.set(key, found);
  return found;
}

/** What Node prints in the user's project; anything on stderr, a warning too, is a failure. */
function node(args: readonly string[]): string {
  const child = spawnSync(process.execPath, args, { cwd: installed.project, encoding: 'utf8', env: userEnvironment() });
  expect(child.stderr).toBe('');
  expect(child.status).toBe(0);
  return child.stdout;
}

/** Runs the command as its link in node_modules/.bin would: as a program. */
function command(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const program = join(installed.folder, installed.json.bin['datamotion'] ?? '');
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: installed.project,
    encoding: 'utf8',
    env: userEnvironment(),
  });
  return { status, stdout, stderr };
}

function userEnvironment(): NodeJS.ProcessEnv {
  // Without what the test runner sets for itself; `env node` in the command's first line finds this Node.
  return { PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter), HOME: installed.project };
}

function promised(subpath: string): [name: string, kind: 'value' | 'type'][] {
  const list = JSON.parse(readFileSync('test/public-api.json', 'utf8'));
  return Object.entries(list[subpath] ?? {});
}

function promisedValues(subpath: string): string[] {
  return promised(subpath).flatMap(([name, kind]) => (kind === 'value' ? [name] : []));
}

/** A module that imports every promised name of every subpath. */
function userSource(): string {
  const lines = installed.subpaths.flatMap((subpath, index) => {
    const specifier = installed.specifier(subpath);
    const types = promised(subpath).map(([name]) => `${name} as Type${index}${name}`);
    const values = promisedValues(subpath).map((name) => ({ name, local: `value${index}${name}` }));
    return [
      `import type { ${types.join(', ')} } from '${specifier}';`,
      `import { ${values.map(({ name, local }) => `${name} as ${local}`).join(', ')} } from '${specifier}';`,
      `export const values${index}: readonly unknown[] = [${values.map(({ local }) => local).join(', ')}];`,
    ];
  });
  return `${lines.join('\n')}\n`;
}

/** The compiler's complaints about a user's files, and about every declaration file that they bring in. */
function compile(files: readonly string[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram(
    files.map((file) => join(installed.project, file)),
    {
      ...options,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts'],
      types: ['node'],
      typeRoots: [join(installed.project, 'node_modules/@types')],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    },
  );
  return ts.getPreEmitDiagnostics(program).map((found) => {
    const text = ts.flattenDiagnosticMessageText(found.messageText, '\n');
    return `${found.file?.fileName ?? ''}: ${text}`;
  });
}

function distOf(subpath: string): string {
  const target = installed.json.exports[subpath];
  return typeof target === 'object' ? target.import.default.replace(/^\.(.+)\.js$/, '$1') : '';
}

function sourceOf(subpath: string): string {
  return `src${distOf(subpath).replace('/dist', '')}.ts`;
}
