import { beforeAll, describe, expect, it } from 'vitest';
import { RESOURCES } from '../../src/testing/resources/catalogue.ts';
import { call, type Json, MIB, Scene } from './raw-client.ts';

/** The conventions of collections, of each and every one that has records: nothing is a matter of the resource. */
let scene: Scene;
const at = (record: Json, name: string) => name.split('.').reduce((value, key) => value?.[key], record);

/** A world in which every collection has two records or more, and whose cluster to ask. */
beforeAll(async () => {
  scene = new Scene();
  const { source, destination } = scene;
  for (const name of ['one', 'two']) scene.volume.createSnapshot(name);
  const mirror = await scene.mirrored();
  await scene.update(mirror);
  destination.createVolume({ svm: 'svm1_dr', name: 'second', sizeBytes: 100 * MIB, type: 'dp' });
  await scene.ok(destination, 'POST', '/snapmirror/relationships', {
    source: { path: 'svm1:vol1' },
    destination: { path: 'svm1_dr:second' },
  });
  await scene.ok(destination, 'POST', '/cluster/peers', { authentication: { passphrase: 'waiting for it' } });
  const [peer] = (await scene.ok(destination, 'GET', '/cluster/peers')).records;
  const permission = { cluster_peer: { uuid: peer.uuid }, applications: ['snapmirror'] };
  for (const svm of destination.svms)
    await scene.ok(destination, 'POST', '/svm/peer-permissions', { svm: { name: svm }, ...permission });
  await scene.ok(source, 'POST', '/svm/peers', {
    svm: { name: 'svm1' },
    peer: { svm: { name: 'svm2' } },
    applications: ['snapmirror'],
  });
});

/** The path of a collection with its placeholders filled, and the cluster that has records there. */
function place(path: string): { cluster: Scene['source']; path: string } {
  const here = { cluster: scene.source };
  if (path.includes('{relationship.uuid}')) {
    return { cluster: scene.destination, path: path.replace('{relationship.uuid}', mirrorUuid) };
  }
  if (
    path.startsWith('/snapmirror/relationships') ||
    ['/cluster/peers', '/cluster/jobs', '/svm/peer-permissions'].includes(path)
  ) {
    return { cluster: scene.destination, path };
  }
  return { ...here, path: path.replace('{volume.uuid}', scene.volume.uuid).replace('{path}', 'data') };
}

let mirrorUuid: string;
beforeAll(async () => {
  mirrorUuid = (await scene.ok(scene.destination, 'GET', '/snapmirror/relationships?destination.path=svm1_dr:vol1'))
    .records[0].uuid;
});

const listed = RESOURCES.filter(
  ({ single, path, records }) => !single && !/luns|namespaces|private|file\/c/.test(path) && records,
);
const cases = listed.map((resource) => [resource.path, resource] as const);

describe.each(cases)('%s', (template, resource) => {
  const key = resource.keys[0] ?? 'uuid';
  const get = (query: string): Promise<Json> => {
    const { cluster, path } = place(template);
    return scene.ok(cluster, 'GET', `${path}?${query}`);
  };
  const few = template === '/svm/peer-permissions' || template === '/storage/aggregates';

  it('counts without records, pages through all of them, and orders them both ways', async () => {
    const { records, num_records: total } = await get('fields=*');
    expect(records).toHaveLength(total);
    expect(total).toBeGreaterThanOrEqual(few ? 1 : 2);
    expect(await get('return_records=false')).toEqual({ num_records: total });
    const paged: Json[] = [];
    for (let query: string | undefined = 'max_records=1&fields=*'; query !== undefined; ) {
      const { records: page, _links } = await get(query);
      paged.push(...page);
      query = _links?.next?.href.split('?')[1];
    }
    expect(paged).toEqual(records);
    const keys = (answer: Json) => answer.records.map((record: Json) => at(record, key));
    const rising = keys(await get(`order_by=${key}`));
    expect(rising).toEqual([...keys({ records })].sort());
    expect(keys(await get(`order_by=${key} desc`))).toEqual([...rising].reverse());
  });

  it('is filtered: a value, its negation, a range, alternatives, null', async () => {
    const { records, num_records: total } = await get('fields=*');
    const [one] = records;
    const value = encodeURIComponent(`"${at(one, key)}"`);
    const count = async (query: string) => (await get(query)).num_records;
    const same = records.filter((record: Json) => at(record, key) === at(one, key)).length;
    expect(await count(`${key}=${value}`)).toBe(same);
    expect(await count(`${key}=!${value}`)).toBe(total - same);
    expect(await count(`${key}=${value}..${value}`)).toBe(same);
    expect((await count(`${key}=<${value}`)) + (await count(`${key}=>=${value}`))).toBe(total);
    expect(await count(`${key}=${value}|nobody`)).toBe(same);
    expect((await count(`${key}=null`)) + (await count(`${key}=!null`))).toBe(total);
  });

  it('refuses what it does not know', async () => {
    const { cluster, path } = place(template);
    for (const [query, code] of [
      ['colour=red', '262179'],
      ['fields=colour', '262197'],
      ['order_by=colour', '262268'],
      ['max_records=0', '262197'],
    ]) {
      expect((await call(cluster, 'GET', `${path}?${query}`)).json.error.code).toBe(code);
    }
  });

  it.runIf(resource.patch && !resource.itself)(
    'is changed by a query only, and a query that finds nothing changes nothing',
    async () => {
      const { cluster, path } = place(template);
      const bare = await call(cluster, 'PATCH', path, { body: {} });
      expect(bare.json.error.code).toBe('262190');
      const nothing = await call(cluster, 'PATCH', `${path}?${key}=nobody`, { body: {} });
      expect([nothing.status, nothing.json]).toEqual([200, { num_records: 0 }]);
    },
  );

  it.runIf(resource.remove && !resource.itself)(
    'is deleted from by a query only, and a query that finds nothing deletes nothing',
    async () => {
      const { cluster, path } = place(template);
      expect((await call(cluster, 'DELETE', path)).json.error.code).toBe('262190');
      const nothing = await call(cluster, 'DELETE', `${path}?${key}=nobody`);
      expect([nothing.status, nothing.json]).toEqual([200, { num_records: 0 }]);
    },
  );
});

it('a change returns its records when it is asked to: as they are after a PATCH, as they were before a DELETE', async () => {
  const own = new Scene();
  for (const name of ['a', 'b']) own.source.createVolume({ svm: 'svm2', name, sizeBytes: 50 * MIB });
  const shown = (answer: Json) => answer.records.map(({ name, size }: Json) => [name, size]).sort();
  const path = '/storage/volumes?svm.name=svm2&name=a|b&return_records=true';
  const changed = await own.ok(own.source, 'PATCH', path, { size: 60 * MIB });
  expect(shown(changed)).toEqual([
    ['a', 60 * MIB],
    ['b', 60 * MIB],
  ]);
  expect(await own.ok(own.source, 'PATCH', '/storage/volumes?name=a', { size: 70 * MIB })).not.toHaveProperty(
    'records',
  );
  expect(shown(await own.ok(own.source, 'DELETE', path))).toEqual([
    ['a', 70 * MIB],
    ['b', 60 * MIB],
  ]);
  expect((await own.ok(own.source, 'GET', '/storage/volumes?svm.name=svm2&name=a|b')).num_records).toBe(0);
});
