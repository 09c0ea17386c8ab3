import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SeededRandom, type SimulatedCluster, SimulatedOntap, VirtualClock } from '../../../src/testing/index.ts';
import { RESOURCES } from '../../../src/testing/resources/catalogue.ts';
import { SAVED_CLASSES } from '../../../src/testing/saved/saved-classes.ts';
import { call, type Json, MIB } from '../raw-client.ts';

/** Two clusters with a volume on the first; time passes by hand only. */
function freshWorld(seed: number): SimulatedOntap {
  // No GET may wait for a clock that only this test moves.
  const switches = { svmPeersWithDeadPeerMs: 0 };
  const random = new SeededRandom(seed);
  const world = new SimulatedOntap({ clock: new VirtualClock(), random, transferRate: MIB, switches });
  world
    .cluster('cluster1')
    .createVolume({ svm: 'svm1', name: 'vol0', sizeBytes: 100 * MIB })
    .write('/f', 0, filled(1));
  return world;
}

const filled = (value: number) => new Uint8Array(30_000).fill(value);

async function pass(world: SimulatedOntap, ms: number): Promise<void> {
  await (world.clock as VirtualClock).advance(ms);
  world.settle();
}

/** The world as a file, and from the file again. */
function reloaded(world: SimulatedOntap): SimulatedOntap {
  return SimulatedOntap.load(world.save(), { clock: new VirtualClock({ startAt: 5 }) });
}

/** The answer to every GET of every cluster, each object also by itself; and what every volume and snapshot holds. */
async function everythingSeen(world: SimulatedOntap): Promise<unknown> {
  const seen: Record<string, unknown> = { now: world.now };
  for (const cluster of world.clusters) {
    seen[cluster.name] = { alive: cluster.alive, faults: cluster.faults };
    if (!cluster.alive) continue;
    for (const path of await pathsOf(cluster)) {
      seen[`${cluster.name} ${path}`] = (await call(cluster, 'GET', `${path}?fields=**`)).json;
    }
    for (const volume of cluster.volumes) {
      const snapshots = volume.snapshots().map((name) => [name, volume.snapshot(name).digest()]);
      seen[`${cluster.name} ${volume.path}`] = [volume.digest(), snapshots, volume.content.check()];
    }
  }
  return seen;
}

async function relationshipUuids(cluster: SimulatedCluster): Promise<string[]> {
  const { json } = await call(cluster, 'GET', '/snapmirror/relationships');
  return json.records.map(({ uuid }: Json) => uuid);
}

/** Paths that the API's document has a GET of. */
const DOCUMENTED = new Set(
  Object.entries(
    (parse(readFileSync('src/netapp-ontap-rest-client/openapi.yaml', 'utf8')) as { paths: Record<string, object> })
      .paths,
  )
    .filter(([, operations]) => 'get' in operations)
    .map(([path]) => path),
);

/** Each resource's collection, below every volume and relationship where it is below one. */
async function pathsOf(cluster: SimulatedCluster): Promise<string[]> {
  const volumes = cluster.volumes.map(({ uuid }) => uuid);
  const relationships = await relationshipUuids(cluster);
  return RESOURCES.filter(({ path }) => DOCUMENTED.has(path)).flatMap(({ path }) => {
    if (path.includes('{volume.uuid}')) return volumes.map((uuid) => path.replace('{volume.uuid}', uuid));
    if (path.includes('{relationship.uuid}'))
      return relationships.map((uuid) => path.replace('{relationship.uuid}', uuid));
    return path.includes('{') ? [] : [path];
  });
}

// ---- random histories

type Step =
  | { readonly do: 'write'; readonly volume: number; readonly value: number }
  | { readonly do: 'snapshot' | 'make' | 'relate' | 'take offline'; readonly volume: number }
  | { readonly do: 'mirror'; readonly pick: number; readonly to: string }
  | { readonly do: 'transfer' | 'abort' | 'delete'; readonly pick: number }
  | { readonly do: 'die' | 'revive' | 'policy' | 'schedule' }
  | {
      readonly do: 'lun' | 'copy lun' | 'move lun' | 'copy file' | 'clone' | 'split' | 'move volume';
      readonly volume: number;
    }
  | { readonly do: 'fault'; readonly kind: 'transfer-stalls' | 'transfer-fails' | 'job-vanishes' | 'busy' }
  | { readonly do: 'wait'; readonly ms: number };

const small = fc.nat({ max: 3 });
const kind = <const K extends string>(...kinds: readonly K[]) => fc.constantFrom(...kinds);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), volume: small, value: fc.nat(255) }) },
    { weight: 6, arbitrary: fc.record({ do: kind('snapshot', 'make', 'relate', 'take offline'), volume: small }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('mirror' as const),
        pick: small,
        to: kind('snapmirrored', 'paused', 'broken_off', 'in_sync'),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: kind('transfer', 'abort', 'delete'), pick: small }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: kind('lun', 'copy lun', 'move lun', 'copy file', 'clone', 'split', 'move volume'),
        volume: small,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: kind('die', 'revive', 'policy', 'schedule') }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('fault' as const),
        kind: kind('transfer-stalls', 'transfer-fails', 'job-vanishes', 'busy'),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(300, 700, 5000, 400_000) }),
    },
  ),
  { minLength: 12, maxLength: 40 },
);

async function take(world: SimulatedOntap, step: Step): Promise<void> {
  const [one, two] = world.clusters as [SimulatedCluster, SimulatedCluster];
  const mirrors = async () => (two.alive ? await relationshipUuids(two) : []);
  const picked = async (pick: number) => {
    const all = await mirrors();
    return all[pick % Math.max(1, all.length)];
  };
  switch (step.do) {
    case 'write': {
      const volume = one.volumes.filter(({ name, state }) => name.startsWith('vol') && state === 'online')[step.volume];
      volume?.write(`/f${step.value % 3}`, (step.value % 5) * 4096, filled(step.value));
      return;
    }
    case 'make':
      return send(one, 'POST', '/storage/volumes', {
        name: `vol${step.volume}`,
        svm: { name: 'svm1' },
        aggregates: [{ name: 'aggr1' }],
        size: 100 * MIB,
      });
    case 'snapshot': {
      const volume = one.volumes.find(({ name }) => name === `vol${step.volume}`);
      return send(one, 'POST', `/storage/volumes/${volume?.uuid}/snapshots`, { name: `s${world.now}` });
    }
    case 'take offline': {
      const volume = one.volumes.find(({ name }) => name === `vol${step.volume}`);
      const state = volume?.state === 'online' ? 'offline' : 'online';
      return send(one, 'PATCH', `/storage/volumes/${volume?.uuid}`, { state });
    }
    case 'lun':
      return send(one, 'POST', '/storage/luns', {
        svm: { name: 'svm1' },
        name: `/vol/vol${step.volume}/lun`,
        os_type: 'linux',
        space: { size: 3 * MIB },
      });
    case 'copy lun':
      return send(one, 'POST', '/storage/luns', {
        svm: { name: 'svm1' },
        name: `/vol/vol${(step.volume + 1) % 4}/copy${world.now}`,
        copy: { source: { name: `/vol/vol${step.volume}/lun` } },
      });
    case 'move lun': {
      const { json } = one.alive ? await call(one, 'GET', '/storage/luns') : { json: {} };
      const name = `/vol/vol${step.volume}/moved${world.now}`;
      return send(one, 'PATCH', `/storage/luns/${json.records?.[step.volume]?.uuid}`, { name });
    }
    case 'copy file': {
      const place = (volume: number, path: string) => ({
        path,
        volume: { name: `vol${volume}` },
        svm: { name: 'svm1' },
      });
      const file = { source: place(step.volume, 'f0'), destination: place((step.volume + 1) % 4, `c${world.now}`) };
      return send(one, 'POST', '/storage/file/copy', { files_to_copy: [file] });
    }
    case 'clone':
      return send(one, 'POST', '/storage/volumes', {
        name: `clone${world.now}`,
        svm: { name: 'svm1' },
        clone: { is_flexclone: true, parent_volume: { name: `vol${step.volume}` } },
      });
    case 'split': {
      const clone = one.volumes.filter(({ name }) => name.startsWith('clone'))[step.volume];
      return send(one, 'PATCH', `/storage/volumes/${clone?.uuid}`, { clone: { split_initiated: true } });
    }
    case 'move volume': {
      const volume = one.volumes.find(({ name }) => name === `vol${step.volume}`);
      const destination_aggregate = { name: step.volume % 2 === 0 ? 'aggr2' : 'aggr1' };
      return send(one, 'PATCH', `/storage/volumes/${volume?.uuid}`, { movement: { destination_aggregate } });
    }
    case 'relate':
      return send(two, 'POST', '/snapmirror/relationships', {
        source: { path: `svm1:vol${step.volume}` },
        destination: { path: `svm1_dr:vol${step.volume}` },
        policy: step.volume === 3 ? 'Sync' : 'MirrorAllSnapshots',
        create_destination: { enabled: true },
        ...(step.volume === 3 ? {} : { transfer_schedule: '5min' }),
      });
    case 'mirror':
      return send(two, 'PATCH', `/snapmirror/relationships/${await picked(step.pick)}`, { state: step.to });
    case 'transfer':
      return send(two, 'POST', `/snapmirror/relationships/${await picked(step.pick)}/transfers`, {});
    case 'abort': {
      const uuid = await picked(step.pick);
      if (!two.alive || uuid === undefined) return;
      const { json } = await call(two, 'GET', `/snapmirror/relationships/${uuid}/transfers?state=transferring`);
      return send(two, 'PATCH', `/snapmirror/relationships/${uuid}/transfers/${json.records?.[0]?.uuid}`, {
        state: 'aborted',
      });
    }
    case 'delete':
      return send(two, 'DELETE', `/snapmirror/relationships/${await picked(step.pick)}`);
    case 'die':
      return one.goneFor(600_000);
    case 'revive':
      return one.revive();
    case 'policy':
      return send(two, 'POST', '/snapmirror/policies', { name: `p${world.now}`, type: 'async' });
    case 'schedule':
      return send(two, 'POST', '/cluster/schedules', { name: `c${world.now}`, cron: { minutes: [7] } });
    case 'fault':
      two.addFault({ kind: step.kind, method: 'POST', path: '/snapmirror/*', after: 1 });
      return;
    case 'wait':
      return pass(world, step.ms);
  }
}

/** Whatever the cluster says to it. */
async function send(cluster: SimulatedCluster, method: string, path: string, body?: unknown): Promise<void> {
  if (cluster.alive) await call(cluster, method, path, body === undefined ? {} : { body });
}

async function takeAll(world: SimulatedOntap, all: readonly Step[]): Promise<SimulatedOntap> {
  for (const step of all) await take(world, step);
  return world;
}

describe('a world as a file', () => {
  it('goes on as if it had never been stopped, wherever in a random history it was saved', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), steps, fc.nat(100), async (seed, history, where) => {
        const at = Math.floor((where / 100) * history.length);
        const whole = await takeAll(freshWorld(seed), history);
        const first = await takeAll(freshWorld(seed), history.slice(0, at));
        const saved = reloaded(first);
        expect(await everythingSeen(saved)).toEqual(await everythingSeen(first));
        const rest = await takeAll(saved, history.slice(at));
        expect(rest.requests.length).toBeGreaterThanOrEqual(whole.requests.length);
        expect(await everythingSeen(rest)).toEqual(await everythingSeen(whole));
        for (const world of [whole, rest]) await pass(world, 2 * 3_600_000);
        expect(await everythingSeen(rest)).toEqual(await everythingSeen(whole));
      }),
      { numRuns: Number(process.env['WORLD_HISTORIES'] ?? 8), seed: 7 },
    );
  }, 60_000);

  it('holds no object with hidden fields: what is private by # would be left out in silence', () => {
    for (const [name, { prototype }] of Object.entries(SAVED_CLASSES)) {
      expect(String(prototype.constructor).match(/#[A-Za-z]\w*/g) ?? [], name).toEqual([]);
    }
  });

  it('cannot be written when something in it is of an unknown class, and says where', () => {
    const world = freshWorld(1);
    class Stranger {}
    Object.assign(world.cluster('cluster1').volume('svm1', 'vol0'), { odd: new Stranger() });
    expect(() => world.save()).toThrow(
      /a world cannot be written to a file: .*\.odd is an object of the class Stranger/,
    );
  });

  it('cannot be written when something in it waits in a closure, and says where', () => {
    const world = freshWorld(1);
    Object.assign(world.cluster('cluster1').volume('svm1', 'vol0'), { whenDone: () => {} });
    expect(() => world.save()).toThrow(/\.whenDone is the function whenDone/);
  });

  it('is refused when it is of another version, is something else, or is cut off', () => {
    const file = freshWorld(1).save();
    const text = gunzipSync(file).toString('latin1');
    const other = gzipSync(Buffer.from(text.replace('"version":2', '"version":3'), 'latin1'));
    const load = (bytes: Uint8Array) => () => SimulatedOntap.load(bytes, { clock: new VirtualClock() });
    expect(load(other)).toThrow(/of version 3, and this release reads version 2 only/);
    expect(load(gzipSync('{"format":"tar"}\n'))).toThrow('this is no file of a simulated world');
    expect(load(new TextEncoder().encode('hello'))).toThrow(/not compressed by gzip, or cut off/);
    expect(load(file.subarray(0, file.length / 2))).toThrow(/cut off/);
    expect(load(gzipSync(Buffer.from(text.slice(0, text.length / 2), 'latin1')))).toThrow(/damaged/);
  });

  it('takes the place of the world that it was saved from, on the same handles of clusters', async () => {
    const world = freshWorld(1);
    const file = world.save();
    const before = await everythingSeen(world);
    world.cluster('cluster1').volume('svm1', 'vol0').write('/g', 0, filled(9));
    world.cluster('cluster2').kill();
    await pass(world, 90_000);
    world.restore(file);
    expect(await everythingSeen(world)).toEqual(before);
  });

  it('does not take the place of a world of other clusters', () => {
    const world = new SimulatedOntap({ clock: new VirtualClock(), clusters: [{ name: 'other' }] });
    expect(() => world.restore(freshWorld(1).save())).toThrow(
      'the file holds the clusters cluster1, cluster2; these are other',
    );
  });
});
