/** Failover, failback, drill and Cinder's methods over JSON-RPC, with hooks that the caller answers. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FailoverStage } from './failover-stage.ts';
import { type Message, Rpc } from './rpc-client.ts';

const selection = { source: 'east' };

/** Answers the hooks that the server asks for from now on. */
function answering(rpc: Rpc, answer: (about: Record<string, unknown>) => { ok: boolean; text?: string }): string[] {
  const asked: string[] = [];
  const wait = async () => {
    for (let last = 0; ; ) {
      const { params = {} } = await rpc.next(
        ({ method, params: of }: Message) => method === 'hook' && Number(of?.['question']) > last,
      );
      last = Number(params['question']);
      asked.push(`${params['hook']} ${params['volume'] ?? params['backend']}`);
      rpc.send(JSON.stringify({ jsonrpc: '2.0', method: 'answerHook', params: { question: last, ...answer(params) } }));
    }
  };
  void wait();
  return asked;
}

describe.concurrent('failover over rpc', () => {
  it('is planned, refused without its losses, applied with them, and failed back with hooks; a journal keeps it', async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const journal = join(stage.folder.path, 'journal');
    const rpc = new Rpc(stage.config, undefined, '--journal', journal);
    const options = { contactTimeoutMs: 4000 };
    stage.world.cluster('cluster1').kill();
    const plan = (await rpc.call('planFailover', { selection, options }).answer).result as { id: string };
    expect((await rpc.call('failback', { plan }).answer).error).toMatchObject({
      data: { code: 'FAILOVER_PLAN_INVALID' },
    });
    const refused = (await rpc.call('failover', { plan, options }).answer).error?.data;
    const losses = { acknowledgements: [{ id: 'unreplicated-writes/east/vol1' }] };
    expect(refused).toMatchObject({ code: 'FAILOVER_NOT_ACKNOWLEDGED', details: losses });
    const accepted = { ...options, acknowledge: ['unreplicated-writes/east/vol1'], progress: true };
    const over = rpc.call('failover', { plan, options: accepted });
    expect((await over.answer).result).toMatchObject({ result: 'done', operation: plan.id });
    const steps = rpc.messages.filter(({ method }) => method === 'progress').map(({ params }) => params);
    expect(steps).toContainEqual(
      expect.objectContaining({ id: over.id, kind: 'step-done', step: 'break', volume: 'vol1' }),
    );
    stage.world.cluster('cluster1').revive();

    let willing = false;
    const asked = answering(rpc, () => (willing ? { ok: true } : { ok: false, text: 'they will not' }));
    const hooks = { hooks: ['stopWriters', 'startWriters'] };
    const stuck = (await rpc.call('failback', { selection, options: hooks }).answer).result;
    expect(stuck).toMatchObject({
      result: 'failed',
      volumes: [{ authority: 'target', error: { message: expect.stringContaining('they will not') } }],
    });
    willing = true;
    const back = (await rpc.call('failback', { selection, options: hooks }).answer).result;
    expect(back).toMatchObject({ result: 'done', volumes: [{ authority: 'source', phase: 'protected' }] });
    expect(asked).toEqual(['stopWriters west', 'startWriters west', 'stopWriters west', 'startWriters east']);
    expect(await rpc.end()).toBe(0);
    expect((await stage.run('debts', '--journal', journal)).stdout).toBe('nothing is owed\n');
  }, 90_000);

  it('a drill asks for a verdict of each clone; a question that nobody waits for is told so', async () => {
    await using stage = await FailoverStage.open();
    const rpc = new Rpc(stage.config);
    const asked = answering(rpc, ({ volume }) => ({ ok: volume === 'vol1', text: `saw ${volume}` }));
    const report = (await rpc.call('drill', { selection, options: { hooks: ['verify'] } }).answer).result;
    expect(report).toMatchObject({
      result: 'failed',
      volumes: [
        { volume: 'vol1', outcome: 'verified', verdict: 'saw vol1' },
        { volume: 'vol2', outcome: 'error', error: { code: 'FAILOVER_VERIFICATION_FAILED' } },
      ],
    });
    expect(asked.toSorted()).toEqual(['verify vol1', 'verify vol2']);
    const late = await rpc.call('answerHook', { question: 1, ok: true }).answer;
    expect(late.result).toEqual({ taken: false });
    const house = rpc.call('keepHouse', { source: 'east', options: { intervalMs: 600_000, progress: true } });
    await rpc.next(({ params }) => params?.['id'] === house.id && params['kind'] === 'round-ended');
    expect((await rpc.call('stop', { id: house.id }).answer).result).toEqual({ stopping: true });
    expect(await house.answer).toMatchObject({ result: null });
    await rpc.end();
  }, 60_000);

  it("speaks Cinder's words to a driver, and names its exception", async () => {
    await using stage = await FailoverStage.open(['vol1']);
    const rpc = new Rpc(stage.config);
    const volumes = [{ id: 'a1', host: 'node@east#vol1', size: 1 }];
    const stranger = { backend: 'east', volumes, secondary_id: 'north' };
    expect((await rpc.call('cinder.failover', stranger).answer).error?.data).toMatchObject({
      code: 'CINDER_INVALID_REPLICATION_TARGET',
      exception: 'InvalidReplicationTarget',
    });
    const over = await rpc.call('cinder.failover_host', { backend: 'east', volumes, secondary_id: null }).answer;
    const updates = (replication_status: string) => [{ volume_id: 'a1', updates: { replication_status } }];
    expect(over.result).toEqual(['west', updates('failed-over'), []]);
    const away = { backend: 'east', active_backend_id: 'west' };
    expect((await rpc.call('cinder.handle_housekeeping_tasks', away).answer).result).toEqual([]);
    const back = await rpc.call('cinder.failover', { ...away, volumes, secondary_id: 'default' }).answer;
    expect(back.result).toEqual(['east', updates('enabled'), []]);
    const described = (await rpc.call('describe').answer).result;
    expect(described).toMatchObject({ methods: { 'cinder.failover': { required: ['backend', 'volumes'] } } });
    await rpc.end();
  }, 60_000);
});
