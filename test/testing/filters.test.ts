import { expect, it } from 'vitest';
import { type Json, MIB, Scene } from './raw-client.ts';

/** Filters on what a resource knows at once agree with what its records say. */
const at = (record: Json, name: string) => name.split('.').reduce((value, key) => value?.[key], record);
const spelled = (value: unknown) =>
  value === undefined ? 'null' : typeof value === 'string' ? `"${value}"` : String(value);

async function everyFieldFinds(
  scene: Scene,
  cluster: Scene['source'],
  path: string,
  query: string,
  names: readonly string[],
) {
  const { records } = await scene.ok(cluster, 'GET', `${path}?${query}&fields=*`);
  expect(records.length).toBeGreaterThan(1);
  for (const name of names) {
    for (const record of records) {
      const filter = encodeURIComponent(spelled(at(record, name)));
      const found = await scene.ok(cluster, 'GET', `${path}?${query}&${name}=${filter}&fields=uuid`);
      const others = await scene.ok(cluster, 'GET', `${path}?${query}&${name}=!${filter}&fields=uuid`);
      const uuids = (answer: Json) => answer.records.map(({ uuid }: Json) => uuid);
      const alike = records.filter((other: Json) => at(other, name) === at(record, name));
      expect([name, uuids(found)]).toEqual([name, uuids({ records: alike })]);
      expect([name, uuids(found).length + uuids(others).length]).toEqual([name, records.length]);
    }
  }
}

it('of volumes', async () => {
  const scene = new Scene();
  const { source } = scene;
  scene.volume.createSnapshot('monday');
  source.createVolume({ svm: 'svm2', name: 'mounted', sizeBytes: 50 * MIB, junctionPath: '/m', encrypted: true });
  source.createVolume({ svm: 'svm1', name: 'mirror', sizeBytes: 50 * MIB, type: 'dp' });
  source.createVolume({ svm: 'svm1', name: 'group', sizeBytes: 900 * MIB, style: 'flexgroup' });
  const clone = { is_flexclone: true, parent_volume: { name: 'vol1' } };
  await scene.ok(source, 'POST', '/storage/volumes', { name: 'clone', 'svm.name': 'svm1', clone });
  await scene.ok(source, 'PATCH', '/storage/volumes?name=mirror', { state: 'offline', name: 'renamed' });
  await everyFieldFinds(scene, source, '/storage/volumes', 'return_records=true', [
    ...[
      'uuid',
      'name',
      'svm.name',
      'svm.uuid',
      'type',
      'style',
      'state',
      'size',
      'space.size',
      'is_svm_root',
      'nas.path',
    ],
    ...['encryption.enabled', 'error_state.is_inconsistent', 'clone.is_flexclone'],
    ...['clone.parent_volume.name', 'clone.parent_volume.uuid'],
  ]);
});

it('of relationships, from both ends', async () => {
  const scene = new Scene();
  const uuid = await scene.mirrored();
  scene.destination.createVolume({ svm: 'svm1_dr', name: 'second', sizeBytes: 100 * MIB, type: 'dp' });
  await scene.ok(scene.destination, 'POST', '/snapmirror/relationships', {
    source: { path: 'svm1:vol1' },
    destination: { path: 'svm1_dr:second' },
  });
  await scene.patch(uuid, { state: 'paused' });
  const names = [
    'uuid',
    'state',
    'healthy',
    'source.path',
    'destination.path',
    'source.svm.name',
    'destination.svm.name',
  ];
  await everyFieldFinds(scene, scene.destination, '/snapmirror/relationships', 'return_records=true', names);
  await everyFieldFinds(scene, scene.source, '/snapmirror/relationships', 'list_destinations_only=true', names);
});

it('10,000 volumes are filtered, ordered and paged without making a record of each', async () => {
  const scene = new Scene();
  for (let i = 0; i < 10_000; i++) {
    scene.source.createVolume({ svm: 'svm1', name: `bulk${i}`, sizeBytes: MIB * (1 + (i % 7)) });
  }
  const page = 'order_by=size desc,name&max_records=20&fields=name,size,space.used';
  const timed = async (filter: string) => {
    const began = performance.now();
    const answer = await scene.ok(scene.source, 'GET', `/storage/volumes?${filter}&${page}`);
    return { ms: performance.now() - began, answer };
  };
  const quick = [await timed('name=bulk*&type=rw&state=online'), await timed('name=bulk*&type=rw&state=online')];
  const [{ records, _links } = { records: [], _links: {} }] = quick.map(({ answer }) => answer);
  expect(records.map(({ size }: Json) => size)).toEqual(new Array(20).fill(7 * MIB));
  expect(records[0].name).toBe('bulk1000');
  expect(_links.next.href).toContain('start.uuid=');
  // What only the record knows is the measure: in practice thirty times as slow.
  const slow = await timed('language=c.utf_8&name=bulk*');
  expect(slow.answer.records).toEqual(records);
  expect(slow.ms).toBeGreaterThan(3 * Math.min(...quick.map(({ ms }) => ms)));
});
