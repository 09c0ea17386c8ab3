/**
 * After the storm: everything answers again, and one orchestrator without any memory brings all volumes home. It has to come to an end,
 * lose nothing, leave nothing behind, and find nothing to do when it is called again.
 */
import type { Acknowledgement, DataMotion, VolumeReplicationState } from '../../src/index.ts';
import { DataMotionError } from '../../src/index.ts';
import { call, type Json } from '../../test/testing/raw-client.ts';
import { judgeData, judgeReport, judgeStates } from './judge.ts';
import { type Scene, SOURCE } from './scene.ts';

type Accepts = (loss: Acknowledgement) => boolean;

const MINUTE = 60_000;
/** More than any way home has. */
const MOST_ROUNDS = 8;

export async function calm(scene: Scene, home: DataMotion, acknowledge: Accepts): Promise<void> {
  const { world, clock } = scene;
  world.drawFaults(undefined);
  scene.heal();
  for (const cluster of world.clusters) {
    cluster.removeFaults();
    if (!cluster.alive) cluster.revive();
  }
  for (const host of scene.hosts.values()) host.stopped = true;
  scene.tell('judge', 'the storm is over: everything answers again');
  await clock.sleep(30 * MINUTE);
  world.settle();
  await bringOnline(scene);
  await bringHome(scene, home, acknowledge);
  if (scene.violations.length > 0) return;
  await clock.sleep(10 * MINUTE);
  await judgeEnd(scene);
  await judgeRepetition(scene, home);
  await judgeService(scene, home);
}

/**
 * With everything in its place a failover works, and so does the way back: what never does anything is not safe, but dead. Losses may be
 * accepted (a snapshot of another mirror is one), but none is stood for: no write may be missing.
 */
async function judgeService(scene: Scene, home: DataMotion): Promise<void> {
  const [{ name } = { name: '' }] = scene.topology.volumes;
  const [target = ''] = scene.topology.targets;
  const selection = { source: SOURCE, target, volumes: [name] };
  const host = { where: SOURCE, stopped: false, deaf: false };
  scene.hosts.set(name, host);
  const turn = (where: string) => async () => {
    Object.assign(host, { where, stopped: false });
    scene.write(name, 2);
  };
  const stopWriters = async () => scene.stopHost(name);
  await turn(SOURCE)();
  const hooks = (where: string) => ({ hooks: { stopWriters, startWriters: turn(where) } });
  const away = await home.failover(selection, { acknowledge: () => true, fence: 'unmount', ...hooks(target) });
  judgeReport(scene, away, true);
  const back = await home.failback(selection, { acknowledge: () => true, ...hooks(SOURCE) });
  judgeReport(scene, back, true);
  for (const { kind, result, volumes } of [away, back]) {
    const [{ error } = { error: undefined }] = volumes;
    if (result !== 'done')
      scene.violation(`in fair weather the ${kind} is ${result}: ${error?.code} ${error?.message}`);
  }
  judgeData(scene, 'there and back', SOURCE, name);
}

/** What the operator took offline comes back: nothing but a fence may keep a volume offline. */
async function bringOnline(scene: Scene): Promise<void> {
  for (const name of scene.takenOffline) {
    const side = scene.side(SOURCE, name);
    if (side?.state === 'online') continue;
    await call(scene.clusterOf(SOURCE), 'PATCH', `/storage/volumes/${side?.uuid}?return_timeout=60`, {
      body: { state: 'online' },
    });
  }
}

async function bringHome(scene: Scene, home: DataMotion, acknowledge: Accepts): Promise<void> {
  const notes: string[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const states = await home.replicationState({ source: SOURCE });
    judgeStates(scene, states);
    for (const { volume, target, phase, authority, why } of states) {
      scene.tell('home', `${volume} at ${target}: ${phase}, ${authority} counts: ${why}`);
      if (authority === 'target') judgeData(scene, 'after the storm', target, volume);
    }
    judgeSourceAlone(scene, states);
    const away = states.filter((state) => !isHome(state));
    if (away.length === 0 && (await allFollow(scene, home))) return;
    notes.length = 0;
    for (const target of scene.topology.targets) {
      // Bringing a volume home from one target changes what its other targets show.
      const there = (await home.replicationState({ source: SOURCE, target })).filter((state) => !isHome(state));
      await bringBack(scene, home, target, there, acknowledge, notes);
      await protect(scene, home, target, there, notes);
    }
    await scene.clock.sleep(10 * MINUTE);
  }
  scene.violation(`${MOST_ROUNDS} rounds do not bring all volumes home: ${[...new Set(notes)].join('; ')}`);
}

const isHome = ({ phase }: VolumeReplicationState) => phase === 'protected';

/** Where every row names the source, it holds everything. */
function judgeSourceAlone(scene: Scene, states: readonly VolumeReplicationState[]): void {
  for (const { name } of scene.topology.volumes) {
    const rows = states.filter(({ volume }) => volume === name);
    if (rows.length > 0 && rows.every(({ authority }) => authority === 'source')) {
      judgeData(scene, 'after the storm', SOURCE, name);
    }
  }
}

/** What was failed over is failed back; where nothing decides, what the target holds is kept, unless it holds nothing. */
async function bringBack(
  scene: Scene,
  home: DataMotion,
  target: string,
  there: readonly VolumeReplicationState[],
  acknowledge: Accepts,
  notes: string[],
): Promise<void> {
  const keeps = new Map<string, 'source' | 'target'>();
  for (const { volume, phase, authority, source } of there) {
    if (authority === 'target' || phase === 'switched' || phase === 'reversing') keeps.set(volume, 'target');
    else if (phase === 'contested') keeps.set(volume, source.writable ? 'source' : 'target');
  }
  if (keeps.size === 0) return;
  await noted(scene, notes, async () => {
    const report = await home.failback(
      { source: SOURCE, target, volumes: [...keeps.keys()] },
      { acknowledge, keep: (volume) => keeps.get(volume) ?? 'target' },
    );
    for (const { volume, outcome, error } of report.volumes) {
      scene.tell(
        'home',
        `failback of ${volume} from ${target}: ${outcome}${error ? ` ${error.code} ${error.message}` : ''}`,
      );
      if (error !== undefined) notes.push(`${volume} from ${target}: ${error.code} ${error.message}`);
    }
    judgeReport(scene, report, true);
  });
}

/** Copies that are missing are made; one that has nothing in common with its source any more is made anew. */
async function protect(
  scene: Scene,
  home: DataMotion,
  target: string,
  there: readonly VolumeReplicationState[],
  notes: string[],
): Promise<void> {
  const states = await home.replicationState({ source: SOURCE });
  const elsewhere = new Set(states.filter(({ authority }) => authority !== 'source').map(({ volume }) => volume));
  const volumes = there.map(({ volume }) => volume).filter((volume) => !elsewhere.has(volume));
  const all =
    volumes.length > 0
      ? volumes
      : scene.topology.volumes.map(({ name }) => name).filter((name) => !elsewhere.has(name));
  if (all.length === 0) return;
  await noted(scene, notes, async () => {
    const outcomes = await home.ensureSnapmirrors(
      { source: SOURCE, target, volumes: all },
      { repair: true, waitForBaseline: true },
    );
    for (const outcome of outcomes) {
      if (outcome.ok) continue;
      const { volume } = outcome.pair.source;
      const { code, message } = outcome.error;
      scene.tell('home', `ensure ${volume} at ${target}: ${code} ${message}`);
      notes.push(`${volume} at ${target}: ${code} ${message}`);
      if (/common/i.test(`${code} ${message}`)) await makeAnew(scene, home, target, volume, notes);
    }
  });
}

/** The copy of a volume that counts at the source is thrown away, as an administrator would do it. */
async function makeAnew(
  scene: Scene,
  home: DataMotion,
  target: string,
  volume: string,
  notes: string[],
): Promise<void> {
  scene.tell('home', `the copy of ${volume} at ${target} is made anew`);
  await noted(scene, notes, async () => {
    const selection = { source: SOURCE, target, volumes: [volume] };
    await home.deleteSnapmirrors(selection);
    const side = scene.side(target, volume);
    const cluster = scene.clusterOf(target);
    if (side !== undefined) {
      await call(cluster, 'PATCH', `/storage/volumes/${side.uuid}?return_timeout=60`, { body: { nas: { path: '' } } });
      await call(cluster, 'PATCH', `/storage/volumes/${side.uuid}?return_timeout=60`, { body: { state: 'offline' } });
      await call(cluster, 'DELETE', `/storage/volumes/${side.uuid}?return_timeout=60`);
    }
    await home.ensureSnapmirrors(selection, { waitForBaseline: true });
  });
}

async function allFollow(scene: Scene, home: DataMotion): Promise<boolean> {
  for (const target of scene.topology.targets) {
    const mirrors = await home.getSnapmirrors({ source: SOURCE, target });
    const good = mirrors.filter(({ state, healthy }) => state === 'snapmirrored' && healthy !== false);
    if (good.length < scene.topology.volumes.length) {
      await home.ensureSnapmirrors({ source: SOURCE, target }, { repair: true, waitForBaseline: true });
      await home.updateSnapmirrors({ source: SOURCE, target }, { wait: true });
      return false;
    }
  }
  return true;
}

/** What a call fails with is no violation yet: another round follows. */
async function noted(scene: Scene, notes: string[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof DataMotionError)) throw error;
    scene.tell('home', `${error.code}: ${error.message}`);
    notes.push(`${error.code}: ${error.message}`);
  }
}

/** One side writable, its copies following, nothing else left of all that was tried. */
async function judgeEnd(scene: Scene): Promise<void> {
  const { topology } = scene;
  for (const { name } of topology.volumes) {
    const source = scene.side(SOURCE, name);
    if (source?.type !== 'rw' || source.state !== 'online')
      scene.violation(`at the end ${SOURCE}:${name} is ${source?.state}, ${source?.type}`);
    judgeData(scene, 'at the end', SOURCE, name);
    for (const target of topology.targets) {
      if (scene.side(target, name)?.type !== 'dp') scene.violation(`at the end ${target}:${name} is no copy`);
    }
  }
  for (const backend of scene.backends) await judgeLeaks(scene, backend);
}

async function judgeLeaks(scene: Scene, backend: string): Promise<void> {
  const { topology } = scene;
  const cluster = scene.clusterOf(backend);
  const read = async (path: string): Promise<Json[]> => (await call(cluster, 'GET', path)).json.records;
  const isSource = backend === SOURCE;
  const mirrors = await read('/snapmirror/relationships?fields=source.path,destination.path');
  const wanted = isSource ? 0 : topology.volumes.length;
  if (mirrors.length !== wanted) {
    scene.violation(
      `at the end ${backend} has ${mirrors.length} relationships instead of ${wanted}: ${pathsOf(mirrors)}`,
    );
  }
  const known = await read('/snapmirror/relationships?list_destinations_only=true');
  const owed = isSource ? topology.volumes.length * topology.targets.length : 0;
  if (known.length !== owed)
    scene.violation(`at the end ${backend} keeps ${known.length} destinations instead of ${owed}: ${pathsOf(known)}`);
  const volumes = await read('/storage/volumes?is_svm_root=false&fields=name,clone.is_flexclone');
  const names = volumes
    .map(({ name }) => name)
    .filter((name) => !topology.volumes.some((volume) => volume.name === name));
  const strays = names.filter((name: string) => !name.startsWith('dmdrill_'));
  if (strays.length > 0)
    scene.violation(`at the end ${backend} has volumes that nobody asked for: ${strays.join(', ')}`);
  for (const { name } of topology.volumes) judgeSnapshots(scene, backend, name);
}

/** Of SnapMirror's own snapshots, a source holds at most the base of each of its mirrors and one that is on its way. */
function judgeSnapshots(scene: Scene, backend: string, name: string): void {
  const side = scene.side(backend, name);
  if (side === undefined || backend !== SOURCE) return;
  const own = side.snapshots().filter((snapshot) => snapshot.startsWith('snapmirror.'));
  const most = 2 * scene.topology.targets.length;
  if (own.length > most)
    scene.violation(`at the end ${backend}:${name} holds ${own.length} snapshots of SnapMirror: ${own.join(', ')}`);
}

function pathsOf(records: readonly Json[]): string {
  return records.map(({ source, destination }) => `${source.path} -> ${destination.path}`).join(', ');
}

/** What is home already is left alone. */
async function judgeRepetition(scene: Scene, home: DataMotion): Promise<void> {
  const changes = () => scene.world.requests.filter(({ method }) => method !== 'GET').length;
  // The first call may still mount what somebody unmounted.
  let before = changes();
  for (let time = 0; time < 2; time++) {
    before = changes();
    for (const target of scene.topology.targets) {
      const again = await home.failback({ source: SOURCE, target }, { acknowledge: () => false }).catch(known);
      if (again instanceof DataMotionError) scene.tell('home', `failback again: ${again.code}`);
      await home.ensureSnapmirrors({ source: SOURCE, target }, { waitForBaseline: true });
    }
  }
  if (changes() > before)
    scene.violation(`called again with nothing to do, it changes something ${changes() - before} times`);
  await home.removeDrillLeftovers({ source: SOURCE });
  const clones = scene.backends.flatMap((backend) => scene.clusterOf(backend).volumes.map(({ name }) => name));
  const left = clones.filter((name) => name.startsWith('dmdrill_'));
  if (left.length > 0) scene.violation(`clones of drills are left: ${left.join(', ')}`);
}

function known(error: unknown): DataMotionError {
  if (error instanceof DataMotionError) return error;
  throw error;
}
