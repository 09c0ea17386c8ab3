/**
 * Core: the checker. It looks at an endpoint as it lies in the store, at the VMAP and at the snapshots that the
 * source still holds, and says, a sentence each, which of the invariants I1, I2, I4, I6 and I8 does not hold and
 * where. It shares no code with the phases but the decoders, walks everything from L3 down, and keeps all of it in
 * memory: for tests and small endpoints. I3 and I5 are about a transfer, not about a state: `checkUploads`.
 */
import { CloudError } from '../../errors.ts';
import { HOLE, type Level, objectIdOf, slotOf } from './block-numbers.ts';
import { sameBytes } from './format/binary.ts';
import type { SnapshotFacts } from './format/history-entry.ts';
import { decodeL3Part } from './format/l3-part.ts';
import { decodeManifest, type Manifest } from './format/manifest.ts';
import { l3PartKey, manifestKey, objectIdPartKey, objectKey, parseKey } from './format/names.ts';
import { decodeObject, type ObjectContent } from './format/object.ts';
import { decodeObjectIdPart } from './format/object-id-part.ts';
import type { FormatTools } from './format/tools.ts';
import type { EndpointState } from './history.ts';
import { readPopulated } from './indirects.ts';
import type { InodeRoot } from './inode-root.ts';
import { ObjectIdSet } from './object-ids.ts';
import { isPending, UNMAPPED, VMAP_PAGE_ENTRIES, type VmapPage } from './vmap.ts';

/** An object store in memory, to look at. */
export interface StoreView {
  get(key: string): Uint8Array | undefined;
  keys(): Iterable<string>;
}

/** A snapshot of the source, to look at. */
export interface SourceView {
  /** Every inode by ascending number, with VVBNs. */
  roots(): Iterable<InodeRoot>;
  /** VVBNs in an indirect block. */
  pointers(vvbn: number): ArrayLike<number>;
  content(vvbn: number): Uint8Array;
}

export interface CheckInput {
  readonly endpointId: Uint8Array;
  readonly tools: FormatTools;
  readonly store: StoreView;
  readonly state: EndpointState;
  /** The VMAP of the base; left out when there is none to check. */
  readonly vmap?: Iterable<VmapPage> | undefined;
  /** Snapshots that the source still holds, by uuid. */
  readonly sources: ReadonlyMap<string, SourceView>;
  /** Right after a collection, with no restore under way: nothing that nobody needs may be left. */
  readonly collected?: boolean | undefined;
  /** What was decoded, kept from one check to the next: stored bytes never change in place. */
  readonly decoded?: DecodedCache | undefined;
}

/** By the identity of the bytes; what they were decoded to counts only under the key they were found at. */
export type DecodedCache = WeakMap<Uint8Array, { readonly key: string; readonly value: unknown }>;

/** Sentences like `I4: snapshot 7: ...`; empty when all is well. */
export function check(input: CheckInput): string[] {
  const checker = new Checker(input);
  for (const snapshot of input.state.snapshots) checker.checkSnapshot(snapshot);
  checker.checkVmap();
  checker.checkGarbage();
  return checker.problems;
}

/** VVBNs by level. */
export type BlocksByLevel = readonly [ReadonlySet<number>, ReadonlySet<number>, ReadonlySet<number>];

/** Every block that a snapshot holds, found by walking its trees. */
export function heldBy(source: SourceView): BlocksByLevel {
  const held = [new Set<number>(), new Set<number>(), new Set<number>()] as const;
  const visit = (vvbn: number, level: Level): void => {
    if (vvbn === HOLE || held[level].has(vvbn)) return;
    held[level].add(vvbn);
    if (level === 0) return;
    const pointers = source.pointers(vvbn);
    for (let at = 0; at < pointers.length; at++) visit(pointers[at] ?? HOLE, (level - 1) as Level);
  };
  for (const { topmost, height } of source.roots()) for (const vvbn of topmost) visit(vvbn, height);
  return held;
}

/**
 * I3 and I5 of one whole transfer: exactly the blocks that the base does not hold were uploaded, each once.
 * @param uploads VVBNs in the order of their upload, by level
 */
export function checkUploads(
  uploads: readonly [readonly number[], readonly number[], readonly number[]],
  base: SourceView | undefined,
  next: SourceView,
): string[] {
  const problems: string[] = [];
  const before = base === undefined ? undefined : heldBy(base);
  heldBy(next).forEach((held, level) => {
    const sent = uploads[level] ?? [];
    const distinct = new Set(sent);
    if (distinct.size !== sent.length)
      problems.push(`I3: ${sent.length - distinct.size} blocks of level ${level} went twice`);
    for (const vvbn of distinct) {
      if (before?.some((blocks) => blocks.has(vvbn)))
        problems.push(`I3: block ${vvbn} of level ${level} was there already`);
      else if (!held.has(vvbn)) problems.push(`I5: block ${vvbn} of level ${level} is not in the snapshot`);
    }
    for (const vvbn of held) {
      if (!before?.[level]?.has(vvbn) && !distinct.has(vvbn))
        problems.push(`I2: block ${vvbn} of level ${level} never went`);
    }
  });
  return problems;
}

class Checker {
  readonly problems: string[] = [];
  readonly #input: CheckInput;
  readonly #decoded: DecodedCache;
  /** Object ids that the bitmaps of live snapshots name. */
  readonly #needed = new ObjectIdSet();
  #baseReached: ReadonlyMap<number, Level> | undefined;

  constructor(input: CheckInput) {
    this.#input = input;
    this.#decoded = input.decoded ?? new WeakMap();
  }

  checkSnapshot(facts: SnapshotFacts): void {
    const problems: string[] = [];
    const say = (invariant: string, what: string) => problems.push(`${invariant}: snapshot ${facts.id}: ${what}`);
    try {
      const manifest = this.#manifest(facts);
      const inodes = this.#l3(facts, manifest);
      const bitmap = this.#bitmap(facts, manifest);
      this.#needed.addAll(bitmap);
      const reached = this.#walk(inodes, manifest.pointersPerBlock, say);
      if (this.#input.state.base?.id === facts.id) this.#baseReached = reached;
      this.#compareBitmap(reached, bitmap, say);
      const counts = [0, 0, 0];
      for (const level of reached.values()) counts[level] = (counts[level] ?? 0) + 1;
      if (counts.join() !== manifest.heldBlocks.join())
        say('I4', `the manifest counts ${manifest.heldBlocks}, not ${counts}`);
      const source = this.#input.sources.get(facts.uuid);
      if (source !== undefined) this.#compareSource(inodes, source, say);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      say('I2', `${error.code} ${error.message}`);
    }
    this.problems.push(...problems.slice(0, 8));
  }

  /** I1 and I2 for the VMAP. */
  checkVmap(): void {
    const { vmap, state, sources } = this.#input;
    if (vmap === undefined || state.base === undefined) return;
    const source = sources.get(state.base.uuid);
    const missing = new Set<number>();
    if (source !== undefined) for (const level of heldBy(source)) for (const vvbn of level) missing.add(vvbn);
    const unreached = new Set(this.#baseReached?.keys());
    for (const page of vmap) {
      let mapped = 0;
      page.entries.forEach((entry, offset) => {
        if (entry === UNMAPPED) return;
        mapped++;
        const vvbn = page.number * VMAP_PAGE_ENTRIES + offset;
        if (source !== undefined && !missing.delete(vvbn))
          this.problems.push(`I1: the VMAP has ${vvbn}, the snapshot not`);
        if (isPending(entry)) {
          this.problems.push(`I1: block ${vvbn} is Pending`);
          return;
        }
        this.#checkEntry(vvbn, entry, source);
        if (this.#baseReached !== undefined && !this.#baseReached.has(entry)) {
          this.problems.push(`I1: block ${vvbn} has ${entry}, which the snapshot does not reach`);
        }
        unreached.delete(entry);
      });
      if (mapped !== page.mapped)
        this.problems.push(`I1: VMAP page ${page.number} counts ${page.mapped}, not ${mapped}`);
    }
    if (missing.size > 0) this.problems.push(`I1: the VMAP lacks ${[...missing].slice(0, 8)}`);
    if (unreached.size > 0) this.problems.push(`I1: no entry leads to ${[...unreached].slice(0, 8)}`);
  }

  /** I6: nothing left that nobody needs. */
  checkGarbage(): void {
    const { store, state, collected } = this.#input;
    if (collected !== true) return;
    const live = new Set<number>(state.snapshots.map(({ id }) => id));
    for (const key of store.keys()) {
      const name = parseKey(key);
      if (name === undefined || 'number' in name) continue;
      const id = name.kind === 'object' ? name.objectId : name.snapshotId;
      const needed = name.kind === 'object' ? this.#needed.has(id) : live.has(id);
      if (!needed && id < state.inFlightFrom) this.problems.push(`I6: ${key} is left, and nothing needs it`);
    }
  }

  #manifest(facts: SnapshotFacts): Manifest {
    const { endpointId, tools } = this.#input;
    const { manifest, digest } = this.#read(manifestKey(facts.id), (bytes) => {
      return decodeManifest(bytes, endpointId, facts.id, tools);
    });
    if (digest !== facts.manifestDigest) throw corrupt('its manifest is not the one that was committed');
    return manifest;
  }

  #l3({ id }: SnapshotFacts, manifest: Manifest): InodeRoot[] {
    const { endpointId, tools } = this.#input;
    return manifest.l3Parts.flatMap(({ part, digest }) => {
      const found = this.#read(l3PartKey(id, part), (bytes) => {
        return decodeL3Part(bytes, { endpointId, snapshotId: id, part }, tools);
      });
      if (found.digest !== digest) throw corrupt(`part ${part} of its L3 file is not the one that was committed`);
      return found.inodes;
    });
  }

  #bitmap({ id }: SnapshotFacts, manifest: Manifest): ObjectIdSet {
    const { endpointId, tools } = this.#input;
    const pages = manifest.objectIdParts.flatMap(({ part, digest }) => {
      const found = this.#read(objectIdPartKey(id, part), (bytes) => {
        return decodeObjectIdPart(bytes, { endpointId, snapshotId: id, part }, tools);
      });
      if (found.digest !== digest) throw corrupt(`part ${part} of its object ids is not the one that was committed`);
      return found.pages;
    });
    return new ObjectIdSet(pages);
  }

  /** Every PVBN from L3 down, with its level. */
  #walk(inodes: readonly InodeRoot[], pointersPerBlock: number, say: Say): ReadonlyMap<number, Level> {
    const reached = new Map<number, Level>();
    const visit = (pvbn: number, level: Level): void => {
      const before = reached.get(pvbn);
      if (pvbn === HOLE || before === level) return;
      if (before !== undefined) say('I2', `${pvbn} is used at level ${before} and at level ${level}`);
      reached.set(pvbn, level);
      const object = this.#object(objectIdOf(pvbn));
      if (object.level !== level) say('I2', `${pvbn} lies in an object of level ${object.level}, not ${level}`);
      const block = slotIn(object, slotOf(pvbn));
      if (level === 0) return;
      const pointers = readPopulated(block);
      if (pointers.length !== pointersPerBlock) say('I2', `${pvbn} has ${pointers.length} pointers`);
      for (const pointer of pointers) visit(pointer, (level - 1) as Level);
    };
    for (const { topmost, height } of inodes) for (const pvbn of topmost) visit(pvbn, height);
    return reached;
  }

  #compareBitmap(reached: ReadonlyMap<number, Level>, bitmap: ObjectIdSet, say: Say): void {
    const ids = new Set<number>();
    for (const pvbn of reached.keys()) ids.add(objectIdOf(pvbn));
    for (const id of ids) if (!bitmap.has(id)) say('I4', `object ${id} is reached and not in the bitmap`);
    for (const id of bitmap) if (!ids.has(id)) say('I4', `object ${id} is in the bitmap and not reached`);
  }

  /** I8, and I2 for every block: both trees side by side. */
  #compareSource(inodes: readonly InodeRoot[], source: SourceView, say: Say): void {
    const pvbnOf = new Map<number, number>();
    const vvbnOf = new Map<number, number>();
    const compare = (vvbn: number, pvbn: number, level: Level, where: string): void => {
      if (vvbn === HOLE || pvbn === HOLE) {
        if (vvbn !== pvbn) say('I8', `${where} is a hole on one side only`);
        return;
      }
      const known = pvbnOf.get(vvbn);
      if ((known ?? pvbn) !== pvbn) say('I8', `${where}: block ${vvbn} is stored as ${known} and as ${pvbn}`);
      const twin = vvbnOf.get(pvbn);
      if ((twin ?? vvbn) !== vvbn) say('I8', `${where}: ${pvbn} stands for the blocks ${twin} and ${vvbn}`);
      if (known === pvbn && twin === vvbn) return;
      pvbnOf.set(vvbn, pvbn);
      vvbnOf.set(pvbn, vvbn);
      const block = slotIn(this.#object(objectIdOf(pvbn)), slotOf(pvbn));
      if (level === 0) {
        if (!sameBytes(block, source.content(vvbn))) say('I8', `${where}: ${pvbn} is not the content of block ${vvbn}`);
        return;
      }
      const pointers = source.pointers(vvbn);
      const stored = readPopulated(block);
      if (pointers.length !== stored.length) say('I8', `${where}: ${pvbn} has ${stored.length} pointers`);
      stored.forEach((pointer, at) => {
        compare(pointers[at] ?? HOLE, pointer, (level - 1) as Level, where);
      });
    };
    const wanted = [...source.roots()];
    if (wanted.length !== inodes.length) say('I8', `it has ${inodes.length} inodes, not ${wanted.length}`);
    wanted.forEach((root, at) => {
      const stored = inodes[at];
      const same =
        stored?.number === root.number && stored.generation === root.generation && stored.height === root.height;
      if (!same || stored.sizeBytes !== root.sizeBytes || stored.topmost.length !== root.topmost.length) {
        say('I8', `inode ${root.number} is not what it is in the source`);
        return;
      }
      root.topmost.forEach((vvbn, slot) => {
        compare(vvbn, stored.topmost[slot] ?? HOLE, root.height, `inode ${root.number}`);
      });
    });
  }

  #checkEntry(vvbn: number, pvbn: number, source: SourceView | undefined): void {
    try {
      const object = this.#object(objectIdOf(pvbn));
      const block = slotIn(object, slotOf(pvbn));
      if (object.vvbns[slotOf(pvbn)] !== vvbn) {
        this.problems.push(`I2: block ${vvbn} has ${pvbn}, which was packed for ${object.vvbns[slotOf(pvbn)]}`);
      } else if (source !== undefined && object.level === 0 && !sameBytes(block, source.content(vvbn))) {
        this.problems.push(`I2: ${pvbn} is not the content of block ${vvbn}`);
      }
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      this.problems.push(`I2: block ${vvbn}: ${error.message}`);
    }
  }

  #object(objectId: number): ObjectContent {
    const { endpointId, tools } = this.#input;
    const decode = (bytes: Uint8Array) => decodeObject(bytes, endpointId, objectId, tools);
    return this.#read(objectKey(objectId), decode, objectId);
  }

  #read<T>(key: string, decode: (bytes: Uint8Array) => T, objectId?: number): T {
    const stored = this.#input.store.get(key);
    if (stored === undefined) {
      throw new CloudError('CLOUD_OBJECT_MISSING', `${key} is not in the store`, { object: key, objectId });
    }
    const known = this.#decoded.get(stored);
    if (known?.key === key) return known.value as T;
    const value = decode(stored);
    this.#decoded.set(stored, { key, value });
    return value;
  }
}

type Say = (invariant: string, what: string) => void;

function slotIn({ objectId, vvbns, blocks, slotBytes }: ObjectContent, slot: number): Uint8Array {
  if ((vvbns[slot] ?? HOLE) === HOLE) throw corrupt(`object ${objectId} has no block in slot ${slot}`);
  return blocks.subarray(slot * slotBytes, (slot + 1) * slotBytes);
}

function corrupt(message: string): CloudError {
  return new CloudError('CLOUD_CORRUPT', message);
}
