import { describe, expect, it } from 'vitest';
import { failureOf, type Reply, refusal, reset, scriptedCluster } from './scripted-cluster.ts';

const page = (names: readonly string[], next?: string): Reply => ({
  body: {
    records: names.map((name) => ({ name })),
    num_records: names.length,
    ...(next === undefined ? {} : { _links: { next: { href: next } } }),
  },
});

async function namesOf(records: AsyncIterable<{ name?: string }>): Promise<(string | undefined)[]> {
  const names = [];
  for await (const { name } of records) names.push(name);
  return names;
}

describe('a list', () => {
  it('is read over all its pages; links are followed as they are, with nothing added', async () => {
    const { client, requests } = scriptedCluster([
      page(['a', 'b'], '/api/storage/volumes?start.uuid=b%20b&max_records=2&fields=name'),
      page(['c'], '/api/storage/volumes?opaque=%7Bx%7D&&y'),
      page(['d']),
    ]);
    const query = { fields: ['name'], max_records: 2 };
    expect(await namesOf(client.records('/storage/volumes', { query, svm: 'svm1' }))).toEqual(['a', 'b', 'c', 'd']);
    expect(requests.map(({ path }) => path)).toEqual([
      '/storage/volumes?fields=name&max_records=2',
      '/storage/volumes?start.uuid=b%20b&max_records=2&fields=name',
      '/storage/volumes?opaque=%7Bx%7D&&y',
    ]);
    expect(requests.every(({ headers }) => headers.get('x-dot-svm-name') === 'svm1')).toBe(true);
  });

  it.each<[string, Reply[], string[]]>([
    ['one page', [page(['a'])], ['a']],
    ['nothing', [page([])], []],
    ['an empty last page', [page(['a'], '/api/x?start=1'), page([])], ['a']],
    [
      'an empty page in the middle',
      [page(['a'], '/api/x?start=1'), page([], '/api/x?start=2'), page(['b'])],
      ['a', 'b'],
    ],
    ['no records at all in the answer', [{ body: { num_records: 0 } }], []],
    ['a count as text', [{ body: { records: [{ name: 'a' }], num_records: '1' } }], ['a']],
    ['an empty object', [{ body: {} }], []],
  ])('may be %s', async (_, replies, names) => {
    expect(await namesOf(scriptedCluster(replies).client.records('/storage/volumes'))).toEqual(names);
  });

  it('is fetched as it is consumed: who stops reading stops asking', async () => {
    const { client, requests } = scriptedCluster([page(['a', 'b'], '/api/x?start=1'), page(['c'])]);
    for await (const { name } of client.records('/storage/volumes')) if (name === 'b') break;
    expect(requests).toHaveLength(1);
  });

  it('is read on after a failure that a retry mends', async () => {
    const { client, clock } = scriptedCluster([page(['a'], '/api/x?start=1'), reset(), page(['b'])]);
    expect(await clock.drive(namesOf(client.records('/storage/volumes')))).toEqual(['a', 'b']);
  });

  it('fails in the middle when a page does, naming what was attempted, not the link', async () => {
    const { client } = scriptedCluster([page(['a'], '/api/x?start=1'), refusal('262197')]);
    expect(await failureOf(namesOf(client.records('/storage/volumes')))).toMatchObject({
      code: 'ONTAP_REJECTED',
      attempted: 'GET /storage/volumes',
      path: '/api/x?start=1',
    });
  });

  it.each<[string, Reply[]]>([
    ['leads back to a page already read', [page(['a'], '/api/x?start=1'), page(['b'], '/api/x?start=1')]],
    ['leads to another host', [page(['a'], 'https://evil.example.com/api/x')]],
    ['leads out of the API', [page(['a'], '/spi/x')]],
    ['leads to another host without naming a scheme', [page(['a'], '//evil.example.com/api/x')]],
    ['has records that are no list', [{ body: { records: { name: 'a' } } }]],
    ['has a link without an address', [{ body: { records: [], _links: { next: {} } } }]],
    ['is no object', [{ body: '[]' }]],
  ])('that %s is a bad response', async (_, replies) => {
    const { client, requests } = scriptedCluster(replies);
    expect(await failureOf(namesOf(client.records('/storage/volumes')))).toMatchObject({ code: 'ONTAP_BAD_RESPONSE' });
    expect(requests.length).toBeLessThanOrEqual(replies.length);
  });

  it('ends with the caller’s signal between pages', async () => {
    const { client } = scriptedCluster([page(['a'], '/api/x?start=1'), page(['b'])]);
    const caller = new AbortController();
    const records = client.records('/storage/volumes', { signal: caller.signal });
    expect(await records.next()).toMatchObject({ value: { name: 'a' } });
    caller.abort();
    expect(await failureOf(records.next())).toMatchObject({ code: 'ABORTED' });
  });
});

describe('counting', () => {
  it('adds up the pages, whose counts are partial, and asks for no records', async () => {
    const { client, requests } = scriptedCluster([
      { body: { num_records: 1_000, _links: { next: { href: '/api/x?start=1&return_records=false' } } } },
      { body: { num_records: 0, _links: { next: { href: '/api/x?start=2&return_records=false' } } } },
      { body: { num_records: 17 } },
    ]);
    expect(await client.count('/snapmirror/relationships', { query: { state: 'paused' } })).toBe(1_017);
    expect(requests[0]?.path).toBe('/snapmirror/relationships?state=paused&return_records=false');
  });

  it('needs a count in the answer', async () => {
    const { client } = scriptedCluster([{ body: {} }]);
    expect(await failureOf(client.count('/storage/volumes'))).toMatchObject({ code: 'ONTAP_BAD_RESPONSE' });
  });
});
