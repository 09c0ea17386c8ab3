/**
 * Facade (layer 4): one Cinder backend as a volume driver sees it: `failover_host`, `failover`, `failover_completed`, failback through
 * "default", replication stats and housekeeping, in Cinder's shapes and with its error classes. It holds no rule of its own beyond
 * the translation; docs/cinder.md has a driver to copy.
 */
import type { OperationReport, VolumeOutcome, VolumeReplicationState } from './core/failover/outcome.ts';
import type { Fence } from './core/failover/vocabulary.ts';
import type { DataMotion } from './data-motion.ts';
import type { CallOptions } from './env.ts';
import { CinderError, type CinderErrorCode, DataMotionError, InterruptedError } from './errors.ts';
import type { Acknowledge, ApplyOptions } from './run/failover/options.ts';

/** A row of Cinder's volume table, as far as it is read. */
export interface CinderVolume {
  readonly id: string;
  /** `host@backend#pool`; the pool is a volume's name or, with NFS, `address:/junction`. */
  readonly host: string;
  readonly status?: string | undefined;
  /** Name of its LUN or file in the pool; `volume-<id>` where it is left out, as Cinder's template has it. */
  readonly name?: string | undefined;
}

/** What `migrate_volume` returns: whether ONTAP could assist, and what becomes of the volume's row. */
export type CinderMigration = readonly [migrated: boolean, updates: { readonly provider_location?: string }];

/** Values of Cinder's `replication_status` that are given. */
export const CINDER_REPLICATION_STATUSES = ['enabled', 'failed-over', 'error'] as const;
/** One of `CINDER_REPLICATION_STATUSES`. */
export type CinderReplicationStatus = (typeof CINDER_REPLICATION_STATUSES)[number];

/** What Cinder's manager writes into its table. */
export interface CinderVolumeUpdate {
  readonly volume_id: string;
  readonly updates: { readonly replication_status: CinderReplicationStatus };
}

/** What `failover_host` returns: the active backend, updates of volumes, updates of groups (none). */
export type CinderFailover = readonly [
  activeBackendId: string,
  volumeUpdates: readonly CinderVolumeUpdate[],
  groupUpdates: readonly [],
];

/** What a driver reports of its replication to the scheduler. */
export type CinderReplicationStats =
  | { readonly replication_enabled: false }
  | {
      readonly replication_enabled: true;
      readonly replication_count: number;
      readonly replication_targets: readonly string[];
      readonly replication_type: 'sync' | 'async';
    };

/** What became of one mirror in a round of housekeeping. */
export interface CinderMirrorUpdate {
  readonly volume: string;
  readonly target: string;
  readonly ok: boolean;
  readonly error?: string | undefined;
}

/** What a driver knows of its backend when it starts, and what is handed to each failover and failback. */
export interface CinderBackendOptions
  extends Pick<ApplyOptions, 'journal' | 'lock' | 'hooks' | 'onEvent' | 'hookTimeoutMs'> {
  /** The backend's section in cinder.conf. */
  readonly backend: string;
  /** As Cinder's service table has it: absent or empty while the backend is not failed over. */
  readonly activeBackendId?: string | undefined;
  /**
   * Losses of a failover. Default: those of `unreplicated-writes` are accepted, since Cinder's own call has no other word for it
   * than being made.
   */
  readonly acknowledgeFailover?: Acknowledge | undefined;
  /** Losses of a failback: what the old primary wrote on its own. Default: none is accepted, and the error names them. */
  readonly acknowledgeFailback?: Acknowledge | undefined;
  /** What may be done to a primary that could still be written to (default `none`). */
  readonly fence?: Fence | undefined;
}

/** Cinder's word for failing back. */
const DEFAULT = 'default';

/** One backend of a Cinder service. Its only state is which backend is active, as Cinder tells it. */
export class CinderBackend {
  readonly #dataMotion: DataMotion;
  readonly #options: CinderBackendOptions;
  #active: string | undefined;

  constructor(dataMotion: DataMotion, options: CinderBackendOptions) {
    this.#dataMotion = dataMotion;
    this.#options = options;
    this.failoverCompleted(options.activeBackendId);
  }

  /** The backend that Cinder is to use; undefined: its own. (Cinder: failed_over_backend_name) */
  get activeBackendId(): string | undefined {
    return this.#active;
  }

  /**
   * `failover` and `failoverCompleted` in one: for services that are not clustered. (Cinder: failover_host; after a failback the original
   * took itself for failed over again, defect 5)
   */
  async failoverHost(
    volumes: readonly CinderVolume[],
    secondaryId?: string | null,
    options: CallOptions = {},
  ): Promise<CinderFailover> {
    const result = await this.failover(volumes, secondaryId, options);
    this.failoverCompleted(result[0]);
    return result;
  }

  /**
   * Fails the whole backend over, or back with "default". Volumes whose pool did not come through are `error`; the others are not held up
   * by them. Where no volume came through nothing was switched, and it is an error. (Cinder: failover)
   * @param secondaryId default: the best target
   * @throws CinderError `InvalidReplicationTarget`, `UnableToFailOver`
   */
  async failover(
    volumes: readonly CinderVolume[],
    secondaryId?: string | null,
    options: CallOptions = {},
  ): Promise<CinderFailover> {
    const { backend, journal, lock, hooks, onEvent, hookTimeoutMs, fence } = this.#options;
    const call = { ...options, journal, lock, hooks, onEvent, hookTimeoutMs };
    const target = secondaryId ?? undefined;
    if (target === DEFAULT) {
      const acknowledge = this.#options.acknowledgeFailback ?? [];
      const selection = { source: backend, target: this.#active };
      const report = await this.#failingOver(() => this.#dataMotion.failback(selection, { ...call, acknowledge }));
      return [backend, updatesOf(volumes, report, isBack), []];
    }
    await this.#requireTarget(target);
    const acknowledge = this.#options.acknowledgeFailover ?? (({ kind }) => kind === 'unreplicated-writes');
    const report = await this.#failingOver(() =>
      this.#dataMotion.failover({ source: backend, target: target ?? this.#active }, { ...call, acknowledge, fence }),
    );
    return [report.target, updatesOf(volumes, report, isAway), []];
  }

  /** Cinder's word, to every service of a cluster, that the switch is made. (Cinder: failover_completed) */
  failoverCompleted(activeBackendId?: string | null): void {
    const { backend } = this.#options;
    const own = !activeBackendId || activeBackendId === DEFAULT || same(activeBackendId, backend);
    this.#active = own ? undefined : activeBackendId;
  }

  /** (Cinder: get_replication_backend_stats) */
  async getReplicationStats(): Promise<CinderReplicationStats> {
    const stats = await this.#asDriver(() => this.#dataMotion.getReplicationBackendStats(this.#options.backend));
    if (!stats.replicationEnabled) return { replication_enabled: false };
    return {
      replication_enabled: true,
      replication_count: stats.replicationCount,
      replication_targets: stats.replicationTargets,
      replication_type: stats.replicationType,
    };
  }

  /**
   * What has to hold before the backend is used, at each of its targets. (Cinder: check_for_setup_error, with
   * validate_no_conflicting_snapmirrors)
   * @throws CinderError `NetAppDriverException` listing every check that failed, with its remedy
   */
  async checkForSetupError(options: CallOptions = {}): Promise<void> {
    const { backend } = this.#options;
    await this.#asDriver(async () => {
      const targets = await this.#dataMotion.getReplicationBackendNames(backend);
      const found = await Promise.all(
        targets.map(async (target) => {
          const { checks } = await this.#dataMotion.checkReadiness({ source: backend, target }, options);
          return checks
            .filter(({ ok, skipped }) => !ok && !skipped)
            .map(({ detail, remedy = '' }) => `${target}: ${detail} ${remedy}`.trim());
        }),
      );
      const failed = found.flat();
      if (failed.length > 0) throw cinderError('CINDER_DRIVER_EXCEPTION', failed.join('; '), { backend });
    });
  }

  /**
   * One round: mirrors that are missing are made; one that somebody paused or broke off is left alone (defect 4). Nothing is done while the
   * backend is failed over. Repeat it as Cinder does, every ten minutes. (Cinder: _handle_housekeeping_tasks, ensure_snapmirrors)
   */
  async handleHousekeepingTasks(options: CallOptions = {}): Promise<readonly CinderMirrorUpdate[]> {
    const { backend } = this.#options;
    if (this.#active !== undefined) return [];
    return this.#asDriver(async () => {
      const targets = await this.#dataMotion.getReplicationBackendNames(backend);
      if (targets.length === 0) return [];
      const outcomes = await this.#dataMotion.ensureSnapmirrors({ source: backend }, options);
      return outcomes.map((outcome) => ({
        volume: outcome.pair.source.volume,
        target: outcome.pair.destination.backend,
        ok: outcome.ok,
        ...(outcome.ok ? {} : { error: outcome.error.message }),
      }));
    });
  }

  /**
   * Each volume's `replication_status` from what the clusters show now: for a driver that starts, and for whoever doubts the table.
   * @throws CinderError `InvalidVolume` for a host without a pool
   */
  async replicationUpdates(
    volumes: readonly CinderVolume[],
    options: CallOptions = {},
  ): Promise<readonly CinderVolumeUpdate[]> {
    for (const volume of volumes) poolOf(volume);
    const states = await this.#asDriver(() =>
      this.#dataMotion.replicationState({ source: this.#options.backend, target: this.#active }, options),
    );
    return volumes.map((volume) =>
      updateOf(volume, statusOf(states.filter((state) => isOn(volume, state.volume, pathsOf(state))))),
    );
  }

  /**
   * Moves a volume to another pool, of this backend or another one on the same cluster, where ONTAP can assist; false: copy it through a host.
   * (Cinder: migrate_volume_ontap_assisted)
   * @param host `host@backend#pool`, where it is to go
   * @throws CinderError `InvalidVolume` for a host without a pool, and for a volume that is in use where it would have to be copied
   */
  async migrateVolume(volume: CinderVolume, host: string, options: CallOptions = {}): Promise<CinderMigration> {
    const destination = { id: volume.id, host };
    const [from, to] = [backendIn(volume.host) ?? this.#options.backend, backendIn(host) ?? this.#options.backend];
    const pools = [poolOf(volume), poolOf(destination)];
    return this.#asDriver(async () => {
      const [source, target] = await Promise.all([
        this.#volumeOf(from, volume, options),
        this.#volumeOf(to, destination, options),
      ]);
      const migration = {
        source: { backend: from, pool: source, path: volume.name ?? `volume-${volume.id}` },
        destination: { backend: to, pool: target },
      };
      const available = volume.status === undefined || volume.status === 'available';
      const { migrated, updates } = await this.#dataMotion.migrateVolume(migration, { ...options, available });
      // The pool as Cinder calls it.
      return [migrated, updates.providerLocation === undefined ? {} : { provider_location: pools[1] ?? target }];
    });
  }

  /** The ONTAP volume that a pool is; NFS drivers call it by where it is mounted. */
  async #volumeOf(backend: string, volume: CinderVolume, options: CallOptions): Promise<string> {
    const pool = poolOf(volume);
    const path = junctionIn(pool);
    if (path === undefined) return pool;
    const found = (await this.#dataMotion.getPools(backend, options)).find((one) => one.junctionPath === path);
    if (found !== undefined) return found.name;
    throw cinderError('CINDER_INVALID_VOLUME', `no volume of ${backend} is mounted at ${path}`, { backend });
  }

  async #requireTarget(target: string | undefined): Promise<void> {
    const { backend } = this.#options;
    const targets = await this.#asDriver(() => this.#dataMotion.getReplicationBackendNames(backend));
    if (target === undefined && targets.length > 0) return;
    if (target !== undefined && targets.some((one) => same(one, target))) return;
    const why =
      targets.length === 0
        ? `backend ${backend} has no replication target`
        : target !== undefined && same(target, backend)
          ? `backend ${backend} cannot be failed over to itself`
          : `${target} is no replication target of ${backend}; it has ${targets.join(', ')}`;
    throw cinderError('CINDER_INVALID_REPLICATION_TARGET', why, { backend, target });
  }

  async #failingOver<Kind extends 'failover' | 'failback'>(
    work: () => Promise<OperationReport<Kind>>,
  ): Promise<OperationReport<Kind>> {
    const report = await translated('CINDER_UNABLE_TO_FAIL_OVER', work);
    if (report.result !== 'failed') return report;
    const reasons = report.volumes.map(({ volume, why, error }) => `${volume}: ${error?.message ?? why}`);
    throw cinderError('CINDER_UNABLE_TO_FAIL_OVER', reasons.join('; ') || 'there is no volume to switch', {
      backend: this.#options.backend,
      cause: report.volumes.find(({ error }) => error !== undefined)?.error,
    });
  }

  #asDriver<T>(work: () => Promise<T>): Promise<T> {
    return translated('CINDER_DRIVER_EXCEPTION', work);
  }
}

/** Codes of ours that Cinder has a class for, whatever was being done. */
const CODES: Readonly<Record<string, CinderErrorCode>> = { TRANSFER_SOURCE_IN_USE: 'CINDER_INVALID_VOLUME' };

/** Whatever a verb throws, in Cinder's classes; that the caller ended the call stays what it is. */
async function translated<T>(code: CinderErrorCode, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CinderError || error instanceof InterruptedError) throw error;
    if (!(error instanceof DataMotionError)) throw error;
    throw cinderError(CODES[error.code] ?? code, error.message, { cause: error });
  }
}

function cinderError(
  code: CinderErrorCode,
  message: string,
  facts: {
    readonly backend?: string;
    readonly target?: string | undefined;
    readonly cause?: DataMotionError | undefined;
  },
): CinderError {
  const { backend, target, cause } = facts;
  return new CinderError(code, message, {
    object: target ?? backend ?? cause?.object,
    cluster: cause?.cluster,
    remedy: cause?.remedy,
    retryable: cause?.retryable,
    details: cause === undefined ? {} : { code: cause.code, ...cause.details },
    cause,
  });
}

function isAway({ outcome, authority }: VolumeOutcome): CinderReplicationStatus {
  return outcome === 'done' && authority === 'target' ? 'failed-over' : 'error';
}

/** Back in service, and replicated: Cinder has one word for both. */
function isBack({ outcome, phase }: VolumeOutcome): CinderReplicationStatus {
  return outcome === 'done' && phase === 'protected' ? 'enabled' : 'error';
}

function updatesOf(
  volumes: readonly CinderVolume[],
  report: OperationReport,
  status: (outcome: VolumeOutcome) => CinderReplicationStatus,
): readonly CinderVolumeUpdate[] {
  return volumes.map((volume) => {
    const outcome = report.volumes.find((one) => isOn(volume, one.volume, [one.junctionPath]));
    return updateOf(volume, outcome === undefined ? 'error' : status(outcome));
  });
}

function updateOf({ id }: CinderVolume, status: CinderReplicationStatus): CinderVolumeUpdate {
  return { volume_id: id, updates: { replication_status: status } };
}

/** One row a target: failed over to any of them, or protected by any. */
function statusOf(states: readonly VolumeReplicationState[]): CinderReplicationStatus {
  if (states.some(({ authority }) => authority === 'target')) return 'failed-over';
  return states.some((state) => state.protected) ? 'enabled' : 'error';
}

function pathsOf({ source, destination }: VolumeReplicationState): readonly (string | undefined)[] {
  return [source.junctionPath, destination.junctionPath];
}

/** Whether the pool of a Cinder volume is this ONTAP volume. A host without a pool is on none: it holds nobody up. */
function isOn({ host }: CinderVolume, name: string, junctionPaths: readonly (string | undefined)[]): boolean {
  const pool = poolIn(host);
  if (pool === undefined) return false;
  const path = junctionIn(pool);
  return path === undefined ? pool === name : path === `/${name}` || junctionPaths.includes(path);
}

/** @throws CinderError `InvalidVolume` */
function poolOf({ id, host }: CinderVolume): string {
  const pool = poolIn(host);
  if (pool !== undefined) return pool;
  throw cinderError('CINDER_INVALID_VOLUME', `volume ${id} is on ${host}, which names no pool`, {});
}

/** After the `#`; the original took a host without one for granted (defect 43). */
function poolIn(host: string): string | undefined {
  const at = host.indexOf('#');
  return at < 0 || at === host.length - 1 ? undefined : host.slice(at + 1);
}

/** Between the `@` and the `#`. */
function backendIn(host: string): string | undefined {
  return /@([^#]+)/.exec(host)?.[1];
}

function junctionIn(pool: string): string | undefined {
  return /:(\/.*)$/.exec(pool)?.[1];
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
