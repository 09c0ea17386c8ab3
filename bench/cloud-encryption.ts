/**
 * What encryption costs: baselines of one image with and without it, in turn, each to a fresh folder. The median of the
 * ratios of the pairs counts, so that what else the machine does meets both. Opening the endpoint, half a second whatever its size
 * and dear on purpose, is part of what is measured. CLOUD_ENCRYPTION_MIB: size of the image,
 * default 1024; CLOUD_ENCRYPTION_PAIRS: default 5.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DirectoryStateStore,
  ImageSnapshotSource,
  openCloudEndpoint,
  passphraseKey,
  WorkerCompute,
} from '../src/cloud/index.ts';
import { systemEnv } from '../src/env.ts';
import { openObjectStore } from '../src/object-store/open.ts';
import type { Report } from './report.ts';

const MIB = Number(process.env['CLOUD_ENCRYPTION_MIB'] ?? 1024);
const PAIRS = Number(process.env['CLOUD_ENCRYPTION_PAIRS'] ?? 5);
const MOST = 1.15;

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function cloudEncryptionBench(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'cloud-encryption-'));
  const compute = new WorkerCompute();
  try {
    const image = join(folder, 'image');
    writeFileSync(image, contentOf(MIB));
    const baseline = async (name: string, encrypted: boolean): Promise<Cost> => {
      const place = join(folder, name);
      const env = systemEnv();
      const state = new DirectoryStateStore(join(place, 'state'));
      const store = openObjectStore(join(place, 'store'));
      const keys = encrypted ? ([passphraseKey('a passphrase of the benchmark')] as const) : undefined;
      const endpoint = openCloudEndpoint({ store, name: 'image', compute, keys });
      const source = new ImageSnapshotSource({ path: image, state, compute, env });
      const { uuid } = source.take({ name: 'baseline' });
      const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
      await endpoint.backup({ source, state: source.state, writer: 'bench', snapshot: uuid });
      const wallMs = performance.now() - startedAt;
      const { user, system } = process.cpuUsage(cpu);
      rmSync(place, { recursive: true, force: true });
      return { wallMs, cpuMs: (user + system) / 1000 };
    };
    // Threads are started, and the image is in the cache, before anything is measured.
    await baseline('warm', true);
    const pairs: { readonly plain: Cost; readonly encrypted: Cost }[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      const first = await baseline(`${pair}a`, pair % 2 === 1);
      const second = await baseline(`${pair}b`, pair % 2 === 0);
      pairs.push(pair % 2 === 0 ? { plain: first, encrypted: second } : { plain: second, encrypted: first });
    }
    const ratio = (of: keyof Cost) => median(pairs.map(({ plain, encrypted }) => encrypted[of] / plain[of]));
    const [wall, cpu] = [ratio('wallMs'), ratio('cpuMs')];
    return {
      bench: 'cloud-encryption',
      setting: `baselines of an image of ${MIB} MiB, half of it random, ${availableParallelism()} processors, in turn`,
      rows: pairs.map(({ plain, encrypted }, at) => ({
        pair: at + 1,
        'plain, s': seconds(plain.wallMs),
        'encrypted, s': seconds(encrypted.wallMs),
        'plain, CPU s': seconds(plain.cpuMs),
        'encrypted, CPU s': seconds(encrypted.cpuMs),
        'wall ratio': (encrypted.wallMs / plain.wallMs).toFixed(2),
      })),
      goals: [
        {
          goal: `wall at most ${MOST} times (median of the pairs)`,
          measured: `${wall.toFixed(2)}, CPU ${cpu.toFixed(2)}`,
          met: wall <= MOST,
        },
      ],
    };
  } finally {
    await compute.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Blocks that compress and blocks that do not, in turn; no two are equal. */
function contentOf(mib: number): Buffer {
  const bytes = Buffer.alloc(mib * 1024 ** 2);
  for (let at = 0; at < bytes.length; at += 4096) {
    const noise = (at / 4096) % 2 === 0 ? 4096 : 512;
    randomBytes(noise).copy(bytes, at);
  }
  return bytes;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
