/** The adapter against the simulated ONTAP: what the port promises and no verb shows by itself. */
import { describe, expect, it } from 'vitest';
import { OntapError } from '../../src/errors.ts';
import { OntapRestClient } from '../../src/netapp-ontap-rest-client/index.ts';
import type { OntapSvm } from '../../src/ontap/index.ts';
import { RestOntapSvm } from '../../src/ontap/index.ts';
import type { SimulatedCluster } from '../../src/testing/index.ts';
import { HOUR, MIB, SECOND, Stage } from '../scenarios/harness.ts';

/** The SVM as the port shows it; the retries of the client are off, so that every fault is seen. */
function portOf(stage: Stage, cluster: SimulatedCluster, svm = cluster.svms[0] ?? ''): OntapSvm {
  const client = new OntapRestClient({
    host: `${cluster.name}.sim`,
    auth: { user: cluster.user, password: cluster.password },
    transport: (request) => stage.intercept(request, (sent) => cluster.fetch(sent)),
    retry: { attempts: 1 },
    env: { clock: stage.clock },
  });
  return new RestOntapSvm({ backend: 'west', cluster: cluster.name, svm, connect: async () => client });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('reads', () => {
  it('show the volumes of one SVM without its root, over pages', async () => {
    await using stage = await Stage.open();
    for (let i = 0; i < 5; i++) stage.east.createVolume({ svm: 'svm1', name: `v${i}`, sizeBytes: 20 * MIB });
    stage.east.createVolume({ svm: 'svm2', name: 'elsewhere', sizeBytes: 20 * MIB });
    const paged = (request: Request) => new Request(`${request.url}&max_records=2`, request);
    stage.intercept = (request, send) => send(request.url.includes('max_records') ? request : paged(request));
    const names = (await all(portOf(stage, stage.east).volumes())).map(({ name }) => name);
    expect(names.sort()).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'vol1']);
  });

  it('leave out transfers that have ended, which ONTAP lists for a day', async () => {
    await using stage = await Stage.open();
    await stage.transferring(true);
    const { uuid, transfer } = await stage.record();
    expect(await stage.read(stage.west, `/snapmirror/relationships/${uuid}/transfers`)).toHaveLength(2);
    const running = await portOf(stage, stage.west).runningTransfers(uuid);
    expect(running.map((one) => one.uuid)).toEqual([transfer.uuid]);
  });

  it('prefer a policy of the SVM to one of the cluster, and see none of another SVM', async () => {
    await using stage = await Stage.open();
    const make = (svm: string, name: string) =>
      stage.raw(stage.east, 'POST', '/snapmirror/policies', { name, svm: { name: svm }, type: 'async' });
    await make('svm1', 'Asynchronous');
    await make('svm2', 'Theirs');
    expect((await portOf(stage, stage.east, 'svm1').policy('Asynchronous'))?.transferSchedule).toBeUndefined();
    expect((await portOf(stage, stage.east, 'svm2').policy('Asynchronous'))?.transferSchedule).toBe('hourly');
    expect(await portOf(stage, stage.east, 'svm1').policy('Theirs')).toBeUndefined();
    expect((await portOf(stage, stage.east, 'svm2').policy('Theirs'))?.kind).toBe('async');
    expect(await portOf(stage, stage.east).policy('Nobody’s')).toBeUndefined();
  });

  it('say undefined for what is not there', async () => {
    await using stage = await Stage.open();
    const port = portOf(stage, stage.west);
    const nobody = '00000000-0000-4000-8000-000000000000';
    expect(await port.relationship(nobody)).toBeUndefined();
    expect(await port.volume('nothing')).toBeUndefined();
    expect(await port.scheduleExists('nothing')).toBe(false);
    expect(await port.scheduleExists('hourly')).toBe(true);
    expect(await port.svmState()).toBe('running');
    expect(await portOf(stage, stage.west, 'svm9').svmState()).toBeUndefined();
    expect(await port.job(nobody)).toEqual({ uuid: nobody, state: 'gone' });
  });

  it('find destinations from the source, without a tunnel', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const known = await all(portOf(stage, stage.east).knownDestinations({ source: { svm: 'svm1' } }));
    expect(known).toMatchObject([{ source: { volume: 'vol1' }, destination: { svm: 'svm1_dr', volume: 'vol1' } }]);
  });

  it('of peers wait for ONTAP, which takes its time while a peer cluster is dead', async () => {
    await using stage = await Stage.open();
    stage.east.kill();
    const startedAt = stage.clock.now();
    expect(await portOf(stage, stage.west).svmPeers()).toHaveLength(1);
    expect(stage.clock.now() - startedAt).toBe(60 * SECOND);
  });
});

describe('changes', () => {
  it('name the job that carries them on, and finishing waits for it', async () => {
    await using stage = await Stage.open({ world: { operationMs: 60 * SECOND } });
    const port = portOf(stage, stage.west);
    const spec = { name: 'made', type: 'dp', style: 'flexvol', sizeBytes: 50 * MIB, aggregates: ['aggr1'] } as const;
    const change = await port.createVolume(spec);
    expect(change).toMatchObject({ done: false });
    expect(await port.volume('made')).toBeUndefined();
    await port.finish(change);
    expect(await port.volume('made')).toMatchObject({ type: 'dp', state: 'online' });
    await port.finish({ done: true });
  });

  it('whose job’s record is gone are settled by looking, or their outcome is unknown', async () => {
    await using stage = await Stage.open({ world: { operationMs: 60 * SECOND } });
    const port = portOf(stage, stage.west);
    const spec = { type: 'dp', style: 'flexvol', sizeBytes: 50 * MIB, aggregates: ['aggr1'] } as const;
    const made = async (name: string) => {
      const change = await port.createVolume({ ...spec, name });
      await stage.wait(HOUR);
      return change;
    };
    const look = async () => (await port.volume('one')) !== undefined;
    await port.finish(await made('one'), { look });
    await expect(port.finish(await made('two'))).rejects.toMatchObject({ code: 'ONTAP_OUTCOME_UNKNOWN' });
    const never = await made('three');
    await expect(port.finish(never, { look: async () => false })).rejects.toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
    });
  });

  it('whose answer was lost are settled by looking', async () => {
    await using stage = await Stage.open();
    const port = portOf(stage, stage.west);
    stage.west.addFault({ kind: 'answer-lost', when: 'after', method: 'POST' });
    const spec = { name: 'made', type: 'dp', style: 'flexvol', sizeBytes: 50 * MIB, aggregates: ['aggr1'] } as const;
    expect(await port.createVolume(spec)).toEqual({ done: true });
    stage.west.addFault({ kind: 'answer-lost', when: 'before', method: 'POST' });
    await expect(port.createVolume({ ...spec, name: 'never' })).rejects.toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
    });
    expect(stage.changes.filter(({ path }) => path.endsWith('/storage/volumes'))).toHaveLength(2);
  });

  it('of what is not there are ONTAP_NOT_FOUND', async () => {
    await using stage = await Stage.open();
    const port = portOf(stage, stage.west);
    const nobody = '00000000-0000-4000-8000-000000000000';
    for (const change of [
      () => port.setRelationshipState(nobody, 'paused'),
      () => port.startTransfer(nobody),
      () => port.abortTransfer(nobody, nobody),
      () => port.deleteRelationship(nobody, 'destination'),
      () => port.mountVolume(nobody, '/x'),
    ]) {
      await expect(change()).rejects.toMatchObject({ code: 'ONTAP_NOT_FOUND', ontapCode: '4' });
    }
  });

  it('a delete of the source’s entry alone keeps its snapshots', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const { uuid } = await stage.record();
    const [west, east] = [portOf(stage, stage.west), portOf(stage, stage.east)];
    await west.finish(await west.deleteRelationship(uuid, 'destination'));
    await east.finish(await east.deleteRelationship(uuid, 'source-info'));
    expect(await all(east.knownDestinations({ source: { svm: 'svm1' } }))).toEqual([]);
    expect(stage.source.snapshots()).toHaveLength(1);
  });

  it('an abort that clears the checkpoint makes the next transfer begin anew', async () => {
    await using stage = await Stage.open();
    await stage.transferring(true);
    await stage.wait(6 * SECOND);
    const { uuid, transfer } = await stage.record();
    await portOf(stage, stage.west).abortTransfer(uuid, transfer.uuid, { clearCheckpoint: true });
    expect((await stage.record()).transfer.state).toBe('hard_aborted');
    const startedAt = stage.clock.now();
    await stage.dataMotion.updateSnapmirror(stage.pair, { wait: true });
    expect(stage.clock.now() - startedAt).toBeGreaterThan(7 * SECOND);
  });
});

it('asks about changes without making them: what would be refused is refused, by the errors of the change itself', async () => {
  await using stage = await Stage.open();
  const port = portOf(stage, stage.west);
  const validateOnly = true;
  const settled = async (change: Promise<Parameters<OntapSvm['finish']>[0]>) => port.finish(await change);
  await stage.dataMotion.createSnapmirror(stage.pair);
  const { uuid } = await stage.record();
  const copy = (await port.volume('vol1'))?.uuid ?? '';
  await expect(settled(port.setRelationshipState(uuid, 'broken_off', { validateOnly }))).rejects.toThrow(OntapError);
  const spec = { source: { svm: 'svm1', volume: 'vol1' }, destinationVolume: 'vol1', policy: 'Asynchronous' };
  await expect(settled(port.createRelationship(spec, { validateOnly }))).rejects.toMatchObject({
    code: 'ONTAP_EXISTS',
  });
  await stage.wait(HOUR);
  await settled(port.setRelationshipState(uuid, 'broken_off', { validateOnly }));
  await settled(port.mountVolume(copy, '/vol1', { validateOnly }));
  await stage.wait(10 * SECOND);
  expect([stage.copy.type, stage.copy.junctionPath]).toEqual(['dp', undefined]);
});
