/** Run (layer 3): what there is: the snapshots of an endpoint, and what each took and saved. */
import { BLOCK_BYTES, HOLE, LEVELS, slotBytesOf, slotsPerObject } from '../../core/cloud/block-numbers.ts';
import type { SnapshotFacts } from '../../core/cloud/format/history-entry.ts';
import type { Manifest } from '../../core/cloud/format/manifest.ts';
import { compareFile } from '../../core/cloud/restore-plan.ts';
import { CloudError } from '../../errors.ts';
import type { CloudContext } from './context.ts';
import { inParallel } from './in-parallel.ts';
import { endpointUnknown, readLive } from './restore.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { writerOf } from './writer.ts';

/** One backup in a list. */
export interface SnapshotSummary {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly label: string | undefined;
  /** Epoch milliseconds, as the source says. */
  readonly createdAt: number;
  /** Name of the snapshot that its transfer built on, if that is still there; its id otherwise; absent for a baseline. */
  readonly base: string | undefined;
  /** Bytes of the files as their users see them, holes included. */
  readonly logicalBytes: number;
  /** Bytes of the distinct blocks that it holds. */
  readonly heldBytes: number;
  /** What its transfer put into the store, as stored. */
  readonly uploadedBytes: number;
  readonly isBase: boolean;
  /** Somebody holds it: it is not forgotten until it is let go. */
  readonly held: boolean;
  /** Epoch milliseconds until which nobody can forget it; absent where it was never locked. */
  readonly lockedUntil: number | undefined;
}

/** An endpoint in short. */
export interface EndpointSummary {
  readonly name: string;
  readonly uuid: string;
  readonly sourceKind: string;
  readonly sourceId: string;
  readonly encrypted: boolean;
  readonly ended: boolean;
  readonly writer: string;
  readonly historyEntries: number;
  /** Oldest first. */
  readonly snapshots: readonly SnapshotSummary[];
}

/** @throws CloudError `CLOUD_ENDPOINT_UNKNOWN` */
export async function summarize(context: CloudContext, uuid: () => string): Promise<EndpointSummary> {
  const { history, place, limits, signal } = context;
  const state = await history.refresh({ signal });
  const { owner, properties } = state;
  if (owner === undefined || properties === undefined) throw endpointUnknown(place.text);
  const reader = new SnapshotReader(context);
  const manifests = new Map<number, Manifest>();
  try {
    await inParallel(state.snapshots, limits.objectsInFlight, async (facts) => {
      manifests.set(facts.id, await reader.manifest(facts));
    });
  } catch (error) {
    // A snapshot that was forgotten and collected meanwhile is not in the list.
    const now = error instanceof CloudError ? await history.refresh({ signal }) : state;
    if (state.snapshots.every(({ id }) => now.snapshots.some((live) => live.id === id))) throw error;
    return await summarize(context, uuid);
  }
  return {
    name: place.name,
    uuid: uuid(),
    sourceKind: properties.sourceKind,
    sourceId: properties.sourceId,
    encrypted: properties.encryption !== undefined,
    ended: state.ended,
    writer: writerOf(owner),
    historyEntries: state.lastNumber,
    snapshots: state.snapshots.map((facts) => summaryOf(facts, manifests.get(facts.id), state)),
  };
}

function summaryOf(
  { id, uuid, name, label, createdAt, base, held, lockedUntil }: SnapshotFacts,
  manifest: Manifest | undefined,
  endpoint: { readonly snapshots: readonly SnapshotFacts[]; readonly base: SnapshotFacts | undefined },
): SnapshotSummary {
  const builtOn = endpoint.snapshots.find((other) => other.id === base)?.name ?? `${base}`;
  return {
    id,
    uuid,
    name,
    label,
    createdAt,
    base: base === 0 ? undefined : builtOn,
    logicalBytes: manifest?.logicalBytes ?? 0,
    heldBytes: (manifest?.heldBlocks[0] ?? 0) * BLOCK_BYTES,
    uploadedBytes: manifest?.uploadedBytes ?? 0,
    isBase: endpoint.base?.id === id,
    held: held === true,
    lockedUntil,
  };
}

/** One backup in full. */
export interface SnapshotDetails {
  readonly snapshot: SnapshotFacts;
  readonly comment: string | undefined;
  readonly sourceFormat: string;
  readonly pointersPerBlock: number;
  readonly inodes: number;
  readonly logicalBytes: number;
  /** Distinct blocks, by level. */
  readonly heldBlocks: readonly [number, number, number];
  readonly uploadedBlocks: readonly [number, number, number];
  readonly uploadedBytes: number;
  readonly l3Bytes: number;
  readonly objectIdBytes: number;
  /** Objects that it needs. */
  readonly objects: number;
  /** What an object of its transfer has in it and takes in the store, on average; 0 where it sent none. */
  readonly averageObject: { readonly bytes: number; readonly storedBytes: number };
  readonly saved: SnapshotSavings;
}

/** Bytes that did not have to be stored or sent. */
export interface SnapshotSavings {
  /** Data blocks that it holds and that were in the store before its transfer. */
  readonly unchangedBytes: number;
  /** By compressing what its transfer sent. */
  readonly compressionBytes: number;
  /**
   * Blocks that several file blocks share, beyond the first. Of a source that did not tell it is absent unless it was measured,
   * for which the trees are walked.
   */
  readonly deduplicationBytes: number | undefined;
}

/** Which backup to show, and how closely to look. */
export interface ShowRequest {
  /** Name, uuid or id; default the newest. */
  readonly snapshot?: string | number | undefined;
  /** Walk the trees to know what deduplication saved: reads every indirect block. */
  readonly measure?: boolean | undefined;
}

export function showSnapshot(context: CloudContext, request: ShowRequest): Promise<SnapshotDetails> {
  return readLive(context, request.snapshot, (snapshot) => detailsOf(context, snapshot, request.measure ?? false));
}

async function detailsOf(context: CloudContext, snapshot: SnapshotFacts, measure: boolean): Promise<SnapshotDetails> {
  const reader = new SnapshotReader(context);
  const manifest = await reader.manifest(snapshot);
  const { heldBlocks, uploadedBlocks, uploadedBytes, pointersPerBlock, l3Parts, objectIdParts } = manifest;
  const indirectBytes = (uploadedBlocks[1] + uploadedBlocks[2]) * 8 * pointersPerBlock;
  const sentBytes = uploadedBlocks[0] * BLOCK_BYTES + indirectBytes;
  const mapped = manifest.mappedBlocks ?? (measure ? await mappedBlocks(context, reader, manifest) : undefined);
  return {
    snapshot,
    comment: manifest.comment,
    sourceFormat: manifest.sourceFormat,
    pointersPerBlock,
    inodes: manifest.inodes,
    logicalBytes: manifest.logicalBytes,
    heldBlocks,
    uploadedBlocks,
    uploadedBytes,
    l3Bytes: l3Parts.reduce((sum, { bytes }) => sum + bytes, 0),
    objectIdBytes: objectIdParts.reduce((sum, { bytes }) => sum + bytes, 0),
    objects: objectIdParts.reduce((sum, { ids }) => sum + ids, 0),
    averageObject: averageOf(sentBytes, manifest),
    saved: {
      unchangedBytes: Math.max(0, heldBlocks[0] - uploadedBlocks[0]) * BLOCK_BYTES,
      compressionBytes: Math.max(0, sentBytes - uploadedBytes),
      deduplicationBytes: mapped === undefined ? undefined : (mapped - heldBlocks[0]) * BLOCK_BYTES,
    },
  };
}

/** A transfer fills its objects one after the other: how many it sent follows from its blocks. */
function averageOf(sentBytes: number, { uploadedBlocks, uploadedBytes, pointersPerBlock }: Manifest) {
  const objects = LEVELS.reduce<number>((sum, level) => {
    return sum + Math.ceil(uploadedBlocks[level] / slotsPerObject(slotBytesOf(level, pointersPerBlock)));
  }, 0);
  const average = (bytes: number) => (objects === 0 ? 0 : Math.round(bytes / objects));
  return { bytes: average(sentBytes), storedBytes: average(uploadedBytes) };
}

/** File blocks that are not holes. */
async function mappedBlocks(
  { progress, signal }: CloudContext,
  reader: SnapshotReader,
  manifest: Manifest,
): Promise<number> {
  let mapped = 0;
  progress.begin('plan', manifest.inodes);
  for await (const inodes of reader.inodes(manifest)) {
    for (const root of inodes) {
      signal.throwIfAborted();
      const steps = compareFile(undefined, root, manifest.pointersPerBlock);
      for (let step = steps.next(); !step.done; ) {
        const { value } = step;
        if (value.step === 'blocks') for (const pvbn of value.pvbns) if (pvbn !== HOLE) mapped++;
        step = steps.next(
          value.step === 'read-pointers'
            ? await reader.pointers(value.level, value.pvbns, manifest.pointersPerBlock)
            : undefined,
        );
      }
      progress.advance('plan', 1);
    }
  }
  progress.end('plan');
  return mapped;
}
