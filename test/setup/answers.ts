/**
 * Runs before each test file: whatever a simulated ONTAP answers in this process has to be as our OpenAPI document says,
 * and so has whatever our client asks. The test in which it is not fails.
 */
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { afterAll, afterEach, inject } from 'vitest';
import { ANSWERS_CHANNEL, type ObservedAnswer } from '../../src/testing/observed-answers.ts';
import { RAW_USER_AGENT } from '../testing/raw-user-agent.ts';
import type { CompiledSchemas, ResponseValidation } from '../testing/response-validation.ts';

let validation: ResponseValidation | undefined;
const unchecked: ObservedAnswer[] = [];

subscribe(ANSWERS_CHANNEL, (answer) => unchecked.push(answer as ObservedAnswer));
afterEach(() => checkAnswers());
// What was answered before the first test, or while the last was cleaned up.
afterAll(() => checkAnswers());

export async function checkAnswers(): Promise<void> {
  if (unchecked.length === 0) return;
  validation ??= await newValidation();
  const faults = unchecked.splice(0).flatMap((observed) => {
    const { cluster, request, response } = observed;
    const where = `${cluster} ${request.method} ${request.path}${request.query === '' ? '' : `?${request.query}`}`;
    const ofAnswer = validation?.faultsOfAnswer(observed) ?? [];
    const raw = request.headers['user-agent'] === RAW_USER_AGENT;
    const ofRequest = raw ? [] : (validation?.faultsOfRequest(request) ?? []);
    return [
      ...ofRequest.map((fault) => `${where}: asked: ${fault}`),
      ...ofAnswer.map((fault) => `${where}: answered ${response.status}: ${fault}`),
    ];
  });
  const different = [...new Set(faults)];
  if (different.length === 0) return;
  const remedy = 'Right the simulator, or openapi.yaml and then npm run generate.';
  throw new Error(`not as our OpenAPI document says:\n${different.slice(0, SHOWN).join('\n')}\n${remedy}`);
}

/** Loaded only where there is an answer to check. */
export async function newValidation(): Promise<ResponseValidation> {
  const { ResponseValidation } = await import('../testing/response-validation.ts');
  const compiled = createRequire(import.meta.url)(inject('compiledSchemas')) as CompiledSchemas;
  return new ResponseValidation(inject('openApiDocument'), compiled);
}

const SHOWN = 20;
