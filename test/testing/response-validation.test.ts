/** That the check of answers can fail, and that what the simulator offers is all in the document it goes by. */

import { channel } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { describe, expect, inject, it } from 'vitest';
import { ANSWERS_CHANNEL, type ObservedAnswer } from '../../src/testing/index.ts';
import { RESOURCES } from '../../src/testing/resources/catalogue.ts';
import { checkAnswers, newValidation } from '../setup/answers.ts';
import { call, Scene } from './raw-client.ts';
import { RAW_USER_AGENT } from './raw-user-agent.ts';

const validation = await newValidation();
const UUID = '00000000-0000-4000-8000-000000000000';

function observed(changes: {
  method?: string;
  path?: string;
  query?: string;
  asked?: string;
  status?: number;
  body?: unknown;
  type?: string;
  distortedBy?: ObservedAnswer['distortedBy'];
}): ObservedAnswer {
  const { method = 'GET', path = '/storage/volumes', query = '', asked, status = 200, distortedBy } = changes;
  const { body = { records: [], num_records: 0 }, type = 'application/json' } = changes;
  return {
    cluster: 'cluster1',
    request: { method, path: `/api${path}`, query, headers: { accept: 'application/json' }, body: asked },
    response: {
      status,
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    },
    distortedBy,
  };
}

const volumes = (record: object) => ({ records: [{ uuid: UUID, ...record }], num_records: 1 });
const job = { uuid: UUID, _links: { self: { href: `/api/cluster/jobs/${UUID}` } } };
const one = `/storage/volumes/${UUID}`;

describe('an answer', () => {
  it.each<[string, Parameters<typeof observed>[0]]>([
    ['a page', { body: volumes({ name: 'v', size: 1, svm: { name: 's' } }) }],
    ['an empty page', {}],
    ['a job', { method: 'PATCH', path: one, status: 202, body: { job } }],
    ['jobs', { method: 'PATCH', query: 'name=v', status: 202, body: { jobs: [job], num_records: 1 } }],
    ['an error', { status: 404, body: { error: { code: '4', message: "entry doesn't exist", target: 'uuid' } } }],
    ['an error of a path that is not there', { path: '/no', status: 404, body: { error: { code: '3', message: '' } } }],
    ['nothing, where the document has nothing', { method: 'DELETE', path: `/cluster/schedules/${UUID}`, body: {} }],
    ['nothing, to a HEAD', { method: 'HEAD', body: '' }],
    ['half a body by a fault', { body: '{"records":[<html>', distortedBy: 'malformed' }],
  ])('passes with %s', (_, answer) => {
    expect(validation.faultsOfAnswer(observed(answer))).toEqual([]);
  });

  it.each<[string, Parameters<typeof observed>[0], string]>([
    ['a wrong type', { body: volumes({ size: '1' }) }, '/records/0/size must be integer'],
    ['an integer for a code', { status: 400, body: { error: { code: 4, message: '' } } }, '/error/code must be string'],
    [
      'a field that the document lacks',
      { body: volumes({ svm: { name: 's', colour: 'red' } }) },
      '/records/0/svm must NOT have additional properties (colour)',
    ],
    [
      'a value that is none of its enumeration',
      { body: volumes({ state: 'asleep' }) },
      '/records/0/state must be equal to one of the allowed values (error,mixed,offline,online,restricted)',
    ],
    [
      'a time that is none',
      { body: volumes({ create_time: 'yesterday' }) },
      '/records/0/create_time must match format "date-time"',
    ],
    ['null for what is absent', { body: volumes({ comment: null }) }, '/records/0/comment must be string'],
    ['no count', { body: { records: [] } }, '/ has no num_records'],
    ['a record without its uuid', { body: { records: [{ name: 'v' }], num_records: 1 } }, '/records/0 has no uuid'],
    [
      'a job without its link',
      { method: 'PATCH', path: one, status: 202, body: { job: { uuid: UUID } } },
      "/job must have required property '_links'",
    ],
    ['no job', { method: 'PATCH', path: one, status: 202, body: {} }, '/ has no job'],
    ['no error', { status: 500, body: {} }, "/ must have required property 'error'"],
    [
      'an error without its code',
      { status: 500, body: { error: { message: '' } } },
      "/error must have required property 'code'",
    ],
    ['a status of its own', { status: 204, body: '' }, 'the document has no status 204 here'],
    ['an operation of its own', { path: '/storage/quota/rules' }, 'the document has no such operation'],
    [
      'a body where there is none',
      { method: 'DELETE', path: `/cluster/schedules/${UUID}`, body: { done: 1 } },
      'the document has no body here',
    ],
    ['a body to a HEAD', { method: 'HEAD' }, 'HEAD is answered with a body'],
    ['half a body and no fault', { body: '{"records":[<html>' }, 'the body is not JSON'],
    ['another content type', { type: 'text/html' }, 'the content type is text/html, not application/json'],
  ])('fails with %s', (_, answer, fault) => {
    expect(validation.faultsOfAnswer(observed(answer))).toEqual([fault]);
  });
});

describe('a request of our client', () => {
  it.each<[string, Parameters<typeof observed>[0]]>([
    ['a filter', { query: 'svm.name=a*&state=online|offline&fields=name,size&max_records=10' }],
    ['a link to the next page, opaque', { query: 'start.uuid=x&start.index=3&colour=red' }],
    ['a body', { method: 'PATCH', path: one, asked: '{"nas":{"path":"/v"}}' }],
  ])('passes with %s', (_, request) => {
    expect(validation.faultsOfRequest(observed(request).request)).toEqual([]);
  });

  it.each<[string, Parameters<typeof observed>[0], string]>([
    ['an argument of its own', { query: 'colour=red' }, 'the document has no query parameter colour here'],
    ['a value that is none', { query: 'state=asleep' }, 'query parameter state may not be asleep'],
    ['text for a number', { query: 'max_records=all' }, 'query parameter max_records may not be all'],
    ['text for yes or no', { query: 'is_svm_root=perhaps' }, 'query parameter is_svm_root may not be perhaps'],
    [
      'a field of its own',
      { method: 'PATCH', path: one, asked: '{"colour":1}' },
      '/ must NOT have additional properties (colour)',
    ],
    ['no body', { method: 'PATCH', path: one }, 'the body is missing'],
    ['half a body', { method: 'PATCH', path: one, asked: '{' }, 'the body is not JSON'],
    ['a body too much', { method: 'DELETE', path: one, asked: '{}' }, 'the document has no body here'],
    ['an operation of its own', { path: '/storage/quota/rules' }, 'the document has no such operation'],
  ])('fails with %s', (_, request, fault) => {
    expect(validation.faultsOfRequest(observed(request).request)).toEqual([fault]);
  });
});

describe('the check after each test', () => {
  it('fails for what was answered, and names where', async () => {
    channel(ANSWERS_CHANNEL).publish(observed({ body: volumes({ size: '1' }), query: 'fields=size' }));
    await expect(checkAnswers()).rejects.toThrow(
      'cluster1 GET /api/storage/volumes?fields=size: answered 200: /records/0/size must be integer',
    );
  });

  it('fails for what our client asked, and lets pass what a test asked raw', async () => {
    const { request, ...rest } = observed({ query: 'colour=red' });
    channel(ANSWERS_CHANNEL).publish({ request, ...rest });
    await expect(checkAnswers()).rejects.toThrow('asked: the document has no query parameter colour here');
    const raw = { ...request, headers: { ...request.headers, 'user-agent': RAW_USER_AGENT } };
    channel(ANSWERS_CHANNEL).publish({ request: raw, ...rest });
    await expect(checkAnswers()).resolves.toBeUndefined();
  });

  it('sees every answer of a simulated cluster, with the fault that distorted it', async () => {
    const scene = new Scene();
    const seen: ObservedAnswer[] = [];
    const listen = (answer: unknown) => seen.push(answer as ObservedAnswer);
    channel(ANSWERS_CHANNEL).subscribe(listen);
    scene.source.addFault({ kind: 'malformed', path: '/cluster' });
    await call(scene.source, 'GET', '/cluster').catch(() => {});
    await call(scene.source, 'GET', '/storage/volumes?name=vol1');
    channel(ANSWERS_CHANNEL).unsubscribe(listen);
    expect(
      seen.map(({ cluster, request, response, distortedBy }) => [cluster, request.path, response.status, distortedBy]),
    ).toEqual([
      ['cluster1', '/api/cluster', 200, 'malformed'],
      ['cluster1', '/api/storage/volumes', 200, undefined],
    ]);
  });
});

describe('the document', () => {
  const paths = inject('openApiDocument')['paths'] as Record<string, object>;

  it.each(RESOURCES.map((resource) => [resource.path, resource] as const))(
    'has every operation of %s',
    (path, resource) => {
      const has = (template: string, methods: readonly string[]) =>
        methods.filter((method) => !Object.keys(paths[template] ?? {}).includes(method));
      const changes = [...(resource.patch ? ['patch'] : []), ...(resource.remove ? ['delete'] : [])];
      expect(
        has(path, [...(resource.postOnly ? [] : ['get']), ...(resource.post ? ['post'] : []), ...changes]),
      ).toEqual([]);
      const instance = Object.keys(paths).find(
        (template) =>
          template.startsWith(`${path}/{`) &&
          template.split('/').length === path.split('/').length + (resource.keyParts ?? 1),
      );
      if (!resource.single && !resource.itself && !resource.postOnly)
        expect(has(instance ?? '', ['get', ...changes])).toEqual([]);
    },
  );

  it('and vitest.config.ts has the check in every test file', () => {
    const config = readFileSync('vitest.config.ts', 'utf8');
    expect(config).toContain("setupFiles: ['test/setup/answers.ts']");
  });
});
