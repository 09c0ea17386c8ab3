/**
 * Run (layer 3): one endpoint: a volume's place in an object store, and every call on it. Each call reads the history
 * anew, ends at its signal or deadline with everything that ran beside it ended, and leaves earlier snapshots as they were.
 */

import type { Compute, EncryptionKey } from '../../compute/compute.ts';
import type { ObjectId } from '../../core/cloud/block-numbers.ts';
import type {
  Exclusion,
  ForgetEntry,
  ForgetSequel,
  HoldEntry,
  RetentionRule,
} from '../../core/cloud/format/history-entry.ts';
import type { FormatTools } from '../../core/cloud/format/tools.ts';
import {
  findSnapshot,
  type EndpointState as HistoryState,
  proposeForget,
  proposeHold,
  proposeRetention,
} from '../../core/cloud/history.ts';
import { planRetention, type RetentionDecision } from '../../core/cloud/retention.ts';
import { type Env, underDeadline } from '../../env.ts';
import { CloudError, ConfigError } from '../../errors.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { type BackupRequest, type BackupResult, backUp, interruptedSnapshot } from './backup.ts';
import { type CollectRequest, type CollectResult, collectGarbage } from './collect-garbage.ts';
import {
  type CloudCallOptions,
  type CloudContext,
  type CloudLayout,
  type CloudLimits,
  type Compression,
  DEFAULT_CLOUD_LIMITS,
  DEFAULT_COMPRESSION,
} from './context.ts';
import {
  type EndpointKeys,
  type OpenedEndpoint,
  openEndpoint,
  type RekeyRequest,
  type RekeyResult,
  rekey,
} from './endpoint-keys.ts';
import { EndpointPlace, idOfUuid, uuidOf } from './endpoint-place.ts';
import { HistoryLog } from './history-log.ts';
import { type LockRequest, type LockResult, lockSnapshot } from './lock-snapshot.ts';
import { ProgressReporter } from './progress.ts';
import { type RebuildRequest, type RebuildResult, rebuildVmap } from './rebuild.ts';
import { endpointUnknown, type RestoreRequest, type RestoreResult, readLive, restore } from './restore.ts';
import { type EndpointSummary, type ShowRequest, type SnapshotDetails, showSnapshot, summarize } from './show.ts';
import { listFiles, type SnapshotFile } from './snapshot-files.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import type { NotedSnapshot } from './transfer-note.ts';
import { type VerifyRequest, type VerifyResult, verify } from './verify.ts';

/** What an endpoint is made of. */
export interface CloudEndpointOptions {
  readonly store: ObjectStore;
  /** Names the endpoint in its store: one segment of a key. */
  readonly name: string;
  readonly env: Env;
  /** Hashes, codecs and, for an encrypted endpoint, the cipher: for what is small. */
  readonly tools: FormatTools;
  /** Encodes and decodes objects. It is the caller's to close. */
  readonly compute: Compute;
  /** Of what a backup writes; default `DEFAULT_COMPRESSION`. */
  readonly compression?: Compression | undefined;
  /** The data key of an encrypted endpoint, as `tools` has it, for a caller that keeps it: none is in the store. Not with `keys`. */
  readonly encryption?: EncryptionKey | undefined;
  /** Who may open the endpoint, whose data key lies wrapped in the store; without a provider, it is not encrypted. */
  readonly keys?: EndpointKeys | undefined;
  /** What keeps a second writer out where the store has no conditional put. Without it such a store is not written to. */
  readonly exclusion?: Exclusion | undefined;
  readonly limits?: Partial<CloudLimits> | undefined;
  readonly layout?: CloudLayout | undefined;
}

/** Which backups to forget. */
export interface ForgetRequest {
  /** Names, uuids or ids. */
  readonly snapshots: readonly (string | number)[];
  /** Needed to forget the newest snapshot: the next transfer is a `baseline`, or none ever comes (`end`). */
  readonly sequel?: Exclude<ForgetSequel, 'continue'> | undefined;
}

/** Which backups to hold, or to let go. */
export interface HoldRequest {
  /** Names, uuids or ids. */
  readonly snapshots: readonly (string | number)[];
  /** Default true; false lets them go. */
  readonly held?: boolean | undefined;
}

/** The rules of an endpoint, and what they say of its snapshots. */
export interface RetentionPlan {
  readonly rules: readonly RetentionRule[];
  /** Oldest first. */
  readonly decisions: readonly RetentionDecision[];
}

/** One endpoint of SnapMirror Cloud and all that can be done with it. */
export class CloudEndpoint {
  readonly #options: CloudEndpointOptions;
  readonly #place: EndpointPlace;
  #opened: OpenedEndpoint | undefined;

  /** Touches nothing. @throws ConfigError `CONFIG_INVALID` for a name that no endpoint can have */
  constructor(options: CloudEndpointOptions) {
    this.#options = options;
    this.#place = new EndpointPlace(options.store, options.name);
    if (options.encryption !== undefined && options.keys !== undefined) {
      throw new ConfigError(
        'CONFIG_INVALID',
        'a data key of the caller and key providers are given: it must be one of them',
        {
          object: 'encryption',
        },
      );
    }
  }

  /** Name of the endpoint in its store. */
  get name(): string {
    return this.#place.name;
  }

  /** See `backUp`. */
  backup(request: BackupRequest, options: CloudCallOptions = {}): Promise<BackupResult> {
    return this.#call('back up a snapshot', options, (context) => backUp(context, request));
  }

  /** See `interruptedSnapshot`. */
  interrupted(
    request: Pick<BackupRequest, 'state' | 'breakLock'>,
    options: CloudCallOptions = {},
  ): Promise<NotedSnapshot | undefined> {
    return this.#call('look for an interrupted transfer', options, (context) => interruptedSnapshot(context, request));
  }

  /** Regular files of a snapshot, by path. */
  files(request: { readonly snapshot?: string | number | undefined } = {}, options: CloudCallOptions = {}) {
    return this.#call('list files', options, (context) =>
      readLive(context, request.snapshot, async (snapshot): Promise<SnapshotFile[]> => {
        const reader = new SnapshotReader(context);
        return await listFiles(reader, await reader.manifest(snapshot));
      }),
    );
  }

  /** See `restore`. */
  restore(request: RestoreRequest, options: CloudCallOptions = {}): Promise<RestoreResult> {
    return this.#call('restore a snapshot', options, (context) => restore(context, request));
  }

  /** The endpoint and its snapshots, oldest first. @throws CloudError `CLOUD_ENDPOINT_UNKNOWN` */
  list(options: CloudCallOptions = {}): Promise<EndpointSummary> {
    return this.#call('list snapshots', options, (context) =>
      summarize(context, () => uuidOf(context.history.endpointId)),
    );
  }

  /** One snapshot: what it is, what it took, what was saved. @throws CloudError `CLOUD_SNAPSHOT_UNKNOWN` */
  show(request: ShowRequest = {}, options: CloudCallOptions = {}): Promise<SnapshotDetails> {
    return this.#call('show a snapshot', options, (context) => showSnapshot(context, request));
  }

  /** See `verify`. Damage is in the report, not thrown. */
  verify(request: VerifyRequest = {}, options: CloudCallOptions = {}): Promise<VerifyResult> {
    return this.#call('verify', options, (context) => verify(context, request));
  }

  /**
   * Snapshots leave the endpoint; what only they needed is the next collection's. All of them or none.
   * @throws CloudError `CLOUD_SNAPSHOT_UNKNOWN`, `CLOUD_SNAPSHOT_IS_BASE`
   */
  forget(request: ForgetRequest, options: CloudCallOptions = {}): Promise<ForgetEntry> {
    return this.#call('forget snapshots', options, async ({ history, env, signal }) => {
      await this.#refresh(history, signal);
      return await history.append(
        (state) => {
          const ids = this.#idsOf(state, request.snapshots);
          return proposeForget(state, ids, request.sequel ?? 'continue', env.clock.now());
        },
        { signal },
      );
    });
  }

  /**
   * Gives the endpoint the rules of a SnapMirror policy, by which `applyRetention` goes; none takes them away. They lie in the
   * endpoint, so whoever applies them goes by the same.
   * @throws CloudError `CLOUD_RETENTION_INVALID` for two rules of one label, or a count that is no whole number
   */
  setRetention(rules: readonly RetentionRule[], options: CloudCallOptions = {}): Promise<readonly RetentionRule[]> {
    return this.#call('set the retention', options, async ({ history, env, signal }) => {
      await this.#refresh(history, signal);
      if (sameRules(history.state.retention, rules)) return history.state.retention;
      const propose = (state: HistoryState) => proposeRetention(state, rules, env.clock.now());
      return (await history.append(propose, { signal })).rules;
    });
  }

  /** What the endpoint's rules say of each snapshot, oldest first, and why. Changes nothing. */
  retention(options: CloudCallOptions = {}): Promise<RetentionPlan> {
    return this.#call('plan retention', options, async ({ history, env, signal }) => {
      await this.#refresh(history, signal);
      return retentionPlanOf(history.state, env.clock.now());
    });
  }

  /** Forgets what the endpoint's rules do not keep; the newest snapshot and what is held always stay. Gives the plan that was carried out. */
  applyRetention(options: CloudCallOptions = {}): Promise<RetentionPlan> {
    return this.#call('apply retention', options, async ({ history, env, signal }) => {
      await this.#refresh(history, signal);
      let plan = retentionPlanOf(history.state, env.clock.now());
      if (plan.decisions.every(({ keep }) => keep)) return plan;
      const propose = (state: HistoryState) => {
        // By the history as it is when the entry is in: a hold that came in between counts.
        plan = retentionPlanOf(state, env.clock.now());
        const surplus = plan.decisions.filter(({ keep }) => !keep).map(({ id }) => id);
        return proposeForget(state, surplus, 'continue', env.clock.now());
      };
      await history.append(propose, { signal });
      return plan;
    });
  }

  /**
   * Holds snapshots, so that nobody forgets them, by hand or by rule, until they are let go (`held: false`).
   * @throws CloudError `CLOUD_SNAPSHOT_UNKNOWN`
   */
  hold(request: HoldRequest, options: CloudCallOptions = {}): Promise<HoldEntry> {
    const { snapshots, held = true } = request;
    return this.#call(held ? 'hold snapshots' : 'let snapshots go', options, async ({ history, env, signal }) => {
      await this.#refresh(history, signal);
      const propose = (state: HistoryState) => proposeHold(state, this.#idsOf(state, snapshots), held, env.clock.now());
      return await history.append(propose, { signal });
    });
  }

  /** See `lockSnapshot`. */
  lock(request: LockRequest, options: CloudCallOptions = {}): Promise<LockResult> {
    return this.#call('lock a snapshot', options, (context) => lockSnapshot(context, request));
  }

  /** See `collectGarbage`. */
  collect(request: CollectRequest = {}, options: CloudCallOptions = {}): Promise<CollectResult> {
    return this.#call('collect garbage', options, (context) => collectGarbage(context, request));
  }

  /** See `rekey`. */
  rekey(request: RekeyRequest, options: CloudCallOptions = {}): Promise<RekeyResult> {
    return this.#call('change the key', options, (context) => rekey(context, this.#options.keys, request));
  }

  /** See `rebuildVmap`. */
  rebuildVmap(request: RebuildRequest, options: CloudCallOptions = {}): Promise<RebuildResult> {
    return this.#call('rebuild the VMAP', options, (context) => rebuildVmap(context, request));
  }

  async #call<T>(
    attempted: string,
    { signal, deadline, onProgress }: CloudCallOptions,
    work: (context: CloudContext) => Promise<T>,
  ): Promise<T> {
    const { env, compute, exclusion, limits, layout = {} } = this.#options;
    const { compression = DEFAULT_COMPRESSION } = this.#options;
    const { clock } = env;
    return await underDeadline(clock, { signal, deadline }, `${attempted} (${this.#place.text})`, async (ended) => {
      using progress = new ProgressReporter(this.#place.name, clock, onProgress);
      const { place, tools, encryption, newKey } = await this.#open(ended);
      const history = new HistoryLog(place, tools, idOfUuid(env.random.uuid()), exclusion);
      return await work({
        env,
        place,
        tools,
        compute,
        compression,
        encryption,
        newKey,
        limits: { ...DEFAULT_CLOUD_LIMITS, ...limits },
        layout,
        history,
        progress,
        signal: ended,
      });
    });
  }

  /** Where the endpoint is and what opens it; kept once it is there. */
  async #open(signal: AbortSignal): Promise<OpenedEndpoint> {
    if (this.#opened !== undefined) return this.#opened;
    const { tools, encryption, keys, env } = this.#options;
    if (keys === undefined) return { place: this.#place, tools, encryption, newKey: undefined };
    const opened = await openEndpoint(this.#place, tools, keys, env, signal);
    if (opened.isThere) this.#opened = opened;
    return opened;
  }

  async #refresh(history: HistoryLog, signal: AbortSignal): Promise<void> {
    const { owner } = await history.refresh({ signal });
    if (owner === undefined) throw endpointUnknown(this.#place.text);
  }

  #idsOf(state: HistoryState, snapshots: readonly (string | number)[]): ObjectId[] {
    const ids = snapshots.map((wanted) => {
      const found = findSnapshot(state, wanted);
      if (found === undefined) throw this.#unknown(wanted);
      return found.id;
    });
    return [...new Set(ids)];
  }

  #unknown(wanted: string | number): CloudError {
    return new CloudError('CLOUD_SNAPSHOT_UNKNOWN', `${this.#place.text} has no snapshot ${wanted}`, {
      snapshot: `${wanted}`,
      object: this.name,
      remedy: 'List the snapshots of the endpoint.',
    });
  }
}

function retentionPlanOf(state: HistoryState, at: number): RetentionPlan {
  return { rules: state.retention, decisions: planRetention(state, state.retention, at) };
}

function sameRules(one: readonly RetentionRule[], other: readonly RetentionRule[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ label, count }, at) => label === other[at]?.label && count === other[at]?.count)
  );
}
