/** What ONTAP limits and refuses: fifty copies at once, busy LUNs, strategies that fail; and what a transfer makes of it. */
import { describe, expect, it } from 'vitest';
import { COPIES_AT_ONCE } from '../../../src/core/transfer/plan.ts';
import { failure, type Interceptor, SECOND } from '../../scenarios/harness.ts';
import { MIB, type TransferStage, transferStage } from './transfer-stage.ts';

const methodAndPath = (request: Request) => `${request.method} ${new URL(request.url).pathname.replace('/api', '')}`;

function refusing(what: string, answer: { status: number; code: string; message: string }, times = 1e9): Interceptor {
  let left = times;
  return async (request, send) => {
    if (!methodAndPath(request).startsWith(what) || left-- <= 0) return send(request);
    const { status, code, message } = answer;
    return new Response(JSON.stringify({ error: { code, message } }), {
      status,
      headers: { 'content-type': 'application/json' },
    });
  };
}

/** LUNs under way by somebody else. */
async function occupied(stage: TransferStage, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const body = { 'svm.name': 'svm1', name: `/vol/near/theirs${i}`, 'copy.source.name': '/vol/vol1/lun' };
    await stage.stage.raw(stage.east, 'POST', '/storage/luns', body);
  }
}

describe('fifty copies and moves at once', () => {
  it('are never exceeded: the others wait for their turn, and all of them get there', async () => {
    await using stage = await transferStage({ world: { transferRate: MIB / 10 } });
    const names = Array.from({ length: COPIES_AT_ONCE + 20 }, (_, i) => `f${i}`);
    for (const name of names) stage.source.write(`/many/${name}`, 0, stage.bytes.subarray(0, 100));
    let refused = 0;
    stage.stage.intercept = async (request, send) => {
      const response = await send(request);
      if ((await response.clone().text()).includes('7018877')) refused++;
      return response;
    };
    const done = await Promise.all(names.map((name) => stage.transfer(`east:vol1/many/${name}`, `east:near/${name}`)));
    expect(new Set(done.map(({ strategy }) => strategy))).toEqual(new Set(['file-copy']));
    expect(refused).toBe(0);
    expect(stage.volume('east:near').files()).toHaveLength(names.length);
  });

  it('of others make a copy wait, not fail', async () => {
    await using stage = await transferStage({ world: { transferRate: 64 * 1024 } });
    await occupied(stage, COPIES_AT_ONCE);
    const plan = await stage.dataMotion.planTransfer('east:vol1/dir/file', 'east:near/new');
    expect(plan.strategies[0]).toMatchObject({ strategy: 'file-copy', queued: true });
    const steps: string[] = [];
    const result = await stage.dataMotion.transfer(
      { from: 'east:vol1/dir/file', to: 'east:near/new' },
      { onProgress: ({ step }) => steps.push(step) },
    );
    expect(result).toMatchObject({ strategy: 'file-copy', failed: [] });
    expect(steps).toContain('wait: the cluster runs all the copies that it may');
    expect(stage.read('east:near/new')).toEqual(stage.bytes);
  });

  it('let a call that waits go at once when it is aborted', async () => {
    await using stage = await transferStage();
    await occupied(stage, COPIES_AT_ONCE);
    const caller = new AbortController();
    const call = stage.dataMotion.transfer(
      { from: 'east:vol1/lun', to: 'east:near/new' },
      { signal: caller.signal, onProgress: ({ step }) => step.startsWith('wait') && caller.abort() },
    );
    expect(await failure(() => call)).toMatchObject({ code: 'ABORTED' });
    expect(stage.stage.underWay).toEqual({ sleeps: 0, requests: 0 });
    expect(stage.parts('east:near')).toEqual([]);
  });
});

describe('a LUN that ONTAP calls busy', () => {
  const BUSY = { status: 500, code: '13565952', message: 'Clone start failed. Device busy' };

  it('is cloned as soon as it is not, asked every 3 seconds', async () => {
    await using stage = await transferStage();
    stage.stage.intercept = refusing('POST /storage/luns', BUSY, 4);
    const startedAt = stage.stage.clock.now();
    expect(await stage.transfer('east:vol1/lun', 'east:vol1/new')).toMatchObject({ strategy: 'lun-clone' });
    const tookMs = stage.stage.clock.now() - startedAt;
    expect(tookMs).toBeGreaterThanOrEqual(12 * SECOND);
    expect(tookMs).toBeLessThan(15 * SECOND);
  });

  it('is given up after 30 seconds, or as the configuration says', async () => {
    for (const [east, least, most] of [
      [{}, 27, 31],
      [{ lunCloneBusy: { timeoutSeconds: 4, intervalSeconds: 1 } }, 3, 5],
    ] as const) {
      await using stage = await transferStage({ east });
      stage.stage.intercept = refusing('POST /storage/luns', BUSY);
      const startedAt = stage.stage.clock.now();
      const error = await failure(() => stage.transfer('east:vol1/lun', 'east:vol1/new'));
      expect(error).toMatchObject({ ontapCode: '13565952' });
      const seconds = (stage.stage.clock.now() - startedAt) / SECOND;
      expect(seconds).toBeGreaterThanOrEqual(least);
      expect(seconds).toBeLessThanOrEqual(most);
    }
  });
});

describe('a strategy that fails before anything was published', () => {
  it('makes way for the next one, and is named in the result', async () => {
    await using stage = await transferStage();
    stage.stage.intercept = refusing('POST /storage/file/clone', { status: 400, code: '917812', message: 'no clones' });
    const result = await stage.transfer('east:vol1/dir/file', 'east:vol1/new');
    expect(result).toMatchObject({
      strategy: 'host-stream',
      failed: [{ strategy: 'file-clone', error: { ontapCode: '917812' } }],
    });
    expect(stage.read('east:vol1/new')).toEqual(stage.bytes);
  });

  it('makes way also when its job fails in ONTAP, and leaves nothing', async () => {
    await using stage = await transferStage();
    stage.east.addFault({ kind: 'transfer-fails', method: 'POST', path: '/storage/file/copy', message: 'no luck' });
    const result = await stage.transfer('east:vol1/dir/file', 'east:near/new');
    expect(result).toMatchObject({ strategy: 'host-stream', failed: [{ strategy: 'file-copy' }] });
    expect([stage.read('east:near/new'), stage.parts('east:near')]).toEqual([stage.bytes, []]);
  });

  it('of a move of a LUN makes way for a copy', async () => {
    await using stage = await transferStage();
    stage.stage.intercept = refusing('PATCH /storage/luns', { status: 400, code: '5374922', message: 'not now' }, 1);
    const before = stage.hash('east:vol1/lun');
    const result = await stage.transfer('east:vol1/lun', 'east:near/new', { move: true });
    expect(result).toMatchObject({ strategy: 'lun-copy', failed: [{ strategy: 'lun-move' }] });
    expect([stage.hash('east:near/new'), stage.hash('east:vol1/lun')]).toEqual([before, undefined]);
  });

  it('that was the only one is the error', async () => {
    await using stage = await transferStage();
    stage.stage.intercept = refusing('POST /storage/luns', { status: 400, code: '5374922', message: 'not now' });
    const error = await failure(() => stage.transfer('east:vol1/lun', 'east:vol1/new'));
    expect(error).toMatchObject({ code: 'ONTAP_REJECTED', ontapCode: '5374922' });
  });
});

describe('what a transfer will not do', () => {
  it('write over what is there', async () => {
    await using stage = await transferStage();
    stage.volume('east:near').write('/new', 0, new Uint8Array(10));
    for (const to of ['east:near/new', 'east:vol1/lun']) {
      const error = await failure(() => stage.transfer('east:vol1/dir/file', to));
      expect(error).toMatchObject({ code: 'TRANSFER_DESTINATION_EXISTS' });
    }
    expect(stage.read('east:near/new')).toEqual(new Uint8Array(10));
  });

  it('delete a source that was written to while it was copied', async () => {
    await using stage = await transferStage();
    const written = new Uint8Array(5).fill(9);
    stage.stage.intercept = async (request, send) => {
      const response = await send(request);
      if (methodAndPath(request) === 'POST /storage/file/copy') {
        await stage.stage.wait(2 * SECOND);
        stage.source.write('/dir/file', 0, written);
      }
      return response;
    };
    const error = await failure(() => stage.transfer('east:vol1/dir/file', 'east:near/new', { move: true }));
    expect(error).toMatchObject({ code: 'TRANSFER_SOURCE_CHANGED' });
    expect(stage.source.read('/dir/file', 0, 5)).toEqual(written);
    expect(stage.volume('east:near').files()).toEqual([]);
  });

  it('promise checksums that nobody can read', async () => {
    await using stage = await transferStage();
    const error = await failure(() => stage.transfer('east:vol1/lun', 'east:near/new', { checksum: true }));
    expect(error).toMatchObject({ code: 'TRANSFER_CHECKSUM_IMPOSSIBLE' });
    expect(stage.volume('east:near').files()).toEqual([]);
  });

  it('present what differs from the source as whole', async () => {
    await using stage = await transferStage();
    stage.stage.intercept = async (request, send) => {
      const response = await send(request);
      const isPart = request.url.includes('datamotion') && request.headers.get('accept')?.startsWith('multipart');
      if (!isPart) return response;
      const body = new Uint8Array(await response.arrayBuffer());
      const at = Math.floor(body.length / 2);
      body[at] = (body[at] ?? 0) ^ 1;
      return new Response(body, response);
    };
    const error = await failure(() => stage.transfer('east:vol1/dir/file', 'west:far/new', { checksum: true }));
    expect(error).toMatchObject({ code: 'TRANSFER_VERIFICATION_FAILED' });
    expect(stage.read('west:far/new')).toBeUndefined();
  });
});
