/** The simulated ONTAP and the clocks and faults to drive it with: `ontap-data-motion/testing`. */
export { VirtualClock, type VirtualClockOptions } from './clock.ts';
export type { SimulatedCluster, VolumeSpec } from './cluster.ts';
export type { ClusterSpec, Privilege, User } from './cluster-state.ts';
export { configurationOf, type SimulatedBackend, type SimulatedConfiguration } from './configuration.ts';
export { CONTENT_PATTERNS, type ContentPattern, type ContentSpec, writeContent } from './content.ts';
export { type ControlPlane, openControlPlane } from './control-plane.ts';
export type { Fault, FaultKind, FaultMatch, FaultOf, ScriptedFault } from './faults.ts';
export {
  FaultyObjectStore,
  type ObjectStoreFault,
  type ObjectStoreFaultMatch,
  type ObjectStoreMethod,
} from './faulty-object-store.ts';
export { ConnectionBroken, type SimRequest, type SimResponse } from './http/message.ts';
export type { ListenOptions } from './http/server.ts';
export {
  missingNeeds,
  type ObjectStoreContractCase,
  type ObjectStoreSubject,
  objectStoreContract,
} from './object-store-contract.ts';
export { ANSWERS_CHANNEL, type ObservedAnswer } from './observed-answers.ts';
export { SeededRandom } from './random.ts';
export { type DrawnFault, RANDOM_FAULT_KINDS, type RandomFaultRates, RandomFaults } from './random-faults.ts';
export { REFUSALS, type RefusalName, type RefusalRow } from './refusals.ts';
export { WORLD_FILE_VERSION, type WorldFileFacts, worldFileFacts } from './saved/world-file.ts';
export { type BuildOptions, buildScenario } from './scenario/building.ts';
export type { Scenario } from './scenario/form.ts';
export { parseScenario } from './scenario/scenario.ts';
export {
  type SnapshotSourceContractCase,
  type SnapshotSourceSubject,
  snapshotSourceContract,
} from './snapshot-source-contract.ts';
export { missingStateNeeds, type StateContractCase, type StateSubject, stateContract } from './state-contract.ts';
export { SteeredClock, type SteeredClockOptions } from './steered-clock.ts';
export { SWITCHES, type Switches, type SwitchName } from './switches.ts';
export {
  type CrashOutcome,
  type DiskFault,
  type DiskOperation,
  VolatileDisk,
  type VolatileDiskOptions,
} from './volatile-disk.ts';
export type { SimulatedSnapshot, SimulatedVolume, VolumeState, VolumeStyle, VolumeType } from './volume.ts';
export {
  DEFAULT_CLUSTERS,
  type LoggedRequest,
  SimulatedOntap,
  type SimulatedOntapOptions,
  type WorldDescription,
} from './world.ts';
