/** Run (layer 3): the facts of both ends of a transfer, read in parallel. What an account may not read is unknown, not an error. */
import type { TransferEndpoint } from '../../core/transfer/endpoint.ts';
import type {
  AccountScope,
  OntapPlace,
  SvmPeering,
  TransferFacts,
  TransferObject,
  TransferPlace,
} from '../../core/transfer/facts.ts';
import { isCopyOf, readMoveMark } from '../../core/transfer/part-names.ts';
import { type DataMotionError, OntapError, TransferError } from '../../errors.ts';
import type { StoredFile, StoredUnit, UnitKind } from '../../ontap/ontap-storage.ts';
import type { ClusterFacts, OntapSvm, Volume } from '../../ontap/ontap-svm.ts';
import { collect } from '../mirror/context.ts';
import { peeringsOf, requireCluster } from '../mirror/preflight.ts';
import type { OntapEnd, PlanTransferOptions, TransferWorld } from './context.ts';
import { endOf } from './context.ts';

/** The facts of a plan, and what beside them says that an earlier call got there, or half there. */
export interface Observed {
  readonly facts: TransferFacts;
  /** An earlier call has done it; what may be left to do is the deletion of a moved source. */
  readonly done?: 'whole' | 'source-left' | undefined;
}

interface BackendFacts {
  readonly end: OntapEnd;
  readonly cluster: ClusterFacts;
  readonly account: AccountScope;
  readonly licences: readonly string[] | undefined;
  readonly runningCopies: number;
}

/**
 * @throws TransferError `TRANSFER_SOURCE_NOT_FOUND`, `TRANSFER_PLACE_NOT_FOUND`; OntapError what a cluster answers to what must be known
 */
export async function observe(
  world: TransferWorld,
  from: TransferEndpoint,
  to: TransferEndpoint,
  options: PlanTransferOptions,
  signal: AbortSignal,
): Promise<Observed> {
  const backends = new Map<string, Promise<BackendFacts>>();
  const backendFacts = (backend: string) => {
    const known = backends.get(backend) ?? readBackend(endOf({ world }, backend), signal);
    backends.set(backend, known);
    return known;
  };
  const [source, destination] = await Promise.all([
    from.kind === 'host' ? undefined : backendFacts(from.backend),
    to.kind === 'host' ? undefined : backendFacts(to.backend),
  ]);
  if (from.kind === 'host' || source === undefined) return fromHost(world, from, to, destination, options, signal);

  const [volume, target] = await Promise.all([
    source.end.svm.volume(from.volume, { signal }),
    to.kind === 'host' ? undefined : destination?.end.svm.volume(to.volume, { signal }),
  ]);
  if (from.path === undefined) {
    return wholeVolume(world, { from, to, source, destination, volume, target }, options, signal);
  }
  if (volume === undefined) throw noPlace(source.end.svm, from.volume);
  const found = await findObject(source.end, volume, from.path, options.object, signal);
  const object = found?.object ?? options.object ?? 'file';
  const there = await whatIsThere(world, { to, end: destination?.end, target, object, options }, signal);
  const intent = options.move === true ? 'move' : 'copy';
  if (found === undefined) {
    // A move that an earlier call finished: the name is gone here and there is something over there.
    if (intent === 'move' && there !== undefined) {
      return {
        done: 'whole',
        facts: await factsOf(world, { from, to, source, destination, volume, target }, options, signal, {
          ...{ object, intent, sizeBytes: there.sizeBytes, usedBytes: undefined, destinationExists: true },
          mirrored: false,
        }),
      };
    }
    throw new TransferError('TRANSFER_SOURCE_NOT_FOUND', `${source.end.svm.svm}:${volume.name} has no "${from.path}"`, {
      attempted: 'find the source of the transfer',
      cluster: source.end.svm.cluster,
      object: `${from.backend}:${from.volume}/${from.path}`,
      remedy: 'check the path: it is relative to the root of the volume, not to a junction path',
    });
  }
  const facts = await factsOf(world, { from, to, source, destination, volume, target }, options, signal, {
    ...{ object, intent, sizeBytes: found.sizeBytes, usedBytes: found.usedBytes },
    destinationExists: there !== undefined,
    mirrored: false,
  });
  return { facts, done: leftSource(object, intent, from, volume, there) };
}

/** LUNs remember what they are a copy of: a move whose source was left is told by that. */
function leftSource(
  object: TransferObject,
  intent: 'copy' | 'move',
  from: Extract<TransferEndpoint, { kind: 'ontap' }>,
  volume: Volume,
  there: There | undefined,
): Observed['done'] {
  const copied = there?.unit?.copy;
  if (object !== 'lun' || copied?.state !== 'complete' || copied.source !== unitName(volume.name, from.path ?? ''))
    return;
  return intent === 'move' ? 'source-left' : 'whole';
}

/** `/vol/VOLUME/PATH`, as ONTAP names LUNs and namespaces. */
export function unitName(volume: string, path: string): string {
  return `/vol/${volume}/${path}`;
}

interface Both {
  readonly from: Extract<TransferEndpoint, { kind: 'ontap' }>;
  readonly to: TransferEndpoint;
  readonly source: BackendFacts;
  readonly destination: BackendFacts | undefined;
  readonly volume: Volume;
  /** The volume at the destination, if it is there. */
  readonly target: Volume | undefined;
}

async function wholeVolume(
  world: TransferWorld,
  both: Omit<Both, 'volume'> & { readonly volume: Volume | undefined },
  options: PlanTransferOptions,
  signal: AbortSignal,
): Promise<Observed> {
  const { from, to, source, destination, target } = both;
  const intent = options.move === true ? 'move' : 'copy';
  if (to.kind === 'host' || destination === undefined || to.path !== undefined) {
    throw new TransferError('TRANSFER_ENDPOINT_INVALID', 'a whole volume goes to a volume only', {
      attempted: 'read the ends of the transfer',
      object: from.volume,
      remedy: 'name a volume as the destination, or a file, LUN or namespace as the source',
    });
  }
  const { volume } = both;
  const within = source.cluster.uuid === destination.cluster.uuid;
  if (volume === undefined) {
    const target = both.target ?? (await rehosted(destination.end.svm, from.volume, signal));
    const moved = intent === 'move' && target !== undefined && target.type === 'rw';
    if (!moved) throw noPlace(source.end.svm, from.volume);
    const facts = await factsOf(world, { ...both, volume: target, target }, options, signal, {
      ...{ object: 'volume', intent, sizeBytes: target.sizeBytes, usedBytes: target.usedBytes },
      ...{ destinationExists: true, mirrored: false },
    });
    // Between a rehost and its mount the volume still bears the mark.
    return { facts, done: readMoveMark(target.comment) === undefined ? 'whole' : 'source-left' };
  }
  const isItself = within && source.end.svm.svm === destination.end.svm.svm && from.volume === to.volume;
  const ours = target !== undefined && isCopyOf(target.comment, volume.uuid);
  const mirrored = await isMirrored(source.end.svm, volume.name, signal);
  const facts = await factsOf(world, { ...both, volume }, options, signal, {
    ...{ object: 'volume', intent, sizeBytes: volume.sizeBytes, usedBytes: volume.usedBytes },
    destinationExists: target !== undefined && !isItself,
    mirrored,
  });
  if (!ours || isItself) return { facts };
  // A clone that is not split off, and a source that is still there, are work that is left.
  return { facts, done: intent === 'move' || target.cloneOf !== undefined ? 'source-left' : 'whole' };
}

/** In its new SVM, and not yet under its new name. */
async function rehosted(svm: OntapSvm, name: string, signal: AbortSignal): Promise<Volume | undefined> {
  const volume = await svm.volume(name, { signal });
  return readMoveMark(volume?.comment) === undefined ? undefined : volume;
}

async function isMirrored(svm: OntapSvm, volume: string, signal: AbortSignal): Promise<boolean> {
  const of = { svm: svm.svm, volume };
  const [into, outOf] = await Promise.all([
    collect(svm.relationships({ destination: of }, { signal })),
    collect(svm.knownDestinations({ source: of }, { signal })),
  ]);
  // The mirror of an earlier call of ours goes to a volume with a name of its own, and does not count.
  const foreign = outOf.filter(({ destination }) => !/_datamotion_[0-9a-f]{16}$/.test(destination.volume ?? ''));
  return into.length + foreign.length > 0;
}

async function fromHost(
  world: TransferWorld,
  from: TransferEndpoint,
  to: TransferEndpoint,
  destination: BackendFacts | undefined,
  options: PlanTransferOptions,
  signal: AbortSignal,
): Promise<Observed> {
  const path = from.kind === 'host' ? from.path : '';
  const [file, target] = await Promise.all([
    world.hostFiles.look(path),
    to.kind === 'host' ? undefined : destination?.end.svm.volume(to.volume, { signal }),
  ]);
  const object = options.object ?? 'file';
  if (to.kind === 'ontap' && to.path === undefined) {
    throw new TransferError('TRANSFER_ENDPOINT_INVALID', 'a file needs a path in its volume', {
      attempted: 'read the ends of the transfer',
      object: `${to.backend}:${to.volume}`,
      remedy: 'write backend:volume/path',
    });
  }
  const there = await whatIsThere(world, { to, end: destination?.end, target, object, options }, signal);
  const intent = options.move === true ? 'move' : 'copy';
  const finished = intent === 'move' && file === undefined && there !== undefined;
  if ((file === undefined || file.kind === 'other') && !finished) {
    const what = file === undefined ? 'is not there' : 'is neither a file nor a device';
    throw new TransferError('TRANSFER_SOURCE_NOT_FOUND', `${path} ${what}`, {
      attempted: 'find the source of the transfer',
      object: path,
      remedy: 'check the path on this host',
    });
  }
  const facts: TransferFacts = {
    ...{ object, intent, source: { kind: 'host', path } },
    destination: placeOf(to, destination, target, options.hostPaths?.destination, []),
    sizeBytes: file?.sizeBytes ?? there?.sizeBytes ?? 0,
    ...{ destinationExists: there !== undefined, mirrored: false, clustersPeered: false },
  };
  return { facts, done: finished ? 'whole' : undefined };
}

async function factsOf(
  world: TransferWorld,
  { from, to, source, destination, volume, target }: Both,
  options: PlanTransferOptions,
  signal: AbortSignal,
  own: Pick<TransferFacts, 'object' | 'intent' | 'sizeBytes' | 'usedBytes' | 'destinationExists' | 'mirrored'>,
): Promise<TransferFacts> {
  const peering = destination === undefined ? undefined : await peeringOf(source, destination, signal);
  const clustersPeered =
    destination === undefined || source.cluster.uuid === destination.cluster.uuid
      ? true
      : peering !== 'unknown' && peering?.state === 'peered'
        ? true
        : await arePeered(source, destination, signal);
  const aggregates = destinationAggregates(world, { from, to, source, destination, volume }, options);
  return {
    ...own,
    source: placeOf(from, source, volume, options.hostPaths?.source, []),
    destination: placeOf(to, destination, target, options.hostPaths?.destination, aggregates, volume.style),
    ...(peering === undefined ? {} : { svmPeering: peering }),
    clustersPeered,
  };
}

/** Of a whole volume: as asked for, or where the source lies, or as the configuration maps it. */
function destinationAggregates(
  world: TransferWorld,
  { from, to, source, destination, volume }: Omit<Both, 'target'>,
  { aggregates }: PlanTransferOptions,
): readonly string[] {
  if (aggregates !== undefined) return aggregates;
  if (to.kind === 'host' || destination === undefined) return [];
  if (source.cluster.uuid === destination.cluster.uuid) return volume.aggregates;
  return world.mappedAggregates(from.backend, to.backend, volume.aggregates) ?? [];
}

/** @param made where a volume is to be made that is not there yet */
function placeOf(
  endpoint: TransferEndpoint,
  backend: BackendFacts | undefined,
  volume: Volume | undefined,
  hostPath: string | undefined,
  made: readonly string[],
  style?: Volume['style'],
): TransferPlace {
  if (endpoint.kind === 'host' || backend === undefined) {
    return { kind: 'host', path: endpoint.kind === 'host' ? endpoint.path : '' };
  }
  const { backend: name, volume: volumeName, path } = endpoint;
  if (volume === undefined && path !== undefined) throw noPlace(backend.end.svm, volumeName);
  const ofVolume = volume?.style ?? style;
  const place: OntapPlace = {
    kind: 'ontap',
    backend: name,
    cluster: backend.cluster.uuid,
    clusterName: backend.cluster.name,
    svm: backend.end.svm.svm,
    volume: volumeName,
    ...(path === undefined ? {} : { path }),
    style: ofVolume === 'flexgroup' ? 'flexgroup' : 'flexvol',
    volumeType: volume?.type === 'dp' ? 'dp' : 'rw',
    aggregates: made.length > 0 ? made : (volume?.aggregates ?? []),
    account: backend.account,
    ...(backend.licences === undefined ? {} : { licences: backend.licences }),
    runningCopies: backend.runningCopies,
    ...(hostPath === undefined ? {} : { hostPath }),
  };
  return place;
}

interface Found {
  readonly object: Exclude<TransferObject, 'volume'>;
  readonly sizeBytes: number;
  readonly usedBytes?: number | undefined;
}

async function findObject(
  { storage }: OntapEnd,
  volume: Volume,
  path: string,
  object: TransferObject | undefined,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const name = unitName(volume.name, path);
  const wanted = (kind: TransferObject) => object === undefined || object === kind;
  const look = (kind: UnitKind) =>
    wanted(kind) ? tolerant(storage.unit(kind, name, { signal }), undefined) : undefined;
  const [lun, namespace, file] = await Promise.all([
    look('lun'),
    look('namespace'),
    wanted('file') ? storage.file(volume.uuid, path, { signal }) : undefined,
  ]);
  if (lun !== undefined) return { object: 'lun', sizeBytes: lun.sizeBytes, usedBytes: lun.usedBytes };
  if (namespace !== undefined) {
    return { object: 'namespace', sizeBytes: namespace.sizeBytes, usedBytes: namespace.usedBytes };
  }
  if (file === undefined) return undefined;
  if (file.type !== 'file') {
    throw new TransferError('TRANSFER_ENDPOINT_INVALID', `${volume.name}/${path} is a ${file.type}, not a file`, {
      attempted: 'find the source of the transfer',
      object: path,
      remedy: 'transfer the files in it, or the whole volume',
    });
  }
  return { object: 'file', sizeBytes: file.sizeBytes };
}

interface There {
  readonly sizeBytes: number;
  readonly unit?: StoredUnit | undefined;
  readonly file?: StoredFile | undefined;
}

/** What has the destination's name already. A device is always there: it is what will be written to. */
async function whatIsThere(
  world: TransferWorld,
  place: {
    readonly to: TransferEndpoint;
    readonly end: OntapEnd | undefined;
    readonly target: Volume | undefined;
    readonly object: TransferObject;
    readonly options: PlanTransferOptions;
  },
  signal: AbortSignal,
): Promise<There | undefined> {
  const { to, end, target, object, options } = place;
  const hostPath = to.kind === 'host' ? to.path : options.hostPaths?.destination;
  if (hostPath !== undefined) {
    const file = await world.hostFiles.look(hostPath);
    return file === undefined || file.kind === 'device' ? undefined : { sizeBytes: file.sizeBytes };
  }
  if (to.kind === 'host' || end === undefined) return undefined;
  if (target === undefined) throw noPlace(end.svm, to.volume);
  const path = to.path ?? '';
  if (object === 'lun' || object === 'namespace') {
    const unit = await end.storage.unit(object, unitName(target.name, path), { signal });
    return unit === undefined ? undefined : { sizeBytes: unit.sizeBytes, unit };
  }
  const file = await end.storage.file(target.uuid, path, { signal });
  return file === undefined ? undefined : { sizeBytes: file.sizeBytes, file };
}

async function readBackend(end: OntapEnd, signal: AbortSignal): Promise<BackendFacts> {
  await requireCluster(end.svm, signal);
  const [cluster, licences, runningCopies] = await Promise.all([
    end.svm.clusterFacts({ signal }),
    end.svm.licences({ signal }).catch((error: unknown) => {
      if (isRefusedRead(error)) return undefined;
      throw error;
    }),
    tolerant(end.storage.runningCopies({ signal }), 0),
  ]);
  return {
    end,
    cluster,
    // Licences are a matter of cluster accounts: an account that may not read them is treated as one of an SVM.
    account: licences === undefined ? 'svm' : 'cluster',
    licences:
      licences === undefined || licences.length === 0
        ? undefined
        : licences.filter(({ state }) => state !== 'unlicensed').map(({ name }) => name.toLowerCase()),
    runningCopies,
  };
}

async function peeringOf(
  source: BackendFacts,
  destination: BackendFacts,
  signal: AbortSignal,
): Promise<SvmPeering | 'unknown' | undefined> {
  const [here, there] = [destination.end.svm, source.end.svm];
  if (source.cluster.uuid === destination.cluster.uuid && here.svm === there.svm) return undefined;
  try {
    const [peer] = peeringsOf(await here.svmPeers({ signal }), here, there, source.cluster);
    return peer === undefined ? undefined : { state: peer.state, applications: peer.applications };
  } catch (error) {
    if (isRefusedRead(error)) return 'unknown';
    throw error;
  }
}

async function arePeered(
  source: BackendFacts,
  destination: BackendFacts,
  signal: AbortSignal,
): Promise<boolean | 'unknown'> {
  try {
    const peers = await destination.end.svm.clusterPeers({ signal });
    const { name } = source.cluster;
    return peers.some((peer) => (peer.remoteName ?? peer.name) === name && peer.state !== 'unavailable');
  } catch (error) {
    if (isRefusedRead(error)) return 'unknown';
    throw error;
  }
}

/** The account may not ask, or this release has no such question. */
function isRefusedRead(error: unknown): boolean {
  return error instanceof OntapError && (error.code === 'ONTAP_DENIED' || error.code === 'ONTAP_TOO_OLD');
}

async function tolerant<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  return reading.catch((error: unknown) => {
    if (isRefusedRead(error)) return otherwise;
    throw error;
  });
}

function noPlace(svm: OntapSvm, volume: string): DataMotionError {
  return new TransferError('TRANSFER_PLACE_NOT_FOUND', `SVM ${svm.svm} has no volume "${volume}"`, {
    attempted: 'find the volume',
    cluster: svm.cluster,
    object: `${svm.svm}:${volume}`,
    remedy: 'give the name of a volume, not a junction path',
  });
}
