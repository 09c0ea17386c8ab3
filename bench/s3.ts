/**
 * A baseline to a real S3 server on loopback, side by side with restic's s3 backend: same image, same server, pairs one
 * after the other. Both run as the programs their users run, ours as built (`npm run build` first).
 */
import { spawn, spawnSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { SeededRandom } from '../src/testing/random.ts';
import { CREDENTIALS, Gateway, gatewayPackages } from '../test/s3/gateway.ts';
import type { Report } from './report.ts';

const MIB = 1024 * 1024;
const IMAGE_BYTES = 512 * MIB;
const PAIRS = 3;
const MAX_WALL = 0.65;
const MAX_CPU = 0.5;

interface Run {
  readonly wallSeconds: number;
  /** User and system time of the program and its children. */
  readonly cpuSeconds: number;
  readonly requests: number;
  readonly storedBytes: number;
}

export async function s3Bench(): Promise<Report> {
  const program = 'dist/cli/main.js';
  if (!existsSync(program)) throw new Error(`there is no ${program}: npm run build`);
  const folder = await mkdtemp(join(tmpdir(), 's3-bench-'));
  const gateway = await Gateway.start(gatewayPackages(), { memoryBytes: 8 * 1024 * MIB });
  try {
    const image = join(folder, 'image');
    await writeImage(image);
    const ours: Run[] = [];
    const theirs: Run[] = [];
    for (let pair = 1; pair <= PAIRS; pair++) {
      // Whoever is first in one pair is second in the next.
      const sides = [
        async () => ours.push(await datamotion(gateway, program, image, join(folder, `state-${pair}`), `ours-${pair}`)),
        async () => theirs.push(await restic(gateway, image, join(folder, `cache-${pair}`), `theirs-${pair}`)),
      ];
      for (const side of pair % 2 === 1 ? sides : sides.reverse()) await side();
    }
    return report(ours, theirs, gateway);
  } finally {
    await gateway.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function datamotion(
  gateway: Gateway,
  program: string,
  image: string,
  state: string,
  bucket: string,
): Promise<Run> {
  await createBucket(gateway, bucket);
  const store = `s3://${bucket}/backups?endpoint=${gateway.endpoint}`;
  const args = ['cloud', 'backup', image, '--store', store, '--name', 'image', '--state', state, '--json'];
  return await measured(gateway, bucket, process.execPath, [program, ...args], process.env);
}

async function restic(gateway: Gateway, image: string, cache: string, bucket: string): Promise<Run> {
  await createBucket(gateway, bucket);
  const { path, environment } = gateway.program('restic');
  const own = { ...environment, RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: cache };
  const repository = ['-r', `s3:${gateway.endpoint}/${bucket}`, '-o', 's3.bucket-lookup=path'];
  // The newest format, which compresses as ours does. Making the repository is not counted.
  const init = spawnSync(path, [...repository, 'init', '--repository-version', '2'], { env: withCredentials(own) });
  if (init.status !== 0) throw new Error(`restic init failed: ${init.stderr}`);
  return await measured(gateway, bucket, path, [...repository, 'backup', '--quiet', image], own);
}

/** Runs a program to its end; its time is that of the shell's `time`, which counts threads and children too. */
async function measured(
  gateway: Gateway,
  bucket: string,
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Run> {
  const before = gateway.requests();
  const child = spawn('bash', ['-c', 'TIMEFORMAT="TIMES %R %U %S"; time "$@"', 'bash', program, ...args], {
    env: { ...withCredentials(environment), LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  const times = /TIMES ([\d.]+) ([\d.]+) ([\d.]+)/.exec(said);
  if (status !== 0 || times === null) throw new Error(`${program} ${args.join(' ')} failed: ${said}`);
  const [wall = 0, user = 0, system = 0] = times.slice(1).map(Number);
  const requests = gateway.requests() - before;
  return { wallSeconds: wall, cpuSeconds: user + system, requests, storedBytes: gateway.storedBytes(bucket) };
}

function withCredentials(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...environment,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

async function createBucket({ endpoint }: Gateway, bucket: string): Promise<void> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}

/** A third does not compress, a third does by about half, a sixth repeats what was there, a sixth is a hole. */
async function writeImage(path: string): Promise<void> {
  const random = new SeededRandom(1);
  const file = await open(path, 'w');
  try {
    const written: number[] = [];
    for (let at = 0; at < IMAGE_BYTES; at += MIB) {
      const kind = random.next();
      if (kind < 1 / 6) continue;
      const repeats = kind < 2 / 6 && written.length > 0;
      const seed = repeats ? (written[Math.floor(random.next() * written.length)] ?? 0) : at;
      if (!repeats) written.push(at);
      await file.write(chunk(seed, kind < 4 / 6), 0, MIB, at);
    }
    await file.truncate(IMAGE_BYTES);
  } finally {
    await file.close();
  }
}

function chunk(seed: number, compressible: boolean): Uint8Array {
  const key = createHash('sha256').update(`chunk ${seed}`).digest();
  const content = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(new Uint8Array(MIB));
  // Half of every 128 bytes says nothing new.
  if (compressible) for (let at = 64; at < MIB; at += 128) content.fill(0x20, at, at + 64);
  return content;
}

function report(ours: readonly Run[], theirs: readonly Run[], gateway: Gateway): Report {
  const gib = IMAGE_BYTES / (1024 * MIB);
  const row = (side: string, pair: number, run: Run) => ({
    pair,
    side,
    'wall (s)': run.wallSeconds.toFixed(2),
    'client CPU (s)': run.cpuSeconds.toFixed(2),
    'requests per GiB': Math.round(run.requests / gib),
    'stored (MiB)': Math.round(run.storedBytes / MIB),
  });
  const rows = ours.flatMap((run, index) => {
    const their = theirs[index];
    return [row('datamotion', index + 1, run), ...(their ? [row('restic', index + 1, their)] : [])];
  });
  const ratio = (field: 'wallSeconds' | 'cpuSeconds') => median(ours, field) / median(theirs, field);
  const goal = (what: string, field: 'wallSeconds' | 'cpuSeconds', most: number) => ({
    goal: `${what} of the baseline at most ${most} of restic's`,
    measured: ratio(field).toFixed(2),
    met: ratio(field) <= most,
  });
  return {
    bench: 's3',
    setting: `image of ${IMAGE_BYTES / MIB} MiB, Ceph's object gateway on loopback with its data in memory, ${gateway.versions}`,
    rows,
    goals: [goal('median wall time', 'wallSeconds', MAX_WALL), goal('median client CPU', 'cpuSeconds', MAX_CPU)],
  };
}

function median(runs: readonly Run[], field: 'wallSeconds' | 'cpuSeconds'): number {
  const sorted = runs.map((run) => run[field]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
