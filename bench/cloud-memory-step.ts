/** One step of the memory benchmark: an image that is made up as it is read, backed up into a folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudEndpoint,
  DirectoryStateStore,
  fileRestoreTarget,
  ImageCatalogueRebuilder,
  ImageSnapshotSource,
  WorkerCompute,
} from '../src/cloud/index.ts';
import { nodeFormatTools } from '../src/compute/format-tools.ts';
import { systemEnv } from '../src/env.ts';
import { openObjectStore } from '../src/object-store/open.ts';

export const CLOUD_MEMORY_STEPS = [
  'baseline',
  'incremental',
  'restore',
  'verify',
  'verify, all data',
  'gc',
  'rebuild-vmap',
  'unchanged, after rebuild',
] as const;
export type CloudMemoryStep = (typeof CLOUD_MEMORY_STEPS)[number];

export interface CloudMemorySetting {
  readonly folder: string;
  readonly imageGib: number;
  readonly dataMib: number;
}

const BLOCK = 4096;
const RUN = 4 * 1024 * 1024;

export async function runStep(step: CloudMemoryStep, setting: CloudMemorySetting): Promise<void> {
  const { folder } = setting;
  mkdirSync(folder, { recursive: true });
  const env = systemEnv();
  const compute = new WorkerCompute();
  const store = openObjectStore(join(folder, 'store'));
  const tools = nodeFormatTools();
  const endpoint = new CloudEndpoint({ store, name: 'image', env, tools, compute });
  const state = new DirectoryStateStore(join(folder, step.includes('rebuild') ? 'rebuilt' : 'state'));
  const backUp = async (generation: number) => {
    const source = imageSource(setting, generation, state, compute, env);
    const { uuid } = source.take({ name: step });
    return await endpoint.backup({ source, state: source.state, writer: 'bench', snapshot: uuid });
  };
  switch (step) {
    case 'baseline':
      await backUp(1);
      break;
    case 'incremental':
      await backUp(2);
      break;
    case 'restore': {
      const path = join(folder, 'restored');
      await endpoint.restore({ target: fileRestoreTarget({ path, folder, into: 'new-file' }) });
      break;
    }
    case 'verify':
    case 'verify, all data': {
      const { problems } = await endpoint.verify({ readData: step !== 'verify' });
      if (problems.length > 0) throw new Error(JSON.stringify(problems));
      break;
    }
    case 'gc':
      await endpoint.forget({ snapshots: ['baseline'] });
      await endpoint.collect();
      break;
    case 'rebuild-vmap': {
      const catalogues = [new ImageCatalogueRebuilder({ compute })];
      await endpoint.rebuildVmap({ state, writer: 'bench', catalogues });
      break;
    }
    case 'unchanged, after rebuild': {
      const { uploads } = await backUp(2);
      if (uploads.objects > 0) throw new Error(`${uploads.objects} objects were sent, and nothing changed`);
    }
  }
  await compute.close();
}

/** Runs of 4 MiB, spread evenly over the image; of generation 2, every 50th block is another. */
function imageSource(
  { imageGib, dataMib }: CloudMemorySetting,
  generation: number,
  state: DirectoryStateStore,
  compute: WorkerCompute,
  env: ReturnType<typeof systemEnv>,
): ImageSnapshotSource {
  const sizeBytes = imageGib * 1024 ** 3;
  const runs = Math.floor((dataMib * 1024 ** 2) / RUN);
  const stride = Math.floor(sizeBytes / runs / RUN) * RUN;
  const facts = { sizeBytes, changedAt: 1, mode: 0o600, uid: 0, gid: 0 };
  return new ImageSnapshotSource({
    path: '/image',
    state,
    compute,
    env,
    openImage: async () => ({
      descriptor: -1,
      facts: async () => facts,
      close: async () => {},
      async read(into, position) {
        for (let at = 0; at < into.length; at += BLOCK) {
          const block = (position + at) / BLOCK;
          fill(new DataView(into.buffer, into.byteOffset + at, BLOCK), block, block % 50 === 0 ? generation : 1);
        }
        return into.length;
      },
    }),
    async *findDataRanges() {
      for (let run = 0; run < runs; run++) yield { from: run * stride, to: run * stride + RUN };
    },
  });
}

/** Unlike any other block, and half of it compressible. */
function fill(view: DataView, block: number, generation: number): void {
  for (let at = 0, seed = block * 8 + generation; at < BLOCK; at += 4) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    view.setUint32(at, at % 8 === 0 ? seed ^ block : 0, true);
  }
}
