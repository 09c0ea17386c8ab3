/** For each refusal of LUNs, namespaces, and clones and copies of files, the forbidden request, sent raw. */
import type { RefusalName } from '../../src/testing/index.ts';
import type { Answer } from './raw-client.ts';
import { call, MIB, Scene } from './raw-client.ts';

export interface OffloadCase {
  send(scene: Scene): Promise<Answer>;
}

const LUN = { 'svm.name': 'svm1', os_type: 'linux', 'space.size': MIB };

/** A LUN in `svm1:vol1`. */
async function withLun(scene: Scene, name = '/vol/vol1/lun1'): Promise<string> {
  const query = '/storage/luns?return_records=true';
  const { records } = await scene.ok(scene.source, 'POST', query, { ...LUN, name });
  return records[0].uuid;
}

const afterLun = (path: string, body: object): OffloadCase => ({
  async send(scene) {
    await withLun(scene);
    return call(scene.source, 'POST', path, { body: { 'svm.name': 'svm1', ...body } });
  },
});

const cloning = (name: string, source: string): OffloadCase =>
  afterLun('/storage/luns', { name, clone: { source: { name: source } } });

const copying = (body: object, prepare: (scene: Scene) => unknown = () => {}): OffloadCase => ({
  async send(scene) {
    await withLun(scene);
    await prepare(scene);
    scene.source.createVolume({ svm: 'svm2', name: 'vol2', sizeBytes: 100 * MIB });
    const order = { 'svm.name': 'svm2', name: '/vol/vol2/copy', ...body };
    return call(scene.source, 'POST', '/storage/luns', { body: order });
  },
});

const peerOf = (applications: readonly string[]) => async (scene: Scene) => {
  const peer = { svm: { name: 'svm1' }, cluster: { name: 'cluster1' } };
  await scene.ok(scene.source, 'POST', '/svm/peers', { svm: { name: 'svm2' }, peer, applications });
};

const moving = (body: object): OffloadCase => ({
  send: ({ source, volume }) => call(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { body }),
});

const cloningFile = (body: object, prepare: (scene: Scene) => unknown = () => {}): OffloadCase => ({
  async send(scene) {
    await prepare(scene);
    const order = { volume: { name: 'vol1' }, source_path: 'data/one', destination_path: 'data/three', ...body };
    return call(scene.source, 'POST', '/storage/file/clone', { body: order });
  },
});

interface Copy {
  readonly source?: object;
  readonly destination?: object;
  readonly headers?: Record<string, string>;
  readonly prepare?: (scene: Scene) => unknown;
}

const copyingFile = ({ source, destination, headers, prepare }: Copy): OffloadCase => ({
  async send(scene) {
    scene.source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
    await prepare?.(scene);
    const file = {
      source: { path: 'data/one', volume: { name: 'vol1' }, svm: { name: 'svm1' }, ...source },
      destination: { path: 'one', volume: { name: 'vol2' }, svm: { name: 'svm1' }, ...destination },
    };
    const body = { files_to_copy: [file] };
    return call(scene.source, 'POST', '/storage/file/copy', headers ? { body, headers } : { body });
  },
});

const inSvm2 = { volume: { name: 'vol3' }, svm: { name: 'svm2' } };
const withVolume3 = (scene: Scene) => scene.source.createVolume({ svm: 'svm2', name: 'vol3', sizeBytes: 100 * MIB });

/** The cases by the names of their rows. */
export const OFFLOAD_CASES = {
  lunExists: afterLun('/storage/luns', { ...LUN, name: '/vol/vol1/lun1' }),
  unitNameInvalid: afterLun('/storage/luns', { ...LUN, name: 'lun2' }),
  unitVolumeMissing: afterLun('/storage/luns', { ...LUN, name: '/vol/vol9/lun1' }),
  unitVolumeOffline: {
    async send(scene) {
      await scene.ok(scene.source, 'PATCH', `/storage/volumes/${scene.volume.uuid}`, { state: 'offline' });
      return call(scene.source, 'POST', '/storage/luns', { body: { ...LUN, name: '/vol/vol1/lun1' } });
    },
  },
  unitVolumeReadOnly: {
    send(scene) {
      scene.source.createVolume({ svm: 'svm1', name: 'dp', sizeBytes: 100 * MIB, type: 'dp' });
      return call(scene.source, 'POST', '/storage/luns', { body: { ...LUN, name: '/vol/dp/lun1' } });
    },
  },
  cloneSourceMissing: cloning('/vol/vol1/clone', '/vol/vol1/lun9'),
  cloneAcrossVolumes: {
    async send(scene) {
      await withLun(scene);
      scene.source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
      const body = { 'svm.name': 'svm1', name: '/vol/vol2/clone', 'clone.source.name': '/vol/vol1/lun1' };
      return call(scene.source, 'POST', '/storage/luns', { body });
    },
  },
  cloneTargetExists: cloning('/vol/vol1/data/one', '/vol/vol1/lun1'),
  // Cinder's order: the source's SVM is not said, and the LUN is looked for in the destination's (defect 12).
  lunCopySourceMissing: copying({ 'copy.source.name': '/vol/vol1/lun1' }),
  lunCopyWithinVolume: afterLun('/storage/luns', { name: '/vol/vol1/copy', 'copy.source.name': '/vol/vol1/lun1' }),
  lunCopyPeerMissing: copying({ copy: { source: { name: '/vol/vol1/lun1', peer: { name: 'svm1' } } } }),
  lunCopyPeerElsewhere: {
    async send(scene) {
      scene.source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
      const source = { name: '/vol/vol1/lun1', peer: { name: 'svm1_dr' } };
      const body = { 'svm.name': 'svm1', name: '/vol/vol2/copy', copy: { source } };
      return call(scene.source, 'POST', '/storage/luns', { body });
    },
  },
  lunCopyPeerApplication: copying(
    { copy: { source: { name: '/vol/vol1/lun1', peer: { name: 'svm1' } } } },
    peerOf(['snapmirror']),
  ),
  lunMoveRunning: {
    async send(scene) {
      const uuid = await withLun(scene);
      scene.source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
      scene.source.addFault({ kind: 'transfer-stalls', method: 'PATCH', path: '/storage/luns/*' });
      await scene.ok(scene.source, 'PATCH', `/storage/luns/${uuid}`, { name: '/vol/vol2/lun1' });
      return call(scene.source, 'PATCH', `/storage/luns/${uuid}`, { body: { name: '/vol/vol1/lun1' } });
    },
  },
  lunMovementState: {
    async send(scene) {
      const uuid = await withLun(scene);
      const body = { 'movement.progress.state': 'complete' };
      return call(scene.source, 'PATCH', `/storage/luns/${uuid}`, { body });
    },
  },
  tooManyCopies: {
    async send(scene) {
      await withLun(scene);
      scene.source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
      scene.source.addFault({ kind: 'transfer-stalls', method: 'POST', path: '/storage/luns', times: 50 });
      const copy = (name: string) => ({ 'svm.name': 'svm1', name, 'copy.source.name': '/vol/vol1/lun1' });
      for (let number = 0; number < 50; number++) {
        await scene.ok(scene.source, 'POST', '/storage/luns', copy(`/vol/vol2/copy${number}`));
      }
      return call(scene.source, 'POST', '/storage/luns', { body: copy('/vol/vol2/one_more') });
    },
  },

  moveToSameAggregate: moving({ 'movement.destination_aggregate.name': 'aggr1' }),
  moveStateWithAggregate: moving({ 'movement.destination_aggregate.name': 'aggr2', 'movement.state': 'cutover' }),
  moveWithoutAggregate: moving({ 'movement.state': 'aborted' }),
  // As Manila sends it (defect 44).
  moveStateInvalid: moving({ 'movement.destination_aggregate.name': 'aggr2', 'movement.state': 'wait' }),
  moveRunning: {
    async send(scene) {
      const path = `/storage/volumes/${scene.volume.uuid}`;
      const first = { 'movement.destination_aggregate.name': 'aggr2', 'movement.state': 'cutover_wait' };
      await call(scene.source, 'PATCH', path, { body: first });
      await scene.clock.sleep(1000);
      return call(scene.source, 'PATCH', path, { body: { 'movement.destination_aggregate.name': 'aggr2' } });
    },
  },
  moveHasNoSpace: {
    send() {
      const aggregates = ['aggr1', { name: 'tiny', sizeBytes: 4096 }];
      const scene = new Scene({
        clusters: [
          { name: 'cluster1', aggregates },
          { name: 'cluster2', svms: ['svm1_dr'] },
        ],
      });
      const body = { 'movement.destination_aggregate.name': 'tiny' };
      return call(scene.source, 'PATCH', `/storage/volumes/${scene.volume.uuid}`, { body });
    },
  },
  rehostRefused: {
    async send(scene) {
      await scene.ok(scene.source, 'PATCH', `/storage/volumes/${scene.volume.uuid}`, { nas: { path: '/vol1' } });
      const body = { vserver: 'svm1', volume: 'vol1', destination_vserver: 'svm2' };
      return call(scene.source, 'POST', '/private/cli/volume/rehost', { body });
    },
  },

  fileCloneVolume: cloningFile({ volume: { name: 'vol9' } }),
  volumeUuidIsNotName: {
    send: ({ source, volume }) => {
      source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
      const order = { volume: { uuid: volume.uuid, name: 'vol2' }, source_path: 'data/one', destination_path: 'three' };
      return call(source, 'POST', '/storage/file/clone', { body: order });
    },
  },
  fileCloneSource: cloningFile({ source_path: 'data/nine' }),
  fileCloneTargetExists: cloningFile({ destination_path: 'data/two' }),
  fileCloneReadOnly: cloningFile({ volume: { name: 'dp' } }, (scene) =>
    scene.source.createVolume({ svm: 'svm1', name: 'dp', sizeBytes: 100 * MIB, type: 'dp' }),
  ),

  fileCopyMixedVolumes: {
    send(scene) {
      for (const name of ['vol2', 'vol3']) scene.source.createVolume({ svm: 'svm1', name, sizeBytes: 100 * MIB });
      const to = (volume: string) => ({
        source: { path: 'data/one', volume: { name: 'vol1' }, svm: { name: 'svm1' } },
        destination: { path: 'one', volume: { name: volume }, svm: { name: 'svm1' } },
      });
      const body = { files_to_copy: [to('vol2'), to('vol3')] };
      return call(scene.source, 'POST', '/storage/file/copy', { body });
    },
  },
  // Cinder's order: the volume's name in front of the path, and no volume (defect 11).
  fileCopySource: copyingFile({ source: { path: 'vol1/data/one', volume: undefined } }),
  fileCopyTarget: copyingFile({ destination: { volume: { name: 'vol9' } } }),
  fileCopyNotPeered: copyingFile({ destination: inSvm2, prepare: withVolume3 }),
  fileCopyPeerApplication: copyingFile({
    destination: inSvm2,
    prepare: async (scene) => {
      withVolume3(scene);
      await peerOf(['snapmirror'])(scene);
    },
  }),
  fileCopyNotDestinationSvm: copyingFile({
    destination: inSvm2,
    headers: { 'x-dot-svm-name': 'svm1' },
    prepare: withVolume3,
  }),
  fileCopyElsewhere: copyingFile({ destination: { volume: { name: 'vol1' }, svm: { name: 'svm1_dr' } } }),
  fileCopyReadOnly: copyingFile({
    destination: { volume: { name: 'dp' } },
    prepare: (scene) => scene.source.createVolume({ svm: 'svm1', name: 'dp', sizeBytes: 100 * MIB, type: 'dp' }),
  }),
  fileCopyFlexGroup: copyingFile({
    destination: { volume: { name: 'group' } },
    prepare: (scene) =>
      scene.source.createVolume({
        ...{ svm: 'svm1', name: 'group', style: 'flexgroup', aggregates: ['aggr1', 'aggr2'] },
        sizeBytes: 1024 * MIB,
      }),
  }),
  fileCopyFailed: copyingFile({
    prepare: (scene) => scene.source.addFault({ kind: 'transfer-fails', method: 'POST', path: '/storage/file/copy' }),
  }),
} as const satisfies Partial<Record<RefusalName, OffloadCase>>;
