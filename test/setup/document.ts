/** Parses our OpenAPI document once for all test files: each has a process of its own. */
import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { parse } from 'yaml';
import type { OpenApiDocument } from '../testing/response-validation.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly openApiDocument: OpenApiDocument;
  }
}

export default function setup(project: TestProject): void {
  const text = readFileSync('src/netapp-ontap-rest-client/openapi.yaml', 'utf8');
  project.provide('openApiDocument', parse(text) as OpenApiDocument);
}
