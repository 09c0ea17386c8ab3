/** A stage for transfers: three SVMs on two clusters, volumes for every distance, and a file, a LUN and a namespace in the first. */
import { createHash } from 'node:crypto';
import type { PlanTransferOptions } from '../../../src/run/transfer/context.ts';
import type { SimulatedCluster, SimulatedVolume } from '../../../src/testing/index.ts';
import { nativeConfiguration, Stage, type StageOptions } from '../../scenarios/harness.ts';

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Backends: `east` (cluster1, svm1), `south` (cluster1, svm2), `west` (cluster2, svm1_dr). */
export async function transferStage(options: Omit<StageOptions, 'configuration'> = {}): Promise<TransferStage> {
  const stage = await Stage.open({
    ...options,
    world: { transferRate: MIB, ...options.world },
    configuration: (world) => {
      const native = nativeConfiguration(world, options);
      const { east, west } = native.backends;
      return { ...native, backends: { east, west, south: { ...east, svm: 'svm2', targets: [] } } };
    },
  });
  return TransferStage.on(stage);
}

export class TransferStage implements AsyncDisposable {
  readonly stage: Stage;
  /** Content of the file, the LUN and the namespace. */
  readonly bytes: Uint8Array;

  private constructor(stage: Stage) {
    this.stage = stage;
    this.bytes = Uint8Array.from({ length: 40_000 }, (_, i) => (i * 17 + (i >> 7)) % 256);
  }

  static async on(stage: Stage): Promise<TransferStage> {
    const made = new TransferStage(stage);
    const { east, west } = stage;
    const [aggr1 = '', aggr2 = ''] = east.aggregates;
    east.createVolume({ svm: 'svm1', name: 'near', sizeBytes: 100 * MIB, aggregate: aggr1 });
    east.createVolume({ svm: 'svm1', name: 'apart', sizeBytes: 100 * MIB, aggregate: aggr2 });
    east.createVolume({ svm: 'svm2', name: 'other', sizeBytes: 100 * MIB });
    west.createVolume({ svm: 'svm1_dr', name: 'far', sizeBytes: 100 * MIB });
    stage.source.write('/dir/file', 0, made.bytes);
    for (const [kind, name] of [
      ['luns', 'lun'],
      ['namespaces', 'ns'],
    ] as const) {
      const body = { 'svm.name': 'svm1', name: `/vol/vol1/${name}`, os_type: 'linux', 'space.size': MIB };
      await stage.raw(east, 'POST', `/storage/${kind}`, body);
      stage.source.write(`/${name}`, 4096, made.bytes);
    }
    return made;
  }

  get dataMotion() {
    return this.stage.dataMotion;
  }

  get east(): SimulatedCluster {
    return this.stage.east;
  }

  get source(): SimulatedVolume {
    return this.stage.source;
  }

  volume(end: string): SimulatedVolume {
    const [backend = '', name = ''] = end.split(/[:/]/);
    const [cluster, svm] = PLACES[backend] ?? PLACES['east'];
    return this.stage.world.cluster(cluster).volume(svm, name);
  }

  /** Bytes of a file, LUN or namespace; undefined when it is not there. */
  read(end: string): Uint8Array | undefined {
    const path = end.slice(end.indexOf('/'));
    const volume = this.volume(end);
    return volume.files().includes(path) ? volume.read(path) : undefined;
  }

  /** What distinguishes the bytes of an end from others; comparing arrays of a mebibyte takes its time. */
  hash(end: string): string | undefined {
    const bytes = this.read(end);
    return bytes && createHash('sha256').update(bytes).digest('hex');
  }

  /** Everything in the volume with a name of a transfer's own. */
  parts(end: string): readonly string[] {
    return this.volume(end)
      .files()
      .filter((path) => path.includes('datamotion'));
  }

  async peered(applications: readonly string[]): Promise<void> {
    const peer = { svm: { name: 'svm1' }, cluster: { name: 'cluster1' } };
    await this.stage.raw(this.east, 'POST', '/svm/peers', { svm: { name: 'svm2' }, peer, applications });
  }

  transfer(from: string, to: string, options: PlanTransferOptions & { checksum?: boolean } = {}) {
    return this.dataMotion.transfer({ from, to }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
  }
}

const PLACES: Readonly<Record<string, readonly [string, string]>> & { readonly east: readonly [string, string] } = {
  east: ['cluster1', 'svm1'],
  south: ['cluster1', 'svm2'],
  west: ['cluster2', 'svm1_dr'],
};
