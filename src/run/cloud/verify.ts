/**
 * Run (layer 3): verification. Every live snapshot is walked from its manifest down, every object that it needs is looked at
 * once for all of them: that it is there, whole, of the right level, and has the slots that are pointed at. With `readData` every
 * stored byte of them is read and checked. What is found is a report, not an error: one damage does not hide another.
 */
import { HOLE, type Level, objectIdOf, SLOTS_PER_OBJECT, slotOf } from '../../core/cloud/block-numbers.ts';
import type { SnapshotFacts } from '../../core/cloud/format/history-entry.ts';
import type { Manifest } from '../../core/cloud/format/manifest.ts';
import { OBJECTS_PREFIX, objectKey, parseKey } from '../../core/cloud/format/names.ts';
import type { ObjectHead } from '../../core/cloud/format/object.ts';
import type { ObjectIdSet } from '../../core/cloud/object-ids.ts';
import { compareFile } from '../../core/cloud/restore-plan.ts';
import { CloudError } from '../../errors.ts';
import type { CloudContext } from './context.ts';
import { inParallel } from './in-parallel.ts';
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

/** What snapshots need of one object. */
interface Need {
  level: Level;
  /** A bit for each slot that is pointed at. */
  readonly slots: Uint32Array;
  readonly snapshots: Set<string>;
}

class Verification {
  readonly #context: CloudContext;
  readonly #readData: boolean;
  readonly #reader: SnapshotReader;
  readonly #problems: VerifyProblem[] = [];
  readonly #needs = new Map<number, Need>();
  #bytesRead = 0;

  constructor(context: CloudContext, readData: boolean) {
    this.#context = context;
    this.#readData = readData;
    this.#reader = new SnapshotReader(context);
  }

  async run(snapshots: readonly SnapshotFacts[]): Promise<VerifyResult> {
    const { progress, limits } = this.#context;
    const sizes = await this.#sizes();
    progress.begin('verify-snapshots', snapshots.length);
    for (const snapshot of snapshots) {
      await this.#attempt([snapshot.name], () => this.#snapshot(snapshot));
      progress.advance('verify-snapshots', 1);
    }
    progress.end('verify-snapshots');
    progress.begin('verify-objects', this.#needs.size);
    const ids = [...this.#needs.keys()].sort((one, other) => one - other);
    await inParallel(ids, limits.objectsInFlight, async (id) => {
      const need = this.#needs.get(id);
      if (need === undefined) return;
      const before = this.#bytesRead;
      await this.#attempt([...need.snapshots], () => this.#object(id, need, sizes.get(id)));
      progress.advance('verify-objects', 1, this.#bytesRead - before);
    });
    progress.end('verify-objects');
    return {
      snapshots: snapshots.length,
      objects: ids.length,
      bytesRead: this.#bytesRead,
      problems: this.#problems,
    };
  }

  async #sizes(): Promise<ReadonlyMap<number, number>> {
    const { place, signal } = this.#context;
    const sizes = new Map<number, number>();
    for await (const { key, sizeBytes } of place.list(OBJECTS_PREFIX, { signal })) {
      const name = parseKey(key);
      if (name?.kind === 'object') sizes.set(name.objectId, sizeBytes);
    }
    return sizes;
  }

  /** Manifest, L3, bitmap, and the walk from L3 down; I4: the bitmap names what the walk reaches, and nothing else. */
  async #snapshot(facts: SnapshotFacts): Promise<void> {
    const manifest = await this.#reader.manifest(facts);
    const names = [facts.name];
    let bitmap: ObjectIdSet | undefined;
    await this.#attempt(names, async () => {
      bitmap = await this.#reader.objectIds(manifest);
    });
    const reached = new Set<number>();
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
              this.#need(value.pvbns, level, facts.name, reached);
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

  #need(pvbns: Float64Array, level: Level, snapshot: string, reached: Set<number>): void {
    for (const pvbn of pvbns) {
      if (pvbn === HOLE) continue;
      const id = objectIdOf(pvbn);
      reached.add(id);
      let need = this.#needs.get(id);
      if (need === undefined) {
        need = { level, slots: new Uint32Array(SLOTS_PER_OBJECT / 32), snapshots: new Set() };
        this.#needs.set(id, need);
      }
      need.snapshots.add(snapshot);
      const slot = slotOf(pvbn);
      need.slots[slot >>> 5] = (need.slots[slot >>> 5] ?? 0) | (1 << (slot & 31));
    }
  }

  #compare({ id, name }: SnapshotFacts, bitmap: ObjectIdSet, reached: ReadonlySet<number>, whole: boolean): void {
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

  async #object(id: number, { level, slots }: Need, sizeBytes: number | undefined): Promise<void> {
    const key = objectKey(id);
    const head = await this.#reader.head(id);
    this.#bytesRead += head.headBytes;
    const damaged = (how: string) =>
      new CloudError('CLOUD_CORRUPT', `object ${id} ${how}`, { object: key, objectId: id });
    if (head.level !== level) throw damaged(`is of level ${head.level}, and a block of level ${level} points at it`);
    if (sizeBytes !== undefined && sizeBytes !== head.totalBytes) {
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
    await compute.decodeGroups(head, groups, { encryption }, { signal });
  }

  /** False when something was wrong with it, which is in the report then. */
  async #attempt(snapshots: readonly string[], work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      const problem = problemOf(error, snapshots);
      if (!this.#problems.some(({ message, code }) => message === problem.message && code === problem.code)) {
        this.#problems.push(problem);
      }
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
