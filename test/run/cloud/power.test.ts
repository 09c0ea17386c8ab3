import { describe, expect, it } from 'vitest';
import { parseKey } from '../../../src/core/cloud/format/names.ts';
import { decodeHead } from '../../../src/core/cloud/format/object.ts';
import { systemEnv } from '../../../src/env.ts';
import { DataMotionError } from '../../../src/errors.ts';
import { FilesystemObjectStore } from '../../../src/object-store/filesystem.ts';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { DirectoryStateStore } from '../../../src/state/directory.ts';
import { SeededRandom } from '../../../src/testing/random.ts';
import { type CrashOutcome, VolatileDisk } from '../../../src/testing/volatile-disk.ts';
import { portrait } from '../../core/cloud/wafl-restore.ts';
import { ScriptedSigns } from '../../state/scripted-signs.ts';
import { blocks, look, problemsOf, Rig, SMALL, smallVolume, tools } from './rig.ts';

/** CLOUD_EVERY_CUT=1: the power fails at every single change, and not at a part of them that covers all kinds. */
const EVERY_CUT = process.env['CLOUD_EVERY_CUT'] !== undefined;

/** A machine whose disk has both the object store and the state, and loses power. */
class Machine {
  readonly disk: VolatileDisk;
  readonly volume = smallVolume(200);
  readonly signs = new ScriptedSigns();
  readonly #seed: number;
  #starts = 0;
  rig: Rig;

  constructor(seed: number) {
    this.#seed = seed;
    this.disk = new VolatileDisk({ random: new SeededRandom(seed) });
    this.rig = this.start();
  }

  /** A process that starts now. */
  start(): Rig {
    const disk = this.disk.attach();
    const random = new SeededRandom(this.#seed * 1000 + ++this.#starts);
    this.rig = new Rig({
      volume: this.volume,
      env: systemEnv({ random }),
      store: new FilesystemObjectStore('/srv/store', { disk, random }),
      state: new DirectoryStateStore('/srv/state', { disk, random, signs: this.signs }),
    });
    return this.rig;
  }

  /** A baseline, then everything that changes a volume, and a snapshot `s2` of it. */
  async prepare(): Promise<void> {
    const { volume } = this;
    for (const [file, count] of [
      ['/a', 9],
      ['/b', 14],
    ] as const) {
      volume.create(file);
      volume.write(file, 0, blocks(...Array.from({ length: count }, (_, at) => at + 1)));
    }
    this.rig.snapshot('s1');
    await this.rig.backup();
    volume.write('/a', 2 * 4096, blocks(50, 51, 52));
    volume.punchHole('/b', 4096, 3 * 4096);
    volume.write('/b', 12 * 4096, blocks(60, 61, 62));
    volume.cloneFile('/a', '/c');
    this.rig.snapshot('s2');
  }
}

/** VVBNs that lie in two objects above this id. */
async function sentTwice(rig: Rig, above: number): Promise<number> {
  const { contents, endpointId } = await look(rig.store);
  const sent: number[] = [];
  for (const [key, bytes] of contents) {
    const name = parseKey(key);
    if (name?.kind !== 'object' || name.objectId <= above) continue;
    sent.push(...decodeHead(bytes, endpointId, name.objectId, tools).vvbns);
  }
  return sent.length - new Set(sent).size;
}

/** Objects in the store since a snapshot. */
async function objectsAbove(rig: Rig, above: number): Promise<number> {
  const names = [...(await look(rig.store)).contents.keys()].map((key) => parseKey(key));
  return names.filter((name) => name?.kind === 'object' && name.objectId > above).length;
}

async function restored(rig: Rig, name: string): Promise<string[]> {
  const volume = smallVolume(1000);
  await rig.endpoint.restore({ target: new WaflRestoreTarget(volume), snapshot: name });
  return portrait(volume.snapshotView(name));
}

describe('a transfer cut off by a loss of power at a change of store or state', () => {
  for (const outcome of ['nothing', 'everything', 'random'] as const satisfies CrashOutcome[]) {
    it(`is gone on with, when ${outcome} of what was not synced is left`, { timeout: 120_000 }, async () => {
      let cuts = 0;
      let resumed = 0;
      const step = EVERY_CUT ? 1 : outcome === 'random' ? 2 : 7;
      const tell = (was: boolean) => {
        resumed += Number(was);
      };
      for (let at = 0; await cutOff(at, outcome, tell); at += step) cuts++;
      expect(cuts).toBeGreaterThan(20);
      expect(resumed).toBeGreaterThan(10);
    });
  }

  /** False when the transfer ended before the power failed. */
  async function cutOff(at: number, outcome: CrashOutcome, tell: (resumed: boolean) => void): Promise<boolean> {
    const machine = new Machine(at + 1);
    await machine.prepare();
    const baseline = (await look(machine.rig.store)).history.snapshots[0]?.id ?? 0;
    machine.disk.dieAfter(at);
    const died = await machine.rig.backup({ snapshot: 's2' }).then(
      () => false,
      (error) => {
        if (!(error instanceof DataMotionError)) throw error;
        return true;
      },
    );
    machine.disk.crash(outcome);
    machine.signs.die();
    if (outcome === 'random') {
      // The one that goes on dies too.
      machine.disk.dieAfter((at * 7) % 29);
      await machine
        .start()
        .backup({ snapshot: 's2' })
        .catch(() => {});
      machine.disk.crash(outcome);
      machine.signs.die();
    }
    const rig = machine.start();
    const where = `cut at change ${at}, ${outcome} left`;
    // Nothing that was committed is lost, whatever else there is.
    expect(await restored(rig, 's1'), where).toEqual(portrait(machine.volume.snapshotView('s1')));
    const result = await rig.backup({ snapshot: 's2' });
    tell(result.resumed);
    expect(await problemsOf(rig.store, rig.state, machine.volume), where).toEqual([]);
    // Nothing is counted twice, whatever was in the journal and in the checkpoint.
    expect(result.uploads.objects, where).toBeLessThanOrEqual(await objectsAbove(rig, baseline));
    expect(await sentTwice(rig, baseline), where).toBeLessThanOrEqual(
      (outcome === 'random' ? 2 : 1) * SMALL.limits.objectsInFlight * SMALL.layout.slotsPerObject,
    );
    expect(await restored(rig, 's2'), where).toEqual(portrait(machine.volume.snapshotView('s2')));
    // The next one has its base, and after a collection nothing is left that nobody needs.
    machine.volume.write('/c', 0, blocks(70));
    rig.snapshot('s3');
    await rig.backup();
    await rig.endpoint.forget({ snapshots: ['s1'] });
    await rig.endpoint.collect();
    expect(await problemsOf(rig.store, rig.state, machine.volume, { collected: true }), where).toEqual([]);
    for (const name of ['s2', 's3']) {
      expect(await restored(rig, name), where).toEqual(portrait(machine.volume.snapshotView(name)));
    }
    return died;
  }
});

describe('a collection cut off by a loss of power at every change', () => {
  it('is finished by the next one', { timeout: 60_000 }, async () => {
    let cuts = 0;
    for (let at = 0; ; at++) {
      const machine = new Machine(at + 1);
      await machine.prepare();
      await machine.rig.backup();
      await machine.rig.endpoint.forget({ snapshots: ['s1'] });
      machine.disk.dieAfter(at);
      const died = await machine.rig.endpoint.collect().then(
        () => false,
        () => true,
      );
      machine.disk.crash('random');
      const rig = machine.start();
      expect(await problemsOf(rig.store, undefined, machine.volume)).toEqual([]);
      await rig.endpoint.collect();
      expect(await problemsOf(rig.store, undefined, machine.volume, { collected: true })).toEqual([]);
      expect(await restored(rig, 's2')).toEqual(portrait(machine.volume.snapshotView('s2')));
      if (!died) break;
      cuts++;
    }
    expect(cuts).toBeGreaterThan(10);
  });
});
