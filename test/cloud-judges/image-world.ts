/** An image, its endpoint in a folder, and copies of the image as it was at each backup: what restores are compared with. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFormatTools } from '../../src/compute/format-tools.ts';
import { check } from '../../src/core/cloud/check.ts';
import { FilesystemObjectStore } from '../../src/object-store/filesystem.ts';
import { EndpointPlace } from '../../src/run/cloud/endpoint-place.ts';
import { HistoryLog } from '../../src/run/cloud/history-log.ts';
import type { Verdicts } from '../interop/verdicts.ts';
import { look } from '../run/cloud/rig.ts';
import { datamotion, type KillMoment, type Ran } from './command.ts';

export const ENDPOINT = 'vol1';

/** What the file system below may need for its own map of a file. */
const SECTORS_OF_EXTENTS = 128;

export interface Copy {
  readonly path: string;
  /** Sectors of 512 bytes that the image had, which its holes have none of. */
  readonly sectors: number;
}

export interface WorldPlaces {
  /** Where the folder of this world is made; default .tmp. */
  readonly parent?: string;
  readonly store?: string;
  readonly state?: string;
}

export class ImageWorld implements Disposable {
  readonly folder: string;
  readonly image: string;
  readonly store: string;
  readonly state: string;
  /** Copies of the image, by the name of the backup that was reported done. */
  readonly copies = new Map<string, Copy>();

  constructor(places: WorldPlaces = {}) {
    const parent = places.parent ?? '.tmp';
    mkdirSync(parent, { recursive: true });
    this.folder = mkdtempSync(join(parent, 'cloud-judge-'));
    this.image = join(this.folder, 'disk.img');
    this.store = places.store ?? join(this.folder, 'store');
    this.state = places.state ?? join(this.folder, 'state');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** `datamotion cloud VERB` on this world's endpoint. */
  cloud(verb: string, args: readonly string[] = [], kill?: KillMoment): Promise<Ran> {
    const keepsState = verb === 'backup' || verb === 'rebuild-vmap' ? ['--state', this.state] : [];
    const at = ['--store', this.store, '--name', ENDPOINT, ...keepsState, '--json'];
    return datamotion(['cloud', verb, ...args, ...at], this.state, kill);
  }

  /** Keeps the image as it is now as what the backup must hold. */
  keep(name: string): void {
    const copy = join(this.folder, `${name}.copy`);
    copyFileSync(this.image, copy);
    this.copies.set(name, { path: copy, sectors: statSync(this.image).blocks });
  }

  forgetCopy(name: string): void {
    const copy = this.copies.get(name);
    if (copy !== undefined) rmSync(copy.path);
    this.copies.delete(name);
  }

  /**
   * Restores the backup and compares: the sentence of what is wrong, or nothing.
   * @param judge looks at the restored image too
   */
  async restoredWrongly(name: string, judge?: (image: string) => string | undefined): Promise<string | undefined> {
    const out = join(this.folder, 'restored.img');
    rmSync(out, { force: true });
    const ran = await this.cloud('restore', ['--snapshot', name, '--to', out]);
    if (ran.exitCode !== 0) return `restore failed: ${ran.stderr}`;
    const copy = this.copies.get(name);
    if (copy === undefined || digestOf(out) !== digestOf(copy.path)) return 'another content';
    // Zeros that were stored as such may become holes; holes stay holes.
    const filled = statSync(out).blocks - copy.sectors;
    return filled > SECTORS_OF_EXTENTS ? `${filled} sectors of holes were filled` : judge?.(out);
  }

  /** After a collection: nothing is left that nobody needs, everything is whole, every backup is what it was. */
  async judge(verdicts: Verdicts, when: string, judge?: (image: string) => string | undefined): Promise<void> {
    const verified = await this.cloud('verify', ['--read-data']);
    verdicts.check(`${when}: verify --read-data finds no damage`, verified.exitCode === 0, verified.stderr);
    verdicts.equal(`${when}: the backups that were done are there`, await this.backups(), [...this.copies.keys()]);
    for (const name of this.copies.keys()) {
      const wrong = await this.restoredWrongly(name, judge);
      verdicts.check(`${when}: ${name} is restored byte for byte`, wrong === undefined, wrong);
    }
    await this.letHoldsExpire();
    const collected = await this.cloud('gc');
    verdicts.check(`${when}: gc`, collected.exitCode === 0, collected.stderr);
    verdicts.equal(
      `${when}: gc leaves nothing that no backup needs, and the invariants hold`,
      await this.problems(),
      [],
    );
  }

  /** Names of the backups in the endpoint, by its history. */
  async backups(): Promise<string[]> {
    const log = new HistoryLog(new EndpointPlace(this.#objects, ENDPOINT), nodeFormatTools(), new Uint8Array(16));
    return (await log.refresh()).snapshots.map(({ name }) => name);
  }

  /** A restore that was killed leaves its hold, which protects what it read for a day: that day is over. */
  async letHoldsExpire(): Promise<void> {
    const holds: string[] = [];
    for await (const { key } of this.#objects.list(`${ENDPOINT}/holds/`)) holds.push(key);
    await this.#objects.deleteMany(holds);
  }

  get #objects(): FilesystemObjectStore {
    return new FilesystemObjectStore(this.store);
  }

  /** What the core's checker says of the store right after a collection. */
  async problems(): Promise<string[]> {
    const { endpointId, history, contents } = await look(this.#objects, ENDPOINT);
    return check({
      endpointId,
      tools: nodeFormatTools(),
      store: { get: (key) => contents.get(key), keys: () => contents.keys() },
      state: history,
      sources: new Map(),
      collected: true,
    });
  }
}

export function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Every file below a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
