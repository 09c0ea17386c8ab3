/**
 * Adapter (layer 6): the port over `netapp-ontap-rest-client`. Objects are found by SVM and name and changed by uuid; no
 * request is tunnelled into the SVM, so cluster accounts and SVM accounts are served alike.
 */
import type { PolicyKind } from '../core/mirror/vocabulary.ts';
import { OntapError } from '../errors.ts';
import type { Look } from '../netapp-ontap-rest-client/changes.ts';
import type { components, paths } from '../netapp-ontap-rest-client/generated.ts';
import type { JobStatus } from '../netapp-ontap-rest-client/jobs.ts';
import type { OntapRestClient } from '../netapp-ontap-rest-client/ontap-rest-client.ts';
import { matches, not } from '../netapp-ontap-rest-client/query.ts';
import { volumePath } from './mirror-path.ts';
import type {
  Aggregate,
  Change,
  ChangeOptions,
  ClusterFacts,
  ClusterPeer,
  DeleteScope,
  Job,
  KnownDestination,
  Licence,
  OntapSvm,
  Policy,
  PortOptions,
  Relationship,
  RelationshipFilter,
  Snapshot,
  SvmPeer,
  Transfer,
  ValidatedChangeOptions,
  Volume,
  VolumeChange,
  VolumeSpec,
} from './ontap-svm.ts';
import {
  aggregateOf,
  clusterPeerOf,
  knownDestinationOf,
  needed,
  policyOf,
  RELATIONSHIP_FIELDS,
  relationshipOf,
  snapshotOf,
  svmPeerOf,
  transferOf,
  volumeOf,
} from './records.ts';

/** What a RestOntapSvm is made of. */
export interface RestOntapSvmOptions {
  /** Name of the backend, for messages. */
  readonly backend: string;
  readonly cluster: string;
  readonly svm: string;
  /** Asked at the first request, and once: credentials may have to be read. */
  readonly connect: () => Promise<OntapRestClient>;
}

/**
 * How long ONTAP may hold an answer back to finish a change, in seconds. Changes that take longer go on as jobs; the
 * pause of a busy mirror is one, and is watched on the relationship instead.
 */
const HELD = { short: 2, usual: 15, volume: 30 } as const;

/** With a peer cluster that does not answer, ONTAP takes a minute or more to list peers. */
const PEERS_TIMEOUT_MS = 180_000;

const VOLUME_FIELDS = [
  'uuid',
  'name',
  'svm.name',
  'type',
  'style',
  'state',
  'size',
  'space.used',
  'aggregates.name',
  'nas.path',
  'guarantee.type',
  'language',
  'space.snapshot.reserve_percent',
  'snapshot_policy.name',
  'encryption.enabled',
  'efficiency.dedupe',
  'efficiency.compression',
  'comment',
  'clone.is_flexclone',
  'clone.parent_volume.name',
];

/** The ONTAP port over the REST client; see `OntapSvm` for the contract. */
export class RestOntapSvm implements OntapSvm {
  readonly backend: string;
  readonly cluster: string;
  readonly svm: string;
  readonly #connect: RestOntapSvmOptions['connect'];
  #facts: ClusterFacts | undefined;
  #kinds: Promise<ReadonlyMap<string, PolicyKind>> | undefined;

  constructor(options: RestOntapSvmOptions) {
    this.backend = options.backend;
    this.cluster = options.cluster;
    this.svm = options.svm;
    this.#connect = options.connect;
  }

  get knownFacts(): ClusterFacts | undefined {
    return this.#facts;
  }

  async clusterFacts({ signal }: PortOptions = {}): Promise<ClusterFacts> {
    if (this.#facts !== undefined) return this.#facts;
    const client = await this.#connect();
    const record = await client.get('/cluster', {
      query: { fields: ['name', 'uuid', 'version'] },
      attempted: 'read the release of the cluster',
      signal,
    });
    const version = needed(record.version, 'version', record);
    this.#facts = {
      uuid: needed(record.uuid, 'uuid', record),
      name: needed(record.name, 'name', record),
      release: version.full ?? '',
      generation: needed(version.generation, 'version.generation', record),
      major: needed(version.major, 'version.major', record),
      minor: needed(version.minor, 'version.minor', record),
    };
    return this.#facts;
  }

  async svmState({ signal }: PortOptions = {}): Promise<string | undefined> {
    const client = await this.#connect();
    const query = { name: this.svm, fields: ['name', 'state'] };
    const request = { query, attempted: 'find the SVM', object: this.svm, signal };
    for await (const { state } of client.records('/svm/svms', request)) return state ?? 'unknown';
    return undefined;
  }

  async clusterPeers({ signal }: PortOptions = {}): Promise<readonly ClusterPeer[]> {
    const client = await this.#connect();
    const query = { fields: ['uuid', 'name', 'remote.name', 'status.state'] };
    const peers: ClusterPeer[] = [];
    const request = { query, attempted: 'list the cluster peers', timeoutMs: PEERS_TIMEOUT_MS, signal };
    for await (const record of client.records('/cluster/peers', request)) peers.push(clusterPeerOf(record));
    return peers;
  }

  async aggregates({ signal }: PortOptions = {}): Promise<readonly Aggregate[]> {
    const client = await this.#connect();
    const query = { fields: ['name', 'state', 'space.block_storage.available'] };
    const aggregates: Aggregate[] = [];
    const request = { query, attempted: 'list the aggregates', signal };
    for await (const record of client.records('/storage/aggregates', request)) aggregates.push(aggregateOf(record));
    return aggregates;
  }

  async licences({ signal }: PortOptions = {}): Promise<readonly Licence[]> {
    const client = await this.#connect();
    const licences: Licence[] = [];
    const request = { query: { fields: ['name', 'state'] }, attempted: 'list the licences', signal };
    for await (const record of client.records('/cluster/licensing/licenses', request)) {
      licences.push({ name: needed(record.name, 'name', record), state: record.state });
    }
    return licences;
  }

  async volume(name: string, { signal }: PortOptions = {}): Promise<Volume | undefined> {
    const client = await this.#connect();
    const query = { 'svm.name': this.svm, name, fields: VOLUME_FIELDS };
    const object = volumePath(this.svm, name);
    for await (const record of client.records('/storage/volumes', {
      query,
      attempted: 'find the volume',
      object,
      signal,
    })) {
      return volumeOf(record);
    }
    return undefined;
  }

  async *volumes({ signal }: PortOptions = {}): AsyncGenerator<Volume> {
    const client = await this.#connect();
    const query = {
      'svm.name': this.svm,
      is_svm_root: false,
      style: not('flexgroup_constituent'),
      fields: VOLUME_FIELDS,
    } as const;
    const attempted = 'list the volumes';
    for await (const record of client.records('/storage/volumes', { query, attempted, object: this.svm, signal })) {
      yield volumeOf(record);
    }
  }

  async constituentCount(volumeUuid: string, { signal }: PortOptions = {}): Promise<number> {
    const client = await this.#connect();
    // The field constituent_count says it too, but not in every release, and a release refuses fields that it does not know.
    const { constituents } = await client.get('/storage/volumes/{uuid}', {
      path: { uuid: volumeUuid },
      query: { fields: ['constituents.name'] },
      attempted: 'count the constituents',
      object: `${this.svm}: ${volumeUuid}`,
      signal,
    });
    return constituents?.length ?? 0;
  }

  async *snapshots(volumeUuid: string, { signal }: PortOptions = {}): AsyncGenerator<Snapshot> {
    const client = await this.#connect();
    const request = {
      path: { 'volume.uuid': volumeUuid },
      query: { fields: ['uuid', 'name', 'version_uuid', 'create_time', 'size'] },
      attempted: 'list the snapshots',
      object: volumeUuid,
      signal,
    };
    for await (const record of client.records('/storage/volumes/{volume.uuid}/snapshots', request)) {
      yield snapshotOf(record);
    }
  }

  async writtenSince(volumeUuid: string, snapshot: string, { signal }: PortOptions = {}): Promise<number | undefined> {
    const client = await this.#connect();
    const request = {
      path: { 'volume.uuid': volumeUuid },
      // With one name it is the difference between that snapshot and the active file system.
      query: { name: snapshot, fields: ['name', 'delta'] },
      attempted: 'ask what was written since a snapshot',
      object: snapshot,
      signal,
    };
    for await (const record of client.records('/storage/volumes/{volume.uuid}/snapshots', request)) {
      return record.delta?.size_consumed;
    }
    return undefined;
  }

  async createVolume(spec: VolumeSpec, { hold, signal }: ChangeOptions = {}): Promise<Change> {
    const client = await this.#connect();
    return jobOf(
      await client.change('post', '/storage/volumes', {
        body: this.#volumeBody(spec),
        returnTimeoutSeconds: heldFor(hold, HELD.volume),
        look: this.#looking(async (options) => (await this.volume(spec.name, options)) !== undefined),
        attempted: 'create the volume',
        object: volumePath(this.svm, spec.name),
        signal,
      }),
    );
  }

  #volumeBody(spec: VolumeSpec): components['schemas']['volume'] {
    const { junctionPath, guarantee, language, snapshotReservePercent, snapshotPolicy, encrypted } = spec;
    const efficiency = efficiencyBody(spec);
    return {
      name: spec.name,
      svm: { name: this.svm },
      type: spec.type,
      style: spec.style,
      size: spec.sizeBytes,
      aggregates: spec.aggregates.map((name) => ({ name })),
      ...(spec.constituentsPerAggregate === undefined
        ? {}
        : { constituents_per_aggregate: spec.constituentsPerAggregate }),
      ...(junctionPath === undefined ? {} : { nas: { path: junctionPath } }),
      ...(guarantee === undefined ? {} : { guarantee: { type: guarantee } }),
      ...(language === undefined ? {} : { language }),
      ...(snapshotReservePercent === undefined
        ? {}
        : { space: { snapshot: { reserve_percent: snapshotReservePercent } } }),
      ...(snapshotPolicy === undefined ? {} : { snapshot_policy: { name: snapshotPolicy } }),
      ...(encrypted === true ? { encryption: { enabled: true } } : {}),
      ...(Object.keys(efficiency).length === 0 ? {} : { efficiency }),
    };
  }

  async mountVolume(
    uuid: string,
    junctionPath: string,
    { hold, signal, validateOnly }: ValidatedChangeOptions = {},
  ): Promise<Change> {
    const client = await this.#connect();
    return jobOf(
      await client.change('patch', '/storage/volumes/{uuid}', {
        path: { uuid },
        query: validateOnly === true ? { validate_only: true } : {},
        body: { nas: { path: junctionPath } },
        repeatable: true,
        returnTimeoutSeconds: heldFor(hold, HELD.usual),
        attempted: 'mount the volume',
        object: `${this.svm}:${junctionPath}`,
        signal,
      }),
    );
  }

  async changeVolume(uuid: string, to: VolumeChange, { hold, signal }: ChangeOptions = {}): Promise<Change> {
    const client = await this.#connect();
    const { name, comment, junctionPath, state } = to;
    const efficiency = efficiencyBody(to);
    return jobOf(
      await client.change('patch', '/storage/volumes/{uuid}', {
        path: { uuid },
        body: {
          ...(name === undefined ? {} : { name }),
          ...(comment === undefined ? {} : { comment }),
          ...(junctionPath === undefined ? {} : { nas: { path: junctionPath ?? '' } }),
          ...(state === undefined ? {} : { state }),
          ...(Object.keys(efficiency).length === 0 ? {} : { efficiency }),
        },
        repeatable: true,
        returnTimeoutSeconds: heldFor(hold, HELD.usual),
        attempted: 'change the volume',
        object: `${this.svm}: ${uuid}`,
        signal,
      }),
    );
  }

  async cloneVolume(
    spec: Parameters<OntapSvm['cloneVolume']>[0],
    { hold, signal }: ChangeOptions = {},
  ): Promise<Change> {
    const client = await this.#connect();
    const { name, parentVolume, parentSnapshot, junctionPath, comment } = spec;
    return jobOf(
      await client.change('post', '/storage/volumes', {
        body: {
          name,
          svm: { name: this.svm },
          clone: {
            is_flexclone: true,
            parent_volume: { name: parentVolume },
            parent_snapshot: { name: parentSnapshot },
          },
          ...(junctionPath === undefined ? {} : { nas: { path: junctionPath } }),
          ...(comment === undefined ? {} : { comment }),
        },
        returnTimeoutSeconds: heldFor(hold, HELD.volume),
        look: this.#looking(async (options) => (await this.volume(name, options)) !== undefined),
        attempted: 'clone the volume',
        object: volumePath(this.svm, name),
        signal,
      }),
    );
  }

  async deleteVolume(uuid: string, { hold, signal }: ChangeOptions = {}): Promise<Change> {
    const client = await this.#connect();
    return jobOf(
      await client.change('delete', '/storage/volumes/{uuid}', {
        path: { uuid },
        repeatable: true,
        returnTimeoutSeconds: heldFor(hold, HELD.usual),
        attempted: 'delete the volume',
        object: `${this.svm}: ${uuid}`,
        signal,
      }),
    );
  }

  async *relationships(filter: RelationshipFilter, { signal }: PortOptions = {}): AsyncGenerator<Relationship> {
    const client = await this.#connect();
    const query = { ...pathFilters(filter), fields: [...RELATIONSHIP_FIELDS] };
    const request = { query, attempted: 'list the mirrors', object: this.svm, signal };
    for await (const record of client.records('/snapmirror/relationships', request)) {
      yield await this.#relationship(record, signal);
    }
  }

  async relationship(uuid: string, { signal }: PortOptions = {}): Promise<Relationship | undefined> {
    const client = await this.#connect();
    try {
      const record = await client.get('/snapmirror/relationships/{uuid}', {
        path: { uuid },
        query: { fields: [...RELATIONSHIP_FIELDS] },
        attempted: 'read the mirror',
        object: uuid,
        signal,
      });
      return await this.#relationship(record, signal);
    } catch (error) {
      if (error instanceof OntapError && error.code === 'ONTAP_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** A relationship's record says `sync`; whether it fails over by itself is only in its policy. */
  async #relationship(record: components['schemas']['relationship'], signal?: AbortSignal): Promise<Relationship> {
    const kinds = record.policy?.type === 'sync' ? await this.#syncPolicyKinds(signal) : undefined;
    return relationshipOf(record, (name) => kinds?.get(name));
  }

  #syncPolicyKinds(signal?: AbortSignal): Promise<ReadonlyMap<string, PolicyKind>> {
    const read = async () => {
      const client = await this.#connect();
      const query = { type: 'sync', fields: ['name', 'uuid', 'type', 'sync_type'] } as const;
      const kinds = new Map<string, PolicyKind>();
      const request = { query, attempted: 'read the synchronous policies', signal };
      for await (const record of client.records('/snapmirror/policies', request)) {
        const { name, kind } = policyOf(record);
        kinds.set(name, kind);
      }
      return kinds;
    };
    this.#kinds ??= read().catch((error: unknown) => {
      this.#kinds = undefined;
      throw error;
    });
    return this.#kinds;
  }

  async *knownDestinations(filter: RelationshipFilter, { signal }: PortOptions = {}): AsyncGenerator<KnownDestination> {
    const client = await this.#connect();
    const query = { ...pathFilters(filter), list_destinations_only: true, fields: ['uuid', 'source', 'destination'] };
    const request = { query, attempted: 'list the destinations', object: this.svm, signal };
    for await (const record of client.records('/snapmirror/relationships', request)) {
      yield knownDestinationOf(record);
    }
  }

  async createRelationship(
    spec: Parameters<OntapSvm['createRelationship']>[0],
    { hold, signal, validateOnly }: ValidatedChangeOptions = {},
  ): Promise<Change> {
    const client = await this.#connect();
    const { source, destinationVolume, policy, transferSchedule } = spec;
    const destination = { svm: this.svm, volume: destinationVolume };
    const exists = async (options: PortOptions) => {
      for await (const _ of this.relationships({ destination }, options)) return true;
      return false;
    };
    return jobOf(
      await client.change('post', '/snapmirror/relationships', {
        query: validateOnly === true ? { validate_only: true } : {},
        body: {
          source: { path: volumePath(source.svm, source.volume) },
          destination: { path: volumePath(this.svm, destinationVolume) },
          policy: { name: policy },
          ...(transferSchedule === undefined ? {} : { transfer_schedule: { name: transferSchedule } }),
        },
        returnTimeoutSeconds: heldFor(hold, HELD.usual),
        look: validateOnly === true ? undefined : this.#looking(exists),
        attempted: 'create the mirror',
        object: volumePath(this.svm, destinationVolume),
        signal,
      }),
    );
  }

  async setRelationshipState(
    uuid: string,
    state: Parameters<OntapSvm['setRelationshipState']>[1],
    options: NonNullable<Parameters<OntapSvm['setRelationshipState']>[2]> = {},
  ): Promise<Change> {
    const client = await this.#connect();
    const { preserve, quickResync, force, hold, signal, validateOnly } = options;
    return jobOf(
      await client.change('patch', '/snapmirror/relationships/{uuid}', {
        path: { uuid },
        query: {
          ...(force === true ? { force: true } : {}),
          ...(validateOnly === true ? { validate_only: true } : {}),
        },
        ...(validateOnly === true ? { repeatable: true } : {}),
        body: {
          state,
          ...(preserve === undefined ? {} : { preserve }),
          ...(quickResync === undefined ? {} : { quick_resync: quickResync }),
        },
        returnTimeoutSeconds: heldFor(hold, state === 'broken_off' ? HELD.usual : HELD.short),
        attempted: `bring the mirror to the state ${state}`,
        object: uuid,
        signal,
      }),
    );
  }

  async startTransfer(relationshipUuid: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    await client.change('post', '/snapmirror/relationships/{relationship.uuid}/transfers', {
      path: { 'relationship.uuid': relationshipUuid },
      body: {},
      attempted: 'start a transfer',
      object: relationshipUuid,
      signal,
    });
  }

  async runningTransfers(relationshipUuid: string, { signal }: PortOptions = {}): Promise<readonly Transfer[]> {
    const client = await this.#connect();
    const found: Transfer[] = [];
    // Releases from 9.10 on also list the transfers of the last day.
    const request = {
      path: { 'relationship.uuid': relationshipUuid },
      query: { state: 'transferring', fields: ['uuid', 'state', 'bytes_transferred'] },
      attempted: 'list the running transfers',
      object: relationshipUuid,
      signal,
    } as const;
    const template = '/snapmirror/relationships/{relationship.uuid}/transfers';
    for await (const record of client.records(template, request)) {
      found.push(transferOf({ ...record, state: needed(record.state, 'state', record) }));
    }
    return found;
  }

  async abortTransfer(
    relationshipUuid: string,
    transferUuid: string,
    options: PortOptions & { readonly clearCheckpoint?: boolean } = {},
  ): Promise<void> {
    const client = await this.#connect();
    await client.change('patch', '/snapmirror/relationships/{relationship.uuid}/transfers/{uuid}', {
      path: { 'relationship.uuid': relationshipUuid, uuid: transferUuid },
      body: { state: options.clearCheckpoint === true ? 'hard_aborted' : 'aborted' },
      repeatable: true,
      attempted: 'abort the transfer',
      object: relationshipUuid,
      signal: options.signal,
    });
  }

  async deleteRelationship(uuid: string, scope: DeleteScope, { hold, signal }: ChangeOptions = {}): Promise<Change> {
    const client = await this.#connect();
    return jobOf(
      await client.change('delete', '/snapmirror/relationships/{uuid}', {
        path: { uuid },
        query: DELETE_FLAGS[scope],
        repeatable: true,
        returnTimeoutSeconds: heldFor(hold, HELD.usual),
        attempted: scope === 'destination' ? 'delete the mirror' : 'release the source',
        object: uuid,
        signal,
      }),
    );
  }

  async policy(name: string, { signal }: PortOptions = {}): Promise<Policy | undefined> {
    const client = await this.#connect();
    const fields = ['uuid', 'name', 'type', 'sync_type', 'transfer_schedule', 'scope', 'svm.name'];
    const request = { query: { name, fields }, attempted: 'find the SnapMirror policy', object: name, signal };
    let clusterWide: Policy | undefined;
    for await (const record of client.records('/snapmirror/policies', request)) {
      // A policy of the SVM hides one of the cluster; other SVMs' policies are none of ours.
      if (record.svm?.name === this.svm) return policyOf(record);
      if (record.svm?.name === undefined || record.scope === 'cluster') clusterWide ??= policyOf(record);
    }
    return clusterWide;
  }

  async scheduleExists(name: string, { signal }: PortOptions = {}): Promise<boolean> {
    const client = await this.#connect();
    const query = { name };
    return (
      (await client.count('/cluster/schedules', { query, attempted: 'find the schedule', object: name, signal })) > 0
    );
  }

  async svmPeers({ signal }: PortOptions = {}): Promise<readonly SvmPeer[]> {
    const client = await this.#connect();
    const fields = ['uuid', 'name', 'svm.name', 'peer.svm.name', 'peer.cluster.name', 'state', 'applications'];
    const query = { 'svm.name': this.svm, fields };
    const peers: SvmPeer[] = [];
    const request = { query, attempted: 'list the SVM peers', object: this.svm, timeoutMs: PEERS_TIMEOUT_MS, signal };
    for await (const record of client.records('/svm/peers', request)) peers.push(svmPeerOf(record));
    return peers;
  }

  async createSvmPeer(
    spec: Parameters<OntapSvm['createSvmPeer']>[0],
    { hold, signal }: ChangeOptions = {},
  ): Promise<Change> {
    const client = await this.#connect();
    const { peerSvm, peerCluster, alias, applications } = spec;
    const isThere = async (options: PortOptions) =>
      (await this.svmPeers(options)).some((peer) => peer.peerSvm === peerSvm && isOf(peer, peerCluster));
    return jobOf(
      await client.change('post', '/svm/peers', {
        body: {
          svm: { name: this.svm },
          peer: { svm: { name: peerSvm }, ...(peerCluster === undefined ? {} : { cluster: { name: peerCluster } }) },
          applications: [...applications],
          ...(alias === undefined ? {} : { name: alias }),
        },
        returnTimeoutSeconds: heldFor(hold, HELD.usual),
        look: this.#looking(isThere),
        attempted: 'peer the SVMs',
        object: `${this.svm} <-> ${peerSvm}`,
        signal,
      }),
    );
  }

  async setSvmPeer(
    uuid: string,
    to: Parameters<OntapSvm['setSvmPeer']>[1],
    { hold, signal }: ChangeOptions = {},
  ): Promise<Change> {
    const client = await this.#connect();
    const { state, applications } = to;
    return jobOf(
      await client.change('patch', '/svm/peers/{uuid}', {
        path: { uuid },
        body: {
          ...(state === undefined ? {} : { state }),
          ...(applications === undefined ? {} : { applications: [...applications] }),
        },
        repeatable: true,
        returnTimeoutSeconds: heldFor(hold, HELD.usual),
        attempted: state === undefined ? 'change the SVM peering' : 'accept the SVM peering',
        object: `${this.svm}: ${uuid}`,
        signal,
      }),
    );
  }

  async job(uuid: string, { signal }: PortOptions = {}): Promise<Job> {
    const client = await this.#connect();
    return jobRecordOf(await client.job(uuid, { signal }));
  }

  async *jobs(uuids: readonly string[], { signal }: PortOptions = {}): AsyncGenerator<Job> {
    const client = await this.#connect();
    for await (const job of client.jobs(uuids, { signal })) yield jobRecordOf(job);
  }

  async finish(change: Change, options: Parameters<OntapSvm['finish']>[1] = {}): Promise<void> {
    if (change.done) return;
    const client = await this.#connect();
    const { look, signal } = options;
    await client.waitForJob(change.job, { signal, look: look === undefined ? undefined : this.#looking(look) });
  }

  /** Seeing it means it happened; not seeing it settles nothing, since views lag. */
  #looking(isThere: (options: PortOptions) => Promise<boolean>): Look {
    return async (options) => ((await isThere(options)) ? 'happened' : 'unclear');
  }
}

const DELETE_FLAGS: Readonly<Record<DeleteScope, DeleteQuery>> = {
  destination: { destination_only: true },
  source: { source_only: true },
  'source-info': { source_info_only: true },
  both: {},
};
type DeleteQuery = NonNullable<paths['/snapmirror/relationships/{uuid}']['delete']['parameters']['query']>;

function pathFilters({ source, destination }: RelationshipFilter) {
  return {
    ...(source === undefined ? {} : { 'source.path': pathFilter(source) }),
    ...(destination === undefined ? {} : { 'destination.path': pathFilter(destination) }),
  };
}

/** `svm:volume` exactly, or with `*` for what is left open. */
function pathFilter({ svm, volume }: NonNullable<RelationshipFilter['source']>) {
  return svm !== undefined && volume !== undefined
    ? volumePath(svm, volume)
    : matches(volumePath(svm ?? '*', volume ?? '*'));
}

/** ONTAP compresses deduplicated volumes only. */
function efficiencyBody({ dedupe, compression }: Pick<VolumeSpec, 'dedupe' | 'compression'>) {
  return {
    ...(dedupe || compression ? { dedupe: 'background' as const } : {}),
    ...(compression ? { compression: 'background' as const } : {}),
  };
}

/** A peering within one cluster may be shown with that cluster's name. */
function isOf(peer: SvmPeer, cluster: string | undefined): boolean {
  return cluster === undefined || peer.peerCluster === undefined || peer.peerCluster === cluster;
}

function heldFor(hold: boolean | undefined, seconds: number): number {
  return hold === false ? 0 : seconds;
}

function jobRecordOf(job: JobStatus): Job {
  const { uuid } = job;
  if (job.state === 'failure') return { uuid, state: 'failure', error: job.error };
  return { uuid, state: job.state === 'success' || job.state === 'gone' ? job.state : 'running' };
}

function jobOf(change: { readonly done: true } | { readonly done: false; readonly job: string }): Change {
  return change.done ? { done: true } : { done: false, job: change.job };
}
