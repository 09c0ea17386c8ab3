/**
 * 100 copies of files over 4 volumes, ours and a serial loop; and a stream through this host, out of a volume and into one, against curl
 * with the same requests on the same server. TRANSFER_MIB: bytes of the stream, default 1024.
 */
import { execFile, spawn } from 'node:child_process';
import {
  closeSync,
  createWriteStream,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createDataMotion, readConfiguration } from '../src/index.ts';
import { DEFAULT_RANGES_IN_FLIGHT } from '../src/run/transfer/byte-ends.ts';
import { configurationOf } from '../src/testing/index.ts';
import { type Bench, clustersWith, LATENCY_MS, measured } from './clusters.ts';
import type { Report } from './report.ts';

const VOLUMES = 4;
const COPIES = 100;
const MIB = 2 ** 20;
const STREAM_MIB = Number(process.env['TRANSFER_MIB'] ?? 1024);
const FASTER_THAN_SERIAL = 10;
const SHARE_OF_CURL = 0.5;

export async function transferBench(): Promise<Report> {
  const parallel = await copies((bench, each) => Promise.all(each.map((copy) => copy(bench))));
  const serial = await copies(async (bench, each) => {
    for (const copy of each) await copy(bench);
  });
  const stream = await streams();
  const row = (what: string, m: Awaited<ReturnType<typeof measured>>) => ({
    what,
    'wall (simulated s)': m.seconds.toFixed(1),
    requests: m.requests,
    'MiB/s': '',
  });
  const ratio = serial.seconds / parallel.seconds;
  return {
    bench: 'transfer',
    setting: `${LATENCY_MS} ms a request for the copies, on a virtual clock; ${STREAM_MIB} MiB over loopback in requests of 1 MiB, ${DEFAULT_RANGES_IN_FLIGHT} at once, for the streams`,
    rows: [
      row(`${COPIES} copies, all at once`, parallel),
      row(`${COPIES} copies, one after the other`, serial),
      ...stream.map(({ what, mibPerSecond }) => ({
        what,
        'wall (simulated s)': '',
        requests: STREAM_MIB,
        'MiB/s': mibPerSecond.toFixed(1),
      })),
    ],
    goals: [
      {
        goal: `at least ${FASTER_THAN_SERIAL} times as fast as the serial loop`,
        measured: `${ratio.toFixed(1)}x`,
        met: ratio >= FASTER_THAN_SERIAL,
      },
      ...(['out', 'in'] as const).map((way) => {
        const speed = (who: string) => stream.find(({ what }) => what === `${who}, ${way}`)?.mibPerSecond ?? 0;
        const share = speed('ours') / speed('curl');
        return {
          goal: `${way}: at least ${SHARE_OF_CURL} of curl's speed`,
          measured: share.toFixed(2),
          met: share >= SHARE_OF_CURL,
        };
      }),
    ],
  };
}

type Copy = (bench: Bench) => Promise<unknown>;

function copies(run: (bench: Bench, each: readonly Copy[]) => Promise<unknown>) {
  const bench = clustersWith(VOLUMES);
  const source = bench.world.cluster('cluster1');
  for (const name of bench.volumes) {
    for (let i = 0; i < COPIES / VOLUMES; i++)
      source.volume('svm1', name).write(`/f${i}`, 0, new Uint8Array(MIB / 4).fill(i));
  }
  const each = Array.from({ length: COPIES }, (_, i) => {
    const [from, to] = [i % VOLUMES, (i + 1) % VOLUMES].map((at) => bench.volumes[at]);
    const file = Math.floor(i / VOLUMES);
    const ends = { from: `cluster1:${from}/f${file}`, to: `cluster1:${to}/copied/${i}` };
    return ({ dataMotion }: Bench) => dataMotion.transfer(ends);
  });
  return measured(bench, () => run(bench, each));
}

interface Stream {
  readonly what: string;
  readonly mibPerSecond: number;
}

/** The server is a process of its own, as curl is. */
async function streams(): Promise<readonly Stream[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-transfer-'));
  const server = spawn(process.execPath, ['src/cli/main.ts', 'simulate'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await new Promise<string[]>((resolve) =>
      createInterface({ input: server.stdout }).once('line', (text) => resolve([text])),
    );
    const world = JSON.parse(line ?? '') as Parameters<typeof configurationOf>[0];
    const [cluster] = world.clusters;
    if (cluster === undefined) throw new Error('the simulated ONTAP has no cluster');
    const volume = await volumeOn(cluster);
    const local = await dataFile(folder);
    await using dataMotion = createDataMotion(readConfiguration(configurationOf(world)));
    const timed = async (what: string, work: () => Promise<unknown>): Promise<Stream> => {
      const startedAt = performance.now();
      await work();
      return { what, mibPerSecond: STREAM_MIB / ((performance.now() - startedAt) / 1000) };
    };
    const curl = (config: string) =>
      promisify(execFile)('curl', [
        '-sS',
        '-f',
        '-Z',
        '--parallel-max',
        String(DEFAULT_RANGES_IN_FLIGHT),
        '-K',
        config,
      ]);
    const api = `${cluster.url}/api/storage/volumes/${volume}/files`;
    const login = `user = "${cluster.user}:${cluster.password}"\n`;
    const offsets = Array.from({ length: STREAM_MIB }, (_, i) => i * MIB);

    const results = [await timed('ours, in', () => dataMotion.transfer({ from: local, to: 'cluster1:stream/a' }))];
    const parts = split(local, folder);
    await fetch(`${api}/b?overwrite=true`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${cluster.user}:${cluster.password}`)}` },
      body: formOf(new Uint8Array(1)),
    });
    const up = offsets.map(
      (offset, i) =>
        `${login}request = PATCH\nform = "data=@${parts[i]}"\noutput = /dev/null\nurl = "${api}/b?byte_offset=${offset}"`,
    );
    writeFileSync(join(folder, 'up'), up.join('\nnext\n'));
    results.push(await timed('curl, in', () => curl(join(folder, 'up'))));
    const out = join(folder, 'out');
    results.push(await timed('ours, out', () => dataMotion.transfer({ from: 'cluster1:stream/a', to: out })));
    const down = offsets.map(
      (offset, i) =>
        `${login}header = "Accept: multipart/form-data"\noutput = "${parts[i]}"\nurl = "${api}/a?byte_offset=${offset}&length=${MIB}"`,
    );
    writeFileSync(join(folder, 'down'), down.join('\nnext\n'));
    results.push(await timed('curl, out', () => curl(join(folder, 'down'))));
    if (statSync(out).size !== STREAM_MIB * MIB) throw new Error('the stream is not whole');
    return results;
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function formOf(bytes: Uint8Array<ArrayBuffer>): FormData {
  const form = new FormData();
  form.set('data', new Blob([bytes]), 'data');
  return form;
}

/** Its uuid. */
async function volumeOn({ url, user, password }: { url: string; user: string; password: string }): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${user}:${password}`)}`, 'content-type': 'application/json' };
  const body = { name: 'stream', svm: { name: 'svm1' }, aggregates: [{ name: 'aggr1' }], size: 4 * STREAM_MIB * MIB };
  const volumes = `${url}/api/storage/volumes`;
  await fetch(`${volumes}?return_timeout=60`, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = (await (await fetch(`${volumes}?name=stream`, { headers })).json()) as { records: { uuid: string }[] };
  return answer.records[0]?.uuid ?? '';
}

async function dataFile(folder: string): Promise<string> {
  const path = join(folder, 'data');
  const file = createWriteStream(path);
  for (let i = 0; i < STREAM_MIB; i++) {
    const block = Buffer.alloc(MIB, i % 251);
    block.writeUInt32LE(i);
    if (!file.write(block)) await new Promise<void>((resolve) => file.once('drain', () => resolve()));
  }
  await new Promise<void>((resolve) => file.end(() => resolve()));
  return path;
}

/** Parts of 1 MiB each, as curl sends them. */
function split(path: string, folder: string): readonly string[] {
  const from = openSync(path, 'r');
  const block = Buffer.alloc(MIB);
  try {
    return Array.from({ length: STREAM_MIB }, (_, i) => {
      readSync(from, block, 0, MIB, i * MIB);
      const part = join(folder, `part${i}`);
      writeFileSync(part, block);
      return part;
    });
  } finally {
    closeSync(from);
  }
}
