/**
 * The real command line, killed with SIGKILL at random moments of backups, restores, forgets, collections and rebuilds, and
 * run again. Afterwards every backup that was reported done restores byte for byte, and a collection leaves nothing that
 * nobody needs.
 *
 *   node test/cloud-judges/kills.ts [--kills 40] [--seed 1] [--lanes 2] [--mib 12]
 */
import { closeSync, copyFileSync, existsSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FilesystemObjectStore } from '../../src/object-store/filesystem.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { Verdicts } from '../interop/verdicts.ts';
import type { KillMoment, Ran } from './command.ts';
import { digestOf, filesIn, ImageWorld } from './image-world.ts';

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '2' },
    mib: { type: 'string', default: '12' },
  },
});
const BLOCK = 4096;
const IMAGE_BLOCKS = (Number(options.mib) * 1024 * 1024) / BLOCK;
/** Backups that are kept; older ones are forgotten. */
const KEPT = 4;

const VERBS = ['backup', 'restore', 'gc', 'forget', 'rebuild-vmap'] as const;
type Verb = (typeof VERBS)[number];

/** What a command tells of on its way: uniform moments would mostly meet the longest step. */
const STEPS: Readonly<Record<Verb, readonly string[]>> = {
  backup: ['invalidate', 'level-1', 'level-2', 'level-3', 'object-ids', 'object-ids done'],
  restore: ['plan', 'fetch', 'fetch done'],
  gc: ['list-objects', 'delete-objects', 'delete-objects done'],
  forget: [],
  'rebuild-vmap': ['rebuild', 'rebuild done'],
};

/** How long a command works, and how long it takes to begin: from those that ran to their end. */
class Pace {
  #firstStepMs = 400;
  #workMs = 150;

  learn({ firstStepMs, totalMs }: Ran): void {
    const begun = firstStepMs ?? totalMs - this.#workMs;
    this.#firstStepMs = (this.#firstStepMs + begun) / 2;
    this.#workMs = (this.#workMs + Math.max(20, totalMs - begun)) / 2;
  }

  /** Mostly while it works; sometimes while it begins. Commands that tell no step are met towards their end. */
  draw(random: SeededRandom, steps: readonly string[]): KillMoment {
    const share = random.next();
    if (steps.length === 0) return { after: 'start', ms: (this.#firstStepMs + this.#workMs) * (0.75 + 0.3 * share) };
    const kind = random.next();
    if (kind < 0.1) return { after: 'start', ms: this.#firstStepMs * (0.6 + 0.5 * share) };
    if (kind < 0.6) return { after: steps[Math.floor(random.next() * steps.length)] ?? '', ms: 40 * share * share };
    return { after: 'first step', ms: this.#workMs * share };
  }
}

class Lane {
  readonly world = new ImageWorld();
  readonly phases = new Map<string, number>();
  kills = 0;
  /** Drawn moments that came too late. */
  late = 0;
  resumed = 0;
  readonly #random: SeededRandom;
  readonly #verdicts: Verdicts;
  readonly #name: string;
  readonly #pace = new Map<Verb, Pace>(VERBS.map((verb) => [verb, new Pace()]));
  #backups = 0;

  constructor(number: number, seed: number, verdicts: Verdicts) {
    this.#random = new SeededRandom(seed * 100 + number);
    this.#verdicts = verdicts;
    this.#name = `lane ${number}`;
  }

  async run(kills: number): Promise<void> {
    const { world } = this;
    this.#write(0, IMAGE_BLOCKS);
    await this.#backUp();
    while (this.kills < kills) {
      const drawn = this.#random.next();
      const hasBackup = world.copies.size > 0;
      if (drawn < 0.62 || !hasBackup) await this.#backUp();
      else if (drawn < 0.74) await this.#restore();
      else if (drawn < 0.86) await this.#collect();
      else if (drawn < 0.92) await this.#forget();
      else await this.#rebuild();
    }
    await world.judge(this.#verdicts, this.#name);
    await this.#judgeLeftovers();
  }

  // What is killed, and run again

  async #backUp(): Promise<void> {
    const { world } = this;
    const name = `b${++this.#backups}`;
    const args = [world.image, '--snapshot-name', name];
    this.#changeImage();
    for (let attempt = 1; ; attempt++) {
      world.keep(name);
      const goesOn = attempt > 1 && this.#random.next() < 0.6;
      const ran = await this.#run('backup', args, !goesOn);
      if (!ran.killed) {
        this.#verdicts.check(`${this.#name}: backup ${name} is done`, ran.exitCode === 0, ran.stderr);
        if (ran.exitCode !== 0) world.forgetCopy(name);
        else if (ran.json<{ resumed: boolean }>().resumed) this.resumed++;
        return;
      }
      // It may have been killed after its commit, before it could say so: then it is the backup of that image.
      if (await this.#isListed(name)) {
        this.#phase('backup, its commit done');
        return;
      }
      if (this.#random.next() < 0.2) await this.#run('gc', [], false);
      if (this.#random.next() < 0.3) this.#changeImage();
    }
  }

  async #restore(): Promise<void> {
    const { world } = this;
    const [name, { path: expected }] = this.#pick([...world.copies]);
    const [common, { path: old }] = this.#pick([...world.copies]);
    const target = join(world.folder, 'target.img');
    const inPlace = this.#random.next() < 0.5;
    if (inPlace) copyFileSync(old, target);
    const how = inPlace ? ['--onto', common] : ['--overwrite'];
    const args = ['--snapshot', name, '--to', target, ...how];
    const ran = await this.#run('restore', args, true);
    if (ran.killed) {
      // A new file has its name when it is whole, and not before.
      if (!inPlace && existsSync(target))
        this.#verdicts.equal(`${this.#name}: a file that a killed restore named`, digestOf(target), digestOf(expected));
      await this.#run('restore', args, false);
    }
    this.#verdicts.equal(`${this.#name}: ${name} after a killed restore`, digestOf(target), digestOf(expected));
    rmSync(target);
  }

  async #forget(): Promise<void> {
    const { world } = this;
    const name = world.copies.keys().next().value;
    if (name === undefined || world.copies.size < 2) return;
    const wrong = await world.restoredWrongly(name);
    this.#verdicts.check(`${this.#name}: ${name} before it is forgotten`, wrong === undefined, wrong);
    const ran = await this.#run('forget', ['--snapshot', name], true);
    if (ran.killed && (await this.#isListed(name))) await this.#run('forget', ['--snapshot', name], false);
    this.#verdicts.check(`${this.#name}: ${name} is forgotten`, !(await this.#isListed(name)));
    world.forgetCopy(name);
  }

  async #collect(): Promise<void> {
    while (this.world.copies.size > KEPT) {
      const name = this.world.copies.keys().next().value ?? '';
      await this.#run('forget', ['--snapshot', name], false);
      this.world.forgetCopy(name);
    }
    await this.world.letHoldsExpire();
    const ran = await this.#run('gc', [], true);
    if (ran.killed) await this.#run('gc', [], false);
    this.#verdicts.equal(`${this.#name}: what is left after a killed gc`, await this.world.problems(), []);
  }

  async #rebuild(): Promise<void> {
    const { world } = this;
    rmSync(world.state, { recursive: true });
    const ran = await this.#run('rebuild-vmap', [], true);
    if (ran.killed) await this.#run('rebuild-vmap', [], false);
  }

  // How it is run

  async #run(verb: Verb, args: readonly string[], kill: boolean): Promise<Ran> {
    const pace = this.#pace.get(verb) ?? new Pace();
    const moment = kill ? pace.draw(this.#random, STEPS[verb]) : undefined;
    const ran = await this.world.cloud(verb, args, moment);
    if (!ran.killed) {
      pace.learn(ran);
      if (kill) this.late++;
      if (ran.exitCode !== 0) this.#verdicts.check(`${this.#name}: ${verb} ${args.join(' ')}`, false, ran.stderr);
      return ran;
    }
    this.kills++;
    const phase =
      ran.step === 'none' ? (moment?.after === 'start' && verb === 'forget' ? '' : ', beginning') : `, ${ran.step}`;
    this.#phase(`${verb}${phase}`);
    say(`${this.#name}: ${verb} killed ${moment?.ms.toFixed(0)} ms after its ${moment?.after}${phase}`);
    return ran;
  }

  #phase(what: string): void {
    this.phases.set(what, (this.phases.get(what) ?? 0) + 1);
  }

  async #isListed(name: string): Promise<boolean> {
    return (await this.world.backups()).includes(name);
  }

  /** Interrupted puts leave temporary files, which a sweep removes once they are a day old. */
  async #judgeLeftovers(): Promise<void> {
    const { world } = this;
    const store = new FilesystemObjectStore(world.store);
    const { removed } = await store.sweep({ olderThanMs: -1000 });
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    this.#verdicts.equal(
      `${this.#name}: files in the store beside its objects`,
      filesIn(world.store).length,
      keys.length,
    );
    const targets = filesIn(world.folder).filter((file) => file.includes('target.img'));
    this.#verdicts.equal(`${this.#name}: files that killed restores left`, targets, []);
    say(
      `${this.#name}: ${removed} temporary files of killed puts swept; ${filesIn(world.state).length} files of state`,
    );
  }

  // The image

  #changeImage(): void {
    const pieces = 1 + Math.floor(this.#random.next() * 6);
    for (let piece = 0; piece < pieces; piece++) {
      const at = Math.floor(this.#random.next() * IMAGE_BLOCKS);
      this.#write(at, Math.min(IMAGE_BLOCKS - at, 1 + Math.floor(this.#random.next() * 400)));
    }
  }

  /** Mostly content that is new, some that is equal, some holes' worth of zeros. */
  #write(from: number, count: number): void {
    const file = openSync(this.world.image, existsSync(this.world.image) ? 'r+' : 'w+');
    ftruncateSync(file, IMAGE_BLOCKS * BLOCK);
    const block = Buffer.alloc(BLOCK);
    for (let at = from; at < from + count; at++) {
      const kind = this.#random.next();
      if (kind < 0.1) block.fill(0);
      else if (kind < 0.2) block.fill(1 + Math.floor(kind * 20));
      else for (let i = 0; i < BLOCK; i += 4) block.writeUInt32LE(Math.floor(this.#random.next() * 2 ** 32), i);
      writeSync(file, block, 0, BLOCK, at * BLOCK);
    }
    closeSync(file);
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random.next() * values.length)] as T;
  }
}

const verdicts = new Verdicts(say);
const kills = Number(options.kills);
const lanes = Array.from(
  { length: Number(options.lanes) },
  (_, at) => new Lane(at + 1, Number(options.seed), verdicts),
);
const startedAt = performance.now();
await Promise.all(
  lanes.map(async (lane) => {
    using world = lane.world;
    await lane.run(Math.ceil(kills / lanes.length)).catch((error) => {
      verdicts.check(
        `the lane in ${world.folder} comes to its end`,
        false,
        String(error instanceof Error ? error.stack : error),
      );
    });
  }),
);

const sum = (count: (lane: Lane) => number) => lanes.reduce((total, lane) => total + count(lane), 0);
const phases = new Map<string, number>();
for (const lane of lanes) for (const [what, count] of lane.phases) phases.set(what, (phases.get(what) ?? 0) + count);
for (const [what, count] of [...phases].sort(([, one], [, other]) => other - one))
  say(`${`${count}`.padStart(5)}  ${what}`);
const [killed, late, resumed] = [sum((lane) => lane.kills), sum((lane) => lane.late), sum((lane) => lane.resumed)];
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
say(
  `${killed} kills (${late} drawn moments came after the end), ${resumed} transfers gone on with, seed ${options.seed}, ${minutes} min`,
);
// Kills that meet no work would prove nothing.
verdicts.check('some killed transfers were gone on with', resumed >= killed / 20, `${resumed} of ${killed}`);
say(`${verdicts.passed} passed, ${verdicts.failed} failed`);
process.exitCode = verdicts.failed === 0 ? 0 : 1;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
