/**
 * What Cinder's REST client does to two clusters. Faults of the client (of python3-cinder 21.3.1; docs/simulator.md lists them) are met with the answer that a cluster gives to
 * them, and then worked around: the simulated ONTAP makes no allowance for them.
 */
import { DEFAULT_CLUSTERS } from '../../src/testing/index.ts';
import { type CinderAnswer, CinderRunner, LIMITED_USER } from './cinder.ts';
import type { UnpackedPackages } from './debian-packages.ts';
import { MIB, mirrorsOf, openScene, pattern } from './scene.ts';
import type { Verdicts } from './verdicts.ts';

const PAIR = ['svm1', 'vol1', 'svm1_dr', 'vol1'] as const;
const RELATIONSHIPS = '/snapmirror/relationships/';
const DAY_MS = 86_400_000;

/** So slow that the first transfer can be aborted: it takes about a minute by the clock. */
const BYTES_PER_SECOND = 64 * 1024;

/** Returns the methods that were called, and how often. */
export async function tellCinderStory(
  packages: UnpackedPackages,
  verdicts: Verdicts,
): Promise<ReadonlyMap<string, number>> {
  const clusters = DEFAULT_CLUSTERS.map((spec) => ({ ...spec, users: [LIMITED_USER] }));
  const scene = await openScene({ clusters, transferRate: BYTES_PER_SECOND });
  const { source, destination, clock } = scene;
  const volume = source.createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 1024 * MIB });
  volume.write('/data/one', 0, pattern(3 * MIB, 1));
  const mirror = () => destination.volume('svm1_dr', 'vol1');
  const cinder = await CinderRunner.start(packages, scene);

  const raises = (what: string, { error, result }: CinderAnswer, type: string, code: string) =>
    verdicts.check(what, error?.type === type && error.code === code, JSON.stringify(error ?? { result }));
  const returns = (what: string, answer: CinderAnswer, expected: unknown) =>
    verdicts.equal(what, answer.error ?? answer.result, expected);
  const there = (method: string, ...args: unknown[]) => cinder.call('destination', method, ...args);
  const here = (method: string, ...args: unknown[]) => cinder.call('source', method, ...args);
  const states = async () => {
    const { result } = await there('get_snapmirrors', ...PAIR);
    const [found] = result ?? [];
    return [found?.['mirror-state'], found?.['is-healthy']];
  };
  const drained = async () => {
    for (let polls = 0; polls < 300; polls++) {
      const query = { 'destination.path': 'svm1_dr:vol1', fields: 'transfer' };
      const { result } = await there('send_request', RELATIONSHIPS, 'get', null, query);
      if (result?.records?.[0]?.transfer?.state !== 'transferring') return;
    }
  };

  try {
    // ---- clusters, permissions, volumes
    returns('the version is read', await here('get_ontap_version', false), [9, 14, 1]);
    returns('the name of the cluster is read', await here('get_cluster_name'), 'cluster1');
    returns('all paths that the driver needs are open', await here('check_api_permissions'), []);
    const limited = await cinder.call('limited', 'check_api_permissions');
    returns('a path that is closed to a user is told from others', limited, ['netapp_raid_type']);
    const [peer] = (await here('get_vserver_peers', 'svm1', 'svm1_dr')).result ?? [];
    returns('the SVMs are peers', { result: peer?.['peer-state'] }, 'peered');
    returns('volumes are listed', await here('list_flexvols'), ['vol1']);
    returns('a volume without a mirror is told', await here('is_flexvol_mirrored', 'vol1', 'svm1'), false);
    returns('the model of nodes is read', { result: (await here('_get_cluster_nodes_info')).result?.length }, 2);
    returns(
      'an aggregate is found',
      { result: (await here('get_aggregate', 'aggr1')).result?.['raid-type'] },
      'raid_dp',
    );
    returns('and its node', await here('get_node_for_aggregate', 'aggr1'), 'cluster1-01');
    const { result: capacities } = await here('get_aggregate_capacities', ['aggr1']);
    verdicts.check('its capacity is read', capacities?.aggr1?.['size-total'] === 10 * 2 ** 40);
    const { result: options } = await here('get_provisioning_options_from_flexvol', 'vol1');
    verdicts.check(
      'a volume is described',
      options?.volume_type === 'rw' && options?.size === 1,
      JSON.stringify(options),
    );

    const space = ['none', 'default', 'c.utf_8', true, true, 5, 'rw'];
    // Fault: the job is not waited for, so that a failure of it is nobody's.
    const { result: started } = await here('create_flexvol', 'vol1', 'aggr1', 1, ...space);
    verdicts.check(
      'a volume of a taken name is said to be on its way',
      started?.jobid !== undefined,
      JSON.stringify(started),
    );
    verdicts.check(
      'a volume is made',
      (await here('create_flexvol', 'cinder1', 'aggr1', 1, ...space)).error === undefined,
    );
    verdicts.check(
      'a group is made of a list of aggregates',
      (await here('create_volume_async', 'cindergroup', ['aggr1', 'aggr2'], 2, ...space)).error === undefined,
    );
    returns('the volume is there', await here('flexvol_exists', 'cinder1'), true);
    returns('another is not', await here('flexvol_exists', 'cinder9'), false);
    returns('it is online', await here('get_volume_state', '/cinder1'), 'online');
    const { result: made } = await here('get_provisioning_options_from_flexvol', 'cinder1');
    verdicts.check(
      'it deduplicates and compresses',
      made?.dedupe_enabled && made?.compression_enabled,
      JSON.stringify(made),
    );
    const { result: group } = await here('get_provisioning_options_from_flexvol', 'cindergroup');
    returns('the group is described', { result: [group?.is_flexgroup, group?.aggregate] }, [true, ['aggr1', 'aggr2']]);
    await here('enable_volume_dedupe_async', 'vol1');
    await here('enable_volume_compression_async', 'vol1');
    const { result: efficiency } = await here('get_flexvol_dedupe_info', 'vol1');
    returns('efficiency is switched on', { result: [efficiency?.dedupe, efficiency?.compression] }, [true, true]);
    returns('no volume is encrypted', await here('is_flexvol_encrypted', 'vol1', 'svm1'), false);
    verdicts.check('capacity is read', (await here('get_flexvol_capacity', null, 'vol1')).result?.['size-total'] > 1e9);

    // ---- the life of a mirror
    const dp = ['none', null, null, false, false, null, 'dp'];
    // Fault: the driver asks for an encrypted destination with one more argument, which the client does not take.
    raises(
      'no encrypted destination is made',
      await there('create_flexvol', 'vol1', 'aggr1', 1, ...dp, 'true'),
      'TypeError',
      '',
    );
    verdicts.check(
      'a destination is made',
      (await there('create_flexvol', 'vol1', 'aggr1', 1, ...dp)).error === undefined,
    );
    returns('a mirror is made', await there('create_snapmirror', ...PAIR, null, 'MirrorAllSnapshots'), null);
    returns('and not twice', await there('create_snapmirror', ...PAIR, null, 'MirrorAllSnapshots'), null);
    verdicts.equal('it is not initialised', await states(), ['uninitialized', true]);
    raises('its volume cannot be mounted yet', await there('mount_flexvol', 'vol1'), 'NaApiError', '917536');
    verdicts.check('it is initialised', (await there('initialize_snapmirror', ...PAIR)).error === undefined);
    returns('which is aborted', await there('abort_snapmirror', ...PAIR), null);
    verdicts.equal('it is not initialised still, and unhealthy', await states(), ['uninitialized', false]);
    verdicts.check('it is initialised again', (await there('initialize_snapmirror', ...PAIR)).error === undefined);
    await drained();
    verdicts.equal('it mirrors', await states(), ['snapmirrored', true]);
    verdicts.equal('byte for byte', mirror().digest(), volume.digest());
    raises('there is nothing to abort', await there('abort_snapmirror', ...PAIR), 'NaApiError', '17130');
    returns('the destination knows it', await there('is_flexvol_mirrored', 'vol1', 'svm1'), true);
    returns('its volume is mounted', await there('mount_flexvol', 'vol1'), null);

    volume.write('/data/one', MIB, pattern(MIB, 2));
    returns('it is updated', await there('update_snapmirror', ...PAIR), null);
    raises('not twice at once', await there('update_snapmirror', ...PAIR), 'NaApiError', '13303844');
    await drained();
    verdicts.equal('byte for byte again', mirror().digest(), volume.digest());

    // Fault: the end of the job is taken for the answer that linked to it, and its field "job" is looked for.
    raises('it is paused, though the client stumbles', await there('quiesce_snapmirror', ...PAIR), 'KeyError', '');
    verdicts.equal('it is paused', await states(), ['paused', true]);
    raises('and not updated while it is', await there('update_snapmirror', ...PAIR), 'NaApiError', '13303844');
    returns('it is resumed', await there('resume_snapmirror', ...PAIR), null);
    verdicts.equal('it mirrors once more', await states(), ['snapmirrored', true]);

    // Fault: a break asks for the state "broken-off", which ONTAP does not have.
    raises('a break is refused', await there('break_snapmirror', ...PAIR), 'NaApiError', '13303817');
    verdicts.equal('nothing is broken', await states(), ['snapmirrored', true]);
    await there('_set_snapmirror_state', 'broken_off', ...PAIR);
    verdicts.equal('it is broken off with the state spelled right', await states(), ['broken_off', true]);
    mirror().write('/data/written-there', 0, pattern(5000, 3));
    volume.write('/data/written-here', 0, pattern(7000, 4));
    returns('it is resynced', await there('resync_snapmirror', ...PAIR), null);
    await drained();
    verdicts.equal('it mirrors as before', await states(), ['snapmirrored', true]);
    verdicts.equal('and holds what the source holds, nothing else', mirror().digest(), volume.digest());

    // Fault: a lag of a day or more cannot be read.
    await clock.advance(2 * DAY_MS);
    raises('a lag of days stops the client', await there('get_snapmirrors', ...PAIR), 'ValueError', '');

    returns('the mirror is deleted', await there('delete_snapmirror', ...PAIR), null);
    raises('and not twice', await there('delete_snapmirror', ...PAIR), 'NaApiError', '15661');
    verdicts.equal('the destination knows none', await mirrorsOf(destination), []);
    verdicts.equal('the source still does', await mirrorsOf(source, 'list_destinations_only=true'), ['svm1_dr:vol1']);

    // Fault: the view of the source is asked for in the name of an SVM, which ONTAP refuses since 9.12.1.
    raises('a release is refused', await here('release_snapmirror', ...PAIR), 'NaApiError', '262197');
    const sides = { list_destinations_only: 'true', 'destination.path': 'svm1_dr:vol1' };
    const { result: known } = await here('send_request', RELATIONSHIPS, 'get', null, sides, false);
    const path = `${RELATIONSHIPS}${known?.records?.[0]?.uuid}`;
    await here('send_request', path, 'delete', null, { source_only: 'true' }, false);
    verdicts.equal(
      'it is released in the name of the cluster',
      await mirrorsOf(source, 'list_destinations_only=true'),
      [],
    );

    // Fault: the peer SVM and its cluster are not said.
    raises('a peering is refused', await here('create_vserver_peer', 'svm2', 'svm1_dr'), 'NaApiError', '262212');

    // Fault: the state asked for is that of asynchronous mirrors, whatever the policy.
    await there('create_flexvol', 'vol2', 'aggr1', 1, ...dp);
    source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 1024 * MIB });
    const together = ['svm1', 'vol2', 'svm1_dr', 'vol2'];
    returns('a synchronous mirror is made', await there('create_snapmirror', ...together, null, 'StrictSync'), null);
    raises(
      'its initialisation is refused',
      await there('initialize_snapmirror', ...together),
      'NaApiError',
      '13303829',
    );
    await there('_set_snapmirror_state', 'in_sync', ...together, false);
    await there('get_snapmirrors', ...together);
    const { result: synchronous } = await there('get_snapmirrors', ...together);
    verdicts.equal('it is in sync with the state spelled right', synchronous?.[0]?.['mirror-state'], 'in_sync');
    return cinder.methods;
  } finally {
    await cinder.close();
    await scene.close();
  }
}
