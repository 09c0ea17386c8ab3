/** /storage/file/clone and /storage/file/copy: the storage clones and copies files itself (rest-facts sections 4 and 5). */
import type { ClusterState } from '../cluster-state.ts';
import { DataCopy } from '../data-copy.ts';
import type { JsonTree } from '../http/json-tree.ts';
import { isTree, valuesAt } from '../http/json-tree.ts';
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import type { Job } from '../jobs.ts';
import { later } from '../later.ts';
import { Refusal } from '../refusals.ts';
import type { Svm } from '../svm.ts';
import type { SimulatedVolume } from '../volume.ts';
import { checkCopies } from './luns.ts';
import { FILE_CLONE, FILE_COPY } from './storage-unit-fields.ts';
import { copyBlocks, copyFile, makeFile } from './storage-units.ts';

/** Nothing is kept of a clone or a copy: the collections can only be posted to. */
const WITHOUT_RECORDS = {
  postOnly: true,
  records: () => [],
  key: () => '',
  view: () => ({}),
} satisfies Partial<Resource<never>>;

export const fileCloneResource: Resource<never> = {
  ...WITHOUT_RECORDS,
  path: '/storage/file/clone',
  schema: schema(FILE_CLONE),
  keys: [],

  post(context, body) {
    const { cluster, svm } = context;
    body.require('source_path', 'destination_path');
    const volume = volumeNamed(cluster, svm, { uuid: body.text('volume.uuid'), name: body.text('volume.name') });
    if (!volume) throw new Refusal('fileCloneVolume', { volume: body.text('volume.name') ?? '' });
    if (body.has('range')) throw new Refusal('notSimulated', { what: 'clones of ranges of a file' });
    const order = {
      volume,
      source: absolute(body.text('source_path') ?? ''),
      destination: absolute(body.text('destination_path') ?? ''),
      overwrite: body.boolean('overwrite_destination') ?? false,
    };
    const { content } = volume;
    const cloned = content.lookup(order.source)?.number;
    if (cloned !== undefined && cloned === content.lookup(order.destination)?.number) {
      const value = body.text('destination_path') ?? '';
      throw new Refusal('invalidValue', { value, name: 'destination_path', expected: '<not the source>' });
    }
    return { done: false, job: cluster.startJob(context, cloning(order), volume.svm) };
  },
};

interface FileClone {
  readonly volume: SimulatedVolume;
  readonly source: string;
  readonly destination: string;
  readonly overwrite: boolean;
}

/** Where a clone is until it takes the place of another file. */
const UNDER_WAY = '/.clone-under-way';

const cloning = later('file: clone', ({ volume, source, destination, overwrite }: FileClone) => {
  if (volume.state !== 'online') throw new Refusal('volumeOffline', { volume: volume.name, svm: volume.svm.name });
  if (volume.type === 'dp') throw new Refusal('fileCloneReadOnly', { volume: volume.name });
  const { content } = volume;
  const inSnapshot = /^\/\.snapshot\/([^/]+)(\/.+)$/.exec(source);
  const view = inSnapshot?.[1] === undefined ? content.activeView() : snapshotView(volume, inSnapshot[1], source);
  const path = inSnapshot?.[2] ?? source;
  if (view.lookup(path)?.type !== 'file') throw new Refusal('fileCloneSource', { path: source });
  const replaced = content.lookup(destination);
  if (replaced && !overwrite) throw new Refusal('fileCloneTargetExists', { path: destination });
  if (replaced && replaced.type !== 'file') throw new Refusal('fileIsDirectory', { path: destination });
  // The new file is whole before it takes the place of the old one.
  const place = replaced === undefined ? destination : UNDER_WAY;
  makeFile(volume, place, () => {
    if (inSnapshot === null) content.cloneFile(path, place);
    else copyBlocks(view, path, volume, place);
  });
  if (replaced !== undefined) content.rename(place, destination, { replace: true });
});

function snapshotView(volume: SimulatedVolume, name: string, source: string) {
  if (!volume.snapshotInfos().some((snapshot) => snapshot.name === name)) {
    throw new Refusal('fileCloneSource', { path: source });
  }
  return volume.content.snapshotView(name);
}

export const fileCopyResource: Resource<never> = {
  ...WITHOUT_RECORDS,
  path: '/storage/file/copy',
  schema: schema(FILE_COPY),
  keys: [],

  post(context, body) {
    const { cluster } = context;
    const files = (valuesAt(body.tree, 'files_to_copy').flat() as unknown[]).filter(isTree);
    if (files.length === 0) throw new Refusal('requiredMissing', { name: 'files_to_copy' });
    const copies = files.map((file) => ({
      source: placeOf(context, file, 'source'),
      destination: placeOf(context, file, 'destination'),
    }));
    const [first] = copies;
    if (first === undefined) throw new Refusal('requiredMissing', { name: 'files_to_copy' });
    const mixed = copies.some(
      ({ source, destination }) =>
        source.volume !== first.source.volume || destination.volume !== first.destination.volume,
    );
    if (mixed) throw new Refusal('fileCopyMixedVolumes');
    check(context, first.source.volume, first.destination.volume);
    checkCopies(cluster, copies.length);
    const fault = cluster.takeCopyFault();
    const svm = first.destination.volume.svm;
    const { volume: from } = first.source;
    const running = copies.map(({ source, destination }) => {
      const sizeBytes = from.content.lookup(source.path)?.sizeBytes ?? 0;
      const facts = { source: `${from.path}${source.path}`, destination: destination.path, sizeBytes };
      return new DataCopy(cluster, facts, fault);
    });
    const plan = { cluster, copies, running };
    return { done: false, job: cluster.startJob(context, copying(plan), svm) };
  },
};

interface FilePlace {
  readonly volume: SimulatedVolume;
  readonly path: string;
}

interface FileCopies {
  readonly cluster: ClusterState;
  readonly copies: readonly { readonly source: FilePlace; readonly destination: FilePlace }[];
  readonly running: readonly DataCopy[];
}

/** The job ends when all files are there, or when one of them cannot be. */
const copying = later('file: copy', (plan: FileCopies, job: Job) => {
  const { cluster, copies, running } = plan;
  const states = running.map(({ state }) => state);
  if (states.some((state) => state !== 'complete' && state !== 'failed')) {
    job.goOn();
    cluster.physics.timeline.after(POLL_MS, lookingAgain({ ...plan, job }));
    return;
  }
  if (states.includes('failed')) throw new Refusal('fileCopyFailed');
  for (const { source, destination } of copies) {
    if (source.volume.content.lookup(source.path)?.type !== 'file') {
      throw new Refusal('fileCopySource', { path: source.path });
    }
    if (destination.volume.content.exists(destination.path)) {
      throw new Refusal('fileCopyTarget', { path: destination.path });
    }
  }
  for (const { source, destination } of copies) {
    copyFile(source.volume, source.path, destination.volume, destination.path);
  }
  job.succeed(cluster.physics.timeline.now);
});

const POLL_MS = 250;

const lookingAgain = later('file: copy goes on', ({ job, ...plan }: FileCopies & { readonly job: Job }) => {
  try {
    copying(plan)(job);
  } catch (refusal) {
    job.fail(plan.cluster.physics.timeline.now, plan.cluster.jobError(refusal));
  }
});

function placeOf(context: RequestContext, file: JsonTree, end: 'source' | 'destination'): FilePlace {
  const given = (name: string) => valuesAt(file, `${end}.${name}`)[0];
  const code = end === 'source' ? 'fileCopySource' : 'fileCopyTarget';
  const path = given('path');
  if (typeof path !== 'string') throw new Refusal('requiredMissing', { name: `files_to_copy.${end}.path` });
  const svmName = given('svm.name') ?? given('svm.uuid');
  const svm =
    svmName === undefined
      ? context.svm
      : context.cluster.svms.find(({ name, uuid }) => name === svmName || uuid === svmName);
  if (svmName !== undefined && svm === undefined) throw new Refusal('fileCopyElsewhere', { svm: String(svmName) });
  const uuid = valueText(given('volume.uuid'));
  const volume = volumeNamed(context.cluster, svm, { uuid, name: valueText(given('volume.name')) });
  // A path is relative to its volume: one with the volume's name in front of it is not found.
  if (!volume) throw new Refusal(code, { path });
  return { volume, path: absolute(path) };
}

function check({ cluster, svm }: RequestContext, source: SimulatedVolume, destination: SimulatedVolume): void {
  if (source.style === 'flexgroup' || destination.style === 'flexgroup') throw new Refusal('fileCopyFlexGroup');
  if (destination.type === 'dp') throw new Refusal('fileCopyReadOnly', { volume: destination.name });
  if (source.svm === destination.svm) return;
  if (svm !== undefined && svm !== destination.svm) throw new Refusal('fileCopyNotDestinationSvm');
  const peer = cluster.svmPeers.find((known) => known.svm === destination.svm && known.peerSvm === source.svm);
  if (peer?.state !== 'peered') throw new Refusal('fileCopyNotPeered', { svm: source.svm.name });
  if (!peer.applications.includes('file_copy')) throw new Refusal('fileCopyPeerApplication', { svm: source.svm.name });
}

/** By uuid or, within the SVM where one is known, by name. */
function volumeNamed(
  cluster: ClusterState,
  svm: Svm | undefined,
  { uuid, name }: { readonly uuid: string | undefined; readonly name: string | undefined },
): SimulatedVolume | undefined {
  if (uuid !== undefined) {
    const volume = cluster.volumes.get(uuid);
    if (volume && name !== undefined && volume.name !== name) throw new Refusal('volumeUuidIsNotName', { uuid, name });
    return volume;
  }
  const found = [...cluster.volumes.values()].filter(
    (volume) => volume.name === name && (svm === undefined || volume.svm === svm),
  );
  return found.length === 1 ? found[0] : undefined;
}

function valueText(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
