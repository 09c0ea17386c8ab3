/** A resource may give values for filters without making the whole record: they have to be those of the record. */
import { beforeAll, describe, expect, it } from 'vitest';
import { RESOURCES } from '../../src/testing/resources/catalogue.ts';
import { call, type Json, MIB, Scene } from './raw-client.ts';

let scene: Scene;

beforeAll(async () => {
  scene = new Scene({ switches: { policyInDestinationsView: 'present' } });
  const { source, destination } = scene;
  const uuid = await scene.mirrored();
  source.createVolume({ svm: 'svm1', name: 'away', sizeBytes: 50 * MIB, junctionPath: '/away' });
  source.createVolume({ svm: 'svm2', name: 'locked', sizeBytes: 60 * MIB, encrypted: true });
  await scene.ok(source, 'PATCH', '/storage/volumes?name=away&svm.name=svm1', { state: 'offline' });
  destination.createVolume({ svm: 'svm1_dr', name: 'late', sizeBytes: 50 * MIB, type: 'dp' });
  const ends = { source: { path: 'svm1:away' }, destination: { path: 'svm1_dr:late' } };
  await scene.ok(destination, 'POST', '/snapmirror/relationships', { ...ends, policy: { name: 'Sync' } });
  await scene.clock.advance(90_000_000);
  await scene.patch(uuid, { state: 'broken_off' });
});

const COLLECTIONS = RESOURCES.filter(({ quick }) => quick !== undefined).flatMap(({ path }) =>
  path === '/snapmirror/relationships' ? [`${path}?`, `${path}?list_destinations_only=true&`] : [`${path}?`],
);

describe.each(COLLECTIONS)('GET %s', (collection) => {
  it('finds by each field of a record exactly the records that show it so', async () => {
    for (const cluster of [scene.source, scene.destination]) {
      const get = async (query: string): Promise<Json[]> =>
        (await call(cluster, 'GET', `${collection}${query}`)).json.records;
      const records = await get('fields=**');
      const shown = records.map((record) => [record.uuid, scalars(record)] as const);
      const names = new Set(shown.flatMap(([, values]) => [...values.keys()]));
      for (const name of names) {
        const values = new Set(shown.flatMap(([, of]) => of.get(name) ?? []));
        for (const value of values) {
          const found = await get(`${name}=${encodeURIComponent(JSON.stringify(String(value)))}`);
          const expected = shown.filter(([, of]) => of.get(name)?.includes(value)).map(([uuid]) => uuid);
          expect([name, value, uuids(found)]).toEqual([name, value, expected.sort()]);
        }
        const unset = shown.filter(([, of]) => !of.has(name)).map(([uuid]) => uuid);
        expect([name, null, uuids(await get(`${name}=null`))]).toEqual([name, null, unset.sort()]);
      }
    }
  });
});

function uuids(records: readonly Json[]): string[] {
  return records.map(({ uuid }) => uuid).sort();
}

/** Every value of a record, by dotted name. */
function scalars(tree: object, path = '', found = new Map<string, unknown[]>()): Map<string, unknown[]> {
  for (const [key, value] of Object.entries(tree)) {
    const name = path === '' ? key : `${path}.${key}`;
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === 'object' && item !== null) scalars(item, name, found);
      else found.set(name, [...(found.get(name) ?? []), item]);
    }
  }
  return found;
}
