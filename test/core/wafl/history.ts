/** Random histories of a volume: what to do, and doing it to a volume and to the reference at once. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type VolumeOptions, WaflVolume } from '../../../src/core/wafl/volume.ts';
import { VolumeModelError } from '../../../src/errors.ts';
import { ReferenceVolume } from './reference-volume.ts';

const PATHS = ['/a', '/b', '/d', '/e', '/d/a', '/d/b', '/d/e', '/d/e/a', '/d/e/ü', '/e/b'];

/** How often each step is taken, out of the sum. */
const WEIGHTS = {
  write: 20,
  create: 2,
  mkdir: 3,
  truncate: 4,
  punch: 4,
  remove: 4,
  rename: 4,
  link: 2,
  symlink: 1,
  attributes: 2,
  xattr: 2,
  cloneFile: 2,
  cloneRange: 3,
  dedupe: 2,
  snapshot: 6,
  deleteSnapshot: 3,
  restore: 1,
  reload: 1,
} as const;
export type StepKind = keyof typeof WEIGHTS;

export interface Step {
  readonly kind: StepKind;
  readonly path: string;
  readonly other: string;
  readonly offset: number;
  readonly length: number;
  readonly seed: number;
}

/** Byte positions that like block boundaries, up to a little beyond what the small trees of the tests reach. */
const position = fc.oneof(
  { weight: 3, arbitrary: fc.nat(9).map((block) => block * 4096) },
  { weight: 2, arbitrary: fc.nat(6 * 4096) },
  { weight: 1, arbitrary: fc.nat(33 * 4096) },
);

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.oneof(
      ...Object.entries(WEIGHTS).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind as StepKind) })),
    ),
    path: fc.constantFrom(...PATHS),
    other: fc.constantFrom(...PATHS),
    offset: position,
    length: position,
    seed: fc.nat(7),
  }),
  { minLength: 1, maxLength: 80, size: 'max' },
);

/** Small trees: 2 root pointers, 4 pointers a block, so that files of up to 32 blocks have all three levels. */
export const SMALL: VolumeOptions = { capacityBlocks: 4000, pointersPerBlock: 4, rootPointers: 2 };
export const SMALL_REACH_BYTES = 2 * 4 * 4 * 4096;

/** A volume and what it must be, moved on together. */
export class Twins {
  volume: WaflVolume;
  reference = new ReferenceVolume(SMALL_REACH_BYTES);
  readonly snapshots = new Map<string, ReferenceVolume>();
  #snapshotCount = 0;

  constructor(options: VolumeOptions = SMALL) {
    this.volume = new WaflVolume(options);
    for (const path of ['/d', '/e', '/d/e']) {
      this.volume.mkdir(path);
      this.reference.add(path, 'directory');
    }
  }

  /**
   * Takes one step on both; they must agree on whether and why it is refused. Returns false when the volume refused for
   * lack of space, in which case the reference did not move.
   */
  take(step: Step): boolean {
    const before = this.reference.copy();
    const expected = outcome(() => this.#expect(step));
    const found = outcome(() => this.#do(step));
    if (found === 'WAFL_NO_SPACE') {
      this.reference = before;
      // A write makes the file first when there is none: that half of the step needs no space.
      if (step.kind === 'write' && !before.nodes.has(step.path)) this.reference.add(step.path, 'file');
      return false;
    }
    assert.equal(found, expected, `${step.kind} ${step.path} ${step.other}`);
    return true;
  }

  snapshot(): string | undefined {
    const name = `s${this.#snapshotCount}`;
    const facts = { uuid: `uuid-${this.#snapshotCount}`, createdAt: this.#snapshotCount };
    this.volume.createSnapshot(name, facts);
    this.#snapshotCount++;
    this.snapshots.set(name, this.reference.copy());
    return name;
  }

  #pick({ seed }: Step): string | undefined {
    const names = [...this.snapshots.keys()];
    return names[seed % names.length];
  }

  #expect(step: Step): void {
    const { reference } = this;
    const { kind, path, other, offset, length, seed } = step;
    if (kind === 'write' && !reference.nodes.has(path)) reference.add(path, 'file');
    if (kind === 'create') reference.add(path, 'file');
    else if (kind === 'mkdir') reference.add(path, 'directory');
    else if (kind === 'symlink') reference.add(path, 'symlink', Buffer.from(`${other}${seed}`));
    else if (kind === 'link') reference.link(path, other);
    else if (kind === 'rename') reference.rename(path, other, seed % 2 === 0);
    else if (kind === 'remove') reference.remove(path);
    else if (kind === 'write') reference.write(path, offset, content(seed, offset, length));
    else if (kind === 'truncate') reference.truncate(path, offset);
    else if (kind === 'punch') reference.punchHole(path, offset, length);
    else if (kind === 'attributes') reference.setAttributes(path, 0o600 + seed, seed);
    else if (kind === 'xattr') reference.setXattr(path, `user.${seed % 2}`, xattrValue(step));
    else if (kind === 'cloneFile') reference.cloneFile(path, other);
    else if (kind === 'cloneRange') reference.cloneRange(path, seed % 3, other, block(offset), block(length) % 5);
    else if (kind === 'restore') {
      const name = this.#pick(step);
      const kept = name === undefined ? undefined : this.snapshots.get(name);
      if (kept !== undefined) this.reference = kept.copy();
    }
  }

  #do(step: Step): void {
    const { volume } = this;
    const { kind, path, other, offset, length, seed } = step;
    if (kind === 'write' && !volume.exists(path)) volume.create(path);
    if (kind === 'create') volume.create(path);
    else if (kind === 'mkdir') volume.mkdir(path);
    else if (kind === 'symlink') volume.symlink(path, `${other}${seed}`);
    else if (kind === 'link') volume.link(path, other);
    else if (kind === 'rename') volume.rename(path, other, { replace: seed % 2 === 0 });
    else if (kind === 'remove') volume.remove(path);
    else if (kind === 'write') volume.write(path, offset, content(seed, offset, length));
    else if (kind === 'truncate') volume.truncate(path, offset);
    else if (kind === 'punch') volume.punchHole(path, offset, length);
    else if (kind === 'attributes') volume.setAttributes(path, { mode: 0o600 + seed, mtime: seed });
    else if (kind === 'xattr') volume.setXattr(path, `user.${seed % 2}`, xattrValue(step));
    else if (kind === 'cloneFile') volume.cloneFile(path, other);
    else if (kind === 'cloneRange') volume.cloneRange(path, seed % 3, other, block(offset), block(length) % 5);
    else if (kind === 'dedupe') volume.dedupe();
    else if (kind === 'reload') this.volume = WaflVolume.load(structuredClone(volume.save()));
    else if (kind === 'snapshot') this.snapshot();
    else {
      const name = this.#pick(step);
      if (name === undefined) return;
      if (kind === 'restore') volume.restoreSnapshot(name, { deleteNewer: seed > 5 });
      else volume.deleteSnapshot(name);
      const left = new Set(this.volume.snapshots().map((info) => info.name));
      for (const known of this.snapshots.keys()) if (!left.has(known)) this.snapshots.delete(known);
    }
  }
}

/** Content of few kinds, so that equal blocks are common: one repeated byte for even seeds, a ramp for odd ones. */
export function content(seed: number, offset: number, length: number): Uint8Array {
  if (seed % 2 === 0) return new Uint8Array(length).fill(seed);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const at = (offset + i) % 4096;
    bytes[i] = (at * seed + (at >> 8)) & 0xff;
  }
  return bytes;
}

function block(bytes: number): number {
  return Math.floor(bytes / 4096);
}

function xattrValue({ offset, length }: Step): Uint8Array | undefined {
  return length === 0 ? undefined : content(3, offset, length % 9000);
}

function outcome(run: () => unknown): string {
  try {
    run();
    return 'done';
  } catch (error) {
    if (error instanceof VolumeModelError) return error.code;
    throw error;
  }
}
