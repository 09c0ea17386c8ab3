/** Run (layer 3): what every call on one endpoint works with. */

import type { Compute, EncryptionKey } from '../../compute/compute.ts';
import type { CodecName, FormatTools } from '../../core/cloud/format/tools.ts';
import type { CallOptions, Env } from '../../env.ts';
import type { EndpointPlace } from './endpoint-place.ts';
import type { HistoryLog } from './history-log.ts';
import type { CloudProgress, ProgressReporter } from './progress.ts';

/** Options of every call. */
export interface CloudCallOptions extends CallOptions {
  /** Called as the work goes on. */
  readonly onProgress?: ((progress: CloudProgress) => void) | undefined;
}

/** Bounds of memory and of concurrency. They change how fast something is done, never what is done. */
export interface CloudLimits {
  /** Objects that are encoded, written or read at a time, 4 MiB each. Default 4. */
  readonly objectsInFlight: number;
  /** Pages of the VMAP in memory, 32 KiB each. Default 1024, as many as the blocks of one object can lie in. */
  readonly vmapPages: number;
  /** Blocks asked of the source at a time. Default 256 (1 MiB). */
  readonly blocksPerRead: number;
  /** Objects between two checkpoints of a transfer. Default 256 (1 GiB before compression). */
  readonly objectsPerCheckpoint: number;
  /** File blocks that a restore puts in order before it reads them: the more, the fewer reads. Default 262,144 (1 GiB). */
  readonly blocksPerWindow: number;
  /** Heads of objects in memory, some 25 KiB each. Default 512. */
  readonly heads: number;
  /** Objects that a verification looks at in one pass over the trees, 133 bytes each. Default 262,144 (1 TiB of data). */
  readonly objectsPerPass: number;
}

/** The limits unless the caller says otherwise. */
export const DEFAULT_CLOUD_LIMITS: CloudLimits = {
  objectsInFlight: 4,
  vmapPages: 1024,
  blocksPerRead: 256,
  objectsPerCheckpoint: 256,
  blocksPerWindow: 262_144,
  heads: 512,
  objectsPerPass: 262_144,
};

/** How large the parts are that a transfer writes. Each may be smaller than usual: for tests, and for odd stores. */
export interface CloudLayout {
  /** Blocks in an object; at most 1024. */
  readonly slotsPerObject?: number | undefined;
  readonly l3PartBytes?: number | undefined;
  /** Ids that a take-over owns. */
  readonly objectIdsPerTakeOver?: number | undefined;
}

/** How what a transfer writes is compressed. */
export interface Compression {
  readonly codec: CodecName;
  /** The codec's own level; its default if not given. */
  readonly level?: number | undefined;
}

/** Level 1 takes half the time of zstd's own default, for objects that are two or three percent larger. */
export const DEFAULT_COMPRESSION: Compression = { codec: 'zstd', level: 1 };

/** The key of an endpoint that is not there yet. */
export interface NewKey {
  /** Wraps and stores it; `remove` is for one that nothing was encrypted with. */
  store(endpointId: Uint8Array, signal: AbortSignal): Promise<{ remove(): Promise<void> }>;
}

export interface CloudContext {
  readonly env: Env;
  readonly place: EndpointPlace;
  /** For what is small; objects go through `compute`. */
  readonly tools: FormatTools;
  readonly compute: Compute;
  readonly compression: Compression;
  /** The key of `tools.cipher`; absent for an endpoint without encryption. */
  readonly encryption: EncryptionKey | undefined;
  /** A key that was made for an endpoint that is not there yet: to be stored before the endpoint begins. */
  readonly newKey: NewKey | undefined;
  readonly limits: CloudLimits;
  readonly layout: CloudLayout;
  readonly history: HistoryLog;
  readonly progress: ProgressReporter;
  readonly signal: AbortSignal;
}
