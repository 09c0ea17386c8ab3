/** Run (layer 3): the destination volume, FlexVol or FlexGroup, made in the image of its source. */

import { flexgroupPlacement } from '../../core/mirror/placement.ts';
import { MirrorError, OntapError } from '../../errors.ts';
import type { Volume, VolumeSpec } from '../../ontap/ontap-svm.ts';
import { changeVolume } from '../volume-change.ts';
import type { MirrorContext } from './context.ts';
import { awaited, pairName } from './context.ts';
import { requireSameGeometry, requireSuitableDestination } from './preflight.ts';

/** The destination volume, and whether it had to be made. */
export interface DestinationFlexvolResult {
  readonly volume: Volume;
  /** False when it was there already. */
  readonly created: boolean;
}

/**
 * 1. an existing dp volume of the source's style and geometry is taken  2. create with the source's size, guarantee, language,
 * reserve, encryption and efficiency on the mapped aggregate; a FlexGroup with as many constituents as the source has, over the
 * mapped aggregates  3. wait until it is online  4. a FlexGroup gets its efficiency only now.
 * (Cinder: create_destination_flexvol; its encrypted sources failed, defect 10, and a failed create job was seen only as
 * a timeout, defect 28.)
 * @param aggregatesOf the destination's aggregates; asked only when a volume has to be made, throws when one is not mapped
 * @throws MirrorError `MIRROR_VOLUME_WRONG_TYPE`, `MIRROR_TIMEOUT`; OntapError what the create job reports
 */
export async function createDestinationFlexvol(
  context: MirrorContext,
  source: Volume,
  aggregatesOf: () => readonly string[],
): Promise<DestinationFlexvolResult> {
  const { destination, pair, signal } = context;
  const name = pair.destination.volume;
  const existing = await destination.volume(name, { signal });
  if (existing !== undefined) {
    requireSuitableDestination(context, source, existing);
    return { volume: await ready(context, source), created: false };
  }
  const spec = await specFor(context, source, aggregatesOf());
  context.onProgress({ pair, step: 'create-destination' });
  const created = await make(context, spec);
  return { volume: await ready(context, source), created };
}

/** Online, as it has to be, and with its efficiency. */
async function ready(context: MirrorContext, source: Volume): Promise<Volume> {
  const volume = await online(context);
  requireSuitableDestination(context, source, volume);
  await requireSameGeometry(context, source, volume);
  const { dedupe, compression } = source;
  const lacks = (dedupe && !volume.dedupe) || (compression && !volume.compression);
  if (source.style !== 'flexgroup' || !lacks) return volume;
  const { destination, pair, signal } = context;
  context.onProgress({ pair, step: 'set-efficiency' });
  await changeVolume(destination, volume.uuid, { dedupe, compression }, signal);
  return { ...volume, dedupe: dedupe || compression, compression };
}

/** False when somebody else was quicker: another process, or a call that was cut off while its job went on. */
async function make({ destination, signal }: MirrorContext, spec: VolumeSpec): Promise<boolean> {
  try {
    const change = await destination.createVolume(spec, { signal });
    await destination.finish(change, {
      signal,
      look: async () => (await destination.volume(spec.name, { signal })) !== undefined,
    });
    return true;
  } catch (error) {
    if (error instanceof OntapError && error.code === 'ONTAP_EXISTS') return false;
    throw error;
  }
}

async function specFor(context: MirrorContext, source: Volume, mapped: readonly string[]): Promise<VolumeSpec> {
  const shared = {
    name: context.pair.destination.volume,
    type: 'dp',
    sizeBytes: source.sizeBytes,
    guarantee: source.guarantee,
    language: source.language,
    snapshotReservePercent: source.snapshotReservePercent,
    encrypted: source.encrypted,
  } as const;
  if (source.style === 'flexgroup') {
    const constituents = await context.source.constituentCount(source.uuid, { signal: context.signal });
    return { ...shared, style: 'flexgroup', ...flexgroupPlacement(constituents, mapped) };
  }
  const { dedupe, compression } = source;
  return { ...shared, style: 'flexvol', aggregates: mapped.slice(0, 1), dedupe, compression };
}

async function online(context: MirrorContext): Promise<Volume> {
  const { destination, pair, signal, timing } = context;
  return awaited(context, async (waitedMs) => {
    const volume = await destination.volume(pair.destination.volume, { signal });
    if (volume?.state === 'online') return volume;
    if (waitedMs() >= timing.volumeOnlineTimeoutMs) throw notOnline(context, volume);
    return undefined;
  });
}

function notOnline(context: MirrorContext, volume: Volume | undefined): MirrorError {
  const seconds = context.timing.volumeOnlineTimeoutMs / 1000;
  return new MirrorError(
    'MIRROR_TIMEOUT',
    `the destination volume is ${volume?.state ?? 'not visible'} after ${seconds} s`,
    {
      pair: pairName(context),
      attempted: 'wait for the destination volume to come online',
      cluster: context.destination.cluster,
      retryable: true,
      remedy: 'look at the volume on the destination cluster, then call again',
    },
  );
}

/**
 * Mounts the destination volume where its clients expect it. An existing mount anywhere is kept.
 * @throws OntapError what ONTAP answers
 */
export async function mountDestination(context: MirrorContext, junctionPath: string): Promise<string> {
  const { destination, pair, signal } = context;
  const volume = await destination.volume(pair.destination.volume, { signal });
  if (volume === undefined) {
    throw new OntapError('ONTAP_NOT_FOUND', `no volume ${destination.svm}:${pair.destination.volume}`, {
      attempted: 'mount the destination volume',
      cluster: destination.cluster,
    });
  }
  if (volume.junctionPath !== undefined) return volume.junctionPath;
  context.onProgress({ pair, step: 'mount' });
  const mounted = async () => (await destination.volume(volume.name, { signal }))?.junctionPath === junctionPath;
  const change = await destination.mountVolume(volume.uuid, junctionPath, { signal });
  await destination.finish(change, { signal, look: mounted });
  return junctionPath;
}
