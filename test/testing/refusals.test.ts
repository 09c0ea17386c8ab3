import { describe, expect, it } from 'vitest';
import { REFUSALS, type RefusalName, type RefusalRow, SWITCHES, type Switches } from '../../src/testing/index.ts';
import { OFFLOAD_CASES } from './offload-refusals.ts';
import { type Answer, type CallOptions, call, MIB, Scene } from './raw-client.ts';

/** For each row the forbidden request, sent raw; the answer is compared with the row. */
interface Case {
  readonly switches?: Partial<Switches>;
  readonly maxRequestsInFlight?: number;
  readonly unlicensed?: readonly string[];
  send(scene: Scene): Promise<Answer>;
}

const RELATIONSHIPS = '/snapmirror/relationships';
const ENDS = { source: { path: 'svm1:vol1' }, destination: { path: 'svm1_dr:vol1' } };
const GROUP = { sizeBytes: 1024 * MIB, style: 'flexgroup', aggregates: ['aggr1', 'aggr2'] } as const;
const NOBODY = '00000000-0000-4000-8000-000000000000';

const onSource = (method: string, path: string, options?: CallOptions): Case => ({
  send: ({ source }) => call(source, method, path, options),
});

/** POST of a relationship onto a dp volume that is there. */
const creating = (changes: object, more: Omit<Case, 'send'> = {}): Case => ({
  ...more,
  send(scene) {
    scene.destination.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB, type: 'dp' });
    return call(scene.destination, 'POST', RELATIONSHIPS, { body: { ...ENDS, ...changes } });
  },
});

const patching = (body: object, options: { policy?: string; initialized?: boolean; query?: string } = {}): Case => ({
  async send(scene) {
    const { policy = 'MirrorAllSnapshots', initialized = true, query = '' } = options;
    const uuid = initialized ? await scene.mirrored({ policy }) : await scene.relate({ policy });
    return call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}${query}`, { body });
  },
});

/** A transfer runs that does not end by itself. */
async function whileTransferring(scene: Scene, type: 'initialize' | 'update' = 'update'): Promise<string> {
  const uuid = type === 'update' ? await scene.mirrored() : await scene.relate();
  scene.destination.addFault({ kind: 'transfer-stalls', method: 'POST', path: '*/transfers' });
  await scene.ok(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, {});
  return uuid;
}

const patchingWhileTransferring = (body: object, type?: 'initialize' | 'update'): Case => ({
  async send(scene) {
    const uuid = await whileTransferring(scene, type);
    return call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, { body });
  },
});

const creatingVolume = (changes: object, more: Omit<Case, 'send'> = {}): Case => ({
  ...more,
  send: ({ source }) => {
    const body = { name: 'new', 'svm.name': 'svm1', aggregates: [{ name: 'aggr1' }], ...changes };
    return call(source, 'POST', '/storage/volumes', { body });
  },
});

const cloning = (changes: object): Case => ({
  send: ({ source }) =>
    call(source, 'POST', '/storage/volumes', { body: { name: 'c', 'svm.name': 'svm1', ...changes } }),
});

const MULTIPART = { accept: 'multipart/form-data' };

const onFile = (method: string, path: string, options?: CallOptions): Case => ({
  send: ({ source, volume }) => call(source, method, `/storage/volumes/${volume.uuid}/files/${path}`, options),
});

const uploading = (data: string): CallOptions => ({
  headers: { 'content-type': 'multipart/form-data; boundary=edge' },
  body: `--edge\r\nContent-Disposition: form-data; name="file"\r\n\r\n${data}\r\n--edge--\r\n`,
});

const snapshotPolicy = (copies: readonly object[]): Case =>
  onSource('POST', '/storage/snapshot-policies', { body: { name: 'mine', copies } });

const patchingVolume = (body: object): Case => ({
  send: ({ source, volume }) => call(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { body }),
});

const newPeer = (changes: object): Case => ({
  send: ({ source }) => {
    const peer = { svm: { name: 'svm1_dr' }, cluster: { name: 'cluster2' } };
    const body = { svm: { name: 'svm2' }, peer, applications: ['snapmirror'], ...changes };
    return call(source, 'POST', '/svm/peers', { body });
  },
});

const CASES: Record<RefusalName, Case> = {
  unauthenticated: onSource('GET', '/cluster', { password: 'wrong' }),
  notAuthorized: {
    send: ({ source, volume }) =>
      call(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { user: 'reader', password: 'x', body: { size: MIB } }),
  },
  clusterOnly: onSource('GET', '/cluster/nodes', { headers: { 'x-dot-svm-name': 'svm1' } }),
  svmUserMayNotTunnel: onSource('GET', '/storage/volumes', {
    user: 'vsadmin',
    password: 'x',
    headers: { 'x-dot-svm-name': 'svm1' },
  }),
  tunnelSvmUnknown: onSource('GET', '/storage/volumes', { headers: { 'x-dot-svm-name': 'nowhere' } }),
  destinationsNeedNoTunnel: onSource('GET', `${RELATIONSHIPS}?list_destinations_only=true`, {
    headers: { 'x-dot-svm-name': 'svm1' },
  }),
  bodySvmIsNotTunnelSvm: onSource('POST', '/storage/volumes', {
    headers: { 'x-dot-svm-name': 'svm1' },
    body: { name: 'new', 'svm.name': 'svm2', aggregates: [{ name: 'aggr1' }] },
  }),
  tooManyRequests: {
    maxRequestsInFlight: 1,
    async send(scene) {
      scene.source.addFault({ kind: 'latency', ms: 60_000 });
      const slow = call(scene.source, 'GET', '/cluster');
      const refused = await call(scene.source, 'GET', '/cluster');
      expect(refused.headers.get('retry-after')).toBe('1');
      expect((await slow).status).toBe(200);
      return refused;
    },
  },
  unknownPath: onSource('GET', '/storage/nonsense'),
  methodUnsupported: onSource('DELETE', '/cluster'),
  notSimulated: creating({ source: { path: 'svm1:' } }),
  entryMissing: onSource('GET', `/storage/volumes/${NOBODY}`),
  entryMissingInJob: {
    async send({ source, volume, ok }) {
      const path = `/storage/volumes/${volume.uuid}`;
      await ok(source, 'PATCH', path, { state: 'offline' });
      const first = await call(source, 'DELETE', path);
      expect(first.status).toBe(202);
      return call(source, 'DELETE', path);
    },
  },
  duplicateEntry: {
    async send({ source, ok }) {
      await ok(source, 'POST', '/snapmirror/policies', { name: 'mine' });
      return call(source, 'POST', '/snapmirror/policies', { body: { name: 'mine' } });
    },
  },
  unexpectedArgument: onSource('GET', '/storage/volumes?colour=red'),
  repeatedArgument: onSource('GET', '/storage/volumes?name=a&name=b'),
  fieldCannotBeSet: creatingVolume({ uuid: NOBODY }),
  fieldNotPatchable: patchingVolume({ type: 'dp' }),
  invalidValue: onSource('GET', '/storage/volumes?fields=colour'),
  secretInUrl: onSource('GET', '/cluster/peers?authentication.passphrase=open'),
  badUrl: onSource('GET', '/storage/volumes/100%'),
  bodyNotAllowed: {
    // `fetch` itself refuses a GET with a body; DELETE meets the same rule.
    send: ({ source, volume }) => call(source, 'DELETE', `/storage/volumes/${volume.uuid}`, { body: { force: true } }),
  },
  invalidJson: onSource('POST', '/storage/volumes', { body: '{"name":' }),
  bodyIsNoObject: onSource('POST', '/storage/volumes', { body: '[]' }),
  queryOnPost: onSource('POST', '/storage/volumes?name=x', { body: {} }),
  requiredMissing: creatingVolume({ aggregates: [] }),
  collectionChangeNeedsQuery: onSource('PATCH', '/storage/volumes', { body: { size: 100 * MIB } }),
  bracesUnbalanced: onSource('GET', '/storage/volumes?fields=svm.{name'),
  notSortable: onSource('GET', '/storage/volumes?order_by=colour'),

  pathWithoutColon: creating({ source: { path: 'vol1' } }),
  relationshipExists: {
    async send(scene) {
      await scene.relate();
      return call(scene.destination, 'POST', RELATIONSHIPS, { body: ENDS });
    },
  },
  sameVolume: onSource('POST', RELATIONSHIPS, {
    body: { source: { path: 'svm1:vol1' }, destination: { path: 'svm1:vol1' } },
  }),
  destinationNotDp: {
    send({ destination }) {
      destination.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB });
      return call(destination, 'POST', RELATIONSHIPS, { body: ENDS });
    },
  },
  volumeMissing: creating({ source: { path: 'svm1:nothing' } }),
  stylesDiffer: {
    send(scene) {
      scene.destination.createVolume({ ...GROUP, svm: 'svm1_dr', name: 'vol1', type: 'dp' });
      return call(scene.destination, 'POST', RELATIONSHIPS, { body: ENDS });
    },
  },
  geometryDiffers: {
    send(scene) {
      scene.source.createVolume({ ...GROUP, svm: 'svm1', name: 'group' });
      scene.destination.createVolume({
        ...GROUP,
        constituentsPerAggregate: 2,
        svm: 'svm1_dr',
        name: 'group',
        type: 'dp',
      });
      const body = { source: { path: 'svm1:group' }, destination: { path: 'svm1_dr:group' } };
      return call(scene.destination, 'POST', RELATIONSHIPS, { body });
    },
  },
  svmsNotPeered: creating({ source: { path: 'svm2:vol1' } }),
  policyUnknown: creating({ policy: { name: 'Nonsense' } }),
  policyUuidUnknown: creating({ policy: { uuid: NOBODY } }),
  policyUnsuitable: creating({ policy: { name: 'Continuous' } }),
  policyChangeUnsuitable: patching({ policy: { name: 'Sync' } }),
  scheduleUnknown: creating({ transfer_schedule: { name: 'never' } }),
  scheduleUnknownOnModify: patching({ transfer_schedule: { name: 'never' } }),
  scheduleNotCron: {
    async send(scene) {
      await scene.ok(scene.destination, 'POST', '/cluster/schedules', { name: 'often', interval: 'PT10M' });
      return creating({ transfer_schedule: { name: 'often' } }).send(scene);
    },
  },
  scheduleKindsConflict: onSource('POST', '/cluster/schedules', {
    body: { name: 'both', interval: 'PT10M', cron: { minutes: [5] } },
  }),
  scheduleNullOnCreate: creating({ transfer_schedule: { name: null } }),
  stateNeedsCreateDestination: creating({ state: 'snapmirrored' }),
  stateNotAllowedOnCreate: creating({
    state: 'in_sync',
    create_destination: { enabled: true },
    policy: { name: 'MirrorAllSnapshots' },
  }),
  notWithCreateDestination: creating({ throttle: 100, create_destination: { enabled: true } }),
  destinationNotProvisioned: creating({ create_destination: { enabled: true } }),
  destinationNameInvalid: creating({ destination: { path: 'svm1_dr:no-name' }, create_destination: { enabled: true } }),
  destinationHasNoSpace: {
    send: ({ destination }) =>
      call(destination, 'POST', RELATIONSHIPS, {
        body: { ...ENDS, create_destination: { enabled: true, size: 2 ** 50 } },
      }),
  },
  peerUnreachable: {
    switches: { breakContactsSource: 'always' },
    async send(scene) {
      const uuid = await scene.mirrored();
      scene.source.kill();
      return call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, { body: { state: 'broken_off' } });
    },
  },

  modificationInProgress: {
    async send(scene) {
      const uuid = await scene.mirrored();
      const path = `${RELATIONSHIPS}/${uuid}`;
      const first = await call(scene.destination, 'PATCH', path, { body: { state: 'paused' } });
      expect(first.status).toBe(202);
      return call(scene.destination, 'PATCH', path, { body: { state: 'broken_off' } });
    },
  },
  stateBeingPropagated: {
    async send(scene) {
      const uuid = await scene.mirrored();
      await call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, { body: { state: 'paused' } });
      return call(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`);
    },
  },
  deleteWhileTransferring: {
    async send(scene) {
      const uuid = await whileTransferring(scene);
      return call(scene.destination, 'DELETE', `${RELATIONSHIPS}/${uuid}?destination_only=true`);
    },
  },
  stateUnknown: patching({ state: 'asleep' }),
  stateTransient: patching({ state: 'synchronizing' }),
  stateInvalid: patching({ state: 'snapmirrored' }, { policy: 'Sync', initialized: false }),
  stateInvalidForAsync: patching({ state: 'in_sync' }, { initialized: false }),
  attributesChangedOnly: patchingWhileTransferring({ state: 'broken_off', throttle: 100 }),
  flagOnlyWhenMirroring: patching({ state: 'broken_off', preserve: true }),
  flagOnlyWhenBreaking: patching({ state: 'snapmirrored', restore_to_snapshot: 'x' }),
  flagNeedsState: patching({ quick_resync: true }),
  alreadyInitialized: patching({ state: 'snapmirrored' }),
  initializeFailed: patchingWhileTransferring({ state: 'snapmirrored' }, 'initialize'),
  pauseNotInThisState: patching({ state: 'paused' }, { initialized: false }),
  pauseWhileInitializing: patchingWhileTransferring({ state: 'paused' }, 'initialize'),
  automatedFailoverState: patching({ state: 'paused' }, { policy: 'AutomatedFailOver' }),
  pauseFailed: {
    async send(scene) {
      const uuid = await scene.mirrored({ policy: 'Sync' });
      scene.source.kill();
      return call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, { body: { state: 'paused' } });
    },
  },
  quiesceTimedOut: { ...patchingWhileTransferring({ state: 'paused' }), switches: { pauseJob: 'waits-for-drain' } },
  resumeFailed: {
    async send(scene) {
      const uuid = await scene.mirrored({ policy: 'Sync' });
      await scene.patch(uuid, { state: 'paused' });
      scene.source.kill();
      return call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, { body: { state: 'in_sync' } });
    },
  },
  breakFailed: patchingWhileTransferring({ state: 'broken_off' }),
  breakUninitialized: patching({ state: 'broken_off' }, { initialized: false }),
  resyncFailed: {
    async send(scene) {
      const uuid = await scene.mirrored();
      await scene.patch(uuid, { state: 'broken_off' });
      scene.source.kill();
      return call(scene.destination, 'PATCH', `${RELATIONSHIPS}/${uuid}`, { body: { state: 'snapmirrored' } });
    },
  },
  throttleOnSync: creating({ policy: { name: 'StrictSync' }, throttle: 1000 }),

  initializeTransferFailed: {
    async send(scene) {
      const uuid = await whileTransferring(scene, 'initialize');
      return call(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, { body: {} });
    },
  },
  updateFailed: {
    async send(scene) {
      const uuid = await whileTransferring(scene);
      return call(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`);
    },
  },
  sourceSnapshotMissing: {
    async send(scene) {
      const uuid = await scene.mirrored();
      const body = { source_snapshot: 'nothing' };
      return call(scene.destination, 'POST', `${RELATIONSHIPS}/${uuid}/transfers`, { body });
    },
  },
  abortOfSync: {
    async send(scene) {
      const uuid = await scene.relate({ policy: 'Sync' });
      const path = `${RELATIONSHIPS}/${uuid}/transfers`;
      await scene.ok(scene.destination, 'POST', path, {});
      const { records } = await scene.ok(scene.destination, 'GET', path);
      return call(scene.destination, 'PATCH', `${path}/${records[0].uuid}`, { body: { state: 'aborted' } });
    },
  },
  transferStateInvalid: {
    async send(scene) {
      const path = `${RELATIONSHIPS}/${await whileTransferring(scene)}/transfers`;
      const { records } = await scene.ok(scene.destination, 'GET', `${path}?state=transferring`);
      return call(scene.destination, 'PATCH', `${path}/${records[0].uuid}`, { body: { state: 'success' } });
    },
  },

  deleteFlagsConflict: {
    async send(scene) {
      const uuid = await scene.mirrored();
      return call(scene.destination, 'DELETE', `${RELATIONSHIPS}/${uuid}?destination_only=true&source_info_only=true`);
    },
  },
  releaseFailed: {
    async send(scene) {
      const uuid = await scene.mirrored();
      return call(scene.source, 'DELETE', `${RELATIONSHIPS}/${uuid}?source_only=true`);
    },
  },

  unmapNotNvme: {
    async send(scene) {
      const uuid = await scene.mirrored();
      return call(scene.destination, 'DELETE', `${RELATIONSHIPS}/${uuid}?unmap_namespace=true`);
    },
  },
  volumeNameInvalid: creatingVolume({ name: 'not-a-name' }),
  volumeOperationFailed: {
    send: ({ source, volume }) =>
      call(source, 'POST', `/storage/volumes/${volume.uuid}/snapshots`, { body: { name: 'not/a/name' } }),
  },
  volumeNameInUse: creatingVolume({ name: 'vol1' }),
  volumeTooSmall: creatingVolume({ size: 1000 }),
  cloneParentUnknown: cloning({ clone: { is_flexclone: true, parent_volume: { name: 'nobody' } } }),
  cloneSnapshotUnknown: cloning({
    clone: { is_flexclone: true, parent_volume: { name: 'vol1' }, parent_snapshot: { name: 'never' } },
  }),
  cloneNeedsSnapshot: {
    async send(scene) {
      await scene.mirrored();
      const clone = { is_flexclone: true, parent_volume: { name: 'vol1' } };
      return call(scene.destination, 'POST', '/storage/volumes', { body: { name: 'c', 'svm.name': 'svm1_dr', clone } });
    },
  },
  splitOfNoClone: patchingVolume({ clone: { split_initiated: true } }),
  volumeHasClones: {
    async send({ source, volume, ok }) {
      const clone = { is_flexclone: true, parent_volume: { name: 'vol1' } };
      await ok(source, 'POST', '/storage/volumes', { name: 'c', 'svm.name': 'svm1', clone });
      return call(source, 'DELETE', `/storage/volumes/${volume.uuid}`);
    },
  },
  constituentKept: {
    async send({ source, ok }) {
      source.createVolume({ ...GROUP, svm: 'svm1', name: 'group' });
      const { records } = await ok(source, 'GET', '/storage/volumes?is_constituent=true');
      return call(source, 'DELETE', `/storage/volumes/${records[0].uuid}`);
    },
  },
  snapshotPolicyUnknown: creatingVolume({ snapshot_policy: { name: 'nothing' } }),
  snapshotPolicyInUse: {
    async send({ source, ok }) {
      await ok(source, 'POST', '/storage/volumes', { name: 'v', 'svm.name': 'svm1', aggregates: [{ name: 'aggr1' }] });
      return call(source, 'DELETE', '/storage/snapshot-policies?name=default');
    },
  },
  snapshotScheduleUnknown: snapshotPolicy([{ schedule: { name: 'never' }, count: 1 }]),
  snapshotPrefixTaken: snapshotPolicy([
    { schedule: { name: 'hourly' }, count: 1 },
    { schedule: { name: 'daily' }, count: 1, prefix: 'hourly' },
  ]),
  snapshotPolicyTooLarge: snapshotPolicy([{ schedule: { name: 'hourly' }, count: 1024 }]),
  snapshotNotExpired: {
    async send({ source, volume, ok }) {
      const path = `/storage/volumes/${volume.uuid}/snapshots`;
      await ok(source, 'POST', path, { name: 'kept', expiry_time: '2026-02-01T00:00:00Z' });
      return call(source, 'DELETE', `${path}/${volume.snapshot('kept').uuid}`);
    },
  },
  snapshotPolicyOnDp: creatingVolume({ type: 'dp', snapshot_policy: { name: 'default' } }),
  aggregateUnknown: creatingVolume({ aggregates: [{ name: 'aggr9' }] }),
  svmUnknown: creatingVolume({ 'svm.name': 'svm9' }),
  volumeOffline: {
    async send({ source, volume, ok }) {
      await ok(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { state: 'offline' });
      return call(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { body: { 'nas.path': '/vol1' } });
    },
  },
  mountUninitialized: {
    async send(scene) {
      await scene.relate();
      return call(scene.destination, 'PATCH', `/storage/volumes/${scene.mirror.uuid}`, {
        body: { nas: { path: '/v' } },
      });
    },
  },
  junctionInUse: {
    send(scene) {
      scene.source.createVolume({ svm: 'svm1', name: 'other', sizeBytes: 100 * MIB, junctionPath: '/taken' });
      return patchingVolume({ nas: { path: '/taken' } }).send(scene);
    },
  },
  volumeBusy: {
    async send(scene) {
      await whileTransferring(scene);
      return patchingVolume({ state: 'offline' }).send(scene);
    },
  },
  volumeMounted: {
    send({ source }) {
      const { uuid } = source.createVolume({ svm: 'svm1', name: 'seen', sizeBytes: 100 * MIB, junctionPath: '/seen' });
      return call(source, 'DELETE', `/storage/volumes/${uuid}`);
    },
  },
  volumeStateChanging: {
    async send({ source, volume }) {
      const path = `/storage/volumes/${volume.uuid}`;
      expect((await call(source, 'PATCH', path, { body: { state: 'offline' } })).status).toBe(202);
      return call(source, 'DELETE', path);
    },
  },
  volumeInRelationship: {
    async send(scene) {
      await scene.mirrored();
      await scene.ok(scene.source, 'PATCH', `/storage/volumes/${scene.volume.uuid}`, { state: 'offline' });
      return call(scene.source, 'DELETE', `/storage/volumes/${scene.volume.uuid}`);
    },
  },
  rootVolumeKept: {
    send: ({ source }) => call(source, 'DELETE', `/storage/volumes/${source.volume('svm1', 'svm1_root').uuid}`),
  },
  snapshotOnDp: {
    async send(scene) {
      await scene.mirrored();
      return call(scene.destination, 'POST', `/storage/volumes/${scene.mirror.uuid}/snapshots`, {
        body: { name: 'x' },
      });
    },
  },
  snapshotLocked: {
    async send(scene) {
      const uuid = await scene.mirrored();
      const { exported_snapshot: name } = await scene.relationship(uuid);
      const { uuid: snapshot } = scene.volume.snapshot(name);
      return call(scene.source, 'DELETE', `/storage/volumes/${scene.volume.uuid}/snapshots/${snapshot}`);
    },
  },
  snapshotExists: {
    send({ source, volume }) {
      volume.createSnapshot('monday');
      return call(source, 'POST', `/storage/volumes/${volume.uuid}/snapshots`, { body: { name: 'monday' } });
    },
  },

  fileMissing: onFile('GET', 'none?return_metadata=true'),
  fileExists: onFile('POST', 'data', { body: { type: 'directory' } }),
  fileNotListable: onFile('GET', 'data%2Fone'),
  fileNotDirectory: onFile('POST', 'data%2Fone%2Fx', { body: { type: 'directory' } }),
  fileIsDirectory: onFile('GET', 'data?length=10', { headers: MULTIPART }),
  fileChangeInvalid: onFile('PATCH', 'data', { body: { path: 'data/itself' } }),
  fileTooLarge: onSource('POST', '/storage/luns', {
    body: { 'svm.name': 'svm1', name: '/vol/vol1/lun', os_type: 'linux', 'space.size': 100 * 2 ** 40 },
  }),
  fileNoSpace: {
    send(scene) {
      const { uuid } = scene.source.createVolume({ svm: 'svm1', name: 'small', sizeBytes: MIB / 4 });
      return call(scene.source, 'POST', `/storage/volumes/${uuid}/files/large`, uploading('x'.repeat(MIB)));
    },
  },
  fileReadOnly: {
    async send(scene) {
      await scene.mirrored();
      const path = `/storage/volumes/${scene.mirror.uuid}/files/new`;
      return call(scene.destination, 'POST', path, { body: { type: 'directory' } });
    },
  },
  directoryNotEmpty: onFile('DELETE', 'data'),
  fileVolumeOffline: {
    async send(scene) {
      await scene.ok(scene.source, 'PATCH', `/storage/volumes/${scene.volume.uuid}`, { state: 'offline' });
      return onFile('GET', 'data').send(scene);
    },
  },
  fileRangeTooLong: onFile('GET', `data%2Fone?length=${MIB + 1}`, { headers: MULTIPART }),
  multipartInvalid: onFile('POST', 'new', {
    body: 'nothing',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
  }),

  licenseMissing: {
    unlicensed: ['snapmirror'],
    send: creating({}).send,
  },
  clusterPeerInUse: onSource('DELETE', '/cluster/peers?name=cluster2'),
  jobNotSteerable: {
    async send({ source, volume, ok }) {
      await ok(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { size: 200 * MIB });
      const { records } = await ok(source, 'GET', '/cluster/jobs');
      return call(source, 'PATCH', `/cluster/jobs/${records[0].uuid}?action=cancel`);
    },
  },
  jobCancelled: {
    async send({ source, volume, ok }) {
      const answer = await call(source, 'PATCH', `/storage/volumes/${volume.uuid}`, { body: { size: 200 * MIB } });
      await ok(source, 'PATCH', `/cluster/jobs/${answer.json.job.uuid}?action=cancel`);
      return answer;
    },
  },

  svmPeerExists: newPeer({ svm: { name: 'svm1' } }),
  svmPeerNameClash: newPeer({ name: 'svm1' }),
  lunCopyNotBetweenClusters: newPeer({ applications: ['lun_copy'] }),
  clusterNotPeered: newPeer({ peer: { svm: { name: 'x' }, cluster: { name: 'stranger' } } }),
  svmPeerNotPending: {
    async send({ source, ok }) {
      const { records } = await ok(source, 'GET', '/svm/peers');
      return call(source, 'PATCH', `/svm/peers/${records[0].uuid}`, { body: { state: 'rejected' } });
    },
  },
  svmPeerInUse: {
    async send(scene) {
      await scene.mirrored();
      const { records } = await scene.ok(scene.source, 'GET', '/svm/peers');
      return call(scene.source, 'DELETE', `/svm/peers/${records[0].uuid}`);
    },
  },
  scheduleInUse: {
    async send(scene) {
      await scene.ok(scene.destination, 'POST', '/cluster/schedules', { name: 'odd', cron: { minutes: [1] } });
      await scene.relate({ schedule: 'odd' });
      const { records } = await scene.ok(scene.destination, 'GET', '/cluster/schedules?name=odd');
      return call(scene.destination, 'DELETE', `/cluster/schedules/${records[0].uuid}`);
    },
  },
  policyInUse: {
    async send(scene) {
      await scene.ok(scene.destination, 'POST', '/snapmirror/policies', { name: 'mine' });
      await scene.relate({ policy: 'mine' });
      const { records } = await scene.ok(scene.destination, 'GET', '/snapmirror/policies?name=mine');
      return call(scene.destination, 'DELETE', `/snapmirror/policies/${records[0].uuid}`);
    },
  },
  policyBuiltIn: {
    async send({ source, ok }) {
      const { records } = await ok(source, 'GET', '/snapmirror/policies?name=Asynchronous');
      return call(source, 'DELETE', `/snapmirror/policies/${records[0].uuid}`);
    },
  },
  policyFlagsConflict: onSource('POST', '/snapmirror/policies', {
    body: { name: 'mine', copy_all_source_snapshots: true, copy_latest_source_snapshot: true },
  }),
  ...OFFLOAD_CASES,
};

describe('every refusal', () => {
  const rows = Object.entries(REFUSALS) as [RefusalName, RefusalRow][];

  it.each(rows)('%s', async (name, row) => {
    const { switches = {}, maxRequestsInFlight = Number.POSITIVE_INFINITY, unlicensed = [], send } = CASES[name];
    const users = [
      { name: 'reader', password: 'x', role: 'readonly' },
      { name: 'vsadmin', password: 'x', role: 'admin', svm: 'svm1' },
    ] as const;
    const clusters = [
      { name: 'cluster1', svms: ['svm1', 'svm2'], users, maxRequestsInFlight, unlicensed },
      { name: 'cluster2', svms: ['svm1_dr'] },
    ];
    const scene = new Scene({ switches, clusters });
    const answer = await send(scene);
    const ended = row.where === 'direct' ? undefined : await scene.jobEnd(answer);
    const error = ended ? ended.error : answer.json.error;

    if (ended) expect(ended).toMatchObject({ state: 'failure', code: Number(error.code), message: error.message });
    else expect(answer.status).toBe(statusOf(row));
    expect(error.code).toMatch(pattern(row.code));
    expect(error.message).toMatch(pattern(row.message));
    if (row.target !== undefined && !ended) expect(error.target).toMatch(pattern(row.target));
  });

  it.each(rows)('%s says where it is written, and which switch it hangs on exists', (_, row) => {
    expect(row.fact).not.toBe('');
    if (row.switch !== undefined) expect(SWITCHES).toHaveProperty(row.switch);
  });
});

function statusOf({ status }: RefusalRow): number {
  if (status === 'argument') return 400;
  if (status === 'execution') return 500;
  return status === 'unknown-path' ? 404 : status;
}

/** `{name}` stands for something. */
function pattern(template: string): RegExp {
  const parts = template.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`, 's');
}
