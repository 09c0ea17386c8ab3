/** Random histories of a small volume and its endpoint through the phases: the machine that plays them and checks after every step. */
import { check, checkUploads, type DecodedCache, type SourceView } from '../../../src/core/cloud/check.ts';
import type { SnapshotFacts } from '../../../src/core/cloud/format/history-entry.ts';
import type { FormatTools } from '../../../src/core/cloud/format/tools.ts';
import { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { CloudError, VolumeModelError } from '../../../src/errors.ts';
import { damaged } from './damage-step.ts';
import { sourceView, sourceViews, TEST_SLOTS, TestEndpoint, type TransferResult } from './driver.ts';
import { ENDPOINT_ID } from './format-tools.ts';
import type { Phases } from './phases.ts';
import { changeVolume, isVolumeStep, type Step, tellStep, Violation } from './steps.ts';
import { portrait, readRange, restore } from './wafl-restore.ts';

/** A volume of 90 blocks with 4 pointers in a block: every freed VVBN is given again at once. */
export class Machine {
  readonly volume = new WaflVolume({ capacityBlocks: 90, pointersPerBlock: 4, rootPointers: 2 });
  readonly endpoint: TestEndpoint;
  /** What each backed-up snapshot was, by its id. */
  readonly portraits = new Map<number, string[]>();
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
    overtaken: 0,
    damaged: 0,
  };
  /** Steps by kind. */
  readonly kinds: Partial<Record<Step['do'], number>> = {};
  readonly #decoded: DecodedCache = new WeakMap();
  #snapshots = 0;

  constructor(phases: Partial<Phases> = {}, tools?: FormatTools) {
    this.endpoint = new TestEndpoint(this.volume, phases, tools);
  }

  /** @throws Violation */
  play(steps: readonly Step[]): void {
    steps.forEach((step, at) => {
      this.#play(step, `step ${at + 1}: ${tellStep(step)}`);
      this.counts.steps++;
      this.kinds[step.do] = (this.kinds[step.do] ?? 0) + 1;
    });
    for (const snapshot of this.endpoint.state.snapshots) this.#restoreWhole(snapshot, 'at the end');
  }

  #play(step: Step, at: string): void {
    let collected = false;
    try {
      collected = this.#take(step, at);
    } catch (error) {
      if (!(error instanceof VolumeModelError) || error.code === 'WAFL_CORRUPT') throw error;
      this.counts.refused++;
    }
    const { endpoint } = this;
    const problems = check({
      endpointId: ENDPOINT_ID,
      tools: endpoint.tools,
      store: endpoint.store,
      state: endpoint.state,
      vmap: endpoint.vmap,
      sources: sourceViews(this.volume),
      collected,
      decoded: this.#decoded,
    });
    if (problems.length > 0) throw new Violation(problems, at);
  }

  /** True when the store was collected, with nothing held. */
  #take(step: Step, at: string): boolean {
    const { volume, endpoint } = this;
    if (isVolumeStep(step)) {
      changeVolume(volume, step);
      return false;
    }
    switch (step.do) {
      case 'snapshot':
        this.#snapshot();
        return false;
      case 'backup':
        this.#backup(this.#snapshot(), step.baseline, at);
        return false;
      case 'crash':
        this.#crash(step, at);
        return false;
      case 'resume':
        this.#resume(at);
        return false;
      case 'other-writer':
        if (endpoint.state.owner !== undefined && !endpoint.state.ended) endpoint.takeOver();
        endpoint.abandon();
        return false;
      case 'rebuild':
        this.#rebuild(at);
        return false;
      case 'drop-snapshot': {
        const spared = step.baseToo ? undefined : endpoint.state.base?.uuid;
        const candidates = volume.snapshots().filter(({ uuid }) => uuid !== spared);
        const target = candidates[step.which % Math.max(1, candidates.length)];
        if (target !== undefined) volume.deleteSnapshot(target.name);
        return false;
      }
      case 'forget': {
        const { base, snapshots } = endpoint.state;
        const candidates = step.baseToo ? snapshots : snapshots.filter(({ id }) => id !== base?.id);
        const target = candidates[step.which % Math.max(1, candidates.length)];
        if (target === undefined) return false;
        if (target.id === base?.id) this.#expect('CLOUD_SNAPSHOT_IS_BASE', at, () => endpoint.forget([target.id]));
        endpoint.forget([target.id], target.id === base?.id ? 'baseline' : 'continue');
        return false;
      }
      case 'collect':
        if (endpoint.state.owner === undefined) return false;
        this.counts.deleted += endpoint.collect();
        return true;
      case 'hold':
        this.#restoreWhileCollecting(step.which, at);
        return false;
      case 'restore':
        this.#restore(step, at);
        return false;
      case 'overtaken':
        this.#overtaken(step.at, at);
        return false;
      case 'damage':
        this.#damage(step, at);
        return false;
    }
  }

  #snapshot(): string {
    const name = `s${++this.#snapshots}`;
    this.volume.createSnapshot(name, { uuid: `uuid-${name}`, createdAt: this.#snapshots });
    return name;
  }

  /** The views of base and snapshot, as far as the source holds them. */
  #viewOf(uuid: string | undefined): SourceView | undefined {
    const found = this.volume.snapshots().find((snapshot) => snapshot.uuid === uuid);
    return found && sourceView(this.volume.snapshotView(found.name));
  }

  #backup(name: string, baseline: boolean, at: string): void {
    const { endpoint } = this;
    const { base } = endpoint.state;
    const before = baseline ? undefined : this.#viewOf(base?.uuid);
    if (!baseline && base !== undefined && before === undefined) {
      this.#expect('CLOUD_BASE_GONE', at, () => endpoint.backup(name));
      this.#finish(name, endpoint.backup(name, { baseline: true }), undefined, at);
      return;
    }
    this.#finish(name, endpoint.backup(name, { baseline }), before, at);
  }

  #finish(name: string, result: TransferResult, before: SourceView | undefined, at: string): void {
    const view = this.volume.snapshotView(name);
    this.portraits.set(result.snapshot.id, portrait(view));
    this.counts.transfers++;
    if (before !== undefined) this.counts.incrementals++;
    // What was in flight at a crash, one object at most, may go again.
    const distinct = result.uploads.map((vvbns) => [...new Set(vvbns)]) as [number[], number[], number[]];
    const [all, once] = [result.uploads, distinct].map((lists) => lists.reduce((sum, list) => sum + list.length, 0));
    const again = (all ?? 0) - (once ?? 0);
    const problems = checkUploads(result.attempts === 1 ? result.uploads : distinct, before, sourceView(view));
    if (again > TEST_SLOTS * (result.attempts - 1)) problems.push(`I7: ${again} blocks went again after a crash`);
    const changedIndirects = distinct[1].length + distinct[2].length;
    if (result.attempts === 1 && result.indirectBlocksRead !== changedIndirects) {
      problems.push(`I5: ${result.indirectBlocksRead} indirect blocks were read for ${changedIndirects} that changed`);
    }
    if (problems.length > 0) throw new Violation(problems, at);
  }

  #crash(step: Extract<Step, { do: 'crash' }>, at: string): void {
    const { endpoint } = this;
    const { base } = endpoint.state;
    const before = this.#viewOf(base?.uuid);
    if (base !== undefined && before === undefined) return;
    const name = this.#snapshot();
    const done = endpoint.backupUntil(name, 2 * step.at + (step.when === 'after' ? 1 : 0));
    this.counts.crashes++;
    if (done !== undefined) {
      this.#finish(name, done, before, at);
      return;
    }
    if (step.next === 'abandon') endpoint.abandon();
    if (step.next.startsWith('another')) endpoint.takeOver();
    if (step.next.endsWith('collect, resume')) this.counts.deleted += endpoint.collect();
    if (step.next.endsWith('resume')) this.#resume(at);
  }

  /** Goes on with the transfer that a crash cut off, whatever happened since, if its snapshots are still there. */
  #resume(at: string): void {
    const { endpoint } = this;
    const { base } = endpoint.state;
    const before = this.#viewOf(base?.uuid);
    const found = this.volume.snapshots().find(({ uuid }) => uuid === endpoint.checkpoint?.uuid);
    if (found === undefined || (base !== undefined && before === undefined)) return;
    this.counts.resumed++;
    this.#finish(found.name, endpoint.backup(found.name), before, at);
  }

  #overtaken(stops: number, at: string): void {
    const { endpoint } = this;
    const { base } = endpoint.state;
    const before = this.#viewOf(base?.uuid);
    if (base !== undefined && before === undefined) return;
    const name = this.#snapshot();
    const running = endpoint.transfer(name);
    for (let stop = 0; stop <= stops; stop++) {
      const step = running.next();
      if (!step.done) continue;
      this.#finish(name, step.value, before, at);
      return;
    }
    endpoint.takeOver();
    const { lastNumber } = endpoint.state;
    this.#expect('CLOUD_CONFLICT', at, () => {
      for (let step = running.next(); !step.done; ) step = running.next();
    });
    if (endpoint.state.lastNumber !== lastNumber) throw new Violation(['I11: it went on with the history'], at);
    endpoint.abandon();
    this.counts.overtaken++;
  }

  /** I10: whatever is damaged of what is needed, the checker finds it, in the history or behind it. */
  #damage(step: Extract<Step, { do: 'damage' }>, at: string): void {
    const { endpoint } = this;
    const { tools, state, store } = endpoint;
    const damage = damaged({ endpointId: ENDPOINT_ID, tools, state, contents: store }, step);
    if (damage === undefined) return;
    this.counts.damaged++;
    try {
      const { contents } = damage;
      const view = { get: (key: string) => contents.get(key), keys: () => contents.keys() };
      const found = endpoint.readHistory(contents);
      const same = found.lastDigest === state.lastDigest;
      if (!same || check({ endpointId: ENDPOINT_ID, tools, store: view, state: found, sources: new Map() }).length > 0)
        return;
    } catch (error) {
      if (error instanceof CloudError) return;
      throw error;
    }
    throw new Violation([`I10: the damage of ${damage.key} is not found`], at);
  }

  #restoreWhileCollecting(which: number, at: string): void {
    const { endpoint } = this;
    const { snapshots, base } = endpoint.state;
    const held = snapshots[which % Math.max(1, snapshots.length)];
    if (held === undefined || held.id === base?.id) return;
    endpoint.forget([held.id]);
    this.counts.deleted += endpoint.collect([held.id]);
    this.#restoreWhole(held, at);
    this.counts.deleted += endpoint.collect();
  }

  #rebuild(at: string): void {
    const { endpoint } = this;
    if (endpoint.state.base === undefined) return;
    const flat = (pages: TestEndpoint['vmap']) =>
      pages.map(({ number, entries }) => `${number}: ${entries.join()}`).join('\n');
    if (flat(endpoint.rebuildVmap()) !== flat(endpoint.vmap))
      throw new Violation(['I1: the rebuilt VMAP is another one'], at);
    this.counts.rebuilt++;
  }

  #restore(step: Extract<Step, { do: 'restore' }>, at: string): void {
    const { snapshots } = this.endpoint.state;
    const wanted = snapshots[step.which % Math.max(1, snapshots.length)];
    if (wanted === undefined) return;
    const first = this.#restoreWhole(wanted, at);
    const common = snapshots[step.common % snapshots.length];
    if (common !== undefined && common.id !== wanted.id) {
      const { volume } = this.#restoreWhole(common, at);
      restore(this.endpoint, wanted, { volume, common });
      const found = portrait(volume.snapshotView(wanted.name), { sharing: false });
      const expected = portrait(first.volume.snapshotView(wanted.name), { sharing: false });
      if (found.join('\n') !== expected.join('\n')) throw new Violation(['I8: the incremental restore differs'], at);
    }
    const inode = first.volume.lookup(`/f${step.file}`);
    if (inode === undefined) return;
    const range = { from: step.from, to: step.from + 9000 };
    const bytes = readRange(this.endpoint, wanted, inode.number, range);
    if (!Buffer.from(bytes).equals(first.volume.read(inode.number, range.from, 9000))) {
      throw new Violation(['I8: a byte range differs'], at);
    }
  }

  #restoreWhole(wanted: SnapshotFacts, at: string): { readonly volume: WaflVolume } {
    const { volume, fetched } = restore(this.endpoint, wanted);
    this.counts.restores++;
    const found = portrait(volume.snapshotView(wanted.name));
    const expected = this.portraits.get(wanted.id) ?? [];
    const differs = found.findIndex((line, i) => line !== expected[i]);
    if (differs >= 0 || found.length !== expected.length) {
      throw new Violation([`I8: restored "${found[differs]}", expected "${expected[differs]}"`], at);
    }
    for (const [pvbn, times] of fetched)
      if (times > 1) throw new Violation([`I8: ${pvbn} was fetched ${times} times`], at);
    return { volume };
  }

  #expect(code: string, at: string, act: () => unknown): void {
    try {
      act();
    } catch (error) {
      if (error instanceof CloudError && error.code === code) return;
      throw error;
    }
    throw new Violation([`${REFUSALS[code] ?? 'I6'}: it should have been refused with ${code}`], at);
  }
}

/** Which invariant a refusal keeps. */
const REFUSALS: Readonly<Record<string, string>> = { CLOUD_BASE_GONE: 'I9', CLOUD_CONFLICT: 'I11' };
