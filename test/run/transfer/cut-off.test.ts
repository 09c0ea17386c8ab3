/**
 * Every strategy is cut off at each of its requests and called again: by its caller's signal, and by the death of its process, whose requests
 * may still take effect. The source is whole all the time, nothing half-written ever has the destination's name, and the last call finishes.
 */
import { describe, expect, it } from 'vitest';
import type { TransferStrategy } from '../../../src/core/transfer/strategies.ts';
import { InterruptedError, OntapError } from '../../../src/errors.ts';
import type { PlanTransferOptions } from '../../../src/run/transfer/context.ts';
import { MINUTE } from '../../scenarios/harness.ts';
import { type TransferStage, transferStage } from './transfer-stage.ts';

interface Deed {
  readonly strategy: TransferStrategy;
  readonly from: string;
  readonly to: string;
  readonly options?: PlanTransferOptions;
  readonly arrange?: (stage: TransferStage) => Promise<void>;
}

const withoutUnits = async (stage: TransferStage) => {
  for (const kind of ['luns', 'namespaces']) {
    for (const { uuid } of await stage.stage.read(stage.east, `/storage/${kind}`)) {
      await stage.stage.raw(stage.east, 'DELETE', `/storage/${kind}/${uuid}`);
    }
  }
};

const MOVE = { move: true };
const DEEDS: readonly Deed[] = [
  { strategy: 'file-clone', from: 'east:vol1/dir/file', to: 'east:vol1/dir/new' },
  { strategy: 'rename', from: 'east:vol1/dir/file', to: 'east:vol1/dir/new', options: MOVE },
  { strategy: 'file-copy', from: 'east:vol1/dir/file', to: 'east:near/new' },
  { strategy: 'file-copy', from: 'east:vol1/dir/file', to: 'east:near/new', options: MOVE },
  { strategy: 'file-copy', from: 'east:vol1/dir/file', to: 'south:other/new', options: MOVE },
  { strategy: 'host-stream', from: 'east:vol1/dir/file', to: 'west:far/new' },
  { strategy: 'host-stream', from: 'east:vol1/dir/file', to: 'west:far/new', options: MOVE },
  { strategy: 'lun-clone', from: 'east:vol1/lun', to: 'east:vol1/new' },
  { strategy: 'rename', from: 'east:vol1/lun', to: 'east:vol1/new', options: MOVE },
  { strategy: 'lun-copy', from: 'east:vol1/lun', to: 'east:near/new' },
  { strategy: 'lun-copy', from: 'east:vol1/lun', to: 'south:other/new', options: MOVE },
  { strategy: 'lun-move', from: 'east:vol1/lun', to: 'east:near/new', options: MOVE },
  { strategy: 'namespace-clone', from: 'east:vol1/ns', to: 'east:vol1/new' },
  { strategy: 'flexclone', from: 'east:vol1', to: 'east:copied' },
  { strategy: 'rehost', from: 'east:vol1', to: 'south:named', options: MOVE, arrange: withoutUnits },
  { strategy: 'volume-move', from: 'east:vol1', to: 'east:vol1', options: { ...MOVE, aggregates: ['aggr2'] } },
  { strategy: 'snapmirror-local', from: 'east:vol1', to: 'south:copied' },
  { strategy: 'snapmirror-remote', from: 'east:vol1', to: 'west:moved', options: MOVE, arrange: withoutUnits },
];

/** TRANSFER_CUTS=all: every read, and every change at each moment; otherwise each change, in the two ways that differ most, and some reads. */
const ALL = process.env['TRANSFER_CUTS'] === 'all';
const EVERY_READ = ALL ? 1 : 9;
const MOMENTS: readonly Moment[] = ALL ? ['before', 'during', 'after', 'killed'] : ['during', 'killed'];

type Moment = 'before' | 'during' | 'after' | 'killed';

async function stageOf(deed: Deed): Promise<TransferStage> {
  const stage = await transferStage({ world: { transferRate: 16 * 1024 } });
  await deed.arrange?.(stage);
  return stage;
}

const act = (stage: TransferStage, { from, to, options }: Deed, signal?: AbortSignal) =>
  stage.dataMotion.transfer({ from, to }, { ...options, signal });

/** Once more, when the last request of the dead call took effect under it and nobody can tell: so the error says. */
async function actAgain(stage: TransferStage, deed: Deed): Promise<unknown> {
  const again: unknown = await act(stage, deed).catch((caught: unknown) => caught);
  if (!(again instanceof OntapError) || again.code !== 'ONTAP_OUTCOME_UNKNOWN') return again;
  return act(stage, deed).catch((caught: unknown) => caught);
}

/** Everything of a world that a transfer may touch, in the order of names. */
async function contents({ stage }: TransferStage): Promise<object> {
  await stage.wait(5 * MINUTE);
  const found: Record<string, unknown> = {};
  for (const cluster of stage.world.clusters) {
    const volumes = await stage.read(
      cluster,
      '/storage/volumes?is_svm_root=false&fields=svm.name,type,nas.path,aggregates',
    );
    for (const { name, svm, type, nas, aggregates } of volumes) {
      const volume = cluster.volume(svm.name, name);
      const digest = volume.digest();
      found[`${svm.name}:${name}`] = {
        type,
        digest,
        path: nas?.path,
        on: aggregates.map((one: { name: string }) => one.name),
      };
    }
    for (const kind of ['luns', 'namespaces']) {
      const units = await stage.read(cluster, `/storage/${kind}?fields=svm.name`);
      found[`${cluster.name} ${kind}`] = units.map(({ name, svm }) => `${svm.name} ${name}`).toSorted();
    }
    found[`${cluster.name} mirrors`] = (await stage.read(cluster, '/snapmirror/relationships')).length;
  }
  return found;
}

/** A digest of the bytes of an end; undefined when it is not there. */
function bytesAt(stage: TransferStage, end: string): string | undefined {
  if (end.includes('/')) return stage.hash(end);
  try {
    return stage.volume(end).digest();
  } catch {
    return undefined;
  }
}

async function undisturbed(deed: Deed) {
  await using stage = await stageOf(deed);
  const requests: string[] = [];
  const arranged = stage.stage.changes.length;
  const whole = bytesAt(stage, deed.from);
  stage.stage.intercept = (request, send) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    return send(request);
  };
  const result = await act(stage, deed);
  expect(result).toMatchObject({ strategy: deed.strategy });
  const firstChange = requests.findIndex((request) => !request.startsWith('GET'));
  return { requests, whole, arranged, firstChange, remains: await contents(stage) };
}

async function cutOff(deed: Deed, at: number, moment: Moment): Promise<{ stage: TransferStage; error: unknown }> {
  const stage = await stageOf(deed);
  const caller = new AbortController();
  let count = 0;
  let dead = false;
  stage.stage.intercept = async (request, send) => {
    if (dead) throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
    if (count++ !== at) return send(request);
    if (moment === 'before') {
      caller.abort();
      throw request.signal.reason;
    }
    const answered = send(request);
    if (moment === 'during') caller.abort();
    const response = await answered;
    if (moment === 'killed') {
      // Nothing of this process is heard of again: its last request had its effect, and nobody cleans up.
      dead = true;
      caller.abort();
      throw request.signal.reason;
    }
    caller.abort();
    return response;
  };
  const error: unknown = await act(stage, deed, caller.signal).catch((caught: unknown) => caught);
  stage.stage.intercept = (request, send) => send(request);
  return { stage, error };
}

/** Looks at every change of a call whether what bears the destination's name is whole, and whether the source is there or was moved. */
function watching(stage: TransferStage, deed: Deed, whole: string | undefined): readonly string[] {
  const harm: string[] = [];
  stage.stage.intercept = async (request, send) => {
    const response = await send(request);
    if (request.method === 'GET') return response;
    for (const end of [deed.from, deed.to]) {
      const bytes = bytesAt(stage, end);
      if (bytes !== undefined && bytes !== whole)
        harm.push(`${end} is not whole after ${request.method} ${request.url}`);
    }
    return response;
  };
  return harm;
}

describe.each(DEEDS)('$strategy from $from to $to $options', (deed) => {
  it('finishes or says that it is done, wherever an earlier call was cut off', async () => {
    const goal = await undisturbed(deed);
    const cuts = goal.requests.flatMap((request, at) => {
      if (request.startsWith('GET') && at % EVERY_READ !== 0) return [];
      const moments: readonly Moment[] = request.startsWith('GET') ? ['during'] : MOMENTS;
      return moments.map((moment) => ({ request, at, moment }));
    });
    for (const { request, at, moment } of cuts) {
      const { stage, error } = await cutOff(deed, at, moment);
      await using _ = stage;
      const where = `${deed.strategy}, ${moment} request ${at + 1}: ${request}`;
      if (at < goal.requests.length - 1) expect(error, where).toBeInstanceOf(InterruptedError);
      expect(stage.stage.underWay, where).toEqual({ sleeps: 0, requests: 0 });
      if (at < goal.firstChange) {
        // What is under way under a name of its own may be removed; nothing else is touched.
        const changes = stage.stage.changes.filter(({ path }) => !path.includes('datamotion'));
        expect(changes, where).toHaveLength(goal.arranged);
        continue;
      }
      const seen = watching(stage, deed, goal.whole);
      const again = await actAgain(stage, deed);
      expect(seen, where).toEqual([]);
      // Clones and copies that are there as a whole bear no mark of whose they are.
      if (again instanceof Error)
        expect(again, `${where}: ${again.message}`).toMatchObject({ code: 'TRANSFER_DESTINATION_EXISTS' });
      expect(await contents(stage), where).toEqual(goal.remains);
    }
  }, 60_000);
});
