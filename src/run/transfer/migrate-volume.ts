/**
 * Run (layer 3): Cinder's assisted migration of one volume (a LUN, or a file on NFS) to another pool: same pool, same SVM, other SVM of the
 * cluster. What ONTAP cannot assist is answered, not failed: the caller then copies through a host. (rest-facts section 3)
 */
import { TransferError } from '../../errors.ts';
import { requireCluster } from '../mirror/preflight.ts';
import type { TransferOptions, TransferResult, TransferWorld } from './context.ts';
import { observe } from './observe.ts';
import { transfer } from './transfer.ts';

/** A Cinder volume where it is, and the pool that it is to go to; pools are names of volumes in ONTAP. */
export interface VolumeMigration {
  readonly source: { readonly backend: string; readonly pool: string; readonly path: string };
  readonly destination: { readonly backend: string; readonly pool: string };
}

/** How a migration is carried out. */
export interface MigrateVolumeOptions extends Omit<TransferOptions, 'move' | 'hostPaths' | 'aggregates'> {
  /** Nobody has the volume attached, as Cinder's status `available` says (default true). Only moves of LUNs within an SVM can do without. */
  readonly available?: boolean | undefined;
}

/** What became of a migration, as the driver has to answer it. */
export interface VolumeMigrationResult {
  /** False: ONTAP cannot assist, and nothing was changed. */
  readonly migrated: boolean;
  /** Why not. */
  readonly why?: string | undefined;
  /** What the caller's record of the volume has to become; empty when it stays. */
  readonly updates: { readonly providerLocation?: string | undefined };
  readonly transfer?: TransferResult | undefined;
}

/**
 * 1. same pool: nothing to do  2. another cluster, or another backend without a cluster account: not assisted
 * 3. same SVM: the LUN is moved, the file copied and deleted  4. other SVM: copied, and the source deleted.
 * A failure throws, and the record of the volume stays right: it says where the source is (defect 40).
 * @throws TransferError `TRANSFER_SOURCE_IN_USE` for an attached LUN that would have to be copied, and what `transfer` throws
 */
export async function migrateVolume(
  world: TransferWorld,
  { source, destination }: VolumeMigration,
  options: MigrateVolumeOptions,
  signal: AbortSignal,
): Promise<VolumeMigrationResult> {
  const sameBackend = source.backend === destination.backend;
  if (sameBackend && source.pool === destination.pool) return { migrated: true, updates: {} };
  const [from, to] = [world.svmOf(source.backend), world.svmOf(destination.backend)];
  await Promise.all([requireCluster(from, signal), requireCluster(to, signal)]);
  const [here, there] = await Promise.all([from.clusterFacts({ signal }), to.clusterFacts({ signal })]);
  if (here.uuid !== there.uuid) {
    return notAssisted(`backend ${destination.backend} is on another cluster, ${there.name}`);
  }
  const sameSvm = from.svm === to.svm;
  if (sameSvm && source.pool === destination.pool) return { migrated: true, updates: {} };

  const place = { kind: 'ontap', path: source.path } as const;
  const ends = {
    from: { ...place, backend: source.backend, volume: source.pool },
    to: { ...place, backend: destination.backend, volume: destination.pool },
  };
  const { facts } = await observe(world, ends.from, ends.to, { ...options, move: true }, signal);
  const isClusterWide = [facts.source, facts.destination].every(
    (end) => end.kind === 'ontap' && end.account === 'cluster',
  );
  if (!sameBackend && !isClusterWide)
    return notAssisted('between backends it needs accounts of cluster administrators');
  const attached = options.available === false;
  if (facts.object === 'file' && attached) return notAssisted('the file is in use, and would be copied');
  if (facts.object === 'lun' && attached && !sameSvm) {
    throw new TransferError(
      'TRANSFER_SOURCE_IN_USE',
      `${source.pool}/${source.path} is attached, and would be copied`,
      {
        attempted: 'migrate the volume',
        cluster: from.cluster,
        object: `${source.backend}:${source.pool}/${source.path}`,
        remedy: 'detach the volume, then migrate it',
      },
    );
  }
  const done = await transfer(world, ends, { ...options, move: true }, signal);
  const updates = facts.object === 'file' ? { providerLocation: destination.pool } : {};
  return { migrated: true, updates, transfer: done };
}

function notAssisted(why: string): VolumeMigrationResult {
  return { migrated: false, why, updates: {} };
}
