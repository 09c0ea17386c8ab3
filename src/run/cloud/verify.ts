/**
 * Run (layer 3): verification. Every live snapshot is walked from its manifest down, every object that it needs is looked at
 * once for all of them: that it is there, whole, of the right level, and has the slots that are pointed at. With `readData` every
 * stored byte of them is read and checked. What is found is a report, not an error: one damage does not hide another.
 * Nothing is held meanwhile: what is missing of snapshots that were forgotten since is not told.
 *
 * What is needed of each object is gathered in memory, for so many objects at a time as the limits say: an endpoint that has
 * more is gone over more than once.
 */
import { HOLE, SLOTS_PER_OBJECT } from '../../core/cloud/block-numbers.ts';
import type { SnapshotFacts } from '../../core/cloud/format/history-entry.ts';
import type { Manifest } from '../../core/cloud/format/manifest.ts';
import { OBJECTS_PREFIX, objectKey, parseKey } from '../../core/cloud/format/names.ts';
import type { ObjectHead } from '../../core/cloud/format/object.ts';
import { ObjectIdSet } from '../../core/cloud/object-ids.ts';
import { compareFile } from '../../core/cloud/restore-plan.ts';
import { CloudError } from '../../errors.ts';
import type { CloudContext } from './context.ts';
import { inParallel } from './in-parallel.ts';
import { type ObjectNeed, ObjectNeeds } from './object-needs.ts';
import { endpointUnknown, liveSnapshot } from './restore.ts';
import { SnapshotReader } from './snapshot-reader.ts';

/** What to verify, and how closely. */
export interface VerifyRequest {
  /** Name, uuid or id; default all. */
  readonly snapshot?: string | number | undefined;
  /** Read every stored byte, not only what describes them. */
  readonly readData?: boolean | undefined;
}

/** What was looked at, and what is wrong. */
export interface VerifyResult {
  readonly snapshots: number;
  readonly objects: number;
  readonly bytesRead: number;
  /** Empty when all is well. */
  readonly problems: readonly VerifyProblem[];
}

/** One thing that is not as it should be. */
export interface VerifyProblem {
  readonly code: string;
  readonly message: string;
  /** What in the store is damaged or missing. */
  readonly object?: string | undefined;
  readonly objectId?: number | undefined;
  /** Snapshots that need it, by name. */
  readonly snapshots: readonly string[];
}

export async function verify(context: CloudContext, request: VerifyRequest): Promise<VerifyResult> {
  const { history, place, signal } = context;
  try {
    await history.refresh({ signal });
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return { snapshots: 0, objects: 0, bytesRead: 0, problems: [problemOf(error, [])] };
  }
  if (history.state.owner === undefined) throw endpointUnknown(place.text);
  const snapshots =
    request.snapshot === undefined ? history.state.snapshots : [await liveSnapshot(context, request.snapshot)];
  return await new Verification(context, request.readData ?? false).run(snapshots);
}

class Verification {
  readonly #context: CloudContext;
  readonly #readData: boolean;
  readonly #reader: SnapshotReader;
  readonly #problems: VerifyProblem[] = [];
  /** Objects that each snapshot reaches, by its name. */
  readonly #reached = new Map<string, ObjectIdSet>();
  #needs = new ObjectNeeds(0, Number.POSITIVE_INFINITY);
  #bytesRead = 0;

  constructor(context: CloudContext, readData: boolean) {
    this.#context = context;
    this.#readData = readData;
    this.#reader = new SnapshotReader(context);
  }

  async run(snapshots: readonly SnapshotFacts[]): Promise<VerifyResult> {
    const { progress } = this.#context;
    let objects = 0;
    progress.begin('verify-snapshots', 0);
    progress.begin('verify-objects', 0);
    for (const { from, end } of await this.#passes(snapshots)) {
      progress.expect('verify-snapshots', snapshots.length);
      this.#needs = new ObjectNeeds(from, end);
      for (const snapshot of snapshots) {
        await this.#attempt([snapshot.name], () => this.#snapshot(snapshot));
        progress.advance('verify-snapshots', 1);
      }
      objects += await this.#objects();
    }
    progress.end('verify-snapshots');
    progress.end('verify-objects');
    const problems = await this.#ofLive(snapshots);
    return { snapshots: snapshots.length, objects, bytesRead: this.#bytesRead, problems };
  }

  /** The problems that snapshots have which are live still: others may have been collected while they were looked at. */
  async #ofLive(snapshots: readonly SnapshotFacts[]): Promise<readonly VerifyProblem[]> {
    if (this.#problems.length === 0) return [];
    const { history, signal } = this.#context;
    const live = new Set((await history.refresh({ signal })).snapshots.map(({ id }) => id));
    const names = new Set(snapshots.flatMap(({ id, name }) => (live.has(id) ? name : [])));
    return this.#problems.flatMap((problem) => {
      const still = problem.snapshots.filter((name) => names.has(name));
      return still.length > 0 || problem.snapshots.length === 0 ? { ...problem, snapshots: still } : [];
    });
  }

  /** Ranges of object ids with so many objects in them as are looked at at a time, by what the bitmaps say. */
  async #passes(snapshots: readonly SnapshotFacts[]): Promise<{ readonly from: number; readonly end: number }[]> {
    const known = new ObjectIdSet();
    for (const snapshot of snapshots) {
      // What is wrong with it is told by the pass.
      const bitmap = await this.#reader
        .manifest(snapshot)
        .then((manifest) => this.#reader.objectIds(manifest))
        .catch((error) => {
          if (!(error instanceof CloudError)) throw error;
          return new ObjectIdSet();
        });
      known.addAll(bitmap);
    }
    const passes: { from: number; end: number }[] = [];
    let [from, count] = [0, 0];
    for (const id of known) {
      if (count++ < this.#context.limits.objectsPerPass) continue;
      passes.push({ from, end: id });
      [from, count] = [id, 1];
    }
    return [...passes, { from, end: Number.POSITIVE_INFINITY }];
  }

  /** Looks at the objects of a pass. Gives how many they were. */
  async #objects(): Promise<number> {
    const { progress, limits, place, signal } = this.#context;
    const needs = this.#needs;
    for await (const { key, sizeBytes } of place.list(OBJECTS_PREFIX, { signal })) {
      const name = parseKey(key);
      if (name?.kind === 'object') needs.setSize(name.objectId, sizeBytes);
    }
    progress.expect('verify-objects', needs.size);
    await inParallel(needs.all(), limits.objectsInFlight, async (need) => {
      const before = this.#bytesRead;
      const { id } = need;
      const names = () => [...this.#reached].flatMap(([name, reached]) => (reached.has(id) ? name : []));
      await this.#attempt(names, () => this.#object(need));
      progress.advance('verify-objects', 1, this.#bytesRead - before);
    });
    return needs.size;
  }

  /** Manifest, L3, bitmap, and the walk from L3 down; I4: the bitmap names what the walk reaches, and nothing else. */
  async #snapshot(facts: SnapshotFacts): Promise<void> {
    const manifest = await this.#reader.manifest(facts);
    const names = [facts.name];
    let bitmap: ObjectIdSet | undefined;
    await this.#attempt(names, async () => {
      bitmap = await this.#reader.objectIds(manifest);
    });
    const reached = new ObjectIdSet();
    this.#reached.set(facts.name, reached);
    let whole = true;
    for (const part of manifest.l3Parts) {
      const readPart = await this.#attempt(names, async () => {
        for (const root of await this.#reader.l3Part(manifest, part)) {
          const readInode = await this.#attempt(names, async () => {
            const steps = compareFile(undefined, root, manifest.pointersPerBlock);
            for (let given: Float64Array | undefined; ; ) {
              const step = steps.next(given);
              given = undefined;
              if (step.done) return;
              const { value } = step;
              const level = value.step === 'blocks' ? 0 : value.level;
              this.#needs.add(value.pvbns, level, reached);
              if (value.step === 'read-pointers')
                given = await this.#pointers(value.level, value.pvbns, manifest, names);
            }
          });
          whole &&= readInode;
        }
      });
      whole &&= readPart;
    }
    if (bitmap !== undefined) this.#compare(facts, bitmap, reached, whole);
  }

  /** Pointers of indirect blocks; those that cannot be read are told, and count as holes: the rest is looked at all the same. */
  async #pointers(
    level: 1 | 2,
    pvbns: Float64Array,
    manifest: Manifest,
    names: readonly string[],
  ): Promise<Float64Array> {
    const { pointersPerBlock } = manifest;
    try {
      return await this.#reader.pointers(level, pvbns, pointersPerBlock);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
    }
    const all = new Float64Array(pvbns.length * pointersPerBlock);
    for (let at = 0; at < pvbns.length; at++) {
      await this.#attempt(names, async () => {
        all.set(await this.#reader.pointers(level, pvbns.slice(at, at + 1), pointersPerBlock), at * pointersPerBlock);
      });
    }
    return all;
  }

  #compare({ id, name }: SnapshotFacts, bitmap: ObjectIdSet, reached: ObjectIdSet, whole: boolean): void {
    const say = (message: string, objectId: number) =>
      this.#problems.push({
        code: 'CLOUD_CORRUPT',
        message: `snapshot ${id}: ${message}`,
        object: objectKey(objectId),
        objectId,
        snapshots: [name],
      });
    for (const objectId of reached) {
      if (!bitmap.has(objectId)) say(`it needs object ${objectId}, which its bitmap does not name`, objectId);
    }
    if (!whole) return;
    for (const objectId of bitmap) {
      if (!reached.has(objectId)) say(`its bitmap names object ${objectId}, which it does not need`, objectId);
    }
  }

  async #object({ id, level, slots, sizeBytes }: ObjectNeed): Promise<void> {
    const key = objectKey(id);
    const head = await this.#reader.head(id);
    this.#bytesRead += head.headBytes;
    const damaged = (how: string) =>
      new CloudError('CLOUD_CORRUPT', `object ${id} ${how}`, { object: key, objectId: id });
    if (head.level !== level) throw damaged(`is of level ${head.level}, and a block of level ${level} points at it`);
    if (sizeBytes !== 0 && sizeBytes !== head.totalBytes) {
      throw damaged(`has ${sizeBytes} bytes, and was written with ${head.totalBytes}`);
    }
    for (let slot = 0; slot < SLOTS_PER_OBJECT; slot++) {
      if ((((slots[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 0) continue;
      if ((head.vvbns[slot] ?? HOLE) === HOLE) throw damaged(`has no block in slot ${slot}, which is pointed at`);
    }
    if (this.#readData) await this.#data(head);
  }

  /** All bytes of an object, in one read. */
  async #data(head: ObjectHead): Promise<void> {
    const { compute, encryption, place, signal } = this.#context;
    const stored = await place.get(objectKey(head.objectId, head.generation), { signal });
    this.#bytesRead += stored.length - head.headBytes;
    const groups = head.groups.map((group) => ({
      group,
      stored: stored.subarray(group.offset, group.offset + group.storedBytes),
    }));
    await compute.decodeGroups(head, groups, { encryption, checkOnly: true }, { signal });
  }

  /** False when something was wrong with it, which is in the report then. */
  async #attempt(
    snapshots: readonly string[] | (() => readonly string[]),
    work: () => Promise<void>,
  ): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      const problem = problemOf(error, typeof snapshots === 'function' ? snapshots() : snapshots);
      const at = this.#problems.findIndex(({ message, code }) => message === problem.message && code === problem.code);
      const told = this.#problems[at];
      if (told === undefined) this.#problems.push(problem);
      else this.#problems[at] = { ...told, snapshots: [...new Set([...told.snapshots, ...problem.snapshots])] };
      return false;
    }
  }
}

function problemOf(error: CloudError, snapshots: readonly string[]): VerifyProblem {
  const { code, message, object, objectId } = error;
  return {
    code,
    message,
    object: object ?? (objectId === undefined ? undefined : objectKey(objectId)),
    objectId,
    snapshots,
  };
}
