/** Calls methods of the REST client of Cinder's NetApp driver, which runs in a Python process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PYTHON, type UnpackedPackages } from './debian-packages.ts';
import { type InteropScene, portOf } from './scene.ts';

/** What a method returned, or raised. */
export interface CinderAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: results are whatever the method returns
  readonly result?: any;
  readonly error?: { readonly type: string; readonly code: string; readonly message: string };
}

/** `limited` is the source cluster again, for a user who may not see its aggregates. */
export type CinderConnection = 'source' | 'destination' | 'limited';

/** For the source cluster of a scene. */
export const LIMITED_USER = {
  name: 'limited',
  password: 'simulated',
  role: 'admin',
  denied: ['/storage/aggregates*'],
} as const;

export class CinderRunner {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';
  /** Methods called, and how often. */
  readonly methods = new Map<string, number>();

  private constructor(process: ChildProcessWithoutNullStreams) {
    this.#process = process;
    process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  }

  /** @throws Error when the client cannot connect */
  static async start(packages: UnpackedPackages, scene: InteropScene): Promise<CinderRunner> {
    const { source, destination, ca, folder } = scene;
    const options = (cluster: InteropScene['source'], user = { name: cluster.user, password: cluster.password }) => ({
      hostname: '127.0.0.1',
      port: portOf(cluster),
      username: user.name,
      password: user.password,
      vserver: cluster.svms[0],
      ssl_cert_path: ca,
    });
    const child = spawn(
      PYTHON,
      [
        '-W',
        'ignore',
        join(import.meta.dirname, 'cinder', 'rest_client.py'),
        JSON.stringify({
          source: options(source),
          destination: options(destination),
          limited: options(source, LIMITED_USER),
        }),
      ],
      { cwd: folder, env: { HOME: folder, LC_ALL: 'C.UTF-8', NO_PROXY: '*', PYTHONPATH: packages.pythonPath } },
    );
    const runner = new CinderRunner(child);
    await runner.#next();
    return runner;
  }

  async call(cluster: CinderConnection, method: string, ...args: unknown[]): Promise<CinderAnswer> {
    this.methods.set(method, (this.methods.get(method) ?? 0) + 1);
    this.#process.stdin.write(`${JSON.stringify({ cluster, method, args })}\n`);
    return this.#next();
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await once(this.#process, 'close');
  }

  async #next(): Promise<CinderAnswer> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`Cinder's client ended: ${this.#stderr.slice(-1500)}`);
    return JSON.parse(value) as CinderAnswer;
  }
}
