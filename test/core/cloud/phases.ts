/** The phases that the driver runs, as a table, so that a test can put a faulty one in the place of a right one. */
import { scanChanged } from '../../../src/core/cloud/changed.ts';
import { deletionsAmong, snapshotsToSpare, sparedBy } from '../../../src/core/cloud/collection.ts';
import { fixUp } from '../../../src/core/cloud/fixup.ts';
import { encodeObject } from '../../../src/core/cloud/format/object.ts';
import {
  applyEntry,
  ObjectIdRange,
  proposeCollect,
  proposeCommit,
  proposeForget,
  proposeTakeOver,
} from '../../../src/core/cloud/history.ts';
import { populate } from '../../../src/core/cloud/indirects.ts';
import { invalidatePage } from '../../../src/core/cloud/invalidation.ts';
import { populateInode } from '../../../src/core/cloud/l3.ts';
import { addObjectIds } from '../../../src/core/cloud/object-ids.ts';
import { compareFile, compareInodes, FetchPlan } from '../../../src/core/cloud/restore-plan.ts';
import { dropPending, pendingIn, type VmapPage } from '../../../src/core/cloud/vmap.ts';

export const PHASES = {
  invalidatePage,
  scanChanged,
  pendingIn,
  dropPending,
  encodeObject,
  fixUp,
  populate,
  populateInode,
  addObjectIds,
  applyEntry,
  proposeTakeOver,
  proposeCommit,
  proposeForget,
  proposeCollect,
  objectIdRange: (...facts: ConstructorParameters<typeof ObjectIdRange>) => new ObjectIdRange(...facts),
  snapshotsToSpare,
  sparedBy,
  deletionsAmong,
  compareInodes,
  compareFile,
  fetchPlan: (...facts: ConstructorParameters<typeof FetchPlan>) => new FetchPlan(...facts),
  /** What the VMAP is after a commit, and after a transfer that was abandoned. */
  vmapAfterCommit: (_base: readonly VmapPage[], staged: readonly VmapPage[]): readonly VmapPage[] => staged,
  vmapAfterAbandon: (base: readonly VmapPage[], _staged: readonly VmapPage[]): readonly VmapPage[] => base,
  /** Whether the source holds the base snapshot. */
  baseIsHeld: (uuids: readonly string[], base: string): boolean => uuids.includes(base),
};

export type Phases = typeof PHASES;
