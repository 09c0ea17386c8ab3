/** Every answer that the clients of others are given, held against our OpenAPI document. */
import { subscribe } from 'node:diagnostics_channel';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { ANSWERS_CHANNEL, type ObservedAnswer } from '../../src/testing/index.ts';
import { compiledSchemas, type OpenApiDocument } from '../testing/document-schemas.ts';
import { type CompiledSchemas, ResponseValidation } from '../testing/response-validation.ts';

export interface CheckedAnswers {
  /** How many there were. */
  count: number;
  /** What was wrong, each fault once. */
  readonly faults: Set<string>;
}

/** Checks from now on. */
export function checkAnswers(folder: string): CheckedAnswers {
  const document = parse(readFileSync('src/netapp-ontap-rest-client/openapi.yaml', 'utf8')) as OpenApiDocument;
  mkdirSync(folder, { recursive: true });
  const file = join(resolve(folder), 'openapi-schemas.cjs');
  writeFileSync(file, compiledSchemas(document));
  const compiled = createRequire(import.meta.url)(file) as CompiledSchemas;
  const validation = new ResponseValidation(document, compiled);
  const checked: CheckedAnswers = { count: 0, faults: new Set() };
  subscribe(ANSWERS_CHANNEL, (answer) => {
    const observed = answer as ObservedAnswer;
    checked.count++;
    const { method, path, query } = observed.request;
    for (const fault of validation.faultsOfAnswer(observed)) {
      checked.faults.add(`${method} ${path}${query === '' ? '' : `?${query}`}: ${observed.response.status}: ${fault}`);
    }
  });
  return checked;
}
