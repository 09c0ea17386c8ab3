/** Every verb in the situations that matter: what campaigns cut off, disturb and repeat. */
import type { VerbOptions } from '../../src/data-motion.ts';
import type { MirrorOutcome } from '../../src/run/mirror/many.ts';
import type { SimulatedOntapOptions } from '../../src/testing/index.ts';
import { GROUP, MIB, SECOND, Stage, type StageOptions } from './harness.ts';

export interface Deed {
  readonly name: string;
  readonly arrange: (stage: Stage) => Promise<void>;
  readonly act: (stage: Stage, options?: VerbOptions) => Promise<unknown>;
  readonly world?: SimulatedOntapOptions;
  readonly timing?: StageOptions['timing'];
  /** Left out of the enumeration of faults, which the verb that it is made of goes through already. */
  readonly cutOffOnly?: boolean;
}

/** The first failure of a verb on many, as if it were one. */
async function together(outcomes: Promise<readonly MirrorOutcome[]>): Promise<void> {
  for (const outcome of await outcomes) if (!outcome.ok) throw outcome.error;
}

const two = async (stage: Stage) => {
  const svm = stage.east.svms[0] ?? '';
  stage.write(stage.east.createVolume({ svm, name: 'vol2', sizeBytes: 100 * MIB }));
};
const twoMirrored = async (stage: Stage) => {
  await two(stage);
  await together(stage.dataMotion.ensureSnapmirrors(BACKENDS, { waitForBaseline: true }));
};
const BACKENDS = { source: 'east', target: 'west' };

const drains = async (stage: Stage) => stage.transferring();
const stalls = async (stage: Stage) => stage.transferring(true);
const mirrored = async (stage: Stage) => {
  await stage.mirrored();
  stage.write(stage.source);
};
const broken = async (stage: Stage) => {
  await stage.broken();
  stage.write(stage.copy, 8);
  stage.write(stage.source, 2);
};
const paused = async (stage: Stage) => {
  await stage.mirrored();
  await stage.dataMotion.quiesceThenAbort(stage.pair);
};
const bereft = async (stage: Stage) => {
  await stage.transferring();
  stage.east.kill();
};

const create: Deed['act'] = ({ dataMotion, pair }, options) =>
  dataMotion.createSnapmirror(pair, { ...options, waitForBaseline: true });
const breakOff: Deed['act'] = ({ dataMotion, pair }, options) => dataMotion.breakSnapmirror(pair, options);
const remove: Deed['act'] = ({ dataMotion, pair }, options) => dataMotion.deleteSnapmirror(pair, options);

const unpeered = async (stage: Stage) => {
  for (const cluster of [stage.east, stage.west]) {
    for (const { uuid } of await stage.read(cluster, '/svm/peers'))
      await stage.raw(cluster, 'DELETE', `/svm/peers/${uuid}`);
  }
};

/** Made of verbs that go through every fault already. */
const ONLY_CUT_OFF: readonly Deed[] = [
  {
    name: 'create of the destination of a FlexGroup alone',
    arrange: async (stage) => {
      await stage.flexgroup();
    },
    act: ({ dataMotion }, options) => dataMotion.createDestinationFlexvol(GROUP, options),
  },
  {
    name: 'create that repairs a broken-off mirror',
    arrange: broken,
    act: ({ dataMotion, pair }, options) =>
      dataMotion.createSnapmirror(pair, { ...options, repair: true, waitForBaseline: true }),
  },
  {
    name: 'release of the entry alone',
    arrange: async (stage) => {
      await stage.mirrored();
      await stage.dataMotion.deleteSnapmirror(stage.pair, { release: false });
    },
    act: ({ dataMotion, pair }, options) => dataMotion.releaseSnapmirror(pair, { ...options, keepSnapshots: true }),
  },
  {
    name: 'peer',
    arrange: unpeered,
    act: ({ dataMotion }, options) =>
      dataMotion.createSvmPeer(BACKENDS, { ...options, applications: ['snapmirror', 'file_copy'] }),
  },
  {
    name: 'check of readiness',
    arrange: two,
    act: ({ dataMotion }, options) => dataMotion.checkReadiness(BACKENDS, options),
  },
  {
    name: 'ensure of a backend',
    arrange: two,
    act: ({ dataMotion }, options) =>
      together(dataMotion.ensureSnapmirrors(BACKENDS, { ...options, waitForBaseline: true })),
  },
  {
    name: 'update of a backend',
    arrange: twoMirrored,
    act: ({ dataMotion }, options) => together(dataMotion.updateSnapmirrors(BACKENDS, { ...options, wait: true })),
  },
  {
    name: 'quiesce of a backend',
    arrange: twoMirrored,
    act: ({ dataMotion }, options) => together(dataMotion.quiesceSnapmirrors(BACKENDS, options)),
  },
  {
    name: 'break of a backend',
    arrange: twoMirrored,
    act: ({ dataMotion }, options) => together(dataMotion.breakSnapmirrors(BACKENDS, options)),
  },
  {
    name: 'resync of a backend',
    arrange: async (stage) => {
      await twoMirrored(stage);
      await together(stage.dataMotion.breakSnapmirrors(BACKENDS));
    },
    act: ({ dataMotion }, options) => together(dataMotion.resyncSnapmirrors(BACKENDS, { ...options, wait: true })),
  },
  {
    name: 'delete of a backend',
    arrange: twoMirrored,
    act: ({ dataMotion }, options) => together(dataMotion.deleteSnapmirrors(BACKENDS, options)),
  },
];

export const DEEDS: readonly Deed[] = [
  { name: 'create', arrange: async () => {}, act: create },
  {
    name: 'create without waiting',
    arrange: async () => {},
    act: ({ dataMotion, pair }, options) => dataMotion.createSnapmirror(pair, options),
  },
  {
    name: 'create of a FlexGroup',
    arrange: async (stage) => {
      await stage.flexgroup();
    },
    act: ({ dataMotion }, options) => dataMotion.createSnapmirror(GROUP, { ...options, waitForBaseline: true }),
    cutOffOnly: true,
  },
  { name: 'create with a synchronous policy', arrange: async () => {}, act: synchronous },
  {
    name: 'update',
    arrange: mirrored,
    act: ({ dataMotion, pair }, options) => dataMotion.updateSnapmirror(pair, { ...options, wait: true }),
  },
  {
    name: 'update after a running transfer',
    arrange: drains,
    act: ({ dataMotion, pair }, options) => dataMotion.updateSnapmirror(pair, { ...options, wait: true }),
  },
  {
    name: 'quiesce',
    arrange: mirrored,
    act: ({ dataMotion, pair }, options) => dataMotion.quiesceThenAbort(pair, options),
  },
  {
    name: 'quiesce of a transfer that never drains',
    arrange: stalls,
    act: ({ dataMotion, pair }, options) => dataMotion.quiesceThenAbort(pair, { ...options, quiesceTimeoutMs: 20_000 }),
  },
  { name: 'break', arrange: mirrored, act: breakOff },
  {
    name: 'break while a transfer drains',
    arrange: drains,
    act: breakOff,
    world: { switches: { pauseJob: 'waits-for-drain' } },
  },
  {
    name: 'break of a transfer that never drains',
    arrange: stalls,
    act: ({ dataMotion, pair }, options) => dataMotion.breakSnapmirror(pair, { ...options, quiesceTimeoutMs: 0 }),
  },
  { name: 'break without the source', arrange: bereft, act: breakOff },
  {
    name: 'break that ONTAP refuses without the source',
    arrange: bereft,
    act: breakOff,
    world: { switches: { breakContactsSource: 'always' } },
    timing: { peerSilenceMs: 3 * SECOND },
  },
  {
    name: 'resync',
    arrange: broken,
    act: ({ dataMotion, pair }, options) => dataMotion.resyncSnapmirror(pair, { ...options, wait: true }),
  },
  {
    name: 'resume',
    arrange: paused,
    act: ({ dataMotion, pair }, options) => dataMotion.resumeSnapmirror(pair, options),
  },
  { name: 'delete', arrange: mirrored, act: remove },
  { name: 'delete while a transfer runs', arrange: stalls, act: remove },
  {
    name: 'abort',
    arrange: stalls,
    act: ({ dataMotion, pair }, options) => dataMotion.abortSnapmirror(pair, options),
  },
  {
    name: 'release',
    arrange: async (stage) => {
      await stage.mirrored();
      await stage.dataMotion.deleteSnapmirror(stage.pair, { release: false });
    },
    act: ({ dataMotion, pair }, options) => dataMotion.releaseSnapmirror(pair, options),
  },
  { name: 'delete of a broken-off mirror', arrange: broken, act: remove },
  ...ONLY_CUT_OFF.map((deed) => ({ ...deed, cutOffOnly: true })),
];

function synchronous({ dataMotion, pair }: Stage, options?: VerbOptions): Promise<unknown> {
  return dataMotion.createSnapmirror(pair, { ...options, policy: 'Sync', waitForBaseline: true });
}

/** A stage on which the deed can be done now. */
export async function stageFor(deed: Deed, world: SimulatedOntapOptions = {}): Promise<Stage> {
  const stage = await Stage.open({ world: { ...deed.world, ...world }, timing: deed.timing });
  await deed.arrange(stage);
  return stage;
}
