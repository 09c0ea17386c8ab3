import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'generate-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the script as a user does. */
async function generate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = join(import.meta.dirname, '../../scripts/generate-client-types.ts');
  try {
    const { stdout, stderr } = await run(process.execPath, [script, ...args]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const SWAGGER_2 = `
swagger: '2.0'
info: { title: a cluster's own, version: v1 }
basePath: /api
consumes: [application/json]
produces: [application/json]
paths:
  /storage/luns/{uuid}:
    patch:
      parameters:
        - { name: uuid, in: path, required: true, type: string }
        - { name: return_timeout, in: query, type: integer }
        - { name: info, in: body, schema: { $ref: '#/definitions/lun' } }
      responses:
        '200': { description: done, schema: { $ref: '#/definitions/lun' } }
definitions:
  lun:
    type: object
    properties:
      name: { type: string }
      status: { type: string, enum: [online, offline] }
`;

describe('generating types', () => {
  it('the committed types are those of our document', async () => {
    expect(await generate('--check')).toMatchObject({ code: 0, stdout: expect.stringContaining('up to date') });
  });

  it('takes Swagger 2 in YAML, and writes where it is told', async () => {
    const out = join(folder, 'luns.ts');
    expect(await generate('--from', await file('swagger.yaml', SWAGGER_2), '--out', out)).toMatchObject({ code: 0 });
    const types = await readFile(out, 'utf8');
    expect(types).toMatch(/^\/\/ generated, do not edit/);
    expect(types).toContain('"/storage/luns/{uuid}"');
    expect(types).toMatch(/status\?: "online" \| "offline"/);
    expect(types).toMatch(/requestBody\?: \{\s+content: \{\s+"application\/json": components\["schemas"\]\["lun"\]/);
    expect(await generate('--from', join(folder, 'swagger.yaml'), '--out', out, '--check')).toMatchObject({ code: 0 });
  });

  it('takes OpenAPI 3 in JSON, and writes to standard output', async () => {
    const document = {
      openapi: '3.0.3',
      info: { title: 't', version: '1' },
      paths: { '/cluster': { get: { responses: { 200: { description: 'x' } } } } },
    };
    const { code, stdout } = await generate('--from', await file('api.json', JSON.stringify(document)));
    expect(code).toBe(0);
    expect(stdout).toContain('"/cluster"');
  });

  it('--check fails when the file is stale or missing, and writes nothing', async () => {
    const from = await file('again.yaml', SWAGGER_2);
    const stale = await file('stale.ts', '// old');
    expect(await generate('--from', from, '--out', stale, '--check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stale'),
    });
    expect(await readFile(stale, 'utf8')).toBe('// old');
    const missing = join(folder, 'missing.ts');
    expect(await generate('--from', from, '--out', missing, '--check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('missing'),
    });
  });

  it('--help explains itself', async () => {
    expect(await generate('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('--from FILE') });
  });

  it.each([
    ['a file that is not there', 'nowhere.yaml', undefined, 1, 'no such file'],
    ['JSON that does not parse', 'broken.json', '{"openapi":', 1, 'is not valid JSON'],
    ['YAML that does not parse', 'broken.yaml', 'a: [b', 1, 'is not valid YAML'],
    ['the documentation page', 'page.html', '<!DOCTYPE html><html></html>', 1, 'HTML page'],
    ['something else', 'other.yaml', 'name: x', 1, 'no `paths`'],
    ['a document without a version', 'versionless.yaml', 'paths: {}', 1, 'neither `openapi` nor `swagger`'],
    ['a version of the past', 'old.yaml', "swagger: '1.2'\npaths: {}", 1, 'version 1.2 is not supported'],
    [
      'a reference to nowhere',
      'dangling.json',
      '{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"$ref":"#/components/responses/x"}}}}}}',
      1,
      'types cannot be generated',
    ],
  ])('%s is refused with a reason', async (_, name, text, code, reason) => {
    const from = text === undefined ? join(folder, name) : await file(name, text);
    const result = await generate('--from', from);
    expect(result).toMatchObject({ code, stderr: expect.stringContaining(reason) });
    expect(result.stderr).not.toContain('    at ');
  });

  it('an option that does not exist is a usage error', async () => {
    expect(await generate('--form', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining("'--form'") });
    expect(await generate('--from', 'x', '--check')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--out'),
    });
  });
});
