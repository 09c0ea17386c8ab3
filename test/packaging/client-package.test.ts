/** The REST client as a package of its own: packed, unpacked into an empty project, with its declared dependencies only. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const NAME = 'netapp-ontap-rest-client';

let project: string;
let folder: string;
let manifest: { readonly dependencies: Readonly<Record<string, string>>; readonly version: string };

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), `${NAME}-user-`));
  folder = join(project, 'node_modules', NAME);
  mkdirSync(folder, { recursive: true });
  const script = resolve('scripts/pack-client.ts');
  const printed = execFileSync(process.execPath, [script, '--out', project], { encoding: 'utf8', stdio: 'pipe' });
  const archive = resolve(printed.trim().split('\n').at(-1) ?? '');
  execFileSync('tar', ['-xzf', archive, '-C', folder, '--strip-components', '1']);
  manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link, 'dir');
  }
}, 120_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the stand-alone client package', () => {
  it('needs only what the client needs, at the project’s version', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(manifest.version).toBe(version);
    expect(Object.keys(manifest.dependencies)).toEqual(['openapi-fetch', 'p-limit', 'p-retry', 'undici', 'zod']);
  });

  it('brings its manual, its license and its description of the API, and no sources', () => {
    for (const file of ['README.md', 'LICENSE', 'NOTICE', 'openapi.yaml', 'dist/index.js', 'dist/index.cjs']) {
      expect(existsSync(join(folder, file)), file).toBe(true);
    }
    for (const file of ['src', 'test', 'node_modules']) expect(existsSync(join(folder, file)), file).toBe(false);
  });

  it.each([
    ['import', 'user.mjs', `import { OntapError, OntapRestClient } from '${NAME}';`],
    ['require', 'user.cjs', `const { OntapError, OntapRestClient } = require('${NAME}');`],
  ])('talks to a cluster by %s, without a warning', (_, file, load) => {
    writeFileSync(
      join(project, file),
      `${load}
      const { createServer } = ${file.endsWith('.cjs') ? "require('node:http')" : "await import('node:http')"};
      const server = createServer((request, response) => {
        if (request.url === '/api/cluster') return response.end('{"name":"cluster1"}');
        response.writeHead(404).end('{"error":{"code":"4","message":"entry does not exist"}}');
      });
      server.listen(0, '127.0.0.1', async () => {
        const { port } = server.address();
        const client = new OntapRestClient({ host: '127.0.0.1', port, scheme: 'http', auth: { user: 'u', password: 'p' } });
        const { name } = await client.get('/cluster');
        const error = await client.get('/svm/svms').catch((error) => error);
        await client.close();
        server.close();
        console.log(JSON.stringify([name, error instanceof OntapError, error.code]));
      });`,
    );
    const env = { PATH: process.env['PATH'] ?? '' };
    const { stdout, stderr, status } = spawnSync(process.execPath, [file], { cwd: project, encoding: 'utf8', env });
    expect({ stdout, stderr, status }).toEqual({
      stdout: '["cluster1",true,"ONTAP_NOT_FOUND"]\n',
      stderr: '',
      status: 0,
    });
  });

  it('has types that work by import and by require, and that know the API', () => {
    const source = `
      import { anyOf, OntapRestClient, type paths, type RecordOf } from '${NAME}';
      export const state: RecordOf<paths, '/snapmirror/relationships'>['state'] = 'paused';
      export const count = new OntapRestClient({ host: 'c', auth: { user: 'u', password: 'p' } })
        .count('/snapmirror/relationships', { query: { state: anyOf('paused', 'in_sync') } });
      // @ts-expect-error: not a state
      export const wrong: RecordOf<paths, '/snapmirror/relationships'>['state'] = 'broken';`;
    const files = ['typed.mts', 'typed.cts'].map((file) => join(project, file));
    for (const file of files) writeFileSync(file, source);
    const program = ts.createProgram(files, {
      module: ts.ModuleKind.Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts'],
      types: ['node'],
      typeRoots: [join(project, 'node_modules/@types')],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    });
    const found = ts.getPreEmitDiagnostics(program);
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  }, 60_000);
});
