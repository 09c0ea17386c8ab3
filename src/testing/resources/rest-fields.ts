/**
 * Names, types and enumerations of the REST fields, by resource, in the notation of ../http/schema.ts. All names that
 * ONTAP knows are here, also those that the simulator never fills: asking for one of them is legal, and an absent
 * value is left out of the answer.
 */
export const CLUSTER = `
  _tags[] active_directory{force_account_overwrite? fqdn name organizational_unit password
  security{advertised_kdc_encryptions[]} username} auto_enable_activity_tracking? auto_enable_analytics?
  certificate{name uuid} cluster_network_overlay_enabled? configuration_backup{password rest_method url username
  validate_certificate?} contact -disaggregated? dns_domains[] ha{failover_protection_level} license{keys[]}
  location management_interface{ip{address gateway netmask}} management_interfaces[]{ip{-address} -name -uuid}
  metric{-duration@duration iops{-other# -read# -total# -write#} latency{-other# -read# -total# -write#} -status
  throughput{-other# -read# -total# -write#} -timestamp@time} name name_servers[] nodes[]{-anti_ransomware_version
  cluster_interface{ip{address}} cluster_interfaces[]{ip{-address} -name -uuid} controller{-board cpu{-count#
  -firmware_release -processor} failed_fan{-count# message{-code -message}} failed_power_supply{-count#
  message{-code -message}} flash_cache[]{-capacity# -device_id# -firmware_file -firmware_version -hardware_revision
  -model -part_number -serial_number -slot -state} frus[]{-id -state -type} -memory_size# -over_temperature}
  -date@time external_cache{is_enabled? is_hya_enabled? is_rewarm_enabled? pcs_size#} external_cache_bypass{enabled?
  large_read_ops_allow_percent# reset?} ha{auto_giveback? auto_giveback_of? -enable_takeover_of? enabled?
  giveback{failure{code# message} state status[]{aggregate{-name -uuid} error{-code -message} -state}}
  giveback_of{failure{code# message} state} -giveback_of_possible? interconnect{-adapter -state} partners[]{-name
  -uuid} peering{dst_peer_node1{name uuid} dst_peer_node2{name uuid} dst_peer_node3{name uuid} ineligible?
  node_protection_level#} ports[]{-number# -state} takeover{failure{code# message} state} takeover_check{-reasons[]
  -takeover_possible?} takeover_of{failure{code# message} state} -takeover_of_possible? -type}
  hw_assist{status{enabled? local{ip port# state} partner{ip port# state}}} -is_spares_low? location
  management_interface{ip{address}} management_interfaces[]{ip{-address} -name -uuid} -membership
  metric{duration@duration processor_utilization# status timestamp@time uuid} metrocluster{-custom_vlan_capable?
  ports[]{-name} -type} -model name nvlog{backing_type swap_mode} nvram{-battery_state -id#} owner -serial_number
  service_processor{api_service{enabled? limit_access? port#} auto_config{ipv4_subnet ipv6_subnet}
  autoupdate_enabled? backup{-is_current? -state -version} dhcp_enabled? -firmware_version ipv4_interface{address
  enabled? gateway netmask -setup_state} ipv6_interface{address enabled? gateway is_ipv6_ra_enabled? link_local_ip
  netmask# router_ip -setup_state} -is_ip_configured? -last_update_state -link_status -mac_address
  primary{-is_current? -state -version} ssh_info{allowed_addresses[]} -state -type web_service{enabled?
  limit_access?}} snaplock{compliance_clock_time@time} -state statistics{processor_utilization_base#
  processor_utilization_raw# status timestamp@time} storage_availability_zones[]{-name -uuid} -storage_configuration
  system_aggregate{name uuid} -system_id -system_machine_type -uptime# -uuid -vendor_serial_number version{-full
  -generation# -major# -minor#} vm{-provider_type}} ntp_servers[] password peering_policy{-authentication_required?
  -encryption_required? -minimum_passphrase_length#} -san_optimized? statistics{iops_raw{-other# -read# -total#
  -write#} latency_raw{-other# -read# -total# -write#} -status throughput_raw{-other# -read# -total# -write#}
  -timestamp@time} timezone{name} -uuid version{-full -generation# -major# -minor#}
`;

export const NODE = `
  -anti_ransomware_version cluster_interface{ip{address}} cluster_interfaces[]{ip{-address} -name -uuid}
  controller{-board cpu{-count# -firmware_release -processor} failed_fan{-count# message{-code -message}}
  failed_power_supply{-count# message{-code -message}} flash_cache[]{-capacity# -device_id# -firmware_file
  -firmware_version -hardware_revision -model -part_number -serial_number -slot -state} frus[]{-id -state -type}
  -memory_size# -over_temperature} -date@time external_cache{is_enabled? is_hya_enabled? is_rewarm_enabled?
  pcs_size#} external_cache_bypass{enabled? large_read_ops_allow_percent# reset?} ha{auto_giveback?
  auto_giveback_of? -enable_takeover_of? enabled? giveback{failure{code# message} state status[]{aggregate{-name
  -uuid} error{-code -message} -state}} giveback_of{failure{code# message} state} -giveback_of_possible?
  interconnect{-adapter -state} partners[]{-name -uuid} peering{dst_peer_node1{name uuid} dst_peer_node2{name uuid}
  dst_peer_node3{name uuid} ineligible? node_protection_level#} ports[]{-number# -state} takeover{failure{code#
  message} state} takeover_check{-reasons[] -takeover_possible?} takeover_of{failure{code# message} state}
  -takeover_of_possible? -type} hw_assist{status{enabled? local{ip port# state} partner{ip port# state}}}
  -is_spares_low? location management_interface{ip{address}} management_interfaces[]{ip{-address} -name -uuid}
  -membership metric{duration@duration processor_utilization# status timestamp@time uuid}
  metrocluster{-custom_vlan_capable? ports[]{-name} -type} -model name nvlog{backing_type swap_mode}
  nvram{-battery_state -id#} owner -serial_number service_processor{api_service{enabled? limit_access? port#}
  auto_config{ipv4_subnet ipv6_subnet} autoupdate_enabled? backup{-is_current? -state -version} dhcp_enabled?
  -firmware_version ipv4_interface{address enabled? gateway netmask -setup_state} ipv6_interface{address enabled?
  gateway is_ipv6_ra_enabled? link_local_ip netmask# router_ip -setup_state} -is_ip_configured? -last_update_state
  -link_status -mac_address primary{-is_current? -state -version} ssh_info{allowed_addresses[]} -state -type
  web_service{enabled? limit_access?}} snaplock{compliance_clock_time@time} -state
  statistics{processor_utilization_base# processor_utilization_raw# status timestamp@time}
  storage_availability_zones[]{-name -uuid} -storage_configuration system_aggregate{name uuid} -system_id
  -system_machine_type -uptime# -uuid -vendor_serial_number version{-full -generation# -major# -minor#}
  vm{-provider_type}
`;

export const JOB = `
  -code# -description -end_time@time error{arguments[]{-code -message} -code -message} -message node{name}
  -start_time@time -state svm{name uuid} -uuid
`;

export const SCHEDULE = `
  cluster{name uuid} cron{days[]# hours[]# minutes[]# months[]# weekdays[]#} interval name -scope svm{name uuid}
  -type -uuid
`;

export const CLUSTER_PEER = `
  authentication{expiry_time@time generate_passphrase? in_use=ok|absent|revoked passphrase -state}
  encryption{proposed=none|tls_psk -state} initial_allowed_svms[]{name uuid} -ip_address ipspace{name uuid}
  local_network{broadcast_domain gateway interfaces[]{ip_address} netmask} name
  peer_applications[]=snapmirror|flexcache remote{ip_addresses[] -name -serial_number} status{-state
  -update_time@time} -uuid version{-full -generation# -major# -minor#}
`;

export const SVM = `
  aggregates[]{-available_size# name -snaplock_type -state -type uuid} -aggregates_delegated?
  anti_ransomware{event_log{is_enabled_on_new_file_extension_seen? is_enabled_on_snapshot_copy_creation?}}
  anti_ransomware_auto_switch_duration_without_new_file_extension#
  anti_ransomware_auto_switch_from_learning_to_enabled? anti_ransomware_auto_switch_minimum_file_count#
  anti_ransomware_auto_switch_minimum_file_extension# anti_ransomware_auto_switch_minimum_incoming_data
  anti_ransomware_auto_switch_minimum_learning_period# anti_ransomware_default_volume_state
  anti_ransomware_incoming_write_threshold anti_ransomware_incoming_write_threshold_percent
  auto_enable_activity_tracking? auto_enable_analytics? certificate{name uuid} cifs{ad_domain{default_site fqdn
  organizational_unit password user} allowed? -auth-style -domain_workgroup enabled? name workgroup} comment
  dns{domains[] servers[]} fc_interfaces[]{data_protocol location{port{name node{name} uuid}} name -uuid}
  fcp{allowed? enabled?} ip_interfaces[]{ip{address netmask} location{broadcast_domain{name uuid} home_node{name
  uuid} home_port{name uuid}} name service_policy -services[] subnet{name uuid} -uuid} ipspace{name uuid}
  is_space_enforcement_logical? is_space_reporting_logical? iscsi{allowed? enabled?} language ldap{ad_domain base_dn
  bind_dn enabled? restrict_discovery_to_site? servers[]} max_volumes name ndmp{allowed?} nfs{allowed? enabled?}
  nis{domain enabled? servers[]} nsswitch{group[] hosts[] namemap[] netgroup[] passwd[]}
  -number_of_volumes_in_recovery_queue# nvme{allowed? enabled?} qos_adaptive_policy_group_template{max_throughput
  max_throughput_iops# max_throughput_mbps# min_throughput min_throughput_iops# min_throughput_mbps# name uuid}
  qos_policy{max_throughput max_throughput_iops# max_throughput_mbps# min_throughput min_throughput_iops#
  min_throughput_mbps# name uuid} qos_policy_group_template{max_throughput max_throughput_iops# max_throughput_mbps#
  min_throughput min_throughput_iops# min_throughput_mbps# name uuid} routes[]{destination{address family netmask}
  gateway} s3{allowed? certificate{name uuid} default_unix_user default_win_user enabled? is_http_enabled?
  is_https_enabled? name port# secure_port#} san_multipathing snapmirror{-is_protected?
  -protected_consistency_group_count# -protected_volumes_count# -protection_type} snapshot_autodelete_enabled?
  snapshot_policy{name uuid} snapshot_reserve_percent# state storage{-allocated# -available# limit#
  limit_threshold_alert# -limit_threshold_exceeded? -used_percentage#} subtype -total_volume_size_in_recovery_queue#
  -uuid
`;

export const SVM_PEER = `
  applications[]=snapmirror|file_copy|lun_copy|flexcache force? name peer{cluster{name uuid} svm{name uuid}}
  state=peered|rejected|suspended|initiated|pending|initializing svm{name uuid} -uuid
`;

export const SVM_PEER_PERMISSION = `
  applications[]=snapmirror|flexcache cluster_peer{name uuid} svm{name uuid}
`;

export const FILE_INFO = `
  -accessed_time@time analytics{bytes_used# file_count# incomplete_data? report_time@time subdir_count#} -bytes_used#
  -changed_time@time constituent{-name -uuid} -creation_time@time fill_enabled? -group_id# -hard_links_count#
  -inode_generation# -inode_number# is_empty? -is_junction? -is_snapshot? -is_vm_aligned? -modified_time@time name
  overwrite_enabled? -owner_id# path qos_policy{name uuid} size# target
  type=file|directory|blockdev|chardev|symlink|socket|fifo|stream|lun -unique_bytes# unix_permissions#
  volume{name uuid}
`;

export const SNAPSHOT_POLICY = `
  comment copies[]{count# prefix retention_period schedule{name uuid} snapmirror_label} enabled? name
  -scope=svm|cluster svm{name uuid} -uuid
`;

export const AGGREGATE = `
  _tags[] block_storage{hybrid_cache{disk_count# -disk_type -enabled? raid_size# raid_type
  simulated_raid_groups[]{added_data_disk_count# added_parity_disk_count# existing_data_disk_count#
  existing_parity_disk_count# is_partition? name usable_size#} -size# storage_pools[]{allocation_units_count#
  storage_pool{name uuid}} -used#} mirror{enabled? -state} plexes[]{-name} primary{checksum_style disk_class
  disk_count# -disk_type raid_size# raid_type simulated_raid_groups[]{added_data_disk_count#
  added_parity_disk_count# data_disk_count# existing_data_disk_count# existing_parity_disk_count# is_partition? name
  parity_disk_count# raid_type usable_size#}} -storage_type -uses_partitions?} cloud_storage{-attach_eligible?
  migrate_threshold# stores[]{cloud_store{-name -uuid} -used#} tiering_fullness_threshold#} -create_time@time
  data_encryption{-drive_protection_enabled? software_encryption_enabled?} dr_home_node{name uuid} home_node{name
  uuid} inactive_data_reporting{enabled? -start_time@time} inode_attributes{file_private_capacity#
  file_public_capacity# files_private_used# files_total# files_used# max_files_available# max_files_possible#
  max_files_used# used_percent# version#} -is_spare_low? metric{-duration@duration iops{-other# -read# -total#
  -write#} latency{-other# -read# -total# -write#} -status throughput{-other# -read# -total# -write#}
  -timestamp@time} name node{name uuid} sidl_enabled? snaplock_type snapshot{-files_total# -files_used#
  -max_files_available# -max_files_used#} space{block_storage{-aggregate_metadata# -aggregate_metadata_percent#
  -available# -data_compacted_count# -data_compaction_space_saved# -data_compaction_space_saved_percent#
  -full_threshold_percent# -inactive_user_data# -inactive_user_data_percent# -physical_used# -physical_used_percent#
  -size# -used# -used_including_snapshot_reserve# -used_including_snapshot_reserve_percent# -used_percent#
  -volume_deduplication_shared_count# -volume_deduplication_space_saved# -volume_deduplication_space_saved_percent#
  -volume_footprints_percent#} cloud_storage{-used#} efficiency{-auto_adaptive_compression_savings?
  -cross_volume_background_dedupe? -cross_volume_dedupe_savings? -cross_volume_inline_dedupe?
  enable_workload_informed_tsse? -logical_used# -ratio~ -savings# wise_tsse_min_used_capacity_pct#}
  efficiency_without_snapshots{-logical_used# -ratio~ -savings#}
  efficiency_without_snapshots_flexclones{-logical_used# -ratio~ -savings#} -footprint# snapshot{-available#
  -reserve_percent# -total# -used# -used_percent#} -total_provisioned_space#} state statistics{iops_raw{-other#
  -read# -total# -write#} latency_raw{-other# -read# -total# -write#} -status throughput_raw{-other# -read# -total#
  -write#} -timestamp@time} -uuid -volume-count#
`;

export const VOLUME = `
  _tags[] access_time_enabled? activity_tracking{notices[]{-code -message} state=off|on -supported?
  unsupported_reason{-code -message}} aggregates[]{name uuid}
  aggressive_readahead_mode=none|file_prefetch|sequential_read|cross_file_sequential_read
  analytics{by_accessed_time{bytes_used{aged_data_metric~ labels[] newest_label oldest_label percentages[]~
  values[]#}} by_modified_time{bytes_used{aged_data_metric~ labels[] newest_label oldest_label percentages[]~
  values[]#}} -bytes_used# -file_count# -files_scanned# -incomplete_data? initialization{state=running|paused}
  -report_time@time -scan_progress# scan_throttle_reason{arguments[] -code -message}
  state=unknown|initializing|initialization_paused|off|on -subdir_count# -supported? -total_files#
  unsupported_reason{-code -message}} anti_ransomware{-attack_detected_by
  attack_detection_parameters{based_on_file_create_op_rate? based_on_file_delete_op_rate?
  based_on_file_rename_op_rate? based_on_high_entropy_data_rate? based_on_never_seen_before_file_extension?
  block_device_auto_learned_encryption_threshold# file_create_op_rate_surge_notify_percent#
  file_delete_op_rate_surge_notify_percent# file_rename_op_rate_surge_notify_percent#
  high_entropy_data_surge_notify_percent# never_seen_before_file_extension_count_notify_threshold#
  never_seen_before_file_extension_duration_in_hours# relaxing_popular_file_extensions?} -attack_probability
  attack_reports[]{-time} -block_device_detection_start_time@time -block_device_detection_state
  clear_suspect{phase=file_extension_processing|snapshot_processing|done start_time@time} -dry_run_start_time@time
  event_log{is_enabled_on_new_file_extension_seen? is_enabled_on_snapshot_copy_creation?} space{-snapshot_count#
  -used# -used_by_logs# -used_by_snapshots#}
  state=disabled|disable_in_progress|dry_run|enabled|paused|enable_paused|dry_run_paused surge_as_normal?
  surge_usage{-file_create_peak_rate_per_minute# -file_delete_peak_rate_per_minute#
  -file_rename_peak_rate_per_minute# -high_entropy_data_write_peak_percent#
  -high_entropy_data_write_peak_rate_kb_per_minute# -time} suspect_files[]{-count# -entropy -format}
  typical_usage{-file_create_peak_rate_per_minute# -file_delete_peak_rate_per_minute#
  -file_rename_peak_rate_per_minute# -high_entropy_data_write_peak_percent#
  -high_entropy_data_write_peak_rate_kb_per_minute#} update_baseline_from_surge?
  workload{-file_extension_types_count# -file_extensions_observed[]
  historical_statistics{-file_create_peak_rate_per_minute# -file_delete_peak_rate_per_minute#
  -file_rename_peak_rate_per_minute# -high_entropy_data_write_peak_percent#
  -high_entropy_data_write_peak_rate_kb_per_minute#} newly_observed_file_extensions[]{-count# -name}
  surge_statistics{-file_create_peak_rate_per_minute# -file_delete_peak_rate_per_minute#
  -file_rename_peak_rate_per_minute# -high_entropy_data_write_peak_percent#
  -high_entropy_data_write_peak_rate_kb_per_minute# -time} surge_usage{-file_create_peak_rate_per_minute#
  -file_delete_peak_rate_per_minute# -file_rename_peak_rate_per_minute# -high_entropy_data_write_peak_percent#
  -high_entropy_data_write_peak_rate_kb_per_minute# newly_observed_file_extensions[]{-count# -name} -time}
  typical_usage{-file_create_peak_rate_per_minute# -file_delete_peak_rate_per_minute#
  -file_rename_peak_rate_per_minute# -high_entropy_data_write_peak_percent#
  -high_entropy_data_write_peak_rate_kb_per_minute#}}} application{-name -uuid}
  asynchronous_directory_delete{enabled? trash_bin} autosize{grow_threshold# maximum# minimum#
  mode=grow|grow_shrink|off shrink_threshold#} clone{-has_flexclone? -inherited_physical_used# -inherited_savings#
  is_flexclone? lun_name parent_snapshot{name uuid} parent_svm{name uuid} parent_volume{name uuid} qtree_name
  -split_complete_percent# -split_estimate# split_initiated?} cloud_retrieval_policy=default|on_read|never|promote
  cloud_write_enabled? comment consistency_group{name -uuid} constituent_count# constituents[]{aggregates{-name
  -uuid} movement{cutover_window# destination_aggregate{name uuid} -percent_complete#
  state=aborted|cutover|cutover_wait|cutover_pending|failed|paused|queued|replicating|success
  tiering_policy=all|auto|backup|none|snapshot_only} -name node{-name -uuid} space{afs_total# -available#
  available_percent# -block_storage_inactive_user_data# -capacity_tier_footprint# -footprint# large_size_enabled?
  -local_tier_footprint# logical_space{-available# enforcement? reporting? -used_by_afs#} max_size=100T|300T|600T
  -metadata# -over_provisioned# -performance_tier_footprint# size# snapshot{autodelete_enabled? reserve_percent#
  -used#} -total_footprint# -total_metadata# -total_metadata_footprint# -used# used_by_afs# used_percent#}}
  constituents_per_aggregate# convert_unicode? -create_time@time efficiency{application_io_size=8k|16k|32k|auto
  -auto_state compaction=inline|none|mixed compression=inline|background|both|none|mixed
  compression_type=none|secondary|adaptive cross_volume_dedupe=inline|background|both|none|mixed
  dedupe=inline|background|both|none|mixed -has_savings? idcs_scanner{-enabled? inactive_days#
  mode=default|compute_compression_savings operation_state=idle|active -status -threshold_inactive_time@time}
  -last_op_begin -last_op_end -last_op_err -last_op_size# -last_op_state -logging_enabled? -op_state policy{name}
  -progress -ratio~ scanner{compression? dedupe? scan_old_data?
  state=idle|initializing|active|undoing|pending|downgrading|disabled} -schedule space_savings{-compression#
  -compression_percent# -dedupe# -dedupe_percent# -dedupe_sharing# -total# -total_percent#}
  state=disabled|enabled|mixed|custom storage_efficiency_mode=default|efficient -type -volume_path}
  encryption{action=conversion_pause|conversion_resume|rekey_pause|rekey_resume enabled? -key_create_time@time
  -key_id key_manager_attribute rekey? -state status{-code -message} -type} error_state{-has_bad_blocks?
  -is_inconsistent?} files{-inodefile_capacity# maximum# -used#} flash_pool{-cache_eligibility
  -cache_retention_priority -caching_policy} -flexcache_endpoint_type flexgroup{-name -uuid} granular_data?
  granular_data_mode=disabled|basic|advanced guarantee{-honored? type=volume|none} has_dir_index_public?
  has_large_dir? is_dir_index_transfer_enabled? is_large_dir_enabled? -is_object_store?
  is_s3_arbitrary_part_size_enabled? -is_svm_root? language max_dir_size# metric{cloud{-duration@duration
  iops{-other# -read# -total# -write#} latency{-other# -read# -total# -write#} -status -timestamp@time}
  -duration@duration flexcache{-bandwidth_savings# -cache_miss_percent# -duration@duration -status -timestamp@time}
  iops{-other# -read# -total# -write#} latency{-other# -read# -total# -write#} -status throughput{-other# -read#
  -total# -write#} -timestamp@time} movement{capacity_tier_optimized? cutover_window# destination_aggregate{name
  uuid} -percent_complete# -start_time@time
  state=aborted|cutover|cutover_wait|cutover_pending|failed|paused|queued|replicating|success
  tiering_policy=all|auto|backup|none|snapshot_only} msid# name nas{export_policy{id# name} gid#
  junction_parent{name uuid} path security_style=mixed|ntfs|unified|unix uid# unix_permissions#} nodes[]{-name
  -uuid} optimize_aggregates? qos{policy{max_throughput max_throughput_iops# max_throughput_mbps# min_throughput
  min_throughput_iops# min_throughput_mbps# name uuid}} queue_for_encryption? quota{enabled? -state}
  rebalancing{-data_moved# engine{movement{-file_moves_started# last_error{-code# -destination# -file_id# -time}
  -most_recent_start_time@time} scanner{-blocks_scanned# blocks_skipped{-efficiency_blocks# -efficiency_percent#
  -fast_truncate# -footprint_invalid# -in_snapshot# -incompatible# -metadata# -on_demand_destination# -other#
  -remote_cache# -too_large# -too_small# -write_fenced#} -files_scanned# files_skipped{-efficiency_blocks#
  -efficiency_percent# -fast_truncate# -footprint_invalid# -in_snapshot# -incompatible# -metadata#
  -on_demand_destination# -other# -remote_cache# -too_large# -too_small# -write_fenced#}}} exclude_snapshots?
  -imbalance_percent# -imbalance_size# -max_constituent_imbalance_percent# max_file_moves# max_runtime
  max_threshold# min_file_size# min_threshold# notices[]{arguments[]{-code -message} -code -message} -runtime
  start_time@time
  state=not_running|starting|rebalancing|paused|stopping|idle|scanning|rebalancing_source|rebalancing_dest|unknown
  -stop_time@time -target_used# -used_for_imbalance#} scheduled_snapshot_naming_scheme=create_time|ordinal size#
  sizing_method=use_existing_resources|add_new_resources smas_protection=protected|unprotected
  snaplock{append_mode_enabled? autocommit_period -compliance_clock_time@time -expiry_time@time -is_audit_log?
  -litigation_count# privileged_delete=disabled|enabled|permanently_disabled retention{default maximum minimum}
  type=compliance|enterprise|non_snaplock -unspecified_retention_file_count#} snapmirror{destinations{-is_cloud?
  -is_ontap?} -is_protected?} -snapshot_count# snapshot_directory_access_enabled? snapshot_locking_enabled?
  snapshot_policy{name uuid} space{afs_total# -auto_adaptive_compression_footprint_data_reduction# -available#
  available_percent# -block_storage_inactive_user_data# -block_storage_inactive_user_data_percent#
  -capacity_tier_footprint# -capacity_tier_footprint_data_reduction# -compaction_footprint_data_reduction#
  -cross_volume_dedupe_metafiles_footprint# -cross_volume_dedupe_metafiles_temporary_footprint#
  -dedupe_metafiles_footprint# -dedupe_metafiles_temporary_footprint# -delayed_free_footprint#
  -effective_total_footprint# expected_available# -file_operation_metadata# -filesystem_size# filesystem_size_fixed?
  -footprint# fractional_reserve# full_threshold_percent# -is_used_stale? large_size_enabled? -local_tier_footprint#
  logical_space{-available# enforcement? reporting? -used# -used_by_afs# -used_by_snapshots# -used_percent#}
  max_size=100T|300T|600T -metadata# nearly_full_threshold_percent# -over_provisioned# -overwrite_reserve#
  -overwrite_reserve_used# -percent_used# -performance_tier_footprint# physical_used# physical_used_percent# size#
  -size_available_for_snapshots# -snapmirror_destination_footprint#
  snapshot{autodelete{commitment=try|disrupt|destroy defer_delete=scheduled|user_created|prefix|none
  delete_order=newest_first|oldest_first enabled? prefix target_free_space# trigger=volume|snap_reserve}
  autodelete_enabled? autodelete_trigger=volume|snap_reserve -reserve_available# reserve_percent# -reserve_size#
  -space_used_percent# -used#} -snapshot_reserve_unusable# -snapshot_spill# -total_footprint# -total_metadata#
  -total_metadata_footprint# -used# used_by_afs# -user_data# -volume_guarantee_footprint#}
  state=error|mixed|offline|online|restricted statistics{cifs_ops_raw{access{-count# -total_time#} audit{-count#
  -total_time#} create{dir{-count# -total_time#} file{-count# -total_time#} other{-count# -total_time#}
  symlink{-count# -total_time#}} getattr{-count# -total_time#} link{-count# -total_time#} lock{-count# -total_time#}
  lookup{-count# -total_time#} open{-count# -total_time#} read{-count# -total_time#
  -volume_protocol_latency_histogram_counts[]# -volume_protocol_latency_histogram_labels[]
  -volume_protocol_size_histogram_counts[]# -volume_protocol_size_histogram_labels[]} readdir{-count# -total_time#}
  readlink{-count# -total_time#} rename{-count# -total_time#} setattr{-count# -total_time#} unlink{-count#
  -total_time#} watch{-count# -total_time#} write{-count# -total_time# -volume_protocol_latency_histogram_counts[]#
  -volume_protocol_latency_histogram_labels[] -volume_protocol_size_histogram_counts[]#
  -volume_protocol_size_histogram_labels[]}} cloud{iops_raw{-other# -read# -total# -write#} latency_raw{-other#
  -read# -total# -write#} -status -timestamp@time} flexcache_raw{-cache_miss_blocks# -client_requested_blocks#
  -status -timestamp@time} iops_raw{-other# -read# -total# -write#} latency_raw{-other# -read# -total# -write#}
  nfs_ops_raw{access{-count# -total_time#} audit{-count# -total_time#} create{dir{-count# -total_time#} file{-count#
  -total_time#} other{-count# -total_time#} symlink{-count# -total_time#}} getattr{-count# -total_time#}
  link{-count# -total_time#} lock{-count# -total_time#} lookup{-count# -total_time#} open{-count# -total_time#}
  read{-count# -total_time# -volume_protocol_latency_histogram_counts[]# -volume_protocol_latency_histogram_labels[]
  -volume_protocol_size_histogram_counts[]# -volume_protocol_size_histogram_labels[]} readdir{-count# -total_time#}
  readlink{-count# -total_time#} rename{-count# -total_time#} setattr{-count# -total_time#} unlink{-count#
  -total_time#} watch{-count# -total_time#} write{-count# -total_time# -volume_protocol_latency_histogram_counts[]#
  -volume_protocol_latency_histogram_labels[] -volume_protocol_size_histogram_counts[]#
  -volume_protocol_size_histogram_labels[]}} -status throughput_raw{-other# -read# -total# -write#} -timestamp@time}
  -status[] style=flexvol|flexgroup|flexgroup_constituent svm{name uuid} svm_dr_protection=protected|unprotected
  tiering{min_cooling_days# object_tags[] policy=all|auto|none|snapshot_only supported?} type=rw|dp|ls
  use_mirrored_aggregates? -uuid validate_only?
`;

export const SNAPSHOT = `
  comment -compress_savings# -create_time@time -dedup_savings# delta{-size_consumed# -time_elapsed} expiry_time@time
  -logical_size# name -owners[] provenance_volume{-uuid} reclaimable_space# -size# snaplock{-expired?
  expiry_time@time -time_until_expiry} snaplock_expiry_time@time snapmirror_label -state svm{name uuid} -uuid
  -vbn0_savings# -version_uuid volume{name uuid}
`;

export const RELATIONSHIP = `
  backoff_level=high|medium|none consistency_group_failover{error{arguments[]{-code -message} -code -message}
  state=started|failed|completed|completed_with_warnings|vetoed status{code message}
  type=planned|unplanned|incapable} create_destination{bucket_retention{default_period
  mode=no_lock|compliance|governance} enabled? size# snapshot_locking_enabled? storage_service{enabled?
  enforce_performance? name=extreme|performance|value} tiering{policy=all|auto|none|snapshot_only supported?}}
  destination{cluster{name uuid} consistency_group_volumes[]{name uuid} ipspace luns{name uuid} path svm{name uuid}}
  -exported_snapshot -group_type -healthy?
  identity_preservation=full|exclude_network_config|exclude_network_and_protocol_config io_serving_copy
  -lag_time@duration -last_transfer_network_compression_ratio -last_transfer_type master_bias_activated_site
  policy{name -type uuid} preferred_site preserve? quick_resync? recover_after_break? restore? restore_to_snapshot
  selective_volumes[]{mode=include|exclude name} source{cluster{name uuid} consistency_group_volumes[]{name uuid}
  luns{name uuid} path svm{name uuid}}
  state=broken_off|paused|snapmirrored|uninitialized|in_sync|out_of_sync|synchronizing|expanding|shrinking
  svmdr_volumes[]{name} throttle# -total_transfer_bytes# -total_transfer_duration@duration
  transfer{-bytes_transferred# -end_time@time -last_updated_time@time -state -total_duration@duration -type -uuid}
  transfer_schedule{name uuid} unhealthy_reason[]{-arguments[] -code -message} -uuid
`;

export const TRANSFER = `
  -bytes_transferred# -checkpoint_size# -end_time@time error_info{code# message} files[]{destination_path
  source_path} -last_updated_time@time -network_compression_ratio on_demand_attrs=off|read_write_with_user_data_pull
  options[] relationship{destination{cluster{-name -uuid} consistency_group_volumes[]{-name -uuid} -ipspace
  luns{-name -uuid} -path svm{-name -uuid}} -restore? -uuid} -snapshot source_snapshot
  state=aborted|failed|hard_aborted|queued|success|transferring storage_efficiency_enabled? throttle#
  -total_duration@duration -uuid
`;

export const POLICY = `
  comment copy_all_source_snapshots? copy_latest_source_snapshot? create_snapshot_on_source?
  identity_preservation=full|exclude_network_config|exclude_network_and_protocol_config name
  network_compression_enabled? retention[]{count creation_schedule{name uuid} label period prefix preserve? warn#}
  rpo# -scope svm{name uuid} sync_common_snapshot_schedule{name uuid}
  sync_type=sync|strict_sync|automated_failover|automated_failover_duplex throttle# transfer_schedule{name uuid}
  type=async|sync|continuous -uuid
`;
