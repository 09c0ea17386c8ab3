/** One run: a disaster is played against the library, and judged. The same disaster gives the same lines, to the byte. */
import { call } from '../../test/testing/raw-client.ts';
import { calm } from './calm.ts';
import { coverageOf } from './coverage.ts';
import type { Disaster, Happening, RawDeed } from './disaster.ts';
import { type Counts, Orchestrator } from './orchestrator.ts';
import { type Line, Scene, SOURCE } from './scene.ts';

export interface Played {
  readonly violations: readonly string[];
  readonly lines: readonly Line[];
  readonly counts: Counts;
}

const HOUR = 3_600_000;

export async function play(disaster: Disaster): Promise<Played> {
  const scene = new Scene(disaster);
  const counts: Counts = {};
  const covered = coverageOf(counts);
  try {
    await run(scene, disaster, counts);
  } catch (error) {
    scene.violation(`the run broke off: ${error instanceof Error ? error.stack : error}`);
  } finally {
    covered.end();
  }
  counts['requests'] = scene.world.requests.length;
  counts['writes'] = scene.ledger.writes.length;
  return { violations: scene.violations, lines: scene.lines, counts };
}

async function run(scene: Scene, { seed, topology, happenings }: Disaster, counts: Counts): Promise<void> {
  const orchestrators = Array.from(
    { length: topology.orchestrators },
    (_, index) => new Orchestrator(scene, `orchestrator ${index + 1}`, seed * 8 + index, counts),
  );
  const home = new Orchestrator(scene, 'home', seed * 8 + 7, counts);
  for (const target of topology.targets) {
    const made = await home.dataMotion.ensureSnapmirrors({ source: SOURCE, target }, { waitForBaseline: true });
    for (const outcome of made) if (!outcome.ok) throw outcome.error;
  }
  scene.tell('judge', `${topology.volumes.length} volumes are mirrored to ${topology.targets.join(', ')}`);
  const beganAt = scene.clock.now();
  const underWay: Promise<unknown>[] = [];
  for (const happening of happenings) {
    await scene.clock.sleep(Math.max(0, beganAt + happening.at - scene.clock.now()));
    underWay.push(happen(scene, happening, orchestrators, counts));
  }
  const hangs = scene.clock.sleep(24 * HOUR).then(() => 'hangs');
  const ended = await Promise.race([Promise.all(underWay), hangs]);
  if (ended === 'hangs') {
    scene.violation('an operation does not end');
    return;
  }
  await calm(scene, home.dataMotion, home.acceptsAll);
}

async function happen(
  scene: Scene,
  happening: Happening,
  orchestrators: readonly Orchestrator[],
  counts: Counts,
): Promise<void> {
  const { volumes, targets } = scene.topology;
  counts[`happening ${happening.do}`] = (counts[`happening ${happening.do}`] ?? 0) + 1;
  switch (happening.do) {
    case 'write':
      scene.write(volumes[happening.volume]?.name ?? '', happening.count);
      return;
    case 'operate':
      await orchestrators[happening.orchestrator]?.operate(happening);
      return;
    case 'raw':
      scene.disturb();
      await raw(scene, happening.deed, volumes[happening.volume]?.name ?? '', targets[happening.target] ?? '');
      return;
    case 'cluster-dies': {
      const cluster = scene.world.clusters[happening.cluster];
      scene.tell('fate', `${cluster?.name} dies for ${Math.round(happening.ms / 1000)} s`);
      cluster?.goneFor(happening.ms);
      return;
    }
    case 'partition': {
      const [who, cluster] = [`orchestrator ${happening.orchestrator + 1}`, `cluster${happening.cluster}`];
      scene.tell('fate', `${who} is cut off from ${cluster} for ${Math.round(happening.ms / 1000)} s`);
      scene.cut(who, cluster, happening.ms);
      return;
    }
    case 'storm': {
      const rates = Object.fromEntries(happening.kinds.map((kind) => [kind, happening.rate]));
      scene.tell('fate', `faults for ${Math.round(happening.ms / 1000)} s: ${happening.kinds.join(', ') || 'none'}`);
      const drawn = scene.world.drawFaults({ rates, seed: happening.seed });
      await scene.clock.sleep(happening.ms);
      if (scene.world.randomFaults === drawn) scene.world.drawFaults(undefined);
      for (const { fault } of drawn?.log ?? [])
        counts[`fault ${fault.kind}`] = (counts[`fault ${fault.kind}`] ?? 0) + 1;
    }
  }
}

/** The operator asks for one thing, and takes whatever comes for an answer. */
async function raw(scene: Scene, deed: RawDeed, name: string, target: string): Promise<void> {
  const [near, far] = [scene.clusterOf(SOURCE), scene.clusterOf(target)];
  const send = async (cluster: typeof near, method: string, path: string, body?: object) => {
    try {
      const { status, json } = await call(
        cluster,
        method,
        `${path}${method === 'GET' ? '' : '?return_timeout=15'}`,
        body === undefined ? {} : { body },
      );
      scene.tell(
        'operator',
        `${deed} of ${name} at ${cluster === near ? SOURCE : target}: ${method} ${path} ${status}`,
      );
      return json;
    } catch {
      scene.tell('operator', `${deed} of ${name}: no answer`);
      return undefined;
    }
  };
  const [source, copy] = [scene.side(SOURCE, name), scene.side(target, name)];
  const volume = (side: typeof source, cluster: typeof near, body: object) =>
    side === undefined ? undefined : send(cluster, 'PATCH', `/storage/volumes/${side.uuid}`, body);
  const relationship = async () => {
    const found = await send(far, 'GET', `/snapmirror/relationships?destination.path=*:${name}`);
    return found?.records?.[0]?.uuid as string | undefined;
  };
  switch (deed) {
    case 'unmount-target':
      await volume(copy, far, { nas: { path: '' } });
      return;
    case 'unmount-source':
      await volume(source, near, { nas: { path: '' } });
      return;
    case 'offline-source':
      scene.takenOffline.add(name);
      await volume(source, near, { state: 'offline' });
      await scene.clock.sleep(60_000);
      await volume(scene.side(SOURCE, name), near, { state: 'online' });
      return;
    case 'comment': {
      const before = source?.settings['comment'];
      await volume(source, near, {
        comment: `ticket 4711 ${typeof before === 'string' ? before : ''}`.trim().slice(0, 1000),
      });
      return;
    }
    case 'snapshot':
      if (source !== undefined)
        await send(near, 'POST', `/storage/volumes/${source.uuid}/snapshots`, { name: `own.${scene.clock.now()}` });
      return;
  }
  const uuid = await relationship();
  if (uuid === undefined) return;
  const states = { break: 'broken_off', pause: 'paused', resume: 'snapmirrored' } as const;
  if (deed === 'update') await send(far, 'POST', `/snapmirror/relationships/${uuid}/transfers`, {});
  else if (deed === 'abort') {
    const moving = await send(far, 'GET', `/snapmirror/relationships/${uuid}/transfers?state=transferring`);
    const transfer = moving?.records?.[0]?.uuid;
    if (transfer !== undefined)
      await send(far, 'PATCH', `/snapmirror/relationships/${uuid}/transfers/${transfer}`, { state: 'aborted' });
  } else {
    // Whoever resyncs a broken-off mirror by hand discards what its destination holds alone.
    if (deed === 'resume') scene.ledger.discard(name, target, scene.heldAt(SOURCE, name));
    await send(far, 'PATCH', `/snapmirror/relationships/${uuid}`, { state: states[deed] });
  }
}
