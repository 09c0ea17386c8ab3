/** Random histories of a volume and its endpoint through the engine: the machine that plays them and checks after every step. */
import { checkUploads, type SourceView } from '../../../src/core/cloud/check.ts';
import type { SnapshotFacts } from '../../../src/core/cloud/format/history-entry.ts';
import { decodeManifest } from '../../../src/core/cloud/format/manifest.ts';
import { manifestKey, OBJECTS_PREFIX, parseKey } from '../../../src/core/cloud/format/names.ts';
import { decodeHead } from '../../../src/core/cloud/format/object.ts';
import { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { CloudError, DataMotionError, VolumeModelError } from '../../../src/errors.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import type { BackupResult } from '../../../src/run/cloud/backup.ts';
import { FileRestoreTarget } from '../../../src/run/cloud/file-restore-target.ts';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { VolatileDisk } from '../../../src/testing/volatile-disk.ts';
import { damaged } from '../../core/cloud/damage-step.ts';
import { changeVolume, isVolumeStep, type Step, tellStep, Violation } from '../../core/cloud/steps.ts';
import { portrait } from '../../core/cloud/wafl-restore.ts';
import { PausedStore } from './paused-store.ts';
import {
  type Looked,
  look,
  NAME,
  problemsOf,
  Rig,
  type Sealing,
  SMALL,
  smallVolume,
  sourceView,
  tools,
} from './rig.ts';

export class Machine {
  readonly volume = smallVolume();
  readonly store = new MemoryObjectStore();
  state = new MemoryStateStore();
  writer = 'host-1';
  readonly counts = {
    steps: 0,
    transfers: 0,
    incrementals: 0,
    crashes: 0,
    resumed: 0,
    refused: 0,
    restores: 0,
    deleted: 0,
    rebuilt: 0,
    held: 0,
    overtaken: 0,
    damaged: 0,
  };
  /** Steps by kind. */
  readonly kinds: Partial<Record<Step['do'], number>> = {};
  /** What each snapshot was, by its uuid. */
  readonly #portraits = new Map<string, string[]>();
  readonly #sealing: Sealing;
  #rig: Rig;
  #snapshots = 0;
  #uploads: [number[], number[], number[]] = [[], [], []];

  /** @param sealing what an encrypted endpoint is encrypted with */
  constructor(sealing: Sealing = { tools }) {
    this.#sealing = sealing;
    this.#rig = this.#newRig(this.store);
  }

  /** @throws Violation */
  async play(steps: readonly Step[]): Promise<void> {
    for (const [at, step] of steps.entries()) {
      await this.#play(step, `step ${at + 1}: ${tellStep(step)}`);
      this.counts.steps++;
      this.kinds[step.do] = (this.kinds[step.do] ?? 0) + 1;
    }
    for (const snapshot of (await this.#look()).history.snapshots) await this.#restoreWhole(snapshot, 'at the end');
  }

  #look(): Promise<Looked> {
    return look(this.store, NAME, this.#sealing.tools);
  }

  #newRig(store: Rig['store']): Rig {
    return new Rig({ ...this.#sealing, volume: this.volume, store, state: this.state, writer: this.writer });
  }

  async #play(step: Step, at: string): Promise<void> {
    let collected = false;
    try {
      collected = await this.#take(step, at);
    } catch (error) {
      if (!(error instanceof VolumeModelError) || error.code === 'WAFL_CORRUPT') throw error;
      this.counts.refused++;
    }
    const problems = await problemsOf(this.store, this.state, this.volume, { collected, tools: this.#sealing.tools });
    if (problems.length > 0) throw new Violation(problems, at);
  }

  /** True when the store was collected, with nothing held. */
  async #take(step: Step, at: string): Promise<boolean> {
    const { volume } = this;
    const { endpoint } = this.#rig;
    if (isVolumeStep(step)) {
      changeVolume(volume, step);
      return false;
    }
    switch (step.do) {
      case 'snapshot':
        this.#snapshot();
        return false;
      case 'backup':
        await this.#backup(this.#snapshot(), step.baseline, at);
        return false;
      case 'crash':
        await this.#crash(step, at);
        return false;
      case 'other-writer':
        await this.#otherWriter(at);
        return false;
      case 'rebuild':
        await this.#rebuild(at);
        return false;
      case 'drop-snapshot': {
        const { history } = await this.#look();
        const spared = step.baseToo ? undefined : history.base?.uuid;
        const candidates = volume.snapshots().filter(({ uuid }) => uuid !== spared);
        const target = candidates[step.which % Math.max(1, candidates.length)];
        if (target !== undefined) volume.deleteSnapshot(target.name);
        return false;
      }
      case 'forget': {
        const { base, snapshots } = (await this.#look()).history;
        const candidates = step.baseToo ? snapshots : snapshots.filter(({ id }) => id !== base?.id);
        const target = candidates[step.which % Math.max(1, candidates.length)];
        if (target === undefined) return false;
        if (target.id !== base?.id) await endpoint.forget({ snapshots: [target.id] });
        else {
          await this.#expect('CLOUD_SNAPSHOT_IS_BASE', at, () => endpoint.forget({ snapshots: [target.name] }));
          await endpoint.forget({ snapshots: [target.uuid], sequel: 'baseline' });
        }
        return false;
      }
      case 'collect': {
        const { owner, lastNumber } = (await this.#look()).history;
        if (owner === undefined) return false;
        const planned = await endpoint.collect({ planOnly: true });
        const done = await endpoint.collect();
        if (
          planned.objects !== done.objects ||
          planned.bytes !== done.bytes ||
          planned.snapshotFiles !== done.snapshotFiles
        ) {
          throw new Violation(['I6: what was done is not what was planned'], at);
        }
        const deleted = done.objects + done.snapshotFiles;
        if (deleted > 0 && (await this.#look()).history.lastNumber === lastNumber)
          throw new Violation(['I6: what was deleted was not declared dead in the history'], at);
        this.counts.deleted += deleted;
        return true;
      }
      case 'restore':
        await this.#restore(step, at);
        return false;
      case 'hold':
        await this.#forgetWhileRestoring(step.which, at);
        return false;
      case 'resume':
        await this.#resume();
        return false;
      case 'overtaken':
        await this.#overtaken(step.at, at);
        return false;
      case 'damage':
        await this.#damage(step, at);
        return false;
    }
  }

  #snapshot(): string {
    const name = `s${++this.#snapshots}`;
    this.volume.createSnapshot(name, { uuid: `uuid-${name}`, createdAt: this.#snapshots });
    this.#portraits.set(`uuid-${name}`, portrait(this.volume.snapshotView(name)));
    return name;
  }

  #viewOf(uuid: string | undefined): SourceView | undefined {
    const found = this.volume.snapshots().find((snapshot) => snapshot.uuid === uuid);
    return found && sourceView(this.volume.snapshotView(found.name));
  }

  async #backup(name: string, baseline: boolean, at: string): Promise<void> {
    const { base } = (await this.#look()).history;
    const before = baseline ? undefined : this.#viewOf(base?.uuid);
    const known = new Set(await this.#objectKeys());
    if (!baseline && base !== undefined && before === undefined) {
      await this.#expect('CLOUD_BASE_GONE', at, () => this.#rig.backup({ snapshot: name }));
      await this.#finish(name, await this.#rig.backup({ snapshot: name, baseline: true }), undefined, known, at);
      return;
    }
    await this.#finish(name, await this.#rig.backup({ snapshot: name, baseline }), before, known, at);
  }

  async #finish(
    name: string,
    result: BackupResult,
    before: SourceView | undefined,
    known: ReadonlySet<string>,
    at: string,
  ): Promise<void> {
    const view = this.volume.snapshotView(name);
    this.counts.transfers++;
    if (before !== undefined) this.counts.incrementals++;
    // Without an upload that a crash made twice, exactly the changed blocks went, each once; the result says the same.
    this.#uploads = await this.#uploadsSince(known);
    if (result.resumed) this.counts.resumed++;
    const problems = checkUploads(this.#uploads, before, sourceView(view));
    const counted = this.#uploads.map(({ length }) => length).join();
    if (result.uploads.blocks.join() !== counted)
      problems.push(`I3: ${counted} blocks went, not ${result.uploads.blocks}`);
    if (!result.resumed && result.changedBlocks.join() !== counted) problems.push('I5: not what changed was sent');
    const indirects = result.changedBlocks[1] + result.changedBlocks[2];
    if (result.indirectBlocksRead !== indirects)
      problems.push(`I5: ${result.indirectBlocksRead} indirect blocks were read for ${indirects}`);
    problems.push(...(await this.#manifestProblems(result.snapshot, result)));
    if (problems.length > 0) throw new Violation(problems, at);
  }

  async #manifestProblems({ id }: SnapshotFacts, { uploads }: BackupResult): Promise<string[]> {
    const { contents, endpointId } = await this.#look();
    const { manifest } = decodeManifest(
      contents.get(manifestKey(id)) ?? new Uint8Array(),
      endpointId,
      id,
      this.#sealing.tools,
    );
    return manifest.uploadedBytes === uploads.bytes
      ? []
      : [`the manifest says ${manifest.uploadedBytes} bytes, not ${uploads.bytes}`];
  }

  async #objectKeys(): Promise<string[]> {
    const { contents } = await this.#look();
    return [...contents.keys()].filter((key) => key.startsWith(OBJECTS_PREFIX));
  }

  async #uploadsSince(known: ReadonlySet<string>): Promise<[number[], number[], number[]]> {
    const { contents, endpointId } = await this.#look();
    const uploads: [number[], number[], number[]] = [[], [], []];
    for (const [key, bytes] of contents) {
      const name = parseKey(key);
      if (name?.kind !== 'object' || known.has(key)) continue;
      const head = decodeHead(bytes, endpointId, name.objectId, this.#sealing.tools);
      uploads[head.level].push(...head.vvbns);
    }
    return uploads;
  }

  /** The process dies before or after one of its changes of the store; another one comes. */
  async #crash(step: Extract<Step, { do: 'crash' }>, at: string): Promise<void> {
    const { base } = (await this.#look()).history;
    const before = this.#viewOf(base?.uuid);
    if (base !== undefined && before === undefined) return;
    const name = this.#snapshot();
    const known = new Set(await this.#objectKeys());
    const dying = new FaultyObjectStore(this.store);
    dying.dieAfter(step.at, step.when);
    this.counts.crashes++;
    try {
      await this.#finish(name, await this.#newRig(dying).backup({ snapshot: name }), before, known, at);
      return;
    } catch (error) {
      if (!(error instanceof DataMotionError)) throw error;
    }
    if (step.next === 'leave') return;
    if (step.next === 'abandon') {
      // Another snapshot is backed up: what was staged is dropped.
      const other = this.#snapshot();
      await this.#backup(other, false, at).catch((error) => {
        if (!(error instanceof CloudError) || error.code !== 'CLOUD_BASE_GONE') throw error;
      });
      return;
    }
    if (step.next.startsWith('another') && base !== undefined) {
      const other = new Rig({ ...this.#sealing, volume: this.volume, store: this.store, writer: 'another' });
      await other.endpoint.rebuildVmap({ state: other.state, writer: other.writer });
    }
    if (step.next.endsWith('collect, resume')) await this.#rig.endpoint.collect().catch(unlessNoEndpoint);
    const again = await this.#rig.backup({ snapshot: name, takeOver: true });
    // It was committed before the crash: what comes next takes the endpoint back.
    if (again.outcome === 'already-there') await this.#rig.backup({ snapshot: this.#snapshot(), takeOver: true });
    if (again.resumed) this.counts.resumed++;
    // I3, I7: at most the objects that were in flight are sent again.
    const all = await this.#uploadsSince(known);
    const twice = all.map((vvbns) => vvbns.length - new Set(vvbns).size).reduce((sum, count) => sum + count, 0);
    if (twice > SMALL.limits.objectsInFlight * SMALL.layout.slotsPerObject)
      throw new Violation([`I3: ${twice} blocks went twice over a crash`], at);
  }

  async #otherWriter(at: string): Promise<void> {
    if ((await this.#look()).history.owner === undefined) return;
    const name = this.#snapshot();
    const intruder = new Rig({ ...this.#sealing, volume: this.volume, store: this.store, writer: 'an intruder' });
    await this.#expect('CLOUD_CONFLICT', at, () => intruder.backup({ snapshot: name }));
  }

  /** Goes on with the transfer that a crash cut off, if its snapshots are still there. */
  async #resume(): Promise<void> {
    const { history } = await this.#look();
    if (history.owner === undefined) return;
    const interrupted = await this.#rig.endpoint.interrupted({ state: this.state });
    const before = this.#viewOf(history.base?.uuid);
    if (this.#viewOf(interrupted?.uuid) === undefined || (history.base !== undefined && before === undefined)) return;
    const again = await this.#rig.backup({ snapshot: interrupted?.uuid });
    if (again.resumed) this.counts.resumed++;
  }

  /**
   * I11: another writer takes over, and backs up, while a transfer waits before one of its changes of the store. The one
   * that waited is told of a conflict, and has changed nothing but objects that nobody needs.
   */
  async #overtaken(change: number, at: string): Promise<void> {
    const { base, owner } = (await this.#look()).history;
    if (owner === undefined || (base !== undefined && this.#viewOf(base.uuid) === undefined)) return;
    const known = new Set(await this.#objectKeys());
    const before = this.#viewOf(base?.uuid);
    const name = this.#snapshot();
    const paused = new PausedStore(this.store, change);
    const slow = this.#newRig(paused);
    const running = slow.backup({ snapshot: name }).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    const early = await Promise.race([running, paused.reached]);
    if (early !== undefined) {
      if ('error' in early) throw early.error;
      await this.#finish(name, early.result, before, known, at);
      return;
    }
    this.writer = `host-${Number(this.writer.slice(5)) + 1}`;
    this.state = new MemoryStateStore();
    this.#rig = this.#newRig(this.store);
    if (base !== undefined) await this.#rig.endpoint.rebuildVmap({ state: this.state, writer: this.writer });
    const sentBefore = new Set(await this.#objectKeys());
    const other = this.#snapshot();
    const result = await this.#rig.backup({ snapshot: other, takeOver: true });
    await this.#finish(other, result, before, sentBefore, at);
    const { lastNumber } = (await this.#look()).history;
    paused.goOn();
    const late = await running;
    if (!('error' in late)) throw new Violation(['I11: two writers advanced the endpoint'], at);
    if (!(late.error instanceof CloudError) || late.error.code !== 'CLOUD_CONFLICT') throw late.error;
    if ((await this.#look()).history.lastNumber !== lastNumber)
      throw new Violation(['I11: the writer that was taken over from went on with the history'], at);
    this.counts.overtaken++;
  }

  /** I10: verify finds it; a restore fails with a clear error, or gives what was backed up. */
  async #damage(step: Extract<Step, { do: 'damage' }>, at: string): Promise<void> {
    const { endpointId, history, contents } = await this.#look();
    const damage = damaged({ endpointId, tools: this.#sealing.tools, state: history, contents }, step);
    if (damage === undefined) return;
    const store = new MemoryObjectStore();
    for (const [key, bytes] of damage.contents) await store.put(`${NAME}/${key}`, bytes);
    const { endpoint } = new Rig({ ...this.#sealing, volume: this.volume, store });
    this.counts.damaged++;
    const found = await endpoint.verify({ readData: true }).then(
      ({ problems }) => problems.length > 0,
      (error) => error instanceof CloudError,
    );
    if (!found) throw new Violation([`I10: the damage of ${damage.key} is not found`], at);
    for (const { uuid, name } of history.snapshots) {
      const volume = restoreVolume();
      try {
        await endpoint.restore({ target: new WaflRestoreTarget(volume), snapshot: uuid });
      } catch (error) {
        if (error instanceof CloudError) continue;
        throw error;
      }
      const restored = portrait(volume.snapshotView(name)).join('\n');
      if (restored !== this.#portraits.get(uuid)?.join('\n'))
        throw new Violation([`I10: with ${damage.key} damaged, ${name} is restored as something else`], at);
    }
  }

  async #rebuild(at: string): Promise<void> {
    if ((await this.#look()).history.base === undefined) return;
    this.state = new MemoryStateStore();
    this.#rig = this.#newRig(this.store);
    await this.#expect('CLOUD_STATE_LOST', at, async () => {
      await this.#rig.backup({ snapshot: this.#snapshot() });
    });
    await this.#rig.endpoint.rebuildVmap({ state: this.state, writer: this.#rig.writer });
    this.counts.rebuilt++;
  }

  async #restore(step: Extract<Step, { do: 'restore' }>, at: string): Promise<void> {
    const { snapshots } = (await this.#look()).history;
    const wanted = snapshots[step.which % Math.max(1, snapshots.length)];
    if (wanted === undefined) return;
    const first = await this.#restoreWhole(wanted, at);
    const common = snapshots[step.common % snapshots.length];
    if (common !== undefined && common.id !== wanted.id) {
      const volume = await this.#restoreWhole(common, at);
      await this.#rig.endpoint.restore({
        target: new WaflRestoreTarget(volume),
        snapshot: wanted.uuid,
        onto: common.name,
      });
      const found = portrait(volume.snapshotView(wanted.name), { sharing: false });
      const expected = portrait(first.snapshotView(wanted.name), { sharing: false });
      if (found.join('\n') !== expected.join('\n')) throw new Violation(['I8: the incremental restore differs'], at);
    }
    const view = first.snapshotView(wanted.name);
    const inode = [...view.walk()].find(({ path }) => path === `/f${step.file}`)?.inode;
    if (inode === undefined) return;
    const range = { from: step.from, to: step.from + 9000 };
    const disk = new VolatileDisk();
    const options = {
      disk: disk.attach(),
      path: '/out',
      folder: '/',
      into: 'new-file',
    } as const;
    const target = new FileRestoreTarget(options);
    await this.#rig.endpoint.restore({ target, snapshot: wanted.id, file: `/f${step.file}`, range });
    const out = await disk.attach().open('/out', 'read');
    const { sizeBytes } = await out.stat();
    const bytes = new Uint8Array(sizeBytes);
    await out.read(bytes, 0);
    first.restoreSnapshot(wanted.name);
    if (!Buffer.from(bytes).equals(first.read(inode.number, range.from, 9000)))
      throw new Violation(['I8: a byte range differs'], at);
  }

  async #forgetWhileRestoring(which: number, at: string): Promise<void> {
    const { base, snapshots } = (await this.#look()).history;
    const candidates = snapshots.filter(({ id }) => id !== base?.id);
    const wanted = candidates[which % Math.max(1, candidates.length)];
    if (wanted === undefined) return;
    const { endpoint } = this.#rig;
    const interrupt = async () => {
      await endpoint.forget({ snapshots: [wanted.id] });
      const { heldSnapshots } = await endpoint.collect();
      if (!heldSnapshots.includes(wanted.id)) throw new Violation(['I6: the hold was not seen'], at);
    };
    await this.#restoreWhole(wanted, at, interrupt);
    this.counts.held++;
  }

  async #restoreWhole(wanted: SnapshotFacts, at: string, meanwhile?: () => Promise<void>): Promise<WaflVolume> {
    const volume = restoreVolume();
    const target = new WaflRestoreTarget(volume);
    if (meanwhile !== undefined)
      target.begin = (facts) => WaflRestoreTarget.prototype.begin.call(target, facts).then(meanwhile);
    const distinct = (await this.#rig.endpoint.show({ snapshot: wanted.id })).heldBlocks[0];
    const result = await this.#rig.endpoint.restore({ target, snapshot: wanted.id });
    this.counts.restores++;
    const found = portrait(volume.snapshotView(wanted.name));
    const expected = this.#portraits.get(wanted.uuid) ?? [];
    const differs = found.findIndex((line, i) => line !== expected[i]);
    if (differs >= 0 || found.length !== expected.length) {
      throw new Violation([`I8: restored "${found[differs]}", expected "${expected[differs]}"`], at);
    }
    if (result.fetchedBlocks > distinct) {
      throw new Violation([`I8: ${result.fetchedBlocks} blocks were fetched, and there are ${distinct}`], at);
    }
    return volume;
  }

  async #expect(code: string, at: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof CloudError && error.code === code) return;
      throw error;
    }
    throw new Violation([`it should have been refused with ${code}`], at);
  }
}

/** Of another geometry than the volume that was backed up. */
function restoreVolume(): WaflVolume {
  return new WaflVolume({ capacityBlocks: 4096, pointersPerBlock: 8, rootPointers: 3 });
}

/** The crash was before there was one. */
function unlessNoEndpoint(error: unknown): void {
  if (!(error instanceof CloudError) || error.code !== 'CLOUD_ENDPOINT_UNKNOWN') throw error;
}
