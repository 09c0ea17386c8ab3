import { describe, expectTypeOf, it } from 'vitest';
import {
  anyOf,
  atLeast,
  type components,
  isNull,
  matches,
  not,
  OntapRestClient,
  type paths,
  type RecordOf,
} from '../../src/netapp-ontap-rest-client/index.ts';

type Schemas = components['schemas'];
const client = new OntapRestClient({
  host: 'cluster1',
  auth: { user: 'u', password: 'p' },
  transport: async () => new Response('{}'),
});

describe('the types', () => {
  it('give each path its own answer', () => {
    expectTypeOf(client.get('/cluster')).resolves.toEqualTypeOf<Schemas['cluster']>();
    expectTypeOf(client.get('/storage/volumes/{uuid}', { path: { uuid: 'x' } })).resolves.toEqualTypeOf<
      Schemas['volume']
    >();
    expectTypeOf<RecordOf<paths, '/snapmirror/relationships'>>().toEqualTypeOf<Schemas['relationship']>();
    expectTypeOf(client.records('/cluster/schedules')).toEqualTypeOf<
      AsyncGenerator<Schemas['schedule'], void, undefined>
    >();
  });

  it('take a parameter’s own type, or an expression on it', () => {
    void (() => [
      client.get('/snapmirror/relationships', {
        query: { state: 'paused', healthy: not(true), lag_time: atLeast('P1D') },
      }),
      client.get('/snapmirror/relationships', {
        query: { state: anyOf('paused', 'broken_off'), 'source.path': matches('svm1:*') },
      }),
      client.get('/snapmirror/relationships', {
        query: { exported_snapshot: isNull, 'policy.type': isNull, healthy: isNull },
      }),
      client.get('/snapmirror/relationships', { query: { state: undefined } }),
      // @ts-expect-error: not a state
      client.get('/snapmirror/relationships', { query: { state: 'snapmirored' } }),
      // @ts-expect-error: not a state, inside an expression
      client.get('/snapmirror/relationships', { query: { state: anyOf('paused', 'snapmirored') } }),
      // @ts-expect-error: a number compared with a text
      client.get('/cluster/jobs', { query: { state: atLeast(3) } }),
      // @ts-expect-error: no such parameter
      client.get('/snapmirror/relationships', { query: { 'source.volume': 'x' } }),
      // @ts-expect-error: lists are not compared
      client.get('/snapmirror/relationships', { query: { fields: not('uuid') } }),
    ]);
  });

  it('demand what a path needs and refuse what it does not know', () => {
    void (() => [
      // @ts-expect-error: the path parameter is missing
      client.get('/storage/volumes/{uuid}'),
      // @ts-expect-error: misnamed
      client.get('/storage/volumes/{uuid}', { path: { id: 'x' } }),
      // @ts-expect-error: no such path
      client.get('/storage/volume'),
      // @ts-expect-error: no such method there
      client.post('/cluster', { body: {} }),
      // @ts-expect-error: a body is needed
      client.post('/snapmirror/relationships'),
      // @ts-expect-error: not in the enumeration
      client.patch('/snapmirror/relationships/{uuid}', { path: { uuid: 'x' }, body: { state: 'broken' } }),
      // @ts-expect-error: not a list
      client.records('/cluster'),
      // @ts-expect-error: a POST is never repeatable
      client.change('post', '/storage/volumes', { body: {}, repeatable: true }),
      client.change('patch', '/storage/volumes', { query: { name: 'x' }, body: {}, repeatable: true }),
      client.post('/snapmirror/relationships/{relationship.uuid}/transfers', { path: { 'relationship.uuid': 'x' } }),
    ]);
  });

  it('may be another description’s', () => {
    interface Other {
      '/storage/luns': {
        get: {
          parameters: { query?: { name?: string } };
          responses: { 200: { content: { 'application/json': { records?: { serial_number?: string }[] } } } };
        };
        post?: never;
      };
    }
    const other = new OntapRestClient<Other>({ host: 'c', auth: { user: 'u', password: 'p' } });
    expectTypeOf<RecordOf<Other, '/storage/luns'>>().toEqualTypeOf<{ serial_number?: string }>();
    void (() => [
      other.records('/storage/luns', { query: { name: matches('/vol/*') } }),
      // @ts-expect-error: not in that description
      other.get('/cluster'),
      // @ts-expect-error: that description has no POST there
      other.post('/storage/luns', {}),
    ]);
  });
});
