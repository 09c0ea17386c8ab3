/**
 * A real S3 server for tests: Ceph's object gateway with one monitor, one manager and one object daemon that keeps its
 * data in memory, run from unpacked packages in a folder of its own, on 127.0.0.1. Nothing of the machine is changed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type UnpackedPackages, unpackedPackages } from '../interop/debian-packages.ts';

/** What `gatewayPackages` asks apt-get for. */
const PACKAGES = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'ceph-common', 'restic'];

/** @throws Unavailable when they cannot be had here */
export function gatewayPackages(): UnpackedPackages {
  return unpackedPackages(PACKAGES, '.tmp/s3', /\.deb$/);
}

export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'testsecret' } as const;

export class Gateway {
  readonly endpoint: string;
  /** `radosgw 16.2.15, ...` */
  readonly versions: string;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #daemons: { readonly name: string; readonly child: ChildProcess }[] = [];
  readonly #onExit = () => this.#kill();

  private constructor(folder: string, environment: NodeJS.ProcessEnv, port: number, versions: string) {
    this.versions = versions;
    this.#folder = folder;
    this.#environment = environment;
    this.endpoint = `http://127.0.0.1:${port}`;
    process.on('exit', this.#onExit);
  }

  /** Up when it resolves; all that was started is stopped when it rejects. */
  static async start({ root, versions }: UnpackedPackages, { memoryBytes = 4 * GIB } = {}): Promise<Gateway> {
    // A short path: sockets below it have names of at most 107 bytes.
    const folder = mkdtempSync(join(tmpdir(), 's3-gateway-'));
    const [port, monitorPort] = [await freePort(), await freePort()];
    const gateway = new Gateway(
      folder,
      environmentOf(root),
      port,
      versions.filter((name) => /^(radosgw|restic) /.test(name)).join(', '),
    );
    try {
      await gateway.#start(root, port, monitorPort, memoryBytes);
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw error;
    }
  }

  /** Requests that it answered since it began. */
  requests(): number {
    const socket = join(this.#folder, 'run', 'client.admin.asok');
    return (JSON.parse(this.#run('ceph', ['--admin-daemon', socket, 'perf', 'dump'])) as { rgw: { req: number } }).rgw
      .req;
  }

  /** Bytes of the objects in a bucket. */
  storedBytes(bucket: string): number {
    const told = JSON.parse(this.#run('radosgw-admin', ['bucket', 'stats', `--bucket=${bucket}`])) as BucketStats;
    return told.usage['rgw.main']?.size_actual ?? 0;
  }

  /** The program of the gateway's packages with its environment. */
  program(name: string): { readonly path: string; readonly environment: NodeJS.ProcessEnv } {
    return { path: join(this.#environment['PACKAGES_ROOT'] ?? '', 'usr/bin', name), environment: this.#environment };
  }

  async stop(): Promise<void> {
    process.off('exit', this.#onExit);
    const ends = this.#daemons.map(({ child }) => ended(child));
    for (const { child } of [...this.#daemons].reverse()) child.kill('SIGTERM');
    await Promise.race([Promise.all(ends), pause(3_000)]);
    this.#kill();
    await Promise.all(ends);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(root: string, port: number, monitorPort: number, memoryBytes: number): Promise<void> {
    const at = (name: string) => join(this.#folder, name);
    for (const name of ['mon', 'mgr', 'osd', 'rgw', 'log', 'run']) mkdirSync(at(name));
    const cluster = randomUUID();
    writeFileSync(
      at('ceph.conf'),
      configuration({ root, folder: this.#folder, cluster, port, monitorPort, memoryBytes }),
    );
    const keyring = at('keyring');
    const all = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *'];
    this.#run('ceph-authtool', ['--create-keyring', keyring]);
    for (const name of ['mon.', 'client.admin', 'mgr.x', 'osd.0']) {
      this.#run('ceph-authtool', [keyring, '--gen-key', '-n', name, ...all]);
    }
    const address = `[v1:127.0.0.1:${monitorPort}]`;
    this.#run('monmaptool', ['--create', '--fsid', cluster, '--addv', 'a', address, at('monmap'), '--clobber']);
    this.#run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', at('monmap'), '--keyring', keyring]);
    this.#daemon('ceph-mon', ['-i', 'a']);
    await this.#connects(monitorPort);
    this.#daemon('ceph-mgr', ['-i', 'x']);
    const uuid = randomUUID();
    this.#run('ceph', ['osd', 'create', uuid, '0']);
    this.#run('ceph', ['osd', 'crush', 'add', 'osd.0', '1', 'host=h', 'root=default']);
    this.#run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', uuid]);
    this.#daemon('ceph-osd', ['-i', '0']);
    const { accessKeyId, secretAccessKey } = CREDENTIALS;
    const keys = [`--access-key=${accessKeyId}`, `--secret=${secretAccessKey}`];
    this.#run('radosgw-admin', ['user', 'create', '--uid=test', '--display-name=test', ...keys]);
    this.#daemon('radosgw', ['-n', 'client.admin']);
    await this.#connects(port);
  }

  #run(program: string, args: readonly string[]): string {
    const { status, stdout, stderr, error } = spawnSync(program, ['-c', join(this.#folder, 'ceph.conf'), ...args], {
      env: this.#environment,
      encoding: 'utf8',
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (status === 0) return stdout;
    throw new Error(`${program} ${args.join(' ')} failed: ${(stderr ?? '').trim() || error?.message}`);
  }

  #daemon(name: string, args: readonly string[]): void {
    const log = openSync(join(this.#folder, 'log', name), 'a');
    // It ends with this process, however that ends.
    const bound = ['--pdeathsig', 'SIGKILL', name, '-c', join(this.#folder, 'ceph.conf'), ...args, '-f'];
    const child = spawn('setpriv', bound, {
      env: this.#environment,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => {}); // Told by #connects.
    this.#daemons.push({ name, child });
  }

  async #connects(port: number): Promise<void> {
    for (let tries = 0; tries < 240; tries++) {
      if (await accepts(port)) return;
      const dead = this.#daemons.find(({ child }) => child.exitCode !== null || child.pid === undefined);
      if (dead !== undefined) break;
      await pause(250);
    }
    const logs = this.#daemons.map(({ name }) => `${name}: ${this.#lastWords(name)}`);
    throw new Error(`the gateway did not come up\n${logs.join('\n')}`);
  }

  #lastWords(name: string): string {
    return readFileSync(join(this.#folder, 'log', name), 'utf8')
      .trim()
      .split('\n')
      .slice(-3)
      .join('; ');
  }

  #kill(): void {
    for (const { child } of this.#daemons) child.kill('SIGKILL');
  }
}

const GIB = 2 ** 30;

/** The part of radosgw-admin's answer that is read. */
interface BucketStats {
  readonly usage: Readonly<Record<string, { readonly size_actual: number }>>;
}

function environmentOf(root: string): NodeJS.ProcessEnv {
  const at = (...paths: string[]) => paths.map((path) => join(root, path)).join(':');
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const libraries = at(`usr/lib/${triplet}`, `usr/lib/${triplet}/ceph`, `lib/${triplet}`, 'usr/lib');
  return {
    ...process.env,
    PACKAGES_ROOT: root,
    PATH: `${at('usr/bin', 'usr/sbin')}:/usr/bin:/bin`,
    LD_LIBRARY_PATH: libraries,
    PYTHONPATH: at('usr/lib/python3/dist-packages'),
  };
}

function configuration(options: {
  readonly root: string;
  readonly folder: string;
  readonly cluster: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly memoryBytes: number;
}): string {
  const { root, folder, cluster, port, monitorPort, memoryBytes } = options;
  const libraries = join(root, 'usr/lib', process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu');
  return `[global]
fsid = ${cluster}
mon host = [v1:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd class update on start = false
osd crush update on start = false
osd objectstore = memstore
memstore device bytes = ${memoryBytes}
mon allow pool size one = true
osd class dir = ${join(libraries, 'rados-classes')}
erasure code dir = ${join(libraries, 'ceph/erasure-code')}
plugin dir = ${join(libraries, 'ceph')}
mgr module path = ${join(root, 'usr/share/ceph/mgr')}
mon data = ${join(folder, 'mon')}
mgr data = ${join(folder, 'mgr')}
osd data = ${join(folder, 'osd')}
rgw data = ${join(folder, 'rgw')}
run dir = ${join(folder, 'run')}
admin socket = ${join(folder, 'run')}/$name.asok
log file = ${join(folder, 'log')}/$name.log
pid file =
keyring = ${join(folder, 'keyring')}
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw dynamic resharding = false
rgw crypt require ssl = false
[mon.a]
mon addr = 127.0.0.1:${monitorPort}
`;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
