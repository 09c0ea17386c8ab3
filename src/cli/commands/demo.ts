/** Edge (layer 8): `datamotion demo`: the whole story on the embedded simulator, every claim checked against the data. */

import { openCloudEndpoint, WaflRestoreTarget, WorkerCompute } from '../../cloud/index.ts';
import type { FailoverEvent } from '../../core/failover/events.ts';
import { WaflVolume } from '../../core/wafl/volume.ts';
import type { DataMotion, Pair } from '../../data-motion.ts';
import { type Env, systemClock, systemRandom } from '../../env.ts';
import { InternalError } from '../../errors.ts';
import { createDataMotion, readConfiguration } from '../../index.ts';
import { MemoryObjectStore } from '../../object-store/memory.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { retrying } from '../../object-store/retrying.ts';
import type { CloudProgress } from '../../run/cloud/progress.ts';
import type { MirrorProgress } from '../../run/mirror/context.ts';
import { WaflSnapshotSource } from '../../snapshot-source/wafl-snapshot-source.ts';
import { MemoryStateStore } from '../../state/memory.ts';
import type { SimulatedVolume } from '../../testing/index.ts';
import { SeededRandom, SimulatedOntap } from '../../testing/index.ts';
import { openStore } from '../object-store.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { bytes, duration, EXIT } from '../terminal.ts';
import { toldTo } from './failover-report.ts';
import { scaledClock } from './simulate.ts';
import { removeAll } from './store.ts';

const VOLUMES = ['orders', 'billing', 'archive'] as const;
const BLOCK_BYTES = 4096;
const MIB = 1024 * 1024;

/** Facts of one run, also what `--json` prints. */
interface Story {
  ok: boolean;
  checks: { check: string; ok: boolean }[];
  lost: { volume: string; blocks: number; bytes: number; lagSeconds: number | undefined }[];
  cloud?: { readonly sentBlocks: readonly number[]; readonly storedBytes: readonly number[] };
  seconds: number;
}

export async function demo(
  terminal: Terminal,
  options: { readonly timeScale: number; readonly store?: string },
): Promise<ExitCode> {
  const startedAt = systemClock.now();
  const clock = scaledClock(systemClock, options.timeScale, afterTheHour(startedAt));
  const random = new SeededRandom(20);
  const world = new SimulatedOntap({ clock, random });
  const story: Story = { ok: true, checks: [], lost: [], seconds: 0 };
  const check = (what: string, ok: boolean) => {
    story.checks.push({ check: what, ok });
    story.ok &&= ok;
    terminal.say(`   ${ok ? 'ok' : 'FAILED'}: ${what}`);
  };

  try {
    await world.listen();
    const [east, west] = world.clusters;
    if (east === undefined || west === undefined) throw new InternalError('the simulated world has no two clusters');
    const [sourceSvm = '', targetSvm = ''] = [east.svms[0], west.svms[0]];
    terminal.say(
      `1. Two simulated ONTAP clusters answer over HTTP: ${east.name} (${east.url}), ${west.name} (${west.url})`,
    );

    const sources = VOLUMES.map((name, i) =>
      filled(east.createVolume({ svm: sourceSvm, name, sizeBytes: 256 * MIB, junctionPath: `/${name}` }), i, random),
    );
    const conf = cinderConf(world, east.name, west.name);
    terminal.say('2. Three volumes with content, and a cinder.conf that says where they are to go:\n');
    terminal.say(conf.replace(/^/gm, '     '));

    const env = { clock, random };
    await using dataMotion = createDataMotion(readConfiguration(conf), { env });
    // Three seconds of the real clock, also on a machine that is busy.
    const work = { signal: terminal.signal, contactTimeoutMs: 3000 * options.timeScale };

    terminal.say('3. Protect: destination volumes, relationships, baselines');
    await forEach(terminal, (pair, onProgress) =>
      dataMotion.createSnapmirror(pair, { ...work, onProgress, waitForBaseline: true }),
    );
    const copies = VOLUMES.map((name) => west.volume(targetSvm, name));
    check('every destination holds what its source holds', same(sources, copies));

    terminal.say('4. Write, then update');
    for (const volume of sources) overwrite(volume, 40, random);
    check('the destinations are behind now', !same(sources, copies));
    await forEach(terminal, (pair, onProgress) =>
      dataMotion.updateSnapmirror(pair, { ...work, onProgress, wait: true }),
    );
    check('every destination holds what its source holds', same(sources, copies));
    const replicated = sources.map(contentOf);

    terminal.say('5. Write again; this time nothing is transferred before the source cluster is lost');
    for (const volume of sources) overwrite(volume, 25, random);
    await clock.sleep(90_000, terminal.signal);
    east.kill();
    await showStatus(terminal, dataMotion);

    terminal.say('6. Fail over, with the source gone: what would be lost is named, and accepted by its name');
    const plan = await dataMotion.planFailover({ source: 'east', volumes: VOLUMES }, work);
    for (const { text } of plan.acknowledgements) terminal.say(`   ${text}`);
    const acknowledge = plan.acknowledgements.map(({ id }) => id);
    const over = await withEvents(terminal, (onEvent) => dataMotion.failover(plan, { ...work, acknowledge, onEvent }));
    check('every volume was failed over', over.result === 'done');
    check(
      'every destination is writable',
      copies.every((volume) => volume.type === 'rw'),
    );
    check(
      'every destination is mounted',
      over.volumes.every(({ junctionPath }) => junctionPath !== undefined),
    );
    check(
      'every destination holds exactly what was last replicated',
      copies.every((volume, i) => differingBlocks(contentOf(volume), replicated[i] ?? new Map()) === 0),
    );
    story.lost = VOLUMES.map((volume, i) => {
      const [source, copy] = [sources[i], copies[i]];
      const blocks = source && copy ? differingBlocks(contentOf(source), contentOf(copy)) : 0;
      return { volume, blocks, bytes: blocks * BLOCK_BYTES, lagSeconds: over.volumes[i]?.lagSeconds };
    });
    terminal.table(
      ['volume', 'lost blocks', 'lost data', 'data is from'],
      story.lost.map((l) => [l.volume, `${l.blocks}`, bytes(l.bytes), `${duration(l.lagSeconds)} before the break`]),
    );
    check(
      'what is lost is what was written after the last update, and no more',
      story.lost.every((l) => l.blocks === 25),
    );

    terminal.say('7. The source returns. Fail back: what was written while it was away comes home with the service');
    for (const volume of copies) overwrite(volume, 5, random);
    const written = copies.map(contentOf);
    east.revive();
    const way = await dataMotion.planFailback({ source: 'east', volumes: VOLUMES }, work);
    for (const { text } of way.acknowledgements) terminal.say(`   ${text}`);
    const accepted = way.acknowledgements.map(({ id }) => id);
    const back = await withEvents(terminal, (onEvent) =>
      dataMotion.failback(way, { ...work, acknowledge: accepted, onEvent }),
    );
    check('every volume is served by its source again, and mirrored as before', back.result === 'done');
    check(
      'every source holds what was written while it was away',
      sources.every((volume, i) => differingBlocks(contentOf(volume), written[i] ?? new Map()) === 0),
    );
    check('every destination holds what its source holds', same(sources, copies));

    terminal.say('8. Clean up: delete the relationships, release the sources');
    const deleted = await forEach(terminal, (pair, onProgress) =>
      dataMotion.deleteSnapmirror(pair, { ...work, onProgress }),
    );
    check(
      'every source is released',
      deleted.every((result) => result.release.state === 'released'),
    );
    const left = await dataMotion.getSnapmirrors({ source: 'east', target: 'west' }, work);
    check('no relationship is left', left.length === 0);
    check(
      'no SnapMirror snapshot is left on a source',
      sources.every((volume) => volume.snapshots().every((name) => !name.startsWith('snapmirror.'))),
    );
    terminal.say('9. SnapMirror Cloud: back a volume up to an object store, change it, back it up again, restore it');
    const [volume] = sources;
    if (volume !== undefined) {
      const store =
        options.store === undefined ? new MemoryObjectStore() : await openStore(options.store, terminal.signal);
      terminal.say(`   in ${store.place}`);
      story.cloud = await cloudStory(terminal, volume, retrying(store), env, random, check);
    }
  } finally {
    await world.close();
  }

  story.seconds = (systemClock.now() - startedAt) / 1000;
  const good = story.checks.filter(({ ok }) => ok).length;
  terminal.say(`\n${good} of ${story.checks.length} checks hold, in ${story.seconds.toFixed(1)} s`);
  terminal.document(story);
  return story.ok ? EXIT.done : EXIT.failed;
}

const CHANGED_BLOCKS = 30;

/** The part of the story that needs no mirror: the same volume, incrementally for ever, in an object store. */
async function cloudStory(
  terminal: Terminal,
  volume: SimulatedVolume,
  store: ObjectStore,
  env: Partial<Env>,
  random: SeededRandom,
  check: (what: string, ok: boolean) => void,
): Promise<NonNullable<Story['cloud']>> {
  // In a store that outlives the story, a place of its own, which is removed again.
  const name = `demo-${systemRandom.uuid()}`;
  const compute = new WorkerCompute();
  const progress = terminal.progress();
  const call = {
    signal: terminal.signal,
    onProgress: (at: CloudProgress) => progress.step(`cloud ${at.step}`, at.activity ?? at.counts),
  };
  try {
    const endpoint = openCloudEndpoint({ name, store, env, compute });
    const request = {
      source: new WaflSnapshotSource(volume.content, volume.uuid),
      state: new MemoryStateStore(),
      writer: 'demo',
    };
    volume.createSnapshot('cloud.1');
    const first = await endpoint.backup(request, call);
    overwrite(volume, CHANGED_BLOCKS, random);
    volume.createSnapshot('cloud.2');
    const second = await endpoint.backup(request, call);
    // The inode file is data like any other: a changed file changes a block of it.
    const sent = second.uploads.blocks[0];
    check(
      `the second backup sent what changed: ${sent} blocks for ${CHANGED_BLOCKS} written`,
      sent >= CHANGED_BLOCKS && sent <= CHANGED_BLOCKS + METAFILE_BLOCKS,
    );
    const restored = new WaflVolume({ capacityBlocks: volume.content.capacityBlocks });
    await endpoint.restore({ target: new WaflRestoreTarget(restored) }, call);
    check(
      'the restored volume holds what the volume holds',
      volume.files().every((path) => Buffer.compare(restored.read(path), volume.read(path)) === 0),
    );
    const verified = await endpoint.verify({ readData: true }, call);
    check(`every stored byte is sound: ${bytes(verified.bytesRead)} read`, verified.problems.length === 0);
    const backups = [first, second];
    return {
      sentBlocks: backups.map(({ uploads }) => uploads.blocks[0]),
      storedBytes: backups.map(({ uploads }) => uploads.bytes),
    };
  } finally {
    progress.stop();
    await compute.close();
    await removeAll(store, `${name}/`);
  }
}

/** Blocks of metafiles that a change of some files may touch. */
const METAFILE_BLOCKS = 4;

/** Ten minutes past: the mirrors' hourly schedule, which runs in this world too, does not come into the story. */
function afterTheHour(now: number): number {
  const hourMs = 3_600_000;
  return Math.floor(now / hourMs) * hourMs + hourMs / 6;
}

/** The configuration an operator of these two clusters would have. */
function cinderConf(world: SimulatedOntap, source: string, target: string): string {
  const section = (name: string, cluster: string, lines: readonly string[]) => {
    const { url, user, password, svms } = world.cluster(cluster);
    const { hostname, port } = new URL(url);
    return [
      `[${name}]`,
      'volume_driver = cinder.volume.drivers.netapp.common.NetAppDriver',
      'netapp_storage_family = ontap_cluster',
      'netapp_storage_protocol = nfs',
      `netapp_vserver = ${svms[0]}`,
      `netapp_server_hostname = ${hostname}`,
      `netapp_server_port = ${port}`,
      'netapp_transport_type = http',
      `netapp_login = ${user}`,
      `netapp_password = ${password}`,
      'netapp_use_legacy_client = false',
      ...lines,
      '',
    ].join('\n');
  };
  const [from, to] = [world.cluster(source).aggregates, world.cluster(target).aggregates];
  const map = from.map((aggregate, i) => `${aggregate}:${to[i] ?? to[0]}`).join(',');
  return [
    '[DEFAULT]\nenabled_backends = east\n',
    section('east', source, [
      'replication_device = backend_id:west',
      `netapp_replication_aggregate_map = backend_id:west,${map}`,
    ]),
    section('west', target, []),
  ].join('\n');
}

/** A whole operation with its steps in sight. */
async function withEvents<T>(
  terminal: Terminal,
  work: (onEvent: (event: FailoverEvent) => void) => Promise<T>,
): Promise<T> {
  const progress = terminal.progress();
  try {
    return await work(toldTo(progress));
  } finally {
    progress.stop();
  }
}

/** Runs a verb over the volumes, one after the other, with progress. */
async function forEach<T>(
  terminal: Terminal,
  verb: (pair: Pair, onProgress: (at: MirrorProgress) => void) => Promise<T>,
): Promise<T[]> {
  const progress = terminal.progress();
  const results: T[] = [];
  try {
    for (const volume of VOLUMES) {
      const pair = { source: { backend: 'east', volume }, destination: { backend: 'west' } };
      results.push(await verb(pair, (at) => progress.step(volume, at.step, at)));
      progress.end(volume, 'done');
    }
  } finally {
    progress.stop();
  }
  return results;
}

async function showStatus(terminal: Terminal, dataMotion: DataMotion): Promise<void> {
  const mirrors = await dataMotion.getSnapmirrors({ source: 'east', target: 'west' }, { signal: terminal.signal });
  terminal.table(
    ['source', 'destination', 'state', 'protection', 'lag'],
    mirrors.map((m) => [m.source.path, m.destination.path, m.state, m.protection, duration(m.lagSeconds)]),
  );
}

/** A few files of different sizes; some content repeats, as real content does. */
function filled(volume: SimulatedVolume, seed: number, random: SeededRandom): SimulatedVolume {
  for (let file = 0; file < 4; file++) {
    const size = (1 + file + seed) * MIB;
    const content = new Uint8Array(size);
    for (let at = 0; at < size; at += BLOCK_BYTES) content.fill(Math.floor(random.next() * 256), at, at + BLOCK_BYTES);
    volume.write(`/data-${file}.bin`, 0, content);
  }
  return volume;
}

let generation = 0;

/** Changes exactly `count` different blocks of a volume. */
function overwrite(volume: SimulatedVolume, count: number, random: SeededRandom): void {
  const content = contentOf(volume);
  const blocks = [...content].flatMap(([path, data]) =>
    Array.from({ length: Math.ceil(data.length / BLOCK_BYTES) }, (_, block) => ({ path, offset: block * BLOCK_BYTES })),
  );
  for (let i = 0; i < count; i++) {
    const [chosen] = blocks.splice(Math.floor(random.next() * blocks.length), 1);
    if (chosen === undefined) return;
    const block = new Uint8Array(BLOCK_BYTES).fill(generation % 256);
    new DataView(block.buffer).setUint32(0, ++generation);
    volume.write(chosen.path, chosen.offset, block);
  }
}

function contentOf(volume: SimulatedVolume): Map<string, Uint8Array> {
  return new Map(volume.files().map((path) => [path, volume.read(path)]));
}

function same(sources: readonly SimulatedVolume[], copies: readonly SimulatedVolume[]): boolean {
  return sources.every((source, i) => {
    const copy = copies[i];
    return copy !== undefined && differingBlocks(contentOf(source), contentOf(copy)) === 0;
  });
}

/** Blocks of either side that the other does not have in the same place. */
function differingBlocks(one: ReadonlyMap<string, Uint8Array>, other: ReadonlyMap<string, Uint8Array>): number {
  let count = 0;
  for (const path of new Set([...one.keys(), ...other.keys()])) {
    const [a = new Uint8Array(), b = new Uint8Array()] = [one.get(path), other.get(path)];
    for (let at = 0; at < Math.max(a.length, b.length); at += BLOCK_BYTES) {
      if (Buffer.compare(a.subarray(at, at + BLOCK_BYTES), b.subarray(at, at + BLOCK_BYTES)) !== 0) count++;
    }
  }
  return count;
}
