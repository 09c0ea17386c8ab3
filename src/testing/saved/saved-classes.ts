/**
 * The classes whose instances make up a world. All their fields are written to its file: they must be ordinary fields
 * (`private`, not `#`), and a function in one must be a `Later`. An object of a class that is missing here cannot be written, and says so.
 */
import { ClusterState } from '../cluster-state.ts';
import { DataCopy } from '../data-copy.ts';
import { Faults } from '../faults.ts';
import { Body } from '../http/body.ts';
import { Arguments } from '../http/query.ts';
import { Job, Jobs } from '../jobs.ts';
import { Physics } from '../physics.ts';
import { SeededRandom } from '../random.ts';
import { RandomFaults } from '../random-faults.ts';
import { Policy } from '../snapmirror/policies.ts';
import { Relationship, Transfer } from '../snapmirror/relationship.ts';
import { Schedule } from '../snapmirror/schedules.ts';
import { SnapMirror } from '../snapmirror/snapmirror.ts';
import { SnapshotPolicy } from '../snapshot-policies.ts';
import { StorageUnit } from '../storage-unit.ts';
import { Aggregate, Svm } from '../svm.ts';
import { Timeline } from '../timeline.ts';
import { Constituent, SimulatedVolume } from '../volume.ts';
import { VolumeMove } from '../volume-move.ts';
import type { SavedClass } from './object-graph.ts';

export const SAVED_CLASSES: Readonly<Record<string, SavedClass>> = {
  Aggregate,
  Arguments,
  Body,
  ClusterState,
  Constituent,
  DataCopy,
  VolumeMove,
  Faults,
  Job,
  Jobs,
  Physics,
  Policy,
  RandomFaults,
  Relationship,
  Schedule,
  SeededRandom,
  SimulatedVolume,
  SnapMirror,
  SnapshotPolicy,
  StorageUnit,
  Svm,
  Timeline,
  Transfer,
};
