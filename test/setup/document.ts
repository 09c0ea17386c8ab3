/** Reads our OpenAPI document once for all test files, and compiles its schemas: each file has a process of its own. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { parse } from 'yaml';
import { compiledSchemas, type OpenApiDocument } from '../testing/document-schemas.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly openApiDocument: OpenApiDocument;
    /** Path of a module: the checks of the document's schemas. */
    readonly compiledSchemas: string;
  }
}

export default function setup(project: TestProject): () => void {
  const document = parse(readFileSync('src/netapp-ontap-rest-client/openapi.yaml', 'utf8')) as OpenApiDocument;
  const folder = resolve('.tmp');
  mkdirSync(folder, { recursive: true });
  // Several runs may be under way at once.
  const file = join(folder, `openapi-schemas-${process.pid}.cjs`);
  writeFileSync(file, compiledSchemas(document));
  project.provide('openApiDocument', document);
  project.provide('compiledSchemas', file);
  return () => rmSync(file);
}
