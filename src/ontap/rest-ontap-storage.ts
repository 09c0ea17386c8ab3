/**
 * Adapter (layer 6): what the storage does with files, LUNs and volumes, over `netapp-ontap-rest-client`. As in rest-ontap-svm.ts,
 * SVMs are named in queries and bodies, and a change whose answer was lost is settled by looking.
 */
import { OntapError } from '../errors.ts';
import type { Look } from '../netapp-ontap-rest-client/changes.ts';
import type { components } from '../netapp-ontap-rest-client/generated.ts';
import type { OntapRestClient } from '../netapp-ontap-rest-client/ontap-rest-client.ts';
import { anyOf } from '../netapp-ontap-rest-client/query.ts';
import { volumePath } from './mirror-path.ts';
import type {
  ByteRange,
  CloneState,
  CopyProgress,
  FilePlace,
  OntapStorage,
  StoredFile,
  StoredUnit,
  UnitKind,
  VolumeMovement,
} from './ontap-storage.ts';
import type { Change, ChangeOptions, PortOptions } from './ontap-svm.ts';
import { needed } from './records.ts';
import type { RestOntapSvmOptions } from './rest-ontap-svm.ts';

type Schemas = components['schemas'];

const FILE = '/storage/volumes/{volume.uuid}/files/{path}';
const FILE_FIELDS = ['type', 'size', 'modified_time', 'inode_number'];
const UNIT_FIELDS = ['uuid', 'name', 'space.size', 'space.used', 'status.mapped'];
const LUN_FIELDS = [...UNIT_FIELDS, 'copy', 'movement'];
/** States of a copy or move that count against ONTAP's limit. */
const GOING_ON = ['preparing', 'replicating', 'paused', 'paused_error', 'reverting'] as const;
/** Seconds that ONTAP may hold an answer back to finish a change. */
const HELD_SECONDS = { short: 2, usual: 15 } as const;

/** The storage port over the REST client; see `OntapStorage` for the contract. */
export class RestOntapStorage implements OntapStorage {
  readonly backend: string;
  readonly cluster: string;
  readonly svm: string;
  readonly #connect: RestOntapSvmOptions['connect'];

  constructor(options: RestOntapSvmOptions) {
    this.backend = options.backend;
    this.cluster = options.cluster;
    this.svm = options.svm;
    this.#connect = options.connect;
  }

  async file(volumeUuid: string, path: string, { signal }: PortOptions = {}): Promise<StoredFile | undefined> {
    const client = await this.#connect();
    const request = {
      path: { 'volume.uuid': volumeUuid, path },
      query: { return_metadata: true, fields: FILE_FIELDS },
      attempted: 'look at the file',
      object: path,
      signal,
    };
    try {
      const { records } = await client.get(FILE, request);
      const [record] = records ?? [];
      return record === undefined ? undefined : fileOf(record);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async readFile(
    volumeUuid: string,
    path: string,
    { offset, length }: ByteRange,
    { signal }: PortOptions = {},
  ): Promise<Uint8Array> {
    const client = await this.#connect();
    return client.readBytes(FILE, {
      path: { 'volume.uuid': volumeUuid, path },
      query: { byte_offset: offset, length },
      attempted: 'read the file',
      object: path,
      signal,
    });
  }

  async createFile(volumeUuid: string, path: string, bytes: Uint8Array, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    await client.writeBytes('post', FILE, {
      path: { 'volume.uuid': volumeUuid, path },
      query: { byte_offset: 0, overwrite: true },
      bytes,
      repeatable: true,
      attempted: 'make the file',
      object: path,
      signal,
    });
  }

  async writeFile(
    volumeUuid: string,
    path: string,
    { offset, bytes }: { readonly offset: number; readonly bytes: Uint8Array },
    { signal }: PortOptions = {},
  ): Promise<void> {
    const client = await this.#connect();
    await client.writeBytes('patch', FILE, {
      path: { 'volume.uuid': volumeUuid, path },
      query: { byte_offset: offset },
      bytes,
      repeatable: true,
      attempted: 'write the file',
      object: path,
      signal,
    });
  }

  async renameFile(volumeUuid: string, path: string, to: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    if ((await this.file(volumeUuid, to, { signal })) !== undefined) {
      throw new OntapError('ONTAP_EXISTS', `${to} is there already`, {
        attempted: 'rename the file',
        cluster: this.cluster,
        object: path,
      });
    }
    // Both names are looked at: the one gone and the other there is a rename that happened.
    const look: Look = async (options) => {
      const [before, after] = await Promise.all([
        this.file(volumeUuid, path, options),
        this.file(volumeUuid, to, options),
      ]);
      return before === undefined && after !== undefined ? 'happened' : 'unclear';
    };
    await client.change('patch', FILE, {
      path: { 'volume.uuid': volumeUuid, path },
      body: { path: to },
      look,
      attempted: 'rename the file',
      object: path,
      signal,
    });
  }

  async deleteFile(volumeUuid: string, path: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    const request = {
      path: { 'volume.uuid': volumeUuid, path },
      repeatable: true,
      attempted: 'delete the file',
      object: path,
      signal,
    };
    await client.delete(FILE, request).catch(unlessMissing);
  }

  async cloneFile(
    spec: Parameters<OntapStorage['cloneFile']>[0],
    { hold, signal }: ChangeOptions = {},
  ): Promise<Change> {
    const client = await this.#connect();
    const { volume, volumeUuid, source, destination } = spec;
    return changeOf(
      await client.change('post', '/storage/file/clone', {
        body: { volume: { name: volume, uuid: volumeUuid }, source_path: source, destination_path: destination },
        returnTimeoutSeconds: hold === false ? 0 : HELD_SECONDS.usual,
        look: seeing(async (options) => (await this.file(volumeUuid, destination, options)) !== undefined),
        attempted: 'clone the file',
        object: `${volumePath(this.svm, volume)}/${source}`,
        signal,
      }),
    );
  }

  async copyFile(source: FilePlace, destination: FilePlace, { signal }: ChangeOptions = {}): Promise<Change> {
    const client = await this.#connect();
    const place = ({ svm, volume, path }: FilePlace) => ({ svm: { name: svm }, volume: { name: volume }, path });
    return changeOf(
      await client.change('post', '/storage/file/copy', {
        // Paths are relative to their volumes, and both SVMs are named (defect 11).
        body: { files_to_copy: [{ source: place(source), destination: place(destination) }] },
        // A copy outlasts any answer: its job is waited for.
        returnTimeoutSeconds: 0,
        attempted: 'copy the file',
        object: `${volumePath(source.svm, source.volume)}/${source.path}`,
        signal,
      }),
    );
  }

  async unit(kind: UnitKind, name: string, { signal }: PortOptions = {}): Promise<StoredUnit | undefined> {
    const client = await this.#connect();
    const about = { attempted: `find the ${kind}`, object: name, signal };
    if (kind === 'lun') {
      const query = { 'svm.name': this.svm, name, fields: LUN_FIELDS };
      for await (const record of client.records('/storage/luns', { query, ...about })) return unitOf(record);
      return undefined;
    }
    const query = { 'svm.name': this.svm, name, fields: UNIT_FIELDS };
    for await (const record of client.records('/storage/namespaces', { query, ...about })) return unitOf(record);
    return undefined;
  }

  async cloneUnit(kind: UnitKind, source: string, destination: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    const request = {
      body: { svm: { name: this.svm }, name: destination, clone: { source: { name: source } } },
      returnTimeoutSeconds: HELD_SECONDS.usual,
      look: seeing(async (options) => (await this.unit(kind, destination, options)) !== undefined),
      attempted: `clone the ${kind}`,
      object: source,
      signal,
    };
    await finished(
      client,
      kind === 'lun'
        ? await client.change('post', '/storage/luns', request)
        : await client.change('post', '/storage/namespaces', request),
      request,
    );
  }

  async copyLun(
    source: Parameters<OntapStorage['copyLun']>[0],
    destination: string,
    { signal }: PortOptions = {},
  ): Promise<void> {
    const client = await this.#connect();
    const { svm, name } = source;
    const request = {
      body: {
        svm: { name: this.svm },
        name: destination,
        // Without the peer ONTAP looks for the source in the destination's SVM (defect 12).
        copy: { source: { name, ...(svm === undefined ? {} : { peer: { name: svm } }) } },
      },
      returnTimeoutSeconds: HELD_SECONDS.usual,
      look: seeing(async (options) => (await this.unit('lun', destination, options)) !== undefined),
      attempted: 'copy the LUN',
      object: name,
      signal,
    };
    await finished(client, await client.change('post', '/storage/luns', request), request);
  }

  async renameUnit(kind: UnitKind, uuid: string, to: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    const request = {
      path: { uuid },
      body: { name: to },
      repeatable: true,
      returnTimeoutSeconds: HELD_SECONDS.usual,
      look: seeing(async (options) => (await this.unit(kind, to, options))?.uuid === uuid),
      attempted: `rename the ${kind}`,
      object: uuid,
      signal,
    };
    await finished(
      client,
      kind === 'lun'
        ? await client.change('patch', '/storage/luns/{uuid}', request)
        : await client.change('patch', '/storage/namespaces/{uuid}', request),
      request,
    );
  }

  async deleteUnit(kind: UnitKind, uuid: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    const request = { path: { uuid }, repeatable: true, attempted: `delete the ${kind}`, object: uuid, signal };
    await (kind === 'lun'
      ? client.delete('/storage/luns/{uuid}', request)
      : client.delete('/storage/namespaces/{uuid}', request)
    ).catch(unlessMissing);
  }

  async runningCopies({ signal }: PortOptions = {}): Promise<number> {
    const client = await this.#connect();
    const states = anyOf(...GOING_ON);
    const about = { attempted: 'count the running copies', signal };
    const counts = await Promise.all([
      client.count('/storage/luns', { query: { 'copy.source.progress.state': states }, ...about }),
      client.count('/storage/luns', { query: { 'movement.progress.state': states }, ...about }),
    ]);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async moveVolume(uuid: string, aggregate: string, { signal }: ChangeOptions = {}): Promise<Change> {
    const client = await this.#connect();
    const look = seeing(async (options) => (await this.volumeMovement(uuid, options))?.destination === aggregate);
    return changeOf(
      await client.change('patch', '/storage/volumes/{uuid}', {
        path: { uuid },
        body: { movement: { destination_aggregate: { name: aggregate } } },
        returnTimeoutSeconds: 0,
        look,
        attempted: 'move the volume',
        object: `${this.svm}: ${uuid}`,
        signal,
      }),
    );
  }

  async volumeMovement(uuid: string, { signal }: PortOptions = {}): Promise<VolumeMovement | undefined> {
    const { movement } = await this.#volume(uuid, ['movement'], 'look at the move of the volume', signal);
    if (movement?.state === undefined) return undefined;
    const { state, percent_complete: percentComplete = 0, destination_aggregate: to } = movement;
    return { state, percentComplete, destination: to?.name };
  }

  async abortVolumeMove(uuid: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    await client.patch('/storage/volumes/{uuid}', {
      path: { uuid },
      body: { movement: { state: 'aborted' } },
      repeatable: true,
      attempted: 'abort the move of the volume',
      object: `${this.svm}: ${uuid}`,
      signal,
    });
  }

  async rehostVolume(volume: string, toSvm: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    const there = async (options: PortOptions) => {
      const query = { 'svm.name': toSvm, name: volume };
      return (await client.count('/storage/volumes', { query, ...options })) > 0;
    };
    const request = {
      body: { vserver: this.svm, volume, destination_vserver: toSvm },
      look: seeing(there),
      attempted: 'rehost the volume',
      object: volumePath(this.svm, volume),
      signal,
    };
    await finished(client, await client.change('post', '/private/cli/volume/rehost', request), request);
  }

  async cloneVolumeNow(
    { name, parentVolume, comment }: Parameters<OntapStorage['cloneVolumeNow']>[0],
    { signal }: ChangeOptions = {},
  ): Promise<Change> {
    const client = await this.#connect();
    const query = { 'svm.name': this.svm, name };
    return changeOf(
      await client.change('post', '/storage/volumes', {
        body: {
          name,
          svm: { name: this.svm },
          clone: { is_flexclone: true, parent_volume: { name: parentVolume } },
          comment,
        },
        returnTimeoutSeconds: HELD_SECONDS.usual,
        look: seeing(async (options) => (await client.count('/storage/volumes', { query, ...options })) > 0),
        attempted: 'clone the volume',
        object: volumePath(this.svm, parentVolume),
        signal,
      }),
    );
  }

  /** See `OntapStorage`. */
  async cloneState(uuid: string, { signal }: PortOptions = {}): Promise<CloneState> {
    const { clone } = await this.#volume(uuid, ['clone'], 'look at the clone', signal);
    return {
      isClone: clone?.is_flexclone === true,
      splitting: clone?.split_initiated === true,
      splitPercent: clone?.split_complete_percent,
    };
  }

  async splitClone(uuid: string, { signal }: ChangeOptions = {}): Promise<Change> {
    const client = await this.#connect();
    return changeOf(
      await client.change('patch', '/storage/volumes/{uuid}', {
        path: { uuid },
        body: { clone: { split_initiated: true } },
        returnTimeoutSeconds: HELD_SECONDS.short,
        look: seeing(async (options) => {
          const { isClone, splitting } = await this.cloneState(uuid, options);
          return splitting || !isClone;
        }),
        attempted: 'split the clone off',
        object: `${this.svm}: ${uuid}`,
        signal,
      }),
    );
  }

  async cancelJob(uuid: string, { signal }: PortOptions = {}): Promise<void> {
    const client = await this.#connect();
    await client
      .patch('/cluster/jobs/{uuid}', {
        path: { uuid },
        query: { action: 'cancel' },
        repeatable: true,
        attempted: 'cancel the job',
        object: uuid,
        signal,
      })
      .catch(unlessMissing);
  }

  async #volume(uuid: string, fields: readonly string[], attempted: string, signal: AbortSignal | undefined) {
    const client = await this.#connect();
    const object = `${this.svm}: ${uuid}`;
    return client.get('/storage/volumes/{uuid}', { path: { uuid }, query: { fields }, attempted, object, signal });
  }
}

/** Codes by which the files endpoints and LUNs say that there is no such thing. */
function isMissing(error: unknown): boolean {
  return error instanceof OntapError && error.code === 'ONTAP_NOT_FOUND';
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

/** Seeing it means it happened; not seeing it settles nothing, since views lag. */
function seeing(isThere: (options: PortOptions) => Promise<boolean>): Look {
  return async (options) => ((await isThere(options)) ? 'happened' : 'unclear');
}

type AnyChange = { readonly done: true } | { readonly done: false; readonly job: string };

function changeOf(change: AnyChange): Change {
  return change.done ? { done: true } : { done: false, job: change.job };
}

/** For changes that ONTAP finishes at once, in some releases by a short job. */
async function finished(
  client: OntapRestClient,
  change: AnyChange,
  { look, signal }: { readonly look: Look; readonly signal: AbortSignal | undefined },
): Promise<void> {
  if (!change.done) await client.waitForJob(change.job, { look, signal });
}

function fileOf(record: Schemas['file_info']): StoredFile {
  const { type, size, modified_time: modified, inode_number: inode } = record;
  return {
    type: type ?? 'file',
    sizeBytes: size ?? 0,
    modifiedAt: modified === undefined ? undefined : Date.parse(modified) || undefined,
    inode,
  };
}

function unitOf(record: Schemas['lun'] | Schemas['namespace']): StoredUnit {
  const copied = 'copy' in record ? record.copy?.source : undefined;
  const movement = 'movement' in record ? record.movement : undefined;
  return {
    uuid: needed(record.uuid, 'uuid', record),
    name: needed(record.name, 'name', record),
    sizeBytes: needed(record.space?.size, 'space.size', record),
    usedBytes: record.space?.used,
    mapped: record.status?.mapped === true,
    copy: progressOf(copied?.progress, copied?.name),
    movement: progressOf(movement?.progress, movement?.paths?.source),
  };
}

function progressOf(
  progress: Schemas['copy_progress'] | undefined,
  source: string | undefined,
): CopyProgress | undefined {
  if (progress?.state === undefined) return undefined;
  const { state, percent_complete: percentComplete = 0, failure } = progress;
  return {
    state,
    percentComplete,
    source,
    failure: failure === undefined ? undefined : { code: failure.code, message: failure.message ?? '' },
  };
}
