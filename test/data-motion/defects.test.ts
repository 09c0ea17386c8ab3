/** What the Python that this is a port of gets wrong (rest-facts section 7), by its number, and right here. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { OntapError } from '../../src/errors.ts';
import { createDataMotion, readConfiguration } from '../../src/index.ts';
import { type SimulatedCluster, SimulatedOntap } from '../../src/testing/index.ts';
import { failure, HOUR, MIB, nativeConfiguration, SECOND, Stage } from '../scenarios/harness.ts';

describe('defect 1: a lag of a day and more', () => {
  it.each([23, 25, 36, 24 * 9 + 7])('of %i hours is read, and the other mirrors with it', async (hours) => {
    await using stage = await Stage.open();
    await stage.mirrored();
    stage.east.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
    const other = { source: { backend: 'east', volume: 'vol2' }, destination: { backend: 'west' } };
    await stage.dataMotion.createSnapmirror(other, { waitForBaseline: true });
    const { uuid } = await stage.record();
    await stage.raw(stage.west, 'PATCH', `/snapmirror/relationships/${uuid}`, { transfer_schedule: { name: null } });
    await stage.wait(hours * HOUR);
    if (hours >= 24) expect((await stage.record()).lag_time).toMatch(/^P\d+DT/);
    const mirrors = await stage.dataMotion.getSnapmirrors({ source: 'east', target: 'west' });
    expect(mirrors).toHaveLength(2);
    const lagging = mirrors.find(({ source }) => source.volume === 'vol1');
    expect(lagging?.protection).toBe('protected');
    expect((lagging?.lagSeconds ?? 0) / 3600).toBeCloseTo(hours, 0);
    expect((await stage.dataMotion.breakSnapmirror(stage.pair)).lagSeconds).toBeGreaterThan(hours * 3600 - 60);
  });
});

describe('defect 2: break goes by the state of the mirror, not by the result of its last transfer', () => {
  const LAST: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
    failed: async (stage) => {
      await stage.mirrored();
      stage.write(stage.source);
      stage.west.addFault({ kind: 'transfer-fails', method: 'POST', path: '*/transfers' });
      await failure(() => stage.dataMotion.updateSnapmirror(stage.pair, { wait: true }));
    },
    aborted: async (stage) => {
      await stage.transferring(true);
      await stage.dataMotion.quiesceThenAbort(stage.pair, { quiesceTimeoutMs: 0 });
    },
    hard_aborted: async (stage) => {
      await stage.transferring(true);
      const { uuid, transfer } = await stage.record();
      const path = `/snapmirror/relationships/${uuid}/transfers/${transfer.uuid}`;
      await stage.raw(stage.west, 'PATCH', path, { state: 'hard_aborted' });
    },
    // Taken over from a broken relationship the other way round, it mirrors without any transfer of its own.
    none: async (stage) => {
      await stage.mirrored();
      stage.intercept = async (request, send) => {
        const response = await send(request);
        if (request.method !== 'GET' || !request.url.includes('/snapmirror/relationships?')) return response;
        const { records, ...rest } = (await response.json()) as { records: { transfer?: object }[] };
        return Response.json({ ...rest, records: records.map(({ transfer, ...record }) => record) });
      };
    },
  };

  it.each(Object.keys(LAST))('%s', async (last) => {
    await using stage = await Stage.open();
    await LAST[last]?.(stage);
    const replicated = stage.copy.digest();
    if (last !== 'none') expect((await stage.record()).transfer.state).toBe(last);
    const startedAt = stage.clock.now();
    const broken = await stage.dataMotion.breakSnapmirror(stage.pair);
    expect(broken).toMatchObject({ relationship: { state: 'broken_off' }, mount: { mounted: true } });
    expect(stage.clock.now() - startedAt).toBeLessThan(30 * SECOND);
    expect(stage.copy.type).toBe('rw');
    expect(stage.copy.digest()).toBe(replicated);
  });
});

describe('defect 3: a quiesce waits as long as its own timeout says, and then aborts', () => {
  it.each([
    ['ends-at-once', 600_000],
    ['waits-for-drain', 600_000],
    ['waits-for-drain', HOUR * 2],
  ] as const)('with a pause job that %s, or gives up after %i ms', async (pauseJob, quiesceTimeoutMs) => {
    await using stage = await Stage.open({
      world: { switches: { pauseJob, quiesceTimeoutMs } },
      east: { quiesceTimeoutSeconds: 300 },
    });
    await stage.transferring(true);
    const startedAt = stage.clock.now();
    const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair);
    expect(quiesced.actions).toEqual(['pause', 'abort-transfers']);
    expect(quiesced.relationship).toMatchObject({ state: 'paused', transfer: { state: 'aborted' } });
    const seconds = (stage.clock.now() - startedAt) / SECOND;
    expect(seconds).toBeGreaterThanOrEqual(300);
    expect(seconds).toBeLessThan(330);
  });

  it('and a pause job that ONTAP itself gives up on counts as such a timeout', async () => {
    await using stage = await Stage.open({
      world: { switches: { pauseJob: 'waits-for-drain', quiesceTimeoutMs: 60_000 } },
    });
    await stage.transferring(true);
    const startedAt = stage.clock.now();
    const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair);
    expect(quiesced.relationship).toMatchObject({ state: 'paused', transfer: { state: 'aborted' } });
    expect((stage.clock.now() - startedAt) / SECOND).toBeLessThan(90);
  });
});

describe('defect 4: what an operator broke off or paused stays so', () => {
  it('whatever verb but resync is called', async () => {
    await using stage = await Stage.open();
    await stage.broken();
    stage.write(stage.copy, 8);
    const written = stage.copy.digest();
    const { dataMotion, pair } = stage;
    await dataMotion.createSnapmirror(pair, { waitForBaseline: true });
    await failure(() => dataMotion.resumeSnapmirror(pair));
    await failure(() => dataMotion.updateSnapmirror(pair));
    await dataMotion.quiesceThenAbort(pair);
    await dataMotion.breakSnapmirror(pair);
    await stage.wait(3 * HOUR);
    expect(stage.copy.digest()).toBe(written);
  });
});

describe('defect 10: the destination of an encrypted source', () => {
  it('is made, and encrypted', async () => {
    await using stage = await Stage.open();
    stage.east.createVolume({ svm: 'svm1', name: 'secret', sizeBytes: 100 * MIB, encrypted: true });
    const pair = { source: { backend: 'east', volume: 'secret' }, destination: { backend: 'west' } };
    await stage.dataMotion.createSnapmirror(pair, { waitForBaseline: true });
    expect(stage.west.volume('svm1_dr', 'secret').encrypted).toBe(true);
    await stage.mirrored();
    expect(stage.copy.encrypted).toBe(false);
  });
});

describe('defect 18: what is gone already is no error of a delete', () => {
  it('when the relationship goes between the look and the request', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const { uuid } = await stage.record();
    let others = 0;
    stage.intercept = async (request, send) => {
      if (request.method === 'DELETE' && others++ === 0) {
        await stage.raw(stage.west, 'DELETE', `/snapmirror/relationships/${uuid}`);
      }
      return send(request);
    };
    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(others).toBe(1);
    expect(deleted.release.state).toBe('nothing-to-release');
    expect(await stage.remains()).toMatchObject({ relationships: [] });
  });

  it('nor when the half of the source goes between the look and the request', async () => {
    await using stage = await Stage.open();
    await stage.mirrored();
    const { uuid } = await stage.record();
    let releases = 0;
    stage.intercept = async (request, send) => {
      if (request.url.includes('source_only=true') && releases++ === 0) {
        await stage.raw(stage.east, 'DELETE', `/snapmirror/relationships/${uuid}?source_only=true`);
      }
      return send(request);
    };
    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(releases).toBe(1);
    expect(deleted.release.state).toBe('released');
    expect(stage.source.snapshots()).toEqual([]);
  });

  it('nor when the transfer does that was to be aborted first', async () => {
    await using stage = await Stage.open();
    await stage.transferring(true);
    const { uuid, transfer } = await stage.record();
    const path = `/snapmirror/relationships/${uuid}/transfers/${transfer.uuid}`;
    let aborts = 0;
    stage.intercept = async (request, send) => {
      if (request.method === 'PATCH' && aborts++ === 0)
        await stage.raw(stage.west, 'PATCH', path, { state: 'aborted' });
      return send(request);
    };
    const deleted = await stage.dataMotion.deleteSnapmirror(stage.pair);
    expect(aborts).toBeGreaterThan(0);
    expect(deleted).toMatchObject({ release: { state: 'released' } });
  });
});

describe('defect 19: the abort after a quiesce', () => {
  it('with nothing left to abort is no error', async () => {
    await using stage = await Stage.open();
    await stage.transferring();
    stage.intercept = async (request, send) => {
      // The transfer ends between the timeout and the abort.
      if (request.url.includes('/transfers?')) await stage.wait(20 * SECOND);
      return send(request);
    };
    const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair, { quiesceTimeoutMs: 0 });
    expect(quiesced.relationship).toMatchObject({ state: 'paused', transfer: { state: 'success' } });
  });

  it('reaches a transfer that is queued, which only the relationship shows', async () => {
    await using stage = await Stage.open();
    await stage.transferring(true);
    stage.intercept = async (request, send) => {
      const response = await send(request);
      if (request.method !== 'GET') return response;
      const body = (await response.json()) as { records?: { state: string; transfer?: { state: string } }[] };
      if (request.url.includes('/transfers?')) return Response.json({ records: [], num_records: 0 });
      if (!request.url.includes('/snapmirror/relationships?')) return Response.json(body);
      const queued = (record: { transfer?: { state: string } }) =>
        record.transfer?.state === 'transferring'
          ? { ...record, transfer: { ...record.transfer, state: 'queued' } }
          : record;
      return Response.json({ ...body, records: body.records?.map(queued) });
    };
    const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair, { quiesceTimeoutMs: 0 });
    expect(quiesced).toMatchObject({ actions: ['pause', 'abort-transfers'], relationship: { state: 'paused' } });
  });

  it.each([0, 1, 4999])('with a timeout of %i ms comes after that long', async (quiesceTimeoutMs) => {
    await using stage = await Stage.open();
    await stage.transferring(true);
    const startedAt = stage.clock.now();
    await stage.dataMotion.quiesceThenAbort(stage.pair, { quiesceTimeoutMs });
    expect(stage.clock.now() - startedAt).toBeLessThan(quiesceTimeoutMs + 15 * SECOND);
    expect((await stage.record()).transfer.state).toBe('aborted');
  });
});

describe('defect 20: reading the aggregate map', () => {
  it('takes nothing out of the configuration: the second volume is placed as the first', async () => {
    await using stage = await Stage.open();
    const before = readConfiguration(nativeConfiguration(stage.world));
    // A copy, because what was read is frozen.
    const configuration = structuredClone(before);
    await using dataMotion = createDataMotion(configuration, {
      env: { clock: stage.clock },
      client: { transport: (request) => clusterAt(stage, request.url).fetch(request) },
    });
    for (const name of ['vol2', 'vol3', 'vol4']) {
      stage.east.createVolume({ svm: 'svm1', name, sizeBytes: 100 * MIB, aggregate: 'aggr2' });
      const pair = { source: { backend: 'east', volume: name }, destination: { backend: 'west' } };
      const { volume } = await dataMotion.createDestinationFlexvol(pair);
      expect(volume.aggregates).toEqual(['aggr2']);
    }
    expect(configuration).toEqual(before);
  });
});

describe('defect 22: a mirror whose policy has no schedule', () => {
  it('gets the configured one, and is updated by it', async () => {
    await using stage = await Stage.open({ east: { transferSchedule: '5min' } });
    await stage.mirrored();
    stage.write(stage.source);
    await stage.wait(6 * 60 * SECOND);
    expect(stage.copy.digest()).toBe(stage.source.digest());
  });
});

describe('defect 28: a create job that fails', () => {
  it('is reported with its code at once, not as a timeout', async () => {
    await using stage = await Stage.open();
    stage.west.addFault({
      kind: 'job-fails',
      method: 'POST',
      path: '/storage/volumes',
      code: '787140',
      message: 'no room',
    });
    const startedAt = stage.clock.now();
    const error = await failure(() => stage.dataMotion.createSnapmirror(stage.pair));
    expect(error).toMatchObject({ ontapCode: '787140', ontapMessage: 'no room', cluster: 'cluster2.sim' });
    expect(stage.clock.now() - startedAt).toBeLessThan(5 * SECOND);
  });

  it('and when it outlasts the request, as soon as it ends', async () => {
    await using stage = await Stage.open({ world: { operationMs: 40 * SECOND } });
    const failing = { kind: 'job-fails', code: '917534', message: 'no room' } as const;
    stage.west.addFault({ ...failing, method: 'POST', path: '/storage/volumes' });
    const startedAt = stage.clock.now();
    expect(await failure(() => stage.dataMotion.createSnapmirror(stage.pair))).toMatchObject({
      code: 'ONTAP_JOB_FAILED',
      ontapCode: '917534',
    });
    expect(stage.clock.now() - startedAt).toBeLessThan(90 * SECOND);
  });
});

describe('defect 35: jobs that fail', () => {
  it.each(['new', 'old'] as const)(
    'in the %s shape of their record, after the request, are an error with the code',
    async (jobFailureShape) => {
      await using stage = await Stage.open({ world: { operationMs: 35 * SECOND, switches: { jobFailureShape } } });
      await stage.mirrored();
      const code = '6691999';
      stage.west.addFault({
        kind: 'job-fails',
        method: 'PATCH',
        path: '/snapmirror/relationships/*',
        code,
        message: 'no',
      });
      const startedAt = stage.clock.now();
      const error = await failure(() => stage.dataMotion.quiesceThenAbort(stage.pair));
      expect(error).toMatchObject({ code: 'ONTAP_JOB_FAILED', ontapCode: code, ontapMessage: 'no', retryable: false });
      expect(stage.clock.now() - startedAt).toBeLessThan(60 * SECOND);
    },
  );

  it.each(['new', 'old'] as const)(
    'and one that failed for a passing reason, in the %s shape, is done again',
    async (jobFailureShape) => {
      await using stage = await Stage.open({ world: { operationMs: 35 * SECOND, switches: { jobFailureShape } } });
      await stage.mirrored();
      const message = 'Transition to paused state failed. Reason:Another transfer is in progress';
      stage.west.addFault({
        kind: 'job-fails',
        method: 'PATCH',
        path: '/snapmirror/relationships/*',
        code: '13303809',
        message,
      });
      const quiesced = await stage.dataMotion.quiesceThenAbort(stage.pair);
      expect(quiesced).toMatchObject({ actions: ['pause', 'pause'], relationship: { state: 'paused' } });
    },
  );
});

describe('defect 37: answers and names as they come', () => {
  it('the HTTP status counts: an answer that is not ONTAP is a typed error, not a crash', async () => {
    for (const [status, body, code] of [
      [502, '<html>Bad Gateway</html>', 'ONTAP_UNREACHABLE'],
      [200, '<html>Log in</html>', 'ONTAP_BAD_RESPONSE'],
      [403, '', 'ONTAP_DENIED'],
      [503, 'busy', 'ONTAP_BUSY'],
    ] as const) {
      await using stage = await Stage.open();
      await stage.mirrored();
      stage.intercept = async () => new Response(body, { status });
      const error = await failure(() => stage.dataMotion.breakSnapmirror(stage.pair));
      expect(error).toBeInstanceOf(OntapError);
      expect(error, `${status}`).toMatchObject({ code, status, cluster: 'cluster2.sim', remedy: expect.any(String) });
    }
  });

  it.each(['a&b=c', 'a#b', 'a+b', 'a b', 'a%2Fb', 'a|b', 'ä*', '!a', '"a"', '{a}', '..', 'null', '>1'])(
    'a volume called %s is asked for by just that name',
    async (volume) => {
      await using stage = await Stage.open();
      stage.east.createVolume({ svm: 'svm1', name: 'ax', sizeBytes: 100 * MIB });
      stage.east.createVolume({ svm: 'svm1', name: volume, sizeBytes: 50 * MIB });
      const destination = { backend: 'west', volume: 'made' };
      const { volume: made } = await stage.dataMotion.createDestinationFlexvol({
        source: { backend: 'east', volume },
        destination,
      });
      expect(made.sizeBytes).toBe(50 * MIB);
      for (const near of [`${volume}x`, volume.slice(1), 'a*', '*']) {
        const error = await failure(() =>
          stage.dataMotion.createSnapmirror({ source: { backend: 'east', volume: near }, destination }),
        );
        expect(error, near).toMatchObject({ code: 'MIRROR_VOLUME_NOT_FOUND' });
      }
    },
  );

  it('nothing is tunnelled, so no header can be empty', async () => {
    await using stage = await Stage.open();
    const headers: string[] = [];
    stage.intercept = async (request, send) => {
      headers.push(...[...request.headers.keys()].filter((name) => name.startsWith('x-dot-')));
      return send(request);
    };
    await stage.mirrored();
    expect(headers).toEqual([]);
  });

  it('one connection pool serves a cluster, whatever SVM is asked for: its connections are used again', async () => {
    const world = new SimulatedOntap();
    await using _ = { [Symbol.asyncDispose]: () => world.close() };
    await world.listen();
    await using cluster1 = await countingProxy(world.cluster('cluster1').url);
    await using cluster2 = await countingProxy(world.cluster('cluster2').url);
    const { backends } = nativeConfiguration(world, { east: { port: cluster1.port }, west: { port: cluster2.port } });
    const south = { ...backends.east, svm: 'svm2' };
    await using dataMotion = createDataMotion(readConfiguration({ version: 1, backends: { ...backends, south } }));
    for (let round = 0; round < 20; round++) {
      for (const source of ['east', 'south', 'west']) await dataMotion.getPools(source);
    }
    const asked = (name: string) => world.requests.filter(({ cluster }) => cluster === name).length;
    expect(asked('cluster1')).toBeGreaterThanOrEqual(40);
    expect(asked('cluster2')).toBeGreaterThanOrEqual(20);
    // No call has more than two requests under way at once.
    for (const { connections } of [cluster1, cluster2]) expect(connections).toBeLessThanOrEqual(2);
  });
});

/** The cluster that an in-process request is for. */
function clusterAt(stage: Stage, url: string): SimulatedCluster {
  return stage.world.cluster(new URL(url).hostname.replace(/\.sim$/, ''));
}

/** A port in front of a cluster's own that counts the connections it accepts. */
async function countingProxy(
  url: string,
): Promise<AsyncDisposable & { readonly port: number; readonly connections: number }> {
  const { hostname, port } = new URL(url);
  let connections = 0;
  const server = createServer((client) => {
    connections++;
    const cluster = connect(Number(port), hostname);
    for (const [from, to] of [[client, cluster] as const, [cluster, client] as const]) {
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
