/**
 * The cases that Cinder has for its data motion, by the names of its own test methods, and where each is covered here. A case is
 * `covered` by tests of ours, named by file and titles, or it does `not` apply, for the reason that is given. `differs` says what our
 * tests assert otherwise, and why.
 */

/** `file > describe > title`, the titles as they stand in the file. */
export type TestName = `${string}.test.ts > ${string}`;

export type ParityCase =
  | { readonly name: string; readonly covered: readonly TestName[]; readonly differs?: string }
  | { readonly name: string; readonly not: string };

const FAILOVER =
  'about failing over a backend: it is planned and applied by verbs of its own, docs/porting.md, "Failing over"';
const GROUPS = 'about consistency groups: docs/porting.md, "Protecting", says what becomes of each of its methods';
const MOVING = 'about moving single LUNs and files: docs/porting.md, "Moving"';
const ZAPI =
  'about the shape of a request or answer inside its client, which nobody sees; what it does to the mirror is covered by the verb';

const HERE = 'parity/data-motion.test.ts';
const LIFE = 'data-motion/life-cycle.test.ts';
const PEER = 'data-motion/svm-peer.test.ts > peering two SVMs';
const FLEXGROUPS = 'data-motion/flexgroups.test.ts';
const TARGETS = 'core/replication/targets.test.ts';

/** Of test_data_motion.py. */
export const DATA_MOTION_CASES: readonly ParityCase[] = [
  {
    name: 'test_get_replication_backend_names_none',
    covered: [
      `${HERE} > targets > of a backend without any are none`,
      `${HERE} > targets > an entry that names none is an error of the configuration`,
    ],
    differs: 'an entry without backend_id is an error with its line, where Cinder skips it and replicates nothing',
  },
  {
    name: 'test_get_replication_backend_names_valid',
    covered: [`${TARGETS} > the names of the targets come in order of preference`],
  },
  {
    name: 'test_get_snapmirrors',
    covered: [
      'data-motion/mirrors.test.ts > getSnapmirrors > shows what each mirror means for its data',
      'data-motion/mirrors.test.ts > getSnapmirrors > is one request for relationships, whatever their number',
    ],
  },
  { name: 'test_get_replication_backend_stats', covered: [`${TARGETS} > statistics for a scheduler > of %s with %j`] },
  {
    name: 'test_get_replication_policy',
    covered: [`${TARGETS} > policies > policy and consistent replication are those of the backend`],
  },
  {
    name: 'test_is_active_sync_asymmetric_policy',
    covered: [`${TARGETS} > policies > active sync is configured when there is a target too`],
  },
  {
    name: 'test_validate_no_conflicting_snapmirrors_no_replication',
    covered: [`${HERE} > conflicts with mirrors made by others > cannot be asked for without a target`],
    differs: 'the caller names the target; without one there is nothing to be ready for',
  },
  {
    name: 'test_validate_no_conflicting_snapmirrors_no_existing_mirrors',
    covered: [`${HERE} > conflicts with mirrors made by others > $name`],
  },
  {
    name: 'test_validate_no_conflicting_snapmirrors_cinder_naming_match',
    covered: [`${HERE} > conflicts with mirrors made by others > $name`],
  },
  {
    name: 'test_validate_no_conflicting_snapmirrors_manual_different_name',
    covered: [`${HERE} > conflicts with mirrors made by others > $name`],
  },
  {
    name: 'test_validate_no_conflicting_snapmirrors_unconfigured_vserver',
    covered: [`${HERE} > conflicts with mirrors made by others > $name`],
  },
  {
    name: 'test_validate_no_conflicting_snapmirrors_api_error_continues',
    covered: [
      `${HERE} > conflicts with mirrors made by others > a listing that ONTAP refuses is told as a failed check, and the other checks are made`,
    ],
    differs: 'what cannot be found out is a failed check with its code, where Cinder takes it for no conflict',
  },
  {
    name: 'test_get_replication_aggregate_map_none',
    covered: [`${TARGETS} > aggregates > without a destination are refused all at once, with the line to write`],
  },
  {
    name: 'test_get_replication_aggregate_map_valid',
    covered: [
      `${TARGETS} > aggregates > are mapped in the order they are given, as often as they are`,
      `${TARGETS} > aggregates > defect 20: the map of a target is the same however often it is asked for`,
    ],
  },
  {
    name: 'test_create_snapmirror_dest_flexvol_exists',
    covered: [`${HERE} > create > of a $style whose destination is $destination`],
  },
  {
    name: 'test_create_snapmirror_cleanup_on_geometry_has_changed',
    covered: [
      'data-motion/geometry.test.ts > the relationship is made anew, twice if need be, half a minute apart, and the outcome says so',
      `${FLEXGROUPS} > the mirror of a FlexGroup > defect 27: whose destination was expanded before its baseline is made anew`,
    ],
  },
  {
    name: 'test_create_snapmirror_snapmirror_exists_state',
    covered: [`${HERE} > create > of a mirror that is $state`],
    differs: 'what somebody broke off is left alone unless a repair is asked for (defect 4)',
  },
  {
    name: 'test_create_snapmirror_snapmirror_exists_repair_exception',
    covered: [
      `${HERE} > create > a repair that ONTAP refuses is an error with its code, and leaves the destination as it is`,
    ],
    differs: 'the failure is told, where Cinder logs it and reports success',
  },
  {
    name: 'test_delete_snapmirror',
    covered: [`${LIFE} > delete > from %s leaves no half, and no snapshot at the source`],
  },
  {
    name: 'test_delete_snapmirror_does_not_exist',
    covered: [
      `${LIFE} > delete > is done when somebody deleted both halves before`,
      'data-motion/defects.test.ts > nor when the transfer does that was to be aborted first',
    ],
  },
  {
    name: 'test_delete_snapmirror_error_deleting',
    covered: [
      `${HERE} > delete > whose destination mirrors another source by now releases its own source, and leaves the other mirror alone`,
    ],
  },
  {
    name: 'test_delete_snapmirror_error_releasing',
    covered: ['data-motion/defects.test.ts > nor when the half of the source goes between the look and the request'],
  },
  {
    name: 'test_delete_snapmirror_without_release',
    covered: [`${LIFE} > delete > without release leaves the half of the source, which a later call removes`],
  },
  {
    name: 'test_delete_snapmirror_source_unreachable',
    covered: [`${LIFE} > delete > with the source dead owes the release, and the same call pays it later`],
    differs: 'the release that was not made is a debt in the result, where Cinder forgets it',
  },
  {
    name: 'test_quiesce_then_abort_timeout',
    covered: [
      'data-motion/defects.test.ts > defect 3: a quiesce waits as long as its own timeout says, and then aborts',
      `${LIFE} > a transfer is aborted at the quiesce timeout, and the next goes on from its checkpoint`,
    ],
  },
  {
    name: 'test_quiesce_then_abort_wait_for_quiesced',
    covered: [`${LIFE} > quiesce > lets a running transfer drain when there is time`],
  },
  {
    name: 'test_update_snapmirror',
    covered: [`${LIFE} > update > without wait returns when the transfer runs, and joins one that runs already`],
  },
  {
    name: 'test_create_vserver_peer',
    covered: [
      `${PEER} > defect 14: names the peer, accepts it on the other side, waits until both are peered, and is usable then`,
    ],
  },
  {
    name: 'test_create_vserver_peer_already_exists',
    covered: [`${HERE} > peering > that is there for what is asked is left as it is`],
  },
  {
    name: 'test_create_vserver_peer_application_not_defined',
    covered: [`${PEER} > adds applications to a peering and takes none away`],
    differs: 'the missing application is added, where Cinder gives up',
  },
  {
    name: 'test_break_snapmirror',
    covered: [`${HERE} > break > pauses, breaks and mounts where clients look for the volume`],
  },
  {
    name: 'test_break_snapmirror_wait_for_quiesced',
    covered: [`${LIFE} > break > lets a running transfer drain, and the destination has what it brought`],
  },
  {
    name: 'test_resync_snapmirror',
    covered: [
      `${LIFE} > resync > discards what was written to the destination, and without wait returns when the transfer runs`,
    ],
  },
  {
    name: 'test_resume_snapmirror',
    covered: [`${LIFE} > quiesce and resume leave the data alone and let a later update through`],
  },
  {
    name: 'test_create_destination_flexvol_exception',
    covered: [
      `${FLEXGROUPS} > the destination of a FlexGroup > is refused when not every aggregate of the source is mapped, and nothing is made`,
      'data-motion/bad-input.test.ts > createSnapmirror changes nothing and says why with',
      'ontap/records.test.ts > volumes and peers > without a size is a bad response',
    ],
  },
  {
    name: 'test_create_destination_flexgroup_online_timeout',
    covered: [
      `${FLEXGROUPS} > the destination of a FlexGroup > that does not come online in time is an error by that name, and without efficiency`,
    ],
  },
  {
    name: 'test_create_destination_flexvol',
    covered: [
      `${LIFE} > create > makes the destination in the image of its source, on the mapped aggregate`,
      `${FLEXGROUPS} > the destination of a FlexGroup > has its number of constituents, over the mapped aggregates, and its efficiency once it is online`,
    ],
  },
  {
    name: 'test_create_encrypted_destination_flexvol',
    covered: [
      'data-motion/defects.test.ts > defect 10: the destination of an encrypted source > is made, and encrypted',
    ],
  },
  { name: 'test_ensure_snapmirrors', covered: [`${HERE} > many > every volume to every target`] },
  {
    name: 'test_ensure_snapmirrors_number_of_tries_exceeded',
    covered: ['data-motion/geometry.test.ts > is an error by its own name when it stays so, after six tries'],
  },
  {
    name: 'test_break_snapmirrors',
    covered: [
      'data-motion/defects-of-many.test.ts > defect 17: a break of one target > leaves the mirrors to the others alone, and ensure keeps both up',
      `${HERE} > many > %s of every volume but the one that ONTAP refuses`,
    ],
  },
  { name: 'test_update_snapmirrors', covered: [`${HERE} > many > %s of every volume but the one that ONTAP refuses`] },
  ...[
    'test__choose_failover_target_no_failover_targets',
    'test__choose_failover_target',
    'test__failover_host_to_same_host',
    'test__failover_host_to_default',
    'test__failover_host_to_custom_host',
    'test__failover_host_without_replication_targets',
    'test__failover_host_secondary_id_not_in_replication_target',
    'test__failover_host_no_suitable_target',
    'test__failover_to_same_host',
    'test__failover_to_default',
    'test__failover_to_custom_host',
    'test__failover_without_replication_targets',
    'test__failover_secondary_id_not_in_replication_target',
    'test__failover_no_suitable_target',
    'test__complete_failover_no_suitable_target',
    'test__complete_failover',
    'test_complete_failover_active_sync_planned_success',
    'test_complete_failover_active_sync_unplanned_success',
    'test_complete_failover_active_sync_unplanned_dst_suffix_present',
    'test_complete_failover_active_sync_no_destination_backend',
    'test_complete_failover_active_sync_destination_client_connect_failure',
    'test_complete_failover_active_sync_asar2_not_supported',
    'test_complete_failback_active_sync_success',
    'test_complete_failback_active_sync_primary_missing_required_raises',
    'test_complete_failback_active_sync_secondary_missing_required_raises',
    'test_complete_failback_active_sync_asar2_not_supported_exception',
    'test_complete_failover_consistent_rep_async_success',
    'test_choose_failover_target_of_cg_replication_first_backend_suitable',
  ].map((name) => ({ name, not: FAILOVER })),
  ...[
    'test_migrate_volume_ontap_assisted_is_same_pool',
    'test_migrate_volume_ontap_assisted_same_pool_different_backend',
    'test_migrate_volume_ontap_assisted_invalid_creds',
    'test_migrate_volume_ontap_assisted_dest_pool_not_in_same_cluster',
    'test_migrate_volume_ontap_assisted_same_vserver',
    'test_migrate_volume_different_vserver',
  ].map((name) => ({ name, not: MOVING })),
  ...[
    'test_create_snapmirror_for_cg_automated_failover',
    'test_ensure_consistent_replication_snapmirrors_af_single_cg_used',
    'test_ensure_consistent_replication_snapmirrors_af_new_cg_create',
    'test_ensure_consistent_replication_async_single_cg_multiple_dest',
    'test_ensure_consistent_replication_async_create_cg_with_mult_dest',
    'test_ensure_consistent_replication_snapmirrors_af_precheck_error',
    'test_ensure_consistent_replication_sm_async_multiple_cgs_error',
    'test_negative_nfs_backend',
    'test_negative_multiple_destinations',
    'test_positive_no_existing_mirrors_triggers_name_conflicts_checks',
    'test_positive_existing_mirrors_skip_conflict_checks',
    'test_negative_multiple_cg_names_exception',
    'test_positive_no_cg_names_provided_creates_none_and_checks_conflicts',
    'test_afd_precheck_consistent_replication_disabled',
    'test_afd_precheck_calls_active_sync_precheck',
    'test_af_precheck_calls_active_sync_precheck',
    'test_active_sync_precheck_nfs_backend_error',
    'test_active_sync_precheck_multiple_destinations_error',
  ].map((name) => ({ name, not: GROUPS })),
];

/** Of test_client_cmode_rest.py, those about what the verbs on mirrors send. */
export const REST_CLIENT_CASES: readonly ParityCase[] = [
  {
    name: 'test_flexvol_exists',
    covered: ['ontap/rest-ontap-svm.test.ts > reads > say undefined for what is not there'],
  },
  {
    name: 'test_flexvol_exists_not_found',
    covered: ['ontap/rest-ontap-svm.test.ts > reads > say undefined for what is not there'],
  },
  {
    name: 'test_create_volume_async',
    covered: [
      `${FLEXGROUPS} > the destination of a FlexGroup > has its number of constituents, over the mapped aggregates, and its efficiency once it is online`,
      `${LIFE} > create > makes the destination in the image of its source, on the mapped aggregate`,
    ],
  },
  {
    name: 'test_create_volume_async_with_extra_specs',
    covered: [`${LIFE} > create > makes the destination in the image of its source, on the mapped aggregate`],
  },
  {
    name: 'test_create_flexvol',
    covered: ['ontap/rest-ontap-svm.test.ts > changes > name the job that carries them on, and finishing waits for it'],
  },
  {
    name: 'test_enable_volume_dedupe_async',
    covered: [
      `${FLEXGROUPS} > the destination of a FlexGroup > has its number of constituents, over the mapped aggregates, and its efficiency once it is online`,
    ],
  },
  {
    name: 'test_enable_volume_compression_async',
    covered: [
      `${FLEXGROUPS} > the destination of a FlexGroup > has its number of constituents, over the mapped aggregates, and its efficiency once it is online`,
    ],
  },
  {
    name: 'test__get_snapmirrors',
    covered: ['data-motion/mirrors.test.ts > getSnapmirrors > shows what each mirror means for its data'],
  },
  { name: 'test__get_snapmirrors_not_found', covered: [`${HERE} > get > of what is not there is an empty list`] },
  {
    name: 'test_get_snapmirrors',
    covered: ['data-motion/mirrors.test.ts > getSnapmirrors > shows what each mirror means for its data'],
  },
  {
    name: 'test_create_snapmirror',
    covered: [`${LIFE} > create > gives a policy without a schedule the configured one, and one with a schedule none`],
  },
  { name: 'test_create_snapmirror_active_sync', not: GROUPS },
  {
    name: 'test_create_snapmirror_already_exists',
    covered: [
      `${LIFE} > create > adopts what is there: a volume, an uninitialized relationship, a whole mirror`,
      'scenarios/faults.test.ts > copes with every fault of every change, or says so, and leaves the same when called again',
    ],
  },
  {
    name: 'test_create_snapmirror_error',
    covered: ['data-motion/bad-input.test.ts > createSnapmirror changes nothing and says why with'],
  },
  { name: 'test_create_ontap_consistency_group', not: GROUPS },
  { name: 'test__set_snapmirror_state', not: ZAPI },
  {
    name: 'test_initialize_snapmirror',
    covered: [
      `${LIFE} > create > returns when the baseline runs, and calling again finds nothing to do until it is there`,
    ],
  },
  {
    name: 'test_abort_snapmirror',
    covered: [
      'data-motion/abort-release.test.ts > abort',
      'ontap/rest-ontap-svm.test.ts > changes > an abort that clears the checkpoint makes the next transfer begin anew',
    ],
  },
  {
    name: 'test_abort_snapmirror_no_transfer_in_progress',
    covered: [
      'data-motion/abort-release.test.ts > abort > without a running transfer there is nothing to do, in whatever state (defect 19)',
    ],
    differs: 'nothing to abort is success',
  },
  {
    name: 'test_delete_snapmirror',
    covered: [`${LIFE} > delete > without release leaves the half of the source, which a later call removes`],
  },
  {
    name: 'test_delete_snapmirror_timeout',
    covered: ['scenarios/faults.test.ts > copes with jobs that outlast the request and fail or vanish'],
  },
  {
    name: 'test_resume_snapmirror',
    covered: [
      `${LIFE} > quiesce and resume leave the data alone and let a later update through`,
      'data-motion/synchronous.test.ts > follows every write, pauses, resumes, breaks, resyncs and goes',
    ],
  },
  {
    name: 'test_resume_snapmirror_not_found',
    covered: [
      'data-motion/bad-input.test.ts > every other verb changes nothing and says why > %s without a relationship',
    ],
  },
  { name: 'test_resume_snapmirror_api_error', covered: ['data-motion/defects.test.ts > defect 35: jobs that fail'] },
  {
    name: 'test_release_snapmirror',
    covered: [
      'data-motion/abort-release.test.ts > release > is refused while the destination has the relationship, and pays the debt of a delete afterwards',
      'data-motion/abort-release.test.ts > release > keeps the snapshots if asked to',
    ],
  },
  {
    name: 'test_release_snapmirror_timeout',
    covered: [
      'scenarios/faults.test.ts > copes with every fault of every change, or says so, and leaves the same when called again',
    ],
  },
  {
    name: 'test_resync_snapmirror',
    covered: [
      `${LIFE} > resync > discards what was written to the destination, and without wait returns when the transfer runs`,
      'data-motion/synchronous.test.ts > follows every write, pauses, resumes, breaks, resyncs and goes',
    ],
  },
  {
    name: 'test_resync_snapmirror_timeout',
    covered: ['scenarios/faults.test.ts > copes with jobs that outlast the request and fail or vanish'],
  },
  {
    name: 'test_quiesce_snapmirror',
    covered: [`${LIFE} > quiesce > lets a running transfer drain when there is time`],
  },
  {
    name: 'test_break_snapmirror',
    covered: [`${HERE} > break > pauses, breaks and mounts where clients look for the volume`],
  },
  {
    name: 'test_break_snapmirror_not_found',
    covered: [
      'data-motion/bad-input.test.ts > every other verb changes nothing and says why > %s without a relationship',
    ],
  },
  { name: 'test__break_snapmirror_error', covered: ['data-motion/defects.test.ts > defect 35: jobs that fail'] },
  {
    name: 'test__break_snapmirror_exception',
    covered: [
      'data-motion/defects.test.ts > defect 2: break goes by the state of the mirror, not by the result of its last transfer > %s',
    ],
    differs: 'a last transfer that failed does not stop a break (defect 2)',
  },
  {
    name: 'test_update_snapmirror',
    covered: [`${LIFE} > update > without wait returns when the transfer runs, and joins one that runs already`],
  },
  {
    name: 'test_update_snapmirror_no_records',
    covered: [
      'data-motion/bad-input.test.ts > every other verb changes nothing and says why > %s without a relationship',
    ],
  },
  {
    name: 'test_update_snapmirror_exception',
    covered: [`${HERE} > many > %s of every volume but the one that ONTAP refuses`],
  },
  {
    name: 'test_mount_flexvol',
    covered: [`${LIFE} > break > mounts where it is told, or not at all, and keeps a mount that is there`],
  },
  {
    name: 'test_mount_flexvol_default_junction_path',
    covered: [`${HERE} > break > pauses, breaks and mounts where clients look for the volume`],
  },
  { name: 'test_get_vserver_peers', covered: [`${HERE} > peering > that is there for what is asked is left as it is`] },
  {
    name: 'test_get_vserver_peers_empty',
    covered: [
      `${PEER} > defect 14: names the peer, accepts it on the other side, waits until both are peered, and is usable then`,
    ],
  },
  {
    name: 'test_create_vserver_peer',
    covered: [
      `${PEER} > defect 14: names the peer, accepts it on the other side, waits until both are peered, and is usable then`,
    ],
    differs: 'names the peer SVM and its cluster, which ONTAP requires',
  },
];
