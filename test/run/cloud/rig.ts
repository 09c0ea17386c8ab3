/** A small volume and its endpoint, run by the engine over stores and states that tests can damage, and looked at by the core's checker. */

import { nodeFormatTools } from '../../../src/compute/format-tools.ts';
import { InlineCompute } from '../../../src/compute/inline.ts';
import { check, type DecodedCache, type SourceView } from '../../../src/core/cloud/check.ts';
import { decodeHistoryEntry } from '../../../src/core/cloud/format/history-entry.ts';
import { historyKey } from '../../../src/core/cloud/format/names.ts';
import { decodeGroup, encodeObject } from '../../../src/core/cloud/format/object.ts';
import type { FormatTools } from '../../../src/core/cloud/format/tools.ts';
import { applyEntry, type EndpointState, NO_ENDPOINT } from '../../../src/core/cloud/history.ts';
import type { VmapPage } from '../../../src/core/cloud/vmap.ts';
import type { Vvbn } from '../../../src/core/wafl/blocks.ts';
import type { VolumeView } from '../../../src/core/wafl/view.ts';
import { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { type Env, systemEnv } from '../../../src/env.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import type { ObjectStore } from '../../../src/object-store/object-store.ts';
import type { BackupRequest, BackupResult } from '../../../src/run/cloud/backup.ts';
import { CloudEndpoint, type CloudEndpointOptions } from '../../../src/run/cloud/cloud-endpoint.ts';
import { uuidOf } from '../../../src/run/cloud/endpoint-place.ts';
import { decodeVmapNote } from '../../../src/run/cloud/transfer-note.ts';
import { storedVmap } from '../../../src/run/cloud/vmap-pages.ts';
import { WaflSnapshotSource } from '../../../src/snapshot-source/wafl-snapshot-source.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import type { StateStore } from '../../../src/state/state.ts';
import { SeededRandom } from '../../../src/testing/random.ts';

export const tools = nodeFormatTools();
export const NAME = 'vol1';

/** Few blocks in an object, few pages in memory, many checkpoints: a small volume goes through what a large one does. */
export const SMALL = {
  layout: { slotsPerObject: 4, l3PartBytes: 200, objectIdsPerTakeOver: 4096 },
  limits: { objectsInFlight: 2, vmapPages: 4, blocksPerRead: 3, objectsPerCheckpoint: 6, blocksPerWindow: 8, heads: 4 },
} as const;

/** 4 pointers in a block, so that a few blocks make three levels. */
export function smallVolume(capacityBlocks = 90): WaflVolume {
  return new WaflVolume({ capacityBlocks, pointersPerBlock: 4, rootPointers: 2 });
}

export interface RigOptions extends Partial<CloudEndpointOptions> {
  readonly volume?: WaflVolume;
  readonly state?: StateStore;
  readonly writer?: string;
}

/** What the bytes of an endpoint may name, and what an encrypted one is encrypted with. */
export type Sealing = Pick<CloudEndpointOptions, 'tools'> & Pick<RigOptions, 'encryption' | 'compute'>;

/** No two endpoints have one uuid. */
let seeds = 0;

export class Rig {
  readonly volume: WaflVolume;
  readonly store: ObjectStore;
  readonly state: StateStore;
  readonly source: WaflSnapshotSource;
  readonly endpoint: CloudEndpoint;
  readonly env: Env;
  readonly writer: string;
  #snapshots = 0;

  constructor(options: RigOptions = {}) {
    const { volume = smallVolume(), state = new MemoryStateStore(), writer = 'host-a', ...rest } = options;
    this.volume = volume;
    this.state = state;
    this.writer = writer;
    this.store = rest.store ?? new MemoryObjectStore();
    this.env = rest.env ?? systemEnv({ random: new SeededRandom(++seeds) });
    this.source = new WaflSnapshotSource(volume, 'volume-1');
    this.endpoint = new CloudEndpoint({
      name: NAME,
      tools,
      compute: new InlineCompute({ encodeObject, decodeGroup }),
      ...SMALL,
      ...rest,
      env: this.env,
      store: this.store,
    });
  }

  snapshot(name = `s${++this.#snapshots}`): string {
    this.volume.createSnapshot(name, { uuid: `uuid-${name}`, createdAt: 1000 + this.#snapshots });
    return name;
  }

  backup(request: Partial<BackupRequest> = {}): Promise<BackupResult> {
    return this.endpoint.backup({ source: this.source, state: this.state, writer: this.writer, ...request });
  }
}

/** Looked-at bytes by store and key: while they are the same, what was decoded from them is. */
const seen = new WeakMap<ObjectStore, Map<string, Uint8Array>>();
const decoded: DecodedCache = new WeakMap();

/** Everything in a store by its key below the endpoint. */
export async function contentsOf(store: ObjectStore, name = NAME): Promise<Map<string, Uint8Array>> {
  const before = seen.get(store);
  const all = new Map<string, Uint8Array>();
  for await (const { key: stored } of store.list(`${name}/`)) {
    const key = stored.slice(name.length + 1);
    const bytes = await store.get(stored);
    const known = before?.get(key);
    all.set(key, known !== undefined && Buffer.compare(known, bytes) === 0 ? known : bytes);
  }
  seen.set(store, all);
  return all;
}

export interface Looked {
  readonly endpointId: Uint8Array;
  readonly history: EndpointState;
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

export async function look(store: ObjectStore, name = NAME, reading: FormatTools = tools): Promise<Looked> {
  const contents = await contentsOf(store, name);
  const endpointId = contents.get(historyKey(1))?.slice(8, 24) ?? new Uint8Array(16);
  let history = NO_ENDPOINT;
  for (let number = 1; ; number++) {
    const bytes = contents.get(historyKey(number));
    if (bytes === undefined) return { endpointId, history, contents };
    const { entry, digest } = decodeHistoryEntry(bytes, endpointId, number, reading);
    history = applyEntry(history, entry, digest);
  }
}

/** What the core's checker says of store, state and source together. */
export async function problemsOf(
  store: ObjectStore,
  state: StateStore | undefined,
  volume: WaflVolume,
  options: { readonly collected?: boolean; readonly tools?: FormatTools } = {},
): Promise<string[]> {
  const reading = options.tools ?? tools;
  const { endpointId, history, contents } = await look(store, NAME, reading);
  let vmap: VmapPage[] | undefined;
  if (state !== undefined && history.base !== undefined) {
    const open = await state.open(uuidOf(endpointId));
    try {
      // A state that is behind the history is not wrong: the next run settles it.
      if (decodeVmapNote(open.committed.meta).snapshotId === history.base.id) {
        vmap = [];
        for await (const page of storedVmap(open, endpointId, reading)) vmap.push(page);
      }
    } finally {
      await open.close();
    }
  }
  return check({
    endpointId,
    tools: reading,
    store: { get: (key) => contents.get(key), keys: () => contents.keys() },
    state: history,
    vmap,
    sources: sourceViews(volume),
    collected: options.collected,
    decoded,
  });
}

export function sourceViews(volume: WaflVolume): Map<string, SourceView> {
  return new Map(volume.snapshots().map(({ uuid, name }) => [uuid, sourceView(volume.snapshotView(name))]));
}

export function sourceView(view: VolumeView): SourceView {
  return {
    roots: () =>
      Array.from(view.inodes(), ({ number, generation, sizeBytes, height, topmost }) => {
        return { number, generation, sizeBytes, height, topmost: Float64Array.from(topmost) };
      }),
    pointers: (vvbn) => view.children(vvbn as Vvbn),
    content: (vvbn) => view.content(vvbn as Vvbn),
  };
}

/** Blocks of 4096 bytes, each filled with one of the values. */
export function blocks(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4096 * values.length);
  values.forEach((value, at) => {
    bytes.fill(value, at * 4096, (at + 1) * 4096);
  });
  return bytes;
}
