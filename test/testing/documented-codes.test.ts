/** No documented code is forgotten: each is provoked by a test or cannot occur, and then it does not. */
import { beforeEach, describe, expect, it } from 'vitest';
import { REFUSALS, type RefusalRow, SWITCHES } from '../../src/testing/index.ts';
import { codesOf, DOCUMENTED_CODES } from './documented-codes.ts';
import { INFERENCES } from './inferences.ts';
import { call, Scene } from './raw-client.ts';

const ANSWERED = new Set(Object.values<RefusalRow>(REFUSALS).flatMap(codesOf));

it('each code is listed once', () => {
  const codes = DOCUMENTED_CODES.map(({ code }) => code);
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
});

it.each(DOCUMENTED_CODES.map((documented) => [documented.code, documented] as const))(
  '%s has a refusal, and so a test that provokes it, or a reason why it does not occur',
  (code, { why }) => {
    expect({ answered: ANSWERED.has(code) }).toEqual({ answered: why === undefined });
  },
);

describe('a reason holds:', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
  });

  const ends = { source: { path: 'svm1:vol1' }, destination: { path: 'svm1_dr:vol1' } };
  const LIMIT = [405, '3'];

  it.each<[string, object]>([
    ['relationships of SVMs are a limit', { ...ends, source: { path: 'svm1:' } }],
    ['ends in object stores are a limit', { ...ends, destination: { path: 'svm1_dr:/objstore/one' } }],
    ['ends that are consistency groups are a limit', { ...ends, source: { path: 'svm1:/cg/one' } }],
    [
      'volumes of consistency groups are a limit',
      { ...ends, source: { ...ends.source, consistency_group_volumes: [{ name: 'v' }] } },
    ],
    ['restores are a limit', { ...ends, restore: true }],
  ])('%s', async (_, body) => {
    const { status, json } = await call(scene.destination, 'POST', '/snapmirror/relationships', { body });
    expect([status, json.error.code]).toEqual(LIMIT);
  });

  it.each<[string, string, object]>([
    ['failover is a limit', '?failover=true', {}],
    ['failback is a limit', '?failback=true', {}],
    ['reversal is a limit', '', { source: ends.destination, destination: ends.source, state: 'snapmirrored' }],
  ])('%s', async (_, query, body) => {
    const path = `/snapmirror/relationships/${await scene.mirrored()}${query}`;
    const { status, json } = await call(scene.destination, 'PATCH', path, { body });
    expect([status, json.error.code]).toEqual(LIMIT);
  });

  it('files of a transfer cannot be given', async () => {
    const path = `/snapmirror/relationships/${await scene.mirrored()}/transfers`;
    const { status, json } = await call(scene.destination, 'POST', path, { body: { files: [{ source_path: '/a' }] } });
    expect([status, json.error.code]).toEqual([400, '262196']);
  });

  it('many records at once cannot be given', async () => {
    const { status, json } = await call(scene.source, 'POST', '/storage/volumes', { body: { records: [] } });
    expect([status, json.error.code]).toEqual([400, '262179']);
  });

  it('what is broken JSON has one code', async () => {
    for (const body of ['{', '{"name":}', 'nonsense', '{"name":"\\q"}']) {
      const { json } = await call(scene.source, 'POST', '/storage/volumes', { body });
      expect(json.error.code).toBe('262199');
    }
  });

  it('an aborted transfer shows its code, and no answer is refused with it', async () => {
    const uuid = await scene.mirrored();
    const path = `/snapmirror/relationships/${uuid}/transfers`;
    scene.destination.addFault({ kind: 'transfer-stalls', method: 'POST', path: '*/transfers' });
    await scene.ok(scene.destination, 'POST', path, {});
    const [transfer] = (await scene.ok(scene.destination, 'GET', `${path}?state=transferring`)).records;
    expect(
      (await call(scene.destination, 'PATCH', `${path}/${transfer.uuid}`, { body: { state: 'aborted' } })).status,
    ).toBe(200);
    const { records } = await scene.ok(scene.destination, 'GET', `${path}?state=aborted&fields=error_info`);
    expect(records[0].error_info).toEqual({ code: 6620046, message: 'Transfer aborted' });
    expect((await scene.relationship(uuid)).unhealthy_reason[0].code).toBe('6620046');
  });

  it('paths of the command line, maps of LUNs and the making of SVMs are not there', async () => {
    for (const [method, path] of [
      ['GET', '/private/cli/volume'],
      ['GET', '/protocols/san/lun-maps'],
      ['POST', '/svm/svms'],
      ['POST', '/svm/migrations'],
    ]) {
      const { json } = await call(scene.source, method ?? '', path ?? '', method === 'POST' ? { body: {} } : {});
      expect([path, json.error.code]).toEqual([path, '3']);
    }
  });
});

it('a peering that does not allow snapmirror lets no relationship be made, also where the source is asked', async () => {
  const scene = new Scene();
  const { records } = await scene.ok(scene.source, 'GET', '/svm/peers?fields=applications&svm.name=svm1');
  await scene.ok(scene.source, 'PATCH', `/svm/peers/${records[0].uuid}`, { applications: ['file_copy'] });
  const body = {
    source: { path: 'svm1:vol1' },
    destination: { path: 'svm1_dr:new' },
    create_destination: { enabled: true },
  };
  for (const cluster of [scene.source, scene.destination]) {
    const { json } = await call(cluster, 'POST', '/snapmirror/relationships', { body });
    expect(json.error.code).toBe('13303886');
  }
});

describe('inferences', () => {
  it('each switch stands for one, and each has a switch or another way to change it', () => {
    const named = INFERENCES.flatMap(({ switches }) => switches);
    expect(named.toSorted()).toEqual(Object.keys(SWITCHES).toSorted());
    expect(INFERENCES.filter(({ switches, otherwise }) => switches.length === 0 && otherwise === undefined)).toEqual(
      [],
    );
  });

  it.each(['documented', 'none'] as const)('schedules of built-in policies: %s', async (builtInPolicySchedules) => {
    const { source, ok } = new Scene({ switches: { builtInPolicySchedules } });
    const query = '/snapmirror/policies?fields=transfer_schedule&transfer_schedule.name=!null';
    const { records } = await ok(source, 'GET', query);
    const names = records.map(({ name }: { name: string }) => name);
    expect(names).toEqual(builtInPolicySchedules === 'none' ? [] : ['Asynchronous', 'DailyBackup']);
  });
});
