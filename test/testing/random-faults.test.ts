import { describe, expect, it } from 'vitest';
import { type Fault, RANDOM_FAULT_KINDS, RandomFaults, SimulatedOntap, VirtualClock } from '../../src/testing/index.ts';
import { call, MIB, Scene } from './raw-client.ts';

const HOUR = 3_600_000;

/** What 200 requests meet: the status of each, or how the connection ended. */
async function asked(world: SimulatedOntap): Promise<string[]> {
  const seen: string[] = [];
  for (let i = 0; i < 200; i++) {
    const cluster = world.clusters[i % 2];
    if (!cluster) continue;
    const path = i % 3 === 0 ? '/cluster' : '/storage/volumes';
    const answer = call(cluster, 'GET', `${path}?fields=name`).then(
      ({ status }) => String(status),
      (error: Error) => (error.cause instanceof Error ? error.cause.message : error.message),
    );
    seen.push(await answer);
  }
  return seen;
}

const freshWorld = () => new SimulatedOntap({ clock: new VirtualClock({ autoAdvance: true }) });
const RATES = { http: 0.1, reset: 0.05, truncated: 0.05, refuse: 0.05, 'answer-lost': 0.05 };

describe('faults by seed', () => {
  it('are the same for the same seed and requests, and others for another seed', async () => {
    const [one, same, other] = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const world = freshWorld();
        world.drawFaults({ rates: RATES, seed });
        return asked(world);
      }),
    );
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
    expect(one?.filter((seen) => seen !== '200').length).toBeGreaterThan(30);
  });

  it('can be played again as a script: the log is one', async () => {
    const world = freshWorld();
    const drawn = world.drawFaults({ rates: RATES, seed: 5 });
    const before = await asked(world);
    const again = freshWorld();
    for (const { cluster, fault } of drawn?.log ?? []) again.cluster(cluster).addFault(fault);
    expect(await asked(again)).toEqual(before);
    expect(again.clusters.flatMap(({ faults }) => faults)).toEqual([]);
  });

  it('do not depend on what other clusters are asked', async () => {
    const draws = (noise: number) => {
      const faults = new RandomFaults({ rates: RATES, seed: 3 });
      return Array.from({ length: 100 }, () => {
        for (let i = 0; i < noise; i++) faults.draw('other', 'GET', '/cluster');
        return faults.draw('one', 'GET', '/cluster');
      });
    };
    expect(draws(3)).toEqual(draws(0));
  });

  it('end with their budget', async () => {
    const world = freshWorld();
    const drawn = world.drawFaults({ rates: { http: 1 }, budget: 7 });
    expect((await asked(world)).filter((status) => status !== '200')).toHaveLength(7);
    expect(drawn?.log).toHaveLength(7);
  });

  it('meet each request at the given rate, and every kind can be drawn', () => {
    for (const kind of RANDOM_FAULT_KINDS) {
      const faults = new RandomFaults({ rates: { [kind]: 0.25 } });
      const drawn: Fault[] = [];
      for (let i = 0; i < 4000; i++) {
        const reads = kind === 'stale-read';
        const path = `/snapmirror/relationships/u${kind.startsWith('transfer') ? '/transfers' : ''}`;
        const fault = faults.draw('c', reads ? 'GET' : 'POST', path);
        if (fault) drawn.push(fault);
      }
      expect(drawn.every((fault) => fault.kind === kind)).toBe(true);
      expect(drawn.length, kind).toBeGreaterThan(900);
      expect(drawn.length, kind).toBeLessThan(1100);
    }
  });

  it('refuse a rate that is no probability, and a kind that there is not', () => {
    expect(() => new RandomFaults({ rates: { http: 1.5 } })).toThrow('the rate of http is 1.5; it must be from 0 to 1');
    expect(() => new RandomFaults({ rates: { htp: 0.5 } as object })).toThrow('no kind of fault is called htp');
  });

  it('go on in a world that was saved as they would have', async () => {
    const world = freshWorld();
    world.drawFaults({ rates: RATES, seed: 9 });
    await asked(world);
    const loaded = SimulatedOntap.load(world.save(), { clock: new VirtualClock({ autoAdvance: true }) });
    expect(await asked(loaded)).toEqual(await asked(world));
    expect(loaded.randomFaults?.log).toEqual(world.randomFaults?.log);
  });
});

describe('faults of time', () => {
  it('cluster-gone: the source is gone for 36 hours, comes back by itself, and the lag tells', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ schedule: 'hourly' });
    scene.source.addFault({ kind: 'cluster-gone', ms: 36 * HOUR });
    await expect(call(scene.source, 'GET', '/cluster')).rejects.toThrow('fetch failed');
    expect(scene.source.alive).toBe(false);
    await scene.clock.sleep(35.9 * HOUR);
    await expect(call(scene.source, 'GET', '/cluster')).rejects.toThrow('fetch failed');
    const record = await scene.relationship(uuid);
    expect([record.healthy, record.lag_time]).toEqual([false, expect.stringMatching(/^P1DT11H5\dM/)]);
    await scene.clock.sleep(0.2 * HOUR);
    expect((await call(scene.source, 'GET', '/cluster')).status).toBe(200);
    await scene.clock.sleep(2 * HOUR);
    expect(await scene.relationship(uuid)).toMatchObject({ healthy: true, lag_time: expect.stringMatching(/^PT\d+M/) });
  });

  it('cluster-gone behind a port: it closes, and opens again by itself', async () => {
    const world = freshWorld();
    await world.listen();
    const { url } = world.cluster('cluster1');
    world.cluster('cluster1').goneFor(HOUR);
    await expect(fetch(`${url}/api/cluster`)).rejects.toThrow();
    await world.clock.sleep(HOUR + 1);
    expect((await fetch(`${url}/api/cluster`)).status).toBe(401);
    await world.close();
  });

  it('clock-jump: the time of the clusters jumps, and what is under way takes as long as it would have', async () => {
    const scene = new Scene({ transferRate: 100 });
    const uuid = await scene.mirrored();
    scene.volume.write('/data/one', 0, new Uint8Array(5000).fill(2));
    await scene.ok(scene.destination, 'POST', `/snapmirror/relationships/${uuid}/transfers`, {});
    const before = scene.clock.now();
    scene.source.addFault({ kind: 'clock-jump', ms: 24 * HOUR });
    await call(scene.source, 'GET', '/cluster');
    expect(scene.world.now - scene.clock.now()).toBe(24 * HOUR);
    expect((await scene.relationship(uuid)).transfer.state).toBe('transferring');
    expect((await scene.relationship(uuid)).lag_time).toMatch(/^P1D/);
    await scene.drained(uuid);
    expect(scene.clock.now() - before).toBeGreaterThan(30_000);
    scene.world.jumpClock(-48 * HOUR);
    expect(await scene.relationship(uuid)).toMatchObject({ healthy: true, lag_time: 'PT0S' });
  });

  it('stale-read: transfers show as they were too, with their bytes and the snapshot of then', async () => {
    const scene = new Scene({ transferRate: MIB });
    const uuid = await scene.mirrored();
    scene.volume.write('/data/big', 0, new Uint8Array(8 * MIB).fill(3));
    const before = await scene.relationship(uuid);
    await scene.clock.sleep(20_000);
    await scene.ok(scene.destination, 'POST', `/snapmirror/relationships/${uuid}/transfers`, {});
    await scene.clock.sleep(4000);
    const during = await scene.relationship(uuid);
    await scene.clock.sleep(16_000);
    const stale = async (ms: number) => {
      scene.destination.addFault({ kind: 'stale-read', ms });
      return scene.relationship(uuid);
    };
    expect(await stale(16_000)).toEqual(during);
    expect(during.transfer).toMatchObject({ state: 'transferring', bytes_transferred: 4 * MIB });
    expect(await stale(40_000)).toMatchObject({
      exported_snapshot: before.exported_snapshot,
      transfer: before.transfer,
      total_transfer_bytes: before.total_transfer_bytes,
    });
    expect((await scene.relationship(uuid)).exported_snapshot).not.toBe(before.exported_snapshot);
  });

  it('transfer-aborted: somebody aborts the transfer half-way, and the next one goes on from there', async () => {
    const scene = new Scene({ transferRate: MIB });
    const uuid = await scene.mirrored();
    scene.volume.write('/data/big', 0, new Uint8Array(8 * MIB).fill(3));
    scene.destination.addFault({ kind: 'transfer-aborted', path: '*/transfers' });
    await scene.update(uuid);
    expect((await scene.relationship(uuid)).transfer.state).toBe('aborted');
    const startedAt = scene.clock.now();
    await scene.update(uuid);
    expect((await scene.relationship(uuid)).transfer.state).toBe('success');
    expect(scene.clock.now() - startedAt).toBeLessThan(6000);
    expect(scene.mirror.digest()).toBe(scene.volume.digest());
  });

  it('job-fails, late: the job runs on and fails only then', async () => {
    const scene = new Scene();
    scene.source.addFault({ kind: 'job-fails', code: '7', lateMs: 60_000, method: 'POST' });
    const startedAt = scene.clock.now();
    const body = { name: 'v', svm: { name: 'svm1' }, aggregates: [{ name: 'aggr1' }] };
    const job = await scene.jobEnd(await call(scene.source, 'POST', '/storage/volumes', { body }));
    expect(job).toMatchObject({ state: 'failure', code: 7 });
    expect(scene.clock.now() - startedAt).toBeGreaterThanOrEqual(60_000);
  });

  it('malformed, with a body of its own', async () => {
    const world = freshWorld();
    world.cluster('cluster1').addFault({ kind: 'malformed', body: '<html>Bad Gateway</html>' });
    await expect(call(world.cluster('cluster1'), 'GET', '/cluster')).rejects.toThrow(/JSON/);
    expect((await call(world.cluster('cluster1'), 'GET', '/cluster')).status).toBe(200);
  });
});
