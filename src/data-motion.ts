/**
 * Facade (layer 4): Cinder's DataMotionMixin as a class that composes the configuration, the ONTAP port and the verbs. It
 * holds no rule and does no I/O itself.
 */
import type { DrillReport, OperationReport, VolumeReplicationState } from './core/failover/outcome.ts';
import type { DrillPlan, FailbackPlan, FailoverPlan } from './core/failover/plan.ts';
import type { Protection } from './core/mirror/protection.ts';
import { protectionOf } from './core/mirror/protection.ts';
import type { Readiness } from './core/readiness.ts';
import type { BackendConfiguration, ReplicationConfiguration } from './core/replication/configuration.ts';
import type { ReplicationStats } from './core/replication/targets.ts';
import {
  backendOf,
  destinationAggregates,
  isPoolName,
  replicationBackendNames,
  replicationPolicy,
  replicationStats,
  targetOf,
} from './core/replication/targets.ts';
import type { TransferEndpoint } from './core/transfer/endpoint.ts';
import type { TransferPlan } from './core/transfer/plan.ts';
import type { CallOptions, Env } from './env.ts';
import { systemEnv, underDeadline } from './env.ts';
import { ConfigError, InterruptedError } from './errors.ts';
import type { HostFiles } from './host-files/host-files.ts';
import type { OntapStorage } from './ontap/ontap-storage.ts';
import type { OntapSvm, Relationship, SvmPeer, Volume } from './ontap/ontap-svm.ts';
import { failback } from './run/failover/apply-failback.ts';
import { failover } from './run/failover/apply-failover.ts';
import { drill, planDrill, removeDrillLeftovers } from './run/failover/drill.ts';
import { type HousekeepingOptions, keepHouse } from './run/failover/housekeeping.ts';
import type {
  DrillOptions,
  FailbackOptions,
  FailoverOptions,
  FailoverSelection,
  PlanDrillOptions,
  PlanFailbackOptions,
  PlanFailoverOptions,
  PlanOptions,
} from './run/failover/options.ts';
import { planFailback } from './run/failover/plan-failback.ts';
import { planFailover } from './run/failover/plan-failover.ts';
import { replicationState } from './run/failover/replication-state.ts';
import type { FailoverWorld } from './run/failover/world.ts';
import type { AbortOptions } from './run/mirror/abort.ts';
import { abortSnapmirror } from './run/mirror/abort.ts';
import { coalescing } from './run/mirror/coalescing-svm.ts';
import type { MirrorContext, MirrorPair, MirrorProgress, MirrorResult, MirrorTiming } from './run/mirror/context.ts';
import { collect, DEFAULT_MIRROR_TIMING } from './run/mirror/context.ts';
import type { DestinationFlexvolResult } from './run/mirror/destination-flexvol.ts';
import { createDestinationFlexvol } from './run/mirror/destination-flexvol.ts';
import type { LossResult } from './run/mirror/loss.ts';
import { previewResync } from './run/mirror/loss.ts';
import { DEFAULT_CONCURRENCY, type MirrorOutcome, onEach } from './run/mirror/many.ts';
import { isIn } from './run/mirror/observe.ts';
import { requireCluster, requireSourceVolume } from './run/mirror/preflight.ts';
import type { ReleaseOptions } from './run/mirror/release.ts';
import { releaseSnapmirror } from './run/mirror/release.ts';
import type {
  AcceptLoss,
  BreakOptions,
  BreakResult,
  DeleteResult,
  QuiesceOptions,
  ResyncOptions,
} from './run/mirror/verbs.ts';
import {
  breakSnapmirror,
  createSnapmirror,
  deleteSnapmirror,
  quiesceThenAbort,
  resumeSnapmirror,
  resyncSnapmirror,
  updateSnapmirror,
} from './run/mirror/verbs.ts';
import { checkReadiness } from './run/readiness.ts';
import type { SvmPeerOptions, SvmPeerResult } from './run/svm-peer.ts';
import { createSvmPeer } from './run/svm-peer.ts';
import type {
  PlanTransferOptions,
  TransferOptions,
  TransferResult,
  TransferTiming,
  TransferWorld,
} from './run/transfer/context.ts';
import { CopyTurns } from './run/transfer/copy-turns.ts';
import type { MigrateVolumeOptions, VolumeMigration, VolumeMigrationResult } from './run/transfer/migrate-volume.ts';
import { migrateVolume } from './run/transfer/migrate-volume.ts';
import { planTransfer, type TransferEnds, transfer } from './run/transfer/transfer.ts';

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

/** Which mirrors of a backend a verb on many of them works on. */
export interface Selection {
  readonly source: string;
  /** Default: every target of the source. */
  readonly target?: string | undefined;
  /** Source volumes, by name. Default: the source's pools, as its configuration names them. */
  readonly volumes?: readonly string[] | undefined;
}

/** A selection for verbs that are not for every target at once. */
export interface TargetedSelection extends Selection {
  readonly target: string;
}

/** How a mirror is to be made. */
export interface CreateSnapmirrorOptions {
  /** Default: the source's configured policy. */
  readonly policy?: string | undefined;
  /** For policies without a schedule of their own. Default: the source's configured schedule. */
  readonly transferSchedule?: string | undefined;
  /** Resolve when the baseline is there instead of when its transfer runs (default false). */
  readonly waitForBaseline?: boolean | undefined;
  /**
   * Also resume a mirror that somebody paused, and resync one that was broken off, which DISCARDS what was written to its
   * destination since; `onProgress` and the result tell what (default false). A function is asked right before each loss, and
   * anything but true stops it with `MIRROR_LOSS_NOT_ACCEPTED`.
   */
  readonly repair?: boolean | AcceptLoss | undefined;
}

/** Last argument of every verb on many mirrors. */
export interface BackendVerbOptions extends VerbOptions {
  /** Mirrors worked on at once (default 1000). Requests in flight are limited by themselves, for each cluster. */
  readonly concurrency?: number | undefined;
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
  /** The storage port for a backend; asked once per backend. */
  readonly storageOf: (backend: BackendConfiguration) => OntapStorage;
  /** Files and devices of this host, for transfers to and from it. */
  readonly hostFiles: HostFiles;
  readonly env?: Partial<Env> | undefined;
  readonly timing?: Partial<MirrorTiming> | undefined;
  readonly transferTiming?: Partial<TransferTiming> | undefined;
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
  readonly #storageOf: DataMotionParts['storageOf'];
  readonly #storages = new Map<string, OntapStorage>();
  readonly #hostFiles: HostFiles;
  readonly #copyTurns = new CopyTurns();
  readonly #transferTiming: Partial<TransferTiming>;
  readonly #env: Env;
  readonly #timing: Partial<MirrorTiming>;
  readonly #close: () => Promise<void>;
  #closed = false;

  constructor(parts: DataMotionParts) {
    this.#configuration = parts.configuration;
    this.#svmOf = parts.svmOf;
    this.#storageOf = parts.storageOf;
    this.#hostFiles = parts.hostFiles;
    this.#transferTiming = parts.transferTiming ?? {};
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
        if (asked && (await isIn(relationship.source, source, destination, peers, signal))) {
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
   * Everything that must hold before the source can be replicated to the target, in one verdict: every failed check has its
   * remedy and ONTAP's own code and words. Reads only; what is found is told, never thrown.
   * (Cinder: validate_no_conflicting_snapmirrors and the prechecks)
   */
  async checkReadiness(
    selection: TargetedSelection,
    options: CallOptions & Pick<CreateSnapmirrorOptions, 'policy' | 'transferSchedule'> = {},
  ): Promise<Readiness> {
    const backend = backendOf(this.#configuration, selection.source);
    return this.#on(everyVolume(selection), options, 'check the readiness', (context) =>
      checkReadiness(context, {
        volumes: selection.volumes,
        isPool: (name) => isPoolName(backend, name),
        policy: options.policy ?? backend.policy,
        transferSchedule: options.transferSchedule ?? backend.transferSchedule,
        destinationAggregates: (aggregates) => this.#aggregates(context.pair, aggregates),
      }),
    );
  }

  /**
   * Peers the SVMs of two backends, on one cluster or two: proposes on the one side, accepts on the other, adds applications to a
   * peering that is there, and waits until both halves are `peered`. (Cinder: create_vserver_peer, defect 14)
   */
  async createSvmPeer(
    backends: { readonly source: string; readonly target: string },
    options: CallOptions & SvmPeerOptions = {},
  ): Promise<SvmPeerResult> {
    return this.#on(everyVolume(backends), options, 'peer the SVMs', (context) => createSvmPeer(context, options));
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
   * that somebody paused or broke off is reported, and touched only on the word `repair`. (Cinder: create_snapmirror)
   */
  async createSnapmirror(pair: Pair, options: VerbOptions & CreateSnapmirrorOptions = {}): Promise<MirrorResult> {
    return this.#on(pair, options, 'create the mirror', (context) => this.#create(context, options));
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
   * Replicates again after a break. DISCARDS what was written to the destination since; `previewResyncs` says what that is, and
   * `keepNewerSnapshots` keeps what snapshots hold. (Cinder: resync_snapmirror)
   */
  async resyncSnapmirror(pair: Pair, options: VerbOptions & ResyncOptions = {}): Promise<MirrorResult> {
    return this.#on(pair, options, 'resync the mirror', (context) => resyncSnapmirror(context, options));
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

  /**
   * Ends the running transfer and changes nothing else; with none running there is nothing to do. A schedule may start
   * the next. (Cinder: the client's abort_snapmirror)
   */
  async abortSnapmirror(pair: Pair, options: VerbOptions & AbortOptions = {}): Promise<MirrorResult> {
    return this.#on(pair, options, 'abort the running transfer', (context) => abortSnapmirror(context, options));
  }

  /**
   * Removes what the source keeps for a destination whose half is gone: its entry and the snapshots held for it. Pays what
   * deleteSnapmirror left owing. Refused while the destination still has the relationship. (Cinder: release_snapmirror)
   */
  async releaseSnapmirror(pair: Pair, options: VerbOptions & ReleaseOptions = {}): Promise<MirrorResult> {
    return this.#on(pair, options, 'release the source', (context) => releaseSnapmirror(context, options));
  }

  /**
   * Protects every selected volume, all at once: as createSnapmirror, one outcome a mirror. Polls with one query a cluster and round,
   * whatever the number of mirrors. (Cinder: ensure_snapmirrors, serial, and one volume's failure ended it: defect 21)
   */
  async ensureSnapmirrors(
    selection: Selection,
    options: BackendVerbOptions & CreateSnapmirrorOptions = {},
  ): Promise<readonly MirrorOutcome[]> {
    return this.#onMany(selection, options, 'ensure the mirrors', (context) => this.#create(context, options));
  }

  /** As updateSnapmirror, on all selected mirrors at once. (Cinder: update_snapmirrors) */
  async updateSnapmirrors(
    selection: Selection,
    options: BackendVerbOptions & { readonly wait?: boolean | undefined } = {},
  ): Promise<readonly MirrorOutcome[]> {
    const wait = options.wait ?? false;
    return this.#onMany(selection, options, 'update the mirrors', (context) => updateSnapmirror(context, { wait }));
  }

  /** As quiesceThenAbort, on all selected mirrors at once. */
  async quiesceSnapmirrors(
    selection: TargetedSelection,
    options: BackendVerbOptions & QuiesceOptions = {},
  ): Promise<readonly MirrorOutcome[]> {
    return this.#onMany(selection, options, 'quiesce the mirrors', (context) => quiesceThenAbort(context, options));
  }

  /** As resumeSnapmirror, on all selected mirrors at once. */
  async resumeSnapmirrors(
    selection: TargetedSelection,
    options: BackendVerbOptions = {},
  ): Promise<readonly MirrorOutcome[]> {
    return this.#onMany(selection, options, 'resume the mirrors', (context) => resumeSnapmirror(context));
  }

  /**
   * As breakSnapmirror, on all selected mirrors to one target at once; mirrors to other targets are left alone.
   * (Cinder: break_snapmirrors, which breaks those to every target: defect 17)
   */
  async breakSnapmirrors(
    selection: TargetedSelection,
    options: BackendVerbOptions & QuiesceOptions = {},
  ): Promise<readonly MirrorOutcome<BreakResult>[]> {
    return this.#onMany(selection, options, 'break the mirrors', (context) => breakSnapmirror(context, options));
  }

  /** As resyncSnapmirror, on all selected mirrors at once. DISCARDS what was written to the destinations since the break. */
  async resyncSnapmirrors(
    selection: TargetedSelection,
    options: BackendVerbOptions & ResyncOptions = {},
  ): Promise<readonly MirrorOutcome[]> {
    return this.#onMany(selection, options, 'resync the mirrors', (context) => resyncSnapmirror(context, options));
  }

  /**
   * What a resync, or `ensureSnapmirrors` with `repair`, would discard now at each selected destination. Reads only. Both ends
   * have to answer.
   */
  async previewResyncs(
    selection: Selection,
    options: BackendVerbOptions = {},
  ): Promise<readonly MirrorOutcome<LossResult>[]> {
    return this.#onMany(selection, options, 'find out what a resync would discard', previewResync);
  }

  /** As deleteSnapmirror, on all selected mirrors at once. */
  async deleteSnapmirrors(
    selection: TargetedSelection,
    options: BackendVerbOptions & { readonly release?: boolean | undefined } = {},
  ): Promise<readonly MirrorOutcome<DeleteResult>[]> {
    const release = options.release ?? true;
    return this.#onMany(selection, options, 'delete the mirrors', (context) => deleteSnapmirror(context, { release }));
  }

  /** As abortSnapmirror, on all selected mirrors at once. */
  async abortSnapmirrors(
    selection: TargetedSelection,
    options: BackendVerbOptions & AbortOptions = {},
  ): Promise<readonly MirrorOutcome[]> {
    return this.#onMany(selection, options, 'abort the running transfers', (context) =>
      abortSnapmirror(context, options),
    );
  }

  /** As releaseSnapmirror, on all selected mirrors at once. */
  async releaseSnapmirrors(
    selection: TargetedSelection,
    options: BackendVerbOptions & ReleaseOptions = {},
  ): Promise<readonly MirrorOutcome[]> {
    return this.#onMany(selection, options, 'release the sources', (context) => releaseSnapmirror(context, options));
  }

  /**
   * What a failover would do: which target and why, how old each copy is, step by step, and what has to be accepted by name. Reads
   * only; a source that does not answer is part of the answer.
   * @throws FailoverError `FAILOVER_NO_USABLE_TARGET`
   */
  async planFailover(selection: FailoverSelection, options: PlanFailoverOptions = {}): Promise<FailoverPlan> {
    return this.#under(options, 'plan the failover', (signal) => planFailover(this.#world, selection, options, signal));
  }

  /**
   * Makes one target the side that is written to: last update where the source answers, fencing mark, break, mount. Of a selection the
   * plan is made on the way. One outcome a volume; called again, it goes on from what the clusters show. (Cinder: failover_host)
   * @throws FailoverError before anything is changed: `FAILOVER_NOT_ACKNOWLEDGED`, `FAILOVER_PLAN_STALE`, `FAILOVER_NO_USABLE_TARGET`
   */
  async failover(
    what: FailoverPlan | FailoverSelection,
    options: FailoverOptions = {},
  ): Promise<OperationReport<'failover'>> {
    return this.#under(options, 'fail over', (signal) => failover(this.#world, what, options, signal));
  }

  /** What a failback would do: whose data survive, what the other side loses, step by step. Reads only. */
  async planFailback(selection: FailoverSelection, options: PlanFailbackOptions = {}): Promise<FailbackPlan> {
    return this.#under(options, 'plan the failback', (signal) => planFailback(this.#world, selection, options, signal));
  }

  /**
   * Makes the source the side that is written to again, with the target's data: reverse mirror, updates until little is left, the
   * writers stopped by a hook, last update, switch, mirrored again as before. Where its mirror was, called again it goes on.
   * (Cinder: failback moves no data, defect 6)
   * @throws FailoverError before anything is changed: `FAILOVER_NOT_ACKNOWLEDGED`, `FAILOVER_PLAN_STALE`
   */
  async failback(
    what: FailbackPlan | FailoverSelection,
    options: FailbackOptions = {},
  ): Promise<OperationReport<'failback'>> {
    return this.#under(options, 'fail back', (signal) => failback(this.#world, what, options, signal));
  }

  /** What a drill would clone. Reads only. */
  async planDrill(selection: FailoverSelection, options: PlanDrillOptions = {}): Promise<DrillPlan> {
    return this.#under(options, 'plan the drill', (signal) => planDrill(this.#world, selection, options, signal));
  }

  /**
   * Clones the last copies at the target, has them verified by a hook, and removes the clones whatever happened. The mirrors go on, and
   * nobody's writers notice. What could not be removed is in the report's debts: `removeDrillLeftovers`.
   */
  async drill(what: DrillPlan | FailoverSelection, options: DrillOptions = {}): Promise<DrillReport> {
    return this.#under(options, 'drill', (signal) => drill(this.#world, what, options, signal));
  }

  /** Removes clones that drills of killed processes left, told by their names and by being clones. One entry a clone. */
  async removeDrillLeftovers(
    selection: Pick<FailoverSelection, 'source' | 'target'>,
    options: CallOptions = {},
  ): Promise<Awaited<ReturnType<typeof removeDrillLeftovers>>> {
    return this.#under(options, 'remove what drills left', (signal) =>
      removeDrillLeftovers(this.#world, selection, signal),
    );
  }

  /**
   * Looks at a backend again and again: ensures mirrors that are missing, updates what is due, fences a loser that comes back, tells
   * alerts as they begin and end. Leaves alone what somebody paused or broke off (defect 4).
   * @param options.stop lets the round under way end, and resolves; `signal` ends it at once
   */
  async keepHouse(
    source: string,
    options: HousekeepingOptions & { readonly stop?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const verbs = {
      ensure: (target: string, volumes: readonly string[], signal: AbortSignal) =>
        this.ensureSnapmirrors({ source, target, volumes }, { signal }),
      update: (target: string, volumes: readonly string[], signal: AbortSignal) =>
        this.updateSnapmirrors({ source, target, volumes }, { signal }),
    };
    const { name } = backendOf(this.#configuration, source);
    return this.#under(options, 'keep house', (signal) => keepHouse(this.#world, verbs, name, options, signal));
  }

  /** Who counts, of every volume, and why; from what the clusters show now. Never two sides. Reads only. */
  async replicationState(
    selection: FailoverSelection,
    options: PlanOptions = {},
  ): Promise<readonly VolumeReplicationState[]> {
    return this.#under(options, 'look at the replication', (signal) =>
      replicationState(this.#world, selection, options, signal),
    );
  }

  /**
   * How data would go from one end to the other: every strategy in the order in which it would be tried, with why or why not, what it moves
   * over which link, what has to be arranged first, and what is left when it is cut off. Reads only.
   * @throws TransferError `TRANSFER_ENDPOINT_INVALID`, `TRANSFER_SOURCE_NOT_FOUND`, `TRANSFER_PLACE_NOT_FOUND`
   */
  async planTransfer(
    from: string | TransferEndpoint,
    to: string | TransferEndpoint,
    options: PlanTransferOptions = {},
  ): Promise<TransferPlan> {
    return this.#under(options, 'plan the transfer', (signal) =>
      planTransfer(this.#transferWorld, { from, to }, options, signal),
    );
  }

  /**
   * Copies or moves a file, LUN, namespace or volume the cheapest way that both ends allow, and falls back to the next as long as nothing
   * bears the destination's name. What is half-written has a name of its own; a moved source goes last. Called again after whatever end, it
   * goes on, finishes or says why not. An abort cancels the copy in ONTAP too; the error's `details.left` says what is left.
   * @throws TransferError, and what the clusters answer
   */
  async transfer(what: TransferPlan | TransferEnds, options: TransferOptions = {}): Promise<TransferResult> {
    return this.#under(options, 'transfer', (signal) => transfer(this.#transferWorld, what, options, signal));
  }

  /**
   * Moves one volume of Cinder's (a LUN or a file) to another pool where ONTAP can assist, and says so where it cannot.
   * (Cinder: migrate_volume_ontap_assisted; defects 11 to 14, 38 and 40)
   */
  async migrateVolume(migration: VolumeMigration, options: MigrateVolumeOptions = {}): Promise<VolumeMigrationResult> {
    return this.#under(options, 'migrate the volume', (signal) =>
      migrateVolume(this.#transferWorld, migration, options, signal),
    );
  }

  /** Closes the connections to all clusters, for good; a call after it is refused with `CLOSED`. Safe to repeat. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#close();
  }

  /** As `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #world(): FailoverWorld {
    return {
      env: this.#env,
      configuration: this.#configuration,
      svmOf: (backend) => this.#svm(backend),
      timingOf: (backend) => this.#timingOf(backend),
      peersReader,
    };
  }

  get #transferWorld(): TransferWorld {
    return {
      env: this.#env,
      hostFiles: this.#hostFiles,
      svmOf: (backend) => this.#svm(backend),
      storageOf: (backend) => this.#storage(backend),
      mirrorTimingOf: (backend) => this.#timingOf(backend),
      timingOf: (backend) => this.#transferTimingOf(backend),
      mappedAggregates: (source, destination, aggregates) => {
        const { targets } = backendOf(this.#configuration, source);
        const { name } = backendOf(this.#configuration, destination);
        const isTarget = targets.some(({ backend }) => backend === name);
        return isTarget ? destinationAggregates(this.#configuration, source, name, aggregates) : undefined;
      },
      policyOf: (backend) => replicationPolicy(this.#configuration, backend),
      peersReader,
      copyTurns: this.#copyTurns,
    };
  }

  /** Of a transfer between files of this host, which no backend speaks for, the defaults. */
  #transferTimingOf(name: string): TransferTiming {
    const waits = { pollFirstMs: 500, pollMaxMs: 5_000 };
    const backend = name === '' ? undefined : backendOf(this.#configuration, name);
    return {
      ...waits,
      copyTimeoutMs: backend?.migrateVolumeTimeoutMs ?? 3_600_000,
      cloneBusy: backend?.lunCloneBusy ?? { timeoutMs: 30_000, intervalMs: 3_000 },
      ...this.#transferTiming,
    };
  }

  #timingOf(name: string): MirrorTiming {
    const backend = backendOf(this.#configuration, name);
    return {
      ...DEFAULT_MIRROR_TIMING,
      quiesceTimeoutMs: backend.quiesceTimeoutMs,
      volumeOnlineTimeoutMs: backend.volumeOnlineTimeoutMs,
      changeTimeoutMs: Math.max(DEFAULT_MIRROR_TIMING.changeTimeoutMs, backend.jobTimeoutMs),
      ...this.#timing,
    };
  }

  #svm(name: string): OntapSvm {
    const backend = backendOf(this.#configuration, name);
    const known = this.#svms.get(backend.name) ?? this.#svmOf(backend);
    this.#svms.set(backend.name, known);
    return known;
  }

  #storage(name: string): OntapStorage {
    const backend = backendOf(this.#configuration, name);
    const known = this.#storages.get(backend.name) ?? this.#storageOf(backend);
    this.#storages.set(backend.name, known);
    return known;
  }

  #aggregates(pair: MirrorPair, aggregates: readonly string[]): readonly string[] {
    return destinationAggregates(this.#configuration, pair.source.backend, pair.destination.backend, aggregates);
  }

  async #under<T>(options: CallOptions, attempted: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#closed) throw closed(attempted);
    return underDeadline(this.#env.clock, options, attempted, work);
  }

  #create(context: MirrorContext, options: CreateSnapmirrorOptions): Promise<MirrorResult> {
    const { backend } = context.pair.source;
    return createSnapmirror(context, {
      policy: options.policy ?? replicationPolicy(this.#configuration, backend),
      transferSchedule: options.transferSchedule ?? backendOf(this.#configuration, backend).transferSchedule,
      destinationAggregates: (aggregates) => this.#aggregates(context.pair, aggregates),
      waitForBaseline: options.waitForBaseline ?? false,
      repair: options.repair ?? false,
    });
  }

  async #on<T>(
    pair: Pair,
    options: VerbOptions,
    attempted: string,
    verb: (context: MirrorContext) => Promise<T>,
  ): Promise<T> {
    const resolved = this.#resolve(pair);
    const svms = [this.#svm(resolved.source.backend), this.#svm(resolved.destination.backend)] as const;
    return this.#under(options, attempted, (signal) => verb(this.#context(resolved, svms, options, signal)));
  }

  async #onMany<Result extends MirrorResult>(
    selection: Selection,
    options: BackendVerbOptions,
    attempted: string,
    verb: (context: MirrorContext) => Promise<Result>,
  ): Promise<readonly MirrorOutcome<Result>[]> {
    const { source } = selection;
    const targets = selection.target === undefined ? await this.getReplicationBackendNames(source) : [selection.target];
    for (const target of targets) targetOf(this.#configuration, source, target);
    if (targets.length === 0) throw noTarget(source);
    const { clock } = this.#env;
    return this.#under(options, attempted, async (signal) => {
      const volumes = selection.volumes ?? (await this.#pools(source, signal));
      const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
      const atOnce = Math.min(concurrency, volumes.length * targets.length);
      const from = coalescing(this.#svm(source), clock, signal, atOnce);
      const contexts = targets.flatMap((target) => {
        const to = coalescing(this.#svm(target), clock, signal, atOnce);
        return volumes.map((volume) => {
          const pair = this.#resolve({ source: { backend: source, volume }, destination: { backend: target } });
          return this.#context(pair, [from, to], options, signal);
        });
      });
      return onEach(contexts, concurrency, verb);
    });
  }

  /** The volumes whose names the backend's configuration takes for pools. */
  async #pools(source: string, signal: AbortSignal): Promise<readonly string[]> {
    const backend = backendOf(this.#configuration, source);
    const volumes = await this.getPools(source, { signal });
    return volumes.map(({ name }) => name).filter((name) => isPoolName(backend, name));
  }

  #resolve({ source, destination }: Pair): MirrorPair {
    const backend = backendOf(this.#configuration, source.backend);
    const target = targetOf(this.#configuration, source.backend, destination.backend);
    return {
      source: { backend: backend.name, volume: source.volume },
      destination: { backend: target.backend, volume: destination.volume ?? source.volume },
    };
  }

  #context(
    pair: MirrorPair,
    [source, destination]: readonly [OntapSvm, OntapSvm],
    options: VerbOptions,
    signal: AbortSignal,
  ): MirrorContext {
    return {
      env: this.#env,
      pair,
      source,
      destination,
      peersOf: peersReader(signal),
      timing: this.#timingOf(pair.source.backend),
      signal,
      onProgress: options.onProgress ?? (() => {}),
    };
  }
}

/** For what is about two backends and no single volume. */
function everyVolume({ source, target }: { readonly source: string; readonly target: string }): Pair {
  return { source: { backend: source, volume: '*' }, destination: { backend: target } };
}

function closed(attempted: string): InterruptedError {
  return new InterruptedError('CLOSED', `${attempted}: this DataMotion is closed`, {
    attempted,
    retryable: false,
    remedy: 'make another one with createDataMotion',
  });
}

function noTarget(source: string): ConfigError {
  return new ConfigError('CONFIG_TARGET_UNKNOWN', `backend ${source} has no replication target`, {
    object: source,
    remedy: 'Add a replication_device to its section.',
  });
}

/** Reads the peers of an SVM, once; what failed is read again. */
function peersReader(signal: AbortSignal): (svm: OntapSvm) => Promise<readonly SvmPeer[]> {
  const read = new Map<OntapSvm, Promise<readonly SvmPeer[]>>();
  return (svm) => {
    const known = read.get(svm);
    if (known !== undefined) return known;
    const peers = svm.svmPeers({ signal });
    read.set(svm, peers);
    peers.catch(() => read.delete(svm));
    return peers;
  };
}
