/** A stage for failovers: several mirrored volumes, and a judge that looks at both clusters from outside. */
import type { SimulatedVolume } from '../../../src/testing/index.ts';
import { MIB, nativeConfiguration, Stage, type StageOptions } from '../../scenarios/harness.ts';

/** `vol1` is the stage's own. */
export const VOLUMES = ['vol1', 'vol2', 'vol3'] as const;

export async function mirroredStage(
  options: StageOptions & { readonly volumes?: readonly string[] } = {},
): Promise<Stage> {
  const volumes = options.volumes ?? VOLUMES;
  const stage = await Stage.open({ ...options, world: { transferRate: 100 * MIB, ...options.world } });
  const [svm = ''] = stage.east.svms;
  for (const name of volumes) {
    if (name === 'vol1') continue;
    stage.write(stage.east.createVolume({ svm, name, sizeBytes: 100 * MIB, junctionPath: `/${name}` }));
  }
  const selection = { source: 'east', target: 'west', volumes };
  const created = await stage.dataMotion.ensureSnapmirrors(selection, { waitForBaseline: true });
  for (const outcome of created) if (!outcome.ok) throw outcome.error;
  return stage;
}

export function sourceVolume(stage: Stage, name: string): SimulatedVolume {
  return stage.east.volume(stage.east.svms[0] ?? '', name);
}

export function targetVolume(stage: Stage, name: string): SimulatedVolume {
  return stage.west.volume(stage.west.svms[0] ?? '', name);
}

/** As `mirroredStage`, with a third cluster: `north`, the second target of `east`. Nothing is mirrored there yet. */
export async function threeClusters(
  options: StageOptions & { readonly volumes?: readonly string[] } = {},
): Promise<Stage> {
  const clusters = [
    { name: 'cluster1', svms: ['svm1', 'svm2'] },
    { name: 'cluster2', svms: ['svm1_dr'] },
    { name: 'cluster3', svms: ['svm1_north'] },
  ];
  return mirroredStage({
    ...options,
    world: { ...options.world, clusters },
    configuration: (world) => {
      const { version, backends } = nativeConfiguration(world);
      const { url, user, password, svms, aggregates } = world.cluster('cluster3');
      const { hostname, protocol } = new URL(url);
      const places = Object.fromEntries(
        world.cluster('cluster1').aggregates.map((name, index) => [name, aggregates[index] ?? name]),
      );
      const targets = [...backends.east.targets, { backend: 'north', aggregates: places }];
      const north = { host: hostname, scheme: protocol.replace(':', ''), svm: svms[0], user, password };
      return { version, backends: { ...backends, east: { ...backends.east, targets }, north } };
    },
  });
}

export function northVolume(stage: Stage, name: string): SimulatedVolume {
  return stage.world.cluster('cluster3').volume('svm1_north', name);
}
