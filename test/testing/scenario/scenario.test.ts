import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { buildScenario, parseScenario, type SimulatedOntap, VirtualClock } from '../../../src/testing/index.ts';
import { call, type Json, MIB } from '../raw-client.ts';

const START = Date.parse('2026-03-01T12:34:00Z');
const HOUR = 3_600_000;

/** Two clusters, a volume each for every relationship given. */
function scenarioOf(...relationships: readonly object[]): object {
  return {
    version: 1,
    transferRate: '1MiB',
    clock: { start: '2026-03-01T12:34:00Z' },
    clusters: [
      {
        name: 'east',
        svms: ['prod'],
        policies: [{ name: 'OwnSync', type: 'sync' }],
        volumes: relationships.map((_, i) => ({
          svm: 'prod',
          name: `vol${i}`,
          size: '200MiB',
          content: { size: '1MiB', seed: i },
        })),
      },
      { name: 'west', svms: ['dr'] },
    ],
    relationships: relationships.map((given, i) => ({
      source: `east:prod:vol${i}`,
      destination: `west:dr:vol${i}`,
      ...given,
    })),
  };
}

async function built(given: object): Promise<SimulatedOntap> {
  return buildScenario(parseScenario(given), { clock: new VirtualClock({ startAt: START }) });
}

async function mirrors(world: SimulatedOntap): Promise<Json[]> {
  const path = '/snapmirror/relationships?fields=**&order_by=destination.path';
  return (await call(world.cluster('west'), 'GET', path)).json.records;
}

const problemsOf = (given: unknown): string[] => {
  try {
    parseScenario(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ option, message }) => `${option}: ${message}`);
  }
  return [];
};

describe('a scenario', () => {
  it('begins with relationships in the states that it names', async () => {
    const world = await built(
      scenarioOf(
        { state: 'uninitialized' },
        { state: 'snapmirrored', schedule: 'hourly', lag: 'PT36H' },
        { state: 'paused', lag: 7_200_000 },
        { state: 'broken_off', destinationChanges: { size: 8192, directory: '/new' } },
        { state: 'in_sync', policy: 'Sync' },
        { state: 'snapmirrored', unhealthy: 'the line was cut' },
        { state: 'snapmirrored', changes: { size: '3MiB', seed: 99 }, transferring: true },
        { state: 'uninitialized', transferring: true },
      ),
    );
    const [plain, lagging, paused, broken, synced, ill, moving, first] = await mirrors(world);
    expect(plain).toMatchObject({ state: 'uninitialized' });
    expect(lagging).toMatchObject({ state: 'snapmirrored', lag_time: 'P1DT12H', healthy: true });
    expect(paused).toMatchObject({ state: 'paused', lag_time: 'PT2H' });
    expect(broken).toMatchObject({ state: 'broken_off', lag_time: 'PT5M' });
    expect(synced).toMatchObject({ state: 'in_sync', healthy: true });
    expect(ill).toMatchObject({
      state: 'snapmirrored',
      healthy: false,
      unhealthy_reason: [{ message: 'the line was cut' }],
    });
    expect(moving.transfer.state).toBe('transferring');
    expect(first).toMatchObject({ state: 'uninitialized', transfer: { state: 'transferring' } });
    const at = (cluster: string, svm: string, name: string) => world.cluster(cluster).volume(svm, name);
    expect(at('west', 'dr', 'vol2').digest()).toBe(at('east', 'prod', 'vol2').digest());
    expect(at('west', 'dr', 'vol3').files()).toContain('/new/file0');
    expect(world.now).toBe(START);
    expect(world.requests).toEqual(expect.arrayContaining([]));
  });

  it('goes on from there: transfers end, schedules run', async () => {
    const world = await built(
      scenarioOf(
        { state: 'snapmirrored', schedule: 'hourly', lag: 'PT36H' },
        { changes: { size: '3MiB' }, transferring: true },
      ),
    );
    await (world.clock as VirtualClock).advance(HOUR);
    expect(await mirrors(world)).toMatchObject([
      { transfer: { state: 'success' }, lag_time: expect.stringMatching(/^PT/) },
      { transfer: { state: 'success' } },
    ]);
    expect(world.cluster('west').volume('dr', 'vol1').digest()).toBe(
      world.cluster('east').volume('prod', 'vol1').digest(),
    );
  });

  it('is the same world each time: names, content, answers', async () => {
    const given = scenarioOf({ lag: 'PT1H' }, { state: 'broken_off' });
    const seen = async () => {
      const world = await built(given);
      return [await mirrors(world), world.clusters.flatMap(({ volumes }) => volumes.map((one) => one.digest()))];
    };
    expect(await seen()).toEqual(await seen());
  });

  it('sets clusters, faults, latency and what dies', async () => {
    const world = await built({
      version: 1,
      seed: 4,
      latency: 25,
      transferRate: '10MiB',
      switches: { duplicateVolume: 'direct' },
      clusters: [
        { name: 'one', version: '9.16.1', user: 'root', password: 'p', aggregates: ['a', { name: 'b', size: '2TiB' }] },
        { name: 'two', goneFor: 'PT36H' },
        { name: 'three', dead: true },
      ],
      peers: [{ from: 'one:svm1', to: 'two:svm1', applications: ['snapmirror', 'file_copy'] }],
      faults: [{ cluster: 'one', kind: 'http', status: 503, path: '/storage/*', times: 'always' }],
      randomFaults: { seed: 2, rates: { reset: 0 } },
    });
    const [one, two, three] = world.clusters;
    expect([one?.user, one?.aggregates, world.latencyMs]).toEqual(['root', ['a', 'b'], 25]);
    expect([one?.alive, two?.alive, three?.alive]).toEqual([true, false, false]);
    expect(two?.revivesInMs).toBe(36 * HOUR);
    expect(one?.faults.map(({ fault }) => fault)).toEqual([
      { kind: 'http', status: 503, path: '/storage/*', times: Number.POSITIVE_INFINITY },
    ]);
    expect(world.switches.duplicateVolume).toBe('direct');
    expect(world.aliasOf({ cluster: 'one', svm: 'svm1' }, { cluster: 'two', svm: 'svm1' })).toBe('svm1.1');
  });

  it('reports every problem with its path', () => {
    expect(problemsOf(null)).toEqual([expect.stringMatching(/^scenario: /)]);
    const bad = {
      version: 2,
      colour: 'red',
      clusters: [{ name: 'a', volumes: [{ svm: 'svm1', name: 'v', size: '10 apples' }] }],
      relationships: [{ source: 'a:v', destination: 'a:svm1:w', lag: 'soon' }],
      faults: [{ cluster: 'a', kind: 'http' }],
    };
    const problems = problemsOf(bad);
    for (const at of [
      'version',
      'clusters[0].volumes[0].size',
      'relationships[0].source',
      'relationships[0].lag',
      'faults[0].status',
      'scenario',
    ]) {
      expect(
        problems.some((problem) => problem.startsWith(`${at}: `)),
        `${at} in ${problems.join('\n')}`,
      ).toBe(true);
    }
  });

  it('reports names that are not there, or there twice', () => {
    expect(
      problemsOf({
        version: 1,
        clusters: [{ name: 'a', volumes: [{ svm: 'x', name: 'v', size: MIB }] }, { name: 'a' }],
        peers: [{ from: 'a:svm1', to: 'b:svm1' }],
        relationships: [{ source: 'a:svm1:w', destination: 'c:svm1:w', state: 'uninitialized', lag: 5 }],
        faults: [{ cluster: 'd', kind: 'reset' }],
      }),
    ).toEqual([
      'clusters[1].name: a is there already',
      'clusters[0].volumes[0].svm: a has no SVM x',
      'peers[0].to: there is no cluster b',
      'relationships[0].destination: there is no cluster c',
      'relationships[0].source: there is no volume a:svm1:w',
      'relationships[0].lag: there is no lag in the state uninitialized',
      'faults[0].cluster: there is no cluster d',
    ]);
  });

  it('that ONTAP would not allow is refused with its words, and the path', async () => {
    await expect(built(scenarioOf({ policy: 'Nightly' }))).rejects.toThrow(
      /relationships\[0\]: POST .* is refused: .*Nightly/,
    );
    const slow = { ...scenarioOf({ lag: 'PT10S' }), transferRate: 100_000 };
    await expect(built(slow)).rejects.toThrow(/relationships: their transfers would end \d+ s after the start/);
  });
});
