/**
 * Facade (layer 4): Cinder's DataMotionMixin as a class that composes the configuration, the ONTAP port and the verbs. It
 * holds no rule and does no I/O itself.
 */
import type { Protection } from './core/mirror/protection.ts';
import { protectionOf } from './core/mirror/protection.ts';
import type { BackendConfiguration, ReplicationConfiguration } from './core/replication/configuration.ts';
import type { ReplicationStats } from './core/replication/targets.ts';
import {
  backendOf,
  destinationAggregates,
  replicationBackendNames,
  replicationPolicy,
  replicationStats,
  targetOf,
} from './core/replication/targets.ts';
import type { CallOptions, Env } from './env.ts';
import { systemEnv, underDeadline } from './env.ts';
import type { OntapSvm, Relationship, SvmPeer, Volume } from './ontap/ontap-svm.ts';
import type { MirrorContext, MirrorPair, MirrorProgress, MirrorResult, MirrorTiming } from './run/mirror/context.ts';
import { collect, DEFAULT_MIRROR_TIMING } from './run/mirror/context.ts';
import type { DestinationFlexvolResult } from './run/mirror/destination-flexvol.ts';
import { createDestinationFlexvol } from './run/mirror/destination-flexvol.ts';
import { isIn } from './run/mirror/observe.ts';
import { requireCluster, requireSourceVolume } from './run/mirror/preflight.ts';
import type { BreakOptions, BreakResult, DeleteResult } from './run/mirror/verbs.ts';
import {
  breakSnapmirror,
  createSnapmirror,
  deleteSnapmirror,
  quiesceThenAbort,
  resumeSnapmirror,
  resyncSnapmirror,
  updateSnapmirror,
} from './run/mirror/verbs.ts';

/** A mirror as callers name it; the destination volume defaults to the source's name. */
export interface Pair {
  readonly source: { readonly backend: string; readonly volume: string };
  readonly destination: { readonly backend: string; readonly volume?: string | undefined };
}

/** Last argument of every verb. */
export interface VerbOptions extends CallOptions {
  /** Called for every step and, while a transfer runs, with the bytes moved so far. */
  readonly onProgress?: ((progress: MirrorProgress) => void) | undefined;
}

/** A relationship with what it means for the data. */
export interface MirrorStatus extends Relationship {
  readonly protection: Protection;
}

/** What a DataMotion is made of. `createDataMotion` supplies the real parts. */
export interface DataMotionParts {
  readonly configuration: ReplicationConfiguration;
  /** The ONTAP port for a backend; asked once per backend. */
  readonly svmOf: (backend: BackendConfiguration) => OntapSvm;
  readonly env?: Partial<Env> | undefined;
  readonly timing?: Partial<MirrorTiming> | undefined;
  /** Releases what `svmOf` opened. */
  readonly close?: (() => Promise<void>) | undefined;
}

/**
 * Moves data between the backends of one configuration. Every method takes an AbortSignal and a deadline, is safe to
 * repeat and to cut off anywhere, and resolves to a typed result. Errors: ConfigError before anything is asked of a
 * cluster, MirrorError and OntapError after, InterruptedError when the caller ended the call.
 */
export class DataMotion {
  readonly #configuration: ReplicationConfiguration;
  readonly #svmOf: DataMotionParts['svmOf'];
  readonly #svms = new Map<string, OntapSvm>();
  readonly #env: Env;
  readonly #timing: Partial<MirrorTiming>;
  readonly #close: () => Promise<void>;

  constructor(parts: DataMotionParts) {
    this.#configuration = parts.configuration;
    this.#svmOf = parts.svmOf;
    this.#env = systemEnv(parts.env);
    this.#timing = parts.timing ?? {};
    this.#close = parts.close ?? (async () => {});
  }

  /** Targets of a backend, in the order of the file. (Cinder: get_replication_backend_names) */
  async getReplicationBackendNames(source: string): Promise<readonly string[]> {
    return replicationBackendNames(this.#configuration, source);
  }

  /** (Cinder: get_replication_backend_stats) */
  async getReplicationBackendStats(source: string): Promise<ReplicationStats> {
    return replicationStats(this.#configuration, source);
  }

  /**
   * The mirrors from one backend to one of its targets, as the target shows them: one paged query, whatever their number
   * and age. (Cinder: get_snapmirrors, which failed for all once one lag passed 24 hours, defect 1)
   */
  async getSnapmirrors(
    query: { readonly source: string; readonly target: string; readonly volume?: string | undefined },
    options: CallOptions = {},
  ): Promise<readonly MirrorStatus[]> {
    targetOf(this.#configuration, query.source, query.target);
    const source = this.#svm(query.source);
    const destination = this.#svm(query.target);
    return this.#under(options, 'list the mirrors', async (signal) => {
      await requireCluster(destination, signal);
      // Only the destination end is asked for: the source's SVM may go by an alias there.
      const all = await collect(destination.relationships({ destination: { svm: destination.svm } }, { signal }));
      const peers = peersReader(signal);
      const found: MirrorStatus[] = [];
      for (const relationship of all) {
        const asked = query.volume === undefined || relationship.source.volume === query.volume;
        if (asked && (await isIn(relationship.source, source, () => peers(destination)))) {
          found.push({ ...relationship, protection: protectionOf(relationship) });
        }
      }
      return found;
    });
  }

  /** The read-write volumes of a backend's SVM: what can be protected. (Cinder: its pools, before the name pattern) */
  async getPools(source: string, options: CallOptions = {}): Promise<readonly Volume[]> {
    const svm = this.#svm(source);
    return this.#under(options, 'list the volumes', async (signal) => {
      await requireCluster(svm, signal);
      const volumes = await collect(svm.volumes({ signal }));
      return volumes.filter((volume) => volume.type === 'rw' && volume.style !== 'flexgroup_constituent');
    });
  }

  /**
   * The destination volume in the image of its source, on the mapped aggregate, of type dp, online.
   * (Cinder: create_destination_flexvol)
   */
  async createDestinationFlexvol(pair: Pair, options: VerbOptions = {}): Promise<DestinationFlexvolResult> {
    return this.#on(pair, options, 'create the destination volume', async (context) => {
      await Promise.all([
        requireCluster(context.source, context.signal),
        requireCluster(context.destination, context.signal),
      ]);
      const source = await requireSourceVolume(context);
      return createDestinationFlexvol(context, source, () => this.#aggregates(context.pair, source.aggregates));
    });
  }

  /**
   * Protects a volume: destination volume, relationship, baseline; whatever of it is there already is adopted. A mirror
   * that somebody paused or broke off is reported, never touched. (Cinder: create_snapmirror)
   * @param options.waitForBaseline resolve when the baseline is there instead of when its transfer runs (default false)
   */
  async createSnapmirror(
    pair: Pair,
    options: VerbOptions & {
      readonly policy?: string | undefined;
      readonly transferSchedule?: string | undefined;
      readonly waitForBaseline?: boolean | undefined;
    } = {},
  ): Promise<MirrorResult> {
    const { backend } = pair.source;
    return this.#on(pair, options, 'create the mirror', (context) =>
      createSnapmirror(context, {
        policy: options.policy ?? replicationPolicy(this.#configuration, backend),
        transferSchedule: options.transferSchedule ?? backendOf(this.#configuration, backend).transferSchedule,
        destinationAggregates: (aggregates) => this.#aggregates(context.pair, aggregates),
        waitForBaseline: options.waitForBaseline ?? false,
      }),
    );
  }

  /**
   * One incremental transfer. (Cinder: update_snapmirror)
   * @param options.wait resolve when everything written before the call is at the destination (default false)
   */
  async updateSnapmirror(
    pair: Pair,
    options: VerbOptions & { readonly wait?: boolean | undefined } = {},
  ): Promise<MirrorResult> {
    return this.#on(pair, options, 'update the mirror', (context) =>
      updateSnapmirror(context, { wait: options.wait ?? false }),
    );
  }

  /** Quiesces, waits for the running transfer, and aborts it when it takes too long. (Cinder: quiesce_then_abort) */
  async quiesceThenAbort(
    pair: Pair,
    options: VerbOptions & { readonly quiesceTimeoutMs?: number | undefined } = {},
  ): Promise<MirrorResult> {
    return this.#on(pair, options, 'quiesce the mirror', (context) => quiesceThenAbort(context, options));
  }

  /**
   * Makes the destination writable and mounts it: quiesce, abort if needed, break, mount. Asks nothing of the source.
   * What was written to the source after `lastSnapshot` is not at the destination. (Cinder: break_snapmirror)
   */
  async breakSnapmirror(pair: Pair, options: VerbOptions & BreakOptions = {}): Promise<BreakResult> {
    return this.#on(pair, options, 'break the mirror', (context) => breakSnapmirror(context, options));
  }

  /**
   * Replicates again after a break. DISCARDS what was written to the destination since. (Cinder: resync_snapmirror)
   * @param options.wait resolve when the destination mirrors again (default false)
   */
  async resyncSnapmirror(
    pair: Pair,
    options: VerbOptions & { readonly wait?: boolean | undefined } = {},
  ): Promise<MirrorResult> {
    return this.#on(pair, options, 'resync the mirror', (context) =>
      resyncSnapmirror(context, { wait: options.wait ?? false }),
    );
  }

  /** Undoes a quiesce; refused on a broken-off mirror. (Cinder: resume_snapmirror) */
  async resumeSnapmirror(pair: Pair, options: VerbOptions = {}): Promise<MirrorResult> {
    return this.#on(pair, options, 'resume the mirror', (context) => resumeSnapmirror(context));
  }

  /**
   * Removes the relationship, and with `release` (default true) what the source keeps for it. The destination volume
   * stays. A source that does not answer leaves a debt in the result instead of failing. (Cinder: delete_snapmirror)
   */
  async deleteSnapmirror(
    pair: Pair,
    options: VerbOptions & { readonly release?: boolean | undefined } = {},
  ): Promise<DeleteResult> {
    return this.#on(pair, options, 'delete the mirror', (context) =>
      deleteSnapmirror(context, { release: options.release ?? true }),
    );
  }

  /** Closes the connections to all clusters. */
  async close(): Promise<void> {
    await this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #svm(name: string): OntapSvm {
    const backend = backendOf(this.#configuration, name);
    const known = this.#svms.get(backend.name) ?? this.#svmOf(backend);
    this.#svms.set(backend.name, known);
    return known;
  }

  #aggregates(pair: MirrorPair, aggregates: readonly string[]): readonly string[] {
    return destinationAggregates(this.#configuration, pair.source.backend, pair.destination.backend, aggregates);
  }

  #under<T>(options: CallOptions, attempted: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return underDeadline(this.#env.clock, options, attempted, work);
  }

  async #on<T>(
    pair: Pair,
    options: VerbOptions,
    attempted: string,
    verb: (context: MirrorContext) => Promise<T>,
  ): Promise<T> {
    const { source, destination } = pair;
    const target = targetOf(this.#configuration, source.backend, destination.backend);
    const backend = backendOf(this.#configuration, source.backend);
    const resolved: MirrorPair = {
      source: { backend: backend.name, volume: source.volume },
      destination: { backend: target.backend, volume: destination.volume ?? source.volume },
    };
    const timing: MirrorTiming = {
      ...DEFAULT_MIRROR_TIMING,
      quiesceTimeoutMs: backend.quiesceTimeoutMs,
      volumeOnlineTimeoutMs: backend.volumeOnlineTimeoutMs,
      changeTimeoutMs: Math.max(DEFAULT_MIRROR_TIMING.changeTimeoutMs, backend.jobTimeoutMs),
      ...this.#timing,
    };
    return this.#under(options, attempted, (signal) =>
      verb({
        env: this.#env,
        pair: resolved,
        source: this.#svm(source.backend),
        destination: this.#svm(destination.backend),
        peersOf: peersReader(signal),
        timing,
        signal,
        onProgress: options.onProgress ?? (() => {}),
      }),
    );
  }
}

/** Reads the peers of an SVM, once. */
function peersReader(signal: AbortSignal): (svm: OntapSvm) => Promise<readonly SvmPeer[]> {
  const read = new Map<OntapSvm, Promise<readonly SvmPeer[]>>();
  return (svm) => {
    const known = read.get(svm) ?? svm.svmPeers({ signal });
    read.set(svm, known);
    return known;
  };
}
