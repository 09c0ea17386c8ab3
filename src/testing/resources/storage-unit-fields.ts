/** Names, types and enumerations of the REST fields of LUNs, NVMe namespaces, and clones and copies of files; see rest-fields.ts. */
export const LUN = `
  access_mode=global|local attributes[]{name value} auto_delete? class=regular|protocol_endpoint|vvol
  clone{-created_as_clone? source{name uuid}} comment consistency_group{-name -uuid} convert{namespace{name uuid}}
  copy{-destinations[]{-max_throughput# -name peer{name uuid} progress{-elapsed# -failure{-arguments[]{-code -message}
  -code -message} -percent_complete# -state=preparing|replicating|paused|paused_error|complete|reverting|failed
  -volume_snapshot_blocked?} -uuid} source{max_throughput# name peer{name uuid} progress{-elapsed#
  -failure{-arguments[]{-code -message} -code -message} -percent_complete#
  state=preparing|replicating|paused|paused_error|complete|reverting|failed -volume_snapshot_blocked?} uuid}}
  -create_time@time enabled?
  encryption{-state=unencrypted|software_encrypted|software_conversion_queued|software_encrypting|software_rekeying|software_conversion_paused|software_rekey_paused|software_rekey_queued}
  location{logical_unit node{name uuid} qtree{id# name} storage_availability_zone{name uuid} volume{name uuid}}
  lun_maps[]{igroup{comment igroups[]{name uuid} initiators[]{comment name} name
  os_type=aix|hpux|hyper_v|linux|netware|openvms|solaris|vmware|windows|xen protocol=fcp|iscsi|mixed uuid}
  logical_unit_number#} -metric{-duration=PT15S|PT4M|PT30M|PT2H|P1D|PT5M -iops{other# read# total# write#}
  -latency{other# read# total# write#}
  -status=ok|error|partial_no_data|partial_no_response|partial_other_error|negative_delta|not_found|backfilled_data|inconsistent_delta_time|inconsistent_old_data|partial_no_uuid
  -throughput{other# read# total# write#} -timestamp@time} movement{max_throughput# paths{-destination -source}
  progress{-elapsed# -failure{-arguments[]{-code -message} -code -message} -percent_complete#
  state=preparing|replicating|paused|paused_error|complete|reverting|failed -volume_snapshot_blocked?}} name os_type
  provisioning_options{auto? count# exclude_aggregates[]{name} qos_policy{name uuid} secondary? snapshot_policy{name
  uuid} storage_service{name=extreme|performance|value} tiering{control=allowed|best_effort|disallowed|required
  object_stores[]{name} policy=all|auto|backup|none|snapshot_only} use_mirrored_aggregates?} qos_policy{name uuid}
  -serial_number -serial_number_hex space{-efficiency_ratio~ guarantee{requested? -reserved?} -physical_used#
  -physical_used_by_snapshots# scsi_thin_provisioning_support_enabled? size# snapshot{autodelete{enabled?}
  -reserve_available# reserve_percent# -reserve_size# -space_used_percent# -used#} -used#}
  -statistics{-iops_raw{other# read# total# write#} -latency_raw{other# read# total# write#}
  -status=ok|error|partial_no_data|partial_no_response|partial_other_error|negative_delta|not_found|backfilled_data|inconsistent_delta_time|inconsistent_old_data|partial_no_uuid
  -throughput_raw{other# read# total# write#} -timestamp@time}
  -status{-container_state=online|aggregate_offline|volume_offline -mapped? -read_only?
  -state=foreign_lun_error|nvfail|offline|online|space_error} svm{name uuid} -uuid vvol{-bindings[]{-id# partner{-name
  -uuid} -secondary_id} -is_bound?}
`;

export const NAMESPACE = `
  auto_delete? clone{-created_as_clone? source{name uuid}} comment consistency_group{-name -uuid} convert{lun{name
  uuid}} -create_time@time -enabled?
  encryption{-state=unencrypted|software_encrypted|software_conversion_queued|software_encrypting|software_rekeying|software_conversion_paused|software_rekey_paused|software_rekey_queued}
  location{namespace node{name uuid} qtree{id# name} storage_availability_zone{name uuid} volume{name uuid}}
  metric{-duration=PT15S|PT4M|PT30M|PT2H|P1D|PT5M iops{other# read# total# write#} latency{other# read# total# write#}
  -status=ok|error|partial_no_data|partial_no_response|partial_other_error|negative_delta|not_found|backfilled_data|inconsistent_delta_time|inconsistent_old_data|partial_no_uuid
  throughput{read# total# write#} -timestamp@time} name os_type=aix|linux|vmware|windows provisioning_options{auto?
  count# exclude_aggregates[]{name} qos_policy{name uuid} snapshot_policy{name uuid}
  storage_service{name=extreme|performance|value} tiering{control=allowed|best_effort|disallowed|required
  object_stores[]{name} policy=all|auto|backup|none|snapshot_only} use_mirrored_aggregates?} qos_policy{name uuid}
  space{block_size#=512|4096 -efficiency_ratio~ guarantee{-requested? -reserved?} -physical_used#
  -physical_used_by_snapshots# size# snapshot{autodelete{enabled?} -reserve_available# reserve_percent# -reserve_size#
  -space_used_percent# -used#} -used#} statistics{iops_raw{other# read# total# write#} latency_raw{other# read# total#
  write#}
  -status=ok|error|partial_no_data|partial_no_response|partial_other_error|negative_delta|not_found|backfilled_data|inconsistent_delta_time|inconsistent_old_data|partial_no_uuid
  throughput_raw{read# total# write#} -timestamp@time}
  -status{-container_state=online|aggregate_offline|volume_offline -mapped? -read_only?
  -state=nvfail|offline|online|space_error} subsystem_map{-anagrpid -nsid subsystem{comment
  hosts[]{dh_hmac_chap{controller_secret_key group_size=none|2048_bit|3072_bit|4096_bit|6144_bit|8192_bit
  hash_function=sha_256|sha_512 host_secret_key -mode=none|unidirectional|bidirectional} nqn priority=regular|high
  proximity{local_svm? peer_svms[]{name uuid}} tls{configured_psk key_type=none|configured|generated}} name
  os_type=aix|linux|vmware|windows uuid}} svm{name uuid} -uuid
`;

export const FILE_CLONE = `
  autodelete? destination_path is_backup? overwrite_destination? range[] source_path token_uuid volume{name uuid}
`;

export const FILE_COPY = `
  cutover_time# files_to_copy[]{destination{path svm{name uuid} volume{name uuid}} source{path svm{name uuid}
  volume{name uuid}}} hold_quiescence? max_throughput# reference_cutover_time# reference_path
`;
