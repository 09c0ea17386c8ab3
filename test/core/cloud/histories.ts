/**
 * Random histories of a small volume and its endpoint: arbitraries, and the machine that plays them and checks after
 * every step.
 */
import fc from 'fast-check';
import { check, checkUploads, type DecodedCache, type SourceView } from '../../../src/core/cloud/check.ts';
import type { SnapshotFacts } from '../../../src/core/cloud/format/history-entry.ts';
import type { FormatTools } from '../../../src/core/cloud/format/tools.ts';
import { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { CloudError, VolumeModelError } from '../../../src/errors.ts';
import { sourceView, sourceViews, TEST_SLOTS, TestEndpoint, type TransferResult } from './driver.ts';
import { ENDPOINT_ID } from './format-tools.ts';
import type { Phases } from './phases.ts';
import { portrait, readRange, restore } from './wafl-restore.ts';

export type Step =
  | {
      readonly do: 'write';
      readonly file: number;
      readonly block: number;
      readonly content: number;
      readonly count: number;
    }
  | { readonly do: 'punch' | 'truncate'; readonly file: number; readonly block: number; readonly count: number }
  | { readonly do: 'clone' | 'rename'; readonly file: number; readonly other: number }
  | { readonly do: 'delete' | 'attributes' | 'rollback'; readonly file: number }
  | { readonly do: 'dedupe' | 'snapshot' | 'collect' | 'other-writer' | 'rebuild' | 'resume' }
  | { readonly do: 'backup'; readonly baseline: boolean }
  | { readonly do: 'crash'; readonly stops: number; readonly next: 'resume' | 'collect, resume' | 'abandon' | 'leave' }
  | { readonly do: 'drop-snapshot'; readonly which: number; readonly baseToo: boolean }
  | { readonly do: 'forget'; readonly which: number; readonly baseToo: boolean }
  /** A restore is under way while its snapshot is forgotten and a collection runs. */
  | { readonly do: 'hold'; readonly which: number }
  | {
      readonly do: 'restore';
      readonly which: number;
      readonly common: number;
      readonly file: number;
      readonly from: number;
    };

const file = fc.nat(3);
const block = fc.nat(13);
const few = fc.nat(15);

/** Mostly writes and backups, a little of everything else. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      file,
      block,
      content: fc.nat(5),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('punch' as const, 'truncate' as const),
      file,
      block,
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('clone' as const, 'rename' as const), file, other: file }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'attributes' as const, 'rollback' as const), file }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'dedupe' as const,
        'snapshot' as const,
        'collect' as const,
        'other-writer' as const,
        'rebuild' as const,
        'resume' as const,
      ),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('backup' as const),
      baseline: fc.integer({ min: 0, max: 9 }).map((n) => n === 9),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      stops: fc.oneof(fc.nat(7), fc.nat(45)),
      next: fc.constantFrom('resume' as const, 'collect, resume' as const, 'abandon' as const, 'leave' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('drop-snapshot' as const),
      which: few,
      baseToo: fc.integer({ min: 0, max: 5 }).map((n) => n === 5),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('forget' as const),
      which: few,
      baseToo: fc.integer({ min: 0, max: 5 }).map((n) => n === 5),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const), which: few }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('restore' as const), which: few, common: few, file, from: fc.nat(30_000) }),
  },
);

export const history: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 8, maxLength: 44, size: 'max' });

/** Something that must always hold did not. The message begins with the invariant's number. */
export class Violation extends Error {
  constructor(problems: readonly string[], at: string) {
    super(`${problems.slice(0, 5).join('; ')} (${at})`);
  }
}

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
  };
  readonly #decoded: DecodedCache = new WeakMap();
  #snapshots = 0;

  constructor(phases: Partial<Phases> = {}, tools?: FormatTools) {
    this.endpoint = new TestEndpoint(this.volume, phases, tools);
  }

  /** @throws Violation */
  play(steps: readonly Step[]): void {
    steps.forEach((step, at) => {
      this.#play(step, `step ${at}: ${JSON.stringify(step)}`);
      this.counts.steps++;
    });
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
    switch (step.do) {
      case 'write': {
        const path = `/f${step.file}`;
        if (!volume.exists(path)) volume.create(path);
        const bytes = new Uint8Array(4096 * step.count - (step.content === 0 ? 100 : 0));
        for (let i = 0; i < step.count; i++) bytes.fill(1 + step.content + (i % 2), i * 4096, (i + 1) * 4096);
        volume.write(path, step.block * 4096, bytes);
        return false;
      }
      case 'punch':
        volume.punchHole(`/f${step.file}`, step.block * 4096, step.count * 4096);
        return false;
      case 'truncate':
        volume.truncate(`/f${step.file}`, step.block * 4096 + step.count);
        return false;
      case 'clone':
        volume.cloneFile(`/f${step.file}`, `/f${step.other}`);
        return false;
      case 'rename':
        volume.rename(`/f${step.file}`, `/f${step.other}`, { replace: true });
        return false;
      case 'delete':
        volume.remove(`/f${step.file}`);
        return false;
      case 'attributes':
        volume.setAttributes(`/f${step.file}`, { mode: 0o600 + step.file });
        return false;
      case 'rollback': {
        const snapshots = volume.snapshots();
        const target = snapshots[step.file % Math.max(1, snapshots.length)];
        if (target !== undefined) volume.restoreSnapshot(target.name);
        return false;
      }
      case 'dedupe':
        volume.dedupe();
        return false;
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
    const done = endpoint.backupUntil(name, step.stops);
    this.counts.crashes++;
    if (done !== undefined) {
      this.#finish(name, done, before, at);
      return;
    }
    if (step.next === 'abandon') endpoint.abandon();
    if (step.next === 'collect, resume') this.counts.deleted += endpoint.collect();
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
    throw new Violation([`${code === 'CLOUD_BASE_GONE' ? 'I9' : 'I6'}: it should have been refused with ${code}`], at);
  }
}
